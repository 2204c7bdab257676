//! The changes of a block in progress, on top of a snapshot.

use crate::{
    changes::{AccountState, Change, StateChanges},
    overrides::{AccountOverride, StorageOverride},
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, map::AddressMap};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    state::{Account, AccountInfo},
};
use std::collections::{BTreeMap, BTreeSet};

/// An entry that was read or written: its value in the snapshot and its present value.
#[derive(Clone, Copy)]
struct Entry<T> {
    base: T,
    now: T,
}

/// Reads through to `base`, keeps what transactions wrote, and remembers the values of `base`, so that differences
/// need no second read.
///
/// Since EIP-6780 an account is destroyed only in the transaction that created it, and an account with slots is never
/// empty; so no slot of `base` ever has to be removed with its account.
pub(crate) struct Overlay<'a, DB> {
    base: &'a DB,
    accounts: BTreeMap<Address, Entry<Option<AccountState>>>,
    slots: BTreeMap<(Address, U256), Entry<U256>>,
    codes: BTreeMap<B256, Bytecode>,
    created: BTreeSet<Address>,
    /// Hashes of simulated blocks, which `base` does not have.
    hashes: BTreeMap<u64, B256>,
}

impl<'a, DB: DatabaseRef> Overlay<'a, DB> {
    /// Returns an overlay without changes on top of `base`.
    pub(crate) fn new(base: &'a DB) -> Self {
        Self {
            base,
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            codes: BTreeMap::new(),
            created: BTreeSet::new(),
            hashes: BTreeMap::new(),
        }
    }

    /// Returns the differences to the snapshot.
    pub(crate) fn into_changes(self) -> StateChanges {
        let mut changes = StateChanges::default();
        for (address, entry) in self.accounts {
            if entry.base == entry.now {
                continue;
            }
            changes.accounts.insert(address, Change { before: entry.base, after: entry.now });
            let Some(now) = entry.now else { continue };
            let is_new = entry.base.is_none_or(|base| base.code_hash != now.code_hash);
            if let Some(code) = self.codes.get(&now.code_hash).filter(|_| is_new) {
                changes.codes.insert(now.code_hash, code.original_bytes());
            }
        }
        for (key, entry) in self.slots {
            if entry.base != entry.now {
                changes.slots.insert(key, Change { before: entry.base, after: entry.now });
            }
        }
        changes
    }

    /// Applies the overrides of an account.
    pub(crate) fn override_account(
        &mut self,
        address: Address,
        overrides: &AccountOverride,
    ) -> Result<(), DB::Error> {
        let mut info = self.basic(address)?.unwrap_or_default();
        info.balance = overrides.balance.unwrap_or(info.balance);
        info.nonce = overrides.nonce.unwrap_or(info.nonce);
        if let Some(code) = &overrides.code {
            // Code that begins like a delegation (EIP-7702) but is not one fails when it is executed.
            let code = Bytecode::new_raw_checked(code.clone())
                .unwrap_or_else(|_| Bytecode::new_legacy(code.clone()));
            info.code_hash = code.hash_slow();
            self.codes.insert(info.code_hash, code);
        }
        let now = (!info.is_empty()).then(|| state_of(&info));
        self.accounts
            .entry(address)
            .and_modify(|entry| entry.now = now)
            .or_insert(Entry { base: None, now });
        let slots = match &overrides.storage {
            None => return Ok(()),
            Some(StorageOverride::Slots(slots)) => slots,
            Some(StorageOverride::Whole(slots)) => {
                self.forget_slots(address);
                slots
            }
        };
        for (slot, value) in slots {
            self.storage(address, *slot)?;
            self.slots.entry((address, *slot)).and_modify(|entry| entry.now = *value);
        }
        Ok(())
    }

    /// Turns an account without code into a contract; its balance stays.
    pub(crate) fn install(&mut self, address: Address, code: Bytes) -> Result<(), DB::Error> {
        let code = Bytecode::new_legacy(code);
        let mut info = self.basic(address)?.unwrap_or_default();
        if info.code_hash == code.hash_slow() {
            return Ok(());
        }
        info.code_hash = code.hash_slow();
        // Contracts start at nonce 1 (EIP-161).
        info.nonce = info.nonce.max(1);
        self.codes.insert(info.code_hash, code);
        let now = Some(state_of(&info));
        self.accounts.entry(address).and_modify(|entry| entry.now = now);
        Ok(())
    }

    /// Sets the hash of a simulated block for `BLOCKHASH`.
    pub(crate) fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.hashes.insert(number, hash);
    }

    /// Makes all slots of the account zero, without reading `base`.
    fn forget_slots(&mut self, address: Address) {
        self.created.insert(address);
        for (_, slot) in self.slots.range_mut((address, U256::ZERO)..=(address, U256::MAX)) {
            slot.now = U256::ZERO;
        }
    }

    fn write_account(&mut self, address: Address, account: Account) {
        if !account.is_touched() {
            return;
        }
        // A touched account was loaded through `basic` before, so its entry has the value of the snapshot.
        let destroyed = account.is_selfdestructed();
        if destroyed || account.is_created() {
            self.forget_slots(address);
        }
        // EIP-161: a touched empty account does not exist.
        let now = (!destroyed && !account.info.is_empty()).then(|| state_of(&account.info));
        if let Some(code) = account.info.code.filter(|code| now.is_some() && !code.is_empty()) {
            self.codes.insert(account.info.code_hash, code);
        }
        self.accounts
            .entry(address)
            .and_modify(|entry| entry.now = now)
            .or_insert(Entry { base: None, now });
        if destroyed {
            return;
        }
        // The order does not matter: each slot has an entry of its own.
        account.storage.into_iter().for_each(|(slot, value)| {
            let now = value.present_value();
            self.slots
                .entry((address, slot))
                .and_modify(|entry| entry.now = now)
                .or_insert(Entry { base: U256::ZERO, now });
        });
    }
}

impl<DB: DatabaseRef> Database for Overlay<'_, DB> {
    type Error = DB::Error;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        if let Some(entry) = self.accounts.get(&address) {
            return Ok(entry.now.map(info_of));
        }
        let base = self.base.basic_ref(address)?.map(|info| state_of(&info));
        self.accounts.insert(address, Entry { base, now: base });
        Ok(base.map(info_of))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        if code_hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        match self.codes.get(&code_hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code_by_hash_ref(code_hash),
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        if let Some(entry) = self.slots.get(&(address, slot)) {
            return Ok(entry.now);
        }
        let base = if self.created.contains(&address) {
            U256::ZERO
        } else {
            self.base.storage_ref(address, slot)?
        };
        self.slots.insert((address, slot), Entry { base, now: base });
        Ok(base)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Self::Error> {
        match self.hashes.get(&number) {
            Some(hash) => Ok(*hash),
            None => self.base.block_hash_ref(number),
        }
    }
}

impl<DB: DatabaseRef> DatabaseCommit for Overlay<'_, DB> {
    fn commit(&mut self, changes: AddressMap<Account>) {
        // The order does not matter: each account has entries of its own.
        changes.into_iter().for_each(|(address, account)| self.write_account(address, account));
    }
}

fn state_of(info: &AccountInfo) -> AccountState {
    AccountState { nonce: info.nonce, balance: info.balance, code_hash: info.code_hash }
}

/// Returns the account without its code: the EVM requests code by hash when it runs it.
fn info_of(state: AccountState) -> AccountInfo {
    AccountInfo {
        nonce: state.nonce,
        balance: state.balance,
        code_hash: state.code_hash,
        account_id: None,
        code: None,
    }
}
