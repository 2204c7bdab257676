// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates vaults (ERC-4626). Anybody may, for any asset.
interface VaultFactory {
    /// How many were created.
    function count() external view returns (uint256);
    /// The vault with that number, from 0 on; the zero address from the end on.
    function at(uint256 index) external view returns (address);
    /// Whether this factory has created `account`.
    function isInstance(address account) external view returns (bool);
    /// Creates a vault and returns its address: CREATE2 with the number as salt. A share has `decimalsOffset` decimals more than the asset: each makes
    /// an attack by donation ten times as expensive. At most 77.
    function create(address asset, uint8 decimalsOffset, string calldata name, string calldata symbol) external returns (address vault);

    /// The same for a `FeeVault`: it also sells fees that it gets in other tokens.
    function createFeeVault(address asset, uint8 decimalsOffset, string calldata name, string calldata symbol) external returns (address vault);

    event VaultCreated(address indexed vault, address indexed asset, address indexed creator, uint8 decimalsOffset, bool sellsFees);

    /// the offset is {offset}, the most is {max}
    error OffsetTooLarge(uint8 offset, uint8 max);
    /// the text `{field}` has {size} bytes, the most is {max}
    error TextTooLong(string field, uint256 size, uint256 max);
}
