//! Pools of both kinds.

use std::collections::BTreeSet;

use abi::{
    GRAIN, NonfungiblePositionManager, UNISWAP_V2_FACTORY, UNISWAP_V3_FACTORY,
    UNISWAP_V3_POSITIONS, UniswapV2Factory, UniswapV2Pair, UniswapV3Factory, UniswapV3Pool,
    WRAPPED_GRAIN, asset_address, convert, sorted,
};
use alloy_primitives::{Address, U160, U256, aliases::U24};
use amm::constant_product::{Reserves, protocol_fee_down};
use units::AccountId;

use super::{
    PriceRatio, TokenView, balances_of,
    token::{found, tokens},
};
use crate::{
    Ask, ITEMS_MAX, Impossible, Page, ViewError, Window, assets,
    batch::{self, Asked, Batch},
};

/// The fees of Uniswap v3 that are enabled, in millionths. The factory has no owner, so there are no others ([`spacing`] asks it).
pub const FEES: [u32; 3] = [500, 3_000, 10_000];
/// Tokens that pools of Uniswap v3 are looked for between, beside those of positions.
const TOKENS_MAX: usize = 32;

/// Assets whose pairs with GRAIN are looked for at most.
const COIN_PAIRS_ASSETS_MAX: usize = 1_000;

/// A pool of two tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolView {
    /// Where it answers.
    pub address: AccountId,
    /// The token with the lower address.
    pub token0: TokenView,
    /// The other token.
    pub token1: TokenView,
    /// What there is of each, in the smallest unit: the reserves of a pair; the balances of a pool of Uniswap v3, which include what it owes. None of a
    /// token that does not answer.
    pub amounts: [Option<U256>; 2],
    /// Token 1 for one of token 0; none without liquidity, or before the pool has a price.
    pub price: Option<PriceRatio>,
    /// What the two kinds do not share.
    pub kind: PoolKind,
}

/// The kind of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// A pair of Uniswap v2. Its fee is 3,000 millionths.
    Pair {
        /// All shares as the next burn finds them: with those that nobody can redeem, and with those that the protocol is owed by then.
        supply: U256,
    },
    /// A pool of Uniswap v3.
    Ranged {
        /// In millionths of what is paid in.
        fee: u32,
        /// Ticks of positions are multiples of it.
        spacing: i32,
        /// Square root of the price in Q64.96; 0 before it has one.
        sqrt_price: U160,
        /// The tick in which the price lies.
        tick: i32,
        /// Liquidity that is active at the price.
        liquidity: u128,
    },
}

impl PoolView {
    /// The part of what is paid in that the pool keeps as its fee, in millionths.
    #[must_use]
    pub fn fee_millionths(&self) -> u32 {
        match self.kind {
            PoolKind::Pair { .. } => 3_000,
            PoolKind::Ranged { fee, .. } => fee,
        }
    }

    /// `v2` or `v3`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        match self.kind {
            PoolKind::Pair { .. } => "v2",
            PoolKind::Ranged { .. } => "v3",
        }
    }

    /// How many of token 1 one of token 0 costs, in whole units, or `none`.
    #[must_use]
    pub fn price_text(&self) -> String {
        let text = |price: PriceRatio| price.text(self.token0.decimals, self.token1.decimals);
        self.price.map_or_else(|| "none".to_owned(), text)
    }
}

/// Reads how many pairs of Uniswap v2 there are.
///
/// # Errors
/// [`ViewError`].
pub async fn pair_count<A: Ask>(ledger: &A) -> Result<u64, ViewError<A::Error>> {
    batch::read(ledger, UNISWAP_V2_FACTORY, &UniswapV2Factory::allPairsLengthCall {}, |count| {
        u64::try_from(count).map_err(|_| Impossible::new("allPairsLength", count))
    })
    .await
}

/// Reads a page of pairs of Uniswap v2, newest first. Their numbers here are from 1 on.
///
/// # Errors
/// [`ViewError`].
pub async fn pairs<A: Ask>(
    ledger: &A,
    window: Window,
) -> Result<Page<PoolView>, ViewError<A::Error>> {
    let count = pair_count(ledger).await?;
    let mut batch = Batch::default();
    let ask = |number: u64| {
        let index = U256::from(number.saturating_sub(1));
        batch.add(UNISWAP_V2_FACTORY, &UniswapV2Factory::allPairsCall { index })
    };
    let asked: Vec<_> = window.numbers(count).map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let found: Result<Vec<_>, _> = asked.iter().map(|asked| answers.take(asked)).collect();
    let items = of_pairs(ledger, &found?).await?;
    Ok(Page::new(window, count, items))
}

