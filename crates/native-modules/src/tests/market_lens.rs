//! The lens beside the modules that it looks at: what it says, they do.

use std::{cell::RefCell, collections::BTreeMap};

use abi::{
    Erc20, GRAIN, MARKET_LENS, MASTER_CHEF_FACTORY, MarketLens as Lens, MasterChef,
    MasterChefFactory, NonfungiblePositionManager as Manager, RewardReserve,
    STAKING_REWARDS_FACTORY, StakingRewards, StakingRewardsFactory, SwapRouter, UNISWAP_V2_FACTORY,
    UNISWAP_V2_ROUTER, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_ROUTER,
    UniswapV2Factory, UniswapV2Pair, UniswapV2Router02 as Router, UniswapV3Factory, VAULT_FACTORY,
    Vault, VaultFactory, uniswap_v2_pair,
};
use alloy_primitives::{
    Address, U160, U256,
    aliases::{I24, U24},
    uint,
};
use alloy_sol_types::{SolCall, SolInterface as _};
use native_kit::{Call, Failure, Outcome, test_host::TestHost};
use proptest::{collection::vec, prelude::*};

use crate::TABLE;

const TRADER: Address = Address::repeat_byte(0x0a);
/// Above the address of GRAIN, and below the other's.
const TOKEN: Address = Address::repeat_byte(0x71);
const OTHER: Address = Address::repeat_byte(0x99);
/// 2^96: the square root of a price of 1.
const ONE: U160 = uint!(0x1_0000_0000_0000_0000_0000_0000_U160);
const WHOLE: U256 = amm::risk::WHOLE;
const END: U256 = U256::MAX;

fn number(value: u64) -> U256 {
    U256::from(value)
}

fn word(value: U256) -> Outcome {
    Outcome::Returned(value.to_be_bytes_vec().into())
}

/// Deploys a token of which the trader has 10^18; allowances are not checked.
fn deploy(host: &mut TestHost, token: Address) {
    let balances = RefCell::new(BTreeMap::<Address, U256>::new());
    balances.borrow_mut().insert(TRADER, number(1_000_000_000_000_000_000));
    host.deploy(token, move |_, caller, call| {
        if let Ok(asked) = Erc20::balanceOfCall::abi_decode(&call.input) {
            return word(balances.borrow().get(&asked.account).copied().unwrap_or_default());
        }
        let (from, to, value) = match Erc20::transferFromCall::abi_decode(&call.input) {
            Ok(asked) => (asked.from, asked.to, asked.value),
            Err(_) => match Erc20::transferCall::abi_decode(&call.input) {
                Ok(asked) => (caller, asked.to, asked.value),
                Err(_) => return word(number(1)),
            },
        };
        *balances.borrow_mut().entry(from).or_default() -= value;
        *balances.borrow_mut().entry(to).or_default() += value;
        word(number(1))
    });
}

struct Market {
    host: TestHost,
    /// GRAIN and the token.
    pair: Address,
    /// The token and the other.
    pool: Address,
}

impl Market {
    /// Returns a ledger with a pair at a price of 4 tokens for a GRAIN, and a pool at a price of 1 with a position around it.
    fn new() -> Self {
        let mut host = TestHost::new(TABLE);
        host.give(TRADER, 1_000_000_000_000_000_000);
        deploy(&mut host, TOKEN);
        deploy(&mut host, OTHER);
        let mut market = Self { host, pair: uniswap_v2_pair(GRAIN, TOKEN), pool: Address::ZERO };
        for spender in [UNISWAP_V2_ROUTER, UNISWAP_V3_ROUTER, UNISWAP_V3_POSITIONS] {
            market.send(GRAIN, &Erc20::approveCall { spender, value: U256::MAX });
        }
        market.send(
            UNISWAP_V2_ROUTER,
            &Router::addLiquidityCall {
                tokenA: GRAIN,
                tokenB: TOKEN,
                amountADesired: number(1_000_000_000),
                amountBDesired: number(4_000_000_000),
                amountAMin: U256::ZERO,
                amountBMin: U256::ZERO,
                to: TRADER,
                deadline: END,
            },
        );
        market.pool = market.create_pool((TOKEN, OTHER), 3_000);
        assert_eq!(market.provide((TOKEN, OTHER), (-600, 600), 1_000_000_000), number(1));
        market
    }

