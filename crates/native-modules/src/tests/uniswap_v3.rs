//! Uniswap v3 without an EVM: addresses, the lock, payments, the oracle, and who may do what. `execution` compares the rest with the contracts.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use abi::{
    Erc20, GRAIN, QuoterV2, SwapRouter as Router, SwapRouter::SwapRouterCalls, UNISWAP_V3_FACTORY,
    UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER, UniswapV3Factory as Factory, UniswapV3Pool as Pool,
};
use alloy_primitives::{
    Address, B256, Bytes, I256, U160, U256, address,
    aliases::{I24, U24},
};
use alloy_sol_types::{SolCall, SolValue as _, sol};
use amm::concentrated::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, sqrt_price_at_tick};
use native_kit::{Call, Failure, Host as _, Outcome, test_host::TestHost};

use crate::TABLE;

sol! {
    interface Callbacks {
        function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata data) external;
        function uniswapV3SwapCallback(int256 amount0, int256 amount1, bytes calldata data) external;
        function uniswapV3FlashCallback(uint256 fee0, uint256 fee1, bytes calldata data) external;
    }
}

/// A contract that pays what a pool asks for.
const ACTOR: Address = Address::repeat_byte(0xac);
const TOKEN: Address = Address::repeat_byte(0x11);

/// What the token does with a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Standard,
    /// A unit less arrives.
    Fee,
    /// Nothing moves, and it returns false.
    Refuses,
}

type Queue = Rc<RefCell<Vec<Vec<u8>>>>;

/// What actor and token share with the test.
#[derive(Clone)]
struct Shared {
    habit: Rc<RefCell<Habit>>,
    /// Calls of the pool that the actor makes when it is called back, and the token when it moves something.
    intrusions: Queue,
    outcomes: Rc<RefCell<Vec<Outcome>>>,
    pool: Rc<RefCell<Address>>,
}

impl Shared {
    fn intrude(&self, host: &mut TestHost, by: Address) {
        let calls = std::mem::take(&mut *self.intrusions.borrow_mut());
        let pool = *self.pool.borrow();
        for input in calls {
            let outcome = host.call_from(by, &Call::new(pool, input)).unwrap();
            self.outcomes.borrow_mut().push(outcome);
        }
    }
}

fn word(value: U256) -> Outcome {
    Outcome::Returned(value.to_be_bytes_vec().into())
}

/// Deploys a token of which the actor has 10,000,000.
fn deploy_token(host: &mut TestHost, shared: &Shared) {
    let (balances, shared) = (RefCell::new(BTreeMap::<Address, U256>::new()), shared.clone());
    balances.borrow_mut().insert(ACTOR, U256::from(10_000_000));
    host.deploy(TOKEN, move |host, caller, call| {
        if let Ok(asked) = Erc20::balanceOfCall::abi_decode(&call.input) {
            return word(balances.borrow().get(&asked.account).copied().unwrap_or_default());
        }
        let Erc20::transferCall { to, value } =
            Erc20::transferCall::abi_decode(&call.input).unwrap();
        let habit = *shared.habit.borrow();
        if habit == Habit::Refuses {
            return word(U256::ZERO);
        }
        let arrives = if habit == Habit::Fee { value - U256::ONE } else { value };
        *balances.borrow_mut().entry(caller).or_default() -= value;
        *balances.borrow_mut().entry(to).or_default() += arrives;
        shared.intrude(host, TOKEN);
        word(U256::ONE)
    });
}

/// Deploys the actor: it intrudes first, then pays what is owed. For a flash loan, what was lent is in the data.
fn deploy_actor(host: &mut TestHost, shared: &Shared) {
    let shared = shared.clone();
    host.deploy(ACTOR, move |host, pool, call| {
        let positive =
            |amount: I256| if amount.is_positive() { amount.into_raw() } else { U256::ZERO };
        let input = &call.input;
        let owed = if let Ok(asked) = Callbacks::uniswapV3MintCallbackCall::abi_decode(input) {
            (asked.amount0, asked.amount1)
        } else if let Ok(asked) = Callbacks::uniswapV3SwapCallbackCall::abi_decode(input) {
            (positive(asked.amount0), positive(asked.amount1))
        } else if let Ok(asked) = Callbacks::uniswapV3FlashCallbackCall::abi_decode(input) {
            let lent = U256::from_be_slice(&asked.data);
            (asked.fee0 + lent, asked.fee1 + lent)
        } else {
            return Outcome::Returned(Bytes::new());
        };
        shared.intrude(host, ACTOR);
        for (token, value) in [(TOKEN, owed.0), (GRAIN, owed.1)] {
            if !value.is_zero() {
                let transfer = Erc20::transferCall { to: pool, value }.abi_encode();
                host.call_from(ACTOR, &Call::new(token, transfer)).unwrap();
            }
        }
        Outcome::Returned(Bytes::new())
    });
}

