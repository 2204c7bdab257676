// Compiles what the yield modules are compared with. The contracts of others are written to a folder outside the repository; our own token and actor,
// which recorded sequences need, to testdata/yield.
//
//   # in a scratch folder that holds a copy of this file
//   npm install --no-save solc5@npm:solc@0.5.16 solc6@npm:solc@0.6.12 solc8@npm:solc@0.8.28 \
//     openzeppelin-solidity-2.3.0@npm:openzeppelin-solidity@2.3.0 openzeppelin3@npm:@openzeppelin/contracts@3.4.2 @openzeppelin/contracts@5.4.0
//   for package in synthetix@2.102.1 @sushiswap/core@1.4.2; do npm pack $package; done
//   mkdir -p synthetix sushiswap && tar xzf synthetix-*.tgz -C synthetix && tar xzf sushiswap-core-*.tgz -C sushiswap
//   node yield.mjs BYTECODE_FOLDER PATH_TO/testdata/yield
//
// Then, in the repository, compare 100,000 random steps, or record 300:
//
//   cargo run --release -p execution --example against_bytecode -- BYTECODE_FOLDER rewards 100000 1
//   cargo run --release -p execution --example against_bytecode -- BYTECODE_FOLDER rewards 300 1 testdata/yield/rewards.txt
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const [bytecode, testdata] = process.argv.slice(2)
mkdirSync(bytecode, { recursive: true })
mkdirSync(testdata, { recursive: true })

const places = [
  ['synthetix/', 'synthetix/package/contracts/'],
  ['sushiswap/', 'sushiswap/package/contracts/'],
  ['openzeppelin-solidity-2.3.0/', 'node_modules/openzeppelin-solidity-2.3.0/'],
  ['@openzeppelin3/', 'node_modules/openzeppelin3/'],
  ['@openzeppelin/', 'node_modules/@openzeppelin/'],
]

function compile (compiler, sources, settings) {
  // The compiler asks for what is imported. Sushi's contracts import version 3 under the name that version 5 has here.
  const find = (path) => {
    const named = compiler === 'solc6' ? path.replace('@openzeppelin/contracts/', '@openzeppelin3/') : path
    const place = places.find(([prefix]) => named.startsWith(prefix))
    const file = place && named.replace(place[0], place[1])
    return file && existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: `${path}: not found` }
  }
  const input = {
    language: 'Solidity',
    sources,
    settings: { optimizer: { enabled: true, runs: 200 }, ...settings, outputSelection: { '*': { '*': ['evm.bytecode.object', 'evm.deployedBytecode.object', 'storageLayout'] } } },
  }
  const solc = require(compiler)
  const imports = compiler === 'solc5' ? find : { import: find }
  const output = JSON.parse(solc.compile(JSON.stringify(input), imports))
  for (const error of output.errors ?? []) {
    if (error.severity === 'error') throw new Error(error.formattedMessage)
  }
  return (file, name) => output.contracts[file][name]
}

function keep (name, contract) {
  writeFileSync(join(bytecode, `${name}.hex`), contract.evm.bytecode.object + '\n')
  writeFileSync(join(bytecode, `${name}.layout.json`), JSON.stringify(contract.storageLayout, null, 1))
}

const content = (path) => ({ content: readFileSync(path, 'utf8') })

{
  const path = 'synthetix/package/contracts/StakingRewards.sol'
  const of = compile('solc5', { 'synthetix/StakingRewards.sol': content(path) }, { evmVersion: 'istanbul' })
  keep('staking_rewards', of('synthetix/StakingRewards.sol', 'StakingRewards'))
}
{
  const path = 'sushiswap/package/contracts/MasterChef.sol'
  const of = compile('solc6', { 'sushiswap/MasterChef.sol': content(path) }, { evmVersion: 'istanbul' })
  keep('master_chef', of('sushiswap/MasterChef.sol', 'MasterChef'))
  keep('sushi_token', of('sushiswap/SushiToken.sol', 'SushiToken'))
}

