//! Random calls: what people send, and what attackers would.

use abi::{
    Erc20, GRAIN, Permit, UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, UniswapV2Factory as Factory,
    UniswapV2Pair as Pair, UniswapV2Router02 as Router, WRAPPED_GRAIN, WrappedGrain, permit_digest,
    permit_domain, sorted, uniswap_v2_pair,
};
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U112, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent as _, SolValue, sol};

use crate::{
    twin::{CHAIN_ID, Ledger, Outcome, Step},
    world::{ACTOR, SETTER, TOKENS},
};

mod router;

sol! {
    interface Token {
        function set(address who, uint256 value) external;
        function configure(uint8 habit, address hook) external;
    }

    struct Do {
        address to;
        uint256 value;
        bytes data;
        bool mayFail;
    }

    interface Actor {
        function run(Do[] calls) external payable;
        function arm(bytes next) external;
    }
}

/// Accounts that send calls; the first three have the private keys 0x0101…, 0x0202…, 0x0303….
pub(crate) const PLAYERS: [Address; 5] = [
    alloy_primitives::address!("1a642f0E3c3aF545E7AcBD38b07251B3990914F1"),
    alloy_primitives::address!("5050A4F4b3f9338C3472dcC01A87C76A144b3c9c"),
    alloy_primitives::address!("3325A78425F17a7E487Eb5666b2bFd93aBB06c70"),
    SETTER,
    ACTOR,
];
/// GRAIN of each at the beginning: 2^100.
pub(crate) const PLAYER_GRAIN: U256 = alloy_primitives::uint!(0x10000000000000000000000000_U256);
/// What can be in a pair.
pub(crate) const ASSETS: [Address; 6] =
    [TOKENS[0], TOKENS[1], WRAPPED_GRAIN, GRAIN, TOKENS[2], TOKENS[3]];

/// What a sequence is mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Calls of pairs, with callbacks.
    Pairs,
    /// Calls of the router.
    Router,
}

/// Random numbers: splitmix64.
pub(crate) struct Draws(u64);

impl Draws {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("small");
        usize::try_from(self.word() % bound).expect("small")
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Returns a number of at most `bits` bits, of any magnitude.
    fn magnitude(&mut self, bits: usize) -> U256 {
        let words = [0; 4].map(|_: u64| self.word());
        let kept = 1 + self.below(bits);
        U256::from_limbs(words) >> (256 - kept)
    }

    /// Returns an amount near the edges of `limit`, or of any magnitude.
    fn amount(&mut self, limit: U256) -> U256 {
        match self.below(12) {
            0 => U256::from(self.below(3)),
            1 => U256::from(self.below(2_000)),
            2 => self.magnitude(114),
            3 => limit,
            4 => limit.saturating_add(U256::from(self.below(3))),
            5 => limit.saturating_sub(U256::from(self.below(3))),
            6 if self.one_in(4) => U256::MAX - U256::from(self.below(2)),
            _ => limit / U256::from(2 + self.below(1_000)),
        }
    }
}

pub(crate) struct Generator {
    pub(crate) draws: Draws,
    focus: Focus,
    time: u64,
    prepared: Vec<(String, Step)>,
    /// Pairs that were created.
    pub(crate) pairs: Vec<Address>,
    /// Their assets.
    assets: Vec<(Address, Address)>,
}

impl Generator {
    pub(crate) fn new(seed: u64, focus: Focus) -> Self {
        let salt = if focus == Focus::Pairs { 0 } else { 1 << 63 };
        let mut new = Self {
            draws: Draws(seed ^ salt),
            focus,
            time: 1_800_000_000,
            prepared: Vec::new(),
            pairs: Vec::new(),
            assets: Vec::new(),
        };
        new.prepare();
        new.prepared.reverse();
        new
    }

    /// Returns the number of steps that prepare the ledger.
    pub(crate) fn preparing(&self) -> usize {
        self.prepared.len()
    }

