//! The table of modules, and the search for the module of an account.

use abi::ModuleErrors;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolError;
use revm::{
    context::{Cfg, ContextTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    primitives::{AddressMap, AddressSet, hardfork::SpecId},
};

use crate::{
    Failure, Host,
    instances::{MODULE_CODE_HASH, code_hash},
};

/// The code of a module's account: one invalid opcode, so that the account exists and compilers see code there.
pub const MODULE_CODE: [u8; 1] = [0xfe];

/// Executes a call whose function, value and static context the kit has checked: host and calldata in, ABI-encoded
/// output out.
pub type Entrance = fn(&mut dyn Host, &[u8]) -> Result<Vec<u8>, Failure>;

/// One row of the table: everything that the kit needs to know about a module.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name in tools and documents.
    pub name: &'static str,
    /// Its addresses.
    pub place: Place,
    /// The first revision of the ledger's rules that has it.
    pub since: u32,
    /// All functions of its interface.
    pub functions: &'static [&'static [Function]],
    /// The function that executes its calls.
    pub entrance: Entrance,
    /// The error of a locked function while another locked function of the same instance runs.
    pub on_reentry: OnReentry,
}

/// Returns whether a module answers at an address, once it was created there.
pub type IsPlace = fn(&Address) -> bool;

/// The addresses of a module.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// At this address, from its first revision on, with [`MODULE_CODE`].
    At(Address),
    /// At each address that satisfies the predicate, once it was created with [`MODULE_CODE`].
    Reserved(IsPlace),
    /// At each address that was created with this code, an [`crate::instance_code`].
    Instances(&'static [u8]),
}

/// A function of a module's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// What calldata it answers.
    pub answers: Answers,
    /// Its mutability in Solidity.
    pub mutability: Mutability,
    /// Whether it takes part in the module's reentrancy lock. A view never does.
    pub is_locked: bool,
    /// The first revision of the rules that has it; before, it is unknown. A row that begins later begins with all its functions.
    pub since: u32,
}

/// The calldata that a function answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answers {
    /// Calldata that begins with this selector.
    Selector([u8; 4]),
    /// Empty calldata, as of a plain send: Solidity's `receive`.
    Nothing,
    /// All calldata that no other function answers: Solidity's `fallback`.
    Rest,
}

/// What a function may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// Reads only: may be called statically, takes no value.
    View,
    /// Changes something, takes no value.
    Nonpayable,
    /// Changes something, may take value.
    Payable,
}

impl Function {
    /// Returns a function that only reads.
    #[must_use]
    pub const fn view(selector: [u8; 4]) -> Self {
        let answers = Answers::Selector(selector);
        Self { answers, mutability: Mutability::View, is_locked: false, since: 1 }
    }

    /// Returns a function that changes something, under the module's lock.
    #[must_use]
    pub const fn nonpayable(selector: [u8; 4]) -> Self {
        let answers = Answers::Selector(selector);
        Self { answers, mutability: Mutability::Nonpayable, is_locked: true, since: 1 }
    }

    /// Returns a function that takes value, under the module's lock.
    #[must_use]
    pub const fn payable(selector: [u8; 4]) -> Self {
        let answers = Answers::Selector(selector);
        Self { answers, mutability: Mutability::Payable, is_locked: true, since: 1 }
    }

    /// Returns a function that takes plain sends of value, as Solidity's `receive`, without the lock.
    #[must_use]
    pub const fn receive() -> Self {
        let answers = Answers::Nothing;
        Self { answers, mutability: Mutability::Payable, is_locked: false, since: 1 }
    }

    /// Returns a function that takes whatever no other function answers, with or without value, as Solidity's payable
    /// `fallback`, without the lock.
    #[must_use]
    pub const fn fallback() -> Self {
        let answers = Answers::Rest;
        Self { answers, mutability: Mutability::Payable, is_locked: false, since: 1 }
    }

    /// Returns the same function without the lock: for what the Solidity original leaves open too, such as `transfer`
    /// of a pair's shares.
    #[must_use]
    pub const fn unlocked(self) -> Self {
        Self { is_locked: false, ..self }
    }

    /// Returns the same function for a module that gets it only with a later revision of the rules.
    #[must_use]
    pub const fn since(self, revision: u32) -> Self {
        Self { since: revision, ..self }
    }
}

/// A function that changes something, and runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) instance: Address,
    /// Whether it takes part in the lock.
    pub(crate) is_locked: bool,
}

/// The error of a locked function that is entered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnReentry {
    /// OpenZeppelin's `ReentrancyGuardReentrantCall()`.
    Error,
    /// `Error(string)` with this message, as in the Solidity original.
    Message(&'static str),
}

