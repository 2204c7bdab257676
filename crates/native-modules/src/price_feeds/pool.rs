//! The pool that a feed is compared with: its average price over a window.

use ::price_feeds::{Answer, Base, Checkpoint, DECIMALS_MAX, PoolPrice, PoolTerms};
use abi::PriceFeeds;
use alloy_primitives::{Address, U256};
use amm::{
    concentrated::{Direction, Pool, mean_tick_down, sqrt_price_at_tick},
    constant_product::average_price_down,
};
use native_kit::{Failure, Host};
use units::Bps;

use super::pool_terms_error;
use crate::{
    market_lens::pools::{self, State},
    uniswap_v2,
    uniswap_v3::pool::{PoolRecords, assets_of},
    vault::stated_decimals,
};

/// A pool, which of its assets is priced, and how.
#[derive(Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) pool: Address,
    pub(crate) is_pair: bool,
    pub(crate) base: Base,
    pub(crate) terms: PoolTerms,
}

/// Checks what a feed is to be compared with: a pool of a factory, one of its assets, and assets that say their decimals, which are taken down now.
pub(super) fn named(
    host: &mut dyn Host,
    asked: &PriceFeeds::PoolTerms,
) -> Result<Compared, Failure> {
    let found = pools::find(host, asked.pool)?;
    let (direction, quote) = found.direction(asked.baseToken)?;
    let base = match direction {
        Direction::ZeroForOne => Base::Asset0,
        Direction::OneForZero => Base::Asset1,
    };
    let given = asked.divergenceBps;
    let out_of_range = || Failure::revert(&PriceFeeds::DivergenceOutOfRange { given });
    let terms = PoolTerms {
        window_seconds: asked.windowSeconds,
        divergence: Bps::new(given).map_err(|_| out_of_range())?,
        base_decimals: decimals(host, asked.baseToken)?,
        quote_decimals: decimals(host, quote)?,
    };
    terms.check().map_err(|error| pool_terms_error(error, asked))?;
    let is_pair = matches!(found.state, State::Pair(_));
    Ok(Compared { pool: asked.pool, is_pair, base, terms })
}

fn decimals(host: &mut dyn Host, token: Address) -> Result<u8, Failure> {
    let stated = stated_decimals(host, token)?.filter(|decimals| *decimals <= DECIMALS_MAX);
    let max = DECIMALS_MAX;
    stated.ok_or_else(|| Failure::revert(&PriceFeeds::TokenDecimalsOutOfRange { token, max }))
}

impl Compared {
    /// Returns the asset that is priced.
    pub(super) fn base_token(&self, host: &mut dyn Host) -> Result<Address, Failure> {
        let (token0, token1) = match self.is_pair {
            true => uniswap_v2::assets_of(host, self.pool)?,
            false => assets_of(host, self.pool)?,
        };
        Ok(match self.base {
            Base::Asset0 => token0,
            Base::Asset1 => token1,
        })
    }

    /// Returns whether the pair has a price.
    pub(super) fn is_pair_funded(&self, host: &mut dyn Host) -> Result<bool, Failure> {
        let reserves = uniswap_v2::reserves_of(host, self.pool)?;
        Ok(reserves.reserve0 != 0 && reserves.reserve1 != 0)
    }

    /// Returns the accumulated price of the priced asset, of a pair.
    pub(super) fn cumulative(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        let prices = uniswap_v2::prices_of(host, self.pool)?;
        Ok(match self.base {
            Base::Asset0 => prices.price0_cumulative,
            Base::Asset1 => prices.price1_cumulative,
        })
    }

    /// Returns the average price with `decimals` decimals, of a pair since the checkpoint `begin`; `None` where there is none over the window.
    pub(super) fn average(
        &self,
        host: &mut dyn Host,
        begin: Option<Checkpoint>,
        decimals: u8,
    ) -> Result<Option<Answer>, Failure> {
        let price = match self.is_pair {
            true => self.of_pair(host, begin)?,
            false => self.of_pool(host)?,
        };
        Ok(price.and_then(|price| self.terms.answer(price, decimals)))
    }

    /// From the checkpoint that is at least a window old until now.
    fn of_pair(
        &self,
        host: &mut dyn Host,
        begin: Option<Checkpoint>,
    ) -> Result<Option<PoolPrice>, Failure> {
        let now = units::UnixSeconds::new(host.timestamp());
        let Some(begin) = begin else { return Ok(None) };
        let end = self.cumulative(host)?;
        let seconds = now.as_u64().saturating_sub(begin.at.as_u64());
        let average = u32::try_from(seconds)
            .ok()
            .and_then(|seconds| average_price_down(begin.cumulative, end, seconds).ok());
        Ok(average.map(PoolPrice::of_average))
    }

    /// The price at the mean tick of the window: the geometric mean, to a basis point.
    fn of_pool(&self, host: &mut dyn Host) -> Result<Option<PoolPrice>, Failure> {
        let now = U256::from(host.timestamp()).wrapping_to();
        let window = self.terms.window_seconds;
        let mut records = PoolRecords::of(host, self.pool);
        let found = match Pool::new(&mut records, now).observe(&[window, 0]) {
            Ok(found) => found,
            Err(ended) => match Failure::from(ended) {
                // It has no price yet, or its observations do not reach back so far.
                Failure::Revert(_) => return Ok(None),
                other => return Err(other),
            },
        };
        let [begin, end] = found.as_slice() else { return Ok(None) };
        let tick = mean_tick_down(begin.tick_cumulative, end.tick_cumulative, window);
        let root = tick.and_then(|tick| sqrt_price_at_tick(tick).ok());
        Ok(root.and_then(|root| PoolPrice::of_root(root, self.base)))
    }
}
