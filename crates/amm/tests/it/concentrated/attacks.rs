//! What went wrong elsewhere, and what wraps by design.

use alloy_primitives::{I256, U256};
use amm::concentrated::{
    Asset, Book as _, Direction, MemoryBook, Owed, Pool, Refused, SwapTerms, Terms, amount0_up,
    check_received, sqrt_price_at_tick,
};
use fixed_point::Q96;

use super::play::{Game, Step, key};

const TERMS: Terms = Terms { fee: 3_000, tick_spacing: 60 };

fn game() -> Game {
    Game::new(TERMS, Q96.one().to())
}

fn mint(lower: i32, upper: i32, amount: u128) -> Step {
    Step::Mint { owner: 1, lower, upper, amount }
}

fn liquidity(game: &mut Game) -> u128 {
    game.book.liquidity().unwrap()
}

/// KyberSwap Elastic, November 2023 (54 to 56 million dollars): an amount one unit below what a tick takes passed its price without crossing the tick, so
/// that liquidity was counted twice on the way back.
#[test]
fn a_tick_is_crossed_exactly_when_its_price_is_reached() {
    for amount in [1_000_u128, 1_000_003, 1 << 60, (1 << 90) + 7] {
        let mut game = game();
        game.step(mint(-60, 60, amount)).unwrap();
        game.step(mint(-120, -60, amount * 3)).unwrap();
        let (here, there) = (sqrt_price_at_tick(0).unwrap(), sqrt_price_at_tick(-60).unwrap());
        let takes = amount0_up(here, there, amount).unwrap();
        let exact = (takes * U256::from(1_000_000)).div_ceil(U256::from(997_000));
        for (less, is_crossed) in [(1, false), (0, true)] {
            let mut game = game.clone();
            let amount_in = I256::try_from(exact - U256::from(less)).unwrap();
            let swapped = game.swap(Direction::ZeroForOne, amount_in, None).unwrap();
            game.step(Step::Wait(1)).unwrap();
            let is_there = swapped.sqrt_price == there;
            assert_eq!(is_there, swapped.tick == -61, "{amount} {less}");
            assert_eq!(swapped.liquidity == amount * 3, is_there, "{amount} {less}");
            assert!(is_there || !is_crossed, "the exact amount gets there");
            assert!(amount < 1 << 60 || is_there == is_crossed, "one unit less does not");
            // And back up: the same liquidity as before.
            game.step(Step::Swap {
                direction: Direction::OneForZero,
                amount: I256::MAX,
                limit: Some(here),
            })
            .unwrap();
            assert_eq!(liquidity(&mut game), amount);
        }
    }
}

/// Uniswap/v3-core, issue 214: after a tick was crossed downward, an input that is all fee leaves the price on the tick. The next swap must not cross it again.
#[test]
fn a_tick_is_crossed_once() {
    let mut game = game();
    game.step(mint(-60, 60, 1_000_000)).unwrap();
    game.step(mint(-120, -60, 3_000_000)).unwrap();
    let there = sqrt_price_at_tick(-60).unwrap();
    game.swap(Direction::ZeroForOne, I256::MAX, Some(there)).unwrap();
    assert_eq!((game.price(), game.tick(), liquidity(&mut game)), (there, -61, 3_000_000));
    for _ in 0..3 {
        game.step(Step::Swap { direction: Direction::ZeroForOne, amount: I256::ONE, limit: None })
            .unwrap();
        assert_eq!((game.price(), game.tick(), liquidity(&mut game)), (there, -61, 3_000_000));
    }
}

/// A limit on a tick's price crosses the tick, one unit before it does not.
#[test]
fn limits_beside_a_tick() {
    let there = sqrt_price_at_tick(60).unwrap();
    for (limit, active, tick) in [
        (there - alloy_primitives::U160::ONE, 5_000, 59),
        (there, 0, 60),
        (there + alloy_primitives::U160::ONE, 0, 60),
    ] {
        let mut game = game();
        game.step(mint(-60, 60, 5_000)).unwrap();
        game.swap(Direction::OneForZero, I256::MAX, Some(limit)).unwrap();
        assert_eq!((liquidity(&mut game), game.tick(), game.price()), (active, tick, limit));
    }
    let there = sqrt_price_at_tick(-60).unwrap();
    for (limit, active, tick) in [
        (there + alloy_primitives::U160::ONE, 5_000, -60),
        (there, 0, -61),
        (there - alloy_primitives::U160::ONE, 0, -61),
    ] {
        let mut game = game();
        game.step(mint(-60, 60, 5_000)).unwrap();
        game.swap(Direction::ZeroForOne, I256::MAX, Some(limit)).unwrap();
        assert_eq!((liquidity(&mut game), game.tick(), game.price()), (active, tick, limit));
    }
}

