use super::*;
use crate::look::tests::{disputed_round, drawn, look, seat};
use ledger_views::runs::RunPhase;
use training_run::Ending;

const SUBJECT: DeviceId = DeviceId::from_bytes([8; 32]);

/// A statement that is due after the coordinator's time.
fn put(outbox: &mut Outbox, goal: Goal, now: Instant) {
    assert!(outbox.put(goal, vec![1], now + COORDINATOR_MAX));
}

fn goals(errands: &[Errand]) -> Vec<Goal> {
    errands.iter().map(|errand| errand.goal).collect()
}

#[test]
fn a_node_is_given_what_the_coordinator_does_not_bring() {
    let (mut outbox, start) = (Outbox::default(), Instant::now());
    let goal = Goal::Commit { round: 3 };
    put(&mut outbox, goal, start);
    assert_eq!(outbox.due(start + COORDINATOR_MAX - Duration::from_millis(1)), []);
    let errands = outbox.due(start + COORDINATOR_MAX);
    assert_eq!(errands, [Errand { goal, to: TRAINING_RUNS, call: vec![1] }]);
    assert_eq!(outbox.due(start + COORDINATOR_MAX * 9), [], "the node has not answered yet");
}

#[test]
fn pauses_grow_until_the_ledger_has_it() {
    let (mut outbox, mut now) = (Outbox::default(), Instant::now());
    let goal = Goal::Commit { round: 3 };
    put(&mut outbox, goal, now);
    let mut pauses = Vec::new();
    for _ in 0..7 {
        let before = now;
        while outbox.due(now).is_empty() {
            now += Duration::from_secs(1);
        }
        outbox.answered(goal, now);
        pauses.push(now.duration_since(before).as_secs());
    }
    assert_eq!(pauses, [4, 4, 8, 16, 32, 60, 60]);
    let committed = seat(|seat| (seat.committed, seat.next_round) = (true, 4));
    assert_eq!(outbox.settle(&look(3, Some(committed))), [(goal, Fate::Done)]);
    assert!(outbox.is_empty() && outbox.due(now + PAUSE_MAX).is_empty());
}

#[test]
fn a_commitment_counts_only_in_its_round() {
    let check = |look: &Look, expected: Option<Fate>| {
        assert_eq!(Goal::Commit { round: 3 }.fate(look), expected);
    };
    let open = look(3, Some(seat(|_| ())));
    check(&open, None);
    let mut closed = open.clone();
    closed.run.phase = RunPhase::Closed;
    check(&closed, Some(Fate::Late));
    check(&look(4, Some(seat(|_| ()))), Some(Fate::Late));
    let next = |next_round| seat(|seat| seat.next_round = next_round);
    check(&look(4, Some(next(4))), Some(Fate::Late));
    // It enrolled again while the round was open: from the next one on.
    check(&look(3, Some(next(4))), None);
    let mut over = open;
    over.run.phase = RunPhase::Finished(Ending::Completed);
    check(&over, Some(Fate::Late));
}

#[test]
fn other_statements_are_done_when_the_ledger_shows_it() {
    let mut look = look(3, None);
    look.standpoint.nonce = 6;
    look.audits = vec![drawn(2, SUBJECT)];
    let account = AccountId::from_bytes([4; 20]);
    let check = |goal: Goal, look: &Look, is_done: bool| {
        assert_eq!(goal.fate(look), is_done.then_some(Fate::Done), "{goal:?}");
    };
    check(Goal::Enroll { nonce: 7 }, &look, false);
    check(Goal::Enroll { nonce: 6 }, &look, true);
    check(Goal::Leave { nonce: 7 }, &look, false);
    check(Goal::Leave { nonce: 5 }, &look, true);
    check(Goal::Verdict { round: 2, subject: SUBJECT }, &look, false);
    check(Goal::Verdict { round: 1, subject: SUBJECT }, &look, true);
    check(Goal::Link { account }, &look, false);
    look.link.account = Some(account);
    check(Goal::Link { account }, &look, true);
    look.link.account = Some(AccountId::from_bytes([5; 20]));
    check(Goal::Link { account }, &look, false);
}

#[test]
fn a_refusal_by_the_coordinator_is_checked_with_a_node_once() {
    let (mut outbox, start) = (Outbox::default(), Instant::now());
    let goal = Goal::Enroll { nonce: 1 };
    put(&mut outbox, goal, start);
    outbox.hurry(start);
    assert_eq!(goals(&outbox.due(start)), [goal]);
    outbox.answered(goal, start);
    outbox.hurry(start);
    assert_eq!(outbox.due(start), [], "a coordinator can't make this device hurry again and again");
}

#[test]
fn a_refusal_of_what_the_ledger_has_is_not_told() {
    let (mut outbox, start) = (Outbox::default(), Instant::now());
    let goal = Goal::Commit { round: 5 };
    let refuse = |outbox: &mut Outbox| {
        put(outbox, goal, start);
        assert_eq!(goals(&outbox.due(start + COORDINATOR_MAX)), [goal]);
        outbox.refused(
            goal,
            LedgerError::Refused { reason: "twice".to_owned(), data: Default::default() },
        );
        assert_eq!(outbox.due(start + PAUSE_MAX * 2), [], "no node is asked again");
    };
    // The coordinator has brought it there, and a node was given it as well.
    refuse(&mut outbox);
    outbox.settle(&look(5, Some(seat(|seat| seat.committed = true))));
    assert!(outbox.take_refused().is_empty() && outbox.is_empty());
    // It is really refused.
    refuse(&mut outbox);
    assert_eq!(outbox.settle(&look(5, Some(seat(|_| ())))), []);
    assert!(matches!(&outbox.take_refused()[..], [(refused, _)] if *refused == goal));
    assert!(outbox.is_empty());
}

#[test]
fn the_outbox_is_bounded_and_a_goal_has_one_statement() {
    let (mut outbox, start) = (Outbox::default(), Instant::now());
    for round in 0..u32::try_from(WAITING_MAX).unwrap() {
        put(&mut outbox, Goal::Commit { round }, start);
        put(&mut outbox, Goal::Commit { round }, start);
    }
    assert!(!outbox.put(Goal::Leave { nonce: 1 }, vec![1], start));
    assert_eq!(outbox.calls().len(), WAITING_MAX);
    assert!(outbox.has(|goal| *goal == Goal::Commit { round: 0 }));
}

#[test]
fn leaves_go_to_a_node_until_the_ledger_has_them() {
    let (mut outbox, now) = (Outbox::default(), Instant::now());
    let goal = Goal::Disclose { round: 3 };
    assert!(outbox.put(goal, vec![1], now));
    put(&mut outbox, Goal::Commit { round: 5 }, now);
    assert_eq!(outbox.calls(), [[1]], "a coordinator is given the commitment only");
    assert_eq!(goals(&outbox.due(now)), [goal]);
    let mut disputed = look(5, Some(seat(|_| ())));
    disputed.disputes = vec![disputed_round(3)];
    assert_eq!(outbox.settle(&disputed), []);
    disputed.disputes[0].disclosed = Some(9);
    assert_eq!(outbox.settle(&disputed), [(goal, Fate::Done)]);
}
