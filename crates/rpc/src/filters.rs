//! `eth_newFilter` and its relatives, for clients that poll.

use crate::{
    context::Context,
    criteria::Criteria,
    cursor::Cursor,
    error::{Answer, internal, refused},
    filter_store::Kind,
    logs,
};
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log};
use serde::Serialize;
use store::Reader;

/// Most entries in one answer; the rest is in the next.
const CHANGES_MAX: usize = 10_000;

/// What has come since the last look.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Changes {
    Logs(Vec<Log>),
    Hashes(Vec<B256>),
}

pub(crate) fn new_logs(context: &Context, filter: Filter) -> Answer<String> {
    let criteria = Box::new(Criteria::new(filter)?);
    let cursor = Cursor::at_head(&context.node)?;
    Ok(context.filters().add(Kind::Logs { criteria, cursor }))
}

pub(crate) fn new_blocks(context: &Context) -> Answer<String> {
    let cursor = Cursor::at_head(&context.node)?;
    Ok(context.filters().add(Kind::Blocks(cursor)))
}

pub(crate) fn new_waiting(context: &Context) -> Answer<String> {
    let feed = context.node.subscribe_waiting();
    Ok(context.filters().add(Kind::Waiting(feed)))
}

pub(crate) fn uninstall(context: &Context, name: &str) -> Answer<bool> {
    Ok(context.filters().remove(name))
}

/// All logs that a filter's blocks hold, new or not.
pub(crate) fn all_logs(context: &Context, name: &str) -> Answer<Vec<Log>> {
    let criteria = match context.filters().asked(name)? {
        Kind::Logs { criteria, .. } => criteria.clone(),
        Kind::Blocks(_) | Kind::Waiting(_) => return Err(refused("filter not found")),
    };
    logs::find(&context.node, &criteria)
}

/// What has come since the last look, of the blocks that the filter names.
pub(crate) fn changes(context: &Context, name: &str) -> Answer<Changes> {
    let mut filters = context.filters();
    Ok(match filters.asked(name)? {
        Kind::Logs { criteria, cursor } => {
            let reader = cursor.look(&context.node)?;
            let (found, next) = logs::since(&reader, criteria, cursor.next)?;
            cursor.next = next;
            Changes::Logs(found)
        }
        Kind::Blocks(cursor) => {
            let reader = cursor.look(&context.node)?;
            Changes::Hashes(hashes(&reader, cursor)?)
        }
        Kind::Waiting(feed) => Changes::Hashes(feed.take(CHANGES_MAX)),
    })
}

fn hashes(reader: &Reader, cursor: &mut Cursor) -> Answer<Vec<B256>> {
    let mut hashes = Vec::new();
    while cursor.next <= reader.head().number && hashes.len() < CHANGES_MAX {
        hashes.extend(reader.header(cursor.next).map_err(internal)?.map(|header| header.hash()));
        cursor.next += 1;
    }
    Ok(hashes)
}
