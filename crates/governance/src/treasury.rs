//! The treasury: what votes may spend, and how fast.
//!
//! 1. Each asset has a *budget* for each window of [`WINDOW_SECONDS`]: [`BUDGET_BPS`] of what is free at the window's first spending. What is free is the balance
//!    without what streams still owe.
//! 2. A grant, and the whole of a stream, counts when it is decided. So many small streams spend no more than one large grant.
//! 3. Only a constitutional proposal spends beyond the budget.
//! 4. A stream pays linearly between two times. Cancelling it keeps what it has earned for its receiver, and frees the rest.
//!
//! Source: linear streams as in Sablier v1 `deltaOf` (`(deposit / duration) * elapsed`, but multiplied before it is divided); the budget is ours.

use alloy_primitives::U256;
use thiserror::Error;

const DAY: u64 = 24 * 60 * 60;

/// Length of a window.
pub const WINDOW_SECONDS: u64 = 30 * DAY;
/// What ordinary proposals may spend in a window, in basis points of what is free when it begins.
pub const BUDGET_BPS: u64 = 500;
/// Longest time between the decision and the end of a stream.
pub const STREAM_SECONDS_MAX: u64 = 4 * 365 * DAY;

/// Which limit holds for a spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The budget of the window.
    Budget,
    /// What is free: for constitutional proposals.
    Free,
}

/// Why nothing is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TreasuryError {
    /// More than the budget of the window.
    #[error(
        "{amount} exceeds the {left} that are left of this window's budget: wait until {until}, or make it a constitutional proposal"
    )]
    OverBudget {
        /// The asked amount.
        amount: U256,
        /// What is left.
        left: U256,
        /// When the window ends.
        until: u64,
    },
    /// More than the treasury has.
    #[error("{amount} exceeds the {free} that the treasury has free")]
    OverFree {
        /// The asked amount.
        amount: U256,
        /// What is free.
        free: U256,
    },
    /// A stream's times are no times.
    #[error(
        "a stream from {start} to {stop} can't be: it must end after it begins and after {now}, within four years"
    )]
    Times {
        /// Its begin.
        start: u64,
        /// Its end.
        stop: u64,
        /// The time.
        now: u64,
    },
    /// The stream is cancelled.
    #[error("the stream was cancelled")]
    Cancelled,
    /// A sum does not fit.
    #[error("a sum is too large")]
    Overflow,
}

/// What was spent of one asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Begin of the window; 0 before the first spending.
    pub window: u64,
    /// What the window may spend.
    pub budget: U256,
    /// What it has spent.
    pub spent: U256,
    /// What streams still owe.
    pub reserved: U256,
}

impl Spending {
    /// Returns what is neither spent nor owed.
    #[must_use]
    pub fn free(&self, balance: U256) -> U256 {
        balance.saturating_sub(self.reserved)
    }

    /// Returns the record as of `now`: a window that is over is replaced by one that begins now.
    #[must_use]
    pub fn at(&self, balance: U256, now: u64) -> Self {
        if self.window > 0 && now < self.window.saturating_add(WINDOW_SECONDS) {
            return *self;
        }
        let whole = U256::from(10_000_u64);
        let budget = self.free(balance).saturating_mul(U256::from(BUDGET_BPS));
        let budget = budget.checked_div(whole).unwrap_or_default();
        Self { window: now, budget, spent: U256::ZERO, reserved: self.reserved }
    }

    /// Returns what is left of the budget.
    #[must_use]
    pub fn left(&self) -> U256 {
        self.budget.saturating_sub(self.spent)
    }

    /// Spends an amount out of a balance.
    ///
    /// # Errors
    /// [`TreasuryError::OverFree`], [`TreasuryError::OverBudget`], [`TreasuryError::Overflow`].
    pub fn spend(
        &mut self,
        amount: U256,
        balance: U256,
        limit: Limit,
        now: u64,
    ) -> Result<(), TreasuryError> {
        let mut next = self.at(balance, now);
        let free = next.free(balance);
        if amount > free {
            return Err(TreasuryError::OverFree { amount, free });
        }
        if limit == Limit::Budget {
            let left = next.left();
            if amount > left {
                let until = next.window.saturating_add(WINDOW_SECONDS);
                return Err(TreasuryError::OverBudget { amount, left, until });
            }
            next.spent = next.spent.checked_add(amount).ok_or(TreasuryError::Overflow)?;
        }
        *self = next;
        Ok(())
    }

    /// Spends the whole of a stream, and owes it.
    ///
    /// # Errors
    /// As [`Spending::spend`], and [`TreasuryError::Times`].
    pub fn stream(
        &mut self,
        stream: &Stream,
        balance: U256,
        limit: Limit,
        now: u64,
    ) -> Result<(), TreasuryError> {
        let Stream { total, start, stop, .. } = *stream;
        let latest = now.saturating_add(STREAM_SECONDS_MAX);
        if stop <= start || stop <= now || stop > latest {
            return Err(TreasuryError::Times { start, stop, now });
        }
        let mut next = *self;
        next.spend(total, balance, limit, now)?;
        next.reserved = next.reserved.checked_add(total).ok_or(TreasuryError::Overflow)?;
        *self = next;
        Ok(())
    }
}

/// A payment over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// What it pays in all.
    pub total: U256,
    /// What it has paid.
    pub paid: U256,
    /// When it begins.
    pub start: u64,
    /// When it ends.
    pub stop: u64,
    /// Whether it was cancelled; then `total` is what it had earned.
    pub is_cancelled: bool,
}

impl Stream {
    /// Returns what it has earned, paid or not, rounded down.
    #[must_use]
    pub fn earned_down(&self, now: u64) -> U256 {
        if self.is_cancelled || now >= self.stop {
            return self.total;
        }
        let elapsed = U256::from(now.saturating_sub(self.start));
        let length = U256::from(self.stop.saturating_sub(self.start));
        // The full product of an amount and some seconds fits wherever the amount is one of an asset; else nothing is earned before the end.
        let product = self.total.checked_mul(elapsed).unwrap_or_default();
        product.checked_div(length).unwrap_or_default()
    }

    /// Pays what is due, and returns it.
    pub fn take(&mut self, spending: &mut Spending, now: u64) -> U256 {
        let due = self.earned_down(now).saturating_sub(self.paid);
        self.paid = self.paid.saturating_add(due);
        spending.reserved = spending.reserved.saturating_sub(due);
        due
    }

    /// Ends the stream: its receiver keeps what it has earned. Returns what is free again.
    ///
    /// # Errors
    /// [`TreasuryError::Cancelled`] if it was cancelled before.
    pub fn cancel(&mut self, spending: &mut Spending, now: u64) -> Result<U256, TreasuryError> {
        if self.is_cancelled {
            return Err(TreasuryError::Cancelled);
        }
        let earned = self.earned_down(now);
        let freed = self.total.saturating_sub(earned);
        (self.total, self.is_cancelled) = (earned, true);
        spending.reserved = spending.reserved.saturating_sub(freed);
        Ok(freed)
    }
}
