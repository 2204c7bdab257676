//! Simulates further blocks: `eth_simulateV1`.
//!
//! Blocks and their calls run one after the other on one overlay, so each sees the changes of those before it;
//! nothing is stored.

use crate::{
    block::receipt,
    call::{Call, CallError, CallOutcome, check_call},
    environment::Environment,
    evm::{Checks, machine},
    fees::next_base_fee,
    genesis::empty_header,
    modules::{self, BeginError},
    overlay::Overlay,
    overrides::{self, Overrides},
    revision::UnknownRevision,
    rules::Rules,
    transaction::{self, Refusal, Transaction},
    transfers::Transfers,
};
use alloy_consensus::{
    EthereumTypedTransaction, Header, ReceiptEnvelope, TxEip1559, TxEip4844, TxEip7702, TxReceipt,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::Recovered,
};
use alloy_primitives::{B256, Bloom, Log, Signature, TxKind, U256};
use native_modules::revisions;
use revm::{Database, DatabaseRef, InspectCommitEvm};

/// Largest number of blocks of a simulation, those that fill gaps included; as in geth.
pub const SIMULATED_BLOCKS_MAX: usize = 256;
/// Largest gas of a simulation, in blocks of the ledger.
pub const SIMULATED_GAS_BLOCKS_MAX: u64 = 4;
/// Largest size of output and logs of a simulation in bytes.
pub const SIMULATED_SIZE_MAX: usize = 8 << 20;
/// Seconds between blocks unless the time is given; as in geth.
const BLOCK_SECONDS: u64 = 12;

/// A call that is executed as a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The call. Without a gas limit it may use all remaining gas.
    pub call: Call,
    /// Nonce; the sender's next one if absent.
    pub nonce: Option<u64>,
}

/// A block to simulate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockPlan {
    /// Overrides applied before its calls.
    pub overrides: Overrides,
    /// Its messages, in order.
    pub messages: Vec<Message>,
}

/// The blocks and options of a simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// The blocks, in order.
    pub blocks: Vec<BlockPlan>,
    /// Whether nonces, fees and senders are checked as in a real block. If not, gas is free unless a fee is given.
    pub is_validated: bool,
    /// Whether transfers of GRAIN are added to the logs.
    pub with_transfers: bool,
}

/// The result of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCall {
    /// Its outcome.
    pub outcome: CallOutcome,
    /// Gas spent before refunds.
    pub gas_spent: u64,
    /// Logs of a successful call, with transfers if requested.
    pub logs: Vec<Log>,
}

/// A simulated block.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedBlock {
    /// Its header, without a state root: no commitment is computed.
    pub header: Header,
    /// The messages as transactions without a signature.
    pub transactions: Vec<Recovered<Transaction>>,
    /// The result of each message.
    pub calls: Vec<SimulatedCall>,
}

