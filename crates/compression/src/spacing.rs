//! How positions are encoded: the gaps between them, Golomb–Rice coded.
//!
//! Marked are the chosen positions, or those that are not chosen where these are fewer. A marked position is written
//! as its distance `d` from the one after its predecessor: `d >> k` zeros, a one, and the lowest `k` bits of `d`.
//!
//! `k` follows from length and count: it is the one whose longest encoding is shortest. With it no set of positions takes more bits than a
//! bitmap (which has `k = 0`), and only a few positions in a thousand would be shorter as a list. So there is one form,
//! nothing says which, and a set of positions has exactly one encoding. For random positions it takes at most 4 % more than their entropy.
//!
//! Source: Rice, "Some practical universal noiseless coding techniques", JPL 79-22, 1979.

use crate::{
    bits::{BitReader, BitWriter},
    codec::Flaw,
};

/// The encoding of a set of positions in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spacing {
    length: usize,
    marked_count: usize,
    /// Whether the marked positions are the chosen ones.
    is_direct: bool,
    /// Lowest bits of a distance that are written as they are.
    low_count: u32,
}

impl Spacing {
    /// Returns the encoding of `count` positions among `length`.
    pub(crate) fn of(length: usize, count: usize) -> Self {
        let is_direct = count * 2 <= length;
        let marked_count = if is_direct { count } else { length - count };
        let with = |low_count| Self { length, marked_count, is_direct, low_count };
        (0..=12).map(with).min_by_key(|spacing| spacing.bits_max()).expect("the range is not empty")
    }

    /// Returns the largest number of bits: distances add up to at most the number of positions that are not marked.
    pub(crate) fn bits_max(self) -> usize {
        let each = usize::try_from(self.low_count).map_or(usize::MAX, |low_count| low_count + 1);
        let zeros_max = if self.marked_count == 0 {
            0
        } else {
            (self.length - self.marked_count) >> self.low_count
        };
        self.marked_count * each + zeros_max
    }

    /// Writes the chosen positions, which are ascending.
    pub(crate) fn write(self, chosen: &[u16], bits: &mut BitWriter<'_>) {
        if self.is_direct {
            self.write_marked(chosen.iter().copied(), bits);
        } else {
            self.write_marked(rest_of(chosen, self.length), bits);
        }
    }

    /// Reads the chosen positions; they are ascending and within the chunk.
    pub(crate) fn read(self, bits: &mut BitReader<'_>, chosen: &mut Vec<u16>) -> Result<(), Flaw> {
        chosen.clear();
        if self.marked_count == 0 && !self.is_direct {
            chosen.extend((0_u16..).take(self.length));
            return Ok(());
        }
        let mut next = 0;
        for _ in 0..self.marked_count {
            let high = bits.take_unary().ok_or(Flaw::Short)?;
            let low = bits.take(self.low_count).ok_or(Flaw::Short)?;
            let low = usize::try_from(low).map_err(|_| Flaw::Positions)?;
            // Compared before the shift, which could overflow.
            if high > self.length {
                return Err(Flaw::Positions);
            }
            let position = next + ((high << self.low_count) | low);
            if position >= self.length {
                return Err(Flaw::Positions);
            }
            chosen.push(u16::try_from(position).expect("a chunk has at most 4096 values"));
            next = position + 1;
        }
        if !self.is_direct {
            *chosen = rest_of(chosen, self.length).collect();
        }
        Ok(())
    }

    fn write_marked(self, marked: impl Iterator<Item = u16>, bits: &mut BitWriter<'_>) {
        let mut next = 0;
        for position in marked {
            let distance = u32::from(position) - next;
            bits.put_unary(distance >> self.low_count);
            bits.put(distance & ((1 << self.low_count) - 1), self.low_count);
            next = u32::from(position) + 1;
        }
    }
}

/// Returns the positions below `length` that are not in `positions`, which are ascending.
fn rest_of(positions: &[u16], length: usize) -> impl Iterator<Item = u16> + '_ {
    let mut others = positions.iter().peekable();
    (0..=u16::MAX).take(length).filter(move |at| others.next_if_eq(&at).is_none())
}

#[cfg(test)]
mod tests;
