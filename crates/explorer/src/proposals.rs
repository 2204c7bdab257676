//! Proposals of the two houses: a list, and one with its calls, votes and dates.

use abi::{GOVERNOR, Governor, convert};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use governance::{
    Class,
    jury::{Panel, Verdict},
    proposal::{
        State,
        two_houses::{Decision, House},
    },
};
use history::EventEntry;
use ledger_views::{
    governance::{self as views, HouseVotes, Posting, ProposalView, ProposedCall, SealingView},
    ready,
};
use maud::{Markup, html};
use node::Node;
use units::UnixSeconds;

use crate::{
    Answer, NoPage, ROWS, Shown, activity,
    bounded::Bounded,
    chart::{self, Frame, Part},
    decode,
    events::Events,
    figures, layout,
    names::Names,
    window,
};

/// Proposals among which an id is looked for, the newest first; a number always works.
const LOOKED_FOR_MAX: u64 = 1_000;
/// Characters of a title in a list.
const TITLE_MAX: usize = 80;

/// What stands where a ledger's rules have no governance yet.
pub(crate) fn nothing() -> Markup {
    html! { p { "This ledger has no governance yet: it begins with revision 3 of the rules." } }
}

pub(crate) fn path(number: u64) -> String {
    format!("/proposal/{number}")
}

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let title = "Proposals".to_owned();
    let next = Bounded::next(node)?;
    if !ready(views::is_there(&next))? {
        return Ok(Shown::Html { title, body: nothing() });
    }
    let page = ready(views::proposals(&next, window(query)))?;
    let now = next.time();
    let row = |proposal: &ProposalView| {
        vec![
            html! { a href=(path(proposal.number)) { (proposal.number) } },
            html! { a href=(path(proposal.number)) { (short_title(proposal)) } },
            html! { (class_text(proposal)) },
            html! { (state_text(proposal.state)) },
            html! { (next_date(proposal, now)) },
            html! { (decision(proposal)) },
        ]
    };
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let heads = ["proposal", "title", "class", "state", "next", "the votes say"];
    let link = |newest| format!("/proposals?from={newest}");
    let body = html! {
        p { "Two " a href="/houses" { "houses" } " decide: one of stake, one of verified work. Anybody with enough votes in one of them may propose. Which rules run, and which are to begin: " a href="/revisions" { "schedule" } "." }
        (layout::list(&heads, &rows, "Nothing has been proposed yet."))
        (layout::pager(page.newer.map(link), page.older.map(link)))
    };
    Ok(Shown::Html { title, body })
}

/// The page of a proposal, by its number or its id.
pub(crate) fn one(node: &Node, name: &str) -> Answer {
    let names = Names::new(node)?;
    let next = Bounded::next(node)?;
    let proposal = found(&next, name)?;
    let events = Events::new(node)?;
    let now = next.time();
    let body = html! {
        (layout::facts(&facts(&names, &proposal, now)))
        (votes(House::Stake, &proposal.stake))
        (votes(House::Work, &proposal.work))
        h2 { "What it does" }
        @match &proposal.posting {
            Some(posting) => { (calls(&names, posting)) h2 { "Why" } pre { (posting.description.trim()) } }
            None => p class="quiet" { "This node does not keep the block in which it was posted, and so neither its calls nor its description." }
        }
        h2 { "Dates" }
        (layout::facts(&dates(&proposal, now)))
        (jury(&next, &proposal, now)?)
        (ballots(&names, &events, &proposal)?)
        (events.note())
    };
    names.finish()?;
    Ok(Shown::Html { title: title(&proposal), body })
}

fn found(next: &Bounded<'_>, name: &str) -> Result<ProposalView, NoPage> {
    let missing =
        || NoPage::NotFound(format!("proposal {}", name.chars().take(80).collect::<String>()));
    let given: U256 = name.parse().map_err(|_| missing())?;
    if !ready(views::is_there(next))? {
        return Err(missing());
    }
    let count = ready(views::count(next))?;
    let number = match u64::try_from(given) {
        Ok(number) if (1..=count).contains(&number) => Some(number),
        _ => ready(views::with_id(next, given, LOOKED_FOR_MAX))?,
    };
    Ok(ready(views::proposal(next, number.ok_or_else(missing)?))?)
}

fn title(proposal: &ProposalView) -> String {
    format!("Proposal {}: {}", proposal.number, short_title(proposal))
}

fn short_title(proposal: &ProposalView) -> String {
    let Some(posting) = &proposal.posting else { return "not kept by this node".to_owned() };
    let mut letters = posting.title().chars();
    let mut title: String = letters.by_ref().take(TITLE_MAX).collect();
    if letters.next().is_some() {
        title.push('…');
    }
    if title.is_empty() { "without a title".to_owned() } else { title }
}

fn class_text(proposal: &ProposalView) -> &'static str {
    match (proposal.class, proposal.is_contested) {
        (Class::Routine, false) => "routine",
        (Class::Routine, true) => "routine, contested",
        (Class::Ordinary, _) => "ordinary",
        (Class::Constitutional, _) => "constitutional",
    }
}

