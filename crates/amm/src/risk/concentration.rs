//! How near the price a pool's liquidity lies.

use alloy_primitives::{U160, U256, U512, uint};

use super::{
    Price, TooLarge,
    price::{div_up, ratio_down},
    scenario::roots,
};
use crate::concentrated::{
    Book, Direction, Refused, Side, TICK_MAX, TICK_MIN, TickLiquidity, amount0_down, amount1_down,
    next_in_word, sqrt_price_at_tick, word_of,
};

/// Widths of the bands of [`concentration`], in basis points of the price.
pub const BANDS_BPS: [u32; 3] = [100, 500, 2_000];
/// Ticks that [`ticks_around`] finds at most on each side of the price.
pub const TICKS_MAX: usize = 128;
const WHOLE_BPS: u32 = 10_000;

/// The ticks around the price that positions reference, in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// Where the search ended below.
    pub from: i32,
    /// Where it ended above.
    pub to: i32,
    /// What was found.
    pub found: Vec<(i32, TickLiquidity)>,
}

impl Ticks {
    /// Returns whether the search has seen every tick.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.from <= TICK_MIN && TICK_MAX <= self.to
    }
}

/// A tick, and what is active from it up to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// The tick.
    pub tick: i32,
    /// What becomes active when the price rises through it.
    pub net: i128,
    /// The active liquidity above it.
    pub liquidity: u128,
}

/// How much of the value of a pool's liquidity lies near the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concentration {
    /// What was found, in asset 1 at the current price, rounded down.
    pub value: U256,
    /// The share of it in each of [`BANDS_BPS`], times [`super::WHOLE`], rounded down.
    pub shares: [U256; BANDS_BPS.len()],
    /// Liquidity from each tick on.
    pub ticks: Vec<Tick>,
}

/// Finds the ticks around the price, reading at most `words` words of the bitmap and [`TICKS_MAX`] ticks on each side.
///
/// # Errors
/// Those of the book.
pub fn ticks_around<B: Book>(book: &mut B, words: u16) -> Result<Ticks, B::Error> {
    let (tick, spacing) = (book.slot0()?.tick, book.terms()?.tick_spacing);
    let (mut ticks, from) = search(book, (tick, spacing), Side::AtOrBelow, words)?;
    ticks.reverse();
    let (above, to) = search(book, (tick, spacing), Side::Above, words)?;
    ticks.extend(above);
    let mut found = Vec::new();
    for tick in ticks {
        found.push((tick, book.tick_liquidity(tick)?));
    }
    Ok(Ticks { from, to, found })
}

/// Returns the ticks of one side from the price on, and the last one that was looked at.
fn search<B: Book>(
    book: &mut B,
    (mut tick, spacing): (i32, i32),
    side: Side,
    words: u16,
) -> Result<(Vec<i32>, i32), B::Error> {
    let (mut found, mut left) = (Vec::new(), words);
    let mut read: Option<(i16, U256)> = None;
    let mut end = tick;
    loop {
        let index = word_of(tick, spacing, side);
        let word = match read {
            Some((at, word)) if at == index => word,
            _ if left == 0 => return Ok((found, end)),
            _ => {
                left = left.saturating_sub(1);
                book.word(index)?
            }
        };
        read = Some((index, word));
        let next = next_in_word(word, tick, spacing, side);
        end = next.tick.clamp(TICK_MIN, TICK_MAX);
        if next.is_initialized {
            found.push(next.tick);
        }
        let is_over = match side {
            Side::AtOrBelow => next.tick <= TICK_MIN,
            Side::Above => TICK_MAX <= next.tick,
        };
        if is_over || found.len() == TICKS_MAX {
            return Ok((found, end));
        }
        tick = match side {
            Side::AtOrBelow => next.tick.wrapping_sub(1),
            Side::Above => next.tick,
        };
    }
}

