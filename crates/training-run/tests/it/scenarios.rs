//! Scenarios of whole runs, each up to the point where one rule takes effect.

use training_run::{
    Cause, Effect, Ending, Finding, Input, OpenError, Phase, Refused, Run, Standing,
};
use units::Wei;

use crate::support::{HONEST, OWNER, Table, account, audit, commitment, device, finding, terms};

const CHEAT: u8 = 2;

#[test]
fn honest_run_pays_everybody_and_gives_the_rest_back() {
    let mut table = Table::with_devices(terms(), 3);
    for round in 0..3 {
        table.commit_honestly(1..=3);
        table.advance();
        table.draw(round);
        table.audit_all();
    }
    assert_eq!(*table.run.phase(), Phase::Finished(Ending::Completed));
    // Work of 4 + 10 + 10 tokens at 7 each, and three verdicts on the first round: a quarter of 28.
    let paid: u128 = (1..=3).map(|number| table.paid(number)).sum();
    assert_eq!(paid, 3 * 24 * 7 + 3 * 7);
    assert!((1..=3).all(|number| table.seat(number).tokens_verified == 24));
}

#[test]
fn cheat_is_caught_in_its_first_round_and_unpaid() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit(1, CHEAT).unwrap();
    table.commit_honestly(2..=4);
    table.draw(0);
    let (first, disputed) = table.audit(0, 1, HONEST);
    assert!(matches!(disputed[0], Effect::Disputed { round: 0, .. }), "{disputed:?}");
    let (second, convicted) = table.audit(0, 1, HONEST);
    assert_ne!(first, second);
    assert!(matches!(convicted[0], Effect::Convicted { round: 0, .. }), "{convicted:?}");
    table.audit_all();
    table.advance();
    assert_eq!(table.seat(1).standing, Standing::Expelled { round: 0, cause: Cause::Convicted });
    assert_eq!(table.paid(1), 0);
    assert!(table.paid(first) >= 28 + 7 && table.paid(second) >= 28 + 7);
}

#[test]
fn auditor_that_lies_is_expelled() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=4);
    table.draw(0);
    let (liar, _) = table.audit(0, 1, CHEAT);
    let (_, effects) = table.audit(0, 1, HONEST);
    assert!(matches!(effects[0], Effect::AuditPassed { .. }), "{effects:?}");
    let standing = Standing::Expelled { round: 0, cause: Cause::FalseAudit };
    assert_eq!(table.seat(liar).standing, standing);
    table.audit_all();
    table.advance();
    assert_eq!(table.paid(liar), 0);
    assert!(table.paid(1) >= 28);
}

#[test]
fn two_liars_who_disagree_are_both_expelled() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=4);
    table.draw(0);
    let (one, _) = table.audit(0, 1, 2);
    let (other, _) = table.audit(0, 1, 3);
    assert!(table.seat(1).is_active(), "two different claims convict nobody");
    table.audit(0, 1, HONEST);
    assert!(table.seat(one).is_expelled() && table.seat(other).is_expelled());
    assert!(!table.seat(1).on_probation);
}

#[test]
fn silent_auditor_is_replaced_after_its_deadline() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=4);
    table.draw(0);
    let (silent, _) = audit(&table.run, 0, device(1)).unwrap();
    let redraw = Input::Redraw { round: 0, subject: device(1) };
    let early = table.step_by_stranger(redraw.clone());
    assert!(matches!(early, Err(Refused::TooEarly { .. })), "{early:?}");
    table.wait(50);
    table.step_by_stranger(redraw).unwrap();
    let (other, _) = audit(&table.run, 0, device(1)).unwrap();
    assert_ne!(silent, other);
    let finding = finding(&table.run, 0, device(1), HONEST);
    let late = Input::Verdict { auditor: silent, round: 0, subject: device(1), finding };
    let late = table.step(late);
    assert!(matches!(late, Err(Refused::NotTheAuditor { .. })), "{late:?}");
}

#[test]
fn without_evidence_the_subject_leaves_unpaid() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=4);
    table.draw(0);
    while let Some((auditor, _)) = audit(&table.run, 0, device(1)) {
        let finding = Finding::Unavailable;
        let input = Input::Verdict { auditor, round: 0, subject: device(1), finding };
        table.step(input).unwrap();
    }
    assert_eq!(table.seat(1).standing, Standing::Left);
    table.audit_all();
    table.advance();
    let seat = table.seat(1);
    assert_eq!(seat.tokens_verified, 0, "the round is not paid");
}