    fn try_send<C: SolCall>(&mut self, to: Address, call: &C) -> Result<C::Return, Failure> {
        let output = self.host.transact(to, TRADER, 0, &call.abi_encode())?;
        Ok(C::abi_decode_returns(&output).expect("the function's return type"))
    }

    fn send<C: SolCall>(&mut self, to: Address, call: &C) -> C::Return {
        self.try_send(to, call).expect("it is allowed")
    }

    /// Transfers tokens.
    fn pay(&mut self, to: Address, amount: u64) {
        let transfer = Erc20::transferCall { to, value: number(amount) };
        let outcome = self.host.call_from(TRADER, &Call::new(TOKEN, transfer.abi_encode()));
        assert_eq!(outcome, Ok(word(number(1))));
    }

    fn ask<C: SolCall>(&mut self, call: &C) -> Result<C::Return, Failure> {
        let before = self.host.state();
        let output = self.host.read(MARKET_LENS, &call.abi_encode())?;
        assert_eq!(self.host.state(), before, "a view changes nothing");
        Ok(C::abi_decode_returns(&output).expect("the function's return type"))
    }

    fn create_pool(&mut self, (token0, token1): (Address, Address), fee: u32) -> Address {
        self.send(
            UNISWAP_V3_POSITIONS,
            &Manager::createAndInitializePoolIfNecessaryCall {
                token0,
                token1,
                fee: U24::from(fee),
                sqrtPriceX96: ONE,
            },
        )
    }

    /// Provides liquidity in a pool with a fee of 0.3 %, and returns the position's token.
    fn provide(
        &mut self,
        (token0, token1): (Address, Address),
        (lower, upper): (i32, i32),
        amount: u64,
    ) -> U256 {
        let params = Manager::MintParams {
            token0,
            token1,
            fee: U24::from(3_000),
            tickLower: tick(lower),
            tickUpper: tick(upper),
            amount0Desired: number(amount),
            amount1Desired: number(amount),
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            recipient: TRADER,
            deadline: END,
        };
        self.send(UNISWAP_V3_POSITIONS, &Manager::mintCall { params }).tokenId
    }

    fn swap_pair(&mut self, path: [Address; 2], amount: u64) -> U256 {
        let call = Router::swapExactTokensForTokensCall {
            amountIn: number(amount),
            amountOutMin: U256::ZERO,
            path: path.to_vec(),
            to: TRADER,
            deadline: END,
        };
        self.send(UNISWAP_V2_ROUTER, &call)[1]
    }

    fn swap_pool(&mut self, (token_in, token_out): (Address, Address), amount: U256) -> U256 {
        let params = SwapRouter::ExactInputSingleParams {
            tokenIn: token_in,
            tokenOut: token_out,
            fee: U24::from(3_000),
            recipient: TRADER,
            deadline: END,
            amountIn: amount,
            amountOutMinimum: U256::ZERO,
            sqrtPriceLimitX96: U160::ZERO,
        };
        self.send(UNISWAP_V3_ROUTER, &SwapRouter::exactInputSingleCall { params })
    }

    fn quote(&mut self, amount: U256) -> Lens::quoteExactInputCall {
        let pools = vec![self.pair, self.pool];
        Lens::quoteExactInputCall { tokenIn: GRAIN, pools, amountIn: amount, slippageBps: 50 }
    }

    fn pair_position(&mut self, entry: U160, earlier: U256) -> Result<Lens::V2Position, Failure> {
        let call = Lens::v2PositionCall {
            pair: self.pair,
            account: TRADER,
            entrySqrtPriceX96: entry,
            earlierLiquidityPerShare: earlier,
        };
        self.ask(&call)
    }

    fn position(&mut self, token: u64) -> Result<Lens::V3Position, Failure> {
        let call = Lens::v3PositionCall { tokenId: number(token), entrySqrtPriceX96: U160::ZERO };
        self.ask(&call)
    }
}

fn tick(tick: i32) -> I24 {
    I24::try_from(tick).unwrap()
}

fn refused<T>(error: &impl alloy_sol_types::SolError) -> Result<T, Failure> {
    Err(Failure::revert(error))
}

