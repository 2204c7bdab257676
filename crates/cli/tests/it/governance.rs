//! Governance by the command line: the life of proposals on a development ledger whose time is moved on.

use abi::{GOVERNOR, Governor, TREASURY, WORK_HOUSE, WorkHouse};
use alloy_primitives::{Address, U256, address, hex};
use alloy_sol_types::SolCall as _;
use serde_json::{Value, json};

use crate::field::amount;
use crate::node::ask;
use crate::support::{Machine, RunningNode, genesis};

const ONE: u128 = 1_000_000_000_000_000_000;
const DAY: u64 = 86_400;
/// The only module that mints voice.
const ISSUANCE: Address = address!("0x6c00000000000000000000000000000000000019");

/// A ledger on which one account has most of the deposits, and another one some.
struct Houses {
    machine: Machine,
    node: RunningNode,
    accounts: [String; 2],
}

impl Houses {
    fn new() -> Self {
        let machine = Machine::new();
        let accounts = [(); 2].map(|()| machine.account());
        let funds = accounts.each_ref().map(|account| format!("{account}=20000"));
        let node = machine.node(&["--dev", "--fund", &funds[0], "--fund", &funds[1]]);
        Self { machine, node, accounts }
    }

    fn args<'a>(&'a self, account: usize, args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--rpc", &self.node.url, "--account", &self.accounts[account]]].concat()
    }

    /// Runs a command as an account, and returns its document.
    #[track_caller]
    fn json(&self, account: usize, args: &[&str]) -> Value {
        self.machine.json(&self.args(account, args))
    }

    #[track_caller]
    fn fails(&self, account: usize, args: &[&str], parts: &[&str]) {
        self.machine.run(&self.args(account, args)).assert_fails(1, parts);
    }

    #[track_caller]
    fn show(&self, proposal: &str) -> Value {
        self.machine.json(&["proposals", "show", proposal, "--rpc", &self.node.url])
    }

    #[track_caller]
    fn text(&self, args: &[&str]) -> String {
        let finished = self.machine.run(&[args, &["--rpc", &self.node.url]].concat());
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        finished.stdout
    }

    fn pass(&self, seconds: u64) {
        ask(&self.node, "evm_increaseTime", &json!([seconds]));
        ask(&self.node, "evm_mine", &json!([]));
    }

    /// Sends as an account without a key.
    fn send_as(&self, from: Address, to: Address, input: &[u8]) {
        ask(&self.node, "anvil_setBalance", &json!([from, U256::from(ONE)]));
        ask(&self.node, "anvil_impersonateAccount", &json!([from]));
        let transaction = json!({ "from": from, "to": to, "input": hex::encode_prefixed(input) });
        let hash = ask(&self.node, "eth_sendTransaction", &json!([transaction]));
        let receipt = ask(&self.node, "eth_getTransactionReceipt", &json!([hash]));
        assert_eq!(receipt["status"], "0x1", "{receipt}");
    }

    fn deposit(&self) {
        let deposited = self.json(0, &["house", "deposit", "6000", "--yes"]);
        assert_eq!(amount(&deposited["deposit"]), 6_000 * ONE);
        self.json(1, &["house", "deposit", "2000", "--yes"]);
    }

    /// Gives both accounts the same voice, which is old enough 31 days later.
    fn work(&self) {
        for account in &self.accounts {
            let call = WorkHouse::mintCall {
                account: account.parse().unwrap(),
                work: U256::from(1_u64 << 40),
            };
            self.send_as(ISSUANCE, WORK_HOUSE, &call.abi_encode());
        }
        self.pass(31 * DAY);
        for account in 0..2 {
            let matured = self.json(account, &["house", "mature", "--yes"]);
            assert!(amount(&matured["matured"]) > 0, "{matured:#}");
        }
    }
}

const FLOOR: &str = "training-runs.audit-rate-floor";

