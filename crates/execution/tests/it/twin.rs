//! A ledger in memory on which contracts are either native modules or bytecode, at the same addresses; and sequences of calls with what the bytecode has
//! answered: one step a line, in JSON. A sequence begins with a line of its own.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, Log, U256, hex, keccak256};
use alloy_rlp::Encodable as _;
use execution::ModuleTable;
use native_kit::{MODULE_CODE, Machine, Modules};
use revm::{
    Context, ExecuteCommitEvm as _, Journal, MainContext as _,
    bytecode::Bytecode,
    context::{
        BlockEnv, CfgEnv, ContextTr as _, TxEnv,
        result::{EVMError, ExecutionResult},
    },
    database::{CacheDB, EmptyDB},
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};
use serde::{Deserialize, Serialize};

pub(crate) type Database = CacheDB<EmptyDB>;
pub(crate) type LedgerContext = Context<BlockEnv, TxEnv, CfgEnv, Database, Journal<Database>, ()>;

pub(crate) const CHAIN_ID: u64 = 4_242;

/// What is peculiar to the contracts that are compared.
#[derive(Debug)]
pub(crate) struct World {
    /// Far above what any step needs, so that no step ends by what a failed one has used up.
    pub(crate) gas_limit: u64,
    /// Returns whether only one of the two has this slot.
    pub(crate) is_own: fn(&Address, &U256) -> bool,
    /// Takes out of an answer what need not be equal.
    pub(crate) comparable: fn(&Step, Outcome) -> Outcome,
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
    world: &'static World,
}

impl Ledger {
    /// Returns a ledger with the modules of a table that are `present`, as they behave at a revision.
    pub(crate) fn new(
        world: &'static World,
        (table, revision): (ModuleTable, u32),
        present: &[Address],
    ) -> Self {
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
        let modules = Modules::new(SpecId::OSAKA, table, revision);
        let mut ledger = Self { machine: Machine::new(context, modules), gas_used: 0, world };
        for module in present {
            ledger.put(*module, Bytes::from_static(&MODULE_CODE));
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

    /// Executes a call. One that can't be paid for has its refusal as its data.
    pub(crate) fn execute(&mut self, step: &Step) -> Outcome {
        self.machine.context_mut().block.timestamp = U256::from(step.time);
        let transaction = self.transaction(step);
        match self.machine.transact_commit(transaction) {
            Ok(result) => self.outcome(step, result),
            Err(EVMError::Transaction(refusal)) => {
                self.gas_used = 0;
                let output = Bytes::from(refusal.to_string().into_bytes());
                Outcome { is_done: false, output, logs: Vec::new() }
            }
            Err(error) => panic!("the step does not run: {error:?}"),
        }
    }

    /// Returns slots and balances that are not zero, without what only one of the two has.
    #[expect(clippy::iter_over_hash_type, reason = "what is collected is sorted")]
    pub(crate) fn held(&mut self) -> Held {
        let (mut slots, mut balances) = Held::default();
        let is_own = self.world.is_own;
        for (address, account) in &self.database().cache.accounts {
            if !account.info.balance.is_zero() {
                balances.insert(*address, account.info.balance);
            }
            for (slot, value) in &account.storage {
                if !value.is_zero() && !is_own(address, slot) {
                    slots.insert((*address, *slot), *value);
                }
            }
        }
        (slots, balances)
    }

    pub(crate) fn outcome(&mut self, step: &Step, result: ExecutionResult) -> Outcome {
        self.gas_used = result.tx_gas_used();
        let is_done = result.is_success();
        // Halts, such as Solidity's assertions, give no data.
        let output = result.output().cloned().unwrap_or_default();
        (self.world.comparable)(step, Outcome { is_done, output, logs: result.into_logs() })
    }

    /// Returns a step as a transaction without a fee.
    pub(crate) fn transaction(&self, step: &Step) -> TxEnv {
        let Step { from, to, value, ref data, .. } = *step;
        TxEnv {
            caller: from,
            kind: TxKind::Call(to),
            value,
            data: data.clone(),
            gas_limit: self.world.gas_limit,
            chain_id: Some(CHAIN_ID),
            ..TxEnv::default()
        }
    }

    pub(crate) fn database(&mut self) -> &mut Database {
        self.machine.context_mut().db_mut()
    }
}

/// Returns the bytes of a file in hexadecimal.
pub(crate) fn decoded(text: &str) -> Bytes {
    hex::decode(text.trim()).expect("hexadecimal").into()
}

/// Returns a digest of slots and balances.
fn state_digest((slots, balances): &Held) -> B256 {
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
fn logs_digest(logs: &[Log]) -> B256 {
    let mut bytes = Vec::new();
    for log in logs {
        log.encode(&mut bytes);
    }
    keccak256(bytes)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Line {
    /// A new ledger: these accounts have this much GRAIN.
    Begin { sequence: u64, accounts: Vec<Address>, balance: U256 },
    /// A call.
    Call(Box<Recorded>),
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    time: u64,
    from: Address,
    to: Address,
    #[serde(default, skip_serializing_if = "U256::is_zero")]
    value: U256,
    data: Bytes,
    ok: bool,
    #[serde(default, skip_serializing_if = "is_empty")]
    output: Bytes,
    /// Digest of the logs; left out when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    logs: Option<B256>,
    /// First 8 bytes of the digest of slots and balances after the step; left out when the call has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<Bytes>,
}

fn is_empty(bytes: &Bytes) -> bool {
    bytes.is_empty()
}

impl Recorded {
    /// Returns the record of a step that has ended on `ledger`.
    pub(crate) fn new(step: &Step, outcome: &Outcome, ledger: &mut Ledger) -> Self {
        let state = outcome.is_done.then(|| state_digest(&ledger.held()));
        Self {
            time: step.time,
            from: step.from,
            to: step.to,
            value: step.value,
            data: step.data.clone(),
            ok: outcome.is_done,
            output: outcome.output.clone(),
            logs: (!outcome.logs.is_empty()).then(|| logs_digest(&outcome.logs)),
            state: state.map(|digest| Bytes::copy_from_slice(&digest[..8])),
        }
    }

    fn step(&self) -> Step {
        let Self { time, from, to, value, ref data, .. } = *self;
        Step { time, from, to, value, data: data.clone() }
    }
}

/// What was replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub(crate) steps: u64,
    /// Gas of all steps, of refused ones too.
    pub(crate) gas: u64,
}

/// Plays recorded sequences on native ledgers, each of which `begin` makes, and compares each step.
///
/// # Panics
/// At the first step that answers otherwise than recorded.
pub(crate) fn replay(text: &str, begin: impl Fn() -> Ledger) -> Replayed {
    let (mut ledger, mut current, mut replayed) = (begin(), 0, Replayed::default());
    for (number, line) in text.lines().enumerate() {
        match serde_json::from_str(line).expect("a line of a record") {
            Line::Begin { sequence, accounts, balance } => {
                current = sequence;
                ledger = begin();
                for account in accounts {
                    ledger.give(account, balance);
                }
            }
            Line::Call(recorded) => {
                let step = recorded.step();
                let outcome = ledger.execute(&step);
                let now = Recorded::new(&step, &outcome, &mut ledger);
                assert_eq!(now, *recorded, "line {}, sequence {current}", number + 1);
                replayed.steps += 1;
                replayed.gas += ledger.gas_used;
            }
        }
    }
    replayed
}
