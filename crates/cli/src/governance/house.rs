//! `gleaner house`: what an account has in both houses, deposits, voice that becomes old enough, delegations that have expired.

use abi::{STAKE_HOUSE, StakeHouse, Votes, WORK_HOUSE, WorkHouse, convert};
use alloy_primitives::U256;
use anyhow::{anyhow, ensure};
use clap::Subcommand;
use governance::proposal::two_houses::House;
use ledger_views::governance::{self as views, BreakerView, HouseView, MemberView};
use serde_json::{Value, json};
use units::{AccountId, UnixSeconds};

use super::action::{self, ActionArgs, Plan, aligned};
use super::delegate::HouseName;
use super::{
    connect, connect_to_show, grain, grain_text, house_text, share_text, time_text, votes_text,
};
use crate::failure::Hint as _;
use crate::market::{Part, Step, parse_part};
use crate::options::{LedgerArgs, WalletArgs, checksummed, parse_account};
use crate::output::Output;
use crate::shell;

/// The commands of `gleaner house`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show both houses, and what accounts have in them
    Show(ShowArgs),
    /// Deposit GRAIN: each is a vote of the stake house
    Deposit(DepositArgs),
    /// Take a deposit back, unless it has voted
    Withdraw(WithdrawArgs),
    /// Make voice count that is 30 days old
    Mature(MatureArgs),
    /// End a delegation that has expired
    Expire(ExpireArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Accounts to show [default: all of the wallet]
    #[arg(value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DepositArgs {
    /// In GRAIN, such as 100 or 0.5
    amount: String,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawArgs {
    /// How much: a part such as 50%, `all`, or an amount of GRAIN
    #[arg(value_name = "PART", value_parser = parse_part)]
    part: Part,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct MatureArgs {
    /// Whose voice [default: the account that signs]
    #[arg(value_parser = parse_account)]
    of: Option<AccountId>,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExpireArgs {
    /// Whose delegation
    #[arg(value_parser = parse_account)]
    of: AccountId,
    /// In which house
    #[arg(long, value_enum, default_value_t = HouseName::Stake)]
    house: HouseName,
    #[command(flatten)]
    action: ActionArgs,
}

/// Runs one of the commands about houses.
///
/// # Errors
/// When the ledger does not answer or refuses, or an amount is wrong.
pub(crate) fn run(command: Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Deposit(args) => deposit(&args, output),
        Command::Withdraw(args) => withdraw(&args, output),
        Command::Mature(args) => mature(&args, output),
        Command::Expire(args) => expire(&args, output),
    }
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    // Both houses are shown also to who has no wallet.
    let accounts = args.wallet.these_or_all(&args.accounts).unwrap_or_default();
    let now = ledger.next_time().await?;
    let (mut rows, mut documents) = (Vec::new(), serde_json::Map::new());
    for house in [House::Stake, House::Work] {
        let view = views::house(&ledger.next(), house).await?;
        rows.extend(house_rows(house, &view));
        let mut members = Vec::new();
        for account in &accounts {
            let member = views::member(&ledger.next(), house, account).await?;
            rows.extend(member_rows((house, &view), account, &member, now));
            members.push(member_document(account, &member));
        }
        let bounds = |bounds: Option<(u64, u64)>| bounds.map(|(least, most)| json!([least, most]));
        let document = json!({
            "total": view.total.to_string(),
            "delegates_above_half": bounds(view.half),
            "delegates_above_third": bounds(view.third),
            "members": members,
        });
        documents.insert(house_text(house).to_owned(), document);
    }
    let breakers = views::breakers(&ledger.next()).await?;
    rows.extend(breakers.iter().map(|breaker| ("breaker", breaker_text(breaker))));
    let breakers = breakers.iter().map(breaker_document).collect();
    documents.insert("breakers".to_owned(), Value::Array(breakers));
    output.print(&Value::Object(documents), &aligned(rows))
}

fn breaker_text(breaker: &BreakerView) -> String {
    let state = if breaker.is_tripped { "tripped: rules are stricter" } else { "not tripped" };
    let (least, most) = breaker.holders;
    let count = if least == most { least.to_string() } else { format!("{least} to {most}") };
    format!("{}: {count}, trips below {}; {state}", breaker.name, breaker.trips_below)
}

fn breaker_document(breaker: &BreakerView) -> Value {
    let (least, most) = breaker.holders;
    json!({
        "name": breaker.name,
        "tripped": breaker.is_tripped,
        "holders": [least, most],
        "trips_below": breaker.trips_below,
        "released_from": breaker.released_from,
    })
}

fn house_rows(house: House, view: &HouseView) -> Vec<(&'static str, String)> {
    let name = match house {
        House::Stake => "stake house",
        House::Work => "work house",
    };
    let mut rows = vec![(name, votes_text(house, view.total))];
    for (bounds, part) in [(view.half, "half"), (view.third, "a third")] {
        if let Some((least, most)) = bounds {
            let who = match (least, most) {
                (1, 1) => "1 delegate has".to_owned(),
                (least, most) if least == most => format!("{least} delegates have"),
                (least, most) => format!("{least} to {most} delegates have"),
            };
            rows.push(("", format!("{who} more than {part} of the votes")));
        }
    }
    rows
}

fn member_rows(
    (house, view): (House, &HouseView),
    account: &AccountId,
    member: &MemberView,
    now: UnixSeconds,
) -> Vec<(&'static str, String)> {
    let share = share_text(member.votes, view.total);
    let mut rows = vec![
        ("  account", checksummed(account)),
        ("  holds", votes_text(house, member.held)),
        ("  votes with", format!("{}, {share} of the house", votes_text(house, member.votes))),
    ];
    let received = member.received(account);
    if !received.is_zero() {
        rows.push(("  received", votes_text(house, received)));
    }
    if let Some(delegate) = member.delegate.filter(|delegate| delegate != account) {
        let ends = member.expires_at.map_or_else(String::new, |time| {
            let has_ended = if time <= now { "expired" } else { "expires" };
            format!(", {has_ended} {}", time_text(time, now))
        });
        rows.push(("  delegate", format!("{}{ends}", checksummed(&delegate))));
    }
    rows.extend(member.last_vote.map(|time| ("  last vote", time_text(time, now))));
    let locked = member.locked_until.filter(|until| *until > now);
    rows.extend(
        locked.map(|until| ("  locked", format!("to be withdrawn {}", time_text(until, now)))),
    );
    if let Some((voice, at)) = member.pending {
        let when =
            if at <= now { "now: gleaner house mature".to_owned() } else { time_text(at, now) };
        rows.push(("  maturing", format!("{}, the first of it {when}", votes_text(house, voice))));
    }
    rows
}

fn member_document(account: &AccountId, member: &MemberView) -> Value {
    let time = |time: Option<UnixSeconds>| time.map(UnixSeconds::as_u64);
    json!({
        "account": checksummed(account),
        "held": member.held.to_string(),
        "votes": member.votes.to_string(),
        "received": member.received(account).to_string(),
        "delegate": member.delegate.as_ref().map(checksummed),
        "expires_at": time(member.expires_at),
        "last_vote": time(member.last_vote),
        "locked_until": time(member.locked_until),
        "maturing": member.pending.map(|(voice, _)| voice.to_string()),
        "matures_at": time(member.pending.map(|(_, at)| at)),
    })
}

fn deposit(args: &DepositArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let amount = grain(&args.amount)?;
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let own = views::member(&ledger.next(), House::Stake, &account).await?;
        let wei = U256::from(amount.as_u128());
        let then = own.held.saturating_add(wei);
        let mut rows = vec![
            ("deposit", grain_text(wei)),
            ("then", format!("{} in the stake house", grain_text(then))),
            ("counts", "for proposals that are posted from 7 d after now on".to_owned()),
        ];
        if let Some(delegate) = own.delegate.filter(|delegate| *delegate != account) {
            rows.push(("delegate", format!("{} votes with it", checksummed(&delegate))));
        }
        let document = json!({ "amount": wei.to_string(), "deposit": then.to_string() });
        let step =
            Step::new("deposit", STAKE_HOUSE, &StakeHouse::depositCall {}).with_value(amount);
        anyhow::Ok(Plan { account, rows, document, step })
    })?;
    plan.finish(&args.action, output, action::done)
}

