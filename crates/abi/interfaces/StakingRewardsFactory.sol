// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates `StakingRewards`. Anybody may, for any pair of tokens.
interface StakingRewardsFactory {
    /// How many were created.
    function count() external view returns (uint256);
    /// The one with that number, from 0 on; the zero address from the end on.
    function at(uint256 index) external view returns (address);
    /// Whether this factory has created `account`.
    function isInstance(address account) external view returns (bool);
    /// Creates one and returns its address: CREATE2 with the number as salt.
    function create(address owner, address rewardsDistribution, address rewardsToken, address stakingToken) external returns (address instance);

    event StakingRewardsCreated(address indexed instance, address indexed rewardsToken, address indexed stakingToken, address owner, address rewardsDistribution);
}
