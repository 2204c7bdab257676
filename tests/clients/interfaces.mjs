// Compares what solc makes of NAME.sol with NAME.json, for each NAME given: usage `node interfaces.mjs NAME…`, in the folder of the files.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import solc from "solc";

const names = process.argv.slice(2);
const sources = Object.fromEntries(names.map((name) => [`${name}.sol`, { content: readFileSync(`${name}.sol`, "utf8") }]));
const settings = { outputSelection: { "*": { "*": ["abi"] } } };
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
assert.deepEqual(errors.map((error) => error.formattedMessage), []);

// A module answers several interfaces, whose items are sorted together and stand once.
const sorted = (items) => [...new Set(items.map((item) => JSON.stringify(item, Object.keys(flat(item)).sort())))].sort();
const flat = (value, keys = {}) => {
  for (const [key, inner] of Object.entries(value)) {
    keys[key] = true;
    if (inner && typeof inner === "object") flat(inner, keys);
  }
  return keys;
};

let count = 0;
for (const name of names) {
  const theirs = Object.values(output.contracts[`${name}.sol`]).flatMap((contract) => contract.abi);
  const ours = JSON.parse(readFileSync(`${name}.json`, "utf8"));
  assert.deepEqual(sorted(ours), sorted(theirs), name);
  assert.equal(ours.length, sorted(ours).length, `${name}: an item stands twice`);
  count += ours.length;
}
console.log(`${names.length} modules: ${count} functions, events and errors as solc has them`);
