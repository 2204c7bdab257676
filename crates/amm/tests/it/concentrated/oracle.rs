//! Answers about the past against a plain list of what held at each second.

use alloy_primitives::{U160, U256};
use amm::concentrated::{
    Accumulators, Book as _, MemoryBook, Observation, Pool, Refused, Slot0, Terms,
};
use proptest::{collection::vec, prelude::*};

use super::play::{Game, Step};
use amm::concentrated::{Direction, sqrt_price_at_tick};

const TERMS: Terms = Terms { fee: 3_000, tick_spacing: 60 };

/// Returns a book with these observations as a ring whose newest is at `index`.
fn ring(observations: &[(u32, i64, u128)], index: u16, slot0: Slot0) -> MemoryBook {
    let mut book = MemoryBook::new(TERMS);
    for (place, (time, tick_cumulative, per_liquidity)) in (0..).zip(observations) {
        let at = Accumulators {
            tick_cumulative: *tick_cumulative,
            seconds_per_liquidity: U160::from(*per_liquidity),
        };
        let observation = Observation { time: *time, at, is_initialized: true };
        book.set_observation(place, &observation).unwrap();
    }
    let cardinality = u16::try_from(observations.len()).unwrap();
    book.set_slot0(&Slot0 {
        observation_index: index,
        observation_cardinality: cardinality,
        observation_cardinality_next: cardinality,
        is_unlocked: true,
        ..slot0
    })
    .unwrap();
    book
}

fn observed(book: &mut MemoryBook, now: u32, ago: u32) -> Result<(i64, U160), Refused> {
    let found = Pool::new(book, now).observe(&[ago])?;
    Ok((found[0].tick_cumulative, found[0].seconds_per_liquidity))
}

/// The difference of cumulative ticks is divided first, toward zero; that of seconds per liquidity is multiplied first.
#[test]
fn between_two_observations() {
    let slot0 = Slot0 { tick: -5, ..Slot0::default() };
    let mut book = ring(&[(100, 0, 0), (107, -20, 20)], 1, slot0);
    book.set_liquidity(1 << 127).unwrap();
    // -20 / 7 is -2 toward zero, times 3; 20 * 3 / 7 is 8.
    assert_eq!(observed(&mut book, 110, 7), Ok((-6, U160::from(8))));
    assert_eq!(observed(&mut book, 110, 10), Ok((0, U160::ZERO)));
    assert_eq!(observed(&mut book, 110, 3), Ok((-20, U160::from(20))));
    // After the newest: the current tick and liquidity, 2 for each second.
    assert_eq!(observed(&mut book, 110, 0), Ok((-35, U160::from(26))));
    assert_eq!(observed(&mut book, 110, 1), Ok((-30, U160::from(24))));
    assert_eq!(observed(&mut book, 110, 11), Err(Refused::TooOld));
    assert_eq!(observed(&mut book, 107, 0), Ok((-20, U160::from(20))));
}

/// Times are modulo 2^32: a ring may lie across the wrap.
#[test]
fn across_the_wrap_of_time() {
    let mut book = ring(&[(u32::MAX - 9, 0, 0), (5, 150, 30), (25, 350, 50)], 2, Slot0::default());
    assert_eq!(observed(&mut book, 30, 40), Ok((0, U160::ZERO)));
    assert_eq!(observed(&mut book, 30, 33), Ok((70, U160::from(14))));
    assert_eq!(observed(&mut book, 30, 25), Ok((150, U160::from(30))));
    assert_eq!(observed(&mut book, 30, 41), Err(Refused::TooOld));
}

#[test]
fn a_ring_that_has_grown_but_is_not_full_yet() {
    let mut game = Game::new(TERMS, sqrt_price_at_tick(0).unwrap());
    game.step(Step::Mint { owner: 1, lower: -6_000, upper: 6_000, amount: 1 << 60 }).unwrap();
    assert_eq!(Pool::new(&mut game.book, game.now).increase_cardinality(4), Ok((1, 4)));
    assert_eq!(Pool::new(&mut game.book, game.now).increase_cardinality(2), Ok((4, 4)));
    let slot0 = game.book.slot0().unwrap();
    assert_eq!((slot0.observation_cardinality, slot0.observation_cardinality_next), (1, 4));
    assert_eq!(game.book.observation(3).unwrap().time, 1, "prepared");
    game.step(Step::Wait(10)).unwrap();
    let limit = Some(sqrt_price_at_tick(-100).unwrap());
    let swap =
        Step::Swap { direction: Direction::ZeroForOne, amount: alloy_primitives::I256::MAX, limit };
    game.step(swap).unwrap();
    let slot0 = game.book.slot0().unwrap();
    assert_eq!((slot0.observation_index, slot0.observation_cardinality), (1, 4));
    game.step(Step::Wait(10)).unwrap();
    let now = game.now;
    let ask = |game: &mut Game, ago| observed(&mut game.book, now, ago).map(|it| it.0);
    // The price stopped on the price of tick -100: downward that is tick -100 itself, as the tick is not in the bitmap's way.
    let tick = i64::from(game.tick());
    assert_eq!(ask(&mut game, 0), Ok(tick * 10));
    assert_eq!(ask(&mut game, 5), Ok(tick * 5));
    assert_eq!(ask(&mut game, 10), Ok(0));
    assert_eq!(ask(&mut game, 15), Ok(0));
    assert_eq!(ask(&mut game, 20), Ok(0));
    assert_eq!(ask(&mut game, 21), Err(Refused::TooOld));
    assert_eq!(
        Pool::new(&mut MemoryBook::new(TERMS), 1).observe(&[0]),
        Err(Refused::NoObservation)
    );
}

