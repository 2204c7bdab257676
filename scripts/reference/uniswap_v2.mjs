// Takes the creation code of Uniswap v2 and WETH9 out of their packages, into a scratch folder, and compiles what the comparison trades with:
// testdata/uniswap-v2/{token,actor}.hex, runtime code each (our source).
//
//   npm install --no-save solc@0.8.37 @uniswap/v2-core@1.0.1 @uniswap/v2-periphery@1.1.0-beta.0 canonical-weth@1.4.0     # in a scratch folder that holds a copy of this file
//   node uniswap_v2.mjs PATH_TO/testdata/uniswap-v2 PATH_TO_SCRATCH
//
// Then, in the repository:
//
//   cargo run --release -p execution --example against_uniswap_v2 -- PATH_TO_SCRATCH 1000          # compares 1,000 random sequences
//   cargo run --release -p execution --example against_uniswap_v2 -- PATH_TO_SCRATCH record testdata/uniswap-v2    # makes the recorded sequences
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

const require = createRequire(import.meta.url)
const [testdata, scratch] = process.argv.slice(2)

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

interface IHook { function hook() external; }

// An ERC-20 with a habit that can be changed, and balances that anybody can set.
contract Token {
    mapping(address => uint256) balances;
    mapping(address => mapping(address => uint256)) public allowance;
    uint8 habit;
    address hookOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    uint8 constant SILENT = 1;
    uint8 constant FEE = 2;
    uint8 constant REFUSES = 3;
    uint8 constant RETURNS_TWO = 4;
    uint8 constant RETURNS_FIVE_BYTES = 5;
    uint8 constant REVERTS = 6;
    uint8 constant SILENT_FEE = 7;
    uint8 constant INVALID = 8;
    uint8 constant FALSE_BUT_MOVES = 9;
    uint8 constant NO_BALANCE = 10;
    uint8 constant SHORT_BALANCE = 11;
    uint8 constant RETURNS_MUCH = 12;

    function set(address who, uint256 value) external { balances[who] = value; }
    function configure(uint8 habit_, address hook) external { habit = habit_; hookOf = hook; }

    function balanceOf(address who) external view returns (uint256) {
        require(habit != NO_BALANCE, "Token: no balance");
        if (habit == SHORT_BALANCE) assembly { return(0, 31) }
        return balances[who];
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) { move(msg.sender, to, value); finish(); }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        require(allowance[from][msg.sender] >= value, "Token: allowance");
        if (allowance[from][msg.sender] != type(uint256).max) allowance[from][msg.sender] -= value;
        move(from, to, value);
        finish();
    }

    function move(address from, address to, uint256 value) internal {
        if (habit == REFUSES) return;
        require(habit != REVERTS, "Token: no");
        if (habit == INVALID) assembly { invalid() }
        require(balances[from] >= value, "Token: balance");
        uint256 arrives = habit == FEE || habit == SILENT_FEE ? value - value / 100 : value;
        balances[from] -= value;
        unchecked { balances[to] += arrives; }
        emit Transfer(from, to, arrives);
        if (hookOf != address(0)) IHook(hookOf).hook();
    }

    function finish() internal view {
        uint8 h = habit;
        assembly {
            mstore(0, 1)
            mstore(32, 7)
            switch h
            case 1 { return(0, 0) }
            case 7 { return(0, 0) }
            case 3 { mstore(0, 0) return(0, 32) }
            case 9 { mstore(0, 0) return(0, 32) }
            case 4 { mstore(0, 2) return(0, 32) }
            case 5 { return(0, 5) }
            case 12 { return(0, 64) }
            default { return(0, 32) }
        }
    }
}

// Does what it is told: at once, when a pair calls it back, when a token calls its hook, and when it receives value.
contract Actor {
    struct Do { address to; uint256 value; bytes data; bool mayFail; }

    bytes script;

    event Done(bool ok, bytes output);
    event CalledBack(address pair, address sender, uint256 amount0, uint256 amount1);

    function run(Do[] memory calls) public payable {
        for (uint256 i = 0; i < calls.length; i++) {
            (bool ok, bytes memory output) = calls[i].to.call{value: calls[i].value}(calls[i].data);
            if (!ok && !calls[i].mayFail) assembly { revert(add(output, 32), mload(output)) }
            emit Done(ok, output);
        }
    }

    function arm(bytes calldata next) external { script = next; }

    function hook() public {
        if (script.length == 0) return;
        bytes memory now_ = script;
        delete script;
        run(abi.decode(now_, (Do[])));
    }

    function uniswapV2Call(address sender, uint256 amount0, uint256 amount1, bytes calldata data) external {
        emit CalledBack(msg.sender, sender, amount0, amount1);
        run(abi.decode(data, (Do[])));
    }

    // Solidity's transfer leaves 2,300 gas.
    receive() external payable { if (gasleft() > 100000) hook(); }
}
`

const input = {
  language: 'Solidity',
  sources: { 'Trading.sol': { content: source } },
  settings: { optimizer: { enabled: true }, metadata: { bytecodeHash: 'none' }, outputSelection: { 'Trading.sol': { '*': ['evm.deployedBytecode.object'] } } },
}
const output = JSON.parse(solc.compile(JSON.stringify(input)))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
mkdirSync(testdata, { recursive: true })
mkdirSync(scratch, { recursive: true })
for (const name of ['Token', 'Actor']) {
  writeFileSync(join(testdata, `${name.toLowerCase()}.hex`), output.contracts['Trading.sol'][name].evm.deployedBytecode.object + '\n')
}

const packages = {
  factory: '@uniswap/v2-core/build/UniswapV2Factory.json',
  router: '@uniswap/v2-periphery/build/UniswapV2Router02.json',
  weth: 'canonical-weth/build/contracts/WETH9.json',
}
for (const [name, path] of Object.entries(packages)) {
  const artifact = JSON.parse(readFileSync(require.resolve(path), 'utf8'))
  const code = artifact.bytecode || artifact.evm.bytecode.object
  writeFileSync(join(scratch, `${name}.hex`), code.replace(/^0x/, '') + '\n')
}
