//! Swaps, pools and positions by the command line.

use std::time::Duration;

use serde_json::Value;

use crate::field::amount;
use crate::support::{Machine, RunningNode};

const GRAIN: &str = "0x6c00000000000000000000000000000000000003";
const ONE: u128 = 1_000_000_000_000_000_000;

/// A ledger with three assets of different decimals, all held by one account.
pub(crate) struct Market {
    pub(crate) machine: Machine,
    pub(crate) node: RunningNode,
    pub(crate) account: String,
}

impl Market {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same, with further flags for its node.
    #[track_caller]
    pub(crate) fn with(flags: &[&str]) -> Self {
        let machine = Machine::new();
        let account = machine.account();
        let fund = format!("{account}=100000");
        let node = machine.node(&[&["--fund", &fund], flags].concat());
        let market = Self { machine, node, account };
        for (symbol, decimals) in [("BAR", "18"), ("OAT", "6"), ("RYE", "0")] {
            market.json(&["asset", "create", symbol, symbol, "--decimals", decimals]);
        }
        for number in ["1", "2", "3"] {
            market.json(&["asset", "mint", number, &market.account, "1000000"]);
        }
        market
    }

    /// Runs a command on the ledger, and returns its document.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.machine.json(&[args, &["--rpc", &self.node.url]].concat())
    }

    /// Runs a command on the ledger, which must fail with these words.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, args: &[&str], parts: &[&str]) {
        let args = [args, &["--rpc", &self.node.url]].concat();
        self.machine.run(&args).assert_fails(code, parts);
    }

    /// What the command prints on stdout.
    #[track_caller]
    pub(crate) fn text(&self, args: &[&str]) -> String {
        let finished = self.machine.run(&[args, &["--rpc", &self.node.url]].concat());
        assert_eq!(finished.code, 0, "{}", finished.stderr);
        finished.stdout
    }

    /// Transactions that the account has sent.
    #[track_caller]
    pub(crate) fn sent(&self) -> u64 {
        let proven = self.json(&["proof", &self.account, "--out", "proof.json"]);
        let nonce = proven["account"]["nonce"].as_str().unwrap().to_owned();
        u64::from_str_radix(nonce.strip_prefix("0x").unwrap(), 16).unwrap()
    }

    #[track_caller]
    fn balance(&self, asset: &str) -> u128 {
        amount(&self.json(&["asset", "balance", asset, &self.account])[0]["balance"])
    }
}

