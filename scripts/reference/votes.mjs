// Compiles a house built from OpenZeppelin's ERC20Votes, executes random calls of it, and writes calls and answers to testdata/votes/openzeppelin.txt.
//
//   npm install --no-save --ignore-scripts solc@0.8.28 @openzeppelin/contracts@5.4.0 @ethereumjs/vm@10.1.3     # in a temporary folder with a copy of this file
//   node votes.mjs PATH_TO/testdata/votes/openzeppelin.txt [CALLS] [SEED]
//
// A line is a call, with what was answered, and what the house says afterwards; its fields are separated by blanks:
//   time, number of the caller, value, calldata; 1 if it succeeded, returned or reverted bytes; events: D and delegator, from, to, or V and delegate, before, after, joined by bars;
//   votes, delegates, balances of accounts 1 to 5, total; a time, and for it: an account, its votes, and the total, or the revert. Accounts are numbers, 0 is the zero address.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM } from '@ethereumjs/evm'
import { Account, createAddressFromString, bytesToHex, hexToBytes } from '@ethereumjs/util'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import solc from 'solc'

const require = createRequire(import.meta.url)
const [path, calls = '600', seed = '1'] = process.argv.slice(2)

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

contract House is ERC20, ERC20Votes {
    constructor() ERC20("Gleaner Stake House", "STAKE") EIP712("Gleaner Stake House", "1") {}

    function clock() public view override returns (uint48) { return Time.timestamp(); }
    function CLOCK_MODE() public pure override returns (string memory) { return "mode=timestamp"; }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) { super._update(from, to, value); }

    function deposit() external payable {
        if (delegates(msg.sender) == address(0)) _delegate(msg.sender, msg.sender);
        _mint(msg.sender, msg.value);
    }

    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
        (bool paid,) = msg.sender.call{value: amount}("");
        require(paid);
    }
}
`
const input = {
  language: 'Solidity',
  sources: { 'House.sol': { content: source } },
  settings: { evmVersion: 'cancun', optimizer: { enabled: true }, outputSelection: { '*': { House: ['evm.bytecode.object'] } } },
}
const contents = (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: contents }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}

// Mulberry32: the same calls on every machine.
let state = Number(seed)
const below = (bound) => {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
}
const word = (number) => BigInt(number).toString(16).padStart(64, '0')
const hash = (hex) => bytesToHex(keccak_256(hexToBytes('0x' + hex))).slice(2)
const named = (text) => bytesToHex(keccak_256(new TextEncoder().encode(text))).slice(2)
const selector = (signature) => named(signature).slice(0, 8)

const CHAIN = 7
const HOUSE = '0x6c00000000000000000000000000000000000013'
// Their numbers repeated are private keys.
const key = (number) => new Uint8Array(32).fill(number)
const account = (number) => '0x' + hash(bytesToHex(secp256k1.getPublicKey(key(number), false)).slice(4)).slice(24)
const ACCOUNTS = [1, 2, 3, 4, 5].map(account)
const numbered = (hex) => ACCOUNTS.indexOf('0x' + hex) + 1
const CHANGED = named('DelegateChanged(address,address,address)')
const MOVED = named('DelegateVotesChanged(address,uint256,uint256)')
const RICHES = 1_000_000n

const common = createCustomCommon({ chainId: CHAIN }, Mainnet, { hardfork: Hardfork.Cancun })
const evm = await createEVM({ common })
let time = 1_795_910_400

const run = async (from, to, data, value = 0n) => {
  const header = { number: 1n, cliqueSigner: () => createAddressFromString(HOUSE), coinbase: createAddressFromString(HOUSE), timestamp: BigInt(time), difficulty: 0n, prevRandao: new Uint8Array(32), gasLimit: 30_000_000n, baseFeePerGas: 0n, getBlobGasPrice: () => 1n }
  const found = await evm.runCall({
    caller: createAddressFromString(from),
    to: to && createAddressFromString(to),
    data: hexToBytes('0x' + data),
    value,
    gasLimit: 20_000_000n,
    block: { header },
  })
  const { returnValue, exceptionError, logs } = found.execResult
  if (exceptionError && exceptionError.error !== 'revert') throw new Error(exceptionError.error)
  return { ok: !exceptionError, out: bytesToHex(returnValue).slice(2), logs: logs ?? [], code: returnValue }
}

for (const address of ACCOUNTS) {
  await evm.stateManager.putAccount(createAddressFromString(address), new Account(0n, RICHES))
}
const created = await run(ACCOUNTS[0], undefined, output.contracts['House.sol'].House.evm.bytecode.object)
if (!created.ok) throw new Error('the house is not created')
await evm.stateManager.putAccount(createAddressFromString(HOUSE), new Account(1n, 0n))
await evm.stateManager.putCode(createAddressFromString(HOUSE), created.code)

const domain = () =>
  hash(named('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)') + named('Gleaner Stake House') + named('1') + word(CHAIN) + word(HOUSE))
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

// A delegation by signature, sometimes with a flaw.
const signed = (nonces) => {
  const signer = below(5)
  const nonce = nonces[signer] + (below(8) === 0 ? 1 : 0)
  const expiry = time + below(4) - 1
  const fields = word(ACCOUNTS[below(5)]) + word(nonce) + word(expiry)
  const digest = hash('1901' + domain() + hash(named('Delegation(address delegatee,uint256 nonce,uint256 expiry)') + fields))
  const signature = secp256k1.sign(hexToBytes('0x' + digest), key(signer + 1), { prehash: false, format: 'recovered' })
  const recovered = secp256k1.Signature.fromBytes(signature, 'recovered')
  let { r, s } = recovered
  let v = 27 + recovered.recovery
  const flaw = below(12)
  if (flaw === 0) [v, s] = [v ^ 7, ORDER - s]
  if (flaw === 1) v = 26
  return selector('delegateBySig(address,uint256,uint256,uint8,bytes32,bytes32)') + fields + word(v) + word(r) + word(s)
}

const ask = async (signature, ...words) => run(ACCOUNTS[0], HOUSE, selector(signature) + words.map(word).join(''))
const number = (answer) => BigInt('0x' + answer.out).toString()
const all = async (signature, show) => Promise.all(ACCOUNTS.map(async (address) => show(await ask(signature, address))))

const lines = []
const start = time
for (let index = 0; index < Number(calls); index++) {
  if (below(3) > 0) time += [1, 10, 1_000, 86_400][below(4)]
  const from = below(5)
  const nonces = await all('nonces(address)', (answer) => Number(number(answer)))
  const kind = below(10)
  let value = 0
  let data
  if (kind < 3) {
    const held = (await evm.stateManager.getAccount(createAddressFromString(ACCOUNTS[from]))).balance
    value = below(Math.min(Number(held), [5, 2_000, 300_000][below(3)]) + 1)
    data = selector('deposit()')
  } else if (kind < 5) {
    data = selector('withdraw(uint256)') + word(below([5, 2_000, 300_000][below(3)]))
  } else if (kind < 8) {
    data = selector('delegate(address)') + word(ACCOUNTS[below(5)])
  } else {
    data = signed(nonces)
  }
  const { ok, out, logs } = await run(ACCOUNTS[from], HOUSE, data, BigInt(value))
  const shown = logs.flatMap(([, topics, data]) => {
    const event = bytesToHex(topics[0]).slice(2)
    const [first, second] = [data.slice(0, 32), data.slice(32)].map((part) => (part.length ? BigInt(bytesToHex(part)) : 0n))
    if (event === CHANGED) return ['D' + topics.slice(1).map((topic) => numbered(bytesToHex(topic).slice(26))).join(',')]
    if (event === MOVED) return ['V' + [numbered(bytesToHex(topics[1]).slice(26)), first, second].join(',')]
    return []
  }).join('|')
  const votes = await all('getVotes(address)', number)
  const delegates = await all('delegates(address)', (answer) => numbered(answer.out.slice(24)))
  const balances = await all('balanceOf(address)', number)
  const total = number(await ask('totalSupply()'))
  const past = Math.max(start, time - [-1, 0, 1, below(50), below(100_000), below(time - start + 1)][below(6)])
  const who = below(5)
  const then = await ask('getPastVotes(address,uint256)', ACCOUNTS[who], past)
  const thenTotal = await ask('getPastTotalSupply(uint256)', past)
  if (then.ok !== thenTotal.ok) throw new Error('one of two has settled')
  lines.push(
    [time, from + 1, value, data, ok ? 1 : 0, out || '-', shown || '-', votes, delegates, balances, total, past, who + 1, then.ok ? number(then) : then.out, then.ok ? number(thenTotal) : thenTotal.out].join(' '),
  )
}
writeFileSync(path, lines.join('\n') + '\n')
