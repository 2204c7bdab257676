// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

/// What GRAIN and every asset answer: ERC-20 with metadata, EIP-2612 permits, EIP-5267, ERC-1046, ERC-165. Amounts are in the smallest unit.
interface Erc20 {
    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    /// Of an asset: what exists now. Of GRAIN: what existed after the last block; base fees burnt in this one are not yet subtracted.
    function totalSupply() external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function approve(address spender, uint256 value) external returns (bool);
    /// An allowance of 2^256 - 1 is not used up.
    function transferFrom(address from, address to, uint256 value) external returns (bool);

    /// Allows with the owner's signature over `Permit`. `deadline` is the last second in which it can be used.
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;
    function nonces(address owner) external view returns (uint256);
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function eip712Domain() external view returns (bytes1 fields, string memory name, string memory version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] memory extensions);

    /// Where the metadata lies; empty when there is none.
    function tokenURI() external view returns (string memory);
    function supportsInterface(bytes4 interfaceId) external view returns (bool);

    /// The zero address sends what is minted and receives what is burnt. Plain sends of GRAIN make no such event.
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
}

/// Why a transfer, an allowance or a permit is refused: ERC-6093, and for permits the names of OpenZeppelin Contracts 5.
interface Erc20Errors {
    /// {sender} has a balance of {balance} in the smallest unit, {needed} is needed
    error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
    /// {sender} cannot send this asset
    error ERC20InvalidSender(address sender);
    /// {receiver} cannot hold this asset
    error ERC20InvalidReceiver(address receiver);
    /// {spender} has an allowance of {allowance} in the smallest unit, {needed} is needed
    error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
    /// {approver} cannot approve anybody
    error ERC20InvalidApprover(address approver);
    /// {spender} cannot be approved
    error ERC20InvalidSpender(address spender);
    /// the permit expired at {deadline}
    error ERC2612ExpiredSignature(uint256 deadline);
    /// {signer} signed the permit, not {owner}
    error ERC2612InvalidSigner(address signer, address owner);
    /// the signature of the permit is malformed
    error ECDSAInvalidSignature();
    /// the s of the permit is {s}, the higher of two: sign with the lower
    error ECDSAInvalidSignatureS(bytes32 s);
}

/// What an owner signs (EIP-712).
struct Permit {
    address owner;
    address spender;
    uint256 value;
    uint256 nonce;
    uint256 deadline;
}
