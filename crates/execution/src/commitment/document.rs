//! Proofs in JSON: what a node answers, and what somebody without a node checks.

use super::{
    Commitment,
    leaf::{Entry, StateKey},
    proof::{PathEnd, ProofError, StateProof},
};
use crate::changes::AccountState;
use alloy_consensus::{Header, Sealed};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_rlp::Decodable;
use serde::{Deserialize, Serialize};

/// Most slots that one document may be about.
pub const PROVEN_SLOTS_MAX: usize = 1_024;

/// What one account and some of its slots are after a block, and why that is so. Whoever trusts the block's hash needs nothing else:
/// the header hashes to it, the state root stands in the header, and the proofs lead to the root.
///
/// What it says is said once more outside the proofs, so that it can be read; [`Self::verify`] compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProofDocument {
    /// Scheme of the state root: [`Commitment::SCHEME`].
    pub commitment: u8,
    /// Keccak-256 of the header.
    pub block_hash: B256,
    /// The header, RLP-encoded as everywhere in Ethereum.
    pub header: Bytes,
    /// Whose account it is.
    pub address: Address,
    /// The account; `null` if there is none.
    pub account: Option<AccountDocument>,
    /// Leads to the account, or to where it would be.
    pub account_proof: PathDocument,
    /// Slots of the account, in the order they were asked for.
    pub slots: Vec<SlotDocument>,
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountDocument {
    /// Transactions sent.
    pub nonce: U64,
    /// Balance in the smallest unit.
    pub balance: U256,
    /// Keccak-256 of the code; that of nothing without code.
    pub code_hash: B256,
}

/// A slot, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlotDocument {
    /// Which one.
    pub slot: U256,
    /// What is in it; zero if nothing was written.
    pub value: U256,
    /// Leads to it, or to where it would be.
    pub proof: PathDocument,
}

/// A [`StateProof`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathDocument {
    /// Hashes of the sets beside the path, from the root down.
    pub siblings: Vec<B256>,
    /// The only leaf at the path's end; `null` if there is none.
    pub end: Option<LeafDocument>,
}

/// A leaf: that which was asked for, or another that shares the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum LeafDocument {
    /// An account.
    Account {
        /// Whose.
        address: Address,
        /// Transactions sent.
        nonce: U64,
        /// Balance in the smallest unit.
        balance: U256,
        /// Keccak-256 of the code.
        code_hash: B256,
    },
    /// A slot that is not zero.
    Slot {
        /// Of which account.
        address: Address,
        /// Which one.
        slot: U256,
        /// What is in it.
        value: U256,
    },
}

/// What a document has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The block after which it is so.
    pub header: Sealed<Header>,
    /// Whose account it is.
    pub address: Address,
    /// The account; `None` if there is none.
    pub account: Option<AccountState>,
    /// Slots and what is in them.
    pub slots: Vec<(U256, U256)>,
}

/// Why a document shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Of a chain with another kind of root.
    #[error(
        "proof is for state roots of scheme {found}; this program knows scheme {}",
        Commitment::SCHEME
    )]
    Scheme {
        /// Its scheme.
        found: u8,
    },
    /// Longer than any that a node gives.
    #[error("proof is about {count} slots, more than the {PROVEN_SLOTS_MAX} of one document")]
    TooManySlots {
        /// How many.
        count: usize,
    },
    /// No header.
    #[error("the header is none of a block")]
    Header,
    /// Header and hash are not of one block.
    #[error("the header hashes to {found}, not to the {stated} written beside it")]
    BlockHash {
        /// Hash of the header.
        found: B256,
        /// What the document says.
        stated: B256,
    },
    /// Of another block than the trusted one.
    #[error("proof is of block {found}, not of {expected}")]
    OtherBlock {
        /// Its block.
        found: B256,
        /// The trusted one.
        expected: B256,
    },
    /// The account is not proven.
    #[error("the account is not proven")]
    Account(#[source] ProofError),
    /// A slot is not proven.
    #[error("slot {slot:#x} is not proven")]
    Slot {
        /// Which one.
        slot: U256,
        /// Why.
        #[source]
        source: ProofError,
    },
    /// It says something else than its proof.
    #[error("the proof shows another account than the one written beside it")]
    OtherAccount,
    /// It says something else than its proof.
    #[error("the proof of slot {slot:#x} shows another value than the one written beside it")]
    OtherValue {
        /// Which one.
        slot: U256,
    },
}

