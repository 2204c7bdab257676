//! Calls that only read.

use abi::{
    Issuance::{self as sol, IssuanceCalls as Calls},
    convert::wei_word,
};
use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall as _;
use issuance::Stage;
use native_kit::{Failure, Host};
use units::{UnixSeconds, Wei};

use super::{claims, layout::STORAGE, out_of_range, rewards, schedule};
use crate::training_runs::work;

/// Answers a call that only reads.
pub(super) fn answer(host: &mut dyn Host, call: Calls) -> Result<Vec<u8>, Failure> {
    Ok(match call {
        Calls::schedule(_) => {
            let (start, supply) = (STORAGE.start.get(host)?, STORAGE.supply.get(host)?);
            let now = UnixSeconds::new(host.timestamp());
            let epoch = if start == 0 { Some(0) } else { schedule(host)?.epoch_at(now) };
            let (supply, epoch) = (U256::from(supply), epoch.ok_or_else(out_of_range)?);
            sol::scheduleCall::abi_encode_returns(&sol::scheduleReturn { start, supply, epoch })
        }
        Calls::buckets(call) => {
            let buckets = schedule(host)?.buckets(call.epoch);
            sol::bucketsCall::abi_encode_returns(&sol::Buckets {
                work: wei_word(buckets.work),
                floor: wei_word(buckets.floor),
                retroactive: wei_word(buckets.retroactive),
                rebates: wei_word(buckets.rebates),
            })
        }
        Calls::totals(call) => {
            let all = STORAGE.epochs.of(host, call.epoch)?.load(host)?;
            sol::totalsCall::abi_encode_returns(&sol::Totals {
                work: all.work,
                floor: all.floor.as_u128(),
                devices: all.devices,
                funded: all.is_funded,
            })
        }
        Calls::operationsPerToken(call) => {
            let operations = STORAGE.operations.of(host, call.run)?.get(host)?;
            sol::operationsPerTokenCall::abi_encode_returns(&operations)
        }
        Calls::work(call) => {
            sol::workCall::abi_encode_returns(&of_device(host, call.run, call.device)?)
        }
        Calls::quote(call) => {
            sol::quoteCall::abi_encode_returns(&quote(host, call.run, call.device)?)
        }
        Calls::rewards(call) => {
            sol::rewardsCall::abi_encode_returns(&rewards::of(host, call.account)?)
        }
        Calls::issued(_) => sol::issuedCall::abi_encode_returns(&STORAGE.issued.get(host)?),
        _ => return Err(Failure::bad_call()),
    })
}

fn of_device(host: &mut dyn Host, run: u64, device: B256) -> Result<sol::Work, Failure> {
    let stored = STORAGE.claims.of(host, run)?.of(host, device)?;
    let (claim, account) = (stored.load(host)?, stored.account.get(host)?);
    let (rate, released) = (claims::rate(host, run)?, work::released(host, run, device)?);
    let is_void = STORAGE.voids.of(host, run)?.of(host, account)?.get(host)?
        || work::is_barred(host, run, device)?;
    let collectable = if is_void { Wei::ZERO } else { claim.collectable(released) };
    let tokens = collectable.as_u128().checked_div(rate.price.as_u128()).unwrap_or(0);
    let tokens = u64::try_from(tokens).map_err(|_| out_of_range())?;
    let burn = rate.burn_up(tokens).map_err(|_| out_of_range())?;
    let (stage, draws_from, rounds) = match &claim.stage {
        Stage::Idle => (sol::Stage::Idle, 0, Vec::new()),
        Stage::Requested { height, rounds, .. } => {
            (sol::Stage::Requested, height.saturating_add(2), rounds.clone())
        }
        Stage::Drawn { samples } => (sol::Stage::Drawn, 0, samples.clone()),
    };
    Ok(sol::Work {
        account,
        stage,
        drawsFrom: draws_from,
        rounds,
        nextRound: claim.next_round,
        pay: claim.pay.as_u128(),
        bond: claim.bond.as_u128(),
        checkedPay: claim.checked.as_u128(),
        releasedPay: released.as_u128(),
        collectedPay: claim.collected.as_u128(),
        collectable: collectable.as_u128(),
        burn: burn.as_u128(),
        isVoid: is_void,
    })
}

fn quote(host: &mut dyn Host, run: u64, device: B256) -> Result<sol::Quote, Failure> {
    let found = claims::claimable(host, run, device)?;
    let claim = STORAGE.claims.of(host, run)?.of(host, device)?.load(host)?;
    let fresh = found.rounds.iter().filter(|(round, _)| claim.next_round <= *round);
    let (mut rounds, mut pay) = (0_usize, Wei::ZERO);
    for (_, round_pay) in fresh {
        rounds = rounds.saturating_add(1);
        pay = pay.checked_add(*round_pay).map_err(|_| out_of_range())?;
    }
    let bond = claims::offer(host, &found)?.required(rounds).map_err(|_| out_of_range())?;
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    Ok(sol::Quote { rounds, pay: pay.as_u128(), bond: bond.as_u128() })
}
