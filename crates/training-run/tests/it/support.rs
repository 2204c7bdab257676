//! A run with a clock, and digests whose bytes say what they stand for.

use training_run::{
    Audit, Check, Commitment, Context, Effect, Escrow, Finding, Input, Phase, Refused, Run, Seat,
    SeatIndex, Terms,
};
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

use crate::books::Books;

/// The root of honest work, in any round.
pub(crate) const HONEST: u8 = 1;

/// The account that opens every run.
pub(crate) const OWNER: AccountId = AccountId::from_bytes([200; 20]);

/// Returns the device with a number.
pub(crate) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 32])
}

/// Returns the account with a number.
pub(crate) fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 20])
}

/// Returns a root sealed under the name of a device.
pub(crate) fn seal(device: DeviceId, root: u8) -> Digest {
    let mut bytes = *device.as_bytes();
    bytes[31] = root;
    bytes[30] = 0x5e;
    Digest::from_bytes(bytes)
}

/// Returns a commitment to a root.
pub(crate) fn commitment(device: DeviceId, root: u8) -> Commitment {
    Commitment { seal: seal(device, root), update: Digest::from_bytes([root; 32]) }
}

/// Returns the finding of an auditor whose replay gave `root`.
pub(crate) fn finding(run: &Run, round: u32, subject: DeviceId, root: u8) -> Finding {
    let Some((auditor, audit)) = audit(run, round, subject) else { return Finding::Unavailable };
    let name = |index: SeatIndex| run.seat(index).unwrap().device;
    let for_claimants: Vec<Digest> =
        audit.claims.iter().map(|(claimant, _)| seal(name(*claimant), root)).collect();
    let is_opened = entry_seal(run, round, subject) == Some(seal(subject, root))
        || audit.claims.iter().zip(&for_claimants).any(|((_, claim), opened)| claim == opened);
    if is_opened {
        Finding::Opened { for_subject: seal(subject, root), for_claimants }
    } else {
        Finding::Mismatch { sealed: seal(auditor, root) }
    }
}

fn entry_seal(run: &Run, round: u32, subject: DeviceId) -> Option<Digest> {
    entries(run).find(|(found, device, ..)| (*found, *device) == (round, subject)).map(|e| e.2)
}

/// Returns the open audit of a device, and its auditor.
pub(crate) fn audit(run: &Run, round: u32, subject: DeviceId) -> Option<(DeviceId, Audit)> {
    open_audits(run)
        .into_iter()
        .find(|(found, device, ..)| (*found, *device) == (round, subject))
        .map(|(_, _, auditor, audit)| (auditor, audit))
}

/// Returns every open audit: round, subject, auditor.
pub(crate) fn open_audits(run: &Run) -> Vec<(u32, DeviceId, DeviceId, Audit)> {
    entries(run)
        .filter_map(|(round, subject, _, check)| match check {
            Check::Audit(audit) => {
                Some((round, subject, run.seat(audit.auditor)?.device, audit.clone()))
            }
            Check::None | Check::Passed => None,
        })
        .collect()
}

fn entries(run: &Run) -> impl Iterator<Item = (u32, DeviceId, Digest, &Check)> {
    run.closed_rounds().flat_map(move |(round, closed)| {
        closed.entries.iter().map(move |(index, entry)| {
            (round, run.seat(*index).unwrap().device, entry.commitment.seal, &entry.check)
        })
    })
}

/// Returns the terms of a small run: three rounds, and a quarter of a round's pay for a verdict.
pub(crate) fn terms() -> Terms {
    Terms {
        rounds: 3,
        warmup_rounds: 1,
        tokens_per_round: 10,
        warmup_tokens_per_round: 4,
        price_per_token: Wei::new(7),
        audit_rate: Bps::new(0).unwrap(),
        audit_pay: Bps::new(2_500).unwrap(),
        quorum: Bps::new(6_000).unwrap(),
        seats_min: 3,
        seats_max: 6,
        round_seconds: 100,
        audit_seconds: 50,
        stall_seconds: 1_000,
        hold_back_rounds: 0,
        spec: Digest::from_bytes([1; 32]),
        corpus: Digest::from_bytes([2; 32]),
        initial_state: Digest::from_bytes([3; 32]),
    }
}

/// A run, its clock, and the model that checks every step.
pub(crate) struct Table {
    pub(crate) run: Run,
    books: Books,
    pub(crate) context: Context,
}

impl Table {
    /// Returns a run with exactly the required deposit and this many devices, each of its own account.
    pub(crate) fn with_devices(terms: Terms, devices: u8) -> Self {
        let mut table = Self::open(Terms { seats_min: u16::from(devices), ..terms }, 0);
        for number in 1..=devices {
            table.enroll(number).unwrap();
        }
        table
    }

