//! The socket between the agent and its owner: one line of JSON asks, one answers.

#[cfg(target_os = "linux")]
use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(target_os = "linux")]
use ::agent::Answer;
use ::agent::Request;
use anyhow::Context as _;
use serde_json::Value;

#[cfg(target_os = "linux")]
use super::timed::Connection;
#[cfg(target_os = "linux")]
use crate::failure::Hint as _;

/// The longest request.
#[cfg(target_os = "linux")]
const REQUEST_SIZE_MAX: u64 = 4_096;

/// The longest answer.
const ANSWER_SIZE_MAX: u64 = 4 << 20;

/// How long who asks waits for the agent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may last, from its first byte to the last one of the answer, in milliseconds.
#[cfg(target_os = "linux")]
pub(super) const LIFE_MS: u64 = 10_000;

/// Pause after a connection that could not be taken.
#[cfg(target_os = "linux")]
const NO_HANDLE: Duration = Duration::from_millis(100);

/// Connections at a time; another one is closed.
#[cfg(target_os = "linux")]
const CONNECTIONS_MAX: usize = 16;

/// Locks an agent's data, until the result is dropped or the process ends in any way. Two agents that start at once, or whose sockets are in different folders, would write over each other's.
///
/// # Errors
/// When another agent has them, or the file can't be written.
#[cfg(target_os = "linux")]
pub(super) fn lock(path: &Path) -> anyhow::Result<File> {
    let open = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        File::options().create(true).append(true).open(path)
    };
    let file = open().with_context(|| format!("{}: file can't be written", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(anyhow::anyhow!("another agent runs already: it has locked {}", path.display()))
                .hint("gleaner status")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{}: file can't be locked", path.display()))
        }
    }
}

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

/// Answers requests until the process ends: a few connections at a time, each within a bounded time, so that one that says nothing keeps nobody else waiting.
#[cfg(target_os = "linux")]
pub(super) fn serve(
    listener: UnixListener,
    life_ms: u64,
    answer: impl Fn(Request) -> Answer + Send + Sync + 'static,
) {
    // Each one that is served holds a copy.
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // No handle is left for it: asked again at once, it would only keep a core busy.
                std::thread::sleep(NO_HANDLE);
                continue;
            };
            if CONNECTIONS_MAX < Arc::strong_count(&answer) {
                continue;
            }
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                // Whoever asked may have gone.
                let _gone = serve_one(&Connection::new(&stream, life_ms), &*answer);
            });
        }
    });
}

#[cfg(target_os = "linux")]
fn serve_one(
    connection: &Connection<'_, UnixStream>,
    answer: &impl Fn(Request) -> Answer,
) -> anyhow::Result<()> {
    let mut line = String::new();
    BufReader::new(connection.take(REQUEST_SIZE_MAX)).read_line(&mut line)?;
    let answer = match serde_json::from_str(&line).context("this is no request") {
        Ok(request) => answer(request),
        Err(error) => Answer::Refused { text: format!("{error:#}") },
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    let mut connection = connection;
    connection.write_all(&bytes)?;
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Answers every request with its own name.
    fn served(life_ms: u64) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("agent/agent.sock");
        let listener = listen(&path).unwrap();
        serve(listener, life_ms, |request| Answer::Refused { text: format!("{request:?}") });
        (folder, path)
    }

    #[test]
    fn who_says_nothing_keeps_nobody_else_waiting() {
        let (_folder, path) = served(3_600_000);
        let silent: Vec<_> =
            (0..CONNECTIONS_MAX - 1).map(|_| UnixStream::connect(&path).unwrap()).collect();
        assert_eq!(ask(&path, Request::Status).unwrap()["text"], "Status");
        drop(silent);
    }

    #[test]
    fn who_sends_one_byte_after_the_other_is_cut_off() {
        let (_folder, path) = served(300);
        let mut slow = UnixStream::connect(&path).unwrap();
        let mut count = 0;
        while slow.write_all(b" ").is_ok() {
            count += 1;
            assert!(count < 3_000, "it goes on for ever");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(ask(&path, Request::Resume).unwrap()["text"], "Resume");
    }

    #[test]
    fn a_second_agent_is_told_until_the_first_has_ended() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("data/agent.lock");
        let first = lock(&path).unwrap();
        let error = lock(&path).unwrap_err().to_string();
        assert!(error.contains("another agent") && error.contains("agent.lock"), "{error}");
        drop(first);
        lock(&path).unwrap();
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let (_folder, path) = served(10_000);
        for wrong in ["\n", "{}\n", "{\"command\":\"raise\"}\n", "\u{0}\n"] {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(wrong.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains("refused"), "{wrong:?}: {answer}");
        }
        // A line without an end is cut off at the longest request.
        let mut stream = UnixStream::connect(&path).unwrap();
        let _cut_off = stream.write_all(&[b' '; 100_000]);
        drop(stream);
        assert_eq!(ask(&path, Request::Status).unwrap()["text"], "Status");
    }
}
