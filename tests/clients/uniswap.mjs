// Trades as an interface of Uniswap v2 makes them: its SDK finds the pairs, quotes, and writes the router's calls. Arguments: RPC url, private key of a
// funded account.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, defineChain, encodeFunctionData, erc20Abi, http, parseAbi, parseEther, parseEventLogs, parseSignature } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

// As modules for import they lack file extensions.
const require = createRequire(import.meta.url)
const { FACTORY_ADDRESS_MAP, Pair, Route, Router, Trade } = require('@uniswap/v2-sdk')
const { CurrencyAmount, NativeCurrency, Percent, Token } = require('@uniswap/sdk-core')

const [url, key] = process.argv.slice(2)
const [factory, router, wrapped, assets] = [6, 7, 8, 4].map((number) => `0x6c${String(number).padStart(38, '0')}`)
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

const assetsAbi = parseAbi([
  'struct Terms { string name; string symbol; uint8 decimals; uint256 cap; string uri; address issuer; bool pausable; bool burnable; bool transferable; bool renounceable; }',
  'function create(Terms terms) returns (address asset)',
  'event AssetCreated(address indexed asset, address indexed creator, address indexed issuer, Terms terms)',
])
const issuedAbi = parseAbi(['function mint(address to, uint256 value)'])
const factoryAbi = parseAbi(['function getPair(address tokenA, address tokenB) view returns (address pair)', 'function allPairsLength() view returns (uint256)'])
const pairAbi = [
  ...erc20Abi,
  ...parseAbi([
    'function getReserves() view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast)',
    'function token0() view returns (address)',
    'function nonces(address owner) view returns (uint256)',
    'event Swap(address indexed sender, uint256 amount0In, uint256 amount1In, uint256 amount0Out, uint256 amount1Out, address indexed to)',
  ]),
]
const wrappedAbi = [...erc20Abi, ...parseAbi(['function deposit() payable', 'function withdraw(uint256 wad)'])]
const routerAbi = parseAbi([
  'function addLiquidity(address tokenA, address tokenB, uint256 amountADesired, uint256 amountBDesired, uint256 amountAMin, uint256 amountBMin, address to, uint256 deadline) returns (uint256 amountA, uint256 amountB, uint256 liquidity)',
  'function addLiquidityETH(address token, uint256 amountTokenDesired, uint256 amountTokenMin, uint256 amountETHMin, address to, uint256 deadline) payable returns (uint256 amountToken, uint256 amountETH, uint256 liquidity)',
  'function removeLiquidityETHWithPermit(address token, uint256 liquidity, uint256 amountTokenMin, uint256 amountETHMin, address to, uint256 deadline, bool approveMax, uint8 v, bytes32 r, bytes32 s) returns (uint256 amountToken, uint256 amountETH)',
  'function swapExactTokensForTokens(uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline) returns (uint256[] amounts)',
  'function swapTokensForExactTokens(uint256 amountOut, uint256 amountInMax, address[] path, address to, uint256 deadline) returns (uint256[] amounts)',
  'function swapExactETHForTokens(uint256 amountOutMin, address[] path, address to, uint256 deadline) payable returns (uint256[] amounts)',
  'function swapETHForExactTokens(uint256 amountOut, address[] path, address to, uint256 deadline) payable returns (uint256[] amounts)',
  'function swapExactTokensForETH(uint256 amountIn, uint256 amountOutMin, address[] path, address to, uint256 deadline) returns (uint256[] amounts)',
  'function swapTokensForExactETH(uint256 amountOut, uint256 amountInMax, address[] path, address to, uint256 deadline) returns (uint256[] amounts)',
])

