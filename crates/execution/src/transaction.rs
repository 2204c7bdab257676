//! Signed transactions: decoding, conversion for the EVM, and reasons for refusal.

use alloy_consensus::{
    EthereumTxEnvelope, Transaction as _, TxEip4844,
    crypto::{RecoveryError, SECP256K1N_HALF},
    transaction::Recovered,
};
use alloy_eips::eip2718::{Decodable2718, Typed2718};
use alloy_primitives::{Address, B256, U256};
use revm::{
    context::{TxEnv, either::Either, result::InvalidTransaction},
    precompile::crypto,
    primitives::eip3860::MAX_INITCODE_SIZE,
};

/// A signed transaction of any Ethereum type; blob transactions decode and are then refused.
pub type Transaction = EthereumTxEnvelope<TxEip4844>;

/// Largest size of an encoded transaction, in bytes. The same bound as in the mempools of Ethereum clients.
pub const TRANSACTION_SIZE_MAX: usize = 128 * 1024;

/// Why bytes are not an accepted transaction.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The transaction is longer than [`TRANSACTION_SIZE_MAX`].
    #[error("transaction has {size} bytes, more than {TRANSACTION_SIZE_MAX}: split it")]
    TooLarge {
        /// Size in bytes.
        size: usize,
    },
    /// The bytes are not an encoded transaction.
    #[error("transaction is malformed: send the EIP-2718 encoding of a signed transaction")]
    Malformed(#[source] alloy_eips::eip2718::Eip2718Error),
    /// Bytes follow the transaction.
    #[error("transaction is followed by {count} bytes: remove them")]
    TrailingBytes {
        /// Number of bytes.
        count: usize,
    },
    /// The signature does not belong to any key.
    #[error("transaction signature is invalid")]
    Signature(#[source] RecoveryError),
}

/// Decodes an EIP-2718 envelope and recovers its sender (the slow part: about 30 µs with libsecp256k1).
///
/// # Errors
/// [`DecodeError`] when the bytes are too many, malformed or not signed. [`execute_block`](crate::execute_block)
/// decides whether the transaction is valid on this chain.
pub fn decode_transaction(bytes: &[u8]) -> Result<Recovered<Transaction>, DecodeError> {
    if bytes.len() > TRANSACTION_SIZE_MAX {
        return Err(DecodeError::TooLarge { size: bytes.len() });
    }
    let mut rest = bytes;
    let transaction = Transaction::decode_2718(&mut rest).map_err(DecodeError::Malformed)?;
    if !rest.is_empty() {
        return Err(DecodeError::TrailingBytes { count: rest.len() });
    }
    let signer = signer(&transaction).map_err(DecodeError::Signature)?;
    Ok(Recovered::new_unchecked(transaction, signer))
}

/// Returns the account whose key signed. An `s` in the upper half is refused (EIP-2): it would be a second signature of the same transaction.
///
/// The recovery is that of revm's `ECRECOVER`. alloy's own would bring a second version of libsecp256k1, or be several times slower.
fn signer(transaction: &Transaction) -> Result<Address, RecoveryError> {
    let signature = transaction.signature();
    if SECP256K1N_HALF < signature.s() {
        return Err(RecoveryError::new());
    }
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&signature.r().to_be_bytes::<32>());
    bytes[32..].copy_from_slice(&signature.s().to_be_bytes::<32>());
    let hash = transaction.signature_hash();
    let word = crypto().secp256k1_ecrecover(&bytes, u8::from(signature.v()), &hash.0);
    word.map(|word| Address::from_word(word.into())).map_err(|_| RecoveryError::new())
}

/// A transaction that was not included, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Index in the list given to [`execute_block`](crate::execute_block).
    pub index: usize,
    /// Transaction hash.
    pub hash: B256,
    /// The reason.
    pub reason: Refusal,
}

