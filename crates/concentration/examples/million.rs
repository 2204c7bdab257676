//! Measures a million balances, and prints how long each part takes, in milliseconds of one core.

use std::time::{Duration, Instant};

use alloy_primitives::U256;
use concentration::{
    Holdings, LiveIndex, Strictness, Summary, THRESHOLDS, Threshold, Zeros,
    power::{Game, Precision, approximate},
    turnout::{Electorate, Rule},
};

const COUNT: u64 = 1_000_000;
const CHANGES: u64 = 1_000_000;

fn main() {
    let balances = balances();
    let sorted = timed("sort and add up", || Holdings::new(balances.iter().copied(), Zeros::Drop));
    let holdings = sorted.expect("a million balances fit");
    let summary = timed("all figures", || Summary::of(&holdings, &THRESHOLDS));
    print(&format!("{summary:?}").chars().take(60).collect::<String>());
    let game = Game::of_holdings(&holdings, Threshold::HALF, Strictness::MoreThan);
    let game = game.expect("somebody decides");
    let power = timed("Banzhaf and Shapley-Shubik", || approximate(&game, Precision::STANDARD));
    let largest = (power.banzhaf[0], power.shapley[0], power.shapley_gap, power.method);
    print(&format!("largest holder {largest:?}"));
    let electorate = Electorate::fair(&holdings, 0.1);
    let rule = Rule::Governor { quorum: Threshold::new(1, 25) };
    let decisive =
        timed("decisiveness, 20,000 draws", || electorate.decisiveness(rule, 10, 20_000, 1));
    print(&format!("largest holder {:?}", decisive[0]));
    exact_power();
    live(&balances);
    print(&format!("peak of memory {} MB", peak_memory_mb()));
}

/// A thousand holders of 20,000 units: every amount is a whole number of units of the grid.
fn exact_power() {
    let weights: Vec<u64> = (1..=1_000_u64).map(|rank| (2_700 / rank).max(1)).collect();
    let game = Game::of_integers(weights.iter().sum::<u64>() / 2 + 1, &weights);
    let game = game.expect("somebody decides");
    let what = format!("Banzhaf and Shapley-Shubik, 1,000 holders, W = {}", game.total());
    let power = timed(&what, || approximate(&game, Precision::STANDARD));
    print(&format!("{:?}, gap {:.1e}", power.method, power.shapley_gap));
}

fn live(balances: &[U256]) {
    let built = timed("build the live index", || LiveIndex::new(balances.iter().copied()));
    let mut index = built.expect("a million balances fit");
    let mut now = balances.to_vec();
    let changes = changes(&mut now);
    let began = instant();
    for (before, after) in changes {
        index.change(before, after).expect("the balance is held");
    }
    let each = began.elapsed() / u32::try_from(CHANGES).expect("a million");
    print(&format!("{:>10.3} us for each change of a balance", each.as_secs_f64() * 1e6));
    let read = || {
        let coefficients = THRESHOLDS.map(|part| index.threshold(part, Strictness::MoreThan));
        (index.gini(), index.hhi(), index.top_share(10), coefficients)
    };
    let figures = timed("read all live figures", read);
    let anew = Holdings::new(now, Zeros::Drop).expect("the sum is as before");
    assert_eq!(figures.0, anew.gini(), "the live figures are those of recomputation");
    assert_eq!(figures.1, anew.hhi());
    assert_eq!(figures.2, anew.top_share(10));
    assert_eq!(figures.3, THRESHOLDS.map(|part| anew.threshold(part, Strictness::MoreThan)));
}

/// Transfers of a third of a balance between accounts in no order: the balances before and after each, of both accounts.
fn changes(balances: &mut [U256]) -> Vec<(U256, U256)> {
    let mut changes = Vec::new();
    for at in 0..CHANGES / 2 {
        let (from, to) = (place(2 * at), place(2 * at + 1));
        let part = balances[from] / U256::from(3);
        for (account, after) in [(from, balances[from] - part), (to, balances[to] + part)] {
            changes.push((balances[account], after));
            balances[account] = after;
        }
    }
    changes
}

/// A power law, as of holders of a governance asset, in units of 10^-18, in no order.
fn balances() -> Vec<U256> {
    let balance = |index: u64| {
        let rank = index.wrapping_mul(7_368_787) % COUNT + 1;
        U256::from(1_000_000_000_000_000_000_u64) * U256::from(COUNT * 100 / rank) / U256::from(7)
            + U256::from(index)
    };
    (0..COUNT).map(balance).collect()
}

fn place(step: u64) -> usize {
    let mixed = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    usize::try_from(mixed % COUNT).expect("a million")
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let began = instant();
    let made = work();
    print(&format!("{:>10.1} ms  {what}", milliseconds(began.elapsed())));
    made
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn instant() -> Instant {
    Instant::now()
}

/// On Linux; elsewhere 0.
fn peak_memory_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn print(line: &str) {
    println!("{line}");
}
