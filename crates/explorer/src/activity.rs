//! What an account did and received, from the history index.

use crate::{ROWS, decode, layout, names::Names, transactions, value};
use abi::GRAIN;
use alloy_primitives::Address;
use history::{
    EventEntry, EventFilter, IndexError, Page, PageRequest, Position, TransferEntry, View,
};
use maud::{Markup, html};

/// Transactions, transfers and events of an account, each a page of a list with a link to what is older.
///
/// # Errors
/// [`IndexError`] when the index or the ledger cannot be read.
pub(crate) fn lists(
    names: &Names<'_>,
    view: &View,
    address: &Address,
    query: &str,
) -> Result<Markup, IndexError> {
    let (kept, first) = (view.kept(), view.coverage().first);
    Ok(html! {
        @if kept.transactions { (transaction_list(names, view, address, query)?) }
        @if kept.transfers { (transfer_list(names, view, address, query)?) }
        @if kept.events { (event_list(names, view, address, query)?) }
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

fn transaction_list(
    names: &Names<'_>,
    view: &View,
    address: &Address,
    query: &str,
) -> Result<Markup, IndexError> {
    let page = view.transactions(address, request(query, "transactions"))?;
    let rows = page.items.iter().map(|entry| {
        let mut row = place(entry.position, entry.timestamp);
        row.extend(transactions::row(names, &entry.transaction, &entry.receipt));
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
    names: &Names<'_>,
    view: &View,
    address: &Address,
    query: &str,
) -> Result<Markup, IndexError> {
    let page = view.transfers(address, request(query, "transfers"))?;
    let rows = page.items.iter().map(|entry| {
        let mut row = place(entry.position, entry.timestamp);
        row.push(layout::transaction(&entry.transaction_hash));
        row.push(names.account(&entry.from));
        row.push(names.account(&entry.to));
        row.extend(amount(names, entry));
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

/// How much, and of what.
fn amount(names: &Names<'_>, entry: &TransferEntry) -> [Markup; 2] {
    let token = entry.token.unwrap_or(GRAIN);
    [names.amount(&token, entry.amount), names.symbol(&token)]
}

fn event_list(
    names: &Names<'_>,
    view: &View,
    address: &Address,
    query: &str,
) -> Result<Markup, IndexError> {
    let page = view.events(&EventFilter::Account(*address), request(query, "events"))?;
    let rows: Vec<_> = page.items.iter().map(|entry| event(names, entry)).collect();
    let heads = ["block", "time", "transaction", "contract", "event"];
    Ok(html! {
        h2 { "Events" }
        (layout::list(&heads, &rows, "None."))
        (older(&page, address, "events"))
    })
}

/// A row about an event.
pub(crate) fn event(names: &Names<'_>, entry: &EventEntry) -> Vec<Markup> {
    let mut row = place(entry.position, entry.timestamp);
    let said = decode::event(names, &entry.log);
    let what = match (&said, entry.log.topics().first()) {
        (Some(said), _) => html! { (said.name()) },
        (None, Some(topic)) => layout::mono(layout::short(topic)),
        (None, None) => html! { "without topics" },
    };
    row.extend([
        layout::transaction(&entry.transaction_hash),
        names.account(&entry.log.address),
        what,
    ]);
    row
}

/// Where and when something happened: the first two cells of a row.
pub(crate) fn place(position: Position, timestamp: u64) -> Vec<Markup> {
    vec![layout::block(position.block_number), html! { (layout::time(timestamp)) }]
}
