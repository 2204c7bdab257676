use alloy_primitives::{U256, aliases::U112, uint};
use amm::constant_product::{
    Amounts, ArithmeticError, Depth, MINIMUM_LIQUIDITY, Prices, QuoteError, Refused, Reserves,
    amount_in_up, amount_out_down, average_price_down, burn_down, check_deadline, check_outputs,
    mint_down, protocol_fee_down, quote_down, settle_swap, spend_allowance, surplus,
};

use super::{amounts, pool};

const WAD: U256 = uint!(1_000_000_000_000_000_000_U256);

fn small(amount0: u64, amount1: u64) -> Amounts {
    amounts(U256::from(amount0), U256::from(amount1))
}

fn reserves(reserve0: u64, reserve1: u64) -> Reserves {
    let narrow = |reserve| U112::from(reserve);
    Reserves { reserve0: narrow(reserve0), reserve1: narrow(reserve1), updated_at: 0 }
}

/// Measured with the deployed bytecode through its router.
#[test]
fn the_golden_vector_of_the_reference_comes_out() {
    let mut pool = pool(5_000_000_000_000_000_000, 10_000_000_000_000_000_000);
    assert_eq!(pool.held_shares, uint!(7_071_067_811_865_474_244_U256));
    let depth = Depth {
        reserve_in: U256::from(pool.reserves.reserve0),
        reserve_out: U256::from(pool.reserves.reserve1),
    };
    let out = amount_out_down(WAD, depth).unwrap();
    assert_eq!(out, uint!(1_662_497_915_624_478_906_U256));
    pool.receive(amounts(WAD, U256::ZERO)).unwrap();
    pool.swap(amounts(U256::ZERO, out), Amounts::default(), 2).unwrap();
    assert_eq!(U256::from(pool.reserves.reserve0), uint!(6_000_000_000_000_000_000_U256));
    assert_eq!(U256::from(pool.reserves.reserve1), uint!(8_337_502_084_375_521_094_U256));
}

/// Amount in and both reserves in ether, and the largest output that the contract accepts. Source: the table of Uniswap v2's own
/// tests (`UniswapV2Pair.spec.ts`, `getInputPrice`).
#[test]
fn a_swap_gets_what_it_is_quoted_and_not_one_more() {
    for (input, reserve0, reserve1, output) in [
        (1, 5, 10, 1_662_497_915_624_478_906_u128),
        (1, 10, 5, 453_305_446_940_074_565),
        (2, 5, 10, 2_851_015_155_847_869_602),
        (2, 10, 5, 831_248_957_812_239_453),
        (1, 10, 10, 906_610_893_880_149_131),
        (1, 100, 100, 987_158_034_397_061_298),
        (1, 1_000, 1_000, 996_006_981_039_903_216),
    ] {
        const ETHER: u128 = 1_000_000_000_000_000_000;
        let start = pool(reserve0 * ETHER, reserve1 * ETHER);
        let paid = amounts(U256::from(input * ETHER), U256::ZERO);
        let depth = Depth {
            reserve_in: U256::from(reserve0 * ETHER),
            reserve_out: U256::from(reserve1 * ETHER),
        };
        assert_eq!(amount_out_down(paid.amount0, depth), Ok(U256::from(output)));
        let asked = |more: u128| amounts(U256::ZERO, U256::from(output + more));
        assert_eq!(start.clone().swap(asked(1), paid, 2), Err(Refused::ProductFalls));
        assert_eq!(start.clone().swap(asked(0), paid, 2), Ok(paid));
    }
}

/// Source: `UniswapV2Pair.spec.ts`, `optimistic`: output and input of one asset.
#[test]
fn a_loan_in_kind_costs_the_fee() {
    let start = pool(5_000_000_000_000_000_000, 10_000_000_000_000_000_000);
    let asked = amounts(uint!(997_000_000_000_000_000_U256), U256::ZERO);
    let paid = amounts(WAD, U256::ZERO);
    assert_eq!(start.clone().swap(asked, paid, 2), Ok(paid));
    let one_more = amounts(asked.amount0 + U256::ONE, U256::ZERO);
    assert_eq!(start.clone().swap(one_more, paid, 2), Err(Refused::ProductFalls));
}