/// Why the simulation failed.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError<E: std::error::Error + 'static> {
    /// A block number is not above the one before.
    #[error("block numbers must be in order: {number} <= {parent}")]
    Number {
        /// Given number.
        number: u64,
        /// Number of the block before.
        parent: u64,
    },
    /// A timestamp is not above the one before.
    #[error("block timestamps must be in order: {timestamp} <= {parent}")]
    Timestamp {
        /// Given timestamp, in Unix seconds.
        timestamp: u64,
        /// Timestamp of the block before.
        parent: u64,
    },
    /// There are more than [`SIMULATED_BLOCKS_MAX`] blocks.
    #[error("too many blocks: a simulation has at most {SIMULATED_BLOCKS_MAX}, gaps included")]
    Blocks,
    /// The calls need more gas than [`SIMULATED_GAS_BLOCKS_MAX`] blocks have.
    #[error("a simulation has at most {gas_max} gas: split it, or give its calls less gas")]
    Gas {
        /// The largest gas.
        gas_max: u64,
    },
    /// Output and logs exceed [`SIMULATED_SIZE_MAX`].
    #[error("output and logs exceed {SIMULATED_SIZE_MAX} bytes: split the simulation")]
    Size,
    /// A message could not be executed.
    #[error("block {block}, call {index}: {reason}")]
    Refused {
        /// Height.
        block: u64,
        /// Position in the block, from 0.
        index: usize,
        /// The reason.
        reason: Refusal,
    },
    /// A block needs rules of a later version of this program.
    #[error(transparent)]
    UnknownRevision(#[from] UnknownRevision),
    /// The snapshot could not be read.
    #[error("state could not be read")]
    State(#[source] E),
}

impl<E: std::error::Error> From<BeginError<E>> for SimulateError<E> {
    fn from(error: BeginError<E>) -> Self {
        match error {
            BeginError::UnknownRevision(error) => Self::UnknownRevision(error),
            BeginError::State(error) => Self::State(error),
        }
    }
}

/// Simulates blocks on top of `head`, whose state is `state`.
///
/// # Errors
/// [`SimulateError`] when a block is invalid, or a message can't be included in its block; a revert is not an error.
pub fn simulate<DB: DatabaseRef>(
    state: &DB,
    rules: &Rules,
    head: &Header,
    simulation: &Simulation,
) -> Result<Vec<SimulatedBlock>, SimulateError<DB::Error>> {
    let blocks = ordered(head, &simulation.blocks)?;
    let mut overlay = Overlay::new(state);
    let mut budget = Budget {
        gas: rules.gas_limit.saturating_mul(SIMULATED_GAS_BLOCKS_MAX),
        gas_max: rules.gas_limit.saturating_mul(SIMULATED_GAS_BLOCKS_MAX),
        size: SIMULATED_SIZE_MAX,
    };
    let mut parent = head.clone();
    let mut simulated = Vec::with_capacity(blocks.len());
    for plan in &blocks {
        let parent_hash = parent.hash_slow();
        overlay.set_block_hash(parent.number, parent_hash);
        // A simulated vote counts from the next block on.
        let rules = rules.by(|slot| overlay.storage(revisions::ADDRESS, slot));
        let rules = &rules.map_err(SimulateError::State)?;
        let environment = environment(&parent, rules, simulation, plan);
        modules::begin_block(&mut overlay, rules, parent.number, &environment)?;
        overrides::apply(&mut overlay, &plan.overrides.accounts).map_err(SimulateError::State)?;
        let run = Run { rules, simulation, environment: &environment };
        let body;
        (overlay, body) = run.messages(overlay, &plan.messages, &mut budget)?;
        let block = body.seal(&environment, parent_hash);
        parent = block.header.clone();
        simulated.push(block);
    }
    Ok(simulated)
}

/// Returns the blocks with their numbers and times, with empty blocks in the gaps.
fn ordered<E: std::error::Error>(
    head: &Header,
    blocks: &[BlockPlan],
) -> Result<Vec<BlockPlan>, SimulateError<E>> {
    let mut all = Vec::new();
    let (mut parent, mut time) = (head.number, head.timestamp);
    for plan in blocks {
        let number = plan.overrides.block.number.unwrap_or(parent.saturating_add(1));
        if number <= parent {
            return Err(SimulateError::Number { number, parent });
        }
        let room = SIMULATED_BLOCKS_MAX.saturating_sub(all.len());
        if number - parent > u64::try_from(room).unwrap_or(u64::MAX) {
            return Err(SimulateError::Blocks);
        }
        for missing in parent + 1..number {
            time = time.saturating_add(BLOCK_SECONDS);
            all.push(at(&BlockPlan::default(), missing, time));
        }
        let next = plan.overrides.block.timestamp.unwrap_or(time.saturating_add(BLOCK_SECONDS));
        if next <= time {
            return Err(SimulateError::Timestamp { timestamp: next, parent: time });
        }
        (parent, time) = (number, next);
        all.push(at(plan, number, time));
    }
    Ok(all)
}

fn at(plan: &BlockPlan, number: u64, timestamp: u64) -> BlockPlan {
    let mut plan = plan.clone();
    plan.overrides.block.number = Some(number);
    plan.overrides.block.timestamp = Some(timestamp);
    plan
}

fn environment(
    parent: &Header,
    rules: &Rules,
    simulation: &Simulation,
    plan: &BlockPlan,
) -> Environment {
    let base_fee = if simulation.is_validated { next_base_fee(parent, &rules.base_fee) } else { 0 };
    let inherited =
        Environment { prevrandao: B256::ZERO, base_fee, ..Environment::of(parent, rules) };
    plan.overrides.block.applied_to(&inherited, rules)
}

/// What remains of the bounds of a simulation.
struct Budget {
    gas: u64,
    gas_max: u64,
    size: usize,
}

/// A block being simulated.
struct Run<'a> {
    rules: &'a Rules,
    simulation: &'a Simulation,
    environment: &'a Environment,
}

/// The messages executed so far.
#[derive(Default)]
struct Body {
    gas_used: u64,
    transactions: Vec<Recovered<Transaction>>,
    receipts: Vec<ReceiptEnvelope>,
    calls: Vec<SimulatedCall>,
}

