//! What the terms, the owner and anyone may and may not do: each bound from both sides.

use training_run::{Effect, Finding, Input, Phase, Refused, Ruling, Terms};
use units::{Bps, DeviceId, Digest, Wei};

use crate::play::{
    OWNER, PAY, Play, STRANGER, TRAINER, account, commitment, device, ruling, terms,
};

#[test]
fn terms_have_bounds() {
    let bps = |value| Bps::new(value).unwrap();
    let (week, month) = (7 * 24 * 3600, 31 * 24 * 3600);
    let check = |field: &str, allowed: Terms, refused: Terms| {
        assert_eq!(allowed.validate(), Ok(()), "{field}");
        assert_eq!(refused.validate().unwrap_err().field, field);
    };
    let of = |change: &dyn Fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        terms
    };
    check("rounds", of(&|it| it.rounds = 100_000), of(&|it| it.rounds = 100_001));
    check("rounds", of(&|it| it.rounds = 1), of(&|it| it.rounds = 0));
    check("warmup_rounds", of(&|it| it.warmup_rounds = 40), of(&|it| it.warmup_rounds = 41));
    check("tokens_per_round", terms(), of(&|it| it.tokens_per_round = 0));
    check("warmup_tokens_per_round", terms(), of(&|it| it.warmup_tokens_per_round = 0));
    check("audit_rate", of(&|it| it.audit_rate = bps(500)), of(&|it| it.audit_rate = bps(499)));
    check("quorum", of(&|it| it.quorum = bps(5_000)), of(&|it| it.quorum = bps(4_999)));
    check("seats_min", of(&|it| it.seats_min = 8), of(&|it| it.seats_min = 9));
    check("seats_min", of(&|it| it.seats_min = 2), of(&|it| it.seats_min = 1));
    check("seats_max", of(&|it| it.seats_max = 1_024), of(&|it| it.seats_max = 1_025));
    check(
        "round_seconds",
        of(&|it| it.round_seconds = week),
        of(&|it| it.round_seconds = week + 1),
    );
    check(
        "audit_seconds",
        of(&|it| it.audit_seconds = week),
        of(&|it| it.audit_seconds = week + 1),
    );
    check(
        "stall_seconds",
        of(&|it| it.stall_seconds = month),
        of(&|it| it.stall_seconds = month + 1),
    );
}

/// The quorum is a share of the commitments of the round before, not of those that happen to be there.
#[test]
fn the_quorum_follows_the_round_before() {
    let mut play = Play::with_seats(terms(), 8);
    play.round(&[1, 2, 3, 4, 5, 6, 7, 8], &[]);
    for number in 1..=3 {
        play.commit(number, 0).unwrap();
    }
    let closed = play.by(OWNER, Input::Close { round: 1 });
    assert_eq!(closed, Err(Refused::NoQuorum { committed: 3, quorum: 4 }));
    play.commit(4, 0).unwrap();
    play.by(OWNER, Input::Close { round: 1 }).unwrap();
}

#[test]
fn a_round_lapses_at_its_deadline_and_not_with_a_quorum() {
    let mut play = Play::with_seats(terms(), 4);
    play.commit(1, 0).unwrap();
    let early = play.by(STRANGER, Input::Lapse { round: 0 });
    assert!(matches!(early, Err(Refused::TooEarly { .. })), "{early:?}");
    play.commit(2, 0).unwrap();
    play.wait(61);
    assert_eq!(play.by(STRANGER, Input::Lapse { round: 0 }), Err(Refused::QuorumReached));
}

#[test]
fn only_the_owner_may_do_what_is_the_owners() {
    let mut play = Play::with_seats(terms(), 3);
    for number in 1..=2 {
        play.commit(number, 0).unwrap();
    }
    let early = play.by(STRANGER, Input::Close { round: 0 });
    assert!(matches!(early, Err(Refused::TooEarly { .. })), "{early:?}");
    play.by(OWNER, Input::Close { round: 0 }).unwrap();
    let (state, update) = (Digest::of(b"state"), Digest::of(b"update"));
    for input in [
        Input::Advance { round: 0, state, update },
        Input::SetAuditor { auditor: device(1) },
        Input::Cancel,
    ] {
        assert_eq!(play.by(STRANGER, input.clone()), Err(Refused::NotOwner), "{input:?}");
        play.clone().by(OWNER, input).unwrap();
    }
}

/// A round's records replace those of 64 rounds before: not while anything of these is undecided.
#[test]
fn records_of_undecided_rounds_are_kept() {
    let terms = Terms { rounds: 100, audit_seconds: 600_000, ..terms() };
    let mut play = Play::with_seats(terms, 3);
    for round in 0..64 {
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        if round == 63 {
            break;
        }
        play.advance().unwrap();
        let _ = play.draw(round);
        for (round, subject, auditor) in play.audits() {
            if (round, subject) != (0, device(1)) {
                let finding = play.truth(round, subject);
                play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
            }
        }
    }
    assert_eq!(play.advance(), Err(Refused::RoundNotSettled(0)));
    let finding = play.truth(0, device(1));
    play.verdict(TRAINER, 0, 1, finding).unwrap();
    play.advance().unwrap();
    play.by(OWNER, Input::Cancel).unwrap();
    play.wait(600_001);
    play.finish();
    assert_eq!(play.paid(1), play.credited(1));
}

