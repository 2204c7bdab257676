//! The genesis file.

use crate::{
    block::ExecutedBlock,
    changes::{AccountState, Change, StateChanges},
    commitment::{Commitment, State},
    fees::BaseFeeRule,
    modules::{self, MODULES},
    overrides::is_precompile,
    revision::{Revision, Schedule, UnknownRevision},
    rules::Rules,
    supply,
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use native_modules::{
    price_feeds::{self, REPORTERS_MAX as PRICE_REPORTERS_MAX, SINCE as PRICE_FEEDS_SINCE},
    referees,
};
use revm::database_interface::EmptyDB;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Smallest gas limit of a block: enough for many of Ethereum's cheapest transactions.
const GAS_LIMIT_MIN: u64 = 1_000_000;

mod unique;

/// The genesis file. Chains with different files have different genesis hashes.
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
    /// EIP-155 chain id, not 0.
    pub chain_id: u64,
    /// Timestamp of the genesis block in Unix seconds.
    pub timestamp: u64,
    /// Gas limit of every block.
    pub gas_limit: u64,
    /// The rule of the base fee.
    pub base_fee: BaseFeeRule,
    /// The account that receives tips, unless the producer gives another.
    pub fee_recipient: Address,
    /// Scheme of the state root: [`Commitment::SCHEME`].
    pub commitment: u8,
    /// The heights at which later revisions of the rules begin; without it revision 1 holds at every height.
    #[serde(default, skip_serializing_if = "Schedule::is_first")]
    pub revisions: Schedule,
    /// Who decides disputes about verified work; without it there is no referee, and disputes expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referees: Option<GenesisReferees>,
    /// Who reports prices; without it no price feed gets an answer. The ledger must begin with revision 2 or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_reporters: Option<GenesisPriceReporters>,
    /// Accounts that exist from the beginning. The native modules are added to them.
    #[serde(deserialize_with = "unique::map")]
    pub accounts: BTreeMap<Address, GenesisAccount>,
}

/// The referees that the ledger begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisReferees {
    /// Their ed25519 keys, each once; 1 to 64.
    pub members: Vec<B256>,
    /// Number of them that must agree, at least 1.
    pub threshold: u16,
}

/// The price reporters of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisPriceReporters {
    /// Their accounts, each once; 1 to 31.
    pub members: Vec<Address>,
    /// Number of them whose reports make a round: more than half.
    pub quorum: u16,
}

/// An account of the genesis file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Balance in the smallest unit; decimal or 0x-hex string.
    #[serde(default)]
    pub balance: U256,
    /// Code, 0x-hex.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub code: Bytes,
    /// Storage; allowed only with code.
    #[serde(default, deserialize_with = "unique::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<U256, U256>,
}

/// Why a genesis file is invalid.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The file is not the expected JSON.
    #[error("genesis file is malformed")]
    Json(#[from] serde_json::Error),
    /// A number is out of its range.
    #[error("genesis field `{field}` is {value}: {hint}")]
    OutOfRange {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// Its allowed values.
        hint: &'static str,
    },
    /// The genesis block can't be executed.
    #[error(transparent)]
    UnknownRevision(#[from] UnknownRevision),
    /// There is no referee, or there are too many.
    #[error("the genesis file names {count} referees: give 1 to {}", referees::COUNT_MAX)]
    RefereeCount {
        /// How many there are.
        count: usize,
    },
    /// A referee is named more than once.
    #[error("genesis referee {referee} is named twice: remove one")]
    RefereeTwice {
        /// Its key.
        referee: B256,
    },
    /// There is no price reporter, or there are too many.
    #[error("the genesis file names {count} price reporters: give 1 to {}", PRICE_REPORTERS_MAX)]
    PriceReporterCount {
        /// How many there are.
        count: usize,
    },
    /// A price reporter is named more than once, or is the zero account.
    #[error("genesis price reporter {reporter} is named twice, or is the zero account: remove it")]
    PriceReporterTwice {
        /// Its account.
        reporter: Address,
    },
    /// The quorum of price reporters is not more than half, or more than all.
    #[error(
        "genesis field `price_reporters.quorum` is {quorum}: give more than half of {count}, at most all"
    )]
    PriceQuorum {
        /// What was given.
        quorum: u16,
        /// How many reporters there are.
        count: usize,
    },
    /// The ledger begins with a revision that has no price feeds.
    #[error(
        "the genesis file names price reporters, but the ledger begins with revision 1: add `{{\"revision\": 2, \"height\": 0}}` to `revisions`"
    )]
    NoPriceFeeds,
    /// No number of referees could decide, or none would have to.
    #[error("genesis field `referees.threshold` is {threshold}: give 1 to {count}")]
    RefereeThreshold {
        /// Its value.
        threshold: u16,
        /// How many referees there are.
        count: usize,
    },
    /// The sum of all balances exceeds 2^128 - 1.
    #[error("the sum of the genesis balances exceeds 2^128 - 1: lower them")]
    SupplyTooLarge,
    /// The address of an account is reserved for a native module or a future asset.
    #[error("genesis account {address} has the address of a native module: remove it")]
    Reserved {
        /// The address.
        address: Address,
    },
    /// Code at the address of an Ethereum precompile: it would never run.
    #[error("genesis account {address} is a precompile of Ethereum: remove its code")]
    Precompile {
        /// The address.
        address: Address,
    },
    /// An account has storage but no code, so it could disappear.
    #[error("genesis account {address} has storage but no code: add code or remove the storage")]
    StorageWithoutCode {
        /// The address.
        address: Address,
    },
}

