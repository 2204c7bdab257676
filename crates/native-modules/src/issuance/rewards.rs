//! Rewards: what has vested is issued to whoever earned it, and the treasury's part to the treasury.

use abi::{Issuance as sol, TREASURY, convert::wei_word};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use issuance::{Grant, Schedule};
use native_kit::{Failure, Host, emit};
use units::{UnixSeconds, Wei};

use super::{
    epoch_now,
    layout::{STORAGE, StoredAccount},
    schedule,
};

/// Number of epochs with work that are paid or counted at once: 19 years.
const GRANTS_MAX: u64 = 1_024;

/// Pays the caller everything that has vested.
pub(super) fn claim(host: &mut dyn Host) -> Result<Vec<u8>, Failure> {
    let account = host.caller();
    let stored = STORAGE.accounts.of(host, account)?;
    let schedule = schedule(host)?;
    let now = UnixSeconds::new(host.timestamp());
    let (first, end) = range(host, &stored)?;
    let (mut due, mut finished) = (0_u128, first);
    for index in first..end {
        let Some(place) = stored.grants.element(host, index)? else { break };
        let mut grant = place.load(host)?;
        if now < schedule.end_of(grant.epoch) {
            break;
        }
        let reward = reward(host, &schedule, &grant)?;
        let vested = Grant::vested(reward, schedule.end_of(grant.epoch), now);
        due = due.saturating_add(grant.pay(vested).as_u128());
        place.store(host, &grant)?;
        if finished == index && done(&schedule, &grant) <= now {
            finished = index.saturating_add(1);
        }
    }
    if due == 0 {
        return Err(Failure::revert(&sol::NothingVested {}));
    }
    stored.first.set(host, finished)?;
    let amount = U256::from(due);
    host.issue(account, amount)?;
    emit(host, &sol::RewardPaid { account, amount })?;
    Ok(sol::claimCall::abi_encode_returns(&amount))
}

/// Returns the time at which a grant has vested completely.
fn done(schedule: &Schedule, grant: &Grant) -> UnixSeconds {
    let end = schedule.end_of(grant.epoch).as_u64();
    UnixSeconds::new(end.saturating_add(issuance::VESTING_SECONDS))
}

/// Returns the indices of the grants that are paid or counted.
fn range(host: &mut dyn Host, stored: &StoredAccount) -> Result<(u64, u64), Failure> {
    let (first, len) = (stored.first.get(host)?, stored.grants.len(host)?);
    Ok((first, len.min(first.saturating_add(GRANTS_MAX))))
}

fn reward(host: &mut dyn Host, schedule: &Schedule, grant: &Grant) -> Result<Wei, Failure> {
    let epoch = STORAGE.epochs.of(host, grant.epoch)?.load(host)?;
    Ok(grant.reward(&schedule.buckets(grant.epoch), &epoch))
}

/// Returns the rewards of an account.
pub(super) fn of(host: &mut dyn Host, account: Address) -> Result<sol::Rewards, Failure> {
    let stored = STORAGE.accounts.of(host, account)?;
    let (first, end) = range(host, &stored)?;
    let (mut earned, mut vested, mut paid, mut work) = (0_u128, 0_u128, 0_u128, 0);
    if first < end {
        let (schedule, now) = (schedule(host)?, UnixSeconds::new(host.timestamp()));
        for index in first..end {
            let Some(place) = stored.grants.element(host, index)? else { break };
            let grant = place.load(host)?;
            let over = schedule.end_of(grant.epoch);
            if now < over {
                work = grant.work;
                break;
            }
            let reward = reward(host, &schedule, &grant)?;
            earned = earned.saturating_add(reward.as_u128());
            vested = vested.saturating_add(Grant::vested(reward, over, now).as_u128());
            paid = paid.saturating_add(grant.paid.as_u128());
        }
    }
    Ok(sol::Rewards {
        earned: U256::from(earned),
        vested: U256::from(vested),
        paid: U256::from(paid),
        claimable: U256::from(vested.saturating_sub(paid)),
        vesting: U256::from(earned.saturating_sub(vested)),
        work,
    })
}

/// Issues the treasury's part of an epoch, in the epoch after it.
pub(super) fn fund(host: &mut dyn Host, epoch: u32) -> Result<(), Failure> {
    let (schedule, current) = epoch_now(host)?;
    if epoch.checked_add(1) != Some(current) {
        return Err(Failure::revert(&sol::WrongEpoch { epoch, current }));
    }
    let stored = STORAGE.epochs.of(host, epoch)?;
    if stored.is_funded.get(host)? {
        return Err(Failure::revert(&sol::FundedAlready { epoch }));
    }
    let buckets = schedule.buckets(epoch);
    let (retroactive, rebates) = (wei_word(buckets.retroactive), wei_word(buckets.rebates));
    stored.is_funded.set(host, true)?;
    let amount = retroactive.saturating_add(rebates);
    if !amount.is_zero() {
        host.issue(TREASURY, amount)?;
    }
    emit(host, &sol::Funded { epoch, retroactive, rebates })
}
