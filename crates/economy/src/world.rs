//! One run: the honest, the members of a strategy, the owner and the referee.

use std::collections::BTreeSet;

use training_run::{Commitment, Finding, Input, Panel, Phase, Ruling, Terms};
use units::{AccountId, Bps, DeviceId, Digest, Wei};

use crate::coin::Coin;
use crate::ledger::{ANYONE, Audit, Ledger, OWNER, TRAINER};
use crate::plan::{Audits, Disputes, Moves, Plan, Referees, Trainer};
use crate::statistics::Outcome;

/// Rounds after the last one until everything must be decided.
const ROUNDS_TO_END: u32 = 40;

/// The referees; one that belongs to a strategy is the first.
const REFEREES: [DeviceId; 3] = [
    DeviceId::from_bytes([0xd1; 32]),
    DeviceId::from_bytes([0xd2; 32]),
    DeviceId::from_bytes([0xd3; 32]),
];

/// Chance that a strategy that disputes honest work disputes a commitment, in millionths.
const DISPUTED: u32 = 250_000;

/// A seat of the strategy with its machine.
#[derive(Clone, Copy, Debug)]
struct Member {
    device: DeviceId,
    since: u32,
}

/// A run under way.
pub(crate) struct World<'a> {
    plan: &'a Plan,
    ledger: Ledger,
    coin: Coin,
    honest: Vec<DeviceId>,
    members: Vec<Member>,
    throwaways: Vec<DeviceId>,
    /// All identities that the strategy ever had.
    own: BTreeSet<DeviceId>,
    with_machine: BTreeSet<DeviceId>,
    made_up: BTreeSet<(u32, DeviceId)>,
    computed: f64,
    identities: u32,
}

/// Plays one run.
pub(crate) fn play(plan: &Plan, seed: u64) -> Outcome {
    let mut world = World::new(plan, &terms(plan), seed);
    for _ in 0..plan.rounds {
        world.round();
    }
    world.end();
    world.outcome()
}

/// Returns the terms of the runs: audits at 10 %, an audit paid like the round that it repeats.
pub(crate) fn terms(plan: &Plan) -> Terms {
    let joined = if plan.joins == 0 { plan.members } else { 0 };
    Terms {
        rounds: plan.rounds,
        warmup_rounds: 0,
        tokens_per_round: 100,
        warmup_tokens_per_round: 100,
        price_per_token: Wei::new(10),
        audit_rate: Bps::new(1_000).expect("10 % is a share"),
        audit_pay: Bps::WHOLE,
        quorum: Bps::new(5_000).expect("50 % is a share"),
        seats_min: plan.honest + joined,
        seats_max: plan.honest + 2 * plan.members + 4 * plan.throwaways,
        round_seconds: 60,
        audit_seconds: 30,
        stall_seconds: 10_000,
        relay_fee: Wei::ZERO,
        spec: Digest::of(b"specification"),
        corpus: Digest::of(b"corpus"),
        initial_state: Digest::of(b"state"),
    }
}

/// Returns the root of a device's true work in a round.
fn true_root(device: &DeviceId, round: u32) -> Digest {
    Digest::of(&[device.as_bytes().as_slice(), &round.to_le_bytes()].concat())
}

fn commit_to(device: &DeviceId, root: &Digest) -> Commitment {
    Commitment { seal: units::seal(device, root), update: Digest::of(root.as_bytes()) }
}

/// Every device has an account of its own: accounts are free.
fn account_of(device: &DeviceId) -> AccountId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&device.as_bytes()[..20]);
    AccountId::from_bytes(bytes)
}

