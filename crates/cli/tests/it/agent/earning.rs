//! The agent chooses projects on a real ledger, as its owner wants.

use std::fs;

use serde_json::Value;

use super::{BOLD, Running, wait_for};
use crate::field::{self, Field, project, write_corpus};
use crate::support::{Machine, names};

/// Trains a project with this name.
pub(super) fn train(field: &Field, name: &str, terms: &str) -> field::Running {
    let text = project(2_000, terms).replace("barley", name);
    let text = text.replace("workers_max = 2", "workers_max = 3");
    let file = format!("{name}.toml").replace(' ', "-");
    fs::write(field.machine.path(&file), text).unwrap();
    let args = ["train", &file, "--json", "--rpc", &field.node.url];
    let mut train = field::Running::start(field.machine.command(&args));
    train.until("is open");
    train
}

/// A ledger without projects, of a funded account.
pub(super) fn ledger() -> Field {
    let field = Field::new("");
    write_corpus(&field.machine.path("corpus.txt"), 1_000);
    field
}

/// A machine of an owner with these limits beside those under which any machine works.
pub(super) fn machine(limits: &str) -> Machine {
    let machine = Machine::new();
    fs::write(machine.path("agent.toml"), format!("{BOLD}{limits}")).unwrap();
    machine
}

fn tokens(field: &Field, project: usize) -> u64 {
    let id = project.to_string();
    let shown = field.machine.json(&["project", "show", &id, "--rpc", &field.node.url]);
    let seats = shown["seats"].as_array().unwrap();
    seats.iter().map(|seat| seat["tokens_verified"].as_u64().unwrap()).sum()
}

#[test]
fn work_is_shared_among_three_projects_by_the_owners_weights() {
    let field = ledger();
    let names = ["yeast biology", "old language", "adverts for weather"];
    let _trains = names.map(|name| train(&field, name, ""));
    // A round needs two devices: it is made while the agent is there.
    let _others = [1_u8, 2, 3].map(|index| field.join_project(index, &index.to_string(), &[]));
    let machine = machine(
        "[earning]\ninterests = { biology = 2, language = 1, adverts = 0 }\nstay_minutes = 0\n",
    );
    let mut agent = Running::start(&machine, &["--rpc", &field.node.url]);
    // Back to the first project after the second one: a seat was given up, and another one taken.
    let mut order: Vec<String> = Vec::new();
    wait_for(&machine, |status| {
        let offer = status.and_then(|status| status["offer"]["project"].as_str());
        if let Some(project) =
            offer.filter(|project| order.last().is_none_or(|last| last != project))
        {
            order.push(project.to_owned());
        }
        3 <= order.len()
    });
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
    let expected = ["project 1 (yeast biology)", "project 2 (old language)"];
    assert!(
        order.chunks(2).all(|pair| pair.iter().all(|one| expected.contains(&&one[..]))),
        "{order:?}"
    );
    for (project, is_worked) in [(1, true), (2, true), (3, false)] {
        let done = tokens(&field, project);
        assert_eq!(0 < done, is_worked, "project {project}: {done} of {order:?}");
    }
    let books: Value =
        serde_json::from_slice(&fs::read(machine.path("agent-books.json")).unwrap()).unwrap();
    let shares = &books["roster"]["shares"];
    assert!(
        shares["biology"].as_u64().unwrap() > 0 && shares["language"].as_u64().unwrap() > 0,
        "{books}"
    );
}

/// Waits until `why` names a reason, and returns that.
fn reason(machine: &Machine, kind: &str) -> Value {
    let mut found = None;
    wait_for(machine, |status| {
        let reasons = status.and_then(|status| status["decision"]["reasons"].as_array());
        found = reasons
            .and_then(|all| all.iter().find(|reason| reason["evidence"]["kind"] == kind))
            .cloned();
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_project_below_the_floor_or_at_a_loss_is_not_worked_for() {
    let field = ledger();
    let _train = train(&field, "barley", "");
    let check = |limits: &str, kind: &str, parts: &[&str]| {
        let machine = machine(limits);
        let mut agent = Running::start(&machine, &["--rpc", &field.node.url]);
        let reason = reason(&machine, kind);
        assert_eq!(reason["source"], "project 1 (barley)", "{reason}");
        let text = machine.run(&["why"]).stdout;
        for part in parts {
            assert!(text.contains(part), "`{text}` does not say `{part}`");
        }
        // The only process was the one that asked.
        let status = machine.json(&["status"]);
        assert_eq!(status["worker"]["start_count"], 1, "{status}");
        assert!(status["worker"]["process"].is_null(), "{status}");
        machine.json(&["agent", "stop"]);
        assert_eq!(agent.ended(), 0);
        assert_eq!(names(&machine.path("worker")).iter().filter(|name| *name == "lock").count(), 0);
    };
    check(
        "[earning]\nfloor_per_hour = \"1000000\"\n",
        "below_floor",
        &["GRAIN an hour, and you want 1000000", "earning.floor_per_hour"],
    );
    check(
        "[energy]\nprice_per_kwh = \"0.3\"\ngrain_is_worth = \"0.000001\"\n",
        "at_a_loss",
        &["its energy costs 0.024 EUR", "earning.at_a_loss = \"work\""],
    );
}
