//! Paths of pools: an asset of 20 bytes, then a fee of 3 bytes and an asset for each pool.

use std::cell::RefCell;

use abi::{UNISWAP_V3_FACTORY, UNISWAP_V3_POOL_INIT_CODE_HASH};
use alloy_primitives::{Address, Bytes, aliases::U24, keccak256};
use alloy_sol_types::SolValue as _;
use native_kit::{Failure, Host, keccak256_gas};

use super::empty;

/// Bytes of an asset.
pub(super) const ASSET_SIZE: usize = 20;
const FEE_SIZE: usize = 3;
/// From one asset of a path to the next.
const NEXT: usize = ASSET_SIZE + FEE_SIZE;
/// A path of one pool.
const POOL_SIZE: usize = NEXT + ASSET_SIZE;

/// The two assets and the fee of a pool, in the order of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hop {
    pub(super) first: Address,
    pub(super) second: Address,
    pub(super) fee: U24,
}

impl Hop {
    /// Returns the first pool of a path.
    ///
    /// # Errors
    /// The original's messages for a path that is too short.
    pub(super) fn first_of(path: &[u8]) -> Result<Self, Failure> {
        let first = asset(path, 0)?;
        let fee = path.get(ASSET_SIZE..NEXT);
        let fee = fee.ok_or_else(|| Failure::message("toUint24_outOfBounds"))?;
        let second = asset(path, NEXT)?;
        Ok(Self { first, second, fee: U24::from_be_slice(fee) })
    }

    /// Returns the path of this pool alone.
    pub(super) fn path(&self) -> Bytes {
        let fee = self.fee.to_be_bytes::<FEE_SIZE>();
        [self.first.as_slice(), &fee, self.second.as_slice()].concat().into()
    }

    /// Returns the address of the pool, whether or not it was created.
    ///
    /// # Errors
    /// An empty revert if both assets are the same.
    pub(super) fn pool(&self, host: &mut dyn Host) -> Result<Address, Failure> {
        let Self { first, second, fee } = *self;
        let (token0, token1) = if first < second { (first, second) } else { (second, first) };
        if token0 == token1 {
            return Err(empty());
        }
        // Paid as if it was computed each time.
        host.charge(keccak256_gas(SALTED_SIZE).saturating_add(keccak256_gas(CREATED_SIZE)))?;
        Ok(KNOWN.with_borrow_mut(|known| known.pool(token0, token1, fee)))
    }
}

/// Bytes whose hash is the salt of a pool, and bytes whose hash is its address.
const SALTED_SIZE: usize = 96;
const CREATED_SIZE: usize = 85;
/// Pools whose addresses are remembered.
const KNOWN_MAX: usize = 256;

thread_local! {
    static KNOWN: RefCell<Known> = const { RefCell::new(Known([None; KNOWN_MAX])) };
}

/// Addresses that were computed before. Router and position manager need that of a pool twice in each call: to call it, and to know who calls back. A place
/// has the pool that was asked for last.
struct Known([Option<(Address, Address, U24, Address)>; KNOWN_MAX]);

impl Known {
    fn pool(&mut self, token0: Address, token1: Address, fee: U24) -> Address {
        let at = (token0 ^ token1)[19] ^ fee.to_be_bytes::<FEE_SIZE>()[2];
        let entry = &mut self.0[usize::from(at)];
        if let Some((known0, known1, known_fee, pool)) = *entry
            && (known0, known1, known_fee) == (token0, token1, fee)
        {
            return pool;
        }
        let salt = keccak256((token0, token1, fee).abi_encode());
        let pool = UNISWAP_V3_FACTORY.create2(salt, UNISWAP_V3_POOL_INIT_CODE_HASH);
        *entry = Some((token0, token1, fee, pool));
        pool
    }
}

/// Returns whether a path has more than one pool.
pub(super) fn has_more(path: &[u8]) -> bool {
    path.len() >= POOL_SIZE + NEXT
}

/// Returns a path's first pool as a path.
///
/// # Errors
/// The original's message for a path that is too short.
pub(super) fn first_pool(path: &[u8]) -> Result<Bytes, Failure> {
    let first = path.get(..POOL_SIZE).ok_or_else(|| Failure::message("slice_outOfBounds"))?;
    Ok(Bytes::copy_from_slice(first))
}

/// Returns a path without its first pool.
///
/// # Errors
/// The original's message for a path that is too short.
pub(super) fn rest(path: &[u8]) -> Result<Bytes, Failure> {
    let rest = path.get(NEXT..).ok_or_else(|| Failure::message("slice_outOfBounds"))?;
    Ok(Bytes::copy_from_slice(rest))
}

fn asset(path: &[u8], start: usize) -> Result<Address, Failure> {
    let bytes = path.get(start..start.saturating_add(ASSET_SIZE));
    let bytes = bytes.ok_or_else(|| Failure::message("toAddress_outOfBounds"))?;
    Ok(Address::from_slice(bytes))
}
