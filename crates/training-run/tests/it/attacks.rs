//! Attacks that succeeded on the rules before audits by stake and the referee. The numbers are those of the list in
//! `docs/protocol.md`.

use training_run::{Cause, Check, Effect, Finding, Input, Phase, Refused, Standing, Terms};
use units::{Bps, Wei};

use crate::play::{OWNER, PAY, Play, STRANGER, TRAINER, account, commitment, device, terms};

/// Every commitment is audited.
fn always() -> Terms {
    Terms { audit_rate: Bps::WHOLE, ..terms() }
}

/// Plays on with an owner's device that tells the truth, and seats that pass whatever is before them.
fn answer_as_accomplices(play: &mut Play) {
    for (round, subject, auditor) in play.audits() {
        let finding = if auditor == TRAINER {
            play.truth(round, subject)
        } else {
            let (_, given) = play.entry(round, subject).unwrap();
            Finding::Passed { seal: given.seal }
        };
        let _ = play.by(STRANGER, Input::Verdict { auditor, round, subject, finding });
    }
    for (round, subject) in play.disputes() {
        play.rule(round, subject).unwrap();
    }
}

#[test]
fn a01_identities_of_one_person_that_pass_each_other_are_not_paid() {
    let mut play = Play::with_seats(terms(), 8);
    for _ in 0..3 {
        for number in 1..=8 {
            let _ = play.commit(number, 1);
        }
        let round = play.book.state().round;
        let _ = play.advance();
        for _ in 0..4 {
            let _ = play.draw(round);
            answer_as_accomplices(&mut play);
        }
    }
    assert!((1..=8).all(|number| play.is_expelled(number)));
    play.finish();
    assert!((1..=8).all(|number| play.paid(number) == 0));
}

#[test]
fn a02_no_number_of_accusers_convicts_an_honest_device() {
    let mut play = Play::with_seats(terms(), 5);
    for _ in 0..4 {
        play.round(&[1, 2, 3, 4, 5], &[]);
    }
    for number in 1..=5 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    play.draw(4).unwrap();
    // Seats 2 to 5 and the owner's device all say that the work of 1 is made up; whoever was drawn, and whenever they
    // say it.
    for accuser in [device(2), device(3), TRAINER, device(4), device(5)] {
        let raised = play.verdict(accuser, 4, 1, Finding::Mismatch);
        if raised.is_ok() {
            play.rule(4, device(1)).unwrap();
        }
    }
    assert!(!play.is_expelled(1));
    assert!(play.is_expelled(2), "who accused first was wrong");
    assert_eq!(play.seat(2).standing, Standing::Expelled { round: 4, cause: Cause::FalseAudit });
    play.decide_all();
    play.finish();
    assert!(play.verified(1).contains(&4));
    assert_eq!(play.paid(1), play.credited(1));
    assert_eq!(play.paid(2), 0, "its stake is forfeited");
}

#[test]
fn a03_who_withholds_is_replayed_by_the_referee_and_convicted() {
    let mut play = Play::with_seats(Terms { audit_pay: Bps::ZERO, ..always() }, 5);
    for _ in 0..4 {
        play.round(&[1, 2, 3, 4, 5], &[]);
    }
    play.round(&[2, 3, 4, 5], &[]);
    for number in 2..=5 {
        play.commit(number, 0).unwrap();
    }
    let (stake, paid) = (play.seat(1).stake, play.paid(1));
    assert!(stake >= Wei::new(3 * PAY));
    play.commit(1, 1).unwrap();
    play.advance().unwrap();
    let mut draws = 0;
    while !play.is_expelled(1) {
        let _ = play.draw(5);
        for (round, subject, auditor) in play.audits() {
            if subject == device(1) {
                // All auditors say that the cheat gave them nothing.
                draws += 1;
                let finding = Finding::Unavailable;
                play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
            }
        }
        for (round, subject) in play.disputes() {
            play.rule(round, subject).unwrap();
        }
        assert!(draws <= 3, "the referee decides after three");
    }
    let again = play.enroll(1);
    assert!(matches!(again, Err(Refused::Expelled { round: 5, cause: Cause::Convicted, .. })));
    play.finish();
    assert_eq!(play.paid(1), paid, "all that it held is lost");
}

