//! The views of [`amm::risk`] beside the rules that they are views of, and beside closed forms.

use alloy_primitives::{I256, U160, U256, U512, uint};
use amm::{
    concentrated::{
        Book as _, Direction, MemoryBook, Owed, Pool, PositionKey, Refused, SQRT_PRICE_MAX,
        SQRT_PRICE_MIN, SwapTerms, TICK_MAX, Terms, Trial, mean_tick_down, sqrt_price_at_tick,
    },
    constant_product::{self, Amounts, Depth, QuoteError},
    risk::{
        BANDS_BPS, Given, Growth, Price, Provided, Range, Route, SCENARIOS_BPS, TICKS_MAX, WHOLE,
        concentration, least_received_down, liquidity_per_share_down, most_paid_up,
        pair_share_within_down, pair_trade, part_since_down, pool_trade, price_at_root_down,
        scenarios, ticks_around,
    },
};
use proptest::{collection::vec, prelude::*};
use units::Bps;

use crate::concentrated::play::{Game, Step, key};

/// 2^96: the square root of a price of 1.
const ONE: U160 = uint!(0x1_0000_0000_0000_0000_0000_0000_U160);
const SPACING: i32 = 60;

fn number(value: u128) -> U256 {
    U256::from(value)
}

/// A pool at this tick with liquidity in these ranges, which are in units of the spacing.
fn game(tick: i32, fee: u32, ranges: &[(i32, i32, u128)]) -> Game {
    let terms = Terms { fee, tick_spacing: SPACING };
    let mut game = Game::new(terms, sqrt_price_at_tick(tick).unwrap());
    for (lower, upper, amount) in ranges.iter().copied() {
        let (lower, upper) = (lower * SPACING, upper * SPACING);
        game.step(Step::Mint { owner: 1, lower, upper, amount }).unwrap();
    }
    game
}

fn ranges() -> impl Strategy<Value = Vec<(i32, i32, u128)>> {
    let range = (-300_i32..300, 1_i32..200, prop_oneof![1_u128..1_000, 1_u128..1 << 90]);
    vec(range.prop_map(|(low, width, amount)| (low, low + width, amount)), 1..6)
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::ZeroForOne, Direction::OneForZero])
}

fn amount() -> impl Strategy<Value = U256> {
    prop_oneof![1_u128..100, 1_u128..1 << 40, 1_u128..1 << 100].prop_map(U256::from)
}

fn given() -> impl Strategy<Value = Given> {
    (amount(), any::<bool>()).prop_map(|(amount, is_in)| {
        if is_in { Given::Input(amount) } else { Given::Output(amount) }
    })
}

fn end_of(direction: Direction) -> U160 {
    match direction {
        Direction::ZeroForOne => SQRT_PRICE_MIN + U160::ONE,
        Direction::OneForZero => SQRT_PRICE_MAX - U160::ONE,
    }
}