/// A ring grows when its newest observation is at its end. Earlier, the places that were prepared would lie between old observations.
#[test]
fn a_ring_grows_at_its_end() {
    let mut game = Game::new(TERMS, sqrt_price_at_tick(0).unwrap());
    let write = |game: &mut Game| {
        game.step(Step::Wait(10)).unwrap();
        let (lower, upper) = (-6_000, 6_000);
        game.step(Step::Mint { owner: 1, lower, upper, amount: 1_000 }).unwrap();
        let slot0 = game.book.slot0().unwrap();
        (slot0.observation_index, slot0.observation_cardinality)
    };
    assert_eq!(Pool::new(&mut game.book, game.now).increase_cardinality(3), Ok((1, 3)));
    assert_eq!([(); 3].map(|()| write(&mut game)), [(1, 3), (2, 3), (0, 3)]);
    assert_eq!(Pool::new(&mut game.book, game.now).increase_cardinality(5), Ok((3, 5)));
    assert_eq!([(); 3].map(|()| write(&mut game)), [(1, 3), (2, 3), (3, 5)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any ring, anywhere around the wrap of time: an answer is that of a search from the oldest observation on.
    #[test]
    fn a_ring_answers_like_a_list(
        start in prop_oneof![Just(u32::MAX - 50), any::<u32>()],
        gaps in vec(1_u32..30, 1..20),
        rotation in 0_usize..20,
        after in 0_u32..40,
        ago in 0_u32..600,
        tick in -1_000_i32..1_000,
    ) {
        let (mut time, mut sum) = (start, 0_i64);
        let mut list: Vec<(u32, i64, u128)> = vec![(time, 0, 0)];
        for (gap, number) in gaps.iter().zip(1_i64..) {
            time = time.wrapping_add(*gap);
            sum += i64::from(*gap) * (number * 37 % 91 - 45);
            list.push((time, sum, u128::from(*gap) * 1_000 + list.last().unwrap().2));
        }
        let now = time.wrapping_add(after);
        let count = list.len();
        let mut rotated = list.clone();
        rotated.rotate_right(rotation % count);
        let index = u16::try_from((count - 1 + rotation % count) % count).unwrap();
        let slot0 = Slot0 { tick, ..Slot0::default() };
        let mut book = ring(&rotated, index, slot0);
        book.set_liquidity(7).unwrap();
        let found = observed(&mut book, now, ago);
        let age = |at: u32| now.wrapping_sub(at);
        if ago > age(start) {
            prop_assert_eq!(found, Err(Refused::TooOld));
        } else if ago <= age(time) {
            let seconds = age(time) - ago;
            let per = U160::from(seconds) << 128_usize;
            let last = list.last().unwrap();
            prop_assert_eq!(found, Ok((
                last.1 + i64::from(tick) * i64::from(seconds),
                U160::from(last.2) + per / U160::from(7),
            )));
        } else {
            let next = list.iter().position(|it| age(it.0) < ago).unwrap();
            let (before, after) = (list[next - 1], list[next]);
            let (between, elapsed) = (after.0.wrapping_sub(before.0), age(before.0) - ago);
            let ticks = before.1 + (after.1 - before.1) / i64::from(between) * i64::from(elapsed);
            let per = before.2 + (after.2 - before.2) * u128::from(elapsed) / u128::from(between);
            prop_assert_eq!(found, Ok((ticks, U160::from(per))));
        }
    }
}

/// Seconds between two ticks are counted only while the price is between them.
#[test]
fn a_snapshot_counts_while_the_price_is_inside() {
    let mut game = Game::new(TERMS, sqrt_price_at_tick(0).unwrap());
    let liquidity = 1_u128 << 64;
    game.step(Step::Mint { owner: 1, lower: -60, upper: 60, amount: liquidity }).unwrap();
    game.step(Step::Mint { owner: 1, lower: -600, upper: 600, amount: liquidity }).unwrap();
    let snapshot =
        |game: &mut Game| Pool::new(&mut game.book, game.now).snapshot_inside(-60, 60).unwrap();
    let before = snapshot(&mut game);
    let (mut seconds_inside, mut ticks_inside) = (0, 0);
    // The lower tick is inside, the upper one is not.
    for (tick, seconds, is_inside) in [
        (0, 7, true),
        (-120, 100, false),
        (-60, 3, true),
        (30, 5, true),
        (60, 4, false),
        (200, 50, false),
        (-59, 2, true),
        (-61, 9, false),
    ] {
        if tick != game.tick() {
            let is_down = tick < game.tick();
            let direction = if is_down { Direction::ZeroForOne } else { Direction::OneForZero };
            let limit = Some(sqrt_price_at_tick(tick).unwrap());
            game.swap(direction, alloy_primitives::I256::MAX, limit).unwrap();
        }
        assert_eq!(game.tick(), tick);
        game.step(Step::Wait(seconds)).unwrap();
        if is_inside {
            seconds_inside += seconds;
            ticks_inside += i64::from(tick) * i64::from(seconds);
        }
        let after = snapshot(&mut game);
        assert_eq!(after.seconds.wrapping_sub(before.seconds), seconds_inside, "{tick}");
        assert_eq!(after.tick_cumulative - before.tick_cumulative, ticks_inside, "{tick}");
        let per = after.seconds_per_liquidity.wrapping_sub(before.seconds_per_liquidity);
        let both = U256::from(seconds_inside) << 63_usize;
        assert!(both - U256::from(per) <= U256::from(8), "each of eight terms is rounded down");
    }
    let mut pool = Pool::new(&mut game.book, game.now);
    assert_eq!(pool.snapshot_inside(-120, 60), Err(Refused::TickNotInitialized));
    assert_eq!(pool.snapshot_inside(60, -60), Err(Refused::TickOrder));
}
