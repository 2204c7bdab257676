//! What is compared of Uniswap v2 and wrapped GRAIN.

use std::{collections::BTreeSet, path::Path};

use abi::{
    UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, UniswapV2Factory as Factory, UniswapV2Pair as Pair,
    WRAPPED_GRAIN, WrappedGrain,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue as _};

use crate::{
    comparison::{Game, code},
    steps::{ASSETS, Focus, Generator, PLAYER_GRAIN, PLAYERS},
    twin::{Ledger, Outcome, Step},
    world::{GAS_LIMIT, SETTER, empty, native},
};

impl Game for Generator {
    /// Of factory, router and WETH9.
    type Codes = [Bytes; 3];
    const KINDS: &'static [&'static str] = &["pairs", "router"];
    const STEPS: usize = 120;
    const RECORDED: (u64, usize) = (4, 110);
    const GAS_LIMIT: u64 = GAS_LIMIT;

    fn holders() -> (Vec<Address>, U256) {
        (PLAYERS.to_vec(), PLAYER_GRAIN)
    }

    fn codes(folder: &Path) -> [Bytes; 3] {
        ["factory", "router", "weth"].map(|name| code(folder, name))
    }

    fn native() -> Ledger {
        native(execution::MODULES.newest())
    }

    fn reference([factory, router, weth]: &[Bytes; 3]) -> Ledger {
        let mut ledger = empty(1);
        let parts = [
            (factory, SETTER.abi_encode(), UNISWAP_V2_FACTORY),
            (router, (UNISWAP_V2_FACTORY, WRAPPED_GRAIN).abi_encode(), UNISWAP_V2_ROUTER),
            (weth, Vec::new(), WRAPPED_GRAIN),
        ];
        for (code, arguments, place) in parts {
            let deployed = ledger.deploy([&code[..], &arguments].concat().into());
            ledger.move_to(deployed, place);
        }
        ledger
    }

    fn begin(seed: u64, kind: &str) -> Self {
        Self::new(seed, if kind == "pairs" { Focus::Pairs } else { Focus::Router })
    }

    fn prepared(&self) -> usize {
        self.preparing()
    }

    fn next(&mut self, reference: &mut Ledger) -> (String, Step) {
        Self::next(self, reference)
    }

    fn learn(&mut self, outcome: &Outcome) {
        Self::learn(self, outcome);
    }

    fn getters(&mut self, outcome: &Outcome) -> Vec<(Address, Vec<u8>)> {
        let changed: BTreeSet<Address> = outcome.logs.iter().map(|log| log.address).collect();
        let mut calls = Vec::new();
        for pair in self.pairs.iter().filter(|pair| changed.contains(*pair)) {
            calls.extend(pair_getters().into_iter().map(|call| (*pair, call)));
        }
        if changed.contains(&UNISWAP_V2_FACTORY) || calls.is_empty() {
            let of_factory = factory_getters(self.pairs.len());
            calls.extend(of_factory.into_iter().map(|call| (UNISWAP_V2_FACTORY, call)));
            calls.extend(wrapped_getters().into_iter().map(|call| (WRAPPED_GRAIN, call)));
        }
        calls
    }

    fn remark(&self) -> (u64, &'static str) {
        (u64::try_from(self.pairs.len()).expect("a few"), "pairs")
    }
}

fn pair_getters() -> Vec<Vec<u8>> {
    let [owner, spender] = [PLAYERS[0], UNISWAP_V2_ROUTER];
    vec![
        Pair::nameCall {}.abi_encode(),
        Pair::symbolCall {}.abi_encode(),
        Pair::decimalsCall {}.abi_encode(),
        Pair::totalSupplyCall {}.abi_encode(),
        Pair::balanceOfCall { owner }.abi_encode(),
        Pair::allowanceCall { owner, spender }.abi_encode(),
        Pair::DOMAIN_SEPARATORCall {}.abi_encode(),
        Pair::PERMIT_TYPEHASHCall {}.abi_encode(),
        Pair::noncesCall { owner }.abi_encode(),
        Pair::MINIMUM_LIQUIDITYCall {}.abi_encode(),
        Pair::factoryCall {}.abi_encode(),
        Pair::token0Call {}.abi_encode(),
        Pair::token1Call {}.abi_encode(),
        Pair::getReservesCall {}.abi_encode(),
        Pair::price0CumulativeLastCall {}.abi_encode(),
        Pair::price1CumulativeLastCall {}.abi_encode(),
        Pair::kLastCall {}.abi_encode(),
    ]
}

fn factory_getters(count: usize) -> Vec<Vec<u8>> {
    let mut calls = vec![
        Factory::feeToCall {}.abi_encode(),
        Factory::feeToSetterCall {}.abi_encode(),
        Factory::allPairsLengthCall {}.abi_encode(),
        Factory::allPairsCall { index: U256::MAX }.abi_encode(),
    ];
    for index in 0..=count {
        calls.push(Factory::allPairsCall { index: U256::from(index) }.abi_encode());
    }
    for (index, token_a) in ASSETS.into_iter().enumerate() {
        let token_b = ASSETS[(index * 2 + 1) % ASSETS.len()];
        calls.push(Factory::getPairCall { tokenA: token_a, tokenB: token_b }.abi_encode());
        calls.push(Factory::getPairCall { tokenA: token_b, tokenB: token_a }.abi_encode());
    }
    calls
}

fn wrapped_getters() -> Vec<Vec<u8>> {
    let mut calls = vec![
        WrappedGrain::decimalsCall {}.abi_encode(),
        WrappedGrain::totalSupplyCall {}.abi_encode(),
    ];
    for owner in PLAYERS {
        calls.push(WrappedGrain::balanceOfCall { owner }.abi_encode());
        let spender = UNISWAP_V2_ROUTER;
        calls.push(WrappedGrain::allowanceCall { owner, spender }.abi_encode());
    }
    calls
}
