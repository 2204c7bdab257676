// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What a trade, a position or a stake costs, risks and pays, computed by the rules of the pools themselves. Views only. Amounts are in the smallest unit of their asset; ratios are times 1e18, so that 1e18 is the whole; prices are smallest units of one asset for one smallest unit of another, times 1e36. What is lost or paid is rounded up, what is gained or received is rounded down.
interface MarketLens {
    enum Kind {
        /// A pair of Uniswap v2.
        V2Pair,
        /// A pool of Uniswap v3.
        V3Pool
    }

    struct Pool {
        address pool;
        Kind kind;
        /// The asset with the lower address.
        address token0;
        address token1;
        /// In millionths of what is paid in.
        uint24 fee;
        /// Square root of the price of asset 0 in asset 1, in Q64.96; 0 without a price.
        uint160 sqrtPriceX96;
        /// The current tick of a pool of v3; 0 for a pair.
        int24 tick;
        /// Price of asset 0 in asset 1, times 1e36, without fees.
        uint256 price;
        /// Of v3, the active liquidity; of v2, the square root of the product of the reserves.
        uint256 liquidity;
        /// Reserves of a pair; balances of a pool of v3, which contain what it owes to positions.
        uint256 amount0;
        uint256 amount1;
    }

    /// One pool of a route.
    struct Hop {
        address pool;
        Kind kind;
        address tokenIn;
        address tokenOut;
        /// Fee included.
        uint256 amountIn;
        uint256 amountOut;
        /// Of `amountIn`.
        uint256 fee;
        /// How much less is received than for `amountIn - fee` at the price before the trade, times 1e18. The fee is not in it.
        uint256 priceImpact;
        /// `tokenOut` for one unit of `tokenIn`, times 1e36, without fees.
        uint256 priceBefore;
        uint256 priceAfter;
    }

    struct Route {
        uint256 amountIn;
        uint256 amountOut;
        /// With an exact input the least to accept, with an exact output the most to pay.
        uint256 limit;
        /// That of all hops together, times 1e18, without fees.
        uint256 priceImpact;
        /// The fees of all hops together as a part of the input, times 1e18.
        uint256 feeRatio;
        Hop[] hops;
    }

    /// A position at another price, without fees, compared with holding what it was at the entry price.
    struct Scenario {
        /// The price as a part of the current one, in basis points: 10000 is now.
        uint32 priceBps;
        /// What the position would be worth, in asset 1.
        uint256 value;
        /// What the amounts at the entry price would be worth, in asset 1.
        uint256 held;
        /// Impermanent loss: `1 - value / held`, times 1e18.
        uint256 loss;
    }

    struct V2Position {
        Pool pool;
        uint256 shares;
        /// All shares, with those that the protocol is owed.
        uint256 supply;
        /// `shares / supply`, times 1e18.
        uint256 share;
        /// What burning the shares would pay now.
        uint256 amount0;
        uint256 amount1;
        /// Square root of the product of the reserves for one share, times 1e18: it grows by fees only.
        uint256 liquidityPerShare;
        /// How much that has grown since the earlier figure, times 1e18; 0 without one.
        uint256 feeGrowth;
        /// The part of `amount0` and `amount1` that are fees since then.
        uint256 fees0;
        uint256 fees1;
        /// At 25, 50, 75, 100, 125, 150, 200, 300 and 400 % of the current price.
        Scenario[] scenarios;
    }

    struct V3Position {
        Pool pool;
        address owner;
        int24 tickLower;
        int24 tickUpper;
        /// Prices of asset 0 in asset 1 at the ends, times 1e36.
        uint256 priceLower;
        uint256 priceUpper;
        /// Whether it earns fees at the current price.
        bool inRange;
        uint128 liquidity;
        /// Of the active liquidity, times 1e18; 0 out of range.
        uint256 share;
        /// What taking all of the liquidity out would pay now.
        uint256 amount0;
        uint256 amount1;
        /// What collecting would pay now, beside that.
        uint256 fees0;
        uint256 fees1;
        /// At the same prices as of a pair's.
        Scenario[] scenarios;
    }

    /// How much of the liquidity's value lies between `price / (1 + width)` and `price * (1 + width)`.
    struct Band {
        uint32 widthBps;
        /// Times 1e18.
        uint256 share;
    }

    /// A tick that positions reference.
    struct Tick {
        int24 tick;
        int128 liquidityNet;
        /// Active from this tick up to the next.
        uint128 liquidity;
    }

    struct Concentration {
        Pool pool;
        /// Whether all liquidity was found; otherwise shares are of what was found.
        bool isWhole;
        /// What was found, in asset 1 at the current price.
        uint256 value;
        /// Of 1 %, 5 % and 20 %.
        Band[] bands;
        /// In rising order; none for a pair, whose liquidity is the same at every price.
        Tick[] ticks;
    }

    struct Yield {
        address stakedToken;
        address rewardToken;
        uint256 staked;
        /// What all stakes get in a year of 365 days at the current rate, in the reward token.
        uint256 rewardPerYear;
        /// For how long that rate is paid: until the period or the bonus ends, or the funds if all pools of a farm draw on them. 0 if nothing is paid now.
        uint256 windowSeconds;
        /// Reward of a year for what is staked now, without compounding, times 1e18.
        uint256 apr;
        /// The same if it is staked again `compoundings` times a year, at the same rate, times 1e18.
        uint256 apy;
    }

