//! All native modules, one row each.

use abi::{
    ASSETS, BRAKE, BREAKERS, DEVICES, GOVERNOR, GOVERNOR_FACTORY, GRAIN, ISSUANCE, JURIES,
    MARKET_LENS, MASTER_CHEF_FACTORY, PARAMETERS, PRICE_FEEDS, REFEREES, REVISIONS, STAKE_HOUSE,
    STAKING_REWARDS_FACTORY, TRAINING_RUNS, TREASURY, UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER,
    UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER,
    UNISWAP_V3_TICK_LENS, VAULT_FACTORY, WORK_HOUSE, WRAPPED_GRAIN, asset_number,
    price_feed_number,
};
use alloy_primitives::Address;
use native_kit::{Module, OnReentry, Place};

use crate::{
    assets, brake, breakers, devices, erc20, governor, grain, houses, issuance, juries,
    market_lens, master_chef, parameters, price_feeds, referees, revisions, shares,
    staking_rewards, training_runs, treasury, uniswap_v2, uniswap_v3, vault, wrapped_grain,
};

/// First bytes of the addresses of modules; one more follows.
const MODULES_PREFIX: [u8; 19] = {
    let mut prefix = [0; 19];
    prefix[0] = 0x6c;
    prefix
};

/// The newest revision of the rules that this program knows. A new module, or a changed rule, raises it; see
/// `docs/revisions.md`.
pub const NEWEST_REVISION: u32 = 5;

/// The revision from which markets read no slot before a refusal that the contract does not read, and write no slot that they write again: then no call
/// costs more gas than the contract's. Blocks of revision 2 keep their gas.
pub(crate) const LEAN_MARKETS: u32 = 3;

