//! A Wayland compositor: whether its seats are idle, by `ext-idle-notify-v1`.
//!
//! Two notices are asked for each seat. The first comes after a fifth of a second without input, and its end is input as it happens. The second heeds
//! programs that keep the display awake (players, presentations): while only the first has come, one of them runs. That is as much as Wayland says of full
//! screens.
//!
//! The protocol's messages are a header and numbers; a client library would bring a generator of code, a macro and an XML parser for six of them.
//! Source: wayland.xml, sections `wl_display`, `wl_registry`; ext-idle-notify-v1.xml.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::event::PollFlags;

use crate::linux::displays::{self, Display};
use crate::linux::notes::DisplaySeen;
use crate::linux::time;
use crate::linux::watcher::Shared;
use crate::{Milliseconds, Seen};

/// A seat without input for so long is idle.
const IDLE_MS: u32 = 200;

/// A display that is not kept awake is idle after this.
const REST_MS: u32 = 2_000;

/// How often the compositor is asked to answer, in milliseconds.
const ASK_MS: u64 = 1_000;

/// How long to wait before a display that refused is tried again, in milliseconds.
const AGAIN_MS: u64 = 3_000;

/// The longest message: the protocol's own limit.
const MESSAGE_SIZE_MAX: usize = 1 << 16;

/// The most seats.
const SEATS_MAX: usize = 64;

/// Objects that exist from the beginning.
const DISPLAY: u32 = 1;
const REGISTRY: u32 = 2;

/// The object that answers, again and again. Later objects have the next numbers, without gaps, as compositors demand.
const ANSWER: u32 = 3;

/// Watches a display until it is gone or the watcher ends.
pub(crate) fn watch(shared: &Shared, path: &Path) {
    let display = Display::Wayland(path.to_path_buf());
    let name = display.name();
    let place = shared.root.path(name.trim_start_matches('/'));
    loop {
        if displays::find(&shared.root).is_ok_and(|all| all.contains(&display)) {
            match Compositor::connect(&place)
                .and_then(|mut compositor| compositor.watch(shared, &name))
            {
                Ok(()) => return,
                Err(error) => {
                    let reason = format!("cannot be watched: {error}");
                    shared.notes.note_display(&name, time::now(), Err(reason));
                }
            }
        }
        if shared.sleep(&[], AGAIN_MS).is_none() {
            return;
        }
    }
}

/// A connection, and what the compositor has said.
struct Compositor {
    stream: UnixStream,
    received: Vec<u8>,
    next_object: u32,
    /// The notifier and its version.
    notifier: Option<(u32, u32)>,
    /// Seats that came before the notifier: names of the registry.
    waiting: Vec<u32>,
    /// By the number of its first notice.
    seats: BTreeMap<u32, Seat>,
    /// Which seat a second notice belongs to.
    rests: BTreeMap<u32, u32>,
    /// Whether the last answer has been given, and its number may be used again.
    is_answer_free: bool,
    has_answered: bool,
    is_touched: bool,
}

struct Seat {
    is_idle: bool,
    is_at_rest: bool,
    last: Milliseconds,
}

