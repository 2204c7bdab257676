//! The table agrees with the interface of each module.

use std::collections::BTreeMap;

use abi::{
    MODULES,
    interface::{Interface, Mutability as Declared},
};
use native_kit::{Answers, Module, Mutability, Place};

use crate::{NEWEST_REVISION, TABLE, is_reserved};

fn declared(interface: &Interface) -> impl Iterator<Item = (Answers, Mutability)> {
    interface.functions.iter().map(|function| {
        let mutability = match function.mutability {
            Declared::Pure | Declared::View => Mutability::View,
            Declared::Nonpayable => Mutability::Nonpayable,
            Declared::Payable => Mutability::Payable,
        };
        (Answers::Selector(function.selector), mutability)
    })
}

/// Checks that each function is listed once, with the mutability of its declaration.
fn check(module: &Module) {
    let name = module.name;
    let listed = module.functions.concat();
    let by_answer: BTreeMap<Answers, Mutability> =
        listed.iter().map(|function| (function.answers, function.mutability)).collect();
    assert_eq!(by_answer.len(), listed.len(), "{name}: a function is listed twice");
    let catalogued = abi::Module::named(name)
        .unwrap_or_else(|| panic!("{name}: the catalogue of `abi` has no such module"));
    let mut expected: BTreeMap<Answers, Mutability> =
        catalogued.interfaces().iter().flat_map(declared).collect();
    // An interface file has no functions without a name.
    let nameless = by_answer.iter().filter(|(answers, _)| !matches!(answers, Answers::Selector(_)));
    expected.extend(nameless.map(|(answers, _)| (*answers, Mutability::Payable)));
    assert_eq!(by_answer, expected, "{name}");
    if let abi::Place::Created(kind) = catalogued.place {
        let code = [&[0xef][..], kind.as_bytes()].concat();
        assert!(matches!(module.place, Place::Instances(found) if *found == code), "{name}");
    }
    for address in [1, 7].into_iter().filter_map(|number| catalogued.place.address(number)) {
        let found = TABLE.iter().find(|row| match row.place {
            native_kit::Place::At(place) => place == address,
            native_kit::Place::Reserved(is_reserved) => is_reserved(&address),
            native_kit::Place::Instances(_) => false,
        });
        assert_eq!(found.map(|row| row.name), Some(name), "{name}: at {address}");
    }
}

#[test]
fn the_table_says_what_the_catalogue_says() {
    TABLE.iter().for_each(check);
    assert_eq!(TABLE.len(), MODULES.len(), "a module is in one of them only");
}

#[test]
fn every_row_is_of_a_known_revision_and_at_an_address_that_is_kept_free() {
    for module in TABLE {
        assert!((1..=NEWEST_REVISION).contains(&module.since), "{}", module.name);
        if let Place::At(address) = module.place {
            let bytes: Vec<u8> = address.iter().rev().skip(1).rev().copied().collect();
            assert_eq!(bytes, [&[0x6c][..], &[0; 18]].concat(), "{}", module.name);
            assert!(is_reserved(&address), "{}", module.name);
        }
    }
    let mut later = abi::GRAIN;
    later.0[19] = 0xff;
    assert!(is_reserved(&later), "modules to come");
    later.0[18] = 1;
    assert!(!is_reserved(&later));
}
