//! `gleaner queue` and `gleaner execute`: anybody brings a proposal that has passed on its way.

use abi::{GOVERNOR, GovernorCore};
use anyhow::anyhow;
use governance::proposal::State;
use ledger_client::Ledger;
use ledger_views::governance::{Posting, ProposalView};
use serde_json::json;
use units::UnixSeconds;

use super::action::{self, ActionArgs, Plan, merged, value};
use super::documents::{self, document};
use super::effect::{Effect, effect};
use super::propose::parts;
use super::{connect, find, posting, state_text, time_text};
use crate::failure::Hint as _;
use crate::market::Step;
use crate::output::Output;
use crate::shell;

/// Flags of `gleaner queue` and `gleaner execute`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    action: ActionArgs,
}

/// Queues a proposal that has succeeded.
///
/// # Errors
/// When the ledger does not answer or refuses, or the proposal has not succeeded.
pub(crate) fn queue(args: Args, output: &Output) -> anyhow::Result<()> {
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let now = ledger.next_time().await?;
        check(&proposal, State::Succeeded, now)?;
        let posting = posting(&proposal)?;
        let (targets, values, calldatas) = parts(&posting.calls);
        let description = posting.description_hash;
        let call =
            GovernorCore::queueCall { targets, values, calldatas, descriptionHash: description };
        let step = Step::new(format!("queue proposal {}", proposal.number), GOVERNOR, &call);
        let effect = effect(&ledger, &posting.calls, now).await?;
        plan(&ledger, &args, (&proposal, now), &effect, step).await
    })?;
    plan.finish(&args.action, output, async |ledger, sender| {
        let queued = action::event::<GovernorCore::ProposalQueued>(sender);
        let queued = queued.ok_or_else(|| anyhow!("the event ProposalQueued is missing"))?;
        let eta = UnixSeconds::new(queued.etaSeconds.saturating_to());
        let text = time_text(eta, ledger.next_time().await?);
        Ok((vec![("executable", text)], json!({ "eta": eta.as_u64(), "state": "queued" })))
    })
}

/// Executes a queued proposal whose delay is over.
///
/// # Errors
/// When the ledger does not answer or refuses, or the proposal can't be executed yet.
pub(crate) fn execute(args: Args, output: &Output) -> anyhow::Result<()> {
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let now = ledger.next_time().await?;
        check(&proposal, State::Queued, now)?;
        let posting = posting(&proposal)?;
        check_delay(&proposal, now)?;
        let (targets, values, calldatas) = parts(&posting.calls);
        let description = posting.description_hash;
        let call =
            GovernorCore::executeCall { targets, values, calldatas, descriptionHash: description };
        let step = Step::new(format!("execute proposal {}", proposal.number), GOVERNOR, &call);
        let effect = effect(&ledger, &posting.calls, now).await?;
        check_effect(posting, &effect, now)?;
        plan(&ledger, &args, (&proposal, now), &effect, step).await
    })?;
    plan.finish(&args.action, output, async |_, _| {
        Ok((vec![("state", "executed".to_owned())], json!({ "state": "executed" })))
    })
}

async fn plan(
    ledger: &Ledger,
    args: &Args,
    (proposal, now): (&ProposalView, UnixSeconds),
    effect: &Effect,
    step: Step,
) -> anyhow::Result<Plan> {
    let account = args.action.signer.account()?;
    let calls = documents::described(ledger, proposal).await?;
    let mut rows = documents::head_rows(proposal, &calls);
    rows.push(("effect", effect.text(now)));
    rows.extend(documents::standing_rows(proposal, now));
    let more = json!({ "calls": documents::call_documents(&calls), "effect": value(effect)? });
    Ok(Plan { account, rows, document: merged(value(&document(proposal))?, more), step })
}

/// Checks the state, and says what comes first where it is another one.
fn check(proposal: &ProposalView, needed: State, now: UnixSeconds) -> anyhow::Result<()> {
    if proposal.state == needed {
        return Ok(());
    }
    let (number, state) = (proposal.number, state_text(proposal.state));
    let error = match proposal.state {
        State::Pending | State::Active => {
            let end = time_text(proposal.deadline, now);
            anyhow!("proposal {number} is {state}: its vote ends {end}")
        }
        State::Defeated => {
            anyhow!("proposal {number} is {state}: {}", proposal.decision.reason())
        }
        _ => anyhow!("proposal {number} is {state}"),
    };
    let hint = match (proposal.state, needed) {
        (State::Succeeded, State::Queued) => format!("gleaner queue {number}"),
        (State::Queued, State::Succeeded) => format!("gleaner execute {number}"),
        _ => format!("gleaner proposals show {number}"),
    };
    Err(error).hint(hint)
}

fn check_delay(proposal: &ProposalView, now: UnixSeconds) -> anyhow::Result<()> {
    match proposal.executable_at() {
        Some(executable) if executable > now => {
            let brake =
                if proposal.brake_seconds > 0 { ", because the brake delays it" } else { "" };
            let text = time_text(executable, now);
            Err(anyhow!("proposal {} can be executed {text}{brake}", proposal.number))
                .hint(format!("gleaner brake show {}", proposal.number))
        }
        _ => Ok(()),
    }
}

fn check_effect(posting: &Posting, effect: &Effect, now: UnixSeconds) -> anyhow::Result<()> {
    if effect.succeeds() {
        return Ok(());
    }
    let count = posting.calls.len();
    let all = if count == 1 { "its call" } else { "one of its calls" };
    Err(anyhow!("the proposal can't be executed, because {all} would fail: {}", effect.text(now)))
}
