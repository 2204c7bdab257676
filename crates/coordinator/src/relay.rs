//! Relays statements that devices have signed to the ledger.

use std::collections::{BTreeMap, VecDeque};

use abi::TrainingRuns::Verdict;
use ledger_client::{Ledger, LedgerError, SignedCommitment, SignedVerdict};
use ledger_views::{devices, runs};
use training_run::Commitment;
use transport::message::{Link, ToCoordinator, WireSignature};
use units::{AccountId, DeviceId, Digest};

/// Largest number of statements of one device that wait to be relayed: more than it signs in a round. More are
/// dropped, and the device sends them again.
const WAITING_PER_DEVICE_MAX: usize = 16;

/// Number of times that a statement is sent whose transaction is rejected or not confirmed.
const TRIES_MAX: u32 = 8;

/// A device's request to take part.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub(crate) device: DeviceId,
    pub(crate) account: AccountId,
    pub(crate) link: Option<Link>,
    pub(crate) enroll: WireSignature,
}

/// A statement that is not on the ledger yet.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Hello(Hello),
    Commitment { round: u32, signed: SignedCommitment },
    Verdict(SignedVerdict),
    Leave { device: DeviceId, round: u32, signature: WireSignature },
}

/// The result of relaying a statement.
pub(crate) enum Relayed {
    /// The device has its seat.
    Seated(DeviceId),
    /// The statement is on the ledger.
    Done,
    /// The ledger refused it.
    Refused { device: DeviceId, reason: String },
}

impl Statement {
    /// The device that has signed it.
    fn device(&self) -> DeviceId {
        match self {
            Self::Hello(hello) => hello.device,
            Self::Commitment { signed, .. } => signed.device,
            Self::Verdict(verdict) => verdict.auditor,
            Self::Leave { device, .. } => *device,
        }
    }
}

/// The statements that wait to be relayed: a queue for each device, with the number of earlier tries. They come from
/// connected devices only, whose number `transport` bounds.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    waiting: BTreeMap<DeviceId, VecDeque<(Statement, u32)>>,
}

impl Relay {
    pub(crate) fn add(&mut self, statement: Statement) {
        let queue = self.waiting.entry(statement.device()).or_default();
        if queue.len() < WAITING_PER_DEVICE_MAX {
            queue.push_back((statement, 0));
        }
    }

    /// Puts a statement back that [`Self::take`] has returned: it is the next of its device. One that was tried too often
    /// is dropped; then this returns its device.
    pub(crate) fn put_back(&mut self, statement: Statement, tries: u32) -> Option<DeviceId> {
        let device = statement.device();
        if TRIES_MAX <= tries {
            return Some(device);
        }
        self.waiting.entry(device).or_default().push_front((statement, tries));
        None
    }

    /// Returns the oldest statement of each device. So a device that signs many delays the others by one.
    pub(crate) fn take(&mut self) -> Vec<(Statement, u32)> {
        let taken = self.waiting.values_mut().filter_map(VecDeque::pop_front).collect();
        self.waiting.retain(|_, queue| !queue.is_empty());
        taken
    }
}

/// Returns the statement in a message, if it contains one and its kind of finding exists.
pub(crate) fn statement(device: DeviceId, message: &ToCoordinator) -> Option<Statement> {
    Some(match message {
        ToCoordinator::Hello { account, link, enroll, .. } => Statement::Hello(Hello {
            device,
            account: AccountId::from_bytes(*account),
            link: link.clone(),
            enroll: enroll.clone(),
        }),
        ToCoordinator::Committed { round, seal, update, signature } => {
            let [seal, update] = [seal, update].map(|digest| Digest::from_bytes(*digest));
            let commitment = Commitment { seal, update };
            let signed = SignedCommitment { device, commitment, signature: signature.to_bytes() };
            Statement::Commitment { round: *round, signed }
        }
        ToCoordinator::Verdict { round, subject, kind, value, signature } => {
            Statement::Verdict(SignedVerdict {
                round: *round,
                subject: DeviceId::from_bytes(*subject),
                auditor: device,
                kind: Verdict::try_from(*kind).ok()?,
                value: Digest::from_bytes(*value),
                signature: signature.to_bytes(),
            })
        }
        ToCoordinator::Leaving { round, signature } => {
            Statement::Leave { device, round: *round, signature: signature.clone() }
        }
        ToCoordinator::Progress { .. } | ToCoordinator::Diverged { .. } => return None,
    })
}

