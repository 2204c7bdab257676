//! The socket between the agent and its owner: one line of JSON asks, one answers.
//!
//! A few connections at a time, each with a bound on its whole time, so that nobody who is slow keeps others waiting. On systems without such sockets no
//! agent runs, and nobody answers.

#[cfg(target_os = "linux")]
mod served;

use std::io;
#[cfg(unix)]
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;
#[cfg(unix)]
use std::time::Duration;

use ::agent::Request;
use serde_json::Value;

#[cfg(target_os = "linux")]
pub(crate) use served::{listen, lock, lock_when_ended, serve};

/// The longest answer.
#[cfg(unix)]
const ANSWER_SIZE_MAX: u64 = 4 << 20;

/// How long who asks waits for an answer.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the agent whose socket this is.
///
/// # Errors
/// When it does not answer.
#[cfg(unix)]
pub(crate) fn ask(path: &Path, request: Request) -> io::Result<Value> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut bytes = serde_json::to_vec(&request)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_SIZE_MAX)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// Asks the agent whose socket this is: on this system there is none.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub(crate) fn ask(_path: &Path, _request: Request) -> io::Result<Value> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the agent runs on Linux only so far"))
}
