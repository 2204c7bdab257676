//! What the invariants say of records that are not in order, and refusals by name.

use alloy_primitives::{U160, U256};
use amm::concentrated::{
    Book as _, Direction, MemoryBook, Observation, Owed, Pool, Position, Refused, SQRT_PRICE_MIN,
    Slot0, Terms, TickAccumulators, invariants, price_after_input, price_after_output,
    sqrt_price_at_tick,
};

use super::play::{Game, Step, key};

/// What the pool holds for one position from -120 to 60 of a million, at price 1.
fn pool() -> Game {
    let mut game =
        Game::new(Terms { fee: 3_000, tick_spacing: 60 }, sqrt_price_at_tick(0).unwrap());
    game.step(Step::Mint { owner: 1, lower: -120, upper: 60, amount: 1_000_000 }).unwrap();
    game
}

fn check(expected: &str, change: impl FnOnce(&mut MemoryBook) -> Result<(), Refused>) {
    let mut game = pool();
    change(&mut game.book).unwrap();
    match invariants(&game.book, game.held) {
        Ok(()) => assert_eq!(expected, "", "nothing is found"),
        Err(found) => {
            assert!(!expected.is_empty() && found.contains(expected), "{found}, not {expected}");
        }
    }
}

fn slot0(expected: &str, change: impl FnOnce(&mut Slot0)) {
    check(expected, |book| {
        let mut slot0 = book.slot0()?;
        change(&mut slot0);
        book.set_slot0(&slot0)
    });
}

#[test]
fn whatever_is_not_in_order_is_found() {
    check("", |_| Ok(()));
    check("1000001 is active, not 1000000", |book| book.set_liquidity(1_000_001));
    for tick in [-120, 60] {
        check("ticks are", |book| {
            let mut liquidity = book.tick_liquidity(tick)?;
            liquidity.net += 1;
            book.set_tick_liquidity(tick, &liquidity)
        });
        let nothing = TickAccumulators::default();
        check("is not initialized", |book| book.set_tick_accumulators(tick, &nothing));
    }
    check("the bitmap is", |book| book.set_word(0, U256::from(4)));
    check("the bitmap is", |book| book.set_word(7, U256::ONE));
    check("nobody references", |book| {
        let one = TickAccumulators { is_initialized: true, ..TickAccumulators::default() };
        book.set_tick_accumulators(180, &one)
    });
    check("a position is too large", |book| {
        let position = Position { liquidity: 1 << 127, ..Position::default() };
        book.set_position(&key(2, -120, 60), &position)
    });
    slot0("is not in tick 1", |slot0| slot0.tick = 1);
    slot0("is not in tick -2", |slot0| slot0.tick = -2);
    // After a swap down to the end of a tick the price is that of the tick above.
    slot0("", |slot0| slot0.tick = -1);
    slot0("observations are not in order", |slot0| slot0.observation_index = 1);
    slot0("observations are not in order", |slot0| slot0.observation_cardinality = 2);
    // A pool in the middle of a call is in order, too, and so is one without a price.
    slot0("", |slot0| slot0.is_unlocked = false);
    let empty = MemoryBook::new(Terms { fee: 3_000, tick_spacing: 60 });
    assert_eq!(invariants(&empty, (U256::ZERO, U256::ZERO)), Ok(()));
}

#[test]
fn a_pool_that_cannot_pay_everybody_is_found() {
    // A position that was taken out, and not collected; with it nothing else can be taken out.
    let mut game = pool();
    game.step(Step::Mint { owner: 2, lower: -60, upper: 60, amount: 5_000 }).unwrap();
    game.step(Step::Burn { owner: 2, lower: -60, upper: 60, amount: 5_000 }).unwrap();
    let positions = game.held;
    game.book.set_protocol_fees(&Owed { of0: 7, of1: 9 }).unwrap();
    // Each of two positions has been rounded up in and is rounded down out.
    let held = (positions.0 + U256::from(5), positions.1 + U256::from(7));
    assert_eq!(invariants(&game.book, held), Ok(()));
    let one = U256::ONE;
    for held in [(held.0 - one, held.1), (held.0, held.1 - one)] {
        let found = invariants(&game.book, held).unwrap_err();
        assert!(found.starts_with("owes "), "{found}");
    }
}

