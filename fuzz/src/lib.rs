//! What the targets share: one node in a temporary folder, on whose ledger there is an asset and an instance of every module that a factory creates.
#![cfg(feature = "ledger")]

use std::sync::OnceLock;

use abi::{Module, Place};
use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{
    Address, B256, Bytes, Log, U256, address, aliases::I24, aliases::U24, aliases::U160,
};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use execution::Genesis;
use node::{CallBlock, Node, NodeConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Who calls: the account of [`KEY`], which has funds, is the issuer of asset 1 and the one reporter of prices.
pub const CALLER: Address = address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
/// Everybody's key: the first of the phrase of development nodes.
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

const CHAIN_ID: u64 = 7;
/// The revision must be the newest, so that every module is there: [`node`] looks.
const GENESIS: &str = r#"{
  "chain_id": 7, "timestamp": 1, "gas_limit": 60000000, "commitment": 2,
  "base_fee": {"initial": 1000, "minimum": 7, "change_denominator": 8, "elasticity": 2},
  "fee_recipient": "0x00000000000000000000000000000000000000be",
  "revisions": [{"revision": 5, "height": 0}],
  "price_reporters": {"members": ["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"], "quorum": 1},
  "accounts": {"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266": {"balance": "1000000000000000000000000"}}
}"#;
const ONE: U256 = U256::from_limbs([1, 0, 0, 0]);

/// How its ledger begins.
pub fn genesis() -> Genesis {
    Genesis::from_json(GENESIS).expect("a genesis file")
}

/// The node; made at the first call.
pub fn node() -> &'static Node {
    &field().node
}

/// Where a module answers: its address, or that of one of its instances.
pub fn instance(module: &Module) -> Address {
    let of = |(name, address): &(&str, Address)| (*name == module.name).then_some(*address);
    let created = || field().created.iter().find_map(of);
    let answers = module.place.address(1).or_else(created);
    answers.unwrap_or_else(|| panic!("the set-up creates no {}", module.name))
}

/// A ledger on which every module answers.
struct Field {
    node: Node,
    /// Modules whose instances a factory creates, with one instance each.
    created: Vec<(&'static str, Address)>,
    nonce: u64,
    _folder: TempDir,
}

fn field() -> &'static Field {
    static FIELD: OnceLock<Field> = OnceLock::new();
    FIELD.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = NodeConfig::new(folder.path(), Some(genesis()));
        let node = Node::open(config).expect("a node");
        let mut field = Field { node, created: Vec::new(), nonce: 0, _folder: folder };
        field.create_markets();
        field.create_yield();
        field.create_feed();
        for module in &abi::MODULES {
            let address = match module.place.address(1) {
                Some(address) => address,
                None => field.created(module.name),
            };
            let code = field.code(address);
            let found = Module::of(&address, &code).map(|found| found.name);
            assert_eq!(found, Some(module.name), "the set-up creates all, by the newest rules");
        }
        field
    })
}

impl Field {
    /// An asset, a pair and a pool of it and GRAIN, and liquidity in both.
    fn create_markets(&mut self) {
        let terms = abi::Assets::Terms {
            name: "Fuzz".to_owned(),
            symbol: "FUZZ".to_owned(),
            decimals: 6,
            cap: U256::MAX,
            uri: String::new(),
            issuer: CALLER,
            pausable: true,
            burnable: true,
            transferable: true,
            renounceable: true,
        };
        self.send(abi::ASSETS, &abi::Assets::createCall { terms });
        let asset = abi::asset_address(1);
        let value = U256::from(1_000_000);
        self.send(asset, &abi::IssuedAsset::mintCall { to: CALLER, value });
        let create = abi::UniswapV2Factory::createPairCall { tokenA: asset, tokenB: abi::GRAIN };
        self.send(abi::UNISWAP_V2_FACTORY, &create);
        let pair = self.created("UniswapV2Pair");
        let value = U256::from(100_000);
        for token in [asset, abi::GRAIN] {
            self.send(token, &abi::Erc20::transferCall { to: pair, value });
        }
        self.send(pair, &abi::UniswapV2Pair::mintCall { to: CALLER });
        let [token0, token1] =
            if asset < abi::GRAIN { [asset, abi::GRAIN] } else { [abi::GRAIN, asset] };
        let fee = U24::from(3_000);
        let create = abi::NonfungiblePositionManager::createAndInitializePoolIfNecessaryCall {
            token0,
            token1,
            fee,
            sqrtPriceX96: U160::from(1) << 96,
        };
        self.send(abi::UNISWAP_V3_POSITIONS, &create);
        for token in [token0, token1] {
            self.allow(token, abi::UNISWAP_V3_POSITIONS);
        }
        let params = abi::NonfungiblePositionManager::MintParams {
            token0,
            token1,
            fee,
            tickLower: I24::try_from(-60_000).expect("a tick"),
            tickUpper: I24::try_from(60_000).expect("a tick"),
            amount0Desired: value,
            amount1Desired: value,
            amount0Min: U256::ZERO,
            amount1Min: U256::ZERO,
            recipient: CALLER,
            deadline: U256::MAX,
        };
        self.send(abi::UNISWAP_V3_POSITIONS, &abi::NonfungiblePositionManager::mintCall { params });
    }

