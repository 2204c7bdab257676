//! Entropies and Theil's index, which logarithms define.

use alloy_primitives::U256;

use crate::{
    Holdings,
    float::{exp, ln, log2},
    ratio::float_of,
};

/// The order of a Rényi entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// 0: the logarithm of the number of those who hold anything (Hartley).
    Zero,
    /// 1: Shannon's entropy, the limit of the orders around it.
    One,
    /// 2: the logarithm of the effective number by HHI (collision entropy).
    Two,
    /// Infinity: only the largest counts (min-entropy). Some tools write it as −1.
    Infinity,
    /// Any other order, above 0.
    Other(f64),
}

impl Holdings {
    /// Returns the shares, largest first.
    pub fn shares(&self) -> impl Iterator<Item = f64> + Clone + '_ {
        let total = float_of(&self.total());
        self.descending().map(move |amount| float_of(&amount) / total)
    }

    /// Returns Shannon's entropy in bits, `−Σ s log₂ s`: from 0 to log₂ n. `None` when the sum is 0.
    ///
    /// Source: Shannon, "A Mathematical Theory of Communication", 1948, section 6.
    #[must_use]
    pub fn shannon_bits(&self) -> Option<f64> {
        let is_something = !self.total().is_zero();
        is_something.then(|| entropy_bits(self.positive_shares()))
    }

    /// Returns the number of equal holders with the same Shannon entropy, `2^H`.
    #[must_use]
    pub fn effective_count_by_entropy(&self) -> Option<f64> {
        self.shannon_bits().map(|bits| exp(bits * std::f64::consts::LN_2))
    }

    /// Returns Shannon's entropy as a part of the most that as many holders can have, `H / log₂ n`; 1 for a single holder of everything
    /// would be meaningless, so it is `None` below two holders, and when the sum is 0.
    #[must_use]
    pub fn shannon_normalised(&self) -> Option<f64> {
        let most = (self.count() >= 2).then(|| log2(self.count() as f64))?;
        Some(self.shannon_bits()? / most)
    }

    /// Returns the Rényi entropy in bits, `log₂(Σ s^α) / (1 − α)`. `None` when the sum is 0, or for an order that is not above 0.
    ///
    /// Source: Rényi, "On Measures of Entropy and Information", 1961, section 1.
    #[must_use]
    pub fn renyi_bits(&self, order: Order) -> Option<f64> {
        if self.total().is_zero() {
            return None;
        }
        let bits = match order {
            Order::Zero => Some(log2(self.positive_shares().count() as f64)),
            Order::One => self.shannon_bits(),
            Order::Two => {
                let sum: f64 = self.positive_shares().map(|share| share * share).sum();
                Some(-log2(sum))
            }
            Order::Infinity => self.shares().next().map(|largest| -log2(largest)),
            // The formula has no value at 1, and loses its digits just beside it.
            Order::Other(order) if (order - 1.0).abs() < 1e-6 => self.shannon_bits(),
            Order::Other(order) if order > 0.0 && order.is_finite() => {
                let sum: f64 = self.positive_shares().map(|share| exp(order * ln(share))).sum();
                Some(log2(sum) / (1.0 - order))
            }
            Order::Other(_) => None,
        };
        // Of a single holder it is 0, not −0, of which a maximum may return either.
        bits.map(|bits| bits.max(0.0) + 0.0)
    }

    /// Returns Theil's T in nats: 0 when all hold the same, ln n when one holds everything. `None` when the sum is 0.
    ///
    /// `T = (1/n) Σ (x/μ) ln(x/μ) = ln n − H`, with H in nats. Holders of nothing count in n when they are kept.
    /// Source: Theil, "Economics and Information Theory", 1967, chapter 4.
    #[must_use]
    pub fn theil_nats(&self) -> Option<f64> {
        if self.total().is_zero() {
            return None;
        }
        let count = self.count() as f64;
        Some(self.positive_shares().map(|share| share * ln(share * count)).sum())
    }

    fn positive_shares(&self) -> impl Iterator<Item = f64> + '_ {
        self.shares().filter(|share| *share > 0.0)
    }
}

/// `−Σ s log₂ s` of positive shares.
pub(crate) fn entropy_bits(shares: impl Iterator<Item = f64>) -> f64 {
    let sum: f64 = shares.map(|share| share * log2(share)).sum();
    // Of a single holder it is 0, not −0.
    (-sum).max(0.0)
}

/// The share of `part` in `whole`, which is not 0.
pub(crate) fn share(part: &U256, whole: &U256) -> f64 {
    float_of(part) / float_of(whole)
}
