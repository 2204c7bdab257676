use crate::chain::{BENEFICIARY, COUNTER, Chain, START_BALANCE, genesis, key, plain, sign};
use alloy_consensus::{TxEip1559, proofs};
use alloy_primitives::{Address, Bytes, TxKind, U256, bytes};
use execution::{
    BlockError, BlockInput, Commitment, Parent, StateAfter, execute_block, execute_pending,
};
use revm::DatabaseRef;

#[test]
fn a_transfer_moves_value_burns_the_base_fee_and_pays_the_tip() {
    let mut chain = Chain::new();
    let receiver = Address::repeat_byte(0xaa);
    let transfer = TxEip1559 { value: U256::from(500), to: TxKind::Call(receiver), ..plain(0) };
    let built = chain.build(&[sign(1, transfer)]);

    // An empty genesis block is below the gas target, so the fee fell by an eighth.
    assert_eq!(built.block.header.base_fee_per_gas, Some(875));
    assert_eq!(built.block.header.gas_used, 21_000);
    assert_eq!(chain.state.balance(&receiver), U256::from(500));
    assert_eq!(chain.state.balance(&BENEFICIARY), U256::from(21_000 * 3));
    let paid = 500 + 21_000 * (875 + 3);
    assert_eq!(chain.state.balance(&key(1).address()), U256::from(START_BALANCE - paid));
    assert_eq!(chain.state.nonce(&key(1).address()), 1);
}

#[test]
fn the_header_commits_to_everything() {
    let mut chain = Chain::new();
    let parent = chain.head.clone();
    let counter = chain.deploy(1, &COUNTER);
    let parent_of_call = chain.head.clone();
    let call = TxEip1559 { to: TxKind::Call(counter), ..plain(1) };
    let block = chain.build(&[sign(1, call)]).block;

    assert_eq!(parent_of_call.parent_hash, parent.hash_slow());
    assert_eq!(block.header.parent_hash, parent_of_call.hash_slow());
    assert_eq!(block.header.number, 2);
    assert_eq!(block.header.timestamp, 1_002);
    assert_eq!(block.header.extra_data, Bytes::from_static(b"test"));
    assert_eq!(block.hash, block.header.hash_slow());
    let transactions: Vec<_> = block.transactions.iter().map(|tx| tx.inner().clone()).collect();
    assert_eq!(block.header.transactions_root, proofs::calculate_transaction_root(&transactions));
    assert_eq!(block.header.receipts_root, proofs::calculate_receipt_root(&block.receipts));
    let log = &block.receipts[0].logs()[0];
    assert!(block.header.logs_bloom.contains_raw_log(log.address, log.topics()));
    assert_eq!(block.header.state_root, chain.state.root());
}

#[test]
fn a_contract_counts_and_a_revert_leaves_only_its_fee() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let call = |nonce, input: Bytes| {
        sign(1, TxEip1559 { to: TxKind::Call(counter), input, ..plain(nonce) })
    };
    let block =
        chain.build(&[call(1, Bytes::new()), call(2, bytes!("dead")), call(3, Bytes::new())]).block;

    let receipts: Vec<_> = block
        .receipts
        .iter()
        .map(|receipt| (receipt.status(), receipt.logs().len(), receipt.cumulative_gas_used()))
        .collect();
    assert_eq!(chain.state.slots[&(counter, U256::ZERO)], U256::from(2));
    assert!(matches!(receipts[..], [(true, 1, _), (false, 0, _), (true, 1, _)]), "{receipts:?}");
    assert!(receipts[0].2 < receipts[1].2 && receipts[1].2 < receipts[2].2);
    assert_eq!(receipts[2].2, block.header.gas_used);
    assert_eq!(chain.state.nonce(&key(1).address()), 4);
    assert!(block.changes.codes.is_empty(), "no code is new");
}

#[test]
fn a_contract_that_destroys_itself_at_birth_leaves_nothing() {
    let mut chain = Chain::new();
    // Creation code: store 1 in slot 0, then SELFDESTRUCT towards 0xaa…aa.
    let suicidal = bytes!("60015f5573aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaff");
    let create =
        TxEip1559 { to: TxKind::Create, input: suicidal, value: U256::from(9), ..plain(0) };
    let block = chain.build(&[sign(1, create)]).block;
    let created = key(1).address().create(0);
    assert!(block.receipts[0].status());
    assert!(!chain.state.accounts.contains_key(&created));
    assert_eq!(chain.state.slots_of_others(), 0);
    assert_eq!(chain.state.balance(&Address::repeat_byte(0xaa)), U256::from(9));
}

#[test]
fn the_same_input_gives_the_same_block() {
    let mut chain = Chain::new();
    let counter = chain.deploy(2, &COUNTER);
    let transactions: Vec<_> = (1..=4)
        .map(|sender| {
            let nonce = chain.state.nonce(&key(sender).address());
            sign(sender, TxEip1559 { to: TxKind::Call(counter), ..plain(nonce) })
        })
        .collect();
    let (first, second) = (chain.execute(&transactions), chain.execute(&transactions));
    assert_eq!(first, second);
    let mut reordered = transactions.clone();
    reordered.reverse();
    assert_ne!(chain.execute(&reordered).block.hash, first.block.hash);
}

