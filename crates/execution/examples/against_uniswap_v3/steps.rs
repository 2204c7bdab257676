//! Random steps: calls of the factory, of pools by actors and by accounts, of tokens whose habits change, and time.

use abi::{
    Erc20, GRAIN, UNISWAP_V3_FACTORY, UniswapV3Factory as Factory, UniswapV3Pool as Pool,
    WRAPPED_GRAIN,
};
use alloy_primitives::{
    Address, B256, Bytes, I256, U160, U256,
    aliases::{I24, U24},
    keccak256,
};
use alloy_sol_types::{SolCall, SolEvent as _, SolValue, sol};
use amm::concentrated::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, TICK_MAX, sqrt_price_at_tick};

use crate::{
    draws::Draws,
    twin::{Ledger, Step},
    world::{ACTORS, OWNER, TOKENS},
};

sol! {
    #[derive(Debug)]
    struct Do { address to; uint256 value; bytes data; bool mayFail; }
    #[derive(Debug)]
    struct Plan { int256 more0; int256 more1; Do[] first; }

    interface Actor {
        function run(Do[] calls) external payable;
        function arm(bytes next) external;
        event Done(bool ok, bytes output);
    }

    interface Token {
        function set(address who, uint256 value) external;
        function configure(uint8 habit, address hook) external;
    }
}

/// GRAIN of each holder.
pub(crate) const BALANCE: U256 = U256::from_limbs([0, 1 << 40, 0, 0]);
pub(crate) const ASSETS: [Address; 5] = [TOKENS[0], GRAIN, TOKENS[1], WRAPPED_GRAIN, TOKENS[2]];
/// The account of the key whose bytes are all 1.
pub(crate) const ACCOUNT: Address =
    alloy_primitives::address!("1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
/// Habits of tokens: none, silent, fee, refuses, returns 2, returns 5 bytes, reverts, silent with fee, invalid, false but moves, no balance, short balance,
/// returns much.
const HABITS: u64 = 13;

/// Who has GRAIN from the start.
pub(crate) fn holders() -> Vec<Address> {
    vec![ACTORS[0], ACTORS[1], ACCOUNT]
}

/// A pool that was created.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) address: Address,
    pub(crate) assets: (Address, Address),
    pub(crate) fee: U24,
    pub(crate) spacing: i32,
}

/// What most steps are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Factory and pools.
    Pools,
    /// Router, quoter and tick lens.
    Periphery,
    /// The position manager.
    Positions,
}

pub(crate) struct Generator {
    pub(crate) draws: Draws,
    focus: Focus,
    pub(crate) time: u64,
    number: usize,
    pub(crate) pools: Vec<Known>,
    /// Tokens of the position manager at most.
    pub(crate) tokens: u64,
    /// Value of the step that is made.
    pub(crate) value: U256,
    /// Positions that somebody has minted: pool, owner, ticks.
    pub(crate) positions: Vec<(usize, Address, i32, i32)>,
    /// Assets with a habit.
    strange: Vec<Address>,
    pub(crate) crossed: u64,
    pub(crate) last_liquidity: Option<(Address, u128)>,
}

