//! What a trade or a position risks, and what a stake pays, as the module `MarketLens` computes it from the rules of the pools.
//!
//! A ledger whose revision is older has no such module; then there are no figures, and everything else works.

use abi::{MARKET_LENS, MarketLens, convert};
use alloy_primitives::{U160, U256};
use units::AccountId;

use super::{Exact, PositionView, RouteView};
use crate::{Ask, batch};

/// How many basis points of slippage the module takes at most.
const SLIPPAGE_BPS_MAX: u16 = 9_999;

/// What trading along a route costs. Ratios are times 1e18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteFigures {
    /// How much less is received than at the prices before the trade, without fees.
    pub price_impact: U256,
    /// The fees of all pools, as a part of the input.
    pub fee_ratio: U256,
}

/// What a position would be worth at another price, compared with holding its tokens. Values are in the smallest unit of token 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The price as a part of the current one, in basis points.
    pub price_bps: u32,
    /// What the position would be worth, without fees.
    pub value: U256,
    /// What its tokens of now would be worth.
    pub held: U256,
    /// Impermanent loss: `1 - value / held`, times 1e18.
    pub loss: U256,
}

/// What staking pays. Ratios are times 1e18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YieldFigures {
    /// The reward of a year for all stakes at the current rate, in the reward token.
    pub reward_per_year: U256,
    /// For how many seconds that rate is paid at most; 0 if nothing is paid now.
    pub window_seconds: U256,
    /// The reward of a year for what is staked now, without compounding.
    pub apr: U256,
}

/// Reads what trading along a route costs; none when the ledger has no such module, or it can't say.
pub async fn route_figures<A: Ask>(
    ledger: &A,
    route: &RouteView,
    exact: Exact,
    slippage_bps: u32,
) -> Option<RouteFigures> {
    let first = route.hops.first()?;
    let token = convert::address(first.token_in.address);
    let pools = route.hops.iter().map(|hop| convert::address(hop.pool.address)).collect();
    let bps = u16::try_from(slippage_bps).unwrap_or(u16::MAX).min(SLIPPAGE_BPS_MAX);
    let said = match exact {
        Exact::Input(amount) => {
            let call = MarketLens::quoteExactInputCall {
                tokenIn: token,
                pools,
                amountIn: amount,
                slippageBps: bps,
            };
            batch::ask(ledger, MARKET_LENS, &call).await.ok()?
        }
        Exact::Output(amount) => {
            let call = MarketLens::quoteExactOutputCall {
                tokenIn: token,
                pools,
                amountOut: amount,
                slippageBps: bps,
            };
            batch::ask(ledger, MARKET_LENS, &call).await.ok()?
        }
    };
    // A token that takes fees gives less than the module says: then its figures are not of this trade.
    let is_same = (said.amountIn, said.amountOut) == (route.amount_in, route.amount_out);
    is_same.then_some(RouteFigures { price_impact: said.priceImpact, fee_ratio: said.feeRatio })
}

/// Reads what a position would lose at other prices, from now on; none when the ledger has no such module, or it can't say.
pub async fn scenarios<A: Ask>(
    ledger: &A,
    position: &PositionView,
    owner: &AccountId,
) -> Option<Vec<Scenario>> {
    let said = match position.range {
        None => {
            let call = MarketLens::v2PositionCall {
                pair: convert::address(position.pool.address),
                account: convert::address(*owner),
                entrySqrtPriceX96: U160::ZERO,
                earlierLiquidityPerShare: U256::ZERO,
            };
            batch::ask(ledger, MARKET_LENS, &call).await.ok()?.scenarios
        }
        Some(range) => {
            let call =
                MarketLens::v3PositionCall { tokenId: range.id, entrySqrtPriceX96: U160::ZERO };
            batch::ask(ledger, MARKET_LENS, &call).await.ok()?.scenarios
        }
    };
    let view = |said: MarketLens::Scenario| Scenario {
        price_bps: said.priceBps,
        value: said.value,
        held: said.held,
        loss: said.loss,
    };
    Some(said.into_iter().map(view).collect())
}

/// Reads what staking rewards pay. `reward_price` is the reward token in the staked one, times 1e36. None when the ledger has no such module, nothing is
/// staked, or it can't say.
pub async fn rewards_figures<A: Ask>(
    ledger: &A,
    rewards: &AccountId,
    reward_price: U256,
) -> Option<YieldFigures> {
    let call = MarketLens::stakingYieldCall {
        stakingRewards: convert::address(*rewards),
        rewardPrice: reward_price,
        compoundings: 1,
    };
    batch::ask(ledger, MARKET_LENS, &call).await.ok().map(figures)
}

/// Reads what a pool of a farm pays, likewise.
pub async fn farm_figures<A: Ask>(
    ledger: &A,
    (farm, pool): (&AccountId, u64),
    reward_price: U256,
    blocks_per_year: u32,
) -> Option<YieldFigures> {
    let call = MarketLens::farmYieldCall {
        masterChef: convert::address(*farm),
        pid: U256::from(pool),
        rewardPrice: reward_price,
        blocksPerYear: blocks_per_year,
        compoundings: 1,
    };
    batch::ask(ledger, MARKET_LENS, &call).await.ok().map(figures)
}

fn figures(said: MarketLens::Yield) -> YieldFigures {
    YieldFigures {
        reward_per_year: said.rewardPerYear,
        window_seconds: said.windowSeconds,
        apr: said.apr,
    }
}

/// Reads the assets for one smallest unit of a vault's shares, times 1e36; none when the ledger has no such module, or it can't say.
pub async fn assets_per_share<A: Ask>(ledger: &A, vault: &AccountId) -> Option<U256> {
    let call = MarketLens::assetsPerShareCall { vault: convert::address(*vault) };
    batch::ask(ledger, MARKET_LENS, &call).await.ok()
}

/// Reads what the growth of a figure in some seconds is for a year, without compounding, times 1e18; none when the ledger has no such module, or it can't say.
pub async fn yearly_growth<A: Ask>(
    ledger: &A,
    (earlier, later): (U256, U256),
    elapsed_seconds: u64,
) -> Option<U256> {
    let call =
        MarketLens::growthCall { earlier, later, elapsedSeconds: elapsed_seconds, compoundings: 1 };
    batch::ask(ledger, MARKET_LENS, &call).await.ok().map(|said| said.apr)
}
