//! Routes from one token to another, quoted by the ledger's own modules: the router of Uniswap v2 and the quoter of v3.
//!
//! A route uses pools of one version only, because each version's router executes only its own: a swap is one transaction, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use abi::{
    GRAIN, QuoterV2, UNISWAP_V2_ROUTER, UNISWAP_V3_QUOTER, UniswapV2Router02, WRAPPED_GRAIN,
    convert,
};
use alloy_primitives::{Address, Bytes, U160, U256};
use amm::concentrated::{SQRT_PRICE_MAX, SQRT_PRICE_MIN};
use units::AccountId;

use super::{FEES, PoolKind, PoolView, TokenView, pairs, pool, ranged_pools};
use crate::{Ask, ITEMS_MAX, ViewError, Window, batch::Batch};

/// Pools of a route at most.
pub const HOPS_MAX: usize = 3;
/// Routes that are quoted at most.
pub const ROUTES_MAX: usize = 96;

/// Which side of a trade is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exact {
    /// What is paid.
    Input(U256),
    /// What is received.
    Output(U256),
}

/// Pools from one token to another, all of one version, with what they would give now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// The pools in the order of the trade, each with the token that it takes.
    pub hops: Vec<Hop>,
    /// What is paid, in the smallest unit of the first token.
    pub amount_in: U256,
    /// What is received, in the smallest unit of the last token.
    pub amount_out: U256,
}

/// One pool of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The pool.
    pub pool: PoolView,
    /// What it takes.
    pub token_in: TokenView,
    /// What it pays.
    pub token_out: TokenView,
}

/// What was found between two tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutesView {
    /// The route that pays most, or that costs least; none when no pool can trade the amount.
    pub best: Option<RouteView>,
    /// How many routes were quoted, [`ROUTES_MAX`] at most.
    pub quoted: usize,
}

impl RouteView {
    /// Whether all pools are of Uniswap v3, else all are pairs of v2.
    #[must_use]
    pub fn is_ranged(&self) -> bool {
        self.hops.iter().all(|hop| matches!(hop.pool.kind, PoolKind::Ranged { .. }))
    }

    /// The tokens from the first to the last, as the router of v2 takes them.
    #[must_use]
    pub fn tokens(&self) -> Vec<Address> {
        let first = self.hops.first().map(|hop| hop.token_in.address);
        let rest = self.hops.iter().map(|hop| hop.token_out.address);
        first.into_iter().chain(rest).map(convert::address).collect()
    }

    /// Tokens and fees as the router of v3 takes them: from the first token, or with an exact output from the last.
    #[must_use]
    pub fn path(&self, exact: Exact) -> Bytes {
        let fee = |hop: &Hop| hop.pool.fee_millionths().to_be_bytes();
        let mut tokens = self.tokens();
        let mut fees: Vec<_> = self.hops.iter().map(fee).collect();
        if let Exact::Output(_) = exact {
            tokens.reverse();
            fees.reverse();
        }
        let mut path = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            path.extend_from_slice(token.as_slice());
            let [_, bytes @ ..] = fees.get(index).copied().unwrap_or_default();
            path.extend_from_slice(if index < fees.len() { &bytes } else { &[] });
        }
        path.into()
    }
}

/// Finds the best route of up to [`HOPS_MAX`] pools. It looks at the pools between the two tokens, GRAIN, wrapped GRAIN and the tokens of `via`, the newest
/// 100 pairs, and the pools of v3 of [`ranged_pools`]; routes with fewer pools, and through GRAIN, are quoted first.
///
/// Between the first and the last token are GRAIN, wrapped GRAIN, assets, and the tokens of `via` only: a deployed token can promise the best quote and
/// then refuse to move, which would stop all trade between two assets at no cost.
///
/// # Errors
/// [`ViewError`].
pub async fn routes<A: Ask>(
    ledger: &A,
    (from, to): (&AccountId, &AccountId),
    exact: Exact,
    via: &[AccountId],
) -> Result<RoutesView, ViewError<A::Error>> {
    let pools = pools(ledger, from, to, via).await?;
    let via: BTreeSet<Address> = via.iter().copied().map(convert::address).collect();
    let (from, to) = (convert::address(*from), convert::address(*to));
    let mut found = RoutesView { best: None, quoted: 0 };
    let mut unanswered = None;
    for hops in candidates(&pools, from, to, &via) {
        found.quoted = found.quoted.saturating_add(1);
        let zero = U256::ZERO;
        let mut route = RouteView { hops, amount_in: zero, amount_out: zero };
        match quote(ledger, &route, exact).await {
            Ok(Some((amount_in, amount_out))) => {
                (route.amount_in, route.amount_out) = (amount_in, amount_out);
                if found.best.as_ref().is_none_or(|best| is_better(&route, best)) {
                    found.best = Some(route);
                }
            }
            Ok(None) => {}
            // A token of the route may run out of gas: that is no reason to give up the others.
            Err(error) => unanswered = Some(error),
        }
    }
    match unanswered.filter(|_| found.best.is_none()) {
        Some(error) => Err(error),
        None => Ok(found),
    }
}

