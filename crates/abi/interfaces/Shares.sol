// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// An ERC-20 with metadata, as OpenZeppelin Contracts 5: shares of a vault, claims on a reserve. Amounts are in the smallest unit.
interface Shares {
    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    function totalSupply() external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
    /// An allowance of 2^256 - 1 is not used up.
    function transferFrom(address from, address to, uint256 value) external returns (bool);

    /// The zero address sends what is minted and receives what is burnt.
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// {sender} has a balance of {balance} in the smallest unit, {needed} is needed
    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
    /// {sender} cannot send this asset
    error ERC20InvalidSender(address sender);
    /// {receiver} cannot hold this asset
    error ERC20InvalidReceiver(address receiver);
    /// {spender} has an allowance of {allowance} in the smallest unit, {needed} is needed
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
    /// {approver} cannot approve anybody
    error ERC20InvalidApprover(address approver);
    /// {spender} cannot be approved
    error ERC20InvalidSpender(address spender);
}
