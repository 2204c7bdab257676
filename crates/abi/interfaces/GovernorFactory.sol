// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates `TokenGovernor`s. Anybody may, for any token with votes (ERC-5805).
interface GovernorFactory {
    struct Terms {
        /// Name, also in what voters sign: 1 to 31 bytes.
        string name;
        address token;
        /// From proposal to vote, by the token's clock.
        uint48 votingDelay;
        /// Length of the vote, by the token's clock.
        uint32 votingPeriod;
        /// Votes with which an account may propose.
        uint256 proposalThreshold;
        /// Quorum in hundredths of all votes.
        uint256 quorumNumerator;
        /// How long a vote goes on at least once the quorum is reached, by the token's clock.
        uint48 voteExtension;
        /// Seconds from queueing to execution.
        uint32 executionDelay;
    }

    /// How many were created.
    function count() external view returns (uint256);
    /// The one with that number, from 0 on; the zero address from the end on.
    function at(uint256 index) external view returns (address);
    /// Whether this factory has created `account`.
    function isInstance(address account) external view returns (bool);
    /// Creates one and returns its address: CREATE2 with the number as salt.
    function create(Terms calldata terms) external returns (address governor);

    event TokenGovernorCreated(address indexed governor, address indexed token, address indexed creator, string name);

    /// the name has {size} bytes: give 1 to {max}
    error NameSize(uint256 size, uint256 max);
    /// {token} has no code: give a token with votes
    error NoToken(address token);
}
