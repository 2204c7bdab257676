//! `gleaner stake`: staking rewards, farms and vaults.

mod action;
mod change;
mod create;
mod guard;
mod show;
mod yearly;

use abi::convert;
use anyhow::anyhow;
use clap::Subcommand;
use ledger_client::Ledger;
use ledger_views::stakes::{self, FarmPoolView, FarmView, YieldView};
use units::AccountId;

use crate::failure::{Hint as _, WrongUsage};
use crate::options::checksummed;
use crate::output::Output;
use crate::shell;

/// Flags of `gleaner stake`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what can be staked or deposited, with its yearly rate
    List(show::ListArgs),
    /// Show one of them, and what you have in it
    Show(show::ShowArgs),
    /// Create staking rewards, a farm, a pool of a farm, or a vault
    #[command(subcommand)]
    Create(create::Command),
    /// Deposit rewards for those who stake; it can't be taken back
    Fund(change::FundArgs),
    /// Stake, or deposit into a vault
    Add(change::AddArgs),
    /// Take a stake out, or redeem shares of a vault
    Remove(change::RemoveArgs),
    /// Take what a stake has earned
    Claim(change::ClaimArgs),
}

/// Runs one of the stake commands.
///
/// # Errors
/// When the ledger does not answer or refuses, a name or an amount is wrong, or nobody confirms.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => shell::block_on_until_interrupted(show::list(&args, output)),
        Command::Show(args) => shell::block_on_until_interrupted(show::show(&args, output)),
        Command::Create(command) => create::run(&command, output),
        Command::Fund(args) => change::fund(&args, output),
        Command::Add(args) => change::add(&args, output),
        Command::Remove(args) => change::remove(&args, output),
        Command::Claim(args) => change::claim(&args, output),
    }
}

/// What answers at an address, with the pool of a farm that is meant.
#[derive(Clone, Debug)]
enum Place {
    Rewards(stakes::RewardsView),
    Farm { farm: Box<FarmView>, number: u64, pool: FarmPoolView },
    Vault(stakes::VaultView),
}

/// Returns what is staked in at an address.
///
/// # Errors
/// When nothing is, or a pool must be named.
async fn place(ledger: &Ledger, address: &AccountId, pool: Option<u64>) -> anyhow::Result<Place> {
    let found = stakes::yield_at(ledger, address).await?;
    let found = found.ok_or_else(|| {
        anyhow!("{} is neither staking rewards nor a farm nor a vault", checksummed(address))
    });
    match (found.hint("gleaner stake list")?, pool) {
        (YieldView::Farm(farm), number) => {
            let (number, pool) = farm_pool(&farm, number)?;
            Ok(Place::Farm { farm: Box::new(farm), number, pool })
        }
        (_, Some(_)) => Err(WrongUsage(format!(
            "only farms have pools, and {} is none: leave out --pool",
            checksummed(address)
        ))
        .into()),
        (YieldView::Rewards(rewards), None) => Ok(Place::Rewards(rewards)),
        (YieldView::Vault(vault), None) => Ok(Place::Vault(vault)),
    }
}

/// Why others can take all stakes of a farm; none if only `account` itself can let that happen.
fn farm_risk(farm: &FarmView, account: Option<&AccountId>) -> Option<String> {
    if let Some(migrator) = &farm.migrator {
        let at = checksummed(migrator);
        return Some(format!("anybody can let its migrator {at} take all stakes, at any time"));
    }
    let is_nobody = convert::address(farm.owner).is_zero();
    (!is_nobody && account != Some(&farm.owner)).then(|| {
        let owner = checksummed(&farm.owner);
        format!("its owner {owner} can name a migrator, and so take all stakes at any time")
    })
}

/// Who decides about the stakes of a farm.
fn farm_rows(farm: &FarmView, account: Option<&AccountId>) -> Vec<(&'static str, String)> {
    let is_nobody = convert::address(farm.owner).is_zero();
    let nobody = || "none".to_owned();
    let owner = if is_nobody { nobody() } else { checksummed(&farm.owner) };
    let migrator = farm.migrator.as_ref().map_or_else(nobody, checksummed);
    let mut rows = vec![("owner", owner), ("migrator", migrator)];
    rows.extend(farm_risk(farm, account).map(|risk| ("warning", risk)));
    rows
}

fn farm_pool(farm: &FarmView, number: Option<u64>) -> anyhow::Result<(u64, FarmPoolView)> {
    let count = farm.pool_count;
    let number = match number {
        Some(number) => number,
        None if count == 1 => 0,
        None => {
            return Err(WrongUsage(format!(
                "the farm has {count} pools: choose one with --pool NUMBER, counted from 0"
            ))
            .into());
        }
    };
    let pool = usize::try_from(number).ok().and_then(|index| farm.pools.get(index));
    let pool = pool
        .ok_or_else(|| anyhow!("the farm has no pool {number}: it has {count}, counted from 0"));
    Ok((number, pool.hint(format!("gleaner stake show {}", checksummed(&farm.address)))?.clone()))
}
