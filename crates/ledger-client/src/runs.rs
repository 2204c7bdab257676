//! Devices and training runs: the functions of the native modules that change them.

use abi::{
    DEVICES, Devices, TRAINING_RUNS, TrainingRuns,
    convert::{address, device_word, digest_word as word},
};
use alloy_primitives::Bytes;
use ledger_views::runs::{RunEvent, sol_terms};
use training_run::{SeatIndex, Terms};
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
        (name, auditor): (&str, &DeviceId),
        announcement: &Announcement,
        deposit: Wei,
    ) -> Result<OpenedRun, LedgerError> {
        let call = TrainingRuns::openCall {
            terms: sol_terms(terms),
            name: name.to_owned(),
            auditor: device_word(*auditor),
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

    /// Names another auditing device; only the owner may.
    pub async fn set_auditor(&self, run: u64, auditor: &DeviceId) -> Result<Receipt, LedgerError> {
        let auditor = device_word(*auditor);
        self.change_run(&TrainingRuns::setAuditorCall { run, auditor }).await
    }

    /// Brings signed statements of devices, made by `abi::signed`, at most `abi::STATEMENTS_MAX`. Those that are refused are
    /// named in the events of the receipt.
    pub async fn relay(&self, statements: &[Vec<u8>]) -> Result<Receipt, LedgerError> {
        let statements = statements.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect();
        self.change_run(&TrainingRuns::relayCall { statements }).await
    }

    /// Closes a round: by the owner once there is a quorum, by anyone after the deadline.
    pub async fn close_round(&self, run: u64, round: u32) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::closeCall { run, round }).await
    }

    /// Extends a deadline that passed without a quorum.
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

    /// Draws what is due in a round: audits, second audits, auditors in place of silent ones.
    pub async fn draw(&self, run: u64, round: u32) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::drawCall { run, round }).await
    }

    /// Does what is due for seats.
    pub async fn settle(&self, run: u64, seats: &[SeatIndex]) -> Result<Receipt, LedgerError> {
        self.change_run(&TrainingRuns::settleCall { run, seats: seats.to_vec() }).await
    }

    /// Disputes a commitment with a bond.
    pub async fn dispute(
        &self,
        run: u64,
        round: u32,
        subject: &DeviceId,
        bond: Wei,
    ) -> Result<Receipt, LedgerError> {
        let subject = device_word(*subject);
        self.write(TRAINING_RUNS, &TrainingRuns::disputeCall { run, round, subject }, bond).await
    }

    /// Ends a dispute that the referees did not rule on in time.
    pub async fn expire(
        &self,
        run: u64,
        round: u32,
        subject: &DeviceId,
    ) -> Result<Receipt, LedgerError> {
        let subject = device_word(*subject);
        self.change_run(&TrainingRuns::expireCall { run, round, subject }).await
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

fn bytes(signature: &Signature) -> Bytes {
    Bytes::copy_from_slice(signature)
}
