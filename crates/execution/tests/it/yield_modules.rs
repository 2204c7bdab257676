//! Replays what the bytecode of `StakingRewards`, `MasterChef`, `ERC4626`, `Governor` and `FluxAggregator` answered to random calls (`testdata/yield`,
//! `testdata/governor`, `testdata/price-feeds`) with the native modules; and uses instances on a chain.

use abi::{
    Erc20, GRAIN, PRICE_FEEDS, PriceFeed, PriceFeeds, PriceReport, VAULT_FACTORY, Vault,
    VaultFactory, price_feed_address, price_report_digest, price_report_domain,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, I256, TxKind, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_sol_types::SolCall;
use execution::{CallOutcome, Genesis, GenesisPriceReporters, Revision, Schedule};

use crate::{
    chain::{Chain, genesis, key, plain, sign},
    modules::{message, run},
    recorded::replay,
};

#[test]
fn rewards_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/yield/rewards.txt")), 1_200);
}

#[test]
fn farms_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/yield/chef.txt")), 1_200);
}

#[test]
fn vaults_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/yield/vault.txt")), 1_200);
}

/// Of OpenZeppelin's `Governor`, with five extensions (`testdata/governor`).
#[test]
fn token_governors_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/governor/governor.txt")), 400);
}

/// Getters after each round are those of Chainlink's `FluxAggregator`.
#[test]
fn price_feeds_answer_as_recorded() {
    assert_eq!(replay(include_str!("../../../../testdata/price-feeds/flux.txt")), 123);
}

/// A fee vault and a price feed on a chain: created by transactions, used with GRAIN, read back by calls.
#[test]
fn instances_live_on_a_ledger() {
    let revisions = Schedule::starting_with(Revision::new(execution::MODULES.newest()));
    let members = (1..=3).map(|number| key(number).address()).collect();
    let price_reporters = Some(GenesisPriceReporters { members, quorum: 2 });
    let mut chain = Chain::from_genesis(&Genesis { revisions, price_reporters, ..genesis() });
    let owner = key(1).address();

    let create = VaultFactory::createCall {
        asset: GRAIN,
        decimalsOffset: 3,
        name: "Grain vault".into(),
        symbol: "vGRAIN".into(),
    };
    send(&mut chain, 1, VAULT_FACTORY, &create);
    let vault = read(&chain, VAULT_FACTORY, &VaultFactory::atCall { index: U256::ZERO });
    // CREATE2 by anybody's software: factory, number, and the hash of the code.
    let expected = VAULT_FACTORY.create2(B256::ZERO, keccak256(b"\xefvault"));
    assert_eq!(vault, expected);
    send(&mut chain, 1, GRAIN, &Erc20::approveCall { spender: vault, value: U256::MAX });
    let assets = U256::from(1_000);
    send(&mut chain, 1, vault, &Vault::depositCall { assets, receiver: owner });
    assert_eq!(chain.state.balance(&vault), assets);
    assert_eq!(read(&chain, vault, &Vault::maxWithdrawCall { owner }), assets);
    send(&mut chain, 1, vault, &Vault::withdrawCall { assets, receiver: owner, owner });
    assert_eq!(chain.state.balance(&vault), U256::ZERO);

    let terms = PriceFeeds::Terms {
        description: "GRAIN / USD".into(),
        decimals: 8,
        maxAge: 60,
        deviationBps: 100,
        confirmationSeconds: 10,
    };
    send(&mut chain, 4, PRICE_FEEDS, &PriceFeeds::createCall { terms });
    let feed = price_feed_address(1);
    let (answer, observed_at) = (I256::try_from(12_345_678).unwrap(), chain.head.timestamp);
    let report = PriceReport { feed, answer, observedAt: observed_at };
    let digest = price_report_digest(&report, &price_report_domain(chain.rules.chain_id));
    let signed = |number: u8| {
        let signature = key(number).sign_hash_sync(&digest).unwrap();
        PriceFeeds::Report {
            answer,
            observedAt: observed_at,
            v: 27 + u8::from(signature.v()),
            r: signature.r().into(),
            s: signature.s().into(),
        }
    };
    let reports = vec![signed(2), signed(3)];
    send(&mut chain, 4, PRICE_FEEDS, &PriceFeeds::reportCall { feed, reports });
    let data = read(&chain, feed, &PriceFeed::latestCheckedRoundDataCall {});
    assert_eq!((data.answer, data.startedAt), (answer, U256::from(observed_at)));
}

/// Before their revision the addresses are ordinary accounts.
#[test]
fn a_ledger_of_revision_1_has_no_factories() {
    let chain = Chain::new();
    for factory in [VAULT_FACTORY, PRICE_FEEDS] {
        assert!(!chain.state.accounts.contains_key(&factory));
    }
}

pub(crate) fn send(chain: &mut Chain, sender: u8, to: Address, call: &impl SolCall) {
    let nonce = chain.state.nonce(&key(sender).address());
    let (to, input) = (TxKind::Call(to), call.abi_encode().into());
    let transaction = TxEip1559 { to, input, gas_limit: 1_000_000, ..plain(nonce) };
    let built = chain.build(&[sign(sender, transaction)]);
    assert!(built.block.receipts[0].status(), "{:?}", built.block.receipts);
}

pub(crate) fn read<C: SolCall>(chain: &Chain, to: Address, call: &C) -> C::Return {
    match run(chain, &message(to, call.abi_encode())) {
        CallOutcome::Returned { output, .. } => C::abi_decode_returns(&output).unwrap(),
        outcome => panic!("{outcome:?}"),
    }
}
