//! `gleaner stake list` and `gleaner stake show`.

use abi::amount_text;
use alloy_primitives::U256;
use anyhow::anyhow;
use clap::ValueEnum;
use ledger_client::Ledger;
use ledger_views::{
    Ask as _, Window,
    markets::TokenView,
    stakes::{self, FarmView, Listed, RewardsView, StakeView, VaultView, YieldView},
};
use serde::Serialize;
use units::AccountId;

use super::action::aligned;
use super::farm_rows;
use super::yearly::{self, Yearly};
use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{TokenDocument, parse_seconds, seconds_text};
use crate::options::{LedgerArgs, WalletArgs, checksummed, parse_account};
use crate::output::{Output, table};

/// A kind of yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Staking rewards
    Rewards,
    /// Pools of farms
    Farm,
    /// Vaults
    Vault,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Number of each kind to show, newest first
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    limit: u64,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Address of the staking rewards, the farm or the vault
    #[arg(value_parser = parse_account)]
    address: AccountId,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, clap::Args)]
struct CommonArgs {
    /// Time over which the growth of a vault's shares is measured
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = parse_seconds)]
    window: u64,
    /// Account whose stakes to show; may be repeated [default: all of the wallet]
    #[arg(long = "of", value_name = "ADDRESS", value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Something to stake in. Amounts are in the smallest unit of their token.
#[derive(Serialize)]
struct StakeDocument {
    /// `rewards`, `farm` or `vault`.
    kind: &'static str,
    address: String,
    /// Of a farm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<u64>,
    staking: TokenDocument,
    reward: TokenDocument,
    staked: Option<String>,
    /// Yearly rate without compounding, as a part of 1.
    apr: Option<String>,
    /// How long the rate is paid at most, or over how long it was measured.
    window_seconds: Option<u64>,
    apr_basis: String,
    /// Of staking rewards: when the period ends, in Unix seconds; of a farm: what rewards are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    period_end: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undrawn: Option<String>,
    /// Of a farm: who can name a migrator, and the migrator, which can take all stakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    migrator: Option<String>,
    own: Vec<OwnDocument>,
}

#[derive(Serialize)]
struct OwnDocument {
    account: String,
    staked: String,
    earned: String,
    shares: String,
}

/// A row of the list.
struct Row {
    document: StakeDocument,
    staking: TokenView,
    reward: TokenView,
    staked: Option<U256>,
    yearly: Yearly,
    ends: String,
    own: Vec<(AccountId, StakeView)>,
    /// Of a farm: who decides about the stakes.
    rulers: Vec<(&'static str, String)>,
}

/// A line of the list.
enum Line {
    Read(Box<Row>),
    Unreadable(UnreadableDocument),
}

#[derive(Serialize)]
#[serde(untagged)]
enum LineDocument {
    Read(Box<StakeDocument>),
    Unreadable(UnreadableDocument),
}

/// Something that does not answer, or whose tokens don't.
#[derive(Serialize)]
struct UnreadableDocument {
    /// `rewards`, `farm` or `vault`.
    kind: &'static str,
    address: String,
    #[serde(rename = "unreadable")]
    is_unreadable: bool,
}

pub(super) async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect_to_show(&args.common.ledger, output).await?;
    let window = Window::first(args.limit);
    let is_asked = |kind| args.kind.is_none_or(|asked| asked == kind);
    let (accounts, mut rows) = (args.common.all(), Vec::new());
    if is_asked(Kind::Rewards) {
        for item in stakes::rewards(&ledger, window).await?.items {
            let (address, read) = match item {
                Listed::Unreadable(address) => (address, None),
                Listed::Readable(view) => {
                    (view.address, of_rewards(&ledger, &view, &accounts).await.ok())
                }
            };
            rows.extend(
                or_unreadable(&ledger, "rewards", &address, read.map(|it| vec![it])).await?,
            );
        }
    }
    if is_asked(Kind::Farm) {
        for item in stakes::farms(&ledger, window).await?.items {
            let (address, read) = match item {
                Listed::Unreadable(address) => (address, None),
                Listed::Readable(view) => {
                    (view.address, of_farm(&ledger, &view, &accounts).await.ok())
                }
            };
            rows.extend(or_unreadable(&ledger, "farm", &address, read).await?);
        }
    }
    if is_asked(Kind::Vault) {
        for item in stakes::vaults(&ledger, window).await?.items {
            let (address, read) = match item {
                Listed::Unreadable(address) => (address, None),
                Listed::Readable(view) => {
                    let read = of_vault(&ledger, &view, &accounts, args.common.window).await;
                    (view.shares.address, read.ok())
                }
            };
            rows.extend(or_unreadable(&ledger, "vault", &address, read.map(|it| vec![it])).await?);
        }
    }
    print(rows, output)
}

