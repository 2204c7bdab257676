// Takes the creation code of Uniswap v3 out of its packages, into a scratch folder, and compiles what the comparison trades with:
// testdata/uniswap-v3/actor.hex, runtime code (our source). Tokens are those of uniswap_v2.mjs.
//
//   npm install --no-save solc@0.8.37 @uniswap/v3-core@1.0.1 @uniswap/v3-periphery@1.4.4     # in a scratch folder that holds a copy of this file
//   node uniswap_v3.mjs PATH_TO/testdata/uniswap-v3 PATH_TO_SCRATCH
//
// Then, in the repository:
//
//   cargo run --release -p execution --example against_uniswap_v3 -- PATH_TO_SCRATCH 1000          # compares 1,000 random sequences
//   cargo run --release -p execution --example against_uniswap_v3 -- PATH_TO_SCRATCH record testdata/uniswap-v3    # makes the recorded sequences
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

const require = createRequire(import.meta.url)
const [testdata, scratch] = process.argv.slice(2)

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

interface IPool {
    function token0() external view returns (address);
    function token1() external view returns (address);
}

// Does what it is told: at once, when a pool calls it back, when a token calls its hook, and when it receives value. When a pool calls it back, it pays
// what is owed, or more, or less.
contract Actor {
    struct Do { address to; uint256 value; bytes data; bool mayFail; }
    struct Plan { int256 more0; int256 more1; Do[] first; }

    bytes script;

    event Done(bool ok, bytes output);
    event CalledBack(address pool, int256 amount0, int256 amount1);

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

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata data) external {
        calledBack(int256(amount0), int256(amount1), data);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        calledBack(amount0, amount1, data);
    }

    // What was lent is part of the plan.
    function uniswapV3FlashCallback(uint256 fee0, uint256 fee1, bytes calldata data) external {
        calledBack(int256(fee0), int256(fee1), data);
    }

    function calledBack(int256 amount0, int256 amount1, bytes calldata data) internal {
        emit CalledBack(msg.sender, amount0, amount1);
        Plan memory plan = abi.decode(data, (Plan));
        run(plan.first);
        unchecked {
            pay(IPool(msg.sender).token0(), (amount0 > 0 ? amount0 : int256(0)) + plan.more0);
            pay(IPool(msg.sender).token1(), (amount1 > 0 ? amount1 : int256(0)) + plan.more1);
        }
    }

    function pay(address token, int256 amount) internal {
        if (amount <= 0) return;
        (bool ok,) = token.call(abi.encodeWithSignature("transfer(address,uint256)", msg.sender, uint256(amount)));
        ok;
    }

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
writeFileSync(join(testdata, 'actor.hex'), output.contracts['Trading.sol'].Actor.evm.deployedBytecode.object + '\n')

const packages = {
  factory: '@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json',
  router: '@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json',
  quoter: '@uniswap/v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json',
  positions: '@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json',
  lens: '@uniswap/v3-periphery/artifacts/contracts/lens/TickLens.sol/TickLens.json',
}
for (const [name, path] of Object.entries(packages)) {
  const artifact = JSON.parse(readFileSync(require.resolve(path), 'utf8'))
  writeFileSync(join(scratch, `${name}.hex`), artifact.bytecode.replace(/^0x/, '') + '\n')
}
