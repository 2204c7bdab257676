//! `UniswapV3Pool`: one pool, at an address of its own.
//!
//! Its lock is `slot0.unlocked`, as in the original, so the kit's is not used: a pool without a price is locked, too, and some checks come before it.

mod records;
mod views;

use abi::{
    UniswapV3Pool::{self, UniswapV3PoolCalls as Calls},
    convert::account,
};
use alloy_primitives::{Address, U160, U256, aliases::I24};
use alloy_sol_types::{SolCall, SolInterface as _, sol};
use amm::concentrated::{
    Asset, Direction, Flash, Owed, Pool, PositionKey, Refused, SwapTerms, check_received,
};
use native_kit::{Call, Failure, Function, Host, emit};

use super::{empty, factory};
use crate::{tokens, uniswap_v2::transfers};
use records::{Records, Stored};

pub(crate) use records::{Records as PoolRecords, assets_of, write_terms};

sol! {
    /// What a pool calls back. The assets are paid to the pool before it returns.
    interface Callbacks {
        function uniswapV3MintCallback(uint256 amount0Owed, uint256 amount1Owed, bytes calldata data) external;
        function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata data) external;
        function uniswapV3FlashCallback(uint256 fee0, uint256 fee1, bytes calldata data) external;
    }
}

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(UniswapV3Pool::factoryCall::SELECTOR),
    Function::view(UniswapV3Pool::token0Call::SELECTOR),
    Function::view(UniswapV3Pool::token1Call::SELECTOR),
    Function::view(UniswapV3Pool::feeCall::SELECTOR),
    Function::view(UniswapV3Pool::tickSpacingCall::SELECTOR),
    Function::view(UniswapV3Pool::maxLiquidityPerTickCall::SELECTOR),
    Function::view(UniswapV3Pool::slot0Call::SELECTOR),
    Function::view(UniswapV3Pool::feeGrowthGlobal0X128Call::SELECTOR),
    Function::view(UniswapV3Pool::feeGrowthGlobal1X128Call::SELECTOR),
    Function::view(UniswapV3Pool::protocolFeesCall::SELECTOR),
    Function::view(UniswapV3Pool::liquidityCall::SELECTOR),
    Function::view(UniswapV3Pool::ticksCall::SELECTOR),
    Function::view(UniswapV3Pool::tickBitmapCall::SELECTOR),
    Function::view(UniswapV3Pool::positionsCall::SELECTOR),
    Function::view(UniswapV3Pool::observationsCall::SELECTOR),
    Function::view(UniswapV3Pool::observeCall::SELECTOR),
    Function::view(UniswapV3Pool::snapshotCumulativesInsideCall::SELECTOR),
    Function::nonpayable(UniswapV3Pool::initializeCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::mintCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::collectCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::burnCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::swapCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::flashCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::increaseObservationCardinalityNextCall::SELECTOR)
        .unlocked(),
    Function::nonpayable(UniswapV3Pool::setFeeProtocolCall::SELECTOR).unlocked(),
    Function::nonpayable(UniswapV3Pool::collectProtocolCall::SELECTOR).unlocked(),
];

/// What a transfer that fails answers.
const TRANSFER_FAILED: &str = "TF";

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = Calls::abi_decode(input).map_err(|_| empty())?;
    if let Some(output) = views::view(host, &call)? {
        return Ok(output);
    }
    Ok(match call {
        Calls::initialize(call) => initialize(host, call.sqrtPriceX96)?,
        Calls::mint(call) => UniswapV3Pool::mintCall::abi_encode_returns(&mint(host, call)?),
        Calls::collect(call) => {
            UniswapV3Pool::collectCall::abi_encode_returns(&collect(host, &call)?)
        }
        Calls::burn(call) => UniswapV3Pool::burnCall::abi_encode_returns(&burn(host, &call)?),
        Calls::swap(call) => UniswapV3Pool::swapCall::abi_encode_returns(&swap(host, call)?),
        Calls::flash(call) => flash(host, call)?,
        Calls::increaseObservationCardinalityNext(call) => {
            increase_cardinality(host, call.observationCardinalityNext)?
        }
        Calls::setFeeProtocol(call) => {
            set_protocol_fee(host, call.feeProtocol0, call.feeProtocol1)?
        }
        Calls::collectProtocol(call) => {
            UniswapV3Pool::collectProtocolCall::abi_encode_returns(&collect_protocol(host, &call)?)
        }
        _ => unreachable!("answered by `view`"),
    })
}

