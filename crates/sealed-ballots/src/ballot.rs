//! Sealing and opening.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256, rand_core::UnwrapErr, single_shot_open,
    single_shot_seal_with_rng,
};
use system_random::SysRng;
use vsss_rs::Gf256;

/// The layout that is written.
const FORMAT: u8 = 1;
/// The highest number of a vote: the ledger refuses another one, and with it all ballots that are opened by the same transaction.
const SUPPORT_MAX: u8 = 2;
/// Bytes of an encapsulated key.
const KEY_SIZE: usize = 32;
/// Bytes of a share: its number, the vote, the salt.
const SHARE_SIZE: usize = 34;
/// Bytes for each key: the encapsulated key, the encrypted share and its tag.
const ENTRY_SIZE: usize = KEY_SIZE + SHARE_SIZE + 16;
/// What is encrypted, so that no other use of the same key decrypts it.
const PURPOSE: &[u8] = b"gleaner sealed ballot 1";

type Key = <X25519HkdfSha256 as hpke::Kem>::PublicKey;
type Secret = <X25519HkdfSha256 as hpke::Kem>::PrivateKey;
type Encapsulated = <X25519HkdfSha256 as hpke::Kem>::EncappedKey;

/// Whose vote about what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The ledger's chain id.
    pub chain: u64,
    /// The governor.
    pub governor: Address,
    /// The proposal's id.
    pub proposal: U256,
    /// Who votes.
    pub voter: Address,
}

/// What is in a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The vote's number in the interface: 0 against, 1 for, 2 abstain.
    pub support: u8,
    /// What keeps others from guessing the vote from its commitment.
    pub salt: B256,
}

/// Why a vote can't be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Fewer keys than the threshold, or a threshold below 2.
    #[error("{keys} keys with threshold {threshold}: at least 2 are needed, and as many keys")]
    TooFewKeys {
        /// Keys that are there.
        keys: usize,
        /// Keys that are needed to read.
        threshold: usize,
    },
    /// A key is none.
    #[error("key {position} can't be encrypted to")]
    BadKey {
        /// Its position, from 1 on.
        position: usize,
    },
}

impl Vote {
    /// What is bound to each share.
    fn context(&self) -> Vec<u8> {
        (U256::from(self.chain), self.governor, self.proposal, self.voter).abi_encode()
    }
}

/// Returns what the ledger keeps of a ballot, as its `openVotes` computes it.
#[must_use]
pub fn commitment(vote: &Vote, ballot: &Ballot) -> B256 {
    keccak256((vote.proposal, vote.voter, U256::from(ballot.support), ballot.salt).abi_encode())
}

/// Returns the public key of a secret one.
#[must_use]
pub fn public_key(secret: &B256) -> B256 {
    let secret = Secret::from_bytes(secret.as_slice()).expect("any 32 bytes are a secret key");
    B256::from_slice(&X25519HkdfSha256::sk_to_pk(&secret).to_bytes())
}

/// Encrypts a ballot to `keys`, `threshold` of which can read it.
///
/// # Errors
/// [`SealError`].
///
/// # Panics
/// When the operating system has no random numbers.
pub fn seal(
    vote: &Vote,
    ballot: &Ballot,
    keys: &[B256],
    threshold: usize,
) -> Result<Vec<u8>, SealError> {
    let mut secret = vec![ballot.support];
    secret.extend_from_slice(ballot.salt.as_slice());
    let shares = Gf256::split_bytes(threshold, keys.len(), &secret, UnwrapErr(SysRng))
        .map_err(|_| SealError::TooFewKeys { keys: keys.len(), threshold })?;
    let (context, mut sealed, mut random) = (vote.context(), vec![FORMAT], UnwrapErr(SysRng));
    for (position, (key, share)) in keys.iter().zip(shares).enumerate() {
        let bad = |_| SealError::BadKey { position: position + 1 };
        let key = Key::from_bytes(key.as_slice()).map_err(bad)?;
        let (encapsulated, encrypted) =
            single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &key,
                PURPOSE,
                &share,
                &context,
                &mut random,
            )
            .map_err(bad)?;
        sealed.extend_from_slice(&encapsulated.to_bytes());
        sealed.extend_from_slice(&encrypted);
    }
    Ok(sealed)
}

/// Reads a ballot with the secret keys that are published, in the order of the keys that were posted. `None` unless `threshold` of them give the ballot of this commitment, and a
/// vote that exists: bytes that were never a ballot, one that was copied, one with a vote that nobody can count, and too few keys look alike.
#[must_use]
pub fn open(
    vote: &Vote,
    commitment: B256,
    sealed: &[u8],
    secrets: &[Option<B256>],
    threshold: usize,
) -> Option<Ballot> {
    let (format, entries) = sealed.split_first()?;
    let (entries, rest) = entries.as_chunks::<ENTRY_SIZE>();
    if *format != FORMAT || !rest.is_empty() || entries.len() != secrets.len() {
        return None;
    }
    let context = vote.context();
    let shares: Vec<Vec<u8>> = entries
        .iter()
        .zip(secrets)
        .filter_map(|(entry, secret)| decrypt(entry, secret.as_ref()?, &context))
        .collect();
    // One who seals bad shares beside good ones delays nobody by more than these few attempts.
    shares.windows(threshold.max(2)).find_map(|shares| {
        let secret = Gf256::combine_bytes(shares).ok()?;
        let (support, salt) = secret.split_first()?;
        let ballot = Ballot { support: *support, salt: B256::try_from(salt).ok()? };
        let is_vote = ballot.support <= SUPPORT_MAX;
        (is_vote && self::commitment(vote, &ballot) == commitment).then_some(ballot)
    })
}

fn decrypt(entry: &[u8; ENTRY_SIZE], secret: &B256, context: &[u8]) -> Option<Vec<u8>> {
    let (encapsulated, encrypted) = entry.split_at(KEY_SIZE);
    let share = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &Secret::from_bytes(secret.as_slice()).ok()?,
        &Encapsulated::from_bytes(encapsulated).ok()?,
        PURPOSE,
        encrypted,
        context,
    );
    share.ok().filter(|share| share.len() == SHARE_SIZE)
}
