//! What the run remembers of a round.

use std::collections::BTreeMap;

use units::{Digest, UnixSeconds};

/// Position of a seat in the run's list.
pub type SeatIndex = u16;

/// What a device says about its round, before anyone may look into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Merkle root of the work, sealed under the device's name.
    pub seal: Digest,
    /// The encoded update.
    pub update: Digest,
    /// Error-feedback memory the round started from.
    pub memory_before: Digest,
    /// Error-feedback memory the round left.
    pub memory_after: Digest,
}

/// A round that takes no more commitments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedRound {
    /// State the round started from.
    pub base: Digest,
    /// Block in which it closed.
    pub height: u64,
    /// Whether the audits were drawn.
    pub drawn: bool,
    /// Seats that committed: those who may audit.
    pub committed: Vec<SeatIndex>,
    /// Commitments that are neither paid nor forfeited yet.
    pub entries: BTreeMap<SeatIndex, Entry>,
    /// Auditors of this round whose verdicts stand: one mention for each verdict whose pay is held back.
    pub verdicts: Vec<SeatIndex>,
}

/// A commitment whose pay is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What a replay starts from, and must arrive at.
    pub commitment: Commitment,
    /// How far its checking is.
    pub check: Check,
}

/// How far the checking of a commitment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Not drawn, or not yet.
    None,
    /// Being audited.
    Audit(Audit),
    /// An audit passed.
    Passed,
}

/// An open audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Who is to repeat the round now.
    pub auditor: SeatIndex,
    /// Until when.
    pub deadline: UnixSeconds,
    /// Earlier auditors who found something else, with their root sealed under their name.
    pub claims: Vec<(SeatIndex, Digest)>,
    /// Auditors drawn so far, the present one last.
    pub tried: Vec<SeatIndex>,
    /// One of them stated that the evidence can't be had, or was silent past its deadline.
    pub is_evidence_missing: bool,
}

impl ClosedRound {
    pub(crate) fn has_open_audit(&self) -> bool {
        self.entries.values().any(|entry| matches!(entry.check, Check::Audit(_)))
    }
}
