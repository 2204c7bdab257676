//! Checks whether a run fits this machine's memory and disk, and chooses how to compute it.

use model::Activations;
use verification::RunSpec;

use crate::{participate::Refusal, served::SERVED_MAX, states::STATES_HELD_MAX};

/// Memory of the process without any run: its code, threads, connections and their buffers. Measured, see
/// `docs/measurements.md`.
const PROCESS_BYTES: u64 = 64 << 20;

/// Largest size of a shard, as this program cuts a corpus.
const SHARD_SIZE: u64 = 64 << 10;

/// How a run's rounds are computed within the allowed memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Whether activations are kept for the backward pass.
    pub(crate) activations: Activations,
    /// Number of computations at a time: the own round, and audits of others.
    pub(crate) at_once: usize,
    /// Number of base states kept in memory.
    pub(crate) states_held: usize,
}

impl Fit {
    /// All ways, from the fastest to the one with the least memory.
    const ALL: [Self; 4] = [
        Self { activations: Activations::Keep, at_once: 2, states_held: STATES_HELD_MAX },
        Self { activations: Activations::Keep, at_once: 1, states_held: STATES_HELD_MAX },
        Self { activations: Activations::Recompute, at_once: 1, states_held: 2 },
        Self { activations: Activations::Recompute, at_once: 1, states_held: 1 },
    ];

    /// Returns the fastest way with which the whole process, audits included, needs at most `allowed` bytes.
    pub(crate) fn choose(spec: &RunSpec, threads: usize, allowed: u64) -> Result<Self, Refusal> {
        let fit = Self::ALL.into_iter().find(|fit| fit.needed(spec, threads) <= allowed);
        let [.., leanest] = &Self::ALL;
        fit.ok_or_else(|| Refusal::TooLarge { needed: leanest.needed(spec, threads), allowed })
    }

    /// Returns the memory of the process, in bytes.
    fn needed(&self, spec: &RunSpec, threads: usize) -> u64 {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let shards = u64::from(spec.shards_per_round).saturating_mul(SHARD_SIZE);
        let computing = spec.training_bytes(threads, self.activations).saturating_add(shards);
        let states = verification::state_size(spec).saturating_mul(count(self.states_held));
        // Of rounds after the warm-up; the updates of warm-up rounds are served for a short time only.
        let update = verification::update_size_max(spec, spec.rounds.saturating_sub(1));
        let served = update.saturating_mul(count(SERVED_MAX));
        [PROCESS_BYTES, computing.saturating_mul(count(self.at_once)), states, served]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// The disk space that a run needs at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Bytes of the shards of one round.
    pub(crate) disk: u64,
}

impl Needs {
    pub(crate) fn of(spec: &RunSpec) -> Self {
        Self { disk: u64::from(spec.shards_per_round).saturating_mul(SHARD_SIZE) }
    }

    /// # Errors
    /// [`Refusal::TooMuchDisk`] when it needs more than `allowed` bytes.
    pub(crate) fn within(self, allowed: u64) -> Result<(), Refusal> {
        match self.disk <= allowed {
            true => Ok(()),
            false => Err(Refusal::TooMuchDisk { needed: self.disk, allowed }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_way_that_fits_is_chosen() {
        let spec = RunSpec {
            model: model::Config {
                layers: 14,
                width: 768,
                heads: 12,
                context: 512,
                vocabulary: 256,
                hidden: 2048,
            },
            ..RunSpec::small(24, [7; 32])
        };
        assert!((99_000_000..101_000_000).contains(&spec.model.parameter_count()));
        let choose = |allowed: u64| Fit::choose(&spec, 1, allowed);
        let ways: Vec<Fit> = (0..=160).filter_map(|step| choose(step << 28).ok()).fold(
            Vec::new(),
            |mut ways, fit| {
                if ways.last() != Some(&fit) {
                    ways.push(fit);
                }
                ways
            },
        );
        let mut expected = Fit::ALL;
        expected.reverse();
        assert_eq!(ways, expected, "ordered by the memory they need");
        assert!(choose(4 << 30).is_ok(), "a model of 100 million parameters fits 4 GiB");
        let Err(Refusal::TooLarge { needed, allowed }) = choose(1 << 30) else {
            panic!("1 GiB is too little");
        };
        assert!(allowed < needed && choose(needed).is_ok() && choose(needed - 1).is_err());
    }

    #[test]
    fn a_round_needs_the_disk_of_its_shards() {
        let needs = Needs::of(&RunSpec::small(24, [7; 32]));
        assert_eq!(needs.disk, 4 * SHARD_SIZE);
        assert!(needs.within(needs.disk).is_ok());
        assert!(matches!(
            needs.within(needs.disk - 1),
            Err(Refusal::TooMuchDisk { needed, .. }) if needed == needs.disk
        ));
    }
}