/// Name, sender, receiver, calldata.
pub(crate) type Called = (&'static str, Address, Address, Vec<u8>);

impl Generator {
    pub(crate) fn new(seed: u64, focus: Focus) -> Self {
        Self {
            draws: Draws::new(seed),
            time: 1_000 + seed % 7,
            number: 0,
            focus,
            tokens: 0,
            value: U256::ZERO,
            pools: Vec::new(),
            positions: Vec::new(),
            strange: Vec::new(),
            crossed: 0,
            last_liquidity: None,
        }
    }

    /// Returns the number of steps that prepare a sequence.
    pub(crate) fn prepared(&self) -> usize {
        6 + 2 + 5 + 5 + 3 + 5 + 6 + 5 + 2
    }

    pub(crate) fn next(&mut self, ledger: &mut Ledger) -> (&'static str, Step) {
        let number = self.number;
        self.number += 1;
        let (name, from, to, data) = match number {
            0..6 => self.fund(number),
            6 | 7 => self.enable(number),
            8..13 => self.create(number),
            13..18 => self.begin(number),
            18..21 => self.wrap(number),
            21..26 => self.approve(number),
            26..32 => self.provide(number),
            32..37 => self.approve_manager(number),
            37 | 38 => self.give(number),
            _ => {
                self.pass();
                self.any(ledger)
            }
        };
        let value = std::mem::take(&mut self.value);
        let step = Step { time: self.time, from, to, value, data: data.into() };
        (name, step)
    }

    /// Lets time pass, or not.
    fn pass(&mut self) {
        self.time += match self.draws.below(12) {
            0..5 => 0,
            5 | 6 => 1,
            7 | 8 => 1 + self.draws.below(20),
            9 => self.draws.below(4_000),
            10 => self.draws.below(1_000_000),
            _ if self.draws.one_in(12) => 1 + self.draws.below(1 << 33),
            _ => 12,
        };
    }

    fn any(&mut self, ledger: &mut Ledger) -> Called {
        if self.focus == Focus::Periphery && self.draws.one_in(2) {
            return self.periphery(ledger);
        }
        if self.focus == Focus::Positions && !self.draws.one_in(3) {
            return self.managed(ledger);
        }
        match self.draws.below(100) {
            0..30 => self.swap(ledger),
            30..52 => self.mint(ledger),
            52..62 => self.burn(ledger),
            62..69 => self.collect(),
            69..74 => self.flash(ledger),
            74..77 => self.cardinality(),
            77..81 => self.protocol(),
            81..87 => self.look(ledger),
            87..90 => self.habit(),
            90..93 => self.donate(ledger),
            93..95 => self.factory(),
            95 => self.begin_again(),
            96 => self.plain(ledger),
            _ => self.malformed(ledger),
        }
    }

    pub(crate) fn pool(&mut self) -> (usize, Known) {
        // Mostly the first, so that it has a history.
        let index = if self.draws.one_in(2) { 0 } else { self.draws.below(5) };
        let index = usize::try_from(index).expect("small");
        (index, self.pools[index])
    }

    /// Returns the square root of a price: near 1, of any magnitude, near an end, or beyond.
    pub(crate) fn price(&mut self, tick: i32) -> U160 {
        let chosen = match self.draws.below(12) {
            0..7 => {
                tick.saturating_add(i32::try_from(self.draws.between(-300, 300)).expect("small"))
            }
            7 | 8 => i32::try_from(self.draws.between(-887_272, 887_272)).expect("small"),
            9 => TICK_MAX - i32::try_from(self.draws.below(4)).expect("small"),
            10 => i32::try_from(self.draws.below(4)).expect("small") - TICK_MAX,
            _ => return self.draws.bits(160).wrapping_to(),
        };
        let price =
            sqrt_price_at_tick(chosen.clamp(-TICK_MAX, TICK_MAX)).expect("within the range");
        self.beside(price)
    }

    fn beside(&mut self, price: U160) -> U160 {
        match self.draws.below(4) {
            0 => price.saturating_add(U160::ONE),
            1 => price.saturating_sub(U160::ONE),
            _ => price,
        }
    }

    /// Returns two ticks for a position: near the current one, mostly allowed.
    pub(crate) fn ticks(&mut self, ledger: &mut Ledger, pool: Known) -> (i32, i32) {
        let (_, current) = slot0(ledger, pool.address);
        let base = current.div_euclid(pool.spacing);
        let most = TICK_MAX / pool.spacing;
        let draw = |generator: &mut Self| match generator.draws.below(14) {
            0 => -most,
            1 => most,
            2 | 3 => base + i32::try_from(generator.draws.between(-400, 400)).expect("small"),
            _ => base + i32::try_from(generator.draws.between(-4, 5)).expect("small"),
        };
        let (one, other) = (draw(self).clamp(-most, most), draw(self).clamp(-most, most));
        let (lower, upper) = (one.min(other) * pool.spacing, one.max(other) * pool.spacing);
        match self.draws.below(60) {
            0 => (upper, lower),
            1 => (lower, lower),
            2 => (lower + 1, upper),
            3 => (lower, upper - 1),
            4 => (-887_273, upper),
            5 => (lower, 887_273),
            6 => (-8_388_608, 8_388_607),
            _ if lower == upper => (lower, (upper + pool.spacing).min(most * pool.spacing)),
            _ => (lower, upper),
        }
    }

    fn liquidity(&mut self) -> u128 {
        match self.draws.below(40) {
            0 => 0,
            1 => u128::MAX,
            2 => 1 << 127,
            3 => (1 << 127) - 1,
            4..10 => u128::from(1 + self.draws.below(20)),
            10..14 => self.draws.bits(120).wrapping_to(),
            _ => self.draws.bits(70).wrapping_to(),
        }
    }

    /// Returns what an actor does in a callback, and pays beyond what is owed.
    fn plan(&mut self, ledger: &mut Ledger, pool: Known, base: (U256, U256)) -> Bytes {
        let more = |generator: &mut Self, base: U256| {
            let base = I256::try_from(base).unwrap_or_default();
            match generator.draws.below(40) {
                0 => base - I256::ONE,
                1 => base + I256::ONE,
                2 => base + I256::try_from(generator.draws.below(1_000_000)).expect("small"),
                3 => -I256::ONE,
                _ => base,
            }
        };
        let (more0, more1) = (more(self, base.0), more(self, base.1));
        let first = if self.draws.one_in(6) { self.intrusions(ledger, pool) } else { Vec::new() };
        Plan { more0, more1, first }.abi_encode().into()
    }

    /// What somebody does in the middle of another's operation; it may fail.
    fn intrusions(&mut self, ledger: &mut Ledger, pool: Known) -> Vec<Do> {
        let count = 1 + self.draws.below(3);
        let mut list = Vec::new();
        for _ in 0..count {
            let to = if self.draws.one_in(4) { self.pool().1 } else { pool };
            let data = self.operation(ledger, to);
            list.push(Do { to: to.address, value: U256::ZERO, data: data.into(), mayFail: true });
        }
        list
    }

    /// Any call of a pool, without callbacks of its own.
    fn operation(&mut self, ledger: &mut Ledger, pool: Known) -> Vec<u8> {
        let (lower, upper) = self.ticks(ledger, pool);
        let (tick_lower, tick_upper) = (tick_of(lower), tick_of(upper));
        let plan: Bytes =
            Plan { more0: I256::ZERO, more1: I256::ZERO, first: Vec::new() }.abi_encode().into();
        match self.draws.below(16) {
            0 => Pool::slot0Call {}.abi_encode(),
            1 => Pool::liquidityCall {}.abi_encode(),
            2 => Pool::observeCall { secondsAgos: vec![0, 1, 5] }.abi_encode(),
            3 => Pool::feeGrowthGlobal0X128Call {}.abi_encode(),
            4 => Pool::feeGrowthGlobal1X128Call {}.abi_encode(),
            5 => Pool::protocolFeesCall {}.abi_encode(),
            6 => Pool::ticksCall { tick: tick_lower }.abi_encode(),
            7 => Pool::initializeCall { sqrtPriceX96: self.price(0) }.abi_encode(),
            8 => Pool::burnCall { tickLower: tick_lower, tickUpper: tick_upper, amount: 0 }
                .abi_encode(),
            9 => Pool::increaseObservationCardinalityNextCall { observationCardinalityNext: 4 }
                .abi_encode(),
            10 => Pool::setFeeProtocolCall { feeProtocol0: 4, feeProtocol1: 4 }.abi_encode(),
            11 => Pool::collectCall {
                recipient: ACCOUNT,
                tickLower: tick_lower,
                tickUpper: tick_upper,
                amount0Requested: u128::MAX,
                amount1Requested: u128::MAX,
            }
            .abi_encode(),
            12 => Pool::mintCall {
                recipient: ACTORS[0],
                tickLower: tick_lower,
                tickUpper: tick_upper,
                amount: self.liquidity(),
                data: plan,
            }
            .abi_encode(),
            13 => Pool::flashCall {
                recipient: ACTORS[0],
                amount0: U256::ZERO,
                amount1: U256::ZERO,
                data: plan,
            }
            .abi_encode(),
            14 => Pool::positionsCall { key: position_key(ACTORS[0], lower, upper) }.abi_encode(),
            _ => {
                let zero_for_one = self.draws.one_in(2);
                Pool::swapCall {
                    recipient: ACTORS[0],
                    zeroForOne: zero_for_one,
                    amountSpecified: I256::try_from(self.draws.below(1_000)).expect("small"),
                    sqrtPriceLimitX96: end(zero_for_one),
                    data: plan,
                }
                .abi_encode()
            }
        }
    }

    fn swap(&mut self, ledger: &mut Ledger) -> Called {
        let (_, pool) = self.pool();
        let (_, tick) = slot0(ledger, pool.address);
        let zero_for_one = self.draws.one_in(2);
        let limit = match self.draws.below(8) {
            0..4 => end(zero_for_one),
            4 => self.price(tick),
            _ => self.ahead(tick, pool.spacing, zero_for_one),
        };
        let amount = match self.draws.below(16) {
            0 => I256::ZERO,
            1 => I256::MAX,
            2 => I256::MIN,
            3 => I256::ONE,
            4 => -I256::ONE,
            5..8 => self.exact(ledger, pool, zero_for_one, tick),
            8 => I256::from_raw(self.draws.bits(200)),
            _ => {
                let size = I256::from_raw(self.draws.bits(75));
                if self.draws.one_in(2) { size } else { -size }
            }
        };
        let recipient = self.receiver(pool);
        let data = self.plan(ledger, pool, (U256::ZERO, U256::ZERO));
        let call = Pool::swapCall {
            recipient,
            zeroForOne: zero_for_one,
            amountSpecified: amount,
            sqrtPriceLimitX96: limit,
            data,
        };
        let liquidity = ledger.read(pool.address, &Pool::liquidityCall {}.abi_encode()).output;
        self.last_liquidity =
            Pool::liquidityCall::abi_decode_returns(&liquidity).ok().map(|it| (pool.address, it));
        self.by_actor("swap", pool.address, call.abi_encode())
    }

    /// Returns a price at a tick ahead, or a unit beside it.
    fn ahead(&mut self, tick: i32, spacing: i32, zero_for_one: bool) -> U160 {
        let steps = i32::try_from(self.draws.below(4)).expect("small");
        let base = tick.div_euclid(spacing);
        let target = if zero_for_one { base - steps } else { base + 1 + steps };
        let target = (target.saturating_mul(spacing)).clamp(-TICK_MAX, TICK_MAX);
        let price = sqrt_price_at_tick(target).expect("within the range");
        self.beside(price)
    }

    /// Returns the amount that reaches a tick's price exactly, or a unit more or less.
    fn exact(&mut self, ledger: &mut Ledger, pool: Known, zero_for_one: bool, tick: i32) -> I256 {
        let steps = i32::try_from(self.draws.below(3)).expect("small");
        let base = tick.div_euclid(pool.spacing);
        let target = if zero_for_one { base - steps } else { base + 1 + steps } * pool.spacing;
        let limit = sqrt_price_at_tick(target.clamp(-TICK_MAX, TICK_MAX)).expect("in range");
        let is_input = self.draws.one_in(2);
        let data =
            Plan { more0: I256::ZERO, more1: I256::ZERO, first: Vec::new() }.abi_encode().into();
        let call = Pool::swapCall {
            recipient: ACCOUNT,
            zeroForOne: zero_for_one,
            amountSpecified: if is_input { I256::MAX } else { I256::MIN },
            sqrtPriceLimitX96: limit,
            data,
        };
        let outcome = ledger.read(ACTORS[0], &batch(pool.address, call.abi_encode()));
        let done = outcome.logs.iter().rev().find_map(|log| Actor::Done::decode_log(log).ok());
        let moved = done.and_then(|done| Pool::swapCall::abi_decode_returns(&done.output).ok());
        let Some(moved) = moved else { return I256::ONE };
        let amount = if zero_for_one == is_input { moved.amount0 } else { moved.amount1 };
        amount + I256::try_from(self.draws.between(-1, 1)).expect("small")
    }

    fn mint(&mut self, ledger: &mut Ledger) -> Called {
        let (index, pool) = self.pool();
        let (lower, upper) = match self.positions.is_empty() || self.draws.one_in(2) {
            true => self.ticks(ledger, pool),
            false => {
                let (at, _, lower, upper) = self.draws.of(&self.positions.clone());
                if at == index { (lower, upper) } else { self.ticks(ledger, pool) }
            }
        };
        let owner = self.draws.of(&[ACTORS[0], ACTORS[1], ACCOUNT]);
        let amount = self.liquidity();
        self.positions.push((index, owner, lower, upper));
        let data = self.plan(ledger, pool, (U256::ZERO, U256::ZERO));
        let call = Pool::mintCall {
            recipient: owner,
            tickLower: tick_of(lower),
            tickUpper: tick_of(upper),
            amount,
            data,
        };
        self.by_actor("mint", pool.address, call.abi_encode())
    }

    /// Returns a position that was minted, or another.
    fn position(&mut self, ledger: Option<&mut Ledger>) -> (Known, Address, i32, i32) {
        if self.positions.is_empty() || self.draws.one_in(20) {
            let (_, pool) = self.pool();
            let (lower, upper) = match ledger {
                Some(ledger) => self.ticks(ledger, pool),
                None => (-pool.spacing, pool.spacing),
            };
            return (pool, self.draws.of(&ACTORS), lower, upper);
        }
        let (index, owner, lower, upper) = self.draws.of(&self.positions.clone());
        (self.pools[index], owner, lower, upper)
    }

    fn burn(&mut self, ledger: &mut Ledger) -> Called {
        let (pool, owner, lower, upper) = self.position(Some(ledger));
        let key = position_key(owner, lower, upper);
        let output = ledger.read(pool.address, &Pool::positionsCall { key }.abi_encode()).output;
        let held = Pool::positionsCall::abi_decode_returns(&output).map_or(0, |it| it.liquidity);
        let amount = match self.draws.below(10) {
            0 | 1 => 0,
            2 => held.saturating_add(1),
            3 => self.liquidity(),
            4..7 => held,
            _ => held / 2 + 1,
        };
        let call = Pool::burnCall { tickLower: tick_of(lower), tickUpper: tick_of(upper), amount };
        self.by("burn", owner, pool.address, call.abi_encode())
    }

    fn collect(&mut self) -> Called {
        let (pool, owner, lower, upper) = self.position(None);
        let most = |generator: &mut Self| match generator.draws.below(5) {
            0 => 0,
            1 => u128::from(generator.draws.below(1_000)),
            _ => u128::MAX,
        };
        let (amount0, amount1) = (most(self), most(self));
        let recipient = self.receiver(pool);
        let call = Pool::collectCall {
            recipient,
            tickLower: tick_of(lower),
            tickUpper: tick_of(upper),
            amount0Requested: amount0,
            amount1Requested: amount1,
        };
        self.by("collect", owner, pool.address, call.abi_encode())
    }

    fn flash(&mut self, ledger: &mut Ledger) -> Called {
        let (_, pool) = self.pool();
        let mut amount = |generator: &mut Self, asset| {
            let held = balance(ledger, asset, pool.address);
            match generator.draws.below(8) {
                0 => U256::ZERO,
                1 => held,
                2 => held.saturating_add(U256::ONE),
                3 => U256::MAX,
                4 => held.min(U256::ONE),
                _ => generator.draws.bits(80).min(held),
            }
        };
        let amounts = (amount(self, pool.assets.0), amount(self, pool.assets.1));
        let actor = self.draws.of(&ACTORS);
        let recipient = if self.draws.one_in(8) { self.receiver(pool) } else { actor };
        let data = self.plan(ledger, pool, amounts);
        let call = Pool::flashCall { recipient, amount0: amounts.0, amount1: amounts.1, data };
        self.by("flash", actor, pool.address, call.abi_encode())
    }

    fn cardinality(&mut self) -> Called {
        let (_, pool) = self.pool();
        let next = match self.draws.below(6) {
            0 => 0,
            5 => u16::try_from(self.draws.below(60)).expect("small"),
            _ => u16::try_from(self.draws.below(9)).expect("small"),
        };
        let call =
            Pool::increaseObservationCardinalityNextCall { observationCardinalityNext: next };
        ("cardinality", ACCOUNT, pool.address, call.abi_encode())
    }

    fn protocol(&mut self) -> Called {
        let (_, pool) = self.pool();
        let from = if self.draws.one_in(8) { ACCOUNT } else { OWNER };
        if self.draws.one_in(2) {
            let mut part = || match self.draws.below(6) {
                0 => u8::try_from(self.draws.below(256)).expect("small"),
                1 => 0,
                _ => u8::try_from(4 + self.draws.below(7)).expect("small"),
            };
            let call = Pool::setFeeProtocolCall { feeProtocol0: part(), feeProtocol1: part() };
            return ("protocol fee", from, pool.address, call.abi_encode());
        }
        let most = |generator: &mut Self| match generator.draws.below(4) {
            0 => 0,
            1 => u128::from(generator.draws.below(1_000)),
            _ => u128::MAX,
        };
        let (amount0, amount1) = (most(self), most(self));
        let recipient = self.receiver(pool);
        let call = Pool::collectProtocolCall {
            recipient,
            amount0Requested: amount0,
            amount1Requested: amount1,
        };
        ("collect protocol", from, pool.address, call.abi_encode())
    }

    fn look(&mut self, ledger: &mut Ledger) -> Called {
        let (pool, _, lower, upper) = self.position(Some(ledger));
        let data = match self.draws.below(3) {
            0 => Pool::snapshotCumulativesInsideCall {
                tickLower: tick_of(lower),
                tickUpper: tick_of(upper),
            }
            .abi_encode(),
            _ => {
                let count = self.draws.below(6);
                let mut ago = || match self.draws.below(5) {
                    0 => 0,
                    1 => u32::MAX,
                    2 => u32::try_from(self.draws.below(1 << 20)).expect("small"),
                    _ => u32::try_from(self.draws.below(60)).expect("small"),
                };
                let list = (0..count).map(|_| ago()).collect();
                Pool::observeCall { secondsAgos: list }.abi_encode()
            }
        };
        ("look", ACCOUNT, pool.address, data)
    }

    fn habit(&mut self) -> Called {
        let token = self.draws.of(&TOKENS);
        // Mostly back to normal, so that most steps succeed.
        if let Some(strange) = self.strange.pop() {
            let call = Token::configureCall { habit: 0, hook: Address::ZERO };
            return ("habit", ACCOUNT, strange, call.abi_encode());
        }
        self.strange.push(token);
        let habit = u8::try_from(self.draws.below(HABITS)).expect("small");
        let hook = if self.draws.one_in(2) { self.draws.of(&ACTORS) } else { Address::ZERO };
        ("habit", ACCOUNT, token, Token::configureCall { habit, hook }.abi_encode())
    }

    /// Arms a hook, gives a pool something, or changes its balance, as a rebasing token does.
    fn donate(&mut self, ledger: &mut Ledger) -> Called {
        let (_, pool) = self.pool();
        if self.draws.one_in(3) {
            let list = self.intrusions(ledger, pool);
            let next = list.abi_encode().into();
            return ("arm", ACCOUNT, self.draws.of(&ACTORS), Actor::armCall { next }.abi_encode());
        }
        let asset = if self.draws.one_in(2) { pool.assets.0 } else { pool.assets.1 };
        if !TOKENS.contains(&asset) {
            let value = U256::from(self.draws.below(1_000_000));
            let call = Erc20::transferCall { to: pool.address, value };
            return ("donate", ACCOUNT, asset, call.abi_encode());
        }
        let held = balance(ledger, asset, pool.address);
        let value = match self.draws.below(5) {
            0 => held.saturating_sub(U256::ONE),
            1 => held / U256::from(2),
            _ => held.saturating_add(self.draws.bits(80)),
        };
        ("rebase", ACCOUNT, asset, Token::setCall { who: pool.address, value }.abi_encode())
    }

    fn factory(&mut self) -> Called {
        let from = self.draws.of(&[OWNER, OWNER, ACCOUNT]);
        let fee = fee_of(
            self.draws.of(&[0, 100, 500, 777, 3_000, 10_000, 999_999, 1_000_000, 16_777_215]),
        );
        let data = match self.draws.below(4) {
            0 => {
                let spacing = tick_of(self.draws.of(&[-1, 0, 1, 50, 16_383, 16_384]));
                Factory::enableFeeAmountCall { fee, tickSpacing: spacing }.abi_encode()
            }
            1 => {
                let assets = [ASSETS[0], ASSETS[1], ASSETS[2], ASSETS[3], Address::ZERO];
                let (one, other) = (self.draws.of(&assets), self.draws.of(&assets));
                Factory::createPoolCall { tokenA: one, tokenB: other, fee }.abi_encode()
            }
            2 if self.draws.one_in(8) => Factory::setOwnerCall { _owner: ACCOUNT }.abi_encode(),
            2 => Factory::setOwnerCall { _owner: OWNER }.abi_encode(),
            _ => Factory::parametersCall {}.abi_encode(),
        };
        ("factory", from, UNISWAP_V3_FACTORY, data)
    }

    fn begin_again(&mut self) -> Called {
        let (_, pool) = self.pool();
        let price = self.price(0);
        (
            "initialize",
            ACCOUNT,
            pool.address,
            Pool::initializeCall { sqrtPriceX96: price }.abi_encode(),
        )
    }

    /// A call by an account that can't be called back.
    fn plain(&mut self, ledger: &mut Ledger) -> Called {
        let (_, pool) = self.pool();
        let data = self.operation(ledger, pool);
        ("plain", ACCOUNT, pool.address, data)
    }

    /// Calldata that is cut off, or has bits where a type has none.
    fn malformed(&mut self, ledger: &mut Ledger) -> Called {
        let (_, pool) = self.pool();
        let mut data = self.operation(ledger, pool);
        if data.len() > 4 {
            match self.draws.below(3) {
                0 => {
                    let rest = u64::try_from(data.len() - 4).expect("a length");
                    data.truncate(4 + usize::try_from(self.draws.below(rest)).expect("small"));
                }
                1 => data[4] |= 0x80,
                _ => data.extend_from_slice(&[7; 5]),
            }
        }
        ("malformed", ACCOUNT, pool.address, data)
    }

    fn receiver(&mut self, pool: Known) -> Address {
        match self.draws.below(14) {
            0 => Address::ZERO,
            1 => pool.address,
            2 => pool.assets.0,
            3 => ACCOUNT,
            _ => self.draws.of(&ACTORS),
        }
    }

    fn by_actor(&mut self, name: &'static str, pool: Address, data: Vec<u8>) -> Called {
        let actor = self.draws.of(&ACTORS);
        self.by(name, actor, pool, data)
    }

    fn by(&mut self, name: &'static str, who: Address, pool: Address, data: Vec<u8>) -> Called {
        if ACTORS.contains(&who) {
            (name, ACCOUNT, who, batch(pool, data))
        } else {
            (name, who, pool, data)
        }
    }
}

/// Returns calldata with which an actor does one thing.
pub(crate) fn batch(to: Address, data: Vec<u8>) -> Vec<u8> {
    let calls = vec![Do { to, value: U256::ZERO, data: data.into(), mayFail: false }];
    Actor::runCall { calls }.abi_encode()
}

/// Returns the limit at the end of the range.
fn end(zero_for_one: bool) -> U160 {
    if zero_for_one { SQRT_PRICE_MIN + U160::ONE } else { SQRT_PRICE_MAX - U160::ONE }
}

pub(crate) fn fee_of(fee: u32) -> U24 {
    U24::from(fee)
}

pub(crate) fn tick_of(tick: i32) -> I24 {
    I24::try_from(tick).expect("24 bits")
}

pub(crate) fn position_key(owner: Address, lower: i32, upper: i32) -> B256 {
    let (lower, upper) = (tick_of(lower).to_be_bytes::<3>(), tick_of(upper).to_be_bytes::<3>());
    keccak256([owner.as_slice(), &lower, &upper].concat())
}

/// Returns price and tick of a pool.
fn slot0(ledger: &mut Ledger, pool: Address) -> (U160, i32) {
    let output = ledger.read(pool, &Pool::slot0Call {}.abi_encode()).output;
    Pool::slot0Call::abi_decode_returns(&output)
        .map(|it| (it.sqrtPriceX96, it.tick.as_i32()))
        .unwrap_or_default()
}

/// Returns a balance, read from storage where the asset may refuse to tell it.
fn balance(ledger: &mut Ledger, asset: Address, holder: Address) -> U256 {
    let accounts = &ledger.database().cache.accounts;
    if asset == GRAIN {
        return accounts.get(&holder).map(|it| it.info.balance).unwrap_or_default();
    }
    let slot = if asset == WRAPPED_GRAIN { 3 } else { 0 };
    let slot = U256::from(slot).to_be_bytes::<32>();
    let key = keccak256([holder.into_word().as_slice(), &slot].concat());
    let account = accounts.get(&asset);
    account.and_then(|it| it.storage.get(&key.into())).copied().unwrap_or_default()
}