/// One of the list, or what stands for it when it does not answer: whoever created it must not hide the others.
async fn or_unreadable(
    ledger: &Ledger,
    kind: &'static str,
    address: &AccountId,
    read: Option<Vec<Row>>,
) -> anyhow::Result<Vec<Line>> {
    if let Some(rows) = read {
        return Ok(rows.into_iter().map(|row| Line::Read(Box::new(row))).collect());
    }
    // When it is the ledger that does not answer, nothing can be said.
    ledger.head().await?;
    let address = checksummed(address);
    Ok(vec![Line::Unreadable(UnreadableDocument { kind, address, is_unreadable: true })])
}

pub(super) async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect_to_show(&args.common.ledger, output).await?;
    let accounts = args.common.all();
    let found = stakes::yield_at(&ledger, &args.address).await?;
    let rows = match found {
        Some(YieldView::Rewards(rewards)) => {
            vec![of_rewards(&ledger, &rewards, &accounts).await?]
        }
        Some(YieldView::Farm(farm)) if farm.pools.is_empty() => {
            return Err(anyhow!("the farm {} has no pool yet", checksummed(&args.address)))
                .hint("gleaner stake create farm-pool FARM TOKEN");
        }
        Some(YieldView::Farm(farm)) => of_farm(&ledger, &farm, &accounts).await?,
        Some(YieldView::Vault(vault)) => {
            vec![of_vault(&ledger, &vault, &accounts, args.common.window).await?]
        }
        None => {
            return Err(anyhow!(
                "{} is neither staking rewards nor a farm nor a vault",
                checksummed(&args.address)
            ))
            .hint("gleaner stake list");
        }
    };
    let text = rows.iter().map(Row::text).collect::<Vec<_>>().join("\n\n");
    let documents: Vec<_> = rows.into_iter().map(|row| row.document).collect();
    output.print(&documents, &text)
}

fn print(lines: Vec<Line>, output: &Output) -> anyhow::Result<()> {
    let head = ["kind", "stake", "reward", "staked", "apr", "ends", "yours", "earned", "address"];
    let cells: Vec<_> = lines.iter().map(Line::cells).collect();
    let documents: Vec<_> = lines.into_iter().map(Line::document).collect();
    output.print(&documents, &table(&head, &cells))
}

impl Line {
    fn cells(&self) -> Vec<String> {
        match self {
            Self::Read(row) => row.cells(),
            Self::Unreadable(document) => {
                let mut cells = vec![document.kind.to_owned(), "unreadable".to_owned()];
                cells.extend(["-"; 6].map(str::to_owned));
                cells.push(document.address.clone());
                cells
            }
        }
    }

    fn document(self) -> LineDocument {
        match self {
            Self::Read(row) => LineDocument::Read(Box::new(row.document)),
            Self::Unreadable(document) => LineDocument::Unreadable(document),
        }
    }
}

impl CommonArgs {
    /// The accounts that are given, or all of the wallet, which may have none.
    fn all(&self) -> Vec<AccountId> {
        self.wallet.these_or_all(&self.accounts).unwrap_or_default()
    }
}