proptest! {
    #[test]
    fn a_trade_is_what_the_pool_does_and_leaves_it_alone(
        ranges in ranges(),
        tick in -400_i32..400,
        protocol in any::<bool>(),
        direction in direction(),
        given in given(),
    ) {
        let mut game = game(tick * SPACING + 7, 3_000, &ranges);
        if protocol {
            game.step(Step::ProtocolFee { of0: 4, of1: 10 }).unwrap();
        }
        let before = game.clone();
        let quoted = pool_trade(&mut game.book, direction, given, game.now);
        prop_assert_eq!(&game, &before, "a trial changes nothing");
        let (amount, wanted) = match given {
            Given::Input(amount) => (I256::from_raw(amount), amount),
            Given::Output(amount) => (I256::from_raw(amount).wrapping_neg(), amount),
        };
        let swapped = game.swap(direction, amount, None).unwrap();
        let (paid_in, paid_out) = match direction {
            Direction::ZeroForOne => (swapped.amount0, swapped.amount1),
            Direction::OneForZero => (swapped.amount1, swapped.amount0),
        };
        let (paid_in, paid_out) = (paid_in.unsigned_abs(), paid_out.unsigned_abs());
        let is_whole = match given {
            Given::Input(_) => paid_in == wanted,
            Given::Output(_) => paid_out == wanted,
        };
        let Some(trade) = quoted.unwrap() else {
            prop_assert!(!is_whole, "the pool trades it all");
            return Ok(());
        };
        prop_assert!(is_whole);
        prop_assert_eq!((trade.amount_in, trade.amount_out), (paid_in, paid_out));
        prop_assert_eq!(trade.price_after, Price::of_root(game.price(), direction));
        prop_assert!(trade.fee * number(1_000_000) >= paid_in * number(3_000));
        prop_assert!(trade.fee <= paid_in);
        prop_assert!(trade.impact_up().unwrap() <= WHOLE);
    }

    /// Without a fee, the amount less the fee trades the same way.
    #[test]
    fn the_fee_is_what_a_pool_without_a_fee_does_not_take(
        tick in -400_i32..400,
        direction in direction(),
        amount in 1_000_000_u128..1 << 60,
    ) {
        let ranges = [(-500, 500, 1_u128 << 100)];
        let (mut paid, mut free) = (game(tick, 10_000, &ranges), game(tick, 0, &ranges));
        let given = Given::Input(number(amount));
        let trade = pool_trade(&mut paid.book, direction, given, 1_000).unwrap().unwrap();
        let less = Given::Input(trade.amount_in - trade.fee);
        let same = pool_trade(&mut free.book, direction, less, 1_000).unwrap().unwrap();
        prop_assert_eq!(trade.amount_out, same.amount_out);
        prop_assert_eq!(trade.impact_up(), same.impact_up());
    }

    /// `a' / (x + a')`, where `a'` is what is paid in less the fee.
    #[test]
    fn the_impact_of_a_pair_has_a_closed_form(
        reserve_in in 1_u128 << 60..1 << 111,
        reserve_out in 1_u128 << 60..1 << 111,
        part in 1_u128..1 << 60,
    ) {
        let depth = Depth { reserve_in: number(reserve_in), reserve_out: number(reserve_out) };
        // In thousands, so that the fee is exact.
        let amount = number(part) * number(1_000);
        let trade = pair_trade(depth, Given::Input(amount)).unwrap().unwrap();
        let after_fee = number(part) * number(997);
        prop_assert_eq!(trade.fee, number(part) * number(3));
        let exact = after_fee * WHOLE / (number(reserve_in) + after_fee);
        let impact = trade.impact_up().unwrap();
        prop_assert!(exact <= impact, "rounded up: {impact} for {exact}");
        // The output is rounded down and the worth of the input up, each by less than one unit.
        let units = number(2) * WHOLE / trade.amount_out.max(U256::ONE) + number(3);
        prop_assert!(impact <= exact + units, "{impact} for {exact}");
    }

    /// Exact output never quotes less than exact input needs.
    #[test]
    fn both_ways_to_ask_agree(
        reserve_in in 1_u128 << 20..1 << 100,
        reserve_out in 1_u128 << 20..1 << 100,
        amount in amount(),
    ) {
        let depth = Depth { reserve_in: number(reserve_in), reserve_out: number(reserve_out) };
        let Ok(Some(forward)) = pair_trade(depth, Given::Input(amount)) else { return Ok(()) };
        match pair_trade(depth, Given::Output(forward.amount_out)) {
            Ok(back) => prop_assert!(back.unwrap().amount_in <= amount + U256::ONE),
            Err(error) => prop_assert_eq!(error, QuoteError::NoAmount, "it gives nothing"),
        }
    }

    #[test]
    fn limits_are_rounded_against_hope(amount in any::<u128>(), bps in 0_u16..=10_000) {
        let (amount, slippage) = (number(amount), Bps::new(bps).unwrap());
        let whole = number(10_000);
        let least = least_received_down(amount, slippage).unwrap();
        prop_assert!(least * whole <= amount * (whole - U256::from(bps)));
        prop_assert!((least + U256::ONE) * whole > amount * (whole - U256::from(bps)));
        let most = most_paid_up(amount, slippage).unwrap();
        prop_assert!(most * whole >= amount * (whole + U256::from(bps)));
        prop_assert!(most.is_zero() || (most - U256::ONE) * whole < amount * (whole + U256::from(bps)));
    }

    /// Inside its range a position falls behind holding by as much as liquidity at every price, and there was less to hold.
    #[test]
    fn a_range_loses_more_than_a_pair(
        now in -100_000_i32..100_000,
        entry in -5_000_i32..5_000,
        below in 14_000_i32..50_000,
        above in 14_000_i32..50_000,
    ) {
        let at = |tick: i32| sqrt_price_at_tick(tick).unwrap();
        // 14000 ticks are a price of 4, so that every scenario is inside.
        let (low, high) = (at(now - below), at(now + above));
        let liquidity = 1_u128 << 120;
        let range = Provided { range: Range::Between { low, high }, liquidity };
        let whole = Provided { range: Range::Whole, liquidity };
        let range = scenarios(&range, at(now + entry), at(now)).unwrap();
        let whole = scenarios(&whole, at(now + entry), at(now)).unwrap();
        for (range, whole) in range.iter().zip(&whole) {
            let (behind, ahead) = (range.held - range.value, whole.held - whole.value);
            prop_assert!(behind.abs_diff(ahead) <= whole.held >> 80, "{range:?} {whole:?}");
            prop_assert!(range.loss + number(2) >= whole.loss, "{range:?} {whole:?}");
        }
    }

    /// Wherever the price goes, a position is worth at most what was held, and its loss says how much less.
    #[test]
    fn a_loss_is_what_is_missing(
        now in -100_000_i32..100_000,
        entry in -20_000_i32..20_000,
        below in 1_i32..20_000,
        above in 1_i32..20_000,
        liquidity in prop_oneof![1_u128..1_000, 1_u128..1 << 120],
    ) {
        let at = |tick: i32| sqrt_price_at_tick(tick).unwrap();
        let (low, high) = (at(now - below), at(now + above));
        let range = Provided { range: Range::Between { low, high }, liquidity };
        for found in scenarios(&range, at(now + entry), at(now)).unwrap() {
            prop_assert!(found.loss <= WHOLE && found.value <= found.held, "{found:?}");
            // `value` is rounded down and `held` up, so that the loss of the exact values is at most that of these.
            let missing = (found.held - found.value) * WHOLE;
            prop_assert!(found.loss * found.held <= missing + found.held, "{found:?}");
        }
    }

    /// The ticks that were found are those that positions reference, as far as the search went.
    #[test]
    fn the_search_finds_the_ticks(ranges in ranges(), tick in -400_i32..400, words in 1_u16..40) {
        let mut game = game(tick * SPACING - 1, 500, &ranges);
        let mut ends: Vec<i32> =
            ranges.iter().flat_map(|(low, high, _)| [low * SPACING, high * SPACING]).collect();
        ends.sort_unstable();
        ends.dedup();
        let found = ticks_around(&mut game.book, words).unwrap();
        ends.retain(|end| (found.from..=found.to).contains(end));
        let ticks: Vec<i32> = found.found.iter().map(|(tick, _)| *tick).collect();
        prop_assert_eq!(&ticks, &ends);
        // 256 ticks a word, and the search begins within one.
        let far = i32::from(words) * 256 * SPACING;
        prop_assert!(found.from <= tick * SPACING - far + 256 * SPACING || found.from == -TICK_MAX);
        prop_assert_eq!(found.is_whole(), found.from == -TICK_MAX && found.to == TICK_MAX);
        let (root, at) = (game.price(), game.tick());
        let active = game.book.liquidity().unwrap();
        let near = concentration(&found, root, at, active).unwrap();
        let below = near.ticks.iter().rev().find(|found| found.tick <= at);
        if let Some(below) = below {
            prop_assert_eq!(below.liquidity, active, "active from the tick below the price on");
        }
        prop_assert!(near.shares.is_sorted() && near.shares[2] <= WHOLE);
    }

    /// The value of all ticks is what all positions would be paid.
    #[test]
    fn the_value_is_that_of_all_positions(ranges in ranges(), tick in -400_i32..400) {
        let mut game = game(tick * SPACING, 500, &ranges);
        let found = ticks_around(&mut game.book, 512).unwrap();
        prop_assert!(found.is_whole());
        let (root, at) = (game.price(), game.tick());
        let active = game.book.liquidity().unwrap();
        let value = concentration(&found, root, at, active).unwrap().value;
        let price = Price::of_root(root, Direction::ZeroForOne).unwrap();
        let paid = price.worth_down(game.held.0).unwrap() + game.held.1;
        // Each segment and each position is rounded by less than a unit of either asset.
        let unit = price.worth_up(U256::ONE).unwrap() + number(1);
        let slack = unit * number(40);
        prop_assert!(value <= paid + slack && paid <= value + slack, "{value} and {paid}");
    }

    #[test]
    fn the_part_that_has_grown_leaves_what_there_was(
        earlier in 1_u128..1 << 100,
        more in 0_u128..1 << 100,
        amount in any::<u128>(),
    ) {
        let growth = Growth { earlier: number(earlier), later: number(earlier + more) };
        let part = part_since_down(number(amount), growth).unwrap();
        // What is left is what there was: amount · earlier / later, rounded up.
        let left = number(amount) - part;
        prop_assert_eq!(left, (number(amount) * growth.earlier).div_ceil(growth.later));
    }
}

