//! The end of `gleaner demo --market`: a pool is opened, and a contributor trades with a part of its pay and adds the rest.
//!
//! 1. The trainer issues an asset and opens a pair of it and GRAIN.
//! 2. The best paid contributor swaps two fifths of its pay for the asset, and adds two fifths with as much of the asset as the pair takes. The rest
//!    pays network fees.
//! 3. What both own of the pair is read back from the ledger.

use std::time::Duration;

use abi::{
    Erc20, GRAIN, UNISWAP_V2_ROUTER, UniswapV2Router02, amount_text,
    convert::{self, account, address},
};
use alloy_primitives::{Address, U256};
use anyhow::{Context as _, anyhow};
use coordinator::{Payout, Report};
use ledger_client::{Ledger, NewAsset};
use ledger_views::{
    assets::Powers,
    markets::{self, Exact, PoolView, PositionView, TokenView},
};
use serde::Serialize;
use units::AccountId;

use super::{Folder, ledger::DemoLedger};
use crate::market::{Sender, Step, sending_time};
use crate::options::checksummed;
use crate::output::{Output, lines};
use crate::pool::{PoolDocument, PositionDocument, positions_text};

/// What the pair begins with, in whole units: the trainer has ten times as much GRAIN for fees.
const GRAIN_UNITS: u64 = 100;
const ASSET_UNITS: u64 = 200;
/// What is minted of the asset, in whole units.
const SUPPLY_UNITS: u64 = 1_000_000;
/// Seconds in which each transaction must be executed.
const DEADLINE_SECONDS: u64 = 1_200;
/// The most that a price may move between quote and block, in basis points. Nobody else trades on this ledger.
const SLIPPAGE_BPS: u64 = 50;

/// Key `market` of `gleaner demo --market --json`. Amounts are in the smallest unit of their token.
#[derive(Serialize)]
pub(super) struct Market {
    asset: String,
    pool: PoolDocument,
    contributor: String,
    /// GRAIN that the contributor paid, and what it received of the asset.
    swapped_grain: String,
    swapped_asset: String,
    /// What it added to the pair.
    added_grain: String,
    added_asset: String,
    positions: Vec<PositionDocument>,
    #[serde(skip)]
    text: String,
}

