//! Feeds that are compared with a pool: what moves the pool's price refuses the feed's, and never sets it.

use std::{cell::RefCell, collections::BTreeMap};

use abi::{
    Erc20, GRAIN, NonfungiblePositionManager as Manager, PRICE_FEEDS, PriceFeed, PriceFeeds,
    SwapRouter, UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, UNISWAP_V3_POSITIONS, UNISWAP_V3_ROUTER,
    UniswapV2Factory as Factory, UniswapV2Router02 as Router, UniswapV3Pool, price_feed_address,
    uniswap_v2_pair,
};
use alloy_primitives::{
    Address, I256, U160, U256,
    aliases::{I24, U24},
};
use alloy_sol_types::{SolCall, SolError, SolEvent as _};
use fixed_point::sqrt_ratio_down;
use native_kit::{Failure, Outcome, test_host::TestHost};

use super::prices::{ask, host, report, terms};

const TRADER: Address = Address::repeat_byte(0x0a);
/// A token with 6 decimals; GRAIN has 18, and the lower address.
const TOKEN: Address = Address::repeat_byte(0x99);
/// A token that does not say its decimals.
const MUTE: Address = Address::repeat_byte(0x88);
/// 2.5 tokens for a GRAIN, with the feed's 8 decimals.
const ANSWER: i64 = 250_000_000;
const GRAINS: u64 = 1_000_000_000_000_000_000;
const TOKENS: u64 = 2_500_000;
const WINDOW: u32 = 600;

fn number(value: u64) -> U256 {
    U256::from(value)
}

fn price(value: i64) -> I256 {
    I256::unchecked_from(value)
}

fn refused<T>(error: &impl SolError) -> Result<T, Failure> {
    Err(Failure::revert(error))
}

