//! The schedule of the ledger's rules: which revision runs now, which are to begin when, by whose decision, and whether this node knows them.

use abi::{GOVERNOR, GovernorCore, REVISIONS, Revisions};
use alloy_primitives::U256;
use alloy_sol_types::SolEvent;
use execution::Rules;
use governance::revisions::NOTICE_BLOCKS;
use history::EventEntry;
use ledger_views::{
    governance::{self as views},
    ready,
};
use maud::{Markup, html};
use node::Node;

use crate::{
    Answer, NoPage, ROWS, Shown, activity, bounded::Bounded, events::Events, layout, names::Names,
    proposals,
};

/// Proposals among which that of a change is looked for, the newest first.
const LOOKED_FOR_MAX: u64 = 1_000;

pub(crate) fn show(node: &Node) -> Answer {
    let title = "Rules".to_owned();
    let (rules, next) = (node.rules(), Bounded::next(node)?);
    let names = Names::new(node)?;
    let shown = At::of(&rules, node.head().number);
    let view = ready(views::revisions(&next))?;
    let events = Events::new(node)?;
    let changes = changes(&next, &events)?;
    let entries = entries(&rules);
    let rows: Vec<_> =
        entries.iter().map(|entry| row(&names, &rules, entry, (shown, &changes))).collect();
    let rows = rows.into_iter().collect::<Result<Vec<_>, NoPage>>()?;
    let heads = ["revision", "from block", "state", "decided by", "known to this node"];
    let body = html! {
        p {
            "A revision is a numbered set of rules. Each block is executed by the rules of its height, also when it is executed again later. "
            "The genesis file names the first entries; " a href="/proposals" { "proposals" } " of the two " a href="/houses" { "houses" } " add others."
        }
        (layout::facts(&facts(&rules, view.as_ref(), shown)))
        h2 { "Schedule" }
        (layout::list(&heads, &rows, "None."))
        @if view.is_some() { (changed(&events, &changes)) }
    };
    names.finish()?;
    Ok(Shown::Html { title, body })
}

/// The block whose rules run now.
#[derive(Clone, Copy)]
struct At {
    height: u64,
    /// Whether it is the last one that this node can make.
    is_last: bool,
}

impl At {
    /// Returns the block after the head; the head where this node does not know the rules of the next one.
    fn of(rules: &Rules, head: u64) -> Self {
        let next = head.saturating_add(1);
        match rules.check_known(next) {
            Ok(()) => Self { height: next, is_last: false },
            Err(_) => Self { height: head, is_last: true },
        }
    }
}

/// An entry of the schedule.
struct Entry {
    revision: u32,
    height: u64,
    /// Height of the next one's first block.
    until: Option<u64>,
    is_voted: bool,
}

fn entries(rules: &Rules) -> Vec<Entry> {
    let listed = rules.schedule.activations();
    let founding = rules.founding.activations().len();
    // Revision 1 holds until the first entry.
    let first = listed.first().is_none_or(|first| first.height > 0).then_some((1, 0, false));
    let listed = listed.iter().enumerate();
    let listed =
        listed.map(|(index, entry)| (entry.revision.number(), entry.height, index >= founding));
    let all: Vec<_> = first.into_iter().chain(listed).collect();
    let untils = all.iter().skip(1).map(|next| Some(next.1)).chain([None]);
    all.iter()
        .zip(untils)
        .map(|(&(revision, height, is_voted), until)| Entry { revision, height, until, is_voted })
        .collect()
}

fn facts(
    rules: &Rules,
    view: Option<&views::RevisionsView>,
    At { height, is_last }: At,
) -> Vec<(&'static str, Markup)> {
    let known = rules.modules.newest();
    let current = rules.revision_at(height).number();
    let mut facts = vec![
        (
            "runs now",
            html! {
                "revision " (current) ", in block " (height)
                @if is_last { ", the last one of this node" } @else { ", the next one" }
            },
        ),
        ("this node knows", html! { "revisions 1 to " (known) }),
    ];
    if let Some(unknown) = rules.first_unknown() {
        let text = html! {
            span class="bad" {
                @if is_last { "It has stopped before block " } @else { "It stops before block " } (unknown.height) ", where revision " (unknown.revision.number()) " begins, until its operator installs a newer program."
            }
        };
        facts.push(("how far it goes", text));
    }
    match view {
        Some(view) => facts.push((
            "a proposal may name",
            html! { "blocks " (view.band.0) " to " (view.band.1) ": at least " (NOTICE_BLOCKS) " after the one that executes it" },
        )),
        None => facts.push((
            "votes",
            html! { "can't change the rules of this ledger yet: that begins with revision 4" },
        )),
    }
    facts
}

