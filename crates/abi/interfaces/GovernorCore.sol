// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What every governor answers. Same calls, events and errors as OpenZeppelin's Governor 5.4, so that tools for it work here. Times are those of `clock()`.
interface GovernorCore {
    function name() external view returns (string memory);
    function version() external view returns (string memory);
    function COUNTING_MODE() external view returns (string memory);
    function CLOCK_MODE() external view returns (string memory);
    /// The time by which votes begin and end.
    function clock() external view returns (uint48);
    /// The id of a proposal: a hash of its calls and of its description's hash.
    function hashProposal(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external pure returns (uint256);
    function getProposalId(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external view returns (uint256);
    /// 0 pending, 1 active, 2 canceled, 3 defeated, 4 succeeded, 5 queued, 6 expired, 7 executed.
    function state(uint256 proposalId) external view returns (uint8);
    /// Votes with which an account may propose.
    function proposalThreshold() external view returns (uint256);
    /// The time whose votes count.
    function proposalSnapshot(uint256 proposalId) external view returns (uint256);
    /// The last time at which votes are counted.
    function proposalDeadline(uint256 proposalId) external view returns (uint256);
    function proposalProposer(uint256 proposalId) external view returns (address);
    /// When a queued proposal can be executed, in Unix seconds; 0 before it is queued.
    function proposalEta(uint256 proposalId) external view returns (uint256);
    function proposalNeedsQueuing(uint256 proposalId) external view returns (bool);
    /// From proposal to vote.
    function votingDelay() external view returns (uint256);
    /// Length of the vote.
    function votingPeriod() external view returns (uint256);
    /// Votes that a proposal needs whose snapshot is at `timepoint`.
    function quorum(uint256 timepoint) external view returns (uint256);
    function getVotes(address account, uint256 timepoint) external view returns (uint256);
    function getVotesWithParams(address account, uint256 timepoint, bytes memory params) external view returns (uint256);
    function hasVoted(uint256 proposalId, address account) external view returns (bool);
    function proposalVotes(uint256 proposalId) external view returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes);
    /// How long a vote goes on at least, once a proposal has what it needs.
    function lateQuorumVoteExtension() external view returns (uint48);
    /// Seconds from queueing to execution.
    function executionDelay() external view returns (uint256);
    function nonces(address owner) external view returns (uint256);
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);
    function BALLOT_TYPEHASH() external view returns (bytes32);
    function EXTENDED_BALLOT_TYPEHASH() external view returns (bytes32);
    function supportsInterface(bytes4 interfaceId) external view returns (bool);

    /// Queues a proposal that has succeeded. By anybody.
    function queue(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external returns (uint256 proposalId);
    /// Makes the calls of a queued proposal whose delay is over: all, or none. By anybody.
    function execute(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external payable returns (uint256 proposalId);
    /// Withdraws a proposal before its vote. By its proposer.
    function cancel(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) external returns (uint256 proposalId);
    /// `support`: 0 against, 1 for, 2 abstain.
    function castVote(uint256 proposalId, uint8 support) external returns (uint256 balance);
    function castVoteWithReason(uint256 proposalId, uint8 support, string calldata reason) external returns (uint256 balance);
    function castVoteWithReasonAndParams(uint256 proposalId, uint8 support, string calldata reason, bytes memory params) external returns (uint256 balance);
    /// A vote that `voter` has signed (EIP-712, or ERC-1271 for contracts). By anybody.
    function castVoteBySig(uint256 proposalId, uint8 support, address voter, bytes memory signature) external returns (uint256 balance);
    function castVoteWithReasonAndParamsBySig(uint256 proposalId, uint8 support, address voter, string calldata reason, bytes memory params, bytes memory signature) external returns (uint256 balance);
    /// Calls `target`. By a proposal of this governor, as everything below.
    function relay(address target, uint256 value, bytes calldata data) external payable;
    function setVotingDelay(uint48 newVotingDelay) external;
    function setVotingPeriod(uint32 newVotingPeriod) external;
    function setProposalThreshold(uint256 newProposalThreshold) external;
    function setLateQuorumVoteExtension(uint48 newVoteExtension) external;
    function setExecutionDelay(uint32 newExecutionDelay) external;

    function onERC721Received(address operator, address from, uint256 tokenId, bytes memory data) external returns (bytes4);
    function onERC1155Received(address operator, address from, uint256 id, uint256 value, bytes memory data) external returns (bytes4);
    function onERC1155BatchReceived(address operator, address from, uint256[] memory ids, uint256[] memory values, bytes memory data) external returns (bytes4);

    event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description);
    event ProposalQueued(uint256 proposalId, uint256 etaSeconds);
    event ProposalExecuted(uint256 proposalId);
    event ProposalCanceled(uint256 proposalId);
    /// The vote ends later, because the proposal has only just got what it needs.
    event ProposalExtended(uint256 indexed proposalId, uint64 extendedDeadline);
    event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason);
    event VoteCastWithParams(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason, bytes params);
    event VotingDelaySet(uint256 oldVotingDelay, uint256 newVotingDelay);
    event VotingPeriodSet(uint256 oldVotingPeriod, uint256 newVotingPeriod);
    event ProposalThresholdSet(uint256 oldProposalThreshold, uint256 newProposalThreshold);
    event LateQuorumVoteExtensionSet(uint64 oldVoteExtension, uint64 newVoteExtension);
    event ExecutionDelaySet(uint256 oldExecutionDelay, uint256 newExecutionDelay);

    /// the proposal has {targets} targets, {calldatas} calldatas and {values} values: give as many of each, and at least one
    error GovernorInvalidProposalLength(uint256 targets, uint256 calldatas, uint256 values);
    /// {voter} has voted already
    error GovernorAlreadyCastVote(address voter);
    /// only a proposal of this governor can do this, not {account}
    error GovernorOnlyExecutor(address account);
    /// there is no proposal {proposalId}
    error GovernorNonexistentProposal(uint256 proposalId);
    /// proposal {proposalId} is in state {current} (0 pending, 1 active, 2 canceled, 3 defeated, 4 succeeded, 5 queued, 6 expired, 7 executed), which does not allow this
    error GovernorUnexpectedProposalState(uint256 proposalId, uint8 current, bytes32 expectedStates);
    /// a vote can't last {votingPeriod}: give at least 1
    error GovernorInvalidVotingPeriod(uint256 votingPeriod);
    /// {proposer} has {votes} votes: a proposal needs {threshold}
    error GovernorInsufficientProposerVotes(address proposer, uint256 votes, uint256 threshold);
    /// the description says that somebody else than {proposer} proposes it
    error GovernorRestrictedProposer(address proposer);
    /// a vote is 0 against, 1 for, or 2 abstain
    error GovernorInvalidVoteType();
    /// proposal {proposalId} is not queued: queue it first
    error GovernorNotQueuedProposal(uint256 proposalId);
    /// proposal {proposalId} can be executed from {neededTimestamp} on, in Unix seconds
    error GovernorUnmetDelay(uint256 proposalId, uint256 neededTimestamp);
    /// the signature is not that of {voter}, for this vote and its next nonce
    error GovernorInvalidSignature(address voter);
    /// {account} can't cancel proposal {proposalId}: its proposer can, before the vote
    error GovernorUnableToCancel(uint256 proposalId, address account);
    /// a call failed and gave no reason
    error FailedCall();
    /// {value} does not fit into {bits} bits
    error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value);
}
