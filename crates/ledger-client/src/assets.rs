//! Assets on the ledger: reading them, and the transactions of holders and issuers.

use abi::{
    ASSETS, Assets, Erc20, IssuedAsset,
    convert::{account, account_if_any, address},
};
use alloy_primitives::U256;
use alloy_sol_types::SolEvent as _;
use units::{AccountId, Wei};

use crate::{Ledger, LedgerError, Receipt};

pub use abi::{amount_text, parse_amount};

/// An asset. Name, symbol and URI were chosen by its creator and must not be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRecord {
    /// Its number.
    pub number: u64,
    /// Its address.
    pub address: AccountId,
    /// Name.
    pub name: String,
    /// The supply, in the smallest unit.
    pub symbol: String,
    /// The largest supply, in the smallest unit.
    pub decimals: u8,
    /// What exists, in the smallest unit.
    pub supply: U256,
    /// The account that may mint; `None` after the role was renounced.
    pub cap: U256,
    /// The account that may mint; `None` after the role was renounced.
    pub issuer: Option<AccountId>,
    /// Whether transfers are paused.
    pub is_paused: bool,
    /// Whether the issuer may pause.
    pub is_pausable: bool,
    /// Whether holders may burn.
    pub is_burnable: bool,
    /// Whether the issuer may transfer its role.
    pub is_transferable: bool,
    /// Whether the issuer may renounce its role.
    pub is_renounceable: bool,
    /// URI of its metadata; may be empty.
    pub uri: String,
}

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
    /// Whether the issuer may pause.
    pub is_pausable: bool,
    /// Whether holders may burn.
    pub is_burnable: bool,
    /// Whether the issuer may transfer its role.
    pub is_transferable: bool,
    /// Whether the issuer may renounce its role.
    pub is_renounceable: bool,
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

/// Each function fails with [`LedgerError`]: the node does not answer, the asset does not exist, or the answer is
/// malformed.
impl Ledger {
    /// Returns the number of assets ever created; they are numbered from 1.
    pub async fn asset_count(&self) -> Result<u64, LedgerError> {
        self.read(ASSETS, &Assets::countCall {}).await
    }

    /// Returns an asset by its number.
    pub async fn asset(&self, number: u64) -> Result<AssetRecord, LedgerError> {
        let at = self.read(ASSETS, &Assets::assetAtCall { number }).await?;
        let issuer = self.read(at, &IssuedAsset::issuerCall {}).await?;
        let powers = self.read(at, &IssuedAsset::powersCall {}).await?;
        Ok(AssetRecord {
            number,
            address: account(at),
            name: self.read(at, &Erc20::nameCall {}).await?,
            symbol: self.read(at, &Erc20::symbolCall {}).await?,
            decimals: self.read(at, &Erc20::decimalsCall {}).await?,
            supply: self.read(at, &Erc20::totalSupplyCall {}).await?,
            cap: self.read(at, &IssuedAsset::capCall {}).await?,
            issuer: account_if_any(issuer),
            is_paused: self.read(at, &IssuedAsset::pausedCall {}).await?,
            is_pausable: powers.pausable,
            is_burnable: powers.burnable,
            is_transferable: powers.transferable,
            is_renounceable: powers.renounceable,
            uri: self.read(at, &Erc20::tokenURICall {}).await?,
        })
    }

    /// Returns the balance of an account, in the smallest unit.
    pub async fn asset_balance(
        &self,
        asset: &AccountId,
        holder: &AccountId,
    ) -> Result<U256, LedgerError> {
        self.read(address(*asset), &Erc20::balanceOfCall { account: address(*holder) }).await
    }

    /// Creates an asset.
    pub async fn create_asset(&self, asset: &NewAsset) -> Result<CreatedAsset, LedgerError> {
        let terms = Assets::Terms {
            name: asset.name.clone(),
            symbol: asset.symbol.clone(),
            decimals: asset.decimals,
            cap: asset.cap,
            uri: asset.uri.clone(),
            issuer: address(asset.issuer),
            pausable: asset.is_pausable,
            burnable: asset.is_burnable,
            transferable: asset.is_transferable,
            renounceable: asset.is_renounceable,
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
