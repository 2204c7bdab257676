//! The brake: who would rather leave than live with a decision locks GRAIN, and so delays it.
//!
//! Anybody may lock, whether or not the account has a vote. A share of the supply that is locked against one proposal delays it: from
//! [`FIRST_SHARE_BPS`] on by [`FIRST_SECONDS`], linearly up to [`FULL_SECONDS`] at [`FULL_SHARE_BPS`]. The old rules hold until then, so whoever wants to
//! take money out does it under them.
//!
//! A locked amount stays locked until [`COOLDOWN_SECONDS`] after the latest time at which the proposal could have been executed, whatever became of the
//! proposal. So a brake costs its user, no amount delays two proposals at once, and nobody can delay everything for ever with the same amount: one proposal
//! of 45 days binds it for 75 days and more.
//!
//! Source: Lido dual governance, `docs/mechanism.md` (first seal 1 % and 5 days, second seal 10 % and 45 days); the cooldown of the amount instead of the
//! system is ours.

use alloy_primitives::U256;
use thiserror::Error;

const DAY: u64 = 24 * 60 * 60;

/// Share of the supply from which on a brake delays, in basis points.
pub const FIRST_SHARE_BPS: u64 = 100;
/// Share of the supply at which the delay is longest, in basis points.
pub const FULL_SHARE_BPS: u64 = 1_000;
/// Shortest delay.
pub const FIRST_SECONDS: u64 = 5 * DAY;
/// Longest delay.
pub const FULL_SECONDS: u64 = 45 * DAY;
/// How long an amount stays locked after the latest time of execution.
pub const COOLDOWN_SECONDS: u64 = 30 * DAY;
/// Smallest amount that can be locked, in wei: bounds how many accounts lock against one proposal for nothing.
pub const LOCK_MIN: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// Why nothing is locked or released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BrakeError {
    /// The amount is too small.
    #[error("{amount} wei is too little: lock at least {least} wei")]
    TooLittle {
        /// The given amount.
        amount: U256,
        /// The smallest amount.
        least: U256,
    },
    /// The proposal can't be delayed any more.
    #[error("the proposal could be executed from {due} on, and it is {now}")]
    TooLate {
        /// When it could be executed.
        due: u64,
        /// The time.
        now: u64,
    },
    /// The amount is still locked.
    #[error("locked until {until}, and it is {now}")]
    Locked {
        /// When it may be released.
        until: u64,
        /// The time.
        now: u64,
    },
    /// The account has locked nothing here.
    #[error("nothing is locked here by this account")]
    Nothing,
    /// The sum does not fit.
    #[error("the sum of the locked amounts is too large")]
    Overflow,
}

/// What is locked against one proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brake {
    /// By all accounts, in wei.
    pub total: U256,
}

impl Brake {
    /// Returns by how many seconds the proposal is delayed, rounded down.
    #[must_use]
    pub fn delay_seconds(&self, supply: U256) -> u64 {
        let (first, full) = (share_up(supply, FIRST_SHARE_BPS), share_up(supply, FULL_SHARE_BPS));
        if self.total < first || supply.is_zero() {
            return 0;
        }
        if self.total >= full {
            return FULL_SECONDS;
        }
        // Both differences are below a tenth of the supply, so that the product with some seconds fits: a supply is below 2^224.
        let (above, span) = (self.total.saturating_sub(first), full.saturating_sub(first));
        let more = U256::from(FULL_SECONDS.saturating_sub(FIRST_SECONDS));
        let part = above.saturating_mul(more).checked_div(span).unwrap_or_default();
        FIRST_SECONDS.saturating_add(u64::try_from(part).unwrap_or(FULL_SECONDS)).min(FULL_SECONDS)
    }

    /// Locks an amount against a proposal that may be executed from `eta` on, the delay so far not counted. Returns until when it is locked.
    ///
    /// # Errors
    /// [`BrakeError::TooLittle`], [`BrakeError::TooLate`], [`BrakeError::Overflow`].
    pub fn lock(
        &mut self,
        amount: U256,
        supply: U256,
        eta: u64,
        now: u64,
    ) -> Result<u64, BrakeError> {
        if amount < LOCK_MIN {
            return Err(BrakeError::TooLittle { amount, least: LOCK_MIN });
        }
        let due = eta.saturating_add(self.delay_seconds(supply));
        if now >= due {
            return Err(BrakeError::TooLate { due, now });
        }
        self.total = self.total.checked_add(amount).ok_or(BrakeError::Overflow)?;
        Ok(eta.saturating_add(FULL_SECONDS).saturating_add(COOLDOWN_SECONDS))
    }
}

/// Returns whether an amount that is locked until `until` may be released.
///
/// # Errors
/// [`BrakeError::Nothing`], [`BrakeError::Locked`].
pub fn check_release(amount: U256, until: u64, now: u64) -> Result<(), BrakeError> {
    if amount.is_zero() {
        return Err(BrakeError::Nothing);
    }
    if now < until {
        return Err(BrakeError::Locked { until, now });
    }
    Ok(())
}

/// A share of an amount in basis points, rounded up.
fn share_up(amount: U256, bps: u64) -> U256 {
    let whole = U256::from(10_000_u64);
    amount.saturating_mul(U256::from(bps)).div_ceil(whole)
}
