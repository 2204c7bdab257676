// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Projects with escrow, from the first seat to the last payout.
interface TrainingRuns {
    /// Where a run stands.
    enum Phase {
        /// Waits for seats.
        Gathering,
        /// A round takes commitments.
        Training,
        /// The round waits for its new state.
        Closed,
        /// No more rounds; audits go on.
        WindingUp,
        /// Everything is paid or refunded.
        Finished
    }

    /// Why no more rounds will open.
    enum Ending {
        /// More rounds will open.
        None,
        /// All rounds became a state.
        Completed,
        /// By the owner.
        Cancelled,
        /// Nothing happened for too long.
        Abandoned
    }

    /// Whether a seat takes part.
    enum Standing {
        /// It does.
        Active,
        /// The device gave it up, or missed too many rounds.
        Left,
        /// Expelled: the referee found that its committed work was not done.
        Convicted,
        /// Expelled: it reported a mismatch that the referee did not find.
        FalseAuditor,
        /// Expelled: it passed work that was not done.
        Vouched
    }

    /// What an auditor found.
    enum Verdict {
        /// The replay led to the commitment; the value is its root, which opens the seal.
        Opened,
        /// The replay led elsewhere: the referee shall decide; the value is zero.
        Mismatch,
        /// The data for a replay can't be had; the value is zero.
        Unavailable
    }

    /// What a referee found.
    enum Ruling {
        /// It replayed the round, with this root and digest of the update.
        Replayed,
        /// The data for a replay can't be had.
        Unavailable,
        /// It replayed the round up to this leaf of those that are disclosed, which differs.
        Differs
    }

    /// What was verified.
    enum PayKind {
        /// Training.
        Work,
        /// A verdict that stands.
        Verdict,
        /// A mismatch that the referee confirmed.
        Bounty
    }

    /// Progress of the audit of a commitment.
    enum Check {
        /// Not drawn: not yet, or, once its round is drawn, not selected.
        Committed,
        /// An auditor has to repeat the work.
        Audit,
        /// The next auditor is drawn soon.
        Waiting,
        /// An audit passed; it may be repeated.
        Passed,
        /// The referee decides.
        Disputed,
        /// Counted as verified.
        Settled,
        /// Not paid: the device was expelled.
        Void
    }

    struct Terms {
        uint32 rounds;
        uint32 warmupRounds;
        uint64 tokensPerRound;
        uint64 warmupTokensPerRound;
        uint128 pricePerToken;
        /// Smallest chance of an audit, in basis points.
        uint16 auditRate;
        /// Pay for a verdict, in basis points of the pay for the audited round.
        uint16 auditPay;
        /// Commitments that a round needs, in basis points of those of the round before.
        uint16 quorum;
        uint16 seatsMin;
        uint16 seatsMax;
        uint32 roundSeconds;
        uint32 auditSeconds;
        uint32 stallSeconds;
        /// Pay for bringing a commitment or verdict here, of a device with a round's pay at stake.
        uint128 relayFee;
        bytes32 spec;
        bytes32 corpus;
        bytes32 initialState;
    }

    struct Summary {
        uint64 run;
        address owner;
        string name;
        bytes32 coordinator;
        string endpoint;
        /// The owner's auditing device.
        bytes32 auditor;
        Phase phase;
        /// `None` until no more rounds will open.
        Ending ending;
        uint32 round;
        uint32 rounds;
        bytes32 state;
        bytes32 update;
        /// Of the open round; once no more rounds open, from when on anyone may have the seats paid; else 0.
        uint64 deadline;
        uint256 deposited;
        uint256 paid;
        uint256 refunded;
        /// Held back as stakes, or not decided yet.
        uint256 owed;
        uint64 tokensVerified;
        /// Seats ever used: their indices are below this.
        uint32 seats;
        uint32 seatsActive;
        /// Commitments of the open round.
        uint32 committed;
        uint32 quorum;
        /// Commitments whose audits are not over.
        uint32 unsettled;
        /// Disputes before the referee.
        uint32 disputes;
    }

    struct Seat {
        bytes32 device;
        address account;
        Standing standing;
        /// Of an expelled seat: the round it was about.
        uint32 expelledRound;
        uint32 fromRound;
        /// The first round in which it may still commit: the open one, also if it is open again for seats that waited for the next.
        uint32 nextRound;
        /// Commitments whose audits are not over, those before the referee included.
        uint32 unsettled;
        /// Verified pay that is held back.
        uint256 stake;
        uint256 paid;
        uint64 tokensVerified;
        /// Whether it has committed in the open round.
        bool committed;
        /// Whether it missed so many rounds that `settle` gives it up.
        bool overdue;
        /// Whether `settle` does something for it.
        bool due;
    }

