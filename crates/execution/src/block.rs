//! Executes one block.

use crate::{
    changes::StateChanges,
    commitment::{Commitment, CommitmentError, Moved, State},
    environment::{BlockInput, Environment},
    evm::{Checks, Machine, machine},
    genesis::empty_header,
    modules::{self, BeginError},
    overlay::Overlay,
    pending::PendingBlock,
    revision::UnknownRevision,
    rules::Rules,
    supply::{self, Settlement, SupplyError},
    transaction::{self, Refusal, Refused, Transaction},
};
use alloy_consensus::{
    Eip658Value, Header, Receipt, ReceiptEnvelope, Transaction as _, TxReceipt,
    proofs::{calculate_receipt_root, calculate_transaction_root},
    transaction::Recovered,
};
use alloy_primitives::{B256, Bloom, Bytes, U256};
use revm::{
    DatabaseRef, ExecuteCommitEvm,
    context::result::{EVMError, ExecutionResult},
};

/// Largest size of `extra_data` in bytes, as in Ethereum; clients refuse blocks with more.
pub const EXTRA_DATA_SIZE_MAX: usize = 32;
/// Largest size of a proof in bytes.
pub const PROOF_SIZE_MAX: usize = 96;

/// A block with its results and state changes: everything that is stored in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecutedBlock {
    /// Sealed header.
    pub header: Header,
    /// Keccak-256 of the header.
    pub hash: B256,
    /// The producer's proof of the randomness.
    pub proof: Bytes,
    /// Transactions in order, with their senders.
    pub transactions: Vec<Recovered<Transaction>>,
    /// One receipt per transaction, with logs of successful ones only.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Differences to the parent's state.
    pub changes: StateChanges,
    /// Commitment to the state after the block, and the new buckets.
    pub moved: Moved,
}

/// A block and the transactions that were not included.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The block.
    pub block: ExecutedBlock,
    /// Refused transactions, in the order given.
    pub refused: Vec<Refused>,
}