#[test]
fn a_swap_takes_the_best_route_and_pays_at_least_the_minimum() {
    let market = Market::new();
    // Nothing leads to BAR yet.
    market.fails(
        1,
        &["swap", "1", "GRAIN", "BAR", "--yes"],
        &["no pools lead from GRAIN", "hint: "],
    );
    let created = market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    assert_eq!((&created["version"], &created["created"]), (&"v2".into(), &true.into()));
    // Of the first shares, 1,000 units belong to nobody: sqrt(100 * 200) whole shares.
    assert_eq!(amount(&created["done"]["liquidity"]), 141_421_356_237_309_504_880 - 1_000);

    // A dry run needs no key, and changes nothing.
    let sent = market.sent();
    let planned = market.json(&["swap", "1", "GRAIN", "BAR", "--dry-run"]);
    assert_eq!(market.sent(), sent);
    assert_eq!(planned["done"], Value::Null);
    // out = 200 * 0.997 / (100 + 0.997), by the formula of Uniswap v2.
    let quoted = amount(&planned["amount_out"]);
    assert_eq!(quoted, 1_974_316_068_794_122_597);
    assert_eq!(amount(&planned["minimum_out"]), quoted * 9_950 / 10_000);
    assert_eq!(planned["approvals"][0]["amount"], ONE.to_string());
    // 0.997 of 100.997 without the fee, and the fee itself.
    assert!(planned["price_impact"].as_str().unwrap().starts_with("0.009871580"), "{planned:#}");
    assert_eq!(planned["fee_share"], "0.003");
    assert_eq!(planned["route"].as_array().unwrap().len(), 1);

    let before = market.balance("1");
    let swapped = market.json(&["swap", "1", "GRAIN", "BAR", "--yes"]);
    let done = &swapped["done"];
    assert_eq!((amount(&done["paid"]), amount(&done["received"])), (ONE, quoted));
    assert_eq!(market.balance("1"), before + quoted);
    assert_eq!(amount(&done["out_balance"]), before + quoted);
    assert_eq!(done["transactions"].as_array().unwrap().len(), 2, "approval and swap");
    assert!(0 < amount(&done["fee"]) && 0 < done["gas"].as_u64().unwrap());

    // A pool of v3 with more liquidity at the price is better, and is taken.
    let flags = ["--fee", "0.3%", "--range", "1.5..2.5", "--yes"];
    market.json(&[&["pool", "create", "1000", "GRAIN", "1960", "BAR"][..], &flags].concat());
    let better = market.json(&["swap", "1", "GRAIN", "BAR", "--dry-run"]);
    assert_eq!(better["route"][0]["version"], "v3");
    assert!(2 <= better["routes_quoted"].as_u64().unwrap());
    // Exactly 10 BAR, for no more than is shown.
    let before = market.balance("1");
    let bought = market.json(&["swap", "GRAIN", "10", "BAR", "--slippage", "1%", "--yes"]);
    assert_eq!(bought["exact"], "output");
    assert_eq!(market.balance("1"), before + 10 * ONE);
    let (paid, most) = (amount(&bought["done"]["paid"]), amount(&bought["maximum_in"]));
    assert_eq!(most, amount(&bought["amount_in"]) + amount(&bought["amount_in"]) / 100);
    assert!(paid <= most, "{bought:#}");
}

#[test]
fn a_route_leads_through_other_tokens() {
    let market = Market::new();
    market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    market.json(&["pool", "create", "100", "BAR", "50", "OAT", "--yes"]);
    market.json(&["pool", "create", "100", "OAT", "5000", "RYE", "--yes"]);
    let found = market.json(&["swap", "1", "GRAIN", "RYE", "--dry-run"]);
    let route = found["route"].as_array().unwrap();
    let through: Vec<_> = route.iter().map(|hop| hop["token_out"]["symbol"].clone()).collect();
    assert_eq!(through, ["BAR", "OAT", "RYE"]);
    let before = market.balance("3");
    let done = market.json(&["swap", "1", "GRAIN", "RYE", "--yes"]);
    let received = amount(&done["done"]["received"]);
    assert_eq!(received, amount(&found["amount_out"]));
    assert_eq!(market.balance("3"), before + received);
    let text = market.text(&["swap", "1", "GRAIN", "RYE", "--dry-run"]);
    for part in ["GRAIN -> BAR in v2", "OAT -> RYE in v2", "price", "at least", "slippage 0.5%"] {
        assert!(text.contains(part), "{text}");
    }
    // Fractions of a token without decimals, and more than a pool has.
    market.fails(
        1,
        &["swap", "1.5", "RYE", "OAT", "--yes"],
        &["not an amount of RYE", "0 decimals"],
    );
    let all = ["swap", "GRAIN", "5000", "RYE", "--dry-run"];
    market.fails(1, &all, &["none of 1 routes", "can trade 5000 RYE"]);
}

