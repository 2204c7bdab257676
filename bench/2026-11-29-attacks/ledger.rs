//! Attacks of the review on the ledger of commit 6f1cecb, in real blocks. Every test passes when its attack succeeds. `run.sh`
//! copies this file into `crates/execution/tests/it` of that commit.

use abi::{
    DEVICES, Devices, TRAINING_RUNS,
    TrainingRuns::{self, Commitment, Terms},
    statement,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_sol_types::SolCall;
use ed25519_dalek::{Signer, SigningKey};
use execution::{BaseFeeRule, Genesis};

use crate::chain::{CHAIN_ID, Chain, genesis, plain, sign};

/// The default gas limit of a block.
const BLOCK_GAS: u64 = 60_000_000;

/// The sender of everything here; the account of nobody's device.
const STRANGER: u8 = 1;

struct Device(SigningKey);

impl Device {
    fn new(number: u16) -> Self {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_le_bytes());
        Self(SigningKey::from_bytes(&seed))
    }

    fn name(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, statement: &[u8]) -> alloy_primitives::Bytes {
        self.0.sign(statement).to_bytes().to_vec().into()
    }

    fn link(&self, account: Address) -> Vec<u8> {
        let signature = self.sign(&statement::link(CHAIN_ID, &self.name(), &account.0, 1));
        Devices::linkCall { device: self.name().into(), account, nonce: 1, signature }.abi_encode()
    }

    fn enroll(&self) -> Vec<u8> {
        let signature = self.sign(&statement::enroll(CHAIN_ID, 1, &self.name()));
        TrainingRuns::enrollCall { run: 1, device: self.name().into(), signature }.abi_encode()
    }

    fn leave(&self) -> Vec<u8> {
        let signature = self.sign(&statement::leave(CHAIN_ID, 1, 0));
        let device = self.name().into();
        TrainingRuns::leaveCall { run: 1, device, round: 0, signature }.abi_encode()
    }

    fn commit(&self, memory_before: [u8; 32]) -> Vec<u8> {
        let (seal, update, after) = ([2; 32], [3; 32], [4; 32]);
        let signed =
            statement::commit(CHAIN_ID, 1, 0, &seal, &update, &memory_before, &after);
        let commitment = Commitment {
            device: self.name().into(),
            seal: seal.into(),
            update: update.into(),
            memoryBefore: memory_before.into(),
            memoryAfter: after.into(),
            signature: self.sign(&signed),
        };
        let commitments = vec![commitment];
        TrainingRuns::commitCall { run: 1, round: 0, commitments }.abi_encode()
    }
}

struct Play {
    chain: Chain,
    devices: Vec<Device>,
    nonce: u64,
}

impl Play {
    /// A ledger with one run of this many seats, which are all taken.
    fn new(seats: u16) -> Self {
        let fee = BaseFeeRule { initial: 7, minimum: 7, change_denominator: 8, elasticity: 2 };
        let rules = Genesis { gas_limit: BLOCK_GAS, base_fee: fee, ..genesis() };
        let devices = (0..seats).map(Device::new).collect();
        let mut play = Self { chain: Chain::from_genesis(&rules), devices, nonce: 0 };
        let terms = Terms {
            rounds: 50,
            warmupRounds: 0,
            tokensPerRound: 10,
            warmupTokensPerRound: 10,
            pricePerToken: 1_000,
            auditRate: 1_000,
            auditPay: 10_000,
            quorum: 5_000,
            seatsMin: seats,
            seatsMax: seats,
            roundSeconds: 1_000,
            auditSeconds: 1_000,
            stallSeconds: 10_000,
            holdBackRounds: 9,
            spec: B256::repeat_byte(1),
            corpus: B256::repeat_byte(2),
            initialState: B256::repeat_byte(3),
        };
        let (name, endpoint) = ("wheat".to_owned(), "127.0.0.1:1".to_owned());
        let open = TrainingRuns::openCall { terms, name, coordinator: B256::ZERO, endpoint };
        play.send(TRAINING_RUNS, 10_000_000_000_000, open.abi_encode()).unwrap();
        for index in 0..seats {
            let device = Device::new(index);
            let mut account = [9; 20];
            account[..2].copy_from_slice(&index.to_be_bytes());
            play.send(DEVICES, 0, device.link(account.into())).unwrap();
            play.send(TRAINING_RUNS, 0, device.enroll()).unwrap();
        }
        play
    }

