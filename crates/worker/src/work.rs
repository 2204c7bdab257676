//! The computing part of a worker, without network or ledger: trains a round, or replays another device's.

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use model::{Activations, instructions::Isa};
use training_run::Commitment;
use units::{DeviceId, Digest};
use verification::{Job, JobError, Outcome, RunSpec, StepReport};

/// All inputs of one device's round.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The run's specification.
    pub(crate) spec: Arc<RunSpec>,
    /// The round.
    pub(crate) round: u32,
    /// The device whose round it is: this one, or an audited one.
    pub(crate) device: DeviceId,
    /// Parameters at the start of the round.
    pub(crate) base: Arc<Vec<f32>>,
    /// The assigned shards, in the order of the assignment.
    pub(crate) shards: Vec<Arc<Vec<u8>>>,
    /// Number of threads.
    pub(crate) threads: usize,
    /// Vector instructions.
    pub(crate) isa: Isa,
    /// Whether there is enough memory to keep the activations for the backward pass.
    pub(crate) activations: Activations,
}

/// Progress and speed of a computation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Progress and loss.
    pub step: StepReport,
    /// Average speed in this round so far.
    pub tokens_per_second: u32,
}

/// Computes the round. `on_step` may stop it.
///
/// # Errors
/// [`JobError::CalledOff`] when `on_step` stops the round; otherwise the error of the job.
pub(crate) fn compute(
    assignment: &Assignment,
    on_step: &mut dyn FnMut(Pace) -> ControlFlow<()>,
) -> Result<Outcome, JobError> {
    #[expect(clippy::disallowed_methods, reason = "the speed shown to people is wall-clock speed")]
    let started = Instant::now();
    let tokens_per_step = assignment.spec.tokens_per_step();
    let shards: Vec<&[u8]> = assignment.shards.iter().map(|shard| shard.as_slice()).collect();
    let job = Job {
        spec: &assignment.spec,
        round: assignment.round,
        device: assignment.device,
        base: &assignment.base,
        shards: &shards,
        threads: assignment.threads,
        isa: assignment.isa,
        activations: assignment.activations,
    };
    verification::execute(&job, &mut |step: StepReport| {
        let done = u64::from(step.step) * tokens_per_step * 1000;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let tokens_per_second = u32::try_from(done / milliseconds).unwrap_or(u32::MAX);
        on_step(Pace { step, tokens_per_second })
    })
}

/// The result of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Merkle root of the work.
    pub(crate) root: Digest,
    /// Digest of the encoded update.
    pub(crate) update: Digest,
}

/// The finding of an auditor. Honest auditors of the same commitment have the same finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The replay gave what the subject committed to: publish its root, which opens the subject's seal.
    Passed {
        /// The root.
        root: Digest,
    },
    /// The replay gave something else, and an earlier auditor found the same: publish the disputed root, which opens
    /// that auditor's seal and convicts the subject.
    Upheld {
        /// The disputed root.
        root: Digest,
    },
    /// The replay gave something else, and no earlier auditor found the same: publish the disputed root sealed, so
    /// that nobody can copy it.
    Mismatch {
        /// The disputed root sealed for this auditor.
        sealed: Digest,
    },
}

/// Compares a replay with the subject's commitment, then with the claims of earlier auditors.
#[must_use]
pub(crate) fn judge(
    found: &Found,
    auditor: &DeviceId,
    (subject, commitment): (&DeviceId, &Commitment),
    claims: &[(DeviceId, Digest)],
) -> Finding {
    let Found { root, update } = *found;
    if units::seal(subject, &root) == commitment.seal && update == commitment.update {
        return Finding::Passed { root };
    }
    let root = verification::disputed(&commitment.seal, &root);
    if claims.iter().any(|(claimant, sealed)| units::seal(claimant, &root) == *sealed) {
        return Finding::Upheld { root };
    }
    Finding::Mismatch { sealed: units::seal(auditor, &root) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Digest {
        Digest::from_bytes([byte; 32])
    }

    #[test]
    fn a_commitment_is_judged_by_all_that_it_names() {
        let [subject, first, second] = [1, 2, 3].map(|byte| DeviceId::from_bytes([byte; 32]));
        let found = Found { root: digest(4), update: digest(5) };
        let honest = Commitment { seal: units::seal(&subject, &found.root), update: found.update };
        let passed = judge(&found, &first, (&subject, &honest), &[]);
        assert_eq!(passed, Finding::Passed { root: found.root });

        let made_up = Commitment { seal: units::seal(&subject, &digest(9)), ..honest };
        let poisoned = Commitment { update: digest(9), ..honest };
        let copied = Commitment { seal: units::seal(&second, &found.root), ..honest };
        for lie in [made_up, poisoned, copied] {
            let Finding::Mismatch { sealed } = judge(&found, &first, (&subject, &lie), &[]) else {
                panic!("{lie:?} was accepted");
            };
            let upheld = judge(&found, &second, (&subject, &lie), &[(first, sealed)]);
            let Finding::Upheld { root } = upheld else { panic!("{upheld:?}") };
            assert_eq!(units::seal(&first, &root), sealed);
            assert_ne!(units::seal(&subject, &root), lie.seal, "the ledger would let it pass");
        }
    }

    #[test]
    fn a_false_claim_is_not_upheld() {
        let [subject, liar, auditor] = [1, 2, 3].map(|byte| DeviceId::from_bytes([byte; 32]));
        let found = Found { root: digest(4), update: digest(5) };
        let seal = units::seal(&subject, &digest(9));
        let lie = Commitment { seal, update: found.update };
        let claims = [(liar, units::seal(&liar, &found.root))];
        let finding = judge(&found, &auditor, (&subject, &lie), &claims);
        assert!(matches!(finding, Finding::Mismatch { .. }), "{finding:?}");
    }
}
