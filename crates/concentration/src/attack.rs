//! What it costs to win a vote.
//!
//! [`amount_to_win`](crate::turnout::amount_to_win) says how much is needed at the turnout that is forecast. Each [`Way`] to get it has a cost;
//! the least of them is the minimum attack cost. All amounts are integers, rounded against the attacker: up.
//!
//! It is an estimate of the costs that were put in. A way that nobody thought of may be cheaper.

use std::cmp::Reverse;

use alloy_primitives::U256;

use crate::{Ratio, ratio::Wide};

/// Seconds of a year of 365 days.
const YEAR_SECONDS: u64 = 31_536_000;
/// Basis points of a whole.
const BPS: u64 = 10_000;

/// Somebody whose vote can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What it votes with.
    pub weight: U256,
    /// What it asks for, in money.
    pub price: U256,
}

/// A way to get votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Buy from a pool of constant product, where the price rises with what is bought. Fees are left out.
    Buy {
        /// What the pool has of the asset.
        reserve_asset: U256,
        /// What it has of money.
        reserve_money: U256,
    },
    /// Borrow for as long as the vote needs: until the snapshot that counts, or to the end of the lock.
    Borrow {
        /// What can be borrowed at most.
        available: U256,
        /// Money for a whole of `price_unit` of the asset.
        price: U256,
        /// The amount of the asset that the price is for.
        price_unit: U256,
        /// Interest a year, in basis points.
        rate_bps: u64,
        /// For how long.
        seconds: u64,
    },
    /// Pay voters, or capture delegates, or rent machines: the cheapest for their weight first.
    Offers(Vec<Offer>),
    /// Buy identities, or other things that each weigh the same.
    Each {
        /// What one weighs.
        weight: U256,
        /// What one costs.
        price: U256,
        /// How many can be had.
        count_max: u64,
    },
}

/// The cheapest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cheapest {
    /// Its index in the list.
    pub way: usize,
    /// What it costs, in money.
    pub cost: U256,
}

impl Way {
    /// Returns what `needed` costs, rounded up; `None` when so much cannot be had this way, or the cost has more than 256 bits.
    #[must_use]
    pub fn cost_up(&self, needed: U256) -> Option<U256> {
        match self {
            _ if needed.is_zero() => Some(U256::ZERO),
            Self::Buy { reserve_asset, reserve_money } => {
                let left = reserve_asset.checked_sub(needed).filter(|left| !left.is_zero())?;
                product_over_up(*reserve_money, needed, left)
            }
            Self::Borrow { available, price, price_unit, rate_bps, seconds } => {
                if needed > *available || price_unit.is_zero() {
                    return None;
                }
                // One rounding for the worth and one for the interest: each against the borrower.
                let worth = product_over_up(needed, *price, *price_unit)?;
                let rate = U256::from(*rate_bps) * U256::from(*seconds);
                product_over_up(worth, rate, U256::from(BPS * YEAR_SECONDS))
            }
            Self::Offers(offers) => cheapest_offers(offers, needed),
            Self::Each { weight, price, count_max } => {
                if weight.is_zero() {
                    return None;
                }
                let count = needed.div_ceil(*weight);
                (count <= U256::from(*count_max)).then(|| count.checked_mul(*price)).flatten()
            }
        }
    }
}

/// Returns the cheapest way to get `needed`; `None` when there is none.
#[must_use]
pub fn cheapest(ways: &[Way], needed: U256) -> Option<Cheapest> {
    let costs = ways.iter().enumerate();
    let costs = costs.filter_map(|(way, how)| Some(Cheapest { way, cost: how.cost_up(needed)? }));
    costs.min_by_key(|cheapest| cheapest.cost)
}

/// Returns the cost as a part of the value that the vote controls; below 1, an attack can pay. `None` when it controls nothing.
#[must_use]
pub fn cost_by_value(cost: U256, value: U256) -> Option<Ratio> {
    Ratio::new(cost, value)
}

/// Takes offers by price for weight until there is enough, then leaves out what turned out not to be needed, dearest first. The least cost is a
/// knapsack problem; this is an upper bound of it, and exact where all offers have one price for their weight and are small.
fn cheapest_offers(offers: &[Offer], needed: U256) -> Option<U256> {
    let mut offers: Vec<Offer> =
        offers.iter().copied().filter(|offer| !offer.weight.is_zero()).collect();
    offers.sort_by(|left, right| {
        let product = |price: U256, weight: U256| Wide::from(price) * Wide::from(weight);
        product(left.price, right.weight).cmp(&product(right.price, left.weight))
    });
    let (mut weight, mut taken) = (U256::ZERO, Vec::new());
    for offer in offers {
        if weight >= needed {
            break;
        }
        weight = weight.saturating_add(offer.weight);
        taken.push(offer);
    }
    if weight < needed {
        return None;
    }
    taken.sort_by_key(|offer| Reverse(offer.price));
    let mut cost = U256::ZERO;
    for offer in taken {
        match weight.checked_sub(offer.weight).filter(|left| *left >= needed) {
            Some(left) => weight = left,
            None => cost = cost.checked_add(offer.price)?,
        }
    }
    Some(cost)
}

/// `a·b / c`, rounded up.
fn product_over_up(a: U256, b: U256, c: U256) -> Option<U256> {
    let product = Wide::from(a) * Wide::from(b);
    U256::checked_from_limbs_slice(product.div_ceil(Wide::from(c)).as_limbs())
}
