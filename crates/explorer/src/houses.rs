//! The two houses, what votes may change, and what they may spend.

use abi::{GRAIN, convert};
use alloy_primitives::U256;
use governance::{Class, proposal::two_houses::House};
use ledger_views::{
    Window,
    governance::{
        self as views, BreakerView, GovernorView, HouseView, ParameterView, StreamView,
        TreasuryView,
    },
    ready,
};
use maud::{Markup, html};
use node::Node;

use crate::{
    Answer, NoPage, ROWS, Shown, bounded::Bounded, figures, layout, names::Names, number, proposals,
};

pub(crate) fn show(node: &Node, query: &str) -> Answer {
    let title = "Houses".to_owned();
    let next = Bounded::next(node)?;
    if !ready(views::is_there(&next))? {
        return Ok(Shown::Html { title, body: proposals::nothing() });
    }
    let names = Names::new(node)?;
    let stake = ready(views::house(&next, House::Stake))?;
    let work = ready(views::house(&next, House::Work))?;
    let governor = ready(views::governor(&next))?;
    let parameters = ready(views::parameters(&next))?;
    let rows: Vec<_> = parameters.iter().map(parameter_row).collect();
    let heads = ["parameter", "value", "least", "most", "unit", "class", "what it is"];
    let body = html! {
        p { a href="/proposals" { (governor.count) @if governor.count == 1 { " proposal" } @else { " proposals" } } " so far, " (governor.open) " of them open. Which rules run, and which are to begin: " a href="/revisions" { "schedule" } "." }
        h2 { "Stake house" }
        (layout::facts(&house_facts(House::Stake, &stake, &governor)))
        h2 { "Work house" }
        (layout::facts(&house_facts(House::Work, &work, &governor)))
        h2 { "How it decides" }
        (layout::facts(&settings(&governor)))
        (breakers(&ready(views::breakers(&next))?))
        h2 { "Parameters" }
        (layout::list(&heads, &rows, "None."))
        (spending(&names, &next, query)?)
    };
    names.finish()?;
    Ok(Shown::Html { title, body })
}

fn house_facts(
    house: House,
    view: &HouseView,
    governor: &GovernorView,
) -> Vec<(&'static str, Markup)> {
    let [missed_stake, missed_work] = governor.missed;
    let (total, missed) = match house {
        House::Stake => (format!("{} GRAIN deposited", layout::grain(view.total)), missed_stake),
        House::Work => (format!("{} units of voice", view.total), missed_work),
    };
    let mut facts = vec![("votes", html! { (total) })];
    facts.push(("half of them", html! { (delegates(view.half)) }));
    facts.push(("a third of them", html! { (delegates(view.third)) }));
    if house == House::Stake {
        let usual = layout::grain(governor.active_average);
        facts.push(("usually vote", html! { (usual) " GRAIN, the average of 13 weeks" }));
    }
    if missed > 0 {
        let times = if missed == 1 { "time" } else { "times" };
        facts.push((
            "turnout",
            html! { span class="bad" { "missed " (missed) " " (times) " in a row" } },
        ));
    }
    facts
}

/// How many delegates have more than a part of all votes.
fn delegates(bounds: Option<(u64, u64)>) -> String {
    match bounds {
        None => "nobody has votes yet".to_owned(),
        Some((1, 1)) => "1 delegate has more".to_owned(),
        Some((least, most)) if least == most => format!("{least} delegates have more"),
        Some((least, most)) => format!("{least} to {most} delegates have more"),
    }
}

fn settings(governor: &GovernorView) -> Vec<(&'static str, Markup)> {
    let time = |seconds: U256| figures::duration(u64::try_from(seconds).unwrap_or(u64::MAX));
    vec![
        ("before a vote", html! { (time(governor.voting_delay)) }),
        (
            "a vote lasts",
            html! { (time(governor.voting_period)) ", and " (figures::duration(governor.vote_extension)) " after what turns it" },
        ),
        (
            "before execution",
            html! { (time(governor.execution_delay)) ", 14 d longer for constitutional proposals" },
        ),
        (
            "to propose",
            html! { (layout::grain(governor.threshold)) " GRAIN of votes, or a thousandth of the work house" },
        ),
        ("deposit", html! { (layout::grain(governor.deposit)) " GRAIN" }),
    ]
}

