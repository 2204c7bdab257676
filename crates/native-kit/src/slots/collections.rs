//! Mappings and arrays.

use std::marker::PhantomData;

use alloy_primitives::U256;

use super::{Layout, SLOT_SIZE, Value, Word};
use crate::{Failure, Host, keccak256_gas};

/// Gas for the hash of a mapping's key, for a module that knows the place of the key's value already.
pub const KEY_GAS: u64 = keccak256_gas(64);

macro_rules! by_slot {
    ($(#[$attribute:meta])* $name:ident<$($parameter:ident),*>) => {
        $(#[$attribute])*
        #[derive(Debug)]
        pub struct $name<$($parameter),*> {
            slot: U256,
            is: PhantomData<($($parameter,)*)>,
        }

        impl<$($parameter),*> Clone for $name<$($parameter),*> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($parameter),*> Copy for $name<$($parameter),*> {}

        impl<$($parameter),*> Layout for $name<$($parameter),*> {
            const SIZE: usize = SLOT_SIZE;
            const IS_PACKED: bool = false;

            #[inline]
            fn at(slot: U256, _: usize) -> Self {
                Self::new(slot)
            }
        }

        impl<$($parameter),*> $name<$($parameter),*> {
            /// Returns the variable declared at `slot`.
            #[must_use]
            pub const fn new(slot: U256) -> Self {
                Self { slot, is: PhantomData }
            }

            /// Returns the slot it is declared at.
            #[must_use]
            pub const fn slot(&self) -> U256 {
                self.slot
            }
        }
    };
}

by_slot! {
    /// `mapping(K => V)`.
    Mapping<K, V>
}

by_slot! {
    /// `V[]`: the length at its slot, elements from the slot's hash on.
    Array<V>
}

impl<K: Word, V: Layout> Mapping<K, V> {
    /// Returns the variable of a key, for the gas of one hash.
    ///
    /// # Errors
    /// See [`Host`].
    #[inline]
    pub fn of(&self, host: &mut dyn Host, key: K) -> Result<V, Failure> {
        Ok(V::at(slot_of(host, self.slot, key)?, 0))
    }
}

/// Returns the slot of a key's value in the mapping at `slot`.
fn slot_of<K: Word>(host: &mut dyn Host, slot: U256, key: K) -> Result<U256, Failure> {
    let mut words = [0; 64];
    words[..32].copy_from_slice(key.key().as_slice());
    words[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    Ok(host.keccak256(&words)?.into())
}

impl<V: Layout> Array<V> {
    /// Reads the number of elements.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if it is above 2^64 - 1.
    pub fn len(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        let length = self.length().get(host)?;
        u64::try_from(length).map_err(|_| Failure::Broken("an array is too long".to_owned()))
    }

    /// Returns the element at an index, for the gas of one hash; `None` from the end on.
    ///
    /// # Errors
    /// See [`Host`].
    pub fn element(&self, host: &mut dyn Host, index: u64) -> Result<Option<V>, Failure> {
        if index >= self.len(host)? {
            return Ok(None);
        }
        self.place(host, index).map(Some)
    }

    /// Appends an element and returns it. Its content is zero, also if an element was removed there before.
    ///
    /// # Errors
    /// See [`Host`].
    pub fn push(&self, host: &mut dyn Host) -> Result<V, Failure> {
        let length = self.len(host)?;
        self.length().set(host, U256::from(length).wrapping_add(U256::ONE))?;
        self.place(host, length)
    }

    /// Removes the last element, whose content the caller has set to zero, as Solidity's `pop` does.
    ///
    /// # Errors
    /// See [`Host`]; [`Failure::Broken`] if there is none.
    pub fn pop(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let length = self.len(host)?;
        let shorter = length.checked_sub(1);
        let shorter =
            shorter.ok_or_else(|| Failure::Broken("an empty array is popped".to_owned()))?;
        self.length().set(host, U256::from(shorter))
    }

    const fn length(&self) -> Value<U256> {
        Value::new(self.slot, 0)
    }

    fn place(&self, host: &mut dyn Host, index: u64) -> Result<V, Failure> {
        let start = host.keccak256(&self.slot.to_be_bytes::<32>())?;
        Ok(place(start.into(), index))
    }
}

/// `V[N]`: elements from its slot on.
#[derive(Debug)]
pub struct FixedArray<V, const N: usize> {
    slot: U256,
    is: PhantomData<V>,
}

impl<V, const N: usize> Clone for FixedArray<V, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V, const N: usize> Copy for FixedArray<V, N> {}

impl<V: Layout, const N: usize> Layout for FixedArray<V, N> {
    const SIZE: usize = match V::IS_PACKED {
        true => N.div_ceil(SLOT_SIZE / V::SIZE) * SLOT_SIZE,
        false => N * V::SIZE,
    };
    const IS_PACKED: bool = false;

    #[inline]
    fn at(slot: U256, _: usize) -> Self {
        Self { slot, is: PhantomData }
    }
}

impl<V: Layout, const N: usize> FixedArray<V, N> {
    /// Returns the element at an index; `None` from `N` on.
    #[must_use]
    pub fn element(&self, index: u64) -> Option<V> {
        let is_inside = usize::try_from(index).is_ok_and(|index| index < N);
        is_inside.then(|| place(self.slot, index))
    }
}

/// Returns the element at an index of an array that begins at `start`.
fn place<V: Layout>(start: U256, index: u64) -> V {
    let index = U256::from(index);
    if !V::IS_PACKED {
        let slots = U256::from(V::SIZE / SLOT_SIZE);
        return V::at(start.wrapping_add(index.wrapping_mul(slots)), 0);
    }
    let (slot, position) = index.div_rem(U256::from(SLOT_SIZE / V::SIZE));
    V::at(start.wrapping_add(slot), position.wrapping_to::<usize>() * V::SIZE)
}
