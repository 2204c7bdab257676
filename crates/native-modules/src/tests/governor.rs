//! `Governor`: proposals from posting to execution under two houses, and what attacks on them come to.
//!
//! The houses are stand-ins here: they know since when an account has which votes, and note who has voted. `real_houses` has the modules themselves.

use abi::{
    BRAKE, BREAKERS, Brake, GOVERNOR, Governor, GovernorCore as Core, JURIES, Juries, PARAMETERS,
    Parameters, REFEREES, REVISIONS, Revisions, STAKE_HOUSE, TREASURY,
    Votes::{getPastTotalSupplyCall, getPastVotesCall, noteVoteCall},
    WORK_HOUSE,
};
use alloy_primitives::{Address, Bytes, U256, aliases::U48, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent, SolValue};
use governance::{AUDIT_RATE_FLOOR, BURN_SHARE, Class};
use native_kit::{Failure, Host, Outcome, test_host::TestHost};

use crate::{GRAIN_SUPPLY, TABLE};

mod real_houses;
mod sealed;

const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);
const CAROL: Address = Address::repeat_byte(0xca);
const MEMBERS: [Address; 3] = [ALICE, BOB, CAROL];
const TARGET: Address = Address::repeat_byte(0x77);
const DAY: u64 = 86_400;
const START: u64 = 1_000 * DAY;
const DEPOSIT: u64 = 5_000_000_000_000_000_000;

/// What a house notes of a member.
#[derive(Clone, Copy)]
enum Fact {
    Votes,
    Since,
    LockedUntil,
    Sold,
}

fn slot(account: Address, fact: Fact) -> U256 {
    let base: U256 = account.into_word().into();
    base + (U256::from(fact as u8) << 200)
}

fn grain(amount: u64) -> U256 {
    U256::from(amount) * U256::from(1_000_000_000_000_000_000_u64)
}

/// Answers as a house: votes of members at a time, and what the Governor notes.
fn house(host: &mut TestHost, place: Address) {
    host.deploy(place, move |host, caller, call| {
        let votes_at = |host: &TestHost, account, timepoint: U256| {
            let is_there = host.slot(place, slot(account, Fact::Since)) <= timepoint;
            if is_there { host.slot(place, slot(account, Fact::Votes)) } else { U256::ZERO }
        };
        if let Ok(asked) = getPastVotesCall::abi_decode(&call.input) {
            let votes = votes_at(host, asked.account, asked.timepoint);
            return Outcome::Returned(votes.abi_encode().into());
        }
        if let Ok(asked) = getPastTotalSupplyCall::abi_decode(&call.input) {
            let votes = MEMBERS.map(|member| votes_at(host, member, asked.timepoint));
            let total: U256 = votes.into_iter().sum();
            return Outcome::Returned(total.abi_encode().into());
        }
        let Ok(noted) = noteVoteCall::abi_decode(&call.input) else {
            return Outcome::Reverted(Bytes::new());
        };
        assert_eq!(caller, GOVERNOR);
        host.store_of(place, slot(noted.account, Fact::LockedUntil), U256::from(noted.until))
            .unwrap();
        let sold = host.slot(place, slot(noted.account, Fact::Sold));
        let present = host.slot(place, slot(noted.account, Fact::Votes)) - sold;
        Outcome::Returned(present.abi_encode().into())
    });
}

fn join(host: &mut TestHost, account: Address, since: u64, stake: U256, work: u64) {
    for (place, votes) in [(STAKE_HOUSE, stake), (WORK_HOUSE, U256::from(work))] {
        for (fact, word) in [(Fact::Votes, votes), (Fact::Since, U256::from(since))] {
            host.within(place, |host| host.set_of(place, slot(account, fact), word)).unwrap();
        }
    }
}

