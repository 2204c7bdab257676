//! Lines other than HTTP.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use ledger_client::{Carried, Ledger, LedgerError, Line, LineAnswer, LineError};

use crate::stub::{CHAIN_ID, IMPATIENT, PATIENT};

/// A line that gives the answers of its list, and then none.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Result<LineAnswer, LineError>>>,
    requests: Mutex<Vec<Vec<u8>>>,
}

impl Line for Scripted {
    fn carry(&self, request: Vec<u8>) -> Carried<'_> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| Err(lost()));
        Box::pin(async { answer })
    }
}

fn lost() -> LineError {
    LineError::Unreachable { reason: "the request got lost".to_owned() }
}

fn answered(status: u16, body: &'static str) -> Result<LineAnswer, LineError> {
    Ok(LineAnswer { status, body: body.into() })
}

fn scripted(answers: Vec<Result<LineAnswer, LineError>>) -> Arc<Scripted> {
    Arc::new(Scripted { answers: Mutex::new(answers.into()), ..Scripted::default() })
}

#[tokio::test]
async fn what_a_line_loses_is_sent_again() {
    let chain_id = answered(200, r#"{"jsonrpc":"2.0","id":1,"result":"0x1092"}"#);
    let line = scripted(vec![Err(lost()), answered(503, "busy"), chain_id]);
    let ledger = Ledger::over(Arc::clone(&line) as _, "memory", None, PATIENT).await.unwrap();
    assert_eq!((ledger.chain_id(), ledger.url()), (CHAIN_ID, "memory"));
    let requests = line.requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| *request == requests[0]), "the same bytes");
}

#[tokio::test]
async fn a_line_that_answers_nothing_is_named() {
    let error = Ledger::over(scripted(Vec::new()), "memory", None, IMPATIENT).await.unwrap_err();
    let LedgerError::Unreachable { url, reason, .. } = error else { panic!("{error:?}") };
    assert_eq!((url.as_str(), reason.as_str()), ("memory", "the request got lost"));
}

#[tokio::test]
async fn what_is_no_answer_is_not_asked_for_again() {
    for bad in [
        answered(404, "not here"),
        answered(9, ""),
        answered(200, "{}"),
        Err(LineError::TooLong { reason: "more than 3 bytes".to_owned() }),
    ] {
        let line = scripted(vec![bad]);
        let error = Ledger::over(Arc::clone(&line) as _, "memory", None, PATIENT).await;
        assert!(matches!(error, Err(LedgerError::Malformed { .. })), "{error:?}");
        assert_eq!(line.requests.lock().unwrap().len(), 1);
    }
}

/// A line that accepts requests, and answers the first only.
#[derive(Debug, Default)]
struct Hanging(Mutex<bool>);

impl Line for Hanging {
    fn carry(&self, _: Vec<u8>) -> Carried<'_> {
        let is_first = !std::mem::replace(&mut *self.0.lock().unwrap(), true);
        Box::pin(async move {
            match is_first {
                true => answered(200, r#"{"jsonrpc":"2.0","id":1,"result":"0x1092"}"#),
                false => std::future::pending().await,
            }
        })
    }
}

#[tokio::test]
async fn a_node_that_hangs_is_silent_since_it_was_asked() {
    let ledger = Ledger::over(Arc::<Hanging>::default(), "memory", None, IMPATIENT).await.unwrap();
    assert_eq!(ledger.silent_since(), None, "it has answered");
    let account = units::AccountId::from_bytes([1; 20]);
    let error = ledger.balance(&account).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unreachable { .. }), "{error:?}");
    let since = ledger.silent_since();
    assert!(since.is_some());
    ledger.balance(&account).await.unwrap_err();
    assert_eq!(ledger.silent_since(), since, "since it was asked first");
}

#[tokio::test]
async fn a_node_that_answers_again_is_not_silent() {
    let chain_id = || answered(200, r#"{"jsonrpc":"2.0","id":1,"result":"0x1092"}"#);
    let line = scripted(vec![Err(lost()), chain_id(), Err(lost()), answered(404, "not here")]);
    let ledger = Ledger::over(Arc::clone(&line) as _, "memory", None, PATIENT).await.unwrap();
    assert_eq!(ledger.silent_since(), None);
    // Also an answer that is none.
    ledger.balance(&units::AccountId::from_bytes([1; 20])).await.unwrap_err();
    assert_eq!(ledger.silent_since(), None);
}
