//! `gleaner pool`: pools of Uniswap v2 and v3, and what accounts have in them.

mod add;
mod documents;
mod plan;
mod range;
mod remove;
mod show;

pub(crate) use documents::{PoolDocument, PositionDocument, positions_text};

use anyhow::anyhow;
use clap::{Subcommand, ValueEnum};
use ledger_client::Ledger;
use ledger_views::markets::{self, FEES, PoolView, TokenView};

use crate::failure::{Hint as _, WrongUsage};
use crate::market::{fee_text, named, parse_fee};
use crate::output::Output;
use crate::shell;

/// Flags of `gleaner pool`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List pools with their prices and what is in them
    List(show::ListArgs),
    /// Show one pool, your positions in it, and what they lose at other prices
    Show(show::ShowArgs),
    /// List the positions of accounts in all pools
    Positions(show::PositionsArgs),
    /// Create a pool; the amounts give its first price
    Create(add::CreateArgs),
    /// Add liquidity at the pool's price; shows what is really used
    Add(add::AddArgs),
    /// Remove liquidity, and collect what it earned
    Remove(remove::RemoveArgs),
    /// Collect the fees of positions of Uniswap v3
    Collect(remove::CollectArgs),
}

/// Runs one of the pool commands.
///
/// # Errors
/// When the ledger does not answer or refuses, a name or an amount is wrong, or nobody confirms.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => shell::block_on_until_interrupted(show::list(&args, output)),
        Command::Show(args) => shell::block_on_until_interrupted(show::show(&args, output)),
        Command::Positions(args) => {
            shell::block_on_until_interrupted(show::positions(&args, output))
        }
        Command::Create(args) => add::create(&args, output),
        Command::Add(args) => add::add(&args, output),
        Command::Remove(args) => remove::remove(&args, output),
        Command::Collect(args) => remove::collect(&args, output),
    }
}

/// A version of Uniswap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// Pairs: liquidity at every price, a fee of 0.3%
    V2,
    /// Pools: liquidity in a range of prices, several fees
    V3,
}

/// Flags that choose among the pools of two tokens.
#[derive(Clone, Debug, clap::Args)]
struct KindArgs {
    /// Version of Uniswap [default: v3 with --fee, else whichever exists]
    #[arg(long, value_enum)]
    version: Option<Version>,
    /// Fee of a pool of v3: 0.05%, 0.3% or 1%
    #[arg(long, value_name = "PERCENT", value_parser = parse_fee)]
    fee: Option<u32>,
}

impl KindArgs {
    /// # Errors
    /// [`WrongUsage`] for a fee of v2, which is always 0.3%.
    fn check(&self) -> anyhow::Result<()> {
        match (self.version, self.fee) {
            (Some(Version::V2), Some(_)) => Err(WrongUsage(
                "pairs of v2 have no choice of fee, it is 0.3%: leave out --fee, or give --version v3"
                    .to_owned(),
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Returns the pool of two tokens that is meant.
    ///
    /// # Errors
    /// When there is none, or more than one that fits.
    async fn choose(
        &self,
        ledger: &Ledger,
        (a, b): (&TokenView, &TokenView),
    ) -> anyhow::Result<PoolView> {
        self.check()?;
        let mut found = Vec::new();
        let of_v2 = [None].into_iter().filter(|_| self.version != Some(Version::V3));
        let of_v2 = of_v2.filter(|_: &Option<u32>| self.fee.is_none());
        let fees = match (self.version, self.fee) {
            (Some(Version::V2), _) => Vec::new(),
            (_, Some(fee)) => vec![Some(fee)],
            (_, None) => FEES.map(Some).to_vec(),
        };
        for fee in of_v2.chain(fees) {
            found.extend(markets::pool(ledger, (&a.address, &b.address), fee).await?);
        }
        match (found.pop(), found.is_empty()) {
            (Some(pool), true) => Ok(pool),
            (Some(last), false) => {
                found.push(last);
                let flags: Vec<_> = found.iter().map(flags).collect();
                Err(anyhow!(
                    "{} and {} have {} pools: choose one with {}",
                    a.symbol,
                    b.symbol,
                    found.len(),
                    flags.join(", or ")
                ))
            }
            (None, _) => Err(anyhow!("there is no such pool of {} and {}", a.symbol, b.symbol))
                .hint(format!(
                    "gleaner pool list, or gleaner pool create AMOUNT {} AMOUNT {}",
                    a.symbol, b.symbol
                )),
        }
    }
}

/// Returns the flags that choose a pool among those of its tokens.
fn flags(pool: &PoolView) -> String {
    match pool.version() {
        "v2" => "--version v2".to_owned(),
        _ => format!("--fee {}", fee_text(pool.fee_millionths())),
    }
}

/// Returns two tokens by their names.
async fn both(ledger: &Ledger, a: &str, b: &str) -> anyhow::Result<(TokenView, TokenView)> {
    let (a, b) = (named(ledger, a).await?, named(ledger, b).await?);
    if a.address == b.address {
        return Err(anyhow!("both tokens are {}: a pool has two different ones", a.symbol));
    }
    Ok((a, b))
}
