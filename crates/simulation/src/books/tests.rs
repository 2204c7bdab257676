//! What must not go unnoticed.

use training_run::Cause;
use units::{Bps, Digest};

use super::*;

const PAY: u128 = 40;

fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 32])
}

fn member(number: u8, behaviour: Behaviour) -> Member {
    Member { device: device(number), account: AccountId::from_bytes([number; 20]), behaviour }
}

fn terms() -> Terms {
    Terms {
        rounds: 9,
        warmup_rounds: 0,
        tokens_per_round: 10,
        warmup_tokens_per_round: 10,
        price_per_token: Wei::new(PAY / 10),
        audit_rate: Bps::new(1_000).unwrap(),
        audit_pay: Bps::WHOLE,
        quorum: Bps::new(6_000).unwrap(),
        seats_min: 2,
        seats_max: 4,
        round_seconds: 60,
        audit_seconds: 60,
        stall_seconds: 600,
        relay_fee: Wei::ZERO,
        spec: Digest::ZERO,
        corpus: Digest::ZERO,
        initial_state: Digest::ZERO,
    }
}

/// A history in which device 1 has committed twice, and both count.
fn history() -> History {
    let mut history = History::default();
    for round in [0, 1] {
        let device = device(1);
        let commitment = Default::default();
        history.take(Effect::Committed { device, round, commitment }).unwrap();
        history.take(counted(1, round)).unwrap();
    }
    history.take(paid(1, 2 * PAY)).unwrap();
    history
}

fn counted(number: u8, round: u32) -> Effect {
    let (tokens, amount, kind) = (10, Wei::new(PAY), PayKind::Work);
    Effect::Verified { device: device(number), round, tokens, amount, kind }
}

fn paid(number: u8, amount: u128) -> Effect {
    let Member { account, device, .. } = member(number, Behaviour::Honest);
    Effect::Pay { account, device, amount: Wei::new(amount) }
}

fn honest(history: &History) -> Result<(), String> {
    let member = member(1, Behaviour::Honest);
    check_honest(&member, (&terms(), &[]), history).map_err(|error| error.to_string())
}

#[test]
fn an_honest_device_that_is_paid_is_fine() {
    assert_eq!(honest(&history()), Ok(()));
    assert_eq!(honest(&History::default()), Ok(()), "it has done nothing");
}

#[test]
fn unpaid_work_is_noticed() {
    let mut uncounted = history();
    uncounted.verified.get_mut(&device(1)).unwrap().remove(&1);
    assert!(honest(&uncounted).unwrap_err().contains("of which {0} count"));
    let mut short = history();
    short.paid.insert(member(1, Behaviour::Honest).account, Wei::new(2 * PAY - 1));
    assert!(honest(&short).unwrap_err().contains("was paid"));
}

#[test]
fn an_expelled_honest_device_is_noticed() {
    let mut history = history();
    let account = AccountId::from_bytes([1; 20]);
    let (round, cause, forfeited) = (1, Cause::FalseAudit, Wei::ZERO);
    history.take(Effect::Expelled { round, device: device(1), account, cause, forfeited }).unwrap();
    assert!(honest(&history).unwrap_err().contains("FalseAudit"));
}

#[test]
fn work_that_counts_twice_is_noticed() {
    let error = history().take(counted(1, 1)).unwrap_err();
    assert!(error.to_string().contains("counted twice"), "{error}");
}

#[test]
fn paid_made_up_work_is_noticed() {
    let cheat = member(2, Behaviour::MadeUp);
    let members = [member(1, Behaviour::Honest), cheat, member(3, Behaviour::Colluder)];
    let check = |effects: Vec<Effect>| {
        let mut history = history();
        effects.into_iter().for_each(|effect| history.take(effect).unwrap());
        check_cheat(&cheat, &members, &history).map_err(|error| error.to_string())
    };
    let subject = cheat.device;
    let passed = |auditor| Effect::AuditPassed { round: 4, subject, auditor: device(auditor) };
    let upheld = |is_replayed| Effect::Upheld { round: 4, subject, is_replayed };
    assert!(check(vec![counted(2, 4)]).unwrap_err().contains("counts"));
    assert!(check(vec![passed(1)]).unwrap_err().contains("passed"));
    assert!(check(vec![upheld(true)]).unwrap_err().contains("upheld"));
    assert_eq!(check(vec![upheld(false), counted(2, 4)]), Ok(()), "its data could not be had");
    assert_eq!(check(vec![passed(3)]), Ok(()), "an accomplice has passed it");
}
