//! Uniswap v2 without an EVM: addresses, locks, and who may do what. `execution` compares the rest with the contracts.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use abi::{
    Erc20, GRAIN, UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, UniswapV2Factory as Factory,
    UniswapV2Pair as Pair, UniswapV2Router02 as Router, WRAPPED_GRAIN, WrappedGrain,
    uniswap_v2_pair,
};
use alloy_primitives::{Address, Bytes, U256, aliases::U112};
use alloy_sol_types::SolCall;
use native_kit::{Call, Failure, Outcome, test_host::TestHost};

use crate::TABLE;

const TRADER: Address = Address::repeat_byte(0x0a);
const TOKEN: Address = Address::repeat_byte(0x11);

/// A list that the test and the token's code share.
type Shared<T> = Rc<RefCell<Vec<T>>>;

/// What a deployed token does after it has moved something, and what it has seen.
#[derive(Clone, Default)]
struct Hook {
    calls: Shared<(Address, Vec<u8>)>,
    outcomes: Shared<Outcome>,
}

impl Hook {
    fn arm(&self, to: Address, input: Vec<u8>) {
        self.calls.borrow_mut().push((to, input));
    }

    fn run(&self, host: &mut TestHost, by: Address) {
        let calls = std::mem::take(&mut *self.calls.borrow_mut());
        for (to, input) in calls {
            let outcome = host.call_from(by, &Call::new(to, input)).unwrap();
            self.outcomes.borrow_mut().push(outcome);
        }
    }
}

fn word(value: U256) -> Outcome {
    Outcome::Returned(value.to_be_bytes_vec().into())
}

/// Deploys a token with `hook` that has given the trader 1,000,000.
fn deploy(host: &mut TestHost, hook: &Hook) {
    let (balances, hook) = (RefCell::new(BTreeMap::<Address, U256>::new()), hook.clone());
    balances.borrow_mut().insert(TRADER, U256::from(1_000_000));
    host.deploy(TOKEN, move |host, caller, call| {
        if let Ok(asked) = Erc20::balanceOfCall::abi_decode(&call.input) {
            return word(balances.borrow().get(&asked.account).copied().unwrap_or_default());
        }
        let (from, to, value) = match Erc20::transferFromCall::abi_decode(&call.input) {
            Ok(asked) => (asked.from, asked.to, asked.value),
            Err(_) => {
                let asked = Erc20::transferCall::abi_decode(&call.input).unwrap();
                (caller, asked.to, asked.value)
            }
        };
        *balances.borrow_mut().entry(from).or_default() -= value;
        *balances.borrow_mut().entry(to).or_default() += value;
        hook.run(host, TOKEN);
        word(U256::ONE)
    });
}

struct Market {
    host: TestHost,
    hook: Hook,
    pair: Address,
}

impl Market {
    /// Returns a pair of the token and GRAIN with 100,000 of each, whose shares the trader has.
    fn new() -> Self {
        let (mut host, hook) = (TestHost::new(TABLE), Hook::default());
        host.give(TRADER, 1_000_000);
        deploy(&mut host, &hook);
        let create = Factory::createPairCall { tokenA: GRAIN, tokenB: TOKEN }.abi_encode();
        let output = host.transact(UNISWAP_V2_FACTORY, TRADER, 0, &create).unwrap();
        let pair = Factory::createPairCall::abi_decode_returns(&output).unwrap();
        let mut market = Self { host, hook, pair };
        market.send(TOKEN, 100_000);
        market.send(GRAIN, 100_000);
        market.pair(&Pair::mintCall { to: TRADER }).unwrap();
        market
    }

    fn send(&mut self, token: Address, value: u64) {
        let transfer = Erc20::transferCall { to: self.pair, value: U256::from(value) };
        let outcome = self.host.call_from(TRADER, &Call::new(token, transfer.abi_encode()));
        assert_eq!(outcome, Ok(word(U256::ONE)));
    }

    fn pair(&mut self, call: &impl SolCall) -> Result<Vec<u8>, Failure> {
        self.host.transact(self.pair, TRADER, 0, &call.abi_encode())
    }

    fn reserves(&mut self) -> (U112, U112) {
        let output = self.host.read(self.pair, &Pair::getReservesCall {}.abi_encode()).unwrap();
        let held = Pair::getReservesCall::abi_decode_returns(&output).unwrap();
        (held._reserve0, held._reserve1)
    }
}

fn swap(amount0: u64, amount1: u64, to: Address, data: &'static [u8]) -> Pair::swapCall {
    let (amount0, amount1) = (U256::from(amount0), U256::from(amount1));
    Pair::swapCall { amount0Out: amount0, amount1Out: amount1, to, data: Bytes::from_static(data) }
}

