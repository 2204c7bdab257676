//! The pages of pools, stakes, prices, and of what an account has in them.

use abi::{
    GRAIN, MasterChef, NonfungiblePositionManager as Positions, PRICE_FEEDS, PriceFeeds,
    StakingRewards, UNISWAP_V2_FACTORY, UNISWAP_V3_POSITIONS, UniswapV2Factory, VAULT_FACTORY,
    VaultFactory, asset_address, price_feed_address,
};
use alloy_primitives::{Address, U256, hex};

use crate::{
    decoding::{has, words},
    ledger::{ALICE, BOB, CORN, GOLD, Ledger, market},
};

fn said(ledger: &Ledger, path: &str) -> String {
    words(&ledger.page(path))
}

#[test]
fn the_list_of_pools_has_price_holdings_and_volume_of_both_kinds() {
    let ledger = market().indexed();
    ledger.trade_pair(BOB, true, 10);
    ledger.trade_pair(BOB, false, 5);
    ledger.trade_pool(BOB, true, 20);
    let page = said(&ledger, "/pools");
    // Reserves of 1,000 GOLD and 2,000 GRAIN: 10 GOLD are paid in for 19.74316 GRAIN, then 2.5361 GOLD out for 5 GRAIN.
    has(&page, &["GRAIN / GOLD", "v2, 0.3 %", "12.5361 GOLD in 2 trades"]);
    has(&page, &["GOLD / CORN", "v3, 0.3 %", "1 GOLD = 0.99", "CORN in 1 trade"]);
    let raw = ledger.page("/pools");
    for pool in [ledger.pair(), ledger.pool()] {
        has(&raw, &[&format!("href=\"/pool/{pool:#x}\"")]);
    }
    assert!(!page.contains("at least"), "{page}");
}

#[test]
fn without_an_index_pools_are_found_and_the_page_says_what_is_missing() {
    let ledger = crate::ledger::market_with(None);
    let page = said(&ledger, "/pools");
    has(&page, &["GOLD / CORN", "GRAIN / GOLD", "unknown", "This node keeps no history index"]);
    let page = said(&ledger, &format!("/pool/{}", ledger.pair()));
    has(&page, &["1 GOLD = 2 GRAIN", "1 GRAIN = 0.5 GOLD", "This node keeps no history index"]);
    assert!(!page.contains("Newest trades"), "{page}");
}

#[test]
fn a_pair_s_page_draws_price_and_depth_and_lists_trades_and_holders() {
    let ledger = market().indexed();
    for amount in [10, 20, 30] {
        ledger.trade_pair(BOB, true, amount);
    }
    ledger.add_to_pair(BOB, 50, 100);
    let path = format!("/pool/{}", ledger.pair());
    let raw = ledger.page(&path);
    let page = words(&raw);
    has(&page, &["Price of GRAIN in GOLD, the last 5 changes", "Depth: GOLD that move the price"]);
    assert_eq!(raw.matches("<svg").count(), 2);
    has(&raw, &["aria-label=\"Line: the price of GRAIN in GOLD from block "]);
    has(&page, &["Swap10 GOLD → 19.7431 GRAIN", "Swap30 GOLD → ", "Mint"]);
    // Newest first.
    assert!(page.find("Swap30 GOLD").unwrap() < page.find("Swap10 GOLD").unwrap());
    has(&page, &["Who has shares", &ALICE.to_checksum(None), &BOB.to_checksum(None)]);
    // ALICE has most: 1,414 of about 1,486 shares.
    assert!(page.rfind(&ALICE.to_checksum(None)) < page.rfind(&BOB.to_checksum(None)));
}

