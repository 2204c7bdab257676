//! How much GRAIN there is: a word in the storage of the module GRAIN, for its `totalSupply`.
//!
//! It is the sum of all balances after each block. A block only makes it smaller, by what was burnt, and is known from its changes alone. While
//! a block runs, its calls see the sum before it.

use crate::changes::{AccountState, Change, StateChanges};
use alloy_primitives::U256;
use native_modules::GRAIN_SUPPLY;
use revm::DatabaseRef;

/// Writes the supply of a genesis block, which has a word only if it has GRAIN.
pub(crate) fn begin(changes: &mut StateChanges) {
    set(changes, U256::ZERO, sums(changes).1);
}

/// Writes the supply after a block, if it has changed.
///
/// A ledger that began without the word, before there was such a module, stays without: nothing makes GRAIN.
pub(crate) fn follow<DB: DatabaseRef>(
    changes: &mut StateChanges,
    parent: &DB,
) -> Result<(), DB::Error> {
    let (before, after) = sums(changes);
    if before == after {
        return Ok(());
    }
    let supply = parent.storage_ref(GRAIN_SUPPLY.0, GRAIN_SUPPLY.1)?;
    if !supply.is_zero() {
        // Exact: a sum of all balances is below 2^128, and holds those that the block changed.
        set(changes, supply, supply.saturating_add(after).saturating_sub(before));
    }
    Ok(())
}

/// Writes the supply after a change that is no block's, which may make GRAIN; the supply, or something above 2^128 if it is too large.
pub(crate) fn amend<DB: DatabaseRef>(
    changes: &mut StateChanges,
    state: &DB,
) -> Result<U256, DB::Error> {
    let (before, after) = sums(changes);
    let supply = state.storage_ref(GRAIN_SUPPLY.0, GRAIN_SUPPLY.1)?;
    let amended = supply.saturating_sub(before).saturating_add(after);
    set(changes, supply, amended);
    Ok(amended)
}

fn set(changes: &mut StateChanges, before: U256, after: U256) {
    if before != after {
        changes.slots.insert(GRAIN_SUPPLY, Change { before, after });
    }
}

/// Sums of the balances of changed accounts, before and after.
fn sums(changes: &StateChanges) -> (U256, U256) {
    let balance = |account: &Option<AccountState>| account.map_or(U256::ZERO, |it| it.balance);
    changes.accounts.values().fold((U256::ZERO, U256::ZERO), |(before, after), change| {
        (
            before.saturating_add(balance(&change.before)),
            after.saturating_add(balance(&change.after)),
        )
    })
}
