//! Encrypts a vote so that several key holders together can read it, and opens it.
//!
//! 1. A vote and a random-looking *salt* are split by Shamir's scheme over GF(256) into one share for each holder; `threshold` of them give it back (`vsss-rs`).
//! 2. Each share is encrypted to its holder's key by HPKE (RFC 9180, base mode): X25519, HKDF-SHA256, ChaCha20-Poly1305 (`hpke`). Ledger, governor, proposal and voter are bound to it,
//!    so it decrypts nowhere else.
//! 3. The ledger keeps only the [`commitment`]: Keccak-256 of proposal, voter, vote and salt. So a ballot that was copied, or decrypts to something else, can't be opened.
//! 4. A holder's keys and a voter's salts are derived from the account's own key by HKDF-SHA256 ([`Derived`]): nothing else must be kept, and any machine with
//!    the wallet can open the ballot.
//!
//! A sealed ballot is the byte 1, and 82 bytes for each key in the order of the holders who posted one: 32 of HPKE's encapsulated key, 50 of the encrypted share, which is its number, the vote,
//! and the salt, 34 bytes, and a tag of 16.
//!
//! The crate makes no cryptography of its own: it puts together what the crates above do.

mod ballot;
mod derived;

pub use ballot::{Ballot, SealError, Vote, commitment, open, public_key, seal};
pub use derived::Derived;