/// `1 − 2√r / (1 + r)` for each price of the scenarios, to 18 digits and rounded up.
const LOSSES_OF_A_PAIR: [u64; 9] = [
    200_000_000_000_000_000,
    57_190_958_417_936_635,
    10_256_681_389_212_976,
    0,
    6_192_010_000_093_469,
    20_204_102_886_728_761,
    57_190_958_417_936_635,
    133_974_596_215_561_354,
    200_000_000_000_000_000,
];

#[test]
fn the_loss_of_a_pair_is_the_known_table() {
    let position = Provided { range: Range::Whole, liquidity: 1 << 120 };
    for tick in [-250_000, 0, 5, 250_000] {
        let now = sqrt_price_at_tick(tick).unwrap();
        let found = scenarios(&position, now, now).unwrap();
        assert!(found.iter().map(|found| found.price_bps).eq(SCENARIOS_BPS), "one of each price");
        for (found, known) in found.iter().zip(LOSSES_OF_A_PAIR) {
            let above = found.loss.checked_sub(U256::from(known)).expect("rounded up");
            assert!(above <= number(3), "{tick}: {found:?} for {known}");
        }
    }
}

/// Near the lowest price a square root has few digits. A scenario between two of them takes the greater loss; one that has a square root of its own is exact.
#[test]
fn a_coarse_price_never_hides_a_loss() {
    let now = U160::from(1_u64 << 33);
    let position = Provided { range: Range::Whole, liquidity: 1 << 126 };
    let found = scenarios(&position, now, now).unwrap();
    for (found, known) in found.iter().zip(LOSSES_OF_A_PAIR) {
        let above = found.loss.checked_sub(U256::from(known)).expect("no loss is hidden");
        // The squares among the parts: 1/4, 1 and 4. For others the loss moves by at most one part in 2^33.
        let is_exact = matches!(found.price_bps, 2_500 | 10_000 | 40_000);
        let most = if is_exact { number(3) } else { WHOLE >> 33 };
        assert!(above <= most, "{found:?} for {known}");
    }
}

