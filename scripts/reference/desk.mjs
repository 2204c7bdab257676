// Compiles the Solidity twin of the sample module (docs/native-modules.md), and what it trades with: testdata/desk/*.hex, runtime code each.
//
//   npm install --no-save solc@0.8.37 @openzeppelin/contracts@5.4.0     # in a scratch folder that holds a copy of this file
//   node desk.mjs PATH_TO/testdata/desk
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

const require = createRequire(import.meta.url)

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

interface ITrader {
    function onSwap(address token, uint256 amount, bytes calldata data) external;
}

contract Desk is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint64 public swaps;
    address public lastTrader;
    mapping(address token => uint256) public sold;

    event Swapped(address indexed trader, address indexed tokenIn, address indexed tokenOut, uint256 amountIn, uint256 amountOut);

    error BelowMinimum(uint256 amountOut, uint256 minimum);
    error Underpaid(uint256 received, uint256 amountIn);

    function quote(uint256 amountIn) public pure returns (uint256) {
        return amountIn / 2;
    }

    function swap(address tokenIn, address tokenOut, uint256 amountIn, uint256 minimum, bytes calldata data)
        external
        nonReentrant
        returns (uint256 amountOut)
    {
        amountOut = quote(amountIn);
        if (amountOut < minimum) revert BelowMinimum(amountOut, minimum);
        sold[tokenOut] += amountOut;
        swaps += 1;
        lastTrader = msg.sender;
        IERC20(tokenOut).safeTransfer(msg.sender, amountOut);
        if (data.length > 0) ITrader(msg.sender).onSwap(tokenOut, amountOut, data);
        uint256 before = IERC20(tokenIn).balanceOf(address(this));
        IERC20(tokenIn).safeTransferFrom(msg.sender, address(this), amountIn);
        uint256 received = IERC20(tokenIn).balanceOf(address(this)) - before;
        if (received < amountIn) revert Underpaid(received, amountIn);
        emit Swapped(msg.sender, tokenIn, tokenOut, amountIn, amountOut);
    }
}

// A token in a few lines, and its bad habits.
abstract contract Ledger {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);

    error Short(address account, uint256 has, uint256 needs);

    function mint(address to, uint256 value) external { balanceOf[to] += value; }
    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function move(address from, address to, uint256 value, uint256 arrives) internal {
        if (balanceOf[from] < value) revert Short(from, balanceOf[from], value);
        balanceOf[from] -= value;
        balanceOf[to] += arrives;
        emit Transfer(from, to, arrives);
    }

    function spend(address from, uint256 value) internal {
        if (allowance[from][msg.sender] < value) revert Short(from, allowance[from][msg.sender], value);
        allowance[from][msg.sender] -= value;
    }
}

contract Standard is Ledger {
    function transfer(address to, uint256 value) external returns (bool) { move(msg.sender, to, value, value); return true; }
    function transferFrom(address from, address to, uint256 value) external returns (bool) { spend(from, value); move(from, to, value, value); return true; }
}

contract Silent is Ledger {
    function transfer(address to, uint256 value) external { move(msg.sender, to, value, value); }
    function transferFrom(address from, address to, uint256 value) external { spend(from, value); move(from, to, value, value); }
}

contract Fee is Ledger {
    function transfer(address to, uint256 value) external returns (bool) { move(msg.sender, to, value, value - value / 100); return true; }
    function transferFrom(address from, address to, uint256 value) external returns (bool) { spend(from, value); move(from, to, value, value - value / 100); return true; }
}

contract Refusing is Ledger {
    function transfer(address to, uint256 value) external returns (bool) { if (value > 100) return false; move(msg.sender, to, value, value); return true; }
    function transferFrom(address from, address to, uint256 value) external returns (bool) { if (value > 100) return false; spend(from, value); move(from, to, value, value); return true; }
}

contract Trader is ITrader {
    Desk constant DESK = Desk(0xdEDEDEDEdEdEdEDedEDeDedEdEdeDedEdEDedEdE);

    event Called(address caller, address token, uint256 amount);
    event Caught(bytes reason);
    event Seen(uint256 sold, uint256 quoted, uint64 swaps, address lastTrader);

    error Mine(uint256 number);

    address other;

    function execute(address to, bytes calldata data) external returns (bytes memory) {
        (bool ok, bytes memory output) = to.call(data);
        require(ok, "execute");
        return output;
    }

    function trade(address tokenIn, address tokenOut, uint256 amountIn, uint256 minimum, uint8 mode) external returns (uint256) {
        other = tokenIn;
        return DESK.swap(tokenIn, tokenOut, amountIn, minimum, mode == 0 ? bytes("") : abi.encode(mode));
    }

    function onSwap(address token, uint256 amount, bytes calldata data) external {
        uint8 mode = abi.decode(data, (uint8));
        emit Called(msg.sender, token, amount);
        if (mode == 2) DESK.swap(other, token, 2, 0, "");
        if (mode == 3) try DESK.swap(other, token, 2, 0, "") {} catch (bytes memory reason) { emit Caught(reason); }
        if (mode == 4) revert Mine(amount);
        if (mode == 5) emit Seen(DESK.sold(token), DESK.quote(amount), DESK.swaps(), DESK.lastTrader());
        if (mode == 6) Standard(other).approve(address(DESK), 0);
        if (mode == 7) try this.fail(token) {} catch (bytes memory reason) { emit Caught(reason); }
        if (mode == 8) { assembly { invalid() } }
    }

    // Moves what was paid, then undoes it.
    function fail(address token) external {
        Standard(token).transfer(address(1), 1);
        revert Mine(7);
    }
}
`

const names = ['Desk', 'Standard', 'Silent', 'Fee', 'Refusing', 'Trader']
const input = {
  language: 'Solidity',
  sources: { 'Desk.sol': { content: source } },
  settings: { optimizer: { enabled: true }, metadata: { bytecodeHash: 'none' }, outputSelection: { 'Desk.sol': { '*': ['evm.deployedBytecode.object'] } } },
}
const contents = (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: contents }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
for (const name of names) {
  writeFileSync(join(process.argv[2], `${name.toLowerCase()}.hex`), output.contracts['Desk.sol'][name].evm.deployedBytecode.object + '\n')
}
