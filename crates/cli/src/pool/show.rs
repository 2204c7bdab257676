//! `gleaner pool list`, `show` and `positions`.

use anyhow::anyhow;
use ledger_client::Ledger;
use ledger_views::{
    ITEMS_MAX, Window,
    markets::{self, PoolView, PositionView},
};
use serde::Serialize;
use units::AccountId;

use super::documents::{
    PoolDocument, PositionDocument, pool_text, pools_text, positions_text, scenarios_text,
};
use super::{KindArgs, Version, both};
use crate::failure::Hint as _;
use crate::ledger;
use crate::options::{LedgerArgs, WalletArgs, checksummed, parse_account};
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only pools of this version of Uniswap
    #[arg(long, value_enum)]
    version: Option<Version>,
    /// Number of pairs of v2 to show, newest first; pools of v3 are shown as far as positions, assets and pairs tell of them
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Two tokens, or the address of a pool
    #[arg(num_args = 1..=2, required = true, value_name = "TOKEN")]
    words: Vec<String>,
    #[command(flatten)]
    kind: KindArgs,
    #[command(flatten)]
    accounts: AccountsArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct PositionsArgs {
    #[command(flatten)]
    accounts: AccountsArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct AccountsArgs {
    /// Account whose positions to show; may be repeated [default: all of the wallet]
    #[arg(long = "of", value_name = "ADDRESS", value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
}

#[derive(Serialize)]
struct ShowDocument {
    #[serde(flatten)]
    pool: PoolDocument,
    positions: Vec<PositionDocument>,
}

pub(super) async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect(&args.ledger).await?;
    let mut pools = Vec::new();
    if args.version != Some(Version::V3) {
        pools.extend(newest_pairs(&ledger, args.limit).await?);
    }
    if args.version != Some(Version::V2) {
        pools.extend(markets::ranged_pools(&ledger).await?);
    }
    let documents: Vec<_> = pools.iter().map(PoolDocument::from).collect();
    output.print(&documents, &pools_text(&pools))
}

/// The newest pairs, at most `limit` of them.
async fn newest_pairs(ledger: &Ledger, limit: u64) -> anyhow::Result<Vec<PoolView>> {
    let (mut found, mut window) = (Vec::new(), Window::first(limit));
    loop {
        let page = markets::pairs(ledger, window).await?;
        found.extend(page.items);
        let left = limit.saturating_sub(u64::try_from(found.len())?);
        match page.older.filter(|_| left > 0) {
            Some(older) => window = Window { newest: Some(older), items: left },
            None => return Ok(found),
        }
    }
}

pub(super) async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect(&args.ledger).await?;
    let pool = match &args.words[..] {
        [a, b] => {
            let (a, b) = both(&ledger, a, b).await?;
            args.kind.choose(&ledger, (&a, &b)).await?
        }
        words => by_address(&ledger, words.first().map_or("", String::as_str)).await?,
    };
    let (mut documents, mut found) = (Vec::new(), Vec::new());
    let mut text = pool_text(&pool);
    let mut tables = String::new();
    for account in args.accounts.all() {
        for position in of_account(&ledger, &account, &pool).await? {
            let scenarios = markets::scenarios(&ledger, &position, &account).await;
            documents.push(PositionDocument::new(&account, &position, scenarios.as_deref()));
            if let Some(scenarios) = scenarios {
                let name = position
                    .range
                    .map_or_else(|| "shares".to_owned(), |range| format!("position {}", range.id));
                tables += &format!(
                    "\n\n{name} at other prices, without fees, compared with holding its tokens\n{}",
                    scenarios_text(&pool, &scenarios)
                );
            }
            found.push((account, position));
        }
    }
    if !found.is_empty() {
        text += &format!("\n\n{}{tables}", positions_text(&found));
    }
    output.print(&ShowDocument { pool: (&pool).into(), positions: documents }, &text)
}

async fn by_address(ledger: &Ledger, word: &str) -> anyhow::Result<PoolView> {
    let address = parse_account(word).map_err(|error| {
        anyhow!("{word:?} is neither a pool nor two tokens: {error}; or name two tokens")
    })?;
    let pool = markets::pool_at(ledger, &address).await?;
    pool.ok_or_else(|| anyhow!("{word} is no pool of Uniswap v2 or v3")).hint("gleaner pool list")
}

async fn of_account(
    ledger: &Ledger,
    account: &AccountId,
    pool: &PoolView,
) -> anyhow::Result<Vec<PositionView>> {
    if pool.version() == "v2" {
        let pairs = std::slice::from_ref(pool);
        return Ok(markets::shares_of_pairs(ledger, account, pairs).await?);
    }
    let window = Window::first(ITEMS_MAX);
    let mut found = markets::ranged_positions(ledger, account, window).await?.items;
    found.retain(|position| position.pool.address == pool.address);
    Ok(found)
}

pub(super) async fn positions(args: &PositionsArgs, output: &Output) -> anyhow::Result<()> {
    let accounts = args.accounts.wallet.these_or_all(&args.accounts.accounts)?;
    let ledger = ledger::connect(&args.ledger).await?;
    let newest = markets::pairs(&ledger, Window::first(ITEMS_MAX)).await?;
    let mut pairs = newest.items;
    let is_new = |pair: &PoolView| !pairs.iter().any(|known| known.address == pair.address);
    let of_coin: Vec<_> = markets::coin_pairs(&ledger).await?.into_iter().filter(is_new).collect();
    if newest.older.is_some() {
        output.say(&format!(
            "looked at the newest {ITEMS_MAX} of {} pairs, and at those of GRAIN and WGRAIN with assets: `gleaner pool show TOKEN TOKEN` tells of any other",
            newest.count
        ));
    }
    pairs.extend(of_coin);
    let mut found = Vec::new();
    for account in accounts {
        let ranged = markets::ranged_positions(&ledger, &account, Window::first(ITEMS_MAX)).await?;
        if ranged.older.is_some() {
            output.say(&format!(
                "shows the newest {ITEMS_MAX} of {} positions of Uniswap v3 of {}",
                ranged.count,
                checksummed(&account)
            ));
        }
        let shares = markets::shares_of_pairs(&ledger, &account, &pairs).await?;
        found.extend(shares.into_iter().chain(ranged.items).map(|position| (account, position)));
    }
    let document = |(account, position): &(AccountId, PositionView)| {
        PositionDocument::new(account, position, None)
    };
    let documents: Vec<_> = found.iter().map(document).collect();
    output.print(&documents, &positions_text(&found))
}

impl AccountsArgs {
    /// The accounts that are given, or all of the wallet, which may have none.
    fn all(&self) -> Vec<AccountId> {
        self.wallet.these_or_all(&self.accounts).unwrap_or_default()
    }
}
