//! Converts between the types of the rules and those of the interface.

use abi::{
    TrainingRuns as sol,
    convert::{address, device_word as name, digest, digest_word as word, wei_word as amount},
};
use alloy_primitives::{Address, B256, U256};
use training_run::{
    Accuser, Cause, Check, Commitment, Dispute, Effect, Ending, Entry, Head, PayKind, Phase, Place,
    Round, Ruling, Seat, SeatIndex, Standing, Terms, Vote,
};
use units::{Bps, DeviceId, Digest, Wei};

use super::errors::term_out_of_range;
use native_kit::{Failure, Host, emit};

/// A run's metadata: name, coordinator and its address.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) endpoint: String,
    pub(super) coordinator: B256,
}

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
        relay_fee: Wei::new(terms.relayFee),
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
        relayFee: terms.relay_fee.as_u128(),
        spec: word(terms.spec),
        corpus: word(terms.corpus),
        initialState: word(terms.initial_state),
    }
}

pub(super) fn summary(id: u64, head: &Head, terms: &Terms, metadata: Metadata) -> sol::Summary {
    let (phase, ending, has_deadline) = match head.phase {
        Phase::Gathering => (sol::Phase::Gathering, sol::Ending::None, false),
        Phase::Training => (sol::Phase::Training, sol::Ending::None, true),
        Phase::Closed => (sol::Phase::Closed, sol::Ending::None, false),
        Phase::WindingUp(how) => (sol::Phase::WindingUp, ending_out(how), true),
        Phase::Finished(how) => (sol::Phase::Finished, ending_out(how), false),
    };
    let escrow = head.escrow;
    sol::Summary {
        run: id,
        owner: address(head.owner),
        name: metadata.name,
        coordinator: metadata.coordinator,
        endpoint: metadata.endpoint,
        auditor: name(head.auditor),
        phase,
        ending,
        round: head.round,
        rounds: terms.rounds,
        state: word(head.state),
        update: word(head.update),
        deadline: if has_deadline { head.deadline.as_u64() } else { 0 },
        deposited: amount(escrow.deposited),
        paid: amount(escrow.paid),
        refunded: amount(escrow.refunded),
        owed: amount(head.owed()),
        tokensVerified: head.tokens_verified,
        seats: head.seats.into(),
        seatsActive: head.active.into(),
        committed: if head.phase == Phase::Training { head.committed.into() } else { 0 },
        quorum: head.quorum_count(terms).into(),
        unsettled: head.unsettled,
        disputes: head.disputes.into(),
    }
}

fn ending_out(ending: Ending) -> sol::Ending {
    match ending {
        Ending::Completed => sol::Ending::Completed,
        Ending::Cancelled => sol::Ending::Cancelled,
        Ending::Abandoned => sol::Ending::Abandoned,
    }
}

pub(super) fn cause_out(cause: Cause) -> sol::Standing {
    match cause {
        Cause::Convicted => sol::Standing::Convicted,
        Cause::FalseAudit => sol::Standing::FalseAuditor,
        Cause::Vouched => sol::Standing::Vouched,
    }
}

/// `seat` is as it stands in the open round, in which it `has_committed`.
pub(super) fn seat(seat: &Seat, head: &Head, (has_committed, is_due): (bool, bool)) -> sol::Seat {
    let (standing, expelled_round) = match seat.standing {
        Standing::Active => (sol::Standing::Active, 0),
        Standing::Left => (sol::Standing::Left, 0),
        Standing::Expelled { round, cause } => (cause_out(cause), round),
    };
    sol::Seat {
        device: name(seat.device),
        account: address(seat.account),
        standing,
        expelledRound: expelled_round,
        fromRound: seat.from_round,
        nextRound: seat.next_round,
        unsettled: seat.pending_count().saturating_add(seat.disputes.into()),
        stake: amount(seat.stake),
        paid: amount(seat.paid),
        tokensVerified: seat.tokens_verified,
        committed: has_committed,
        overdue: head.has_missed_too_many(seat),
        due: is_due,
    }
}

