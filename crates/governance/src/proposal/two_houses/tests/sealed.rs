//! Sealed ballots: what attacks on them come to, and what holds after every step.

use super::*;
use crate::proposal::two_houses::sealed::*;

const HOLDERS: u8 = 3;
const THRESHOLD: u8 = 2;
const VOTERS: [(u64, u64); 6] =
    [(30_000, 0), (20_000, 900), (10_000, 400), (5_000, 1_500), (0, 700), (41_000, 20)];

fn post_sealable(class: Class) -> Proposal {
    let facts = (electorate(), Missed::default());
    let admission = Admission { key_threshold: THRESHOLD, ..admission() };
    Proposal::post(START, class, &SETTINGS, &admission, facts).unwrap()
}

/// A proposal whose vote has begun, with sealed ballots.
fn sealed() -> (Proposal, u64) {
    let mut proposal = post_sealable(Class::Ordinary);
    for _ in 0..HOLDERS {
        proposal.post_key(START).unwrap();
    }
    (proposal, proposal.core.vote_start + 1)
}

/// Stands for a hash: the rules compare digests, and never make one.
fn digest(voter: u8, support: u8) -> [u8; 32] {
    let mut digest = [voter; 32];
    digest[0] = support + 1;
    digest
}

fn ballot(voter: u8, support: u8) -> SealedBallot {
    let (stake, work) = VOTERS[usize::from(voter)];
    let commitment = digest(voter, support);
    SealedBallot { commitment, weights: weights(stake, work), is_open: false }
}

fn seal(proposal: &mut Proposal, now: u64, ballot: &SealedBallot) -> Option<u64> {
    proposal.seal(now, &SETTINGS, ballot, 900).unwrap()
}

#[test]
fn ballots_are_sealed_once_enough_keys_are_there() {
    let mut proposal = post_sealable(Class::Ordinary);
    let start = proposal.core.vote_start;
    proposal.post_key(START).unwrap();
    let mut few = proposal;
    assert_eq!(few.seal(start + 1, &SETTINGS, &ballot(0, 1), 9), Err(LifeError::NotSealed));
    vote(&mut few, start + 1, Support::For, (1, 1));
    assert_eq!(few.opening_end(), few.deadline(), "nobody waits for an opening");
    proposal.post_key(start).unwrap();
    assert_eq!(proposal.post_key(start + 1), Err(LifeError::Is(State::Active)));
    let open = proposal.vote(start + 1, &SETTINGS, Support::For, weights(1, 1));
    assert_eq!(open, Err(LifeError::Sealed));
    seal(&mut proposal, start + 1, &ballot(0, 1));
    assert_eq!(proposal.votes, Votes::default());
    assert_eq!(proposal.decision_at(start + 1), Ok(Decision::Sealed));
}

#[test]
fn routine_proposals_and_ledgers_without_holders_have_open_ballots() {
    let mut routine = post_sealable(Class::Routine);
    assert_eq!(routine.post_key(START), Err(LifeError::NotSealed));
    vote(&mut routine, START + 1, Support::For, (1, 1));
    assert_eq!(post(Class::Ordinary).post_key(START), Err(LifeError::NotSealed));
}

#[test]
fn nothing_is_opened_or_published_before_the_close_or_after_the_opening() {
    let (mut proposal, now) = sealed();
    let mut one = ballot(0, 1);
    seal(&mut proposal, now, &one);
    let end = proposal.deadline().unwrap();
    let early = Err(LifeError::VoteGoesOn { until: end });
    assert_eq!(proposal.publish_key(end), early);
    let said = (digest(0, 1), Support::For);
    assert_eq!(proposal.open(end, &mut one, said), early.map(|()| None));
    assert_eq!(proposal.state(end + 1), Ok(Some(State::Active)), "it is active until it is open");
    let late = proposal.seal(end + 1, &SETTINGS, &ballot(1, 1), 900);
    assert_eq!(late, Err(LifeError::VoteIsOver { end }));
    let last = end + u64::from(SETTINGS.opening_period);
    let mut in_time = proposal;
    in_time.open(last, &mut one.clone(), said).unwrap().unwrap();
    in_time.publish_key(last).unwrap();
    assert_eq!(proposal.open(last + 1, &mut one, said), Err(LifeError::OpeningIsOver));
    assert_eq!(proposal.publish_key(last + 1), Err(LifeError::OpeningIsOver));
    assert_eq!(proposal.votes, Votes::default(), "what nobody has opened was not cast");
    assert_eq!(proposal.state(last + 1), Ok(Some(State::Defeated)));
}