fn class_rule(proposal: &ProposalView) -> &'static str {
    match (proposal.class, proposal.is_contested) {
        (Class::Routine, false) => {
            "passes by itself after 5 days unless a tenth of either house objects"
        }
        (Class::Routine, true) | (Class::Ordinary, _) => "needs a majority in both houses",
        (Class::Constitutional, _) => "needs three fifths in both houses, and waits 14 days longer",
    }
}

fn state_text(state: State) -> &'static str {
    match state {
        State::Pending => "pending: its vote has not begun",
        State::Active => "active: votes are counted",
        State::Canceled => "cancelled",
        State::Defeated => "defeated",
        State::Succeeded => "succeeded: anybody may queue it",
        State::Queued => "queued",
        State::Expired => "expired",
        State::Executed => "executed",
    }
}

fn is_open(proposal: &ProposalView) -> bool {
    matches!(proposal.state, State::Pending | State::Active)
}

fn next_date(proposal: &ProposalView, now: u64) -> String {
    match (proposal.state, proposal.executable_at()) {
        (State::Queued, Some(at)) => format!("can be executed {}", when(at.as_u64(), now)),
        (State::Pending | State::Active, _) => {
            format!("vote ends {}", when(proposal.deadline.as_u64(), now))
        }
        _ => String::new(),
    }
}

fn when(time: u64, now: u64) -> String {
    if time > now {
        format!("in {}", figures::duration(time - now))
    } else {
        format!("{} ago", figures::duration(now - time))
    }
}

fn decision(proposal: &ProposalView) -> Markup {
    let verdict = if proposal.decision.is_passed() { "yes" } else { "no" };
    html! { (verdict) ": " (proposal.decision.reason()) @if is_open(proposal) { " so far" } }
}

fn facts(names: &Names<'_>, proposal: &ProposalView, now: u64) -> Vec<(&'static str, Markup)> {
    let mut facts = vec![
        ("state", html! { (state_text(proposal.state)) }),
        ("class", html! { (class_text(proposal)) ": " (class_rule(proposal)) }),
        ("the votes say", decision(proposal)),
        ("proposer", names.account(&convert::address(proposal.proposer))),
    ];
    if let Some(sealing) = &proposal.sealing {
        facts.push(("ballots", sealed(proposal, sealing, now)));
    }
    if let Some(at) = proposal.executable_at() {
        let is_braked = proposal.brake_seconds > 0;
        let text = html! {
            (layout::time(at.as_u64())) ", " (when(at.as_u64(), now))
            @if is_braked { ". " span class="bad" { "The brake delays it by " (figures::duration(proposal.brake_seconds)) "." } }
        };
        facts.push(("executable", text));
    }
    if let Some(posting) = &proposal.posting {
        let what = if proposal.is_settled { "returned or burnt" } else { "held" };
        facts.push(("deposit", html! { (layout::grain(posting.deposit)) " GRAIN, " (what) }));
        facts.push(("posted in", html! { "block " (layout::block(posting.height)) ", " (layout::transaction(&posting.transaction)) }));
    }
    facts.push(("id", layout::mono(proposal.id)));
    facts
}

/// How far sealed ballots are.
fn sealed(proposal: &ProposalView, sealing: &SealingView, now: u64) -> Markup {
    let (keys, threshold) = (sealing.keys, sealing.threshold);
    if !sealing.is_sealed {
        let pending = proposal.state == State::Pending;
        return html! {
            @if pending { "sealed, if " (threshold) " ballot keys are there when the vote begins: " (keys) " are" }
            @else { "open: " (keys) " of " (threshold) " ballot keys were there when the vote began" }
        };
    }
    let until = sealing.opening_until.as_u64();
    html! {
        "sealed until the vote is over: " (sealing.ballots) " cast, " (sealing.opened) " open; "
        (sealing.published) " of " (keys) " keys are published, and " (threshold) " read a ballot. What is not open "
        (when(until, now)) " (" (layout::time(until)) ") was not cast."
    }
}

/// The votes of a house as a bar of all its votes, with what is needed marked.
fn votes(house: House, votes: &HouseVotes) -> Markup {
    let (name, needed, reached) = match house {
        House::Stake => ("Stake house", "of yes", votes.cast.approving),
        House::Work => ("Work house", "of all votes cast", votes.cast.turnout()),
    };
    let amount = |votes: U256| match house {
        House::Stake => format!("{} GRAIN", figures::shortened(&layout::grain(votes))),
        House::Work => format!("{votes} units of voice"),
    };
    let share = |part: U256| figures::share(part, votes.total).unwrap_or_else(|| "0 %".to_owned());
    let cast = votes.cast;
    let words = format!(
        "yes {}, no {}, abstain {}",
        share(cast.approving),
        share(cast.against),
        share(cast.abstaining)
    );
    let rest = format!("all votes: {}", amount(votes.total));
    let quorum = format!("needed {needed}: {}, reached: {}", amount(votes.quorum), amount(reached));
    if votes.total.is_zero() {
        return html! { p { b { (name) } ": nobody had votes." } };
    }
    let whole = figures::float(votes.total);
    let part =
        |votes: U256, class: &'static str| Part { share: figures::float(votes) / whole, class };
    let parts =
        [part(cast.approving, "yes"), part(cast.against, "no"), part(cast.abstaining, "abstain")];
    let frame = Frame {
        title: name.to_owned(),
        label: format!("Bar: {name}: {words} of {rest}; {quorum}."),
        vertical: [String::new(), String::new()],
        horizontal: [words, rest],
    };
    let mark = figures::float(votes.quorum) / whole;
    html! { (chart::stack(&frame, &parts, mark)) p class="quiet small" { (quorum) " (dashed line)." } }
}

