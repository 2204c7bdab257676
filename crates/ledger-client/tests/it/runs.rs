use abi::{DEVICES, TRAINING_RUNS, TrainingRuns};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, Bytes, LogData, U256, hex};
use alloy_sol_types::{SolCall, SolError as _, SolEvent};
use ledger_client::{Announcement, LedgerError};
use ledger_views::runs::{self, RunEvent};
use serde_json::{Value, json};
use training_run::{Effect, Terms};
use units::{AccountId, Bps, DeviceId, Digest, Wei};

use crate::stub::{Script, Stub};

const DEVICE: DeviceId = DeviceId::from_bytes([1; 32]);
const OTHER: DeviceId = DeviceId::from_bytes([2; 32]);
const SIGNATURE: [u8; 64] = [9; 64];

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

pub(crate) fn terms() -> Terms {
    Terms {
        rounds: 3,
        warmup_rounds: 1,
        tokens_per_round: 1000,
        warmup_tokens_per_round: 500,
        price_per_token: Wei::new(7),
        audit_rate: Bps::new(1000).unwrap(),
        audit_pay: Bps::new(5000).unwrap(),
        quorum: Bps::WHOLE,
        seats_min: 2,
        seats_max: 4,
        round_seconds: 60,
        audit_seconds: 60,
        stall_seconds: 600,
        relay_fee: Wei::new(11),
        spec: digest(3),
        corpus: digest(4),
        initial_state: digest(5),
    }
}

