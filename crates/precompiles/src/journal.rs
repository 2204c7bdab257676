//! The host on revm: storage and logs through the journal, each charged like the opcode that does the same.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use revm::{
    Database,
    bytecode::Bytecode,
    context::{Block, Cfg, ContextTr, JournalTr},
    context_interface::cfg::GasParams,
    context_interface::cfg::gas::GasTracker,
    interpreter::CallInputs,
    state::AccountInfo,
};

use crate::host::{Failure, Host, MODULE_CODE};

/// Gas of `BLOCKHASH`.
const BLOCK_HASH_GAS: u64 = 20;
/// Blocks whose hashes an EVM knows.
const BLOCK_HASHES: u64 = 256;
/// SSTORE fails with this much gas or less (EIP-2200), and so do we.
const STORE_SENTRY: u64 = 2_300;

/// One call's view of the EVM.
pub(crate) struct Frame<'a, CTX> {
    context: &'a mut CTX,
    inputs: &'a CallInputs,
    module: Address,
    params: GasParams,
    gas: GasTracker,
}

impl<'a, CTX: ContextTr> Frame<'a, CTX> {
    pub(crate) fn new(context: &'a mut CTX, inputs: &'a CallInputs, module: Address) -> Self {
        let params = context.cfg().gas_params().clone();
        let gas = GasTracker::new(inputs.gas_limit, inputs.gas_limit, inputs.reservoir);
        Self { context, inputs, module, params, gas }
    }

    pub(crate) fn gas(&self) -> GasTracker {
        self.gas
    }

    /// Loads an account, as `BALANCE` does.
    fn access(&mut self, account: Address) -> Result<AccountInfo, Failure> {
        self.charge(self.params.warm_storage_read_cost())?;
        // Paid for before the disk is asked.
        let cold = self.params.cold_account_additional_cost();
        if self.gas.remaining() < cold {
            return Err(Failure::OutOfGas);
        }
        let loaded = self.context.journal_mut().load_account(account).map_err(database)?;
        let (is_cold, info) = (loaded.is_cold, loaded.data.info.copy_without_code());
        if is_cold {
            self.charge(cold)?;
        }
        Ok(info)
    }

    fn pay(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure> {
        match self.context.journal_mut().transfer(from, to, amount).map_err(database)? {
            None => Ok(()),
            Some(error) => {
                Err(Failure::Database(format!("{from} can't pay {amount} to {to}: {error:?}")))
            }
        }
    }
}

fn database(error: impl std::fmt::Display) -> Failure {
    Failure::Database(error.to_string())
}

impl<CTX: ContextTr> Host for Frame<'_, CTX> {
    fn charge(&mut self, gas: u64) -> Result<(), Failure> {
        if self.gas.record_regular_cost(gas) { Ok(()) } else { Err(Failure::OutOfGas) }
    }

    fn module(&self) -> Address {
        self.module
    }

    fn load_of(&mut self, module: Address, slot: U256) -> Result<U256, Failure> {
        self.charge(self.params.warm_storage_read_cost())?;
        // Paid for before the disk is asked.
        let is_payable = self.gas.remaining() >= self.params.cold_storage_additional_cost();
        if !is_payable {
            return Err(Failure::OutOfGas);
        }
        // The journal knows slots of loaded accounts only: the module that was called is one, another may not be.
        if module != self.module {
            self.context.journal_mut().load_account(module).map_err(database)?;
        }
        let loaded = self.context.journal_mut().sload(module, slot).map_err(database)?;
        if loaded.is_cold {
            self.charge(self.params.cold_storage_additional_cost())?;
        }
        Ok(loaded.data)
    }

    fn store_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure> {
        if self.gas.remaining() <= STORE_SENTRY {
            return Err(Failure::OutOfGas);
        }
        self.charge(self.params.sstore_static_gas())?;
        let stored = self.context.journal_mut().sstore(module, slot, value).map_err(database)?;
        self.charge(self.params.sstore_dynamic_gas(true, &stored.data, stored.is_cold))?;
        self.gas.record_refund(self.params.sstore_refund(true, &stored.data));
        Ok(())
    }

    fn log(&mut self, topics: Vec<B256>, data: Bytes) -> Result<(), Failure> {
        let count = u8::try_from(topics.len()).map_err(|_| Failure::OutOfGas)?;
        let size = u64::try_from(data.len()).map_err(|_| Failure::OutOfGas)?;
        // LOG's static part and the parts for topics and data.
        self.charge(375_u64.saturating_add(self.params.log_cost(count, size)))?;
        self.context.journal_mut().log(Log::new_unchecked(self.module, topics, data));
        Ok(())
    }

    fn transfer(&mut self, to: Address, amount: U256) -> Result<(), Failure> {
        self.charge(
            self.params
                .transfer_value_cost()
                .saturating_add(self.params.cold_account_additional_cost()),
        )?;
        self.pay(self.module, to, amount)
    }

    fn balance(&mut self, account: Address) -> Result<U256, Failure> {
        Ok(self.access(account)?.balance)
    }

    fn shift(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure> {
        self.charge(self.params.transfer_value_cost())?;
        self.access(from)?;
        if self.access(to)?.is_empty() {
            self.charge(self.params.new_account_cost(true, true))?;
        }
        self.pay(from, to, amount)
    }

    fn create(&mut self, account: Address) -> Result<(), Failure> {
        let code = Bytecode::new_legacy(Bytes::from_static(&MODULE_CODE));
        let size = MODULE_CODE.len();
        self.charge(self.params.create_cost().saturating_add(self.params.code_deposit_cost(size)))?;
        self.access(account)?;
        let (module, spec) = (self.module, self.context.cfg().spec().into());
        let journal = self.context.journal_mut();
        // The checkpoint is the caller's frame's: what follows can't fail.
        journal
            .create_account_checkpoint(module, account, U256::ZERO, spec)
            .map_err(|error| Failure::Database(format!("{account} is taken: {error:?}")))?;
        journal.set_code(account, code);
        journal.checkpoint_commit();
        Ok(())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Failure> {
        self.charge(BLOCK_HASH_GAS)?;
        let age = self.height().saturating_sub(number);
        if age == 0 || age > BLOCK_HASHES {
            return Ok(B256::ZERO);
        }
        self.context.db_mut().block_hash(number).map_err(database)
    }

    fn caller(&self) -> Address {
        self.inputs.caller
    }

    fn value(&self) -> U256 {
        self.inputs.value.transfer().unwrap_or_default()
    }

    fn chain_id(&self) -> u64 {
        self.context.cfg().chain_id()
    }

    fn height(&self) -> u64 {
        self.context.block().number().saturating_to()
    }

    fn timestamp(&self) -> u64 {
        self.context.block().timestamp().saturating_to()
    }
}
