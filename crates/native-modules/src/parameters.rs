//! `Parameters`: figures that modules read each time they decide, and that a vote may change within published bands.

use abi::{
    GOVERNOR, PARAMETERS,
    Parameters::{self, ParametersCalls},
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall as _;
use governance::{Class, Parameter, ParameterError};
use native_kit::{
    Failure, Function, Host, emit,
    slots::{Mapping, Value},
};

/// The revision from which on modules obey what is voted.
pub(crate) const SINCE: u32 = 3;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Parameters::valueOfCall::SELECTOR),
    Function::view(Parameters::parameterCall::SELECTOR),
    Function::view(Parameters::allCall::SELECTOR),
    Function::nonpayable(Parameters::setCall::SELECTOR),
];

/// `mapping(bytes32 key => uint256)`: the value and one, or 0 until a vote has changed it.
const CHANGED: Mapping<B256, Value<U256>> = Mapping::new(U256::ZERO);

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<ParametersCalls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        ParametersCalls::set(call) => {
            set(host, call.key, call.value)?;
            Vec::new()
        }
        ParametersCalls::valueOf(call) => {
            let value = load(host, known(call.key)?)?;
            Parameters::valueOfCall::abi_encode_returns(&U256::from(value))
        }
        ParametersCalls::parameter(call) => {
            let shown = shown(host, known(call.key)?)?;
            Parameters::parameterCall::abi_encode_returns(&shown)
        }
        ParametersCalls::all(_) => {
            let all = governance::PARAMETERS.iter().map(|parameter| shown(host, parameter));
            let all = all.collect::<Result<Vec<_>, _>>()?;
            Parameters::allCall::abi_encode_returns(&all)
        }
    })
}

/// Changes a parameter.
fn set(host: &mut dyn Host, key: B256, value: U256) -> Result<(), Failure> {
    only_governor(host)?;
    let parameter = known(key)?;
    // What does not fit is above every band.
    let narrow = u128::try_from(value).unwrap_or(u128::MAX);
    parameter.check(narrow).map_err(|error| match error {
        ParameterError::OutOfBand { least, most, .. } => {
            let (least, most) = (U256::from(least), U256::from(most));
            Failure::revert(&Parameters::OutOfBand { key, value, least, most })
        }
        ParameterError::Unknown => unknown(key),
    })?;
    let before = U256::from(load(host, parameter)?);
    let kept = U256::from(narrow).saturating_add(U256::ONE);
    CHANGED.of(host, key)?.set(host, kept)?;
    emit(host, &Parameters::Changed { key, before, value })
}

/// Returns the value of a parameter; for other modules too.
pub(crate) fn load(host: &mut dyn Host, parameter: &Parameter) -> Result<u128, Failure> {
    let kept = CHANGED.of(host, B256::from(parameter.key()))?.get_of(host, PARAMETERS)?;
    let Some(value) = kept.checked_sub(U256::ONE) else { return Ok(parameter.default) };
    // A value is written only within its band.
    u128::try_from(value).map_err(|_| Failure::Broken("a parameter is outside its band".to_owned()))
}

/// Refuses everybody but the Governor, which calls for a proposal that has passed.
pub(crate) fn only_governor(host: &dyn Host) -> Result<(), Failure> {
    let caller = host.caller();
    if caller == GOVERNOR {
        return Ok(());
    }
    Err(Failure::revert(&Parameters::NotGovernor { caller }))
}

/// Returns whether the caller is the Governor and may act for an owner that is not named.
pub(crate) fn governs(host: &dyn Host, owner: Address) -> bool {
    owner.is_zero() && host.caller() == GOVERNOR && host.revision() >= SINCE
}

fn known(key: B256) -> Result<&'static Parameter, Failure> {
    governance::parameter(&key.0).map_err(|_| unknown(key))
}

fn unknown(key: B256) -> Failure {
    Failure::revert(&Parameters::UnknownParameter { key })
}

fn shown(host: &mut dyn Host, parameter: &Parameter) -> Result<Parameters::Parameter, Failure> {
    let value = U256::from(load(host, parameter)?);
    let Parameter { name, unit, docs, default, least, most, class } = *parameter;
    Ok(Parameters::Parameter {
        key: parameter.key().into(),
        name: name.to_owned(),
        unit: unit.to_owned(),
        about: docs.to_owned(),
        value,
        initial: U256::from(default),
        least: U256::from(least),
        most: U256::from(most),
        class: match class {
            Class::Routine => Parameters::Class::Routine,
            Class::Ordinary => Parameters::Class::Ordinary,
            Class::Constitutional => Parameters::Class::Constitutional,
        },
    })
}
