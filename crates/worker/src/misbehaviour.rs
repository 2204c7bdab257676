//! How a cheating worker behaves, so that the protection against it can be watched at work (`demo --cheats`).

use units::DeviceId;
use verification::{JobError, Outcome, fabricate};

use crate::work::Assignment;

/// What this worker does with its assignments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// The work it was given.
    #[default]
    Honest,
    /// Made-up updates at no cost: a random direction, which decodes like any other update.
    MadeUp,
}

/// An outcome without the work.
///
/// # Errors
/// What compressing says.
pub(crate) fn made_up(assignment: &Assignment) -> Result<Outcome, JobError> {
    let noise = noise(assignment.base.len(), assignment.round, &assignment.device);
    fabricate(&assignment.spec, assignment.round, &noise, &assignment.memory)
}

/// Deterministic noise, about as large as the change of a real round.
fn noise(length: usize, round: u32, device: &DeviceId) -> Vec<f32> {
    let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 made-up update v1");
    hasher.update(device.as_bytes());
    hasher.update(&round.to_le_bytes());
    let mut bytes = vec![0; length];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.into_iter().map(|byte| (f32::from(byte) - 127.5) * 1e-4).collect()
}
