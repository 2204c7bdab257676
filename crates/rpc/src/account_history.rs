//! What happened on the ledger by account, from the node's history index.

use crate::{
    error::{Answer, ErrorObject, internal, invalid, refused, unreadable_index},
    parameters::{Count, Parameter, Params, parse},
};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::Log;
use history::{
    EventEntry, EventFilter, IndexError, PAGE_MAX, Page, PageRequest, Position, Progress, Role,
    Status, TransactionEntry, TransferEntry, Unavailable, View,
};
use node::Node;
use serde::{Deserialize, Serialize};

/// Items of a page, unless asked otherwise.
const PAGE_STANDARD: usize = 25;

/// Which part of a list is wanted.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParameter {
    before: Option<String>,
    limit: Option<Count>,
}

/// Which events are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventParameter {
    account: Option<Address>,
    address: Option<Address>,
    topics: Option<Vec<Option<B256>>>,
}

impl Parameter for PageParameter {
    const FORM: &'static str = "a page (an object with before and limit)";
}

impl Parameter for EventParameter {
    const FORM: &'static str = "an object with account, or with address and topics";
}

/// A page, and what it is complete for.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePage<T> {
    items: Vec<T>,
    /// `before` of the next page.
    next: Option<String>,
    first_block: U64,
    last_block: U64,
    head_block: U64,
}

/// A transaction at a glance.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTransaction {
    hash: B256,
    block_number: U64,
    transaction_index: U64,
    timestamp: U64,
    roles: Vec<&'static str>,
    from: Address,
    to: Option<Address>,
    contract_address: Option<Address>,
    nonce: U64,
    value: U256,
    /// First four bytes of the calldata, if it has as many.
    selector: Option<Bytes>,
    status: U64,
}

/// A transfer of a token, or of the value of a transaction.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTransfer {
    transaction_hash: B256,
    block_number: U64,
    transaction_index: U64,
    log_index: Option<U64>,
    timestamp: U64,
    token: Option<Address>,
    from: Address,
    to: Address,
    value: U256,
}

/// How far the index is.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireStatus {
    state: &'static str,
    reason: Option<String>,
    first_block: Option<U64>,
    next_block: Option<U64>,
    head_block: U64,
    keeps: Vec<&'static str>,
    blocks_max: Option<U64>,
}

/// A value and perhaps a page.
pub(crate) fn parameters<T: Parameter>(params: &Params<'_>) -> Answer<(T, PageRequest)> {
    let (value, page) = parse(params, |sequence| {
        Ok((sequence.next()?, sequence.optional_next::<PageParameter>()?))
    })?;
    Ok((value, request(&page.unwrap_or_default())?))
}

fn request(page: &PageParameter) -> Answer<PageRequest> {
    let limit = page.limit.map_or(Some(PAGE_STANDARD), |limit| usize::try_from(limit.value()).ok());
    let limit = limit.filter(|limit| (1..=PAGE_MAX).contains(limit));
    let limit = limit.ok_or_else(|| invalid(format!("limit is not between 1 and {PAGE_MAX}")))?;
    let before = page.before.as_deref().map(str::parse::<Position>).transpose();
    let before = before.map_err(|error| invalid(format!("before: {error}")))?;
    Ok(PageRequest { before, limit })
}

impl EventParameter {
    /// The filter meant.
    pub(crate) fn filter(self) -> Answer<EventFilter> {
        match self {
            Self { account: Some(account), address: None, topics: None } => {
                Ok(EventFilter::Account(account))
            }
            Self { account: None, address: Some(address), topics } => {
                let listed = topics.unwrap_or_default();
                let mut topics = [None; 4];
                if listed.len() > topics.len() {
                    return Err(invalid("topics: an event has at most 4"));
                }
                topics[..listed.len()].copy_from_slice(&listed);
                Ok(EventFilter::Contract { address, topics })
            }
            Self { .. } => Err(invalid("give either account, or address and perhaps topics")),
        }
    }
}

pub(crate) fn transactions(
    node: &Node,
    (account, request): (Address, PageRequest),
) -> Answer<WirePage<WireTransaction>> {
    let view = view(node)?;
    let page = view.transactions(&account, request).map_err(unread)?;
    Ok(wire_page(&view, page, wire_transaction))
}

pub(crate) fn transfers(
    node: &Node,
    (account, request): (Address, PageRequest),
) -> Answer<WirePage<WireTransfer>> {
    let view = view(node)?;
    let page = view.transfers(&account, request).map_err(unread)?;
    Ok(wire_page(&view, page, wire_transfer))
}

