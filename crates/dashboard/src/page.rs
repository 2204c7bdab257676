//! The page.

use agent::earn::{Sums, rounded};
use agent::limits::{Origin, Setting};
use agent::{Activity, Change, Missing, Offer, Status, missing};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use units::Wei;

use crate::chart::{self, Minute};

const STYLE: &str = include_str!("style.css");

/// Seconds after which a browser asks again.
const REFRESH_SECONDS: u32 = 30;

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// How the agent is.
    pub status: &'a Status,
    /// The last day, minute by minute, from the oldest.
    pub minutes: &'a [Minute],
    /// What was earned today, and since the books began.
    pub today: &'a Sums,
    /// The same in all.
    pub total: &'a Sums,
    /// The owner's currency, if they have said what a GRAIN is worth in it and what a kWh costs; else only energy and GRAIN are shown.
    pub currency: Option<&'a str>,
    /// The limits in force.
    pub settings: &'a [Setting],
    /// What has to come back with a request that changes something, so that no page of somebody else can send one. Hexadecimal digits.
    pub token: &'a str,
}

/// Returns the page, as a whole document.
#[must_use]
pub fn page(view: &View<'_>) -> String {
    let decision = &view.status.decision;
    let is_working = Activity::Gentle <= decision.activity;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content=(REFRESH_SECONDS);
                meta name="referrer" content="no-referrer";
                title { (if is_working { "Working" } else { "Not working" }) " · Gleaner" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (if is_working { "Working" } else { "Not working" }) }
                    (state(view))
                    (buttons(view))
                    h2 { "Why" }
                    (reasons(view))
                    h2 { "Earned" }
                    (earned(view))
                    h2 { "The last day" }
                    (chart::day(view.minutes))
                    h2 { "Protections that are missing" }
                    (protections(view))
                    h2 { "Limits" }
                    (limits(view))
                }
                footer { "Account " code { (view.status.account) } ". This page is served by the agent, to this machine only." }
            }
        }
    };
    shown(&markup.into_string())
}

fn state(view: &View<'_>) -> Markup {
    let Status { decision, worker, text, .. } = view.status;
    html! {
        p class="state" { (capitalized(text)) "." }
        @for notice in &view.status.notices { p class="notice" { (notice) } }
        table class="facts" {
            tr { th scope="row" { "For" } td { (duration(decision.at.since(decision.since) / 1_000)) } }
            tr {
                th scope="row" { "Worker" }
                td {
                    @match (worker.process, &worker.last_line) {
                        (Some(process), Some(line)) => { "process " (process) ": " (line) }
                        (Some(process), None) => { "process " (process) }
                        (None, Some(line)) => { "does not run; it said last: " (line) }
                        (None, None) => { "does not run" }
                    }
                }
            }
            @if let Some(offer) = &view.status.offer {
                tr { th scope="row" { "Work" } td { (work(offer, view.currency)) } }
            }
            tr { th scope="row" { "Cores" } td { (decision.allowance.cores_percent) " % of all" } }
            tr { th scope="row" { "Memory" } td { (decision.allowance.memory_mib) " MiB at most" } }
            @if let Some(milliwatts) = view.status.milliwatts {
                tr { th scope="row" { "The machine draws" } td { (milliwatts / 1_000) " W" } }
            }
            @if let Some(note) = &decision.note { tr { th scope="row" { "Note" } td { (note) } } }
        }
    }
}

/// Says what an hour pays and costs.
fn work(offer: &Offer, currency: Option<&str>) -> Markup {
    let currency = currency.unwrap_or_default();
    html! {
        (offer.project) ": about " (rounded(offer.per_hour)) " GRAIN an hour"
        @if let Some(gross) = offer.gross_per_hour { ", which is " (gross) " " (currency) }
        @if let Some(energy) = offer.energy_per_hour { ", for energy of " (energy) " " (currency) }
    }
}

/// Returns a sentence with a capital at its beginning.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn buttons(view: &View<'_>) -> Markup {
    let button = |action: &str, words: &str| {
        html! {
            form method="post" action=(action) {
                input type="hidden" name="token" value=(view.token);
                button { (words) }
            }
        }
    };
    html! { div class="buttons" { (button("pause", "Pause for an hour")) (button("resume", "Resume")) } }
}

