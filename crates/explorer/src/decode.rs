//! Calls and events of native modules, by the catalogue of interfaces.

use abi::Module;
use alloy_primitives::{Address, Log, LogData};

/// Returns a call of a native module as text. `None` when there is no module at the address, or it does not have this call.
pub(crate) fn call(to: &Address, data: &[u8]) -> Option<String> {
    Some(Module::at(to)?.decode_call(data)?.to_string())
}

/// Returns a log entry of a native module as text.
pub(crate) fn event(log: &Log<LogData>) -> Option<String> {
    Some(Module::at(&log.address)?.decode_event(&log.data)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{
        ASSETS, Assets, DEVICES, Erc20, GRAIN, IssuedAsset, TRAINING_RUNS, TrainingRuns,
        asset_address,
    };
    use alloy_primitives::{B256, U256};
    use alloy_sol_types::{SolCall, SolEvent};

    #[test]
    fn native_calls_and_events_are_decoded() {
        let data = TrainingRuns::lapseCall { run: 7, round: 3 }.abi_encode();
        assert_eq!(call(&TRAINING_RUNS, &data).unwrap(), "lapse {\n    run: 7,\n    round: 3,\n}");
        assert_eq!(call(&DEVICES, &data), None, "not of this module");
        assert_eq!(call(&TRAINING_RUNS, &data[..5]), None, "cut short");
        let event_data =
            TrainingRuns::Left { run: 7, device: B256::repeat_byte(2) }.encode_log_data();
        let text = event(&Log { address: TRAINING_RUNS, data: event_data }).unwrap();
        assert!(text.starts_with("Left {\n    run: 7,\n    device: 0x0202"), "{text}");
    }
    #[test]
    fn calls_and_events_of_assets_are_decoded() {
        let (to, value) = (Address::repeat_byte(7), U256::from(5));
        let transfer = Erc20::transferCall { to, value }.abi_encode();
        let asset = asset_address(3);
        for address in [GRAIN, asset] {
            let text = call(&address, &transfer).unwrap();
            assert!(text.starts_with("transfer {\n    to: 0x0707"), "{text}");
            let data = Erc20::Transfer { from: to, to, value }.encode_log_data();
            let text = event(&Log { address, data }).unwrap();
            assert!(text.starts_with("Transfer {\n    from: 0x0707"), "{text}");
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