#[test]
fn a_pair_is_where_uniswaps_formula_says_and_is_created_once() {
    let mut market = Market::new();
    assert_eq!(market.pair, uniswap_v2_pair(TOKEN, GRAIN));
    assert_eq!(market.pair, uniswap_v2_pair(GRAIN, TOKEN));
    let get = Factory::getPairCall { tokenA: TOKEN, tokenB: GRAIN }.abi_encode();
    let found = market.host.read(UNISWAP_V2_FACTORY, &get).unwrap();
    assert_eq!(Factory::getPairCall::abi_decode_returns(&found), Ok(market.pair));
    let again = Factory::createPairCall { tokenA: TOKEN, tokenB: GRAIN }.abi_encode();
    let refused = market.host.transact(UNISWAP_V2_FACTORY, TRADER, 0, &again);
    assert_eq!(refused, Err(Failure::message("UniswapV2: PAIR_EXISTS")));
    let initialize = Pair::initializeCall { asset0: GRAIN, asset1: GRAIN };
    assert_eq!(market.pair(&initialize), Err(Failure::message("UniswapV2: FORBIDDEN")));
}

/// Curve and Vyper, July 2023: one lock must hold across all entry points of an instance.
#[test]
fn no_operation_runs_inside_another_of_the_same_pair() {
    let inner: [Vec<u8>; 5] = [
        Pair::mintCall { to: TRADER }.abi_encode(),
        Pair::burnCall { to: TRADER }.abi_encode(),
        swap(1, 0, TRADER, b"").abi_encode(),
        Pair::skimCall { to: TRADER }.abi_encode(),
        Pair::syncCall {}.abi_encode(),
    ];
    let locked = Failure::message("UniswapV2: LOCKED");
    let Failure::Revert(locked) = locked else { unreachable!("a message is a revert") };
    // The token's hook runs while it is paid out.
    let outer: [(u64, u64, Vec<u8>); 3] = [
        (500, 0, Pair::burnCall { to: TRADER }.abi_encode()),
        (0, 5_000, swap(1_000, 0, TRADER, b"").abi_encode()),
        (0, 0, Pair::skimCall { to: TRADER }.abi_encode()),
    ];
    for (shares, paid, outer) in outer {
        for inner in &inner {
            let mut market = Market::new();
            let value = U256::from(shares);
            market.pair(&Pair::transferCall { to: market.pair, value }).unwrap();
            market.send(TOKEN, paid);
            market.send(GRAIN, paid);
            market.hook.arm(market.pair, inner.clone());
            market.host.transact(market.pair, TRADER, 0, &outer).unwrap();
            let outcomes = market.hook.outcomes.borrow();
            assert_eq!(*outcomes, [Outcome::Reverted(locked.clone())]);
        }
    }
}

/// dForce and Sentiment, 2022 and 2023: what views tell inside a callback. Reserves are those before the swap, which its end checks, so that nobody
/// gets more by reading them; shares may move, as in the contract.
#[test]
fn inside_a_swap_views_tell_the_reserves_before_it_and_shares_may_move() {
    let mut market = Market::new();
    let before = market.reserves();
    let (pair, one) = (market.pair, U256::from(1));
    market.hook.arm(pair, Pair::getReservesCall {}.abi_encode());
    market.hook.arm(pair, Pair::approveCall { spender: TRADER, value: one }.abi_encode());
    let mut host = market.host.clone();
    host.deploy(Address::repeat_byte(0xca), {
        let hook = market.hook.clone();
        move |host, _, _| {
            hook.run(host, TRADER);
            let transfer = Erc20::transferCall { to: pair, value: U256::from(2_000) };
            let paid = host.call_from(TRADER, &Call::new(GRAIN, transfer.abi_encode()));
            assert_eq!(paid, Ok(word(U256::ONE)));
            Outcome::Returned(Bytes::new())
        }
    });
    let (asked0, asked1) = if GRAIN < TOKEN { (0, 1_000) } else { (1_000, 0) };
    let call = swap(asked0, asked1, Address::repeat_byte(0xca), b"x").abi_encode();
    host.transact(pair, TRADER, 0, &call).unwrap();
    let outcomes = market.hook.outcomes.borrow();
    let Outcome::Returned(told) = &outcomes[0] else { panic!("a view answers") };
    let told = Pair::getReservesCall::abi_decode_returns(told).unwrap();
    assert_eq!((told._reserve0, told._reserve1), before);
    assert_eq!(outcomes[1], word(U256::ONE));
}

#[test]
fn a_callee_without_code_ends_the_swap() {
    let mut market = Market::new();
    market.send(GRAIN, 5_000);
    let (asked0, asked1) = if GRAIN < TOKEN { (0, 1_000) } else { (1_000, 0) };
    let nobody = Address::repeat_byte(0x99);
    let refused = market.pair(&swap(asked0, asked1, nobody, b"x"));
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())));
    assert!(market.pair(&swap(asked0, asked1, nobody, b"")).is_ok());
}

