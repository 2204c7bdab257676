//! What a number of a call or event counts: which token, or the answers of which feed.
//!
//! The interfaces have names and types for their numbers, and say in words what they count. Here those words are rules: by module, and by the name of the number.

use abi::{
    GRAIN, MasterChef, Module, NonfungiblePositionManager, RewardReserve, StakingRewards, Vault,
    uniswap_v2_pair,
    value::{Field, Value},
};
use alloy_primitives::{Address, I256, U256};

use crate::names::Names;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The smallest unit of a token.
    Token(Address),
    /// Answers of a price feed, with its decimals.
    Feed(Address),
}

/// A record of a call or event: its arguments, or a struct among them.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Which module.
    pub(crate) module: &'static Module,
    /// Where it answers.
    pub(crate) at: Address,
    /// The function or event.
    pub(crate) item: &'a str,
    /// The fields that stand together.
    pub(crate) fields: &'a [Field],
}

impl Record<'_> {
    fn value(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    fn address(&self, name: &str) -> Option<Address> {
        match self.value(name)? {
            Value::Address(address) => Some(*address),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<U256> {
        match self.value(name)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The first or last asset of a path, which is a list of addresses (v2) or bytes (v3).
    fn path_end(&self, end: End) -> Option<Address> {
        match self.value("path")? {
            Value::List(assets) => match end.of(assets)? {
                Value::Address(asset) => Some(*asset),
                _ => None,
            },
            Value::Bytes(bytes) => end.of(&assets_of_path(bytes)?).copied(),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

impl End {
    fn of<T>(self, list: &[T]) -> Option<&T> {
        match self {
            Self::First => list.first(),
            Self::Last => list.last(),
        }
    }
}

/// Assets of a v3 path at most: more stand in no path that is worth its gas.
const PATH_ASSETS_MAX: usize = 64;

/// The assets of a v3 path: 20 bytes each, with a fee of 3 bytes between them.
pub(crate) fn assets_of_path(path: &[u8]) -> Option<Vec<Address>> {
    let is_path = path.len() % 23 == 20 && path.len() / 23 < PATH_ASSETS_MAX;
    is_path
        .then(|| path.chunks(23).filter_map(|hop| hop.get(..20)).map(Address::from_slice).collect())
}

/// The fees between the assets of a v3 path, in millionths.
pub(crate) fn fees_of_path(path: &[u8]) -> Vec<u32> {
    let fee = |hop: &[u8]| match hop.get(20..23)? {
        [high, middle, low] => Some(u32::from_be_bytes([0, *high, *middle, *low])),
        _ => None,
    };
    path.chunks(23).filter_map(fee).collect()
}

/// What the number `name` of a record counts; `None` for what is no amount, or of something that is not known.
pub(crate) fn of(names: &Names<'_>, record: &Record<'_>, name: &str) -> Option<Unit> {
    let token = match record.module.name {
        "GRAIN" | "IssuedAsset" | "WrappedGrain" => own_shares(record, name),
        "UniswapV2Pair" | "UniswapV3Pool" => of_pool(names, record, name),
        "UniswapV2Router02" => of_v2_router(record, name),
        "SwapRouter" | "QuoterV2" => of_v3_router(record, name),
        "NonfungiblePositionManager" => of_positions(names, record, name),
        "StakingRewards" => of_staking(names, record, name),
        "MasterChef" | "MasterChefFactory" => of_farm(names, record, name),
        "Vault" | "FeeVault" => of_vault(names, record, name),
        "Treasury" if matches!(name, "amount" | "total" | "earned" | "freed") => {
            record.address("token")
        }
        "StakeHouse" | "Brake" => (name == "amount").then_some(GRAIN),
        "Governor" => governors(name),
        "RewardReserve" => match name {
            "value" => Some(record.at),
            "amount" if matches!(record.item, "mint" | "withdrawTo") => Some(record.at),
            "amount" => names.ask(record.at, &RewardReserve::underlyingCall {}),
            _ => None,
        },
        "PriceFeed" if matches!(name, "current" | "answer") => return Some(Unit::Feed(record.at)),
        "PriceFeeds" if matches!(name, "answer" | "answers") => {
            return record.address("feed").map(Unit::Feed);
        }
        _ => None,
    };
    token.map(Unit::Token)
}

/// What the Governor counts in GRAIN.
fn governors(name: &str) -> Option<Address> {
    let names = [
        "deposit",
        "oldProposalDeposit",
        "newProposalDeposit",
        "oldProposalThreshold",
        "newProposalThreshold",
        "stakeTotal",
        "stakeQuorum",
        "stakeWeight",
    ];
    names.contains(&name).then_some(GRAIN)
}

/// The amount of a token's own calls and events.
fn own_shares(record: &Record<'_>, name: &str) -> Option<Address> {
    matches!(name, "value" | "wad" | "amount").then_some(record.at)
}

fn of_pool(names: &Names<'_>, record: &Record<'_>, name: &str) -> Option<Address> {
    let side = |asset0: bool| {
        names.pair(&record.at).map(|[first, second]| if asset0 { first } else { second })
    };
    match name {
        "value" => Some(record.at),
        "amountSpecified" => {
            let is_input = match record.value(name)? {
                Value::Signed(amount) => *amount > I256::ZERO,
                _ => return None,
            };
            match record.value("zeroForOne")? {
                Value::Bool(zero_for_one) => side(*zero_for_one == is_input),
                _ => None,
            }
        }
        _ if names_side(name, '0') => side(true),
        _ if names_side(name, '1') => side(false),
        _ => None,
    }
}

/// Whether a name is that of an amount of asset 0 or 1: `amount0Out`, `reserve1`, `paid0`, `tokensOwed1`.
fn names_side(name: &str, side: char) -> bool {
    ["amount", "reserve", "paid", "tokensOwed"]
        .iter()
        .any(|start| name.strip_prefix(start).is_some_and(|rest| rest.starts_with(side)))
}

fn of_v2_router(record: &Record<'_>, name: &str) -> Option<Address> {
    let starts = |start: &str| name.starts_with(start);
    match name {
        "liquidity" => {
            let (a, b) = match (record.address("tokenA"), record.address("token")) {
                (Some(a), _) => (a, record.address("tokenB")?),
                (None, Some(token)) => (token, abi::WRAPPED_GRAIN),
                (None, None) => return None,
            };
            Some(uniswap_v2_pair(a, b))
        }
        _ if starts("amountToken") => record.address("token"),
        _ if starts("amountETH") => Some(GRAIN),
        _ if starts("amountIn") => record.path_end(End::First),
        _ if starts("amountOut") => record.path_end(End::Last),
        _ if starts("amountA") => record.address("tokenA"),
        _ if starts("amountB") => record.address("tokenB"),
        _ => None,
    }
}

fn of_v3_router(record: &Record<'_>, name: &str) -> Option<Address> {
    let (first, last) = match record.item {
        // A path of an exact output is written from its end.
        "exactOutput" | "quoteExactOutput" => (End::Last, End::First),
        _ => (End::First, End::Last),
    };
    match name {
        _ if name.starts_with("amountIn") => {
            record.address("tokenIn").or_else(|| record.path_end(first))
        }
        _ if name.starts_with("amountOut") => {
            record.address("tokenOut").or_else(|| record.path_end(last))
        }
        _ => of_payments(record, name),
    }
}

/// What router and position manager have in common.
fn of_payments(record: &Record<'_>, name: &str) -> Option<Address> {
    match (record.item, name) {
        ("unwrapWETH9" | "unwrapWETH9WithFee", "amountMinimum") => Some(GRAIN),
        ("sweepToken" | "sweepTokenWithFee", "amountMinimum") | (_, "value") => {
            record.address("token")
        }
        _ => None,
    }
}

fn of_positions(names: &Names<'_>, record: &Record<'_>, name: &str) -> Option<Address> {
    let side = |token: &str, asset0: bool| {
        record.address(token).or_else(|| {
            let position = position(names, record.number("tokenId")?)?;
            Some(if asset0 { position[0] } else { position[1] })
        })
    };
    match name {
        _ if names_side(name, '0') => side("token0", true),
        _ if names_side(name, '1') => side("token1", false),
        _ => of_payments(record, name),
    }
}

/// The assets of a position, as long as it exists.
fn position(names: &Names<'_>, number: U256) -> Option<[Address; 2]> {
    let call = NonfungiblePositionManager::positionsCall { tokenId: number };
    let position = names.ask(abi::UNISWAP_V3_POSITIONS, &call)?;
    Some([position.token0, position.token1])
}

fn of_staking(names: &Names<'_>, record: &Record<'_>, name: &str) -> Option<Address> {
    match (record.item, name) {
        (_, "reward") => names.ask(record.at, &StakingRewards::rewardsTokenCall {}),
        ("Recovered", "amount") => record.address("token"),
        (_, "amount") => names.ask(record.at, &StakingRewards::stakingTokenCall {}),
        (_, "tokenAmount") => record.address("tokenAddress"),
        _ => None,
    }
}

fn of_farm(names: &Names<'_>, record: &Record<'_>, name: &str) -> Option<Address> {
    match name {
        "amount" => {
            let call = MasterChef::poolInfoCall { pid: record.number("pid")? };
            names.ask(record.at, &call).map(|pool| pool.lpToken)
        }
        "rewardPerBlock" => record.address("underlying"),
        _ => None,
    }
}

fn of_vault(names: &Names<'_>, record: &Record<'_>, name: &str) -> Option<Address> {
    match name {
        "assets" | "payment" | "paymentMax" => names.ask(record.at, &Vault::assetCall {}),
        "shares" | "value" => Some(record.at),
        "amount" => record.address("token"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_v3_path_has_assets_and_fees() {
        let (a, b, c) = (Address::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
        let path =
            [a.as_slice(), &[0, 0x0b, 0xb8], b.as_slice(), &[0, 1, 0xf4], c.as_slice()].concat();
        assert_eq!(assets_of_path(&path), Some(vec![a, b, c]));
        assert_eq!(fees_of_path(&path), [3_000, 500]);
        assert_eq!(assets_of_path(&path[1..]), None);
        assert_eq!(assets_of_path(&[]), None);
        assert_eq!(assets_of_path(&vec![0; 20 + 23 * 1_000]), None);
    }

    #[test]
    fn sides_are_in_the_names() {
        for name in ["amount0", "amount0Out", "amount0Desired", "reserve0", "paid0", "tokensOwed0"]
        {
            assert!(names_side(name, '0') && !names_side(name, '1'), "{name}");
        }
        for name in ["amount", "amountSpecified", "token0", "liquidity"] {
            assert!(!names_side(name, '0') && !names_side(name, '1'), "{name}");
        }
    }
}
