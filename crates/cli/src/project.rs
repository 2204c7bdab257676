//! `gleaner project`: shows training runs on the ledger.

mod settle;

use anyhow::Context as _;
use clap::Subcommand;
use ledger_client::Ledger;
use ledger_views::{
    Window,
    referees::{RefereesView, referees},
    runs::{self, AuditView, DisputeView, RunDetails, RunView, SeatView},
};
use serde::Serialize;
use training_run::{Opinion, Ruling, Terms, Vote};
use units::{DeviceId, Wei};

use crate::failure::Hint as _;
use crate::ledger;
use crate::options::{LedgerArgs, SignerArgs, checksummed};
use crate::output::{Output, lines, table};
use crate::shell;

/// Flags of `gleaner project`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List projects, newest first
    List(ListArgs),
    /// Show one project: terms, seats, audits
    Show(ShowArgs),
    /// End your own project early; the rest of the escrow is refunded to you
    Cancel(CancelArgs),
    /// Have the node draw audits and settle seats that are due, when a project's coordinator does not; anyone may, without an
    /// account
    Settle(settle::Args),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Show only projects that machines can still join
    #[arg(long)]
    open: bool,
    /// Number of projects to show
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The project's number
    project: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct CancelArgs {
    /// The project's number
    project: u64,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// A project in lists. Amounts are in the smallest unit.
#[derive(Serialize)]
struct ProjectDocument {
    id: u64,
    name: String,
    owner: String,
    state: &'static str,
    /// The index of the open round, counted from 0; in other states the number of rounds that are done.
    round: u32,
    rounds: u32,
    seats_active: u32,
    tokens_verified: u64,
    deposited: String,
    paid: String,
    refunded: String,
    owed: String,
    coordinator: String,
    endpoint: String,
    model_digest: String,
}

/// A project with all its details.
#[derive(Serialize)]
struct FullDocument {
    #[serde(flatten)]
    project: ProjectDocument,
    terms: TermsDocument,
    seats: Vec<SeatDocument>,
    open_audits: Vec<AuditDocument>,
    disputes: Vec<DisputeDocument>,
}

#[derive(Serialize)]
struct TermsDocument {
    price_per_token: String,
    tokens_per_round: u64,
    warmup_rounds: u32,
    warmup_tokens_per_round: u64,
    audit_rate_bps: u16,
    audit_pay_bps: u16,
    quorum_bps: u16,
    seats_min: u16,
    seats_max: u16,
    round_seconds: u32,
    audit_seconds: u32,
    stall_seconds: u32,
    relay_fee: String,
    spec: String,
    corpus: String,
    initial_state: String,
}

#[derive(Serialize)]
struct SeatDocument {
    device: String,
    account: String,
    standing: &'static str,
    tokens_verified: u64,
    held_back: String,
    paid: String,
}

#[derive(Serialize)]
struct AuditDocument {
    /// Counted from 1, as in `gleaner audit replay`.
    round: u32,
    subject: String,
    auditor: String,
    deadline: u64,
}

#[derive(Serialize)]
struct DisputeDocument {
    /// Counted from 1, as in `gleaner audit replay`.
    round: u32,
    subject: String,
    accuser: Option<String>,
    account: Option<String>,
    bond: String,
    deadline: u64,
    /// Whether what the subject has done is public, segment by segment.
    disclosed: bool,
    votes: Vec<VoteDocument>,
}

#[derive(Serialize)]
struct VoteDocument {
    referee: String,
    /// `is-the-work`, `is-not-the-work` or `no-data`.
    opinion: &'static str,
    /// The first leaf that differs, counted from 0; `null` if the referee did not compare leaves.
    leaf: Option<u16>,
}

#[derive(Serialize)]
struct CancelDocument {
    id: u64,
    hash: String,
    height: u64,
    state: &'static str,
}

/// Runs one of the project commands.
///
/// # Errors
/// When the ledger does not answer or refuses.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => shell::block_on_until_interrupted(list(&args, output)),
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Cancel(args) => cancel(&args, output),
        Command::Settle(args) => settle::run(&args, output),
    }
}

async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect(&args.ledger).await?;
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    for summary in newest(&ledger, args.limit).await? {
        if args.open && !summary.phase.is_open() {
            continue;
        }
        rows.push(vec![
            summary.run.to_string(),
            summary.name.clone(),
            ledger::state(summary.phase).to_owned(),
            format!("{}/{}", ledger::round(&summary), summary.rounds),
            summary.seats_active.to_string(),
            summary.tokens_verified.to_string(),
            summary.paid.to_grain(),
            summary.deposited.to_grain(),
        ]);
        documents.push(project_document(&summary));
    }
    let head = ["id", "name", "state", "round", "seats", "tokens verified", "GRAIN paid", "of"];
    output.print(&documents, &table(&head, &rows))
}

