//! Messages of the kernel: changes of power supplies, and programs that begin.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::netlink::{CONNECTOR, KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send,
    socket_with,
};

/// The longest message.
const MESSAGE_SIZE_MAX: usize = 8192;

/// The most messages that are taken at once.
const MESSAGES_MAX: usize = 4096;

/// Group 1 of both protocols: the kernel's own messages; the connector of processes (`CN_IDX_PROC`).
const GROUP: u32 = 1;

/// `PROC_CN_MCAST_LISTEN`: to hear of processes.
const LISTEN: u32 = 1;

/// `PROC_EVENT_EXEC`: a program was executed.
const EXECUTED: u32 = 0x2;

/// `PROC_EVENT_COMM`: a process has given itself a name.
const NAMED: u32 = 0x200;

/// Listens to changes of devices.
#[derive(Debug)]
pub(crate) struct Supplies(OwnedFd);

/// Listens to programs that begin. Needs rights that services have (Linux 6.6: none).
#[derive(Debug)]
pub(crate) struct Processes(OwnedFd);

fn listen(protocol: Protocol) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(protocol))?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUP))?;
    Ok(socket)
}

/// Takes all messages that are there. `None` if some were lost.
fn messages(socket: &OwnedFd, mut see: impl FnMut(&[u8])) -> Option<()> {
    let mut buffer = [0_u8; MESSAGE_SIZE_MAX];
    for _ in 0..MESSAGES_MAX {
        match recv(socket, &mut buffer, RecvFlags::DONTWAIT) {
            Ok((size, _)) => see(buffer.get(..size).unwrap_or_default()),
            Err(rustix::io::Errno::NOBUFS) => return None,
            Err(_) => break,
        }
    }
    Some(())
}

impl Supplies {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        listen(KOBJECT_UEVENT).map(Self)
    }

    /// Whether a power supply has changed.
    pub(crate) fn take(&self) -> bool {
        let mut is_changed = false;
        let whole = messages(&self.0, |message| {
            is_changed |=
                message.split(|byte| *byte == 0).any(|line| line == b"SUBSYSTEM=power_supply");
        });
        is_changed || whole.is_none()
    }
}

impl AsFd for Supplies {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Processes {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let socket = listen(CONNECTOR)?;
        // The kernel's filter came with Linux 6.6; before, whoever listens hears of every process that begins or ends.
        let wish: &[u32] = if has_filter() { &[LISTEN, EXECUTED | NAMED] } else { &[LISTEN] };
        let wish: Vec<u8> = wish.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let size = u16::try_from(wish.len()).unwrap_or(0);
        // nlmsghdr (size, type DONE, flags, sequence, sender), cn_msg (index, value, sequence, answer, size, flags), and the wish.
        let mut message = Vec::new();
        message.extend((36 + u32::from(size)).to_ne_bytes());
        message.extend(3_u16.to_ne_bytes());
        message.extend([0; 10]);
        for word in [1_u32, 1, 0, 0] {
            message.extend(word.to_ne_bytes());
        }
        message.extend(size.to_ne_bytes());
        message.extend(0_u16.to_ne_bytes());
        message.extend(wish);
        send(&socket, &message, SendFlags::empty())?;
        Ok(Self(socket))
    }

    /// Returns the processes whose program or name has changed.
    pub(crate) fn take(&self) -> Vec<u32> {
        let mut begun = Vec::new();
        // If some were lost, the next search finds those that still run.
        let _lost = messages(&self.0, |message| begun.extend(program(message)));
        begun
    }
}

impl AsFd for Processes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether the kernel can leave out what nobody asked for.
fn has_filter() -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut parts = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (6, 6) <= version
}

/// Reads `proc_event` behind the two headers: kind, core, time (8 bytes), then thread and process.
fn program(message: &[u8]) -> Option<u32> {
    let word = |at: usize| Some(u32::from_ne_bytes(message.get(at..at + 4)?.try_into().ok()?));
    matches!(word(36)?, EXECUTED | NAMED).then(|| word(56)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_lives_for_a_moment_is_heard_or_the_kernel_says_why_not() {
        match Processes::listen() {
            Ok(processes) => {
                let mut child = std::process::Command::new("true").spawn().unwrap();
                child.wait().unwrap();
                // Messages are queued before a process has ended.
                assert!(processes.take().contains(&child.id()));
            }
            Err(error) => assert!(error.raw_os_error().is_some(), "{error}"),
        }
    }

    #[test]
    fn a_message_that_is_cut_is_nothing() {
        let mut message = vec![0; 60];
        message[36..40].copy_from_slice(&2_u32.to_ne_bytes());
        message[56..60].copy_from_slice(&77_u32.to_ne_bytes());
        assert_eq!(program(&message), Some(77));
        for end in 0..60 {
            assert_eq!(program(&message[..end]), None);
        }
        message[36] = 1;
        assert_eq!(program(&message), None);
    }
}
