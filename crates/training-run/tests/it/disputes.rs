//! Who is held responsible when a round can't be decided at once, and that nobody is for another's fault.

use training_run::{Cause, Effect, Finding, Input, Refused, Standing, Terms};

use crate::support::{HONEST, OWNER, Table, account, audit, device, open_audits, seal, terms};

const CHEAT: u8 = 2;

/// Lets the present auditor seal `root`, whether or not it could have opened a seal; returns that auditor and the
/// effects.
fn claim(table: &mut Table, subject: u8, root: u8) -> (u8, Vec<Effect>) {
    let (auditor, _) = audit(&table.run, 0, device(subject)).unwrap();
    let finding = Finding::Mismatch { sealed: seal(auditor, root) };
    let input = Input::Verdict { auditor, round: 0, subject: device(subject), finding };
    (auditor.as_bytes()[0], table.step(input).unwrap())
}

fn unavailable(table: &mut Table, subject: u8) {
    let (auditor, _) = audit(&table.run, 0, device(subject)).unwrap();
    let finding = Finding::Unavailable;
    let input = Input::Verdict { auditor, round: 0, subject: device(subject), finding };
    table.step(input).unwrap();
}

/// Returns a run in which this many devices committed in the first round, the first of them to `root`, and the
/// round is drawn.
fn drawn(devices: u8, root: u8) -> Table {
    let mut table = Table::with_devices(terms(), devices);
    table.commit(1, root).unwrap();
    table.commit_honestly(2..=devices);
    table.draw(0);
    table
}

#[test]
fn a_claimant_of_the_convicting_root_keeps_its_seat() {
    let mut table = drawn(4, CHEAT);
    let (first, _) = claim(&mut table, 1, HONEST);
    // The second auditor could have opened the first claim, but sealed the same root instead.
    let (second, _) = claim(&mut table, 1, HONEST);
    let (third, _) = table.audit(0, 1, HONEST);
    assert!(table.seat(1).is_expelled());
    assert!(table.seat(second).is_active(), "its claim was right");
    let verdicts = &table.run.closed_rounds().next().unwrap().1.verdicts;
    let paid: Vec<u8> = verdicts.iter().map(|index| index.to_be_bytes()[1] + 1).collect();
    assert_eq!(paid, [first, third], "the deposit covers two verdicts");
}

#[test]
fn a_claimant_of_another_root_is_expelled() {
    let mut table = drawn(4, CHEAT);
    let (liar, _) = claim(&mut table, 1, 3);
    claim(&mut table, 1, HONEST);
    table.audit(0, 1, HONEST);
    let lied = Standing::Expelled { round: 0, cause: Cause::FalseAudit };
    assert_eq!(table.seat(liar).standing, lied);
    assert_eq!(table.run.seats().iter().filter(|seat| seat.is_active()).count(), 2);
}

#[test]
fn three_claims_that_differ_leave_all_seated_and_the_round_unpaid() {
    let mut table = drawn(4, HONEST);
    claim(&mut table, 1, 3);
    claim(&mut table, 1, 4);
    let (_, effects) = claim(&mut table, 1, 5);
    let unresolved = Effect::Unresolved { round: 0, subject: device(1) };
    assert_eq!(effects.last(), Some(&unresolved));
    assert!(table.run.seats().iter().all(|seat| seat.is_active() && seat.on_probation));
    table.audit_all();
    table.advance();
    assert_eq!(table.seat(1).tokens_verified, 0);
}

#[test]
fn root_that_opens_nothing_is_refused() {
    let mut table = drawn(3, CHEAT);
    let (auditor, _) = audit(&table.run, 0, device(1)).unwrap();
    let for_subject = seal(device(1), HONEST);
    let finding = Finding::Opened { for_subject, for_claimants: Vec::new() };
    let input = Input::Verdict { auditor, round: 0, subject: device(1), finding };
    assert_eq!(table.step(input), Err(Refused::OpensNothing), "a claim is sealed first");
}

