//! Governance by the command line: the life of proposals on a development ledger whose time is moved on.

use abi::{TREASURY, WORK_HOUSE, WorkHouse};
use alloy_primitives::{Address, U256, address, hex};
use alloy_sol_types::SolCall as _;
use serde_json::{Value, json};

use crate::field::amount;
use crate::node::ask;
use crate::support::{Machine, RunningNode};

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
}

#[test]
fn a_ledger_without_governance_says_so() {
    let machine = Machine::new();
    let account = machine.account();
    let genesis = json!({
        "chain_id": 77,
        "timestamp": 1_700_000_000,
        "gas_limit": 60_000_000,
        "base_fee": { "initial": 1_000_000_000, "minimum": 1_000_000, "change_denominator": 8, "elasticity": 2 },
        "fee_recipient": format!("0x{:040x}", 0),
        "commitment": 2,
        "revisions": [{ "revision": 2, "height": 0 }],
        "accounts": { account.as_str(): { "balance": "0x3635c9adc5dea00000" } },
    });
    std::fs::write(machine.path("genesis.json"), genesis.to_string()).unwrap();
    let node = machine.node(&["--genesis", "genesis.json"]);
    for args in [&["proposals"][..], &["house", "show"], &["house", "deposit", "1", "--yes"]] {
        let args = [args, &["--rpc", &node.url]].concat();
        machine.run(&args).assert_fails(1, &["no governance yet", "revision 3"]);
    }
}
