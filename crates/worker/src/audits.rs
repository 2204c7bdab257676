//! The audits for which the ledger has drawn this device: started once each, and stopped when they are not its any more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use ledger_views::runs::AuditView;
use units::DeviceId;

/// Largest number of audits that are prepared or computed at once; the ledger's others wait.
const AT_ONCE_MAX: usize = 4;

/// A computation; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Running(Arc<AtomicBool>);

impl Running {
    pub(crate) fn start() -> (Self, Arc<AtomicBool>) {
        let called_off = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&called_off)), called_off)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An audited round, and the audited device.
pub(crate) type Audited = (u32, DeviceId);

/// The audits of this device.
#[derive(Debug, Default)]
pub(crate) struct Audits {
    running: BTreeMap<Audited, Running>,
    /// Those with a verdict that the ledger does not show yet.
    judged: BTreeSet<Audited>,
}

impl Audits {
    /// Compares the audits in progress with those on the ledger; returns those to start, the most urgent first.
    pub(crate) fn compare(&mut self, drawn: &[AuditView]) -> Vec<(AuditView, Arc<AtomicBool>)> {
        let listed: BTreeSet<Audited> = drawn.iter().map(name).collect();
        self.running.retain(|audited, _| listed.contains(audited));
        self.judged.retain(|audited| listed.contains(audited));
        let is_new = |audit: &&AuditView| {
            let audited = name(audit);
            !self.running.contains_key(&audited) && !self.judged.contains(&audited)
        };
        let mut new: Vec<AuditView> = drawn.iter().filter(is_new).copied().collect();
        new.sort_by_key(|audit| audit.deadline);
        new.truncate(AT_ONCE_MAX.saturating_sub(self.running.len()));
        let start = |audit: AuditView| {
            let (running, called_off) = Running::start();
            self.running.insert(name(&audit), running);
            (audit, called_off)
        };
        new.into_iter().map(start).collect()
    }

    /// An audit has a verdict.
    pub(crate) fn judged(&mut self, audited: Audited) {
        self.running.remove(&audited);
        self.judged.insert(audited);
    }

    /// Stops all computations: the connection that they need is lost.
    pub(crate) fn stop(&mut self) {
        self.running.clear();
    }
}

fn name(audit: &AuditView) -> Audited {
    (audit.round, audit.subject)
}

#[cfg(test)]
mod tests {
    use super::*;
    use training_run::Commitment;
    use units::{Digest, UnixSeconds};

    fn drawn(round: u32, deadline: u64) -> AuditView {
        let [subject, auditor] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        AuditView {
            round,
            subject,
            auditor,
            deadline: UnixSeconds::new(deadline),
            base: Digest::ZERO,
            commitment: Commitment::default(),
        }
    }

    fn rounds(started: &[(AuditView, Arc<AtomicBool>)]) -> Vec<u32> {
        started.iter().map(|(audit, _)| audit.round).collect()
    }

    #[test]
    fn an_audit_is_done_once_and_the_most_urgent_first() {
        let mut audits = Audits::default();
        let list: Vec<AuditView> =
            (0..6).map(|round| drawn(round, 100 - u64::from(round))).collect();
        assert_eq!(rounds(&audits.compare(&list)), [5, 4, 3, 2], "four at once");
        assert_eq!(rounds(&audits.compare(&list)), [0; 0]);
        audits.judged(name(&list[5]));
        assert_eq!(rounds(&audits.compare(&list)), [1]);
        assert_eq!(rounds(&audits.compare(&list)), [0; 0], "judged, though the ledger shows it");
        // Drawn again for the same round, after the ledger had it settled.
        assert_eq!(rounds(&audits.compare(&list[..5])), [0; 0]);
        audits.judged(name(&list[4]));
        audits.judged(name(&list[3]));
        assert_eq!(rounds(&audits.compare(&list)), [5, 0]);
    }

    #[test]
    fn an_audit_that_is_another_devices_now_is_stopped() {
        let mut audits = Audits::default();
        let [first, second] = [drawn(1, 50), drawn(2, 60)];
        let started = audits.compare(&[first, second]);
        let is_stopped = |at: usize| started[at].1.load(Ordering::Relaxed);
        audits.compare(&[second]);
        assert!(is_stopped(0) && !is_stopped(1));
        audits.stop();
        assert!(is_stopped(1));
        assert_eq!(rounds(&audits.compare(&[second])), [2], "started again on a new connection");
    }
}
