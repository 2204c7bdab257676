//! Price feeds: their last answers, whether these may be relied on, and what each reporter said.

use std::collections::BTreeMap;

use abi::{PRICE_FEEDS, PriceFeed, PriceFeeds, convert};
use alloy_primitives::{Address, I256, U256};
use alloy_sol_types::SolEvent;
use history::EventEntry;
use ledger_views::{
    feeds::{self, FeedStanding, FeedView},
    ready,
};
use maud::{Markup, html};
use node::Node;

use crate::{
    Answer, NoPage, Shown,
    bounded::Bounded,
    chart::{self, Frame},
    events::Events,
    figures, layout,
    names::Names,
    pools, window,
};

/// Rounds that are drawn, and looked through for reports, at most.
const ROUNDS_MAX: usize = 200;
/// Rounds that are listed.
const LISTED_MAX: usize = 25;

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let names = Names::new(node)?;
    let next = Bounded::next(node)?;
    let page = ready(feeds::list(&next, window(query)))?;
    let reporters = ready(feeds::reporters(names.ledger()))?;
    let now = next.time();
    let row = |feed: &FeedView| {
        vec![
            html! { a href=(format!("/price/{}", feed.number)) { (feed.number) } },
            html! { (feed.description) },
            html! { (answer(feed)) },
            state(feed),
            html! { (age(feed, now)) },
            html! { (figures::duration(feed.age_seconds_max)) },
        ]
    };
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let link = |newest| format!("/prices?from={newest}");
    let heads = ["feed", "what", "answer", "state", "oldest report", "may be old"];
    let body = html! {
        p {
            "A price is from outside of the ledger: reporters sign it. "
            @if reporters.accounts.is_empty() { "This ledger has no reporters, so its feeds have no answers." }
            @else { (reporters.accounts.len()) " reporters may, and " (reporters.quorum) " of them make a round. " }
            "Anybody may create a feed, and describes it."
        }
        (layout::list(&heads, &rows, "No feed has been created yet."))
        (layout::pager(page.newer.map(link), page.older.map(link)))
    };
    names.finish()?;
    Ok(Shown::Html { title: "Prices".to_owned(), body })
}

/// The last answer in whole units.
fn answer(feed: &FeedView) -> String {
    let text = |answer: U256| abi::amount_text(answer, feed.decimals);
    feed.round.map_or_else(|| "none".to_owned(), |round| text(round.answer))
}

fn state(feed: &FeedView) -> Markup {
    html! {
        @match feed.standing {
            FeedStanding::Reliable => "fresh",
            FeedStanding::Unanswered => span class="quiet" { "no answer yet" },
            FeedStanding::Stale => span class="bad" { "stale: too old to be relied on" },
            FeedStanding::Divergent => span class="bad" { "divergent: it has jumped, and is not confirmed" },
            FeedStanding::DivergentFromPool => span class="bad" { "divergent: the pool that it is compared with has another price" },
            FeedStanding::NoPoolPrice => span class="bad" { "the pool that it is compared with has no average price" },
            FeedStanding::Refused => span class="bad" { "refused: not to be relied on" },
        }
    }
}

fn age(feed: &FeedView, now: u64) -> String {
    feed.round.map_or_else(String::new, |round| {
        let age = now.saturating_sub(round.observed_at.as_u64());
        format!("{} ago", figures::duration(age))
    })
}

/// A reporter's newest report in the rounds that were read.
struct Said {
    round: String,
    time: u64,
    answer: I256,
}

pub(crate) fn one(node: &Node, number: u64) -> Answer {
    let names = Names::new(node)?;
    let events = Events::new(node)?;
    if number == 0 || number > ready(feeds::count(names.ledger()))? {
        return Err(NoPage::NotFound(format!("price feed {number}")));
    }
    let next = Bounded::next(node)?;
    let feed = ready(feeds::feed(&next, number))?;
    let reporters = ready(feeds::reporters(names.ledger()))?;
    let address = convert::address(feed.address);
    let topics =
        [Some(PriceFeeds::Reported::SIGNATURE_HASH), Some(address.into_word()), None, None];
    let reported = events.with_topics(&PRICE_FEEDS, topics, ROUNDS_MAX)?;
    let answered =
        events.newest(&address, &[PriceFeed::AnswerUpdated::SIGNATURE_HASH], None, ROUNDS_MAX)?;
    let said = newest_reports(&reported.events);
    let row = |account: &Address| match said.get(account) {
        Some(Said { round, time, answer }) => vec![
            names.account(account),
            html! { (signed_text(*answer, feed.decimals)) },
            html! { (round) },
            html! { (layout::time(*time)) },
        ],
        None => vec![
            names.account(account),
            html! { span class="quiet" { "nothing" } },
            html! {},
            html! {},
        ],
    };
    let accounts: Vec<_> =
        reporters.accounts.iter().map(|account| convert::address(*account)).collect();
    let rows: Vec<_> = accounts.iter().map(row).collect();
    let now = next.time();
    let body = html! {
        (layout::facts(&facts(&names, &feed, now)))
        (answer_chart(&feed, &answered.events))
        h2 { "What each reporter said last" }
        @if events.view().is_some() {
            (layout::list(&["reporter", "answer", "round", "time of the block"], &rows, "This ledger has no reporters."))
            @if reported.next.is_some() { p class="quiet" { "In the newest " (ROUNDS_MAX) " rounds." } }
        }
        h2 { "Rounds" }
        (rounds(&feed, &answered.events))
        (events.note())
    };
    names.finish()?;
    // Without quotes of its own: the creator of the feed chose the words.
    let title = format!("Price feed {number}: {}", feed.description);
    Ok(Shown::Html { title, body })
}

