//! What a rule may read and write.

use alloy_primitives::U256;
use units::AccountId;

use crate::{Powers, Refused};

/// What any fungible asset keeps. Reading and writing may fail (gas, disk): whoever keeps the book takes back what was written then.
pub trait Book {
    /// What ends a rule early.
    type Failure: From<Refused>;

    /// The asset's own account, which may not hold it.
    fn asset(&self) -> AccountId;
    /// Whether balances don't move.
    ///
    /// # Errors
    /// The book's.
    fn is_paused(&mut self) -> Result<bool, Self::Failure>;
    /// What an account holds.
    ///
    /// # Errors
    /// The book's.
    fn balance(&mut self, holder: AccountId) -> Result<U256, Self::Failure>;
    /// Moves part of a balance. `from` holds `amount`, which is not 0, and is not `to`.
    ///
    /// # Errors
    /// The book's.
    fn shift(&mut self, from: AccountId, to: AccountId, amount: U256) -> Result<(), Self::Failure>;
    /// What `spender` may move of what `owner` holds.
    ///
    /// # Errors
    /// The book's.
    fn allowance(&mut self, owner: AccountId, spender: AccountId) -> Result<U256, Self::Failure>;
    /// Replaces an allowance.
    ///
    /// # Errors
    /// The book's.
    fn set_allowance(
        &mut self,
        owner: AccountId,
        spender: AccountId,
        amount: U256,
    ) -> Result<(), Self::Failure>;
    /// Permits that an account has used.
    ///
    /// # Errors
    /// The book's.
    fn nonce(&mut self, owner: AccountId) -> Result<U256, Self::Failure>;
    /// Replaces a nonce.
    ///
    /// # Errors
    /// The book's.
    fn set_nonce(&mut self, owner: AccountId, nonce: U256) -> Result<(), Self::Failure>;
}

/// What an asset with an issuer keeps besides.
pub trait IssuedBook: Book {
    /// Replaces a balance.
    ///
    /// # Errors
    /// The book's.
    fn set_balance(&mut self, holder: AccountId, amount: U256) -> Result<(), Self::Failure>;
    /// Sum of all balances.
    ///
    /// # Errors
    /// The book's.
    fn supply(&mut self) -> Result<U256, Self::Failure>;
    /// Replaces the supply.
    ///
    /// # Errors
    /// The book's.
    fn set_supply(&mut self, amount: U256) -> Result<(), Self::Failure>;
    /// The most that may exist.
    ///
    /// # Errors
    /// The book's.
    fn cap(&mut self) -> Result<U256, Self::Failure>;
    /// Who issues, and whether balances move.
    ///
    /// # Errors
    /// The book's.
    fn standing(&mut self) -> Result<Standing, Self::Failure>;
    /// Replaces the standing, its powers aside, which never change.
    ///
    /// # Errors
    /// The book's.
    fn set_standing(&mut self, standing: &Standing) -> Result<(), Self::Failure>;
    /// To whom the issuer's role is offered; zero for nobody.
    ///
    /// # Errors
    /// The book's.
    fn offered(&mut self) -> Result<AccountId, Self::Failure>;
    /// Replaces the offer.
    ///
    /// # Errors
    /// The book's.
    fn set_offered(&mut self, account: AccountId) -> Result<(), Self::Failure>;
}

/// What is asked of an issued asset at nearly every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who may mint; zero when nobody may any more.
    pub issuer: AccountId,
    /// What the terms allow.
    pub powers: Powers,
    /// Whether balances don't move.
    pub is_paused: bool,
}
