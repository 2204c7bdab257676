//! Runs as they should go.

use training_run::{Check, Effect, Finding, Input, Phase, Refused, Terms, chance};
use units::{Bps, DeviceId, Wei};

use crate::play::{OWNER, PAY, Play, STRANGER, TRAINER, account, device, terms};

#[test]
fn a_long_run_goes_round_the_kept_records() {
    let mut play = Play::with_seats(Terms { rounds: 150, warmup_rounds: 5, ..terms() }, 4);
    for _ in 0..150 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    play.finish();
    for number in 1..=4 {
        assert_eq!(play.verified(number).len(), 150);
        assert_eq!(play.paid(number), play.credited(number));
    }
}

#[test]
fn verified_pay_above_the_stake_is_paid_at_once() {
    let mut play = Play::with_seats(terms(), 4);
    let most = play.book.terms().stake_max().unwrap();
    assert_eq!(most, Wei::new(13 * PAY));
    for _ in 0..30 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for number in 1..=4 {
        let stake = play.seat(number).stake;
        assert!(stake >= most, "all that is needed is held");
        assert!(play.paid(number) >= 10 * PAY, "what exceeds it is paid: {}", play.paid(number));
    }
}

/// A device that was drawn would else be paid for what it makes up until its conviction.
#[test]
fn nothing_is_verified_or_paid_after_an_undecided_round() {
    let mut play = Play::with_seats(terms(), 4);
    for _ in 0..20 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    let undecided = play.book.state().round;
    for number in 1..=4 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    let bond = Wei::new(PAY);
    let (round, subject) = (undecided, device(4));
    play.by(account(9), Input::Dispute { round, subject, bond }).unwrap();
    let (paid, verified) = (play.paid(4), play.verified(4).len());
    for _ in 0..5 {
        for number in 1..=4 {
            play.commit(number, 0).unwrap();
        }
        let round = play.book.state().round;
        play.advance().unwrap();
        let _ = play.draw(round);
        for (round, subject, auditor) in play.audits() {
            let finding = play.truth(round, subject);
            play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
        }
    }
    assert_eq!(play.paid(4), paid);
    assert!(play.verified(4).len() <= verified + 1, "only audited work counts meanwhile");
    assert!(play.paid(1) > paid - 2 * PAY, "others are paid");
    play.decide_all();
    play.round(&[1, 2, 3, 4], &[]);
    assert!(play.paid(4) >= paid + 4 * PAY, "{} {paid}", play.paid(4));
}

/// Later work that was not drawn waits for the open audit; later work that was audited counts, but is not paid before it.
#[test]
fn an_open_audit_holds_back_the_later_rounds_of_its_device() {
    let terms = Terms { rounds: 200, audit_seconds: 600_000, ..terms() };
    let mut play = Play::with_seats(terms, 4);
    for _ in 0..20 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    let (mut open, mut paid, mut audited) = (None, 0, 0);
    for _ in 0..60 {
        for number in 1..=4 {
            play.commit(number, 0).unwrap();
        }
        let current = play.book.state().round;
        play.advance().unwrap();
        for _ in 0..3 {
            let _ = play.draw(current);
            for (round, subject, auditor) in play.audits() {
                if subject == device(4) && open.is_none() {
                    (open, paid) = (Some(round), play.paid(4));
                }
                if subject == device(4) && open == Some(round) {
                    continue;
                }
                audited += u32::from(subject == device(4));
                let finding = play.truth(round, subject);
                play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
            }
        }
        if open.is_some_and(|open| current >= open + 50) {
            break;
        }
    }
    let open = open.unwrap();
    let later = play.verified(4).into_iter().filter(|round| *round > open).count();
    assert!(audited > 0 && later > 0, "some later round was audited and passed");
    assert!(later <= usize::try_from(audited).unwrap(), "{later} of {audited}");
    assert_eq!(play.paid(4), paid);
    play.decide_all();
    play.round(&[1, 2, 3, 4], &[]);
    assert!(play.paid(4) >= paid + 10 * PAY, "then all is paid");
}