/// The newest projects, at most `limit` of them.
async fn newest(ledger: &Ledger, limit: u64) -> anyhow::Result<Vec<RunView>> {
    let (mut found, mut window) = (Vec::new(), Window::first(limit));
    loop {
        let page = runs::list(ledger, window).await?;
        found.extend(page.items);
        let left = limit.saturating_sub(u64::try_from(found.len())?);
        match page.older.filter(|_| left > 0) {
            Some(older) => window = Window { newest: Some(older), items: left },
            None => return Ok(found),
        }
    }
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect(&args.ledger).await?;
    let run = args.project;
    let details = ledger::project(&ledger, run).await?;
    let RunDetails { run: summary, terms, seats, audits, disputes, .. } = details;
    let document = FullDocument {
        project: project_document(&summary),
        terms: terms_document(&terms),
        seats: seats.iter().map(seat_document).collect(),
        open_audits: audits.iter().map(audit_document).collect(),
        disputes: disputes.iter().map(dispute_document).collect(),
    };
    let mut text = format!("{}\n\n{}", facts(&summary, &terms, audits.len()), seat_table(&seats));
    if !disputes.is_empty() {
        text += &dispute_table(&disputes, &referees(&ledger).await?);
    }
    output.print(&document, &text)
}

fn cancel(args: &CancelArgs, output: &Output) -> anyhow::Result<()> {
    let signer = args.signer.unlock()?;
    let run = args.project;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        require_owner(&ledger, &ledger::project(&ledger, run).await?.run)?;
        let receipt =
            ledger.cancel(run).await.with_context(|| format!("project {run} was not cancelled"))?;
        let state = ledger::state(runs::run(&ledger, run).await?.phase);
        let document = CancelDocument {
            id: run,
            hash: receipt.hash.to_string(),
            height: receipt.height,
            state,
        };
        output.print(
            &document,
            &format!(
                "project {run} is {state}; what is not owed is refunded once its audits are done"
            ),
        )
    })
}

fn require_owner(ledger: &Ledger, summary: &RunView) -> anyhow::Result<()> {
    let RunView { run, owner, .. } = summary;
    if ledger.account() == Some(*owner) {
        return Ok(());
    }
    Err(anyhow::anyhow!(
        "project {run} belongs to {}: only its owner may cancel it",
        checksummed(owner)
    ))
    .hint("sign as the owner with --account ADDRESS")
}

fn project_document(summary: &RunView) -> ProjectDocument {
    ProjectDocument {
        id: summary.run,
        name: summary.name.clone(),
        owner: checksummed(&summary.owner),
        state: ledger::state(summary.phase),
        round: summary.round,
        rounds: summary.rounds,
        seats_active: summary.seats_active,
        tokens_verified: summary.tokens_verified,
        deposited: summary.deposited.to_string(),
        paid: summary.paid.to_string(),
        refunded: summary.refunded.to_string(),
        owed: summary.owed.to_string(),
        coordinator: summary.coordinator.to_string(),
        endpoint: summary.endpoint.clone(),
        model_digest: summary.state.to_string(),
    }
}

fn terms_document(terms: &Terms) -> TermsDocument {
    TermsDocument {
        price_per_token: terms.price_per_token.to_string(),
        tokens_per_round: terms.tokens_per_round,
        warmup_rounds: terms.warmup_rounds,
        warmup_tokens_per_round: terms.warmup_tokens_per_round,
        audit_rate_bps: terms.audit_rate.as_u16(),
        audit_pay_bps: terms.audit_pay.as_u16(),
        quorum_bps: terms.quorum.as_u16(),
        seats_min: terms.seats_min,
        seats_max: terms.seats_max,
        round_seconds: terms.round_seconds,
        audit_seconds: terms.audit_seconds,
        stall_seconds: terms.stall_seconds,
        relay_fee: terms.relay_fee.to_string(),
        spec: terms.spec.to_string(),
        corpus: terms.corpus.to_string(),
        initial_state: terms.initial_state.to_string(),
    }
}

fn seat_document(seat: &SeatView) -> SeatDocument {
    SeatDocument {
        device: seat.device.to_string(),
        account: checksummed(&seat.account),
        standing: ledger::standing(seat),
        tokens_verified: seat.tokens_verified,
        held_back: seat.stake.to_string(),
        paid: seat.paid.to_string(),
    }
}

