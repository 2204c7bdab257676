//! A run's records in storage slots.

use std::collections::BTreeMap;

use abi::{
    TRAINING_RUNS, TrainingRuns as sol,
    convert::{account, address, device, device_word, digest, digest_word},
};
use alloy_primitives::{B256, U256};
use native_kit::{
    Failure, Host,
    slots::{Value, Word},
};
use training_run::{
    Accuser, Auditor, Bar, Book, Cause, Check, Commitment, Dispute, Ending, Entry, Escrow, Head,
    Phase, Place, Refused, Round, RoundWindow, Ruling, Seat, SeatIndex, Standing, Terms, Vote,
};
use units::{Bps, DeviceId, Digest, UnixSeconds, Wei};

use super::layout::{RUNS, StoredDispute, StoredEntry, StoredRound, StoredRun, StoredVote};

/// The place of the owner's device among auditors.
const TRAINER: u16 = u16::MAX;

/// Kinds of votes, as in the interface.
const REPLAYED: u8 = 0;
const UNAVAILABLE: u8 = 1;
const DIFFERS: u8 = 2;

/// Why an input was not applied.
pub(crate) enum Stopped {
    /// The rules refused it.
    Refused(Refused),
    /// Storage could not be read or written.
    Failed(Failure),
}

impl From<Refused> for Stopped {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

type Result<T> = std::result::Result<T, Stopped>;

/// The records of one run. Each word is read once; what changed is written by [`Self::flush`], and by nothing else: an
/// input that is refused has written nothing. Other modules read it too.
pub(crate) struct SlotBook<'a> {
    pub(super) host: &'a mut dyn Host,
    pub(super) run: StoredRun,
    words: BTreeMap<U256, (U256, U256)>,
}

impl<'a> SlotBook<'a> {
    /// Opens the records of a run.
    ///
    /// # Errors
    /// [`sol::NoSuchRun`] when there is no such run.
    pub(super) fn open(host: &'a mut dyn Host, id: u64) -> std::result::Result<Self, Failure> {
        let run = RUNS.of(host, id)?;
        let mut book = Self { host, run, words: BTreeMap::new() };
        if book.word(run.head.phase)? == 0 {
            return Err(Failure::revert(&sol::NoSuchRun { run: id }));
        }
        Ok(book)
    }

    /// Opens the records of a run that does not exist yet.
    pub(super) fn new(host: &'a mut dyn Host, id: u64) -> std::result::Result<Self, Failure> {
        let run = RUNS.of(host, id)?;
        Ok(Self { host, run, words: BTreeMap::new() })
    }

    /// Writes what changed.
    pub(super) fn flush(&mut self) -> std::result::Result<(), Failure> {
        for (slot, (before, after)) in std::mem::take(&mut self.words) {
            if before != after {
                self.host.store(slot, after)?;
            }
        }
        Ok(())
    }

    fn load(&mut self, slot: U256) -> std::result::Result<U256, Failure> {
        if let Some((_, now)) = self.words.get(&slot) {
            return Ok(*now);
        }
        let word = self.host.load_of(TRAINING_RUNS, slot)?;
        self.words.insert(slot, (word, word));
        Ok(word)
    }

    pub(super) fn word<T: Word>(&mut self, value: Value<T>) -> std::result::Result<T, Failure> {
        let word = self.load(value.slot())?;
        Ok(value.of_word(word))
    }

    pub(super) fn set<T: Word>(
        &mut self,
        value: Value<T>,
        new: T,
    ) -> std::result::Result<(), Failure> {
        let word = self.load(value.slot())?;
        if let Some((_, now)) = self.words.get_mut(&value.slot()) {
            *now = value.into_word(word, new);
        }
        Ok(())
    }

    fn wei(&mut self, value: Value<u128>) -> std::result::Result<Wei, Failure> {
        self.word(value).map(Wei::new)
    }

    fn seconds(&mut self, value: Value<u64>) -> std::result::Result<UnixSeconds, Failure> {
        self.word(value).map(UnixSeconds::new)
    }

    fn digest(&mut self, value: Value<B256>) -> std::result::Result<Digest, Failure> {
        self.word(value).map(digest)
    }

