//! Threads that wait for something to happen, and tell it at once.
//!
//! One thread waits for input devices, terminals, the kernel's messages and pressure; one for each display. None of them polls: they sleep in `poll(2)`, and
//! look around now and then for what nothing announces (new displays, a power supply without messages).
//!
//! A source that has just told of input is not listened to for a fifth of a second: whoever was told has stopped its work, and a moving pointer
//! would wake a thread a thousand times a second. What happens meanwhile is told afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::linux::devices::Devices;
use crate::linux::displays::{self, Display};
use crate::linux::messages::{Processes, Supplies};
use crate::linux::notes::Notes;
use crate::linux::pressure::Triggers;
use crate::linux::root::Root;
use crate::linux::terminals::Keys;
use crate::linux::{exclusive, power, time, wayland, x11};
use crate::{Event, EventKind, Milliseconds};

/// A source that told of input is not listened to for so long.
pub(crate) const QUIET_MS: u64 = 200;

/// How often what nothing announces is looked at, in milliseconds.
const LOOK_MS: u64 = 2_000;

/// The same where there is a battery: a machine is to stop within a second of being unplugged.
const LOOK_AT_POWER_MS: u64 = 500;

/// Something to wait for, and what for.
pub(crate) type Handle<'a> = (BorrowedFd<'a>, PollFlags);

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) root: Root,
    pub(crate) notes: Arc<Notes>,
    exclusive: Vec<String>,
    stop: OwnedFd,
    tell: Box<dyn Fn(Event) + Send + Sync>,
}

