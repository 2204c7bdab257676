// The same transactions to a gleaner node and to anvil: receipts, gas, logs, made addresses, return data and code must be equal.
// Arguments: path of gleaner, [random transactions, 3000], [seed, 1]
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { TransactionReceiptNotFoundError, createPublicClient, encodeDeployData, encodeFunctionData, getContractAddress, http, keccak256, pad, parseEther, parseSignature, toHex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { program } from './bytecode.mjs'
import { contracts } from './compile.mjs'

const [gleaner, count = '3000', seed = '1'] = process.argv.slice(2)
const chainId = 31337
const accounts = [0, 1, 2, 3].map((index) => mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: index }))
const nonces = accounts.map(() => 0)
const fee = { maxFeePerGas: parseEther('0.0000001'), maxPriorityFeePerGas: parseEther('0.000000001') }
const gas = 3_000_000n

/** xorshift32: the same transactions on every machine. */
class Random {
  constructor(start) { this.state = Number(start) * 2654435761 >>> 0 || 1 }
  next() {
    this.state ^= this.state << 13
    this.state ^= this.state >>> 17
    this.state ^= this.state << 5
    return this.state >>> 0
  }
  below(bound) { return this.next() % bound }
  of(list) { return list[this.below(list.length)] }
  bytes(length) { return `0x${Array.from({ length }, () => this.below(256).toString(16).padStart(2, '0')).join('')}` }
}
const random = new Random(seed)

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

