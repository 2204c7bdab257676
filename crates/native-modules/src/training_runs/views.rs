//! Calls that only read.

use abi::{
    TrainingRuns::{self as sol, TrainingRunsCalls as Calls},
    convert::{device, wei_word},
};
use alloy_primitives::Address;
use alloy_sol_types::SolCall as _;
use native_kit::{Failure, Host};
use training_run::{
    Auditor, Book as _, Check, Head, OpenError, Phase, Round, RoundWindow, SeatIndex,
};

use super::{
    book::{SlotBook, Stopped},
    errors::open_error,
    failure,
    layout::COUNT,
    speed, translate,
};

/// Answers a call that only reads; returns `None` for others.
pub(super) fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    let answer = match call {
        Calls::count(_) => sol::countCall::abi_encode_returns(&COUNT.get(host)?),
        Calls::summary(call) => {
            let (name, endpoint) = metadata(host, call.run)?;
            let mut book = SlotBook::open(host, call.run)?;
            let head = read(book.head())?;
            let terms = book.terms()?;
            let coordinator = book.word(book.run.coordinator)?;
            let metadata = translate::Metadata { name, endpoint, coordinator };
            let summary = translate::summary(call.run, &head, &terms, metadata);
            sol::summaryCall::abi_encode_returns(&summary)
        }
        Calls::terms(call) => {
            let terms = SlotBook::open(host, call.run)?.whole_terms()?;
            sol::termsCall::abi_encode_returns(&translate::terms_out(&terms))
        }
        Calls::seats(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            sol::seatsCall::abi_encode_returns(&read(seats(&mut book))?)
        }
        Calls::standpoint(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            let standpoint = read(standpoint(&mut book, call))?;
            sol::standpointCall::abi_encode_returns(&standpoint)
        }
        Calls::openRounds(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            sol::openRoundsCall::abi_encode_returns(&read(open_rounds(&mut book))?)
        }
        Calls::entries(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            sol::entriesCall::abi_encode_returns(&read(entries(&mut book, call.round))?)
        }
        Calls::baseOf(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            let record = read(book.round(call.round))?;
            let is_kept = record.number == call.round;
            let base =
                if is_kept { abi::convert::digest_word(record.base) } else { Default::default() };
            sol::baseOfCall::abi_encode_returns(&base)
        }
        Calls::audits(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            sol::auditsCall::abi_encode_returns(&read(audits(&mut book))?)
        }
        Calls::disputes(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            sol::disputesCall::abi_encode_returns(&read(disputes(&mut book))?)
        }
        Calls::requiredDeposit(call) => {
            let terms = translate::terms_in(&call.terms)?;
            let required = terms.required_deposit();
            let required = required.map_err(|_| open_error(&OpenError::Overflow))?;
            sol::requiredDepositCall::abi_encode_returns(&wei_word(required))
        }
        Calls::speedOf(call) => {
            let mut book = SlotBook::open(host, call.run)?;
            sol::speedOfCall::abi_encode_returns(&speed::of(&mut book, call.device)?)
        }
        _ => return Ok(None),
    };
    Ok(Some(answer))
}

fn read<T>(result: Result<T, Stopped>) -> Result<T, Failure> {
    result.map_err(|stopped| failure(stopped, Address::ZERO))
}

fn metadata(host: &mut dyn Host, run: u64) -> Result<(String, String), Failure> {
    let stored = SlotBook::open(host, run)?.run;
    Ok((stored.name.get(host)?, stored.endpoint.get(host)?))
}

fn seats(book: &mut SlotBook<'_>) -> Result<Vec<sol::Seat>, Stopped> {
    let head = book.head()?;
    let mut seats = Vec::new();
    for index in 0..head.seats {
        seats.push(seat(book, &head, index)?);
    }
    Ok(seats)
}

fn seat(book: &mut SlotBook<'_>, head: &Head, index: SeatIndex) -> Result<sol::Seat, Stopped> {
    let seat = book.seat_in_open_round(head, index)?;
    let is_open = head.phase == Phase::Training;
    let took_part = seat.from_round <= head.round && head.round < seat.next_round;
    let has_committed = is_open && took_part && book.has_committed(head.round, index)?;
    let is_due = is_due(book, head, index)?;
    Ok(translate::seat(&seat, head, (has_committed, is_due)))
}

/// Returns whether `settle` counts a commitment of a seat, gives it up or pays it.
fn is_due(book: &mut SlotBook<'_>, head: &Head, index: u16) -> Result<bool, Stopped> {
    let seat = book.seat_in_open_round(head, index)?;
    if head.has_missed_too_many(&seat) || head.pays_stake_of(&seat) {
        return Ok(true);
    }
    // Commitments are counted in the order of rounds.
    let Some(round) = seat.pending_rounds(head.round).next().filter(|_| seat.disputes == 0) else {
        return Ok(false);
    };
    let record = book.round(round)?;
    Ok(record.is_drawn && book.entry(round, index)?.check == Check::Committed)
}

