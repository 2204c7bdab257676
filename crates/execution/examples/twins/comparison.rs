//! Plays random sequences on two ledgers, one with native modules and one with the contracts' bytecode, and compares them after every step; records sequences for
//! tests that have no bytecode.
//!
//! After every call, success, return data, revert bytes, events, storage, balances and all getters must be equal, and no call may cost more gas than the
//! contract's, whether it succeeds or is refused.

use std::{collections::BTreeMap, fmt, fmt::Write as _, path::Path};

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue as _;

use crate::twin::{Ledger, Line, Outcome, Recorded, Step, decoded, replay};

/// Below this much gas a transaction does nothing: it looks at the calldata, or at a slot or two.
const TRIVIAL_GAS: u64 = 26_000;
/// What any call of a module costs; a contract that does nothing costs less.
const CALL_GAS: u64 = 200;
/// Where bytecode runs into an invalid opcode, a call burns all but a 64th of its gas, on both, of which a module has used less before.
const BURNT: u64 = 64;

/// A kind of random sequences: what is compared, and with which calls.
pub(crate) trait Game: Sized {
    /// Creation code of the contracts.
    type Codes;
    /// What sequences are about: the number of a sequence says about which. A recorded file of each has its name.
    const KINDS: &'static [&'static str];
    /// Steps of a sequence, after those that prepare it.
    const STEPS: usize;
    /// Sequences and steps of a recorded file: it stays below 1 MiB.
    const RECORDED: (u64, usize);
    /// Far above what any step needs.
    const GAS_LIMIT: u64;
    /// Accounts that have GRAIN, and how much.
    fn holders() -> (Vec<Address>, U256);
    /// Reads the contracts' code.
    fn codes(folder: &Path) -> Self::Codes;
    /// Returns a ledger with the native modules.
    fn native() -> Ledger;
    /// Returns a ledger with the contracts.
    fn reference(codes: &Self::Codes) -> Ledger;
    /// Begins a sequence.
    fn begin(seed: u64, kind: &str) -> Self;
    /// Returns the number of steps that prepare the ledgers.
    fn prepared(&self) -> usize;
    /// Returns the next step and its name. It may look at the reference to find amounts that matter.
    fn next(&mut self, reference: &mut Ledger) -> (String, Step);
    /// Takes note of how a step has ended.
    fn learn(&mut self, outcome: &Outcome);
    /// Returns getters to compare after a step.
    fn getters(&mut self, outcome: &Outcome) -> Vec<(Address, Vec<u8>)>;
    /// Returns what the report should tell about a sequence beside its calls: a count, and of what.
    fn remark(&self) -> (u64, &'static str);
}

/// Does what the arguments of the program say.
pub(crate) fn run<G: Game>(name: &str) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse().expect("a number");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [folder, "record", testdata] => {
            for kind in G::KINDS {
                record::<G>(Path::new(folder), kind, &Path::new(testdata).join(kind));
            }
        }
        [folder, count] => compare::<G>(Path::new(folder), number(count), 0),
        [folder, count, first] => compare::<G>(Path::new(folder), number(count), number(first)),
        _ => {
            eprintln!("usage: {name} FOLDER COUNT [FIRST_SEED] | FOLDER record TESTDATA");
            std::process::exit(2);
        }
    }
}

