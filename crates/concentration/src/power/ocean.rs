//! Power in games of any size, with probabilities on a grid.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::ratio::float_of;

use super::{
    Game,
    grid::{Below, Edge, Grid, Panel, whole},
};

/// The grid holds the amounts themselves up to this total.
const EXACT_UNITS_MAX: u64 = 1 << 17;
/// And up to this product of total and number of voters.
const EXACT_WORK_MAX: u128 = 1 << 25;
/// A voter with fewer units is in the ocean.
const PLAYER_UNITS_MIN: f64 = 2.0;
/// A member of the ocean with fewer units counts as infinitely small.
const MEMBER_UNITS_MIN: f64 = 1.0;
/// Deviations of the vote around the quota that orders are looked at in.
const WINDOW_DEVIATIONS: f64 = 9.0;

/// How finely to compute. Time is the product of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Units of the grid.
    pub units: usize,
    /// Most voters on the grid one by one.
    pub players: usize,
    /// Number of probabilities over which the Shapley–Shubik index is a mean.
    pub panels: usize,
}

impl Precision {
    /// Errors below 0.001 of the index of a voter, and less than a second of one core for a million voters.
    pub const STANDARD: Self = Self { units: 1 << 14, players: 512, panels: 64 };
}

/// How the power was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Every amount is a whole number of units of the grid: exact but for rounding of floats.
    Grid,
    /// The largest are rounded to units of the grid, and the others are an ocean.
    Ocean {
        /// How many are on the grid.
        players: usize,
    },
}

/// Power as probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct ApproximatePower {
    /// Raw Banzhaf index of each voter.
    pub banzhaf: Vec<f64>,
    /// Shapley–Shubik index of each voter.
    pub shapley: Vec<f64>,
    /// How far the Shapley–Shubik indices are from adding up to 1, before they were made to: a measure of their error.
    pub shapley_gap: f64,
    /// How it was computed.
    pub method: Method,
}

impl ApproximatePower {
    /// Returns the normalised Banzhaf index of each voter; all 0 when nobody ever swings.
    #[must_use]
    pub fn banzhaf_normalised(&self) -> Vec<f64> {
        let sum: f64 = self.banzhaf.iter().sum();
        let share = |swing: &f64| if sum > 0.0 { swing / sum } else { 0.0 };
        self.banzhaf.iter().map(share).collect()
    }
}

/// Computes the power of all voters, in the order of the game's weights.
///
/// ```
/// use concentration::power::{Game, Method, Precision, approximate};
/// let power = approximate(&Game::of_integers(51, &[50, 49, 1])?, Precision::STANDARD);
/// assert_eq!(power.method, Method::Grid);
/// assert!((power.shapley[0] - 2.0 / 3.0).abs() < 1e-9);
/// # Ok::<(), concentration::power::GameError>(())
/// ```
#[must_use]
pub fn approximate(game: &Game, precision: Precision) -> ApproximatePower {
    let board = Board::exact(game).unwrap_or_else(|| Board::rounded(game, precision));
    let mut scratch = [Vec::new(), Vec::new()];
    let half = board.grid.below(Panel::HALF, board.edge, &mut scratch);
    let mut swings = Tally::new(&board);
    swings.add(&half, 1.0, &board);
    let mut orders = Tally::new(&board);
    for (panel, weight) in panels(&board, precision.panels.max(8)) {
        let below = board.grid.below(panel, board.edge, &mut scratch);
        orders.add(&below, weight, &board);
    }
    let banzhaf = board.by_voter(&swings.by_place(&board));
    let mut shapley = orders.by_place(&board);
    let shapley_gap = board.make_whole(&mut shapley);
    ApproximatePower {
        banzhaf,
        shapley: board.by_voter(&shapley),
        shapley_gap,
        method: board.method,
    }
}

