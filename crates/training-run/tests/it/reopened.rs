//! A round that opened again, because everybody who took part in it had left, follows the rules of every other round.

use training_run::{Input, Phase, Refused, Terms};
use units::Wei;

use crate::play::{PAY, Play, STRANGER, account, device, terms};

/// Returns a run whose first round opened with devices 1 and 2, and again, after they had left, with `waiting`.
fn reopened(waiting: &[u8]) -> Play {
    let mut play = Play::with_seats(Terms { seats_max: 8, ..terms() }, 2);
    for number in waiting {
        play.enroll(*number).unwrap();
        let early = play.commit(*number, 0);
        assert!(matches!(early, Err(Refused::TooEarlyForSeat { .. })), "{early:?}");
    }
    play.leave(1).unwrap();
    play.leave(2).unwrap();
    assert_eq!((play.book.state().round, play.book.state().committed), (0, 0));
    play
}

#[test]
fn seats_that_waited_take_part_once() {
    let mut play = reopened(&[3, 4]);
    assert_eq!(play.book.state().phase, Phase::Training);
    play.commit(3, 0).unwrap();
    assert!(matches!(play.commit(3, 0), Err(Refused::CommittedAlready(_))));
    play.commit(4, 0).unwrap();
    assert_eq!(play.book.state().phase, Phase::Closed, "all that were let in have committed");
    play.advance().unwrap();
    play.decide_all();
    assert_eq!(play.verified(3).len(), 1);
    play.finish();
}

/// Made-up work would else be safe from everybody but the auditor that is drawn.
#[test]
fn what_they_commit_can_be_disputed() {
    let mut play = reopened(&[3, 4]);
    play.commit(3, 1).unwrap();
    play.commit(4, 0).unwrap();
    play.advance().unwrap();
    let (bond, subject) = (Wei::new(PAY), device(3));
    play.by(account(9), Input::Dispute { round: 0, subject, bond }).unwrap();
    play.rule(0, device(3)).unwrap();
    assert!(play.is_expelled(3));
    play.finish();
    assert_eq!(play.paid(3), 0);
}

#[test]
fn silent_ones_are_given_up_after_two_lapses() {
    let mut play = reopened(&[3, 4]);
    for _ in 0..2 {
        let seats = vec![0, 1, 2, 3];
        play.by(STRANGER, Input::Settle { seats }).unwrap();
        assert!(play.seat(3).is_active() && play.seat(4).is_active());
        play.wait(61);
        play.by(STRANGER, Input::Lapse { round: 0 }).unwrap();
    }
    let seats = (0..play.book.state().seats).collect();
    play.by(STRANGER, Input::Settle { seats }).unwrap();
    assert!(!play.seat(3).is_active() && !play.seat(4).is_active());
    assert_eq!(play.book.state().phase, Phase::Gathering, "the round waits for somebody");
    for number in [3, 4] {
        play.enroll(number).unwrap();
    }
    for number in [3, 4] {
        play.commit(number, 0).unwrap();
    }
    assert_eq!(play.book.state().phase, Phase::Closed);
    play.finish();
}