fn is_better(route: &RouteView, than: &RouteView) -> bool {
    // One of the two amounts is given, and so equal.
    than.amount_out < route.amount_out || route.amount_in < than.amount_in
}

/// The pools that routes may use, each once, those that can't trade left out.
async fn pools<A: Ask>(
    ledger: &A,
    from: &AccountId,
    to: &AccountId,
    via: &[AccountId],
) -> Result<Vec<PoolView>, ViewError<A::Error>> {
    let mut known: BTreeMap<AccountId, PoolView> = BTreeMap::new();
    let bases = [GRAIN, WRAPPED_GRAIN].map(convert::account);
    let named: BTreeSet<AccountId> =
        [*from, *to].iter().chain(&bases).chain(via).copied().collect();
    for one in &named {
        for other in named.iter().filter(|other| one < other) {
            for fee in [None].into_iter().chain(FEES.map(Some)) {
                let found = pool(ledger, (one, other), fee).await?;
                known.extend(found.map(|pool| (pool.address, pool)));
            }
        }
    }
    let listed = pairs(ledger, Window::first(ITEMS_MAX)).await?.items;
    for pool in listed.into_iter().chain(ranged_pools(ledger).await?) {
        known.insert(pool.address, pool);
    }
    let is_used = |pool: &PoolView| {
        pool.price.is_some() && pool.amounts.iter().any(|amount| *amount != Some(U256::ZERO))
    };
    Ok(known.into_values().filter(is_used).collect())
}

/// Whether routes may lead through a token that nobody has named.
fn is_safe_between(token: &Address) -> bool {
    abi::Module::at(token).is_some()
}

/// Paths without a token twice, pools of one version in each: those with fewer pools first, then those through GRAIN. Between the ends are native tokens and
/// those of `via`.
fn candidates(
    pools: &[PoolView],
    from: Address,
    to: Address,
    via: &BTreeSet<Address>,
) -> Vec<Vec<Hop>> {
    let is_allowed = |token: &TokenView| {
        let token = convert::address(token.address);
        [from, to].contains(&token) || via.contains(&token) || is_safe_between(&token)
    };
    let allowed = |pool: &&PoolView| is_allowed(&pool.token0) && is_allowed(&pool.token1);
    let mut found = Vec::new();
    for version in ["v2", "v3"] {
        let of_version = pools.iter().filter(allowed).filter(|pool| pool.version() == version);
        let of_version: Vec<_> = of_version.collect();
        extend(&of_version, to, &mut vec![from], &mut Vec::new(), &mut found);
    }
    let strange = |hops: &[Hop]| {
        let between = hops.iter().skip(1).map(|hop| convert::address(hop.token_in.address));
        between.filter(|token| ![GRAIN, WRAPPED_GRAIN].contains(token)).count()
    };
    found.sort_by_key(|hops| (hops.len(), strange(hops)));
    found.truncate(ROUTES_MAX);
    found
}

