//! The host on revm: storage and logs through the journal, each charged like the opcode that does the same.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use revm::{
    Database,
    bytecode::Bytecode,
    context::{Block, Cfg, ContextTr, JournalTr},
    context_interface::{
        cfg::{GasParams, gas::GasTracker},
        context::take_error,
        host::LoadError,
        journaled_state::account::JournaledAccountTr,
    },
    handler::{evm::ContextDbError, handle_reservoir_remaining_gas},
    interpreter::{
        CallInput, CallInputs, CallScheme, CallValue, InstructionResult, SharedMemory,
        instructions::contract::load_account_delegated,
    },
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use crate::{
    Call, Failure, Function, Host, Outcome,
    dispatch::Lock,
    machine::{Drive, Nested},
    modules::Running,
};

/// Gas of `BLOCKHASH`.
const BLOCK_HASH_GAS: u64 = 20;
/// Number of blocks whose hashes an EVM has.
const BLOCK_HASHES: u64 = 256;
/// SSTORE fails with this much gas or less (EIP-2200), and so does a module's write.
const STORE_SENTRY: u64 = 2_300;
/// Gas of `SELFBALANCE`.
const SELF_BALANCE_GAS: u64 = 5;
/// Gas of `LOG0` before topics and data.
const LOG_GAS: u64 = 375;
/// Gas for a word of calldata given to a call, or of data that it returned: what copying memory costs.
const COPY_WORD_GAS: u64 = 3;
/// Free stack below which a nested call gets a new segment on the heap: more than a module, the interpreter and the
/// loop between them use.
const STACK_RESERVE: usize = 256 << 10;
/// Size of such a segment. Unused pages are not allocated.
const STACK_PIECE: usize = 4 << 20;

/// An error that ends the transaction or the block.
pub(crate) type Fault<D> = ContextDbError<<D as Drive>::Context>;

/// One call's view of the EVM.
pub(crate) struct NativeFrame<'a, D: Drive> {
    drive: &'a mut D,
    inputs: &'a CallInputs,
    depth: usize,
    memory: SharedMemory,
    gas: GasTracker,
    fault: Option<Fault<D>>,
    loaded: Loaded,
}

/// The last accounts, besides the module, that the frame has loaded. They stay loaded, and those with code keep it: only a revert of the frame itself, or of
/// one that it runs in, undoes what the frame has seen, and no code is destroyed before the transaction ends.
#[derive(Default)]
struct Loaded {
    accounts: [Option<(Address, HasCode)>; 4],
    next: u8,
}

/// Whether an account is known to have code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HasCode {
    Yes,
    Unknown,
}

impl Loaded {
    #[inline]
    fn find(&self, account: Address) -> Option<HasCode> {
        let found = self.accounts.iter().flatten().find(|(loaded, _)| *loaded == account);
        found.map(|(_, has_code)| *has_code)
    }

    fn add(&mut self, account: Address, has_code: HasCode) {
        let place = self.accounts.iter().position(|it| it.is_some_and(|it| it.0 == account));
        let place = place.unwrap_or_else(|| {
            self.next = self.next.wrapping_add(1);
            usize::from(self.next) % self.accounts.len()
        });
        self.accounts[place] = Some((account, has_code));
    }
}

impl<'a, D: Drive> NativeFrame<'a, D> {
    pub(crate) fn new(
        drive: &'a mut D,
        inputs: &'a CallInputs,
        depth: usize,
        memory: SharedMemory,
    ) -> Self {
        let gas = GasTracker::new(inputs.gas_limit, inputs.gas_limit, inputs.reservoir);
        Self { drive, inputs, depth, memory, gas, fault: None, loaded: Loaded::default() }
    }

    /// Returns the prices of opcodes.
    fn params(&self) -> &GasParams {
        self.drive.facts().cfg().gas_params()
    }

    /// Returns the remaining gas, and the error that ends the transaction or the block.
    pub(crate) fn finish(self) -> (GasTracker, Option<Fault<D>>) {
        (self.gas, self.fault)
    }

    fn journal(&mut self) -> &mut <D::Context as ContextTr>::Journal {
        self.drive.context().journal_mut()
    }

    /// Keeps the error that ends the block.
    fn database<T>(
        &mut self,
        result: Result<T, <<D::Context as ContextTr>::Db as Database>::Error>,
    ) -> Result<T, Failure> {
        result.map_err(|error| {
            self.fault = Some(error.into());
            Failure::Database
        })
    }

    fn check_writable(&self) -> Result<(), Failure> {
        if self.inputs.is_static { Err(Failure::WriteProtection) } else { Ok(()) }
    }

    fn check_left(&self, gas: u64) -> Result<(), Failure> {
        if self.gas.remaining() < gas { Err(Failure::OutOfGas) } else { Ok(()) }
    }

