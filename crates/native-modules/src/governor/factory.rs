//! `GovernorFactory`: creates governors over any token with votes.

use abi::{
    GovernorCore as Core,
    GovernorFactory::{self, GovernorFactoryCalls as Calls},
};
use alloy_primitives::{Address, U256, aliases::U208};
use alloy_sol_types::SolCall as _;
use governance::proposal::QUORUM_DENOMINATOR;
use native_kit::{Failure, Function, Host, emit};

use super::{
    checkpoints, narrow, stored, time,
    token::{CODE, clock_of},
};
use crate::{openzeppelin::answer, registry::Registry};

/// Longer names would be stored in another slot by the contract.
const NAME_BYTES_MAX: usize = 31;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(GovernorFactory::countCall::SELECTOR),
    Function::view(GovernorFactory::atCall::SELECTOR),
    Function::view(GovernorFactory::isInstanceCall::SELECTOR),
    Function::nonpayable(GovernorFactory::createCall::SELECTOR),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let registry = Registry::new();
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::count(_) => answer(registry.count(host)?),
        Calls::at(call) => answer(registry.at(host, call.index)?),
        Calls::isInstance(call) => answer(registry.is_instance(host, call.account)?),
        Calls::create(call) => answer(create(host, registry, call.terms)?),
    })
}

fn create(
    host: &mut dyn Host,
    registry: Registry,
    terms: GovernorFactory::Terms,
) -> Result<Address, Failure> {
    let quorum = check(host, &terms)?;
    let now = clock_of(host, terms.token)?;
    let governor = registry.create(host, &CODE)?;
    let slots = stored();
    slots.name.set_of(host, governor, &terms.name)?;
    slots.proposal_threshold.set_of(host, governor, terms.proposalThreshold)?;
    let word = slots.voting_delay.into_word(U256::ZERO, terms.votingDelay);
    let word = slots.voting_period.into_word(word, terms.votingPeriod);
    host.set_of(governor, slots.voting_period.slot(), word)?;
    slots.vote_extension.set_of(host, governor, terms.voteExtension)?;
    slots.execution_delay.set_of(host, governor, terms.executionDelay)?;
    slots.token.set_of(host, governor, terms.token.into_word().into())?;
    checkpoints::begin(host, governor, slots.quorum_numerators, (time(now)?, quorum))?;
    let (creator, token, name) = (host.caller(), terms.token, terms.name);
    emit(host, &GovernorFactory::TokenGovernorCreated { governor, token, creator, name })?;
    Ok(governor)
}

/// Checks terms, and returns the quorum.
fn check(host: &mut dyn Host, terms: &GovernorFactory::Terms) -> Result<U208, Failure> {
    let size = terms.name.len();
    if size == 0 || size > NAME_BYTES_MAX {
        let (size, max) = (U256::from(size), U256::from(NAME_BYTES_MAX));
        return Err(Failure::revert(&GovernorFactory::NameSize { size, max }));
    }
    if !host.has_code(terms.token)? {
        return Err(Failure::revert(&GovernorFactory::NoToken { token: terms.token }));
    }
    if terms.votingPeriod == 0 {
        let voting_period = U256::ZERO;
        let error = Core::GovernorInvalidVotingPeriod { votingPeriod: voting_period };
        return Err(Failure::revert(&error));
    }
    let denominator = U256::from(QUORUM_DENOMINATOR);
    if terms.quorumNumerator > denominator {
        return Err(Failure::revert(&abi::TokenGovernor::GovernorInvalidQuorumFraction {
            quorumNumerator: terms.quorumNumerator,
            quorumDenominator: denominator,
        }));
    }
    narrow(terms.quorumNumerator)
}
