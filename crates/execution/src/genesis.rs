//! How a chain begins.

use crate::{
    block::ExecutedBlock,
    changes::{AccountState, Change, StateChanges},
    commitment::{Commitment, State},
    fees::BaseFeeRule,
    overrides::is_precompile,
    supply,
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use native_kit::Table;
use revm::database_interface::EmptyDB;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Smallest gas limit of a block: enough for Ethereum's cheapest transaction many times over.
const GAS_LIMIT_MIN: u64 = 1_000_000;

mod unique;

/// What the machine must know of the chain besides its state. Fixed by the genesis file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// How the base fee moves.
    pub base_fee: BaseFeeRule,
    /// The native modules that the ledger may have.
    pub modules: Table,
}

/// The genesis file. Two chains with unequal files have unequal genesis hashes.
///
/// ```
/// let genesis = execution::Genesis::from_json(
///     r#"{"chain_id": 7, "timestamp": 0, "gas_limit": 30000000, "commitment": 2,
///         "base_fee": {"initial": 1000, "minimum": 7, "change_denominator": 8, "elasticity": 2},
///         "fee_recipient": "0x00000000000000000000000000000000000000be",
///         "accounts": {"0x0000000000000000000000000000000000000001": {"balance": "5"}}}"#,
/// )?;
/// assert_eq!(genesis.block()?.header.number, 0);
/// # Ok::<(), execution::GenesisError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// EIP-155 chain id; not 0.
    pub chain_id: u64,
    /// Unix seconds of the genesis block.
    pub timestamp: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// How the base fee moves.
    pub base_fee: BaseFeeRule,
    /// Receives tips, unless the producer names another account.
    pub fee_recipient: Address,
    /// Scheme of the state root: [`Commitment::SCHEME`].
    pub commitment: u8,
    /// Accounts that exist from the start. The native modules are added to them.
    #[serde(deserialize_with = "unique::map")]
    pub accounts: BTreeMap<Address, GenesisAccount>,
}

/// An account of the genesis file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// In the smallest unit; decimal or 0x-hex string.
    #[serde(default)]
    pub balance: U256,
    /// Code, 0x-hex.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub code: Bytes,
    /// Storage; only with code.
    #[serde(default, deserialize_with = "unique::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<U256, U256>,
}

/// Why a genesis file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// Not the JSON we expect.
    #[error("genesis file is malformed")]
    Json(#[from] serde_json::Error),
    /// A number out of its range.
    #[error("genesis field `{field}` is {value}: {hint}")]
    OutOfRange {
        /// Name in the file.
        field: &'static str,
        /// What it holds.
        value: u64,
        /// What it should hold.
        hint: &'static str,
    },
    /// More value than the rules can count.
    #[error("genesis balances add up to more than 2^128 - 1: lower them")]
    SupplyTooLarge,
    /// An account where native modules answer, now or for an asset to come.
    #[error("genesis account {address} is where a native module answers: remove it")]
    Reserved {
        /// The address.
        address: Address,
    },
    /// Code where a precompile of Ethereum answers: it would never run.
    #[error("genesis account {address} is a precompile of Ethereum: remove its code")]
    Precompile {
        /// The address.
        address: Address,
    },
    /// Storage without code: such an account could vanish.
    #[error("genesis account {address} has storage but no code: add code or remove the storage")]
    StorageWithoutCode {
        /// The address.
        address: Address,
    },
}

impl Genesis {
    /// Reads and checks a genesis file.
    ///
    /// # Errors
    /// [`GenesisError`] naming the field or account.
    pub fn from_json(json: &str) -> Result<Self, GenesisError> {
        let genesis: Self = serde_json::from_str(json)?;
        genesis.validate()?;
        Ok(genesis)
    }

