//! `Referees`: who decides disputes, as the genesis file says.

use abi::Referees::{self, RefereesCalls};
use alloy_primitives::{Address, B256, U256, uint};
use alloy_sol_types::{SolCall as _, SolInterface as _};
use native_kit::{
    Failure, Function, Host,
    slots::{Layout as _, Value},
};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Referees::membersCall::SELECTOR),
    Function::view(Referees::thresholdCall::SELECTOR),
];

/// `uint16 threshold`.
const THRESHOLD: Value<u16> = Value::new(U256::ZERO, 0);
/// The length of `bytes32[] members`.
const COUNT: Value<u16> = Value::new(uint!(1_U256), 0);

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = RefereesCalls::abi_decode_validate(input).map_err(|_| Failure::bad_call())?;
    let module = host.module();
    let (members, threshold) = load(host, module)?;
    Ok(match call {
        RefereesCalls::members(_) => Referees::membersCall::abi_encode_returns(&members),
        RefereesCalls::threshold(_) => Referees::thresholdCall::abi_encode_returns(&threshold),
    })
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
