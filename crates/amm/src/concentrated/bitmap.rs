//! The bitmap of ticks that positions reference: 256 ticks a word, those that the spacing allows.
//!
//! Source: Uniswap v3 whitepaper, section 6.2; `TickBitmap`.

use alloy_primitives::U256;

use super::Refused;

/// In which direction a tick is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At the given tick or below it.
    AtOrBelow,
    /// Above the given tick.
    Above,
}

/// Where a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextTick {
    /// The tick, a multiple of the spacing; it may lie beyond the range of ticks.
    pub tick: i32,
    /// Whether positions reference it; otherwise it is the last one of the word.
    pub is_initialized: bool,
}

/// Returns the word and the bit of a tick that was divided by the spacing.
#[must_use]
pub fn place(compressed: i32) -> (i16, u8) {
    let [low, middle, high, _] = compressed.to_le_bytes();
    (i16::from_le_bytes([middle, high]), low)
}

/// Returns the word and the word's mask of a tick.
///
/// # Errors
/// [`Refused::TickSpacing`] when the tick is not a multiple of the spacing.
pub fn flip(tick: i32, spacing: i32) -> Result<(i16, U256), Refused> {
    if tick.checked_rem(spacing) != Some(0) {
        return Err(Refused::TickSpacing);
    }
    let (word, bit) = place(compressed(tick, spacing));
    Ok((word, U256::ONE.wrapping_shl(usize::from(bit))))
}

/// Returns the word that a search from `tick` reads.
#[must_use]
pub fn word_of(tick: i32, spacing: i32, side: Side) -> i16 {
    place(first(tick, spacing, side)).0
}

/// Returns the next tick in that word that positions reference; if there is none, the last one of the word in this direction.
#[must_use]
pub fn next_in_word(word: U256, tick: i32, spacing: i32, side: Side) -> NextTick {
    let first = first(tick, spacing, side);
    let (_, bit) = place(first);
    let (last, found) = match side {
        Side::AtOrBelow => {
            // Bits at and below the tick's, moved to the top.
            let candidates = word.wrapping_shl(255_usize.wrapping_sub(usize::from(bit)));
            (i32::from(bit), candidates.leading_zeros())
        }
        Side::Above => {
            let candidates = word.wrapping_shr(usize::from(bit));
            (255_i32.wrapping_sub(i32::from(bit)), candidates.trailing_zeros())
        }
    };
    let is_initialized = found < 256;
    let distance = if is_initialized { i32::try_from(found).unwrap_or(last) } else { last };
    let compressed = match side {
        Side::AtOrBelow => first.wrapping_sub(distance),
        Side::Above => first.wrapping_add(distance),
    };
    NextTick { tick: compressed.wrapping_mul(spacing), is_initialized }
}

/// Returns the first compressed tick that a search considers.
fn first(tick: i32, spacing: i32, side: Side) -> i32 {
    match side {
        Side::AtOrBelow => compressed(tick, spacing),
        Side::Above => compressed(tick, spacing).wrapping_add(1),
    }
}

/// Divides a tick by the spacing, rounded toward negative infinity. A spacing of 0 gives 0; no pool has it.
fn compressed(tick: i32, spacing: i32) -> i32 {
    tick.checked_div_euclid(spacing).unwrap_or_default()
}
