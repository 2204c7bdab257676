//! `Devices`: links devices to the accounts that are paid for their work, and holds what accounts say to their devices.
//!
//! A device's key signs the link; its account signs the rest, since [`ACCOUNTS_SPEAK`]. What an account revokes is *a device's
//! work for this account*: so any account may revoke any device, nobody else is touched by it, and a thief who links the device
//! to another account a moment before has saved nothing of what it does for the first one. While the account that a device works for has revoked it, the
//! device can't be linked elsewhere.

use abi::{
    DEVICES,
    Devices::{self, DevicesCalls},
    POLICY_BYTES_MAX, statement,
};
use alloy_primitives::{Address, B256, U256, uint};
use alloy_sol_types::SolCall as _;

use native_kit::{
    Failure, Function, Host, emit,
    slots::{Array, Mapping, Text, Value},
    storage,
};

use crate::signature::check_signature;

/// The first revision in which accounts revoke devices and say a policy.
pub(crate) const ACCOUNTS_SPEAK: u32 = 4;

/// Most devices that one call returns.
const PAGE: u64 = 256;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Devices::accountOfCall::SELECTOR),
    Function::nonpayable(Devices::linkCall::SELECTOR),
    Function::nonpayable(Devices::revokeCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::nonpayable(Devices::restoreCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::nonpayable(Devices::setPolicyCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::view(Devices::isRevokedCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::view(Devices::revokedAtCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::view(Devices::policyOfCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::view(Devices::devicesOfCall::SELECTOR).since(ACCOUNTS_SPEAK),
];

storage! {
    /// `struct Link { address account; uint64 nonce; }`
    struct StoredLink {
        account: Value<Address>,
        nonce: Value<u64>,
    }
}

storage! {
    /// What an account knows of a device: `struct Known { bool isListed; uint64 revokedAt; }`.
    struct StoredKnown {
        is_listed: Value<bool>,
        revoked_at: Value<u64>,
    }
}

storage! {
    /// What an account says to its devices.
    struct StoredAccount {
        known: Mapping<B256, StoredKnown>,
        devices: Array<Value<B256>>,
        policy: Text,
        policy_version: Value<u64>,
        policy_since: Value<u64>,
    }
}

/// `mapping(bytes32 device => Link)`.
const LINKS: Mapping<B256, StoredLink> = Mapping::new(U256::ZERO);
/// `mapping(address => Account)`, since [`ACCOUNTS_SPEAK`].
const ACCOUNTS: Mapping<Address, StoredAccount> = Mapping::new(uint!(1_U256));

/// Account and nonce of a device; zero when it has none.
pub(crate) struct Link {
    pub(crate) account: Address,
    pub(crate) nonce: u64,
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<DevicesCalls>(input).map_err(|_| Failure::bad_call())?;
    match call {
        DevicesCalls::link(call) => link(host, &call)?,
        DevicesCalls::revoke(call) => revoke(host, call.device)?,
        DevicesCalls::restore(call) => restore(host, call.device)?,
        DevicesCalls::setPolicy(call) => set_policy(host, &call.text)?,
        view => return answer(host, view),
    }
    Ok(Vec::new())
}

/// Answers a call that only reads.
fn answer(host: &mut dyn Host, call: DevicesCalls) -> Result<Vec<u8>, Failure> {
    Ok(match call {
        DevicesCalls::accountOf(call) => {
            let Link { account, nonce } = load(host, call.device)?;
            let answer = Devices::accountOfReturn { account, nonce };
            Devices::accountOfCall::abi_encode_returns(&answer)
        }
        DevicesCalls::isRevoked(call) => {
            let account = load(host, call.device)?.account;
            let is_revoked = is_revoked(host, account, call.device)?;
            Devices::isRevokedCall::abi_encode_returns(&is_revoked)
        }
        DevicesCalls::revokedAt(call) => {
            let at = revoked_at(host, call.account, call.device)?;
            Devices::revokedAtCall::abi_encode_returns(&at)
        }
        DevicesCalls::policyOf(call) => {
            let stored = ACCOUNTS.of(host, call.account)?;
            let text = stored.policy.get(host)?;
            let (version, since) =
                (stored.policy_version.get(host)?, stored.policy_since.get(host)?);
            let answer = Devices::policyOfReturn { text, version, since };
            Devices::policyOfCall::abi_encode_returns(&answer)
        }
        DevicesCalls::devicesOf(call) => {
            let listed = ACCOUNTS.of(host, call.account)?.devices;
            let total = listed.len(host)?;
            let mut devices = Vec::new();
            for index in call.start..total.min(call.start.saturating_add(PAGE)) {
                if let Some(device) = listed.element(host, index)? {
                    devices.push(device.get(host)?);
                }
            }
            let answer = Devices::devicesOfReturn { devices, total };
            Devices::devicesOfCall::abi_encode_returns(&answer)
        }
        DevicesCalls::link(_)
        | DevicesCalls::revoke(_)
        | DevicesCalls::restore(_)
        | DevicesCalls::setPolicy(_) => return Err(Failure::bad_call()),
    })
}

/// Reads a link; for other modules too.
pub(crate) fn load(host: &mut dyn Host, device: B256) -> Result<Link, Failure> {
    let stored = LINKS.of(host, device)?;
    let word = host.load_of(DEVICES, stored.account.slot())?;
    Ok(Link { account: stored.account.of_word(word), nonce: stored.nonce.of_word(word) })
}

/// Refuses a device that an account has revoked; for other modules too.
pub(crate) fn check_accepted(
    host: &mut dyn Host,
    account: Address,
    device: B256,
) -> Result<(), Failure> {
    if host.revision() >= ACCOUNTS_SPEAK && is_revoked(host, account, device)? {
        return Err(Failure::revert(&Devices::DeviceRevoked { device, account }));
    }
    Ok(())
}

/// Returns whether an account has revoked a device; for other modules too.
pub(crate) fn is_revoked(
    host: &mut dyn Host,
    account: Address,
    device: B256,
) -> Result<bool, Failure> {
    Ok(revoked_at(host, account, device)? > 0)
}

fn revoked_at(host: &mut dyn Host, account: Address, device: B256) -> Result<u64, Failure> {
    let known = ACCOUNTS.of(host, account)?.known.of(host, device)?;
    known.revoked_at.get_of(host, DEVICES)
}

fn link(host: &mut dyn Host, call: &Devices::linkCall) -> Result<(), Failure> {
    // Checks.
    let Devices::linkCall { device, account, nonce, ref signature } = *call;
    let present = load(host, device)?;
    let expected = present.nonce.saturating_add(1);
    if nonce != expected {
        return Err(Failure::revert(&Devices::StaleNonce { device, expected }));
    }
    let statement = statement::link(host.chain_id(), &device.0, &account.into_array(), nonce);
    check_signature(host, &device.0, &statement, signature)?;
    // Whoever has the key of a revoked device can't escape with it; and nobody can be trapped by an account that revoked it before.
    check_accepted(host, present.account, device)?;
    check_accepted(host, account, device)?;
    // Effects.
    if host.revision() >= ACCOUNTS_SPEAK && !account.is_zero() {
        list(host, account, device)?;
    }
    let stored = LINKS.of(host, device)?;
    let word = stored.nonce.into_word(stored.account.into_word(U256::ZERO, account), nonce);
    host.store(stored.account.slot(), word)?;
    emit(host, &Devices::Linked { device, account, nonce })
}

fn revoke(host: &mut dyn Host, device: B256) -> Result<(), Failure> {
    let account = host.caller();
    check_accepted(host, account, device)?;
    list(host, account, device)?;
    let known = ACCOUNTS.of(host, account)?.known.of(host, device)?;
    let now = host.timestamp().max(1);
    known.revoked_at.set(host, now)?;
    emit(host, &Devices::Revoked { device, account })
}

fn restore(host: &mut dyn Host, device: B256) -> Result<(), Failure> {
    let account = host.caller();
    if !is_revoked(host, account, device)? {
        return Err(Failure::revert(&Devices::NotRevoked { device, account }));
    }
    let known = ACCOUNTS.of(host, account)?.known.of(host, device)?;
    known.revoked_at.set(host, 0)?;
    emit(host, &Devices::Restored { device, account })
}

fn set_policy(host: &mut dyn Host, text: &str) -> Result<(), Failure> {
    let account = host.caller();
    if text.len() > POLICY_BYTES_MAX {
        let (size, max) = (U256::from(text.len()), U256::from(POLICY_BYTES_MAX));
        return Err(Failure::revert(&Devices::PolicyTooLong { size, max }));
    }
    let stored = ACCOUNTS.of(host, account)?;
    let module = host.module();
    stored.policy.set_of(host, module, text)?;
    let (version, since) = (stored.policy_version.get(host)?.saturating_add(1), host.timestamp());
    stored.policy_version.set(host, version)?;
    stored.policy_since.set(host, since)?;
    emit(host, &Devices::PolicySet { account, version, size: U256::from(text.len()) })
}

/// Adds a device to an account's list, once.
fn list(host: &mut dyn Host, account: Address, device: B256) -> Result<(), Failure> {
    let stored = ACCOUNTS.of(host, account)?;
    let is_listed = stored.known.of(host, device)?.is_listed;
    if is_listed.get(host)? {
        return Ok(());
    }
    is_listed.set(host, true)?;
    stored.devices.push(host)?.set(host, device)
}