#[test]
fn a_quote_is_what_the_routers_then_pay() {
    let mut market = Market::new();
    let call = market.quote(number(20_000_000));
    let route = market.ask(&call).unwrap();
    let [first, second] = &route.hops[..] else { panic!("two hops: {route:?}") };
    assert_eq!((first.kind, second.kind), (Lens::Kind::V2Pair, Lens::Kind::V3Pool));
    assert_eq!((first.tokenIn, first.tokenOut, second.tokenOut), (GRAIN, TOKEN, OTHER));
    assert_eq!(first.amountOut, second.amountIn);
    assert_eq!(first.fee, number(60_000));
    // 4 tokens for one GRAIN, and 1 for 1.
    let price = amm::risk::PRICE_SCALE;
    assert_eq!((first.priceBefore, second.priceBefore), (price * number(4), price));
    assert!(first.priceAfter < first.priceBefore && second.priceAfter < second.priceBefore);
    // 19.94 of 1000: 19.94 / 1019.94 is 1.955 %.
    let percent = WHOLE / number(100_000);
    assert!(
        percent * number(1_955) <= first.priceImpact && first.priceImpact < percent * number(1_956)
    );
    assert!(route.priceImpact > first.priceImpact.max(second.priceImpact));
    assert!(route.priceImpact < first.priceImpact + second.priceImpact);
    assert!(percent * number(599) <= route.feeRatio && route.feeRatio < percent * number(600));
    assert_eq!(route.limit, route.amountOut * number(9_950) / number(10_000));
    // Now really.
    assert_eq!(market.swap_pair([GRAIN, TOKEN], 20_000_000), first.amountOut);
    assert_eq!(market.swap_pool((TOKEN, OTHER), first.amountOut), route.amountOut);
    let after = market.ask(&call).unwrap();
    assert_eq!(after.hops[0].priceBefore, first.priceAfter);
    assert_eq!(after.hops[1].priceBefore, second.priceAfter);
}

#[test]
fn a_quote_of_an_exact_output_is_what_the_routers_then_take() {
    let mut market = Market::new();
    let pools = vec![market.pool, market.pair];
    let amount = number(3_000_000);
    let call =
        Lens::quoteExactOutputCall { tokenIn: OTHER, pools, amountOut: amount, slippageBps: 100 };
    let route = market.ask(&call).unwrap();
    assert_eq!(route.amountOut, amount);
    assert_eq!(route.hops[0].amountOut, route.hops[1].amountIn);
    assert_eq!(route.limit, (route.amountIn * number(10_100)).div_ceil(number(10_000)));
    let params = SwapRouter::ExactOutputSingleParams {
        tokenIn: OTHER,
        tokenOut: TOKEN,
        fee: U24::from(3_000),
        recipient: TRADER,
        deadline: END,
        amountOut: route.hops[0].amountOut,
        amountInMaximum: U256::MAX,
        sqrtPriceLimitX96: U160::ZERO,
    };
    let paid = market.send(UNISWAP_V3_ROUTER, &SwapRouter::exactOutputSingleCall { params });
    assert_eq!(paid, route.amountIn);
    let call = Router::swapTokensForExactTokensCall {
        amountOut: amount,
        amountInMax: U256::MAX,
        path: vec![TOKEN, GRAIN],
        to: TRADER,
        deadline: END,
    };
    assert_eq!(market.send(UNISWAP_V2_ROUTER, &call)[0], route.hops[1].amountIn);
}

