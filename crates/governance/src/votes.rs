//! Votes of a house: who has how many, at any time; delegation; locks.
//!
//! 1. [`credit`] and [`debit`] change what an account holds. Its votes are its own, or those of the one delegate it has
//!    chosen ([`delegate`]). A delegate can't pass on what it has received, so a cycle of delegations makes no vote.
//! 2. Each change is a checkpoint, so [`past_votes`] and [`past_total`] answer for any time before the present second.
//!    What is held for part of a second only is in no checkpoint.
//! 3. Who votes is noted ([`note_vote`]): what it holds is locked, and so is what those hold who had delegated to it by then,
//!    also after they have undelegated. Nothing loops over delegators: an account's lock is the later of its own and of its
//!    delegate's ([`locked_until`]), and becomes its own when it leaves the delegate.
//! 4. A delegation that is 90 days old, and whose delegate has not voted for 90 days, can be ended by anyone ([`expire`]).
//! 5. In the Stake House, received votes above a part of the house ([`RECEIVED_CAP`](crate::RECEIVED_CAP), 3 %) don't count when they are read.
//!
//! Invariants ([`PlainBook::invariants`]): the votes of all are what all hold; a lock is honoured; a refused step
//! changes nothing.
//!
//! What it does not do: it does not know who is one person, so a delegate can escape the cap by several accounts (the cap is friction, no defence); it does not
//! weigh votes at the time they are cast. [`note_vote`] returns what is there then, and so locked: a governor counts the lesser of that and of the votes at its snapshot.
//!
//! Source: OpenZeppelin Contracts 5, `Votes.sol`, `ERC20Votes.sol`, `Checkpoints.sol`. Deviations: votes are an account's own until it delegates, and again when it delegates to the zero
//! account; own and received votes have separate histories, as only received ones have a cap.

mod book;
mod histogram;
mod plain;
mod refused;
mod trace;

use alloy_primitives::{U256, uint};
use fixed_point::mul_div_down;
use units::{AccountId, Bps, UnixSeconds};

pub use book::{Activity, Book, Bucket, Checkpoint, Delegation, Trace};
pub use histogram::{Coefficient, Part, coefficient};
pub use plain::PlainBook;
pub use refused::Refused;

pub use crate::voice::Aging;
pub(crate) use histogram::shr;

/// Most votes of a house: what a checkpoint of OpenZeppelin's holds.
pub const VOTES_MAX: U256 =
    uint!(0x0000_0000_0000_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff_U256);
/// Seconds for which a delegation holds without a vote of the delegate: 90 days.
pub const DELEGATION_SECONDS: u32 = 90 * 86_400;
/// Longest lock of what has voted: a year. The longest vote with all delays takes less than half of that.
pub const LOCK_SECONDS_MAX: u32 = 365 * 86_400;

/// What differs between the houses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct House {
    /// Whether votes become less with time.
    pub aging: Aging,
    /// The part of the house above which received votes don't count.
    pub received_max: Option<Bps>,
    /// Who can be a delegate.
    pub delegates: Delegates,
}

/// Who can be a delegate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delegates {
    /// Any account.
    Anyone,
    /// Only an account that holds voice itself.
    Holders,
}

impl House {
    /// Votes by deposited GRAIN; `received_max` is a parameter of the ledger.
    #[must_use]
    pub const fn stake(received_max: Bps) -> Self {
        let received_max = Some(received_max);
        Self { aging: Aging::None, received_max, delegates: Delegates::Anyone }
    }

    /// Votes by verified work.
    #[must_use]
    pub const fn work() -> Self {
        Self { aging: Aging::HalfLife, received_max: None, delegates: Delegates::Holders }
    }
}

/// What a step has changed, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The delegate of an account.
    Delegate {
        /// The account.
        delegator: AccountId,
        /// Its delegate before; the zero account for none.
        from: AccountId,
        /// Its delegate now.
        to: AccountId,
    },
    /// The votes of an account, own and received, before the cap.
    Votes {
        /// The account.
        delegate: AccountId,
        /// Its votes before, at the present time.
        before: U256,
        /// Its votes now.
        after: U256,
    },
}

/// Adds to what an account holds; its first credit makes it its own delegate.
///
/// # Errors
/// [`Refused::ExceededSafeSupply`]; those of the book.
pub fn credit<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
    amount: U256,
) -> Result<Vec<Changed>, B::Failure> {
    let total = house.aging.carried(trace::latest(book, Trace::Total)?, now);
    let increased = total.saturating_add(amount);
    if increased > VOTES_MAX {
        return Err(Refused::ExceededSafeSupply { increased, cap: VOTES_MAX }.into());
    }
    let mut changes = Vec::new();
    let mut delegate = book.delegation(account)?.delegate;
    if delegate == AccountId::ZERO {
        delegate = account;
        book.set_delegation(account, Delegation { delegate, since: now })?;
        changes.push(Changed::Delegate { delegator: account, from: AccountId::ZERO, to: account });
    }
    let held = house.aging.carried(book.holding(account)?, now);
    let held = held.saturating_add(amount);
    book.set_holding(account, Checkpoint { at: now, amount: held })?;
    trace::push(book, Trace::Total, Checkpoint { at: now, amount: increased })?;
    changes.extend(shift(book, house, now, (account, delegate), Shift::Add(amount))?);
    Ok(changes)
}

