// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Divides a reward for each block among pools, and in a pool among those who stake. Same calls as Sushi `MasterChef`; the rewards are claims on a funded reserve. Amounts are in the smallest unit of their token.
interface MasterChef {
    /// May add pools, change allocations and name a migrator.
    function owner() external view returns (address);
    /// The reward token: the `RewardReserve` that was created with this farm.
    function sushi() external view returns (address);
    /// Gets a tenth of the rewards on top.
    function devaddr() external view returns (address);
    function bonusEndBlock() external view returns (uint256);
    /// The reward of a block for all pools together.
    function sushiPerBlock() external view returns (uint256);
    /// Rewards of blocks up to `bonusEndBlock` count this many times.
    function BONUS_MULTIPLIER() external view returns (uint256);
    function migrator() external view returns (address);
    /// `accSushiPerShare` is times 1e12.
    function poolInfo(uint256 pid) external view returns (address lpToken, uint256 allocPoint, uint256 lastRewardBlock, uint256 accSushiPerShare);
    function userInfo(uint256 pid, address user) external view returns (uint256 amount, uint256 rewardDebt);
    function totalAllocPoint() external view returns (uint256);
    function startBlock() external view returns (uint256);
    function poolLength() external view returns (uint256);
    /// Blocks after `from` up to `to`, those with bonus counted ten times.
    function getMultiplier(uint256 from, uint256 to) external view returns (uint256);
    /// What a user would be paid now.
    function pendingSushi(uint256 pid, address user) external view returns (uint256);

    /// Adds a pool. Don't add a token twice: both pools would share its balance. By the owner only.
    function add(uint256 allocPoint, address lpToken, bool withUpdate) external;
    /// Changes an allocation; without update also for blocks that have passed. By the owner only.
    function set(uint256 pid, uint256 allocPoint, bool withUpdate) external;
    /// Names a contract that may exchange the staked tokens of all pools. By the owner only: who stakes trusts him.
    function setMigrator(address newMigrator) external;
    function migrate(uint256 pid) external;
    function massUpdatePools() external;
    function updatePool(uint256 pid) external;
    /// Stakes `amount`, which is taken by allowance, and pays what is pending.
    function deposit(uint256 pid, uint256 amount) external;
    function withdraw(uint256 pid, uint256 amount) external;
    /// Withdraws the whole stake and gives up what is pending.
    function emergencyWithdraw(uint256 pid) external;
    /// Hands the developer's part over. By the developer only.
    function dev(address newDeveloper) external;
    function renounceOwnership() external;
    function transferOwnership(address newOwner) external;

    event Deposit(address indexed user, uint256 indexed pid, uint256 amount);
    event Withdraw(address indexed user, uint256 indexed pid, uint256 amount);
    event EmergencyWithdraw(address indexed user, uint256 indexed pid, uint256 amount);
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
}
