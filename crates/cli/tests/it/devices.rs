//! `gleaner devices` from outside: what an account sees of its devices, and how it cuts one off.

use std::process::Command;

use serde_json::Value;

use crate::field::{Field, Running, amount, project};
use crate::support::{Machine, genesis};

/// Rounds after which a device that has left is paid for certain.
const ROUNDS_MAX: u32 = 500;

/// The owner of devices: a wallet of its own, and a machine that works for it.
struct Owner {
    home: Machine,
    account: String,
    url: String,
}

impl Owner {
    fn new(field: &Field) -> Self {
        let home = Machine::new();
        let account = home.account();
        let url = field.node.url.clone();
        field.machine.json(&["wallet", "send", &account, "10", "--yes", "--rpc", &url]);
        Self { home, account, url }
    }

    /// Runs `gleaner devices …` as this owner.
    #[track_caller]
    fn devices(&self, words: &[&str]) -> Value {
        self.home.json(&[&["devices"], words, &["--rpc", &self.url]].concat())
    }

    /// The worker of the machine whose device key is this one.
    fn worker(&self, account: &str) -> Command {
        let folder = self.home.path("worker");
        let args = ["join", "--project", "1", "--account", account, "--rpc", &self.url];
        let more = ["--data-dir", folder.to_str().unwrap(), "--stop-with-stdin", "--json"];
        self.home.command(&[&args[..], &more].concat())
    }

    fn device(&self) -> String {
        let path = self.home.path("worker/device.key");
        wallet::DeviceKey::load_or_create(&path).unwrap().device().to_string()
    }
}

#[test]
fn a_revoked_device_is_cut_off_and_its_account_is_paid() {
    let field = Field::new(&project(20_000, ""));
    let owner = Owner::new(&field);
    let mut train = field.train();
    train.until("is open");
    let _other = field.join(1, &[]);
    let mut stolen = Running::start(owner.worker(&owner.account));
    stolen.until("joined");
    train.until("round 3 done");
    let device = owner.device();
    let listed = owner.devices(&[]);
    let of = &listed["devices"][0];
    assert_eq!(
        (&of["device"], &of["linked"], &of["revoked_at"]),
        (&Value::from(device.clone()), &true.into(), &Value::Null),
        "{listed:#}"
    );
    assert_eq!(of["seats"][0]["standing"], "active");
    assert!(of["last_commitment"]["at"].as_u64() > Some(0), "{listed:#}");
    let revoked = owner.devices(&["revoke", &device[..12], "--yes"]);
    assert_eq!(revoked["seats_given_up"], serde_json::json!([1]), "{revoked:#}");
    // It ends, and comes back neither for this account nor for another one.
    let other_account = format!("0x{:040x}", 0x66);
    stolen.end().assert_fails(1, &["has revoked this device"]);
    for account in [&owner.account, &other_account] {
        Running::start(owner.worker(account)).end().assert_fails(1, &["has revoked this device"]);
    }
    // The others go on, and what it did is paid to its account: in the round after next, so it is asked again until then.
    let mut after = Value::Null;
    for _ in 0..ROUNDS_MAX {
        train.until(" done");
        after = owner.devices(&["list"]);
        if after["devices"][0]["held"] == "0" {
            break;
        }
    }
    let of = &after["devices"][0];
    assert!(of["revoked_at"].as_u64() > Some(0), "{after:#}");
    assert_eq!(
        (&of["held"], &of["seats"][0]["standing"]),
        (&"0".into(), &"left".into()),
        "{after:#}"
    );
    assert!(amount(&of["paid"]) > 0 && of["tokens_verified"].as_u64() > Some(0), "{after:#}");
    let speed = &of["seats"][0]["speed"];
    assert!(speed["rounds"].as_u64() > Some(0), "{after:#}");
    assert!(speed["tokens_per_second"].as_f64() > Some(0.0), "{after:#}");
    let earned = owner.home.json(&["earnings", &owner.account, "--rpc", &owner.url]);
    assert_eq!(earned["paid"], of["paid"]);
    let restored = owner.devices(&["restore", &device, "--yes"]);
    assert_eq!(restored["revoked"], false);
    assert_eq!(owner.devices(&[])["devices"][0]["revoked_at"], Value::Null);
    let again = owner.home.run(&["devices", "restore", &device, "--yes", "--rpc", &owner.url]);
    again.assert_fails(1, &["has not revoked device"]);
}

