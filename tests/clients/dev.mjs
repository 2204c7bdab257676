// Typical use of a local node by test suites: `gleaner node --dev`, or anvil. Arguments: RPC url, folder of probe.json.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BaseError, ContractFunctionRevertedError, createTestClient, createWalletClient, defineChain, getContractAddress, http, keccak256, parseEther, parseGwei, publicActions, recoverMessageAddress, recoverTransactionAddress, recoverTypedDataAddress, toHex, walletActions } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { Contract, ContractFactory, JsonRpcProvider, Transaction } from 'ethers'

const [url, folder] = process.argv.slice(2)
const { abi, bytecode } = JSON.parse(readFileSync(join(folder, 'probe.json'), 'utf8'))
const chain = defineChain({ id: 31337, name: 'local', nativeCurrency: { name: 'GRAIN', symbol: 'GRAIN', decimals: 18 }, rpcUrls: { default: { http: [url] } } })
const phrase = 'test test test test test test test test test test test junk'
const accounts = Array.from({ length: 10 }, (_, addressIndex) => mnemonicToAccount(phrase, { addressIndex }).address)
const [alice, bob] = accounts
const stranger = '0x00000000000000000000000000000000000b0b00'
const miner = '0x00000000000000000000000000000000000c0c00'
const refused = async (call) => {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it was not refused')
}
const isNear = (value, expected) => assert.ok(value >= expected && value <= expected + 5n, `${value} is not about ${expected}`)

const isAnvil = (await createTestClient({ mode: 'anvil', chain, transport: http(url) }).request({ method: 'web3_clientVersion' })).startsWith('anvil/v')

