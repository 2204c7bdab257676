// Trades and pools as an interface of Uniswap v3 does: its SDK computes the pools' addresses, quotes with the ticks that the lens lists, and writes the calldata
// of router and position manager, which is sent as it is. Arguments: RPC url, private key of a funded account.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { BaseError, createPublicClient, createWalletClient, decodeFunctionResult, defineChain, erc20Abi, http, parseAbi, parseEther, parseEventLogs, parseSignature } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

// As modules for import they lack file extensions.
const require = createRequire(import.meta.url)
const { FeeAmount, NonfungiblePositionManager, Pool, Position, Route, SwapQuoter, SwapRouter, TICK_SPACINGS, Trade, encodeSqrtRatioX96, nearestUsableTick } = require('@uniswap/v3-sdk')
const { CurrencyAmount, NativeCurrency, Percent, Token, TradeType } = require('@uniswap/sdk-core')
const abiOf = (path) => require(`@uniswap/${path}.json`).abi
const factoryAbi = abiOf('v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory')
const poolAbi = abiOf('v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool')
const quoterAbi = abiOf('v3-periphery/artifacts/contracts/lens/QuoterV2.sol/QuoterV2')
const lensAbi = abiOf('v3-periphery/artifacts/contracts/lens/TickLens.sol/TickLens')
const managerAbi = abiOf('v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/NonfungiblePositionManager')

const [url, key] = process.argv.slice(2)
const [assets, wrapped, factory, router, quoter, lens, manager] = ['4', '8', '9', 'a', 'b', 'c', 'd'].map((place) => `0x6c${place.padStart(38, '0')}`)
const account = privateKeyToAccount(key)
const chainId = await createPublicClient({ transport: http(url) }).getChainId()
const chain = defineChain({ id: chainId, name: 'gleaner', nativeCurrency: { name: 'GRAIN', symbol: 'GRAIN', decimals: 18 }, rpcUrls: { default: { http: [url] } } })
const client = createPublicClient({ chain, transport: http(url, { batch: true }), pollingInterval: 20 })
const wallet = createWalletClient({ account, chain, transport: http(url) })
const mined = async (hash) => {
  const receipt = await client.waitForTransactionReceipt({ hash: await hash })
  assert.equal(receipt.status, 'success')
  return receipt
}
const read = (address, abi, functionName, args = []) => client.readContract({ address, abi, functionName, args })
const soon = async () => ((await client.getBlock()).timestamp + 600n).toString()

const assetsAbi = parseAbi([
  'struct Terms { string name; string symbol; uint8 decimals; uint256 cap; string uri; address issuer; bool pausable; bool burnable; bool transferable; bool renounceable; }',
  'function create(Terms terms) returns (address asset)',
  'event AssetCreated(address indexed asset, address indexed creator, address indexed issuer, Terms terms)',
])
const issuedAbi = [...erc20Abi, ...parseAbi(['function mint(address to, uint256 value)', 'function nonces(address owner) view returns (uint256)'])]
const created = async (name, symbol, decimals) => {
  const terms = { name, symbol, decimals, cap: 2n ** 128n, uri: '', issuer: account.address, pausable: false, burnable: false, transferable: false, renounceable: false }
  const receipt = await mined(wallet.writeContract({ address: assets, abi: assetsAbi, functionName: 'create', args: [terms] }))
  const { asset } = parseEventLogs({ abi: assetsAbi, logs: receipt.logs })[0].args
  await mined(wallet.writeContract({ address: asset, abi: issuedAbi, functionName: 'mint', args: [account.address, 10n ** 26n] }))
  return new Token(chainId, asset, decimals, symbol, name)
}
const approve = (token, spender, value) => mined(wallet.writeContract({ address: token.address, abi: erc20Abi, functionName: 'approve', args: [spender, value] }))
const balance = (currency, of = account.address) => (currency.isNative ? client.getBalance({ address: of }) : read(currency.address, erc20Abi, 'balanceOf', [of]))

