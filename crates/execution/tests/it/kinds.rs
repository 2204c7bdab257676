//! Every kind of Ethereum transaction.

use crate::chain::{CHAIN_ID, COUNTER, Chain, key, plain, sign};
use alloy_consensus::{
    Transaction as _, TxEip1559, TxEip2930, TxEip7702, TxLegacy, crypto::SECP256K1N_HALF,
    transaction::Recovered,
};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use execution::{DecodeError, TRANSACTION_SIZE_MAX, Transaction, decode_transaction};

fn legacy(nonce: u64) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 10_000,
        gas_limit: 100_000,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        value: U256::from(1),
        ..TxLegacy::default()
    }
}

fn with_access_list(nonce: u64) -> TxEip2930 {
    let item = AccessListItem {
        address: Address::repeat_byte(0xaa),
        storage_keys: vec![B256::ZERO, B256::repeat_byte(1)],
    };
    TxEip2930 {
        chain_id: CHAIN_ID,
        nonce,
        gas_price: 10_000,
        gas_limit: 100_000,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        value: U256::from(1),
        access_list: AccessList(vec![item]),
        ..TxEip2930::default()
    }
}

#[test]
fn legacy_and_access_list_transactions_are_included() {
    let mut chain = Chain::new();
    let block = chain.build(&[sign(1, legacy(0)), sign(1, with_access_list(1))]).block;
    assert_eq!(chain.state.balance(&Address::repeat_byte(0xaa)), U256::from(2));
    // EIP-2930: 2,400 per address and 1,900 per key.
    assert_eq!(block.header.gas_used, 21_000 + 21_000 + 2_400 + 2 * 1_900);
    let types: Vec<_> = block.receipts.iter().map(Encodable2718::type_flag).collect();
    assert_eq!(types, [None, Some(1)]);
}

#[test]
fn an_account_can_delegate_to_code() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let owner = key(2).address();
    let authorization =
        Authorization { chain_id: U256::from(CHAIN_ID), address: counter, nonce: 0 };
    let signature = key(2).sign_hash_sync(&authorization.signature_hash()).unwrap();
    let delegate = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 200_000,
        max_fee_per_gas: 10_000,
        max_priority_fee_per_gas: 1,
        to: owner,
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    // Account 3 submits account 2's authorization, and calls it in the same transaction.
    let block = chain.build(&[sign(3, delegate)]).block;
    assert!(block.receipts[0].status());
    assert_eq!(chain.state.slots[&(owner, U256::ZERO)], U256::from(1));
    assert_eq!(chain.state.nonce(&owner), 1);

    // In a later block its code comes from the state; and its owner can still send transactions.
    let call = TxEip1559 { to: TxKind::Call(owner), ..plain(1) };
    let send = TxEip1559 { value: U256::from(5), ..plain(1) };
    let built = chain.build(&[sign(3, call), sign(2, send)]);
    assert!(built.refused.is_empty());
    assert_eq!(chain.state.slots[&(owner, U256::ZERO)], U256::from(2));
}

#[test]
fn encoded_transactions_come_back_with_their_sender() {
    for transaction in [sign(1, legacy(0)), sign(2, with_access_list(7)), sign(3, plain(1))] {
        let bytes = transaction.encoded_2718();
        let decoded: Recovered<_> = decode_transaction(&bytes).unwrap();
        assert_eq!(decoded, transaction);

        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(
            decode_transaction(&longer),
            Err(DecodeError::TrailingBytes { count: 1 })
        ));
        for size in 0..bytes.len() {
            assert!(decode_transaction(&bytes[..size]).is_err(), "{size}");
        }
    }
    assert!(matches!(
        decode_transaction(&vec![0; TRANSACTION_SIZE_MAX + 1]),
        Err(DecodeError::TooLarge { .. })
    ));
}

#[test]
fn a_transaction_has_one_signature() {
    let order = SECP256K1N_HALF + SECP256K1N_HALF + U256::from(1);
    for nonce in 0..4 {
        let transaction = sign(1, plain(nonce)).into_inner();
        let signature = *transaction.signature();
        let signed_with = |r: U256, s: U256, parity: bool| {
            let unsigned = transaction.clone().into_typed_transaction();
            Transaction::new_unhashed(unsigned, Signature::new(r, s, parity)).encoded_2718()
        };
        let (r, s, parity) = (signature.r(), signature.s(), signature.v());
        let decoded = decode_transaction(&signed_with(r, s, parity)).unwrap();
        assert_eq!((decoded.signer(), decoded.nonce()), (key(1).address(), nonce));
        // EIP-2: for ECRECOVER this is the same key's signature of the same bytes.
        let others = [(r, order - s, !parity), (r, U256::ZERO, parity), (U256::ZERO, s, parity)];
        for (r, s, parity) in others {
            let refused = decode_transaction(&signed_with(r, s, parity));
            assert!(matches!(refused, Err(DecodeError::Signature(_))), "{r} {s}: {refused:?}");
        }
        let other = decode_transaction(&signed_with(r, s, !parity));
        assert!(other.is_ok_and(|other| other.signer() != key(1).address()));
    }
}
