//! Seats: the devices of a run.

use units::{AccountId, DeviceId, Wei};

/// Why a seat was expelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Two auditors found that its committed work was not done.
    Convicted,
    /// It claimed a mismatch that did not exist.
    FalseAudit,
}

/// Whether a seat takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It takes part.
    Active,
    /// It left, missed too many rounds, or its work could not be audited; it may enrol again.
    Left,
    /// It is expelled for good.
    Expelled {
        /// The round for which it was expelled.
        round: u32,
        /// The cause.
        cause: Cause,
    },
}

/// A device enrolled in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The device; its key signs.
    pub device: DeviceId,
    /// The account that is paid.
    pub account: AccountId,
    /// Whether it takes part.
    pub standing: Standing,
    /// Whether every commitment is audited; ends with the first passed audit.
    pub on_probation: bool,
    /// First round it takes part in.
    pub from_round: u32,
    /// Consecutive rounds without a commitment.
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
            missed: 0,
            tokens_verified: 0,
            paid: Wei::ZERO,
        }
    }

    /// Returns whether the seat takes part.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Returns whether the seat was expelled.
    #[must_use]
    pub fn is_expelled(&self) -> bool {
        matches!(self.standing, Standing::Expelled { .. })
    }
}
