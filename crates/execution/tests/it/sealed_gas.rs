//! What sealed ballots cost in real blocks: `cargo test --release -p execution --test it sealed_gas -- --nocapture` prints the table of docs/governance.md.

use crate::chain::{Chain, genesis, key, plain, sign};
use abi::{
    GOVERNOR, Governor, GovernorCore as Core, ISSUANCE, PARAMETERS, Parameters, STAKE_HOUSE,
    StakeHouse, WORK_HOUSE, WorkHouse,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue as _};
use ed25519_dalek::SigningKey;
use execution::{Genesis, GenesisAccount, Revision, Schedule};

const DAY: u64 = 86_400;
const GRAIN: u128 = 1_000_000_000_000_000_000;
/// The first of the accounts that vote, and how many they are.
const FIRST: u8 = 20;
const VOTERS: u8 = 40;
/// One who puts up no more than it must to be allowed to seal a ballot.
const SPAMMER: u8 = FIRST + VOTERS;
/// Bytes of a ballot for so many holders: one, and 82 for each.
const fn ballot_size(holders: u8) -> usize {
    1 + 82 * holders as usize
}

fn voters() -> std::ops::Range<u8> {
    FIRST..FIRST + VOTERS
}

/// Sends a call in a block of its own, and returns the gas that it used.
fn send(chain: &mut Chain, from: u8, to: Address, value: u128, call: &impl SolCall) -> u64 {
    let nonce = chain.state.nonce(&key(from).address());
    let input: Bytes = call.abi_encode().into();
    let (value, to) = (U256::from(value), TxKind::Call(to));
    let transaction = TxEip1559 { to, value, input, gas_limit: 16_000_000, ..plain(nonce) };
    let built = chain.build(&[sign(from, transaction)]);
    assert!(built.block.receipts[0].status(), "{from} is refused");
    built.block.header.gas_used
}

/// A call of an account without a key, as on a development ledger.
fn as_module(chain: &mut Chain, module: Address, to: Address, call: &impl SolCall) {
    let nonce = chain.state.nonce(&module);
    let (to, input) = (TxKind::Call(to), call.abi_encode().into());
    let plain = TxEip1559 { value: U256::ZERO, gas_limit: 5_000_000, ..plain(nonce) };
    chain.impersonate(module, TxEip1559 { to, input, ..plain });
}

/// A ledger whose voters have votes in both houses, and the first of whom hold ballot keys.
fn ledger(holders: u8) -> Chain {
    let rich = GenesisAccount { balance: U256::from(100_000 * GRAIN), ..GenesisAccount::default() };
    let funded = [1, SPAMMER].into_iter().chain(voters());
    let genesis = Genesis {
        revisions: Schedule::starting_with(Revision::new(4)),
        accounts: funded.map(|index| (key(index).address(), rich.clone())).collect(),
        ..genesis()
    };
    let mut chain = Chain::from_genesis(&genesis);
    for module in [ISSUANCE, GOVERNOR] {
        chain.shift(key(1).address(), module, U256::from(GRAIN));
    }
    for voter in voters() {
        send(&mut chain, voter, STAKE_HOUSE, 1_000 * GRAIN, &StakeHouse::depositCall {});
        let account = key(voter).address();
        let mint = WorkHouse::mintCall { account, work: U256::from(1_u64 << 40) };
        as_module(&mut chain, ISSUANCE, WORK_HOUSE, &mint);
    }
    chain.head.timestamp += 31 * DAY;
    for voter in voters() {
        let account = key(voter).address();
        send(&mut chain, voter, WORK_HOUSE, 0, &WorkHouse::matureCall { account });
    }
    let named = voters().take(holders.into()).map(|index| key(index).address()).collect();
    let call = Governor::setBallotKeyHoldersCall { holders: named, threshold: holders / 2 + 1 };
    as_module(&mut chain, GOVERNOR, GOVERNOR, &call);
    chain
}

fn post(chain: &mut Chain, value: u64) -> U256 {
    let parameter = B256::from(governance_key());
    let call = Parameters::setCall { key: parameter, value: U256::from(value) };
    let description = value.to_string();
    let targets = vec![PARAMETERS];
    let (values, calldatas) = (vec![U256::ZERO], vec![Bytes::from(call.abi_encode())]);
    let lists = (&targets[..], &values[..], &calldatas[..], keccak256(&description));
    let id = keccak256(lists.abi_encode_params()).into();
    let call = Governor::proposeCall { targets, values, calldatas, description };
    send(chain, FIRST, GOVERNOR, 100 * GRAIN, &call);
    id
}

/// The key of the parameter `issuance.burn-share`.
fn governance_key() -> [u8; 32] {
    let mut key = [0; 32];
    let name = b"issuance.burn-share";
    key[..name.len()].copy_from_slice(name);
    key
}

fn holder_key(index: u8) -> SigningKey {
    SigningKey::from_bytes(&[index; 32])
}