impl Genesis {
    /// Parses and validates a genesis file.
    ///
    /// # Errors
    /// [`GenesisError`] naming the field or account.
    pub fn from_json(json: &str) -> Result<Self, GenesisError> {
        let genesis: Self = serde_json::from_str(json)?;
        genesis.validate()?;
        Ok(genesis)
    }

    /// Returns the text of the file: indented, fields and accounts in a fixed order.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self)
            .expect("numbers, strings and maps with string keys can be written as JSON")
    }

    /// Checks every field.
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
        let hint = "must be 2; ledgers with 1 were made by earlier versions and can't be continued";
        check(self.commitment == Commitment::SCHEME, "commitment", scheme, hint)?;
        self.rules().check_known(0)?;
        if let Some(referees) = &self.referees {
            referees.validate()?;
        }
        if let Some(reporters) = &self.price_reporters {
            reporters.validate()?;
            if self.revisions.revision_at(0).number() < PRICE_FEEDS_SINCE {
                return Err(GenesisError::NoPriceFeeds);
            }
        }
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

    /// Returns the parameters for execution.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            chain_id: self.chain_id,
            gas_limit: self.gas_limit,
            base_fee: self.base_fee,
            founding: self.revisions.clone(),
            schedule: self.revisions.clone(),
            modules: MODULES,
        }
    }

    /// Returns block 0: no transactions, all accounts as changes of the empty state.
    ///
    /// # Errors
    /// As [`Self::validate`].
    ///
    /// # Panics
    /// Never: the empty state can always be read.
    pub fn block(&self) -> Result<ExecutedBlock, GenesisError> {
        self.validate()?;
        let mut changes = StateChanges::default();
        for (address, account) in &self.accounts {
            add_account(&mut changes, *address, account);
        }
        for (address, mut account) in module_accounts(self.revisions.revision_at(0)) {
            if let Some(referees) = self.referees.as_ref().filter(|_| address == referees::ADDRESS)
            {
                account.storage = referees::storage(&referees.members, referees.threshold);
            }
            let reporters = self.price_reporters.as_ref();
            if let Some(it) = reporters.filter(|_| address == price_feeds::ADDRESS) {
                account.storage = price_feeds::storage(&it.members, it.quorum);
            }
            add_account(&mut changes, address, &account);
        }
        supply::begin(&mut changes);
        let moved = Commitment::empty()
            .apply(&changes, &EmptyDB::default())
            .expect("the empty state can always be read, and these are changes of it");
        let header = Header {
            state_root: moved.commitment.root(),
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            beneficiary: self.fee_recipient,
            base_fee_per_gas: Some(self.base_fee.initial),
            // The rules are not part of the state; the digest of the file makes the genesis hash depend on them.
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

impl GenesisReferees {
    fn validate(&self) -> Result<(), GenesisError> {
        let count = self.members.len();
        if !(1..=referees::COUNT_MAX).contains(&count) {
            return Err(GenesisError::RefereeCount { count });
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.members.iter().find(|member| !seen.insert(**member)) {
            return Err(GenesisError::RefereeTwice { referee: *twice });
        }
        let threshold = self.threshold;
        if !(1..=count).contains(&usize::from(threshold)) {
            return Err(GenesisError::RefereeThreshold { threshold, count });
        }
        Ok(())
    }
}

impl GenesisPriceReporters {
    fn validate(&self) -> Result<(), GenesisError> {
        let (count, quorum) = (self.members.len(), self.quorum);
        if !(1..=PRICE_REPORTERS_MAX).contains(&count) {
            return Err(GenesisError::PriceReporterCount { count });
        }
        let mut seen = BTreeSet::from([Address::ZERO]);
        if let Some(twice) = self.members.iter().find(|member| !seen.insert(**member)) {
            return Err(GenesisError::PriceReporterTwice { reporter: *twice });
        }
        if usize::from(quorum) > count || usize::from(quorum) * 2 <= count {
            return Err(GenesisError::PriceQuorum { quorum, count });
        }
        Ok(())
    }
}

impl State for EmptyDB {
    fn bucket(&self, _: u64) -> Result<Option<Vec<u8>>, Self::Error> {
        Ok(None)
    }
}

/// Returns a header with Osaka's fields and the values of an empty block.
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

/// Returns the native modules: accounts with code, so that Solidity sees a contract and they are never empty.
fn module_accounts(revision: Revision) -> BTreeMap<Address, GenesisAccount> {
    let account = |code| GenesisAccount { code, ..GenesisAccount::default() };
    modules::added_accounts(&MODULES, None, revision)
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