/// Two members since long: together 100,000 GRAIN and 1,000 units of voice.
fn ledger() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.time = START;
    house(&mut host, STAKE_HOUSE);
    house(&mut host, WORK_HOUSE);
    host.deploy(BREAKERS, |_, _, _| Outcome::Returned(false.abi_encode().into()));
    join(&mut host, ALICE, 0, grain(60_000), 150);
    join(&mut host, BOB, 0, grain(40_000), 850);
    for member in MEMBERS {
        host.give(member, 3 * DEPOSIT);
    }
    // A smaller deposit than the first one, so that a test can pay it: a call has a value of 64 bits.
    let input = Governor::setProposalDepositCall { newProposalDeposit: U256::from(DEPOSIT) };
    host.transact(GOVERNOR, GOVERNOR, 0, &input.abi_encode()).unwrap();
    host
}

/// A proposal of one call.
#[derive(Clone)]
struct Posted {
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<Bytes>,
    description: String,
}

impl Posted {
    fn new(target: Address, value: u64, calldata: Vec<u8>) -> Self {
        Self {
            targets: vec![target],
            values: vec![U256::from(value)],
            calldatas: vec![calldata.into()],
            description: "Because".to_owned(),
        }
    }

    fn id(&self) -> U256 {
        let description = keccak256(&self.description);
        let lists = (&self.targets[..], &self.values[..], &self.calldatas[..], description);
        keccak256(lists.abi_encode_params()).into()
    }

    fn propose(&self, host: &mut TestHost, proposer: Address) -> Result<Vec<u8>, Failure> {
        let Self { targets, values, calldatas, description } = self.clone();
        let call = Governor::proposeCall { targets, values, calldatas, description };
        host.transact(GOVERNOR, proposer, DEPOSIT, &call.abi_encode())
    }

    fn queue(&self, host: &mut TestHost) -> Result<Vec<u8>, Failure> {
        let Self { targets, values, calldatas, description } = self.clone();
        let description_hash = keccak256(description);
        let call =
            Core::queueCall { targets, values, calldatas, descriptionHash: description_hash };
        host.transact(GOVERNOR, CAROL, 0, &call.abi_encode())
    }

    fn execute(&self, host: &mut TestHost) -> Result<Vec<u8>, Failure> {
        let Self { targets, values, calldatas, description } = self.clone();
        let description_hash = keccak256(description);
        let call =
            Core::executeCall { targets, values, calldatas, descriptionHash: description_hash };
        host.transact(GOVERNOR, CAROL, 0, &call.abi_encode())
    }

    fn cancel(&self, host: &mut TestHost, account: Address) -> Result<Vec<u8>, Failure> {
        let Self { targets, values, calldatas, description } = self.clone();
        let description_hash = keccak256(description);
        let call =
            Core::cancelCall { targets, values, calldatas, descriptionHash: description_hash };
        host.transact(GOVERNOR, account, 0, &call.abi_encode())
    }
}

fn vote(host: &mut TestHost, id: U256, voter: Address, support: u8) -> Result<Vec<u8>, Failure> {
    let call = Core::castVoteCall { proposalId: id, support };
    host.transact(GOVERNOR, voter, 0, &call.abi_encode())
}

fn settle(host: &mut TestHost, id: U256) -> Result<Vec<u8>, Failure> {
    let call = Governor::settleCall { proposalId: id };
    host.transact(GOVERNOR, CAROL, 0, &call.abi_encode())
}

fn ask<C: SolCall>(host: &mut TestHost, to: Address, call: &C) -> C::Return {
    let output = host.read(to, &call.abi_encode()).expect("a view answers");
    C::abi_decode_returns(&output).expect("the function's return type")
}

fn state(host: &mut TestHost, id: U256) -> u8 {
    ask(host, GOVERNOR, &Core::stateCall { proposalId: id })
}

fn deadline(host: &mut TestHost, id: U256) -> u64 {
    ask(host, GOVERNOR, &Core::proposalDeadlineCall { proposalId: id }).to()
}

fn decided(host: &mut TestHost, id: U256) -> u8 {
    ask(host, GOVERNOR, &Governor::decisionCall { proposalId: id }).decided
}

