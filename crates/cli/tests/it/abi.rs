use serde_json::Value;

use crate::support::Machine;

#[test]
fn interfaces_are_listed_and_printed() {
    let machine = Machine::new();
    let list = machine.json(&["abi"]);
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"TrainingRuns") && names.contains(&"IssuedAsset"), "{names:?}");
    let text = machine.run(&["abi"]).stdout;
    for name in names {
        assert!(text.contains(name), "{text}");
        let printed = machine.run(&["abi", name]).stdout;
        let document: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(document, machine.json(&["abi", name]), "the same with --json");
        let kinds = document.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap());
        assert!(kinds.clone().any(|kind| kind == "function"), "{name}");
        assert!(kinds.clone().any(|kind| kind == "error"), "{name}");
        let solidity = machine.run(&["abi", name, "--solidity"]).stdout;
        assert!(
            solidity.contains("pragma solidity") && solidity.contains("interface "),
            "{solidity}"
        );
    }
}

#[test]
fn an_unknown_module_is_refused_with_the_names_there_are() {
    let machine = Machine::new();
    let finished = machine.run(&["abi", "nothing"]);
    assert_eq!(finished.code, 1);
    assert!(finished.stderr.contains("TrainingRuns"), "{}", finished.stderr);
    assert_eq!(machine.run(&["abi", "--solidity"]).code, 2, "of which module?");
    assert_eq!(machine.run(&["abi", "trainingruns"]).code, 0, "case does not matter");
}
