// Typical use of viem in a page or a server. Arguments: RPC url, private key of a funded account, folder of probe.json.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ContractFunctionRevertedError, BaseError, createPublicClient, createWalletClient, defineChain, domainSeparator, encodeFunctionData, erc20Abi, getAddress, http, keccak256, numberToHex, parseAbi, parseEther, parseEventLogs, parseSignature, webSocket, zeroAddress } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'

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

// state overrides, an access list, simulated calls with transfers, a trace
const slots = [{ slot: `0x${'0'.repeat(64)}`, value: `0x${'63'.padStart(64, '0')}` }]
assert.equal(await client.readContract({ ...probe, functionName: 'value', stateOverride: [{ address, stateDiff: slots }] }), 99n)
const data = encodeFunctionData({ abi, functionName: 'store', args: [5n] })
const { accessList } = await client.createAccessList({ account, to: address, data })
assert.deepEqual(accessList.map((item) => [getAddress(item.address), item.storageKeys.length]), [[getAddress(address), 1]])
const simulated = await client.simulateCalls({
  account, traceAssetChanges: true,
  calls: [{ to: address, abi, functionName: 'store', args: [5n] }, { to: address, abi, functionName: 'value' }, { to: address, abi, functionName: 'store', args: [1001n] }, { to: receiver, value: 7n }],
})
assert.deepEqual(simulated.results.map(({ status }) => status), ['success', 'success', 'failure', 'success'])
assert.equal(simulated.results[1].result, 5n)
assert.match(simulated.results[2].error.message, /TooLarge/)
assert.equal(simulated.assetChanges[0].value.diff, -7n)
const [empty, full] = await client.simulateBlocks({ blocks: [{ blockOverrides: { time: 2n ** 33n }, calls: [] }, { calls: [{ account, to: address, data }] }] })
assert.deepEqual([empty.timestamp, full.number, full.calls[0].logs.length], [2n ** 33n, empty.number + 1n, 1])
assert.equal(await client.readContract({ ...probe, functionName: 'value' }), 42n)
const traced = await client.request({ method: 'debug_traceCall', params: [{ from: account.address, to: address, data }, 'latest', { tracer: 'callTracer', tracerConfig: { withLog: true } }] })
assert.deepEqual([traced.type, traced.logs.length], ['CALL', 1])
await assert.rejects(client.request({ method: 'eth_subscribe', params: ['newHeads'] }), /notifications not supported/)

// fees
const gas = await client.estimateContractGas({ account, ...probe, functionName: 'store', args: [1n] })
assert.ok(gas > 21000n && gas < 100000n)
const fees = await client.estimateFeesPerGas()
assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas)
const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
assert.deepEqual([history.baseFeePerGas.length, history.reward.length], [5, 4])

// replacement: two with one nonce wait after a gap; the one that pays more is included
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

// GRAIN as an ERC-20, and an own asset, by the same ABI; permits signed by viem, errors decoded by their standard names
const terms = ['string name', 'string symbol', 'uint8 decimals', 'uint256 cap', 'string uri', 'address issuer', 'bool pausable', 'bool burnable', 'bool transferable', 'bool renounceable']
const assetsAbi = parseAbi([`struct Terms { ${terms.join('; ')}; }`, 'function create(Terms terms) returns (address asset)', 'function assetAt(uint64 number) view returns (address)', 'function count() view returns (uint64)', 'event AssetCreated(address indexed asset, address indexed creator, address indexed issuer, Terms terms)', 'error NoCap()'])
const assets = { address: '0x6c00000000000000000000000000000000000004', abi: assetsAbi }
const erc20 = [
  ...erc20Abi,
  ...parseAbi([
    'function mint(address to, uint256 value)', 'function nonces(address owner) view returns (uint256)', 'function DOMAIN_SEPARATOR() view returns (bytes32)',
    'function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
    'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)', 'error ERC20InvalidReceiver(address receiver)', 'error ERC20ExceededCap(uint256 increasedSupply, uint256 cap)',
    'error ERC2612InvalidSigner(address signer, address owner)', 'error ERC2612ExpiredSignature(uint256 deadline)',
  ]),
]
const asked = { name: 'Barley from the lower field, harvest of 2026', symbol: 'BAR', decimals: 6, cap: 1000n, uri: 'ipfs://barley', issuer: account.address, pausable: true, burnable: true, transferable: true, renounceable: true }
const badTerms = await revert({ ...assets, functionName: 'create', args: [{ ...asked, cap: 0n }] })
assert.equal(badTerms.errorName, 'NoCap')
const creation = await mined(await wallet.writeContract({ ...assets, functionName: 'create', args: [asked] }))
const [created] = parseEventLogs({ abi: assetsAbi, logs: creation.logs })
assert.deepEqual([created.args.creator, created.args.terms], [account.address, asked])
const barley = { abi: erc20, address: created.args.asset }
assert.equal(await client.readContract({ ...assets, functionName: 'assetAt', args: [await client.readContract({ ...assets, functionName: 'count' })] }), barley.address)
assert.equal(await client.getCode(barley), '0xfe')
const minting = await mined(await wallet.writeContract({ ...barley, functionName: 'mint', args: [account.address, 900n] }))
const tooMuch = await revert({ ...barley, functionName: 'mint', args: [receiver, 101n] })
assert.deepEqual([tooMuch.errorName, tooMuch.args], ['ERC20ExceededCap', [1001n, 1000n]])

