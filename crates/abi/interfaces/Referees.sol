// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The referees of the ledger: who replays a disputed round and decides. Named in the genesis file, and later by votes.
interface Referees {
    /// Their ed25519 keys.
    function members() external view returns (bytes32[] memory);
    /// Number of them that must agree.
    function threshold() external view returns (uint16);
    /// Replaces them. In open disputes only votes of the new ones count. By the Governor.
    function setMembers(bytes32[] calldata members, uint16 threshold) external;

    event MembersChanged(bytes32[] members, uint16 threshold);

    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
    /// {count} referees are named: give 1 to {max}
    error MemberCount(uint256 count, uint256 max);
    /// {threshold} of {count} referees would decide: give more than half of them, and at most all
    error ThresholdOutOfRange(uint16 threshold, uint256 count);
    /// one is named twice, or is zero
    error NotDistinct();
}