    /// Returns the next step and its name. It looks at the reference to find amounts that matter.
    pub(crate) fn next(&mut self, ledger: &mut Ledger) -> (String, Step) {
        if let Some(prepared) = self.prepared.pop() {
            return prepared;
        }
        self.time += self.draws.of(&[0, 0, 1, 1, 12, 12, 3_600]);
        if self.draws.one_in(40) {
            // Once around 32 bits, or nearly.
            self.time += (1 << 32) - u64::try_from(self.draws.below(3)).expect("small");
        }
        let (name, from, to, value, data) = self.call(ledger);
        let value = value.min(ledger.balance(from));
        let (name, data) = if self.draws.one_in(40) && to != ACTOR && !TOKENS.contains(&to) {
            ("mangled", self.mangled(data))
        } else {
            (name, data)
        };
        (name.to_owned(), Step { time: self.time, from, to, value, data: data.into() })
    }

    /// Returns calldata with a changed, missing or surplus byte, but with the same function.
    fn mangled(&mut self, mut data: Vec<u8>) -> Vec<u8> {
        if data.len() <= 4 {
            return data;
        }
        let place = 4 + self.draws.below(data.len() - 4);
        match self.draws.below(4) {
            0 => data.truncate(place),
            1 => data.push(0xff),
            // Often the high bytes of a word, which addresses and small numbers do not use.
            2 => data[4 + (place - 4) / 32 * 32] = 0x80,
            _ => data[place] ^= 1 << self.draws.below(8),
        }
        data
    }

    /// Takes note of new pairs.
    pub(crate) fn learn(&mut self, outcome: &Outcome) {
        for log in outcome.logs.iter().filter(|log| log.address == UNISWAP_V2_FACTORY) {
            if let Ok(event) = Factory::PairCreated::decode_log_data(&log.data) {
                self.pairs.push(event.pair);
                self.assets.push((event.token0, event.token1));
            }
        }
    }

    fn prepare(&mut self) {
        let plenty = U256::ONE << 112;
        for who in PLAYERS {
            for token in TOKENS {
                let set = Token::setCall { who, value: plenty }.abi_encode();
                self.plan("set", SETTER, token, U256::ZERO, set);
            }
            let deposit = WrappedGrain::depositCall {}.abi_encode();
            let value = PLAYER_GRAIN >> 1;
            if who == ACTOR {
                let calls = vec![act(WRAPPED_GRAIN, value, deposit)];
                self.plan(
                    "deposit",
                    SETTER,
                    ACTOR,
                    U256::ZERO,
                    Actor::runCall { calls }.abi_encode(),
                );
            } else {
                self.plan("deposit", who, WRAPPED_GRAIN, value, deposit);
            }
            for asset in ASSETS {
                let approve = Erc20::approveCall { spender: UNISWAP_V2_ROUTER, value: U256::MAX };
                if who == ACTOR {
                    let calls = vec![act(asset, U256::ZERO, approve.abi_encode())];
                    self.plan(
                        "approve",
                        SETTER,
                        ACTOR,
                        U256::ZERO,
                        Actor::runCall { calls }.abi_encode(),
                    );
                } else {
                    self.plan("approve", who, asset, U256::ZERO, approve.abi_encode());
                }
            }
        }
        // Pairs of different depth: some units, much, the most. Half of them are with wrapped GRAIN, which is scarcer.
        for (index, depth) in [11, 20, 64, 84, 84, 110].into_iter().enumerate() {
            let (token_a, token_b) = match index % 2 {
                0 => (self.two_assets().0, WRAPPED_GRAIN),
                _ => self.two_assets(),
            };
            let is_scarce = [token_a, token_b].iter().any(|of| [GRAIN, WRAPPED_GRAIN].contains(of));
            let depth = if is_scarce { depth.min(84) } else { depth };
            let tilt = self.draws.below(8);
            for provider in [PLAYERS[index % 3], PLAYERS[(index + 1) % 3]] {
                let call = Router::addLiquidityCall {
                    tokenA: token_a,
                    tokenB: token_b,
                    amountADesired: (U256::ONE << depth) + U256::from(self.draws.below(20)),
                    amountBDesired: (U256::ONE << depth) >> tilt,
                    amountAMin: U256::ZERO,
                    amountBMin: U256::ZERO,
                    to: provider,
                    deadline: U256::MAX,
                };
                let data = call.abi_encode();
                self.plan("addLiquidity", provider, UNISWAP_V2_ROUTER, U256::ZERO, data);
                let approve = Pair::approveCall { spender: UNISWAP_V2_ROUTER, value: U256::MAX };
                let pair = uniswap_v2_pair(token_a, token_b);
                self.plan("approve", provider, pair, U256::ZERO, approve.abi_encode());
            }
        }
    }

