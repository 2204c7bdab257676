// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The ledger's own governor. Two houses decide: one of stake, one of verified work. It governs parameters, modules, the treasury, and itself. Where one number is asked for (`getVotes`, `proposalVotes`, `quorum`, `VoteCast`), it is that of the stake house, in wei; times are Unix seconds. `proposalSnapshot` is seven days before the proposal.
interface Governor {
    /// Proposes at most 32 calls, with `proposalDeposit()` as value. Its class is that of the strictest call.
    function propose(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description) external payable returns (uint256 proposalId);
    /// Returns the deposit of a proposal that has ended to its proposer, or burns it: if the proposal was defeated, and in neither house a tenth of the votes for or against it was for it. By anybody; `queue` and `cancel` do it too.
    function settle(uint256 proposalId) external;
    /// Summons a jury in place of a house that missed its turnout twice in a row, within three days of the vote. Until it has decided the proposal is pending. By anybody.
    function summonJury(uint256 proposalId) external;
    /// By a proposal of this governor.
    function setProposalDeposit(uint256 newProposalDeposit) external;

    /// What comes with a proposal, in wei.
    function proposalDeposit() external view returns (uint256);
    /// The class that a proposal of these calls would have: 0 routine, 1 ordinary, 2 constitutional.
    function classOf(address[] memory targets, bytes[] memory calldatas) external view returns (uint8);
    function proposalClass(uint256 proposalId) external view returns (uint8);
    /// Whether a tenth of a house has objected to a routine proposal, so that an ordinary vote decides.
    function isContested(uint256 proposalId) external view returns (bool);
    function isSettled(uint256 proposalId) external view returns (bool);
    /// Votes of a house: 0 stake, in wei; 1 work, in units of voice.
    function houseVotes(uint256 proposalId, uint8 house) external view returns (uint256 againstVotes, uint256 forVotes, uint256 abstainVotes);
    /// All votes at the snapshot, and the votes for it that the stake house needs.
    function electorate(uint256 proposalId) external view returns (uint256 stakeTotal, uint256 stakeQuorum, uint256 workTotal);
    /// What the votes say now, as if the vote were over, and why: 0 unopposed, 1 agreed; 2 vetoed by stake, 3 by work; 4 turnout of stake missed, 5 of work; 6 a jury is needed for stake, 7 for work; 8 quorum of stake missed; 9 rejected by stake, 10 by work; 11 the jury did not agree.
    function decision(uint256 proposalId) external view returns (uint8 decided, string memory reason);
    /// Seconds that the brake adds before a proposal can be executed.
    function brakeDelay(uint256 proposalId) external view returns (uint256);
    /// The average weight of the stake house that voted on a proposal of the last 13 weeks, in wei.
    function activeAverage() external view returns (uint256);
    /// How often in a row each house has missed its turnout.
    function missedTurnouts() external view returns (uint8 stake, uint8 work);
    /// Proposals that are not settled, and those of an account: at most 64, and 4.
    function openProposals() external view returns (uint256);
    function openProposalsOf(address account) external view returns (uint256);
    /// All proposals ever.
    function proposalCount() external view returns (uint256);
    /// The id of the proposal with that number, from 0 on; 0 from the end on.
    function proposalAt(uint256 index) external view returns (uint256);

    event ProposalPosted(uint256 indexed proposalId, uint8 class, uint256 deposit, uint256 stakeTotal, uint256 stakeQuorum, uint256 workTotal);
    event VoteCastInHouses(address indexed voter, uint256 indexed proposalId, uint8 support, uint256 stakeWeight, uint256 workWeight);
    event ProposalContested(uint256 indexed proposalId, uint256 deadline);
    event ProposalSettled(uint256 indexed proposalId, uint256 deposit, bool burnt);
    event ProposalDepositSet(uint256 oldProposalDeposit, uint256 newProposalDeposit);

    /// a proposal comes with {deposit:grain} GRAIN, not {value:grain}
    error WrongDeposit(uint256 value, uint256 deposit);
    /// {count} proposals are open: settle one that has ended
    error TooManyOpenProposals(uint256 count);
    /// the proposal has {count} calls: give at most {max}
    error TooManyCalls(uint256 count, uint256 max);
    /// the description has {size} bytes: give at most {max}
    error DescriptionTooLong(uint256 size, uint256 max);
    /// proposal {proposalId} is settled already
    error AlreadySettled(uint256 proposalId);
    /// the setting is {value}: give {least} to {most}
    error SettingOutOfBand(uint256 value, uint256 least, uint256 most);
    /// {held:grain} GRAIN of deposits must stay, and {balance:grain} would be left
    error DepositsMustStay(uint256 held, uint256 balance);
    /// the ledger has no house {house}: give 0 for stake or 1 for work
    error NoHouse(uint8 house);
}
