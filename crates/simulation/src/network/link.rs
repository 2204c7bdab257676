//! A connection between two hosts: ordered, reliable, and subject to the faults of the path.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep, sleep_until},
};

use super::faults::{Faults, Lane};
use crate::watched::Watched;

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Worker,
    Coordinator,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Worker => Self::Coordinator,
            Self::Coordinator => Self::Worker,
        }
    }
}

/// How a connection has ended, as one side sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// This side has closed it.
    Here,
    /// The peer has closed it.
    Done,
    /// The peer has closed it, because the same key has connected again.
    Replaced,
    /// The peer has closed it, for this reason.
    Refused(String),
    /// Nothing came for longer than the idle limit.
    TimedOut,
}

impl End {
    /// Returns the words of the real endpoints for it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Here => "closed".to_owned(),
            Self::Done => "peer closed the connection".to_owned(),
            Self::Replaced => "the same device key has connected from elsewhere".to_owned(),
            Self::Refused(reason) => format!("peer closed the connection: {reason}"),
            Self::TimedOut => "timeout: the peer did not answer".to_owned(),
        }
    }
}

/// A connection, seen from both sides.
#[derive(Debug)]
pub(super) struct Link {
    worker: Terminal,
    coordinator: Terminal,
    faults: Faults,
    idle: Duration,
}

/// What one side knows and sends.
#[derive(Debug)]
struct Terminal {
    host: IpAddr,
    ended: Watched<Option<End>>,
    lane: Mutex<Lane>,
}

impl Terminal {
    fn new(host: IpAddr) -> Self {
        Self { host, ended: Watched::new(None), lane: Mutex::default() }
    }

    /// Ends the connection for this side, unless it has ended; returns whether it had not.
    fn end(&self, end: End) -> bool {
        self.ended.change(|ended| match ended {
            Some(_) => false,
            None => {
                *ended = Some(end);
                true
            }
        })
    }

    fn lane(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Opens a connection between hosts; without a packet for longer than `idle` it ends.
    pub(super) fn open(
        faults: &Faults,
        (worker, coordinator): (IpAddr, IpAddr),
        idle: Duration,
    ) -> Arc<Self> {
        let [worker, coordinator] = [worker, coordinator].map(Terminal::new);
        let link = Arc::new(Self { worker, coordinator, faults: faults.clone(), idle });
        faults.add(&link);
        tokio::spawn(Arc::clone(&link).watch());
        link
    }

    /// Ends the connection when its path is cut for too long.
    async fn watch(self: Arc<Self>) {
        let both = async {
            self.ended(Side::Worker).await;
            self.ended(Side::Coordinator).await;
        };
        tokio::select! {
            biased;
            () = both => {}
            () = self.faults.silent(self.path(Side::Worker), self.idle) => self.fail(),
        }
    }

    fn of(&self, side: Side) -> &Terminal {
        match side {
            Side::Worker => &self.worker,
            Side::Coordinator => &self.coordinator,
        }
    }

    fn path(&self, from: Side) -> (IpAddr, IpAddr) {
        (self.of(from).host, self.of(from.other()).host)
    }

    pub(super) fn is_of(&self, host: IpAddr) -> bool {
        self.worker.host == host || self.coordinator.host == host
    }

    /// Closes the connection on one side, and tells the other one how it has ended.
    pub(super) fn close(self: &Arc<Self>, side: Side, told: End) {
        if !self.of(side).end(End::Here) {
            return;
        }
        let is_cut = self.faults.is_cut(self.path(side));
        let (at, end) = match is_cut {
            true => (Instant::now() + self.idle, End::TimedOut),
            false => (self.arrival(side, 1), told),
        };
        self.end_later(side.other(), at, end);
    }

    /// Ends the connection for both sides.
    pub(super) fn fail(&self) {
        self.worker.end(End::TimedOut);
        self.coordinator.end(End::TimedOut);
    }

    /// Ends the connection for the sides of a host, and for the other one when it has heard nothing for long enough.
    pub(super) fn vanish(self: &Arc<Self>, host: IpAddr) {
        for side in [Side::Worker, Side::Coordinator] {
            if self.of(side).host == host && self.of(side).end(End::Here) {
                self.end_later(side.other(), Instant::now() + self.idle, End::TimedOut);
            }
        }
    }

    fn end_later(self: &Arc<Self>, side: Side, at: Instant, end: End) {
        // Outside of a runtime everything is being dropped.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let link = Arc::clone(self);
        runtime.spawn(async move {
            sleep_until(at).await;
            link.of(side).end(end);
        });
    }

    /// Returns how the connection has ended for a side.
    pub(super) fn end(&self, side: Side) -> Option<End> {
        self.of(side).ended.get()
    }

    /// Waits until the connection has ended for a side.
    pub(super) async fn ended(&self, side: Side) -> End {
        let end = self.of(side).ended.wait_for(Option::is_some).await;
        end.expect("it was waited for")
    }

    fn arrival(&self, from: Side, size: usize) -> Instant {
        self.of(from).lane().arrival(&self.faults, self.path(from), size)
    }

    /// Waits until bytes that arrive at `arrival` have come from a side, cuts of the path included.
    async fn travel(&self, from: Side, arrival: Instant) {
        sleep_until(arrival).await;
        let path = self.path(from);
        while self.faults.is_cut(path) {
            self.faults.healed(path).await;
            // They are sent again.
            let (_, delay) = self.faults.time(path, 1);
            sleep(delay).await;
        }
    }

    /// Waits until `size` bytes have come from `from`.
    ///
    /// # Errors
    /// When the connection ends before for `waiting`.
    pub(super) async fn pass(&self, from: Side, waiting: Side, size: usize) -> Result<(), End> {
        if let Some(end) = self.end(waiting) {
            return Err(end);
        }
        let arrival = self.arrival(from, size);
        tokio::select! {
            biased;
            end = self.ended(waiting) => Err(end),
            () = self.travel(from, arrival) => Ok(()),
        }
    }
}

/// Returns the ends of a stream of messages from a side; at most `window` bytes are on their way or unread.
pub(super) fn pipe<M>(link: &Arc<Link>, from: Side, window: u32) -> (Sender<M>, Receiver<M>) {
    let (packets, arriving) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(usize::try_from(window).unwrap_or(usize::MAX)));
    let sender = Sender { link: Arc::clone(link), from, window, room, packets };
    (sender, Receiver { link: Arc::clone(link), from, arriving })
}