    fn note(&mut self, account: Address, slot: Option<U256>) {
        if let Some(touched) = &mut self.drive.modules().touched {
            touched.push((account, slot.map(B256::from)));
        }
    }

    /// Loads an account, as `BALANCE` does, and returns what `read` finds there.
    fn access<T>(
        &mut self,
        account: Address,
        read: impl FnOnce(&AccountInfo) -> T,
    ) -> Result<T, Failure> {
        self.note(account, None);
        self.charge(self.params().warm_storage_read_cost())?;
        // Charged before the database is read.
        let cold = self.params().cold_account_additional_cost();
        self.check_left(cold)?;
        let loaded = self.journal().load_account(account);
        let loaded = loaded.map(|it| (it.is_cold, read(&it.data.info)));
        let (is_cold, found) = self.database(loaded)?;
        if is_cold {
            self.charge(cold)?;
        }
        Ok(found)
    }

    /// Loads the account of slots that are accessed, if it is not loaded yet.
    fn load_account(&mut self, module: Address) -> Result<(), Failure> {
        if module == self.module() || self.loaded.find(module).is_some() {
            return Ok(());
        }
        let loaded = self.journal().load_account(module).map(|_| ());
        self.database(loaded)?;
        self.loaded.add(module, HasCode::Unknown);
        Ok(())
    }

    fn move_value(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure> {
        let moved = self.journal().transfer(from, to, amount);
        match self.database(moved)? {
            None => Ok(()),
            Some(error) => {
                Err(Failure::Broken(format!("{from} can't pay {amount} to {to}: {error:?}")))
            }
        }
    }

    /// Charges a call as `CALL` does and returns the frame to run, without its calldata (EIP-150, EIP-2929, EIP-7702).
    fn charge_call(&mut self, call: &Call) -> Result<CallInputs, Failure> {
        let has_value = !call.value.is_zero();
        self.charge(copy_gas(call.input.len()))?;
        self.charge(self.params().warm_storage_read_cost())?;
        if has_value {
            self.check_writable()?;
            self.charge(self.params().transfer_value_cost())?;
        }
        self.note(call.to, None);
        let (remaining, is_call) = (self.gas.remaining(), !call.is_static);
        let context = self.drive.context();
        let spec: SpecId = context.cfg().spec();
        let loaded = load_account_delegated(context, spec, remaining, call.to, has_value, is_call);
        let (gas, _, code, code_hash) = match loaded {
            Ok(loaded) => loaded,
            Err(LoadError::ColdLoadSkipped) => return Err(Failure::OutOfGas),
            Err(LoadError::DBError) => {
                self.take_fault()?;
                return Err(Failure::Database);
            }
        };
        self.charge(gas)?;
        let most = self.params().call_stipend_reduction(self.gas.remaining());
        let mut gas_limit = most.min(call.gas_limit.unwrap_or(u64::MAX));
        self.charge(gas_limit)?;
        if has_value {
            gas_limit = gas_limit.saturating_add(self.params().call_stipend());
        }
        Ok(CallInputs {
            input: CallInput::default(),
            return_memory_offset: 0..0,
            gas_limit,
            reservoir: self.gas.reservoir(),
            bytecode_address: call.to,
            known_bytecode: (code_hash, code),
            target_address: call.to,
            caller: self.inputs.target_address,
            value: CallValue::Transfer(call.value),
            scheme: if call.is_static { CallScheme::StaticCall } else { CallScheme::Call },
            is_static: self.inputs.is_static || call.is_static,
            charged_new_account_state_gas: false,
        })
    }

    /// Takes the error that an instruction left in the context.
    fn take_fault(&mut self) -> Result<(), Failure> {
        take_error::<Fault<D>, _>(self.drive.context().error()).map_err(|fault| {
            self.fault = Some(fault);
            Failure::Database
        })
    }
}

fn copy_gas(size: usize) -> u64 {
    u64::try_from(size.div_ceil(32)).unwrap_or(u64::MAX).saturating_mul(COPY_WORD_GAS)
}

impl<D: Drive> Lock for NativeFrame<'_, D> {
    fn is_locked(&self) -> bool {
        self.drive.is_locked(self.inputs.target_address)
    }

    fn begin(&mut self, function: &Function) {
        let running =
            Running { instance: self.inputs.target_address, is_locked: function.is_locked };
        self.drive.modules().running.push(running);
    }

    fn end(&mut self) {
        self.drive.modules().running.pop();
    }
}