    /// Of a pair of Uniswap v2 or a pool of v3.
    function pool(address account) external view returns (Pool memory found);
    /// The pair and the pools of v3 between two assets, with the fees 0.01, 0.05, 0.3 and 1 %.
    function poolsOf(address tokenA, address tokenB) external view returns (Pool[] memory pools);

    /// Trades exactly `amountIn` along 1 to 8 pools, each once. `slippageBps` below 10000 lowers the limit. Assets that take fees when they move are not considered.
    function quoteExactInput(address tokenIn, address[] calldata pools, uint256 amountIn, uint16 slippageBps) external view returns (Route memory route);
    /// Trades for exactly `amountOut`; the pools are in the order of the trade. `slippageBps` raises the limit.
    function quoteExactOutput(address tokenIn, address[] calldata pools, uint256 amountOut, uint16 slippageBps) external view returns (Route memory route);
    /// The pools between two assets that trade the whole amount, the one that pays most first.
    function directQuotes(address tokenIn, address tokenOut, uint256 amountIn, uint16 slippageBps) external view returns (Route[] memory routes);

    /// The ledger does not know when and at which price a position began: `entrySqrtPriceX96` says it, 0 means now. `earlierLiquidityPerShare` is what this function has answered before, or 0.
    function v2Position(address pair, address account, uint160 entrySqrtPriceX96, uint256 earlierLiquidityPerShare) external view returns (V2Position memory position);
    /// Of a token of the position manager.
    function v3Position(uint256 tokenId, uint160 entrySqrtPriceX96) external view returns (V3Position memory position);
    /// Reads at most `words` words of the bitmap, 1 to 512, on each side of the price, and at most 256 ticks in all.
    function concentration(address account, uint16 words) external view returns (Concentration memory found);

    /// `rewardPrice` is the reward token in the staked one, times 1e36: 1e36 if they are the same. `compoundings` is 1 to 8760.
    function stakingYield(address stakingRewards, uint256 rewardPrice, uint32 compoundings) external view returns (Yield memory found);
    /// Of a pool of a farm, which pays by block: `blocksPerYear` says how many there will be.
    function farmYield(address masterChef, uint256 pid, uint256 rewardPrice, uint32 blocksPerYear, uint32 compoundings) external view returns (Yield memory found);
    /// Assets for one smallest unit of a vault's shares, times 1e36. Read it at two times and give both to `growth`.
    function assetsPerShare(address vault) external view returns (uint256 assets);
    /// How much a figure has grown, times 1e18, and what that is for a year: simple, and compounded `compoundings` times. 0 where it has fallen.
    function growth(uint256 earlier, uint256 later, uint64 elapsedSeconds, uint32 compoundings) external pure returns (uint256 grown, uint256 apr, uint256 apy);

    /// {account} is no pair of Uniswap v2 and no pool of v3
    error NotAPool(address account);
    /// the pool {pool} has no price: it has no liquidity yet
    error NoPoolLiquidity(address pool);
    /// a call of the pool {pool} is running: ask after it
    error PoolIsLocked(address pool);
    /// a call of the contract {account} is running: ask after it
    error ContractIsLocked(address account);
    /// the route has {count} pools: 1 to {max} are allowed
    error RouteLength(uint256 count, uint256 max);
    /// the route uses the pool {pool} twice: its second trade has another price
    error PoolTwice(address pool);
    /// the pool {pool} does not trade {token}
    error NotInPool(address pool, address token);
    /// the amount of the trade is 0 at the pool {pool}: give more
    error NoTradeAmount(address pool);
    /// the pool {pool} can't trade {amount} in the smallest unit: give less
    error NotEnoughLiquidity(address pool, uint256 amount);
    /// a slippage of {given} basis points is out of range: 0 to {max} are allowed
    error SlippageOutOfRange(uint16 given, uint16 max);
    /// the square root of the entry price, {given}, is out of range: give 0, or {min} to {max}
    error EntryPriceOutOfRange(uint160 given, uint160 min, uint160 max);
    /// {given} words are out of range: 1 to {max} are allowed
    error WordsOutOfRange(uint16 given, uint16 max);
    /// the farm has {count} pools, numbered from 0: {pid} is none of them
    error NoFarmPool(uint256 pid, uint256 count);
    /// {account} was not created by the factory of its kind
    error NotCreatedByFactory(address account);
    /// nothing is staked in {account}, so there is no yield for a unit of stake
    error NothingStaked(address account);
    /// {given} compoundings in a year are out of range: 1 to {max} are allowed
    error CompoundingsOutOfRange(uint32 given, uint32 max);
    /// the figures are of the same time, or there are 0 blocks in a year: give more than 0
    error NoDuration();
    /// the earlier figure is 0: growth is counted from more than 0
    error NoEarlierFigure();
    /// a result needs more than 256 bits: use smaller amounts
    error NumberTooLarge();
}