pub(super) fn standpoint(place: &Place, seat: Option<sol::Seat>) -> sol::Standpoint {
    sol::Standpoint {
        seated: place.seat.is_some(),
        index: place.seat.unwrap_or_default(),
        seat: seat.unwrap_or(no_seat()),
        nonce: place.nonce,
        barred: place.bar.is_some(),
        barredRound: place.bar.map_or(0, |bar| bar.round),
        barredFor: place.bar.map_or(sol::Standing::Active, |bar| cause_out(bar.cause)),
    }
}

/// Returns what stands in place of the seat of a device that has none.
fn no_seat() -> sol::Seat {
    sol::Seat {
        device: B256::ZERO,
        account: Address::ZERO,
        standing: sol::Standing::Left,
        expelledRound: 0,
        fromRound: 0,
        nextRound: 0,
        unsettled: 0,
        stake: U256::ZERO,
        paid: U256::ZERO,
        tokensVerified: 0,
        committed: false,
        overdue: false,
        due: false,
    }
}

pub(super) fn open_round(round: &Round, is_due: bool, is_waiting: bool) -> sol::OpenRound {
    sol::OpenRound {
        round: round.number,
        base: word(round.base),
        closed: round.closed,
        commitments: round.commitments.into(),
        unsettled: round.unsettled.into(),
        drawn: round.is_drawn,
        due: is_due,
        waiting: is_waiting,
    }
}

pub(super) fn entry(
    (seat, device): (SeatIndex, DeviceId),
    entry: &Entry,
    commitment: &Commitment,
    auditor: DeviceId,
) -> sol::Entry {
    let (check, deadline) = match entry.check {
        Check::None | Check::Committed => (sol::Check::Committed, 0),
        Check::Audit { deadline, .. } => (sol::Check::Audit, deadline.as_u64()),
        Check::Waiting { .. } => (sol::Check::Waiting, 0),
        Check::Passed { .. } => (sol::Check::Passed, 0),
        Check::Disputed => (sol::Check::Disputed, 0),
        Check::Settled => (sol::Check::Settled, 0),
        Check::Void => (sol::Check::Void, 0),
    };
    sol::Entry {
        seat,
        device: name(device),
        seal: word(commitment.seal),
        update: word(commitment.update),
        check,
        auditor: name(auditor),
        deadline,
        stake: entry.stake,
        disclosed: entry.disclosed,
    }
}

pub(super) fn audit(round: &Round, entry: sol::Entry) -> sol::Audit {
    let sol::Entry { device, seal, update, auditor, deadline, .. } = entry;
    let base = word(round.base);
    sol::Audit { round: round.number, subject: device, auditor, deadline, base, seal, update }
}

pub(super) fn dispute(
    (round, subject): (u32, DeviceId),
    dispute: &Dispute,
    accuser: DeviceId,
) -> sol::Dispute {
    sol::Dispute {
        round,
        subject: name(subject),
        accuser: name(accuser),
        account: match dispute.accuser {
            Accuser::Account(account) => address(account),
            Accuser::Nobody | Accuser::Seat(_) | Accuser::Trainer => Address::ZERO,
        },
        bond: amount(dispute.bond),
        deadline: dispute.deadline.as_u64(),
        base: word(dispute.base),
        seal: word(dispute.commitment.seal),
        update: word(dispute.commitment.update),
        disclosed: dispute.disclosed,
        votes: dispute.votes.iter().map(vote).collect(),
    }
}

fn vote(vote: &Vote) -> sol::Vote {
    let (kind, leaf, seal, update) = ruling(vote.ruling);
    let (referee, account) = (name(vote.referee), address(vote.account));
    sol::Vote { referee, account, kind, leaf, sealedRoot: word(seal), update: word(update) }
}

/// Returns the kind of a ruling, its leaf, its sealed root and its update; what it does not have is zero.
fn ruling(ruling: Ruling) -> (sol::Ruling, u16, Digest, Digest) {
    let none = Digest::ZERO;
    match ruling {
        Ruling::Replayed { seal, update } => (sol::Ruling::Replayed, 0, seal, update),
        Ruling::Differs { leaf } => (sol::Ruling::Differs, leaf, none, none),
        Ruling::Unavailable => (sol::Ruling::Unavailable, 0, none, none),
    }
}