    fn plan(&mut self, name: &str, from: Address, to: Address, value: U256, data: Vec<u8>) {
        self.time += 1;
        let step = Step { time: self.time, from, to, value, data: data.into() };
        self.prepared.push((format!("prepare {name}"), step));
    }

    fn two_assets(&mut self) -> (Address, Address) {
        let a = self.draws.below(ASSETS.len());
        let b = (a + 1 + self.draws.below(ASSETS.len() - 1)) % ASSETS.len();
        (ASSETS[a], ASSETS[b])
    }

    fn call(&mut self, ledger: &mut Ledger) -> Called {
        let is_router = match self.focus {
            Focus::Pairs => self.draws.one_in(12),
            Focus::Router => !self.draws.one_in(4),
        };
        if is_router {
            return self.router(ledger);
        }
        match self.draws.below(26) {
            0 => self.factory(),
            1 => self.set_balance(ledger),
            2 | 24 => self.habit(),
            3 => self.arm(ledger),
            4 | 5 => self.wrapped(ledger),
            6..=9 => self.shares(ledger),
            10..=13 => self.plain(ledger),
            14 => self.sent(ledger),
            _ => self.batch(ledger),
        }
    }

    fn factory(&mut self) -> Called {
        let data = match self.draws.below(8) {
            0 => {
                let to = if self.draws.one_in(2) { Address::ZERO } else { self.draws.of(&PLAYERS) };
                Factory::setFeeToCall { to }.abi_encode()
            }
            1 => Factory::setFeeToCall { to: PLAYERS[1] }.abi_encode(),
            2 => Factory::setFeeToSetterCall { to: SETTER }.abi_encode(),
            3 => {
                let (token, _) = self.two_assets();
                Factory::createPairCall { tokenA: token, tokenB: token }.abi_encode()
            }
            4 => Factory::createPairCall { tokenA: Address::ZERO, tokenB: GRAIN }.abi_encode(),
            5 if !self.pairs.is_empty() => {
                // Shares of a pair as an asset of another.
                let (token_a, token_b) =
                    (self.draws.of(&self.pairs.clone()), self.draws.of(&ASSETS));
                Factory::createPairCall { tokenA: token_a, tokenB: token_b }.abi_encode()
            }
            _ => {
                let (token_a, token_b) = self.two_assets();
                Factory::createPairCall { tokenA: token_a, tokenB: token_b }.abi_encode()
            }
        };
        let from = if self.draws.one_in(6) { PLAYERS[0] } else { SETTER };
        ("factory", from, UNISWAP_V2_FACTORY, U256::ZERO, data)
    }

    /// Takes balance away from a pair, or gives it some, as a rebasing asset does.
    fn set_balance(&mut self, ledger: &mut Ledger) -> Called {
        let (pair, (asset0, asset1)) = self.pair();
        let token = if self.draws.one_in(2) { asset0 } else { asset1 };
        let token = if TOKENS.contains(&token) { token } else { self.draws.of(&TOKENS) };
        let value = self.draws.amount(balance(ledger, token, pair));
        let who = if self.draws.one_in(3) { self.draws.of(&PLAYERS) } else { pair };
        ("set", SETTER, token, U256::ZERO, Token::setCall { who, value }.abi_encode())
    }

    fn habit(&mut self) -> Called {
        let habit =
            self.draws.of(&[0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 12]);
        let hook = if self.draws.one_in(3) { ACTOR } else { Address::ZERO };
        let token = self.draws.of(&TOKENS);
        ("configure", SETTER, token, U256::ZERO, Token::configureCall { habit, hook }.abi_encode())
    }

    /// Prepares what the actor does when a token calls its hook, or when it receives value.
    fn arm(&mut self, ledger: &mut Ledger) -> Called {
        let next = self.intrusions(ledger).abi_encode().into();
        ("arm", SETTER, ACTOR, U256::ZERO, Actor::armCall { next }.abi_encode())
    }

