//! A run whose devices claim their work, on a host without an EVM.

use abi::{
    DEVICES, Devices, GRAIN, ISSUANCE, Issuance, PARAMETERS, Parameters, REFEREES, TRAINING_RUNS,
    TrainingRuns::{self, Verdict},
    WORK_HOUSE, WorkHouse, convert, statement,
    statement::Found,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use native_kit::{
    Failure, Host as _, Table,
    test_host::{CHAIN_ID, TestHost},
};
use units::{Digest, seal};

use super::super::{AUDITOR, OWNER, by, device, signed};
use crate::{ISSUER, TABLE, referees};

/// A referee's key.
pub(super) const REFEREE: u8 = 20;
/// Pay of a device for a round.
pub(super) const ROUND_PAY: u64 = 128_000 * 7;
/// Units of work of a device in a round: 128,000 tokens of 63,264 floating-point operations.
pub(super) const ROUND_WORK: u64 = 8_097;
/// GRAIN at the beginning, so that a bucket for work is a round number.
pub(super) const SUPPLY: u64 = 52_000_000_000_000;
/// Number of rounds.
const ROUNDS: u32 = 60;

/// Returns the account of a device.
pub(in crate::tests) fn own(number: u8) -> Address {
    Address::repeat_byte(number)
}

pub(super) fn specification() -> Vec<u8> {
    let seed = "0".repeat(64);
    format!(
        "{{\"model\":{{\"layers\":1,\"width\":8,\"heads\":1,\"context\":1000,\"vocabulary\":256,\"hidden\":10}},\
         \"seed\":\"{seed}\",\"rounds\":{ROUNDS},\"warmup_rounds\":0,\"warmup_steps\":1,\"steps_per_round\":2,\
         \"batch\":64,\"shards_per_round\":1}}"
    )
    .into_bytes()
}

pub(super) fn terms() -> TrainingRuns::Terms {
    TrainingRuns::Terms {
        rounds: ROUNDS,
        warmupRounds: 0,
        tokensPerRound: 128_000,
        warmupTokensPerRound: 1,
        pricePerToken: 7,
        spec: convert::digest_word(Digest::of(&specification())),
        relayFee: 0,
        ..super::super::terms()
    }
}

/// A ledger with one run, whose rounds are played at once.
#[derive(Clone)]
pub(in crate::tests) struct Story {
    pub(in crate::tests) host: TestHost,
    /// Seconds from the draw of an auditor to its verdict.
    pub(in crate::tests) answer_seconds: u64,
    devices: Vec<u8>,
    seats: u16,
    round: u32,
}

impl Story {
    /// Opens a run with these devices and their accounts.
    pub(in crate::tests) fn new(devices: &[(u8, Address)]) -> Self {
        Self::with_terms(devices, terms())
    }

    pub(super) fn with_terms(devices: &[(u8, Address)], terms: TrainingRuns::Terms) -> Self {
        // All of them take part in the first round.
        let terms =
            TrainingRuns::Terms { seatsMin: u16::try_from(devices.len()).unwrap(), ..terms };
        let mut host = TestHost::of(Table::new(TABLE).with_issuance(ISSUER));
        host.give(OWNER, u64::MAX / 4);
        let supply = Some((GRAIN, U256::from(2), U256::from(SUPPLY)));
        let named = referees::storage(&[device(REFEREE)], 1).into_iter();
        let named = named.map(|(slot, word)| (REFEREES, slot, word));
        for (module, slot, word) in named.chain(supply) {
            host.within(module, |host| host.store(slot, word)).unwrap();
        }
        let open = TrainingRuns::openCall {
            terms,
            name: "barley".to_owned(),
            auditor: device(AUDITOR),
            coordinator: B256::ZERO,
            endpoint: String::new(),
        };
        host.transact(TRAINING_RUNS, OWNER, 2_000_000_000, &open.abi_encode()).unwrap();
        let mut story = Self { host, answer_seconds: 0, devices: Vec::new(), seats: 0, round: 0 };
        for (number, account) in devices {
            story.enroll(*number, *account, (1, 1));
            story.devices.push(*number);
            story.seats += 1;
        }
        story.set(&governance::LEAST_BURN, 0);
        story
    }

    /// Registers the run.
    pub(super) fn registered(mut self) -> Self {
        self.register().unwrap();
        self
    }

    pub(super) fn register(&mut self) -> Result<Vec<u8>, Failure> {
        let specification = specification().into();
        self.call(OWNER, 0, &Issuance::registerRunCall { run: 1, specification })
    }

    /// Changes a parameter, as a vote would.
    pub(super) fn set(&mut self, parameter: &governance::Parameter, value: u64) {
        let key = parameter.key().into();
        let call = Parameters::setCall { key, value: U256::from(value) }.abi_encode();
        self.host.transact(PARAMETERS, abi::GOVERNOR, 0, &call).unwrap();
    }

    pub(super) fn call<C: SolCall>(
        &mut self,
        caller: Address,
        value: u64,
        call: &C,
    ) -> Result<Vec<u8>, Failure> {
        self.host.transact(ISSUANCE, caller, value, &call.abi_encode())
    }

    fn runs<C: SolCall>(&mut self, call: &C) {
        self.host.transact(TRAINING_RUNS, OWNER, 0, &call.abi_encode()).unwrap();
    }

    pub(super) fn view<C: SolCall>(&mut self, module: Address, call: &C) -> C::Return {
        C::abi_decode_returns(&self.host.read(module, &call.abi_encode()).unwrap()).unwrap()
    }

    pub(super) fn wait(&mut self, seconds: u64, blocks: u64) {
        self.host.time += seconds;
        self.host.height += blocks;
    }

    /// What a device commits to in a round: the root, which all auditors know.
    fn root(round: u32, number: u8, is_true: bool) -> Digest {
        Digest::of(&[number, round.to_le_bytes()[0], is_true.into()])
    }

    fn update(round: u32, number: u8) -> Digest {
        Digest::of(&[number, round.to_le_bytes()[0], 7])
    }

    /// Plays rounds: all devices commit, everybody passes everybody's work, and verified work is counted. Devices in `cheats` have
    /// computed nothing.
    pub(in crate::tests) fn play(&mut self, rounds: u32, cheats: &[u8]) {
        for _ in 0..rounds {
            let round = self.round;
            for number in self.devices.clone() {
                let root = Self::root(round, number, !cheats.contains(&number));
                let seal = *seal(&convert::device(device(number)), &root).as_bytes();
                let update = *Self::update(round, number).as_bytes();
                let call = by(number, |device| device.commit(1, round, seal, update));
                self.host.transact(TRAINING_RUNS, OWNER, 0, &call).unwrap();
            }
            let (state, update) = (B256::repeat_byte(1), B256::repeat_byte(2));
            self.runs(&TrainingRuns::advanceCall { run: 1, round, state, update });
            self.round += 1;
            self.audit(cheats);
        }
    }

    /// Draws audits and passes them until nothing is left, and settles all seats.
    fn audit(&mut self, cheats: &[u8]) {
        loop {
            self.wait(1, 2);
            let open = self.view(TRAINING_RUNS, &TrainingRuns::openRoundsCall { run: 1 });
            let due: Vec<u32> = open.iter().filter(|it| it.due).map(|it| it.round).collect();
            for round in &due {
                self.runs(&TrainingRuns::drawCall { run: 1, round: *round });
            }
            let audits = self.view(TRAINING_RUNS, &TrainingRuns::auditsCall { run: 1 });
            if due.is_empty() && audits.is_empty() {
                break;
            }
            self.wait(self.answer_seconds, 0);
            for audit in audits {
                let of = |key: B256| (1..=AUDITOR).find(|number| device(*number) == key).unwrap();
                let (subject, auditor, round) = (of(audit.subject), of(audit.auditor), audit.round);
                let root = Self::root(round, subject, !cheats.contains(&subject));
                let (named, root) = (audit.subject.0, *root.as_bytes());
                let kind = Verdict::Opened;
                let call = by(auditor, |device| device.verdict(1, round, named, kind, root));
                self.host.transact(TRAINING_RUNS, OWNER, 0, &call).unwrap();
            }
        }
        let seats = (0..self.seats).collect();
        self.runs(&TrainingRuns::settleCall { run: 1, seats });
    }

    /// Links a device to an account, and takes a seat for it: the numbers of the two statements are given.
    fn enroll(&mut self, number: u8, account: Address, (link, enroll): (u64, u64)) {
        let (key, text) = (device(number), account.into_array());
        let signature = signed(number, &statement::link(CHAIN_ID, &key.0, &text, link));
        let link = Devices::linkCall { device: key, account, nonce: link, signature };
        self.host.transact(DEVICES, OWNER, 0, &link.abi_encode()).unwrap();
        let enroll = by(number, |device| device.enroll(1, enroll));
        self.host.transact(TRAINING_RUNS, OWNER, 0, &enroll).unwrap();
        self.host.give(account, u64::MAX / 64);
    }

    /// Lets a device join, which takes part from the round after the next on.
    pub(super) fn join(&mut self, number: u8, account: Address) {
        self.enroll(number, account, (1, 1));
        self.seats += 1;
        self.play(1, &[]);
        self.devices.push(number);
    }

    /// Lets a device leave, and take a seat for another account once it is paid.
    pub(super) fn move_to(&mut self, number: u8, account: Address) {
        let leave = by(number, |device| device.leave(1, 2));
        self.host.transact(TRAINING_RUNS, OWNER, 0, &leave).unwrap();
        self.devices.retain(|it| *it != number);
        self.play(3, &[]);
        // Its seat is free by now, and used again.
        self.enroll(number, account, (2, 3));
        self.play(1, &[]);
        self.devices.push(number);
    }

    /// Ends the run and has everybody paid.
    pub(super) fn finish(&mut self) {
        self.runs(&TrainingRuns::cancelCall { run: 1 });
        self.audit(&[]);
    }

    pub(super) fn quote(&mut self, number: u8) -> Issuance::Quote {
        self.view(ISSUANCE, &Issuance::quoteCall { run: 1, device: device(number) })
    }

    pub(super) fn work(&mut self, number: u8) -> Issuance::Work {
        self.view(ISSUANCE, &Issuance::workCall { run: 1, device: device(number) })
    }

    pub(super) fn request(&mut self, number: u8, account: Address) -> Result<Vec<u8>, Failure> {
        let bond = u64::try_from(self.quote(number).bond).unwrap();
        self.call(account, bond, &Issuance::requestCall { run: 1, device: device(number) })
    }

    pub(super) fn draw(&mut self, number: u8) -> Result<Vec<u8>, Failure> {
        self.call(OWNER, 0, &Issuance::drawCall { run: 1, device: device(number) })
    }

    pub(super) fn conclude(&mut self, number: u8) -> Result<Vec<u8>, Failure> {
        self.call(OWNER, 0, &Issuance::concludeCall { run: 1, device: device(number) })
    }

    /// Has the referee repeat whatever is disputed. Without data it can't.
    pub(super) fn rule(&mut self, has_data: bool) {
        let disputes = self.view(TRAINING_RUNS, &TrainingRuns::disputesCall { run: 1 });
        for TrainingRuns::Dispute { round, subject, .. } in disputes {
            let number = (1..=AUDITOR).find(|number| device(*number) == subject).unwrap();
            let (root, update) = (Self::root(round, number, true), Self::update(round, number));
            let found = Found::replayed(*root.as_bytes(), *update.as_bytes());
            let found = if has_data { found } else { Found::unavailable() };
            let signed_text = statement::ruling(CHAIN_ID, 1, round, &subject.0, &found);
            let call = TrainingRuns::ruleCall {
                run: 1,
                round,
                subject,
                referee: device(REFEREE),
                kind: found.kind,
                leaf: found.leaf,
                root: found.root.into(),
                update: found.update.into(),
                signature: signed(REFEREE, &signed_text),
            };
            // The device may have been expelled for another round.
            let given = self.host.transact(TRAINING_RUNS, own(REFEREE), 0, &call.abi_encode());
            assert!(given.is_ok() || found.kind == TrainingRuns::Ruling::Replayed);
        }
    }

    /// Has a device's rounds checked, up to what the referees say.
    pub(super) fn check(&mut self, number: u8, account: Address) {
        self.request(number, account).unwrap();
        self.wait(1, 2);
        self.draw(number).unwrap();
        self.rule(true);
        self.conclude(number).unwrap();
    }

    /// Collects everything that can be.
    pub(super) fn collect(&mut self, number: u8, account: Address) -> Result<Vec<u8>, Failure> {
        let burn = u64::try_from(self.work(number).burn).unwrap();
        self.call(account, burn, &Issuance::collectCall { run: 1, device: device(number) })
    }

    pub(super) fn rewards(&mut self, account: Address) -> Issuance::Rewards {
        self.view(ISSUANCE, &Issuance::rewardsCall { account })
    }

    /// Voice that was minted for an account, and counts in 30 days.
    pub(super) fn voice_of(&mut self, account: Address) -> U256 {
        self.view(WORK_HOUSE, &WorkHouse::pendingCall { account }).voice
    }
}