impl<D: Drive> Host for NativeFrame<'_, D> {
    fn charge(&mut self, gas: u64) -> Result<(), Failure> {
        if self.gas.record_regular_cost(gas) { Ok(()) } else { Err(Failure::OutOfGas) }
    }

    fn gas_left(&self) -> u64 {
        self.gas.remaining()
    }

    fn module(&self) -> Address {
        self.inputs.target_address
    }

    fn caller(&self) -> Address {
        self.inputs.caller
    }

    fn value(&self) -> U256 {
        self.inputs.value.transfer().unwrap_or_default()
    }

    fn is_static(&self) -> bool {
        self.inputs.is_static
    }

    fn chain_id(&self) -> u64 {
        self.drive.facts().cfg().chain_id()
    }

    fn revision(&self) -> u32 {
        self.drive.revision()
    }

    fn founding(&self) -> (u32, u64) {
        self.drive.founding()
    }

    fn height(&self) -> u64 {
        self.drive.facts().block().number().saturating_to()
    }

    fn timestamp(&self) -> u64 {
        self.drive.facts().block().timestamp().saturating_to()
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Failure> {
        self.charge(BLOCK_HASH_GAS)?;
        let age = self.height().saturating_sub(number);
        if age == 0 || age > BLOCK_HASHES {
            return Ok(B256::ZERO);
        }
        let hash = self.drive.context().db_mut().block_hash(number);
        self.database(hash)
    }

    fn load_of(&mut self, module: Address, slot: U256) -> Result<U256, Failure> {
        self.note(module, Some(slot));
        self.charge(self.params().warm_storage_read_cost())?;
        // Charged before the database is read.
        self.check_left(self.params().cold_storage_additional_cost())?;
        // The journal knows slots of loaded accounts only: the module that was called is one, another may not be.
        self.load_account(module)?;
        let loaded = self.journal().sload(module, slot);
        let loaded = self.database(loaded)?;
        if loaded.is_cold {
            self.charge(self.params().cold_storage_additional_cost())?;
        }
        Ok(loaded.data)
    }

    fn charge_load(&mut self) -> Result<(), Failure> {
        self.charge(self.params().warm_storage_read_cost())?;
        // As `load_of` checks it, warm or not.
        self.check_left(self.params().cold_storage_additional_cost())
    }

    fn immutable(&mut self, slot: U256) -> Result<U256, Failure> {
        let module = self.module();
        self.note(module, Some(slot));
        self.charge(self.params().warm_storage_read_cost())?;
        let loaded = self.journal().sload(module, slot);
        Ok(self.database(loaded)?.data)
    }

    fn store_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure> {
        self.check_writable()?;
        if self.gas.remaining() <= STORE_SENTRY {
            return Err(Failure::OutOfGas);
        }
        self.note(module, Some(slot));
        self.charge(self.params().sstore_static_gas())?;
        self.load_account(module)?;
        let stored = self.journal().sstore(module, slot, value);
        let stored = self.database(stored)?;
        self.charge(self.params().sstore_dynamic_gas(true, &stored.data, stored.is_cold))?;
        self.gas.record_refund(self.params().sstore_refund(true, &stored.data));
        Ok(())
    }

    /// As the default, with one search for the slot instead of two.
    fn set_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure> {
        let warm = self.params().warm_storage_read_cost();
        let cold = self.params().cold_storage_additional_cost();
        let most = warm.saturating_add(cold).saturating_add(STORE_SENTRY);
        if self.inputs.is_static || self.gas.remaining() <= most {
            // What is refused depends on what is found.
            let found = self.load_of(module, slot)?;
            return if found == value { Ok(()) } else { self.store_of(module, slot, value) };
        }
        self.note(module, Some(slot));
        self.charge(warm)?;
        self.load_account(module)?;
        let stored = self.journal().sstore(module, slot, value);
        let stored = self.database(stored)?;
        if stored.is_cold {
            self.charge(cold)?;
        }
        if stored.data.is_new_eq_present() {
            return Ok(());
        }
        self.charge(self.params().sstore_static_gas())?;
        self.charge(self.params().sstore_dynamic_gas(true, &stored.data, false))?;
        self.gas.record_refund(self.params().sstore_refund(true, &stored.data));
        Ok(())
    }

    fn log_of(&mut self, module: Address, topics: Vec<B256>, data: Bytes) -> Result<(), Failure> {
        self.check_writable()?;
        let count = u8::try_from(topics.len()).map_err(|_| Failure::OutOfGas)?;
        let size = u64::try_from(data.len()).map_err(|_| Failure::OutOfGas)?;
        self.charge(LOG_GAS.saturating_add(self.params().log_cost(count, size)))?;
        let log = Log::new_unchecked(module, topics, data);
        self.drive.saw(&log);
        self.journal().log(log);
        Ok(())
    }

    fn balance(&mut self, account: Address) -> Result<U256, Failure> {
        if account == self.module() {
            // As SELFBALANCE: the account of the frame is loaded.
            self.charge(SELF_BALANCE_GAS)?;
            let loaded = self.journal().load_account(account);
            let loaded = loaded.map(|it| it.data.info.balance);
            return self.database(loaded);
        }
        self.access(account, |info| info.balance)
    }

    fn has_code(&mut self, account: Address) -> Result<bool, Failure> {
        if self.loaded.find(account) == Some(HasCode::Yes) {
            self.note(account, None);
            // As `access` charges and checks it.
            self.charge(self.params().warm_storage_read_cost())?;
            self.check_left(self.params().cold_account_additional_cost())?;
            return Ok(true);
        }
        let has_code = self.access(account, |info| !info.is_empty_code_hash())?;
        self.loaded.add(account, if has_code { HasCode::Yes } else { HasCode::Unknown });
        Ok(has_code)
    }

    fn pay(&mut self, to: Address, amount: U256) -> Result<(), Failure> {
        self.check_writable()?;
        self.note(to, None);
        let cost = self.params().transfer_value_cost();
        self.charge(cost.saturating_add(self.params().cold_account_additional_cost()))?;
        let module = self.module();
        self.move_value(module, to, amount)
    }

    fn move_balance(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure> {
        self.check_writable()?;
        self.charge(self.params().transfer_value_cost())?;
        self.access(from, |_| ())?;
        if self.access(to, AccountInfo::is_empty)? {
            self.charge(self.params().new_account_cost(true, true))?;
        }
        self.move_value(from, to, amount)
    }

    fn issue(&mut self, to: Address, amount: U256) -> Result<(), Failure> {
        self.check_writable()?;
        let (module, height, slot) =
            (self.module(), self.height(), self.drive.modules().issued_slot());
        self.drive.modules().check_issue(module, height, (U256::ZERO, U256::ZERO))?;
        let issued = self.load(slot)?;
        let total = self.drive.modules().check_issue(module, height, (issued, amount))?;
        self.charge(self.params().transfer_value_cost())?;
        if self.access(to, AccountInfo::is_empty)? {
            self.charge(self.params().new_account_cost(true, true))?;
        }
        self.store(slot, total)?;
        let given = self.journal().balance_incr(to, amount);
        self.database(given)
    }

    fn burn(&mut self, amount: U256) -> Result<(), Failure> {
        self.check_writable()?;
        self.charge(self.params().transfer_value_cost())?;
        let module = self.module();
        // The sum of the block's balance changes becomes the supply, so nothing else is to be written.
        let loaded = self.journal().load_account_mut(module);
        let is_burnt = loaded.map(|mut account| account.data.decr_balance(amount));
        if self.database(is_burnt)? {
            return Ok(());
        }
        Err(Failure::Broken(format!("{module} can't burn {amount}")))
    }

    fn is_running(&mut self, instance: Address) -> Result<bool, Failure> {
        self.charge(self.params().warm_storage_read_cost())?;
        Ok(self.drive.is_running(instance))
    }

    fn create(&mut self, account: Address, code: &'static [u8]) -> Result<(), Failure> {
        self.check_writable()?;
        let cost = self.params().create_cost();
        self.charge(cost.saturating_add(self.params().code_deposit_cost(code.len())))?;
        self.access(account, |_| ())?;
        let module = self.module();
        let context = self.drive.context();
        let spec = context.cfg().spec();
        let journal = context.journal_mut();
        // The checkpoint is the caller's frame's: what follows can't fail.
        journal
            .create_account_checkpoint(module, account, U256::ZERO, spec)
            .map_err(|error| Failure::Broken(format!("{account} is taken: {error:?}")))?;
        journal.set_code(account, Bytecode::new_legacy(Bytes::from_static(code)));
        journal.checkpoint_commit();
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Outcome, Failure> {
        let nested = Nested {
            inputs: self.charge_call(call)?,
            input: &call.input,
            depth: self.depth.saturating_add(1),
            memory: self.memory.new_child_context(),
        };
        let drive = &mut *self.drive;
        let result = stacker::maybe_grow(STACK_RESERVE, STACK_PIECE, || drive.run(nested));
        self.memory.free_child_context();
        let mut result = result.map_err(|fault| {
            self.fault = Some(fault);
            Failure::Database
        })?;
        self.take_fault()?;
        let ending = result.result;
        handle_reservoir_remaining_gas(ending, &mut self.gas, result.gas.tracker_mut());
        let output = result.output;
        self.charge(copy_gas(output.len()))?;
        Ok(match ending {
            InstructionResult::Revert => Outcome::Reverted(output),
            ending if ending.is_ok() => Outcome::Returned(output),
            _ => Outcome::Halted,
        })
    }
}
