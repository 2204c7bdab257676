//! Randomness of blocks: unknown to all but the node before, checkable by all after.

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, keccak256};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// Begins what the node signs, so that the signature means nothing else.
const CONTEXT: &[u8] = b"gleaner/randomness/v1";

const KEY_SIZE: usize = 32;
const SIGNATURE_SIZE: usize = 64;
const _: () = assert!(KEY_SIZE + SIGNATURE_SIZE <= execution::EXTRA_DATA_SIZE_MAX);

/// A block's randomness and the proof of it that goes into the header's extra data.
pub(crate) struct Randomness {
    pub(crate) prevrandao: B256,
    /// Public key, then signature.
    pub(crate) proof: Bytes,
}

/// The randomness of the block at `height`, above a parent with `parent_randomness`.
pub(crate) fn draw(
    key: &SigningKey,
    chain_id: u64,
    height: u64,
    parent_randomness: B256,
) -> Randomness {
    let signature = key.sign(&statement(chain_id, height)).to_bytes();
    let proof = [key.verifying_key().as_bytes().as_slice(), &signature].concat();
    Randomness { prevrandao: mix(parent_randomness, &signature), proof: proof.into() }
}

/// Whether `header`'s randomness is its node's signature mixed with `parent`'s randomness. Which node that is, the first 32 bytes of the
/// extra data say; a chain has one.
#[must_use]
pub fn verify_randomness(chain_id: u64, parent: &Header, header: &Header) -> bool {
    let Some((key, signature)) = header.extra_data.split_first_chunk::<KEY_SIZE>() else {
        return false;
    };
    let Ok(signature) = <[u8; SIGNATURE_SIZE]>::try_from(signature) else { return false };
    let Ok(key) = VerifyingKey::from_bytes(key) else { return false };
    let statement = statement(chain_id, header.number);
    key.verify_strict(&statement, &Signature::from_bytes(&signature)).is_ok()
        && header.mix_hash == mix(parent.mix_hash, &signature)
}

fn statement(chain_id: u64, height: u64) -> Vec<u8> {
    [CONTEXT, &chain_id.to_be_bytes(), &height.to_be_bytes()].concat()
}

fn mix(parent: B256, signature: &[u8; SIGNATURE_SIZE]) -> B256 {
    keccak256([parent.as_slice(), signature].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(number: u64, randomness: Randomness) -> Header {
        Header {
            number,
            mix_hash: randomness.prevrandao,
            extra_data: randomness.proof,
            ..Header::default()
        }
    }

    #[test]
    fn only_the_signature_of_this_height_and_chain_passes() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let parent = Header { number: 4, mix_hash: B256::repeat_byte(9), ..Header::default() };
        let block = header(5, draw(&key, 1, 5, parent.mix_hash));
        assert!(verify_randomness(1, &parent, &block));
        assert!(!verify_randomness(2, &parent, &block), "another chain");
        assert!(!verify_randomness(1, &Header::default(), &block), "another parent");
        let other_height = header(5, draw(&key, 1, 6, parent.mix_hash));
        assert!(!verify_randomness(1, &parent, &other_height));
        let invented = Header { mix_hash: B256::repeat_byte(1), ..block.clone() };
        assert!(!verify_randomness(1, &parent, &invented));
        for extra_data in [Bytes::new(), block.extra_data.slice(..95)] {
            let cut = Header { extra_data, ..block.clone() };
            assert!(!verify_randomness(1, &parent, &cut));
        }
        let again = draw(&key, 1, 5, parent.mix_hash);
        assert_eq!(again.prevrandao, block.mix_hash, "the node has no choice");
    }
}
