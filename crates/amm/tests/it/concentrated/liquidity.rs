//! What minting, burning and collecting leave behind, record by record.

use alloy_primitives::{U160, U256};
use amm::concentrated::{
    Accumulators, Asset, Book as _, FeeGrowth, Owed, Pool, Refused, TICK_MAX, TICK_MIN, Terms,
    TickAccumulators, sqrt_price_at_tick,
};

use super::play::{Game, Step, key};

const TERMS: Terms = Terms { fee: 3_000, tick_spacing: 60 };
const LIQUIDITY: u128 = 1_000_000_000;

/// A pool at price 1 with liquidity from -120 to 120.
fn pool() -> Game {
    let mut game = Game::new(TERMS, sqrt_price_at_tick(0).unwrap());
    game.step(Step::Mint { owner: 1, lower: -120, upper: 120, amount: LIQUIDITY }).unwrap();
    game
}

#[test]
fn what_is_burned_is_owed_until_it_is_collected() {
    // Below its range a position is all of asset 0, above all of asset 1.
    for (lower, upper, sides) in
        [(60, 180, [true, false]), (-180, -60, [false, true]), (-60, 60, [true, true])]
    {
        let mut game = pool();
        game.step(Step::Mint { owner: 2, lower, upper, amount: LIQUIDITY }).unwrap();
        let position = key(2, lower, upper);
        let mut pool = Pool::new(&mut game.book, game.now);
        let burned = pool.burn(&position, LIQUIDITY / 4).unwrap();
        assert_eq!([!burned.amount0.is_zero(), !burned.amount1.is_zero()], sides);
        let owed = Owed { of0: burned.amount0.to(), of1: burned.amount1.to() };
        assert_eq!(game.book.owed(&position), Ok(owed));
        // Twice as much, and then all but one of it.
        let mut pool = Pool::new(&mut game.book, game.now);
        pool.burn(&position, LIQUIDITY / 4).unwrap();
        assert_eq!(game.book.owed(&position), Ok(owed.with(owed)));
        let most = Owed { of0: owed.of0 * 2 - u128::from(sides[0]), of1: owed.of1 };
        let mut pool = Pool::new(&mut game.book, game.now);
        let collected = pool.collect(&position, most).unwrap();
        assert_eq!((collected.amount0, collected.amount1), (most.of0, most.of1));
        pool.unlock().unwrap();
        let rest = Owed { of0: u128::from(sides[0]), of1: owed.of1 };
        assert_eq!(game.book.owed(&position), Ok(rest));
        // More than there is: the rest.
        let most = Owed { of0: u128::MAX, of1: u128::MAX };
        let collected = Pool::new(&mut game.book, game.now).collect(&position, most).unwrap();
        assert_eq!((collected.amount0, collected.amount1), (rest.of0, rest.of1));
        assert_eq!(game.book.owed(&position), Ok(Owed::default()));
    }
}

#[test]
fn a_new_tick_counts_what_has_happened_as_below_it() {
    let mut game = pool();
    let loan = U256::from(1_000_000);
    game.step(Step::Flash { amount0: loan, amount1: loan + loan, tip0: 0, tip1: 0 }).unwrap();
    game.step(Step::Wait(50)).unwrap();
    // The current tick is 0: it is at or below itself.
    game.step(Step::Mint { owner: 2, lower: -60, upper: 0, amount: 7 }).unwrap();
    game.step(Step::Mint { owner: 2, lower: -180, upper: 60, amount: 7 }).unwrap();
    let growth = FeeGrowth {
        of0: game.book.fee_growth(Asset::Zero).unwrap(),
        of1: game.book.fee_growth(Asset::One).unwrap(),
    };
    assert!(!growth.of0.is_zero() && growth.of1 > growth.of0);
    let per_liquidity = (U160::from(50) << 128_usize) / U160::from(LIQUIDITY);
    let passed = TickAccumulators {
        outside: Accumulators { tick_cumulative: 0, seconds_per_liquidity: per_liquidity },
        seconds_outside: 1_050,
        is_initialized: true,
    };
    for tick in [-180, -60, 0] {
        assert_eq!(game.book.tick_fee_growth(tick), Ok(growth), "{tick}");
        assert_eq!(game.book.tick_accumulators(tick), Ok(passed), "{tick}");
    }
    let nothing = TickAccumulators { is_initialized: true, ..TickAccumulators::default() };
    assert_eq!(game.book.tick_fee_growth(60), Ok(FeeGrowth::default()));
    assert_eq!(game.book.tick_accumulators(60), Ok(nothing));
    // A tick that is referenced already stays as it is, and is cleared with the last position.
    let before = game.book.tick_accumulators(-120).unwrap();
    game.step(Step::Mint { owner: 3, lower: -120, upper: 60, amount: 9 }).unwrap();
    assert_eq!(game.book.tick_accumulators(-120), Ok(before));
    game.step(Step::Burn { owner: 2, lower: -180, upper: 60, amount: 7 }).unwrap();
    assert_eq!(game.book.tick_accumulators(-180), Ok(TickAccumulators::default()));
    assert_eq!(game.book.tick_fee_growth(-180), Ok(FeeGrowth::default()));
    assert_eq!(game.book.tick_accumulators(60), Ok(nothing));
}

#[test]
fn liquidity_in_range_is_observed_and_other_is_not() {
    let mut game = pool();
    game.step(Step::Cardinality(2)).unwrap();
    game.step(Step::Wait(10)).unwrap();
    for (lower, upper) in [(60, 120), (-120, -60), (-60, 0)] {
        game.step(Step::Mint { owner: 2, lower, upper, amount: 5 }).unwrap();
        assert_eq!(game.book.slot0().unwrap().observation_index, 0, "{lower} to {upper}");
        assert_eq!(game.book.liquidity(), Ok(LIQUIDITY));
    }
    game.step(Step::Mint { owner: 2, lower: 0, upper: 60, amount: 5 }).unwrap();
    let slot0 = game.book.slot0().unwrap();
    assert_eq!((slot0.observation_index, slot0.observation_cardinality), (1, 2));
    assert_eq!(game.book.observation(1).unwrap().time, 1_010);
    assert_eq!(game.book.liquidity(), Ok(LIQUIDITY + 5));
}

#[test]
fn a_position_may_have_all_prices_and_no_more() {
    let terms = Terms { fee: 100, tick_spacing: 1 };
    let mut game = Game::new(terms, sqrt_price_at_tick(0).unwrap());
    let mut mint = |lower, upper| game.step(Step::Mint { owner: 1, lower, upper, amount: 10 });
    assert_eq!(mint(TICK_MIN, TICK_MAX), Ok(()));
    assert_eq!(mint(TICK_MIN - 1, TICK_MAX), Err(Refused::LowerTickTooLow));
    assert_eq!(mint(TICK_MIN, TICK_MAX + 1), Err(Refused::UpperTickTooHigh));
    assert_eq!(mint(5, 5), Err(Refused::TickOrder));
    assert_eq!(mint(6, 5), Err(Refused::TickOrder));
}
