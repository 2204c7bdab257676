//! `Vault`: shares of a growing amount of one asset (ERC-4626).
//!
//! Storage is that of OpenZeppelin's `ERC20`, followed by what `ERC4626` keeps in its code: asset, its decimals, and the offset, in one slot.
//! The contract has no lock, and needs none: it takes assets before it creates shares, and burns shares before it pays.
//!
//! Source: OpenZeppelin Contracts 5.4, `ERC4626.sol`. The limits of deposits are its defaults: none.

use abi::{
    Shares::SharesCalls,
    Vault::{self, VaultCalls as Calls},
};
use alloy_primitives::{Address, U256, uint};
use alloy_sol_types::{PanicKind, SolCall as _, SolInterface as _};
use fixed_point::ArithmeticError;
use native_kit::{Call, Failure, Function, Host, Outcome, emit, instance_code, slots::Value};
use staking::vault::{Offset, Vault as Rule};

use crate::{openzeppelin::answer, shares, tokens};

pub(crate) mod factory;
pub(crate) mod fees;

pub(crate) const CODE: [u8; 6] = instance_code(abi::VAULT);

/// The functions of a plain vault: as the contract, without a lock.
pub(crate) const FUNCTIONS: &[Function] = &{
    let [deposit, mint, withdraw, redeem] = CHANGES;
    let [a, b, c, d, e, f, g, h, i, j, k, l] = VIEWS;
    let (deposit, mint) = (deposit.unlocked(), mint.unlocked());
    let (withdraw, redeem) = (withdraw.unlocked(), redeem.unlocked());
    [a, b, c, d, e, f, g, h, i, j, k, l, deposit, mint, withdraw, redeem]
};

/// The views of a vault.
pub(crate) const VIEWS: [Function; 12] = [
    Function::view(Vault::assetCall::SELECTOR),
    Function::view(Vault::totalAssetsCall::SELECTOR),
    Function::view(Vault::convertToSharesCall::SELECTOR),
    Function::view(Vault::convertToAssetsCall::SELECTOR),
    Function::view(Vault::maxDepositCall::SELECTOR),
    Function::view(Vault::maxMintCall::SELECTOR),
    Function::view(Vault::maxWithdrawCall::SELECTOR),
    Function::view(Vault::maxRedeemCall::SELECTOR),
    Function::view(Vault::previewDepositCall::SELECTOR),
    Function::view(Vault::previewMintCall::SELECTOR),
    Function::view(Vault::previewWithdrawCall::SELECTOR),
    Function::view(Vault::previewRedeemCall::SELECTOR),
];

/// What changes something, under the lock: a fee vault's.
pub(crate) const CHANGES: [Function; 4] = [
    Function::nonpayable(Vault::depositCall::SELECTOR),
    Function::nonpayable(Vault::mintCall::SELECTOR),
    Function::nonpayable(Vault::withdrawCall::SELECTOR),
    Function::nonpayable(Vault::redeemCall::SELECTOR),
];

const SLOT: U256 = uint!(5_U256);
const _: () = assert!(shares::NEXT_SLOT == 5, "the slot after those of the shares");
const ASSET: Value<Address> = Value::new(SLOT, 0);
const UNDERLYING_DECIMALS: Value<u8> = Value::new(SLOT, 20);
const OFFSET: Value<u8> = Value::new(SLOT, 21);
const SELLS_FEES: Value<bool> = Value::new(SLOT, 22);

/// What the contract keeps in its code.
#[derive(Clone, Copy)]
struct Terms {
    asset: Address,
    underlying_decimals: u8,
    offset: Offset,
    /// Whether it is a fee vault.
    sells_fees: bool,
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let selector = input.first_chunk().copied().unwrap_or_default();
    let bad = |_| Failure::bad_call();
    if SharesCalls::valid_selector(selector) {
        let call = native_kit::decode::<SharesCalls>(input).map_err(bad)?;
        return shares::call(host, call, decimals);
    }
    let call = native_kit::decode::<Calls>(input).map_err(bad)?;
    match call {
        Calls::deposit(call) => {
            let (terms, vault) = load(host)?;
            let shares = vault.shares_down(call.assets).map_err(overflow)?;
            enter(host, terms.asset, call.receiver, (call.assets, shares))?;
            Ok(answer(shares))
        }
        Calls::mint(call) => {
            let (terms, vault) = load(host)?;
            let assets = vault.assets_up(call.shares).map_err(overflow)?;
            enter(host, terms.asset, call.receiver, (assets, call.shares))?;
            Ok(answer(assets))
        }
        Calls::withdraw(call) => Ok(answer(withdraw(host, &call)?)),
        Calls::redeem(call) => Ok(answer(redeem(host, &call)?)),
        view => Ok(answer(figure(host, &view)?)),
    }
}

