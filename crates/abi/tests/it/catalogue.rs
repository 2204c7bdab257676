use std::collections::{BTreeMap, BTreeSet};

use abi::{
    ASSETS, Assets, DEVICES, Devices, Erc20, GRAIN, IssuedAsset, MODULES, Module, ModuleErrors,
    Place, TRAINING_RUNS, TrainingRuns, asset_address,
};
use alloy_primitives::{Address, B256, LogData, U256};
use alloy_sol_types::{SolCall as _, SolError as _, SolEvent as _, SolInterface};

#[test]
fn a_module_is_found_by_address_and_by_name() {
    let found = |address: &Address| Module::at(address).map(|module| module.name);
    assert_eq!(found(&DEVICES), Some("Devices"));
    assert_eq!(found(&TRAINING_RUNS), Some("TrainingRuns"));
    assert_eq!(found(&GRAIN), Some("GRAIN"));
    assert_eq!(found(&ASSETS), Some("Assets"));
    assert_eq!(found(&asset_address(7)), Some("IssuedAsset"));
    assert_eq!(found(&Address::repeat_byte(0x6c)), None);
    assert_eq!(found(&Address::ZERO), None);
    for module in &MODULES {
        if let Some(address) = module.place.address(1) {
            assert_eq!(found(&address), Some(module.name));
        }
        assert_eq!(Module::named(&module.name.to_lowercase()).map(|it| it.name), Some(module.name));
    }
    assert!(Module::named("Nothing").is_none());
}

#[test]
fn a_module_is_known_by_address_and_code() {
    let found = |address: &Address, code: &[u8]| Module::of(address, code).map(|it| it.name);
    let anywhere = Address::repeat_byte(0x77);
    assert_eq!(found(&DEVICES, &[0xfe]), Some("Devices"));
    assert_eq!(found(&DEVICES, &[]), None, "before its revision");
    assert_eq!(found(&anywhere, &[0xfe]), None);
    assert_eq!(found(&anywhere, b"\xefvault"), Some("Vault"));
    assert_eq!(found(&anywhere, b"\xefvaults"), None);
    // EIP-7702: an account with a key that delegates.
    assert_eq!(found(&anywhere, &[&[0xef, 0x01, 0x00][..], &[7; 20]].concat()), None);
}

#[test]
fn names_and_places_are_those_of_one_module_each() {
    let names: BTreeSet<String> = MODULES.iter().map(|module| module.name.to_lowercase()).collect();
    assert_eq!(names.len(), MODULES.len());
    for module in &MODULES {
        let holders = |address| MODULES.iter().filter(move |other| other.place.holds(&address));
        match module.place {
            Place::Fixed(address) => {
                assert_eq!(holders(address).count(), 1, "{}", module.name);
                assert_eq!(module.place.address(9), Some(address), "one address has no numbers");
            }
            Place::Numbered(_) => {
                assert_eq!(holders(module.place.address(1).unwrap()).count(), 1, "{}", module.name);
            }
            Place::Created(kind) => {
                let of_kind = MODULES.iter().filter(|other| other.place == Place::Created(kind));
                assert_eq!(of_kind.count(), 1, "{}", module.name);
            }
        }
        assert!(!module.about().is_empty(), "{}: its first interface has no comment", module.name);
    }
}

/// Compares the types of `sol!` with the parsed interfaces of the same file.
#[test]
fn selectors_are_those_of_the_types() {
    fn check<I: SolInterface>(module: &str, of: impl Fn(&Module) -> Vec<[u8; 4]>) {
        let module = Module::named(module).expect("a module");
        let known: BTreeSet<[u8; 4]> = of(module).into_iter().collect();
        for selector in I::selectors() {
            assert!(known.contains(&selector), "{}: {selector:02x?}", module.name);
        }
    }
    let calls = |module: &Module| module.selectors().collect();
    check::<Devices::DevicesCalls>("Devices", calls);
    check::<TrainingRuns::TrainingRunsCalls>("TrainingRuns", calls);
    check::<Assets::AssetsCalls>("Assets", calls);
    check::<IssuedAsset::IssuedAssetCalls>("IssuedAsset", calls);
    for module in ["GRAIN", "IssuedAsset"] {
        check::<Erc20::Erc20Calls>(module, calls);
    }
    let errors = |module: &Module| {
        let errors = module.interfaces().iter().flat_map(|interface| &interface.errors);
        errors.map(|error| error.selector).collect()
    };
    check::<TrainingRuns::TrainingRunsErrors>("TrainingRuns", errors);
    check::<abi::Erc20Errors::Erc20ErrorsErrors>("IssuedAsset", errors);
    check::<IssuedAsset::IssuedAssetErrors>("IssuedAsset", errors);
    for module in &MODULES {
        check::<ModuleErrors::ModuleErrorsErrors>(module.name, errors);
    }
}

#[test]
fn a_selector_means_one_thing() {
    let mut words: BTreeMap<[u8; 4], &str> = BTreeMap::new();
    for module in &MODULES {
        let selectors: Vec<_> = module.selectors().collect();
        let distinct: BTreeSet<_> = selectors.iter().collect();
        assert_eq!(selectors.len(), distinct.len(), "{}", module.name);
        for error in module.interfaces().iter().flat_map(|interface| &interface.errors) {
            let other = words.insert(error.selector, &error.docs);
            assert!(
                other.is_none_or(|other| other == error.docs),
                "{}: modules word it differently",
                error.name
            );
        }
    }
}

