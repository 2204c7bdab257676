//! Calls, events and errors of instances that factories have created, by their names.

use abi::{Erc20, GRAIN, SwapRouter, UNISWAP_V3_ROUTER, UniswapV3Pool, Vault, asset_address};
use alloy_primitives::{Address, B256, U256, hex};
use alloy_sol_types::{SolCall, SolEvent as _};

use crate::ledger::{ALICE, BOB, GOLD, Ledger, market, whole};

#[track_caller]
pub(crate) fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
}

/// What a page says without its marks.
pub(crate) fn words(page: &str) -> String {
    let mut text = String::new();
    let mut is_mark = false;
    for letter in page.split("</header>").nth(1).unwrap_or(page).chars() {
        match letter {
            '<' => is_mark = true,
            '>' => is_mark = false,
            letter if !is_mark => text.push(letter),
            _ => {}
        }
    }
    text
}

fn transaction(ledger: &Ledger, hash: B256) -> String {
    words(&ledger.page(&format!("/tx/{hash}")))
}

#[test]
fn calls_and_events_of_a_pair_count_in_its_tokens() {
    let ledger = market();
    let hash = ledger.trade_pair(BOB, true, 10);
    let page = transaction(&ledger, hash);
    has(&page, &["swapExactTokensForTokens", "amountIn: 10000000000000000000  10 GOLD"]);
    // What came out, by the constant product with a fee of 3 in 1,000.
    let out = U256::from(19_743_160_687_941_225_977_u128);
    has(&page, &[&format!("{out}  19.743160687941225977 GRAIN")]);
    has(&page, &["Swap {", "Sync {", "reserve", "UniswapV2Pair"]);
    // Inside: the router calls the pair, which calls GRAIN.
    has(&page, &["Calls inside", "UniswapV2Router02 swapExactTokensForTokens"]);
    let pair = ledger.pair();
    let account = words(&ledger.page(&format!("/account/{pair}")));
    has(&account, &["interface", "UniswapV2Pair", "Sync", "Swap"]);
}

#[test]
fn a_batch_shows_its_calls_by_name() {
    let ledger = market();
    let refund = SwapRouter::refundETHCall {}.abi_encode().into();
    let inner = SwapRouter::multicallCall { data: vec![ledger.swap_call(BOB, true, 7), refund] };
    let outer = SwapRouter::multicallCall { data: vec![inner.abi_encode().into()] };
    let hash = ledger.do_(BOB, UNISWAP_V3_ROUTER, &inner);
    let page = transaction(&ledger, hash);
    has(&page, &["multicall {", "exactInputSingle {", "refundETH", "7 GOLD", "fee: 3000  0.3 %"]);
    let block = words(&ledger.page(&format!("/block/{}", ledger.node.head().number)));
    has(&block, &["multicall: exactInputSingle, refundETH"]);
    // The pool's own event, with signed amounts.
    has(&page, &["amount0: 7000000000000000000  7 GOLD", "  −", "UniswapV3Pool"]);
    let hash = ledger.trade_pool(BOB, false, 3);
    has(&transaction(&ledger, hash), &["exactInputSingle {", "3 CORN", "amount1: 3000000  3 CORN"]);
    let hash = ledger.do_(BOB, UNISWAP_V3_ROUTER, &outer);
    has(&transaction(&ledger, hash), &["multicall {", "exactInputSingle {", "7 GOLD"]);
}

/// A batch of many batches costs the reader little, and is shown as far as the bounds go.
#[test]
fn a_batch_of_batches_is_bounded() {
    let ledger = market();
    let mut data: Vec<u8> = SwapRouter::refundETHCall {}.abi_encode();
    for _ in 0..12 {
        data = SwapRouter::multicallCall { data: vec![data.into()] }.abi_encode();
    }
    let hash = ledger.send_value(BOB, UNISWAP_V3_ROUTER, U256::ZERO, data.into());
    let page = transaction(&ledger, hash);
    assert!(page.matches("multicall {").count() < 12, "{page}");
    let calls = vec![SwapRouter::refundETHCall {}.abi_encode().into(); 300];
    let many = SwapRouter::multicallCall { data: calls };
    let hash = ledger.send(BOB, UNISWAP_V3_ROUTER, &many);
    let page = transaction(&ledger, hash);
    has(&page, &["and 200 more"]);
    let block = words(&ledger.page(&format!("/block/{}", ledger.node.head().number)));
    has(&block, &["multicall: refundETH, refundETH, refundETH, refundETH, …"]);
}

#[test]
fn a_refusal_of_an_instance_is_shown_with_its_reason() {
    let ledger = market();
    let vault = ledger.vault();
    let redeem = Vault::redeemCall { shares: whole(1, 18), receiver: ALICE, owner: ALICE };
    let hash = ledger.send(ALICE, vault, &redeem);
    let page = transaction(&ledger, hash);
    has(&page, &["failed, ERC4626ExceededMaxRedeem: ", "can redeem 0 shares"]);
    has(&page, &["shares: 1000000000000000000  0.001 vGOLD"]);
    // A revert with a text of the original's.
    let initialize = UniswapV3Pool::initializeCall { sqrtPriceX96: Default::default() };
    let hash = ledger.send(ALICE, ledger.pool(), &initialize);
    has(&transaction(&ledger, hash), &["failed, Error: "]);
}

