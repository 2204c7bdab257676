//! Devices that take part.

use units::{AccountId, DeviceId, Digest, Wei};

/// Why a seat was expelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Committed to work that two auditors found to be something else.
    Convicted,
    /// Claimed a mismatch that was none.
    FalseAudit,
}

/// Whether a seat takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Active,
    /// It left, fell silent, or its work could not be audited; it may enrol again.
    Left,
    /// It is out for good.
    Expelled {
        /// Round it was expelled over.
        round: u32,
        /// Why.
        cause: Cause,
    },
}

/// A device enrolled in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Whose key signs.
    pub device: DeviceId,
    /// Who is paid.
    pub account: AccountId,
    /// Whether it takes part.
    pub standing: Standing,
    /// Every commitment is audited until one audit has passed.
    pub on_probation: bool,
    /// First round it takes part in.
    pub from_round: u32,
    /// `memory_after` of its last commitment.
    pub memory: Digest,
    /// Rounds in a row without a commitment.
    pub missed: u8,
    /// Tokens paid for.
    pub tokens_verified: u64,
    /// Paid so far, for work and verdicts.
    pub paid: Wei,
}

impl Seat {
    pub(crate) fn new(device: DeviceId, account: AccountId, from_round: u32) -> Self {
        Self {
            device,
            account,
            standing: Standing::Active,
            on_probation: true,
            from_round,
            memory: Digest::ZERO,
            missed: 0,
            tokens_verified: 0,
            paid: Wei::ZERO,
        }
    }

    /// Whether it takes part.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Whether it is out for good.
    #[must_use]
    pub fn is_expelled(&self) -> bool {
        matches!(self.standing, Standing::Expelled { .. })
    }
}
