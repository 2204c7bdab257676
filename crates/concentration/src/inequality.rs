//! Gini and Herfindahl–Hirschman: exact fractions.

use alloy_primitives::{U256, U512};

use crate::{
    Holdings, Ratio,
    ratio::{Wide, wide},
};

impl Holdings {
    /// Returns the Gini coefficient: 0 when all hold the same, (n−1)/n when one holds everything. `None` when the sum is 0.
    ///
    /// `G = Σ (2i − n − 1)·x_(i) / (n·S)`, amounts ascending, `i` from 1.
    ///
    /// It depends on how many small holders there are: dust raises it and splitting a large balance lowers it. Publish it with the count.
    /// Source: Dorfman, "A Formula for the Gini Coefficient", 1979, in its discrete form.
    #[must_use]
    pub fn gini(&self) -> Option<Ratio> {
        // Σ i·x_(i) = Σ over i of the sum from i on = (n + 1)·S − Σ of the sums up to i.
        let (mut sum, mut sums) = (U256::ZERO, U512::ZERO);
        for amount in self.ascending() {
            sum += *amount;
            sums += U512::from(sum);
        }
        gini_of(self.wide_count(), self.wide_total(), wide(&sums))
    }

    /// Returns the unbiased Gini coefficient, `G·n/(n−1)`: 1 when one holds everything. `None` for fewer than two holders.
    #[must_use]
    pub fn gini_unbiased(&self) -> Option<Ratio> {
        let others = self.count().checked_sub(1).filter(|others| *others > 0)?;
        self.gini()?.times(self.count(), others)
    }

    /// Returns the Herfindahl–Hirschman index, 0 to 10,000. `None` when the sum is 0.
    ///
    /// `HHI = Σ (100·s_i)²`. Source: US Department of Justice, Horizontal Merger Guidelines, section 5.3 (2010).
    #[must_use]
    pub fn hhi(&self) -> Option<Ratio> {
        hhi_of(self.wide_total(), wide(&self.squares()))
    }

    /// Returns the number of equal holders with the same HHI, `10,000 / HHI`. `None` when the sum is 0.
    #[must_use]
    pub fn effective_count(&self) -> Option<Ratio> {
        effective_count_of(self.wide_total(), wide(&self.squares()))
    }

    fn squares(&self) -> U512 {
        self.ascending().iter().fold(U512::ZERO, |sum, amount| sum + square(amount))
    }
}

/// The square; small amounts are multiplied in fewer steps.
pub(crate) fn square(amount: &U256) -> U512 {
    match u128::try_from(*amount) {
        Ok(small) => U512::from(U256::from(small) * U256::from(small)),
        Err(_) => amount.widening_mul(*amount),
    }
}

/// Gini from the count, the sum, and the sum of the partial sums from the smallest up.
pub(crate) fn gini_of(count: Wide, total: Wide, partial_sums: Wide) -> Option<Ratio> {
    // 2·Σ i·x_(i) − (n + 1)·S = 2·((n + 1)·S − sums) − (n + 1)·S
    let whole = (count + Wide::from(1)) * total;
    Ratio::of_wide(whole - partial_sums * Wide::from(2), count * total)
}

pub(crate) fn hhi_of(total: Wide, squares: Wide) -> Option<Ratio> {
    Ratio::of_wide(squares * Wide::from(10_000), total * total)
}

pub(crate) fn effective_count_of(total: Wide, squares: Wide) -> Option<Ratio> {
    Ratio::of_wide(total * total, squares)
}
