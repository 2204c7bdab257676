//! Options and events of a worker.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use abi::signed::Signer;
use calculator::{Calculator, Pace};
use ledger_client::Ledger;
use machine::Machine;
use model::instructions::Isa;
use tokio::sync::{mpsc, watch};
use training_run::Bar;
use transport::Network;
use units::{AccountId, DeviceId};
use wallet::DeviceKey;

use crate::{conduct::Conduct, connect::Resources, replay::Finding};

/// How a device takes part in a run.
pub struct Options {
    /// The run.
    pub run: u64,
    /// The account that is paid.
    pub account: AccountId,
    /// The device's key, its identity on network and ledger.
    pub device: DeviceKey,
    /// The ledger, for reading, and for statements that the coordinator does not bring there.
    pub ledger: Ledger,
    /// The network on which the coordinator is reached.
    pub network: Arc<dyn Network>,
    /// The machine that computes.
    pub machine: Arc<dyn Machine>,
    /// What computes rounds and replays on it.
    pub calculator: Arc<dyn Calculator>,
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
    /// How the device does its rounds and audits.
    pub conduct: Conduct,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true when the owner stops the worker.
    pub stop: watch::Receiver<bool>,
    /// Whether a worker that is stopped keeps its seat, because it will be back: it is asked when the worker stops.
    pub keeps_seat: Arc<AtomicBool>,
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
    /// A round's work is committed: its commitment is in a block.
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
        /// The finding.
        finding: Finding,
    },
    /// The ledger refused a statement.
    Refused {
        /// The reason.
        reason: String,
    },
    /// The ledger has dropped the device from the run, because it missed rounds; it enrols again after a few rounds.
    Dropped,
    /// The ledger has expelled the device for good.
    Expelled {
        /// For which round, and why.
        bar: Bar,
    },
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

    pub(crate) fn resources(&self) -> Resources {
        let Self { machine, calculator, data_dir, disk_max, threads, isa, memory_max, .. } = self;
        Resources {
            machine: Arc::clone(machine),
            calculator: Arc::clone(calculator),
            data_dir: data_dir.clone(),
            disk_max: *disk_max,
            threads: *threads,
            isa: *isa,
            memory_max: *memory_max,
        }
    }

    /// Returns what makes this device's statements.
    pub(crate) fn sign<T>(&self, make: impl FnOnce(Signer<'_>) -> T) -> T {
        sign(&self.device, self.ledger.chain_id(), make)
    }
}

/// Makes a statement of a device for the ledger with this chain id.
pub(crate) fn sign<T>(device: &DeviceKey, chain_id: u64, make: impl FnOnce(Signer<'_>) -> T) -> T {
    let id = abi::convert::device_word(device.device());
    make(Signer { device: id, chain_id, sign: &|statement| device.sign(statement) })
}