    /// A device, with or without a seat.
    struct Standpoint {
        bool seated;
        /// Its seat, if it has one.
        uint16 index;
        Seat seat;
        /// Number of the last enrolment or leave that it signed.
        uint64 nonce;
        /// Whether it is expelled for good.
        bool barred;
        uint32 barredRound;
        Standing barredFor;
    }

    /// A round whose commitments are not all settled.
    struct OpenRound {
        uint32 round;
        /// State it started from.
        bytes32 base;
        /// Height of the block in which it closed.
        uint64 closed;
        uint32 commitments;
        uint32 unsettled;
        bool drawn;
        /// Whether `draw` does something in the next block.
        bool due;
        /// Whether a draw waits for the hash of a block that is not there yet.
        bool waiting;
    }

    /// A commitment in a round that is kept.
    struct Entry {
        uint16 seat;
        bytes32 device;
        bytes32 seal;
        bytes32 update;
        Check check;
        /// Of an audit: who has to do it.
        bytes32 auditor;
        /// Of an audit: when the auditor is replaced.
        uint64 deadline;
        /// Verified and undecided pay of its device when it committed, in thousandths of the round's pay.
        uint32 stake;
        /// Height of the block in which the leaves under its seal were disclosed, or 0.
        uint64 disclosed;
    }

    struct Audit {
        uint32 round;
        bytes32 subject;
        bytes32 auditor;
        uint64 deadline;
        /// State the audited round started from.
        bytes32 base;
        bytes32 seal;
        bytes32 update;
    }

    /// The vote of a referee in a dispute.
    struct Vote {
        bytes32 referee;
        /// Who brought it, and gets the referee's part of a bond.
        address account;
        Ruling kind;
        /// If `Differs`: the leaf, counted from 0.
        uint16 leaf;
        /// If `Replayed`: the root of the replay, sealed under the disputed device's name.
        bytes32 sealedRoot;
        /// If `Replayed`: the digest of the update.
        bytes32 update;
    }

    struct Dispute {
        uint32 round;
        bytes32 subject;
        /// The device that disputes; zero if it is an account, or if no auditor answered.
        bytes32 accuser;
        /// The account that disputes, or zero.
        address account;
        uint256 bond;
        /// When it expires, and the work counts.
        uint64 deadline;
        bytes32 base;
        bytes32 seal;
        bytes32 update;
        /// Height of the block in which the leaves under the seal were disclosed, or 0.
        uint64 disclosed;
        Vote[] votes;
    }

    /// Opens a project; the value is its escrow. `auditor` is the owner's auditing device, `coordinator` the ed25519 key and `endpoint` the address of the process that drives it.
    function open(Terms calldata terms, string calldata name, bytes32 auditor, bytes32 coordinator, string calldata endpoint) external payable returns (uint64 run);
    /// The coordinator has moved. By the owner.
    function announce(uint64 run, bytes32 coordinator, string calldata endpoint) external;
    /// Names another auditing device. By the owner.
    function setAuditor(uint64 run, bytes32 auditor) external;
    /// A device takes a seat, with its signature over `gleaner/enroll/v2`. `nonce` is one more than that of its last enrolment or leave in this run.
    function enroll(uint64 run, bytes32 device, uint64 nonce, bytes calldata signature) external;
    /// A device gives its seat up, with its signature over `gleaner/leave/v2`. `nonce` as in `enroll`.
    function leave(uint64 run, bytes32 device, uint64 nonce, bytes calldata signature) external;
    /// Gives up the seat of a device that the seat's account has revoked. By anyone; the work so far is audited and paid as that of a device that leaves. Since revision 4.
    function retire(uint64 run, bytes32 device) external;
    /// A device commits, with its signature over `gleaner/commit/v2`.
    function commit(uint64 run, uint32 round, bytes32 device, bytes32 sealedRoot, bytes32 update, bytes calldata signature) external;
    /// An auditor's finding, or a device's dispute, with its signature over `gleaner/verdict/v2`.
    function verdict(uint64 run, uint32 round, bytes32 subject, bytes32 auditor, Verdict kind, bytes32 value, bytes calldata signature) external;
    /// Brings statements of devices: calls of `enroll`, `leave`, `commit` and `verdict`. Those that are refused change nothing and are named in events.
    function relay(bytes[] calldata statements) external;
    /// The round takes no more commitments: the owner once there is a quorum, anyone after the deadline.
    function close(uint64 run, uint32 round) external;
    /// The deadline passed without a quorum.
    function lapse(uint64 run, uint32 round) external;
    /// The round became a new state. By the owner.
    function advance(uint64 run, uint32 round, bytes32 state, bytes32 update) external;
    /// Draws what is due in a round: who is audited, who repeats an audit, who replaces a silent auditor.
    function draw(uint64 run, uint32 round) external;
    /// Does what is due for seats: counts commitments that were not drawn, gives up seats that missed too many rounds, pays those that are done.
    function settle(uint64 run, uint16[] calldata seats) external;
    /// Disputes a commitment; the value is the bond, at least a round's pay. It comes back with a bounty if the referee finds a mismatch.
    function dispute(uint64 run, uint32 round, bytes32 subject) external payable;
    /// Publishes the leaves under the seal of a disputed commitment: job, states at segment ends, update. They prove themselves, so anyone may bring them.
    function disclose(uint64 run, uint32 round, bytes32 subject, bytes32[] calldata leaves) external;
    /// A referee's vote, with its signature over `gleaner/ruling/v2`. What does not belong to `kind` is zero.
    function rule(uint64 run, uint32 round, bytes32 subject, bytes32 referee, Ruling kind, uint16 leaf, bytes32 root, bytes32 update, bytes calldata signature) external;
    /// Ends a dispute that the referees did not decide in time: the work counts.
    function expire(uint64 run, uint32 round, bytes32 subject) external;
    /// No more rounds. By the owner.
    function cancel(uint64 run) external;
    /// No more rounds, because nothing has happened for too long.
    function abandon(uint64 run) external;

