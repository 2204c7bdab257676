//! Power after delegation.

use alloy_primitives::U256;

use crate::{Holdings, Ratio, Zeros, holdings::TooLarge};

/// A holder, and to whom it delegates: an index into the same list. To itself is to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stake {
    /// What it holds.
    pub own: U256,
    /// Its delegate.
    pub delegate: Option<usize>,
}

/// The graph is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    /// A delegate is missing.
    #[error(
        "holder {holder} delegates to {delegate}, but there are {count} holders, counted from 0"
    )]
    NoSuchHolder {
        /// Who delegates.
        holder: usize,
        /// To whom.
        delegate: usize,
        /// How many there are.
        count: usize,
    },
    /// The sum is too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Who votes with how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// Of each holder, what it votes with.
    pub power: Vec<U256>,
    /// What nobody votes with: its path of delegations runs in a circle.
    pub void: U256,
    own: Vec<U256>,
}

/// Follows each holder's delegations, at most `hops_max` of them, to where they end or the hops do; a stake whose path runs in a circle
/// within that many hops is void. With one hop a stake arrives at its delegate whatever that one does with its own, as in `ERC20Votes`.
///
/// # Errors
/// [`DelegationError`].
pub fn resolve(stakes: &[Stake], hops_max: usize) -> Result<Delegated, DelegationError> {
    let count = stakes.len();
    for (holder, stake) in stakes.iter().enumerate() {
        if let Some(delegate) = stake.delegate.filter(|delegate| *delegate >= count) {
            return Err(DelegationError::NoSuchHolder { holder, delegate, count });
        }
    }
    let (mut power, mut void, mut all) = (vec![U256::ZERO; count], U256::ZERO, U256::ZERO);
    for (holder, stake) in stakes.iter().enumerate() {
        all = all.checked_add(stake.own).ok_or(TooLarge)?;
        match end(stakes, holder, hops_max) {
            // No part is more than the sum of all, which fits.
            Some(delegate) => power[delegate] += stake.own,
            None => void += stake.own,
        }
    }
    Ok(Delegated { power, void, own: stakes.iter().map(|stake| stake.own).collect() })
}

/// Where a holder's stake arrives; `None` when its path comes back to a holder that it has passed.
///
/// Brent's method: the path is compared with one holder that it passed, which moves ahead in doubling steps.
fn end(stakes: &[Stake], holder: usize, hops_max: usize) -> Option<usize> {
    let (mut at, mut passed, mut until) = (holder, holder, 1);
    // A path without a circle has fewer hops than there are holders; one with a circle is found to have it within three times as many.
    for hop in 1..=hops_max.min(3 * stakes.len() + 2) {
        let Some(next) = stakes[at].delegate.filter(|next| *next != at) else { return Some(at) };
        at = next;
        if at == passed {
            return None;
        }
        if hop == until {
            (passed, until) = (at, 2 * until);
        }
    }
    Some(at)
}

impl Delegated {
    /// Returns what those hold who vote with anything.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn holdings(&self) -> Result<Holdings, TooLarge> {
        Holdings::new(self.power.iter().copied(), Zeros::Drop)
    }

    /// Returns how many times its own stake a holder votes with; `None` when it has none of its own.
    #[must_use]
    pub fn amplification(&self, holder: usize) -> Option<Ratio> {
        Ratio::new(*self.power.get(holder)?, *self.own.get(holder)?)
    }
}