fn withdraw(args: &WithdrawArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let own = views::member(&ledger.next(), House::Stake, &account).await?;
        ensure!(!own.held.is_zero(), "you have deposited nothing in the stake house");
        let now = ledger.next_time().await?;
        if let Some(until) = own.locked_until.filter(|until| *until > now) {
            return Err(anyhow!(
                "the deposit has voted: it can be withdrawn {}",
                time_text(until, now)
            ))
            .hint("gleaner house show");
        }
        let amount = args.part.of(own.held, 18)?;
        let left = own.held.saturating_sub(amount);
        let rows = vec![
            ("withdraw", grain_text(amount)),
            ("then", format!("{} in the stake house", grain_text(left))),
        ];
        let document = json!({ "amount": amount.to_string(), "deposit": left.to_string() });
        let step = Step::new("withdraw", STAKE_HOUSE, &StakeHouse::withdrawCall { amount });
        Ok(Plan { account, rows, document, step })
    })?;
    plan.finish(&args.action, output, action::done)
}

fn mature(args: &MatureArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let of = args.of.unwrap_or(account);
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let member = views::member(&ledger.next(), House::Work, &of).await?;
        let now = ledger.next_time().await?;
        let Some((voice, at)) = member.pending else {
            return Err(anyhow!("{} has no voice that would become older", checksummed(&of)))
                .hint("gleaner house show");
        };
        ensure!(at <= now, "the first of it is 30 d old {}", time_text(at, now));
        let rows = vec![("mature", checksummed(&of)), ("waiting", votes_text(House::Work, voice))];
        let document = json!({ "of": checksummed(&of), "waiting": voice.to_string() });
        let call = WorkHouse::matureCall { account: convert::address(of) };
        Ok(Plan { account, rows, document, step: Step::new("mature", WORK_HOUSE, &call) })
    })?;
    plan.finish(&args.action, output, async |_, sender| {
        let voice = action::event::<WorkHouse::Matured>(sender).map(|event| event.voice);
        let voice = voice.unwrap_or_default();
        let rows = vec![("matured", votes_text(House::Work, voice))];
        Ok((rows, json!({ "matured": voice.to_string() })))
    })
}

