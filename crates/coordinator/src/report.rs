//! What a run tells those who watch it: events while it goes on, a report at its end.

use serde::Serialize;
use units::{AccountId, DeviceId, Digest, Wei};

/// Something that happened in a run, in the order it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The ledger holds the project and its escrow.
    Opened {
        /// The run's id on the ledger.
        run: u64,
        /// What was deposited.
        deposited: Wei,
        /// True when an earlier process opened it and this one takes it up again.
        resumed: bool,
    },
    /// The coordinator listens and waits for workers.
    Listening {
        /// Socket addresses, comma separated.
        endpoint: String,
    },
    /// A device took a seat.
    Enrolled {
        /// The device.
        device: DeviceId,
        /// Who is paid for it.
        account: AccountId,
    },
    /// A device left, or lost its connection.
    Left {
        /// The device.
        device: DeviceId,
    },
    /// A round began.
    RoundOpened {
        /// The round, counted from 0.
        round: u32,
    },
    /// A worker made progress; for display only.
    Step {
        /// The device.
        device: DeviceId,
        /// The round.
        round: u32,
        /// Steps done of `steps`.
        step: u32,
        /// Steps of this round.
        steps: u32,
        /// Nats per token, as the worker says.
        loss: f32,
        /// Tokens a second, as the worker says.
        tokens_per_second: u32,
    },
    /// A device's work of a round is on the ledger.
    Committed {
        /// The round.
        round: u32,
        /// The device.
        device: DeviceId,
    },
    /// The round's updates became a new state.
    Advanced {
        /// The round.
        round: u32,
        /// Updates that went into the state.
        updates: usize,
        /// Validation loss in nats per byte, in the rounds in which it is measured.
        validation_loss: Option<f64>,
        /// The new state.
        state: Digest,
    },
    /// The ledger drew a commitment for audit.
    Drawn {
        /// The round.
        round: u32,
        /// Whose work is repeated.
        subject: DeviceId,
        /// By whom.
        auditor: DeviceId,
    },
    /// An audit found the work to be what was committed.
    AuditPassed {
        /// The round.
        round: u32,
        /// Whose work.
        subject: DeviceId,
    },
    /// An auditor found something else; the next auditor decides.
    Disputed {
        /// The round.
        round: u32,
        /// Whose work.
        subject: DeviceId,
        /// Who says so.
        auditor: DeviceId,
    },
    /// A device was caught with made-up work and is out.
    Convicted {
        /// The round.
        round: u32,
        /// The device.
        device: DeviceId,
        /// Its account.
        account: AccountId,
        /// Held pay that it lost.
        forfeited: Wei,
    },
    /// An auditor accused falsely and is out.
    FalseAuditor {
        /// The round.
        round: u32,
        /// The device.
        device: DeviceId,
    },
    /// No auditor could decide; the round stays unpaid for this device.
    Unresolved {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
    },
    /// The escrow paid.
    Paid {
        /// To whom.
        account: AccountId,
        /// For which device's work.
        device: DeviceId,
        /// Tokens trained, or repeated as auditor.
        tokens: u64,
        /// How much.
        amount: Wei,
        /// True when it was for an audit.
        audit: bool,
    },
    /// Something a person may want to know, such as a worker's update that could not be used.
    Note(String),
    /// The run is over on the ledger.
    Finished,
}

/// What went over the wire, in bytes, overhead of QUIC and UDP included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrafficReport {
    /// Workers to coordinator: updates, and evidence for audits.
    pub update_bytes_up: u64,
    /// Coordinator to workers: outer updates, shards, evidence for auditors, checkpoints for those who join.
    pub update_bytes_down: u64,
    /// Control messages, both ways.
    pub control_bytes: u64,
    /// What the same steps would have moved up as fp32 gradients every step: `4 · parameters · steps`, over all devices.
    pub fp32_every_step_bytes: u64,
}

/// What the audits found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Audits that ended with a verdict.
    pub performed: u32,
    /// The work was what was committed.
    pub passed: u32,
    /// It was not.
    pub failed: u32,
    /// Nobody could decide.
    pub unresolved: u32,
}

/// What one device earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payout {
    /// The account, `0x…`.
    pub account: String,
    /// The device's key in hex.
    pub device: String,
    /// Tokens that were verified and are paid or payable.
    pub tokens_verified: u64,
    /// Paid for work and audits, smallest unit, decimal.
    pub paid: String,
    /// `active`, `left`, `convicted` or `false auditor`.
    pub standing: String,
}

/// Where the escrow went; `deposited = paid + refunded` once the run is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EscrowReport {
    /// Smallest unit, decimal.
    pub deposited: String,
    /// Smallest unit, decimal.
    pub paid: String,
    /// Smallest unit, decimal.
    pub refunded: String,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Id on the ledger.
    pub id: u64,
    /// Rounds that became a state.
    pub rounds_completed: u32,
    /// Tokens verified, over all devices.
    pub tokens_verified: u64,
    /// Validation loss of the initial state, nats per byte.
    pub loss_initial: f64,
    /// Validation loss of the final state, nats per byte.
    pub loss_final: f64,
    /// Folder of the saved model.
    pub model_path: String,
    /// Digest of its parameters.
    pub model_digest: String,
}

/// Everything, for a person or as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The run.
    pub run: RunReport,
    /// Bytes moved.
    pub traffic: TrafficReport,
    /// What the audits found.
    pub audits: AuditReport,
    /// A row a device.
    pub payouts: Vec<Payout>,
    /// Where the money went.
    pub escrow: EscrowReport,
}
