//! What commands show while their node has stopped before rules that it does not know.

use serde_json::{Value, json};

use crate::node::{answer, ask};
use crate::support::{Finished, Machine, RunningNode, genesis};

/// Height of the first block with rules that nobody knows.
const UNKNOWN: u64 = 20;
const EIGHT_DAYS: u64 = 8 * 86_400;

/// A ledger in development, funded, whose genesis file names revision 9999.
fn ledger(machine: &Machine, account: &str) -> RunningNode {
    machine.node_of(&genesis(&[(5, 0), (9_999, UNKNOWN)], &[account]), &["--dev"])
}

fn height(node: &RunningNode) -> u64 {
    let height = ask(node, "eth_blockNumber", &json!([]));
    u64::from_str_radix(&height.as_str().unwrap()[2..], 16).unwrap()
}

#[test]
fn a_client_can_tell_a_standstill_by_its_code() {
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node_of(&genesis(&[(5, 0), (9_999, 1)], &[&account]), &["--dev"]);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["pending", false])),
        ("eth_call", json!([{ "to": account }, "pending"])),
        ("eth_estimateGas", json!([{ "to": account }])),
        ("eth_simulateV1", json!([{ "blockStateCalls": [{}] }, "latest"])),
    ] {
        let error = &answer(&node, method, &params)["error"];
        assert_eq!(error["code"], -32_010, "{method}: {error}");
    }
}

#[test]
fn the_last_block_is_shown_and_named_when_there_will_be_no_other() {
    let machine = Machine::new();
    let account = machine.account();
    let node = ledger(&machine, &account);
    let run = |args: &[&str]| machine.run(&[args, &["--rpc", &node.url]].concat());
    let done = |args: &[&str]| machine.json(&[args, &["--rpc", &node.url]].concat());
    done(&["price", "create", "GRAIN / USD"]);
    done(&["house", "deposit", "6000", "--yes"]);
    ask(&node, "evm_increaseTime", &json!([EIGHT_DAYS]));
    ask(&node, "evm_mine", &json!([]));
    let set = "training-runs.audit-rate-floor=700";
    done(&["propose", "--set", set, "--description", "Audit more", "--yes"]);
    let told = |finished: &Finished| {
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        finished.stderr.contains("makes no block after 19")
            && finished.stderr.contains("switches to revision 9999 at height 20")
    };
    let shown: [&[&str]; 11] = [
        &["proposals"],
        &["proposals", "show", "1"],
        &["proposals", "revisions"],
        &["proposals", "parameters"],
        &["house", "show"],
        &["brake", "show", "1"],
        &["jury", "show", "1"],
        &["price", "list"],
        &["price", "show", "1"],
        &["stake", "list"],
        &["earnings"],
    ];
    for args in shown {
        assert!(!told(&run(args)), "{args:?}");
    }
    while height(&node) < UNKNOWN - 1 {
        ask(&node, "evm_mine", &json!([]));
    }
    for args in shown {
        assert!(told(&run(args)), "{args:?}");
    }
    assert_eq!(done(&["proposals"])[0]["number"], 1);
    assert_eq!(done(&["proposals", "show", "1"])["effect"], Value::Null);
    assert!(run(&["proposals", "show", "1"]).stdout.contains("makes no further block"));
    let stake = &done(&["house", "show"])["stake"]["members"][0]["votes"];
    assert_eq!(stake, "6000000000000000000000");
    let revisions = done(&["proposals", "revisions"]);
    assert_eq!((&revisions["current"], &revisions["height"]), (&5.into(), &19.into()));
    assert_eq!(done(&["price", "list"])[0]["standing"], "no answer");
    // What would change something is refused before it asks or signs.
    for args in [&["house", "deposit", "1", "--yes"][..], &["vote", "1", "yes", "--yes"]] {
        run(args).assert_fails(1, &["switches to revision 9999 at height 20"]);
    }
}
