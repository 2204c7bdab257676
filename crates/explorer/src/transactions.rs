//! The page of a transaction.

use crate::{Answer, NoPage, Shown, decode, layout, names::Names, replay};
use abi::{Module, Place};
use alloy_consensus::{ReceiptEnvelope, Transaction as _, Typed2718 as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, U256};
use execution::Transaction;
use maud::{Markup, html};
use node::Node;

/// Largest number of logs shown.
const LOGS_SHOWN_MAX: usize = 200;

/// The headings of [`row`].
pub(crate) const HEADS: [&str; 6] = ["transaction", "", "from", "to", "GRAIN", "what"];

/// Returns a row about a transaction in a block.
pub(crate) fn row(
    names: &Names<'_>,
    transaction: &Recovered<Transaction>,
    receipt: &ReceiptEnvelope,
) -> Vec<Markup> {
    vec![
        layout::transaction(transaction.tx_hash()),
        outcome(receipt.status()),
        layout::account(&transaction.signer()),
        html! { @if let Some(to) = transaction.to() { (names.account(&to)) } @else { "a new contract" } },
        html! { (layout::grain(transaction.value())) },
        html! { (what(names, transaction)) },
    ]
}

fn outcome(succeeded: bool) -> Markup {
    html! { @if succeeded { "done" } @else { span class="bad" { "failed" } } }
}

/// Describes a transaction in a word or two.
fn what(names: &Names<'_>, transaction: &Recovered<Transaction>) -> String {
    let input = transaction.input();
    match transaction.to() {
        None => "creation".to_owned(),
        Some(_) if input.is_empty() => "transfer".to_owned(),
        Some(to) => {
            decode::call(names, &to, input).map_or_else(|| selector(input), |call| call.summary())
        }
    }
}

fn selector(input: &Bytes) -> String {
    input.get(..4).map_or_else(
        || "call".to_owned(),
        |start| format!("call {}", Bytes::copy_from_slice(start)),
    )
}

pub(crate) fn one(node: &Node, hash: &B256) -> Answer {
    let waiting = node.waiting(hash);
    let names = Names::new(node)?;
    let reader = names.ledger().reader();
    let title = "Transaction".to_owned();
    let Some(location) = reader.locate(hash)? else {
        let transaction =
            waiting.ok_or_else(|| NoPage::NotFound(format!("transaction {hash:#x}")))?;
        let body = html! {
            p { "The transaction waits for a block." }
            (layout::facts(&common(&names, &transaction)))
            (input(&names, &transaction))
        };
        names.finish()?;
        return Ok(Shown::Html { title, body });
    };
    let missing = || NoPage::NotFound(format!("transaction {hash:#x}"));
    let block = reader.block(location.block_number)?.ok_or_else(missing)?;
    let receipts = reader.receipts(location.block_number)?.unwrap_or_default();
    let transaction = block.transactions.get(location.index).ok_or_else(missing)?;
    let receipt = receipts.get(location.index).ok_or_else(missing)?;
    let before = location.index.checked_sub(1).and_then(|index| receipts.get(index));
    let before = before.map_or(0, ReceiptEnvelope::cumulative_gas_used);
    let gas_used = receipt.cumulative_gas_used().saturating_sub(before);
    let price = transaction.effective_gas_price(block.header.base_fee_per_gas);
    let fee = U256::from(price).saturating_mul(U256::from(gas_used));
    let calls = match transaction.input().is_empty() {
        true => None,
        false => replay::calls(&names, &block, &receipts, location.index)?,
    };
    let failure = calls.as_ref().and_then(replay::failure);
    let mut facts = vec![
        (
            "outcome",
            html! { (outcome(receipt.status())) @if let Some(why) = failure { ", " (why) } },
        ),
        (
            "block",
            html! { (layout::block(location.block_number)) ", " (layout::time(block.header.timestamp)) },
        ),
    ];
    facts.extend(common(&names, transaction));
    facts.push(("gas", html! { (gas_used) " of " (transaction.gas_limit()) }));
    facts.push(("fee", html! { (layout::grain(fee)) " GRAIN" }));
    if transaction.to().is_none() {
        let created = transaction.signer().create(transaction.nonce());
        facts.push(("new contract", layout::account(&created)));
    }
    let body = html! {
        (layout::facts(&facts))
        (input(&names, transaction))
        @if let Some(calls) = calls.filter(|calls| !calls.calls.is_empty()) {
            h2 { "Calls inside" }
            (replay::tree(&names, &calls))
        }
        h2 { "Events" }
        (events(&names, receipt))
    };
    names.finish()?;
    Ok(Shown::Html { title, body })
}

fn common(names: &Names<'_>, transaction: &Recovered<Transaction>) -> Vec<(&'static str, Markup)> {
    let kind = match transaction.ty() {
        0 => "legacy",
        1 => "with an access list (EIP-2930)",
        2 => "EIP-1559",
        4 => "with delegations (EIP-7702)",
        _ => "other",
    };
    vec![
        ("hash", layout::mono(transaction.tx_hash())),
        ("from", layout::account(&transaction.signer())),
        (
            "to",
            html! { @if let Some(to) = transaction.to() { (names.account(&to)) } @else { "a new contract" } },
        ),
        ("value", html! { (layout::grain(transaction.value())) " GRAIN" }),
        ("nonce", html! { (transaction.nonce()) }),
        ("kind", html! { (kind) }),
    ]
}

fn input(names: &Names<'_>, transaction: &Recovered<Transaction>) -> Markup {
    let input = transaction.input();
    let decoded = transaction.to().and_then(|to| decode::call(names, &to, input));
    html! {
        @if !input.is_empty() {
            h2 { @if transaction.to().is_some() { "Call" } @else { "Creation code" } }
            @if let Some(decoded) = decoded { pre { (decoded.shown(names)) } }
            @else { pre { (decode::hexadecimal(input)) } }
        }
    }
}

fn events(names: &Names<'_>, receipt: &ReceiptEnvelope) -> Markup {
    let logs = receipt.logs();
    html! {
        @if logs.is_empty() { p class="quiet" { "None." } }
        @for log in logs.iter().take(LOGS_SHOWN_MAX) {
            p { "From " (names.account(&log.address)) (from_note(names, &log.address)) }
            @if let Some(decoded) = decode::event(names, log) { pre { (decoded.shown(names)) } }
            @else {
                pre {
                    @for topic in log.topics() { "topic " (format!("{topic:#x}")) "\n" }
                    "data  " (decode::hexadecimal(&log.data.data))
                }
            }
        }
        @if logs.len() > LOGS_SHOWN_MAX { p class="quiet" { "and " (logs.len() - LOGS_SHOWN_MAX) " more" } }
    }
}

/// What is known of a contract beyond the name by which it is shown.
fn from_note(names: &Names<'_>, address: &Address) -> Markup {
    let is_said = Module::at(address).is_some_and(|module| matches!(module.place, Place::Fixed(_)));
    decode::note(&if is_said { None } else { decode::address_note(names, address) })
}