/// Below its range a position is asset 0 alone and loses nothing against holding it, whichever neighbour of the square root is taken: the value is not above that of asset 0.
#[test]
fn a_coarse_price_never_raises_a_value() {
    let now = U160::from(1_u64 << 33);
    let (low, high) =
        (sqrt_price_at_tick(-700_000).unwrap(), sqrt_price_at_tick(-690_000).unwrap());
    let position = Provided { range: Range::Between { low, high }, liquidity: 1 << 126 };
    let asset0 = position.amounts_down(U256::from(now)).unwrap().amount0;
    for found in scenarios(&position, now, now).unwrap() {
        assert!(found.loss <= U256::ONE, "only rounding: {found:?}");
        // The price now is 2^66 / 2^192.
        let exact = U512::from(asset0) * U512::from(found.price_bps) / U512::from(10_000);
        let exact = exact >> 126;
        let value = U512::from(found.value);
        assert!(value <= exact && exact <= value + (exact >> 31), "{found:?} for {exact}");
    }
}

#[test]
fn out_of_its_range_a_position_is_one_asset() {
    let at = |tick: i32| sqrt_price_at_tick(tick).unwrap();
    let range = Range::Between { low: at(-600), high: at(600) };
    let position = Provided { range, liquidity: 1_000_000_000_000 };
    let above = position.amounts_down(U256::from(at(6_000))).unwrap();
    assert_eq!(above, position.amounts_down(U256::from(at(600))).unwrap());
    assert!(above.amount0.is_zero() && !above.amount1.is_zero());
    let below = position.amounts_down(U256::from(at(-6_000))).unwrap();
    assert!(!below.amount0.is_zero() && below.amount1.is_zero());
    let inside = position.amounts_up(U256::from(ONE)).unwrap();
    let paid = position.amounts_down(U256::from(ONE)).unwrap();
    assert!(paid.amount0 <= inside.amount0 && paid.amount1 <= inside.amount1);
}

