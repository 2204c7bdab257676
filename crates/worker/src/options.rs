//! Options and events of a worker.

use std::{path::PathBuf, time::Duration};

use abi::{TrainingRuns::Verdict, statement};
use ledger_client::Ledger;
use model::instructions::Isa;
use tokio::sync::{mpsc, watch};
use transport::message::{ToCoordinator, WireSignature};
use units::{AccountId, DeviceId, Digest};
use wallet::DeviceKey;

use crate::{
    misbehaviour::Behaviour,
    work::{Finding, Pace},
};

/// How a device takes part in a run.
pub struct Options {
    /// The run.
    pub run: u64,
    /// The account that is paid.
    pub account: AccountId,
    /// The device's key, its identity on network and ledger.
    pub device: DeviceKey,
    /// The ledger, for reading only.
    pub ledger: Ledger,
    /// Chain id of the ledger, part of everything that is signed.
    pub chain_id: u64,
    /// Folder for shards.
    pub data_dir: PathBuf,
    /// Disk space that the worker may use, in bytes.
    pub disk_max: u64,
    /// Number of threads of a computation.
    pub threads: usize,
    /// Vector instructions of a computation.
    pub isa: Isa,
    /// Memory that the worker may use, in bytes.
    pub memory_max: u64,
    /// How long to try to reach a coordinator that does not answer.
    pub patience: Duration,
    /// `Honest`, except in demonstrations of cheating.
    pub behaviour: Behaviour,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true when the owner stops the worker.
    pub stop: watch::Receiver<bool>,
}

/// An event; events are sent in the order in which they happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The device has its seat and is connected.
    Joined,
    /// The connection was lost; the worker tries to connect again.
    Disconnected {
        /// The reason.
        reason: String,
    },
    /// A round is being prepared and trained.
    RoundStarted {
        /// The round.
        round: u32,
    },
    /// A step is done.
    Paced {
        /// The round.
        round: u32,
        /// Progress and speed.
        pace: Pace,
    },
    /// A round's work was submitted.
    Committed {
        /// The round.
        round: u32,
        /// Mean loss of its steps, nats per token.
        loss: f32,
        /// Tokens trained on.
        tokens: u64,
    },
    /// Another device's round is being replayed.
    AuditStarted {
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// An audit is done.
    Audited {
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
        /// The finding; `None` when the data was not available.
        finding: Option<Finding>,
    },
    /// The ledger or the coordinator refused a message.
    Refused {
        /// The reason.
        reason: String,
    },
    /// The ledger has dropped the device from the run; it enrols again.
    Dropped,
    /// A round or an audit could not be computed.
    Failed {
        /// The round.
        round: u32,
        /// The reason.
        reason: String,
    },
}

impl Options {
    /// Sends an event; it does not matter if nobody receives it.
    pub(crate) fn emit(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(crate) fn device_id(&self) -> DeviceId {
        self.device.device()
    }

    /// Signs the commitment `[seal, update]`.
    pub(crate) fn sign_commitment(
        &self,
        run: u64,
        round: u32,
        digests: [Digest; 2],
    ) -> ToCoordinator {
        let [seal, update] = digests.map(|digest| *digest.as_bytes());
        let signature = self.sign(&statement::commit(self.chain_id, run, round, &seal, &update));
        ToCoordinator::Committed { round, seal, update, signature }
    }

    pub(crate) fn sign_verdict(
        &self,
        run: u64,
        round: u32,
        subject: &DeviceId,
        kind: Verdict,
        value: &Digest,
    ) -> ToCoordinator {
        let (subject, value) = (*subject.as_bytes(), *value.as_bytes());
        let signature =
            self.sign(&statement::verdict(self.chain_id, run, round, &subject, kind, &value));
        ToCoordinator::Verdict { round, subject, kind: kind.into(), value, signature }
    }

    pub(crate) fn sign_leave(&self, run: u64, round: u32) -> ToCoordinator {
        ToCoordinator::Leaving {
            round,
            signature: self.sign(&statement::leave(self.chain_id, run, round)),
        }
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> WireSignature {
        WireSignature::from_bytes(&self.device.sign(statement))
    }
}