#[test]
fn a_quote_is_refused_with_the_reason() {
    let mut market = Market::new();
    let (pair, pool) = (market.pair, market.pool);
    let whole = market.quote(number(1_000));
    let with =
        |pools: &[Address]| Lens::quoteExactInputCall { pools: pools.to_vec(), ..whole.clone() };
    let none: Result<Lens::Route, Failure> =
        refused(&Lens::RouteLength { count: U256::ZERO, max: number(8) });
    assert_eq!(market.ask(&with(&[])), none);
    let long = refused(&Lens::RouteLength { count: number(9), max: number(8) });
    assert_eq!(market.ask(&with(&[pair; 9])), long);
    assert_eq!(market.ask(&with(&[pair, pair])), refused(&Lens::PoolTwice { pool: pair }));
    let apart = refused(&Lens::NotInPool { pool, token: GRAIN });
    assert_eq!(market.ask(&with(&[pool])), apart);
    for account in [TOKEN, GRAIN, UNISWAP_V2_FACTORY, UNISWAP_V3_POSITIONS, Address::ZERO] {
        assert_eq!(market.ask(&with(&[account])), refused(&Lens::NotAPool { account }));
    }
    let slippage = refused(&Lens::SlippageOutOfRange { given: 10_001, max: 10_000 });
    assert_eq!(
        market.ask(&Lens::quoteExactInputCall { slippageBps: 10_001, ..whole.clone() }),
        slippage
    );
    let amount = |amount| Lens::quoteExactInputCall { amountIn: amount, ..whole.clone() };
    let nothing = refused(&Lens::NoTradeAmount { pool: pair });
    assert_eq!(market.ask(&amount(U256::ZERO)), nothing);
    // One GRAIN gives 3 tokens, and of those the fee leaves less than one of the others' units.
    assert!(market.ask(&amount(U256::ONE)).is_ok_and(|route| route.amountOut == number(1)));
    let much = refused(&Lens::NumberTooLarge {});
    assert_eq!(market.ask(&amount(U256::MAX)), much);
    let exact = Lens::quoteExactOutputCall {
        tokenIn: GRAIN,
        pools: vec![pair],
        amountOut: number(4_000_000_000),
        slippageBps: 0,
    };
    let dry = |pool, amount| refused(&Lens::NotEnoughLiquidity { pool, amount });
    assert_eq!(market.ask(&exact), dry(pair, number(4_000_000_000)));
    let exact = Lens::quoteExactOutputCall { tokenIn: TOKEN, pools: vec![pool], ..exact };
    assert_eq!(market.ask(&exact), dry(pool, number(4_000_000_000)));
    let empty = market.create_pool((GRAIN, TOKEN), 10_000);
    assert_eq!(market.ask(&with(&[empty])), dry(empty, number(1_000)));
    let create =
        UniswapV3Factory::createPoolCall { tokenA: GRAIN, tokenB: TOKEN, fee: U24::from(500) };
    let unpriced = market.send(UNISWAP_V3_FACTORY, &create);
    assert_eq!(market.ask(&with(&[unpriced])), refused(&Lens::NoPoolLiquidity { pool: unpriced }));
    let create = UniswapV2Factory::createPairCall { tokenA: GRAIN, tokenB: OTHER };
    let unfilled = market.send(UNISWAP_V2_FACTORY, &create);
    assert_eq!(market.ask(&with(&[unfilled])), refused(&Lens::NoPoolLiquidity { pool: unfilled }));
}

/// A contract can write what it likes into its own storage, and a pair's slots look like that.
#[test]
fn only_what_a_factory_has_created_is_a_pool() {
    let mut market = Market::new();
    let pair = market.pair;
    let forged = Address::repeat_byte(0x66);
    for slot in 0..14 {
        let value = market.host.slot(pair, number(slot));
        if !value.is_zero() {
            native_kit::Host::store_of(&mut market.host, forged, number(slot), value).unwrap();
        }
    }
    let found = market.ask(&Lens::poolCall { account: forged });
    assert_eq!(found, refused(&Lens::NotAPool { account: forged }));
    let pool = market.pool;
    let forged = Address::repeat_byte(0x67);
    let taken: Vec<_> = market.host.state().slots.into_iter().collect();
    for ((account, slot), value) in taken {
        if account == pool {
            native_kit::Host::store_of(&mut market.host, forged, slot, value).unwrap();
        }
    }
    let found = market.ask(&Lens::poolCall { account: forged });
    assert_eq!(found, refused(&Lens::NotAPool { account: forged }));
}

#[test]
fn pools_between_two_assets_are_found_and_compared() {
    let mut market = Market::new();
    let deep = market.create_pool((GRAIN, TOKEN), 3_000);
    market.provide((GRAIN, TOKEN), (-60, 60), 500_000_000);
    market.create_pool((GRAIN, TOKEN), 10_000);
    let call = Lens::poolsOfCall { tokenA: TOKEN, tokenB: GRAIN };
    let found = market.ask(&call).unwrap();
    let fees: Vec<u32> = found.iter().map(|pool| pool.fee.to()).collect();
    assert_eq!(fees, [3_000, 3_000, 10_000]);
    let (pair, pool) = (&found[0], &found[1]);
    assert_eq!((pair.pool, pair.kind, pool.pool), (market.pair, Lens::Kind::V2Pair, deep));
    assert_eq!((pair.token0, pair.token1), (GRAIN, TOKEN));
    assert_eq!((pair.amount0, pair.amount1), (number(1_000_000_000), number(4_000_000_000)));
    assert_eq!((pair.liquidity, pair.sqrtPriceX96), (number(2_000_000_000), ONE << 1));
    assert_eq!(pair.price, amm::risk::PRICE_SCALE * number(4));
    assert_eq!((pool.price, pool.tick), (amm::risk::PRICE_SCALE, tick(0)));
    assert!(!pool.liquidity.is_zero() && pool.amount0 == number(500_000_000));
    let pair = market.pair;
    assert_eq!(market.ask(&Lens::poolCall { account: pair }).unwrap(), found[0]);
    // The pair pays 4 for 1 until its price has fallen; the deep pool pays 1.
    let call = Lens::directQuotesCall {
        tokenIn: GRAIN,
        tokenOut: TOKEN,
        amountIn: number(1_000_000),
        slippageBps: 0,
    };
    let routes = market.ask(&call).unwrap();
    let pools: Vec<Address> = routes.iter().map(|route| route.hops[0].pool).collect();
    assert_eq!(pools, [market.pair, deep], "the empty pool trades nothing");
    assert!(routes[0].amountOut > routes[1].amountOut);
    assert_eq!(routes[0].limit, routes[0].amountOut);
    let nothing = Lens::directQuotesCall { tokenOut: OTHER, ..call };
    assert_eq!(market.ask(&nothing).unwrap(), []);
}

