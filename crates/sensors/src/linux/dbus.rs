//! Reads one property from a service on a bus.
//!
//! D-Bus libraries bring an executor, macros and fifty crates; what is needed here is one call: say who we are (`EXTERNAL`), `Hello`, `Properties.Get`,
//! and one number or flag out of the answer. Source: D-Bus Specification 0.43, sections "Message Protocol" and "Authentication Protocol".

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// The system's bus, below the root folder.
pub(crate) const SYSTEM_BUS: &str = "run/dbus/system_bus_socket";

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The longest message that is read, in bytes.
const MESSAGE_SIZE_MAX: usize = 1 << 16;

/// The most messages that are read while waiting for an answer.
const MESSAGES_MAX: usize = 16;

/// Serial number of the question; the first is `Hello`'s.
const QUESTION: u32 = 2;

/// `NO_AUTO_START`: a service that does not run is not started by a question.
const FLAGS: u8 = 2;

/// Names a property.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Property<'a> {
    /// Name of the service on the bus.
    pub(crate) service: &'a str,
    /// Path of the object.
    pub(crate) path: &'a str,
    /// Interface of the property.
    pub(crate) interface: &'a str,
    /// Name of the property.
    pub(crate) name: &'a str,
}

/// A property's value: the types that are needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A boolean.
    Flag(bool),
    /// An unsigned number of 32 or 64 bits.
    Number(u64),
}

/// Asks for a property.
///
/// # Errors
/// Which service could not be asked, and why.
pub(crate) fn property(socket: &Path, property: &Property<'_>) -> Result<Value, String> {
    let ask = || -> io::Result<Value> {
        let mut stream = reach(socket)?;
        authenticate(&mut stream)?;
        stream.write_all(&call(
            1,
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "Hello",
            &[],
        ))?;
        let arguments = [property.interface, property.name];
        stream.write_all(&call(
            QUESTION,
            property.service,
            property.path,
            "org.freedesktop.DBus.Properties",
            "Get",
            &arguments,
        ))?;
        answer(&mut stream)
    };
    ask().map_err(|error| {
        let words = match error.kind() {
            io::ErrorKind::WouldBlock => "no answer in time".to_owned(),
            _ => error.to_string(),
        };
        format!("{} {} at {}: {words}", property.service, property.name, socket.display())
    })
}

/// Connects to a bus. One that hangs takes nobody on, and a blocking connection would wait for it without end once its queue is full.
fn reach(socket: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let handle = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&handle, &SocketAddrUnix::new(socket)?)?;
    let stream = UnixStream::from(handle);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn authenticate(stream: &mut UnixStream) -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw().to_string();
    let hex: String = user.bytes().map(|byte| format!("{byte:02x}")).collect();
    stream.write_all(format!("\0AUTH EXTERNAL {hex}\r\n").as_bytes())?;
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") && line.len() < 512 {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.extend(byte);
    }
    if !line.starts_with(b"OK ") {
        return Err(io::Error::other("the bus refuses us"));
    }
    stream.write_all(b"BEGIN\r\n")
}

/// Writes a method call whose arguments are strings.
fn call(
    serial: u32,
    service: &str,
    path: &str,
    interface: &str,
    member: &str,
    arguments: &[&str],
) -> Vec<u8> {
    let mut body = Vec::new();
    for argument in arguments {
        string(&mut body, argument);
    }
    let mut fields = Vec::new();
    for (code, kind, value) in
        [(1, b'o', path), (2, b's', interface), (3, b's', member), (6, b's', service)]
    {
        align(&mut fields, 8);
        fields.extend([code, 1, kind, 0]);
        string(&mut fields, value);
    }
    if !arguments.is_empty() {
        align(&mut fields, 8);
        fields.extend([8, 1, b'g', 0, u8::try_from(arguments.len()).unwrap_or(0)]);
        fields.extend(arguments.iter().map(|_| b's'));
        fields.push(0);
    }
    // Little-endian, a method call, its flags, version 1.
    let mut message = vec![b'l', 1, FLAGS, 1];
    message.extend(size(&body).to_le_bytes());
    message.extend(serial.to_le_bytes());
    message.extend(size(&fields).to_le_bytes());
    message.extend(fields);
    align(&mut message, 8);
    message.extend(body);
    message
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("our own messages are short")
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    align(bytes, 4);
    bytes.extend(size(text.as_bytes()).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

/// Reads messages until the answer to the question comes.
fn answer(stream: &mut impl Read) -> io::Result<Value> {
    let malformed = || io::Error::other("the answer is malformed");
    for _ in 0..MESSAGES_MAX {
        let mut start = [0_u8; 16];
        stream.read_exact(&mut start)?;
        if start[0] != b'l' {
            return Err(io::Error::other("the answer is not little-endian"));
        }
        let number = |at: usize| number(&start, at).ok_or_else(malformed);
        let body_size = number(4)?;
        let fields_size = number(12)?;
        let rest_size = fields_size
            .checked_add(7)
            .map(|size| size / 8 * 8)
            .and_then(|size| size.checked_add(body_size));
        let rest_size = rest_size.filter(|size| *size <= MESSAGE_SIZE_MAX).ok_or_else(malformed)?;
        let mut rest = vec![0; rest_size];
        stream.read_exact(&mut rest)?;
        let fields = rest.get(..fields_size).ok_or_else(malformed)?;
        let body = rest.get(rest_size - body_size..).ok_or_else(malformed)?;
        if reply_serial(fields) != Some(QUESTION) {
            continue;
        }
        return match start[1] {
            2 => variant(body).ok_or_else(malformed),
            _ => Err(io::Error::other(error_text(body))),
        };
    }
    Err(io::Error::other("no answer among the first messages"))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

/// Returns which call a message answers: header field 5.
fn reply_serial(fields: &[u8]) -> Option<u32> {
    let mut at = 0_usize;
    while at < fields.len() {
        at = at.next_multiple_of(8);
        let (code, signature) = (*fields.get(at)?, *fields.get(at + 2)?);
        if *fields.get(at + 1)? != 1 {
            return None;
        }
        at += 4;
        match signature {
            b'u' => {
                let value = number(fields, at)?;
                if code == 5 {
                    return u32::try_from(value).ok();
                }
                at += 4;
            }
            b's' | b'o' => {
                at = at.checked_add(4)?.checked_add(number(fields, at)?)?.checked_add(1)?
            }
            b'g' => at += usize::from(*fields.get(at)?) + 2,
            _ => return None,
        }
    }
    None
}

/// Reads a variant that holds a boolean or an unsigned number.
fn variant(body: &[u8]) -> Option<Value> {
    let kind = *body.get(1).filter(|_| body.first() == Some(&1))?;
    match kind {
        b'b' => Some(Value::Flag(number(body, 4)? != 0)),
        b'u' => Some(Value::Number(u64::try_from(number(body, 4)?).ok()?)),
        b't' => Some(Value::Number(u64::from_le_bytes(body.get(8..16)?.try_into().ok()?))),
        _ => None,
    }
}

fn error_text(body: &[u8]) -> String {
    let text = number(body, 0).and_then(|size| body.get(4..4_usize.checked_add(size)?));
    text.map_or_else(|| "refused".into(), |text| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests;