    /// Reads the terms without their digests, which no input needs.
    pub(super) fn terms(&mut self) -> std::result::Result<Terms, Failure> {
        let stored = self.run.terms;
        let mut share = |value| {
            let bps = self.word(value)?;
            Bps::new(bps).map_err(|_| Failure::Broken(format!("a share of {bps} basis points")))
        };
        let [audit_rate, audit_pay, quorum] =
            [share(stored.audit_rate)?, share(stored.audit_pay)?, share(stored.quorum)?];
        Ok(Terms {
            rounds: self.word(stored.rounds)?,
            warmup_rounds: self.word(stored.warmup_rounds)?,
            tokens_per_round: self.word(stored.tokens_per_round)?,
            warmup_tokens_per_round: self.word(stored.warmup_tokens_per_round)?,
            price_per_token: self.wei(stored.price_per_token)?,
            audit_rate,
            audit_pay,
            quorum,
            seats_min: self.word(stored.seats_min)?,
            seats_max: self.word(stored.seats_max)?,
            round_seconds: self.word(stored.round_seconds)?,
            audit_seconds: self.word(stored.audit_seconds)?,
            stall_seconds: self.word(stored.stall_seconds)?,
            relay_fee: self.wei(stored.relay_fee)?,
            spec: Digest::ZERO,
            corpus: Digest::ZERO,
            initial_state: Digest::ZERO,
        })
    }

    /// Reads the terms with their digests.
    pub(super) fn whole_terms(&mut self) -> std::result::Result<Terms, Failure> {
        let stored = self.run.subjects;
        Ok(Terms {
            spec: self.digest(stored.spec)?,
            corpus: self.digest(stored.corpus)?,
            initial_state: self.digest(stored.initial_state)?,
            ..self.terms()?
        })
    }

    pub(super) fn set_terms(&mut self, terms: &Terms) -> std::result::Result<(), Failure> {
        let (stored, subjects) = (self.run.terms, self.run.subjects);
        self.set(stored.rounds, terms.rounds)?;
        self.set(stored.warmup_rounds, terms.warmup_rounds)?;
        self.set(stored.tokens_per_round, terms.tokens_per_round)?;
        self.set(stored.warmup_tokens_per_round, terms.warmup_tokens_per_round)?;
        self.set(stored.price_per_token, terms.price_per_token.as_u128())?;
        self.set(stored.audit_rate, terms.audit_rate.as_u16())?;
        self.set(stored.audit_pay, terms.audit_pay.as_u16())?;
        self.set(stored.quorum, terms.quorum.as_u16())?;
        self.set(stored.seats_min, terms.seats_min)?;
        self.set(stored.seats_max, terms.seats_max)?;
        self.set(stored.round_seconds, terms.round_seconds)?;
        self.set(stored.audit_seconds, terms.audit_seconds)?;
        self.set(stored.stall_seconds, terms.stall_seconds)?;
        self.set(stored.relay_fee, terms.relay_fee.as_u128())?;
        self.set(subjects.spec, digest_word(terms.spec))?;
        self.set(subjects.corpus, digest_word(terms.corpus))?;
        self.set(subjects.initial_state, digest_word(terms.initial_state))
    }

    fn stored_round(&mut self, round: u32) -> std::result::Result<StoredRound, Failure> {
        self.run.rounds.of(self.host, RoundWindow::place(round))
    }

    fn stored_entry(
        &mut self,
        round: u32,
        seat: SeatIndex,
    ) -> std::result::Result<StoredEntry, Failure> {
        let key = (RoundWindow::place(round) << 16) | u32::from(seat);
        self.run.entries.of(self.host, key)
    }

    /// Reads the rounds and seats of the open disputes.
    pub(crate) fn open_disputes(&mut self) -> std::result::Result<Vec<(u32, SeatIndex)>, Failure> {
        let count = self.word(self.run.disputes_count)?;
        let mut open = Vec::new();
        for position in 0..count {
            let listed = self.run.disputes_open.of(self.host, position)?;
            open.push(place_of(self.word(listed)?));
        }
        Ok(open)
    }

    /// Adds a dispute to the list of open ones and returns its position.
    fn list_dispute(&mut self, key: u64) -> std::result::Result<u32, Failure> {
        let position = self.word(self.run.disputes_count)?;
        let listed = self.run.disputes_open.of(self.host, position)?;
        self.set(listed, key)?;
        self.set(self.run.disputes_count, position.saturating_add(1))?;
        Ok(position)
    }

