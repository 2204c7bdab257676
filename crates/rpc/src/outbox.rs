//! The queue of messages to one client, limited in number and in bytes.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The unit in which a message's size is counted, rounded up, in bytes.
const STEP: usize = 1_024;

/// The sending end of the queue.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    room_max: u32,
}

/// A message in the queue. Dropping it frees its part of the limit.
pub(crate) struct Queued {
    pub(crate) text: String,
    _room: OwnedSemaphorePermit,
}

/// The error of a client that has disconnected.
#[derive(Debug)]
pub(crate) struct Disconnected;

impl Outbox {
    /// Returns both ends of a queue for `count_max` messages of together `size_max` bytes. A message that is larger
    /// than that waits until the queue is empty.
    pub(crate) fn new(count_max: usize, size_max: usize) -> (Self, mpsc::Receiver<Queued>) {
        let (queue, receiver) = mpsc::channel(count_max.max(1));
        let room_max = u32::try_from(size_max.div_ceil(STEP).max(1)).unwrap_or(u32::MAX);
        let room = Arc::new(Semaphore::new(usize::try_from(room_max).unwrap_or(usize::MAX)));
        (Self { queue, room, room_max }, receiver)
    }

    /// Adds a message, as soon as there is room for it.
    pub(crate) async fn put(&self, text: String) -> Result<(), Disconnected> {
        let steps = u32::try_from(text.len().div_ceil(STEP).max(1)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(steps.min(self.room_max));
        let room = tokio::select! {
            room = room => room.map_err(|_| Disconnected)?,
            () = self.queue.closed() => return Err(Disconnected),
        };
        self.queue.send(Queued { text, _room: room }).await.map_err(|_| Disconnected)
    }

    /// Waits until the client has disconnected.
    pub(crate) async fn closed(&self) {
        self.queue.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn messages_wait_until_there_is_room_for_their_bytes() {
        let (outbox, mut queue) = Outbox::new(100, 4 * STEP);
        outbox.put("x".repeat(3 * STEP)).await.unwrap();
        let second =
            tokio::time::timeout(Duration::from_millis(20), outbox.put("x".repeat(2 * STEP)));
        assert!(second.await.is_err(), "5 KiB do not fit into 4");
        drop(queue.recv().await.unwrap());
        outbox.put("x".repeat(9 * STEP)).await.unwrap();
        assert_eq!(
            queue.recv().await.unwrap().text.len(),
            9 * STEP,
            "a large message is accepted by an empty queue"
        );
        drop(queue);
        assert!(outbox.put(String::new()).await.is_err());
    }
}
