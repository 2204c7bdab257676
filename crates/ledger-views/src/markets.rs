//! Markets: pairs of Uniswap v2 and pools of Uniswap v3, their tokens, prices, and what an account has in them.
//!
//! Anybody may put any token into a pool, so what a token says of itself is not to be trusted: two may have one symbol, and one that does not
//! answer as an ERC-20 is shown by its address ([`TokenView::is_readable`]).
//!
//! Amounts of positions and their fees are computed by the rules themselves (`amm`), from words that the pool has stored.

mod liquidity;
mod pool;
mod position;
mod price;
mod risk;
mod route;
mod token;

pub use liquidity::{Addition, addition_to_pair, addition_to_range, amounts_down, whole_range};
pub use pool::{
    FEES, PoolKind, PoolView, coin_pairs, pair_count, pairs, pool, pool_at, ranged_pools, spacing,
};
pub use position::{
    Holding, PositionView, Range, Worth, ranged_holdings, ranged_position, ranged_positions,
    share_of_pair, shares_of_pairs, worth_in_pool,
};
pub use price::{PriceRatio, sqrt_price, tick_down, tick_up};
pub use risk::{
    RouteFigures, Scenario, YieldFigures, assets_per_share, farm_figures, rewards_figures,
    route_figures, scenarios, yearly_growth,
};
pub use route::{Exact, HOPS_MAX, Hop, ROUTES_MAX, RouteView, RoutesView, routes};
pub(crate) use token::found;
pub use token::{ASSETS_MAX, TokenView, balances_of, deployed_alike, named, token, tokens};
