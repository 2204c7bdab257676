// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// GRAIN as an ERC-20 that is deposited and withdrawn, for contracts made for WETH9: same interface and storage. A plain send deposits, too.
/// Most contracts need it not: GRAIN itself answers ERC-20.
interface WrappedGrain {
    event Approval(address indexed src, address indexed guy, uint256 wad);
    event Transfer(address indexed src, address indexed dst, uint256 wad);
    event Deposit(address indexed dst, uint256 wad);
    event Withdrawal(address indexed src, uint256 wad);

    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    /// All GRAIN that this module holds.
    function totalSupply() external view returns (uint256);
    function balanceOf(address owner) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    /// Wraps the value of the call for the caller.
    function deposit() external payable;
    /// Pays the caller GRAIN, with the 2,300 gas of a plain send.
    function withdraw(uint256 wad) external;
    function approve(address guy, uint256 wad) external returns (bool);
    function transfer(address dst, uint256 wad) external returns (bool);
    /// An allowance of 2^256 - 1 is not used up; a holder needs none for its own.
    function transferFrom(address src, address dst, uint256 wad) external returns (bool);
}
