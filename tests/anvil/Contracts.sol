// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// OpenZeppelin's ERC-20 with EIP-2612, for everybody to mint.
contract Token is ERC20Permit {
    constructor(string memory name) ERC20(name, name) ERC20Permit(name) {}

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }
}

/// OpenZeppelin's ERC-721.
contract Collection is ERC721Enumerable {
    constructor() ERC721("Collection", "COL") {}

    function mint(address to, uint256 id) external {
        _safeMint(to, id);
    }
}

/// OpenZeppelin's ERC-4626.
contract Vault is ERC4626 {
    constructor(IERC20 asset) ERC20("Vault", "VLT") ERC4626(asset) {}
}

/// What contracts do to each other: calls of every kind, creation, storage that shrinks, precompiles, failure.
contract Yard {
    event Called(uint8 indexed kind, bool success, bytes32 answer);

    error Refused(address by, uint256 value);

    mapping(uint256 => uint256) public stored;
    uint256 private transient entered;

    receive() external payable {}

    function fill(uint256 seed, uint256 count, uint256 value) public {
        for (uint256 i = 0; i < count; i++) stored[uint256(keccak256(abi.encode(seed, i))) % 64] = value * i % 3;
    }

    constructor() payable {}

    function call(uint8 kind, address to, uint256 limit, uint256 value, bytes calldata data) external payable {
        bool success;
        bytes memory answer;
        if (kind % 3 == 0) (success, answer) = to.call{gas: limit, value: value}(data);
        else if (kind % 3 == 1) (success, answer) = to.delegatecall{gas: limit}(data);
        else (success, answer) = to.staticcall{gas: limit}(data);
        emit Called(kind, success, keccak256(answer));
    }

    function enter(uint256 depth) external {
        entered += depth;
        if (depth > 0) this.enter(depth - 1);
        stored[200] = entered;
    }

    function refuse(uint256 value, uint256 before) external {
        fill(value, before, value);
        if (value % 4 == 0) revert Refused(msg.sender, value);
        if (value % 4 == 1) revert("plainly");
        if (value % 4 == 2) assert(value == 0);
        uint256[] memory list = new uint256[](1);
        list[value] = value;
    }

    function burn(uint256 rounds) external returns (bytes32 hash) {
        for (uint256 i = 0; i < rounds; i++) hash = keccak256(abi.encode(hash, i));
        stored[201] = uint256(hash);
    }

    function end(address payable heir) external {
        assembly {
            selfdestruct(heir)
        }
    }
}

/// One that makes others.
contract Playground is Yard {
    event Made(address indexed made, uint256 value);

    function make(bytes32 salt, uint256 value, bool plain) external payable {
        Yard made = plain ? new Yard{value: value}() : new Yard{value: value, salt: salt}();
        emit Made(address(made), address(made).balance);
        made.fill(uint256(salt), 3, value);
    }
}
