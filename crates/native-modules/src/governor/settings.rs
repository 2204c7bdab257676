//! Settings that only a proposal of the governor itself changes.

use abi::{GovernorCore as Core, GovernorCore::GovernorCoreCalls as Calls};
use alloy_primitives::{U256, aliases::U48};
use native_kit::{Failure, Host, emit};

use super::{Mode, only_governance};

/// A new value of a setting.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setting {
    VotingDelay(U48),
    VotingPeriod(u32),
    ProposalThreshold(U256),
    VoteExtension(U48),
    ExecutionDelay(u32),
}

/// Executes a call that changes a setting.
pub(super) fn call(host: &mut dyn Host, mode: &dyn Mode, call: &Calls) -> Result<(), Failure> {
    only_governance(host)?;
    match call {
        Calls::setVotingDelay(call) => {
            let (new, old) = (call.newVotingDelay, mode.voting_delay(host)?);
            let event = Core::VotingDelaySet {
                oldVotingDelay: U256::from(old),
                newVotingDelay: U256::from(new),
            };
            change(host, mode, Setting::VotingDelay(new), &event)
        }
        Calls::setVotingPeriod(call) => {
            let (new, old) = (call.newVotingPeriod, mode.voting_period(host)?);
            if new == 0 {
                let voting_period = U256::ZERO;
                return Err(Failure::revert(&Core::GovernorInvalidVotingPeriod {
                    votingPeriod: voting_period,
                }));
            }
            let event = Core::VotingPeriodSet {
                oldVotingPeriod: U256::from(old),
                newVotingPeriod: U256::from(new),
            };
            change(host, mode, Setting::VotingPeriod(new), &event)
        }
        Calls::setProposalThreshold(call) => {
            let (new, old) = (call.newProposalThreshold, mode.proposal_threshold(host)?);
            let event =
                Core::ProposalThresholdSet { oldProposalThreshold: old, newProposalThreshold: new };
            change(host, mode, Setting::ProposalThreshold(new), &event)
        }
        Calls::setLateQuorumVoteExtension(call) => {
            let (new, old) = (call.newVoteExtension, mode.vote_extension(host)?);
            let event = Core::LateQuorumVoteExtensionSet {
                oldVoteExtension: old,
                newVoteExtension: new.to(),
            };
            change(host, mode, Setting::VoteExtension(new), &event)
        }
        Calls::setExecutionDelay(call) => {
            let (new, old) = (call.newExecutionDelay, mode.execution_delay(host)?);
            let event = Core::ExecutionDelaySet {
                oldExecutionDelay: U256::from(old),
                newExecutionDelay: U256::from(new),
            };
            change(host, mode, Setting::ExecutionDelay(new), &event)
        }
        _ => unreachable!("answered before"),
    }
}

fn change(
    host: &mut dyn Host,
    mode: &dyn Mode,
    setting: Setting,
    event: &impl alloy_sol_types::SolEvent,
) -> Result<(), Failure> {
    emit(host, event)?;
    mode.set(host, setting)
}
