//! Why the machine stopped, in words.

use revm::{context::result::HaltReason, interpreter::InstructionResult};

/// The reason of a call that had too little gas, for [`CallOutcome::Halted`](crate::CallOutcome::Halted) and
/// [`EstimateError::Halted`](crate::EstimateError::Halted).
pub const OUT_OF_GAS: &str = "out of gas";

/// Returns why a call was stopped.
pub(crate) fn reason(halt: HaltReason) -> String {
    match halt {
        HaltReason::PrecompileErrorWithContext(what) => format!("precompile failed: {what}"),
        halt => words(halt.into()).unwrap_or("stopped").to_owned(),
    }
}

/// Returns the error in the words of geth, which tools look for; `None` when there is none.
pub(crate) fn words(result: InstructionResult) -> Option<&'static str> {
    use InstructionResult as R;
    Some(match result {
        R::Stop | R::Return | R::SelfDestruct | R::Suspend => return None,
        R::Revert => "execution reverted",
        R::OutOfGas
        | R::MemoryOOG
        | R::MemoryLimitOOG
        | R::PrecompileOOG
        | R::InvalidOperandOOG
        | R::ReentrancySentryOOG => OUT_OF_GAS,
        R::CallTooDeep => "max call depth exceeded",
        R::OutOfFunds => "insufficient balance for transfer",
        R::OverflowPayment => "balance above the largest possible one",
        R::OpcodeNotFound | R::NotActivated => "invalid opcode",
        R::InvalidFEOpcode => "invalid opcode: INVALID",
        R::InvalidImmediateEncoding => "invalid operand of an opcode",
        R::InvalidJump => "invalid jump destination",
        R::StackUnderflow => "stack underflow",
        R::StackOverflow => "stack limit reached 1024",
        R::OutOfOffset => "return data out of bounds",
        R::StateChangeDuringStaticCall | R::CallNotAllowedInsideStatic => "write protection",
        R::CreateCollision => "contract address collision",
        R::CreateContractSizeLimit => "max code size exceeded",
        R::CreateInitCodeSizeLimit => "max initcode size exceeded",
        R::CreateContractStartingWithEF
        | R::CreateInitCodeStartingEF00
        | R::InvalidEOFInitCode
        | R::InvalidExtDelegateCallTarget => "invalid code: must not begin with 0xef",
        R::NonceOverflow => "nonce uint64 overflow",
        R::PrecompileError => "precompile failed",
        R::FatalExternalError => "state could not be read",
    })
}

#[cfg(test)]
mod tests {
    use revm::context::result::OutOfGasError;

    use super::*;

    #[test]
    fn why_a_call_stopped_is_told_in_words() {
        let check = |halt: HaltReason, expected: &str| assert_eq!(reason(halt), expected);
        check(HaltReason::OutOfGas(OutOfGasError::Memory), OUT_OF_GAS);
        check(HaltReason::OutOfGas(OutOfGasError::Precompile), OUT_OF_GAS);
        check(HaltReason::InvalidFEOpcode, "invalid opcode: INVALID");
        check(HaltReason::PrecompileError, "precompile failed");
        let context = HaltReason::PrecompileErrorWithContext("input has 0 bytes".to_owned());
        check(context, "precompile failed: input has 0 bytes");
        assert_eq!(words(InstructionResult::Return), None);
    }
}
