//! `Juries`: who waits is drawn, by weight; a vote counts as it was committed to.

use abi::{GOVERNOR, ISSUANCE, JURIES, Juries, STAKE_HOUSE, StakeHouse, WORK_HOUSE, WorkHouse};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent as _, SolValue as _};
use native_kit::{Failure, Host as _, test_host::TestHost};

use crate::TABLE;

const DAY: u64 = 86_400;
/// Ten GRAIN, the smallest deposit that counts.
const TEN: u64 = 10_000_000_000_000_000_000;
const CASE: U256 = U256::from_limbs([42, 0, 0, 0]);

fn who(number: u8) -> Address {
    Address::repeat_byte(number)
}

fn by(host: &mut TestHost, caller: Address, call: &impl SolCall) -> Result<Vec<u8>, Failure> {
    host.transact(JURIES, caller, 0, &call.abi_encode())
}

fn check_refused(result: Result<Vec<u8>, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

/// Deposits so many times ten GRAIN.
fn stake(host: &mut TestHost, number: u8, tens: u64) {
    for _ in 0..tens {
        host.give(who(number), TEN);
        let call = StakeHouse::depositCall {}.abi_encode();
        host.transact(STAKE_HOUSE, who(number), TEN, &call).unwrap();
    }
}

fn withdraw(host: &mut TestHost, number: u8, amount: u64) {
    let call = StakeHouse::withdrawCall { amount: U256::from(amount) };
    host.transact(STAKE_HOUSE, who(number), 0, &call.abi_encode()).unwrap();
}

fn register(host: &mut TestHost, number: u8) -> Result<Vec<u8>, Failure> {
    by(host, who(number), &Juries::registerCall { stratum: Juries::Stratum::Stake })
}

fn admit(host: &mut TestHost, number: u8) -> Result<Vec<u8>, Failure> {
    let call = Juries::admitCall { stratum: Juries::Stratum::Stake, account: who(number) };
    by(host, who(0x77), &call)
}

/// Returns what can be drawn, in tenths of the smallest deposit.
fn weight(host: &mut TestHost) -> u128 {
    let call = Juries::weightOfCall { stratum: Juries::Stratum::Stake };
    let answer = host.read(JURIES, &call.abi_encode()).unwrap();
    Juries::weightOfCall::abi_decode_returns(&answer).unwrap() / u128::from(TEN / 10)
}

fn seats(host: &mut TestHost, number: u8) -> u32 {
    let call = Juries::seatsOfCall { id: CASE, account: who(number) };
    let answer = host.read(JURIES, &call.abi_encode()).unwrap();
    Juries::seatsOfCall::abi_decode_returns(&answer).unwrap().count
}

fn panel(host: &mut TestHost) -> Juries::Panel {
    let call = Juries::panelOfCall { id: CASE };
    let answer = host.read(JURIES, &call.abi_encode()).unwrap();
    Juries::panelOfCall::abi_decode_returns(&answer).unwrap()
}

/// Returns a ledger on which accounts 1 to 4 have waited with ten, twenty, thirty and forty GRAIN.
fn waited() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.time = 20_786 * DAY;
    for number in 1..=4 {
        stake(&mut host, number, number.into());
        register(&mut host, number).unwrap();
    }
    host.time += 30 * DAY;
    for number in 1..=4 {
        admit(&mut host, number).unwrap();
    }
    assert_eq!(weight(&mut host), 100);
    host
}

/// Summons a jury and draws all its seats.
fn drawn() -> TestHost {
    let mut host = waited();
    by(&mut host, GOVERNOR, &Juries::summonCall { id: CASE }).unwrap();
    host.height += 1;
    for _ in 0..3 {
        by(&mut host, who(0x77), &Juries::drawCall { id: CASE }).unwrap();
    }
    host
}

#[test]
fn who_has_not_waited_is_not_drawn() {
    let mut host = TestHost::new(TABLE);
    host.time = 20_786 * DAY;
    check_refused(register(&mut host, 1), &Juries::NoWeight { account: who(1) });
    check_refused(admit(&mut host, 1), &Juries::NotRegistered { account: who(1) });
    stake(&mut host, 1, 1);
    withdraw(&mut host, 1, 1);
    check_refused(register(&mut host, 1), &Juries::NoWeight { account: who(1) });
    stake(&mut host, 1, 1);
    register(&mut host, 1).unwrap();
    let from = host.time + 30 * DAY;
    host.time = from - 1;
    check_refused(
        admit(&mut host, 1),
        &Juries::NotWaited { account: who(1), from, current: from - 1 },
    );
    check_refused(
        by(&mut host, GOVERNOR, &Juries::summonCall { id: CASE }),
        &Juries::NobodyThere {},
    );
    host.time = from;
    admit(&mut host, 1).unwrap();
    assert_eq!(weight(&mut host), 19);
    // More waits anew, and with it everything.
    stake(&mut host, 1, 1);
    register(&mut host, 1).unwrap();
    assert_eq!(weight(&mut host), 0);
    // What it holds no more is gone when somebody looks.
    host.time += 30 * DAY;
    withdraw(&mut host, 1, TEN);
    admit(&mut host, 1).unwrap();
    assert_eq!(weight(&mut host), 19);
    by(&mut host, who(1), &Juries::resignCall { stratum: Juries::Stratum::Stake }).unwrap();
    assert_eq!(weight(&mut host), 0);
    check_refused(admit(&mut host, 1), &Juries::NotRegistered { account: who(1) });
}