    /// The file's text: indented, fields and accounts in a fixed order.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("numbers, strings and maps with string keys")
    }

    /// Checks every bound.
    ///
    /// # Errors
    /// [`GenesisError`] naming the field or account.
    pub fn validate(&self) -> Result<(), GenesisError> {
        let check = |valid: bool, field, value, hint| {
            if valid { Ok(()) } else { Err(GenesisError::OutOfRange { field, value, hint }) }
        };
        check(self.chain_id != 0, "chain_id", self.chain_id, "must not be 0")?;
        let fee = &self.base_fee;
        check(self.gas_limit >= GAS_LIMIT_MIN, "gas_limit", self.gas_limit, "at least 1000000")?;
        check(fee.initial >= fee.minimum, "base_fee.initial", fee.initial, "at least `minimum`")?;
        let (denominator, elasticity) = (fee.change_denominator, fee.elasticity);
        check(denominator > 0, "base_fee.change_denominator", denominator, "at least 1")?;
        check((1..=1_000).contains(&elasticity), "base_fee.elasticity", elasticity, "1 to 1000")?;
        let scheme = u64::from(self.commitment);
        let hint = "must be 2; 1 is of earlier versions, whose ledgers this one can't go on with";
        check(self.commitment == Commitment::SCHEME, "commitment", scheme, hint)?;
        let mut supply = U256::ZERO;
        for (address, account) in &self.accounts {
            if native_modules::is_reserved(address) {
                return Err(GenesisError::Reserved { address: *address });
            }
            if !account.code.is_empty() && is_precompile(address) {
                return Err(GenesisError::Precompile { address: *address });
            }
            if account.code.is_empty() && !account.storage.is_empty() {
                return Err(GenesisError::StorageWithoutCode { address: *address });
            }
            supply = supply.checked_add(account.balance).ok_or(GenesisError::SupplyTooLarge)?;
        }
        if supply > U256::from(u128::MAX) {
            return Err(GenesisError::SupplyTooLarge);
        }
        Ok(())
    }

    /// What the machine must know of the chain.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let modules = Table::new(native_modules::TABLE);
        Rules {
            chain_id: self.chain_id,
            gas_limit: self.gas_limit,
            base_fee: self.base_fee,
            modules,
        }
    }

    /// Block 0: no transactions, all accounts as changes from the empty state.
    ///
    /// # Errors
    /// As [`Self::validate`].
    ///
    /// # Panics
    /// Never: nothing can go wrong with an empty state.
    pub fn block(&self) -> Result<ExecutedBlock, GenesisError> {
        self.validate()?;
        let mut changes = StateChanges::default();
        for (address, account) in &self.accounts {
            add_account(&mut changes, *address, account);
        }
        for (address, account) in module_accounts() {
            add_account(&mut changes, address, &account);
        }
        supply::begin(&mut changes);
        let moved = Commitment::empty()
            .apply(&changes, &EmptyDB::default())
            .expect("the empty state is always read, and these are changes to it");
        let header = Header {
            state_root: moved.commitment.root(),
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            beneficiary: self.fee_recipient,
            base_fee_per_gas: Some(self.base_fee.initial),
            // The rules are no part of the state; the digest of the file puts them into the hash.
            extra_data: Bytes::copy_from_slice(blake3::hash(self.to_json().as_bytes()).as_bytes()),
            ..empty_header()
        };
        Ok(ExecutedBlock {
            hash: header.hash_slow(),
            header,
            proof: Bytes::new(),
            transactions: Vec::new(),
            receipts: Vec::new(),
            changes,
            moved,
        })
    }
}

impl State for EmptyDB {
    fn bucket(&self, _: u64) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(None)
    }
}

/// A header with Osaka's fields, as of a block that does nothing.
pub(crate) fn empty_header() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// The native modules: accounts with code, so that Solidity sees a contract and nothing clears them.
fn module_accounts() -> BTreeMap<Address, GenesisAccount> {
    let account = |code| GenesisAccount { code, ..GenesisAccount::default() };
    Table::new(native_modules::TABLE)
        .beginning(1)
        .map(|(address, code)| (address, account(code)))
        .collect()
}

fn is_empty(code: &Bytes) -> bool {
    code.is_empty()
}

fn add_account(changes: &mut StateChanges, address: Address, account: &GenesisAccount) {
    let code_hash =
        if account.code.is_empty() { KECCAK256_EMPTY } else { keccak256(&account.code) };
    // Contracts start at nonce 1 (EIP-161).
    let nonce = u64::from(!account.code.is_empty());
    if nonce == 0 && account.balance.is_zero() {
        return;
    }
    let after = Some(AccountState { nonce, balance: account.balance, code_hash });
    changes.accounts.insert(address, Change { before: None, after });
    if !account.code.is_empty() {
        changes.codes.insert(code_hash, account.code.clone());
    }
    for (slot, value) in &account.storage {
        if !value.is_zero() {
            changes.slots.insert((address, *slot), Change { before: U256::ZERO, after: *value });
        }
    }
}
