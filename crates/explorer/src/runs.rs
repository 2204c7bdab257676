//! The pages of training runs: terms, seats and payments.

use crate::{Answer, NoPage, Shown, layout, window};
use abi::convert;
use alloy_primitives::U256;
use ledger_views::{
    ready,
    runs::{self, DisputeView, RunDetails, RunPhase, RunView, SeatView},
};
use maud::{Markup, html};
use node::Node;
use training_run::{Cause, Ending, Opinion, Ruling, Standing, Vote};
use units::Wei;

fn state(run: &RunView) -> String {
    let phase = match run.phase {
        RunPhase::Gathering => "waiting for workers",
        RunPhase::Training { .. } | RunPhase::Closed => "training",
        RunPhase::WindingUp { .. } => "winding up",
        RunPhase::Finished(Ending::Completed) => "completed",
        RunPhase::Finished(Ending::Cancelled) => "cancelled",
        RunPhase::Finished(Ending::Abandoned) => "abandoned",
    };
    format!("{phase}, {} of {} rounds", run.round, run.rounds)
}

fn grain(amount: Wei) -> String {
    layout::grain(convert::wei_word(amount))
}

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let page = ready(runs::list(&node.local()?, window(query)))?;
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let link = |newest| format!("/runs?from={newest}");
    let heads = ["run", "name", "state", "workers", "tokens verified", "GRAIN paid", "deposited"];
    let body = html! {
        (layout::list(&heads, &rows, "No project has been opened yet."))
        (layout::pager(page.newer.map(link), page.older.map(link)))
    };
    Ok(Shown::Html { title: "Training runs".to_owned(), body })
}

fn row(run: &RunView) -> Vec<Markup> {
    vec![
        layout::run(run.run),
        html! { (run.name) },
        html! { (state(run)) },
        html! { (run.seats) },
        html! { (run.tokens_verified) },
        html! { (grain(run.paid)) },
        html! { (grain(run.deposited)) },
    ]
}

pub(crate) fn one(node: &Node, run: u64) -> Answer {
    let details = ready(runs::details(&node.local()?, run));
    let details = details.map_err(|error| NoPage::of(error, "run", run))?;
    let RunDetails { run: view, terms, seats, disputes, .. } = &details;
    let per_million =
        convert::wei_word(terms.price_per_token).saturating_mul(U256::from(1_000_000));
    let facts = [
        ("name", html! { (view.name) }),
        ("owner", layout::account(&convert::address(view.owner))),
        ("state", html! { (state(view)) }),
        ("tokens verified", html! { (view.tokens_verified) }),
        ("deposited", html! { (grain(view.deposited)) " GRAIN" }),
        ("paid", html! { (grain(view.paid)) " GRAIN" }),
        ("held back", html! { (grain(view.owed)) " GRAIN" }),
        ("refunded", html! { (grain(view.refunded)) " GRAIN" }),
        ("price", html! { (layout::grain(per_million)) " GRAIN a million tokens" }),
        ("audited", html! { "at least " (terms.audit_rate.as_u16() / 100) " % of the work" }),
        ("disputes", html! { (view.disputes) " before the referee" }),
        ("model state", layout::mono(convert::digest_word(view.state))),
        (
            "coordinator",
            html! { (layout::mono(convert::device_word(view.coordinator))) " at " (view.endpoint) },
        ),
    ];
    let rows: Vec<Vec<Markup>> = seats.iter().map(seat).collect();
    let heads =
        ["account", "device", "standing", "tokens verified", "GRAIN held back", "GRAIN paid"];
    let body = html! {
        (layout::facts(&facts))
        h2 { "Workers" }
        (layout::list(&heads, &rows, "None yet."))
        @if !disputes.is_empty() { (dispute_list(disputes)) }
    };
    Ok(Shown::Html { title: format!("Run {run}: {}", view.name), body })
}

/// Lists the disputes before the referees, and which of them have voted how.
fn dispute_list(disputes: &[DisputeView]) -> Markup {
    let rows: Vec<Vec<Markup>> = disputes.iter().map(dispute).collect();
    let heads = ["round", "device", "disputed by", "bond, GRAIN", "leaves", "votes"];
    html! {
        h2 { "Before the referees" }
        (layout::list(&heads, &rows, "None."))
    }
}

fn dispute(dispute: &DisputeView) -> Vec<Markup> {
    let device = |device| layout::mono(layout::short(&convert::device_word(device)));
    let accuser = match (dispute.accuser, &dispute.account) {
        (Some(accuser), _) => device(accuser),
        (None, Some(account)) => layout::account(&convert::address(*account)),
        (None, None) => html! { "no auditor answered" },
    };
    let vote = |vote: &Vote| {
        let opinion = match (vote.ruling.opinion(&dispute.commitment), vote.ruling) {
            (Opinion::IsTheWork, _) => "the work is what was committed to".to_owned(),
            (Opinion::IsNotTheWork, Ruling::Differs { leaf }) => {
                format!("the work differs from leaf {leaf} on")
            }
            (Opinion::IsNotTheWork, _) => "the work is not what was committed to".to_owned(),
            (Opinion::Nothing, _) => "the data can't be had".to_owned(),
        };
        html! { div { (device(vote.referee)) ": " (opinion) } }
    };
    let disclosed = if dispute.disclosed.is_some() { "disclosed" } else { "not disclosed" };
    vec![
        html! { (dispute.round.saturating_add(1)) },
        device(dispute.subject),
        accuser,
        html! { (grain(dispute.bond)) },
        html! { (disclosed) },
        html! { @if dispute.votes.is_empty() { "none yet" } @for given in &dispute.votes { (vote(given)) } },
    ]
}

fn seat(seat: &SeatView) -> Vec<Markup> {
    let standing = match seat.standing {
        Standing::Active => html! { "active" },
        Standing::Left => html! { "left" },
        Standing::Expelled { round, cause: Cause::Convicted } => {
            html! { span class="bad" { "convicted, round " (round + 1) } }
        }
        Standing::Expelled { round, cause: Cause::FalseAudit } => {
            html! { span class="bad" { "false auditor, round " (round + 1) } }
        }
        Standing::Expelled { round, cause: Cause::Vouched } => {
            html! { span class="bad" { "vouched for made-up work, round " (round + 1) } }
        }
    };
    vec![
        layout::account(&convert::address(seat.account)),
        layout::mono(layout::short(&convert::device_word(seat.device))),
        standing,
        html! { (seat.tokens_verified) },
        html! { (grain(seat.stake)) },
        html! { (grain(seat.paid)) },
    ]
}
