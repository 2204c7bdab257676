//! Measures how many calls per second one core executes, without network, signatures and disk: whole blocks, first
//! without computing roots, then with them.

use std::time::Instant;

use abi::{ASSETS, Assets, DEVICES, Devices, Erc20, GRAIN, IssuedAsset, asset_address, statement};
use alloy_consensus::{SignableTransaction as _, TxEip1559, transaction::Recovered};
use alloy_primitives::{Address, B256, Bytes, Signature, U256};
use alloy_sol_types::SolCall as _;
use anyhow::Context as _;
use execution::{BlockInput, Built, Genesis, Parent, Transaction, execute_block, execute_unsealed};
use store::{Reader, Store};
use wallet::DeviceKey;

/// Number of calls in a block, and of accounts that send them.
const CALLS: u64 = 10_000;
pub(super) const CALLERS: u64 = 100;
/// Number of blocks of each kind, alternating with the other kinds: the fastest counts, and other load affects all
/// kinds alike.
const ROUNDS: usize = 10;
const GAS: u64 = 99_000;

/// A kind of call and its rate.
pub(super) struct Rate {
    pub(super) what: &'static str,
    pub(super) calls_per_second: f64,
    pub(super) calls_per_second_sealed: f64,
    /// Gas of one whole transaction.
    pub(super) gas: u64,
    /// Time beyond that of a plain transfer, per gas: a high value means that the gas is too low.
    pub(super) ns_per_gas: f64,
}

/// A ledger in a folder, and its next block.
struct Bench {
    store: Store,
    genesis: Genesis,
}

/// Measures transfers, calls of native modules, and for comparison Ethereum's most expensive precompiles; `genesis`
/// funds the [`caller`]s.
pub(super) fn rates(folder: &std::path::Path, genesis: Genesis) -> anyhow::Result<Vec<Rate>> {
    let store = Store::open(folder).context("no store for the benchmark")?;
    store.initialize(&genesis)?;
    let bench = Bench { store, genesis };
    bench.prepare()?;
    let to = |index: u64| caller((index + 1) % CALLERS);
    let value = U256::ONE;
    let transfer = |index: u64| Erc20::transferCall { to: to(index), value }.abi_encode();
    let approve = |index: u64| Erc20::approveCall { spender: to(index), value }.abi_encode();
    let asset = asset_address(1);
    let precompile = |number: u64| Address::from_word(B256::from(U256::from(number)));
    let chain_id = bench.genesis.chain_id;
    let kinds: [(_, &Kind<'_>); 8] = [
        ("plain transfer", &|from, _| (to(from), value, Vec::new())),
        ("GRAIN.transfer", &|from, _| (GRAIN, U256::ZERO, transfer(from))),
        ("GRAIN.approve", &|from, _| (GRAIN, U256::ZERO, approve(from))),
        ("asset.transfer", &|from, _| (asset, U256::ZERO, transfer(from))),
        ("Devices.link", &|from, call| (DEVICES, U256::ZERO, link(chain_id, caller(from), call))),
        ("ecrecover", &|_, _| (precompile(1), U256::ZERO, recovery())),
        ("modexp", &|_, _| (precompile(5), U256::ZERO, modular_power())),
        ("identity", &|_, _| (precompile(4), U256::ZERO, vec![1; 96])),
    ];
    let mut runs = Vec::new();
    for (what, kind) in kinds {
        runs.push(Run {
            what,
            block: bench.block(kind)?,
            seconds: f64::INFINITY,
            seconds_sealed: f64::INFINITY,
            gas: 0,
        });
    }
    for _ in 0..ROUNDS {
        runs.iter_mut().try_for_each(|run| run.once(&bench))?;
    }
    let plain = runs.first().map_or((0.0, 0), |plain| (plain.seconds, plain.gas));
    Ok(runs.iter().map(|run| run.rate(plain)).collect())
}

/// A block of calls of one kind, and its fastest execution so far.
struct Run {
    what: &'static str,
    block: Vec<Recovered<Transaction>>,
    seconds: f64,
    seconds_sealed: f64,
    gas: u64,
}

impl Run {
    fn once(&mut self, bench: &Bench) -> anyhow::Result<()> {
        let reader = bench.store.reader()?;
        let parent = reader.as_parent();
        let (rules, input) = (bench.genesis.rules(), next(&reader));
        let started = now();
        self.gas = execute_unsealed(&parent, &rules, &input, &self.block)?;
        self.seconds = self.seconds.min(started.elapsed().as_secs_f64());
        let started = now();
        let built = bench.execute(&parent, &input, &self.block)?;
        self.seconds_sealed = self.seconds_sealed.min(started.elapsed().as_secs_f64());
        anyhow::ensure!(
            built.block.header.gas_used == self.gas,
            "both executions give the same block"
        );
        Ok(())
    }

    /// Returns the rate; `plain` is the time and the gas of as many plain transfers.
    fn rate(&self, (plain_seconds, plain_gas): (f64, u64)) -> Rate {
        #[expect(clippy::cast_precision_loss, reason = "figures for display")]
        let (calls, more_gas) =
            (self.block.len() as f64, self.gas.saturating_sub(plain_gas).max(1) as f64);
        Rate {
            what: self.what,
            calls_per_second: calls / self.seconds,
            calls_per_second_sealed: calls / self.seconds_sealed,
            gas: self.gas / CALLS,
            ns_per_gas: (self.seconds - plain_seconds) * 1e9 / more_gas,
        }
    }
}

/// The call of the sender with an index for its call with a number: address, value, calldata.
type Kind<'a> = dyn Fn(u64, u64) -> (Address, U256, Vec<u8>) + 'a;

/// Links a device that was not linked before.
fn link(chain_id: u64, account: Address, call: u64) -> Vec<u8> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&call.to_le_bytes());
    let key = DeviceKey::from_seed(&seed);
    let device = *key.device().as_bytes();
    let signature = key.sign(&statement::link(chain_id, &device, &account.into_array(), 1));
    let signature = Bytes::copy_from_slice(&signature);
    Devices::linkCall { device: device.into(), account, nonce: 1, signature }.abi_encode()
}

