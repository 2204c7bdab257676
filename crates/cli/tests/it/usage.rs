//! Properties of all commands: exit codes, closed pipes, plain output.

use std::process::Stdio;

use crate::support::Machine;

#[test]
fn wrong_usage_ends_with_2() {
    let machine = Machine::new();
    assert_eq!(machine.run(&[]).code, 2);
    assert_eq!(machine.run(&["harvest"]).code, 2);
    assert_eq!(machine.run(&["wallet", "send", "0x12", "1"]).code, 2);
    let address = "0x00000000000000000000000000000000000000aa";
    assert_eq!(machine.run(&["wallet", "send", address, "1.5.5"]).code, 2);
    assert_eq!(machine.run(&["node", "--fund", address]).code, 2);
    assert_eq!(machine.run(&["project", "list", "--rpc", "localhost"]).code, 2);
}

#[test]
fn help_ends_with_0_and_names_every_command() {
    let help = Machine::new().run(&["--help"]);
    assert_eq!(help.code, 0);
    for command in [
        "demo", "train", "join", "node", "wallet", "asset", "swap", "pool", "stake", "price",
        "project", "earnings", "sample", "bench", "doctor", "measure", "--json",
    ] {
        assert!(help.stdout.contains(command), "{} lacks {command}", help.stdout);
    }
    assert!(!help.stdout.contains('\u{1b}'), "piped output has no colour");
}

#[test]
fn a_closed_pipe_is_success() {
    let machine = Machine::new();
    machine.account();
    let mut list = machine.command(&["wallet", "list"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(list.stdout.take());
    assert_eq!(list.wait().unwrap().code(), Some(0));
}

#[test]
fn a_missing_ledger_is_named() {
    let machine = Machine::new();
    let account = machine.account();
    // Binding port 1 needs privileges, so nothing listens there.
    let refused = machine.run(&["wallet", "balance", &account, "--rpc", "http://127.0.0.1:1"]);
    refused.assert_fails(1, &["http://127.0.0.1:1", "hint: "]);
}

#[test]
fn without_a_terminal_or_password_the_ways_to_give_one_are_named() {
    let machine = Machine::new();
    let output =
        machine.command(&["wallet", "new"]).env_remove("GLEANER_PASSWORD").output().unwrap();
    crate::support::Finished::of(output)
        .assert_fails(1, &["hint: ", "--password-file", "GLEANER_PASSWORD"]);
}

#[test]
fn logs_are_chosen_by_level_and_module() {
    let machine = Machine::new();
    let account = machine.account();
    let refused = machine.command(&["wallet", "list"]).env("GLEANER_LOG", "node=loud").output();
    let refused = crate::support::Finished::of(refused.unwrap());
    assert_eq!(refused.code, 0);
    assert!(refused.stderr.contains("GLEANER_LOG=node=loud is ignored"), "{}", refused.stderr);

    let asking = ["", "error", "warn,ledger_client=error"].map(|log| {
        let args = ["wallet", "balance", &account, "--rpc", "http://127.0.0.1:1"];
        let command = machine.command(&args).env("GLEANER_LOG", log).stderr(Stdio::piped()).spawn();
        (log, command.unwrap())
    });
    for (log, child) in asking {
        let stderr = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(
            stderr.contains("the node does not answer; the request is repeated"),
            log.is_empty(),
            "{log}: {stderr}"
        );
    }
}
