//! The page of an account or contract.

use crate::{
    Answer, BLOCKS_SEARCHED_MAX, NoPage, ROWS, Shown, activity,
    events::{Events, sentence},
    holdings, layout, modules,
    names::Names,
    number, pools, stakes, transactions,
};
use abi::convert;
use alloy_consensus::Transaction as _;
use alloy_primitives::Address;
use history::{Coverage, Unavailable};
use ledger_views::{
    accounts::{self, Code},
    ready,
};
use maud::{Markup, html};
use node::Node;
use store::{Reader, StoreError};

pub(crate) fn one(node: &Node, address: &Address, query: &str) -> Answer {
    let names = Names::new(node)?;
    let account = ready(accounts::account(&node.local()?, &convert::account(*address)))?;
    let mut facts = vec![
        ("address", layout::mono(address.to_checksum(None))),
        ("balance", html! { (layout::grain(account.balance)) " GRAIN" }),
        ("transactions sent", html! { (account.nonce) }),
    ];
    let (kind, code) = match account.code {
        Code::None => ("Account", None),
        Code::Module { .. } | Code::Asset { .. } => ("Module", Some(html! { "native module" })),
        Code::Delegated { .. } => ("Contract", Some(html! { "delegates (EIP-7702)" })),
        Code::Contract { size } => ("Contract", Some(html! { (size) " bytes" })),
    };
    facts.extend(code.map(|code| ("code", code)));
    let module = match account.code {
        Code::Module { name } => abi::Module::named(name),
        Code::Asset { .. } => abi::Module::at(address),
        Code::None | Code::Delegated { .. } | Code::Contract { .. } => None,
    };
    if let Some(module) = module {
        facts.push(("interface", html! { a href=(modules::path(module)) { (module.name) } }));
    }
    if let Some(page) = module.and_then(|module| market_page(module, address)) {
        facts.push(page);
    }
    if let Code::Asset { number } = account.code {
        facts.push(("asset", layout::asset(number)));
    }
    let events = Events::new(node)?;
    let holdings = holdings::of(&names, &events, address, query)?;
    let activity = match node.history_view() {
        Ok(view) if view.coverage().is_current() => activity::lists(&names, &view, address, query)?,
        Ok(view) => {
            let Coverage { last, head, .. } = view.coverage();
            let why = format!("The history index is being built: it is at block {last} of {head}.");
            searched(&names, address, query, &why)?
        }
        Err(Unavailable::Index(error)) => return Err(error.into()),
        Err(error) => searched(&names, address, query, &sentence(&error))?,
    };
    let body = html! { (layout::facts(&facts)) (holdings) (activity) };
    names.finish()?;
    Ok(Shown::Html { title: format!("{kind} {address}"), body })
}

/// The page that shows what an instance of a module is for.
fn market_page(module: &abi::Module, address: &Address) -> Option<(&'static str, Markup)> {
    let (name, path) = match module.name {
        "UniswapV2Pair" | "UniswapV3Pool" => ("pool", pools::path(address)),
        "StakingRewards" | "MasterChef" | "Vault" | "FeeVault" => ("stake", stakes::path(address)),
        "PriceFeed" => ("price", format!("/price/{}", abi::price_feed_number(address)?)),
        _ => return None,
    };
    Some((name, html! { a href=(path) { "price, liquidity, newest events" } }))
}

/// What is found by searching the newest blocks, where the history index can't tell: `why`.
fn searched(
    names: &Names<'_>,
    address: &Address,
    query: &str,
    why: &str,
) -> Result<Markup, NoPage> {
    let reader = names.ledger().reader();
    let newest = number(query, "from").unwrap_or(u64::MAX).min(reader.head().number);
    let (rows, older) = recent(names, reader, address, newest)?;
    let looked_back = newest.saturating_sub(older.unwrap_or(0));
    let empty = format!("None in the {looked_back} blocks up to block {newest}.");
    Ok(html! {
        h2 { "Transactions" }
        (layout::list(&transactions::HEADS, &rows, &empty))
        (layout::pager(None, older.map(|older| format!("/account/{address:#x}?from={older}"))))
        p class="quiet" { (why) }
    })
}

/// Returns transactions from or to an account, newest first, and the block to continue from.
fn recent(
    names: &Names<'_>,
    reader: &Reader,
    address: &Address,
    newest: u64,
) -> Result<(Vec<Vec<Markup>>, Option<u64>), StoreError> {
    let mut rows = Vec::new();
    let oldest = newest.saturating_sub(BLOCKS_SEARCHED_MAX - 1);
    for number in (oldest..=newest).rev() {
        let Some(block) = reader.block(number)? else { continue };
        let is_theirs = |transaction: &&_| {
            let transaction: &alloy_consensus::transaction::Recovered<execution::Transaction> =
                transaction;
            transaction.signer() == *address || transaction.to() == Some(*address)
        };
        if block.transactions.iter().any(|transaction| is_theirs(&transaction)) {
            let receipts = reader.receipts(number)?.unwrap_or_default();
            let pairs = block.transactions.iter().zip(&receipts).rev();
            let theirs = pairs.filter(|(transaction, _)| is_theirs(transaction));
            rows.extend(
                theirs.map(|(transaction, receipt)| transactions::row(names, transaction, receipt)),
            );
        }
        // All transactions of a block are on one page.
        if rows.len() >= ROWS {
            return Ok((rows, number.checked_sub(1)));
        }
    }
    Ok((rows, oldest.checked_sub(1)))
}
