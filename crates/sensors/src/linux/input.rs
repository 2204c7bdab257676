//! Puts together what is known of keyboard, pointer and sessions.
//!
//! Every display has to be seen, or its input has to be known otherwise:
//!
//! 1. by the display itself (X11; Wayland with `ext-idle-notify-v1`), through its thread;
//! 2. by the kernel's input devices, if all of them may be read;
//! 3. by the session manager (logind's `IdleHint`), which desktops keep, if it has a session of a desktop.
//!
//! If none of the three does, input is unknown. A machine without a display has only terminals, which are always seen, so there it is known.

use crate::linux::dbus;
use crate::linux::displays::Display;
use crate::linux::notes::{DisplayNote, Noted};
use crate::linux::root::Root;
use crate::{Input, Milliseconds, Seen};

/// A display that has not answered for so long is not seen.
const SILENCE_MS_MAX: u64 = 5_000;

/// What the session manager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// Some session is in use.
    Active,
    /// All sessions have been idle since.
    IdleSince(Milliseconds),
    /// It does not say, and why.
    Silent(String),
}

/// Asks logind whether every session is idle, and since when.
pub(crate) fn session(root: &Root, now: Milliseconds, unix_ms: i64) -> Session {
    let ask = |name| {
        let property = dbus::Property {
            service: "org.freedesktop.login1",
            path: "/org/freedesktop/login1",
            interface: "org.freedesktop.login1.Manager",
            name,
        };
        dbus::property(&root.path(dbus::SYSTEM_BUS), &property)
    };
    match (ask("IdleHint"), ask("IdleSinceHint")) {
        (Ok(dbus::Value::Flag(false)), _) => Session::Active,
        (Ok(dbus::Value::Flag(true)), Ok(dbus::Value::Number(_))) if !has_desktop(root) => {
            Session::Silent("logind has no session of a desktop".into())
        }
        (Ok(dbus::Value::Flag(true)), Ok(dbus::Value::Number(unix_microseconds))) => {
            let since_ms = i64::try_from(unix_microseconds / 1000).unwrap_or(i64::MAX);
            let age = u64::try_from(unix_ms.saturating_sub(since_ms)).unwrap_or(0);
            Session::IdleSince(Milliseconds(now.0.saturating_sub(age)))
        }
        (Err(reason), _) | (_, Err(reason)) => Session::Silent(reason),
        (Ok(_), Ok(_)) => Session::Silent("logind: IdleHint has another type".into()),
    }
}

/// Whether logind has a session of a desktop, which says itself when it is idle. Without sessions all of them are idle, and one of a terminal is when nobody
/// types there: neither says anything of a display that was started in another way.
fn has_desktop(root: &Root) -> bool {
    const SESSIONS: &str = "run/systemd/sessions";
    // Beside each file is a pipe, `N.ref`, which must not be opened.
    let names = root.names(SESSIONS).into_iter().filter(|name| !name.contains('.'));
    let is_desktop = |text: String| {
        text.lines().any(|line| ["TYPE=x11", "TYPE=wayland", "TYPE=mir"].contains(&line))
    };
    names.filter_map(|name| root.text(&format!("{SESSIONS}/{name}")).ok()).any(is_desktop)
}

/// Returns whether a display is seen by itself: `Err` says why not.
fn is_seen<'a>(noted: &'a Noted, name: &str, now: Milliseconds) -> Result<&'a DisplayNote, String> {
    let note = noted.displays.get(name).ok_or("has not answered yet")?;
    if SILENCE_MS_MAX < now.since(note.at) {
        return Err(format!("has not answered for {} s", now.since(note.at) / 1000));
    }
    note.state.as_ref().map(|_| note).map_err(Clone::clone)
}

