//! An X server: input as it happens, time since the last one, and which program fills a screen.

use std::os::fd::AsFd;

use rustix::event::PollFlags;
use x11rb::connection::Connection;
use x11rb::errors::ReplyError;
use x11rb::protocol::Event;
use x11rb::protocol::screensaver::ConnectionExt as _;
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, Window};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::rust_connection::{DefaultStream, RustConnection};

use crate::linux::authority;
use crate::linux::displays::{self, Display};
use crate::linux::notes::DisplaySeen;
use crate::linux::root::Root;
use crate::linux::time;
use crate::linux::watcher::{QUIET_MS, Shared};
use crate::{Milliseconds, Seen};

/// How often the display is asked, in milliseconds.
const ASK_MS: u64 = 1_000;

/// How long to wait before a display that refused is tried again, in milliseconds.
const AGAIN_MS: u64 = 3_000;

/// The most windows that are looked at.
const WINDOWS_MAX: u32 = 512;

/// A desktop number that means all of them.
const ALL_DESKTOPS: u32 = u32::MAX;

/// Watches a display until it is gone or the watcher ends.
pub(crate) fn watch(shared: &Shared, number: u16) {
    let name = format!(":{number}");
    loop {
        let is_there =
            displays::find(&shared.root).is_ok_and(|all| all.contains(&Display::X11(number)));
        if is_there {
            match Screen::connect(&shared.root, &name, number)
                .and_then(|screen| screen.watch(shared, &name))
            {
                Ok(()) => return,
                Err(reason) => {
                    // A display that ended while it was watched refuses too; it is not listed any more.
                    shared.notes.note_display(&name, time::now(), Err(reason));
                }
            }
        }
        if shared.sleep(&[], AGAIN_MS).is_none() {
            return;
        }
    }
}

/// Connects with the key that the environment names, else with those that servers were started with.
fn open(root: &Root, name: &str, number: u16) -> Result<(RustConnection, usize), String> {
    let refused = match RustConnection::connect(Some(name)) {
        Ok(connected) => return Ok(connected),
        Err(error) => format!("cannot be reached: {error}"),
    };
    let display = parse_display(Some(name)).map_err(|error| error.to_string())?;
    for (kind, key) in authority::keys(root, number) {
        for address in display.connect_instruction() {
            let Ok((stream, _)) = DefaultStream::connect(&address) else { continue };
            let connected = RustConnection::connect_to_stream_with_auth_info(
                stream,
                0,
                kind.clone(),
                key.clone(),
            );
            if let Ok(connection) = connected {
                return Ok((connection, 0));
            }
        }
    }
    Err(refused)
}

/// A connection, and what it needs.
struct Screen {
    connection: RustConnection,
    root: Window,
    size: (u16, u16),
    is_guest: bool,
    has_idle_time: bool,
    names: Names,
}

/// Names of properties, as the server numbers them.
#[derive(Clone, Copy)]
struct Names {
    clients: Atom,
    state: Atom,
    full_screen: Atom,
    hidden: Atom,
    desktop: Atom,
    current_desktop: Atom,
}

impl Screen {
    fn connect(root: &Root, name: &str, number: u16) -> Result<Self, String> {
        let (connection, screen) = open(root, name, number)?;
        let setup = connection.setup().roots.get(screen).ok_or("has no screen")?;
        let (root, size) = (setup.root, (setup.width_in_pixels, setup.height_in_pixels));
        let begun = || -> Result<(bool, bool, Names), ReplyError> {
            let has = |extension: &[u8]| -> Result<bool, ReplyError> {
                Ok(connection.query_extension(extension)?.reply()?.present)
            };
            if has(b"XInputExtension")? {
                connection.xinput_xi_query_version(2, 2)?.reply()?;
                let mask = XIEventMask::RAW_KEY_PRESS
                    | XIEventMask::RAW_KEY_RELEASE
                    | XIEventMask::RAW_BUTTON_PRESS
                    | XIEventMask::RAW_BUTTON_RELEASE
                    | XIEventMask::RAW_MOTION
                    | XIEventMask::RAW_TOUCH_BEGIN
                    | XIEventMask::RAW_TOUCH_UPDATE
                    | XIEventMask::RAW_TOUCH_END;
                let masks = [xinput::EventMask {
                    deviceid: xinput::Device::ALL_MASTER.into(),
                    mask: vec![mask],
                }];
                connection.xinput_xi_select_events(root, &masks)?.check()?;
            }
            let name = |text: &[u8]| -> Result<Atom, ReplyError> {
                Ok(connection.intern_atom(false, text)?.reply()?.atom)
            };
            let names = Names {
                clients: name(b"_NET_CLIENT_LIST")?,
                state: name(b"_NET_WM_STATE")?,
                full_screen: name(b"_NET_WM_STATE_FULLSCREEN")?,
                hidden: name(b"_NET_WM_STATE_HIDDEN")?,
                desktop: name(b"_NET_WM_DESKTOP")?,
                current_desktop: name(b"_NET_CURRENT_DESKTOP")?,
            };
            Ok((has(b"XWAYLAND")?, has(b"MIT-SCREEN-SAVER")?, names))
        };
        let (is_guest, has_idle_time, names) =
            begun().map_err(|error| format!("refuses to be watched: {error}"))?;
        Ok(Self { connection, root, size, is_guest, has_idle_time, names })
    }