/// Sends a statement to the ledger.
///
/// # Errors
/// When the ledger can't be reached; a refusal is returned as a result.
pub(crate) async fn relay(
    ledger: &Ledger,
    run: u64,
    statement: &Statement,
) -> Result<Relayed, LedgerError> {
    let (device, result) = match statement {
        Statement::Hello(hello) => (hello.device, seat(ledger, run, hello).await),
        Statement::Commitment { round, signed } => {
            let result = ledger.commit(run, *round, std::slice::from_ref(signed)).await;
            (signed.device, result.map(|_| Relayed::Done))
        }
        Statement::Verdict(verdict) => {
            (verdict.auditor, ledger.verdict(run, verdict).await.map(|_| Relayed::Done))
        }
        Statement::Leave { device, round, signature } => {
            let result = ledger.leave(run, *round, device, &signature.to_bytes()).await;
            (*device, result.map(|_| Relayed::Done))
        }
    };
    match result {
        Err(LedgerError::Refused { reason, .. }) => Ok(Relayed::Refused { device, reason }),
        other => other,
    }
}

/// Links and enrols a device, unless the ledger has that already: it may come back after a lost connection.
async fn seat(ledger: &Ledger, run: u64, hello: &Hello) -> Result<Relayed, LedgerError> {
    let Hello { device, account, link, enroll } = hello;
    let linked = devices::link(ledger, device).await?;
    if linked.account != Some(*account) {
        let Some(link) = link else {
            let reason = format!(
                "device {device} is linked to another account: send a link statement to change that"
            );
            return Ok(Relayed::Refused { device: *device, reason });
        };
        ledger.link_device(device, account, link.nonce, &link.signature.to_bytes()).await?;
    }
    let seats = runs::seats(ledger, run).await?;
    if !seats.iter().any(|seat| seat.device == *device && seat.is_active()) {
        ledger.enroll(run, device, &enroll.to_bytes()).await?;
    }
    Ok(Relayed::Seated(*device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_signs_many_statements_delays_the_others_by_one() {
        let [loud, quiet] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let leave = |device, round| Statement::Leave {
            device,
            round,
            signature: WireSignature { r: [0; 32], s: [0; 32] },
        };
        let mut relay = Relay::default();
        for round in 0..1000 {
            relay.add(leave(loud, round));
        }
        relay.add(leave(quiet, 7));
        let read = |statements: Vec<(Statement, u32)>| -> Vec<(DeviceId, u32)> {
            let read = statements.into_iter().map(|(statement, _)| match statement {
                Statement::Leave { device, round, .. } => (device, round),
                other => panic!("{other:?} was not added"),
            });
            read.collect()
        };
        assert_eq!(read(relay.take()), [(loud, 0), (quiet, 7)]);
        let second = relay.take();
        assert_eq!(read(second.clone()), [(loud, 1)]);
        let (statement, tries) = second.into_iter().next().unwrap();
        assert_eq!(relay.put_back(statement.clone(), tries + 1), None);
        assert_eq!(relay.put_back(statement, TRIES_MAX), Some(loud), "it is dropped");
        for round in 1..u32::try_from(WAITING_PER_DEVICE_MAX).unwrap() {
            assert_eq!(read(relay.take()), [(loud, round)]);
        }
        assert!(relay.take().is_empty());
    }
}