    /// Removes a dispute from the list of open ones; the last one takes its position.
    fn unlist_dispute(&mut self, position: u32) -> std::result::Result<(), Failure> {
        let last = self.word(self.run.disputes_count)?.saturating_sub(1);
        let from = self.run.disputes_open.of(self.host, last)?;
        let key = self.word(from)?;
        self.set(from, 0)?;
        self.set(self.run.disputes_count, last)?;
        if position != last {
            let to = self.run.disputes_open.of(self.host, position)?;
            self.set(to, key)?;
            let moved = self.run.disputes.of(self.host, key)?;
            self.set(moved.position, position)?;
        }
        Ok(())
    }

    fn votes(&mut self, dispute: &StoredDispute) -> Result<Vec<Vote>> {
        let mut votes = Vec::new();
        for position in 0..self.word(dispute.votes_count)? {
            let stored = dispute.votes.of(self.host, position)?;
            let ruling = match self.word(stored.kind)? {
                REPLAYED => Ruling::Replayed {
                    seal: self.digest(stored.seal)?,
                    update: self.digest(stored.update)?,
                },
                UNAVAILABLE => Ruling::Unavailable,
                DIFFERS => Ruling::Differs { leaf: self.word(stored.leaf)? },
                other => return Err(broken("vote", other)),
            };
            let (referee, account) =
                (device(self.word(stored.referee)?), account(self.word(stored.account)?));
            votes.push(Vote { referee, account, ruling });
        }
        Ok(votes)
    }

    /// Writes the votes, and clears those of before that are gone.
    fn set_votes(&mut self, dispute: &StoredDispute, votes: &[Vote]) -> Result<()> {
        let before = self.word(dispute.votes_count)?;
        let mut position = 0;
        for vote in votes {
            let (kind, leaf, seal, update) = match vote.ruling {
                Ruling::Replayed { seal, update } => (REPLAYED, 0, seal, update),
                Ruling::Unavailable => (UNAVAILABLE, 0, Digest::ZERO, Digest::ZERO),
                Ruling::Differs { leaf } => (DIFFERS, leaf, Digest::ZERO, Digest::ZERO),
            };
            let stored = dispute.votes.of(self.host, position)?;
            self.set(stored.referee, device_word(vote.referee))?;
            self.set(stored.account, address(vote.account))?;
            self.set(stored.kind, kind)?;
            self.set(stored.leaf, leaf)?;
            self.set(stored.seal, digest_word(seal))?;
            self.set(stored.update, digest_word(update))?;
            position = position.saturating_add(1);
        }
        for gone in position..before {
            let StoredVote { referee, account, kind, leaf, seal, update } =
                dispute.votes.of(self.host, gone)?;
            self.set(referee, B256::ZERO)?;
            self.set(account, Default::default())?;
            self.set(kind, 0)?;
            self.set(leaf, 0)?;
            self.set(seal, B256::ZERO)?;
            self.set(update, B256::ZERO)?;
        }
        Ok(self.set(dispute.votes_count, position)?)
    }

    fn read_standing(&mut self, seat: &super::layout::StoredSeat) -> Result<Standing> {
        let round = self.word(seat.expelled_round)?;
        Ok(match self.word(seat.standing)? {
            0 => Standing::Active,
            1 => Standing::Left,
            other => Standing::Expelled { round, cause: cause_of(other)? },
        })
    }
}

