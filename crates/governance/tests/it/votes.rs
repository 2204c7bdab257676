//! Votes: examples, attacks, and invariants after arbitrary steps, refused steps included.

use alloy_primitives::U256;
use governance::{
    voice::{self, VoiceBook as _},
    votes::{
        Changed, House, LOCK_SECONDS_MAX, PlainBook, Refused, VOTES_MAX, balance, credit, debit,
        delegate, expire, expires_at, locked_until, note_vote, past_total, past_votes, total,
        votes,
    },
};
use proptest::{collection::vec, prelude::*};
use units::{AccountId, Bps, UnixSeconds};

const DAY: u64 = 86_400;
/// Some day of 2026.
pub(crate) const START: u64 = 20_786 * DAY;

pub(crate) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 20])
}

pub(crate) fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(START + seconds)
}

pub(crate) fn stake_house() -> House {
    House::stake(Bps::new(300).unwrap())
}

fn amount(number: u64) -> U256 {
    U256::from(number)
}

/// Returns a Stake House in which accounts from 1 on hold these amounts.
fn deposited(amounts: &[u64]) -> PlainBook {
    let mut book = PlainBook::new();
    for (number, deposit) in (1..).zip(amounts) {
        credit(&mut book, &stake_house(), at(0), account(number), amount(*deposit)).unwrap();
    }
    book
}

/// Returns the votes of account `number` in the Stake House now.
fn stake(book: &mut PlainBook, now: u64, number: u8) -> u64 {
    votes(book, &stake_house(), at(now), account(number)).unwrap().to()
}

fn move_to(book: &mut PlainBook, now: u64, from: u8, to: u8) -> Result<Vec<Changed>, Refused> {
    delegate(book, &stake_house(), at(now), account(from), account(to))
}

#[test]
fn a_deposit_votes_and_its_history_stays() {
    let house = stake_house();
    let mut book = PlainBook::new();
    let changes = credit(&mut book, &house, at(0), account(1), amount(70)).unwrap();
    let (delegator, from, to) = (account(1), AccountId::ZERO, account(1));
    let votes_of = |before, after| Changed::Votes {
        delegate: account(1),
        before: amount(before),
        after: amount(after),
    };
    assert_eq!(changes, [Changed::Delegate { delegator, from, to }, votes_of(0, 70)]);
    let changes = credit(&mut book, &house, at(10), account(1), amount(5)).unwrap();
    assert_eq!(changes, [votes_of(70, 75)]);
    // A second change in one second overwrites the first.
    credit(&mut book, &house, at(20), account(1), amount(25)).unwrap();
    debit(&mut book, &house, at(20), account(1), amount(60)).unwrap();
    let mut at_time = |time: u64| {
        let of_account = past_votes(&mut book, &house, at(100), account(1), at(time)).unwrap();
        assert_eq!(past_total(&mut book, &house, at(100), at(time)), Ok(of_account));
        of_account.to::<u64>()
    };
    assert_eq!([0, 9, 10, 19, 20, 99].map(&mut at_time), [70, 70, 75, 75, 40, 40]);
    assert_eq!(
        past_votes(&mut book, &house, at(100), account(1), UnixSeconds::new(1)),
        Ok(U256::ZERO)
    );
    for timepoint in [at(100), at(101)] {
        let refused = Refused::FutureLookup { timepoint, now: at(100) };
        assert_eq!(past_votes(&mut book, &house, at(100), account(1), timepoint), Err(refused));
        assert_eq!(past_total(&mut book, &house, at(100), timepoint), Err(refused));
    }
    assert_eq!(balance(&mut book, &house, at(100), account(1)), Ok(amount(40)));
    assert_eq!(total(&mut book, &house, at(100)), Ok(amount(40)));
}

