// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What any module may answer beside its own errors.
interface ModuleErrors {
    /// a native module can't be called with DELEGATECALL
    error DelegateCallNotAllowed();
    /// a static call can't change the state
    error StaticCallNotAllowed();
    /// this function does not accept value
    error ValueNotAllowed();
    /// the module has no such function: check that client and node have the same version
    error BadCall();
    /// the module was called again while a call of it was running
    error ReentrancyGuardReentrantCall();
    /// the token {token} has not moved what was asked
    error SafeERC20FailedOperation(address token);
    /// the signature is not that of device {device:plain}
    error BadSignature(bytes32 device);
}