    /// Returns a run with more than the required deposit.
    pub(crate) fn open(terms: Terms, extra: u64) -> Self {
        let context = Context {
            now: UnixSeconds::new(1_000),
            height: 10,
            caller: OWNER,
            randomness: Digest::from_bytes([9; 32]),
        };
        let deposit = terms.required_deposit().unwrap();
        let deposit = deposit.checked_add(Wei::new(u128::from(extra))).unwrap();
        let run = Run::open(terms, OWNER, deposit, &context).unwrap();
        Self { run, books: Books::default(), context }
    }

    /// Applies one input; the outer error is a broken rule.
    pub(crate) fn try_step(
        &mut self,
        input: Input,
    ) -> Result<Result<Vec<Effect>, Refused>, String> {
        self.books.step(&mut self.run, &self.context, input)
    }

    /// Applies one input by the owner.
    pub(crate) fn step(&mut self, input: Input) -> Result<Vec<Effect>, Refused> {
        self.try_step(input).expect("every rule holds after every step")
    }

    /// Applies one input by another account.
    pub(crate) fn step_by_stranger(&mut self, input: Input) -> Result<Vec<Effect>, Refused> {
        self.context.caller = account(201);
        let outcome = self.step(input);
        self.context.caller = OWNER;
        outcome
    }

    /// Advances the clock, and the height by one block.
    pub(crate) fn wait(&mut self, seconds: u32) {
        self.context.now = self.context.now.after(seconds);
        self.context.height += 1;
    }

    pub(crate) fn enroll(&mut self, number: u8) -> Result<Vec<Effect>, Refused> {
        self.step(Input::Enroll { device: device(number), account: account(number) })
    }

    pub(crate) fn commit(&mut self, number: u8, root: u8) -> Result<Vec<Effect>, Refused> {
        let (round, device) = (self.run.round(), device(number));
        let commitment = commitment(device, root);
        self.step(Input::Commit { device, round, commitment })
    }

    pub(crate) fn commit_honestly(&mut self, numbers: impl IntoIterator<Item = u8>) {
        for number in numbers {
            self.commit(number, HONEST).unwrap();
        }
    }

    pub(crate) fn advance(&mut self) -> Vec<Effect> {
        let round = self.run.round();
        let number = u8::try_from(round).unwrap();
        let (state, update) =
            (Digest::from_bytes([100 + number; 32]), Digest::from_bytes([50 + number; 32]));
        self.step(Input::Advance { round, state, update }).unwrap()
    }

    /// Draws a round two blocks later.
    pub(crate) fn draw(&mut self, round: u32) -> Vec<Effect> {
        self.context.height += 2;
        self.step(Input::Draw { round, randomness: Digest::from_bytes([5; 32]) }).unwrap()
    }

    /// Submits the finding of the present auditor whose replay gave `root`; returns that auditor and the effects.
    pub(crate) fn audit(&mut self, round: u32, subject: u8, root: u8) -> (u8, Vec<Effect>) {
        let subject = device(subject);
        let (auditor, _) = audit(&self.run, round, subject).unwrap();
        let finding = finding(&self.run, round, subject, root);
        let input = Input::Verdict { auditor, round, subject, finding };
        (auditor.as_bytes()[0], self.step(input).unwrap())
    }

    /// Answers every open audit honestly.
    pub(crate) fn audit_all(&mut self) {
        while let Some((round, subject, ..)) = open_audits(&self.run).first().cloned() {
            self.audit(round, subject.as_bytes()[0], HONEST);
        }
    }

    pub(crate) fn seat(&self, number: u8) -> &Seat {
        self.run.seats().iter().find(|seat| seat.device == device(number)).unwrap()
    }

    pub(crate) fn paid(&self, number: u8) -> u128 {
        self.seat(number).paid.as_u128()
    }

    /// Ends the run without help from auditors: the owner cancels, all rounds are drawn, no evidence is found.
    pub(crate) fn wind_up(&mut self) -> Result<(), String> {
        self.context.caller = OWNER;
        let _over = self.try_step(Input::Cancel)?;
        self.context.height += 2;
        let undrawn: Vec<u32> =
            self.run.closed_rounds().filter(|(_, r)| !r.drawn).map(|(round, _)| round).collect();
        for round in undrawn {
            let randomness = Digest::from_bytes([6; 32]);
            self.try_step(Input::Draw { round, randomness })?.map_err(|e| e.to_string())?;
        }
        while let Some((round, subject, auditor, _)) = open_audits(&self.run).first().cloned() {
            let finding = Finding::Unavailable;
            let input = Input::Verdict { auditor, round, subject, finding };
            self.try_step(input)?.map_err(|error| error.to_string())?;
        }
        let Escrow { deposited, paid, refunded } = self.run.escrow();
        let is_even = paid.checked_add(refunded) == Ok(deposited);
        match self.run.phase() {
            Phase::Finished(_) if is_even => Ok(()),
            phase => Err(format!("{phase:?} with {paid} + {refunded} of {deposited}")),
        }
    }
}