/// Takes from what an account holds.
///
/// # Errors
/// [`Refused::InsufficientDeposit`], [`Refused::Locked`]; those of the book.
pub fn debit<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
    amount: U256,
) -> Result<Vec<Changed>, B::Failure> {
    let held = house.aging.carried(book.holding(account)?, now);
    let Some(left) = held.checked_sub(amount) else {
        return Err(Refused::InsufficientDeposit { account, held, needed: amount }.into());
    };
    let until = locked_until(book, account)?;
    if now < until {
        return Err(Refused::Locked { account, until }.into());
    }
    let delegate = book.delegation(account)?.delegate;
    book.set_holding(account, Checkpoint { at: now, amount: left })?;
    let total = house.aging.carried(trace::latest(book, Trace::Total)?, now);
    let total = total.saturating_sub(amount);
    trace::push(book, Trace::Total, Checkpoint { at: now, amount: total })?;
    Ok(shift(book, house, now, (account, delegate), Shift::Subtract(amount))?.into_iter().collect())
}

/// Makes `to` the delegate of an account; the zero account stands for the account itself. To choose the present delegate
/// again confirms it for another 90 days. What the former delegate has voted with stays locked.
///
/// # Errors
/// [`Refused::NoVoice`]; those of the book.
pub fn delegate<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
    to: AccountId,
) -> Result<Vec<Changed>, B::Failure> {
    check_delegate(book, house, now, account, to)?;
    let to = if to == AccountId::ZERO { account } else { to };
    let from = book.delegation(account)?.delegate;
    let until = locked_until(book, account)?;
    let activity = book.activity(account)?;
    if activity.locked_until < until {
        book.set_activity(account, Activity { locked_until: until, ..activity })?;
    }
    book.set_delegation(account, Delegation { delegate: to, since: now })?;
    let mut changes = vec![Changed::Delegate { delegator: account, from, to }];
    let held = house.aging.carried(book.holding(account)?, now);
    if from != to && !held.is_zero() {
        changes.extend(shift(book, house, now, (account, from), Shift::Subtract(held))?);
        changes.extend(shift(book, house, now, (account, to), Shift::Add(held))?);
    }
    Ok(changes)
}

/// Refuses a delegate that the house does not take.
pub(crate) fn check_delegate<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
    to: AccountId,
) -> Result<(), B::Failure> {
    let is_self = to == AccountId::ZERO || to == account;
    let is_taken = is_self
        || house.delegates == Delegates::Anyone
        || !balance(book, house, now, to)?.is_zero();
    if is_taken { Ok(()) } else { Err(Refused::NoVoice { delegate: to }.into()) }
}

/// Gives an account its votes back, after 90 days without a vote of its delegate, from the later of the delegation and the
/// delegate's last vote on. Anyone may do that.
///
/// # Errors
/// [`Refused::NotDelegated`], [`Refused::NotExpired`]; those of the book.
pub fn expire<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
) -> Result<Vec<Changed>, B::Failure> {
    let Some(from) = expires_at(book, account)? else {
        return Err(Refused::NotDelegated { account }.into());
    };
    if now < from {
        return Err(Refused::NotExpired { account, from }.into());
    }
    delegate(book, house, now, account, account)
}

/// Returns when the delegation of an account expires, unless its delegate votes before; `None` if it is its own delegate.
///
/// # Errors
/// Those of the book.
pub fn expires_at<B: Book>(
    book: &mut B,
    account: AccountId,
) -> Result<Option<UnixSeconds>, B::Failure> {
    let Delegation { delegate, since } = book.delegation(account)?;
    if delegate == account || delegate == AccountId::ZERO {
        return Ok(None);
    }
    let voted_at = book.activity(delegate)?.voted_at;
    Ok(Some(since.max(voted_at).after(DELEGATION_SECONDS)))
}

/// Notes that an account votes, locks what votes with it until `until`, and returns its votes of now: what is locked.
///
/// # Errors
/// [`Refused::LockTooLong`]; those of the book.
pub fn note_vote<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
    until: UnixSeconds,
) -> Result<U256, B::Failure> {
    let latest = now.after(LOCK_SECONDS_MAX);
    if until > latest {
        return Err(Refused::LockTooLong { until, latest }.into());
    }
    let locked_until = book.activity(account)?.locked_until.max(until);
    book.set_activity(account, Activity { voted_at: now, locked_until })?;
    votes_at(book, house, account, now)
}

