//! Proposals: their posting, queueing, execution and withdrawal.

use abi::GovernorCore as Core;
use alloy_primitives::{Address, B256, Bytes, U256};
use governance::proposal::{State, required_proposer};
use native_kit::{Call, Failure, Host, Outcome, emit};

use super::{Actions, Mode, check_state, stored, unexpected};

/// Refuses a description that names another proposer.
pub(super) fn check_proposer(proposer: Address, description: &str) -> Result<(), Failure> {
    match required_proposer(description.as_bytes()) {
        Some(required) if required != proposer => {
            Err(Failure::revert(&Core::GovernorRestrictedProposer { proposer }))
        }
        _ => Ok(()),
    }
}

/// Returns the id of new actions, and refuses lists that do not belong together, and what was proposed before.
pub(super) fn new_id(
    host: &mut dyn Host,
    mode: &dyn Mode,
    actions: &Actions,
    description: &str,
) -> Result<U256, Failure> {
    let description_hash = host.keccak256(description.as_bytes())?;
    let id = actions.id(host, description_hash)?;
    let sizes = [actions.targets.len(), actions.calldatas.len(), actions.values.len()];
    let [targets, calldatas, values] = sizes.map(U256::from);
    if targets != values || targets != calldatas || targets.is_zero() {
        return Err(Failure::revert(&Core::GovernorInvalidProposalLength {
            targets,
            calldatas,
            values,
        }));
    }
    if !stored().proposals.of(host, id)?.vote_start.get(host)?.is_zero() {
        return Err(unexpected(id, mode.state(host, id)?, 0));
    }
    Ok(id)
}

/// Emits the event of a new proposal.
pub(super) fn announce(
    host: &mut dyn Host,
    (id, proposer): (U256, Address),
    actions: Actions,
    (vote_start, vote_end): (U256, U256),
    description: String,
) -> Result<(), Failure> {
    let Actions { targets, values, calldatas } = actions;
    let signatures = vec![String::new(); targets.len()];
    emit(
        host,
        &Core::ProposalCreated {
            proposalId: id,
            proposer,
            targets,
            values,
            signatures,
            calldatas,
            voteStart: vote_start,
            voteEnd: vote_end,
            description,
        },
    )
}

pub(super) fn queue(
    host: &mut dyn Host,
    mode: &dyn Mode,
    actions: &Actions,
    description_hash: B256,
) -> Result<U256, Failure> {
    let id = actions.id(host, description_hash)?;
    check_state(host, mode, id, State::Succeeded.bit())?;
    let eta = mode.queue(host, id)?;
    emit(host, &Core::ProposalQueued { proposalId: id, etaSeconds: U256::from(eta) })?;
    Ok(id)
}

pub(super) fn execute(
    host: &mut dyn Host,
    mode: &dyn Mode,
    actions: &Actions,
    description_hash: B256,
) -> Result<U256, Failure> {
    let id = actions.id(host, description_hash)?;
    check_state(host, mode, id, State::Succeeded.bit() | State::Queued.bit())?;
    mode.begin_execution(host, id, actions)?;
    let values = actions.values.iter().zip(&actions.calldatas);
    for (target, (value, calldata)) in actions.targets.iter().zip(values) {
        make_call(host, *target, *value, calldata.clone())?;
    }
    mode.end_execution(host)?;
    emit(host, &Core::ProposalExecuted { proposalId: id })?;
    Ok(id)
}

pub(super) fn cancel(
    host: &mut dyn Host,
    mode: &dyn Mode,
    actions: &Actions,
    description_hash: B256,
) -> Result<U256, Failure> {
    let id = actions.id(host, description_hash)?;
    let account = host.caller();
    let proposer = stored().proposals.of(host, id)?.proposer.get(host)?;
    if mode.state(host, id)? != State::Pending || account != proposer {
        return Err(Failure::revert(&Core::GovernorUnableToCancel { proposalId: id, account }));
    }
    mode.cancel(host, id)?;
    emit(host, &Core::ProposalCanceled { proposalId: id })?;
    Ok(id)
}

/// Makes a call as the governor, and passes its revert on. As with any low-level call, an account without code accepts everything.
pub(super) fn make_call(
    host: &mut dyn Host,
    target: Address,
    value: U256,
    input: Bytes,
) -> Result<(), Failure> {
    match host.call(&Call { value, ..Call::new(target, input) })? {
        Outcome::Returned(_) => Ok(()),
        Outcome::Reverted(reason) if !reason.is_empty() => Err(Failure::Revert(reason)),
        Outcome::Reverted(_) | Outcome::Halted => Err(Failure::revert(&Core::FailedCall {})),
    }
}
