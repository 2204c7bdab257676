//! Solidity's value types.

use alloy_primitives::{Address, B256, FixedBytes, Signed, U256, Uint};

/// A value that fits into a word.
pub trait Word: Copy {
    /// Bytes it takes in storage.
    const SIZE: usize;
    /// Returns its bits, in the low [`Self::SIZE`] bytes; the rest is ignored.
    fn into_word(self) -> U256;
    /// Returns the value of such bits; the rest is zero.
    fn from_word(word: U256) -> Self;
    /// Returns the word that Solidity hashes when the value is the key of a mapping.
    #[inline]
    fn key(self) -> B256 {
        self.into_word().into()
    }
}

macro_rules! unsigned {
    ($($type:ty)*) => {$(
        impl Word for $type {
            const SIZE: usize = size_of::<$type>();

            #[inline]
            fn into_word(self) -> U256 {
                U256::from(self)
            }

            #[inline]
            fn from_word(word: U256) -> Self {
                word.wrapping_to()
            }
        }
    )*};
}

unsigned!(u8 u16 u32 u64 u128);

impl Word for bool {
    const SIZE: usize = 1;

    #[inline]
    fn into_word(self) -> U256 {
        U256::from(self)
    }

    #[inline]
    fn from_word(word: U256) -> Self {
        !word.is_zero()
    }
}

impl Word for Address {
    const SIZE: usize = 20;

    #[inline]
    fn into_word(self) -> U256 {
        Address::into_word(&self).into()
    }

    #[inline]
    fn from_word(word: U256) -> Self {
        Address::from_word(word.into())
    }

    #[inline]
    fn key(self) -> B256 {
        Address::into_word(&self)
    }
}

impl<const BITS: usize, const LIMBS: usize> Word for Uint<BITS, LIMBS> {
    const SIZE: usize = BITS / 8;

    #[inline]
    fn into_word(self) -> U256 {
        U256::from(self)
    }

    #[inline]
    fn from_word(word: U256) -> Self {
        word.wrapping_to()
    }
}

impl<const BITS: usize, const LIMBS: usize> Word for Signed<BITS, LIMBS> {
    const SIZE: usize = BITS / 8;

    #[inline]
    fn into_word(self) -> U256 {
        U256::from(self.into_raw())
    }

    #[inline]
    fn from_word(word: U256) -> Self {
        Self::from_raw(word.wrapping_to())
    }

    #[inline]
    fn key(self) -> B256 {
        let word = self.into_word();
        let sign = if self.is_negative() && BITS < 256 { U256::MAX << BITS } else { U256::ZERO };
        (word | sign).into()
    }
}

impl<const N: usize> Word for FixedBytes<N> {
    const SIZE: usize = N;

    #[inline]
    fn into_word(self) -> U256 {
        U256::try_from_be_slice(self.as_slice()).expect("at most 32 bytes, as Solidity has them")
    }

    #[inline]
    fn from_word(word: U256) -> Self {
        Self::from_slice(&word.to_be_bytes::<32>()[32 - N..])
    }

    /// Aligned to the high end, as values of `bytesN` are.
    #[inline]
    fn key(self) -> B256 {
        B256::right_padding_from(self.as_slice())
    }
}
