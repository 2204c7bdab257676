// What a page or a server with viem does. Arguments: RPC url, private key of a funded account, folder of probe.json.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ContractFunctionRevertedError, BaseError, createPublicClient, createWalletClient, defineChain, http, parseAbi, parseEther, parseSignature, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const [url, key, folder] = process.argv.slice(2)
const { abi, bytecode } = JSON.parse(readFileSync(join(folder, 'probe.json'), 'utf8'))
const account = privateKeyToAccount(key)
const receiver = '0x00000000000000000000000000000000000a11ce'

const id = await createPublicClient({ transport: http(url) }).getChainId()
const chain = defineChain({ id, name: 'gleaner', nativeCurrency: { name: 'GRAIN', symbol: 'GRAIN', decimals: 18 }, rpcUrls: { default: { http: [url] } } })
const client = createPublicClient({ chain, transport: http(url, { batch: true }), pollingInterval: 20 })
const wallet = createWalletClient({ account, chain, transport: http(url) })
const socket = createPublicClient({ chain, transport: webSocket(url.replace('http', 'ws')) })
const mined = async (hash) => {
  const receipt = await client.waitForTransactionReceipt({ hash })
  assert.equal(receipt.status, 'success')
  return receipt
}

// balance, transfer
const before = await client.getBalance({ address: receiver })
await mined(await wallet.sendTransaction({ to: receiver, value: parseEther('1.5') }))
assert.equal(await client.getBalance({ address: receiver }) - before, parseEther('1.5'))

// deploy, call, events by subscription and by filter
const { contractAddress: address } = await mined(await wallet.deployContract({ abi, bytecode, args: [7n] }))
const probe = { abi, address }
assert.equal(await client.readContract({ ...probe, functionName: 'value' }), 7n)
const told = []
const heads = []
const unwatch = socket.watchContractEvent({ ...probe, eventName: 'Stored', onLogs: (logs) => told.push(...logs) })
const unwatchHeads = socket.watchBlocks({ onBlock: (block) => heads.push(block) })
await new Promise((resolve) => setTimeout(resolve, 300))
const filter = await client.createContractEventFilter({ ...probe, eventName: 'Stored' })
for (const value of [41n, 42n]) await mined(await wallet.writeContract({ ...probe, functionName: 'store', args: [value] }))
assert.equal(await client.readContract({ ...probe, functionName: 'value' }), 42n)
assert.deepEqual((await client.getFilterChanges({ filter })).map((log) => log.args.value), [41n, 42n])
assert.deepEqual(await client.getFilterChanges({ filter }), [])
const past = await client.getContractEvents({ ...probe, eventName: 'Stored', args: { by: account.address }, fromBlock: 0n })
assert.equal(past.length, 2)
for (let i = 0; i < 100 && told.length < 2; i++) await new Promise((resolve) => setTimeout(resolve, 50))
assert.deepEqual(told.map((log) => log.args.value), [41n, 42n])
assert.ok(heads.length >= 2, 'heads by subscription')
unwatch()
unwatchHeads()

// a custom error, decoded
const revert = async (request) => {
  try {
    await client.simulateContract({ account, ...request })
  } catch (error) {
    assert.ok(error instanceof BaseError)
    return error.walk((cause) => cause instanceof ContractFunctionRevertedError).data
  }
  throw new Error('it did not revert')
}
const tooLarge = await revert({ ...probe, functionName: 'store', args: [1001n] })
assert.deepEqual([tooLarge.errorName, tooLarge.args], ['TooLarge', [1001n, 1000n]])

// permit
const deadline = (await client.getBlock()).timestamp + 3600n
const signature = parseSignature(await account.signTypedData({
  domain: { name: 'Probe', version: '1', chainId: id, verifyingContract: address },
  types: { Permit: ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline'].map((field) => ({ type: field.split(' ')[0], name: field.split(' ')[1] })) },
  primaryType: 'Permit',
  message: { owner: account.address, spender: receiver, value: 5n, nonce: 0n, deadline },
}))
const permit = [account.address, receiver, 5n, deadline, Number(signature.v), signature.r, signature.s]
await mined(await wallet.writeContract({ ...probe, functionName: 'permit', args: permit }))
assert.equal(await client.readContract({ ...probe, functionName: 'allowance', args: [account.address, receiver] }), 5n)
assert.equal((await revert({ ...probe, functionName: 'permit', args: permit })).errorName, 'BadPermit')

// batch: one request on the wire for these
const [number, nonce, code] = await Promise.all([client.getBlockNumber(), client.getTransactionCount({ address: account.address }), client.getCode({ address })])
assert.ok(number > 0n && nonce > 0 && code.length > 2)

// fees
const gas = await client.estimateContractGas({ account, ...probe, functionName: 'store', args: [1n] })
assert.ok(gas > 21000n && gas < 100000n)
const fees = await client.estimateFeesPerGas()
assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas)
const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
assert.deepEqual([history.baseFeePerGas.length, history.reward.length], [5, 4])

// replacement: two for one nonce wait behind a gap; the better paying one gets in
const next = await client.getTransactionCount({ address: account.address })
const waiting = { to: receiver, gas: 21000n, nonce: next + 1, ...fees }
const replaced = await wallet.sendTransaction({ ...waiting, value: 1n })
await assert.rejects(wallet.sendTransaction({ ...waiting, value: 2n }), /underpriced/i)
const double = { maxFeePerGas: fees.maxFeePerGas * 2n, maxPriorityFeePerGas: fees.maxPriorityFeePerGas * 2n + 1n }
const replacing = await wallet.sendTransaction({ ...waiting, ...double, value: 3n })
await mined(await wallet.sendTransaction({ to: receiver, value: 1n, nonce: next }))
await mined(replacing)
await assert.rejects(client.getTransaction({ hash: replaced }))

// a native module by its ABI
const runs = { address: '0x6c00000000000000000000000000000000000002', abi: parseAbi(['function count() view returns (uint64)', 'function cancel(uint64 run)', 'error NoSuchRun(uint64 run)']) }
assert.equal(await client.readContract({ ...runs, functionName: 'count' }), 0n)
const noSuchRun = await revert({ ...runs, functionName: 'cancel', args: [99n] })
assert.deepEqual([noSuchRun.errorName, noSuchRun.args], ['NoSuchRun', [99n]])

console.log('viem: all well')
process.exit(0)