fn initialize(host: &mut dyn Host, price: U160) -> Result<Vec<u8>, Failure> {
    let now = now(host);
    let tick = Pool::new(&mut Records::new(host), now).initialize(price)?;
    emit(host, &UniswapV3Pool::Initialize { sqrtPriceX96: price, tick: narrow(tick) })?;
    Ok(Vec::new())
}

fn mint(
    host: &mut dyn Host,
    call: UniswapV3Pool::mintCall,
) -> Result<UniswapV3Pool::mintReturn, Failure> {
    let UniswapV3Pool::mintCall { recipient: owner, tickLower, tickUpper, amount, data } = call;
    let (sender, now) = (host.caller(), now(host));
    let minted = {
        let key = key(owner, tickLower, tickUpper);
        Pool::new(&mut Records::changing(host, key), now).mint(&key, amount)?
    };
    let (amount0, amount1) = (minted.amount0, minted.amount1);
    let before0 = if amount0.is_zero() { None } else { Some(balance(host, Asset::Zero)?) };
    let before1 = if amount1.is_zero() { None } else { Some(balance(host, Asset::One)?) };
    let called =
        Callbacks::uniswapV3MintCallbackCall { amount0Owed: amount0, amount1Owed: amount1, data };
    host.call_contract(&Call::new(sender, called.abi_encode()))?;
    if let Some(before) = before0 {
        let after = balance(host, Asset::Zero)?;
        check_received(before, amount0, after, Refused::MintUnderpaid0).map_err(refusal)?;
    }
    if let Some(before) = before1 {
        let after = balance(host, Asset::One)?;
        check_received(before, amount1, after, Refused::MintUnderpaid1).map_err(refusal)?;
    }
    emit(
        host,
        &UniswapV3Pool::Mint { sender, owner, tickLower, tickUpper, amount, amount0, amount1 },
    )?;
    Pool::new(&mut Records::new(host), now).unlock()?;
    Ok(UniswapV3Pool::mintReturn { amount0, amount1 })
}

fn burn(
    host: &mut dyn Host,
    call: &UniswapV3Pool::burnCall,
) -> Result<UniswapV3Pool::burnReturn, Failure> {
    let UniswapV3Pool::burnCall { tickLower, tickUpper, amount } = *call;
    let (owner, now) = (host.caller(), now(host));
    let burned = {
        let key = key(owner, tickLower, tickUpper);
        Pool::new(&mut Records::changing(host, key), now).burn(&key, amount)?
    };
    let (amount0, amount1) = (burned.amount0, burned.amount1);
    emit(host, &UniswapV3Pool::Burn { owner, tickLower, tickUpper, amount, amount0, amount1 })?;
    Ok(UniswapV3Pool::burnReturn { amount0, amount1 })
}

fn collect(
    host: &mut dyn Host,
    call: &UniswapV3Pool::collectCall,
) -> Result<UniswapV3Pool::collectReturn, Failure> {
    let UniswapV3Pool::collectCall { recipient, tickLower, tickUpper, .. } = *call;
    let (owner, now) = (host.caller(), now(host));
    let collected = {
        let key = key(owner, tickLower, tickUpper);
        let most = Owed { of0: call.amount0Requested, of1: call.amount1Requested };
        Pool::new(&mut Records::new(host), now).collect(&key, most)?
    };
    let (amount0, amount1) = (collected.amount0, collected.amount1);
    if amount0 > 0 {
        pay(host, Asset::Zero, recipient, U256::from(amount0))?;
    }
    if amount1 > 0 {
        pay(host, Asset::One, recipient, U256::from(amount1))?;
    }
    let collected =
        UniswapV3Pool::Collect { owner, recipient, tickLower, tickUpper, amount0, amount1 };
    emit(host, &collected)?;
    Pool::new(&mut Records::new(host), now).unlock()?;
    Ok(UniswapV3Pool::collectReturn { amount0, amount1 })
}

