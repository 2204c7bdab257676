// An ordinary project, except that the compiler is that of the package; hardhat would download one.
require('@nomicfoundation/hardhat-ethers')
require('@nomicfoundation/hardhat-chai-matchers')
const { subtask } = require('hardhat/config')
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names')
const { version } = require('solc/package.json')

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: require.resolve('solc/soljson.js'), isSolcJs: true, version, longVersion: require('solc').version(),
}))

module.exports = {
  solidity: { version, settings: { optimizer: { enabled: true, runs: 200 } } },
  networks: { localhost: { url: process.env.GLEANER_URL ?? 'http://127.0.0.1:8545' } },
}
