use alloy_primitives::{U256, U512};
use amm::constant_product::{
    Amounts, Depth, Fee, MINIMUM_LIQUIDITY, Pool, Refused, Reserves, amount_in_up, amount_out_down,
    mint_down, product, protocol_fee_down, quote_down,
};
use num_bigint::BigUint;
use proptest::{collection::vec, prelude::*};

use super::{amounts, magnitudes, pool};

fn big(number: U256) -> BigUint {
    BigUint::from_bytes_be(&number.to_be_bytes::<32>())
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Receive(U256, U256),
    /// Takes balance away, as a rebasing asset may.
    Lose(U256, U256),
    Mint,
    /// A part of the shares, in 256ths, or an exact number of them.
    Burn(u8),
    BurnExactly(U256),
    /// Outputs and what is repaid.
    Swap(U256, U256, U256, U256),
    /// Pays for asset 1 (or 0) what the quote says, plus or minus a little.
    Trade(bool, U256, i8),
    Skim,
    Sync,
    Fee(bool),
    Wait(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let number = || magnitudes(114);
    prop_oneof![
        6 => (number(), number()).prop_map(|(a, b)| Step::Receive(a, b)),
        1 => (number(), number()).prop_map(|(a, b)| Step::Lose(a, b)),
        6 => Just(Step::Mint),
        3 => any::<u8>().prop_map(Step::Burn),
        2 => number().prop_map(Step::BurnExactly),
        4 => (number(), number(), number(), number()).prop_map(|(a, b, c, d)| Step::Swap(a, b, c, d)),
        8 => (any::<bool>(), number(), -2..3_i8).prop_map(|(side, a, more)| Step::Trade(side, a, more)),
        2 => Just(Step::Skim),
        3 => Just(Step::Sync),
        2 => any::<bool>().prop_map(Step::Fee),
        4 => prop_oneof![Just(1), 0..100_u32, any::<u32>()].prop_map(Step::Wait),
    ]
}

/// Returns the pair's reserves in the direction of a trade.
fn depth(reserves: Reserves, gives_asset1: bool) -> Depth {
    let Amounts { amount0, amount1 } = reserves.amounts();
    match gives_asset1 {
        false => Depth { reserve_in: amount0, reserve_out: amount1 },
        true => Depth { reserve_in: amount1, reserve_out: amount0 },
    }
}

fn sided(gives_asset1: bool, input: U256, output: U256) -> (Amounts, Amounts) {
    match gives_asset1 {
        false => (amounts(input, U256::ZERO), amounts(U256::ZERO, output)),
        true => (amounts(U256::ZERO, input), amounts(output, U256::ZERO)),
    }
}

fn play(pool: &mut Pool, step: Step, now: &mut u32) -> Result<(), Refused> {
    match step {
        Step::Receive(a, b) => pool.receive(amounts(a, b)),
        Step::Lose(a, b) => {
            let Amounts { amount0, amount1 } = pool.balances;
            pool.lose(amounts(a.min(amount0), b.min(amount1)))
        }
        Step::Mint => pool.mint(*now).map(drop),
        Step::Burn(part) => {
            let liquidity = pool.held_shares * U256::from(part) / U256::from(255);
            pool.burn(liquidity, *now).map(drop)
        }
        Step::BurnExactly(liquidity) => pool.burn(liquidity, *now).map(drop),
        Step::Swap(a, b, c, d) => pool.swap(amounts(a, b), amounts(c, d), *now).map(drop),
        Step::Trade(side, input, more) => {
            let quoted = amount_out_down(input, depth(pool.reserves, side)).unwrap_or_default();
            let output = match more {
                0.. => quoted.saturating_add(U256::from(more.unsigned_abs())),
                _ => quoted.saturating_sub(U256::from(more.unsigned_abs())),
            };
            let (paid, asked) = sided(side, input, output);
            pool.swap(asked, paid, *now).map(drop)
        }
        Step::Skim => pool.skim().map(drop),
        Step::Sync => pool.sync(*now),
        Step::Fee(on) => {
            pool.fee = if on { Fee::On } else { Fee::Off };
            Ok(())
        }
        Step::Wait(seconds) => {
            *now = now.wrapping_add(seconds);
            Ok(())
        }
    }
}

/// Whether `k/T²` of `after` is at least that of `before`: what a share is worth has not fallen.
fn is_share_worth_kept(before: &Pool, after: &Pool) -> bool {
    let worth = |of: &Pool, against: U256| big(product(of.reserves)) * big(against).pow(2);
    worth(before, after.supply) <= worth(after, before.supply)
}

fn check_step(before: &Pool, after: &Pool, step: Step, accepted: bool) {
    after.invariants().unwrap();
    if !accepted {
        assert_eq!(before, after, "a refused step must change nothing");
        return;
    }
    let (k_before, k_after) = (product(before.reserves), product(after.reserves));
    match step {
        Step::Swap(..) | Step::Trade(..) | Step::Mint => {
            assert!(k_before <= k_after, "only a burn and a sync may lower the product");
        }
        Step::Burn(_) | Step::BurnExactly(_) => {
            let fee = after.protocol_shares - before.protocol_shares;
            assert!(after.supply <= before.supply + fee);
        }
        Step::Receive(..) | Step::Lose(..) | Step::Fee(_) | Step::Wait(_) | Step::Skim => {
            assert_eq!(before.reserves, after.reserves);
            assert_eq!(before.prices, after.prices);
        }
        Step::Sync => assert_eq!(after.reserves.amounts(), after.balances),
    }
    let is_counted = matches!(step, Step::Mint | Step::Burn(_) | Step::BurnExactly(_));
    if is_counted {
        assert_eq!(after.reserves.amounts(), after.balances, "mint and burn count everything");
        let lost = before.balances.amount0 < before.reserves.amounts().amount0
            || before.balances.amount1 < before.reserves.amounts().amount1;
        if before.fee == Fee::Off && !lost && !before.supply.is_zero() {
            assert!(is_share_worth_kept(before, after), "rounding never pays the caller");
        }
        let expected = if after.fee == Fee::On { k_after } else { U256::ZERO };
        assert_eq!(after.k_last, expected);
    } else {
        assert_eq!(before.k_last, after.k_last, "a product is remembered by mint and burn only");
        assert_eq!(before.supply, after.supply);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_after_every_step(
        start in prop_oneof![
            Just(None),
            (1_001_u128..1_020, 1_001_u128..1_020).prop_map(Some),
            (1_000_u128..1 << 111, 1_100_u128..1 << 111).prop_map(Some),
        ],
        steps in vec(step(), 1..40),
    ) {
        let mut pool = start.map_or_else(Pool::default, |(a, b)| pool(a, b));
        let mut now = 1;
        for step in steps {
            let before = pool.clone();
            let result = play(&mut pool, step, &mut now);
            check_step(&before, &pool, step, result.is_ok());
        }
    }

    #[test]
    fn quotes_are_the_rounded_rationals(
        amount in magnitudes(256), reserve_in in magnitudes(256), reserve_out in magnitudes(256),
    ) {
        let depth = Depth { reserve_in, reserve_out };
        let (a, x, y) = (big(amount), big(reserve_in), big(reserve_out));
        if let Ok(output) = amount_out_down(amount, depth) {
            let counted = &a * 997_u32;
            prop_assert_eq!(big(output), &counted * &y / (&x * 1000_u32 + &counted));
            prop_assert!(output < reserve_out || reserve_out.is_zero());
        }
        if let Ok(input) = amount_in_up(amount, depth) {
            prop_assert_eq!(big(input), &x * &a * 1000_u32 / ((&y - &a) * 997_u32) + 1_u32);
        }
        if let Ok(quoted) = quote_down(amount, depth) {
            prop_assert_eq!(big(quoted), &a * &y / &x);
        }
    }

    /// What is quoted is accepted, exact in either direction, also with reserves of a few units.
    #[test]
    fn a_quote_is_accepted_and_the_input_is_never_understated(
        reserve0 in magnitudes(112), reserve1 in magnitudes(112), amount in magnitudes(112), side in any::<bool>(),
    ) {
        let mut start = Pool { supply: MINIMUM_LIQUIDITY, locked_shares: MINIMUM_LIQUIDITY, ..Pool::default() };
        start.receive(amounts(reserve0, reserve1)).unwrap();
        prop_assume!(start.sync(1).is_ok());
        let depth = depth(start.reserves, side);
        if let Ok(output) = amount_out_down(amount, depth)
            && !output.is_zero()
        {
            let (paid, asked) = sided(side, amount, output);
            let result = start.clone().swap(asked, paid, 2);
            prop_assert!(matches!(result, Ok(_) | Err(Refused::ReserveOverflow)), "{:?}", result);
        }
        if let Ok(input) = amount_in_up(amount, depth) {
            let (paid, asked) = sided(side, input, amount);
            let result = start.clone().swap(asked, paid, 2);
            prop_assert!(matches!(result, Ok(_) | Err(Refused::ReserveOverflow)), "{:?}", result);
            prop_assert!(amount_out_down(input, depth).is_ok_and(|output| output >= amount));
        }
    }

    #[test]
    fn the_protocols_fee_is_at_most_a_sixth_of_the_growth(
        reserve0 in magnitudes(112), reserve1 in magnitudes(112), k_last in magnitudes(224), supply in magnitudes(112),
    ) {
        let mut held = Pool::default();
        held.receive(amounts(reserve0, reserve1)).unwrap();
        prop_assume!(held.sync(1).is_ok());
        let k = product(held.reserves);
        let owed = protocol_fee_down(held.reserves, k_last, supply).unwrap();
        let (root, root_last) = (big(k).sqrt(), big(k_last).sqrt());
        if k_last.is_zero() || root <= root_last {
            prop_assert_eq!(owed, U256::ZERO);
        } else {
            let growth = &root - &root_last;
            prop_assert_eq!(big(owed), big(supply) * &growth / (&root * 5_u32 + &root_last));
            // Of all shares, the protocol's new ones are at most a sixth of the growth.
            prop_assert!(big(owed) * 6_u32 * &root <= (big(supply) + big(owed)) * growth);
        }
    }

    #[test]
    fn a_mint_gives_the_rounded_root_or_the_lesser_part(
        held0 in magnitudes(112), held1 in magnitudes(112), more0 in magnitudes(112), more1 in magnitudes(112), supply in magnitudes(112),
    ) {
        let mut held = Pool::default();
        held.receive(amounts(held0, held1)).unwrap();
        prop_assume!(held.sync(1).is_ok());
        held.receive(amounts(more0, more1)).unwrap();
        let result = mint_down(held.reserves, held.balances, supply);
        let (a, b, t) = (big(more0), big(more1), big(supply));
        if let Ok(minted) = result {
            let expected = if supply.is_zero() {
                (&a * &b).sqrt() - 1000_u32
            } else {
                (&a * &t / big(held0)).min(&b * &t / big(held1))
            };
            prop_assert_eq!(big(minted.liquidity), expected);
            prop_assert_eq!(minted.amounts, amounts(more0, more1));
        } else if !supply.is_zero() && !held0.is_zero() && !held1.is_zero() {
            prop_assert!(&a * &t < big(held0) || &b * &t < big(held1));
        }
    }
}

#[test]
fn the_check_of_the_product_holds_at_the_largest_reserves() {
    // 2^112 − 1 on both sides: the products have 244 bits.
    let most = U256::from(alloy_primitives::aliases::U112::MAX);
    let mut pool = Pool::default();
    pool.receive(amounts(most, most)).unwrap();
    pool.mint(1).unwrap();
    let refused = pool.clone().swap(
        amounts(U256::ZERO, U256::from(1)),
        amounts(U256::from(2), U256::ZERO),
        2,
    );
    assert_eq!(refused, Err(Refused::ReserveOverflow));
    let wide: U512 = most.widening_mul(most);
    assert_eq!(U512::from(product(pool.reserves)), wide);
    let half = most >> 1;
    pool.swap(amounts(U256::ZERO, half), amounts(most, U256::ZERO), 2).unwrap_err();
    pool.swap(amounts(half, half), amounts(half * U256::from(3) / U256::from(2), half), 2)
        .unwrap_err();
    pool.burn(pool.held_shares, 3).unwrap();
    assert_eq!(pool.supply, MINIMUM_LIQUIDITY);
}
