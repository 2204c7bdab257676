//! Two ledgers, and what can be called on them.

use std::fs;

use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use alloy_sol_types::{SolCall, sol};
use revm::context::ContextTr as _;

use crate::{
    draws::Draws,
    governor::World,
    recorded::{Changes, Database, Ledger, Step},
    recorder::Recorder,
};

sol! {
    /// Our token (`scripts/reference/yield.mjs`).
    interface Odd {
        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function setMode(uint8 mode) external;
        function setDecimals(uint8 decimals) external;
        function setCallback(address target, bool swallows, bytes calldata data) external;
        function setBalance(address account, uint256 value) external;
        function approve(address spender, uint256 value) external returns (bool);
        function transfer(address to, uint256 value) external;
        function transferFrom(address from, address to, uint256 value) external;
    }

    interface Actor {
        function execute(address to, bytes calldata data) external returns (bytes memory);
        function setExchange(address token) external;
    }
}

pub(crate) const OWNER: Address = Address::repeat_byte(0x0a);
pub(crate) const DISTRIBUTOR: Address = Address::repeat_byte(0x0d);
pub(crate) const USERS: [Address; 3] =
    [Address::repeat_byte(0x11), Address::repeat_byte(0x22), Address::repeat_byte(0x33)];
/// A contract that stakes, and that tokens call back.
pub(crate) const ACTOR: Address = Address::repeat_byte(0xac);
/// Tokens with the code of `Odd`.
pub(crate) const TOKENS: [Address; 2] = [Address::repeat_byte(0xc1), Address::repeat_byte(0xc2)];
pub(crate) const DEPLOYER: Address = Address::repeat_byte(0xde);

/// Chooses the next call.
pub(crate) type Chooser = fn(&mut Scene) -> (Address, Address, Vec<u8>);

pub(crate) struct Scene {
    pub(crate) draws: Draws,
    pub(crate) bytecode: Ledger,
    pub(crate) native: Ledger,
    /// The contract that is compared.
    pub(crate) subject: Address,
    pub(crate) getters: Vec<(Address, Bytes)>,
    /// Bits of slots that are no variables of the contract.
    own_bits: Vec<(U256, U256)>,
    /// Whether the token that is staked is also the reward.
    pub(crate) is_one_token: bool,
    /// Whether the chooser decides how much time passes.
    pub(crate) has_own_time: bool,
    /// Of a governor.
    pub(crate) world: World,
    /// What the native ledger begins with: codes that are not in `testdata`.
    codes: Vec<(Address, Bytes)>,
    balances: Vec<(Address, u64)>,
    choose: Chooser,
    describe: fn(&[u8]) -> Option<String>,
    block: u64,
    time: u64,
}

impl Scene {
    /// Returns ledgers with tokens and an actor, without the contract.
    pub(crate) fn new(
        draws: Draws,
        choose: Chooser,
        describe: fn(&[u8]) -> Option<String>,
    ) -> Self {
        let [bytecode, native] = [(); 2].map(|()| {
            let mut ledger = Ledger::new();
            for token in TOKENS {
                ledger.set_code(token, code("odd"));
            }
            ledger.set_code(ACTOR, code("actor"));
            ledger
        });
        Self {
            draws,
            bytecode,
            native,
            subject: Address::ZERO,
            getters: Vec::new(),
            own_bits: Vec::new(),
            is_one_token: false,
            has_own_time: false,
            world: World::default(),
            codes: Vec::new(),
            balances: Vec::new(),
            choose,
            describe,
            block: 100,
            time: 1_000_000,
        }
    }

    /// Deploys a contract, and puts a native module with the same storage in its place.
    pub(crate) fn deploy(
        &mut self,
        (folder, name): (&str, &str),
        arguments: &[u8],
        code: &'static [u8],
    ) -> Address {
        let path = format!("{folder}/{name}.hex");
        let creation = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let creation = [hex::decode(creation.trim()).unwrap(), arguments.to_vec()].concat();
        let contract = create(&mut self.bytecode, creation.into());
        self.set_code(contract, code);
        for (slot, word) in slots(&self.bytecode, contract) {
            self.native.set_slot(contract, slot, word);
        }
        contract
    }

    /// Deploys a contract of `testdata` on both ledgers.
    pub(crate) fn deploy_both(&mut self, path: &str) -> Address {
        let creation = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let creation: Bytes = hex::decode(creation.trim()).unwrap().into();
        let contract = create(&mut self.bytecode, creation.clone());
        assert_eq!(create(&mut self.native, creation), contract);
        let account = &state(&self.native).cache.accounts[&contract];
        let code = account.info.code.as_ref().unwrap().original_bytes();
        self.codes.push((contract, code));
        contract
    }

