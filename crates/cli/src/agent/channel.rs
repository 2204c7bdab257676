//! The socket between the agent and its owner: one line of JSON asks, one answers.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use ::agent::{Answer, Request};
use anyhow::Context as _;
use serde_json::Value;

/// The longest request.
const REQUEST_SIZE_MAX: u64 = 4_096;

/// The longest answer.
const ANSWER_SIZE_MAX: u64 = 4 << 20;

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the socket, which only this user can use.
///
/// # Errors
/// When another agent answers there, or the folder can't be made.
pub(crate) fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    let folder = path.parent().context("the socket has no folder")?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("{}: folder can't be created", folder.display()))?;
    if UnixStream::connect(path).is_ok() {
        anyhow::bail!("another agent runs already (it answers at {})", path.display());
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{}: can't be replaced", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path)
        .with_context(|| format!("{}: socket can't be opened", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("{}: rights can't be set", path.display()))?;
    Ok(listener)
}

/// Reads the request of one connection.
///
/// # Errors
/// When it is late, too long or no request.
pub(crate) fn request(stream: &UnixStream) -> anyhow::Result<Request> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_SIZE_MAX)).read_line(&mut line)?;
    serde_json::from_str(&line).context("this is no request")
}

/// Writes the answer of one connection.
///
/// # Errors
/// When the other side does not take it.
pub(crate) fn answer(mut stream: &UnixStream, answer: &Answer) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec(answer)?;
    bytes.push(b'\n');
    stream.write_all(&bytes)?;
    Ok(())
}

/// Asks the agent whose socket this is.
///
/// # Errors
/// When it does not answer.
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
