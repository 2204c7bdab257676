//! Where the records of a run are.

use units::{DeviceId, Digest};

use crate::{Commitment, Dispute, Entry, Head, Place, Refused, Round, Seat, SeatIndex};

/// The records of one run, read and written one by one.
///
/// What was never written reads as the default. The ledger keeps them in storage slots, tests and simulations in memory
/// ([`crate::MemoryBook`]).
pub trait Book {
    /// Why a record can't be read or written, or an input was refused.
    type Error: From<Refused>;

    /// Reads the head.
    fn head(&mut self) -> Result<Head, Self::Error>;
    /// Writes the head.
    fn set_head(&mut self, head: &Head) -> Result<(), Self::Error>;

    /// Reads a seat, which must have been written.
    fn seat(&mut self, index: SeatIndex) -> Result<Seat, Self::Error>;
    /// Reads a seat as it stands in the open round. A round that was opened again, because everybody who took part in it had left,
    /// is the first one of the seats that wait for the next.
    fn seat_in_open_round(&mut self, head: &Head, index: SeatIndex) -> Result<Seat, Self::Error> {
        let mut seat = self.seat(index)?;
        if head.lets_in(&seat) && !self.has_committed(head.round, index)? {
            seat.from_round = seat.from_round.min(head.round);
            seat.next_round = head.round;
        }
        Ok(seat)
    }
    /// Writes a seat.
    fn set_seat(&mut self, index: SeatIndex, seat: &Seat) -> Result<(), Self::Error>;

    /// Reads what the run knows of a device.
    fn place(&mut self, device: &DeviceId) -> Result<Place, Self::Error>;
    /// Writes what the run knows of a device.
    fn set_place(&mut self, device: &DeviceId, place: &Place) -> Result<(), Self::Error>;

    /// Reads the record in the place of a round, which may be that of an earlier round.
    fn round(&mut self, round: u32) -> Result<Round, Self::Error>;
    /// Writes the record of a round to its place.
    fn set_round(&mut self, round: &Round) -> Result<(), Self::Error>;

    /// Reads the seats that committed in a round, ascending.
    fn committed(&mut self, round: u32) -> Result<Vec<SeatIndex>, Self::Error>;
    /// Returns whether a seat committed in a round.
    fn has_committed(&mut self, round: u32, seat: SeatIndex) -> Result<bool, Self::Error>;
    /// Adds a seat to those that committed in a round.
    fn add_committed(&mut self, round: u32, seat: SeatIndex) -> Result<(), Self::Error>;
    /// Empties the list of seats that committed, in the place of a round.
    fn clear_committed(&mut self, round: u32) -> Result<(), Self::Error>;

    /// Reads the entry of a seat in the place of a round.
    fn entry(&mut self, round: u32, seat: SeatIndex) -> Result<Entry, Self::Error>;
    /// Writes the entry of a seat in the place of a round.
    fn set_entry(&mut self, round: u32, seat: SeatIndex, entry: &Entry) -> Result<(), Self::Error>;

    /// Reads the commitment of a seat in the place of a round.
    fn commitment(&mut self, round: u32, seat: SeatIndex) -> Result<Commitment, Self::Error>;
    /// Writes the commitment of a seat in the place of a round.
    fn set_commitment(
        &mut self,
        round: u32,
        seat: SeatIndex,
        commitment: &Commitment,
    ) -> Result<(), Self::Error>;

    /// Reads an open dispute.
    fn dispute(&mut self, round: u32, seat: SeatIndex) -> Result<Option<Dispute>, Self::Error>;
    /// Writes an open dispute, or removes it.
    fn set_dispute(
        &mut self,
        round: u32,
        seat: SeatIndex,
        dispute: Option<&Dispute>,
    ) -> Result<(), Self::Error>;

    /// Reads the random bytes that were kept for draws of a height.
    fn randomness(&mut self, height: u64) -> Result<Option<Digest>, Self::Error>;
    /// Keeps the random bytes for draws of a height.
    fn set_randomness(&mut self, height: u64, randomness: &Digest) -> Result<(), Self::Error>;
    /// Returns the hash of an earlier block, or `None` when it is too far back for the ledger to know.
    fn block_hash(&mut self, height: u64) -> Result<Option<Digest>, Self::Error>;
}