// GRAIN as the SDK knows ether: it is wrapped on the way into a pool.
class Grain extends NativeCurrency {
  constructor() {
    super(chainId, 18, 'GRAIN', 'Grain')
  }
  get wrapped() {
    return new Token(chainId, wrapped, 18, 'WGRAIN', 'Wrapped Grain')
  }
  equals(other) {
    return other.isNative && other.chainId === this.chainId
  }
}
const grain = new Grain()
const amount = (currency, raw) => CurrencyAmount.fromRawAmount(currency, raw.toString())
const raw = (of) => BigInt(of.quotient.toString())
const none = new Percent(0)

// What is sent is what the SDK has written, with a fifth more gas than the estimate, as Uniswap's interface does: if a second passes before the block, the
// pool writes an observation that the estimate did not have to pay. The fee is returned, too.
const send = async (to, { calldata, value }) => {
  const call = { account, to, data: calldata, value: BigInt(value) }
  const gas = ((await client.estimateGas(call)) * 12n) / 10n
  const receipt = await mined(wallet.sendTransaction({ ...call, gas }))
  return { receipt, fee: receipt.gasUsed * receipt.effectiveGasPrice }
}
// Executes, and returns what it has changed of our balances, fees aside.
const moved = async (currencies, act) => {
  const before = await Promise.all(currencies.map((currency) => balance(currency)))
  const { receipt, fee } = await act()
  const after = await Promise.all(currencies.map((currency) => balance(currency)))
  return { receipt, by: currencies.map((currency, index) => after[index] - before[index] + (currency.isNative ? fee : 0n)) }
}

// A pool as the SDK computes with it: its address, price and liquidity, and the ticks of all words of its bitmap, told by the lens.
const poolOf = async (a, b, fee) => {
  const address = Pool.getAddress(a, b, fee, undefined, factory)
  assert.equal(await read(factory, factoryAbi, 'getPool', [a.address, b.address, fee]), address)
  const [token0, token1] = a.sortsBefore(b) ? [a, b] : [b, a]
  assert.deepEqual([await read(address, poolAbi, 'token0'), await read(address, poolAbi, 'token1'), await read(address, poolAbi, 'fee')], [token0.address, token1.address, fee])
  const spacing = await read(address, poolAbi, 'tickSpacing')
  assert.equal(spacing, TICK_SPACINGS[fee])
  const [slot0, liquidity] = [await read(address, poolAbi, 'slot0'), await read(address, poolAbi, 'liquidity')]
  const last = Math.ceil(887272 / spacing / 256)
  const words = Array.from({ length: 2 * last + 1 }, (_, index) => index - last)
  const listed = (await Promise.all(words.map((word) => read(lens, lensAbi, 'getPopulatedTicksInWord', [address, word])))).flat()
  const ticks = listed.map(({ tick, liquidityNet, liquidityGross }) => ({ index: tick, liquidityNet: liquidityNet.toString(), liquidityGross: liquidityGross.toString() }))
  ticks.sort((one, other) => one.index - other.index)
  return new Pool(token0, token1, fee, slot0[0].toString(), liquidity.toString(), slot0[1], ticks)
}

