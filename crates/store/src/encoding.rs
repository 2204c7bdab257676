//! Encodes and decodes rows. Decoders accept any bytes and return `None` for bytes that were not written here.

use alloy_consensus::{Header, ReceiptEnvelope, Sealed, transaction::Recovered};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256};
use alloy_rlp::{Decodable, Encodable};
use execution::Transaction;

pub(crate) fn header_to_bytes(hash: &B256, header: &Header) -> Vec<u8> {
    let mut bytes = hash.to_vec();
    header.encode(&mut bytes);
    bytes
}

/// Decodes a header and checks that it has the hash written before it.
pub(crate) fn header_from_bytes(bytes: &[u8]) -> Option<Sealed<Header>> {
    let (hash, mut rest) = bytes.split_first_chunk::<32>()?;
    let header = Header::decode(&mut rest).ok()?;
    let sealed = Sealed::new(header);
    (rest.is_empty() && sealed.hash() == B256::from(*hash)).then_some(sealed)
}

pub(crate) fn body_to_bytes(transactions: &[Recovered<Transaction>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for transaction in transactions {
        bytes.extend_from_slice(transaction.signer().as_slice());
        put_sized(&mut bytes, transaction.inner());
    }
    bytes
}

pub(crate) fn body_from_bytes(mut bytes: &[u8]) -> Option<Vec<Recovered<Transaction>>> {
    let mut transactions = Vec::new();
    while let Some((sender, rest)) = bytes.split_first_chunk::<20>() {
        bytes = rest;
        let transaction = take_sized(&mut bytes)?;
        transactions.push(Recovered::new_unchecked(transaction, Address::from(*sender)));
    }
    bytes.is_empty().then_some(transactions)
}

/// Decodes one transaction of a body, passing over those before it. `Some(None)`: the body has fewer.
pub(crate) fn nth_of_body(
    mut bytes: &[u8],
    index: usize,
) -> Option<Option<Recovered<Transaction>>> {
    for _ in 0..index {
        if bytes.is_empty() {
            return Some(None);
        }
        bytes = bytes.split_first_chunk::<20>()?.1;
        take_bytes(&mut bytes)?;
    }
    if bytes.is_empty() {
        return Some(None);
    }
    let (sender, mut rest) = bytes.split_first_chunk::<20>()?;
    let transaction = take_sized(&mut rest)?;
    Some(Some(Recovered::new_unchecked(transaction, Address::from(*sender))))
}

/// Decodes one receipt of a list, passing over those before it. `Some(None)`: the list has fewer.
pub(crate) fn nth_of_receipts(mut bytes: &[u8], index: usize) -> Option<Option<ReceiptEnvelope>> {
    for _ in 0..index {
        if bytes.is_empty() {
            return Some(None);
        }
        take_bytes(&mut bytes)?;
    }
    if bytes.is_empty() { Some(None) } else { take_sized(&mut bytes).map(Some) }
}

/// Encodes each item as its size in 4 bytes and its EIP-2718 encoding.
pub(crate) fn list_to_bytes<'a, T: Encodable2718 + 'a>(
    items: impl Iterator<Item = &'a T>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        put_sized(&mut bytes, item);
    }
    bytes
}

pub(crate) fn receipts_from_bytes(mut bytes: &[u8]) -> Option<Vec<ReceiptEnvelope>> {
    let mut receipts = Vec::new();
    while !bytes.is_empty() {
        receipts.push(take_sized(&mut bytes)?);
    }
    Some(receipts)
}

/// Appends bytes with their size in 4 bytes before them.
pub(crate) fn put_bytes(bytes: &mut Vec<u8>, item: &[u8]) {
    let size = u32::try_from(item.len()).expect("bound by the block gas limit, far below 4 GiB");
    bytes.extend_from_slice(&size.to_be_bytes());
    bytes.extend_from_slice(item);
}

/// Reads what [`put_bytes`] wrote; returns `None` when the bytes end too soon.
pub(crate) fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (size, rest) = bytes.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
    let (item, rest) = rest.split_at_checked(size)?;
    *bytes = rest;
    Some(item)
}

fn put_sized(bytes: &mut Vec<u8>, item: &impl Encodable2718) {
    put_bytes(bytes, &item.encoded_2718());
}

fn take_sized<T: Decodable2718>(bytes: &mut &[u8]) -> Option<T> {
    let mut item = take_bytes(bytes)?;
    let decoded = T::decode_2718(&mut item).ok()?;
    item.is_empty().then_some(decoded)
}
