//! The interface of the EVM for a module.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolEvent, abi::encode_sequence};

use crate::{Call, Failure, Outcome};

/// Gas of `KECCAK256`, without its words.
const KECCAK256_GAS: u64 = 30;
/// Gas of `KECCAK256` for each word.
const KECCAK256_WORD_GAS: u64 = 6;

/// The EVM for a module. Everything is metered.
///
/// Every method may fail with [`Failure::OutOfGas`] or [`Failure::Database`]; methods that change the state fail with
/// [`Failure::WriteProtection`] in a static call.
pub trait Host {
    /// Consumes gas.
    ///
    /// # Errors
    /// [`Failure::OutOfGas`].
    fn charge(&mut self, gas: u64) -> Result<(), Failure>;
    /// Returns the gas that is left, as `GAS` does.
    fn gas_left(&self) -> u64;
    /// Returns the module that was called.
    fn module(&self) -> Address;
    /// Returns the account that called.
    fn caller(&self) -> Address;
    /// Returns the native value of the call; the module has received it already.
    fn value(&self) -> U256;
    /// Returns whether the call may change nothing.
    fn is_static(&self) -> bool;
    /// Returns the chain id.
    fn chain_id(&self) -> u64;
    /// Returns the revision of the rules of this block: for a rule that changed.
    fn revision(&self) -> u32;
    /// Returns the last entry of the genesis file's schedule: a revision, and the height of its first block. Revision 1 at height 0 if it has none.
    fn founding(&self) -> (u32, u64);
    /// Returns the height of this block.
    fn height(&self) -> u64;
    /// Returns the time of this block in Unix seconds.
    fn timestamp(&self) -> u64;
    /// Returns the hash of an earlier block, zero when it is not among the last 256.
    ///
    /// # Errors
    /// See [`Host`].
    fn block_hash(&mut self, number: u64) -> Result<B256, Failure>;

    /// Reads a slot of a module: the one that was called, or another.
    ///
    /// # Errors
    /// See [`Host`].
    fn load_of(&mut self, module: Address, slot: U256) -> Result<U256, Failure>;
    /// Reads a slot of the module that was called.
    ///
    /// # Errors
    /// See [`Host`].
    fn load(&mut self, slot: U256) -> Result<U256, Failure> {
        self.load_of(self.module(), slot)
    }
    /// Reads a slot of the module that was called which was written when the instance was created and never again. It costs what a warm slot does, also
    /// the first time: Solidity keeps such values in the code, and an instance has no code to load.
    ///
    /// # Errors
    /// See [`Host`].
    fn immutable(&mut self, slot: U256) -> Result<U256, Failure> {
        self.load(slot)
    }
    /// Writes a slot of a module: the one that was called, or an instance of it.
    ///
    /// # Errors
    /// See [`Host`].
    fn store_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure>;
    /// Writes a slot of the module that was called.
    ///
    /// # Errors
    /// See [`Host`].
    fn store(&mut self, slot: U256, value: U256) -> Result<(), Failure> {
        self.store_of(self.module(), slot, value)
    }
    /// Writes a slot of a module, if it differs: for the gas of reading it, and then of writing it.
    ///
    /// # Errors
    /// See [`Host`].
    fn set_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure> {
        if self.load_of(module, slot)? == value {
            return Ok(());
        }
        self.store_of(module, slot, value)
    }
    /// Emits a log of a module: the one that was called, or an asset that it moves without a frame.
    ///
    /// # Errors
    /// See [`Host`].
    fn log_of(&mut self, module: Address, topics: Vec<B256>, data: Bytes) -> Result<(), Failure>;
    /// Emits a log of the module that was called.
    ///
    /// # Errors
    /// See [`Host`].
    fn log(&mut self, topics: Vec<B256>, data: Bytes) -> Result<(), Failure> {
        self.log_of(self.module(), topics, data)
    }
    /// Computes Keccak-256, for the gas of the opcode.
    ///
    /// # Errors
    /// See [`Host`].
    fn keccak256(&mut self, bytes: &[u8]) -> Result<B256, Failure> {
        self.charge(keccak256_gas(bytes.len()))?;
        Ok(keccak256(bytes))
    }

