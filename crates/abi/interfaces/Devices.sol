// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Links devices to the accounts that are paid for them, and holds what accounts say to their devices.
interface Devices {
    /// Links a device, with its signature over `gleaner/link/v1`. `nonce` is one more than the last. Refused while the account that it works for, or the new one, has revoked it.
    function link(bytes32 device, address account, uint64 nonce, bytes calldata signature) external;
    /// Cuts a device off from the caller's account: it takes no seat for it, and its seats for it commit and audit no more. `TrainingRuns.retire` gives them up.
    function revoke(bytes32 device) external;
    /// Lets a revoked device work for the caller's account again.
    function restore(bytes32 device) external;
    /// Replaces the policy of the caller's devices, at most 4096 bytes of TOML; an empty one is none.
    function setPolicy(string calldata text) external;

    /// The account of a device, zero if it has none, and the nonce of its last link.
    function accountOf(bytes32 device) external view returns (address account, uint64 nonce);
    /// Whether the account that a device works for has revoked it.
    function isRevoked(bytes32 device) external view returns (bool);
    /// When an account has revoked a device, in Unix seconds; 0 if it has not.
    function revokedAt(address account, bytes32 device) external view returns (uint64);
    /// The policy of an account's devices, how often it was set, and when last, in Unix seconds.
    function policyOf(address account) external view returns (string memory text, uint64 version, uint64 since);
    /// Devices that were ever linked to an account since revision 4, or that it has revoked: at most 256 from place `start` on, and their number in all.
    function devicesOf(address account, uint64 start) external view returns (bytes32[] memory devices, uint64 total);

    event Linked(bytes32 indexed device, address indexed account, uint64 nonce);
    event Revoked(bytes32 indexed device, address indexed account);
    event Restored(bytes32 indexed device, address indexed account);
    event PolicySet(address indexed account, uint64 version, uint256 size);

    /// device {device:plain} signed an old link: its next nonce is {expected}
    error StaleNonce(bytes32 device, uint64 expected);
    /// device {device:plain} is revoked by account {account}: only that account can restore it
    error DeviceRevoked(bytes32 device, address account);
    /// account {account} has not revoked device {device:plain}
    error NotRevoked(bytes32 device, address account);
    /// a policy of {size} bytes: at most {max} are kept
    error PolicyTooLong(uint256 size, uint256 max);
}
