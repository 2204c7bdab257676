//! A run's records in memory, for tests and simulations.

use std::collections::{BTreeMap, BTreeSet};

use units::{DeviceId, Digest};

use crate::{
    Book, Commitment, Context, Dispute, Effect, Entry, Head, Input, OpenError, Place, Refused,
    Round, RoundWindow, Run, Seat, SeatIndex, Terms,
};

/// A run's records in memory. The hash of block `h` is drawn from `h` and a seed unless it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryBook {
    terms: Terms,
    head: Head,
    seats: Vec<Seat>,
    places: BTreeMap<DeviceId, Place>,
    rounds: BTreeMap<u32, Round>,
    committed: BTreeMap<u32, BTreeSet<SeatIndex>>,
    entries: BTreeMap<(u32, SeatIndex), (Entry, Commitment)>,
    disputes: BTreeMap<(u32, SeatIndex), Dispute>,
    randomness: BTreeMap<u64, Digest>,
    block_hashes: BTreeMap<u64, Digest>,
    undo: Option<Vec<Undo>>,
}

/// A record as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Undo {
    Head(Box<Head>),
    Seat(SeatIndex, Option<Box<Seat>>),
    Place(DeviceId, Option<Place>),
    Round(u32, Option<Round>),
    Committed(u32, BTreeSet<SeatIndex>),
    Entry(u32, SeatIndex, Option<(Entry, Commitment)>),
    Dispute(u32, SeatIndex, Option<Box<Dispute>>),
    Randomness(u64),
}

impl MemoryBook {
    /// Opens a run.
    ///
    /// # Errors
    /// See [`Run::open`].
    pub fn open(
        terms: Terms,
        auditor: DeviceId,
        deposit: units::Wei,
        context: &Context,
    ) -> Result<Self, OpenError> {
        let head = Run::<Self>::open(&terms, auditor, deposit, context)?;
        Ok(Self {
            terms,
            head,
            seats: Vec::new(),
            places: BTreeMap::new(),
            rounds: BTreeMap::new(),
            committed: BTreeMap::new(),
            entries: BTreeMap::new(),
            disputes: BTreeMap::new(),
            randomness: BTreeMap::new(),
            block_hashes: BTreeMap::new(),
            undo: None,
        })
    }

    /// Applies one input and returns its effects. On `Err` nothing has changed.
    ///
    /// # Errors
    /// Why the input was refused.
    pub fn step(&mut self, context: &Context, input: Input) -> Result<Vec<Effect>, Refused> {
        self.undo = Some(Vec::new());
        let terms = self.terms.clone();
        let result = Run::new(&terms, self).step(context, input);
        let undo = self.undo.take().unwrap_or_default();
        if result.is_err() {
            undo.into_iter().rev().for_each(|undo| self.restore(undo));
        }
        result
    }

    /// Returns the terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Returns the head.
    #[must_use]
    pub fn state(&self) -> &Head {
        &self.head
    }

    /// Returns all seats ever used.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Returns the entries of a round, by seat.
    pub fn entries(&self, round: u32) -> impl Iterator<Item = (SeatIndex, &Entry, &Commitment)> {
        let place = RoundWindow::place(round);
        let is_kept = self.rounds.get(&place).is_some_and(|kept| kept.number == round);
        let all = self.entries.range((place, 0)..=(place, SeatIndex::MAX));
        all.filter(move |((_, seat), _)| {
            is_kept && self.committed.get(&place).is_some_and(|seats| seats.contains(seat))
        })
        .map(|((_, seat), (entry, commitment))| (*seat, entry, commitment))
    }

    /// Returns the rounds whose records are kept, ascending.
    #[must_use]
    pub fn rounds(&self) -> Vec<&Round> {
        let mut rounds: Vec<&Round> = self.rounds.values().collect();
        rounds.sort_by_key(|round| round.number);
        rounds
    }

    /// Returns the open disputes.
    #[must_use]
    pub fn disputes(&self) -> &BTreeMap<(u32, SeatIndex), Dispute> {
        &self.disputes
    }

    /// Sets the hash of a block.
    pub fn set_block_hash(&mut self, height: u64, hash: Digest) {
        self.block_hashes.insert(height, hash);
    }

    fn remember(&mut self, undo: impl FnOnce(&Self) -> Undo) {
        if self.undo.is_some() {
            let undo = undo(self);
            self.undo.get_or_insert_default().push(undo);
        }
    }

    fn restore(&mut self, undo: Undo) {
        fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
            match value {
                Some(value) => map.insert(key, value),
                None => map.remove(&key),
            };
        }
        match undo {
            Undo::Head(head) => self.head = *head,
            Undo::Seat(index, Some(seat)) => {
                if let Some(slot) = self.seats.get_mut(usize::from(index)) {
                    *slot = *seat;
                }
            }
            Undo::Seat(_, None) => {
                self.seats.pop();
            }
            Undo::Place(device, place) => put(&mut self.places, device, place),
            Undo::Round(place, round) => put(&mut self.rounds, place, round),
            Undo::Committed(place, seats) => {
                self.committed.insert(place, seats);
            }
            Undo::Entry(place, seat, entry) => put(&mut self.entries, (place, seat), entry),
            Undo::Dispute(round, seat, dispute) => {
                put(&mut self.disputes, (round, seat), dispute.map(|dispute| *dispute));
            }
            Undo::Randomness(height) => {
                self.randomness.remove(&height);
            }
        }
    }
}

impl Book for MemoryBook {
    type Error = Refused;

    fn head(&mut self) -> Result<Head, Refused> {
        Ok(self.head.clone())
    }