#[test]
fn a_pool_s_page_draws_its_liquidity_and_lists_positions() {
    let ledger = market().indexed();
    ledger.trade_pool(BOB, true, 20);
    ledger.trade_pool(BOB, false, 200);
    let raw = ledger.page(&format!("/pool/{}", ledger.pool()));
    let page = words(&raw);
    has(&page, &["Liquidity by price", "Price of GOLD in CORN, the last 3 changes"]);
    // Outside, the wide one, both, the wide one, outside: five stretches, of which the price is in one.
    assert_eq!(raw.matches("class=\"bar").count(), 5, "{raw}");
    assert_eq!(raw.matches("class=\"bar marked\"").count(), 1);
    has(&page, &["Swap20 GOLD → ", "Swap200 CORN → ", "Mint", "in range: earns fees"]);
    has(&raw, &["href=\"/position/1\"", "href=\"/position/2\""]);
    // A fee of 0.3 % of 20 GOLD and 200 CORN, divided by liquidity: both positions have something.
    let position = said(&ledger, "/position/2");
    has(&position, &["Position 2: GOLD / CORN", "in range: earns fees", "owner"]);
    has(&position, &["GOLD + 0.", "CORN of fees, and of what was taken out"]);
    assert_eq!(explorer::page(&ledger.node, "/position/3").status, 404);
    assert_eq!(explorer::page(&ledger.node, &format!("/pool/{ALICE}")).status, 404);
}

#[test]
fn positions_out_of_range_or_burnt_are_shown_as_such() {
    let ledger = market().indexed();
    // The price leaves the narrow range of BOB: 5 spacings of 60 ticks are 3 %.
    ledger.trade_pool(BOB, false, 500);
    has(&said(&ledger, "/position/2"), &["out of range: the price is above it"]);
    has(&said(&ledger, "/position/1"), &["in range: earns fees"]);
    let position =
        ledger.ask(UNISWAP_V3_POSITIONS, &Positions::positionsCall { tokenId: U256::from(2) });
    let params = Positions::DecreaseLiquidityParams {
        tokenId: U256::from(2),
        liquidity: position.liquidity,
        amount0Min: U256::ZERO,
        amount1Min: U256::ZERO,
        deadline: U256::MAX,
    };
    ledger.do_(BOB, UNISWAP_V3_POSITIONS, &Positions::decreaseLiquidityCall { params });
    has(&said(&ledger, "/position/2"), &["empty"]);
    let params = Positions::CollectParams {
        tokenId: U256::from(2),
        recipient: BOB,
        amount0Max: u128::MAX,
        amount1Max: u128::MAX,
    };
    ledger.do_(BOB, UNISWAP_V3_POSITIONS, &Positions::collectCall { params });
    ledger.do_(BOB, UNISWAP_V3_POSITIONS, &Positions::burnCall { tokenId: U256::from(2) });
    assert_eq!(explorer::page(&ledger.node, "/position/2").status, 404);
    let raw = ledger.page(&format!("/pool/{}", ledger.pool()));
    assert!(!raw.contains("/position/2\"") && raw.contains("/position/1\""), "{raw}");
}

#[test]
fn an_account_has_its_positions_shares_stakes_and_vaults() {
    let ledger = market();
    let (rewards, farm, vault) = (ledger.stake(), ledger.farm(), ledger.vault());
    let ledger = ledger.indexed();
    let raw = ledger.page(&format!("/account/{ALICE}"));
    let page = words(&raw);
    has(&page, &["Positions of Uniswap v3", "Shares of pools of Uniswap v2", "Stakes and vaults"]);
    has(&page, &["MasterChef, pool 1", "50 GOLD", "100 UNI-V2 GRAIN/GOLD"]);
    // What was long ago is found as well: it is not among the newest events any more.
    for index in 0..60 {
        ledger.trade_pair(ALICE, index % 2 == 0, 1);
    }
    let raw = ledger.page(&format!("/account/{ALICE}"));
    has(&words(&raw), &["Stakes and vaults", "MasterChef, pool 1", "100 UNI-V2 GRAIN/GOLD"]);
    has(&raw, &[&format!("/stake/{rewards:#x}"), &format!("/stake/{farm:#x}"), "/position/1\""]);
    assert!(!raw.contains(&format!("/stake/{vault:#x}")), "that is BOB's");
    let raw = ledger.page(&format!("/account/{BOB}"));
    has(&words(&raw), &["25 GOLD", "25 vGOLD"]);
    has(&raw, &[&format!("/stake/{vault:#x}"), "/position/2\""]);
    // Who has nothing has no empty tables.
    let nobody = said(&ledger, &format!("/account/{}", Address::repeat_byte(0x99)));
    assert!(!nobody.contains("Stakes") && !nobody.contains("Positions"), "{nobody}");
}

