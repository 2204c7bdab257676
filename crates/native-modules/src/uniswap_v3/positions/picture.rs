//! What a position looks like: JSON for wallets, with a picture that we draw ourselves.
//!
//! Assets choose their symbols, and anybody deploys assets. So a symbol is cut and cleaned ([`symbol`]), whatever is put into XML or JSON is escaped there, and addresses
//! stand beside symbols. The size is bounded: everything that is put in has a longest form.

mod text;

use alloy_primitives::{Address, U160, U256, U512, uint};

pub(super) use text::symbol;
use text::{base64, in_json, in_xml};

/// An asset of a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asset {
    pub(super) address: Address,
    /// A cleaned symbol; `None` if the asset tells none.
    pub(super) symbol: Option<String>,
    /// `None` if the asset tells none.
    pub(super) decimals: Option<u8>,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawn {
    pub(super) token: U256,
    pub(super) pool: Address,
    pub(super) assets: [Asset; 2],
    /// In millionths.
    pub(super) fee: u32,
    /// The ends of the range, and the roots of their prices in Q64.96.
    pub(super) ticks: (i32, i32),
    pub(super) roots: (U160, U160),
    /// Those of the pool.
    pub(super) tick: i32,
    pub(super) root: U160,
    pub(super) liquidity: u128,
}

/// Whether a position earns fees at the pool's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    Below,
    Inside,
    Above,
}

impl State {
    fn words(self) -> &'static str {
        match self {
            Self::Empty => "no liquidity",
            Self::Below => "out of range: the price is below it",
            Self::Inside => "in range: it earns fees",
            Self::Above => "out of range: the price is above it",
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Self::Inside => "#7fd18b",
            Self::Below | Self::Above => "#f0b35a",
            Self::Empty => "#9aa7ad",
        }
    }
}

/// The range on the picture's axis, from its lower to its upper end.
const RANGE: (i64, i64) = (92, 228);
/// Where the price is drawn at least and at most.
const AXIS: (i64, i64) = (30, 290);
/// Said of prices where an asset does not tell how it is counted.
const SMALLEST: &str = " in smallest units";
/// Significant digits of a price.
const DIGITS: usize = 5;
/// Decimals of a price before the assets' own count: the smallest price, 2^-128, has six digits then.
const SCALE: i32 = 45;
const SCALE_FACTOR: U256 =
    uint!(1_000_000_000_000_000_000_000_000_000_000_000_000_000_000_000_U256);

/// Returns JSON as a `data:` address, as ERC-721 says: name, description, a picture as another `data:` address, and attributes.
pub(super) fn uri(drawn: &Drawn) -> String {
    let (first, second) = (drawn.name(0), drawn.name(1));
    let (name, state) = (drawn.title(), drawn.state().words());
    let [low, high] = drawn.prices(drawn.roots).map(in_json_owned);
    let (unit, note) =
        (in_json(&drawn.unit()), if drawn.shift().is_some() { "" } else { SMALLEST });
    let description = format!(
        "Liquidity of the pool {} between {low} and {high} {unit}{note}: {state}. Assets: {first} is {}, {second} is {}. Whoever deploys an asset chooses its symbol: compare the addresses.",
        drawn.pool,
        drawn.assets[0].address,
        drawn.assets[1].address,
        first = in_json(&first),
        second = in_json(&second),
    );
    let attribute =
        |name: &str, value: String| format!(r#"{{"trait_type":"{name}","value":"{value}"}}"#);
    let attributes = [
        attribute("fee", format!("{} %", percent(drawn.fee))),
        attribute("lower tick", drawn.ticks.0.to_string()),
        attribute("upper tick", drawn.ticks.1.to_string()),
        attribute("liquidity", drawn.liquidity.to_string()),
        attribute("state", state.to_owned()),
    ]
    .join(",");
    let (name, image) = (in_json(&name), base64(picture(drawn).as_bytes()));
    let json = format!(
        r#"{{"name":"{name}","description":"{description}","image":"data:image/svg+xml;base64,{image}","attributes":[{attributes}]}}"#
    );
    format!("data:application/json;base64,{}", base64(json.as_bytes()))
}

fn in_json_owned(text: String) -> String {
    in_json(&text)
}

/// Draws a position: its pair, its range on an axis of prices, and where the pool's price is.
fn picture(drawn: &Drawn) -> String {
    let (title, state, colour) = (in_xml(&drawn.title()), drawn.state(), drawn.state().colour());
    let [low, high] = drawn.prices(drawn.roots).map(|price| in_xml(&price));
    let [now, _] = drawn.prices((drawn.root, drawn.root)).map(|price| in_xml(&price));
    let (unit, place) = (in_xml(&drawn.unit()), drawn.place());
    let (first, second) = (in_xml(&drawn.name(0)), in_xml(&drawn.name(1)));
    let (id, fee, pool) = (in_xml(&shortened(drawn.token)), percent(drawn.fee), drawn.pool);
    let (from, to) = RANGE;
    let (begin, end) = AXIS;
    let width = to.saturating_sub(from);
    let words = state.words();
    let note = if drawn.shift().is_some() { "" } else { SMALLEST };
    [
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="320" height="320" viewBox="0 0 320 320" role="img"><title>{title}</title><desc>{low} to {high} {unit}{note}: {words}</desc><rect width="320" height="320" rx="16" fill="#13252e"/>"##
        ),
        format!(
            r##"<g font-family="monospace" fill="#eef3f1"><text x="24" y="48" font-size="22">{first}</text><text x="24" y="78" font-size="22">{second}</text><text x="24" y="104" font-size="13" fill="#9aa7ad">fee {fee} %</text><text x="296" y="104" font-size="13" text-anchor="end" fill="#9aa7ad">no. {id}</text><text x="160" y="134" font-size="12" text-anchor="middle">now {now}</text></g>"##
        ),
        format!(
            r##"<path d="M{begin} 170H{end}" stroke="#9aa7ad" stroke-width="2"/><rect x="{from}" y="156" width="{width}" height="28" rx="4" fill="{colour}" fill-opacity="0.55"/><path d="M{place} 142V190" stroke="#eef3f1" stroke-width="2"/><circle cx="{place}" cy="170" r="6" fill="{colour}" stroke="#eef3f1" stroke-width="2"/>"##
        ),
        format!(
            r##"<g font-family="monospace" font-size="12" fill="#eef3f1" text-anchor="middle"><text x="{from}" y="208">{low}</text><text x="{to}" y="208">{high}</text><text x="160" y="230" font-size="10" fill="#9aa7ad">{unit}</text><text x="160" y="244" font-size="10" fill="#9aa7ad">{note}</text><text x="160" y="268" fill="{colour}">{words}</text><text x="160" y="298" font-size="9.5" fill="#9aa7ad">pool {pool}</text></g></svg>"##
        ),
    ]
    .concat()
}