/// Returns how the liquidity at these ticks lies around the price, of which `root` is the square root, and where `active` is active; `tick` is the current one.
///
/// A band of width `w` is from `price / (1 + w)` to `price · (1 + w)`. The value of liquidity between two prices is that of the amounts that it holds at the current
/// price: asset 0 above it, asset 1 below it.
///
/// # Errors
/// [`Refused::LiquidityUnderflow`] and [`Refused::LiquidityOverflow`] if the ticks disagree with the active liquidity; [`Refused::Arithmetic`].
pub fn concentration(
    ticks: &Ticks,
    root: U160,
    tick: i32,
    active: u128,
) -> Result<Concentration, Refused> {
    let bands = bands(root)?;
    let (mut value, mut shares) = (U512::ZERO, [U512::ZERO; BANDS_BPS.len()]);
    let mut liquidity = active;
    // From the price downward.
    for (_, at) in ticks.found.iter().rev().filter(|(at, _)| *at <= tick) {
        liquidity = changed(liquidity, at.net.checked_neg().ok_or(Refused::Arithmetic)?)?;
    }
    let mut found = Vec::new();
    let mut low = sqrt_price_at_tick(ticks.from)?;
    let ends = ticks.found.iter().map(|(at, of)| (*at, Some(*of)));
    for (at, of) in ends.chain([(ticks.to, None)]) {
        let high = sqrt_price_at_tick(at.clamp(TICK_MIN, TICK_MAX))?;
        value = value.saturating_add(U512::from(worth(root, (low, high), liquidity)?));
        for (share, (from, to)) in shares.iter_mut().zip(bands) {
            let cut = (low.clamp(from, to), high.clamp(from, to));
            *share = share.saturating_add(U512::from(worth(root, cut, liquidity)?));
        }
        if let Some(TickLiquidity { net, .. }) = of {
            liquidity = changed(liquidity, net)?;
            found.push(Tick { tick: at, net, liquidity });
        }
        low = high;
    }
    let mut parts = [U256::ZERO; BANDS_BPS.len()];
    for (part, share) in parts.iter_mut().zip(shares) {
        *part = ratio_down(share, value)?;
    }
    Ok(Concentration { value: super::price::fitting(value)?, shares: parts, ticks: found })
}

/// Returns the share of a pair's value in a band of this width, times [`super::WHOLE`], rounded down: `1 − 1/√(1 + w)`, whatever the price.
///
/// # Errors
/// None occurs.
pub fn pair_share_within_down(width_bps: u32) -> Result<U256, TooLarge> {
    // With 2^96 for the price, the root of the band's upper end is √(1 + w) in Q64.96.
    let one: U160 = uint!(0x1_0000_0000_0000_0000_0000_0000_U160);
    let (root, _) = roots(one, WHOLE_BPS.saturating_add(width_bps))?;
    let one = U256::from(one);
    ratio_down(U512::from(root.saturating_sub(one)), U512::from(root))
}

/// Returns the square roots of the ends of each band, rounded so that the band is not wider.
fn bands(root: U160) -> Result<[(U160, U160); BANDS_BPS.len()], Refused> {
    let mut bands = [(root, root); BANDS_BPS.len()];
    for (band, width_bps) in bands.iter_mut().zip(BANDS_BPS) {
        let (high, _) = roots(root, WHOLE_BPS.saturating_add(width_bps))?;
        let square: U512 = U256::from(root).widening_mul(U256::from(root));
        // `price / (1 + w)` has the root `root² / (root · √(1 + w))`. The divisor that is rounded down gives the higher end.
        let low = div_up(square, U512::from(high.max(U256::ONE)))?;
        let low = super::price::fitting(low)?;
        let clamped = |root: U256| -> U160 { root.min(U256::from(U160::MAX)).wrapping_to() };
        *band = (clamped(low), clamped(high));
    }
    Ok(bands)
}

/// Returns what liquidity between two prices holds, in asset 1 at the current price, rounded down.
fn worth(root: U160, (low, high): (U160, U160), liquidity: u128) -> Result<U256, Refused> {
    if liquidity == 0 || high <= low {
        return Ok(U256::ZERO);
    }
    let inside = root.clamp(low, high);
    let amount1 = amount1_down(low, inside, liquidity)?;
    let amount0 = amount0_down(inside, high, liquidity)?;
    let price = Price::of_root(root, Direction::ZeroForOne).ok_or(Refused::Arithmetic)?;
    amount1.checked_add(price.worth_down(amount0)?).ok_or(Refused::Arithmetic)
}

fn changed(liquidity: u128, delta: i128) -> Result<u128, Refused> {
    crate::concentrated::liquidity_after(liquidity, delta)
}
