use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;

use ::agent::limits::Alerts as Wanted;
use serde_json::Value;

use super::*;
use crate::agent::alerts::tests::wanted;

#[test]
fn a_projects_name_is_no_markup() {
    let name = "barley <a href=\"http://elsewhere\">a & b</a>";
    let shown = "barley &lt;a href=\"http://elsewhere\"&gt;a &amp; b&lt;/a&gt;";
    assert_eq!(without_markup(name), shown);
}

fn order(wanted: Wanted) -> Order {
    let alert = Alert::Reward { project: "project 3 ($(reboot); x)".to_owned(), percent: -25 };
    Order { text: alert.text(), alert, wanted }
}

/// Delivers while the agent runs.
fn told(order: &Order, patience: Duration) -> Vec<String> {
    deliver(order, patience, &AtomicBool::new(false)).unwrap()
}

#[test]
fn a_program_gets_the_text_as_variable_and_the_document_as_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let script =
        format!("{{ printf '%s\\n%s\\n' \"$*\" \"$GLEANER_ALERT\"; cat; }} > {}", file.display());
    let check = |more: &[&str], arguments: &str| {
        let words = [&["/bin/sh", "-c", &script, "name"], more].concat();
        assert_eq!(told(&order(wanted(&words, "")), PATIENCE), [""; 0]);
        let said = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[..2], [arguments, "project 3 ($(reboot); x) pays 25 % less"]);
        let document: Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!(document["alert"]["kind"], "reward");
        assert_eq!(document["alert"]["percent"], -25);
    };
    // Others write parts of the text: it is an argument only where the owner says so, and there as a whole.
    check(&["me@example.org"], "me@example.org");
    check(&["-t", "{text}", "a{text}"], "-t project 3 ($(reboot); x) pays 25 % less a{text}");
}

#[test]
fn a_program_that_fails_or_hangs_is_a_problem_and_holds_nothing_up() {
    let check = |command: &[&str], part: &str| {
        let problems = told(&order(wanted(command, "")), Duration::from_millis(100));
        assert!(problems.len() == 1 && problems[0].contains(part), "{problems:?}");
    };
    check(&["/nonexistent"], "can't be started");
    check(&["/bin/sh", "-c", "exit 3"], "exit status: 3");
    check(&["/bin/sh", "-c", "exec sleep 1000"], "was killed");
}

/// Answers one request with `answer`, and returns its address and what it was sent.
fn listener(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?key=1", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(&stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let before = head.len();
            assert!(0 < reader.read_line(&mut head).unwrap());
            let line = head[before..].to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        if answer.is_empty() {
            // Says nothing until the other side has gone.
            let mut rest = Vec::new();
            reader.read_to_end(&mut rest).unwrap();
        }
        (&stream).write_all(answer.as_bytes()).unwrap();
        head + &String::from_utf8(body).unwrap()
    });
    (url, served)
}

#[test]
fn an_address_gets_the_document_and_its_refusal_or_silence_is_a_problem() {
    let (url, served) = listener("HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(told(&order(wanted(&[], &url)), PATIENCE), [""; 0]);
    let request = served.join().unwrap();
    assert!(request.starts_with("POST /hook?key=1 HTTP/1.1\r\n"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let document: Value = serde_json::from_str(body).unwrap();
    assert_eq!(document["text"], "project 3 ($(reboot); x) pays 25 % less");
    let (url, served) = listener("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
    let problems = told(&order(wanted(&[], &url)), PATIENCE);
    assert_eq!(problems, ["alerts.webhook: the address answered 410"]);
    served.join().unwrap();
    let (url, served) = listener("");
    let problems = told(&order(wanted(&[], &url)), Duration::from_millis(300));
    assert!(problems.len() == 1 && problems[0].contains("no answer"), "{problems:?}");
    served.join().unwrap();
}

/// Whether a process still executes anything: in a container nobody may clear away what is left of a dead one.
fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Starts a program that starts another one, writes its number, and hangs.
fn hanging(file: &std::path::Path) -> Order {
    let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
    order(wanted(&["/bin/sh", "-c", &script], ""))
}

#[test]
fn what_a_hanging_program_has_started_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("process");
    let problems = told(&hanging(&file), Duration::from_millis(500));
    assert!(problems.len() == 1 && problems[0].contains("was killed"), "{problems:?}");
    let process = std::fs::read_to_string(&file).unwrap();
    // It is killed, and dies as soon as it has a turn.
    let is_gone = (0..100).any(|_| {
        std::thread::sleep(LOOK);
        !runs(process.trim())
    });
    assert!(is_gone, "process {process} is left");
}

#[test]
fn a_program_ends_with_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("process");
    let is_ending = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let delivered = scope.spawn(|| deliver(&hanging(&file), PATIENCE, &is_ending));
        while !file.exists() {
            std::thread::sleep(LOOK);
        }
        is_ending.store(true, Ordering::Relaxed);
        assert_eq!(delivered.join().unwrap(), Err(Ended));
    });
    assert_eq!(deliver(&hanging(&file), PATIENCE, &is_ending), Err(Ended));
}

#[test]
fn a_name_that_is_looked_up_for_long_holds_nothing_up() {
    let (gone, waits) = std::sync::mpsc::channel::<()>();
    let lookup = async {
        let long = tokio::task::spawn_blocking(move || waits.recv().is_ok());
        tokio::time::timeout(LOOK, long).await.is_err()
    };
    // It would wait for this thread, which waits for it.
    assert!(block_on(lookup).unwrap());
    drop(gone);
}