/// What can be repeated without end keeps no run from being abandoned.
#[test]
fn lapses_and_disputes_are_no_progress() {
    let mut play = Play::with_seats(terms(), 3);
    play.round(&[1, 2, 3], &[]);
    let begun = play.now;
    play.wait(500);
    let bond = Wei::new(PAY);
    play.by(account(9), Input::Dispute { round: 0, subject: device(1), bond }).unwrap();
    while play.now < begun + 1_000 {
        play.by(STRANGER, Input::Lapse { round: 1 }).unwrap();
        play.wait(61);
    }
    play.by(STRANGER, Input::Abandon).unwrap();
    play.finish();
}

#[test]
fn the_owners_own_relays_are_not_paid() {
    let mut play = Play::with_seats(Terms { relay_fee: Wei::new(3), ..terms() }, 3);
    for _ in 0..3 {
        play.round(&[1, 2, 3], &[]);
    }
    let relayed = |play: &mut Play, caller, number| {
        let (device, round) = (device(number), play.book.state().round);
        let commitment = commitment(device, round, 0);
        let effects = play.by(caller, Input::Commit { device, round, commitment }).unwrap();
        effects.iter().any(|effect| matches!(effect, Effect::PayRelay { .. }))
    };
    assert!(!relayed(&mut play, OWNER, 1));
    assert!(relayed(&mut play, STRANGER, 2));
}

/// The deposit is for the worst case: each statement of every device relayed, each commitment audited twice.
#[test]
fn the_deposit_covers_the_worst_case() {
    let terms = Terms { rounds: 10, warmup_rounds: 2, relay_fee: Wei::new(7), ..terms() };
    let terms = Terms { warmup_tokens_per_round: 50, audit_pay: Bps::new(2_500).unwrap(), ..terms };
    let of = |work: u128| 8 * (work + 2 * (work / 4) + 3 * 7);
    let required = Wei::new(2 * of(PAY / 2) + 8 * of(PAY));
    assert_eq!(terms.required_deposit(), Ok(required));
}

#[test]
fn at_most_64_disputes_wait_for_the_referee() {
    let mut play = Play::new(Terms { seats_min: 66, seats_max: 66, ..terms() });
    for number in 1..=66 {
        play.enroll(number).unwrap();
    }
    for number in 1..=66 {
        play.commit(number, 0).unwrap();
    }
    let dispute = |play: &mut Play, number| {
        let (subject, bond) = (device(number), Wei::new(PAY));
        play.by(account(99), Input::Dispute { round: 0, subject, bond })
    };
    for number in 1..=64 {
        dispute(&mut play, number).unwrap();
    }
    assert_eq!(dispute(&mut play, 65), Err(Refused::TooManyDisputes(64)));
    let by_device = play.verdict(TRAINER, 0, 65, Finding::Mismatch);
    assert_eq!(by_device, Err(Refused::TooManyDisputes(64)));
    play.rule(0, device(1)).unwrap();
    dispute(&mut play, 65).unwrap();
}

/// Whoever lets audits fail, or an owner without an auditing device, would otherwise keep everybody from disputing, for nothing.
#[test]
fn disputes_that_nobody_has_raised_take_no_places() {
    let mut play = Play::with_seats(Terms { seats_max: 100, ..terms() }, 100);
    play.by(OWNER, Input::SetAuditor { auditor: DeviceId::ZERO }).unwrap();
    for number in 1..=100 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    for _ in 0..3 {
        play.draw(0).unwrap();
    }
    assert_eq!((play.disputes().len(), play.book.state().unaccused), (96, 96));
    let left: Vec<u8> =
        (1..=100).filter(|number| !play.disputes().contains(&(0, device(*number)))).collect();
    assert_eq!(left.len(), 4);
    for number in left {
        let (subject, bond) = (device(number), Wei::new(PAY));
        play.by(account(99), Input::Dispute { round: 0, subject, bond }).unwrap();
    }
    play.decide_all();
    assert_eq!((play.book.state().disputes, play.book.state().unaccused), (0, 0));
    play.finish();
}

/// Data is the owner's duty: who disputed in vain loses nothing if there was no replay.
#[test]
fn nobody_is_blamed_without_a_replay() {
    let mut play = Play::with_seats(terms(), 4);
    for _ in 0..3 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    let stake = play.seat(1).stake;
    for auditor in [device(1), TRAINER] {
        let (round, subject) = (2, if auditor == TRAINER { 3 } else { 2 });
        play.verdict(auditor, round, subject, Finding::Mismatch).unwrap();
        play.by(STRANGER, ruling(round, device(subject), Ruling::Unavailable)).unwrap();
    }
    assert!((1..=4).all(|number| !play.is_expelled(number)));
    assert_eq!((play.seat(1).stake, play.book.state().trainer_errors), (stake, 0));
    assert_eq!(play.book.state().phase, Phase::Training);
}

/// The work is what the commitment says only if both are: its root, and the update that was sent.
#[test]
fn root_and_update_decide() {
    for is_root in [false, true] {
        let mut play = Play::with_seats(terms(), 3);
        for number in 2..=3 {
            play.commit(number, 0).unwrap();
        }
        let (made_up, truth) = (commitment(device(1), 0, 1), commitment(device(1), 0, 0));
        let commitment = match is_root {
            true => training_run::Commitment { seal: made_up.seal, ..truth },
            false => training_run::Commitment { update: made_up.update, ..truth },
        };
        let device = device(1);
        play.by(STRANGER, Input::Commit { device, round: 0, commitment }).unwrap();
        let bond = Wei::new(PAY);
        play.by(account(9), Input::Dispute { round: 0, subject: device, bond }).unwrap();
        play.rule(0, device).unwrap();
        assert!(play.is_expelled(1), "{is_root}");
    }
}