fn refused(result: Result<Vec<u8>, Failure>, error: &impl SolError) {
    assert_eq!(result.unwrap_err(), Failure::revert(error));
}

fn change_of(parameter: &governance::Parameter, value: u64) -> Posted {
    let call = Parameters::setCall { key: parameter.key().into(), value: U256::from(value) };
    Posted::new(PARAMETERS, 0, call.abi_encode())
}

/// Votes for a proposal with everything, and queues it.
fn pass(host: &mut TestHost, posted: &Posted) -> u64 {
    let id = posted.id();
    host.time = deadline(host, id) - DAY;
    for voter in [ALICE, BOB] {
        vote(host, id, voter, 1).unwrap();
    }
    host.time = deadline(host, id) + 1;
    posted.queue(host).unwrap();
    ask(host, GOVERNOR, &Core::proposalEtaCall { proposalId: id }).to()
}

#[test]
fn a_parameter_changes_when_both_houses_agree() {
    let mut host = ledger();
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    let class = ask(&mut host, GOVERNOR, &Governor::proposalClassCall { proposalId: id });
    assert_eq!(class, Class::Constitutional.number());
    assert_eq!(state(&mut host, id), 0);
    host.time += DAY;
    assert_eq!(state(&mut host, id), 0);
    host.time += 1;
    vote(&mut host, id, ALICE, 1).unwrap();
    assert_eq!(decided(&mut host, id), 5, "a house alone does not suffice");
    vote(&mut host, id, BOB, 1).unwrap();
    let of = |house| Governor::houseVotesCall { proposalId: id, house };
    assert_eq!(ask(&mut host, GOVERNOR, &of(0)).forVotes, grain(100_000));
    assert_eq!(ask(&mut host, GOVERNOR, &of(1)).forVotes, U256::from(1_000));
    // What voted is locked until a week after the earliest execution.
    let end = deadline(&mut host, id);
    let locked = host.slot(STAKE_HOUSE, slot(ALICE, Fact::LockedUntil));
    assert_eq!(locked, U256::from(end + 1 + (2 + 14 + 7) * DAY));
    host.time = end + 1;
    assert_eq!(state(&mut host, id), 4);
    let before = host.balance_of(ALICE);
    posted.queue(&mut host).unwrap();
    assert_eq!(host.balance_of(ALICE), before + U256::from(DEPOSIT), "the deposit is back");
    host.time += 16 * DAY;
    posted.execute(&mut host).unwrap();
    let value = Parameters::valueOfCall { key: BURN_SHARE.key().into() };
    assert_eq!(ask(&mut host, PARAMETERS, &value), U256::from(3_000));
    assert_eq!(state(&mut host, id), 7);
    assert_eq!(host.last_log().unwrap().1[0], Core::ProposalExecuted::SIGNATURE_HASH);
}

#[test]
fn a_routine_change_passes_by_itself_unless_a_tenth_objects() {
    let mut host = ledger();
    let posted = change_of(&AUDIT_RATE_FLOOR, 700);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    let mut objected = host.clone();
    host.time += 5 * DAY + 1;
    assert_eq!((state(&mut host, id), decided(&mut host, id)), (4, 0));
    posted.queue(&mut host).unwrap();
    host.time += 2 * DAY;
    posted.execute(&mut host).unwrap();
    let value = Parameters::valueOfCall { key: AUDIT_RATE_FLOOR.key().into() };
    assert_eq!(ask(&mut host, PARAMETERS, &value), U256::from(700));

    objected.time += 5 * DAY;
    vote(&mut objected, id, BOB, 0).unwrap();
    let contested = ask(&mut objected, GOVERNOR, &Governor::isContestedCall { proposalId: id });
    assert!(contested);
    assert_eq!(deadline(&mut objected, id), objected.time + 7 * DAY);
    objected.time += 7 * DAY + 1;
    assert_eq!(state(&mut objected, id), 3);
}

