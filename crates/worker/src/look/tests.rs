use super::*;
use training_run::{Commitment, Standing};
use units::{AccountId, Digest, UnixSeconds, Wei};

/// Returns an active seat, changed by `change`.
pub(crate) fn seat(change: impl FnOnce(&mut SeatView)) -> SeatView {
    let mut seat = SeatView {
        device: DeviceId::from_bytes([1; 32]),
        account: AccountId::from_bytes([2; 20]),
        standing: Standing::Active,
        from_round: 0,
        next_round: 0,
        unsettled: 0,
        stake: Wei::ZERO,
        paid: Wei::ZERO,
        tokens_verified: 0,
        committed: false,
        overdue: false,
        due: false,
    };
    change(&mut seat);
    seat
}

/// Returns a look at a run with this round open, and at a device with this seat.
pub(crate) fn look(round: u32, seat: Option<SeatView>) -> Look {
    let run = RunView {
        run: 1,
        owner: AccountId::from_bytes([3; 20]),
        name: String::new(),
        coordinator: DeviceId::ZERO,
        endpoint: String::new(),
        auditor: DeviceId::ZERO,
        phase: RunPhase::Training { deadline: UnixSeconds::new(1) },
        round,
        rounds: 24,
        state: Digest::ZERO,
        update: Digest::ZERO,
        deposited: Wei::ZERO,
        paid: Wei::ZERO,
        refunded: Wei::ZERO,
        owed: Wei::ZERO,
        tokens_verified: 0,
        seats: 1,
        seats_active: 1,
        committed: 0,
        quorum: 1,
        unsettled: 0,
        disputes: 0,
    };
    let seat = seat.map(|seat| (0, seat));
    Look {
        run,
        link: Link { account: None, nonce: 0 },
        standpoint: Standpoint { seat, nonce: 0, bar: None },
        audits: Vec::new(),
        disputes: Vec::new(),
    }
}

/// Returns an audit of this device's.
pub(crate) fn drawn(round: u32, subject: DeviceId) -> AuditView {
    AuditView {
        round,
        subject,
        auditor: DeviceId::from_bytes([1; 32]),
        deadline: UnixSeconds::new(1),
        base: Digest::ZERO,
        commitment: Commitment::default(),
    }
}

/// Returns a dispute about a round of this device.
pub(crate) fn disputed_round(round: u32) -> DisputeView {
    DisputeView {
        round,
        subject: DeviceId::from_bytes([1; 32]),
        accuser: None,
        account: None,
        bond: Wei::ZERO,
        deadline: UnixSeconds::new(1),
        base: Digest::ZERO,
        commitment: Commitment::default(),
        disclosed: None,
        votes: Vec::new(),
    }
}

#[test]
fn a_commitment_is_in_a_block_when_the_ledger_shows_it() {
    let check = |look: &Look, round: u32, expected: Option<bool>| {
        assert_eq!(look.has_committed(round), expected, "round {round}");
    };
    let committed = look(3, Some(seat(|seat| (seat.next_round, seat.committed) = (4, true))));
    check(&committed, 3, Some(true));
    check(&committed, 2, None);
    check(&committed, 4, None);
    let enrolled_again = look(3, Some(seat(|seat| seat.next_round = 4)));
    check(&enrolled_again, 3, Some(false));
    check(&look(3, None), 3, Some(false));
    // Its seat looks the same whether it has committed or not.
    let closed = Look {
        run: RunView { phase: RunPhase::Closed, ..committed.run.clone() },
        ..committed.clone()
    };
    check(&closed, 3, None);
    assert_eq!(committed.open_round(), Some(3));
    let left = seat(|seat| seat.standing = Standing::Left);
    assert!(look(3, Some(left)).active_seat().is_none() && committed.active_seat().is_some());
}

#[test]
fn work_waits_for_its_round_and_is_void_once_the_ledger_says_otherwise() {
    let (base, other) = (Digest::ZERO, Digest::from_bytes([1; 32]));
    let at = |round: u32, phase: RunPhase| {
        let look = look(round, None);
        Look { run: RunView { phase, ..look.run.clone() }, ..look }
    };
    let open = RunPhase::Training { deadline: UnixSeconds::new(1) };
    for (look, of, expected) in [
        (at(3, open), (3, base), Fate::Begun),
        (at(3, open), (3, other), Fate::Void),
        (at(3, open), (4, other), Fate::Ahead),
        (at(3, open), (2, base), Fate::Void),
        (at(3, RunPhase::Closed), (4, other), Fate::Ahead),
        (at(3, RunPhase::Closed), (3, base), Fate::Begun),
        (at(3, RunPhase::Closed), (3, other), Fate::Void),
        (at(3, RunPhase::Closed), (2, base), Fate::Void),
        (at(3, RunPhase::Gathering), (3, base), Fate::Ahead),
        (at(4, RunPhase::Gathering), (3, base), Fate::Void),
    ] {
        let (round, base) = of;
        assert_eq!(look.fate(round, &base), expected, "{of:?} {:?}", look.run.phase);
    }
}
