//! What the router pays, unwraps, sends back and is permitted.

use abi::{Erc20, SwapRouter::SwapRouterCalls as Calls, WRAPPED_GRAIN, WrappedGrain};
use alloy_primitives::{Address, Bytes, U256, uint};
use alloy_sol_types::{SolCall as _, SolValue as _, sol};
use native_kit::{Call, Failure, Host, Outcome};

use crate::{
    tokens,
    uniswap_v2::transfers::{send, take},
    uniswap_v3::empty,
};

sol! {
    /// DAI's kind of permit.
    interface PermitAllowed {
        function permit(address holder, address spender, uint256 nonce, uint256 expiry, bool allowed, uint8 v, bytes32 r, bytes32 s) external;
    }
}

/// A fee's part is given in ten thousandths, at most 100 of them.
const FEE_WHOLE: U256 = uint!(10_000_U256);
const FEE_MAX: U256 = uint!(100_U256);

/// Executes a call that moves money without a swap.
pub(in crate::uniswap_v3) fn call(host: &mut dyn Host, call: &Calls) -> Result<(), Failure> {
    match call {
        Calls::refundETH(_) => {
            let module = host.module();
            let balance = host.balance(module)?;
            let to = host.caller();
            if balance.is_zero() { Ok(()) } else { send_grain(host, to, balance) }
        }
        Calls::unwrapWETH9(call) => {
            let balance = unwrapped(host, call.amountMinimum)?;
            if balance.is_zero() { Ok(()) } else { send_grain(host, call.recipient, balance) }
        }
        Calls::unwrapWETH9WithFee(call) => {
            check_fee(call.feeBips)?;
            let balance = unwrapped(host, call.amountMinimum)?;
            if balance.is_zero() {
                return Ok(());
            }
            let fee = fee_down(balance, call.feeBips)?;
            if !fee.is_zero() {
                send_grain(host, call.feeRecipient, fee)?;
            }
            send_grain(host, call.recipient, balance.saturating_sub(fee))
        }
        Calls::sweepToken(call) => {
            let balance = swept(host, call.token, call.amountMinimum)?;
            if balance.is_zero() {
                return Ok(());
            }
            send(host, call.token, (call.recipient, balance), "ST")
        }
        Calls::sweepTokenWithFee(call) => {
            check_fee(call.feeBips)?;
            let balance = swept(host, call.token, call.amountMinimum)?;
            if balance.is_zero() {
                return Ok(());
            }
            let fee = fee_down(balance, call.feeBips)?;
            if !fee.is_zero() {
                send(host, call.token, (call.feeRecipient, fee), "ST")?;
            }
            send(host, call.token, (call.recipient, balance.saturating_sub(fee)), "ST")
        }
        other => permit(host, other),
    }
}

/// Executes a call that gives an asset a permit of the caller.
fn permit(host: &mut dyn Host, call: &Calls) -> Result<(), Failure> {
    let (owner, spender) = (host.caller(), host.module());
    let (token, needed, input) = match call {
        Calls::selfPermit(call) => {
            let (value, deadline) = (call.value, call.deadline);
            let (v, r, s) = (call.v, call.r, call.s);
            let permit = Erc20::permitCall { owner, spender, value, deadline, v, r, s };
            (call.token, None, permit.abi_encode())
        }
        Calls::selfPermitIfNecessary(call) => {
            let (value, deadline) = (call.value, call.deadline);
            let (v, r, s) = (call.v, call.r, call.s);
            let permit = Erc20::permitCall { owner, spender, value, deadline, v, r, s };
            (call.token, Some(value), permit.abi_encode())
        }
        Calls::selfPermitAllowed(call) => {
            let terms = (call.nonce, call.expiry);
            let input = allowed((owner, spender), terms, call.v, (call.r, call.s));
            (call.token, None, input)
        }
        Calls::selfPermitAllowedIfNecessary(call) => {
            let terms = (call.nonce, call.expiry);
            let input = allowed((owner, spender), terms, call.v, (call.r, call.s));
            (call.token, Some(U256::MAX), input)
        }
        _ => unreachable!("answered before"),
    };
    if let Some(needed) = needed {
        let asked = Erc20::allowanceCall { owner, spender }.abi_encode();
        let output = host.call(&Call::reading(token, asked))?.returned()?;
        let word = output.get(..32).ok_or_else(empty)?;
        if U256::from_be_slice(word) >= needed {
            return Ok(());
        }
    }
    host.call_contract(&Call::new(token, input)).map(|_| ())
}

fn allowed(
    (holder, spender): (Address, Address),
    (nonce, expiry): (U256, U256),
    v: u8,
    (r, s): (alloy_primitives::B256, alloy_primitives::B256),
) -> Vec<u8> {
    PermitAllowed::permitCall { holder, spender, nonce, expiry, allowed: true, v, r, s }
        .abi_encode()
}

/// Pays a pool: with the router's GRAIN where wrapped GRAIN is owed and it has enough, else with what it has itself, or by the payer's allowance.
pub(in crate::uniswap_v3) fn pay(
    host: &mut dyn Host,
    token: Address,
    (payer, to): (Address, Address),
    value: U256,
) -> Result<(), Failure> {
    let module = host.module();
    if token == WRAPPED_GRAIN && host.balance(module)? >= value {
        let deposit = WrappedGrain::depositCall {}.abi_encode();
        host.call_contract(&Call { value, ..Call::new(token, deposit) })?;
        let transfer = WrappedGrain::transferCall { dst: to, wad: value }.abi_encode();
        return host.call_contract(&Call::new(token, transfer)).map(|_| ());
    }
    if payer == module {
        send(host, token, (to, value), "ST")
    } else {
        take(host, token, (payer, to), value, "STF")
    }
}

/// Unwraps all wrapped GRAIN of the router and returns how much that is.
fn unwrapped(host: &mut dyn Host, minimum: U256) -> Result<U256, Failure> {
    let module = host.module();
    let asked = WrappedGrain::balanceOfCall { owner: module }.abi_encode();
    let output = host.call(&Call::reading(WRAPPED_GRAIN, asked))?.returned()?;
    let balance = U256::abi_decode(&output).map_err(|_| empty())?;
    if balance < minimum {
        return Err(Failure::message("Insufficient WETH9"));
    }
    if !balance.is_zero() {
        let withdraw = WrappedGrain::withdrawCall { wad: balance }.abi_encode();
        host.call_contract(&Call::new(WRAPPED_GRAIN, withdraw))?;
    }
    Ok(balance)
}

fn swept(host: &mut dyn Host, token: Address, minimum: U256) -> Result<U256, Failure> {
    let module = host.module();
    let balance = tokens::balance_of(host, token, module)?;
    if balance < minimum { Err(Failure::message("Insufficient token")) } else { Ok(balance) }
}

/// Sends GRAIN with all gas that is left.
fn send_grain(host: &mut dyn Host, to: Address, amount: U256) -> Result<(), Failure> {
    match host.call(&Call { value: amount, ..Call::new(to, Bytes::new()) })? {
        Outcome::Returned(_) => Ok(()),
        Outcome::Reverted(_) | Outcome::Halted => Err(Failure::message("STE")),
    }
}

fn check_fee(part: U256) -> Result<(), Failure> {
    if part.is_zero() || part > FEE_MAX { Err(empty()) } else { Ok(()) }
}

fn fee_down(balance: U256, part: U256) -> Result<U256, Failure> {
    Ok(balance.checked_mul(part).ok_or_else(empty)?.wrapping_div(FEE_WHOLE))
}
