//! The messages of coordinator and worker on the control stream.
//!
//! Large content is sent as blobs and identified here by digest. No message is trusted: a worker checks what it
//! receives against the ledger, and the coordinator can only relay what a device has signed.

use serde::{Deserialize, Serialize};

/// Version of these messages, and of what a round computes: a peer with another version gets an error and is disconnected, before
/// its work would be taken for made up.
pub const PROTOCOL: u32 = 6;

/// Longest explanation in a message, in bytes.
pub const REASON_BYTES_MAX: usize = 400;

/// A BLAKE3 digest on the wire.
pub type WireDigest = [u8; 32];

/// Why a device connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// It trains, and audits what it is drawn for.
    Worker,
    /// It is the owner's auditing device.
    Auditor,
    /// It is a referee of the ledger and has to replay a disputed round.
    Referee,
    /// It repeats a round because somebody wants to know.
    Observer,
}

/// From a worker to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToCoordinator {
    /// First message on a connection; the device is the connection's identity.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The run.
        run: u64,
        /// Why it connects.
        role: Role,
    },
    /// A signed statement for the ledger, as `abi::signed` makes it: a call of `Devices.link`, or of `TrainingRuns.enroll`,
    /// `leave`, `commit` or `verdict`.
    Statement(Vec<u8>),
    /// A state that the device needs to repeat a round: it shall be served.
    Wanted {
        /// The round.
        round: u32,
    },
    /// Progress, for display only.
    Progress {
        /// The round being trained.
        round: u32,
        /// Steps done.
        step: u32,
        /// Steps of the round.
        steps: u32,
        /// Loss in thousandths of nats per token, so that messages contain no floats.
        loss_milli: u32,
        /// Speed of this device in this round.
        tokens_per_second: u32,
    },
    /// This device's training of the round diverged, so it can't commit. The coordinator replays the round to check it.
    Diverged {
        /// The round.
        round: u32,
    },
    /// Whether the device holds a blob that it was asked to keep or to serve; what it was asked to serve, it serves now.
    Held {
        /// Digest of the blob.
        blob: WireDigest,
        /// Whether it does.
        is_held: bool,
    },
}

/// From the coordinator to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Answer to `Hello`: the device has its seat on the ledger, or needs none.
    Welcome {
        /// Canonical bytes of the run's specification; their digest is in the terms.
        spec: Vec<u8>,
        /// Canonical bytes of the corpus manifest; their digest is in the terms.
        manifest: Vec<u8>,
    },
    /// A round is open.
    Round {
        /// The round.
        round: u32,
        /// Digest of the state to start from, which is also the digest of the checkpoint blob.
        base: WireDigest,
        /// Digest of the previous state, if the outer update leads from it to `base`.
        previous: WireDigest,
        /// Digest of the outer update blob, or zero.
        update: WireDigest,
    },
    /// The base state of a round is served.
    Served {
        /// The round.
        round: u32,
        /// Digest of its base state; zero when it can't be had.
        base: WireDigest,
    },
    /// This device was drawn to audit.
    Audit {
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: [u8; 32],
        /// Digest of that round's base state, which is also the digest of the checkpoint blob.
        base: WireDigest,
    },
    /// The ledger or the coordinator refused a message.
    Refused {
        /// The reason, at most [`REASON_BYTES_MAX`] bytes.
        reason: String,
    },
    /// The run has ended.
    Finished,
    /// An outer update, before its digest is on the ledger: the device fetches it now, so that it is not lost with the
    /// coordinator.
    Keep {
        /// Digest of the outer update blob.
        update: WireDigest,
    },
    /// Another coordinator takes the run over: the device shall serve a blob of the run.
    Serve {
        /// Digest of the specification, the manifest, a shard, a state or an outer update.
        blob: WireDigest,
    },
    /// The ledger has a statement of this device.
    Relayed,
}

#[cfg(test)]
mod tests;
