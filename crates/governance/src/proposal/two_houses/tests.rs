use alloy_primitives::{Address, U256};
use proptest::{collection::vec, prelude::*};

use super::{decision::is_spam, *};
use crate::{
    Class,
    proposal::{NotExecutable, OutOfRange, State, Support, Tally},
};

#[expect(clippy::indexing_slicing, reason = "a test that indexes beyond its table fails")]
mod sealed;

const START: u64 = 1_000 * DAY;
const PROPOSER: Address = Address::repeat_byte(0x11);
const SETTINGS: Settings = Settings::INITIAL;
/// 1,000,000 GRAIN are deposited, and 10,000 units of voice are there.
const STAKE: u64 = 1_000_000;
const WORK: u64 = 10_000;

fn grain(amount: u64) -> U256 {
    U256::from(amount) * U256::from(GRAIN)
}

fn number(value: u64) -> U256 {
    U256::from(value)
}

fn weights(stake: u64, work: u64) -> Weights {
    Weights { stake: grain(stake), work: number(work) }
}

fn electorate() -> Electorate {
    Electorate::new(grain(STAKE), number(WORK), U256::ZERO)
}

fn admission() -> Admission {
    Admission {
        proposer: PROPOSER,
        value: SETTINGS.deposit,
        weights: weights(1_000, 0),
        open: Open::default(),
        key_threshold: 0,
    }
}

fn post(class: Class) -> Proposal {
    let facts = (electorate(), Missed::default());
    Proposal::post(START, class, &SETTINGS, &admission(), facts).unwrap()
}

/// Votes, which must be counted.
fn vote(proposal: &mut Proposal, now: u64, support: Support, (stake, work): (u64, u64)) -> Voted {
    proposal.vote(now, &SETTINGS, support, weights(stake, work)).unwrap()
}

/// What the houses say: votes of the stake house in GRAIN, of the work house in units; each for, against, abstaining.
fn decided(class: Class, stake: [u64; 3], work: [u64; 3]) -> Decision {
    let tally =
        |[approving, against, abstaining]: [U256; 3]| Tally { against, approving, abstaining };
    let votes = Votes { stake: tally(stake.map(grain)), work: tally(work.map(number)) };
    decide((class, true), (Missed::default(), Jury::None), &electorate(), &votes)
}

/// What is deposited, bought or borrowed for a vote came too late.
#[test]
fn votes_are_those_of_seven_days_before_the_posting() {
    assert_eq!(Proposal::snapshot_of(START), START - 7 * DAY);
    assert_eq!(Proposal::snapshot_of(DAY), 0);
}

#[test]
fn an_ordinary_proposal_needs_both_houses() {
    use Decision::*;
    let check = |stake, work, expected| {
        assert_eq!(decided(Class::Ordinary, stake, work), expected, "{stake:?} {work:?}");
    };
    check([40_000, 39_999, 0], [1_001, 999, 0], Agreed);
    check([40_000, 40_000, 0], [1_001, 999, 0], Rejected(House::Stake));
    check([40_000, 0, 0], [1_000, 1_000, 0], Rejected(House::Work));
    // Yes counts for the quorum of stake, all votes for the turnout.
    check([39_999, 0, 0], [2_000, 0, 0], TurnoutMissed(House::Stake));
    check([39_999, 0, 1], [2_000, 0, 0], QuorumMissed);
    check([40_000, 0, 0], [1_999, 0, 0], TurnoutMissed(House::Work));
    check([40_000, 0, 0], [1, 0, 1_999], Agreed);
    check([0, 0, 0], [0, 0, 0], TurnoutMissed(House::Stake));
}

#[test]
fn a_constitutional_proposal_needs_three_fifths_of_both() {
    use Decision::*;
    let check = |stake, work, expected| {
        assert_eq!(decided(Class::Constitutional, stake, work), expected, "{stake:?} {work:?}");
    };
    check([60_000, 40_000, 0], [1_200, 800, 0], Agreed);
    check([59_999, 40_001, 0], [1_200, 800, 0], Rejected(House::Stake));
    check([60_000, 40_000, 9_000], [1_199, 801, 0], Rejected(House::Work));
}

#[test]
fn either_house_stops_anything_with_more_than_half() {
    use Decision::*;
    for class in Class::ALL {
        let veto = decided(class, [600_000, 500_001, 0], [9_000, 0, 0]);
        assert_eq!(veto, Vetoed(House::Stake));
        assert_eq!(decided(class, [900_000, 0, 0], [4_000, 5_001, 0]), Vetoed(House::Work));
    }
    // Half is not more than half.
    assert_eq!(decided(Class::Ordinary, [500_001, 500_000, 0], [5_001, 4_999, 0]), Agreed);
}