/// Fee growth wraps by design: only differences count, also when the pool's growth passes 2^256.
#[test]
fn fee_growth_wraps() {
    let mut plain = game();
    let mut wrapping = game();
    let near = U256::MAX - U256::from(1_000);
    for asset in [Asset::Zero, Asset::One] {
        wrapping.book.set_fee_growth(asset, near).unwrap();
    }
    for game in [&mut plain, &mut wrapping] {
        game.step(mint(-60, 60, 1_000_000)).unwrap();
        game.step(mint(60, 120, 1_000_000)).unwrap();
        for direction in [Direction::OneForZero, Direction::ZeroForOne] {
            let amount = I256::try_from(5_000).unwrap();
            game.step(Step::Swap { direction, amount, limit: None }).unwrap();
        }
        for (lower, upper) in [(-60, 60), (60, 120)] {
            game.step(Step::Burn { owner: 1, lower, upper, amount: 0 }).unwrap();
        }
    }
    for (lower, upper) in [(-60, 60), (60, 120)] {
        let key = key(1, lower, upper);
        let owed = plain.book.owed(&key).unwrap();
        assert_eq!(owed, wrapping.book.owed(&key).unwrap());
        assert!(owed.of1 > 0, "{owed:?}");
    }
    let growth = wrapping.book.fee_growth(Asset::Zero).unwrap();
    assert!(growth < near, "it has wrapped");
}

/// What a position is owed wraps at 2^128, by design.
#[test]
fn what_is_owed_wraps() {
    let mut game = game();
    game.step(mint(-60, 60, 1_000_000)).unwrap();
    let key = key(1, -60, 60);
    game.book.set_owed(&key, &Owed { of0: u128::MAX, of1: 0 }).unwrap();
    let burned = Pool::new(&mut game.book, 1_000).burn(&key, 1_000_000).unwrap();
    let owed = game.book.owed(&key).unwrap();
    assert_eq!(U256::from(owed.of0) + U256::ONE, burned.amount0);
}