impl Book for SlotBook<'_> {
    type Error = Stopped;

    fn head(&mut self) -> Result<Head> {
        let stored = self.run.head;
        let ending = match self.word(stored.ending)? {
            1 => Ending::Cancelled,
            2 => Ending::Abandoned,
            _ => Ending::Completed,
        };
        let phase = match self.word(stored.phase)? {
            1 => Phase::Gathering,
            2 => Phase::Training,
            3 => Phase::Closed,
            4 => Phase::WindingUp(ending),
            5 => Phase::Finished(ending),
            other => return Err(broken("phase", other)),
        };
        Ok(Head {
            owner: account(self.word(stored.owner)?),
            auditor: device(self.word(stored.auditor)?),
            phase,
            round: self.word(stored.round)?,
            state: self.digest(stored.state)?,
            update: self.digest(stored.update)?,
            escrow: Escrow {
                deposited: self.wei(stored.deposited)?,
                paid: self.wei(stored.paid)?,
                refunded: self.wei(stored.refunded)?,
                held: self.wei(stored.held)?,
                pending: self.wei(stored.pending)?,
            },
            tokens_verified: self.word(stored.tokens_verified)?,
            deadline: self.seconds(stored.deadline)?,
            is_reopened: self.word(stored.is_reopened)?,
            lapses: self.word(stored.lapses)?,
            progressed: self.seconds(stored.progressed)?,
            seats: self.word(stored.seats)?,
            free: self.word(stored.free)?.checked_sub(1),
            active: self.word(stored.active)?,
            taking_part: self.word(stored.taking_part)?,
            committed: self.word(stored.committed)?,
            expected: self.word(stored.expected)?,
            unsettled: self.word(stored.unsettled)?,
            disputes: self.word(stored.disputes)?,
            unaccused: self.word(stored.unaccused)?,
            trainer_audits: self.word(stored.trainer_audits)?,
            trainer_silences: self.word(stored.trainer_silences)?,
            trainer_errors: self.word(stored.trainer_errors)?,
            draws_wanted: [
                self.word(stored.first_draw_wanted)?,
                self.word(stored.second_draw_wanted)?,
            ],
        })
    }

    fn set_head(&mut self, head: &Head) -> Result<()> {
        let stored = self.run.head;
        let (phase, ending) = match head.phase {
            Phase::Gathering => (1, None),
            Phase::Training => (2, None),
            Phase::Closed => (3, None),
            Phase::WindingUp(ending) => (4, Some(ending)),
            Phase::Finished(ending) => (5, Some(ending)),
        };
        let ending = match ending {
            None | Some(Ending::Completed) => 0,
            Some(Ending::Cancelled) => 1,
            Some(Ending::Abandoned) => 2,
        };
        self.set(stored.phase, phase)?;
        self.set(stored.ending, ending)?;
        self.set(stored.owner, address(head.owner))?;
        self.set(stored.auditor, device_word(head.auditor))?;
        self.set(stored.round, head.round)?;
        self.set(stored.state, digest_word(head.state))?;
        self.set(stored.update, digest_word(head.update))?;
        self.set(stored.deposited, head.escrow.deposited.as_u128())?;
        self.set(stored.paid, head.escrow.paid.as_u128())?;
        self.set(stored.refunded, head.escrow.refunded.as_u128())?;
        self.set(stored.held, head.escrow.held.as_u128())?;
        self.set(stored.pending, head.escrow.pending.as_u128())?;
        self.set(stored.tokens_verified, head.tokens_verified)?;
        self.set(stored.deadline, head.deadline.as_u64())?;
        self.set(stored.is_reopened, head.is_reopened)?;
        self.set(stored.lapses, head.lapses)?;
        self.set(stored.progressed, head.progressed.as_u64())?;
        self.set(stored.seats, head.seats)?;
        self.set(stored.free, plus_one(head.free))?;
        self.set(stored.active, head.active)?;
        self.set(stored.taking_part, head.taking_part)?;
        self.set(stored.committed, head.committed)?;
        self.set(stored.expected, head.expected)?;
        self.set(stored.unsettled, head.unsettled)?;
        self.set(stored.disputes, head.disputes)?;
        self.set(stored.unaccused, head.unaccused)?;
        self.set(stored.trainer_audits, head.trainer_audits)?;
        self.set(stored.trainer_silences, head.trainer_silences)?;
        self.set(stored.trainer_errors, head.trainer_errors)?;
        let [first, second] = head.draws_wanted;
        self.set(stored.first_draw_wanted, first)?;
        Ok(self.set(stored.second_draw_wanted, second)?)
    }

    fn seat(&mut self, index: SeatIndex) -> Result<Seat> {
        let stored = self.run.seats.of(self.host, index)?;
        Ok(Seat {
            device: device(self.word(stored.device)?),
            account: account(self.word(stored.account)?),
            standing: self.read_standing(&stored)?,
            from_round: self.word(stored.from_round)?,
            next_round: self.word(stored.next_round)?,
            pending: self.word(stored.pending)?,
            disputes: self.word(stored.disputes)?,
            duties: self.word(stored.duties)?,
            answers: self.word(stored.answers)?,
            silences: self.word(stored.silences)?,
            stake: self.wei(stored.stake)?,
            paid: self.wei(stored.paid)?,
            tokens_verified: self.word(stored.tokens_verified)?,
            next_free: self.word(stored.next_free)?.checked_sub(1),
        })
    }

    fn set_seat(&mut self, index: SeatIndex, seat: &Seat) -> Result<()> {
        let stored = self.run.seats.of(self.host, index)?;
        let (standing, round) = match seat.standing {
            Standing::Active => (0, 0),
            Standing::Left => (1, 0),
            Standing::Expelled { round, cause } => (number_of(cause), round),
        };
        self.set(stored.device, device_word(seat.device))?;
        self.set(stored.account, address(seat.account))?;
        self.set(stored.standing, standing)?;
        self.set(stored.expelled_round, round)?;
        self.set(stored.from_round, seat.from_round)?;
        self.set(stored.next_round, seat.next_round)?;
        self.set(stored.pending, seat.pending)?;
        self.set(stored.disputes, seat.disputes)?;
        self.set(stored.duties, seat.duties)?;
        self.set(stored.answers, seat.answers)?;
        self.set(stored.silences, seat.silences)?;
        self.set(stored.stake, seat.stake.as_u128())?;
        self.set(stored.paid, seat.paid.as_u128())?;
        self.set(stored.tokens_verified, seat.tokens_verified)?;
        Ok(self.set(stored.next_free, plus_one(seat.next_free))?)
    }

    fn place(&mut self, device: &DeviceId) -> Result<Place> {
        let stored = self.run.places.of(self.host, device_word(*device))?;
        let bar = match self.word(stored.barred_for)? {
            0 => None,
            other => Some(Bar { round: self.word(stored.barred_round)?, cause: cause_of(other)? }),
        };
        let seat = self.word(stored.seat)?.checked_sub(1);
        Ok(Place { seat, nonce: self.word(stored.nonce)?, bar })
    }

    fn set_place(&mut self, device: &DeviceId, place: &Place) -> Result<()> {
        let stored = self.run.places.of(self.host, device_word(*device))?;
        self.set(stored.seat, plus_one(place.seat))?;
        self.set(stored.nonce, place.nonce)?;
        self.set(stored.barred_for, place.bar.map_or(0, |bar| number_of(bar.cause)))?;
        Ok(self.set(stored.barred_round, place.bar.map_or(0, |bar| bar.round))?)
    }

    fn round(&mut self, round: u32) -> Result<Round> {
        let stored = self.stored_round(round)?;
        Ok(Round {
            number: self.word(stored.number)?,
            base: self.digest(stored.base)?,
            closed: self.word(stored.closed)?,
            is_drawn: self.word(stored.is_drawn)?,
            commitments: self.word(stored.commitments)?,
            unsettled: self.word(stored.unsettled)?,
        })
    }

    fn set_round(&mut self, round: &Round) -> Result<()> {
        let stored = self.stored_round(round.number)?;
        self.set(stored.number, round.number)?;
        self.set(stored.base, digest_word(round.base))?;
        self.set(stored.closed, round.closed)?;
        self.set(stored.is_drawn, round.is_drawn)?;
        self.set(stored.commitments, round.commitments)?;
        Ok(self.set(stored.unsettled, round.unsettled)?)
    }

    fn committed(&mut self, round: u32) -> Result<Vec<SeatIndex>> {
        let stored = self.stored_round(round)?;
        let seats = self.word(self.run.head.seats)?;
        let mut committed = Vec::new();
        for (index, word) in (0_u16..).zip(committed_words(&stored)) {
            let first = index.saturating_mul(256);
            // Words without seats need not be read.
            if first > seats {
                break;
            }
            let bits = self.word(word)?;
            committed.extend(
                (0..256_u16).filter(|bit| bits.bit(usize::from(*bit))).map(|bit| first | bit),
            );
        }
        Ok(committed)
    }

    fn has_committed(&mut self, round: u32, seat: SeatIndex) -> Result<bool> {
        let stored = self.stored_round(round)?;
        let Some(word) = committed_words(&stored).into_iter().nth(usize::from(seat >> 8)) else {
            return Ok(false);
        };
        Ok(self.word(word)?.bit(usize::from(seat & 255)))
    }

    fn add_committed(&mut self, round: u32, seat: SeatIndex) -> Result<()> {
        let stored = self.stored_round(round)?;
        let Some(word) = committed_words(&stored).into_iter().nth(usize::from(seat >> 8)) else {
            return Err(Failure::Broken(format!("seat {seat} is beyond the last one")).into());
        };
        let mut bits = self.word(word)?;
        bits.set_bit(usize::from(seat & 255), true);
        Ok(self.set(word, bits)?)
    }

    fn clear_committed(&mut self, round: u32) -> Result<()> {
        let stored = self.stored_round(round)?;
        for word in committed_words(&stored) {
            self.set(word, U256::ZERO)?;
        }
        Ok(())
    }

    fn entry(&mut self, round: u32, seat: SeatIndex) -> Result<Entry> {
        let stored = self.stored_entry(round, seat)?;
        let until = self.word(stored.until)?;
        let check = match self.word(stored.check)? {
            0 => Check::None,
            1 => Check::Committed,
            2 => Check::Audit {
                auditor: match self.word(stored.auditor)? {
                    TRAINER => Auditor::Trainer,
                    other => Auditor::Seat(other.saturating_sub(1)),
                },
                deadline: UnixSeconds::new(until),
            },
            3 => Check::Waiting { draw: until },
            4 => Check::Passed { draw: until },
            5 => Check::Disputed,
            6 => Check::Settled,
            7 => Check::Void,
            other => return Err(broken("check", other)),
        };
        Ok(Entry {
            check,
            weight: self.word(stored.weight)?,
            stake: self.word(stored.stake)?,
            passed_by: self.word(stored.passed_by)?.checked_sub(1),
            attempts: self.word(stored.attempts)?,
            silent: self.word(stored.silent)?.checked_sub(1),
            disclosed: self.word(stored.disclosed)?,
        })
    }

    fn set_entry(&mut self, round: u32, seat: SeatIndex, entry: &Entry) -> Result<()> {
        let stored = self.stored_entry(round, seat)?;
        let (check, auditor, until) = match entry.check {
            Check::None => (0, 0, 0),
            Check::Committed => (1, 0, 0),
            Check::Audit { auditor: Auditor::Trainer, deadline } => (2, TRAINER, deadline.as_u64()),
            Check::Audit { auditor: Auditor::Seat(seat), deadline } => {
                (2, seat.saturating_add(1), deadline.as_u64())
            }
            Check::Waiting { draw } => (3, 0, draw),
            Check::Passed { draw } => (4, 0, draw),
            Check::Disputed => (5, 0, 0),
            Check::Settled => (6, 0, 0),
            Check::Void => (7, 0, 0),
        };
        self.set(stored.check, check)?;
        self.set(stored.auditor, auditor)?;
        self.set(stored.until, until)?;
        self.set(stored.weight, entry.weight)?;
        self.set(stored.stake, entry.stake)?;
        self.set(stored.passed_by, plus_one(entry.passed_by))?;
        self.set(stored.attempts, entry.attempts)?;
        self.set(stored.silent, plus_one(entry.silent))?;
        Ok(self.set(stored.disclosed, entry.disclosed)?)
    }

    fn commitment(&mut self, round: u32, seat: SeatIndex) -> Result<Commitment> {
        let stored = self.stored_entry(round, seat)?;
        let (seal, update) = (self.digest(stored.seal)?, self.digest(stored.update)?);
        Ok(Commitment { seal, update })
    }

    fn set_commitment(
        &mut self,
        round: u32,
        seat: SeatIndex,
        commitment: &Commitment,
    ) -> Result<()> {
        let stored = self.stored_entry(round, seat)?;
        self.set(stored.seal, digest_word(commitment.seal))?;
        Ok(self.set(stored.update, digest_word(commitment.update))?)
    }

    fn dispute(&mut self, round: u32, seat: SeatIndex) -> Result<Option<Dispute>> {
        let stored = self.run.disputes.of(self.host, key_of(round, seat))?;
        let accuser = match self.word(stored.kind)? {
            0 => return Ok(None),
            1 => Accuser::Nobody,
            2 => Accuser::Seat(self.word(stored.accuser)?),
            3 => Accuser::Trainer,
            4 => Accuser::Account(account(self.word(stored.account)?)),
            other => return Err(broken("kind of accuser", other)),
        };
        Ok(Some(Dispute {
            accuser,
            bond: self.wei(stored.bond)?,
            deadline: self.seconds(stored.deadline)?,
            base: self.digest(stored.base)?,
            commitment: Commitment {
                seal: self.digest(stored.seal)?,
                update: self.digest(stored.update)?,
            },
            passed_by: self.word(stored.passed_by)?.checked_sub(1),
            is_drawn: self.word(stored.is_drawn)?,
            was_settled: self.word(stored.was_settled)?,
            disclosed: self.word(stored.disclosed)?,
            votes: self.votes(&stored)?,
        }))
    }

    fn set_dispute(
        &mut self,
        round: u32,
        seat: SeatIndex,
        dispute: Option<&Dispute>,
    ) -> Result<()> {
        let key = key_of(round, seat);
        let stored = self.run.disputes.of(self.host, key)?;
        let Some(dispute) = dispute else {
            let position = self.word(stored.position)?;
            self.set(stored.kind, 0)?;
            self.set_votes(&stored, &[])?;
            return Ok(self.unlist_dispute(position)?);
        };
        let is_new = self.word(stored.kind)? == 0;
        let (kind, accuser, by) = match dispute.accuser {
            Accuser::Nobody => (1, 0, None),
            Accuser::Seat(seat) => (2, seat, None),
            Accuser::Trainer => (3, 0, None),
            Accuser::Account(account) => (4, 0, Some(account)),
        };
        self.set(stored.kind, kind)?;
        self.set(stored.accuser, accuser)?;
        self.set(stored.account, by.map_or_else(Default::default, address))?;
        self.set(stored.bond, dispute.bond.as_u128())?;
        self.set(stored.deadline, dispute.deadline.as_u64())?;
        self.set(stored.base, digest_word(dispute.base))?;
        self.set(stored.seal, digest_word(dispute.commitment.seal))?;
        self.set(stored.update, digest_word(dispute.commitment.update))?;
        self.set(stored.passed_by, plus_one(dispute.passed_by))?;
        self.set(stored.is_drawn, dispute.is_drawn)?;
        self.set(stored.was_settled, dispute.was_settled)?;
        self.set(stored.disclosed, dispute.disclosed)?;
        self.set_votes(&stored, &dispute.votes)?;
        if is_new {
            let position = self.list_dispute(key)?;
            self.set(stored.position, position)?;
        }
        Ok(())
    }

    fn randomness(&mut self, height: u64) -> Result<Option<Digest>> {
        let stored = self.run.randomness.of(self.host, height)?;
        let kept = self.digest(stored)?;
        Ok((kept != Digest::ZERO).then_some(kept))
    }

    fn set_randomness(&mut self, height: u64, randomness: &Digest) -> Result<()> {
        let stored = self.run.randomness.of(self.host, height)?;
        Ok(self.set(stored, digest_word(*randomness))?)
    }

    fn block_hash(&mut self, height: u64) -> Result<Option<Digest>> {
        let hash = self.host.block_hash(height)?;
        Ok((!hash.is_zero()).then(|| digest(hash)))
    }
}