#[test]
fn nobody_turns_the_protocols_fee_on() {
    let mut host = TestHost::new(TABLE);
    for caller in [TRADER, UNISWAP_V2_FACTORY, Address::repeat_byte(0xff)] {
        for input in [
            Factory::setFeeToCall { to: TRADER }.abi_encode(),
            Factory::setFeeToSetterCall { to: TRADER }.abi_encode(),
        ] {
            let refused = host.transact(UNISWAP_V2_FACTORY, caller, 0, &input);
            assert_eq!(refused, Err(Failure::message("UniswapV2: FORBIDDEN")));
        }
    }
}

#[test]
fn the_router_refuses_plain_sends_and_trades_grain() {
    let mut market = Market::new();
    let refused = market.host.transact(UNISWAP_V2_ROUTER, TRADER, 5, b"");
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())), "only unwrapped GRAIN arrives there");
    let approve = Erc20::approveCall { spender: UNISWAP_V2_ROUTER, value: U256::MAX }.abi_encode();
    market.host.transact(GRAIN, TRADER, 0, &approve).unwrap();
    let swap = Router::swapExactTokensForTokensCall {
        amountIn: U256::from(1_000),
        amountOutMin: U256::from(987),
        path: vec![GRAIN, TOKEN],
        to: TRADER,
        deadline: U256::from(market.host.time),
    };
    let late = Router::swapExactTokensForTokensCall {
        deadline: U256::from(market.host.time - 1),
        ..swap.clone()
    };
    let dear =
        Router::swapExactTokensForTokensCall { amountOutMin: U256::from(988), ..swap.clone() };
    let mut send = |call: &Router::swapExactTokensForTokensCall| {
        market.host.transact(UNISWAP_V2_ROUTER, TRADER, 0, &call.abi_encode())
    };
    assert_eq!(send(&late), Err(Failure::message("UniswapV2Router: EXPIRED")));
    let refused = Failure::message("UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT");
    assert_eq!(send(&dear), Err(refused));
    let output = send(&swap).unwrap();
    let amounts = Router::swapExactTokensForTokensCall::abi_decode_returns(&output).unwrap();
    assert_eq!(amounts, [U256::from(1_000), U256::from(987)]);
}

#[test]
fn wrapped_grain_is_backed_one_to_one() {
    let mut host = TestHost::new(TABLE);
    host.give(TRADER, 1_000);
    let other = Address::repeat_byte(0x0b);
    let balance = |host: &mut TestHost, owner| {
        let output = host.read(WRAPPED_GRAIN, &WrappedGrain::balanceOfCall { owner }.abi_encode());
        WrappedGrain::balanceOfCall::abi_decode_returns(&output.unwrap()).unwrap()
    };
    // A call of `deposit`, a plain send, and calldata of no function.
    host.transact(WRAPPED_GRAIN, TRADER, 100, &WrappedGrain::depositCall {}.abi_encode()).unwrap();
    host.transact(WRAPPED_GRAIN, TRADER, 20, b"").unwrap();
    host.transact(WRAPPED_GRAIN, TRADER, 3, b"\xde\xad\xbe\xef").unwrap();
    assert_eq!(balance(&mut host, TRADER), U256::from(123));
    let send = WrappedGrain::transferCall { dst: other, wad: U256::from(23) };
    host.transact(WRAPPED_GRAIN, TRADER, 0, &send.abi_encode()).unwrap();
    let withdraw = |wad: u64| WrappedGrain::withdrawCall { wad: U256::from(wad) }.abi_encode();
    let refused = host.transact(WRAPPED_GRAIN, TRADER, 0, &withdraw(101));
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())));
    host.transact(WRAPPED_GRAIN, TRADER, 0, &withdraw(100)).unwrap();
    assert_eq!(host.balance_of(TRADER), U256::from(1_000 - 23));
    assert_eq!(balance(&mut host, TRADER), U256::ZERO);
    assert_eq!(host.balance_of(WRAPPED_GRAIN), balance(&mut host, other), "all is backed");
    // Somebody else's needs an allowance, the own does not.
    let take = WrappedGrain::transferFromCall { src: other, dst: TRADER, wad: U256::from(5) };
    let refused = host.transact(WRAPPED_GRAIN, TRADER, 0, &take.abi_encode());
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())));
    host.transact(WRAPPED_GRAIN, other, 0, &take.abi_encode()).unwrap();
    let approve = WrappedGrain::approveCall { guy: TRADER, wad: U256::from(5) }.abi_encode();
    host.transact(WRAPPED_GRAIN, other, 0, &approve).unwrap();
    host.transact(WRAPPED_GRAIN, TRADER, 0, &take.abi_encode()).unwrap();
    let refused = host.transact(WRAPPED_GRAIN, TRADER, 0, &take.abi_encode());
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())), "the allowance is used up");
}
