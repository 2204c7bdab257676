// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Deposits of one token, and claims on it. A farm draws claims where the original mints reward tokens; a holder redeems them one for one. Claims and undrawn deposits are at most what the reserve holds.
interface RewardReserve {
    /// The farm: the only one that may draw.
    function owner() external view returns (address);
    /// The token that is deposited and redeemed.
    function underlying() external view returns (address);
    /// Deposited and not yet drawn.
    function undrawn() external view returns (uint256);
    /// What an account has deposited in all.
    function fundedBy(address account) external view returns (uint256);

    /// Deposits `amount` of the underlying token, which is taken by allowance, for the stakers of the farm. It can't be taken back. Returns what arrived.
    function fund(uint256 amount) external returns (uint256 received);
    /// Turns `amount` of the deposits into claims of `to`. By the owner only.
    function mint(address to, uint256 amount) external;
    /// Ends `amount` of the caller's claims and sends as much of the underlying token to `account`.
    function withdrawTo(address account, uint256 amount) external returns (bool);

    event Funded(address indexed from, uint256 amount);

    /// {amount} is asked for in the smallest unit, and {undrawn} of the deposits is undrawn: fund the reserve
    error ReserveNotFunded(uint256 amount, uint256 undrawn);
}
