//! Disputes and rulings.

use training_run::{
    Cause, Check, Effect, Finding, Input, PayKind, Phase, Refused, Ruling, Standing, Terms,
};
use units::{Bps, DeviceId, Wei};

use crate::play::{OWNER, PAY, Play, STRANGER, TRAINER, account, device, ruling, terms};

const BOND: Wei = Wei::new(PAY);

/// Five seats with the stake of some rounds; the last made its work of round `.1` up, which was not drawn and counts as
/// verified.
fn undetected() -> (Play, u32) {
    for trial in 0..40_u8 {
        let mut play = Play::with_seats(terms(), 5);
        play.wait(u64::from(trial) * 2);
        for _ in 0..8 {
            play.round(&[1, 2, 3, 4, 5], &[]);
        }
        for number in 1..=4 {
            play.commit(number, 0).unwrap();
        }
        play.commit(5, 1).unwrap();
        play.advance().unwrap();
        play.decide_all();
        if play.check(8, 5) == Check::Settled {
            return (play, 8);
        }
    }
    panic!("a made-up round among nine is drawn once in six")
}

/// Four seats with the stake of three rounds, every commitment of round `3` drawn for an audit; that of the last seat is
/// `last`: 0 for true work. Trials differ in who audits whom.
fn all_drawn(trial: u64, last: u8) -> Play {
    let mut play = Play::with_seats(Terms { audit_rate: Bps::WHOLE, ..terms() }, 4);
    play.wait(trial * 2);
    for _ in 0..3 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for number in 1..=3 {
        play.commit(number, 0).unwrap();
    }
    play.commit(4, last).unwrap();
    play.advance().unwrap();
    play.draw(3).unwrap();
    play
}

fn dispute(play: &mut Play, by: u8, round: u32, subject: u8) -> Result<Vec<Effect>, Refused> {
    let input = Input::Dispute { round, subject: device(subject), bond: BOND };
    play.by(account(by), input)
}

#[test]
fn an_account_that_is_right_about_settled_work_gets_a_bounty_out_of_the_stake() {
    let (mut play, round) = undetected();
    let stake = play.seat(5).stake;
    dispute(&mut play, 9, round, 5).unwrap();
    let effects = play.rule(round, device(5)).unwrap();
    let amount = Wei::new(2 * PAY);
    assert!(effects.contains(&Effect::ReturnBond { account: account(9), amount }));
    let expelled = effects.iter().find_map(|effect| match effect {
        Effect::Expelled { cause: Cause::Convicted, forfeited, .. } => Some(*forfeited),
        _ => None,
    });
    assert_eq!(expelled, Some(stake));
    play.finish();
    assert_eq!(play.paid(5), 0);
}

#[test]
fn an_account_that_is_wrong_loses_its_bond_to_the_referee() {
    let (mut play, round) = undetected();
    dispute(&mut play, 9, round, 1).unwrap();
    let effects = play.rule(round, device(1)).unwrap();
    assert!(effects.contains(&Effect::PayReferee { account: STRANGER, amount: BOND }));
    assert!(effects.contains(&Effect::Upheld { round, subject: device(1), is_replayed: true }));
    play.finish();
    assert_eq!(play.paid(1), play.credited(1));
}

#[test]
fn what_the_referee_decided_is_final() {
    let (mut play, round) = undetected();
    dispute(&mut play, 9, round, 1).unwrap();
    assert!(matches!(dispute(&mut play, 8, round, 1), Err(Refused::DisputedAlready { .. })));
    play.rule(round, device(1)).unwrap();
    assert!(matches!(dispute(&mut play, 9, round, 1), Err(Refused::NoCommitment { .. })));
    // Neither can a dispute that expired be raised again and again.
    dispute(&mut play, 9, round, 2).unwrap();
    play.wait(24 * 3600);
    play.by(STRANGER, Input::Expire { round, subject: device(2) }).unwrap();
    assert!(matches!(dispute(&mut play, 9, round, 2), Err(Refused::NoCommitment { .. })));
    play.finish();
}

