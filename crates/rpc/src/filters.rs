//! `eth_newFilter` and the other methods for clients that poll.

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
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::Reader;

/// Most entries in one answer; the next poll returns the rest.
const CHANGES_MAX: usize = 10_000;

/// What has been added since the last poll.
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

/// Returns all logs of a filter's blocks, also those returned before.
pub(crate) fn all_logs(context: &Context, name: &str) -> Answer<Vec<Log>> {
    let kind = context.filters().asked(name)?;
    let criteria = match &*locked(&kind) {
        Kind::Logs { criteria, .. } => criteria.clone(),
        Kind::Blocks(_) | Kind::Waiting(_) => return Err(refused("filter not found")),
    };
    logs::find(&context.node, &criteria)
}

/// Returns what has been added since the last poll, in the blocks that the filter names.
pub(crate) fn changes(context: &Context, name: &str) -> Answer<Changes> {
    let kind = context.filters().asked(name)?;
    Ok(match &mut *locked(&kind) {
        Kind::Logs { criteria, cursor } => {
            let reader = cursor.advance(&context.node)?;
            let (found, next) = logs::since(&reader, criteria, cursor.next)?;
            cursor.next = next;
            Changes::Logs(found)
        }
        Kind::Blocks(cursor) => {
            let reader = cursor.advance(&context.node)?;
            Changes::Hashes(hashes(&reader, cursor)?)
        }
        Kind::Waiting(feed) => Changes::Hashes(feed.take(CHANGES_MAX)),
    })
}

/// Locks one filter. It is consistent even after a panic: a poll changes it only as its last step.
fn locked(kind: &Mutex<Kind>) -> MutexGuard<'_, Kind> {
    kind.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hashes(reader: &Reader, cursor: &mut Cursor) -> Answer<Vec<B256>> {
    let mut hashes = Vec::new();
    while cursor.next <= reader.head().number && hashes.len() < CHANGES_MAX {
        hashes.extend(reader.header(cursor.next).map_err(internal)?.map(|header| header.hash()));
        cursor.next += 1;
    }
    Ok(hashes)
}