fn extend(
    pools: &[&PoolView],
    to: Address,
    tokens: &mut Vec<Address>,
    hops: &mut Vec<Hop>,
    found: &mut Vec<Vec<Hop>>,
) {
    let Some(at) = tokens.last().copied() else { return };
    if at == to {
        found.push(hops.clone());
        return;
    }
    if hops.len() == HOPS_MAX {
        return;
    }
    for pool in pools {
        let (token0, token1) = (&pool.token0, &pool.token1);
        let at = convert::account(at);
        let (token_in, token_out) = if token0.address == at {
            (token0, token1)
        } else if token1.address == at {
            (token1, token0)
        } else {
            continue;
        };
        let next = convert::address(token_out.address);
        // The last pool must lead to the end.
        let is_lost = hops.len().saturating_add(1) == HOPS_MAX && next != to;
        if is_lost || tokens.contains(&next) {
            continue;
        }
        let (token_in, token_out) = (token_in.clone(), token_out.clone());
        hops.push(Hop { pool: (*pool).clone(), token_in, token_out });
        tokens.push(next);
        extend(pools, to, tokens, hops, found);
        tokens.pop();
        hops.pop();
    }
}

/// Whether a price is where a swap without a limit ends.
fn is_last_price(price: &U160) -> bool {
    *price <= SQRT_PRICE_MIN.saturating_add(U160::ONE)
        || *price >= SQRT_PRICE_MAX.saturating_sub(U160::ONE)
}

