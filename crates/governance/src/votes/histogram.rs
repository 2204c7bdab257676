//! How the votes of a house are spread: delegates by the size of their votes, in buckets of a quarter of an octave.
//!
//! A breaker needs the Nakamoto coefficient in every block, and a ledger can't sort all delegates in one. So each change
//! of a delegate's votes moves it from one bucket to another, at the same cost however many delegates there are, and
//! [`coefficient`] walks the buckets from the top. Each bucket has the number of its delegates and their sum, so only
//! the bucket in which the threshold is passed leaves an interval.
//!
//! A delegate counts with all that it holds or has received, also above the cap on received votes: a coefficient is then
//! at most what it would be with the cap, so a breaker errs to the strict side.

use alloy_primitives::U256;
use fixed_point::{ArithmeticError, div_up, mul_div_down, mul_div_up};
use units::UnixSeconds;

use super::{Aging, Book, Bucket, Checkpoint, House, Trace, trace};

/// Buckets of an octave.
const QUARTERS: u32 = 4;
/// Octaves of the largest amount: votes have 208 bits, and own and received votes are added.
const OCTAVES_MAX: u32 = 209;
/// Buckets of a word of the bitmap.
const WORD: u32 = 256;
/// `ceil(2^(63 + n/4))`: the least mantissa of each quarter, and the end of the last.
const QUARTER_STARTS: [u128; 5] = [
    0x8000_0000_0000_0000,
    0x9837_f051_8db8_a970,
    0xb504_f333_f9de_6485,
    0xd744_fcca_d69d_6af5,
    0x1_0000_0000_0000_0000,
];
/// Bits of a mantissa after its first.
const MANTISSA_SHIFT: u32 = 63;

/// A part of the votes that must be passed: `numerator / denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Above.
    pub numerator: u32,
    /// Below; not 0.
    pub denominator: u32,
}

/// The bounds of a Nakamoto coefficient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coefficient {
    /// It is no less than this.
    pub least: u64,
    /// It is no more than this.
    pub most: u64,
}

/// Where a delegate is in the histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    index: u32,
    mantissa: u64,
}

/// Returns the place of a delegate with these newest checkpoints of own and received votes; `None` without votes.
pub(crate) fn standing(house: &House, (own, received): (Checkpoint, Checkpoint)) -> Option<Place> {
    // As it was when the newer of them was written: so a place can be found again after the era has changed.
    let at = own.at.max(received.at);
    let votes = house.aging.carried(own, at).checked_add(house.aging.carried(received, at))?;
    place(votes, house.aging.octaves(at))
}

fn place(votes: U256, octaves: u32) -> Option<Place> {
    let highest = u32::try_from(votes.bit_len()).ok()?.checked_sub(1)?;
    let mantissa = match highest.checked_sub(MANTISSA_SHIFT) {
        Some(right) => votes.wrapping_shr(right as usize),
        None => votes.wrapping_shl(MANTISSA_SHIFT.saturating_sub(highest) as usize),
    };
    let mantissa: u64 = mantissa.wrapping_to();
    let starts = QUARTER_STARTS.iter().skip(1);
    let quarter = starts.filter(|start| **start <= u128::from(mantissa)).count();
    let octave = highest.saturating_add(octaves);
    let index = octave.saturating_mul(QUARTERS).saturating_add(u32::try_from(quarter).ok()?);
    Some(Place { index, mantissa })
}

/// Moves a delegate from one place to another.
pub(crate) fn replace<B: Book>(
    book: &mut B,
    before: Option<Place>,
    after: Option<Place>,
) -> Result<(), B::Failure> {
    if before == after {
        return Ok(());
    }
    if let Some(Place { index, mantissa }) = before {
        let bucket = book.bucket(index)?;
        let less = Bucket {
            count: bucket.count.saturating_sub(1),
            mantissas: bucket.mantissas.saturating_sub(u128::from(mantissa)),
        };
        book.set_bucket(index, less)?;
        if less.count == 0 {
            flip(book, index)?;
        }
    }
    if let Some(Place { index, mantissa }) = after {
        let bucket = book.bucket(index)?;
        // Below 2^128, as each account has at most one entry and there are less than 2^64 of them.
        let more = Bucket {
            count: bucket.count.saturating_add(1),
            mantissas: bucket.mantissas.saturating_add(u128::from(mantissa)),
        };
        book.set_bucket(index, more)?;
        if bucket.count == 0 {
            flip(book, index)?;
        }
    }
    Ok(())
}

fn flip<B: Book>(book: &mut B, index: u32) -> Result<(), B::Failure> {
    let (word, bit) = (index.wrapping_div(WORD), index.wrapping_rem(WORD));
    let bits = book.bitmap(word)?;
    book.set_bitmap(word, bits ^ U256::ONE.wrapping_shl(bit as usize))
}

