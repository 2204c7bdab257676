//! Compares the native Uniswap v2 with the bytecode of the contracts, in random sequences of calls on two ledgers that differ in nothing else.
//!
//! After every call, success, return data, revert bytes, events, storage, balances and all getters must be equal, and a call that has
//! succeeded may cost no more gas than the contract's. The bytecode is not ours and not in the repository:
//! `scripts/reference/uniswap_v2.mjs` takes it out of its packages.
//!
//! ```text
//! cargo run --release -p execution --example against_uniswap_v2 -- FOLDER COUNT [FIRST_SEED]
//! cargo run --release -p execution --example against_uniswap_v2 -- FOLDER record TESTDATA
//! ```

#![expect(clippy::print_stdout, reason = "the report is for people")]

#[path = "../../tests/it/uniswap_v2/record.rs"]
mod record;
#[path = "../../tests/it/uniswap_v2/world.rs"]
mod world;

mod compare;
mod reference;
mod steps;

use std::{fmt::Write as _, path::Path};

use compare::Comparison;
use record::{Line, replay};
use steps::{Focus, PLAYER_GRAIN, PLAYERS};

/// Steps of a sequence, after those that prepare it.
const STEPS: usize = 120;
/// Sequences and steps of a recorded file: it stays below 1 MiB.
const RECORDED: (u64, usize) = (4, 110);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder, "record", testdata] => record(Path::new(folder), Path::new(testdata)),
        [folder, count] => compare(Path::new(folder), number(count), 0),
        [folder, count, first] => compare(Path::new(folder), number(count), number(first)),
        _ => {
            eprintln!(
                "usage: against_uniswap_v2 FOLDER COUNT [FIRST_SEED] | FOLDER record TESTDATA"
            );
            std::process::exit(2);
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn compare(folder: &Path, count: u64, first: u64) {
    let mut comparison = Comparison::new(folder);
    for seed in first..first + count {
        let focus = if seed % 2 == 0 { Focus::Pairs } else { Focus::Router };
        comparison.play(seed, focus, STEPS, |_, _, _| ());
    }
    println!("{comparison}");
}

fn record(folder: &Path, testdata: &Path) {
    for (focus, name) in [(Focus::Pairs, "pairs"), (Focus::Router, "router")] {
        let mut comparison = Comparison::new(folder);
        let mut text = String::new();
        for seed in 0..RECORDED.0 {
            let begin =
                Line::Begin { sequence: seed, accounts: PLAYERS.to_vec(), balance: PLAYER_GRAIN };
            let mut write = |line: &Line| {
                let line = serde_json::to_string(line).expect("it is JSON");
                writeln!(text, "{line}").expect("a string grows");
            };
            write(&begin);
            comparison.play(seed, focus, RECORDED.1, |step, outcome, ledger| {
                write(&Line::Call(Box::new(record::Recorded::new(step, outcome, ledger))));
            });
        }
        let steps = replay(&text);
        let path = testdata.join(format!("{name}.jsonl"));
        std::fs::write(&path, &text).expect("the file is written");
        println!("{}: {steps} steps, {} bytes\n{comparison}", path.display(), text.len());
    }
}