#[test]
fn the_quorum_of_stake_follows_the_weight_that_usually_votes() {
    let quorum = |average| Electorate::new(grain(STAKE), number(WORK), grain(average)).stake_quorum;
    assert_eq!(quorum(0), grain(40_000));
    assert_eq!(quorum(80_000), grain(40_000));
    assert_eq!(quorum(300_000), grain(150_000));
    assert_eq!(Electorate::new(number(1), number(1), number(3)).stake_quorum, number(2));
}

#[test]
fn a_routine_proposal_passes_unless_a_tenth_objects() {
    let mut proposal = post(Class::Routine);
    assert_eq!(proposal.state(START), Ok(Some(State::Pending)));
    let end = START + u64::from(OBJECTION_PERIOD);
    let quiet = vote(&mut proposal, START + 1, Support::Against, (99_999, 999));
    assert_eq!((quiet.contested, quiet.deadline), (false, None));
    assert_eq!(proposal.state(end), Ok(Some(State::Active)));
    assert_eq!(proposal.state(end + 1), Ok(Some(State::Succeeded)));
    assert_eq!(proposal.decision(), Decision::Unopposed);

    let mut by_work = proposal;
    let voted = vote(&mut by_work, end, Support::Against, (0, 1));
    // A whole period of voting begins, and what was cast stays.
    let period = u64::from(SETTINGS.voting_period);
    assert_eq!((voted.contested, voted.deadline), (true, Some(end + period)));
    assert_eq!(by_work.votes.stake.against, grain(99_999));
    assert_eq!(by_work.state(end + period), Ok(Some(State::Active)));
    assert_eq!(by_work.state(end + period + 1), Ok(Some(State::Defeated)));
    vote(&mut by_work, end + 5, Support::For, (100_000, 2_000));
    assert_eq!(by_work.state(end + period + 1), Ok(Some(State::Succeeded)));

    let mut by_stake = proposal;
    assert!(vote(&mut by_stake, end, Support::Against, (1, 0)).contested);
}

/// Quorum sniping: who has the votes to pass it waits until nobody can answer.
#[test]
fn a_vote_in_the_last_second_can_be_answered() {
    let mut proposal = post(Class::Ordinary);
    let end = proposal.deadline().unwrap();
    vote(&mut proposal, end - DAY, Support::Against, (30_000, 500));
    let voted = vote(&mut proposal, end, Support::For, (100_000, 2_000));
    assert_eq!(voted.deadline, Some(end + SETTINGS.vote_extension));
    assert_eq!(proposal.state(end + 1), Ok(Some(State::Active)));
    // The answer: it fails, and nothing moves. Made to pass again, it moves again.
    let answer = vote(&mut proposal, end + DAY, Support::Against, (80_000, 0));
    assert_eq!(answer.deadline, None);
    let again = end + SETTINGS.vote_extension;
    let voted = vote(&mut proposal, again, Support::For, (80_000, 0));
    assert_eq!(voted.deadline, Some(again + SETTINGS.vote_extension));
}

#[test]
fn late_votes_move_the_end_by_14_days_in_all() {
    let mut proposal = post(Class::Ordinary);
    let first = proposal.deadline().unwrap();
    vote(&mut proposal, first, Support::For, (40_000, 2_000));
    for _ in 0..20 {
        let now = proposal.deadline().unwrap();
        vote(&mut proposal, now, Support::Against, (40_000, 0));
        vote(&mut proposal, now, Support::For, (40_000, 0));
    }
    assert!(proposal.deadline().unwrap() <= first + EXTENSIONS_MAX);
}

#[test]
fn nothing_is_executed_before_its_delay() {
    for (class, delay) in [(Class::Ordinary, 2 * DAY), (Class::Constitutional, 16 * DAY)] {
        let mut proposal = post(class);
        let now = proposal.core.vote_start + 1;
        vote(&mut proposal, now, Support::For, (500_000, 9_000));
        let early = proposal.queue(now, &SETTINGS);
        assert_eq!(early, Err(LifeError::Is(State::Active)));
        let closed = proposal.deadline().unwrap() + 1;
        let unqueued = proposal.execute(closed, 0);
        assert_eq!(unqueued, Err(NotExecutable::NotQueued.into()));
        let eta = proposal.queue(closed, &SETTINGS).unwrap();
        assert_eq!(eta, closed + delay);
        let too_early = |ready_at| Err(NotExecutable::TooEarly { ready_at }.into());
        assert_eq!(proposal.execute(eta - 1, 0), too_early(eta));
        // The brake adds to it, at most 45 days.
        assert_eq!(proposal.execute(eta, DAY), too_early(eta + DAY));
        let longest = eta + BRAKE_DELAY_MAX;
        assert_eq!(proposal.execute(longest - 1, u64::MAX), too_early(longest));
        proposal.execute(longest, u64::MAX).unwrap();
        assert_eq!(proposal.execute(longest, 0), Err(LifeError::Is(State::Executed)));
    }
}

