// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Figures of concentration that make rules stricter while power is in few hands. Each counts accounts or keys, so it is an upper bound: one person may have many.
interface Breakers {
    struct Breaker {
        string name;
        /// Whether it is tripped, as `check` would say now.
        bool isTripped;
        /// The least number of holders that together decide or prevent something, between two bounds, now.
        uint64 least;
        uint64 most;
        /// It trips when `least` is below this.
        uint64 tripsBelow;
        /// It is released when `least` has reached this.
        uint64 releasedFrom;
    }

    /// Looks at all figures again. By anyone; each proposal does it. Returns whether ordinary proposals need what constitutional ones need.
    function check() external returns (bool isStrict);
    /// What `check` would return now.
    function isStrict() external view returns (bool);
    function all() external view returns (Breaker[] memory);

    event Tripped(uint8 indexed index, string name, uint64 least, uint64 bound);
    event Released(uint8 indexed index, string name, uint64 least, uint64 bound);
}
