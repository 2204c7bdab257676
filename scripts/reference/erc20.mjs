// Compiles an asset built from OpenZeppelin's contracts, with which ours is compared; writes its creation code to testdata/erc20/openzeppelin.hex.
//
//   npm install --no-save solc@0.8.37 @openzeppelin/contracts@5.4.0     # in a temporary folder with a copy of this file
//   node erc20.mjs PATH_TO/testdata/erc20
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import solc from 'solc'

const require = createRequire(import.meta.url)

const source = `// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Pausable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

contract Reference is ERC20Burnable, ERC20Permit, ERC20Capped, ERC20Pausable {
    error NotIssuer(address caller);

    address public immutable issuer = msg.sender;

    constructor(string memory name, uint256 cap) ERC20(name, "BAR") ERC20Permit(name) ERC20Capped(cap) {}

    modifier onlyIssuer() {
        if (msg.sender != issuer) revert NotIssuer(msg.sender);
        _;
    }

    function mint(address to, uint256 value) external onlyIssuer { _mint(to, value); }
    function pause() external onlyIssuer { _pause(); }
    function unpause() external onlyIssuer { _unpause(); }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Capped, ERC20Pausable) {
        super._update(from, to, value);
    }
}
`

const input = {
  language: 'Solidity',
  sources: { 'Reference.sol': { content: source } },
  settings: { optimizer: { enabled: true }, metadata: { bytecodeHash: 'none' }, outputSelection: { '*': { Reference: ['evm.bytecode.object'] } } },
}
const contents = (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') })
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: contents }))
for (const error of output.errors ?? []) {
  if (error.severity === 'error') throw new Error(error.formattedMessage)
}
writeFileSync(join(process.argv[2], 'openzeppelin.hex'), output.contracts['Reference.sol'].Reference.evm.bytecode.object + '\n')
