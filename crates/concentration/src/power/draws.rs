//! Power by drawing coalitions and orders.

use crate::{
    ratio::float_of,
    sampling::{Estimate, Random},
};

use super::Game;

/// Most weights drawn in all: some seconds of one core.
const WEIGHTS_DRAWN_MAX: u64 = 1 << 31;

/// Power by drawing, with standard errors.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledPower {
    /// Raw Banzhaf index of each voter.
    pub banzhaf: Vec<Estimate>,
    /// Shapley–Shubik index of each voter.
    pub shapley: Vec<Estimate>,
    /// How many coalitions and how many orders were drawn: fewer than asked for where there are very many voters.
    pub draws: u64,
}

/// Draws `draws` coalitions and as many orders; the same seed gives the same result.
///
/// Weights are floats here: a coalition within 2^-50 of the quota may be counted on the wrong side.
#[must_use]
pub fn sample(game: &Game, draws: u64, seed: u64) -> SampledPower {
    let weights: Vec<f64> = game.weights().iter().map(float_of).collect();
    let quota = float_of(&game.quota());
    let voters = u64::try_from(weights.len()).unwrap_or(u64::MAX).max(1);
    let draws = draws.clamp(1, (WEIGHTS_DRAWN_MAX / voters).max(1));
    let (mut swings, mut pivots) = (vec![0_u64; weights.len()], vec![0_u64; weights.len()]);
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let mut is_in = vec![false; weights.len()];
    for draw in 0..draws {
        let mut random = Random::new(seed, draw);
        count_swings(&weights, quota, &mut random, &mut is_in, &mut swings);
        pivots[pivot(&weights, quota, &mut random, &mut order)] += 1;
    }
    let estimates = |hits: Vec<u64>| {
        hits.into_iter().map(|hits| Estimate::of_proportion(hits, draws)).collect()
    };
    SampledPower { banzhaf: estimates(swings), shapley: estimates(pivots), draws }
}

/// Draws one coalition, and counts who would change the outcome by changing sides.
fn count_swings(
    weights: &[f64],
    quota: f64,
    random: &mut Random,
    is_in: &mut [bool],
    swings: &mut [u64],
) {
    let (mut sum, mut word) = (0.0, 0);
    for (index, (weight, is_in)) in weights.iter().zip(&mut *is_in).enumerate() {
        if index % 64 == 0 {
            word = random.word();
        }
        *is_in = word >> (index % 64) & 1 == 1;
        sum += if *is_in { *weight } else { 0.0 };
    }
    let wins = sum >= quota;
    for ((weight, is_in), swings) in weights.iter().zip(&*is_in).zip(swings) {
        let changed = if *is_in { sum - weight } else { sum + weight };
        *swings += u64::from((changed >= quota) != wins);
    }
}

/// Draws an order until the quota is reached, and returns who reaches it (Fisher and Yates' shuffle).
fn pivot(weights: &[f64], quota: f64, random: &mut Random, order: &mut [usize]) -> usize {
    let mut sum = 0.0;
    for next in 0..order.len() {
        let chosen = next + random.below(order.len() - next);
        order.swap(next, chosen);
        sum += weights[order[next]];
        if sum >= quota {
            return order[next];
        }
    }
    // Rounding alone kept the sum of all below the quota.
    order[order.len() - 1]
}
