//! Statements of devices, as anyone may send them to a node: refused with a sentence, or accepted in their one encoding.
#![no_main]

use abi::{DEVICES, Module, TRAINING_RUNS};
use alloy_primitives::Bytes;
use libfuzzer_sys::fuzz_target;
use node::StatementError;

fuzz_target!(|input: (bool, u8, &[u8])| {
    let (is_link, function, arguments) = input;
    let to = if is_link { DEVICES } else { TRAINING_RUNS };
    let module = Module::at(&to).expect("a module");
    let selectors: Vec<[u8; 4]> = module.selectors().collect();
    // One more than there are: calldata without a known selector.
    let mut data = match selectors.get(usize::from(function) % (selectors.len() + 1)) {
        Some(selector) => selector.to_vec(),
        None => Vec::new(),
    };
    data.extend(arguments);
    let node = gleaner_fuzz::node();
    let height = node.head().number;
    let submitted = node.submit_statement(to, Bytes::from(data), [127, 0, 0, 1].into());
    // The relay account has no funds, so nothing is sent.
    let error = submitted.expect_err("nobody can sign for a device by chance");
    assert!(!matches!(error, StatementError::Store), "the store is whole");
    assert!(!error.to_string().contains("internal"), "{error}");
    assert_eq!(node.head().number, height);
});