#[test]
fn a_position_in_a_pair_is_worth_what_a_burn_pays() {
    let mut market = Market::new();
    let first = market.pair_position(U160::ZERO, U256::ZERO).unwrap();
    // The pair keeps 1,000 shares.
    assert_eq!((first.shares, first.supply), (number(1_999_999_000), number(2_000_000_000)));
    assert_eq!(first.share, WHOLE / number(2_000_000) * number(1_999_999));
    assert_eq!(first.liquidityPerShare, WHOLE);
    assert_eq!((first.feeGrowth, first.fees0), (U256::ZERO, U256::ZERO));
    let losses: Vec<U256> = first.scenarios.iter().map(|at| at.loss).collect();
    assert!(losses[3] < number(1_000_000_000), "nothing is lost now but a rounded unit");
    let fifth = WHOLE / number(5);
    assert!(losses[0] >= fifth && losses[0] < fifth + number(10_000_000_000), "{losses:?}");
    assert!(losses[8] >= fifth && losses[8] < fifth + number(10_000_000_000), "{losses:?}");
    for _ in 0..10 {
        market.swap_pair([GRAIN, TOKEN], 50_000_000);
        market.swap_pair([TOKEN, GRAIN], 200_000_000);
    }
    let entry = first.pool.sqrtPriceX96;
    let later = market.pair_position(entry, first.liquidityPerShare).unwrap();
    assert_eq!(later.feeGrowth, later.liquidityPerShare - WHOLE);
    assert!(later.feeGrowth > WHOLE / number(1_000), "20 trades of a twentieth at 0.3 %");
    assert!(later.fees0 > U256::ZERO && later.fees1 > U256::ZERO);
    // What is not fees is what there was, at the price that there is now.
    let left = (later.amount0 - later.fees0) * (later.amount1 - later.fees1);
    let before = first.amount0 * first.amount1;
    assert!(left.abs_diff(before) < before / number(10_000_000), "{left} {before}");
    let pair = market.pair;
    market.send(pair, &UniswapV2Pair::transferCall { to: pair, value: later.shares });
    let burned = market.send(pair, &UniswapV2Pair::burnCall { to: TRADER });
    assert_eq!((burned.amount0, burned.amount1), (later.amount0, later.amount1));
    let gone = market.pair_position(U160::ZERO, U256::ZERO).unwrap();
    assert_eq!((gone.shares, gone.share, gone.amount0), (U256::ZERO, U256::ZERO, U256::ZERO));
    assert!(gone.scenarios.iter().all(|at| at.loss.is_zero()));
    let low = refused(&Lens::EntryPriceOutOfRange {
        given: U160::ONE,
        min: U160::ONE << 40,
        max: (U160::ONE << 152) - U160::ONE,
    });
    assert_eq!(market.pair_position(U160::ONE, U256::ZERO), low);
    let pool = market.pool;
    let call = Lens::v2PositionCall {
        pair: pool,
        account: TRADER,
        entrySqrtPriceX96: U160::ZERO,
        earlierLiquidityPerShare: U256::ZERO,
    };
    assert_eq!(market.ask(&call), refused(&Lens::NotAPool { account: pool }));
}

