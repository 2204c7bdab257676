// Typical use of hardhat's helpers and matchers. Runs against hardhat's own node as well.
const { expect } = require('chai')
const { ethers, network } = require('hardhat')
const helpers = require('@nomicfoundation/hardhat-network-helpers')
const { PANIC_CODES } = require('@nomicfoundation/hardhat-chai-matchers/panic')

const stranger = '0x1111111111111111111111111111111111111111'

async function deployed() {
  const [owner, other] = await ethers.getSigners()
  const opens = (await helpers.time.latest()) + 1000
  const vault = await ethers.deployContract('Vault', [opens], { value: 5n })
  await vault.waitForDeployment()
  return { vault, opens, owner, other }
}
const fixture = () => helpers.loadFixture(deployed)

describe('helpers', () => {
  it('bring a fixture back', async () => {
    const { vault } = await fixture()
    const height = await ethers.provider.getBlockNumber()
    await helpers.setBalance(vault.target, 77n)
    await helpers.mine(3)
    await fixture()
    expect(await ethers.provider.getBlockNumber()).to.equal(height)
    expect(await ethers.provider.getBalance(vault)).to.equal(5n)
  })

  it('move time', async () => {
    const { vault, opens } = await fixture()
    expect(await helpers.time.increase(100)).to.equal(await helpers.time.latest())
    await helpers.time.setNextBlockTimestamp(opens)
    await expect(vault.open()).to.emit(vault, 'Opened').withArgs(5n, opens)
    await expect(helpers.time.increaseTo(opens - 1)).to.be.rejected
  })

  it('mine a voting period', async () => {
    const { vault } = await fixture()
    await vault.note('before')
    const height = await helpers.time.latestBlock()
    await helpers.mine(20_000, { interval: 12 })
    expect(await helpers.time.latestBlock()).to.equal(height + 20_000)
    await helpers.mineUpTo(height + 20_005)
    expect((await vault.queryFilter('Noted')).length).to.equal(1)
  })

  it('change accounts', async () => {
    const { vault } = await fixture()
    await helpers.setStorageAt(vault.target, 0, 999)
    expect(await vault.opens()).to.equal(999n)
    await helpers.setCode(stranger, await ethers.provider.getCode(vault))
    expect(await ethers.provider.getCode(stranger)).to.equal(await ethers.provider.getCode(vault))
    await helpers.setNonce('0x2222222222222222222222222222222222222222', 5)
    await helpers.setNextBlockBaseFeePerGas(12_345_678_901n)
    await helpers.mine()
    expect((await ethers.provider.getBlock('latest')).baseFeePerGas).to.equal(12_345_678_901n)
  })

  it('send in the name of others', async () => {
    const { vault } = await fixture()
    await helpers.setBalance(stranger, 10n ** 18n)
    const signer = await ethers.getImpersonatedSigner(stranger)
    await expect(vault.connect(signer).note('mine')).to.emit(vault, 'Noted').withArgs(stranger, 'mine', [0n, 5n])
    await helpers.stopImpersonatingAccount(stranger)
    await expect(vault.connect(signer).note('mine')).to.be.rejected
  })

  it('take snapshots, and drop what waits', async () => {
    const [owner] = await ethers.getSigners()
    const snapshot = await helpers.takeSnapshot()
    const height = await helpers.time.latestBlock()
    await network.provider.send('evm_setAutomine', [false])
    const { hash } = await owner.sendTransaction({ to: owner, value: 1n })
    expect(await helpers.dropTransaction(hash)).to.equal(true)
    await network.provider.send('evm_setAutomine', [true])
    await helpers.mine(2)
    await snapshot.restore()
    expect(await helpers.time.latestBlock()).to.equal(height)
  })
})

describe('matchers', () => {
  it('see reasons', async () => {
    const { vault, opens, owner, other } = await fixture()
    for (const call of [vault.open, vault.open.staticCall, vault.open.estimateGas]) {
      await expect(call()).to.be.revertedWithCustomError(vault, 'NotYet').withArgs(opens, owner.address)
    }
    await helpers.time.increaseTo(opens)
    await expect(vault.connect(other).open()).to.be.revertedWith('not yours')
    await expect(vault.open()).not.to.be.reverted
    const factory = await ethers.getContractFactory('Vault')
    await expect(factory.deploy(await helpers.time.latest())).to.be.revertedWith('must open in the future')
  })

  it('see reverts of every kind, in a block too', async () => {
    const { vault } = await fixture()
    const height = await helpers.time.latestBlock()
    await expect(vault.shut()).to.be.revertedWithCustomError(vault, 'Shut')
    await expect(vault.shut({ gasLimit: 100_000 })).to.be.revertedWithCustomError(vault, 'Shut')
    await expect(vault.silent()).to.be.revertedWithoutReason()
    await expect(vault.overflow()).to.be.revertedWithPanic(PANIC_CODES.ARITHMETIC_OVERFLOW)
    await expect(vault.divide(0)).to.be.revertedWithPanic(PANIC_CODES.DIVISION_BY_ZERO)
    await expect(vault.outside()).to.be.revertedWithPanic(PANIC_CODES.ARRAY_ACCESS_OUT_OF_BOUNDS)
    await expect(vault.wrong()).to.be.revertedWithPanic(PANIC_CODES.ASSERTION_ERROR)
    await expect(vault.invalid()).to.be.reverted
    // As on hardhat's node: on the network localhost its signers give a gas limit, so each transaction is in a block and failed there.
    expect(await helpers.time.latestBlock()).to.equal(height + 8)
    expect((await ethers.provider.getBlock('latest')).transactions.length).to.equal(1)
  })

  it('see what moves', async () => {
    const { vault, opens, owner, other } = await fixture()
    await helpers.time.increaseTo(opens)
    await expect(vault.open()).to.changeEtherBalances([owner, vault], [5n, -5n])
    await expect(owner.sendTransaction({ to: other, value: 200n })).to.changeEtherBalance(other, 200n)
  })
})