/// What a route takes and pays; `None` when it can't trade the amount.
async fn quote<A: Ask>(
    ledger: &A,
    route: &RouteView,
    exact: Exact,
) -> Result<Option<(U256, U256)>, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let (router, quoter, path) = (UNISWAP_V2_ROUTER, UNISWAP_V3_QUOTER, route.path(exact));
    let tokens = route.tokens();
    let amounts = match (route.is_ranged(), exact) {
        (false, Exact::Input(amount)) => {
            let call = UniswapV2Router02::getAmountsOutCall { amountIn: amount, path: tokens };
            let asked = batch.add(router, &call);
            let amounts = batch.ask(ledger).await?.take::<_, A::Error>(&asked).ok();
            amounts.and_then(|amounts| Some((amount, amounts.last().copied()?)))
        }
        (false, Exact::Output(amount)) => {
            let call = UniswapV2Router02::getAmountsInCall { amountOut: amount, path: tokens };
            let asked = batch.add(router, &call);
            let amounts = batch.ask(ledger).await?.take::<_, A::Error>(&asked).ok();
            amounts.and_then(|amounts| Some((amounts.first().copied()?, amount)))
        }
        (true, Exact::Input(amount)) => {
            let call = QuoterV2::quoteExactInputCall { path, amountIn: amount };
            let asked = batch.add(quoter, &call);
            let said = batch.ask(ledger).await?.take::<_, A::Error>(&asked).ok();
            // A pool that runs out of liquidity stops at the last price and takes a part of the input: that is another trade.
            let said = said.filter(|said| !said.sqrtPriceX96AfterList.iter().any(is_last_price));
            said.map(|said| (amount, said.amountOut))
        }
        (true, Exact::Output(amount)) => {
            let call = QuoterV2::quoteExactOutputCall { path, amountOut: amount };
            let asked = batch.add(quoter, &call);
            let said = batch.ask(ledger).await?.take::<_, A::Error>(&asked).ok();
            said.map(|said| (said.amountIn, amount))
        }
    };
    Ok(amounts.filter(|(_, amount_out)| !amount_out.is_zero()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u8) -> TokenView {
        let address = match number {
            0 => convert::account(GRAIN),
            number => AccountId::from_bytes([number; 20]),
        };
        let symbol = format!("T{number}");
        TokenView { address, name: String::new(), symbol, decimals: 18, is_readable: true }
    }

    fn pool_of(a: u8, b: u8, fee: Option<u32>) -> PoolView {
        let mut tokens = [token(a), token(b)];
        tokens.sort_by_key(|token| token.address);
        let [token0, token1] = tokens;
        let kind = match fee {
            None => PoolKind::Pair { supply: U256::ONE },
            Some(fee) => {
                PoolKind::Ranged { fee, spacing: 60, sqrt_price: U160::ONE, tick: 0, liquidity: 1 }
            }
        };
        let address = [[a; 10], [b; 10]].concat();
        let address: [u8; 20] = address.try_into().unwrap();
        PoolView {
            address: AccountId::from_bytes(address),
            token0,
            token1,
            amounts: [Some(U256::ONE); 2],
            price: super::super::PriceRatio::of_amounts(U256::ONE, U256::ONE),
            kind,
        }
    }

    /// The paths when all tokens are allowed between the ends.
    fn paths(pools: &[PoolView], from: u8, to: u8) -> Vec<String> {
        let all: Vec<_> = (0..=255).collect();
        paths_via(pools, from, to, &all)
    }

    fn paths_via(pools: &[PoolView], from: u8, to: u8, via: &[u8]) -> Vec<String> {
        let at = |number| convert::address(token(number).address);
        let written = |hops: Vec<Hop>| {
            let version = hops[0].pool.version();
            let steps = hops.iter().map(|hop| hop.token_out.symbol.clone());
            format!("{version} {}", steps.collect::<Vec<_>>().join(" "))
        };
        let via = via.iter().copied().map(at).collect();
        candidates(pools, at(from), at(to), &via).into_iter().map(written).collect()
    }

    #[test]
    fn short_routes_and_those_through_the_coin_come_first() {
        let v2 = |a, b| pool_of(a, b, None);
        let v3 = |a, b| pool_of(a, b, Some(3_000));
        let pools = [v2(1, 3), v2(3, 2), v2(1, 0), v2(0, 2), v2(1, 2), v2(3, 0), v3(1, 2)];
        let expected = ["v2 T2", "v3 T2", "v2 T0 T2", "v2 T3 T2", "v2 T3 T0 T2", "v2 T0 T3 T2"];
        let mut found = paths(&pools, 1, 2);
        found[4..].sort();
        let mut expected = expected.map(str::to_owned);
        expected[4..].sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_route_mixes_no_versions_and_has_three_pools_at_most() {
        let mixed = [pool_of(1, 2, None), pool_of(2, 3, Some(500))];
        assert_eq!(paths(&mixed, 1, 3), [""; 0]);
        let chain = [1, 2, 3, 4].map(|from| pool_of(from, from + 1, None));
        assert_eq!(paths(&chain, 1, 4), ["v2 T2 T3 T4"]);
        assert_eq!(paths(&chain, 1, 5), [""; 0]);
    }

    #[test]
    fn deployed_tokens_are_between_only_when_they_are_named() {
        // 0 is GRAIN; the others are deployed.
        let pools = [(1, 0), (0, 2), (1, 3), (3, 2), (3, 0)].map(|(a, b)| pool_of(a, b, None));
        assert_eq!(paths_via(&pools, 1, 2, &[]), ["v2 T0 T2"]);
        let mut found = paths_via(&pools, 1, 2, &[3]);
        found.sort();
        assert_eq!(found, ["v2 T0 T2", "v2 T0 T3 T2", "v2 T3 T0 T2", "v2 T3 T2"]);
        // It may well be an end.
        assert_eq!(paths_via(&pools, 1, 3, &[]), ["v2 T3", "v2 T0 T3"]);
    }

    #[test]
    fn the_number_of_routes_is_bounded() {
        let through = 10..200_u8;
        let pools: Vec<_> = through
            .flat_map(|number| [pool_of(1, number, None), pool_of(number, 2, None)])
            .chain([pool_of(1, 2, None)])
            .collect();
        let found = paths(&pools, 1, 2);
        assert_eq!((found.len(), found[0].as_str()), (ROUTES_MAX, "v2 T2"));
    }

    #[test]
    fn a_path_has_the_fees_between_the_tokens() {
        let hop = |pool: PoolView, from: u8, to: u8| Hop {
            pool,
            token_in: token(from),
            token_out: token(to),
        };
        let hops =
            vec![hop(pool_of(1, 2, Some(500)), 1, 2), hop(pool_of(2, 3, Some(10_000)), 2, 3)];
        let zero = U256::ZERO;
        let route = RouteView { hops, amount_in: zero, amount_out: zero };
        let bytes = |tokens: [u8; 3], fees: [[u8; 3]; 2]| {
            let [a, b, c] = tokens.map(|number| [number; 20]);
            [&a[..], &fees[0], &b, &fees[1], &c].concat()
        };
        let (low, high) = ([0, 1, 0xf4], [0, 0x27, 0x10]);
        assert_eq!(route.path(Exact::Input(zero)), bytes([1, 2, 3], [low, high]));
        assert_eq!(route.path(Exact::Output(zero)), bytes([3, 2, 1], [high, low]));
        assert!(route.is_ranged());
    }
}
