//! Native modules of the ledger: stateful precompiles that apply the rules.
//!
//! A module is three thin things: an ABI (`abi`), a way to keep its state in storage slots, and a dispatch that decodes a call, applies the rule of
//! a rules crate, stores the result and publishes its effects. Rules decide; modules only translate.
//!
//! 1. [`Modules`] is the EVM's precompile provider: Ethereum's own precompiles, and our modules at their fixed addresses.
//! 2. A call gets a [`Host`]: storage, logs, transfers and block facts, metered with the gas costs of the corresponding opcodes.
//! 3. The module returns ABI-encoded output, or a [`Failure`]: revert data, out of gas, or a fault of the database.
//!
//! Invariants: everything a module changes goes through the journal, so a revert of any frame undoes it; no input can make a module panic;
//! a static call changes nothing; delegate calls are refused; value is accepted only where a function is payable.
//!
//! Modules: `Devices`, `TrainingRuns`, GRAIN as an ERC-20, `Assets`, and every asset that it created, each at an address of its own.
//!
//! Reentrancy can't happen: a module calls no contract; paying an account runs no code of it.
//!
//! ```ignore
//! Context::mainnet().with_db(db).with_cfg(cfg).build_mainnet().with_precompiles(Modules::new(SpecId::OSAKA))
//! ```

mod asset;
mod devices;
mod erc20;
mod grain;
mod host;
mod journal;
mod provider;
mod registry;
mod runs;
mod slots;

#[cfg(test)]
mod tests;

pub use grain::GRAIN_SUPPLY;
pub use host::{Failure, Host};
pub use provider::{Modules, genesis_accounts, is_reserved};
