//! A jury from words of the storage of `Juries`, for who has them from proofs and trusts no node.
//!
//! The seats are drawn again with the module's own rules, from the weights as they were when the case began: until all seats are drawn, none changes.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;
use governance::jury::{self, Panel, Seats, Stratum, Tree};

use super::stored;
use crate::governor::proven::{ReadWord, of, value};

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JuryCase {
    /// The block whose hash draws its seats, or those that are left; 0 if there is no case.
    pub height: u64,
    /// How many are drawn.
    pub seats_drawn: u32,
    /// What the jury says.
    pub panel: Panel,
}

/// Who was given a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatDrawn {
    /// The group that it was drawn from.
    pub stratum: Stratum,
    /// The account.
    pub account: Address,
    /// The deposit that it was drawn for, in wei; 0 if for its voice.
    pub deposit: u128,
}

/// Why a seat can't be drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeatError {
    /// A word is not known.
    #[error("the proof has no slot {0:#x}")]
    Missing(U256),
    /// Nobody has weight.
    #[error("nobody could be drawn")]
    Nobody,
}

/// Returns a case as the storage says. It reads the same slots whatever is in them.
pub fn jury_case(id: U256, read: &mut ReadWord<'_>) -> JuryCase {
    let slots = of(stored().cases, id);
    let [height, drawn_at] = [slots.height, slots.drawn_at].map(|slot| value(slot, read));
    let [seats_drawn, yes, no] =
        [slots.seats_drawn, slots.yes, slots.no].map(|slot| value(slot, read));
    JuryCase { height, seats_drawn, panel: Panel { drawn_at, yes, no } }
}

/// Returns what an account has of a jury. It reads the same slots whatever is in them.
pub fn jury_seats(id: U256, account: Address, read: &mut ReadWord<'_>) -> Seats {
    let slots = of(of(stored().seats, id), account);
    Seats {
        count: value(slots.count, read),
        deposit: value(slots.deposit, read),
        commitment: value(slots.commitment, read).0,
        is_shown: value(slots.is_shown, read),
    }
}

/// Returns what a juror commits to.
#[must_use]
pub fn jury_commitment(id: U256, account: Address, (is_yes, salt): (bool, B256)) -> B256 {
    keccak256((id, account, is_yes, salt).abi_encode())
}

/// Draws a seat again, by its number from 0 on and the hash of the block in which the case began. `read` returns a word as it was then, or none.
///
/// # Errors
/// [`SeatError`].
pub fn jury_seat(
    id: U256,
    (number, hash): (u32, B256),
    read: &mut dyn FnMut(U256) -> Option<U256>,
) -> Result<SeatDrawn, SeatError> {
    let mut totals = [0; 2];
    for (total, stratum) in totals.iter_mut().zip(Stratum::ALL) {
        *total = jury::total(&mut Words { read, stratum: stratum.number() })?;
    }
    let stratum = match number < Panel::seats_of(Stratum::Work, totals) {
        true => Stratum::Work,
        false => Stratum::Stake,
    };
    let word = keccak256((hash, id, U256::from(number)).abi_encode());
    let mut words = Words { read, stratum: stratum.number() };
    let juror = jury::draw(&mut words, word.into())?.ok_or(SeatError::Nobody)?;
    let account = of(of(stored().accounts, stratum.number()), U256::from(juror));
    let account = account.of_word(words.word(account.slot())?);
    let deposit = match stratum {
        Stratum::Work => 0,
        Stratum::Stake => {
            let weight = of(of(stored().jurors, stratum.number()), account).weight;
            weight.of_word(words.word(weight.slot())?)
        }
    };
    Ok(SeatDrawn { stratum, account, deposit })
}

/// A stratum's weights in words.
struct Words<'a> {
    read: &'a mut dyn FnMut(U256) -> Option<U256>,
    stratum: u8,
}

impl Words<'_> {
    fn word(&mut self, slot: U256) -> Result<U256, SeatError> {
        (self.read)(slot).ok_or(SeatError::Missing(slot))
    }
}

impl Tree for Words<'_> {
    type Failure = SeatError;

    fn count(&mut self) -> Result<u32, SeatError> {
        let count = of(stored().counts, self.stratum);
        Ok(count.of_word(self.word(count.slot())?))
    }

    fn node(&mut self, index: u32) -> Result<u128, SeatError> {
        let node = of(of(stored().nodes, self.stratum), U256::from(index));
        Ok(node.of_word(self.word(node.slot())?))
    }

    fn set_node(&mut self, _: u32, _: u128) -> Result<(), SeatError> {
        Err(SeatError::Nobody)
    }

    fn set_count(&mut self, _: u32) -> Result<(), SeatError> {
        Err(SeatError::Nobody)
    }
}
