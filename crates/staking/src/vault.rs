//! Shares of a vault: who deposits assets gets shares, and each share is the same part of all assets.
//!
//! The price counts `10^offset` virtual shares and one virtual asset, which nobody owns: so an empty vault has a price, and who donates to it
//! loses to the virtual shares what he wants to win from the next depositor.
//!
//! Rounding favours the vault: [deposit](Vault::shares_down) and [redeem](Vault::assets_down) round down, [mint](Vault::assets_up) and
//! [withdraw](Vault::shares_up) up.
//!
//! Invariant: no step of one account lowers the price of a share, `(assets + 1) / (shares + 10^offset)`.
//!
//! Source: EIP-4626; OpenZeppelin Contracts 5.4, `ERC4626._convertToShares`, `_convertToAssets`. The product has 512 bits.

use alloy_primitives::{U256, uint};
use fixed_point::{ArithmeticError, mul_div_down, mul_div_up};

/// What a vault holds, and the number of its shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Assets, in their smallest unit: the vault's balance, donations included.
    pub assets: U256,
    /// Shares, in their smallest unit: the supply.
    pub shares: U256,
    /// Decimals of a share beyond those of the asset.
    pub offset: Offset,
}

/// How many decimals a share has beyond the asset: `10^offset` is the number of virtual shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(u8);

impl Offset {
    /// The largest: `10^77` still fits 256 bits.
    pub const MAX: u8 = 77;

    /// Returns an offset, or `None` above [`Self::MAX`].
    #[must_use]
    pub const fn new(decimals: u8) -> Option<Self> {
        if decimals <= Self::MAX { Some(Self(decimals)) } else { None }
    }

    /// Returns the number of decimals.
    #[must_use]
    pub const fn decimals(self) -> u8 {
        self.0
    }

    /// Returns `10^offset`.
    #[must_use]
    pub fn virtual_shares(self) -> U256 {
        uint!(10_U256).saturating_pow(U256::from(self.0))
    }
}

impl Vault {
    /// Returns the shares of `assets`, rounded down: for a deposit.
    ///
    /// `assets · (shares + 10^offset) / (all assets + 1)`.
    ///
    /// # Errors
    /// [`ArithmeticError::Overflow`], as in the contract.
    pub fn shares_down(&self, assets: U256) -> Result<U256, ArithmeticError> {
        mul_div_down(assets, self.shares_and_virtual()?, self.assets_and_virtual()?)
    }

    /// Returns the shares of `assets`, rounded up: for a withdrawal.
    ///
    /// # Errors
    /// As [`Self::shares_down`].
    pub fn shares_up(&self, assets: U256) -> Result<U256, ArithmeticError> {
        mul_div_up(assets, self.shares_and_virtual()?, self.assets_and_virtual()?)
    }

    /// Returns the assets of `shares`, rounded down: for a redemption.
    ///
    /// `shares · (all assets + 1) / (all shares + 10^offset)`.
    ///
    /// # Errors
    /// As [`Self::shares_down`].
    pub fn assets_down(&self, shares: U256) -> Result<U256, ArithmeticError> {
        mul_div_down(shares, self.assets_and_virtual()?, self.shares_and_virtual()?)
    }

    /// Returns the assets of `shares`, rounded up: for minting shares.
    ///
    /// # Errors
    /// As [`Self::shares_down`].
    pub fn assets_up(&self, shares: U256) -> Result<U256, ArithmeticError> {
        mul_div_up(shares, self.assets_and_virtual()?, self.shares_and_virtual()?)
    }

    fn assets_and_virtual(&self) -> Result<U256, ArithmeticError> {
        self.assets.checked_add(U256::ONE).ok_or(ArithmeticError::Overflow)
    }

    fn shares_and_virtual(&self) -> Result<U256, ArithmeticError> {
        self.shares.checked_add(self.offset.virtual_shares()).ok_or(ArithmeticError::Overflow)
    }
}
