//! The agent's side of the socket.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use ::agent::{Answer, Request};
use anyhow::Context as _;

use super::super::daemon::Wake;
use super::super::timed::Connection;
use crate::failure::Hint as _;

/// The longest request.
const REQUEST_SIZE_MAX: u64 = 4_096;

/// How long a connection may last, from the first byte of its request to the last one of the answer, in milliseconds.
const LIFE_MS: u64 = 8_000;

/// How long the loop may take for an answer: it may be ending its worker.
const PATIENCE: Duration = Duration::from_secs(6);

/// Pause after a connection that could not be taken.
const NO_HANDLE: Duration = Duration::from_millis(100);

/// Time between two looks whether an agent has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Connections at a time; another one is closed.
const CONNECTIONS_MAX: usize = 8;

/// Locks an agent's data, until the result is dropped or the process ends in any way. Two agents that start at once, or whose sockets are in different folders, would write over each other's.
///
/// # Errors
/// When another agent has them, or the file can't be written.
pub(crate) fn lock(path: &Path) -> anyhow::Result<File> {
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

/// Locks the data of an agent that is to end, when it has: until then it may write. `None` where no agent has been.
///
/// # Errors
/// When it has not ended after `patience`.
pub(crate) fn lock_when_ended(path: &Path, patience: Duration) -> anyhow::Result<Option<File>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut left = patience;
    loop {
        match lock(path) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if left.is_zero() => return Err(error),
            Err(_) => {}
        }
        let pause = LOOK.min(left);
        std::thread::sleep(pause);
        left -= pause;
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

/// Takes requests until the process ends.
pub(crate) fn serve(listener: UnixListener, wake: Sender<Wake>) {
    serve_for(listener, wake, LIFE_MS);
}

fn serve_for(listener: UnixListener, wake: Sender<Wake>, life_ms: u64) {
    let places = Arc::new(());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // No handle is left for it: asked again at once, it would only keep a core busy.
                std::thread::sleep(NO_HANDLE);
                continue;
            };
            // Each one that is served holds a copy.
            if CONNECTIONS_MAX < Arc::strong_count(&places) {
                continue;
            }
            let (place, wake) = (Arc::clone(&places), wake.clone());
            std::thread::spawn(move || {
                // Whoever asked may have gone.
                let _gone = serve_one(&Connection::new(&stream, life_ms), &wake);
                drop(place);
            });
        }
    });
}

fn serve_one(connection: &Connection<'_, UnixStream>, wake: &Sender<Wake>) -> io::Result<()> {
    let answer = match request(connection) {
        Err(error) => Answer::Refused { text: format!("{error:#}") },
        Ok(request) => answer(request, wake),
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    let mut connection = connection;
    connection.write_all(&bytes)
}

fn request(connection: &Connection<'_, UnixStream>) -> anyhow::Result<Request> {
    let mut line = String::new();
    BufReader::new(connection.take(REQUEST_SIZE_MAX)).read_line(&mut line)?;
    serde_json::from_str(&line).context("this is no request")
}

/// Asks the loop.
fn answer(request: Request, wake: &Sender<Wake>) -> Answer {
    let (reply, replied) = mpsc::sync_channel(1);
    let sent = wake.send(Wake::Asked(request, reply));
    match sent.map(|()| replied.recv_timeout(PATIENCE)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(mpsc::RecvTimeoutError::Timeout)) => {
            Answer::Refused { text: "it is busy: try again".to_owned() }
        }
        Ok(Err(mpsc::RecvTimeoutError::Disconnected)) | Err(_) => {
            Answer::Refused { text: "it is ending".to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket whose loop refuses everything with "here".
    fn socket(life_ms: u64) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        let (wake, woken) = mpsc::channel();
        serve_for(listen(&path).unwrap(), wake, life_ms);
        std::thread::spawn(move || {
            while let Ok(Wake::Asked(_, reply)) = woken.recv() {
                reply.send(Answer::Refused { text: "here".to_owned() }).unwrap();
            }
        });
        (folder, path)
    }

    fn is_answered(path: &Path) -> bool {
        super::super::ask(path, Request::Status).is_ok_and(|answer| answer["text"] == "here")
    }

    #[test]
    fn who_is_silent_keeps_nobody_else_waiting_and_only_so_many_are_served() {
        let (_folder, path) = socket(3_600_000);
        let connect = || UnixStream::connect(&path).unwrap();
        let silent: Vec<_> = (0..CONNECTIONS_MAX - 1).map(|_| connect()).collect();
        assert!(is_answered(&path));
        // Of these at most one has a place; the others are closed at once.
        let more: Vec<_> = (0..4).map(|_| connect()).collect();
        let is_closed = |mut stream: &UnixStream| {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            matches!(stream.read(&mut [0]), Ok(0))
        };
        assert!(more.iter().rev().take(3).all(is_closed));
        drop((silent, more));
        assert!((0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            is_answered(&path)
        }));
    }

    #[test]
    fn who_sends_one_byte_after_the_other_is_cut_off() {
        let (_folder, path) = socket(200);
        let mut slow = UnixStream::connect(&path).unwrap();
        let sent = (0..1_000).take_while(|_| {
            std::thread::sleep(Duration::from_millis(20));
            slow.write_all(b" ").is_ok()
        });
        assert!((1..1_000).contains(&sent.count()));
        assert!(is_answered(&path));
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
        let (_folder, path) = socket(10_000);
        for wrong in ["\n", "{}\n", "{\"command\":\"raise\"}\n", "\u{0}\n"] {
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.write_all(wrong.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.contains("no request"), "{wrong:?}: {answer}");
        }
        // A line without an end is cut off at the longest request.
        let mut stream = UnixStream::connect(&path).unwrap();
        let _cut_off = stream.write_all(&[b' '; 100_000]);
        drop(stream);
        assert!(is_answered(&path));
    }
}
