//! What an owner is told by an agent that works, in the ways that they have chosen.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{BOLD, wait_for};
use crate::field::{Field, project, write_corpus};
use crate::support::{Machine, genesis};

/// Price of GRAIN before and after: 4 % more.
const PRICES: [&str; 2] = ["0.50", "0.52"];

/// Height of a revision that rounds soon reach, and that nothing before them does.
const HEIGHT: u64 = 60;

/// Height of a revision that no program knows, and that this ledger never reaches.
const UNKNOWN: u64 = 10_000_000;

/// A ledger whose rules change at [`HEIGHT`] and [`UNKNOWN`], with a feed of the price of GRAIN, a project, and one worker of the two that it needs.
struct World {
    field: Field,
    reporter: String,
    _running: [crate::field::Running; 2],
}

impl World {
    /// `owner` has some GRAIN, too.
    fn new(owner: &str) -> Self {
        let machine = Machine::new();
        let reporter = machine.account();
        write_corpus(&machine.path("corpus.txt"), 1_000);
        fs::write(machine.path("project.toml"), project(20_000, "")).unwrap();
        let mut genesis = genesis(&[(4, 0), (5, HEIGHT), (9_999, UNKNOWN)], &[&reporter, owner]);
        genesis["price_reporters"] = json!({ "members": [reporter], "quorum": 1 });
        let node = machine.node_of(&genesis, &[]);
        let field = Field { machine, node };
        let price = ["price", "create", "GRAIN / EUR", "--decimals", "6"];
        field.machine.json(&[&price[..], &["--rpc", &field.node.url]].concat());
        let mut train = field.train();
        train.until("is open");
        let other = field.join(1, &[]);
        let world = Self { field, reporter, _running: [train, other] };
        world.report(PRICES[0]);
        world
    }

    fn report(&self, price: &str) {
        let words = ["price", "report", "1", price, "--account", &self.reporter];
        self.field.machine.json(&[&words[..], &["--rpc", &self.field.node.url]].concat());
    }

    /// Starts an agent that asks the ledger often.
    fn agent(&self, owner: &Machine, account: &str) -> Agent {
        let words = ["agent", "--account", account, "--rpc", &self.field.node.url];
        let mut command = owner.command(&[&words[..], &["--ask-seconds", "1"]].concat());
        Agent(command.stderr(Stdio::null()).spawn().unwrap())
    }
}

/// Killed when dropped, as by `kill -9`.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Listens on a free port, and keeps the bodies of requests.
fn webhook() -> (String, Arc<Mutex<Vec<Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/alerts?key=1", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut line, mut size) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).unwrap();
                let (name, value) = line.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    size = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; size];
            reader.read_exact(&mut body).unwrap();
            own.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    (url, heard)
}

/// What an owner has been told: by a program that writes it to a file, and by a webhook.
struct Said<'a> {
    machine: &'a Machine,
    file: PathBuf,
    heard: Arc<Mutex<Vec<Value>>>,
}

impl Said<'_> {
    /// Returns the documents if the texts begin so, in both ways, and nothing is still to be told. What a project pays is left out: the speed that is measured on
    /// a busy machine changes by more than the owner's percents.
    fn is(&self, expected: &[&str]) -> Option<Vec<Value>> {
        let said = fs::read_to_string(&self.file).unwrap_or_default();
        let mut heard = self.heard.lock().unwrap().clone();
        heard.retain(|one| one["alert"]["kind"] != "reward");
        let lines: Vec<&str> = said.lines().filter(|line| !line.contains(") pays ")).collect();
        let texts: Vec<&str> = heard.iter().map(|one| one["text"].as_str().unwrap()).collect();
        assert!(
            lines.len() <= expected.len() && texts.len() <= expected.len(),
            "{lines:?} {texts:?}"
        );
        // What is told is written down: else it would be told again.
        let books = fs::read(self.machine.path("agent-books.json")).unwrap_or_default();
        let books: Value = serde_json::from_slice(&books).unwrap_or_default();
        let waiting = books["remembered"]["waiting"].as_array();
        let are_told = lines.len() == expected.len()
            && lines.iter().zip(expected).all(|(line, begin)| line.starts_with(begin));
        (are_told && lines == texts && waiting.is_some_and(Vec::is_empty)).then_some(heard)
    }

    /// Waits for that.
    #[track_caller]
    fn until(&self, expected: &[&str]) -> Vec<Value> {
        let mut heard = None;
        wait_for(self.machine, |_| {
            heard = self.is(expected);
            heard.is_some()
        });
        heard.unwrap()
    }
}

#[test]
fn an_owner_is_told_once_and_in_each_way_what_happens_to_an_agent_that_works_and_is_killed() {
    let machine = Machine::new();
    let account = machine.account();
    let world = World::new(&account);
    let (url, heard) = webhook();
    let told = machine.path("told");
    let script = format!("echo \"$GLEANER_ALERT\" >> {}", told.display());
    let alerts = format!(
        "[energy]\ngrain_feed = 1\n[alerts]\nreward_percent = 4\nwebhook = '{url}'\ncommand = ['/bin/sh', '-c', '{script}']\n"
    );
    fs::write(machine.path("agent.toml"), format!("{BOLD}{alerts}")).unwrap();
    let said = Said { machine: &machine, file: told, heard };
    let until_told = |expected: &[&str]| said.until(expected);

    let ahead = "install a newer gleaner before revision 9999 of the ledger's rules begins at block 10000000";
    let rules = "the ledger's rules are now revision 5";
    let agent = world.agent(&machine, &account);
    until_told(&[ahead, rules]);
    drop(agent);
    // The price changes while no agent runs.
    world.report(PRICES[1]);
    let price = "GRAIN is worth 4 % more";
    let agent = world.agent(&machine, &account);
    until_told(&[ahead, rules, price]);
    let status = machine.json(&["status"]);
    let notices = status["notices"].as_array().unwrap();
    assert!(notices.iter().any(|notice| notice.as_str().unwrap().starts_with(ahead)), "{status}");
    let rpc = ["--rpc", &world.field.node.url];
    // Who does not let it work is told as well.
    machine.json(&["pause"]);
    world.field.machine.json(&[&["project", "cancel", "1"], &rpc[..]].concat());
    let ended = "project 1 (barley) was cancelled by its owner; ";
    until_told(&[ahead, rules, price, ended]);
    machine.json(&["resume"]);
    let device = wallet::DeviceKey::load_or_create(&machine.path("worker/device.key")).unwrap();
    let device = device.device().to_string();
    machine.json(&["devices", "revoke", &device, "--yes", "--rpc", &world.field.node.url]);
    let standing = "the account has cut this device off";
    let told = [ahead, rules, price, ended, standing];
    let heard = until_told(&told);
    let [ahead, ended] = [&heard[0]["alert"], &heard[3]["alert"]];
    assert_eq!((&ahead["height"], &ahead["moved_from"]), (&UNKNOWN.into(), &Value::Null));
    assert_eq!((&ended["project"], &ended["ending"]), (&1.into(), &"cancelled".into()));
    let expected = [
        json!({ "kind": "rules", "revision": 5 }),
        json!({ "kind": "price", "percent": 4 }),
        json!({ "kind": "standing", "project": "the account", "standing": "revoked" }),
    ];
    let found: Vec<&Value> = [1, 2, 4].map(|index: usize| &heard[index]["alert"]).into();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    drop(agent);
    let _agent = world.agent(&machine, &account);
    wait_for(&machine, |status| {
        status.is_some_and(|status| status["decision"]["activity"] == "exited")
    });
    assert!(said.is(&told).is_some());
}