const vaults = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {ERC20, IERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";

contract Vault is ERC4626 {
    uint8 private immutable offset;

    constructor(address asset_, uint8 offset_) ERC20("Vault of odd tokens", "vODD") ERC4626(IERC20(asset_)) { offset = offset_; }
    function _decimalsOffset() internal view override returns (uint8) { return offset; }
}
`
keep('vault', compile('solc8', { 'Vault.sol': { content: vaults } }, { metadata: { bytecodeHash: 'none' } })('Vault.sol', 'Vault'))

const ours = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

// A token with every bad habit, one at a time.
contract Odd {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    uint8 public mode;
    uint8 public decimals;
    bool public swallows;
    bool busy;
    address public target;
    bytes public data;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event CalledBack(bool success, bytes returned);

    error Short(address account, uint256 has, uint256 needs);
    error Refused(uint8 mode);

    // 0 standard, 1 returns nothing, 2 keeps a hundredth, 3 returns false above 100, 4 returns 2, 5 returns 31 bytes, 6 reverts with data,
    // 7 reverts without, 8 calls back before it moves, 9 after, 10 uses all gas, 11 moves twice as much as asked.
    function setMode(uint8 mode_) external { mode = mode_; }
    function setDecimals(uint8 decimals_) external { decimals = decimals_; }
    function setCallback(address target_, bool swallows_, bytes calldata data_) external { (target, swallows, data) = (target_, swallows_, data_); }
    // Rebasing: balances change without a transfer.
    function setBalance(address account, uint256 value) external { balanceOf[account] = value; }
    function approve(address spender, uint256 value) external returns (bool) { allowance[msg.sender][spender] = value; return true; }

    function transfer(address to, uint256 value) external { move(msg.sender, to, value); }
    function transferFrom(address from, address to, uint256 value) external {
        if (allowance[from][msg.sender] < value) revert Short(from, allowance[from][msg.sender], value);
        if (allowance[from][msg.sender] != type(uint256).max) allowance[from][msg.sender] -= value;
        move(from, to, value);
    }

    // Not from within a callback: how deep that goes would depend on the gas.
    function callBack() private {
        if (busy) return;
        busy = true;
        (bool success, bytes memory returned) = target.call(data);
        busy = false;
        if (!success && !swallows) assembly { revert(add(returned, 32), mload(returned)) }
        emit CalledBack(success, returned);
    }

    function move(address from, address to, uint256 value) private {
        uint8 how = mode;
        if (how == 3 && value > 100) assembly { mstore(0, 0) return(0, 32) }
        if (how == 6) revert Refused(how);
        if (how == 7) assembly { revert(0, 0) }
        if (how == 10) assembly { invalid() }
        if (how == 8) callBack();
        if (how == 11) value *= 2;
        if (balanceOf[from] < value) revert Short(from, balanceOf[from], value);
        unchecked {
            balanceOf[from] -= value;
            balanceOf[to] += how == 2 ? value - value / 100 : value;
        }
        emit Transfer(from, to, value);
        if (how == 9) callBack();
        if (how == 1) return;
        if (how == 4) assembly { mstore(0, 2) return(0, 32) }
        if (how == 5) assembly { mstore(0, not(0)) return(0, 31) }
        assembly { mstore(0, 1) return(0, 32) }
    }
}

// Passes calls on, so that a token can call back as a staker.
contract Actor {
    function execute(address to, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory returned) = to.call(data);
        if (!success) assembly { revert(add(returned, 32), mload(returned)) }
        return returned;
    }

    // As a migrator: exchanges one token for another one to one, if both are Odd.
    address public exchange;
    function setExchange(address token) external { exchange = token; }
    function migrate(address token) external returns (address) {
        uint256 balance = Odd(token).balanceOf(msg.sender);
        Odd(token).setBalance(msg.sender, 0);
        Odd(exchange).setBalance(msg.sender, balance);
        return exchange;
    }
}
`
const of = compile('solc8', { 'Odd.sol': { content: ours } }, { metadata: { bytecodeHash: 'none' } })
for (const name of ['Odd', 'Actor']) {
  writeFileSync(join(testdata, `${name.toLowerCase()}.hex`), of('Odd.sol', name).evm.deployedBytecode.object + '\n')
}
