use std::sync::Mutex;

use alloy_primitives::{Address, Log};
use alloy_sol_types::SolCall as _;
use units::Digest;

use super::*;
use crate::{AccountState, Call, Head, Outcome, ready};

/// Logs that a node gives at most.
const LOGS_MAX: usize = 20;
const PROPOSAL: U256 = U256::from_limbs([7, 0, 0, 0]);

#[derive(Debug, thiserror::Error)]
#[error("too many logs")]
struct TooMany;

/// A ledger with sealed ballots: of each the height, the number of the voter, and its stake.
struct Ledger {
    ballots: Vec<(u64, u8, u64)>,
    opened: Vec<u8>,
    head: u64,
    asked: Mutex<u64>,
}

impl Ask for Ledger {
    type Error = TooMany;

    async fn head(&self) -> Result<Head, TooMany> {
        let (hash, time) = (Digest::from_bytes([0; 32]), UnixSeconds::new(0));
        Ok(Head { height: self.head, hash, time })
    }

    async fn block(&self, _: u64) -> Result<Option<Head>, TooMany> {
        unreachable!("logs have heights")
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, TooMany> {
        let answer = |call: &Call| {
            let call = Governor::sealedVoteOfCall::abi_decode(&call.input).unwrap();
            let voter = call.voter.0[19];
            let is_sealed = !self.opened.contains(&voter);
            let commitment = if is_sealed { B256::repeat_byte(voter) } else { B256::ZERO };
            let none = U256::ZERO;
            let answer =
                Governor::sealedVoteOfReturn { commitment, stakeWeight: none, workWeight: none };
            let bytes = Governor::sealedVoteOfCall::abi_encode_returns(&answer);
            Outcome::Returned(bytes.into())
        };
        Ok(calls.iter().map(answer).collect())
    }

    async fn account(&self, _: Address) -> Result<AccountState, TooMany> {
        unreachable!("logs are no accounts")
    }

    async fn logs(&self, filter: LogFilter) -> Result<Vec<PlacedLog>, TooMany> {
        *self.asked.lock().unwrap() += 1;
        let log = |(height, voter, stake): &(u64, u8, u64)| {
            let event = Governor::VoteSealed {
                voter: Address::with_last_byte(*voter),
                proposalId: PROPOSAL,
                stakeWeight: U256::from(*stake),
                workWeight: U256::ZERO,
                commitment: B256::repeat_byte(*voter),
                ciphertext: Bytes::new(),
            };
            let log = Log { address: GOVERNOR, data: event.encode_log_data() };
            PlacedLog { height: *height, transaction: B256::ZERO, log }
        };
        let all = self.ballots.iter().map(log);
        let is_in = |placed: &PlacedLog| {
            filter.heights.contains(&placed.height) && filter.matches(&placed.log)
        };
        let logs: Vec<PlacedLog> = all.filter(is_in).collect();
        if logs.len() <= LOGS_MAX { Ok(logs) } else { Err(TooMany) }
    }
}

fn voters(ledger: &Ledger) -> Vec<u8> {
    let votes = ready(sealed_since(ledger, PROPOSAL, 10)).unwrap();
    votes.iter().map(|vote| convert::address(vote.voter).0[19]).collect()
}

/// Many ballots of nearly no weight in few blocks neither keep the others from being found nor come before them.
#[test]
fn ballots_of_little_weight_keep_nobody_from_opening_the_others() {
    let spam = (0..200_u8).map(|voter| (6_000 + u64::from(voter / 15), voter, 1));
    let mut ballots: Vec<_> = spam.collect();
    ballots.push((40_000, 210, 500));
    ballots.push((40_001, 211, 900));
    ballots.push((40_002, 212, 1_000));
    let ledger = Ledger { ballots, opened: vec![212], head: 50_000, asked: Mutex::new(0) };
    let found = voters(&ledger);
    assert_eq!(found[..2], [211, 210]);
    assert_eq!(found[2..], (0..200).collect::<Vec<u8>>());
    let asked = *ledger.asked.lock().unwrap();
    assert!(asked < 100, "{asked} requests");
}

#[test]
fn a_node_that_never_answers_is_an_error() {
    let ballots = (0..30).map(|voter| (20, voter, 1)).collect();
    let ledger = Ledger { ballots, opened: Vec::new(), head: 50_000, asked: Mutex::new(0) };
    assert!(ready(sealed_since(&ledger, PROPOSAL, 10)).is_err());
    assert!(*ledger.asked.lock().unwrap() < 20);
}