/// All native modules of the ledger.
pub const TABLE: &[Module] = &[
    Module {
        name: "Devices",
        place: Place::At(DEVICES),
        since: 1,
        functions: &[devices::FUNCTIONS],
        entrance: devices::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "TrainingRuns",
        place: Place::At(TRAINING_RUNS),
        since: 1,
        functions: &[training_runs::FUNCTIONS],
        entrance: training_runs::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "GRAIN",
        place: Place::At(GRAIN),
        since: 1,
        functions: &[erc20::FUNCTIONS],
        entrance: grain::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Assets",
        place: Place::At(ASSETS),
        since: 1,
        functions: &[assets::FUNCTIONS],
        entrance: assets::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Referees",
        place: Place::At(REFEREES),
        since: 1,
        functions: &[referees::FUNCTIONS],
        entrance: referees::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "IssuedAsset",
        place: Place::Reserved(is_asset),
        since: 1,
        functions: &[erc20::FUNCTIONS, assets::issued::FUNCTIONS],
        entrance: assets::issued::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "UniswapV2Factory",
        place: Place::At(UNISWAP_V2_FACTORY),
        since: 2,
        functions: &[uniswap_v2::FACTORY_FUNCTIONS],
        entrance: uniswap_v2::call_factory,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "UniswapV2Pair",
        place: Place::Instances(&uniswap_v2::PAIR_CODE),
        since: 2,
        functions: &[uniswap_v2::PAIR_FUNCTIONS],
        entrance: uniswap_v2::call_pair,
        on_reentry: OnReentry::Message("UniswapV2: LOCKED"),
    },
    Module {
        name: "UniswapV2Router02",
        place: Place::At(UNISWAP_V2_ROUTER),
        since: 2,
        functions: &[uniswap_v2::ROUTER_FUNCTIONS],
        entrance: uniswap_v2::call_router,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "WrappedGrain",
        place: Place::At(WRAPPED_GRAIN),
        since: 2,
        functions: &[wrapped_grain::FUNCTIONS],
        entrance: wrapped_grain::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "UniswapV3Factory",
        place: Place::At(UNISWAP_V3_FACTORY),
        since: 2,
        functions: &[uniswap_v3::factory::FUNCTIONS],
        entrance: uniswap_v3::factory::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "UniswapV3Pool",
        place: Place::Instances(&uniswap_v3::POOL_CODE),
        since: 2,
        functions: &[uniswap_v3::pool::FUNCTIONS],
        entrance: uniswap_v3::pool::call,
        on_reentry: OnReentry::Message("LOK"),
    },
    Module {
        name: "SwapRouter",
        place: Place::At(UNISWAP_V3_ROUTER),
        since: 2,
        functions: &[uniswap_v3::router::FUNCTIONS],
        entrance: uniswap_v3::router::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "QuoterV2",
        place: Place::At(UNISWAP_V3_QUOTER),
        since: 2,
        functions: &[uniswap_v3::quoter::FUNCTIONS],
        entrance: uniswap_v3::quoter::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "TickLens",
        place: Place::At(UNISWAP_V3_TICK_LENS),
        since: 2,
        functions: &[uniswap_v3::lens::FUNCTIONS],
        entrance: uniswap_v3::lens::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "NonfungiblePositionManager",
        place: Place::At(UNISWAP_V3_POSITIONS),
        since: 2,
        functions: &[uniswap_v3::positions::FUNCTIONS],
        entrance: uniswap_v3::positions::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "VaultFactory",
        place: Place::At(VAULT_FACTORY),
        since: 2,
        functions: &[vault::factory::FUNCTIONS],
        entrance: vault::factory::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Vault",
        place: Place::Instances(&vault::CODE),
        since: 2,
        functions: &[vault::FUNCTIONS, shares::FUNCTIONS],
        entrance: vault::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "FeeVault",
        place: Place::Instances(&vault::fees::CODE),
        since: 2,
        functions: &[vault::fees::FUNCTIONS, &vault::VIEWS, &vault::CHANGES, shares::FUNCTIONS],
        entrance: vault::fees::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "StakingRewardsFactory",
        place: Place::At(STAKING_REWARDS_FACTORY),
        since: 2,
        functions: &[staking_rewards::factory::FUNCTIONS],
        entrance: staking_rewards::factory::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "StakingRewards",
        place: Place::Instances(&staking_rewards::CODE),
        since: 2,
        functions: &[staking_rewards::FUNCTIONS],
        entrance: staking_rewards::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "MasterChefFactory",
        place: Place::At(MASTER_CHEF_FACTORY),
        since: 2,
        functions: &[master_chef::factory::FUNCTIONS],
        entrance: master_chef::factory::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "MasterChef",
        place: Place::Instances(&master_chef::CODE),
        since: 2,
        functions: &[master_chef::FUNCTIONS],
        entrance: master_chef::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "RewardReserve",
        place: Place::Instances(&master_chef::reserve::CODE),
        since: 2,
        functions: &[master_chef::reserve::FUNCTIONS, shares::FUNCTIONS],
        entrance: master_chef::reserve::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "MarketLens",
        place: Place::At(MARKET_LENS),
        since: 2,
        functions: &[market_lens::FUNCTIONS],
        entrance: market_lens::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "PriceFeeds",
        place: Place::At(PRICE_FEEDS),
        since: price_feeds::SINCE,
        functions: &[price_feeds::FUNCTIONS],
        entrance: price_feeds::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "PriceFeed",
        place: Place::Reserved(is_price_feed),
        since: 2,
        functions: &[price_feeds::feed::FUNCTIONS],
        entrance: price_feeds::feed::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "StakeHouse",
        place: Place::At(STAKE_HOUSE),
        since: houses::SINCE,
        functions: &[houses::stake::FUNCTIONS, houses::FUNCTIONS],
        entrance: houses::stake::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "WorkHouse",
        place: Place::At(WORK_HOUSE),
        since: houses::SINCE,
        functions: &[houses::work::FUNCTIONS, houses::FUNCTIONS],
        entrance: houses::work::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Governor",
        place: Place::At(GOVERNOR),
        since: governor::SINCE,
        functions: &[governor::houses::FUNCTIONS, governor::FUNCTIONS],
        entrance: governor::houses::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "GovernorFactory",
        place: Place::At(GOVERNOR_FACTORY),
        since: governor::SINCE,
        functions: &[governor::factory::FUNCTIONS],
        entrance: governor::factory::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "TokenGovernor",
        place: Place::Instances(&governor::token::CODE),
        since: governor::SINCE,
        functions: &[governor::token::FUNCTIONS, governor::FUNCTIONS],
        entrance: governor::token::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Parameters",
        place: Place::At(PARAMETERS),
        since: parameters::SINCE,
        functions: &[parameters::FUNCTIONS],
        entrance: parameters::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Treasury",
        place: Place::At(TREASURY),
        since: parameters::SINCE,
        functions: &[treasury::FUNCTIONS],
        entrance: treasury::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Brake",
        place: Place::At(BRAKE),
        since: parameters::SINCE,
        functions: &[brake::FUNCTIONS],
        entrance: brake::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Juries",
        place: Place::At(JURIES),
        since: parameters::SINCE,
        functions: &[juries::FUNCTIONS],
        entrance: juries::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Breakers",
        place: Place::At(BREAKERS),
        since: parameters::SINCE,
        functions: &[breakers::FUNCTIONS],
        entrance: breakers::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Issuance",
        place: Place::At(ISSUANCE),
        since: issuance::SINCE,
        functions: &[issuance::FUNCTIONS],
        entrance: issuance::call,
        on_reentry: OnReentry::Error,
    },
    Module {
        name: "Revisions",
        place: Place::At(REVISIONS),
        since: revisions::SINCE,
        functions: &[revisions::FUNCTIONS],
        entrance: revisions::call,
        on_reentry: OnReentry::Error,
    },
];

fn is_asset(address: &Address) -> bool {
    asset_number(address).is_some()
}

fn is_price_feed(address: &Address) -> bool {
    price_feed_number(address).is_some()
}

/// Returns whether an address is reserved for modules, now or later: modules have the addresses from `0x6c00…00` to
/// `0x6c00…ff` in every revision, and the contracts that they create have others. No genesis file may put an account
/// there, so that a new module finds its storage empty.
#[must_use]
pub fn is_reserved(address: &Address) -> bool {
    let is_of_modules = address.starts_with(&MODULES_PREFIX);
    is_of_modules
        || TABLE.iter().any(|module| match module.place {
            Place::At(place) => place == *address,
            Place::Reserved(is_reserved) => is_reserved(address),
            Place::Instances(_) => false,
        })
}
