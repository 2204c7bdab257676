//! Pages about a ledger, rendered by the node.
//!
//! [`page`] returns a whole HTML page for a path, from the node's own disk: latest blocks, a block, a transaction
//! with its decoded native calls and events, an account, the training runs, the assets. No JavaScript, no external
//! content, no configuration; works in any browser.
//!
//! Native modules are recognised by their address, and instances that factories have created by the code there (`names`). Calls, events and errors are
//! decoded by the catalogue of interfaces, batches with their inner calls (`decode`); what a number counts is known by module and name (`units`).
//!
//! Markets: `pools` and `pool` show pairs and pools with their price, liquidity and newest trades, `positions` and `holdings` what accounts have in them, `stakes` what pays a
//! yield, `prices` feeds and who reported what. What is there now is read by `ledger-views`; what happened is read from the history index (`events`, `trades`), of which a
//! page reads a bounded number of entries. `chart` draws SVG.
//!
//! Governance: `proposals` shows what is proposed, with its calls decoded, and how both houses vote; `houses` what they are, decide and spend.
//!
//! Everything shown comes from outside and is escaped; every list is bounded and pages on. Tokens may be strangers' contracts: what they are asked for a page is bounded in gas
//! (`bounded`), and one that does not answer is shown by its address. An account's page is read from the node's history
//! index; where there is none, or while it is being built, at most [`BLOCKS_SEARCHED_MAX`] blocks are searched instead.
//!
//! The crate holds no state and changes nothing. `rpc` sends the pages to browsers.

mod accounts;
mod activity;
mod assets;
mod blocks;
mod bounded;
mod chart;
mod decode;
mod events;
mod figures;
mod holdings;
mod houses;
mod layout;
mod measures;
mod modules;
mod names;
mod pool;
mod pools;
mod positions;
mod prices;
mod proposals;
mod replay;
mod revisions;
mod risk;
mod runs;
mod search;
mod stakes;
mod trades;
mod transactions;
mod units;
mod visible;

use alloy_primitives::{Address, B256};
use history::IndexError;
use ledger_views::{ViewError, Window};
use node::{LocalError, Node};
use store::StoreError;

/// Rows of a list per page.
const ROWS: usize = 25;
/// Number of blocks searched for an account's transactions where the node's history index is not available.
pub const BLOCKS_SEARCHED_MAX: u64 = 1_000;

/// A response to a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// HTTP status: 200, 303, 404 or 500.
    pub status: u16,
    /// The address to redirect to, for 303.
    pub location: Option<String>,
    /// The HTML.
    pub body: String,
}

/// Why a page can't be shown.
enum NoPage {
    /// The thing does not exist.
    NotFound(String),
    /// The block is not kept; the first one that is.
    Pruned(u64),
    /// The disk failed.
    Store(StoreError),
    /// The history index's file.
    Index(IndexError),
    /// A module did not say what it must.
    View(Box<ViewError<LocalError>>),
}

impl From<IndexError> for NoPage {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Ledger(error) => Self::Store(error),
            error => Self::Index(error),
        }
    }
}

impl From<ViewError<LocalError>> for NoPage {
    fn from(error: ViewError<LocalError>) -> Self {
        match error {
            ViewError::Unanswered(LocalError::Store(error)) => Self::Store(error),
            ViewError::Unanswered(LocalError::Pruned { first, .. }) => Self::Pruned(first),
            other => Self::View(Box::new(other)),
        }
    }
}

impl NoPage {
    /// Why there is no page of something that the ledger numbers: it refuses a number that it has not given.
    fn of(error: ViewError<LocalError>, what: &str, number: u64) -> Self {
        match error {
            ViewError::Refused { .. } => Self::NotFound(format!("{what} {number}")),
            other => other.into(),
        }
    }
}

