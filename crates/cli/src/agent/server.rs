//! The owner's page, on the loopback address.
//!
//! Its address holds a key that `gleaner status` says, so that no other user of this machine finds it; a request that changes something must bring the key along,
//! so that no page of somebody else can send one. One connection at a time, with bounds on time and size.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use ::agent::Request;
use anyhow::Context as _;

use super::daemon::Wake;

/// The usual port; another one where it is taken.
const PORT: u16 = 8_547;

/// The longest request, with its body.
const REQUEST_SIZE_MAX: u64 = 16 * 1024;

/// How long a browser may take for its request.
const PATIENCE: Duration = Duration::from_secs(2);

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
    let any = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = any(PORT).or_else(|_| any(0)).context("no port can be opened for the page")?;
    let address = listener.local_addr().context("the page has no address")?;
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = Place { address, key };
    let served = place.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser that goes away needs no answer.
            let _gone = serve_one(&stream, &served, &wake);
        }
    });
    Ok(place)
}

fn serve_one(stream: &TcpStream, place: &Place, wake: &Sender<Wake>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.take(REQUEST_SIZE_MAX));
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
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    stream.write_all(page.as_bytes())
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
            return match sent.ok().and_then(|()| replied.recv().ok()) {
                Some(page) => Answer::Page(page),
                None => Answer::Refused("503 Service Unavailable", "the agent is ending"),
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
    match wake.send(Wake::Asked(request, reply)).ok().and_then(|()| replied.recv().ok()) {
        Some(_) => Answer::Back,
        None => Answer::Refused("503 Service Unavailable", "the agent is ending"),
    }
}
