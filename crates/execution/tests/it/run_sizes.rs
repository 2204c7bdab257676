//! What runs of many seats cost: gas per statement and per round, in real blocks.

use abi::{
    DEVICES, TRAINING_RUNS,
    TrainingRuns::{self, Verdict},
    signed::Signer,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{B256, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use ed25519_dalek::{Signer as _, SigningKey};
use execution::{BaseFeeRule, Genesis, Revision, Schedule};
use units::{DeviceId, Digest, seal};

use crate::chain::{CHAIN_ID, Chain, genesis, plain, sign};

/// The default gas limit of a block.
const BLOCK_GAS: u64 = 60_000_000;
/// Most gas that one commitment may cost.
const COMMIT_GAS_MAX: u64 = 150_000;
/// Number of statements that a node brings in one block.
const BATCH: usize = 128;
/// Number of seats settled in one transaction.
const SETTLED: usize = 100;

struct Device(SigningKey);

impl Device {
    fn new(number: u16) -> Self {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_le_bytes());
        Self(SigningKey::from_bytes(&seed))
    }

    fn name(&self) -> B256 {
        self.0.verifying_key().to_bytes().into()
    }

    fn by<T>(&self, make: impl FnOnce(&Signer<'_>) -> T) -> T {
        let sign = |bytes: &[u8]| self.0.sign(bytes).to_bytes();
        make(&Signer { device: self.name(), chain_id: CHAIN_ID, sign: &sign })
    }

    fn root(&self, round: u32) -> Digest {
        Digest::of(&[&self.name()[..], &round.to_le_bytes()].concat())
    }

    fn commit(&self, round: u32) -> Vec<u8> {
        let device = DeviceId::from_bytes(self.name().0);
        let sealed = seal(&device, &self.root(round));
        self.by(|signer| signer.commit(1, round, *sealed.as_bytes(), [3; 32]))
    }
}

/// A ledger with one run.
struct Play {
    chain: Chain,
    devices: Vec<Device>,
    trainer: Device,
    nonce: u64,
    /// The dearest transaction.
    dearest: u64,
}

impl Play {
    fn new(seats: u16) -> Self {
        let fee = BaseFeeRule { initial: 7, minimum: 7, change_denominator: 8, elasticity: 2 };
        let newest = Schedule::starting_with(Revision::new(execution::MODULES.newest()));
        let rules = Genesis { gas_limit: BLOCK_GAS, base_fee: fee, revisions: newest, ..genesis() };
        let devices = (0..seats).map(Device::new).collect();
        let trainer = Device::new(u16::MAX);
        let chain = Chain::from_genesis(&rules);
        let mut play = Self { chain, devices, trainer, nonce: 0, dearest: 0 };
        let links: Vec<Vec<u8>> = (0..seats)
            .map(|index| {
                let mut account = [9; 20];
                account[..2].copy_from_slice(&index.to_be_bytes());
                play.devices[usize::from(index)].by(|signer| signer.link(account, 1))
            })
            .collect();
        for part in links.chunks(400) {
            let calls = part.iter().map(|call| (DEVICES, 0, call.clone()));
            play.send(calls.collect());
        }
        let terms = TrainingRuns::Terms {
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
            relayFee: 1,
            spec: B256::repeat_byte(1),
            corpus: B256::repeat_byte(2),
            initialState: B256::repeat_byte(3),
        };
        let (name, endpoint) = ("wheat".to_owned(), "127.0.0.1:1".to_owned());
        let (auditor, coordinator) = (play.trainer.name(), B256::ZERO);
        let open = TrainingRuns::openCall { terms, name, auditor, coordinator, endpoint };
        play.send(vec![(TRAINING_RUNS, 10_000_000_000_000, open.abi_encode())]);
        play
    }

    /// Sends transactions of the owner in one block; returns their gas.
    fn send(&mut self, calls: Vec<(alloy_primitives::Address, u128, Vec<u8>)>) -> Vec<u64> {
        let mut transactions = Vec::new();
        for (to, value, input) in calls {
            let transaction = TxEip1559 {
                to: TxKind::Call(to),
                value: U256::from(value),
                input: input.into(),
                gas_limit: BLOCK_GAS / 2,
                max_priority_fee_per_gas: 0,
                max_fee_per_gas: 10_000,
                ..plain(self.nonce)
            };
            let gas_limit = if transactions.is_empty() { transaction.gas_limit } else { 140_000 };
            transactions.push(sign(1, TxEip1559 { gas_limit, ..transaction }));
            self.nonce += 1;
        }
        let built = self.chain.build(&transactions);
        assert!(built.refused.is_empty(), "{:?}", built.refused);
        let mut before = 0;
        let gas = built.block.receipts.iter().map(|receipt| {
            let used = receipt.cumulative_gas_used() - before;
            assert!(receipt.status(), "a transaction was reverted after {used} gas");
            before = receipt.cumulative_gas_used();
            used
        });
        let gas: Vec<u64> = gas.collect();
        self.dearest = gas.iter().copied().fold(self.dearest, u64::max);
        gas
    }

    fn call(&mut self, call: &impl SolCall) -> u64 {
        self.send(vec![(TRAINING_RUNS, 0, call.abi_encode())]).into_iter().sum()
    }

    /// Brings statements in batches; returns the gas for each statement on average.
    fn relay(&mut self, statements: &[Vec<u8>]) -> u64 {
        let mut gas = 0;
        for part in statements.chunks(BATCH) {
            let statements = part.iter().map(|bytes| Bytes::from(bytes.clone())).collect();
            gas += self.call(&TrainingRuns::relayCall { statements });
        }
        gas / u64::try_from(statements.len()).unwrap()
    }

    fn audits(&self) -> Vec<TrainingRuns::Audit> {
        let call = TrainingRuns::auditsCall { run: 1 };
        TrainingRuns::auditsCall::abi_decode_returns(&self.view(&call)).unwrap()
    }

    fn seats(&self) -> Vec<TrainingRuns::Seat> {
        let call = TrainingRuns::seatsCall { run: 1 };
        TrainingRuns::seatsCall::abi_decode_returns(&self.view(&call)).unwrap()
    }

    fn view(&self, call: &impl SolCall) -> Bytes {
        let message = execution::Call::read_only(TRAINING_RUNS, call.abi_encode().into());
        match crate::modules::run(&self.chain, &message) {
            execution::CallOutcome::Returned { output, .. } => output,
            other => panic!("{other:?}"),
        }
    }

    /// Every auditor of the open audits passes its subject's work; returns the gas for each verdict.
    fn pass_audits(&mut self) -> (usize, u64) {
        let audits = self.audits();
        let mut statements = Vec::new();
        for audit in &audits {
            let find = |name: B256| self.devices.iter().find(|device| device.name() == name);
            let subject = find(audit.subject).unwrap();
            let auditor = find(audit.auditor).unwrap_or(&self.trainer);
            let root = *subject.root(audit.round).as_bytes();
            let verdict = |signer: &Signer<'_>| {
                signer.verdict(1, audit.round, audit.subject.0, Verdict::Opened, root)
            };
            statements.push(auditor.by(verdict));
        }
        let gas = if statements.is_empty() { 0 } else { self.relay(&statements) };
        (audits.len(), gas)
    }
}

/// Gas of a run with this number of seats, as lines of a table.
fn measured(seats: u16) -> Vec<String> {
    let mut play = Play::new(seats);
    let mut lines = Vec::new();
    let enrol: Vec<Vec<u8>> =
        play.devices.iter().map(|device| device.by(|signer| signer.enroll(1, 1))).collect();
    lines.push(format!("{seats} seats: {} gas for an enrolment", play.relay(&enrol)));
    for round in 0..3 {
        let commits: Vec<Vec<u8>> =
            play.devices.iter().map(|device| device.commit(round)).collect();
        let commit = play.relay(&commits);
        assert!(commit <= COMMIT_GAS_MAX, "a commitment costs {commit} gas");
        let (state, update) = (B256::repeat_byte(4), B256::repeat_byte(5));
        let advance = play.call(&TrainingRuns::advanceCall { run: 1, round, state, update });
        let draw = play.call(&TrainingRuns::drawCall { run: 1, round });
        let (audits, verdict) = play.pass_audits();
        lines.push(format!(
            "{seats} seats, round {}: {commit} gas for a commitment, {advance} to advance, {draw} to draw, {verdict} for each of {audits} verdicts",
            round + 1
        ));
    }
    // Audits of newcomers, who all have to be audited, are done while a run goes on.
    let (gas, audits) = audit_all(&mut play);
    lines.push(format!(
        "{seats} seats: {gas} gas for {audits} more audits of newcomers, {} for each",
        gas / u64::try_from(audits.max(1)).unwrap()
    ));
    let gas = play.call(&TrainingRuns::cancelCall { run: 1 }) + settle_all(&mut play);
    let blocks = gas.div_ceil(BLOCK_GAS / 3);
    lines.push(format!(
        "{seats} seats: cancelled, all is paid and refunded for the gas of {blocks} blocks that are a third full; the dearest transaction cost {} gas, {} % of a block",
        play.dearest,
        play.dearest * 100 / BLOCK_GAS
    ));
    assert!(blocks <= 10, "it takes {blocks} blocks to settle");
    assert!(play.dearest <= BLOCK_GAS / 3, "a transaction costs {} gas", play.dearest);
    lines
}

/// Draws and audits until no audit is left. Returns the gas of it, and the number of audits.
fn audit_all(play: &mut Play) -> (u64, usize) {
    let (mut gas, mut audits, mut idle) = (0, 0, 0);
    loop {
        let (count, each) = play.pass_audits();
        let open = TrainingRuns::openRoundsCall { run: 1 };
        let open = TrainingRuns::openRoundsCall::abi_decode_returns(&play.view(&open)).unwrap();
        let due: Vec<u32> = open.iter().filter(|open| open.due).map(|open| open.round).collect();
        for round in &due {
            gas += play.call(&TrainingRuns::drawCall { run: 1, round: *round });
        }
        audits += count;
        gas += each * u64::try_from(count).unwrap();
        idle = if count == 0 && due.is_empty() { idle + 1 } else { 0 };
        if idle > 2 {
            return (gas, audits);
        }
        // The hash of a block that is not there yet may decide.
        play.send(Vec::new());
    }
}

/// Settles a run that is ending until it is over; returns the gas of it.
fn settle_all(play: &mut Play) -> u64 {
    let mut gas = 0;
    loop {
        let due = (0_u16..).zip(play.seats()).filter(|(_, seat)| seat.due);
        let indices: Vec<u16> = due.map(|(index, _)| index).collect();
        for part in indices.chunks(SETTLED) {
            gas += play.call(&TrainingRuns::settleCall { run: 1, seats: part.to_vec() });
        }
        let summary = TrainingRuns::summaryCall { run: 1 };
        let summary = TrainingRuns::summaryCall::abi_decode_returns(&play.view(&summary)).unwrap();
        if summary.phase == TrainingRuns::Phase::Finished {
            assert_eq!(summary.deposited, summary.paid + summary.refunded);
            return gas;
        }
        assert!(!indices.is_empty(), "the run does not end");
    }
}

/// The cost of a commitment does not grow with the seats, and no transaction takes more than a third of a block.
#[test]
fn runs_of_many_seats_fit_their_blocks() {
    // Run with `--nocapture` for the table.
    for seats in [16, 256] {
        for line in measured(seats) {
            eprintln!("{line}");
        }
    }
}

/// As above, with the most seats that a run may have.
#[test]
fn the_largest_run_fits_its_blocks() {
    for line in measured(1_024) {
        eprintln!("{line}");
    }
}