/// Why a transaction cannot be included. The messages begin with the words that wallets look for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The nonce is used already. The transaction will never be valid.
    #[error("nonce too low: transaction has {transaction}, account is at {account}")]
    NonceTooLow {
        /// Nonce of the transaction.
        transaction: u64,
        /// Next nonce of the account.
        account: u64,
    },
    /// Earlier transactions of the sender are missing. The transaction may become valid.
    #[error("nonce too high: transaction has {transaction}, account is at {account}")]
    NonceTooHigh {
        /// Nonce of the transaction.
        transaction: u64,
        /// Next nonce of the account.
        account: u64,
    },
    /// EIP-2681. It will never be valid.
    #[error("nonce has max value: transaction has {nonce}, at most 2^64 - 2 is allowed")]
    NonceTooLarge {
        /// Nonce of the transaction.
        nonce: u64,
    },
    /// The tip is above the maximum fee, which EIP-1559 does not allow.
    #[error(
        "max priority fee per gas higher than max fee per gas: tip {tip}, max fee per gas {max_fee}"
    )]
    TipAboveMaxFee {
        /// Tip, in the smallest unit per gas.
        tip: u128,
        /// Maximum fee in the smallest unit per gas.
        max_fee: u128,
    },
    /// The sender cannot pay `value` and at least one gas at the offered fee; only gas estimates return this.
    #[error(
        "insufficient funds for transfer: value is {value}, balance {balance}, and gas must be paid"
    )]
    InsufficientFundsForTransfer {
        /// In the smallest unit.
        value: U256,
        /// Balance in the smallest unit.
        balance: U256,
    },
    /// The sender cannot pay `value + gas limit · maximum fee`.
    #[error("insufficient funds for gas * price + value: needs {needed}, has {balance}")]
    InsufficientFunds {
        /// Needed amount in the smallest unit.
        needed: U256,
        /// In the smallest unit.
        balance: U256,
    },
    /// The transaction's maximum fee is below the block's base fee. It may become valid.
    #[error("max fee per gas {max_fee} is less than block base fee {base_fee}")]
    FeeBelowBaseFee {
        /// Maximum fee, in the smallest unit per gas.
        max_fee: u128,
        /// Base fee in the smallest unit per gas.
        base_fee: u64,
    },
    /// The block has not enough gas left; the next one may have.
    #[error("block is full: transaction may use {gas_limit} gas, {gas_left} are left")]
    BlockFull {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Gas left in the block.
        gas_left: u64,
    },
    /// The transaction needs more gas than any block has.
    #[error(
        "exceeds block gas limit: transaction may use {gas_limit} gas, a block {block_gas_limit}"
    )]
    GasLimitTooHigh {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// Gas limit of a block.
        block_gas_limit: u64,
    },
    /// The gas limit is below the cost of the transaction before its execution.
    #[error("intrinsic gas too low: gas limit {gas_limit}, needs {needed}")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        gas_limit: u64,
        /// The cost before execution.
        needed: u64,
    },
    /// The transaction was signed for another chain.
    #[error("invalid chain id: the transaction is for {signed}, this chain is {chain}")]
    WrongChain {
        /// Chain id in the transaction.
        signed: u64,
        /// This chain.
        chain: u64,
    },
    /// Blob transactions are not supported.
    #[error(
        "transaction type not supported: {transaction_type} (blobs are not carried by this chain)"
    )]
    TypeNotSupported {
        /// EIP-2718 type.
        transaction_type: u8,
    },
    /// The state of a native module breaks the module's invariants: an internal error.
    #[error("internal error: {reason}")]
    Fault {
        /// What is wrong.
        reason: String,
    },
    /// The sender has code (EIP-3607).
    #[error("sender not an eoa: {sender} has code")]
    Sender {
        /// The sender.
        sender: Address,
    },
    /// The creation code is too long (EIP-3860).
    #[error("max initcode size exceeded: code size {size}, limit {MAX_INITCODE_SIZE}")]
    CreationCodeTooLong {
        /// Size in bytes.
        size: usize,
    },
    /// Another rule of the EVM.
    #[error("invalid transaction: {0}")]
    Invalid(InvalidTransaction),
}

