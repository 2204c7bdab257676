//! A host in memory. It charges like the journal's, roughly, and takes back what a refused call has done.

use std::collections::{BTreeMap, BTreeSet};

use abi::TRAINING_RUNS;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use training_run::Run;

use crate::{
    Failure, Host,
    host::MODULE_CODE,
    provider::{ADDRESSES, entrance},
    runs,
};

pub(crate) const CHAIN_ID: u64 = 7;

/// What a call may change.
pub(crate) type State =
    (BTreeMap<(Address, U256), U256>, BTreeMap<Address, U256>, BTreeSet<Address>, usize);

#[derive(Clone)]
pub(crate) struct Double {
    pub(crate) height: u64,
    pub(crate) time: u64,
    pub(crate) chain_id: u64,
    pub(crate) gas_limit: u64,
    /// By the last call.
    pub(crate) gas_used: u64,
    slots: BTreeMap<(Address, U256), U256>,
    balances: BTreeMap<Address, U256>,
    created: BTreeSet<Address>,
    logs: Vec<(Address, Vec<B256>, Bytes)>,
    module: Address,
    caller: Address,
    value: U256,
    is_static: bool,
}

/// The hash of a block, whether an EVM still knows it or not.
pub(crate) fn hash_of(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

impl Double {
    pub(crate) fn new() -> Self {
        Self {
            height: 100,
            time: 1_000,
            chain_id: CHAIN_ID,
            gas_limit: u64::MAX,
            gas_used: 0,
            slots: BTreeMap::new(),
            balances: BTreeMap::new(),
            created: BTreeSet::new(),
            logs: Vec::new(),
            module: Address::ZERO,
            caller: Address::ZERO,
            value: U256::ZERO,
            is_static: false,
        }
    }

    pub(crate) fn give(&mut self, account: Address, amount: u64) {
        *self.balances.entry(account).or_default() += U256::from(amount);
    }

    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    pub(crate) fn state(&self) -> State {
        let mut balances = self.balances.clone();
        balances.retain(|_, balance| !balance.is_zero());
        (self.slots.clone(), balances, self.created.clone(), self.logs.len())
    }

    pub(crate) fn last_log(&self) -> Option<&(Address, Vec<B256>, Bytes)> {
        self.logs.last()
    }

    pub(crate) fn slot(&self, module: Address, slot: U256) -> U256 {
        self.slots.get(&(module, slot)).copied().unwrap_or_default()
    }

    /// As a transaction of `caller` would.
    pub(crate) fn call(
        &mut self,
        module: Address,
        caller: Address,
        value: u64,
        input: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        (self.caller, self.value, self.is_static) = (caller, U256::from(value), false);
        self.enter(module, input)
    }

    pub(crate) fn static_call(
        &mut self,
        module: Address,
        input: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        (self.caller, self.value, self.is_static) = (Address::ZERO, U256::ZERO, true);
        self.enter(module, input)
    }

    fn enter(&mut self, module: Address, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let before = self.clone();
        (self.module, self.gas_used) = (module, 0);
        let caller = self.caller;
        self.take(caller, self.value);
        *self.balances.entry(module).or_default() += self.value;
        let is_static = self.is_static;
        let is_there = self.created.contains(&module) || ADDRESSES.contains(&module);
        let code: &[u8] = if is_there { &MODULE_CODE } else { &[] };
        let result = entrance(&module, &keccak256(code)).expect("a module")(self, input, is_static);
        if result.is_err() {
            let used = self.gas_used;
            *self = before;
            self.gas_used = used;
        }
        assert!(!matches!(result, Err(Failure::Database(_))), "{result:?}");
        result
    }

    fn take(&mut self, account: Address, amount: U256) {
        let balance = self.balances.entry(account).or_default();
        *balance = balance.checked_sub(amount).expect("more than there is");
    }

    /// The run as it is stored.
    pub(crate) fn run(&self, id: u64) -> Run {
        let mut copy = self.clone();
        (copy.module, copy.gas_limit) = (TRAINING_RUNS, u64::MAX);
        runs::load(&mut copy, id).unwrap()
    }

    /// What BLOCKHASH would say.
    pub(crate) fn known_hash(&self, number: u64) -> B256 {
        let is_known = number < self.height && self.height - number <= 256;
        if is_known { hash_of(number) } else { B256::ZERO }
    }
}

impl Host for Double {
    fn charge(&mut self, gas: u64) -> Result<(), Failure> {
        self.gas_used = self.gas_used.saturating_add(gas);
        if self.gas_used <= self.gas_limit { Ok(()) } else { Err(Failure::OutOfGas) }
    }

    fn module(&self) -> Address {
        self.module
    }

    fn load_of(&mut self, module: Address, slot: U256) -> Result<U256, Failure> {
        self.charge(100)?;
        Ok(self.slots.get(&(module, slot)).copied().unwrap_or_default())
    }

    fn store_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure> {
        assert!(!self.is_static, "a static call writes");
        assert!(module == self.module || self.created.contains(&module), "not its storage");
        self.charge(5_000)?;
        let key = (module, slot);
        let before = self.slots.get(&key).copied().unwrap_or_default();
        assert_ne!(before, value, "a word is written that has not changed");
        if value.is_zero() {
            self.slots.remove(&key)
        } else {
            self.slots.insert(key, value)
        };
        Ok(())
    }

    fn log(&mut self, topics: Vec<B256>, data: Bytes) -> Result<(), Failure> {
        assert!(!self.is_static, "a static call tells");
        self.charge(375)?;
        self.logs.push((self.module, topics, data));
        Ok(())
    }

    fn transfer(&mut self, to: Address, amount: U256) -> Result<(), Failure> {
        assert!(!self.is_static, "a static call pays");
        self.charge(9_000)?;
        self.take(self.module, amount);
        *self.balances.entry(to).or_default() += amount;
        Ok(())
    }

    fn balance(&mut self, account: Address) -> Result<U256, Failure> {
        self.charge(2_600)?;
        Ok(Self::balance(self, account))
    }

    fn shift(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure> {
        assert!(!self.is_static, "a static call pays");
        self.charge(9_000)?;
        self.take(from, amount);
        *self.balances.entry(to).or_default() += amount;
        Ok(())
    }

    fn create(&mut self, account: Address) -> Result<(), Failure> {
        assert!(!self.is_static, "a static call creates");
        self.charge(32_000)?;
        assert!(self.created.insert(account), "{account} is there already");
        Ok(())
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Failure> {
        self.charge(20)?;
        Ok(self.known_hash(number))
    }

    fn caller(&self) -> Address {
        self.caller
    }

    fn value(&self) -> U256 {
        self.value
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }

    fn height(&self) -> u64 {
        self.height
    }

    fn timestamp(&self) -> u64 {
        self.time
    }
}