#[test]
fn subject_keeps_its_seat_when_its_auditors_leave() {
    let mut table = drawn(2, HONEST);
    let effects = table.step(Input::Leave { device: device(2) }).unwrap();
    assert!(effects.contains(&Effect::Unresolved { round: 0, subject: device(1) }), "{effects:?}");
    let seat = table.seat(1);
    assert!(seat.is_active(), "no auditor said that the evidence is missing");
    assert!(seat.on_probation);
}

#[test]
fn one_auditor_without_evidence_is_enough_to_lose_the_seat() {
    let mut table = drawn(4, HONEST);
    unavailable(&mut table, 1);
    while let Some((auditor, _)) = audit(&table.run, 0, device(1)) {
        table.step(Input::Leave { device: auditor }).unwrap();
    }
    assert_eq!(table.seat(1).standing, Standing::Left);
}

#[test]
fn audit_from_before_leaving_does_not_end_the_new_probation() {
    let mut table = drawn(3, HONEST);
    table.step(Input::Leave { device: device(1) }).unwrap();
    table.enroll(1).unwrap();
    table.audit_all();
    assert!(!table.seat(2).on_probation);
    assert!(table.seat(1).on_probation, "work from before it left does not end probation");
}

#[test]
fn nobody_audits_its_own_account() {
    let mut table = Table::open(Terms { seats_min: 3, ..terms() }, 0);
    for number in 1..=3 {
        let input = Input::Enroll { device: device(number), account: account(1) };
        table.step(input).unwrap();
    }
    table.commit_honestly(1..=3);
    table.draw(0);
    assert!(open_audits(&table.run).is_empty());
    assert_eq!(table.run.owed(), units::Wei::ZERO, "work that nobody can check is not paid");
    assert!(table.run.seats().iter().all(training_run::Seat::is_active));
}

#[test]
fn all_held_pay_of_a_convicted_device_is_forfeited() {
    let terms = Terms { audit_rate: units::Bps::WHOLE, hold_back_rounds: 2, ..terms() };
    let mut table = Table::with_devices(terms, 3);
    table.commit_honestly(1..=3);
    table.draw(0);
    table.audit_all();
    let before = table.run.owed().as_u128();
    table.advance();
    table.commit(1, CHEAT).unwrap();
    table.commit_honestly(2..=3);
    table.draw(1);
    table.advance();
    table.commit(1, HONEST).unwrap();
    table.audit(1, 1, HONEST);
    let (_, effects) = table.audit(1, 1, HONEST);
    let Effect::Convicted { forfeited, .. } = effects[0] else { panic!("{effects:?}") };
    let forfeited = forfeited.as_u128();
    assert!(forfeited >= 28 + 70, "round 0 had passed, but was held: {forfeited}");
    let held = before + 3 * 70 + 2 * 17 - forfeited;
    assert_eq!(table.run.owed().as_u128(), held, "the rest is owed to the others");
    table.commit_honestly(2..=3);
    let closed = table.run.closed_rounds().last().unwrap().1;
    assert_eq!(closed.entries.len(), 2, "its commitment of the open round is withdrawn");
}

#[test]
fn rounds_that_wait_too_long_stop_the_run_until_they_are_drawn() {
    let mut table = Table::with_devices(Terms { rounds: 60, ..terms() }, 2);
    for _ in 0..32 {
        table.commit_honestly(1..=2);
        table.advance();
    }
    table.commit_honestly(1..=2);
    let advance =
        Input::Advance { round: 32, state: seal(device(1), 7), update: seal(device(1), 8) };
    assert_eq!(table.step(advance.clone()), Err(Refused::TooManyOpenRounds(33)));
    assert_eq!(table.run.escrow().paid, units::Wei::ZERO);
    for round in 0..33 {
        table.draw(round);
    }
    table.audit_all();
    table.context.caller = OWNER;
    table.step(advance).unwrap();
    assert_eq!(table.run.closed_rounds().count(), 0, "all are settled");
}
