use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{SolCall as _, SolError as _, sol};
use ledger_client::{FEE_MAX, Ledger, LedgerError};
use units::Wei;

use crate::stub::{Bound, IMPATIENT, PATIENT, Script, Stub, someone};

sol! {
    function close(uint64 run, uint32 round) external payable;
    error TooEarly(uint64 deadline);
}

fn prompt() -> Script {
    Script { looks_until_mined: Some(1), ..Script::default() }
}

#[tokio::test]
async fn transfers_take_one_nonce_after_another() {
    let stub = Stub::start(prompt()).await;
    let ledger = stub.ledger().await;
    for amount in [1, 2, 3] {
        let receipt = ledger.transfer(&someone(), Wei::new(amount)).await.unwrap();
        assert_eq!((receipt.height, receipt.gas, receipt.fee), (6, 21_000, Wei::new(9 * 21_000)));
    }
    stub.with(|script| {
        let values: Vec<_> = script
            .mined
            .iter()
            .map(|transaction| (transaction.nonce(), transaction.value()))
            .collect();
        assert_eq!(values, [(0, U256::from(1)), (1, U256::from(2)), (2, U256::from(3))]);
        assert_eq!(script.sent.len(), 3, "nothing is sent twice");
        let first = &script.mined[0];
        assert_eq!(first.to(), Some(abi::convert::address(someone())));
        assert_eq!(first.gas_limit(), 100_000);
        assert!(
            14 <= first.max_fee_per_gas(),
            "room for the base fee to double: {}",
            first.max_fee_per_gas()
        );
    });
}

