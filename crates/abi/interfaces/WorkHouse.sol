// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// The house of those who work: voice is minted for verified work only, counts from 30 days after the work on, and halves every 180 days from the work on. Amounts of voice
/// are work at its present worth. Only an account with voice can be a delegate.
interface WorkHouse {
    /// Mints voice for work of today. By the module that issues GRAIN, for work that was checked from outside.
    function mint(address account, uint256 work) external;
    /// Makes the voice count that is 30 days old. By anyone; a mint for the account and its own delegation do it on the way.
    function mature(address account) external;
    /// Voice of an account that was not matured yet, and when the first of it can be; zeros if there is none.
    function pending(address account) external view returns (uint256 voice, uint48 maturesAt);

    event Minted(address indexed account, uint256 work, uint48 maturesAt);
    event Matured(address indexed account, uint256 voice);

    /// only the module that issues GRAIN can mint voice, not {caller}
    error NotIssuance(address caller);
    /// {delegate} has no voice of its own: only an account that has can be a delegate
    error NoVoice(address delegate);
    /// a mint is for at most {max} units of work, not {work}
    error WorkTooLarge(uint256 work, uint256 max);
}
