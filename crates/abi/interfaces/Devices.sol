// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Links devices to the accounts that are paid for them.
interface Devices {
    /// Links a device, with its signature over `gleaner/link/v1`. `nonce` is one more than the last.
    function link(bytes32 device, address account, uint64 nonce, bytes calldata signature) external;
    /// The account of a device, zero if it has none, and the nonce of its last link.
    function accountOf(bytes32 device) external view returns (address account, uint64 nonce);

    event Linked(bytes32 indexed device, address indexed account, uint64 nonce);

    /// device {device:plain} signed an old link: its next nonce is {expected}
    error StaleNonce(bytes32 device, uint64 expected);
}