#[test]
fn stakes_farms_and_vaults_are_decoded_with_their_tokens() {
    let ledger = market();
    let rewards = ledger.stake();
    let farm = ledger.farm();
    let vault = ledger.vault();
    let ledger = ledger.indexed();
    for (at, parts) in [
        (rewards, &["StakingRewards", "Staked", "RewardAdded", "notifyRewardAmount", "stake"][..]),
        (farm, &["MasterChef", "Deposit", "deposit", "add"]),
        (vault, &["Vault", "Deposit", "deposit", "Transfer"]),
    ] {
        has(&words(&ledger.page(&format!("/account/{at}"))), parts);
    }
    let hash = ledger.do_(BOB, vault, &Vault::depositCall { assets: whole(3, 18), receiver: BOB });
    has(&transaction(&ledger, hash), &["assets: 3000000000000000000  3 GOLD", "3 vGOLD"]);
}

#[test]
fn reports_count_in_the_decimals_of_their_feed() {
    let ledger = market();
    let feed = ledger.feed("GRAIN / USD", 3_600);
    let hash = ledger.report(feed, &[150_000_000, 151_000_000]);
    let page = transaction(&ledger, hash);
    has(
        &page,
        &[
            "report {",
            "150000000  1.5",
            "Reported {",
            "AnswerUpdated {",
            "current: 151000000  1.51",
        ],
    );
}

#[test]
fn calls_of_tokens_are_still_decoded() {
    let ledger = market();
    let (to, value) = (Address::repeat_byte(7), U256::from(5));
    for token in [GRAIN, asset_address(GOLD)] {
        let hash = ledger.do_(ALICE, token, &Erc20::transferCall { to, value });
        let page = transaction(&ledger, hash);
        has(
            &page,
            &[
                "transfer {\n    to: 0x0707",
                "Transfer {\n    from: 0xA1A1",
                "0.000000000000000005 G",
            ],
        );
    }
    // Where nothing answers there is nothing to decode.
    let hash = ledger.send(ALICE, to, &Erc20::transferCall { to, value });
    assert!(!transaction(&ledger, hash).contains("transfer {"));
}

/// Code that emits `Transfer(ALICE, BOB, 5)` when it is called without data, and runs `answer` otherwise.
fn token(answer: &[u8]) -> Vec<u8> {
    let emit = u8::try_from(5 + answer.len()).unwrap();
    let topics = [BOB, ALICE].map(|account| [&[0x73][..], account.as_slice()].concat()).concat();
    let event = Erc20::Transfer::SIGNATURE_HASH;
    [
        &[0x36, 0x15, 0x60, emit, 0x57][..],
        answer,
        &[0x5b, 0x60, 5, 0x5f, 0x52],
        &topics,
        &[0x7f],
        event.as_slice(),
        &[0x60, 0x20, 0x5f, 0xa3, 0x00],
    ]
    .concat()
}

/// Whatever a token answers, or how long it computes, the page is there, and says where the token is.
#[test]
fn a_hostile_token_spoils_only_its_own_name() {
    let ledger = market().indexed();
    let bytes32 = [&[0x7f][..], b"<b>MKR</b>", &[0; 22], &hex!("5f5260205ff3")].concat();
    for (index, (answer, shown)) in [
        // Computes for ever, reverts, answers 10,000 zeros, 1 MiB, nothing.
        (hex!("5b600556").to_vec(), None),
        (hex!("5f5ffd").to_vec(), None),
        (hex!("6127105ff3").to_vec(), None),
        (hex!("621000005ff3").to_vec(), None),
        (hex!("00").to_vec(), None),
        (bytes32, Some("&lt;b&gt;MKR&lt;/b&gt;")),
    ]
    .into_iter()
    .enumerate()
    {
        let at = Address::repeat_byte(0x70 + u8::try_from(index).unwrap());
        ledger.put_code(at, token(&answer).into());
        ledger.send_value(ALICE, at, U256::ZERO, Default::default());
        let page = ledger.page(&format!("/account/{ALICE}"));
        has(&page, &["5 smallest units", &format!("/token/{at:#x}")]);
        match shown {
            Some(symbol) => has(&page, &[symbol]),
            None => has(&page, &[&format!(">0x{0:x}{0:x}…{0:x}{0:x}</a>", 0x70 + index)]),
        }
        assert!(!page.contains("<b>MKR"));
    }
}

/// A page of many slow tokens is made with a bounded amount of gas: what is asked first uses it up, and the rest is shown by addresses.
#[test]
fn a_page_of_slow_tokens_ends() {
    let ledger = market().indexed();
    for index in 0..120_u8 {
        let at = Address::with_last_byte(index + 100);
        ledger.put_code(at, token(&hex!("5b600556")).into());
        ledger.send_value(ALICE, at, U256::ZERO, Default::default());
    }
    let page = ledger.page(&format!("/account/{ALICE}"));
    assert_eq!(page.matches("5 smallest units").count(), 25);
}
