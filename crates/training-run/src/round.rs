//! The state of a round.

use std::collections::BTreeMap;

use units::{Digest, UnixSeconds};

/// Index of a seat in the run's list.
pub type SeatIndex = u16;

/// A device's commitment to its work of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Merkle root of the work, sealed under the device's name.
    pub seal: Digest,
    /// Digest of the encoded update.
    pub update: Digest,
}

/// A round that accepts no more commitments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedRound {
    /// State at the start of the round.
    pub base: Digest,
    /// Height of the block in which it closed.
    pub height: u64,
    /// Whether the audits were drawn.
    pub drawn: bool,
    /// Seats that committed and may therefore audit.
    pub committed: Vec<SeatIndex>,
    /// Commitments that are neither paid nor forfeited yet.
    pub entries: BTreeMap<SeatIndex, Entry>,
    /// Auditors of this round, once for each uncontradicted verdict whose pay is held back.
    pub verdicts: Vec<SeatIndex>,
}

/// A commitment whose pay is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The commitment: a replay must lead from its base to its seal.
    pub commitment: Commitment,
    /// Progress of the audit.
    pub check: Check,
}

/// Progress of the audit of a commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Not drawn, or not drawn yet.
    None,
    /// An audit is open.
    Audit(Audit),
    /// An audit passed.
    Passed,
}

/// An open audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The seat that must repeat the round.
    pub auditor: SeatIndex,
    /// When the auditor is replaced.
    pub deadline: UnixSeconds,
    /// Earlier auditors whose replay gave another root, with that root sealed under their name.
    pub claims: Vec<(SeatIndex, Digest)>,
    /// Auditors drawn so far, the present one last.
    pub tried: Vec<SeatIndex>,
    /// Whether one of them stated that the evidence is not available, or missed its deadline.
    pub is_evidence_missing: bool,
}

impl ClosedRound {
    pub(crate) fn has_open_audit(&self) -> bool {
        self.entries.values().any(|entry| matches!(entry.check, Check::Audit(_)))
    }
}