impl<'a> World<'a> {
    pub(crate) fn new(plan: &'a Plan, terms: &Terms, seed: u64) -> Self {
        let mut world = Self {
            plan,
            ledger: Ledger::open(terms.clone(), Coin::new(seed, 1)),
            coin: Coin::new(seed, 2),
            honest: Vec::new(),
            members: Vec::new(),
            throwaways: Vec::new(),
            own: BTreeSet::new(),
            with_machine: BTreeSet::new(),
            made_up: BTreeSet::new(),
            computed: 0.0,
            identities: 0,
        };
        for _ in 0..plan.honest {
            let device = world.identity();
            world.ledger.enroll(device, account_of(&device));
            world.honest.push(device);
        }
        world.enroll_members(0);
        world
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn identity(&mut self) -> DeviceId {
        self.identities += 1;
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&self.identities.to_le_bytes());
        bytes[4] = 1;
        DeviceId::from_bytes(bytes)
    }

    /// Enrols the members whose time has come, and those that come back.
    fn enroll_members(&mut self, round: u32) {
        for index in 0..usize::from(self.plan.members) {
            let joins = self.plan.joins + self.plan.stagger * u32::try_from(index).unwrap_or(0);
            let is_new = index >= self.members.len();
            let is_due = is_new && joins <= round;
            let has_gone =
                !is_new && self.plan.returns && !self.ledger.is_active(&self.members[index].device);
            if is_due || has_gone {
                let device = self.identity();
                self.own.insert(device);
                self.with_machine.insert(device);
                self.ledger.enroll(device, account_of(&device));
                let member = Member { device, since: round };
                if is_new {
                    self.members.push(member);
                } else {
                    self.members[index] = member;
                }
            }
        }
        if round >= self.plan.joins.max(self.plan.from) {
            for _ in 0..self.plan.throwaways {
                let device = self.identity();
                self.own.insert(device);
                if self.ledger.enroll(device, account_of(&device)) {
                    self.throwaways.push(device);
                }
            }
        }
    }

    /// Plays a round: work, the audits of the round before, rulings, the close, the draw, and what the strategy does then.
    pub(crate) fn round(&mut self) {
        if self.ledger.phase() != Phase::Training {
            return;
        }
        let round = self.ledger.round();
        self.ledger.next_block();
        self.commit_all(round);
        self.ledger.next_block();
        self.rule_all();
        self.answer_all();
        self.dispute_some(round);
        self.close(round);
        self.enroll_members(round + 1);
        if self.plan.trainer == Trainer::Hostile && round + 1 == self.plan.rounds * 2 / 3 {
            self.ledger.give(OWNER, Input::Cancel);
        }
        self.ledger.advance();
        // Whoever has not answered by now is late.
        self.ledger.wait(35);
        self.ledger.next_block();
        if self.plan.trainer != Trainer::Hostile || !round.is_multiple_of(3) {
            self.ledger.draw_all();
        }
        self.move_after_draw();
        if round.is_multiple_of(4) {
            self.ledger.settle_all();
        }
    }

    fn commit_all(&mut self, round: u32) {
        for index in 0..self.members.len() {
            let Member { device, since } = self.members[index];
            if !self.ledger.is_active(&device) {
                continue;
            }
            let may_cheat = round >= since + self.plan.from;
            let is_made_up = may_cheat && self.coin.falls(self.plan.made_up);
            if self.commit(device, round, is_made_up) && !is_made_up {
                self.computed += 1.0;
            }
            let rotates = self.plan.moves == Moves::Rotate && index % 2 == 0;
            if rotates || (is_made_up && self.plan.moves == Moves::LeaveAfter) {
                self.ledger.leave(device);
            }
        }
        for device in self.throwaways.clone() {
            self.commit(device, round, true);
        }
        for device in self.honest.clone() {
            self.commit(device, round, false);
        }
    }

    fn commit(&mut self, device: DeviceId, round: u32, is_made_up: bool) -> bool {
        let root = if is_made_up { self.coin.digest() } else { true_root(&device, round) };
        let commitment = commit_to(&device, &root);
        let is_taken = self.ledger.give(ANYONE, Input::Commit { device, round, commitment });
        if is_taken && is_made_up {
            self.made_up.insert((round, device));
        }
        is_taken
    }