const suite = async (mode) => {
  const client = createTestClient({ mode, chain, transport: http(url), cacheTime: 0, pollingInterval: 20 }).extend(publicActions).extend(walletActions)
  // On our node it exists immediately.
  const receiptOf = (of) => (isAnvil ? client.waitForTransactionReceipt(of) : client.getTransactionReceipt(of))
  const mined = async (hash) => receiptOf({ hash: await hash })
  const balance = (address) => client.getBalance({ address })
  const now = async () => (await client.getBlock()).timestamp
  await client.request({ method: `${mode}_reset`, params: [] })
  assert.equal(await client.getBlockNumber(), 0n)

  // ten unlocked accounts
  assert.deepEqual(await client.getAddresses(), accounts)
  for (const address of accounts) assert.equal(await balance(address), parseEther('10000'))
  assert.equal(await client.getChainId(), 31337)

  // a transaction is in a block of its own when its hash is returned
  const hash = await client.sendTransaction({ account: alice, to: stranger, value: 5n })
  const receipt = await receiptOf({ hash })
  assert.deepEqual([receipt.status, receipt.blockNumber, receipt.from], ['success', 1n, alice.toLowerCase()])
  assert.equal(await balance(stranger), 5n)
  const one = () => client.request({ method: 'eth_sendTransaction', params: [{ from: alice, to: stranger, value: '0x1' }] })
  const many = []
  // Anvil gives two at a time the same nonce.
  if (isAnvil) for (let i = 0; i < 8; i++) many.push(await one())
  else many.push(...(await Promise.all(Array.from({ length: 8 }, one))))
  for (const hash of many) assert.equal((await receiptOf({ hash })).status, 'success')
  assert.equal(await balance(stranger), 13n)
  assert.equal(new Set(many).size, 8)

  // signatures
  const message = 'well met'
  for (const method of ['personal_sign', 'eth_sign']) {
    const params = [toHex(message), bob]
    const signature = await client.request({ method, params: method === 'eth_sign' ? params.reverse() : params })
    assert.equal(await recoverMessageAddress({ message, signature }), bob)
  }
  const typed = { domain: { name: 'Probe', version: '1', chainId: 31337, verifyingContract: stranger }, types: { Person: [{ name: 'name', type: 'string' }, { name: 'wallets', type: 'address[]' }], Mail: [{ name: 'to', type: 'Person' }, { name: 'when', type: 'uint256' }] }, primaryType: 'Mail', message: { to: { name: 'Bob', wallets: [alice, bob] }, when: 7n } }
  const typedSignature = await client.signTypedData({ account: bob, ...typed })
  assert.equal(await recoverTypedDataAddress({ ...typed, signature: typedSignature }), bob)
  const serializedTransaction = await client.request({ method: 'eth_signTransaction', params: [{ from: bob, to: alice, value: '0x1', gas: '0x5208' }] })
  assert.equal(await recoverTransactionAddress({ serializedTransaction }), bob)
  await mined(client.sendRawTransaction({ serializedTransaction }))
  assert.match((await refused(() => client.sendTransaction({ account: stranger, to: alice, gas: 21000n }))).message, /no signer|unknown account/i)

  // reverts: a reverting estimate is an error with its data; with a gas limit the transaction is mined
  const deployment = await client.deployContract({ abi, bytecode, args: [7n], account: alice })
  const { contractAddress: address } = await receiptOf({ hash: deployment })
  const probe = { abi, address, account: alice }
  if (!isAnvil) {
    // As hardhat does; anvil sends it, with the gas of a block.
    const error = await refused(() => client.writeContract({ ...probe, functionName: 'store', args: [1001n] }))
    assert.ok(error instanceof BaseError && error.walk((cause) => cause.code === 3), `no error with code 3: ${error.message}`)
  }
  const simulated = await refused(() => client.simulateContract({ ...probe, functionName: 'store', args: [1001n] }))
  assert.deepEqual(simulated.walk((cause) => cause instanceof ContractFunctionRevertedError).data.args, [1001n, 1000n])
  const reverted = await client.writeContract({ ...probe, functionName: 'store', args: [1001n], gas: 100_000n })
  assert.equal((await receiptOf({ hash: reverted })).status, 'reverted')

  // snapshots and reverts
  const height = await client.getBlockNumber()
  const outer = await client.snapshot()
  await mined(client.writeContract({ ...probe, functionName: 'store', args: [8n] }))
  const inner = await client.snapshot()
  await mined(client.writeContract({ ...probe, functionName: 'store', args: [9n] }))
  await client.increaseTime({ seconds: 1_000_000 })
  await client.mine({ blocks: 1 })
  await client.setBalance({ address: stranger, value: parseEther('3') })
  const value = () => client.readContract({ ...probe, functionName: 'value' })
  assert.equal(await value(), 9n)
  await client.revert({ id: inner })
  assert.equal(await value(), 8n)
  assert.equal(await balance(stranger), 13n)
  await client.revert({ id: outer })
  assert.equal(await value(), 7n)
  assert.equal(await client.getBlockNumber(), height)
  assert.equal(await client.request({ method: 'evm_revert', params: [inner] }), false)
  assert.equal(await client.getTransactionCount({ address: alice }), 11)
  const past = await now()
  await client.mine({ blocks: 1 })
  assert.ok((await now()) < past + 100_000n, 'the time went back, too')

  // time
  const start = await now()
  await client.increaseTime({ seconds: 3600 })
  await client.mine({ blocks: 1 })
  isNear(await now(), start + 3600n)
  const exact = (await now()) + 777n
  await client.setNextBlockTimestamp({ timestamp: exact })
  assert.equal((await client.getBlock({ blockTag: 'latest' })).timestamp < exact, true)
  await client.mine({ blocks: 1 })
  assert.equal(await now(), exact)
  await client.mine({ blocks: 1 })
  isNear(await now(), exact)
  await refused(() => client.setNextBlockTimestamp({ timestamp: exact - 1000n }))
  const before = await client.getBlockNumber()
  await client.mine({ blocks: 5, interval: 12 })
  assert.equal(await client.getBlockNumber(), before + 5n)
  const times = await Promise.all([1n, 2n, 3n, 4n, 5n].map(async (i) => (await client.getBlock({ blockNumber: before + i })).timestamp))
  for (let i = 1; i < 5; i++) assert.equal(times[i] - times[i - 1], 12n)
  await client.request({ method: 'anvil_setBlockTimestampInterval', params: [30] })
  const tick = await now()
  await client.mine({ blocks: 1 })
  assert.equal(await now(), tick + 30n)
  await client.request({ method: 'anvil_removeBlockTimestampInterval', params: [] })

  // changed accounts
  await client.setBalance({ address: stranger, value: parseEther('42') })
  await client.setNonce({ address: stranger, nonce: 9 })
  await client.setCode({ address: stranger, bytecode: '0x602a5f5260205ff3' })
  await client.setStorageAt({ address, index: 0, value: toHex(55n, { size: 32 }) })
  assert.deepEqual([await balance(stranger), await client.getTransactionCount({ address: stranger })], [parseEther('42'), 9])
  assert.equal((await client.call({ to: stranger })).data, toHex(42n, { size: 32 }))
  assert.equal(await client.getStorageAt({ address, slot: '0x0' }), toHex(55n, { size: 32 }))
  await client.mine({ blocks: 1 })
  assert.equal(await balance(stranger), parseEther('42'))

  // impersonation, also of contracts
  await client.impersonateAccount({ address: stranger })
  const impersonated = await client.sendTransaction({ account: stranger, to: bob, value: parseEther('1') })
  const shown = await client.getTransaction({ hash: impersonated })
  assert.deepEqual([shown.from, shown.nonce, shown.to], [stranger, 9, bob.toLowerCase()])
  assert.equal((await receiptOf({ hash: impersonated })).status, 'success')
  await client.stopImpersonatingAccount({ address: stranger })
  await refused(() => client.sendTransaction({ account: stranger, to: bob, value: 1n }))

  // blocks only on request
  await client.setAutomine(false)
  assert.equal(await client.getAutomine(), false)
  const waiting = [await client.sendTransaction({ account: bob, to: alice, value: 1n }), await client.sendTransaction({ account: bob, to: alice, value: 2n })]
  assert.equal((await client.getTransaction({ hash: waiting[0] })).blockNumber, null)
  assert.equal(await client.getTransactionCount({ address: bob, blockTag: 'pending' }), (await client.getTransactionCount({ address: bob })) + 2)
  await client.dropTransaction({ hash: waiting[1] })
  await client.mine({ blocks: 1 })
  const block = await client.getBlock()
  assert.deepEqual(block.transactions, [waiting[0]])
  await client.setAutomine(true)

  // the next block
  await client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('3') })
  await client.setCoinbase({ address: miner })
  await client.mine({ blocks: 1 })
  const next = await client.getBlock()
  assert.deepEqual([next.baseFeePerGas, next.miner], [parseGwei('3'), miner])
  const low = await refused(() => client.sendTransaction({ account: bob, to: alice, gas: 21000n, maxFeePerGas: 7n, maxPriorityFeePerGas: 1n }))
  assert.match(low.message, /fee/i)
  await client.setBlockGasLimit({ gasLimit: 20_000_000n })
  await client.mine({ blocks: 1 })
  assert.equal((await client.getBlock()).gasLimit, 20_000_000n)
}