    /// Watches until the watcher ends.
    fn watch(&self, shared: &Shared, name: &str) -> Result<(), String> {
        let lost = |error: String| format!("is lost: {error}");
        let source = format!("display {name}");
        let mut quiet_until = Milliseconds(0);
        let mut next_ask = Milliseconds(0);
        loop {
            let now = time::now();
            if next_ask <= now {
                let seen = self.ask(now).map_err(|error| lost(error.to_string()))?;
                shared.notes.note_display(name, now, Ok(seen));
                next_ask = Milliseconds(now.0 + ASK_MS);
            }
            let is_quiet = now < quiet_until;
            // Answers may have brought events along, which no longer wait in the socket.
            if !is_quiet && self.take_input().map_err(|error| lost(error.to_string()))? {
                shared.tell_input(&source);
                quiet_until = Milliseconds(now.0 + QUIET_MS);
                continue;
            }
            let wakes = if is_quiet { next_ask.min(quiet_until) } else { next_ask };
            let handle = [(self.connection.stream().as_fd(), PollFlags::IN)];
            let listened = if is_quiet { &handle[..0] } else { &handle[..] };
            if shared.sleep(listened, wakes.since(now).max(1)).is_none() {
                return Ok(());
            }
        }
    }

    /// Takes all events, and says whether there was input among them.
    fn take_input(&self) -> Result<bool, x11rb::errors::ConnectionError> {
        let mut is_input = false;
        while let Some(event) = self.connection.poll_for_event()? {
            is_input |= matches!(
                event,
                Event::XinputRawKeyPress(_)
                    | Event::XinputRawKeyRelease(_)
                    | Event::XinputRawButtonPress(_)
                    | Event::XinputRawButtonRelease(_)
                    | Event::XinputRawMotion(_)
                    | Event::XinputRawTouchBegin(_)
                    | Event::XinputRawTouchUpdate(_)
                    | Event::XinputRawTouchEnd(_)
            );
        }
        Ok(is_input)
    }

    /// Asks for the time since the last input, and for what fills the screen.
    fn ask(&self, now: Milliseconds) -> Result<DisplaySeen, ReplyError> {
        let last = if self.has_idle_time {
            let idle =
                self.connection.screensaver_query_info(self.root)?.reply()?.ms_since_user_input;
            Some(Milliseconds(now.0.saturating_sub(u64::from(idle))))
        } else {
            None
        };
        let full_screen = Seen::Known(self.full_screen()?);
        Ok(DisplaySeen { last, full_screen, is_guest: self.is_guest })
    }

    /// Returns the name of a program that fills the screen.
    ///
    /// Window managers say which windows do. Where there is none, a window that has the focus and the size of the screen does.
    fn full_screen(&self) -> Result<Option<String>, ReplyError> {
        let windows = self.numbers(self.root, self.names.clients)?;
        if windows.is_empty() {
            let focus = self.connection.get_input_focus()?.reply()?.focus;
            // 0 is nothing, 1 is whatever lies below the pointer.
            let is_window = 1 < focus && focus != self.root;
            return if is_window && self.fills(focus)? {
                self.name(focus).map(Some)
            } else {
                Ok(None)
            };
        }
        let current = self.numbers(self.root, self.names.current_desktop)?.first().copied();
        for window in windows {
            let Ok(state) = self.numbers(window, self.names.state) else { continue };
            if !state.contains(&self.names.full_screen) || state.contains(&self.names.hidden) {
                continue;
            }
            let desktop = self.numbers(window, self.names.desktop)?.first().copied();
            if desktop.is_none() || desktop == current || desktop == Some(ALL_DESKTOPS) {
                return self.name(window).map(Some);
            }
        }
        Ok(None)
    }

    fn fills(&self, window: Window) -> Result<bool, ReplyError> {
        let found = self.connection.get_geometry(window)?.reply()?;
        Ok(self.size.0 <= found.width && self.size.1 <= found.height)
    }

    /// Reads a property that is a list of numbers; an absent one is empty.
    fn numbers(&self, window: Window, name: Atom) -> Result<Vec<u32>, ReplyError> {
        let request =
            self.connection.get_property(false, window, name, AtomEnum::ANY, 0, WINDOWS_MAX)?;
        Ok(request.reply()?.value32().into_iter().flatten().collect())
    }

    /// Returns what a window's program is called (`WM_CLASS`: instance, then class).
    fn name(&self, window: Window) -> Result<String, ReplyError> {
        let request = self.connection.get_property(
            false,
            window,
            AtomEnum::WM_CLASS,
            AtomEnum::STRING,
            0,
            64,
        )?;
        let value = request.reply()?.value;
        let parts: Vec<&[u8]> = value.split(|byte| *byte == 0).collect();
        let name = parts.get(1).or(parts.first()).copied().unwrap_or_default();
        Ok(if name.is_empty() {
            format!("window {window}")
        } else {
            String::from_utf8_lossy(name).into_owned()
        })
    }
}
