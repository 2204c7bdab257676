//! Who holds GRAIN: how concentrated it is now, and how that has changed since somebody first looked.

use concentration::Ratio;
use maud::html;
use node::{HoldersPoint, HoldersView, Node};

use crate::{
    Answer, Shown,
    chart::{self, Frame},
    layout,
};

pub(crate) fn page(node: &Node) -> Answer {
    let view = node.holders()?;
    let facts = facts(&view);
    let body = html! {
        p {
            "Each figure counts accounts. One person may have many, and an account may belong to many, so they are true of accounts only. "
            "Modules hold GRAIN for others, so they are no holders here. "
            "Anybody can compute the same from the state: " code { "gleaner measure --asset GRAIN --data-dir DIR" } " reads the folder of a stopped node, and has all measures."
        }
        (layout::facts(&facts))
        @if view.points.len() > 1 { (charts(&view.points)) }
        @else { p class="quiet" { "From now on this node keeps the figures of each block, and draws them here." } }
    };
    Ok(Shown::Html { title: "Measures".to_owned(), body })
}

fn facts(view: &HoldersView) -> Vec<(&'static str, maud::Markup)> {
    let share = |ratio: &Option<Ratio>| text(ratio, 4);
    let mut facts = vec![
        ("block", html! { a href=(format!("/block/{}", view.height)) { (view.height) } }),
        ("holders", html! { (view.count) }),
        ("they hold", html! { (abi::amount_text(view.total, 18)) " GRAIN" }),
        ("in modules", html! { (abi::amount_text(view.in_modules, 18)) " GRAIN" }),
        ("Gini coefficient", html! { (share(&view.gini)) }),
        ("Herfindahl–Hirschman index", html! { (text(&view.hhi, 1)) " of 10000" }),
        ("largest holder", html! { (share(&view.top1)) " of all" }),
        ("ten largest", html! { (share(&view.top10)) " of all" }),
    ];
    let names = ["more than a third", "more than a half", "more than two thirds"];
    for (name, (_, passing)) in names.into_iter().zip(view.coefficients) {
        let count = passing.map_or_else(|| "none".to_owned(), |count| count.to_string());
        facts.push((name, html! { "held by the " (count) " largest" }));
    }
    facts
}

fn text(ratio: &Option<Ratio>, digits: usize) -> String {
    ratio.as_ref().map_or_else(|| "none".to_owned(), |ratio| ratio.decimal(digits))
}

fn charts(points: &[HoldersPoint]) -> maud::Markup {
    let draw = |title: &str, value: fn(&HoldersPoint) -> f64| {
        #[expect(clippy::cast_precision_loss, reason = "a place on a drawing")]
        let line: Vec<_> = points.iter().map(|point| (point.height as f64, value(point))).collect();
        let Some(range) = chart::range(line.iter().map(|(_, value)| *value)) else {
            return html! {};
        };
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return html! {} };
        let label = format!(
            "{title}: {:.4} at block {}, {:.4} at block {}",
            value(first),
            first.height,
            value(last),
            last.height
        );
        let frame = Frame {
            title: title.to_owned(),
            label,
            vertical: [format!("{:.4}", range.1), format!("{:.4}", range.0)],
            horizontal: [format!("block {}", first.height), format!("block {}", last.height)],
        };
        chart::steps(&frame, &line, range)
    };
    #[expect(clippy::cast_precision_loss, reason = "a place on a drawing")]
    let half = |point: &HoldersPoint| point.half as f64;
    html! {
        (draw("Gini coefficient", |point| point.gini))
        (draw("Share of the ten largest", |point| point.top10))
        (draw("Holders of more than a half", half))
    }
}
