//! What holds after every input.

use std::collections::BTreeSet;

use units::{DeviceId, Overflow, Wei};

use crate::{Accuser, Auditor, Check, MemoryBook, Phase, SeatIndex, Standing};

/// Checks the invariants, which hold after every input.
///
/// # Errors
/// A description of the first invariant that does not hold.
pub fn invariants(book: &MemoryBook) -> Result<(), String> {
    let head = book.state();
    let escrow = head.escrow;
    let over = |_: Overflow| "an amount overflows".to_owned();
    let is_finished = matches!(head.phase, Phase::Finished(_));
    let spent = escrow.paid.checked_add(escrow.refunded).map_err(over)?;
    let committed = escrow.paid.checked_add(head.owed()).map_err(over)?;
    let stakes = book.seats().iter().try_fold(Wei::ZERO, |sum, seat| sum.checked_add(seat.stake));
    let tokens = book.seats().iter().map(|seat| seat.tokens_verified).sum::<u64>();
    let active = book.seats().iter().filter(|seat| seat.is_active()).count();
    let pending: u32 = book.seats().iter().map(|seat| seat.pending_count()).sum();
    let unsettled: u32 = book.rounds().iter().map(|round| u32::from(round.unsettled)).sum();
    let expelled_hold_nothing = book
        .seats()
        .iter()
        .filter(|seat| matches!(seat.standing, Standing::Expelled { .. }))
        .all(|seat| seat.stake == Wei::ZERO);
    let undecided = undecided_pay(book).map_err(over)?;
    let (duties, answers, trainer_audits) = duties(book);
    let answers_held: usize = book.seats().iter().map(|seat| usize::from(seat.answers)).sum();
    let duties_held: usize = book.seats().iter().map(|seat| usize::from(seat.duties)).sum();
    let is_covered = is_finished
        || committed.checked_add(left(book).map_err(over)?).map_err(over)? <= escrow.deposited;
    let checks = [
        (spent <= escrow.deposited, "paid + refunded <= deposited"),
        (!is_finished || spent == escrow.deposited, "a finished run has nothing left"),
        (is_finished || escrow.refunded == Wei::ZERO, "nothing is refunded before the end"),
        (committed <= escrow.deposited, "paid + owed <= deposited"),
        (is_covered, "the escrow covers what may still fall due"),
        (stakes == Ok(escrow.held), "the stakes are what is held back"),
        (undecided == escrow.pending, "undecided pay is that of undecided commitments"),
        (tokens <= head.tokens_verified, "the seats' tokens are those of the run"),
        (active == usize::from(head.active), "active seats are counted"),
        (active <= usize::from(book.terms().seats_max), "at most as many seats as the terms allow"),
        (
            pending == head.unsettled && unsettled == head.unsettled,
            "unsettled commitments are counted",
        ),
        (
            taking_part(book).is_none_or(|sum| sum == head.taking_part),
            "seats that take part are counted",
        ),
        (commitments_are_found(book), "whoever committed is the seat of that round"),
        (book.disputes().len() == usize::from(head.disputes), "disputes are counted"),
        (
            unaccused(book) == usize::from(head.unaccused),
            "disputes that nobody has raised are counted",
        ),
        (votes_are_single(book), "a referee votes once in a dispute"),
        (duties == duties_held, "duties are counted"),
        (answers == answers_held, "verdicts that seats answer for are counted"),
        (trainer_audits == usize::from(head.trainer_audits), "the owner's audits are counted"),
        (expelled_hold_nothing, "an expelled seat is owed nothing"),
        (head.round <= book.terms().rounds, "at most as many rounds as the terms have"),
        (
            !is_finished || (head.unsettled == 0 && escrow.held == Wei::ZERO),
            "a finished run owes nothing",
        ),
    ];
    checks.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, broken)| Err((*broken).to_owned()))
}

