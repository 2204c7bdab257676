//! A ledger with two assets, a pair and a pool of them, an account and a contract that trade.

use std::path::Path;

use abi::{
    ASSETS, Assets as AssetsModule, Erc20, IssuedAsset, NonfungiblePositionManager as Manager,
    UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS,
    UNISWAP_V3_ROUTER, UniswapV2Router02 as Router, WRAPPED_GRAIN,
};
use alloy_primitives::{
    Address, Bytes, U256,
    aliases::{I24, U24},
};
use alloy_sol_types::{SolCall, SolValue as _, sol};
use amm::concentrated::sqrt_price_at_tick;
use execution::ModuleTable;
use native_kit::{MODULE_CODE, Module};

use crate::{
    Sent,
    twin::{Ledger, Outcome, Step, decoded},
    world::{OWNER, empty, places},
};

sol! {
    /// What the contract offers that makes calls.
    interface Caller {
        struct Do { address to; bytes data; }
        function repeat(Do[] calldata calls, uint256 count) external;
    }
}

pub(crate) const ACCOUNT: Address = Address::repeat_byte(0xee);
pub(crate) const FEE: U24 = U24::from_limbs([3_000]);
/// The tick at which the pool begins, between two initialized ones.
pub(crate) const TICK: i32 = 30;
/// Initialized ticks below it, each a spacing apart: 0, -60, -120 and so on.
const TICKS: i32 = 12;
const SPACING: i32 = 60;
const UPPER: i32 = 6_000;
/// Assets of the account, and of the contract.
const BALANCE: u128 = 1 << 115;
/// Assets in the pair and in each position.
const POOLED: u128 = 1 << 90;
/// The time of all blocks: a pool's observation of it is written when it is made.
const NOW: u64 = 1_800_000_000;

/// Creation code.
pub(crate) struct Codes {
    plain: Bytes,
    caller: Bytes,
    v2_factory: Bytes,
    v2_router: Bytes,
    v3_factory: Bytes,
    v3_router: Bytes,
    v3_positions: Bytes,
}

impl Codes {
    pub(crate) fn new(folder: &Path) -> Self {
        let read = |name: &str| {
            let path = folder.join(format!("{name}.hex"));
            let text = std::fs::read_to_string(&path);
            decoded(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        };
        Self {
            plain: read("plain"),
            caller: read("caller"),
            v2_factory: read("v2_factory"),
            v2_router: read("v2_router"),
            v3_factory: read("v3_factory"),
            v3_router: read("v3_router"),
            v3_positions: read("v3_positions"),
        }
    }
}

/// What is traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assets {
    /// Bytecode of a plain ERC-20.
    Deployed,
    /// Issued assets of the ledger.
    Issued,
}

impl Assets {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deployed => "deployed ERC-20",
            Self::Issued => "issued asset",
        }
    }
}

pub(crate) struct Scene {
    pub(crate) ledger: Ledger,
    pub(crate) assets: Assets,
    /// The contract that repeats calls.
    pub(crate) caller: Address,
    /// The assets, in the order of a pool.
    pub(crate) tokens: (Address, Address),
}

impl Scene {
    /// Returns a ledger on which account and contract may trade at once.
    pub(crate) fn new(mut ledger: Ledger, codes: &Codes, assets: Assets) -> Self {
        let caller = ledger.deploy(codes.caller.clone());
        let made: Vec<Address> = (0..2)
            .map(|_| match assets {
                Assets::Deployed => ledger.deploy(codes.plain.clone()),
                Assets::Issued => issue(&mut ledger),
            })
            .collect();
        let tokens = (made[0].min(made[1]), made[0].max(made[1]));
        let mut scene = Self { ledger, assets, caller, tokens };
        for token in [tokens.0, tokens.1] {
            for holder in [ACCOUNT, caller] {
                let call = Erc20::transferCall { to: holder, value: U256::from(BALANCE) };
                scene.done(OWNER, token, &call);
                for spender in [UNISWAP_V2_ROUTER, UNISWAP_V3_ROUTER, UNISWAP_V3_POSITIONS] {
                    let call = Erc20::approveCall { spender, value: U256::MAX };
                    scene.by(holder, token, &call);
                }
            }
        }
        for holder in [ACCOUNT, caller] {
            let call = scene.add_liquidity(holder, POOLED);
            scene.by(holder, UNISWAP_V2_ROUTER, &call);
        }
        let call = Manager::createAndInitializePoolIfNecessaryCall {
            token0: tokens.0,
            token1: tokens.1,
            fee: FEE,
            sqrtPriceX96: sqrt_price_at_tick(TICK).expect("a tick"),
        };
        scene.done(ACCOUNT, UNISWAP_V3_POSITIONS, &call);
        for number in 0..TICKS {
            let call = scene.mint(ACCOUNT, -SPACING * number, POOLED);
            scene.done(ACCOUNT, UNISWAP_V3_POSITIONS, &call);
        }
        scene
    }

    /// Executes a call and keeps what it changes.
    pub(crate) fn execute(&mut self, from: Address, to: Address, data: &[u8]) -> Outcome {
        let data = Bytes::copy_from_slice(data);
        self.ledger.execute(&Step { time: NOW, from, to, value: U256::ZERO, data })
    }

