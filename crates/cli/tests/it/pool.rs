//! Pools and positions by the command line.

use serde_json::Value;

use crate::field::amount;
use crate::support::Machine;
use crate::swap::Market;

const ONE: u128 = 1_000_000_000_000_000_000;

/// A balance before and after a change, as a preview shows it.
#[track_caller]
fn balance(text: &str, symbol: &str) -> [String; 2] {
    let unit = format!(" {symbol}");
    let mut ends = text.lines().filter_map(|line| line.strip_suffix(&unit)?.split_once(" -> "));
    let (before, after) = ends.next().unwrap_or_else(|| panic!("no balance in {text}"));
    [before.rsplit(' ').next().unwrap().to_owned(), after.to_owned()]
}

#[test]
fn shares_of_a_pair_are_added_shown_and_removed() {
    let market = Market::new();
    // What can only fail is refused before approvals are paid for, and a look says what is missing.
    let dust = ["pool", "create", "0.000000000000000001", "GRAIN", "0.000001", "OAT"];
    market.fails(
        1,
        &[&dust[..], &["--yes"]].concat(),
        &["too small to give shares", "nothing was sent"],
    );
    market.json(&["pool", "create", "100", "GRAIN", "50", "OAT", "--yes"]);
    let dust = ["pool", "remove", "0.000000000000000001", "GRAIN", "OAT"];
    market.fails(1, &[&dust[..], &["--yes"]].concat(), &["pay nothing of a token", "remove more"]);
    let much = market.text(&["pool", "add", "1000000000", "GRAIN", "OAT", "--dry-run"]);
    assert!(much.contains(" too little\n") && !much.contains("-> 0"), "{much}");
    let swap = ["swap", "1000000000", "GRAIN", "OAT", "--dry-run"];
    assert_eq!(market.json(&swap)["balances"]["in_after"], serde_json::Value::Null);
    let much = market.text(&swap);
    assert!(much.contains(" GRAIN: ") && much.contains(" too little\n"), "{much}");
    market.fails(
        1,
        &["pool", "create", "1", "GRAIN", "1", "OAT", "--yes"],
        &["exists at", "0.5 OAT for 1 GRAIN", "gleaner pool add"],
    );
    // The ratio of the pool decides: of 10 OAT only 5 are used, and one amount is enough.
    let added = market.json(&["pool", "add", "10", "GRAIN", "10", "OAT", "--yes"]);
    assert_eq!((amount(&added["amount0"]), amount(&added["amount1"])), (10 * ONE, 5_000_000));
    assert_eq!(amount(&added["done"]["amount1"]), 5_000_000);
    assert_eq!(amount(&added["minimum1"]), 5_000_000 * 9_950 / 10_000);
    let planned = market.json(&["pool", "add", "GRAIN", "1", "OAT", "--dry-run"]);
    assert_eq!(amount(&planned["amount0"]), 2 * ONE);
    assert_eq!(planned["approvals"].as_array().unwrap().len(), 2);

    let shown = market.json(&["pool", "show", "OAT", "GRAIN"]);
    assert_eq!((&shown["version"], &shown["price"]), (&"v2".into(), &"0.5".into()));
    assert_eq!(amount(&shown["amount0"]), 110 * ONE);
    assert_eq!(amount(&shown["value_in_token0"]), 220 * ONE);
    assert_eq!(amount(&shown["value_in_token1"]), 110_000_000);
    let position = &shown["positions"][0];
    assert_eq!(position["account"], market.account.as_str());
    // All but the shares that belong to nobody.
    assert_eq!(position["share_millionths"], "999999");
    // At four times the price a share is worth 2 * sqrt(4) / 5 of its tokens, and now as much.
    let loss = |bps: u64| {
        let scenarios = position["scenarios"].as_array().unwrap();
        let found = scenarios.iter().find(|scenario| scenario["price_bps"] == bps).unwrap();
        found["impermanent_loss"].as_str().unwrap().parse::<f64>().unwrap()
    };
    for (bps, expected) in [(40_000, 0.2), (2_500, 0.2), (10_000, 0.0)] {
        // The reserve of OAT has eight digits.
        assert!((loss(bps) - expected).abs() < 1e-6, "{position:#}");
    }
    assert_eq!(market.json(&["pool", "show", shown["pool"].as_str().unwrap()]), shown);
    let text = market.text(&["pool", "show", "GRAIN", "OAT"]);
    assert!(text.contains("1 GRAIN = 0.5 OAT") && text.contains("1 OAT = 2 GRAIN"), "{text}");

    let listed = market.json(&["pool", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["pool"], shown["pool"]);
    let half = ["pool", "remove", "50%", "GRAIN", "OAT", "--dry-run"];
    let [_, expected] = balance(&market.text(&half), "OAT");
    let removed = market.json(&["pool", "remove", "50%", "GRAIN", "OAT", "--yes"]);
    assert_eq!(balance(&market.text(&half), "OAT")[0], expected);
    let half = amount(&removed["liquidity_before"]) / 2;
    assert_eq!(amount(&removed["liquidity"]), half);
    assert_eq!(removed["done"]["received0"], removed["amount0"]);
    assert_eq!(removed["done"]["received1"], removed["amount1"]);
    assert_eq!(removed["approvals"][0]["amount"], half.to_string(), "exactly what is needed");
    market.json(&["pool", "remove", "all", "GRAIN", "OAT", "--yes"]);
    market.fails(
        1,
        &["pool", "remove", "1%", "GRAIN", "OAT", "--yes"],
        &["no shares of the pair", "hint: "],
    );
}

#[test]
fn a_position_has_a_range_earns_fees_and_is_taken_out() {
    let market = Market::new();
    let create = ["pool", "create", "1000", "GRAIN", "500", "OAT", "--version", "v3"];
    market.fails(2, &[&create[..], &["--yes"]].concat(), &["--range LOW..HIGH", "--full-range"]);
    let ranged = [&create[..], &["--range", "0.4..0.6", "--yes"]].concat();
    let created = market.json(&ranged);
    assert_eq!(created["fee_millionths"], 3_000);
    // Ticks are multiples of 60 outside of the prices; 1e-12 is between units of 18 and 6 decimals.
    let [lower, upper] = ["lower_tick", "upper_tick"].map(|name| created[name].as_i64().unwrap());
    let tick = |price: f64| (price * 1e-12).ln() / 1.0001_f64.ln();
    assert!(lower % 60 == 0 && (lower as f64) <= tick(0.4) && tick(0.4) < (lower + 60) as f64);
    assert!(upper % 60 == 0 && tick(0.6) <= (upper as f64) && ((upper - 60) as f64) < tick(0.6));
    let id = created["done"]["position"].as_str().unwrap().to_owned();

    let share = market.json(&["pool", "show", "GRAIN", "OAT"]);
    assert_eq!(share["price"], "0.5");
    assert_eq!(share["positions"][0]["range"]["active"], true);
    assert_eq!(share["positions"][0]["share_millionths"], "1000000");
    assert_eq!(share["positions"][0]["uncollected0"], "0");
    market.fails(1, &["pool", "collect", "--yes"], &["nothing is owed"]);
    // The position has about 500 OAT, so the pool would take a part of this only.
    let much = ["swap", "5000", "GRAIN", "OAT", "--dry-run"];
    market.fails(1, &much, &["none of 1 routes", "can trade 5000 GRAIN"]);

    market.json(&["swap", "10", "GRAIN", "OAT", "--yes"]);
    let positions = market.json(&["pool", "positions"]);
    let position = &positions[0];
    assert_eq!(position["position"], id.as_str());
    // 0.3% of 10 GRAIN, less what rounding keeps.
    let fee = amount(&position["uncollected0"]);
    assert!((30_000_000_000_000_000 - 10..=30_000_000_000_000_000).contains(&fee), "{fee}");
    let [before, after] = balance(&market.text(&["pool", "collect", &id, "--dry-run"]), "GRAIN");
    let to_wei = |text: &String| units::Wei::parse_grain(text).unwrap().as_u128();
    assert_eq!(to_wei(&after) - to_wei(&before), fee);
    let collected = market.json(&["pool", "collect", &id, "--yes"]);
    assert_eq!(amount(&collected["done"]["received"][0]["amount"]), fee);
    let after = market.json(&["pool", "positions"]);
    assert_eq!(after[0]["uncollected0"], "0");

    let more = market.json(&["pool", "add", "10", "GRAIN", "OAT", "--position", &id, "--yes"]);
    assert_eq!(more["done"]["position"], id.as_str());
    assert_eq!(more["given1"], Value::Null);
    let removed = market.json(&["pool", "remove", "100%", "--position", &id, "--yes"]);
    assert_eq!(removed["done"]["received0"], removed["amount0"]);
    assert_eq!(removed["done"]["received1"], removed["amount1"]);
    let left = market.json(&["pool", "positions"]);
    assert_eq!(left[0]["liquidity"], "0");
}

#[test]
fn pools_of_two_tokens_are_told_apart() {
    let market = Market::new();
    market.json(&["pool", "create", "10", "GRAIN", "20", "BAR", "--yes"]);
    let wide = ["--full-range", "--yes"];
    for fee in ["0.05%", "1%"] {
        let create = ["pool", "create", "10", "GRAIN", "20", "BAR", "--fee", fee];
        market.json(&[&create[..], &wide].concat());
    }
    let show = ["pool", "show", "GRAIN", "BAR"];
    market.fails(1, &show, &["3 pools", "--version v2", "--fee 0.05%", "--fee 1%"]);
    let pick = |flags: &[&str]| market.json(&[&show[..], flags].concat())["fee_millionths"].clone();
    assert_eq!(pick(&["--fee", "1%"]), 10_000);
    assert_eq!(pick(&["--version", "v2"]), 3_000);
    market.fails(
        2,
        &[&show[..], &["--version", "v2", "--fee", "1%"]].concat(),
        &["no choice of fee"],
    );
    let other = [&show[..], &["--fee", "0.3%"]].concat();
    market.fails(1, &other, &["no such pool", "hint: "]);
    let unknown = ["pool", "create", "1", "GRAIN", "1", "BAR", "--fee", "0.7%", "--full-range"];
    market.fails(
        1,
        &[&unknown[..], &["--yes"]].concat(),
        &["0.7% is not enabled", "0.05%, 0.3%, 1%"],
    );
    assert_eq!(market.json(&["pool", "list"]).as_array().unwrap().len(), 3);
    assert_eq!(market.json(&["pool", "list", "--version", "v3"]).as_array().unwrap().len(), 2);
    let sent = market.sent();
    let add = ["pool", "add", "1", "GRAIN", "BAR", "--version", "v2"];
    market.fails(1, &add, &["no terminal", "nothing was sent"]);
    market.fails(2, &[&add[..], &["--full-range", "--yes"]].concat(), &["has no range"]);
    market.fails(1, &["pool", "add", "1", "BAR", "OAT", "--yes"], &["no such pool of BAR and OAT"]);
    market.fails(1, &["pool", "show", "0x12"], &["neither a pool nor two tokens"]);
    market.fails(1, &["pool", "remove", "5%", "--position", "9", "--yes"], &["no position 9"]);
    assert_eq!(market.sent(), sent);
}

#[test]
fn nobody_adds_to_the_position_of_somebody_else() {
    let market = Market::new();
    let flags = ["--fee", "0.3%", "--full-range", "--yes"];
    let created =
        market.json(&[&["pool", "create", "10", "GRAIN", "20", "BAR"][..], &flags].concat());
    let id = created["done"]["position"].as_str().unwrap();
    let add = ["pool", "add", "1", "GRAIN", "BAR", "--position", id];
    assert_eq!(market.json(&[&add[..], &["--dry-run"]].concat())["dry_run"], true);

    // What a stranger adds would belong to the owner, so it is refused before an amount is even looked at.
    let stranger = Machine::new();
    let account = stranger.account();
    for how in ["--dry-run", "--yes"] {
        let all = [&add[..], &[how, "--rpc", &market.node.url]].concat();
        let refused = stranger.run(&all);
        refused.assert_fails(1, &["belongs to", &market.account, &account, "hint: "]);
    }
}