fn expire(args: &ExpireArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let house = House::from(args.house);
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let member = views::member(&ledger.next(), house, &args.of).await?;
        let now = ledger.next_time().await?;
        let of = checksummed(&args.of);
        let delegate = member.delegate.filter(|delegate| *delegate != args.of);
        let (Some(delegate), Some(at)) = (delegate, member.expires_at) else {
            return Err(anyhow!("{of} has not delegated in the {} house", house_text(house)));
        };
        ensure!(at <= now, "the delegation of {of} can be ended {}", time_text(at, now));
        let rows = vec![
            ("house", house_text(house).to_owned()),
            ("of", of.clone()),
            ("delegate", format!("{}, expired {}", checksummed(&delegate), time_text(at, now))),
            ("gets back", votes_text(house, member.held)),
        ];
        let document = json!({
            "house": house_text(house),
            "of": of,
            "delegate": checksummed(&delegate),
            "votes": member.held.to_string(),
        });
        let at = match house {
            House::Stake => STAKE_HOUSE,
            House::Work => WORK_HOUSE,
        };
        let call = Votes::expireCall { account: convert::address(args.of) };
        Ok(Plan { account, rows, document, step: Step::new("expire", at, &call) })
    })?;
    plan.finish(&args.action, output, action::done)
}
