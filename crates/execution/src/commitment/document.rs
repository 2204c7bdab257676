//! Proofs in JSON, as a node returns them and anyone can check them without a node.

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

/// Largest number of slots in one document.
pub const PROVEN_SLOTS_MAX: usize = 1_024;

/// An account and some of its slots after a block, with proofs. Anyone who trusts the block's hash needs nothing else:
/// the header has this hash, the header contains the state root, and the proofs lead to the root.
///
/// The proven values are repeated outside the proofs for readers; [`Self::verify`] compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProofDocument {
    /// Scheme of the state root: [`Commitment::SCHEME`].
    pub commitment: u8,
    /// Keccak-256 of the header.
    pub block_hash: B256,
    /// The header, RLP-encoded as in Ethereum.
    pub header: Bytes,
    /// Address of the account.
    pub address: Address,
    /// The account; `null` if there is none.
    pub account: Option<AccountDocument>,
    /// Proof of the account, or of its absence.
    pub account_proof: PathDocument,
    /// Slots of the account, in the requested order.
    pub slots: Vec<SlotDocument>,
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountDocument {
    /// Number of transactions sent.
    pub nonce: U64,
    /// Balance in the smallest unit.
    pub balance: U256,
    /// Keccak-256 of the code; of empty bytes without code.
    pub code_hash: B256,
}

/// A slot and its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlotDocument {
    /// The slot.
    pub slot: U256,
    /// Its value; zero if nothing was written.
    pub value: U256,
    /// Proof of the slot, or of its absence.
    pub proof: PathDocument,
}

/// A [`StateProof`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathDocument {
    /// Hashes of the sibling sets, from the root down.
    pub siblings: Vec<B256>,
    /// The only leaf at the end of the path; `null` if there is none.
    pub end: Option<LeafDocument>,
}

/// A leaf: the requested one, or another one that shares the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum LeafDocument {
    /// An account.
    Account {
        /// Its address.
        address: Address,
        /// Number of transactions sent.
        nonce: U64,
        /// Balance in the smallest unit.
        balance: U256,
        /// Keccak-256 of the code.
        code_hash: B256,
    },
    /// A slot that is not zero.
    Slot {
        /// Address of its account.
        address: Address,
        /// The slot.
        slot: U256,
        /// Its value.
        value: U256,
    },
}

/// The proven content of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The block whose state it is.
    pub header: Sealed<Header>,
    /// Address of the account.
    pub address: Address,
    /// The account; `None` if there is none.
    pub account: Option<AccountState>,
    /// Slots and their values.
    pub slots: Vec<(U256, U256)>,
}

/// Why a document proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The document belongs to a chain with another scheme.
    #[error(
        "the proof is for state roots of scheme {found}: scheme {} is supported",
        Commitment::SCHEME
    )]
    Scheme {
        /// Its scheme.
        found: u8,
    },
    /// The document has more slots than a node returns.
    #[error("the proof has {count} slots: a document has at most {PROVEN_SLOTS_MAX}")]
    TooManySlots {
        /// Number of slots.
        count: usize,
    },
    /// The header is malformed.
    #[error("the header is malformed")]
    Header,
    /// The header does not have the stated hash.
    #[error("the header has the hash {found}, but the document says {stated}")]
    BlockHash {
        /// Hash of the header.
        found: B256,
        /// Hash in the document.
        stated: B256,
    },
    /// The document belongs to another block than the trusted one.
    #[error("the proof belongs to block {found}, not to {expected}")]
    OtherBlock {
        /// Its block.
        found: B256,
        /// The trusted hash.
        expected: B256,
    },
    /// The account is not proven.
    #[error("the account is not proven")]
    Account(#[source] ProofError),
    /// A slot is not proven.
    #[error("slot {slot:#x} is not proven")]
    Slot {
        /// The slot.
        slot: U256,
        /// The reason.
        #[source]
        source: ProofError,
    },
    /// The account in the document differs from its proof.
    #[error("the account in the document differs from its proof")]
    OtherAccount,
    /// A slot in the document differs from its proof.
    #[error("the value of slot {slot:#x} in the document differs from its proof")]
    OtherValue {
        /// The slot.
        slot: U256,
    },
}

impl ProofDocument {
    /// Builds the document for the state after `header` with the proofs of `prove`.
    ///
    /// # Errors
    /// Those of `prove`.
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

    /// Returns the proven content. With `trusted`, the document must belong to the block with this hash;
    /// without it, the caller must know from elsewhere that the chain has the document's block.
    ///
    /// # Errors
    /// [`DocumentError`] when it proves nothing.
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