    /// The owner closes the round; if it may not, everybody waits for the deadline and the quorum is lowered.
    fn close(&mut self, round: u32) {
        for _ in 0..8 {
            if self.ledger.phase() != Phase::Training || self.ledger.round() != round {
                return;
            }
            if !self.ledger.give(OWNER, Input::Close { round }) {
                self.ledger.wait(61);
                self.ledger.give(ANYONE, Input::Lapse { round });
            }
        }
    }

    /// The referees vote on all open disputes.
    fn rule_all(&mut self) {
        for (round, subject) in std::mem::take(&mut self.ledger.disputes) {
            let Commitment { seal, update } = commit_to(&subject, &true_root(&subject, round));
            let truth = Ruling::Replayed { seal, update };
            let votes = match self.plan.referees {
                Referees::Honest => vec![truth],
                Referees::OneOfThree => {
                    let Commitment { seal, update } = self.ledger.commitment(round, &subject);
                    let lie = match self.own.contains(&subject) {
                        true => Ruling::Replayed { seal, update },
                        false => Ruling::Replayed { seal: update, update: seal },
                    };
                    vec![lie, truth, truth]
                }
            };
            let members: Vec<DeviceId> = REFEREES[..votes.len()].to_vec();
            let threshold = if votes.len() == 1 { 1 } else { 2 };
            for (referee, ruling) in members.clone().into_iter().zip(votes) {
                let panel = Panel { members: members.clone(), threshold };
                self.ledger.give(ANYONE, Input::Rule { round, subject, referee, ruling, panel });
            }
        }
    }

    fn answer_all(&mut self) {
        for audit in std::mem::take(&mut self.ledger.audits) {
            let Audit { round, subject, auditor } = audit;
            if let Some(finding) = self.finding(audit) {
                self.ledger.give(ANYONE, Input::Verdict { auditor, round, subject, finding });
            }
        }
    }

    /// Returns what an auditor says, if anything.
    fn finding(&mut self, audit: Audit) -> Option<Finding> {
        let Audit { round, subject, auditor } = audit;
        let is_own = self.own.contains(&subject);
        if auditor == TRAINER {
            return match self.plan.trainer {
                Trainer::Honest | Trainer::OwnSeats => Some(self.truth(audit)),
                Trainer::Offline => None,
                Trainer::Hostile if is_own => Some(self.truth(audit)),
                Trainer::Hostile => Some(Finding::Mismatch),
            };
        }
        if !self.own.contains(&auditor) {
            return Some(self.truth(audit));
        }
        let passed = Finding::Passed { seal: self.ledger.commitment(round, &subject).seal };
        let is_made_up = self.made_up.contains(&(round, subject));
        match self.plan.audits {
            Audits::Silent => None,
            Audits::Unavailable => Some(Finding::Unavailable),
            Audits::Guess => {
                Some(Finding::Passed { seal: units::seal(&subject, &self.coin.digest()) })
            }
            Audits::Vouch | Audits::Frame if is_own => Some(passed),
            Audits::VouchMadeUp if is_made_up => Some(passed),
            Audits::Frame => Some(Finding::Mismatch),
            Audits::Denounce if is_own && is_made_up => Some(Finding::Mismatch),
            Audits::Replay | Audits::Vouch | Audits::VouchMadeUp | Audits::Denounce => {
                self.computed += 1.0;
                Some(self.truth(audit))
            }
        }
    }

    /// Replays: opens the seal with the true root, if it opens.
    fn truth(&mut self, audit: Audit) -> Finding {
        let Audit { round, subject, .. } = audit;
        let replayed = commit_to(&subject, &true_root(&subject, round));
        if replayed == self.ledger.commitment(round, &subject) {
            Finding::Passed { seal: replayed.seal }
        } else {
            Finding::Mismatch
        }
    }

