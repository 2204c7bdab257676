// Typical use of ethers in a page or a server. Arguments: RPC url, private key of a funded account, folder of probe.json.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, ContractFactory, JsonRpcProvider, Signature, Wallet, WebSocketProvider, isError, parseEther } from 'ethers'

const [url, key, folder] = process.argv.slice(2)
const { abi, bytecode } = JSON.parse(readFileSync(join(folder, 'probe.json'), 'utf8'))
const provider = new JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 50, cacheTimeout: -1 })
const wallet = new Wallet(key, provider)
const receiver = '0x00000000000000000000000000000000000B0b00'
const { chainId } = await provider.getNetwork()

// balance, transfer
const before = await provider.getBalance(receiver)
const transfer = await (await wallet.sendTransaction({ to: receiver, value: parseEther('1.5') })).wait()
assert.equal(transfer.status, 1)
assert.equal(await provider.getBalance(receiver) - before, parseEther('1.5'))

// deploy, call, events by polling, by subscription and from the past
const probe = await (await new ContractFactory(abi, bytecode, wallet).deploy(7)).waitForDeployment()
const address = await probe.getAddress()
assert.equal(await probe.value(), 7n)
const socket = new WebSocketProvider(url.replace('http', 'ws'))
const [polled, told] = [[], []]
await new Contract(address, abi, provider).on('Stored', (by, value) => polled.push(value))
await new Contract(address, abi, socket).on('Stored', (by, value) => told.push(value))
await socket.getBlockNumber()
await new Promise((resolve) => setTimeout(resolve, 300))
for (const value of [41, 42]) await (await probe.store(value)).wait()
for (let i = 0; i < 100 && (told.length < 2 || polled.length < 2); i++) await new Promise((resolve) => setTimeout(resolve, 50))
assert.deepEqual([told, polled], [[41n, 42n], [41n, 42n]])
const past = await probe.queryFilter(probe.filters.Stored(wallet.address), 0)
assert.deepEqual(past.map((log) => log.args.value), [41n, 42n])

// a custom error, decoded: from a call, and from an estimate
for (const attempt of [() => probe.store.staticCall(1001), () => probe.store(1001)]) {
  await assert.rejects(attempt, (error) => {
    assert.ok(isError(error, 'CALL_EXCEPTION'))
    const { name, args } = probe.interface.parseError(error.data)
    assert.deepEqual([name, [...args]], ['TooLarge', [1001n, 1000n]])
    return true
  })
}

// permit
const deadline = (await provider.getBlock('latest')).timestamp + 3600
const fields = ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline']
const { v, r, s } = Signature.from(await wallet.signTypedData(
  { name: 'Probe', version: '1', chainId, verifyingContract: address },
  { Permit: fields.map((field) => ({ type: field.split(' ')[0], name: field.split(' ')[1] })) },
  { owner: wallet.address, spender: receiver, value: 5, nonce: 0, deadline },
))
await (await probe.permit(wallet.address, receiver, 5, deadline, v, r, s)).wait()
assert.equal(await probe.allowance(wallet.address, receiver), 5n)

// batch: ethers sends simultaneous requests as one
const [number, nonce, code] = await Promise.all([provider.getBlockNumber(), provider.getTransactionCount(wallet.address), provider.getCode(address)])
assert.ok(number > 0 && nonce > 0 && code.length > 2)

// fees
const gas = await probe.store.estimateGas(1)
assert.ok(gas > 21000n && gas < 100000n)
const fees = await provider.getFeeData()
assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas && fees.gasPrice > 0n)

// replacement: two with one nonce wait after a gap; the one that pays more is included
const next = await provider.getTransactionCount(wallet.address)
const waiting = { to: receiver, gasLimit: 21000, nonce: next + 1, maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas }
const replaced = await wallet.sendTransaction({ ...waiting, value: 1 })
await assert.rejects(wallet.sendTransaction({ ...waiting, value: 2 }), (error) => isError(error, 'REPLACEMENT_UNDERPRICED'))
const replacing = await wallet.sendTransaction({ ...waiting, value: 3, maxFeePerGas: fees.maxFeePerGas * 2n, maxPriorityFeePerGas: fees.maxPriorityFeePerGas * 2n + 1n })
await (await wallet.sendTransaction({ to: receiver, value: 1, nonce: next })).wait()
assert.equal((await replacing.wait()).status, 1)
assert.equal(await provider.getTransaction(replaced.hash), null)
await assert.rejects(wallet.sendTransaction({ to: receiver, nonce: 0 }), (error) => isError(error, 'NONCE_EXPIRED'))

// a native module by its ABI
const runs = new Contract('0x6c00000000000000000000000000000000000002', ['function count() view returns (uint64)', 'function cancel(uint64 run)', 'error NoSuchRun(uint64 run)'], wallet)
assert.equal(await runs.count(), 0n)
await assert.rejects(runs.cancel(99), (error) => {
  const { name, args } = runs.interface.parseError(error.data)
  return name === 'NoSuchRun' && args[0] === 99n
})

// an own asset, and GRAIN by the same ABI
const erc20 = [
  'function name() view returns (string)', 'function totalSupply() view returns (uint256)', 'function balanceOf(address) view returns (uint256)', 'function transfer(address, uint256) returns (bool)',
  'function mint(address, uint256)', 'event Transfer(address indexed from, address indexed to, uint256 value)', 'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)',
]
const terms = 'tuple(string name, string symbol, uint8 decimals, uint256 cap, string uri, address issuer, bool pausable, bool burnable, bool transferable, bool renounceable)'
const assets = new Contract('0x6c00000000000000000000000000000000000004', [`function create(${terms} terms) returns (address)`, `event AssetCreated(address indexed asset, address indexed creator, address indexed issuer, ${terms} terms)`], wallet)
const creation = await (await assets.create(['Rye', 'RYE', 2, 1000, '', wallet.address, false, false, false, false])).wait()
const { args: created } = assets.interface.parseLog(creation.logs[0])
assert.deepEqual([created.creator, created.terms.name, created.terms.cap], [wallet.address, 'Rye', 1000n])
const rye = new Contract(created.asset, erc20, wallet)
await (await rye.mint(wallet.address, 100)).wait()
const grain = new Contract('0x6c00000000000000000000000000000000000003', erc20, wallet)
for (const asset of [rye, grain]) {
  const held = await asset.balanceOf(receiver)
  const { logs } = await (await asset.transfer(receiver, 7)).wait()
  assert.deepEqual([await asset.balanceOf(receiver) - held, [...asset.interface.parseLog(logs[0]).args]], [7n, [wallet.address, receiver, 7n]])
  await assert.rejects(asset.transfer(receiver, 2n ** 255n), (error) => {
    const { name, args } = asset.interface.parseError(error.data)
    return name === 'ERC20InsufficientBalance' && args[2] === 2n ** 255n
  })
}
assert.equal(await rye.totalSupply(), 100n)
assert.equal(await grain.balanceOf(receiver), await provider.getBalance(receiver))

console.log('ethers: all well')
process.exit(0)
