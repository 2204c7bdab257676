//! Sealed ballots, and what attacks on them come to.

use alloy_primitives::{B256, FixedBytes};

use super::*;

const OPENING: u64 = 2 * DAY;
const HOLDERS: [Address; 3] =
    [Address::repeat_byte(0x31), Address::repeat_byte(0x32), Address::repeat_byte(0x33)];

fn secret(holder: usize) -> B256 {
    B256::repeat_byte(0x50 + u8::try_from(holder).unwrap())
}

fn public(holder: usize) -> B256 {
    x25519_dalek::x25519(secret(holder).0, x25519_dalek::X25519_BASEPOINT_BYTES).into()
}

fn send(host: &mut TestHost, from: Address, call: &impl SolCall) -> Result<Vec<u8>, Failure> {
    host.transact(GOVERNOR, from, 0, &call.abi_encode())
}

fn name_holders(host: &mut TestHost, holders: &[Address]) {
    let call = Governor::setBallotKeyHoldersCall { holders: holders.to_vec(), threshold: 2 };
    send(host, GOVERNOR, &call).unwrap();
}

fn post_key(host: &mut TestHost, id: U256, holder: usize) -> Result<Vec<u8>, Failure> {
    let call = Governor::postBallotKeyCall { proposalId: id, publicKey: public(holder) };
    send(host, HOLDERS[holder], &call)
}

fn publish(host: &mut TestHost, id: U256, holder: usize) -> Result<Vec<u8>, Failure> {
    let call = Governor::publishBallotKeyCall {
        proposalId: id,
        holder: HOLDERS[holder],
        secretKey: secret(holder),
    };
    send(host, CAROL, &call)
}

fn salt(voter: Address) -> B256 {
    keccak256(voter)
}

fn commitment(id: U256, voter: Address, support: u8) -> B256 {
    keccak256((id, voter, U256::from(support), salt(voter)).abi_encode())
}

fn seal(host: &mut TestHost, id: U256, voter: Address, support: u8) -> Result<Vec<u8>, Failure> {
    let commitment = commitment(id, voter, support);
    let ciphertext = Bytes::from_static(&[7; 300]);
    send(host, voter, &Governor::sealVoteCall { proposalId: id, commitment, ciphertext })
}

fn open(host: &mut TestHost, id: U256, votes: &[(Address, u8)]) -> Result<U256, Failure> {
    let opened = |(voter, support): &(Address, u8)| Governor::OpenedVote {
        voter: *voter,
        support: *support,
        salt: salt(*voter),
    };
    let votes = votes.iter().map(opened).collect();
    let output = send(host, CAROL, &Governor::openVotesCall { proposalId: id, votes })?;
    Ok(Governor::openVotesCall::abi_decode_returns(&output).unwrap())
}

fn sealed_ballots(host: &mut TestHost, id: U256) -> Governor::SealedBallots {
    ask(host, GOVERNOR, &Governor::sealedBallotsCall { proposalId: id })
}

fn votes_for(host: &mut TestHost, id: U256) -> U256 {
    ask(host, GOVERNOR, &Core::proposalVotesCall { proposalId: id }).forVotes
}

/// A proposal whose vote goes on, with sealed ballots and the keys of three holders.
fn sealed_vote() -> (TestHost, Posted) {
    let mut host = ledger();
    name_holders(&mut host, &HOLDERS);
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    for holder in 0..3 {
        post_key(&mut host, posted.id(), holder).unwrap();
    }
    host.time += 2 * DAY;
    (host, posted)
}

