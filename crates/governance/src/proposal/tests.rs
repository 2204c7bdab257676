use alloy_primitives::{U256, address};
use proptest::prelude::*;

use super::{
    activity::{Active, Week, active, average_down, place_of, week_of},
    *,
};

const CORE: Core = Core {
    proposer: Address::ZERO,
    vote_start: 100,
    vote_duration: 50,
    is_executed: false,
    is_canceled: false,
    eta: 0,
};

#[test]
fn a_vote_is_open_after_its_start_and_up_to_its_deadline() {
    let phases = [99, 100, 101, 150, 151].map(|now| CORE.phase(now, 0).unwrap());
    let (pending, active) = (Phase::Is(State::Pending), Phase::Is(State::Active));
    assert_eq!(phases, [pending, pending, active, active, Phase::Closed]);
    assert_eq!(CORE.phase(170, 170), Ok(active));
    assert_eq!(CORE.phase(171, 170), Ok(Phase::Closed));
    assert_eq!(Core { vote_start: 0, ..CORE }.phase(1, 0), Ok(Phase::Absent));
    let executed = Core { is_executed: true, is_canceled: true, ..CORE };
    assert_eq!(executed.phase(1, 0), Ok(Phase::Is(State::Executed)));
    let late = Core { vote_start: TIME_MAX, ..CORE };
    assert_eq!(late.deadline(0), Err(OutOfRange));
    // A vote that is pending needs no deadline.
    assert_eq!(late.phase(1, 0), Ok(Phase::Is(State::Pending)));
}

#[test]
fn votes_decide_after_the_deadline() {
    assert_eq!(CORE.closed(false), State::Defeated);
    assert_eq!(CORE.closed(true), State::Succeeded);
    assert_eq!(Core { eta: 1, ..CORE }.closed(true), State::Queued);
    let queued = Core { eta: 200, ..CORE };
    assert_eq!(CORE.check_executable(1_000, 0), Err(NotExecutable::NotQueued));
    assert_eq!(queued.check_executable(199, 0), Err(NotExecutable::TooEarly { ready_at: 200 }));
    assert_eq!(queued.check_executable(200, 0), Ok(()));
    assert_eq!(queued.check_executable(200, 5), Err(NotExecutable::TooEarly { ready_at: 205 }));
}

#[test]
fn a_quorum_in_the_last_moment_moves_the_deadline() {
    assert_eq!(extension(149, 10, 150), Ok(Extension { deadline: 159, is_later: true }));
    assert_eq!(extension(110, 10, 150), Ok(Extension { deadline: 120, is_later: false }));
    assert!(!extension(140, 10, 150).unwrap().is_later);
    assert_eq!(extension(TIME_MAX, 1, 150), Err(OutOfRange));
}

#[test]
fn only_an_exact_ending_restricts_who_may_post() {
    let author = address!("5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f");
    let ending = "#proposer=0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f";
    let check = |text: &str, expected| assert_eq!(required_proposer(text.as_bytes()), expected);
    check(ending, Some(author));
    check(&format!("Raise the floor {}", ending.to_lowercase().replace("0X", "0x")), Some(author));
    check(&format!("{ending} "), None);
    check(&ending[1..], None);
    check(&ending.replace("0x", "0X"), None);
    check(&ending.replace('6', "g"), None);
    check(&ending.replace("#proposer", "#Proposer"), None);
    check("", None);
}

#[test]
fn states_have_the_numbers_of_the_contract() {
    let all = [
        State::Pending,
        State::Active,
        State::Canceled,
        State::Defeated,
        State::Succeeded,
        State::Queued,
        State::Expired,
        State::Executed,
    ];
    for (number, state) in (0_u8..).zip(all) {
        assert_eq!((state.number(), state.bit()), (number, 1 << number));
    }
    let supports = [Support::Against, Support::For, Support::Abstain].map(Some);
    assert_eq!([0, 1, 2].map(Support::from_number), supports);
    assert_eq!(Support::from_number(3), None);
}

#[test]
fn a_vote_that_does_not_fit_is_not_counted() {
    let mut tally = Tally { approving: U256::MAX, ..Tally::default() };
    let before = tally;
    assert_eq!(tally.count_vote(Support::For, U256::ONE), Err(OutOfRange));
    assert_eq!(tally, before);
    tally.count_vote(Support::Abstain, U256::ONE).unwrap();
    assert_eq!(tally.has_quorum(U256::ZERO), Err(OutOfRange));
    assert_eq!(tally.turnout(), U256::MAX);
}

#[test]
fn activity_is_the_mean_of_what_reached_the_least_quorum() {
    let number = |value: u64| U256::from(value);
    // Below the least quorum a vote is not counted; when it is reached, all of it.
    assert_eq!(active(number(0), number(39), number(40)), Active::default());
    let reached = Active { proposals: 1, weight: number(41) };
    assert_eq!(active(number(39), number(41), number(40)), reached);
    let more = Active { proposals: 0, weight: number(9) };
    assert_eq!(active(number(41), number(50), number(40)), more);
    // Nor is a proposal on which nobody votes, where the least quorum is zero.
    assert_eq!(active(number(0), number(0), number(0)), Active::default());

    let now = 2_000 * 604_800;
    let week = week_of(now);
    assert_eq!(week, 2_000);
    let kept = Week::default().with(week, reached).with(week, more).with(week, reached);
    assert_eq!((kept.proposals, kept.weight), (2, number(91)));
    assert_eq!(average_down(&[kept], now), number(45));
    assert_eq!(average_down(&[kept], now + 12 * 604_800), number(45));
    assert_eq!(average_down(&[kept], now + 13 * 604_800), U256::ZERO);
    assert_eq!(average_down(&[], now), U256::ZERO);
    // A later week takes its place; an earlier one does not come back.
    let later = kept.with(week + 13, reached);
    assert_eq!(place_of(week), place_of(week + 13));
    assert_eq!((later.number, later.weight), (week + 13, number(41)));
    assert_eq!(later.with(week, more), later);
}

proptest! {
    /// Whatever the order of votes, the tally is the sum by support, and nothing counts twice.
    #[test]
    fn a_tally_is_the_sum_of_its_votes(
        votes in prop::collection::vec((0_u8..3, any::<u128>()), 0..40),
    ) {
        let mut tally = Tally::default();
        for (support, weight) in &votes {
            let support = Support::from_number(*support).unwrap();
            tally.count_vote(support, U256::from(*weight)).unwrap();
        }
        let sum = |wanted: u8| -> U256 {
            votes.iter().filter(|(support, _)| *support == wanted).map(|it| U256::from(it.1)).sum()
        };
        prop_assert_eq!([tally.against, tally.approving, tally.abstaining], [sum(0), sum(1), sum(2)]);
        prop_assert_eq!(tally.turnout(), sum(0) + sum(1) + sum(2));
    }

    #[test]
    fn a_quorum_is_never_above_the_votes(total in any::<u128>(), numerator in 0_u64..=100) {
        let (total, numerator) = (U256::from(total), U256::from(numerator));
        let quorum = quorum_down(total, numerator).unwrap();
        prop_assert!(quorum <= total);
        prop_assert!(quorum * U256::from(100) <= total * numerator);
    }
}
