//! The ledger with the contracts, and what the generator looks at.

use abi::{
    UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER,
    UNISWAP_V3_TICK_LENS, WRAPPED_GRAIN,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue as _;
use execution::ModuleTable;
use native_kit::Module;
use revm::{ExecuteCommitEvm as _, ExecuteEvm as _, primitives::TxKind};

use crate::world::{Ledger, OWNER, Outcome, transaction};

/// Creation code of the contracts.
pub(crate) struct Codes {
    pub(crate) factory: Bytes,
    pub(crate) router: Bytes,
    pub(crate) quoter: Bytes,
    pub(crate) lens: Bytes,
    pub(crate) positions: Bytes,
}

impl Ledger {
    /// Returns a ledger with the contracts at the addresses of the modules.
    pub(crate) fn reference(codes: &Codes) -> Self {
        let mut ledger = Self::empty(without_uniswap_v3());
        let arguments = (UNISWAP_V3_FACTORY, WRAPPED_GRAIN).abi_encode();
        // The position manager has one who describes positions, which is not compared.
        let described = (UNISWAP_V3_FACTORY, WRAPPED_GRAIN, Address::ZERO).abi_encode();
        for (code, arguments, place) in [
            (&codes.factory, &[][..], UNISWAP_V3_FACTORY),
            (&codes.router, &arguments, UNISWAP_V3_ROUTER),
            (&codes.quoter, &arguments, UNISWAP_V3_QUOTER),
            (&codes.lens, &[], UNISWAP_V3_TICK_LENS),
            (&codes.positions, &described, UNISWAP_V3_POSITIONS),
        ] {
            let deployed = ledger.deploy([&code[..], arguments].concat().into());
            ledger.move_to(deployed, place);
        }
        ledger
    }

    /// Executes a call without keeping what it changes.
    pub(crate) fn read(&mut self, to: Address, data: &[u8]) -> Outcome {
        let data = Bytes::copy_from_slice(data);
        let transaction = transaction(OWNER, TxKind::Call(to), U256::ZERO, &data);
        let result = self.machine.transact(transaction).expect("the call is valid").result;
        self.outcome(result)
    }

    /// Deploys creation code and returns the address.
    pub(crate) fn deploy(&mut self, code: Bytes) -> Address {
        let transaction = transaction(OWNER, TxKind::Create, U256::ZERO, &code);
        let result = self.machine.transact_commit(transaction).expect("the creation is valid");
        result.created_address().expect("it is deployed")
    }

    /// Moves code and storage of an account to another address. The contract keeps its own address in its code, to refuse delegate calls: that is
    /// replaced.
    #[expect(clippy::iter_over_hash_type, reason = "each slot is written once, in any order")]
    pub(crate) fn move_to(&mut self, from: Address, to: Address) {
        let account = self.database().cache.accounts.get(&from).cloned().expect("it is there");
        let mut code = account.info.code.expect("code was deployed").original_bytes().to_vec();
        let (old, new) = (from.into_word(), to.into_word());
        let mut at = 0;
        while at + 32 <= code.len() {
            if code[at..at + 32] == old[..] {
                code[at..at + 32].copy_from_slice(&new[..]);
            }
            at += 1;
        }
        self.put(to, code.into());
        for (slot, value) in account.storage {
            self.write(to, slot, value);
        }
        self.database().cache.accounts.remove(&from);
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
