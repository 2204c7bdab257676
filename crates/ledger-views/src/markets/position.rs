//! What accounts have in pools: shares of pairs, and positions of Uniswap v3.

use std::collections::BTreeMap;

use abi::{
    NonfungiblePositionManager, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UniswapV2Pair,
    UniswapV3Factory, UniswapV3Pool, convert,
};
use alloy_primitives::{Address, U256, aliases::I24, keccak256};
use alloy_sol_types::SolValue as _;
use amm::concentrated::{FeeGrowth, Owed, fee_growth_inside, fees_since};
use fixed_point::mul_div_down;
use units::AccountId;

use super::{PoolKind, PoolView, amounts_down, pool_at};
use crate::{
    Ask, Impossible, Page, ViewError, Window,
    batch::{self, Batch},
};

/// Positions that are asked for at once.
const POSITIONS_AT_ONCE: u64 = 500;

/// What an account has in a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionView {
    /// The pool.
    pub pool: PoolView,
    /// Shares of a pair, or liquidity.
    pub liquidity: U256,
    /// What removing all of it would pay now, in the smallest unit, rounded down, without fees that are shown apart.
    pub amounts: [U256; 2],
    /// Fees of a position of Uniswap v3 that are not collected yet, and what was removed and is not collected, in the smallest unit. Those of a pair are in its reserves.
    pub uncollected: [U256; 2],
    /// The range of a position of Uniswap v3.
    pub range: Option<Range>,
}

/// A position of Uniswap v3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its number, which is that of its token.
    pub id: U256,
    /// Who owns it.
    pub owner: AccountId,
    /// The tick at which it begins.
    pub lower: i32,
    /// The tick before which it ends.
    pub upper: i32,
    /// Whether the price is in it, so that it earns fees.
    pub is_active: bool,
}

impl PositionView {
    /// The share of a pair, or of the liquidity that is active at the price, in millionths, rounded down; 0 out of range.
    #[must_use]
    pub fn share_millionths(&self) -> U256 {
        let all = match self.pool.kind {
            PoolKind::Pair { supply } => supply,
            PoolKind::Ranged { liquidity, .. } => U256::from(liquidity),
        };
        let counts = self.range.is_none_or(|range| range.is_active) && !all.is_zero();
        let share = || mul_div_down(self.liquidity, U256::from(1_000_000), all).ok();
        counts.then(share).flatten().unwrap_or_default()
    }
}

/// Reads an account's shares of each of these pairs; those without a share are left out.
///
/// # Errors
/// [`ViewError`].
pub async fn shares_of_pairs<A: Ask>(
    ledger: &A,
    owner: &AccountId,
    pairs: &[PoolView],
) -> Result<Vec<PositionView>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let call = UniswapV2Pair::balanceOfCall { owner: convert::address(*owner) };
    let asked: Vec<_> =
        pairs.iter().map(|pair| batch.add(convert::address(pair.address), &call)).collect();
    let answers = batch.ask(ledger).await?;
    let mut found = Vec::new();
    for (pair, asked) in pairs.iter().zip(&asked) {
        let shares = answers.take(asked)?;
        found.extend((!shares.is_zero()).then(|| share_of_pair(pair, shares)));
    }
    Ok(found)
}

/// What a number of shares of a pair is worth, by its reserves: rounded down, without what the protocol is owed.
#[must_use]
pub fn share_of_pair(pair: &PoolView, shares: U256) -> PositionView {
    let PoolKind::Pair { supply } = pair.kind else { return empty(pair) };
    let part = |reserve: Option<U256>| {
        reserve.and_then(|reserve| mul_div_down(reserve, shares, supply).ok()).unwrap_or_default()
    };
    PositionView { liquidity: shares, amounts: pair.amounts.map(part), ..empty(pair) }
}

fn empty(pool: &PoolView) -> PositionView {
    let zero = [U256::ZERO; 2];
    PositionView {
        pool: pool.clone(),
        liquidity: U256::ZERO,
        amounts: zero,
        uncollected: zero,
        range: None,
    }
}

/// Reads a page of an account's positions of Uniswap v3 that the position manager keeps, newest first.
///
/// # Errors
/// [`ViewError`].
pub async fn ranged_positions<A: Ask>(
    ledger: &A,
    owner: &AccountId,
    window: Window,
) -> Result<Page<PositionView>, ViewError<A::Error>> {
    let owner = convert::address(*owner);
    let call = NonfungiblePositionManager::balanceOfCall { owner };
    let count = batch::read(ledger, UNISWAP_V3_POSITIONS, &call, |count| {
        u64::try_from(count).map_err(|_| Impossible::new("balanceOf", count))
    })
    .await?;
    let mut batch = Batch::default();
    let ask = |number: u64| {
        let index = U256::from(number.saturating_sub(1));
        let call = NonfungiblePositionManager::tokenOfOwnerByIndexCall { owner, index };
        batch.add(UNISWAP_V3_POSITIONS, &call)
    };
    let asked: Vec<_> = window.numbers(count).map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let mut items = Vec::with_capacity(asked.len());
    for asked in &asked {
        items.push(ranged_position(ledger, answers.take(asked)?).await?);
    }
    Ok(Page::new(window, count, items))
}

