//! Ledgers with contracts: deployed, put at the addresses of modules, and read.

use alloy_primitives::{Address, Bytes, U256};
use revm::{ExecuteCommitEvm as _, ExecuteEvm as _, context::TxEnv, primitives::TxKind};

use crate::twin::{Ledger, Outcome, Step};

/// Who deploys the contracts, and reads.
pub(crate) const DEPLOYER: Address = Address::repeat_byte(0x5e);

impl Ledger {
    /// Executes a call without keeping what it changes.
    pub(crate) fn read(&mut self, to: Address, data: &[u8]) -> Outcome {
        let data = Bytes::copy_from_slice(data);
        let step = Step { time: 0, from: DEPLOYER, to, value: U256::ZERO, data };
        let transaction = self.transaction(&step);
        let result = self.machine.transact(transaction).expect("the call is valid").result;
        self.outcome(&step, result)
    }

    /// Deploys creation code and returns the address.
    pub(crate) fn deploy(&mut self, data: Bytes) -> Address {
        let (from, to) = (DEPLOYER, Address::ZERO);
        let call = self.transaction(&Step { time: 0, from, to, value: U256::ZERO, data });
        let creation = TxEnv { kind: TxKind::Create, ..call };
        let result = self.machine.transact_commit(creation).expect("the creation is valid");
        result.created_address().expect("it is deployed")
    }

    /// Moves code and storage of an account to another address. Where the contract keeps its own address in its code, to refuse delegate calls, that is
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
