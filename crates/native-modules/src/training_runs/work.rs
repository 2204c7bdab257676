//! What a run has paid for work, and what its referees have decided, for the module that rewards work.
//!
//! Since [`SINCE`], every step notes in the run's storage which pay for work each device has had (`issuance::Released`), and
//! how each dispute ended. No rule of a run reads it.

use abi::{
    TRAINING_RUNS,
    convert::{self, account, address, device_word},
};
use alloy_primitives::{Address, B256};
use issuance::{Released, WINDOW_ROUNDS};
use native_kit::{Failure, Host};
use training_run::{ATTEMPTS_MAX, Book as _, Check, Effect, PayKind, Terms};
use units::{DeviceId, Wei};

use super::{
    book::{SlotBook, Stopped},
    failure,
    layout::StoredWork,
};

/// The first revision that notes it.
pub(super) const SINCE: u32 = 3;

/// How a dispute ended whose subject was not expelled: the work was repeated, or it could not be.
const REPEATED: u8 = 1;
const NOT_REPEATED: u8 = 2;

/// Notes what a step has paid and decided.
pub(super) fn record(book: &mut SlotBook<'_>, effects: &[Effect]) -> Result<(), Failure> {
    for effect in effects {
        match effect {
            Effect::Verified { device, amount, kind, .. } => {
                let is_work = *kind == PayKind::Work;
                change(book, *device, |released| released.verify(*amount, is_work))?;
            }
            Effect::Pay { account: to, device, amount } => {
                let is_owner = account(book.word(book.run.head.owner)?) == *to;
                change(book, *device, |released| released.pay(*amount, is_owner))?;
            }
            Effect::Expelled { device, .. } => change(book, *device, Released::forfeit)?,
            Effect::Upheld { round, subject, is_replayed } => {
                let outcome = of(book, *subject)?.outcomes.of(book.host, *round)?;
                book.set(outcome, if *is_replayed { REPEATED } else { NOT_REPEATED })?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn of(book: &mut SlotBook<'_>, device: DeviceId) -> Result<StoredWork, Failure> {
    book.run.work.of(book.host, device_word(device))
}

fn change(
    book: &mut SlotBook<'_>,
    device: DeviceId,
    change: impl FnOnce(&mut Released),
) -> Result<(), Failure> {
    let stored = of(book, device)?;
    let mut released = load(book, &stored)?;
    change(&mut released);
    book.set(stored.held_work, released.held_work.as_u128())?;
    book.set(stored.held_other, released.held_other.as_u128())?;
    book.set(stored.released, released.work.as_u128())
}

fn load(book: &mut SlotBook<'_>, stored: &StoredWork) -> Result<Released, Failure> {
    Ok(Released {
        held_work: Wei::new(book.word(stored.held_work)?),
        held_other: Wei::new(book.word(stored.held_other)?),
        work: Wei::new(book.word(stored.released)?),
    })
}

/// Why a device has nothing to claim.
pub(crate) enum Absent {
    /// It was expelled.
    Barred,
    /// It has no seat.
    NoSeat,
}

/// The rounds of a device that can be claimed, and who is paid for them.
pub(crate) struct Verified {
    /// The account of its seat.
    pub(crate) account: Address,
    /// The owner of the run.
    pub(crate) owner: Address,
    /// Rounds that count as verified and whose records are kept long enough for a draw, ascending, each with its pay.
    pub(crate) rounds: Vec<(u32, Wei)>,
    /// The largest pay of a round.
    pub(crate) round_pay: Wei,
}

/// How the check of a round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The device was expelled.
    Barred,
    /// The referees have repeated the work, or could not.
    Decided {
        /// Whether they repeated it.
        is_repeated: bool,
    },
    /// They have to decide.
    Disputed,
    /// It counts as verified, and can be disputed.
    Settled,
    /// Its record is not kept.
    Gone,
}

/// Returns the terms of a run, with their digests.
pub(crate) fn terms(host: &mut dyn Host, run: u64) -> Result<Terms, Failure> {
    SlotBook::open(host, run)?.whole_terms()
}

/// Returns the pay for work of a device that a run has released.
pub(crate) fn released(host: &mut dyn Host, run: u64, device: B256) -> Result<Wei, Failure> {
    let mut book = SlotBook::open(host, run)?;
    let stored = of(&mut book, convert::device(device))?;
    Ok(load(&mut book, &stored)?.work)
}

/// Returns whether a device was expelled from a run.
pub(crate) fn is_barred(host: &mut dyn Host, run: u64, device: B256) -> Result<bool, Failure> {
    let mut book = SlotBook::open(host, run)?;
    Ok(read(book.place(&convert::device(device)))?.bar.is_some())
}

/// Returns the rounds of a device that can be claimed.
pub(crate) fn verified(
    host: &mut dyn Host,
    run: u64,
    device: B256,
) -> Result<Result<Verified, Absent>, Failure> {
    let mut book = SlotBook::open(host, run)?;
    read(verified_in(&mut book, convert::device(device)))
}

fn verified_in(
    book: &mut SlotBook<'_>,
    device: DeviceId,
) -> Result<Result<Verified, Absent>, Stopped> {
    let place = book.place(&device)?;
    if place.bar.is_some() {
        return Ok(Err(Absent::Barred));
    }
    let Some(index) = place.seat else { return Ok(Err(Absent::NoSeat)) };
    let (head, seat, terms) = (book.head()?, book.seat(index)?, book.terms()?);
    let work = of(book, device)?;
    let pay_of = |round| terms.work_pay(round).map_err(training_run::Refused::from);
    let mut rounds = Vec::new();
    for round in head.round.saturating_sub(WINDOW_ROUNDS.saturating_sub(1))..=head.round {
        let took_part = seat.from_round <= round && round < seat.next_round;
        if !took_part
            || !book.round(round)?.is_closed(round)
            || !book.has_committed(round, index)?
        {
            continue;
        }
        let entry = book.entry(round, index)?;
        // What the referees could not repeat does not count, and can't be disputed again.
        let counts = if entry.attempts > ATTEMPTS_MAX {
            let outcome = work.outcomes.of(book.host, round)?;
            book.word(outcome)? == REPEATED
        } else {
            true
        };
        if entry.check == Check::Settled && counts {
            rounds.push((round, pay_of(round)?));
        }
    }
    let round_pay = pay_of(0)?.max(pay_of(terms.rounds.saturating_sub(1))?);
    let (account, owner) = (address(seat.account), address(head.owner));
    Ok(Ok(Verified { account, owner, rounds, round_pay }))
}

/// Returns how the check of a round stands.
pub(crate) fn standing(
    host: &mut dyn Host,
    run: u64,
    (device, round): (B256, u32),
) -> Result<Standing, Failure> {
    let mut book = SlotBook::open(host, run)?;
    read(standing_in(&mut book, convert::device(device), round))
}

fn standing_in(book: &mut SlotBook<'_>, device: DeviceId, round: u32) -> Result<Standing, Stopped> {
    let place = book.place(&device)?;
    if place.bar.is_some() {
        return Ok(Standing::Barred);
    }
    let outcome = of(book, device)?.outcomes.of(book.host, round)?;
    let outcome = book.word(outcome)?;
    if outcome > 0 {
        return Ok(Standing::Decided { is_repeated: outcome == REPEATED });
    }
    let Some(index) = place.seat else { return Ok(Standing::Gone) };
    if book.dispute(round, index)?.is_some() {
        return Ok(Standing::Disputed);
    }
    let is_kept = book.round(round)?.is_closed(round);
    let is_settled = is_kept && book.entry(round, index)?.check == Check::Settled;
    Ok(if is_settled { Standing::Settled } else { Standing::Gone })
}

pub(super) fn read<T>(result: Result<T, Stopped>) -> Result<T, Failure> {
    result.map_err(|stopped| failure(stopped, TRAINING_RUNS))
}
