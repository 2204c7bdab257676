//! `Devices`: who is paid for a device's work.

use abi::{
    DEVICES,
    Devices::{self, DevicesCalls},
    ModuleErrors, statement,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall as _, SolInterface as _};

use crate::{
    host::{Failure, Host, check_signature, emit},
    slots::mapping,
};

/// `mapping(bytes32 device => uint256)`: account in the low 160 bits, nonce above.
const LINKS: u64 = 0;

/// Account and nonce of a device; zero when it has none.
pub(crate) struct Link {
    pub(crate) account: Address,
    pub(crate) nonce: u64,
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8], is_static: bool) -> Result<Vec<u8>, Failure> {
    let call = DevicesCalls::abi_decode_validate(input)
        .map_err(|_| Failure::revert(&ModuleErrors::BadCall {}))?;
    if !host.value().is_zero() {
        return Err(Failure::revert(&ModuleErrors::ValueNotAllowed {}));
    }
    match call {
        DevicesCalls::accountOf(call) => {
            let Link { account, nonce } = load(host, call.device)?;
            Ok(Devices::accountOfCall::abi_encode_returns(&Devices::accountOfReturn {
                account,
                nonce,
            }))
        }
        DevicesCalls::link(_) if is_static => {
            Err(Failure::revert(&ModuleErrors::StaticCallNotAllowed {}))
        }
        DevicesCalls::link(call) => link(host, &call),
    }
}

/// Reads a link; for other modules too.
pub(crate) fn load(host: &mut dyn Host, device: B256) -> Result<Link, Failure> {
    let packed = host.load_of(DEVICES, mapping(device, LINKS))?;
    let account = Address::from_word(B256::from(packed));
    let nonce = (packed >> 160_usize).wrapping_to::<u64>();
    Ok(Link { account, nonce })
}

fn link(host: &mut dyn Host, call: &Devices::linkCall) -> Result<Vec<u8>, Failure> {
    let Devices::linkCall { device, account, nonce, ref signature } = *call;
    let expected = load(host, device)?.nonce.saturating_add(1);
    if nonce != expected {
        return Err(Failure::revert(&Devices::StaleNonce { device, expected }));
    }
    let statement = statement::link(host.chain_id(), &device.0, &account.into_array(), nonce);
    check_signature(host, &device.0, &statement, signature)?;
    let packed = (U256::from(nonce) << 160_usize) | U256::from_be_bytes(account.into_word().0);
    host.store(mapping(device, LINKS), packed)?;
    emit(host, &Devices::Linked { device, account, nonce })?;
    Ok(Vec::new())
}