#[test]
fn a_house_has_an_end() {
    let house = stake_house();
    let mut book = PlainBook::new();
    credit(&mut book, &house, at(0), account(1), VOTES_MAX).unwrap();
    let before = book.clone();
    let refused = credit(&mut book, &house, at(1), account(2), U256::ONE);
    let increased = VOTES_MAX + U256::ONE;
    assert_eq!(refused, Err(Refused::ExceededSafeSupply { increased, cap: VOTES_MAX }));
    let refused = debit(&mut book, &house, at(1), account(2), U256::ONE);
    let needed = U256::ONE;
    let expected = Refused::InsufficientDeposit { account: account(2), held: U256::ZERO, needed };
    assert_eq!(refused, Err(expected));
    assert_eq!(book, before);
}

/// Attack: a loan of one block. It is in no checkpoint before its block, and in none after it.
#[test]
fn a_flash_loan_has_no_votes() {
    let house = stake_house();
    let mut book = deposited(&[1_000]);
    credit(&mut book, &house, at(500), account(2), amount(1_000_000)).unwrap();
    // The vote of this block can only use a snapshot before it.
    assert_eq!(past_votes(&mut book, &house, at(500), account(2), at(499)), Ok(U256::ZERO));
    let refused = past_votes(&mut book, &house, at(500), account(2), at(500));
    assert!(matches!(refused, Err(Refused::FutureLookup { .. })), "{refused:?}");
    debit(&mut book, &house, at(500), account(2), amount(1_000_000)).unwrap();
    for time in [499, 500, 501] {
        let found = past_votes(&mut book, &house, at(600), account(2), at(time));
        assert_eq!(found, Ok(U256::ZERO), "at {time}");
        assert_eq!(past_total(&mut book, &house, at(600), at(time)), Ok(amount(1_000)));
    }
}

/// Attack: vote, then sell. What has voted stays until the lock ends.
#[test]
fn what_has_voted_cannot_leave() {
    let house = stake_house();
    let mut book = deposited(&[1_000]);
    let locked = note_vote(&mut book, &house, at(10), account(1), at(900));
    assert_eq!(locked, Ok(amount(1_000)), "what is locked is what may count");
    let refused = Err(Refused::Locked { account: account(1), until: at(900) });
    assert_eq!(debit(&mut book, &house, at(899), account(1), amount(1)), refused);
    // A later vote with an earlier end shortens nothing.
    note_vote(&mut book, &house, at(20), account(1), at(300)).unwrap();
    assert_eq!(debit(&mut book, &house, at(899), account(1), amount(1)), refused);
    // Nor does giving the votes away.
    move_to(&mut book, 30, 1, 2).unwrap();
    assert_eq!(debit(&mut book, &house, at(899), account(1), amount(1)), refused);
    debit(&mut book, &house, at(900), account(1), amount(1_000)).unwrap();
    // Sold before the vote: nothing is there that could be locked, so a governor counts nothing.
    assert_eq!(note_vote(&mut book, &house, at(901), account(1), at(1_900)), Ok(U256::ZERO));
    assert_eq!(past_votes(&mut book, &house, at(901), account(1), at(5)), Ok(amount(1_000)));
    let (until, latest) =
        (at(902 + u64::from(LOCK_SECONDS_MAX)), at(901 + u64::from(LOCK_SECONDS_MAX)));
    let refused = note_vote(&mut book, &house, at(901), account(1), until);
    assert_eq!(refused, Err(Refused::LockTooLong { until, latest }));
}