// --- positions ---
const mint = async (position, options = {}) => {
  const { pool } = position
  const currencies = [pool.token0, pool.token1].map((token) => (options.useNative && token.equals(grain.wrapped) ? grain : token))
  const parameters = NonfungiblePositionManager.addCallParameters(position, { slippageTolerance: none, deadline: await soon(), recipient: account.address, ...options })
  const { receipt, by } = await moved(currencies, () => send(manager, parameters))
  const { amount0, amount1 } = position.mintAmounts
  assert.deepEqual(by, [amount0, amount1].map((paid) => -BigInt(paid.toString())), 'a position costs what the SDK says')
  const { args } = parseEventLogs({ abi: managerAbi, logs: receipt.logs, eventName: 'IncreaseLiquidity' })[0]
  assert.equal(args.liquidity, BigInt(position.liquidity.toString()))
  return args.tokenId
}
// The SDK makes the position for the amounts, so that the router's own rounding gives the same liquidity.
const around = (pool, steps, amount0, amount1) => {
  const middle = nearestUsableTick(pool.tickCurrent, pool.tickSpacing)
  return Position.fromAmounts({ pool, tickLower: middle - steps * pool.tickSpacing, tickUpper: middle + steps * pool.tickSpacing, amount0: amount0.toString(), amount1: amount1.toString(), useFullPrecision: true })
}
// A new pool, which the SDK's calldata creates and initializes with the first position.
const begin = async (a, b, fee, price, steps, amount0, amount1, options = {}) => {
  const [token0, token1] = a.sortsBefore(b) ? [a, b] : [b, a]
  const empty = new Pool(token0, token1, fee, encodeSqrtRatioX96(price, 1), 0, Math.floor(Math.log(price) / Math.log(1.0001)))
  return mint(around(empty, steps, amount0, amount1), { createPool: true, ...options })
}
const [barley, oats, rye] = [await created('Barley', 'BAR', 18), await created('Oats', 'OAT', 6), await created('Rye', 'RYE', 18)]
for (const token of [barley, oats, rye]) await approve(token, manager, 2n ** 256n - 1n)

const first = await begin(barley, oats, FeeAmount.MEDIUM, 1, 100, parseEther('1000'), parseEther('1000'))
assert.equal(first, 1n)
await begin(barley, grain.wrapped, FeeAmount.LOW, 4, 500, parseEther('100'), parseEther('100'), { useNative: grain })
await begin(oats, rye, FeeAmount.HIGH, 9, 20, parseEther('500'), parseEther('500'))
// Narrower positions, so that swaps cross ticks.
for (const steps of [1, 2, 5, 30]) {
  await mint(around(await poolOf(barley, oats, FeeAmount.MEDIUM), steps, parseEther('50'), parseEther('50')))
  await mint(around(await poolOf(barley, grain.wrapped, FeeAmount.LOW), steps, parseEther('2'), parseEther('2')), { useNative: grain })
}

// --- quotes and swaps ---
const routeOf = async (currencies, fees) => {
  const pools = []
  for (const [index, fee] of fees.entries()) pools.push(await poolOf(currencies[index].wrapped, currencies[index + 1].wrapped, fee))
  return new Route(pools, currencies[0], currencies.at(-1))
}
// The quoter's answer is the SDK's own, computed from the lens' ticks.
const tradeOf = async (currencies, fees, type, value) => {
  const route = await routeOf(currencies, fees)
  const given = amount(type === TradeType.EXACT_INPUT ? currencies[0] : currencies.at(-1), value)
  const trade = await Trade.fromRoute(route, given, type)
  const { calldata } = SwapQuoter.quoteCallParameters(route, given, type, { useQuoterV2: true })
  const { data } = await client.call({ to: quoter, data: calldata })
  const one = fees.length === 1 ? 'Single' : ''
  const functionName = type === TradeType.EXACT_INPUT ? `quoteExactInput${one}` : `quoteExactOutput${one}`
  const answer = decodeFunctionResult({ abi: quoterAbi, functionName, data })
  assert.equal(answer[0], raw(type === TradeType.EXACT_INPUT ? trade.outputAmount : trade.inputAmount), `${functionName} of ${currencies.map((it) => it.symbol)}`)
  return { trade, crossed: [answer[2]].flat().reduce((sum, count) => sum + Number(count), 0) }
}
const options = async (more) => ({ slippageTolerance: none, recipient: account.address, deadline: await soon(), ...more })
const swap = async (currencies, fees, type, value, more = {}) => {
  const { trade, crossed } = await tradeOf(currencies, fees, type, value)
  const parameters = SwapRouter.swapCallParameters(trade, await options(more))
  const ends = [currencies[0], currencies.at(-1)]
  const { receipt, by } = await moved(ends, () => send(router, parameters))
  assert.deepEqual(by, [-raw(trade.inputAmount), raw(trade.outputAmount)], `${currencies.map((it) => it.symbol)}: what is quoted is what moves`)
  assert.equal(parseEventLogs({ abi: poolAbi, logs: receipt.logs, eventName: 'Swap' }).length, fees.length)
  // Nothing stays at the router: what was too much is refunded, what is wrapped is unwrapped.
  assert.deepEqual([await balance(grain, router), await balance(grain.wrapped, router)], [0n, 0n])
  return crossed
}
for (const token of [barley, oats, rye]) await approve(token, router, 2n ** 256n - 1n)
const { EXACT_INPUT: exactIn, EXACT_OUTPUT: exactOut } = TradeType
let crossed = 0
for (const type of [exactIn, exactOut]) {
  // One pool, from a millionth of a token to the far side of every narrow position, there and back.
  for (const value of [1_000_000_000_003n, parseEther('1'), parseEther('75'), parseEther('400')]) {
    crossed += await swap([barley, oats], [FeeAmount.MEDIUM], type, value)
    crossed += await swap([oats, barley], [FeeAmount.MEDIUM], type, value)
  }
  // Several pools.
  await swap([barley, oats, rye], [FeeAmount.MEDIUM, FeeAmount.HIGH], type, parseEther('3'))
  await swap([rye, oats, barley], [FeeAmount.HIGH, FeeAmount.MEDIUM], type, parseEther('2'))
  // GRAIN in, which wraps and refunds, and out, which unwraps.
  await swap([grain, barley], [FeeAmount.LOW], type, parseEther('0.5'))
  await swap([barley, grain], [FeeAmount.LOW], type, parseEther('0.25'))
  await swap([grain, barley, oats, rye], [FeeAmount.LOW, FeeAmount.MEDIUM, FeeAmount.HIGH], type, parseEther('0.125'))
  await swap([rye, oats, barley, grain], [FeeAmount.HIGH, FeeAmount.MEDIUM, FeeAmount.LOW], type, parseEther('0.0625'))
}
assert.ok(crossed >= 10, `${crossed} ticks`)

