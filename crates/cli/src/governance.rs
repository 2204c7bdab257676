//! Governance by the command line: proposals, votes, houses, the brake.
//!
//! A proposal is named by its number or its id. Before one is posted, voted on or executed, its calls are shown by the names of the modules' functions, and so is
//! what they would do if they were made now.

mod action;
mod ballots;
mod brake;
mod calls;
mod delegate;
mod documents;
mod effect;
mod house;
mod jury;
mod proceed;
mod proposals;
mod propose;
mod proven;
mod sealing;
mod vote;
mod wanted;

pub(crate) use ballots::Command as BallotsCommand;
pub(crate) use brake::Command as BrakeCommand;
pub(crate) use delegate::Args as DelegateArgs;
pub(crate) use house::Command as HouseCommand;
pub(crate) use jury::Command as JuryCommand;
pub(crate) use proceed::Args as ProceedArgs;
pub(crate) use proposals::Args as ProposalsArgs;
pub(crate) use propose::Args as ProposeArgs;
pub(crate) use vote::Args as VoteArgs;

pub(crate) use sealing::{
    Sealing, derived, opening as opening_of_ballots, readable as readable_ballots,
};

pub(crate) use ballots::run as ballots;
pub(crate) use brake::run as brake;
pub(crate) use delegate::run as delegate;
pub(crate) use house::run as house;
pub(crate) use jury::run as jury;
pub(crate) use proceed::{execute, queue};
pub(crate) use proposals::run as proposals;
pub(crate) use propose::run as propose;
pub(crate) use vote::run as vote;

use alloy_primitives::U256;
use anyhow::{Context as _, anyhow};
use governance::{
    Class,
    proposal::{State, two_houses::House},
};
use ledger_client::Ledger;
use ledger_views::governance::{self as views, Posting, ProposalView};
use units::{UnixSeconds, Wei};

use crate::failure::Hint as _;
use crate::ledger;
use crate::market::seconds_text;
use crate::options::LedgerArgs;
use crate::output::Output;

/// Proposals among which an id is looked for, the newest first; a number always works.
const LOOKED_FOR_MAX: u64 = 1_000;

/// Connects to a ledger that has governance, for planning a change.
///
/// # Errors
/// When no node answers, or its ledger's rules have no governance yet.
async fn connect(args: &LedgerArgs) -> anyhow::Result<Ledger> {
    with_governance(ledger::connect(args).await?).await
}

/// As [`connect`], for showing: also what a node that has stopped before rules that it does not know has in its newest block.
///
/// # Errors
/// As [`connect`].
async fn connect_to_show(args: &LedgerArgs, output: &Output) -> anyhow::Result<Ledger> {
    with_governance(ledger::connect_to_show(args, output).await?).await
}

async fn with_governance(ledger: Ledger) -> anyhow::Result<Ledger> {
    if !views::is_there(&ledger).await? {
        return Err(anyhow!("this ledger has no governance yet: it begins with revision 3"))
            .hint("give the address of another ledger's node with --rpc URL");
    }
    Ok(ledger)
}

/// Finds a proposal by its number or id.
///
/// # Errors
/// When there is none, or the ledger does not answer.
async fn find(ledger: &Ledger, name: &str) -> anyhow::Result<ProposalView> {
    let ledger = &ledger.next();
    let given: U256 = name
        .parse()
        .map_err(|_| anyhow!("{name:?} is neither the number nor the id of a proposal"))?;
    let count = views::count(ledger).await?;
    let number = match u64::try_from(given) {
        Ok(number) if (1..=count).contains(&number) => Some(number),
        _ => views::with_id(ledger, given, LOOKED_FOR_MAX).await?,
    };
    let Some(number) = number else {
        return Err(anyhow!("proposal {name} does not exist: the ledger has {count}"))
            .hint("gleaner proposals");
    };
    Ok(views::proposal(ledger, number).await?)
}

/// What a proposal says.
///
/// # Errors
/// When the node does not keep the block any longer.
fn posting(proposal: &ProposalView) -> anyhow::Result<&Posting> {
    let posting = proposal.posting.as_ref();
    posting
        .ok_or_else(|| {
            anyhow!(
                "the node does not keep the block in which proposal {} was posted, and so not its calls",
                proposal.number
            )
        })
        .hint("give the address of a node that keeps all blocks with --rpc URL")
}

fn class_text(class: Class) -> &'static str {
    match class {
        Class::Routine => "routine",
        Class::Ordinary => "ordinary",
        Class::Constitutional => "constitutional",
    }
}

/// What a class asks for, in one line.
fn class_rule(class: Class) -> &'static str {
    match class {
        Class::Routine => "passes by itself after 5 d unless a tenth of either house objects",
        Class::Ordinary => "needs a majority in both houses",
        Class::Constitutional => "needs three fifths in both houses, and waits 14 d longer",
    }
}

fn state_text(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Active => "active",
        State::Canceled => "cancelled",
        State::Defeated => "defeated",
        State::Succeeded => "succeeded",
        State::Queued => "queued",
        State::Expired => "expired",
        State::Executed => "executed",
    }
}

fn house_text(house: House) -> &'static str {
    match house {
        House::Stake => "stake",
        House::Work => "work",
    }
}

/// Votes of a house, with what they count.
fn votes_text(house: House, votes: U256) -> String {
    match house {
        House::Stake => grain_text(votes),
        House::Work => format!("{votes} units of voice"),
    }
}

fn grain_text(wei: U256) -> String {
    format!("{} GRAIN", abi::amount_text(wei, 18))
}

/// A time and how far it is: `in 6 d 23 h (1795478399)`.
fn time_text(time: UnixSeconds, now: UnixSeconds) -> String {
    let (time, now) = (time.as_u64(), now.as_u64());
    if time > now {
        format!("in {} ({time})", seconds_text(time.saturating_sub(now)))
    } else {
        format!("{} ago ({time})", seconds_text(now.saturating_sub(time)))
    }
}

/// Parses an amount of GRAIN above 0.
///
/// # Errors
/// When it is none.
fn grain(text: &str) -> anyhow::Result<Wei> {
    let wei = abi::parse_amount(text, 18).filter(|wei| !wei.is_zero());
    let wei = wei.and_then(|wei| u128::try_from(wei).ok());
    let wei = wei.with_context(|| {
        format!("{text:?} is not an amount of GRAIN above 0: write a number such as 12 or 0.5")
    })?;
    Ok(Wei::new(wei))
}

/// An amount that a module names, as it is sent.
///
/// # Errors
/// When it is more than there can be.
fn wei(amount: U256) -> anyhow::Result<Wei> {
    Ok(Wei::new(u128::try_from(amount).context("the amount is more than there can be")?))
}

/// A share in basis points, rounded down, as a percentage; `-` of nothing.
fn share_text(part: U256, whole: U256) -> String {
    let bps = part.saturating_mul(U256::from(10_000_u64)).checked_div(whole);
    bps.map_or_else(|| "-".to_owned(), |bps| format!("{}%", abi::amount_text(bps, 2)))
}
