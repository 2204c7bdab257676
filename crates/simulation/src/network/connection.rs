//! The worker's side.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use transport::{
    Boxed, Connection, FetchError, Limits, Lost, LostCause, PublishError, SendError,
    TO_COORDINATOR_SIZE_MAX,
    message::{ToCoordinator, ToWorker},
    parts::{BlobStore, QUEUE_MAX, encode},
};
use units::{DeviceId, Digest};

use super::{
    blob::{self, Fetch},
    link::{End, Link, Receiver, Sender, Side},
    listener::Shared,
};

/// A connection in memory.
#[derive(Debug)]
pub(super) struct MemoryConnection {
    device: DeviceId,
    link: Arc<Link>,
    listener: Arc<Shared>,
    limits: Limits,
    blobs: Arc<BlobStore>,
    outbox: Option<mpsc::Sender<(ToCoordinator, usize)>>,
    inbox: tokio::sync::Mutex<mpsc::Receiver<ToWorker>>,
    lost: Arc<Mutex<Option<Lost>>>,
    session: JoinHandle<()>,
}

/// The streams of a connection.
pub(super) struct Streams {
    pub(super) to: Sender<ToCoordinator>,
    pub(super) from: Receiver<ToWorker>,
}

impl MemoryConnection {
    pub(super) fn start(
        device: DeviceId,
        (link, listener): (&Arc<Link>, Arc<Shared>),
        (limits, blobs): (Limits, Arc<BlobStore>),
        streams: Streams,
    ) -> Self {
        let (outbox, queue) = mpsc::channel(QUEUE_MAX);
        let (sender, inbox) = mpsc::channel(QUEUE_MAX);
        let (link, lost) = (Arc::clone(link), Arc::default());
        let session =
            Session { link: Arc::clone(&link), answer: limits.answer, lost: Arc::clone(&lost) };
        let session = tokio::spawn(session.run(streams, queue, sender));
        let inbox = tokio::sync::Mutex::new(inbox);
        Self { device, link, listener, limits, blobs, outbox: Some(outbox), inbox, lost, session }
    }
}

impl Drop for MemoryConnection {
    fn drop(&mut self) {
        self.session.abort();
        self.link.close(Side::Worker, End::Done);
    }
}

struct Session {
    link: Arc<Link>,
    answer: Duration,
    lost: Arc<Mutex<Option<Lost>>>,
}

impl Session {
    /// Moves messages both ways until the connection ends, and says why it did.
    async fn run(
        self,
        Streams { to, mut from }: Streams,
        mut queue: mpsc::Receiver<(ToCoordinator, usize)>,
        inbox: mpsc::Sender<ToWorker>,
    ) {
        let listening = async {
            while let Some((message, _)) = from.read().await? {
                // When nobody reads messages any more, the stream is read further, so that it can end.
                let _sent = inbox.send(message).await;
            }
            Ok(())
        };
        let talking = async {
            while let Some((message, size)) = queue.recv().await {
                to.write(message, size).await?;
            }
            to.finish();
            // The coordinator closes once it has read everything.
            let _closed = timeout(self.answer, self.link.ended(Side::Worker)).await;
            Ok(())
        };
        let result: Result<(), End> = tokio::select! {
            biased;
            result = listening => result,
            result = talking => result,
            // Messages that nobody reads may fill the stream.
            end = self.link.ended(Side::Worker) => Err(end),
        };
        let reason = match result {
            Ok(()) => "the coordinator has finished".to_owned(),
            Err(end) => end.describe(),
        };
        let cause = match self.link.end(Side::Worker) {
            Some(End::Replaced) => LostCause::Replaced,
            _ => LostCause::Other,
        };
        self.link.close(Side::Worker, End::Done);
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(Lost { cause, reason });
        // Dropped only now: a reader who sees the end of the queue then finds the reason.
        drop(inbox);
    }
}

impl Connection for MemoryConnection {
    fn send<'a>(&'a self, message: &'a ToCoordinator) -> Boxed<'a, Result<(), SendError>> {
        Box::pin(async {
            let size = encode(message, TO_COORDINATOR_SIZE_MAX)?.len();
            let gone = || SendError::NotConnected { device: self.listener.device };
            let outbox = self.outbox.as_ref().ok_or_else(gone)?;
            outbox.send((message.clone(), size)).await.map_err(|_| gone())
        })
    }

    fn recv(&self) -> Boxed<'_, Result<ToWorker, Lost>> {
        Box::pin(async {
            let message = self.inbox.lock().await.recv().await;
            message.ok_or_else(|| {
                let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
                lost.unwrap_or_else(|| Lost {
                    cause: LostCause::Other,
                    reason: "this side closed it".to_owned(),
                })
            })
        })
    }

    fn publish(&self, bytes: Vec<u8>) -> Boxed<'_, Result<Digest, PublishError>> {
        Box::pin(async { self.blobs.put(bytes) })
    }

    fn retain(&self, keep: &BTreeSet<Digest>) {
        self.blobs.retain(keep);
    }

    fn fetch<'a>(
        &'a self,
        digest: &'a Digest,
        size_max: u64,
    ) -> Boxed<'a, Result<Vec<u8>, FetchError>> {
        Box::pin(async move {
            let fetch = Fetch { digest, size_max, answer: self.limits.answer };
            let find = || self.listener.blobs.blob(digest, self.listener.reader(&self.device));
            let bytes = blob::fetch(&self.link, Side::Worker, fetch, &find).await?;
            self.listener.count(|traffic| &mut traffic.blobs, bytes.len(), 0);
            Ok(bytes)
        })
    }

    fn close(mut self: Box<Self>) -> Boxed<'static, ()> {
        Box::pin(async move {
            self.outbox = None;
            // Nobody reads messages any more, so the session must not wait for space in the queue.
            self.inbox.get_mut().close();
            let answer = self.limits.answer;
            if timeout(answer, &mut self.session).await.is_err() {
                tracing::debug!("the coordinator did not read the last messages in time");
            }
        })
    }
}
