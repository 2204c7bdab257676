// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Juries of 201 seats, drawn by weight among accounts that have registered: half from those who work, by voice, half from those who hold GRAIN, by deposit. They decide proposals in place of a house that does not vote.
interface Juries {
    /// Where a seat comes from.
    enum Stratum {
        /// Those who work, by their voice in the Work House.
        Work,
        /// Those who hold GRAIN, by their deposit in the Stake House.
        Stake
    }

    /// What a jury has found.
    enum Verdict {
        /// It is not over.
        Open,
        /// More of the shown seats say yes.
        Yes,
        /// Also when as many seats say yes as no.
        No,
        /// Fewer than half of the seats were shown.
        Absent
    }

    struct Juror {
        /// What it registered with; less if it has less now.
        uint128 weight;
        /// When it can be admitted: 30 days after it registered with that weight.
        uint64 admittedFrom;
        bool isAdmitted;
    }

    struct Panel {
        /// Height of the block whose hash draws the seats.
        uint64 height;
        uint32 seatsDrawn;
        /// When the last seat was drawn, in Unix seconds; 0 before.
        uint64 drawnAt;
        /// Until when jurors commit, and until when they show.
        uint64 commitsUntil;
        uint64 showsUntil;
        /// Seats that were shown.
        uint32 yes;
        uint32 no;
        Verdict verdict;
    }

    /// Registers the caller with what it holds now, at least 10 GRAIN or any voice. More than before waits anew.
    function register(Stratum stratum) external;
    /// Takes the caller off the list.
    function resign(Stratum stratum) external;
    /// Lets an account be drawn that has waited, or lowers its weight to what it still holds; one that holds nothing is taken off the list. By anyone.
    function admit(Stratum stratum, address account) external;
    /// Begins a case: the hash of this block, which no transaction in it can know, draws. By the Governor.
    function summon(uint256 id) external;
    /// Draws up to 67 seats of a case; call it until all 201 are drawn, within 256 blocks. By anyone.
    function draw(uint256 id) external returns (uint32 seatsDrawn);
    /// Commits the caller's vote: `keccak256(abi.encode(id, account, isYes, salt))`, with a salt that nobody can guess.
    function commit(uint256 id, bytes32 commitment) external;
    /// Shows the vote that the caller has committed to.
    function show(uint256 id, bool isYes, bytes32 salt) external;

    function jurorOf(Stratum stratum, address account) external view returns (Juror memory);
    /// Sum of the weights of all who can be drawn.
    function weightOf(Stratum stratum) external view returns (uint128);
    function panelOf(uint256 id) external view returns (Panel memory);
    function seatsOf(uint256 id, address account) external view returns (uint32 count, uint128 deposit, bool hasCommitted, bool hasShown);
    function verdictOf(uint256 id) external view returns (Verdict);

    event Registered(Stratum indexed stratum, address indexed account, uint128 weight, uint64 admittedFrom);
    event Resigned(Stratum indexed stratum, address indexed account);
    event Admitted(Stratum indexed stratum, address indexed account, uint128 weight);
    event Summoned(uint256 indexed id, uint64 height);
    event Seated(uint256 indexed id, address indexed account, uint32 seats);
    event Committed(uint256 indexed id, address indexed account);
    event Shown(uint256 indexed id, address indexed account, bool isYes, uint32 seats);

    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
    /// {account} holds too little there: deposit at least 10 GRAIN in the Stake House, or earn voice by verified work
    error NoWeight(address account);
    /// {account} is not registered
    error NotRegistered(address account);
    /// {account} can be admitted from {from} on, and it is {current} (Unix seconds)
    error NotWaited(address account, uint64 from, uint64 current);
    /// {max} accounts are registered: no more fit
    error Full(uint32 max);
    /// the case {id} has a jury already
    error SummonedAlready(uint256 id);
    /// there is no case {id}
    error NoCase(uint256 id);
    /// the seats of case {id} can be drawn from block {height} on
    error TooEarly(uint256 id, uint64 height);
    /// all seats of case {id} are drawn
    error Drawn(uint256 id);
    /// seats are being drawn: call `draw` until all are, then try again
    error DrawGoesOn();
    /// nobody can be drawn: no account has registered and waited 30 days
    error NobodyThere();
    /// the jury does something else now: it commits until {commitsUntil} and shows until {showsUntil}, and it is {current} (Unix seconds)
    error WrongPhase(uint64 current, uint64 commitsUntil, uint64 showsUntil);
    /// {account} has no seat on this jury
    error NoSeat(address account);
    /// {has:grain} GRAIN are left of the deposit of {drawn:grain} GRAIN that the account was drawn for, so it has no vote
    error DepositWithdrawn(uint128 has, uint128 drawn);
    /// the account has done this already
    error DoneAlready();
    /// what is shown is not what the account committed to: give the same vote and salt
    error NotCommitted();
}
