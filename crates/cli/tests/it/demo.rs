//! The demo: what it prints, and that all its processes end.

use crate::field::{Running, amount, assert_report, processes_in, write_corpus};
use crate::support::Machine;

/// Starts a demo in `folder`.
fn demo(machine: &Machine, folder: &str, flags: &[&str]) -> Running {
    let path = machine.path(folder);
    let args = ["demo", "--json", "--corpus", "corpus.txt", "--data-dir", path.to_str().unwrap()];
    Running::start(machine.command(&[&args[..], flags].concat()))
}

#[test]
fn an_interrupted_demo_goes_on_to_the_same_model() {
    let machine = Machine::new();
    write_corpus(&machine.path("corpus.txt"), 2000);
    let flags = ["--workers", "2", "--rounds", "2", "--seed", "9"];

    let whole = demo(&machine, "whole", &flags).document();
    assert_report(&whole, 2);
    assert!(whole["chain"]["height"].is_u64() && whole["chain"]["state_root"].is_string());
    assert_eq!(whole["audits"]["failed"], 0);
    assert_eq!(processes_in(&machine.path("whole")), [""; 0]);

    let mut stopped = demo(&machine, "stopped", &flags);
    stopped.until("round 1 done");
    stopped.interrupt();
    let stopped = stopped.end();
    assert_eq!((stopped.code, stopped.stdout.as_str()), (130, ""), "{}", stopped.stderr);
    assert_eq!(processes_in(&machine.path("stopped")), [""; 0]);
    let resumed = demo(&machine, "stopped", &flags).document();
    assert_report(&resumed, 2);
    assert_eq!(resumed["run"]["model_digest"], whole["run"]["model_digest"]);
    assert_eq!(processes_in(&machine.path("stopped")), [""; 0]);

    demo(&machine, "stopped", &flags).end().assert_fails(1, &["finished", "hint: "]);
}

#[test]
fn a_cheat_is_caught_and_unpaid_and_a_crash_costs_only_itself() {
    let machine = Machine::new();
    write_corpus(&machine.path("corpus.txt"), 2000);
    let document = demo(&machine, "demo", &["--rounds", "3", "--cheats", "1", "--crashes", "1"]);
    let document = document.document();
    assert_report(&document, 3);
    assert_eq!(processes_in(&machine.path("demo")), [""; 0]);

    let payouts = document["payouts"].as_array().unwrap();
    assert_eq!(payouts.len(), 4);
    let convicted = payouts.iter().filter(|payout| payout["standing"] == "convicted");
    let convicted: Vec<_> = convicted.collect();
    let [cheat] = convicted[..] else { panic!("not one cheat was convicted: {document:#}") };
    assert_eq!((amount(&cheat["paid"]), &cheat["tokens_verified"]), (0, &0.into()));
    assert!(0 < document["audits"]["failed"].as_u64().unwrap(), "{document:#}");
    let honest = payouts.iter().filter(|payout| payout["standing"] != "convicted");
    let worked = honest.filter(|payout| 0 < amount(&payout["paid"]));
    assert!(2 <= worked.count(), "{document:#}");
}

#[test]
fn a_contributor_trades_with_its_pay() {
    let machine = Machine::new();
    write_corpus(&machine.path("corpus.txt"), 2000);
    let flags = ["--workers", "2", "--rounds", "2", "--seed", "9", "--market"];
    let document = demo(&machine, "demo", &flags).document();
    assert_report(&document, 2);
    assert_eq!(processes_in(&machine.path("demo")), [""; 0]);

    let market = &document["market"];
    let best = document["payouts"].as_array().unwrap().iter().map(|it| amount(&it["paid"]));
    let pay = best.max().unwrap();
    assert_eq!(amount(&market["swapped_grain"]), pay * 2 / 5);
    let (bought, added) = (amount(&market["swapped_asset"]), amount(&market["added_asset"]));
    assert!(0 < added && added <= bought, "{market:#}");
    assert!(amount(&market["added_grain"]) <= pay * 2 / 5);
    let positions = market["positions"].as_array().unwrap();
    assert_eq!(positions.len(), 2);
    assert_eq!(positions[0]["account"], market["contributor"]);
    // Both together have the whole pair, but for the shares that belong to nobody and what rounding keeps.
    let pool = &market["pool"];
    for name in ["amount0", "amount1"] {
        let owned: u128 = positions.iter().map(|position| amount(&position[name])).sum();
        let left = amount(&pool[name]) - owned;
        assert!(left < 10_000, "{left} of {name} belong to nobody: {market:#}");
    }
    let plain = demo(&machine, "plain", &flags[..6]).document();
    assert!(plain.get("market").is_none());
    assert_eq!(plain["run"]["model_digest"], document["run"]["model_digest"]);
}