// More GRAIN than an exact output needs is sent, and comes back.
{
  const { trade } = await tradeOf([grain, barley], [FeeAmount.LOW], exactOut, parseEther('0.1'))
  const parameters = SwapRouter.swapCallParameters(trade, await options({ slippageTolerance: new Percent(10, 100) }))
  assert.ok(BigInt(parameters.value) > raw(trade.inputAmount))
  const { by } = await moved([grain], () => send(router, parameters))
  assert.deepEqual(by, [-raw(trade.inputAmount)])
}
// A limit of the price ends a swap early, and the rest is not taken.
{
  const pool = await poolOf(barley, oats, FeeAmount.MEDIUM)
  const limit = BigInt(pool.sqrtRatioX96.toString()) * (barley.sortsBefore(oats) ? 999n : 1001n) / 1000n
  const { trade } = await tradeOf([barley, oats], [FeeAmount.MEDIUM], exactIn, parseEther('900'))
  const parameters = SwapRouter.swapCallParameters(trade, await options({ slippageTolerance: new Percent(99, 100), sqrtPriceLimitX96: limit.toString() }))
  const { by } = await moved([barley], () => send(router, parameters))
  assert.ok(by[0] < 0n && by[0] > -raw(trade.inputAmount))
  assert.equal((await read(Pool.getAddress(barley, oats, FeeAmount.MEDIUM, undefined, factory), poolAbi, 'slot0'))[0], limit)
}
// A part of the output goes to an interface, a hundredth of it.
{
  const recipient = '0x00000000000000000000000000000000000fee01'
  const { trade } = await tradeOf([barley, grain], [FeeAmount.LOW], exactIn, parseEther('0.3'))
  const parameters = SwapRouter.swapCallParameters(trade, await options({ fee: { fee: new Percent(1, 100), recipient } }))
  const { by } = await moved([grain], () => send(router, parameters))
  const part = raw(trade.outputAmount) / 100n
  assert.deepEqual([by[0], await balance(grain, recipient)], [raw(trade.outputAmount) - part, part])
}