/// Reads the pairs of Uniswap v2 of GRAIN and wrapped GRAIN with each other and with the newest 1,000 assets, which nobody can push out of a list by creating
/// pairs.
///
/// # Errors
/// [`ViewError`].
pub async fn coin_pairs<A: Ask>(ledger: &A) -> Result<Vec<PoolView>, ViewError<A::Error>> {
    let count = assets::count(ledger).await?;
    let mut batch = Batch::default();
    let mut asked = Vec::new();
    let mut ask = |a: Address, b: Address| {
        let call = UniswapV2Factory::getPairCall { tokenA: a, tokenB: b };
        asked.push(batch.add(UNISWAP_V2_FACTORY, &call));
    };
    ask(GRAIN, WRAPPED_GRAIN);
    for number in (1..=count).rev().take(COIN_PAIRS_ASSETS_MAX) {
        ask(GRAIN, asset_address(number));
        ask(WRAPPED_GRAIN, asset_address(number));
    }
    let answers = batch.ask(ledger).await?;
    let mut found = BTreeSet::new();
    for asked in &asked {
        found.insert(answers.take(asked)?);
    }
    found.remove(&Address::ZERO);
    let found: Vec<_> = found.into_iter().collect();
    of_pairs(ledger, &found).await
}

/// Reads the pools of Uniswap v3 that are known: those of the newest 100 positions of the position manager, and those between GRAIN or wrapped GRAIN and
/// the newest assets or the tokens of the newest pairs, 32 at most. The factory has no list; [`pool`] finds any pool by its tokens and fee.
///
/// # Errors
/// [`ViewError`].
pub async fn ranged_pools<A: Ask>(ledger: &A) -> Result<Vec<PoolView>, ViewError<A::Error>> {
    let mut keys = keys_of_positions(ledger).await?;
    for token in traded(ledger).await? {
        for base in [GRAIN, WRAPPED_GRAIN] {
            let pair = sorted(base, token);
            keys.extend(FEES.map(|fee| (pair, fee)).into_iter().filter(|_| base != token));
        }
    }
    let mut batch = Batch::default();
    let ask = |((a, b), fee): &((Address, Address), u32)| {
        batch.add(UNISWAP_V3_FACTORY, &pool_call(*a, *b, *fee))
    };
    let asked: Vec<_> = keys.iter().map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let mut found = BTreeSet::new();
    for asked in &asked {
        found.insert(answers.take(asked)?);
    }
    found.remove(&Address::ZERO);
    let found: Vec<_> = found.into_iter().collect();
    of_ranged(ledger, &found).await
}

/// Reads the pool of two tokens, in any order: the pair of Uniswap v2, or with a fee, in millionths, the pool of Uniswap v3. `None` if there is none.
///
/// # Errors
/// [`ViewError`].
pub async fn pool<A: Ask>(
    ledger: &A,
    (a, b): (&AccountId, &AccountId),
    fee: Option<u32>,
) -> Result<Option<PoolView>, ViewError<A::Error>> {
    let (a, b) = (convert::address(*a), convert::address(*b));
    let found = match fee {
        None => {
            let call = UniswapV2Factory::getPairCall { tokenA: a, tokenB: b };
            let at = batch::ask(ledger, UNISWAP_V2_FACTORY, &call).await?;
            if at.is_zero() { Vec::new() } else { of_pairs(ledger, &[at]).await? }
        }
        Some(fee) => {
            let at = batch::ask(ledger, UNISWAP_V3_FACTORY, &pool_call(a, b, fee)).await?;
            if at.is_zero() { Vec::new() } else { of_ranged(ledger, &[at]).await? }
        }
    };
    Ok(found.into_iter().next())
}

/// Reads the pool at an address, of either kind; `None` if there is none.
///
/// # Errors
/// [`ViewError`].
pub async fn pool_at<A: Ask>(
    ledger: &A,
    address: &AccountId,
) -> Result<Option<PoolView>, ViewError<A::Error>> {
    let address = convert::address(*address);
    let code = ledger.account(address).await?.code;
    let found = match abi::Module::of(&address, &code).map(|module| module.name) {
        Some("UniswapV2Pair") => of_pairs(ledger, &[address]).await?,
        Some("UniswapV3Pool") => of_ranged(ledger, &[address]).await?,
        _ => Vec::new(),
    };
    Ok(found.into_iter().next())
}