    /// Executes a call that succeeds, and returns its output.
    pub(crate) fn done<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> C::Return {
        let outcome = self.execute(from, to, &call.abi_encode());
        assert!(outcome.is_done, "{}: {}", C::SIGNATURE, outcome.output);
        C::abi_decode_returns(&outcome.output).expect("the output is the function's")
    }

    /// Lets an account, or the contract, make a call.
    pub(crate) fn by<C: SolCall>(&mut self, who: Address, to: Address, call: &C) {
        if who == self.caller {
            let data = repeat(&[(to, call.abi_encode().into())], 1);
            let outcome = self.execute(ACCOUNT, who, &data);
            assert!(outcome.is_done, "{}: {}", C::SIGNATURE, outcome.output);
        } else {
            self.done(who, to, call);
        }
    }

    pub(crate) fn add_liquidity(&self, to: Address, amount: u128) -> Router::addLiquidityCall {
        Router::addLiquidityCall {
            tokenA: self.tokens.0,
            tokenB: self.tokens.1,
            amountADesired: U256::from(amount),
            amountBDesired: U256::from(amount),
            amountAMin: U256::ZERO,
            amountBMin: U256::ZERO,
            to,
            deadline: U256::MAX,
        }
    }

    /// Returns the call that makes a position from `lower` up.
    pub(crate) fn mint(&self, recipient: Address, lower: i32, amount: u128) -> Manager::mintCall {
        Manager::mintCall {
            params: Manager::MintParams {
                token0: self.tokens.0,
                token1: self.tokens.1,
                fee: FEE,
                tickLower: tick(lower),
                tickUpper: tick(UPPER),
                amount0Desired: U256::from(amount),
                amount1Desired: U256::from(amount),
                amount0Min: U256::ZERO,
                amount1Min: U256::ZERO,
                recipient,
                deadline: U256::MAX,
            },
        }
    }
}

/// Returns a ledger with the contracts at the addresses of the modules.
pub(crate) fn reference(codes: &Codes) -> Ledger {
    let table = without_uniswap();
    let mut ledger = empty(table, table.newest());
    for module in places(table) {
        ledger.put(module, Bytes::from_static(&MODULE_CODE));
    }
    let v2 = (UNISWAP_V2_FACTORY, WRAPPED_GRAIN).abi_encode();
    let v3 = (UNISWAP_V3_FACTORY, WRAPPED_GRAIN).abi_encode();
    let described = (UNISWAP_V3_FACTORY, WRAPPED_GRAIN, Address::ZERO).abi_encode();
    for (code, arguments, place) in [
        (&codes.v2_factory, OWNER.abi_encode(), UNISWAP_V2_FACTORY),
        (&codes.v2_router, v2, UNISWAP_V2_ROUTER),
        (&codes.v3_factory, Vec::new(), UNISWAP_V3_FACTORY),
        (&codes.v3_router, v3, UNISWAP_V3_ROUTER),
        (&codes.v3_positions, described, UNISWAP_V3_POSITIONS),
    ] {
        let deployed = ledger.deploy([&code[..], &arguments].concat().into());
        ledger.move_to(deployed, place);
    }
    // What is deployed afterwards has the addresses that it has on the other ledger.
    ledger.database().cache.accounts.remove(&OWNER);
    ledger
}

fn without_uniswap() -> ModuleTable {
    let is_other = |row: &Module| {
        !row.name.starts_with("Uniswap")
            && !["SwapRouter", "QuoterV2", "TickLens", "NonfungiblePositionManager"]
                .contains(&row.name)
    };
    let rows: Vec<Module> =
        execution::MODULES.rows().iter().copied().filter(|row| is_other(row)).collect();
    ModuleTable::new(Box::leak(rows.into_boxed_slice()))
}

/// Creates an asset of the ledger, and mints what is traded.
fn issue(ledger: &mut Ledger) -> Address {
    let terms = AssetsModule::Terms {
        name: "Barley".into(),
        symbol: "BAR".into(),
        decimals: 18,
        cap: U256::MAX,
        uri: String::new(),
        issuer: OWNER,
        pausable: false,
        burnable: false,
        transferable: false,
        renounceable: false,
    };
    let create = AssetsModule::createCall { terms }.abi_encode();
    let mut execute = |to: Address, data: Vec<u8>| {
        let step = Step { time: NOW, from: OWNER, to, value: U256::ZERO, data: data.into() };
        let outcome = ledger.execute(&step);
        assert!(outcome.is_done, "{}", outcome.output);
        outcome.output
    };
    let asset = Address::abi_decode(&execute(ASSETS, create)).expect("an address");
    let value = U256::from(BALANCE) << 2_usize;
    execute(asset, IssuedAsset::mintCall { to: OWNER, value }.abi_encode());
    asset
}

/// Returns calldata with which the contract makes calls, `count` times each.
pub(crate) fn repeat(calls: &[Sent], count: u64) -> Vec<u8> {
    let calls = calls.iter().map(|(to, data)| Caller::Do { to: *to, data: data.clone() }).collect();
    Caller::repeatCall { calls, count: U256::from(count) }.abi_encode()
}

pub(crate) fn tick(tick: i32) -> I24 {
    I24::try_from(tick).expect("24 bits")
}