#[test]
fn a_pool_begins_with_an_observation_of_its_time() {
    let mut book = MemoryBook::new(Terms { fee: 500, tick_spacing: 10 });
    let mut pool = Pool::new(&mut book, 1_234);
    pool.initialize(SQRT_PRICE_MIN).unwrap();
    let first = Observation { time: 1_234, is_initialized: true, ..Observation::default() };
    assert_eq!(book.observation(0), Ok(first));
}

#[test]
fn a_price_moves_only_where_there_are_price_and_liquidity() {
    let amount = U256::from(1_000);
    let one = sqrt_price_at_tick(0).unwrap();
    for direction in [Direction::ZeroForOne, Direction::OneForZero] {
        for (price, liquidity) in [(U160::ZERO, 10_u128.pow(9)), (one, 0), (U160::ZERO, 0)] {
            let after = price_after_input(price, liquidity, amount, direction);
            assert_eq!(after, Err(Refused::Arithmetic), "{price} {liquidity}");
            let after = price_after_output(price, liquidity, amount, direction);
            assert_eq!(after, Err(Refused::Arithmetic), "{price} {liquidity}");
        }
        assert!(price_after_input(one, 10_u128.pow(9), amount, direction).is_ok());
        assert!(price_after_output(one, 10_u128.pow(9), amount, direction).is_ok());
    }
}

/// Source: the messages of `UniswapV3Pool`, `Tick`, `TickMath`, `Position`, `LiquidityMath` and `Oracle`.
#[test]
fn refusals_have_the_messages_of_the_original() {
    for (refused, code) in [
        (Refused::Locked, "LOK"),
        (Refused::AlreadyInitialized, "AI"),
        (Refused::TickOrder, "TLU"),
        (Refused::LowerTickTooLow, "TLM"),
        (Refused::UpperTickTooHigh, "TUM"),
        (Refused::TickOutOfRange, "T"),
        (Refused::PriceOutOfRange, "R"),
        (Refused::TickLiquidity, "LO"),
        (Refused::LiquidityUnderflow, "LS"),
        (Refused::LiquidityOverflow, "LA"),
        (Refused::NoPosition, "NP"),
        (Refused::SwapAmount, "AS"),
        (Refused::PriceLimit, "SPL"),
        (Refused::MintUnderpaid0, "M0"),
        (Refused::MintUnderpaid1, "M1"),
        (Refused::SwapUnderpaid, "IIA"),
        (Refused::NoLiquidity, "L"),
        (Refused::FlashUnderpaid0, "F0"),
        (Refused::FlashUnderpaid1, "F1"),
        (Refused::NoObservation, "I"),
        (Refused::TooOld, "OLD"),
    ] {
        assert_eq!(refused.code(), Some(code), "{refused}");
    }
    for refused in [
        Refused::TickSpacing,
        Refused::TickNotInitialized,
        Refused::LiquidityAmount,
        Refused::ProtocolFee,
        Refused::Arithmetic,
    ] {
        assert_eq!(refused.code(), None, "{refused}");
    }
}

/// A product that is cut off to 256 bits is small again: nearly everything would be paid out for nearly nothing (Cetus, May 2025).
#[test]
fn a_product_that_does_not_fit_is_refused_or_divided_first() {
    let (price, liquidity) = (U160::ONE << 128_usize, 10_u128.pow(18));
    for amount in [U256::ONE << 128_usize, (U256::ONE << 128_usize) + U256::ONE, U256::MAX] {
        let paid = price_after_output(price, liquidity, amount, Direction::OneForZero);
        assert_eq!(paid, Err(Refused::Arithmetic), "{amount}");
    }
    // What is paid in moves the price down to `L / (L / P + amount)`.
    let amount = U256::ONE << 128_usize;
    let after = price_after_input(price, liquidity, amount, Direction::ZeroForOne).unwrap();
    let shifted = U256::from(liquidity) << 96_usize;
    let expected = shifted.div_ceil(shifted / U256::from(price) + amount);
    assert_eq!(U256::from(after), expected);
}