/// Reads the spacing of ticks of a fee of Uniswap v3, in millionths; `None` for a fee that is not enabled.
///
/// # Errors
/// [`ViewError`].
pub async fn spacing<A: Ask>(ledger: &A, fee: u32) -> Result<Option<i32>, ViewError<A::Error>> {
    let Ok(fee) = U24::try_from(fee) else { return Ok(None) };
    let call = UniswapV3Factory::feeAmountTickSpacingCall { fee };
    let spacing = batch::ask(ledger, UNISWAP_V3_FACTORY, &call).await?;
    Ok(Some(spacing.as_i32()).filter(|spacing| *spacing > 0))
}

fn pool_call(a: Address, b: Address, fee: u32) -> UniswapV3Factory::getPoolCall {
    // A fee that does not fit is not enabled: 0 has no pool either.
    let fee = U24::try_from(fee).unwrap_or_default();
    UniswapV3Factory::getPoolCall { tokenA: a, tokenB: b, fee }
}

/// Tokens and fees of the newest positions.
async fn keys_of_positions<A: Ask>(
    ledger: &A,
) -> Result<BTreeSet<((Address, Address), u32)>, ViewError<A::Error>> {
    let call = NonfungiblePositionManager::totalSupplyCall {};
    let supply = batch::ask(ledger, UNISWAP_V3_POSITIONS, &call).await?;
    let supply = u64::try_from(supply).unwrap_or(u64::MAX);
    let mut batch = Batch::default();
    let ask = |number: u64| {
        let index = U256::from(number.saturating_sub(1));
        batch.add(UNISWAP_V3_POSITIONS, &NonfungiblePositionManager::tokenByIndexCall { index })
    };
    let asked: Vec<_> = Window::first(ITEMS_MAX).numbers(supply).map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let mut batch = Batch::default();
    let mut positions = Vec::with_capacity(asked.len());
    for asked in &asked {
        let call = NonfungiblePositionManager::positionsCall { tokenId: answers.take(asked)? };
        positions.push(batch.add(UNISWAP_V3_POSITIONS, &call));
    }
    let answers = batch.ask(ledger).await?;
    let mut keys = BTreeSet::new();
    for asked in &positions {
        let position = answers.take(asked)?;
        keys.insert(((position.token0, position.token1), position.fee.to()));
    }
    Ok(keys)
}

/// The newest assets and the tokens of the newest pairs.
async fn traded<A: Ask>(ledger: &A) -> Result<BTreeSet<Address>, ViewError<A::Error>> {
    let most = u64::try_from(TOKENS_MAX).unwrap_or(ITEMS_MAX);
    let mut found = BTreeSet::from([GRAIN, WRAPPED_GRAIN]);
    for pair in pairs(ledger, Window::first(most)).await?.items {
        found.extend([pair.token0.address, pair.token1.address].map(convert::address));
    }
    let count = assets::count(ledger).await?;
    found.extend(Window::first(most).numbers(count).map(asset_address));
    Ok(found.into_iter().take(TOKENS_MAX).collect())
}

struct PairCalls {
    address: Address,
    token0: Asked<UniswapV2Pair::token0Call>,
    token1: Asked<UniswapV2Pair::token1Call>,
    reserves: Asked<UniswapV2Pair::getReservesCall>,
    supply: Asked<UniswapV2Pair::totalSupplyCall>,
    k_last: Asked<UniswapV2Pair::kLastCall>,
}

