// Compiles Chainlink's FluxAggregator, whose answers price feeds are compared with, to a folder outside the repository.
//
//   # in a scratch folder that holds a copy of this file
//   npm install --no-save solc6@npm:solc@0.6.6
//   npm pack @chainlink/contracts@0.6.1 && mkdir -p chainlink && tar xzf chainlink-contracts-*.tgz -C chainlink
//   node price_feeds.mjs SCRATCH
//
// Then, in the repository, compare 2,000 rounds, or record 120:
//
//   cargo run --release -p execution --example against_chainlink -- SCRATCH 2000 1
//   cargo run --release -p execution --example against_chainlink -- SCRATCH 120 1 testdata/price-feeds/flux.txt
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const solc = createRequire(import.meta.url)('solc6')
const [scratch] = process.argv.slice(2)
const root = 'chainlink/package/src/v0.6/FluxAggregator.sol'
const find = (path) => (existsSync(path) ? { contents: readFileSync(path, 'utf8') } : { error: `${path}: not found` })
const input = {
  language: 'Solidity',
  sources: { [root]: { content: readFileSync(root, 'utf8') } },
  settings: { optimizer: { enabled: true, runs: 200 }, outputSelection: { [root]: { FluxAggregator: ['evm.bytecode.object'] } } },
}
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
mkdirSync(scratch, { recursive: true })
writeFileSync(join(scratch, 'flux.hex'), output.contracts[root].FluxAggregator.evm.bytecode.object + '\n')
