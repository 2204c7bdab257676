//! Pools on a ledger: what the lens says, a swap then does; and a pair that somebody moves refuses a feed's answer until a window has passed.

use abi::{
    ASSETS, Assets, Erc20, GRAIN, IssuedAsset, MARKET_LENS, MarketLens, PRICE_FEEDS, PriceFeed,
    PriceFeeds, PriceReport, UNISWAP_V2_ROUTER, UniswapV2Router02 as Router, asset_address,
    price_feed_address, price_report_digest, price_report_domain, uniswap_v2_pair,
};
use alloy_primitives::{Address, I256, U256};
use alloy_signer::SignerSync as _;
use alloy_sol_types::{SolCall, SolError as _};
use execution::{CallOutcome, Genesis, GenesisPriceReporters, Revision, Schedule};

use crate::{
    chain::{Chain, genesis, key},
    modules::{message, run},
    yield_modules::{read, send},
};

/// 2.5 of the asset for a GRAIN, with 8 decimals.
const ANSWER: i64 = 250_000_000;
const WINDOW: u64 = 300;

fn number(value: u64) -> U256 {
    U256::from(value)
}

/// Returns a ledger with three reporters, and a pair of 0.4 GRAIN and 1 of an asset with 6 decimals.
fn market() -> (Chain, Address) {
    let revisions = Schedule::starting_with(Revision::new(execution::MODULES.newest()));
    let members = (1..=3).map(|number| key(number).address()).collect();
    let price_reporters = Some(GenesisPriceReporters { members, quorum: 2 });
    let mut chain = Chain::from_genesis(&Genesis { revisions, price_reporters, ..genesis() });
    let owner = key(1).address();
    let terms = Assets::Terms {
        name: "Barley".into(),
        symbol: "BAR".into(),
        decimals: 6,
        cap: number(1_000_000_000),
        uri: String::new(),
        issuer: owner,
        pausable: false,
        burnable: false,
        transferable: false,
        renounceable: false,
    };
    send(&mut chain, 1, ASSETS, &Assets::createCall { terms });
    let asset = asset_address(1);
    send(&mut chain, 1, asset, &IssuedAsset::mintCall { to: owner, value: number(100_000_000) });
    for token in [GRAIN, asset] {
        let approve = Erc20::approveCall { spender: UNISWAP_V2_ROUTER, value: U256::MAX };
        send(&mut chain, 1, token, &approve);
    }
    let add = Router::addLiquidityCall {
        tokenA: GRAIN,
        tokenB: asset,
        amountADesired: number(400_000_000_000_000_000),
        amountBDesired: number(1_000_000),
        amountAMin: U256::ZERO,
        amountBMin: U256::ZERO,
        to: owner,
        deadline: U256::MAX,
    };
    send(&mut chain, 1, UNISWAP_V2_ROUTER, &add);
    (chain, asset)
}

fn swap(chain: &mut Chain, path: [Address; 2], amount: U256) {
    let swap = Router::swapExactTokensForTokensCall {
        amountIn: amount,
        amountOutMin: U256::ZERO,
        path: path.to_vec(),
        to: key(1).address(),
        deadline: U256::MAX,
    };
    send(chain, 1, UNISWAP_V2_ROUTER, &swap);
}

/// Adds an empty block that is `seconds` later.
fn wait(chain: &mut Chain, seconds: u64) {
    chain.head.timestamp += seconds - 1;
    chain.build(&[]);
}

fn report(chain: &mut Chain, feed: Address) {
    let (answer, observed_at) = (I256::unchecked_from(ANSWER), chain.head.timestamp);
    let report = PriceReport { feed, answer, observedAt: observed_at };
    let digest = price_report_digest(&report, &price_report_domain(chain.rules.chain_id));
    let signed = |number: u8| {
        let signature = key(number).sign_hash_sync(&digest).unwrap();
        PriceFeeds::Report {
            answer,
            observedAt: observed_at,
            v: 27 + u8::from(signature.v()),
            r: signature.r().into(),
            s: signature.s().into(),
        }
    };
    let reports = vec![signed(2), signed(3)];
    send(chain, 4, PRICE_FEEDS, &PriceFeeds::reportCall { feed, reports });
}