fn calls(names: &Names<'_>, posting: &Posting) -> Markup {
    let one = |call: &ProposedCall| {
        let said = decode::call(names, &call.target, &call.data);
        html! {
            p { (names.account(&call.target)) @if !call.value.is_zero() { ", with " (layout::grain(call.value)) " GRAIN of the Governor's" } }
            @match said {
                Some(said) => pre { (said.shown(names)) },
                None if call.data.is_empty() => p class="quiet" { "A plain send." },
                None => pre { (decode::hexadecimal(&call.data)) },
            }
        }
    };
    html! { @for call in &posting.calls { (one(call)) } }
}

fn dates(proposal: &ProposalView, now: u64) -> Vec<(&'static str, Markup)> {
    let date = |time: u64| html! { (layout::time(time)) ", " (when(time, now)) };
    let mut dates = vec![
        ("votes as of", date(proposal.snapshot.as_u64())),
        ("posted", date(proposal.posted_at.as_u64())),
        ("vote ends", date(proposal.deadline.as_u64())),
    ];
    if let (Some(eta), Some(at)) = (proposal.eta, proposal.executable_at()) {
        dates.push(("without the brake", date(eta.as_u64())));
        dates.push(("executable", date(at.as_u64())));
    }
    dates
}

/// The jury that sits in place of a house, or how to get one.
fn jury(next: &Bounded<'_>, proposal: &ProposalView, now: u64) -> Result<Markup, NoPage> {
    let Some(panel) = ready(views::panel(next, proposal.id))? else {
        let is_needed = matches!(proposal.decision, Decision::JuryNeeded(_));
        return Ok(html! {
            @if is_needed && proposal.state == State::Pending {
                h2 { "Jury" }
                p { "Anybody may summon a jury in place of the house that missed its turnout twice, within three days of the vote: " code { "gleaner jury summon " (proposal.number) } "." }
            }
        });
    };
    let date =
        |time: UnixSeconds| html! { (layout::time(time.as_u64())) ", " (when(time.as_u64(), now)) };
    let mut facts = vec![
        (
            "seats drawn",
            html! { (panel.seats_drawn) " of " (Panel::SIZE) ", by the hash of block " (layout::block(panel.height)) },
        ),
        ("shown", html! { (panel.yes) " yes, " (panel.no) " no" }),
        ("verdict", html! { (verdict_text(panel.verdict)) }),
    ];
    facts.extend(panel.commits_until.map(|until| ("votes end", date(until))));
    facts.extend(panel.shows_until.map(|until| ("showing ends", date(until))));
    Ok(html! { h2 { "Jury" } (layout::facts(&facts)) })
}

fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "not yet",
        Verdict::Yes => "yes",
        Verdict::No => "no",
        Verdict::Absent => "no: too few seats were shown",
    }
}

/// The newest votes, from the history index.
fn ballots(names: &Names<'_>, events: &Events, proposal: &ProposalView) -> Result<Markup, NoPage> {
    if events.view().is_none() {
        return Ok(html! {});
    }
    let signature = Some(Governor::VoteCastInHouses::SIGNATURE_HASH);
    let topics = [signature, None, Some(B256::from(proposal.id)), None];
    let found = events.with_topics(&GOVERNOR, topics, ROWS)?;
    let rows: Vec<_> = found.events.iter().filter_map(|event| ballot(names, event)).collect();
    let heads = ["block", "time", "transaction", "who", "vote", "stake", "work"];
    Ok(html! {
        h2 { "Newest votes" }
        (layout::list(&heads, &rows, "None."))
        @if found.next.is_some() { p class="quiet" { "and older ones" } }
    })
}

fn ballot(names: &Names<'_>, entry: &EventEntry) -> Option<Vec<Markup>> {
    let vote = Governor::VoteCastInHouses::decode_log(&entry.log).ok()?;
    let choice = match vote.support {
        0 => "no",
        1 => "yes",
        _ => "abstain",
    };
    let voter: Address = vote.voter;
    let mut row = activity::place(entry.position, entry.timestamp);
    row.extend([
        layout::transaction(&entry.transaction_hash),
        names.account(&voter),
        html! { (choice) },
        html! { (figures::shortened(&layout::grain(vote.stakeWeight))) " GRAIN" },
        html! { (vote.workWeight) },
    ]);
    Some(row)
}
