//! The pages of the latest blocks, and of one block.

use crate::{Answer, NoPage, ROWS, Shown, layout, names::Names, number, transactions};
use alloy_primitives::{B256, U256};
use maud::html;
use node::Node;

pub(crate) fn latest(node: &Node, query: &str) -> Answer {
    let reader = node.reader()?;
    let head = reader.head().number;
    let newest = number(query, "from").unwrap_or(head).min(head);
    let rows = u64::try_from(ROWS).unwrap_or(u64::MAX);
    let first = reader.first_block();
    let oldest = newest.saturating_sub(rows - 1).max(first);
    let mut blocks = Vec::new();
    for number in (oldest..=newest).rev() {
        let Some(block) = reader.block(number)? else { continue };
        let header = &block.header;
        let tenths = header.gas_used.saturating_mul(1_000) / header.gas_limit.max(1);
        let share = format!("{}.{} %", tenths / 10, tenths % 10);
        blocks.push(vec![
            layout::block(number),
            html! { (layout::time(header.timestamp)) },
            html! { (block.transactions.len()) },
            html! { (header.gas_used) " (" (share) ")" },
            layout::mono(layout::short(&header.hash())),
        ]);
    }
    let newer =
        (newest < head).then(|| format!("/?from={}", newest.saturating_add(rows).min(head)));
    let older = (oldest > first).then(|| format!("/?from={}", oldest - 1));
    let heads = ["block", "time", "transactions", "gas used", "hash"];
    let body = html! {
        (layout::list(&heads, &blocks, "There is no block yet."))
        (layout::pager(newer, older))
    };
    Ok(Shown::Html { title: "Latest blocks".to_owned(), body })
}

/// Returns the page of a block by its number or hash.
pub(crate) fn one(node: &Node, block: &str) -> Answer {
    let missing =
        || NoPage::NotFound(format!("block {}", block.chars().take(80).collect::<String>()));
    let names = Names::new(node)?;
    let reader = names.ledger().reader();
    let number = match (block.parse(), block.parse::<B256>()) {
        (Ok(number), _) => Some(number),
        (_, Ok(hash)) => reader.block_number(&hash)?,
        _ => None,
    };
    let number = number.ok_or_else(missing)?;
    let block = reader.block(number)?.ok_or_else(|| match number < reader.first_block() {
        true => NoPage::Pruned(reader.first_block()),
        false => missing(),
    })?;
    let header = &block.header;
    let receipts = reader.receipts(header.number)?.unwrap_or_default();
    let parent = header.number.checked_sub(1);
    let facts = [
        ("hash", layout::mono(header.hash())),
        (
            "parent",
            html! { @if let Some(parent) = parent { (layout::block(parent)) } @else { "none: the ledger begins here" } },
        ),
        ("time", html! { (layout::time(header.timestamp)) }),
        ("gas", html! { (header.gas_used) " of " (header.gas_limit) }),
        (
            "base fee",
            html! { (layout::grain(U256::from(header.base_fee_per_gas.unwrap_or_default()))) " a gas" },
        ),
        ("tips to", layout::account(&header.beneficiary)),
        ("state root", layout::mono(header.state_root)),
        ("transactions root", layout::mono(header.transactions_root)),
        ("receipts root", layout::mono(header.receipts_root)),
        ("randomness", layout::mono(header.mix_hash)),
    ];
    let rows: Vec<_> = block
        .transactions
        .iter()
        .zip(&receipts)
        .map(|(transaction, receipt)| transactions::row(&names, transaction, receipt))
        .collect();
    let body = html! {
        (layout::facts(&facts))
        h2 { "Transactions" }
        (layout::list(&transactions::HEADS, &rows, "None."))
        (layout::pager(
            (header.number < reader.head().number).then(|| format!("/block/{}", header.number + 1)),
            parent.map(|parent| format!("/block/{parent}")),
        ))
    };
    names.finish()?;
    Ok(Shown::Html { title: format!("Block {}", header.number), body })
}
