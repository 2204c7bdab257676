//! How large the content of a run is at most, so that nobody has to accept more.

use crate::RunSpec;

/// Returns the largest size in bytes of a device's encoded update of this round.
#[must_use]
pub fn update_size_max(spec: &RunSpec, round: u32) -> u64 {
    bytes(compression::encoded_size_max(spec.model.parameter_count(), spec.format(round)))
}

/// Returns the largest size in bytes of an encoded outer update.
#[must_use]
pub fn outer_update_size_max(spec: &RunSpec) -> u64 {
    bytes(compression::encoded_size_max(spec.model.parameter_count(), spec.format_down()))
}

/// Returns the size in bytes of a state: 4 for each parameter.
#[must_use]
pub fn state_size(spec: &RunSpec) -> u64 {
    bytes(spec.model.parameter_count()).saturating_mul(4)
}

fn bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
