//! `gleaner measure`, of tables and of ledgers.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use abi::{
    GOVERNOR, NonfungiblePositionManager, UNISWAP_V2_FACTORY, UNISWAP_V3_POSITIONS,
    UniswapV2Factory, UniswapV3Pool, WRAPPED_GRAIN, WrappedGrain,
};
use alloy_primitives::{Address, Bytes, U256, address, aliases::I24, hex};
use alloy_sol_types::SolCall as _;
use serde_json::{Value, json};

use crate::node::ask;
use crate::support::{Finished, Machine};
use crate::swap::Market;

const OTHER: &str = "0x00000000000000000000000000000000000000AA";

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/concentration")
}

fn of_data(name: &str) -> String {
    data().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_table_is_measured_and_drawn() {
    let machine = Machine::new();
    let file = of_data("solana/validators_epoch860.csv");
    let args = ["measure", "--csv", &file, "--value", "active_stake_lamports"];
    let report = machine.json(&args);
    assert_eq!(report["count"], 962);
    assert_eq!(report["nakamoto"], serde_json::json!({ "1/2": 44, "1/3": 20, "2/3": 88 }));
    let text = |key: &str, digits: usize| format!("{:.digits$}", report[key].as_f64().unwrap());
    assert_eq!(text("gini", 6), "0.761396");
    assert_eq!(text("hhi", 4), "88.9644");
    assert_eq!(text("entropy_bits", 6), "7.985847");
    assert_eq!((text("top1", 6), text("top10", 6)), ("0.033361".to_owned(), "0.227820".to_owned()));

    let by = ["--by", "country", "--subsystem", "asn", "--subsystem", "software_client:1/2"];
    let drawn = machine.path("power.svg");
    let svg = ["--svg", drawn.to_str().unwrap(), "--threshold", "0.66"];
    let report = machine.json(&[args.as_slice(), &by, &svg].concat());
    assert_eq!((&report["count"], &report["nakamoto"]["1/3"]), (&40.into(), &2.into()));
    assert_eq!(report["weakest"], "software_client");
    assert_eq!(report["nakamoto_at_least"]["33/50"], 4);
    assert!(fs::read_to_string(drawn).unwrap().starts_with("<svg"));
    let text = machine.run(&[args.as_slice(), &by].concat());
    assert!(text.stdout.contains("weakest: software_client"), "{}", text.stdout);

    let drawn = machine.path("series.svg");
    let over = ["--over", "country", "--by", "asn", "--svg", drawn.to_str().unwrap()];
    let series = machine.json(&[args.as_slice(), &over].concat());
    assert_eq!((&series["over"], &series["unit"]), (&"country".into(), &"asn".into()));
    // One of the 40 countries is that of the rows without one: here they have no time.
    assert_eq!(series["points"].as_array().unwrap().len(), 39);
    assert!(series["empty_rows"].as_u64().unwrap() > 0);
    assert!(fs::read_to_string(drawn).unwrap().starts_with("<svg"));
    machine
        .run(&[args.as_slice(), &["--over", "none"]].concat())
        .assert_fails(1, &["no column \"none\"", "hint:"]);
    // A series has no power: what asks for it is refused, not left out.
    for power in [["--quota", "2/3"], ["--turnout", "10%"], ["--quorum", "4%"]] {
        let asked = machine.run(&[args.as_slice(), &["--over", "country"], &power].concat());
        asked.assert_fails(2, &["--over", power[0]]);
    }
}

#[test]
fn published_values_are_printed_beside_ours() {
    let machine = Machine::new();
    let folder = data();
    let comparison = machine.json(&["measure", "reference", folder.to_str().unwrap()]);
    assert_eq!(comparison["unexplained"], 0);
    assert!(comparison["compared"].as_u64().unwrap() > 400);
    let text = machine.run(&["measure", "reference", folder.to_str().unwrap()]).stdout;
    assert!(text.contains("figures are the same") && !text.contains("DIFFERS"), "{text}");
    machine
        .run(&["measure", "reference", "."])
        .assert_fails(1, &["none of the data sets", "hint:"]);
}

#[test]
fn a_takeover_in_a_table_of_ballots_raises_the_alarm() {
    let machine = Machine::new();
    let file = of_data("beanstalk/bip_votes.csv");
    let args = ["measure", "votes", &file, "--vote", "bip", "--weight", "vp", "--last", "3"];
    let replay = machine.json(&args);
    let raised = |vote: &Value| {
        let alarms = vote["alarms"].as_array().unwrap();
        alarms.iter().map(|alarm| alarm["is_raised"].as_bool().unwrap()).collect::<Vec<_>>()
    };
    let found: Vec<_> = replay["votes"].as_array().unwrap().iter().map(raised).collect();
    assert_eq!(found, [[false, false], [true, true], [true, true]]);
    let text = machine.run(&args).stdout;
    assert!(text.contains("alarms raised after 2 of 3 votes"), "{text}");
    machine
        .run(&["measure", "votes", &file])
        .assert_fails(1, &["no column \"weight\"", "bip, voter, choice, vp", "hint:"]);
    let twice = "vote,voter,choice,weight\n1,ann,yes,2\n1,ann,no,0\n";
    fs::write(machine.path("twice.csv"), twice).unwrap();
    let text = machine.run(&["measure", "votes", "twice.csv"]).stdout;
    let end = "after 0 of 1 votes; one ballot was replaced by a later one of its voter\n";
    assert!(text.ends_with(end), "{text}");
    std::fs::write(machine.path("empty.csv"), "vote,voter,choice,weight\n").unwrap();
    machine
        .run(&["measure", "votes", "empty.csv"])
        .assert_fails(1, &["empty.csv: the table has no ballots"]);
    machine
        .run(&["measure", "votes", &file, "--last", "0"])
        .assert_fails(2, &["--last", "0 is not in 1.."]);
    machine.run(&["measure", "votes", "none.csv"]).assert_fails(1, &["none.csv: can't be read"]);
}

#[test]
fn an_attack_on_the_votes_of_a_table_has_a_cost() {
    let machine = Machine::new();
    fs::write(machine.path("t.csv"), "who,held\nann,1.5\nbob,1\nann,0.5\n").unwrap();
    let source = ["measure", "attack", "--csv", "t.csv", "--value", "held", "--by", "who"];
    let attack = |rest: &[&'static str]| [source.as_slice(), rest].concat();
    // With certainty that is to have more than all 3.
    let sure = ["--turnout", "100%", "--confidence", "100%", "--controls", "1000"];
    let ways =
        ["--pool", "4.1:100", "--loan", "5:50:10%:73", "--bribe", "2", "--identity", "0.4:1:9"];
    let report = machine.json(&attack(&[sure.as_slice(), &ways].concat()));
    assert_eq!((&report["needed"], &report["holders_needed"]), (&"3.1".into(), &Value::Null));
    let costs: Vec<_> =
        report["ways"].as_array().unwrap().iter().map(|it| it["cost"].clone()).collect();
    // 100 * 3.1 / (4.1 - 3.1); 155 for a fifth of a year at a tenth; holders have 3; 8 identities.
    assert_eq!(costs, [json!("310"), json!("3.1"), Value::Null, json!("8")]);
    assert_eq!((&report["cost"], &report["cost_by_value"]), (&"3.1".into(), &0.0031.into()));
    let text = machine.run(&attack(&["--majority", "3/5"])).stdout;
    assert!(text.contains("at least 3/5 of the votes for"), "{text}");
    let wrong =
        |rest: &[&'static str], words: &[&str]| machine.run(&attack(rest)).assert_fails(1, words);
    wrong(&["--pool", "4"], &["--pool 4", "VOTES:MONEY"]);
    wrong(&["--pool", "4.55:1"], &["--pool", "4.55", "1 decimals"]);
    wrong(&["--loan", "1:1:200%:1"], &["--loan 1:1:200%:1"]);
    wrong(&["--identity", "1:1:x"], &["COUNT is a whole number"]);
    wrong(&["--controls", "much"], &["--controls", "much"]);
    assert_eq!(machine.run(&["measure", "attack"]).code, 2);
}

#[test]
fn a_table_comes_from_a_pipe() {
    let machine = Machine::new();
    let args = ["measure", "--csv", "-", "--value", "held", "--json"];
    let mut child =
        machine.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"held\n3\n2\n1\n0\n").unwrap();
    let finished = Finished::of(child.wait_with_output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&report["count"], &report["nakamoto"]["1/2"]), (&3.into(), &2.into()));
    assert_eq!(report["source"], "stdin");
}

#[test]
fn what_can_not_be_measured_is_named() {
    let machine = Machine::new();
    fs::write(machine.path("t.csv"), "who,held\nann,1\nbob,-2\n").unwrap();
    let measure = |rest: &[&str]| machine.run(&[&["measure"], rest].concat());
    measure(&["--csv", "t.csv", "--value", "held"])
        .assert_fails(1, &["t.csv: line 3", "\"-2\"", "negative"]);
    measure(&["--csv", "t.csv", "--value", "stake"])
        .assert_fails(1, &["no column \"stake\"", "who, held", "hint:"]);
    measure(&["--csv", "none.csv", "--value", "held"])
        .assert_fails(1, &["none.csv: can't be read"]);
    measure(&["--csv", "t.csv"]).assert_fails(2, &["--value"]);
    let wrong = ["--csv", "t.csv", "--value", "held", "--subsystem", "who:2"];
    measure(&wrong).assert_fails(2, &["--subsystem who:2", "such as 1/2"]);
    measure(&[])
        .assert_fails(2, &["give --csv FILE", "--asset GRAIN", "--house stake", "--rewards"]);
    measure(&["attack"]).assert_fails(2, &["give --csv FILE or --house HOUSE"]);
    assert_eq!(measure(&["--csv", "t.csv", "--value", "held", "--threshold", "7"]).code, 2);
    assert_eq!(measure(&["--asset", "BAR"]).code, 2);
    measure(&["--asset", "GRAIN"]).assert_fails(1, &["can't list", "--data-dir"]);
    measure(&["--asset", "GRAIN", "--data-dir", "none"]).assert_fails(1, &["none"]);
}

/// A flag that says nothing about what is measured is refused, not left out.
#[test]
fn flags_of_another_source_are_refused() {
    let machine = Machine::new();
    fs::write(machine.path("t.csv"), "who,held\nann,1\n").unwrap();
    let table = ["measure", "--csv", "t.csv", "--value", "held"];
    let house = ["measure", "--house", "stake"];
    let rewards = ["measure", "--rewards"];
    let asset = ["measure", "--asset", OTHER];
    let attack = ["measure", "attack", "--house", "stake"];
    let attack_table = ["measure", "attack", "--csv", "t.csv", "--value", "held"];
    let refused = |source: &[&str], flags: &[&[&str]]| {
        for flag in flags {
            machine
                .run(&[source, flag].concat())
                .assert_fails(2, &["cannot be used with", flag[0]]);
        }
    };
    let of_tables: [&[&str]; 4] =
        [&["--by", "who"], &["--value", "held"], &["--delimiter", ";"], &["--over", "who"]];
    for source in [&house[..], &rewards, &asset] {
        refused(source, &of_tables);
        refused(source, &[&["--subsystem", "who"]]);
    }
    refused(&attack, &of_tables[..3]);
    refused(&attack_table, &[&["--height", "3"]]);
    let of_assets: [&[&str]; 2] = [&["--data-dir", "x"], &["--through-pools"]];
    for source in [&table[..], &house, &rewards] {
        refused(source, &of_assets);
    }
    for source in [&table[..], &asset, &rewards] {
        refused(source, &[&["--proposal", "1"]]);
    }
    refused(&table, &[&["--since", "1"], &["--points", "5"], &["--height", "1"], &["--rewards"]]);
    // Without what it belongs to, clap names that.
    machine.run(&[&asset[..], &["--points", "5"]].concat()).assert_fails(2, &["--since"]);
}

#[test]
fn assets_of_a_ledger_are_measured_through_its_node_and_from_its_folder() {
    let machine = Machine::new();
    let account = machine.account();
    let node =
        machine.node(&["--fund", &format!("{account}=100"), "--fund", &format!("{OTHER}=60")]);
    let rpc = ["--rpc", &node.url];
    let run = |args: &[&str]| machine.json(&[args, &rpc].concat());
    let created = run(&["asset", "create", "Lower field", "BAR", "--decimals", "2"]);
    let asset = created["address"].as_str().unwrap().to_owned();
    run(&["asset", "mint", "1", &account, "30"]);
    run(&["asset", "send", "1", OTHER, "12.5"]);
    let live = run(&["measure", "--asset", &asset]);
    assert_eq!((&live["count"], &live["total"]), (&2.into(), &"30".into()));
    assert_eq!(live["exact"]["top1"], serde_json::json!(["7", "12"]));
    assert_eq!(live["power"]["holders"][0]["name"], account.as_str());
    assert_eq!(live["power"]["holders"][1]["amount"], "12.5");
    machine
        .run(&["measure", "--asset", OTHER, "--rpc", &node.url])
        .assert_fails(1, &["not an ERC-20"]);
    check_series(&machine, &asset, &node.url);
    let folder = node.data_dir.clone();
    let local = ["measure", "--data-dir", folder.to_str().unwrap(), "--asset"];
    machine
        .run(&[local.as_slice(), &["GRAIN"]].concat())
        .assert_fails(1, &["already open", "hint: stop"]);
    node.kill();

    let stored = machine.json(&[local.as_slice(), &[&asset]].concat());
    for same in ["count", "total", "gini", "hhi", "nakamoto"] {
        assert_eq!(stored[same], live[same], "{same}");
    }
    let grain = machine.json(&[local.as_slice(), &["GRAIN"]].concat());
    let holders = grain["power"]["holders"].as_array().unwrap();
    let amount = |name: &str| {
        let holder = holders.iter().find(|holder| holder["name"] == name);
        holder.unwrap()["amount"].as_str().unwrap().to_owned()
    };
    assert_eq!(amount(OTHER), "60");
    assert!(amount(&account).starts_with("99.9"), "{}", amount(&account));
    machine
        .run(&[local.as_slice(), &[OTHER]].concat())
        .assert_fails(1, &["not an asset issued", "--rpc"]);
}

/// The asset was created in block 1, minted in block 2, and a part of it was sent in block 3.
fn check_series(machine: &Machine, asset: &str, url: &str) {
    let over = ["measure", "--asset", asset, "--rpc", url, "--since", "0"];
    let drawn = machine.path("series.svg");
    let series = machine.json(&[over.as_slice(), &["--svg", drawn.to_str().unwrap()]].concat());
    assert_eq!(series["over"], "block");
    let points = series["points"].as_array().unwrap();
    let of = |key: &str| points.iter().map(|point| point[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("at"), ["1", "2", "3"], "{series:#}");
    assert_eq!(of("count"), [0, 1, 2]);
    assert_eq!(of("total"), ["0", "30", "30"]);
    assert_eq!(of("gini")[0], Value::Null);
    for (height, point) in (1..).zip(points) {
        let at = u64::to_string(&height);
        let one = machine.json(&["measure", "--asset", asset, "--rpc", url, "--height", &at]);
        for same in ["count", "total", "gini", "hhi", "nakamoto"] {
            assert_eq!(point[same], one[same], "{same} at block {height}");
        }
    }
    assert!(fs::read_to_string(drawn).unwrap().contains("block 3</text>"));
    let text = machine.run(&over);
    assert!(text.stderr.contains("note: at block 0 and before"), "{}", text.stderr);
    let two = machine.json(&[over.as_slice(), &["--points", "2", "--height", "2"]].concat());
    assert_eq!(two["points"], json!([points[1]]), "block 0 has no such asset");
    let wrong = |args: &[&str], code: i32, words: &[&str]| {
        machine
            .run(&[&["measure", "--rpc", url, "--since"], args].concat())
            .assert_fails(code, words);
    };
    wrong(&["0", "--asset", OTHER], 1, &["not an ERC-20"]);
    wrong(&["9", "--asset", asset], 1, &["--since 9 is above block 3"]);
    wrong(&["0", "--asset", asset, "--points", "1"], 2, &["--points"]);
}

/// A contract that keeps a position in a pool itself, without the position manager.
const KEEPER: Address = address!("0x00000000000000000000000000000000000000bB");

/// Code that pays a pool one of the amounts that it asks for when liquidity is added: `transfer(caller, calldata[at])` of the token.
fn payer(token: Address, at: u8) -> Bytes {
    let mut code = hex!("63a9059cbb60e01b5f52 33600452 60").to_vec();
    code.push(at);
    code.extend(hex!("35602452 60205f60445f5f73"));
    code.extend(token);
    code.extend(hex!("5af100"));
    code.into()
}

/// Sends as an account without a key; the transaction must succeed.
fn send_as(market: &Market, from: Address, to: Address, input: &[u8]) {
    let grain = U256::from(1_000_000_000_000_000_000_u64);
    if from.to_checksum(None) != market.account {
        ask(&market.node, "anvil_setBalance", &json!([from, grain]));
    }
    ask(&market.node, "anvil_impersonateAccount", &json!([from]));
    let transaction = json!({ "from": from, "to": to, "input": hex::encode_prefixed(input) });
    let hash = ask(&market.node, "eth_sendTransaction", &json!([transaction]));
    let receipt = ask(&market.node, "eth_getTransactionReceipt", &json!([hash]));
    assert_eq!(receipt["status"], "0x1", "{receipt}");
}

/// What each holder has, in the smallest unit of an asset of six decimals.
fn held(report: &Value, holder: &str) -> u128 {
    let holders = report["power"]["holders"].as_array().unwrap();
    let found = holders.iter().find(|it| it["name"] == holder);
    let text = found.map_or("0", |it| it["amount"].as_str().unwrap());
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<6}").parse().unwrap()
}

/// Lets a contract put OAT into a pool, in a position of its own beside the price.
fn keep_a_position(market: &Market, (oat, bar): (&str, &str), created: &Value, pool: &str) {
    // A range beside the price takes OAT only.
    let oat_is_first = oat.to_lowercase() < bar.to_lowercase();
    let place = if oat_is_first { 4 } else { 36 };
    let code = payer(oat.parse().unwrap(), place);
    ask(&market.node, "anvil_setCode", &json!([KEEPER, code]));
    let tick = |name: &str| i32::try_from(created[name].as_i64().unwrap()).unwrap();
    let (lower, upper) = match oat_is_first {
        true => (tick("upper_tick") + 600, tick("upper_tick") + 1_200),
        false => (tick("lower_tick") - 1_200, tick("lower_tick") - 600),
    };
    let mint = UniswapV3Pool::mintCall {
        recipient: KEEPER,
        tickLower: I24::try_from(lower).unwrap(),
        tickUpper: I24::try_from(upper).unwrap(),
        amount: 1_000_000_000_000_000,
        data: Bytes::new(),
    };
    send_as(market, KEEPER, pool.parse().unwrap(), &mint.abi_encode());
}

fn give_position(market: &Market, id: &str, (from, to): (&str, &str)) {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let call =
        NonfungiblePositionManager::transferFromCall { from, to, tokenId: id.parse().unwrap() };
    send_as(market, from, UNISWAP_V3_POSITIONS, &call.abi_encode());
}

/// What is counted for an account through pools is what it is paid when it takes everything out.
#[test]
fn what_pools_hold_is_counted_for_those_who_can_take_it_out() {
    let market = Market::with(&["--dev"]);
    let asset = assets(&market);
    let (oat, bar) = (asset("OAT"), asset("BAR"));
    market.json(&["asset", "send", "2", OTHER, "1000"]);
    market.json(&["asset", "send", "2", &KEEPER.to_checksum(None), "500"]);
    market.json(&["pool", "create", "100", "GRAIN", "50", "OAT", "--yes"]);
    let ranged = ["pool", "create", "1000", "BAR", "500", "OAT", "--version", "v3", "--yes"];
    let created = market.json(&[&ranged[..], &["--range", "0.4..0.6"]].concat());
    let id = created["done"]["position"].as_str().unwrap().to_owned();
    market.json(&["swap", "10", "OAT", "BAR", "--yes"]);
    market.json(&["swap", "20", "BAR", "OAT", "--yes"]);
    let [pair, pool] = ["GRAIN", "BAR"].map(|symbol| {
        market.json(&["pool", "show", "OAT", symbol])["pool"].as_str().unwrap().to_owned()
    });

    keep_a_position(&market, (&oat, &bar), &created, &pool);

    let plain = market.json(&["measure", "--asset", &oat]);
    let through = market.json(&["measure", "--asset", &oat, "--through-pools"]);
    assert_eq!((&plain["count"], &plain["total"]), (&5.into(), &through["total"]));
    let source = through["source"].as_str().unwrap();
    assert!(source.contains("counted for the owners of 2 pools"), "{source}");
    let account = market.account.as_str();
    let keeper = KEEPER.to_checksum(None);
    // Everybody has what is not in pools, and the parts of pools; pools have what is nobody's: some units of rounding, and locked shares.
    assert!(held(&plain, &pool) > 480_000_000 && held(&plain, &pair) == 50_000_000);
    assert!(held(&through, &pool) < 10 && held(&through, &pair) < 10, "{through:#}");
    assert_eq!(held(&through, OTHER), 1_000_000_000);
    let gained = held(&plain, &pool) + held(&plain, &pair);
    let counted = [account, &keeper].map(|it| held(&through, it) - held(&plain, it));
    let kept = held(&through, &pool) + held(&through, &pair);
    assert_eq!(counted[0] + counted[1] + kept, gained);
    // The contract can take out all that it paid in, but what rounding keeps.
    let paid_in = 500_000_000 - held(&plain, &keeper);
    assert!(paid_in > 1_000 && paid_in - counted[1] <= 1, "{paid_in} {counted:?}");

    // A position that is given away is its new owner's.
    let height = ask(&market.node, "eth_blockNumber", &json!([]));
    let height =
        U256::from_str_radix(height.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
    give_position(&market, &id, (account, OTHER));
    let given = market.json(&["measure", "--asset", &oat, "--through-pools"]);
    let position = held(&given, OTHER) - 1_000_000_000;
    assert!(position > 480_000_000, "{position}");
    assert_eq!(held(&given, account) + position, held(&through, account));
    let at = height.to_string();
    let before = market.json(&["measure", "--asset", &oat, "--through-pools", "--height", &at]);
    assert_eq!(held(&before, account), held(&through, account), "as it was then");

    // It is what the modules pay when everything is taken out.
    give_position(&market, &id, (OTHER, account));
    market.json(&["pool", "remove", "all", "GRAIN", "OAT", "--yes"]);
    market.json(&["pool", "remove", "100%", "--position", &id, "--yes"]);
    let out = market.json(&["measure", "--asset", &oat]);
    assert_eq!(held(&out, account), held(&through, account));
    assert_eq!(held(&out, OTHER), 1_000_000_000);
}

fn assets(market: &Market) -> impl Fn(&str) -> String {
    let assets = market.json(&["asset", "list"]);
    move |symbol: &str| {
        let all = assets.as_array().unwrap();
        let found = all.iter().find(|it| it["symbol"] == symbol).unwrap();
        found["address"].as_str().unwrap().to_owned()
    }
}

/// While the protocol takes its part of a pair's fees, that is not counted for the owners of shares, nor promised to them.
#[test]
fn the_protocols_part_of_a_pair_is_nobody_elses() {
    let market = Market::with(&["--dev"]);
    let oat = assets(&market)("OAT");
    let call = UniswapV2Factory::setFeeToCall { to: KEEPER };
    send_as(&market, GOVERNOR, UNISWAP_V2_FACTORY, &call.abi_encode());
    market.json(&["pool", "create", "100", "GRAIN", "50", "OAT", "--yes"]);
    // Fees of a third of the pool: the protocol's part of them is more than rounding.
    let careless = ["--yes", "--slippage", "50%", "--max-impact", "100%"];
    for _ in 0..12 {
        market.json(&[&["swap", "100", "OAT", "GRAIN"][..], &careless].concat());
        market.json(&[&["swap", "66", "GRAIN", "OAT"][..], &careless].concat());
    }
    let shown = market.json(&["pool", "show", "GRAIN", "OAT"]);
    let pair = shown["pool"].as_str().unwrap();
    let through = market.json(&["measure", "--asset", &oat, "--through-pools"]);
    assert!(held(&through, pair) > 10, "{through:#}");
    // The removal is planned with what it will pay: nothing is lost to a bound that is too strict.
    market.json(&["pool", "remove", "all", "GRAIN", "OAT", "--yes", "--slippage", "0.01%"]);
    let out = market.json(&["measure", "--asset", &oat]);
    let account = market.account.as_str();
    assert_eq!(held(&out, account), held(&through, account), "{through:#} {out:#}");
}

/// Who wraps GRAIN has it without a transfer.
#[test]
fn who_has_only_deposited_is_a_holder() {
    let market = Market::with(&["--dev"]);
    let deposit = WrappedGrain::depositCall {}.abi_encode();
    let account: Address = market.account.parse().unwrap();
    ask(&market.node, "anvil_impersonateAccount", &json!([account]));
    let (to, input) = (WRAPPED_GRAIN, hex::encode_prefixed(deposit));
    let transaction = json!({ "from": account, "to": to, "input": input, "value": "0x3b9aca00" });
    ask(&market.node, "eth_sendTransaction", &json!([transaction]));
    let report = market.json(&["measure", "--asset", &WRAPPED_GRAIN.to_checksum(None)]);
    assert_eq!((&report["count"], &report["total"]), (&1.into(), &"0.000000001".into()));
    assert_eq!(report["power"]["holders"][0]["name"], market.account.as_str());
}