async function start(name, program, args) {
  const port = await freePort()
  const child = spawn(program, args(port), { stdio: ['ignore', 'ignore', 'inherit'] })
  const client = createPublicClient({ transport: http(`http://127.0.0.1:${port}`, { batch: { batchSize: 50 }, timeout: 60_000 }) })
  for (let attempt = 0; ; attempt++) {
    try {
      assert.equal(await client.getChainId(), chainId)
      return { name, child, client }
    } catch (error) {
      if (attempt > 100) throw error
      await sleep(100)
    }
  }
}
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const folder = mkdtempSync(join(tmpdir(), 'differential-'))
const package_ = dirname(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
const platform = readdirSync(dirname(package_)).find((entry) => entry.startsWith('anvil-'))
const anvil = join(dirname(package_), platform, 'bin', 'anvil')
// Blocks at an interval: with a block for each transaction anvil forgets some when many are sent at once.
const nodes = await Promise.all([
  start('gleaner', gleaner, (port) => ['node', '--data-dir', join(folder, 'node'), '--rpc', `127.0.0.1:${port}`, '--chain-id', `${chainId}`, ...accounts.flatMap(({ address }) => ['--fund', `${address}=10000`])]),
  start('anvil', anvil, (port) => ['--port', `${port}`, '--chain-id', `${chainId}`, '--block-time', '0.1', '--gas-limit', '60000000', '--silent']),
])
const each = (work) => Promise.all(nodes.map(({ client }) => work(client)))

const shown = (value) => JSON.parse(JSON.stringify(value, (_, part) => typeof part === 'bigint' ? `${part}` : part))
/** What two nodes must agree on in a receipt. */
const essence = (receipt) => shown({
  status: receipt.status, type: receipt.type, gasUsed: receipt.gasUsed, from: receipt.from, to: receipt.to,
  contractAddress: receipt.contractAddress ?? null,
  logs: receipt.logs.map(({ address, topics, data }) => ({ address, topics, data })),
})

/**
 * Not viem's `waitForTransactionReceipt`: of many waits that share its watch, one that asks just before a block and joins just after hears
 * of no block more, as ours come on demand only.
 */
async function receiptOf(client, hash) {
  for (const end = Date.now() + 60_000; ;) {
    try {
      return await client.getTransactionReceipt({ hash })
    } catch (error) {
      if (!(error instanceof TransactionReceiptNotFoundError) || Date.now() > end) throw error
      await sleep(25)
    }
  }
}

let compared = 0
const outcomes = {}
/** Sends transactions of one account to both nodes, in order; the receipts, once they are equal. */
async function both(sender, requests) {
  const signed = []
  for (const request of requests) {
    const nonce = nonces[sender]++
    signed.push(await accounts[sender].signTransaction({ type: 'eip1559', ...fee, gas, chainId, nonce, ...request }))
  }
  await each((client) => Promise.all(signed.map((serializedTransaction) => client.sendRawTransaction({ serializedTransaction }))))
  const [ours, theirs] = await each((client) => Promise.all(signed.map((transaction) =>
    receiptOf(client, keccak256(transaction)))))
  ours.forEach((receipt, index) => {
    assert.deepEqual(essence(receipt), essence(theirs[index]), `transaction ${compared + index}: ${JSON.stringify(shown(requests[index]))}`)
    outcomes[`${receipt.type} ${receipt.status}`] = (outcomes[`${receipt.type} ${receipt.status}`] ?? 0) + 1
  })
  compared += ours.length
  return ours
}

let calls = 0
/** A call on both nodes: return data, or what it reverted with. */
async function call(request) {
  const answers = await each(async (client) => {
    try {
      return { data: (await client.call(request)).data ?? null }
    } catch (error) {
      const cause = error.walk?.((cause) => cause.data !== undefined || cause.code === 3) ?? error
      return { reverted: typeof cause.data === 'object' ? cause.data?.data ?? null : cause.data ?? null, failed: true }
    }
  })
  assert.deepEqual(answers[0], answers[1], `call ${JSON.stringify(shown(request))}`)
  calls += 1
  return answers[0].data
}

const deploy = async (name, args = [], sender = 0) => {
  const { abi, bytecode } = contracts[name]
  const [receipt] = await both(sender, [{ data: encodeDeployData({ abi, bytecode, args }), gas: 10_000_000n }])
  assert.equal(receipt.status, 'success', `${name} deploys`)
  return { abi, address: receipt.contractAddress }
}
const data = ({ abi }, functionName, args = []) => encodeFunctionData({ abi, functionName, args })
const request = (contract, functionName, args = [], value = 0n) => ({ to: contract.address, data: data(contract, functionName, args), value })
const done = async (sender, ...requests) => {
  for (const { status } of await both(sender, requests)) assert.equal(status, 'success')
}
const me = accounts.map(({ address }) => address)

async function openZeppelin() {
  const token = await deploy('Token', ['Token'])
  const collection = await deploy('Collection')
  const vault = await deploy('Vault', [token.address])
  await done(0, request(token, 'mint', [me[0], 10n ** 24n]), request(token, 'transfer', [me[1], 10n ** 21n]), request(token, 'approve', [vault.address, 10n ** 22n]),
    request(vault, 'deposit', [10n ** 20n, me[0]]), request(token, 'transfer', [vault.address, 7n]), request(vault, 'redeem', [10n ** 19n, me[2], me[0]]),
    request(collection, 'mint', [me[0], 1n]), request(collection, 'mint', [me[1], 2n]), request(collection, 'transferFrom', [me[0], me[2], 1n]))
  const deadline = 2n ** 48n
  const signature = parseSignature(await accounts[1].signTypedData({
    domain: { name: 'Token', version: '1', chainId, verifyingContract: token.address },
    types: { Permit: [['address', 'owner'], ['address', 'spender'], ['uint256', 'value'], ['uint256', 'nonce'], ['uint256', 'deadline']].map(([type, name]) => ({ type, name })) },
    primaryType: 'Permit',
    message: { owner: me[1], spender: me[2], value: 5n, nonce: 0n, deadline },
  }))
  await done(0, request(token, 'permit', [me[1], me[2], 5n, deadline, Number(signature.v), signature.r, signature.s]))
  await done(2, request(token, 'transferFrom', [me[1], me[3], 5n]))
  for (const [contract, name, args] of [[token, 'balanceOf', [me[3]]], [token, 'DOMAIN_SEPARATOR', []], [token, 'transfer', [me[0], 10n ** 30n]], [collection, 'ownerOf', [1n]],
    [collection, 'ownerOf', [99n]], [collection, 'tokenByIndex', [1n]], [vault, 'totalAssets', []], [vault, 'convertToShares', [10n ** 18n]], [vault, 'maxWithdraw', [me[0]]]]) {
    await call({ ...request(contract, name, args), account: me[0] })
  }
  return { token, collection, vault }
}

async function uniswap(token) {
  const other = await deploy('Token', ['Other'])
  const factory = await deploy('UniswapV2Factory', [me[0]])
  const weth = await deploy('WETH9')
  const router = await deploy('UniswapV2Router02', [factory.address, weth.address])
  const deadline = 2n ** 48n
  await done(0, request(other, 'mint', [me[0], 10n ** 24n]), ...[token, other].map((asset) => request(asset, 'approve', [router.address, 2n ** 256n - 1n])))
  const steps = [
    request(router, 'addLiquidity', [token.address, other.address, 10n ** 20n, 3n * 10n ** 20n, 0n, 0n, me[0], deadline]),
    request(router, 'swapExactTokensForTokens', [10n ** 18n, 0n, [token.address, other.address], me[1], deadline]),
    request(router, 'swapTokensForExactTokens', [10n ** 17n, 10n ** 18n, [other.address, token.address], me[0], deadline]),
    request(router, 'addLiquidityETH', [token.address, 10n ** 20n, 0n, 0n, me[0], deadline], 10n ** 19n),
    request(router, 'swapExactETHForTokens', [0n, [weth.address, token.address, other.address], me[2], deadline], 10n ** 16n),
    request(router, 'swapExactTokensForETH', [10n ** 17n, 0n, [other.address, token.address, weth.address], me[0], deadline]),
  ]
  // The pair's price sums cost gas when a second has passed since its last change: it passes on both nodes.
  for (const step of steps) {
    await done(0, step)
    await sleep(1200)
  }
  const pair = { abi: contracts.UniswapV2Pair.abi, address: `0x${(await call(request(factory, 'getPair', [token.address, other.address]))).slice(26)}` }
  await done(0, request(pair, 'approve', [router.address, 2n ** 256n - 1n]))
  await sleep(1200)
  await done(0, request(router, 'removeLiquidity', [token.address, other.address, 10n ** 18n, 0n, 0n, me[0], deadline]))
  for (const [contract, name, args] of [[pair, 'totalSupply', []], [pair, 'kLast', []], [pair, 'balanceOf', [me[0]]], [router, 'getAmountsOut', [10n ** 17n, [token.address, other.address]]],
    [factory, 'createPair', [token.address, other.address]], [router, 'swapExactTokensForTokens', [1n, 2n ** 200n, [token.address, other.address], me[1], deadline]]]) {
    await call({ ...request(contract, name, args), account: me[0] })
  }
}

/** One random transaction. */
async function step({ token, collection, vault, playgrounds, made }) {
  const someone = () => random.of([...me, token.address, random.of(playgrounds).address, pad(toHex(random.below(24)), { size: 20 })])
  const playground = random.of(playgrounds)
  const amount = () => random.of([0n, 1n, BigInt(random.below(1e9)), 10n ** 18n, 2n ** 200n])
  const limit = () => BigInt(random.below(400_000))
  const inner = () => random.of([data(playground, 'fill', [amount(), BigInt(random.below(8)), amount()]), data(playground, 'refuse', [BigInt(random.below(8)), 2n]), data(playground, 'enter', [BigInt(random.below(4))]), data(token, 'transfer', [someone(), amount()]), random.bytes(random.below(300))])
  const list = () => [{ address: playground.address, storageKeys: [pad(toHex(random.below(4))), pad(toHex(random.below(4)))] }]
  const plain = random.of([
    () => ({ to: someone(), value: random.of([0n, 1n, 10n ** 12n]), data: random.below(2) ? '0x' : random.bytes(random.below(100)) }),
    () => request(playground, 'fill', [amount(), BigInt(random.below(40)), amount()]),
    () => request(playground, 'make', [random.bytes(32), BigInt(random.below(3)), random.below(2) === 0], 2n),
    () => request(playground, 'call', [random.below(3), someone(), limit(), BigInt(random.below(2)), inner()], 1n),
    () => request(playground, 'call', [random.below(3), random.of(playgrounds).address, limit(), 0n, inner()]),
    () => request(playground, 'enter', [BigInt(random.below(30))]),
    () => request(playground, 'refuse', [BigInt(random.below(8)), BigInt(random.below(20))]),
    () => request(playground, 'burn', [BigInt(random.below(500))]),
    () => made.length > 0 ? request({ ...playground, address: random.of(made) }, 'end', [random.of(me)]) : request(playground, 'burn', [1n]),
    () => request(token, random.of(['transfer', 'approve', 'mint']), [someone(), amount()]),
    () => request(token, 'transferFrom', [random.of(me), someone(), amount()]),
    () => request(collection, 'mint', [random.of([...me, token.address, playground.address]), BigInt(random.below(200))]),
    () => request(collection, 'transferFrom', [random.of(me), random.of(me), BigInt(random.below(200))]),
    () => request(vault, random.of(['deposit', 'mint']), [amount(), random.of(me)]),
    () => ({ data: program(random) }),
    () => ({ data: program(random) }),
    () => ({ data: program(random), value: 1n }),
  ])()
  // Above what a transaction costs before it runs, calldata at 40 gas a byte (EIP-7623) and an access list included.
  const least = 62_000 + 42 * ((plain.data ?? '0x').length / 2)
  const limits = random.below(8) === 0 ? { gas: BigInt(least + random.below(150_000)) } : {}
  const kind = random.below(10)
  const kinds = [{ type: 'legacy', gasPrice: fee.maxFeePerGas, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined },
    { type: 'eip2930', gasPrice: fee.maxFeePerGas, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined, accessList: list() }, { accessList: list() }]
  return { ...plain, ...limits, ...(kinds[kind] ?? {}) }
}

/** An account that borrows a contract's code, EIP-7702, and gives it back. */
async function delegation(playground) {
  for (const to of [playground.address, '0x0000000000000000000000000000000000000000']) {
    const authorization = await accounts[3].signAuthorization({ contractAddress: to, chainId, nonce: nonces[3]++ })
    await both(0, [{ type: 'eip7702', authorizationList: [authorization], to: me[3], data: data(playground, 'fill', [5n, 4n, 9n]) }])
    await call({ to: me[3], data: data(playground, 'stored', [3n]) })
    await both(1, [{ to: me[3], value: 5n }, request({ ...playground, address: me[3] }, 'enter', [3n])])
  }
}

async function codes(addresses) {
  const [ours, theirs] = await each((client) => Promise.all(addresses.map((address) => client.getCode({ address }))))
  assert.deepEqual(ours, theirs)
}

try {
  const { token, collection, vault } = await openZeppelin()
  console.log(`OpenZeppelin's ERC-20, 721 and 4626: equal (${compared} transactions, ${calls} calls)`)
  await uniswap(token)
  console.log(`Uniswap v2: equal (${compared} transactions, ${calls} calls)`)
  const playgrounds = [await deploy('Playground'), await deploy('Playground', [], 1)]
  await done(0, ...playgrounds.map(({ address }) => ({ to: address, value: 10n ** 15n })))
  await delegation(playgrounds[0])
  const made = []
  for (let left = Number(count); left > 0;) {
    const size = Math.min(left, 1 + random.below(80))
    const requests = []
    for (let index = 0; index < size; index++) requests.push(await step({ token, collection, vault, playgrounds, made }))
    const receipts = await both(random.below(3), requests)
    const deployed = receipts.filter(({ contractAddress, status }) => contractAddress && status === 'success').map(({ contractAddress }) => contractAddress)
    await codes(deployed)
    const topic = keccak256(toHex('Made(address,uint256)'))
    made.push(...receipts.flatMap(({ logs }) => logs).filter(({ topics }) => topics[0] === topic).map(({ topics }) => `0x${topics[1].slice(26)}`))
    made.splice(0, made.length - 20)
    // The same as calls: what a transaction returns is in no receipt.
    for (const request of requests.slice(0, 5)) {
      const { to, data, value } = request
      await call({ account: me[random.below(3)], to, data, value, gas })
    }
    left -= size
  }
  console.log(`random: equal (${compared} transactions, ${calls} calls in all)`, outcomes)
} catch (error) {
  writeFileSync(join(tmpdir(), 'differential-failure.txt'), `${error.stack}\n`)
  console.error(error)
  process.exitCode = 1
} finally {
  for (const { child } of nodes) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
