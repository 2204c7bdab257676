//! `gleaner jury`: who is drawn in place of a house that does not vote, and how jurors vote.

use abi::{GOVERNOR, Governor, JURIES, Juries, convert};
use alloy_primitives::{B256, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolValue as _;
use anyhow::{anyhow, ensure};
use clap::{Subcommand, ValueEnum};
use governance::jury::{Panel, Stratum, Verdict};
use ledger_client::Ledger;
use ledger_views::governance::{self as views, PanelView, ProposalView, SeatsView, stratum};
use sealed_ballots::Vote;
use serde_json::{Value, json};
use units::{AccountId, UnixSeconds};

use super::action::{self, ActionArgs, Plan, Shown, aligned};
use super::sealing::derived;
use super::{connect, connect_to_show, find, grain_text, state_text, time_text};
use crate::failure::Hint as _;
use crate::market::Step;
use crate::options::{LedgerArgs, WalletArgs, checksummed, parse_account};
use crate::output::Output;
use crate::shell;

/// Transactions that draw all seats: 67 each.
const DRAWS: u32 = 3;

/// The commands of `gleaner jury`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show who of you can be drawn; with a proposal, its jury and your seats on it
    Show(ShowArgs),
    /// Register for juries, with your voice or your deposit; you can be drawn 30 days later
    Register(StratumArgs),
    /// Let an account be drawn that has waited 30 days
    Admit(AdmitArgs),
    /// Register no longer
    Resign(StratumArgs),
    /// Summon a jury in place of a house that missed its turnout twice in a row
    Summon(ProposalArgs),
    /// Draw the 201 seats of a jury, from the block after its summons on
    Draw(ProposalArgs),
    /// Vote as a juror: nobody reads it before you show it
    Vote(VoteArgs),
    /// Show the vote that you have cast, once nobody can cast any more
    Reveal(VoteArgs),
}

/// Where a juror's weight comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// Voice in the Work House
    Work,
    /// Deposit in the Stake House
    Stake,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    Yes,
    No,
}

impl Choice {
    const fn text(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The proposal's number or id
    proposal: Option<String>,
    /// Accounts to show [default: all of the wallet]
    #[arg(long = "of", value_name = "ADDRESS", value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StratumArgs {
    /// With what
    from: Source,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AdmitArgs {
    /// With what it has registered
    from: Source,
    /// Who [default: you]
    #[arg(value_parser = parse_account)]
    admitted: Option<AccountId>,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProposalArgs {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VoteArgs {
    /// The proposal's number or id
    proposal: String,
    /// What you want
    choice: Choice,
    #[command(flatten)]
    action: ActionArgs,
}

impl Source {
    const fn stratum(self) -> Stratum {
        match self {
            Self::Work => Stratum::Work,
            Self::Stake => Stratum::Stake,
        }
    }
}

/// Runs one of the commands about juries.
///
/// # Errors
/// When the ledger does not answer or refuses, or it is not the time for it.
pub(crate) fn run(command: Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Register(args) => register(&args, output),
        Command::Admit(args) => admit(&args, output),
        Command::Resign(args) => {
            let call = Juries::resignCall { stratum: stratum(args.from.stratum()) };
            change(&args.action, output, Step::new("resign from juries", JURIES, &call))
        }
        Command::Summon(args) => summon(&args, output),
        Command::Draw(args) => draw(&args, output),
        Command::Vote(args) => vote(&args, output),
        Command::Reveal(args) => reveal(&args, output),
    }
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let next = ledger.next();
    let now = ledger.next_time().await?;
    let accounts = args.wallet.these_or_all(&args.accounts).unwrap_or_default();
    let [work, stake] = views::jury_weights(&next).await?;
    let weights = format!("{work} units of voice, {}", grain_text(U256::from(stake)));
    let mut rows = vec![("can be drawn", weights)];
    let mut jurors = Vec::new();
    for account in &accounts {
        for of in Stratum::ALL {
            let Some(juror) = views::juror(&next, of, account).await? else { continue };
            let from = time_text(juror.admitted_from, now);
            let text = match (juror.is_admitted, juror.admitted_from > now) {
                (true, _) => "can be drawn".to_owned(),
                (false, true) => format!("can be admitted {from}"),
                (false, false) => "can be admitted now: gleaner jury admit".to_owned(),
            };
            let weight = weight_text(of, juror.weight);
            rows.push(("juror", format!("{} with {weight}: {text}", checksummed(account))));
            jurors.push(json!({
                "account": checksummed(account),
                "stratum": stratum_text(of),
                "weight": juror.weight.to_string(),
                "admitted_from": juror.admitted_from.as_u64(),
                "admitted": juror.is_admitted,
            }));
        }
    }
    let mut document = json!({
        "work_weight": work.to_string(),
        "stake_weight": stake.to_string(),
        "jurors": jurors,
    });
    if let Some(name) = &args.proposal {
        let proposal = find(&ledger, name).await?;
        let panel = views::panel(&next, proposal.id).await?;
        rows.extend(panel_rows(&proposal, panel.as_ref(), now));
        document["panel"] = panel.as_ref().map_or(Value::Null, panel_document);
        let mut all = Vec::new();
        for account in &accounts {
            let seats = views::seats(&next, proposal.id, account).await?;
            if seats.count > 0 {
                rows.push(("seats", format!("{} {}", checksummed(account), seats_text(&seats))));
                all.push(json!({
                    "account": checksummed(account),
                    "seats": seats.count,
                    "committed": seats.has_committed,
                    "shown": seats.has_shown,
                }));
            }
        }
        document["seats"] = Value::Array(all);
    }
    output.print(&document, &aligned(rows))
}

const fn stratum_text(of: Stratum) -> &'static str {
    match of {
        Stratum::Work => "work",
        Stratum::Stake => "stake",
    }
}

fn weight_text(of: Stratum, weight: u128) -> String {
    match of {
        Stratum::Work => format!("{weight} units of voice"),
        Stratum::Stake => grain_text(U256::from(weight)),
    }
}

fn seats_text(seats: &SeatsView) -> String {
    let done = match (seats.has_committed, seats.has_shown) {
        (_, true) => "shown",
        (true, false) => "voted, to be shown: gleaner jury reveal",
        (false, false) => "not voted",
    };
    format!("{} of {}, {done}", seats.count, Panel::SIZE)
}

fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::Absent => "none: too few seats were shown",
    }
}

