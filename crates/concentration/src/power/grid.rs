//! The distribution of a random coalition's weight on a grid of whole units.

use crate::float::normal_below_integral;

/// Deviations of the ocean beyond which its distribution is 0 or 1.
const DEVIATIONS_MAX: f64 = 12.0;

/// Players in whole units, and an ocean of others.
pub(super) struct Grid {
    /// Units of each player, the largest player first; none is 0.
    pub(super) steps: Vec<usize>,
    /// Units that the ocean has together.
    pub(super) ocean: usize,
    /// Sum of the squares of what its members have, in units.
    pub(super) ocean_squares: f64,
}

/// The probabilities with which others are for: all from `low` to `high`, evenly.
#[derive(Clone, Copy)]
pub(super) struct Panel {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Where players stand.
    pub(super) middle: f64,
}

impl Panel {
    pub(super) const HALF: Self = Self { low: 0.5, high: 0.5, middle: 0.5 };
}

/// Where the vote is decided: at `index + part` units counted from the lower edge of the first.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    pub(super) index: usize,
    pub(super) part: f64,
}

/// For each number of units, the probability that a random coalition of everybody has fewer.
pub(super) struct Below {
    below: Vec<f64>,
    edge: Edge,
    chance: f64,
}

impl Grid {
    /// Computes the distribution. `scratch` is kept between calls for its memory.
    pub(super) fn below(&self, panel: Panel, edge: Edge, scratch: &mut [Vec<f64>; 2]) -> Below {
        let [now, next] = scratch;
        now.clear();
        self.ocean_weights(panel, now);
        // The smallest first: the sums stay short as long as they can.
        for &step in self.steps.iter().rev() {
            with_player(now, step, panel.middle, next);
            std::mem::swap(now, next);
        }
        let mut sum = 0.0;
        let mut below = Vec::with_capacity(now.len() + 1);
        below.push(0.0);
        below.extend(now.iter().map(|weight| {
            sum += weight;
            sum
        }));
        Below { below, edge, chance: panel.middle }
    }

    /// The ocean's sum: normally distributed around a mean that is itself uniform over the panel, at least over one unit.
    fn ocean_weights(&self, panel: Panel, weights: &mut Vec<f64>) {
        if self.ocean == 0 {
            weights.push(1.0);
            return;
        }
        let ocean = self.ocean as f64;
        let middle = 0.5 * (panel.low + panel.high) * ocean;
        let half_width = (0.5 * (panel.high - panel.low) * ocean).max(0.5);
        let (low, high) = (middle - half_width, middle + half_width);
        // Rounding to whole units adds the variance of a uniform unit.
        let variance = panel.middle * (1.0 - panel.middle) * self.ocean_squares - 1.0 / 12.0;
        let deviation = variance.max(0.0).sqrt();
        let mean_excess = |distance: f64| match deviation {
            0.0 => distance.max(0.0),
            _ => deviation * normal_below_integral(distance / deviation),
        };
        let below = |edge: f64| {
            if edge < low - DEVIATIONS_MAX * deviation {
                0.0
            } else if edge > high + DEVIATIONS_MAX * deviation {
                1.0
            } else {
                (mean_excess(edge - low) - mean_excess(edge - high)) / (high - low)
            }
        };
        let mut before = 0.0;
        for unit in 0..self.ocean {
            let until = below(unit as f64 + 0.5).clamp(before, 1.0);
            weights.push(until - before);
            before = until;
        }
        weights.push(1.0 - before);
    }
}

/// The distribution with one player more, who is for with probability `chance`.
fn with_player(now: &[f64], step: usize, chance: f64, next: &mut Vec<f64>) {
    let against = 1.0 - chance;
    let overlap = now.len().saturating_sub(step);
    next.clear();
    next.resize(now.len() + step, 0.0);
    if overlap == 0 {
        // The two copies do not meet: those without the player come first.
        for (to, from) in next.iter_mut().zip(now) {
            *to = against * from;
        }
        for (to, from) in next[step..].iter_mut().zip(now) {
            *to = chance * from;
        }
        return;
    }
    for (to, from) in next[..step].iter_mut().zip(now) {
        *to = against * from;
    }
    for ((to, without), with) in next[step..now.len()].iter_mut().zip(&now[step..]).zip(now) {
        *to = against * without + chance * with;
    }
    for (to, from) in next[now.len()..].iter_mut().zip(&now[overlap..]) {
        *to = chance * from;
    }
}

impl Below {
    /// The probability of a swing of a player with `step` units, who is part of the distribution.
    ///
    /// With `F` of everybody and `G` of the others, `F(t) = (1 − p)·G(t) + p·G(t − w)`. So G follows from F by a series of alternating signs,
    /// from below where p ≤ ½ and from above otherwise, so that its factors shrink.
    pub(super) fn swing(&self, step: usize) -> f64 {
        let (chance, against) = (self.chance, 1.0 - self.chance);
        let (mut sum, mut factor) = (0.0, 1.0_f64);
        if chance <= 0.5 {
            // G(q − w)
            let mut index = self.edge.index.checked_sub(step);
            while let Some(at) = index.filter(|_| factor.abs() > 1e-18) {
                sum += factor * self.at(at);
                factor *= -chance / against;
                index = at.checked_sub(step);
            }
            (self.at(self.edge.index) - sum / against) / against
        } else {
            // 1 − G(q)
            let mut at = self.edge.index + step;
            while at < self.below.len() && factor.abs() > 1e-18 {
                sum += factor * (1.0 - self.at(at));
                factor *= -against / chance;
                at += step;
            }
            (1.0 - self.at(self.edge.index) - sum / chance) / chance
        }
    }

    /// The probability of a swing of a member of the ocean with `units`, small beside the deviation of the whole.
    pub(super) fn swing_of_member(&self, units: f64) -> f64 {
        self.between(self.edge, -(1.0 - self.chance) * units, self.chance * units)
    }

    /// The probability of a swing for each unit that an infinitely small member has.
    pub(super) fn density(&self) -> f64 {
        0.5 * self.between(self.edge, -1.0, 1.0)
    }

    fn between(&self, edge: Edge, from: f64, to: f64) -> f64 {
        self.at_distance(edge, to) - self.at_distance(edge, from)
    }

    fn at_distance(&self, edge: Edge, distance: f64) -> f64 {
        let place = edge.index as f64 + edge.part + distance;
        if place <= 0.0 {
            return 0.0;
        }
        let index = whole(place);
        Self::interpolated(&self.below, index, place - index as f64)
    }

    fn at(&self, index: usize) -> f64 {
        Self::interpolated(&self.below, index, self.edge.part)
    }

    fn interpolated(below: &[f64], index: usize, part: f64) -> f64 {
        match (below.get(index), below.get(index + 1)) {
            (Some(here), Some(next)) => here + part * (next - here),
            _ => 1.0,
        }
    }
}

/// The whole part of a number that is not negative and has few digits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of units")]
pub(super) fn whole(number: f64) -> usize {
    number as usize
}