#[test]
fn a_position_in_a_pool_is_worth_what_the_manager_pays() {
    let mut market = Market::new();
    // Another one in the same range shares the pool's record of the manager.
    assert_eq!(market.provide((TOKEN, OTHER), (-600, 600), 123_456_789), number(2));
    assert_eq!(market.provide((TOKEN, OTHER), (1_200, 2_400), 55_555), number(3));
    for round in 1_u64..6 {
        market.swap_pool((TOKEN, OTHER), number(10_000_001 * round));
        market.swap_pool((OTHER, TOKEN), number(10_000_019 * round));
    }
    let found = market.position(1).unwrap();
    assert!(found.inRange && found.owner == TRADER);
    assert_eq!((found.tickLower, found.tickUpper), (tick(-600), tick(600)));
    assert!(found.priceLower < found.pool.price && found.pool.price < found.priceUpper);
    let other = market.position(2).unwrap();
    assert!(found.share + other.share <= WHOLE && found.share + other.share + number(2) >= WHOLE);
    assert!(!found.fees0.is_zero() && !found.fees1.is_zero());
    assert!(found.scenarios[0].loss > WHOLE / number(5), "more than a pair's");
    let away = market.position(3).unwrap();
    assert!(!away.inRange && away.share.is_zero());
    assert!(away.amount1.is_zero() && away.fees0.is_zero());
    for (token, found) in [(2, other), (1, found)] {
        // Fees as `collect` pays them, then all liquidity.
        let collect = |market: &mut Market| {
            let params = Manager::CollectParams {
                tokenId: number(token),
                recipient: TRADER,
                amount0Max: u128::MAX,
                amount1Max: u128::MAX,
            };
            market.send(UNISWAP_V3_POSITIONS, &Manager::collectCall { params })
        };
        let now = market.position(token).unwrap();
        assert_eq!((now.fees0, now.fees1), (found.fees0, found.fees1), "nobody has traded");
        let fees = collect(&mut market);
        assert_eq!((fees.amount0, fees.amount1), (now.fees0, now.fees1));
        let params = Manager::DecreaseLiquidityParams {
            tokenId: number(token),
            liquidity: found.liquidity,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            deadline: END,
        };
        let paid = market.send(UNISWAP_V3_POSITIONS, &Manager::decreaseLiquidityCall { params });
        assert_eq!((paid.amount0, paid.amount1), (found.amount0, found.amount1));
        let taken = market.position(token).unwrap();
        assert_eq!((taken.liquidity, taken.amount0), (0, U256::ZERO));
        assert_eq!((taken.fees0, taken.fees1), (paid.amount0, paid.amount1));
        let rest = collect(&mut market);
        assert_eq!((rest.amount0, rest.amount1), (paid.amount0, paid.amount1));
    }
    assert_eq!(market.position(9), Err(Failure::message("Invalid token ID")));
}

#[test]
fn liquidity_is_found_around_the_price() {
    let mut market = Market::new();
    market.provide((TOKEN, OTHER), (-6_000, 6_000), 1_000_000_000);
    let (pair, pool) = (market.pair, market.pool);
    let ask = |market: &mut Market, account, words| {
        market.ask(&Lens::concentrationCall { account, words })
    };
    let found = ask(&mut market, pool, 512).unwrap();
    assert!(found.isWhole);
    let ticks: Vec<i32> = found.ticks.iter().map(|at| at.tick.as_i32()).collect();
    assert_eq!(ticks, [-6_000, -600, 600, 6_000]);
    let active: Vec<u128> = found.ticks.iter().map(|at| at.liquidity).collect();
    assert_eq!((active[0], active[3]), (active[2], 0));
    assert_eq!(U256::from(active[1]), found.pool.liquidity);
    let [near, middle, far] = &found.bands[..] else { panic!("three bands: {found:?}") };
    assert_eq!((near.widthBps, middle.widthBps, far.widthBps), (100, 500, 2_000));
    // Half of the value is within 6.2 % of the price.
    assert!(near.share < middle.share && middle.share < WHOLE / number(2));
    assert!(far.share > WHOLE / number(2) && far.share < WHOLE);
    // A word of each side ends before 256 ticks of 60.
    let part = ask(&mut market, pool, 1).unwrap();
    assert!(!part.isWhole && part.ticks.len() < 5);
    let flat = ask(&mut market, pair, 1).unwrap();
    assert!(flat.isWhole && flat.ticks.is_empty());
    assert_eq!(flat.value, number(8_000_000_000));
    let bounds = |given| refused(&Lens::WordsOutOfRange { given, max: 512 });
    assert_eq!(ask(&mut market, pool, 0), bounds(0));
    assert_eq!(ask(&mut market, pool, 513), bounds(513));
}