#[test]
fn nothing_is_known_before_the_close_and_everything_after_the_opening() {
    let (mut host, posted) = sealed_vote();
    let id = posted.id();
    refused(vote(&mut host, id, ALICE, 1), &Governor::BallotsAreSealed { proposalId: id });
    for (voter, support) in [(ALICE, 1), (BOB, 1)] {
        seal(&mut host, id, voter, support).unwrap();
        let noted = host.slot(STAKE_HOUSE, slot(voter, Fact::LockedUntil));
        let latest = host.time + 7 * DAY;
        assert_eq!(noted, U256::from(latest + OPENING + (2 + 14 + 7) * DAY), "locked at once");
    }
    refused(seal(&mut host, id, ALICE, 0), &Core::GovernorAlreadyCastVote { voter: ALICE });
    assert_eq!((votes_for(&mut host, id), decided(&mut host, id)), (U256::ZERO, 12));
    let facts = sealed_ballots(&mut host, id);
    assert!(facts.isSealed);
    assert_eq!((facts.keys, facts.ballots, facts.stakeWeight), (3, 2, grain(100_000)));
    let until = deadline(&mut host, id);
    host.time = until;
    refused(publish(&mut host, id, 0), &Governor::VoteGoesOn { until });
    assert_eq!(open(&mut host, id, &[]), Ok(U256::ZERO), "there is nothing in it");
    let early = open(&mut host, id, &[(ALICE, 1)]).map(|_| Vec::new());
    refused(early, &Governor::VoteGoesOn { until });
    host.time += 1;
    assert_eq!(state(&mut host, id), 1, "it is active until it is open");
    refused(seal(&mut host, id, CAROL, 0), &Governor::VoteIsOver { end: until });
    posted.queue(&mut host).unwrap_err();
    for holder in 0..3 {
        publish(&mut host, id, holder).unwrap();
    }
    let keys = Governor::ballotKeyOfCall { proposalId: id, holder: HOLDERS[1] };
    assert_eq!(ask(&mut host, GOVERNOR, &keys).secretKey, secret(1));
    assert_eq!(open(&mut host, id, &[(ALICE, 1), (BOB, 1)]), Ok(U256::from(2)));
    assert_eq!((votes_for(&mut host, id), decided(&mut host, id)), (grain(100_000), 1));
    assert_eq!(state(&mut host, id), 4, "all is open: nothing is waited for");
    let gone = Governor::sealedVoteOfCall { proposalId: id, voter: ALICE };
    assert_eq!(ask(&mut host, GOVERNOR, &gone).commitment, FixedBytes::ZERO);
    posted.queue(&mut host).unwrap();
}

#[test]
fn a_ballot_that_is_opened_is_cast_as_an_open_one_would_have_been() {
    let (mut host, posted) = sealed_vote();
    seal(&mut host, posted.id(), ALICE, 2).unwrap();
    host.time = deadline(&mut host, posted.id()) + 1;
    open(&mut host, posted.id(), &[(ALICE, 2)]).unwrap();
    let logs = host.state().logs;
    let event = |hash| logs.iter().any(|log| log.1.first() == Some(&hash));
    assert!(event(Core::VoteCast::SIGNATURE_HASH));
    assert!(event(Governor::VoteCastInHouses::SIGNATURE_HASH));
    let average = ask(&mut host, GOVERNOR, &Governor::activeAverageCall {});
    assert_eq!(average, grain(60_000));
}

/// Ballot-key withholding: who voted opens its own ballot, and who withheld is barred until it is named again.
#[test]
fn holders_who_withhold_their_keys_stop_nothing_and_are_barred() {
    let (mut host, posted) = sealed_vote();
    let id = posted.id();
    seal(&mut host, id, ALICE, 1).unwrap();
    seal(&mut host, id, BOB, 1).unwrap();
    let end = deadline(&mut host, id);
    host.time = end + 1;
    publish(&mut host, id, 2).unwrap();
    open(&mut host, id, &[(ALICE, 1)]).unwrap();
    open(&mut host, id, &[(BOB, 1)]).unwrap();
    host.time = end + OPENING;
    assert_eq!(state(&mut host, id), 1);
    host.time += 1;
    posted.queue(&mut host).unwrap();
    assert_eq!(state(&mut host, id), 5);
    let withheld: Vec<B256> = host
        .state()
        .logs
        .iter()
        .filter(|log| log.1[0] == Governor::BallotKeyWithheld::SIGNATURE_HASH)
        .map(|log| log.1[2])
        .collect();
    assert_eq!(withheld, [HOLDERS[0].into_word(), HOLDERS[1].into_word()]);
    let barred = |host: &mut TestHost| {
        HOLDERS.map(|holder| ask(host, GOVERNOR, &Governor::isBarredHolderCall { holder }))
    };
    assert_eq!(barred(&mut host), [true, true, false]);
    let next = Posted::new(TARGET, 0, vec![1]);
    next.propose(&mut host, ALICE).unwrap();
    let error = Governor::KeyHolderBarred { account: HOLDERS[0] };
    refused(post_key(&mut host, next.id(), 0), &error);
    post_key(&mut host, next.id(), 2).unwrap();
    // One key is too few: ballots are open, and the vote goes on.
    host.time += 2 * DAY;
    vote(&mut host, next.id(), ALICE, 1).unwrap();
    let error = Governor::BallotsAreOpen { proposalId: next.id() };
    refused(seal(&mut host, next.id(), BOB, 1), &error);
    // A vote names one of them again.
    name_holders(&mut host, &[HOLDERS[0], HOLDERS[2]]);
    assert!(!barred(&mut host)[0]);
    let third = Posted::new(TARGET, 0, vec![2]);
    third.propose(&mut host, ALICE).unwrap();
    post_key(&mut host, third.id(), 0).unwrap();
    let error = Governor::NoKeyHolder { account: HOLDERS[1] };
    refused(post_key(&mut host, third.id(), 1), &error);
}

