//! What the invariants say of a pool that is not in order, and balances that change by themselves.

use alloy_primitives::U256;
use amm::constant_product::{Amounts, Fee, Pool, Refused};

use super::{amounts, pool};

fn of(amount0: u64, amount1: u64) -> Amounts {
    amounts(U256::from(amount0), U256::from(amount1))
}

#[test]
fn whatever_is_not_in_order_is_found() {
    let check = |expected: Option<&str>, change: fn(&mut Pool)| {
        let mut pool = pool(5_000, 20_000);
        change(&mut pool);
        assert_eq!(pool.invariants().err(), expected);
    };
    let sum = Some("shares add up to the supply");
    let locked = Some("the minimum liquidity is locked as long as there are shares");
    check(None, |_| ());
    check(None, |pool| *pool = Pool::default());
    check(sum, |pool| pool.supply += U256::ONE);
    check(sum, |pool| pool.held_shares += U256::ONE);
    check(sum, |pool| pool.protocol_shares += U256::ONE);
    check(sum, |pool| pool.locked_shares -= U256::ONE);
    check(sum, |pool| (pool.held_shares, pool.protocol_shares) = (U256::MAX, U256::MAX));
    check(locked, |pool| {
        pool.locked_shares -= U256::ONE;
        pool.held_shares += U256::ONE;
    });
    check(locked, |pool| {
        *pool = Pool::default();
        (pool.locked_shares, pool.supply) = (U256::ONE, U256::ONE);
    });
    check(Some("a product is remembered only of a pair that has shares"), |pool| {
        *pool = Pool { k_last: U256::ONE, fee: Fee::On, ..Pool::default() };
    });
}

#[test]
fn what_is_held_beyond_the_reserves_is_paid_out_or_counted() {
    let mut pool = pool(5_000, 20_000);
    pool.receive(of(7, 0)).unwrap();
    assert_eq!(pool.skim(), Ok(of(7, 0)));
    assert_eq!(pool.balances, of(5_000, 20_000));
    assert_eq!(pool.skim(), Ok(of(0, 0)));
    // An asset lowers balances: nothing is beyond the reserves until they are counted again.
    pool.lose(of(1, 30)).unwrap();
    assert_eq!(pool.balances, of(4_999, 19_970));
    assert!(matches!(pool.skim(), Err(Refused::Arithmetic(_))));
    pool.sync(2).unwrap();
    assert_eq!(pool.reserves.amounts(), of(4_999, 19_970));
    assert_eq!(pool.skim(), Ok(of(0, 0)));
    let before = pool.clone();
    assert!(matches!(pool.lose(of(5_000, 0)), Err(Refused::Arithmetic(_))));
    assert!(matches!(pool.lose(of(0, 20_000)), Err(Refused::Arithmetic(_))));
    assert_eq!(pool, before);
}