/// Filling the list: a place is taken by what has waited and is still there, so the same GRAIN takes one place.
#[test]
fn a_place_is_free_again_when_nothing_is_left_behind_it() {
    let mut host = waited();
    let number = |host: &mut TestHost, account: u8| {
        let stored = host.within(JURIES, |host| crate::juries::number_of(host, who(account)));
        stored.unwrap()
    };
    let taken = number(&mut host, 2);
    withdraw(&mut host, 2, TEN);
    withdraw(&mut host, 2, 1);
    admit(&mut host, 2).unwrap();
    assert_eq!((number(&mut host, 2), weight(&mut host)), (0, 80));
    check_refused(admit(&mut host, 2), &Juries::NotRegistered { account: who(2) });
    stake(&mut host, 5, 2);
    register(&mut host, 5).unwrap();
    assert_eq!(number(&mut host, 5), 0, "who waits takes no place");
    host.time += 30 * DAY;
    admit(&mut host, 5).unwrap();
    assert_eq!((number(&mut host, 5), weight(&mut host)), (taken, 100));
}

/// Voice becomes less every day; who was drawn for it has a vote all the same.
#[test]
fn a_juror_drawn_for_its_voice_votes_weeks_after_it_registered() {
    let mut host = TestHost::new(TABLE);
    host.time = 20_786 * DAY;
    let call = WorkHouse::mintCall { account: who(1), work: U256::from(1_000_000) };
    host.transact(WORK_HOUSE, ISSUANCE, 0, &call.abi_encode()).unwrap();
    let work = Juries::Stratum::Work;
    host.time += 31 * DAY;
    let call = WorkHouse::matureCall { account: who(1) };
    host.transact(WORK_HOUSE, who(1), 0, &call.abi_encode()).unwrap();
    by(&mut host, who(1), &Juries::registerCall { stratum: work }).unwrap();
    host.time += 30 * DAY;
    let call = Juries::admitCall { stratum: work, account: who(1) };
    by(&mut host, who(1), &call).unwrap();
    host.time += 20 * DAY;
    by(&mut host, GOVERNOR, &Juries::summonCall { id: CASE }).unwrap();
    host.height += 1;
    for _ in 0..3 {
        by(&mut host, who(1), &Juries::drawCall { id: CASE }).unwrap();
    }
    assert_eq!(seats(&mut host, 1), 201, "nobody is in the other stratum");
    host.time += 2 * DAY;
    let commitment = commitment(1, true);
    by(&mut host, who(1), &Juries::commitCall { id: CASE, commitment }).unwrap();
    host.time = panel(&mut host).commitsUntil;
    show(&mut host, 1, true).unwrap();
    host.time = panel(&mut host).showsUntil;
    assert_eq!(panel(&mut host).verdict, Juries::Verdict::Yes);
}

#[test]
fn seats_are_drawn_by_weight_once_and_while_nothing_changes() {
    let mut host = waited();
    let caller = who(1);
    check_refused(
        by(&mut host, caller, &Juries::summonCall { id: CASE }),
        &Juries::NotGovernor { caller },
    );
    let draw = Juries::drawCall { id: CASE };
    check_refused(by(&mut host, caller, &draw), &Juries::NoCase { id: CASE });
    by(&mut host, GOVERNOR, &Juries::summonCall { id: CASE }).unwrap();
    let height = host.height + 1;
    check_refused(by(&mut host, caller, &draw), &Juries::TooEarly { id: CASE, height });
    host.height = height;
    // Whoever knows the hash now can't move what it falls on.
    check_refused(register(&mut host, 1), &Juries::DrawGoesOn {});
    check_refused(admit(&mut host, 1), &Juries::DrawGoesOn {});
    let resign = Juries::resignCall { stratum: Juries::Stratum::Stake };
    check_refused(by(&mut host, caller, &resign), &Juries::DrawGoesOn {});
    let counts: Vec<u32> = (0..3)
        .map(|_| {
            let answer = by(&mut host, caller, &draw).unwrap();
            Juries::drawCall::abi_decode_returns(&answer).unwrap()
        })
        .collect();
    assert_eq!(counts, [67, 134, 201]);
    check_refused(by(&mut host, caller, &draw), &Juries::Drawn { id: CASE });
    let drawn: Vec<u32> = (1..=4).map(|number| seats(&mut host, number)).collect();
    assert_eq!(drawn.iter().sum::<u32>(), 201);
    for (tenths, seats) in (1..).zip(&drawn) {
        assert!((10 * tenths..30 * tenths + 5).contains(seats), "{drawn:?} of 1 to 4 tenths");
    }
    register(&mut host, 1).unwrap();
    let again = by(&mut host, GOVERNOR, &Juries::summonCall { id: CASE });
    check_refused(again, &Juries::SummonedAlready { id: CASE });
}

