//! What of a loan's fees goes to whom, by hand.

use alloy_primitives::{U256, uint};
use amm::concentrated::{
    Asset, Book as _, FeeGrowth, Owed, Pool, ProtocolCollected, Refused, Terms, sqrt_price_at_tick,
};

use super::play::{Game, Step, key};

const LIQUIDITY: u64 = 1_000_000;

fn pool() -> Game {
    let terms = Terms { fee: 3_000, tick_spacing: 60 };
    let mut game = Game::new(terms, sqrt_price_at_tick(0).unwrap());
    let amount = u128::from(LIQUIDITY);
    game.step(Step::Mint { owner: 1, lower: -120, upper: 120, amount }).unwrap();
    game
}

/// Shares what a loan of a thousand of each has paid, and returns what grew.
fn share(game: &mut Game, paid0: u64, paid1: u64) -> (Owed, [U256; 2]) {
    let before = found(game);
    let mut pool = Pool::new(&mut game.book, game.now);
    let flash = pool.flash(U256::from(1_000), U256::from(1_001)).unwrap();
    // 0.3 %, rounded up.
    assert_eq!((flash.fee0, flash.fee1), (U256::from(3), U256::from(4)));
    assert_eq!(pool.flash(U256::ONE, U256::ONE), Err(Refused::Locked));
    pool.share_flash(&flash, U256::from(paid0), U256::from(paid1)).unwrap();
    pool.unlock().unwrap();
    let after = found(game);
    let owed = Owed { of0: after.0.of0 - before.0.of0, of1: after.0.of1 - before.0.of1 };
    (owed, [after.1[0] - before.1[0], after.1[1] - before.1[1]])
}

fn found(game: &mut Game) -> (Owed, [U256; 2]) {
    let growth = [Asset::Zero, Asset::One].map(|asset| game.book.fee_growth(asset).unwrap());
    (game.book.protocol_fees().unwrap(), growth)
}

fn growth(paid: u64) -> U256 {
    (U256::from(paid) << 128_usize) / U256::from(LIQUIDITY)
}

#[test]
fn fees_of_a_loan_are_shared_by_liquidity_after_the_protocol() {
    let mut game = pool();
    let nobody = Owed::default();
    // All of it goes to positions as long as the protocol takes nothing.
    assert_eq!(share(&mut game, 1_001, 10), (nobody, [growth(1_001), growth(10)]));
    Pool::new(&mut game.book, game.now).set_protocol_fee(4, 6).unwrap();
    assert_eq!(share(&mut game, 1_001, 20), (Owed { of0: 250, of1: 3 }, [growth(751), growth(17)]));
    // One asset alone.
    assert_eq!(share(&mut game, 7, 0), (Owed { of0: 1, of1: 0 }, [growth(6), U256::ZERO]));
    assert_eq!(share(&mut game, 0, 12), (Owed { of0: 0, of1: 2 }, [U256::ZERO, growth(10)]));
    // Too little for the protocol, and nothing.
    assert_eq!(share(&mut game, 3, 5), (nobody, [growth(3), growth(5)]));
    let before = game.clone();
    assert_eq!(share(&mut game, 0, 0), (nobody, [U256::ZERO; 2]));
    assert_eq!(game, before);
    let empty = &mut Game::new(other_terms(), sqrt_price_at_tick(0).unwrap());
    let flash = Pool::new(&mut empty.book, 1_000).flash(U256::ONE, U256::ONE);
    assert_eq!(flash, Err(Refused::NoLiquidity));
}

fn other_terms() -> Terms {
    Terms { fee: 500, tick_spacing: 10 }
}

#[test]
fn the_protocol_takes_what_it_asks_for_and_leaves_a_unit() {
    let mut game = pool();
    game.book.set_protocol_fees(&Owed { of0: 10, of1: 1 }).unwrap();
    let mut take = |of0, of1| {
        let mut pool = Pool::new(&mut game.book, 2_000);
        let ProtocolCollected { amount0, amount1 } =
            pool.collect_protocol(Owed { of0, of1 }).unwrap();
        assert_eq!(pool.collect_protocol(Owed { of0, of1 }), Err(Refused::Locked));
        pool.unlock().unwrap();
        (amount0, amount1, game.book.protocol_fees().unwrap())
    };
    assert_eq!(take(4, 0), (Some(4), None, Owed { of0: 6, of1: 1 }));
    assert_eq!(take(6, 1), (Some(5), Some(0), Owed { of0: 1, of1: 1 }));
    assert_eq!(take(u128::MAX, 7), (Some(0), Some(0), Owed { of0: 1, of1: 1 }));
}

#[test]
fn the_protocol_takes_nothing_or_from_a_tenth_to_a_fourth() {
    let mut game = pool();
    let mut pool = Pool::new(&mut game.book, 1_000);
    let mut before = (0, 0);
    for of0 in 0..=16 {
        for of1 in [0, 3, 4, 10, 11, 16] {
            let is_allowed = [of0, of1].iter().all(|it| *it == 0 || (4..=10).contains(it));
            let set = pool.set_protocol_fee(of0, of1);
            if is_allowed {
                assert_eq!(set, Ok(before), "{of0} {of1}");
                before = (of0, of1);
            } else {
                assert_eq!(set, Err(Refused::ProtocolFee), "{of0} {of1}");
            }
        }
    }
    assert_eq!(pool.check_unlocked(), Ok(()));
    pool.flash(U256::ONE, uint!(0_U256)).unwrap();
    assert_eq!(pool.check_unlocked(), Err(Refused::Locked));
    assert_eq!(pool.set_protocol_fee(0, 0), Err(Refused::Locked));
}

#[test]
fn a_position_that_is_emptied_after_it_earned_is_remembered_but_on_no_tick() {
    let mut game = pool();
    let (lower, upper, amount) = (-120, 120, u128::from(LIQUIDITY));
    game.step(Step::Flash { amount0: U256::from(1_000), amount1: U256::ZERO, tip0: 7, tip1: 0 })
        .unwrap();
    // Each step checks the invariants.
    game.step(Step::Burn { owner: 1, lower, upper, amount }).unwrap();
    let emptied = game.book.position(&key(1, lower, upper)).unwrap();
    assert_eq!((emptied.liquidity, game.book.liquidity().unwrap()), (0, 0));
    assert_ne!(emptied.fee_growth_inside, FeeGrowth::default());
    // Nothing is left to update, and it can be filled again.
    assert_eq!(
        game.step(Step::Burn { owner: 1, lower, upper, amount: 0 }),
        Err(Refused::NoPosition)
    );
    game.step(Step::Mint { owner: 1, lower, upper, amount }).unwrap();
}
