// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// One price, as Chainlink's `AggregatorV3Interface`. Only `latestCheckedRoundData` says whether it may be relied on.
interface PriceFeed {
    function decimals() external view returns (uint8);
    function description() external view returns (string memory);
    function version() external view returns (uint256);
    /// `startedAt` is the time of the oldest report of the round, `updatedAt` that of its block. Refused for a round that does not exist.
    function getRoundData(uint80 id) external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    function latestRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
    /// The same, refused with the reason when the price is stale, has jumped and is not confirmed, or is not that of the feed's pool.
    function latestCheckedRoundData() external view returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// Chainlink's older interface: 0 where there is no answer.
    function latestAnswer() external view returns (int256);
    function latestTimestamp() external view returns (uint256);
    function latestRound() external view returns (uint256);
    function getAnswer(uint256 roundId) external view returns (int256);
    function getTimestamp(uint256 roundId) external view returns (uint256);

    function maxAge() external view returns (uint64);
    function deviationBps() external view returns (uint16);
    function confirmationSeconds() external view returns (uint64);

    /// The pool that answers are compared with, the asset that is priced, the window in seconds, and the largest difference. Zeros without one.
    function comparedPool() external view returns (address pool, address baseToken, uint32 windowSeconds, uint16 divergenceBps);
    /// The pool's average price over the window, with the feed's decimals, to the nearest. Refused where there is none. It can be moved: it is there to refuse answers, not to replace them.
    function poolAverage() external view returns (int256 average);
    /// When somebody has recorded the price of the feed's pair, in rising order, in Unix seconds.
    function checkpointTimes() external view returns (uint64[] memory times);

    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);
    event NewRound(uint256 indexed roundId, address indexed startedBy, uint256 startedAt);

    /// the feed has no answer yet
    error NoAnswer();
    /// the price is of {observedAt}, older than {maxAge} seconds: wait for a new round
    error StalePrice(uint64 observedAt, uint64 maxAge);
    /// the price has jumped from {before} to {answer} and no later round has confirmed it: wait for one
    error DivergentPrice(int256 before, int256 answer);
    /// the feed's pool {pool} has no average price over the window: record a checkpoint of a pair, or make room for more observations of a pool
    error NoPoolPrice(address pool);
    /// the answer is {answer}, and the average price of the feed's pool is {average}: wait until they agree
    error DivergentFromPool(int256 answer, int256 average);
}
