//! `Parameters`: only the Governor changes them, within their bands, and modules obey.

use abi::{GOVERNOR, PARAMETERS, Parameters, TRAINING_RUNS, TrainingRuns};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolError};
use governance::{AUDIT_RATE_FLOOR, Parameter};
use native_kit::{Failure, test_host::TestHost};

use super::{DEPOSIT, OWNER, open, terms};
use crate::TABLE;

fn key(parameter: &Parameter) -> B256 {
    parameter.key().into()
}

fn set(host: &mut TestHost, caller: Address, key: B256, value: U256) -> Result<Vec<u8>, Failure> {
    host.transact(PARAMETERS, caller, 0, &Parameters::setCall { key, value }.abi_encode())
}

fn value(host: &mut TestHost, key: B256) -> U256 {
    let read = host.read(PARAMETERS, &Parameters::valueOfCall { key }.abi_encode()).unwrap();
    Parameters::valueOfCall::abi_decode_returns(&read).unwrap()
}

fn check_refused(result: Result<Vec<u8>, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

#[test]
fn the_views_show_every_parameter() {
    let mut host = TestHost::new(TABLE);
    let read = host.read(PARAMETERS, &Parameters::allCall {}.abi_encode()).unwrap();
    let all = Parameters::allCall::abi_decode_returns(&read).unwrap();
    assert_eq!(all.len(), governance::PARAMETERS.len());
    for (shown, parameter) in all.iter().zip(governance::PARAMETERS) {
        assert_eq!((shown.key, shown.name.as_str()), (key(parameter), parameter.name));
        assert_eq!((shown.value, shown.initial), (value(&mut host, shown.key), shown.value));
        assert_eq!(u128::try_from(shown.least).unwrap(), parameter.least);
        assert_eq!(u128::try_from(shown.most).unwrap(), parameter.most);
        assert_eq!(shown.class as u8, parameter.class.number());
        let call = Parameters::parameterCall { key: shown.key };
        let read = host.read(PARAMETERS, &call.abi_encode()).unwrap();
        assert_eq!(Parameters::parameterCall::abi_decode_returns(&read).as_ref(), Ok(shown));
    }
}

#[test]
fn only_the_governor_changes_a_parameter_and_only_within_its_band() {
    let mut host = TestHost::new(TABLE);
    for parameter in governance::PARAMETERS {
        let key = key(parameter);
        let (least, most) = (U256::from(parameter.least), U256::from(parameter.most));
        check_refused(
            set(&mut host, OWNER, key, least),
            &Parameters::NotGovernor { caller: OWNER },
        );
        for value in [least - U256::ONE, most + U256::ONE, U256::MAX] {
            let error = Parameters::OutOfBand { key, value, least, most };
            check_refused(set(&mut host, GOVERNOR, key, value), &error);
        }
        assert_eq!(value(&mut host, key), U256::from(parameter.default));
        for chosen in [most, least, U256::from(parameter.default)] {
            set(&mut host, GOVERNOR, key, chosen).unwrap();
            assert_eq!(value(&mut host, key), chosen);
        }
    }
    let key = B256::repeat_byte(1);
    let refused = set(&mut host, GOVERNOR, key, U256::ONE);
    check_refused(refused, &Parameters::UnknownParameter { key });
}

#[test]
fn a_run_opens_only_with_at_least_the_audit_rate_that_is_voted() {
    let mut host = TestHost::new(TABLE);
    host.give(OWNER, 2 * DEPOSIT);
    let rate = u128::from(terms().auditRate);
    let floor = |value: u128| U256::from(value);
    set(&mut host, GOVERNOR, key(&AUDIT_RATE_FLOOR), floor(rate)).unwrap();
    host.transact(TRAINING_RUNS, OWNER, DEPOSIT, &open()).unwrap();
    // The terms name the highest floor that the band allows, so they are lowered instead.
    let lower = TrainingRuns::openCall {
        terms: TrainingRuns::Terms { auditRate: terms().auditRate - 1, ..terms() },
        name: "oat".to_owned(),
        auditor: B256::ZERO,
        coordinator: B256::ZERO,
        endpoint: String::new(),
    };
    let refused = host.transact(TRAINING_RUNS, OWNER, DEPOSIT, &lower.abi_encode());
    let error = TrainingRuns::TermOutOfRange {
        field: "audit_rate".to_owned(),
        value: u64::from(terms().auditRate) - 1,
        allowed: "5000 to 10000 basis points, as the parameter training-runs.audit-rate-floor says"
            .to_owned(),
    };
    check_refused(refused, &error);
    set(&mut host, GOVERNOR, key(&AUDIT_RATE_FLOOR), floor(rate - 1)).unwrap();
    host.transact(TRAINING_RUNS, OWNER, DEPOSIT, &lower.abi_encode()).unwrap();
}
