//! `gleaner proposals`: list, show, parameters, revisions, cancel, settle.

use abi::{GOVERNOR, Governor, GovernorCore};
use anyhow::anyhow;
use clap::Subcommand;
use execution::MODULES;
use governance::proposal::State;
use ledger_views::{
    Window,
    governance::{self as views, ParameterView, ProposalView},
};
use serde::Serialize;
use serde_json::json;

use super::action::{self, ActionArgs, Plan, aligned, merged, value};
use super::documents::{self, document};
use super::effect::effect;
use super::{class_text, connect, connect_to_show, find, posting, proven, state_text, time_text};
use crate::market::Step;
use crate::options::LedgerArgs;
use crate::output::{Output, table};
use crate::shell;

/// Characters of a title in a list.
const TITLE_MAX: usize = 48;

/// Flags of `gleaner proposals`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List proposals, newest first
    List(ListArgs),
    /// Show one proposal: its calls, what they would do, and the votes of both houses
    Show(ShowArgs),
    /// Write a proof of a proposal's votes, for others to check without a node
    Prove(proven::ProveArgs),
    /// Count a proposal again from its proof, trusting only a block's hash: needs no node
    Verify(proven::VerifyArgs),
    /// List the figures that proposals may change, with their bands
    Parameters(ParametersArgs),
    /// List the revisions of the rules that the genesis file and proposals have scheduled
    Revisions(ParametersArgs),
    /// Withdraw your own proposal before its vote
    Cancel(ChangeArgs),
    /// Return the deposit of a proposal that has ended, or burn it if nearly nobody wanted it
    Settle(ChangeArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Number of proposals to show
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    limit: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ParametersArgs {
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ChangeArgs {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Serialize)]
struct ParameterDocument {
    name: String,
    unit: String,
    about: String,
    value: String,
    initial: String,
    least: String,
    most: String,
    class: &'static str,
}

/// Runs one of the commands about proposals.
///
/// # Errors
/// When the ledger does not answer or refuses, or there is no such proposal.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        None => shell::block_on_until_interrupted(list(&args.list, output)),
        Some(Command::List(args)) => shell::block_on_until_interrupted(list(&args, output)),
        Some(Command::Show(args)) => shell::block_on_until_interrupted(show(&args, output)),
        Some(Command::Prove(args)) => proven::prove(&args, output),
        Some(Command::Verify(args)) => proven::verify(&args, output),
        Some(Command::Parameters(args)) => {
            shell::block_on_until_interrupted(parameters(&args, output))
        }
        Some(Command::Revisions(args)) => {
            shell::block_on_until_interrupted(revisions(&args, output))
        }
        Some(Command::Cancel(args)) => cancel(&args, output),
        Some(Command::Settle(args)) => settle(&args, output),
    }
}