#[test]
fn liquidity_at_every_price_is_a_pair() {
    let known: [u64; 3] = [4_962_809_790_010_864, 24_099_927_051_466_820, 87_129_070_824_723_144];
    for (bps, known) in BANDS_BPS.into_iter().zip(known) {
        let share = pair_share_within_down(bps).unwrap();
        let below = U256::from(known).checked_sub(share).expect("rounded down");
        assert!(below <= U256::ONE, "{bps}: {share} for {known}");
    }
    let end = TICK_MAX / SPACING;
    let mut game = game(12_345, 500, &[(-end, end, 1 << 80)]);
    let found = ticks_around(&mut game.book, 512).unwrap();
    let near = concentration(&found, game.price(), 12_345, 1 << 80).unwrap();
    for (bps, share) in BANDS_BPS.into_iter().zip(near.shares) {
        let pair = pair_share_within_down(bps).unwrap();
        assert!(share.abs_diff(pair) < number(1_000_000), "{bps}: {share} for {pair}");
    }
}

#[test]
fn liquidity_near_the_price_is_all_within_its_band() {
    // 60 ticks are 0.6 %, 300 are 3 %, 1200 are 13 %.
    for (range, expected) in [((-1, 1), [true, true, true]), ((-5, 5), [false, true, true])] {
        let mut game = game(0, 3_000, &[(range.0, range.1, 1 << 80)]);
        let found = ticks_around(&mut game.book, 2).unwrap();
        let near = concentration(&found, ONE, 0, 1 << 80).unwrap();
        assert_eq!(near.shares.map(|share| share == WHOLE), expected, "{range:?}");
    }
}

#[test]
fn ticks_that_disagree_with_the_active_liquidity_are_refused() {
    let mut game = game(0, 3_000, &[(-1, 1, 1 << 80)]);
    let found = ticks_around(&mut game.book, 2).unwrap();
    assert_eq!(concentration(&found, ONE, 0, 1), Err(Refused::LiquidityUnderflow));
}

/// A word is 256 ticks. The search reads the word of the price on both sides, and then the next ones as far as it may.
#[test]
fn the_search_ends_with_its_words() {
    let word = 256 * SPACING;
    let (low, high) = (-300 * SPACING, 600 * SPACING);
    let mut game = game(0, 500, &[(-300, 600, 1 << 80)]);
    for (words, from, to, ticks) in [
        (0, 0, 0, vec![]),
        (1, 0, word - SPACING, vec![]),
        (2, -word, 2 * word - SPACING, vec![]),
        (3, -2 * word, 3 * word - SPACING, vec![low, high]),
    ] {
        let found = ticks_around(&mut game.book, words).unwrap();
        assert_eq!((found.from, found.to), (from, to), "{words} words");
        assert!(found.found.iter().map(|(tick, _)| *tick).eq(ticks), "{words} words: {found:?}");
    }
}

#[test]
fn the_search_ends_with_its_most_ticks() {
    let most = i32::try_from(TICKS_MAX).unwrap();
    let ranges: Vec<_> = (1..=most + 2).map(|end| (-end, end, 1_000)).collect();
    let mut game = game(0, 500, &ranges);
    let found = ticks_around(&mut game.book, 512).unwrap();
    assert_eq!((found.from, found.to), (-most * SPACING, most * SPACING));
    assert_eq!(found.found.len(), 2 * TICKS_MAX);
}

/// Next to one end of the ticks, a single word reaches that end and not the other.
#[test]
fn a_search_is_whole_with_both_ends() {
    for tick in [10 - TICK_MAX, TICK_MAX - 10] {
        let mut game = game(tick, 500, &[]);
        let found = ticks_around(&mut game.book, 1).unwrap();
        assert_ne!(found.from == -TICK_MAX, found.to == TICK_MAX, "{found:?}");
        assert!(!found.is_whole(), "{found:?}");
        assert!(ticks_around(&mut game.book, 512).unwrap().is_whole());
    }
}