fn swap(
    host: &mut dyn Host,
    call: UniswapV3Pool::swapCall,
) -> Result<UniswapV3Pool::swapReturn, Failure> {
    let UniswapV3Pool::swapCall { recipient, zeroForOne, amountSpecified, data, .. } = call;
    let (sender, now) = (host.caller(), now(host));
    let direction = if zeroForOne { Direction::ZeroForOne } else { Direction::OneForZero };
    let swapped = {
        let asked =
            SwapTerms { direction, amount: amountSpecified, price_limit: call.sqrtPriceLimitX96 };
        Pool::new(&mut Records::new(host), now).swap(&asked)?
    };
    let (amount0, amount1) = (swapped.amount0, swapped.amount1);
    let (received, paid) = match direction {
        Direction::ZeroForOne => (amount0, amount1),
        Direction::OneForZero => (amount1, amount0),
    };
    if paid.is_negative() {
        pay(host, direction.paid_out(), recipient, paid.unsigned_abs())?;
    }
    let before = balance(host, direction.paid_in())?;
    let called =
        Callbacks::uniswapV3SwapCallbackCall { amount0Delta: amount0, amount1Delta: amount1, data };
    host.call_contract(&Call::new(sender, called.abi_encode()))?;
    let after = balance(host, direction.paid_in())?;
    check_received(before, received.into_raw(), after, Refused::SwapUnderpaid).map_err(refusal)?;
    let event = UniswapV3Pool::Swap {
        sender,
        recipient,
        amount0,
        amount1,
        sqrtPriceX96: swapped.sqrt_price,
        liquidity: swapped.liquidity,
        tick: narrow(swapped.tick),
    };
    emit(host, &event)?;
    Pool::new(&mut Records::new(host), now).unlock()?;
    Ok(UniswapV3Pool::swapReturn { amount0, amount1 })
}

fn flash(host: &mut dyn Host, call: UniswapV3Pool::flashCall) -> Result<Vec<u8>, Failure> {
    let UniswapV3Pool::flashCall { recipient, amount0, amount1, data } = call;
    let (sender, now) = (host.caller(), now(host));
    let flash = Pool::new(&mut Records::new(host), now).flash(amount0, amount1)?;
    let Flash { fee0, fee1, .. } = flash;
    let before = (balance(host, Asset::Zero)?, balance(host, Asset::One)?);
    if !amount0.is_zero() {
        pay(host, Asset::Zero, recipient, amount0)?;
    }
    if !amount1.is_zero() {
        pay(host, Asset::One, recipient, amount1)?;
    }
    let called = Callbacks::uniswapV3FlashCallbackCall { fee0, fee1, data };
    host.call_contract(&Call::new(sender, called.abi_encode()))?;
    let after = (balance(host, Asset::Zero)?, balance(host, Asset::One)?);
    check_received(before.0, fee0, after.0, Refused::FlashUnderpaid0).map_err(refusal)?;
    check_received(before.1, fee1, after.1, Refused::FlashUnderpaid1).map_err(refusal)?;
    // Both have just been checked to have grown.
    let (paid0, paid1) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    Pool::new(&mut Records::new(host), now).share_flash(&flash, paid0, paid1)?;
    emit(host, &UniswapV3Pool::Flash { sender, recipient, amount0, amount1, paid0, paid1 })?;
    Pool::new(&mut Records::new(host), now).unlock()?;
    Ok(Vec::new())
}

fn increase_cardinality(host: &mut dyn Host, next: u16) -> Result<Vec<u8>, Failure> {
    let now = now(host);
    let (before, after) = Pool::new(&mut Records::new(host), now).increase_cardinality(next)?;
    if before != after {
        emit(
            host,
            &UniswapV3Pool::IncreaseObservationCardinalityNext {
                observationCardinalityNextOld: before,
                observationCardinalityNextNew: after,
            },
        )?;
    }
    Ok(Vec::new())
}

