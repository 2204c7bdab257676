//! A host in memory, for tests of modules without an EVM.
//!
//! It charges roughly as the machine does, reverts the changes of a failed call, and fails a test that writes an
//! unchanged word, or anything in a static call. Accounts without a module can have a Rust function as their code,
//! which may call back.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::primitives::hardfork::SpecId;

use crate::{
    Call, Failure, Function, Host, MODULE_CODE, Module, Modules, Outcome, Place, Table,
    dispatch::Lock, enter, modules::Running,
};

/// The chain id of every test host.
pub const CHAIN_ID: u64 = 7;
/// Largest number of nested calls.
const DEPTH_MAX: usize = 1_024;

/// The code of an account in a test: receives the host, the caller, and the call.
pub type Code = Rc<dyn Fn(&mut TestHost, Address, &Call) -> Outcome>;

/// The state that a call may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestState {
    /// Words that are not zero.
    pub slots: BTreeMap<(Address, U256), U256>,
    /// Balances; zero ones are removed by [`TestHost::state`].
    pub balances: BTreeMap<Address, U256>,
    /// Accounts that modules have created, with their code.
    pub created: BTreeMap<Address, &'static [u8]>,
    /// Logs: address, topics, data.
    pub logs: Vec<(Address, Vec<B256>, Bytes)>,
}

/// A host in memory.
#[derive(Clone)]
pub struct TestHost {
    /// Height of the block.
    pub height: u64,
    /// Time of the block in Unix seconds.
    pub time: u64,
    /// Chain id.
    pub chain_id: u64,
    /// What modules are told as the revision of the rules: the newest, unless a test sets another. All modules answer, whatever it is.
    pub revision: u32,
    /// The last entry of the genesis file's schedule: a revision, and the height of its first block.
    pub founding: (u32, u64),
    /// Gas of a call from outside.
    pub gas_limit: u64,
    /// Gas used by the last call from outside.
    pub gas_used: u64,
    modules: Modules,
    table: &'static [Module],
    contracts: BTreeMap<Address, Code>,
    state: TestState,
    running: Vec<Running>,
    frame: Frame,
    depth: usize,
}

#[derive(Clone, Copy)]
struct Frame {
    module: Address,
    caller: Address,
    value: U256,
    is_static: bool,
}