fn standpoint(
    book: &mut SlotBook<'_>,
    call: &sol::standpointCall,
) -> Result<sol::Standpoint, Stopped> {
    let head = book.head()?;
    let place = book.place(&device(call.device))?;
    let seat = match place.seat {
        Some(index) => Some(seat(book, &head, index)?),
        None => None,
    };
    Ok(translate::standpoint(&place, seat))
}

/// Returns the records of the rounds that are kept and not settled, oldest first.
fn kept(book: &mut SlotBook<'_>) -> Result<Vec<Round>, Stopped> {
    let newest = book.head()?.round;
    let mut rounds = Vec::new();
    for round in newest.saturating_sub(RoundWindow::ROUNDS.saturating_sub(1))..=newest {
        let record = book.round(round)?;
        if record.is_closed(round) && record.unsettled > 0 {
            rounds.push(record);
        }
    }
    Ok(rounds)
}

fn open_rounds(book: &mut SlotBook<'_>) -> Result<Vec<sol::OpenRound>, Stopped> {
    let (height, now) = (book.host.height().saturating_add(1), book.host.timestamp());
    let mut rounds = Vec::new();
    for record in kept(book)? {
        // What needs the hash of a block is due in the second block after it.
        let drawn_from = (!record.is_drawn).then(|| record.closed.saturating_add(1));
        let (mut is_due, mut is_waiting) = (false, false);
        for draw in drawn_from.into_iter().chain(draws(book, &record)?) {
            is_due |= draw < height;
            is_waiting |= height <= draw;
        }
        for seat in book.committed(record.number)? {
            is_due |= match book.entry(record.number, seat)?.check {
                Check::Audit { auditor, deadline } => {
                    deadline.as_u64() <= now || has_left(book, auditor)?
                }
                _ => false,
            };
        }
        rounds.push(translate::open_round(&record, is_due, is_waiting));
    }
    Ok(rounds)
}

/// Returns the heights whose hash commitments of a round wait for.
fn draws(book: &mut SlotBook<'_>, record: &Round) -> Result<Vec<u64>, Stopped> {
    let mut heights = Vec::new();
    for seat in book.committed(record.number)? {
        if let Check::Waiting { draw } | Check::Passed { draw } =
            book.entry(record.number, seat)?.check
        {
            heights.push(draw);
        }
    }
    Ok(heights)
}

/// Returns whether an auditor is a seat that was given up.
fn has_left(book: &mut SlotBook<'_>, auditor: Auditor) -> Result<bool, Stopped> {
    match auditor {
        Auditor::Seat(index) => Ok(!book.seat(index)?.is_active()),
        Auditor::Trainer => Ok(book.head()?.is_trainer_off()),
    }
}

fn entries(book: &mut SlotBook<'_>, round: u32) -> Result<Vec<sol::Entry>, Stopped> {
    let mut entries = Vec::new();
    let is_open = book.head()?.phase == Phase::Training && book.head()?.round == round;
    let record = book.round(round)?;
    if record.number != round || !(is_open || record.is_closed(round)) {
        return Ok(entries);
    }
    let trainer = book.head()?.auditor;
    for index in book.committed(round)? {
        let (entry, commitment) = (book.entry(round, index)?, book.commitment(round, index)?);
        let subject = book.seat(index)?.device;
        let auditor = match entry.check {
            Check::Audit { auditor: training_run::Auditor::Seat(seat), .. } => {
                book.seat(seat)?.device
            }
            Check::Audit { auditor: training_run::Auditor::Trainer, .. } => trainer,
            _ => units::DeviceId::ZERO,
        };
        entries.push(translate::entry((index, subject), &entry, &commitment, auditor));
    }
    Ok(entries)
}

fn audits(book: &mut SlotBook<'_>) -> Result<Vec<sol::Audit>, Stopped> {
    let mut audits = Vec::new();
    for record in kept(book)? {
        for entry in entries(book, record.number)? {
            if entry.check == sol::Check::Audit {
                audits.push(translate::audit(&record, entry));
            }
        }
    }
    Ok(audits)
}

fn disputes(book: &mut SlotBook<'_>) -> Result<Vec<sol::Dispute>, Stopped> {
    let trainer = book.head()?.auditor;
    let mut disputes = Vec::new();
    for (round, seat) in book.open_disputes()? {
        let Some(dispute) = book.dispute(round, seat)? else { continue };
        let accuser = match dispute.accuser {
            training_run::Accuser::Seat(index) => book.seat(index)?.device,
            training_run::Accuser::Trainer => trainer,
            training_run::Accuser::Nobody | training_run::Accuser::Account(_) => {
                units::DeviceId::ZERO
            }
        };
        let subject = book.seat(seat)?.device;
        disputes.push(translate::dispute((round, subject), &dispute, accuser));
    }
    Ok(disputes)
}
