//! `gleaner agent` from outside: what it says, does and leaves behind.

mod alerts;
mod earning;
mod loss;
mod net;
mod recording;
mod silent;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Machine, names};

const ACCOUNT: &str = "0x00000000000000000000000000000000000000AA";

/// Limits under which any machine works that nobody touches, and one that can't see whether somebody does.
const BOLD: &str = "[idle]\ngentle_after_seconds = 10\nfull_after_seconds = 10\nsettle_seconds = 5\nlinger = true\n\
    [machine]\nmemory_mib = 256\nmemory_left_mib = 128\ndisk_left_mib = 64\nothers_percent_max = 102400\nwait_percent_max = 100\n\
    [power]\ncelsius_max = 110\non_battery = true\nbattery_percent_min = 0\n[network]\non_metered = true\n\
    [sensors]\nmay_be_missing = [\"input\", \"load\", \"memory\", \"gpu\", \"full_screen\", \"call\", \"power\", \"heat\", \"network\", \"disk\"]\n";

/// How often a busy machine is asked, and how long to wait in between.
const TRIES: u32 = 6_000;
const PAUSE: Duration = Duration::from_millis(100);

/// An agent that is killed when dropped.
struct Running(Child);

impl Running {
    fn start(machine: &Machine, more: &[&str]) -> Self {
        let ledger: &[&str] =
            if more.contains(&"--rpc") { &[] } else { &["--rpc", "http://127.0.0.1:9"] };
        let args = [&["agent", "--account", ACCOUNT], ledger, more].concat();
        let mut child = machine.command(&args).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        // The pipe must not fill.
        std::thread::spawn(move || BufReader::new(stderr).lines().for_each(drop));
        let agent = Self(child);
        wait_for(machine, |status| status.is_some());
        agent
    }

