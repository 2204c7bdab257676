//! The table must list the functions of each interface.

use std::collections::BTreeSet;

use abi::{Assets, Devices, Erc20, IssuedAsset, TrainingRuns};
use alloy_sol_types::SolInterface;
use native_kit::Module;

use crate::TABLE;

fn check<I: SolInterface>(name: &str, more: &[[u8; 4]]) {
    let module: &Module = TABLE.iter().find(|module| module.name == name).unwrap();
    let listed: Vec<[u8; 4]> =
        module.functions.concat().iter().map(|function| function.selector).collect();
    let distinct: BTreeSet<[u8; 4]> = listed.iter().copied().collect();
    assert_eq!(distinct.len(), listed.len(), "{name}: a function is listed twice");
    let expected: BTreeSet<[u8; 4]> = I::selectors().chain(more.iter().copied()).collect();
    assert_eq!(distinct, expected, "{name}");
}

#[test]
fn every_function_of_an_interface_is_in_the_table_once() {
    let erc20: Vec<[u8; 4]> = Erc20::Erc20Calls::selectors().collect();
    check::<Devices::DevicesCalls>("Devices", &[]);
    check::<TrainingRuns::TrainingRunsCalls>("TrainingRuns", &[]);
    check::<Erc20::Erc20Calls>("GRAIN", &[]);
    check::<Assets::AssetsCalls>("Assets", &[]);
    check::<IssuedAsset::IssuedAssetCalls>("IssuedAsset", &erc20);
}