fn audit_document(audit: &AuditView) -> AuditDocument {
    AuditDocument {
        round: audit.round.saturating_add(1),
        subject: audit.subject.to_string(),
        auditor: audit.auditor.to_string(),
        deadline: audit.deadline.as_u64(),
    }
}

fn dispute_document(dispute: &DisputeView) -> DisputeDocument {
    DisputeDocument {
        round: dispute.round.saturating_add(1),
        subject: dispute.subject.to_string(),
        accuser: dispute.accuser.map(|device| device.to_string()),
        account: dispute.account.as_ref().map(checksummed),
        bond: dispute.bond.to_string(),
        deadline: dispute.deadline.as_u64(),
        disclosed: dispute.disclosed.is_some(),
        votes: dispute.votes.iter().map(|vote| vote_document(dispute, vote)).collect(),
    }
}

fn vote_document(dispute: &DisputeView, vote: &Vote) -> VoteDocument {
    VoteDocument {
        referee: vote.referee.to_string(),
        opinion: match vote.ruling.opinion(&dispute.commitment) {
            Opinion::IsTheWork => "is-the-work",
            Opinion::IsNotTheWork => "is-not-the-work",
            Opinion::Nothing => "no-data",
        },
        leaf: match vote.ruling {
            Ruling::Differs { leaf } => Some(leaf),
            Ruling::Replayed { .. } | Ruling::Unavailable => None,
        },
    }
}

/// Returns the disputes with the votes so far.
fn dispute_table(disputes: &[DisputeView], referees: &RefereesView) -> String {
    let row = |dispute: &DisputeView| {
        let accuser = match (&dispute.accuser, &dispute.account) {
            (Some(device), _) => format!("device {}", short(device)),
            (None, Some(account)) => checksummed(account),
            (None, None) => "no auditor answered".to_owned(),
        };
        let count = |opinion: Opinion| {
            let votes = dispute.votes.iter();
            votes.filter(|vote| vote.ruling.opinion(&dispute.commitment) == opinion).count()
        };
        vec![
            dispute.round.saturating_add(1).to_string(),
            short(&dispute.subject),
            accuser,
            count(Opinion::IsTheWork).to_string(),
            count(Opinion::IsNotTheWork).to_string(),
            count(Opinion::Nothing).to_string(),
        ]
    };
    let rows: Vec<_> = disputes.iter().map(row).collect();
    let head = ["round", "device", "disputed by", "is the work", "is not", "no data"];
    let (threshold, count) = (referees.threshold, referees.members.len());
    let needed = format!("Disputes, and votes of referees: {threshold} of {count} decide");
    format!("\n\n{needed}\n\n{}", table(&head, &rows))
}

fn facts(summary: &RunView, terms: &Terms, audits_open: usize) -> String {
    let per_million = Wei::new(terms.price_per_token.as_u128().saturating_mul(1_000_000));
    let audit_rate = f64::from(terms.audit_rate.as_u16()) / 100.0;
    let facts = [
        ("project", format!("{} {}", summary.run, summary.name)),
        ("owner", checksummed(&summary.owner)),
        (
            "state",
            format!(
                "{}, round {} of {}",
                ledger::state(summary.phase),
                ledger::round(summary),
                summary.rounds
            ),
        ),
        ("deposited", format!("{} GRAIN", summary.deposited.to_grain())),
        (
            "paid",
            format!(
                "{} GRAIN, {} tokens verified",
                summary.paid.to_grain(),
                summary.tokens_verified
            ),
        ),
        ("owed", format!("{} GRAIN, held back until audits are done", summary.owed.to_grain())),
        ("refunded", format!("{} GRAIN", summary.refunded.to_grain())),
        ("price", format!("{} GRAIN per million tokens", per_million.to_grain())),
        ("audits", format!("at least {audit_rate} % of the work, {audits_open} open")),
        ("coordinator", format!("{} at {}", summary.coordinator, summary.endpoint)),
        ("model", summary.state.to_string()),
    ];
    let facts: Vec<_> =
        facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    lines(&facts)
}

fn seat_table(seats: &[SeatView]) -> String {
    let row = |seat: &SeatView| {
        vec![
            checksummed(&seat.account),
            short(&seat.device),
            seat.tokens_verified.to_string(),
            seat.paid.to_grain(),
            ledger::standing(seat).to_owned(),
        ]
    };
    let rows: Vec<_> = seats.iter().map(row).collect();
    table(&["account", "device", "tokens verified", "GRAIN paid", "standing"], &rows)
}

/// Returns the first digits of a device's key: enough to tell devices of one project apart.
pub(crate) fn short(device: &DeviceId) -> String {
    device.to_string().chars().take(12).collect()
}