    /// Returns the native balance of an account.
    ///
    /// # Errors
    /// See [`Host`].
    fn balance(&mut self, account: Address) -> Result<U256, Failure>;
    /// Returns whether an account has code, as `EXTCODESIZE` does.
    ///
    /// # Errors
    /// See [`Host`].
    fn has_code(&mut self, account: Address) -> Result<bool, Failure>;
    /// Charges what reading a slot again costs, for a module that knows what it would find.
    ///
    /// # Errors
    /// See [`Host`].
    fn charge_load(&mut self) -> Result<(), Failure>;
    /// Pays native value out of the module, running no code of the receiver.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if the amount is above the module's balance, which no rule allows.
    fn pay(&mut self, to: Address, amount: U256) -> Result<(), Failure>;
    /// Moves native value between two accounts, running no code of either. The module has checked that `from` has it
    /// and agrees.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if the amount is above the balance of `from`, which no rule allows.
    fn move_balance(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure>;
    /// Issues native value to an account: the only way to increase its supply. The ledger's table says which module
    /// may, and how much in total; the module's rule has checked that.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] for another module, and above what it may issue.
    fn issue(&mut self, to: Address, amount: U256) -> Result<(), Failure>;

    /// Burns native value of the module that was called: it leaves the supply, for the gas of a transfer.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if the amount is above the module's balance, which no rule allows.
    fn burn(&mut self, amount: U256) -> Result<(), Failure>;

    /// Returns whether a function of an instance is running that changes something, for the gas of reading a warm slot: what the instance stores and holds may be half of a
    /// change. Locked or not does not matter; views never count.
    ///
    /// # Errors
    /// See [`Host`].
    fn is_running(&mut self, instance: Address) -> Result<bool, Failure>;

    /// Creates an account with `code`, which is [`crate::MODULE_CODE`] or an [`crate::instance_code`]. Its earlier
    /// native balance stays.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if the account has code or has sent a transaction, which the formulas of
    /// addresses exclude.
    fn create(&mut self, account: Address, code: &'static [u8]) -> Result<(), Failure>;
    /// Calls an account and returns the outcome. The callee may call back.
    ///
    /// # Errors
    /// See [`Host`]. The callee's own failure is an [`Outcome`].
    fn call(&mut self, call: &Call) -> Result<Outcome, Failure>;
    /// Calls a function without return values, as Solidity's high-level call does: an account without code and the
    /// callee's revert are failures. (Where something is returned, Solidity does not look for code: too little data
    /// says that there is none.)
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Revert`] with the callee's data, empty if it has no code or halted.
    fn call_contract(&mut self, call: &Call) -> Result<Bytes, Failure> {
        if !self.has_code(call.to)? {
            return Err(Failure::Revert(Bytes::new()));
        }
        self.call(call)?.returned()
    }
}

/// Emits an event of the module that was called.
///
/// # Errors
/// See [`Host`].
pub fn emit(host: &mut dyn Host, event: &impl SolEvent) -> Result<(), Failure> {
    let module = host.module();
    emit_of(host, module, event)
}

/// Emits an event of a module: the one that was called, or an asset that it moves without a frame.
///
/// # Errors
/// See [`Host`].
pub fn emit_of(host: &mut dyn Host, module: Address, event: &impl SolEvent) -> Result<(), Failure> {
    let topics = event.encode_topics().into_iter().map(B256::from).collect();
    // `encode_data` would copy what this encodes.
    let data = encode_sequence(&event.tokenize_body());
    host.log_of(module, topics, data.into())
}

/// Returns the gas of `KECCAK256`, for a module that knows the hash of so many bytes already.
#[must_use]
pub const fn keccak256_gas(size: usize) -> u64 {
    let words = size.div_ceil(32) as u64;
    KECCAK256_GAS.saturating_add(KECCAK256_WORD_GAS.saturating_mul(words))
}