async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let (mut found, mut window) = (Vec::new(), Window::first(args.limit));
    loop {
        let page = views::proposals(&ledger.next(), window).await?;
        found.extend(page.items);
        let left = args.limit.saturating_sub(u64::try_from(found.len())?);
        match page.older.filter(|_| left > 0) {
            Some(older) => window = Window { newest: Some(older), items: left },
            None => break,
        }
    }
    let now = ledger.next_time().await?;
    let row = |proposal: &ProposalView| {
        let (what, when) = match (proposal.state, proposal.executable_at()) {
            (State::Queued, Some(executable)) => ("executable", executable),
            _ => ("vote ends", proposal.deadline),
        };
        let has_date = matches!(proposal.state, State::Pending | State::Active | State::Queued);
        vec![
            proposal.number.to_string(),
            state_text(proposal.state).to_owned(),
            class_text(proposal.class).to_owned(),
            if has_date { format!("{what} {}", time_text(when, now)) } else { "-".to_owned() },
            title(proposal),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let documents: Vec<_> = found.iter().map(document).collect();
    output.print(&documents, &table(&["proposal", "state", "class", "next", "title"], &rows))
}

fn title(proposal: &ProposalView) -> String {
    let Some(posting) = &proposal.posting else { return "(not kept by this node)".to_owned() };
    let mut letters = posting.title().chars();
    let mut title: String = letters.by_ref().take(TITLE_MAX).collect();
    if letters.next().is_some() {
        title.push('…');
    }
    title
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let proposal = find(&ledger, &args.proposal).await?;
    let calls = documents::described(&ledger, &proposal).await?;
    let now = ledger.next_time().await?;
    let mut rows = documents::head_rows(&proposal, &calls);
    let is_open =
        matches!(proposal.state, State::Pending | State::Active | State::Succeeded | State::Queued);
    let mut effect_document = None;
    if is_open && ledger.is_at_standstill() {
        rows.push((
            "effect",
            "unknown: the node makes no further block to try the calls in".to_owned(),
        ));
    } else if let (Some(posting), true) = (&proposal.posting, is_open) {
        let at = proposal.executable_at().unwrap_or(now);
        let effect = effect(&ledger, &posting.calls, at).await?;
        rows.push(("effect", effect.text(now)));
        effect_document = Some(value(&effect)?);
    }
    rows.extend(documents::standing_rows(&proposal, now));
    if let Some(posting) = &proposal.posting {
        let at = format!("block {}, transaction {}", posting.height, posting.transaction);
        rows.push(("posted in", at));
        rows.push(("id", proposal.id.to_string()));
        rows.push(("description", posting.description.trim().to_owned()));
    }
    let more = json!({
        "calls": documents::call_documents(&calls),
        "effect": effect_document,
    });
    output.print(&merged(value(&document(&proposal))?, more), &aligned(rows))
}

async fn parameters(args: &ParametersArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let all = views::parameters(&ledger).await?;
    let row = |parameter: &ParameterView| {
        vec![
            parameter.name.clone(),
            parameter.value.to_string(),
            parameter.least.to_string(),
            parameter.most.to_string(),
            parameter.unit.clone(),
            class_text(parameter.class).to_owned(),
            parameter.about.clone(),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let head = ["parameter", "value", "least", "most", "unit", "class", "about"];
    let documents: Vec<_> = all.into_iter().map(parameter_document).collect();
    output.print(&documents, &table(&head, &rows))
}

fn parameter_document(parameter: ParameterView) -> ParameterDocument {
    ParameterDocument {
        name: parameter.name,
        unit: parameter.unit,
        about: parameter.about,
        value: parameter.value.to_string(),
        initial: parameter.initial.to_string(),
        least: parameter.least.to_string(),
        most: parameter.most.to_string(),
        class: class_text(parameter.class),
    }
}

/// The schedule, and which revisions this program knows.
#[derive(Serialize)]
struct RevisionsDocument {
    /// That of the next block, or of the newest one if the node makes no other.
    current: u32,
    height: u64,
    /// The newest that this program knows.
    known: u32,
    /// Heights that a proposal executed in the next block may name.
    least: u64,
    most: u64,
    activations: Vec<ActivationDocument>,
}

#[derive(Serialize)]
struct ActivationDocument {
    revision: u32,
    height: u64,
    by: &'static str,
    has_begun: bool,
}

async fn revisions(args: &ParametersArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let Some(view) = views::revisions(&ledger.next()).await? else {
        return Err(anyhow!(
            "votes can't change the rules of this ledger yet: that begins with revision 4"
        ));
    };
    let (least, most) = view.band;
    let height = least.saturating_sub(governance::revisions::NOTICE_BLOCKS);
    let founding = std::iter::once(("genesis file", view.founding));
    let voted = view.voted.into_iter().map(|entry| ("proposal", entry));
    let activations: Vec<_> = founding
        .chain(voted)
        .map(|(by, entry)| ActivationDocument {
            revision: entry.revision,
            height: entry.height,
            by,
            has_begun: entry.height <= height,
        })
        .collect();
    let known = MODULES.newest();
    let row = |entry: &ActivationDocument| {
        let known = if entry.revision <= known { "yes" } else { "no: install a newer gleaner" };
        let state = match (entry.revision == view.current, entry.has_begun) {
            (true, _) => "holds".to_owned(),
            (false, true) => "has ended".to_owned(),
            (false, false) => format!("in {} blocks", entry.height.saturating_sub(height)),
        };
        let (revision, height) = (entry.revision.to_string(), entry.height.to_string());
        vec![revision, height, entry.by.to_owned(), state, known.to_owned()]
    };
    let rows: Vec<_> = activations.iter().map(row).collect();
    let head = ["revision", "from block", "by", "state", "known here"];
    let text = table(&head, &rows);
    let current = view.current;
    output.print(&RevisionsDocument { current, height, known, least, most, activations }, &text)
}

fn cancel(args: &ChangeArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let calls = documents::described(&ledger, &proposal).await?;
        let posting = posting(&proposal)?;
        let call = GovernorCore::cancelCall {
            targets: posting.calls.iter().map(|call| call.target).collect(),
            values: posting.calls.iter().map(|call| call.value).collect(),
            calldatas: posting.calls.iter().map(|call| call.data.clone()).collect(),
            descriptionHash: posting.description_hash,
        };
        anyhow::Ok(Plan {
            account,
            rows: documents::head_rows(&proposal, &calls),
            document: value(&document(&proposal))?,
            step: Step::new(format!("withdraw proposal {}", proposal.number), GOVERNOR, &call),
        })
    })?;
    plan.finish(&args.action, output, action::done)
}

fn settle(args: &ChangeArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let plan = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        let proposal = find(&ledger, &args.proposal).await?;
        let calls = documents::described(&ledger, &proposal).await?;
        let mut rows = documents::head_rows(&proposal, &calls);
        rows.extend(documents::standing_rows(&proposal, ledger.next_time().await?));
        let call = Governor::settleCall { proposalId: proposal.id };
        anyhow::Ok(Plan {
            account,
            rows,
            document: value(&document(&proposal))?,
            step: Step::new(format!("settle proposal {}", proposal.number), GOVERNOR, &call),
        })
    })?;
    plan.finish(&args.action, output, async |_, sender| {
        let settled = action::event::<Governor::ProposalSettled>(sender);
        let Some(settled) = settled else { return Ok((Vec::new(), json!({}))) };
        let what = if settled.burnt { "burnt" } else { "returned to the proposer" };
        let told = json!({ "deposit": settled.deposit.to_string(), "burnt": settled.burnt });
        Ok((vec![("deposit", format!("{} {what}", super::grain_text(settled.deposit)))], told))
    })
}