    fn wrapped(&mut self, ledger: &mut Ledger) -> Called {
        let from = PLAYERS[self.draws.below(3)];
        let other = self.draws.of(&PLAYERS);
        let held = balance(ledger, WRAPPED_GRAIN, from);
        let wad = self.draws.amount(held);
        let (data, value) = match self.draws.below(8) {
            0 => (WrappedGrain::depositCall {}.abi_encode(), wad.min(PLAYER_GRAIN >> 4)),
            1 => (Vec::new(), wad.min(PLAYER_GRAIN >> 4)),
            // No function of WETH9: its fallback deposits.
            2 => (vec![0x12, 0x34, 0x56, 0x78, 0x9a], U256::from(5)),
            3 => (WrappedGrain::withdrawCall { wad }.abi_encode(), U256::ZERO),
            4 => (WrappedGrain::approveCall { guy: other, wad }.abi_encode(), U256::ZERO),
            5 => (WrappedGrain::transferCall { dst: other, wad }.abi_encode(), U256::ZERO),
            _ => {
                let (src, dst) = (other, self.receiver());
                (WrappedGrain::transferFromCall { src, dst, wad }.abi_encode(), U256::ZERO)
            }
        };
        ("wrapped", from, WRAPPED_GRAIN, value, data)
    }

    /// Calls of a pair's shares.
    fn shares(&mut self, ledger: &mut Ledger) -> Called {
        let (pair, _) = self.pair();
        let from = PLAYERS[self.draws.below(3)];
        let held = balance(ledger, pair, from);
        let value = self.draws.amount(held);
        let other = self.draws.of(&PLAYERS);
        let data = match self.draws.below(6) {
            0 => Pair::approveCall { spender: other, value }.abi_encode(),
            1 => {
                let value = if self.draws.one_in(2) { U256::MAX } else { value };
                Pair::approveCall { spender: UNISWAP_V2_ROUTER, value }.abi_encode()
            }
            2 => Pair::transferCall { to: self.receiver(), value }.abi_encode(),
            3 => Pair::transferFromCall { from: other, to: self.receiver(), value }.abi_encode(),
            _ => self.permit(ledger, pair, value).abi_encode(),
        };
        ("shares", from, pair, U256::ZERO, data)
    }

    /// Returns a permit, often with something wrong.
    fn permit(&mut self, ledger: &mut Ledger, pair: Address, value: U256) -> Pair::permitCall {
        let signer = self.draws.below(3);
        let owner = if self.draws.one_in(8) { PLAYERS[0] } else { PLAYERS[signer] };
        let spender = self.draws.of(&PLAYERS);
        let deadline = self.deadline();
        let (v, r, s) = self.signature(ledger, pair, signer, (spender, value, deadline));
        Pair::permitCall { owner, spender, value, deadline, v, r, s }
    }

