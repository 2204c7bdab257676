// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// Figures that modules read each time they decide, and that a vote may change within published bands.
interface Parameters {
    /// How a change is decided.
    enum Class {
        /// It passes by itself after some days, unless a tenth of either house objects.
        Routine,
        /// Both houses must agree by majority.
        Ordinary,
        /// Both houses must agree with three fifths.
        Constitutional
    }

    struct Parameter {
        /// Its key: the name, filled up with zeros.
        bytes32 key;
        string name;
        string unit;
        string about;
        uint256 value;
        /// Its value until a vote changed it.
        uint256 initial;
        uint256 least;
        uint256 most;
        Class class;
    }

    /// Changes a parameter, within its band. By the Governor.
    function set(bytes32 key, uint256 value) external;

    function valueOf(bytes32 key) external view returns (uint256);
    function parameter(bytes32 key) external view returns (Parameter memory);
    function all() external view returns (Parameter[] memory);

    event Changed(bytes32 indexed key, uint256 before, uint256 value);

    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
    /// there is no parameter with the key {key:plain}: `gleaner proposals parameters` lists them
    error UnknownParameter(bytes32 key);
    /// the value would be {value}: give {least} to {most}
    error OutOfBand(bytes32 key, uint256 value, uint256 least, uint256 most);
}
