//! Compares the native Uniswap v3 with the bytecode of the contracts, in random sequences of calls on two ledgers that differ in nothing else.
//!
//! After every call, success, return data, revert bytes, events, storage, balances and all getters must be equal, and a call that has succeeded may cost no
//! more gas than the contract's. The bytecode is not ours and not in the repository: `scripts/reference/uniswap_v3.mjs` takes it out of its packages.
//!
//! ```text
//! cargo run --release -p execution --example against_uniswap_v3 -- FOLDER COUNT [FIRST_SEED]
//! cargo run --release -p execution --example against_uniswap_v3 -- FOLDER record TESTDATA
//! ```

#![expect(clippy::print_stdout, reason = "the report is for people")]

#[path = "../../tests/it/uniswap_v3/record.rs"]
mod record;
#[path = "../../tests/it/uniswap_v3/world.rs"]
mod world;

mod compare;
mod draws;
mod getters;
mod periphery;
mod positions;
mod prepare;
mod reference;
mod steps;

use std::{fmt::Write as _, path::Path};

use compare::Comparison;
use record::{Line, replay};
use steps::{BALANCE, Focus, holders};

/// Steps of a sequence, after those that prepare it.
const STEPS: usize = 150;
/// Sequences and steps of a recorded file: it stays below 1 MiB.
const RECORDED: (u64, usize) = (4, 120);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder, "record", testdata] => record(Path::new(folder), Path::new(testdata)),
        [folder, count] => compare(Path::new(folder), number(count), 0),
        [folder, count, first] => compare(Path::new(folder), number(count), number(first)),
        _ => {
            eprintln!(
                "usage: against_uniswap_v3 FOLDER COUNT [FIRST_SEED] | FOLDER record TESTDATA"
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
        let focus = match seed % 3 {
            0 => Focus::Pools,
            1 => Focus::Periphery,
            _ => Focus::Positions,
        };
        comparison.play(seed, focus, STEPS, |_, _, _| ());
    }
    println!("{comparison}");
}

fn record(folder: &Path, testdata: &Path) {
    record_one(folder, &testdata.join("pools.jsonl"), Focus::Pools);
    record_one(folder, &testdata.join("periphery.jsonl"), Focus::Periphery);
    record_one(folder, &testdata.join("positions.jsonl"), Focus::Positions);
}

fn record_one(folder: &Path, path: &Path, focus: Focus) {
    let mut comparison = Comparison::new(folder);
    let mut text = String::new();
    for seed in 0..RECORDED.0 {
        let mut write = |line: &Line| {
            let line = serde_json::to_string(line).expect("it is JSON");
            writeln!(text, "{line}").expect("a string grows");
        };
        write(&Line::Begin { sequence: seed, accounts: holders(), balance: BALANCE });
        comparison.play(seed, focus, RECORDED.1, |step, outcome, ledger| {
            write(&Line::Call(Box::new(record::Recorded::new(step, outcome, ledger))));
        });
    }
    let steps = replay(&text);
    std::fs::write(path, &text).expect("the file is written");
    println!("{}: {steps} steps, {} bytes\n{comparison}", path.display(), text.len());
}