/// The text of a refusal is the comment: it must exist, and name only values of the error.
#[test]
fn every_error_has_a_sentence() {
    for module in &MODULES {
        for error in module.interfaces().iter().flat_map(|interface| &interface.errors) {
            assert!(!error.docs.is_empty(), "{}.{} has no comment", module.name, error.name);
            for place in error.docs.split('{').skip(1) {
                let (place, _) = place.split_once('}').expect("a closing brace");
                let name = place.split(':').next().expect("a name");
                assert!(
                    error.inputs.iter().any(|input| input.name == name),
                    "{}.{}: {{{place}}} is no value of it",
                    module.name,
                    error.name
                );
            }
        }
    }
}

#[test]
fn errors_are_printed_with_their_values() {
    let device = B256::repeat_byte(0xab);
    let (decoded, words) =
        abi::decode_error(&Devices::StaleNonce { device, expected: 3 }.abi_encode())
            .expect("known");
    assert_eq!(decoded.name, "StaleNonce");
    let shown = "ab".repeat(32);
    assert_eq!(words, format!("device {shown} signed an old link: its next nonce is 3"));
    let deposit = U256::from(1_500_000_000_000_000_000_u64);
    let error = TrainingRuns::BudgetTooSmall { deposit, required: deposit + deposit };
    let (_, words) = abi::decode_error(&error.abi_encode()).expect("known");
    assert_eq!(words, "a deposit of 1.5 GRAIN does not cover the terms: give at least 3 GRAIN");
    let whole = error.abi_encode();
    for size in 0..whole.len() {
        assert_eq!(abi::decode_error(&whole[..size]), None, "cut at {size}");
    }
    assert_eq!(abi::decode_error(&[1, 2, 3, 4]), None);
}

#[test]
fn calls_and_events_are_printed_one_field_per_line() {
    let module = Module::at(&TRAINING_RUNS).expect("a module");
    let call = TrainingRuns::lapseCall { run: 7, round: 3 }.abi_encode();
    let told = module.decode_call(&call).expect("a call").to_string();
    assert_eq!(told, "lapse {\n    run: 7,\n    round: 3,\n}");
    assert_eq!(module.decode_call(&call[..67]), None, "cut short");
    let event = TrainingRuns::Left { run: 7, device: B256::repeat_byte(2) }.encode_log_data();
    let told = module.decode_event(&event).expect("an event").to_string();
    assert_eq!(told, format!("Left {{\n    run: 7,\n    device: 0x{},\n}}", "02".repeat(32)));
    let cut = LogData::new_unchecked(event.topics()[..2].to_vec(), event.data.clone());
    assert_eq!(module.decode_event(&cut), None, "a topic is missing");
    let count = Assets::countCall {}.abi_encode();
    let module = Module::at(&ASSETS).expect("a module");
    assert_eq!(module.decode_call(&count).expect("a call").to_string(), "count");
    assert_eq!(module.decode_call(&call), None, "of another module");
}

#[test]
fn an_enum_value_is_printed_by_its_name() {
    let kind = TrainingRuns::Verdict::Mismatch;
    let call = TrainingRuns::verdictCall {
        run: 1,
        round: 2,
        subject: B256::ZERO,
        auditor: B256::ZERO,
        kind,
        value: B256::ZERO,
        signature: vec![].into(),
    };
    let module = Module::at(&TRAINING_RUNS).expect("a module");
    let mut data = call.abi_encode();
    let told = module.decode_call(&data).expect("a call").to_string();
    assert!(told.contains("    kind: Mismatch,\n"), "{told}");
    let place = 4 + 32 * 4 + 31;
    assert_eq!(data[place], 1, "where the kind lies");
    data[place] = 3;
    assert_eq!(module.decode_call(&data), None, "there are three");
}

/// A right-to-left override and a zero-width space would display another text than was stored.
#[test]
fn text_is_shown_with_escapes() {
    let terms = Assets::Terms {
        name: "a\u{202e}b\u{200b}".to_owned(),
        symbol: "é\n".to_owned(),
        decimals: 6,
        cap: U256::MAX,
        uri: String::new(),
        issuer: Address::repeat_byte(0xab),
        pausable: true,
        burnable: false,
        transferable: true,
        renounceable: false,
    };
    let module = Module::at(&ASSETS).expect("a module");
    let told = module.decode_call(&Assets::createCall { terms }.abi_encode()).expect("a call");
    let told = told.to_string();
    assert!(told.contains(r#"name: "a\u{202e}b\u{200b}","#), "{told}");
    assert!(told.contains(r#"symbol: "é\n","#), "{told}");
    assert!(told.contains("issuer: 0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB,"), "{told}");
}

/// Each element may point at the same bytes: small calldata must not become a large value.
#[test]
fn offsets_that_overlap_are_refused() {
    let statements = vec![vec![7; 4_000].into()];
    let module = Module::at(&TRAINING_RUNS).expect("a module");
    let sound = TrainingRuns::relayCall { statements }.abi_encode();
    assert!(module.decode_call(&sound).is_some());
    // The same element many times: the count, then offsets that are all the same.
    let element = &sound[4 + 32 * 3..];
    let count = 100_usize;
    let word = |number: usize| U256::from(number).to_be_bytes::<32>();
    let mut data = sound[..4 + 32].to_vec();
    data.extend(word(count));
    (0..count).for_each(|_| data.extend(word(32 * count)));
    data.extend(element);
    assert!(TrainingRuns::relayCall::abi_decode(&data).is_ok(), "a lenient decoder takes it");
    assert_eq!(module.decode_call(&data), None);
}

#[test]
fn solidity_is_whole_and_reads_as_its_files_do() {
    for module in &MODULES {
        let whole = module.solidity();
        assert_eq!(whole.matches("pragma solidity").count(), 1, "{}", module.name);
        assert_eq!(abi::solidity::read(&whole).expect("it reads"), module.interfaces());
    }
}