/// Copying a ballot: the commitment names its voter, so a copy can't be opened.
#[test]
fn a_ballot_that_was_copied_cannot_be_opened() {
    let (mut host, posted) = sealed_vote();
    let id = posted.id();
    seal(&mut host, id, ALICE, 1).unwrap();
    let copied = commitment(id, ALICE, 1);
    let ciphertext = Bytes::from_static(&[7; 300]);
    let copy = Governor::sealVoteCall { proposalId: id, commitment: copied, ciphertext };
    send(&mut host, BOB, &copy).unwrap();
    host.time = deadline(&mut host, id) + 1;
    let call = Governor::openVotesCall {
        proposalId: id,
        votes: vec![Governor::OpenedVote { voter: BOB, support: 1, salt: salt(ALICE) }],
    };
    let before = host.state();
    refused(send(&mut host, CAROL, &call), &Governor::OtherBallot { voter: BOB });
    assert_eq!(host.state(), before);
    open(&mut host, id, &[(ALICE, 1)]).unwrap();
    assert_eq!(votes_for(&mut host, id), grain(60_000));
}

#[test]
fn a_ballot_opens_as_it_was_sealed_and_counts_once() {
    let (mut host, posted) = sealed_vote();
    let id = posted.id();
    seal(&mut host, id, ALICE, 0).unwrap();
    seal(&mut host, id, BOB, 1).unwrap();
    host.time = deadline(&mut host, id) + 1;
    let other = open(&mut host, id, &[(ALICE, 1)]).map(|_| Vec::new());
    refused(other, &Governor::OtherBallot { voter: ALICE });
    let stranger = open(&mut host, id, &[(CAROL, 1)]).map(|_| Vec::new());
    refused(stranger, &Governor::OtherBallot { voter: CAROL });
    let invalid = open(&mut host, id, &[(ALICE, 3)]).map(|_| Vec::new());
    refused(invalid, &Core::GovernorInvalidVoteType {});
    assert_eq!(open(&mut host, id, &[(BOB, 1), (BOB, 1)]), Ok(U256::ONE));
    assert_eq!(open(&mut host, id, &[(BOB, 1), (ALICE, 0)]), Ok(U256::ONE));
    assert_eq!(votes_for(&mut host, id), grain(40_000));
    let facts = sealed_ballots(&mut host, id);
    assert_eq!((facts.ballots, facts.opened), (2, 2));
}

#[test]
fn what_is_not_open_at_the_end_was_not_cast() {
    let (mut host, posted) = sealed_vote();
    let id = posted.id();
    seal(&mut host, id, ALICE, 1).unwrap();
    seal(&mut host, id, BOB, 1).unwrap();
    host.time = deadline(&mut host, id) + 1;
    open(&mut host, id, &[(ALICE, 1)]).unwrap();
    host.time = deadline(&mut host, id) + OPENING + 1;
    let late = open(&mut host, id, &[(BOB, 1)]).map(|_| Vec::new());
    refused(late, &Governor::OpeningIsOver { proposalId: id });
    refused(publish(&mut host, id, 0), &Governor::OpeningIsOver { proposalId: id });
    assert_eq!((state(&mut host, id), decided(&mut host, id)), (3, 5));
}

