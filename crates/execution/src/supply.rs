//! The rules of GRAIN's supply.
//!
//! The supply is a word in the storage of the module GRAIN, for its `totalSupply`: the sum of all balances after each
//! block. While a block runs, its calls see the sum before it. A block that breaks one of these rules is not
//! produced:
//!
//! 1. *Burnt*: the base fee of all gas leaves the supply. So does what a contract destroys with itself, and what a module burns.
//! 2. *Issued*: only the issuer that the revision names adds to it, as much as its word of storage grows in the block
//!    ([`Issuance`]). Without an issuer nothing is added.
//! 3. *Ceiling*: the total ever issued is at most what the issuance allows at the block's height.
//!
//! The EVM gives modules no other way to create GRAIN (`native_kit::Host::issue`). The rules are checked from the
//! block's changes alone, so they also hold against a defect of the EVM or of a module. Revision 3 names the first issuer.

use crate::changes::{AccountState, Change, StateChanges};
use alloy_primitives::U256;
use native_kit::Issuance;
use native_modules::GRAIN_SUPPLY;
use revm::DatabaseRef;

/// How a block breaks the rules of the supply: a defect of this program. The node stops and keeps the last valid block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SupplyError {
    /// The supply would be larger than the rules allow.
    #[error(
        "block {number} would make {made} of GRAIN's smallest unit, and {issued} were issued: this is a defect of this program; report it and keep the data directory"
    )]
    Made {
        /// Height of the block.
        number: u64,
        /// The increase of all balances, plus what was burnt.
        made: U256,
        /// What the issuer has issued in the block.
        issued: U256,
    },
    /// The issuer exceeded its ceiling, or reduced its own count.
    #[error(
        "block {number} would bring GRAIN issued in all from {before} to {after}, and {ceiling} are allowed: this is a defect of this program; report it and keep the data directory"
    )]
    Issued {
        /// Height of the block.
        number: u64,
        /// Issued before the block, in total.
        before: U256,
        /// Issued after the block, in total.
        after: U256,
        /// The ceiling.
        ceiling: U256,
    },
}

/// The values of a block that the rules need besides its changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settlement {
    /// Its height.
    pub(crate) number: u64,
    /// Base fee of all its gas.
    pub(crate) burnt: U256,
    /// The issuance of its revision.
    pub(crate) issuance: Option<Issuance>,
}

/// Writes the supply of a genesis block, which has the word only if it has the module GRAIN.
pub(crate) fn begin(changes: &mut StateChanges) {
    set(changes, U256::ZERO, sums(changes).1);
}

/// Checks the rules for a block.
///
/// # Errors
/// [`SupplyError`] when the block breaks them.
pub(crate) fn check(changes: &StateChanges, block: &Settlement) -> Result<(), SupplyError> {
    let Settlement { number, burnt, issuance } = *block;
    let issued = match issuance {
        Some(issuance) => issued(changes, number, &issuance)?,
        None => U256::ZERO,
    };
    // No overflow: sums of balances are below 2^128, and so is what a block burns.
    let (before, after) = sums(changes);
    let made = after.saturating_add(burnt).saturating_sub(before);
    if made > issued { Err(SupplyError::Made { number, made, issued }) } else { Ok(()) }
}

/// How much the issuer has issued in the block, by its own word.
fn issued(changes: &StateChanges, number: u64, issuance: &Issuance) -> Result<U256, SupplyError> {
    let Some(word) = changes.slots.get(&(issuance.issuer, issuance.slot)) else {
        return Ok(U256::ZERO);
    };
    let (before, after, ceiling) = (word.before, word.after, (issuance.ceiling)(number));
    let issued = after.checked_sub(before).filter(|_| after <= ceiling);
    issued.ok_or(SupplyError::Issued { number, before, after, ceiling })
}

/// Writes the supply after a block, if it has changed.
///
/// A ledger that began without the word, before there was such a module, stays without: what it burns is taken from
/// nothing.
pub(crate) fn follow<DB: DatabaseRef>(
    changes: &mut StateChanges,
    parent: &DB,
) -> Result<(), DB::Error> {
    let (before, after) = sums(changes);
    if before == after {
        return Ok(());
    }
    let supply = parent.storage_ref(GRAIN_SUPPLY.0, GRAIN_SUPPLY.1)?;
    // Exact: the sum of all balances is below 2^128 and includes those that the block changed.
    set(changes, supply, supply.saturating_add(after).saturating_sub(before));
    Ok(())
}

/// Writes the supply after an amendment, which may create GRAIN; returns the supply, or a value above 2^128 if it is
/// too large.
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

/// Returns the sums of the balances of changed accounts, before and after.
fn sums(changes: &StateChanges) -> (U256, U256) {
    let balance = |account: &Option<AccountState>| account.map_or(U256::ZERO, |it| it.balance);
    changes.accounts.values().fold((U256::ZERO, U256::ZERO), |(before, after), change| {
        (
            before.saturating_add(balance(&change.before)),
            after.saturating_add(balance(&change.after)),
        )
    })
}

#[cfg(test)]
mod tests;