const grain = { abi: erc20, address: '0x6c00000000000000000000000000000000000003' }
for (const [asset, name, symbol, decimals] of [[barley, asked.name, 'BAR', 6], [grain, 'Grain', 'GRAIN', 18]]) {
  const read = (functionName, ...args) => client.readContract({ ...asset, functionName, args })
  const write = async (functionName, ...args) => mined(await wallet.writeContract({ ...asset, functionName, args }))
  assert.deepEqual([await read('name'), await read('symbol'), await read('decimals')], [name, symbol, decimals])
  const { domain } = await client.getEip712Domain(asset)
  assert.deepEqual(domain, { name, version: '1', chainId: id, verifyingContract: asset.address, salt: `0x${'0'.repeat(64)}` })
  assert.equal(await read('DOMAIN_SEPARATOR'), domainSeparator({ domain: { name, version: '1', chainId: id, verifyingContract: asset.address } }))
  const held = await read('balanceOf', receiver)
  const transferred = await write('transfer', receiver, 100n)
  assert.equal(await read('balanceOf', receiver) - held, 100n)
  const [moved] = parseEventLogs({ abi: erc20, logs: transferred.logs })
  assert.deepEqual([moved.eventName, moved.args], ['Transfer', { from: account.address, to: getAddress(receiver), value: 100n }])
  const balance = await read('balanceOf', account.address)
  const short = await revert({ ...asset, functionName: 'transfer', args: [receiver, 2n ** 200n] })
  assert.deepEqual([short.errorName, short.args[0], short.args[2]], ['ERC20InsufficientBalance', account.address, 2n ** 200n])
  assert.equal(short.args[1], balance)
  assert.equal((await revert({ ...asset, functionName: 'transfer', args: [zeroAddress, 0n] })).errorName, 'ERC20InvalidReceiver')

  // another account submits a permit; then the spender uses it
  const nonce = await read('nonces', account.address)
  const until = (await client.getBlock()).timestamp + 3600n
  const spender = privateKeyToAccount(generatePrivateKey())
  const message = { owner: account.address, spender: spender.address, value: 5n, nonce, deadline: until }
  const types = { Permit: [['address', 'owner'], ['address', 'spender'], ['uint256', 'value'], ['uint256', 'nonce'], ['uint256', 'deadline']].map(([type, name]) => ({ type, name })) }
  const signed = parseSignature(await account.signTypedData({ domain: { name, version: '1', chainId: id, verifyingContract: asset.address }, types, primaryType: 'Permit', message }))
  const permitArgs = [account.address, spender.address, 5n, until, Number(signed.v), signed.r, signed.s]
  const permitted = await write('permit', ...permitArgs)
  assert.deepEqual([await read('allowance', account.address, spender.address), await read('nonces', account.address)], [5n, nonce + 1n])
  const replayed = await revert({ ...asset, functionName: 'permit', args: permitArgs })
  assert.deepEqual([replayed.errorName, replayed.args[1]], ['ERC2612InvalidSigner', account.address])
  const late = await revert({ ...asset, functionName: 'permit', args: permitArgs.with(3, 1n) })
  assert.deepEqual([late.errorName, late.args], ['ERC2612ExpiredSignature', [1n]])
  await mined(await wallet.sendTransaction({ to: spender.address, value: parseEther('0.1') }))
  const before = await read('balanceOf', receiver)
  const spending = createWalletClient({ account: spender, chain, transport: http(url) })
  const spent = await mined(await spending.writeContract({ ...asset, functionName: 'transferFrom', args: [account.address, receiver, 4n] }))
  assert.deepEqual([await read('allowance', account.address, spender.address), await read('balanceOf', receiver) - before], [1n, 4n])
  if (process.env.SHOW_GAS) console.log(symbol, { transfer: transferred.gasUsed, permit: permitted.gasUsed, transferFrom: spent.gasUsed })
}
if (process.env.SHOW_GAS) console.log({ create: creation.gasUsed, mint: minting.gasUsed })
assert.equal(await client.readContract({ ...grain, functionName: 'balanceOf', args: [receiver] }), await client.getBalance({ address: receiver }))
const supply = await client.readContract({ ...grain, functionName: 'totalSupply' })
assert.ok(supply > parseEther('2999') && supply < parseEther('1000000000000'), 'what was funded, less what was burnt')

// a proof of the state: its header is that of the block; its account and slot have the values that the node returns
const proof = await client.request({ method: 'gleaner_getProof', params: [address, ['0x0', '0xff'], 'latest'] })
assert.equal(keccak256(proof.header), proof.blockHash)
const provenBlock = await client.getBlock({ blockHash: proof.blockHash })
assert.ok(proof.header.includes(provenBlock.stateRoot.slice(2)))
assert.equal(proof.slots[0].value, numberToHex(BigInt(await client.getStorageAt({ address, slot: '0x0' }))))
assert.equal(proof.slots[1].value, '0x0')
assert.equal(proof.account.codeHash, keccak256(await client.getCode({ address })))
const unproven = await client.request({ method: 'eth_getProof', params: [address, [], 'latest'] })
assert.deepEqual([unproven.codeHash, unproven.accountProof, unproven.provenBy], [proof.account.codeHash, [], 'gleaner_getProof'])

console.log('viem: all well')
process.exit(0)