impl Module {
    /// Finds the function that answers calldata in a revision of the rules: by the first four bytes, else the one that takes plain sends or the rest.
    #[must_use]
    pub fn function(&self, input: &[u8], revision: u32) -> Option<&'static Function> {
        let find = |answers| {
            let is_it =
                |function: &&Function| function.answers == answers && function.since <= revision;
            self.functions.iter().find_map(|interface| interface.iter().find(is_it))
        };
        let named = input.first_chunk().and_then(|selector| find(Answers::Selector(*selector)));
        let plain = || if input.is_empty() { find(Answers::Nothing) } else { None };
        named.or_else(plain).or_else(|| find(Answers::Rest))
    }

    pub(crate) fn reentry(&self) -> Failure {
        match self.on_reentry {
            OnReentry::Error => {
                Failure::Revert(ModuleErrors::ReentrancyGuardReentrantCall {}.abi_encode().into())
            }
            OnReentry::Message(message) => Failure::message(message),
        }
    }
}

/// The modules of all revisions, and the newest known revision. Two tables are equal only if their rows are the same.
#[derive(Clone, Copy)]
pub struct Table {
    rows: &'static [Module],
    newest: u32,
    issuance: Option<Issuance>,
}

/// Which module may issue the native coin, and how much. [`Host::issue`] enforces it, and block execution checks it again.
#[derive(Clone, Copy, Debug)]
pub struct Issuance {
    /// The first revision that has it.
    pub since: u32,
    /// The module.
    pub issuer: Address,
    /// Slot of the module with the total that it has issued. Only [`Host::issue`] writes it.
    pub slot: U256,
    /// The most that it may have issued in total, up to and including the block at a height.
    pub ceiling: fn(u64) -> U256,
}

impl Table {
    /// Returns the table of these rows. It knows the revisions up to the newest that a row names.
    #[must_use]
    pub const fn new(rows: &'static [Module]) -> Self {
        let (mut newest, mut rest) = (1, rows);
        while let [row, after @ ..] = rest {
            if row.since > newest {
                newest = row.since;
            }
            rest = after;
        }
        Self { rows, newest, issuance: None }
    }

    /// Returns this table with `newest` as its newest revision: a revision may change rules without adding a module.
    #[must_use]
    pub const fn with_newest(self, newest: u32) -> Self {
        Self { newest, ..self }
    }

    /// Returns this table, with a module that may issue the native coin.
    #[must_use]
    pub const fn with_issuance(self, issuance: Issuance) -> Self {
        Self { issuance: Some(issuance), ..self }
    }

    /// Returns the issuer of the native coin at `revision`, if there is one.
    #[must_use]
    pub fn issuance(&self, revision: u32) -> Option<Issuance> {
        self.issuance.filter(|issuance| issuance.since <= revision)
    }

    /// Returns the newest revision whose rules are known.
    #[must_use]
    pub const fn newest(&self) -> u32 {
        self.newest
    }

    /// Returns its rows.
    #[must_use]
    pub const fn rows(&self) -> &'static [Module] {
        self.rows
    }

    /// Returns the accounts of the modules that begin with `revision` at a fixed address, and their code.
    pub fn accounts_since(&self, revision: u32) -> impl Iterator<Item = (Address, Bytes)> + use<> {
        self.rows.iter().filter(move |module| module.since == revision).filter_map(|module| {
            match module.place {
                Place::At(address) => Some((address, Bytes::from_static(&MODULE_CODE))),
                Place::Reserved(_) | Place::Instances(_) => None,
            }
        })
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        let issuance = |table: &Self| table.issuance.map(|it| (it.since, it.issuer, it.slot));
        std::ptr::eq(self.rows, other.rows)
            && self.newest == other.newest
            && issuance(self) == issuance(other)
    }
}

impl Eq for Table {}

impl std::fmt::Debug for Table {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.rows.iter().map(|module| module.name)).finish()
    }
}

/// The modules of a ledger at one revision of its rules, beside Ethereum's precompiles.
#[derive(Clone, Debug)]
pub struct Modules {
    table: &'static [Module],
    revision: u32,
    /// The last entry of the genesis file's schedule.
    founding: (u32, u64),
    issuance: Option<Issuance>,
    places: Places,
    ethereum: EthPrecompiles,
    warm: AddressSet,
    /// Functions that change something and run, from the outermost to the innermost.
    pub(crate) running: Vec<Running>,
    /// The accounts and slots that modules have touched, if they are recorded.
    pub(crate) touched: Option<Vec<Touched>>,
}

/// An account that a module touched, and the slot if it was one.
pub(crate) type Touched = (Address, Option<B256>);

impl Modules {
    /// Returns the modules of `table` that `revision` has, beside the precompiles of `spec`.
    #[must_use]
    pub fn new(spec: SpecId, table: Table, revision: u32) -> Self {
        let (table, issuance) = (table.rows(), table.issuance(revision));
        let ethereum = EthPrecompiles::new(spec);
        let warm = warm(&ethereum, table, revision);
        let (places, founding) = (Places::new(table), (1, 0));
        let (running, touched) = (Vec::new(), None);
        Self { table, revision, founding, issuance, places, ethereum, warm, running, touched }
    }

