//! Ballots, sealed and opened, and what others try with them.

use alloy_primitives::{Address, B256, U256, hex};
use sealed_ballots::{Ballot, Derived, SealError, Vote, commitment, open, public_key, seal};

const VOTE: Vote = Vote {
    chain: 190_711,
    governor: Address::repeat_byte(0x6c),
    proposal: U256::from_limbs([7, 8, 9, 10]),
    voter: Address::repeat_byte(0xa1),
};
const BALLOT: Ballot = Ballot { support: 1, salt: B256::repeat_byte(0x5a) };

fn secrets(count: u8) -> Vec<B256> {
    (1..=count).map(B256::repeat_byte).collect()
}

fn keys(secrets: &[B256]) -> Vec<B256> {
    secrets.iter().map(public_key).collect()
}

fn some(secrets: &[B256], published: &[usize]) -> Vec<Option<B256>> {
    let is_published =
        |(index, secret): (usize, &B256)| published.contains(&index).then_some(*secret);
    secrets.iter().enumerate().map(is_published).collect()
}

/// Every choice of published keys: enough of them read the ballot, fewer do not.
#[test]
fn any_threshold_of_keys_opens_and_fewer_do_not() {
    let secrets = secrets(5);
    let sealed = seal(&VOTE, &BALLOT, &keys(&secrets), 3).unwrap();
    assert_eq!(sealed.len(), 1 + 5 * 82);
    let wanted = commitment(&VOTE, &BALLOT);
    for choice in 0_u32..32 {
        let published: Vec<usize> = (0..5).filter(|index| choice >> index & 1 == 1).collect();
        let opened = open(&VOTE, wanted, &sealed, &some(&secrets, &published), 3);
        assert_eq!(opened, (published.len() >= 3).then_some(BALLOT), "{published:?}");
    }
}

#[test]
fn sixteen_holders_fit_the_ledgers_bound() {
    let secrets = secrets(16);
    let sealed = seal(&VOTE, &BALLOT, &keys(&secrets), 16).unwrap();
    assert!(sealed.len() <= 1_536);
    let all = some(&secrets, &(0..16).collect::<Vec<_>>());
    assert_eq!(open(&VOTE, commitment(&VOTE, &BALLOT), &sealed, &all, 16), Some(BALLOT));
}

/// Copying: neither the bytes nor the commitment are good for another voter, proposal or ledger.
#[test]
fn a_copied_ballot_decrypts_nowhere_else() {
    let secrets = secrets(3);
    let sealed = seal(&VOTE, &BALLOT, &keys(&secrets), 2).unwrap();
    let all = some(&secrets, &[0, 1, 2]);
    let others = [
        Vote { voter: Address::repeat_byte(0xb0), ..VOTE },
        Vote { proposal: U256::ONE, ..VOTE },
        Vote { chain: 1, ..VOTE },
        Vote { governor: Address::ZERO, ..VOTE },
    ];
    for other in others {
        // Even with the commitment that would fit.
        assert_eq!(open(&other, commitment(&other, &BALLOT), &sealed, &all, 2), None);
    }
    assert_ne!(commitment(&others[0], &BALLOT), commitment(&VOTE, &BALLOT));
}

#[test]
fn garbage_wrong_keys_and_other_votes_open_nothing() {
    let secrets = secrets(3);
    let sealed = seal(&VOTE, &BALLOT, &keys(&secrets), 2).unwrap();
    let (all, wanted) = (some(&secrets, &[0, 1, 2]), commitment(&VOTE, &BALLOT));
    assert_eq!(open(&VOTE, wanted, &[], &all, 2), None);
    assert_eq!(open(&VOTE, wanted, &[1], &all, 2), None);
    assert_eq!(open(&VOTE, wanted, &vec![1; 1 + 3 * 82], &all, 2), None);
    for size in 0..sealed.len() {
        assert_eq!(open(&VOTE, wanted, &sealed[..size], &all, 2), None, "{size} bytes");
    }
    let other = Ballot { support: 0, ..BALLOT };
    assert_eq!(open(&VOTE, commitment(&VOTE, &other), &sealed, &all, 2), None);
    let wrong = [Some(B256::repeat_byte(9)), Some(B256::repeat_byte(8)), None];
    assert_eq!(open(&VOTE, wanted, &sealed, &wrong, 2), None);
    // One share that was changed does not keep the others from opening it.
    for position in 1..sealed.len() {
        let mut changed = sealed.clone();
        changed[position] ^= 1;
        assert_eq!(open(&VOTE, wanted, &changed, &all, 2), Some(BALLOT), "byte {position}");
    }
}

/// A voter can commit to a vote that does not exist: the ledger would refuse to count it, and all ballots of the same transaction.
#[test]
fn a_vote_that_does_not_exist_is_no_ballot() {
    let secrets = secrets(3);
    let all = some(&secrets, &[0, 1, 2]);
    for support in 0..=u8::MAX {
        let ballot = Ballot { support, ..BALLOT };
        let sealed = seal(&VOTE, &ballot, &keys(&secrets), 2).unwrap();
        let opened = open(&VOTE, commitment(&VOTE, &ballot), &sealed, &all, 2);
        assert_eq!(opened, (support <= 2).then_some(ballot), "{support}");
    }
}

#[test]
fn what_cannot_be_sealed_is_said() {
    let keys = keys(&secrets(2));
    for threshold in [0, 1, 3] {
        let error = seal(&VOTE, &BALLOT, &keys, threshold).unwrap_err();
        assert_eq!(error, SealError::TooFewKeys { keys: 2, threshold });
    }
    let low = [keys[0], B256::ZERO];
    assert_eq!(seal(&VOTE, &BALLOT, &low, 2).unwrap_err(), SealError::BadKey { position: 2 });
}

/// Computed from the texts of RFC 7748 and RFC 5869 by a program of its own (Python, integers and `hmac`).
#[test]
fn keys_and_salts_are_those_of_the_standards() {
    let key = B256::repeat_byte(1);
    let public = hex!("a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209");
    assert_eq!(public_key(&key), B256::new(public));
    let derived = Derived::from_key(&key);
    let secret = derived.ballot_key(VOTE.chain, VOTE.governor, VOTE.proposal);
    let expected = hex!("2f3a07b71a7e6d011ab41f4594589f25327a866bbe3ab365d9c03c75fcfe37bf");
    assert_eq!(secret, B256::new(expected));
    let expected = hex!("c7cbbc4a2f6fc35b843cc3ad44814dcbf17d7a0b727be1cb6dd8104e67d40600");
    assert_eq!(derived.salt(&VOTE), B256::new(expected));
    assert_eq!(format!("{derived:?}"), "Derived { .. }");
}
