// Compiles Probe.sol to probe.json in the given folder: {abi, bytecode}.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import solc from 'solc'

const input = {
  language: 'Solidity',
  sources: { 'Probe.sol': { content: readFileSync(new URL('Probe.sol', import.meta.url), 'utf8') } },
  settings: { optimizer: { enabled: true }, outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
}
const output = JSON.parse(solc.compile(JSON.stringify(input)))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
const { abi, evm } = output.contracts['Probe.sol'].Probe
writeFileSync(join(process.argv[2], 'probe.json'), JSON.stringify({ abi, bytecode: '0x' + evm.bytecode.object }))
