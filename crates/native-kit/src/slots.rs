//! Storage slots: Solidity's layout, typed, with every hash metered.
//!
//! [`storage!`](crate::storage) declares a contract's or a struct's variables in Solidity's order and places them by
//! Solidity's rules: types shorter than a word share a slot with their neighbours, all others begin a slot of their
//! own. A value is read and written in place; writing the present value again costs no `SSTORE`.
//!
//! Source: Solidity documentation, "Layout of State Variables in Storage".

mod collections;
mod text;
mod word;

use std::marker::PhantomData;

use alloy_primitives::{Address, U256};

use crate::{Failure, Host};

pub use collections::{Array, FixedArray, KEY_GAS, Mapping};
pub use text::Text;
pub use word::Word;

/// Bytes of a slot.
const SLOT_SIZE: usize = 32;

/// A type of variable, and the space it needs.
pub trait Layout: Sized {
    /// Its size in bytes; whole slots unless it is packed.
    const SIZE: usize;
    /// Whether it may share a slot with its neighbours.
    const IS_PACKED: bool;
    /// Returns the variable that begins at `slot`, `offset` bytes from the slot's low end.
    fn at(slot: U256, offset: usize) -> Self;
}

/// Places variables one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    slot: U256,
    offset: usize,
}

impl Cursor {
    /// Returns a cursor at the start of a slot.
    #[must_use]
    #[inline]
    pub const fn new(slot: U256) -> Self {
        Self { slot, offset: 0 }
    }

    /// Places the next variable.
    #[inline]
    pub fn place<L: Layout>(&mut self) -> L {
        if !fits(self.offset, L::SIZE, L::IS_PACKED) {
            self.slot = self.slot.wrapping_add(U256::ONE);
            self.offset = 0;
        }
        let placed = L::at(self.slot, self.offset);
        if L::IS_PACKED {
            self.offset += L::SIZE;
        } else {
            self.slot = self.slot.wrapping_add(U256::from(L::SIZE / SLOT_SIZE));
        }
        placed
    }
}

#[inline]
const fn fits(offset: usize, size: usize, is_packed: bool) -> bool {
    offset == 0 || (is_packed && offset + size <= SLOT_SIZE)
}

/// Returns the size of a struct in bytes; each member has a size, and may or may not share slots.
#[must_use]
pub const fn struct_size(members: &[(usize, bool)]) -> usize {
    let (mut slots, mut offset, mut index) = (0, 0, 0);
    while index < members.len() {
        let (size, is_packed) = members[index];
        if !fits(offset, size, is_packed) {
            slots += 1;
            offset = 0;
        }
        if is_packed {
            offset += size;
        } else {
            slots += size / SLOT_SIZE;
        }
        index += 1;
    }
    if offset > 0 {
        slots += 1;
    }
    slots * SLOT_SIZE
}

