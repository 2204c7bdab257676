//! Checks that apply to every module, independent of its adapter.

use abi::ModuleErrors;
use alloy_sol_types::{SolInterface, abi::AbiDecoderConfig};

use crate::{Failure, Function, Host, Module, Mutability};

/// Gas of any call of a module.
const BASE_GAS: u64 = 200;
/// Gas for a word of calldata: it is read, decoded and copied.
const WORD_GAS: u64 = 6;

/// What the kit knows of the instance that was called: which of its functions run.
pub trait Lock {
    /// Returns whether a locked function of this instance is running.
    fn is_locked(&self) -> bool;
    /// Notes that a function that changes something runs; with it the instance is locked if the function is.
    fn begin(&mut self, function: &Function);
    /// Notes that the function that began last has ended.
    fn end(&mut self);
}

/// Decodes calldata, and refuses what is not the encoding of a call.
///
/// A word of calldata pays for being copied once. Offsets may point to the same bytes again and again, so that a few hundred kilobytes
/// would stand for a gigabyte: arguments that take more than twice the calldata are refused.
///
/// # Errors
/// As `abi_decode_validate`, and when the arguments are larger than that.
pub fn decode<C: SolInterface>(input: &[u8]) -> Result<C, alloy_sol_types::Error> {
    let limit = input.len().saturating_mul(2).saturating_add(DECODED_MIN);
    C::abi_decode_with_config(input, AbiDecoderConfig::new().validate(true).memory_limit(limit))
}

/// Bytes that decoded arguments may always take.
const DECODED_MIN: usize = 1024;

/// Executes a call of a module: charges the call, checks function, value, static context and lock, then runs the entrance.
///
/// # Errors
/// [`Failure`]; `BadCall`, `ValueNotAllowed`, `StaticCallNotAllowed` or the module's error for reentry before the
/// entrance has run.
pub fn enter<H: Host + Lock>(
    module: &Module,
    host: &mut H,
    input: &[u8],
) -> Result<Vec<u8>, Failure> {
    let words = u64::try_from(input.len().div_ceil(32)).unwrap_or(u64::MAX);
    host.charge(BASE_GAS.saturating_add(words.saturating_mul(WORD_GAS)))?;
    let function = module.function(input, host.revision()).ok_or_else(Failure::bad_call)?;
    if function.mutability != Mutability::Payable && !host.value().is_zero() {
        return Err(Failure::revert(&ModuleErrors::ValueNotAllowed {}));
    }
    if function.mutability != Mutability::View && host.is_static() {
        return Err(Failure::revert(&ModuleErrors::StaticCallNotAllowed {}));
    }
    if function.mutability == Mutability::View {
        return (module.entrance)(host, input);
    }
    if function.is_locked && host.is_locked() {
        return Err(module.reentry());
    }
    host.begin(function);
    let result = (module.entrance)(host, input);
    host.end();
    result
}
