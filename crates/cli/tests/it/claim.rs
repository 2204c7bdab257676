//! Rewards: work that was checked from outside brings GRAIN, which `gleaner claim` pays once it has vested.

use std::fs;
use std::thread;
use std::time::Duration;

use abi::{Erc20, GOVERNOR, GRAIN, REFEREES, Referees, convert};
use alloy_primitives::{U256, hex};
use alloy_sol_types::SolCall as _;
use serde_json::{Value, json};
use wallet::DeviceKey;

use crate::field::{Running, amount, assert_report, project, write_corpus};
use crate::node::ask;
use crate::support::{Machine, RunningNode};

const DAY: u64 = 86_400;
/// Rewards are known when their epoch is over, and vest from then on.
const EPOCH: u64 = 7 * DAY;
const VESTING: u64 = 180 * DAY;
const ROUNDS: u32 = 40;
const REFEREE: u8 = 101;
/// How often a claim is looked after: ten minutes.
const POLLS_MAX: usize = 1_200;

/// A development ledger with a trainer, two workers' accounts, and a referee in a process of its own.
struct Ledger {
    machine: Machine,
    node: RunningNode,
    owner: String,
    workers: [String; 2],
}

impl Ledger {
    fn new() -> Self {
        let machine = Machine::new();
        let owner = machine.account();
        let workers = [(); 2].map(|()| machine.account());
        write_corpus(&machine.path("corpus.txt"), 1000);
        fs::write(machine.path("project.toml"), project(ROUNDS, "")).unwrap();
        let funds = [&owner, &workers[0], &workers[1]].map(|account| format!("{account}=1000"));
        let node =
            machine.node(&["--dev", "--fund", &funds[0], "--fund", &funds[1], "--fund", &funds[2]]);
        Self { machine, node, owner, workers }
    }

    /// Names the referee as a vote would.
    fn name_referee(&self) {
        let member = convert::device_word(DeviceKey::from_seed(&[REFEREE; 32]).device());
        let call = Referees::setMembersCall { members: vec![member], threshold: 1 };
        let input = hex::encode_prefixed(call.abi_encode());
        ask(&self.node, "anvil_setBalance", &json!([GOVERNOR, U256::from(10_u128.pow(18))]));
        ask(&self.node, "anvil_impersonateAccount", &json!([GOVERNOR]));
        let transaction = json!({ "from": GOVERNOR, "to": REFEREES, "input": input });
        let hash = ask(&self.node, "eth_sendTransaction", &json!([transaction]));
        let receipt = ask(&self.node, "eth_getTransactionReceipt", &json!([hash]));
        assert_eq!(receipt["status"], "0x1", "{receipt}");
    }

    fn start(&self, args: &[&str]) -> Running {
        Running::start(self.machine.command(&[args, &["--rpc", &self.node.url]].concat()))
    }

    /// Starts a process with a device key of its own.
    fn device(&self, byte: u8, args: &[&str]) -> Running {
        let folder = self.machine.path(&format!("device-{byte}"));
        fs::create_dir(&folder).unwrap();
        DeviceKey::store(&folder.join("device.key"), &[byte; 32]).unwrap();
        self.start(&[args, &["--data-dir", folder.to_str().unwrap()]].concat())
    }

    fn join(&self, index: u8) -> Running {
        let account = &self.workers[usize::from(index) - 1];
        let args = ["join", "--project", "1", "--account", account, "--stop-with-stdin", "--json"];
        self.device(index, &args)
    }

    /// Does what is due for the first worker; `None` if the ledger was faster than the plan.
    fn claim(&self) -> Option<Value> {
        let args = ["claim", "--yes", "--json", "--account", &self.workers[0]];
        let finished = self.machine.run(&[&args[..], &["--rpc", &self.node.url]].concat());
        (finished.code == 0).then(|| serde_json::from_str(&finished.stdout).unwrap())
    }

    fn balance(&self) -> u128 {
        let args = ["wallet", "balance", &self.workers[0], "--rpc", &self.node.url];
        amount(&self.machine.json(&args)[0]["balance"])
    }