/// Returns the first second in which an account may withdraw: the end of its own lock, or of that of its delegate if that
/// has voted since the delegation.
///
/// # Errors
/// Those of the book.
pub fn locked_until<B: Book>(book: &mut B, account: AccountId) -> Result<UnixSeconds, B::Failure> {
    let own = book.activity(account)?.locked_until;
    let Delegation { delegate, since } = book.delegation(account)?;
    if delegate == account || delegate == AccountId::ZERO {
        return Ok(own);
    }
    let theirs = book.activity(delegate)?;
    // In one second, the vote may have been the later.
    let has_backed = theirs.voted_at >= since;
    Ok(if has_backed { own.max(theirs.locked_until) } else { own })
}

/// Returns the votes of an account now.
///
/// # Errors
/// Those of the book.
pub fn votes<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
) -> Result<U256, B::Failure> {
    votes_at(book, house, account, now)
}

/// Returns the votes of an account at an earlier time.
///
/// # Errors
/// [`Refused::FutureLookup`]; those of the book.
pub fn past_votes<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
    timepoint: UnixSeconds,
) -> Result<U256, B::Failure> {
    settled(now, timepoint)?;
    votes_at(book, house, account, timepoint)
}

/// Returns the votes of all now.
///
/// # Errors
/// Those of the book.
pub fn total<B: Book>(book: &mut B, house: &House, now: UnixSeconds) -> Result<U256, B::Failure> {
    let newest = trace::latest(book, Trace::Total)?;
    Ok(house.aging.counted(house.aging.carried(newest, now), now))
}

/// Returns the votes of all at an earlier time.
///
/// # Errors
/// [`Refused::FutureLookup`]; those of the book.
pub fn past_total<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    timepoint: UnixSeconds,
) -> Result<U256, B::Failure> {
    settled(now, timepoint)?;
    let found = trace::lookup(book, Trace::Total, timepoint)?;
    Ok(house.aging.counted(house.aging.carried(found, timepoint), timepoint))
}

/// Returns what an account holds now, wherever its votes are.
///
/// # Errors
/// Those of the book.
pub fn balance<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    account: AccountId,
) -> Result<U256, B::Failure> {
    let held = book.holding(account)?;
    Ok(house.aging.counted(house.aging.carried(held, now), now))
}

fn settled(now: UnixSeconds, timepoint: UnixSeconds) -> Result<(), Refused> {
    if timepoint < now { Ok(()) } else { Err(Refused::FutureLookup { timepoint, now }) }
}

fn votes_at<B: Book>(
    book: &mut B,
    house: &House,
    account: AccountId,
    at: UnixSeconds,
) -> Result<U256, B::Failure> {
    let own = trace::lookup(book, Trace::Own(account), at)?;
    let received = trace::lookup(book, Trace::Received(account), at)?;
    let mut received = house.aging.carried(received, at);
    if let Some(share) = house.received_max
        && !received.is_zero()
    {
        let total = house.aging.carried(trace::lookup(book, Trace::Total, at)?, at);
        let share = U256::from(share.as_u16());
        // A part of at most the whole always fits.
        let most = mul_div_down(total, share, U256::from(Bps::WHOLE.as_u16())).unwrap_or(total);
        received = received.min(most);
    }
    let sum = house.aging.carried(own, at).saturating_add(received);
    Ok(house.aging.counted(sum, at))
}

/// A change of the votes of a delegate.
#[derive(Clone, Copy, Debug)]
enum Shift {
    Add(U256),
    Subtract(U256),
}

/// Changes the votes that an account has given to a delegate; `None` if they stay.
fn shift<B: Book>(
    book: &mut B,
    house: &House,
    now: UnixSeconds,
    (account, delegate): (AccountId, AccountId),
    change: Shift,
) -> Result<Option<Changed>, B::Failure> {
    if let Shift::Add(U256::ZERO) | Shift::Subtract(U256::ZERO) = change {
        return Ok(None);
    }
    let own = trace::latest(book, Trace::Own(delegate))?;
    let received = trace::latest(book, Trace::Received(delegate))?;
    let is_own = account == delegate;
    let (trace, changing, other) = match is_own {
        true => (Trace::Own(delegate), own, received),
        false => (Trace::Received(delegate), received, own),
    };
    let [changing_now, other_now] = [changing, other].map(|part| house.aging.carried(part, now));
    let amount = match change {
        Shift::Add(more) => changing_now.saturating_add(more),
        Shift::Subtract(less) => changing_now.saturating_sub(less),
    };
    let changed = Checkpoint { at: now, amount };
    trace::push(book, trace, changed)?;
    let before = histogram::standing(house, (own, received));
    histogram::replace(book, before, histogram::standing(house, (changed, other)))?;
    let counted = |part: U256| house.aging.counted(part.saturating_add(other_now), now);
    Ok(Some(Changed::Votes { delegate, before: counted(changing_now), after: counted(amount) }))
}
