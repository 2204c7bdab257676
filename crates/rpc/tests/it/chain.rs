//! The methods for transactions and blocks.

use crate::{
    http,
    support::{
        CHAIN_ID, FOREVER, RECEIVER, START_BALANCE, Served, key, provider, sign, transfer, wait,
    },
};
use alloy_consensus::{TxEip1559, transaction::SignerRecoverable};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionRequest;
use ledger_client::Ledger;
use ledger_views::Ask as _;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn alloy_sends_a_transfer_and_finds_it_everywhere() {
    let served = Served::start().await;
    let provider = &served.provider;
    assert_eq!(provider.get_chain_id().await.unwrap(), CHAIN_ID);
    assert_eq!(provider.get_net_version().await.unwrap(), CHAIN_ID);
    assert!(provider.get_client_version().await.unwrap().starts_with("gleaner/"));
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
    let sender = key(1).address();
    assert_eq!(provider.get_balance(sender).await.unwrap(), U256::from(START_BALANCE));
    assert!(provider.get_accounts().await.unwrap().is_empty());

    let request = TransactionRequest::default().to(RECEIVER).value(U256::from(5));
    let pending = provider.send_transaction(request).await.unwrap();
    let receipt = wait(&served.node, provider, *pending.tx_hash()).await;
    assert!(receipt.status());
    assert_eq!((receipt.block_number, receipt.transaction_index), (Some(1), Some(0)));
    assert_eq!((receipt.from, receipt.to), (sender, Some(RECEIVER)));
    assert_eq!(receipt.gas_used, 21_000);
    assert_eq!(receipt.contract_address, None);

    assert_eq!(provider.get_balance(RECEIVER).await.unwrap(), U256::from(5));
    let paid = u128::from(receipt.gas_used) * receipt.effective_gas_price + 5;
    let left = provider.get_balance(sender).await.unwrap();
    assert_eq!(left, U256::from(START_BALANCE - paid), "the receipt says what it cost");
    assert_eq!(provider.get_transaction_count(sender).await.unwrap(), 1);
    let transaction =
        provider.get_transaction_by_hash(receipt.transaction_hash).await.unwrap().unwrap();
    assert_eq!(transaction.block_hash, receipt.block_hash);
    assert_eq!(transaction.effective_gas_price, Some(receipt.effective_gas_price));
    assert_eq!(transaction.inner.signer(), sender);
    let unknown = B256::repeat_byte(1);
    assert_eq!(provider.get_transaction_by_hash(unknown).await.unwrap(), None);
    assert_eq!(provider.get_transaction_receipt(unknown).await.unwrap(), None);
}

#[tokio::test]
async fn blocks_are_read_by_number_hash_and_tag() {
    let served = Served::start().await;
    let provider = &served.provider;
    let mut hashes = Vec::new();
    for nonce in 0..2 {
        let hash = served.node.submit(&sign(2, transfer(nonce))).unwrap();
        wait(&served.node, provider, hash).await;
        hashes.push(hash);
    }
    let full = provider.get_block(2.into()).full().await.unwrap().unwrap();
    assert_eq!(full.header.number, 2);
    assert_eq!(full.header.hash, full.header.inner.hash_slow(), "the client can check the hash");
    let transactions = full.transactions.as_transactions().unwrap();
    assert_eq!(transactions.len(), 1);
    assert_eq!(*transactions[0].inner.tx_hash(), hashes[1]);
    assert_eq!(transactions[0].inner.inner().recover_signer().unwrap(), key(2).address());
    let slim = provider.get_block_by_hash(full.header.hash).await.unwrap().unwrap();
    assert_eq!(slim.header, full.header);
    assert_eq!(slim.transactions.as_hashes().unwrap(), [hashes[1]]);
    for (tag, number) in [
        (BlockNumberOrTag::Latest, 2),
        (BlockNumberOrTag::Safe, 2),
        (BlockNumberOrTag::Finalized, 2),
        (BlockNumberOrTag::Pending, 3),
    ] {
        let block = provider.get_block_by_number(tag).await.unwrap().unwrap();
        assert_eq!(block.header.number, number, "{tag}");
    }
    let first = provider.get_block_by_number(BlockNumberOrTag::Earliest).await.unwrap().unwrap();
    assert_eq!((first.header.number, first.header.timestamp), (0, 1_000));
    let second = provider.get_block(1.into()).await.unwrap().unwrap();
    assert_eq!(second.header.parent_hash, first.header.hash);
    assert_eq!(provider.get_block(3.into()).await.unwrap(), None);
    assert_eq!(provider.get_block_by_hash(B256::repeat_byte(1)).await.unwrap(), None);
    let receipts = provider.get_block_receipts(BlockId::latest()).await.unwrap().unwrap();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].transaction_hash, hashes[1]);
    assert_eq!(provider.get_block_receipts(9.into()).await.unwrap(), None);
}

