// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// A value with an event and an error, and an EIP-2612 permit: what the clients try out.
contract Probe {
    event Stored(address indexed by, uint256 value);
    error TooLarge(uint256 value, uint256 max);
    error BadPermit();

    uint256 public value;
    mapping(address => uint256) public nonces;
    mapping(address => mapping(address => uint256)) public allowance;
    bytes32 public immutable DOMAIN_SEPARATOR;

    constructor(uint256 initial) {
        value = initial;
        DOMAIN_SEPARATOR = keccak256(abi.encode(
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256("Probe"), keccak256("1"), block.chainid, address(this)
        ));
    }

    function store(uint256 next) external {
        if (next > 1000) revert TooLarge(next, 1000);
        value = next;
        emit Stored(msg.sender, next);
    }

    function permit(address owner, address spender, uint256 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        bytes32 message = keccak256(abi.encode(
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
            owner, spender, amount, nonces[owner]++, deadline
        ));
        address signer = ecrecover(keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR, message)), v, r, s);
        if (block.timestamp > deadline || signer == address(0) || signer != owner) revert BadPermit();
        allowance[owner][spender] = amount;
    }
}
