//! The kinds of subscriptions, and their notifications.

use crate::{
    criteria::Criteria,
    cursor::Cursor,
    error::{Answer, internal, invalid},
    logs,
    outbox::{Disconnected, Outbox},
    parameters::{self, Params},
};
use alloy_consensus::{Header as Inner, Sealed};
use alloy_rpc_types_eth::{Filter, Header};
use node::{Node, WaitingFeed};
use serde::Serialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use store::Reader;
use tokio::sync::watch;

/// The method of a notification.
const NOTIFICATION: &str = "eth_subscription";
/// How long a client may leave a full queue unread.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most hashes of new transactions in one read.
const WAITING_MAX: usize = 1_024;
/// Most headers in one read.
const HEADERS_MAX: usize = 1_024;

/// What a subscription reports, from the moment it was requested.
pub(super) enum Feed {
    Heads(Blocks),
    Logs(Blocks, Arc<Criteria>),
    Waiting(WaitingFeed),
    Syncing,
}

/// New blocks.
pub(super) struct Blocks {
    node: Node,
    heads: watch::Receiver<Sealed<Inner>>,
    cursor: Cursor,
}

impl Feed {
    pub(super) fn new(node: &Node, params: &Params<'_>) -> Answer<Self> {
        parameters::parse(params, |sequence| {
            let name: String = sequence.next()?;
            Ok(match name.as_str() {
                "newHeads" => Self::Heads(Blocks::new(node)?),
                "logs" => {
                    let filter: Filter = sequence.optional_next()?.unwrap_or_default();
                    Self::Logs(Blocks::new(node)?, Arc::new(Criteria::new(filter)?))
                }
                "newPendingTransactions" => {
                    if sequence.optional_next::<bool>()? == Some(true) {
                        let message = "full pending transactions are not served: ask by hash";
                        return Err(invalid(message));
                    }
                    Self::Waiting(node.subscribe_waiting())
                }
                "syncing" => Self::Syncing,
                _ => return Err(invalid(format!("no {name:?} subscription in eth namespace"))),
            })
        })
    }

    /// Returns the number of addresses and topics.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Logs(_, criteria) => criteria.weight(),
            Self::Heads(_) | Self::Waiting(_) | Self::Syncing => 0,
        }
    }

    /// Reports until the client or the node ends the subscription.
    pub(super) async fn run(self, sink: &Sink) {
        match self {
            Self::Heads(blocks) => blocks.report(sink, headers).await,
            Self::Logs(blocks, criteria) => {
                let find = move |reader: &Reader, next| logs::since(reader, &criteria, next);
                blocks.report(sink, find).await;
            }
            Self::Waiting(feed) => report_transactions(sink, feed).await,
            Self::Syncing => report_syncing(sink).await,
        }
    }
}

impl Blocks {
    fn new(node: &Node) -> Answer<Self> {
        let heads = node.subscribe_heads();
        Ok(Self { node: node.clone(), heads, cursor: Cursor::at_head(node)? })
    }

    /// Reports what `find` returns for the blocks from the cursor on, whenever there are new ones.
    async fn report<T: Serialize + Send + Sync + 'static>(
        mut self,
        sink: &Sink,
        find: impl Fn(&Reader, u64) -> Answer<(Vec<T>, u64)> + Clone + Send + 'static,
    ) {
        loop {
            let find = find.clone();
            let read = move || {
                let reader = self.cursor.advance(&self.node)?;
                let (found, next) = find(&reader, self.cursor.next)?;
                self.cursor.next = next;
                Answer::Ok((self, found, next > reader.head().number))
            };
            // When reading the disk fails, the subscription ends: otherwise the client would miss blocks without noticing.
            let Ok(Ok((blocks, found, is_all))) = tokio::task::spawn_blocking(read).await else {
                return;
            };
            self = blocks;
            if sink.send_all(&found).await.is_err() {
                return;
            }
            if is_all && self.heads.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Returns the headers of blocks from `next` on, and the height to continue from.
fn headers(reader: &Reader, mut next: u64) -> Answer<(Vec<Header>, u64)> {
    let mut headers = Vec::new();
    while next <= reader.head().number && headers.len() < HEADERS_MAX {
        let header = reader.header(next).map_err(internal)?;
        headers.extend(header.map(|header| Header::from_consensus(header, None, None)));
        next += 1;
    }
    Ok((headers, next))
}

async fn report_transactions(sink: &Sink, mut feed: WaitingFeed) {
    while let Some(hashes) = feed.next(WAITING_MAX).await {
        if sink.send_all(&hashes).await.is_err() {
            return;
        }
    }
}

/// Reports once that the node is not syncing: the ledger of a single node is never behind.
async fn report_syncing(sink: &Sink) {
    if sink.send_all(&[false]).await.is_ok() {
        sink.outbox.closed().await;
    }
}

/// The receiver of a subscription's notifications.
pub(super) struct Sink {
    outbox: Outbox,
    name: String,
}

impl Sink {
    pub(super) fn new(outbox: Outbox, name: &str) -> Self {
        Self { outbox, name: name.to_owned() }
    }

    /// Sends one item after the other; fails when the client has disconnected or does not read.
    async fn send_all(&self, items: &[impl Serialize]) -> Result<(), Disconnected> {
        for item in items {
            let text = json!({
                "jsonrpc": "2.0",
                "method": NOTIFICATION,
                "params": { "subscription": self.name, "result": item },
            });
            let put = self.outbox.put(text.to_string());
            tokio::time::timeout(PATIENCE, put).await.map_err(|_| Disconnected)??;
        }
        Ok(())
    }
}
