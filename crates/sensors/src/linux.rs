//! Sensors of Linux, from files of the kernel, displays and the system's bus.

mod authority;
mod call;
mod dbus;
mod devices;
mod displays;
mod energy;
mod exclusive;
mod gpu;
mod heat;
mod input;
mod load;
mod memory;
mod messages;
mod network;
mod notes;
mod nvml;
mod power;
mod pressure;
mod root;
mod terminals;
mod time;
mod watcher;
mod wayland;
mod x11;

pub use time::{clock_error_ms, now};
pub use watcher::Watcher;

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::clock;
use crate::linux::displays::Display;
use crate::linux::input::Session;
use crate::linux::notes::Notes;
use crate::linux::root::Root;
use crate::options::EXCLUSIVE_MAX;
use crate::{
    Call, Energy, Event, Input, Load, Milliseconds, Options, Reading, Readings, Seen, Sense,
};

/// What searches all processes is read this often at most, in milliseconds.
const SEARCH_MS: u64 = 2_000;

/// What asks a service, or searches all open files, is read this often at most, in milliseconds.
const QUESTION_MS: u64 = 5_000;

/// The sensors of this machine.
#[derive(Debug)]
pub struct Sensors {
    options: Options,
    root: Root,
    notes: Arc<Notes>,
    terminals: terminals::Meter,
    load: load::Meter,
    search: exclusive::Search,
    gpu: gpu::Meter,
    energy: energy::Meter,
    kept: Kept,
}

/// Readings that are kept for a while, because they cost much.
#[derive(Debug, Default)]
struct Kept {
    session: Option<(Milliseconds, Option<Session>)>,
    gpu: Option<Reading<Vec<String>>>,
    call: Option<Reading<Call>>,
    exclusive: Option<Reading<Vec<String>>>,
    network: Option<Reading<crate::Network>>,
}

impl Sensors {
    /// Prepares the sensors. Nothing is read yet.
    #[must_use]
    pub fn new(mut options: Options) -> Self {
        options.exclusive.truncate(EXCLUSIVE_MAX);
        let root = Root::new(&options.root);
        Self {
            notes: Arc::default(),
            terminals: terminals::Meter::default(),
            load: load::Meter::new(options.own_process),
            search: exclusive::Search::default(),
            gpu: gpu::Meter::new(&root, options.own_process),
            energy: energy::Meter::default(),
            kept: Kept::default(),
            root,
            options,
        }
    }

    /// Names the worker's control group (version 2), so that its waiting does not count as that of others.
    pub fn set_worker_cgroup(&mut self, folder: Option<&Path>) {
        self.load.set_worker_cgroup(folder);
    }

    /// Begins to wait for what is to be told at once. `tell` is called from other threads, and must return soon.
    ///
    /// Without this, displays and input devices are not seen, so input is unknown on a machine with a display.
    ///
    /// # Errors
    /// If the kernel gives no handles or threads.
    pub fn watch(&self, tell: impl Fn(Event) + Send + Sync + 'static) -> io::Result<Watcher> {
        let exclusive = self.options.exclusive.clone();
        Watcher::start(self.root.clone(), Arc::clone(&self.notes), exclusive, Box::new(tell))
    }

    fn input(&mut self, now: Milliseconds) -> (Reading<Input>, Reading<Option<String>>) {
        let displays: Vec<Display> = match displays::find(&self.root) {
            Ok(found) => found.into_iter().collect(),
            Err(reason) => {
                return (
                    reading(Seen::Unknown(reason.clone()), "displays", now),
                    reading(Seen::Unknown(reason), "displays", now),
                );
            }
        };
        let unix_ms = time::unix_milliseconds();
        let terminal = self.terminals.read(&self.root, now, unix_ms);
        // The session manager is asked only where a display does not speak for itself.
        let needs_session = {
            let noted = self.notes.lock();
            !input::unseen(&displays, &noted, now).is_empty()
                || matches!(input::full_screen(&displays, &noted, None, now).0, Seen::Unknown(_))
        };
        let is_old = self.kept.session.as_ref().is_none_or(|(at, kept)| {
            QUESTION_MS <= now.since(*at) || kept.is_some() != needs_session
        });
        if is_old {
            let session = needs_session.then(|| input::session(&self.root, now, unix_ms));
            self.kept.session = Some((now, session));
        }
        let session = self.kept.session.as_ref().and_then(|(_, session)| session.as_ref());
        let noted = self.notes.lock();
        let (seen, source) = input::combine(&displays, &noted, terminal, session, now);
        let (screen, screen_source) = input::full_screen(&displays, &noted, session, now);
        (reading(seen, &source, now), reading(screen, &screen_source, now))
    }

    fn exclusive(&mut self, now: Milliseconds) -> Reading<Vec<String>> {
        let mut current = kept(&mut self.kept.exclusive, SEARCH_MS, now, || {
            let names = self.search.running(&self.root, &self.options.exclusive, now);
            reading(Seen::Known(names), exclusive::SOURCE, now)
        });
        // A program that began and ended since the last reading was there.
        let begun = std::mem::take(&mut self.notes.lock().begun);
        if let Seen::Known(names) = &mut current.seen
            && !begun.is_empty()
        {
            names.extend(begun);
            names.sort();
            names.dedup();
            current.at = now;
        }
        current
    }

    fn load(&mut self, now: Milliseconds) -> Reading<Load> {
        reading(self.load.read(&self.root, now), load::SOURCE, now)
    }
}

impl Sense for Sensors {
    fn read(&mut self, now: Milliseconds) -> Readings {
        let (input, full_screen) = self.input(now);
        Readings {
            input,
            full_screen,
            load: self.load(now),
            memory: reading(memory::memory(&self.root), memory::SOURCE, now),
            gpu: kept(&mut self.kept.gpu, SEARCH_MS, now, || {
                reading(self.gpu.read(&self.root, now), gpu::SOURCE, now)
            }),
            call: kept(&mut self.kept.call, SEARCH_MS, now, || {
                reading(call::read(&self.root), call::SOURCE, now)
            }),
            exclusive: self.exclusive(now),
            power: reading(power::read(&self.root), power::SOURCE, now),
            heat: reading(heat::read(&self.root), heat::SOURCE, now),
            network: kept(&mut self.kept.network, QUESTION_MS, now, || {
                reading(network::read(&self.root, self.options.metered), network::SOURCE, now)
            }),
            disk: reading(
                memory::disk(&self.options.disk),
                &self.options.disk.display().to_string(),
                now,
            ),
            time: reading(clock::wall(), clock::SOURCE, now),
        }
    }

    fn energy(&mut self, now: Milliseconds) -> Vec<Energy> {
        let mut found = self.energy.read(&self.root, now);
        found.extend(self.gpu.energy());
        found
    }
}

fn reading<T>(seen: Seen<T>, source: &str, at: Milliseconds) -> Reading<T> {
    Reading { seen, source: source.to_owned(), at }
}

/// Returns what was read, and reads it again if it is older than `age_ms`.
fn kept<T: Clone>(
    place: &mut Option<Reading<T>>,
    age_ms: u64,
    now: Milliseconds,
    read: impl FnOnce() -> Reading<T>,
) -> Reading<T> {
    match place {
        Some(kept) if now.since(kept.at) < age_ms => kept.clone(),
        _ => place.insert(read()).clone(),
    }
}
