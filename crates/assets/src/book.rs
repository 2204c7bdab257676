//! The state that the rules read and write.

use alloy_primitives::U256;
use units::AccountId;

use crate::{Powers, Refused, Transferred};

/// The state of any fungible asset. Reading and writing may fail (gas, disk): the implementor then undoes what was
/// written.
pub trait Book {
    /// The error that ends a rule early.
    type Failure: From<Refused>;

    /// Returns the asset's own account, which may not hold the asset.
    fn asset(&self) -> AccountId;
    /// Returns whether transfers are paused.
    ///
    /// # Errors
    /// Those of the book.
    fn is_paused(&mut self) -> Result<bool, Self::Failure>;
    /// Returns the balance of an account.
    ///
    /// # Errors
    /// Those of the book.
    fn balance(&mut self, holder: AccountId) -> Result<U256, Self::Failure>;
    /// Moves an amount from one balance to another; `left` is what remains of the balance of `from`. The caller has checked that `from` holds the amount, that
    /// it is not 0, and that `from` is not `to`.
    ///
    /// # Errors
    /// Those of the book.
    fn move_balance(&mut self, transferred: &Transferred, left: U256) -> Result<(), Self::Failure>;
    /// Returns how much of the balance of `owner` `spender` may move.
    ///
    /// # Errors
    /// Those of the book.
    fn allowance(&mut self, owner: AccountId, spender: AccountId) -> Result<U256, Self::Failure>;
    /// Replaces an allowance.
    ///
    /// # Errors
    /// Those of the book.
    fn set_allowance(
        &mut self,
        owner: AccountId,
        spender: AccountId,
        amount: U256,
    ) -> Result<(), Self::Failure>;
    /// Returns the number of permits that an account has used.
    ///
    /// # Errors
    /// Those of the book.
    fn nonce(&mut self, owner: AccountId) -> Result<U256, Self::Failure>;
    /// Replaces a nonce.
    ///
    /// # Errors
    /// Those of the book.
    fn set_nonce(&mut self, owner: AccountId, nonce: U256) -> Result<(), Self::Failure>;
}

/// The further state of an asset that has an issuer.
pub trait IssuedBook: Book {
    /// Replaces a balance.
    ///
    /// # Errors
    /// Those of the book.
    fn set_balance(&mut self, holder: AccountId, amount: U256) -> Result<(), Self::Failure>;
    /// Returns the sum of all balances.
    ///
    /// # Errors
    /// Those of the book.
    fn supply(&mut self) -> Result<U256, Self::Failure>;
    /// Replaces the supply.
    ///
    /// # Errors
    /// Those of the book.
    fn set_supply(&mut self, amount: U256) -> Result<(), Self::Failure>;
    /// Returns the largest supply that the terms allow.
    ///
    /// # Errors
    /// Those of the book.
    fn cap(&mut self) -> Result<U256, Self::Failure>;
    /// Returns the issuer, the powers, and whether transfers are paused.
    ///
    /// # Errors
    /// Those of the book.
    fn standing(&mut self) -> Result<Standing, Self::Failure>;
    /// Replaces the issuer and the pause; the powers never change.
    ///
    /// # Errors
    /// Those of the book.
    fn set_standing(&mut self, standing: &Standing) -> Result<(), Self::Failure>;
    /// Returns the account to which the issuer's role is offered; zero for none.
    ///
    /// # Errors
    /// Those of the book.
    fn offered(&mut self) -> Result<AccountId, Self::Failure>;
    /// Replaces the offer.
    ///
    /// # Errors
    /// Those of the book.
    fn set_offered(&mut self, account: AccountId) -> Result<(), Self::Failure>;
}

/// The fields of an issued asset that nearly every operation reads; they share one storage slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The account that may mint; zero after the role was given up.
    pub issuer: AccountId,
    /// What the terms allow.
    pub powers: Powers,
    /// Whether transfers are paused.
    pub is_paused: bool,
}
