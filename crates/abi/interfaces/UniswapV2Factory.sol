// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Creates pairs of assets, one for each two: Uniswap v2's factory, with its interface, addresses and revert messages.
interface UniswapV2Factory {
    event PairCreated(address indexed token0, address indexed token1, address pair, uint256 number);

    /// Who receives the protocol's sixth of the trading fees; the zero address while it is off.
    function feeTo() external view returns (address);
    /// Who may say so. The zero address, and so nobody, until governance takes it over.
    function feeToSetter() external view returns (address);
    /// The pair of two assets, in any order; the zero address if there is none.
    function getPair(address tokenA, address tokenB) external view returns (address pair);
    /// Pairs are numbered from 0.
    function allPairs(uint256 index) external view returns (address pair);
    function allPairsLength() external view returns (uint256);

    /// By anyone, once for each two assets. The address follows from the two by EIP-1014.
    function createPair(address tokenA, address tokenB) external returns (address pair);
    function setFeeTo(address to) external;
    function setFeeToSetter(address to) external;
}