#[test]
fn a_policy_is_checked_shown_and_taken_back() {
    let field = Field::new(&project(3, ""));
    let owner = Owner::new(&field);
    let file = owner.home.path("policy.toml");
    let file = file.to_str().unwrap();
    std::fs::write(file, "[hours]\nsomeday = \"never\"\n").unwrap();
    let wrong = ["devices", "policy", "set", file, "--yes", "--rpc", &owner.url];
    owner.home.run(&wrong).assert_fails(1, &["someday", "policy.toml"]);
    std::fs::write(file, "[hours]\nsunday = \"never\"\n").unwrap();
    let dry = owner.devices(&["policy", "set", file, "--dry-run"]);
    assert_eq!(dry["sent"]["dry_run"], true);
    assert_eq!(owner.devices(&["policy", "show"])["policy"], Value::Null);
    assert_eq!(owner.devices(&["policy", "set", file, "--yes"])["policy"]["version"], 1);
    let shown = owner.devices(&["policy", "show"]);
    assert_eq!(shown["policy"]["text"], "[hours]\nsunday = \"never\"\n");
    let cleared = owner.devices(&["policy", "clear", "--yes"]);
    assert_eq!(
        (&cleared["policy"]["version"], &cleared["policy"]["text"]),
        (&2.into(), &"".into())
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_agent_obeys_its_account_also_without_the_ledger() {
    let field = Field::new(&project(3, ""));
    let owner = Owner::new(&field);
    std::fs::create_dir_all(owner.home.path("worker")).unwrap();
    let device = owner.device();
    let policy = owner.home.path("policy.toml");
    std::fs::write(&policy, "[machine]\ncores_percent = 7\n").unwrap();
    owner.devices(&["policy", "set", policy.to_str().unwrap(), "--yes"]);
    owner.devices(&["revoke", &device, "--yes"]);
    for has_ledger in [true, false] {
        let url = if has_ledger { &owner.url[..] } else { "http://127.0.0.1:9" };
        let args = ["agent", "--account", &owner.account, "--rpc", url];
        let agent = Running::start(owner.home.command(&args));
        let status = crate::agent::wait_for(&owner.home, |status| {
            status.is_some_and(|status| {
                let reasons = &status["decision"]["reasons"];
                let is_revoked = |reason: &Value| reason["evidence"]["kind"] == "revoked";
                reasons.as_array().unwrap().iter().any(is_revoked)
            })
        });
        let status = status.unwrap();
        assert_eq!(status["decision"]["activity"], "exited");
        assert_eq!(status["policy_version"], 1);
        let why = owner.home.run(&["why"]);
        assert!(why.stdout.contains("has revoked device"), "{why:?}");
        let limits = owner.home.run(&["agent", "stop"]);
        assert_eq!(limits.code, 0, "{limits:?}");
        agent.end();
    }
}

#[test]
fn on_an_older_ledger_devices_are_listed_and_nothing_can_be_said_to_them() {
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node_of(&genesis(&[(3, 0)], &[account]), &[]);
    let listed = machine.json(&["devices", "--rpc", &node.url]);
    assert_eq!((&listed["devices"], &listed["policy"]), (&serde_json::json!([]), &Value::Null));
    let device = "ab".repeat(32);
    for words in [&["revoke", &device[..]][..], &["policy", "show"], &["policy", "clear"]] {
        let yes = if words[1] == "show" { &[][..] } else { &["--yes"] };
        let args = [&["devices"], words, yes, &["--rpc", &node.url]].concat();
        machine.run(&args).assert_fails(1, &["begins with revision 4"]);
    }
}

/// Anyone can link devices to any account, and a node pays for it.
#[test]
fn strangers_devices_hide_nothing_that_is_the_accounts_own() {
    const STRANGERS: u8 = 40;
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node(&["--fund", &format!("{account}=10")]);
    let url = &node.url[..];
    let policy = machine.path("policy.toml");
    std::fs::write(&policy, "[hours]\nsunday = \"never\"\n").unwrap();
    let policy = policy.to_str().unwrap();
    machine.json(&["devices", "policy", "set", policy, "--yes", "--rpc", url]);
    // An account without devices has a policy all the same.
    assert_eq!(machine.json(&["devices", "--rpc", url])["policy"]["version"], 1);
    let keys: Vec<_> =
        (1..=STRANGERS).map(|number| wallet::DeviceKey::from_seed(&[number; 32])).collect();
    let owner: units::AccountId = account.parse().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let patience = std::time::Duration::from_secs(10);
        let ledger = ledger_client::Ledger::connect(url, None, patience).await.unwrap();
        for key in &keys {
            let sign = |bytes: &[u8]| key.sign(bytes);
            let device = abi::convert::device_word(key.device());
            let signer = abi::signed::Signer { device, chain_id: ledger.chain_id(), sign: &sign };
            let link = signer.link(*owner.as_bytes(), 1);
            ledger.submit_statement(abi::DEVICES, &link).await.unwrap();
        }
    });
    let is_listed = || machine.json(&["devices", "--rpc", url])["listed"] == STRANGERS;
    assert!((0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        is_listed()
    }));
    let stolen = keys[20].device().to_string();
    machine.json(&["devices", "revoke", &stolen[..12], "--yes", "--rpc", url]);
    let listed = machine.json(&["devices", "--rpc", url]);
    assert_eq!((&listed["listed"], &listed["policy"]["version"]), (&STRANGERS.into(), &1.into()));
    assert_eq!(listed["devices"].as_array().unwrap().len(), usize::from(STRANGERS));
    assert_eq!(listed["devices"][0]["device"], stolen, "what the owner has done comes first");
    let text = machine.run(&["devices", "--rpc", url]).stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].contains("revoked"), "{text}");
    assert!(lines.len() < 20 && text.contains("31 more devices are linked"), "{text}");
}