/// A parameter's value.
fn value(houses: &Houses, name: &str) -> String {
    let all = houses.machine.json(&["proposals", "parameters", "--rpc", &houses.node.url]);
    let all = all.as_array().unwrap();
    let found = all.iter().find(|parameter| parameter["name"] == name).unwrap();
    found["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_routine_proposal_passes_by_itself_and_a_brake_delays_it() {
    let houses = Houses::new();
    houses.deposit();
    let set = format!("{FLOOR}=700");
    let propose = ["propose", "--set", &set, "--title", "Audit more", "--description", "Why not"];
    let propose = [&propose[..], &["--yes"]].concat();
    // Votes of 7 days ago count, and there were none.
    houses.fails(0, &propose, &["has 0 votes: a proposal needs"]);
    houses.pass(8 * DAY);
    houses.fails(0, &["propose", "--description", "Nothing", "--yes"], &["does nothing", "hint: "]);
    let high = format!("{FLOOR}=9000");
    let too_high = ["propose", "--set", &high, "--description", "x", "--yes"];
    houses.fails(0, &too_high, &["would be 9000 basis points: give 500 to 5000"]);
    let unknown = ["propose", "--set", "no.such=1", "--description", "x", "--yes"];
    houses.fails(0, &unknown, &["there is no parameter", "hint: gleaner proposals parameters"]);

    let planned = houses.json(0, &[&propose[..propose.len() - 1], &["--dry-run"]].concat());
    assert_eq!((&planned["class"], &planned["may_propose"]), (&"routine".into(), &true.into()));
    assert_eq!(planned["effect"]["succeeds"], true);
    let call = format!("set(key: {FLOOR}, value: 700)");
    assert_eq!(planned["calls"][0]["call"], call.as_str());
    assert_eq!(planned["calls"][0]["module"], "Parameters");
    let event = format!("Parameters.Changed(key: {FLOOR}, before: 500, value: 700)");
    assert_eq!(planned["effect"]["events"], json!([event]));
    let posted = houses.json(0, &propose);
    assert_eq!(posted["number"], 1);
    houses.pass(60);

    let shown = houses.show("1");
    assert_eq!((&shown["state"], &shown["title"]), (&"active".into(), &"Audit more".into()));
    assert_eq!(shown["description"], "# Audit more\n\nWhy not");
    assert_eq!(houses.show(posted["id"].as_str().unwrap())["number"], 1);
    let missing = houses.machine.run(&["proposals", "show", "2", "--rpc", &houses.node.url]);
    missing.assert_fails(1, &["proposal 2 does not exist", "has 1", "hint: gleaner proposals"]);
    houses.fails(0, &["queue", "1", "--yes"], &["its vote ends in"]);

    // A vote shows what it would count and lock before it is cast.
    let planned = houses.json(1, &["vote", "1", "yes", "--dry-run"]);
    assert_eq!(amount(&planned["stake_votes"]), 2_000 * ONE);
    assert!(planned["locked_until"].as_u64().unwrap() > shown["deadline"].as_u64().unwrap());
    let voted = houses.json(1, &["vote", "1", "yes", "--reason", "Because", "--yes"]);
    assert_eq!(amount(&voted["stake_votes"]), 2_000 * ONE);
    houses.fails(1, &["vote", "1", "no", "--yes"], &["would be refused", "has voted already"]);
    houses.fails(1, &["house", "withdraw", "all", "--yes"], &["the deposit has voted"]);
    assert_eq!(amount(&houses.show("1")["stake"]["yes"]), 2_000 * ONE);

    houses.pass(5 * DAY);
    let queued = houses.json(1, &["queue", "1", "--yes"]);
    assert_eq!(queued["state"], "queued");
    houses.fails(1, &["execute", "1", "--yes"], &["can be executed in "]);
    // 1 % of the supply of 140,100 GRAIN.
    let braked = houses.json(0, &["brake", "lock", "1", "1500", "--yes"]);
    assert_eq!(braked["delay_seconds"].as_u64().unwrap() / DAY, 5);
    let brake = houses.machine.json(&["brake", "show", "1", "--rpc", &houses.node.url]);
    assert_eq!(amount(&brake["locks"][0]["amount"]), 1_500 * ONE);
    houses.fails(0, &["brake", "release", "1", "--yes"], &["can be released in"]);
    houses.pass(3 * DAY);
    houses.fails(1, &["execute", "1", "--yes"], &["because the brake delays it"]);
    houses.pass(5 * DAY);
    assert_eq!(value(&houses, FLOOR), "500");
    let executed = houses.json(1, &["execute", "1", "--yes"]);
    assert_eq!(executed["state"], "executed");
    assert_eq!(value(&houses, FLOOR), "700");
    houses.pass(80 * DAY);
    houses.json(0, &["brake", "release", "1", "--yes"]);
    let text = houses.text(&["proposals"]);
    assert!(text.contains("executed") && text.contains("Audit more"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

/// The votes on the first proposal are counted again from a proof, by who trusts only a block's hash.
fn check_proof(houses: &Houses) {
    let file = houses.machine.path("votes.json");
    let file = file.to_str().unwrap();
    let url = houses.node.url.as_str();
    let made = houses.machine.json(&["proposals", "prove", "1", "--out", file, "--rpc", url]);
    let hash = made["block_hash"].as_str().unwrap();
    let verify = ["proposals", "verify", "1", file, "--block-hash", hash];
    let counted = houses.machine.json(&verify);
    let shown = houses.show("1");
    for house in ["stake", "work"] {
        for votes in ["yes", "no", "abstain", "total"] {
            assert_eq!(counted[house][votes], shown[house][votes], "{house} {votes}");
        }
    }
    assert!(amount(&counted["stake"]["yes"]) > 0 && amount(&counted["stake"]["abstain"]) > 0);
    assert_eq!((&counted["state"], &counted["id"]), (&shown["state"], &shown["id"]));
    assert_eq!(counted["decision"], shown["decision"]);

    let other = format!("0x{}", "11".repeat(32));
    let untrusted = ["proposals", "verify", "1", file, "--block-hash", &other];
    houses.machine.run(&untrusted).assert_fails(1, &["is invalid", hash, &other]);
    let second = ["proposals", "verify", "2", file, "--block-hash", hash];
    houses.machine.run(&second).assert_fails(1, &["proves something else", "has no slot"]);
    let text = std::fs::read_to_string(file).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    for index in 0..document["slots"].as_array().unwrap().len() {
        let mut tampered = document.clone();
        tampered["slots"][index]["value"] = "0x3039".into();
        std::fs::write(file, tampered.to_string()).unwrap();
        houses.machine.run(&verify).assert_fails(1, &["is invalid"]);
        let mut left_out = document.clone();
        left_out["slots"].as_array_mut().unwrap().remove(index);
        std::fs::write(file, left_out.to_string()).unwrap();
        houses.machine.run(&verify).assert_fails(1, &["has no slot"]);
    }
}

/// Votes are measured as holdings are, now and at an earlier block.
fn check_measures(houses: &Houses) {
    let measure = |args: &[&str]| {
        houses.machine.json(&[&["measure", "--rpc", &houses.node.url], args].concat())
    };
    let now = measure(&["--house", "stake"]);
    assert_eq!((&now["count"], &now["nakamoto"]["1/2"]), (&2.into(), &1.into()), "{now:#}");
    assert_eq!(now["top1"], 0.75);
    let first = measure(&["--house", "stake", "--height", "1"]);
    assert_eq!(first["count"], 1, "the second account had deposited nothing yet");
    assert_eq!(measure(&["--house", "work"])["top1"], 0.5);
    let series = measure(&["--house", "stake", "--since", "1", "--points", "2"])["points"].clone();
    assert_eq!((&series[0]["count"], &series[1]["top1"]), (&1.into(), &0.75.into()), "{series:#}");
    let cast = measure(&["--house", "stake", "--proposal", "1"]);
    assert_eq!((&cast["count"], &cast["gini"]), (&now["count"], &now["gini"]));
    let none = ["measure", "--house", "stake", "--proposal", "9", "--rpc", &houses.node.url];
    houses.machine.run(&none).assert_fails(1, &["had no proposal 9"]);
    let high = ["measure", "--house", "stake", "--height", "99999", "--rpc", &houses.node.url];
    houses.machine.run(&high).assert_fails(1, &["the ledger is at block"]);
}

#[test]
fn both_houses_vote_on_what_the_treasury_pays() {
    let houses = Houses::new();
    houses.deposit();
    houses.work();
    let to = &houses.accounts[1];
    ask(&houses.node, "anvil_setBalance", &json!([TREASURY, U256::from(10_000 * ONE)]));
    houses.pass(8 * DAY);
    // Calls that can't be made are not posted by mistake.
    let too_much = ["propose", "--grant", to, "9000", "--description", "All of it", "--yes"];
    houses.fails(0, &too_much, &["could not be executed", "budget", "hint: ", "--force"]);
    let planned = houses.json(
        0,
        &["propose", "--grant", to, "9000", "--beyond-budget", "--description", "x", "--dry-run"],
    );
    assert_eq!(planned["class"], "constitutional");

    let steering = "Pay\u{1b}[2J for work";
    let pay = ["propose", "--grant", to, "100", "--description", steering, "--yes"];
    let posted = houses.json(0, &pay);
    // Ordinary, or constitutional while a breaker is tripped: with two holders one is.
    assert_ne!(posted["class"], "routine");
    assert_eq!(
        posted["calls"][0]["call"],
        format!("grant(token: GRAIN, to: {to}, amount: 100 GRAIN)")
    );
    let balances = posted["effect"]["balances"].as_array().unwrap();
    let change = |of: &str| {
        let found = balances.iter().find(|balance| balance["account"] == of);
        found.unwrap_or_else(|| panic!("{posted:#}"))["change"].clone()
    };
    assert_eq!(change(to), (100 * ONE).to_string());
    assert_eq!(change(&TREASURY.to_checksum(None)), format!("-{}", 100 * ONE));
    houses.fails(0, &["vote", "1", "yes", "--yes"], &["has not begun"]);
    houses.fails(1, &["proposals", "cancel", "1", "--yes"], &["can't cancel"]);
    houses.pass(DAY + 60);
    assert_eq!(houses.show("1")["title"], "Pay\u{fffd}[2J for work");
    let shown = houses.text(&["proposals", "show", "1"]);
    assert!(shown.contains("if it were executed now, all calls would succeed"), "{shown}");

    // The second account lets the first one vote for its stake.
    houses.fails(0, &["house", "expire", to, "--yes"], &["has not delegated"]);
    let delegated = houses.json(1, &["delegate", &houses.accounts[0], "--yes"]);
    assert_eq!(amount(&delegated["votes"]), 2_000 * ONE);
    let measured = houses.machine.json(&["measure", "--house", "stake", "--rpc", &houses.node.url]);
    // Received votes count up to 3 % of the house.
    let voter = &measured["delegation"][0];
    assert_eq!((&voter["votes"], &voter["own"]), (&"6240".into(), &"6000".into()));
    assert_eq!((&voter["amplification"], &measured["delegation"][1]), (&1.04.into(), &Value::Null));
    let held = houses.machine.json(&["house", "show", to, "--rpc", &houses.node.url]);
    let member = &held["stake"]["members"][0];
    assert_eq!((amount(&member["held"]), amount(&member["votes"])), (2_000 * ONE, 0));
    assert_eq!(member["delegate"], houses.accounts[0].as_str());
    assert_eq!(held["stake"]["delegates_above_half"], json!([1, 1]));
    houses.fails(0, &["house", "expire", to, "--yes"], &["can be ended in "]);
    houses.fails(1, &["delegate", &houses.accounts[0], "--yes"], &["votes for you already"]);
    houses.json(1, &["delegate", "self", "--yes"]);

    let voted = houses.json(0, &["vote", "1", "yes", "--yes"]);
    assert!(amount(&voted["work_votes"]) > 0);
    houses.json(1, &["vote", "1", "abstain", "--yes"]);
    check_proof(&houses);
    check_measures(&houses);
    let decision = &houses.show("1")["decision"];
    assert_eq!((&decision["passes"], &decision["number"]), (&true.into(), &1.into()));
    houses.pass(10 * DAY);
    houses.json(1, &["queue", "1", "--yes"]);
    houses.pass(16 * DAY + 60);
    let before = amount(
        &houses.machine.json(&["wallet", "balance", to, "--rpc", &houses.node.url])[0]["balance"],
    );
    houses.json(0, &["execute", "1", "--yes"]);
    let after = amount(
        &houses.machine.json(&["wallet", "balance", to, "--rpc", &houses.node.url])[0]["balance"],
    );
    assert_eq!(after - before, 100 * ONE);
    assert_eq!(houses.show("1")["settled"], true);
    check_alarms(&houses);
}

/// One account of two has three quarters of the stake, and has voted otherwise than the other one; both have the same voice.
fn check_alarms(houses: &Houses) {
    let measure = |args: &[&str]| {
        houses.machine.json(&[&["measure", "--rpc", &houses.node.url], args].concat())
    };
    let stake = measure(&["--house", "stake"])["alarms"].clone();
    let [blocs, decisive] = stake.as_array().unwrap().as_slice() else { panic!("{stake:#}") };
    assert_eq!(blocs["figure"], "voting_bloc_entropy_bits");
    let bits = -(0.75_f64).log2();
    assert!((blocs["value"].as_f64().unwrap() - bits).abs() < 1e-9, "{blocs:#}");
    assert_eq!((&blocs["is_raised"], &decisive["is_raised"]), (&true.into(), &true.into()));
    assert_eq!((&decisive["value"], &decisive["bound"]), (&1.0.into(), &0.5.into()));
    let work = measure(&["--house", "work"])["alarms"][0].clone();
    assert_eq!((&work["value"], &work["is_raised"]), (&1.0.into(), &false.into()));
    assert_eq!(measure(&["--house", "stake", "--proposal", "1"])["alarms"], json!([]));
    assert_eq!(measure(&["--house", "stake", "--height", "1"])["alarms"], json!([]));
    let of = |args: &[&str]| {
        let rpc = ["--rpc", &houses.node.url];
        houses.machine.json(&[["measure"].as_slice(), args, rpc.as_slice()].concat())
    };
    let attack = |confidence: &str| {
        let words = ["attack", "--house", "stake", "--turnout", "100%", "--bribe", "0.5"];
        of(&[&words, &["--confidence", confidence][..]].concat())
    };
    // To be sure against both it takes more than they have, so nobody could sell it.
    let sure = attack("100%");
    assert_eq!((&sure["count"], &sure["share_needed"]), (&2.into(), &1.0.into()));
    assert_eq!((&sure["holders_needed"], &sure["cost"]), (&Value::Null, &Value::Null));
    // In three of four cases the smaller one at least is for it: then half of everything and a unit is enough, which the larger one has.
    let likely = attack("60%");
    assert_eq!(likely["share_needed"], 0.5);
    assert_eq!(
        (&likely["needed"], &likely["total"]),
        (&"4000.000000000000000001".into(), &"8000".into())
    );
    assert_eq!((&likely["holders_needed"], &likely["cost"]), (&1.into(), &"3000".into()));
    let process = of(&["process"]);
    assert_eq!((&process["proposals"], &process["proposers"]), (&1.into(), &1.into()));
    assert_eq!((&process["opposed"], &process["median_margin"]), (&0.0.into(), &1.0.into()));
    assert_eq!(process["median_notice_seconds"], DAY);
    let text = houses.text(&["measure", "--house", "stake"]);
    assert!(text.contains("ALARM: entropy of blocs over the 1 newest votes"), "{text}");
}

#[test]
fn a_vote_schedules_a_revision_of_the_rules_and_another_withdraws_it() {
    let houses = Houses::new();
    houses.deposit();
    houses.work();
    houses.pass(8 * DAY);
    let listed = || houses.machine.json(&["proposals", "revisions", "--rpc", &houses.node.url]);
    let before = listed();
    let least = before["least"].as_u64().unwrap();
    let known = before["known"].as_u64().unwrap();
    let (next, height) = (known + 1, least + 1_000);
    let founding = json!([
        { "revision": known, "height": 0, "by": "genesis file", "has_begun": true },
    ]);
    assert_eq!(before["activations"], founding);
    // What can't be is refused before anything is posted.
    let propose = |houses: &Houses, wanted: &str, parts: &[&str]| {
        let args = ["propose", "--revision", wanted, "--description", wanted, "--yes"];
        houses.fails(0, &args, parts);
    };
    propose(&houses, &format!("{next}=9"), &["would begin at height 9", &least.to_string()]);
    propose(&houses, &format!("{next}=never"), &["no vote has scheduled"]);
    propose(&houses, &format!("{next}=soon"), &["\"soon\" is not a height"]);
    let old = format!("{known}={height}");
    propose(&houses, &old, &["could not be executed", "must both rise", "--force"]);

    let decide = |number: u64, wanted: &str, call: &str, event: &str| {
        let args = ["propose", "--revision", wanted, "--description", wanted, "--yes"];
        let posted = houses.json(0, &args);
        assert_eq!(posted["class"], "constitutional");
        assert_eq!(posted["calls"][0]["module"], "Revisions");
        assert_eq!(posted["calls"][0]["call"], call);
        assert_eq!(posted["effect"]["events"], json!([event]));
        let number = number.to_string();
        houses.pass(DAY + 60);
        for account in 0..2 {
            houses.json(account, &["vote", &number, "yes", "--yes"]);
        }
        houses.pass(10 * DAY);
        houses.json(1, &["queue", &number, "--yes"]);
        houses.pass(16 * DAY + 60);
        houses.json(1, &["execute", &number, "--yes"]);
    };
    let call = format!("schedule(revision: {next}, height: {height})");
    let event = format!("Revisions.Scheduled(revision: {next}, height: {height})");
    decide(1, &format!("{next}={height}"), &call, &event);
    let scheduled =
        json!({ "revision": next, "height": height, "by": "proposal", "has_begun": false });
    assert_eq!(listed()["activations"], json!([founding[0], scheduled]));
    let text = houses.text(&["proposals", "revisions"]);
    assert!(text.contains("no: install a newer gleaner"), "{text}");
    // It moves by another vote; one later block than it was is enough.
    let call = format!("reschedule(revision: {next}, height: {})", height + 1);
    let event = format!(
        "Revisions.Rescheduled(revision: {next}, before: {height}, height: {})",
        height + 1
    );
    decide(2, &format!("{next}={}", height + 1), &call, &event);
    let event = format!("Revisions.Canceled(revision: {next}, height: {})", height + 1);
    decide(3, &format!("{next}=never"), &format!("cancel(revision: {next})"), &event);
    assert_eq!(listed()["activations"], founding);
}

/// Names both accounts as holders of ballot keys, as a vote would, and proposes a grant.
fn propose_sealed(houses: &Houses) {
    let holders = houses.accounts.iter().map(|account| account.parse().unwrap()).collect();
    let call = Governor::setBallotKeyHoldersCall { holders, threshold: 2 };
    houses.send_as(GOVERNOR, GOVERNOR, &call.abi_encode());
    ask(&houses.node, "anvil_setBalance", &json!([TREASURY, U256::from(10_000 * ONE)]));
    houses.pass(8 * DAY);
    let to = &houses.accounts[1];
    houses.json(0, &["propose", "--grant", to, "100", "--description", "Pay", "--yes"]);
}

#[test]
fn sealed_ballots_are_opened_with_the_holders_keys_or_ones_own() {
    let houses = Houses::new();
    houses.deposit();
    houses.work();
    propose_sealed(&houses);
    houses.fails(0, &["ballots", "publish", "1", "--yes"], &["are not sealed"]);
    for account in 0..2 {
        let posted = houses.json(account, &["ballots", "keys", "1", "--yes"]);
        assert!(posted["public_key"].as_str().unwrap().starts_with("0x"), "{posted:#}");
    }
    houses.fails(0, &["ballots", "keys", "1", "--yes"], &["is there already"]);
    houses.pass(DAY + 60);
    houses.fails(0, &["ballots", "publish", "1", "--yes"], &["ballots are opened after it"]);
    houses.fails(0, &["vote", "1", "yes", "--reason", "x", "--yes"], &["would tell your vote"]);
    let planned = houses.json(0, &["vote", "1", "yes", "--dry-run"]);
    assert_eq!((&planned["sealed"], planned["choice"].as_str()), (&true.into(), Some("yes")));
    for (account, choice) in [(0, "yes"), (1, "no")] {
        let voted = houses.json(account, &["vote", "1", choice, "--yes"]);
        assert!(amount(&voted["stake_votes"]) > 0, "{voted:#}");
        let inputs = voted["done"]["transactions"].to_string();
        assert!(inputs.contains("sealed"), "{inputs}");
    }
    houses.fails(1, &["vote", "1", "yes", "--yes"], &["has voted already"]);
    let shown = houses.show("1");
    assert_eq!((amount(&shown["stake"]["yes"]), amount(&shown["stake"]["no"])), (0, 0));
    assert_eq!(
        (&shown["sealing"]["ballots"], &shown["decision"]["number"]),
        (&2.into(), &12.into())
    );
    houses.fails(0, &["ballots", "open", "1", "--yes"], &["ballots are opened after it"]);
    houses.pass(7 * DAY);
    assert_eq!(houses.show("1")["state"], "active");
    houses.fails(0, &["vote", "1", "yes", "--yes"], &["its ballots are being opened"]);

    // One key is too few for anybody but the voter.
    houses.json(1, &["ballots", "publish", "1", "--yes"]);
    let opened = houses.json(0, &["ballots", "open", "1", "--yes"]);
    assert_eq!(opened["opened"], 1);
    let shown = houses.show("1");
    assert_eq!((amount(&shown["stake"]["yes"]), amount(&shown["stake"]["no"])), (6_000 * ONE, 0));
    houses.fails(0, &["ballots", "open", "1", "--yes"], &["no ballot of proposal 1 can be opened"]);
    houses.json(0, &["ballots", "publish", "1", "--yes"]);
    houses.fails(0, &["ballots", "publish", "1", "--yes"], &["is published already"]);
    let opened = houses.json(0, &["ballots", "open", "1", "--yes"]);
    assert_eq!(opened["opened"], 1, "the other's, with both keys");
    let shown = houses.show("1");
    assert_eq!(amount(&shown["stake"]["no"]), 2_000 * ONE);
    assert_ne!(shown["state"], "active", "all is open");
    let text = houses.text(&["ballots", "show", "1"]);
    assert!(text.contains("2 of 2") && text.contains("key published"), "{text}");
    houses.fails(0, &["ballots", "open", "1", "--yes"], &["the opening of proposal 1 is over"]);
}

/// A house that sleeps twice is replaced by a jury.
#[test]
fn a_jury_is_registered_summoned_drawn_and_votes() {
    let houses = Houses::new();
    houses.json(0, &["house", "deposit", "6000", "--yes"]);
    houses.work();
    let registered = houses.json(0, &["jury", "register", "stake", "--yes"]);
    assert_eq!(amount(&registered["weight"]), 6_000 * ONE);
    houses.fails(0, &["jury", "admit", "stake", "--yes"], &["can be admitted from"]);
    houses.pass(30 * DAY);
    houses.json(0, &["jury", "admit", "stake", "--yes"]);
    for number in ["1", "2"] {
        let target = format!("0x{}", "77".repeat(20));
        let propose = ["propose", "--call", &target, "0x", "--description", number, "--yes"];
        houses.json(1, &propose);
        houses.pass(DAY + 60);
        // The work house votes, and nobody of the stake house.
        houses.json(1, &["vote", number, "yes", "--yes"]);
        houses.pass(8 * DAY);
        if number == "1" {
            houses.fails(1, &["jury", "summon", "1", "--yes"], &[]);
            houses.json(1, &["proposals", "settle", "1", "--yes"]);
        }
    }
    assert_eq!(houses.show("2")["decision"]["number"], 6);
    houses.fails(0, &["jury", "vote", "2", "yes", "--yes"], &["proposal 2 has no jury"]);
    houses.json(1, &["jury", "summon", "2", "--yes"]);
    let drawn = houses.json(1, &["jury", "draw", "2", "--yes"]);
    assert_eq!(drawn["seats_drawn"], 201);
    houses.fails(1, &["jury", "vote", "2", "no", "--yes"], &["you have no seat"]);
    houses.fails(0, &["jury", "reveal", "2", "yes", "--yes"], &["you have not voted"]);
    houses.json(0, &["jury", "vote", "2", "yes", "--yes"]);
    houses.fails(0, &["jury", "reveal", "2", "yes", "--yes"], &["something else now"]);
    houses.pass(3 * DAY + 60);
    houses.fails(0, &["jury", "reveal", "2", "no", "--yes"], &["not what the account committed"]);
    houses.json(0, &["jury", "reveal", "2", "yes", "--yes"]);
    let url = houses.node.url.as_str();
    let of = houses.accounts[0].as_str();
    let shown = houses.machine.json(&["jury", "show", "2", "--of", of, "--rpc", url]);
    assert_eq!((&shown["panel"]["yes"], &shown["seats"][0]["shown"]), (&201.into(), &true.into()));
    houses.pass(2 * DAY + 60);
    let shown = houses.machine.json(&["jury", "show", "2", "--rpc", url]);
    assert_eq!(shown["panel"]["verdict"], "yes");
    assert_eq!(houses.show("2")["state"], "succeeded");
    check_jury_proof(&houses);
}

/// The proof of a verdict takes an earlier one along, in which is what the jury was drawn from.
fn check_jury_proof_with_an_earlier_one(houses: &Houses, earlier: &str) {
    ask(&houses.node, "anvil_mine", &json!(["0x10"]));
    let late = houses.machine.path("late.json");
    let late = late.to_str().unwrap();
    let prove = ["proposals", "prove", "2", "--earlier", earlier, "--out", late];
    let made = houses.machine.json(&[&prove[..], &["--rpc", &houses.node.url]].concat());
    let hash = made["block_hash"].as_str().unwrap();
    let verify = ["proposals", "verify", "2", late, "--block-hash", hash];
    assert_eq!(houses.machine.json(&verify)["jury_is_proven"], true);
}

/// The jury of the second proposal is found again from a proof, by who trusts only a block's hash: its draw, its votes, its verdict.
fn check_jury_proof(houses: &Houses) {
    let file = houses.machine.path("jury.json");
    let file = file.to_str().unwrap();
    let made = ["proposals", "prove", "2", "--out", file, "--rpc", &houses.node.url];
    let made = houses.machine.json(&made);
    let hash = made["block_hash"].as_str().unwrap();
    let verify = ["proposals", "verify", "2", file, "--block-hash", hash];
    let found = houses.machine.json(&verify);
    assert_eq!(found, made);
    assert_eq!(found["jury_is_proven"], true);
    assert_eq!(found["state"], "succeeded");
    assert_eq!(found["decision"], houses.show("2")["decision"]);
    let jury = &found["jury"];
    assert_eq!(
        (&jury["verdict"], &jury["yes"], &jury["no"]),
        (&"yes".into(), &201.into(), &0.into())
    );
    assert_eq!(
        (&jury["votes_counted_again"], &jury["seats_drawn_again"]),
        (&201.into(), &201.into())
    );
    let text = houses.machine.run(&verify).stdout;
    assert!(text.contains("201 of 201 seats drawn again by block"), "{text}");

    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let refused = |tamper: &dyn Fn(&mut Value), parts: &[&str]| {
        let mut tampered = document.clone();
        tamper(&mut tampered["jury"]);
        std::fs::write(file, tampered.to_string()).unwrap();
        houses.machine.run(&verify).assert_fails(1, parts);
    };
    refused(&|jury| jury["jurors"] = json!([]), &["have 0 of 201 seats: some are left out"]);
    refused(&|jury| jury["jurors"][0]["shown"]["isYes"] = false.into(), &["did not commit to"]);
    refused(&|jury| jury["state"][0]["slots"][0]["value"] = "0x3039".into(), &["is invalid"]);
    refused(&|jury| jury["state"] = json!([]), &["has no slot"]);
    let header = |jury: &mut Value| drop(jury["draw"]["headers"].as_array_mut().unwrap().pop());
    refused(&header, &["the draw is that of block"]);
    refused(&|jury| jury["draw"]["headers"][0] = "0xc0".into(), &["header 0 has the hash"]);
    refused(&|jury| jury["draw"]["state"][0]["slots"][0]["value"] = "0x1".into(), &["is invalid"]);
    refused(&|jury| drop(jury["draw"]["state"].as_array_mut().unwrap().pop()), &["has no slot"]);
    // Whoever trusts the hash of the block that drew them needs no headers.
    let mut short = document.clone();
    short["jury"]["draw"]["headers"] = json!([]);
    std::fs::write(file, short.to_string()).unwrap();
    let found = houses.machine.json(&verify);
    assert_eq!(
        (&found["jury_is_proven"], &found["jury"]["seats_drawn_again"]),
        (&false.into(), &0.into())
    );
    let drawn = short["jury"]["draw"]["state"][0]["blockHash"].as_str().unwrap();
    let found = houses.machine.json(&[&verify[..], &["--draw-hash", drawn]].concat());
    assert_eq!((&found["jury_is_proven"], &found["jury"]), (&true.into(), jury));
    let other = [&verify[..], &["--draw-hash", hash]].concat();
    houses.machine.run(&other).assert_fails(1, &["proof of the draw is invalid"]);
    check_jury_proof_with_an_earlier_one(houses, file);
    // Less is said, not something else, where a part is missing.
    let mut lesser = document.clone();
    lesser["jury"]["draw"] = Value::Null;
    lesser["jury"]["jurors"][0]["shown"] = Value::Null;
    std::fs::write(file, lesser.to_string()).unwrap();
    let found = houses.machine.json(&verify);
    assert_eq!((&found["jury_is_proven"], &found["state"]), (&false.into(), &"succeeded".into()));
    let jury = &found["jury"];
    assert_eq!(
        (&jury["votes_not_counted_again"], &jury["seats_drawn_again"]),
        (&201.into(), &0.into())
    );
}

#[test]
fn nothing_is_due_to_who_has_done_no_work() {
    let houses = Houses::new();
    let claimed = houses.json(0, &["claim", "--yes"]);
    assert_eq!((&claimed["steps"], &claimed["claimable"]), (&json!([]), &"0".into()));
    let waiting = houses.json(0, &["claim", "7", "--yes"])["waiting"][0].clone();
    assert!(waiting.as_str().unwrap().contains("project 7 is not registered for rewards"));
}

#[test]
fn a_ledger_without_governance_says_so() {
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node_of(&genesis(&[(2, 0)], &[account]), &[]);
    for args in [&["proposals"][..], &["house", "show"], &["house", "deposit", "1", "--yes"]] {
        let args = [args, &["--rpc", &node.url]].concat();
        machine.run(&args).assert_fails(1, &["no governance yet", "revision 3"]);
    }
}
