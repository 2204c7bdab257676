// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What votes may spend, and how fast. GRAIN arrives with a plain transfer; any token may be sent here.
interface Treasury {
    /// A payment over time.
    struct Stream {
        address token;
        address to;
        /// In all; of a cancelled stream what it had earned.
        uint256 total;
        uint256 paid;
        uint64 start;
        uint64 stop;
        bool isCancelled;
        /// What `withdraw` would pay now.
        uint256 due;
    }

    /// What was spent of a token.
    struct Spending {
        /// Begin of the window, and its end; a window that is over is shown as one that begins now.
        uint64 start;
        uint64 stop;
        /// What ordinary proposals may spend in the window: 5 % of what was free when it began.
        uint256 budget;
        uint256 spent;
        /// What streams still owe.
        uint256 reserved;
        /// The balance without what streams owe.
        uint256 free;
    }

    /// Pays at once, within the budget of the window. By the Governor.
    function grant(address token, address to, uint256 amount) external;
    /// Pays at once, up to what is free. By the Governor; such a proposal is constitutional.
    function grantBeyondBudget(address token, address to, uint256 amount) external;
    /// Pays linearly between two times, within the budget of the window. By the Governor.
    function stream(address token, address to, uint256 total, uint64 start, uint64 stop) external returns (uint64 id);
    /// Pays linearly between two times, up to what is free. By the Governor; such a proposal is constitutional.
    function streamBeyondBudget(address token, address to, uint256 total, uint64 start, uint64 stop) external returns (uint64 id);
    /// Ends a stream: its receiver keeps what it has earned. By the Governor.
    function cancelStream(uint64 id) external;
    /// Pays the receiver of a stream what is due. By anyone.
    function withdraw(uint64 id) external returns (uint256 amount);

    /// Number of streams; ids are 1 to this.
    function streamCount() external view returns (uint64);
    function streamOf(uint64 id) external view returns (Stream memory);
    function spendingOf(address token) external view returns (Spending memory);

    event Granted(address indexed token, address indexed to, uint256 amount);
    event StreamBegun(uint64 indexed id, address indexed token, address indexed to, uint256 total, uint64 start, uint64 stop);
    event StreamPaid(uint64 indexed id, address indexed to, uint256 amount);
    event StreamCancelled(uint64 indexed id, uint256 earned, uint256 freed);

    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
    /// {amount} exceeds the {left} that are left of this window's budget: wait until {until}, or propose it with `grantBeyondBudget` or `streamBeyondBudget`, which need three fifths of both houses
    error OverBudget(uint256 amount, uint256 left, uint64 until);
    /// {amount} exceeds the {free} that the treasury has free
    error OverFree(uint256 amount, uint256 free);
    /// a stream from {start} to {stop} must end after it begins and after {current}, within four years
    error StreamTimes(uint64 start, uint64 stop, uint64 current);
    /// stream {id} was cancelled
    error StreamIsCancelled(uint64 id);
    /// there is no stream {id}
    error NoSuchStream(uint64 id);
    /// a sum is too large
    error SumTooLarge();
}
