//! `gleaner earnings`: payments to accounts, by project, and rewards for their work.

use std::collections::BTreeSet;

use ledger_client::Ledger;
use ledger_views::{
    issuance::{self, Rewards},
    runs::{self, SeatView},
};
use serde::Serialize;
use units::{AccountId, Wei};

use crate::ledger;
use crate::options::{LedgerArgs, WalletArgs, checksummed, parse_account};
use crate::output::{Output, table};
use crate::project::short;
use crate::shell;

/// Flags of `gleaner earnings`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Accounts to show [default: all of the wallet]
    #[arg(value_name = "ADDRESS", value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Keys of `gleaner earnings --json`. Amounts are in the smallest unit.
#[derive(Serialize)]
struct Document {
    /// Hash of the ledger's first block; empty if the node does not keep that.
    ledger: String,
    paid: String,
    tokens_verified: u64,
    seats: Vec<SeatDocument>,
    /// One for each account that was asked for; empty where the ledger's rules have none.
    rewards: Vec<RewardsDocument>,
}

#[derive(Serialize)]
struct RewardsDocument {
    account: String,
    vesting: String,
    vested: String,
    claimable: String,
    /// Units of work in the present epoch.
    work: String,
    /// Votes in the Work House.
    voice: Option<String>,
}

#[derive(Serialize)]
struct SeatDocument {
    project: u64,
    name: String,
    account: String,
    device: String,
    standing: &'static str,
    tokens_verified: u64,
    paid: String,
}

/// Finds the projects in which the accounts have seats by the node's history index, or by looking through all of them when there is none.
///
/// # Errors
/// When the ledger does not answer, or no account is given or in the wallet.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    shell::block_on_until_interrupted(earnings(&args, output))
}

async fn earnings(args: &Args, output: &Output) -> anyhow::Result<()> {
    let accounts = args.wallet.these_or_all(&args.accounts)?;
    let ledger = ledger::connect_to_show(&args.ledger, output).await?;
    let (mut paid, mut tokens_verified) = (Wei::ZERO, 0_u64);
    let (mut seats, mut rows) = (Vec::new(), Vec::new());
    for run in projects(&ledger, &accounts).await? {
        let mut name = None;
        for seat in runs::seats(&ledger, run).await? {
            if !accounts.contains(&seat.account) {
                continue;
            }
            if name.is_none() {
                name = Some(runs::run(&ledger, run).await?.name);
            }
            let name = name.clone().unwrap_or_default();
            paid = paid.checked_add(seat.paid)?;
            tokens_verified = tokens_verified.saturating_add(seat.tokens_verified);
            rows.push(row(run, &name, &seat));
            seats.push(seat_document(run, name, &seat));
        }
    }
    let head =
        ["project", "name", "account", "device", "tokens verified", "GRAIN paid", "standing"];
    let total = format!("{} GRAIN for {tokens_verified} verified tokens", paid.to_grain());
    let (rewards, rows_of_rewards) = rewards(&ledger, &accounts).await?;
    let mut text = format!("{}\n\n{total}", table(&head, &rows));
    if !rows_of_rewards.is_empty() {
        let head = ["account", "claimable", "vesting", "vested", "work this week", "voice"];
        text = format!("{text}\n\nrewards, in GRAIN\n{}", table(&head, &rows_of_rewards));
    }
    let (ledger, paid) = (ledger::identity(&ledger).await?, paid.to_string());
    output.print(&Document { ledger, paid, tokens_verified, seats, rewards }, &text)
}

/// The rewards of accounts, as the next block would find them; none where the ledger's rules have none.
async fn rewards(
    ledger: &Ledger,
    accounts: &[AccountId],
) -> anyhow::Result<(Vec<RewardsDocument>, Vec<Vec<String>>)> {
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    let next = ledger.next();
    if !matches!(issuance::begun(&next).await, Ok(Some(_))) {
        return Ok((documents, rows));
    }
    for account in accounts {
        let found = issuance::rewards(&next, account).await?;
        let voice = issuance::voice(&next, account).await.ok().map(|voice| voice.to_string());
        let name = checksummed(account);
        rows.push(reward_row(name.clone(), &found, voice.clone()));
        let Rewards { vesting, vested, claimable, work } = found;
        documents.push(RewardsDocument {
            account: name,
            vesting: vesting.to_string(),
            vested: vested.to_string(),
            claimable: claimable.to_string(),
            work: work.to_string(),
            voice,
        });
    }
    Ok((documents, rows))
}

fn reward_row(account: String, rewards: &Rewards, voice: Option<String>) -> Vec<String> {
    let Rewards { vesting, vested, claimable, work } = *rewards;
    let [claimable, vesting, vested] = [claimable, vesting, vested].map(Wei::to_grain);
    vec![account, claimable, vesting, vested, work.to_string(), voice.unwrap_or_default()]
}

/// Every project in which one of the accounts may have a seat, in order.
pub(crate) async fn projects(
    ledger: &Ledger,
    accounts: &[AccountId],
) -> anyhow::Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    for account in accounts {
        match ledger.runs_of(account).await? {
            Some(theirs) => found.extend(theirs),
            None => return Ok((1..=runs::count(ledger).await?).collect()),
        }
    }
    Ok(found)
}

fn row(run: u64, name: &str, seat: &SeatView) -> Vec<String> {
    vec![
        run.to_string(),
        name.to_owned(),
        checksummed(&seat.account),
        short(&seat.device),
        seat.tokens_verified.to_string(),
        seat.paid.to_grain(),
        ledger::standing(seat).to_owned(),
    ]
}

fn seat_document(project: u64, name: String, seat: &SeatView) -> SeatDocument {
    SeatDocument {
        project,
        name,
        account: checksummed(&seat.account),
        device: seat.device.to_string(),
        standing: ledger::standing(seat),
        tokens_verified: seat.tokens_verified,
        paid: seat.paid.to_string(),
    }
}
