//! Claims: requested, drawn, concluded, collected.

use abi::{
    Issuance::{self as sol, Cause},
    TRAINING_RUNS, TrainingRuns, WORK_HOUSE, WorkHouse,
    convert::{wei, wei_word},
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall as _;
use issuance::{Check, Claim, Epoch, Grant, Offer, Rate, SAMPLES_MAX};
use native_kit::{Call, Failure, Host, emit};
use units::{Bps, Digest, Wei};

use super::{
    epoch_now,
    layout::{STORAGE, StoredClaim, StoredGrant},
    out_of_range, refused,
};
use crate::{
    parameters,
    training_runs::work::{self, Absent, Standing, Verified},
};

/// Gas for the digests of a draw: one for the seed and one for each number, which is drawn again in rare cases.
const DRAW_GAS: u64 = 4_000;

fn stored(host: &mut dyn Host, run: u64, device: B256) -> Result<StoredClaim, Failure> {
    STORAGE.claims.of(host, run)?.of(host, device)
}

/// The first revision in which a device that works for another account takes no claim along.
const KEPT_APART: u32 = 4;

/// Fixes the rounds that are claimed, and takes the bond.
pub(super) fn request(host: &mut dyn Host, run: u64, device: B256) -> Result<(), Failure> {
    operations(host, run)?;
    let found = claimable(host, run, device)?;
    let account = found.account;
    if host.caller() != account {
        return Err(Failure::revert(&sol::NotTheAccount { account }));
    }
    if account == found.owner {
        return Err(Failure::revert(&sol::OwnWork { account }));
    }
    check_not_void(host, run, account)?;
    let stored = stored(host, run, device)?;
    let mut claim = stored.load(host)?;
    check_not_of_another(host, run, (&stored, &claim), account)?;
    let bond = wei(host.value()).map_err(|_| out_of_range())?;
    let offer = Offer { bond, ..offer(host, &found)? };
    claim.request(host.height(), &found.rounds, &offer).map_err(|error| refused(&error))?;
    let bonds = STORAGE.bonds.get(host)?.checked_add(bond.as_u128()).ok_or_else(out_of_range)?;
    let issuance::Stage::Requested { rounds, .. } = &claim.stage else {
        return Err(Failure::Broken("a request is not requested".to_owned()));
    };
    let rounds = u32::try_from(rounds.len()).unwrap_or(u32::MAX);
    STORAGE.bonds.set(host, bonds)?;
    stored.store(host, &claim)?;
    stored.account.set(host, account)?;
    let (pay, bond) = (wei_word(claim.pay), wei_word(bond));
    emit(host, &sol::ChecksRequested { run, device, account, rounds, pay, bond })
}

/// Refuses a claim while work that the device did for another account is not collected: it would be collected by the new one.
fn check_not_of_another(
    host: &mut dyn Host,
    run: u64,
    (stored, claim): (&StoredClaim, &Claim),
    account: Address,
) -> Result<(), Failure> {
    if host.revision() < KEPT_APART {
        return Ok(());
    }
    let earlier = stored.account.get(host)?;
    if earlier.is_zero() || earlier == account {
        return Ok(());
    }
    let left = claim.checked.as_u128().saturating_sub(claim.collected.as_u128());
    // Less than a token's pay can't be collected.
    if claim.is_open() || left >= rate(host, run)?.price.as_u128() {
        return Err(Failure::revert(&sol::NotTheAccount { account: earlier }));
    }
    Ok(())
}

/// Returns the rounds of a device that can be claimed.
pub(super) fn claimable(host: &mut dyn Host, run: u64, device: B256) -> Result<Verified, Failure> {
    work::verified(host, run, device)?.map_err(|absent| match absent {
        Absent::Barred => Failure::revert(&sol::DeviceBarred { run, device }),
        Absent::NoSeat => Failure::revert(&sol::DeviceWithoutSeat { run, device }),
    })
}

/// Returns what checks cost in a run, without a bond.
pub(super) fn offer(host: &mut dyn Host, found: &Verified) -> Result<Offer, Failure> {
    let samples = parameters::load(host, &governance::SAMPLES)?;
    let checks = u8::try_from(samples).unwrap_or(SAMPLES_MAX).min(SAMPLES_MAX);
    Ok(Offer { bond: Wei::ZERO, round_pay: found.round_pay, checks })
}

fn check_not_void(host: &mut dyn Host, run: u64, account: Address) -> Result<(), Failure> {
    if STORAGE.voids.of(host, run)?.of(host, account)?.get(host)? {
        return Err(Failure::revert(&sol::AccountVoid { run, account }));
    }
    Ok(())
}

/// Draws the checks, and brings them before the referees.
pub(super) fn draw(host: &mut dyn Host, run: u64, device: B256) -> Result<(), Failure> {
    let stored = stored(host, run, device)?;
    let mut claim = stored.load(host)?;
    let decides = claim.decides_at(host.height()).map_err(|error| refused(&error))?;
    let bond = claim.bond;
    let bonds = STORAGE.bonds.get(host)?.checked_sub(bond.as_u128());
    let bonds = bonds.ok_or_else(|| Failure::Broken("bonds are missing".to_owned()))?;
    STORAGE.bonds.set(host, bonds)?;
    let hash = host.block_hash(decides)?;
    if hash.is_zero() {
        return end(host, (run, device), (&stored, claim), Cause::Late);
    }
    host.charge(DRAW_GAS)?;
    let seed = [hash.as_slice(), &run.to_be_bytes(), device.as_slice()].concat();
    let samples = claim.draw(&Digest::of(&seed)).map_err(|error| refused(&error))?;
    let mut disputed = Vec::new();
    for round in &samples {
        match work::standing(host, run, (device, *round))? {
            Standing::Barred | Standing::Decided { is_repeated: false } => {
                return end(host, (run, device), (&stored, claim), Cause::Failed);
            }
            Standing::Gone => return end(host, (run, device), (&stored, claim), Cause::Late),
            Standing::Decided { is_repeated: true } | Standing::Disputed => {}
            Standing::Settled => disputed.push(*round),
        }
    }
    stored.store(host, &claim)?;
    let count = u128::try_from(samples.len()).unwrap_or(u128::MAX);
    let each = U256::from(bond.as_u128().checked_div(count).unwrap_or(0));
    for round in disputed {
        let input = TrainingRuns::disputeCall { run, round, subject: device }.abi_encode();
        host.call_contract(&Call { value: each, ..Call::new(TRAINING_RUNS, input) })?;
    }
    emit(host, &sol::ChecksDrawn { run, device, rounds: samples })?;
    burn_rest(host)
}

/// Counts a claim as checked, or voids it.
pub(super) fn conclude(host: &mut dyn Host, run: u64, device: B256) -> Result<(), Failure> {
    let stored = stored(host, run, device)?;
    let mut claim = stored.load(host)?;
    let issuance::Stage::Drawn { samples } = &claim.stage else {
        return Err(refused(&issuance::Refused::NoClaim));
    };
    let mut checks = Vec::new();
    for round in samples {
        let check = match work::standing(host, run, (device, *round))? {
            Standing::Barred | Standing::Decided { is_repeated: false } => Check::Failed,
            Standing::Decided { is_repeated: true } => Check::Upheld,
            Standing::Disputed | Standing::Settled | Standing::Gone => Check::Open,
        };
        checks.push((*round, check));
    }
    let pay = claim.pay;
    let found = |round: u32| {
        let known = checks.iter().find(|(checked, _)| *checked == round);
        known.map_or(Check::Open, |(_, check)| *check)
    };
    if !claim.conclude(found).map_err(|error| refused(&error))? {
        return end(host, (run, device), (&stored, claim), Cause::Failed);
    }
    stored.store(host, &claim)?;
    emit(host, &sol::ChecksPassed { run, device, pay: wei_word(pay) })?;
    burn_rest(host)
}

/// Voids a claim: its rounds only, or, where a check has failed, all that its account has not collected from the run.
fn end(
    host: &mut dyn Host,
    (run, device): (u64, B256),
    (stored, mut claim): (&StoredClaim, Claim),
    cause: Cause,
) -> Result<(), Failure> {
    let account = stored.account.get(host)?;
    match cause {
        Cause::Failed => {
            claim.void();
            STORAGE.voids.of(host, run)?.of(host, account)?.set(host, true)?;
        }
        _ => claim.lapse(),
    }
    stored.store(host, &claim)?;
    emit(host, &sol::ClaimVoided { run, device, account, cause })?;
    burn_rest(host)
}

/// Burns what the module holds besides the bonds of claims that are not drawn: bonds of checks that failed, bounties of devices that were
/// expelled, and what somebody has sent here.
fn burn_rest(host: &mut dyn Host) -> Result<(), Failure> {
    let (module, bonds) = (host.module(), U256::from(STORAGE.bonds.get(host)?));
    let rest = host.balance(module)?.saturating_sub(bonds);
    burn(host, rest)
}

fn burn(host: &mut dyn Host, amount: U256) -> Result<(), Failure> {
    if amount.is_zero() {
        return Ok(());
    }
    host.burn(amount)?;
    emit(host, &sol::Burnt { amount })
}

/// Collects work that was checked and whose pay was released.
pub(super) fn collect(host: &mut dyn Host, run: u64, device: B256) -> Result<(), Failure> {
    let stored = stored(host, run, device)?;
    let account = stored.account.get(host)?;
    if host.caller() != account {
        return Err(Failure::revert(&sol::NotTheAccount { account }));
    }
    check_not_void(host, run, account)?;
    if work::is_barred(host, run, device)? {
        return Err(Failure::revert(&sol::DeviceBarred { run, device }));
    }
    let (schedule, epoch) = epoch_now(host)?;
    let mut claim = stored.load(host)?;
    let (rate, released) = (rate(host, run)?, work::released(host, run, device)?);
    let given = wei(host.value()).map_err(|_| out_of_range())?;
    let collected = claim.collect(released, given, &rate).map_err(|error| refused(&error))?;
    let before = match epoch.checked_sub(1) {
        Some(before) => STORAGE.epochs.of(host, before)?.devices(host)?,
        None => 0,
    };
    let unit = Epoch::unit(&schedule.buckets(epoch), before);
    let (share_stored, epoch_stored) =
        (STORAGE.shares.of(host, device)?, STORAGE.epochs.of(host, epoch)?);
    let mut share = share_stored.load(host)?;
    let (floor, is_first) = share.take(epoch, (&mut claim.spent, collected.burnt), unit);
    let (mut all, (grant_stored, mut grant)) =
        (epoch_stored.load(host)?, grant_of(host, account, epoch)?);
    all.add(&mut grant, (collected.work, floor), is_first).map_err(|error| refused(&error))?;
    stored.store(host, &claim)?;
    share_stored.store(host, &share)?;
    epoch_stored.store(host, &all)?;
    grant_stored.store(host, &grant)?;
    let burnt = wei_word(collected.burnt);
    burn(host, burnt)?;
    let change = host.value().saturating_sub(burnt);
    if !change.is_zero() {
        host.pay(account, change)?;
    }
    let work = U256::from(collected.work);
    if !work.is_zero() {
        let input = WorkHouse::mintCall { account, work }.abi_encode();
        host.call_contract(&Call::new(WORK_HOUSE, input))?;
    }
    let tokens = collected.tokens;
    emit(host, &sol::Collected { run, device, account, epoch, tokens, work, burnt })
}

/// Returns what the work of a run is worth.
pub(super) fn rate(host: &mut dyn Host, run: u64) -> Result<Rate, Failure> {
    let operations = operations(host, run)?;
    let share = parameters::load(host, &governance::BURN_SHARE)?;
    let share = u16::try_from(share).ok().and_then(|share| Bps::new(share).ok());
    let burn_share = share.ok_or_else(|| Failure::Broken("a share is above 1".to_owned()))?;
    let least_burn = Wei::new(parameters::load(host, &governance::LEAST_BURN)?);
    let price = work::terms(host, run)?.price_per_token;
    Ok(Rate { price, operations, burn_share, least_burn })
}

fn operations(host: &mut dyn Host, run: u64) -> Result<u128, Failure> {
    match STORAGE.operations.of(host, run)?.get(host)? {
        0 => Err(Failure::revert(&sol::NotRegistered { run })),
        operations => Ok(operations),
    }
}

/// Returns the grant of an account in an epoch, which is its last one, or a new one.
fn grant_of(
    host: &mut dyn Host,
    account: Address,
    epoch: u32,
) -> Result<(StoredGrant, Grant), Failure> {
    let grants = STORAGE.accounts.of(host, account)?.grants;
    if let Some(last) = grants.len(host)?.checked_sub(1)
        && let Some(stored) = grants.element(host, last)?
    {
        let grant = stored.load(host)?;
        if grant.epoch == epoch {
            return Ok((stored, grant));
        }
    }
    Ok((grants.push(host)?, Grant { epoch, ..Grant::default() }))
}
