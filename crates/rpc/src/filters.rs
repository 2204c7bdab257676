//! Filters kept for clients that poll: `eth_newFilter` and its relatives.
//!
//! A filter that nobody asks for [`IDLE_MAX`] is forgotten, and the one not asked for longest makes room when there are too many. Its name can't
//! be guessed, so that no client meddles with another's.

use crate::{
    context::Context,
    error::{Answer, internal, refused},
    logs,
};
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log};
use jsonrpsee::{
    server::{IdProvider, RandomIntegerIdProvider},
    types::SubscriptionId,
};
use node::WaitingFeed;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Most filters kept at a time, for all clients.
const FILTERS_MAX: usize = 1_024;
/// Most entries in one answer; the rest is in the next.
const CHANGES_MAX: usize = 10_000;
/// How long a filter is kept that nobody asks for. As in geth.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// Names of subscriptions and filters as Ethereum has them: `0x` and hexadecimal digits, random.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HexIds;

impl HexIds {
    pub(crate) fn next(self) -> String {
        let half = || match RandomIntegerIdProvider.next_id() {
            SubscriptionId::Num(number) => number,
            SubscriptionId::Str(_) => 0,
        };
        format!("0x{:x}{:014x}", half(), half())
    }
}

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        SubscriptionId::Str(self.next().into())
    }
}

/// What has come since the last look.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Changes {
    Logs(Vec<Log>),
    Hashes(Vec<B256>),
}

/// All filters, by name.
#[derive(Default)]
pub(crate) struct Filters {
    kept: BTreeMap<String, Kept>,
}

struct Kept {
    kind: Kind,
    asked: Instant,
}

enum Kind {
    /// Logs of blocks from `next` on.
    Logs { filter: Box<Filter>, next: u64 },
    /// Hashes of blocks from `next` on.
    Blocks { next: u64 },
    /// Hashes of transactions that began to wait.
    Waiting(WaitingFeed),
}

impl Filters {
    fn add(&mut self, kind: Kind) -> String {
        let now = now();
        self.kept.retain(|_, kept| now.duration_since(kept.asked) < IDLE_MAX);
        if self.kept.len() >= FILTERS_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.asked);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.kept.remove(&name);
            }
        }
        let name = HexIds.next();
        self.kept.insert(name.clone(), Kept { kind, asked: now });
        name
    }

    fn asked(&mut self, name: &str) -> Answer<&mut Kept> {
        let kept = self.kept.get_mut(name).ok_or_else(|| refused("filter not found"))?;
        kept.asked = now();
        Ok(kept)
    }
}

pub(crate) fn new_logs(context: &Context, filter: Filter) -> Answer<String> {
    let next = context.node.head().number + 1;
    Ok(context.filters().add(Kind::Logs { filter: Box::new(filter), next }))
}

pub(crate) fn new_blocks(context: &Context) -> Answer<String> {
    let next = context.node.head().number + 1;
    Ok(context.filters().add(Kind::Blocks { next }))
}

pub(crate) fn new_waiting(context: &Context) -> Answer<String> {
    let feed = context.node.subscribe_waiting();
    Ok(context.filters().add(Kind::Waiting(feed)))
}

pub(crate) fn uninstall(context: &Context, name: &str) -> Answer<bool> {
    Ok(context.filters().kept.remove(name).is_some())
}

/// All logs that a filter's blocks hold, new or not.
pub(crate) fn all_logs(context: &Context, name: &str) -> Answer<Vec<Log>> {
    let filter = match &context.filters().asked(name)?.kind {
        Kind::Logs { filter, .. } => filter.clone(),
        Kind::Blocks { .. } | Kind::Waiting(_) => return Err(refused("filter not found")),
    };
    logs::find(&context.node, &filter)
}

pub(crate) fn changes(context: &Context, name: &str) -> Answer<Changes> {
    let reader = context.node.reader().map_err(internal)?;
    let head = reader.head().number;
    let mut filters = context.filters();
    Ok(match &mut filters.asked(name)?.kind {
        Kind::Logs { filter, next } => {
            // Below it when a ledger for development has gone back.
            *next = (*next).min(head + 1);
            let (found, then) = logs::since(&reader, filter, *next)?;
            *next = then;
            Changes::Logs(found)
        }
        Kind::Blocks { next } => {
            let mut hashes = Vec::new();
            *next = (*next).min(head + 1);
            while *next <= head && hashes.len() < CHANGES_MAX {
                hashes.extend(reader.header(*next).map_err(internal)?.map(|header| header.hash()));
                *next += 1;
            }
            Changes::Hashes(hashes)
        }
        Kind::Waiting(feed) => Changes::Hashes(feed.take(CHANGES_MAX)),
    })
}

#[expect(clippy::disallowed_methods, reason = "the shell measures how long nobody asked")]
fn now() -> Instant {
    Instant::now()
}
