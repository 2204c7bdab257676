//! `StakingRewardsFactory`: creates `StakingRewards` for any pair of tokens.

use abi::{
    StakingRewards,
    StakingRewardsFactory::{self, StakingRewardsFactoryCalls as Calls},
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use native_kit::{Failure, Function, Host, emit, emit_of, slots::Layout as _};
use staking::rewards::REWARDS_DURATION;

use super::{CODE, Storage};
use crate::{openzeppelin::answer, registry::Registry};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(StakingRewardsFactory::countCall::SELECTOR),
    Function::view(StakingRewardsFactory::atCall::SELECTOR),
    Function::view(StakingRewardsFactory::isInstanceCall::SELECTOR),
    Function::nonpayable(StakingRewardsFactory::createCall::SELECTOR),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let registry = Registry::new();
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::count(_) => answer(registry.count(host)?),
        Calls::at(call) => answer(registry.at(host, call.index)?),
        Calls::isInstance(call) => answer(registry.is_instance(host, call.account)?),
        Calls::create(call) => answer(create(host, registry, &call)?),
    })
}

/// What the contract's constructor does.
fn create(
    host: &mut dyn Host,
    registry: Registry,
    call: &StakingRewardsFactory::createCall,
) -> Result<Address, Failure> {
    let StakingRewardsFactory::createCall { owner, rewardsDistribution, .. } = *call;
    let (rewards_token, staking_token) = (call.rewardsToken, call.stakingToken);
    if owner.is_zero() {
        return Err(Failure::message("Owner address cannot be 0"));
    }
    let instance = registry.create(host, &CODE)?;
    let stored = Storage::at(U256::ZERO, 0);
    stored.owner.set_of(host, instance, owner)?;
    stored.rewards_distribution.set_of(host, instance, rewardsDistribution)?;
    stored.guard_counter.set_of(host, instance, U256::ONE)?;
    stored.rewards_token.set_of(host, instance, rewards_token)?;
    stored.pays_stakes.set_of(host, instance, rewards_token == staking_token)?;
    stored.staking_token.set_of(host, instance, staking_token)?;
    stored.rewards_duration.set_of(host, instance, REWARDS_DURATION)?;
    let changed = StakingRewards::OwnerChanged { oldOwner: Address::ZERO, newOwner: owner };
    emit_of(host, instance, &changed)?;
    emit(
        host,
        &StakingRewardsFactory::StakingRewardsCreated {
            instance,
            rewardsToken: rewards_token,
            stakingToken: staking_token,
            owner,
            rewardsDistribution,
        },
    )?;
    Ok(instance)
}
