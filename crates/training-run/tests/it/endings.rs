//! Cancel and abandon: no more rounds, but finished work is audited and paid.

use training_run::{Effect, Ending, Input, Phase, Refused, Terms};
use units::{UnixSeconds, Wei};

use crate::support::{HONEST, OWNER, Table, account, device, terms};

const CHEAT: u8 = 2;

/// Pay for the work and one verdict of the first round.
const FIRST: u128 = 28 + 7;

#[test]
fn cancelled_before_it_began_gives_everything_back() {
    let mut table = Table::open(terms(), 5);
    table.enroll(1).unwrap();
    assert_eq!(table.step_by_stranger(Input::Cancel), Err(Refused::NotOwner));
    let amount = table.run.escrow().deposited;
    let refund = Effect::Refund { account: OWNER, amount };
    let finished = Effect::Finished { paid: Wei::ZERO, refunded: amount };
    assert_eq!(table.step(Input::Cancel), Ok(vec![Effect::Cancelled, refund, finished]));
    assert_eq!(*table.run.phase(), Phase::Finished(Ending::Cancelled));
    assert_eq!(table.step(Input::Cancel), Err(Refused::Over));
}

#[test]
fn cancelled_in_a_round_pays_what_was_committed_and_passes() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit_honestly(1..=2);
    let closed = Effect::RoundClosed { round: 0, commitments: 2 };
    assert_eq!(table.step(Input::Cancel), Ok(vec![closed, Effect::Cancelled]));
    assert_eq!(*table.run.phase(), Phase::WindingUp(Ending::Cancelled));
    assert_eq!(table.commit(3, HONEST), Err(Refused::WrongRound { given: 0, open: None }));
    assert_eq!(table.enroll(8), Err(Refused::Over));
    assert_eq!(table.step(Input::Cancel), Err(Refused::Over));
    table.draw(0);
    table.audit_all();
    assert_eq!(*table.run.phase(), Phase::Finished(Ending::Cancelled));
    assert_eq!([1, 2, 3].map(|number| table.paid(number)), [FIRST, FIRST, 0]);
}

#[test]
fn cancelled_before_its_audits_still_convicts() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit(1, CHEAT).unwrap();
    table.commit_honestly(2..=3);
    table.step(Input::Cancel).unwrap();
    table.draw(0);
    table.audit(0, 1, HONEST);
    table.audit(0, 1, HONEST);
    assert!(matches!(table.run.phase(), Phase::WindingUp(_)), "two audits are open");
    table.audit_all();
    assert_eq!(table.paid(1), 0);
    assert_eq!(table.run.escrow().paid, Wei::new(2 * FIRST + 2 * 7));
}

#[test]
fn anyone_abandons_a_run_in_which_nothing_happens_and_work_is_paid() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit_honestly(1..=3);
    table.wait(999);
    let now = table.context.now.as_u64();
    let early = Refused::TooEarly { until: now + 1, now };
    assert_eq!(table.step_by_stranger(Input::Abandon), Err(early));
    table.wait(1);
    table.step_by_stranger(Input::Abandon).unwrap();
    assert_eq!(*table.run.phase(), Phase::WindingUp(Ending::Abandoned));
    table.draw(0);
    table.audit_all();
    assert_eq!(*table.run.phase(), Phase::Finished(Ending::Abandoned));
    assert_eq!(table.run.escrow().paid, Wei::new(3 * FIRST), "though it never advanced");
}

#[test]
fn coming_and_going_does_not_keep_a_dead_run_alive() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit_honestly(1..=3);
    // The owner is gone, and one seat tries to keep the others from being paid.
    for _ in 0..5 {
        table.wait(100);
        table.step_by_stranger(Input::Leave { device: device(3) }).unwrap();
        table.wait(100);
        let input = Input::Enroll { device: device(3), account: account(3) };
        table.step_by_stranger(input).unwrap();
    }
    table.step_by_stranger(Input::Abandon).unwrap();
}

#[test]
fn lapses_do_not_keep_a_dead_run_alive() {
    let mut table = Table::with_devices(terms(), 3);
    table.commit_honestly(1..=1);
    table.wait(999);
    table.step_by_stranger(Input::Lapse { round: 0 }).unwrap();
    table.wait(1);
    table.step_by_stranger(Input::Abandon).unwrap();
}

#[test]
fn work_and_new_seats_keep_a_run_alive() {
    let mut table = Table::open(terms(), 0);
    for number in 1..=3 {
        table.wait(999);
        table.enroll(number).unwrap();
    }
    table.wait(999);
    table.commit_honestly(1..=1);
    table.wait(999);
    let early = table.step_by_stranger(Input::Abandon);
    assert!(matches!(early, Err(Refused::TooEarly { .. })), "{early:?}");
}

#[test]
fn clock_that_jumps_moves_no_money() {
    let mut table = Table::with_devices(Terms { rounds: 1, ..terms() }, 3);
    table.context.now = UnixSeconds::new(u64::MAX);
    table.commit_honestly(1..=3);
    table.context.now = UnixSeconds::new(0);
    let early = table.step_by_stranger(Input::Abandon);
    assert!(matches!(early, Err(Refused::TooEarly { .. })), "{early:?}");
    table.advance();
    table.draw(0);
    table.audit_all();
    assert_eq!(table.run.escrow().paid, Wei::new(3 * FIRST));
}
