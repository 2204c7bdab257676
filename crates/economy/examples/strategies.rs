//! Prints the strategy table: `cargo run --release -p economy --example strategies -- RUNS SEED`.

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let runs = arguments.next().unwrap_or(100);
    let seed = arguments.next().unwrap_or(1);
    for index in 0..economy::STRATEGIES {
        let started = std::time::Instant::now();
        let Some(row) = economy::strategy(index, u32::try_from(runs).unwrap_or(1), seed) else {
            return;
        };
        let by_cost: Vec<_> =
            row.gain_by_cost.iter().map(|(cost, gain)| format!("{cost}: {gain:+.3}")).collect();
        eprintln!(
            "{:<62} {:+.4} [{:+.4}, {:+.4}] harmed {} | {} | {:.1} s",
            row.name,
            row.gain,
            row.gain_low,
            row.gain_high,
            row.honest_harmed,
            by_cost.join("  "),
            started.elapsed().as_secs_f64()
        );
    }
}