fn salt(voter: u8) -> B256 {
    B256::repeat_byte(voter)
}

fn seal(chain: &mut Chain, id: U256, voter: u8, holders: u8) -> u64 {
    let account = key(voter).address();
    let commitment = keccak256((id, account, U256::ONE, salt(voter)).abi_encode());
    let ciphertext = vec![0xa5; ballot_size(holders)].into();
    let call = Governor::sealVoteCall { proposalId: id, commitment, ciphertext };
    send(chain, voter, GOVERNOR, 0, &call)
}

fn open(chain: &mut Chain, id: U256, voters: impl Iterator<Item = u8>) -> u64 {
    let opened = |voter: u8| {
        let account = key(voter).address();
        Governor::OpenedVote { voter: account, support: 1, salt: salt(voter) }
    };
    let votes = voters.map(opened).collect();
    send(chain, 1, GOVERNOR, 0, &Governor::openVotesCall { proposalId: id, votes })
}

/// Gas of everything that a sealed vote needs.
#[derive(Debug)]
struct Costs {
    /// Of an open ballot.
    open_ballot: u64,
    /// Of a sealed one: the first of a proposal, a later one.
    sealed: [u64; 2],
    post_key: u64,
    publish_key: u64,
    /// Of opening one ballot alone, and of each of many.
    opened_alone: u64,
    opened_among: u64,
    /// What one who has never been there pays for a ballot of the least weight: the deposit, and the ballot.
    spam: [u64; 2],
    /// Of opening that ballot among others.
    spam_opened: u64,
}

fn costs(holders: u8) -> Costs {
    let mut chain = ledger(holders);
    let spam_deposit = send(&mut chain, SPAMMER, STAKE_HOUSE, 1, &StakeHouse::depositCall {});
    chain.head.timestamp += 8 * DAY;
    let id = post(&mut chain, 3_000);
    let holder_indexes = || voters().take(holders.into());
    let mut post_key = 0;
    for index in holder_indexes() {
        let public = holder_key(index).verifying_key().to_montgomery().to_bytes().into();
        let call = Governor::postBallotKeyCall { proposalId: id, publicKey: public };
        post_key = send(&mut chain, index, GOVERNOR, 0, &call);
    }
    chain.head.timestamp += DAY + 1;
    let sealed: Vec<_> = voters().map(|voter| seal(&mut chain, id, voter, holders)).collect();
    let spam_ballot = seal(&mut chain, id, SPAMMER, holders);
    chain.head.timestamp += 8 * DAY;
    let mut publish_key = 0;
    for index in holder_indexes() {
        let (holder, secret) = (key(index).address(), holder_key(index).to_scalar_bytes().into());
        let call = Governor::publishBallotKeyCall { proposalId: id, holder, secretKey: secret };
        publish_key = send(&mut chain, 1, GOVERNOR, 0, &call);
    }
    open(&mut chain, id, voters().take(1));
    let opened_alone = open(&mut chain, id, voters().skip(1).take(1));
    let many = open(&mut chain, id, voters().skip(2).take(18));
    let others = voters().skip(20).take(18);
    let more = open(&mut chain, id, others.chain([SPAMMER]));
    let opened_among = (many - opened_alone) / 17;
    // The last few were opened after the same number of others, so what is left is the spammer's.
    let spam_opened = more - many;
    // The same with open ballots: no holders.
    let none = Governor::setBallotKeyHoldersCall { holders: Vec::new(), threshold: 0 };
    as_module(&mut chain, GOVERNOR, GOVERNOR, &none);
    let id = post(&mut chain, 3_500);
    chain.head.timestamp += DAY + 1;
    let cast = Core::castVoteCall { proposalId: id, support: 1 };
    send(&mut chain, FIRST, GOVERNOR, 0, &cast);
    let open_ballot = send(&mut chain, FIRST + 1, GOVERNOR, 0, &cast);
    let spam = [spam_deposit, spam_ballot];
    let sealed = [sealed[0], sealed[5]];
    Costs {
        open_ballot,
        sealed,
        post_key,
        publish_key,
        opened_alone,
        opened_among,
        spam,
        spam_opened,
    }
}

/// Nobody makes others pay more by a ballot than it pays itself, and opening all ballots is cheaper than casting them was.
#[test]
fn a_ballot_costs_whoever_casts_it_more_than_whoever_opens_it() {
    for holders in [3, 16] {
        let costs = costs(holders);
        eprintln!("{holders} holders: {costs:#?}");
        let least = costs.sealed[0].min(costs.sealed[1]);
        assert!(costs.opened_among * 3 < least, "{costs:?}");
        assert!(costs.spam_opened * 3 < costs.spam[1], "{costs:?}");
        assert!(costs.opened_alone < least && costs.open_ballot < least, "{costs:?}");
        assert!(costs.post_key.max(costs.publish_key) < least, "{costs:?}");
        assert!(costs.spam_opened * 10 < costs.spam[0] + costs.spam[1], "{costs:?}");
    }
}
