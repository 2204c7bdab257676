//! Calls on a state in memory, and sequences of calls with what they answered: recorded with the bytecode of a contract, replayed with the native
//! module in its place.
//!
//! A recording is text. `begin` starts a new ledger; then come its accounts and slots, the getters that are called after each step, and the steps:
//!
//! ```text
//! begin
//! code ADDRESS NAME_OR_BYTES
//! slot ADDRESS SLOT WORD
//! balance ADDRESS WEI
//! get ADDRESS CALLDATA
//! step BLOCK TIME FROM TO CALLDATA GAS = SUCCESS OUTPUT LOGS GETTERS
//! ```
//!
//! `LOGS` and `GETTERS` are the first bytes of digests. `GAS` is what the bytecode took, which the module must not exceed; it is `-` for calls that failed, and for the
//! views that cost more natively.

use std::str::FromStr;

use alloy_primitives::{Address, Bytes, Log, TxKind, U256, hex, keccak256};
use native_kit::{Machine, Modules};
use revm::{
    Context, ExecuteCommitEvm, ExecuteEvm, Journal, MainContext,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, ContextTr, TxEnv, result::ExecutionResult},
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

/// Gas limit of each call.
const GAS_LIMIT: u64 = 4_000_000;
/// Gas limit for creating a contract.
const CREATION_GAS_LIMIT: u64 = 4 * GAS_LIMIT;
/// Bytes of a digest that are kept.
const DIGEST_SIZE: usize = 8;

/// Codes that recordings name.
const CODES: [(&str, &str); 2] = [
    ("odd", include_str!("../../../../testdata/yield/odd.hex")),
    ("actor", include_str!("../../../../testdata/yield/actor.hex")),
];

/// A call, and the block in which it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) block: u64,
    pub(crate) time: u64,
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) input: Bytes,
}

/// What a call has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) output: Bytes,
    pub(crate) logs: Vec<Log>,
    pub(crate) gas: u64,
}

/// Whether the changes of a call stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    Kept,
    Forgotten,
}

pub(crate) type Database = CacheDB<EmptyDB>;

/// Accounts and storage, without blocks.
///
/// Its machine is made once: a comparison makes a hundred calls of getters for each call of a transaction, and most of their time was that of making machines.
pub(crate) struct Ledger {
    pub(crate) machine: Machine<Context<BlockEnv, TxEnv, CfgEnv, Database, Journal<Database>, ()>>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA);
        cfg.tx_gas_limit_cap = Some(u64::MAX);
        cfg.limit_contract_initcode_size = Some(usize::MAX);
        cfg.disable_nonce_check = true;
        let block = BlockEnv { gas_limit: u64::MAX, basefee: 0, ..BlockEnv::default() };
        let context =
            Context::mainnet().with_db(Database::default()).with_cfg(cfg).with_block(block);
        let modules = Modules::new(SpecId::OSAKA, execution::MODULES, execution::MODULES.newest());
        let mut ledger = Self { machine: Machine::new(context, modules) };
        for (address, code) in execution::MODULES.accounts_since(2) {
            ledger.set_code(address, code);
        }
        ledger
    }

    pub(crate) fn state_mut(&mut self) -> &mut Database {
        self.machine.context_mut().db_mut()
    }

    pub(crate) fn set_code(&mut self, address: Address, code: Bytes) {
        let code = Bytecode::new_raw(code);
        let info = AccountInfo {
            nonce: 1,
            code_hash: code.hash_slow(),
            code: Some(code),
            ..AccountInfo::default()
        };
        self.state_mut().insert_account_info(address, info);
    }

    pub(crate) fn set_slot(&mut self, address: Address, slot: U256, word: U256) {
        self.state_mut().insert_account_storage(address, slot, word).unwrap();
    }

    pub(crate) fn set_balance(&mut self, address: Address, value: u64) {
        let account = self.state_mut().load_account(address).unwrap();
        account.info.balance = U256::from(value);
    }

    /// Makes a call and keeps what it changes.
    pub(crate) fn call(&mut self, step: &Step) -> Answer {
        self.run(step, TxKind::Call(step.to), Changes::Kept)
    }

    /// Makes a call and forgets what it changes.
    pub(crate) fn read(&mut self, step: &Step) -> Answer {
        self.run(step, TxKind::Call(step.to), Changes::Forgotten)
    }

    pub(crate) fn run(&mut self, step: &Step, kind: TxKind, changes: Changes) -> Answer {
        let block = &mut self.machine.context_mut().block;
        (block.number, block.timestamp) = (U256::from(step.block), U256::from(step.time));
        let transaction = TxEnv {
            caller: step.from,
            kind,
            data: step.input.clone(),
            gas_limit: if kind.is_create() { CREATION_GAS_LIMIT } else { GAS_LIMIT },
            gas_price: 0,
            ..TxEnv::default()
        };
        let result = if changes == Changes::Kept {
            self.machine.transact_commit(transaction).unwrap()
        } else {
            self.machine.transact(transaction).unwrap().result
        };
        let gas = result.tx_gas_used();
        let (success, output, logs) = match result {
            ExecutionResult::Success { output, logs, .. } => (true, output.into_data(), logs),
            ExecutionResult::Revert { output, .. } => (false, output, Vec::new()),
            ExecutionResult::Halt { .. } => (false, Bytes::new(), Vec::new()),
        };
        Answer { success, output, logs, gas }
    }
}