#[test]
fn a_seat_that_was_not_drawn_may_dispute_with_its_stake() {
    let (mut play, round) = undetected();
    let before = play.seat(1).stake;
    play.verdict(device(1), round, 5, Finding::Mismatch).unwrap();
    play.rule(round, device(5)).unwrap();
    assert!(play.is_expelled(5));
    assert_eq!(play.seat(1).stake, before.checked_add(Wei::new(PAY)).unwrap());
    // A wrong one costs all of it.
    play.verdict(device(2), round, 1, Finding::Mismatch).unwrap();
    play.rule(round, device(1)).unwrap();
    assert_eq!(play.seat(2).standing, Standing::Expelled { round, cause: Cause::FalseAudit });
    assert_eq!(play.seat(2).stake, Wei::ZERO);
    play.finish();
    assert_eq!(play.paid(2), 0);
}

#[test]
fn a_seat_needs_a_rounds_pay_at_stake_and_another_account() {
    let mut play = Play::new(terms());
    play.enroll(1).unwrap();
    play.enroll_for(2, account(1)).unwrap();
    play.enroll(3).unwrap();
    play.commit(1, 0).unwrap();
    play.commit(2, 0).unwrap();
    let poor = play.verdict(device(3), 0, 1, Finding::Mismatch);
    assert_eq!(poor, Err(Refused::BondTooSmall { given: Wei::ZERO, required: BOND }));
    play.advance().unwrap();
    play.decide_all();
    let same = play.verdict(device(2), 0, 1, Finding::Mismatch);
    assert!(matches!(same, Err(Refused::BondTooSmall { .. })));
    let input = Input::Dispute { round: 0, subject: device(1), bond: Wei::new(PAY - 1) };
    assert!(matches!(play.by(account(9), input), Err(Refused::BondTooSmall { .. })));
}

#[test]
fn the_owners_device_may_be_wrong_three_times_without_a_bond() {
    let (mut play, round) = undetected();
    for subject in 1..=3 {
        play.verdict(TRAINER, round, subject, Finding::Mismatch).unwrap();
        play.rule(round, device(subject)).unwrap();
    }
    let fourth = play.verdict(TRAINER, round, 4, Finding::Mismatch);
    assert!(matches!(fourth, Err(Refused::BondTooSmall { .. })), "{fourth:?}");
    play.finish();
    assert!((1..=4).all(|number| play.paid(number) == play.credited(number)));
}

#[test]
fn work_that_the_referee_can_not_replay_counts() {
    let (mut play, round) = undetected();
    dispute(&mut play, 9, round, 5).unwrap();
    let unavailable = ruling(round, device(5), Ruling::Unavailable);
    let effects = play.by(STRANGER, unavailable).unwrap();
    assert!(effects.contains(&Effect::ReturnBond { account: account(9), amount: BOND }));
    assert!(!play.is_expelled(5), "data is the owner's duty");
}

#[test]
fn an_early_dispute_gets_its_bond_back_and_no_bounty() {
    let mut play = Play::with_seats(terms(), 4);
    for _ in 0..3 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for number in 1..=3 {
        play.commit(number, 0).unwrap();
    }
    play.commit(4, 1).unwrap();
    dispute(&mut play, 9, 3, 4).unwrap();
    let effects = play.rule(3, device(4)).unwrap();
    assert!(effects.contains(&Effect::ReturnBond { account: account(9), amount: BOND }));
}

#[test]
fn leaving_and_coming_back_does_not_shield_earlier_rounds() {
    let (mut play, round) = undetected();
    play.leave(5).unwrap();
    play.enroll(5).unwrap();
    dispute(&mut play, 9, round, 5).unwrap();
    play.rule(round, device(5)).unwrap();
    assert!(play.is_expelled(5));
}