    fn earnings(&self) -> Value {
        let args = ["earnings", &self.workers[0], "--rpc", &self.node.url];
        self.machine.json(&args)
    }

    fn pass(&self, seconds: u64) {
        ask(&self.node, "evm_increaseTime", &json!([seconds]));
        ask(&self.node, "evm_mine", &json!([]));
    }

    fn supply(&self) -> u128 {
        let input = hex::encode_prefixed(Erc20::totalSupplyCall {}.abi_encode());
        let word = ask(&self.node, "eth_call", &json!([{ "to": GRAIN, "input": input }, "latest"]));
        word.as_str().unwrap().parse::<U256>().unwrap().to()
    }

    /// Claims what has vested; returns what was paid, and checks it against the balance.
    fn take(&self) -> u128 {
        let before = self.balance();
        let claimed = self.claim().unwrap();
        let steps = claimed["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 1, "{claimed:#}");
        assert!(steps[0].as_str().unwrap().contains("that have vested"), "{claimed:#}");
        let (after, fee) = (self.balance(), amount(&claimed["fee"]));
        let paid = after + fee - before;
        // It vests by the second, and the block may be some seconds later than the plan.
        let planned = amount(&claimed["claimable"]);
        assert!(0 < planned && planned <= paid, "{paid} {claimed:#}");
        assert!(paid - planned <= planned / 1_000, "{paid} {claimed:#}");
        paid
    }
}

/// Whether one of the steps that were done begins with these words.
fn did(claimed: &Value, words: &str) -> bool {
    let steps = claimed["steps"].as_array().unwrap();
    steps.iter().any(|step| step.as_str().unwrap().starts_with(words))
}

#[test]
fn verified_work_brings_grain_that_vests_and_is_paid() {
    let ledger = Ledger::new();
    ledger.name_referee();
    let referee = ledger.device(REFEREE, &["referee"]);
    let mut train = ledger.start(&["train", "project.toml", "--json", "--account", &ledger.owner]);
    train.until("is open");
    let workers = [ledger.join(1), ledger.join(2)];
    let supply = ledger.supply();
    // While it trains, rounds are claimed, drawn and repeated.
    let mut done = Vec::new();
    for _ in 0..POLLS_MAX {
        done.extend(ledger.claim());
        if done.iter().any(|claimed| did(claimed, "conclude the checks of")) {
            break;
        }
        thread::sleep(Duration::from_millis(500));
    }
    for words in ["have ", "draw the checks of", "conclude the checks of"] {
        assert!(done.iter().any(|claimed| did(claimed, words)), "never `{words}`: {done:#?}");
    }
    assert_report(&train.document(), ROUNDS);
    // After the payout everything is released. It is collected in epoch 0, and burns a part.
    let collected = ledger.claim().unwrap();
    let is_collected = [&done[..], &[collected]].concat();
    assert!(is_collected.iter().any(|claimed| did(claimed, "collect work of")));
    let nothing = ledger.claim().unwrap();
    assert_eq!((&nothing["steps"], &nothing["claimable"]), (&json!([]), &"0".into()));
    drop((referee, workers));

    // The epoch is over: the reward is known, and vests evenly over half a year. The other worker has collected nothing.
    ledger.pass(EPOCH + VESTING / 2);
    let half = ledger.take();
    let shown = ledger.earnings();
    ledger.pass(VESTING);
    let whole = half + ledger.take();
    let nothing = ledger.claim().unwrap();
    assert_eq!((&nothing["steps"], &nothing["claimable"]), (&json!([]), &"0".into()));
    // A little more than half: the epoch was some minutes old when the work was collected.
    let (least, most) = (whole / 2, whole / 2 + whole / 100);
    assert!((least..=most).contains(&half), "{half} of {whole}: {shown:#}");
    // 8 % of the supply a year, in 52 epochs; 70 % of an epoch's is for work, and at most 10 % for its one device.
    let emission = supply * 8 / 100 / 52;
    let (work, most) = (emission * 7 / 10, emission * 8 / 10);
    assert!((work - work / 1_000..=most).contains(&whole), "{whole} is not {work} to {most}");
}