impl Run<'_> {
    fn messages<'o, DB: DatabaseRef>(
        &self,
        overlay: Overlay<'o, DB>,
        messages: &[Message],
        budget: &mut Budget,
    ) -> Result<(Overlay<'o, DB>, Body), SimulateError<DB::Error>> {
        let checks =
            if self.simulation.is_validated { Checks::Inclusion } else { Checks::ReadOnly };
        let mut machine = machine(overlay, self.rules, self.environment, checks)
            .with_inspector(Transfers::default());
        let mut body = Body::default();
        for (index, message) in messages.iter().enumerate() {
            let block = self.environment.number;
            let refused = |reason| SimulateError::Refused { block, index, reason };
            check_call(&message.call, self.rules).map_err(refused)?;
            let overlay = &mut machine.context_mut().journaled_state.database;
            let sender = overlay.basic(message.call.from).map_err(SimulateError::State)?;
            let nonce = message.nonce.or(sender.map(|account| account.nonce)).unwrap_or_default();
            let gas_left = self.environment.gas_limit.saturating_sub(body.gas_used);
            let gas_limit = message.call.gas_limit.unwrap_or_else(|| gas_left.min(budget.gas));
            if gas_limit > gas_left {
                return Err(refused(Refusal::BlockFull { gas_limit, gas_left }));
            }
            if gas_limit > budget.gas || budget.gas == 0 {
                return Err(SimulateError::Gas { gas_max: budget.gas_max });
            }
            let transaction = unsigned(message, nonce, gas_limit, self.rules.chain_id);
            let given = transaction::environment(&transaction);
            let result = machine.inspect_commit(given.clone(), Transfers::default()).map_err(
                |error| match (CallError::from_machine(error, &given), self.environment.base_fee) {
                    (CallError::State(error), _) => SimulateError::State(error),
                    (CallError::UnknownRevision(error), _) => error.into(),
                    (CallError::Refused(reason), base_fee) => {
                        refused(reason.with_base_fee(base_fee))
                    }
                },
            )?;
            let gas_spent = result.gas().total_gas_spent();
            // Executed gas counts, even if it is refunded.
            budget.gas = budget.gas.saturating_sub(gas_spent.max(result.tx_gas_used()));
            body.gas_used = body.gas_used.saturating_add(result.tx_gas_used());
            let logs = match (result.is_success(), self.simulation.with_transfers) {
                (false, _) => Vec::new(),
                (true, true) => machine.take_inspector().into_logs(),
                (true, false) => result.logs().to_vec(),
            };
            let receipt = receipt(&transaction, result.clone(), body.gas_used);
            let call = SimulatedCall { outcome: result.into(), gas_spent, logs };
            budget.size = budget.size.checked_sub(call.size()).ok_or(SimulateError::Size)?;
            body.receipts.push(receipt);
            body.calls.push(call);
            body.transactions.push(transaction);
        }
        Ok((machine.into_parts().0.journaled_state.database, body))
    }
}

impl Body {
    fn seal(self, environment: &Environment, parent_hash: B256) -> SimulatedBlock {
        let mut logs_bloom = Bloom::ZERO;
        for receipt in &self.receipts {
            logs_bloom |= receipt.bloom();
        }
        let header = Header {
            parent_hash,
            number: environment.number,
            timestamp: environment.timestamp,
            beneficiary: environment.beneficiary,
            gas_limit: environment.gas_limit,
            gas_used: self.gas_used,
            base_fee_per_gas: Some(environment.base_fee),
            mix_hash: environment.prevrandao,
            state_root: B256::ZERO,
            transactions_root: calculate_transaction_root(&self.transactions),
            receipts_root: calculate_receipt_root(&self.receipts),
            logs_bloom,
            ..empty_header()
        };
        SimulatedBlock { header, transactions: self.transactions, calls: self.calls }
    }
}

impl SimulatedCall {
    /// Returns its approximate size in a response.
    fn size(&self) -> usize {
        let output = match &self.outcome {
            CallOutcome::Returned { output, .. } | CallOutcome::Reverted { output, .. } => {
                output.len()
            }
            CallOutcome::Halted { .. } => 0,
        };
        let logs = self.logs.iter().map(|log| 512_usize.saturating_add(log.data.data.len()));
        logs.fold(output.saturating_add(1_024), usize::saturating_add)
    }
}

/// Returns the message as a transaction without a signature.
fn unsigned(
    message: &Message,
    nonce: u64,
    gas_limit: u64,
    chain_id: u64,
) -> Recovered<Transaction> {
    let call = &message.call;
    let max_fee_per_gas = call.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas =
        call.max_priority_fee_per_gas.unwrap_or_default().min(max_fee_per_gas);
    let plain = TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to: call.to,
        value: call.value,
        access_list: call.access_list.clone(),
        input: call.data.clone(),
    };
    let typed: EthereumTypedTransaction<TxEip4844> = match call.to {
        TxKind::Call(to) if !call.authorization_list.is_empty() => TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value: plain.value,
            access_list: plain.access_list,
            authorization_list: call.authorization_list.clone(),
            input: plain.input,
        }
        .into(),
        TxKind::Call(_) | TxKind::Create => plain.into(),
    };
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    Recovered::new_unchecked(Transaction::new_unhashed(typed, signature), call.from)
}
