// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The schedule of rules, as far as votes extend it: which revision begins at which height. The genesis file's entries come first; no vote changes them.
interface Revisions {
    struct Activation {
        uint32 revision;
        /// Height of its first block.
        uint64 height;
    }

    /// Lets a revision begin at a height, after all others. By the Governor.
    function schedule(uint32 revision, uint64 height) external;
    /// Moves a revision that has not begun: to a later height, or to an earlier one that `schedule` would take. By the Governor.
    function reschedule(uint32 revision, uint64 height) external;
    /// Takes a revision that has not begun off the schedule. By the Governor.
    function cancel(uint32 revision) external;

    /// The revision of this block.
    function current() external view returns (uint32);
    /// What votes have scheduled, in order, with what has begun.
    function all() external view returns (Activation[] memory);
    /// The last entry of the genesis file.
    function founding() external view returns (Activation memory);
    /// The least and the largest height that `schedule` takes in this block.
    function band() external view returns (uint64 least, uint64 most);

    event Scheduled(uint32 indexed revision, uint64 height);
    event Rescheduled(uint32 indexed revision, uint64 before, uint64 height);
    event Canceled(uint32 indexed revision, uint64 height);

    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
    /// revision {revision} at height {height} does not fit beside revision {otherRevision} at height {otherHeight}: revisions and heights must both rise
    error NotRising(uint32 revision, uint64 height, uint32 otherRevision, uint64 otherHeight);
    /// height {height} is too soon or too far ahead: give {least} to {most}
    error HeightOutOfBand(uint64 height, uint64 least, uint64 most);
    /// no vote has scheduled revision {revision}
    error NotScheduled(uint32 revision);
    /// revision {revision} has begun at height {height}: what has begun stays
    error AlreadyBegun(uint32 revision, uint64 height);
    /// {count} entries are as many as there may be: wait until one has begun, or cancel one
    error ScheduleFull(uint64 count);
}
