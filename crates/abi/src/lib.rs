//! What the ledger's native modules look like from outside: Solidity interfaces, addresses, device statements.
//!
//! Any Ethereum library can call them; the interfaces below are all it needs. Amounts are wei, times are Unix seconds, shares are basis
//! points, digests are BLAKE3-256, devices are ed25519 public keys, signatures are ed25519 over a [`statement`].
//!
//! It holds no rule (`training-run` does) and executes nothing (`native-modules` do).

mod assets;
mod catalogue;
pub mod convert;
pub mod interface;
mod prices;
pub mod signed;
pub mod solidity;
pub mod statement;
mod uniswap;
pub mod value;

pub use assets::{
    PERMIT_VERSION, amount_text, asset_address, asset_number, parse_amount, permit_digest,
    permit_domain,
};
pub use catalogue::*;
pub use prices::{
    PRICE_REPORTERS_MAX, price_feed_address, price_feed_number, price_report_digest,
    price_report_domain,
};
pub use uniswap::{
    UNISWAP_V2_PAIR_INIT_CODE_HASH, UNISWAP_V3_POOL_INIT_CODE_HASH, pair_salt, sorted,
    uniswap_v2_pair,
};

/// Bytes of a project's name at most.
pub const NAME_BYTES_MAX: usize = 64;
/// Bytes of a coordinator's endpoint at most: socket addresses, comma separated.
pub const ENDPOINT_BYTES_MAX: usize = 256;
/// Statements in one call of `relay` at most.
pub const STATEMENTS_MAX: usize = 128;
/// Bytes of a statement at most.
pub const STATEMENT_BYTES_MAX: usize = 1_024;
/// Leaves of a round that can be disclosed at most: those of 256 segments, of the job and of the update.
pub const LEAVES_MAX: usize = 258;
/// Bytes of the policy of an account's devices at most.
pub const POLICY_BYTES_MAX: usize = 4_096;
/// Referees of a ledger at most.
pub const REFEREES_MAX: usize = 64;
