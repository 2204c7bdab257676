//! What devices and referees sign, checked and turned into inputs of the rules.

use abi::{
    LEAVES_MAX, REFEREES,
    TrainingRuns::{self as sol, TrainingRunsCalls as Calls, Verdict},
    convert::{account, device, digest},
    statement::{self, Found},
};
use alloy_primitives::U256;
use native_kit::{Failure, Host};
use training_run::{Commitment, Finding, Input, Panel, Ruling};
use units::{merkle_root, seal};

use crate::{devices, referees, signature::check_signature};

/// Gas for a BLAKE3 seal: one compression, priced generously.
const SEAL_GAS: u64 = 200;

/// Gas for a leaf of a Merkle tree: three compressions, its own and two of a node.
const LEAF_GAS: u64 = 600;

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
    devices::check_accepted(host, link.account, *key)?;
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

/// Checks the signature of a referee's vote, and returns it.
pub(super) fn vote(host: &mut dyn Host, call: &sol::ruleCall) -> Result<Input, Failure> {
    let &sol::ruleCall { round, subject, referee, kind, leaf, root, update, run, ref signature } =
        call;
    let found = Found { kind, leaf, root: root.0, update: update.0 };
    if !found.is_canonical() {
        return Err(Failure::bad_call());
    }
    let signed = statement::ruling(host.chain_id(), run, round, &subject.0, &found);
    check_signature(host, &referee.0, &signed, signature)?;
    let (subject, referee) = (device(subject), device(referee));
    let ruling = match kind {
        sol::Ruling::Replayed => {
            host.charge(SEAL_GAS)?;
            Ruling::Replayed { seal: seal(&subject, &digest(root)), update: digest(update) }
        }
        sol::Ruling::Differs => Ruling::Differs { leaf },
        sol::Ruling::Unavailable => Ruling::Unavailable,
        sol::Ruling::__Invalid => return Err(Failure::bad_call()),
    };
    let (members, threshold) = referees::load(host, REFEREES)?;
    let panel = Panel { members: members.into_iter().map(device).collect(), threshold };
    Ok(Input::Rule { round, subject, referee, ruling, panel })
}

/// Seals the root of disclosed leaves, which need no signature: only whoever knows what a seal was made over can make it again.
pub(super) fn disclosure(host: &mut dyn Host, call: &sol::discloseCall) -> Result<Input, Failure> {
    let sol::discloseCall { round, subject, ref leaves, .. } = *call;
    let given = leaves.len();
    if given == 0 || LEAVES_MAX < given {
        let (given, max) = (U256::from(given), U256::from(LEAVES_MAX));
        return Err(Failure::revert(&sol::LeafCount { given, max }));
    }
    host.charge(LEAF_GAS.saturating_mul(u64::try_from(given).unwrap_or(u64::MAX)))?;
    host.charge(SEAL_GAS)?;
    let leaves: Vec<_> = leaves.iter().copied().map(digest).collect();
    let subject = device(subject);
    Ok(Input::Disclose { round, subject, seal: seal(&subject, &merkle_root(&leaves)) })
}
