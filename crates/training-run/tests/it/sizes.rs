//! What an input costs: the records that it reads and writes. And hashes that the ledger has forgotten.

use training_run::{
    Book, Commitment, Context, Dispute, Entry, Head, Input, MemoryBook, Place, Refused, Round, Run,
    Seat, SeatIndex, Terms,
};
use units::{AccountId, DeviceId, Digest, UnixSeconds};

use crate::play::{OWNER, TRAINER, commitment, terms};

/// A book that counts what is read and written, and knows the hashes of 256 blocks.
struct Counting {
    book: MemoryBook,
    height: u64,
    reads: u32,
    writes: u32,
}

macro_rules! counted {
    ($($count:ident: fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {$(
        fn $name(&mut self, $($argument: $kind),*) -> Result<$result, Refused> {
            self.$count += 1;
            self.book.$name($($argument),*)
        }
    )*};
}

impl Book for Counting {
    type Error = Refused;

    counted! {
        reads: fn head() -> Head;
        writes: fn set_head(head: &Head) -> ();
        reads: fn seat(index: SeatIndex) -> Seat;
        writes: fn set_seat(index: SeatIndex, seat: &Seat) -> ();
        reads: fn place(device: &DeviceId) -> Place;
        writes: fn set_place(device: &DeviceId, place: &Place) -> ();
        reads: fn round(round: u32) -> Round;
        writes: fn set_round(round: &Round) -> ();
        reads: fn committed(round: u32) -> Vec<SeatIndex>;
        reads: fn has_committed(round: u32, seat: SeatIndex) -> bool;
        writes: fn add_committed(round: u32, seat: SeatIndex) -> ();
        writes: fn clear_committed(round: u32) -> ();
        reads: fn entry(round: u32, seat: SeatIndex) -> Entry;
        writes: fn set_entry(round: u32, seat: SeatIndex, entry: &Entry) -> ();
        reads: fn commitment(round: u32, seat: SeatIndex) -> Commitment;
        writes: fn set_commitment(round: u32, seat: SeatIndex, commitment: &Commitment) -> ();
        reads: fn dispute(round: u32, seat: SeatIndex) -> Option<Dispute>;
        writes: fn set_dispute(round: u32, seat: SeatIndex, dispute: Option<&Dispute>) -> ();
        reads: fn randomness(height: u64) -> Option<Digest>;
        writes: fn set_randomness(height: u64, randomness: &Digest) -> ();
    }

    fn block_hash(&mut self, height: u64) -> Result<Option<Digest>, Refused> {
        if height + 256 < self.height { Ok(None) } else { self.book.block_hash(height) }
    }
}

impl Counting {
    fn with_seats(terms: &Terms, seats: u16) -> Self {
        let context = Context { now: UnixSeconds::new(1), height: 1, caller: OWNER };
        let deposit = terms.required_deposit().unwrap();
        let book = MemoryBook::open(terms.clone(), TRAINER, deposit, &context).unwrap();
        let mut counting = Self { book, height: 1, reads: 0, writes: 0 };
        for number in 0..seats {
            let device = device(number);
            let account = AccountId::from_bytes([1; 20]);
            counting.give(terms, Input::Enroll { device, account, nonce: 1 }).unwrap();
        }
        counting
    }

    /// Gives one input in the next block, and returns what it read and wrote.
    fn give(&mut self, terms: &Terms, input: Input) -> Result<(u32, u32), Refused> {
        self.height += 1;
        (self.reads, self.writes) = (0, 0);
        let now = UnixSeconds::new(self.height);
        let context = Context { now, height: self.height, caller: OWNER };
        Run::new(terms, self).step(&context, input)?;
        Ok((self.reads, self.writes))
    }
}

fn device(number: u16) -> DeviceId {
    let mut bytes = [1; 32];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    DeviceId::from_bytes(bytes)
}

fn with_seats(seats: u16) -> Terms {
    Terms { seats_min: seats, seats_max: seats, ..terms() }
}

#[test]
fn a11_a_commitment_costs_the_same_with_four_seats_and_with_a_thousand() {
    let costs = [4, 1_024].map(|seats| {
        let terms = with_seats(seats);
        let mut book = Counting::with_seats(&terms, seats);
        let mut most = (0, 0);
        for round in 0..3 {
            for number in 0..seats {
                let device = device(number);
                let commitment = commitment(device, round, 0);
                let input = Input::Commit { device, round, commitment };
                let (reads, writes) = book.give(&terms, input).unwrap();
                most = (most.0.max(reads), most.1.max(writes));
            }
            let (state, update) = (Digest::of(b"state"), Digest::of(b"update"));
            book.give(&terms, Input::Advance { round, state, update }).unwrap();
        }
        most
    });
    assert_eq!(costs[0], costs[1]);
    assert!(costs[0].0 <= 30 && costs[0].1 <= 12, "{costs:?}");
}

/// Commits everybody's work of round 0 and draws it `silence` blocks after the close; returns the entries.
fn drawn_after(silence: u64) -> Vec<Entry> {
    let terms = with_seats(40);
    let mut book = Counting::with_seats(&terms, 40);
    for round in 0..2 {
        for number in 0..40 {
            let device = device(number);
            let commitment = commitment(device, round, 0);
            book.give(&terms, Input::Commit { device, round, commitment }).unwrap();
        }
        let (state, update) = (Digest::of(b"state"), Digest::of(b"update"));
        if round == 0 {
            book.give(&terms, Input::Advance { round, state, update }).unwrap();
        }
    }
    book.height += silence;
    book.give(&terms, Input::Draw { round: 1 }).unwrap();
    let entries = book.book.entries(1);
    entries.map(|(_, entry, _)| Entry { check: undated(entry), ..*entry }).collect()
}

fn undated(entry: &Entry) -> training_run::Check {
    match entry.check {
        training_run::Check::Audit { auditor, .. } => {
            training_run::Check::Audit { auditor, deadline: UnixSeconds::new(0) }
        }
        other => other,
    }
}

/// Who pushed the draw past the hashes that the ledger knows could try one block after another.
#[test]
fn a13_a_draw_can_not_be_rolled_again_at_will() {
    let at_once = drawn_after(1);
    assert_eq!(drawn_after(200), at_once);
    let late = drawn_after(300);
    assert_ne!(late, at_once, "the hash is forgotten");
    for silence in [301, 310, 400, 500] {
        assert_eq!(drawn_after(silence), late, "{silence} blocks give no other draw");
    }
}
