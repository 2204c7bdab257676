//! A ledger in memory on which Uniswap v2 is either the native modules or the contracts' bytecode, at the same addresses.

use std::collections::BTreeMap;

use abi::{UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, WRAPPED_GRAIN};
use alloy_primitives::{Address, B256, Bytes, Log, U256, hex, keccak256};
use alloy_rlp::Encodable as _;
use alloy_sol_types::{Revert, SolError as _, SolEvent as _, sol};
use native_kit::{MODULE_CODE, Machine, Modules};
use revm::{
    Context, ExecuteCommitEvm as _, Journal, MainContext as _,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, ContextTr as _, TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};

pub(crate) type Database = CacheDB<EmptyDB>;
pub(crate) type LedgerContext = Context<BlockEnv, TxEnv, CfgEnv, Database, Journal<Database>, ()>;

pub(crate) const CHAIN_ID: u64 = 4_242;
/// Far above what any step needs, so that no step ends by what a failed one has used up.
pub(crate) const GAS_LIMIT: u64 = 1 << 40;
/// Assets whose balances anyone can set, on both sides of wrapped GRAIN's and GRAIN's addresses.
pub(crate) const TOKENS: [Address; 4] = [
    Address::repeat_byte(0x11),
    Address::repeat_byte(0x55),
    Address::repeat_byte(0x77),
    Address::repeat_byte(0xbb),
];
/// A contract that does what it is told, also when it is called back.
pub(crate) const ACTOR: Address = Address::repeat_byte(0xac);
/// Who may turn the protocol's fee on.
pub(crate) const SETTER: Address = Address::repeat_byte(0x5e);

const TOKEN_CODE: &str = include_str!("../../../../../testdata/uniswap-v2/token.hex");
const ACTOR_CODE: &str = include_str!("../../../../../testdata/uniswap-v2/actor.hex");
/// The slot of a pair's lock in the contract; the native pair has none.
const LOCK_SLOT: U256 = alloy_primitives::uint!(12_U256);
/// Slots of name, symbol and decimals in WETH9; the native module has none.
const WETH_CONSTANTS: U256 = alloy_primitives::uint!(3_U256);

sol! {
    interface Trading {
        event Done(bool ok, bytes output);
    }
}

/// A call as a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) time: u64,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) value: U256,
    pub(crate) data: Bytes,
}

/// What a call has led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) is_done: bool,
    pub(crate) output: Bytes,
    pub(crate) logs: Vec<Log>,
}

/// Slots and balances that are not zero.
pub(crate) type Held = (BTreeMap<(Address, U256), U256>, BTreeMap<Address, U256>);

pub(crate) struct Ledger {
    pub(crate) machine: Machine<LedgerContext>,
    /// Gas of the last call.
    pub(crate) gas_used: u64,
}

impl Ledger {
    /// Returns a ledger with the native modules.
    pub(crate) fn native() -> Self {
        let mut ledger = Self::empty(2);
        for module in [UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, WRAPPED_GRAIN] {
            ledger.put(module, Bytes::from_static(&MODULE_CODE));
        }
        // The factory's `feeToSetter`, which the contract's constructor sets.
        ledger.write(UNISWAP_V2_FACTORY, U256::ONE, SETTER.into_word().into());
        ledger
    }