    /// Gives an account native value on both ledgers.
    pub(crate) fn fund(&mut self, account: Address, value: u64) {
        self.bytecode.set_balance(account, value);
        self.native.set_balance(account, value);
        self.balances.push((account, value));
    }

    /// Lets time pass before the next call.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.time += seconds;
        self.block += seconds / 12;
    }

    /// Waits until a time and some seconds more, if it is to come within a day: else not at all.
    pub(crate) fn wait_until(&mut self, time: U256, more: u64) {
        // One before, at, or one after.
        let Ok(time) = u64::try_from(time) else { return };
        let time = (time + more).saturating_sub(1);
        if time > self.time && time < self.time + 86_400 {
            self.pass(time - self.time);
        }
    }

    fn set_code(&mut self, contract: Address, code: &'static [u8]) {
        self.native.set_code(contract, Bytes::from_static(code));
        self.codes.push((contract, Bytes::from_static(code)));
    }

    /// Sets bits of a slot that only the native module has.
    pub(crate) fn own_bits(&mut self, slot: u64, bits: U256) {
        let slot = U256::from(slot);
        let before = slots(&self.native, self.subject);
        let word = before.iter().find(|(found, _)| *found == slot).map_or(U256::ZERO, |it| it.1);
        self.native.set_slot(self.subject, slot, word | bits);
        self.own_bits.push((slot, bits));
    }

    /// Makes the same call on both, which must succeed.
    pub(crate) fn prepare(&mut self, from: Address, to: Address, input: Vec<u8>) {
        let step = Step { block: 1, time: 1, from, to, input: input.into() };
        for ledger in [&mut self.bytecode, &mut self.native] {
            let answer = ledger.call(&step);
            assert!(answer.success, "{answer:?}");
        }
    }

    /// Gives everybody tokens, and the contract everybody's allowance.
    pub(crate) fn endow(&mut self) {
        for token in TOKENS {
            for holder in [USERS[0], USERS[1], USERS[2], ACTOR, DISTRIBUTOR] {
                let value = U256::from(1) << 100;
                self.prepare(
                    OWNER,
                    token,
                    Odd::setBalanceCall { account: holder, value }.abi_encode(),
                );
                let approve = Odd::approveCall { spender: self.subject, value: U256::MAX };
                if holder == ACTOR {
                    self.prepare(OWNER, ACTOR, execute(token, approve.abi_encode()));
                } else {
                    self.prepare(holder, token, approve.abi_encode());
                }
            }
        }
    }

    pub(crate) fn watch(&mut self, to: Address, call: &impl SolCall) {
        self.getters.push((to, call.abi_encode().into()));
    }

    /// Watches the balances and allowances of tokens, and what a token would do.
    pub(crate) fn watch_tokens(&mut self) {
        for token in TOKENS {
            for account in [USERS[0], USERS[1], USERS[2], ACTOR, OWNER, self.subject] {
                self.watch(token, &Odd::balanceOfCall { account });
            }
            for owner in [USERS[0], ACTOR] {
                self.watch(token, &Odd::allowanceCall { owner, spender: self.subject });
            }
        }
    }

    /// Returns the number that a view answers; 0 if it refuses.
    pub(crate) fn ask(&mut self, to: Address, call: &impl SolCall) -> U256 {
        let (block, time) = (self.block, self.time);
        let input = call.abi_encode().into();
        let answer = self.native.read(&Step { block, time, from: OWNER, to, input });
        answer.output.get(..32).map(U256::from_be_slice).unwrap_or_default()
    }

    pub(crate) fn user(&mut self) -> Address {
        self.draws.of(&[USERS[0], USERS[1], USERS[2], ACTOR])
    }

    /// Returns the time of the last step.
    pub(crate) fn time(&self) -> U256 {
        U256::from(self.time)
    }

    /// Returns a call by a user, through the actor if it is the user.
    pub(crate) fn by(
        &mut self,
        user: Address,
        to: Address,
        input: Vec<u8>,
    ) -> (Address, Address, Vec<u8>) {
        if user == ACTOR { (OWNER, ACTOR, execute(to, input)) } else { (user, to, input) }
    }

    /// Returns a change of a token: its habit, its callback, balances, allowances.
    pub(crate) fn change_token(
        &mut self,
        modes: &[u8],
        callback: Vec<u8>,
    ) -> (Address, Address, Vec<u8>) {
        let (token, user) = (self.draws.of(&TOKENS), self.user());
        match self.draws.below(8) {
            0 | 1 => (OWNER, token, Odd::setModeCall { mode: 0 }.abi_encode()),
            2 | 3 => (OWNER, token, Odd::setModeCall { mode: self.draws.of(modes) }.abi_encode()),
            4 | 5 => {
                let data = execute(self.subject, callback).into();
                let swallows = self.draws.one_in(2);
                let call = Odd::setCallbackCall { target: ACTOR, swallows, data };
                (OWNER, token, call.abi_encode())
            }
            6 => {
                let account = self.draws.of(&[user, self.subject]);
                let balance = self.ask(token, &Odd::balanceOfCall { account });
                let value = match self.draws.below(3) {
                    0 => self.draws.amount(),
                    _ => self.draws.near(balance),
                };
                (OWNER, token, Odd::setBalanceCall { account, value }.abi_encode())
            }
            _ => {
                let value = if self.draws.one_in(2) { U256::MAX } else { self.draws.amount() };
                let approve = Odd::approveCall { spender: self.subject, value };
                self.by(user, token, approve.abi_encode())
            }
        }
    }

    /// Returns the next call, a few blocks later or in the same one.
    pub(crate) fn next(&mut self) -> Step {
        let (blocks, seconds) = match self.draws.below(8) {
            _ if self.has_own_time => (0, 0),
            0..3 => (0, 0),
            3..6 => (self.draws.below(5), self.draws.below(100)),
            6 => (self.draws.below(60), self.draws.below(100_000)),
            _ => (self.draws.below(1_000), self.draws.below(1_000_000)),
        };
        self.block += blocks;
        self.time += seconds;
        let (from, to, input) = (self.choose)(self);
        Step { block: self.block, time: self.time, from, to, input: input.into() }
    }

    /// Returns the slots of the contract, without what only the native module has.
    pub(crate) fn slots_of(&self, ledger: &Ledger) -> Vec<(U256, U256)> {
        let mut slots = slots(ledger, self.subject);
        for (slot, word) in &mut slots {
            for (_, bits) in self.own_bits.iter().filter(|(own, _)| own == slot) {
                *word &= !*bits;
            }
        }
        slots.retain(|(_, word)| !word.is_zero());
        slots
    }

    pub(crate) fn describe(&self, step: &Step) -> String {
        let inner = Actor::executeCall::abi_decode(&step.input);
        let input = inner.as_ref().map_or(&step.input, |call| &call.data);
        (self.describe)(input).unwrap_or_else(|| "a call of a token".to_owned())
    }

    /// Returns the name of the function that a step calls.
    pub(crate) fn name(&self, step: &Step) -> String {
        let whole = self.describe(step);
        whole.split([' ', '(']).next().unwrap_or_default().to_owned()
    }

    /// Notes what the native ledger begins with.
    pub(crate) fn record(&self, recorder: &mut Recorder) {
        recorder.begin();
        for token in TOKENS {
            recorder.code(token, "odd");
        }
        recorder.code(ACTOR, "actor");
        for (contract, code) in &self.codes {
            recorder.code(*contract, &hex::encode(code));
        }
        let accounts = self.codes.iter().map(|(contract, _)| *contract);
        for account in accounts.chain(TOKENS).chain([ACTOR]) {
            recorder.slots(account, &slots(&self.native, account));
        }
        for (account, value) in &self.balances {
            recorder.balance(*account, *value);
        }
        for (to, input) in &self.getters {
            recorder.getter(*to, input);
        }
    }
}

