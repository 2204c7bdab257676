use super::*;
use crate::look::tests::{look, seat};
use ledger_views::runs::RunPhase;
use training_run::{Cause, Ending};

const ACCOUNT: AccountId = AccountId::from_bytes([4; 20]);

/// A device whose link is on the ledger, without a seat, while this round is open.
fn linked(round: u32) -> Look {
    let mut look = look(round, None);
    (look.link.account, look.link.nonce, look.standpoint.nonce) = (Some(ACCOUNT), 1, 5);
    look
}

fn seated(round: u32) -> Look {
    let mut look = linked(round);
    look.standpoint.seat = Some((0, seat(|_| ())));
    look
}

#[test]
fn a_device_links_then_enrols_then_takes_part() {
    let (mut membership, now) = (Membership::new(ACCOUNT), Instant::now());
    let mut fresh = linked(0);
    (fresh.link.account, fresh.link.nonce) = (Some(AccountId::from_bytes([9; 20])), 2);
    assert_eq!(membership.step(&fresh, false, now), Step::Link { nonce: 3 });
    assert_eq!(membership.step(&fresh, true, now), Step::Wait, "the link is on its way");
    assert_eq!(membership.step(&linked(0), false, now), Step::Enroll { nonce: 6 });
    assert_eq!(membership.step(&linked(0), true, now), Step::Wait);
    assert_eq!(membership.step(&seated(0), false, now), Step::Joined);
    assert_eq!(membership.step(&seated(1), false, now), Step::Wait);
}

#[test]
fn a_dropped_device_enrols_again_after_a_few_rounds_and_gives_up_at_last() {
    let (mut membership, now) = (Membership::new(ACCOUNT), Instant::now());
    let mut step = |look: &Look| membership.step(look, false, now);
    assert_eq!(step(&linked(2)), Step::Enroll { nonce: 6 });
    assert_eq!(step(&seated(2)), Step::Joined);
    assert_eq!(step(&linked(4)), Step::Dropped);
    assert_eq!(step(&linked(4)), Step::Wait);
    assert_eq!(step(&linked(5)), Step::Enroll { nonce: 6 });
    assert_eq!(step(&seated(5)), Step::Joined);
    assert_eq!(step(&linked(7)), Step::Dropped);
    assert_eq!(step(&linked(7)), Step::Wait);
    assert_eq!(step(&linked(8)), Step::Enroll { nonce: 6 });
    assert_eq!(step(&seated(8)), Step::Joined);
    assert_eq!(step(&linked(10)), Step::GiveUp { times: 3 });
}

#[test]
fn a_dropped_device_comes_back_to_a_run_that_waits_for_devices() {
    let (mut membership, now) = (Membership::new(ACCOUNT), Instant::now());
    assert_eq!(membership.step(&linked(0), false, now), Step::Enroll { nonce: 6 });
    assert_eq!(membership.step(&seated(0), false, now), Step::Joined);
    assert_eq!(membership.step(&linked(0), false, now), Step::Dropped);
    // Without it no round has a quorum, so the round stays the same.
    assert_eq!(membership.step(&linked(0), false, now + DROPPED_PAUSE / 2), Step::Wait);
    let later = now + DROPPED_PAUSE;
    assert_eq!(membership.step(&linked(0), false, later), Step::Enroll { nonce: 6 });
}

#[test]
fn a_device_that_commits_in_between_is_not_given_up() {
    let (mut membership, now) = (Membership::new(ACCOUNT), Instant::now());
    for round in [0, 10, 20, 30] {
        assert_eq!(membership.step(&linked(round), false, now), Step::Enroll { nonce: 6 });
        assert_eq!(membership.step(&seated(round), false, now), Step::Joined);
        membership.committed();
        assert_eq!(membership.step(&linked(round + 3), false, now), Step::Dropped);
    }
}

#[test]
fn a_refused_enrolment_is_repeated_with_growing_pauses() {
    let (mut membership, mut now) = (Membership::new(ACCOUNT), Instant::now());
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert_eq!(membership.step(&linked(0), false, now), Step::Enroll { nonce: 6 });
        membership.refused(now);
        let refused = now;
        now += Duration::from_secs(1);
        while membership.step(&linked(0), true, now) == Step::Wait
            && membership.not_before.is_some_and(|not_before| now < not_before)
        {
            now += Duration::from_secs(1);
        }
        pauses.push(now.duration_since(refused).as_secs());
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn who_is_expelled_stops_and_who_comes_too_late_waits() {
    let (mut membership, now) = (Membership::new(ACCOUNT), Instant::now());
    let mut expelled = seated(3);
    let bar = Bar { round: 1, cause: Cause::Vouched };
    expelled.standpoint.bar = Some(bar);
    assert_eq!(membership.step(&expelled, false, now), Step::Expelled(bar));
    let mut over = linked(3);
    over.run.phase = RunPhase::Finished(Ending::Completed);
    assert_eq!(membership.step(&over, false, now), Step::Wait);
}