/// Returns how many delegates together have more than `part` of the house's votes: the least number for which that is
/// true, between two bounds. `None` when nobody has votes, or the part is a whole or more.
///
/// The bounds differ only by what is not known of the one bucket in which the part is passed: there the votes of each
/// delegate are known up to 19 %, and their sum exactly up to 2^-63.
///
/// # Errors
/// Those of the book.
pub fn coefficient<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    part: Part,
) -> Result<Option<Coefficient>, B::Failure> {
    let total = house.aging.carried(trace::latest(book, Trace::Total)?, now);
    let (numerator, denominator) = (U256::from(part.numerator), U256::from(part.denominator));
    let Ok(bound) = mul_div_down(total, numerator, denominator) else { return Ok(None) };
    if bound >= total {
        return Ok(None);
    }
    let mut walk = Walk {
        needed: bound.saturating_add(U256::ONE),
        scale: house.aging.octaves(now),
        ..Walk::default()
    };
    for word in (0..=last_word(house.aging, now)).rev() {
        let mut bits = book.bitmap(word)?;
        while let Some(bit) = u32::try_from(bits.bit_len()).unwrap_or(0).checked_sub(1) {
            bits ^= U256::ONE.wrapping_shl(bit as usize);
            let index = word.saturating_mul(WORD).saturating_add(bit);
            let bucket = book.bucket(index)?;
            walk.pass(index, bucket);
            if let (Some(least), Some(most)) = (walk.least, walk.most) {
                return Ok(Some(Coefficient { least, most }));
            }
        }
    }
    Ok(walk.least.map(|least| Coefficient { least, most: walk.count }))
}

fn last_word(aging: Aging, now: UnixSeconds) -> u32 {
    let octaves = OCTAVES_MAX.saturating_add(aging.octaves(now));
    octaves.saturating_mul(QUARTERS).wrapping_div(WORD)
}

/// A walk through the buckets from the top, in units of the present.
#[derive(Debug, Default)]
struct Walk {
    /// What the sum must reach.
    needed: U256,
    /// Octaves that the present unit is worth.
    scale: u32,
    /// Delegates passed so far.
    count: u64,
    /// What they have at least.
    low: U256,
    /// What they have at most.
    high: U256,
    least: Option<u64>,
    most: Option<u64>,
}

/// The bounds of a bucket in units of the present.
struct Bounds {
    count: U256,
    sum_low: U256,
    sum_high: U256,
    each_low: U256,
    each_high: U256,
}

impl Walk {
    fn pass(&mut self, index: u32, bucket: Bucket) {
        let bounds = self.bounds(index, bucket);
        let high = self.high.saturating_add(bounds.sum_high);
        if self.least.is_none() && self.needed <= high {
            let more = bounds.least(self.needed.saturating_sub(self.high)).unwrap_or(U256::ONE);
            self.least = Some(self.count.saturating_add(small(more)));
        }
        let low = self.low.saturating_add(bounds.sum_low);
        if self.most.is_none() && self.needed <= low {
            let more = bounds.most(self.needed.saturating_sub(self.low)).unwrap_or(bounds.count);
            self.most = Some(self.count.saturating_add(small(more)));
        }
        (self.low, self.high) = (low, high);
        self.count = self.count.saturating_add(bucket.count);
    }

    fn bounds(&self, index: u32, bucket: Bucket) -> Bounds {
        let octave = i64::from(index.wrapping_div(QUARTERS));
        let shift =
            octave.saturating_sub(i64::from(MANTISSA_SHIFT)).saturating_sub(i64::from(self.scale));
        let quarter = index.wrapping_rem(QUARTERS) as usize;
        let start = QUARTER_STARTS.get(quarter).copied().unwrap_or(0);
        let end = QUARTER_STARTS.get(quarter.saturating_add(1)).copied().unwrap_or(0);
        // A mantissa is rounded down, so each is less than one more.
        let sum_end = bucket.mantissas.saturating_add(u128::from(bucket.count));
        Bounds {
            count: U256::from(bucket.count),
            sum_low: shifted_down(bucket.mantissas, shift),
            sum_high: shifted_up(sum_end, shift),
            each_low: shifted_down(start, shift),
            each_high: shifted_up(end, shift),
        }
    }
}

impl Bounds {
    /// Returns how many of the bucket's delegates could at best have `needed` together.
    fn least(&self, needed: U256) -> Result<U256, ArithmeticError> {
        // Each has at most `each_high`; and those left out have at least `each_low` each.
        let by_each = div_up(needed, self.each_high)?;
        let left = self.count.saturating_mul(self.each_low);
        let short = needed.saturating_add(left).saturating_sub(self.sum_high);
        let by_rest = div_up(short, self.each_low).unwrap_or(U256::ZERO);
        Ok(by_each.max(by_rest).max(U256::ONE).min(self.count))
    }

    /// Returns how many of the bucket's largest surely have `needed` together.
    fn most(&self, needed: U256) -> Result<U256, ArithmeticError> {
        // The largest have at least the mean; and those left out have at most `each_high` each.
        let by_mean = mul_div_up(needed, self.count, self.sum_low)?;
        let spare = self.sum_low.saturating_sub(needed);
        let rest = spare.checked_div(self.each_high).ok_or(ArithmeticError::DivisionByZero)?;
        Ok(by_mean.min(self.count.saturating_sub(rest)).max(U256::ONE))
    }
}

fn small(count: U256) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Returns `mantissa · 2^shift`, rounded down.
fn shifted_down(mantissa: u128, shift: i64) -> U256 {
    let by = usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX);
    let mantissa = U256::from(mantissa);
    if shift < 0 { shr(mantissa, by) } else { mantissa.saturating_shl(by) }
}

/// Returns `mantissa · 2^shift`, rounded up.
fn shifted_up(mantissa: u128, shift: i64) -> U256 {
    let floor = shifted_down(mantissa, shift);
    let by = usize::try_from(shift.unsigned_abs()).unwrap_or(usize::MAX);
    let is_exact =
        shift >= 0 || shr(U256::from(mantissa), by).wrapping_shl(by) == U256::from(mantissa);
    floor.saturating_add(U256::from(!is_exact))
}

/// Returns `number / 2^by`, rounded down, also where `by` is 256 or more.
pub(crate) fn shr(number: U256, by: usize) -> U256 {
    if by < U256::BITS { number.wrapping_shr(by) } else { U256::ZERO }
}