#[test]
fn stakes_are_listed_with_what_they_pay() {
    let ledger = market();
    has(&said(&ledger, "/stakes"), &["None has been created yet."]);
    let (rewards, farm, vault) = (ledger.stake(), ledger.farm(), ledger.vault());
    let ledger = ledger.indexed();
    let page = said(&ledger, "/stakes");
    // 604 GRAIN over 7 days.
    has(&page, &["UNI-V2 GRAIN/GOLD", "86.2857 GRAIN", ", in 6 d 23 h"]);
    has(&page, &["MasterChef", "2 GRAIN", "vGOLD", "1 GOLD"]);
    let one = said(&ledger, &format!("/stake/{rewards}"));
    has(
        &one,
        &[
            "Staking rewards for UNI-V2 GRAIN/GOLD",
            "Staked100 UNI-V2 GRAIN/GOLD",
            "RewardAdded604 GRAIN",
        ],
    );
    let one = said(&ledger, &format!("/stake/{farm}"));
    has(&one, &["Farm paying GRAIN", "50 %", "Deposit50 GOLD", "which is over"]);
    let one = said(&ledger, &format!("/stake/{vault}"));
    has(&one, &["Vault vGOLD", "Vault of gold", "25 GOLD", "Deposit25 GOLD"]);
    assert_eq!(explorer::page(&ledger.node, &format!("/stake/{ALICE}")).status, 404);
    // Withdrawn, and the period over.
    ledger.do_(ALICE, rewards, &StakingRewards::exitCall {});
    ledger.node.development().unwrap().increase_time(8 * 86_400).unwrap();
    ledger.node.development().unwrap().mine(1, None).unwrap();
    has(&said(&ledger, "/stakes"), &["nothing now", "ended "]);
}

#[test]
fn feeds_have_a_state_and_each_reporter_s_last_report() {
    let ledger = market().indexed();
    let feed = ledger.feed("GRAIN / <USD>", 600);
    has(
        &ledger.page("/prices"),
        &["GRAIN / &lt;USD&gt;", "no answer yet", "3 reporters may, and 2"],
    );
    ledger.report(feed, &[150_000_000, 151_000_000]);
    has(&said(&ledger, "/prices"), &["1.51", "fresh"]);
    ledger.report(feed, &[149_000_000, 148_000_000]);
    let page = said(&ledger, "/price/1");
    has(&page, &["1.49", "fresh", "The last 2 answers"]);
    // The third has said nothing; of the others the newest counts.
    has(&page, &["1.48", "nothing"]);
    // A jump by a third is not believed until it is confirmed.
    ledger.report(feed, &[200_000_000, 200_000_000]);
    has(&said(&ledger, "/price/1"), &["divergent"]);
    // Time passes without a block as well.
    ledger.node.development().unwrap().increase_time(3_600).unwrap();
    has(&said(&ledger, "/prices"), &["stale: too old"]);
    has(&said(&ledger, "/price/1"), &["stale: too old"]);
    ledger.node.development().unwrap().mine(1, None).unwrap();
    has(&said(&ledger, "/prices"), &["stale: too old"]);
    assert_eq!(explorer::page(&ledger.node, "/price/2").status, 404);
}