/// Returns the checked answer, or the bytes of the refusal.
fn checked(chain: &Chain, feed: Address) -> Result<I256, Vec<u8>> {
    let call = PriceFeed::latestCheckedRoundDataCall {};
    match run(chain, &message(feed, call.abi_encode())) {
        CallOutcome::Returned { output, .. } => {
            let data = PriceFeed::latestCheckedRoundDataCall::abi_decode_returns(&output);
            Ok(data.unwrap().answer)
        }
        CallOutcome::Reverted { output, .. } => Err(output.to_vec()),
        outcome => panic!("{outcome:?}"),
    }
}

fn is_divergent(found: &Result<I256, Vec<u8>>) -> bool {
    found.as_ref().is_err_and(|reason| PriceFeed::DivergentFromPool::abi_decode(reason).is_ok())
}

#[test]
fn a_quote_is_what_a_swap_gives() {
    let (mut chain, asset) = market();
    let pair = uniswap_v2_pair(GRAIN, asset);
    let call = MarketLens::poolsOfCall { tokenA: GRAIN, tokenB: asset };
    let found = read(&chain, MARKET_LENS, &call);
    assert_eq!((found.len(), found[0].pool), (1, pair));
    let call = MarketLens::quoteExactInputCall {
        tokenIn: GRAIN,
        pools: vec![pair],
        amountIn: number(10_000_000_000_000_000),
        slippageBps: 50,
    };
    let route = read(&chain, MARKET_LENS, &call);
    let held = Erc20::balanceOfCall { account: key(1).address() };
    let before = read(&chain, asset, &held);
    swap(&mut chain, [GRAIN, asset], route.amountIn);
    assert_eq!(read(&chain, asset, &held) - before, route.amountOut);
    // Accounts without code, with code, and none at all are no pools.
    for account in [key(1).address(), asset, ASSETS, Address::repeat_byte(0x5c)] {
        let asked = MarketLens::poolCall { account }.abi_encode();
        let CallOutcome::Reverted { output, .. } = run(&chain, &message(MARKET_LENS, asked)) else {
            panic!("{account} is no pool")
        };
        assert_eq!(output.to_vec(), MarketLens::NotAPool { account }.abi_encode());
    }
}

#[test]
fn a_pair_that_is_moved_refuses_a_feeds_answer() {
    let (mut chain, asset) = market();
    let terms = PriceFeeds::Terms {
        description: "GRAIN / BAR".into(),
        decimals: 8,
        maxAge: 86_400,
        deviationBps: 100,
        confirmationSeconds: 10,
    };
    let named = PriceFeeds::PoolTerms {
        pool: uniswap_v2_pair(GRAIN, asset),
        baseToken: GRAIN,
        windowSeconds: u32::try_from(WINDOW).unwrap(),
        divergenceBps: 200,
    };
    send(&mut chain, 4, PRICE_FEEDS, &PriceFeeds::createWithPoolCall { terms, poolTerms: named });
    let feed = price_feed_address(1);
    let answer = Ok(I256::unchecked_from(ANSWER));
    report(&mut chain, feed);
    send(&mut chain, 4, PRICE_FEEDS, &PriceFeeds::checkpointCall { feed });
    assert!(checked(&chain, feed).is_err(), "no window has passed");
    wait(&mut chain, WINDOW);
    assert_eq!(checked(&chain, feed), answer);
    // Four times the price in one block.
    swap(&mut chain, [asset, GRAIN], number(1_003_000));
    assert_eq!(checked(&chain, feed), answer, "in its own block it moves no average");
    wait(&mut chain, 12);
    assert!(is_divergent(&checked(&chain, feed)));
    // Back again, and a window later they agree.
    swap(&mut chain, [GRAIN, asset], number(200_400_000_000_000_000));
    send(&mut chain, 4, PRICE_FEEDS, &PriceFeeds::checkpointCall { feed });
    assert!(is_divergent(&checked(&chain, feed)));
    wait(&mut chain, WINDOW);
    assert_eq!(checked(&chain, feed), answer);
}
