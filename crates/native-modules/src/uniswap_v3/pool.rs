//! `UniswapV3Pool`: one pool, at an address of its own.
//!
//! Its lock is `slot0.unlocked`, as in the original, so the kit's is not used: a pool without a price is locked, too, and some checks come before it.

mod records;
mod views;

use abi::{
    UniswapV3Pool::{self, UniswapV3PoolCalls as Calls},
    convert::account,
};
use alloy_primitives::{Address, Bytes, U160, U256, aliases::I24};
use alloy_sol_types::{SolCall, SolInterface as _, sol};
use amm::concentrated::{
    Direction, Flash, Owed, Pool, PositionKey, Refused, SwapTerms, Terms, check_received,
};
use native_kit::{Call, Failure, Function, Host, emit};

use super::{factory, payments};
use crate::uniswap_v2::transfers;
use records::{Records, Stored};

pub(crate) use records::write_terms;

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
    let call = Calls::abi_decode(input).map_err(|_| Failure::Revert(Bytes::new()))?;
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
    let tick = {
        // The first price depends on no term.
        let terms = Terms { fee: 0, tick_spacing: 1 };
        Pool::new(&mut Records::new(host), terms, now).initialize(price)?
    };
    emit(host, &UniswapV3Pool::Initialize { sqrtPriceX96: price, tick: narrow(tick) })?;
    Ok(Vec::new())
}

fn mint(
    host: &mut dyn Host,
    call: UniswapV3Pool::mintCall,
) -> Result<UniswapV3Pool::mintReturn, Failure> {
    let UniswapV3Pool::mintCall { recipient: owner, tickLower, tickUpper, amount, data } = call;
    let (sender, now, terms) = (host.caller(), now(host), Immutables::load(host)?);
    let minted = {
        let key = key(owner, tickLower, tickUpper);
        Pool::new(&mut Records::new(host), terms.rules, now).mint(&key, amount)?
    };
    let (amount0, amount1) = (minted.amount0, minted.amount1);
    let before0 = if amount0.is_zero() { None } else { Some(terms.balance0(host)?) };
    let before1 = if amount1.is_zero() { None } else { Some(terms.balance1(host)?) };
    let called =
        Callbacks::uniswapV3MintCallbackCall { amount0Owed: amount0, amount1Owed: amount1, data };
    host.call_contract(&Call::new(sender, called.abi_encode()))?;
    if let Some(before) = before0 {
        let after = terms.balance0(host)?;
        check_received(before, amount0, after, Refused::MintUnderpaid0).map_err(refusal)?;
    }
    if let Some(before) = before1 {
        let after = terms.balance1(host)?;
        check_received(before, amount1, after, Refused::MintUnderpaid1).map_err(refusal)?;
    }
    emit(
        host,
        &UniswapV3Pool::Mint { sender, owner, tickLower, tickUpper, amount, amount0, amount1 },
    )?;
    unlock(host, &terms, now)?;
    Ok(UniswapV3Pool::mintReturn { amount0, amount1 })
}

