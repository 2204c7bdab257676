//! Coalitions counted with integers.
//!
//! The generating function `Π (1 + x^w)` has, as the coefficient of `x^s`, the number of coalitions with the sum `s`; a second variable counts
//! members. Dividing by `1 + x^w` leaves the coalitions of the others. Source: Mann and Shapley, "Values of Large Games IV", RAND RM-3158, 1962.

use std::cmp::Ordering;

use alloy_primitives::U256;

use super::Game;

/// Most voters: the number of their coalitions fits 128 bits.
const VOTERS_MAX: usize = 127;
/// Most voters of which orders are counted: 33! fits 128 bits, 35! does not.
const ORDERED_VOTERS_MAX: usize = 33;
/// Most different sums below the quota.
const SUMS_MAX: usize = 1 << 17;
/// Most pairs of sum and size.
const CELLS_MAX: usize = 1 << 19;

/// Power by counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactPower {
    /// Of each voter, the number of coalitions of the others that win only with it.
    pub swings: Vec<u128>,
    /// Of each voter, the Shapley–Shubik index as a fraction in lowest terms; `None` with more voters than orders can be counted of.
    pub shapley: Option<Vec<(u128, u128)>>,
}

impl ExactPower {
    /// Returns the normalised Banzhaf index of each voter, a fraction in lowest terms.
    #[must_use]
    pub fn banzhaf_normalised(&self) -> Vec<(u128, u128)> {
        let all = self.swings.iter().sum();
        self.swings.iter().map(|&swings| lowest_terms(swings, all)).collect()
    }

    /// Returns the raw Banzhaf index of each voter: swings by the number of coalitions of the others.
    #[must_use]
    pub fn banzhaf(&self) -> Vec<f64> {
        let others = i32::try_from(self.swings.len()).map_or(0, |count| count - 1);
        self.swings.iter().map(|&swings| swings as f64 / 2_f64.powi(others)).collect()
    }
}

/// Counts coalitions, and orders where there are few voters. `None` when there are too many voters or different sums.
///
/// ```
/// use concentration::power::{Game, exact};
/// let power = exact(&Game::of_integers(4, &[3, 2, 1])?).unwrap();
/// assert_eq!(power.banzhaf_normalised(), [(3, 5), (1, 5), (1, 5)]);
/// assert_eq!(power.shapley.unwrap(), [(2, 3), (1, 6), (1, 6)]);
/// # Ok::<(), concentration::power::GameError>(())
/// ```
#[must_use]
pub fn exact(game: &Game) -> Option<ExactPower> {
    if game.weights().len() > VOTERS_MAX {
        return None;
    }
    Some(ExactPower { swings: swings(game)?, shapley: shapley(game) })
}

/// Coalitions by their sum, ascending; only sums below the quota are needed.
type Counts = Vec<(U256, u128)>;

fn swings(game: &Game) -> Option<Vec<u128>> {
    let mut counts: Counts = vec![(U256::ZERO, 1)];
    for weight in game.weights() {
        counts = multiplied(&counts, *weight, game.quota());
        if counts.len() > SUMS_MAX {
            return None;
        }
    }
    Some(game.weights().iter().map(|weight| swings_of(&counts, *weight, game.quota())).collect())
}

/// Times `1 + x^weight`, below the quota.
fn multiplied(counts: &Counts, weight: U256, quota: U256) -> Counts {
    let mut sums = Vec::with_capacity(2 * counts.len());
    let below = counts.iter().map(|(sum, count)| (sum.saturating_add(weight), *count));
    let mut shifted = below.take_while(|(sum, _)| *sum < quota).peekable();
    let mut kept = counts.iter().copied().peekable();
    loop {
        let order = match (kept.peek(), shifted.peek()) {
            (None, None) => return sums,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((left, _)), Some((right, _))) => left.cmp(right),
        };
        match order {
            Ordering::Less => sums.extend(kept.next()),
            Ordering::Greater => sums.extend(shifted.next()),
            Ordering::Equal => {
                let pair = kept.next().zip(shifted.next());
                sums.extend(pair.map(|((sum, left), (_, right))| (sum, left + right)));
            }
        }
    }
}

