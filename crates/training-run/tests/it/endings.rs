//! How runs end.

use training_run::{Effect, Ending, Input, Phase, Refused, Terms};

use units::{Bps, Wei};

use crate::play::{OWNER, PAY, Play, STRANGER, terms};

fn is_refunded(play: &Play) -> bool {
    play.log
        .iter()
        .any(|effect| matches!(effect, Effect::Refund { account, .. } if *account == OWNER))
}

#[test]
fn a_completed_run_pays_everybody_and_refunds_the_rest() {
    let mut play = Play::with_seats(Terms { rounds: 3, ..terms() }, 3);
    for _ in 0..3 {
        play.round(&[1, 2, 3], &[]);
    }
    assert_eq!(play.book.state().phase, Phase::WindingUp(Ending::Completed));
    play.finish();
    assert_eq!(play.book.state().phase, Phase::Finished(Ending::Completed));
    assert!(is_refunded(&play));
    assert!((1..=3).all(|number| play.paid(number) >= 3 * PAY));
    assert_eq!(play.by(OWNER, Input::Cancel), Err(Refused::Over));
}

#[test]
fn a_cancelled_run_pays_what_is_in_a_block() {
    let mut play = Play::with_seats(terms(), 3);
    play.round(&[1, 2, 3], &[]);
    play.commit(1, 0).unwrap();
    assert_eq!(play.by(STRANGER, Input::Cancel), Err(Refused::NotOwner));
    play.by(OWNER, Input::Cancel).unwrap();
    assert!(play.commit(2, 0).is_err());
    play.finish();
    assert_eq!(play.book.state().phase, Phase::Finished(Ending::Cancelled));
    assert!(play.paid(1) >= 2 * PAY);
}

/// At the end the owner's device may still look at the last rounds; then anyone may have the seats paid.
#[test]
fn the_last_stakes_wait_for_the_owner_or_the_deadline() {
    let mut play = Play::with_seats(Terms { rounds: 1, ..terms() }, 2);
    play.commit(1, 0).unwrap();
    play.commit(2, 0).unwrap();
    play.advance().unwrap();
    play.decide_all();
    let seats = vec![0, 1];
    play.by(STRANGER, Input::Settle { seats: seats.clone() }).unwrap();
    let deadline = play.book.state().deadline.as_u64();
    if play.now < deadline {
        assert_eq!(play.paid(1), 0);
    }
    play.by(OWNER, Input::Settle { seats }).unwrap();
    assert!(matches!(play.book.state().phase, Phase::Finished(_)));
    assert!(play.paid(1) >= PAY);
}

#[test]
fn anyone_ends_a_run_in_which_nothing_happens() {
    let mut play = Play::with_seats(terms(), 3);
    play.round(&[1, 2, 3], &[]);
    play.commit(1, 0).unwrap();
    let early = play.by(STRANGER, Input::Abandon);
    assert!(matches!(early, Err(Refused::TooEarly { .. })));
    play.wait(900);
    // Coming and going is no progress.
    play.enroll(4).unwrap();
    play.leave(4).unwrap();
    play.wait(100);
    play.by(STRANGER, Input::Abandon).unwrap();
    play.finish();
    assert_eq!(play.book.state().phase, Phase::Finished(Ending::Abandoned));
    assert!(play.paid(1) >= 2 * PAY);
}

#[test]
fn a_run_that_nobody_joins_is_refunded() {
    let mut play = Play::new(terms());
    play.by(OWNER, Input::Cancel).unwrap();
    assert_eq!(play.book.state().phase, Phase::Finished(Ending::Cancelled));
    assert!(is_refunded(&play));
}

#[test]
fn a_seat_that_left_is_paid_a_round_later() {
    let mut play = Play::with_seats(terms(), 3);
    play.round(&[1, 2, 3], &[]);
    play.leave(3).unwrap();
    play.decide_all();
    assert_eq!(play.paid(3), 0);
    play.round(&[1, 2], &[]);
    assert!(play.paid(3) >= PAY);
    play.enroll(3).unwrap();
}

/// Four seats with the stake of three rounds. In round 3 the last one makes its work up, and every commitment is drawn: nothing
/// else of the last one is undecided. Trials differ in who audits whom.
fn with_a_cheat_in_round_3(terms: &Terms) -> Play {
    for trial in 0..20 {
        let mut play = Play::with_seats(Terms { audit_rate: Bps::WHOLE, ..terms.clone() }, 4);
        play.wait(trial * 2);
        for _ in 0..3 {
            play.round(&[1, 2, 3, 4], &[]);
        }
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        play.commit(4, 1).unwrap();
        play.advance().unwrap();
        play.draw(3).unwrap();
        if play.seat(4).duties == 0 {
            return play;
        }
    }
    panic!("it has to audit somebody in every trial");
}

fn check_that_the_cheat_gets_nothing_more(mut play: Play) {
    let (stake, paid) = (play.seat(4).stake, play.paid(4));
    assert!(stake >= Wei::new(3 * PAY));
    for caller in [STRANGER, OWNER] {
        play.by(caller, Input::Settle { seats: (0..4).collect() }).unwrap();
        assert_eq!(play.seat(4).stake, stake, "it is still audited");
    }
    play.finish();
    assert!(play.is_expelled(4));
    assert_eq!(play.paid(4), paid);
    assert!((1..=3).all(|number| play.paid(number) == play.credited(number)));
}

/// Otherwise whoever makes the last round up has nothing to lose when it is found.
#[test]
fn no_stake_is_paid_before_the_last_round_is_audited() {
    let mut play = with_a_cheat_in_round_3(&Terms { rounds: 4, ..terms() });
    assert_eq!(play.book.state().phase, Phase::WindingUp(Ending::Completed));
    play.wait(31);
    assert!(play.now > play.book.state().deadline.as_u64());
    check_that_the_cheat_gets_nothing_more(play);
}

#[test]
fn no_stake_of_a_seat_that_left_is_paid_before_its_last_round_is_audited() {
    let mut play = with_a_cheat_in_round_3(&terms());
    play.leave(4).unwrap();
    for _ in 0..2 {
        for number in 1..=3 {
            play.commit(number, 0).unwrap();
        }
        play.advance().unwrap();
    }
    check_that_the_cheat_gets_nothing_more(play);
}