fn set_protocol_fee(host: &mut dyn Host, of0: u8, of1: u8) -> Result<Vec<u8>, Failure> {
    let now = now(host);
    Pool::new(&mut Records::new(host), now).check_unlocked()?;
    check_owner(host)?;
    let (old0, old1) = Pool::new(&mut Records::new(host), now).set_protocol_fee(of0, of1)?;
    let event = UniswapV3Pool::SetFeeProtocol {
        feeProtocol0Old: old0,
        feeProtocol1Old: old1,
        feeProtocol0New: of0,
        feeProtocol1New: of1,
    };
    emit(host, &event)?;
    Ok(Vec::new())
}

fn collect_protocol(
    host: &mut dyn Host,
    call: &UniswapV3Pool::collectProtocolCall,
) -> Result<UniswapV3Pool::collectProtocolReturn, Failure> {
    let UniswapV3Pool::collectProtocolCall { recipient, .. } = *call;
    let (sender, now) = (host.caller(), now(host));
    Pool::new(&mut Records::new(host), now).check_unlocked()?;
    check_owner(host)?;
    let most = Owed { of0: call.amount0Requested, of1: call.amount1Requested };
    let collected = Pool::new(&mut Records::new(host), now).collect_protocol(most)?;
    if let Some(amount) = collected.amount0 {
        pay(host, Asset::Zero, recipient, U256::from(amount))?;
    }
    if let Some(amount) = collected.amount1 {
        pay(host, Asset::One, recipient, U256::from(amount))?;
    }
    let amount0 = collected.amount0.unwrap_or_default();
    let amount1 = collected.amount1.unwrap_or_default();
    emit(host, &UniswapV3Pool::CollectProtocol { sender, recipient, amount0, amount1 })?;
    Pool::new(&mut Records::new(host), now).unlock()?;
    Ok(UniswapV3Pool::collectProtocolReturn { amount0, amount1 })
}

fn check_owner(host: &mut dyn Host) -> Result<(), Failure> {
    factory::only_owner(host).map(|_| ())
}

/// Returns the address of one of the pool's assets.
fn asset(host: &mut dyn Host, asset: Asset) -> Result<Address, Failure> {
    let stored = Stored::here();
    match asset {
        Asset::Zero => Ok(stored.token0.of_word(host.immutable(stored.token0.slot())?)),
        Asset::One => Ok(stored.token1.of_word(host.immutable(stored.token1.slot())?)),
    }
}

/// Returns the pool's balance, as `UniswapV3Pool.balance0`: refuses without a message where the asset does not answer a word.
fn balance(host: &mut dyn Host, of: Asset) -> Result<U256, Failure> {
    let (module, token) = (host.module(), asset(host, of)?);
    tokens::balance_of(host, token, module).map_err(|failure| match failure {
        Failure::Revert(_) => empty(),
        other => other,
    })
}

fn pay(host: &mut dyn Host, of: Asset, to: Address, amount: U256) -> Result<(), Failure> {
    let token = asset(host, of)?;
    transfers::send(host, token, (to, amount), TRANSFER_FAILED)
}

/// Returns the time of the block, modulo 2^32.
fn now(host: &dyn Host) -> u32 {
    U256::from(host.timestamp()).wrapping_to()
}

fn key(owner: Address, lower: I24, upper: I24) -> PositionKey {
    PositionKey { owner: account(owner), lower: lower.as_i32(), upper: upper.as_i32() }
}

/// Returns a tick of the rules, which has at most 21 bits.
fn narrow(tick: i32) -> I24 {
    I24::try_from(tick).unwrap_or_default()
}

/// Returns the revert of the original: its message, or nothing.
pub(crate) fn refusal(refused: Refused) -> Failure {
    match refused.code() {
        Some(code) => Failure::message(code),
        None => empty(),
    }
}