#[test]
fn stakes_yield_what_the_period_pays() {
    let mut market = Market::new();
    let create = StakingRewardsFactory::createCall {
        owner: TRADER,
        rewardsDistribution: TRADER,
        rewardsToken: TOKEN,
        stakingToken: OTHER,
    };
    let staking = market.send(STAKING_REWARDS_FACTORY, &create);
    let price = amm::risk::PRICE_SCALE / number(2);
    let call =
        Lens::stakingYieldCall { stakingRewards: staking, rewardPrice: price, compoundings: 1 };
    let nothing = refused(&Lens::NothingStaked { account: staking });
    assert_eq!(market.ask(&call), nothing);
    market.send(staking, &StakingRewards::stakeCall { amount: number(1_000_000_000) });
    let idle = market.ask(&call).unwrap();
    assert_eq!((idle.apr, idle.windowSeconds), (U256::ZERO, U256::ZERO));
    market.pay(staking, 6_048_000);
    market.send(staking, &StakingRewards::notifyRewardAmountCall { reward: number(6_048_000) });
    market.host.time += 604_700;
    let found = market.ask(&call).unwrap();
    // 10 a second, of half the value, for a stake of 10^9: 15.768 % a year.
    assert_eq!(found.rewardPerYear, number(315_360_000));
    assert_eq!(found.apr, WHOLE / number(100_000) * number(15_768));
    assert_eq!((found.apy, found.windowSeconds), (found.apr, number(100)));
    assert_eq!((found.stakedToken, found.rewardToken), (OTHER, TOKEN));
    let often = market.ask(&Lens::stakingYieldCall { compoundings: 365, ..call.clone() }).unwrap();
    assert!(often.apr == found.apr && often.apy > found.apr);
    market.host.time += 100;
    let over = market.ask(&call).unwrap();
    assert_eq!((over.apr, over.windowSeconds), (U256::ZERO, U256::ZERO));
    for given in [0, 8_761] {
        let bounds = refused(&Lens::CompoundingsOutOfRange { given, max: 8_760 });
        assert_eq!(
            market.ask(&Lens::stakingYieldCall { compoundings: given, ..call.clone() }),
            bounds
        );
    }
    let foreign = Lens::stakingYieldCall { stakingRewards: TOKEN, ..call };
    assert_eq!(market.ask(&foreign), refused(&Lens::NotCreatedByFactory { account: TOKEN }));
}

#[test]
fn a_farm_yields_what_its_reserve_can_pay() {
    let mut market = Market::new();
    let terms = MasterChefFactory::Terms {
        owner: TRADER,
        developer: TRADER,
        underlying: TOKEN,
        rewardPerBlock: number(100),
        startBlock: number(110),
        bonusEndBlock: U256::ZERO,
        name: "Claims".into(),
        symbol: "C".into(),
    };
    let created = market.send(MASTER_CHEF_FACTORY, &MasterChefFactory::createCall { terms });
    let (chef, reserve) = (created.masterChef, created.reserve);
    let call = Lens::farmYieldCall {
        masterChef: chef,
        pid: U256::ZERO,
        rewardPrice: amm::risk::PRICE_SCALE,
        blocksPerYear: 1_000,
        compoundings: 1,
    };
    let none = refused(&Lens::NoFarmPool { pid: U256::ZERO, count: U256::ZERO });
    assert_eq!(market.ask(&call), none);
    for allocation in [3, 1] {
        let add = MasterChef::addCall {
            allocPoint: number(allocation),
            lpToken: OTHER,
            withUpdate: false,
        };
        market.send(chef, &add);
    }
    assert_eq!(market.ask(&call), refused(&Lens::NothingStaked { account: chef }));
    market.send(chef, &MasterChef::depositCall { pid: U256::ZERO, amount: number(75_000) });
    let early = market.ask(&call).unwrap();
    assert_eq!((early.apr, early.windowSeconds), (U256::ZERO, U256::ZERO), "it has not begun");
    market.host.height = 110;
    assert_eq!(market.ask(&call).unwrap().apr, U256::ZERO, "nothing is funded");
    market.send(reserve, &RewardReserve::fundCall { amount: number(1_100) });
    let found = market.ask(&call).unwrap();
    // Three quarters of 100 a block: as much a year as is staked.
    assert_eq!((found.apr, found.rewardPerYear), (WHOLE, number(75_000)));
    assert_eq!((found.stakedToken, found.rewardToken), (OTHER, TOKEN));
    // 110 a block last for ten, a hundredth of a year.
    assert_eq!(found.windowSeconds, number(315_360));
    market.host.height += 4;
    // Four times 75 and a tenth are due: seven blocks are left.
    assert_eq!(market.ask(&call).unwrap().windowSeconds, number(220_752));
    let time = Lens::farmYieldCall { blocksPerYear: 0, ..call.clone() };
    assert_eq!(market.ask(&time), refused(&Lens::NoDuration {}));
    let foreign = Lens::farmYieldCall { masterChef: reserve, ..call };
    assert_eq!(market.ask(&foreign), refused(&Lens::NotCreatedByFactory { account: reserve }));
}

