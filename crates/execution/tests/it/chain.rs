//! A chain in memory: a minimal replacement of the store.

use alloy_consensus::{
    Header, SignableTransaction, TxEip1559,
    transaction::{Recovered, SignerRecoverable},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, bytes};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use execution::{
    AccountState, BaseFeeRule, BlockInput, Built, Change, Commitment, ExecutedBlock, Genesis,
    GenesisAccount, Parent, Rules, StateChanges, Transaction, execute_block,
};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};
use std::{collections::BTreeMap, convert::Infallible};

pub(crate) const CHAIN_ID: u64 = 4_242;
pub(crate) const BENEFICIARY: Address = Address::repeat_byte(0xbe);
pub(crate) const START_BALANCE: u128 = 1_000_000_000_000_000_000;

/// Without calldata: adds one to slot 0, logs topic 0x2a, returns the count. With calldata: logs, then reverts with
/// the calldata.
pub(crate) const COUNTER: Bytes =
    bytes!("366018576001 5f54015f55 602a5f5fa1 5f545f5260205ff3 5b365f5f37 5f5fa0 365ffd");

#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<Address, AccountState>,
    pub(crate) slots: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytes>,
    hashes: Vec<B256>,
    buckets: BTreeMap<u64, Vec<u8>>,
}

impl State {
    pub(crate) fn balance(&self, address: &Address) -> U256 {
        self.accounts.get(address).map_or(U256::ZERO, |account| account.balance)
    }

    pub(crate) fn nonce(&self, address: &Address) -> u64 {
        self.accounts.get(address).map_or(0, |account| account.nonce)
    }

    pub(crate) fn supply(&self) -> U256 {
        self.accounts.values().map(|account| account.balance).sum()
    }

    /// Returns the result of GRAIN's `totalSupply`.
    pub(crate) fn told_supply(&self) -> U256 {
        self.slots.get(&(abi::GRAIN, U256::from(2))).copied().unwrap_or_default()
    }

    /// Returns the number of slots without the supply, which nearly every block changes.
    pub(crate) fn slots_of_others(&self) -> usize {
        self.slots.keys().filter(|(account, _)| *account != abi::GRAIN).count()
    }

    /// Returns the root computed from the whole state.
    pub(crate) fn root(&self) -> B256 {
        self.clone().recommit().root()
    }

    /// Computes the commitment again after the state was changed directly.
    pub(crate) fn recommit(&mut self) -> Commitment {
        let mut changes = StateChanges::default();
        for (address, account) in &self.accounts {
            changes.accounts.insert(*address, Change { before: None, after: Some(*account) });
        }
        for (key, value) in &self.slots {
            changes.slots.insert(*key, Change { before: U256::ZERO, after: *value });
        }
        let moved = Commitment::empty().apply(&changes, self).unwrap();
        self.buckets = moved.buckets;
        moved.commitment
    }

    fn apply(&mut self, block: &ExecutedBlock) {
        for (address, change) in &block.changes.accounts {
            let found = match change.after {
                Some(after) => self.accounts.insert(*address, after),
                None => self.accounts.remove(address),
            };
            assert_eq!(found, change.before, "the block saw another {address}");
            assert_ne!(change.before, change.after, "{address} is no change");
        }
        for (key, change) in &block.changes.slots {
            let found = self.slots.insert(*key, change.after).unwrap_or_default();
            assert_eq!(found, change.before, "the block saw another slot {key:?}");
            assert_ne!(change.before, change.after, "{key:?} is no change");
        }
        self.slots.retain(|_, value| !value.is_zero());
        self.codes.extend(block.changes.codes.clone());
        self.hashes.push(block.hash);
        self.buckets.extend(block.moved.buckets.clone());
    }
}

impl DatabaseRef for State {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.accounts.get(&address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(Bytecode::new_raw(self.codes[&hash].clone()))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.slots.get(&(address, slot)).copied().unwrap_or_default())
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        let index = usize::try_from(number).unwrap();
        Ok(self.hashes.get(index).copied().unwrap_or_default())
    }
}

impl execution::State for State {
    fn bucket(&self, id: u64) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.buckets.get(&id).cloned())
    }
}

#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) rules: Rules,
    pub(crate) state: State,
    pub(crate) head: Header,
    pub(crate) commitment: Commitment,
}

impl Chain {
    pub(crate) fn new() -> Self {
        Self::from_genesis(&genesis())
    }

    pub(crate) fn from_genesis(genesis: &Genesis) -> Self {
        let block = genesis.block().unwrap();
        let mut state = State::default();
        state.apply(&block);
        let commitment = block.moved.commitment;
        Self { rules: genesis.rules(), state, head: block.header, commitment }
    }

    /// Returns the block of `transactions` without adding it.
    pub(crate) fn execute(&self, transactions: &[Recovered<Transaction>]) -> Built {
        let parent = Parent {
            header: &self.head,
            commitment: &self.commitment,
            state: &self.state,
            may_be_amended: false,
        };
        execute_block(&parent, &self.rules, &self.input(), transactions).unwrap()
    }

