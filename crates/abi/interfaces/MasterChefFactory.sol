// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates farms (`MasterChef`), each with the reserve that its rewards are drawn from. Anybody may.
interface MasterChefFactory {
    struct Terms {
        /// May add pools and change allocations.
        address owner;
        /// Gets a tenth of the rewards on top.
        address developer;
        /// What the reserve is funded with, and a claim is redeemed in.
        address underlying;
        /// The reward of a block for all pools together, in the smallest unit of `underlying`.
        uint256 rewardPerBlock;
        uint256 startBlock;
        uint256 bonusEndBlock;
        /// Of the claims.
        string name;
        string symbol;
    }

    /// How many farms were created.
    function count() external view returns (uint256);
    /// The farm with that number, from 0 on; the zero address from the end on.
    function at(uint256 index) external view returns (address);
    /// Whether this factory has created the farm `account`.
    function isInstance(address account) external view returns (bool);
    /// Creates a farm and its reserve, and returns their addresses: CREATE2 with the number as salt.
    function create(Terms calldata terms) external returns (address masterChef, address reserve);

    event MasterChefCreated(address indexed masterChef, address indexed reserve, address indexed underlying, address owner, uint256 rewardPerBlock, uint256 startBlock, uint256 bonusEndBlock);

    /// the text `{field}` has {size} bytes, the most is {max}
    error TextTooLong(string field, uint256 size, uint256 max);
}
