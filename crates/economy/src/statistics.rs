//! Means and their intervals.

/// What a strategy gained. Gains are in rounds' pay for each round that its seats committed in, against honest work.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyRow {
    /// What it does.
    pub name: &'static str,
    /// Number of runs played.
    pub runs: u32,
    /// The largest of the gains by cost.
    pub gain: f64,
    /// Lower end of its interval (95 %).
    pub gain_low: f64,
    /// Upper end of its interval (95 %).
    pub gain_high: f64,
    /// Number of honest devices, over all runs, that lost their seat or pay for work in a block.
    pub honest_harmed: u32,
    /// The gain for each cost of computing a round, in parts of its pay: (cost, gain).
    pub gain_by_cost: Vec<(f64, f64)>,
}

/// What the seats of a strategy earned and computed in one run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// Earned, in rounds' pay.
    pub(crate) earned: f64,
    /// Rounds that were computed, replays included.
    pub(crate) computed: f64,
    /// Rounds committed by seats with a machine.
    pub(crate) rounds: f64,
    /// Rounds committed by identities without a machine.
    pub(crate) rounds_without: f64,
    pub(crate) honest_harmed: u32,
}

/// Costs of computing a round, in parts of its pay.
const COSTS: [f64; 3] = [0.2, 0.5, 0.9];

/// 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_964;

/// Compares outcomes with those of honest work in the same runs.
pub(crate) fn row(name: &'static str, outcomes: &[Outcome], honest: &[Outcome]) -> StrategyRow {
    let runs = u32::try_from(outcomes.len()).unwrap_or(u32::MAX);
    let rounds: f64 = outcomes
        .iter()
        .map(|outcome| if outcome.rounds > 0.0 { outcome.rounds } else { outcome.rounds_without })
        .sum::<f64>()
        .max(1.0);
    let gains = COSTS.map(|cost| {
        let gains: Vec<f64> = outcomes
            .iter()
            .zip(honest)
            .map(|(outcome, honest)| {
                let by_work = (honest.earned - cost * honest.computed) / honest.rounds.max(1.0);
                outcome.earned - cost * outcome.computed - by_work * outcome.rounds
            })
            .collect();
        let (mean, error) = mean_and_error(&gains);
        // What is left of sums that cancel out is no gain.
        let mean = if mean.abs() < 1e-9 { 0.0 } else { mean };
        let scale = f64::from(runs) / rounds;
        (cost, mean * scale, error * scale)
    });
    let best = gains.iter().fold(gains[0], |best, gain| if gain.1 > best.1 { *gain } else { best });
    StrategyRow {
        name,
        runs,
        gain: best.1,
        gain_low: best.1 - Z * best.2,
        gain_high: best.1 + Z * best.2,
        honest_harmed: outcomes.iter().map(|outcome| outcome.honest_harmed).sum(),
        gain_by_cost: gains.iter().map(|(cost, gain, _)| (*cost, *gain)).collect(),
    }
}

/// Returns the mean and its standard error.
fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let count = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX));
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / (count - 1.0).max(1.0) / count.max(1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_mean_is_known() {
        let (mean, error) = mean_and_error(&[1.0, 2.0, 3.0, 4.0]);
        assert!((mean - 2.5).abs() < 1e-12);
        // Variance 5/3, over four values.
        assert!((error - (5.0_f64 / 12.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_best_cost_for_the_strategy_is_its_gain() {
        // Paid for all and computed nothing, where honest work computes 10.
        let cheat = Outcome { earned: 10.0, rounds: 10.0, ..Outcome::default() };
        let honest = Outcome { computed: 10.0, ..cheat };
        let row = row("cheat", &[cheat, cheat], &[honest, honest]);
        assert!((row.gain - 0.9).abs() < 1e-12, "{row:?}");
        assert!((row.gain_by_cost[0].1 - 0.2).abs() < 1e-12, "{row:?}");
    }
}
