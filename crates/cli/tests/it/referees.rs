//! A ledger with three referees, two of which must agree: each is a process of its own, and votes for itself.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use abi::{TRAINING_RUNS, TrainingRuns, convert, statement};
use alloy_sol_types::SolCall as _;
use ledger_client::Ledger;
use ledger_views::runs::{self, DisputeView};
use serde_json::{Value, json};
use statement::Found;
use units::{DeviceId, merkle_root};
use wallet::DeviceKey;

use crate::field::{Field, Running, assert_report, project, write_corpus};
use crate::support::{Machine, RunningNode};

/// The first byte of the keys of the two honest referees and of the one that lies.
const REFEREES: [u8; 3] = [101, 102, 103];
/// The worker that makes its work up.
const CHEAT: u8 = 3;

fn key(byte: u8) -> DeviceKey {
    DeviceKey::from_seed(&[byte; 32])
}

fn genesis(owner: &str) -> String {
    let members = REFEREES.map(|byte| convert::device_word(key(byte).device()).to_string());
    json!({
        "chain_id": 7, "timestamp": 1, "gas_limit": 60_000_000, "commitment": 2,
        "base_fee": {"initial": 1000, "minimum": 7, "change_denominator": 8, "elasticity": 2},
        "fee_recipient": "0x00000000000000000000000000000000000000be",
        "accounts": { owner: { "balance": "2000000000000000000000" } },
        "referees": { "members": members, "threshold": 2 },
    })
    .to_string()
}

fn field() -> Field {
    let machine = Machine::new();
    let owner = machine.account();
    write_corpus(&machine.path("corpus.txt"), 1000);
    let crowd = "workers_min = 3\nworkers_max = 3\n";
    let terms = "audit_rate_bps = 10000\n";
    let text = project(3, terms).replace("workers_min = 2\nworkers_max = 2\n", crowd);
    fs::write(machine.path("project.toml"), text).unwrap();
    fs::write(machine.path("genesis.json"), genesis(&owner)).unwrap();
    let node = machine.node(&["--genesis", "genesis.json"]);
    assert_eq!(node.document["is_referee"], false);
    let relay = node.document["relay_account"].as_str().unwrap();
    machine.json(&["wallet", "send", relay, "100", "--rpc", &node.url]);
    Field { machine, node }
}

/// Starts an honest referee.
fn referee(field: &Field, byte: u8) -> Running {
    let folder = field.machine.path(&format!("referee-{byte}"));
    fs::create_dir(&folder).unwrap();
    DeviceKey::store(&folder.join("device.key"), &[byte; 32]).unwrap();
    let folder = folder.to_str().unwrap();
    let args = ["referee", "--rpc", &field.node.url, "--data-dir", folder];
    Running::start(field.machine.command(&args))
}

/// A referee that says the contrary of what is true: it vouches for made-up work, whose root it learns as soon as the cheat
/// discloses its leaves, and finds fault with true work.
struct Liar {
    stop: Arc<AtomicBool>,
    votes: JoinHandle<usize>,
}

impl Liar {
    fn start(node: &RunningNode) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (is_over, url) = (Arc::clone(&stop), node.url.clone());
        let votes = thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let ledger = Ledger::connect(&url, None, Duration::from_secs(10)).await.unwrap();
                let mut votes = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let open = runs::disputes(&ledger, 1).await.unwrap_or_default();
                    for dispute in open {
                        votes += usize::from(lie(&ledger, &dispute).await);
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                votes
            })
        });
        Self { stop, votes }
    }

    /// Returns the number of its votes.
    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.votes.join().unwrap()
    }
}

/// Gives a false vote, if there is one to give; returns whether the ledger took it.
async fn lie(ledger: &Ledger, dispute: &DisputeView) -> bool {
    let own = key(REFEREES[2]);
    if dispute.votes.iter().any(|vote| vote.referee == own.device()) {
        return false;
    }
    let (round, subject) = (dispute.round, dispute.subject);
    let found = if subject == key(CHEAT).device() {
        let Some(height) = dispute.disclosed else { return false };
        let leaves = runs::leaves(ledger, (1, round), subject, height).await.unwrap().unwrap();
        let root = merkle_root(&leaves);
        assert_eq!(units::seal(&subject, &root), dispute.commitment.seal);
        Found::replayed(*root.as_bytes(), *dispute.commitment.update.as_bytes())
    } else {
        Found::replayed([1; 32], [2; 32])
    };
    let signed = statement::ruling(ledger.chain_id(), 1, round, subject.as_bytes(), &found);
    let signature = own.sign(&signed).to_vec().into();
    let [referee, subject] = [own.device(), subject].map(convert::device_word);
    let Found { kind, leaf, root, update } = found;
    let (run, root, update) = (1, root.into(), update.into());
    let call = TrainingRuns::ruleCall {
        run,
        round,
        subject,
        referee,
        kind,
        leaf,
        root,
        update,
        signature,
    };
    ledger.submit_statement(TRAINING_RUNS, &call.abi_encode()).await.is_ok()
}

fn disputes(field: &Field) -> Vec<Value> {
    let shown = field.machine.json(&["project", "show", "1", "--rpc", &field.node.url]);
    shown["disputes"].as_array().unwrap().clone()
}

fn opinions(dispute: &Value) -> Vec<&str> {
    let votes = dispute["votes"].as_array().unwrap();
    votes.iter().map(|vote| vote["opinion"].as_str().unwrap()).collect()
}

#[test]
fn two_honest_referees_of_three_decide_whatever_the_third_says() {
    let field = field();
    let mut train = field.train();
    train.until("is open");
    let liar = Liar::start(&field.node);
    let mut first = referee(&field, REFEREES[0]);
    let honest = [field.join(1, &[]), field.join(2, &[])];
    let cheat = field.join(CHEAT, &["--misbehave", "made-up"]);
    // One referee is silent: an honest one and a liar decide nothing.
    first.until("the work is not what was committed to: it differs from segment 1 of");
    let undecided = loop {
        let open = disputes(&field);
        if let Some(open) = open.into_iter().find(|open| opinions(open).len() == 2) {
            break open;
        }
        thread::sleep(Duration::from_millis(50));
    };
    let mut both = opinions(&undecided);
    both.sort_unstable();
    assert_eq!(both, ["is-not-the-work", "is-the-work"], "{undecided:#}");
    assert_eq!(undecided["disclosed"], true);
    assert_eq!(undecided["subject"], key(CHEAT).device().to_string());
    // Anyone sees where it first differs.
    let (round, device) = (undecided["round"].to_string(), undecided["subject"].as_str().unwrap());
    let replay = ["audit", "replay", "1", &round, device, "--rpc", &field.node.url];
    let replayed = field.machine.json(&replay);
    assert_eq!(replayed["matches"], false, "{replayed:#}");
    let first = json!({"leaf": 1, "part": "segment", "segment": 1, "steps": [1, 1]});
    assert_eq!(replayed["first"], first, "{replayed:#}");
    let second = referee(&field, REFEREES[1]);
    let report = train.document();
    assert_report(&report, 3);
    let payout = |device: DeviceId| {
        let payouts = report["payouts"].as_array().unwrap();
        payouts.iter().find(|payout| payout["device"] == device.to_string()).unwrap()
    };
    assert_eq!(payout(key(CHEAT).device())["standing"], "convicted", "{report:#}");
    for number in [1, 2] {
        assert_eq!(payout(key(number).device())["standing"], "active", "{report:#}");
    }
    assert!(0 < liar.end(), "the liar has voted");
    drop((first, second, honest, cheat));
}