/// Returns the hash of a block, whether or not an EVM still has it.
#[must_use]
pub fn hash_of(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

impl TestHost {
    /// Returns a host whose modules are those of `table`, of all revisions.
    #[must_use]
    pub fn new(table: &'static [Module]) -> Self {
        Self::of(Table::new(table))
    }

    /// Returns a host with the modules of `table`, of all revisions, and its issuer.
    #[must_use]
    pub fn of(table: Table) -> Self {
        let frame = Frame {
            module: Address::ZERO,
            caller: Address::ZERO,
            value: U256::ZERO,
            is_static: false,
        };
        Self {
            height: 100,
            time: 1_000,
            chain_id: CHAIN_ID,
            gas_limit: u64::MAX,
            gas_used: 0,
            revision: u32::MAX,
            founding: (1, 0),
            modules: Modules::new(SpecId::OSAKA, table, u32::MAX),
            table: table.rows(),
            contracts: BTreeMap::new(),
            state: TestState::default(),
            running: Vec::new(),
            frame,
            depth: 0,
        }
    }

    /// Returns the host under the rules of this revision.
    #[must_use]
    pub fn under(mut self, revision: u32) -> Self {
        self.modules = Modules::new(SpecId::OSAKA, Table::new(self.table), revision);
        self.revision = revision;
        self
    }

    /// Adds native value to an account.
    pub fn give(&mut self, account: Address, amount: u64) {
        *self.state.balances.entry(account).or_default() += U256::from(amount);
    }

    /// Sets a Rust function as the code of an account. At the address of a module it stands in for the module when others call it.
    pub fn deploy(
        &mut self,
        account: Address,
        code: impl Fn(&mut Self, Address, &Call) -> Outcome + 'static,
    ) {
        self.contracts.insert(account, Rc::new(code));
    }

    /// Returns the native balance of an account.
    #[must_use]
    pub fn balance_of(&self, account: Address) -> U256 {
        self.state.balances.get(&account).copied().unwrap_or_default()
    }

    /// Returns everything that a call may change, for comparison.
    #[must_use]
    pub fn state(&self) -> TestState {
        let mut state = self.state.clone();
        state.balances.retain(|_, balance| !balance.is_zero());
        state
    }

    /// Returns the newest log.
    #[must_use]
    pub fn last_log(&self) -> Option<&(Address, Vec<B256>, Bytes)> {
        self.state.logs.last()
    }

    /// Returns a word of storage.
    #[must_use]
    pub fn slot(&self, module: Address, slot: U256) -> U256 {
        self.state.slots.get(&(module, slot)).copied().unwrap_or_default()
    }

    /// Returns the result of `BLOCKHASH`.
    #[must_use]
    pub fn known_hash(&self, number: u64) -> B256 {
        let is_known = number < self.height && self.height - number <= 256;
        if is_known { hash_of(number) } else { B256::ZERO }
    }

    /// Calls a module as a transaction of `caller` would.
    ///
    /// # Errors
    /// Those of the module; nothing has changed then.
    ///
    /// # Panics
    /// If there is no module, if the caller lacks the value, or if the module is broken: the test must fail then.
    pub fn transact(
        &mut self,
        module: Address,
        caller: Address,
        value: u64,
        input: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let value = U256::from(value);
        self.outer(Frame { module, caller, value, is_static: false }, input)
    }

    /// Calls a module as `eth_call` and `STATICCALL` would.
    ///
    /// # Errors
    /// Those of the module.
    ///
    /// # Panics
    /// As [`Self::transact`].
    pub fn read(&mut self, module: Address, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let (caller, value) = (Address::ZERO, U256::ZERO);
        self.outer(Frame { module, caller, value, is_static: true }, input)
    }

    /// Calls an account as a contract of the test would: the functions of [`Self::deploy`] call back with this.
    ///
    /// # Errors
    /// Only those of [`Host::call`].
    pub fn call_from(&mut self, caller: Address, call: &Call) -> Result<Outcome, Failure> {
        let before = self.frame;
        self.frame.module = caller;
        let outcome = Host::call(self, call);
        self.frame = before;
        outcome
    }

    /// Runs `work` as if the module had been called, without gas limit: to read a module's storage with its own code,
    /// and to test code that modules share. A failure reverts nothing.
    pub fn within<T>(&mut self, module: Address, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.frame, self.gas_limit);
        (self.frame.module, self.gas_limit) = (module, u64::MAX);
        let result = work(self);
        (self.frame, self.gas_limit) = before;
        result
    }

    fn outer(&mut self, frame: Frame, input: &[u8]) -> Result<Vec<u8>, Failure> {
        self.gas_used = 0;
        let module = self.find(frame.module).expect("a module is at the address");
        let result = self.enter(module, frame, input);
        assert!(!matches!(result, Err(Failure::Broken(_) | Failure::Database)), "{result:?}");
        assert!(self.running.is_empty(), "a function is left");
        result
    }

    fn find(&self, account: Address) -> Option<&'static Module> {
        let fixed: BTreeSet<Address> = self.table.iter().filter_map(place).collect();
        let is_fixed = fixed.contains(&account);
        let code =
            self.state.created.get(&account).copied().or(is_fixed.then_some(&MODULE_CODE[..]))?;
        self.modules.find(&account, &keccak256(code))
    }

    fn enter(&mut self, module: &Module, frame: Frame, input: &[u8]) -> Result<Vec<u8>, Failure> {
        let (state, outer) = (self.state.clone(), self.frame);
        self.frame = frame;
        self.take(frame.caller, frame.value);
        *self.state.balances.entry(frame.module).or_default() += frame.value;
        let result = enter(module, self, input);
        self.frame = outer;
        if result.is_err() {
            self.state = state;
        }
        result
    }

    fn take(&mut self, account: Address, amount: U256) {
        let balance = self.state.balances.entry(account).or_default();
        *balance = balance.checked_sub(amount).expect("the account has what is taken");
    }
}

fn place(module: &Module) -> Option<Address> {
    match module.place {
        Place::At(address) => Some(address),
        Place::Reserved(_) | Place::Instances(_) => None,
    }
}

impl Lock for TestHost {
    fn is_locked(&self) -> bool {
        let module = self.frame.module;
        self.running.iter().any(|running| running.instance == module && running.is_locked)
    }

    fn begin(&mut self, function: &Function) {
        let running = Running { instance: self.frame.module, is_locked: function.is_locked };
        self.running.push(running);
    }

    fn end(&mut self) {
        self.running.pop();
    }
}

