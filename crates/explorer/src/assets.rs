//! The pages of assets: terms, issuer and supply.

use crate::{Answer, NoPage, Shown, layout, window};
use abi::{GRAIN, convert};
use ledger_views::{
    assets::{self, AssetView},
    ready,
};
use maud::{Markup, html};
use node::Node;

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let ledger = node.local()?;
    let page = ready(assets::list(&ledger, window(query)))?;
    let supply = ready(assets::grain_supply(&ledger))?;
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let link = |newest| format!("/assets?from={newest}");
    let heads = ["asset", "name", "symbol", "supply", "cap", "issuer"];
    let body = html! {
        p { "There are " (layout::grain(supply)) " " (layout::account(&GRAIN)) ", the native asset. The names below were chosen by the creators of the assets." }
        (layout::list(&heads, &rows, "No asset has been created yet."))
        (layout::pager(page.newer.map(link), page.older.map(link)))
    };
    Ok(Shown::Html { title: "Assets".to_owned(), body })
}

fn row(asset: &AssetView) -> Vec<Markup> {
    vec![
        layout::asset(asset.number),
        html! { (asset.name) },
        html! { (asset.symbol) },
        html! { (asset.amount_text(asset.supply)) },
        html! { (asset.cap_text()) },
        issuer(asset),
    ]
}

fn issuer(asset: &AssetView) -> Markup {
    html! {
        @if let Some(issuer) = asset.issuer { (layout::account(&convert::address(issuer))) }
        @else { "none: the role was renounced" }
    }
}

pub(crate) fn one(node: &Node, number: u64) -> Answer {
    let asset = ready(assets::asset(&node.local()?, number));
    let asset = asset.map_err(|error| NoPage::of(error, "asset", number))?;
    let may = |allowed: bool| if allowed { "yes" } else { "no" };
    let mut facts = vec![
        ("name", html! { (asset.name) }),
        ("symbol", html! { (asset.symbol) }),
        ("address", layout::account(&convert::address(asset.address))),
        ("supply", html! { (asset.amount_text(asset.supply)) " " (asset.symbol) }),
        ("cap", html! { (asset.cap_text()) @if asset.cap.is_some() { " " (asset.symbol) } }),
        ("decimals", html! { (asset.decimals) }),
        ("issuer", issuer(&asset)),
        (
            "state",
            html! { @if asset.is_paused { span class="bad" { "paused: transfers are refused" } } @else { "open" } },
        ),
        ("issuer may pause", html! { (may(asset.powers.pausable)) }),
        ("holders may burn", html! { (may(asset.powers.burnable)) }),
        ("issuer may transfer its role", html! { (may(asset.powers.transferable)) }),
        ("issuer may renounce its role", html! { (may(asset.powers.renounceable)) }),
    ];
    if let Some(offered_to) = asset.offered_to {
        facts.push(("role offered to", layout::account(&convert::address(offered_to))));
    }
    if !asset.uri.is_empty() {
        // Not a link, because the issuer chooses the address.
        facts.push(("metadata", layout::mono(&asset.uri)));
    }
    let title = format!("Asset {number}: {}", asset.name);
    Ok(Shown::Html { title, body: layout::facts(&facts) })
}
