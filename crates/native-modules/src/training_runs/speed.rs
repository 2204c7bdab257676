//! How fast devices did verified work, for people: no rule of a run reads it.
//!
//! Since [`SINCE`]. The time of a round is that between the block that opened it and the block of the commitment; a round counts when its commitment does. The
//! time of an audit is that between the block that drew the auditor and the block of its verdict, so the work could not be prepared. Devices of the run's
//! owner are left out: it knows the next state before everybody else.

use abi::{TrainingRuns as sol, convert, convert::device_word};
use alloy_primitives::{B256, U256};
use native_kit::{Failure, slots::Value};
use training_run::{
    Auditor, Book as _, Check, Effect, Finding, Input, PayKind, RoundWindow, SPEEDS, Seat, Speed,
    Speeds, Terms,
};
use units::{DeviceId, UnixSeconds};

use super::{
    book::{SlotBook, Stopped},
    layout::StoredSpeeds,
    work::read,
};

/// The first revision that notes it.
pub(super) const SINCE: u32 = 5;

/// An audit that a verdict may end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audit {
    auditor: DeviceId,
    round: u32,
    /// When the auditor was drawn.
    drawn: u64,
}

/// Returns the audit that an input may pass, as it is before. The owner's device does its audits one after the other: when it began one is not known.
pub(super) fn audit(
    book: &mut SlotBook<'_>,
    terms: &Terms,
    input: &Input,
) -> Result<Option<Audit>, Failure> {
    let Input::Verdict { auditor, round, subject, finding: Finding::Passed { .. }, .. } = *input
    else {
        return Ok(None);
    };
    let Some(seat) = read(book.place(&subject))?.seat else { return Ok(None) };
    let Check::Audit { auditor: Auditor::Seat(_), deadline } = read(book.entry(round, seat))?.check
    else {
        return Ok(None);
    };
    let drawn = deadline.as_u64().saturating_sub(terms.audit_seconds.into());
    Ok(Some(Audit { auditor, round, drawn }))
}

/// Notes the times of a step.
pub(super) fn record(
    book: &mut SlotBook<'_>,
    terms: &Terms,
    (now, audit): (UnixSeconds, Option<Audit>),
    effects: &[Effect],
) -> Result<(), Failure> {
    let now = now.as_u64();
    for effect in effects {
        match *effect {
            Effect::RoundOpened { round, .. } => {
                let stored = book.run.rounds.of(book.host, RoundWindow::place(round))?;
                book.set(stored.opened, now)?;
            }
            Effect::Committed { device, round, .. } => {
                if stranger(book, device)?.is_none() {
                    continue;
                }
                let stored = book.run.rounds.of(book.host, RoundWindow::place(round))?;
                let opened = book.word(stored.opened)?;
                // A round that opened before this was noted has no time.
                let is_known = opened > 0;
                let speed = Speed::of(terms.tokens(round), opened, now).filter(|_| is_known);
                let committed = speeds_of(book, device)?.committed;
                change(book, committed, |speeds| speeds.set_pending(round, speed))?;
            }
            Effect::Verified { device, round, kind: PayKind::Work, .. } => {
                let Some(seat) = stranger(book, device)? else { continue };
                let stored = speeds_of(book, device)?;
                let pending = speeds(book, stored.committed)?.pending(round, seat.next_round);
                if let Some(speed) = pending {
                    change(book, stored.verified, |speeds| speeds.add(speed))?;
                }
            }
            Effect::AuditPassed { round, auditor: device, .. } => {
                let Some(audit) = audit.filter(|it| it.auditor == device && it.round == round)
                else {
                    continue;
                };
                let speed = Speed::of(terms.tokens(round), audit.drawn, now);
                if let (Some(speed), Some(_)) = (speed, stranger(book, device)?) {
                    let repeated = speeds_of(book, device)?.repeated;
                    change(book, repeated, |speeds| speeds.add(speed))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns how fast a device is.
pub(super) fn of(book: &mut SlotBook<'_>, device: B256) -> Result<sol::speedOfReturn, Failure> {
    let stored = speeds_of(book, convert::device(device))?;
    let mut median = |value| -> Result<(u64, u8), Failure> {
        let (count, speed) = speeds(book, value)?.median();
        let speed = speed.map_or(0, Speed::per_thousand_seconds);
        Ok((speed, u8::try_from(count).unwrap_or(u8::MAX)))
    };
    let ((verified, rounds), (repeated, audits)) =
        (median(stored.verified)?, median(stored.repeated)?);
    Ok(sol::speedOfReturn { verified, rounds, repeated, audits })
}

/// Returns the seat of a device, unless it is the owner's.
fn stranger(book: &mut SlotBook<'_>, device: DeviceId) -> Result<Option<Seat>, Failure> {
    let found = |book: &mut SlotBook<'_>| -> Result<Option<Seat>, Stopped> {
        let Some(index) = book.place(&device)?.seat else { return Ok(None) };
        let (seat, owner) = (book.seat(index)?, book.head()?.owner);
        Ok(Some(seat).filter(|seat| seat.account != owner))
    };
    read(found(book))
}

fn speeds_of(book: &mut SlotBook<'_>, device: DeviceId) -> Result<StoredSpeeds, Failure> {
    book.run.speeds.of(book.host, device_word(device))
}

fn speeds(book: &mut SlotBook<'_>, value: Value<U256>) -> Result<Speeds, Failure> {
    let bytes = book.word(value)?.to_be_bytes::<32>();
    let mut speeds = Speeds::default();
    for (speed, code) in speeds.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *speed = Speed::from_code(u16::from_be_bytes(*code));
    }
    Ok(speeds)
}

fn change(
    book: &mut SlotBook<'_>,
    value: Value<U256>,
    change: impl FnOnce(&mut Speeds),
) -> Result<(), Failure> {
    let mut changed = speeds(book, value)?;
    change(&mut changed);
    let mut bytes = [[0; 2]; SPEEDS];
    for (code, speed) in bytes.iter_mut().zip(changed.0) {
        *code = speed.map_or(0, Speed::code).to_be_bytes();
    }
    book.set(value, U256::from_be_slice(bytes.as_flattened()))
}