/// Answers the views.
fn figure(host: &mut dyn Host, call: &Calls) -> Result<U256, Failure> {
    let of = |rounded: Result<U256, ArithmeticError>| rounded.map_err(overflow);
    match call {
        Calls::asset(_) => Ok(U256::from_be_bytes(terms(host)?.asset.into_word().0)),
        Calls::totalAssets(_) => Ok(load(host)?.1.assets),
        Calls::convertToShares(call) => of(load(host)?.1.shares_down(call.assets)),
        Calls::previewDeposit(call) => of(load(host)?.1.shares_down(call.assets)),
        Calls::previewWithdraw(call) => of(load(host)?.1.shares_up(call.assets)),
        Calls::convertToAssets(call) => of(load(host)?.1.assets_down(call.shares)),
        Calls::previewRedeem(call) => of(load(host)?.1.assets_down(call.shares)),
        Calls::previewMint(call) => of(load(host)?.1.assets_up(call.shares)),
        Calls::maxDeposit(_) | Calls::maxMint(_) => Ok(U256::MAX),
        Calls::maxWithdraw(call) => {
            let balance = shares::balance_of(host, call.owner)?;
            of(load(host)?.1.assets_down(balance))
        }
        Calls::maxRedeem(call) => shares::balance_of(host, call.owner),
        Calls::deposit(_) | Calls::mint(_) | Calls::withdraw(_) | Calls::redeem(_) => {
            unreachable!("they are no views")
        }
    }
}

fn withdraw(host: &mut dyn Host, call: &Vault::withdrawCall) -> Result<U256, Failure> {
    let Vault::withdrawCall { assets, receiver, owner } = *call;
    let (terms, vault) = load(host)?;
    let balance = shares::balance_of(host, owner)?;
    let max = vault.assets_down(balance).map_err(overflow)?;
    if assets > max {
        return Err(Failure::revert(&Vault::ERC4626ExceededMaxWithdraw { owner, assets, max }));
    }
    let shares = vault.shares_up(assets).map_err(overflow)?;
    leave(host, terms.asset, (receiver, owner), (assets, shares))?;
    Ok(shares)
}

fn redeem(host: &mut dyn Host, call: &Vault::redeemCall) -> Result<U256, Failure> {
    let Vault::redeemCall { shares, receiver, owner } = *call;
    let max = shares::balance_of(host, owner)?;
    if shares > max {
        return Err(Failure::revert(&Vault::ERC4626ExceededMaxRedeem { owner, shares, max }));
    }
    let (terms, vault) = load(host)?;
    let assets = vault.assets_down(shares).map_err(overflow)?;
    leave(host, terms.asset, (receiver, owner), (assets, shares))?;
    Ok(assets)
}

/// Takes assets, then creates shares: a token that calls back finds what was before.
fn enter(
    host: &mut dyn Host,
    asset: Address,
    receiver: Address,
    (assets, shares): (U256, U256),
) -> Result<(), Failure> {
    let (caller, vault) = (host.caller(), host.module());
    tokens::transfer_from(host, asset, (caller, vault), assets)?;
    shares::mint(host, receiver, shares)?;
    emit(host, &Vault::Deposit { sender: caller, owner: receiver, assets, shares })
}

/// Burns shares, then pays assets: a token that calls back finds what is after.
fn leave(
    host: &mut dyn Host,
    asset: Address,
    (receiver, owner): (Address, Address),
    (assets, shares): (U256, U256),
) -> Result<(), Failure> {
    let caller = host.caller();
    if caller != owner {
        shares::spend_allowance(host, owner, caller, shares)?;
    }
    shares::burn(host, owner, shares)?;
    tokens::transfer(host, asset, receiver, assets)?;
    emit(host, &Vault::Withdraw { sender: caller, receiver, owner, assets, shares })
}

fn load(host: &mut dyn Host) -> Result<(Terms, Rule), Failure> {
    let terms = terms(host)?;
    let shares = shares::stored().total_supply.get(host)?;
    let vault = host.module();
    let mut assets = tokens::balance_of(host, terms.asset, vault)?;
    if terms.sells_fees {
        assets = assets.saturating_sub(fees::locked(host)?);
    }
    Ok((terms, Rule { assets, shares, offset: terms.offset }))
}

fn terms(host: &mut dyn Host) -> Result<Terms, Failure> {
    let word = host.load(SLOT)?;
    let offset = Offset::new(OFFSET.of_word(word));
    Ok(Terms {
        asset: ASSET.of_word(word),
        underlying_decimals: UNDERLYING_DECIMALS.of_word(word),
        sells_fees: SELLS_FEES.of_word(word),
        offset: offset
            .ok_or_else(|| Failure::Broken("a vault's offset is too large".to_owned()))?,
    })
}

fn decimals(host: &mut dyn Host) -> Result<u8, Failure> {
    let terms = terms(host)?;
    let sum = terms.underlying_decimals.checked_add(terms.offset.decimals());
    sum.ok_or_else(|| overflow(ArithmeticError::Overflow))
}

/// Returns the decimals of a token; 18 if it does not say.
///
/// Source: `ERC4626._tryGetAssetDecimals`.
pub(crate) fn decimals_of(host: &mut dyn Host, token: Address) -> Result<u8, Failure> {
    Ok(stated_decimals(host, token)?.unwrap_or(18))
}

/// Returns the decimals that a token says it has.
pub(crate) fn stated_decimals(host: &mut dyn Host, token: Address) -> Result<Option<u8>, Failure> {
    let asked = Call::reading(token, abi::Erc20::decimalsCall {}.abi_encode());
    let word = match host.call(&asked)? {
        Outcome::Returned(output) => output.get(..32).map(U256::from_be_slice),
        Outcome::Reverted(_) | Outcome::Halted => None,
    };
    Ok(word.and_then(|word| u8::try_from(word).ok()))
}

fn overflow(error: ArithmeticError) -> Failure {
    Failure::panic(match error {
        ArithmeticError::Overflow => PanicKind::UnderOverflow,
        ArithmeticError::DivisionByZero => PanicKind::DivisionByZero,
    })
}