/// Ballot-key withholding: voters open their own ballots, so nothing is lost but time.
#[test]
fn holders_who_withhold_their_keys_stop_no_vote() {
    let (mut proposal, now) = sealed();
    let mut cast: Vec<SealedBallot> = (0..6).map(|voter| ballot(voter, 1)).collect();
    for ballot in &cast {
        seal(&mut proposal, now, ballot);
    }
    let over = proposal.deadline().unwrap() + 1;
    for (voter, ballot) in (0..6).zip(&mut cast) {
        proposal.open(over, ballot, (digest(voter, 1), Support::For)).unwrap().unwrap();
    }
    assert_eq!(proposal.state(over), Ok(Some(State::Active)), "keys may still be published");
    let after = proposal.opening_end().unwrap() + 1;
    assert_eq!(proposal.state(after), Ok(Some(State::Succeeded)));
    assert!(proposal.settle(after).unwrap().is_key_withheld);
    proposal.queue(after, &SETTINGS).unwrap();
}

#[test]
fn the_opening_ends_when_all_is_open_and_published() {
    let (mut proposal, now) = sealed();
    let mut one = ballot(0, 0);
    seal(&mut proposal, now, &one);
    let over = proposal.deadline().unwrap() + 1;
    for _ in 0..HOLDERS {
        proposal.publish_key(over).unwrap();
    }
    assert_eq!(proposal.state(over), Ok(Some(State::Active)));
    proposal.open(over, &mut one, (digest(0, 0), Support::Against)).unwrap().unwrap();
    assert_eq!(proposal.state(over), Ok(Some(State::Defeated)));
    assert!(!proposal.settle(over).unwrap().is_key_withheld);
    // Where nobody has voted there is nothing to open, and nobody has withheld anything.
    let (mut silent, _) = sealed();
    let over = silent.deadline().unwrap() + 1;
    assert_eq!(silent.state(over), Ok(Some(State::Defeated)));
    assert!(!silent.settle(over).unwrap().is_key_withheld);
}

#[test]
fn only_the_sealed_ballot_opens_and_only_once() {
    let (mut proposal, now) = sealed();
    let mut one = ballot(1, 1);
    seal(&mut proposal, now, &one);
    let over = proposal.deadline().unwrap() + 1;
    let before = proposal;
    let other = (digest(1, 0), Support::Against);
    assert_eq!(proposal.open(over, &mut one, other), Err(LifeError::OtherBallot));
    let mut none = SealedBallot { commitment: [0; 32], ..one };
    let nothing = ([0; 32], Support::For);
    assert_eq!(proposal.open(over, &mut none, nothing), Err(LifeError::OtherBallot));
    assert_eq!(proposal, before);
    let said = (digest(1, 1), Support::For);
    assert!(proposal.open(over, &mut one, said).unwrap().is_some());
    assert_eq!(proposal.open(over, &mut one, said), Ok(None));
    assert_eq!(proposal.votes.stake.approving, grain(20_000));
    assert_eq!(proposal.sealing.opened, 1);
}

#[test]
fn a_ballot_has_a_commitment_a_weight_and_a_size() {
    let (mut proposal, now) = sealed();
    let one = ballot(0, 1);
    let mut refused = |ballot: SealedBallot, size| proposal.seal(now, &SETTINGS, &ballot, size);
    let empty = SealedBallot { commitment: [0; 32], ..one };
    assert_eq!(refused(empty, 900), Err(LifeError::NoSuchBallot));
    assert_eq!(refused(one, BALLOT_BYTES_MAX + 1), Err(LifeError::NoSuchBallot));
    let light = SealedBallot { weights: weights(0, 0), ..one };
    assert_eq!(refused(light, 900), Err(LifeError::NoWeight));
    assert_eq!(refused(one, BALLOT_BYTES_MAX), Ok(None));
}

/// Quorum sniping: the weights are public, so a late ballot with which the proposal could pass moves the end.
#[test]
fn a_late_ballot_that_makes_it_possible_to_pass_moves_the_end() {
    let (mut proposal, _) = sealed();
    let end = proposal.deadline().unwrap();
    assert_eq!(seal(&mut proposal, end, &ballot(5, 0)), None, "the work house is missing");
    assert_eq!(seal(&mut proposal, end, &ballot(3, 0)), None);
    assert_eq!(seal(&mut proposal, end, &ballot(4, 0)), Some(end + 2 * DAY));
    assert_eq!(seal(&mut proposal, end + DAY, &ballot(0, 1)), None);
}

