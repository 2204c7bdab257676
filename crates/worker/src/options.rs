//! What a worker is told to do, and what it tells.

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
    /// Who is paid.
    pub account: AccountId,
    /// The device's key, which is its name on network and ledger.
    pub device: DeviceKey,
    /// The ledger, for reading only.
    pub ledger: Ledger,
    /// Its chain id, part of everything that is signed.
    pub chain_id: u64,
    /// Where shards and memories are kept.
    pub data_dir: PathBuf,
    /// Threads a computation may use.
    pub threads: usize,
    /// Vector instructions a computation uses.
    pub isa: Isa,
    /// Memory it may use, in bytes.
    pub memory_max: u64,
    /// How long to go on dialling a coordinator that does not answer.
    pub patience: Duration,
    /// Honest, unless the protection is being demonstrated.
    pub behaviour: Behaviour,
    /// Who wants to know what happens.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true when the owner wants the machine back.
    pub stop: watch::Receiver<bool>,
}

/// Something that happened, in the order it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The coordinator has taken this device in.
    Joined,
    /// The connection is gone; another is being tried.
    Disconnected {
        /// Why.
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
        /// How far and how fast.
        pace: Pace,
    },
    /// A round's work is handed in.
    Committed {
        /// The round.
        round: u32,
        /// Mean loss of its steps, nats per token.
        loss: f32,
        /// Tokens trained on.
        tokens: u64,
    },
    /// Another device's round is being repeated.
    AuditStarted {
        /// The round.
        round: u32,
        /// Whose.
        subject: DeviceId,
    },
    /// An audit is done.
    Audited {
        /// The round.
        round: u32,
        /// Whose.
        subject: DeviceId,
        /// What was found; nothing when the evidence could not be had.
        finding: Option<Finding>,
    },
    /// Ledger or coordinator did not take something.
    Refused {
        /// Why.
        reason: String,
    },
    /// A round or an audit could not be computed.
    Failed {
        /// The round.
        round: u32,
        /// Why.
        reason: String,
    },
}

impl Options {
    /// Tells whoever listens; nobody needs to.
    pub(crate) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(crate) fn device_id(&self) -> DeviceId {
        self.device.device()
    }

    /// `[seal, update, memory before, memory after]` as a signed commitment.
    pub(crate) fn sign_commitment(
        &self,
        run: u64,
        round: u32,
        digests: [Digest; 4],
    ) -> ToCoordinator {
        let [seal, update, memory_before, memory_after] = digests.map(|digest| *digest.as_bytes());
        let statement = statement::commit(
            self.chain_id,
            run,
            round,
            &seal,
            &update,
            &memory_before,
            &memory_after,
        );
        let signature = self.sign(&statement);
        ToCoordinator::Committed { round, seal, update, memory_before, memory_after, signature }
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