fn reasons(view: &View<'_>) -> Markup {
    let decision = &view.status.decision;
    html! {
        @if decision.reasons.is_empty() { p { "The machine is idle, and no limit is in the way." } }
        @else {
            ul {
                @for reason in &decision.reasons {
                    li {
                        (reason.text)
                        div class="quiet" {
                            "Seen by " (reason.source) " " (duration(decision.at.since(reason.seen_at) / 1_000)) " ago, for "
                            (duration(decision.at.since(reason.since) / 1_000)) "."
                            @for change in &reason.change { " " (remedy(change)) }
                        }
                    }
                }
            }
        }
    }
}

/// Says what would change a reason.
fn remedy(change: &Change) -> Markup {
    html! {
        "It changes: " (change.text)
        @if let Some(seconds) = change.seconds { " (" (duration(seconds)) ")" }
        @if let Some(setting) = &change.setting { " (" code { (setting) } ")" }
        "."
    }
}

fn earned(view: &View<'_>) -> Markup {
    let row = |name: &str, value: &dyn Fn(&Sums) -> String| {
        html! { tr { th scope="row" { (name) } td { (value(view.today)) } td { (value(view.total)) } } }
    };
    let kwh = |sums: &Sums| {
        let hours = |microjoules: u64| microjoules / 3_600_000_000;
        let (measured, estimated) =
            (hours(sums.measured_microjoules), hours(sums.estimated_microjoules));
        match (measured, estimated) {
            (measured, 0) => format!("{measured} Wh measured"),
            (0, estimated) => format!("{estimated} Wh estimated"),
            (measured, estimated) => format!("{measured} Wh measured, {estimated} Wh estimated"),
        }
    };
    html! {
        table {
            thead { tr { th {} th scope="col" { "Today" } th scope="col" { "In all" } } }
            tbody {
                (row("Worked", &|sums| duration(sums.worked_ms / 1_000)))
                (row("Paid to the account", &|sums| format!("{} GRAIN", Wei::new(sums.paid_wei).to_grain())))
                (row("Energy for it", &kwh))
                @if let Some(currency) = view.currency {
                    (row("Gross", &|sums| format!("{} {currency}", sums.gross())))
                    (row("Energy", &|sums| format!("{} {currency}", sums.energy())))
                    (row("Net", &|sums| format!("{} {currency}", sums.net())))
                }
            }
        }
        @if view.currency.is_none() {
            p class="quiet" { "With " code { "energy.grain_is_worth" } " and " code { "energy.price_per_kwh" } " in your limits, net earnings are shown here, too." }
        }
    }
}

fn protections(view: &View<'_>) -> Markup {
    let missing = missing(&view.status.protections);
    html! {
        @if missing.is_empty() { p { "None." } }
        @else {
            ul {
                @for Missing { what, reason, grant } in missing {
                    li {
                        @for what in what { div { (what) } }
                        @if let Some(reason) = reason { div class="quiet" { "Because " (reason) "." } }
                        @if !grant.is_empty() { div class="quiet" { "To grant it: " code { (grant) } } }
                    }
                }
            }
        }
    }
}

fn limits(view: &View<'_>) -> Markup {
    let origin = |origin: Origin| match origin {
        Origin::Default => "default",
        Origin::File => "your file",
        Origin::Account => "your account",
    };
    html! {
        p { "In " code { (view.status.config) } ". The agent reads it again when it changes." }
        div class="wide" {
            table class="limits" {
                thead { tr { th scope="col" { "Limit" } th scope="col" { "Value" } th scope="col" { "From" } th scope="col" { "Meaning" } } }
                tbody {
                    @for setting in view.settings {
                        tr { th scope="row" { code { (setting.key) } } td { code { (setting.value) } } td { (origin(setting.origin)) } td { (setting.meaning) } }
                    }
                }
            }
        }
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Our own texts have no invisible characters: one that came from outside is shown as its code.
fn shown(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for letter in page.chars() {
        let is_hidden = units::is_hidden(letter) || letter.is_control() && letter != '\n';
        if is_hidden {
            text += &format!("[U+{:04X}]", u32::from(letter));
        } else {
            text.push(letter);
        }
    }
    text
}