/// Who creates a feed chooses the pool that it is compared with: one that has no price must not hide the other feeds.
#[test]
fn a_feed_that_is_compared_with_a_pool_says_so() {
    let ledger = market().indexed();
    let plain = ledger.feed("GRAIN / USD", 600);
    ledger.report(plain, &[150_000_000, 151_000_000]);
    let terms = PriceFeeds::Terms {
        description: "GOLD / CORN".into(),
        decimals: 8,
        maxAge: 600,
        deviationBps: 500,
        confirmationSeconds: 30,
    };
    let pool_terms = PriceFeeds::PoolTerms {
        pool: ledger.pool(),
        baseToken: asset_address(GOLD),
        windowSeconds: 300,
        divergenceBps: 200,
    };
    let create = PriceFeeds::createWithPoolCall { terms, poolTerms: pool_terms };
    ledger.do_(ALICE, PRICE_FEEDS, &create);
    ledger.report(price_feed_address(2), &[101_000_000, 100_000_000]);
    // Traded a moment ago, and the pool remembers one price only: it has no average over five minutes.
    ledger.trade_pool(BOB, true, 5);
    has(&said(&ledger, "/prices"), &["1.51", "fresh", "has no average price"]);
    let page = said(&ledger, "/price/2");
    has(
        &page,
        &["compared with", "GOLD/CORN, no price yet on average over 5 min 0 s", "2 % from it"],
    );
}

/// The figures of the lens are on the pages of pools and positions.
#[test]
fn risks_of_pools_and_positions_are_shown() {
    let ledger = market().indexed();
    for (path, loss) in [
        // 1 - 2·√r / (1 + r), the same for every pair: 20 % at a fourth and at four times the price.
        (format!("/pool/{}", ledger.pair()), "400 %"),
        ("/position/2".to_owned(), "25 %"),
    ] {
        let page = said(&ledger, &path);
        has(&page, &["impermanent loss", "if held instead", loss]);
    }
    let page = said(&ledger, &format!("/pool/{}", ledger.pair()));
    has(&page, &["If the price of GRAIN changes", "20 %"]);
    // All of a narrow and most of a wide position are near the price.
    has(&said(&ledger, &format!("/pool/{}", ledger.pool())), &["where it lies", " within 1 %, "]);
}

#[test]
fn pools_are_found_by_their_symbols() {
    let ledger = market().indexed();
    let find = |text: &str| {
        let page = explorer::page(&ledger.node, &format!("/search?q={text}"));
        assert_eq!(page.status, 303, "{}", page.body);
        words(&ledger.page(&page.location.unwrap()))
    };
    for text in ["gold%2Fgrain", "GRAIN+gold", "pool+Gold/Grain"] {
        let page = find(text);
        assert!(page.contains("GRAIN / GOLD") && !page.contains("GOLD / CORN"), "{page}");
    }
    let page = find("gold");
    assert!(page.contains("GRAIN / GOLD") && page.contains("GOLD / CORN"), "{page}");
    has(&find("silver"), &["Pools of silver", "None."]);
    has(&find("rune"), &["Pools of rune", "None."]);
    has(&find("1INCH/GRAIN"), &["Pools of 1inch/grain", "None."]);
    for odd in ["a+b+c", "0x12", "", "run+x"] {
        assert_eq!(explorer::page(&ledger.node, &format!("/search?q={odd}")).status, 404, "{odd}");
    }
    let block = explorer::page(&ledger.node, "/search?q=7");
    assert_eq!(block.location.as_deref(), Some("/block/7"));
    assert!(
        explorer::page(&ledger.node, "/pools?symbols=%3Cb%3E").body.contains("Pools of &lt;b&gt;")
    );
}

/// A pool of a token that computes for ever, and of one whose symbol is a mark, is on its pages as any other.
#[test]
fn pools_of_hostile_tokens_do_not_break_pages() {
    let ledger = market().indexed();
    let slow = Address::repeat_byte(0x51);
    ledger.put_code(slow, hex!("5b600056").to_vec().into());
    // Answers the bytes `<script>` to whatever it is asked.
    let mark = Address::repeat_byte(0x52);
    let code = [&[0x7f][..], b"<script>", &[0; 24], &hex!("5f5260205ff3")].concat();
    ledger.put_code(mark, code.into());
    for (a, b) in [(slow, GRAIN), (mark, asset_address(CORN)), (slow, mark)] {
        let create = UniswapV2Factory::createPairCall { tokenA: a, tokenB: b };
        ledger.do_(ALICE, UNISWAP_V2_FACTORY, &create);
        let of = UniswapV2Factory::getPairCall { tokenA: a, tokenB: b };
        let pair = ledger.ask(UNISWAP_V2_FACTORY, &of);
        has(&said(&ledger, &format!("/pool/{pair}")), &["none yet"]);
    }
    let raw = ledger.page("/pools");
    assert!(!raw.contains("<script>"), "{raw}");
    has(&raw, &["&lt;script&gt;", "0x5151…5151", "GRAIN / GOLD"]);
}