    fn set_head(&mut self, head: &Head) -> Result<(), Refused> {
        self.remember(|book| Undo::Head(Box::new(book.head.clone())));
        self.head = head.clone();
        Ok(())
    }

    fn seat(&mut self, index: SeatIndex) -> Result<Seat, Refused> {
        let seats = u16::try_from(self.seats.len()).unwrap_or(u16::MAX);
        self.seats
            .get(usize::from(index))
            .cloned()
            .ok_or(Refused::NoSuchSeat { seat: index, seats })
    }

    fn set_seat(&mut self, index: SeatIndex, seat: &Seat) -> Result<(), Refused> {
        let at = usize::from(index);
        self.remember(|book| Undo::Seat(index, book.seats.get(at).cloned().map(Box::new)));
        match self.seats.get_mut(at) {
            Some(slot) => *slot = seat.clone(),
            None => self.seats.push(seat.clone()),
        }
        Ok(())
    }

    fn place(&mut self, device: &DeviceId) -> Result<Place, Refused> {
        Ok(self.places.get(device).copied().unwrap_or_default())
    }

    fn set_place(&mut self, device: &DeviceId, place: &Place) -> Result<(), Refused> {
        self.remember(|book| Undo::Place(*device, book.places.get(device).copied()));
        self.places.insert(*device, *place);
        Ok(())
    }

    fn round(&mut self, round: u32) -> Result<Round, Refused> {
        Ok(self.rounds.get(&RoundWindow::place(round)).cloned().unwrap_or_default())
    }

    fn set_round(&mut self, round: &Round) -> Result<(), Refused> {
        let place = RoundWindow::place(round.number);
        self.remember(|book| Undo::Round(place, book.rounds.get(&place).cloned()));
        self.rounds.insert(place, round.clone());
        Ok(())
    }

    fn committed(&mut self, round: u32) -> Result<Vec<SeatIndex>, Refused> {
        let seats = self.committed.get(&RoundWindow::place(round));
        Ok(seats.map(|seats| seats.iter().copied().collect()).unwrap_or_default())
    }

    fn has_committed(&mut self, round: u32, seat: SeatIndex) -> Result<bool, Refused> {
        let seats = self.committed.get(&RoundWindow::place(round));
        Ok(seats.is_some_and(|seats| seats.contains(&seat)))
    }

    fn add_committed(&mut self, round: u32, seat: SeatIndex) -> Result<(), Refused> {
        let place = RoundWindow::place(round);
        self.remember(|book| {
            Undo::Committed(place, book.committed.get(&place).cloned().unwrap_or_default())
        });
        self.committed.entry(place).or_default().insert(seat);
        Ok(())
    }

    fn clear_committed(&mut self, round: u32) -> Result<(), Refused> {
        let place = RoundWindow::place(round);
        self.remember(|book| {
            Undo::Committed(place, book.committed.get(&place).cloned().unwrap_or_default())
        });
        self.committed.insert(place, BTreeSet::new());
        Ok(())
    }

    fn entry(&mut self, round: u32, seat: SeatIndex) -> Result<Entry, Refused> {
        let kept = self.entries.get(&(RoundWindow::place(round), seat));
        Ok(kept.map(|(entry, _)| *entry).unwrap_or_default())
    }

    fn set_entry(&mut self, round: u32, seat: SeatIndex, entry: &Entry) -> Result<(), Refused> {
        let key = (RoundWindow::place(round), seat);
        self.remember(|book| Undo::Entry(key.0, seat, book.entries.get(&key).copied()));
        self.entries.entry(key).or_default().0 = *entry;
        Ok(())
    }

    fn commitment(&mut self, round: u32, seat: SeatIndex) -> Result<Commitment, Refused> {
        let kept = self.entries.get(&(RoundWindow::place(round), seat));
        Ok(kept.map(|(_, commitment)| *commitment).unwrap_or_default())
    }

    fn set_commitment(
        &mut self,
        round: u32,
        seat: SeatIndex,
        commitment: &Commitment,
    ) -> Result<(), Refused> {
        let key = (RoundWindow::place(round), seat);
        self.remember(|book| Undo::Entry(key.0, seat, book.entries.get(&key).copied()));
        self.entries.entry(key).or_default().1 = *commitment;
        Ok(())
    }

    fn dispute(&mut self, round: u32, seat: SeatIndex) -> Result<Option<Dispute>, Refused> {
        Ok(self.disputes.get(&(round, seat)).cloned())
    }

    fn set_dispute(
        &mut self,
        round: u32,
        seat: SeatIndex,
        dispute: Option<&Dispute>,
    ) -> Result<(), Refused> {
        let key = (round, seat);
        self.remember(|book| {
            Undo::Dispute(round, seat, book.disputes.get(&key).cloned().map(Box::new))
        });
        match dispute {
            Some(dispute) => self.disputes.insert(key, dispute.clone()),
            None => self.disputes.remove(&key),
        };
        Ok(())
    }

    fn randomness(&mut self, height: u64) -> Result<Option<Digest>, Refused> {
        Ok(self.randomness.get(&height).copied())
    }

    fn set_randomness(&mut self, height: u64, randomness: &Digest) -> Result<(), Refused> {
        self.remember(|_| Undo::Randomness(height));
        self.randomness.insert(height, *randomness);
        Ok(())
    }

    fn block_hash(&mut self, height: u64) -> Result<Option<Digest>, Refused> {
        let set = self.block_hashes.get(&height).copied();
        Ok(Some(set.unwrap_or_else(|| Digest::of(&height.to_le_bytes()))))
    }
}