fn deploy(host: &mut TestHost, token: Address) {
    let balances = RefCell::new(BTreeMap::<Address, U256>::new());
    balances.borrow_mut().insert(TRADER, number(u64::MAX));
    host.deploy(token, move |_, caller, call| {
        let word = |value: U256| Outcome::Returned(value.to_be_bytes_vec().into());
        if let Ok(asked) = Erc20::balanceOfCall::abi_decode(&call.input) {
            return word(balances.borrow().get(&asked.account).copied().unwrap_or_default());
        }
        if Erc20::decimalsCall::abi_decode(&call.input).is_ok() {
            return if token == MUTE { Outcome::Halted } else { word(number(6)) };
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

fn send<C: SolCall>(host: &mut TestHost, to: Address, call: &C) -> Result<C::Return, Failure> {
    let output = host.transact(to, TRADER, 0, &call.abi_encode())?;
    Ok(C::abi_decode_returns(&output).expect("the function's return type"))
}

/// Returns a host with reporters, and a trader with GRAIN and tokens.
fn market() -> TestHost {
    let (mut host, _) = host();
    host.give(TRADER, 10 * GRAINS);
    deploy(&mut host, TOKEN);
    deploy(&mut host, MUTE);
    for spender in [UNISWAP_V2_ROUTER, UNISWAP_V3_ROUTER, UNISWAP_V3_POSITIONS] {
        send(&mut host, GRAIN, &Erc20::approveCall { spender, value: U256::MAX }).unwrap();
    }
    host
}

/// Fills the pair of GRAIN and a token.
fn pair(host: &mut TestHost, token: Address) -> Address {
    let call = Router::addLiquidityCall {
        tokenA: GRAIN,
        tokenB: token,
        amountADesired: number(GRAINS),
        amountBDesired: number(TOKENS),
        amountAMin: U256::ZERO,
        amountBMin: U256::ZERO,
        to: TRADER,
        deadline: U256::MAX,
    };
    send(host, UNISWAP_V2_ROUTER, &call).unwrap();
    uniswap_v2_pair(GRAIN, token)
}

/// Fills a pool of v3 of GRAIN and the token at the same price.
fn pool(host: &mut TestHost) -> Address {
    let root = sqrt_ratio_down(number(TOKENS), number(GRAINS)).unwrap();
    let create = Manager::createAndInitializePoolIfNecessaryCall {
        token0: GRAIN,
        token1: TOKEN,
        fee: U24::from(3_000),
        sqrtPriceX96: U160::from(root),
    };
    let pool = send(host, UNISWAP_V3_POSITIONS, &create).unwrap();
    let params = Manager::MintParams {
        token0: GRAIN,
        token1: TOKEN,
        fee: U24::from(3_000),
        tickLower: I24::try_from(-887_220).unwrap(),
        tickUpper: I24::try_from(887_220).unwrap(),
        amount0Desired: number(GRAINS),
        amount1Desired: number(TOKENS),
        amount0Min: U256::ZERO,
        amount1Min: U256::ZERO,
        recipient: TRADER,
        deadline: U256::MAX,
    };
    send(host, UNISWAP_V3_POSITIONS, &Manager::mintCall { params }).unwrap();
    pool
}

fn named(pool: Address) -> PriceFeeds::PoolTerms {
    PriceFeeds::PoolTerms { pool, baseToken: GRAIN, windowSeconds: WINDOW, divergenceBps: 100 }
}

/// A feed that holds an answer for a month, so that only the pool refuses.
fn create(host: &mut TestHost, named: PriceFeeds::PoolTerms) -> Result<Address, Failure> {
    let terms = PriceFeeds::Terms { maxAge: 2_592_000, ..terms() };
    send(host, PRICE_FEEDS, &PriceFeeds::createWithPoolCall { terms, poolTerms: named })
}

fn checked(host: &mut TestHost, feed: Address) -> Result<I256, Failure> {
    ask(host, feed, &PriceFeed::latestCheckedRoundDataCall {}).map(|data| data.answer)
}

fn average(host: &mut TestHost, feed: Address) -> I256 {
    ask(host, feed, &PriceFeed::poolAverageCall {}).unwrap()
}

/// Trades with the pair, and returns what was received.
fn swap_pair(host: &mut TestHost, path: [Address; 2], amount: U256) -> U256 {
    let call = Router::swapExactTokensForTokensCall {
        amountIn: amount,
        amountOutMin: U256::ZERO,
        path: path.to_vec(),
        to: TRADER,
        deadline: U256::MAX,
    };
    send(host, UNISWAP_V2_ROUTER, &call).unwrap()[1]
}

fn swap_pool(host: &mut TestHost, [token_in, token_out]: [Address; 2], amount: U256) -> U256 {
    let params = SwapRouter::ExactInputSingleParams {
        tokenIn: token_in,
        tokenOut: token_out,
        fee: U24::from(3_000),
        recipient: TRADER,
        deadline: U256::MAX,
        amountIn: amount,
        amountOutMinimum: U256::ZERO,
        sqrtPriceLimitX96: U160::ZERO,
    };
    send(host, UNISWAP_V3_ROUTER, &SwapRouter::exactInputSingleCall { params }).unwrap()
}

fn checkpoint(host: &mut TestHost, feed: Address) -> Result<U256, Failure> {
    send(host, PRICE_FEEDS, &PriceFeeds::checkpointCall { feed })
}

/// Returns whether the read is refused because the pool's average is another.
fn is_divergent(found: &Result<I256, Failure>) -> bool {
    match found {
        Err(Failure::Revert(reason)) => PriceFeed::DivergentFromPool::abi_decode(reason).is_ok(),
        _ => false,
    }
}

#[test]
fn a_pair_that_is_moved_refuses_the_answer_until_a_window_has_passed() {
    let mut host = market();
    let pool = pair(&mut host, TOKEN);
    let feed = create(&mut host, named(pool)).unwrap();
    let no_answer = refused(&PriceFeed::NoAnswer {});
    assert_eq!(checked(&mut host, feed), no_answer);
    report(&mut host, feed, ANSWER).unwrap();
    let no_price = refused(&PriceFeed::NoPoolPrice { pool });
    assert_eq!(checked(&mut host, feed), no_price, "nobody has recorded the pair's price");
    checkpoint(&mut host, feed).unwrap();
    host.time += u64::from(WINDOW) - 1;
    assert_eq!(checked(&mut host, feed), no_price, "the window has not passed");
    host.time += 1;
    assert_eq!(checked(&mut host, feed), Ok(price(ANSWER)));
    assert_eq!(average(&mut host, feed), price(ANSWER));
    // Somebody buys most of the GRAIN.
    let bought = swap_pair(&mut host, [TOKEN, GRAIN], number(4 * TOKENS));
    assert_eq!(checked(&mut host, feed), Ok(price(ANSWER)), "in its own block it moves no average");
    // 25 times the price for a second of 601 is 4 %.
    host.time += 1;
    let moved = average(&mut host, feed);
    assert!(price(ANSWER / 100 * 103) < moved && moved < price(ANSWER / 100 * 105), "{moved}");
    let divergent = PriceFeed::DivergentFromPool { answer: price(ANSWER), average: moved };
    assert_eq!(checked(&mut host, feed), refused(&divergent));
    let data = ask(&mut host, feed, &PriceFeed::latestRoundDataCall {}).unwrap();
    assert_eq!(data.answer, price(ANSWER), "the answer is what reporters said");
    // It is sold back, but the average remembers.
    swap_pair(&mut host, [GRAIN, TOKEN], bought);
    assert!(is_divergent(&checked(&mut host, feed)));
    checkpoint(&mut host, feed).unwrap();
    host.time += u64::from(WINDOW) - 1;
    assert!(is_divergent(&checked(&mut host, feed)));
    host.time += 1;
    let found = checked(&mut host, feed);
    assert_eq!(found, Ok(price(ANSWER)), "{}", average(&mut host, feed));
}

#[test]
fn a_pool_that_is_moved_refuses_the_answer_until_a_window_has_passed() {
    let mut host = market();
    let pool = pool(&mut host);
    let feed = create(&mut host, named(pool)).unwrap();
    report(&mut host, feed, ANSWER).unwrap();
    let no_price = refused(&PriceFeed::NoPoolPrice { pool });
    assert_eq!(checked(&mut host, feed), no_price);
    host.time += u64::from(WINDOW);
    assert_eq!(checked(&mut host, feed), Ok(price(ANSWER)));
    // A tick is a basis point.
    let near = average(&mut host, feed);
    assert!((price(ANSWER) - near).abs() <= price(ANSWER / 10_000), "{near}");
    let bought = swap_pool(&mut host, [TOKEN, GRAIN], number(4 * TOKENS));
    assert_eq!(checked(&mut host, feed), no_price, "there is room for one observation only");
    let room =
        UniswapV3Pool::increaseObservationCardinalityNextCall { observationCardinalityNext: 20 };
    send(&mut host, pool, &room).unwrap();
    swap_pool(&mut host, [GRAIN, TOKEN], bought);
    host.time += u64::from(WINDOW);
    assert_eq!(checked(&mut host, feed), Ok(price(ANSWER)));
    let bought = swap_pool(&mut host, [TOKEN, GRAIN], number(4 * TOKENS));
    assert_eq!(checked(&mut host, feed), Ok(price(ANSWER)), "in its own block it moves no average");
    // The mean is geometric: 25 times the price for 3 seconds of 600 is 1.6 %.
    host.time += 3;
    assert!(is_divergent(&checked(&mut host, feed)));
    swap_pool(&mut host, [GRAIN, TOKEN], bought);
    host.time += u64::from(WINDOW) - 1;
    let soon = checked(&mut host, feed);
    host.time += 4;
    assert_eq!(checked(&mut host, feed), Ok(price(ANSWER)), "before: {soon:?}");
}

#[test]
fn the_other_asset_can_be_priced_too() {
    let mut host = market();
    let pair = pair(&mut host, TOKEN);
    let of_token = PriceFeeds::PoolTerms { baseToken: TOKEN, ..named(pair) };
    let feed = create(&mut host, of_token).unwrap();
    checkpoint(&mut host, feed).unwrap();
    host.time += u64::from(WINDOW);
    // 0.4 GRAIN for a token.
    assert_eq!(average(&mut host, feed), price(40_000_000));
    let pool = pool(&mut host);
    let of_token = PriceFeeds::PoolTerms { baseToken: TOKEN, ..named(pool) };
    let feed = create(&mut host, of_token).unwrap();
    host.time += u64::from(WINDOW);
    let near = average(&mut host, feed);
    assert!((price(40_000_000) - near).abs() <= price(4_000), "{near}");
    let found = ask(&mut host, feed, &PriceFeed::comparedPoolCall {}).unwrap();
    assert_eq!((found.pool, found.baseToken), (pool, TOKEN));
    assert_eq!((found.windowSeconds, found.divergenceBps), (WINDOW, 100));
}

#[test]
fn a_pool_that_can_not_be_compared_is_refused() {
    let mut host = market();
    let good = pair(&mut host, TOKEN);
    let before = host.state();
    let mut check = |named: PriceFeeds::PoolTerms, expected: Failure| {
        assert_eq!(create(&mut host, named), Err(expected));
        assert!(before == host.state(), "a refused feed has changed something");
    };
    let foreign = PriceFeeds::NotAPool { account: TOKEN };
    check(named(TOKEN), Failure::revert(&foreign));
    let apart = PriceFeeds::NotInPool { pool: good, token: MUTE };
    check(PriceFeeds::PoolTerms { baseToken: MUTE, ..named(good) }, Failure::revert(&apart));
    for given in [0, 299, 86_401] {
        let window = PriceFeeds::WindowOutOfRange { given, min: 300, max: 64_800 };
        check(
            PriceFeeds::PoolTerms { windowSeconds: given, ..named(good) },
            Failure::revert(&window),
        );
    }
    for given in [0, 10_001] {
        let far = PriceFeeds::DivergenceOutOfRange { given };
        check(PriceFeeds::PoolTerms { divergenceBps: given, ..named(good) }, Failure::revert(&far));
    }
    let mute = pair(&mut host, MUTE);
    let unknown = refused(&PriceFeeds::TokenDecimalsOutOfRange { token: MUTE, max: 36 });
    assert_eq!(create(&mut host, named(mute)), unknown);
}

#[test]
fn time_without_liquidity_is_in_no_average() {
    let mut host = market();
    let create_pair = Factory::createPairCall { tokenA: GRAIN, tokenB: TOKEN };
    let empty = send(&mut host, UNISWAP_V2_FACTORY, &create_pair).unwrap();
    let feed = create(&mut host, named(empty)).unwrap();
    let no_price = refused(&PriceFeeds::NoPairPrice { pool: empty });
    assert_eq!(checkpoint(&mut host, feed), no_price);
    host.time += 150;
    pair(&mut host, TOKEN);
    checkpoint(&mut host, feed).unwrap();
    host.time += u64::from(WINDOW);
    assert_eq!(average(&mut host, feed), price(ANSWER));
}

#[test]
fn checkpoints_are_kept_in_a_ring_and_nobody_fills_it_early() {
    let mut host = market();
    let (good, other) = (pair(&mut host, TOKEN), pool(&mut host));
    let feed = create(&mut host, named(good)).unwrap();
    let logs = host.state().logs;
    let named_log = PriceFeeds::PoolNamed { feed, pool: good, poolTerms: named(good) };
    let last = logs.last().unwrap();
    assert_eq!((last.0, &last.2), (PRICE_FEEDS, &named_log.encode_log_data().data));
    let times = |host: &mut TestHost| ask(host, feed, &PriceFeed::checkpointTimesCall {}).unwrap();
    assert!(times(&mut host).is_empty());
    let mut expected = Vec::new();
    for _ in 0..11 {
        checkpoint(&mut host, feed).unwrap();
        expected.push(host.time);
        host.time += 149;
        let early = refused(&PriceFeeds::CheckpointTooSoon { from: host.time + 1 });
        assert_eq!(checkpoint(&mut host, feed), early);
        host.time += 1;
    }
    assert_eq!(times(&mut host), expected[3..]);
    let cumulative = checkpoint(&mut host, feed).unwrap();
    let log = PriceFeeds::Checkpointed { feed, cumulative };
    assert_eq!(host.last_log().unwrap().2, log.encode_log_data().data);
    let plain = price_feed_address(1);
    let of_pool = create(&mut host, named(other)).unwrap();
    for feed in [plain, of_pool] {
        let none = refused(&PriceFeeds::NoCheckpointsNeeded { feed });
        assert_eq!(checkpoint(&mut host, feed), none);
    }
    let nothing = price_feed_address(9);
    assert_eq!(checkpoint(&mut host, nothing), refused(&PriceFeeds::NoSuchFeed { feed: nothing }));
    let found = ask(&mut host, plain, &PriceFeed::comparedPoolCall {}).unwrap();
    assert_eq!((found.pool, found.windowSeconds), (Address::ZERO, 0));
    let none = refused(&PriceFeed::NoPoolPrice { pool: Address::ZERO });
    assert_eq!(ask(&mut host, plain, &PriceFeed::poolAverageCall {}), none);
}
