//! `gleaner brake`: what delays a proposal that has passed.

use abi::{BRAKE, Brake};
use alloy_primitives::U256;
use anyhow::{anyhow, ensure};
use clap::Subcommand;
use governance::{
    brake::{COOLDOWN_SECONDS, FULL_SECONDS},
    proposal::State,
};
use ledger_views::governance::{self as views, BrakeView, LockView, ProposalView};
use serde_json::{Value, json};
use units::{AccountId, UnixSeconds};

use super::action::{self, ActionArgs, Plan, aligned};
use super::{connect, connect_to_show, find, grain, grain_text, share_text, state_text, time_text};
use crate::failure::Hint as _;
use crate::market::{Step, seconds_text};
use crate::options::{LedgerArgs, WalletArgs, checksummed, parse_account};
use crate::output::Output;
use crate::shell;

/// The commands of `gleaner brake`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what is locked against a proposal, and by how much that delays it
    Show(ShowArgs),
    /// Lock GRAIN against a queued proposal: from 1% of the supply on it is delayed
    Lock(LockArgs),
    /// Take back what you locked, once it may be released
    Release(ReleaseArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The proposal's number or id
    proposal: String,
    /// Accounts to show [default: all of the wallet]
    #[arg(value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LockArgs {
    /// The proposal's number or id
    proposal: String,
    /// In GRAIN, at least 1
    amount: String,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReleaseArgs {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    action: ActionArgs,
}

/// Runs one of the commands about the brake.
///
/// # Errors
/// When the ledger does not answer or refuses, or an amount is wrong.
pub(crate) fn run(command: Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Lock(args) => lock(&args, output),
        Command::Release(args) => release(&args, output),
    }
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let proposal = find(&ledger, &args.proposal).await?;
    let brake = views::brake(&ledger.next(), proposal.id).await?;
    let now = ledger.next_time().await?;
    let mut rows = brake_rows(&proposal, &brake, now);
    let mut locks = Vec::new();
    for account in args.wallet.these_or_all(&args.accounts).unwrap_or_default() {
        let lock = views::lock(&ledger.next(), proposal.id, &account).await?;
        if let Some(LockView { amount, until }) = lock {
            let text = format!("{}, to be released {}", grain_text(amount), time_text(until, now));
            rows.push(("account", checksummed(&account)));
            rows.push(("has locked", text));
            locks.push(json!({
                "account": checksummed(&account),
                "amount": amount.to_string(),
                "until": until.as_u64(),
            }));
        }
    }
    let mut document = brake_document(&proposal, &brake);
    document["locks"] = Value::Array(locks);
    output.print(&document, &aligned(rows))
}

fn brake_rows(
    proposal: &ProposalView,
    brake: &BrakeView,
    now: UnixSeconds,
) -> Vec<(&'static str, String)> {
    let title = proposal.posting.as_ref().map_or("", |posting| posting.title());
    let mut rows = vec![
        ("proposal", format!("{}: {title}", proposal.number)),
        ("state", state_text(proposal.state).to_owned()),
        (
            "locked",
            format!(
                "{}, {} of the supply",
                grain_text(brake.total),
                share_text(brake.total, brake.supply)
            ),
        ),
        ("delay", delay_text(brake.delay_seconds)),
    ];
    if let Some(executable) = proposal.executable_at() {
        rows.push(("executable", time_text(executable, now)));
    }
    rows
}

fn delay_text(seconds: u64) -> String {
    match seconds {
        0 => "none: it begins at 1% of the supply, with 5 d".to_owned(),
        seconds => seconds_text(seconds),
    }
}

fn brake_document(proposal: &ProposalView, brake: &BrakeView) -> Value {
    json!({
        "number": proposal.number,
        "id": proposal.id.to_string(),
        "state": state_text(proposal.state),
        "locked": brake.total.to_string(),
        "supply": brake.supply.to_string(),
        "delay_seconds": brake.delay_seconds,
        "eta": proposal.eta.map(UnixSeconds::as_u64),
        "executable_at": proposal.executable_at().map(UnixSeconds::as_u64),
    })
}

fn lock(args: &LockArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let amount = grain(&args.amount)?;
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let number = proposal.number;
        let Some(eta) = proposal.eta.filter(|_| proposal.state == State::Queued) else {
            return Err(anyhow!(
                "proposal {number} is {}: only a queued one can be delayed",
                state_text(proposal.state)
            ))
            .hint(format!("gleaner proposals show {number}"));
        };
        let now = ledger.next_time().await?;
        let brake = views::brake(&ledger.next(), proposal.id).await?;
        let wei = U256::from(amount.as_u128());
        let total = brake.total.saturating_add(wei);
        let delay = governance::brake::Brake { total }.delay_seconds(brake.supply);
        let bound = FULL_SECONDS.saturating_add(COOLDOWN_SECONDS);
        let until = UnixSeconds::new(eta.as_u64().saturating_add(bound));
        let mut rows = brake_rows(&proposal, &brake, now);
        rows.push(("lock", grain_text(wei)));
        let share = share_text(total, brake.supply);
        rows.push(("then", format!("{} locked, {share}", grain_text(total))));
        rows.push(("delay then", delay_text(delay)));
        rows.push((
            "bound",
            format!("whatever becomes of the proposal: to be released {}", time_text(until, now)),
        ));
        let mut document = brake_document(&proposal, &brake);
        document["amount"] = json!(wei.to_string());
        document["delay_seconds_then"] = json!(delay);
        document["until"] = json!(until.as_u64());
        let call = Brake::lockCall { proposal: proposal.id };
        let step = Step::new(format!("lock against proposal {number}"), BRAKE, &call);
        Ok(Plan { account, rows, document, step: step.with_value(amount) })
    })?;
    plan.finish(&args.action, output, async |_, sender| {
        let locked = action::event::<Brake::Locked>(sender);
        let locked = locked.ok_or_else(|| anyhow!("the event Locked is missing"))?;
        let told = json!({ "delay_seconds": locked.delay, "until": locked.until });
        Ok((vec![("delay", delay_text(locked.delay))], told))
    })
}

fn release(args: &ReleaseArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let number = proposal.number;
        let lock = views::lock(&ledger.next(), proposal.id, &account).await?;
        let Some(LockView { amount, until }) = lock else {
            return Err(anyhow!("you have locked nothing against proposal {number}"))
                .hint(format!("gleaner brake show {number}"));
        };
        let now = ledger.next_time().await?;
        ensure!(until <= now, "what you locked can be released {}", time_text(until, now));
        let rows = vec![("proposal", number.to_string()), ("release", grain_text(amount))];
        let document = json!({ "number": number, "amount": amount.to_string() });
        let call = Brake::releaseCall { proposal: proposal.id };
        let step = Step::new(format!("release from proposal {number}"), BRAKE, &call);
        Ok(Plan { account, rows, document, step })
    })?;
    plan.finish(&args.action, output, action::done)
}
