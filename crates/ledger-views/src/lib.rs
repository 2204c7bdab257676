//! What a ledger says, as plain structs, whoever is asked.
//!
//! [`Ask`] is the one trait between a view and a ledger: read-only calls, accounts and logs, all at one block. The local node implements it in
//! process, `ledger-client` over JSON-RPC. The views are in [`assets`], [`markets`], [`stakes`], [`feeds`], [`issuance`], [`runs`], [`devices`],
//! [`governance`] and [`accounts`]; each is a function of anything
//! that implements [`Ask`], and each kind of thing has one struct, so that explorer, command line, coordinator and worker can't disagree.
//!
//! How a view is read:
//! 1. It puts everything that it can ask at once into one [`Ask::calls`], which costs one round trip over HTTP.
//! 2. It decodes what came back, strictly: a value that the ledger's interfaces exclude is a [`ViewError`] that names the call, the contract
//!    and the value.
//! 3. Only what depends on the first answers is asked next.
//!
//! Views are asynchronous, because a view that asks twice is then one readable function. The local node answers at once, so synchronous code
//! reads a view with [`ready`].
//!
//! Invariants: lists from outside are read in pages of at most [`ITEMS_MAX`]; nothing is taken for text that is safe to print; amounts that
//! do not fit their type are errors, never cut.
//!
//! What it does not do: change the ledger, retry, cache, put things into words.

mod ask;
mod batch;
mod error;
mod page;
mod text;

pub mod accounts;
pub mod assets;
pub mod devices;
pub mod feeds;
pub mod governance;
pub mod issuance;
pub mod markets;
pub mod referees;
pub mod runs;
pub mod stakes;

pub use ask::{AccountState, Ask, Call, Head, LogFilter, Outcome, PlacedLog, ready};
pub use error::{Impossible, ViewError};
pub use page::{ITEMS_MAX, Page, Window};
