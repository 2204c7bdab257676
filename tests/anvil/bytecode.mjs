// Random programs of the machine: valid as to the stack for most of their length, then whatever comes.
const OPERATIONS = {
  // Name, code, taken from the stack, put there. Nothing that tells the time, the fee or a balance: two nodes may differ in those.
  arithmetic: [[0x01, 2, 1], [0x02, 2, 1], [0x03, 2, 1], [0x04, 2, 1], [0x05, 2, 1], [0x06, 2, 1], [0x07, 2, 1], [0x08, 3, 1], [0x09, 3, 1], [0x0b, 2, 1]],
  comparison: [[0x10, 2, 1], [0x11, 2, 1], [0x12, 2, 1], [0x13, 2, 1], [0x14, 2, 1], [0x15, 1, 1], [0x16, 2, 1], [0x17, 2, 1], [0x18, 2, 1], [0x19, 1, 1], [0x1a, 2, 1], [0x1b, 2, 1], [0x1c, 2, 1], [0x1d, 2, 1], [0x1e, 1, 1]],
  surroundings: [[0x30, 0, 1], [0x32, 0, 1], [0x33, 0, 1], [0x34, 0, 1], [0x36, 0, 1], [0x38, 0, 1], [0x3d, 0, 1], [0x46, 0, 1], [0x58, 0, 1], [0x59, 0, 1], [0x5a, 0, 1]],
  stack: [[0x50, 1, 0], [0x80, 1, 2], [0x81, 2, 3], [0x83, 4, 5], [0x90, 2, 2], [0x91, 3, 3], [0x5b, 0, 0]],
}
const ALL = Object.values(OPERATIONS).flat()
const push = (value) => {
  const hex = value === 0n ? '' : value.toString(16)
  const bytes = hex.length % 2 ? `0${hex}` : hex
  return (0x5f + bytes.length / 2).toString(16) + bytes
}

export function program(random) {
  let code = ''
  let depth = 0
  const put = (...values) => { for (const value of values) code += push(value) }
  const small = () => BigInt(random.below(300))
  const wide = () => [0n, 1n, small(), BigInt(random.below(2 ** 32)), (1n << 255n), (1n << 256n) - 1n, (1n << BigInt(random.below(256))) - BigInt(random.below(2))][random.below(7)]
  const memory = [
    () => { put(wide(), small()); code += '52' }, // mstore
    () => { put(small(), small()); code += '53' }, // mstore8
    () => { put(small()); code += '51'; depth += 1 }, // mload
    () => { put(small(), small()); code += '20'; depth += 1 }, // keccak256
    () => { put(small(), small(), small()); code += '5e' }, // mcopy
    () => { put(small(), small(), small()); code += ['37', '39'][random.below(2)] }, // calldatacopy, codecopy
    () => { put(small()); code += '35'; depth += 1 }, // calldataload
  ]
  const storage = [
    () => { put(wide(), BigInt(random.below(6))); code += '55' }, // sstore
    () => { put(BigInt(random.below(6))); code += '54'; depth += 1 }, // sload
    () => { put(wide(), BigInt(random.below(4))); code += '5d' }, // tstore
    () => { put(BigInt(random.below(4))); code += '5c'; depth += 1 }, // tload
    () => { put(small(), small(), small()); code += 'a1' }, // log1, its topic on top last
  ]
  const others = [
    // A call of a precompile or of nobody, with what lies in memory.
    () => { put(small(), small(), small(), small(), 0n, BigInt(random.below(24)), BigInt(20000 + random.below(80000))); code += 'f1'; depth += 1 },
    () => { put(small(), small(), small(), small(), BigInt(random.below(24)), BigInt(random.below(60000))); code += ['f4', 'fa'][random.below(2)]; depth += 1 },
    () => { put(small(), small(), 0n); code += 'f0'; depth += 1 }, // create of whatever lies in memory
    () => { put(BigInt(random.below(24))); code += ['3b', '3f'][random.below(2)]; depth += 1 }, // extcodesize, extcodehash
  ]
  for (let length = 10 + random.below(120); length > 0; length--) {
    const kind = random.below(10)
    if (kind < 4) {
      const [operation, taken, given] = ALL[random.below(ALL.length)]
      while (depth < taken) { put(wide()); depth += 1 }
      code += operation.toString(16).padStart(2, '0')
      depth += given - taken
    } else if (kind < 6) memory[random.below(memory.length)]()
    else if (kind < 8) storage[random.below(storage.length)]()
    else if (kind < 9) others[random.below(others.length)]()
    else { put(wide()); depth += 1 }
    if (depth > 900) { code += '50'.repeat(800); depth -= 800 }
  }
  const endings = ['00', '60406000f3', '60206000fd', 'fe', '56', Array.from({ length: 12 }, () => random.below(256).toString(16).padStart(2, '0')).join('')]
  return `0x${code}${endings[random.below(endings.length)]}`
}