fn burn(
    host: &mut dyn Host,
    call: &UniswapV3Pool::burnCall,
) -> Result<UniswapV3Pool::burnReturn, Failure> {
    let UniswapV3Pool::burnCall { tickLower, tickUpper, amount } = *call;
    let (owner, now, rules) = (host.caller(), now(host), Immutables::rules(host)?);
    let burned = {
        let key = key(owner, tickLower, tickUpper);
        Pool::new(&mut Records::new(host), rules, now).burn(&key, amount)?
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
    let (owner, now, terms) = (host.caller(), now(host), Immutables::load(host)?);
    let collected = {
        let key = key(owner, tickLower, tickUpper);
        let most = Owed { of0: call.amount0Requested, of1: call.amount1Requested };
        Pool::new(&mut Records::new(host), terms.rules, now).collect(&key, most)?
    };
    let (amount0, amount1) = (collected.amount0, collected.amount1);
    if amount0 > 0 {
        terms.pay0(host, recipient, U256::from(amount0))?;
    }
    if amount1 > 0 {
        terms.pay1(host, recipient, U256::from(amount1))?;
    }
    let collected =
        UniswapV3Pool::Collect { owner, recipient, tickLower, tickUpper, amount0, amount1 };
    emit(host, &collected)?;
    unlock(host, &terms, now)?;
    Ok(UniswapV3Pool::collectReturn { amount0, amount1 })
}

fn swap(
    host: &mut dyn Host,
    call: UniswapV3Pool::swapCall,
) -> Result<UniswapV3Pool::swapReturn, Failure> {
    let UniswapV3Pool::swapCall { recipient, zeroForOne, amountSpecified, data, .. } = call;
    let (sender, now, terms) = (host.caller(), now(host), Immutables::load(host)?);
    let direction = if zeroForOne { Direction::ZeroForOne } else { Direction::OneForZero };
    let swapped = {
        let asked =
            SwapTerms { direction, amount: amountSpecified, price_limit: call.sqrtPriceLimitX96 };
        Pool::new(&mut Records::new(host), terms.rules, now).swap(&asked)?
    };
    let (amount0, amount1) = (swapped.amount0, swapped.amount1);
    let (token_in, received, token_out, paid) = match direction {
        Direction::ZeroForOne => (terms.token0, amount0, terms.token1, amount1),
        Direction::OneForZero => (terms.token1, amount1, terms.token0, amount0),
    };
    if paid.is_negative() {
        transfers::send(host, token_out, (recipient, paid.unsigned_abs()), TRANSFER_FAILED)?;
    }
    let before = payments::balance(host, token_in)?;
    let called =
        Callbacks::uniswapV3SwapCallbackCall { amount0Delta: amount0, amount1Delta: amount1, data };
    host.call_contract(&Call::new(sender, called.abi_encode()))?;
    let after = payments::balance(host, token_in)?;
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
    unlock(host, &terms, now)?;
    Ok(UniswapV3Pool::swapReturn { amount0, amount1 })
}

fn flash(host: &mut dyn Host, call: UniswapV3Pool::flashCall) -> Result<Vec<u8>, Failure> {
    let UniswapV3Pool::flashCall { recipient, amount0, amount1, data } = call;
    let (sender, now, terms) = (host.caller(), now(host), Immutables::load(host)?);
    let flash = Pool::new(&mut Records::new(host), terms.rules, now).flash(amount0, amount1)?;
    let Flash { fee0, fee1, .. } = flash;
    let before = (terms.balance0(host)?, terms.balance1(host)?);
    if !amount0.is_zero() {
        terms.pay0(host, recipient, amount0)?;
    }
    if !amount1.is_zero() {
        terms.pay1(host, recipient, amount1)?;
    }
    let called = Callbacks::uniswapV3FlashCallbackCall { fee0, fee1, data };
    host.call_contract(&Call::new(sender, called.abi_encode()))?;
    let after = (terms.balance0(host)?, terms.balance1(host)?);
    check_received(before.0, fee0, after.0, Refused::FlashUnderpaid0).map_err(refusal)?;
    check_received(before.1, fee1, after.1, Refused::FlashUnderpaid1).map_err(refusal)?;
    // Both have just been checked to have grown.
    let (paid0, paid1) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    Pool::new(&mut Records::new(host), terms.rules, now).share_flash(&flash, paid0, paid1)?;
    emit(host, &UniswapV3Pool::Flash { sender, recipient, amount0, amount1, paid0, paid1 })?;
    unlock(host, &terms, now)?;
    Ok(Vec::new())
}

fn increase_cardinality(host: &mut dyn Host, next: u16) -> Result<Vec<u8>, Failure> {
    let (now, rules) = (now(host), Immutables::rules(host)?);
    let (before, after) =
        Pool::new(&mut Records::new(host), rules, now).increase_cardinality(next)?;
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
    let (now, rules) = (now(host), Immutables::rules(host)?);
    Pool::new(&mut Records::new(host), rules, now).check_unlocked()?;
    check_owner(host)?;
    let (old0, old1) = Pool::new(&mut Records::new(host), rules, now).set_protocol_fee(of0, of1)?;
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
    let (sender, now, terms) = (host.caller(), now(host), Immutables::load(host)?);
    Pool::new(&mut Records::new(host), terms.rules, now).check_unlocked()?;
    check_owner(host)?;
    let most = Owed { of0: call.amount0Requested, of1: call.amount1Requested };
    let collected = Pool::new(&mut Records::new(host), terms.rules, now).collect_protocol(most)?;
    if let Some(amount) = collected.amount0 {
        terms.pay0(host, recipient, U256::from(amount))?;
    }
    if let Some(amount) = collected.amount1 {
        terms.pay1(host, recipient, U256::from(amount))?;
    }
    let amount0 = collected.amount0.unwrap_or_default();
    let amount1 = collected.amount1.unwrap_or_default();
    emit(host, &UniswapV3Pool::CollectProtocol { sender, recipient, amount0, amount1 })?;
    unlock(host, &terms, now)?;
    Ok(UniswapV3Pool::collectProtocolReturn { amount0, amount1 })
}

fn check_owner(host: &mut dyn Host) -> Result<(), Failure> {
    let owner = factory::owner(host)?;
    if host.caller() == owner { Ok(()) } else { Err(Failure::Revert(Bytes::new())) }
}

fn unlock(host: &mut dyn Host, terms: &Immutables, now: u32) -> Result<(), Failure> {
    Ok(Pool::new(&mut Records::new(host), terms.rules, now).unlock()?)
}

/// What the original keeps in its code.
struct Immutables {
    token0: Address,
    token1: Address,
    rules: Terms,
}

impl Immutables {
    fn load(host: &mut dyn Host) -> Result<Self, Failure> {
        let stored = Stored::here();
        let word = host.load(stored.token0.slot())?;
        let token1 = stored.token1.get(host)?;
        Ok(Self { token0: stored.token0.of_word(word), token1, rules: stored.rules(word) })
    }

    /// Reads only what the rules need.
    fn rules(host: &mut dyn Host) -> Result<Terms, Failure> {
        let stored = Stored::here();
        let word = host.load(stored.token0.slot())?;
        Ok(stored.rules(word))
    }

    fn balance0(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        payments::balance(host, self.token0)
    }

    fn balance1(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        payments::balance(host, self.token1)
    }

    fn pay0(&self, host: &mut dyn Host, to: Address, amount: U256) -> Result<(), Failure> {
        transfers::send(host, self.token0, (to, amount), TRANSFER_FAILED)
    }

    fn pay1(&self, host: &mut dyn Host, to: Address, amount: U256) -> Result<(), Failure> {
        transfers::send(host, self.token1, (to, amount), TRANSFER_FAILED)
    }
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
fn refusal(refused: Refused) -> Failure {
    match refused.code() {
        Some(code) => Failure::message(code),
        None => Failure::Revert(Bytes::new()),
    }
}
