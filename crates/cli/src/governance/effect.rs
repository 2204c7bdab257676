//! What the calls of a proposal would do if they were made now: simulated by the node, from the Governor's account.

use std::collections::BTreeMap;

use abi::{Erc20, GOVERNOR, GRAIN, convert};
use alloy_primitives::{Address, I256, Log, U256, address};
use alloy_sol_types::SolEvent as _;
use ledger_client::{Ledger, Simulated, SimulatedCall};
use ledger_views::{governance::ProposedCall, markets};
use serde::Serialize;
use units::UnixSeconds;

use super::calls;
use crate::market::seconds_text;
use crate::options::checksummed;

/// Events that are shown at most.
const EVENTS_MAX: usize = 50;
/// Balances that are shown at most.
const BALANCES_MAX: usize = 50;
/// Where the node shows GRAIN that goes along with a call.
const SENT: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");

/// What would happen. `time` is that of the block, in Unix seconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Effect {
    time: u64,
    succeeds: bool,
    calls: Vec<CallEffect>,
    events: Vec<String>,
    balances: Vec<BalanceChange>,
    /// Events and balances that are left out here.
    left_out: usize,
}

#[derive(Clone, Debug, Serialize)]
struct CallEffect {
    succeeds: bool,
    error: Option<String>,
    gas: u64,
}

/// In the smallest unit of the token.
#[derive(Clone, Debug, Serialize)]
struct BalanceChange {
    account: String,
    token: String,
    change: String,
    #[serde(skip)]
    text: String,
}

/// Simulates the calls of a proposal, now or at a later time.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn effect(
    ledger: &Ledger,
    proposed: &[ProposedCall],
    not_before: UnixSeconds,
) -> anyhow::Result<Effect> {
    let call = |call: &ProposedCall| SimulatedCall {
        from: GOVERNOR,
        to: call.target,
        value: call.value,
        input: call.data.clone(),
    };
    let calls: Vec<_> = proposed.iter().map(call).collect();
    let results = ledger.simulate_calls(&calls, not_before).await?;
    let time = ledger.next_time().await?.max(not_before);
    of(ledger, &results, time).await
}

async fn of(ledger: &Ledger, results: &[Simulated], time: UnixSeconds) -> anyhow::Result<Effect> {
    let calls = results.iter().map(|result| CallEffect {
        succeeds: result.result.is_ok(),
        error: result.result.as_ref().err().cloned(),
        gas: result.gas,
    });
    let calls: Vec<_> = calls.collect();
    let succeeds = calls.iter().all(|call| call.succeeds);
    let (mut events, mut changes, mut left_out) = (Vec::new(), BTreeMap::new(), 0_usize);
    for log in results.iter().flat_map(|result| &result.logs) {
        let is_transfer = note_transfer(log, &mut changes);
        if is_transfer || log.address == SENT {
            continue;
        }
        if events.len() >= EVENTS_MAX {
            left_out += 1;
        } else if let Some(event) = calls::event(ledger, &log.address, &log.data).await? {
            events.push(event);
        } else {
            events.push(format!("an event of {}", log.address.to_checksum(None)));
        }
    }
    changes.retain(|_, change: &mut I256| !change.is_zero());
    left_out += changes.len().saturating_sub(BALANCES_MAX);
    let mut balances = Vec::new();
    for ((token, account), change) in changes.into_iter().take(BALANCES_MAX) {
        balances.push(balance(ledger, token, account, change).await);
    }
    Ok(Effect { time: time.as_u64(), succeeds, calls, events, balances, left_out })
}

/// Adds a transfer to the changes of balances, by token and account. Returns whether the log is one.
fn note_transfer(log: &Log, changes: &mut BTreeMap<(Address, Address), I256>) -> bool {
    let Ok(transfer) = Erc20::Transfer::decode_log(log) else { return false };
    let token = if log.address == SENT { GRAIN } else { log.address };
    let amount = I256::try_from(transfer.value).unwrap_or(I256::MAX);
    let mut add = |account: Address, amount: I256| {
        let change = changes.entry((token, account)).or_insert(I256::ZERO);
        *change = change.saturating_add(amount);
    };
    if transfer.from != transfer.to {
        add(transfer.from, I256::ZERO.saturating_sub(amount));
        add(transfer.to, amount);
    }
    true
}

async fn balance(ledger: &Ledger, token: Address, account: Address, change: I256) -> BalanceChange {
    let sign = if change.is_negative() { "-" } else { "+" };
    let size: U256 = change.unsigned_abs();
    let view = markets::token(ledger, &convert::account(token)).await;
    let amount = match view {
        Ok(view) if view.is_readable => format!("{} {}", view.amount_text(size), view.symbol),
        _ => format!("{size} of {}", token.to_checksum(None)),
    };
    let name = match abi::Module::at(&account) {
        Some(module) if account != token => calls::named(module, &account),
        _ => checksummed(&convert::account(account)),
    };
    BalanceChange {
        account: account.to_checksum(None),
        token: token.to_checksum(None),
        change: change.to_string(),
        text: format!("{sign}{amount} for {name}"),
    }
}

impl Effect {
    /// Whether all calls succeed.
    pub(super) fn succeeds(&self) -> bool {
        self.succeeds
    }

    /// Lines for people.
    pub(super) fn text(&self, now: UnixSeconds) -> String {
        let later = self.time.saturating_sub(now.as_u64());
        let when = match later {
            0..=60 => "if it were executed now".to_owned(),
            later => format!("if it were executed in {}", seconds_text(later)),
        };
        let mut lines = Vec::new();
        if self.succeeds {
            lines.push(format!("{when}, all calls would succeed"));
        }
        for (number, call) in (1..).zip(&self.calls) {
            if let Some(error) = &call.error {
                lines.push(format!("{when}, call {number} would fail: {error}"));
            }
        }
        lines.extend(self.events.iter().cloned());
        lines.extend(self.balances.iter().map(|balance| balance.text.clone()));
        if self.left_out > 0 {
            lines.push(format!("and {} more", self.left_out));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_add_up_to_changes_of_balances() {
        let [one, two] = [1, 2].map(Address::repeat_byte);
        let mut changes = BTreeMap::new();
        let mut note = |token: Address, from: Address, to: Address, value: u64| {
            let event = Erc20::Transfer { from, to, value: U256::from(value) };
            let log = Log { address: token, data: event.encode_log_data() };
            assert!(note_transfer(&log, &mut changes));
        };
        note(GRAIN, one, two, 5);
        // GRAIN as the value of a call is the same GRAIN.
        note(SENT, two, one, 3);
        note(two, one, one, 9);
        let change = |of: Address| changes[&(GRAIN, of)];
        assert_eq!((change(one), change(two)), (I256::MINUS_ONE + I256::MINUS_ONE, -change(one)));
        assert_eq!(changes.len(), 2);
        let other = Erc20::Approval { owner: one, spender: two, value: U256::ONE };
        let log = Log { address: GRAIN, data: other.encode_log_data() };
        assert!(!note_transfer(&log, &mut changes));
    }
}
