//! What a stake pays in a year, as the ledger's `MarketLens` computes it, and what that figure rests on.

use abi::convert;
use alloy_primitives::{U256, U512};
use ledger_client::Ledger;
use ledger_views::{
    Ask as _,
    markets::{self, FEES, PoolKind, PoolView, PriceRatio, TokenView},
    stakes::{FarmView, RewardsView, VaultView},
};

use crate::market::{seconds_text, wad_text};

/// Seconds of a year.
const YEAR: u64 = 365 * 24 * 60 * 60;
/// Blocks whose times are looked at to say how many there are in a year.
const BLOCKS: u64 = 1_000;

/// A yearly rate without compounding.
#[derive(Clone, Debug, Default)]
pub(super) struct Yearly {
    /// Times 1e18; none when it can't be said.
    pub(super) apr: Option<U256>,
    /// The time that it holds for, or that it was measured over, in seconds.
    pub(super) window_seconds: Option<u64>,
    /// What it rests on, or why there is none.
    pub(super) basis: String,
}

impl Yearly {
    fn none(basis: impl Into<String>) -> Self {
        Self { basis: basis.into(), ..Self::default() }
    }

    /// The rate as people read it.
    pub(super) fn text(&self) -> String {
        self.apr.map_or_else(|| "unknown".to_owned(), wad_text)
    }
}

/// Returns the yearly rate of staking rewards.
pub(super) async fn of_rewards(ledger: &Ledger, rewards: &RewardsView) -> anyhow::Result<Yearly> {
    if rewards.staked.is_zero() {
        return Ok(Yearly::none("nothing is staked"));
    }
    let Some((price, basis)) = price(ledger, &rewards.reward, &rewards.staking).await? else {
        return Ok(Yearly::none(no_price(&rewards.reward, &rewards.staking)));
    };
    let Some(figures) = markets::rewards_figures(ledger, &rewards.address, price).await else {
        return Ok(Yearly::none("this ledger has no MarketLens"));
    };
    let window = u64::try_from(figures.window_seconds).ok();
    Ok(Yearly { apr: Some(figures.apr), window_seconds: window, basis })
}

/// Returns the yearly rate of a pool of a farm, at the pace of the newest blocks.
pub(super) async fn of_farm(
    ledger: &Ledger,
    farm: &FarmView,
    number: u64,
    staking: &TokenView,
) -> anyhow::Result<Yearly> {
    let Some((price, basis)) = price(ledger, &farm.underlying, staking).await? else {
        return Ok(Yearly::none(no_price(&farm.underlying, staking)));
    };
    let Some((blocks, seconds)) = pace(ledger).await? else {
        return Ok(Yearly::none("the ledger is too young to know how often it makes blocks"));
    };
    let a_year =
        u64::try_from(u128::from(YEAR).saturating_mul(blocks.into()) / u128::from(seconds));
    let a_year = a_year.ok().and_then(|blocks| u32::try_from(blocks).ok()).unwrap_or(u32::MAX);
    let found = markets::farm_figures(ledger, (&farm.address, number), price, a_year).await;
    let Some(figures) = found else {
        return Ok(Yearly::none("nothing is staked, or this ledger has no MarketLens"));
    };
    let window = u64::try_from(figures.window_seconds).ok();
    let basis = format!("{basis}; {blocks} blocks in {}", seconds_text(seconds));
    Ok(Yearly { apr: Some(figures.apr), window_seconds: window, basis })
}

/// Returns what the growth of a vault's shares over a window is for a year.
pub(super) async fn of_vault(
    ledger: &Ledger,
    vault: &VaultView,
    window: u64,
) -> anyhow::Result<Yearly> {
    let head = ledger.head().await?;
    let since = head.time.as_u64().saturating_sub(window);
    let height = height_at(ledger, head.height, since).await?;
    let then = ledger.at(height);
    let Ok(start) = then.head().await else {
        return Ok(Yearly::none("the node keeps no block of that time"));
    };
    let address = &vault.shares.address;
    let earlier = markets::assets_per_share(&then, address).await;
    let later = markets::assets_per_share(ledger, address).await;
    let elapsed = head.time.as_u64().saturating_sub(start.time.as_u64());
    let (Some(earlier), Some(later)) = (earlier, later) else {
        return Ok(Yearly::none(format!(
            "the vault is younger than {}, or the node has no MarketLens or no state of that time: give a shorter --window",
            seconds_text(window)
        )));
    };
    let apr = markets::yearly_growth(ledger, (earlier, later), elapsed).await;
    let basis = format!("growth of a share in the last {}", seconds_text(elapsed));
    Ok(Yearly { apr, window_seconds: Some(elapsed), basis })
}

/// Returns the last block at or before a time, or the first.
async fn height_at(ledger: &Ledger, head: u64, time: u64) -> anyhow::Result<u64> {
    let (mut low, mut high) = (0, head);
    while low < high {
        let middle = low.midpoint(high).saturating_add(1).min(high);
        // A block that is not kept any longer is too old.
        let is_before = match ledger.at(middle).head().await {
            Ok(block) => block.time.as_u64() <= time,
            Err(_) => true,
        };
        if is_before { low = middle } else { high = middle.saturating_sub(1) }
    }
    Ok(low)
}