fn row(
    names: &Names<'_>,
    rules: &Rules,
    entry: &Entry,
    (At { height, is_last }, changes): (At, &[Change]),
) -> Result<Vec<Markup>, NoPage> {
    let Entry { revision, height: from, until, is_voted } = *entry;
    // Of the block that runs now only the last one exists.
    let has_begun = from < height || (is_last && from == height);
    let state = match until {
        _ if is_last && from == height.saturating_add(1) => html! { "begins with the next block" },
        _ if from > height => html! { "begins in " (from - height) " blocks" },
        Some(until) if until <= height => html! { "has ended" },
        _ if !has_begun => html! { "begins with the next block" },
        _ => html! { b { "runs now" } },
    };
    let since = match names.ledger().reader().block(from)? {
        Some(block) if has_begun => Some(layout::time(block.header.timestamp)),
        _ => None,
    };
    let by = changes.iter().find(|change| is_voted && change.revision() == revision);
    Ok(vec![
        html! { (revision) },
        html! {
            @if has_begun { (layout::block(from)) } @else { (from) }
            @if let Some(since) = since { " " span class="quiet small" { (since) } }
        },
        state,
        match by {
            Some(change) => change.decided_by(),
            None if is_voted => html! { "a proposal" },
            None => html! { "the genesis file" },
        },
        html! {
            @if revision <= rules.modules.newest() { "yes" }
            @else { span class="bad" { "no: a newer program must be installed" } }
        },
    ])
}

/// What a vote has done to the schedule.
enum Done {
    Scheduled(Revisions::Scheduled),
    Moved(Revisions::Rescheduled),
    Canceled(Revisions::Canceled),
}

struct Change {
    entry: EventEntry,
    done: Done,
    /// Number of the proposal, if this node can tell.
    proposal: Option<u64>,
}

impl Change {
    fn revision(&self) -> u32 {
        match &self.done {
            Done::Scheduled(event) => event.revision,
            Done::Moved(event) => event.revision,
            Done::Canceled(event) => event.revision,
        }
    }

    fn text(&self) -> String {
        match &self.done {
            Done::Scheduled(it) => {
                format!("revision {} begins at block {}", it.revision, it.height)
            }
            Done::Moved(it) => {
                format!("revision {} moves from block {} to {}", it.revision, it.before, it.height)
            }
            Done::Canceled(it) => {
                format!(
                    "revision {} is taken off; it was to begin at block {}",
                    it.revision, it.height
                )
            }
        }
    }

    fn decided_by(&self) -> Markup {
        html! {
            @match self.proposal {
                Some(number) => a href=(proposals::path(number)) { "proposal " (number) },
                None => "a proposal",
            }
        }
    }
}

/// What votes have done, newest first, as far as the history index knows.
fn changes(next: &Bounded<'_>, events: &Events) -> Result<Vec<Change>, NoPage> {
    let topics = [
        Revisions::Scheduled::SIGNATURE_HASH,
        Revisions::Rescheduled::SIGNATURE_HASH,
        Revisions::Canceled::SIGNATURE_HASH,
    ];
    let mut changes = Vec::new();
    for entry in events.newest(&REVISIONS, &topics, None, ROWS)?.events {
        let done = Revisions::Scheduled::decode_log(&entry.log)
            .map(|it| Done::Scheduled(it.data))
            .or_else(|_| {
                Revisions::Rescheduled::decode_log(&entry.log).map(|it| Done::Moved(it.data))
            })
            .or_else(|_| {
                Revisions::Canceled::decode_log(&entry.log).map(|it| Done::Canceled(it.data))
            });
        if let Ok(done) = done {
            let proposal = proposal_of(next, events, &entry)?;
            changes.push(Change { entry, done, proposal });
        }
    }
    Ok(changes)
}

/// The proposal that made a change: the Governor names it in the same transaction, after its calls.
fn proposal_of(
    next: &Bounded<'_>,
    events: &Events,
    entry: &EventEntry,
) -> Result<Option<u64>, NoPage> {
    let Some(view) = events.view() else { return Ok(None) };
    let index = usize::try_from(entry.position.transaction_index).unwrap_or(usize::MAX);
    let receipt = view.reader().receipt(entry.position.block_number, index)?;
    let after = usize::try_from(entry.position.slot).unwrap_or(usize::MAX);
    let executed = receipt.and_then(|receipt| {
        let logs = receipt.logs().iter().skip(after).filter(|log| log.address == GOVERNOR);
        let ids = logs.filter_map(|log| GovernorCore::ProposalExecuted::decode_log(log).ok());
        let id: Option<U256> = ids.map(|event| event.proposalId).next();
        id
    });
    match executed {
        Some(id) => Ok(ready(views::with_id(next, id, LOOKED_FOR_MAX))?),
        None => Ok(None),
    }
}

fn changed(events: &Events, changes: &[Change]) -> Markup {
    let row = |change: &Change| {
        let mut row = activity::place(change.entry.position, change.entry.timestamp);
        row.extend([
            layout::transaction(&change.entry.transaction_hash),
            change.decided_by(),
            html! { (change.text()) },
        ]);
        row
    };
    let rows: Vec<_> = changes.iter().map(row).collect();
    let heads = ["block", "time", "transaction", "by", "what"];
    html! {
        h2 { "What votes have changed" }
        (layout::list(&heads, &rows, "Nothing."))
        (events.note())
    }
}