const created = async (name, symbol, decimals) => {
  const terms = { name, symbol, decimals, cap: 2n ** 128n, uri: '', issuer: account.address, pausable: false, burnable: false, transferable: false, renounceable: false }
  const receipt = await mined(wallet.writeContract({ address: assets, abi: assetsAbi, functionName: 'create', args: [terms] }))
  const { asset } = parseEventLogs({ abi: assetsAbi, logs: receipt.logs })[0].args
  await mined(wallet.writeContract({ address: asset, abi: issuedAbi, functionName: 'mint', args: [account.address, 10n ** 24n] }))
  await mined(wallet.writeContract({ address: asset, abi: erc20Abi, functionName: 'approve', args: [router, 2n ** 256n - 1n] }))
  return new Token(chainId, asset, decimals, symbol, name)
}
const balance = (token) => (token.isNative ? client.getBalance({ address: account.address }) : client.readContract({ address: token.address, abi: erc20Abi, functionName: 'balanceOf', args: [account.address] }))
const atRouter = (functionName, args, value = 0n) => wallet.writeContract({ address: router, abi: routerAbi, functionName, args, value })
const soon = async () => (await client.getBlock()).timestamp + 600n

// GRAIN as the SDK knows ether: unwrapped, and where it answers ERC-20.
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
const [barley, oats] = [await created('Barley', 'BAR', 18), await created('Oats', 'OAT', 6)]

// what everybody who knows v2 expects of a pair with 5 and 10
await mined(atRouter('addLiquidity', [barley.address, oats.address, parseEther('5'), parseEther('10'), 0n, 0n, account.address, await soon()]))
await mined(atRouter('addLiquidityETH', [barley.address, parseEther('50'), 0n, 0n, account.address, await soon()], parseEther('20')))
FACTORY_ADDRESS_MAP[chainId] = factory
assert.equal(await client.readContract({ address: factory, abi: factoryAbi, functionName: 'allPairsLength' }), 2n)

// the SDK finds the pairs, with the addresses that it computes
const pairOf = async (a, b) => {
  const address = Pair.getAddress(a, b)
  assert.equal(await client.readContract({ address: factory, abi: factoryAbi, functionName: 'getPair', args: [a.address, b.address] }), address)
  const [reserve0, reserve1] = await client.readContract({ address, abi: pairAbi, functionName: 'getReserves' })
  const [token0, token1] = a.sortsBefore(b) ? [a, b] : [b, a]
  assert.equal(await client.readContract({ address, abi: pairAbi, functionName: 'token0' }), token0.address)
  return new Pair(CurrencyAmount.fromRawAmount(token0, reserve0.toString()), CurrencyAmount.fromRawAmount(token1, reserve1.toString()))
}
const shares = await client.readContract({ address: Pair.getAddress(barley, oats), abi: pairAbi, functionName: 'balanceOf', args: [account.address] })
assert.equal(shares, 7071067811865474244n)

// what it quotes is what arrives, to the smallest unit
const options = { allowedSlippage: new Percent(50, 10_000), recipient: account.address, ttl: 600 }
// The SDK gives amounts in hexadecimal.
const callOf = (trade) => {
  const { methodName, args, value } = Router.swapCallParameters(trade, options)
  return { methodName, args: args.map((argument) => (Array.isArray(argument) || argument.length === 42 ? argument : BigInt(argument))), value: BigInt(value) }
}
const execute = async (trade) => {
  const { methodName, args, value } = callOf(trade)
  const [paid, got] = [trade.inputAmount.currency, trade.outputAmount.currency]
  const before = [await balance(paid), await balance(got)]
  const data = encodeFunctionData({ abi: routerAbi, functionName: methodName, args })
  const receipt = await mined(wallet.sendTransaction({ to: router, data, value }))
  const fee = receipt.gasUsed * receipt.effectiveGasPrice
  const after = [await balance(paid), await balance(got)]
  assert.equal(before[0] - after[0] - (paid.isNative ? fee : 0n), BigInt(trade.inputAmount.quotient.toString()), methodName)
  assert.equal(after[1] - before[1] + (got.isNative ? fee : 0n), BigInt(trade.outputAmount.quotient.toString()), methodName)
  return receipt
}
const amount = (currency, raw) => CurrencyAmount.fromRawAmount(currency, raw.toString())
const first = Trade.exactIn(new Route([await pairOf(barley, oats)], barley, oats), amount(barley, parseEther('1')))
assert.equal(first.outputAmount.quotient.toString(), '1662497915624478906')
const receipt = await execute(first)
assert.equal(receipt.logs.length, 4)
assert.equal(parseEventLogs({ abi: pairAbi, logs: receipt.logs, eventName: 'Swap' }).length, 1)
const reserves = await pairOf(barley, oats)
assert.deepEqual([reserves.reserveOf(barley), reserves.reserveOf(oats)].map((of) => of.quotient.toString()), ['6000000000000000000', '8337502084375521094'])