/// The game on a grid.
struct Board {
    grid: Grid,
    edge: Edge,
    method: Method,
    /// Voters by weight, largest first: those on the grid come first, then those of the ocean.
    order: Vec<usize>,
    /// What each of them has in units, not rounded.
    units: Vec<f64>,
    /// Number of the ocean's members that are not infinitely small.
    members: usize,
    quota_share: f64,
    deviation: f64,
}

impl Board {
    /// Amounts as whole units; `None` when there are too many.
    fn exact(game: &Game) -> Option<Self> {
        let divisor =
            game.weights().iter().fold(game.total(), |divisor, weight| divisor.gcd(*weight));
        let size = u64::try_from(game.total() / divisor).ok()?;
        let work = u128::from(size) * game.weights().len() as u128;
        if size > EXACT_UNITS_MAX || work > EXACT_WORK_MAX {
            return None;
        }
        let order = by_weight(game);
        let units = |voter: &usize| (game.weights()[*voter] / divisor).to::<usize>();
        let steps: Vec<usize> = order.iter().map(units).take_while(|units| *units > 0).collect();
        // A coalition loses with fewer than the quota; a part of a unit counts for a whole.
        let index = game.quota().div_ceil(divisor).to::<usize>();
        let units =
            order.iter().map(|voter| (game.weights()[*voter] / divisor).to::<usize>() as f64);
        Some(Self {
            units: units.collect(),
            grid: Grid { steps, ocean: 0, ocean_squares: 0.0 },
            edge: Edge { index, part: 0.0 },
            method: Method::Grid,
            order,
            members: 0,
            quota_share: float_of(&game.quota()) / float_of(&game.total()),
            deviation: deviation(game),
        })
    }

    fn rounded(game: &Game, precision: Precision) -> Self {
        let size = precision.units.max(16);
        let order = by_weight(game);
        let unit = float_of(&game.total()) / size as f64;
        let units: Vec<f64> =
            order.iter().map(|voter| float_of(&game.weights()[*voter]) / unit).collect();
        let players = units.iter().take(precision.players);
        let players = players.take_while(|units| **units >= PLAYER_UNITS_MIN).count();
        // Rounding the sums, not the parts, keeps the total.
        let (mut sum, mut steps) = (0.0, Vec::with_capacity(players));
        for units in &units[..players] {
            let before = whole(sum + 0.5);
            sum += units;
            steps.push((whole(sum + 0.5) - before).max(1));
        }
        let taken: usize = steps.iter().sum();
        let ocean = if players == units.len() { 0 } else { size.saturating_sub(taken) };
        let members = units[players..].iter().take_while(|units| **units >= MEMBER_UNITS_MIN);
        // A coalition loses up to just below the quota, in the middle of a unit.
        let quota = float_of(&(game.quota() - U256::from(1)));
        let place = quota / unit + 0.5;
        Self {
            edge: Edge { index: whole(place), part: place - whole(place) as f64 },
            method: Method::Ocean { players },
            members: members.count(),
            quota_share: quota / float_of(&game.total()),
            deviation: deviation(game),
            grid: Grid {
                steps,
                ocean,
                ocean_squares: units[players..].iter().map(|units| units * units).sum(),
            },
            order,
            units,
        }
    }
}

impl Board {
    /// Makes the indices add up to 1, and returns how far they were from it.
    ///
    /// Where there is an ocean, it takes the difference: its density at the quota is known less exactly than the swings of players, which are
    /// differences of sums.
    fn make_whole(&self, shapley: &mut [f64]) -> f64 {
        let (players, ocean) = shapley.split_at_mut(self.grid.steps.len());
        let (held, left): (f64, f64) = (players.iter().sum(), ocean.iter().sum());
        if self.grid.ocean > 0 && held <= 1.0 && left > 0.0 {
            ocean.iter_mut().for_each(|index| *index *= (1.0 - held) / left);
        } else if held + left > 0.0 {
            shapley.iter_mut().for_each(|index| *index /= held + left);
        }
        1.0 - held - left
    }

