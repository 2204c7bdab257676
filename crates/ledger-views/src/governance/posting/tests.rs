use std::{convert::Infallible, sync::Mutex};

use alloy_primitives::{Log, LogData};
use alloy_sol_types::SolValue as _;
use units::Digest;

use super::*;
use crate::{AccountState, Call, Head, Outcome, ready};

/// A ledger whose block at height `h` has the time `times[h]`, unless it is not kept, and some logs.
struct Blocks {
    times: Vec<u64>,
    first_kept: u64,
    logs: Vec<PlacedLog>,
    asked: Mutex<u64>,
}

impl Ask for Blocks {
    type Error = Infallible;

    async fn head(&self) -> Result<Head, Infallible> {
        unreachable!("the caller knows it")
    }

    async fn block(&self, height: u64) -> Result<Option<Head>, Infallible> {
        *self.asked.lock().unwrap() += 1;
        let time = self.times.get(usize::try_from(height).unwrap());
        let head = time.map(|time| Head {
            height,
            hash: Digest::from_bytes([0; 32]),
            time: UnixSeconds::new(*time),
        });
        Ok(head.filter(|head| head.height >= self.first_kept))
    }

    async fn calls(&self, _: Vec<Call>) -> Result<Vec<Outcome>, Infallible> {
        unreachable!("logs are no calls")
    }

    async fn account(&self, _: Address) -> Result<AccountState, Infallible> {
        unreachable!("logs are no accounts")
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, Infallible> {
        assert!(filter.heights.end() - filter.heights.start() < BLOCKS_MAX);
        let is_in = |placed: &&PlacedLog| {
            filter.heights.contains(&placed.height) && filter.matches(&placed.log)
        };
        Ok(self.logs.iter().filter(is_in).cloned().collect())
    }
}

fn blocks(times: Vec<u64>, first_kept: u64) -> Blocks {
    Blocks { times, first_kept, logs: Vec::new(), asked: Mutex::new(0) }
}

fn since(blocks: &Blocks, time: u64, height_max: u64) -> Option<u64> {
    ready(first_since(blocks, UnixSeconds::new(time), height_max)).unwrap()
}

#[test]
fn the_first_block_since_a_time_is_found() {
    // Several blocks may have the same time, and there may be gaps.
    let times: Vec<u64> = (0..200_u64).map(|height| height / 3 * 10).collect();
    for first_kept in [0, 1, 57, 150] {
        let ledger = blocks(times.clone(), first_kept);
        for height_max in [0, 1, 57, 100, 199] {
            for time in 0..700 {
                let kept = (first_kept..=height_max).filter(|height| height / 3 * 10 >= time);
                assert_eq!(since(&ledger, time, height_max), kept.min(), "{time} {height_max}");
            }
        }
    }
}

#[test]
fn a_recent_block_is_found_with_few_questions() {
    let ledger = blocks((0..1_000_000).collect(), 0);
    assert_eq!(since(&ledger, 999_990, 999_999), Some(999_990));
    assert!(*ledger.asked.lock().unwrap() <= 10);
    *ledger.asked.lock().unwrap() = 0;
    assert_eq!(since(&ledger, 3, 999_999), Some(3));
    assert!(*ledger.asked.lock().unwrap() <= 42);
}

/// The logs of a proposal of two calls.
fn logged(height: u64, id: u64, description: &[u8]) -> [PlacedLog; 2] {
    let created = (
        U256::from(id),
        Address::repeat_byte(9),
        vec![Address::repeat_byte(1), Address::repeat_byte(2)],
        vec![U256::ZERO, U256::from(5)],
        vec![Bytes::new(), Bytes::new()],
        vec![Bytes::from_static(&[1, 2, 3, 4]), Bytes::new()],
        U256::from(100),
        U256::from(200),
        Bytes::copy_from_slice(description),
    );
    let posted = Governor::ProposalPosted {
        proposalId: U256::from(id),
        class: 1,
        deposit: U256::from(77),
        stakeTotal: U256::ZERO,
        stakeQuorum: U256::ZERO,
        workTotal: U256::ZERO,
    };
    let created = LogData::new_unchecked(
        vec![GovernorCore::ProposalCreated::SIGNATURE_HASH],
        created.abi_encode_sequence().into(),
    );
    [created, posted.encode_log_data()].map(|data| PlacedLog {
        height,
        transaction: B256::repeat_byte(7),
        log: Log { address: GOVERNOR, data },
    })
}

#[test]
fn a_proposal_is_read_from_the_block_in_which_it_was_posted() {
    let mut ledger = blocks((0..100).map(|height| height * 2).collect(), 0);
    let steering = b"\n# Raise\x1b[2J the floor\n\nBecause \xff.";
    // Two in one block, and one of the same id in a block of another time.
    let all = [logged(40, 1, b"other"), logged(40, 2, steering), logged(50, 3, b"")];
    ledger.logs = all.into_iter().flatten().collect();
    let find = |id: u64, time: u64, height_max: u64| {
        ready(find(&ledger, U256::from(id), UnixSeconds::new(time), height_max)).unwrap()
    };
    let posting = find(2, 80, 99).unwrap();
    assert_eq!((posting.height, posting.deposit), (40, U256::from(77)));
    assert_eq!(posting.title(), "Raise\u{fffd}[2J the floor");
    assert_eq!(posting.description_hash, keccak256(steering));
    assert_eq!(posting.calls.len(), 2);
    let call = &posting.calls[1];
    assert_eq!((call.target, call.value), (Address::repeat_byte(2), U256::from(5)));
    assert_eq!(find(1, 80, 40).unwrap().title(), "other");
    assert_eq!(find(3, 100, 99).unwrap().title(), "");
    assert_eq!(find(4, 80, 99), None);
    assert_eq!(find(2, 82, 99), None);
}
