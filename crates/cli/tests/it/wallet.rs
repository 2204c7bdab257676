//! Accounts on disk: created, imported, listed, encrypted.

use crate::support::{Machine, names};

/// The test phrase of Ethereum tools, and its first account.
const PHRASE: &str = "test test test test test test test test test test test junk";
const FIRST: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

#[test]
fn a_new_account_is_restored_from_its_phrase() {
    let machine = Machine::new();
    let made = machine.json(&["wallet", "new"]);
    let phrase = made["phrase"].as_str().unwrap();
    assert_eq!(phrase.split_whitespace().count(), 12);

    let other = Machine::new();
    std::fs::write(other.path("phrase"), phrase).unwrap();
    let imported = other.json(&["wallet", "import", "--phrase-file", "phrase"]);
    assert_eq!(imported["address"], made["address"]);
    assert_eq!(
        imported["phrase"],
        serde_json::Value::Null,
        "a phrase is shown once, when it is made"
    );
}

#[test]
fn an_imported_phrase_gives_the_account_every_tool_gives() {
    let machine = Machine::new();
    std::fs::write(machine.path("phrase"), PHRASE).unwrap();
    let imported = machine.json(&["wallet", "import", "--phrase-file", "phrase"]);
    assert_eq!(imported["address"], FIRST);
    let list = machine.json(&["wallet", "list"]);
    assert_eq!(list[0]["address"], FIRST);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert!(machine.run(&["wallet", "list"]).stdout.contains(FIRST));
    // A keystore never contains its password or phrase.
    for name in names(&machine.path("wallet")) {
        let text = std::fs::read_to_string(machine.path("wallet").join(name)).unwrap();
        assert!(!text.contains("test test") && !text.contains(crate::support::PASSWORD));
    }
}

#[test]
fn an_account_moves_between_wallets_as_a_keystore() {
    let (machine, other) = (Machine::new(), Machine::new());
    let address = machine.account();
    let keystore = machine.path("wallet").join(format!("{}.json", address.to_lowercase()));
    let imported = other.json(&["wallet", "import", "--keystore", keystore.to_str().unwrap()]);
    assert_eq!(imported["address"], address);

    std::fs::write(other.path("wrong"), "battery staple\n").unwrap();
    let wrong = [
        "wallet",
        "import",
        "--keystore",
        keystore.to_str().unwrap(),
        "--keystore-password-file",
        "wrong",
    ];
    other.run(&wrong).assert_fails(1, &["wrong password", keystore.to_str().unwrap()]);
}

#[test]
fn a_phrase_with_a_wrong_word_is_refused() {
    let machine = Machine::new();
    std::fs::write(machine.path("phrase"), PHRASE.replace("junk", "test")).unwrap();
    machine.run(&["wallet", "import", "--phrase-file", "phrase"]).assert_fails(1, &["phrase"]);
    assert_eq!(machine.json(&["wallet", "list"]), serde_json::json!([]));
}

#[test]
fn a_wrong_password_opens_nothing() {
    let machine = Machine::new();
    let address = machine.account();
    let node = machine.node(&["--fund", &format!("{address}=10")]);
    std::fs::write(machine.path("wrong"), "battery staple\n").unwrap();
    let refused = machine.run(&[
        "wallet",
        "send",
        FIRST,
        "1",
        "--rpc",
        &node.url,
        "--password-file",
        "wrong",
    ]);
    refused.assert_fails(1, &["wrong password"]);
    std::fs::write(machine.path("right"), format!("{}\n", crate::support::PASSWORD)).unwrap();
    let sent = machine.json(&[
        "wallet",
        "send",
        FIRST,
        "1",
        "--rpc",
        &node.url,
        "--password-file",
        "right",
    ]);
    assert_eq!(sent["amount"], "1000000000000000000");
}

#[test]
fn an_account_can_not_send_more_than_it_has() {
    let machine = Machine::new();
    let node = machine.node(&["--fund", &format!("{}=1", machine.account())]);
    for amount in ["1", "2"] {
        let refused = machine.run(&["wallet", "send", FIRST, amount, "--rpc", &node.url]);
        refused.assert_fails(1, &["1 GRAIN", "fee"]);
    }
    assert_eq!(machine.json(&["wallet", "balance", FIRST, "--rpc", &node.url])[0]["balance"], "0");
}

