//! `MarketLens`: what a trade, a position or a stake costs, risks and pays.
//!
//! It stores nothing and changes nothing. Pairs and pools are read where they store, and only those that their factories have created; `amm::risk` asks the pools' own
//! rules, a pool of v3 by its own swap on a trial. Stakes, farms and vaults are called, as anybody calls them.
//!
//! Lists are bounded: 8 pools of a route, 4 fees of direct pools, 512 words and 256 ticks of a bitmap. Reads, hashes and calls cost what they cost everywhere; steps
//! of a trial cost what a pool charges for them.

pub(crate) mod pools;
mod positions;
mod trades;
mod yields;

use abi::MarketLens::{self, MarketLensCalls as Calls};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use amm::risk::TooLarge;
use native_kit::{Call, Failure, Function, Host};

use crate::{ended::Ended, openzeppelin::answer, table::LEAN_MARKETS};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(MarketLens::poolCall::SELECTOR),
    Function::view(MarketLens::poolsOfCall::SELECTOR),
    Function::view(MarketLens::quoteExactInputCall::SELECTOR),
    Function::view(MarketLens::quoteExactOutputCall::SELECTOR),
    Function::view(MarketLens::directQuotesCall::SELECTOR),
    Function::view(MarketLens::v2PositionCall::SELECTOR),
    Function::view(MarketLens::v3PositionCall::SELECTOR),
    Function::view(MarketLens::concentrationCall::SELECTOR),
    Function::view(MarketLens::stakingYieldCall::SELECTOR),
    Function::view(MarketLens::farmYieldCall::SELECTOR),
    Function::view(MarketLens::assetsPerShareCall::SELECTOR),
    Function::view(MarketLens::growthCall::SELECTOR),
];

/// Gas for a view's own arithmetic: some divisions of 512 bits and square roots.
const ARITHMETIC_GAS: u64 = 400;

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    host.charge(ARITHMETIC_GAS)?;
    Ok(match call {
        Calls::pool(call) => {
            MarketLens::poolCall::abi_encode_returns(&pools::view(host, call.account)?)
        }
        Calls::poolsOf(call) => {
            let found = pools::between(host, call.tokenA, call.tokenB)?;
            MarketLens::poolsOfCall::abi_encode_returns(&found)
        }
        Calls::quoteExactInput(call) => {
            MarketLens::quoteExactInputCall::abi_encode_returns(&trades::exact_input(host, &call)?)
        }
        Calls::quoteExactOutput(call) => MarketLens::quoteExactOutputCall::abi_encode_returns(
            &trades::exact_output(host, &call)?,
        ),
        Calls::directQuotes(call) => {
            MarketLens::directQuotesCall::abi_encode_returns(&trades::direct(host, &call)?)
        }
        Calls::v2Position(call) => {
            MarketLens::v2PositionCall::abi_encode_returns(&positions::of_pair(host, &call)?)
        }
        Calls::v3Position(call) => {
            MarketLens::v3PositionCall::abi_encode_returns(&positions::of_token(host, &call)?)
        }
        Calls::concentration(call) => {
            MarketLens::concentrationCall::abi_encode_returns(&pools::concentrated(host, &call)?)
        }
        Calls::stakingYield(call) => {
            MarketLens::stakingYieldCall::abi_encode_returns(&yields::of_stakes(host, &call)?)
        }
        Calls::farmYield(call) => {
            MarketLens::farmYieldCall::abi_encode_returns(&yields::of_farm(host, &call)?)
        }
        Calls::assetsPerShare(call) => answer(yields::assets_per_share(host, call.vault)?),
        Calls::growth(call) => {
            MarketLens::growthCall::abi_encode_returns(&yields::growth(host, &call)?)
        }
    })
}

/// Returns whether a call of an instance is running, so that what it says may be half of a change. Blocks of revision 2 did not ask.
fn is_running(host: &mut dyn Host, instance: Address) -> Result<bool, Failure> {
    if host.revision() < LEAN_MARKETS {
        return Ok(false);
    }
    host.is_running(instance)
}

/// Calls a view of another module.
fn ask<C: SolCall>(host: &mut dyn Host, of: Address, call: &C) -> Result<C::Return, Failure> {
    let output = host.call_contract(&Call::reading(of, call.abi_encode()))?;
    C::abi_decode_returns(&output).map_err(|_| Failure::bad_call())
}

fn too_large(_: TooLarge) -> Failure {
    Failure::revert(&MarketLens::NumberTooLarge {})
}

/// Returns the failure of a pool's rule: its arithmetic refuses without a message.
fn in_pool(ended: Ended) -> Failure {
    match Failure::from(ended) {
        Failure::Revert(reason) if reason.is_empty() => too_large(TooLarge),
        other => other,
    }
}

/// Returns the time of the block modulo 2^32, as pools count.
fn now(host: &dyn Host) -> u32 {
    U256::from(host.timestamp()).wrapping_to()
}