    /// Vaults, farms and a governor of the asset, with deposits of the caller.
    fn create_yield(&mut self) {
        let (asset, amount) = (abi::asset_address(1), U256::from(10_000));
        let [name, symbol] = ["Fuzz vault".to_owned(), "vFUZZ".to_owned()];
        let create = abi::VaultFactory::createCall {
            asset,
            decimalsOffset: 3,
            name: name.clone(),
            symbol: symbol.clone(),
        };
        self.send(abi::VAULT_FACTORY, &create);
        let create =
            abi::VaultFactory::createFeeVaultCall { asset, decimalsOffset: 0, name, symbol };
        self.send(abi::VAULT_FACTORY, &create);
        for vault in ["Vault", "FeeVault"] {
            let vault = self.created(vault);
            self.allow(asset, vault);
            self.send(vault, &abi::Vault::depositCall { assets: amount, receiver: CALLER });
        }
        let create = abi::StakingRewardsFactory::createCall {
            owner: CALLER,
            rewardsDistribution: CALLER,
            rewardsToken: abi::GRAIN,
            stakingToken: asset,
        };
        self.send(abi::STAKING_REWARDS_FACTORY, &create);
        let rewards = self.created("StakingRewards");
        self.allow(asset, rewards);
        self.send(rewards, &abi::StakingRewards::stakeCall { amount });
        let terms = abi::MasterChefFactory::Terms {
            owner: CALLER,
            developer: CALLER,
            underlying: abi::GRAIN,
            rewardPerBlock: U256::from(100),
            startBlock: ONE,
            bonusEndBlock: ONE,
            name: "Fuzz claims".to_owned(),
            symbol: "fGRAIN".to_owned(),
        };
        self.send(abi::MASTER_CHEF_FACTORY, &abi::MasterChefFactory::createCall { terms });
        let (farm, reserve) = (self.created("MasterChef"), self.created("RewardReserve"));
        self.allow(abi::GRAIN, reserve);
        self.send(reserve, &abi::RewardReserve::fundCall { amount });
        let add = abi::MasterChef::addCall { allocPoint: ONE, lpToken: asset, withUpdate: true };
        self.send(farm, &add);
        self.allow(asset, farm);
        self.send(farm, &abi::MasterChef::depositCall { pid: U256::ZERO, amount });
        let terms = abi::GovernorFactory::Terms {
            name: "Fuzz governor".to_owned(),
            token: self.created("Vault"),
            votingDelay: alloy_primitives::aliases::U48::from(1),
            votingPeriod: 100,
            proposalThreshold: U256::ZERO,
            quorumNumerator: U256::from(4),
            voteExtension: alloy_primitives::aliases::U48::from(0),
            executionDelay: 0,
        };
        self.send(abi::GOVERNOR_FACTORY, &abi::GovernorFactory::createCall { terms });
    }

    fn create_feed(&mut self) {
        let terms = abi::PriceFeeds::Terms {
            description: "GRAIN / FUZZ".to_owned(),
            decimals: 8,
            maxAge: 3_600,
            deviationBps: 500,
            confirmationSeconds: 30,
        };
        self.send(abi::PRICE_FEEDS, &abi::PriceFeeds::createCall { terms });
    }

    fn allow(&mut self, token: Address, spender: Address) {
        self.send(token, &abi::Erc20::approveCall { spender, value: U256::MAX });
    }

    fn created(&self, name: &str) -> Address {
        let found = self.created.iter().find(|(module, _)| *module == name);
        found.unwrap_or_else(|| panic!("the set-up creates no {name}")).1
    }

    /// Sends a call of the caller, which must work, and notes the instances that it creates.
    fn send<C: SolCall>(&mut self, to: Address, call: &C) {
        let signer: PrivateKeySigner = KEY.parse().expect("a key");
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.nonce,
            gas_limit: 5_000_000,
            max_fee_per_gas: 1_000_000,
            to: to.into(),
            input: Bytes::from(call.abi_encode()),
            ..TxEip1559::default()
        };
        self.nonce += 1;
        let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("a signature");
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        let hash: B256 = self.node.submit(&signed.encoded_2718()).expect("it is taken");
        let runtime = Runtime::new().expect("a runtime");
        let inclusion = runtime.block_on(self.node.wait_for(hash)).expect("it gets into a block");
        assert!(inclusion.receipt.status(), "{} works", C::SIGNATURE);
        for log in inclusion.receipt.logs() {
            self.note(log);
        }
    }

    /// Notes the instances that an event names: every factory tells of what it has created.
    fn note(&mut self, log: &Log) {
        let data = log.data.data.chunks_exact(32).map(B256::from_slice);
        for word in log.topics().iter().copied().chain(data) {
            let address = Address::from_word(word);
            let module = Module::of(&address, &self.code(address));
            if let Some(Module { name, place: Place::Created(_), .. }) = module
                && self.created.iter().all(|(known, _)| known != name)
            {
                self.created.push((name, address));
            }
        }
    }

    fn code(&self, address: Address) -> Bytes {
        let reader = self.node.reader().expect("the store is whole");
        let view = self.node.view(reader, CallBlock::Same);
        let account = view.account(&address).expect("the store is whole");
        account.map_or_else(Bytes::new, |account| view.code(&account.code_hash).expect("its code"))
    }
}