impl Compositor {
    fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_nonblocking(true)?;
        let mut this = Self {
            stream,
            received: Vec::new(),
            next_object: ANSWER + 1,
            notifier: None,
            waiting: Vec::new(),
            seats: BTreeMap::new(),
            rests: BTreeMap::new(),
            is_answer_free: true,
            has_answered: false,
            is_touched: false,
        };
        // get_registry
        this.send(DISPLAY, 1, &[REGISTRY])?;
        Ok(this)
    }

    /// Watches until the watcher ends.
    fn watch(&mut self, shared: &Shared, name: &str) -> io::Result<()> {
        let source = format!("display {name}");
        let mut next_ask = Milliseconds(0);
        loop {
            let now = time::now();
            if next_ask <= now {
                if std::mem::take(&mut self.is_answer_free) {
                    // sync
                    self.send(DISPLAY, 0, &[ANSWER])?;
                }
                next_ask = Milliseconds(now.0 + ASK_MS);
            }
            let handle = (self.stream.as_fd(), PollFlags::IN);
            if shared.sleep(&[handle], next_ask.since(now).max(1)).is_none() {
                return Ok(());
            }
            self.receive()?;
            let now = time::now();
            self.take(now)?;
            if std::mem::take(&mut self.is_touched) {
                shared.tell_input(&source);
            }
            if std::mem::take(&mut self.has_answered) {
                if self.notifier.is_none() {
                    return Err(io::Error::other(
                        "the compositor has no ext-idle-notify-v1: give the agent's user the group `input`",
                    ));
                }
                shared.notes.note_display(name, now, Ok(self.seen(now)));
            }
        }
    }

    fn seen(&self, now: Milliseconds) -> DisplaySeen {
        let last = self.seats.values().map(|seat| if seat.is_idle { seat.last } else { now }).max();
        // Just after the last input both notices are outstanding: then input says enough.
        let is_awake = self.seats.values().any(|seat| {
            seat.is_idle && !seat.is_at_rest && u64::from(REST_MS) * 2 < now.since(seat.last)
        });
        let full_screen = is_awake.then(|| "a program that keeps the display awake".to_owned());
        DisplaySeen { last, full_screen: Seen::Known(full_screen), is_guest: false }
    }

    fn new_object(&mut self) -> u32 {
        self.next_object += 1;
        self.next_object - 1
    }

    fn send(&mut self, object: u32, request: u32, numbers: &[u32]) -> io::Result<()> {
        let body: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
        self.send_bytes(object, request, &body)
    }

    fn send_bytes(&mut self, object: u32, request: u32, body: &[u8]) -> io::Result<()> {
        let size = u32::try_from(body.len() + 8).map_err(io::Error::other)?;
        let mut message = object.to_ne_bytes().to_vec();
        message.extend((size << 16 | request).to_ne_bytes());
        message.extend(body);
        self.stream.write_all(&message)
    }

    /// Binds a global object: `bind(name, interface, version, new object)`.
    fn bind(&mut self, name: u32, interface: &str, version: u32, object: u32) -> io::Result<()> {
        let mut body = name.to_ne_bytes().to_vec();
        let size = u32::try_from(interface.len() + 1).map_err(io::Error::other)?;
        body.extend(size.to_ne_bytes());
        body.extend(interface.as_bytes());
        body.push(0);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(version.to_ne_bytes());
        body.extend(object.to_ne_bytes());
        self.send_bytes(REGISTRY, 0, &body)
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(size) => self.received.extend(buffer.iter().take(size)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if MESSAGE_SIZE_MAX * 4 < self.received.len() {
                return Ok(());
            }
        }
    }

    /// Takes every whole message.
    fn take(&mut self, now: Milliseconds) -> io::Result<()> {
        let received = std::mem::take(&mut self.received);
        let mut rest = received.as_slice();
        while let (Some(object), Some(word)) = (number(rest, 0), number(rest, 4)) {
            let size = usize::try_from(word >> 16).unwrap_or(0);
            if size < 8 {
                return Err(io::Error::other("a message is malformed"));
            }
            let Some(message) = rest.get(..size) else { break };
            self.see(object, word & 0xffff, &message[8..], now)?;
            rest = &rest[size..];
        }
        self.received = rest.to_vec();
        Ok(())
    }

    fn see(&mut self, object: u32, event: u32, body: &[u8], now: Milliseconds) -> io::Result<()> {
        let malformed = || io::Error::other("a message is malformed");
        match (object, event) {
            // error(object, code, message)
            (DISPLAY, 0) => Err(io::Error::other(text(body, 8).ok_or_else(malformed)?)),
            // global(name, interface, version)
            (REGISTRY, 0) => {
                let name = number(body, 0).ok_or_else(malformed)?;
                let interface = text(body, 4).ok_or_else(malformed)?;
                let version_at = 8 + (interface.len() + 1).next_multiple_of(4);
                let version = number(body, version_at).ok_or_else(malformed)?;
                self.global(name, &interface, version, now)
            }
            // delete_id(object)
            (DISPLAY, 1) => {
                self.is_answer_free |= number(body, 0) == Some(ANSWER);
                Ok(())
            }
            (ANSWER, _) => {
                self.has_answered = true;
                Ok(())
            }
            // idled, resumed
            (notice, 0 | 1) => {
                self.notice(notice, event == 0, now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn global(
        &mut self,
        name: u32,
        interface: &str,
        version: u32,
        now: Milliseconds,
    ) -> io::Result<()> {
        match interface {
            "ext_idle_notifier_v1" if self.notifier.is_none() => {
                let notifier = (self.new_object(), version.min(2));
                self.bind(name, interface, notifier.1, notifier.0)?;
                self.notifier = Some(notifier);
                for seat in std::mem::take(&mut self.waiting) {
                    self.begin_seat(seat, notifier, now)?;
                }
                Ok(())
            }
            "wl_seat" => match self.notifier {
                Some(notifier) => self.begin_seat(name, notifier, now),
                None => {
                    self.waiting.push(name);
                    self.waiting.truncate(SEATS_MAX);
                    Ok(())
                }
            },
            _ => Ok(()),
        }
    }

    fn begin_seat(
        &mut self,
        name: u32,
        (notifier, version): (u32, u32),
        now: Milliseconds,
    ) -> io::Result<()> {
        if SEATS_MAX <= self.seats.len() {
            return Err(io::Error::other("there are too many seats"));
        }
        let (seat, first, second) = (self.new_object(), self.new_object(), self.new_object());
        self.bind(name, "wl_seat", 1, seat)?;
        // get_input_idle_notification, of version 2, does not heed programs that keep the display awake; get_idle_notification does.
        let request = if version == 1 { 1 } else { 2 };
        self.send(notifier, request, &[first, IDLE_MS, seat])?;
        self.send(notifier, 1, &[second, REST_MS, seat])?;
        // It may be in use until it says that it is not.
        self.seats.insert(first, Seat { is_idle: false, is_at_rest: false, last: now });
        self.rests.insert(second, first);
        Ok(())
    }

    fn notice(&mut self, notice: u32, is_idle: bool, now: Milliseconds) {
        if let Some(seat) = self.rests.get(&notice).and_then(|first| self.seats.get_mut(first)) {
            seat.is_at_rest = is_idle;
        } else if let Some(seat) = self.seats.get_mut(&notice) {
            seat.is_idle = is_idle;
            seat.last =
                if is_idle { Milliseconds(now.0.saturating_sub(IDLE_MS.into())) } else { now };
            self.is_touched |= !is_idle;
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Reads a string: its size with the final zero, its bytes, and up to three more.
fn text(bytes: &[u8], at: usize) -> Option<String> {
    let size = usize::try_from(number(bytes, at)?).ok()?;
    let start = at.checked_add(4)?;
    let text = bytes.get(start..start.checked_add(size)?)?;
    Some(String::from_utf8_lossy(text.strip_suffix(&[0])?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compositor's side that says nothing by itself.
    fn silent() -> (Compositor, UnixStream) {
        let (stream, other) = UnixStream::pair().unwrap();
        stream.set_nonblocking(true).unwrap();
        let compositor = Compositor {
            stream,
            received: Vec::new(),
            next_object: 5,
            notifier: Some((4, 2)),
            waiting: Vec::new(),
            seats: BTreeMap::new(),
            rests: BTreeMap::new(),
            is_answer_free: true,
            has_answered: false,
            is_touched: false,
        };
        (compositor, other)
    }

    #[test]
    fn a_program_that_keeps_an_idle_display_awake_counts_as_full_screen() {
        let (mut compositor, _other) = silent();
        compositor.begin_seat(7, (4, 2), Milliseconds(0)).unwrap();
        let (first, second) = (6, 7);
        // In use until it says otherwise.
        assert_eq!(compositor.seen(Milliseconds(9_000)).last, Some(Milliseconds(9_000)));
        compositor.notice(first, true, Milliseconds(10_000));
        let check = |compositor: &Compositor, now: u64, expected: Option<&str>| {
            let seen = compositor.seen(Milliseconds(now));
            assert_eq!(seen.last, Some(Milliseconds(9_800)));
            assert_eq!(seen.full_screen, Seen::Known(expected.map(str::to_owned)), "{now}");
        };
        check(&compositor, 11_000, None);
        check(&compositor, 15_000, Some("a program that keeps the display awake"));
        compositor.notice(second, true, Milliseconds(16_000));
        check(&compositor, 17_000, None);
    }

    #[test]
    fn no_byte_of_a_message_makes_a_panic() {
        let mut whole = Vec::new();
        whole.extend(REGISTRY.to_ne_bytes());
        whole.extend((28_u32 << 16).to_ne_bytes());
        whole.extend(7_u32.to_ne_bytes());
        whole.extend(8_u32.to_ne_bytes());
        whole.extend(b"wl_seat\0");
        whole.extend(9_u32.to_ne_bytes());
        for at in 0..whole.len() {
            for value in [0, 1, 4, 127, 255] {
                let (mut compositor, _other) = silent();
                compositor.received = whole.clone();
                compositor.received[at] = value;
                let _either = compositor.take(Milliseconds(0));
            }
        }
        let (mut compositor, _other) = silent();
        compositor.received = whole;
        compositor.take(Milliseconds(0)).unwrap();
        assert_eq!(compositor.seats.len(), 1);
    }
}
