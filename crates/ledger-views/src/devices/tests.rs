use std::{convert::Infallible, sync::Mutex};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolInterface as _;

use super::*;
use crate::{AccountState, Call, Head, LogFilter, Outcome, PlacedLog, ready};

const ACCOUNT: AccountId = AccountId::from_bytes([8; 20]);

/// A ledger that lists so many devices for every account: the even ones are linked to [`ACCOUNT`], every tenth was revoked.
struct Lists {
    total: u64,
    policy: String,
    asked: Mutex<usize>,
}

impl Lists {
    fn of(total: u64) -> Self {
        Self { total, policy: String::new(), asked: Mutex::new(0) }
    }
}

fn device(number: u64) -> B256 {
    B256::from(U256::from(number))
}

impl Ask for Lists {
    type Error = Infallible;

    async fn head(&self) -> Result<Head, Infallible> {
        unreachable!("devices have no block")
    }

    async fn block(&self, _: u64) -> Result<Option<Head>, Infallible> {
        unreachable!("devices have no block")
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, Infallible> {
        *self.asked.lock().unwrap() += 1;
        let number = |device: B256| U256::from_be_bytes(device.0).to::<u64>();
        let answer = |call: Call| match Devices::DevicesCalls::abi_decode(&call.input).unwrap() {
            Devices::DevicesCalls::devicesOf(call) => {
                let devices = (call.start..self.total.min(call.start + 256)).map(device).collect();
                let total = self.total;
                let answer = Devices::devicesOfReturn { devices, total };
                Devices::devicesOfCall::abi_encode_returns(&answer)
            }
            Devices::DevicesCalls::accountOf(call) => {
                let is_linked = number(call.device).is_multiple_of(2);
                let account =
                    if is_linked { convert::address(ACCOUNT) } else { Address::repeat_byte(9) };
                let answer = Devices::accountOfReturn { account, nonce: 1 };
                Devices::accountOfCall::abi_encode_returns(&answer)
            }
            Devices::DevicesCalls::revokedAt(call) => {
                let at = if number(call.device).is_multiple_of(10) { 77 } else { 0 };
                Devices::revokedAtCall::abi_encode_returns(&at)
            }
            Devices::DevicesCalls::policyOf(_) => {
                let text = self.policy.clone();
                let answer = Devices::policyOfReturn { text, version: 3, since: 1 };
                Devices::policyOfCall::abi_encode_returns(&answer)
            }
            _ => unreachable!("nothing else is read"),
        };
        Ok(calls.into_iter().map(|call| Outcome::Returned(answer(call).into())).collect())
    }

    async fn account(&self, _: Address) -> Result<AccountState, Infallible> {
        unreachable!("devices are no accounts")
    }

    async fn logs(&self, _: LogFilter) -> Result<Vec<PlacedLog>, Infallible> {
        unreachable!("devices are no logs")
    }
}

#[test]
fn a_list_that_strangers_have_made_long_is_read_in_part_and_its_length_is_known() {
    for (total, read) in [(0, 0), (1, 1), (256, 256), (600, LISTED_MAX), (9_000_000, LISTED_MAX)] {
        let ledger = Lists::of(total);
        let listed = ready(listed(&ledger, &ACCOUNT)).unwrap();
        assert_eq!((listed.total, listed.devices.len()), (total, read));
        assert!(*ledger.asked.lock().unwrap() <= 3);
    }
}

#[test]
fn many_devices_are_asked_about_in_few_requests() {
    let ledger = Lists::of(600);
    let devices = ready(listed(&ledger, &ACCOUNT)).unwrap().devices;
    let ties = ready(ties(&ledger, &ACCOUNT, &devices)).unwrap();
    assert_eq!(ties.len(), devices.len());
    for (number, tie) in (0_u64..).zip(&ties) {
        let revoked = number.is_multiple_of(10).then_some(UnixSeconds::new(77));
        let other = convert::account_if_any(Address::repeat_byte(9));
        let linked_to = if number.is_multiple_of(2) { Some(ACCOUNT) } else { other };
        assert_eq!(*tie, Tie { linked_to, revoked });
    }
    assert!(*ledger.asked.lock().unwrap() <= 20);
}

/// The ledger keeps none, so a node that gives one lies; an agent would keep it.
#[test]
fn a_policy_longer_than_a_ledger_keeps_is_an_error() {
    let read = |size: usize| {
        let ledger = Lists { policy: "#".repeat(size), ..Lists::of(0) };
        ready(orders(&ledger, &ACCOUNT, &DeviceId::ZERO))
    };
    assert_eq!(read(POLICY_BYTES_MAX).unwrap().unwrap().policy.version, 3);
    assert!(read(POLICY_BYTES_MAX + 1).unwrap_err().to_string().contains("4097 bytes"));
}