    fn ended(&mut self) -> i32 {
        self.0.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the agent's status is as wanted, and returns it.
#[track_caller]
pub(crate) fn wait_for(
    machine: &Machine,
    mut is_wanted: impl FnMut(Option<&Value>) -> bool,
) -> Option<Value> {
    let mut finished = None;
    for _ in 0..TRIES {
        let last = machine.run(&["status", "--json"]);
        let status = serde_json::from_str(&last.stdout).ok();
        if is_wanted(status.as_ref()) {
            return status;
        }
        finished = Some(last);
        std::thread::sleep(PAUSE);
    }
    panic!("{finished:?}");
}

fn kinds(document: &Value) -> Vec<&str> {
    let reasons = document["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["evidence"]["kind"].as_str().unwrap()).collect()
}

#[test]
fn without_an_agent_every_question_says_how_to_start_one() {
    let machine = Machine::new();
    for words in [&["status"][..], &["why"], &["pause", "1h"], &["resume"], &["agent", "stop"]] {
        machine.run(words).assert_fails(1, &["no agent answers", "hint: gleaner install"]);
    }
    let wrong = machine.run(&["pause", "soon"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("1h30m"), "{wrong:?}");
    machine.run(&["agent"]).assert_fails(2, &["--account"]);
}

#[test]
fn an_agent_says_why_it_does_not_work_and_can_be_paused_and_ended() {
    let machine = Machine::new();
    let mut agent = Running::start(&machine, &[]);
    // Nobody knows what this machine can see, but it has just begun, so it does not work.
    let why = machine.json(&["why"]);
    assert_eq!(why["activity"], "released", "{why}");
    assert!(!kinds(&why).is_empty(), "{why}");
    for reason in why["reasons"].as_array().unwrap() {
        let change = reason["change"].as_array().unwrap();
        assert!(!change.is_empty() && !reason["text"].as_str().unwrap().is_empty(), "{reason}");
    }
    let text = machine.run(&["why"]).stdout;
    assert!(text.contains("waiting, without memory") && text.contains("changes:"), "{text}");
    let status = machine.json(&["pause", "1h"]);
    assert!(kinds(&status["decision"]).contains(&"paused"), "{status}");
    assert!(!kinds(&machine.json(&["resume"])["decision"]).contains(&"paused"));
    machine.json(&["pause"]);
    // A pause outlives the agent.
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
    let agent = Running::start(&machine, &[]);
    assert!(kinds(&machine.json(&["why"])).contains(&"paused"));
    // Only its user can ask it, and only what it knows.
    let socket = machine.path("agent/agent.sock");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(&machine.path("agent"))), (0o600, 0o700));
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"{\"command\":\"work\"}\n").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.contains("refused") && answer.contains("no request"), "{answer}");
    let second = machine.run(&["agent", "--account", ACCOUNT]);
    second.assert_fails(1, &["another agent runs already"]);
    let killed = Command::new("kill").args(["-TERM", &agent.0.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let mut agent = agent;
    assert_eq!(agent.ended(), 0);
    assert_eq!(names(&machine.path("agent")), [""; 0]);
}

#[test]
fn a_machine_that_nobody_uses_works_and_a_pause_stops_it() {
    let machine = Machine::new();
    fs::write(machine.path("agent.toml"), BOLD).unwrap();
    let mut agent = Running::start(&machine, &[]);
    let process = |status: &Value| status["worker"]["process"].as_u64();
    let status =
        wait_for(&machine, |status| status.is_some_and(|status| process(status).is_some()));
    let worker = process(&status.unwrap()).unwrap();
    let words = fs::read_to_string(format!("/proc/{worker}/cmdline")).unwrap();
    let words: Vec<&str> = words.split('\0').collect();
    assert!(words.contains(&"join") && words.contains(&ACCOUNT), "{words:?}");
    // Every user of the machine can read them, and the address of a node may hold a password.
    assert!(!words.iter().any(|word| word.contains("127.0.0.1:9")), "{words:?}");
    let place = words.iter().position(|word| *word == "--memory").unwrap();
    assert_eq!(words[place + 1], "256");
    // A pause is in force when its answer is there.
    let status = machine.json(&["pause", "1h"]);
    assert_eq!(status["decision"]["activity"], "frozen", "{status}");
    assert_eq!(process(&status), Some(worker), "{status}");
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
    assert!(!Path::new(&format!("/proc/{worker}/cmdline")).exists(), "the worker is left");
}

/// Sends a request to the page and returns the answer.
fn http(address: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_page_answers_its_owner_only() {
    let machine = Machine::new();
    let _agent = Running::start(&machine, &[]);
    let url = machine.json(&["status"])["page"].as_str().unwrap().to_owned();
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let key = path.trim_end_matches('/');
    assert!(address.starts_with("127.0.0.1:") && key.len() == 32, "{url}");
    let get =
        |path: &str, host: &str| http(address, &format!("GET {path} HTTP/1.1\r\nHost: {host}"), "");
    let page = get(&format!("/{key}/"), address);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("default-src 'none'") && page.contains("<h1>Not working</h1>"), "{page}");
    assert!(page.contains("Pause for an hour") && page.contains("power.celsius_max"), "{page}");
    // Who does not know the key, or comes by another name, finds nothing.
    assert!(get("/", address).starts_with("HTTP/1.1 404"));
    assert!(get(&format!("/{key}/"), "evil.example").starts_with("HTTP/1.1 404"));
    let post = |action: &str, body: &str| {
        http(address, &format!("POST /{key}/{action} HTTP/1.1\r\nHost: {address}"), body)
    };
    for wrong in ["", "token=", &format!("token={}", "0".repeat(32))] {
        assert!(post("pause", wrong).starts_with("HTTP/1.1 403"), "{wrong}");
    }
    let is_paused = || kinds(&machine.json(&["why"])).contains(&"paused");
    assert!(!is_paused());
    let token = format!("token={key}");
    assert!(get(&format!("/{key}/pause"), address).starts_with("HTTP/1.1 404"));
    assert!(post("pause", &token).starts_with("HTTP/1.1 303"));
    assert!(is_paused());
    assert!(post("resume", &token).starts_with("HTTP/1.1 303"));
    assert!(!is_paused());
}

#[test]
fn limits_are_printed_as_a_file_and_a_wrong_one_is_refused() {
    let machine = Machine::new();
    fs::write(machine.path("agent.toml"), "[power]\ncelsius_max = 60\n").unwrap();
    let document = machine.json(&["agent", "config"]);
    let settings = document["settings"].as_array().unwrap();
    let find = |key: &str| settings.iter().find(|setting| setting["key"] == key).unwrap();
    assert_eq!(find("power.celsius_max")["origin"], "file");
    assert_eq!(find("power.celsius_max")["value"], "60");
    assert_eq!(find("power.on_battery")["origin"], "default");
    let text = machine.run(&["agent", "config"]).stdout;
    assert!(text.contains("\ncelsius_max = 60\n") && text.contains("\n# on_battery = false\n"));
    fs::write(machine.path("again.toml"), &text).unwrap();
    let again = machine.json(&["agent", "config", "--config", "again.toml"]);
    assert_eq!(again["settings"], document["settings"]);
    fs::write(machine.path("agent.toml"), "[power]\ncelsius = 60\n").unwrap();
    for words in [&["agent", "config"][..], &["agent", "--account", ACCOUNT]] {
        machine.run(words).assert_fails(1, &["agent.toml", "line 2", "celsius_max"]);
    }
}

/// A machine whose `systemctl` writes down what it is asked, and whose user has folders of its own.
fn with_services(machine: &Machine, exit: &str) -> impl Fn(&[&str]) -> Command {
    let programs = machine.path("programs");
    fs::create_dir(&programs).unwrap();
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\n{exit}\n", machine.path("asked").display());
    fs::write(programs.join("systemctl"), script).unwrap();
    let rights = fs::Permissions::from_mode(0o755);
    fs::set_permissions(programs.join("systemctl"), rights).unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let home = machine.path("home");
    let empty = machine.command(&[]);
    let program = empty.get_program().to_owned();
    move |args| {
        let mut command = Command::new(&program);
        command.args(args).env_clear().env("PATH", &path).env("HOME", &home).stdin(Stdio::null());
        command
    }
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let entries = entries.map(|entry| entry.unwrap().path());
    let below = |path: std::path::PathBuf| {
        if path.is_dir() { files(&path) } else { vec![path.display().to_string()] }
    };
    entries.flat_map(below).collect()
}

#[test]
fn what_is_installed_is_uninstalled() {
    let machine = Machine::new();
    let command = with_services(&machine, "exit 0");
    let run = |args: &[&str]| crate::support::Finished::of(command(args).output().unwrap());
    for _ in 0..2 {
        let installed = run(&["install", "--account", ACCOUNT, "--rpc", "http://127.0.0.1:9"]);
        assert_eq!(installed.code, 0, "{installed:?}");
        assert!(installed.stdout.contains("gleaner-agent.service"), "{installed:?}");
    }
    let home = machine.path("home");
    let unit = fs::read_to_string(home.join(".config/systemd/user/gleaner-agent.service")).unwrap();
    assert!(
        unit.contains(&format!("agent --account {ACCOUNT} --rpc http://127.0.0.1:9")),
        "{unit}"
    );
    assert!(unit.contains("Delegate=yes") && unit.contains("WantedBy=default.target"), "{unit}");
    let config = home.join(".config/gleaner/agent.toml");
    assert!(fs::read_to_string(&config).unwrap().contains("# on_battery = false"));
    let asked = fs::read_to_string(machine.path("asked")).unwrap();
    let expected = "--user show-environment\n--user daemon-reload\n--user enable gleaner-agent.service\n--user restart gleaner-agent.service\n";
    assert_eq!(asked, expected.repeat(2));
    let worker = home.join(".local/share/gleaner/worker");
    fs::create_dir_all(&worker).unwrap();
    fs::write(worker.join("device.key"), "a key").unwrap();
    let kept = run(&["uninstall", "--keep-keys"]);
    assert_eq!(kept.code, 0, "{kept:?}");
    assert_eq!(files(&home), [worker.join("device.key").display().to_string()]);
    let removed = run(&["uninstall"]);
    assert_eq!(removed.code, 0, "{removed:?}");
    assert_eq!(files(&home), [""; 0]);
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "no empty folder either");
    assert_eq!(run(&["uninstall"]).stdout, "nothing was there\n");
}

#[test]
fn uninstall_waits_for_the_agent_and_leaves_the_files_of_one_that_runs_on() {
    let machine = Machine::new();
    let mut agent = Running::start(&machine, &[]);
    // Where it put books aside that it could not read.
    fs::write(machine.path("agent-books.damaged"), "").unwrap();
    let uninstall = || {
        let mut command = machine.command(&["uninstall"]);
        command.env("HOME", machine.path("home"));
        crate::support::Finished::of(command.output().unwrap())
    };
    let removed = uninstall();
    assert_eq!(removed.code, 0, "{removed:?}");
    assert_eq!(agent.ended(), 0);
    assert_eq!(files(&machine.path("")), [""; 0]);
    fs::create_dir_all(machine.path("")).unwrap();
    let lock = fs::File::create(machine.path("agent.lock")).unwrap();
    lock.lock().unwrap();
    uninstall()
        .assert_fails(1, &["files were not removed", "another agent runs already", "hint: "]);
    assert!(machine.path("agent.lock").exists());
}

#[test]
fn a_machine_without_services_is_told_so_before_anything_is_written() {
    let machine = Machine::new();
    let words = "echo 'System has not been booted with systemd' >&2; exit 1";
    let command = with_services(&machine, words);
    let finished =
        crate::support::Finished::of(command(&["install", "--account", ACCOUNT]).output().unwrap());
    finished.assert_fails(1, &["not been booted with systemd", "hint: start gleaner agent"]);
    assert_eq!(files(&machine.path("home")), [""; 0]);
    // The machine has no such program at all.
    let mut command = command(&["install", "--account", ACCOUNT]);
    let finished =
        crate::support::Finished::of(command.env("PATH", "/nonexistent").output().unwrap());
    finished.assert_fails(1, &["systemctl can't be started"]);
}

#[test]
fn a_changed_file_of_limits_is_taken_and_a_broken_one_is_told() {
    let machine = Machine::new();
    let write =
        |more: &str| fs::write(machine.path("agent.toml"), format!("{BOLD}{more}")).unwrap();
    write("");
    let mut agent = Running::start(&machine, &[]);
    let days = ["mon", "tues", "wednes", "thurs", "fri", "satur", "sun"];
    let never: String = days.map(|day| format!("{day}day = \"never\"\n")).concat();
    let is_closed = |status: &Value| kinds(&status["decision"]).contains(&"outside_hours");
    let notices = |status: &Value| status["notices"].as_array().unwrap().clone();
    let until = |is_wanted: &dyn Fn(&Value) -> bool| {
        wait_for(&machine, |status| status.is_some_and(is_wanted)).unwrap()
    };
    assert!(!is_closed(&machine.json(&["status"])));
    write(&format!("[hours]\n{never}"));
    until(&is_closed);
    assert_eq!(machine.json(&["agent", "config"])["in_force"], true);
    assert!(machine.run(&["agent", "config"]).stdout.contains("; in force\n"));
    // A file that is refused changes nothing, and is told with its line.
    let line = BOLD.lines().count() + 2;
    write("[hours]\nmonday = \"sometimes\"\n");
    let status = until(&|status| !notices(status).is_empty());
    let notice = notices(&status)[0].as_str().unwrap().to_owned();
    for part in ["agent.toml", &format!("line {line}"), "the limits before stay in force"] {
        assert!(notice.contains(part), "`{notice}` does not say `{part}`");
    }
    assert!(is_closed(&status), "{status}");
    assert!(machine.run(&["status"]).stdout.contains("stay in force"));
    let config = machine.run(&["agent", "config"]);
    config.assert_fails(1, &["the agent that runs works by the limits that it read before"]);
    write("");
    let status = until(&|status| notices(status).is_empty() && !is_closed(status));
    assert!(status["decision"]["allowance"]["cores_percent"].is_number(), "{status}");
    // Another file is not that agent's.
    fs::write(machine.path("other.toml"), BOLD).unwrap();
    let other = machine.json(&["agent", "config", "--config", "other.toml"]);
    assert!(other["in_force"].is_null(), "{other}");
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
    assert!(machine.json(&["agent", "config"])["in_force"].is_null());
}