/// Reads one position of Uniswap v3.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] when there is none of that number.
pub async fn ranged_position<A: Ask>(
    ledger: &A,
    id: U256,
) -> Result<PositionView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let manager = UNISWAP_V3_POSITIONS;
    let position = batch.add(manager, &NonfungiblePositionManager::positionsCall { tokenId: id });
    let owner = batch.add(manager, &NonfungiblePositionManager::ownerOfCall { tokenId: id });
    let answers = batch.ask(ledger).await?;
    let (position, owner) = (answers.take(&position)?, answers.take(&owner)?);
    let call = UniswapV3Factory::getPoolCall {
        tokenA: position.token0,
        tokenB: position.token1,
        fee: position.fee,
    };
    let at = batch::ask(ledger, UNISWAP_V3_FACTORY, &call).await?;
    let impossible = |field, value: String| ViewError::Impossible {
        call: "positions(uint256)",
        of: manager,
        source: Impossible::new(field, value),
    };
    let pool = pool_at(ledger, &convert::account(at)).await?;
    let pool = pool.ok_or_else(|| impossible("pool", at.to_string()))?;
    let PoolKind::Ranged { tick, .. } = pool.kind else {
        return Err(impossible("pool", at.to_string()));
    };
    let ticks = (position.tickLower, position.tickUpper);
    let kept = Kept::of(&position);
    let worth = worth(ledger, &pool, ticks, &kept).await?;
    let (lower, upper) = (ticks.0.as_i32(), ticks.1.as_i32());
    Ok(PositionView {
        pool,
        liquidity: U256::from(position.liquidity),
        amounts: worth.amounts,
        uncollected: worth.uncollected,
        range: Some(Range {
            id,
            owner: convert::account(owner),
            lower,
            upper,
            is_active: lower <= tick && tick < upper,
        }),
    })
}

/// What somebody has in a pool of Uniswap v3, by a position that the position manager keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The pool.
    pub pool: AccountId,
    /// Whose the position is.
    pub owner: AccountId,
    /// What it has.
    pub worth: Worth,
}

/// Reads all positions of Uniswap v3 that the position manager keeps in these pools, oldest first, but those in which nothing is. Pairs have none.
///
/// # Errors
/// [`ViewError`].
pub async fn ranged_holdings<A: Ask>(
    ledger: &A,
    pools: &[PoolView],
) -> Result<Vec<Holding>, ViewError<A::Error>> {
    let key = |pool: &PoolView| {
        let tokens = [&pool.token0, &pool.token1].map(|token| convert::address(token.address));
        (tokens, pool.fee_millionths())
    };
    let is_ranged = |pool: &&PoolView| matches!(pool.kind, PoolKind::Ranged { .. });
    let pools: BTreeMap<_, _> = pools.iter().filter(is_ranged).map(|it| (key(it), it)).collect();
    let manager = UNISWAP_V3_POSITIONS;
    let call = NonfungiblePositionManager::totalSupplyCall {};
    let count = batch::read(ledger, manager, &call, |count| {
        u64::try_from(count).map_err(|_| Impossible::new("totalSupply", count))
    })
    .await?;
    let (mut found, mut first) = (Vec::new(), 0);
    while first < count && !pools.is_empty() {
        let last = count.min(first.saturating_add(POSITIONS_AT_ONCE));
        let mut batch = Batch::default();
        let ask = |index| {
            let index = U256::from(index);
            batch.add(manager, &NonfungiblePositionManager::tokenByIndexCall { index })
        };
        let asked: Vec<_> = (first..last).map(ask).collect();
        let answers = batch.ask(ledger).await?;
        for asked in &asked {
            found.extend(holding(ledger, &pools, answers.take(asked)?).await?);
        }
        first = last;
    }
    Ok(found)
}

/// What the owner of a position has in one of these pools; `None` when it is in another one, or empty.
async fn holding<A: Ask>(
    ledger: &A,
    pools: &BTreeMap<([Address; 2], u32), &PoolView>,
    id: U256,
) -> Result<Option<Holding>, ViewError<A::Error>> {
    let manager = UNISWAP_V3_POSITIONS;
    let call = NonfungiblePositionManager::positionsCall { tokenId: id };
    let position = batch::ask(ledger, manager, &call).await?;
    let key = ([position.token0, position.token1], position.fee.to());
    let kept = Kept::of(&position);
    let Some(pool) = pools.get(&key).filter(|_| !kept.is_empty()) else { return Ok(None) };
    let call = NonfungiblePositionManager::ownerOfCall { tokenId: id };
    let owner = convert::account(batch::ask(ledger, manager, &call).await?);
    let worth = worth(ledger, pool, (position.tickLower, position.tickUpper), &kept).await?;
    Ok(Some(Holding { pool: pool.address, owner, worth }))
}

