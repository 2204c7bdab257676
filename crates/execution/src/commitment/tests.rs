//! Compares the commitment with its definition, implemented a second time in the simplest way.

use super::*;
use crate::changes::Change;
use alloy_primitives::KECCAK256_EMPTY;
use leaf::node_hash;
use proptest::prelude::*;
use revm::{bytecode::Bytecode, database_interface::EmptyDB, state::AccountInfo};
use std::convert::Infallible;

type Plain = BTreeMap<StateKey, Entry>;

/// Stores buckets as the store does: written once, the oldest removed.
#[derive(Clone, Default)]
struct Kept {
    buckets: BTreeMap<u64, Vec<u8>>,
}

impl DatabaseRef for Kept {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        EmptyDB::default().basic_ref(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        EmptyDB::default().code_by_hash_ref(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        EmptyDB::default().storage_ref(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        EmptyDB::default().block_hash_ref(number)
    }
}

impl State for Kept {
    fn bucket(&self, id: u64) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.buckets.get(&id).cloned())
    }
}

/// Returns a state with these buckets.
pub(super) fn kept(buckets: BTreeMap<u64, Vec<u8>>) -> impl State<Error = Infallible> {
    Kept { buckets }
}

impl Kept {
    fn clean(&mut self, commitment: &mut Commitment, count: usize) {
        for _ in 0..count {
            let Some((id, bytes)) = self.buckets.pop_first() else { return };
            if let Some(new_id) = commitment.move_bucket(id, &bytes) {
                self.buckets.insert(new_id, bytes);
            }
        }
    }
}

/// Returns the root by definition: paths as text, halves by `filter`.
fn by_definition(state: &Plain) -> B256 {
    fn hash(leaves: &[(String, B256)], depth: usize) -> B256 {
        match leaves {
            [] => B256::ZERO,
            [(_, hash)] => *hash,
            _ => {
                let half = |bit| {
                    let is_in = |leaf: &&(String, B256)| leaf.0.chars().nth(depth) == Some(bit);
                    hash(&leaves.iter().filter(is_in).cloned().collect::<Vec<_>>(), depth + 1)
                };
                node_hash(&half('0'), &half('1'))
            }
        }
    }
    let text = |path: B256| path.iter().map(|byte| format!("{byte:08b}")).collect::<String>();
    let leaf = |(key, entry): (&StateKey, &Entry)| (text(key.path()), entry.hash(&key.path()));
    hash(&state.iter().map(leaf).collect::<Vec<_>>(), 0)
}

fn restored(kept: &Kept, next_id: u64) -> Commitment {
    let mut restored = Restored::new(next_id);
    for (id, bytes) in kept.buckets.iter().rev() {
        restored.add(*id, bytes).unwrap();
    }
    restored.finish()
}

#[derive(Clone, Debug)]
enum Write {
    Account(u16, Option<(u64, u128)>),
    Slot(u16, u16, u64),
    /// Removes all accounts with this remainder, so that buckets merge.
    Thin(u16),
}

fn write() -> impl Strategy<Value = Write> {
    let account = proptest::option::weighted(0.7, (0_u64..3, 0_u128..1 << 90));
    prop_oneof![
        8 => (0_u16..300, account).prop_map(|(a, s)| Write::Account(a, s)),
        8 => (0_u16..8, 0_u16..100, 0_u64..3).prop_map(|(a, s, v)| Write::Slot(a, s, v)),
        1 => (2_u16..4).prop_map(Write::Thin),
    ]
}

fn address(index: u16) -> Address {
    Address::from_word(B256::from(U256::from(index)))
}

fn write_one(state: &mut Plain, write: &Write) {
    let set = |state: &mut Plain, key, entry: Option<Entry>| match entry {
        Some(entry) => drop(state.insert(key, entry)),
        None => drop(state.remove(&key)),
    };
    match write {
        Write::Account(index, values) => {
            let address = address(*index);
            let code_hash = if index % 3 == 0 { B256::repeat_byte(7) } else { KECCAK256_EMPTY };
            let account =
                |(nonce, balance)| AccountState { nonce, balance: U256::from(balance), code_hash };
            let entry = values.map(|values| Entry::Account(address, account(values)));
            set(state, StateKey::Account(address), entry);
        }
        Write::Slot(index, slot, value) => {
            let (address, slot) = (address(*index), U256::MAX >> usize::from(*slot));
            let entry = (*value != 0).then(|| Entry::Slot(address, slot, U256::from(*value)));
            set(state, StateKey::Slot(address, slot), entry);
        }
        Write::Thin(remainder) => {
            let keys: Vec<_> = state.keys().copied().collect();
            for (index, key) in keys.iter().enumerate() {
                if index % usize::from(*remainder) != 0 {
                    state.remove(key);
                }
            }
        }
    }
}

