//! Transactions of holders and issuers of assets.

use abi::{
    ASSETS, Assets, Erc20, IssuedAsset,
    convert::{account, address},
};
use alloy_primitives::U256;
use alloy_sol_types::SolEvent as _;
use ledger_views::assets::Powers;
use units::{AccountId, Wei};

use crate::{Ledger, LedgerError, Receipt};

/// The terms of a new asset; the ledger checks their bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAsset {
    /// Name.
    pub name: String,
    /// Symbol.
    pub symbol: String,
    /// Decimals of a whole unit.
    pub decimals: u8,
    /// The largest supply, in the smallest unit.
    pub cap: U256,
    /// URI of its metadata; may be empty.
    pub uri: String,
    /// The first issuer.
    pub issuer: AccountId,
    /// What the terms allow.
    pub powers: Powers,
}

/// An asset that was just created.
#[derive(Clone, Debug)]
pub struct CreatedAsset {
    /// Its number.
    pub number: u64,
    /// Its address.
    pub address: AccountId,
    /// The transaction.
    pub receipt: Receipt,
}

/// Each function waits until the change is in a block, and fails with [`LedgerError`]: in particular
/// [`LedgerError::Refused`] when a rule refuses it, at no cost.
impl Ledger {
    /// Creates an asset.
    pub async fn create_asset(&self, asset: &NewAsset) -> Result<CreatedAsset, LedgerError> {
        let terms = Assets::Terms {
            name: asset.name.clone(),
            symbol: asset.symbol.clone(),
            decimals: asset.decimals,
            cap: asset.cap,
            uri: asset.uri.clone(),
            issuer: address(asset.issuer),
            pausable: asset.powers.pausable,
            burnable: asset.powers.burnable,
            transferable: asset.powers.transferable,
            renounceable: asset.powers.renounceable,
        };
        let receipt = self.write(ASSETS, &Assets::createCall { terms }, Wei::ZERO).await?;
        let logs = receipt.logs.iter().filter(|log| log.address() == ASSETS);
        let created = logs
            .filter_map(|log| Assets::AssetCreated::decode_log(&log.inner).ok())
            .find_map(|event| Some((event.asset, abi::asset_number(&event.asset)?)));
        let (at, number) = created.ok_or_else(|| {
            self.shared.node.malformed("an asset was created, but its event is missing")
        })?;
        Ok(CreatedAsset { number, address: account(at), receipt })
    }

    /// Sends an amount of an asset from the account of this connection.
    pub async fn send_asset(
        &self,
        asset: &AccountId,
        to: &AccountId,
        amount: U256,
    ) -> Result<Receipt, LedgerError> {
        let call = Erc20::transferCall { to: address(*to), value: amount };
        self.write(address(*asset), &call, Wei::ZERO).await
    }

    /// Mints an amount; only the issuer may.
    pub async fn mint_asset(
        &self,
        asset: &AccountId,
        to: &AccountId,
        amount: U256,
    ) -> Result<Receipt, LedgerError> {
        let call = IssuedAsset::mintCall { to: address(*to), value: amount };
        self.write(address(*asset), &call, Wei::ZERO).await
    }
}