/// Coalitions of the others from `quota − weight` on: what is left of the counts divided by `1 + x^weight`.
fn swings_of(counts: &Counts, weight: U256, quota: U256) -> u128 {
    if weight.is_zero() {
        return 0;
    }
    let needed = quota.saturating_sub(weight);
    let mut others: Counts = Vec::with_capacity(counts.len());
    let (mut behind, mut swings) = (0, 0);
    for &(sum, count) in counts {
        let with = sum.checked_sub(weight);
        while others.get(behind).is_some_and(|(other, _)| with.is_some_and(|with| *other < with)) {
            behind += 1;
        }
        let with = others.get(behind).filter(|(other, _)| Some(*other) == with);
        let without = count - with.map_or(0, |(_, count)| *count);
        if without > 0 {
            others.push((sum, without));
            if sum >= needed {
                swings += without;
            }
        }
    }
    swings
}

/// As [`swings`], with the number of members beside each sum, weighted by the orders in which the voter comes right after them.
fn shapley(game: &Game) -> Option<Vec<(u128, u128)>> {
    let count = game.weights().len();
    if count > ORDERED_VOTERS_MAX {
        return None;
    }
    // By members: a table of counts for each number of them.
    let mut by_size: Vec<Counts> = vec![Vec::new(); count + 1];
    by_size[0].push((U256::ZERO, 1));
    for (voters, weight) in game.weights().iter().enumerate() {
        for size in (0..=voters).rev() {
            let joined = shifted(&by_size[size], *weight, game.quota());
            by_size[size + 1] = added(&by_size[size + 1], &joined);
        }
        if by_size.iter().map(Vec::len).sum::<usize>() > CELLS_MAX {
            return None;
        }
    }
    let factorial = |of: usize| (1..=of as u128).product::<u128>();
    let orders: Vec<u128> =
        (0..count).map(|size| factorial(size) * factorial(count - 1 - size)).collect();
    let all = factorial(count);
    let index = |weight: &U256| {
        let pivots = pivots_of(&by_size, *weight, game.quota());
        let sum = pivots.iter().zip(&orders).map(|(pivots, orders)| pivots * orders).sum();
        lowest_terms(sum, all)
    };
    Some(game.weights().iter().map(index).collect())
}

fn shifted(counts: &Counts, weight: U256, quota: U256) -> Counts {
    let sums = counts.iter().map(|(sum, count)| (sum.saturating_add(weight), *count));
    sums.take_while(|(sum, _)| *sum < quota).collect()
}

fn added(left: &Counts, right: &Counts) -> Counts {
    let mut sums: Counts = left.iter().chain(right).copied().collect();
    sums.sort_unstable_by_key(|(sum, _)| *sum);
    sums.dedup_by(|later, earlier| {
        let is_same = later.0 == earlier.0;
        if is_same {
            earlier.1 += later.1;
        }
        is_same
    });
    sums
}

/// Of each size, the coalitions of the others that win only with the voter.
fn pivots_of(by_size: &[Counts], weight: U256, quota: U256) -> Vec<u128> {
    let needed = quota.saturating_sub(weight);
    let mut pivots = vec![0; by_size.len() - 1];
    if weight.is_zero() {
        return pivots;
    }
    // Coalitions of one member fewer, without the voter.
    let mut smaller: Counts = Vec::new();
    for (size, counts) in by_size.iter().enumerate().take(pivots.len()) {
        let mut others = Counts::with_capacity(counts.len());
        let mut behind = 0;
        for &(sum, count) in counts {
            let with = sum.checked_sub(weight);
            while smaller
                .get(behind)
                .is_some_and(|(other, _)| with.is_some_and(|with| *other < with))
            {
                behind += 1;
            }
            let with = smaller.get(behind).filter(|(other, _)| Some(*other) == with);
            let without = count - with.map_or(0, |(_, count)| *count);
            if without > 0 {
                others.push((sum, without));
                if sum >= needed {
                    pivots[size] += without;
                }
            }
        }
        smaller = others;
    }
    pivots
}

fn lowest_terms(numerator: u128, denominator: u128) -> (u128, u128) {
    let (mut a, mut b) = (numerator, denominator);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // Both are 0 where nobody ever decides.
    numerator.checked_div(a).zip(denominator.checked_div(a)).unwrap_or((0, 1))
}
