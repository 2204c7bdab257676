//! `gleaner delegate`.

use abi::{STAKE_HOUSE, Votes, WORK_HOUSE, convert};
use anyhow::{anyhow, ensure};
use clap::ValueEnum;
use governance::proposal::two_houses::House;
use ledger_views::governance as views;
use serde_json::json;
use units::AccountId;

use super::action::{self, ActionArgs, Plan};
use super::{connect, house_text, votes_text};
use crate::failure::Hint as _;
use crate::market::Step;
use crate::options::{checksummed, parse_account};
use crate::output::Output;
use crate::shell;

/// Flags of `gleaner delegate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Who votes for you, or `self` to vote again yourself
    #[arg(value_name = "ACCOUNT", value_parser = parse_delegate)]
    delegate: Delegate,
    /// In which house
    #[arg(long, value_enum, default_value_t = HouseName::Stake)]
    house: HouseName,
    #[command(flatten)]
    action: ActionArgs,
}

/// A house, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum HouseName {
    /// Votes are deposited GRAIN
    Stake,
    /// Votes are verified work
    Work,
}

impl From<HouseName> for House {
    fn from(name: HouseName) -> Self {
        match name {
            HouseName::Stake => Self::Stake,
            HouseName::Work => Self::Work,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delegate {
    Oneself,
    Other(AccountId),
}

fn parse_delegate(text: &str) -> Result<Delegate, String> {
    if text == "self" { Ok(Delegate::Oneself) } else { parse_account(text).map(Delegate::Other) }
}

/// Lets another account vote.
///
/// # Errors
/// When the ledger does not answer or refuses.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let house = House::from(args.house);
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let own = views::member(&ledger.next(), house, &account).await?;
        let to = match args.delegate {
            Delegate::Oneself => account,
            Delegate::Other(to) => to,
        };
        ensure!(
            own.delegate != Some(to),
            "{} votes for you already in the {} house",
            checksummed(&to),
            house_text(house)
        );
        if own.held.is_zero() {
            return Err(anyhow!("you have no votes in the {} house", house_text(house)))
                .hint("gleaner house show");
        }
        let other = views::member(&ledger.next(), house, &to).await?;
        let mut rows = vec![
            ("house", house_text(house).to_owned()),
            ("delegate", checksummed(&to)),
            ("your votes", votes_text(house, own.held)),
        ];
        if to == account {
            rows.push(("then", "you vote yourself again".to_owned()));
        } else {
            rows.push(("its votes", votes_text(house, other.votes)));
            rows.push(("expires", "90 d after now, or after its last vote".to_owned()));
        }
        let document = json!({
            "house": house_text(house),
            "delegate": checksummed(&to),
            "votes": own.held.to_string(),
            "delegate_votes": other.votes.to_string(),
        });
        let at = match house {
            House::Stake => STAKE_HOUSE,
            House::Work => WORK_HOUSE,
        };
        let call = Votes::delegateCall { delegatee: convert::address(to) };
        let step = Step::new(format!("delegate to {}", checksummed(&to)), at, &call);
        Ok(Plan { account, rows, document, step })
    })?;
    plan.finish(&args.action, output, action::done)
}