#[test]
fn what_voted_is_locked_until_a_week_after_the_execution() {
    let proposal = post(Class::Constitutional);
    let now = proposal.core.vote_start + 1;
    let end = proposal.deadline().unwrap();
    let wait = 16 * DAY + 7 * DAY;
    // A contested proposal is voted on for a whole period from then on, which is a second longer here.
    assert_eq!(proposal.lock_until(now, &SETTINGS), Ok(end + 1 + wait));
    assert_eq!(proposal.lock_until(end, &SETTINGS), Ok(end + 7 * DAY + wait));
}

#[test]
fn few_may_post_and_not_much_at_once() {
    let refused = |admission: Admission| {
        let facts = (electorate(), Missed::default());
        Proposal::post(START, Class::Ordinary, &SETTINGS, &admission, facts).map(|_| ())
    };
    let few = Admission { weights: weights(999, 9), ..admission() };
    let threshold = grain(1_000);
    assert_eq!(refused(few), Err(PostError::TooFewVotes { votes: grain(999), threshold }));
    assert_eq!(refused(Admission { weights: weights(0, 10), ..admission() }), Ok(()));
    let cheap = Admission { value: SETTINGS.deposit - number(1), ..admission() };
    let (value, deposit) = (cheap.value, SETTINGS.deposit);
    assert_eq!(refused(cheap), Err(PostError::WrongDeposit { value, deposit }));
    let open = |of_proposer, all| Admission { open: Open { of_proposer, all }, ..admission() };
    assert_eq!(refused(open(3, 63)), Ok(()));
    assert_eq!(refused(open(4, 63)), Err(PostError::TooManyOpen { count: 4 }));
    assert_eq!(refused(open(0, 64)), Err(PostError::TooManyOpen { count: 64 }));
}

/// Proposal spam costs its deposit; an honest proposal that fails does not.
#[test]
fn the_deposit_of_spam_is_burnt() {
    let settled = |votes: &[(Support, u64, u64)]| {
        let mut proposal = post(Class::Ordinary);
        let now = proposal.core.vote_start + 1;
        for (support, stake, work) in votes {
            vote(&mut proposal, now, *support, (*stake, *work));
        }
        let end = proposal.deadline().unwrap();
        assert_eq!(proposal.settle(end), Err(LifeError::Is(State::Active)));
        let settled = proposal.settle(end + 1).unwrap();
        assert_eq!(proposal.settle(end + 1), Err(LifeError::AlreadySettled));
        settled.is_burnt
    };
    use Support::{Against, For};
    assert!(settled(&[]));
    assert!(settled(&[(For, 9, 9), (Against, 91, 91)]));
    assert!(!settled(&[(For, 10, 0), (Against, 90, 91)]));
    assert!(!settled(&[(For, 0, 10), (Against, 91, 90)]));
    assert!(!settled(&[(For, 50_000, 2_000)]));
}

#[test]
fn only_the_proposer_withdraws_and_only_before_the_vote() {
    let mut proposal = post(Class::Ordinary);
    let start = proposal.core.vote_start;
    let stranger = Address::repeat_byte(0x22);
    assert_eq!(proposal.cancel(START, stranger), Err(LifeError::CannotCancel));
    assert_eq!(proposal.cancel(start + 1, PROPOSER), Err(LifeError::CannotCancel));
    proposal.cancel(start, PROPOSER).unwrap();
    assert_eq!(proposal.state(start + 1), Ok(Some(State::Canceled)));
    let settled = proposal.settle(start).unwrap();
    assert_eq!(settled, Settled { is_burnt: false, missed: [None, None], is_key_withheld: false });
}

