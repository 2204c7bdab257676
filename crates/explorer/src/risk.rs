//! What positions risk and stakes pay, and where a pool's liquidity lies, as the ledger's module `MarketLens` says it. A ledger of an older revision has none; nothing is shown then.

use abi::{MARKET_LENS, MarketLens, convert};
use alloy_primitives::{Address, U256};
use ledger_views::{
    markets::{self, PoolView, PositionView, Scenario},
    ready,
    stakes::RewardsView,
};
use maud::{Markup, html};

use crate::{figures, layout, names::Names, pools};

/// Words of a pool's bitmap, to each side of the price, in which the lens looks for liquidity.
const WORDS: u16 = 16;

/// A ratio times 1e18, as percent.
fn percent(ratio: U256) -> String {
    let whole = U256::from(10).saturating_pow(U256::from(18));
    figures::share(ratio, whole).unwrap_or_default()
}

/// Where a pool's liquidity lies.
pub(crate) fn concentration(names: &Names<'_>, pool: &PoolView) -> Option<Markup> {
    let call =
        MarketLens::concentrationCall { account: convert::address(pool.address), words: WORDS };
    let found = names.ask(MARKET_LENS, &call)?;
    Some(html! {
        @for (index, band) in found.bands.iter().enumerate() {
            @if index > 0 { ", " }
            (percent(band.share)) " within " (figures::percent_of_bps(u64::from(band.widthBps)))
        }
        " of the price"
        @if !found.isWhole { ", of the liquidity near it" }
    })
}

/// What a position would be worth at other prices, compared with holding what it is now.
pub(crate) fn scenarios(names: &Names<'_>, position: &PositionView, owner: &Address) -> Markup {
    let owner = convert::account(*owner);
    let Some(list) = ready(markets::scenarios(names.ledger(), position, &owner)) else {
        return html! {};
    };
    let [asset0, asset1] = pools::assets(&position.pool);
    let row = |one: &Scenario| {
        vec![
            html! { (figures::percent_of_bps(u64::from(one.price_bps))) },
            names.amount_in_words(&asset1, one.value),
            names.amount_in_words(&asset1, one.held),
            html! { (percent(one.loss)) },
        ]
    };
    let rows: Vec<_> = list.iter().map(row).collect();
    let heads = ["price, of now", "worth then", "if held instead", "impermanent loss"];
    html! {
        h2 { "If the price of " (names.symbol_plain(&asset0)) " changes" }
        (layout::list(&heads, &rows, "Nothing is known."))
        p class="quiet" { "Compared with holding both assets from now on, without the fees that are earned meanwhile." }
    }
}

/// What a stake pays in a year, where stake and reward are one token: between two it would need a price, which moves.
pub(crate) fn staking_yield(names: &Names<'_>, rewards: &RewardsView) -> Option<Markup> {
    let one = U256::from(10).saturating_pow(U256::from(36));
    let is_same = rewards.staking.address == rewards.reward.address;
    let found = ready(markets::rewards_figures(names.ledger(), &rewards.address, one));
    let found = found.filter(|_| is_same)?;
    Some(html! { (percent(found.apr)) " for what is staked now, without compounding" })
}
