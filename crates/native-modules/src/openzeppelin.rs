//! What contracts built with OpenZeppelin 2 and 3 answer: messages of `SafeMath`, and tokens moved as `SafeERC20` moves them.
//!
//! [`tokens`](crate::tokens) moves tokens as version 5 does, with typed errors. The older contracts that modules reproduce revert with messages, so their
//! tokens are always called, also GRAIN and issued assets.
//!
//! Source: OpenZeppelin Contracts 2.3.0 and 3.4.2, `SafeMath.sol`, `SafeERC20.sol`, `Address.sol`.

use abi::Erc20;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use native_kit::{
    Call, Failure, Host, Outcome,
    slots::{Value, Word},
};
use staking::MathError;

/// A version of `SafeERC20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// 2.3.0: a token's own revert data is dropped.
    Two,
    /// 3.4.2: it is passed on.
    Three,
}

/// Returns the revert of `SafeMath` for an operation without result.
pub(crate) fn safe_math(error: MathError) -> Failure {
    Failure::message(match error {
        MathError::Addition => "SafeMath: addition overflow",
        MathError::Subtraction => "SafeMath: subtraction overflow",
        MathError::Multiplication => "SafeMath: multiplication overflow",
        MathError::Division => "SafeMath: division by zero",
    })
}

/// Transfers `amount` of the module's balance to `to`: `safeTransfer`.
///
/// # Errors
/// Messages of `SafeERC20`; since version 3 the token's own.
pub(crate) fn transfer(
    host: &mut dyn Host,
    version: Version,
    token: Address,
    to: Address,
    amount: U256,
) -> Result<(), Failure> {
    call(host, version, token, Erc20::transferCall { to, value: amount }.abi_encode())
}

/// Moves `amount` from `from` to the module by its allowance: `safeTransferFrom`.
///
/// # Errors
/// As [`transfer`].
pub(crate) fn receive(
    host: &mut dyn Host,
    version: Version,
    token: Address,
    from: Address,
    amount: U256,
) -> Result<(), Failure> {
    let to = host.module();
    call(host, version, token, Erc20::transferFromCall { from, to, value: amount }.abi_encode())
}

/// Approves `amount` for `spender`, who must have no allowance yet: `safeApprove` of version 3.
///
/// # Errors
/// As [`transfer`].
pub(crate) fn approve(
    host: &mut dyn Host,
    token: Address,
    spender: Address,
    amount: U256,
) -> Result<(), Failure> {
    if !amount.is_zero() {
        let owner = host.module();
        let asked = Call::reading(token, Erc20::allowanceCall { owner, spender }.abi_encode());
        if !word(host.call(&asked)?.returned()?)?.is_zero() {
            return Err(Failure::message("SafeERC20: approve from non-zero to non-zero allowance"));
        }
    }
    call(host, Version::Three, token, Erc20::approveCall { spender, value: amount }.abi_encode())
}

/// Returns the word that a call has returned, as Solidity's high-level call reads it.
///
/// # Errors
/// An empty revert for less than a word.
pub(crate) fn word(returned: Bytes) -> Result<U256, Failure> {
    let word = returned.get(..32).ok_or_else(|| Failure::Revert(Bytes::new()))?;
    Ok(U256::from_be_slice(word))
}

/// Encodes a value of one word, as a function returns it.
pub(crate) fn answer(value: impl Word) -> Vec<u8> {
    value.into_word().to_be_bytes_vec()
}

/// Refuses everybody but the owner: OpenZeppelin 3's `Ownable`.
///
/// # Errors
/// Its message.
pub(crate) fn only_owner(host: &mut dyn Host, owner: Value<Address>) -> Result<(), Failure> {
    if owner.get(host)? == host.caller() {
        Ok(())
    } else {
        Err(Failure::message("Ownable: caller is not the owner"))
    }
}

fn call(
    host: &mut dyn Host,
    version: Version,
    token: Address,
    input: Vec<u8>,
) -> Result<(), Failure> {
    if !host.has_code(token)? {
        return Err(Failure::message(match version {
            Version::Two => "SafeERC20: call to non-contract",
            Version::Three => "Address: call to non-contract",
        }));
    }
    let output = match (host.call(&Call::new(token, input))?, version) {
        (Outcome::Returned(output), _) => output,
        (Outcome::Reverted(reason), Version::Three) if !reason.is_empty() => {
            return Err(Failure::Revert(reason));
        }
        (Outcome::Reverted(_) | Outcome::Halted, _) => {
            return Err(Failure::message("SafeERC20: low-level call failed"));
        }
    };
    if output.is_empty() || !word(output)?.is_zero() {
        Ok(())
    } else {
        Err(Failure::message("SafeERC20: ERC20 operation did not succeed"))
    }
}
