//! What is measured: operations that can be repeated without end.

use abi::{
    Erc20, NonfungiblePositionManager as Manager, SwapRouter, UNISWAP_V2_FACTORY,
    UNISWAP_V2_ROUTER, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_ROUTER,
    UniswapV2Factory as PairFactory, UniswapV2Pair as Pair, UniswapV2Router02 as Router,
    UniswapV3Factory as PoolFactory, UniswapV3Pool as Pool,
};
use alloy_primitives::{Address, Bytes, I256, U160, U256};
use alloy_sol_types::{SolCall, SolValue as _};
use amm::concentrated::sqrt_price_at_tick;

use crate::{
    Sent,
    scene::{ACCOUNT, FEE, Scene, TICK, tick},
};

/// Whom an operation calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Routers and the position manager, as people do.
    Periphery,
    /// Pairs and pools, as contracts do; the contract is called back, and pays.
    Pool,
    /// An account without code.
    Nothing,
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Periphery => "periphery",
            Self::Pool => "pool",
            Self::Nothing => "nothing",
        }
    }
}

pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) level: Level,
    /// Calls by the contract; operations that undo each other follow one another.
    pub(crate) by_contract: Vec<Sent>,
    /// The same by an account, where one can.
    pub(crate) by_account: Vec<Sent>,
    /// Calls that make one operation.
    calls: u64,
}

impl Operation {
    /// Returns how many operations the calls are.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.by_contract.len()).expect("few") / self.calls
    }
}

/// Swapped in the pair, and pooled: little of what it holds.
const LITTLE: u128 = 1 << 60;
/// Liquidity of a position that is taken out bit by bit.
const MUCH: u128 = 1 << 88;
/// Ends of swaps that begin at [`TICK`]: they cross no initialized tick, one, and ten.
const SWAPS: [(&str, &str, i32); 3] = [
    ("v3 swap, 0 ticks", "v3 pool.swap, 0 ticks", 10),
    ("v3 swap, 1 tick", "v3 pool.swap, 1 tick", -30),
    ("v3 swap, 10 ticks", "v3 pool.swap, 10 ticks", -570),
];

/// Returns the operations, after what they need has been made on both ledgers.
pub(crate) fn operations(native: &mut Scene, bytecode: &mut Scene) -> Vec<Operation> {
    let _ = prepare(bytecode);
    let known = prepare(native);
    let mut list = vec![Operation {
        name: "nothing",
        level: Level::Nothing,
        by_contract: vec![(Address::repeat_byte(0xef), Bytes::from_static(&[0; 260]))],
        by_account: Vec::new(),
        calls: 1,
    }];
    list.extend(of_v2(native, &known));
    list.extend(of_v3(native, &known));
    list.extend(of_pair(native, &known));
    list.extend(of_pool(native, &known));
    list
}

/// Pair, pool, and positions of account and contract.
struct Known {
    pair: Address,
    pool: Address,
    by_account: U256,
    by_contract: U256,
}

fn prepare(scene: &mut Scene) -> Known {
    let ((token0, token1), caller) = (scene.tokens, scene.caller);
    let get = PairFactory::getPairCall { tokenA: token0, tokenB: token1 };
    let pair = scene.done(ACCOUNT, UNISWAP_V2_FACTORY, &get);
    let get = PoolFactory::getPoolCall { tokenA: token0, tokenB: token1, fee: FEE };
    let pool = scene.done(ACCOUNT, UNISWAP_V3_FACTORY, &get);
    for holder in [ACCOUNT, caller] {
        let call = Erc20::approveCall { spender: UNISWAP_V2_ROUTER, value: U256::MAX };
        scene.by(holder, pair, &call);
    }
    // A position of each, with much that is owed to it.
    let [by_account, by_contract] = [ACCOUNT, caller].map(|holder| {
        let call = scene.mint(holder, -60, MUCH << 1);
        let token = scene.done(ACCOUNT, UNISWAP_V3_POSITIONS, &call).tokenId;
        scene.by(holder, UNISWAP_V3_POSITIONS, &decrease(token, MUCH >> 1));
        token
    });
    // And one of the contract in the pool itself.
    let call = mint(scene, MUCH);
    scene.by(caller, pool, &call);
    let call = Pool::burnCall { tickLower: tick(-60), tickUpper: tick(120), amount: MUCH >> 1 };
    scene.by(caller, pool, &call);
    Known { pair, pool, by_account, by_contract }
}

