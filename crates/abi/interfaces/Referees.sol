// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The referees of the ledger: who replays a disputed round and decides. Named in the genesis file.
interface Referees {
    /// Their ed25519 keys.
    function members() external view returns (bytes32[] memory);
    /// Number of them that must agree.
    function threshold() external view returns (uint16);
}
