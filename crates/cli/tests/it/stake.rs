//! Stakes, farms and vaults by the command line.

use crate::field::amount;
use crate::swap::Market;

const ONE: u128 = 1_000_000_000_000_000_000;

#[test]
fn staking_rewards_are_funded_staked_in_and_claimed() {
    let market = Market::new();
    let create = ["stake", "create", "rewards", "BAR", "GRAIN", "--duration", "30d", "--yes"];
    let created = market.json(&create);
    let at = created["address"].as_str().unwrap();
    market.fails(1, &["stake", "claim", at, "--yes"], &["nothing is earned yet"]);
    // Less than one smallest unit a second would never be paid.
    let few = ["stake", "fund", at, "0.000000000002591999", "--yes"];
    market.fails(1, &few, &["nothing of it would ever be paid", "0.000000000002592 GRAIN"]);
    let funded = market.json(&["stake", "fund", at, "100", "--yes"]);
    assert_eq!(amount(&funded["done"]["moved"][0]["sent"]), 100 * ONE);
    let staked = market.json(&["stake", "add", at, "40", "--yes"]);
    assert_eq!(staked["approvals"][0]["amount"], (40 * ONE).to_string());
    assert_eq!(amount(&staked["done"]["moved"][0]["sent"]), 40 * ONE);

    let list = market.json(&["stake", "list"]);
    let row = &list[0];
    assert_eq!((&row["kind"], row["address"].as_str()), (&"rewards".into(), Some(at)));
    assert_eq!(amount(&row["staked"]), 40 * ONE);
    assert_eq!(amount(&row["own"][0]["staked"]), 40 * ONE);
    assert!(row["apr_basis"].as_str().unwrap().contains("no pool of GRAIN and BAR"));
    // The next block pays for the seconds since the stake, so there is something to claim once one has passed.
    market.json(&["asset", "send", "1", &market.account, "1"]);
    let removed = market.json(&["stake", "remove", at, "25%", "--yes"]);
    assert_eq!(amount(&removed["done"]["moved"][0]["received"]), 10 * ONE);
    market.fails(1, &["stake", "remove", at, "31", "--yes"], &["31 is more than there is, 30"]);
    market.fails(1, &["stake", "add", at, "2000000", "--yes"], &["2000000 BAR is needed"]);
    market.fails(2, &["stake", "add", at, "1", "--pool", "0", "--yes"], &["only farms have pools"]);
}

#[test]
fn the_yearly_rate_is_what_a_year_would_pay() {
    let market = Market::new();
    let create = ["stake", "create", "rewards", "GRAIN", "GRAIN", "--duration", "30d", "--yes"];
    let created = market.json(&create);
    let at = created["address"].as_str().unwrap();
    assert_eq!(market.json(&["stake", "list"])[0]["apr_basis"], "nothing is staked");
    market.json(&["stake", "add", at, "40", "--yes"]);
    market.json(&["stake", "fund", at, "100", "--yes"]);
    let shown = market.json(&["stake", "show", at]);
    // 100 for 40 in 30 days, 365 / 30 times a year, less what the rate of a second cuts off.
    let apr: f64 = shown[0]["apr"].as_str().unwrap().parse().unwrap();
    assert!((apr - 100.0 / 40.0 * 365.0 / 30.0).abs() < 1e-9, "{shown:#}");
    assert!(0 < shown[0]["window_seconds"].as_u64().unwrap());
    // A reward in another token counts by the price of their pool: 2 BAR for 1 GRAIN.
    let create = ["stake", "create", "rewards", "GRAIN", "BAR", "--duration", "30d", "--yes"];
    let other = market.json(&create);
    let at = other["address"].as_str().unwrap();
    market.json(&["stake", "add", at, "40", "--yes"]);
    market.json(&["stake", "fund", at, "200", "--yes"]);
    assert_eq!(market.json(&["stake", "show", at])[0]["apr"], serde_json::Value::Null);
    market.json(&["pool", "create", "100", "GRAIN", "200", "BAR", "--yes"]);
    let priced = market.json(&["stake", "show", at]);
    let priced: f64 = priced[0]["apr"].as_str().unwrap().parse().unwrap();
    assert!((priced - apr).abs() < 1e-9, "{priced} {apr}");
}

#[test]
fn a_farm_draws_from_its_reserve_and_claims_are_redeemed() {
    let market = Market::new();
    let create = [
        "stake",
        "create",
        "farm",
        "GRAIN",
        "--per-block",
        "1",
        "--name",
        "Claims",
        "--symbol",
        "CLM",
        "--yes",
    ];
    let created = market.json(&create);
    let at = created["address"].as_str().unwrap();
    market.fails(1, &["stake", "show", at], &["has no pool yet", "hint: "]);
    market.json(&["stake", "create", "farm-pool", at, "BAR", "--yes"]);
    market.fails(
        1,
        &["stake", "create", "farm-pool", at, "BAR", "--yes"],
        &["a pool for BAR already"],
    );
    market.json(&["stake", "fund", at, "50", "--yes"]);
    market.json(&["stake", "add", at, "10", "--yes"]);
    market.json(&["asset", "send", "1", &market.account, "1"]);
    let shown = market.json(&["stake", "show", at]);
    assert_eq!((&shown[0]["kind"], &shown[0]["pool"]), (&"farm".into(), &0.into()));
    assert!(0 < amount(&shown[0]["own"][0]["earned"]), "{shown:#}");
    let claimed = market.json(&["stake", "claim", at, "--yes"]);
    let moved = &claimed["done"]["moved"][0];
    assert_eq!(moved["token"]["symbol"], "GRAIN");
    assert!(ONE <= amount(&moved["received"]), "{claimed:#}");
    let removed = market.json(&["stake", "remove", at, "all", "--yes"]);
    assert_eq!(amount(&removed["done"]["moved"][0]["received"]), 10 * ONE);
    market.fails(1, &["stake", "add", at, "1", "--pool", "1", "--yes"], &["no pool 1"]);
}

