//! The pages of assets: terms, issuer and supply.

use crate::{Answer, NoPage, ROWS, Shown, layout, number};
use abi::{ASSETS, Assets, Erc20, GRAIN, IssuedAsset};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use execution::{Call, CallOutcome};
use maud::html;
use node::Node;

/// Calls a view of a module; returns `None` when it reverts.
fn ask<C: SolCall>(node: &Node, to: Address, call: &C) -> Option<C::Return> {
    let call = Call::read_only(to, call.abi_encode().into());
    match node.call(&call) {
        Ok(CallOutcome::Returned { output, .. }) => C::abi_decode_returns(&output).ok(),
        _ => None,
    }
}

/// What lists and pages show of an asset.
struct Asset {
    address: Address,
    name: String,
    symbol: String,
    decimals: u8,
    supply: U256,
    cap: U256,
    issuer: Address,
}

impl Asset {
    fn load(node: &Node, number: u64) -> Option<Self> {
        let address = ask(node, ASSETS, &Assets::assetAtCall { number })?;
        Some(Self {
            address,
            name: ask(node, address, &Erc20::nameCall {})?,
            symbol: ask(node, address, &Erc20::symbolCall {})?,
            decimals: ask(node, address, &Erc20::decimalsCall {})?,
            supply: ask(node, address, &Erc20::totalSupplyCall {})?,
            cap: ask(node, address, &IssuedAsset::capCall {})?,
            issuer: ask(node, address, &IssuedAsset::issuerCall {})?,
        })
    }

    fn amount(&self, amount: U256) -> String {
        abi::amount_text(amount, self.decimals)
    }

    fn cap(&self) -> String {
        if self.cap == U256::MAX { "none".to_owned() } else { self.amount(self.cap) }
    }

    fn issuer(&self) -> maud::Markup {
        html! { @if self.issuer.is_zero() { "none: the role was renounced" } @else { (layout::account(&self.issuer)) } }
    }
}

pub(crate) fn list(node: &Node, query: &str) -> Answer {
    let count = ask(node, ASSETS, &Assets::countCall {}).unwrap_or(0);
    let newest = number(query, "from").unwrap_or(count).min(count);
    let rows = u64::try_from(ROWS).unwrap_or(u64::MAX);
    let oldest = newest.saturating_sub(rows - 1).max(1);
    let mut assets = Vec::new();
    for number in (oldest..=newest).rev() {
        let Some(asset) = Asset::load(node, number) else { continue };
        assets.push(vec![
            layout::asset(number),
            html! { (asset.name) },
            html! { (asset.symbol) },
            html! { (asset.amount(asset.supply)) },
            html! { (asset.cap()) },
            asset.issuer(),
        ]);
    }
    let newer = (newest < count)
        .then(|| format!("/assets?from={}", newest.saturating_add(rows).min(count)));
    let older = (oldest > 1).then(|| format!("/assets?from={}", oldest - 1));
    let heads = ["asset", "name", "symbol", "supply", "cap", "issuer"];
    let supply = ask(node, GRAIN, &Erc20::totalSupplyCall {}).unwrap_or_default();
    let body = html! {
        @if !supply.is_zero() {
            p { "There are " (layout::grain(supply)) " " (layout::account(&GRAIN)) ", the native asset. The names below were chosen by the creators of the assets." }
        }
        (layout::list(&heads, &assets, "No asset has been created yet."))
        (layout::pager(newer, older))
    };
    Ok(Shown::Html { title: "Assets".to_owned(), body })
}

pub(crate) fn one(node: &Node, number: u64) -> Answer {
    let missing = || NoPage::NotFound(format!("asset {number}"));
    let asset = Asset::load(node, number).ok_or_else(missing)?;
    let address = asset.address;
    let powers = ask(node, address, &IssuedAsset::powersCall {}).ok_or_else(missing)?;
    let offered = ask(node, address, &IssuedAsset::offeredToCall {}).ok_or_else(missing)?;
    let is_paused = ask(node, address, &IssuedAsset::pausedCall {}).ok_or_else(missing)?;
    let uri = ask(node, address, &Erc20::tokenURICall {}).ok_or_else(missing)?;
    let may = |allowed: bool| if allowed { "yes" } else { "no" };
    let mut facts = vec![
        ("name", html! { (asset.name) }),
        ("symbol", html! { (asset.symbol) }),
        ("address", layout::account(&address)),
        ("supply", html! { (asset.amount(asset.supply)) " " (asset.symbol) }),
        ("cap", html! { (asset.cap()) @if asset.cap != U256::MAX { " " (asset.symbol) } }),
        ("decimals", html! { (asset.decimals) }),
        ("issuer", asset.issuer()),
        (
            "state",
            html! { @if is_paused { span class="bad" { "paused: transfers are refused" } } @else { "open" } },
        ),
        ("issuer may pause", html! { (may(powers.pausable)) }),
        ("holders may burn", html! { (may(powers.burnable)) }),
        ("issuer may transfer its role", html! { (may(powers.transferable)) }),
        ("issuer may renounce its role", html! { (may(powers.renounceable)) }),
    ];
    if !offered.is_zero() {
        facts.push(("role offered to", layout::account(&offered)));
    }
    if !uri.is_empty() {
        // Not a link, because the issuer chooses the address.
        facts.push(("metadata", layout::mono(uri)));
    }
    let title = format!("Asset {number}: {}", asset.name);
    Ok(Shown::Html { title, body: layout::facts(&facts) })
}
