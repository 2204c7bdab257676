//! Assets: what was created on the ledger, by which terms, and how much there is.

use abi::{ASSETS, Assets, Erc20, GRAIN, IssuedAsset, asset_address, convert};
use alloy_primitives::U256;
use units::AccountId;

use crate::{
    Ask, Page, ViewError, Window,
    batch::{self, Answers, Asked, Batch},
};

/// An asset. What its creator chose to call it is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetView {
    /// Its number.
    pub number: u64,
    /// Where it answers.
    pub address: AccountId,
    /// Name.
    pub name: String,
    /// Symbol.
    pub symbol: String,
    /// Decimals of a whole unit.
    pub decimals: u8,
    /// What exists, in the smallest unit.
    pub supply: U256,
    /// The most that may, in the smallest unit; none when its terms set no bound.
    pub cap: Option<U256>,
    /// Who may mint; nobody any more when there is none.
    pub issuer: Option<AccountId>,
    /// To whom the issuer's role is offered.
    pub offered_to: Option<AccountId>,
    /// Whether no balance moves.
    pub is_paused: bool,
    /// What its terms allow.
    pub powers: Powers,
    /// Where its metadata lies; may be empty.
    pub uri: String,
}

/// What an asset's terms allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    /// The issuer may pause.
    pub pausable: bool,
    /// Holders may burn.
    pub burnable: bool,
    /// The issuer may hand its role over.
    pub transferable: bool,
    /// The issuer may give its role up.
    pub renounceable: bool,
}

impl AssetView {
    /// An amount in whole units, exact, without trailing zeros.
    #[must_use]
    pub fn amount_text(&self, amount: U256) -> String {
        abi::amount_text(amount, self.decimals)
    }

    /// The cap in whole units, or `none`.
    #[must_use]
    pub fn cap_text(&self) -> String {
        self.cap.map_or_else(|| "none".to_owned(), |cap| self.amount_text(cap))
    }
}

/// Reads how many assets were ever created; they are numbered from 1.
///
/// # Errors
/// [`ViewError`].
pub async fn count<A: Ask>(ledger: &A) -> Result<u64, ViewError<A::Error>> {
    batch::ask(ledger, ASSETS, &Assets::countCall {}).await
}

/// Reads an asset.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] with [`Assets::NoSuchAsset`].
pub async fn asset<A: Ask>(ledger: &A, number: u64) -> Result<AssetView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let asked = AssetCalls::new(&mut batch, number);
    asked.read(&batch.ask(ledger).await?)
}

/// Reads a page of assets, newest first.
///
/// # Errors
/// [`ViewError`].
pub async fn list<A: Ask>(
    ledger: &A,
    window: Window,
) -> Result<Page<AssetView>, ViewError<A::Error>> {
    let count = count(ledger).await?;
    let mut batch = Batch::default();
    let asked: Vec<_> =
        window.numbers(count).map(|number| AssetCalls::new(&mut batch, number)).collect();
    let answers = batch.ask(ledger).await?;
    let items = asked.iter().map(|asked| asked.read(&answers)).collect::<Result<_, _>>()?;
    Ok(Page::new(window, count, items))
}

/// Reads what accounts hold of an asset, in the smallest unit and in their order.
///
/// # Errors
/// [`ViewError`].
pub async fn balances<A: Ask>(
    ledger: &A,
    asset: &AccountId,
    holders: &[AccountId],
) -> Result<Vec<U256>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let mut ask = |holder: &AccountId| {
        let call = Erc20::balanceOfCall { account: convert::address(*holder) };
        batch.add(convert::address(*asset), &call)
    };
    let asked: Vec<_> = holders.iter().map(&mut ask).collect();
    let answers = batch.ask(ledger).await?;
    asked.iter().map(|asked| answers.take(asked)).collect()
}

/// Reads how much GRAIN there is, in the smallest unit.
///
/// # Errors
/// [`ViewError`].
pub async fn grain_supply<A: Ask>(ledger: &A) -> Result<U256, ViewError<A::Error>> {
    batch::ask(ledger, GRAIN, &Erc20::totalSupplyCall {}).await
}

/// The calls that make up the view of an asset.
struct AssetCalls {
    number: u64,
    at: Asked<Assets::assetAtCall>,
    name: Asked<Erc20::nameCall>,
    symbol: Asked<Erc20::symbolCall>,
    decimals: Asked<Erc20::decimalsCall>,
    supply: Asked<Erc20::totalSupplyCall>,
    uri: Asked<Erc20::tokenURICall>,
    cap: Asked<IssuedAsset::capCall>,
    issuer: Asked<IssuedAsset::issuerCall>,
    offered_to: Asked<IssuedAsset::offeredToCall>,
    paused: Asked<IssuedAsset::pausedCall>,
    powers: Asked<IssuedAsset::powersCall>,
}

impl AssetCalls {
    fn new(batch: &mut Batch, number: u64) -> Self {
        // The address follows from the number, so that all can be asked at once.
        let asset = asset_address(number);
        Self {
            number,
            at: batch.add(ASSETS, &Assets::assetAtCall { number }),
            name: batch.add(asset, &Erc20::nameCall {}),
            symbol: batch.add(asset, &Erc20::symbolCall {}),
            decimals: batch.add(asset, &Erc20::decimalsCall {}),
            supply: batch.add(asset, &Erc20::totalSupplyCall {}),
            uri: batch.add(asset, &Erc20::tokenURICall {}),
            cap: batch.add(asset, &IssuedAsset::capCall {}),
            issuer: batch.add(asset, &IssuedAsset::issuerCall {}),
            offered_to: batch.add(asset, &IssuedAsset::offeredToCall {}),
            paused: batch.add(asset, &IssuedAsset::pausedCall {}),
            powers: batch.add(asset, &IssuedAsset::powersCall {}),
        }
    }

    fn read<E>(&self, answers: &Answers) -> Result<AssetView, ViewError<E>>
    where
        E: std::error::Error + 'static,
    {
        // First: it says when there is no such asset.
        let address = answers.take(&self.at)?;
        let IssuedAsset::powersReturn { pausable, burnable, transferable, renounceable } =
            answers.take(&self.powers)?;
        Ok(AssetView {
            number: self.number,
            address: convert::account(address),
            name: answers.take(&self.name)?,
            symbol: answers.take(&self.symbol)?,
            decimals: answers.take(&self.decimals)?,
            supply: answers.take(&self.supply)?,
            cap: Some(answers.take(&self.cap)?).filter(|cap| *cap != U256::MAX),
            issuer: convert::account_if_any(answers.take(&self.issuer)?),
            offered_to: convert::account_if_any(answers.take(&self.offered_to)?),
            is_paused: answers.take(&self.paused)?,
            powers: Powers { pausable, burnable, transferable, renounceable },
            uri: answers.take(&self.uri)?,
        })
    }
}