struct Market {
    host: TestHost,
    shared: Shared,
    pool: Address,
}

impl Market {
    /// Returns a pool of the token and GRAIN at a price of 1, with a position of the actor around it.
    fn new() -> Self {
        let mut host = TestHost::new(TABLE);
        let shared = Shared {
            habit: Rc::new(RefCell::new(Habit::Standard)),
            intrusions: Queue::default(),
            outcomes: Rc::default(),
            pool: Rc::new(RefCell::new(Address::ZERO)),
        };
        host.give(ACTOR, 10_000_000);
        deploy_token(&mut host, &shared);
        deploy_actor(&mut host, &shared);
        let create = Factory::createPoolCall { tokenA: GRAIN, tokenB: TOKEN, fee: fee(3_000) };
        let output = host.transact(UNISWAP_V3_FACTORY, ACTOR, 0, &create.abi_encode()).unwrap();
        let pool = Factory::createPoolCall::abi_decode_returns(&output).unwrap();
        *shared.pool.borrow_mut() = pool;
        let mut market = Self { host, shared, pool };
        let locked = market.pool(&mint(1));
        assert_eq!(locked, Err(Failure::message("LOK")), "a pool without a price is locked");
        let price = sqrt_price_at_tick(0).unwrap();
        market.pool(&Pool::initializeCall { sqrtPriceX96: price }).unwrap();
        market.pool(&mint(20_000_000)).unwrap();
        market
    }

    fn pool(&mut self, call: &impl SolCall) -> Result<Vec<u8>, Failure> {
        self.host.transact(self.pool, ACTOR, 0, &call.abi_encode())
    }

    fn slot0(&mut self) -> Pool::slot0Return {
        let output = self.host.read(self.pool, &Pool::slot0Call {}.abi_encode()).unwrap();
        Pool::slot0Call::abi_decode_returns(&output).unwrap()
    }

    fn cumulative(&mut self, ago: u32) -> i64 {
        let call = Pool::observeCall { secondsAgos: vec![ago] }.abi_encode();
        let output = self.host.read(self.pool, &call).unwrap();
        Pool::observeCall::abi_decode_returns(&output).unwrap().tickCumulatives[0].as_i64()
    }

    fn factory_owner(&mut self, owner: Address) {
        let slot = U256::from(3);
        self.host.store_of(UNISWAP_V3_FACTORY, slot, owner.into_word().into()).unwrap();
    }
}

fn fee(fee: u32) -> U24 {
    U24::from(fee)
}

fn tick(tick: i32) -> I24 {
    I24::try_from(tick).unwrap()
}

fn mint(amount: u128) -> Pool::mintCall {
    let (lower, upper) = (tick(-6_000), tick(6_000));
    Pool::mintCall {
        recipient: ACTOR,
        tickLower: lower,
        tickUpper: upper,
        amount,
        data: Bytes::new(),
    }
}

/// Pays GRAIN for the token, or the other way round.
fn swap(pays_grain: bool, amount: u64) -> Pool::swapCall {
    let limit = match pays_grain {
        true => SQRT_PRICE_MAX - U160::ONE,
        false => SQRT_PRICE_MIN + U160::ONE,
    };
    Pool::swapCall {
        recipient: ACTOR,
        zeroForOne: !pays_grain,
        amountSpecified: I256::try_from(amount).unwrap(),
        sqrtPriceLimitX96: limit,
        data: Bytes::new(),
    }
}

fn collect() -> Pool::collectCall {
    Pool::collectCall {
        recipient: ACTOR,
        tickLower: tick(-6_000),
        tickUpper: tick(6_000),
        amount0Requested: u128::MAX,
        amount1Requested: u128::MAX,
    }
}

fn flash(amount: u64) -> Pool::flashCall {
    let amount = U256::from(amount);
    let data = amount.to_be_bytes_vec().into();
    Pool::flashCall { recipient: ACTOR, amount0: amount, amount1: amount, data }
}

fn burn(amount: u128) -> Pool::burnCall {
    Pool::burnCall { tickLower: tick(-6_000), tickUpper: tick(6_000), amount }
}