fn panel_rows(
    proposal: &ProposalView,
    panel: Option<&PanelView>,
    now: UnixSeconds,
) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("proposal", proposal.number.to_string()),
        ("state", state_text(proposal.state).to_owned()),
    ];
    let Some(panel) = panel else {
        rows.push(("jury", "none was summoned".to_owned()));
        return rows;
    };
    let (commits, shows) = (panel.commits_until, panel.shows_until);
    rows.push(("drawn", format!("{} of {} seats", panel.seats_drawn, Panel::SIZE)));
    rows.extend(commits.map(|until| ("votes end", time_text(until, now))));
    rows.extend(shows.map(|until| ("showing ends", time_text(until, now))));
    rows.push(("shown", format!("{} yes, {} no", panel.yes, panel.no)));
    rows.push(("verdict", verdict_text(panel.verdict).to_owned()));
    rows
}

fn panel_document(panel: &PanelView) -> Value {
    json!({
        "height": panel.height,
        "seats_drawn": panel.seats_drawn,
        "commits_until": panel.commits_until.map(UnixSeconds::as_u64),
        "shows_until": panel.shows_until.map(UnixSeconds::as_u64),
        "yes": panel.yes,
        "no": panel.no,
        "verdict": verdict_text(panel.verdict),
    })
}

/// Makes a change that needs no more words than its name.
fn change(args: &ActionArgs, output: &Output, step: Step) -> anyhow::Result<()> {
    let account = args.signer.account()?;
    shell::block_on_until_interrupted(connect(&args.ledger))?;
    let (rows, document) = (vec![("do", step.what().to_owned())], json!({}));
    Plan { account, rows, document, step }.finish(args, output, action::done)
}

fn register(args: &StratumArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    shell::block_on_until_interrupted(connect(&args.action.ledger))?;
    let call = Juries::registerCall { stratum: stratum(args.from.stratum()) };
    let step = Step::new("register for juries", JURIES, &call);
    let of = args.from.stratum();
    let rows = vec![("register", format!("for juries, with your {}", stratum_text(of)))];
    let document = json!({ "stratum": stratum_text(of) });
    let plan = Plan { account, rows, document, step };
    plan.finish(&args.action, output, async |ledger, sender| {
        let registered = action::event::<Juries::Registered>(sender);
        let registered = registered.ok_or_else(|| anyhow!("the event Registered is missing"))?;
        let from = UnixSeconds::new(registered.admittedFrom);
        let now = ledger.next_time().await?;
        let rows = vec![
            ("registered", weight_text(of, registered.weight)),
            ("can be admitted", time_text(from, now)),
        ];
        let weight = registered.weight.to_string();
        Ok((rows, json!({ "weight": weight, "admitted_from": from.as_u64() })))
    })
}

fn admit(args: &AdmitArgs, output: &Output) -> anyhow::Result<()> {
    let admitted = match args.admitted {
        Some(account) => account,
        None => args.action.signer.account()?,
    };
    let (stratum, account) = (stratum(args.from.stratum()), convert::address(admitted));
    let call = Juries::admitCall { stratum, account };
    change(&args.action, output, Step::new("let an account be drawn", JURIES, &call))
}

fn summon(args: &ProposalArgs, output: &Output) -> anyhow::Result<()> {
    let proposal = shell::block_on_until_interrupted(async {
        let ledger = connect(&args.action.ledger).await?;
        find(&ledger, &args.proposal).await
    })?;
    let call = Governor::summonJuryCall { proposalId: proposal.id };
    let what = format!("summon a jury for proposal {}", proposal.number);
    change(&args.action, output, Step::new(what, GOVERNOR, &call))
}