#[test]
fn a_pool_without_a_price_has_no_value() {
    let mut book = MemoryBook::new(Terms { fee: 500, tick_spacing: SPACING });
    let found = ticks_around(&mut book, 512).unwrap();
    assert!(found.is_whole());
    let near = concentration(&found, U160::ZERO, 0, 0).unwrap();
    assert_eq!((near.value, near.shares), (U256::ZERO, [U256::ZERO; 3]));
    assert!(near.ticks.is_empty());
}

#[test]
fn a_route_multiplies_what_is_kept() {
    let depth = Depth { reserve_in: number(1_000_000_000), reserve_out: number(1_000_000_000) };
    let first = pair_trade(depth, Given::Input(number(1_000_000_000))).unwrap().unwrap();
    let second = pair_trade(depth, Given::Input(number(1_000_000_000))).unwrap().unwrap();
    let alone = Route::new().with(&first).unwrap();
    assert_eq!(alone.impact_up(), first.impact_up().unwrap());
    assert_eq!(alone.fees_up(), number(3_000_000_000_000_000));
    let both = alone.with(&second).unwrap();
    // 997/1997 is kept of each.
    let kept = WHOLE * number(499_248_873 * 499_248_873) / number(997_000_000 * 997_000_000);
    assert_eq!(both.impact_up(), WHOLE - kept);
    assert_eq!(both.fees_up(), number(5_991_000_000_000_000));
    assert_eq!(Route::default().impact_up(), U256::ZERO);
}

#[test]
fn a_pool_refuses_a_trade_as_it_would() {
    let mut game = game(0, 3_000, &[(-1, 1, 1_000)]);
    let ask = |game: &mut Game, given| pool_trade(&mut game.book, Direction::ZeroForOne, given, 1);
    assert_eq!(ask(&mut game, Given::Input(U256::ZERO)), Err(Refused::SwapAmount));
    assert_eq!(ask(&mut game, Given::Output(number(1_000_000))), Ok(None));
    assert_eq!(ask(&mut game, Given::Input(U256::MAX)), Err(Refused::Arithmetic));
    let locked = amm::concentrated::Slot0 { is_unlocked: false, ..game.book.slot0().unwrap() };
    game.book.set_slot0(&locked).unwrap();
    assert_eq!(ask(&mut game, Given::Input(U256::ONE)), Err(Refused::Locked));
}

#[test]
fn a_pair_refuses_what_it_can_not_hold() {
    let most = (1_u128 << 112) - 1;
    let depth = Depth { reserve_in: number(most - 9), reserve_out: number(most) };
    assert!(pair_trade(depth, Given::Input(number(9))).unwrap().is_some());
    assert_eq!(pair_trade(depth, Given::Input(number(10))), Ok(None));
    assert_eq!(pair_trade(depth, Given::Input(U256::ZERO)), Err(QuoteError::NoAmount));
    let empty = Depth { reserve_in: U256::ZERO, reserve_out: number(5) };
    assert_eq!(pair_trade(empty, Given::Input(number(9))), Err(QuoteError::NoLiquidity));
}

#[test]
fn a_trial_keeps_what_it_writes_to_itself() {
    let mut game = game(0, 3_000, &[(-10, 10, 1_000_000)]);
    game.swap(Direction::ZeroForOne, I256::from_raw(number(10_000)), None).unwrap();
    let before = game.clone();
    let place: PositionKey = key(1, -10 * SPACING, 10 * SPACING);
    let mut trial = Trial::new(&mut game.book);
    let burned = Pool::new(&mut trial, 2_000).burn(&place, 1_000_000).unwrap();
    assert!(!burned.amount0.is_zero());
    assert_eq!(trial.liquidity(), Ok(0), "what is written is read again");
    assert_eq!(trial.position(&place).unwrap().liquidity, 0);
    let fees = trial.owed(&place).unwrap();
    assert!(U256::from(fees.of0) > burned.amount0, "with the fees");
    let terms = SwapTerms {
        direction: Direction::OneForZero,
        amount: I256::from_raw(number(5)),
        price_limit: end_of(Direction::OneForZero),
    };
    let nothing = Pool::new(&mut trial, 2_000).swap(&terms).unwrap();
    assert!(nothing.amount0.is_zero(), "no liquidity is left");
    assert_eq!(game, before);
}

