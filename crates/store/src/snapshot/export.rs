//! Writes a ledger's head into a snapshot.

use super::{
    FRAME_SIZE, HEADERS_MAX, SnapshotError, SnapshotSummary,
    frames::{FrameWriter, Kind},
};
use crate::{
    encoding::{self, put_bytes},
    error::StoreError,
    reader::Reader,
    state::code_of,
    store::Store,
};
use alloy_consensus::transaction::Recovered;
use alloy_primitives::B256;
use execution::Genesis;
use std::{collections::BTreeSet, io::Write, marker::PhantomData};

/// The head at the time of the export; later blocks may be added while it is written. It borrows the store, because a
/// closed store can't be read.
pub struct PendingExport<'a> {
    store: PhantomData<&'a Store>,
    genesis: Genesis,
    reader: Reader,
}

impl Store {
    /// Begins a snapshot of the head.
    ///
    /// # Errors
    /// [`StoreError::Empty`] without a genesis block; [`StoreError::NotAllowed`] in development, where a state may
    /// belong to no block.
    pub fn export(&self) -> Result<PendingExport<'_>, StoreError> {
        if self.marks.is_some() {
            let what = "a development ledger has no snapshots";
            return Err(StoreError::NotAllowed { path: self.path.clone(), what });
        }
        let reader = self.reader()?;
        let genesis =
            self.genesis()?.ok_or_else(|| reader.damaged("its genesis file is missing"))?;
        Ok(PendingExport { store: PhantomData, genesis, reader })
    }
}

impl PendingExport<'_> {
    /// Writes the snapshot; calls `report` with the number of written entries. Needs little memory, for any size of the
    /// state.
    ///
    /// # Errors
    /// [`SnapshotError`] when the ledger can't be read or `out` can't be written.
    pub fn write(
        &self,
        out: impl Write,
        report: &mut dyn FnMut(u64),
    ) -> Result<SnapshotSummary, SnapshotError> {
        let mut frames = FrameWriter::new(out)?;
        let head = self.reader.head();
        frames.write(Kind::Genesis, self.genesis.to_json().as_bytes())?;
        frames.write(Kind::Headers, &self.headers()?)?;
        frames.write(Kind::Block, &self.block()?)?;
        let (entry_count, codes) = self.write_entries(&mut frames, report)?;
        self.write_codes(&mut frames, &codes)?;
        let code_count = codes.len() as u64;
        frames.write(Kind::End, &[entry_count.to_be_bytes(), code_count.to_be_bytes()].concat())?;
        frames.finish()?;
        Ok(SnapshotSummary {
            chain_id: self.genesis.chain_id,
            genesis_hash: self.genesis.block().map_err(StoreError::from)?.hash,
            block_number: head.number,
            block_hash: head.hash(),
            state_root: head.state_root,
            entry_count,
            code_count,
        })
    }

    fn headers(&self) -> Result<Vec<u8>, SnapshotError> {
        let head = self.reader.head().number;
        let mut bytes = Vec::new();
        for number in (head + 1).saturating_sub(HEADERS_MAX)..=head {
            let header = self.reader.header(number)?;
            let header = header.ok_or_else(|| self.missing(number))?;
            put_bytes(&mut bytes, &alloy_rlp::encode(header.inner()));
        }
        Ok(bytes)
    }

    fn block(&self) -> Result<Vec<u8>, SnapshotError> {
        let number = self.reader.head().number;
        let block = self.reader.block(number)?.ok_or_else(|| self.missing(number))?;
        let receipts = self.reader.receipts(number)?.ok_or_else(|| self.missing(number))?;
        let proof = self.reader.proof(number)?.unwrap_or_default();
        let transactions = block.transactions.iter().map(Recovered::inner);
        let mut bytes = Vec::new();
        put_bytes(&mut bytes, &proof);
        put_bytes(&mut bytes, &encoding::list_to_bytes(transactions));
        put_bytes(&mut bytes, &encoding::list_to_bytes(receipts.iter()));
        Ok(bytes)
    }

    fn write_entries(
        &self,
        frames: &mut FrameWriter<impl Write>,
        report: &mut dyn FnMut(u64),
    ) -> Result<(u64, BTreeSet<B256>), SnapshotError> {
        let (mut count, mut codes) = (0, BTreeSet::new());
        let mut bytes = Vec::with_capacity(FRAME_SIZE + 256);
        for entry in self.reader.commitment().entries(&self.reader) {
            let entry = entry.map_err(|error| self.reader.of_state(error))?;
            entry.write(&mut bytes);
            count += 1;
            codes.extend(code_of(&entry));
            if bytes.len() >= FRAME_SIZE {
                frames.write(Kind::Entries, &bytes)?;
                bytes.clear();
                report(count);
            }
        }
        if !bytes.is_empty() {
            frames.write(Kind::Entries, &bytes)?;
        }
        report(count);
        Ok((count, codes))
    }

    fn write_codes(
        &self,
        frames: &mut FrameWriter<impl Write>,
        codes: &BTreeSet<B256>,
    ) -> Result<(), SnapshotError> {
        let mut bytes = Vec::new();
        for code_hash in codes {
            put_bytes(&mut bytes, &self.reader.code(code_hash)?);
            if bytes.len() >= FRAME_SIZE {
                frames.write(Kind::Codes, &bytes)?;
                bytes.clear();
            }
        }
        if !bytes.is_empty() {
            frames.write(Kind::Codes, &bytes)?;
        }
        Ok(())
    }

    fn missing(&self, number: u64) -> SnapshotError {
        self.reader.damaged(format!("block {number} is missing")).into()
    }
}
