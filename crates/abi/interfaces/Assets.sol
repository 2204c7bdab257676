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
    /// the terms are invalid: {field} has {size} bytes: {min} to {max} are allowed
    error TextSize(string field, uint256 size, uint256 min, uint256 max);
    /// the terms are invalid: {field} contains a control character: remove it
    error ControlCharacter(string field);
    /// the terms are invalid: {field} contains a character that is invisible or reverses text (code point {character}): remove it
    error HiddenCharacter(string field, uint32 character);
    /// the terms are invalid: {given} decimals, at most {max} are allowed
    error TooManyDecimals(uint8 given, uint8 max);
    /// the terms are invalid: the cap is 0, so nothing could be minted: give at least 1
    error NoCap();
    /// the terms are invalid: the issuer is the zero account, so nobody could mint: name an account
    error NoIssuer();
}
