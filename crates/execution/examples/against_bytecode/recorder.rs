//! Writes what `recorded` reads.

use std::fmt::Write as _;

use alloy_primitives::{Address, Bytes, U256};

use crate::recorded::{Answer, Step, facts};

/// Writes a recording.
#[derive(Default)]
pub(crate) struct Recorder {
    text: String,
}

impl Recorder {
    /// Begins a new ledger.
    pub(crate) fn begin(&mut self) {
        self.text.push_str("begin\n");
    }

    /// Notes the code of an account: the name of one in `testdata`, or bytes.
    pub(crate) fn code(&mut self, address: Address, code: &str) {
        writeln!(self.text, "code {address:x} {code}").unwrap();
    }

    pub(crate) fn slots(&mut self, address: Address, slots: &[(U256, U256)]) {
        for (slot, word) in slots {
            writeln!(self.text, "slot {address:x} {slot:x} {word:x}").unwrap();
        }
    }

    pub(crate) fn balance(&mut self, address: Address, value: u64) {
        writeln!(self.text, "balance {address:x} {value}").unwrap();
    }

    pub(crate) fn getter(&mut self, to: Address, input: &Bytes) {
        writeln!(self.text, "get {to:x} {input}").unwrap();
    }

    /// Notes a call, what the bytecode answered, and the gas that it took if that is a bound for the module.
    pub(crate) fn step(
        &mut self,
        step: &Step,
        gas_max: Option<u64>,
        answer: &Answer,
        found: &[(bool, Bytes)],
    ) {
        let Step { block, time, from, to, input } = step;
        let gas = gas_max.map_or("-".to_owned(), |gas| gas.to_string());
        let facts = facts(answer, found);
        writeln!(self.text, "step {block} {time} {from:x} {to:x} {input} {gas} = {facts}").unwrap();
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}
