//! What is derived from an account's key.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolValue as _;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::Vote;

const KEY_PURPOSE: &[u8] = b"gleaner ballot key 1";
const SALT_PURPOSE: &[u8] = b"gleaner ballot salt 1";

/// The secrets of an account: each is independent of the others, and none tells the account's key. Its `Debug` shows nothing.
pub struct Derived(Hkdf<Sha256>);

impl std::fmt::Debug for Derived {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Derived").finish_non_exhaustive()
    }
}

impl Derived {
    /// Returns the secrets of the account with a key.
    #[must_use]
    pub fn from_key(key: &B256) -> Self {
        Self(Hkdf::new(None, key.as_slice()))
    }

    /// Returns the secret ballot key of a holder for a proposal: another one for each, so that publishing it tells nothing of the others.
    #[must_use]
    pub fn ballot_key(&self, chain: u64, governor: Address, proposal: U256) -> B256 {
        self.expand(KEY_PURPOSE, &(U256::from(chain), governor, proposal).abi_encode())
    }

    /// Returns the salt of a voter's ballot.
    #[must_use]
    pub fn salt(&self, vote: &Vote) -> B256 {
        let Vote { chain, governor, proposal, voter } = *vote;
        self.expand(SALT_PURPOSE, &(U256::from(chain), governor, proposal, voter).abi_encode())
    }

    fn expand(&self, purpose: &[u8], context: &[u8]) -> B256 {
        let mut secret = B256::ZERO;
        self.0
            .expand_multi_info(&[purpose, context], secret.as_mut_slice())
            .expect("32 bytes are within what HKDF-SHA256 gives");
        secret
    }
}
