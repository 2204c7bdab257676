// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// A pair of assets and its shares: Uniswap v2's pair, with its interface, storage and revert messages. Amounts are in the smallest unit.
interface UniswapV2Pair {
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Mint(address indexed sender, uint256 amount0, uint256 amount1);
    event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to);
    event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to);
    event Sync(uint112 reserve0, uint112 reserve1);

    function name() external pure returns (string memory);
    function symbol() external pure returns (string memory);
    function decimals() external pure returns (uint8);
    function totalSupply() external view returns (uint256);
    function balanceOf(address owner) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function approve(address spender, uint256 value) external returns (bool);
    function transfer(address to, uint256 value) external returns (bool);
    /// An allowance of 2^256 - 1 is not used up.
    function transferFrom(address from, address to, uint256 value) external returns (bool);

    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function PERMIT_TYPEHASH() external pure returns (bytes32);
    function nonces(address owner) external view returns (uint256);
    /// Allows with the owner's signature (EIP-2612). `deadline` is the last second in which it can be used.
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// Shares that the first mint gives to nobody.
    function MINIMUM_LIQUIDITY() external pure returns (uint256);
    function factory() external view returns (address);
    /// The asset with the lower address.
    function token0() external view returns (address);
    function token1() external view returns (address);
    /// What the pair counts as its own, and the second of its last change modulo 2^32.
    function getReserves() external view returns (uint112 _reserve0, uint112 _reserve1, uint32 _blockTimestampLast);
    /// Price of asset 0 in asset 1 times seconds, summed up: UQ112.112, modulo 2^256.
    function price0CumulativeLast() external view returns (uint256);
    function price1CumulativeLast() external view returns (uint256);
    /// Product of the reserves after the last mint or burn with the protocol's fee on; 0 while it is off.
    function kLast() external view returns (uint256);

    /// Gives shares for the assets that were sent before, in the same transaction.
    function mint(address to) external returns (uint256 liquidity);
    /// Pays out what the shares are worth that were sent before, in the same transaction.
    function burn(address to) external returns (uint256 amount0, uint256 amount1);
    /// Pays out, calls `to` back with `uniswapV2Call` if there is data, and takes as payment what has arrived before or arrives by then.
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
    /// Pays out what the pair holds beyond its reserves.
    function skim(address to) external;
    /// Takes what the pair holds as its reserves.
    function sync() external;
    /// By the factory only, which has done it: refused.
    function initialize(address asset0, address asset1) external;
}