/// Why no block was made. An invalid transaction is never a reason.
#[derive(Debug, thiserror::Error)]
pub enum BlockError<E: std::error::Error + 'static> {
    /// The timestamp is before the parent's.
    #[error("block timestamp {timestamp} is before its parent's {parent}")]
    BeforeParent {
        /// Given timestamp, in Unix seconds.
        timestamp: u64,
        /// Timestamp of the parent.
        parent: u64,
    },
    /// The extra data is too long.
    #[error("extra data has {size} bytes: give at most {EXTRA_DATA_SIZE_MAX}")]
    ExtraData {
        /// Size in bytes.
        size: usize,
    },
    /// The proof is too long.
    #[error("the proof of the randomness has {size} bytes: give at most {PROOF_SIZE_MAX}")]
    Proof {
        /// Size in bytes.
        size: usize,
    },
    /// Header and commitment belong to different states.
    #[error(
        "parent block {number} has state root {header}, but the given commitment has {commitment}"
    )]
    CommitmentMismatch {
        /// Height of the parent.
        number: u64,
        /// Root in its header.
        header: B256,
        /// Root of the commitment.
        commitment: B256,
    },
    /// The block needs rules of a later version of this program.
    #[error(transparent)]
    UnknownRevision(#[from] UnknownRevision),
    /// The block breaks the rules of GRAIN's supply.
    #[error(transparent)]
    Supply(#[from] SupplyError),
    /// The snapshot could not be read.
    #[error("state could not be read")]
    State(#[source] E),
    /// The snapshot does not contain what the commitment says.
    #[error("the new state root could not be computed")]
    Commitment(#[source] CommitmentError<E>),
}

impl<E: std::error::Error> From<BeginError<E>> for BlockError<E> {
    fn from(error: BeginError<E>) -> Self {
        match error {
            BeginError::UnknownRevision(error) => Self::UnknownRevision(error),
            BeginError::State(error) => Self::State(error),
        }
    }
}

/// The parent of a block.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a, DB> {
    /// The parent's header.
    pub header: &'a Header,
    /// Commitment to the parent's state.
    pub commitment: &'a Commitment,
    /// The parent's state.
    pub state: &'a DB,
    /// Whether the state may differ from the header, as in a development ledger that was amended.
    pub may_be_amended: bool,
}

/// Executes `transactions`, in order, on top of `parent`. Transactions that cannot be included are left out and reported. What votes have scheduled is read from
/// the parent's state, whatever the schedule of `rules` says of it.
///
/// # Errors
/// [`BlockError`]; nothing has changed then, as this function only reads.
pub fn execute_block<DB: State>(
    parent: &Parent<'_, DB>,
    rules: &Rules,
    input: &BlockInput,
    transactions: &[Recovered<Transaction>],
) -> Result<Built, BlockError<DB::Error>> {
    let rules = &rules.at(parent.state).map_err(BlockError::State)?;
    let environment = Environment::next(parent.header, rules, input);
    let mut body = run(parent, (rules, &environment), input, transactions)?;
    let refused = std::mem::take(&mut body.refused);
    Ok(Built { block: seal(parent, input, body)?, refused })
}

/// Executes a block as [`execute_block`] does, but computes no roots; returns the gas used. For measurements.
///
/// # Errors
/// [`BlockError`]
pub fn execute_unsealed<DB: State>(
    parent: &Parent<'_, DB>,
    rules: &Rules,
    input: &BlockInput,
    transactions: &[Recovered<Transaction>],
) -> Result<u64, BlockError<DB::Error>> {
    let rules = &rules.at(parent.state).map_err(BlockError::State)?;
    let environment = Environment::next(parent.header, rules, input);
    Ok(run(parent, (rules, &environment), input, transactions)?.gas_used)
}

/// Executes `transactions`, in order, on top of `parent`, as the next block: without a state root, and so without a
/// hash. Transactions that cannot be included are left out.
///
/// # Errors
/// [`BlockError`]
pub fn execute_pending<DB: State>(
    parent: &Parent<'_, DB>,
    rules: &Rules,
    input: &BlockInput,
    transactions: &[Recovered<Transaction>],
) -> Result<PendingBlock, BlockError<DB::Error>> {
    let rules = &rules.at(parent.state).map_err(BlockError::State)?;
    let environment = Environment::next(parent.header, rules, input);
    let body = run(parent, (rules, &environment), input, transactions)?;
    finish(parent, input, body)
}

/// Executes the transactions.
fn run<'a, DB: State>(
    parent: &Parent<'a, DB>,
    (rules, environment): (&'a Rules, &'a Environment),
    input: &BlockInput,
    transactions: &[Recovered<Transaction>],
) -> Result<Body<'a, DB>, BlockError<DB::Error>> {
    check_input(parent, input)?;
    let checks = match input.deviations.contracts_may_send {
        true => Checks::Included,
        false => Checks::Inclusion,
    };
    let mut overlay = Overlay::new(parent.state);
    modules::begin_block(&mut overlay, rules, parent.header.number, environment)?;
    let mut body = Body {
        machine: machine(overlay, rules, environment, checks),
        rules,
        environment,
        gas_used: 0,
        transactions: Vec::with_capacity(transactions.len()),
        receipts: Vec::with_capacity(transactions.len()),
        refused: Vec::new(),
    };
    for (index, transaction) in transactions.iter().enumerate() {
        if let Err(reason) = body.include(transaction)? {
            body.refused.push(Refused { index, hash: *transaction.tx_hash(), reason });
        }
    }
    Ok(body)
}

fn check_input<DB: State>(
    parent: &Parent<'_, DB>,
    input: &BlockInput,
) -> Result<(), BlockError<DB::Error>> {
    let (timestamp, parent_timestamp) = (input.timestamp, parent.header.timestamp);
    if timestamp < parent_timestamp {
        return Err(BlockError::BeforeParent { timestamp, parent: parent_timestamp });
    }
    if input.extra_data.len() > EXTRA_DATA_SIZE_MAX {
        return Err(BlockError::ExtraData { size: input.extra_data.len() });
    }
    if input.proof.len() > PROOF_SIZE_MAX {
        return Err(BlockError::Proof { size: input.proof.len() });
    }
    let (header, commitment) = (parent.header.state_root, parent.commitment.root());
    if header != commitment && !parent.may_be_amended {
        let number = parent.header.number;
        return Err(BlockError::CommitmentMismatch { number, header, commitment });
    }
    Ok(())
}

/// The included and refused transactions so far.
struct Body<'a, DB: DatabaseRef> {
    machine: Machine<'a, DB>,
    rules: &'a Rules,
    environment: &'a Environment,
    gas_used: u64,
    transactions: Vec<Recovered<Transaction>>,
    receipts: Vec<ReceiptEnvelope>,
    refused: Vec<Refused>,
}

