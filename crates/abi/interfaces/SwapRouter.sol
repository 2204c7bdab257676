// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Swaps along paths of pools of Uniswap v3, and pays for the caller. Answers as Uniswap v3's router.
interface SwapRouter {
    struct ExactInputSingleParams {
        address tokenIn;
        address tokenOut;
        uint24 fee;
        address recipient;
        /// Unix seconds.
        uint256 deadline;
        uint256 amountIn;
        uint256 amountOutMinimum;
        /// 0 for none.
        uint160 sqrtPriceLimitX96;
    }

    struct ExactInputParams {
        /// An asset of 20 bytes, then a fee of 3 bytes and an asset for each pool.
        bytes path;
        address recipient;
        uint256 deadline;
        uint256 amountIn;
        uint256 amountOutMinimum;
    }

    struct ExactOutputSingleParams {
        address tokenIn;
        address tokenOut;
        uint24 fee;
        address recipient;
        uint256 deadline;
        uint256 amountOut;
        uint256 amountInMaximum;
        uint160 sqrtPriceLimitX96;
    }

    struct ExactOutputParams {
        /// As of an exact input, from the last asset to the first.
        bytes path;
        address recipient;
        uint256 deadline;
        uint256 amountOut;
        uint256 amountInMaximum;
    }

    function factory() external view returns (address);
    /// Wrapped GRAIN.
    function WETH9() external view returns (address);

    function exactInputSingle(ExactInputSingleParams calldata params) external payable returns (uint256 amountOut);
    function exactInput(ExactInputParams calldata params) external payable returns (uint256 amountOut);
    function exactOutputSingle(ExactOutputSingleParams calldata params) external payable returns (uint256 amountIn);
    function exactOutput(ExactOutputParams calldata params) external payable returns (uint256 amountIn);
    /// By pools.
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata _data) external;

    /// Runs several calls of the router in one, all with the same value.
    function multicall(bytes[] calldata data) external payable returns (bytes[] memory results);
    /// Sends the router's GRAIN to the caller.
    function refundETH() external payable;
    /// Unwraps the router's wrapped GRAIN and sends it to the recipient.
    function unwrapWETH9(uint256 amountMinimum, address recipient) external payable;
    function unwrapWETH9WithFee(uint256 amountMinimum, address recipient, uint256 feeBips, address feeRecipient) external payable;
    /// Sends what the router has of an asset to the recipient.
    function sweepToken(address token, uint256 amountMinimum, address recipient) external payable;
    function sweepTokenWithFee(address token, uint256 amountMinimum, address recipient, uint256 feeBips, address feeRecipient) external payable;
    /// Gives an asset the caller's signed permit for the router (EIP-2612).
    function selfPermit(address token, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external payable;
    function selfPermitIfNecessary(address token, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external payable;
    /// The same for assets with DAI's kind of permit.
    function selfPermitAllowed(address token, uint256 nonce, uint256 expiry, uint8 v, bytes32 r, bytes32 s) external payable;
    function selfPermitAllowedIfNecessary(address token, uint256 nonce, uint256 expiry, uint8 v, bytes32 r, bytes32 s) external payable;
}