/// Declares the variables of a contract, or the members of a struct, in Solidity's order.
///
/// ```
/// use native_kit::{slots::{Layout, Mapping, Value}, storage};
/// use alloy_primitives::{Address, U256};
///
/// storage! {
///     /// `contract Pot { address owner; uint64 since; mapping(address => uint256) shares; }`
///     struct Pot {
///         owner: Value<Address>,
///         since: Value<u64>,
///         shares: Mapping<Address, Value<U256>>,
///     }
/// }
/// let pot = Pot::at(U256::ZERO, 0);
/// assert_eq!((pot.since.slot(), pot.since.offset()), (U256::ZERO, 20));
/// assert_eq!(pot.shares.slot(), U256::ONE);
/// ```
#[macro_export]
macro_rules! storage {
    ($(#[$attribute:meta])* $visible:vis struct $name:ident {
        $($(#[$member_attribute:meta])* $member_visible:vis $member:ident: $type:ty),* $(,)?
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        $visible struct $name {
            $($(#[$member_attribute])* $member_visible $member: $type,)*
        }

        impl $crate::slots::Layout for $name {
            const SIZE: usize = $crate::slots::struct_size(&[
                $((<$type as $crate::slots::Layout>::SIZE, <$type as $crate::slots::Layout>::IS_PACKED),)*
            ]);
            const IS_PACKED: bool = false;

            // Mostly one member is used: what places the others is not compiled.
            #[inline]
            fn at(slot: $crate::slots::Slot, _: usize) -> Self {
                let mut cursor = $crate::slots::Cursor::new(slot);
                Self { $($member: cursor.place(),)* }
            }
        }
    };
}

/// The number of a slot.
pub type Slot = U256;

/// A variable of a value type.
#[derive(Debug)]
pub struct Value<T> {
    slot: U256,
    offset: usize,
    is: PhantomData<T>,
}

impl<T> Clone for Value<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Value<T> {}

impl<T: Word> Layout for Value<T> {
    const SIZE: usize = T::SIZE;
    const IS_PACKED: bool = true;

    #[inline]
    fn at(slot: U256, offset: usize) -> Self {
        debug_assert!(offset + T::SIZE <= SLOT_SIZE, "a value lies in one slot");
        Self { slot, offset, is: PhantomData }
    }
}

impl<T: Word> Value<T> {
    /// Returns the value that begins at `slot`, `offset` bytes from the slot's low end. For what
    /// [`storage!`](crate::storage) does not declare.
    #[must_use]
    pub const fn new(slot: U256, offset: usize) -> Self {
        assert!(offset + T::SIZE <= SLOT_SIZE, "a value lies in one slot");
        Self { slot, offset, is: PhantomData }
    }

    /// Returns its slot.
    #[must_use]
    pub const fn slot(&self) -> U256 {
        self.slot
    }

    /// Returns its distance from the slot's low end, in bytes.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Extracts the value from the word of its slot, for several values of one slot that was read once.
    #[must_use]
    #[inline(always)]
    pub fn of_word(&self, word: U256) -> T {
        if T::SIZE == SLOT_SIZE {
            return T::from_word(word);
        }
        T::from_word((word >> (self.offset * 8)) & mask(T::SIZE))
    }

    /// Inserts the value into the word of its slot.
    #[must_use]
    #[inline(always)]
    pub fn into_word(&self, word: U256, value: T) -> U256 {
        if T::SIZE == SLOT_SIZE {
            return value.into_word();
        }
        let shift = self.offset * 8;
        (word & !(mask(T::SIZE) << shift)) | ((value.into_word() & mask(T::SIZE)) << shift)
    }

    /// Reads the value.
    ///
    /// # Errors
    /// See [`Host`].
    #[inline]
    pub fn get(&self, host: &mut dyn Host) -> Result<T, Failure> {
        let module = host.module();
        self.get_of(host, module)
    }

    /// Reads the value in the storage of a module.
    ///
    /// # Errors
    /// See [`Host`].
    #[inline]
    pub fn get_of(&self, host: &mut dyn Host, module: Address) -> Result<T, Failure> {
        Ok(self.of_word(host.load_of(module, self.slot)?))
    }

    /// Writes the value, if it differs.
    ///
    /// # Errors
    /// See [`Host`].
    pub fn set(&self, host: &mut dyn Host, value: T) -> Result<(), Failure> {
        let module = host.module();
        self.set_of(host, module, value)
    }

    /// Changes the value, reading its slot once, and writes it if it differs.
    ///
    /// # Errors
    /// See [`Host`]; those of `change`.
    pub fn update(
        &self,
        host: &mut dyn Host,
        change: impl FnOnce(T) -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        let before = host.load(self.slot)?;
        let after = self.into_word(before, change(self.of_word(before))?);
        if before == after { Ok(()) } else { host.store(self.slot, after) }
    }

    /// As [`Self::update`], where the module knows that its slot holds `before`: for the same gas.
    ///
    /// # Errors
    /// See [`Host`]; those of `change`.
    pub fn update_from(
        &self,
        host: &mut dyn Host,
        before: T,
        change: impl FnOnce(T) -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        const { assert!(T::SIZE == SLOT_SIZE, "the slot holds nothing else") };
        host.charge_load()?;
        let (before, after) = (before.into_word(), change(before)?.into_word());
        if before == after { Ok(()) } else { host.store(self.slot, after) }
    }

    /// Writes the value in the storage of a module, if it differs.
    ///
    /// # Errors
    /// See [`Host`].
    #[inline]
    pub fn set_of(&self, host: &mut dyn Host, module: Address, value: T) -> Result<(), Failure> {
        if T::SIZE == SLOT_SIZE {
            return host.set_of(module, self.slot, value.into_word());
        }
        let before = host.load_of(module, self.slot)?;
        let after = self.into_word(before, value);
        if before == after { Ok(()) } else { host.store_of(module, self.slot, after) }
    }
}

#[inline]
fn mask(size: usize) -> U256 {
    if size >= SLOT_SIZE { U256::MAX } else { (U256::ONE << (size * 8)) - U256::ONE }
}

#[cfg(test)]
mod tests;
