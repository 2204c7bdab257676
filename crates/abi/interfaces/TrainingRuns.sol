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
        /// The device gave it up.
        Left,
        /// Expelled: two replays led to another root than its commitment.
        Convicted,
        /// Expelled: it reported a mismatch that other replays did not find.
        FalseAuditor
    }

    /// What an auditor found.
    enum Verdict {
        /// The replay led to a root that opens a seal; the value is that root.
        Opened,
        /// The replay led to a root that opens no seal; the value is that root, sealed for the auditor.
        Mismatch,
        /// The evidence can't be had; the value is zero.
        Unavailable
    }

    /// What a payment is for.
    enum PayKind {
        /// Verified training.
        Work,
        /// A verdict that stands.
        Verdict
    }

    struct Terms {
        uint32 rounds;
        uint32 warmupRounds;
        uint64 tokensPerRound;
        uint64 warmupTokensPerRound;
        uint128 pricePerToken;
        uint16 auditRate;
        uint16 auditPay;
        uint16 quorum;
        uint16 seatsMin;
        uint16 seatsMax;
        uint32 roundSeconds;
        uint32 auditSeconds;
        uint32 stallSeconds;
        uint16 holdBackRounds;
        bytes32 spec;
        bytes32 corpus;
        bytes32 initialState;
    }

    struct Commitment {
        bytes32 device;
        bytes32 seal;
        bytes32 update;
        bytes signature;
    }

    struct Summary {
        uint64 run;
        address owner;
        string name;
        bytes32 coordinator;
        string endpoint;
        Phase phase;
        /// `None` until no more rounds will open.
        Ending ending;
        uint32 round;
        uint32 rounds;
        bytes32 state;
        bytes32 update;
        /// Of the open round, else 0.
        uint64 deadline;
        uint256 deposited;
        uint256 paid;
        uint256 refunded;
        uint256 owed;
        uint64 tokensVerified;
        uint32 seats;
        uint32 seatsActive;
        uint32 quorum;
    }

    struct Seat {
        bytes32 device;
        address account;
        Standing standing;
        /// Of an expelled seat: the round it was about.
        uint32 expelledRound;
        bool onProbation;
        uint32 fromRound;
        uint64 tokensVerified;
        uint256 paid;
        /// Whether it has committed in the open round.
        bool committed;
    }

    struct Claim {
        bytes32 auditor;
        bytes32 sealedRoot;
    }

    struct Audit {
        uint32 round;
        bytes32 subject;
        bytes32 auditor;
        uint64 deadline;
        /// State the audited round started from.
        bytes32 base;
        /// What the subject committed to: `seal` of its root, and `update`.
        bytes32 seal;
        bytes32 update;
        Claim[] claims;
    }

    struct UndrawnRound {
        uint32 round;
        /// May be drawn in any block after this one.
        uint64 drawHeight;
    }

    /// Opens a project; the value is its escrow. `coordinator` is the ed25519 key and `endpoint` the address of the process that drives it.
    function open(Terms calldata terms, string calldata name, bytes32 coordinator, string calldata endpoint) external payable returns (uint64 run);
    /// The coordinator has moved. By the owner.
    function announce(uint64 run, bytes32 coordinator, string calldata endpoint) external;
    /// A device takes a seat, with its signature over `gleaner/enroll/v1`.
    function enroll(uint64 run, bytes32 device, bytes calldata signature) external;
    /// A device gives its seat up, with its signature over `gleaner/leave/v1`.
    function leave(uint64 run, bytes32 device, uint32 round, bytes calldata signature) external;
    /// Devices commit, each with its signature over `gleaner/commit/v2`; all or none.
    function commit(uint64 run, uint32 round, Commitment[] calldata commitments) external;
    /// The round takes no more commitments: the owner once there is a quorum, anyone after the deadline.
    function close(uint64 run, uint32 round) external;
    /// The deadline passed without a quorum.
    function lapse(uint64 run, uint32 round) external;
    /// The round became a new state. By the owner.
    function advance(uint64 run, uint32 round, bytes32 state, bytes32 update) external;
    /// Draws who is audited, and by whom.
    function draw(uint64 run, uint32 round) external;
    /// An auditor's finding, with its signature over `gleaner/verdict/v1`.
    function verdict(uint64 run, uint32 round, bytes32 subject, bytes32 auditor, Verdict kind, bytes32 value, bytes calldata signature) external;
    /// Replaces an auditor that was silent past its deadline.
    function redraw(uint64 run, uint32 round, bytes32 subject) external;
    /// No more rounds. By the owner.
    function cancel(uint64 run) external;
    /// No more rounds, because nothing has happened for too long.
    function abandon(uint64 run) external;

    /// Number of runs; ids are 1 to this.
    function count() external view returns (uint64);
    function summary(uint64 run) external view returns (Summary memory);
    function terms(uint64 run) external view returns (Terms memory);
    function seats(uint64 run) external view returns (Seat[] memory);
    function audits(uint64 run) external view returns (Audit[] memory);
    function undrawn(uint64 run) external view returns (UndrawnRound[] memory);
    /// What the terms can cost at most: the least deposit.
    function requiredDeposit(Terms calldata terms) external view returns (uint256);

    event Opened(uint64 indexed run, address indexed owner, string name, uint256 deposited);
    event Announced(uint64 indexed run, bytes32 coordinator, string endpoint);
    event Enrolled(uint64 indexed run, bytes32 indexed device, address indexed account, uint32 fromRound);
    event Left(uint64 indexed run, bytes32 indexed device);
    event RoundOpened(uint64 indexed run, uint32 indexed round, bytes32 base, uint64 deadline);
    event Committed(uint64 indexed run, uint32 indexed round, bytes32 indexed device, bytes32 seal, bytes32 update);
    event RoundClosed(uint64 indexed run, uint32 indexed round, uint32 commitments);
    event Advanced(uint64 indexed run, uint32 indexed round, bytes32 state, bytes32 update);
    event Drawn(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 auditor);
    event AuditPassed(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 auditor);
    event Disputed(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, bytes32 auditor);
    event Convicted(uint64 indexed run, uint32 indexed round, bytes32 indexed subject, address account, uint256 forfeited);
    event AuditorExpelled(uint64 indexed run, uint32 indexed round, bytes32 indexed auditor, address account, uint256 forfeited);
    event Unresolved(uint64 indexed run, uint32 indexed round, bytes32 indexed subject);
    event Paid(uint64 indexed run, address indexed account, bytes32 indexed device, uint32 round, uint64 tokens, uint256 amount, PayKind kind);
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
    /// round {round} will be drawn from a new block: draw it again two blocks later
    error DrawRearmed(uint32 round);
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
    /// device {device:plain} was expelled for round {round}
    error Expelled(bytes32 device, address account, uint32 round, Standing standing);
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
    /// round {round} has no audits to draw
    error NothingToDraw(uint32 round);
    /// {rounds} rounds wait to be drawn or audited: draw and redraw first
    error TooManyOpenRounds(uint32 rounds);
    /// device {auditor:plain} is not the auditor of device {subject:plain} in round {round}
    error NotTheAuditor(bytes32 auditor, uint32 round, bytes32 subject);
    /// no audit of device {subject:plain} in round {round} is open
    error NoAudit(uint32 round, bytes32 subject);
    /// the root opens no seal: submit it sealed, as a mismatch
    error OpensNothing();
    /// amount out of range
    error AmountTooLarge();
}
