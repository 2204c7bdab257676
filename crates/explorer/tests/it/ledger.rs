//! A development ledger with assets, pools of both kinds, positions, stakes, a farm, vaults and price feeds.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use abi::{
    ASSETS, Assets, Erc20, GRAIN, IssuedAsset, MASTER_CHEF_FACTORY, MasterChef, MasterChefFactory,
    NonfungiblePositionManager as Positions, PRICE_FEEDS, PriceFeeds, PriceReport, RewardReserve,
    STAKING_REWARDS_FACTORY, StakingRewards, StakingRewardsFactory, SwapRouter, UNISWAP_V2_FACTORY,
    UNISWAP_V2_ROUTER, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_ROUTER,
    UniswapV2Factory, UniswapV2Router02, UniswapV3Factory, VAULT_FACTORY, Vault, VaultFactory,
    asset_address, price_feed_address, price_report_digest, price_report_domain,
};
use alloy_consensus::{SignableTransaction as _, TxEip1559};
use alloy_primitives::{
    Address, B256, Bytes, I256, TxKind, U160, U256,
    aliases::{I24, U24},
};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use execution::{
    Activation, Amendment, BaseFeeRule, Call, CallOutcome, Genesis, GenesisAccount,
    GenesisPriceReporters, MODULES, Revision, Schedule,
};
use node::{Node, NodeConfig};
use tempfile::TempDir;

pub(crate) const ALICE: Address = Address::repeat_byte(0xa1);
pub(crate) const BOB: Address = Address::repeat_byte(0xb0);
/// 18 decimals.
pub(crate) const GOLD: u64 = 1;
/// 6 decimals.
pub(crate) const CORN: u64 = 2;

const CHAIN_ID: u64 = 4_242;
/// Seconds of the first block.
const START: u64 = 1_790_000_000;
const LATER: U256 = U256::MAX;

/// A number of whole units.
pub(crate) fn whole(amount: u64, decimals: u8) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(decimals))
}

pub(crate) struct Ledger {
    pub(crate) node: Node,
    nonces: RefCell<BTreeMap<Address, u64>>,
    _directory: TempDir,
}

