// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// A pool of two assets with concentrated liquidity. Answers as a pool of Uniswap v3.
interface UniswapV3Pool {
    function factory() external view returns (address);
    /// The asset with the lower address.
    function token0() external view returns (address);
    function token1() external view returns (address);
    /// In millionths of what is paid in.
    function fee() external view returns (uint24);
    function tickSpacing() external view returns (int24);
    function maxLiquidityPerTick() external view returns (uint128);

    /// The square root of the price (asset 1 per asset 0) as Q64.96; the oracle's ring; the protocol's divisors of the fees, of asset 1 in the high four
    /// bits; false while a call runs and before the pool has a price.
    function slot0() external view returns (uint160 sqrtPriceX96, int24 tick, uint16 observationIndex, uint16 observationCardinality, uint16 observationCardinalityNext, uint8 feeProtocol, bool unlocked);
    /// Fees per unit of liquidity as Q128.128, modulo 2^256.
    function feeGrowthGlobal0X128() external view returns (uint256);
    function feeGrowthGlobal1X128() external view returns (uint256);
    /// What the protocol is owed.
    function protocolFees() external view returns (uint128 token0, uint128 token1);
    /// The liquidity that is active at the current price.
    function liquidity() external view returns (uint128);
    function ticks(int24 tick) external view returns (uint128 liquidityGross, int128 liquidityNet, uint256 feeGrowthOutside0X128, uint256 feeGrowthOutside1X128, int56 tickCumulativeOutside, uint160 secondsPerLiquidityOutsideX128, uint32 secondsOutside, bool initialized);
    function tickBitmap(int16 wordPosition) external view returns (uint256);
    /// By the hash of the owner's 20 bytes and the two ticks of 3 bytes each.
    function positions(bytes32 key) external view returns (uint128 liquidity, uint256 feeGrowthInside0LastX128, uint256 feeGrowthInside1LastX128, uint128 tokensOwed0, uint128 tokensOwed1);
    function observations(uint256 index) external view returns (uint32 blockTimestamp, int56 tickCumulative, uint160 secondsPerLiquidityCumulativeX128, bool initialized);

    /// The accumulators at each of these numbers of seconds ago.
    function observe(uint32[] calldata secondsAgos) external view returns (int56[] memory tickCumulatives, uint160[] memory secondsPerLiquidityCumulativeX128s);
    /// What accumulated while the price was between two ticks that positions reference; only differences of two answers count.
    function snapshotCumulativesInside(int24 tickLower, int24 tickUpper) external view returns (int56 tickCumulativeInside, uint160 secondsPerLiquidityInsideX128, uint32 secondsInside);

    /// By anyone, once.
    function initialize(uint160 sqrtPriceX96) external;
    /// Adds liquidity to a position of the recipient. The caller pays in `uniswapV3MintCallback`.
    function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes calldata data) external returns (uint256 amount0, uint256 amount1);
    /// Pays out what a position of the caller is owed.
    function collect(address recipient, int24 tickLower, int24 tickUpper, uint128 amount0Requested, uint128 amount1Requested) external returns (uint128 amount0, uint128 amount1);
    /// Takes liquidity out of a position of the caller, who is then owed the assets; 0 only adds the fees to what is owed.
    function burn(int24 tickLower, int24 tickUpper, uint128 amount) external returns (uint256 amount0, uint256 amount1);
    /// Above 0 the amount is paid in, below 0 it is paid out. The caller pays in `uniswapV3SwapCallback`.
    function swap(address recipient, bool zeroForOne, int256 amountSpecified, uint160 sqrtPriceLimitX96, bytes calldata data) external returns (int256 amount0, int256 amount1);
    /// Lends both assets until the end of the call. The caller pays them back, with the fees, in `uniswapV3FlashCallback`.
    function flash(address recipient, uint256 amount0, uint256 amount1, bytes calldata data) external;
    /// By anyone, who pays for the slots.
    function increaseObservationCardinalityNext(uint16 observationCardinalityNext) external;
    /// By the factory's owner: each 0, or 4 to 10 for a part from a fourth to a tenth.
    function setFeeProtocol(uint8 feeProtocol0, uint8 feeProtocol1) external;
    /// By the factory's owner.
    function collectProtocol(address recipient, uint128 amount0Requested, uint128 amount1Requested) external returns (uint128 amount0, uint128 amount1);

    event Initialize(uint160 sqrtPriceX96, int24 tick);
    event Mint(address sender, address indexed owner, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount, uint256 amount0, uint256 amount1);
    event Collect(address indexed owner, address recipient, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount0, uint128 amount1);
    event Burn(address indexed owner, int24 indexed tickLower, int24 indexed tickUpper, uint128 amount, uint256 amount0, uint256 amount1);
    event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, uint160 sqrtPriceX96, uint128 liquidity, int24 tick);
    event Flash(address indexed sender, address indexed recipient, uint256 amount0, uint256 amount1, uint256 paid0, uint256 paid1);
    event IncreaseObservationCardinalityNext(uint16 observationCardinalityNextOld, uint16 observationCardinalityNextNew);
    event SetFeeProtocol(uint8 feeProtocol0Old, uint8 feeProtocol1Old, uint8 feeProtocol0New, uint8 feeProtocol1New);
    event CollectProtocol(address indexed sender, address indexed recipient, uint128 amount0, uint128 amount1);
}