#[test]
fn a04_fresh_identities_are_audited_always() {
    let mut play = Play::with_seats(Terms { seats_max: 40, rounds: 60, ..terms() }, 4);
    for _ in 0..5 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for fresh in 10..30 {
        play.enroll(fresh).unwrap();
        play.round(&[1, 2, 3, 4], &[]);
        play.round(&[1, 2, 3, 4], &[fresh]);
    }
    play.finish();
    for number in 10..30 {
        assert_eq!(play.committed(number).len(), 1);
        assert!(play.is_expelled(number) && play.paid(number) == 0, "{number}");
    }
}

#[test]
fn a05_silence_of_auditors_costs_the_subject_nothing() {
    let mut play = Play::with_seats(always(), 3);
    for _ in 0..3 {
        play.round(&[1, 2, 3], &[]);
    }
    // From now on seats 2 and 3 say nothing.
    for _ in 0..4 {
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        let round = play.book.state().round;
        play.advance().unwrap();
        for _ in 0..40 {
            let _ = play.draw(round);
            for (round, subject, auditor) in play.audits() {
                if auditor == device(1) || auditor == TRAINER {
                    let finding = play.truth(round, subject);
                    let input = Input::Verdict { auditor, round, subject, finding };
                    play.by(STRANGER, input).unwrap();
                }
            }
            for (round, subject) in play.disputes() {
                play.rule(round, subject).unwrap();
            }
            play.wait(31);
        }
    }
    let silent = [2, 3].map(|number| play.seat(number).silences);
    assert!(silent.iter().any(|silences| *silences > 0), "{silent:?}");
    play.finish();
    assert_eq!(play.committed(1), play.verified(1));
    assert_eq!(play.paid(1), play.credited(1));
    assert!(play.paid(1) >= 7 * PAY);
}

#[test]
fn a06_the_owner_can_not_close_with_its_own_devices_alone() {
    let low = Terms { quorum: Bps::new(4_999).unwrap(), ..terms() };
    assert_eq!(low.validate().unwrap_err().field, "quorum");
    // Two seats would do, eight are there; one of them is the owner's.
    let mut play = Play::new(Terms { seats_min: 2, ..terms() });
    play.enroll(1).unwrap();
    play.enroll(2).unwrap();
    assert_eq!(play.book.state().phase, Phase::Training);
    for number in 3..=8 {
        play.enroll(number).unwrap();
    }
    play.commit(1, 0).unwrap();
    play.commit(2, 0).unwrap();
    play.advance().unwrap();
    // Of eight that take part, two committed before: one is half of them, but in the first round everybody counts.
    let mut play = Play::with_seats(terms(), 8);
    play.commit(1, 0).unwrap();
    let closed = play.by(OWNER, Input::Close { round: 0 });
    assert_eq!(closed, Err(Refused::NoQuorum { committed: 1, quorum: 4 }));
    for number in 2..=4 {
        play.commit(number, 0).unwrap();
    }
    play.by(OWNER, Input::Close { round: 0 }).unwrap();
}

#[test]
fn a08_a_statement_holds_once() {
    let mut play = Play::with_seats(terms(), 3);
    play.leave(1).unwrap();
    play.enroll(1).unwrap();
    let replayed = play.by(STRANGER, Input::Leave { device: device(1), nonce: 2 });
    assert!(matches!(replayed, Err(Refused::WrongNonce { given: 2, expected: 4, .. })));
    let replayed =
        play.by(STRANGER, Input::Enroll { device: device(1), account: account(9), nonce: 1 });
    assert!(matches!(replayed, Err(Refused::WrongNonce { given: 1, expected: 4, .. })));
    assert_eq!(play.seat(1).account, account(1));
}

#[test]
fn a09_a_conviction_bars_the_device_not_the_account() {
    let mut play = Play::new(terms());
    play.enroll_for(1, account(1)).unwrap();
    // A stranger's device names the account of device 1, works for it, and is convicted.
    play.enroll_for(2, account(1)).unwrap();
    play.round(&[1], &[2]);
    assert!(play.is_expelled(2));
    assert!(matches!(play.enroll_for(2, account(1)), Err(Refused::Expelled { .. })));
    assert!(play.seat(1).is_active());
    play.enroll_for(3, account(1)).unwrap();
    play.round(&[1], &[]);
    play.round(&[1, 3], &[]);
    play.finish();
    assert_eq!(play.paid(1), play.credited(1));
    assert!(play.paid(1) >= 2 * PAY);
}