fn reporter(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

fn genesis() -> Genesis {
    let rich = GenesisAccount { balance: whole(1_000_000, 18), ..GenesisAccount::default() };
    let members = (1..=3).map(|number| reporter(number).address()).collect();
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: START,
        gas_limit: 60_000_000,
        base_fee: BaseFeeRule { initial: 1_000, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: Address::repeat_byte(0xbe),
        commitment: 2,
        revisions: Schedule::starting_with(Revision::new(MODULES.newest())),
        referees: None,
        price_reporters: Some(GenesisPriceReporters { members, quorum: 2 }),
        accounts: [(ALICE, rich.clone()), (BOB, rich)].into(),
    }
}

impl Ledger {
    /// A ledger with nothing but two rich accounts; with or without a history index.
    pub(crate) fn new(history: Option<history::Options>) -> Self {
        Self::of(genesis(), history)
    }

    /// The same, which can't make the block of this height: its rules are of a later program.
    pub(crate) fn ending_before(height: u64) -> Self {
        let newest = MODULES.newest();
        let revisions = Schedule::starting_with(Revision::new(newest));
        let unknown = Activation { revision: Revision::new(newest + 1), height };
        Self::of(Genesis { revisions: revisions.with(unknown).unwrap(), ..genesis() }, None)
    }

    fn of(genesis: Genesis, history: Option<history::Options>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let node = Node::open(NodeConfig {
            batching: Duration::ZERO,
            is_development: true,
            history,
            ..NodeConfig::new(directory.path(), Some(genesis))
        });
        let node = node.unwrap();
        let development = node.development().unwrap();
        development.set_timestamp_step(Some(12));
        Self { node, nonces: RefCell::default(), _directory: directory }
    }

    /// Puts a transaction into a block of its own; returns its hash.
    pub(crate) fn send_value(&self, from: Address, to: Address, value: U256, input: Bytes) -> B256 {
        let mut nonces = self.nonces.borrow_mut();
        let next = || self.node.next_nonce(&from).unwrap();
        let nonce = nonces.entry(from).or_insert_with(next);
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: *nonce,
            gas_limit: 8_000_000,
            max_fee_per_gas: 1_000_000,
            to: TxKind::Call(to),
            value,
            input,
            ..TxEip1559::default()
        };
        *nonce += 1;
        let seal = |signature| transaction.into_signed(signature).into();
        self.node.development().unwrap().impersonate(from, seal).unwrap()
    }

    pub(crate) fn send<C: SolCall>(&self, from: Address, to: Address, call: &C) -> B256 {
        self.send_value(from, to, U256::ZERO, call.abi_encode().into())
    }

    /// The same for a transaction that must succeed.
    #[track_caller]
    pub(crate) fn do_<C: SolCall>(&self, from: Address, to: Address, call: &C) -> B256 {
        let hash = self.send(from, to, call);
        let reader = self.node.reader().unwrap();
        let place = reader.locate(&hash).unwrap().unwrap();
        let receipt = reader.receipt(place.block_number, place.index).unwrap().unwrap();
        assert!(receipt.status(), "{}: {}", C::SIGNATURE, self.page(&format!("/tx/{hash}")));
        hash
    }

    #[track_caller]
    pub(crate) fn ask<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        match self.node.call(&Call::read_only(to, call.abi_encode().into())).unwrap() {
            CallOutcome::Returned { output, .. } => C::abi_decode_returns(&output).unwrap(),
            other => panic!("{}: {other:?}", C::SIGNATURE),
        }
    }

    /// A page that there is.
    #[track_caller]
    pub(crate) fn page(&self, path: &str) -> String {
        self.wait_for_index();
        let page = explorer::page(&self.node, path);
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body
    }

    /// Puts code at an address.
    pub(crate) fn put_code(&self, address: Address, code: Bytes) {
        self.node.development().unwrap().amend(address, Amendment::Code(code)).unwrap();
    }

    /// The same once its history index is open.
    pub(crate) fn indexed(self) -> Self {
        self.wait_for_index();
        self
    }

    /// Waits until the history index, if there is one, has every block: on a busy machine it may be behind.
    fn wait_for_index(&self) {
        let is_whole = || self.node.history_view().is_ok_and(|view| view.coverage().is_whole());
        while self.node.history().is_some() && !is_whole() {
            std::thread::yield_now();
        }
    }

    pub(crate) fn head_time(&self) -> u64 {
        self.node.head().timestamp
    }

    fn asset(&self, name: &str, symbol: &str, decimals: u8) {
        let terms = Assets::Terms {
            name: name.into(),
            symbol: symbol.into(),
            decimals,
            cap: U256::MAX,
            uri: String::new(),
            issuer: ALICE,
            pausable: false,
            burnable: true,
            transferable: true,
            renounceable: true,
        };
        self.do_(ALICE, ASSETS, &Assets::createCall { terms });
        let asset = asset_address(self.ask(ASSETS, &Assets::countCall {}));
        for to in [ALICE, BOB] {
            self.do_(
                ALICE,
                asset,
                &IssuedAsset::mintCall { to, value: whole(1_000_000, decimals) },
            );
        }
        for (owner, spender) in [
            (ALICE, UNISWAP_V2_ROUTER),
            (ALICE, UNISWAP_V3_ROUTER),
            (ALICE, UNISWAP_V3_POSITIONS),
            (BOB, UNISWAP_V2_ROUTER),
            (BOB, UNISWAP_V3_ROUTER),
            (BOB, UNISWAP_V3_POSITIONS),
        ] {
            self.allow(owner, asset, spender);
        }
    }

    pub(crate) fn allow(&self, owner: Address, token: Address, spender: Address) {
        self.do_(owner, token, &Erc20::approveCall { spender, value: U256::MAX });
    }

    /// Adds liquidity to the pair of GOLD and GRAIN.
    pub(crate) fn add_to_pair(&self, from: Address, gold: u64, grain: u64) -> B256 {
        let call = UniswapV2Router02::addLiquidityCall {
            tokenA: asset_address(GOLD),
            tokenB: GRAIN,
            amountADesired: whole(gold, 18),
            amountBDesired: whole(grain, 18),
            amountAMin: U256::ZERO,
            amountBMin: U256::ZERO,
            to: from,
            deadline: LATER,
        };
        self.do_(from, UNISWAP_V2_ROUTER, &call)
    }

    /// Sells GOLD for GRAIN, or GRAIN for GOLD, in the pair.
    pub(crate) fn trade_pair(&self, from: Address, sells_gold: bool, amount: u64) -> B256 {
        let (gold, grain) = (asset_address(GOLD), GRAIN);
        let path = if sells_gold { vec![gold, grain] } else { vec![grain, gold] };
        let call = UniswapV2Router02::swapExactTokensForTokensCall {
            amountIn: whole(amount, 18),
            amountOutMin: U256::ZERO,
            path,
            to: from,
            deadline: LATER,
        };
        self.do_(from, UNISWAP_V2_ROUTER, &call)
    }

    pub(crate) fn pair(&self) -> Address {
        let call = UniswapV2Factory::getPairCall { tokenA: asset_address(GOLD), tokenB: GRAIN };
        self.ask(UNISWAP_V2_FACTORY, &call)
    }

    pub(crate) fn pool(&self) -> Address {
        let (gold, corn) = (asset_address(GOLD), asset_address(CORN));
        let fee = U24::from(3_000);
        self.ask(
            UNISWAP_V3_FACTORY,
            &UniswapV3Factory::getPoolCall { tokenA: gold, tokenB: corn, fee },
        )
    }

    /// Creates the pool of GOLD and CORN, at 1 GOLD for 1 CORN.
    fn create_pool(&self) {
        // GOLD has 12 decimals more: a millionth is the square root.
        let root = (U256::from(1) << 96) / U256::from(1_000_000);
        let call = Positions::createAndInitializePoolIfNecessaryCall {
            token0: asset_address(GOLD),
            token1: asset_address(CORN),
            fee: U24::from(3_000),
            sqrtPriceX96: U160::from(root),
        };
        self.do_(ALICE, UNISWAP_V3_POSITIONS, &call);
    }

    /// Adds a position between two multiples of 60 ticks beside the price.
    pub(crate) fn add_position(&self, from: Address, below: i32, above: i32, amount: u64) -> B256 {
        // The tick of a price of 10^-12.
        let middle = -276_360;
        let params = Positions::MintParams {
            token0: asset_address(GOLD),
            token1: asset_address(CORN),
            fee: U24::from(3_000),
            tickLower: I24::try_from(middle - 60 * below).unwrap(),
            tickUpper: I24::try_from(middle + 60 * above).unwrap(),
            amount0Desired: whole(amount, 18),
            amount1Desired: whole(amount, 6),
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            recipient: from,
            deadline: LATER,
        };
        self.do_(from, UNISWAP_V3_POSITIONS, &Positions::mintCall { params })
    }

    pub(crate) fn swap_call(&self, to: Address, sells_gold: bool, amount: u64) -> Bytes {
        let (gold, corn) = (asset_address(GOLD), asset_address(CORN));
        let (token_in, token_out) = if sells_gold { (gold, corn) } else { (corn, gold) };
        let params = SwapRouter::ExactInputSingleParams {
            tokenIn: token_in,
            tokenOut: token_out,
            fee: U24::from(3_000),
            recipient: to,
            deadline: LATER,
            amountIn: whole(amount, if sells_gold { 18 } else { 6 }),
            amountOutMinimum: U256::ZERO,
            sqrtPriceLimitX96: U160::ZERO,
        };
        SwapRouter::exactInputSingleCall { params }.abi_encode().into()
    }

    pub(crate) fn trade_pool(&self, from: Address, sells_gold: bool, amount: u64) -> B256 {
        let call = self.swap_call(from, sells_gold, amount);
        self.send_value(from, UNISWAP_V3_ROUTER, U256::ZERO, call)
    }

    /// Stakes shares of the pair for GRAIN.
    pub(crate) fn stake(&self) -> Address {
        let pair = self.pair();
        let create = StakingRewardsFactory::createCall {
            owner: ALICE,
            rewardsDistribution: ALICE,
            rewardsToken: GRAIN,
            stakingToken: pair,
        };
        self.do_(ALICE, STAKING_REWARDS_FACTORY, &create);
        let at =
            self.ask(STAKING_REWARDS_FACTORY, &StakingRewardsFactory::atCall { index: U256::ZERO });
        let (to, value) = (at, whole(604, 18));
        self.do_(ALICE, GRAIN, &Erc20::transferCall { to, value });
        self.do_(ALICE, at, &StakingRewards::notifyRewardAmountCall { reward: value });
        self.allow(ALICE, pair, at);
        self.do_(ALICE, at, &StakingRewards::stakeCall { amount: whole(100, 18) });
        at
    }

    /// A farm that pays GRAIN for shares of the pair and for GOLD.
    pub(crate) fn farm(&self) -> Address {
        let terms = MasterChefFactory::Terms {
            owner: ALICE,
            developer: BOB,
            underlying: GRAIN,
            rewardPerBlock: whole(2, 18),
            startBlock: U256::from(1),
            bonusEndBlock: U256::from(1),
            name: "Farm claims".into(),
            symbol: "fGRAIN".into(),
        };
        self.do_(ALICE, MASTER_CHEF_FACTORY, &MasterChefFactory::createCall { terms });
        let farm = self.ask(MASTER_CHEF_FACTORY, &MasterChefFactory::atCall { index: U256::ZERO });
        let reserve = self.ask(farm, &MasterChef::sushiCall {});
        self.allow(ALICE, GRAIN, reserve);
        self.do_(ALICE, reserve, &RewardReserve::fundCall { amount: whole(1_000, 18) });
        for token in [self.pair(), asset_address(GOLD)] {
            let add = MasterChef::addCall {
                allocPoint: U256::from(100),
                lpToken: token,
                withUpdate: true,
            };
            self.do_(ALICE, farm, &add);
        }
        let gold = asset_address(GOLD);
        self.allow(ALICE, gold, farm);
        let deposit = MasterChef::depositCall { pid: U256::from(1), amount: whole(50, 18) };
        self.do_(ALICE, farm, &deposit);
        farm
    }

    /// A vault of GOLD with a deposit of BOB.
    pub(crate) fn vault(&self) -> Address {
        let gold = asset_address(GOLD);
        let create = VaultFactory::createCall {
            asset: gold,
            decimalsOffset: 3,
            name: "Vault of gold".into(),
            symbol: "vGOLD".into(),
        };
        self.do_(ALICE, VAULT_FACTORY, &create);
        let vault = self.ask(VAULT_FACTORY, &VaultFactory::atCall { index: U256::ZERO });
        self.allow(BOB, gold, vault);
        self.do_(BOB, vault, &Vault::depositCall { assets: whole(25, 18), receiver: BOB });
        vault
    }

    pub(crate) fn feed(&self, description: &str, age_seconds_max: u64) -> Address {
        let terms = PriceFeeds::Terms {
            description: description.into(),
            decimals: 8,
            maxAge: age_seconds_max,
            deviationBps: 500,
            confirmationSeconds: 30,
        };
        self.do_(ALICE, PRICE_FEEDS, &PriceFeeds::createCall { terms });
        price_feed_address(self.ask(PRICE_FEEDS, &PriceFeeds::countCall {}))
    }

    /// Brings what reporters 1, 2, … say of a feed.
    pub(crate) fn report(&self, feed: Address, answers: &[u64]) -> B256 {
        let observed_at = self.head_time() + 6;
        let domain = price_report_domain(CHAIN_ID);
        let signed = |(number, answer): (u8, &u64)| {
            let answer = I256::try_from(*answer).unwrap();
            let report = PriceReport { feed, answer, observedAt: observed_at };
            let digest = price_report_digest(&report, &domain);
            let signature = reporter(number).sign_hash_sync(&digest).unwrap();
            PriceFeeds::Report {
                answer,
                observedAt: observed_at,
                v: if signature.v() { 28 } else { 27 },
                r: signature.r().into(),
                s: signature.s().into(),
            }
        };
        let reports = (1..).zip(answers).map(signed).collect();
        self.do_(BOB, PRICE_FEEDS, &PriceFeeds::reportCall { feed, reports })
    }
}

/// A ledger with a pair and a pool, both traded, two positions, and everything that pays a yield.
pub(crate) fn market() -> Ledger {
    market_with(Some(history::Options::STANDARD))
}

/// The same with another history index, or none.
pub(crate) fn market_with(history: Option<history::Options>) -> Ledger {
    let ledger = Ledger::new(history);
    ledger.asset("Gold of the hills", "GOLD", 18);
    ledger.asset("Corn", "CORN", 6);
    for owner in [ALICE, BOB] {
        ledger.allow(owner, GRAIN, UNISWAP_V2_ROUTER);
        ledger.allow(owner, GRAIN, UNISWAP_V3_ROUTER);
    }
    ledger.add_to_pair(ALICE, 1_000, 2_000);
    ledger.create_pool();
    ledger.add_position(ALICE, 40, 40, 1_000);
    ledger.add_position(BOB, 5, 5, 300);
    ledger
}