/// Source: `UniswapV2Pair.spec.ts`, `feeTo:on`.
#[test]
fn the_protocol_gets_a_sixth_of_the_growth() {
    let root = uint!(1_000_000_000_000_000_000_000_U256);
    let grown = Reserves {
        reserve0: U112::from(1_001_000_000_000_000_000_000_u128),
        reserve1: U112::from(999_003_993_018_960_096_784_u128),
        updated_at: 0,
    };
    let owed = protocol_fee_down(grown, root * root, root).unwrap();
    assert_eq!(owed, uint!(249_750_499_251_388_U256));
    assert_eq!(protocol_fee_down(grown, U256::ZERO, root), Ok(U256::ZERO), "just turned on");
    let shrunk = reserves(1, 1);
    assert_eq!(protocol_fee_down(shrunk, root * root, root), Ok(U256::ZERO), "k has fallen");
    let too_many = protocol_fee_down(grown, U256::ONE, U256::MAX);
    assert_eq!(too_many, Err(ArithmeticError::Multiplication));
}

#[test]
fn quotes_are_refused_in_the_contracts_order() {
    let depth = |reserve_in: u64, reserve_out: u64| Depth {
        reserve_in: U256::from(reserve_in),
        reserve_out: U256::from(reserve_out),
    };
    let one = U256::ONE;
    for quote in [quote_down, amount_out_down, amount_in_up] {
        assert_eq!(quote(U256::ZERO, depth(0, 0)), Err(QuoteError::NoAmount));
        assert_eq!(quote(one, depth(0, 5)), Err(QuoteError::NoLiquidity));
        assert_eq!(quote(one, depth(5, 0)), Err(QuoteError::NoLiquidity));
        let multiplied = quote(U256::MAX, Depth { reserve_in: U256::MAX, reserve_out: U256::MAX });
        assert_eq!(multiplied, Err(ArithmeticError::Multiplication.into()));
    }
    assert_eq!(quote_down(one, depth(2, 3)), Ok(U256::from(1)));
    assert_eq!(amount_out_down(one, depth(100, 100)), Ok(U256::ZERO));
    // Exactly 1000·997·1 / (997·(1001 − 1)·…) leaves no remainder, and 1 is added all the same.
    assert_eq!(amount_in_up(one, depth(997, 1_001)), Ok(U256::from(2)));
    assert_eq!(amount_in_up(U256::from(6), depth(5, 5)), Err(ArithmeticError::Subtraction.into()));
    assert_eq!(amount_in_up(U256::from(5), depth(5, 5)), Err(ArithmeticError::Division.into()));
}

#[test]
fn shares_are_refused_in_the_contracts_order() {
    let none = Reserves::default();
    let huge = amounts(U256::MAX, U256::MAX);
    let mint = |reserves, balances, supply: u64| mint_down(reserves, balances, U256::from(supply));
    assert_eq!(mint(none, huge, 0), Err(ArithmeticError::Multiplication.into()));
    assert_eq!(mint(none, small(999, 999), 0), Err(ArithmeticError::Subtraction.into()));
    assert_eq!(mint(none, small(1_000, 1_000), 0), Err(Refused::NoLiquidityMinted));
    let minted = mint(none, small(1_000, 4_000), 0).unwrap();
    assert_eq!((minted.liquidity, minted.locked), (U256::from(1_000), MINIMUM_LIQUIDITY));
    assert_eq!(mint(reserves(5, 5), small(4, 9), 10), Err(ArithmeticError::Subtraction.into()));
    assert_eq!(mint(reserves(0, 5), small(1, 9), 10), Err(ArithmeticError::Division.into()));
    assert_eq!(mint(reserves(50, 50), small(54, 60), 10), Err(Refused::NoLiquidityMinted));
    assert_eq!(mint(reserves(50, 50), small(60, 70), 10).unwrap().liquidity, U256::from(2));

    let burn = |balances, liquidity: u64, supply: u64| {
        burn_down(balances, U256::from(liquidity), U256::from(supply))
    };
    assert_eq!(burn(small(5, 5), 1, 0), Err(ArithmeticError::Division.into()));
    assert_eq!(burn(small(9, 90), 1, 10), Err(Refused::NoLiquidityBurned));
    assert_eq!(burn(small(90, 9), 1, 10), Err(Refused::NoLiquidityBurned));
    assert_eq!(burn(small(19, 29), 1, 10), Ok(small(1, 2)));
    assert_eq!(burn(huge, 2, 2), Err(ArithmeticError::Multiplication.into()));
}