#[test]
fn a_share_of_a_vault_grows() {
    let mut market = Market::new();
    let create = VaultFactory::createCall {
        asset: TOKEN,
        decimalsOffset: 0,
        name: "Vault".into(),
        symbol: "V".into(),
    };
    let vault = market.send(VAULT_FACTORY, &create);
    let call = Lens::assetsPerShareCall { vault };
    assert_eq!(market.ask(&call), Ok(amm::risk::PRICE_SCALE));
    market.send(vault, &Vault::depositCall { assets: number(999), receiver: TRADER });
    let earlier = market.ask(&call).unwrap();
    market.pay(vault, 10);
    let later = market.ask(&call).unwrap();
    assert_eq!(later, amm::risk::PRICE_SCALE / number(100) * number(101));
    let call = Lens::growthCall { earlier, later, elapsedSeconds: 604_800, compoundings: 1 };
    let found = market.ask(&call).unwrap();
    assert_eq!(found.grown, WHOLE / number(100));
    assert_eq!((found.apr, found.apy), (number(521_428_571_428_571_428), found.apr));
    let none = refused::<Lens::growthReturn>(&Lens::NoEarlierFigure {});
    let ask = market.ask(&Lens::growthCall { earlier: U256::ZERO, ..call.clone() });
    assert_eq!(ask.map(|it| it.apr), none.map(|it| it.apr));
    let none = refused::<Lens::growthReturn>(&Lens::NoDuration {});
    let ask = market.ask(&Lens::growthCall { elapsedSeconds: 0, ..call });
    assert_eq!(ask.map(|it| it.apr), none.map(|it| it.apr));
    let foreign = market.ask(&Lens::assetsPerShareCall { vault: TOKEN });
    assert_eq!(foreign, refused(&Lens::NotCreatedByFactory { account: TOKEN }));
}

fn calls(market: &Market) -> impl Strategy<Value = Vec<u8>> + use<> {
    let accounts: Vec<U256> =
        [market.pair, market.pool, GRAIN, TOKEN, OTHER, TRADER, UNISWAP_V3_POSITIONS]
            .map(|account| account.into_word().into())
            .to_vec();
    let word = prop_oneof![
        prop::sample::select(accounts),
        (0_u64..10).prop_map(U256::from),
        prop::sample::select(vec![32_u64, 64, 128, 160, 512, 1_000_000]).prop_map(U256::from),
        (0_usize..256).prop_map(|bits| U256::ONE << bits),
        Just(U256::MAX),
    ];
    let selectors: Vec<[u8; 4]> = Lens::MarketLensCalls::selectors().collect();
    (prop::sample::select(selectors), vec(word, 0..9)).prop_map(|(selector, words)| {
        let words = words.into_iter().flat_map(|word| word.to_be_bytes::<32>());
        selector.into_iter().chain(words).collect()
    })
}

#[test]
fn whatever_is_asked_is_answered_or_refused() {
    let mut market = Market::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2_000));
    let strategy = calls(&market);
    let before = market.host.state();
    let answered = RefCell::new(0);
    let tried = runner.run(&strategy, |input| {
        let mut host = market.host.clone();
        // The host fails a test whose module is broken or writes.
        match host.read(MARKET_LENS, &input) {
            Ok(_) => *answered.borrow_mut() += 1,
            Err(Failure::Revert(reason)) => prop_assert!(!reason.is_empty(), "no reason"),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
        Ok(())
    });
    tried.unwrap();
    assert!(*answered.borrow() > 20, "some calls make sense");
    assert_eq!(market.host.state(), before);
    let halted = Call::reading(MARKET_LENS, vec![1, 2, 3]);
    let outcome = market.host.call_from(TRADER, &halted).unwrap();
    assert!(matches!(outcome, Outcome::Reverted(_)));
}
