// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Shares of a growing amount of one asset: ERC-4626, as OpenZeppelin Contracts 5, with virtual shares against inflation. Amounts are in the smallest unit.
interface Vault {
    function asset() external view returns (address);
    /// The vault's balance of the asset.
    function totalAssets() external view returns (uint256);
    function convertToShares(uint256 assets) external view returns (uint256);
    function convertToAssets(uint256 shares) external view returns (uint256);
    function maxDeposit(address receiver) external view returns (uint256);
    function maxMint(address receiver) external view returns (uint256);
    function maxWithdraw(address owner) external view returns (uint256);
    function maxRedeem(address owner) external view returns (uint256);
    function previewDeposit(uint256 assets) external view returns (uint256);
    function previewMint(uint256 shares) external view returns (uint256);
    function previewWithdraw(uint256 assets) external view returns (uint256);
    function previewRedeem(uint256 shares) external view returns (uint256);

    /// Takes `assets` of the caller by allowance, and gives `receiver` shares for them, rounded down.
    function deposit(uint256 assets, address receiver) external returns (uint256 shares);
    /// Gives `receiver` exactly `shares`, and takes assets of the caller for them, rounded up.
    function mint(uint256 shares, address receiver) external returns (uint256 assets);
    /// Sends exactly `assets`, and burns shares of `owner` for them, rounded up. Others than the owner need an allowance of shares.
    function withdraw(uint256 assets, address receiver, address owner) external returns (uint256 shares);
    /// Burns exactly `shares` of `owner`, and sends assets for them, rounded down.
    function redeem(uint256 shares, address receiver, address owner) external returns (uint256 assets);

    event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares);
    event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares);

    /// {owner} can withdraw {max} in the smallest unit, {assets} is asked for
    error ERC4626ExceededMaxWithdraw(address owner, uint256 assets, uint256 max);
    /// {owner} can redeem {max} shares, {shares} are asked for
    error ERC4626ExceededMaxRedeem(address owner, uint256 shares, uint256 max);
}