/// Attack: let a delegate vote, then undelegate and sell.
#[test]
fn what_has_backed_a_vote_cannot_leave() {
    let house = stake_house();
    let mut book = deposited(&[1_000, 1_000, 1_000, 1_000]);
    move_to(&mut book, 1, 1, 9).unwrap();
    move_to(&mut book, 1, 2, 9).unwrap();
    note_vote(&mut book, &house, at(10), account(9), at(900)).unwrap();
    // After the vote: it has backed nothing.
    move_to(&mut book, 11, 3, 9).unwrap();
    move_to(&mut book, 12, 2, 2).unwrap();
    let mut until = |number| locked_until(&mut book, account(number)).unwrap();
    assert_eq!(
        [1, 2, 3, 4].map(&mut until),
        [at(900), at(900), at(0), at(0)]
            .map(|time| { if time == at(0) { UnixSeconds::new(0) } else { time } })
    );
    for number in [1, 2] {
        let refused = Err(Refused::Locked { account: account(number), until: at(900) });
        assert_eq!(debit(&mut book, &house, at(899), account(number), amount(1)), refused);
    }
    debit(&mut book, &house, at(13), account(3), amount(1_000)).unwrap();
    // Votes after one has left its delegate lock it no longer: nobody can be held for ever.
    note_vote(&mut book, &house, at(800), account(9), at(2_000)).unwrap();
    debit(&mut book, &house, at(900), account(2), amount(1_000)).unwrap();
    let refused = Err(Refused::Locked { account: account(1), until: at(2_000) });
    assert_eq!(debit(&mut book, &house, at(900), account(1), amount(1)), refused);
    // In the second of the delegation, the vote may have come after it.
    move_to(&mut book, 950, 4, 8).unwrap();
    note_vote(&mut book, &house, at(950), account(8), at(3_000)).unwrap();
    assert_eq!(locked_until(&mut book, account(4)), Ok(at(3_000)));
}

/// Attack: a cycle of delegations. A delegate does not pass on what it has received.
#[test]
fn a_cycle_makes_no_votes() {
    let mut book = deposited(&[1, 1, 1, 1_000]);
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        move_to(&mut book, 1, from, to).unwrap();
    }
    assert_eq!([1, 2, 3].map(|number| stake(&mut book, 2, number)), [1, 1, 1]);
    book.invariants(&stake_house(), at(2)).unwrap();
    // A chain ends after one hop.
    move_to(&mut book, 3, 1, 1).unwrap();
    assert_eq!([1, 2, 3].map(|number| stake(&mut book, 3, number)), [2, 0, 1]);
    // The zero account stands for oneself.
    delegate(&mut book, &stake_house(), at(4), account(3), AccountId::ZERO).unwrap();
    assert_eq!([1, 2, 3].map(|number| stake(&mut book, 4, number)), [1, 0, 2]);
    book.invariants(&stake_house(), at(4)).unwrap();
}

/// Attack: a delegate that sleeps keeps the votes of those who have forgotten it.
#[test]
fn a_stale_delegation_is_ended_by_anyone() {
    let house = stake_house();
    let mut book = deposited(&[10, 1_000]);
    move_to(&mut book, 0, 1, 3).unwrap();
    let ninety = 90 * DAY;
    assert_eq!(expires_at(&mut book, account(1)), Ok(Some(at(ninety))));
    let refused = expire(&mut book, &house, at(ninety - 1), account(1));
    assert_eq!(refused, Err(Refused::NotExpired { account: account(1), from: at(ninety) }));
    // A vote of the delegate renews it.
    note_vote(&mut book, &house, at(ninety - 1), account(3), at(ninety)).unwrap();
    let renewed = 2 * ninety - 1;
    assert!(expire(&mut book, &house, at(renewed - 1), account(1)).is_err());
    assert_eq!(stake(&mut book, renewed, 3), 10);
    expire(&mut book, &house, at(renewed), account(1)).unwrap();
    assert_eq!([1, 3].map(|number| stake(&mut book, renewed, number)), [10, 0]);
    let refused = expire(&mut book, &house, at(renewed), account(1));
    assert_eq!(refused, Err(Refused::NotDelegated { account: account(1) }));
    // Choosing the same delegate again renews it, too.
    move_to(&mut book, renewed, 1, 3).unwrap();
    let changes = move_to(&mut book, renewed + 5, 1, 3).unwrap();
    assert_eq!(changes.len(), 1, "no votes move: {changes:?}");
    assert_eq!(expires_at(&mut book, account(1)), Ok(Some(at(renewed + 5 + ninety))));
}