// --- permits ---
const typed = (list) => list.map((field) => ({ type: field.split(' ')[0], name: field.split(' ')[1] }))
const signed = async (data) => {
  const { v, r, s } = parseSignature(await account.signTypedData(data))
  return { v: Number(v), r, s }
}
const permitOf = async (token, spender, value, deadline) => ({
  ...(await signed({
    domain: { name: token.name, version: '1', chainId, verifyingContract: token.address },
    types: { Permit: typed(['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline']) },
    primaryType: 'Permit',
    message: { owner: account.address, spender, value, nonce: await read(token.address, issuedAbi, 'nonces', [account.address]), deadline },
  })),
  amount: value.toString(),
  deadline: deadline.toString(),
})
await approve(rye, router, 0n)
await assert.rejects(swap([rye, oats], [FeeAmount.HIGH], exactIn, parseEther('1')), BaseError)
await swap([rye, oats], [FeeAmount.HIGH], exactIn, parseEther('1'), { inputTokenPermit: await permitOf(rye, router, parseEther('1'), BigInt(await soon())) })
assert.equal(await read(rye.address, erc20Abi, 'allowance', [account.address, router]), 0n)

// --- what the router refuses ---
{
  const { trade } = await tradeOf([barley, oats], [FeeAmount.MEDIUM], exactIn, parseEther('2'))
  const late = SwapRouter.swapCallParameters(trade, await options({}))
  await swap([barley, oats], [FeeAmount.MEDIUM], exactIn, parseEther('1'))
  await assert.rejects(client.call({ account, to: router, data: late.calldata }), /Too little received/)
  const expired = SwapRouter.swapCallParameters(trade, await options({ deadline: '1' }))
  await assert.rejects(client.call({ account, to: router, data: expired.calldata }), /Transaction too old/)
}

// --- a position from beginning to end ---
const positionOf = async (id, pool) => {
  const [, , token0, token1, fee, tickLower, tickUpper, liquidity] = await read(manager, managerAbi, 'positions', [id])
  assert.deepEqual([token0, token1, fee], [pool.token0.address, pool.token1.address, pool.fee])
  return new Position({ pool, tickLower, tickUpper, liquidity: liquidity.toString() })
}
const pairs = [barley, grain.wrapped]
const id = await mint(around(await poolOf(...pairs, FeeAmount.LOW), 3, parseEther('5'), parseEther('5')), { useNative: grain })
assert.equal(await read(manager, managerAbi, 'ownerOf', [id]), account.address)
await swap([grain, barley], [FeeAmount.LOW], exactIn, parseEther('1'))
await swap([barley, grain], [FeeAmount.LOW], exactIn, parseEther('0.3'))
// More of it, by a permit of the asset instead of an allowance.
await approve(barley, manager, 0n)
{
  const pool = await poolOf(...pairs, FeeAmount.LOW)
  const { tickLower, tickUpper } = await positionOf(id, pool)
  const more = Position.fromAmounts({ pool, tickLower, tickUpper, amount0: parseEther('1').toString(), amount1: parseEther('1').toString(), useFullPrecision: true })
  const permit = await permitOf(barley, manager, parseEther('1'), BigInt(await soon()))
  const parameters = NonfungiblePositionManager.addCallParameters(more, {
    slippageTolerance: none, deadline: await soon(), tokenId: id.toString(), useNative: grain, [barley.sortsBefore(grain.wrapped) ? 'token0Permit' : 'token1Permit']: permit,
  })
  const [token0, token1] = [pool.token0, pool.token1].map((token) => (token.equals(grain.wrapped) ? grain : token))
  const before = await positionOf(id, pool)
  const { by } = await moved([token0, token1], () => send(manager, parameters))
  assert.deepEqual(by, [more.mintAmounts.amount0, more.mintAmounts.amount1].map((paid) => -BigInt(paid.toString())))
  assert.equal(BigInt((await positionOf(id, pool)).liquidity.toString()), BigInt(before.liquidity.toString()) + BigInt(more.liquidity.toString()))
}
// What fees it has earned is what a call of collect says, and what arrives.
const owed = async () => {
  const most = 2n ** 128n - 1n
  const { result } = await client.simulateContract({ account, address: manager, abi: managerAbi, functionName: 'collect', args: [{ tokenId: id, recipient: account.address, amount0Max: most, amount1Max: most }] })
  return result
}
const natives = (pool) => [pool.token0, pool.token1].map((token) => (token.equals(grain.wrapped) ? grain : token))
await swap([grain, barley], [FeeAmount.LOW], exactIn, parseEther('0.7'))
{
  const pool = await poolOf(...pairs, FeeAmount.LOW)
  const fees = await owed()
  assert.ok(fees[0] > 0n && fees[1] > 0n)
  const currencies = natives(pool)
  const parameters = NonfungiblePositionManager.collectCallParameters({
    tokenId: id.toString(), expectedCurrencyOwed0: amount(currencies[0], fees[0]), expectedCurrencyOwed1: amount(currencies[1], fees[1]), recipient: account.address,
  })
  const { by } = await moved(currencies, () => send(manager, parameters))
  assert.deepEqual(by, fees)
  assert.deepEqual(await owed(), [0n, 0n])
}
// A third is removed, and then the rest with the token itself, by its owner's signature.
const remove = async (share, more) => {
  const pool = await poolOf(...pairs, FeeAmount.LOW)
  const position = await positionOf(id, pool)
  const part = new Position({ pool, tickLower: position.tickLower, tickUpper: position.tickUpper, liquidity: share.multiply(position.liquidity.toString()).quotient.toString() })
  const currencies = natives(pool)
  const parameters = NonfungiblePositionManager.removeCallParameters(position, {
    tokenId: id.toString(), liquidityPercentage: share, slippageTolerance: none, deadline: await soon(),
    collectOptions: { expectedCurrencyOwed0: amount(currencies[0], 0), expectedCurrencyOwed1: amount(currencies[1], 0), recipient: account.address },
    ...more,
  })
  const { by } = await moved(currencies, () => send(manager, parameters))
  assert.deepEqual(by, [raw(part.amount0), raw(part.amount1)], 'a part is worth what the SDK says')
}
await remove(new Percent(1, 3), {})