/// How many of the newest blocks were made in how many seconds; none of a ledger without at least two times.
async fn pace(ledger: &Ledger) -> anyhow::Result<Option<(u64, u64)>> {
    let head = ledger.head().await?;
    // The genesis block is as old as its file says.
    let first = head.height.saturating_sub(BLOCKS).max(1);
    let Ok(start) = ledger.at(first).head().await else { return Ok(None) };
    let seconds = head.time.as_u64().saturating_sub(start.time.as_u64());
    let blocks = head.height.saturating_sub(first);
    Ok((blocks > 0 && seconds > 0).then_some((blocks, seconds)))
}

fn no_price(reward: &TokenView, staking: &TokenView) -> String {
    format!("no pool of {} and {} gives a price", reward.symbol, staking.symbol)
}

/// Returns the price of the reward in the staked token, times 1e36, and where it is from.
async fn price(
    ledger: &Ledger,
    reward: &TokenView,
    staking: &TokenView,
) -> anyhow::Result<Option<(U256, String)>> {
    let one = U256::from(10).pow(U256::from(36));
    if reward.address == staking.address {
        return Ok(Some((one, "paid in the staked token".to_owned())));
    }
    // A share of a pair is worth twice its part of one of the reserves.
    let pair = markets::pool_at(ledger, &staking.address).await?;
    let shares = pair.as_ref().and_then(|pair| in_shares(pair, reward));
    if let (Some(pair), Some(price)) = (pair, shares.and_then(|price| price.scaled_down(one))) {
        let basis = format!("the price of shares of {}/{}", pair.token0.symbol, pair.token1.symbol);
        return Ok(Some((price, basis)));
    }
    let mut deepest: Option<(U256, U256, PoolView)> = None;
    for fee in [None].into_iter().chain(FEES.map(Some)) {
        let pool = markets::pool(ledger, (&reward.address, &staking.address), fee).await?;
        let Some(pool) = pool else { continue };
        let is_first = pool.token0.address == reward.address;
        let price = pool.price.map(|price| if is_first { price } else { price.inverse() });
        let price = price.and_then(|price| price.scaled_down(one));
        let (Some(price), Some(depth)) = (price, depth(&pool, staking)) else { continue };
        if deepest.as_ref().is_none_or(|(_, most, _)| *most < depth) {
            deepest = Some((price, depth, pool));
        }
    }
    Ok(deepest.map(|(price, _, pool)| {
        let at = convert::address(pool.address).to_checksum(None);
        (price, format!("the current price of the pool {at}, the deepest of the two tokens"))
    }))
}

/// How much of a token trades against the price of a pool: the reserve of a pair; of a pool of v3 what its active liquidity stands for, at most what it holds. None
/// when nothing does, so that the price is whatever somebody has set.
fn depth(pool: &PoolView, token: &TokenView) -> Option<U256> {
    let is_first = pool.token0.address == token.address;
    let held = pool.amounts[usize::from(!is_first)]?;
    let depth = match pool.kind {
        PoolKind::Pair { .. } => held,
        PoolKind::Ranged { sqrt_price, liquidity, .. } => {
            let (root, liquidity) = (U512::from(sqrt_price), U512::from(liquidity));
            let active = if is_first {
                liquidity.wrapping_shl(96).checked_div(root)?
            } else {
                liquidity.wrapping_mul(root).wrapping_shr(96)
            };
            active.min(U512::from(held)).wrapping_to()
        }
    };
    (!depth.is_zero()).then_some(depth)
}

/// Shares of a pair for one unit of a token of it.
fn in_shares(pair: &PoolView, token: &TokenView) -> Option<PriceRatio> {
    let PoolKind::Pair { supply } = pair.kind else { return None };
    let tokens = [&pair.token0, &pair.token1];
    let index = tokens.iter().position(|of| of.address == token.address)?;
    let reserve = pair.amounts.get(index).copied().flatten()?;
    PriceRatio::of_amounts(supply, reserve.checked_mul(U256::from(2))?)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U160;
    use units::AccountId;

    use super::*;

    fn token(byte: u8) -> TokenView {
        let address = AccountId::from_bytes([byte; 20]);
        let (name, symbol) = (String::new(), "T".to_owned());
        TokenView { address, name, symbol, decimals: 18, is_readable: true }
    }

    fn pool(kind: PoolKind, amounts: [u64; 2]) -> PoolView {
        let amounts = amounts.map(|amount| Some(U256::from(amount)));
        let address = AccountId::from_bytes([9; 20]);
        PoolView { address, token0: token(1), token1: token(2), amounts, price: None, kind }
    }

    fn ranged(liquidity: u128) -> PoolKind {
        // A price of 4: a root of 2.
        let sqrt_price = U160::from(2).wrapping_shl(96);
        PoolKind::Ranged { fee: 500, spacing: 10, sqrt_price, tick: 13_863, liquidity }
    }

    #[test]
    fn a_price_without_liquidity_is_none() {
        let of = |pool: &PoolView| [1, 2].map(|byte| depth(pool, &token(byte)));
        // Tokens that were sent to a pool are no liquidity.
        assert_eq!(of(&pool(ranged(0), [1_000, 1_000])), [None, None]);
        assert_eq!(
            of(&pool(ranged(100), [1_000, 1_000])),
            [50, 200].map(|it| Some(U256::from(it)))
        );
        // A narrow range stands for more than there is.
        assert_eq!(of(&pool(ranged(u128::MAX), [10, 20])), [10, 20].map(|it| Some(U256::from(it))));
        let pair = PoolKind::Pair { supply: U256::from(5) };
        assert_eq!(of(&pool(pair, [3, 0])), [Some(U256::from(3)), None]);
    }
}