    pub(crate) fn input(&self) -> BlockInput {
        BlockInput {
            timestamp: self.head.timestamp + 1,
            prevrandao: B256::repeat_byte(7),
            beneficiary: BENEFICIARY,
            extra_data: Bytes::from_static(b"test"),
            proof: Bytes::new(),
            deviations: execution::Deviations::default(),
        }
    }

    /// Builds and adds a block; checks what must hold of every block.
    pub(crate) fn build(&mut self, transactions: &[Recovered<Transaction>]) -> Built {
        let supply = self.state.supply();
        let built = self.execute(transactions);
        let block = &built.block;
        self.state.apply(block);
        let burnt =
            u128::from(block.header.gas_used) * u128::from(block.header.base_fee_per_gas.unwrap());
        assert_eq!(self.state.supply() + U256::from(burnt), supply, "value is conserved");
        assert_eq!(
            self.state.told_supply(),
            self.state.supply(),
            "totalSupply is the sum of all balances"
        );
        assert_eq!(
            block.header.state_root,
            self.state.root(),
            "the updated root must be the recomputed root"
        );
        assert!(block.header.gas_used <= block.header.gas_limit);
        assert_eq!(block.receipts.len(), block.transactions.len());
        assert_eq!(block.receipts.len() + built.refused.len(), transactions.len());
        self.head = block.header.clone();
        self.commitment = block.moved.commitment.clone();
        built
    }

    /// Moves an amount between accounts without a block, and keeps the head's root right.
    pub(crate) fn shift(&mut self, from: Address, to: Address, amount: U256) {
        for (account, is_added) in [(from, false), (to, true)] {
            let state = self.state.accounts.get_mut(&account).unwrap();
            let balance = state.balance;
            state.balance = if is_added { balance + amount } else { balance - amount };
        }
        self.commitment = self.state.recommit();
        self.head.state_root = self.commitment.root();
    }

    /// Adds a block with a transaction of an account without a key, as on a development ledger; checks that it succeeds.
    pub(crate) fn impersonate(&mut self, sender: Address, transaction: TxEip1559) {
        let signature = Signature::new(U256::from(1), U256::from(1), false);
        let unsigned: Unsigned = transaction.into();
        let transaction = Transaction::new_unhashed(unsigned, signature);
        let mut input = self.input();
        input.deviations.contracts_may_send = true;
        let parent = Parent {
            header: &self.head,
            commitment: &self.commitment,
            state: &self.state,
            may_be_amended: false,
        };
        let transaction = Recovered::new_unchecked(transaction, sender);
        let built = execute_block(&parent, &self.rules, &input, &[transaction]).unwrap();
        assert!(built.block.receipts[0].status(), "{built:?}");
        self.state.apply(&built.block);
        self.head = built.block.header;
        self.commitment = built.block.moved.commitment;
    }

    /// Deploys `code`; returns its address.
    pub(crate) fn deploy(&mut self, sender: u8, code: &Bytes) -> Address {
        let from = key(sender).address();
        let nonce = self.state.nonce(&from);
        let transaction =
            sign(sender, TxEip1559 { to: TxKind::Create, input: creation(code), ..plain(nonce) });
        let built = self.build(&[transaction]);
        assert!(built.block.receipts[0].status(), "deployment works");
        from.create(nonce)
    }
}

pub(crate) fn genesis() -> Genesis {
    let rich = GenesisAccount { balance: U256::from(START_BALANCE), ..GenesisAccount::default() };
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: 1_000,
        gas_limit: 30_000_000,
        base_fee: BaseFeeRule { initial: 1_000, minimum: 7, change_denominator: 8, elasticity: 2 },
        fee_recipient: BENEFICIARY,
        commitment: 2,
        revisions: execution::Schedule::FIRST,
        referees: None,
        price_reporters: None,
        accounts: (1..=4).map(|index| (key(index).address(), rich.clone())).collect(),
    }
}

pub(crate) fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index)).unwrap()
}

/// Returns creation code that deploys `code`.
pub(crate) fn creation(code: &Bytes) -> Bytes {
    let mut creation = vec![0x60, u8::try_from(code.len()).unwrap()];
    creation.extend_from_slice(&[0x80, 0x60, 0x09, 0x5f, 0x39, 0x5f, 0xf3]);
    creation.extend_from_slice(code);
    creation.into()
}

/// Returns a transaction with a tip of 3 that is valid at any base fee of these tests.
pub(crate) fn plain(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 1_000_000,
        max_priority_fee_per_gas: 3,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        ..TxEip1559::default()
    }
}

pub(crate) fn sign(
    sender: u8,
    transaction: impl SignableTransaction<Signature> + Into<Unsigned>,
) -> Recovered<Transaction> {
    let signature = key(sender).sign_hash_sync(&transaction.signature_hash()).unwrap();
    let signed = Transaction::new_unhashed(transaction.into(), signature);
    let signer = signed.recover_signer().unwrap();
    assert_eq!(signer, key(sender).address());
    Recovered::new_unchecked(signed, signer)
}

pub(crate) type Unsigned = alloy_consensus::EthereumTypedTransaction<alloy_consensus::TxEip4844>;