    /// Sends one transaction in a block of its own; returns its gas, or nothing when it was reverted.
    fn send(&mut self, to: Address, value: u128, input: Vec<u8>) -> Option<u64> {
        let transaction = TxEip1559 {
            to: TxKind::Call(to),
            value: U256::from(value),
            input: input.into(),
            gas_limit: BLOCK_GAS,
            max_priority_fee_per_gas: 0,
            max_fee_per_gas: 1_000,
            ..plain(self.nonce)
        };
        self.nonce += 1;
        let built = self.chain.build(&[sign(STRANGER, transaction)]);
        assert!(built.refused.is_empty(), "{:?}", built.refused);
        let receipt = &built.block.receipts[0];
        receipt.status().then(|| receipt.cumulative_gas_used())
    }

    fn seats(&self) -> Vec<TrainingRuns::Seat> {
        let call = TrainingRuns::seatsCall { run: 1 }.abi_encode();
        let message = crate::modules::message(TRAINING_RUNS, call);
        match crate::modules::run(&self.chain, &message) {
            execution::CallOutcome::Returned { output, .. } => {
                TrainingRuns::seatsCall::abi_decode_returns(&output).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Both statements are public once they are in a block. Anyone may send them again, in any order, and the device's key is not
/// needed.
#[test]
fn a08_signed_statements_hold_again() {
    let mut play = Play::new(3);
    let (enroll, leave) = (play.devices[0].enroll(), play.devices[0].leave());
    let mut evicted = 0;
    for _ in 0..5 {
        play.send(TRAINING_RUNS, 0, leave.clone()).unwrap();
        evicted += u32::from(play.seats()[0].standing == TrainingRuns::Standing::Left);
        play.send(TRAINING_RUNS, 0, enroll.clone()).unwrap();
    }
    println!("a08: a stranger evicted a device {evicted} times with one signature of it");
    assert_eq!(evicted, 5);
}

/// The account's owner has signed nothing.
#[test]
fn a09_a_device_is_linked_to_an_account_that_did_not_agree() {
    let mut play = Play::new(3);
    let victim = Address::repeat_byte(0xaa);
    play.send(DEVICES, 0, Device::new(700).link(victim)).unwrap();
    let message = crate::modules::message(
        DEVICES,
        Devices::accountOfCall { device: Device::new(700).name().into() }.abi_encode(),
    );
    let execution::CallOutcome::Returned { output, .. } =
        crate::modules::run(&play.chain, &message)
    else {
        panic!("a view answers");
    };
    let linked = Devices::accountOfCall::abi_decode_returns(&output).unwrap();
    println!("a09: the ledger links a stranger's device to {}", linked.account);
    assert_eq!(linked.account, victim);
}

#[test]
fn a11_a_commitment_costs_more_with_more_seats() {
    let costs = [16, 128, 256].map(|seats| {
        let mut play = Play::new(seats);
        let commits: Vec<Vec<u8>> =
            play.devices.iter().map(|device| device.commit([0; 32])).collect();
        let gas = commits.into_iter().map(|commit| play.send(TRAINING_RUNS, 0, commit));
        let gas: Vec<Option<u64>> = gas.collect();
        let refused = gas.iter().filter(|gas| gas.is_none()).count();
        let dearest = gas.into_iter().flatten().max().unwrap_or(0);
        println!("a11: {seats} seats: a commitment costs up to {dearest} gas; {refused} ran out of a block's {BLOCK_GAS}");
        (dearest, refused)
    });
    // In the first round. The state of rounds whose pay is held back comes on top: the review found 58 million with 256 seats.
    assert!(costs[1].0 > 5 * costs[0].0 && costs[2].0 > 10 * costs[0].0, "{costs:?}");
}
