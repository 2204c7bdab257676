// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The ledger's own governor. Two houses decide: one of stake, one of verified work. It governs parameters, modules, the treasury, and itself. Where one number is asked for (`getVotes`, `proposalVotes`, `quorum`, `VoteCast`), it is that of the stake house, in wei; times are Unix seconds. `proposalSnapshot` is seven days before the proposal. Where ballots are sealed, `castVote` is refused and `proposalVotes` is 0 before the vote is over; `state` is Active until the ballots are open, and `VoteCast` is emitted when a ballot is opened.
interface Governor {
    /// What a ballot turns out to be.
    struct OpenedVote { address voter; uint8 support; bytes32 salt; }
    /// The sealed ballots of a proposal: `threshold` keys must be there when the vote begins, 0 for none; `openingUntil` is the last second of the opening; the weights are those of all ballots, open or not.
    struct SealedBallots { bool isSealed; uint8 threshold; uint8 keys; uint8 published; uint32 ballots; uint32 opened; uint64 openingUntil; uint256 stakeWeight; uint256 workWeight; }

    /// Proposes at most 32 calls, with `proposalDeposit()` as value. Its class is that of the strictest call.
    function propose(address[] memory targets, uint256[] memory values, bytes[] memory calldatas, string memory description) external payable returns (uint256 proposalId);
    /// Returns the deposit of a proposal that has ended to its proposer, or burns it: if the proposal was defeated, and in neither house a tenth of the votes for or against it was for it. By anybody; `queue` and `cancel` do it too.
    function settle(uint256 proposalId) external;
    /// Summons a jury in place of a house that missed its turnout twice in a row, within three days of the vote. Until it has decided the proposal is pending. By anybody.
    function summonJury(uint256 proposalId) external;
    /// Posts the caller's public key (X25519) for the ballots of a proposal whose vote has not begun: a fresh one for each proposal. By a holder of ballot keys.
    function postBallotKey(uint256 proposalId, bytes32 publicKey) external;
    /// Casts a sealed ballot: a commitment, which is keccak256(abi.encode(proposalId, voter, support, salt)), and the vote encrypted to the ballot keys, at most 1,536 bytes, which only the event keeps. Its weight is fixed and locked. Returns that of the stake house.
    function sealVote(uint256 proposalId, bytes32 commitment, bytes memory ciphertext) external returns (uint256 weight);
    /// Publishes the secret key of a holder after the vote, by anybody who has it. It must fit the public one.
    function publishBallotKey(uint256 proposalId, address holder, bytes32 secretKey) external;
    /// Opens sealed ballots after the vote, by anybody; those that are open already are passed over. Returns how many were opened.
    function openVotes(uint256 proposalId, OpenedVote[] memory votes) external returns (uint256 opened);
    /// Names who holds ballot keys, 2 to 16 accounts, and how many keys it takes to read a ballot, at least 2; or nobody and 0, for open ballots. For proposals that are posted from then on. By a proposal of this governor.
    function setBallotKeyHolders(address[] memory holders, uint8 threshold) external;
    /// By a proposal of this governor.
    function setOpeningPeriod(uint32 newOpeningPeriod) external;
    /// By a proposal of this governor.
    function setProposalDeposit(uint256 newProposalDeposit) external;

    function sealedBallots(uint256 proposalId) external view returns (SealedBallots memory);
    /// What an account has sealed, and has not opened yet; zeros otherwise.
    function sealedVoteOf(uint256 proposalId, address voter) external view returns (bytes32 commitment, uint256 stakeWeight, uint256 workWeight);
    /// The keys of a holder for a proposal; zeros for what it has not posted or published.
    function ballotKeyOf(uint256 proposalId, address holder) external view returns (bytes32 publicKey, bytes32 secretKey);
    /// Who holds ballot keys for proposals that are posted now.
    function ballotKeyHolders() external view returns (address[] memory holders, uint8 threshold);
    /// Who holds those of a proposal.
    function ballotKeyHoldersOf(uint256 proposalId) external view returns (address[] memory holders, uint8 threshold);
    /// Whether a holder has withheld a key, and was not named again since: it posts none.
    function isBarredHolder(address holder) external view returns (bool);
    /// Seconds after a vote with sealed ballots in which they are opened.
    function openingPeriod() external view returns (uint32);
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
    /// What the votes say now, as if the vote were over, and why: 0 unopposed, 1 agreed; 2 vetoed by stake, 3 by work; 4 turnout of stake missed, 5 of work; 6 a jury is needed for stake, 7 for work; 8 quorum of stake missed; 9 rejected by stake, 10 by work; 11 the jury did not agree; 12 the ballots are sealed until the vote is over.
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
    event BallotKeyHoldersSet(address[] holders, uint8 threshold);
    event OpeningPeriodSet(uint32 oldOpeningPeriod, uint32 newOpeningPeriod);
    event BallotKeyPosted(uint256 indexed proposalId, address indexed holder, bytes32 publicKey);
    event BallotKeyPublished(uint256 indexed proposalId, address indexed holder, bytes32 secretKey);
    /// The holder posted a key and has not published it: it is barred until it is named again.
    event BallotKeyWithheld(uint256 indexed proposalId, address indexed holder);
    event VoteSealed(address indexed voter, uint256 indexed proposalId, uint256 stakeWeight, uint256 workWeight, bytes32 commitment, bytes ciphertext);

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
    /// proposal {proposalId} was decided as class {class}, but its calls are of class {required} now: post it again
    error ClassTooLow(uint256 proposalId, uint8 class, uint8 required);
    /// the ballots of proposal {proposalId} are sealed: cast a sealed one
    error BallotsAreSealed(uint256 proposalId);
    /// the ballots of proposal {proposalId} are open: cast an open one
    error BallotsAreOpen(uint256 proposalId);
    /// the vote goes on until {until}: ballots are opened, and keys published, after it
    error VoteGoesOn(uint64 until);
    /// the vote ended at {end}
    error VoteIsOver(uint64 end);
    /// the opening of the ballots of proposal {proposalId} is over
    error OpeningIsOver(uint256 proposalId);
    /// a sealed ballot needs a commitment and at most {max} bytes; this one has {size}
    error BadSealedBallot(uint256 size, uint256 max);
    /// {voter} has no votes that count on this proposal
    error NoVotes(address voter);
    /// {voter} has not sealed this ballot
    error OtherBallot(address voter);
    /// {account} holds no ballot key for this proposal
    error NoKeyHolder(address account);
    /// {account} has withheld a ballot key, and posts none until it is named again
    error KeyHolderBarred(address account);
    /// {account} has posted its ballot key, or published it, already
    error KeyIsThere(address account);
    /// the ballot key does not encrypt, or the secret key does not fit the public one
    error BadBallotKey();
    /// {count} holders with threshold {threshold}: give none and 0, or up to 16 different ones and from 2 to all of them
    error BadKeyHolders(uint256 count, uint8 threshold);
}