impl Market {
    /// The table of positions, with what led to it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Opens a pool and plays the contributor.
///
/// # Errors
/// When nobody was paid, or the ledger refuses.
pub(super) async fn play(
    ledger: &DemoLedger,
    folder: &Folder,
    report: &Report,
    (patience, output): (Duration, &Output),
) -> anyhow::Result<Market> {
    let trainer = ledger.client(patience).await?;
    let (asset, pool) = open(&trainer, output).await.context("the pool can't be opened")?;
    let (index, pay) = best_paid(report, folder)?;
    let contributor = ledger.client_of(folder.worker(index)?, patience).await?;
    let traded = trade(&contributor, (&asset, &pool), pay, output).await;
    let traded = traded.context("the contributor can't trade")?;
    let owners = [own(&contributor)?, own(&trainer)?];
    tell(&trainer, &asset, &traded, owners).await
}

fn own(ledger: &Ledger) -> anyhow::Result<AccountId> {
    ledger.account().ok_or_else(|| anyhow!("the connection has no account"))
}

/// Returns the contributor with the highest pay: its number among the workers, and the pay.
fn best_paid(report: &Report, folder: &Folder) -> anyhow::Result<(usize, U256)> {
    let paid = |payout: &Payout| payout.paid.parse::<U256>().unwrap_or_default();
    let best = report.payouts.iter().max_by_key(|payout| paid(payout));
    let best = best.filter(|payout| !paid(payout).is_zero());
    let best = best.ok_or_else(|| anyhow!("nobody was paid, so nobody can trade"))?;
    let account: AccountId =
        best.account.parse().with_context(|| format!("{:?} is no account", best.account))?;
    let accounts = folder.accounts(report.payouts.len());
    let index = accounts.iter().position(|of| *of == account);
    Ok((index.ok_or_else(|| anyhow!("{} is no worker of this demo", best.account))?, paid(best)))
}

fn units(count: u64) -> U256 {
    U256::from(count).saturating_mul(U256::from(10).pow(U256::from(18)))
}

/// Issues the asset and opens the pair.
async fn open(trainer: &Ledger, output: &Output) -> anyhow::Result<(TokenView, PoolView)> {
    let issuer = own(trainer)?;
    let powers =
        Powers { pausable: false, burnable: true, transferable: false, renounceable: true };
    let (name, symbol) = ("Barley".to_owned(), "BAR".to_owned());
    let cap = units(SUPPLY_UNITS);
    let terms = NewAsset { name, symbol, decimals: 18, cap, uri: String::new(), issuer, powers };
    let created = trainer.create_asset(&terms).await?;
    trainer.mint_asset(&created.address, &issuer, cap).await?;
    let asset = markets::token(trainer, &created.address).await?;
    let mut sender = Sender::new(trainer, output);
    add(trainer, &mut sender, &asset, [units(GRAIN_UNITS), units(ASSET_UNITS)]).await?;
    let grain = account(GRAIN);
    let pool = markets::pool(trainer, (&grain, &asset.address), None).await?;
    Ok((asset, pool.ok_or_else(|| anyhow!("the pair was created and is not there"))?))
}

/// Approves exactly these amounts of GRAIN and the asset, and adds them.
async fn add(
    ledger: &Ledger,
    sender: &mut Sender<'_>,
    asset: &TokenView,
    [grain, of_asset]: [U256; 2],
) -> anyhow::Result<()> {
    let token = address(asset.address);
    approve(sender, GRAIN, grain, "GRAIN").await?;
    approve(sender, token, of_asset, &asset.symbol).await?;
    let call = UniswapV2Router02::addLiquidityCall {
        tokenA: GRAIN,
        tokenB: token,
        amountADesired: grain,
        amountBDesired: of_asset,
        amountAMin: least(grain),
        amountBMin: least(of_asset),
        to: address(own(ledger)?),
        deadline: deadline(ledger).await?,
    };
    sender.take(Step::new("market: add liquidity", UNISWAP_V2_ROUTER, &call)).await?;
    Ok(())
}

async fn approve(
    sender: &mut Sender<'_>,
    token: Address,
    amount: U256,
    symbol: &str,
) -> anyhow::Result<()> {
    let call = Erc20::approveCall { spender: UNISWAP_V2_ROUTER, value: amount };
    let what = format!("market: approve {} {symbol}", amount_text(amount, 18));
    sender.take(Step::new(what, token, &call)).await?;
    Ok(())
}

fn least(amount: U256) -> U256 {
    let loss = amount.wrapping_div(U256::from(10_000 / SLIPPAGE_BPS));
    amount.saturating_sub(loss)
}

async fn deadline(ledger: &Ledger) -> anyhow::Result<U256> {
    Ok(U256::from(sending_time(ledger).await?.saturating_add(DEADLINE_SECONDS)))
}

/// What the contributor did. Amounts are in the order GRAIN, asset.
struct Traded {
    contributor: AccountId,
    pool: AccountId,
    swapped: [U256; 2],
    added: [U256; 2],
}

async fn trade(
    ledger: &Ledger,
    (asset, pool): (&TokenView, &PoolView),
    pay: U256,
    output: &Output,
) -> anyhow::Result<Traded> {
    let contributor = own(ledger)?;
    let part = pay.wrapping_mul(U256::from(2)).wrapping_div(U256::from(5));
    let grain = account(GRAIN);
    let route = markets::routes(ledger, (&grain, &asset.address), Exact::Input(part), &[]).await?;
    let route = route.best.ok_or_else(|| anyhow!("no pool takes {part} of GRAIN"))?;
    let mut sender = Sender::new(ledger, output);
    approve(&mut sender, GRAIN, part, "GRAIN").await?;
    let call = UniswapV2Router02::swapExactTokensForTokensCall {
        amountIn: part,
        amountOutMin: least(route.amount_out),
        path: route.tokens(),
        to: address(contributor),
        deadline: deadline(ledger).await?,
    };
    sender.take(Step::new("market: swap GRAIN for BAR", UNISWAP_V2_ROUTER, &call)).await?;
    let bought = sender.moved(&asset.address, &contributor).received;

    // As much of both as the pair takes: the swap has made the asset dearer, so all that was bought may be too little.
    let now = markets::pool_at(ledger, &pool.address).await?;
    let now = now.ok_or_else(|| anyhow!("the pair is gone"))?;
    let is_first = now.token0.address == grain;
    let turn = |[a, b]: [U256; 2]| if is_first { [a, b] } else { [b, a] };
    let desired = turn([part, bought]).map(Some);
    let amounts = turn(markets::addition_to_pair(ledger, &now, desired).await?.amounts);
    let mut adding = Sender::new(ledger, output);
    add(ledger, &mut adding, asset, amounts).await?;
    let added = [grain, asset.address].map(|token| adding.moved(&token, &contributor).sent);
    Ok(Traded { contributor, pool: pool.address, swapped: [part, bought], added })
}

async fn tell(
    ledger: &Ledger,
    asset: &TokenView,
    traded: &Traded,
    owners: [AccountId; 2],
) -> anyhow::Result<Market> {
    let pool = markets::pool_at(ledger, &traded.pool).await?;
    let pool = pool.ok_or_else(|| anyhow!("the pair is gone"))?;
    let mut positions: Vec<(AccountId, PositionView)> = Vec::new();
    for owner in owners {
        let found = markets::shares_of_pairs(ledger, &owner, std::slice::from_ref(&pool)).await?;
        positions.extend(found.into_iter().map(|position| (owner, position)));
    }
    let both = |[grain, of_asset]: [U256; 2], word: &str| {
        let grain = amount_text(grain, 18);
        format!("{grain} GRAIN {word} {} {}", asset.amount_text(of_asset), asset.symbol)
    };
    let rows = [
        ("contributor", checksummed(&traded.contributor)),
        ("swapped", both(traded.swapped, "for")),
        ("added", both(traded.added, "and")),
        (
            "price",
            format!("1 {} = {} {}", pool.token0.symbol, pool.price_text(), pool.token1.symbol),
        ),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    let text = format!("market\n{}\n\n{}", lines(&rows), positions_text(&positions));
    let [swapped_grain, swapped_asset] = traded.swapped.map(|amount| amount.to_string());
    let [added_grain, added_asset] = traded.added.map(|amount| amount.to_string());
    let document = |(owner, position): &(AccountId, PositionView)| {
        PositionDocument::new(owner, position, None)
    };
    Ok(Market {
        asset: convert::address(asset.address).to_checksum(None),
        pool: (&pool).into(),
        contributor: checksummed(&traded.contributor),
        swapped_grain,
        swapped_asset,
        added_grain,
        added_asset,
        positions: positions.iter().map(document).collect(),
        text,
    })
}
