//! `Devices`: links devices to the accounts that are paid for their work.

use abi::{
    DEVICES,
    Devices::{self, DevicesCalls},
    statement,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall as _;

use native_kit::{
    Failure, Function, Host, emit,
    slots::{Mapping, Value},
    storage,
};

use crate::signature::check_signature;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Devices::accountOfCall::SELECTOR),
    Function::nonpayable(Devices::linkCall::SELECTOR),
];

storage! {
    /// `struct Link { address account; uint64 nonce; }`
    struct StoredLink {
        account: Value<Address>,
        nonce: Value<u64>,
    }
}

/// `mapping(bytes32 device => Link)`.
const LINKS: Mapping<B256, StoredLink> = Mapping::new(U256::ZERO);

/// Account and nonce of a device; zero when it has none.
pub(crate) struct Link {
    pub(crate) account: Address,
    pub(crate) nonce: u64,
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<DevicesCalls>(input).map_err(|_| Failure::bad_call())?;
    match call {
        DevicesCalls::accountOf(call) => {
            let Link { account, nonce } = load(host, call.device)?;
            Ok(Devices::accountOfCall::abi_encode_returns(&Devices::accountOfReturn {
                account,
                nonce,
            }))
        }
        DevicesCalls::link(call) => link(host, &call),
    }
}

/// Reads a link; for other modules too.
pub(crate) fn load(host: &mut dyn Host, device: B256) -> Result<Link, Failure> {
    let stored = LINKS.of(host, device)?;
    let word = host.load_of(DEVICES, stored.account.slot())?;
    Ok(Link { account: stored.account.of_word(word), nonce: stored.nonce.of_word(word) })
}

fn link(host: &mut dyn Host, call: &Devices::linkCall) -> Result<Vec<u8>, Failure> {
    let Devices::linkCall { device, account, nonce, ref signature } = *call;
    let expected = load(host, device)?.nonce.saturating_add(1);
    if nonce != expected {
        return Err(Failure::revert(&Devices::StaleNonce { device, expected }));
    }
    let statement = statement::link(host.chain_id(), &device.0, &account.into_array(), nonce);
    check_signature(host, &device.0, &statement, signature)?;
    let stored = LINKS.of(host, device)?;
    let word = stored.nonce.into_word(stored.account.into_word(U256::ZERO, account), nonce);
    host.store(stored.account.slot(), word)?;
    emit(host, &Devices::Linked { device, account, nonce })?;
    Ok(Vec::new())
}
