//! What devices and referees sign, checked and turned into inputs of the rules.

use abi::{
    REFEREES,
    TrainingRuns::{self as sol, TrainingRunsCalls as Calls, Verdict},
    convert::{account, device, digest},
    statement,
};
use alloy_primitives::U256;
use native_kit::{Failure, Host};
use training_run::{Commitment, Finding, Input, Ruling};
use units::seal;

use crate::{devices, referees, signature::check_signature};

/// Gas for a BLAKE3 seal: one compression, priced generously.
const SEAL_GAS: u64 = 200;

/// Returns the run that a statement is about.
pub(super) fn run_of(call: &Calls) -> Option<u64> {
    match call {
        Calls::enroll(call) => Some(call.run),
        Calls::leave(call) => Some(call.run),
        Calls::commit(call) => Some(call.run),
        Calls::verdict(call) => Some(call.run),
        _ => None,
    }
}

/// Checks the signature of a statement, and returns its run and what it asks for.
pub(super) fn input(host: &mut dyn Host, call: &Calls) -> Result<(u64, Input), Failure> {
    match call {
        Calls::enroll(call) => enroll(host, call),
        Calls::leave(call) => {
            let sol::leaveCall { run, device: key, nonce, signature } = call;
            let signed = statement::leave(host.chain_id(), *run, &key.0, *nonce);
            check_signature(host, &key.0, &signed, signature)?;
            Ok((*run, Input::Leave { device: device(*key), nonce: *nonce }))
        }
        Calls::commit(call) => {
            let sol::commitCall { run, round, device: key, sealedRoot, update, signature } = call;
            let (run, round) = (*run, *round);
            let signed = statement::commit(host.chain_id(), run, round, &sealedRoot.0, &update.0);
            check_signature(host, &key.0, &signed, signature)?;
            let commitment = Commitment { seal: digest(*sealedRoot), update: digest(*update) };
            Ok((run, Input::Commit { device: device(*key), round, commitment }))
        }
        Calls::verdict(call) => verdict(host, call),
        _ => Err(Failure::revert(&sol::NotAStatement {})),
    }
}

fn enroll(host: &mut dyn Host, call: &sol::enrollCall) -> Result<(u64, Input), Failure> {
    let sol::enrollCall { run, device: key, nonce, signature } = call;
    let signed = statement::enroll(host.chain_id(), *run, &key.0, *nonce);
    check_signature(host, &key.0, &signed, signature)?;
    let link = devices::load(host, *key)?;
    if link.account.is_zero() {
        return Err(Failure::revert(&sol::NotLinked { device: *key }));
    }
    let (device, account, nonce) = (device(*key), account(link.account), *nonce);
    Ok((*run, Input::Enroll { device, account, nonce }))
}

fn verdict(host: &mut dyn Host, call: &sol::verdictCall) -> Result<(u64, Input), Failure> {
    let sol::verdictCall { run, round, subject, auditor, kind, value, ref signature } = *call;
    let signed = statement::verdict(host.chain_id(), run, round, &subject.0, kind, &value.0);
    check_signature(host, &auditor.0, &signed, signature)?;
    let finding = match kind {
        Verdict::Opened => {
            host.charge(SEAL_GAS)?;
            Finding::Passed { seal: seal(&device(subject), &digest(value)) }
        }
        Verdict::Mismatch => Finding::Mismatch,
        Verdict::Unavailable => Finding::Unavailable,
        Verdict::__Invalid => return Err(Failure::bad_call()),
    };
    let (auditor, subject) = (device(auditor), device(subject));
    Ok((run, Input::Verdict { auditor, round, subject, finding }))
}

/// Checks that enough of the ledger's referees signed a ruling, and returns it.
pub(super) fn ruling(host: &mut dyn Host, call: &sol::ruleCall) -> Result<Ruling, Failure> {
    let sol::ruleCall { run, round, subject, kind, root, update, ref signatures } = *call;
    let (members, threshold) = referees::load(host, REFEREES)?;
    let values = [&root.0, &update.0];
    let signed = statement::ruling(host.chain_id(), run, round, &subject.0, kind, values);
    let mut seen = Vec::new();
    for signature in signatures {
        if members.contains(&signature.referee) && !seen.contains(&signature.referee) {
            check_signature(host, &signature.referee.0, &signed, &signature.signature)?;
            seen.push(signature.referee);
        }
    }
    if threshold == 0 || seen.len() < usize::from(threshold) {
        let (given, required) = (U256::from(seen.len()), U256::from(threshold.max(1)));
        return Err(Failure::revert(&sol::NotEnoughReferees { given, required }));
    }
    match kind {
        sol::Ruling::Replayed => {
            host.charge(SEAL_GAS)?;
            let seal = seal(&device(subject), &digest(root));
            Ok(Ruling::Replayed { seal, update: digest(update) })
        }
        sol::Ruling::Unavailable => Ok(Ruling::Unavailable),
        sol::Ruling::__Invalid => Err(Failure::bad_call()),
    }
}