pub(crate) fn events(
    node: &Node,
    (filter, request): (EventParameter, PageRequest),
) -> Answer<WirePage<Log>> {
    let filter = filter.filter()?;
    let view = view(node)?;
    let page = view.events(&filter, request).map_err(unread)?;
    Ok(wire_page(&view, page, wire_event))
}

/// How far the index is, and what it holds.
pub(crate) fn status(node: &Node) -> WireStatus {
    let head_block = U64::from(node.head().number);
    let Some(history) = node.history() else {
        return WireStatus {
            state: "off",
            reason: None,
            first_block: None,
            next_block: None,
            head_block,
            keeps: Vec::new(),
            blocks_max: None,
        };
    };
    let options = history.options();
    let (state, progress, reason) = match history.status() {
        Status::Opening => ("opening", None, None),
        Status::Building(progress) => ("building", Some(progress), None),
        Status::Current(progress) => ("current", Some(progress), None),
        Status::Failed { reason } => ("stopped", None, Some(reason)),
    };
    let kept = options.kept;
    let lists = [
        (kept.transactions, "transactions"),
        (kept.transfers, "transfers"),
        (kept.events, "events"),
    ];
    WireStatus {
        state,
        reason,
        first_block: progress.map(|Progress { first, .. }| U64::from(first)),
        next_block: progress.map(|Progress { next, .. }| U64::from(next)),
        head_block,
        keeps: lists.into_iter().filter_map(|(is_kept, name)| is_kept.then_some(name)).collect(),
        blocks_max: options.blocks_max.map(U64::from),
    }
}

fn view(node: &Node) -> Answer<View> {
    node.history_view().map_err(|error| match error {
        Unavailable::Index(error) => unread(error),
        error @ (Unavailable::Disabled | Unavailable::Opening | Unavailable::Failed { .. }) => {
            refused(error.to_string())
        }
    })
}

fn unread(error: IndexError) -> ErrorObject {
    match error {
        IndexError::Ledger(error) => internal(error),
        error @ IndexError::NotKept { .. } => refused(error.to_string()),
        error => unreadable_index(&error),
    }
}

fn wire_page<T, W>(view: &View, page: Page<T>, wire: impl Fn(T) -> W) -> WirePage<W> {
    let coverage = view.coverage();
    WirePage {
        items: page.items.into_iter().map(wire).collect(),
        next: page.next.map(|next| next.to_string()),
        first_block: U64::from(coverage.first),
        last_block: U64::from(coverage.last),
        head_block: U64::from(coverage.head),
    }
}

fn wire_transaction(entry: TransactionEntry) -> WireTransaction {
    let TransactionEntry { position, timestamp, roles, transaction, receipt } = entry;
    let from = transaction.signer();
    let is_created = transaction.to().is_none() && receipt.status();
    WireTransaction {
        hash: *transaction.tx_hash(),
        block_number: U64::from(position.block_number),
        transaction_index: U64::from(position.transaction_index),
        timestamp: U64::from(timestamp),
        roles: roles.into_iter().map(role).collect(),
        from,
        to: transaction.to(),
        contract_address: is_created.then(|| from.create(transaction.nonce())),
        nonce: U64::from(transaction.nonce()),
        value: transaction.value(),
        selector: transaction.input().get(..4).map(Bytes::copy_from_slice),
        status: U64::from(u8::from(receipt.status())),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Sender => "sender",
        Role::Recipient => "recipient",
        Role::Created => "created",
    }
}

fn wire_transfer(entry: TransferEntry) -> WireTransfer {
    WireTransfer {
        transaction_hash: entry.transaction_hash,
        block_number: U64::from(entry.position.block_number),
        transaction_index: U64::from(entry.position.transaction_index),
        log_index: entry.log_index.map(U64::from),
        timestamp: U64::from(entry.timestamp),
        token: entry.token,
        from: entry.from,
        to: entry.to,
        value: entry.amount,
    }
}

fn wire_event(entry: EventEntry) -> Log {
    Log {
        inner: entry.log,
        block_hash: Some(entry.block_hash),
        block_number: Some(entry.position.block_number),
        block_timestamp: Some(entry.timestamp),
        transaction_hash: Some(entry.transaction_hash),
        transaction_index: Some(u64::from(entry.position.transaction_index)),
        log_index: Some(u64::from(entry.log_index)),
        removed: false,
    }
}
