//! Converts between the types of the rules and those of the interface.

use abi::{
    TrainingRuns as sol,
    convert::{address, device_word as name, digest, digest_word as word, wei_word as amount},
};
use training_run::{
    Audit, Cause, Check, ClosedRound, Effect, Ending, Entry, PayKind, Phase, Run, Seat, Standing,
    Terms,
};
use units::{Bps, DeviceId, Digest, Wei};

use super::{errors::term_out_of_range, records::RunMetadata};
use native_kit::{Failure, Host, emit};

pub(super) fn terms_in(terms: &sol::Terms) -> Result<Terms, Failure> {
    let bps = |field: &str, value: u16| {
        Bps::new(value)
            .map_err(|_| term_out_of_range(field, value.into(), "0 to 10000 basis points"))
    };
    Ok(Terms {
        rounds: terms.rounds,
        warmup_rounds: terms.warmupRounds,
        tokens_per_round: terms.tokensPerRound,
        warmup_tokens_per_round: terms.warmupTokensPerRound,
        price_per_token: Wei::new(terms.pricePerToken),
        audit_rate: bps("audit_rate", terms.auditRate)?,
        audit_pay: bps("audit_pay", terms.auditPay)?,
        quorum: bps("quorum", terms.quorum)?,
        seats_min: terms.seatsMin,
        seats_max: terms.seatsMax,
        round_seconds: terms.roundSeconds,
        audit_seconds: terms.auditSeconds,
        stall_seconds: terms.stallSeconds,
        hold_back_rounds: terms.holdBackRounds,
        spec: digest(terms.spec),
        corpus: digest(terms.corpus),
        initial_state: digest(terms.initialState),
    })
}

pub(super) fn terms_out(terms: &Terms) -> sol::Terms {
    sol::Terms {
        rounds: terms.rounds,
        warmupRounds: terms.warmup_rounds,
        tokensPerRound: terms.tokens_per_round,
        warmupTokensPerRound: terms.warmup_tokens_per_round,
        pricePerToken: terms.price_per_token.as_u128(),
        auditRate: terms.audit_rate.as_u16(),
        auditPay: terms.audit_pay.as_u16(),
        quorum: terms.quorum.as_u16(),
        seatsMin: terms.seats_min,
        seatsMax: terms.seats_max,
        roundSeconds: terms.round_seconds,
        auditSeconds: terms.audit_seconds,
        stallSeconds: terms.stall_seconds,
        holdBackRounds: terms.hold_back_rounds,
        spec: word(terms.spec),
        corpus: word(terms.corpus),
        initialState: word(terms.initial_state),
    }
}

pub(super) fn summary(id: u64, run: &Run, metadata: RunMetadata) -> sol::Summary {
    let (phase, ending, deadline) = match run.phase() {
        Phase::Gathering => (sol::Phase::Gathering, sol::Ending::None, 0),
        Phase::Training { deadline, .. } => {
            (sol::Phase::Training, sol::Ending::None, deadline.as_u64())
        }
        Phase::Closed => (sol::Phase::Closed, sol::Ending::None, 0),
        Phase::WindingUp(how) => (sol::Phase::WindingUp, ending_out(*how), 0),
        Phase::Finished(how) => (sol::Phase::Finished, ending_out(*how), 0),
    };
    let escrow = run.escrow();
    let active = run.seats().iter().filter(|seat| seat.is_active()).count();
    sol::Summary {
        run: id,
        owner: address(run.owner()),
        name: metadata.name,
        coordinator: metadata.coordinator,
        endpoint: metadata.endpoint,
        phase,
        ending,
        round: run.round(),
        rounds: run.terms().rounds,
        state: word(run.state()),
        update: word(run.update()),
        deadline,
        deposited: amount(escrow.deposited),
        paid: amount(escrow.paid),
        refunded: amount(escrow.refunded),
        owed: amount(run.owed()),
        tokensVerified: run.tokens_verified(),
        seats: u32::try_from(run.seats().len()).unwrap_or(u32::MAX),
        seatsActive: u32::try_from(active).unwrap_or(u32::MAX),
        quorum: run.quorum_count(),
    }
}

fn ending_out(ending: Ending) -> sol::Ending {
    match ending {
        Ending::Completed => sol::Ending::Completed,
        Ending::Cancelled => sol::Ending::Cancelled,
        Ending::Abandoned => sol::Ending::Abandoned,
    }
}

pub(super) fn seats(run: &Run) -> Vec<sol::Seat> {
    let committed = |index: u16| matches!(run.phase(), Phase::Training { commitments, .. } if commitments.contains_key(&index));
    (0..).zip(run.seats()).map(|(index, taken)| seat(taken, committed(index))).collect()
}

fn seat(seat: &Seat, committed: bool) -> sol::Seat {
    let (standing, expelled_round) = match seat.standing {
        Standing::Active => (sol::Standing::Active, 0),
        Standing::Left => (sol::Standing::Left, 0),
        Standing::Expelled { round, cause: Cause::Convicted } => (sol::Standing::Convicted, round),
        Standing::Expelled { round, cause: Cause::FalseAudit } => {
            (sol::Standing::FalseAuditor, round)
        }
    };
    sol::Seat {
        device: name(seat.device),
        account: address(seat.account),
        standing,
        expelledRound: expelled_round,
        onProbation: seat.on_probation,
        fromRound: seat.from_round,
        tokensVerified: seat.tokens_verified,
        paid: amount(seat.paid),
        committed,
    }
}

