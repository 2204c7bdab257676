// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Who would rather leave than live with a decision locks GRAIN here, and so delays it.
interface Brake {
    /// Locks the value against a proposal that waits for its execution. From 1 % of the supply on it is delayed by 5 days, linearly up to 45 days at 10 %.
    function lock(uint256 proposal) external payable;
    /// Returns what the caller has locked against a proposal, once it may be released.
    function release(uint256 proposal) external returns (uint256 amount);

    /// By how many seconds a proposal is delayed.
    function delayOf(uint256 proposal) external view returns (uint64);
    /// What all accounts have locked against a proposal.
    function totalOf(uint256 proposal) external view returns (uint256);
    /// What an account has locked against a proposal, and until when.
    function lockOf(uint256 proposal, address account) external view returns (uint256 amount, uint64 until);

    event Locked(uint256 indexed proposal, address indexed account, uint256 amount, uint64 until, uint64 delay);
    event Released(uint256 indexed proposal, address indexed account, uint256 amount);

    /// {amount:grain} is too little: lock at least {least:grain}
    error TooLittle(uint256 amount, uint256 least);
    /// the proposal could be executed from {due} on, and it is {current}
    error TooLate(uint64 due, uint64 current);
    /// what you locked is bound until {until}, and it is {current}
    error StillLocked(uint64 until, uint64 current);
    /// you have locked nothing against this proposal
    error NothingLocked();
    /// proposal {proposal} does not wait for its execution: only a queued one can be delayed
    error NotQueued(uint256 proposal);
    /// a sum is too large
    error SumTooLarge();
}