/// Voting with a later deposit: votes are those of seven days before the posting.
#[test]
fn what_is_deposited_for_a_vote_does_not_count_in_it() {
    let mut host = ledger();
    let posted = change_of(&BURN_SHARE, 3_000);
    join(&mut host, CAROL, START - 7 * DAY + 1, grain(1_000_000), 10_000);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    host.time += 2 * DAY;
    vote(&mut host, id, CAROL, 1).unwrap();
    let votes = ask(&mut host, GOVERNOR, &Core::proposalVotesCall { proposalId: id });
    assert_eq!(votes.forVotes, U256::ZERO);
    let of_work = Governor::houseVotesCall { proposalId: id, house: 1 };
    assert_eq!(ask(&mut host, GOVERNOR, &of_work).forVotes, U256::ZERO);
    // Nor can she post with it.
    let other = change_of(&BURN_SHARE, 4_000);
    let threshold = grain(1_000);
    let snapshot = Core::getVotesCall { account: CAROL, timepoint: U256::from(START - 7 * DAY) };
    let votes = ask(&mut host, GOVERNOR, &snapshot);
    host.time = START;
    let error = Core::GovernorInsufficientProposerVotes { proposer: CAROL, votes, threshold };
    refused(other.propose(&mut host, CAROL), &error);
}

/// Sold between snapshot and vote: only what is there and locked counts.
#[test]
fn what_was_sold_after_the_snapshot_does_not_vote() {
    let mut host = ledger();
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    host.time += 2 * DAY;
    let sold = slot(BOB, Fact::Sold);
    host.within(STAKE_HOUSE, |host| host.store(sold, grain(39_999))).unwrap();
    vote(&mut host, id, BOB, 1).unwrap();
    let votes = ask(&mut host, GOVERNOR, &Core::proposalVotesCall { proposalId: id });
    assert_eq!(votes.forVotes, grain(1));
}

/// While power is in few hands, ordinary proposals need what constitutional ones need.
#[test]
fn a_tripped_breaker_makes_ordinary_proposals_constitutional() {
    let mut host = ledger();
    host.deploy(BREAKERS, |_, _, _| Outcome::Returned(true.abi_encode().into()));
    for (posted, class) in [
        (Posted::new(TARGET, 0, Vec::new()), Class::Constitutional),
        (change_of(&AUDIT_RATE_FLOOR, 700), Class::Routine),
    ] {
        posted.propose(&mut host, ALICE).unwrap();
        let asked = Governor::proposalClassCall { proposalId: posted.id() };
        assert_eq!(ask(&mut host, GOVERNOR, &asked), class.number());
    }
}

#[test]
fn nobody_votes_twice() {
    let mut host = ledger();
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    host.time += 2 * DAY;
    vote(&mut host, posted.id(), ALICE, 1).unwrap();
    let before = host.state();
    let error = Core::GovernorAlreadyCastVote { voter: ALICE };
    refused(vote(&mut host, posted.id(), ALICE, 1), &error);
    assert_eq!(host.state(), before);
    let wrong = vote(&mut host, posted.id(), BOB, 3);
    refused(wrong, &Core::GovernorInvalidVoteType {});
}

#[test]
fn nothing_is_executed_before_the_timelock_and_the_brake() {
    let mut host = ledger();
    host.within(GRAIN_SUPPLY.0, |host| host.store(GRAIN_SUPPLY.1, grain(1_000))).unwrap();
    let posted = Posted::new(TARGET, 0, vec![1]);
    posted.propose(&mut host, ALICE).unwrap();
    let (id, eta) = (posted.id(), pass(&mut host, &posted));
    let until = |needed: u64| Core::GovernorUnmetDelay {
        proposalId: id,
        neededTimestamp: U256::from(needed),
    };
    host.time = eta - 1;
    refused(posted.execute(&mut host), &until(eta));
    // 1 % of the supply is locked against it.
    let lock = Brake::lockCall { proposal: id }.abi_encode();
    host.transact(BRAKE, CAROL, 2 * DEPOSIT, &lock).unwrap();
    host.time = eta + 5 * DAY - 1;
    refused(posted.execute(&mut host), &until(eta + 5 * DAY));
    let delay = ask(&mut host, GOVERNOR, &Governor::brakeDelayCall { proposalId: id });
    assert_eq!(delay, U256::from(5 * DAY));
    host.time += 1;
    posted.execute(&mut host).unwrap();
    let again = Core::GovernorUnexpectedProposalState {
        proposalId: id,
        current: 7,
        expectedStates: U256::from(16 + 32).into(),
    };
    refused(posted.execute(&mut host), &again);
}

