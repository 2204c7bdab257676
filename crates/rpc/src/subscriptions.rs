//! `eth_subscribe`, over WebSocket.
//!
//! A client that does not read as fast as blocks come is not waited for: its subscription ends, and it can read what it missed by number.

use crate::{
    context::Context,
    error::{Answer, internal, invalid},
    logs, parameters,
};
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Header, Log};
use jsonrpsee::{
    Extensions, PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink, types::Params,
};
use node::Node;
use serde::Serialize;
use std::{sync::Arc, time::Duration};

pub(crate) const SUBSCRIBE: &str = "eth_subscribe";
pub(crate) const NOTIFICATION: &str = "eth_subscription";
pub(crate) const UNSUBSCRIBE: &str = "eth_unsubscribe";

/// How long a client may leave a full queue unread.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most hashes of waiting transactions taken at once.
const WAITING_MAX: usize = 1_024;

/// What is subscribed to.
enum Topic {
    Heads,
    Logs(Box<Filter>),
    Waiting,
}

/// Serves one subscription until the client or the node ends it.
pub(crate) async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    context: Arc<Context>,
    _: Extensions,
) {
    let topic = match topic(&params) {
        Ok(topic) => topic,
        Err(error) => return pending.reject(error).await,
    };
    let node = context.node.clone();
    drop(context);
    // What comes from here on is told, even while the client is still being answered.
    match topic {
        Topic::Waiting => waiting(&node, pending).await,
        topic => blocks(&node, pending, &topic).await,
    }
}

fn topic(params: &Params<'_>) -> Answer<Topic> {
    parameters::parse(params, |sequence| {
        let name: String = sequence.next()?;
        Ok(match name.as_str() {
            "newHeads" => Topic::Heads,
            "logs" => Topic::Logs(Box::new(sequence.optional_next()?.unwrap_or_default())),
            "newPendingTransactions" => match sequence.optional_next::<bool>()? {
                Some(true) => {
                    return Err(invalid("full pending transactions are not served: ask by hash"));
                }
                Some(false) | None => Topic::Waiting,
            },
            _ => return Err(invalid(format!("no \"{name}\" subscription in eth namespace"))),
        })
    })
}

/// Blocks come one after the other, however seldom this looks.
async fn blocks(node: &Node, pending: PendingSubscriptionSink, topic: &Topic) {
    let mut heads = node.subscribe_heads();
    let mut next = node.head().number + 1;
    let Ok(sink) = pending.accept().await else { return };
    loop {
        tokio::select! {
            () = sink.closed() => return,
            changed = heads.changed() => if changed.is_err() { return },
        }
        let head = node.head().number;
        // Below it when a ledger for development has gone back.
        next = next.min(head + 1);
        while next <= head {
            let told = match topic {
                Topic::Logs(filter) => {
                    let filter = filter.clone();
                    match read(node, move |node| logs_from(node, &filter, next)).await {
                        Some((logs, then)) => {
                            next = then;
                            tell_all(&sink, &logs).await
                        }
                        None => false,
                    }
                }
                Topic::Heads | Topic::Waiting => {
                    match read(node, move |node| header(node, next)).await {
                        Some(header) => {
                            next += 1;
                            tell_all(&sink, header.as_slice()).await
                        }
                        None => false,
                    }
                }
            };
            if !told {
                return;
            }
        }
    }
}

async fn waiting(node: &Node, pending: PendingSubscriptionSink) {
    let mut feed = node.subscribe_waiting();
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let hashes: Vec<B256> = tokio::select! {
            () = sink.closed() => return,
            hashes = feed.next(WAITING_MAX) => match hashes {
                Some(hashes) => hashes,
                None => return,
            },
        };
        if !tell_all(&sink, &hashes).await {
            return;
        }
    }
}

fn logs_from(node: &Node, filter: &Filter, next: u64) -> Answer<(Vec<Log>, u64)> {
    logs::since(&*node.reader().map_err(internal)?, filter, next)
}

fn header(node: &Node, number: u64) -> Answer<Option<Header>> {
    let header = node.reader().map_err(internal)?.header(number).map_err(internal)?;
    Ok(header.map(|header| Header::from_consensus(header, None, None)))
}

/// Reads the disk on a thread that may block; `None` when that fails, which ends the subscription.
async fn read<T: Send + 'static>(
    node: &Node,
    read: impl FnOnce(&Node) -> Answer<T> + Send + 'static,
) -> Option<T> {
    let node = node.clone();
    tokio::task::spawn_blocking(move || read(&node)).await.ok()?.ok()
}

/// False when the client is gone or does not read.
async fn tell_all(sink: &SubscriptionSink, items: &[impl Serialize]) -> bool {
    for item in items {
        let message = SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), item);
        let Ok(message) = message else { return false };
        if sink.send_timeout(message, PATIENCE).await.is_err() {
            return false;
        }
    }
    true
}