fn facts(names: &Names<'_>, feed: &FeedView, now: u64) -> Vec<(&'static str, Markup)> {
    let percent = figures::percent_of_bps(u64::from(feed.deviation_bps));
    let mut facts = vec![
        ("contract", names.account(&convert::address(feed.address))),
        ("answer", html! { (answer(feed)) }),
        ("state", state(feed)),
    ];
    if let Some(round) = feed.round {
        facts.extend([
            ("round", html! { (round.number) ", " (layout::time(round.updated_at.as_u64())) }),
            (
                "oldest report",
                html! { (layout::time(round.observed_at.as_u64())) ", " (age(feed, now)) },
            ),
        ]);
    }
    if let Some(compared) = feed.compared {
        let percent = figures::percent_of_bps(u64::from(compared.divergence_bps));
        let pool = convert::address(compared.pool);
        facts.push((
            "compared with",
            html! {
                a href=(pools::path(&pool)) { (names.symbol_plain(&pool)) }
                @if let Some(average) = compared.average { ", " (abi::amount_text(average, feed.decimals)) }
                @else { ", no price yet" }
                " on average over " (figures::duration(u64::from(compared.window_seconds)))
                "; an answer may be " (percent) " from it"
            },
        ));
    }
    facts.extend([
        ("may be old", html! { (figures::duration(feed.age_seconds_max)) }),
        ("may differ", html! { (percent) " from the median, or from the answer before" }),
        (
            "a jump is confirmed",
            html! { "by a round " (figures::duration(feed.confirmation_seconds)) " later" },
        ),
        ("decimals", html! { (feed.decimals) }),
    ]);
    facts
}

/// The newest report of each reporter.
fn newest_reports(events: &[EventEntry]) -> BTreeMap<Address, Said> {
    let mut found = BTreeMap::new();
    for event in events {
        let Ok(reported) = PriceFeeds::Reported::decode_log(&event.log) else { continue };
        for (reporter, answer) in reported.reporters.iter().zip(&reported.answers) {
            let said = || Said {
                round: reported.roundId.to_string(),
                time: event.timestamp,
                answer: *answer,
            };
            found.entry(*reporter).or_insert_with(said);
        }
    }
    found
}

fn signed_text(answer: I256, decimals: u8) -> String {
    let sign = if answer.is_negative() { "−" } else { "" };
    format!("{sign}{}", abi::amount_text(answer.unsigned_abs(), decimals))
}

fn answer_chart(feed: &FeedView, events: &[EventEntry]) -> Markup {
    let scale = figures::power_of_ten(i32::from(feed.decimals));
    let point = |event: &EventEntry| {
        let answer = PriceFeed::AnswerUpdated::decode_log(&event.log).ok()?.current;
        Some((event.timestamp, figures::signed_float(answer) / scale))
    };
    let points: Vec<(u64, f64)> = events.iter().rev().filter_map(point).collect();
    let range = chart::range(points.iter().map(|(_, answer)| *answer));
    let (Some((first, _)), Some((last, answer)), Some((low, high))) =
        (points.first(), points.last(), range)
    else {
        return html! {};
    };
    if first == last {
        return html! {};
    }
    let [low_text, high_text] = [low, high].map(figures::price);
    let frame = Frame {
        title: format!("The last {} answers", points.len()),
        label: format!(
            "Line: the answers, between {low_text} and {high_text}, now {}",
            figures::price(*answer)
        ),
        vertical: [high_text, low_text],
        horizontal: [*first, *last].map(layout::time),
    };
    let since = |time: u64| figures::float(U256::from(time.saturating_sub(*first)));
    let placed: Vec<_> = points.iter().map(|(time, answer)| (since(*time), *answer)).collect();
    chart::steps(&frame, &placed, (low, high))
}

fn rounds(feed: &FeedView, events: &[EventEntry]) -> Markup {
    let row = |event: &EventEntry| {
        let updated = PriceFeed::AnswerUpdated::decode_log(&event.log).ok()?;
        Some(vec![
            html! { (updated.roundId) },
            layout::block(event.position.block_number),
            html! { (layout::time(event.timestamp)) },
            layout::transaction(&event.transaction_hash),
            html! { (signed_text(updated.current, feed.decimals)) },
        ])
    };
    let rows: Vec<_> = events.iter().take(LISTED_MAX).filter_map(row).collect();
    layout::list(&["round", "block", "time", "transaction", "answer"], &rows, "None yet.")
}
