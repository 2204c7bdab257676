//! Which displays there are.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::linux::root::Root;

/// The most displays that are watched.
const DISPLAYS_MAX: usize = 32;

/// A display that programs can connect to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Display {
    /// An X server's number.
    X11(u16),
    /// A Wayland compositor's socket.
    Wayland(PathBuf),
}

impl Display {
    /// Returns its name: `:0`, or the path of its socket.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::X11(number) => format!(":{number}"),
            Self::Wayland(path) => path.display().to_string(),
        }
    }
}

/// Returns the displays of this machine, from the kernel's list of sockets.
///
/// The list shows sockets that this process cannot reach, so a service with a `/tmp` of its own still knows that there is a display
/// (BOINC #1187 did not). What environment variables say is not asked: over SSH, `DISPLAY` names another machine's.
///
/// # Errors
/// Why the list cannot be read.
pub(crate) fn find(root: &Root) -> Result<BTreeSet<Display>, String> {
    let text = root.text("proc/net/unix")?;
    Ok(text.lines().skip(1).filter_map(listening).take(DISPLAYS_MAX).collect())
}

/// Reads a line `Num RefCount Protocol Flags Type St Inode Path` of a socket that accepts connections.
fn listening(line: &str) -> Option<Display> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (flags, path) = (words.get(3)?, words.get(7)?);
    if u32::from_str_radix(flags, 16).ok()? & 0x1_0000 == 0 {
        return None;
    }
    let path = path.strip_prefix('@').unwrap_or(path);
    if let Some(number) = path.strip_prefix("/tmp/.X11-unix/X") {
        return Some(Display::X11(number.parse().ok()?));
    }
    let (user, name) = path.strip_prefix("/run/user/")?.split_once('/')?;
    let is_wayland = user.bytes().all(|byte| byte.is_ascii_digit())
        && name.strip_prefix("wayland-")?.bytes().all(|byte| byte.is_ascii_digit());
    is_wayland.then(|| Display::Wayland(PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_displays_are_found_once() {
        let text = "\
Num       RefCount Protocol Flags    Type St Inode Path
0: 00000002 00000000 00010000 0001 01 1 @/tmp/.X11-unix/X0
0: 00000002 00000000 00010000 0001 01 2 /tmp/.X11-unix/X0
0: 00000003 00000000 00000000 0001 03 3 @/tmp/.X11-unix/X1
0: 00000002 00000000 00010000 0001 01 4 /run/user/1000/wayland-1
0: 00000002 00000000 00010000 0001 01 5 /run/user/1000/bus
0: 00000002 00000000 00010000 0001 01 6
0: 00000002 00000000 00010000 0001 01 7 /tmp/.X11-unix/Xa
";
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("proc/net")).unwrap();
        std::fs::write(folder.path().join("proc/net/unix"), text).unwrap();
        let found = find(&Root::new(folder.path())).unwrap();
        let names: Vec<String> = found.iter().map(Display::name).collect();
        assert_eq!(names, [":0", "/run/user/1000/wayland-1"]);
    }
}