/// Returns the code in a file of a folder.
pub(crate) fn code(folder: &Path, name: &str) -> Bytes {
    let path = folder.join(format!("{name}.hex"));
    let text = std::fs::read_to_string(&path);
    decoded(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn compare<G: Game>(folder: &Path, count: u64, first: u64) {
    let codes = G::codes(folder);
    let mut comparison = Comparison::default();
    for (seed, kind) in (first..first + count).zip(kinds::<G>(first)) {
        comparison.play::<G>(&codes, (seed, kind), G::STEPS, |_, _, _| ());
    }
    println!("{comparison}");
}

/// Returns the kinds of sequences from a seed on.
fn kinds<G: Game>(first: u64) -> impl Iterator<Item = &'static str> {
    let count = u64::try_from(G::KINDS.len()).expect("a few");
    let skipped = usize::try_from(first % count).expect("a few");
    G::KINDS.iter().copied().cycle().skip(skipped)
}

fn record<G: Game>(folder: &Path, kind: &str, path: &Path) {
    let codes = G::codes(folder);
    let (mut comparison, mut text) = (Comparison::default(), String::new());
    for seed in 0..G::RECORDED.0 {
        let mut write = |line: &Line| {
            let line = serde_json::to_string(line).expect("it is JSON");
            writeln!(text, "{line}").expect("a string grows");
        };
        let (accounts, balance) = G::holders();
        write(&Line::Begin { sequence: seed, accounts, balance });
        comparison.play::<G>(&codes, (seed, kind), G::RECORDED.1, |step, outcome, ledger| {
            write(&Line::Call(Box::new(Recorded::new(step, outcome, ledger))));
        });
    }
    let steps = replay(&text, G::native).steps;
    let path = path.with_extension("jsonl");
    std::fs::write(&path, &text).expect("the file is written");
    println!("{}: {steps} steps, {} bytes\n{comparison}", path.display(), text.len());
}

/// Calls of one function, and their gas.
#[derive(Default)]
struct Tally {
    calls: u64,
    done: u64,
    gas_native: u64,
    gas_reference: u64,
}

/// What was compared.
#[derive(Default)]
struct Comparison {
    tallies: BTreeMap<String, Tally>,
    messages: BTreeMap<String, u64>,
    sequences: u64,
    getters: u64,
    remarks: (u64, &'static str),
}

impl Comparison {
    /// Plays `count` steps after those that prepare the ledgers. `record` gets each step, and how it has ended on the reference.
    ///
    /// # Panics
    /// When the two differ, with the seed and the step.
    fn play<G: Game>(
        &mut self,
        codes: &G::Codes,
        (seed, kind): (u64, &str),
        count: usize,
        mut record: impl FnMut(&Step, &Outcome, &mut Ledger),
    ) {
        let mut ledgers = [G::native(), G::reference(codes)];
        let (holders, balance) = G::holders();
        for ledger in &mut ledgers {
            for holder in &holders {
                ledger.give(*holder, balance);
            }
        }
        let [native, reference] = &mut ledgers;
        let mut game = G::begin(seed, kind);
        for number in 0..game.prepared() + count {
            let (name, step) = game.next(reference);
            let expected = reference.execute(&step);
            record(&step, &expected, reference);
            let found = native.execute(&step);
            let context = || format!("seed {seed}, step {number}, {name}: {step:#?}");
            assert_eq!(found, expected, "results differ: {}", context());
            same_state(native, reference, &context);
            let gas = (native.gas_used, reference.gas_used);
            let is_burnt = gas.1 >= G::GAS_LIMIT / BURNT;
            let more = if gas.1 < TRIVIAL_GAS { CALL_GAS } else { 0 };
            let is_within = is_burnt || gas.0 <= gas.1 + more;
            assert!(is_within, "gas {} above {}: {}", gas.0, gas.1, context());
            self.count(&name, &expected, (!is_burnt).then_some(gas));
            game.learn(&expected);
            for (to, data) in game.getters(&expected) {
                let expected = reference.read(to, &data);
                let found = native.read(to, &data);
                let call = alloy_primitives::hex::encode(&data);
                assert_eq!(found, expected, "getter {call} of {to} differs after {}", context());
                self.getters += 1;
            }
        }
        self.sequences += 1;
        let (count, what) = game.remark();
        self.remarks = (self.remarks.0 + count, what);
    }

    fn count(&mut self, name: &str, expected: &Outcome, gas: Option<(u64, u64)>) {
        let tally = self.tallies.entry(name.to_owned()).or_default();
        tally.calls += 1;
        if let (true, Some((native, reference))) = (expected.is_done, gas) {
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
        let (sequences, getters, (count, what)) = (self.sequences, self.getters, self.remarks);
        writeln!(
            to,
            "{sequences} sequences, {calls} calls, {getters} getters, {count} {what}: 0 differences"
        )?;
        writeln!(
            to,
            "{:64} {:>8} {:>8} {:>10} {:>10}",
            "call", "calls", "done", "gas", "contract's"
        )?;
        for (name, tally) in &self.tallies {
            let mean = |gas: u64| gas.checked_div(tally.done).unwrap_or_default();
            let (native, reference) = (mean(tally.gas_native), mean(tally.gas_reference));
            let Tally { calls, done, .. } = tally;
            writeln!(to, "{name:64} {calls:>8} {done:>8} {native:>10} {reference:>10}")?;
        }
        for (message, count) in &self.messages {
            writeln!(to, "refused {count:>8}: {message}")?;
        }
        Ok(())
    }
}
