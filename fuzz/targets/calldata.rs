//! Calldata of every native module, for each of its functions: an answer or a refusal, never a fault, and the same twice.
#![no_main]

use alloy_primitives::{TxKind, U256};
use alloy_sol_types::SolInterface as _;
use execution::{Call, CallError};
use libfuzzer_sys::fuzz_target;
use node::CallBlock;

fuzz_target!(|input: (u8, u8, u128, &[u8])| {
    let (module, function, value, arguments) = input;
    let erc20 = || abi::Erc20::Erc20Calls::selectors();
    let modules: [(_, Vec<[u8; 4]>); 5] = [
        (abi::DEVICES, abi::Devices::DevicesCalls::selectors().collect()),
        (abi::TRAINING_RUNS, abi::TrainingRuns::TrainingRunsCalls::selectors().collect()),
        (abi::GRAIN, erc20().collect()),
        (abi::ASSETS, abi::Assets::AssetsCalls::selectors().collect()),
        (abi::asset_address(1), erc20().chain(abi::IssuedAsset::IssuedAssetCalls::selectors()).collect()),
    ];
    let (address, selectors) = &modules[usize::from(module) % modules.len()];
    // One more than there are: calldata without a known selector.
    let mut data = match selectors.get(usize::from(function) % (selectors.len() + 1)) {
        Some(selector) => selector.to_vec(),
        None => Vec::new(),
    };
    data.extend(arguments);
    let call = Call {
        from: gleaner_fuzz::CALLER,
        to: TxKind::Call(*address),
        value: U256::from(value),
        ..Call::question(*address, data.into())
    };
    let node = gleaner_fuzz::node();
    let answer = node.call(&call, CallBlock::Latest);
    assert!(!matches!(&answer, Err(CallError::State(_))), "the store is whole");
    let (answer, again) = (format!("{answer:?}"), format!("{:?}", node.call(&call, CallBlock::Latest)));
    assert_eq!(answer, again);
    assert!(!answer.contains("internal fault"), "{answer}");
});