/// Returns an operation of the periphery, for account and contract.
fn periphery(
    scene: &Scene,
    name: &'static str,
    calls_of: impl Fn(Address) -> Vec<(Address, Vec<u8>)>,
) -> Operation {
    let sent = |who| calls_of(who).into_iter().map(|(to, data)| (to, data.into())).collect();
    let (by_contract, by_account) = (sent(scene.caller), sent(ACCOUNT));
    Operation { name, level: Level::Periphery, by_contract, by_account, calls: 1 }
}

fn of_v2(scene: &Scene, _: &Known) -> Vec<Operation> {
    let (token0, token1) = scene.tokens;
    let swap = |who: Address, path: Vec<Address>| {
        let call = Router::swapExactTokensForTokensCall {
            amountIn: U256::from(LITTLE),
            amountOutMin: U256::ONE,
            path,
            to: who,
            deadline: U256::MAX,
        };
        (UNISWAP_V2_ROUTER, call.abi_encode())
    };
    let remove = |who: Address| {
        let call = Router::removeLiquidityCall {
            tokenA: token0,
            tokenB: token1,
            liquidity: U256::from(LITTLE),
            amountAMin: U256::ZERO,
            amountBMin: U256::ZERO,
            to: who,
            deadline: U256::MAX,
        };
        (UNISWAP_V2_ROUTER, call.abi_encode())
    };
    vec![
        periphery(scene, "v2 swap", |who| {
            vec![swap(who, vec![token0, token1]), swap(who, vec![token1, token0])]
        }),
        periphery(scene, "v2 mint", |who| {
            vec![(UNISWAP_V2_ROUTER, scene.add_liquidity(who, LITTLE).abi_encode())]
        }),
        periphery(scene, "v2 burn", |who| vec![remove(who)]),
    ]
}

fn of_v3(scene: &Scene, known: &Known) -> Vec<Operation> {
    let (token0, token1) = scene.tokens;
    let swap = |who: Address, (from, to): (Address, Address), end: i32| {
        let params = SwapRouter::ExactInputSingleParams {
            tokenIn: from,
            tokenOut: to,
            fee: FEE,
            recipient: who,
            deadline: U256::MAX,
            amountIn: U256::from(MUCH << 8),
            amountOutMinimum: U256::ZERO,
            sqrtPriceLimitX96: price(end),
        };
        (UNISWAP_V3_ROUTER, SwapRouter::exactInputSingleCall { params }.abi_encode())
    };
    let token = |who| if who == ACCOUNT { known.by_account } else { known.by_contract };
    let to_manager = |data| vec![(UNISWAP_V3_POSITIONS, data)];
    let increase = |who| {
        let params = Manager::IncreaseLiquidityParams {
            tokenId: token(who),
            amount0Desired: U256::from(LITTLE),
            amount1Desired: U256::from(LITTLE),
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            deadline: U256::MAX,
        };
        Manager::increaseLiquidityCall { params }.abi_encode()
    };
    let collect = |who| {
        let params = Manager::CollectParams {
            tokenId: token(who),
            recipient: who,
            amount0Max: 1,
            amount1Max: 1,
        };
        Manager::collectCall { params }.abi_encode()
    };
    let mut list: Vec<Operation> = SWAPS
        .iter()
        .map(|(name, _, end)| {
            periphery(scene, name, |who| {
                vec![swap(who, (token0, token1), *end), swap(who, (token1, token0), TICK)]
            })
        })
        .collect();
    list.extend([
        periphery(scene, "v3 mint", |who| to_manager(scene.mint(who, -60, LITTLE).abi_encode())),
        periphery(scene, "v3 increase", |who| to_manager(increase(who))),
        periphery(scene, "v3 burn", |who| to_manager(decrease(token(who), LITTLE).abi_encode())),
        periphery(scene, "v3 collect", |who| to_manager(collect(who))),
    ]);
    list
}