impl From<StoreError> for NoPage {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The content of a path.
enum Shown {
    Html { title: String, body: maud::Markup },
    Elsewhere(String),
}

type Answer = Result<Shown, NoPage>;

/// Returns the page at a path, which may end in a query: `/block/7?page=2`.
#[must_use]
pub fn page(node: &Node, path_and_query: &str) -> Page {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let (status, title, body) = match route(node, path, query) {
        Ok(Shown::Elsewhere(location)) => {
            return Page { status: 303, location: Some(location), body: String::new() };
        }
        Ok(Shown::Html { title, body }) => (200, title, body),
        Err(NoPage::NotFound(what)) => {
            let body = maud::html! { p { "There is no " (what) " on this ledger." } };
            (404, "Not found".to_owned(), body)
        }
        Err(NoPage::Pruned(first)) => {
            let body = maud::html! { p { "This node keeps block 0 and the blocks from " (layout::block(first)) " on." } };
            (404, "Not kept by this node".to_owned(), body)
        }
        Err(NoPage::Index(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the history index can't be read"
            );
            let body =
                maud::html! { p { "The history index can't be read; the node's log says why." } };
            (500, "The node's disk".to_owned(), body)
        }
        Err(NoPage::Store(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "the ledger can't be read");
            let body =
                maud::html! { p { "The ledger can't be read; the node's log has the reason." } };
            (500, "The node's disk".to_owned(), body)
        }
        Err(NoPage::View(error)) => {
            tracing::error!(error = &*error as &dyn std::error::Error, "the ledger can't be read");
            let body = maud::html! { p { "The ledger can't be read; the node's log says why." } };
            (500, "Not readable".to_owned(), body)
        }
    };
    Page { status, location: None, body: layout::whole(node, &title, &body) }
}

fn route(node: &Node, path: &str, query: &str) -> Answer {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let route = (parts.next(), parts.next(), parts.next());
    match route {
        (None, _, _) => blocks::latest(node, query),
        (Some("block"), Some(block), None) => blocks::one(node, block),
        (Some("tx"), Some(hash), None) => transactions::one(node, &parsed::<B256>(hash)?),
        // `address` and `token`, like `block` and `tx`, are the paths of EIP-3091, which wallets use for any explorer.
        (Some("account" | "address"), Some(address), None) => {
            accounts::one(node, &parsed::<Address>(address)?, query)
        }
        (Some("token"), Some(address), None) => {
            let address = parsed::<Address>(address)?;
            Ok(Shown::Elsewhere(match abi::asset_number(&address) {
                Some(asset) => format!("/asset/{asset}"),
                None => format!("/account/{address:#x}"),
            }))
        }
        (Some("runs"), None, None) => runs::list(node, query),
        (Some("run"), Some(run), None) => runs::one(node, parsed(run)?),
        (Some("assets"), None, None) => assets::list(node, query),
        (Some("asset"), Some(asset), None) => assets::one(node, parsed(asset)?),
        (Some("pools"), None, None) => pools::list(node, query),
        (Some("pool"), Some(address), None) => pool::one(node, &parsed(address)?, query),
        (Some("position"), Some(id), None) => positions::one(node, parsed(id)?),
        (Some("stakes"), None, None) => stakes::list(node, query),
        (Some("stake"), Some(address), None) => stakes::one(node, &parsed(address)?, query),
        (Some("prices"), None, None) => prices::list(node, query),
        (Some("price"), Some(number), None) => prices::one(node, parsed(number)?),
        (Some("measures"), None, None) => measures::page(node),
        (Some("proposals"), None, None) => proposals::list(node, query),
        (Some("proposal"), Some(proposal), None) => proposals::one(node, proposal),
        (Some("houses"), None, None) => houses::show(node, query),
        (Some("revisions"), None, None) => revisions::show(node),
        (Some("modules"), None, None) => modules::list(),
        (Some("module"), Some(name), None) => modules::one(name),
        (Some("search"), None, None) => search::find(node, query),
        _ => Err(NoPage::NotFound("such page".to_owned())),
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, NoPage> {
    text.parse()
        .map_err(|_| NoPage::NotFound(format!("“{}”", text.chars().take(80).collect::<String>())))
}

/// Returns the part of a list that a query asks for: `from=7` is the newest.
fn window(query: &str) -> Window {
    Window { newest: number(query, "from"), items: u64::try_from(ROWS).unwrap_or(u64::MAX) }
}

/// Returns the number in a query, such as `name=7`.
fn number(query: &str, name: &str) -> Option<u64> {
    value(query, name)?.parse().ok()
}

/// Returns the value in a query, as it is written there.
fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