fn difference(before: &Plain, after: &Plain) -> StateChanges {
    let mut changes = StateChanges::default();
    for key in before.keys().chain(after.keys()) {
        let (before, after) = (before.get(key).copied(), after.get(key).copied());
        if before == after {
            continue;
        }
        let account = |entry| match entry {
            Some(Entry::Account(_, account)) => Some(account),
            _ => None,
        };
        let value = |entry| match entry {
            Some(Entry::Slot(_, _, value)) => value,
            _ => U256::ZERO,
        };
        match *key {
            StateKey::Account(address) => {
                let change = Change { before: account(before), after: account(after) };
                changes.accounts.insert(address, change);
            }
            StateKey::Slot(address, slot) => {
                let change = Change { before: value(before), after: value(after) };
                changes.slots.insert((address, slot), change);
            }
        }
    }
    changes
}

/// Returns all keys of the state, and as many that are not in it.
fn looked_up(state: &Plain) -> Vec<StateKey> {
    let mut keys: Vec<_> = state.keys().copied().collect();
    keys.extend((0..20).map(|index| StateKey::Account(address(index * 16))));
    keys.extend((0..20).map(|slot| StateKey::Slot(address(slot % 9), U256::MAX >> slot)));
    keys
}

fn check(commitment: &Commitment, kept: &Kept, state: &Plain) {
    let root = commitment.root();
    assert_eq!(root, by_definition(state));
    let again = restored(kept, commitment.next_id());
    assert_eq!(&again, commitment, "the stored buckets must give the same tree");
    for key in looked_up(state) {
        let expected = state.get(&key).copied();
        assert_eq!(commitment.entry(&key, kept).unwrap(), expected);
        assert_eq!(again.entry(&key, kept).unwrap(), expected);
        let proof = commitment.prove(&key, kept).unwrap();
        assert_eq!(proof.verify(&root, &key), Ok(expected), "{key:?}");
        tamper(&proof, &root, &key, expected);
    }
}

/// Checks that a changed proof is never accepted for something else.
fn tamper(proof: &StateProof, root: &B256, key: &StateKey, expected: Option<Entry>) {
    let refused = |proof: &StateProof, what: &str| {
        assert!(proof.verify(root, key).is_err(), "{what}: {proof:?}");
    };
    for index in 0..proof.siblings.len() {
        let mut other = proof.clone();
        other.siblings[index][index % 32] ^= 1;
        refused(&other, "another sibling");
        other.siblings.remove(index);
        refused(&other, "one sibling less");
    }
    let mut longer = proof.clone();
    longer.siblings.push(B256::ZERO);
    if !(proof.siblings.is_empty() && proof.end == PathEnd::Empty) {
        refused(&longer, "one sibling more");
        refused(&StateProof { end: PathEnd::Leaf(other(key)), ..proof.clone() }, "another leaf");
    }
    if expected.is_some() {
        refused(&StateProof { end: PathEnd::Empty, ..proof.clone() }, "absence");
    }
    let elsewhere = proof.verify(&B256::repeat_byte(1), key);
    assert!(matches!(elsewhere, Err(ProofError::Root { .. })));
}

