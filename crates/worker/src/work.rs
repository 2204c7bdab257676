//! The computing part of a worker, without network or ledger: train a round, or repeat somebody's round.

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use compression::Memory;
use model::instructions::Isa;
use units::{DeviceId, Digest};
use verification::{Job, JobError, Outcome, RunSpec, StepReport};

/// A round of one device, with everything needed to compute it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The run's specification.
    pub(crate) spec: Arc<RunSpec>,
    /// The round.
    pub(crate) round: u32,
    /// Whose round: this device's own, or an audited one's.
    pub(crate) device: DeviceId,
    /// Parameters at the start of the round.
    pub(crate) base: Arc<Vec<f32>>,
    /// That device's error-feedback memory at the start of the round.
    pub(crate) memory: Arc<Memory>,
    /// The assigned shards, in the order of the assignment.
    pub(crate) shards: Vec<Arc<Vec<u8>>>,
    /// Threads to use.
    pub(crate) threads: usize,
    /// Vector instructions to use.
    pub(crate) isa: Isa,
}

/// How far a computation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// What the step reported.
    pub step: StepReport,
    /// Measured over this round so far.
    pub tokens_per_second: u32,
}

/// Computes the round. `on_step` may call it off.
///
/// # Errors
/// [`JobError::CalledOff`] when `on_step` breaks; otherwise what the job says.
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
        memory_before: &assignment.memory,
        shards: &shards,
        threads: assignment.threads,
        isa: assignment.isa,
    };
    verification::execute(&job, &mut |step: StepReport| {
        let done = u64::from(step.step) * tokens_per_step * 1000;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let tokens_per_second = u32::try_from(done / milliseconds).unwrap_or(u32::MAX);
        on_step(Pace { step, tokens_per_second })
    })
}

/// What an auditor found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The root opens the subject's seal: publish it.
    Passed {
        /// The root.
        root: Digest,
    },
    /// The root opens the seal of an earlier auditor: publish it, the subject is convicted by it.
    Upheld {
        /// The root.
        root: Digest,
    },
    /// The root opens nothing: publish it sealed.
    Mismatch {
        /// The root sealed for this auditor.
        sealed: Digest,
    },
}

/// Compares a recomputed root with the subject's seal and the claims of earlier auditors.
#[must_use]
pub(crate) fn judge(
    root: &Digest,
    auditor: &DeviceId,
    subject: (&DeviceId, &Digest),
    claims: &[(DeviceId, Digest)],
) -> Finding {
    if verification::seal(subject.0, root) == *subject.1 {
        return Finding::Passed { root: *root };
    }
    if claims.iter().any(|(claimant, sealed)| verification::seal(claimant, root) == *sealed) {
        return Finding::Upheld { root: *root };
    }
    Finding::Mismatch { sealed: verification::seal(auditor, root) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_judged_by_what_it_opens() {
        let [subject, first, second] = [1, 2, 3].map(|byte| DeviceId::from_bytes([byte; 32]));
        let [honest, made_up] = [4, 5].map(|byte| Digest::from_bytes([byte; 32]));
        let committed = verification::seal(&subject, &made_up);
        let claim = (first, verification::seal(&first, &honest));

        let passed = judge(&made_up, &first, (&subject, &committed), &[]);
        assert_eq!(passed, Finding::Passed { root: made_up });
        let mismatch = judge(&honest, &first, (&subject, &committed), &[]);
        assert_eq!(mismatch, Finding::Mismatch { sealed: claim.1 });
        let upheld = judge(&honest, &second, (&subject, &committed), &[claim]);
        assert_eq!(upheld, Finding::Upheld { root: honest });
    }
}