#[test]
fn pools_of_v3_are_chained_in_both_directions() {
    let market = Market::new();
    let open = |words: &[&str], fee: &str| {
        let flags = ["--fee", fee, "--full-range", "--yes"];
        market.json(&[&["pool", "create"], words, &flags].concat());
    };
    open(&["1000", "GRAIN", "2000", "BAR"], "0.05%");
    open(&["2000", "BAR", "500", "OAT"], "1%");
    let swap = ["swap", "GRAIN", "5", "OAT"];
    let bought = market.json(&[&swap[..], &["--approve-unlimited", "--yes"]].concat());
    let route = bought["route"].as_array().unwrap();
    let fees: Vec<_> = route.iter().map(|hop| hop["fee_millionths"].as_u64().unwrap()).collect();
    assert_eq!(fees, [500, 10_000]);
    assert_eq!(bought["done"]["received"], "5000000");
    assert_eq!(bought["done"]["paid"], bought["amount_in"]);
    // Everything is allowed now, so nothing is to be approved.
    let other = "0x00000000000000000000000000000000000000AA";
    let sold = market.json(&["swap", "10", "GRAIN", "OAT", "--recipient", other, "--yes"]);
    assert_eq!(sold["approvals"].as_array().unwrap().len(), 0);
    assert_eq!(sold["done"]["received"], sold["amount_out"]);
    assert_eq!(market.json(&["asset", "balance", "2", other])[0]["balance"], sold["amount_out"]);
    assert_eq!(sold["balances"]["out_before"], sold["balances"]["out_after"]);
}

#[test]
fn a_refused_swap_sends_nothing() {
    let market = Market::new();
    market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    let sent = market.sent();
    fn swap<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["swap", "1", "GRAIN", "BAR"], more].concat()
    }
    // Nobody can answer.
    market.fails(
        1,
        &swap(&[]),
        &["no terminal", "nothing was sent", "hint: ", "--yes", "--dry-run"],
    );
    market.fails(2, &swap(&["--slippage", "50.01%", "--yes"]), &["50.01%", "--force-slippage"]);
    market.fails(1, &["swap", "0", "GRAIN", "BAR", "--yes"], &["amount of GRAIN is 0"]);
    market.fails(1, &["swap", "1", "BAR", "BAR", "--yes"], &["both tokens are BAR"]);
    market.fails(
        1,
        &["swap", "1", "bar", "GRAIN", "--yes"],
        &["no asset has the symbol \"bar\"", "case"],
    );
    let more = ["swap", "1000001", "BAR", "GRAIN", "--yes"];
    market.fails(1, &more, &["999800 BAR", "1000001 BAR", "nothing was sent"]);
    market.fails(2, &["swap", "GRAIN", "BAR", "10"], &["swap 10 GRAIN BAR", "swap GRAIN 10 BAR"]);
    let nobody = "0x00000000000000000000000000000000000000aa";
    market.fails(1, &["swap", "1", "GRAIN", nobody, "--yes"], &["does not answer as an ERC-20"]);
    for slippage in ["0.5", "0.005%", "101%", "-1%"] {
        let all = swap(&["--slippage", slippage, "--rpc", &market.node.url]);
        assert_eq!(market.machine.run(&all).code, 2, "{slippage}");
    }
    assert_eq!(market.sent(), sent);
    // A slippage of 0 is allowed: the price has not moved.
    let done = market.json(&swap(&["--slippage", "0%", "--yes"]));
    assert_eq!(done["minimum_out"], done["amount_out"]);
    assert_eq!(done["done"]["received"], done["amount_out"]);
}

#[test]
fn help_says_which_amount_is_exact() {
    let machine = Machine::new();
    for command in [&["swap"][..], &["pool", "create"], &["pool", "add"], &["price", "report"]] {
        let help = machine.run(&[command, &["--help"]].concat());
        let example = format!("gleaner {} 1", command.join(" "));
        assert!(help.stdout.contains(&example), "{}", help.stdout);
    }
}

#[test]
fn a_symbol_of_two_tokens_is_refused_with_both_addresses() {
    let market = Market::new();
    market.json(&["asset", "create", "Another", "BAR"]);
    market.json(&["asset", "create", "Not the coin", "GRAIN"]);
    let [first, second] = ["1", "4"].map(|number| {
        market.json(&["asset", "show", number])["address"].as_str().unwrap().to_owned()
    });
    let create = ["pool", "create", "1", "GRAIN", "1", "BAR", "--dry-run"];
    market.fails(1, &create, &["2 tokens have the symbol \"BAR\"", &first, &second]);
    // GRAIN is always the ledger's coin, and an address is never ambiguous.
    let planned = market.json(&["pool", "create", "1", "GRAIN", "1", &first, "--dry-run"]);
    assert_eq!(planned["token0"]["address"].as_str().unwrap().to_lowercase(), GRAIN);
    assert_eq!(planned["token1"]["address"], first);
}