async fn of_pairs<A: Ask>(
    ledger: &A,
    pairs: &[Address],
) -> Result<Vec<PoolView>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let ask = |address: &Address| PairCalls {
        address: *address,
        token0: batch.add(*address, &UniswapV2Pair::token0Call {}),
        token1: batch.add(*address, &UniswapV2Pair::token1Call {}),
        reserves: batch.add(*address, &UniswapV2Pair::getReservesCall {}),
        supply: batch.add(*address, &UniswapV2Pair::totalSupplyCall {}),
        k_last: batch.add(*address, &UniswapV2Pair::kLastCall {}),
    };
    let asked: Vec<_> = pairs.iter().map(ask).collect();
    let fee_to = batch.add(UNISWAP_V2_FACTORY, &UniswapV2Factory::feeToCall {});
    let answers = batch.ask(ledger).await?;
    let mut named = BTreeSet::new();
    for asked in &asked {
        named.extend([answers.take(&asked.token0)?, answers.take(&asked.token1)?]);
    }
    let tokens = tokens(ledger, named).await?;
    let has_fee = !answers.take(&fee_to)?.is_zero();
    let mut pools = Vec::with_capacity(asked.len());
    for asked in &asked {
        let (reserves, supply) = (answers.take(&asked.reserves)?, answers.take(&asked.supply)?);
        let k_last = if has_fee { answers.take(&asked.k_last)? } else { U256::ZERO };
        let [reserve0, reserve1] = [reserves._reserve0, reserves._reserve1].map(U256::from);
        pools.push(PoolView {
            address: convert::account(asked.address),
            token0: found(&tokens, answers.take(&asked.token0)?),
            token1: found(&tokens, answers.take(&asked.token1)?),
            amounts: [Some(reserve0), Some(reserve1)],
            price: PriceRatio::of_amounts(reserve1, reserve0),
            kind: PoolKind::Pair { supply: with_fee(reserves, k_last, supply) },
        });
    }
    Ok(pools)
}

/// All shares of a pair with those that the protocol is owed; `k_last` is 0 while it takes no fee.
fn with_fee(reserves: UniswapV2Pair::getReservesReturn, k_last: U256, supply: U256) -> U256 {
    let (reserve0, reserve1) = (reserves._reserve0, reserves._reserve1);
    let reserves = Reserves { reserve0, reserve1, updated_at: reserves._blockTimestampLast };
    let owed = protocol_fee_down(reserves, k_last, supply);
    supply.saturating_add(owed.unwrap_or_default())
}

struct RangedCalls {
    address: Address,
    token0: Asked<UniswapV3Pool::token0Call>,
    token1: Asked<UniswapV3Pool::token1Call>,
    fee: Asked<UniswapV3Pool::feeCall>,
    spacing: Asked<UniswapV3Pool::tickSpacingCall>,
    slot0: Asked<UniswapV3Pool::slot0Call>,
    liquidity: Asked<UniswapV3Pool::liquidityCall>,
}

async fn of_ranged<A: Ask>(
    ledger: &A,
    addresses: &[Address],
) -> Result<Vec<PoolView>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let ask = |address: &Address| RangedCalls {
        address: *address,
        token0: batch.add(*address, &UniswapV3Pool::token0Call {}),
        token1: batch.add(*address, &UniswapV3Pool::token1Call {}),
        fee: batch.add(*address, &UniswapV3Pool::feeCall {}),
        spacing: batch.add(*address, &UniswapV3Pool::tickSpacingCall {}),
        slot0: batch.add(*address, &UniswapV3Pool::slot0Call {}),
        liquidity: batch.add(*address, &UniswapV3Pool::liquidityCall {}),
    };
    let asked: Vec<_> = addresses.iter().map(ask).collect();
    let answers = batch.ask(ledger).await?;
    let mut named = BTreeSet::new();
    for asked in &asked {
        named.extend([answers.take(&asked.token0)?, answers.take(&asked.token1)?]);
    }
    let tokens = tokens(ledger, named).await?;
    let mut pools = Vec::with_capacity(asked.len());
    for asked in &asked {
        let address = convert::account(asked.address);
        let token0 = found(&tokens, answers.take(&asked.token0)?);
        let token1 = found(&tokens, answers.take(&asked.token1)?);
        let held = balances_of(ledger, &address, &[token0.address, token1.address]).await?;
        let amounts = [0, 1].map(|index: usize| held.get(index).copied().flatten());
        let slot0 = answers.take(&asked.slot0)?;
        pools.push(PoolView {
            address,
            token0,
            token1,
            amounts,
            price: PriceRatio::of_sqrt(slot0.sqrtPriceX96),
            kind: PoolKind::Ranged {
                fee: answers.take(&asked.fee)?.to(),
                spacing: answers.take(&asked.spacing)?.as_i32(),
                sqrt_price: slot0.sqrtPriceX96,
                tick: slot0.tick.as_i32(),
                liquidity: answers.take(&asked.liquidity)?,
            },
        });
    }
    Ok(pools)
}
