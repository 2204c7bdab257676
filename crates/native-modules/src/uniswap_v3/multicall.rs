//! `multicall` of router and position manager: several calls in one.

use alloy_primitives::{Address, Bytes};
use alloy_sol_types::SolValue as _;
use native_kit::{Answers, Failure, Function, Host, Mutability};

use super::empty;

/// Calls of `multicall` inside each other at most: each is a level of our own stack.
const NESTED_MAX: u8 = 8;
/// Gas of a call inside `multicall`, and for each word of it: what a call of the module costs.
const INNER_GAS: u64 = 200;
const INNER_WORD_GAS: u64 = 6;
/// Bytes of the shortest revert with a message.
const MESSAGE_SIZE_MIN: usize = 68;

/// Executes a call at a depth of `multicall`.
pub(super) type Dispatch = fn(&mut dyn Host, &[u8], u8) -> Result<Vec<u8>, Failure>;

/// Runs calls one after the other. A failure of one fails all, with its message; other reasons are left out.
///
/// # Errors
/// Those of the calls.
pub(super) fn multicall(
    host: &mut dyn Host,
    calls: &[Bytes],
    nested: u8,
    (functions, dispatch): (&[Function], Dispatch),
) -> Result<Vec<Bytes>, Failure> {
    if nested >= NESTED_MAX {
        return Err(empty());
    }
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        let words = u64::try_from(call.len().div_ceil(32)).unwrap_or(u64::MAX);
        host.charge(INNER_GAS.saturating_add(INNER_WORD_GAS.saturating_mul(words)))?;
        let result = inner(host, call, functions)
            .and_then(|()| dispatch(host, call, nested.saturating_add(1)));
        results.push(result.map_err(only_message)?.into());
    }
    Ok(results)
}

/// Checks that a function answers the call, and takes the value of the outer call.
fn inner(host: &dyn Host, input: &[u8], functions: &[Function]) -> Result<(), Failure> {
    let selector = input.first_chunk::<4>().copied();
    let function = functions.iter().find(|function| match function.answers {
        Answers::Selector(of) => selector == Some(of),
        Answers::Nothing => input.is_empty(),
        Answers::Rest => false,
    });
    let is_payable = function.ok_or_else(empty)?.mutability == Mutability::Payable;
    if is_payable || host.value().is_zero() { Ok(()) } else { Err(empty()) }
}

/// Returns a revert with the message of another, or an empty one.
fn only_message(failure: Failure) -> Failure {
    let Failure::Revert(reason) = failure else { return failure };
    if reason.len() < MESSAGE_SIZE_MIN {
        return empty();
    }
    match reason.get(4..).map(String::abi_decode) {
        Some(Ok(message)) => Failure::message(&message),
        _ => empty(),
    }
}

/// Checks a plain send: only wrapped GRAIN may send GRAIN, when it unwraps.
///
/// # Errors
/// `Not WETH9`.
pub(super) fn check_plain_send(sender: Address) -> Result<(), Failure> {
    let is_wrapped = sender == abi::WRAPPED_GRAIN;
    if is_wrapped { Ok(()) } else { Err(Failure::message("Not WETH9")) }
}
