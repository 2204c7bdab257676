//! The rules of fungible assets: who may move, mint, burn or pause what.
//!
//! An asset is a [`Book`]: balances, allowances, nonces of permits. An asset issued on the ledger also has [`Terms`]
//! and is an [`IssuedBook`]. The native asset, GRAIN, keeps its balances in the accounts and has no issuer; the same
//! rules move it.
//!
//! 1. [`Terms`] are checked once and never change: name, symbol, decimals, cap, metadata, powers.
//! 2. Holders [`transfer`], [`approve`], [`transfer_from`], [`permit`], and [`burn`] if the terms allow it.
//! 3. The issuer [`mint`]s up to the cap and, if the terms allow it, pauses ([`set_pause`]), transfers its role
//!    ([`offer`], [`accept`]) or renounces it ([`renounce`]).
//!
//! Invariants ([`PlainBook::invariants`]): the balances add up to the supply; supply ≤ cap; no balance at the zero
//! account or at the asset itself; while paused no balance moves; an input that is refused changes nothing; a nonce
//! is used once.
//!
//! The crate checks no signature ([`permit`] receives the signer from the caller) and does not know storage or gas.
//! Each rule returns what happened, from which the adapter emits the event.
//!
//! Source: ERC-20, EIP-2612; errors and order of checks as in OpenZeppelin Contracts 5 (`ERC20`, `ERC20Capped`,
//! `ERC20Pausable`, `ERC20Permit`, `Ownable2Step`). Deviations: an asset can't be sent to its own account, from which
//! nothing could move it; an issuer that has paused the asset can't renounce its role, which would freeze all
//! balances for ever. Unlike other rules it uses `U256` from `alloy-primitives`: ERC-20 amounts have 256 bits, and
//! clients use the largest number as an unlimited allowance.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod book;
mod holders;
mod issuer;
mod plain;
mod refused;
mod terms;

pub use book::{Book, IssuedBook, Standing};
pub use holders::{
    Approved, Permit, Transferred, UNLIMITED, approve, permit, transfer, transfer_from,
};
pub use issuer::{Offered, Pause, accept, burn, burn_from, mint, offer, renounce, set_pause};
pub use plain::PlainBook;
pub use refused::Refused;
pub use terms::{
    DECIMALS_MAX, NAME_BYTES_MAX, Powers, SYMBOL_BYTES_MAX, Terms, TermsError, URI_BYTES_MAX,
};