#[test]
fn with_several_accounts_the_sender_must_be_named() {
    let machine = Machine::new();
    machine.account();
    let second = machine.account();
    let node = machine.node(&["--fund", &format!("{second}=5")]);
    let unclear = machine.run(&["wallet", "send", FIRST, "1", "--rpc", &node.url]);
    unclear.assert_fails(1, &["--account", "hint: "]);
    let named = ["wallet", "send", FIRST, "1", "--rpc", &node.url, "--account", &second];
    assert_eq!(machine.json(&named)["from"], second);
}

#[test]
fn an_empty_wallet_gives_a_hint() {
    Machine::new().run(&["wallet", "balance"]).assert_fails(1, &["hint: ", "gleaner wallet new"]);
}

#[test]
fn sending_to_the_zero_address_needs_a_confirmation() {
    let machine = Machine::new();
    let node = machine.node(&["--fund", &format!("{}=5", machine.account())]);
    let nobody = "0x0000000000000000000000000000000000000000";
    let send = ["wallet", "send", nobody, "1", "--rpc", &node.url];
    let refused = machine.run(&send);
    refused.assert_fails(1, &["zero address", "nothing was sent", "hint: ", "--yes"]);
    let held =
        || machine.json(&["wallet", "balance", nobody, "--rpc", &node.url])[0]["balance"].clone();
    assert_eq!(held(), "0");
    machine.json(&[&send[..], &["--yes"]].concat());
    // It receives the tips, too.
    assert!(held().as_str().unwrap().starts_with("1000000000000"), "{}", held());
}

/// Nobody has the key of such an address; what refuses GRAIN says which module it is.
#[test]
fn what_is_no_account_gets_no_grain() {
    let machine = Machine::new();
    let account = machine.account();
    let node = machine.node(&["--fund", &format!("{account}=5")]);
    let refused = |to: &str, parts: &[&str]| {
        let finished = machine.run(&["wallet", "send", to, "1", "--rpc", &node.url, "--yes"]);
        finished.assert_fails(1, &[parts, &["hint: ", "the address of an account"]].concat());
    };
    let address = |number: u64| format!("0x{number:040x}");
    for precompile in [1, 2, 4, 9, 10] {
        refused(&address(precompile), &["is a precompile", "nothing was sent"]);
    }
    refused(&address(0x100), &["is a precompile"]);
    let asset = "0x6ca55e7000000000000000000000000000000001";
    let later = "0x6c000000000000000000000000000000000000f0";
    for reserved in [later, asset] {
        refused(reserved, &["kept for a module", "nothing was sent"]);
    }
    machine.json(&["asset", "create", "Barley", "BAR", "--rpc", &node.url]);
    for (module, name) in [("02", "TrainingRuns"), ("03", "GRAIN"), ("06", "UniswapV2Factory")] {
        let to = format!("0x6c000000000000000000000000000000000000{module}");
        refused(&to, &[&format!("is the ledger's module {name}"), "takes no GRAIN"]);
    }
    refused(asset, &["module IssuedAsset", "takes no GRAIN"]);
    for nobody in [asset, later, &address(10)] {
        let held = machine.json(&["wallet", "balance", nobody, "--rpc", &node.url]);
        assert_eq!(held[0]["balance"], "0", "{nobody}");
    }
    // The node itself tells others in words, too.
    let call = serde_json::json!([{ "from": account, "to": address(10), "value": "0x1" }]);
    let told = crate::node::refusal(&node, "eth_estimateGas", &call);
    assert!(told.contains("precompile failed") && !told.contains("Error"), "{told}");
}

#[test]
fn addresses_are_shown_with_their_checksum() {
    let machine = Machine::new();
    let account = machine.account();
    assert_ne!(account, account.to_lowercase());
    let node = machine.node(&["--fund", &format!("{account}=5")]);
    let lower = FIRST.to_lowercase();
    for args in [
        &["wallet", "list"][..],
        &["wallet", "balance", &account.to_lowercase(), "--rpc", &node.url],
        &["wallet", "send", &lower, "1", "--rpc", &node.url],
        &["asset", "create", "Barley", "BAR", "--rpc", &node.url],
        &["asset", "show", "1", "--rpc", &node.url],
        &["asset", "mint", "1", &lower, "1", "--rpc", &node.url],
        &["asset", "balance", "1", &lower, &account, "--rpc", &node.url],
    ] {
        for text in [machine.run(args).stdout, machine.run(&[args, &["--json"]].concat()).stdout] {
            let is_shown = [FIRST, &account].iter().any(|one| text.contains(*one));
            let is_lower = text.contains(&lower) || text.contains(&account.to_lowercase());
            // The keystore's file name is in lower case.
            assert!(is_shown && (!is_lower || args[1] == "list"), "{args:?}: {text}");
        }
    }
}