#[test]
fn an_empty_block_changes_nothing() {
    let chain = Chain::new();
    let block = chain.execute(&[]).block;
    assert!(block.changes.is_empty());
    assert_eq!(block.header.state_root, chain.head.state_root);
    assert_ne!(block.hash, chain.head.hash_slow());
}

#[test]
fn the_base_fee_rises_with_full_blocks_and_falls_with_empty_ones() {
    let mut chain = Chain::from_genesis(&execution::Genesis { gas_limit: 1_000_000, ..genesis() });
    // 0xfe consumes all gas: a block with exactly its gas limit.
    let burn = chain.deploy(1, &bytes!("fe"));
    let fee_before = chain.head.base_fee_per_gas.unwrap();
    let full = sign(1, TxEip1559 { to: TxKind::Call(burn), gas_limit: 1_000_000, ..plain(1) });
    let block = chain.build(&[full]).block;
    assert_eq!(block.header.gas_used, 1_000_000);
    assert!(block.header.base_fee_per_gas.unwrap() < fee_before);
    let fee_full = block.header.base_fee_per_gas.unwrap();
    let after_full = chain.build(&[]).block.header.base_fee_per_gas.unwrap();
    assert_eq!(after_full, fee_full + fee_full / 8);
    let after_empty = chain.build(&[]).block.header.base_fee_per_gas.unwrap();
    assert_eq!(after_empty, after_full - after_full / 8);
    for _ in 0..60 {
        chain.build(&[]);
    }
    assert_eq!(chain.head.base_fee_per_gas, Some(7), "the minimum of the genesis file");
}

#[test]
fn input_that_no_block_can_have_is_an_error() {
    let chain = Chain::new();
    let attempt = |input: &BlockInput, commitment: &Commitment| {
        let parent =
            Parent { header: &chain.head, commitment, state: &chain.state, may_be_amended: false };
        execute_block(&parent, &chain.rules, input, &[]).map(|_| ())
    };
    let good = chain.input();
    let early = BlockInput { timestamp: chain.head.timestamp - 1, ..good.clone() };
    let long = BlockInput { extra_data: vec![0; 33].into(), ..good.clone() };
    let unproven = BlockInput { proof: vec![0; 97].into(), ..good.clone() };
    let same_second = BlockInput { timestamp: chain.head.timestamp, ..good.clone() };
    assert!(attempt(&same_second, &chain.commitment).is_ok());
    assert!(matches!(
        attempt(&early, &chain.commitment),
        Err(BlockError::BeforeParent { timestamp: 999, parent: 1_000 })
    ));
    assert!(matches!(attempt(&long, &chain.commitment), Err(BlockError::ExtraData { size: 33 })));
    assert!(matches!(attempt(&unproven, &chain.commitment), Err(BlockError::Proof { size: 97 })));
    assert!(matches!(
        attempt(&good, &Commitment::empty()),
        Err(BlockError::CommitmentMismatch { number: 0, .. })
    ));
}

#[test]
fn a_pending_block_is_the_block_but_for_its_state_root() {
    let mut chain = Chain::new();
    let counter = chain.deploy(1, &COUNTER);
    let receiver = Address::repeat_byte(0xaa);
    let transactions = [
        sign(1, TxEip1559 { to: TxKind::Call(counter), ..plain(1) }),
        sign(2, TxEip1559 { to: TxKind::Call(receiver), value: U256::from(7), ..plain(0) }),
        // Left out.
        sign(3, plain(5)),
        sign(
            2,
            TxEip1559 { to: TxKind::Create, input: bytes!("600160005360016000f3"), ..plain(1) },
        ),
    ];
    let before = chain.state.clone();
    let parent = Parent {
        header: &chain.head,
        commitment: &chain.commitment,
        state: &before,
        may_be_amended: false,
    };
    let pending = execute_pending(&parent, &chain.rules, &chain.input(), &transactions).unwrap();
    let block = chain.build(&transactions).block;
    let mut header = block.header.clone();
    header.state_root = alloy_primitives::B256::ZERO;
    assert_eq!(pending.header, header);
    assert_eq!((pending.transactions.len(), &pending.receipts), (3, &block.receipts));
    assert_eq!(pending.changes, block.changes);
    // Reading the changes on top of the old state gives the new state.
    let after = StateAfter { base: &before, changes: &pending.changes };
    let created = key(2).address().create(1);
    for address in [key(1).address(), key(2).address(), receiver, counter, created, Address::ZERO] {
        let account = after.basic_ref(address).unwrap();
        assert_eq!(account, chain.state.basic_ref(address).unwrap(), "{address}");
        for slot in [U256::ZERO, U256::from(1)] {
            let value = after.storage_ref(address, slot).unwrap();
            assert_eq!(value, chain.state.storage_ref(address, slot).unwrap());
        }
        let Some(account) = account else { continue };
        if account.code_hash != alloy_primitives::KECCAK256_EMPTY {
            let code = after.code_by_hash_ref(account.code_hash);
            assert_eq!(code, chain.state.code_by_hash_ref(account.code_hash));
        }
    }
    assert!(after.basic_ref(created).unwrap().is_some());
}
