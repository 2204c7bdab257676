// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The house of those who hold GRAIN: one vote for each wei that is deposited. What has voted stays deposited for a while. Received votes count up to a part of the house
/// (the parameter `stake-house.received-cap`, 3 % at first), one's own always.
interface StakeHouse {
    /// Deposits the value of the call for the caller.
    function deposit() external payable;
    /// Pays the caller from its deposit, without running its code. Refused before `lockedUntil(caller)`.
    function withdraw(uint256 amount) external;
    /// From when on an account may withdraw: the end of the locks of its own votes, and of those of its delegate since the delegation, in Unix seconds. 0 if it has no lock.
    function lockedUntil(address account) external view returns (uint48);

    event Deposited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);

    /// {account} has deposited {held:grain} GRAIN, {needed:grain} are asked for
    error InsufficientDeposit(address account, uint256 held, uint256 needed);
    /// the deposit of {account} has voted: it can be withdrawn from {until} on (Unix seconds)
    error DepositLocked(address account, uint48 until);
}