#[tokio::test]
async fn opening_a_run_gives_its_id() {
    let opened = TrainingRuns::Opened {
        run: 7,
        owner: Address::repeat_byte(8),
        name: "p".to_owned(),
        deposited: U256::from(5),
    };
    let foreign = log(Address::repeat_byte(1), &TrainingRuns::Cancelled { run: 6 });
    let logs = json!([foreign, log(TRAINING_RUNS, &opened)]);
    let stub = Stub::start(Script { looks_until_mined: Some(0), logs, ..Script::default() }).await;
    let announcement = Announcement { coordinator: DEVICE, endpoint: "127.0.0.1:1".to_owned() };
    let made = stub
        .ledger()
        .await
        .open_run(&terms(), ("p", &OTHER), &announcement, Wei::new(5))
        .await
        .unwrap();
    assert_eq!(made.run, 7);
    let owner = AccountId::from_bytes([8; 20]);
    let event = RunEvent::Opened { owner, name: "p".to_owned(), deposited: Wei::new(5) };
    assert_eq!(made.receipt.events().unwrap(), [(7, event)]);
    stub.with(|script| {
        assert_eq!(
            (script.mined[0].value(), script.mined[0].to()),
            (U256::from(5), Some(TRAINING_RUNS))
        );
        let call = TrainingRuns::openCall::abi_decode(script.mined[0].input()).unwrap();
        assert_eq!(
            (call.name.as_str(), call.terms.tokensPerRound, call.terms.corpus),
            ("p", 1000, B256::repeat_byte(4))
        );
        script.logs = json!([]);
    });
    let error = stub
        .ledger()
        .await
        .open_run(&terms(), ("p", &OTHER), &announcement, Wei::new(5))
        .await
        .unwrap_err();
    assert!(matches!(error, LedgerError::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn every_change_calls_its_function_with_its_arguments() {
    let stub = Stub::start(Script { looks_until_mined: Some(0), ..Script::default() }).await;
    let ledger = stub.ledger().await;
    let announcement = Announcement { coordinator: OTHER, endpoint: "e".to_owned() };

    ledger.link_device(&DEVICE, &AccountId::from_bytes([8; 20]), 3, &SIGNATURE).await.unwrap();
    ledger.announce(7, &announcement).await.unwrap();
    ledger.set_auditor(7, &OTHER).await.unwrap();
    ledger.relay(&[vec![1, 2], vec![3]]).await.unwrap();
    ledger.close_round(7, 2).await.unwrap();
    ledger.lapse(7, 2).await.unwrap();
    ledger.advance(7, 2, (&digest(6), &digest(7))).await.unwrap();
    ledger.draw(7, 2).await.unwrap();
    ledger.settle(7, &[0, 3]).await.unwrap();
    ledger.dispute(7, 2, &DEVICE, Wei::new(9)).await.unwrap();
    ledger.expire(7, 2, &DEVICE).await.unwrap();
    ledger.cancel(7).await.unwrap();
    ledger.abandon(7).await.unwrap();

    stub.with(|script| {
        let sent: Vec<_> =
            script.mined.iter().map(|transaction| transaction.input().to_vec()).collect();
        assert_eq!(sent, expected_calls());
        let to: Vec<_> = script.mined.iter().map(|transaction| transaction.to().unwrap()).collect();
        assert_eq!(to[0], DEVICES);
        assert!(to[1..].iter().all(|to| *to == TRAINING_RUNS));
        let values = script.mined.iter().map(|transaction| transaction.value());
        assert_eq!(values.sum::<U256>(), U256::from(9), "only a dispute has a bond");
    });
}

/// Returns the calldata of the changes above.
fn expected_calls() -> [Vec<u8>; 13] {
    let (device, signature) = (B256::repeat_byte(1), Bytes::from(SIGNATURE));
    let (run, round) = (7, 2);
    let other = B256::repeat_byte(2);
    let account = Address::repeat_byte(8);
    let (state, update) = (B256::repeat_byte(6), B256::repeat_byte(7));
    let statements = vec![Bytes::from(vec![1, 2]), Bytes::from(vec![3])];
    [
        abi::Devices::linkCall { device, account, nonce: 3, signature }.abi_encode(),
        TrainingRuns::announceCall { run, coordinator: other, endpoint: "e".to_owned() }
            .abi_encode(),
        TrainingRuns::setAuditorCall { run, auditor: other }.abi_encode(),
        TrainingRuns::relayCall { statements }.abi_encode(),
        TrainingRuns::closeCall { run, round }.abi_encode(),
        TrainingRuns::lapseCall { run, round }.abi_encode(),
        TrainingRuns::advanceCall { run, round, state, update }.abi_encode(),
        TrainingRuns::drawCall { run, round }.abi_encode(),
        TrainingRuns::settleCall { run, seats: vec![0, 3] }.abi_encode(),
        TrainingRuns::disputeCall { run, round, subject: device }.abi_encode(),
        TrainingRuns::expireCall { run, round, subject: device }.abi_encode(),
        TrainingRuns::cancelCall { run }.abi_encode(),
        TrainingRuns::abandonCall { run }.abi_encode(),
    ]
}

#[tokio::test]
async fn a_refusal_says_what_the_rule_says() {
    let reason = "round 3 is not the current round, the current round is 4";
    let revert = TrainingRuns::WrongRound { given: 3, current: 4 }.abi_encode();
    let stub = Stub::start(Script { revert: Some(revert.into()), ..Script::default() }).await;
    let refused = stub.ledger().await.close_round(7, 3).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("the ledger refused the request: {reason}"));
    assert!(refused.refusal::<TrainingRuns::WrongRound>().is_some());
    assert!(refused.refusal::<TrainingRuns::NoSuchRun>().is_none());

    let what = "\u{1b}[31mred".repeat(1000);
    let long = TrainingRuns::TooLong { what, max: U256::ZERO }.abi_encode();
    stub.with(|script| script.revert = Some(long.into()));
    let refused = stub.ledger().await.close_round(7, 3).await.unwrap_err().to_string();
    assert!(!refused.contains('\u{1b}') && refused.len() < 500, "{refused}");
}

#[tokio::test]
async fn the_past_of_a_run_is_read_from_logs() {
    let paid = TrainingRuns::Paid {
        run: 7,
        account: Address::repeat_byte(8),
        device: B256::repeat_byte(1),
        amount: U256::from(7000),
    };
    let logs =
        json!([log(TRAINING_RUNS, &paid), log(TRAINING_RUNS, &TrainingRuns::Cancelled { run: 7 })]);
    let stub = Stub::start(Script { logs, ..Script::default() }).await;
    let ledger = stub.ledger().await;
    let events = runs::events(&ledger, 7, 3..=9).await.unwrap();
    let seen: Vec<_> = events.iter().map(|event| (event.height, event.run)).collect();
    assert_eq!(seen, [(6, 7), (6, 7)]);
    let effect = Effect::Pay {
        account: AccountId::from_bytes([8; 20]),
        device: DEVICE,
        amount: Wei::new(7000),
    };
    assert_eq!(events[0].event, RunEvent::Followed(effect));
    stub.with(|script| {
        assert_eq!(
            (&script.filter["fromBlock"], &script.filter["toBlock"]),
            (&json!("0x3"), &json!("0x9"))
        );
        assert!(script.filter.to_string().contains(&format!("{:064x}", 7)));
        script.logs[0]["blockNumber"] = Value::Null;
    });
    let error = LedgerError::from(runs::events(&ledger, 7, 3..=9).await.unwrap_err());
    assert!(matches!(error, LedgerError::Malformed { .. }), "{error:?}");
}

fn log(address: Address, event: &impl SolEvent) -> Value {
    let data: LogData = event.encode_log_data();
    json!({
        "address": address, "topics": data.topics(), "data": hex::encode_prefixed(&data.data), "blockNumber": "0x6",
        "blockHash": B256::repeat_byte(1), "transactionHash": B256::repeat_byte(2), "transactionIndex": "0x0",
        "logIndex": "0x0", "removed": false,
    })
}
