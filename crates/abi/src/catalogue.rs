//! The catalogue: every native module, its addresses and its interface.
//!
//! Everything that displays or tests modules (explorer, error texts, fuzzing, `gleaner abi`) uses [`MODULES`], so
//! that a new module needs one file in `interfaces/` and one row below.

use std::sync::OnceLock;

use alloy_primitives::{Address, LogData};

use crate::{
    amount_text,
    interface::{Error, Interface, json_abi},
    solidity,
    value::{Decoded, Field, Value, arguments, event_values},
};

/// Declares the address constants, the `sol!` types of the interface files, and [`MODULES`].
macro_rules! modules {
    (
        shared [$($shared:tt)*];
        $($(#[$docs:meta])* $name:ident: $constant:ident = $place:tt, new [$($new:tt)*] shared [$($old:tt)*];)*
    ) => {
        $(modules!(@constant $(#[$docs])* $constant = $place);)*

        /// Every native module.
        pub static MODULES: [Module; modules!(@count $($name)*)] = [$(Module {
            name: stringify!($name),
            place: modules!(@place $constant $place),
            files: &[$(modules!(@file $new),)* $(modules!(@file $old),)* modules!(@file "interfaces/ModuleErrors.sol")],
            interfaces: OnceLock::new(),
        }),*];

        /// The types of each file in `interfaces/`, in a Rust module with the interface's name.
        #[expect(clippy::too_many_arguments, reason = "events of others have nine fields")]
        mod types {
            $(modules!(@types $shared);)*
            $($(modules!(@types $new);)*)*
        }
    };
    (@constant $(#[$docs:meta])* $constant:ident = (fixed $address:literal)) => {
        $(#[$docs])*
        pub const $constant: Address = alloy_primitives::address!($address);
    };
    (@constant $(#[$docs:meta])* $constant:ident = (numbered $prefix:literal)) => {
        $(#[$docs])*
        pub const $constant: [u8; 12] = alloy_primitives::hex!($prefix);
    };
    (@constant $(#[$docs:meta])* $constant:ident = (created $kind:literal)) => {
        $(#[$docs])*
        pub const $constant: &str = $kind;
    };
    (@place $constant:ident (fixed $address:literal)) => { Place::Fixed($constant) };
    (@place $constant:ident (numbered $prefix:literal)) => { Place::Numbered($constant) };
    (@place $constant:ident (created $kind:literal)) => { Place::Created($constant) };
    (@file $file:tt) => { ($file, include_str!(concat!("../", $file))) };
    (@types $file:tt) => {
        alloy_sol_types::sol! {
            #![sol(extra_derives(Debug, PartialEq, Eq))]
            $file
        }
    };
    (@count $($name:ident)*) => { [$(stringify!($name)),*].len() };
}

// One row per module: name, constant and place; its own interface files; interface files that it shares.
modules! {
    shared ["interfaces/ModuleErrors.sol" "interfaces/Erc20.sol" "interfaces/Shares.sol" "interfaces/Votes.sol" "interfaces/GovernorCore.sol"];
    /// Where [`Devices`] answers.
    Devices: DEVICES = (fixed "0x6c00000000000000000000000000000000000001"), new ["interfaces/Devices.sol"] shared [];
    /// Where [`TrainingRuns`] answers; its balance is the escrow of all runs.
    TrainingRuns: TRAINING_RUNS = (fixed "0x6c00000000000000000000000000000000000002"), new ["interfaces/TrainingRuns.sol"] shared [];
    /// Where GRAIN answers [`Erc20`].
    GRAIN: GRAIN = (fixed "0x6c00000000000000000000000000000000000003"), new [] shared ["interfaces/Erc20.sol"];
    /// Where [`Assets`] answers.
    Assets: ASSETS = (fixed "0x6c00000000000000000000000000000000000004"), new ["interfaces/Assets.sol"] shared [];
    /// Where [`Referees`] answers.
    Referees: REFEREES = (fixed "0x6c00000000000000000000000000000000000005"), new ["interfaces/Referees.sol"] shared [];
    /// First 12 bytes of the address of every asset that [`Assets`] created; its number follows.
    IssuedAsset: ASSET_PREFIX = (numbered "0x6ca55e700000000000000000"), new ["interfaces/IssuedAsset.sol"] shared ["interfaces/Erc20.sol"];
    /// Where [`UniswapV2Factory`] answers.
    UniswapV2Factory: UNISWAP_V2_FACTORY = (fixed "0x6c00000000000000000000000000000000000006"), new ["interfaces/UniswapV2Factory.sol"] shared [];
    /// The kind of a [`UniswapV2Pair`].
    UniswapV2Pair: UNISWAP_V2_PAIR = (created "uniswap-v2-pair"), new ["interfaces/UniswapV2Pair.sol"] shared [];
    /// Where [`UniswapV2Router02`] answers.
    UniswapV2Router02: UNISWAP_V2_ROUTER = (fixed "0x6c00000000000000000000000000000000000007"), new ["interfaces/UniswapV2Router02.sol"] shared [];
    /// Where [`WrappedGrain`] answers; its balance is what all wrapped GRAIN is backed by.
    WrappedGrain: WRAPPED_GRAIN = (fixed "0x6c00000000000000000000000000000000000008"), new ["interfaces/WrappedGrain.sol"] shared [];
    /// Where [`UniswapV3Factory`] answers.
    UniswapV3Factory: UNISWAP_V3_FACTORY = (fixed "0x6c00000000000000000000000000000000000009"), new ["interfaces/UniswapV3Factory.sol"] shared [];
    /// The kind of a [`UniswapV3Pool`].
    UniswapV3Pool: UNISWAP_V3_POOL = (created "UniswapV3Pool"), new ["interfaces/UniswapV3Pool.sol"] shared [];
    /// Where [`SwapRouter`] answers.
    SwapRouter: UNISWAP_V3_ROUTER = (fixed "0x6c0000000000000000000000000000000000000a"), new ["interfaces/SwapRouter.sol"] shared [];
    /// Where [`QuoterV2`] answers.
    QuoterV2: UNISWAP_V3_QUOTER = (fixed "0x6c0000000000000000000000000000000000000b"), new ["interfaces/QuoterV2.sol"] shared [];
    /// Where [`TickLens`] answers.
    TickLens: UNISWAP_V3_TICK_LENS = (fixed "0x6c0000000000000000000000000000000000000c"), new ["interfaces/TickLens.sol"] shared [];
    /// Where [`NonfungiblePositionManager`] answers.
    NonfungiblePositionManager: UNISWAP_V3_POSITIONS = (fixed "0x6c0000000000000000000000000000000000000d"), new ["interfaces/NonfungiblePositionManager.sol"] shared [];
    /// Where [`VaultFactory`] answers.
    VaultFactory: VAULT_FACTORY = (fixed "0x6c0000000000000000000000000000000000000e"), new ["interfaces/VaultFactory.sol"] shared [];
    /// The kind of a [`Vault`].
    Vault: VAULT = (created "vault"), new ["interfaces/Vault.sol"] shared ["interfaces/Shares.sol"];
    /// The kind of a [`FeeVault`].
    FeeVault: FEE_VAULT = (created "fee vault"), new ["interfaces/FeeVault.sol"] shared ["interfaces/Vault.sol" "interfaces/Shares.sol"];
    /// Where [`StakingRewardsFactory`] answers.
    StakingRewardsFactory: STAKING_REWARDS_FACTORY = (fixed "0x6c0000000000000000000000000000000000000f"), new ["interfaces/StakingRewardsFactory.sol"] shared [];
    /// The kind of a [`StakingRewards`].
    StakingRewards: STAKING_REWARDS = (created "staking rewards"), new ["interfaces/StakingRewards.sol"] shared [];
    /// Where [`MasterChefFactory`] answers.
    MasterChefFactory: MASTER_CHEF_FACTORY = (fixed "0x6c00000000000000000000000000000000000010"), new ["interfaces/MasterChefFactory.sol"] shared [];
    /// The kind of a [`MasterChef`].
    MasterChef: MASTER_CHEF = (created "master chef"), new ["interfaces/MasterChef.sol"] shared [];
    /// The kind of a [`RewardReserve`].
    RewardReserve: REWARD_RESERVE = (created "reward reserve"), new ["interfaces/RewardReserve.sol"] shared ["interfaces/Shares.sol"];
    /// Where [`MarketLens`] answers.
    MarketLens: MARKET_LENS = (fixed "0x6c00000000000000000000000000000000000011"), new ["interfaces/MarketLens.sol"] shared [];
    /// Where [`PriceFeeds`] answers.
    PriceFeeds: PRICE_FEEDS = (fixed "0x6c00000000000000000000000000000000000012"), new ["interfaces/PriceFeeds.sol"] shared [];
    /// First 12 bytes of the address of every feed that [`PriceFeeds`] created; its number follows.
    PriceFeed: PRICE_FEED_PREFIX = (numbered "0x6cfeed000000000000000000"), new ["interfaces/PriceFeed.sol"] shared [];
    /// Where [`StakeHouse`] answers; its balance is what is deposited.
    StakeHouse: STAKE_HOUSE = (fixed "0x6c00000000000000000000000000000000000013"), new ["interfaces/StakeHouse.sol"] shared ["interfaces/Votes.sol"];
    /// Where [`WorkHouse`] answers.
    WorkHouse: WORK_HOUSE = (fixed "0x6c00000000000000000000000000000000000014"), new ["interfaces/WorkHouse.sol"] shared ["interfaces/Votes.sol"];
    /// Where [`Governor`] answers: the only account that may change what votes decide.
    Governor: GOVERNOR = (fixed "0x6c00000000000000000000000000000000000015"), new ["interfaces/Governor.sol"] shared ["interfaces/GovernorCore.sol"];
    /// Where [`GovernorFactory`] answers.
    GovernorFactory: GOVERNOR_FACTORY = (fixed "0x6c00000000000000000000000000000000000016"), new ["interfaces/GovernorFactory.sol"] shared [];
    /// The kind of a [`TokenGovernor`].
    TokenGovernor: TOKEN_GOVERNOR = (created "governor"), new ["interfaces/TokenGovernor.sol"] shared ["interfaces/GovernorCore.sol"];
    /// Where [`Parameters`] answers.
    Parameters: PARAMETERS = (fixed "0x6c00000000000000000000000000000000000017"), new ["interfaces/Parameters.sol"] shared [];
    /// Where [`Treasury`] answers; its balance is what votes may spend.
    Treasury: TREASURY = (fixed "0x6c00000000000000000000000000000000000018"), new ["interfaces/Treasury.sol"] shared [];
    /// Where [`Brake`] answers; its balance is what is locked against proposals.
    Brake: BRAKE = (fixed "0x6c0000000000000000000000000000000000001a"), new ["interfaces/Brake.sol"] shared [];
    /// Where [`Juries`] answers.
    Juries: JURIES = (fixed "0x6c0000000000000000000000000000000000001b"), new ["interfaces/Juries.sol"] shared [];
    /// Where [`Breakers`] answers.
    Breakers: BREAKERS = (fixed "0x6c0000000000000000000000000000000000001c"), new ["interfaces/Breakers.sol"] shared [];
    /// Where [`Issuance`] answers; its balance is the bonds of claims that are not drawn.
    Issuance: ISSUANCE = (fixed "0x6c00000000000000000000000000000000000019"), new ["interfaces/Issuance.sol"] shared [];
    /// Where [`Revisions`] answers.
    Revisions: REVISIONS = (fixed "0x6c0000000000000000000000000000000000001d"), new ["interfaces/Revisions.sol"] shared [];
}

pub use types::*;

/// The name, addresses and interface of a native module.
#[derive(Debug)]
pub struct Module {
    /// Its name, as in the explorer and in `gleaner abi`.
    pub name: &'static str,
    /// Its address or addresses.
    pub place: Place,
    /// Paths and texts of its interface files; the last declares the errors that every module may return.
    pub files: &'static [(&'static str, &'static str)],
    /// The parsed files.
    pub(crate) interfaces: OnceLock<Vec<Interface>>,
}

/// The address or addresses of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One address.
    Fixed(Address),
    /// Addresses of instances: these bytes, followed by a number from 1 on.
    Numbered([u8; 12]),
    /// Addresses of instances that a factory has created, by its formula; their code names this kind.
    Created(&'static str),
}

impl Place {
    /// Returns whether the module answers there, now or once the instance is created: as far as the address tells.
    #[must_use]
    pub fn holds(&self, address: &Address) -> bool {
        match self {
            Self::Fixed(fixed) => fixed == address,
            Self::Numbered(prefix) => address.starts_with(prefix),
            // Only the account's code says so.
            Self::Created(_) => false,
        }
    }

    /// Returns its address, or that of the instance with that number; `None` where the address does not follow from a number.
    #[must_use]
    pub fn address(&self, number: u64) -> Option<Address> {
        match self {
            Self::Fixed(fixed) => Some(*fixed),
            Self::Numbered(prefix) => Some(numbered(prefix, number)),
            Self::Created(_) => None,
        }
    }
}

/// Returns the address of the instance with that number.
pub(crate) fn numbered(prefix: &[u8; 12], number: u64) -> Address {
    let mut bytes = [0; 20];
    let (start, end) = bytes.split_at_mut(12);
    start.copy_from_slice(prefix);
    end.copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

impl Module {
    /// Returns the module that answers at an address, now or once the instance is created.
    #[must_use]
    pub fn at(address: &Address) -> Option<&'static Self> {
        MODULES.iter().find(|module| module.place.holds(address))
    }

    /// Returns the module that answers at an account with this code; `None` for any other account. Instances that a factory has created are
    /// known by their code only, which is `0xef` and their kind.
    #[must_use]
    pub fn of(address: &Address, code: &[u8]) -> Option<&'static Self> {
        match code {
            [0xfe] => Self::at(address),
            [0xef, kind @ ..] => MODULES
                .iter()
                .find(|module| matches!(module.place, Place::Created(of) if of.as_bytes() == kind)),
            _ => None,
        }
    }

    /// Returns the module of that name; case does not matter.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        MODULES.iter().find(|module| module.name.eq_ignore_ascii_case(name))
    }

    /// Returns its interfaces, with that of the errors which any module may answer.
    ///
    /// # Panics
    /// When an interface file can't be parsed: a test parses them all.
    pub fn interfaces(&self) -> &[Interface] {
        self.interfaces.get_or_init(|| {
            let read = |(path, text): &(&str, &str)| {
                solidity::read(text).unwrap_or_else(|error| panic!("{path}: {error}"))
            };
            self.files.iter().flat_map(read).collect()
        })
    }

    /// Returns the comment of its first interface.
    #[must_use]
    pub fn about(&self) -> &str {
        self.interfaces().first().map_or("", |interface| interface.docs.as_str())
    }

    /// Returns its JSON ABI, as any Ethereum library takes it.
    #[must_use]
    pub fn json_abi(&self) -> String {
        json_abi(self.interfaces())
    }

    /// Returns its interface files joined into one that solc compiles.
    #[must_use]
    pub fn solidity(&self) -> String {
        let mut whole = String::new();
        for (_, text) in self.files {
            // Licence and pragma are kept once.
            let declarations = text.find("\n\n").and_then(|end| text.get(end..));
            whole.push_str(if whole.is_empty() { text } else { declarations.unwrap_or(text) });
        }
        whole
    }

    /// Returns the selectors of its functions.
    pub fn selectors(&self) -> impl Iterator<Item = [u8; 4]> {
        self.interfaces()
            .iter()
            .flat_map(|interface| &interface.functions)
            .map(|call| call.selector)
    }

    /// Decodes calldata. `None` when it is not a call of this module.
    #[must_use]
    pub fn decode_call(&self, data: &[u8]) -> Option<Decoded> {
        let (selector, data) = data.split_first_chunk()?;
        let mut functions = self.interfaces().iter().flat_map(|interface| &interface.functions);
        let function = functions.find(|function| function.selector == *selector)?;
        let fields = arguments(&function.inputs, data)?;
        Some(Decoded { name: function.name.clone(), fields })
    }

    /// Decodes a log entry. `None` when it is not an event of this module.
    #[must_use]
    pub fn decode_event(&self, log: &LogData) -> Option<Decoded> {
        let (topic, topics) = log.topics().split_first()?;
        let mut events = self.interfaces().iter().flat_map(|interface| &interface.events);
        let event = events.find(|event| event.topic == *topic)?;
        let fields = event_values(&event.inputs, topics, &log.data)?;
        Some(Decoded { name: event.name.clone(), fields })
    }

    fn error(&self, selector: [u8; 4]) -> Option<&Error> {
        let mut errors = self.interfaces().iter().flat_map(|interface| &interface.errors);
        errors.find(|error| error.selector == selector)
    }
}

/// Decodes the revert data of a native module: the error, and a sentence for people. `None` when no module has this error.
#[must_use]
pub fn decode_error(data: &[u8]) -> Option<(Decoded, String)> {
    let (selector, data) = data.split_first_chunk()?;
    MODULES.iter().find_map(|module| {
        let error = module.error(*selector)?;
        let fields = arguments(&error.inputs, data)?;
        let words = sentence(error, &fields);
        Some((Decoded { name: error.name.clone(), fields }, words))
    })
}

/// Returns the comment of an error with its values in their places. `{name}` is a value as it is, `{name:grain}` an amount of wei in GRAIN, `{name:plain}`
/// bytes without `0x`, as devices are written.
fn sentence(error: &Error, fields: &[Field]) -> String {
    let mut words = String::new();
    let mut rest = error.docs.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        let (name, form) = place.split_once(':').unwrap_or((place, ""));
        words.push_str(before);
        match fields.iter().find(|field| field.name == name) {
            Some(field) => words.push_str(&in_form(&field.value, form)),
            None => words.push_str(place),
        }
        rest = after;
    }
    words.push_str(rest);
    words
}

fn in_form(value: &Value, form: &str) -> String {
    match (form, value) {
        ("grain", Value::Number(wei)) => amount_text(*wei, 18),
        ("plain", Value::Bytes(bytes)) => alloy_primitives::hex::encode(bytes),
        (_, Value::Text(text)) => text.clone(),
        (_, value) => value.to_string(),
    }
}
