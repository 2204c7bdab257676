// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Prices that reporters observe outside of the ledger. They are named in the genesis file, later by votes, and sign what they see (EIP-712, `PriceReport`); anybody brings a quorum of reports, of which the feed takes the median.
interface PriceFeeds {
    struct Terms {
        /// What is priced in what, such as `GRAIN / USD`; 1 to 64 bytes.
        string description;
        /// Of the answers; at most 36.
        uint8 decimals;
        /// How old an observation may be when it is reported, and when it is relied on, in seconds.
        uint64 maxAge;
        /// How far reports may be from their median, and an answer from the one before; 1 to 10000.
        uint16 deviationBps;
        /// How long after a jump an answer near it confirms it, in seconds; less than `maxAge`.
        uint64 confirmationSeconds;
    }

    /// A pool whose average price must agree with the answers.
    struct PoolTerms {
        /// A pair of Uniswap v2 or a pool of v3.
        address pool;
        /// The asset that is priced, in the pool's other one.
        address baseToken;
        /// Over how long the price is averaged, in seconds; 300 to 86400.
        uint32 windowSeconds;
        /// How far an answer may be from the average; 1 to 10000.
        uint16 divergenceBps;
    }

    struct Report {
        int256 answer;
        /// In Unix seconds.
        uint64 observedAt;
        /// The reporter's signature over `PriceReport`.
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    function reporters() external view returns (address[] memory);
    function isReporter(address account) external view returns (bool);
    /// How many reporters make a round: more than half of them.
    function quorum() external view returns (uint16);
    /// Number of feeds; they are numbered from 1.
    function count() external view returns (uint64);
    function feedAt(uint64 number) external view returns (address feed);
    function isFeed(address account) external view returns (bool);
    /// Replaces the reporters of all feeds. By the Governor.
    function setReporters(address[] calldata reporters, uint16 quorum) external;
    /// By anyone. The feed has no answer until reporters sign some for it.
    function create(Terms calldata terms) external returns (address feed);
    /// The same for a feed that is compared with a pool: `latestCheckedRoundData` refuses an answer that the pool's average price disagrees with. The pool sets no answer.
    function createWithPool(Terms calldata terms, PoolTerms calldata poolTerms) external returns (address feed);
    /// Records the accumulated price of a feed's pair, so that there is an average once the window has passed. By anyone, at most four times a window. Pools of v3 keep observations themselves.
    function checkpoint(address feed) external returns (uint256 cumulative);
    /// By anyone who has a quorum of reports, each of another reporter, newer than the last round. Returns the round.
    function report(address feed, Report[] calldata reports) external returns (uint80 roundId);

    event ReportersChanged(address[] reporters, uint16 quorum);
    event FeedCreated(address indexed feed, address indexed creator, Terms terms);
    event PoolNamed(address indexed feed, address indexed pool, PoolTerms poolTerms);
    event Checkpointed(address indexed feed, uint256 cumulative);
    /// What each reporter said, in the order of the call.
    event Reported(address indexed feed, uint80 indexed roundId, address[] reporters, int256[] answers);

    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
    /// {count} reporters are named: give 1 to {max}
    error ReporterCount(uint256 count, uint256 max);
    /// {quorum} of {count} reporters would make a round: give more than half of them, and at most all
    error QuorumOutOfRange(uint16 quorum, uint256 count);
    /// one is named twice, or is zero
    error NotDistinct();
    /// {feed} is no price feed
    error NoSuchFeed(address feed);
    /// the description has {size} bytes: 1 to {max} are allowed
    error DescriptionSize(uint256 size, uint256 max);
    /// the terms have {given} decimals, at most {max} are allowed
    error TooManyFeedDecimals(uint8 given, uint8 max);
    /// the terms allow an age of {given} seconds: 1 to {max} are allowed
    error MaxAgeOutOfRange(uint64 given, uint64 max);
    /// the terms have a deviation of {given} basis points: 1 to 10000 are allowed
    error DeviationOutOfRange(uint16 given);
    /// the terms confirm after {given} seconds, which must be less than the age, {maxAge}
    error ConfirmationTooLong(uint64 given, uint64 maxAge);
    /// {account} is no pair of Uniswap v2 and no pool of v3
    error NotAPool(address account);
    /// the pool {pool} does not trade {token}
    error NotInPool(address pool, address token);
    /// a window of {given} seconds is out of range: {min} to {max} are allowed
    error WindowOutOfRange(uint32 given, uint32 min, uint32 max);
    /// a divergence of {given} basis points is out of range: 1 to 10000 are allowed
    error DivergenceOutOfRange(uint16 given);
    /// {token} does not say how many decimals it has, or has more than {max}
    error TokenDecimalsOutOfRange(address token, uint8 max);
    /// {feed} is not compared with a pair of Uniswap v2, so it needs no checkpoints
    error NoCheckpointsNeeded(address feed);
    /// the last checkpoint is too new: the next may be recorded at {from}
    error CheckpointTooSoon(uint64 from);
    /// The pair {pool} has no liquidity, so it has no price to record.
    error NoPairPrice(address pool);
    /// there are {count} reports, at most {max} are allowed
    error TooManyReports(uint256 count, uint256 max);
    /// the signature of report {index} is malformed
    error BadReportSignature(uint256 index);
    /// {signer} signed a report for {feed} and is no reporter
    error NotAReporter(address feed, address signer);
    /// the answer {answer} is out of range: 1 to 2^127 - 1 is allowed
    error AnswerOutOfRange(int256 answer);
    /// there are {count} reports, the quorum is {quorum}
    error NoQuorum(uint256 count, uint16 quorum);
    /// there are two reports of {reporter}
    error ReporterTwice(address reporter);
    /// a report is of {observedAt}, later than this block
    error ReportFromFuture(uint64 observedAt);
    /// a report is of {observedAt}, not later than the last round at {updatedAt}
    error ReportNotNewer(uint64 observedAt, uint64 updatedAt);
    /// a report is of {observedAt}, older than {maxAge} seconds
    error ReportTooOld(uint64 observedAt, uint64 maxAge);
    /// only {agreeing} reports are near their median, {quorum} must be
    error ReportsDisagree(uint256 agreeing, uint16 quorum);
}

/// What a reporter signs (EIP-712). The domain has the name `Gleaner price feeds`, version `1`, the chain id, and `PriceFeeds` as verifying contract.
struct PriceReport {
    address feed;
    int256 answer;
    uint64 observedAt;
}