fn other(key: &StateKey) -> Entry {
    match *key {
        StateKey::Account(address) => {
            let (balance, code_hash) = (U256::MAX, KECCAK256_EMPTY);
            Entry::Account(address, AccountState { nonce: 9, balance, code_hash })
        }
        StateKey::Slot(address, slot) => Entry::Slot(address, slot, U256::MAX),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_updated_commitment_equals_the_definition(
        blocks in proptest::collection::vec(
            (proptest::collection::vec(write(), 0..60), 0_usize..40), 0..10),
    ) {
        let mut state = Plain::new();
        let mut kept = Kept::default();
        let mut commitment = Commitment::empty();
        for (writes, cleaned) in &blocks {
            let before = state.clone();
            writes.iter().for_each(|write| write_one(&mut state, write));
            let changes = difference(&before, &state);
            let old = (commitment.clone(), kept.clone());
            let moved = commitment.apply(&changes, &kept).unwrap();
            prop_assert_eq!(moved.commitment.root() == commitment.root(), changes.is_empty());
            prop_assert!(moved.buckets.keys().all(|id| *id >= moved.base_id));
            commitment = moved.commitment;
            kept.buckets.extend(moved.buckets);
            kept.clean(&mut commitment, *cleaned);
            check(&commitment, &kept, &state);
            // Readers of the previous state are not affected.
            let (old_commitment, old_kept) = old;
            let mut replayed = old_commitment.replay(commitment.next_id());
            for (id, bytes) in kept.buckets.range(old_commitment.next_id()..) {
                replayed.add(*id, bytes).unwrap();
            }
            prop_assert_eq!(&replayed.finish(), &commitment);
            prop_assert_eq!(old_commitment.root(), by_definition(&before));
            for (key, entry) in before.iter().take(30) {
                prop_assert_eq!(old_commitment.entry(key, &old_kept).unwrap(), Some(*entry));
            }
        }
        // After cleaning all buckets once, no dead one is left.
        kept.clean(&mut commitment, kept.buckets.len());
        prop_assert_eq!(kept.buckets.len() as u64, commitment.live_count());
        check(&commitment, &kept, &state);
        // The state built from the streamed entries is the same, with its own buckets.
        let entries: Vec<_> = commitment.entries(&kept).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(entries.len(), state.len());
        let mut copy = Kept::default();
        let gathered = Commitment::gather(entries.iter().copied().map(Ok), |id, bytes| {
            copy.buckets.insert(id, bytes);
            Ok::<_, OutOfOrder>(())
        });
        let gathered = gathered.unwrap();
        check(&gathered, &copy, &state);
        prop_assert_eq!(gathered.live_count(), copy.buckets.len() as u64);
        let mut wrong = entries;
        if wrong.len() > 1 {
            let last = wrong.len() - 1;
            wrong.swap(0, last);
            let refused = Commitment::gather(wrong.into_iter().map(Ok), |_, _| Ok(()));
            prop_assert!(matches!(refused, Err(OutOfOrder)));
        }
    }

    #[test]
    fn a_bucket_of_any_bytes_is_refused_or_itself(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        index in any::<usize>(),
        byte in any::<u8>(),
    ) {
        let _ = bucket::Bucket::from_bytes(&bytes);
        let entries = [other(&StateKey::Account(address(1))), other(&StateKey::Slot(address(2), U256::from(3)))];
        let mut leaves = entries.map(leaf::Leaf::new);
        leaves.sort_unstable_by_key(|leaf| leaf.path);
        let mut written = bucket::Bucket::to_bytes(&Place::TOP, &leaves);
        let index = index % written.len();
        written[index] = byte;
        if let Some(read) = bucket::Bucket::from_bytes(&written) {
            let leaves: Vec<_> = read.entries.iter().copied().map(leaf::Leaf::new).collect();
            prop_assert_eq!(bucket::Bucket::to_bytes(&read.place, &leaves), written);
        }
    }
}

/// Accounts whose paths share ten bits, more than fit a bucket: many nodes with an empty half, and their removal.
#[test]
fn paths_that_share_a_beginning() {
    let mut state = Plain::new();
    let mut kept = Kept::default();
    let mut commitment = Commitment::empty();
    let near: Vec<_> = (0..u16::MAX)
        .filter(|index| StateKey::Account(address(*index)).path()[..2] == [0x5a, 0x80])
        .chain((0..u16::MAX).filter(|index| {
            let path = StateKey::Account(address(*index)).path();
            path[0] == 0x5a && path[1] >> 6 == 2
        }))
        .take(2 * BUCKET_ENTRIES_MAX)
        .collect();
    assert_eq!(near.len(), 2 * BUCKET_ENTRIES_MAX);
    let steps = near.iter().map(|index| Write::Account(*index, Some((1, 5))));
    for step in steps.chain(near.iter().map(|index| Write::Account(*index, None))) {
        let before = state.clone();
        write_one(&mut state, &step);
        let moved = commitment.apply(&difference(&before, &state), &kept).unwrap();
        commitment = moved.commitment;
        kept.buckets.extend(moved.buckets);
        check(&commitment, &kept, &state);
    }
    assert_eq!((commitment.root(), commitment.live_count()), (B256::ZERO, 0));
}

#[test]
fn another_state_is_refused() {
    let mut state = Plain::new();
    (0..60).for_each(|index| write_one(&mut state, &Write::Account(index, Some((1, 5)))));
    let changes = difference(&Plain::new(), &state);
    let first = Commitment::empty().apply(&changes, &Kept::default()).unwrap();
    let kept = Kept { buckets: first.buckets };
    let again = first.commitment.apply(&changes, &kept);
    assert!(matches!(again, Err(CommitmentError::Stale { .. })), "created twice");
    let back = difference(&state, &Plain::new());
    let missing = first.commitment.apply(&back, &Kept::default());
    assert!(matches!(missing, Err(CommitmentError::Bucket { .. })), "no buckets");
    assert_eq!(first.commitment.apply(&back, &kept).unwrap().commitment.root(), B256::ZERO);
}

#[test]
fn buckets_out_of_turn_are_damage() {
    let mut restored = Restored::new(3);
    let empty = bucket::Bucket::to_bytes(&Place::TOP, &[]);
    assert_eq!(restored.add(3, &empty), Err(RestoreError { id: 3 }));
    assert_eq!(restored.add(2, &empty), Ok(Vec::new()));
    assert_eq!(restored.add(2, &empty), Err(RestoreError { id: 2 }));
    assert_eq!(restored.add(1, &[]), Err(RestoreError { id: 1 }));
}

/// Pinned: a change of the definition needs another scheme.
#[test]
fn the_root_of_a_known_state() {
    let mut state = Plain::new();
    write_one(&mut state, &Write::Account(1, Some((2, 3))));
    write_one(&mut state, &Write::Slot(4, 5, 6));
    write_one(&mut state, &Write::Account(3, Some((0, 1 << 80))));
    let moved = Commitment::empty().apply(&difference(&Plain::new(), &state), &Kept::default());
    assert_eq!(
        moved.unwrap().commitment.root().to_string(),
        "0x419ef7b63e5c1c733e5fb261bcdf50818a5e8c822aed1c4ed08b8afe914277b6"
    );
}