    /// Number of runs; ids are 1 to this.
    function count() external view returns (uint64);
    function summary(uint64 run) external view returns (Summary memory);
    function terms(uint64 run) external view returns (Terms memory);
    function seats(uint64 run) external view returns (Seat[] memory);
    function standpoint(uint64 run, bytes32 device) external view returns (Standpoint memory);
    function openRounds(uint64 run) external view returns (OpenRound[] memory);
    function entries(uint64 run, uint32 round) external view returns (Entry[] memory);
    /// State that a kept round started from.
    function baseOf(uint64 run, uint32 round) external view returns (bytes32);
    function audits(uint64 run) external view returns (Audit[] memory);
    function disputes(uint64 run) external view returns (Dispute[] memory);
    /// What the terms can cost at most: the least deposit.
    function requiredDeposit(Terms calldata terms) external view returns (uint256);
    /// How fast a device did verified work, at least: medians in tokens per thousand seconds of its last rounds that counted as verified, from the block that opened
    /// a round to the block of its commitment, and of its last audits that passed, from the block that drew it to the block of its verdict. At most 16 of each
    /// count; 0 where there is none, and for devices of the run's owner. No rule reads it. Since revision 5.
    function speedOf(uint64 run, bytes32 device) external view returns (uint64 verified, uint8 rounds, uint64 repeated, uint8 audits);

    event Opened(uint64 indexed run, address indexed owner, string name, uint256 deposited);
    event Announced(uint64 indexed run, bytes32 coordinator, string endpoint);
    event AuditorNamed(uint64 indexed run, bytes32 auditor);
    event Enrolled(uint64 indexed run, bytes32 indexed device, address indexed account, uint16 seat, uint32 fromRound);
    event Left(uint64 indexed run, bytes32 indexed device);
    event RoundOpened(uint64 indexed run, uint32 indexed round, bytes32 base, uint64 deadline);
    event Committed(uint64 indexed run, uint32 indexed round, bytes32 indexed device, bytes32 sealedRoot, bytes32 update);
    event RoundClosed(uint64 indexed run, uint32 indexed round, uint32 commitments);
    event Advanced(uint64 indexed run, uint32 indexed round, bytes32 state, bytes32 update);
    event RoundDrawn(uint64 indexed run, uint32 indexed round, uint32 audits);
    event Drawn(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 auditor);
    event Silent(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 auditor);
    event AuditPassed(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 auditor);
    event Disputed(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 accuser);
    event Disclosed(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32[] leaves);
    event Voted(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, Vote vote);
    event Upheld(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bool replayed);
    event DeviceExpelled(uint64 indexed run, uint32 indexed round, bytes32 indexed device, address account, Standing standing, uint256 forfeited);
    event Verified(uint64 indexed run, uint32 indexed round, bytes32 indexed device, uint64 tokens, uint256 amount, PayKind kind);
    event Paid(uint64 indexed run, address indexed account, bytes32 indexed device, uint256 amount);
    event BondReturned(uint64 indexed run, address indexed account, uint256 amount);
    event BondForfeited(uint64 indexed run, address indexed referee, uint256 amount);
    event NotRelayed(uint64 indexed run, uint256 index, bytes error);
    event Cancelled(uint64 indexed run);
    event Finished(uint64 indexed run, uint256 paid, uint256 refunded);

