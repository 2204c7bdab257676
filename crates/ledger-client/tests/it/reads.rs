use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::{Revert, SolError as _, SolValue as _, sol};
use ledger_client::{Ledger, LedgerError};
use ledger_views::Ask as _;
use units::{UnixSeconds, Wei};

use crate::stub::{CHAIN_ID, IMPATIENT, PATIENT, Script, Stub, is_unreachable, signer, someone};

sol! {
    function count() external view returns (uint64 runs, address last);
    error TooLate(uint64 deadline);
}

#[tokio::test]
async fn what_a_node_knows_is_read() {
    let returns = Bytes::from((3_u64, Address::repeat_byte(4)).abi_encode());
    let stub = Stub::start(Script {
        balance: "0xde0b6b3a7640000".to_owned(),
        returns,
        ..Script::default()
    })
    .await;
    let ledger = stub.ledger().await;
    assert_eq!(ledger.chain_id(), CHAIN_ID);
    assert_eq!(ledger.account().unwrap().as_bytes(), &signer().address().into_array());
    assert_eq!(ledger.balance(&someone()).await.unwrap(), Wei::new(1_000_000_000_000_000_000));
    let head = ledger.head().await.unwrap();
    assert_eq!((head.height, head.time), (5, UnixSeconds::new(100)));
    let answer = ledger.read(Address::ZERO, &countCall {}).await.unwrap();
    assert_eq!((answer.runs, answer.last), (3, Address::repeat_byte(4)));
}

#[tokio::test]
async fn a_view_that_reverts_says_why() {
    let stub = Stub::start(Script {
        revert: Some(Revert::from("no such run").abi_encode().into()),
        ..Script::default()
    })
    .await;
    let ledger = stub.ledger().await;
    let refused = ledger.read(Address::ZERO, &countCall {}).await.map(drop).unwrap_err();
    assert!(
        matches!(refused, LedgerError::Refused { .. })
            && refused.to_string().contains("no such run"),
        "{refused}"
    );
    stub.with(|script| script.revert = Some(TooLate { deadline: 7 }.abi_encode().into()));
    let refused = ledger.read(Address::ZERO, &countCall {}).await.map(drop).unwrap_err();
    assert_eq!(refused.refusal::<TooLate>().unwrap().deadline, 7);
    assert!(refused.refusal::<Revert>().is_none());
    stub.with(|script| script.revert = Some(Bytes::new()));
    let refused = ledger.read(Address::ZERO, &countCall {}).await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("no reason"), "{refused}");
}

#[tokio::test]
async fn patience_ends_and_names_the_node() {
    let url = Stub::free_url().await;
    let error = Ledger::connect(&url, None, IMPATIENT).await.unwrap_err();
    assert!(is_unreachable(&error, &url), "{error:?}");
    assert!(error.to_string().contains(&url), "{error}");
}

#[tokio::test]
async fn a_node_that_comes_back_is_found() {
    let stub = Stub::start(Script { balance: "0x5".to_owned(), ..Script::default() }).await;
    let ledger = stub.ledger().await;
    let url = stub.url.clone();
    let script = stub.stop().await;
    assert!(is_unreachable(
        &ledger.with_patience(IMPATIENT).balance(&someone()).await.unwrap_err(),
        &url
    ));
    let account = someone();
    let reading = ledger.balance(&account);
    let (balance, _stub) = tokio::join!(reading, async {
        // Wait until the first attempt has failed.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        Stub::start_at(&url, script).await
    });
    assert_eq!(balance.unwrap(), Wei::new(5));
}

#[tokio::test]
async fn a_busy_node_is_asked_again_and_a_wrong_one_is_not() {
    let stub = Stub::start(Script { balance: "0x5".to_owned(), ..Script::default() }).await;
    let ledger = stub.ledger().await;
    stub.with(|script| {
        script.http.extend([
            ("503 Service Unavailable", ""),
            ("429 Too Many Requests", "later"),
            ("502 Bad Gateway", ""),
        ])
    });
    assert_eq!(ledger.balance(&someone()).await.unwrap(), Wei::new(5));

    for (status, body) in [
        ("404 Not Found", "<html>"),
        ("200 OK", "<html>"),
        ("200 OK", r#"{"jsonrpc":"2.0","id":0,"result":{}}"#),
    ] {
        stub.with(|script| script.http.push_back((status, body)));
        let error = ledger.balance(&someone()).await.unwrap_err();
        assert!(matches!(error, LedgerError::Malformed { .. }), "{status} {body}: {error:?}");
    }
    stub.with(|script| script.returns = Bytes::from_static(&[1, 2, 3]));
    let error = ledger.read(Address::ZERO, &countCall {}).await.map(drop).unwrap_err();
    assert!(
        matches!(error, LedgerError::Malformed { .. }) && error.to_string().contains("count()"),
        "{error:?}"
    );
    stub.with(|script| script.balance = format!("{:#x}", U256::from(1) << 128));
    assert!(matches!(ledger.balance(&someone()).await, Err(LedgerError::Malformed { .. })));
}

#[tokio::test]
async fn what_the_node_says_is_cut_and_cleaned() {
    let stub = Stub::start(Script::default()).await;
    let ledger = stub.ledger().await;
    let body =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"\u001b[31mred\nalert"}}"#;
    stub.with(|script| script.http.push_back(("200 OK", body)));
    let error = ledger.head().await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Rejected { message, .. } if message == " [31mred alert"),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_at_once() {
    for url in ["", "127.0.0.1:8545", "ws://127.0.0.1:8545", "ftp://node", "http://", "http://:::"]
    {
        let error = Ledger::connect(url, None, PATIENT).await.unwrap_err();
        assert!(
            matches!(&error, LedgerError::BadUrl { url: named } if named == url),
            "{url}: {error:?}"
        );
    }
}

/// A node that stops before rules that it does not know answers what it has, and says why there will be no more.
#[tokio::test]
async fn a_node_that_makes_no_further_block_is_read_at_its_last() {
    let stub = Stub::start(Script::default()).await;
    let ledger = stub.ledger().await;
    assert_eq!(ledger.standstill().await.unwrap(), None);
    let stopped = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32010,"message":"this binary knows revisions 1 to 5; the ledger switches to revision 9 at height 6: install a newer gleaner"}}"#;
    stub.with(|script| script.http.push_back(("200 OK", stopped)));
    let reason = ledger.standstill().await.unwrap().unwrap();
    assert!(reason.contains("revision 9 at height 6"), "{reason}");
    // Another refusal is no reason to show what is old.
    let other = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"busy"}}"#;
    stub.with(|script| script.http.push_back(("200 OK", other)));
    let refused = ledger.standstill().await.unwrap_err();
    assert!(matches!(refused, LedgerError::Rejected { .. }), "{refused}");

    stub.with(|script| script.http.push_back(("200 OK", stopped)));
    assert!(ledger.next_time().await.is_err());
    let still = ledger.at_standstill();
    assert!(still.is_at_standstill() && !ledger.is_at_standstill());
    assert_eq!(still.next_time().await.unwrap(), UnixSeconds::new(100));
}
