// Takes the creation code of Uniswap v2 and v3 out of their packages, into a scratch folder, and compiles what the comparison of speed trades with: a plain
// ERC-20 (OpenZeppelin's) and a contract that repeats calls.
//
//   npm install --no-save solc@0.8.37 @openzeppelin/contracts@5.4.0 @uniswap/v2-core@1.0.1 @uniswap/v2-periphery@1.1.0-beta.0 @uniswap/v3-core@1.0.1 @uniswap/v3-periphery@1.4.4     # in a scratch folder that holds a copy of this file
//   node uniswap_speed.mjs PATH_TO_SCRATCH
//
// `scripts/bench-vs uniswap` does both.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

const require = createRequire(import.meta.url)
const [scratch] = process.argv.slice(2)

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

// An ERC-20 with nothing besides.
contract Plain is ERC20 {
    constructor() ERC20("Barley", "BAR") { _mint(msg.sender, 1e36); }
}

// Makes the same calls again and again, with as little of its own between them as Solidity allows. When a pool calls it back, it pays what is owed; the call's
// data are the pool's assets.
contract Caller {
    struct Do { address to; bytes data; }

    function repeat(Do[] calldata calls, uint256 count) external {
        for (uint256 i = 0; i < count; i++) {
            for (uint256 j = 0; j < calls.length; j++) {
                address to = calls[j].to;
                bytes calldata data = calls[j].data;
                assembly {
                    let at := mload(0x40)
                    calldatacopy(at, data.offset, data.length)
                    if iszero(call(gas(), to, 0, at, data.length, 0, 0)) {
                        returndatacopy(0, 0, returndatasize())
                        revert(0, returndatasize())
                    }
                }
            }
        }
    }

    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata data) external {
        (address token0, address token1) = abi.decode(data, (address, address));
        if (amount0 > 0) ERC20(token0).transfer(msg.sender, amount0);
        if (amount1 > 0) ERC20(token1).transfer(msg.sender, amount1);
    }

    function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external {
        (address token0, address token1) = abi.decode(data, (address, address));
        if (amount0 > 0) ERC20(token0).transfer(msg.sender, uint256(amount0));
        if (amount1 > 0) ERC20(token1).transfer(msg.sender, uint256(amount1));
    }
}
`

const input = {
  language: 'Solidity',
  sources: { 'Speed.sol': { content: source } },
  settings: { optimizer: { enabled: true, runs: 1_000_000 }, metadata: { bytecodeHash: 'none' }, outputSelection: { 'Speed.sol': { '*': ['evm.bytecode.object'] } } },
}
const read = (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
mkdirSync(scratch, { recursive: true })
const write = (name, code) => writeFileSync(join(scratch, `${name}.hex`), code.replace(/^0x/, '') + '\n')
for (const [name, contract] of Object.entries(output.contracts['Speed.sol'])) write(name.toLowerCase(), contract.evm.bytecode.object)

const packages = {
  v2_factory: '@uniswap/v2-core/build/UniswapV2Factory.json',
  v2_router: '@uniswap/v2-periphery/build/UniswapV2Router02.json',
  v3_factory: '@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json',
  v3_router: '@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json',
  v3_positions: '@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager.json',
}
for (const [name, path] of Object.entries(packages)) {
  const artifact = JSON.parse(readFileSync(require.resolve(path), 'utf8'))
  write(name, artifact.evm?.bytecode?.object ?? artifact.bytecode)
}