#[test]
fn what_voted_stays_locked_through_the_opening_too() {
    let (proposal, now) = sealed();
    let open = post(Class::Ordinary);
    let more = u64::from(SETTINGS.opening_period);
    let locked = |proposal: &Proposal| proposal.lock_until(now, &SETTINGS).unwrap();
    assert_eq!(locked(&proposal), locked(&open) + more);
}

/// The house that missed is known only after the opening, so the three days begin there.
#[test]
fn a_jury_is_summoned_after_the_opening() {
    let facts = (electorate(), Missed { stake: 0, work: 1 });
    let admission = Admission { key_threshold: THRESHOLD, ..admission() };
    let posted = Proposal::post(START, Class::Ordinary, &SETTINGS, &admission, facts);
    let mut proposal = posted.unwrap();
    proposal.post_key(START).unwrap();
    proposal.post_key(START).unwrap();
    let mut one = SealedBallot { weights: weights(50_000, 0), ..ballot(0, 1) };
    seal(&mut proposal, START + DAY + 1, &one);
    let over = proposal.deadline().unwrap() + 1;
    proposal.open(over, &mut one, (digest(0, 1), Support::For)).unwrap().unwrap();
    assert_eq!(proposal.check_summon(over), Err(LifeError::Is(State::Active)));
    let after = proposal.opening_end().unwrap() + 1;
    assert_eq!(proposal.check_summon(after), Ok(()));
    assert_eq!(proposal.post_key(after), Err(LifeError::Is(State::Pending)));
    assert_eq!(proposal.check_summon(after + SUMMON_PERIOD - 1), Ok(()));
    assert!(proposal.check_summon(after + SUMMON_PERIOD).is_err());
}

#[test]
fn lists_of_holders_are_bounded_and_nobody_reads_alone() {
    let named = |count: u8| -> Vec<Address> { (1..=count).map(Address::repeat_byte).collect() };
    assert_eq!(check_holders(&[], 0), Ok(()));
    for (count, threshold) in [(2, 2), (16, 2), (16, 16)] {
        assert_eq!(check_holders(&named(count), threshold), Ok(()));
    }
    for (count, threshold) in [(0, 1), (1, 1), (2, 1), (3, 0), (3, 4), (17, 2)] {
        assert!(check_holders(&named(count), threshold).is_err(), "{count} {threshold}");
    }
    let twice = [PROPOSER, PROPOSER];
    let error = check_holders(&twice, 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 holders with threshold 2: give none and 0, or up to 16 different ones and from 2 to all of them"
    );
    assert!(check_holders(&[PROPOSER, Address::ZERO], 2).is_err());
}

#[test]
fn who_withheld_a_key_is_barred_until_it_is_named_again() {
    assert!(!is_barred(0, 1), "nobody is at first");
    assert!(is_barred(3, 3) && is_barred(3, 2));
    assert!(!is_barred(3, 4));
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Wait(u64),
    PostKey,
    Seal(u8, u8),
    VoteOpen(u8, u8),
    Publish,
    Open(u8, u8),
    Settle,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let seconds = prop_oneof![Just(1), 1..DAY, DAY..3 * DAY];
    let act = prop_oneof![
        5 => seconds.prop_map(Act::Wait),
        2 => Just(Act::PostKey),
        8 => (0_u8..6, 0_u8..3).prop_map(|(voter, support)| Act::Seal(voter, support)),
        3 => (0_u8..6, 0_u8..3).prop_map(|(voter, support)| Act::VoteOpen(voter, support)),
        2 => Just(Act::Publish),
        9 => (0_u8..6, 0_u8..3).prop_map(|(voter, support)| Act::Open(voter, support)),
        1 => Just(Act::Settle),
    ];
    vec(act, 1..80)
}

/// Who has voted: what, and its ballot if it was sealed.
type Cast = [Option<(u8, Option<SealedBallot>)>; 6];

/// What always holds: what is counted is what is open, each once, and nothing before the close.
fn check_counted(proposal: &Proposal, cast: &Cast, now: u64) {
    let mut expected = Votes::default();
    let (mut sealed, mut open) = (0, 0);
    for (voter, cast) in cast.iter().enumerate() {
        let Some((support, ballot)) = cast else { continue };
        sealed += u32::from(ballot.is_some());
        if ballot.is_some_and(|ballot| !ballot.is_open) {
            continue;
        }
        open += u32::from(ballot.is_some());
        let (stake, work) = VOTERS[voter];
        let support = Support::from_number(*support).unwrap();
        expected.stake.count_vote(support, grain(stake)).unwrap();
        expected.work.count_vote(support, number(work)).unwrap();
    }
    assert_eq!(proposal.votes, expected);
    assert_eq!((proposal.sealing.ballots, proposal.sealing.opened), (sealed, open));
    assert!(proposal.sealing.published <= proposal.sealing.keys);
    if proposal.is_sealed() && now <= proposal.deadline().unwrap() {
        assert_eq!(proposal.votes, Votes::default(), "nothing is counted before the close");
    }
    assert!(sealed == 0 || proposal.is_sealed());
}

