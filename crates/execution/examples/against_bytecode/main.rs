//! Compares native modules with the bytecode of the contracts that they reproduce: random calls, in one revm, on two ledgers that differ only in the code at one
//! address. After each call success, return data, revert bytes, events, all getters and the contract's storage must be equal.
//!
//! `scripts/reference/yield.mjs` and `governor.mjs` compile the bytecode, and say how this is called:
//!
//! ```text
//! against_bytecode BYTECODE_FOLDER rewards|chef|vault|governor STEPS SEED [RECORD_TO]
//! ```
//!
//! With a fifth argument the sequence is recorded, as the bytecode answered it; `cargo test` replays it.

#![expect(clippy::unwrap_used, reason = "it stops where it cannot go on")]

mod chef;
mod draws;
mod governor;
#[expect(dead_code, reason = "the tests replay; this records")]
#[path = "../../tests/it/recorded.rs"]
mod recorded;
mod recorder;
mod rewards;
mod scene;
mod vault;

use std::{collections::BTreeMap, fs};

use draws::Draws;
use recorded::getters;
use recorder::Recorder;
use scene::Scene;

/// Calls of one ledger; then a new one begins, because large numbers end what can be done with it.
const STEPS_OF_LEDGER: u64 = 80;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, kind, steps, seed, rest @ ..] = &arguments[..] else {
        panic!("give BYTECODE_FOLDER rewards|chef|vault|governor STEPS SEED [RECORD_TO]");
    };
    let (steps, seed): (u64, u64) = (steps.parse().unwrap(), seed.parse().unwrap());
    let mut recorder = Recorder::default();
    let mut counts = Counts::default();
    let ledgers = steps.div_ceil(STEPS_OF_LEDGER);
    for number in 0..ledgers {
        let draws = Draws::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let count = STEPS_OF_LEDGER.min(steps - number * STEPS_OF_LEDGER);
        match &kind[..] {
            "rewards" => play(rewards::new(folder, draws), count, &mut recorder, &mut counts),
            "chef" => play(chef::new(folder, draws), count, &mut recorder, &mut counts),
            "governor" => play(governor::new(folder, draws), count, &mut recorder, &mut counts),
            "vault" => play(vault::new(folder, draws), count, &mut recorder, &mut counts),
            _ => panic!("`{kind}` is none of rewards, chef, vault, governor"),
        }
    }
    counts.report();
    if let [path] = rest {
        fs::write(path, recorder.into_text()).unwrap();
    }
}

/// Plays one ledger.
fn play(mut scene: Scene, count: u64, recorder: &mut Recorder, counts: &mut Counts) {
    scene.record(recorder);
    for _ in 0..count {
        let step = scene.next();
        let expected = scene.bytecode.call(&step);
        let found = scene.native.call(&step);
        let context = format!("{step:?}\n{}", scene.describe(&step));
        assert_eq!(found.success, expected.success, "{found:?}, not {expected:?}: {}", context);
        assert_eq!(found.output, expected.output, "output: {}", context);
        assert_eq!(found.logs, expected.logs, "logs: {}", context);
        let views = scene.getters.clone();
        let expected_views = getters(&mut scene.bytecode, &views, &step);
        let found_views = getters(&mut scene.native, &views, &step);
        for ((getter, found), expected) in views.iter().zip(&found_views).zip(&expected_views) {
            assert_eq!(found, expected, "getter {}: {}", getter.1, context);
        }
        assert_eq!(
            scene.slots_of(&scene.native),
            scene.slots_of(&scene.bytecode),
            "slots: {}",
            context
        );
        let is_bound = expected.success && found.gas <= expected.gas;
        recorder.step(&step, is_bound.then_some(expected.gas), &expected, &expected_views);
        counts.add(scene.name(&step), expected.success, (found.gas, expected.gas));
    }
}

/// How many calls of each function succeeded and failed, and what those that succeeded took.
#[derive(Default)]
struct Counts {
    of: BTreeMap<String, Count>,
}

#[derive(Default)]
struct Count {
    succeeded: u64,
    failed: u64,
    native_gas: u64,
    bytecode_gas: u64,
    dearer: u64,
}

impl Counts {
    fn add(&mut self, name: String, success: bool, (native, bytecode): (u64, u64)) {
        let count = self.of.entry(name).or_default();
        if !success {
            count.failed += 1;
            return;
        }
        count.succeeded += 1;
        count.native_gas += native;
        count.bytecode_gas += bytecode;
        count.dearer += u64::from(bytecode < native);
    }

    fn report(&self) {
        let calls: u64 = self.of.values().map(|count| count.succeeded + count.failed).sum();
        eprintln!("{calls} calls: 0 differences");
        eprintln!(
            "function: succeeded, failed; mean gas native, bytecode; calls that are dearer natively"
        );
        for (name, count) in &self.of {
            let mean = |sum: u64| sum.checked_div(count.succeeded).unwrap_or_default();
            eprintln!(
                "{name}: {}, {}; {}, {}; {}",
                count.succeeded,
                count.failed,
                mean(count.native_gas),
                mean(count.bytecode_gas),
                count.dearer
            );
        }
    }
}
