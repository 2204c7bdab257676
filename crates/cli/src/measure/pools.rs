//! What pools hold, counted for whoever can take it out: owners of shares of Uniswap v2, and of positions of Uniswap v3.
//!
//! What no share or position has stays with the pool: the shares that are locked in each pair, the protocol's fees, what rounding has left, and gifts. So nothing is counted twice,
//! and the amounts still add up to the supply.

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    Erc20, UNISWAP_V2_FACTORY, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UniswapV2Factory,
    UniswapV2Pair, UniswapV3Factory, UniswapV3Pool, convert,
};
use alloy_primitives::{Address, B256, U256, aliases::I24};
use alloy_sol_types::SolEvent as _;
use anyhow::{Context as _, ensure};
use ledger_client::PastLedger;
use ledger_views::markets::{self, PoolKind, PoolView, Worth};

use super::ledger::{Found, HOLDERS_MAX, answer, moved_between, scan};

/// Finds what the pools of an asset hold of it, and counts it for the owners of their shares and positions. Returns how many pools there are, and what stays with them.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) async fn look_through(
    ledger: &PastLedger,
    (asset, height): (Address, u64),
    found: &mut Found,
) -> anyhow::Result<(usize, U256)> {
    let pools = pools_of(ledger, asset, height).await?;
    let mut amounts: BTreeMap<Address, U256> = found.holders.iter().copied().collect();
    let (mut parts, mut ranged) = (Vec::new(), Vec::new());
    for address in &pools {
        // Anyone can create pools of an asset: those without any of it have nothing to count.
        if !amounts.contains_key(address) {
            continue;
        }
        let Some(pool) = markets::pool_at(ledger, &convert::account(*address)).await? else {
            continue;
        };
        match pool.kind {
            PoolKind::Pair { supply } => {
                parts.extend(shares(ledger, (*address, height), supply, &amounts).await?);
            }
            PoolKind::Ranged { .. } => {
                parts.extend(unmanaged(ledger, (asset, height), &pool).await?);
                ranged.push(pool);
            }
        }
    }
    for holding in markets::ranged_holdings(ledger, &ranged).await? {
        let Some(pool) = ranged.iter().find(|pool| pool.address == holding.pool) else { continue };
        parts.push(part(asset, pool, convert::address(holding.owner), &holding.worth));
    }
    for part in parts {
        part.give(&mut amounts);
        ensure!(amounts.len() <= HOLDERS_MAX, "more than {HOLDERS_MAX} holders");
    }
    let left = pools.iter().filter_map(|pool| amounts.get(pool));
    let left = left.fold(U256::ZERO, |sum, amount| sum.saturating_add(*amount));
    found.holders = amounts.into_iter().filter(|(_, amount)| !amount.is_zero()).collect();
    Ok((pools.len(), left))
}

/// What an account can take out of a pool.
struct Part {
    pool: Address,
    owner: Address,
    amount: U256,
}

impl Part {
    /// Moves it from the pool to its owner: no more than the pool has.
    fn give(&self, amounts: &mut BTreeMap<Address, U256>) {
        let Some(held) = amounts.get_mut(&self.pool) else { return };
        let amount = self.amount.min(*held);
        *held = held.saturating_sub(amount);
        let owned = amounts.entry(self.owner).or_default();
        *owned = owned.saturating_add(amount);
    }
}

/// Returns all pools of an asset that the ledger's factories have made up to a height.
async fn pools_of(
    ledger: &PastLedger,
    asset: Address,
    height: u64,
) -> anyhow::Result<BTreeSet<Address>> {
    let mut pools = BTreeSet::new();
    let word = Some(asset.into_word());
    for places in [[word, None], [None, word]] {
        let [token0, token1] = places;
        let topics = [Some(UniswapV2Factory::PairCreated::SIGNATURE_HASH), token0, token1, None];
        scan(ledger, (UNISWAP_V2_FACTORY, topics), 0..=height, &mut |log| {
            pools.insert(UniswapV2Factory::PairCreated::decode_log(log)?.pair);
            Ok(())
        })
        .await?;
        let topics = [Some(UniswapV3Factory::PoolCreated::SIGNATURE_HASH), token0, token1, None];
        scan(ledger, (UNISWAP_V3_FACTORY, topics), 0..=height, &mut |log| {
            pools.insert(UniswapV3Factory::PoolCreated::decode_log(log)?.pool);
            Ok(())
        })
        .await?;
    }
    Ok(pools)
}

/// The parts of a pair, by its shares: what burning them would pay, rounded down.
async fn shares(
    ledger: &PastLedger,
    (pair, height): (Address, u64),
    supply: U256,
    amounts: &BTreeMap<Address, U256>,
) -> anyhow::Result<Vec<Part>> {
    let held = amounts.get(&pair).copied().unwrap_or_default();
    let mut owners = BTreeSet::new();
    let topics = [Some(Erc20::Transfer::SIGNATURE_HASH), None, None, None];
    scan(ledger, (pair, topics), 0..=height, &mut |log| {
        owners.extend(moved_between(log.topics()));
        ensure!(owners.len() <= HOLDERS_MAX, "more than {HOLDERS_MAX} accounts");
        Ok(())
    })
    .await?;
    // Nobody can take out what belongs to the shares that the first liquidity has locked.
    owners.remove(&Address::ZERO);
    let mut parts = Vec::new();
    for owner in owners {
        let shares = answer(ledger, pair, &UniswapV2Pair::balanceOfCall { owner }).await?;
        let shares = shares.unwrap_or_default();
        let product = held.widening_mul::<256, 4, 512, 8>(shares);
        if !supply.is_zero() && !product.is_zero() {
            let part = product.wrapping_div(alloy_primitives::U512::from(supply));
            let amount = U256::saturating_from(part);
            parts.push(Part { pool: pair, owner, amount });
        }
    }
    Ok(parts)
}

/// The parts of a pool of Uniswap v3 that contracts keep in it themselves, without the position manager.
async fn unmanaged(
    ledger: &PastLedger,
    (asset, height): (Address, u64),
    pool: &PoolView,
) -> anyhow::Result<Vec<Part>> {
    let address = convert::address(pool.address);
    let mut kept = BTreeSet::new();
    let topics: [Option<B256>; 4] = [Some(UniswapV3Pool::Mint::SIGNATURE_HASH), None, None, None];
    scan(ledger, (address, topics), 0..=height, &mut |log| {
        let UniswapV3Pool::Mint { owner, tickLower, tickUpper, .. } =
            UniswapV3Pool::Mint::decode_log(log)?.data;
        if owner != UNISWAP_V3_POSITIONS {
            kept.insert((owner, tickLower.as_i32(), tickUpper.as_i32()));
        }
        ensure!(kept.len() <= HOLDERS_MAX, "more than {HOLDERS_MAX} positions");
        Ok(())
    })
    .await?;
    let mut parts = Vec::new();
    for (owner, lower, upper) in kept {
        let tick = |tick: i32| I24::try_from(tick).context("a tick is out of range");
        let ticks = (tick(lower)?, tick(upper)?);
        let worth = markets::worth_in_pool(ledger, pool, owner, ticks).await?;
        parts.push(part(asset, pool, owner, &worth));
    }
    Ok(parts)
}

fn part(asset: Address, pool: &PoolView, owner: Address, worth: &Worth) -> Part {
    let of = |both: [U256; 2]| match pool.token0.address == convert::account(asset) {
        true => both[0],
        false => both[1],
    };
    let amount = of(worth.amounts).saturating_add(of(worth.uncollected));
    Part { pool: convert::address(pool.address), owner, amount }
}