/// Quorum sniping: the last second's votes move the end.
#[test]
fn a_late_yes_can_be_answered() {
    let mut host = ledger();
    let posted = Posted::new(TARGET, 0, Vec::new());
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    let end = deadline(&mut host, id);
    host.time = end;
    vote(&mut host, id, ALICE, 1).unwrap();
    assert_eq!(deadline(&mut host, id), end, "it does not pass yet");
    join(&mut host, CAROL, 0, grain(70_000), 700);
    vote(&mut host, id, CAROL, 1).unwrap();
    assert_eq!(deadline(&mut host, id), end + 2 * DAY);
    host.time = end + DAY;
    vote(&mut host, id, BOB, 0).unwrap();
}

#[test]
fn spam_is_bounded_and_costs_its_deposit() {
    let mut host = ledger();
    let posted: Vec<Posted> = (0..5_u8).map(|it| Posted::new(TARGET, 0, vec![it])).collect();
    host.give(ALICE, 2 * DEPOSIT);
    for posted in &posted[..4] {
        posted.propose(&mut host, ALICE).unwrap();
    }
    let error = Governor::TooManyOpenProposals { count: U256::from(4) };
    refused(posted[4].propose(&mut host, ALICE), &error);
    posted[4].propose(&mut host, BOB).unwrap();
    let id = posted[0].id();
    let early = Core::GovernorUnexpectedProposalState {
        proposalId: id,
        current: 0,
        expectedStates: U256::from(4 + 8 + 16 + 32 + 128).into(),
    };
    refused(settle(&mut host, id), &early);
    host.time = deadline(&mut host, id) + 1;
    let (alice, held) = (host.balance_of(ALICE), host.balance_of(GOVERNOR));
    settle(&mut host, id).unwrap();
    assert_eq!(host.balance_of(ALICE), alice);
    assert_eq!(host.balance_of(GOVERNOR), held - U256::from(DEPOSIT), "it is burnt");
    refused(settle(&mut host, id), &Governor::AlreadySettled { proposalId: id });
    assert_eq!(ask(&mut host, GOVERNOR, &Governor::openProposalsCall {}), U256::from(4));
    let count = ask(&mut host, GOVERNOR, &Governor::proposalCountCall {});
    assert_eq!(count, U256::from(5));
    let first = Governor::proposalAtCall { index: U256::ZERO };
    assert_eq!(ask(&mut host, GOVERNOR, &first), id);
    // The place is free again.
    Posted::new(TARGET, 0, vec![9]).propose(&mut host, ALICE).unwrap();
}

#[test]
fn who_withdraws_before_the_vote_gets_the_deposit_back() {
    let mut host = ledger();
    let before = host.balance_of(ALICE);
    let posted = Posted::new(TARGET, 0, Vec::new());
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    let stranger = Core::GovernorUnableToCancel { proposalId: id, account: BOB };
    refused(posted.cancel(&mut host, BOB), &stranger);
    posted.cancel(&mut host, ALICE).unwrap();
    assert_eq!(host.balance_of(ALICE), before);
    assert_eq!(state(&mut host, id), 2);
    let again = Core::GovernorUnexpectedProposalState {
        proposalId: id,
        current: 2,
        expectedStates: U256::ZERO.into(),
    };
    refused(posted.propose(&mut host, ALICE), &again);
}

