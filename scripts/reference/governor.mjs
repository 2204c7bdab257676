// Compiles what the governor is compared with: OpenZeppelin's Governor with five of its extensions, a token with votes, and a target of calls. The first is written to a
// folder outside the repository, the other two, which recorded sequences need, to testdata/governor.
//
//   # in a scratch folder that holds a copy of this file
//   npm install --no-save solc8@npm:solc@0.8.28 @openzeppelin/contracts@5.4.0
//   node governor.mjs BYTECODE_FOLDER PATH_TO/testdata/governor
//
// Then, in the repository, compare 10,000 random steps, or record 300:
//
//   cargo run --release -p execution --example against_bytecode -- BYTECODE_FOLDER governor 10000 1
//   cargo run --release -p execution --example against_bytecode -- BYTECODE_FOLDER governor 300 1 testdata/governor/governor.txt
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const [bytecode, testdata] = process.argv.slice(2)
mkdirSync(bytecode, { recursive: true })
mkdirSync(testdata, { recursive: true })

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {GovernorVotesQuorumFraction} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

// The extensions, and a delay between queueing and execution.
contract TokenGovernor is GovernorSettings, GovernorCountingSimple, GovernorVotesQuorumFraction, GovernorPreventLateQuorum {
    uint32 private delay;

    event ExecutionDelaySet(uint256 oldExecutionDelay, uint256 newExecutionDelay);
    error GovernorUnmetDelay(uint256 proposalId, uint256 neededTimestamp);

    constructor(string memory name_, IVotes token_, uint48 votingDelay_, uint32 votingPeriod_, uint256 threshold_, uint256 quorum_, uint48 extension_, uint32 delay_)
        Governor(name_) GovernorSettings(votingDelay_, votingPeriod_, threshold_) GovernorVotes(token_) GovernorVotesQuorumFraction(quorum_)
        GovernorPreventLateQuorum(extension_) { delay = delay_; }

    function executionDelay() external view returns (uint256) { return delay; }
    function setExecutionDelay(uint32 newExecutionDelay) external onlyGovernance {
        emit ExecutionDelaySet(delay, newExecutionDelay);
        delay = newExecutionDelay;
    }
    function proposalNeedsQueuing(uint256) public pure override returns (bool) { return true; }
    function _queueOperations(uint256, address[] memory, uint256[] memory, bytes[] memory, bytes32) internal view override returns (uint48) {
        return uint48(block.timestamp) + delay;
    }
    function _executeOperations(uint256 id, address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 description) internal override {
        uint256 eta = proposalEta(id);
        if (eta == 0) revert GovernorNotQueuedProposal(id);
        if (block.timestamp < eta) revert GovernorUnmetDelay(id, eta);
        super._executeOperations(id, targets, values, calldatas, description);
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) { return super.proposalThreshold(); }
    function proposalDeadline(uint256 id) public view override(Governor, GovernorPreventLateQuorum) returns (uint256) { return super.proposalDeadline(id); }
    function _tallyUpdated(uint256 id) internal override(Governor, GovernorPreventLateQuorum) { super._tallyUpdated(id); }
}

// A token with votes, whose clock can be odd: 1 reverts, 2 returns 31 bytes, 3 returns more than 48 bits.
contract VotesToken is ERC20, ERC20Votes {
    uint8 public mode;

    error Odd(uint8 mode);

    constructor() ERC20("Votes", "VOTE") EIP712("Votes", "1") {}
    function setMode(uint8 mode_) external { mode = mode_; }
    function mint(address to, uint256 value) external { _mint(to, value); }
    function burn(address from, uint256 value) external { _burn(from, value); }
    function clock() public view override returns (uint48) {
        if (mode == 1) revert Odd(mode);
        if (mode == 2) assembly { return(0, 31) }
        if (mode == 3) assembly { mstore(0, not(0)) return(0, 32) }
        return uint48(block.timestamp);
    }
    function CLOCK_MODE() public view override returns (string memory) {
        if (mode == 1) revert Odd(mode);
        return "mode=timestamp";
    }
    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) { super._update(from, to, value); }
}

// What proposals call, and an account with code that signs by ERC-1271.
contract Target {
    uint256 public number;
    bool public signs;

    event Called(address caller, uint256 value, uint256 number);
    error Refused(uint256 number);

    receive() external payable {}
    function set(uint256 number_) external payable { number = number_; emit Called(msg.sender, msg.value, number_); }
    function refuse(uint256 number_) external { number = number_; revert Refused(number_); }
    function refuseSilently() external pure { assembly { revert(0, 0) } }
    function setSigns(bool signs_) external { signs = signs_; }
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) { return signs ? bytes4(0x1626ba7e) : bytes4(0xffffffff); }
    function callBack(address to, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory returned) = to.call(data);
        if (!success) assembly { revert(add(returned, 32), mload(returned)) }
        return returned;
    }
}
`

const find = (path) => {
  const file = join('node_modules', path)
  return existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: `${path}: not found` }
}
const input = {
  language: 'Solidity',
  sources: { 'Governor.sol': { content: source } },
  settings: {
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: 'none' },
    outputSelection: { '*': { '*': ['evm.bytecode.object', 'storageLayout'] } },
  },
}
const output = JSON.parse(require('solc8').compile(JSON.stringify(input), { import: find }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
const of = (name) => output.contracts['Governor.sol'][name]
writeFileSync(join(bytecode, 'governor.hex'), of('TokenGovernor').evm.bytecode.object + '\n')
writeFileSync(join(bytecode, 'governor.layout.json'), JSON.stringify(of('TokenGovernor').storageLayout, null, 1))
for (const [name, file] of [['VotesToken', 'votes'], ['Target', 'target']]) {
  writeFileSync(join(testdata, `${file}.hex`), of(name).evm.bytecode.object + '\n')
}