impl Drawn {
    fn state(&self) -> State {
        if self.liquidity == 0 {
            State::Empty
        } else if self.tick < self.ticks.0 {
            State::Below
        } else if self.tick < self.ticks.1 {
            State::Inside
        } else {
            State::Above
        }
    }

    fn title(&self) -> String {
        let (first, second) = (self.name(0), self.name(1));
        format!("Position {}: {first} / {second}, {} %", self.token, percent(self.fee))
    }

    /// Returns the symbol of an asset, or the ends of its address.
    fn name(&self, index: usize) -> String {
        let Some(asset) = self.assets.get(index) else { return String::new() };
        asset.symbol.clone().unwrap_or_else(|| shortened_address(asset.address))
    }

    /// Returns what prices count.
    fn unit(&self) -> String {
        format!("{} per {}", self.name(1), self.name(0))
    }

    /// Returns by how many decimals whole assets and smallest units differ in a price.
    fn shift(&self) -> Option<i32> {
        let [first, second] = &self.assets;
        Some(i32::from(first.decimals?).saturating_sub(i32::from(second.decimals?)))
    }

    /// Returns two prices.
    fn prices(&self, (low, high): (U160, U160)) -> [String; 2] {
        let shift = self.shift().unwrap_or_default();
        [low, high].map(|root| price_down(root, shift))
    }

    /// Returns where the pool's price is on the axis.
    fn place(&self) -> i64 {
        let (from, to) = RANGE;
        let (lower, upper) = (i64::from(self.ticks.0), i64::from(self.ticks.1));
        let passed = i64::from(self.tick).saturating_sub(lower);
        let moved = passed.saturating_mul(to.saturating_sub(from));
        let moved = moved.checked_div(upper.saturating_sub(lower)).unwrap_or_default();
        from.saturating_add(moved).clamp(AXIS.0, AXIS.1)
    }
}

/// Returns the price of a square root in Q64.96, times `10^shift`, cut to [`DIGITS`] significant digits.
fn price_down(root: U160, shift: i32) -> String {
    let root = U512::from(root);
    // At most 320 bits and 150 more.
    let scaled: U512 = root.wrapping_mul(root).wrapping_mul(U512::from(SCALE_FACTOR)) >> 192_usize;
    let digits = scaled.to_string();
    let count = i32::try_from(digits.len()).unwrap_or_default();
    let exponent = count.saturating_sub(1).saturating_sub(SCALE).saturating_add(shift);
    let kept = digits.get(..DIGITS).unwrap_or(&digits).trim_end_matches('0');
    let kept = if kept.is_empty() { "0" } else { kept };
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let (whole, rest) = match exponent {
        0..10 => {
            let end = usize::try_from(exponent).unwrap_or_default().saturating_add(1);
            let missing = end.saturating_sub(kept.len());
            let missing = i32::try_from(missing).unwrap_or_default();
            let whole = format!("{}{}", kept.get(..end).unwrap_or(kept), zeros(missing));
            (whole, kept.get(end..).unwrap_or_default().to_owned())
        }
        -6..0 => {
            let before = zeros(exponent.saturating_neg().saturating_sub(1));
            ("0".to_owned(), format!("{before}{kept}"))
        }
        _ => (
            kept.get(..1).unwrap_or_default().to_owned(),
            kept.get(1..).unwrap_or_default().to_owned(),
        ),
    };
    let point = if rest.is_empty() { "" } else { "." };
    let power = if (-6..10).contains(&exponent) { String::new() } else { format!("e{exponent}") };
    format!("{whole}{point}{rest}{power}")
}

/// Returns millionths as percent.
fn percent(millionths: u32) -> String {
    let (whole, rest) = (millionths / 10_000, millionths % 10_000);
    let rest = format!("{rest:04}");
    match rest.trim_end_matches('0') {
        "" => whole.to_string(),
        rest => format!("{whole}.{rest}"),
    }
}

/// Returns a number with at most 12 characters: of a longer one its ends.
fn shortened(number: U256) -> String {
    let digits = number.to_string();
    match (digits.get(..6), digits.get(digits.len().saturating_sub(5)..)) {
        (Some(first), Some(last)) if digits.len() > 12 => format!("{first}…{last}"),
        _ => digits,
    }
}

fn shortened_address(address: Address) -> String {
    let text = address.to_string();
    let last = text.get(text.len().saturating_sub(4)..).unwrap_or_default();
    format!("{}…{last}", text.get(..6).unwrap_or_default())
}

#[cfg(test)]
mod tests;