/// An auditor that passed made-up work answers for it.
#[test]
fn who_vouches_for_made_up_work_is_expelled_with_it() {
    let mut vouched = 0;
    for trial in 0..12 {
        let mut play = all_drawn(trial, 1);
        let audits = play.audits();
        let Some((round, subject, auditor)) = audits
            .into_iter()
            .find(|(_, subject, auditor)| *subject == device(4) && *auditor != TRAINER)
        else {
            continue;
        };
        let (_, given) = play.entry(3, device(4)).unwrap();
        let finding = Finding::Passed { seal: given.seal };
        play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
        // Somebody else disputes before the second audit is drawn.
        dispute(&mut play, 9, 3, 4).unwrap();
        play.rule(3, device(4)).unwrap();
        let cause = play.log.iter().find_map(|effect| match effect {
            Effect::Expelled { device: of, cause, .. } if *of == auditor => Some(*cause),
            _ => None,
        });
        assert_eq!(cause, Some(Cause::Vouched));
        vouched += 1;
        play.finish();
    }
    assert!(vouched > 5, "{vouched}");
}

/// The seat of an expelled auditor was freed while it was the accuser, and the next device in it was expelled in its place.
#[test]
fn an_expelled_device_gives_no_verdicts() {
    let mut tried = 0;
    for trial in 0..12 {
        let mut play = all_drawn(trial, 0);
        let audit = play.audits().into_iter().find(|(_, _, auditor)| *auditor == device(4));
        let Some((round, subject, auditor)) = audit else { continue };
        // It is convicted for a wrong dispute while it has to audit.
        let victim = (1..=3).find(|number| device(*number) != subject).unwrap();
        play.verdict(device(4), 2, victim, Finding::Mismatch).unwrap();
        play.rule(2, device(victim)).unwrap();
        assert!(play.is_expelled(4));
        let finding = Finding::Mismatch;
        let given = play.by(STRANGER, Input::Verdict { auditor, round, subject, finding });
        assert_eq!(given, Err(Refused::NoSeat(auditor)));
        play.enroll(6).unwrap();
        play.decide_all();
        assert!(!play.is_expelled(6));
        tried += 1;
    }
    assert!(tried >= 3, "{tried}");
}

#[test]
fn a_run_does_not_wait_for_a_referee_that_is_gone() {
    let (mut play, round) = undetected();
    dispute(&mut play, 9, round, 1).unwrap();
    play.by(OWNER, Input::Cancel).unwrap();
    let early = play.by(STRANGER, Input::Expire { round, subject: device(1) });
    assert!(matches!(early, Err(Refused::TooEarly { .. })));
    play.wait(24 * 3600);
    let expire = Input::Expire { round, subject: device(1) };
    let effects = play.by(STRANGER, expire).unwrap();
    assert!(effects.contains(&Effect::ReturnBond { account: account(9), amount: BOND }));
    play.finish();
    assert!(matches!(play.book.state().phase, Phase::Finished(_)));
    assert_eq!(play.paid(1), play.credited(1));
}

#[test]
fn a_drawn_auditor_is_paid_out_of_the_forfeited_stake() {
    for trial in 0..20 {
        let mut play = all_drawn(trial, 1);
        let audit = play.audits().into_iter().find(|(_, subject, _)| *subject == device(4));
        let (round, subject, auditor) = audit.unwrap();
        if auditor == TRAINER {
            continue;
        }
        let finding = Finding::Mismatch;
        play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
        let effects = play.rule(round, subject).unwrap();
        let kinds = [PayKind::Audit, PayKind::Bounty].map(|kind| Effect::Verified {
            device: auditor,
            round,
            tokens: 0,
            amount: Wei::new(PAY),
            kind,
        });
        assert!(kinds.iter().all(|paid| effects.contains(paid)), "{effects:?}");
        return;
    }
    panic!("a seat is drawn in most trials");
}