#[test]
fn swaps_are_refused_in_the_contracts_order() {
    let held = reserves(100, 100);
    assert_eq!(check_outputs(reserves(0, 0), small(0, 0)), Err(Refused::NoOutput));
    assert_eq!(check_outputs(held, small(100, 0)), Err(Refused::OutputAboveReserves));
    assert_eq!(check_outputs(held, small(0, 100)), Err(Refused::OutputAboveReserves));
    assert_eq!(check_outputs(held, small(99, 99)), Ok(()));
    let settle = |outputs, balances| settle_swap(held, outputs, balances);
    assert_eq!(settle(small(10, 0), small(90, 100)), Err(Refused::NoInput));
    assert_eq!(settle(small(10, 0), small(90, 111)), Err(Refused::ProductFalls));
    assert_eq!(settle(small(10, 0), small(90, 112)), Ok(small(0, 12)));
    assert_eq!(settle(small(101, 0), small(0, 100)), Err(Refused::OutputAboveReserves));
    let huge = amounts(U256::MAX, U256::from(100));
    assert_eq!(settle(small(0, 1), huge), Err(ArithmeticError::Multiplication.into()));
    assert_eq!(surplus(held, small(101, 99)), Err(ArithmeticError::Subtraction));
    assert_eq!(surplus(held, small(101, 103)), Ok(small(1, 3)));
}

#[test]
fn reserves_have_112_bits_and_accumulators_wrap() {
    let most = U256::from(U112::MAX);
    let update = |prices, balances| reserves(3, 7).update(prices, balances, 5);
    let none = Prices::default();
    let one_more = most + U256::ONE;
    assert_eq!(update(none, amounts(one_more, U256::ONE)), Err(Refused::ReserveOverflow));
    assert_eq!(update(none, amounts(U256::ONE, one_more)), Err(Refused::ReserveOverflow));
    let (held, prices) = update(none, amounts(most, most)).unwrap();
    assert_eq!(held, Reserves { reserve0: U112::MAX, reserve1: U112::MAX, updated_at: 5 });
    let price = |of: u64, against: u64| (U256::from(of) << 112) / U256::from(against);
    let expected = Prices {
        price0_cumulative: price(7, 3) * U256::from(5),
        price1_cumulative: price(3, 7) * U256::from(5),
    };
    assert_eq!(prices, expected, "with the old reserves");
    let full = Prices { price0_cumulative: U256::MAX, price1_cumulative: U256::MAX };
    let (_, wrapped) = update(full, amounts(most, most)).unwrap();
    assert_eq!(wrapped.price0_cumulative, expected.price0_cumulative - U256::ONE);
}

#[test]
fn averages_span_both_kinds_of_wrapping() {
    // From 10 seconds before 2^32 to 20 after.
    let held = Reserves { updated_at: u32::MAX - 9, ..reserves(1, 2) };
    let start = Prices { price0_cumulative: U256::MAX, price1_cumulative: U256::MAX };
    let end = start.at(held, 20);
    let average = average_price_down(start.price0_cumulative, end.price0_cumulative, 30);
    assert_eq!(average, Ok(U256::from(2) << 112));
    assert_eq!(average_price_down(U256::ZERO, U256::ONE, 0), Err(ArithmeticError::Division));
    assert_eq!(start.at(held, held.updated_at), start, "no time has passed");
    for empty in [reserves(0, 5), reserves(5, 0)] {
        assert_eq!(start.at(empty, 20), start, "there is no price");
    }
}

#[test]
fn allowances_and_deadlines_end_where_the_contract_ends_them() {
    let five = U256::from(5);
    assert_eq!(spend_allowance(five, five), Ok(U256::ZERO));
    assert_eq!(spend_allowance(five, five + U256::ONE), Err(ArithmeticError::Subtraction));
    assert_eq!(spend_allowance(U256::MAX, U256::MAX), Ok(U256::MAX), "unlimited");
    assert!(check_deadline(five, 5));
    assert!(!check_deadline(five, 6));
    assert!(check_deadline(U256::MAX, u64::MAX));
}
