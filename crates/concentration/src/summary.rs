//! All figures of a distribution at once.

use std::f64::consts::LN_2;

use crate::float::{exp, ln, log2};
use crate::{Holdings, Order, Ratio, Strictness, Threshold};

/// The thresholds whose coefficients are always published.
pub const THRESHOLDS: [Threshold; 3] = [Threshold::THIRD, Threshold::HALF, Threshold::TWO_THIRDS];

/// How many of the largest pass a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficient {
    /// The threshold.
    pub threshold: Threshold,
    /// How many have more.
    pub more_than: Option<usize>,
    /// How many have as much or more.
    pub at_least: Option<usize>,
}

/// The figures of a distribution. Each is `None` where it has no value, as for a sum of 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Number of holders.
    pub count: usize,
    /// Gini coefficient.
    pub gini: Option<Ratio>,
    /// Gini coefficient times n/(n−1).
    pub gini_unbiased: Option<Ratio>,
    /// Herfindahl–Hirschman index, 0 to 10,000.
    pub hhi: Option<Ratio>,
    /// Number of equal holders with the same HHI.
    pub effective_count_by_hhi: Option<Ratio>,
    /// Theil's T, nats.
    pub theil_nats: Option<f64>,
    /// Shannon's entropy, bits.
    pub entropy_bits: Option<f64>,
    /// Shannon's entropy by its maximum.
    pub entropy_normalised: Option<f64>,
    /// Number of equal holders with the same Shannon entropy.
    pub effective_count_by_entropy: Option<f64>,
    /// Rényi entropies of order 0, 2 and infinity, bits.
    pub renyi_bits: [Option<f64>; 3],
    /// Share of the largest.
    pub top1: Option<Ratio>,
    /// Share of the ten largest.
    pub top10: Option<Ratio>,
    /// Share of the largest hundredth.
    pub top_percent: Option<Ratio>,
    /// Coefficients, in the order of the thresholds.
    pub coefficients: Vec<Coefficient>,
}

impl Summary {
    /// Measures a distribution, with coefficients at `thresholds`.
    #[must_use]
    pub fn of(holdings: &Holdings, thresholds: &[Threshold]) -> Self {
        let percent = Threshold::new(1, 100).expect("a hundredth is a part");
        let coefficient = |threshold: &Threshold| Coefficient {
            threshold: *threshold,
            more_than: holdings.threshold(*threshold, Strictness::MoreThan),
            at_least: holdings.threshold(*threshold, Strictness::AtLeast),
        };
        // Logarithms take most of the time: the entropy is computed once, and what follows from it is derived.
        let (entropy_bits, count) = (holdings.shannon_bits(), holdings.count() as f64);
        Self {
            count: holdings.count(),
            gini: holdings.gini(),
            gini_unbiased: holdings.gini_unbiased(),
            hhi: holdings.hhi(),
            effective_count_by_hhi: holdings.effective_count(),
            theil_nats: entropy_bits.map(|bits| (ln(count) - bits * LN_2).max(0.0)),
            entropy_bits,
            entropy_normalised: entropy_bits
                .filter(|_| holdings.count() >= 2)
                .map(|bits| bits / log2(count)),
            effective_count_by_entropy: entropy_bits.map(|bits| exp(bits * LN_2)),
            renyi_bits: [Order::Zero, Order::Two, Order::Infinity]
                .map(|order| holdings.renyi_bits(order)),
            top1: holdings.top_share(1),
            top10: holdings.top_share(10),
            top_percent: holdings.top_part_share(percent),
            coefficients: thresholds.iter().map(coefficient).collect(),
        }
    }
}
