// Contracts by name, {abi, bytecode}: ours compiled with OpenZeppelin's, and Uniswap's as they are packaged.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import solc from 'solc'

const { resolve } = createRequire(import.meta.url)
const read = (path) => readFileSync(resolve(path), 'utf8')

const input = {
  language: 'Solidity',
  sources: { 'Contracts.sol': { content: readFileSync(new URL('Contracts.sol', import.meta.url), 'utf8') } },
  settings: { optimizer: { enabled: true }, outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
}
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
const compiled = Object.entries(output.contracts['Contracts.sol'])
  .map(([name, { abi, evm }]) => [name, { abi, bytecode: `0x${evm.bytecode.object}` }])
const packaged = ['@uniswap/v2-core/build/UniswapV2Factory.json', '@uniswap/v2-core/build/UniswapV2Pair.json',
  '@uniswap/v2-periphery/build/UniswapV2Router02.json', '@uniswap/v2-periphery/build/WETH9.json'].map((path) => {
  const { abi, bytecode } = JSON.parse(read(path))
  return [path.split('/').pop().split('.')[0], { abi, bytecode: bytecode.startsWith('0x') ? bytecode : `0x${bytecode}` }]
})
export const contracts = Object.fromEntries([...compiled, ...packaged])