/// The addresses are those of `computePoolAddress` of @uniswap/v3-sdk 3.25.2, with our factory and two assets.
#[test]
fn pools_are_where_uniswaps_sdk_looks_for_them() {
    let mut host = TestHost::new(TABLE);
    let (one, other) = (Address::repeat_byte(0xbb), Address::repeat_byte(0x11));
    for (tier, place) in [
        (500, address!("Ad3F1A723A4Dd00606c23451936E031870DBc61a")),
        (3_000, address!("c7aF328556f611fB0Fb5368AC62c743d47139576")),
        (10_000, address!("918B86E364532a8218De8F6C88ECC42cF709666d")),
    ] {
        let create = Factory::createPoolCall { tokenA: one, tokenB: other, fee: fee(tier) };
        let output = host.transact(UNISWAP_V3_FACTORY, ACTOR, 0, &create.abi_encode()).unwrap();
        assert_eq!(Factory::createPoolCall::abi_decode_returns(&output), Ok(place));
        for (one, other) in [(one, other), (other, one)] {
            let get = Factory::getPoolCall { tokenA: one, tokenB: other, fee: fee(tier) };
            let found = host.read(UNISWAP_V3_FACTORY, &get.abi_encode()).unwrap();
            assert_eq!(Factory::getPoolCall::abi_decode_returns(&found), Ok(place));
        }
        let again = host.transact(UNISWAP_V3_FACTORY, ACTOR, 0, &create.abi_encode());
        assert_eq!(again, Err(Failure::Revert(Bytes::new())), "a pool is created once");
    }
}

/// Curve and Vyper, July 2023: one lock must hold across all entry points of an instance. Each is tried inside each that calls out.
#[test]
fn no_operation_runs_inside_another_of_the_same_pool() {
    let inner: Vec<Vec<u8>> = vec![
        mint(1).abi_encode(),
        burn(1).abi_encode(),
        collect().abi_encode(),
        swap(true, 1).abi_encode(),
        flash(1).abi_encode(),
        Pool::increaseObservationCardinalityNextCall { observationCardinalityNext: 5 }.abi_encode(),
        Pool::setFeeProtocolCall { feeProtocol0: 4, feeProtocol1: 4 }.abi_encode(),
        Pool::collectProtocolCall {
            recipient: ACTOR,
            amount0Requested: u128::MAX,
            amount1Requested: u128::MAX,
        }
        .abi_encode(),
    ];
    let Failure::Revert(locked) = Failure::message("LOK") else { unreachable!("a revert") };
    let outer: [(&str, Vec<u8>); 4] = [
        ("mint", mint(10_000).abi_encode()),
        ("swap", swap(false, 10_000).abi_encode()),
        ("flash", flash(10_000).abi_encode()),
        // The token's hook runs while it is paid out.
        ("collect", collect().abi_encode()),
    ];
    for (name, outer) in outer {
        let mut market = Market::new();
        market.pool(&burn(1_000_000)).unwrap();
        *market.shared.intrusions.borrow_mut() = inner.clone();
        market.host.transact(market.pool, ACTOR, 0, &outer).unwrap();
        let outcomes = market.shared.outcomes.borrow().clone();
        assert_eq!(outcomes, vec![Outcome::Reverted(locked.clone()); inner.len()], "{name}");
        assert!(market.slot0().unlocked, "{name}: and unlocked afterwards");
        market.pool(&mint(1)).unwrap();
    }
}

/// Sentiment and dForce, 2022 and 2023: who looks at a pool in the middle of its operation must see that, and a state that fits together.
#[test]
fn a_view_inside_an_operation_shows_its_result_and_the_lock() {
    let mut market = Market::new();
    *market.shared.intrusions.borrow_mut() = vec![
        Pool::slot0Call {}.abi_encode(),
        Pool::observeCall { secondsAgos: vec![0] }.abi_encode(),
    ];
    market.pool(&swap(true, 100_000)).unwrap();
    let outcomes = market.shared.outcomes.borrow().clone();
    let [Outcome::Returned(inside), Outcome::Returned(_)] = &outcomes[..] else {
        panic!("views answer: {outcomes:?}")
    };
    let inside = Pool::slot0Call::abi_decode_returns(inside).unwrap();
    let after = market.slot0();
    assert!(!inside.unlocked && after.unlocked);
    assert_eq!((inside.sqrtPriceX96, inside.tick), (after.sqrtPriceX96, after.tick));
    assert!(after.tick.as_i32() > 0);
}