#[test]
fn keys_fit_and_are_posted_once_and_by_holders() {
    let mut host = ledger();
    name_holders(&mut host, &HOLDERS);
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    let id = posted.id();
    let mine = Governor::postBallotKeyCall { proposalId: id, publicKey: public(0) };
    refused(send(&mut host, ALICE, &mine), &Governor::NoKeyHolder { account: ALICE });
    // To a point of low order everybody has the same secret: clients could not encrypt.
    for low in [B256::ZERO, one_le()] {
        let call = Governor::postBallotKeyCall { proposalId: id, publicKey: low };
        refused(send(&mut host, HOLDERS[0], &call), &Governor::BadBallotKey {});
    }
    post_key(&mut host, id, 0).unwrap();
    refused(post_key(&mut host, id, 0), &Governor::KeyIsThere { account: HOLDERS[0] });
    post_key(&mut host, id, 1).unwrap();
    host.time += 2 * DAY;
    let late = Core::GovernorUnexpectedProposalState {
        proposalId: id,
        current: 1,
        expectedStates: U256::ONE.into(),
    };
    refused(post_key(&mut host, id, 2), &late);
    seal(&mut host, id, ALICE, 1).unwrap();
    host.time = deadline(&mut host, id) + 1;
    let other =
        Governor::publishBallotKeyCall { proposalId: id, holder: HOLDERS[0], secretKey: secret(1) };
    refused(send(&mut host, HOLDERS[0], &other), &Governor::BadBallotKey {});
    refused(publish(&mut host, id, 2), &Governor::NoKeyHolder { account: HOLDERS[2] });
    publish(&mut host, id, 0).unwrap();
    refused(publish(&mut host, id, 0), &Governor::KeyIsThere { account: HOLDERS[0] });
}

/// The number one, as the curve writes it.
fn one_le() -> B256 {
    let mut one = B256::ZERO;
    one.0[0] = 1;
    one
}

#[test]
fn holders_and_the_opening_are_named_by_votes_within_bounds() {
    let mut host = ledger();
    let holders = vec![HOLDERS[0]];
    let alone = Governor::setBallotKeyHoldersCall { holders, threshold: 1 };
    refused(send(&mut host, ALICE, &alone), &Core::GovernorOnlyExecutor { account: ALICE });
    let error = Governor::BadKeyHolders { count: U256::ONE, threshold: 1 };
    refused(send(&mut host, GOVERNOR, &alone), &error);
    let short = Governor::setOpeningPeriodCall { newOpeningPeriod: 3_600 };
    refused(send(&mut host, ALICE, &short), &Core::GovernorOnlyExecutor { account: ALICE });
    let (value, least, most) = (U256::from(3_600), U256::from(DAY), U256::from(7 * DAY));
    let error = Governor::SettingOutOfBand { value, least, most };
    refused(send(&mut host, GOVERNOR, &short), &error);
    let week = Governor::setOpeningPeriodCall { newOpeningPeriod: 7 * 86_400 };
    send(&mut host, GOVERNOR, &week).unwrap();
    assert_eq!(ask(&mut host, GOVERNOR, &Governor::openingPeriodCall {}), 7 * 86_400);
    name_holders(&mut host, &HOLDERS);
    let now = ask(&mut host, GOVERNOR, &Governor::ballotKeyHoldersCall {});
    assert_eq!((now.holders, now.threshold), (HOLDERS.to_vec(), 2));
    // A proposal keeps the list that it was posted with.
    let posted = change_of(&BURN_SHARE, 3_000);
    posted.propose(&mut host, ALICE).unwrap();
    let none = Governor::setBallotKeyHoldersCall { holders: Vec::new(), threshold: 0 };
    send(&mut host, GOVERNOR, &none).unwrap();
    let of = Governor::ballotKeyHoldersOfCall { proposalId: posted.id() };
    assert_eq!(ask(&mut host, GOVERNOR, &of).threshold, 2);
    post_key(&mut host, posted.id(), 1).unwrap();
    let open = Posted::new(TARGET, 0, vec![3]);
    open.propose(&mut host, ALICE).unwrap();
    let error = Governor::BallotsAreOpen { proposalId: open.id() };
    refused(post_key(&mut host, open.id(), 1), &error);
}

/// What a proof of its slots says of a proposal is what the module says.
#[test]
fn a_proposal_reads_the_same_from_words_of_the_storage() {
    let (mut host, posted) = sealed_vote();
    let id = posted.id();
    seal(&mut host, id, ALICE, 1).unwrap();
    seal(&mut host, id, BOB, 0).unwrap();
    host.time = deadline(&mut host, id) + 1;
    publish(&mut host, id, 1).unwrap();
    open(&mut host, id, &[(ALICE, 1)]).unwrap();
    let read = &mut |slot| host.slot(GOVERNOR, slot);
    assert_eq!(crate::proposal_id(1, read), id);
    assert_eq!(
        (crate::proposal_id(0, read), crate::proposal_id(2, read)),
        (U256::ZERO, U256::ZERO)
    );
    assert_eq!(crate::proposal(id + U256::ONE, read), None);
    let proposal = crate::proposal(id, read).unwrap();
    let loaded = host.within(GOVERNOR, |host| crate::governor::houses::load(host, id)).unwrap();
    assert_eq!(proposal, loaded);
    assert_eq!(proposal.sealing.opened, 1);
}
