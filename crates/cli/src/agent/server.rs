//! The owner's page, on the loopback address.
//!
//! Its address holds a key that `gleaner status` says, so that no other user of this machine finds it; a request that changes something must bring the key along,
//! so that no page of somebody else can send one. A few connections at a time, each with bounds on its whole time and its size.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use ::agent::Request;
use anyhow::Context as _;

use super::connection::Connection;
use super::daemon::Wake;

/// The usual port; another one where it is taken.
const PORT: u16 = 8_547;

/// The longest request, with its body.
const REQUEST_SIZE_MAX: u64 = 16 * 1024;

/// How long a connection may last, from the first byte of its request to the last one of the answer, in milliseconds.
const LIFE_MS: u64 = 4_000;

/// How long the loop may take for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Connections at a time; another one is closed.
const CONNECTIONS_MAX: usize = 8;

/// Seconds that the page's button pauses for.
const PAUSE_SECONDS: u32 = 3_600;

/// What every answer says: nothing from elsewhere, no frame, no copy.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n\
    X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n";

/// Where the page is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    pub(super) key: String,
}

impl Place {
    /// Returns the page's address, as a browser takes it.
    pub(super) fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.key)
    }
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Page(String),
    /// Done: back to the page.
    Back,
    Refused(&'static str, &'static str),
}

/// Serves the page until the process ends.
///
/// # Errors
/// When no port can be opened.
pub(super) fn serve(wake: Sender<Wake>) -> anyhow::Result<Place> {
    serve_for(wake, LIFE_MS)
}

fn serve_for(wake: Sender<Wake>, life_ms: u64) -> anyhow::Result<Place> {
    let any = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = any(PORT).or_else(|_| any(0)).context("no port can be opened for the page")?;
    let address = listener.local_addr().context("the page has no address")?;
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = Place { address, key };
    let served = Arc::new(place.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Each one that is served holds a copy.
            if CONNECTIONS_MAX < Arc::strong_count(&served) {
                continue;
            }
            let (place, wake) = (Arc::clone(&served), wake.clone());
            std::thread::spawn(move || {
                // A browser that goes away needs no answer.
                let _gone = serve_one(&Connection::new(&stream, life_ms), &place, &wake);
            });
        }
    });
    Ok(place)
}

fn serve_one(
    connection: &Connection<'_, TcpStream>,
    place: &Place,
    wake: &Sender<Wake>,
) -> io::Result<()> {
    let mut reader = BufReader::new(connection.take(REQUEST_SIZE_MAX));
    let mut head = Vec::new();
    let mut length = 0_u64;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
            break;
        }
        let name_and_value = line.split_once(':');
        if let Some((name, value)) = name_and_value
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        head.push(line.trim_end().to_owned());
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    let answer = answer(&head, &body, place, wake);
    let (status, more, page) = match answer {
        Answer::Page(page) => {
            ("200 OK", "Content-Type: text/html; charset=utf-8\r\n".to_owned(), page)
        }
        Answer::Back => ("303 See Other", format!("Location: /{}/\r\n", place.key), String::new()),
        Answer::Refused(status, text) => {
            (status, "Content-Type: text/plain; charset=utf-8\r\n".to_owned(), format!("{text}\n"))
        }
    };
    let head =
        format!("HTTP/1.1 {status}\r\n{HEADERS}{more}Content-Length: {}\r\n\r\n", page.len());
    let mut connection = connection;
    connection.write_all(head.as_bytes())?;
    connection.write_all(page.as_bytes())
}

/// Decides about a request: its head line by line, and its body.
fn answer(head: &[String], body: &str, place: &Place, wake: &Sender<Wake>) -> Answer {
    let missing =
        Answer::Refused("404 Not Found", "there is no such page: gleaner status says its address");
    let mut words = head.first().map(String::as_str).unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // Another name that leads here would be another site's.
    let host = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("host").then(|| value.trim().to_owned())
    });
    let port = place.address.port();
    let own = [place.address.to_string(), format!("localhost:{port}")];
    if !host.is_some_and(|host| own.contains(&host)) {
        return missing;
    }
    let Some(action) = path.strip_prefix(&format!("/{}/", place.key)) else { return missing };
    let request = match (method, action) {
        ("GET", "") => {
            let (reply, replied) = mpsc::sync_channel(1);
            let sent = wake.send(Wake::Page(place.key.clone(), reply));
            return match sent.ok().and_then(|()| replied.recv_timeout(PATIENCE).ok()) {
                Some(page) => Answer::Page(page),
                None => Answer::Refused(
                    "503 Service Unavailable",
                    "the agent is busy or ending: try again",
                ),
            };
        }
        ("POST", "pause") => Request::Pause { seconds: Some(PAUSE_SECONDS) },
        ("POST", "resume") => Request::Resume,
        ("GET" | "POST", _) => return missing,
        _ => return Answer::Refused("405 Method Not Allowed", "only GET and POST"),
    };
    if body.trim() != format!("token={}", place.key) {
        return Answer::Refused("403 Forbidden", "the token is wrong: load the page again");
    }
    let (reply, replied) = mpsc::sync_channel(1);
    match wake
        .send(Wake::Asked(request, reply))
        .ok()
        .and_then(|()| replied.recv_timeout(PATIENCE).ok())
    {
        Some(_) => Answer::Back,
        None => {
            Answer::Refused("503 Service Unavailable", "the agent is busy or ending: try again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns both ends of a connection.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    #[test]
    fn who_sends_one_byte_after_the_other_is_cut_off() {
        let (mut near, far) = pair();
        // It goes on until the other side has closed the connection.
        let dripping = std::thread::spawn(move || {
            let mut count = 0_u32;
            while near.write_all(b"a").is_ok() {
                count += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            count
        });
        let (wake, _woken) = mpsc::channel();
        let place = Place { address: far.local_addr().unwrap(), key: "key".to_owned() };
        let error = serve_one(&Connection::new(&far, 300), &place, &wake).unwrap_err();
        let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
        assert!(kinds.contains(&error.kind()), "{error}");
        drop(far);
        assert!(0 < dripping.join().unwrap());
    }

    #[test]
    fn a_connection_that_sends_nothing_keeps_nobody_else_waiting() {
        let (wake, woken) = mpsc::channel();
        let place = serve_for(wake, 3_600_000).unwrap();
        std::thread::spawn(move || {
            while let Ok(Wake::Page(_, reply)) = woken.recv() {
                reply.send("the page".to_owned()).unwrap();
            }
        });
        let get = || {
            let mut stream = TcpStream::connect(place.address)?;
            write!(stream, "GET /{}/ HTTP/1.1\r\nHost: {}\r\n\r\n", place.key, place.address)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok::<_, io::Error>(answer)
        };
        let silent: Vec<_> =
            (0..CONNECTIONS_MAX - 1).map(|_| TcpStream::connect(place.address).unwrap()).collect();
        assert!(get().unwrap().ends_with("the page"));
        // Of these at most one has a place; the others are closed at once.
        let more: Vec<_> = (0..4).map(|_| TcpStream::connect(place.address).unwrap()).collect();
        let is_closed = |mut stream: &TcpStream| {
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            matches!(stream.read(&mut [0]), Ok(0))
        };
        let last = more.iter().rev().take(3);
        assert!(last.into_iter().all(is_closed));
        drop((silent, more));
        let mut answer = get();
        for _ in 0..200 {
            if answer.as_ref().is_ok_and(|answer| answer.ends_with("the page")) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            answer = get();
        }
        assert!(answer.unwrap().ends_with("the page"));
    }
}
