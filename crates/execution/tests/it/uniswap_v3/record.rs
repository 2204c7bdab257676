//! Recorded sequences: calls, and what the contracts' bytecode has answered. One step a line, in JSON; a sequence begins with a line of
//! its own.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use super::world::{Ledger, Outcome, Step, logs_digest, state_digest};

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// A new ledger: these accounts have this much GRAIN.
    Begin { sequence: u64, accounts: Vec<Address>, balance: U256 },
    /// A call.
    Call(Box<Recorded>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    pub(crate) time: u64,
    pub(crate) from: Address,
    pub(crate) to: Address,
    #[serde(default, skip_serializing_if = "U256::is_zero")]
    pub(crate) value: U256,
    pub(crate) data: Bytes,
    pub(crate) ok: bool,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub(crate) output: Bytes,
    /// Digest of the logs; left out when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) logs: Option<B256>,
    /// First 8 bytes of the digest of slots and balances after the step; left out when the call has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<Bytes>,
}

fn is_empty(bytes: &Bytes) -> bool {
    bytes.is_empty()
}

impl Recorded {
    /// Returns the record of a step that has ended on `ledger`.
    pub(crate) fn new(step: &Step, outcome: &Outcome, ledger: &mut Ledger) -> Self {
        let state = outcome.is_done.then(|| state_digest(&ledger.held()));
        Self {
            time: step.time,
            from: step.from,
            to: step.to,
            value: step.value,
            data: step.data.clone(),
            ok: outcome.is_done,
            output: outcome.output.clone(),
            logs: (!outcome.logs.is_empty()).then(|| logs_digest(&outcome.logs)),
            state: state.map(|digest| Bytes::copy_from_slice(&digest[..8])),
        }
    }

    pub(crate) fn step(&self) -> Step {
        let Self { time, from, to, value, ref data, .. } = *self;
        Step { time, from, to, value, data: data.clone() }
    }
}

/// Plays recorded sequences on native ledgers, compares each step, and returns how many steps there were.
pub(crate) fn replay(text: &str) -> usize {
    let mut ledger = Ledger::native();
    let (mut current, mut steps) = (0, 0);
    for (number, line) in text.lines().enumerate() {
        match serde_json::from_str(line).expect("a line of a record") {
            Line::Begin { sequence, accounts, balance } => {
                current = sequence;
                ledger = Ledger::native();
                for account in accounts {
                    ledger.give(account, balance);
                }
            }
            Line::Call(recorded) => {
                let step = recorded.step();
                let outcome = ledger.execute(&step);
                let now = Recorded::new(&step, &outcome, &mut ledger);
                assert_eq!(now, *recorded, "line {}, sequence {current}", number + 1);
                steps += 1;
            }
        }
    }
    steps
}