#[test]
fn the_owners_device_audits_newcomers_and_a_share_of_all() {
    let mut play = Play::with_seats(Terms { rounds: 300, ..terms() }, 4);
    for number in 1..=4 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    play.draw(0).unwrap();
    let audits = play.audits();
    assert_eq!(audits.len(), 4, "newcomers are always audited");
    assert!(audits.iter().all(|(_, _, auditor)| *auditor == TRAINER));
    play.decide_all();
    for _ in 1..300 {
        play.round(&[1, 2, 3, 4], &[]);
    }
    let drawn = |by_trainer: bool| {
        let drawn = play.log.iter().filter(|effect| {
            matches!(effect, Effect::Drawn { auditor, .. } if (*auditor == TRAINER) == by_trainer)
        });
        drawn.count()
    };
    assert!((45..=90).contains(&drawn(true)), "5 % of 1,200: {}", drawn(true));
    assert!((50..=110).contains(&drawn(false)), "and as many by seats: {}", drawn(false));
}

#[test]
fn an_owners_device_that_is_off_is_not_counted_on() {
    let mut play = Play::with_seats(Terms { rounds: 200, ..terms() }, 5);
    for _ in 0..60 {
        for number in 1..=5 {
            play.commit(number, 0).unwrap();
        }
        let round = play.book.state().round;
        play.advance().unwrap();
        for _ in 0..3 {
            let _ = play.draw(round);
            for (round, subject, auditor) in play.audits() {
                if auditor != TRAINER {
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
        for old in round.saturating_sub(8)..round {
            let _ = play.draw(old);
        }
    }
    let head = play.book.state();
    assert!(head.trainer_silences > 0);
    assert_eq!(head.trainer_audits, 0, "it is given up");
    let from = play.log.len() / 2;
    let drawn = play.log[from..]
        .iter()
        .filter(|effect| matches!(effect, Effect::Drawn { auditor, .. } if *auditor == TRAINER));
    assert_eq!(drawn.count(), 0);
    play.by(OWNER, Input::SetAuditor { auditor: TRAINER }).unwrap();
    assert_eq!(play.book.state().trainer_silences, 0, "named again, it is counted on again");
    play.finish();
    for number in 1..=5 {
        assert_eq!(play.committed(number), play.verified(number));
        assert_eq!(play.paid(number), play.credited(number));
    }
}

/// Nobody can answer an audit of a device that does not exist.
#[test]
fn without_an_auditing_device_the_first_commitments_go_to_the_referees_at_once() {
    let mut play = Play::with_seats(terms(), 4);
    play.by(OWNER, Input::SetAuditor { auditor: DeviceId::ZERO }).unwrap();
    for number in 1..=4 {
        play.commit(number, u8::from(number == 4)).unwrap();
    }
    play.advance().unwrap();
    play.draw(0).unwrap();
    assert_eq!(play.audits(), []);
    assert_eq!(play.disputes().len(), 4);
    play.decide_all();
    assert!(play.is_expelled(4));
    assert!((1..=3).all(|number| play.verified(number).contains(&0)));
    play.finish();
}

/// A record of a dispute costs ten times as much gas as another draw: all at once would not fit into a block.
#[test]
fn without_an_auditing_device_a_draw_raises_a_bounded_number_of_disputes() {
    let mut play = Play::with_seats(Terms { seats_max: 100, ..terms() }, 100);
    play.by(OWNER, Input::SetAuditor { auditor: DeviceId::ZERO }).unwrap();
    for number in 1..=100 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    for expected in [32, 64, 96, 100] {
        play.draw(0).unwrap();
        assert_eq!(play.disputes().len(), expected);
    }
    assert_eq!(play.audits(), []);
    play.finish();
    assert!((1..=100).all(|number| play.verified(number).len() == 1));
}

/// What was drawn for it while it existed is not waited for.
#[test]
fn audits_of_a_device_that_the_owner_takes_back_are_drawn_again() {
    let mut play = Play::with_seats(terms(), 4);
    for number in 1..=4 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    play.draw(0).unwrap();
    assert_eq!(play.audits().len(), 4);
    play.by(OWNER, Input::SetAuditor { auditor: DeviceId::ZERO }).unwrap();
    for _ in 0..3 {
        let _ = play.draw(0);
    }
    assert_eq!((play.audits(), play.disputes().len()), (vec![], 4));
    play.finish();
}

#[test]
fn a_slow_device_is_paid_for_what_is_in_a_block() {
    let mut play = Play::with_seats(terms(), 4);
    for _ in 0..3 {
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        let round = play.book.state().round;
        if round != 1 {
            play.commit(4, 0).unwrap();
        } else {
            play.by(OWNER, Input::Close { round }).unwrap();
        }
        play.advance().unwrap();
        play.decide_all();
    }
    assert_eq!(play.verified(4).into_iter().collect::<Vec<_>>(), [0, 2]);
    assert!(play.seat(4).is_active(), "one missed round does no harm");
}

#[test]
fn a_round_without_a_quorum_is_extended_and_closed_by_anyone() {
    let mut play = Play::with_seats(terms(), 8);
    play.commit(1, 0).unwrap();
    let close = |play: &mut Play| play.by(STRANGER, Input::Close { round: 0 });
    assert!(matches!(close(&mut play), Err(Refused::TooEarly { .. })));
    play.wait(61);
    assert!(matches!(close(&mut play), Err(Refused::NoQuorum { committed: 1, quorum: 4 })));
    play.by(STRANGER, Input::Lapse { round: 0 }).unwrap();
    assert!(matches!(close(&mut play), Err(Refused::TooEarly { .. })));
    play.wait(61);
    play.by(STRANGER, Input::Lapse { round: 0 }).unwrap();
    play.wait(61);
    close(&mut play).unwrap();
    assert_eq!(play.book.state().phase, Phase::Closed);
}

#[test]
fn a_passing_verdict_needs_the_root() {
    let mut play = Play::with_seats(terms(), 3);
    for number in 1..=3 {
        play.commit(number, 0).unwrap();
    }
    play.advance().unwrap();
    play.draw(0).unwrap();
    let seal = units::seal(&device(1), &units::Digest::of(b"a guess"));
    let guessed = play.verdict(TRAINER, 0, 1, Finding::Passed { seal });
    assert_eq!(guessed, Err(Refused::OpensNothing));
    assert!(matches!(play.check(0, 1), Check::Audit { .. }));
    let finding = play.truth(0, device(1));
    let stranger = play.verdict(device(2), 0, 1, finding);
    assert!(matches!(stranger, Err(Refused::NotTheAuditor { .. })));
    play.verdict(TRAINER, 0, 1, finding).unwrap();
    assert_eq!(play.check(0, 1), Check::Settled);
}

#[test]
fn relays_are_paid_within_the_deposit() {
    let fee = Wei::new(3);
    let mut play = Play::with_seats(Terms { relay_fee: fee, ..terms() }, 3);
    let relays = |play: &Play| {
        let is_relay = |effect: &&Effect| matches!(effect, Effect::PayRelay { account, amount } if *account == STRANGER && *amount == fee);
        play.log.iter().filter(is_relay).count()
    };
    play.round(&[1, 2, 3], &[]);
    assert_eq!(relays(&play), 0, "identities that cost nothing could live on the fees");
    for _ in 0..3 {
        play.round(&[1, 2, 3], &[]);
    }
    assert!(relays(&play) >= 3, "devices with stake");
    play.finish();
}

#[test]
fn stakes_follow_the_floor() {
    for (floor, rounds) in [(10_000, 3), (2_000, 6), (1_000, 13), (500, 28)] {
        let terms = Terms { audit_rate: Bps::new(floor).unwrap(), ..terms() };
        assert_eq!(terms.stake_max().unwrap(), Wei::new(rounds * PAY), "{floor}");
        let stake = u64::try_from(rounds).unwrap() * chance::ROUND;
        let floor = u64::from(floor) * 100;
        assert_eq!(chance::of_audit(stake, floor, 0), floor);
    }
}
