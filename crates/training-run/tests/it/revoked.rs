//! Devices whose account has revoked them: their seats are given up, and nobody takes what they have earned along.

use training_run::{Input, Phase, Refused, Rules, Run};

use crate::play::{PAY, Play, STRANGER, account, device, terms};

/// Returns a run of three devices that have each earned three rounds' pay, all of it held back.
fn earned() -> Play {
    let mut play = Play::with_seats(terms(), 3);
    for _ in 0..3 {
        play.round(&[1, 2, 3], &[]);
    }
    assert!(play.seat(1).stake.as_u128() >= 3 * PAY && play.paid(1) == 0);
    play
}

fn retire(play: &mut Play, number: u8) -> Result<Vec<training_run::Effect>, Refused> {
    play.by(STRANGER, Input::Retire { device: device(number) })
}

#[test]
fn a_retired_seat_is_paid_what_is_verified_and_holds_nobody_up() {
    let mut play = earned();
    play.commit(1, 0).unwrap();
    play.commit(2, 0).unwrap();
    retire(&mut play, 3).unwrap();
    assert_eq!(play.book.state().phase, Phase::Closed, "the round waits for it no more");
    assert!(matches!(play.commit(3, 0), Err(Refused::NoSeat(_))));
    assert!(matches!(retire(&mut play, 3), Err(Refused::NoSeat(_))));
    play.advance().unwrap();
    play.decide_all();
    play.round(&[1, 2], &[]);
    assert_eq!(play.paid(3), play.credited(3), "its account has everything");
    assert!(play.paid(3) >= 3 * PAY && !play.is_expelled(3));
    play.finish();
}

/// Else an account could save the stake of a cheat of its own by revoking it when an audit is drawn.
#[test]
fn a_retired_seat_answers_for_its_work() {
    let mut play = earned();
    play.commit(1, 0).unwrap();
    play.commit(3, 1).unwrap();
    play.commit(2, 0).unwrap();
    retire(&mut play, 3).unwrap();
    play.advance().unwrap();
    let round = play.book.state().round - 1;
    let (bond, subject) = (units::Wei::new(PAY), device(3));
    play.draw(round).unwrap();
    play.by(account(9), Input::Dispute { round, subject, bond }).unwrap();
    play.rule(round, subject).unwrap();
    assert!(play.is_expelled(3));
    play.finish();
    assert_eq!(play.paid(3), 0);
}

#[test]
fn the_next_statement_of_a_retired_device_keeps_its_number() {
    let mut play = earned();
    retire(&mut play, 3).unwrap();
    // As if its account had restored it.
    play.enroll(3).unwrap();
    assert_eq!(play.seat(3).account, account(3));
    play.finish();
}

/// Whoever has the key of a device links it to an account of their own, leaves and comes back.
#[test]
fn a_stolen_key_takes_no_pay_along() {
    let mut play = earned();
    play.leave(3).unwrap();
    let stolen = play.enroll_for(3, account(66));
    assert_eq!(stolen, Err(Refused::HeldForAnother(device(3))));
    play.round(&[1, 2], &[]);
    play.round(&[1, 2], &[]);
    assert_eq!(play.paid(3), play.credited(3));
    let to = play.log.iter().filter_map(|effect| match effect {
        training_run::Effect::Pay { account, device: of, .. } if *of == device(3) => Some(*account),
        _ => None,
    });
    assert!(to.into_iter().all(|to| to == account(3)), "its account is paid");
    // Then it is free: nobody is held hostage.
    play.enroll_for(3, account(66)).unwrap();
    play.finish();
}

/// Blocks of earlier revisions are executed as they were.
#[test]
fn under_the_earlier_rule_the_device_takes_it_along() {
    let mut play = earned();
    play.leave(3).unwrap();
    let context = training_run::Context {
        now: units::UnixSeconds::new(play.now),
        height: play.height,
        caller: STRANGER,
    };
    let input =
        Input::Enroll { device: device(3), account: account(66), nonce: play.nonce(device(3)) };
    let terms = play.book.terms().clone();
    let mut book = play.book.clone();
    Run::new(&terms, &mut book).under(Rules::FIRST).step(&context, input).unwrap();
    let seat = book.seats().iter().rev().find(|seat| seat.device == device(3)).unwrap();
    assert_eq!((seat.account, seat.stake), (account(66), play.seat(3).stake));
}