#[test]
fn a_vault_is_deposited_into_and_redeemed() {
    let market = Market::new();
    let create = ["stake", "create", "vault", "OAT", "--name", "Oats", "--symbol", "vOAT", "--yes"];
    let created = market.json(&create);
    let at = created["address"].as_str().unwrap();
    let sent = market.sent();
    market.fails(1, &["stake", "add", at, "100"], &["no terminal", "nothing was sent"]);
    market.json(&["stake", "add", at, "100", "--dry-run"]);
    assert_eq!(market.sent(), sent);
    let added = market.json(&["stake", "add", at, "100", "--yes"]);
    // A share has three decimals more than the asset.
    assert_eq!(added["done"]["moved"][1]["token"]["decimals"], 9);
    assert_eq!(amount(&added["done"]["moved"][1]["received"]), 100_000_000_000);
    market.json(&["asset", "send", "2", at, "50"]);
    let shown = market.json(&["stake", "show", at]);
    assert_eq!(amount(&shown[0]["staked"]), 150_000_000);
    let own = amount(&shown[0]["own"][0]["staked"]);
    // The virtual share has a part of what was sent, a millionth here.
    assert!((149_999_000..=150_000_000).contains(&own), "{own}");
    market.json(&["stake", "remove", at, "50", "--yes"]);
    let rest = market.json(&["stake", "remove", at, "all", "--yes"]);
    assert!(99_990_000 < amount(&rest["done"]["moved"][0]["received"]), "{rest:#}");
    market.fails(1, &["stake", "claim", at, "--yes"], &["pays nothing out", "hint: "]);
    market.fails(1, &["stake", "fund", at, "1", "--yes"], &["no rewards to fund", "hint: "]);
    let nobody = "0x00000000000000000000000000000000000000aa";
    market.fails(
        1,
        &["stake", "show", nobody],
        &["neither staking rewards nor a farm nor a vault"],
    );
}

#[test]
fn a_vault_that_a_donation_can_empty_must_be_forced() {
    let market = Market::new();
    let create = ["stake", "create", "vault", "OAT", "--name", "Oats", "--symbol", "vOAT", "--yes"];
    let bad = market.json(&[&create[..], &["--offset", "0"]].concat());
    let bad = bad["address"].as_str().unwrap();
    market.fails(1, &["stake", "add", bad, "10", "--yes"], &["nothing was sent", "--force"]);
    let forced = market.json(&["stake", "add", bad, "10", "--yes", "--force"]);
    assert_eq!(amount(&forced["done"]["moved"][1]["received"]), 10_000_000);
    // With the default offset a deposit has a limit, which is 0.5% less than shown.
    let good = market.json(&create);
    let good = good["address"].as_str().unwrap();
    let planned = market.json(&["stake", "add", good, "100", "--dry-run"]);
    assert_eq!(planned["limit"], "99500000000");
    let added = market.json(&["stake", "add", good, "100", "--slippage", "0%", "--yes"]);
    assert_eq!(added["limit"], "100000000000");
    assert_eq!(added["done"]["warning"], serde_json::Value::Null);
    let planned = market.json(&["stake", "remove", good, "all", "--dry-run"]);
    assert_eq!(planned["limit"], "99500000");
    let planned = market.json(&["stake", "remove", good, "10", "--dry-run"]);
    assert_eq!(planned["limit"], "10050000000");
}

#[test]
fn a_farm_of_somebody_else_must_be_trusted() {
    let market = Market::new();
    let create = ["stake", "create", "farm", "GRAIN", "--per-block", "1", "--name", "Claims"];
    let created = market.json(&[&create[..], &["--symbol", "CLM", "--yes"]].concat());
    let at = created["address"].as_str().unwrap();
    market.json(&["stake", "create", "farm-pool", at, "BAR", "--yes"]);
    let shown = market.json(&["stake", "show", at]);
    assert_eq!(shown[0]["owner"], market.account.as_str());
    assert_eq!(shown[0]["migrator"], serde_json::Value::Null);
    assert!(market.text(&["stake", "show", at]).contains("can name a migrator"));
    // The owner itself may stake without a word; a stranger must say that he trusts the owner.
    market.json(&["stake", "add", at, "1", "--yes", "--account", &market.account]);
    let stranger = market.machine.account();
    market.json(&["asset", "send", "1", &stranger, "5", "--account", &market.account]);
    market.json(&["wallet", "send", &stranger, "10", "--yes", "--account", &market.account]);
    let add = ["stake", "add", at, "2", "--yes", "--account", &stranger];
    market.fails(1, &add, &["can name a migrator", "nothing was sent", "--trust-owner"]);
    let staked = market.json(&[&add[..], &["--trust-owner"]].concat());
    assert_eq!(amount(&staked["done"]["moved"][0]["sent"]), 2 * ONE);
}