/// However many slow tokens there are: what modules say of themselves is asked with gas of its own.
#[test]
fn many_slow_tokens_do_not_hide_the_others() {
    let ledger = market();
    let farm = ledger.farm();
    let ledger = ledger.indexed();
    for index in 0..24_u8 {
        let slow = Address::with_last_byte(100 + index);
        ledger.put_code(slow, hex!("5b600056").to_vec().into());
        let create = UniswapV2Factory::createPairCall { tokenA: slow, tokenB: GRAIN };
        ledger.do_(ALICE, UNISWAP_V2_FACTORY, &create);
        let create = VaultFactory::createCall {
            asset: slow,
            decimalsOffset: 0,
            name: "slow".into(),
            symbol: "SLOW".into(),
        };
        ledger.send(ALICE, VAULT_FACTORY, &create);
        let add =
            MasterChef::addCall { allocPoint: U256::from(1), lpToken: slow, withUpdate: false };
        ledger.do_(ALICE, farm, &add);
    }
    has(&said(&ledger, "/pools"), &["GRAIN / GOLD", "GOLD / CORN"]);
    has(&said(&ledger, "/stakes"), &["MasterChef"]);
    has(&said(&ledger, &format!("/stake/{farm}")), &["Deposit50 GOLD"]);
    has(&said(&ledger, &format!("/account/{ALICE}")), &["MasterChef, pool 1", "50 GOLD"]);
}

/// A price can be moved to where there is no liquidity at no cost; it is nobody's price then.
#[test]
fn a_price_without_liquidity_is_shown_as_such() {
    let ledger = market().indexed();
    // More than both positions have: the price goes to its end.
    ledger.trade_pool(BOB, true, 100_000);
    let page = said(&ledger, &format!("/pool/{}", ledger.pool()));
    has(&page, &["at which nobody trades", "0 active at tick"]);
    has(&said(&ledger, "/pools"), &["at which nobody trades"]);
}

/// Old trades are read page by page, and no page reads more than its bounds.
#[test]
fn a_busy_pool_is_shown_in_pages() {
    let ledger = market().indexed();
    for index in 0..130 {
        ledger.trade_pair(BOB, index % 2 == 0, 1);
    }
    has(&said(&ledger, "/pools"), &["at least ", " GOLD in 100 trades"]);
    let path = format!("/pool/{}", ledger.pair());
    let raw = ledger.page(&path);
    assert_eq!(raw.matches("<td>Swap</td>").count(), 25);
    has(&words(&raw), &["in 130 trades"]);
    let next = raw.split("?events=").nth(1).unwrap().split('"').next().unwrap();
    let older = ledger.page(&format!("{path}?events={next}"));
    assert_eq!(older.matches("<td>Swap</td>").count(), 25);
    let first = |page: &str| page.split("href=\"/tx/").nth(1).unwrap()[..20].to_owned();
    assert_ne!(first(&raw), first(&older));
}

#[test]
fn the_pages_of_kinds_are_there_and_an_instance_leads_to_its_market() {
    let ledger = market();
    for name in ["UniswapV2Pair", "UniswapV3Pool", "StakingRewards", "MasterChef", "FeeVault"] {
        has(&said(&ledger, &format!("/module/{name}")), &["created by a factory", "Functions"]);
    }
    let raw = ledger.page(&format!("/account/{}", ledger.pair()));
    has(&raw, &[&format!("/pool/{:#x}", ledger.pair()), "/module/UniswapV2Pair"]);
}