/// Tokens with fees, and those that return false: what counts is the difference of balances.
#[test]
fn a_payment_that_does_not_arrive_is_refused() {
    for (habit, call, message) in [
        (Habit::Fee, mint(10_000).abi_encode(), "M0"),
        (Habit::Refuses, mint(10_000).abi_encode(), "M0"),
        (Habit::Fee, swap(false, 10_000).abi_encode(), "IIA"),
        (Habit::Refuses, swap(false, 10_000).abi_encode(), "IIA"),
        (Habit::Refuses, swap(true, 10_000).abi_encode(), "TF"),
        (Habit::Refuses, flash(10_000).abi_encode(), "TF"),
        (Habit::Fee, flash(10_000).abi_encode(), "F0"),
    ] {
        let mut market = Market::new();
        *market.shared.habit.borrow_mut() = habit;
        let before = market.host.state();
        let refused = market.host.transact(market.pool, ACTOR, 0, &call);
        assert_eq!(refused, Err(Failure::message(message)));
        assert_eq!(market.host.state(), before, "a refused call changes nothing");
    }
}

/// Mango, October 2022, and others: a price of this moment is not an oracle. A swap moves the price, and no average of the time before it.
#[test]
fn a_swap_does_not_move_the_past() {
    let mut market = Market::new();
    market
        .pool(&Pool::increaseObservationCardinalityNextCall { observationCardinalityNext: 10 })
        .unwrap();
    market.host.time += 100;
    let before = (market.cumulative(0), market.cumulative(50));
    market.pool(&swap(true, 1_000_000)).unwrap();
    let moved = market.slot0().tick.as_i32();
    assert!(moved > 100, "{moved}");
    assert_eq!((market.cumulative(0), market.cumulative(50)), before);
    // And back in the same block, or after a second: only that second counts.
    market.host.time += 1;
    assert_eq!(market.cumulative(0), before.0 + i64::from(moved));
    market.pool(&swap(false, 1_000_000)).unwrap();
    market.host.time += 50;
    let later = i64::from(market.slot0().tick.as_i32()) * 50;
    assert_eq!(market.cumulative(0), before.0 + i64::from(moved) + later);
}

#[test]
fn only_the_owner_takes_the_protocols_part() {
    let mut market = Market::new();
    let set = Pool::setFeeProtocolCall { feeProtocol0: 4, feeProtocol1: 10 };
    let enable = Factory::enableFeeAmountCall { fee: fee(100), tickSpacing: tick(1) }.abi_encode();
    let refused = Err(Failure::Revert(Bytes::new()));
    assert_eq!(market.pool(&set), refused, "there is no owner");
    assert_eq!(market.host.transact(UNISWAP_V3_FACTORY, ACTOR, 0, &enable), refused);
    market.factory_owner(ACTOR);
    market.pool(&set).unwrap();
    assert_eq!(market.slot0().feeProtocol, 4 + (10 << 4));
    market.pool(&swap(true, 1_000_000)).unwrap();
    let all = Pool::collectProtocolCall {
        recipient: Address::repeat_byte(0xfe),
        amount0Requested: u128::MAX,
        amount1Requested: u128::MAX,
    };
    let output = market.pool(&all).unwrap();
    let paid = Pool::collectProtocolCall::abi_decode_returns(&output).unwrap();
    // A tenth of the fee of 3,000, less the unit that stays.
    assert_eq!((paid.amount0, paid.amount1), (0, 299));
    assert_eq!(market.host.balance_of(Address::repeat_byte(0xfe)), U256::from(299));
    market.host.transact(UNISWAP_V3_FACTORY, ACTOR, 0, &enable).unwrap();
    let give_up = Factory::setOwnerCall { _owner: TOKEN }.abi_encode();
    market.host.transact(UNISWAP_V3_FACTORY, ACTOR, 0, &give_up).unwrap();
    assert_eq!(market.pool(&set), refused, "another has the role");
}