/// A message on its way, or the end of the stream.
struct Packet<M> {
    arrival: Instant,
    content: Option<(M, usize)>,
    /// Its room in the window.
    _room: Option<OwnedSemaphorePermit>,
}

pub(super) struct Sender<M> {
    link: Arc<Link>,
    from: Side,
    window: u32,
    room: Arc<Semaphore>,
    packets: mpsc::UnboundedSender<Packet<M>>,
}

impl<M> Sender<M> {
    /// Sends a message of `size` bytes, once there is room for it.
    ///
    /// # Errors
    /// When the connection has ended.
    pub(super) async fn write(&self, message: M, size: usize) -> Result<(), End> {
        let taken = u32::try_from(size).unwrap_or(u32::MAX).clamp(1, self.window);
        let room = tokio::select! {
            biased;
            end = self.link.ended(self.from) => return Err(end),
            room = Arc::clone(&self.room).acquire_many_owned(taken) => {
                room.expect("nobody closes the window")
            }
        };
        self.put(Some((message, size)), size, Some(room));
        Ok(())
    }

    /// Ends the stream.
    pub(super) fn finish(&self) {
        self.put(None, 1, None);
    }

    fn put(&self, content: Option<(M, usize)>, size: usize, room: Option<OwnedSemaphorePermit>) {
        let arrival = self.link.arrival(self.from, size);
        // A reader that is gone reads nothing.
        let _ = self.packets.send(Packet { arrival, content, _room: room });
    }
}

pub(super) struct Receiver<M> {
    link: Arc<Link>,
    from: Side,
    arriving: mpsc::UnboundedReceiver<Packet<M>>,
}

impl<M> Receiver<M> {
    /// Waits for the next message, returned with its size; `None` when the peer has finished.
    ///
    /// # Errors
    /// When the connection has ended, and what had arrived was read.
    pub(super) async fn read(&mut self) -> Result<Option<(M, usize)>, End> {
        let at = self.from.other();
        let packet = tokio::select! {
            biased;
            packet = self.arriving.recv() => packet,
            end = self.link.ended(at) => return Err(end),
        };
        // A sender that is dropped without an end of the stream has lost the connection.
        let Some(packet) = packet else { return Err(self.link.ended(at).await) };
        tokio::select! {
            biased;
            () = self.link.travel(self.from, packet.arrival) => Ok(packet.content),
            end = self.link.ended(at) => Err(end),
        }
    }
}
