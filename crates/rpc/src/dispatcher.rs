//! Answers messages: calls the method of each request and joins the answers in one text.

use crate::{
    connections::Peer,
    context::Context,
    envelope::{self, Entry, Id, Message, Request},
    error::{ErrorObject, METHOD_NOT_FOUND_CODE, no_method, panicked, timed_out},
    method_table::{Methods, Outcome, response_too_large},
    methods,
    server::Options,
    subscriptions::{self, Start, Subscriptions},
};
use node::Node;
use serde::Serialize;
use serde_json::value::to_raw_value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout_at};

/// Answers messages, whatever the transport.
pub(crate) struct Dispatcher {
    context: Arc<Context>,
    methods: Methods,
    batch_max: usize,
    /// How long the requests of a message may take together.
    patience: Duration,
}

/// Answers the messages of one client.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) dispatcher: Arc<Dispatcher>,
    pub(crate) peer: Peer,
}

/// The answer to a message.
pub(crate) struct Reply {
    /// The text; `None` when the message had notifications only.
    pub(crate) text: Option<String>,
    /// The subscriptions to start after the text has been sent.
    pub(crate) starts: Vec<Start>,
}

impl Dispatcher {
    pub(crate) fn new(node: Node, options: &Options) -> Self {
        let methods = methods::all(node.development().is_some());
        let batch_max = usize::try_from(options.batch_max).unwrap_or(usize::MAX);
        Self {
            context: Arc::new(Context::new(node, options)),
            methods,
            batch_max,
            patience: options.request_patience,
        }
    }
}

impl Desk {
    /// Answers a message. Subscriptions need a `client` that can receive notifications.
    pub(crate) async fn reply(&self, bytes: &[u8], client: Option<&Arc<Subscriptions>>) -> Reply {
        let Self { dispatcher, peer } = self;
        let deadline = Instant::now() + dispatcher.patience;
        let mut state =
            MessageState { dispatcher, peer: *peer, client, starts: Vec::new(), deadline };
        let text = match envelope::parse(bytes, dispatcher.batch_max) {
            Ok(Message::Single(entry)) => state.single(entry).await,
            Ok(Message::Batch(entries)) => state.batch(entries).await,
            Err(error) => Some(written(Id::UNKNOWN, &Err(error))),
        };
        Reply { text, starts: state.starts }
    }
}

/// Returns the answer to a message that was not read, for example because it is too large.
pub(crate) fn refusal(error: ErrorObject) -> String {
    written(Id::UNKNOWN, &Err(error))
}

fn written(id: Id<'_>, outcome: &Outcome) -> String {
    let mut text = String::new();
    envelope::write(&mut text, id, outcome);
    text
}

/// The state of answering one message.
struct MessageState<'a> {
    dispatcher: &'a Dispatcher,
    peer: Peer,
    client: Option<&'a Arc<Subscriptions>>,
    starts: Vec<Start>,
    deadline: Instant,
}

impl MessageState<'_> {
    async fn single(&mut self, entry: Entry<'_>) -> Option<String> {
        let (id, outcome) = self.outcome(entry).await?;
        Some(written(id, &outcome))
    }

    /// Returns the answers in the order of the requests. Answers that would exceed the size limit of the batch are
    /// replaced by errors, and the requests after them are not executed.
    async fn batch(&mut self, entries: Vec<Entry<'_>>) -> Option<String> {
        let size_max = self.dispatcher.context.response_size_max;
        let (mut text, mut is_full) = (String::from("["), false);
        for entry in entries {
            let answered = match entry {
                Entry::Call(id, _) if is_full => Some((id, Err(response_too_large(size_max)))),
                Entry::Notification(_) if is_full => None,
                entry => self.outcome(entry).await,
            };
            let Some((id, mut outcome)) = answered else { continue };
            let size = outcome.as_ref().map_or(0, |result| result.get().len());
            if text.len().saturating_add(size) > size_max {
                is_full = true;
                outcome = Err(response_too_large(size_max));
            }
            if text.len() > 1 {
                text.push(',');
            }
            envelope::write(&mut text, id, &outcome);
        }
        text.push(']');
        (text.len() > 2).then_some(text)
    }

    /// Returns the answer to a request; `None` for a notification.
    async fn outcome<'b>(&mut self, entry: Entry<'b>) -> Option<(Id<'b>, Outcome)> {
        match entry {
            Entry::Call(id, request) => {
                let outcome = match request.method.as_str() {
                    subscriptions::SUBSCRIBE => self.subscribe(&request),
                    subscriptions::UNSUBSCRIBE => self.unsubscribe(&request),
                    _ => self.call(&request).await,
                };
                Some((id, outcome))
            }
            Entry::Notification(request) => {
                // A notification has no answer, also when it fails.
                let _ = self.call(&request).await;
                None
            }
            Entry::Malformed(id, error) => Some((id, Err(error))),
        }
    }

    async fn call(&self, request: &Request<'_>) -> Outcome {
        let Dispatcher { context, methods, patience, .. } = self.dispatcher;
        match methods.find(&request.method) {
            Some(method) => {
                let answer = method.answer(context, request.params, self.peer);
                let answered = timeout_at(self.deadline, answer).await;
                answered.unwrap_or_else(|_| Err(timed_out(*patience)))
            }
            None => Err(no_method(&request.method)),
        }
    }

    fn subscribe(&mut self, request: &Request<'_>) -> Outcome {
        let client = self.client.ok_or_else(no_subscriptions)?;
        let (name, start) = client.begin(&self.dispatcher.context, request.params)?;
        self.starts.push(start);
        raw(&name)
    }

    fn unsubscribe(&self, request: &Request<'_>) -> Outcome {
        let client = self.client.ok_or_else(no_subscriptions)?;
        raw(&client.end(request.params)?)
    }
}

fn raw(value: &impl Serialize) -> Outcome {
    to_raw_value(value).map_err(|_| panicked())
}

/// The error of a transport without subscriptions. Code and text are geth's.
fn no_subscriptions() -> ErrorObject {
    let message = "notifications not supported: connect over WebSocket";
    ErrorObject::new(METHOD_NOT_FOUND_CODE, message)
}