/// The figures that make ordinary proposals need what constitutional ones need.
fn breakers(all: &[BreakerView]) -> Markup {
    let row = |breaker: &BreakerView| {
        let (least, most) = breaker.holders;
        let count = if least == most { least.to_string() } else { format!("{least} to {most}") };
        vec![
            html! { (breaker.name) },
            html! { (count) },
            html! { (breaker.trips_below) },
            html! { (breaker.released_from) },
            html! { @if breaker.is_tripped { span class="bad" { "tripped" } } @else { "not tripped" } },
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let heads = ["figure", "holders now", "trips below", "released from", "at the last look"];
    let is_strict = all.iter().any(|breaker| breaker.is_tripped);
    html! {
        h2 { "Breakers" }
        p {
            "They count accounts and keys, of which one person may have many. "
            @if is_strict { b { "One is tripped: ordinary proposals need what constitutional ones need." } }
        }
        (layout::list(&heads, &rows, "None."))
    }
}

fn parameter_row(parameter: &ParameterView) -> Vec<Markup> {
    let class = match parameter.class {
        Class::Routine => "routine",
        Class::Ordinary => "ordinary",
        Class::Constitutional => "constitutional",
    };
    vec![
        layout::mono(&parameter.name),
        html! {
            (parameter.value)
            @if parameter.value != parameter.initial { " " span class="quiet small" { "at first " (parameter.initial) } }
        },
        html! { (parameter.least) },
        html! { (parameter.most) },
        html! { (parameter.unit) },
        html! { (class) },
        html! { (parameter.about) },
    ]
}

/// The treasury's GRAIN, and what it pays over time.
fn spending(names: &Names<'_>, next: &Bounded<'_>, query: &str) -> Result<Markup, NoPage> {
    let treasury = ready(views::treasury(next, GRAIN))?;
    let items = u64::try_from(ROWS).unwrap_or(u64::MAX);
    let window = Window { newest: number(query, "streams"), items };
    let streams = ready(views::streams(next, window))?;
    let rows: Vec<_> = streams.items.iter().map(|stream| stream_row(names, stream)).collect();
    let heads = ["stream", "to", "in all", "paid", "due now", "from", "until"];
    let link = |newest| format!("/houses?streams={newest}");
    Ok(html! {
        h2 { "Treasury" }
        (layout::facts(&treasury_facts(&treasury)))
        h2 { "Payments over time" }
        (layout::list(&heads, &rows, "None."))
        (layout::pager(streams.newer.map(link), streams.older.map(link)))
    })
}

fn treasury_facts(treasury: &TreasuryView) -> Vec<(&'static str, Markup)> {
    let grain = |amount: U256| html! { (layout::grain(amount)) " GRAIN" };
    let left = treasury.budget.saturating_sub(treasury.spent);
    vec![
        ("free", grain(treasury.free)),
        ("owed to streams", grain(treasury.reserved)),
        (
            "budget",
            html! { (grain(treasury.budget)) ", of which " (grain(left)) " are left until " (layout::time(treasury.stop.as_u64())) },
        ),
    ]
}

fn stream_row(names: &Names<'_>, stream: &StreamView) -> Vec<Markup> {
    let token = convert::address(stream.token);
    vec![
        html! { (stream.number) @if stream.is_cancelled { " " span class="bad" { "cancelled" } } },
        names.account(&convert::address(stream.to)),
        names.amount_of(&token, stream.total),
        names.amount(&token, stream.paid),
        names.amount(&token, stream.due),
        html! { (layout::time(stream.start.as_u64())) },
        html! { (layout::time(stream.stop.as_u64())) },
    ]
}
