//! Shares of a pair as an ERC-20 with permits.

use ::amm::constant_product::{check_deadline, spend_allowance};
use abi::{UniswapV2Pair as Pair, permit_domain};
use alloy_primitives::{Address, B256, U256, b256};
use alloy_sol_types::SolValue;
use native_kit::{Failure, Host, emit};

use super::{arithmetic, pair::stored};
use crate::signature::{RECOVER_GAS, signer};

pub(super) const NAME: &str = "Uniswap V2";
pub(super) const SYMBOL: &str = "UNI-V2";
pub(super) const DECIMALS: u8 = 18;
/// Keccak-256 of `Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)`.
pub(super) const PERMIT_TYPEHASH: B256 =
    b256!("6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");

/// Returns the hash of the domain that permits are signed for.
pub(super) fn domain_separator(host: &mut dyn Host, pair: Address) -> Result<B256, Failure> {
    // Hashes of five words, of the type, of name and version.
    host.charge(4 * (30 + 5 * 6))?;
    Ok(permit_domain(NAME, host.chain_id(), pair).separator())
}

pub(super) fn approve(
    host: &mut dyn Host,
    (owner, spender): (Address, Address),
    value: U256,
) -> Result<(), Failure> {
    stored().allowances.of(host, owner)?.of(host, spender)?.set(host, value)?;
    emit(host, &Pair::Approval { owner, spender, value })
}

pub(super) fn transfer(
    host: &mut dyn Host,
    (from, to): (Address, Address),
    value: U256,
) -> Result<(), Failure> {
    // One after the other: they may be the same.
    stored().balances.of(host, from)?.update(host, |held| subtract(held, value))?;
    stored().balances.of(host, to)?.update(host, |held| add(held, value))?;
    emit(host, &Pair::Transfer { from, to, value })
}

pub(super) fn transfer_from(
    host: &mut dyn Host,
    (from, to): (Address, Address),
    value: U256,
) -> Result<(), Failure> {
    let spender = host.caller();
    let allowance = stored().allowances.of(host, from)?.of(host, spender)?;
    allowance.update(host, |allowed| spend_allowance(allowed, value).map_err(arithmetic))?;
    transfer(host, (from, to), value)
}

pub(super) fn permit(host: &mut dyn Host, call: &Pair::permitCall) -> Result<(), Failure> {
    let Pair::permitCall { owner, spender, value, deadline, v, r, s } = *call;
    // Checks.
    if !check_deadline(deadline, host.timestamp()) {
        return Err(Failure::message("UniswapV2: EXPIRED"));
    }
    let nonces = stored().nonces.of(host, owner)?;
    let nonce = nonces.get(host)?;
    let permit = (PERMIT_TYPEHASH, owner, spender, value, nonce, deadline).abi_encode();
    let permit = host.keccak256(&permit)?;
    let domain = stored().domain_separator.get(host)?;
    let digest = host.keccak256(&[&[0x19, 0x01], &domain[..], &permit[..]].concat())?;
    host.charge(RECOVER_GAS)?;
    if signer(&digest, v, &r, &s).is_none_or(|signer| signer.is_zero() || signer != owner) {
        return Err(Failure::message("UniswapV2: INVALID_SIGNATURE"));
    }
    // Effects. After 2^256 permits the nonce would begin again.
    nonces.set(host, nonce.wrapping_add(U256::ONE))?;
    approve(host, (owner, spender), value)
}

/// Creates shares, of which there were `supply`.
pub(super) fn mint(
    host: &mut dyn Host,
    to: Address,
    value: U256,
    supply: U256,
) -> Result<(), Failure> {
    stored().total_supply.update_from(host, supply, |supply| add(supply, value))?;
    stored().balances.of(host, to)?.update(host, |held| add(held, value))?;
    emit(host, &Pair::Transfer { from: Address::ZERO, to, value })
}

/// Destroys shares, of which there were `supply`.
pub(super) fn burn(
    host: &mut dyn Host,
    from: Address,
    value: U256,
    supply: U256,
) -> Result<(), Failure> {
    stored().balances.of(host, from)?.update(host, |held| subtract(held, value))?;
    stored().total_supply.update_from(host, supply, |supply| subtract(supply, value))?;
    emit(host, &Pair::Transfer { from, to: Address::ZERO, value })
}

fn add(a: U256, b: U256) -> Result<U256, Failure> {
    a.checked_add(b).ok_or_else(|| Failure::message("ds-math-add-overflow"))
}

fn subtract(a: U256, b: U256) -> Result<U256, Failure> {
    a.checked_sub(b).ok_or_else(|| Failure::message("ds-math-sub-underflow"))
}