    /// From the order of the board to that of the game's weights.
    fn by_voter(&self, by_place: &[f64]) -> Vec<f64> {
        let mut by_voter = vec![0.0; by_place.len()];
        for (voter, power) in self.order.iter().zip(by_place) {
            by_voter[*voter] = *power;
        }
        by_voter
    }
}

fn by_weight(game: &Game) -> Vec<usize> {
    let mut order: Vec<usize> = (0..game.weights().len()).collect();
    let weights = game.weights();
    // Holdings come in this order already; then this is one pass.
    order.sort_by(|left, right| weights[*right].cmp(&weights[*left]));
    order
}

/// Standard deviation of the share of a random coalition, each for with probability ½.
fn deviation(game: &Game) -> f64 {
    let total = float_of(&game.total());
    let squares: f64 = game
        .weights()
        .iter()
        .map(|weight| {
            let share = float_of(weight) / total;
            share * share
        })
        .sum();
    0.5 * squares.sqrt()
}

/// Probabilities over which the index is a mean, with their weights.
///
/// A coalition can be near the quota only where the probability is near its share. The substitution `p = s(u)` with a polynomial whose first
/// four derivatives are 0 at both ends makes the midpoint rule converge fast (Sidi, 1993).
fn panels(board: &Board, count: usize) -> Vec<(Panel, f64)> {
    let reach = WINDOW_DEVIATIONS * board.deviation;
    let low = (board.quota_share - reach).max(0.0);
    let width = (board.quota_share + reach).min(1.0) - low;
    let smooth = |u: f64| {
        let series = 126.0 - u * (420.0 - u * (540.0 - u * (315.0 - u * 70.0)));
        low + width * u * u * u * u * u * series
    };
    let slope = |u: f64| {
        let bump = u * (1.0 - u);
        630.0 * width * bump * bump * bump * bump
    };
    let step = 1.0 / count as f64;
    let panel = |index: usize| {
        let (from, to) = (index as f64 * step, (index + 1) as f64 * step);
        let middle = from + 0.5 * step;
        let panel = Panel { low: smooth(from), high: smooth(to), middle: smooth(middle) };
        // The ocean is averaged over the panel, and weighs as much as it is wide.
        let weight =
            if board.grid.ocean > 0 { panel.high - panel.low } else { slope(middle) * step };
        (panel, weight)
    };
    (0..count).map(panel).collect()
}

/// Swings of all voters, added up.
struct Tally {
    /// Of players and larger members of the ocean, largest first.
    swings: Vec<f64>,
    /// Of the others, for each unit.
    density: f64,
}

impl Tally {
    fn new(board: &Board) -> Self {
        let count = board.grid.steps.len() + board.members;
        Self { swings: vec![0.0; count], density: 0.0 }
    }

    fn add(&mut self, below: &Below, weight: f64, board: &Board) {
        let (players, members) = self.swings.split_at_mut(board.grid.steps.len());
        let mut known = BTreeMap::new();
        for (swing, step) in players.iter_mut().zip(&board.grid.steps) {
            let chance = known.entry(*step).or_insert_with(|| below.swing(*step).clamp(0.0, 1.0));
            *swing += weight * *chance;
        }
        for (swing, units) in members.iter_mut().zip(&board.units[players.len()..]) {
            *swing += weight * below.swing_of_member(*units);
        }
        self.density += weight * below.density();
    }

    /// Of each voter, the largest first.
    fn by_place(&self, board: &Board) -> Vec<f64> {
        let power = |(place, units): (usize, &f64)| {
            match (self.swings.get(place), board.grid.steps.get(place)) {
                // What rounding to whole units has changed.
                (Some(swing), Some(step)) => (swing * units / *step as f64).min(1.0),
                (Some(swing), None) => *swing,
                (None, _) => self.density * units,
            }
        };
        board.units.iter().enumerate().map(power).collect()
    }
}