#[test]
fn the_quoter_says_what_the_router_gives_and_changes_nothing() {
    let mut market = Market::new();
    let before = market.host.state();
    let params = QuoterV2::QuoteExactInputSingleParams {
        tokenIn: GRAIN,
        tokenOut: TOKEN,
        amountIn: U256::from(5_000),
        fee: fee(3_000),
        sqrtPriceLimitX96: U160::ZERO,
    };
    let quote = QuoterV2::quoteExactInputSingleCall { params }.abi_encode();
    let output = market.host.transact(UNISWAP_V3_QUOTER, ACTOR, 0, &quote).unwrap();
    let quote = QuoterV2::quoteExactInputSingleCall::abi_decode_returns(&output).unwrap();
    assert_eq!(market.host.state(), before);
    let approve = Erc20::approveCall { spender: UNISWAP_V3_ROUTER, value: U256::MAX }.abi_encode();
    market.host.transact(GRAIN, ACTOR, 0, &approve).unwrap();
    let mut params = Router::ExactInputSingleParams {
        tokenIn: GRAIN,
        tokenOut: TOKEN,
        fee: fee(3_000),
        recipient: ACTOR,
        deadline: U256::from(market.host.time),
        amountIn: U256::from(5_000),
        amountOutMinimum: quote.amountOut,
        sqrtPriceLimitX96: U160::ZERO,
    };
    let late =
        Router::ExactInputSingleParams { deadline: params.deadline - U256::ONE, ..params.clone() };
    let more = Router::ExactInputSingleParams {
        amountOutMinimum: quote.amountOut + U256::ONE,
        ..params.clone()
    };
    for (asked, message) in [(late, "Transaction too old"), (more, "Too little received")] {
        let call = Router::exactInputSingleCall { params: asked }.abi_encode();
        let refused = market.host.transact(UNISWAP_V3_ROUTER, ACTOR, 0, &call);
        assert_eq!(refused, Err(Failure::message(message)));
    }
    params.amountOutMinimum = quote.amountOut;
    let call = Router::exactInputSingleCall { params }.abi_encode();
    let output = market.host.transact(UNISWAP_V3_ROUTER, ACTOR, 0, &call).unwrap();
    assert_eq!(Router::exactInputSingleCall::abi_decode_returns(&output), Ok(quote.amountOut));
    assert_eq!(market.slot0().sqrtPriceX96, quote.sqrtPriceX96After);
    // Who is no pool does not make the router pay with others' allowances.
    let data = (Bytes::from([GRAIN.as_slice(), &[0, 11, 184], TOKEN.as_slice()].concat()), ACTOR);
    let call = Router::uniswapV3SwapCallbackCall {
        amount0Delta: I256::ZERO,
        amount1Delta: I256::ONE,
        _data: data.abi_encode().into(),
    };
    let before = market.host.state();
    let thief = Address::repeat_byte(0x66);
    let refused = market.host.transact(UNISWAP_V3_ROUTER, thief, 0, &call.abi_encode());
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())));
    assert_eq!(market.host.state(), before);
    // Nested calls are bounded: each is a level of our own stack.
    let mut nested = Router::refundETHCall {}.abi_encode();
    for _ in 0..8 {
        nested = Router::multicallCall { data: vec![nested.into()] }.abi_encode();
    }
    market.host.transact(UNISWAP_V3_ROUTER, ACTOR, 0, &nested).unwrap();
    nested = Router::multicallCall { data: vec![nested.into()] }.abi_encode();
    let refused = market.host.transact(UNISWAP_V3_ROUTER, ACTOR, 0, &nested);
    assert_eq!(refused, Err(Failure::Revert(Bytes::new())));
}

/// A list whose elements are all the same bytes: its offsets take a word each, and what they stand for is thousands of times larger.
#[test]
fn calldata_that_stands_for_more_than_it_pays_is_refused_before_it_is_copied() {
    let mut market = Market::new();
    let word = |value: usize| B256::from(U256::from(value)).0;
    let call = |count: usize, size: usize| {
        let mut data = Router::multicallCall::SELECTOR.to_vec();
        data.extend(word(32));
        data.extend(word(count));
        (0..count).for_each(|_| data.extend(word(count * 32)));
        data.extend(word(size));
        data.resize(data.len() + size, 0);
        data
    };
    for (count, size) in [(5_000, 160_000), (40, 40_960)] {
        let refused = market.host.transact(UNISWAP_V3_ROUTER, ACTOR, 0, &call(count, size));
        assert_eq!(refused, Err(Failure::Revert(Bytes::new())), "{count} times {size}");
        let decoded = native_kit::decode::<SwapRouterCalls>(&call(count, size));
        assert!(
            matches!(decoded, Err(alloy_sol_types::Error::MemoryLimitExceeded(_))),
            "{decoded:?}"
        );
    }
    // Without repetition nothing is too large.
    let calls = vec![Router::refundETHCall {}.abi_encode().into(); 2_000];
    let plain = Router::multicallCall { data: calls }.abi_encode();
    native_kit::decode::<SwapRouterCalls>(&plain).unwrap();
}