/// Returns what all getters answer at the time of a step.
pub(crate) fn getters(
    ledger: &mut Ledger,
    getters: &[(Address, Bytes)],
    at: &Step,
) -> Vec<(bool, Bytes)> {
    let ask = |(to, input): &(Address, Bytes)| {
        let step = Step { to: *to, input: input.clone(), ..at.clone() };
        let answer = ledger.read(&step);
        (answer.success, answer.output)
    };
    getters.iter().map(ask).collect()
}

/// Returns the recorded form of an answer and of what the getters say after it.
pub(crate) fn facts(answer: &Answer, found: &[(bool, Bytes)]) -> String {
    let mut logs = Vec::new();
    for log in &answer.logs {
        logs.extend(log.address);
        logs.extend(log.topics().iter().flat_map(|topic| topic.0));
        logs.extend(U256::from(log.data.data.len()).to_be_bytes::<32>());
        logs.extend(&log.data.data[..]);
    }
    let mut views = Vec::new();
    for (success, output) in found {
        views.push(u8::from(*success));
        views.extend(U256::from(output.len()).to_be_bytes::<32>());
        views.extend(&output[..]);
    }
    let digest = |bytes: Vec<u8>| hex::encode(&keccak256(bytes)[..DIGEST_SIZE]);
    let (success, output) = (u8::from(answer.success), &answer.output);
    format!("{success} {output} {} {}", digest(logs), digest(views))
}

/// Replays a recording and returns the number of steps.
///
/// # Panics
/// At the first step that answers otherwise than recorded.
pub(crate) fn replay(text: &str) -> usize {
    let (mut ledger, mut views, mut count) = (Ledger::new(), Vec::new(), 0);
    for (line, entry) in (1..).zip(text.lines()) {
        let words: Vec<&str> = entry.split(' ').collect();
        match words[..] {
            ["begin"] => (ledger, views) = (Ledger::new(), Vec::new()),
            ["code", address, code] => {
                let named = CODES.iter().find(|(name, _)| *name == code);
                let bytes = named.map_or(code, |(_, bytes)| bytes.trim());
                ledger.set_code(read(address), hex::decode(bytes).unwrap().into());
            }
            ["slot", address, slot, word] => {
                let number = |text| U256::from_str_radix(text, 16).unwrap();
                ledger.set_slot(read(address), number(slot), number(word));
            }
            ["balance", address, value] => ledger.set_balance(read(address), read(value)),
            ["get", address, input] => views.push((read(address), read(input))),
            ["step", block, time, from, to, input, gas, "=", ..] => {
                let step = Step {
                    block: read(block),
                    time: read(time),
                    from: read(from),
                    to: read(to),
                    input: read(input),
                };
                let answer = ledger.call(&step);
                let found = getters(&mut ledger, &views, &step);
                let recorded = words[8..].join(" ");
                assert_eq!(facts(&answer, &found), recorded, "line {line}: {step:?}");
                let gas_max = gas.parse().unwrap_or(u64::MAX);
                assert!(
                    answer.gas <= gas_max,
                    "line {line}: {} gas, not {gas}: {step:?}",
                    answer.gas
                );
                count += 1;
            }
            _ => panic!("line {line}: `{entry}` is no entry of a recording"),
        }
    }
    count
}

fn read<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}