// The token describes its position, for wallets: JSON in a data URI.
const decoded = (uri) => {
  const [, base64, data] = /^data:[a-z0-9/+-]+(;base64)?,(.*)$/s.exec(uri)
  return base64 ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data)
}
const metadata = JSON.parse(decoded(await read(manager, managerAbi, 'tokenURI', [id])))
assert.ok(metadata.name.length > 0 && metadata.description.length > 0)
if (metadata.image !== undefined) {
  const image = decoded(metadata.image)
  assert.match(image, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.match(image, /<\/svg>$/)
}

{
  const deadline = await soon()
  const [nonce] = await read(manager, managerAbi, 'positions', [id])
  const { domain, types, values } = NonfungiblePositionManager.getPermitData({ spender: account.address, tokenId: id.toString(), nonce: nonce.toString(), deadline }, manager, chainId)
  // The permit is for somebody else: the owner needs none, and its signature is checked all the same.
  const stranger = privateKeyToAccount(`0x${'07'.repeat(32)}`)
  const message = { ...values, spender: stranger.address }
  const signature = await signed({ domain, types, primaryType: 'Permit', message })
  await remove(new Percent(1), { burnToken: true, permit: { ...signature, deadline, spender: stranger.address } })
}
await assert.rejects(read(manager, managerAbi, 'ownerOf', [id]), /owner query for nonexistent token/)
await assert.rejects(read(manager, managerAbi, 'positions', [id]), /Invalid token ID/)

// A token is handed over by the SDK's calldata.
await send(manager, NonfungiblePositionManager.safeTransferFromParameters({ sender: account.address, recipient: '0x00000000000000000000000000000000000fee01', tokenId: first.toString() }))
assert.equal((await read(manager, managerAbi, 'ownerOf', [first])).toLowerCase(), '0x00000000000000000000000000000000000fee01')

console.log('@uniswap/v3-sdk: all well')
