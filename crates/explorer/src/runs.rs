//! The pages of training runs: terms, seats and payments.

use crate::{Answer, NoPage, ROWS, Shown, layout, number};
use abi::{
    TRAINING_RUNS,
    TrainingRuns::{self, Ending, Phase, Standing},
};
use alloy_primitives::U256;
use alloy_sol_types::SolCall;
use execution::{Call, CallOutcome};
use maud::{Markup, html};
use node::Node;

/// Calls a view of the module; returns `None` when it reverts.
fn ask<C: SolCall>(node: &Node, call: &C) -> Option<C::Return> {
    let call = Call::read_only(TRAINING_RUNS, call.abi_encode().into());
    match node.call(&call) {
        Ok(CallOutcome::Returned { output, .. }) => C::abi_decode_returns(&output).ok(),
        _ => None,
    }
}

fn state(summary: &TrainingRuns::Summary) -> String {
    let phase = match summary.phase {
        Phase::Gathering => "waiting for workers",
        Phase::Training | Phase::Closed => "training",
        Phase::WindingUp => "winding up",
        Phase::Finished | Phase::__Invalid => match summary.ending {
            Ending::Completed => "completed",
            Ending::Cancelled => "cancelled",
            Ending::Abandoned | Ending::None | Ending::__Invalid => "abandoned",
        },
    };
    format!("{phase}, {} of {} rounds", summary.round, summary.rounds)
}

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let count = ask(node, &TrainingRuns::countCall {}).unwrap_or(0);
    let newest = number(query, "from").unwrap_or(count).min(count);
    let rows = u64::try_from(ROWS).unwrap_or(u64::MAX);
    let oldest = newest.saturating_sub(rows - 1).max(1);
    let mut runs = Vec::new();
    for run in (oldest..=newest).rev() {
        let Some(summary) = ask(node, &TrainingRuns::summaryCall { run }) else { continue };
        runs.push(vec![
            layout::run(run),
            html! { (summary.name) },
            html! { (state(&summary)) },
            html! { (summary.seats) },
            html! { (summary.tokensVerified) },
            html! { (layout::grain(summary.paid)) },
            html! { (layout::grain(summary.deposited)) },
        ]);
    }
    let newer =
        (newest < count).then(|| format!("/runs?from={}", newest.saturating_add(rows).min(count)));
    let older = (oldest > 1).then(|| format!("/runs?from={}", oldest - 1));
    let heads = ["run", "name", "state", "workers", "tokens verified", "GRAIN paid", "deposited"];
    let body = html! {
        (layout::list(&heads, &runs, "No project has been opened yet."))
        (layout::pager(newer, older))
    };
    Ok(Shown::Html { title: "Training runs".to_owned(), body })
}

pub(crate) fn one(node: &Node, run: u64) -> Answer {
    let missing = || NoPage::NotFound(format!("run {run}"));
    let summary = ask(node, &TrainingRuns::summaryCall { run }).ok_or_else(missing)?;
    let terms = ask(node, &TrainingRuns::termsCall { run }).ok_or_else(missing)?;
    let seats = ask(node, &TrainingRuns::seatsCall { run }).ok_or_else(missing)?;
    let per_million = U256::from(terms.pricePerToken).saturating_mul(U256::from(1_000_000));
    let facts = [
        ("name", html! { (summary.name) }),
        ("owner", layout::account(&summary.owner)),
        ("state", html! { (state(&summary)) }),
        ("tokens verified", html! { (summary.tokensVerified) }),
        ("deposited", html! { (layout::grain(summary.deposited)) " GRAIN" }),
        ("paid", html! { (layout::grain(summary.paid)) " GRAIN" }),
        ("held back", html! { (layout::grain(summary.owed)) " GRAIN" }),
        ("refunded", html! { (layout::grain(summary.refunded)) " GRAIN" }),
        ("price", html! { (layout::grain(per_million)) " GRAIN a million tokens" }),
        ("audited", html! { (terms.auditRate / 100) " % of the work" }),
        ("model state", layout::mono(summary.state)),
        ("coordinator", html! { (layout::mono(summary.coordinator)) " at " (summary.endpoint) }),
    ];
    let rows: Vec<Vec<Markup>> = seats.iter().map(seat).collect();
    let heads = ["account", "device", "standing", "tokens verified", "GRAIN paid"];
    let body = html! {
        (layout::facts(&facts))
        h2 { "Workers" }
        (layout::list(&heads, &rows, "None yet."))
    };
    Ok(Shown::Html { title: format!("Run {run}: {}", summary.name), body })
}

fn seat(seat: &TrainingRuns::Seat) -> Vec<Markup> {
    let standing = match seat.standing {
        Standing::Active => html! { "active" },
        Standing::Left => html! { "left" },
        Standing::Convicted => {
            html! { span class="bad" { "convicted, round " (seat.expelledRound) } }
        }
        Standing::FalseAuditor | Standing::__Invalid => {
            html! { span class="bad" { "false auditor, round " (seat.expelledRound) } }
        }
    };
    vec![
        layout::account(&seat.account),
        layout::mono(layout::short(&seat.device)),
        standing,
        html! { (seat.tokensVerified) },
        html! { (layout::grain(seat.paid)) },
    ]
}
