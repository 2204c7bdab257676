//! The Governor with the modules that it asks: houses, juries, breakers, brake.

use abi::{ISSUANCE, StakeHouse, Votes, WorkHouse};
use alloy_primitives::B256;

use super::*;

/// 12 and 8 GRAIN: a call has a value of 64 bits.
const STAKES: [(Address, u64); 2] =
    [(ALICE, 12_000_000_000_000_000_000), (BOB, 8_000_000_000_000_000_000)];

/// A ledger on which two accounts have deposited and worked, long ago.
fn ledger() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.time = START;
    host.within(GRAIN_SUPPLY.0, |host| host.store(GRAIN_SUPPLY.1, grain(1_000_000))).unwrap();
    for (account, stake) in STAKES {
        for _ in 0..3 {
            host.give(account, stake);
        }
        host.transact(STAKE_HOUSE, account, stake, &StakeHouse::depositCall {}.abi_encode())
            .unwrap();
        let mint = WorkHouse::mintCall { account, work: U256::from(1_u64 << 40) };
        host.transact(WORK_HOUSE, ISSUANCE, 0, &mint.abi_encode()).unwrap();
    }
    let input = Governor::setProposalDepositCall { newProposalDeposit: U256::from(DEPOSIT) };
    host.transact(GOVERNOR, GOVERNOR, 0, &input.abi_encode()).unwrap();
    host.time += 31 * DAY;
    for (account, _) in STAKES {
        let call = WorkHouse::matureCall { account }.abi_encode();
        host.transact(WORK_HOUSE, CAROL, 0, &call).unwrap();
    }
    host.time += 8 * DAY;
    host
}

fn withdraw(host: &mut TestHost, account: Address, amount: u64) -> Result<Vec<u8>, Failure> {
    let call = StakeHouse::withdrawCall { amount: U256::from(amount) };
    host.transact(STAKE_HOUSE, account, 0, &call.abi_encode())
}

#[test]
fn deposits_and_work_decide_and_are_locked() {
    let mut host = ledger();
    // BOB lets ALICE vote for his stake, as of now: at the snapshot he had it himself.
    let call = Votes::delegateCall { delegatee: ALICE }.abi_encode();
    host.transact(STAKE_HOUSE, BOB, 0, &call).unwrap();
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    let electorate = ask(&mut host, GOVERNOR, &Governor::electorateCall { proposalId: id });
    assert_eq!(electorate.stakeTotal, grain(20));
    let voice = ask(&mut host, WORK_HOUSE, &Votes::getVotesCall { account: ALICE });
    assert!(!voice.is_zero() && electorate.workTotal >= voice);
    host.time += 2 * DAY;
    vote(&mut host, id, ALICE, 1).unwrap();
    let votes = ask(&mut host, GOVERNOR, &Core::proposalVotesCall { proposalId: id });
    assert_eq!(votes.forVotes, grain(12), "her own at the snapshot");
    // What backs the vote of a delegate is locked, too.
    for (account, stake) in STAKES {
        let refused = withdraw(&mut host, account, stake).unwrap_err();
        let until = ask(&mut host, STAKE_HOUSE, &StakeHouse::lockedUntilCall { account });
        assert_eq!(refused, Failure::revert(&StakeHouse::DepositLocked { account, until }));
    }
    let own = Votes::delegateCall { delegatee: BOB }.abi_encode();
    host.transact(STAKE_HOUSE, BOB, 0, &own).unwrap();
    vote(&mut host, id, BOB, 1).unwrap();
    let votes = ask(&mut host, GOVERNOR, &Core::proposalVotesCall { proposalId: id });
    assert_eq!(votes.forVotes, grain(20));
    let of_work = Governor::houseVotesCall { proposalId: id, house: 1 };
    // Each account's voice is rounded down on its own.
    let voice = ask(&mut host, GOVERNOR, &of_work).forVotes;
    assert!(voice <= electorate.workTotal && electorate.workTotal - voice <= U256::ONE);
    host.time = deadline(&mut host, id) + 1;
    posted.queue(&mut host).unwrap();
    host.time += 16 * DAY;
    posted.execute(&mut host).unwrap();
    let value = Parameters::valueOfCall { key: BURN_SHARE.key().into() };
    assert_eq!(ask(&mut host, PARAMETERS, &value), U256::from(3_000));
    // Seven days after the earliest execution everybody is free again.
    withdraw(&mut host, ALICE, STAKES[0].1).unwrap_err();
    host.time += 9 * DAY;
    withdraw(&mut host, ALICE, STAKES[0].1).unwrap();
}

/// Vote, then sell; and sell, then vote.
#[test]
fn what_was_withdrawn_since_the_snapshot_does_not_vote() {
    let mut host = ledger();
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    host.time += 2 * DAY;
    withdraw(&mut host, BOB, STAKES[1].1 / 2).unwrap();
    vote(&mut host, posted.id(), BOB, 0).unwrap();
    let votes = ask(&mut host, GOVERNOR, &Core::proposalVotesCall { proposalId: posted.id() });
    assert_eq!(votes.againstVotes, grain(4));
    withdraw(&mut host, BOB, 1).unwrap_err();
}