    fn signature(
        &mut self,
        ledger: &mut Ledger,
        pair: Address,
        signer: usize,
        (spender, value, deadline): (Address, U256, U256),
    ) -> (u8, B256, B256) {
        let owner = PLAYERS[signer];
        let nonce = ledger.read(pair, &Pair::noncesCall { owner }.abi_encode()).output;
        let nonce = U256::abi_decode(&nonce).unwrap_or_default();
        let nonce = if self.draws.one_in(8) { nonce + U256::ONE } else { nonce };
        let domain = permit_domain("Uniswap V2", CHAIN_ID, pair);
        let digest = permit_digest(&Permit { owner, spender, value, nonce, deadline }, &domain);
        let number = u8::try_from(signer + 1).expect("small");
        let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).expect("a key");
        let signature = key.sign_hash_sync(&digest).expect("it signs");
        let (v, r, s) = (27 + u8::from(signature.v()), signature.r(), signature.s());
        match self.draws.below(10) {
            // The same signature in its other form, which ECRECOVER accepts.
            0 => (54 - v + 1, r.into(), (ORDER - s).into()),
            1 => (self.draws.of(&[0, 1, 26, 29, 255]), r.into(), s.into()),
            2 => (v, B256::ZERO, s.into()),
            _ => (v, r.into(), s.into()),
        }
    }

    /// A call of a pair by an account, which has sent nothing before in the same transaction.
    fn plain(&mut self, ledger: &mut Ledger) -> Called {
        let (pair, _) = self.pair();
        let data = self.operation(ledger, pair, Bytes::new());
        ("plain", PLAYERS[self.draws.below(3)], pair, U256::ZERO, data)
    }

    /// Sends an asset, often to a pair.
    fn sent(&mut self, ledger: &mut Ledger) -> Called {
        let (mut pair, (asset0, asset1)) = self.pair();
        let asset = if self.draws.one_in(2) { asset0 } else { asset1 };
        if self.draws.one_in(4) {
            // Perhaps before the pair is created.
            let (token_a, token_b) = self.two_assets();
            pair = uniswap_v2_pair(token_a, token_b);
        }
        let from = PLAYERS[self.draws.below(3)];
        let value = self.draws.amount(balance(ledger, asset, from));
        // A pair that exists takes no plain sends, and the kit says so in its own words.
        if asset == GRAIN && !self.pairs.contains(&pair) {
            return ("sent", from, pair, value, Vec::new());
        }
        ("sent", from, asset, U256::ZERO, Erc20::transferCall { to: pair, value }.abi_encode())
    }

    /// Returns a call of a pair's operation.
    fn operation(&mut self, ledger: &mut Ledger, pair: Address, data: Bytes) -> Vec<u8> {
        let to = if data.is_empty() { self.receiver() } else { ACTOR };
        match self.draws.below(8) {
            0 => Pair::mintCall { to }.abi_encode(),
            1 => Pair::burnCall { to }.abi_encode(),
            2 => Pair::skimCall { to }.abi_encode(),
            3 => Pair::syncCall {}.abi_encode(),
            4 if self.draws.one_in(4) => {
                Pair::initializeCall { asset0: to, asset1: GRAIN }.abi_encode()
            }
            _ => {
                let (reserve0, reserve1) = reserves(ledger, pair);
                let mut outs = [self.draws.amount(reserve0), self.draws.amount(reserve1)];
                if !self.draws.one_in(6) {
                    outs[self.draws.below(2)] = U256::ZERO;
                }
                let [amount0, amount1] = outs;
                Pair::swapCall { amount0Out: amount0, amount1Out: amount1, to, data }.abi_encode()
            }
        }
    }

    /// Several calls in one transaction, by the actor.
    fn batch(&mut self, ledger: &mut Ledger) -> Called {
        let (pair, (asset0, asset1)) = self.pair();
        let (reserve0, reserve1) = reserves(ledger, pair);
        let zero = U256::ZERO;
        let pay =
            |asset, to, value| act(asset, zero, Erc20::transferCall { to, value }.abi_encode());
        let (name, calls) = match self.draws.below(6) {
            0 => {
                let amount0 = self.draws.amount(reserve0);
                let amount1 = if self.draws.one_in(2) && !reserve0.is_zero() {
                    amount0.saturating_mul(reserve1) / reserve0
                } else {
                    self.draws.amount(reserve1)
                };
                let mint = Pair::mintCall { to: self.receiver() }.abi_encode();
                (
                    "batch mint",
                    vec![
                        pay(asset0, pair, amount0),
                        pay(asset1, pair, amount1),
                        act(pair, zero, mint),
                    ],
                )
            }
            1 => {
                let value = self.draws.amount(balance(ledger, pair, ACTOR));
                let burn = Pair::burnCall { to: self.receiver() }.abi_encode();
                ("batch burn", vec![pay(pair, pair, value), act(pair, zero, burn)])
            }
            2 | 3 => {
                let paid = self.payment((asset0, asset1), (reserve0, reserve1));
                let held = (reserve0, reserve1);
                let swap = self.swap_for(paid, (asset0, asset1), held, Bytes::new());
                ("batch swap", vec![pay(paid.0, pair, paid.1), act(pair, zero, swap)])
            }
            _ => ("batch flash swap", self.flash(ledger, pair, (asset0, asset1))),
        };
        let from = PLAYERS[self.draws.below(3)];
        (name, from, ACTOR, zero, Actor::runCall { calls }.abi_encode())
    }

    /// Returns an amount of one asset that matters to a pair.
    fn payment(
        &mut self,
        (asset0, asset1): (Address, Address),
        held: (U256, U256),
    ) -> (Address, U256) {
        let (given, reserve) =
            if self.draws.one_in(2) { (asset0, held.0) } else { (asset1, held.1) };
        let limit = if self.draws.one_in(4) { U256::from(U112::MAX) } else { reserve };
        (given, self.draws.amount(limit).min(U256::ONE << 113))
    }

    /// Returns the call of a swap for what is paid: for the quote, or near it.
    fn swap_for(
        &mut self,
        (given, amount): (Address, U256),
        (asset0, _): (Address, Address),
        (reserve0, reserve1): (U256, U256),
        data: Bytes,
    ) -> Vec<u8> {
        let gives0 = given == asset0;
        let (reserve_in, reserve_out) =
            if gives0 { (reserve0, reserve1) } else { (reserve1, reserve0) };
        // In the generator's own words, so that the comparison does not rest on the rules that it tests.
        let counted = amount * U256::from(997);
        let depth = reserve_in * U256::from(1_000) + counted;
        let quoted = if depth.is_zero() { U256::ZERO } else { counted * reserve_out / depth };
        // Now and then the loan is of the asset that is paid back.
        let is_same = !data.is_empty() && self.draws.one_in(5);
        let output = match self.draws.below(8) {
            _ if is_same => {
                let less = amount.saturating_sub(amount / U256::from(250));
                less.min(reserve_in.saturating_sub(U256::ONE))
            }
            0 => quoted + U256::ONE,
            1 => quoted.saturating_sub(U256::ONE),
            2 => self.draws.amount(reserve_out),
            _ => quoted,
        };
        let to = if data.is_empty() { self.receiver() } else { ACTOR };
        let (amount0, amount1) =
            if gives0 == is_same { (output, U256::ZERO) } else { (U256::ZERO, output) };
        Pair::swapCall { amount0Out: amount0, amount1Out: amount1, to, data }.abi_encode()
    }

    /// A swap that is paid for from the callback, which may do other things before.
    fn flash(&mut self, ledger: &mut Ledger, pair: Address, assets: (Address, Address)) -> Vec<Do> {
        let held = reserves(ledger, pair);
        let (given, value) = self.payment(assets, held);
        let mut inner = if self.draws.one_in(2) { self.intrusions(ledger) } else { Vec::new() };
        let transfer = Erc20::transferCall { to: pair, value }.abi_encode();
        inner.push(act(given, U256::ZERO, transfer));
        if self.draws.one_in(6) {
            // Another pair inside.
            let (other, _) = self.pair();
            let swap = self.operation(ledger, other, inner.abi_encode().into());
            inner.push(Do { mayFail: true, ..act(other, U256::ZERO, swap) });
        }
        let data: Bytes = inner.abi_encode().into();
        let swap = match self.draws.one_in(4) {
            true => self.operation(ledger, pair, data),
            false => self.swap_for((given, value), assets, held, data),
        };
        vec![act(pair, U256::ZERO, swap)]
    }

    /// What somebody does in the middle of another's operation; it may fail.
    fn intrusions(&mut self, ledger: &mut Ledger) -> Vec<Do> {
        let count = 1 + self.draws.below(3);
        (0..count)
            .map(|_| {
                let (pair, (asset0, _)) = self.pair();
                let (to, data) = match self.draws.below(9) {
                    0 => (pair, Pair::getReservesCall {}.abi_encode()),
                    1 => (pair, Pair::totalSupplyCall {}.abi_encode()),
                    2 => (
                        pair,
                        Pair::transferCall { to: pair, value: U256::from(self.draws.below(2_000)) }
                            .abi_encode(),
                    ),
                    3 => (
                        asset0,
                        Erc20::transferCall {
                            to: pair,
                            value: U256::from(self.draws.below(2_000)),
                        }
                        .abi_encode(),
                    ),
                    4 => {
                        let (_, _, to, _, data) = self.factory();
                        (to, data)
                    }
                    5 => {
                        let path = self.path();
                        let amount = U256::from(1 + self.draws.below(100_000));
                        (
                            UNISWAP_V2_ROUTER,
                            Router::getAmountsOutCall { amountIn: amount, path }.abi_encode(),
                        )
                    }
                    6 => {
                        let (_, _, to, _, data) = self.router(ledger);
                        (to, data)
                    }
                    _ => (pair, self.operation(ledger, pair, Bytes::new())),
                };
                Do { mayFail: true, ..act(to, U256::ZERO, data) }
            })
            .collect()
    }

    /// Returns a pair and its assets.
    fn pair(&mut self) -> (Address, (Address, Address)) {
        if self.pairs.is_empty() {
            let (a, b) = sorted(ASSETS[0], ASSETS[1]);
            return (uniswap_v2_pair(a, b), (a, b));
        }
        let index = self.draws.below(self.pairs.len());
        (self.pairs[index], self.assets[index])
    }

    /// Returns a path, mostly along pairs that exist.
    fn path(&mut self) -> Vec<Address> {
        if self.draws.one_in(12) || self.assets.is_empty() {
            let count = self.draws.below(4);
            return (0..count).map(|_| self.draws.of(&ASSETS)).collect();
        }
        let (a, b) = self.draws.of(&self.assets.clone());
        let mut path = if self.draws.one_in(2) { vec![a, b] } else { vec![b, a] };
        for _ in 0..self.draws.below(3) {
            let last = path[path.len() - 1];
            let next: Vec<Address> = (self.assets.iter())
                .filter_map(|(a, b)| if *a == last { Some(*b) } else { (*b == last).then_some(*a) })
                .collect();
            path.push(self.draws.of(&next));
        }
        path
    }

    /// Returns who receives something: mostly an account, now and then an address that makes trouble.
    fn receiver(&mut self) -> Address {
        match self.draws.below(24) {
            0 => Address::ZERO,
            1 => self.pair().0,
            2 => self.pair().1.0,
            3 => UNISWAP_V2_ROUTER,
            4 => ACTOR,
            5 => Address::repeat_byte(0x99),
            _ => self.draws.of(&PLAYERS),
        }
    }

    fn deadline(&mut self) -> U256 {
        match self.draws.below(40) {
            0 => U256::from(self.time - 1),
            1 => U256::from(self.time),
            2 => U256::ZERO,
            _ => U256::MAX,
        }
    }
}