impl Row {
    fn kind(&self) -> String {
        match self.document.pool {
            Some(pool) => format!("farm, pool {pool}"),
            None => self.document.kind.to_owned(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let sum = |of: fn(&StakeView) -> U256| {
            self.own.iter().fold(U256::ZERO, |sum, (_, stake)| sum.saturating_add(of(stake)))
        };
        vec![
            self.kind(),
            self.staking.symbol.clone(),
            self.reward.symbol.clone(),
            self.staked.map_or_else(|| "unknown".to_owned(), |it| self.staking.amount_text(it)),
            self.yearly.text(),
            self.ends.clone(),
            self.staking.amount_text(sum(|stake| stake.staked)),
            self.reward.amount_text(sum(|stake| stake.earned)),
            self.document.address.clone(),
        ]
    }

    fn text(&self) -> String {
        let staking = format!("{} {}", self.staking.symbol, checksummed(&self.staking.address));
        let reward = format!("{} {}", self.reward.symbol, checksummed(&self.reward.address));
        let staked =
            |amount| format!("{} {}", self.staking.amount_text(amount), self.staking.symbol);
        let mut rows = vec![
            ("kind", self.kind()),
            ("address", self.document.address.clone()),
            ("stake", staking),
            ("reward", reward),
            ("staked", self.staked.map_or_else(|| "unknown".to_owned(), staked)),
            ("apr", format!("{} ({})", self.yearly.text(), self.yearly.basis)),
            ("ends", self.ends.clone()),
        ];
        rows.extend(self.rulers.iter().cloned());
        for (account, stake) in &self.own {
            let mut text = staked(stake.staked);
            if !stake.earned.is_zero() {
                let earned = self.reward.amount_text(stake.earned);
                text += &format!(", earned {earned} {}", self.reward.symbol);
            }
            if !stake.shares.is_zero() {
                text += &format!(", {} shares", stake.shares);
            }
            rows.push(("yours", format!("{text} ({})", checksummed(account))));
        }
        aligned(rows)
    }
}

fn own(all: &[(AccountId, StakeView)]) -> Vec<OwnDocument> {
    let document = |(account, stake): &(AccountId, StakeView)| OwnDocument {
        account: checksummed(account),
        staked: stake.staked.to_string(),
        earned: stake.earned.to_string(),
        shares: stake.shares.to_string(),
    };
    all.iter().map(document).collect()
}

/// Leaves out accounts that have nothing.
fn with_something(found: &mut Vec<(AccountId, StakeView)>) {
    found.retain(|(_, stake)| *stake != StakeView::default());
}

fn apr_text(yearly: &Yearly) -> Option<String> {
    yearly.apr.map(|apr| amount_text(apr, 18))
}

async fn of_rewards(
    ledger: &Ledger,
    rewards: &RewardsView,
    accounts: &[AccountId],
) -> anyhow::Result<Row> {
    let yearly = yearly::of_rewards(ledger, rewards).await?;
    let mut found = Vec::new();
    for account in accounts {
        let stake = stakes::stake_in_rewards(&ledger.next(), &rewards.address, account).await?;
        found.push((*account, stake));
    }
    with_something(&mut found);
    let (now, end) = (ledger.next_time().await?.as_u64(), rewards.period_end.as_u64());
    let ends = match end {
        0 => "not funded yet".to_owned(),
        end if end <= now => "ended: fund the next period".to_owned(),
        end => format!("in {}", seconds_text(end.saturating_sub(now))),
    };
    let document = StakeDocument {
        kind: "rewards",
        address: checksummed(&rewards.address),
        pool: None,
        staking: (&rewards.staking).into(),
        reward: (&rewards.reward).into(),
        staked: Some(rewards.staked.to_string()),
        apr: apr_text(&yearly),
        window_seconds: yearly.window_seconds,
        apr_basis: yearly.basis.clone(),
        period_end: Some(end),
        undrawn: None,
        owner: None,
        migrator: None,
        own: own(&found),
    };
    let (staking, reward) = (rewards.staking.clone(), rewards.reward.clone());
    let (staked, rulers) = (Some(rewards.staked), Vec::new());
    Ok(Row { document, staking, reward, staked, yearly, ends, own: found, rulers })
}

async fn of_farm(
    ledger: &Ledger,
    farm: &FarmView,
    accounts: &[AccountId],
) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (number, pool) in (0_u64..).zip(&farm.pools) {
        let yearly = yearly::of_farm(ledger, farm, number, &pool.staking).await?;
        let mut found = Vec::new();
        for account in accounts {
            let stake =
                stakes::stake_in_farm(&ledger.next(), &farm.address, number, account).await?;
            found.push((*account, stake));
        }
        with_something(&mut found);
        let undrawn = farm.underlying.amount_text(farm.undrawn);
        let ends = format!("{undrawn} {} are left", farm.underlying.symbol);
        let document = StakeDocument {
            kind: "farm",
            address: checksummed(&farm.address),
            pool: Some(number),
            staking: (&pool.staking).into(),
            reward: (&farm.underlying).into(),
            staked: pool.staked.map(|staked| staked.to_string()),
            apr: apr_text(&yearly),
            window_seconds: yearly.window_seconds,
            apr_basis: yearly.basis.clone(),
            period_end: None,
            undrawn: Some(farm.undrawn.to_string()),
            owner: Some(checksummed(&farm.owner)),
            migrator: farm.migrator.as_ref().map(checksummed),
            own: own(&found),
        };
        let (staking, reward) = (pool.staking.clone(), farm.underlying.clone());
        let (staked, rulers) = (pool.staked, farm_rows(farm, None));
        rows.push(Row { document, staking, reward, staked, yearly, ends, own: found, rulers });
    }
    Ok(rows)
}

async fn of_vault(
    ledger: &Ledger,
    vault: &VaultView,
    accounts: &[AccountId],
    window: u64,
) -> anyhow::Result<Row> {
    let yearly = yearly::of_vault(ledger, vault, window).await?;
    let address = vault.shares.address;
    let mut found = Vec::new();
    for account in accounts {
        let stake = stakes::stake_in_vault(&ledger.next(), &address, account).await?;
        found.push((*account, stake));
    }
    with_something(&mut found);
    let ends = match vault.locked.filter(|locked| !locked.is_zero()) {
        Some(locked) => {
            format!("{} {} still locked", vault.asset.amount_text(locked), vault.asset.symbol)
        }
        None => "never".to_owned(),
    };
    let document = StakeDocument {
        kind: "vault",
        address: checksummed(&address),
        pool: None,
        staking: (&vault.asset).into(),
        reward: (&vault.asset).into(),
        staked: vault.assets.map(|assets| assets.to_string()),
        apr: apr_text(&yearly),
        window_seconds: yearly.window_seconds,
        apr_basis: yearly.basis.clone(),
        period_end: None,
        undrawn: None,
        owner: None,
        migrator: None,
        own: own(&found),
    };
    let (staking, reward) = (vault.asset.clone(), vault.asset.clone());
    let (staked, rulers) = (vault.assets, Vec::new());
    Ok(Row { document, staking, reward, staked, yearly, ends, own: found, rulers })
}
