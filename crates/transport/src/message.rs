//! The messages of coordinator and worker on the control stream.
//!
//! Large content is sent as blobs and identified here by digest. No message is trusted: a worker checks what it
//! receives against the ledger, and the coordinator can only relay what a device has signed.

use serde::{Deserialize, Serialize};

/// Version of these messages; a peer with another version gets an error and is disconnected.
pub const PROTOCOL: u32 = 2;

/// Longest explanation in a message, in bytes.
pub const REASON_BYTES_MAX: usize = 400;

/// A BLAKE3 digest on the wire.
pub type WireDigest = [u8; 32];

/// An ed25519 signature over a statement of `abi::statement`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireSignature {
    /// First half, `R`.
    pub r: [u8; 32],
    /// Second half, `s`.
    pub s: [u8; 32],
}

impl WireSignature {
    /// Splits the usual encoding of 64 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..]);
        Self { r, s }
    }

    /// Returns the usual encoding of 64 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.r);
        bytes[32..].copy_from_slice(&self.s);
        bytes
    }
}

/// A device's request to be paid to an account, if the ledger does not have this link yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Counter that invalidates older link statements.
    pub nonce: u64,
    /// Signature over `statement::link`.
    pub signature: WireSignature,
}

/// From a worker to the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToCoordinator {
    /// First message on a connection; the device is the connection's identity.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The run to take part in.
        run: u64,
        /// Who is paid.
        account: [u8; 20],
        /// Present when the ledger does not link the device to `account` yet.
        link: Option<Link>,
        /// Signature over `statement::enroll`.
        enroll: WireSignature,
    },
    /// The commitment to a finished round, for the ledger.
    Committed {
        /// The round.
        round: u32,
        /// Sealed Merkle root.
        seal: WireDigest,
        /// Digest of the encoded update, which this worker serves from now on.
        update: WireDigest,
        /// Signature over `statement::commit`.
        signature: WireSignature,
    },
    /// An auditor's finding, for the ledger.
    Verdict {
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: [u8; 32],
        /// 0 passed, 1 mismatch, 2 unavailable.
        kind: u8,
        /// The root, or the root sealed for the auditor.
        value: WireDigest,
        /// Signature over `statement::verdict`.
        signature: WireSignature,
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
    /// The owner of the machine stops the worker.
    Leaving {
        /// Round during which it leaves.
        round: u32,
        /// Signature over `statement::leave`.
        signature: WireSignature,
    },
    /// This device's training of the round diverged, so it can't commit. The coordinator replays the round to check it.
    Diverged {
        /// The round.
        round: u32,
    },
}

/// From the coordinator to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Answer to `Hello`: the device has its seat on the ledger.
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
}

#[cfg(test)]
mod tests;