// GRAIN in and out, exact in and exact out, along two pairs
const way = async (from, to) => {
  const pairs = [await pairOf(grain.wrapped, barley), await pairOf(barley, oats)]
  return new Route(from === oats ? pairs.reverse() : pairs, from, to)
}
await execute(Trade.exactIn(await way(grain, oats), amount(grain, parseEther('0.25'))))
await execute(Trade.exactOut(await way(grain, oats), amount(oats, 1_000_003n)))
await execute(Trade.exactIn(await way(oats, grain), amount(oats, 10n ** 16n)))
await execute(Trade.exactOut(await way(oats, grain), amount(grain, parseEther('0.001'))))
await execute(Trade.exactOut(new Route([await pairOf(barley, oats)], oats, barley), amount(barley, 12_345n)))

// the tolerance is the router's to keep: the price has moved
const late = callOf(Trade.exactIn(new Route([await pairOf(barley, oats)], oats, barley), amount(oats, parseEther('1'))))
await execute(Trade.exactIn(new Route([await pairOf(barley, oats)], oats, barley), amount(oats, parseEther('1'))))
await assert.rejects(client.simulateContract({ account, address: router, abi: routerAbi, functionName: late.methodName, args: late.args }), (error) => {
  assert.ok(error instanceof BaseError)
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError)
  return reverted.reason === 'UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT'
})

// shares are worth what the SDK says; they are removed with a permit, and the GRAIN among them is unwrapped
const address = Pair.getAddress(barley, grain.wrapped)
const share = new Token(chainId, address, 18, 'UNI-V2', 'Uniswap V2')
const [supply, liquidity] = [await client.readContract({ address, abi: pairAbi, functionName: 'totalSupply' }), await balance(share)]
const pair = await pairOf(barley, grain.wrapped)
const worth = [barley, grain.wrapped].map((token) => BigInt(pair.getLiquidityValue(token, amount(share, supply), amount(share, liquidity)).quotient.toString()))
const deadline = await soon()
const types = { Permit: ['owner address', 'spender address', 'value uint256', 'nonce uint256', 'deadline uint256'].map((field) => ({ name: field.split(' ')[0], type: field.split(' ')[1] })) }
const nonce = await client.readContract({ address, abi: pairAbi, functionName: 'nonces', args: [account.address] })
const domain = { name: 'Uniswap V2', version: '1', chainId, verifyingContract: address }
const message = { owner: account.address, spender: router, value: liquidity, nonce, deadline }
const { v, r, s } = parseSignature(await account.signTypedData({ domain, types, primaryType: 'Permit', message }))
const before = [await balance(barley), await balance(grain)]
const removal = await mined(atRouter('removeLiquidityETHWithPermit', [barley.address, liquidity, ...worth, account.address, deadline, false, Number(v), r, s]))
assert.equal(await balance(barley) - before[0], worth[0])
assert.equal(await balance(grain) - before[1] + removal.gasUsed * removal.effectiveGasPrice, worth[1])

// GRAIN is wrapped by a plain send, too
await mined(wallet.sendTransaction({ to: wrapped, value: 7n }))
await mined(wallet.writeContract({ address: wrapped, abi: wrappedAbi, functionName: 'deposit', value: 3n }))
assert.equal(await balance(grain.wrapped), 10n)
await mined(wallet.writeContract({ address: wrapped, abi: wrappedAbi, functionName: 'withdraw', args: [10n] }))
assert.equal(await balance(grain.wrapped), 0n)

console.log('@uniswap/v2-sdk: all well')
