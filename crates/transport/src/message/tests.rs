use super::*;
use crate::frame::{TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX, encode};

fn signature(byte: u8) -> WireSignature {
    WireSignature::from_bytes(&[byte; 64])
}

fn to_coordinator() -> [(&'static str, ToCoordinator); 7] {
    let hello = |link| ToCoordinator::Hello {
        protocol: PROTOCOL,
        run: 300,
        account: [1; 20],
        link,
        enroll: signature(2),
    };
    let committed = ToCoordinator::Committed {
        round: 70_000,
        seal: [3; 32],
        update: [4; 32],
        signature: signature(7),
    };
    let verdict = ToCoordinator::Verdict {
        round: 8,
        subject: [9; 32],
        kind: 1,
        value: [10; 32],
        signature: signature(11),
    };
    let progress = ToCoordinator::Progress {
        round: 12,
        step: 13,
        steps: 200,
        loss_milli: 5_545,
        tokens_per_second: 1 << 20,
    };
    [
        ("hello", hello(None)),
        ("hello with link", hello(Some(Link { nonce: 1 << 40, signature: signature(14) }))),
        ("committed", committed),
        ("verdict", verdict),
        ("progress", progress),
        ("leaving", ToCoordinator::Leaving { round: 15, signature: signature(16) }),
        ("diverged", ToCoordinator::Diverged { round: 17 }),
    ]
}

fn to_worker() -> [(&'static str, ToWorker); 5] {
    let round = ToWorker::Round { round: 128, base: [3; 32], previous: [4; 32], update: [5; 32] };
    let audit = ToWorker::Audit { round: 6, subject: [7; 32], base: [8; 32] };
    [
        ("welcome", ToWorker::Welcome { spec: vec![1; 3], manifest: vec![2; 200] }),
        ("round", round),
        ("audit", audit),
        ("refused", ToWorker::Refused { reason: "zu spät".to_owned() }),
        ("finished", ToWorker::Finished),
    ]
}

/// Workers and coordinators of different versions exchange these bytes: a change needs another [`PROTOCOL`].
#[test]
fn messages_have_the_bytes_of_their_protocol() {
    let mut text = format!("protocol {PROTOCOL}\n");
    for (name, message) in to_coordinator() {
        let bytes = encode(&message, TO_COORDINATOR_SIZE_MAX).unwrap();
        assert_eq!(postcard::from_bytes::<ToCoordinator>(&bytes).unwrap(), message);
        text += &format!("to coordinator: {name}\n{}", golden::hex(&bytes));
    }
    for (name, message) in to_worker() {
        let bytes = encode(&message, TO_WORKER_SIZE_MAX).unwrap();
        assert_eq!(postcard::from_bytes::<ToWorker>(&bytes).unwrap(), message);
        text += &format!("to worker: {name}\n{}", golden::hex(&bytes));
    }
    golden::check!("messages.txt", &text);
}