fn act(proposal: &mut Proposal, cast: &mut Cast, now: u64, act: Act) -> Result<(), LifeError> {
    match act {
        Act::Wait(_) => Ok(()),
        // Each holder posts one key: what the ledger checks by account.
        Act::PostKey if proposal.sealing.keys < HOLDERS => proposal.post_key(now),
        Act::Publish if proposal.sealing.published < proposal.sealing.keys => {
            proposal.publish_key(now)
        }
        Act::PostKey | Act::Publish => Ok(()),
        Act::Seal(voter, support) if cast[usize::from(voter)].is_none() => {
            let ballot = ballot(voter, support);
            proposal.seal(now, &SETTINGS, &ballot, 900)?;
            cast[usize::from(voter)] = Some((support, Some(ballot)));
            Ok(())
        }
        Act::VoteOpen(voter, support) if cast[usize::from(voter)].is_none() => {
            let (stake, work) = VOTERS[usize::from(voter)];
            let wanted = Support::from_number(support).unwrap();
            proposal.vote(now, &SETTINGS, wanted, weights(stake, work))?;
            cast[usize::from(voter)] = Some((support, None));
            Ok(())
        }
        Act::Open(voter, support) => {
            let none = ballot(voter, support);
            let mut ballot = cast[usize::from(voter)].and_then(|cast| cast.1);
            let is_cast = ballot.is_some();
            let mut absent = SealedBallot { commitment: [0; 32], ..none };
            let opened = ballot.as_mut().unwrap_or(&mut absent);
            let wanted = Support::from_number(support).unwrap();
            let active = proposal.open(now, opened, (digest(voter, support), wanted))?;
            assert!(
                is_cast && (active.is_none() || cast[usize::from(voter)].unwrap().0 == support)
            );
            if let Some(cast) = &mut cast[usize::from(voter)] {
                cast.1 = ballot;
            }
            Ok(())
        }
        Act::Seal(..) | Act::VoteOpen(..) => Ok(()),
        Act::Settle => proposal.settle(now).map(|settled| {
            assert_eq!(settled.is_key_withheld, proposal.is_key_withheld());
        }),
    }
}

proptest! {
    /// After every step, refused ones included.
    #[test]
    fn what_is_counted_is_what_is_open(class in 1_u8..3, acts in acts()) {
        let mut proposal = post_sealable(Class::of(class).unwrap());
        let (mut now, mut cast) = (START, Cast::default());
        for it in acts {
            if let Act::Wait(seconds) = it {
                now += seconds;
            }
            let before = proposal;
            if act(&mut proposal, &mut cast, now, it).is_err() {
                prop_assert_eq!(proposal, before, "what is refused changes nothing");
            }
            check_counted(&proposal, &cast, now);
            invariants(&proposal, now);
        }
    }

    /// A sealed vote that was opened decides what the same open vote decides.
    #[test]
    fn a_sealed_vote_decides_as_an_open_one(supports in vec(0_u8..3, 6), order in Just(vec![0_u8, 1, 2, 3, 4, 5]).prop_shuffle()) {
        let (mut proposal, now) = sealed();
        let mut open = post(Class::Ordinary);
        let mut cast: Vec<SealedBallot> =
            (0..6).zip(&supports).map(|(voter, support)| ballot(voter, *support)).collect();
        for (ballot, support) in cast.iter().zip(&supports) {
            seal(&mut proposal, now, ballot);
            open.vote(now, &SETTINGS, Support::from_number(*support).unwrap(), ballot.weights).unwrap();
        }
        let over = proposal.deadline().unwrap() + 1;
        for voter in order {
            let (ballot, support) = (&mut cast[usize::from(voter)], supports[usize::from(voter)]);
            let said = (digest(voter, support), Support::from_number(support).unwrap());
            proposal.open(over, ballot, said).unwrap().unwrap();
        }
        prop_assert_eq!(proposal.votes, open.votes);
        prop_assert_eq!(proposal.decision(), open.decision());
    }
}
