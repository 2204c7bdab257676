// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// A governor over one token with votes (ERC-5805), as OpenZeppelin's Governor 5.4 with `GovernorSettings`, `GovernorCountingSimple`, `GovernorVotesQuorumFraction` and `GovernorPreventLateQuorum`, and with a delay before execution.
interface TokenGovernor {
    /// Whose votes count.
    function token() external view returns (address);
    /// The quorum, in hundredths of all votes.
    function quorumNumerator() external view returns (uint256);
    function quorumNumerator(uint256 timepoint) external view returns (uint256);
    function quorumDenominator() external view returns (uint256);
    /// Proposes calls that this governor makes if the vote says so.
    function propose(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description) external returns (uint256 proposalId);
    /// By a proposal of this governor.
    function updateQuorumNumerator(uint256 newQuorumNumerator) external;

    event QuorumNumeratorUpdated(uint256 oldQuorumNumerator, uint256 newQuorumNumerator);

    /// a quorum of {quorumNumerator} in {quorumDenominator} is more than all votes
    error GovernorInvalidQuorumFraction(uint256 quorumNumerator, uint256 quorumDenominator);
    /// the token's clock has gone back
    error CheckpointUnorderedInsertion();
}