#[test]
fn a_draw_that_nobody_makes_begins_anew() {
    let mut host = waited();
    by(&mut host, GOVERNOR, &Juries::summonCall { id: CASE }).unwrap();
    host.height += 257;
    let answer = by(&mut host, who(1), &Juries::drawCall { id: CASE }).unwrap();
    assert_eq!(Juries::drawCall::abi_decode_returns(&answer), Ok(0));
    assert_eq!(host.last_log().unwrap().1[0], Juries::Summoned::SIGNATURE_HASH);
    assert_eq!(panel(&mut host).height, host.height);
    host.height += 256;
    by(&mut host, who(1), &Juries::drawCall { id: CASE }).unwrap();
    assert_eq!(panel(&mut host).seatsDrawn, 67);
}

fn commitment(number: u8, is_yes: bool) -> B256 {
    keccak256((CASE, who(number), is_yes, B256::repeat_byte(number)).abi_encode())
}

fn show(host: &mut TestHost, number: u8, is_yes: bool) -> Result<Vec<u8>, Failure> {
    let salt = B256::repeat_byte(number);
    by(host, who(number), &Juries::showCall { id: CASE, isYes: is_yes, salt })
}

#[test]
fn a_jury_decides_by_what_it_shows() {
    let mut host = drawn();
    for (number, is_yes) in [(1, true), (2, false), (3, true), (4, true)] {
        let commitment = commitment(number, is_yes);
        by(&mut host, who(number), &Juries::commitCall { id: CASE, commitment }).unwrap();
    }
    check_refused(
        by(&mut host, who(9), &Juries::commitCall { id: CASE, commitment: B256::repeat_byte(1) }),
        &Juries::NoSeat { account: who(9) },
    );
    host.time = panel(&mut host).commitsUntil;
    check_refused(show(&mut host, 1, false), &Juries::NotCommitted {});
    show(&mut host, 1, true).unwrap();
    show(&mut host, 2, false).unwrap();
    // It has withdrawn a part of what it was drawn for.
    withdraw(&mut host, 3, 1);
    let drawn = 3 * u128::from(TEN);
    check_refused(show(&mut host, 3, true), &Juries::DepositWithdrawn { has: drawn - 1, drawn });
    show(&mut host, 4, true).unwrap();
    check_refused(show(&mut host, 4, true), &Juries::DoneAlready {});
    assert_eq!(panel(&mut host).verdict, Juries::Verdict::Open);
    host.time = panel(&mut host).showsUntil;
    let expected = (1..=4).map(|number| seats(&mut host, number)).collect::<Vec<_>>();
    let shown = panel(&mut host);
    assert_eq!((shown.yes, shown.no), (expected[0] + expected[3], expected[1]));
    assert_eq!(shown.verdict, Juries::Verdict::Yes);
}

#[test]
fn a_jury_that_does_not_show_itself_decides_nothing() {
    let mut host = drawn();
    host.time = panel(&mut host).showsUntil;
    assert_eq!(panel(&mut host).verdict, Juries::Verdict::Absent);
}

/// What a proof of its slots says of a jury is what the module says, and its draw can be made again.
#[test]
fn a_jury_reads_the_same_from_words_of_the_storage_and_is_drawn_again() {
    let mut host = drawn();
    let read = &mut |slot| host.slot(JURIES, slot);
    let case = crate::jury_case(CASE, read);
    let seats: Vec<_> = (1..=4).map(|number| crate::jury_seats(CASE, who(number), read)).collect();
    let shown = panel(&mut host);
    assert_eq!(
        (case.height, case.seats_drawn, case.panel.drawn_at),
        (shown.height, 201, host.time)
    );
    let hash = host.within(JURIES, |host| host.block_hash(case.height)).unwrap();
    let mut again = [(0, 0); 4];
    for number in 0..201 {
        let mut read = |slot| Some(host.slot(JURIES, slot));
        let seat = crate::jury_seat(CASE, (number, hash), &mut read).unwrap();
        let place = usize::from(seat.account[0]) - 1;
        again[place] = (again[place].0 + 1, seat.deposit);
    }
    let stored: Vec<_> = seats.iter().map(|seats| (seats.count, seats.deposit)).collect();
    assert_eq!(stored, again);
    let other = crate::jury_seat(CASE, (0, B256::ZERO), &mut |_| None);
    assert!(matches!(other, Err(crate::SeatError::Missing(_))));
    let digest = crate::jury_commitment(CASE, who(3), (true, B256::repeat_byte(3)));
    assert_eq!(digest, commitment(3, true));
}