/// One lock over all functions: a pool that waits for its payment refuses everything that changes it.
#[test]
fn everything_is_refused_while_a_payment_is_due() {
    let swap = SwapTerms {
        direction: Direction::ZeroForOne,
        amount: I256::ONE,
        price_limit: sqrt_price_at_tick(-60).unwrap(),
    };
    let key = key(1, -60, 60);
    let most = Owed { of0: u128::MAX, of1: u128::MAX };
    let begins: [fn(&mut Pool<'_, MemoryBook>, SwapTerms); 5] = [
        |pool, swap| {
            pool.swap(&swap).unwrap();
        },
        |pool, _| {
            pool.mint(&self::key(1, -60, 60), 1).unwrap();
        },
        |pool, _| {
            pool.flash(U256::ONE, U256::ONE).unwrap();
        },
        |pool, _| {
            pool.collect(&self::key(1, -60, 60), Owed::default()).unwrap();
        },
        |pool, _| {
            pool.collect_protocol(Owed::default()).unwrap();
        },
    ];
    for begin in begins {
        let mut game = game();
        game.step(mint(-60, 60, 1_000_000)).unwrap();
        let mut pool = Pool::new(&mut game.book, 1_000);
        begin(&mut pool, swap);
        assert_eq!(pool.swap(&swap), Err(Refused::Locked));
        assert_eq!(pool.mint(&key, 1), Err(Refused::Locked));
        assert_eq!(pool.burn(&key, 1), Err(Refused::Locked));
        assert_eq!(pool.collect(&key, most), Err(Refused::Locked));
        assert_eq!(pool.flash(U256::ZERO, U256::ZERO), Err(Refused::Locked));
        assert_eq!(pool.set_protocol_fee(4, 4), Err(Refused::Locked));
        assert_eq!(pool.collect_protocol(most), Err(Refused::Locked));
        assert_eq!(pool.increase_cardinality(5), Err(Refused::Locked));
        pool.unlock().unwrap();
        assert!(pool.mint(&key, 1).is_ok());
    }
    assert_eq!(
        Pool::new(&mut MemoryBook::new(TERMS), 1).mint(&key, 1),
        Err(Refused::Locked),
        "a pool without a price is locked"
    );
}

/// The order of the checks, as in the original.
#[test]
fn refusals() {
    let mut game = game();
    let mut pool = Pool::new(&mut game.book, 1_000);
    assert_eq!(pool.initialize(Q96.one().to()), Err(Refused::AlreadyInitialized));
    for ((lower, upper), refused) in [
        ((60, 60), Refused::TickOrder),
        ((120, 60), Refused::TickOrder),
        ((-887_273, 60), Refused::LowerTickTooLow),
        ((-60, 887_273), Refused::UpperTickTooHigh),
        ((-887_273, 887_273), Refused::LowerTickTooLow),
        ((-61, 60), Refused::TickSpacing),
        ((-60, 61), Refused::TickSpacing),
    ] {
        pool = Pool::new(&mut game.book, 1_000);
        assert_eq!(pool.mint(&key(1, lower, upper), 1), Err(refused), "{lower} {upper}");
        game = self::game();
    }
    let mut pool = Pool::new(&mut game.book, 1_000);
    let limit = sqrt_price_at_tick(60).unwrap();
    let swap = |direction, amount, price_limit| SwapTerms { direction, amount, price_limit };
    let down = Direction::ZeroForOne;
    assert_eq!(pool.swap(&swap(down, I256::ZERO, limit)), Err(Refused::SwapAmount));
    assert_eq!(pool.swap(&swap(down, I256::ONE, limit)), Err(Refused::PriceLimit));
    assert_eq!(pool.flash(U256::ONE, U256::ONE), Err(Refused::NoLiquidity));
    pool.unlock().unwrap();
    assert_eq!(pool.burn(&key(1, -60, 60), 0), Err(Refused::NoPosition));
    assert_eq!(pool.burn(&key(1, -60, 60), 1), Err(Refused::LiquidityUnderflow));
    assert_eq!(pool.set_protocol_fee(3, 0), Err(Refused::ProtocolFee));
    assert_eq!(pool.set_protocol_fee(0, 11), Err(Refused::ProtocolFee));
    assert_eq!(pool.set_protocol_fee(4, 10), Ok((0, 0)));
    assert_eq!(pool.set_protocol_fee(0, 5), Ok((4, 10)));
    assert_eq!(pool.mint(&key(1, -60, 60), 0), Err(Refused::LiquidityAmount));
    pool.unlock().unwrap();
    let most = amm::concentrated::liquidity_per_tick_max(60);
    assert!(pool.mint(&key(1, -60, 60), most).is_ok());
    pool.unlock().unwrap();
    assert_eq!(pool.mint(&key(2, -60, 60), 1), Err(Refused::TickLiquidity));
}

#[test]
fn a_payment_is_a_difference_of_balances() {
    let [four, five, nine] = [4, 5, 9].map(U256::from);
    assert_eq!(check_received(four, five, nine, Refused::SwapUnderpaid), Ok(()));
    assert_eq!(
        check_received(five, five, nine, Refused::SwapUnderpaid),
        Err(Refused::SwapUnderpaid)
    );
    assert_eq!(
        check_received(U256::MAX, five, nine, Refused::SwapUnderpaid),
        Err(Refused::Arithmetic)
    );
}

/// The protocol never takes the last unit, so that its slot is never cleared; of one unit, an empty payment is made.
#[test]
fn the_protocol_leaves_a_unit() {
    let mut game = game();
    for (owed, most, paid) in [
        (0, u128::MAX, None),
        (1, u128::MAX, Some(0)),
        (1, 0, None),
        (7, 7, Some(6)),
        (7, 6, Some(6)),
        (7, 5, Some(5)),
    ] {
        game.book.set_protocol_fees(&Owed { of0: owed, of1: owed }).unwrap();
        let mut pool = Pool::new(&mut game.book, 1_000);
        let collected = pool.collect_protocol(Owed { of0: most, of1: most }).unwrap();
        pool.unlock().unwrap();
        assert_eq!((collected.amount0, collected.amount1), (paid, paid), "{owed} {most}");
        let rest = owed - paid.unwrap_or_default();
        assert_eq!(game.book.protocol_fees().unwrap(), Owed { of0: rest, of1: rest });
    }
}