#[test]
fn a_deadline_counts_from_the_moment_of_sending() {
    let market = Market::new();
    market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    // Everything is allowed from now on, so that no approval makes a block before the swap.
    market.json(&["swap", "1", "GRAIN", "BAR", "--approve-unlimited", "--yes"]);
    // The ledger is idle for longer than the deadline, which the router must not take for too late.
    std::thread::sleep(Duration::from_secs(12));
    let swapped = market.json(&["swap", "1", "GRAIN", "BAR", "--deadline", "10s", "--yes"]);
    assert_eq!(swapped["done"]["transactions"].as_array().unwrap().len(), 1);
}

#[test]
fn nothing_is_swapped_to_where_it_is_lost() {
    let market = Market::new();
    let created = market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    let sent = market.sent();
    let swap = |recipient: &str, code: i32, part: &str| {
        let all = ["swap", "1", "GRAIN", "BAR", "--recipient", recipient, "--yes"];
        market.fails(code, &all, &[part]);
    };
    swap("0x0000000000000000000000000000000000000000", 2, "nobody has the key");
    swap(GRAIN, 2, "module");
    let bar = market.json(&["asset", "show", "1"])["address"].as_str().unwrap().to_owned();
    swap(&bar, 2, "module");
    swap(created["done"]["pool"].as_str().unwrap(), 1, "a pool or a token of the route");
    assert_eq!(market.sent(), sent);
}

#[test]
fn network_fees_are_kept_back_before_anything_is_paid() {
    let market = Market::new();
    market.json(&["pool", "create", "90000", "GRAIN", "200", "BAR", "--yes"]);
    let planned = market.json(&["swap", "1", "GRAIN", "BAR", "--dry-run"]);
    let held = amount(&planned["balances"]["in_before"]);
    let sent = market.sent();
    // Not even the approval is sent: after it, the balance would be too small for the swap.
    for left in [0, 1] {
        let paid = held - left;
        let paid = format!("{}.{:018}", paid / ONE, paid % ONE);
        let all = ["swap", &paid, "GRAIN", "BAR", "--max-impact", "100%", "--yes"];
        market.fails(1, &all, &["must be left for network fees", "nothing was sent"]);
    }
    assert_eq!(market.sent(), sent);
    // A tenth of a coin is enough.
    let paid = held - ONE / 10;
    let paid = format!("{}.{:018}", paid / ONE, paid % ONE);
    market.json(&["swap", &paid, "GRAIN", "BAR", "--yes"]);
}

#[test]
fn a_large_price_impact_must_be_allowed() {
    let market = Market::new();
    market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    let sent = market.sent();
    let swap = ["swap", "50", "GRAIN", "BAR", "--yes"];
    market.fails(1, &swap, &["the price impact is 33.2", "above 15%", "hint: ", "--max-impact"]);
    assert_eq!(market.sent(), sent);
    market.json(&[&swap[..], &["--max-impact", "34%"]].concat());
}

#[test]
fn what_stays_allowed_is_told_from_the_token() {
    let market = Market::new();
    market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    let exact = market.json(&["swap", "1", "GRAIN", "BAR", "--yes"]);
    assert_eq!(exact["done"]["allowance"], "0");
    let bought = market.json(&["swap", "GRAIN", "1", "BAR", "--slippage", "1%", "--yes"]);
    let left = amount(&bought["maximum_in"]) - amount(&bought["done"]["paid"]);
    assert_eq!(amount(&bought["done"]["allowance"]), left);
    let text = market.text(&["swap", "GRAIN", "1", "BAR", "--approve-unlimited", "--yes"]);
    assert!(text.contains("everything of GRAIN stays allowed for 0x"), "{text}");
}
