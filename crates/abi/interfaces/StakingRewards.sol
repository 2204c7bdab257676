// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Pays a reward over a period to those who stake, in proportion to stake and time. Same calls as Synthetix `StakingRewards`. Amounts are in the smallest unit of their token, times in seconds.
interface StakingRewards {
    /// May pause, recover foreign tokens, and name who announces rewards.
    function owner() external view returns (address);
    function nominatedOwner() external view returns (address);
    /// Who may announce rewards.
    function rewardsDistribution() external view returns (address);
    function lastPauseTime() external view returns (uint256);
    /// While paused nobody can stake; withdrawing and taking rewards stay possible.
    function paused() external view returns (bool);
    function rewardsToken() external view returns (address);
    function stakingToken() external view returns (address);
    /// When the current period ends.
    function periodFinish() external view returns (uint256);
    /// Reward per second during the period.
    function rewardRate() external view returns (uint256);
    /// Duration of the next period.
    function rewardsDuration() external view returns (uint256);
    function lastUpdateTime() external view returns (uint256);
    function rewardPerTokenStored() external view returns (uint256);
    function userRewardPerTokenPaid(address account) external view returns (uint256);
    function rewards(address account) external view returns (uint256);
    /// The sum of all stakes.
    function totalSupply() external view returns (uint256);
    /// The stake of an account.
    function balanceOf(address account) external view returns (uint256);
    function lastTimeRewardApplicable() external view returns (uint256);
    /// Accumulated reward of one unit of stake, times 1e18.
    function rewardPerToken() external view returns (uint256);
    /// What an account can take now.
    function earned(address account) external view returns (uint256);
    function getRewardForDuration() external view returns (uint256);

    /// Stakes `amount`, which is taken by allowance.
    function stake(uint256 amount) external;
    function withdraw(uint256 amount) external;
    /// Pays the caller all that it has earned.
    function getReward() external;
    /// Withdraws the whole stake, and takes the rewards.
    function exit() external;

    /// Begins a period that pays `reward`, which this contract must hold already. By `rewardsDistribution` only.
    function notifyRewardAmount(uint256 reward) external;
    /// Sends a token that is not staked here to the owner. By the owner only.
    function recoverERC20(address tokenAddress, uint256 tokenAmount) external;
    function setRewardsDuration(uint256 duration) external;
    function setRewardsDistribution(address distribution) external;
    function setPaused(bool isPaused) external;
    function nominateNewOwner(address newOwner) external;
    function acceptOwnership() external;

    event RewardAdded(uint256 reward);
    event Staked(address indexed user, uint256 amount);
    event Withdrawn(address indexed user, uint256 amount);
    event RewardPaid(address indexed user, uint256 reward);
    event RewardsDurationUpdated(uint256 newDuration);
    event Recovered(address token, uint256 amount);
    event OwnerNominated(address newOwner);
    event OwnerChanged(address oldOwner, address newOwner);
    event PauseChanged(bool isPaused);

    /// {reward} is due in the smallest unit, and {available} is there beside the stakes: wait until rewards are funded
    error RewardNotFunded(uint256 reward, uint256 available);
}