    /// Returns a ledger with the modules of `revision`, tokens, actor, and accounts with much GRAIN.
    pub(crate) fn empty(revision: u32) -> Self {
        let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA).with_chain_id(CHAIN_ID);
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        cfg.disable_nonce_check = true;
        let block = BlockEnv {
            number: U256::from(1),
            gas_limit: u64::MAX,
            basefee: 0,
            ..BlockEnv::default()
        };
        let context: LedgerContext = Context::mainnet()
            .with_db(CacheDB::new(EmptyDB::default()))
            .with_cfg(cfg)
            .with_block(block);
        let modules = Modules::new(SpecId::OSAKA, execution::MODULES, revision);
        let mut ledger = Self { machine: Machine::new(context, modules), gas_used: 0 };
        ledger.put(abi::GRAIN, Bytes::from_static(&MODULE_CODE));
        for token in TOKENS {
            ledger.put(token, decoded(TOKEN_CODE));
        }
        ledger.put(ACTOR, decoded(ACTOR_CODE));
        ledger
    }

    /// Sets the code of an account.
    pub(crate) fn put(&mut self, account: Address, code: Bytes) {
        let hash = keccak256(&code);
        let code = Bytecode::new_raw(code);
        let info =
            AccountInfo { nonce: 1, code_hash: hash, code: Some(code), ..AccountInfo::default() };
        self.database().insert_account_info(account, info);
    }

    /// Gives an account GRAIN.
    pub(crate) fn give(&mut self, account: Address, balance: U256) {
        let mut info = self
            .database()
            .cache
            .accounts
            .get(&account)
            .map(|it| it.info.clone())
            .unwrap_or_default();
        info.balance = balance;
        self.database().insert_account_info(account, info);
    }

    /// Writes a slot.
    pub(crate) fn write(&mut self, account: Address, slot: U256, value: U256) {
        let Ok(()) = self.database().insert_account_storage(account, slot, value);
    }

    /// Executes a call.
    pub(crate) fn execute(&mut self, step: &Step) -> Outcome {
        self.machine.context_mut().block.timestamp = U256::from(step.time);
        let transaction = transaction(step.from, TxKind::Call(step.to), step.value, &step.data);
        let result = self.machine.transact_commit(transaction).expect("the step is valid");
        self.outcome(result)
    }

    /// Returns slots and balances that are not zero, without what only the contracts have.
    #[expect(clippy::iter_over_hash_type, reason = "what is collected is sorted")]
    pub(crate) fn held(&mut self) -> Held {
        let (mut slots, mut balances) = Held::default();
        for (address, account) in &self.database().cache.accounts {
            if !account.info.balance.is_zero() {
                balances.insert(*address, account.info.balance);
            }
            for (slot, value) in &account.storage {
                let is_constant = *address == WRAPPED_GRAIN && *slot < WETH_CONSTANTS;
                if !value.is_zero() && !is_constant && *slot != LOCK_SLOT {
                    slots.insert((*address, *slot), *value);
                }
            }
        }
        (slots, balances)
    }

    pub(crate) fn outcome(&mut self, result: ExecutionResult) -> Outcome {
        self.gas_used = result.tx_gas_used();
        let is_done = result.is_success();
        // Halts, such as Solidity's assertions, give no data.
        let output = without_dirt(result.output().cloned().unwrap_or_default());
        let logs = result.into_logs().into_iter().map(without_dirt_inside).collect();
        Outcome { is_done, output, logs }
    }

    pub(crate) fn database(&mut self) -> &mut Database {
        self.machine.context_mut().db_mut()
    }
}

/// Returns `Error(string)` with zeros behind the text. Solidity 0.5 and 0.6 copy a message of more than 32 bytes over memory that they have used
/// before, and leave what was there as its padding; no decoder reads it.
fn without_dirt(output: Bytes) -> Bytes {
    if !output.starts_with(&Revert::SELECTOR) {
        return output;
    }
    match Revert::abi_decode(&output) {
        Ok(revert) => revert.abi_encode().into(),
        Err(_) => output,
    }
}

/// Does the same for what the actor tells in its event.
fn without_dirt_inside(log: Log) -> Log {
    match Trading::Done::decode_log(&log) {
        Ok(Log { address, data: Trading::Done { ok, output } }) => {
            let data = Trading::Done { ok, output: without_dirt(output) }.encode_log_data();
            Log { address, data }
        }
        Err(_) => log,
    }
}

/// Returns a transaction without a fee.
pub(crate) fn transaction(from: Address, kind: TxKind, value: U256, data: &Bytes) -> TxEnv {
    TxEnv {
        caller: from,
        kind,
        value,
        data: data.clone(),
        gas_limit: GAS_LIMIT,
        chain_id: Some(CHAIN_ID),
        ..TxEnv::default()
    }
}

/// Returns the bytes of a file in hexadecimal.
pub(crate) fn decoded(text: &str) -> Bytes {
    hex::decode(text.trim()).expect("hexadecimal").into()
}

/// Returns a digest of slots and balances.
pub(crate) fn state_digest((slots, balances): &Held) -> B256 {
    let mut bytes = Vec::new();
    for ((account, slot), value) in slots {
        bytes.extend_from_slice(account.as_slice());
        bytes.extend_from_slice(&slot.to_be_bytes::<32>());
        bytes.extend_from_slice(&value.to_be_bytes::<32>());
    }
    for (account, balance) in balances {
        bytes.extend_from_slice(account.as_slice());
        bytes.extend_from_slice(&balance.to_be_bytes::<32>());
    }
    keccak256(bytes)
}

/// Returns a digest of logs: addresses, topics, data, order.
pub(crate) fn logs_digest(logs: &[Log]) -> B256 {
    let mut bytes = Vec::new();
    for log in logs {
        log.encode(&mut bytes);
    }
    keccak256(bytes)
}
