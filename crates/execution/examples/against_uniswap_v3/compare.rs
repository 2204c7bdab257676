//! Plays a sequence on both ledgers and compares them after every step.

use std::{collections::BTreeMap, fmt, path::Path};

use alloy_sol_types::SolValue as _;

use crate::{
    reference::Codes,
    steps::{BALANCE, Focus, Generator, holders},
    world::{Ledger, Outcome, Step, decoded},
};

/// Below this much gas a transaction does nothing: it looks at the calldata, or at a slot or two.
const TRIVIAL_GAS: u64 = 26_000;
/// What any call of a module costs; a contract that does nothing costs less.
const CALL_GAS: u64 = 200;

/// Calls of one kind, and their gas.
#[derive(Default)]
struct Tally {
    calls: u64,
    done: u64,
    gas_native: u64,
    gas_reference: u64,
}

pub(crate) struct Comparison {
    codes: Codes,
    tallies: BTreeMap<String, Tally>,
    messages: BTreeMap<String, u64>,
    sequences: u64,
    getters: u64,
    crossed: u64,
}

impl Comparison {
    /// Returns a comparison with the creation code in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let read = |name: &str| {
            let path = folder.join(format!("{name}.hex"));
            let text = std::fs::read_to_string(&path);
            decoded(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        };
        Self {
            codes: Codes {
                factory: read("factory"),
                router: read("router"),
                quoter: read("quoter"),
                lens: read("lens"),
                positions: read("positions"),
            },
            tallies: BTreeMap::new(),
            messages: BTreeMap::new(),
            sequences: 0,
            getters: 0,
            crossed: 0,
        }
    }

    /// Plays `count` steps after those that prepare the ledgers. `record` gets each step, and how it has ended on the reference.
    ///
    /// # Panics
    /// When the two differ, with the seed and the step.
    pub(crate) fn play(
        &mut self,
        seed: u64,
        focus: Focus,
        count: usize,
        mut record: impl FnMut(&Step, &Outcome, &mut Ledger),
    ) {
        let mut ledgers = [Ledger::native(), Ledger::reference(&self.codes)];
        for ledger in &mut ledgers {
            for holder in holders() {
                ledger.give(holder, BALANCE);
            }
        }
        let [native, reference] = &mut ledgers;
        let mut generator = Generator::new(seed, focus);
        let total = generator.prepared() + count;
        for number in 0..total {
            let (name, step) = generator.next(reference);
            let expected = reference.execute(&step);
            record(&step, &expected, reference);
            let found = native.execute(&step);
            let context = || format!("seed {seed}, step {number}, {name}: {step:#?}");
            assert_eq!(found, expected, "results differ: {}", context());
            same_state(native, reference, &context);
            if expected.is_done {
                let (gas, mut limit) = (native.gas_used, reference.gas_used);
                if limit < TRIVIAL_GAS {
                    limit += CALL_GAS;
                }
                assert!(gas <= limit, "gas {gas} above {limit}: {}", context());
            }
            self.count(name, &expected, (native.gas_used, reference.gas_used));
            generator.learn(&expected);
            for (to, data) in generator.getters(&expected) {
                let expected = reference.read(to, &data);
                let found = native.read(to, &data);
                let call = alloy_primitives::hex::encode(&data);
                assert_eq!(found, expected, "getter {call} of {to} differs after {}", context());
                self.getters += 1;
            }
        }
        self.crossed += generator.crossed;
        self.sequences += 1;
    }

    fn count(&mut self, name: &str, expected: &Outcome, (native, reference): (u64, u64)) {
        let tally = self.tallies.entry(name.to_owned()).or_default();
        tally.calls += 1;
        if expected.is_done {
            tally.done += 1;
            tally.gas_native += native;
            tally.gas_reference += reference;
        } else {
            let message = String::abi_decode(expected.output.get(4..).unwrap_or_default());
            let message = message.unwrap_or_else(|_| "(no message)".to_owned());
            *self.messages.entry(message).or_default() += 1;
        }
    }
}

fn same_state(native: &mut Ledger, reference: &mut Ledger, context: &dyn Fn() -> String) {
    let (found, expected) = (native.held(), reference.held());
    if found == expected {
        return;
    }
    for (key, value) in &expected.0 {
        assert_eq!(found.0.get(key), Some(value), "slot {key:?} differs: {}", context());
    }
    for (key, value) in &found.0 {
        assert_eq!(expected.0.get(key), Some(value), "slot {key:?} is native only: {}", context());
    }
    assert_eq!(found.1, expected.1, "balances differ: {}", context());
}

impl fmt::Display for Comparison {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: u64 = self.tallies.values().map(|tally| tally.calls).sum();
        writeln!(
            to,
            "{} sequences, {calls} calls, {} getters, {} swaps that changed the active liquidity: 0 differences",
            self.sequences, self.getters, self.crossed
        )?;
        writeln!(
            to,
            "{:24} {:>8} {:>8} {:>10} {:>10}",
            "call", "calls", "done", "gas", "contract's"
        )?;
        for (name, tally) in &self.tallies {
            let mean = |gas: u64| gas.checked_div(tally.done).unwrap_or_default();
            let (native, reference) = (mean(tally.gas_native), mean(tally.gas_reference));
            writeln!(
                to,
                "{name:24} {:>8} {:>8} {native:>10} {reference:>10}",
                tally.calls, tally.done
            )?;
        }
        for (message, count) in &self.messages {
            writeln!(to, "refused {count:>8}: {message}")?;
        }
        Ok(())
    }
}
