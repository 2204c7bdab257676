//! What a module may do, and how it fails.

use abi::ModuleErrors;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolError, SolEvent};
use ed25519_dalek::{Signature, VerifyingKey};

/// Gas for verifying an ed25519 signature. On the machine it was measured on, `verify_strict` takes about as long as libsecp256k1's recovery, for
/// which Ethereum charges 3,000; pure-Rust code elsewhere is slower, hence the margin.
const SIGNATURE_GAS: u64 = 5_000;
/// Gas for a BLAKE3 seal: one compression, priced as a generous hash.
pub(crate) const SEAL_GAS: u64 = 200;

/// The code of an account that a module answers for: one invalid opcode, so that the account exists and compilers see code there.
pub(crate) const MODULE_CODE: [u8; 1] = [0xfe];

/// How a call ends that does not do what was asked. Whatever it changed is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The caller's fault; the bytes are an ABI-encoded error.
    Revert(Bytes),
    /// More gas would be needed.
    OutOfGas,
    /// The database does not answer: the node can't go on.
    Database(String),
}

impl Failure {
    pub(crate) fn revert(error: &impl SolError) -> Self {
        Self::Revert(error.abi_encode().into())
    }
}

/// The EVM as a module sees it. All of it is metered.
pub trait Host {
    /// Uses gas up.
    ///
    /// # Errors
    /// [`Failure::OutOfGas`].
    fn charge(&mut self, gas: u64) -> Result<(), Failure>;
    /// The module that was called.
    fn module(&self) -> Address;
    /// Reads a slot of a module: the one that was called, or another.
    ///
    /// # Errors
    /// Out of gas, or a database fault.
    fn load_of(&mut self, module: Address, slot: U256) -> Result<U256, Failure>;
    /// Reads a slot of the module that was called.
    ///
    /// # Errors
    /// Out of gas, or a database fault.
    fn load(&mut self, slot: U256) -> Result<U256, Failure> {
        self.load_of(self.module(), slot)
    }
    /// Writes a slot of the module that was called.
    ///
    /// # Errors
    /// Out of gas, or a database fault.
    fn store(&mut self, slot: U256, value: U256) -> Result<(), Failure> {
        self.store_of(self.module(), slot, value)
    }
    /// Writes a slot of a module: the one that was called, or one that it has just created.
    ///
    /// # Errors
    /// Out of gas, or a database fault.
    fn store_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure>;
    /// Publishes a log of the module.
    ///
    /// # Errors
    /// Out of gas.
    fn log(&mut self, topics: Vec<B256>, data: Bytes) -> Result<(), Failure>;
    /// Moves native value out of the module.
    ///
    /// # Errors
    /// Out of gas, a database fault, or more than the module holds, which no rule lets happen.
    fn transfer(&mut self, to: Address, amount: U256) -> Result<(), Failure>;
    /// Native value of an account.
    ///
    /// # Errors
    /// Out of gas, or a database fault.
    fn balance(&mut self, account: Address) -> Result<U256, Failure>;
    /// Moves native value between two accounts, running no code of either. The module has checked that `from` holds it and agrees.
    ///
    /// # Errors
    /// Out of gas, a database fault, or more than `from` holds, which no rule lets happen.
    fn shift(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure>;
    /// Makes an account that modules answer for, with one invalid opcode as its code. Native value that is there already stays.
    ///
    /// # Errors
    /// Out of gas, a database fault, or an account that has code or has sent something, which can't be at an address that only modules give.
    fn create(&mut self, account: Address) -> Result<(), Failure>;
    /// Hash of an earlier block, zero when it is not among the last 256.
    ///
    /// # Errors
    /// Out of gas, or a database fault.
    fn block_hash(&mut self, number: u64) -> Result<B256, Failure>;
    /// Who calls.
    fn caller(&self) -> Address;
    /// Value that came with the call; the module has it already.
    fn value(&self) -> U256;
    /// Chain id.
    fn chain_id(&self) -> u64;
    /// Height of this block.
    fn height(&self) -> u64;
    /// Time of this block.
    fn timestamp(&self) -> u64;
}

/// Publishes an event.
pub(crate) fn emit(host: &mut dyn Host, event: &impl SolEvent) -> Result<(), Failure> {
    let log = event.encode_log_data();
    host.log(log.topics().to_vec(), log.data.clone())
}

/// Checks a device's signature over a statement.
pub(crate) fn check_signature(
    host: &mut dyn Host,
    device: &[u8; 32],
    statement: &[u8],
    signature: &[u8],
) -> Result<(), Failure> {
    host.charge(SIGNATURE_GAS)?;
    let bad = || Failure::revert(&ModuleErrors::BadSignature { device: device.into() });
    let key = VerifyingKey::from_bytes(device).map_err(|_| bad())?;
    let signature = Signature::from_slice(signature).map_err(|_| bad())?;
    key.verify_strict(statement, &signature).map_err(|_| bad())
}
