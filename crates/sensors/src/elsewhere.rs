//! Sensors of macOS and Windows. They compile, and have never run: whoever has such a machine is the first.
//!
//! Known are the time since the last input, memory, disk and time; on Windows also mains and battery. All else is unknown, and so counts as in use,
//! until it is written: an agent there works only if its owner says so.

#[cfg(target_os = "macos")]
#[path = "elsewhere/macos.rs"]
mod platform;
#[cfg(windows)]
#[path = "elsewhere/windows.rs"]
mod platform;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{
    Energy, Event, EventKind, Input, Milliseconds, Options, Reading, Readings, Seen, Sense, clock,
};

pub use platform::now;

/// How often the time since the last input is looked at: nothing announces it.
const LOOK: Duration = Duration::from_millis(50);

/// What is not sensed here.
const MISSING: &str = "is not sensed on this operating system yet";

/// Returns how far the wall clock may be off, in milliseconds: unknown here.
#[must_use]
pub fn clock_error_ms() -> Seen<Option<u64>> {
    Seen::Unknown(MISSING.to_owned())
}

/// The sensors of this machine.
#[derive(Debug)]
pub struct Sensors {
    options: Options,
}

impl Sensors {
    /// Prepares the sensors. Nothing is read yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options }
    }

    /// There are no control groups here.
    pub fn set_worker_cgroup(&mut self, _folder: Option<&std::path::Path>) {}

    /// Begins to look for input. `tell` is called from another thread, and must return soon.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn watch(&self, tell: impl Fn(Event) + Send + Sync + 'static) -> io::Result<Watcher> {
        let ends = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ends);
        let thread = std::thread::Builder::new().name("watcher".into()).spawn(move || {
            let mut last = None;
            while !until.load(Ordering::Relaxed) {
                let input = last_input(now());
                // The time is derived from two clocks, so it may tremble by a moment.
                if let (Ok(input), Some(Ok(before))) = (&input, &last)
                    && 30 < Milliseconds::since(*input, *before)
                {
                    let source = platform::SOURCE.to_owned();
                    tell(Event { at: now(), kind: EventKind::Input, source });
                }
                last = Some(input);
                std::thread::sleep(LOOK);
            }
        })?;
        Ok(Watcher { ends, thread: Some(thread) })
    }
}

/// Waits for events until it is dropped.
#[derive(Debug)]
pub struct Watcher {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been printed by its hook.
            let _panicked = thread.join();
        }
    }
}

fn last_input(now: Milliseconds) -> Result<Milliseconds, String> {
    Ok(Milliseconds(now.0.saturating_sub(platform::idle_ms()?)))
}

impl Sense for Sensors {
    fn read(&mut self, now: Milliseconds) -> Readings {
        fn reading<T>(seen: Seen<T>, at: Milliseconds) -> Reading<T> {
            Reading { seen, source: platform::SOURCE.to_owned(), at }
        }
        fn missing<T>(name: &str, at: Milliseconds) -> Reading<T> {
            reading(Seen::Unknown(format!("{name} {MISSING}")), at)
        }
        let input = match last_input(now) {
            Ok(last) => Seen::Known(Input { last: Some(last) }),
            Err(reason) => Seen::Unknown(reason),
        };
        Readings {
            input: reading(input, now),
            load: missing("load of others", now),
            memory: reading(platform::memory(), now),
            gpu: missing("use of graphics processors", now),
            full_screen: missing("a full screen", now),
            call: missing("a call", now),
            exclusive: missing("exclusive programs", now),
            power: reading(platform::power(), now),
            heat: missing("temperature", now),
            network: missing("the network", now),
            disk: reading(platform::disk(&self.options.disk), now),
            time: reading(clock::wall(), now),
        }
    }

    fn energy(&mut self, _now: Milliseconds) -> Vec<Energy> {
        Vec::new()
    }
}