/// Received votes count up to 3 % of the house, own ones always.
#[test]
fn received_votes_are_capped() {
    let house = stake_house();
    let mut book = deposited(&[5_000, 20, 40, 4_940]);
    for from in [1, 3] {
        move_to(&mut book, 1, from, 2).unwrap();
    }
    assert_eq!(stake(&mut book, 1, 2), 20 + 300);
    assert_eq!(stake(&mut book, 1, 4), 4_940, "one's own always count");
    // At the time of the reading: the cap was lower when the house was smaller.
    credit(&mut book, &house, at(10), account(4), amount(10_000)).unwrap();
    assert_eq!(stake(&mut book, 10, 2), 20 + 600);
    let past = |book: &mut PlainBook, time| past_votes(book, &house, at(11), account(2), at(time));
    assert_eq!([5, 10].map(|time| past(&mut book, time)), [Ok(amount(320)), Ok(amount(620))]);
    // Friction, no defence: whoever has several accounts gets the votes past the cap.
    for (from, to) in [(1, 5), (3, 6)] {
        move_to(&mut book, 12, from, to).unwrap();
    }
    assert_eq!([2, 5, 6].map(|number| stake(&mut book, 12, number)), [20, 600, 40]);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Credit(u8, u64),
    Debit(u8, u64),
    Delegate(u8, u8),
    Expire(u8),
    Vote(u8, u64),
    Mint(u8, u128),
    Mature(u8),
}

fn who() -> impl Strategy<Value = u8> {
    1_u8..=5
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        Just(1),
        1_u64..100,
        1_u64..200 * DAY,
        29 * DAY..32 * DAY,
        89 * DAY..91 * DAY,
        // Over the end of an era.
        1_u64..20_000 * DAY,
    ];
    let amounts = || prop_oneof![0_u64..20, 0_u64..5_000, any::<u64>()];
    let work = prop_oneof![0_u128..20, 0_u128..1 << 60, any::<u128>()];
    let step = prop_oneof![
        4 => wait.prop_map(Step::Wait),
        4 => (who(), amounts()).prop_map(|(who, amount)| Step::Credit(who, amount)),
        3 => (who(), amounts()).prop_map(|(who, amount)| Step::Debit(who, amount)),
        4 => (who(), 0_u8..=6).prop_map(|(from, to)| Step::Delegate(from, to)),
        2 => who().prop_map(Step::Expire),
        3 => (who(), 0_u64..40 * DAY).prop_map(|(who, lock)| Step::Vote(who, lock)),
        4 => (who(), work).prop_map(|(who, work)| Step::Mint(who, work)),
        2 => who().prop_map(Step::Mature),
    ];
    vec(step, 1..60)
}

/// Takes a step; those of the other house do nothing.
fn apply(book: &mut PlainBook, house: &House, now: u64, step: Step) -> Result<(), Refused> {
    let is_work = *house == House::work();
    let (now, id) = (at(now), account);
    match step {
        Step::Credit(who, more) if !is_work => {
            credit(book, house, now, id(who), amount(more)).map(drop)
        }
        Step::Debit(who, less) if !is_work => {
            debit(book, house, now, id(who), amount(less)).map(drop)
        }
        Step::Mint(who, work) if is_work => voice::mint(book, now, id(who), work).map(drop),
        Step::Mature(who) if is_work => voice::mature(book, now, id(who)).map(drop),
        Step::Delegate(from, to) => {
            let to = if to == 0 { AccountId::ZERO } else { id(to) };
            match is_work {
                true => voice::delegate(book, now, id(from), to).map(drop),
                false => delegate(book, house, now, id(from), to).map(drop),
            }
        }
        Step::Expire(who) => expire(book, house, now, id(who)).map(drop),
        Step::Vote(who, lock) => {
            note_vote(book, house, now, id(who), now.after(u32::try_from(lock).unwrap())).map(drop)
        }
        Step::Wait(_) | Step::Credit(..) | Step::Debit(..) | Step::Mint(..) | Step::Mature(_) => {
            Ok(())
        }
    }
}