/// Returns the number of seats that have committed in the open round, or may still do so.
fn taking_part(book: &MemoryBook) -> Option<u16> {
    let head = book.state();
    if head.phase != Phase::Training {
        return None;
    }
    let committed: BTreeSet<SeatIndex> = committed_in(book, head.round);
    let mut sum = head.committed;
    for (index, seat) in (0..).zip(book.seats()) {
        let takes_part = seat.next_round <= head.round || head.lets_in(seat);
        if seat.is_active() && takes_part && !committed.contains(&index) {
            sum = sum.saturating_add(1);
        }
    }
    Some(sum)
}

fn committed_in(book: &MemoryBook, round: u32) -> BTreeSet<SeatIndex> {
    book.entries(round).map(|(seat, ..)| seat).collect()
}

/// Returns whether every undecided commitment is of a seat that took part in its round: it could not be disputed otherwise.
fn commitments_are_found(book: &MemoryBook) -> bool {
    let takes_part = |round, index: SeatIndex| {
        let seat = book.seats().get(usize::from(index));
        seat.is_some_and(|seat| seat.from_round <= round && round < seat.next_round)
    };
    let mut undecided = book.rounds().into_iter().filter(|round| round.unsettled > 0);
    undecided.all(|round| {
        book.entries(round.number).all(|(index, entry, _)| {
            matches!(entry.check, Check::Settled | Check::Void) || takes_part(round.number, index)
        })
    })
}

fn unaccused(book: &MemoryBook) -> usize {
    book.disputes().values().filter(|dispute| dispute.accuser == Accuser::Nobody).count()
}

fn votes_are_single(book: &MemoryBook) -> bool {
    book.disputes().values().all(|dispute| {
        let referees: BTreeSet<DeviceId> = dispute.votes.iter().map(|vote| vote.referee).collect();
        referees.len() == dispute.votes.len()
    })
}

/// Returns the pay of commitments that are not settled, with those before the referee.
fn undecided_pay(book: &MemoryBook) -> Result<Wei, Overflow> {
    let mut sum = Wei::ZERO;
    for round in book.rounds() {
        let pay = book.terms().work_pay(round.number)?;
        sum = sum.checked_add(pay.checked_mul_count(round.unsettled.into())?)?;
    }
    for ((round, _), _) in book.disputes().iter().filter(|(_, dispute)| !dispute.was_settled) {
        sum = sum.checked_add(book.terms().work_pay(*round)?)?;
    }
    Ok(sum)
}

/// Returns the number of audits that seats have to do or answer for, of those that they answer for, and of those that the
/// owner's device has to do.
fn duties(book: &MemoryBook) -> (usize, usize, usize) {
    let mut auditors = Vec::new();
    let mut answers: Vec<SeatIndex> =
        book.disputes().values().filter_map(|dispute| dispute.passed_by).collect();
    for round in book.rounds() {
        for (_, entry, _) in book.entries(round.number) {
            if let Check::Audit { auditor, .. } = entry.check {
                auditors.push(auditor);
            }
            if entry.check != Check::Disputed {
                answers.extend(entry.passed_by);
            }
        }
    }
    let trainer = auditors.iter().filter(|auditor| **auditor == Auditor::Trainer).count();
    let duties = auditors.len().saturating_sub(trainer).saturating_add(answers.len());
    (duties, answers.len(), trainer)
}

/// Returns the most that may still fall due beyond what is owed: verdicts and relays of undecided commitments, and the
/// rounds that may still open.
fn left(book: &MemoryBook) -> Result<Wei, Overflow> {
    let (head, terms) = (book.state(), book.terms());
    let mut sum = Wei::ZERO;
    for round in book.rounds() {
        let beside = terms.verdict_pay(round.number)?.checked_mul_count(2)?;
        sum = sum.checked_add(beside.checked_mul_count(round.unsettled.into())?)?;
    }
    let next = match head.phase {
        Phase::Gathering => head.round,
        Phase::Training | Phase::Closed => head.round.saturating_add(1),
        Phase::WindingUp(_) | Phase::Finished(_) => terms.rounds,
    };
    if head.phase == Phase::Training {
        let open = terms.seats_max.saturating_sub(head.committed);
        sum = sum.checked_add(terms.entry_cost(head.round)?.checked_mul_count(open.into())?)?;
    }
    sum.checked_add(terms.worst_case_from(next)?)
}