#[test]
fn a_house_that_misses_twice_in_a_row_needs_a_jury() {
    let facts = |missed| (electorate(), missed);
    let mut missed = Missed::default();
    let mut vote_without_work = |expected| {
        let posted = Proposal::post(START, Class::Ordinary, &SETTINGS, &admission(), facts(missed));
        let mut proposal = posted.unwrap();
        let now = proposal.core.vote_start + 1;
        vote(&mut proposal, now, Support::For, (50_000, 1_999));
        assert_eq!(proposal.decision(), expected);
        // Nobody has summoned a jury within three days.
        let late = proposal.deadline().unwrap() + SUMMON_PERIOD + 1;
        let settled = proposal.settle(late).unwrap();
        missed = missed.after(&settled);
        missed
    };
    let after = vote_without_work(Decision::TurnoutMissed(House::Work));
    assert_eq!(after, Missed { stake: 0, work: 1 });
    let after = vote_without_work(Decision::JuryNeeded(House::Work));
    assert_eq!((after.of(House::Stake), after.of(House::Work)), (0, 2));
    let missed_one = [Some(true), Some(false)];
    let there = Settled { is_burnt: false, missed: missed_one, is_key_withheld: false };
    assert_eq!(after.after(&there), Missed { stake: 1, work: 0 });
}

#[test]
fn a_jury_stands_for_the_house_that_missed_and_for_no_other() {
    let facts = (electorate(), Missed { stake: 0, work: 1 });
    let posted = Proposal::post(START, Class::Ordinary, &SETTINGS, &admission(), facts);
    let mut proposal = posted.unwrap();
    let now = proposal.core.vote_start + 1;
    vote(&mut proposal, now, Support::For, (50_000, 1_999));
    let end = proposal.deadline().unwrap();
    assert_eq!(proposal.check_summon(end), Err(LifeError::Is(State::Active)));
    let over = end + 1;
    assert_eq!(proposal.state(over), Ok(Some(State::Pending)));
    assert_eq!(proposal.check_summon(over), Ok(()));
    assert_eq!(
        proposal.clone_with(Jury::None).cancel(over, PROPOSER),
        Err(LifeError::CannotCancel)
    );
    // Without a jury it is defeated after three days; with one it waits as long as the jury does.
    let late = end + SUMMON_PERIOD + 1;
    assert_eq!(proposal.state(late), Ok(Some(State::Defeated)));
    assert_eq!(proposal.check_summon(late), Err(LifeError::Is(State::Defeated)));
    let sitting = proposal.clone_with(Jury::Sits);
    assert_eq!(sitting.state(late), Ok(Some(State::Pending)));
    assert_eq!(sitting.check_summon(over), Err(LifeError::Is(State::Pending)), "only once");
    assert_eq!(proposal.clone_with(Jury::Yes).state(over), Ok(Some(State::Succeeded)));
    let refused = proposal.clone_with(Jury::No);
    assert_eq!(
        (refused.decision(), refused.state(over)),
        (Decision::JuryRefused, Ok(Some(State::Defeated)))
    );
    // The house that voted still decides, and either stops anything.
    let mut rejected = proposal.clone_with(Jury::Yes);
    vote(&mut rejected, now, Support::Against, (50_000, 0));
    assert_eq!(rejected.decision(), Decision::Rejected(House::Stake));
}

impl Proposal {
    fn clone_with(&self, jury: Jury) -> Self {
        Self { jury, ..*self }
    }
}

/// Jury stuffing: who has a jury, and two houses that sleep, still has nothing.
#[test]
fn no_jury_stands_for_both_houses() {
    let missed = Missed { stake: 3, work: 3 };
    for jury in [Jury::None, Jury::Sits, Jury::Yes, Jury::No] {
        let found = decide(
            (Class::Constitutional, false),
            (missed, jury),
            &electorate(),
            &Votes::default(),
        );
        assert_eq!(found, Decision::TurnoutMissed(House::Stake));
    }
}

#[test]
fn settings_stay_in_their_bands() {
    assert_eq!(SETTINGS.check(), Ok(()));
    let short = Settings { voting_period: 86_399, ..SETTINGS };
    let (value, least, most) = (number(86_399), number(DAY), number(30 * DAY));
    assert_eq!(short.check(), Err(SettingError { value, least, most }));
    assert!(Settings { execution_delay: 0, ..SETTINGS }.check().is_err());
    assert!(Settings { deposit: U256::ZERO, ..SETTINGS }.check().is_err());
    assert!(Settings { threshold: U256::MAX, ..SETTINGS }.check().is_err());
}

#[test]
fn a_time_beyond_48_bits_is_refused() {
    let facts = (electorate(), Missed::default());
    let late = crate::proposal::TIME_MAX - DAY;
    let posted = Proposal::post(late, Class::Ordinary, &SETTINGS, &admission(), facts);
    assert_eq!(posted, Err(PostError::OutOfRange(OutOfRange)));
}

