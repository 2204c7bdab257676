//! What is to be computed.

use std::sync::Arc;

use model::{Activations, instructions::Isa};
use units::{DeviceId, Digest};
use verification::{Job, RunSpec, Spare, StepReport};

/// All inputs of one device's round.
#[derive(Clone, Debug)]
pub struct Order {
    /// The run's specification.
    pub spec: Arc<RunSpec>,
    /// The round.
    pub round: u32,
    /// The device whose round it is: this one, or an audited one.
    pub device: DeviceId,
    /// Parameters at the start of the round.
    pub base: Arc<Vec<f32>>,
    /// The digest of `base`, which whoever fetched it has checked.
    pub base_digest: Digest,
    /// The assigned shards, in the order of the assignment.
    pub shards: Vec<Arc<Vec<u8>>>,
    /// The leaves to compare with; without them the round is computed to its end.
    pub leaves: Option<Vec<Digest>>,
    /// Number of threads.
    pub threads: usize,
    /// Vector instructions.
    pub isa: Isa,
    /// Whether there is enough memory to keep the activations for the backward pass.
    pub activations: Activations,
    /// Where a trainer is taken from and put back, if the round is computed in this process.
    pub spare: Option<Arc<Spare>>,
    /// Whether the round is saved when it is interrupted: an own one is, a replay is not.
    pub is_saved: bool,
}

impl Order {
    /// Returns the assigned shards.
    #[must_use]
    pub fn shards(&self) -> Vec<&[u8]> {
        self.shards.iter().map(|shard| shard.as_slice()).collect()
    }

    /// Returns the job that it is, with its [shards](Self::shards).
    #[must_use]
    pub fn job<'a>(&'a self, shards: &'a [&'a [u8]]) -> Job<'a> {
        Job {
            spec: &self.spec,
            round: self.round,
            device: self.device,
            base: &self.base,
            shards,
            threads: self.threads,
            isa: self.isa,
            activations: self.activations,
            spare: self.spare.as_deref(),
        }
    }

    /// Returns the first leaf of the round.
    #[must_use]
    pub fn first_leaf(&self) -> Digest {
        let of = (self.spec.as_ref(), self.round);
        verification::job_digest_of(of, &self.device, &self.base_digest, &self.shards())
    }
}

/// Progress and speed of a computation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Progress and loss.
    pub step: StepReport,
    /// Average speed in this round so far.
    pub tokens_per_second: u32,
}
