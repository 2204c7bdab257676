// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// A vault that others pay fees to, such as the `feeTo` of a Uniswap v2 factory. It sells what it gets in other tokens for its asset, at a price that falls until somebody buys, and its shares get the proceeds evenly over a week.
interface FeeVault {
    /// Proceeds that are in the vault's balance and not yet in `totalAssets`.
    function lockedAssets() external view returns (uint256);
    /// What is left of a token's lot, and when it was offered.
    function lot(address token) external view returns (uint256 amount, uint64 offeredAt);
    /// Assets for a unit of the token now, times 1e18; it halves every 300 seconds. 0 if nothing is offered.
    function priceOf(address token) external view returns (uint256);

    /// Offers all that the vault holds of `token`, once the last lot is sold. By anyone.
    function offer(address token) external returns (uint256 amount);
    /// Buys `amount` of the lot for at most `paymentMax` assets, which are taken by allowance; the token goes to `receiver`. By anyone.
    function buy(address token, uint256 amount, uint256 paymentMax, address receiver) external returns (uint256 payment);

    event Offered(address indexed token, uint256 amount);
    event Bought(address indexed token, address indexed buyer, address indexed receiver, uint256 amount, uint256 payment);

    /// {token} is the vault's asset, or its shares: they are not sold
    error NotForSale(address token);
    /// the vault has nothing of {token}
    error NothingToOffer(address token);
    /// {left} of the last lot of {token} are left: buy them first
    error LotUnsold(address token, uint256 left);
    /// {amount} of the token are asked for, {left} are left
    error LotTooSmall(uint256 amount, uint256 left);
    /// it costs {payment} assets, above {paymentMax}: wait for the price to fall
    error PaymentTooLarge(uint256 payment, uint256 paymentMax);
}