/// Emits an effect as the event of the same name.
pub(super) fn publish(host: &mut dyn Host, run: u64, effect: Effect) -> Result<(), Failure> {
    match effect {
        // The refund is part of `Finished`; who relays gets no event.
        Effect::Refund { .. } | Effect::PayRelay { .. } => Ok(()),
        Effect::Enrolled { device, account, seat, from_round } => {
            let (device, account) = (name(device), address(account));
            emit(host, &sol::Enrolled { run, device, account, seat, fromRound: from_round })
        }
        Effect::Left { device } => emit(host, &sol::Left { run, device: name(device) }),
        Effect::RoundOpened { round, base, deadline } => {
            let (base, deadline) = (word(base), deadline.as_u64());
            emit(host, &sol::RoundOpened { run, round, base, deadline })
        }
        Effect::Committed { device, round, commitment } => {
            let (device, update) = (name(device), word(commitment.update));
            let sealed = word(commitment.seal);
            emit(host, &sol::Committed { run, round, device, sealedRoot: sealed, update })
        }
        Effect::RoundClosed { round, commitments } => {
            emit(host, &sol::RoundClosed { run, round, commitments })
        }
        Effect::Advanced { round, state, update } => {
            emit(host, &sol::Advanced { run, round, state: word(state), update: word(update) })
        }
        Effect::RoundDrawn { round, audits } => emit(host, &sol::RoundDrawn { run, round, audits }),
        Effect::Cancelled => emit(host, &sol::Cancelled { run }),
        Effect::Finished { paid, refunded } => {
            emit(host, &sol::Finished { run, paid: amount(paid), refunded: amount(refunded) })
        }
        other => publish_audit(host, run, other),
    }
}

/// Emits the events of audits and disputes.
fn publish_audit(host: &mut dyn Host, run: u64, effect: Effect) -> Result<(), Failure> {
    match effect {
        Effect::Drawn { round, subject, auditor } => {
            emit(host, &sol::Drawn { run, round, subject: name(subject), auditor: name(auditor) })
        }
        Effect::Silent { round, subject, auditor } => {
            emit(host, &sol::Silent { run, round, subject: name(subject), auditor: name(auditor) })
        }
        Effect::AuditPassed { round, subject, auditor } => {
            let (subject, auditor) = (name(subject), name(auditor));
            emit(host, &sol::AuditPassed { run, round, subject, auditor })
        }
        Effect::Disputed { round, subject, accuser } => {
            let (subject, accuser) = (name(subject), name(accuser));
            emit(host, &sol::Disputed { run, round, subject, accuser })
        }
        Effect::Voted { round, subject, vote: given } => {
            emit(host, &sol::Voted { run, round, subject: name(subject), vote: vote(&given) })
        }
        Effect::Upheld { round, subject, is_replayed } => {
            let subject = name(subject);
            emit(host, &sol::Upheld { run, round, subject, replayed: is_replayed })
        }
        Effect::Expelled { round, device, account, cause, forfeited } => {
            let (device, account) = (name(device), address(account));
            let (standing, forfeited) = (cause_out(cause), amount(forfeited));
            emit(host, &sol::DeviceExpelled { run, round, device, account, standing, forfeited })
        }
        other => publish_pay(host, run, other),
    }
}

/// Emits the events of money.
fn publish_pay(host: &mut dyn Host, run: u64, effect: Effect) -> Result<(), Failure> {
    match effect {
        Effect::Verified { device, round, tokens, amount: pay, kind } => {
            let kind = match kind {
                PayKind::Work => sol::PayKind::Work,
                PayKind::Audit => sol::PayKind::Verdict,
                PayKind::Bounty => sol::PayKind::Bounty,
            };
            let (device, amount) = (name(device), amount(pay));
            emit(host, &sol::Verified { run, round, device, tokens, amount, kind })
        }
        Effect::Pay { account, device, amount: paid } => {
            let (account, device, amount) = (address(account), name(device), amount(paid));
            emit(host, &sol::Paid { run, account, device, amount })
        }
        Effect::ReturnBond { account, amount: bond } => {
            let (account, amount) = (address(account), amount(bond));
            emit(host, &sol::BondReturned { run, account, amount })
        }
        Effect::PayReferee { account, amount: bond } => {
            let (referee, amount) = (address(account), amount(bond));
            emit(host, &sol::BondForfeited { run, referee, amount })
        }
        other => Err(Failure::Broken(format!("{other:?} has no event"))),
    }
}