impl Refusal {
    /// Returns whether the same transaction may be valid later, so that it is worth keeping.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NonceTooHigh { .. }
            | Self::InsufficientFunds { .. }
            | Self::InsufficientFundsForTransfer { .. }
            | Self::FeeBelowBaseFee { .. }
            | Self::BlockFull { .. } => true,
            Self::NonceTooLow { .. }
            | Self::NonceTooLarge { .. }
            | Self::TipAboveMaxFee { .. }
            | Self::GasLimitTooHigh { .. }
            | Self::IntrinsicGas { .. }
            | Self::WrongChain { .. }
            | Self::TypeNotSupported { .. }
            | Self::Fault { .. }
            | Self::Sender { .. }
            | Self::CreationCodeTooLong { .. }
            | Self::Invalid(_) => false,
        }
    }

    /// Adds the base fee of its block, if the reason contains one.
    pub(crate) fn with_base_fee(self, base_fee: u64) -> Self {
        match self {
            Self::FeeBelowBaseFee { max_fee, .. } => Self::FeeBelowBaseFee { max_fee, base_fee },
            other => other,
        }
    }

    /// Converts a reason of the EVM.
    pub(crate) fn from_machine(
        reason: InvalidTransaction,
        transaction: &TxEnv,
        base_fee: u64,
    ) -> Self {
        let gas_limit = transaction.gas_limit;
        match reason {
            InvalidTransaction::NonceTooLow { tx, state } => {
                Self::NonceTooLow { transaction: tx, account: state }
            }
            InvalidTransaction::NonceTooHigh { tx, state } => {
                Self::NonceTooHigh { transaction: tx, account: state }
            }
            InvalidTransaction::NonceOverflowInTransaction => {
                Self::NonceTooLarge { nonce: transaction.nonce }
            }
            InvalidTransaction::PriorityFeeGreaterThanMaxFee => Self::TipAboveMaxFee {
                tip: transaction.gas_priority_fee.unwrap_or_default(),
                max_fee: transaction.gas_price,
            },
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
                Self::InsufficientFunds { needed: *fee, balance: *balance }
            }
            InvalidTransaction::GasPriceLessThanBasefee => {
                Self::FeeBelowBaseFee { max_fee: transaction.gas_price, base_fee }
            }
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas: needed, .. }
            | InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor: needed, .. } => {
                Self::IntrinsicGas { gas_limit, needed }
            }
            InvalidTransaction::RejectCallerWithCode => Self::Sender { sender: transaction.caller },
            InvalidTransaction::CreateInitCodeSizeLimit => {
                Self::CreationCodeTooLong { size: transaction.data.len() }
            }
            other => Self::Invalid(other),
        }
    }
}

/// Checks what can be refused without running the EVM.
pub(crate) fn check_kind(transaction: &Transaction, chain: u64) -> Result<(), Refusal> {
    if transaction.is_eip4844() {
        return Err(Refusal::TypeNotSupported { transaction_type: transaction.ty() });
    }
    match transaction.chain_id() {
        Some(signed) if signed != chain => Err(Refusal::WrongChain { signed, chain }),
        // Before EIP-155 a signature contained no chain id. As on Ethereum such a transaction is valid; the node
        // decides whether to accept it.
        _ => Ok(()),
    }
}

/// Returns the transaction in the form of the EVM.
pub(crate) fn environment(transaction: &Recovered<Transaction>) -> TxEnv {
    let authorizations = transaction.authorization_list().unwrap_or_default();
    TxEnv {
        tx_type: transaction.ty(),
        caller: transaction.signer(),
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: authorizations.iter().cloned().map(Either::Left).collect(),
    }
}