impl ProofDocument {
    /// Puts together what `prove` shows of the state after `header`.
    ///
    /// # Errors
    /// That of `prove`.
    pub fn new<E>(
        header: &Sealed<Header>,
        address: Address,
        slots: &[U256],
        prove: impl Fn(&StateKey) -> Result<StateProof, E>,
    ) -> Result<Self, E> {
        let proof = prove(&StateKey::Account(address))?;
        let account = match proof.end {
            PathEnd::Leaf(Entry::Account(found, account)) if found == address => {
                Some(account.into())
            }
            _ => None,
        };
        let slot_proof = |slot: &U256| {
            let proof = prove(&StateKey::Slot(address, *slot))?;
            let value = match proof.end {
                PathEnd::Leaf(Entry::Slot(owner, found, value))
                    if (owner, found) == (address, *slot) =>
                {
                    value
                }
                _ => U256::ZERO,
            };
            Ok(SlotDocument { slot: *slot, value, proof: proof.into() })
        };
        Ok(Self {
            commitment: Commitment::SCHEME,
            block_hash: header.hash(),
            header: alloy_rlp::encode(header.inner()).into(),
            address,
            account,
            account_proof: proof.into(),
            slots: slots.iter().map(slot_proof).collect::<Result<_, E>>()?,
        })
    }

    /// What the document shows of the block whose hash it bears. With `trusted`, only of that block; without it, the caller must know from
    /// elsewhere that the chain has such a block.
    ///
    /// # Errors
    /// [`DocumentError`] when it shows nothing.
    pub fn verify(&self, trusted: Option<&B256>) -> Result<Proven, DocumentError> {
        if self.commitment != Commitment::SCHEME {
            return Err(DocumentError::Scheme { found: self.commitment });
        }
        let count = self.slots.len();
        if count > PROVEN_SLOTS_MAX {
            return Err(DocumentError::TooManySlots { count });
        }
        let header = self.header(trusted)?;
        let root = &header.state_root;
        let proof = StateProof::from(&self.account_proof);
        let account = match proof.verify(root, &StateKey::Account(self.address)) {
            Ok(Some(Entry::Account(_, account))) => Some(account),
            Ok(_) => None,
            Err(error) => return Err(DocumentError::Account(error)),
        };
        if self.account != account.map(AccountDocument::from) {
            return Err(DocumentError::OtherAccount);
        }
        let mut slots = Vec::with_capacity(count);
        for SlotDocument { slot, value, proof } in &self.slots {
            let shown = StateProof::from(proof).verify(root, &StateKey::Slot(self.address, *slot));
            let shown = match shown {
                Ok(Some(Entry::Slot(_, _, value))) => value,
                Ok(_) => U256::ZERO,
                Err(source) => return Err(DocumentError::Slot { slot: *slot, source }),
            };
            if shown != *value {
                return Err(DocumentError::OtherValue { slot: *slot });
            }
            slots.push((*slot, shown));
        }
        Ok(Proven { header, address: self.address, account, slots })
    }

    fn header(&self, trusted: Option<&B256>) -> Result<Sealed<Header>, DocumentError> {
        let found = keccak256(&self.header);
        if found != self.block_hash {
            return Err(DocumentError::BlockHash { found, stated: self.block_hash });
        }
        if let Some(expected) = trusted.filter(|trusted| **trusted != found) {
            return Err(DocumentError::OtherBlock { found, expected: *expected });
        }
        let mut rest: &[u8] = &self.header;
        let header = Header::decode(&mut rest).map_err(|_| DocumentError::Header)?;
        if !rest.is_empty() {
            return Err(DocumentError::Header);
        }
        Ok(Sealed::new_unchecked(header, found))
    }
}

impl From<AccountState> for AccountDocument {
    fn from(account: AccountState) -> Self {
        let AccountState { nonce, balance, code_hash } = account;
        Self { nonce: U64::from(nonce), balance, code_hash }
    }
}

impl From<StateProof> for PathDocument {
    fn from(proof: StateProof) -> Self {
        let end = match proof.end {
            PathEnd::Empty => None,
            PathEnd::Leaf(Entry::Account(address, account)) => {
                let AccountDocument { nonce, balance, code_hash } = account.into();
                Some(LeafDocument::Account { address, nonce, balance, code_hash })
            }
            PathEnd::Leaf(Entry::Slot(address, slot, value)) => {
                Some(LeafDocument::Slot { address, slot, value })
            }
        };
        Self { siblings: proof.siblings, end }
    }
}

impl From<&PathDocument> for StateProof {
    fn from(document: &PathDocument) -> Self {
        let end = match document.end {
            None => PathEnd::Empty,
            Some(LeafDocument::Account { address, nonce, balance, code_hash }) => {
                let account = AccountState { nonce: nonce.to(), balance, code_hash };
                PathEnd::Leaf(Entry::Account(address, account))
            }
            Some(LeafDocument::Slot { address, slot, value }) => {
                PathEnd::Leaf(Entry::Slot(address, slot, value))
            }
        };
        Self { siblings: document.siblings.clone(), end }
    }
}

#[cfg(test)]
mod tests;
