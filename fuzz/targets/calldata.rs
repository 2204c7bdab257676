//! Calldata of every native module, for each of its functions: an answer or a refusal, never a fault, and the same twice.
#![no_main]

use abi::MODULES;
use alloy_primitives::{TxKind, U256};
use execution::{Call, CallError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u128, &[u8])| {
    let (module, function, value, arguments) = input;
    let module = &MODULES[usize::from(module) % MODULES.len()];
    let selectors: Vec<[u8; 4]> = module.selectors().collect();
    // One more than there are: calldata without a known selector.
    let mut data = match selectors.get(usize::from(function) % (selectors.len() + 1)) {
        Some(selector) => selector.to_vec(),
        None => Vec::new(),
    };
    data.extend(arguments);
    // What is shown of it must be shown too.
    let _ = module.decode_call(&data).map(|call| call.to_string());
    let address = gleaner_fuzz::instance(module);
    let call = Call {
        from: gleaner_fuzz::CALLER,
        to: TxKind::Call(address),
        value: U256::from(value),
        ..Call::read_only(address, data.into())
    };
    let node = gleaner_fuzz::node();
    let answer = node.call(&call);
    assert!(!matches!(&answer, Err(CallError::State(_))), "the store is whole");
    let (answer, again) = (format!("{answer:?}"), format!("{:?}", node.call(&call)));
    assert_eq!(answer, again);
    assert!(!answer.contains("internal fault"), "{answer}");
});
