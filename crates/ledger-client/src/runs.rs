//! Devices and training runs: the functions of the native modules that change them.

use abi::{
    DEVICES, Devices, TRAINING_RUNS, TrainingRuns,
    convert::{address, device_word, digest_word as word},
};
use alloy_primitives::Bytes;
use ledger_views::runs::{RunEvent, sol_terms};
use training_run::{Commitment, Terms};
use units::{AccountId, DeviceId, Digest, Wei};

use crate::{Ledger, LedgerError, Receipt};

/// An ed25519 signature by a device, over a statement of `abi::statement`.
pub type Signature = [u8; 64];

/// A run's metadata: coordinator key and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Key of the coordinator.
    pub coordinator: DeviceId,
    /// Its socket addresses, comma separated.
    pub endpoint: String,
}

/// A run that was just opened.
#[derive(Clone, Debug)]
pub struct OpenedRun {
    /// Its id.
    pub run: u64,
    /// The transaction.
    pub receipt: Receipt,
}

/// A device's commitment with its signature over `statement::commit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCommitment {
    /// The device.
    pub device: DeviceId,
    /// The commitment.
    pub commitment: Commitment,
    /// Its signature.
    pub signature: Signature,
}

/// An auditor's finding with its signature over `statement::verdict`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVerdict {
    /// The audited round.
    pub round: u32,
    /// The audited device.
    pub subject: DeviceId,
    /// The device that replayed the work.
    pub auditor: DeviceId,
    /// What was found.
    pub kind: TrainingRuns::Verdict,
    /// The root, or the root sealed for the auditor, or zero.
    pub value: Digest,
    /// The auditor's signature.
    pub signature: Signature,
}

/// Each function waits until the change is in a block, and fails with [`LedgerError`]: in particular
/// [`LedgerError::Refused`] when a rule refuses it, at no cost.
impl Ledger {
    /// Links a device to the account that is paid for its work.
    pub async fn link_device(
        &self,
        device: &DeviceId,
        account: &AccountId,
        nonce: u64,
        signature: &Signature,
    ) -> Result<Receipt, LedgerError> {
        let (device, account, signature) =
            (device_word(*device), address(*account), bytes(signature));
        self.write(DEVICES, &Devices::linkCall { device, account, nonce, signature }, Wei::ZERO)
            .await
    }

    /// Opens a run with its escrow.
    pub async fn open_run(
        &self,
        terms: &Terms,
        name: &str,
        announcement: &Announcement,
        deposit: Wei,
    ) -> Result<OpenedRun, LedgerError> {
        let call = TrainingRuns::openCall {
            terms: sol_terms(terms),
            name: name.to_owned(),
            coordinator: device_word(announcement.coordinator),
            endpoint: announcement.endpoint.clone(),
        };
        let receipt = self.write(TRAINING_RUNS, &call, deposit).await?;
        let malformed = |reason: &str| self.shared.node.malformed(reason);
        let events = receipt.events().map_err(|error| malformed(&error.to_string()))?;
        let opened = events.into_iter().find_map(|(run, event)| match event {
            RunEvent::Opened { .. } => Some(run),
            _ => None,
        });
        let run = opened.ok_or_else(|| malformed("a run was opened, but its event is missing"))?;
        Ok(OpenedRun { run, receipt })
    }

    /// Publishes a new coordinator address; only the owner may.
    pub async fn announce(
        &self,
        run: u64,
        announcement: &Announcement,
    ) -> Result<Receipt, LedgerError> {
        let (coordinator, endpoint) =
            (device_word(announcement.coordinator), announcement.endpoint.clone());
        self.change_run(&TrainingRuns::announceCall { run, coordinator, endpoint }).await
    }

    /// Takes a seat for a device.
    pub async fn enroll(
        &self,
        run: u64,
        device: &DeviceId,
        signature: &Signature,
    ) -> Result<Receipt, LedgerError> {
        let (device, signature) = (device_word(*device), bytes(signature));
        self.change_run(&TrainingRuns::enrollCall { run, device, signature }).await
    }

    /// Gives up a device's seat.
    pub async fn leave(
        &self,
        run: u64,
        round: u32,
        device: &DeviceId,
        signature: &Signature,
    ) -> Result<Receipt, LedgerError> {
        let (device, signature) = (device_word(*device), bytes(signature));
        self.change_run(&TrainingRuns::leaveCall { run, device, round, signature }).await
    }

    /// Relays commitments, at most `abi::COMMITMENTS_MAX`: all or none.
    pub async fn commit(
        &self,
        run: u64,
        round: u32,
        commitments: &[SignedCommitment],
    ) -> Result<Receipt, LedgerError> {
        let commitments = commitments.iter().map(wire_commitment).collect();
        self.change_run(&TrainingRuns::commitCall { run, round, commitments }).await
    }

    /// Closes a round: by the owner once there is a quorum, by anyone after the deadline.
    pub async fn close_round(&self, run: u64, round: u32) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::closeCall { run, round }).await
    }

    /// Counts a missed round for silent devices after a deadline without a quorum.
    pub async fn lapse(&self, run: u64, round: u32) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::lapseCall { run, round }).await
    }

    /// Publishes the state of a closed round, as the digests `(state, update)`; only the owner may.
    pub async fn advance(
        &self,
        run: u64,
        round: u32,
        (state, update): (&Digest, &Digest),
    ) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::advanceCall {
            run,
            round,
            state: word(*state),
            update: word(*update),
        })
        .await
    }

    /// Draws the audits of a round.
    pub async fn draw(&self, run: u64, round: u32) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::drawCall { run, round }).await
    }

    /// Relays an auditor's finding.
    pub async fn verdict(&self, run: u64, verdict: &SignedVerdict) -> Result<Receipt, LedgerError> {
        let call = TrainingRuns::verdictCall {
            run,
            round: verdict.round,
            subject: device_word(verdict.subject),
            auditor: device_word(verdict.auditor),
            kind: verdict.kind,
            value: word(verdict.value),
            signature: bytes(&verdict.signature),
        };
        self.change_run(&call).await
    }

    /// Replaces an auditor that missed its deadline.
    pub async fn redraw(
        &self,
        run: u64,
        round: u32,
        subject: &DeviceId,
    ) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::redrawCall { run, round, subject: device_word(*subject) })
            .await
    }

    /// Opens no more rounds; only the owner may.
    pub async fn cancel(&self, run: u64) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::cancelCall { run }).await
    }

    /// Opens no more rounds, because nothing has happened for too long.
    pub async fn abandon(&self, run: u64) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::abandonCall { run }).await
    }

    async fn change_run<C: alloy_sol_types::SolCall>(
        &self,
        call: &C,
    ) -> Result<Receipt, LedgerError> {
        self.write(TRAINING_RUNS, call, Wei::ZERO).await
    }
}

fn wire_commitment(signed: &SignedCommitment) -> TrainingRuns::Commitment {
    let Commitment { seal, update } = &signed.commitment;
    TrainingRuns::Commitment {
        device: device_word(signed.device),
        seal: word(*seal),
        update: word(*update),
        signature: bytes(&signed.signature),
    }
}

fn bytes(signature: &Signature) -> Bytes {
    Bytes::copy_from_slice(signature)
}
