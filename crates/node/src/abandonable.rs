//! A state whose reads fail once nobody waits for the result any more.

use std::sync::atomic::{AtomicBool, Ordering};

use alloy_primitives::{Address, B256, U256};
use revm::{
    DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo,
};

/// Why a state was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread<E: std::error::Error + 'static> {
    /// Nobody waits for the result.
    #[error("the result is not wanted any more")]
    Abandoned,
    /// The state below can't be read.
    #[error(transparent)]
    Unreadable(E),
}

impl<E: std::error::Error + Send + Sync + 'static> DBErrorMarker for Unread<E> {}

/// Reads `state` as long as the result is wanted. Every execution on it begins with a read and reads wherever it
/// touches another account or slot, so an abandoned one ends there; what it computes between two reads is bounded by
/// the gas of one execution.
#[derive(Clone, Copy, Debug)]
pub struct Abandonable<'a, DB> {
    /// The state.
    pub state: &'a DB,
    /// Whether the result is not wanted any more.
    pub is_abandoned: &'a AtomicBool,
}

impl<DB: DatabaseRef> Abandonable<'_, DB>
where
    DB::Error: std::error::Error + Send + Sync + 'static,
{
    fn read<T>(
        &self,
        read: impl FnOnce(&DB) -> Result<T, DB::Error>,
    ) -> Result<T, Unread<DB::Error>> {
        if self.is_abandoned.load(Ordering::Relaxed) {
            return Err(Unread::Abandoned);
        }
        read(self.state).map_err(Unread::Unreadable)
    }
}

impl<DB: DatabaseRef> DatabaseRef for Abandonable<'_, DB>
where
    DB::Error: std::error::Error + Send + Sync + 'static,
{
    type Error = Unread<DB::Error>;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        self.read(|state| state.basic_ref(address))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        self.read(|state| state.code_by_hash_ref(code_hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        self.read(|state| state.storage_ref(address, slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        self.read(|state| state.block_hash_ref(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallBlock, Node, NodeConfig};
    use alloy_primitives::Bytes;
    use execution::{BaseFeeRule, Call, CallContext, Genesis, GenesisAccount, Overrides};
    use std::sync::atomic::AtomicUsize;
    use store::StoreError;

    /// Reads slot after slot until its gas is used: `GAS SLOAD POP` in a loop.
    const ENDLESS: [u8; 6] = [0x5b, 0x5a, 0x54, 0x50, 0x5f, 0x56];
    const CALLED: Address = Address::repeat_byte(0xcc);

    /// A state that sets the flag at its `last` read.
    struct Reads<'a, DB> {
        state: &'a DB,
        is_abandoned: &'a AtomicBool,
        count: AtomicUsize,
        last: usize,
    }

    impl<DB> Reads<'_, DB> {
        fn next(&self) -> &DB {
            let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
            self.is_abandoned.store(count >= self.last, Ordering::Relaxed);
            self.state
        }
    }

    impl<DB: DatabaseRef<Error = StoreError>> DatabaseRef for Reads<'_, DB> {
        type Error = StoreError;

        fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StoreError> {
            self.next().basic_ref(address)
        }

        fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StoreError> {
            self.next().code_by_hash_ref(code_hash)
        }

        fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StoreError> {
            self.next().storage_ref(address, slot)
        }

        fn block_hash_ref(&self, number: u64) -> Result<B256, StoreError> {
            self.next().block_hash_ref(number)
        }
    }

    #[test]
    fn an_abandoned_call_reads_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let code = Bytes::from_static(&ENDLESS);
        let endless = GenesisAccount { code, ..GenesisAccount::default() };
        let genesis = Genesis {
            chain_id: 4_242,
            timestamp: 1_000,
            gas_limit: 30_000_000,
            base_fee: BaseFeeRule {
                initial: 1_000,
                minimum: 7,
                change_denominator: 8,
                elasticity: 2,
            },
            fee_recipient: Address::repeat_byte(0xbe),
            commitment: 2,
            revisions: execution::Schedule::FIRST,
            referees: None,
            price_reporters: None,
            accounts: [(CALLED, endless)].into(),
        };
        let node = Node::open(NodeConfig::new(directory.path(), Some(genesis))).unwrap();
        let view = node.view(node.reader().unwrap(), CallBlock::Same);
        let overrides = Overrides::default();
        let CallContext { rules, environment, .. } = view.call_context(&overrides);
        let reads_until = |last: usize| {
            let is_abandoned = AtomicBool::new(false);
            let state = Reads { state: &view, is_abandoned: &is_abandoned, count: 0.into(), last };
            let state = &Abandonable { state: &state, is_abandoned: &is_abandoned };
            let context = CallContext { state, rules, environment, overrides: &overrides };
            let result = context.call(&Call::read_only(CALLED, Bytes::new()));
            (result.is_err(), state.state.count.load(Ordering::Relaxed))
        };
        let (failed, all) = reads_until(usize::MAX);
        assert!(!failed && all > 10_000, "the call reads {all} times and then runs out of gas");
        for last in [1, 2, 100, 5_000] {
            assert_eq!(reads_until(last), (true, last));
        }
    }
}
