//! JSON-RPC over WebSocket (RFC 6455): answers messages as they arrive, and sends the notifications of the client's
//! subscriptions.
//!
//! Each message is answered in its own task, at most [`WORK_MAX`] at a time; above that the next message is read when
//! a task ends. A client that sends nothing for [`SILENCE_MAX`], not even an answer to a ping, is disconnected.

use crate::{
    dispatcher::{self, Desk},
    http::{HttpBody, HttpRequest, HttpResponse, request_too_large},
    outbox::{Outbox, Queued},
    stop::Stop,
    subscriptions::Subscriptions,
};
use hyper::{StatusCode, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use soketto::{
    Incoming, base,
    connection::{Error, Receiver, Sender},
    handshake::http::Server,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::BufStream,
    sync::{Semaphore, mpsc},
    time,
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// Most messages of one client that are answered at the same time.
const WORK_MAX: usize = 32;
/// Interval between pings to the client.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long a client may send nothing, not even an answer to a ping.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// How long a client may take to read a message.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// How long unfinished messages may take when the server stops.
const STOP_PATIENCE: Duration = Duration::from_secs(4);

type Stream = Compat<BufStream<TokioIo<Upgraded>>>;

/// The limits of a WebSocket.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// Largest message in bytes.
    pub(crate) request_size_max: usize,
    /// Most messages in the queue to the client.
    pub(crate) unread_max: usize,
    /// Most bytes in that queue.
    pub(crate) unread_size_max: usize,
    /// Most subscriptions.
    pub(crate) subscriptions_max: usize,
    /// The limit on subscriptions of all connections together.
    pub(crate) subscriptions_room: Arc<Semaphore>,
}

/// Answers a request to open a WebSocket, and serves it.
pub(crate) fn accept(desk: Desk, request: HttpRequest, bounds: Bounds, stop: Stop) -> HttpResponse {
    let mut handshake = Server::new();
    match handshake.receive_request(&request) {
        Ok(response) => {
            tokio::spawn(async move {
                match hyper::upgrade::on(request).await {
                    Ok(upgraded) => serve(desk, handshake, upgraded, bounds, stop).await,
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not be upgraded to WebSocket")
                    }
                }
            });
            response.map(|()| HttpBody::default())
        }
        Err(error) => {
            let text = format!("not a handshake of WebSocket version 13: {error}\n");
            let mut response = HttpResponse::new(HttpBody::from(text));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

async fn serve(desk: Desk, handshake: Server, upgraded: Upgraded, bounds: Bounds, stop: Stop) {
    let stream = BufStream::new(TokioIo::new(upgraded)).compat();
    let mut builder = handshake.into_builder(stream);
    builder.set_max_message_size(bounds.request_size_max);
    builder.set_max_frame_size(bounds.request_size_max);
    let (sender, receiver) = builder.finish();
    let (outbox, queue) = Outbox::new(bounds.unread_max, bounds.unread_size_max);
    let mut writer = tokio::spawn(write(sender, queue));
    let subscriptions =
        Subscriptions::new(outbox.clone(), bounds.subscriptions_max, bounds.subscriptions_room);
    let client = Client { desk, outbox, subscriptions: Arc::new(subscriptions) };
    let work = Arc::new(Semaphore::new(WORK_MAX));
    client.read(receiver, bounds.request_size_max, stop.clone(), &work).await;
    let done = work.acquire_many(u32::try_from(WORK_MAX).unwrap_or(u32::MAX));
    if time::timeout(STOP_PATIENCE, done).await.is_err() {
        tracing::debug!("a WebSocket closed before its messages were answered");
    }
    // Dropping the client ends its subscriptions; then nothing adds to the queue.
    drop(client);
    if time::timeout(STOP_PATIENCE, &mut writer).await.is_err() {
        writer.abort();
    }
    drop(stop);
}

/// The client of a WebSocket.
#[derive(Clone)]
struct Client {
    desk: Desk,
    outbox: Outbox,
    subscriptions: Arc<Subscriptions>,
}

impl Client {
    /// Reads messages until the client or the server closes the connection.
    async fn read(
        &self,
        mut receiver: Receiver<Stream>,
        size_max: usize,
        stop: Stop,
        work: &Arc<Semaphore>,
    ) {
        let stopped = stop.stopped();
        tokio::pin!(stopped);
        loop {
            let mut message = Vec::new();
            let received = tokio::select! {
                received = time::timeout(SILENCE_MAX, receiver.receive(&mut message)) => received,
                () = self.outbox.closed() => return,
                () = &mut stopped => return,
            };
            match received {
                Ok(Ok(Incoming::Data(_))) => {}
                Ok(Ok(Incoming::Pong(_))) => continue,
                Ok(Err(error)) if is_too_large(&error) => {
                    // The unread rest of the message would be parsed as the next one, so the connection closes.
                    let text = dispatcher::refusal(request_too_large(size_max));
                    let _ = self.outbox.put(text).await;
                    return;
                }
                Ok(Ok(Incoming::Closed(_)) | Err(_)) | Err(_) => return,
            }
            let Ok(permit) = Arc::clone(work).acquire_owned().await else { return };
            let client = self.clone();
            tokio::spawn(async move {
                client.answer(&message).await;
                drop(permit);
            });
        }
    }

    async fn answer(&self, message: &[u8]) {
        let reply = tokio::select! {
            reply = self.desk.reply(message, Some(&self.subscriptions)) => reply,
            () = self.outbox.closed() => return,
        };
        if let Some(text) = reply.text
            && self.outbox.put(text).await.is_err()
        {
            return;
        }
        for start in reply.starts {
            // The send fails only when the subscription has ended already.
            let _ = start.send(());
        }
    }
}

fn is_too_large(error: &Error) -> bool {
    matches!(
        error,
        Error::MessageTooLarge { .. } | Error::Codec(base::Error::PayloadTooLarge { .. })
    )
}

/// Writes the queue's messages until all senders are dropped, and sends pings.
async fn write(mut sender: Sender<Stream>, mut queue: mpsc::Receiver<Queued>) {
    let mut pings = time::interval(PING_INTERVAL);
    pings.reset();
    loop {
        let queued = tokio::select! {
            queued = queue.recv() => match queued {
                Some(queued) => Some(queued),
                None => break,
            },
            _ = pings.tick() => None,
        };
        let written = time::timeout(WRITE_PATIENCE, put(&mut sender, queued)).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
    let _ = sender.close().await;
}

/// Writes a message, or a ping.
async fn put(sender: &mut Sender<Stream>, queued: Option<Queued>) -> Result<(), Error> {
    match queued {
        Some(queued) => sender.send_text(&queued.text).await?,
        None => {
            let nothing: &[u8] = &[];
            sender.send_ping(nothing.try_into().expect("nothing is short")).await?;
        }
    }
    sender.flush().await
}