/// Returns a signature that ECRECOVER recovers: hash, v, r, s.
fn recovery() -> Vec<u8> {
    let signature = Signature::test_signature();
    let word = |value: U256| value.to_be_bytes::<32>();
    let words = [word(U256::ONE), word(U256::from(27)), word(signature.r()), word(signature.s())];
    words.concat()
}

/// Returns input for EIP-198: a power of 32 bytes to 32 bytes, modulo 32 bytes.
fn modular_power() -> Vec<u8> {
    let size = U256::from(32).to_be_bytes::<32>();
    [[size; 3].concat(), vec![0xff; 95], vec![0xfd]].concat()
}

/// Returns one of the accounts that call.
pub(super) fn caller(index: u64) -> Address {
    Address::from_word(B256::from(U256::from(0xca11_0000 + index)))
}

impl Bench {
    /// Creates an asset, of which every caller has a balance.
    fn prepare(&self) -> anyhow::Result<()> {
        let issuer = caller(0);
        let terms = Assets::Terms {
            name: "Benchmark".to_owned(),
            symbol: "BENCH".to_owned(),
            decimals: 18,
            cap: U256::MAX,
            uri: String::new(),
            issuer,
            pausable: false,
            burnable: false,
            transferable: false,
            renounceable: false,
        };
        let create = (ASSETS, U256::ZERO, Assets::createCall { terms }.abi_encode());
        let mint = |index| {
            let call = IssuedAsset::mintCall { to: caller(index), value: U256::from(CALLS) };
            (asset_address(1), U256::ZERO, call.abi_encode())
        };
        let calls: Vec<_> = std::iter::once(create).chain((0..CALLERS).map(mint)).collect();
        let block: Vec<_> = (0..)
            .zip(calls)
            .map(|(nonce, call)| message(issuer, nonce, &self.genesis, call))
            .collect();
        let reader = self.store.reader()?;
        let built = self.execute(&reader.as_parent(), &next(&reader), &block)?;
        self.store.commit(&built.block)?;
        Ok(())
    }

    /// Returns the transactions of a block of calls.
    fn block(&self, kind: &Kind<'_>) -> anyhow::Result<Vec<Recovered<Transaction>>> {
        let reader = self.store.reader()?;
        let mut nonces = Vec::new();
        for index in 0..CALLERS {
            nonces.push(reader.account(&caller(index))?.map_or(0, |account| account.nonce));
        }
        let call = |index| {
            let from = index % CALLERS;
            let nonce = nonces[usize::try_from(from).unwrap_or(0)] + index / CALLERS;
            message(caller(from), nonce, &self.genesis, kind(from, index))
        };
        Ok((0..CALLS).map(call).collect())
    }

    fn execute(
        &self,
        parent: &Parent<'_, Reader>,
        input: &BlockInput,
        transactions: &[Recovered<Transaction>],
    ) -> anyhow::Result<Built> {
        let built = execute_block(parent, &self.genesis.rules(), input, transactions)?;
        let has_failed = built.block.receipts.iter().any(|receipt| !receipt.status());
        anyhow::ensure!(built.refused.is_empty() && !has_failed, "a call of the benchmark failed");
        Ok(built)
    }
}

/// Returns the input of the block after the head.
fn next(reader: &Reader) -> BlockInput {
    BlockInput {
        timestamp: reader.head().timestamp + 1,
        prevrandao: B256::ZERO,
        beneficiary: Address::ZERO,
        extra_data: Bytes::new(),
        proof: Bytes::new(),
        deviations: execution::Deviations::default(),
    }
}

#[expect(clippy::disallowed_methods, reason = "this command measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Returns a transaction with a dummy signature: recovering senders is not measured.
fn message(
    from: Address,
    nonce: u64,
    genesis: &Genesis,
    (to, value, data): (Address, U256, Vec<u8>),
) -> Recovered<Transaction> {
    let transaction = TxEip1559 {
        chain_id: genesis.chain_id,
        nonce,
        gas_limit: if to == ASSETS { 1_000_000 } else { GAS },
        max_fee_per_gas: u128::from(genesis.base_fee.initial) * 2,
        to: to.into(),
        value,
        input: data.into(),
        ..TxEip1559::default()
    };
    let signed = transaction.into_signed(Signature::test_signature());
    Recovered::new_unchecked(signed.into(), from)
}
