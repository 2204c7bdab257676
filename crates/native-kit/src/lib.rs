//! The base of every native module: frames, storage, dispatch and metering.
//!
//! A native module is a contract whose code is a Rust function. It has an address, a Solidity interface, storage in Solidity's layout, events and
//! typed errors; it calls any contract or module and can be called back, with Ethereum's rules for gas, depth, value, static context, warm
//! accesses and reverts.
//!
//! 1. A [`Module`] is one row of a table: address, first revision, functions with their mutability, entrance.
//! 2. [`Modules`] finds the row of an account by its address and code, among those of the ledger's current revision.
//! 3. [`Machine`] is revm's EVM with one more kind of frame: where it would run bytecode and finds a module, it runs the module's entrance.
//! 4. [`enter`] checks what no adapter may forget: known function, value only where payable, no change in a static call, no reentry.
//! 5. The entrance gets a [`Host`]: storage, logs, transfers, calls and block facts, each metered like the opcode that does the same.
//! 6. It returns ABI-encoded output, or a [`Failure`].
//!
//! Invariants: everything a module changes goes through the journal, so a revert of any frame undoes it; no input can make a module panic;
//! a static call changes nothing; a delegate call is refused; a database error ends the block, never only the transaction.
//!
//! A call of another contract runs nested on the Rust stack ([`Host::call`] returns when it has ended), so that a module reads like its Solidity
//! original and rules can be called from anywhere in it. Ethereum's depth limit of 1,024 bounds the nesting, and `stacker` adds stack on the heap
//! when it is needed. The alternative, an `async` entrance polled by its frame, would make every storage access an `await` or need `unsafe`.
//!
//! What it does not do: it knows no rule and no module. Modules stand in `native-modules`.

mod call;
mod dispatch;
mod failure;
mod frame;
mod host;
mod instances;
mod journal;
mod machine;
mod modules;
pub mod slots;
pub mod test_host;

pub use call::{Call, Outcome};
pub use dispatch::{decode, enter};
pub use failure::Failure;
pub use host::{Host, emit, emit_of, keccak256_gas};
pub use instances::{create2_address, instance_code};
pub use machine::{Machine, MachineContext};
pub use modules::{
    Answers, Entrance, Function, IsPlace, Issuance, MODULE_CODE, Module, Modules, Mutability,
    OnReentry, Place, Table,
};
