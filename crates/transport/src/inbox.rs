//! The events that wait for the caller: a queue for each device, read in turn.
//!
//! A device that sends without end fills its own queue and then waits; the events of the others pass it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;
use units::DeviceId;

/// Largest number of unread events of one device.
pub(crate) const EVENTS_PER_DEVICE_MAX: usize = 16;

/// Largest size of the unread messages of one device in bytes, as they were sent; a single message may be larger.
const BYTES_PER_DEVICE_MAX: usize = 64 << 10;

/// The reader is gone.
#[derive(Debug)]
pub struct Closed;

/// The unread events of all devices.
#[derive(Debug)]
pub struct Inbox<E> {
    waiting: Mutex<Waiting<E>>,
    /// Wakes the reader.
    arrived: Notify,
    /// Wakes devices whose queue was full.
    taken: Notify,
}

#[derive(Debug)]
struct Waiting<E> {
    queues: BTreeMap<DeviceId, Queue<E>>,
    /// The devices with unread events, in the order in which they are read.
    turns: VecDeque<DeviceId>,
    is_closed: bool,
    has_ended: bool,
}

#[derive(Debug)]
struct Queue<E> {
    events: VecDeque<(E, usize)>,
    size: usize,
}

impl<E> Queue<E> {
    fn has_room(&self, size: usize) -> bool {
        self.events.is_empty()
            || self.events.len() < EVENTS_PER_DEVICE_MAX
                && self.size.saturating_add(size) <= BYTES_PER_DEVICE_MAX
    }
}

impl<E> Default for Inbox<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> Inbox<E> {
    /// Returns an inbox without events.
    #[must_use]
    pub fn new() -> Self {
        let waiting = Waiting {
            queues: BTreeMap::new(),
            turns: VecDeque::new(),
            is_closed: false,
            has_ended: false,
        };
        Self { waiting: Mutex::new(waiting), arrived: Notify::new(), taken: Notify::new() }
    }

    /// Adds an event of `size` bytes; waits while the device's queue is full.
    ///
    /// # Errors
    /// [`Closed`] once nobody reads events any more.
    pub async fn put(&self, device: DeviceId, event: E, size: usize) -> Result<(), Closed> {
        let mut event = Some(event);
        loop {
            // Made before the look at the queue: it then hears of everything that is taken afterwards.
            let taken = self.taken.notified();
            {
                let mut waiting = self.lock();
                if waiting.is_closed {
                    return Err(Closed);
                }
                let Waiting { queues, turns, .. } = &mut *waiting;
                let queue = queues
                    .entry(device)
                    .or_insert_with(|| Queue { events: VecDeque::new(), size: 0 });
                if queue.has_room(size) {
                    if queue.events.is_empty() {
                        turns.push_back(device);
                    }
                    queue.size = queue.size.saturating_add(size);
                    queue.events.push_back((event.take().expect("it is put once"), size));
                    self.arrived.notify_one();
                    return Ok(());
                }
            }
            taken.await;
        }
    }

    /// Waits for the next event; `None` once no more can come. A device with several events is next after all others
    /// have had one. For one reader; may be cancelled without losing an event.
    pub async fn next(&self) -> Option<E> {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if let Some(event) = waiting.take() {
                    drop(waiting);
                    self.taken.notify_waiters();
                    return Some(event);
                }
                if waiting.has_ended {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// Refuses all further events: nobody reads them.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.taken.notify_waiters();
    }

    /// Tells the reader that no more events come.
    pub fn end(&self) {
        self.lock().has_ended = true;
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<E>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Waiting<E> {
    fn take(&mut self) -> Option<E> {
        let device = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&device).expect("a device with a turn has a queue");
        let (event, size) = queue.events.pop_front().expect("a device with a turn has an event");
        queue.size = queue.size.saturating_sub(size);
        if queue.events.is_empty() {
            self.queues.remove(&device);
        } else {
            self.turns.push_back(device);
        }
        Some(event)
    }
}
