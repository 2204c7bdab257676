//! Voice of work: it matures after 30 days, and halves every 180.
//!
//! No transaction makes voice smaller. Instead, later work weighs more: work of day `d` counts `work · 2^(d/180)` *units*, and the voice of
//! an account at day `t` is its units times `2^(-t/180)`. So shares need no decay, and sums of units are exact.
//!
//! Days are counted from 1970. Units are counted in an *era* of 64 half-lives (11,520 days, 31.5 years): units of an earlier
//! era are worth `2^-64` each in the next, rounded down, which is what the decay has left of them. So units can't overflow, however
//! many years pass: in an era, work grows by less than `2^64`, a mint by at most `2^128` units of work, and a house holds
//! `2^208` units, so `2^16` largest mints at an era's end. A mint beyond that is refused.
//!
//! `2^(n/180)` is a table of 180 numbers with 127 bits after the point, each rounded down; the product with it is rounded down once. So units
//! are at most `1 + units · 2^-127` below the real number, and voice is at most `1 + voice · 2^-127` below.
//!
//! Source: reference design 2.3, "Work House". Its soft saturation by cluster is not built: the ledger does not know which accounts are one cluster.

mod powers;

use alloy_primitives::{U256, U512};
use units::{AccountId, UnixSeconds};

use crate::votes::{self, Book, Changed, Checkpoint, House, shr};
use powers::POWERS;

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;
/// Days in which voice halves.
pub const HALF_LIFE_DAYS: u64 = 180;
/// Days after which voice counts.
pub const MATURATION_DAYS: u64 = 30;
/// Half-lives of an era.
const ERA_HALF_LIVES: u64 = 64;
/// Days of an era.
const ERA_DAYS: u64 = ERA_HALF_LIVES * HALF_LIFE_DAYS;
/// Bits after the point of [`POWERS`].
const POWER_SHIFT: usize = 127;
/// Most work of a mint.
pub const WORK_MAX: u128 = u128::MAX;

/// Whether amounts become less with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aging {
    /// They stay.
    None,
    /// They halve every 180 days.
    HalfLife,
}

impl Aging {
    /// Returns the era of a time; 0 for amounts that stay.
    #[must_use]
    pub fn era(self, at: UnixSeconds) -> u64 {
        match self {
            Self::None => 0,
            Self::HalfLife => day(at).wrapping_div(ERA_DAYS),
        }
    }

    /// Returns an amount in the units of the era of a later time, rounded down.
    #[must_use]
    pub fn carried(self, checkpoint: Checkpoint, to: UnixSeconds) -> U256 {
        let eras = self.era(to).saturating_sub(self.era(checkpoint.at));
        let halvings = usize::try_from(eras.saturating_mul(ERA_HALF_LIVES)).unwrap_or(usize::MAX);
        shr(checkpoint.amount, halvings)
    }

    /// Returns what an amount in the units of the era of `at` counts at that time, rounded down.
    #[must_use]
    pub fn counted(self, amount: U256, at: UnixSeconds) -> U256 {
        match self {
            Self::None => amount,
            Self::HalfLife => voice_down(amount, day(at).wrapping_rem(ERA_DAYS)),
        }
    }

    /// Returns how many octaves a unit of the era of `at` is worth, in units of 1970.
    pub(crate) fn octaves(self, at: UnixSeconds) -> u32 {
        u32::try_from(self.era(at).saturating_mul(ERA_HALF_LIVES)).unwrap_or(u32::MAX)
    }
}

/// Returns the days since 1970-01-01.
#[must_use]
pub fn day(at: UnixSeconds) -> u64 {
    at.as_u64().wrapping_div(DAY_SECONDS)
}

/// Returns the units of work that is done on a day, rounded down: `work · 2^(d/180)`, `d` days after the era's first.
#[must_use]
pub fn units_down(work: u128, day: u64) -> U256 {
    let in_era = day.wrapping_rem(ERA_DAYS);
    let halvings = in_era.wrapping_div(HALF_LIFE_DAYS);
    let power = power(in_era.wrapping_rem(HALF_LIFE_DAYS));
    // Below 2^256: each has at most 128 bits.
    let product = U256::from(work).saturating_mul(U256::from(power));
    let halvings = usize::try_from(halvings).unwrap_or(usize::MAX);
    shr(product, POWER_SHIFT.saturating_sub(halvings))
}

/// Returns the voice of units `days` after the first day of their era, rounded down: `units · 2^(-days/180)`.
#[must_use]
pub fn voice_down(units: U256, days: u64) -> U256 {
    let halvings = usize::try_from(days.wrapping_div(HALF_LIFE_DAYS)).unwrap_or(usize::MAX);
    let rest = days.wrapping_rem(HALF_LIFE_DAYS);
    if rest == 0 {
        return shr(units, halvings);
    }
    // 2^(-rest/180) is 2^((180 - rest)/180) / 2.
    let power = power(HALF_LIFE_DAYS.saturating_sub(rest));
    let product: U512 = units.widening_mul(U256::from(power));
    let shift = halvings.saturating_add(POWER_SHIFT).saturating_add(1);
    let voice = if shift < U512::BITS { product.wrapping_shr(shift) } else { U512::ZERO };
    // Less than the units, as the power is below 2.
    U256::checked_from_limbs_slice(voice.as_limbs()).unwrap_or(units)
}

/// Returns `floor(2^(127 + n/180))` for `n` below 180.
fn power(n: u64) -> u128 {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    POWERS.get(n).copied().unwrap_or(1 << POWER_SHIFT)
}

/// Units that mature together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// The day of the work.
    pub day: u64,
    /// Its units, in the era of that day.
    pub units: U256,
}

