//! Randomness of blocks: known only to the node before the block, checkable by everyone afterwards.

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, keccak256};
use ed25519_dalek::{
    PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, Signature, Signer, SigningKey, VerifyingKey,
};

/// First bytes of what the node signs, so that the signature can't be used for anything else.
const CONTEXT: &[u8] = b"gleaner/randomness/v1";

/// A block's randomness and the proof that it was not chosen.
pub(crate) struct Randomness {
    pub(crate) prevrandao: B256,
    /// The node's public key, for the header's extra data.
    pub(crate) key: Bytes,
    /// Its signature, stored beside the header.
    pub(crate) proof: Bytes,
}

/// Returns the randomness of the block at `height`, above a parent with `parent_randomness`.
pub(crate) fn draw(
    key: &SigningKey,
    chain_id: u64,
    height: u64,
    parent_randomness: B256,
) -> Randomness {
    let signature = key.sign(&statement(chain_id, height)).to_bytes();
    Randomness {
        prevrandao: mix(parent_randomness, &signature),
        key: Bytes::copy_from_slice(key.verifying_key().as_bytes()),
        proof: Bytes::copy_from_slice(&signature),
    }
}

/// Returns whether `header`'s randomness is its node's signature, the block's `proof`, mixed with `parent`'s
/// randomness. The extra data contain the node's key; a chain has one.
#[must_use]
pub fn verify_randomness(chain_id: u64, parent: &Header, header: &Header, proof: &[u8]) -> bool {
    let Ok(signature) = <[u8; SIGNATURE_LENGTH]>::try_from(proof) else { return false };
    let Ok(key) = <[u8; PUBLIC_KEY_LENGTH]>::try_from(header.extra_data.as_ref()) else {
        return false;
    };
    let Ok(key) = VerifyingKey::from_bytes(&key) else { return false };
    let statement = statement(chain_id, header.number);
    key.verify_strict(&statement, &Signature::from_bytes(&signature)).is_ok()
        && header.mix_hash == mix(parent.mix_hash, &signature)
}

fn statement(chain_id: u64, height: u64) -> Vec<u8> {
    [CONTEXT, &chain_id.to_be_bytes(), &height.to_be_bytes()].concat()
}

fn mix(parent: B256, signature: &[u8; SIGNATURE_LENGTH]) -> B256 {
    keccak256([parent.as_slice(), signature].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(number: u64, randomness: &Randomness) -> Header {
        Header {
            number,
            mix_hash: randomness.prevrandao,
            extra_data: randomness.key.clone(),
            ..Header::default()
        }
    }

    #[test]
    fn only_the_signature_of_this_height_and_chain_passes() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let parent = Header { number: 4, mix_hash: B256::repeat_byte(9), ..Header::default() };
        let drawn = draw(&key, 1, 5, parent.mix_hash);
        let (block, proof) = (header(5, &drawn), drawn.proof.as_ref());
        assert!(verify_randomness(1, &parent, &block, proof));
        assert!(!verify_randomness(2, &parent, &block, proof), "another chain");
        assert!(!verify_randomness(1, &Header::default(), &block, proof), "another parent");
        let of_another = draw(&key, 1, 6, parent.mix_hash);
        let other_height = header(5, &of_another);
        assert!(!verify_randomness(1, &parent, &other_height, &of_another.proof));
        let invented = Header { mix_hash: B256::repeat_byte(1), ..block.clone() };
        assert!(!verify_randomness(1, &parent, &invented, proof));
        for extra_data in [Bytes::new(), block.extra_data.slice(..31)] {
            let cut = Header { extra_data, ..block.clone() };
            assert!(!verify_randomness(1, &parent, &cut, proof));
        }
        assert!(!verify_randomness(1, &parent, &block, &proof[..63]));
        let again = draw(&key, 1, 5, parent.mix_hash);
        assert_eq!(again.prevrandao, block.mix_hash, "the signature must be deterministic");
    }
}
