use super::*;
use crate::frame::{TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX, encode};

fn to_coordinator() -> [(&'static str, ToCoordinator); 7] {
    let hello = |role| ToCoordinator::Hello { protocol: PROTOCOL, run: 300, role };
    let progress = ToCoordinator::Progress {
        round: 12,
        step: 13,
        steps: 200,
        loss_milli: 5_545,
        tokens_per_second: 1 << 20,
    };
    [
        ("hello", hello(Role::Worker)),
        ("hello of a referee", hello(Role::Referee)),
        ("statement", ToCoordinator::Statement(vec![7; 300])),
        ("wanted", ToCoordinator::Wanted { round: 70_000 }),
        ("progress", progress),
        ("diverged", ToCoordinator::Diverged { round: 17 }),
        ("held", ToCoordinator::Held { blob: [9; 32], is_held: true }),
    ]
}

fn to_worker() -> [(&'static str, ToWorker); 9] {
    let round = ToWorker::Round { round: 128, base: [3; 32], previous: [4; 32], update: [5; 32] };
    let audit = ToWorker::Audit { round: 6, subject: [7; 32], base: [8; 32] };
    [
        ("welcome", ToWorker::Welcome { spec: vec![1; 3], manifest: vec![2; 200] }),
        ("round", round),
        ("served", ToWorker::Served { round: 6, base: [8; 32] }),
        ("audit", audit),
        ("refused", ToWorker::Refused { reason: "zu spät".to_owned() }),
        ("finished", ToWorker::Finished),
        ("keep", ToWorker::Keep { update: [5; 32] }),
        ("serve", ToWorker::Serve { blob: [9; 32] }),
        ("relayed", ToWorker::Relayed),
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
