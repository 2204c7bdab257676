//! A ledger in memory on which Uniswap v3 is either the native modules or the contracts' bytecode, at the same addresses.

use std::collections::BTreeMap;

use abi::{
    UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, B256, Bytes, Log, U256, hex, keccak256, uint};
use alloy_rlp::Encodable as _;
use execution::ModuleTable;
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
pub(crate) const GAS_LIMIT: u64 = 1 << 34;
/// Assets whose balances anyone can set, on both sides of GRAIN's address.
pub(crate) const TOKENS: [Address; 3] =
    [Address::repeat_byte(0x11), Address::repeat_byte(0x77), Address::repeat_byte(0xbb)];
/// Contracts that do what they are told, also when they are called back.
pub(crate) const ACTORS: [Address; 2] = [Address::repeat_byte(0xac), Address::repeat_byte(0xad)];
/// Who may set the protocol's part of the fees.
pub(crate) const OWNER: Address = Address::repeat_byte(0x5e);

const TOKEN_CODE: &str = include_str!("../../../../../testdata/uniswap-v2/token.hex");
const ACTOR_CODE: &str = include_str!("../../../../../testdata/uniswap-v3/actor.hex");
/// Slots of a native pool that the contract does not have: what is part of its code.
const IMMUTABLE_SLOTS: [U256; 2] = [uint!(65543_U256), uint!(65544_U256)];
/// The factory's owner.
const OWNER_SLOT: U256 = uint!(3_U256);
/// The factory's mapping of fees; three of them are rules of the native factory.
const FEES_SLOT: U256 = uint!(4_U256);

/// The position manager's counters.
const COUNTERS_SLOT: U256 = uint!(13_U256);
/// Its name and symbol, which are constants of the native module.
const NAME_SLOTS: [U256; 2] = [uint!(6_U256), uint!(7_U256)];
/// Its interfaces, as keys of the mapping at slot 0.
const INTERFACES: [u32; 4] = [0x01ff_c9a7, 0x80ac_58cd, 0x5b5e_139f, 0x780e_9d63];

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
        let mut ledger = Self::empty(execution::MODULES);
        for module in execution::MODULES.rows() {
            if let native_kit::Place::At(address) = module.place {
                ledger.put(address, Bytes::from_static(&MODULE_CODE));
            }
        }
        // What the contracts' constructors write.
        ledger.write(UNISWAP_V3_FACTORY, OWNER_SLOT, OWNER.into_word().into());
        ledger.write(UNISWAP_V3_ROUTER, U256::ZERO, U256::MAX);
        ledger.write(UNISWAP_V3_POSITIONS, COUNTERS_SLOT, U256::ONE | (U256::ONE << 176));
        ledger
    }

    /// Returns a ledger with the modules of a table, tokens, and actors.
    pub(crate) fn empty(table: ModuleTable) -> Self {
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
        let modules = Modules::new(SpecId::OSAKA, table, table.newest());
        let mut ledger = Self { machine: Machine::new(context, modules), gas_used: 0 };
        for module in [abi::GRAIN, WRAPPED_GRAIN] {
            ledger.put(module, Bytes::from_static(&MODULE_CODE));
        }
        for token in TOKENS {
            ledger.put(token, decoded(TOKEN_CODE));
        }
        for actor in ACTORS {
            ledger.put(actor, decoded(ACTOR_CODE));
        }
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
        let held = self.database().cache.accounts.get(&account);
        let mut info = held.map(|it| it.info.clone()).unwrap_or_default();
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
        let mut outcome = self.outcome(result);
        if step.to == UNISWAP_V3_QUOTER && outcome.is_done && outcome.output.len() >= 128 {
            // The estimate of gas, which is that of the native modules.
            let mut output = outcome.output.to_vec();
            output[96..128].fill(0);
            outcome.output = output.into();
        }
        outcome
    }

    /// Returns slots and balances that are not zero, without what only one of the two has.
    #[expect(clippy::iter_over_hash_type, reason = "what is collected is sorted")]
    pub(crate) fn held(&mut self) -> Held {
        let fees = [500_u64, 3_000, 10_000].map(|fee| {
            let key = [U256::from(fee).to_be_bytes::<32>(), FEES_SLOT.to_be_bytes::<32>()];
            U256::from_be_bytes(keccak256(key.concat()).0)
        });
        let interfaces = INTERFACES.map(|id| {
            let word = U256::from(id).wrapping_shl(224);
            let key = [word.to_be_bytes::<32>(), [0; 32]];
            U256::from_be_bytes(keccak256(key.concat()).0)
        });
        let is_constant = |slot: &U256| NAME_SLOTS.contains(slot) || interfaces.contains(slot);
        let (mut slots, mut balances) = Held::default();
        for (address, account) in &self.database().cache.accounts {
            if !account.info.balance.is_zero() {
                balances.insert(*address, account.info.balance);
            }
            for (slot, value) in &account.storage {
                let is_fee = *address == UNISWAP_V3_FACTORY && fees.contains(slot);
                let is_name = *address == UNISWAP_V3_POSITIONS && is_constant(slot);
                if !value.is_zero() && !is_fee && !is_name && !IMMUTABLE_SLOTS.contains(slot) {
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
        let output = result.output().cloned().unwrap_or_default();
        Outcome { is_done, output, logs: result.into_logs() }
    }

    pub(crate) fn database(&mut self) -> &mut Database {
        self.machine.context_mut().db_mut()
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
