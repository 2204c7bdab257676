//! `gleaner propose`.

use abi::{GOVERNOR, Governor};
use alloy_primitives::U256;
use anyhow::{anyhow, ensure};
use governance::proposal::two_houses::{DESCRIPTION_BYTES_MAX, Electorate, House, SNAPSHOT_LEAD};
use ledger_client::Ledger;
use ledger_views::governance::{self as views, ProposedCall};
use serde_json::json;
use units::{AccountId, UnixSeconds};

use super::action::{self, ActionArgs, Plan, value};
use super::effect::effect;
use super::wanted::WantedArgs;
use super::{calls, class_rule, class_text, connect, grain_text, votes_text, wei};
use crate::failure::Hint as _;
use crate::market::Step;
use crate::output::Output;
use crate::shell;

/// Printed below the flags of `propose`.
const HELP: &str = "\
Calls are made in the order in which they are written, all or none:
  gleaner propose --set training-runs.audit-rate-floor=600 --description \"Raise the audit floor\"
  gleaner propose --grant 0xWHO_IS_PAID 100 --set issuance.samples=4 --title \"Two things\" --description \"Why\"";

/// Flags of `gleaner propose`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    wanted: WantedArgs,
    /// Why: what voters read
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// A heading above the description
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Post it although its calls would fail if they were made now
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    action: ActionArgs,
}

/// Posts a proposal.
///
/// # Errors
/// When the ledger does not answer or refuses, or the proposal is not what one can be.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let plan = shell::block_on_until_interrupted(plan(&args, account))?;
    plan.finish(&args.action, output, async |ledger, sender| {
        let posted = action::event::<Governor::ProposalPosted>(sender);
        let posted = posted.ok_or_else(|| anyhow!("the event ProposalPosted is missing"))?;
        let number = views::with_id(ledger, posted.proposalId, 100).await?;
        let number = number.ok_or_else(|| anyhow!("the ledger does not list the new proposal"))?;
        let id = posted.proposalId.to_string();
        let rows = vec![
            ("proposal", number.to_string()),
            ("id", id.clone()),
            ("vote with", format!("gleaner vote {number} yes")),
        ];
        Ok((rows, json!({ "number": number, "id": id })))
    })
}

async fn plan(args: &Args, account: AccountId) -> anyhow::Result<Plan> {
    let description = description(args)?;
    let ledger = connect(&args.action.ledger).await?;
    let proposed = args.wanted.calls(&ledger).await?;
    let (targets, values, calldatas) = parts(&proposed);
    let class = views::class_of(&ledger, targets.clone(), calldatas.clone()).await?;
    let settings = views::governor(&ledger).await?;
    let described = calls::describe(&ledger, &proposed).await?;
    let now = ledger.next_time().await?;
    let effect = effect(&ledger, &proposed, now).await?;
    if !effect.succeeds() && !args.force {
        return Err(anyhow!("the proposal could not be executed: {}", effect.text(now)))
            .hint("mend the calls, or add --force if something will change before");
    }
    let votes = votes(&ledger, &account, now, settings.threshold).await?;
    let mut rows = vec![
        ("propose", first_line(&description)),
        ("class", format!("{}: {}", class_text(class), class_rule(class))),
        ("calls", calls::lines(&described)),
        ("effect", effect.text(now)),
        ("your votes", votes.text),
        (
            "deposit",
            format!("{}, returned unless nearly nobody wants it", grain_text(settings.deposit)),
        ),
    ];
    let sent = calls::value_of(&proposed);
    if !sent.is_zero() {
        rows.push(("sends", format!("{} of the Governor's balance", grain_text(sent))));
    }
    let document = json!({
        "class": class_text(class),
        "description": description,
        "calls": described.iter().map(|call| &call.document).collect::<Vec<_>>(),
        "effect": value(&effect)?,
        "deposit": settings.deposit.to_string(),
        "stake_votes": votes.stake.to_string(),
        "work_votes": votes.work.to_string(),
        "may_propose": votes.may_propose,
    });
    let call = Governor::proposeCall { targets, values, calldatas, description };
    let step = Step::new("propose", GOVERNOR, &call).with_value(wei(settings.deposit)?);
    Ok(Plan { account, rows, document, step })
}

/// The three lists that the Governor takes.
pub(super) fn parts(
    calls: &[ProposedCall],
) -> (Vec<alloy_primitives::Address>, Vec<U256>, Vec<alloy_primitives::Bytes>) {
    (
        calls.iter().map(|call| call.target).collect(),
        calls.iter().map(|call| call.value).collect(),
        calls.iter().map(|call| call.data.clone()).collect(),
    )
}

/// The description as it is posted, with its heading.
fn description(args: &Args) -> anyhow::Result<String> {
    let text = match &args.title {
        Some(title) => format!("# {title}\n\n{}", args.description),
        None => args.description.clone(),
    };
    ensure!(!text.trim().is_empty(), "the description is empty: say what voters should know");
    let size = text.len();
    ensure!(
        size <= DESCRIPTION_BYTES_MAX,
        "the description has {size} bytes: give at most {DESCRIPTION_BYTES_MAX}"
    );
    Ok(text)
}

fn first_line(description: &str) -> String {
    let line = description.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim_start_matches('#').trim().to_owned()
}

/// Votes that an account could post with now.
struct Votes {
    stake: U256,
    work: U256,
    may_propose: bool,
    text: String,
}

async fn votes(
    ledger: &Ledger,
    account: &AccountId,
    now: UnixSeconds,
    threshold: U256,
) -> anyhow::Result<Votes> {
    let at = UnixSeconds::new(now.as_u64().saturating_sub(SNAPSHOT_LEAD));
    let stake = views::past_votes(ledger, House::Stake, account, at).await?;
    let work = views::past_votes(ledger, House::Work, account, at).await?;
    let work_total = views::past_total(ledger, House::Work, at).await?;
    let electorate = Electorate { work_total, ..Electorate::default() };
    let work_threshold = electorate.work_threshold();
    let may_propose = stake >= threshold || work >= work_threshold;
    let needed = format!(
        "{} or {} are needed, held 7 d ago",
        votes_text(House::Stake, threshold),
        votes_text(House::Work, work_threshold)
    );
    let held = format!("{}, {}", votes_text(House::Stake, stake), votes_text(House::Work, work));
    let verdict = if may_propose { "enough" } else { "not enough" };
    Ok(Votes { stake, work, may_propose, text: format!("{held}: {verdict} ({needed})") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_the_first_line() {
        assert_eq!(first_line("# Raise it\n\nWhy"), "Raise it");
        assert_eq!(first_line("\n\nWhy\nnot"), "Why");
        assert_eq!(first_line(""), "");
    }
}