    /// Returns these modules for a ledger whose genesis file schedules `revision` last, at `height`.
    #[must_use]
    pub fn with_founding(self, (revision, height): (u32, u64)) -> Self {
        Self { founding: (revision, height), ..self }
    }

    /// Finds the module of an address whose code has this hash. An account without a module's code is an ordinary
    /// account: an instance that was not created yet, or a module of a later revision.
    #[must_use]
    pub fn find(&self, address: &Address, code_hash: &B256) -> Option<&'static Module> {
        let module = self.places.find(address, code_hash)?;
        (module.since <= self.revision).then_some(module)
    }

    /// Returns an issuer's new total after it issues `amount`, or why it may not.
    pub(crate) fn check_issue(
        &self,
        module: Address,
        height: u64,
        (issued, amount): (U256, U256),
    ) -> Result<U256, Failure> {
        let ceiling = match self.issuance {
            Some(issuance) if issuance.issuer == module => (issuance.ceiling)(height),
            _ => return Err(Failure::Broken(format!("{module} may not issue the native coin"))),
        };
        let total = issued.checked_add(amount).filter(|total| *total <= ceiling);
        total.ok_or_else(|| {
            Failure::Broken(format!(
                "{module} has issued {issued} and would issue {amount}, above {ceiling} at height {height}"
            ))
        })
    }

    /// Returns the slot of an issuer's total.
    pub(crate) fn issued_slot(&self) -> U256 {
        self.issuance.map(|issuance| issuance.slot).unwrap_or_default()
    }

    /// Returns the revision of the ledger's rules.
    #[must_use]
    pub const fn revision(&self) -> u32 {
        self.revision
    }

    /// Returns the last entry of the genesis file's schedule: a revision, and the height of its first block.
    #[must_use]
    pub const fn founding(&self) -> (u32, u64) {
        self.founding
    }

    /// Records from now on which accounts and slots modules touch.
    pub fn note_touched(&mut self) {
        self.touched = Some(Vec::new());
    }

    /// Returns the accounts and slots that modules have touched since [`Self::note_touched`].
    #[must_use]
    pub fn touched(&self) -> &[Touched] {
        self.touched.as_deref().unwrap_or_default()
    }

    /// Returns whether an address is warm from the start: a precompile's, or a module's with a fixed address.
    #[must_use]
    pub fn is_warm(&self, address: &Address) -> bool {
        self.warm.contains(address)
    }
}

/// The rows of a table by where they answer: each call asks for one.
#[derive(Clone, Debug, Default)]
struct Places {
    at: AddressMap<&'static Module>,
    reserved: Vec<(IsPlace, &'static Module)>,
    /// By the hash of an instance's code.
    instances: Vec<(B256, &'static Module)>,
}

impl Places {
    fn new(table: &'static [Module]) -> Self {
        let mut places = Self::default();
        for module in table {
            match module.place {
                Place::At(address) => {
                    places.at.entry(address).or_insert(module);
                }
                Place::Reserved(is_reserved) => places.reserved.push((is_reserved, module)),
                Place::Instances(code) => places.instances.push((code_hash(code), module)),
            }
        }
        places
    }

    fn find(&self, address: &Address, code_hash: &B256) -> Option<&'static Module> {
        if *code_hash != MODULE_CODE_HASH {
            let instance = self.instances.iter().find(|(hash, _)| hash == code_hash);
            return instance.map(|(_, module)| *module);
        }
        let reserved = || self.reserved.iter().find(|(is_reserved, _)| is_reserved(address));
        self.at.get(address).copied().or_else(|| reserved().map(|(_, module)| *module))
    }
}

fn warm(ethereum: &EthPrecompiles, table: &[Module], revision: u32) -> AddressSet {
    let mut warm = ethereum.warm_addresses().clone();
    warm.extend(table.iter().filter(|module| module.since <= revision).filter_map(|module| {
        match module.place {
            Place::At(address) => Some(address),
            Place::Reserved(_) | Place::Instances(_) => None,
        }
    }));
    warm
}

impl<CTX: ContextTr<Cfg: Cfg<Spec = SpecId>>> PrecompileProvider<CTX> for Modules {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: SpecId) -> bool {
        // A new journal asks for the addresses anyway; this comes before each transaction.
        let is_changed = PrecompileProvider::<CTX>::set_spec(&mut self.ethereum, spec);
        if is_changed {
            self.warm = warm(&self.ethereum, self.table, self.revision);
        }
        is_changed
    }

    /// Runs a precompile of Ethereum. Modules are frames and don't come here.
    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        self.ethereum.run(context, inputs)
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}