/// Waits for events until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    pub(crate) fn start(
        root: Root,
        notes: Arc<Notes>,
        exclusive: Vec<String>,
        tell: Box<dyn Fn(Event) + Send + Sync>,
    ) -> io::Result<Self> {
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let shared = Arc::new(Shared { root, notes, exclusive, stop, tell });
        let own = Arc::clone(&shared);
        // Everything is listened to before this returns, except displays, which may take their time to answer.
        let mut loop_ = Loop::begin(own)?;
        let thread =
            std::thread::Builder::new().name("watcher".into()).spawn(move || loop_.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The counter is far from full. Threads of displays see it too, but one that waits for an answer may never come to it, so only the first is waited for.
        let _full = rustix::io::write(&self.shared.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed by its hook.
            let _panicked = thread.join();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shared").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Shared {
    /// Notes input, and tells of it.
    pub(crate) fn tell_input(&self, source: &str) {
        let at = time::now();
        self.notes.note_input(at, source);
        self.tell(EventKind::Input, source, at);
    }

    fn tell(&self, kind: EventKind, source: &str, at: Milliseconds) {
        (self.tell)(Event { at, kind, source: source.to_owned() });
    }

    /// Sleeps until one of `handles` is as wanted, the time is over, or the watcher ends.
    ///
    /// Returns which are, or `None` if the watcher ends.
    pub(crate) fn sleep(&self, handles: &[Handle<'_>], milliseconds: u64) -> Option<Vec<bool>> {
        let mut all = vec![PollFd::new(&self.stop, PollFlags::IN)];
        all.extend(
            handles.iter().map(|(handle, wanted)| PollFd::from_borrowed_fd(*handle, *wanted)),
        );
        let timeout = Timespec {
            tv_sec: i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(milliseconds % 1000).unwrap_or(0) * 1_000_000,
        };
        if poll(&mut all, Some(&timeout)).is_err() {
            // Interrupted: nothing is ready, and the caller looks again.
            return Some(vec![false; handles.len()]);
        }
        let mut ready = all.iter().map(|one| !one.revents().is_empty());
        let ends = ready.next() == Some(true);
        (!ends).then(|| ready.collect())
    }
}

/// The first thread's state.
struct Loop {
    shared: Arc<Shared>,
    devices: Devices,
    keys: Keys,
    supplies: Option<Supplies>,
    processes: Option<Processes>,
    triggers: Triggers,
    displays: BTreeSet<Display>,
    is_on_mains: Option<bool>,
    quiet_until: BTreeMap<Source, Milliseconds>,
    next_look: Milliseconds,
}

/// What the first thread listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Devices,
    Keys,
    Supplies,
    Processes,
    Triggers,
}

impl Loop {
    fn begin(shared: Arc<Shared>) -> io::Result<Self> {
        // The kernel's messages are about the machine that runs this, not about a tree of files.
        let is_real = shared.root.is_real();
        let mut this = Self {
            devices: Devices::default(),
            keys: Keys::begin(&shared.root)?,
            supplies: if is_real { Supplies::listen().ok() } else { None },
            processes: if is_real && !shared.exclusive.is_empty() {
                Processes::listen().ok()
            } else {
                None
            },
            triggers: if is_real { Triggers::set(&shared.root) } else { Triggers::default() },
            displays: BTreeSet::new(),
            is_on_mains: None,
            quiet_until: BTreeMap::new(),
            next_look: Milliseconds(0),
            shared,
        };
        this.look(time::now());
        Ok(this)
    }

    fn run(&mut self) {
        loop {
            let now = time::now();
            if self.next_look <= now {
                self.look(now);
            }
            self.quiet_until.retain(|_, until| now < *until);
            let wakes = self.quiet_until.values().copied().chain([self.next_look]).min();
            let milliseconds = wakes.map_or(0, |wakes| wakes.since(now)).max(1);
            let (sources, handles): (Vec<Source>, Vec<_>) = self
                .handles()
                .into_iter()
                .filter(|(source, _)| !self.quiet_until.contains_key(source))
                .unzip();
            let Some(ready) = self.shared.sleep(&handles, milliseconds) else { return };
            let ready: BTreeSet<Source> = sources
                .iter()
                .zip(ready)
                .filter(|(_, is_ready)| *is_ready)
                .map(|(source, _)| *source)
                .collect();
            for source in ready {
                self.take(source);
            }
        }
    }

    fn handles(&self) -> Vec<(Source, Handle<'_>)> {
        let read = |handle| (handle, PollFlags::IN);
        let mut all = vec![(Source::Keys, read(self.keys.as_fd()))];
        all.extend(self.devices.handles().map(|handle| (Source::Devices, read(handle))));
        all.extend(self.supplies.as_ref().map(|from| (Source::Supplies, read(from.as_fd()))));
        all.extend(self.processes.as_ref().map(|from| (Source::Processes, read(from.as_fd()))));
        // A trigger can always be read; what it announces is urgent.
        all.extend(
            self.triggers.handles().map(|handle| (Source::Triggers, (handle, PollFlags::PRI))),
        );
        all
    }

    /// Takes what a source has to say.
    fn take(&mut self, source: Source) {
        let now = time::now();
        let heard = match source {
            Source::Devices => self.devices.take(),
            Source::Keys => {
                let heard = self.keys.take(&self.shared.root);
                if heard.is_changed {
                    self.next_look = now;
                }
                heard.input
            }
            Source::Supplies => {
                if self.supplies.as_ref().is_some_and(Supplies::take) {
                    self.shared.tell(EventKind::Power, power::SOURCE, now);
                }
                None
            }
            Source::Processes => {
                self.take_processes(now);
                None
            }
            Source::Triggers => {
                self.shared.tell(EventKind::Pressure, "/proc/pressure", now);
                self.quiet_until.insert(source, Milliseconds(now.0 + QUIET_MS));
                None
            }
        };
        if let Some(name) = heard {
            self.shared.tell_input(&name);
            self.quiet_until.insert(source, Milliseconds(now.0 + QUIET_MS));
        }
    }

    fn take_processes(&self, now: Milliseconds) {
        let begun = self.processes.as_ref().map(Processes::take).unwrap_or_default();
        let mut names: BTreeSet<&String> = BTreeSet::new();
        for process in begun {
            names.extend(exclusive::matching(&self.shared.root, process, &self.shared.exclusive));
        }
        for name in names {
            self.shared.notes.lock().begun.insert(name.clone());
            self.shared.tell(EventKind::Exclusive, name, now);
        }
    }

    /// Looks at what nothing announces.
    fn look(&mut self, now: Milliseconds) {
        let shared = Arc::clone(&self.shared);
        let root = &shared.root;
        self.devices.look(root);
        self.keys.look(root);
        self.shared.notes.lock().devices = self.devices.noted();
        // Why displays cannot be listed is told by the reading of input.
        for display in displays::find(root).unwrap_or_default() {
            if self.displays.insert(display.clone()) {
                self.begin_display(display);
            }
        }
        let supply = power::read(root);
        let mut pause = LOOK_MS;
        if let crate::Seen::Known(power) = &supply {
            let is_new = self.is_on_mains.replace(power.is_on_mains) != Some(power.is_on_mains);
            if is_new {
                self.shared.tell(EventKind::Power, power::SOURCE, now);
            }
            if power.battery.is_some() {
                pause = LOOK_AT_POWER_MS;
            }
        }
        self.next_look = Milliseconds(now.0 + pause);
    }

    fn begin_display(&mut self, display: Display) {
        let shared = Arc::clone(&self.shared);
        let name = display.name();
        let begun =
            std::thread::Builder::new().name(format!("display {name}")).spawn(
                move || match &display {
                    Display::X11(number) => x11::watch(&shared, *number),
                    Display::Wayland(path) => wayland::watch(&shared, path),
                },
            );
        if let Err(error) = begun {
            self.shared.notes.note_display(&name, time::now(), Err(error.to_string()));
        }
    }
}