/// What an account had, for a history that must not change.
type Answers = Vec<(u64, Vec<U256>)>;

fn answers(book: &mut PlainBook, house: &House, now: u64, time: u64) -> Vec<U256> {
    let mut all: Vec<U256> = (1..=6)
        .map(|number| past_votes(book, house, at(now), account(number), at(time)).unwrap())
        .collect();
    all.push(past_total(book, house, at(now), at(time)).unwrap());
    all
}

fn check_steps(house: &House, steps: Vec<Step>) {
    let (mut book, mut now) = (PlainBook::new(), 0);
    let mut known: Answers = Vec::new();
    // What a lock has promised: nothing leaves before.
    let mut locks = [UnixSeconds::new(0); 6];
    for step in steps {
        if let Step::Wait(seconds) = step {
            let before = present(&mut book, house, now);
            now += seconds;
            let after = present(&mut book, house, now);
            for (before, after) in before.iter().zip(&after) {
                assert!(after <= before, "voice only decays");
                assert!(*house == House::work() || after == before, "votes stay");
            }
            known.push((now - 1, answers(&mut book, house, now, now - 1)));
        }
        let before = book.clone();
        let taken = apply(&mut book, house, now, step);
        if taken.is_err() {
            assert_eq!(book, before, "a refused step must change nothing: {step:?}");
        }
        check_taken(&mut before.clone(), &mut book, house, now, (step, taken.is_ok()), &mut locks);
        book.invariants(house, at(now)).unwrap();
        let sum: U256 = present(&mut book, house, now)[..6].iter().sum();
        assert!(
            sum <= total(&mut book, house, at(now)).unwrap(),
            "no more votes than the house has"
        );
    }
    now += 1;
    for (time, before) in known {
        assert_eq!(answers(&mut book, house, now, time), before, "the past does not change");
    }
}

/// Returns the votes of each account, and the total.
fn present(book: &mut PlainBook, house: &House, now: u64) -> Vec<U256> {
    let mut all: Vec<U256> =
        (1..=6).map(|number| votes(book, house, at(now), account(number)).unwrap()).collect();
    all.push(total(book, house, at(now)).unwrap());
    all
}

fn check_taken(
    before: &mut PlainBook,
    book: &mut PlainBook,
    house: &House,
    now: u64,
    (step, is_taken): (Step, bool),
    locks: &mut [UnixSeconds; 6],
) {
    let held =
        |book: &mut PlainBook, number| balance(book, house, at(now), account(number)).unwrap();
    for number in 1..=5_u8 {
        let (was, is) = (held(before, number), held(book, number));
        let lock = locks.get_mut(usize::from(number)).unwrap();
        if is < was {
            assert!(
                matches!(step, Step::Debit(who, _) if who == number),
                "{step:?} took from {number}"
            );
            assert!(*lock <= at(now), "{number} was locked until {lock}");
        }
        if is > was {
            let may = matches!(step, Step::Credit(who, _) | Step::Mint(who, _) | Step::Mature(who) if who == number);
            assert!(
                may || matches!(step, Step::Delegate(who, _) if who == number && *house == House::work()),
                "{step:?} gave to {number}"
            );
        }
        // Whoever votes, or has delegated to who votes, is locked until then.
        if let (Step::Vote(who, seconds), true) = (step, is_taken) {
            let backs =
                governance::votes::Book::delegation(book, account(number)).unwrap().delegate;
            if who == number || backs == account(who) {
                *lock = (*lock).max(at(now + seconds));
            }
        }
        if *house == House::work() {
            let (first, end) = book.pending_range(account(number)).unwrap();
            assert!(end - first <= 31 || !matches!(step, Step::Mint(..)), "the queue is bounded");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_stake_house_holds_its_invariants(steps in steps()) {
        check_steps(&stake_house(), steps);
    }

    #[test]
    fn the_work_house_holds_its_invariants(steps in steps()) {
        check_steps(&House::work(), steps);
    }
}