#[tokio::test]
async fn many_at_a_time_do_not_take_the_same_nonce() {
    let stub = Stub::start(prompt()).await;
    let ledger = stub.ledger().await;
    let tasks: Vec<_> = (0..10)
        .map(|amount| {
            let ledger = ledger.clone();
            tokio::spawn(async move { ledger.transfer(&someone(), Wei::new(amount)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    stub.with(|script| assert_eq!((script.mined.len(), script.sent.len()), (10, 10)));
}

#[tokio::test]
async fn a_call_carries_its_data_and_value() {
    let stub = Stub::start(prompt()).await;
    let call = closeCall { run: 1, round: 2 };
    stub.ledger().await.write(Address::repeat_byte(6), &call, Wei::new(5)).await.unwrap();
    stub.with(|script| {
        assert_eq!(script.mined[0].input(), &Bytes::from(call.abi_encode()));
        assert_eq!(
            (script.mined[0].to(), script.mined[0].value()),
            (Some(Address::repeat_byte(6)), U256::from(5))
        );
    });
}

#[tokio::test]
async fn what_a_rule_refuses_is_never_sent() {
    let stub = Stub::start(Script {
        revert: Some(TooEarly { deadline: 9 }.abi_encode().into()),
        ..prompt()
    })
    .await;
    let ledger = stub.ledger().await;
    let call = closeCall { run: 1, round: 2 };
    let refused = ledger.write(Address::ZERO, &call, Wei::ZERO).await.unwrap_err();
    assert_eq!(refused.refusal::<TooEarly>().unwrap().deadline, 9);
    stub.with(|script| {
        assert!(script.sent.is_empty());
        script.revert = None;
    });
    ledger.write(Address::ZERO, &call, Wei::ZERO).await.unwrap();
}

#[tokio::test]
async fn what_fails_in_its_block_says_why() {
    let stub = Stub::start(Script {
        fails_in_block: Some(TooEarly { deadline: 9 }.abi_encode().into()),
        ..prompt()
    })
    .await;
    let refused = stub
        .ledger()
        .await
        .write(Address::ZERO, &closeCall { run: 1, round: 2 }, Wei::ZERO)
        .await
        .unwrap_err();
    assert_eq!(refused.refusal::<TooEarly>().unwrap().deadline, 9);
    stub.with(|script| assert_eq!(script.mined.len(), 1));
}

#[tokio::test]
async fn a_forgotten_transaction_is_given_again_as_it_was() {
    let stub = Stub::start(Script { forgets: 2, ..prompt() }).await;
    let receipt = stub.ledger().await.transfer(&someone(), Wei::new(1)).await.unwrap();
    stub.with(|script| {
        assert_eq!(script.sent, [receipt.hash; 3]);
        assert_eq!(script.mined.len(), 1);
    });
}

#[tokio::test]
async fn a_restarted_node_gets_the_transaction_again() {
    let stub = Stub::start(Script { looks_until_mined: None, ..Script::default() }).await;
    let ledger = stub.ledger().await;
    let (url, to) = (stub.url.clone(), someone());
    let sending = ledger.transfer(&to, Wei::new(1));
    let restarting = async {
        while stub.with(|script| script.pool.is_empty()) {
            tokio::task::yield_now().await;
        }
        // The pool was only in memory.
        let script = stub.stop().await;
        Stub::start_at(&url, Script { sent: script.sent, ..prompt() }).await
    };
    let (receipt, stub) = tokio::join!(sending, restarting);
    let hash = receipt.unwrap().hash;
    stub.with(|script| {
        assert_eq!((script.sent.as_slice(), script.mined.len()), ([hash, hash].as_slice(), 1))
    });
}

#[tokio::test]
async fn an_answer_that_got_lost_is_no_second_transaction() {
    // The node accepted it, then stopped before it answered; asked again, it knows it.
    let stub =
        Stub::start(Script { send_errors: [(Bound::Taken, "already known")].into(), ..prompt() })
            .await;
    stub.ledger().await.transfer(&someone(), Wei::new(1)).await.unwrap();
    stub.with(|script| assert_eq!((script.sent.len(), script.mined.len()), (1, 1)));
}

#[tokio::test]
async fn a_nonce_used_by_another_program_is_looked_up_again() {
    let stub = Stub::start(prompt()).await;
    // The same node by another name, so that the two know nothing of each other.
    let theirs = stub.ledger_at(&stub.url.replace("127.0.0.1", "localhost")).await;
    let mine = stub.ledger().await;
    mine.transfer(&someone(), Wei::new(1)).await.unwrap();
    theirs.transfer(&someone(), Wei::new(2)).await.unwrap();
    mine.transfer(&someone(), Wei::new(3)).await.unwrap();
    stub.with(|script| assert_eq!((script.mined.len(), script.sent.len()), (3, 4)));
}

#[tokio::test]
async fn connections_of_one_account_share_its_nonces() {
    let stub = Stub::start(prompt()).await;
    let (one, other) = (stub.ledger().await, stub.ledger().await);
    for ledger in [&one, &other, &one] {
        ledger.transfer(&someone(), Wei::new(1)).await.unwrap();
    }
    stub.with(|script| assert_eq!((script.mined.len(), script.sent.len()), (3, 3)));
}

#[tokio::test]
async fn a_foreign_transaction_delays_a_change_and_does_not_end_it() {
    let low = (Bound::Dropped, "nonce too low");
    let replaced = (Bound::Dropped, "replacement transaction underpriced: needs a tip of 2");
    let stub = Stub::start(Script { send_errors: [low, replaced, low].into(), ..prompt() }).await;
    stub.ledger().await.transfer(&someone(), Wei::new(1)).await.unwrap();
    stub.with(|script| assert_eq!((script.mined.len(), script.sent.len()), (1, 4)));

    // The transaction is lost, and its nonce was used in the meantime.
    let send_errors = [(Bound::Dropped, "nonce too low: next nonce 1, tx nonce 0")].into();
    let stub = Stub::start(Script { forgets: 1, send_errors, ..prompt() }).await;
    stub.ledger().await.transfer(&someone(), Wei::new(1)).await.unwrap();
    stub.with(|script| assert_eq!((script.mined.len(), script.sent.len()), (1, 3)));
}

#[tokio::test]
async fn a_change_that_a_foreign_transaction_has_made_is_not_made_again() {
    let low = (Bound::Dropped, "nonce too low");
    let stub = Stub::start(Script { send_errors: [low].into(), ..prompt() }).await;
    let ledger = stub.ledger().await;
    let call = closeCall { run: 1, round: 2 };
    let closing = ledger.write(Address::ZERO, &call, Wei::ZERO);
    let meanwhile = async {
        while stub.with(|script| script.sent.is_empty()) {
            tokio::task::yield_now().await;
        }
        stub.with(|script| script.revert = Some(TooEarly { deadline: 9 }.abi_encode().into()));
    };
    let (refused, ()) = tokio::join!(closing, meanwhile);
    assert_eq!(refused.unwrap_err().refusal::<TooEarly>().unwrap().deadline, 9);
    stub.with(|script| assert_eq!((script.mined.len(), script.sent.len()), (0, 1)));
}

#[tokio::test]
async fn an_answer_that_came_after_the_block_is_no_second_transaction() {
    // It was accepted and is in a block when it is sent again, because the first answer was lost.
    let send_errors = [(Bound::Taken, "nonce too low")].into();
    let stub = Stub::start(Script { send_errors, looks_until_mined: Some(0), ..prompt() }).await;
    stub.ledger().await.transfer(&someone(), Wei::new(1)).await.unwrap();
    stub.with(|script| assert_eq!((script.sent.len(), script.mined.len()), (1, 1)));
}

#[tokio::test]
async fn an_account_that_others_use_without_end_is_named() {
    let low = (Bound::Dropped, "nonce too low");
    let stub = Stub::start(Script { send_errors: [low; 50].into(), ..prompt() }).await;
    let error = stub.ledger().await.transfer(&someone(), Wei::new(1)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Displaced { .. }), "{error:?}");
    stub.with(|script| assert_eq!(script.sent.len(), 12));
}

#[tokio::test]
async fn a_node_that_asks_for_too_high_fees_gets_no_signature() {
    // Twice the estimate of 50,000 gas, at twice the base fee of 7 and this tip: just above 1 GRAIN, and just not.
    let enough = 10_u64.pow(13);
    for (tip, is_signed) in [(enough - 14, true), (enough - 13, false)] {
        let stub = Stub::start(Script { tip_above: tip - 2, ..prompt() }).await;
        let ledger = stub.ledger().await;
        let result = ledger.transfer(&someone(), Wei::new(1)).await;
        stub.with(|script| assert_eq!(script.sent.len(), usize::from(is_signed)));
        if !is_signed {
            let error = result.unwrap_err();
            assert!(matches!(error, LedgerError::TooDear { fee_max: FEE_MAX, .. }), "{error:?}");
            assert!(error.to_string().contains("GRAIN for the transaction, and 1 are allowed"));
            let allowing = ledger.with_fee_max(Wei::new(2 * FEE_MAX.as_u128()));
            allowing.transfer(&someone(), Wei::new(1)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_transaction_that_is_never_mined_is_named() {
    let stub = Stub::start(Script::default()).await;
    let ledger = stub.ledger().await;
    let error =
        ledger.with_patience(IMPATIENT).transfer(&someone(), Wei::new(1)).await.unwrap_err();
    let sent = stub.with(|script| script.sent[0]);
    assert!(matches!(error, LedgerError::Unconfirmed { hash, .. } if hash == sent), "{error:?}");
    // It was lost for good: the next one uses its nonce instead of waiting for it.
    stub.with(|script| {
        script.pool.clear();
        script.looks_until_mined = Some(0);
    });
    ledger.transfer(&someone(), Wei::new(2)).await.unwrap();
    stub.with(|script| assert_eq!(script.mined[0].nonce(), 0));
}

#[tokio::test]
async fn what_the_node_does_not_take_is_said_in_its_words() {
    let stub = Stub::start(Script {
        send_errors: [(Bound::Dropped, "insufficient funds for gas * price + value")].into(),
        ..prompt()
    })
    .await;
    let ledger = stub.ledger().await;
    let error = ledger.transfer(&someone(), Wei::new(1)).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Rejected { message, .. } if message.contains("insufficient funds")),
        "{error:?}"
    );
    // The nonce was not used.
    ledger.transfer(&someone(), Wei::new(1)).await.unwrap();
    stub.with(|script| assert_eq!(script.mined[0].nonce(), 0));
}

#[tokio::test]
async fn without_a_key_nothing_changes() {
    let stub = Stub::start(prompt()).await;
    let ledger = Ledger::connect(&stub.url, None, PATIENT).await.unwrap();
    assert_eq!(ledger.account(), None);
    assert!(matches!(ledger.transfer(&someone(), Wei::new(1)).await, Err(LedgerError::ReadOnly)));
    stub.with(|script| assert!(script.sent.is_empty()));
}