/// Plays a run of five warm-up rounds of half a round's pay, of which a cheat works `honest` ones. Then it makes its work up, and the
/// seat that is drawn finds it: the owner has no auditing device any more. Returns what that seat is paid for the verdict, and as
/// a bounty, and what the cheat had at stake.
fn found_by_a_seat(honest: u32) -> ([u128; 2], u128) {
    let (warmup_rounds, warmup_tokens_per_round) = (5, 50);
    let (audit_rate, audit_pay) = (Bps::WHOLE, Bps::new(5_000).unwrap());
    let terms = Terms { warmup_rounds, warmup_tokens_per_round, audit_rate, audit_pay, ..terms() };
    let mut play = Play::with_seats(terms, 4);
    for round in 0..warmup_rounds {
        let first = warmup_rounds - honest;
        if round + 1 == first {
            play.enroll(5).unwrap();
        }
        let numbers: &[u8] = if round < first { &[1, 2, 3, 4] } else { &[1, 2, 3, 4, 5] };
        play.round(numbers, &[]);
    }
    play.by(OWNER, Input::SetAuditor { auditor: DeviceId::ZERO }).unwrap();
    for number in 1..=4 {
        play.commit(number, 0).unwrap();
    }
    play.commit(5, 1).unwrap();
    play.advance().unwrap();
    play.draw(warmup_rounds).unwrap();
    let audit = play.audits().into_iter().find(|(_, subject, _)| *subject == device(5));
    let (round, subject, auditor) = audit.unwrap();
    assert_ne!(auditor, DeviceId::ZERO, "seats audit");
    let stake = play.seat(5).stake.as_u128();
    let finding = Finding::Mismatch;
    play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
    let effects = play.rule(round, subject).unwrap();
    let paid = [PayKind::Audit, PayKind::Bounty].map(|given| {
        let amounts = effects.iter().filter_map(|effect| match effect {
            Effect::Verified { device: of, amount, kind, .. }
                if (*of, *kind) == (auditor, given) =>
            {
                Some(amount.as_u128())
            }
            _ => None,
        });
        amounts.sum()
    });
    (paid, stake)
}

/// Otherwise it would pay to accuse identities of one's own, which cost nothing.
#[test]
fn an_accuser_is_paid_as_far_as_the_stake_of_the_convicted_goes() {
    let (verdict, bounty) = (PAY / 2, PAY);
    let found: Vec<_> = (0..5).map(found_by_a_seat).collect();
    for (paid, stake) in &found {
        let most = (*stake).min(verdict + bounty);
        assert_eq!(paid.iter().sum::<u128>(), most, "{paid:?} out of {stake}");
        assert!(paid[0] <= verdict && paid[1] <= bounty, "{paid:?}");
    }
    assert_eq!(found[0], ([0, 0], 0));
    assert!((1..bounty).contains(&found[1].1), "less than the bounty alone: {found:?}");
    assert_eq!(found[4].0, [verdict, bounty]);
}

/// The stake was paid out, the run waits for another dispute: the owner's escrow does not pay in its place.
#[test]
fn there_is_no_bounty_out_of_a_stake_that_is_paid_out() {
    let (mut play, round) = undetected();
    play.by(OWNER, Input::Cancel).unwrap();
    dispute(&mut play, 8, round, 1).unwrap();
    play.by(OWNER, Input::Settle { seats: (0..5).collect() }).unwrap();
    assert_eq!(play.seat(5).stake, Wei::ZERO);
    dispute(&mut play, 9, round, 5).unwrap();
    let effects = play.rule(round, device(5)).unwrap();
    let returned = Effect::ReturnBond { account: account(9), amount: BOND };
    assert!(effects.contains(&returned), "{effects:?}");
    play.finish();
}

/// A device that is found out in one round is paid for no other one that is still undecided, earlier or later, and nobody has to
/// audit them.
#[test]
fn a_conviction_voids_what_is_undecided_of_other_rounds() {
    let mut play = all_drawn(0, 0);
    for (round, last) in [(4, 1), (5, 0)] {
        assert_eq!(play.book.state().round, round);
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        play.commit(4, last).unwrap();
        play.advance().unwrap();
    }
    assert!(matches!(play.check(3, 4), Check::Audit { .. }));
    let (stake, paid) = (play.seat(4).stake, play.paid(4));
    dispute(&mut play, 9, 4, 4).unwrap();
    let effects = play.rule(4, device(4)).unwrap();
    let forfeited = effects.iter().find_map(|effect| match effect {
        Effect::Expelled { forfeited, .. } => Some(*forfeited),
        _ => None,
    });
    assert_eq!(forfeited, stake.checked_add(Wei::new(2 * PAY)).ok());
    assert!((3..=5).all(|round| play.check(round, 4) == Check::Void));
    assert!(play.audits().iter().all(|(_, subject, _)| *subject != device(4)));
    play.finish();
    assert_eq!(play.paid(4), paid);
}
