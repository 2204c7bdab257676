//! Earlier blocks of a block whose hash is known: each header has the hash of the one before it.

use alloy_consensus::{Header, Sealed};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable as _;

/// Why headers are not those of the blocks before a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AncestryError {
    /// A header has another hash than its successor says.
    #[error("header {index} has the hash {found}, and the block after it names {expected}")]
    OtherBlock {
        /// Which of the headers, from 0 on.
        index: usize,
        /// Its hash.
        found: B256,
        /// The one that is named.
        expected: B256,
    },
    /// A header can't be read.
    #[error("header {index} is malformed")]
    Malformed {
        /// Which of the headers, from 0 on.
        index: usize,
    },
}

/// Returns a header as its hash is computed from.
#[must_use]
pub fn encoded_header(header: &Header) -> Bytes {
    alloy_rlp::encode(header).into()
}

/// Returns the last of the headers before a block, the newest first: each must be that of its successor's parent. Without headers it is the block itself.
///
/// # Errors
/// [`AncestryError`].
pub fn ancestor(
    block: &Sealed<Header>,
    headers: &[Bytes],
) -> Result<Sealed<Header>, AncestryError> {
    let mut reached = block.clone();
    for (index, bytes) in headers.iter().enumerate() {
        let (found, expected) = (keccak256(bytes), reached.parent_hash);
        if found != expected {
            return Err(AncestryError::OtherBlock { index, found, expected });
        }
        let mut rest: &[u8] = bytes;
        let header = Header::decode(&mut rest).map_err(|_| AncestryError::Malformed { index })?;
        if !rest.is_empty() {
            return Err(AncestryError::Malformed { index });
        }
        reached = Sealed::new_unchecked(header, found);
    }
    Ok(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: u64) -> Vec<Sealed<Header>> {
        let mut blocks: Vec<Sealed<Header>> = Vec::new();
        for number in 0..length {
            let parent_hash = blocks.last().map_or(B256::ZERO, Sealed::hash);
            let header = Header { number, parent_hash, ..Header::default() };
            let hash = keccak256(encoded_header(&header));
            blocks.push(Sealed::new_unchecked(header, hash));
        }
        blocks
    }

    #[test]
    fn headers_lead_back_to_an_earlier_block_and_nowhere_else() {
        let blocks = chain(5);
        let encoded = |number: usize| encoded_header(&blocks[number]);
        let last = &blocks[4];
        assert_eq!(ancestor(last, &[]).unwrap(), *last);
        let headers: Vec<Bytes> = [3, 2, 1].map(encoded).into();
        let found = ancestor(last, &headers).unwrap();
        assert_eq!((found.number, found.hash()), (1, blocks[1].hash()));
        let (found, expected) = (blocks[2].hash(), blocks[3].hash());
        let error = AncestryError::OtherBlock { index: 0, found, expected };
        assert_eq!(ancestor(last, &headers[1..]), Err(error));
        for index in 0..headers.len() {
            let mut tampered = headers.clone();
            let mut bytes = tampered[index].to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            tampered[index] = bytes.into();
            assert!(ancestor(last, &tampered).is_err(), "{index}");
        }
    }
}