impl<DB: DatabaseRef> Body<'_, DB> {
    /// Runs one transaction. The inner error leaves everything unchanged; the outer one ends the block.
    fn include(
        &mut self,
        transaction: &Recovered<Transaction>,
    ) -> Result<Result<(), Refusal>, BlockError<DB::Error>> {
        if let Err(refusal) = self.check_room(transaction) {
            return Ok(Err(refusal));
        }
        let result = match self.machine.transact_commit(transaction::environment(transaction)) {
            Ok(result) => result,
            Err(EVMError::Transaction(reason)) => {
                let given = transaction::environment(transaction);
                return Ok(Err(Refusal::from_machine(reason, &given, self.environment.base_fee)));
            }
            Err(EVMError::Database(error)) => return Err(BlockError::State(error)),
            // A module read state that only it writes, and that is not valid. The transaction is left out, so that it
            // cannot stop the chain.
            Err(error @ (EVMError::Header(_) | EVMError::Custom(_) | EVMError::CustomAny(_))) => {
                return Ok(Err(Refusal::Fault { reason: error.to_string() }));
            }
        };
        self.gas_used += result.tx_gas_used();
        assert!(
            self.gas_used <= self.environment.gas_limit,
            "a transaction stays within its gas limit"
        );
        self.receipts.push(receipt(transaction, result, self.gas_used));
        self.transactions.push(transaction.clone());
        Ok(Ok(()))
    }

    fn check_room(&self, transaction: &Transaction) -> Result<(), Refusal> {
        transaction::check_kind(transaction, self.rules.chain_id)?;
        let gas_limit = transaction.gas_limit();
        let block_gas_limit = self.environment.gas_limit;
        if gas_limit > block_gas_limit {
            return Err(Refusal::GasLimitTooHigh { gas_limit, block_gas_limit });
        }
        let gas_left = block_gas_limit - self.gas_used;
        if gas_limit > gas_left {
            return Err(Refusal::BlockFull { gas_limit, gas_left });
        }
        Ok(())
    }
}

/// Returns the receipt. Logs of a failed transaction are not part of it, though the EVM reports them.
pub(crate) fn receipt(
    transaction: &Transaction,
    result: ExecutionResult,
    gas: u64,
) -> ReceiptEnvelope {
    let (success, logs) = match result {
        ExecutionResult::Success { logs, .. } => (true, logs),
        ExecutionResult::Revert { .. } | ExecutionResult::Halt { .. } => (false, Vec::new()),
    };
    let receipt = Receipt { status: Eip658Value::Eip658(success), cumulative_gas_used: gas, logs };
    ReceiptEnvelope::from_typed(transaction.tx_type(), receipt.with_bloom())
}

fn seal<DB: State>(
    parent: &Parent<'_, DB>,
    input: &BlockInput,
    body: Body<'_, DB>,
) -> Result<ExecutedBlock, BlockError<DB::Error>> {
    let PendingBlock { mut header, transactions, receipts, changes } = finish(parent, input, body)?;
    let moved = parent.commitment.apply(&changes, parent.state).map_err(BlockError::Commitment)?;
    header.state_root = moved.commitment.root();
    let (hash, proof) = (header.hash_slow(), input.proof.clone());
    Ok(ExecutedBlock { header, hash, proof, transactions, receipts, changes, moved })
}

/// Builds the block without its state root.
fn finish<DB: State>(
    parent: &Parent<'_, DB>,
    input: &BlockInput,
    body: Body<'_, DB>,
) -> Result<PendingBlock, BlockError<DB::Error>> {
    let Body { machine, rules, environment, gas_used, transactions, receipts, .. } = body;
    let mut changes = machine.into_parts().0.journaled_state.database.into_changes();
    let settlement = Settlement {
        number: environment.number,
        burnt: U256::from(gas_used).saturating_mul(U256::from(environment.base_fee)),
        issuance: rules.modules.issuance(environment.revision.number()),
    };
    supply::check(&changes, &settlement)?;
    supply::follow(&mut changes, parent.state).map_err(BlockError::State)?;
    let mut logs_bloom = Bloom::ZERO;
    for receipt in &receipts {
        logs_bloom |= receipt.bloom();
    }
    let header = Header {
        parent_hash: parent.header.hash_slow(),
        number: environment.number,
        timestamp: environment.timestamp,
        beneficiary: environment.beneficiary,
        gas_limit: environment.gas_limit,
        gas_used,
        base_fee_per_gas: Some(environment.base_fee),
        mix_hash: environment.prevrandao,
        extra_data: input.extra_data.clone(),
        state_root: B256::ZERO,
        transactions_root: calculate_transaction_root(&transactions),
        receipts_root: calculate_receipt_root(&receipts),
        logs_bloom,
        ..empty_header()
    };
    Ok(PendingBlock { header, transactions, receipts, changes })
}