for (const mode of ['anvil', 'hardhat']) await suite(mode)

// the units of both, by their own method names
const info = await (await createTestClient({ mode: 'anvil', chain, transport: http(url) })).request({ method: 'anvil_nodeInfo' })
assert.equal(info.environment.chainId, 31337)

// a suite with ethers, as in hardhat: the node's signers, and a fixture restored by a revert
const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 20 })
await provider.send('hardhat_reset', [])
const signer = await provider.getSigner(0)
assert.equal(await signer.getAddress(), alice)
const contract = await (await new ContractFactory(abi, bytecode, signer).deploy(7n)).waitForDeployment()
assert.equal(await contract.getAddress(), getContractAddress({ from: alice, nonce: 0n }))
for (let round = 0; round < 3; round++) {
  const snapshot = await provider.send('evm_snapshot', [])
  await (await contract.store(100n + BigInt(round))).wait()
  assert.equal(await contract.value(), 100n + BigInt(round))
  const failure = await refused(() => contract.store(1001n))
  assert.equal(failure.code, 'CALL_EXCEPTION')
  assert.equal(contract.interface.parseError(failure.data).name, 'TooLarge')
  await provider.send('evm_increaseTime', [60])
  await provider.send('evm_mine', [])
  assert.equal(await provider.send('evm_revert', [snapshot]), true)
  assert.equal(await contract.value(), 7n)
}
await provider.send('hardhat_impersonateAccount', [stranger])
await provider.send('hardhat_setBalance', [stranger, toHex(parseEther('5'))])
const other = new Contract(await contract.getAddress(), abi, await provider.getSigner(stranger))
const stored = await (await other.store(11n)).wait()
assert.equal(stored.from.toLowerCase(), stranger)
assert.equal(await contract.value(), 11n)
const signature = await (await provider.getSigner(1)).signMessage('hello')
assert.equal(await recoverMessageAddress({ message: 'hello', signature }), bob)

// contracts at addresses that are the same on all chains: by the deployment proxy, and by a transaction without a chain id that was
// not signed with a known key
const creation = (await new ContractFactory(abi, bytecode, signer).getDeployTransaction(7n)).data
const [proxy, salt] = ['0x4e59b44847b379578588920cA78FbF26c0B4956C', toHex(7n, { size: 32 })]
// Anvil removes it at a reset.
if (!isAnvil) {
  await (await signer.sendTransaction({ to: proxy, data: salt + creation.slice(2) })).wait()
  const made = getContractAddress({ opcode: 'CREATE2', from: proxy, salt, bytecode: creation })
  assert.equal(await new Contract(made, abi, signer).value(), 7n)
}
const nobody = '0x' + '22'.repeat(32)
const keyless = Transaction.from({ type: 0, nonce: 0, gasPrice: parseGwei('100'), gasLimit: 2_000_000, data: creation, signature: { r: nobody, s: nobody, v: 27 } })
await (await signer.sendTransaction({ to: keyless.from, value: parseEther('1') })).wait()
await (await provider.broadcastTransaction(keyless.serialized)).wait()
assert.equal(await new Contract(getContractAddress({ from: keyless.from, nonce: 0n }), abi, signer).value(), 7n)
provider.destroy()
console.log(`dev.mjs: all well on ${await createTestClient({ mode: 'anvil', chain, transport: http(url) }).request({ method: 'web3_clientVersion' })}`)
