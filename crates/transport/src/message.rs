//! What coordinator and worker say to each other on the control stream.
//!
//! Big things travel as blobs and are named here by their digest. Nothing here is trusted: a worker checks what it is told against the
//! ledger, and the coordinator can only relay what a device has signed.

use serde::{Deserialize, Serialize};

/// Version of these messages; a peer that speaks another one is told so and let go.
pub const PROTOCOL: u32 = 1;

/// Longest explanation that travels, in bytes.
pub const REASON_BYTES_MAX: usize = 400;

/// A BLAKE3 digest as it travels.
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
    /// Splits the usual 64 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        let (mut r, mut s) = ([0; 32], [0; 32]);
        r.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..]);
        Self { r, s }
    }

    /// The usual 64 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&self.r);
        bytes[32..].copy_from_slice(&self.s);
        bytes
    }
}

/// The device's wish to be paid to an account, if the ledger does not say so yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Counter that makes an old link statement worthless.
    pub nonce: u64,
    /// Over `statement::link`.
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
        /// Over `statement::enroll`.
        enroll: WireSignature,
    },
    /// A finished round, to be relayed to the ledger.
    Committed {
        /// The round.
        round: u32,
        /// Sealed Merkle root.
        seal: WireDigest,
        /// Digest of the encoded update, which this worker serves from now on.
        update: WireDigest,
        /// Error-feedback memory the round started from.
        memory_before: WireDigest,
        /// Error-feedback memory the round left.
        memory_after: WireDigest,
        /// Over `statement::commit`.
        signature: WireSignature,
    },
    /// An auditor's finding, to be relayed to the ledger.
    Verdict {
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: [u8; 32],
        /// 0 passed, 1 mismatch, 2 unavailable.
        kind: u8,
        /// The root, or the root sealed for the auditor.
        value: WireDigest,
        /// Over `statement::verdict`.
        signature: WireSignature,
    },
    /// For display only.
    Progress {
        /// The round being trained.
        round: u32,
        /// Steps done.
        step: u32,
        /// Steps in all.
        steps: u32,
        /// Thousandths of nats per token, so that messages stay free of floats.
        loss_milli: u32,
        /// Speed of this device in this round.
        tokens_per_second: u32,
    },
    /// The owner of the machine wants it back.
    Leaving {
        /// Round during which it leaves.
        round: u32,
        /// Over `statement::leave`.
        signature: WireSignature,
    },
}

/// From the coordinator to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Answer to `Hello`: the ledger has the seat.
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
        /// Digest of the state to start from; also the name of the checkpoint blob.
        base: WireDigest,
        /// Digest of the state before, if the outer update leads from it to `base`.
        previous: WireDigest,
        /// The outer update blob, or zero.
        update: WireDigest,
    },
    /// You were drawn to audit.
    Audit {
        /// The audited round.
        round: u32,
        /// The audited device.
        subject: [u8; 32],
        /// Digest of that round's base state; also the name of the checkpoint blob.
        base: WireDigest,
        /// Whether the subject's memory could be had and is served as a blob.
        evidence: bool,
    },
    /// The ledger, or the coordinator before it, did not take something.
    Refused {
        /// Why, at most [`REASON_BYTES_MAX`] bytes.
        reason: String,
    },
    /// The run is over.
    Finished,
}

#[cfg(test)]
mod tests;
