//! The ledger with the contracts, and what the generator looks at.

use abi::{UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, WRAPPED_GRAIN};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolValue;
use revm::{ExecuteCommitEvm as _, ExecuteEvm as _, primitives::TxKind};

use crate::world::{Ledger, Outcome, SETTER, transaction};

/// Creation code of factory, router and WETH9.
pub(crate) type Codes = [Bytes; 3];

impl Ledger {
    /// Returns a ledger with the contracts at the addresses of the modules.
    pub(crate) fn reference([factory, router, weth]: &Codes) -> Self {
        let mut ledger = Self::empty(1);
        let parts = [
            (factory, SETTER.abi_encode(), UNISWAP_V2_FACTORY),
            (router, (UNISWAP_V2_FACTORY, WRAPPED_GRAIN).abi_encode(), UNISWAP_V2_ROUTER),
            (weth, Vec::new(), WRAPPED_GRAIN),
        ];
        for (code, arguments, place) in parts {
            let deployed = ledger.deploy([&code[..], &arguments].concat().into());
            ledger.copy(deployed, place);
        }
        ledger
    }

    /// Reads a slot.
    pub(crate) fn slot(&mut self, account: Address, slot: U256) -> U256 {
        let account = self.database().cache.accounts.get(&account);
        account.and_then(|account| account.storage.get(&slot)).copied().unwrap_or_default()
    }

    /// Returns the GRAIN of an account.
    pub(crate) fn balance(&mut self, account: Address) -> U256 {
        self.database().cache.accounts.get(&account).map(|it| it.info.balance).unwrap_or_default()
    }

    /// Executes a call without keeping what it changes.
    pub(crate) fn read(&mut self, to: Address, data: &[u8]) -> Outcome {
        let data = Bytes::copy_from_slice(data);
        let transaction = transaction(SETTER, TxKind::Call(to), U256::ZERO, &data);
        let result = self.machine.transact(transaction).expect("the call is valid").result;
        self.outcome(result)
    }

    /// Deploys creation code and returns the address.
    pub(crate) fn deploy(&mut self, code: Bytes) -> Address {
        let transaction = transaction(SETTER, TxKind::Create, U256::ZERO, &code);
        let result = self.machine.transact_commit(transaction).expect("the creation is valid");
        result.created_address().expect("it is deployed")
    }

    /// Copies code and storage of an account to another address.
    #[expect(clippy::iter_over_hash_type, reason = "each slot is written once, in any order")]
    pub(crate) fn copy(&mut self, from: Address, to: Address) {
        let account = self.database().cache.accounts.get(&from).cloned().expect("it is there");
        let code = account.info.code.expect("code was deployed").original_bytes();
        self.put(to, code);
        for (slot, value) in account.storage {
            self.write(to, slot, value);
        }
        self.database().cache.accounts.remove(&from);
    }
}