#[tokio::test]
async fn a_waiting_transaction_is_shown_and_counted() {
    let served = Served::with(|config| node::NodeConfig { batching: FOREVER, ..config }).await;
    let raw = sign(1, transfer(0));
    let pending = served.provider.send_raw_transaction(&raw).await.unwrap();
    let hash = *pending.tx_hash();
    let message = http::fail(
        served.address(),
        "eth_sendRawTransaction",
        json!([format!("0x{}", alloy_primitives::hex::encode(&raw))]),
        -32_000,
    );
    assert_eq!(message.await, "already known");
    let transaction = served.provider.get_transaction_by_hash(hash).await.unwrap().unwrap();
    assert_eq!((transaction.block_number, transaction.block_hash), (None, None));
    assert_eq!(served.provider.get_transaction_receipt(hash).await.unwrap(), None);
    let count = || served.provider.get_transaction_count(key(1).address());
    assert_eq!(count().pending().await.unwrap(), 1);
    assert_eq!(count().await.unwrap(), 0);
}

#[tokio::test]
async fn refusals_have_the_text_that_clients_compare() {
    let served = Served::start().await;
    let hash = served.node.submit(&sign(1, transfer(0))).unwrap();
    served.node.wait_for(hash).await.unwrap();
    let cheap = TxEip1559 { max_fee_per_gas: 6, max_priority_fee_per_gas: 1, ..transfer(1) };
    let cases = [
        (sign(1, TxEip1559 { value: U256::ZERO, ..transfer(0) }), "nonce too low"),
        (sign(9, transfer(0)), "insufficient funds for gas * price + value"),
        (sign(1, cheap), "transaction underpriced"),
        (
            sign(1, TxEip1559 { max_fee_per_gas: 2, ..transfer(1) }),
            "max priority fee per gas higher than max fee per gas",
        ),
        (sign(1, TxEip1559 { gas_limit: 20_000, ..transfer(1) }), "intrinsic gas too low"),
        (sign(1, TxEip1559 { gas_limit: 40_000_000, ..transfer(1) }), "exceeds block gas limit"),
        (sign(1, TxEip1559 { chain_id: 1, ..transfer(1) }), "invalid chain id"),
        (vec![1, 2, 3], "transaction is malformed"),
    ];
    for (raw, expected) in cases {
        let params = json!([format!("0x{}", alloy_primitives::hex::encode(raw))]);
        let message = http::fail(served.address(), "eth_sendRawTransaction", params, -32_000).await;
        assert!(message.starts_with(expected), "{message}");
    }
}

#[tokio::test]
async fn our_own_client_transfers() {
    let served = Served::start().await;
    let url = format!("http://{}", served.address());
    let patience = Duration::from_secs(30);
    let ledger = Ledger::connect(&url, Some(key(3)), patience).await.unwrap();
    assert_eq!(ledger.chain_id(), CHAIN_ID);
    let receiver = abi::convert::account(RECEIVER);
    let receipt = ledger.transfer(&receiver, units::Wei::new(77)).await.unwrap();
    assert_eq!(ledger.balance(&receiver).await.unwrap(), units::Wei::new(77));
    assert_eq!(ledger.head().await.unwrap().height, receipt.height);
}

#[tokio::test]
async fn a_restarted_node_continues() {
    let served = Served::start().await;
    let raw = sign(1, transfer(0));
    let hash = served.node.submit(&raw).unwrap();
    served.node.wait_for(hash).await.unwrap();
    let Served { node, handle, directory, provider: old } = served;
    let address = handle.local_addr();
    handle.stop().await;
    drop(node);
    old.get_block_number().await.unwrap_err();
    let node = node::Node::open(crate::support::config(directory.path())).unwrap();
    let handle = rpc::serve(node.clone(), address, rpc::Options::STANDARD).await.unwrap();
    let provider = provider(handle.local_addr());
    assert_eq!(provider.get_block_number().await.unwrap(), 1);
    assert!(provider.get_transaction_receipt(hash).await.unwrap().unwrap().status());
    assert_eq!(old.get_block_number().await.unwrap(), 1, "the old client finds it, too");
}