/// Returns a call through the actor.
pub(crate) fn execute(to: Address, data: Vec<u8>) -> Vec<u8> {
    Actor::executeCall { to, data: data.into() }.abi_encode()
}

fn code(name: &str) -> Bytes {
    let path = format!("{}/../../testdata/yield/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    hex::decode(fs::read_to_string(path).unwrap().trim()).unwrap().into()
}

fn state(ledger: &Ledger) -> &Database {
    ledger.machine.context().db()
}

/// Returns the storage of an account, without zeros, sorted.
pub(crate) fn slots(ledger: &Ledger, address: Address) -> Vec<(U256, U256)> {
    let account = state(ledger).cache.accounts.get(&address);
    let words = account.into_iter().flat_map(|account| &account.storage);
    let mut slots: Vec<(U256, U256)> =
        words.map(|(slot, word)| (*slot, *word)).filter(|(_, word)| !word.is_zero()).collect();
    slots.sort_unstable();
    slots
}

/// Runs creation code, and returns the contract.
fn create(ledger: &mut Ledger, code: Bytes) -> Address {
    let nonce = state(ledger).cache.accounts.get(&DEPLOYER).map_or(0, |account| account.info.nonce);
    let step = Step { block: 1, time: 1, from: DEPLOYER, to: Address::ZERO, input: code };
    let answer = ledger.run(&step, TxKind::Create, Changes::Kept);
    assert!(answer.success, "{answer:?}");
    DEPLOYER.create(nonce)
}