#[test]
fn a10_a_thousand_identities_that_come_and_go_fill_nothing() {
    let mut play = Play::with_seats(terms(), 2);
    for index in 0..1_000_u64 {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&index.to_le_bytes());
        let device = units::DeviceId::from_bytes(bytes);
        let enroll = Input::Enroll { device, account: account(7), nonce: 1 };
        play.by(STRANGER, enroll).unwrap();
        play.by(STRANGER, Input::Leave { device, nonce: 2 }).unwrap();
    }
    assert!(play.book.state().seats <= 3, "the seat is taken again");
    play.enroll(3).unwrap();
    play.round(&[1, 2], &[]);
    play.round(&[1, 2, 3], &[]);
    play.finish();
    assert!(play.paid(3) >= PAY);
}

#[test]
fn a10_seats_that_never_work_are_free_after_two_rounds() {
    let mut play = Play::new(Terms { seats_min: 2, seats_max: 4, ..terms() });
    for number in 1..=4 {
        play.enroll(number).unwrap();
    }
    assert_eq!(play.enroll(5), Err(Refused::Full(4)));
    // Seats 3 and 4 take part from the second round on.
    for _ in 0..3 {
        play.commit(1, 0).unwrap();
        play.commit(2, 0).unwrap();
        let round = play.book.state().round;
        if play.book.state().phase == Phase::Training {
            play.by(OWNER, Input::Close { round }).unwrap();
        }
        play.advance().unwrap();
        play.decide_all();
    }
    play.enroll(5).unwrap();
    play.enroll(6).unwrap();
    assert!(play.seat(1).is_active() && play.seat(2).is_active());
}

#[test]
fn a13_an_open_audit_holds_back_nobody_else() {
    let mut play = Play::with_seats(terms(), 4);
    for _ in 0..3 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for number in 1..=4 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    // The work of 4 is before a referee that does not answer.
    let bond = Wei::new(PAY);
    play.by(STRANGER, Input::Dispute { round: 3, subject: device(4), bond }).unwrap();
    for number in 1..=3 {
        play.leave(number).unwrap();
    }
    play.wait(2_000);
    play.by(STRANGER, Input::Abandon).unwrap();
    for _ in 0..8 {
        for round in 0..4 {
            let _ = play.draw(round);
        }
        for (round, subject, auditor) in play.audits() {
            let finding = play.truth(round, subject);
            play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
        }
        let _ = play.by(OWNER, Input::Settle { seats: vec![0, 1, 2, 3] });
    }
    assert!(!play.disputes().is_empty(), "it is still before the referee");
    for number in 1..=3 {
        assert!(play.paid(number) >= 4 * PAY, "{number} waits for nobody");
        assert_eq!(play.paid(number), play.credited(number));
    }
}

#[test]
fn a13_leaving_after_the_draw_changes_nothing() {
    let mut play = Play::with_seats(always(), 4);
    for _ in 0..3 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for number in 1..=3 {
        play.commit(number, 0).unwrap();
    }
    let paid = play.paid(4);
    play.commit(4, 1).unwrap();
    play.advance().unwrap();
    play.draw(3).unwrap();
    assert!(matches!(play.check(3, 4), Check::Audit { .. }));
    play.leave(4).unwrap();
    let enroll = play.enroll(4);
    assert!(matches!(enroll, Err(Refused::NotSettled(_))), "{enroll:?}");
    play.decide_all();
    assert!(play.is_expelled(4));
    let forfeited = play.log.iter().find_map(|effect| match effect {
        Effect::Expelled { device: of, forfeited, .. } if *of == device(4) => Some(*forfeited),
        _ => None,
    });
    assert!(forfeited >= Some(Wei::new(3 * PAY)), "{forfeited:?}");
    assert_eq!(play.paid(4), paid);
}

/// A bounty out of pay that was never earned made it worth while to denounce identities of one's own.
#[test]
fn denouncing_an_identity_of_ones_own_pays_nothing() {
    let mut play = Play::with_seats(terms(), 4);
    for _ in 0..3 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    play.enroll(5).unwrap();
    play.round(&[1, 2, 3, 4], &[]);
    play.commit(5, 1).unwrap();
    for number in 1..=4 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    let bond = Wei::new(PAY);
    play.by(account(4), Input::Dispute { round: 4, subject: device(5), bond }).unwrap();
    let effects = play.rule(4, device(5)).unwrap();
    assert!(
        effects.contains(&Effect::ReturnBond { account: account(4), amount: bond }),
        "{effects:?}"
    );
    assert_eq!(commitment(device(5), 4, 1), play.entry(4, device(5)).unwrap().1);
}
