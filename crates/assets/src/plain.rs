//! An asset in memory: the reference with which the ledger's storage must agree.

use std::collections::BTreeMap;

use alloy_primitives::U256;
use units::AccountId;

use crate::{Book, IssuedBook, Refused, Standing, Terms, Transferred};

/// An issued asset in memory. Two are equal when all their fields are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainBook {
    asset: AccountId,
    cap: U256,
    supply: U256,
    standing: Standing,
    offered: AccountId,
    balances: BTreeMap<AccountId, U256>,
    allowances: BTreeMap<(AccountId, AccountId), U256>,
    nonces: BTreeMap<AccountId, U256>,
}

impl PlainBook {
    /// Returns an asset at the account `asset` without holders.
    #[must_use]
    pub fn new(asset: AccountId, terms: &Terms) -> Self {
        let standing = Standing { issuer: terms.issuer, powers: terms.powers, is_paused: false };
        Self {
            asset,
            cap: terms.cap,
            supply: U256::ZERO,
            standing,
            offered: AccountId::ZERO,
            balances: BTreeMap::new(),
            allowances: BTreeMap::new(),
            nonces: BTreeMap::new(),
        }
    }

    /// Checks the invariants of the state.
    ///
    /// # Errors
    /// A description of the first invariant that does not hold.
    pub fn invariants(&self) -> Result<(), String> {
        let sum = self
            .balances
            .values()
            .try_fold(U256::ZERO, |sum, balance| sum.checked_add(*balance))
            .ok_or("the sum of the balances overflows")?;
        if sum != self.supply {
            return Err(format!("the balances add up to {sum}, the supply is {}", self.supply));
        }
        if self.supply > self.cap {
            return Err(format!("the supply {} is above the cap {}", self.supply, self.cap));
        }
        let nobody = [AccountId::ZERO, self.asset];
        match nobody.iter().find(|account| self.balances.contains_key(account)) {
            Some(account) => Err(format!("{account} has a balance, but must not have one")),
            None => Ok(()),
        }
    }

    /// Returns all balances, to compare before and after.
    #[must_use]
    pub fn balances(&self) -> &BTreeMap<AccountId, U256> {
        &self.balances
    }
}

/// Sets a value; zero removes the entry.
fn set<K: Ord>(map: &mut BTreeMap<K, U256>, key: K, value: U256) {
    if value.is_zero() {
        map.remove(&key);
    } else {
        map.insert(key, value);
    }
}

impl Book for PlainBook {
    type Failure = Refused;

    fn asset(&self) -> AccountId {
        self.asset
    }

    fn is_paused(&mut self) -> Result<bool, Refused> {
        Ok(self.standing.is_paused)
    }

    fn balance(&mut self, holder: AccountId) -> Result<U256, Refused> {
        Ok(self.balances.get(&holder).copied().unwrap_or_default())
    }

    fn move_balance(&mut self, transferred: &Transferred, left: U256) -> Result<(), Refused> {
        let Transferred { from, to, amount } = *transferred;
        let remains = self.balance(from)?.checked_sub(amount);
        assert_eq!(remains, Some(left), "the rule has checked the balance");
        let more = self.balance(to)?.checked_add(amount).expect("the sum is at most the supply");
        self.set_balance(from, left)?;
        self.set_balance(to, more)
    }

    fn allowance(&mut self, owner: AccountId, spender: AccountId) -> Result<U256, Refused> {
        Ok(self.allowances.get(&(owner, spender)).copied().unwrap_or_default())
    }

    fn set_allowance(
        &mut self,
        owner: AccountId,
        spender: AccountId,
        amount: U256,
    ) -> Result<(), Refused> {
        set(&mut self.allowances, (owner, spender), amount);
        Ok(())
    }

    fn nonce(&mut self, owner: AccountId) -> Result<U256, Refused> {
        Ok(self.nonces.get(&owner).copied().unwrap_or_default())
    }

    fn set_nonce(&mut self, owner: AccountId, nonce: U256) -> Result<(), Refused> {
        set(&mut self.nonces, owner, nonce);
        Ok(())
    }
}

impl IssuedBook for PlainBook {
    fn set_balance(&mut self, holder: AccountId, amount: U256) -> Result<(), Refused> {
        set(&mut self.balances, holder, amount);
        Ok(())
    }

    fn supply(&mut self) -> Result<U256, Refused> {
        Ok(self.supply)
    }

    fn set_supply(&mut self, amount: U256) -> Result<(), Refused> {
        self.supply = amount;
        Ok(())
    }

    fn cap(&mut self) -> Result<U256, Refused> {
        Ok(self.cap)
    }

    fn standing(&mut self) -> Result<Standing, Refused> {
        Ok(self.standing)
    }

    fn set_standing(&mut self, standing: &Standing) -> Result<(), Refused> {
        self.standing = *standing;
        Ok(())
    }

    fn offered(&mut self) -> Result<AccountId, Refused> {
        Ok(self.offered)
    }

    fn set_offered(&mut self, account: AccountId) -> Result<(), Refused> {
        self.offered = account;
        Ok(())
    }
}