    /// run {run} does not exist
    error NoSuchRun(uint64 run);
    /// device {device:plain} is not linked to an account
    error NotLinked(bytes32 device);
    /// {what} is longer than {max} bytes
    error TooLong(string what, uint256 max);
    /// the terms are invalid: {field} is {value}: give {allowed}
    error TermOutOfRange(string field, uint64 value, string allowed);
    /// the terms are invalid: their cost does not fit 128 bits: lower price, tokens, seats or rounds
    error CostTooLarge();
    /// a deposit of {deposit:grain} GRAIN does not cover the terms: give at least {required:grain} GRAIN
    error BudgetTooSmall(uint256 deposit, uint256 required);
    /// the run has ended or accepts no new work
    error RunOver();
    /// round {given} is not the current round, the current round is {current}
    error WrongRound(uint32 given, uint32 current);
    /// round {given} is not the current round, no round is open
    error NoRoundOpen(uint32 given);
    /// only the owner of the run may do this now
    error NotOwner(address caller);
    /// device {device:plain} has no active seat in this run
    error NoSeat(bytes32 device);
    /// device {device:plain} already has a seat
    error SeatTaken(bytes32 device);
    /// seat {seat} does not exist: the run has {seats}
    error NoSuchSeat(uint16 seat, uint16 seats);
    /// device {device:plain} signed statement {given}, its next one is {expected}
    error WrongNonce(bytes32 device, uint64 given, uint64 expected);
    /// device {device:plain} was expelled for round {round}
    error Expelled(bytes32 device, uint32 round, Standing standing);
    /// device {device:plain} left while its work is being audited: wait until it is settled
    error NotSettled(bytes32 device);
    /// pay that device {device:plain} has earned for another account is held back: wait until its seat is settled
    error HeldForAnother(bytes32 device);
    /// all {seats} seats are taken: wait until a device leaves
    error Full(uint16 seats);
    /// device {device:plain} takes part from round {fromRound} on: wait for that round
    error TooEarlyForSeat(bytes32 device, uint32 fromRound);
    /// device {device:plain} has already committed in this round
    error CommittedAlready(bytes32 device);
    /// {committed} devices have committed, the quorum is {quorum}: wait for more
    error NoQuorum(uint32 committed, uint32 quorum);
    /// too early: wait until {until} (now {current})
    error TooEarly(uint64 until, uint64 current);
    /// a quorum has committed: close the round instead
    error QuorumReached();
    /// round {round} has nothing to draw now
    error NothingToDraw(uint32 round);
    /// round {round} is not settled: draw its audits and settle its seats first
    error RoundNotSettled(uint32 round);
    /// device {auditor:plain} is not the auditor of device {subject:plain} in round {round}
    error NotTheAuditor(bytes32 auditor, uint32 round, bytes32 subject);
    /// device {subject:plain} has no commitment in round {round} that can be audited or disputed
    error NoCommitment(uint32 round, bytes32 subject);
    /// the referee decides on device {subject:plain} in round {round} already
    error DisputedAlready(uint32 round, bytes32 subject);
    /// a dispute needs {required:grain} GRAIN at stake, {given:grain} GRAIN given
    error BondTooSmall(uint256 given, uint256 required);
    /// {disputes} disputes wait for the referee: try again later
    error TooManyDisputes(uint16 disputes);
    /// no dispute about device {subject:plain} in round {round} is open
    error NoDispute(uint32 round, bytes32 subject);
    /// {referee:plain} is none of the ledger's referees
    error NotAReferee(bytes32 referee);
    /// referee {referee:plain} has voted in this dispute already
    error VotedAlready(bytes32 referee);
    /// the leaves of device {subject:plain} in round {round} are disclosed already
    error DisclosedAlready(uint32 round, bytes32 subject);
    /// the leaves do not lead to the seal that device {subject:plain} committed to in round {round}
    error WrongLeaves(uint32 round, bytes32 subject);
    /// no leaves of device {subject:plain} in round {round} are disclosed
    error NotDisclosed(uint32 round, bytes32 subject);
    /// a list of {given} leaves: give 1 to {max}
    error LeafCount(uint256 given, uint256 max);
    /// only `enroll`, `leave`, `commit` and `verdict` can be relayed
    error NotAStatement();
    /// the root does not open the seal: report a mismatch
    error OpensNothing();
    /// amount out of range
    error AmountTooLarge();
}