#[test]
fn a_proposal_cannot_spend_deposits() {
    let mut host = ledger();
    host.give(GOVERNOR, 1_000);
    let greedy = Posted::new(TARGET, 1_001, Vec::new());
    greedy.propose(&mut host, ALICE).unwrap();
    let eta = pass(&mut host, &greedy);
    Posted::new(TARGET, 0, vec![1]).propose(&mut host, BOB).unwrap();
    host.time = eta;
    let held = U256::from(DEPOSIT);
    let error = Governor::DepositsMustStay { held, balance: held - U256::ONE };
    refused(greedy.execute(&mut host), &error);
    host.give(GOVERNOR, 1);
    greedy.execute(&mut host).unwrap();
    assert_eq!(host.balance_of(TARGET), U256::from(1_001));
}

#[test]
fn the_class_is_that_of_the_strictest_call() {
    let mut host = ledger();
    let routine = change_of(&AUDIT_RATE_FLOOR, 700).calldatas[0].clone();
    let burn = change_of(&BURN_SHARE, 3_000).calldatas[0].clone();
    let unknown: Bytes =
        Parameters::setCall { key: keccak256("x"), value: U256::ONE }.abi_encode().into();
    let beyond = keccak256("grantBeyondBudget(address,address,uint256)")[..4].to_vec();
    let mut check = |calls: &[(Address, Bytes)], expected: Class| {
        let (targets, calldatas) = calls.iter().cloned().unzip();
        let call = Governor::classOfCall { targets, calldatas };
        assert_eq!(ask(&mut host, GOVERNOR, &call), expected.number(), "{calls:?}");
    };
    let any = (TARGET, Bytes::new());
    check(&[(PARAMETERS, routine.clone())], Class::Routine);
    check(&[(PARAMETERS, routine.clone()), any.clone()], Class::Ordinary);
    check(&[(PARAMETERS, routine), (PARAMETERS, burn)], Class::Constitutional);
    check(&[(PARAMETERS, unknown)], Class::Constitutional);
    check(&[(TREASURY, Bytes::from_static(&[1, 2, 3, 4]))], Class::Ordinary);
    check(&[(TREASURY, beyond.into())], Class::Constitutional);
    for house in [GOVERNOR, STAKE_HOUSE, WORK_HOUSE, BRAKE, REFEREES, REVISIONS] {
        check(&[any.clone(), (house, Bytes::new())], Class::Constitutional);
    }
}

#[test]
fn what_a_later_revision_makes_constitutional_is_not_executed_by_an_ordinary_vote() {
    let mut host = ledger();
    let (revision, height) = (5, host.height + 50_000);
    let calldata = Revisions::scheduleCall { revision, height }.abi_encode();
    let posted = Posted::new(REVISIONS, 0, calldata);
    // Before the module exists, its address is like any other.
    host.revision = 3;
    posted.propose(&mut host, ALICE).unwrap();
    let class = Governor::proposalClassCall { proposalId: posted.id() };
    assert_eq!(ask(&mut host, GOVERNOR, &class), Class::Ordinary.number());
    host.time = pass(&mut host, &posted);
    // By the rules before, it would be executed: nothing changes for their blocks.
    posted.execute(&mut host.clone()).unwrap();
    host.revision = 4;
    let error = Governor::ClassTooLow {
        proposalId: posted.id(),
        class: Class::Ordinary.number(),
        required: Class::Constitutional.number(),
    };
    refused(posted.execute(&mut host), &error);
    assert!(ask(&mut host, REVISIONS, &Revisions::allCall {}).is_empty());
    // Posted again it is decided as what it is.
    let again = Posted { description: "Again".to_owned(), ..posted };
    again.propose(&mut host, ALICE).unwrap();
    let class = Governor::proposalClassCall { proposalId: again.id() };
    assert_eq!(ask(&mut host, GOVERNOR, &class), Class::Constitutional.number());
    host.time = pass(&mut host, &again);
    again.execute(&mut host).unwrap();
    let all = ask(&mut host, REVISIONS, &Revisions::allCall {});
    assert_eq!(all, [Revisions::Activation { revision, height }]);
}

