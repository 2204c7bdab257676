//! What an account did and received, from the history index.

use crate::{ROWS, decode, layout, transactions, value};
use abi::{Erc20, asset_number};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use execution::{Call, CallOutcome};
use history::{
    EventEntry, EventFilter, IndexError, Page, PageRequest, Position, TransferEntry, View,
};
use maud::{Markup, html};
use node::Node;
use std::collections::BTreeMap;

/// Transactions, transfers and events of an account, each a page of a list with a link to what is older.
///
/// # Errors
/// [`IndexError`] when the index or the ledger cannot be read.
pub(crate) fn lists(
    node: &Node,
    view: &View,
    address: &Address,
    query: &str,
) -> Result<Markup, IndexError> {
    let (kept, first) = (view.kept(), view.coverage().first);
    Ok(html! {
        @if kept.transactions { (transaction_list(view, address, query)?) }
        @if kept.transfers { (transfer_list(node, view, address, query)?) }
        @if kept.events { (event_list(view, address, query)?) }
        @if first > 1 { p class="quiet" { "From block " (layout::block(first)) " on: earlier ones are not in this node's history index." } }
    })
}

/// Where each list begins; a name that is not there is from the newest.
fn request(query: &str, name: &str) -> PageRequest {
    let before = value(query, name).and_then(|text| text.parse::<Position>().ok());
    PageRequest { before, limit: ROWS }
}

fn older<T>(page: &Page<T>, address: &Address, name: &str) -> Markup {
    let link = page.next.map(|next| format!("/account/{address:#x}?{name}={next}"));
    layout::pager(None, link)
}

fn transaction_list(view: &View, address: &Address, query: &str) -> Result<Markup, IndexError> {
    let page = view.transactions(address, request(query, "transactions"))?;
    let rows = page.items.iter().map(|entry| {
        let mut row = place(entry.position, entry.timestamp);
        row.extend(transactions::row(&entry.transaction, &entry.receipt));
        row
    });
    let rows: Vec<_> = rows.collect();
    let heads = [&["block", "time"], &transactions::HEADS[..]].concat();
    Ok(html! {
        h2 { "Transactions" }
        (layout::list(&heads, &rows, "None."))
        (older(&page, address, "transactions"))
    })
}

fn transfer_list(
    node: &Node,
    view: &View,
    address: &Address,
    query: &str,
) -> Result<Markup, IndexError> {
    let page = view.transfers(address, request(query, "transfers"))?;
    let mut tokens = BTreeMap::new();
    let rows = page.items.iter().map(|entry| {
        let mut row = place(entry.position, entry.timestamp);
        row.push(layout::transaction(&entry.transaction_hash));
        row.push(layout::account(&entry.from));
        row.push(layout::account(&entry.to));
        row.extend(amount(node, &mut tokens, entry));
        row
    });
    let rows: Vec<_> = rows.collect();
    let heads = ["block", "time", "transaction", "from", "to", "amount", "of"];
    Ok(html! {
        h2 { "Transfers" }
        (layout::list(&heads, &rows, "None."))
        (older(&page, address, "transfers"))
    })
}

/// Symbol and decimals of an issued asset.
type Token = Option<(String, u8)>;

/// How much, and of what. What deployed contracts call themselves is not asked: whoever looks at a page must not run their code.
fn amount(
    node: &Node,
    tokens: &mut BTreeMap<Address, Token>,
    entry: &TransferEntry,
) -> [Markup; 2] {
    let Some(address) = entry.token.filter(|address| *address != abi::GRAIN) else {
        return [html! { (layout::grain(entry.amount)) }, html! { "GRAIN" }];
    };
    let token = tokens.entry(address).or_insert_with(|| issued_asset(node, address));
    match token {
        Some((symbol, decimals)) => [
            html! { (abi::amount_text(entry.amount, *decimals)) },
            html! { (symbol) " " (layout::account(&address)) },
        ],
        None => [html! { (smallest_units(entry.amount)) }, layout::account(&address)],
    }
}

fn smallest_units(amount: U256) -> String {
    format!("{amount} smallest units")
}

fn issued_asset(node: &Node, address: Address) -> Token {
    asset_number(&address)?;
    let symbol = ask(node, address, &Erc20::symbolCall {})?;
    Some((symbol, ask(node, address, &Erc20::decimalsCall {})?))
}

fn ask<C: SolCall>(node: &Node, to: Address, call: &C) -> Option<C::Return> {
    let call = Call::read_only(to, call.abi_encode().into());
    match node.call(&call) {
        Ok(CallOutcome::Returned { output, .. }) => C::abi_decode_returns(&output).ok(),
        _ => None,
    }
}

fn event_list(view: &View, address: &Address, query: &str) -> Result<Markup, IndexError> {
    let page = view.events(&EventFilter::Account(*address), request(query, "events"))?;
    let rows: Vec<_> = page.items.iter().map(event).collect();
    let heads = ["block", "time", "transaction", "contract", "event"];
    Ok(html! {
        h2 { "Events" }
        (layout::list(&heads, &rows, "None."))
        (older(&page, address, "events"))
    })
}

fn event(entry: &EventEntry) -> Vec<Markup> {
    let mut row = place(entry.position, entry.timestamp);
    let words = decode::event(&entry.log);
    let name = words.as_deref().and_then(|words| words.split_whitespace().next());
    let what = match (name, entry.log.topics().first()) {
        (Some(name), _) => html! { (name) },
        (None, Some(topic)) => layout::mono(layout::short(topic)),
        (None, None) => html! { "without topics" },
    };
    row.extend([
        layout::transaction(&entry.transaction_hash),
        layout::account(&entry.log.address),
        what,
    ]);
    row
}

fn place(position: Position, timestamp: u64) -> Vec<Markup> {
    vec![layout::block(position.block_number), html! { (layout::time(timestamp)) }]
}
