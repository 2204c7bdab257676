//! `eth_subscribe`, over WebSocket.
//!
//! The node does not wait for a client that reads more slowly than blocks arrive: the subscription ends, and the
//! client can request the missed blocks by number.

mod feeds;

use crate::{
    context::Context,
    error::{Answer, ErrorObject, invalid, too_large},
    names,
    outbox::Outbox,
    parameters::{self, Params},
};
use feeds::{Feed, Sink};
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::AbortHandle,
};

pub(crate) const SUBSCRIBE: &str = "eth_subscribe";
pub(crate) const UNSUBSCRIBE: &str = "eth_unsubscribe";

/// Most addresses and topics of all subscriptions of one connection together.
const WEIGHT_MAX: usize = 4_096;

/// Starts a subscription after its id has been sent to the client.
pub(crate) type Start = oneshot::Sender<()>;

/// The subscriptions of one connection. They end with the connection.
pub(crate) struct Subscriptions {
    outbox: Outbox,
    open: Mutex<BTreeMap<String, Open>>,
    count_max: usize,
    /// The limit on subscriptions of all connections together.
    room: Arc<Semaphore>,
}

struct Open {
    task: AbortHandle,
    weight: usize,
    _room: OwnedSemaphorePermit,
}

impl Subscriptions {
    pub(crate) fn new(outbox: Outbox, count_max: usize, room: Arc<Semaphore>) -> Self {
        Self { outbox, open: Mutex::default(), count_max, room }
    }

    /// Opens a subscription and returns its id. It reports everything from now on, also what happens before the
    /// client has received the id.
    pub(crate) fn begin(
        self: &Arc<Self>,
        context: &Context,
        params: Option<&RawValue>,
    ) -> Answer<(String, Start)> {
        let feed = Feed::new(&context.node, &Params::new(params, context.numbers()))?;
        let weight = feed.weight();
        let mut open = self.open();
        if open.len() >= self.count_max {
            return Err(too_many(&format!("this connection has {}", self.count_max)));
        }
        if weight + open.values().map(|open| open.weight).sum::<usize>() > WEIGHT_MAX {
            let bound = "addresses and topics in the subscriptions of one connection";
            return Err(invalid(format!("more than {WEIGHT_MAX} {bound}: use fewer")));
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| too_many("this node has as many as it accepts"))?;
        let name = names::random();
        let (start, started) = oneshot::channel();
        let sink = Sink::new(self.outbox.clone(), &name);
        let (own, this) = (name.clone(), Arc::downgrade(self));
        let task = tokio::spawn(async move {
            if started.await.is_ok() {
                feed.run(&sink).await;
            }
            if let Some(subscriptions) = this.upgrade() {
                subscriptions.open().remove(&own);
            }
        });
        open.insert(name.clone(), Open { task: task.abort_handle(), weight, _room: room });
        Ok((name, start))
    }

    /// Ends a subscription; returns false if it does not exist.
    pub(crate) fn end(&self, params: Option<&RawValue>) -> Answer<bool> {
        let params = Params::new(params, parameters::BlockNumbers::Quoted);
        let name: String = parameters::one(&params)?;
        let ended = self.open().remove(&name);
        if let Some(open) = &ended {
            open.task.abort();
        }
        Ok(ended.is_some())
    }

    /// Returns the open subscriptions. They are consistent even after a panic: each change is a single step.
    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        for open in self.open().values() {
            open.task.abort();
        }
    }
}

fn too_many(reason: &str) -> ErrorObject {
    too_large(format!("too many subscriptions: {reason}"))
}