#[test]
fn settings_change_by_a_constitutional_proposal_only_and_within_bands() {
    let mut host = ledger();
    let short = Core::setVotingPeriodCall { newVotingPeriod: 3 * 86_400 }.abi_encode();
    let by_alice = host.transact(GOVERNOR, ALICE, 0, &short);
    refused(by_alice, &Core::GovernorOnlyExecutor { account: ALICE });
    let posted = Posted::new(GOVERNOR, 0, short);
    posted.propose(&mut host, ALICE).unwrap();
    let eta = pass(&mut host, &posted);
    assert_eq!(eta, host.time + 16 * DAY);
    host.time = eta;
    posted.execute(&mut host).unwrap();
    let period = ask(&mut host, GOVERNOR, &Core::votingPeriodCall {});
    assert_eq!(period, U256::from(3 * DAY));
    // The others are as before.
    let delay = ask(&mut host, GOVERNOR, &Core::votingDelayCall {});
    let threshold = ask(&mut host, GOVERNOR, &Core::proposalThresholdCall {});
    assert_eq!((delay, threshold), (U256::from(DAY), grain(1_000)));
    let never = Core::setVotingDelayCall { newVotingDelay: U48::MAX }.abi_encode();
    let error = Governor::SettingOutOfBand {
        value: U256::from(U48::MAX),
        least: U256::ZERO,
        most: U256::from(7 * DAY),
    };
    refused(host.transact(GOVERNOR, GOVERNOR, 0, &never), &error);
}

#[test]
fn a_proposal_is_bounded_and_comes_with_its_deposit() {
    let mut host = ledger();
    let mut long = Posted::new(TARGET, 0, Vec::new());
    long.targets = vec![TARGET; 33];
    long.values = vec![U256::ZERO; 33];
    long.calldatas = vec![Bytes::new(); 33];
    let (count, max) = (U256::from(33), U256::from(32));
    refused(long.propose(&mut host, ALICE), &Governor::TooManyCalls { count, max });
    let mut wordy = Posted::new(TARGET, 0, Vec::new());
    wordy.description = "x".repeat(16_385);
    let (size, max) = (U256::from(16_385), U256::from(16_384));
    refused(wordy.propose(&mut host, ALICE), &Governor::DescriptionTooLong { size, max });
    let Posted { targets, values, calldatas, description } = Posted::new(TARGET, 0, vec![1]);
    let call = Governor::proposeCall { targets, values, calldatas, description }.abi_encode();
    let cheap = host.transact(GOVERNOR, ALICE, DEPOSIT - 1, &call);
    let (value, deposit) = (U256::from(DEPOSIT - 1), U256::from(DEPOSIT));
    refused(cheap, &Governor::WrongDeposit { value, deposit });
    let mut others = Posted::new(TARGET, 0, Vec::new());
    others.description = format!("Mine #proposer={BOB}");
    let error = Core::GovernorRestrictedProposer { proposer: ALICE };
    refused(others.propose(&mut host, ALICE), &error);
    others.propose(&mut host, BOB).unwrap();
}

#[test]
fn the_quorum_follows_what_usually_votes() {
    let mut host = ledger();
    let posted = Posted::new(TARGET, 0, Vec::new());
    posted.propose(&mut host, ALICE).unwrap();
    let of = |id| Governor::electorateCall { proposalId: id };
    let first = ask(&mut host, GOVERNOR, &of(posted.id())).stakeQuorum;
    assert_eq!(first, grain(4_000));
    pass(&mut host, &posted);
    assert_eq!(ask(&mut host, GOVERNOR, &Governor::activeAverageCall {}), grain(100_000));
    let next = Posted::new(TARGET, 0, vec![2]);
    next.propose(&mut host, ALICE).unwrap();
    let second = ask(&mut host, GOVERNOR, &of(next.id())).stakeQuorum;
    assert_eq!(second, grain(50_000));
    // Proposals on which nobody votes do not lower it.
    host.time = deadline(&mut host, next.id()) + 1;
    settle(&mut host, next.id()).unwrap();
    assert_eq!(ask(&mut host, GOVERNOR, &Governor::activeAverageCall {}), grain(100_000));
    let missed = ask(&mut host, GOVERNOR, &Governor::missedTurnoutsCall {});
    assert_eq!((missed.stake, missed.work), (1, 1));
}

