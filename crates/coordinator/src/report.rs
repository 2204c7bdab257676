//! Events during a run, and the report at its end.

use serde::Serialize;
use training_run::Cause;
use units::{AccountId, DeviceId, Digest, Wei};

/// An event of a run; events are sent in the order in which they happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run and its escrow are on the ledger.
    Opened {
        /// The run's id on the ledger.
        run: u64,
        /// The deposit.
        deposited: Wei,
        /// The price of a token.
        price_per_token: Wei,
        /// Rounds that are done.
        round: u32,
        /// Rounds in all.
        rounds: u32,
        /// Whether an earlier process opened the run and this one resumes it.
        resumed: bool,
    },
    /// The coordinator was stopped; the run stays open.
    Stopped {
        /// The run's id on the ledger.
        run: u64,
        /// What is in escrow.
        escrow: Wei,
    },
    /// The run waits for more workers.
    Gathered {
        /// Seats that are taken.
        count: u32,
        /// Seats that are needed.
        needed: u32,
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
        /// The account that is paid for it.
        account: AccountId,
    },
    /// A device left, or lost its connection.
    Left {
        /// The device.
        device: DeviceId,
    },
    /// A round opened.
    RoundOpened {
        /// The round, counted from 0.
        round: u32,
    },
    /// A worker reported progress; for display only.
    Step {
        /// The device.
        device: DeviceId,
        /// The round.
        round: u32,
        /// Steps done of `steps`.
        step: u32,
        /// Steps of this round.
        steps: u32,
        /// Loss in nats per token, as reported by the worker.
        loss: f32,
        /// Tokens per second, as reported by the worker.
        tokens_per_second: u32,
    },
    /// A device's commitment to a round is on the ledger.
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
        /// Number of aggregated updates.
        updates: usize,
        /// The new state.
        state: Digest,
    },
    /// The loss after a round was measured, over the beginning of the validation text.
    Measured {
        /// The round.
        round: u32,
        /// Validation loss in nats per byte.
        loss: f64,
    },
    /// The ledger drew a commitment for audit.
    Drawn {
        /// The round.
        round: u32,
        /// Device whose work is replayed.
        subject: DeviceId,
        /// Device that replays it.
        auditor: DeviceId,
    },
    /// An audit passed.
    AuditPassed {
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
    },
    /// An auditor did not answer, or could not get the data; another one is drawn.
    Silent {
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
        /// The auditor.
        auditor: DeviceId,
    },
    /// A replay gave something else, or no auditor answered: the referee decides.
    Disputed {
        /// The round.
        round: u32,
        /// The audited device.
        subject: DeviceId,
        /// The device whose replay it was; zero for an account, and if no auditor answered.
        accuser: DeviceId,
    },
    /// A dispute is over, and the work counts.
    Upheld {
        /// The round.
        round: u32,
        /// The device.
        subject: DeviceId,
        /// Whether the referee replayed the round; else it could not get the data.
        is_replayed: bool,
    },
    /// A device was expelled.
    Expelled {
        /// The round it was about.
        round: u32,
        /// The device.
        device: DeviceId,
        /// Its account.
        account: AccountId,
        /// Why.
        cause: Cause,
        /// Its forfeited pay.
        forfeited: Wei,
    },
    /// A device's work counts as verified.
    Verified {
        /// The round.
        round: u32,
        /// The device.
        device: DeviceId,
        /// Tokens trained.
        tokens: u64,
    },
    /// The escrow paid.
    Paid {
        /// The paid account.
        account: AccountId,
        /// The device that worked.
        device: DeviceId,
        /// The amount.
        amount: Wei,
    },
    /// A message for the user, such as an update that could not be used.
    Note(String),
    /// The run has ended on the ledger.
    Finished,
}

/// Network traffic in bytes, overhead of QUIC and UDP included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrafficReport {
    /// Workers to coordinator: updates.
    pub update_bytes_up: u64,
    /// Coordinator to workers: outer updates, shards, checkpoints for those who join.
    pub update_bytes_down: u64,
    /// Control messages, both ways.
    pub control_bytes: u64,
    /// Traffic of the same steps with an fp32 gradient sent in every step: `4 · parameters · steps`, over all devices.
    pub fp32_every_step_bytes: u64,
}

/// Results of the audits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// Audits that ended with a verdict.
    pub performed: u32,
    /// Audits that passed.
    pub passed: u32,
    /// Audits that ended in a conviction.
    pub failed: u32,
    /// Audits that neither an auditor nor the referee could do, because data could not be had: the work counts.
    pub unresolved: u32,
}

/// Earnings of one device.
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
    /// `active`, `left`, `convicted`, `false auditor` or `vouched`.
    pub standing: String,
}

/// Amounts of the escrow; `deposited = paid + refunded` once the run has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EscrowReport {
    /// Deposit in the smallest unit, decimal.
    pub deposited: String,
    /// Paid amount in the smallest unit, decimal.
    pub paid: String,
    /// Refunded amount in the smallest unit, decimal.
    pub refunded: String,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunReport {
    /// Id on the ledger.
    pub id: u64,
    /// How it ended: `completed`, `cancelled`, `abandoned`, or `diverged`.
    pub ending: String,
    /// Why the coordinator ended it early, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of rounds that have a state.
    pub rounds_completed: u32,
    /// Tokens verified, over all devices.
    pub tokens_verified: u64,
    /// Validation loss of the initial state, nats per byte; `None` if the validation text is not here.
    pub loss_initial: Option<f64>,
    /// Validation loss of the final state, nats per byte.
    pub loss_final: Option<f64>,
    /// Folder of the saved model.
    pub model_path: String,
    /// Digest of its parameters: the state on the ledger.
    pub model_digest: String,
    /// Numbers of rounds whose states are on disk, from which `--rewind` can start a new run.
    pub rewindable: Vec<u32>,
}

/// The whole report, for display or as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The run.
    pub run: RunReport,
    /// Network traffic.
    pub traffic: TrafficReport,
    /// Results of the audits.
    pub audits: AuditReport,
    /// Earnings, one entry per device.
    pub payouts: Vec<Payout>,
    /// Amounts of the escrow.
    pub escrow: EscrowReport,
}