#[test]
fn round_without_quorum_lapses_until_the_silent_are_given_up() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=2);
    let lapse = Input::Lapse { round: 0 };
    assert!(matches!(table.step(lapse.clone()), Err(Refused::TooEarly { .. })));
    table.wait(100);
    assert_eq!(
        table.step_by_stranger(Input::Close { round: 0 }),
        Err(Refused::NoQuorum { committed: 2, quorum: 3 })
    );
    table.step_by_stranger(lapse.clone()).unwrap();
    assert_eq!((table.seat(1).missed, table.seat(3).missed), (0, 1));
    table.wait(100);
    table.step_by_stranger(lapse).unwrap();
    assert_eq!(table.seat(3).standing, Standing::Left);
    assert_eq!(*table.run.phase(), Phase::Closed, "all that are left have committed");
}

#[test]
fn a_seat_given_up_for_silence_leaves_once() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit_honestly(1..=3);
    table.draw(0);
    let (auditor, _) = audit(&table.run, 0, device(3)).unwrap();
    let finding = Finding::Unavailable;
    let input = Input::Verdict { auditor, round: 0, subject: device(3), finding };
    table.step(input).unwrap();
    table.advance();
    // All are silent, and the last possible auditor of the third seat goes first: the third seat is then given up, too.
    for _ in 0..2 {
        table.wait(100);
        table.step(Input::Lapse { round: 1 }).unwrap();
    }
    assert_eq!(*table.run.phase(), Phase::Gathering);
}

#[test]
fn quorum_closes_early_for_the_owner_alone() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit_honestly(1..=3);
    let close = Input::Close { round: 0 };
    let early = table.step_by_stranger(close.clone());
    assert!(matches!(early, Err(Refused::TooEarly { .. })), "{early:?}");
    let mut other = Table::with_devices(terms(), 4);
    other.commit_honestly(1..=3);
    other.step(close.clone()).unwrap();
    table.wait(100);
    table.step_by_stranger(close).unwrap();
    assert_eq!((table.run.phase(), other.run.phase()), (&Phase::Closed, &Phase::Closed));
}

#[test]
fn a_returning_device_is_on_probation() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit_honestly(1..=3);
    table.draw(0);
    table.audit_all();
    assert!(!table.seat(1).on_probation);
    table.step(Input::Leave { device: device(1) }).unwrap();
    table.enroll(1).unwrap();
    let seat = table.seat(1);
    assert!(seat.on_probation && seat.is_active());
    assert_eq!(seat.from_round, 1);
}

#[test]
fn account_of_an_expelled_device_stays_out() {
    let mut table = Table::with_devices(terms(), 4);
    table.commit(1, CHEAT).unwrap();
    table.commit_honestly(2..=4);
    table.draw(0);
    table.audit(0, 1, HONEST);
    table.audit(0, 1, HONEST);
    for device in [device(1), device(9)] {
        let enroll = Input::Enroll { device, account: account(1) };
        let outcome = table.step(enroll);
        assert!(matches!(outcome, Err(Refused::Expelled { round: 0, .. })), "{outcome:?}");
    }
}

#[test]
fn budget_that_is_too_small_names_what_is_enough() {
    // Six seats: a warm-up round of 28 + 7, and two of 70 + 17 (17.5 rounded down).
    let required = Wei::new(6 * (28 + 7) + 2 * 6 * (70 + 17));
    let deposit = required.checked_sub(Wei::new(1)).unwrap();
    let context = Table::open(terms(), 0).context;
    let open = |deposit| Run::open(terms(), OWNER, deposit, &context);
    assert_eq!(open(deposit), Err(OpenError::BudgetTooSmall { deposit, required }));
    assert!(open(required).is_ok());
}

#[test]
fn held_pay_waits_for_its_rounds() {
    let terms = training_run::Terms { hold_back_rounds: 1, ..terms() };
    let mut table = Table::with_devices(terms, 3);
    let mut paid = Vec::new();
    for round in 0..3 {
        table.commit_honestly(1..=3);
        table.draw(round);
        table.audit_all();
        table.advance();
        paid.push(table.run.escrow().paid.as_u128());
    }
    let first = 3 * (28 + 7);
    assert_eq!(paid, [0, first, first + 2 * 3 * 70], "the last round is released at the end");
}

#[test]
fn commitments_that_are_late_or_doubled_are_refused() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit(1, HONEST).unwrap();
    assert_eq!(table.commit(1, HONEST), Err(Refused::CommittedAlready(device(1))));
    let input =
        |number, round, commitment| Input::Commit { device: device(number), round, commitment };
    table.commit(2, HONEST).unwrap();
    table.step(Input::Close { round: 0 }).unwrap();
    let late = commitment(device(3), HONEST);
    assert_eq!(table.step(input(3, 0, late)), Err(Refused::WrongRound { given: 0, open: None }));
    table.advance();
    assert_eq!(table.step(input(3, 0, late)), Err(Refused::WrongRound { given: 0, open: Some(1) }));
}
