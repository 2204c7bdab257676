//! Which work an agent does, and leaves, when energy costs more than some of it pays.

use std::fs;

use serde_json::Value;

use super::earning::{ledger, machine};
use super::{Running, wait_for};
use crate::field::{self, Field, project};
use crate::support::Machine;

/// Trains a project with this name in rounds of some seconds, for this price of a million tokens.
fn train(field: &Field, name: &str, price: &str) -> field::Running {
    let text = project(40, &format!("price_per_million_tokens = '{price}'\n"));
    let text = text.replace("steps_per_round = 3", "steps_per_round = 400");
    let text = text.replace("warmup_steps = 3", "warmup_steps = 400");
    let text = text.replace("batch = 4", "batch = 32").replace("barley", name);
    let file = format!("{name}.toml");
    fs::write(field.machine.path(&file), text).unwrap();
    let args = ["train", &file, "--json", "--rpc", &field.node.url];
    let mut train = field::Running::start(field.machine.command(&args));
    train.until("is open");
    train
}

/// Returns how the seats of a project stand, and their verified tokens, that are not those of the device whose account is this.
fn seats(field: &Field, project: u64) -> Vec<(String, String)> {
    let id = project.to_string();
    let shown = field.machine.json(&["project", "show", &id, "--rpc", &field.node.url]);
    let text = |value: &Value| value.as_str().unwrap().to_lowercase();
    let seats = shown["seats"].as_array().unwrap().iter();
    seats.map(|seat| (text(&seat["account"]), text(&seat["standing"]))).collect()
}

fn reason(status: Option<&Value>, kind: &str) -> Option<Value> {
    let reasons = status?["decision"]["reasons"].as_array()?;
    reasons.iter().find(|reason| reason["evidence"]["kind"] == kind).cloned()
}

fn limits(machine: &Machine, floor: &str) {
    let text = fs::read_to_string(machine.path("agent.toml")).unwrap();
    let text = text.split("[earning]").next().unwrap().to_owned();
    let earning = format!(
        "[earning]\ninterests = {{ wheat = 9, oats = 1 }}\nstay_minutes = 60\nfloor_per_hour = \"{floor}\"\n"
    );
    // An hour of work takes 80 Wh: 20 of the currency.
    let energy = "[energy]\nprice_per_kwh = \"250\"\ngrain_is_worth = \"1\"\n";
    fs::write(machine.path("agent.toml"), text + &earning + energy).unwrap();
}

#[test]
fn others_are_worked_for_where_a_project_does_not_pay_its_energy_and_a_seat_below_the_floor_is_left_after_its_round()
 {
    let field = ledger();
    // The first pays about a thousandth of the second.
    let _trains = [train(&field, "wheat", "0.001"), train(&field, "oats", "1")];
    let _others = [1_u8, 2].map(|index| field.join_project(index, &index.to_string(), &[]));
    let machine = machine("");
    limits(&machine, "0");
    let mut agent = Running::start(&machine, &["--rpc", &field.node.url]);
    let mut offered = Vec::new();
    let is_training = |status: &Value| {
        let line = status["worker"]["last_line"].as_str().unwrap_or_default();
        status["worker"]["process"].is_u64() && line.contains("started")
    };
    wait_for(&machine, |status| {
        let Some(status) = status else { return false };
        offered.extend(status["offer"]["project"].as_str().map(str::to_owned));
        is_training(status)
    });
    offered.dedup();
    assert_eq!(offered, ["project 2 (oats)"], "the other interest is far behind, and does not pay");

    // The owner wants more than it pays: the round is finished, and then the seat is given up.
    limits(&machine, "1000000");
    let mut finishing = None;
    wait_for(&machine, |status| {
        finishing = reason(status, "below_floor");
        finishing.is_some()
    });
    let finishing = finishing.unwrap();
    assert_eq!(finishing["evidence"]["is_finishing"], true, "{finishing}");
    assert_eq!(finishing["allows"], "full", "{finishing}");
    let why = machine.run(&["why"]).stdout;
    assert!(why.contains("its seat is given up after this round"), "{why}");
    let mut lines = Vec::new();
    let status = wait_for(&machine, |status| {
        let Some(status) = status else { return false };
        lines.extend(status["worker"]["last_line"].as_str().map(str::to_owned));
        lines.dedup();
        status["worker"]["process"].is_null()
    })
    .unwrap();
    // The end of a round is soon written over by the beginning of the next one.
    let rounds = lines.iter().filter(|line| line.contains("started")).count();
    assert!(1 < rounds || lines.iter().any(|line| line.contains("tokens done")), "{lines:?}");
    let own = super::ACCOUNT.to_lowercase();
    let left = || seats(&field, 2).into_iter().find(|(account, _)| *account == own).unwrap().1;
    for _ in 0..100 {
        if left() == "left" {
            break;
        }
        std::thread::sleep(super::PAUSE);
    }
    assert_eq!(left(), "left");
    let reason = reason(Some(&status), "below_floor").unwrap();
    assert_eq!(reason["evidence"]["is_finishing"], false, "{reason}");
    // It never had a seat where energy is not paid for.
    assert!(seats(&field, 1).iter().all(|(account, _)| *account != own));
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
}

#[test]
fn a_seat_below_the_floor_is_given_up_also_when_no_worker_runs() {
    let field = ledger();
    let _train = train(&field, "oats", "1");
    let _other = field.join_project(1, "1", &[]);
    let machine = machine("");
    limits(&machine, "0");
    let own = super::ACCOUNT.to_lowercase();
    let standing = || {
        let own = seats(&field, 1).into_iter().find(|(account, _)| *account == own);
        own.map(|(_, standing)| standing)
    };
    let mut agent = Running::start(&machine, &["--rpc", &field.node.url]);
    wait_for(&machine, |status| {
        let line = status.and_then(|status| status["worker"]["last_line"].as_str());
        line.is_some_and(|line| line.contains("started"))
    });
    // It keeps its seat when it ends, because it will be back.
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
    assert_eq!(standing().as_deref(), Some("active"));
    limits(&machine, "1000000");
    let mut agent = Running::start(&machine, &["--rpc", &field.node.url]);
    wait_for(&machine, |status| {
        let below = reason(status, "below_floor");
        below.is_some() && standing().as_deref() == Some("left")
    });
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
}
