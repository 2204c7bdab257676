//! What waits for one client to read it, bounded in messages and in bytes.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// What a message counts at least, and in steps of which it counts, in bytes.
const STEP: usize = 1_024;

/// The end at which messages are put.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    room_max: u32,
}

/// A message that waits. Its room is free again when it is dropped.
pub(crate) struct Queued {
    pub(crate) text: String,
    _room: OwnedSemaphorePermit,
}

/// The client has gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Outbox {
    /// An outbox for `count_max` messages of together `size_max` bytes, and its other end. A message that is larger alone waits alone.
    pub(crate) fn new(count_max: usize, size_max: usize) -> (Self, mpsc::Receiver<Queued>) {
        let (queue, receiver) = mpsc::channel(count_max.max(1));
        let room_max = u32::try_from(size_max.div_ceil(STEP).max(1)).unwrap_or(u32::MAX);
        let room = Arc::new(Semaphore::new(usize::try_from(room_max).unwrap_or(usize::MAX)));
        (Self { queue, room, room_max }, receiver)
    }

    /// Puts a message, when there is room for it.
    pub(crate) async fn put(&self, text: String) -> Result<(), Gone> {
        let steps = u32::try_from(text.len().div_ceil(STEP).max(1)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(steps.min(self.room_max));
        let room = tokio::select! {
            room = room => room.map_err(|_| Gone)?,
            () = self.queue.closed() => return Err(Gone),
        };
        self.queue.send(Queued { text, _room: room }).await.map_err(|_| Gone)
    }

    /// Waits until the client has gone.
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
        assert_eq!(queue.recv().await.unwrap().text.len(), 9 * STEP, "alone it is let through");
        drop(queue);
        assert!(outbox.put(String::new()).await.is_err());
    }
}
