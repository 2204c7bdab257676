//! Proposals as documents and as lines.

use alloy_primitives::U256;
use governance::proposal::{State, two_houses::House};
use ledger_client::Ledger;
use ledger_views::governance::{HouseVotes, ProposalView, SealingView};
use serde::Serialize;
use units::UnixSeconds;

use super::calls::{self, CallDocument, Described};
use super::{class_text, grain_text, share_text, state_text, time_text, votes_text};
use crate::market::seconds_text;
use crate::options::checksummed;

/// A proposal. Times are Unix seconds, amounts in the smallest unit.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ProposalDocument {
    number: u64,
    id: String,
    title: Option<String>,
    proposer: String,
    class: &'static str,
    state: &'static str,
    contested: bool,
    settled: bool,
    snapshot: u64,
    posted_at: u64,
    deadline: u64,
    /// When it could be executed without the brake.
    eta: Option<u64>,
    brake_seconds: u64,
    executable_at: Option<u64>,
    stake: VotesDocument,
    work: VotesDocument,
    /// As if the vote were over.
    decision: DecisionDocument,
    /// None where ballots are always open.
    sealing: Option<SealingDocument>,
    deposit: Option<String>,
    height: Option<u64>,
    transaction: Option<String>,
    description: Option<String>,
}

/// Votes of a house: of stake in wei, of work in units of voice.
#[derive(Clone, Debug, Serialize)]
pub(super) struct VotesDocument {
    yes: String,
    no: String,
    abstain: String,
    total: String,
    quorum: String,
}

/// Sealed ballots: weights of all of them, of stake in wei, of work in units of voice.
#[derive(Clone, Debug, Serialize)]
struct SealingDocument {
    sealed: bool,
    threshold: u8,
    keys: u8,
    published: u8,
    ballots: u32,
    opened: u32,
    opening_until: u64,
    stake: String,
    work: String,
}

