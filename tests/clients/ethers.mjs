// What a page or a server with ethers does. Arguments: RPC url, private key of a funded account, folder of probe.json.
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

// batch: ethers sends what is asked in the same moment in one request
const [number, nonce, code] = await Promise.all([provider.getBlockNumber(), provider.getTransactionCount(wallet.address), provider.getCode(address)])
assert.ok(number > 0 && nonce > 0 && code.length > 2)

// fees
const gas = await probe.store.estimateGas(1)
assert.ok(gas > 21000n && gas < 100000n)
const fees = await provider.getFeeData()
assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas && fees.gasPrice > 0n)

// replacement: two for one nonce wait behind a gap; the better paying one gets in
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

console.log('ethers: all well')
process.exit(0)