#[test]
fn sealed_weights_are_locked_in_the_houses_at_once() {
    let mut host = ledger();
    let call = Governor::setBallotKeyHoldersCall { holders: vec![ALICE, BOB], threshold: 2 };
    host.transact(GOVERNOR, GOVERNOR, 0, &call.abi_encode()).unwrap();
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    for (number, holder) in [(1, ALICE), (2, BOB)] {
        let public = x25519_dalek::x25519([number; 32], x25519_dalek::X25519_BASEPOINT_BYTES);
        let call = Governor::postBallotKeyCall { proposalId: id, publicKey: public.into() };
        host.transact(GOVERNOR, holder, 0, &call.abi_encode()).unwrap();
    }
    host.time += 2 * DAY;
    let salt = B256::repeat_byte(7);
    let commitment = keccak256((id, ALICE, U256::ONE, salt).abi_encode());
    let call = Governor::sealVoteCall { proposalId: id, commitment, ciphertext: Bytes::new() };
    host.transact(GOVERNOR, ALICE, 0, &call.abi_encode()).unwrap();
    withdraw(&mut host, ALICE, 1).unwrap_err();
    // Who sold since the snapshot has no weight, and delays nobody's opening.
    withdraw(&mut host, BOB, STAKES[1].1).unwrap();
    host.time = deadline(&mut host, id) + 1;
    let vote = Governor::OpenedVote { voter: ALICE, support: 1, salt };
    let call = Governor::openVotesCall { proposalId: id, votes: vec![vote] };
    host.transact(GOVERNOR, CAROL, 0, &call.abi_encode()).unwrap();
    let of_work = Governor::houseVotesCall { proposalId: id, house: 1 };
    let voice = ask(&mut host, GOVERNOR, &of_work).forVotes;
    let votes = ask(&mut host, GOVERNOR, &Core::proposalVotesCall { proposalId: id });
    assert!(votes.forVotes == grain(12) && !voice.is_zero());
}

/// A house that sleeps twice is replaced by a jury that is really drawn.
#[test]
fn a_drawn_jury_stands_for_a_house_that_sleeps() {
    let mut host = ledger();
    let stake = Juries::Stratum::Stake;
    let send = |host: &mut TestHost, from, call: Vec<u8>| host.transact(JURIES, from, 0, &call);
    send(&mut host, ALICE, Juries::registerCall { stratum: stake }.abi_encode()).unwrap();
    host.time += 30 * DAY;
    let admit = Juries::admitCall { stratum: stake, account: ALICE };
    send(&mut host, CAROL, admit.abi_encode()).unwrap();
    let silent = |host: &mut TestHost, description: &str| {
        let posted =
            Posted { description: description.to_owned(), ..Posted::new(TARGET, 0, Vec::new()) };
        posted.propose(host, BOB).unwrap();
        host.time = deadline(host, posted.id()) + 1;
        posted
    };
    let first = silent(&mut host, "first");
    assert_eq!(decided(&mut host, first.id()), 4);
    settle(&mut host, first.id()).unwrap();
    let missed = ask(&mut host, GOVERNOR, &Governor::missedTurnoutsCall {});
    assert_eq!((missed.stake, missed.work), (1, 1));
    // BOB has sold his stake since the snapshot: his voice is there, and nobody of the stake house.
    let second = Posted { description: "second".to_owned(), ..Posted::new(TARGET, 0, Vec::new()) };
    second.propose(&mut host, BOB).unwrap();
    let id = second.id();
    host.time += 2 * DAY;
    withdraw(&mut host, BOB, STAKES[1].1).unwrap();
    vote(&mut host, id, BOB, 1).unwrap();
    host.time = deadline(&mut host, id) + 1;
    assert_eq!((state(&mut host, id), decided(&mut host, id)), (0, 6));
    summon(&mut host, id).unwrap();
    host.height += 1;
    for _ in 0..3 {
        send(&mut host, CAROL, Juries::drawCall { id }.abi_encode()).unwrap();
    }
    let salt = B256::repeat_byte(9);
    let commitment = keccak256((id, ALICE, true, salt).abi_encode());
    send(&mut host, ALICE, Juries::commitCall { id, commitment }.abi_encode()).unwrap();
    host.time += 3 * DAY + 1;
    send(&mut host, ALICE, Juries::showCall { id, isYes: true, salt }.abi_encode()).unwrap();
    assert_eq!(state(&mut host, id), 0);
    host.time += 2 * DAY + 1;
    assert_eq!((state(&mut host, id), decided(&mut host, id)), (4, 1));
    second.queue(&mut host).unwrap();
}