    /// Disputes honest work: of this round before its draw, of the one before after it, and of old ones.
    fn dispute_some(&mut self, round: u32) {
        if self.plan.disputes == Disputes::None || round < self.plan.from {
            return;
        }
        for subject in self.honest.clone() {
            for round in [round, round.saturating_sub(1), round.saturating_sub(5)] {
                if !self.coin.falls(DISPUTED / 3) {
                    continue;
                }
                if self.plan.disputes == Disputes::ByAccount {
                    self.accuse(round, subject);
                } else if let Some(Member { device, .. }) = self.members.first().copied() {
                    let (auditor, finding) = (device, Finding::Mismatch);
                    self.ledger.give(ANYONE, Input::Verdict { auditor, round, subject, finding });
                }
            }
        }
    }

    /// An account of the strategy disputes a commitment, with a bond.
    fn accuse(&mut self, round: u32, subject: DeviceId) {
        let bond = self.ledger.terms().work_pay(round).unwrap_or(Wei::ZERO);
        self.ledger
            .give(AccountId::from_bytes([0xaa; 20]), Input::Dispute { round, subject, bond });
    }

    fn move_after_draw(&mut self) {
        for Audit { round, subject, auditor } in self.ledger.audits.clone() {
            if !self.made_up.contains(&(round, subject)) || self.own.contains(&auditor) {
                continue;
            }
            match self.plan.moves {
                Moves::LeaveWhenDrawn => {
                    self.ledger.leave(subject);
                }
                Moves::DenounceSelf => self.accuse(round, subject),
                Moves::Stay | Moves::LeaveAfter | Moves::Rotate => {}
            }
        }
    }

    /// Lets everything be decided and paid.
    pub(crate) fn end(&mut self) {
        if !matches!(self.ledger.phase(), Phase::WindingUp(_)) {
            self.ledger.give(OWNER, Input::Cancel);
        }
        for _ in 0..ROUNDS_TO_END {
            self.ledger.next_block();
            self.rule_all();
            self.answer_all();
            self.ledger.wait(35);
            self.ledger.next_block();
            self.ledger.draw_all();
            if self.ledger.disputes.is_empty() && self.ledger.audits.is_empty() {
                self.ledger.settle_all();
            }
            if matches!(self.ledger.phase(), Phase::Finished(_)) {
                return;
            }
        }
        panic!("the run does not end: {}, {:?}", self.plan.name, self.ledger.phase());
    }

    fn outcome(&self) -> Outcome {
        let sum = |devices: &mut dyn Iterator<Item = &DeviceId>| {
            devices.fold((0, 0), |(paid, committed), device| {
                let tally = self.ledger.tally(device);
                (paid + tally.paid, committed + tally.committed)
            })
        };
        let (paid, committed) = sum(&mut self.own.iter());
        let (_, rounds) = sum(&mut self.with_machine.iter());
        let unpaid = self.honest.iter().map(|device| {
            let tally = self.ledger.tally(device);
            f64::from(tally.committed - tally.verified)
                + self.ledger.pay_of(tally.credited - tally.paid)
        });
        let earned = match self.plan.trainer {
            Trainer::Honest | Trainer::Offline => self.ledger.pay_of(paid) + self.ledger.bonds,
            // An owner's own seats are paid out of its own escrow: it gains the work that it does not pay for.
            Trainer::Hostile | Trainer::OwnSeats => unpaid.sum(),
        };
        let harmed = self.honest.iter().filter(|device| {
            let tally = self.ledger.tally(device);
            let is_unpaid = tally.committed != tally.verified || tally.credited != tally.paid;
            tally.is_expelled || tally.has_left || is_unpaid
        });
        let computed = match self.plan.trainer {
            Trainer::Honest | Trainer::Offline => self.computed,
            Trainer::Hostile | Trainer::OwnSeats => 0.0,
        };
        Outcome {
            earned,
            computed,
            rounds: f64::from(rounds),
            rounds_without: f64::from(committed - rounds),
            honest_harmed: u32::try_from(harmed.count()).unwrap_or(u32::MAX),
        }
    }
}