impl Host for TestHost {
    fn gas_left(&self) -> u64 {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    fn charge(&mut self, gas: u64) -> Result<(), Failure> {
        self.gas_used = self.gas_used.saturating_add(gas);
        if self.gas_used <= self.gas_limit { Ok(()) } else { Err(Failure::OutOfGas) }
    }

    fn module(&self) -> Address {
        self.frame.module
    }

    fn caller(&self) -> Address {
        self.frame.caller
    }

    fn value(&self) -> U256 {
        self.frame.value
    }

    fn is_static(&self) -> bool {
        self.frame.is_static
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn founding(&self) -> (u32, u64) {
        self.founding
    }

    fn height(&self) -> u64 {
        self.height
    }

    fn timestamp(&self) -> u64 {
        self.time
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, Failure> {
        self.charge(20)?;
        Ok(self.known_hash(number))
    }

    fn load_of(&mut self, module: Address, slot: U256) -> Result<U256, Failure> {
        self.charge(100)?;
        Ok(self.slot(module, slot))
    }

    fn store_of(&mut self, module: Address, slot: U256, value: U256) -> Result<(), Failure> {
        assert!(!self.frame.is_static, "a static call writes");
        self.charge(5_000)?;
        let key = (module, slot);
        assert_ne!(self.slot(module, slot), value, "a word is written that has not changed");
        if value.is_zero() {
            self.state.slots.remove(&key);
        } else {
            self.state.slots.insert(key, value);
        }
        Ok(())
    }

    fn log_of(&mut self, module: Address, topics: Vec<B256>, data: Bytes) -> Result<(), Failure> {
        assert!(!self.frame.is_static, "a static call logs");
        self.charge(375)?;
        self.state.logs.push((module, topics, data));
        Ok(())
    }

    fn balance(&mut self, account: Address) -> Result<U256, Failure> {
        self.charge(2_600)?;
        Ok(self.balance_of(account))
    }

    fn has_code(&mut self, account: Address) -> Result<bool, Failure> {
        self.charge(2_600)?;
        Ok(self.contracts.contains_key(&account) || self.find(account).is_some())
    }

    fn charge_load(&mut self) -> Result<(), Failure> {
        self.charge(100)
    }

    fn pay(&mut self, to: Address, amount: U256) -> Result<(), Failure> {
        self.move_balance(self.frame.module, to, amount)
    }

    fn move_balance(&mut self, from: Address, to: Address, amount: U256) -> Result<(), Failure> {
        assert!(!self.frame.is_static, "a static call pays");
        self.charge(9_000)?;
        self.take(from, amount);
        *self.state.balances.entry(to).or_default() += amount;
        Ok(())
    }

    fn issue(&mut self, to: Address, amount: U256) -> Result<(), Failure> {
        assert!(!self.frame.is_static, "a static call issues");
        let (module, slot) = (self.frame.module, self.modules.issued_slot());
        let issued = self.load(slot)?;
        let total = self.modules.check_issue(module, self.height, (issued, amount))?;
        self.charge(9_000)?;
        self.store(slot, total)?;
        *self.state.balances.entry(to).or_default() += amount;
        Ok(())
    }

    fn burn(&mut self, amount: U256) -> Result<(), Failure> {
        assert!(!self.frame.is_static, "a static call burns");
        self.charge(9_000)?;
        self.take(self.frame.module, amount);
        Ok(())
    }

    fn is_running(&mut self, instance: Address) -> Result<bool, Failure> {
        self.charge(100)?;
        Ok(self.running.iter().any(|running| running.instance == instance))
    }

    fn create(&mut self, account: Address, code: &'static [u8]) -> Result<(), Failure> {
        assert!(!self.frame.is_static, "a static call creates");
        self.charge(32_000)?;
        assert!(self.state.created.insert(account, code).is_none(), "{account} is there already");
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Outcome, Failure> {
        self.charge(if call.value.is_zero() { 100 } else { 9_100 })?;
        let is_static = self.frame.is_static || call.is_static;
        if self.frame.is_static && !call.value.is_zero() {
            return Err(Failure::WriteProtection);
        }
        let caller = self.frame.module;
        if self.depth >= DEPTH_MAX || self.balance_of(caller) < call.value {
            return Ok(Outcome::Halted);
        }
        let frame = Frame { module: call.to, caller, value: call.value, is_static };
        self.depth += 1;
        let outcome = self.callee(frame, call);
        self.depth -= 1;
        outcome
    }
}

impl TestHost {
    fn callee(&mut self, frame: Frame, call: &Call) -> Result<Outcome, Failure> {
        let stands_in = self.contracts.contains_key(&call.to);
        if let Some(module) = self.find(call.to).filter(|_| !stands_in) {
            return match self.enter(module, frame, &call.input) {
                Ok(output) => Ok(Outcome::Returned(output.into())),
                Err(Failure::Revert(output)) => Ok(Outcome::Reverted(output)),
                Err(Failure::OutOfGas | Failure::WriteProtection) => Ok(Outcome::Halted),
                Err(fault @ (Failure::Broken(_) | Failure::Database)) => Err(fault),
            };
        }
        let (state, outer) = (self.state.clone(), self.frame);
        self.take(frame.caller, frame.value);
        *self.state.balances.entry(call.to).or_default() += frame.value;
        let Some(code) = self.contracts.get(&call.to).cloned() else {
            return Ok(Outcome::Returned(Bytes::new()));
        };
        self.frame = frame;
        let outcome = code(self, frame.caller, call);
        self.frame = outer;
        if !matches!(outcome, Outcome::Returned(_)) {
            self.state = state;
        }
        Ok(outcome)
    }
}