/// Operations at the pair itself, which is paid beforehand.
fn of_pair(scene: &Scene, known: &Known) -> Vec<Operation> {
    let ((token0, token1), caller, pair) = (scene.tokens, scene.caller, known.pair);
    let pay = |asset: Address| -> Sent {
        let call = Erc20::transferCall { to: pair, value: U256::from(LITTLE) };
        (asset, call.abi_encode().into())
    };
    let swap = |amount0: u128, amount1: u128| -> Sent {
        let call = Pair::swapCall {
            amount0Out: U256::from(amount0),
            amount1Out: U256::from(amount1),
            to: caller,
            data: Bytes::new(),
        };
        (pair, call.abi_encode().into())
    };
    // A tenth less than what is paid in: the price hardly moves.
    let out = LITTLE / 10 * 9;
    let mint = (pair, Pair::mintCall { to: caller }.abi_encode().into());
    let burn = (pair, Pair::burnCall { to: caller }.abi_encode().into());
    let of = |name, by_contract, calls| {
        let by_account = Vec::new();
        Operation { name, level: Level::Pool, by_contract, by_account, calls }
    };
    vec![
        of("v2 transfer, pair.swap", vec![pay(token0), swap(0, out), pay(token1), swap(out, 0)], 2),
        of("v2 transfers, pair.mint", vec![pay(token0), pay(token1), mint], 3),
        of("v2 transfer, pair.burn", vec![pay(pair), burn], 2),
    ]
}

/// Operations at the pool itself, which calls back to be paid.
fn of_pool(scene: &Scene, known: &Known) -> Vec<Operation> {
    let (caller, pool) = (scene.caller, known.pool);
    let assets: Bytes = scene.tokens.abi_encode().into();
    let swap = |zero_for_one: bool, end: i32| -> Sent {
        let call = Pool::swapCall {
            recipient: caller,
            zeroForOne: zero_for_one,
            amountSpecified: I256::try_from(MUCH << 8).expect("small"),
            sqrtPriceLimitX96: price(end),
            data: assets.clone(),
        };
        (pool, call.abi_encode().into())
    };
    let of = |name, by_contract| {
        let by_account = Vec::new();
        Operation { name, level: Level::Pool, by_contract, by_account, calls: 1 }
    };
    let to_pool = |data: Vec<u8>| vec![(pool, data.into())];
    let (lower, upper) = (tick(-60), tick(120));
    let burn = Pool::burnCall { tickLower: lower, tickUpper: upper, amount: LITTLE };
    let collect = Pool::collectCall {
        recipient: caller,
        tickLower: lower,
        tickUpper: upper,
        amount0Requested: 1,
        amount1Requested: 1,
    };
    let mut list: Vec<Operation> = SWAPS
        .iter()
        .map(|(_, name, end)| of(name, vec![swap(true, *end), swap(false, TICK)]))
        .collect();
    list.extend([
        of("v3 pool.mint", to_pool(mint(scene, LITTLE).abi_encode())),
        of("v3 pool.burn", to_pool(burn.abi_encode())),
        of("v3 pool.collect", to_pool(collect.abi_encode())),
    ]);
    list
}

fn decrease(token: U256, liquidity: u128) -> Manager::decreaseLiquidityCall {
    Manager::decreaseLiquidityCall {
        params: Manager::DecreaseLiquidityParams {
            tokenId: token,
            liquidity,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            deadline: U256::MAX,
        },
    }
}

fn mint(scene: &Scene, amount: u128) -> Pool::mintCall {
    Pool::mintCall {
        recipient: scene.caller,
        tickLower: tick(-60),
        tickUpper: tick(120),
        amount,
        data: scene.tokens.abi_encode().into(),
    }
}

fn price(end: i32) -> U160 {
    sqrt_price_at_tick(end).expect("a tick")
}