impl Pending {
    fn matures(&self) -> u64 {
        self.day.saturating_add(MATURATION_DAYS)
    }

    /// Returns the units in the era of `now`.
    fn carried(&self, now: UnixSeconds) -> U256 {
        let at = UnixSeconds::new(self.day.saturating_mul(DAY_SECONDS));
        Aging::HalfLife.carried(Checkpoint { at, amount: self.units }, now)
    }
}

/// A house whose votes mature: each account has a queue of days.
pub trait VoiceBook: Book {
    /// Returns the first index of an account's queue, and the one after its last.
    ///
    /// # Errors
    /// Those of the book; so everywhere below.
    fn pending_range(&mut self, account: AccountId) -> Result<(u64, u64), Self::Failure>;
    /// Replaces the bounds of a queue.
    ///
    /// # Errors
    /// Those of the book.
    fn set_pending_range(
        &mut self,
        account: AccountId,
        range: (u64, u64),
    ) -> Result<(), Self::Failure>;
    /// Returns an entry of a queue.
    ///
    /// # Errors
    /// Those of the book.
    fn pending(&mut self, account: AccountId, index: u64) -> Result<Pending, Self::Failure>;
    /// Replaces an entry of a queue; the default removes it.
    ///
    /// # Errors
    /// Those of the book.
    fn set_pending(
        &mut self,
        account: AccountId,
        index: u64,
        pending: Pending,
    ) -> Result<(), Self::Failure>;
}

/// Adds work of today to an account: units that mature in 30 days. What is due matures first, so a queue has at most
/// 30 days, and today.
///
/// # Errors
/// [`votes::Refused::ExceededSafeSupply`] if the account's day would hold more than a house; those of the book.
pub fn mint<B: VoiceBook>(
    book: &mut B,
    now: UnixSeconds,
    account: AccountId,
    work: u128,
) -> Result<Minted, B::Failure> {
    let today = day(now);
    let units = units_down(work, today);
    let (first, end) = book.pending_range(account)?;
    let newest = match end.checked_sub(1) {
        Some(last) if first <= last => Some((last, book.pending(account, last)?)),
        Some(_) | None => None,
    };
    let (index, before) = match newest {
        Some((last, pending)) if pending.day == today => (last, pending.units),
        Some(_) | None => (end, U256::ZERO),
    };
    let sum = before.saturating_add(units);
    if sum > votes::VOTES_MAX {
        let cap = votes::VOTES_MAX;
        return Err(votes::Refused::ExceededSafeSupply { increased: sum, cap }.into());
    }
    // Today's entry is not due, so it stays where it is.
    let matured = mature(book, now, account)?;
    if !units.is_zero() {
        book.set_pending(account, index, Pending { day: today, units: sum })?;
        let (first, end) = book.pending_range(account)?;
        book.set_pending_range(account, (first, end.max(index.saturating_add(1))))?;
    }
    let matures = today.saturating_add(MATURATION_DAYS);
    Ok(Minted { matured, matures_at: UnixSeconds::new(matures.saturating_mul(DAY_SECONDS)) })
}

/// What a mint has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted {
    /// What matured before.
    pub matured: Matured,
    /// When the new voice matures.
    pub matures_at: UnixSeconds,
}

/// What has matured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matured {
    /// The voice, as of now.
    pub voice: U256,
    /// What that has changed.
    pub changes: Vec<Changed>,
}

/// Makes everything that is due count. Anyone may do that; it changes nothing where nothing is due.
///
/// # Errors
/// Those of [`votes::credit`]; those of the book.
pub fn mature<B: VoiceBook>(
    book: &mut B,
    now: UnixSeconds,
    account: AccountId,
) -> Result<Matured, B::Failure> {
    let (start, end) = book.pending_range(account)?;
    let (mut first, mut due) = (start, U256::ZERO);
    while first < end {
        let pending = book.pending(account, first)?;
        if pending.matures() > day(now) {
            break;
        }
        due = due.saturating_add(pending.carried(now));
        first = first.saturating_add(1);
    }
    if first == start {
        return Ok(Matured::default());
    }
    let changes = votes::credit(book, &House::work(), now, account, due)?;
    for index in start..first {
        book.set_pending(account, index, Pending::default())?;
    }
    book.set_pending_range(account, (first, end))?;
    Ok(Matured { voice: Aging::HalfLife.counted(due, now), changes })
}

/// Makes `to` the delegate of an account, after what is due has matured: see [`votes::delegate`].
///
/// # Errors
/// Those of [`mature`] and of [`votes::delegate`]; those of the book.
pub fn delegate<B: VoiceBook>(
    book: &mut B,
    now: UnixSeconds,
    account: AccountId,
    to: AccountId,
) -> Result<(Matured, Vec<Changed>), B::Failure> {
    // Before anything is written.
    votes::check_delegate(book, &House::work(), now, account, to)?;
    let matured = mature(book, now, account)?;
    Ok((matured, votes::delegate(book, &House::work(), now, account, to)?))
}

/// Returns the voice of an account that has not matured yet, at its present worth, and the day when the first of it will;
/// what is due but was not matured is part of it.
///
/// # Errors
/// Those of the book.
pub fn pending<B: VoiceBook>(
    book: &mut B,
    now: UnixSeconds,
    account: AccountId,
) -> Result<(U256, Option<UnixSeconds>), B::Failure> {
    let (first, end) = book.pending_range(account)?;
    let (mut sum, mut next) = (U256::ZERO, None);
    for index in first..end {
        let pending = book.pending(account, index)?;
        sum = sum.saturating_add(pending.carried(now));
        next = next.or(Some(UnixSeconds::new(pending.matures().saturating_mul(DAY_SECONDS))));
    }
    Ok((Aging::HalfLife.counted(sum, now), next))
}