/// A proposal with its jury.
struct Found {
    ledger: Ledger,
    proposal: ProposalView,
    panel: PanelView,
    now: UnixSeconds,
}

async fn found(args: &LedgerArgs, name: &str) -> anyhow::Result<Found> {
    let ledger = connect(args).await?;
    let proposal = find(&ledger, name).await?;
    let panel = views::panel(&ledger.next(), proposal.id).await?;
    let number = proposal.number;
    let panel = panel
        .ok_or_else(|| anyhow!("proposal {number} has no jury"))
        .hint(format!("gleaner proposals show {number}"))?;
    let now = ledger.next_time().await?;
    Ok(Found { ledger, proposal, panel, now })
}

fn draw(args: &ProposalArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let found = found(&args.action.ledger, &args.proposal);
    let Found { proposal, panel, now, .. } = shell::block_on_until_interrupted(found)?;
    let left = Panel::SIZE.saturating_sub(panel.seats_drawn);
    ensure!(left > 0, "all seats of this jury are drawn");
    let rows = panel_rows(&proposal, Some(&panel), now);
    let step = Step::new("draw seats", JURIES, &Juries::drawCall { id: proposal.id });
    let count = usize::try_from(left.div_ceil(Panel::SIZE.div_ceil(DRAWS)))?;
    let steps = |_: &PrivateKeySigner| Ok(vec![step; count]);
    let shown = Shown { account, rows, document: panel_document(&panel) };
    shown.finish(&args.action, output, steps, async |ledger, _| {
        let panel = views::panel(ledger, proposal.id).await?;
        let drawn = panel.map_or(0, |panel| panel.seats_drawn);
        let text = format!("{drawn} of {} seats", Panel::SIZE);
        Ok((vec![("drawn", text)], json!({ "seats_drawn": drawn })))
    })
}

/// The salt of a juror's vote.
fn salt(signer: &PrivateKeySigner, chain: u64, id: U256) -> B256 {
    let voter = signer.address();
    derived(signer).salt(&Vote { chain, governor: JURIES, proposal: id, voter })
}

/// Checks that an account sits on a jury, and returns its seats.
fn own_seats(found: &Found, account: AccountId) -> anyhow::Result<SeatsView> {
    let id = found.proposal.id;
    let seats = views::seats(&found.ledger, id, &account);
    let seats = shell::block_on_until_interrupted(async { Ok(seats.await?) })?;
    let number = found.proposal.number;
    if seats.count == 0 {
        return Err(anyhow!("you have no seat on the jury of proposal {number}"))
            .hint(format!("gleaner jury show {number}"));
    }
    Ok(seats)
}

fn vote(args: &VoteArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let found = found(&args.action.ledger, &args.proposal);
    let found = shell::block_on_until_interrupted(found)?;
    let seats = own_seats(&found, account)?;
    let mut rows = panel_rows(&found.proposal, Some(&found.panel), found.now);
    rows.push(("your vote", format!("{} with {} seats", args.choice.text(), seats.count)));
    rows.push(("then", "show it once the votes are over: gleaner jury reveal".to_owned()));
    let (chain, id) = (found.ledger.chain_id(), found.proposal.id);
    let is_yes = args.choice == Choice::Yes;
    let steps = |signer: &PrivateKeySigner| {
        let digest = (id, signer.address(), is_yes, salt(signer, chain, id)).abi_encode();
        let call = Juries::commitCall { id, commitment: alloy_primitives::keccak256(digest) };
        Ok(vec![Step::new("commit a juror's vote", JURIES, &call)])
    };
    let shown = Shown { account, rows, document: panel_document(&found.panel) };
    shown.finish(&args.action, output, steps, action::done)
}

fn reveal(args: &VoteArgs, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let found = found(&args.action.ledger, &args.proposal);
    let found = shell::block_on_until_interrupted(found)?;
    let seats = own_seats(&found, account)?;
    ensure!(seats.has_committed, "you have not voted on this jury: gleaner jury vote");
    ensure!(!seats.has_shown, "you have shown your vote already");
    let rows = panel_rows(&found.proposal, Some(&found.panel), found.now);
    let (chain, id) = (found.ledger.chain_id(), found.proposal.id);
    let is_yes = args.choice == Choice::Yes;
    let steps = |signer: &PrivateKeySigner| {
        let call = Juries::showCall { id, isYes: is_yes, salt: salt(signer, chain, id) };
        Ok(vec![Step::new("show a juror's vote", JURIES, &call)])
    };
    let shown = Shown { account, rows, document: panel_document(&found.panel) };
    shown.finish(&args.action, output, steps, async |ledger, _| {
        let panel = views::panel(ledger, id).await?;
        let document = panel.as_ref().map_or(Value::Null, panel_document);
        Ok((vec![("shown", format!("{} seats", seats.count))], json!({ "panel": document })))
    })
}
