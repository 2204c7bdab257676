//! Projects as shown to their owner and to others.

use std::time::Duration;

use ledger_client::{Announcement, Ledger};
use ledger_views::runs;
use training_run::Terms;
use units::{Bps, DeviceId, Digest, Wei};
use wallet::Wallet;

use crate::support::{Machine, PASSWORD, RunningNode};

fn terms() -> Terms {
    Terms {
        rounds: 3,
        warmup_rounds: 1,
        tokens_per_round: 1000,
        warmup_tokens_per_round: 100,
        price_per_token: Wei::new(1_000_000_000),
        audit_rate: Bps::new(1000).unwrap(),
        audit_pay: Bps::new(5000).unwrap(),
        quorum: Bps::new(5000).unwrap(),
        seats_min: 2,
        seats_max: 4,
        round_seconds: 60,
        audit_seconds: 60,
        stall_seconds: 600,
        relay_fee: Wei::new(1_000),
        spec: Digest::from_bytes([1; 32]),
        corpus: Digest::from_bytes([2; 32]),
        initial_state: Digest::from_bytes([3; 32]),
    }
}

/// Opens a project as `gleaner train` does, without training; returns the deposit.
fn open(machine: &Machine, node: &RunningNode, owner: &str, name: &str) -> Wei {
    let signer =
        Wallet::at(machine.path("wallet")).unlock(&owner.parse().unwrap(), PASSWORD).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ledger =
            Ledger::connect(&node.url, Some(signer), Duration::from_secs(10)).await.unwrap();
        let deposit = runs::required_deposit(&ledger, &terms()).await.unwrap();
        let endpoint = "127.0.0.1:4433".to_owned();
        let announcement = Announcement { coordinator: DeviceId::from_bytes([9; 32]), endpoint };
        let auditor = DeviceId::from_bytes([8; 32]);
        ledger.open_run(&terms(), (name, &auditor), &announcement, deposit).await.unwrap();
        deposit
    })
}

#[test]
fn a_project_is_listed_shown_and_cancelled_by_its_owner_only() {
    let machine = Machine::new();
    let (owner, stranger) = (machine.account(), machine.account());
    let node =
        machine.node(&["--fund", &format!("{owner}=10"), "--fund", &format!("{stranger}=10")]);
    let rpc = ["--rpc", &node.url];
    assert_eq!(machine.json(&[&["project", "list"], &rpc[..]].concat()), serde_json::json!([]));
    let deposit = open(&machine, &node, &owner, "barley\u{1b}[2J");

    let listed = machine.run(&[&["project", "list"], &rpc[..]].concat());
    assert!(
        listed.stdout.contains("gathering") && listed.stdout.contains("barley"),
        "{}",
        listed.stdout
    );
    assert!(!listed.stdout.contains('\u{1b}'), "a name can't steer the terminal");
    let list = machine.json(&[&["project", "list", "--open"], &rpc[..]].concat());
    assert_eq!((&list[0]["id"], &list[0]["owner"]), (&1.into(), &owner.clone().into()));

    let show = machine.json(&[&["project", "show", "1"], &rpc[..]].concat());
    assert_eq!(show["deposited"], deposit.to_string());
    assert_eq!(show["terms"]["audit_rate_bps"], 1000);
    assert_eq!(show["seats"], serde_json::json!([]));
    machine
        .run(&[&["project", "show", "2"], &rpc[..]].concat())
        .assert_fails(1, &["project 2 does not exist", "hint: "]);

    let cancel = |account| {
        machine.run(&[&["project", "cancel", "1", "--account", account], &rpc[..]].concat())
    };
    cancel(stranger.as_str()).assert_fails(1, &["belongs to", &owner, "hint: "]);
    assert_eq!(cancel(owner.as_str()).code, 0);
    let show = machine.json(&[&["project", "show", "1"], &rpc[..]].concat());
    assert_eq!(show["state"], "cancelled");
    assert_eq!(show["refunded"], deposit.to_string(), "nothing was owed");
    cancel(owner.as_str()).assert_fails(1, &["project 1 was not cancelled"]);
    assert_eq!(
        machine.json(&[&["project", "list", "--open"], &rpc[..]].concat()),
        serde_json::json!([])
    );
}

#[test]
fn a_device_without_work_has_earned_nothing() {
    let machine = Machine::new();
    let owner = machine.account();
    let node = machine.node(&["--fund", &format!("{owner}=10")]);
    open(&machine, &node, &owner, "barley");
    let earned = machine.json(&["earnings", "--rpc", &node.url]);
    let first = crate::node::ask(&node, "eth_getBlockByNumber", &serde_json::json!(["0x0", false]));
    let expected = serde_json::json!({
        "ledger": first["hash"], "paid": "0", "tokens_verified": 0, "seats": [], "rewards": []
    });
    assert_eq!(earned, expected);
}

/// Takes a seat for a device of `account`.
fn enroll(machine: &Machine, node: &RunningNode, owner: &str, (run, account): (u64, &str)) {
    let signer =
        Wallet::at(machine.path("wallet")).unlock(&owner.parse().unwrap(), PASSWORD).unwrap();
    let key = wallet::DeviceKey::from_seed(&[7; 32]);
    let account: units::AccountId = account.parse().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let ledger =
            Ledger::connect(&node.url, Some(signer), Duration::from_secs(10)).await.unwrap();
        let (chain, device) = (ledger.chain_id(), key.device());
        let link = ledger_views::devices::link(&ledger, &device).await.unwrap();
        if link.account.is_none() {
            let statement = abi::statement::link(chain, device.as_bytes(), account.as_bytes(), 1);
            ledger.link_device(&device, &account, 1, &key.sign(&statement)).await.unwrap();
        }
        let (word, sign) = (abi::convert::device_word(device), |bytes: &[u8]| key.sign(bytes));
        let signer = abi::signed::Signer { device: word, chain_id: chain, sign: &sign };
        ledger.relay(&[signer.enroll(run, 1)]).await.unwrap();
    });
}

#[test]
fn earnings_are_found_by_the_index_and_without_it() {
    let machine = Machine::new();
    let (owner, worker) = (machine.account(), machine.account());
    let fund = format!("{owner}=10");
    let node = machine.node(&["--fund", &fund]);
    for name in ["barley", "oats", "rye"] {
        open(&machine, &node, &owner, name);
    }
    enroll(&machine, &node, &owner, (2, &worker));
    enroll(&machine, &node, &owner, (3, &worker));
    let earned = |node: &RunningNode| machine.json(&["earnings", &worker, "--rpc", &node.url]);
    let by_index = earned(&node);
    let projects: Vec<_> =
        by_index["seats"].as_array().unwrap().iter().map(|seat| &seat["project"]).collect();
    assert_eq!(projects, [2, 3]);
    assert_eq!(by_index["seats"][0]["name"], "oats");
    node.kill();
    let node = machine.node(&["--index", "none"]);
    assert_eq!(earned(&node), by_index);
    node.kill();
    // Only the newest block is in the index: it can't say, and all projects are looked through.
    let node = machine.node(&["--index", "events", "--index-blocks", "1"]);
    assert_eq!(earned(&node), by_index);
}
