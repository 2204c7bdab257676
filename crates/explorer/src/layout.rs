//! Shared parts of all pages: frame, links, amounts, times.

use crate::visible::visible;
use abi::{Module, Place};
use alloy_primitives::{Address, B256, U256};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use node::Node;
use units::Wei;

/// The lists that every page leads to.
const NAVIGATION: [(&str, &str); 10] = [
    ("/", "Blocks"),
    ("/runs", "Training runs"),
    ("/assets", "Assets"),
    ("/pools", "Pools"),
    ("/stakes", "Stakes"),
    ("/prices", "Prices"),
    ("/measures", "Measures"),
    ("/proposals", "Proposals"),
    ("/houses", "Houses"),
    ("/modules", "Modules"),
];
const STYLE: &str = include_str!("style.css");

/// Returns a page with header, search and footer. Our own texts have no invisible characters, so an invisible character came from outside and is
/// written as its code.
pub(crate) fn whole(node: &Node, title: &str, body: &Markup) -> String {
    let head = node.head();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Gleaner" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    nav {
                        a class="home" href="/" { "Gleaner" }
                        @for (path, name) in NAVIGATION { a href=(path) { (name) } }
                    }
                    form action="/search" method="get" role="search" {
                        input name="q" type="search" aria-label="Search" placeholder="Block, hash, address, run 1, GOLD/GRAIN" required;
                        button { "Find" }
                    }
                }
                main { h1 { (title) } (body) }
                footer {
                    "Chain " (node.rules().chain_id) ", block " (head.number) ", " (node.waiting_count()) " waiting. "
                    "Amounts are in GRAIN."
                }
            }
        }
    };
    visible(markup.into_string())
}

/// Returns a table of names and values.
pub(crate) fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! { table class="facts" { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } } }
}

/// Returns a table with headings and rows, in a box that scrolls.
pub(crate) fn list(heads: &[&str], rows: &[Vec<Markup>], empty: &str) -> Markup {
    html! {
        @if rows.is_empty() { p class="quiet" { (empty) } }
        @else {
            div class="wide" {
                table {
                    thead { tr { @for head in heads { th scope="col" { (head) } } } }
                    tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
                }
            }
        }
    }
}

/// Returns links to newer and older entries.
pub(crate) fn pager(newer: Option<String>, older: Option<String>) -> Markup {
    html! {
        p class="pager" {
            @if let Some(newer) = newer { a href=(newer) { "← newer" } }
            @if let Some(older) = older { a href=(older) { "older →" } }
        }
    }
}

pub(crate) fn account(address: &Address) -> Markup {
    let module = Module::at(address).filter(|module| matches!(module.place, Place::Fixed(_)));
    let name = module.map(|module| module.name);
    let whole = address.to_checksum(None);
    html! { a class="mono" href=(format!("/account/{address:#x}")) title=(whole) { @if let Some(name) = name { (name) } @else { (whole) } } }
}

pub(crate) fn transaction(hash: &B256) -> Markup {
    html! { a class="mono" href=(format!("/tx/{hash:#x}")) title=(format!("{hash:#x}")) { (short(hash)) } }
}

pub(crate) fn block(number: u64) -> Markup {
    html! { a href=(format!("/block/{number}")) { (number) } }
}

pub(crate) fn run(number: u64) -> Markup {
    html! { a href=(format!("/run/{number}")) { (number) } }
}

pub(crate) fn asset(number: u64) -> Markup {
    html! { a href=(format!("/asset/{number}")) { (number) } }
}

pub(crate) fn mono(value: impl std::fmt::Display) -> Markup {
    html! { span class="mono" { (value.to_string()) } }
}

/// Returns enough of an address to tell a few apart; where it counts, the whole one stands beside it.
pub(crate) fn short_address(address: &Address) -> String {
    let whole = address.to_checksum(None);
    match (whole.get(..6), whole.get(38..)) {
        (Some(start), Some(end)) => format!("{start}…{end}"),
        _ => whole,
    }
}

/// Returns enough digits of a digest to tell a few apart.
pub(crate) fn short(hash: &B256) -> String {
    let whole = format!("{hash:#x}");
    whole.get(..14).map_or(whole.clone(), |start| format!("{start}…"))
}

/// Returns an amount in GRAIN; an amount too large for any account is shown in the smallest unit.
pub(crate) fn grain(amount: U256) -> String {
    u128::try_from(amount).map_or_else(|_| format!("{amount} wei"), |wei| Wei::new(wei).to_grain())
}

/// Returns a time of the ledger, UTC. Source: Howard Hinnant, "chrono-compatible low-level date algorithms",
/// civil_from_days.
pub(crate) fn time(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (1_795_478_399, "2026-11-23 23:59:59 UTC"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }
}
