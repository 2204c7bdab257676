//! What is compared of Uniswap v3.

use std::path::Path;

use abi::{
    UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER,
    UNISWAP_V3_TICK_LENS, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue as _;
use execution::ModuleTable;
use native_kit::Module;

use crate::{
    comparison::{Game, code},
    steps::{BALANCE, Focus, Generator, holders},
    twin::{Ledger, Outcome, Step},
    world::{GAS_LIMIT, empty, native},
};

impl Game for Generator {
    /// Of factory, router, quoter, tick lens and position manager.
    type Codes = [Bytes; 5];
    const KINDS: &'static [&'static str] = &["pools", "periphery", "positions"];
    const STEPS: usize = 150;
    const RECORDED: (u64, usize) = (4, 120);
    const GAS_LIMIT: u64 = GAS_LIMIT;

    fn holders() -> (Vec<Address>, U256) {
        (holders(), BALANCE)
    }

    fn codes(folder: &Path) -> [Bytes; 5] {
        ["factory", "router", "quoter", "lens", "positions"].map(|name| code(folder, name))
    }

    fn native() -> Ledger {
        native(execution::MODULES.newest())
    }

    fn reference([factory, router, quoter, lens, positions]: &[Bytes; 5]) -> Ledger {
        let table = without_uniswap_v3();
        let mut ledger = empty(table, table.newest());
        let arguments = (UNISWAP_V3_FACTORY, WRAPPED_GRAIN).abi_encode();
        // The position manager has one who describes positions, which is not compared.
        let described = (UNISWAP_V3_FACTORY, WRAPPED_GRAIN, Address::ZERO).abi_encode();
        for (code, arguments, place) in [
            (factory, &[][..], UNISWAP_V3_FACTORY),
            (router, &arguments, UNISWAP_V3_ROUTER),
            (quoter, &arguments, UNISWAP_V3_QUOTER),
            (lens, &[], UNISWAP_V3_TICK_LENS),
            (positions, &described, UNISWAP_V3_POSITIONS),
        ] {
            let deployed = ledger.deploy([&code[..], arguments].concat().into());
            ledger.move_to(deployed, place);
        }
        ledger
    }

    fn begin(seed: u64, kind: &str) -> Self {
        let focus = match kind {
            "pools" => Focus::Pools,
            "periphery" => Focus::Periphery,
            _ => Focus::Positions,
        };
        Self::new(seed, focus)
    }

    fn prepared(&self) -> usize {
        Self::prepared(self)
    }

    fn next(&mut self, reference: &mut Ledger) -> (String, Step) {
        let (name, step) = Self::next(self, reference);
        (name.to_owned(), step)
    }

    fn learn(&mut self, outcome: &Outcome) {
        Self::learn(self, outcome);
    }

    fn getters(&mut self, outcome: &Outcome) -> Vec<(Address, Vec<u8>)> {
        Self::getters(self, outcome)
    }

    fn remark(&self) -> (u64, &'static str) {
        (self.crossed, "swaps that changed the active liquidity")
    }
}

/// Returns the ledger's modules without those of Uniswap v3.
fn without_uniswap_v3() -> ModuleTable {
    let rows = execution::MODULES.rows().iter().copied();
    let is_other = |row: &Module| {
        !row.name.starts_with("UniswapV3")
            && !["SwapRouter", "QuoterV2", "TickLens", "NonfungiblePositionManager"]
                .contains(&row.name)
    };
    let rows: Vec<Module> = rows.filter(is_other).collect();
    ModuleTable::new(Box::leak(rows.into_boxed_slice()))
}