/// Answers as the juries: a case has a jury once it is summoned, and the verdict that stands in slot 1.
fn juries(host: &mut TestHost) {
    host.deploy(JURIES, |host, caller, call| {
        if Juries::summonCall::abi_decode(&call.input).is_ok() {
            assert_eq!(caller, GOVERNOR);
            host.store_of(JURIES, U256::ZERO, U256::ONE).unwrap();
            return Outcome::Returned(Bytes::new());
        }
        let verdict = match host.slot(JURIES, U256::ONE).to::<u8>() {
            0 => Juries::Verdict::Open,
            1 => Juries::Verdict::Yes,
            2 => Juries::Verdict::No,
            _ => Juries::Verdict::Absent,
        };
        let panel = Juries::Panel {
            height: host.slot(JURIES, U256::ZERO).to(),
            seatsDrawn: 0,
            drawnAt: 0,
            commitsUntil: 0,
            showsUntil: 0,
            yes: 0,
            no: 0,
            verdict,
        };
        Outcome::Returned(panel.abi_encode().into())
    });
}

fn summon(host: &mut TestHost, id: U256) -> Result<Vec<u8>, Failure> {
    host.transact(GOVERNOR, CAROL, 0, &Governor::summonJuryCall { proposalId: id }.abi_encode())
}

/// Posts a proposal that only the stake house votes on, and returns it when its vote is over.
fn voted_by_stake_only(host: &mut TestHost, description: &str) -> Posted {
    let posted =
        Posted { description: description.to_owned(), ..Posted::new(TARGET, 0, Vec::new()) };
    posted.propose(host, ALICE).unwrap();
    host.time += 2 * DAY;
    vote(host, posted.id(), ALICE, 1).unwrap();
    host.time = deadline(host, posted.id()) + 1;
    posted
}

#[test]
fn a_jury_decides_for_a_house_that_missed_its_turnout_twice() {
    for (verdict, expected) in [(0, 0), (1, 4), (2, 3), (3, 3)] {
        let mut host = ledger();
        juries(&mut host);
        let first = voted_by_stake_only(&mut host, "first");
        assert_eq!((state(&mut host, first.id()), decided(&mut host, first.id())), (3, 5));
        summon(&mut host, first.id()).unwrap_err();
        settle(&mut host, first.id()).unwrap();
        let second = voted_by_stake_only(&mut host, "second");
        let id = second.id();
        assert_eq!((state(&mut host, id), decided(&mut host, id)), (0, 7));
        second.queue(&mut host).unwrap_err();
        summon(&mut host, id).unwrap();
        summon(&mut host, id).unwrap_err();
        // It waits for the jury, however long that takes.
        host.time += 10 * DAY;
        assert_eq!(state(&mut host, id), 0);
        let verdict = U256::from(verdict);
        host.within(JURIES, |host| host.set_of(JURIES, U256::ONE, verdict)).unwrap();
        assert_eq!(state(&mut host, id), expected);
        assert_eq!(second.queue(&mut host).is_ok(), expected == 4);
    }
}

#[test]
fn without_a_jury_a_house_that_does_not_vote_still_defeats() {
    let mut host = ledger();
    juries(&mut host);
    let first = voted_by_stake_only(&mut host, "first");
    settle(&mut host, first.id()).unwrap();
    let second = voted_by_stake_only(&mut host, "second");
    host.time += 3 * DAY;
    assert_eq!(state(&mut host, second.id()), 3);
    summon(&mut host, second.id()).unwrap_err();
}