/// Name, sender, receiver, value, calldata.
type Called = (&'static str, Address, Address, U256, Vec<u8>);

/// The order of secp256k1.
const ORDER: U256 = alloy_primitives::uint!(
    0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256
);

fn act(to: Address, value: U256, data: Vec<u8>) -> Do {
    Do { to, value, data: data.into(), mayFail: false }
}

/// Returns a balance, read from storage where the asset may refuse to tell it.
fn balance(ledger: &mut Ledger, asset: Address, holder: Address) -> U256 {
    if TOKENS.contains(&asset) {
        let key = [holder.into_word().as_slice(), &[0; 32]].concat();
        return ledger.slot(asset, keccak256(key).into());
    }
    let output = ledger.read(asset, &Erc20::balanceOfCall { account: holder }.abi_encode()).output;
    U256::abi_decode(&output).unwrap_or_default()
}

fn reserves(ledger: &mut Ledger, pair: Address) -> (U256, U256) {
    let output = ledger.read(pair, &Pair::getReservesCall {}.abi_encode()).output;
    Pair::getReservesCall::abi_decode_returns(&output)
        .map(|held| (U256::from(held._reserve0), U256::from(held._reserve1)))
        .unwrap_or_default()
}

impl Ledger {
    /// Reads a slot.
    pub(crate) fn slot(&mut self, account: Address, slot: U256) -> U256 {
        let account = self.database().cache.accounts.get(&account);
        account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default()
    }

    /// Returns the GRAIN of an account.
    pub(crate) fn balance(&mut self, account: Address) -> U256 {
        self.database().cache.accounts.get(&account).map(|it| it.info.balance).unwrap_or_default()
    }
}
