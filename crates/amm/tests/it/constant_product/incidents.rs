//! Losses of other exchanges, as properties: each fails when its defence is removed.

use alloy_primitives::U256;
use amm::constant_product::{
    Amounts, Depth, Pool, Prices, Refused, amount_out_down, average_price_down, product,
};
use proptest::{collection::vec, prelude::*};

use super::{amounts, magnitudes, pool};

fn with(amount0: u64, amount1: u64) -> Amounts {
    amounts(U256::from(amount0), U256::from(amount1))
}

proptest! {
    /// Balancer, November 2025: rounding in favour of the trader, repeated in one transaction with balances of a few units.
    #[test]
    fn no_series_of_swaps_with_tiny_reserves_lowers_the_product(
        reserves in (1..20_u64, 1..20_u64),
        swaps in vec((0..20_u64, 0..20_u64, 0..20_u64, 0..20_u64), 1..65),
    ) {
        let mut pool = Pool::default();
        pool.receive(with(reserves.0, reserves.1)).unwrap();
        pool.sync(1).unwrap();
        let start = product(pool.reserves);
        for (out0, out1, in0, in1) in swaps {
            let _ = pool.swap(with(out0, out1), with(in0, in1), 1).is_ok();
            prop_assert!(start <= product(pool.reserves));
        }
    }

    /// Uranium, April 2021: the check multiplied the balances by 10,000 and the reserves by 1,000 squared. With one scale, no swap gets out more
    /// than its quote.
    #[test]
    fn no_swap_gets_more_than_its_quote(
        reserve0 in 1_000_u128..1 << 100, reserve1 in 1_100_u128..1 << 100, input in magnitudes(100), more in 1..1_000_u32,
    ) {
        let mut pool = pool(reserve0, reserve1);
        let Amounts { amount0: reserve_in, amount1: reserve_out } = pool.reserves.amounts();
        let quoted = amount_out_down(input, Depth { reserve_in, reserve_out }).unwrap_or_default();
        let asked = amounts(U256::ZERO, quoted + U256::from(more));
        prop_assert!(pool.swap(asked, amounts(input, U256::ZERO), 2).is_err());
    }

    /// The first holder makes shares expensive with a gift, so that the next one gets none. The locked shares make that cost a thousand times what the
    /// victim loses.
    #[test]
    fn who_inflates_the_first_share_loses_more_than_the_victim(gift in 1..1_u64 << 60, victim in 1..1_u64 << 60) {
        let mut pool = Pool::default();
        pool.receive(with(1_001, 1_001)).unwrap();
        pool.mint(1).unwrap();
        pool.receive(with(gift, gift)).unwrap();
        pool.sync(1).unwrap();
        pool.receive(with(victim, victim)).unwrap();
        let victim_shares = pool.mint(1).unwrap_or_default();
        let attacker = pool.burn(U256::ONE, 1).map(|paid| paid.amount0).unwrap_or_default();
        prop_assert!(attacker <= U256::from(1_001 + gift), "no profit from what the victim brought");
        if !victim_shares.is_zero() {
            let back = pool.burn(victim_shares, 1).map(|paid| paid.amount0).unwrap_or_default();
            let lost = U256::from(victim).saturating_sub(back);
            let spent = U256::from(1_001 + gift) - attacker;
            prop_assert!(lost <= spent);
        }
    }
}

/// Mango, Cream, Inverse: a spot price read in the block of its manipulation. What is traded and undone within one second moves no average.
#[test]
fn a_price_that_holds_for_no_time_moves_no_average() {
    let mut pool = pool(1_000_000, 1_000_000);
    pool.sync(1_001).unwrap();
    let before = pool.prices;
    // The first trade of a later second counts the price from before it.
    pool.swap(with(900_000, 0), with(0, 9_100_000), 1_011).unwrap();
    let spot = pool.reserves.amounts();
    assert!(spot.amount1 / spot.amount0 > U256::from(90), "the spot price has moved");
    pool.swap(with(0, 9_087_000), with(900_000, 0), 1_011).unwrap();
    let average = |now: Prices| {
        let (before, now) = (before.price0_cumulative, now.price0_cumulative);
        move |seconds| average_price_down(before, now, seconds).unwrap()
    };
    let one = U256::ONE << 112;
    assert_eq!(average(pool.prices)(10), one, "neither trade counts");
    pool.sync(1_012).unwrap();
    let later = average(pool.prices)(11);
    assert!(later > one && later < one + one / U256::from(500), "{later}");
}

/// Balancer STA, imBTC: an asset that delivers less than was sent. Only what has arrived counts.
#[test]
fn what_does_not_arrive_buys_nothing() {
    let mut pool = pool(1_000_000, 1_000_000);
    let Amounts { amount0: reserve_in, amount1: reserve_out } = pool.reserves.amounts();
    let quoted = amount_out_down(U256::from(10_000), Depth { reserve_in, reserve_out }).unwrap();
    let arrived = with(9_900, 0);
    let refused = pool.swap(amounts(U256::ZERO, quoted), arrived, 2);
    assert_eq!(refused, Err(Refused::ProductFalls));
    let shares = pool.supply;
    pool.receive(with(99, 50)).unwrap();
    assert_eq!(pool.mint(2), Ok(U256::from(50)), "the lesser part of what arrived");
    assert_eq!(pool.supply, shares + U256::from(50));
}
