//! Checks of a transaction that need no state: whether any block of this ledger could include it.

use crate::{
    rules::Rules,
    transaction::{Refusal, Transaction, check_kind},
};
use alloy_consensus::Transaction as _;
use revm::{
    context_interface::cfg::gas::calculate_initial_tx_gas,
    primitives::{eip3860::MAX_INITCODE_SIZE, hardfork::SpecId},
};

/// The largest nonce of a transaction (EIP-2681).
pub const NONCE_MAX: u64 = u64::MAX - 1;

/// Checks a transaction by itself: type, chain, nonce, gas, fees, size of creation code.
///
/// # Errors
/// [`Refusal`]: no block of a ledger with these rules can include it.
pub fn check_stateless(transaction: &Transaction, rules: &Rules) -> Result<(), Refusal> {
    check_kind(transaction, rules.chain_id)?;
    check_nonce(transaction.nonce())?;
    let (gas_limit, block_gas_limit) = (transaction.gas_limit(), rules.gas_limit);
    if gas_limit > block_gas_limit {
        return Err(Refusal::GasLimitTooHigh { gas_limit, block_gas_limit });
    }
    check_fees(transaction.max_fee_per_gas(), transaction.max_priority_fee_per_gas())?;
    let size = transaction.input().len();
    if transaction.is_create() && size > MAX_INITCODE_SIZE {
        return Err(Refusal::CreationCodeTooLong { size });
    }
    let needed = intrinsic_gas(transaction);
    if gas_limit < needed {
        return Err(Refusal::IntrinsicGas { gas_limit, needed });
    }
    Ok(())
}

/// Checks the nonce (EIP-2681).
pub(crate) fn check_nonce(nonce: u64) -> Result<(), Refusal> {
    if nonce > NONCE_MAX { Err(Refusal::NonceTooLarge { nonce }) } else { Ok(()) }
}

/// Checks that the tip is not above the maximum fee, of which it is a part (EIP-1559).
pub(crate) fn check_fees(max_fee: u128, tip: Option<u128>) -> Result<(), Refusal> {
    match tip {
        Some(tip) if tip > max_fee => Err(Refusal::TipAboveMaxFee { tip, max_fee }),
        _ => Ok(()),
    }
}

/// Returns the cost of a transaction before it runs, and its minimum cost (EIP-7623).
fn intrinsic_gas(transaction: &Transaction) -> u64 {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let list = transaction.access_list();
    let keys = list.map_or(0, |list| list.iter().map(|item| item.storage_keys.len()).sum());
    let gas = calculate_initial_tx_gas(
        SpecId::OSAKA,
        transaction.input(),
        transaction.is_create(),
        count(list.map_or(0, |list| list.len())),
        count(keys),
        transaction.authorization_list().map_or(0, |list| count(list.len())),
        None,
    );
    gas.initial_regular_gas.max(gas.floor_gas)
}
