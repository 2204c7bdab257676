// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What both houses answer: votes at any time, and who may use them (ERC-5805, ERC-6372), as `Votes` of OpenZeppelin Contracts 5. Nothing can be transferred.
interface Votes {
    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    /// Votes of all accounts.
    function totalSupply() external view returns (uint256);
    /// What an account holds, whoever votes with it.
    function balanceOf(address account) external view returns (uint256);

    /// Block time in Unix seconds.
    function clock() external view returns (uint48);
    /// `mode=timestamp`.
    function CLOCK_MODE() external view returns (string memory);
    /// Votes of an account: its own unless it has delegated, and what others have delegated to it, up to the house's cap.
    function getVotes(address account) external view returns (uint256);
    /// The same at an earlier second.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256);
    /// Votes of all accounts at an earlier second.
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256);

    /// Who votes for an account: itself from its first votes on. Zero before.
    function delegates(address account) external view returns (address);
    /// Lets another vote for the caller; the caller itself, or zero, takes the votes back. A delegate can't pass on what it has received.
    function delegate(address delegatee) external;
    /// The same with the account's signature over `Delegation`. `expiry` is the last second in which it can be used.
    function delegateBySig(address delegatee, uint256 nonce, uint256 expiry, uint8 v, bytes32 r, bytes32 s) external;
    function nonces(address owner) external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);

    /// When the account last voted; 0 for never.
    function lastVote(address account) external view returns (uint48);
    /// When anyone may end the account's delegation: 90 days after it was made, or after the delegate's last vote. 0 if it has not delegated.
    function expiresAt(address account) external view returns (uint48);
    /// Gives an account its votes back whose delegation has expired. By anyone.
    function expire(address account) external;
    /// Notes that an account votes now. What votes with it is locked until `until`, and the delegations to it are renewed. Returns its present votes, which is what is locked:
    /// who counts votes of an earlier time counts no more than that, or what was sold in between would vote. By the Governor.
    function noteVote(address account, uint48 until) external returns (uint256 votes);
    /// Least number of delegates that together have more than numerator/denominator of all votes, between two bounds; 0 if none have. A delegate counts with all that it has received, without cap.
    function coefficient(uint32 numerator, uint32 denominator) external view returns (uint64 least, uint64 most);

    event DelegateChanged(address indexed delegator, address indexed fromDelegate, address indexed toDelegate);
    /// Votes before the cap, at their present worth.
    event DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes);

    /// votes at {timepoint} are not settled: ask for a time before {clock}
    error ERC5805FutureLookup(uint256 timepoint, uint48 clock);
    /// the signature of the delegation expired at {expiry}
    error VotesExpiredSignature(uint256 expiry);
    /// the next nonce of {account} is {currentNonce}: sign with it
    error InvalidAccountNonce(address account, uint256 currentNonce);
    /// the signature of the permit is malformed
    error ECDSAInvalidSignature();
    /// the s of the permit is {s}, the higher of two: sign with the lower
    error ECDSAInvalidSignatureS(bytes32 s);
    /// the house would hold {increasedSupply}, at most {cap} fit
    error ERC20ExceededSafeSupply(uint256 increasedSupply, uint256 cap);
    /// {account} has not delegated to another account
    error NotDelegated(address account);
    /// the delegation of {account} can expire from {from} on (Unix seconds)
    error NotExpired(address account, uint48 from);
    /// a lock until {until} is too long: at most until {latest} (Unix seconds)
    error LockTooLong(uint48 until, uint48 latest);
    /// only a proposal that has passed can do this: {caller} is not the Governor
    error NotGovernor(address caller);
}

/// What an account signs to choose a delegate (EIP-712), as in OpenZeppelin's `Votes`.
struct Delegation {
    address delegatee;
    uint256 nonce;
    uint256 expiry;
}
