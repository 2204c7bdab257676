// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates assets. Each answers `Erc20` and `IssuedAsset` at its own address.
interface Assets {
    struct Terms {
        /// 1 to 64 bytes, without control characters.
        string name;
        /// 1 to 16 bytes, without control characters.
        string symbol;
        /// At most 36.
        uint8 decimals;
        /// The most that may exist at a time; not 0.
        uint256 cap;
        /// Where the metadata lies (ERC-1046), at most 256 bytes; may be empty.
        string uri;
        /// Who may mint.
        address issuer;
        /// The issuer may pause.
        bool pausable;
        /// Holders may burn.
        bool burnable;
        /// The issuer may hand its role over.
        bool transferable;
        /// The issuer may give its role up.
        bool renounceable;
    }

    /// By anyone. Nothing of the asset exists until its issuer mints.
    function create(Terms calldata terms) external returns (address asset);
    /// Number of assets; they are numbered from 1.
    function count() external view returns (uint64);
    function assetAt(uint64 number) external view returns (address asset);
    function isAsset(address account) external view returns (bool);

    event AssetCreated(address indexed asset, address indexed creator, address indexed issuer, Terms terms);

    /// asset {number} does not exist
    error NoSuchAsset(uint64 number);
    /// the terms are invalid: {reason}
    error BadTerms(string reason);
}