/// Returns the displays that are not seen by themselves, each with the reason.
pub(crate) fn unseen(displays: &[Display], noted: &Noted, now: Milliseconds) -> Vec<String> {
    let has_host = displays.iter().any(|display| matches!(display, Display::Wayland(_)));
    let state = |name: &str| -> Result<(), String> {
        let note = is_seen(noted, name, now)?;
        let is_guest = note.state.as_ref().is_ok_and(|seen| seen.is_guest);
        if is_guest && !has_host {
            return Err("is a guest of a Wayland display that has no socket here".into());
        }
        Ok(())
    };
    displays
        .iter()
        .filter_map(|display| {
            let name = display.name();
            state(&name).err().map(|reason| format!("display {name}: {reason}"))
        })
        .collect()
}

/// Whether all input devices of the kernel are listened to, and there is one.
pub(crate) fn has_devices(noted: &Noted) -> bool {
    noted.devices.refused.is_empty() && !noted.devices.heard.is_empty()
}

/// Puts together what was seen, and says where the last input was.
pub(crate) fn combine(
    displays: &[Display],
    noted: &Noted,
    terminal: Option<(Milliseconds, String)>,
    session: Option<&Session>,
    now: Milliseconds,
) -> (Seen<Input>, String) {
    let mut last = terminal;
    let mut see = |at: Milliseconds, source: &str| {
        if last.as_ref().is_none_or(|(before, _)| *before < at) {
            last = Some((at, source.to_owned()));
        }
    };
    if let Some((at, source)) = &noted.input {
        see(*at, source);
    }
    for display in displays {
        let name = display.name();
        if let Some(at) =
            is_seen(noted, &name, now).ok().and_then(|note| note.state.as_ref().ok()?.last)
        {
            see(at, &format!("display {name}"));
        }
    }
    match session {
        Some(Session::Active) => see(now, "logind"),
        Some(Session::IdleSince(at)) => see(*at, "logind"),
        Some(Session::Silent(_)) | None => {}
    }
    let unseen = unseen(displays, noted, now);
    let is_known = unseen.is_empty()
        || has_devices(noted)
        || matches!(session, Some(Session::Active | Session::IdleSince(_)));
    if !is_known {
        let mut reason = unseen.join("; ");
        if let Some(device) = noted.devices.refused.first() {
            reason.push_str(&format!("; {device} cannot be read: run the agent as a system service, or add its user to the group `input`"));
        }
        if let Some(Session::Silent(silence)) = session {
            reason.push_str(&format!("; {silence}"));
        }
        return (Seen::Unknown(reason), "displays, input devices, logind".into());
    }
    let source = last.as_ref().map_or("no terminal, no display", |(_, source)| source).to_owned();
    (Seen::Known(Input { last: last.map(|(at, _)| at) }), source)
}

/// Says which program fills a screen, as far as displays say.
pub(crate) fn full_screen(
    displays: &[Display],
    noted: &Noted,
    session: Option<&Session>,
    now: Milliseconds,
) -> (Seen<Option<String>>, String) {
    let mut unknown = Vec::new();
    for display in displays {
        let name = display.name();
        let note = match is_seen(noted, &name, now) {
            Ok(note) => note,
            Err(reason) => {
                unknown.push(format!("display {name}: {reason}"));
                continue;
            }
        };
        match note.state.as_ref().map(|seen| &seen.full_screen) {
            Ok(Seen::Known(Some(program))) => {
                return (Seen::Known(Some(program.clone())), format!("display {name}"));
            }
            Ok(Seen::Known(None)) => {}
            Ok(Seen::Unknown(reason)) => unknown.push(format!("display {name}: {reason}")),
            Err(reason) => unknown.push(reason.clone()),
        }
    }
    // A desktop calls its session idle only if no program (a player, a presentation) asked it not to.
    if unknown.is_empty() || matches!(session, Some(Session::IdleSince(_))) {
        let source = if unknown.is_empty() { "displays" } else { "logind" };
        return (Seen::Known(None), source.into());
    }
    (Seen::Unknown(unknown.join("; ")), "displays".into())
}

#[cfg(test)]
mod tests;
