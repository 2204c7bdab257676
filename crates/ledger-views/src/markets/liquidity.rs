//! What adding liquidity would use and give, and what removing a part would pay, by the rules and the ledger's own modules.

use abi::{UNISWAP_V2_ROUTER, UniswapV2Router02};
use alloy_primitives::{U160, U256};
use amm::concentrated::{
    TICK_MAX, amount0_down, amount0_up, amount1_down, amount1_up, liquidity_for_amounts,
    sqrt_price_at_tick,
};

use super::PoolView;
use crate::{Ask, ViewError, batch};

/// What adding would use and give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition {
    /// What is used of token 0 and token 1, in the smallest unit, rounded up.
    pub amounts: [U256; 2],
    /// The liquidity of a position of Uniswap v3; 0 of a pair, whose shares depend on its balances.
    pub liquidity: u128,
}

/// Returns the part of the given amounts that a pair takes: all of one, and as much of the other as its reserves say; an amount that is not given has no limit. An empty pair takes both.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] when an amount is 0.
pub async fn addition_to_pair<A: Ask>(
    ledger: &A,
    pair: &PoolView,
    desired: [Option<U256>; 2],
) -> Result<Addition, ViewError<A::Error>> {
    let [desired0, desired1] = desired.map(|amount| amount.unwrap_or(U256::MAX));
    let [Some(reserve0), Some(reserve1)] = pair.amounts else {
        return Ok(Addition { amounts: [desired0, desired1], liquidity: 0 });
    };
    if reserve0.is_zero() || reserve1.is_zero() {
        return Ok(Addition { amounts: [desired0, desired1], liquidity: 0 });
    }
    let quote = |amount, one, other| UniswapV2Router02::quoteCall {
        amountA: amount,
        reserveA: one,
        reserveB: other,
    };
    if desired[0].is_some() {
        let call = quote(desired0, reserve0, reserve1);
        let needed1 = batch::ask(ledger, UNISWAP_V2_ROUTER, &call).await?;
        if needed1 <= desired1 {
            return Ok(Addition { amounts: [desired0, needed1], liquidity: 0 });
        }
    }
    let call = quote(desired1, reserve1, reserve0);
    let needed0 = batch::ask(ledger, UNISWAP_V2_ROUTER, &call).await?;
    Ok(Addition { amounts: [needed0, desired1], liquidity: 0 })
}

/// Returns what a position between two ticks takes of the given amounts at a price: as much liquidity as both give, or the one that is given. None when ticks
/// or amounts are out of range, or when the price is where the only given amount is not needed.
#[must_use]
pub fn addition_to_range(
    price: U160,
    (lower, upper): (i32, i32),
    desired: [Option<U256>; 2],
) -> Option<Addition> {
    let (low, high) = ends_of(lower, upper)?;
    let within = price.clamp(low, high);
    let (ends, amounts) = match desired {
        [Some(amount0), Some(amount1)] => ((low, high), (amount0, amount1)),
        // Seen from the end of the range, only one token is in the part on each side of the price.
        [Some(amount0), None] if within < high => ((within, high), (amount0, U256::ZERO)),
        [None, Some(amount1)] if low < within => ((low, within), (U256::ZERO, amount1)),
        _ => return None,
    };
    let liquidity = liquidity_for_amounts(within, ends, amounts).ok()?;
    let amount0 = amount0_up(within, high, liquidity).ok()?;
    let amount1 = amount1_up(low, within, liquidity).ok()?;
    Some(Addition { amounts: [amount0, amount1], liquidity })
}

/// Returns what a liquidity between two ticks is worth at a price, rounded down, as `UniswapV3Pool.burn` pays it; none for ticks out of range.
#[must_use]
pub fn amounts_down(price: U160, (lower, upper): (i32, i32), liquidity: u128) -> Option<[U256; 2]> {
    let (low, high) = ends_of(lower, upper)?;
    let within = price.clamp(low, high);
    let amount0 = amount0_down(within, high, liquidity).ok()?;
    Some([amount0, amount1_down(low, within, liquidity).ok()?])
}

/// The square roots of the prices at two ticks; none unless the first is below the second.
fn ends_of(lower: i32, upper: i32) -> Option<(U160, U160)> {
    let (low, high) = (sqrt_price_at_tick(lower).ok()?, sqrt_price_at_tick(upper).ok()?);
    (low < high).then_some((low, high))
}

/// The lowest and the highest tick that a pool with this spacing may use; none for a spacing of 0.
#[must_use]
pub fn whole_range(spacing: i32) -> Option<(i32, i32)> {
    let most = TICK_MAX.checked_div(spacing)?.checked_mul(spacing)?;
    Some((most.checked_neg()?, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_amount_is_enough_to_know_the_other() {
        let (price, ticks) = (sqrt_price_at_tick(0).unwrap(), (-600, 1_200));
        let amount = U256::from(1_000_000_000_u64);
        let both = addition_to_range(price, ticks, [Some(amount); 2]).unwrap();
        for given in [[Some(both.amounts[0]), None], [None, Some(both.amounts[1])]] {
            let one = addition_to_range(price, ticks, given).unwrap();
            // Amounts are rounded up and liquidity down, so the two may differ by the last units.
            assert!(one.liquidity.abs_diff(both.liquidity) < 100, "{one:?} {both:?}");
        }
        assert!(both.amounts.contains(&amount) || both.amounts.contains(&(amount - U256::ONE)));
        assert!(both.amounts.iter().all(|used| *used <= amount));
    }

    #[test]
    fn out_of_range_only_one_token_is_taken() {
        let amount = Some(U256::from(1_000_000_u64));
        let above = sqrt_price_at_tick(5_000).unwrap();
        let added = addition_to_range(above, (-600, 600), [amount; 2]).unwrap();
        assert_eq!(added.amounts[0], U256::ZERO);
        assert_eq!(addition_to_range(above, (-600, 600), [amount, None]), None);
        let added = addition_to_range(above, (-600, 600), [None, amount]).unwrap();
        assert!(added.amounts[0].is_zero() && !added.amounts[1].is_zero());
        let worth = amounts_down(above, (-600, 600), added.liquidity).unwrap();
        assert!(worth[1] <= added.amounts[1] && worth[0].is_zero());
        assert_eq!(addition_to_range(above, (600, -600), [amount; 2]), None);
        assert_eq!(addition_to_range(above, (-900_000, 600), [amount; 2]), None);
        assert_eq!(amounts_down(above, (600, 600), 1), None);
        assert_eq!(amounts_down(above, (600, -600), 1), None);
    }

    #[test]
    fn the_whole_range_is_a_multiple_of_the_spacing() {
        assert_eq!(whole_range(60), Some((-887_220, 887_220)));
        assert_eq!(whole_range(1), Some((-887_272, 887_272)));
        assert_eq!(whole_range(0), None);
    }
}
