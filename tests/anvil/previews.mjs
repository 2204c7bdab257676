// The same questions to a gleaner node and to anvil: calls with overrides, access lists, simulated blocks and traces must be equal.
// Argument: path of gleaner
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createPublicClient, getContractAddress, http, pad, parseEther } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'

const [gleaner] = process.argv.slice(2)
const chainId = 31337
const account = mnemonicToAccount('test test test test test test test test test test test junk')
const from = account.address.toLowerCase()
const word = (value) => pad(`0x${value.toString(16)}`, { size: 32 })

/** Without calldata: adds one to slot 0, logs, returns the count. With calldata: logs, then reverts with it. */
const counterCode = '3660185760015f54015f55602a5f5fa15f545f5260205ff35b365f5f375f5fa0365ffd'
const counter = getContractAddress({ from, nonce: 0n }).toLowerCase()
const caller = getContractAddress({ from, nonce: 1n }).toLowerCase()
const creation = (code) => `0x61${(code.length / 2).toString(16).padStart(4, '0')}80600a5f395ff3${code}`
const calling = (opcode, size) => `5f5f60${size}5f${['f1', 'f2'].includes(opcode) ? '5f' : ''}73${counter.slice(2)}5a${opcode}50`
/** Calls the counter in every way, a precompile, with money it does not have; creates twice, looks at a balance. */
const callerCode = [
  ...['f1', 'f2', 'f4', 'fa'].map((opcode) => calling(opcode, '00')), calling('f1', '03'),
  '5f5f60205f5f60025af150', `5f5f5f5f600973${counter.slice(2)}5af150`, '5f5f5ff050', '5f5f5f5ff550', `73${'55'.repeat(20)}3150`, '00',
].join('')

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function start(program, args) {
  const port = await freePort()
  const child = spawn(program, args(port), { stdio: ['ignore', 'ignore', 'inherit'] })
  const client = createPublicClient({ transport: http(`http://127.0.0.1:${port}`), pollingInterval: 20 })
  for (let attempt = 0; ; attempt++) {
    try {
      assert.equal(await client.getChainId(), chainId)
      return { child, client }
    } catch (error) {
      if (attempt > 100) throw error
      await sleep(100)
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'previews-'))
const package_ = dirname(createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'))
const platform = readdirSync(dirname(package_)).find((entry) => entry.startsWith('anvil-'))
const anvil = join(dirname(package_), platform, 'bin', 'anvil')
const nodes = await Promise.all([
  start(gleaner, (port) => ['node', '--data-dir', join(folder, 'node'), '--rpc', `127.0.0.1:${port}`, '--chain-id', `${chainId}`, '--fund', `${account.address}=10000`]),
  start(anvil, (port) => ['--port', `${port}`, '--chain-id', `${chainId}`, '--gas-limit', '60000000', '--hardfork', 'osaka', '--steps-tracing', '--silent']),
])

const answer = async ({ client }, method, params) => {
  try {
    return await client.request({ method, params }, { retryCount: 0 })
  } catch (error) {
    return { failed: error.walk((cause) => cause.code !== undefined)?.code ?? `${error}` }
  }
}
let compared = 0
/** Asks both, shows each answer through `essence`, and wants the same. */
async function same(name, method, params, essence = (result) => result) {
  const [ours, theirs] = await Promise.all(nodes.map(async (node) => JSON.parse(JSON.stringify(essence(await answer(node, method, params))))))
  assert.deepEqual(ours, theirs, `${name}: ours (actual) and anvil's (expected) differ`)
  compared++
}

try {
  let hash
  for (const [nonce, transaction] of [{ data: creation(counterCode) }, { data: creation(callerCode) }, { to: caller }].entries()) {
    const serialized = await account.signTransaction({ ...transaction, nonce, chainId, gas: 16_000_000n, maxFeePerGas: parseEther('0.0000001'), maxPriorityFeePerGas: 1n, type: 'eip1559' })
    for (const { client } of nodes) {
      hash = await client.sendRawTransaction({ serializedTransaction: serialized })
      assert.equal((await client.waitForTransactionReceipt({ hash })).status, 'success')
    }
  }
  const call = { from, to: caller, gas: '0xf42400' }

  // calls with overrides
  const at = (address, imagined) => ({ [address]: imagined })
  for (const accounts of [
    {}, at(counter, { state: { [word(0)]: word(6) } }), at(counter, { stateDiff: { [word(0)]: word(8) } }), at(counter, { state: { [word(1)]: word(6) } }),
    at(counter, { code: '0x602a5f5260205ff3' }), at(counter, { code: '0x475f5260205ff3', balance: '0x9' }),
  ]) await same('overrides', 'eth_call', [{ from, to: counter }, 'latest', accounts])
  for (const block of [{ number: '0x4d' }, { time: '0x777777777' }, { coinbase: counter }, { random: word(5) }]) {
    await same('block overrides', 'eth_call', [{ from, data: '0x435f52426020524160405244606052608 05ff3'.replace(' ', '') }, 'latest', {}, { number: '0x63', time: '0x77777777', coinbase: from, random: word(4), ...block }])
  }

  // access lists
  const sorted = ({ accessList, gasUsed, error }) => ({ error: error !== undefined, gasUsed, accessList: accessList.map(({ address, storageKeys }) => `${address.toLowerCase()} ${[...storageKeys].sort()}`).sort() })
  for (const to of [caller, counter, `0x${'66'.repeat(20)}`]) await same('access list', 'eth_createAccessList', [{ from, to, gas: '0xf42400' }, 'latest'], sorted)

  // traces
  // Geth leaves out the logs of frames that were undone; anvil tells them.
  const frame = ({ type, from, to, gas, gasUsed, value, input, output, error, revertReason, logs, calls }, isUndone = false) => {
    const failed = error !== undefined
    const kept = failed || isUndone ? [] : logs ?? []
    return {
      type, from, to, gas, gasUsed, value: value ?? '0x0', input, output, failed, revertReason,
      logs: kept.map(({ address, topics, data, position }) => ({ address, topics, data, position: Number(position) })), calls: (calls ?? []).map((call) => frame(call, failed || isUndone)),
    }
  }
  // The gas of the outermost frame is the limit, as in geth; anvil has already taken what a transaction costs before it runs.
  const root = (result) => ({ ...frame(result), gas: undefined })
  const calls = (tracerConfig) => ({ tracer: 'callTracer', tracerConfig })
  for (const config of [{}, { withLog: true }, { onlyTopCall: true }]) {
    await same('traced call', 'debug_traceCall', [call, 'latest', calls(config)], root)
    await same('traced transaction', 'debug_traceTransaction', [hash, calls(config)], root)
  }
  await same('a failed call', 'debug_traceCall', [{ from, to: counter, data: '0xc0ffee', gas: '0xf42400' }, 'latest', calls({ withLog: true })], root)
  const steps = ({ gas, failed, returnValue, structLogs }) => ({
    gas, failed, returnValue: returnValue.replace(/^0x/, ''),
    steps: structLogs.map(({ pc, op, gas, gasCost, depth, stack, storage }, index) => ({
      pc, op, gas, gasCost, depth, stack: stack?.map((item) => BigInt(item).toString()),
      // Of a write that is not allowed geth shows what it would have written.
      storage: op === 'SSTORE' && structLogs[index + 1].depth < depth ? undefined : storage,
    })),
  })
  await same('steps', 'debug_traceTransaction', [hash, {}], steps)
  const seen = (accounts) => Object.fromEntries([counter, caller].map((address) => [address, accounts[address]]))
  await same('accounts', 'debug_traceTransaction', [hash, { tracer: 'prestateTracer' }], seen)
  await same('changes', 'debug_traceTransaction', [hash, { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }], ({ pre, post }) => ({ pre: seen(pre), post: seen(post) }))

  // simulated blocks
  // Numbers and base fees are the specification's: the first block follows the latest, and without validation the base fee is 0; codes of errors are its own. Anvil's are not.
  const blocks = (result) => result.failed !== undefined ? 'failed' : result.map(({ gasUsed, transactions, calls }) => ({
    gasUsed, transactions: transactions.length,
    calls: calls.map(({ returnData, gasUsed, status, logs, error }) => ({ returnData, gasUsed, status, failed: error !== undefined, logs: logs.map(({ address, topics, data, logIndex }) => ({ address, topics, data, logIndex })) })),
  }))
  const simulate = (name, payload) => same(name, 'eth_simulateV1', [payload, 'latest'], blocks)
  const count = { from, to: counter }
  await simulate('two blocks', { blockStateCalls: [{ calls: [count, count] }, { stateOverrides: at(counter, { stateDiff: { [word(0)]: word(40) } }), calls: [count] }] })
  await simulate('a revert', { blockStateCalls: [{ calls: [{ ...count, data: '0xc0ffee' }, count] }] })
  await simulate('transfers', { traceTransfers: true, blockStateCalls: [{ calls: [{ from, to: `0x${'66'.repeat(20)}`, value: '0x7' }, { ...count, value: '0x1' }] }] })
  await simulate('no money', { blockStateCalls: [{ calls: [{ from: `0x${'77'.repeat(20)}`, to: from, value: '0x7' }] }] })
  console.log(JSON.stringify({ compared }))
} finally {
  for (const { child } of nodes) child.kill()
  await sleep(300)
  rmSync(folder, { recursive: true, force: true })
}