pub(super) fn audits(run: &Run) -> Vec<sol::Audit> {
    let of_round = |(round, closed): (u32, &ClosedRound)| {
        let open = closed.entries.iter().filter_map(|(subject, entry)| match &entry.check {
            Check::Audit(open) => Some(audit(run, (round, closed), (*subject, entry), open)),
            Check::None | Check::Passed => None,
        });
        open.collect::<Vec<_>>()
    };
    run.closed_rounds().flat_map(of_round).collect()
}

fn audit(
    run: &Run,
    (round, closed): (u32, &ClosedRound),
    (subject, entry): (u16, &Entry),
    open: &Audit,
) -> sol::Audit {
    let device = |index: u16| name(run.seat(index).map_or(DeviceId::ZERO, |seat| seat.device));
    let claim = |(auditor, sealed): &(u16, Digest)| sol::Claim {
        auditor: device(*auditor),
        sealedRoot: word(*sealed),
    };
    sol::Audit {
        round,
        subject: device(subject),
        auditor: device(open.auditor),
        deadline: open.deadline.as_u64(),
        base: word(closed.base),
        seal: word(entry.commitment.seal),
        update: word(entry.commitment.update),
        claims: open.claims.iter().map(claim).collect(),
    }
}

pub(super) fn undrawn(run: &Run) -> Vec<sol::UndrawnRound> {
    let waiting = run.closed_rounds().filter_map(|(round, _)| {
        run.draw_height(round).map(|height| sol::UndrawnRound { round, drawHeight: height })
    });
    waiting.collect()
}

/// Returns the earlier auditors of an open audit, in the order of their claims.
pub(crate) fn claimants(run: &Run, round: u32, subject: &DeviceId) -> Vec<DeviceId> {
    let is_subject = |index: &u16| run.seat(*index).is_some_and(|seat| seat.device == *subject);
    let closed = run.closed_rounds().find(|(number, _)| *number == round);
    let entry =
        closed.and_then(|(_, closed)| closed.entries.iter().find(|(index, _)| is_subject(index)));
    match entry.map(|(_, entry)| &entry.check) {
        Some(Check::Audit(open)) => open
            .claims
            .iter()
            .filter_map(|(index, _)| run.seat(*index))
            .map(|seat| seat.device)
            .collect(),
        Some(Check::None | Check::Passed) | None => Vec::new(),
    }
}

/// Emits an effect as the event of the same name.
pub(super) fn publish(host: &mut dyn Host, run: u64, effect: Effect) -> Result<(), Failure> {
    match effect {
        Effect::Pay { account, device, round, tokens, amount: paid, kind } => {
            let kind = match kind {
                PayKind::Work => sol::PayKind::Work,
                PayKind::Audit => sol::PayKind::Verdict,
            };
            let (account, device, amount) = (address(account), name(device), amount(paid));
            emit(host, &sol::Paid { run, account, device, round, tokens, amount, kind })
        }
        // The refund is part of `Finished`.
        Effect::Refund { .. } => Ok(()),
        Effect::Enrolled { device, account, from_round } => emit(
            host,
            &sol::Enrolled {
                run,
                device: name(device),
                account: address(account),
                fromRound: from_round,
            },
        ),
        Effect::Left { device } => emit(host, &sol::Left { run, device: name(device) }),
        Effect::RoundOpened { round, base, deadline } => emit(
            host,
            &sol::RoundOpened { run, round, base: word(base), deadline: deadline.as_u64() },
        ),
        Effect::Committed { device, round, commitment } => emit(
            host,
            &sol::Committed {
                run,
                round,
                device: name(device),
                seal: word(commitment.seal),
                update: word(commitment.update),
            },
        ),
        Effect::RoundClosed { round, commitments } => {
            emit(host, &sol::RoundClosed { run, round, commitments })
        }
        Effect::Advanced { round, state, update } => {
            emit(host, &sol::Advanced { run, round, state: word(state), update: word(update) })
        }
        Effect::Drawn { round, subject, auditor } => {
            emit(host, &sol::Drawn { run, round, subject: name(subject), auditor: name(auditor) })
        }
        other => publish_outcome(host, run, other),
    }
}

/// Emits the events of audits and endings.
fn publish_outcome(host: &mut dyn Host, run: u64, effect: Effect) -> Result<(), Failure> {
    match effect {
        Effect::AuditPassed { round, subject, auditor } => emit(
            host,
            &sol::AuditPassed { run, round, subject: name(subject), auditor: name(auditor) },
        ),
        Effect::Disputed { round, subject, auditor } => emit(
            host,
            &sol::Disputed { run, round, subject: name(subject), auditor: name(auditor) },
        ),
        Effect::Convicted { round, subject, account, forfeited } => {
            let (subject, account, forfeited) =
                (name(subject), address(account), amount(forfeited));
            emit(host, &sol::Convicted { run, round, subject, account, forfeited })
        }
        Effect::AuditorExpelled { round, auditor, account, forfeited } => {
            let (auditor, account, forfeited) =
                (name(auditor), address(account), amount(forfeited));
            emit(host, &sol::AuditorExpelled { run, round, auditor, account, forfeited })
        }
        Effect::Unresolved { round, subject } => {
            emit(host, &sol::Unresolved { run, round, subject: name(subject) })
        }
        Effect::Cancelled => emit(host, &sol::Cancelled { run }),
        Effect::Finished { paid, refunded } => {
            emit(host, &sol::Finished { run, paid: amount(paid), refunded: amount(refunded) })
        }
        _ => unreachable!("published by `publish`"),
    }
}