/// What a swap adds to the fees of the providers and of the protocol, a trial keeps as the pool does.
#[test]
fn a_trial_counts_fees_as_the_pool_does() {
    let mut game = game(0, 3_000, &[(-10, 10, 1 << 60)]);
    game.step(Step::ProtocolFee { of0: 4, of1: 10 }).unwrap();
    for direction in [Direction::ZeroForOne, Direction::OneForZero] {
        let amount = I256::from_raw(number(1_000_000));
        let mut book = game.book.clone();
        let mut trial = Trial::new(&mut book);
        let terms = SwapTerms { direction, amount, price_limit: end_of(direction) };
        Pool::new(&mut trial, game.now).swap(&terms).unwrap();
        game.swap(direction, amount, None).unwrap();
        let paid_in = direction.paid_in();
        assert_ne!(trial.fee_growth(paid_in), Ok(U256::ZERO));
        assert_eq!(trial.fee_growth(paid_in), game.book.fee_growth(paid_in));
        assert_eq!(trial.protocol_fees(), game.book.protocol_fees());
    }
    // The fee is 3,000 each time: a quarter of it in asset 0, a tenth in asset 1.
    assert_eq!(game.book.protocol_fees(), Ok(Owed { of0: 750, of1: 300 }));
}

#[test]
fn fees_raise_the_liquidity_of_a_share_and_nothing_else_does() {
    let mut pool = constant_product::Pool::default();
    let amounts = |amount0: u128, amount1: u128| Amounts {
        amount0: number(amount0),
        amount1: number(amount1),
    };
    let per_share = |pool: &constant_product::Pool| {
        liquidity_per_share_down(pool.reserves, pool.supply).unwrap()
    };
    assert_eq!(per_share(&pool), U256::ZERO);
    pool.receive(amounts(4_000_000, 1_000_000)).unwrap();
    pool.mint(1).unwrap();
    let first = per_share(&pool);
    assert_eq!(first, WHOLE);
    pool.receive(amounts(400_000, 100_000)).unwrap();
    pool.mint(2).unwrap();
    assert_eq!(per_share(&pool), first, "a deposit is in proportion");
    pool.receive(amounts(100_000, 0)).unwrap();
    pool.swap(amounts(0, 24_000), amounts(0, 0), 3).unwrap();
    let second = per_share(&pool);
    assert!(first < second);
    pool.burn(number(1_000_000), 4).unwrap();
    assert!(second <= per_share(&pool), "a withdrawal leaves the remainder");
    let none = Growth { earlier: U256::ZERO, later: second };
    assert_eq!(part_since_down(number(7), none), Ok(U256::ZERO));
}

#[test]
fn prices_of_both_directions_are_exact() {
    assert_eq!(price_at_root_down(ONE), Ok(amm::risk::PRICE_SCALE));
    assert_eq!(price_at_root_down(U160::ZERO), Ok(U256::ZERO));
    let double = Price::of_root(ONE << 1, Direction::OneForZero).unwrap();
    assert_eq!(double.worth_down(number(7)), Ok(number(1)));
    assert_eq!(double.worth_up(number(7)), Ok(number(2)));
    assert_eq!(double.worth_up(number(8)), Ok(number(2)));
    for root in [SQRT_PRICE_MIN, SQRT_PRICE_MAX] {
        for direction in [Direction::ZeroForOne, Direction::OneForZero] {
            Price::of_root(root, direction).unwrap().scaled_down().unwrap();
        }
    }
    assert_eq!(Price::of_root(U160::ZERO, Direction::ZeroForOne), None);
    let empty = Depth { reserve_in: U256::ZERO, reserve_out: U256::ONE };
    assert_eq!(Price::of_reserves(empty), None);
}

#[test]
fn the_mean_tick_is_rounded_down() {
    assert_eq!(mean_tick_down(0, -7, 2), Some(-4));
    assert_eq!(mean_tick_down(0, 7, 2), Some(3));
    // Cumulative ticks have 56 bits and wrap.
    assert_eq!(mean_tick_down((1 << 55) - 1, -(1 << 55) + 9, 5), Some(2));
    assert_eq!(mean_tick_down(0, 7, 0), None);
}
