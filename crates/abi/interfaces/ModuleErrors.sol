// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What any module may answer beside its own errors.
interface ModuleErrors {
    /// a module must be called, not delegate-called
    error DelegateCallNotAllowed();
    /// a static call may not change anything
    error StaticCallNotAllowed();
    /// this function takes no value
    error ValueNotAllowed();
    /// the module has no such function: check that node and client have the same version
    error BadCall();
    /// the module was called again while a call of it was running
    error ReentrancyGuardReentrantCall();
    /// the token {token} has not moved what was asked
    error SafeERC20FailedOperation(address token);
    /// the signature is not that of device {device:plain}
    error BadSignature(bytes32 device);
}
