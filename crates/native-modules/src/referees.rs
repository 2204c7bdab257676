//! `Referees`: who decides disputes, as the genesis file says, and later votes.

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    REFEREES, REFEREES_MAX,
    Referees::{self, RefereesCalls},
};
use alloy_primitives::{Address, B256, U256, keccak256, uint};
use alloy_sol_types::SolCall as _;
use native_kit::{
    Failure, Function, Host, emit,
    slots::{Layout as _, Value},
};

use crate::parameters;

/// Where the module answers.
pub const ADDRESS: Address = REFEREES;
/// Largest number of referees.
pub const COUNT_MAX: usize = REFEREES_MAX;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Referees::membersCall::SELECTOR),
    Function::view(Referees::thresholdCall::SELECTOR),
    Function::nonpayable(Referees::setMembersCall::SELECTOR).since(parameters::SINCE),
];

/// `uint16 threshold`.
const THRESHOLD: Value<u16> = Value::new(U256::ZERO, 0);
/// The length of `bytes32[] members`.
const COUNT: Value<u16> = Value::new(uint!(1_U256), 0);

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<RefereesCalls>(input).map_err(|_| Failure::bad_call())?;
    let module = host.module();
    if let RefereesCalls::setMembers(call) = call {
        set_members(host, call)?;
        return Ok(Vec::new());
    }
    let (members, threshold) = load(host, module)?;
    Ok(match call {
        RefereesCalls::members(_) => Referees::membersCall::abi_encode_returns(&members),
        RefereesCalls::setMembers(_) => unreachable!("done above"),
        RefereesCalls::threshold(_) => Referees::thresholdCall::abi_encode_returns(&threshold),
    })
}

fn set_members(host: &mut dyn Host, call: Referees::setMembersCall) -> Result<(), Failure> {
    let Referees::setMembersCall { members, threshold } = call;
    parameters::only_governor(host)?;
    let count = members.len();
    if !(1..=COUNT_MAX).contains(&count) {
        let (count, max) = (U256::from(count), U256::from(COUNT_MAX));
        return Err(Failure::revert(&Referees::MemberCount { count, max }));
    }
    let is_majority = count < usize::from(threshold).saturating_mul(2);
    if !is_majority || usize::from(threshold) > count {
        let count = U256::from(count);
        return Err(Failure::revert(&Referees::ThresholdOutOfRange { threshold, count }));
    }
    let distinct: BTreeSet<&B256> = members.iter().filter(|member| !member.is_zero()).collect();
    if distinct.len() != count {
        return Err(Failure::revert(&Referees::NotDistinct {}));
    }
    let old = COUNT.get(host)?;
    THRESHOLD.set(host, threshold)?;
    COUNT.set(host, u16::try_from(count).unwrap_or(u16::MAX))?;
    let start: U256 = host.keccak256(&COUNT.slot().to_be_bytes::<32>())?.into();
    let nobody = (members.len()..usize::from(old)).map(|_| &B256::ZERO);
    for (index, member) in (0_u64..).zip(members.iter().chain(nobody)) {
        let slot: Value<B256> = Value::at(start.wrapping_add(U256::from(index)), 0);
        slot.set(host, *member)?;
    }
    emit(host, &Referees::MembersChanged { members, threshold })
}

/// Reads the members, and how many must agree; for other modules too.
pub(crate) fn load(host: &mut dyn Host, module: Address) -> Result<(Vec<B256>, u16), Failure> {
    let threshold = THRESHOLD.get_of(host, module)?;
    let count = COUNT.get_of(host, module)?;
    let start: U256 = host.keccak256(&COUNT.slot().to_be_bytes::<32>())?.into();
    let mut members = Vec::new();
    for index in 0..count {
        let member: Value<B256> = Value::at(start.wrapping_add(U256::from(index)), 0);
        members.push(member.get_of(host, module)?);
    }
    Ok((members, threshold))
}

/// Returns the module's storage on a ledger that begins with these referees: their ed25519 keys, and how many of them must agree.
#[must_use]
pub fn storage(members: &[B256], threshold: u16) -> BTreeMap<U256, U256> {
    let start: U256 = keccak256(COUNT.slot().to_be_bytes::<32>()).into();
    let keys = (0_u64..).zip(members);
    let keys = keys.map(|(index, key)| (start.wrapping_add(U256::from(index)), (*key).into()));
    let heads =
        [(THRESHOLD.slot(), U256::from(threshold)), (COUNT.slot(), U256::from(members.len()))];
    heads.into_iter().chain(keys).collect()
}

#[cfg(test)]
mod tests {
    use native_kit::test_host::TestHost;

    use super::*;
    use crate::TABLE;

    #[test]
    fn the_views_say_what_genesis_wrote() {
        let mut host = TestHost::new(TABLE);
        let ask = |host: &mut TestHost| {
            let members = host.read(REFEREES, &Referees::membersCall {}.abi_encode()).unwrap();
            let threshold = host.read(REFEREES, &Referees::thresholdCall {}.abi_encode()).unwrap();
            (
                Referees::membersCall::abi_decode_returns(&members).unwrap(),
                Referees::thresholdCall::abi_decode_returns(&threshold).unwrap(),
            )
        };
        assert_eq!(ask(&mut host), (Vec::new(), 0));
        let keys: Vec<B256> = (1..=3).map(B256::repeat_byte).collect();
        host.within(REFEREES, |host| {
            storage(&keys, 2).into_iter().try_for_each(|(slot, word)| host.store(slot, word))
        })
        .unwrap();
        assert_eq!(ask(&mut host), (keys.clone(), 2));
        let read = host.within(abi::TRAINING_RUNS, |host| load(host, REFEREES));
        assert_eq!(read.unwrap(), (keys, 2), "another module reads the same");
    }
}
