//! `gleaner ballots`: keys of sealed ballots, and their opening.

use abi::{GOVERNOR, Governor, convert};
use alloy_primitives::{B256, U256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{anyhow, ensure};
use clap::Subcommand;
use governance::proposal::State;
use ledger_client::Ledger;
use ledger_views::governance::{self as views, KeyHolderView, ProposalView};
use sealed_ballots::{Ballot, public_key};
use serde_json::{Value, json};
use units::AccountId;

use super::action::{self, ActionArgs, Shown, aligned};
use super::sealing::{derived, opening, own_ballot, readable, vote_of};
use super::{connect, connect_to_show, find, grain_text, state_text, time_text};
use crate::failure::Hint as _;
use crate::market::Step;
use crate::options::{LedgerArgs, checksummed};
use crate::output::Output;
use crate::shell;

/// Ballots that are opened by one transaction.
const OPENED_AT_ONCE: usize = 50;

/// Commands of `gleaner ballots`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the keys and the sealed ballots of a proposal
    Show(ShowArgs),
    /// Post your ballot key for a proposal whose vote has not begun, as one of the holders
    Keys(ChangeArgs),
    /// Publish your ballot key after the vote, so that anybody can open the ballots
    Publish(ChangeArgs),
    /// Open all ballots that the published keys can read, and your own
    Open(ChangeArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    /// The proposal's number or id
    proposal: String,
    #[command(flatten)]
    action: ActionArgs,
}

/// Runs one of the commands about sealed ballots.
///
/// # Errors
/// When the ledger does not answer or refuses, or it is not the time for it.
pub(crate) fn run(command: Command, output: &Output) -> anyhow::Result<()> {
    match command {
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Keys(args) => post_key(&args, output),
        Command::Publish(args) => publish_key(&args, output),
        Command::Open(args) => open(&args, output),
    }
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = connect_to_show(&args.ledger, output).await?;
    let proposal = find(&ledger, &args.proposal).await?;
    let holders = views::key_holders(&ledger.next(), proposal.id).await?;
    let document = ballots_document(&proposal, &holders);
    output.print(&document, &aligned(rows(&ledger, &proposal, &holders).await?))
}

fn ballots_document(proposal: &ProposalView, holders: &[KeyHolderView]) -> Value {
    let holders: Vec<_> = holders
        .iter()
        .map(|holder| {
            json!({
                "account": checksummed(&holder.account),
                "barred": holder.is_barred,
                "public_key": holder.public_key.map(|key| key.to_string()),
                "secret_key": holder.secret_key.map(|key| key.to_string()),
            })
        })
        .collect();
    let sealing = proposal.sealing;
    json!({
        "proposal": proposal.number,
        "id": proposal.id.to_string(),
        "state": state_text(proposal.state),
        "sealed": sealing.is_some_and(|sealing| sealing.is_sealed),
        "threshold": sealing.map_or(0, |sealing| sealing.threshold),
        "ballots": sealing.map_or(0, |sealing| sealing.ballots),
        "opened": sealing.map_or(0, |sealing| sealing.opened),
        "opening_until": sealing.map(|sealing| sealing.opening_until.as_u64()),
        "holders": holders,
    })
}

/// How far the ballots of a proposal are, in lines.
async fn rows(
    ledger: &Ledger,
    proposal: &ProposalView,
    holders: &[KeyHolderView],
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let now = ledger.next_time().await?;
    let mut rows = vec![
        ("proposal", proposal.number.to_string()),
        ("state", state_text(proposal.state).to_owned()),
        ("vote ends", time_text(proposal.deadline, now)),
    ];
    let Some(sealing) = proposal.sealing else {
        rows.push(("ballots", "open: nobody holds ballot keys for this proposal".to_owned()));
        return Ok(rows);
    };
    let (keys, threshold) = (sealing.keys, sealing.threshold);
    let kind = match (sealing.is_sealed, proposal.state) {
        (true, _) => format!("sealed: {keys} keys are there, {threshold} of them read a ballot"),
        (false, State::Pending) => {
            format!("to be sealed, if {threshold} keys are there when the vote begins: {keys} are")
        }
        (false, _) => format!("open: {keys} of {threshold} keys were there when the vote began"),
    };
    rows.push(("ballots", kind));
    if sealing.is_sealed {
        let (opened, ballots) = (sealing.opened, sealing.ballots);
        let stake = grain_text(sealing.stake);
        rows.push(("opened", format!("{opened} of {ballots}")));
        rows.push(("weight", format!("{stake}, {} units of voice", sealing.work)));
        rows.push(("opening ends", time_text(sealing.opening_until, now)));
    }
    for holder in holders {
        let what = match (holder.public_key, holder.secret_key) {
            (_, Some(_)) => "key published",
            (Some(_), None) => "key posted",
            (None, None) if holder.is_barred => "barred: it withheld a key",
            (None, None) => "no key",
        };
        rows.push(("holder", format!("{} {what}", checksummed(&holder.account))));
    }
    Ok(rows)
}

/// What a command about the ballots of a proposal begins with.
struct Found {
    ledger: Ledger,
    proposal: ProposalView,
    holders: Vec<KeyHolderView>,
    shown: Shown,
}

async fn found(args: &ChangeArgs) -> anyhow::Result<Found> {
    let account = args.action.signer.account()?;
    let ledger = connect(&args.action.ledger).await?;
    let proposal = find(&ledger, &args.proposal).await?;
    let number = proposal.number;
    if proposal.sealing.is_none() {
        return Err(anyhow!("the ballots of proposal {number} are open: nobody holds keys for it"))
            .hint(format!("gleaner vote {number} yes"));
    }
    let holders = views::key_holders(&ledger.next(), proposal.id).await?;
    let document = ballots_document(&proposal, &holders);
    let shown = Shown { account, rows: rows(&ledger, &proposal, &holders).await?, document };
    Ok(Found { ledger, proposal, holders, shown })
}

/// Returns the caller among the holders.
fn own(found: &Found) -> anyhow::Result<KeyHolderView> {
    let account = found.shown.account;
    let own = found.holders.iter().find(|holder| holder.account == account);
    own.copied().ok_or_else(|| {
        let (account, number) = (checksummed(&account), found.proposal.number);
        anyhow!("{account} holds no ballot key for proposal {number}")
    })
}

fn post_key(args: &ChangeArgs, output: &Output) -> anyhow::Result<()> {
    let found = shell::block_on_until_interrupted(found(args))?;
    let holder = own(&found)?;
    let number = found.proposal.number;
    ensure!(
        !holder.is_barred,
        "you have withheld a ballot key, and post none until a vote names you again"
    );
    ensure!(holder.public_key.is_none(), "your key for proposal {number} is there already");
    ensure!(
        found.proposal.state == State::Pending,
        "the vote on proposal {number} has begun: keys are posted before"
    );
    let chain = (found.ledger.chain_id(), found.proposal.id);
    let steps = |signer: &PrivateKeySigner| {
        let secret = derived(signer).ballot_key(chain.0, GOVERNOR, chain.1);
        let call =
            Governor::postBallotKeyCall { proposalId: chain.1, publicKey: public_key(&secret) };
        Ok(vec![Step::new(format!("post a ballot key for proposal {number}"), GOVERNOR, &call)])
    };
    found.shown.finish(&args.action, output, steps, async |_, sender| {
        let posted = action::event::<Governor::BallotKeyPosted>(sender);
        let posted = posted.ok_or_else(|| anyhow!("the event BallotKeyPosted is missing"))?;
        let key = posted.publicKey.to_string();
        Ok((vec![("posted", key.clone())], json!({ "public_key": key })))
    })
}

fn publish_key(args: &ChangeArgs, output: &Output) -> anyhow::Result<()> {
    let found = shell::block_on_until_interrupted(found(args))?;
    let holder = own(&found)?;
    shell::block_on_until_interrupted(check_opening(&found))?;
    let number = found.proposal.number;
    ensure!(holder.public_key.is_some(), "you have posted no key for proposal {number}");
    ensure!(holder.secret_key.is_none(), "your key for proposal {number} is published already");
    let id = found.proposal.id;
    let account = convert::address(found.shown.account);
    let chain = found.ledger.chain_id();
    let steps = |signer: &PrivateKeySigner| {
        let secret = derived(signer).ballot_key(chain, GOVERNOR, id);
        ensure!(
            Some(public_key(&secret)) == holder.public_key,
            "the key that you posted is not the one of this wallet: publish it with the program that made it"
        );
        let call =
            Governor::publishBallotKeyCall { proposalId: id, holder: account, secretKey: secret };
        Ok(vec![Step::new(format!("publish the ballot key of proposal {number}"), GOVERNOR, &call)])
    };
    found.shown.finish(&args.action, output, steps, async |_, _| {
        Ok((vec![("published", "anybody can use it now".to_owned())], json!({ "published": true })))
    })
}

/// Checks that ballots are opened now.
async fn check_opening(found: &Found) -> anyhow::Result<()> {
    let (proposal, now) = (&found.proposal, found.ledger.next_time().await?);
    let number = proposal.number;
    let is_sealed = proposal.sealing.is_some_and(|sealing| sealing.is_sealed);
    let is_over = proposal.state != State::Pending && proposal.deadline < now;
    let error = match (is_sealed, is_over, proposal.state) {
        (false, _, _) => anyhow!("the ballots of proposal {number} are not sealed"),
        (true, false, _) => {
            let end = time_text(proposal.deadline, now);
            anyhow!("the vote on proposal {number} ends {end}: ballots are opened after it")
        }
        (true, true, State::Active) => return Ok(()),
        (true, true, state) => {
            anyhow!("the opening of proposal {number} is over: it is {}", state_text(state))
        }
    };
    Err(error).hint(format!("gleaner ballots show {number}"))
}

fn open(args: &ChangeArgs, output: &Output) -> anyhow::Result<()> {
    let (mut found, sealed) = shell::block_on_until_interrupted(async {
        let found = found(args).await?;
        check_opening(&found).await?;
        let sealed = views::sealed_votes(&found.ledger.next(), &found.proposal).await?;
        let sealed = sealed.ok_or_else(|| anyhow!("the node does not keep the blocks of the vote"));
        let sealed = sealed.hint("give the address of a node that keeps all blocks with --rpc URL");
        Ok((found, sealed?))
    })?;
    let mut ballots = readable(&found.ledger, &found.proposal, &found.holders, &sealed);
    let account = found.shown.account;
    let own = sealed.iter().find(|ballot| ballot.voter == account);
    let own = own.filter(|_| !ballots.iter().any(|(voter, _)| *voter == account));
    let text = format!(
        "{} of {} that are sealed, with the published keys{}",
        ballots.len(),
        sealed.len(),
        if own.is_some() { ", and your own with your wallet's" } else { "" }
    );
    if ballots.is_empty() && own.is_none() {
        let number = found.proposal.number;
        return Err(anyhow!("no ballot of proposal {number} can be opened: {text}"))
            .hint(format!("gleaner ballots show {number}"));
    }
    found.shown.rows.push(("to open", text));
    let (id, vote) = (found.proposal.id, vote_of(&found.ledger, found.proposal.id, account));
    let steps = |signer: &PrivateKeySigner| {
        if let Some(own) = own {
            let ballot = own_ballot(&vote, signer, own.commitment);
            ballots.extend(ballot.map(|ballot| (account, ballot)));
        }
        ensure!(
            !ballots.is_empty(),
            "your ballot was sealed with another program: open it with that"
        );
        Ok(ballots.chunks(OPENED_AT_ONCE).map(|ballots| opening_step(id, ballots)).collect())
    };
    found.shown.finish(&args.action, output, steps, async |_, sender| {
        let opened = sender.logs().filter(|log| log.topics().first() == Some(&CAST)).count();
        Ok((vec![("opened", opened.to_string())], json!({ "opened": opened })))
    })
}

/// The event of a ballot that was counted.
const CAST: B256 = <Governor::VoteCastInHouses as alloy_sol_types::SolEvent>::SIGNATURE_HASH;

fn opening_step(id: U256, ballots: &[(AccountId, Ballot)]) -> Step {
    Step::new(format!("open {} ballots", ballots.len()), GOVERNOR, &opening(id, ballots))
}
