//! Where something happened.

use std::{fmt, str::FromStr};

/// Where something happened on the ledger; what is later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Height of the block.
    pub block_number: u64,
    /// Index of the transaction in its block, from 0.
    pub transaction_index: u32,
    /// 0 is the transaction itself, or its value; `n + 1` is the transaction's `n`th event, from 0.
    pub slot: u32,
}

impl Position {
    /// Length of [`Self::to_bytes`].
    pub(crate) const SIZE: usize = 16;

    /// After everything in blocks up to `block_number`.
    pub(crate) const fn end_of(block_number: u64) -> Self {
        Self { block_number, transaction_index: u32::MAX, slot: u32::MAX }
    }

    /// In the order of positions.
    pub(crate) fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.block_number.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.transaction_index.to_be_bytes());
        bytes[12..].copy_from_slice(&self.slot.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let all = u128::from_be_bytes(bytes);
        let low = |shift: u32| u32::try_from(all >> shift & u128::from(u32::MAX));
        Self {
            block_number: u64::try_from(all >> 64).expect("64 bits are left"),
            transaction_index: low(32).expect("32 bits are left"),
            slot: low(0).expect("32 bits are left"),
        }
    }

    /// Index of the event in its transaction; `None` for the transaction itself.
    #[must_use]
    pub fn event_index(&self) -> Option<usize> {
        usize::try_from(self.slot.checked_sub(1)?).ok()
    }
}

/// `BLOCK-TRANSACTION-SLOT`, decimal: what a page is continued from.
impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.block_number, self.transaction_index, self.slot)
    }
}

/// The text is not `BLOCK-TRANSACTION-SLOT` in decimal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a position is BLOCK-TRANSACTION-SLOT in decimal numbers, as in the answer to the page before"
)]
pub struct MalformedPosition;

impl FromStr for Position {
    type Err = MalformedPosition;

    fn from_str(text: &str) -> Result<Self, MalformedPosition> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(MalformedPosition);
        let (block, transaction, slot) = (next()?, next()?, next()?);
        if parts.next().is_some() || text.contains('+') {
            return Err(MalformedPosition);
        }
        Ok(Self {
            block_number: block.parse().map_err(|_| MalformedPosition)?,
            transaction_index: transaction.parse().map_err(|_| MalformedPosition)?,
            slot: slot.parse().map_err(|_| MalformedPosition)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_give_the_position_back() {
        for (block_number, transaction_index, slot) in
            [(0, 0, 0), (7, 1, 2), (u64::MAX, u32::MAX, u32::MAX), (1 << 40, 1 << 20, 3)]
        {
            let position = Position { block_number, transaction_index, slot };
            assert_eq!(Position::from_bytes(position.to_bytes()), position);
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        assert_eq!(
            "7-1-2".parse(),
            Ok(Position { block_number: 7, transaction_index: 1, slot: 2 })
        );
        for text in
            ["", "7", "7-1", "7-1-", "7-1-2-3", "-7-1-2", "+7-1-2", "a-b-c", "7-1-4294967296"]
        {
            assert_eq!(text.parse::<Position>(), Err(MalformedPosition), "{text}");
        }
    }

    #[test]
    fn bytes_sort_as_positions() {
        let at = |block_number, transaction_index, slot| Position {
            block_number,
            transaction_index,
            slot,
        };
        let sorted =
            [at(0, 0, 0), at(0, 0, 1), at(0, 1, 0), at(0, 300, 0), at(1, 0, 0), at(256, 0, 0)];
        for pair in sorted.windows(2) {
            assert!(pair[0] < pair[1]);
            assert!(pair[0].to_bytes() < pair[1].to_bytes());
        }
        assert!(sorted[5] < Position::end_of(256));
    }
}
