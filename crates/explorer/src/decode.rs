//! Calls and events of native modules in words.

use abi::{
    ASSETS, Assets, DEVICES, Devices, Erc20, GRAIN, IssuedAsset, TRAINING_RUNS, TrainingRuns,
    asset_number,
};
use alloy_primitives::{Address, Log, LogData};
use alloy_sol_types::{SolEventInterface, SolInterface};

/// What calldata asks of a native module, or `None` when it is none, or nothing it knows.
pub(crate) fn call(to: &Address, data: &[u8]) -> Option<String> {
    match *to {
        DEVICES => words(&Devices::DevicesCalls::abi_decode(data).ok()?),
        TRAINING_RUNS => words(&TrainingRuns::TrainingRunsCalls::abi_decode(data).ok()?),
        ASSETS => words(&Assets::AssetsCalls::abi_decode(data).ok()?),
        GRAIN => words(&Erc20::Erc20Calls::abi_decode(data).ok()?),
        _ if asset_number(to).is_some() => match Erc20::Erc20Calls::abi_decode(data) {
            Ok(call) => words(&call),
            Err(_) => words(&IssuedAsset::IssuedAssetCalls::abi_decode(data).ok()?),
        },
        _ => None,
    }
}

/// What a native module tells.
pub(crate) fn event(log: &Log<LogData>) -> Option<String> {
    match log.address {
        DEVICES => words(&Devices::DevicesEvents::decode_log(log).ok()?.data),
        TRAINING_RUNS => words(&TrainingRuns::TrainingRunsEvents::decode_log(log).ok()?.data),
        ASSETS => words(&Assets::AssetsEvents::decode_log(log).ok()?.data),
        GRAIN => words(&Erc20::Erc20Events::decode_log(log).ok()?.data),
        _ if asset_number(&log.address).is_some() => match Erc20::Erc20Events::decode_log(log) {
            Ok(event) => words(&event.data),
            Err(_) => words(&IssuedAsset::IssuedAssetEvents::decode_log(log).ok()?.data),
        },
        _ => None,
    }
}

/// `name(cancelCall { run: 7 })` as `cancel`, then a field a line.
fn words(item: &impl std::fmt::Debug) -> Option<String> {
    let text = format!("{item:#?}");
    // The variant of the interface around the item itself.
    let inner =
        text.split_once('(')?.1.trim().trim_end_matches(')').trim_end().trim_end_matches(',');
    let lines: Vec<&str> =
        inner.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let text = lines.join("\n");
    let (name, rest) = text.split_at(text.find([' ', '\n']).unwrap_or(text.len()));
    Some(format!("{}{rest}", name.strip_suffix("Call").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::asset_address;
    use alloy_primitives::{B256, U256};
    use alloy_sol_types::{SolCall, SolEvent};

    #[test]
    fn native_calls_and_events_are_told_by_name() {
        let data = TrainingRuns::lapseCall { run: 7, round: 3 }.abi_encode();
        assert_eq!(call(&TRAINING_RUNS, &data).unwrap(), "lapse {\n    run: 7,\n    round: 3,\n}");
        assert_eq!(call(&DEVICES, &data), None, "not of this module");
        assert_eq!(call(&TRAINING_RUNS, &data[..5]), None, "cut short");
        let event_data =
            TrainingRuns::Left { run: 7, device: B256::repeat_byte(2) }.encode_log_data();
        let told = event(&Log { address: TRAINING_RUNS, data: event_data }).unwrap();
        assert!(told.starts_with("Left {\n    run: 7,\n    device: 0x0202"), "{told}");
    }
    #[test]
    fn calls_and_events_of_assets_are_told_by_name() {
        let (to, value) = (Address::repeat_byte(7), U256::from(5));
        let transfer = Erc20::transferCall { to, value }.abi_encode();
        let asset = asset_address(3);
        for address in [GRAIN, asset] {
            let told = call(&address, &transfer).unwrap();
            assert!(told.starts_with("transfer {\n    to: 0x0707"), "{told}");
            let data = Erc20::Transfer { from: to, to, value }.encode_log_data();
            let told = event(&Log { address, data }).unwrap();
            assert!(told.starts_with("Transfer {\n    from: 0x0707"), "{told}");
        }
        let mint = IssuedAsset::mintCall { to, value }.abi_encode();
        assert!(call(&asset, &mint).unwrap().starts_with("mint {"));
        assert_eq!(call(&GRAIN, &mint), None, "nobody mints GRAIN");
        let data = IssuedAsset::Paused { account: to }.encode_log_data();
        assert!(event(&Log { address: asset, data }).unwrap().starts_with("Paused {"));
        assert_eq!(call(&ASSETS, &Assets::countCall {}.abi_encode()).unwrap(), "count");
        assert_eq!(call(&Address::repeat_byte(0x6c), &transfer), None, "not ours");
    }
}