fn committed_words(round: &StoredRound) -> [Value<U256>; 4] {
    [round.committed_0, round.committed_1, round.committed_2, round.committed_3]
}

fn key_of(round: u32, seat: SeatIndex) -> u64 {
    (u64::from(round) << 16) | u64::from(seat)
}

fn place_of(key: u64) -> (u32, SeatIndex) {
    let [_, _, r0, r1, r2, r3, s0, s1] = key.to_be_bytes();
    (u32::from_be_bytes([r0, r1, r2, r3]), u16::from_be_bytes([s0, s1]))
}

/// Returns how an index is stored, so that 0 is none.
fn plus_one(index: Option<SeatIndex>) -> u16 {
    index.map_or(0, |index| index.saturating_add(1))
}

fn number_of(cause: Cause) -> u8 {
    match cause {
        Cause::Convicted => 2,
        Cause::FalseAudit => 3,
        Cause::Vouched => 4,
    }
}

fn cause_of(number: u8) -> Result<Cause> {
    match number {
        2 => Ok(Cause::Convicted),
        3 => Ok(Cause::FalseAudit),
        4 => Ok(Cause::Vouched),
        other => Err(broken("standing", other)),
    }
}

fn broken(what: &str, number: u8) -> Stopped {
    Failure::Broken(format!("a run's {what} is {number}")).into()
}