/// What always holds of a proposal.
fn invariants(proposal: &Proposal, now: u64) {
    let decision = proposal.decision();
    let votes = &proposal.votes;
    let houses = [
        (votes.stake, proposal.electorate.stake_total),
        (votes.work, proposal.electorate.work_total),
    ];
    for (tally, total) in houses {
        // A house with more than half against it passes nothing.
        assert!(!decision.is_passed() || tally.against * number(2) <= total);
    }
    if decision == Decision::Agreed {
        assert!(houses.iter().all(|(tally, _)| tally.approving > tally.against));
        assert!(votes.stake.approving >= proposal.electorate.stake_quorum);
        assert!(!is_spam(votes), "what passes is no spam");
    }
    if decision == Decision::Unopposed {
        assert!(proposal.class == Class::Routine && !proposal.is_contested);
    }
    let first = proposal.core.deadline(0).unwrap();
    assert!(proposal.deadline().unwrap() <= first + EXTENSIONS_MAX);
    if proposal.core.is_executed {
        let delay = SETTINGS.delay(proposal.class);
        assert!(proposal.core.eta >= first + delay && now >= proposal.core.eta);
        assert!(decision.is_passed());
    }
    if proposal.core.eta != 0 {
        assert!(decision.is_passed() && !proposal.core.is_canceled);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Vote(u8, u64, u64),
    Cancel,
    Queue,
    Execute(u64),
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let seconds = prop_oneof![Just(1), 1..DAY, DAY..5 * DAY, Just(u64::from(OBJECTION_PERIOD))];
    let weight = |total: u64| prop_oneof![0..total / 100, total / 20..total / 5, Just(total / 25)];
    let step = prop_oneof![
        4 => seconds.prop_map(Step::Wait),
        8 => (0_u8..3, weight(STAKE), weight(WORK)).prop_map(|(it, a, b)| Step::Vote(it, a, b)),
        1 => Just(Step::Cancel),
        3 => Just(Step::Queue),
        3 => prop_oneof![Just(0), 0..50 * DAY].prop_map(Step::Execute),
        2 => Just(Step::Settle),
    ];
    vec(step, 1..60)
}

proptest! {
    /// After every step, refused ones included.
    #[test]
    fn invariants_hold_after_every_step(class in 0_u8..3, steps in steps()) {
        let mut proposal = post(Class::of(class).unwrap());
        let (mut now, mut settled) = (START, 0);
        let mut left = (STAKE, WORK);
        for step in steps {
            let before = proposal;
            let result = match step {
                Step::Wait(seconds) => {
                    now += seconds;
                    Ok(())
                }
                Step::Vote(support, stake, work) => {
                    // Nobody votes twice: what has voted is gone.
                    let (stake, work) = (stake.min(left.0), work.min(left.1));
                    let support = Support::from_number(support).unwrap();
                    let locked_until = proposal.lock_until(now, &SETTINGS).unwrap();
                    let voted = proposal.vote(now, &SETTINGS, support, weights(stake, work));
                    if let Ok(voted) = &voted {
                        left = (left.0 - stake, left.1 - work);
                        let end = proposal.deadline().unwrap();
                        prop_assert_eq!(voted.deadline.is_some(), end > before.deadline().unwrap());
                        prop_assert!(locked_until >= end + LOCK_AFTER);
                    }
                    voted.map(|_| ())
                }
                Step::Cancel => proposal.cancel(now, PROPOSER),
                Step::Queue => proposal.queue(now, &SETTINGS).map(|_| ()),
                Step::Execute(brake) => proposal.execute(now, brake),
                Step::Settle => proposal.settle(now).map(|_| settled += 1),
            };
            if result.is_err() {
                prop_assert_eq!(proposal, before, "what is refused changes nothing");
            }
            prop_assert!(settled <= 1);
            invariants(&proposal, now);
        }
    }

    /// Splitting votes among accounts gains nothing.
    #[test]
    fn votes_count_the_same_in_parts(parts in vec((0_u64..1_000, 0_u64..100), 1..20)) {
        let (mut whole, mut split) = (post(Class::Ordinary), post(Class::Ordinary));
        let now = whole.core.vote_start + 1;
        for (stake, work) in &parts {
            vote(&mut split, now, Support::For, (*stake, *work));
        }
        let sum = parts.iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        vote(&mut whole, now, Support::For, sum);
        prop_assert_eq!(whole, split);
    }
}
