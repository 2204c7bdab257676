//! Accounts that a transaction accessed, before and after it.

use crate::overlay::Overlay;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::{
    Database, DatabaseRef,
    state::{Account, AccountInfo, EvmState},
};
use std::collections::{BTreeMap, BTreeSet};

/// Largest size of code and storage in bytes; each account counts 128 bytes more, each slot 64.
pub const PRESTATE_SIZE_MAX: usize = 8 << 20;

/// Options of the prestate tracer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrestateOptions {
    /// Whether to return only changed fields, before and after.
    pub only_changes: bool,
}

/// An account, or its changed fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountSeen {
    /// Balance in the smallest unit.
    pub balance: Option<U256>,
    /// Next nonce.
    pub nonce: Option<u64>,
    /// Code, if the account has any.
    pub code: Option<Bytes>,
    /// Slots that were read or written; without those of value zero if only changes are returned.
    pub storage: BTreeMap<U256, U256>,
}

/// The accessed accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prestate {
    /// Accounts before the transaction.
    pub before: BTreeMap<Address, AccountSeen>,
    /// Accounts after it, if only changes are returned: without unchanged fields and removed accounts.
    pub after: Option<BTreeMap<Address, AccountSeen>>,
}

impl Prestate {
    /// Returns the values in `before` of all accounts in `touched`, a transaction's result; `None` if that exceeds
    /// [`PRESTATE_SIZE_MAX`].
    pub(crate) fn new<DB: DatabaseRef>(
        options: PrestateOptions,
        before: &mut Overlay<'_, DB>,
        touched: EvmState,
    ) -> Result<Option<Self>, DB::Error> {
        let mut room = PRESTATE_SIZE_MAX;
        let touched: BTreeMap<Address, Account> = touched.into_iter().collect();
        let mut prestate = Self::default();
        let mut after = BTreeMap::new();
        for (address, account) in touched {
            let existed = before.basic(address)?;
            let info = existed.clone().unwrap_or_default();
            let mut seen = AccountSeen {
                balance: Some(info.balance),
                nonce: Some(info.nonce),
                code: code(before, &info)?,
                storage: BTreeMap::new(),
            };
            let slots: BTreeSet<U256> = account.storage.keys().copied().collect();
            for slot in &slots {
                seen.storage.insert(*slot, before.storage(address, *slot)?);
            }
            // The state after it is hardly larger, as code and slots cost gas.
            match room.checked_sub(seen.size()) {
                Some(left) => room = left,
                None => return Ok(None),
            }
            if !options.only_changes {
                // An account that the transaction created did not exist before.
                if existed.is_some() || !account.is_created() {
                    prestate.before.insert(address, seen);
                }
                continue;
            }
            if !account.is_touched() {
                continue;
            }
            let gone = account.is_selfdestructed() || account.info.is_empty();
            let changed = changed(before, &seen, &account)?;
            let is_same = changed == AccountSeen::default()
                && account
                    .storage
                    .iter()
                    .all(|(slot, now)| seen.storage.get(slot) == Some(&now.present_value()));
            if is_same && !(gone && existed.is_some()) {
                continue;
            }
            seen.storage.retain(|slot, value| {
                let now = account.storage.get(slot).map(|slot| slot.present_value());
                !value.is_zero() && (gone || now != Some(*value))
            });
            if existed.is_some() {
                prestate.before.insert(address, seen);
            }
            if !gone {
                after.insert(address, changed);
            }
        }
        prestate.after = options.only_changes.then_some(after);
        Ok(Some(prestate))
    }
}

impl AccountSeen {
    fn size(&self) -> usize {
        let code = self.code.as_ref().map_or(0, |code| code.len());
        code.saturating_add(self.storage.len().saturating_mul(64)).saturating_add(128)
    }
}

/// Returns the fields that differ afterwards.
fn changed<DB: DatabaseRef>(
    before: &mut Overlay<'_, DB>,
    seen: &AccountSeen,
    account: &Account,
) -> Result<AccountSeen, DB::Error> {
    let now = &account.info;
    let code = match &now.code {
        Some(code) if !code.is_empty() => Some(code.original_bytes()),
        Some(_) => None,
        None => code(before, now)?,
    };
    let mut changed = AccountSeen {
        balance: Some(now.balance).filter(|balance| Some(*balance) != seen.balance),
        nonce: Some(now.nonce).filter(|nonce| Some(*nonce) != seen.nonce),
        code: code.filter(|code| Some(code) != seen.code.as_ref()),
        storage: BTreeMap::new(),
    };
    let mut slots: Vec<_> = account.storage.iter().collect();
    slots.sort_unstable_by_key(|(slot, _)| **slot);
    for (slot, value) in slots {
        let value = value.present_value();
        if !value.is_zero() && seen.storage.get(slot) != Some(&value) {
            changed.storage.insert(*slot, value);
        }
    }
    Ok(changed)
}

fn code<DB: DatabaseRef>(
    state: &mut Overlay<'_, DB>,
    info: &AccountInfo,
) -> Result<Option<Bytes>, DB::Error> {
    if [KECCAK256_EMPTY, B256::ZERO].contains(&info.code_hash) {
        return Ok(None);
    }
    Ok(Some(state.code_by_hash(info.code_hash)?.original_bytes()))
}
