//! The sample module of `docs/native-modules.md`: a desk that swaps any two tokens at two for one.
//!
//! It pays first, calls the trader back, then takes its payment: so it shows calls of deployed tokens, callbacks, the
//! lock and typed errors. The same contract in Solidity (`scripts/reference/desk.mjs`) must agree with it in
//! everything but gas.

use alloy_primitives::{Address, U256, address};
use alloy_sol_types::{PanicKind, SolCall, SolInterface, sol};
use native_kit::{
    Call, Failure, Function, Host, Module, OnReentry, Place, emit,
    slots::{Layout, Mapping, Value},
    storage,
};
use native_modules::tokens;

// The interface: in a real module a file of `abi`.
sol! {
    #[derive(Debug, PartialEq, Eq)]
    interface Desk {
        event Swapped(address indexed trader, address indexed tokenIn, address indexed tokenOut, uint256 amountIn, uint256 amountOut);

        error BelowMinimum(uint256 amountOut, uint256 minimum);
        error Underpaid(uint256 received, uint256 amountIn);

        function swaps() external view returns (uint64);
        function lastTrader() external view returns (address);
        function sold(address token) external view returns (uint256);
        /// Returns what `amountIn` buys, rounded down.
        function quote(uint256 amountIn) external pure returns (uint256);
        /// Pays `amountOut` of `tokenOut`, calls `onSwap` of the caller if there is `data`, then takes `amountIn` of
        /// `tokenIn` by allowance.
        function swap(address tokenIn, address tokenOut, uint256 amountIn, uint256 minimum, bytes calldata data) external returns (uint256 amountOut);
    }

    interface Trader {
        function onSwap(address token, uint256 amount, bytes calldata data) external;
    }
}

pub(crate) const DESK: Address = address!("dEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE");

/// The row of the table.
pub(crate) const MODULE: Module = Module {
    name: "Desk",
    place: Place::At(DESK),
    since: 1,
    functions: &[FUNCTIONS],
    entrance: call,
    on_reentry: OnReentry::Error,
};

const FUNCTIONS: &[Function] = &[
    Function::view(Desk::swapsCall::SELECTOR),
    Function::view(Desk::lastTraderCall::SELECTOR),
    Function::view(Desk::soldCall::SELECTOR),
    Function::view(Desk::quoteCall::SELECTOR),
    Function::nonpayable(Desk::swapCall::SELECTOR),
];

storage! {
    struct Storage {
        swaps: Value<u64>,
        last_trader: Value<Address>,
        sold: Mapping<Address, Value<U256>>,
    }
}

fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let stored = Storage::at(U256::ZERO, 0);
    let call = Desk::DeskCalls::abi_decode_validate(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Desk::DeskCalls::swaps(_) => Desk::swapsCall::abi_encode_returns(&stored.swaps.get(host)?),
        Desk::DeskCalls::lastTrader(_) => {
            Desk::lastTraderCall::abi_encode_returns(&stored.last_trader.get(host)?)
        }
        Desk::DeskCalls::sold(call) => {
            let sold = stored.sold.of(host, call.token)?.get(host)?;
            Desk::soldCall::abi_encode_returns(&sold)
        }
        Desk::DeskCalls::quote(call) => {
            Desk::quoteCall::abi_encode_returns(&quote_down(call.amountIn))
        }
        Desk::DeskCalls::swap(call) => {
            Desk::swapCall::abi_encode_returns(&swap(host, stored, call)?)
        }
    })
}

/// The rule: in a real module a crate of its own.
fn quote_down(amount_in: U256) -> U256 {
    amount_in / U256::from(2)
}

fn swap(host: &mut dyn Host, stored: Storage, call: Desk::swapCall) -> Result<U256, Failure> {
    let Desk::swapCall {
        tokenIn: token_in,
        tokenOut: token_out,
        amountIn: amount_in,
        minimum,
        data,
    } = call;
    let trader = host.caller();
    // Checks.
    let amount_out = quote_down(amount_in);
    if amount_out < minimum {
        return Err(Failure::revert(&Desk::BelowMinimum { amountOut: amount_out, minimum }));
    }
    // Effects.
    let sold = stored.sold.of(host, token_out)?;
    let sum = sold.get(host)?.checked_add(amount_out);
    sold.set(host, sum.ok_or_else(|| Failure::panic(PanicKind::UnderOverflow))?)?;
    let swaps = stored.swaps.get(host)?.checked_add(1);
    stored.swaps.set(host, swaps.ok_or_else(|| Failure::panic(PanicKind::UnderOverflow))?)?;
    stored.last_trader.set(host, trader)?;
    // Interactions.
    tokens::transfer(host, token_out, trader, amount_out)?;
    if !data.is_empty() {
        let called = Trader::onSwapCall { token: token_out, amount: amount_out, data };
        host.call_contract(&Call::new(trader, called.abi_encode()))?;
    }
    let received = tokens::receive(host, token_in, trader, amount_in)?;
    if received < amount_in {
        return Err(Failure::revert(&Desk::Underpaid { received, amountIn: amount_in }));
    }
    emit(
        host,
        &Desk::Swapped {
            trader,
            tokenIn: token_in,
            tokenOut: token_out,
            amountIn: amount_in,
            amountOut: amount_out,
        },
    )?;
    Ok(amount_out)
}
