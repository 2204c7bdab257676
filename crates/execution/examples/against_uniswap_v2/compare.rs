//! Plays a sequence on both ledgers and compares them after every step.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use abi::{
    UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, UniswapV2Factory as Factory, UniswapV2Pair as Pair,
    WRAPPED_GRAIN, WrappedGrain,
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolValue};

use crate::{
    reference::Codes,
    steps::{ASSETS, Focus, Generator, PLAYER_GRAIN, PLAYERS},
    world::{GAS_LIMIT, Ledger, Outcome, Step, decoded},
};

/// Calls of one function, and their gas.
#[derive(Default)]
struct Tally {
    calls: u64,
    done: u64,
    gas_native: u64,
    gas_reference: u64,
}

pub(crate) struct Comparison {
    codes: Codes,
    tallies: BTreeMap<String, Tally>,
    messages: BTreeMap<String, u64>,
    sequences: u64,
    getters: u64,
}

impl Comparison {
    /// Returns a comparison with the creation code in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let codes = ["factory", "router", "weth"].map(|name| {
            let path = folder.join(format!("{name}.hex"));
            let text = std::fs::read_to_string(&path);
            decoded(&text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        });
        let (tallies, messages) = (BTreeMap::new(), BTreeMap::new());
        Self { codes, tallies, messages, sequences: 0, getters: 0 }
    }

    /// Plays `count` steps after those that prepare the ledgers. `record` gets each step, and how it has ended on the reference.
    ///
    /// # Panics
    /// When the two differ, with the seed and the step.
    pub(crate) fn play(
        &mut self,
        seed: u64,
        focus: Focus,
        count: usize,
        mut record: impl FnMut(&Step, &Outcome, &mut Ledger),
    ) {
        let mut ledgers = [Ledger::native(), Ledger::reference(&self.codes)];
        for ledger in &mut ledgers {
            for player in PLAYERS {
                ledger.give(player, PLAYER_GRAIN);
            }
        }
        let [native, reference] = &mut ledgers;
        let mut generator = Generator::new(seed, focus);
        let preparing = generator.preparing();
        let total = preparing + count;
        for number in 0..total {
            let (name, step) = generator.next(reference);
            let expected = reference.execute(&step);
            record(&step, &expected, reference);
            let found = native.execute(&step);
            let context = || format!("seed {seed}, step {number}, {name}: {step:#?}");
            assert_eq!(found, expected, "results differ: {}", context());
            same_state(native, reference, &context);
            let (gas, limit) = (native.gas_used, reference.gas_used);
            // A step that runs into an invalid opcode inside burns nearly all of its gas, on both.
            if expected.is_done && limit < GAS_LIMIT / 64 {
                assert!(gas <= limit, "gas {gas} above {limit}: {}", context());
            }
            self.count(&name, &expected, (native.gas_used, reference.gas_used));
            generator.learn(&expected);
            self.same_getters(native, reference, &generator.pairs, &expected, &context);
        }
        self.sequences += 1;
    }

    fn count(&mut self, name: &str, expected: &Outcome, (native, reference): (u64, u64)) {
        let tally = self.tallies.entry(name.to_owned()).or_default();
        tally.calls += 1;
        if expected.is_done && reference < GAS_LIMIT / 64 {
            tally.done += 1;
            tally.gas_native += native;
            tally.gas_reference += reference;
        } else {
            let message = String::abi_decode(expected.output.get(4..).unwrap_or_default());
            *self
                .messages
                .entry(message.unwrap_or_else(|_| "(no message)".to_owned()))
                .or_default() += 1;
        }
    }

    fn same_getters(
        &mut self,
        native: &mut Ledger,
        reference: &mut Ledger,
        pairs: &[Address],
        outcome: &Outcome,
        context: &dyn Fn() -> String,
    ) {
        let changed: BTreeSet<Address> = outcome.logs.iter().map(|log| log.address).collect();
        let mut calls = Vec::new();
        for pair in pairs.iter().filter(|pair| changed.contains(*pair)) {
            calls.extend(pair_getters().into_iter().map(|call| (*pair, call)));
        }
        if changed.contains(&UNISWAP_V2_FACTORY) || calls.is_empty() {
            calls.extend(
                factory_getters(pairs.len()).into_iter().map(|call| (UNISWAP_V2_FACTORY, call)),
            );
            calls.extend(wrapped_getters().into_iter().map(|call| (WRAPPED_GRAIN, call)));
        }
        for (to, data) in calls {
            let expected = reference.read(to, &data);
            let found = native.read(to, &data);
            let name = alloy_primitives::hex::encode(&data);
            assert_eq!(found, expected, "getter {name} of {to} differs after {}", context());
            self.getters += 1;
        }
    }
}

fn same_state(native: &mut Ledger, reference: &mut Ledger, context: &dyn Fn() -> String) {
    let (found, expected) = (native.held(), reference.held());
    if found == expected {
        return;
    }
    for (key, value) in &expected.0 {
        assert_eq!(found.0.get(key), Some(value), "slot {key:?} differs: {}", context());
    }
    for (key, value) in &found.0 {
        assert_eq!(expected.0.get(key), Some(value), "slot {key:?} is native only: {}", context());
    }
    assert_eq!(found.1, expected.1, "balances differ: {}", context());
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

impl fmt::Display for Comparison {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: u64 = self.tallies.values().map(|tally| tally.calls).sum();
        writeln!(
            to,
            "{} sequences, {calls} calls, {} getters: 0 differences",
            self.sequences, self.getters
        )?;
        writeln!(
            to,
            "{:64} {:>8} {:>8} {:>10} {:>10}",
            "call", "calls", "done", "gas", "contract's"
        )?;
        for (name, tally) in &self.tallies {
            let mean = |gas: u64| gas.checked_div(tally.done).unwrap_or_default();
            let (native, reference) = (mean(tally.gas_native), mean(tally.gas_reference));
            writeln!(
                to,
                "{name:64} {:>8} {:>8} {native:>10} {reference:>10}",
                tally.calls, tally.done
            )?;
        }
        for (message, count) in &self.messages {
            writeln!(to, "refused {count:>8}: {message}")?;
        }
        Ok(())
    }
}