/// What a position of Uniswap v3 has of both tokens, in the smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// What taking all liquidity out would pay, rounded down.
    pub amounts: [U256; 2],
    /// Fees that are not collected, and what was taken out and is not collected.
    pub uncollected: [U256; 2],
}

/// Reads what an account has in a pool of Uniswap v3 between two ticks, when it keeps the position there itself, without the position manager. Nothing of a pair.
///
/// # Errors
/// [`ViewError`].
pub async fn worth_in_pool<A: Ask>(
    ledger: &A,
    pool: &PoolView,
    owner: Address,
    ticks: (I24, I24),
) -> Result<Worth, ViewError<A::Error>> {
    let packed = (owner, ticks.0, ticks.1).abi_encode_packed();
    let call = UniswapV3Pool::positionsCall { key: keccak256(packed) };
    let position = batch::ask(ledger, convert::address(pool.address), &call).await?;
    let kept = Kept {
        liquidity: position.liquidity,
        before: FeeGrowth {
            of0: position.feeGrowthInside0LastX128,
            of1: position.feeGrowthInside1LastX128,
        },
        owed: Owed { of0: position.tokensOwed0, of1: position.tokensOwed1 },
    };
    worth(ledger, pool, ticks, &kept).await
}

/// What is noted of a position of Uniswap v3: its liquidity, and what its fees were when they were last counted.
struct Kept {
    liquidity: u128,
    before: FeeGrowth,
    owed: Owed,
}

impl Kept {
    /// What the position manager has noted.
    fn of(position: &NonfungiblePositionManager::positionsReturn) -> Self {
        Self {
            liquidity: position.liquidity,
            before: FeeGrowth {
                of0: position.feeGrowthInside0LastX128,
                of1: position.feeGrowthInside1LastX128,
            },
            owed: Owed { of0: position.tokensOwed0, of1: position.tokensOwed1 },
        }
    }

    fn is_empty(&self) -> bool {
        self.liquidity == 0 && self.owed == Owed::default()
    }
}

async fn worth<A: Ask>(
    ledger: &A,
    pool: &PoolView,
    ticks: (I24, I24),
    kept: &Kept,
) -> Result<Worth, ViewError<A::Error>> {
    let PoolKind::Ranged { sqrt_price, tick, .. } = pool.kind else {
        return Ok(Worth { amounts: [U256::ZERO; 2], uncollected: [U256::ZERO; 2] });
    };
    let at = convert::address(pool.address);
    let impossible = |field, value: String| ViewError::Impossible {
        call: "positions",
        of: at,
        source: Impossible::new(field, value),
    };
    let (lower, upper) = (ticks.0.as_i32(), ticks.1.as_i32());
    let amounts = amounts_down(sqrt_price, (lower, upper), kept.liquidity);
    let amounts = amounts.ok_or_else(|| impossible("ticks", format!("{lower} to {upper}")))?;
    // Without liquidity it earns nothing, and its ticks may be cleared.
    let owed = if kept.liquidity == 0 {
        kept.owed
    } else {
        let now = growth_inside(ledger, at, ticks, tick).await?;
        let fees = fees_since(kept.before, now, kept.liquidity);
        kept.owed.with(fees.map_err(|error| impossible("fees", error.to_string()))?)
    };
    Ok(Worth { amounts, uncollected: [owed.of0, owed.of1].map(U256::from) })
}

/// The fee growth between two ticks of a pool, from the words that it has stored.
async fn growth_inside<A: Ask>(
    ledger: &A,
    pool: Address,
    (lower, upper): (I24, I24),
    tick: i32,
) -> Result<FeeGrowth, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let below = batch.add(pool, &UniswapV3Pool::ticksCall { tick: lower });
    let above = batch.add(pool, &UniswapV3Pool::ticksCall { tick: upper });
    let global0 = batch.add(pool, &UniswapV3Pool::feeGrowthGlobal0X128Call {});
    let global1 = batch.add(pool, &UniswapV3Pool::feeGrowthGlobal1X128Call {});
    let answers = batch.ask(ledger).await?;
    let outside = |ticks: UniswapV3Pool::ticksReturn| FeeGrowth {
        of0: ticks.feeGrowthOutside0X128,
        of1: ticks.feeGrowthOutside1X128,
    };
    let global = FeeGrowth { of0: answers.take(&global0)?, of1: answers.take(&global1)? };
    Ok(fee_growth_inside(
        (lower.as_i32(), outside(answers.take(&below)?)),
        (upper.as_i32(), outside(answers.take(&above)?)),
        tick,
        global,
    ))
}
