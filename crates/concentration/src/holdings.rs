//! A distribution: amounts in order, and their sums.

use alloy_primitives::U256;

use crate::{
    ratio::{Ratio, Wide},
    threshold::{Strictness, Threshold},
};

/// Whether holders of nothing count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// They are left out: the usual choice, as anyone can make addresses that hold nothing.
    Drop,
    /// They count, and make the distribution more unequal.
    Keep,
}

/// The amounts add up to 2^256 or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amounts add up to 2^256 or more: leave out those that cannot be true")]
pub struct TooLarge;

/// What each holder holds, without names. The unit is the caller's: address, cluster, operator or person.
///
/// ```
/// use concentration::{Holdings, Strictness, Threshold, Zeros};
/// let holdings = Holdings::of_integers(&[3, 2, 1], Zeros::Drop)?;
/// assert_eq!(holdings.gini().unwrap().decimal(5), "0.22222");
/// assert_eq!(holdings.threshold(Threshold::HALF, Strictness::MoreThan), Some(2));
/// assert_eq!(holdings.threshold(Threshold::HALF, Strictness::AtLeast), Some(1));
/// # Ok::<(), concentration::TooLarge>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdings {
    ascending: Vec<U256>,
    total: U256,
    dropped_count: usize,
}

impl Holdings {
    /// Sorts the amounts and adds them up.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn new(amounts: impl IntoIterator<Item = U256>, zeros: Zeros) -> Result<Self, TooLarge> {
        let mut ascending: Vec<U256> = amounts.into_iter().collect();
        let all = ascending.len();
        if zeros == Zeros::Drop {
            ascending.retain(|amount| !amount.is_zero());
        }
        ascending.sort_unstable();
        let mut total = U256::ZERO;
        for amount in &ascending {
            total = total.checked_add(*amount).ok_or(TooLarge)?;
        }
        let dropped_count = all - ascending.len();
        Ok(Self { ascending, total, dropped_count })
    }

    /// As [`Self::new`], of small amounts.
    ///
    /// # Errors
    /// Never: so few bits do not overflow.
    pub fn of_integers(amounts: &[u64], zeros: Zeros) -> Result<Self, TooLarge> {
        Self::new(amounts.iter().map(|&amount| U256::from(amount)), zeros)
    }

    /// Returns the number of holders that count.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ascending.len()
    }

    /// Returns how many amounts of 0 were left out.
    #[must_use]
    pub fn dropped_count(&self) -> usize {
        self.dropped_count
    }

    /// Returns the sum.
    #[must_use]
    pub fn total(&self) -> U256 {
        self.total
    }

    /// Returns the amounts, smallest first.
    #[must_use]
    pub fn ascending(&self) -> &[U256] {
        &self.ascending
    }

    /// Returns the amounts, largest first.
    pub fn descending(&self) -> impl ExactSizeIterator<Item = U256> + Clone + '_ {
        self.ascending.iter().rev().copied()
    }

    /// Returns the share of the `count` largest (concentration ratio CR_k): 1 when there are not so many. `None` when the sum is 0.
    #[must_use]
    pub fn top_share(&self, count: usize) -> Option<Ratio> {
        let sum = self.descending().take(count).fold(U256::ZERO, |sum, amount| sum + amount);
        Ratio::new(sum, self.total)
    }

    /// Returns the share of the largest `part` of all holders; their number is rounded up. `None` when the sum is 0.
    #[must_use]
    pub fn top_part_share(&self, part: Threshold) -> Option<Ratio> {
        let count = part.least_passing(U256::from(self.count()), Strictness::AtLeast)?;
        self.top_share(usize::try_from(count).ok()?)
    }

    /// Returns τ: the least number of holders, largest first, that together pass `threshold` of the sum. `None` when the sum is 0, or
    /// when all together do not pass it, as nobody holds more than everything.
    ///
    /// With the half and strictly more it is the Nakamoto coefficient of Srinivasan and Lee, 2017.
    #[must_use]
    pub fn threshold(&self, threshold: Threshold, strictness: Strictness) -> Option<usize> {
        if self.total.is_zero() {
            return None;
        }
        let least = threshold.least_passing(self.total, strictness)?;
        let mut sum = U256::ZERO;
        let passes = |amount| {
            sum += amount;
            sum >= least
        };
        self.descending().position(passes).map(|index| index + 1)
    }

    /// Returns points of the Lorenz curve, from (0, 0) to (1, 1): the share of the sum that the poorest part of all holders has, at about
    /// `count` equal steps. Empty when the sum is 0.
    #[must_use]
    pub fn lorenz_curve(&self, count: usize) -> Vec<(Ratio, Ratio)> {
        let (all, steps) = (self.count(), count.clamp(1, self.count().max(1)));
        let mut points = Vec::with_capacity(steps + 1);
        let (mut taken, mut sum) = (0, U256::ZERO);
        for step in 0..=steps {
            let until = all * step / steps;
            sum = self.ascending[taken..until].iter().fold(sum, |sum, amount| sum + *amount);
            taken = until;
            let at = Ratio::new(U256::from(until), U256::from(all));
            points.extend(at.zip(Ratio::new(sum, self.total)));
        }
        points
    }

    pub(crate) fn wide_total(&self) -> Wide {
        Wide::from(self.total)
    }

    pub(crate) fn wide_count(&self) -> Wide {
        Wide::from(self.count())
    }
}