impl From<&SealingView> for SealingDocument {
    fn from(sealing: &SealingView) -> Self {
        Self {
            sealed: sealing.is_sealed,
            threshold: sealing.threshold,
            keys: sealing.keys,
            published: sealing.published,
            ballots: sealing.ballots,
            opened: sealing.opened,
            opening_until: sealing.opening_until.as_u64(),
            stake: sealing.stake.to_string(),
            work: sealing.work.to_string(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct DecisionDocument {
    passes: bool,
    number: u8,
    reason: &'static str,
}

impl From<&HouseVotes> for VotesDocument {
    fn from(votes: &HouseVotes) -> Self {
        Self {
            yes: votes.cast.approving.to_string(),
            no: votes.cast.against.to_string(),
            abstain: votes.cast.abstaining.to_string(),
            total: votes.total.to_string(),
            quorum: votes.quorum.to_string(),
        }
    }
}

pub(super) fn document(proposal: &ProposalView) -> ProposalDocument {
    let posting = proposal.posting.as_ref();
    ProposalDocument {
        number: proposal.number,
        id: proposal.id.to_string(),
        title: posting.map(|posting| posting.title().to_owned()),
        proposer: checksummed(&proposal.proposer),
        class: class_text(proposal.class),
        state: state_text(proposal.state),
        contested: proposal.is_contested,
        settled: proposal.is_settled,
        snapshot: proposal.snapshot.as_u64(),
        posted_at: proposal.posted_at.as_u64(),
        deadline: proposal.deadline.as_u64(),
        eta: proposal.eta.map(UnixSeconds::as_u64),
        brake_seconds: proposal.brake_seconds,
        executable_at: proposal.executable_at().map(UnixSeconds::as_u64),
        stake: (&proposal.stake).into(),
        work: (&proposal.work).into(),
        decision: DecisionDocument {
            passes: proposal.decision.is_passed(),
            number: proposal.decision.number(),
            reason: proposal.decision.reason(),
        },
        sealing: proposal.sealing.as_ref().map(SealingDocument::from),
        deposit: posting.map(|posting| posting.deposit.to_string()),
        height: posting.map(|posting| posting.height),
        transaction: posting.map(|posting| posting.transaction.to_string()),
        description: posting.map(|posting| posting.description.clone()),
    }
}

/// The calls of a proposal for programs and for people; none when the node does not keep them.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn described(
    ledger: &Ledger,
    proposal: &ProposalView,
) -> anyhow::Result<Vec<Described>> {
    match &proposal.posting {
        Some(posting) => calls::describe(ledger, &posting.calls).await,
        None => Ok(Vec::new()),
    }
}

pub(super) fn call_documents(calls: &[Described]) -> Vec<CallDocument> {
    calls.iter().map(|call| call.document.clone()).collect()
}

/// What a proposal is, in a few lines that stand above every question about it.
pub(super) fn head_rows(
    proposal: &ProposalView,
    calls: &[Described],
) -> Vec<(&'static str, String)> {
    let title = proposal.posting.as_ref().map_or("", |posting| posting.title());
    let mut rows = vec![
        ("proposal", format!("{}: {title}", proposal.number)),
        ("class", class_row(proposal)),
        ("proposer", checksummed(&proposal.proposer)),
    ];
    match proposal.posting {
        Some(_) => rows.push(("calls", calls::lines(calls))),
        None => rows.push(("calls", "the node does not keep the block any longer".to_owned())),
    }
    rows
}

fn class_row(proposal: &ProposalView) -> String {
    let class = class_text(proposal.class);
    if proposal.is_contested {
        format!("{class}, contested: a vote decides")
    } else {
        class.to_owned()
    }
}

/// Where it stands: times, votes, decision.
pub(super) fn standing_rows(
    proposal: &ProposalView,
    now: UnixSeconds,
) -> Vec<(&'static str, String)> {
    let mut rows = vec![("state", state_text(proposal.state).to_owned())];
    rows.push(("posted", time_text(proposal.posted_at, now)));
    rows.push(("votes as of", time_text(proposal.snapshot, now)));
    rows.push(("vote ends", time_text(proposal.deadline, now)));
    if let (Some(eta), Some(executable)) = (proposal.eta, proposal.executable_at()) {
        let mut text = time_text(executable, now);
        if proposal.brake_seconds > 0 {
            let brake = seconds_text(proposal.brake_seconds);
            text.push_str(&format!(", {brake} of that by the brake (without: {})", eta.as_u64()));
        }
        rows.push(("executable", text));
    }
    rows.extend(sealing_row(proposal, now));
    rows.extend(house_rows(House::Stake, &proposal.stake));
    rows.extend(house_rows(House::Work, &proposal.work));
    let passes = if proposal.decision.is_passed() { "passes" } else { "fails" };
    let is_over = !matches!(proposal.state, State::Pending | State::Active);
    let when = if is_over { "" } else { " as the votes are now" };
    rows.push(("decision", format!("{passes}{when}: {}", proposal.decision.reason())));
    if let Some(posting) = &proposal.posting {
        let what = if proposal.is_settled { "settled" } else { "held" };
        rows.push(("deposit", format!("{}, {what}", grain_text(posting.deposit))));
    }
    rows
}

/// How far sealed ballots are, where there are any.
fn sealing_row(proposal: &ProposalView, now: UnixSeconds) -> Option<(&'static str, String)> {
    let sealing = proposal.sealing.filter(|sealing| sealing.is_sealed)?;
    let (ballots, opened) = (sealing.ballots, sealing.opened);
    let until = time_text(sealing.opening_until, now);
    Some(("ballots", format!("sealed: {ballots} cast, {opened} open; the opening ends {until}")))
}

fn house_rows(house: House, votes: &HouseVotes) -> [(&'static str, String); 2] {
    let share = |part: U256| share_text(part, votes.total);
    let cast = votes.cast;
    let (name, needed) = match house {
        House::Stake => ("stake house", "of yes needed"),
        House::Work => ("work house", "of turnout needed"),
    };
    let shares = format!(
        "yes {}, no {}, abstain {} of {}",
        share(cast.approving),
        share(cast.against),
        share(cast.abstaining),
        votes_text(house, votes.total)
    );
    let done = match house {
        House::Stake => cast.approving,
        House::Work => cast.turnout(),
    };
    let quorum = format!(
        "{} {needed}, {} reached",
        votes_text(house, votes.quorum),
        votes_text(house, done)
    );
    [(name, shares), ("", quorum)]
}
