// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates pools with concentrated liquidity. Answers as Uniswap v3's factory.
interface UniswapV3Factory {
    /// Who may enable fees, hand this role over, and set the protocol's part of the fees of pools; the zero account: nobody.
    function owner() external view returns (address);
    /// Ticks that positions of pools with this fee may use are multiples of it; 0 for a fee that is not enabled. Fees are in millionths.
    function feeAmountTickSpacing(uint24 fee) external view returns (int24);
    /// The pool of two assets, in either order; the zero account if there is none.
    function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address pool);
    /// Zero: in the original, what a pool is created with, during its creation.
    function parameters() external view returns (address factory, address token0, address token1, uint24 fee, int24 tickSpacing);
    /// By anyone, once for two assets and a fee that is enabled. The pool has no price until someone initializes it.
    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address pool);
    /// By the owner.
    function setOwner(address _owner) external;
    /// By the owner, once for a fee below 1,000,000; spacings are 1 to 16,383.
    function enableFeeAmount(uint24 fee, int24 tickSpacing) external;

    event OwnerChanged(address indexed oldOwner, address indexed newOwner);
    event PoolCreated(address indexed token0, address indexed token1, uint24 indexed fee, int24 tickSpacing, address pool);
    event FeeAmountEnabled(uint24 indexed fee, int24 indexed tickSpacing);
}
