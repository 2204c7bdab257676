// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Pays out from a moment on, and fails in every way that a contract can.
contract Vault {
    error NotYet(uint256 opens, address caller);
    error Shut();

    event Opened(uint256 amount, uint256 at);
    event Noted(address indexed by, string note, uint256[] values);

    uint256 public opens;
    address payable public owner;
    uint256[] public list;
    uint8 public small = 255;

    constructor(uint256 at) payable {
        require(block.timestamp < at, "must open in the future");
        opens = at;
        owner = payable(msg.sender);
    }

    function open() external {
        if (block.timestamp < opens) revert NotYet(opens, msg.sender);
        require(msg.sender == owner, "not yours");
        emit Opened(address(this).balance, block.timestamp);
        owner.transfer(address(this).balance);
    }

    function note(string calldata text) external {
        uint256[] memory values = new uint256[](2);
        values[1] = 5;
        emit Noted(msg.sender, text, values);
    }

    function shut() external { small = 1; revert Shut(); }
    function silent() external { small = 2; revert(); }
    function overflow() external { small += 1; }
    function divide(uint256 by) external { opens = 1 / by; }
    function outside() external { list[5] = 1; }
    function wrong() external { small = 3; assert(small == 4); }
    function invalid() external { small = 5; assembly { invalid() } }

    receive() external payable {}
}
