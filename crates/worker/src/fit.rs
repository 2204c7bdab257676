//! Checks whether a run fits this machine's memory and disk, and chooses how to compute it.

use model::Activations;
use verification::RunSpec;

use crate::{
    holdings::UPDATES_HELD_MAX, participate::Refusal, served::SERVED_MAX, states::STATES_HELD_MAX,
};

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
    /// Number of states, in bytes, that a coordinator that takes the run over may have at a time.
    pub(crate) states_lent: usize,
    /// Number of outer updates kept in memory.
    pub(crate) updates_held: usize,
}

impl Fit {
    /// All ways, from the fastest to the one with the least memory.
    const ALL: [Self; 3] = {
        let most = Self {
            activations: Activations::Keep,
            at_once: 1,
            states_held: STATES_HELD_MAX,
            states_lent: 1,
            updates_held: UPDATES_HELD_MAX,
        };
        let lean = Self { activations: Activations::Recompute, states_held: 2, ..most };
        [most, lean, Self { states_held: 1, states_lent: 0, updates_held: 1, ..lean }]
    };

    /// Returns the fastest way with which the whole process, audits included, needs at most `allowed` bytes.
    pub(crate) fn choose(spec: &RunSpec, threads: usize, allowed: u64) -> Result<Self, Refusal> {
        let fit = Self::ALL.into_iter().find(|fit| fit.needed(spec, threads) <= allowed);
        let [.., leanest] = &Self::ALL;
        fit.ok_or_else(|| Refusal::TooLarge { needed: leanest.needed(spec, threads), allowed })
    }

    /// Returns the same way with as many computations at a time as `allowed` bytes permit, at most `at_once_max`.
    pub(crate) fn widened(
        self,
        (spec, threads): (&RunSpec, usize),
        allowed: u64,
        at_once_max: usize,
    ) -> Self {
        let at = |at_once: usize| Self { at_once, ..self };
        // A machine with little memory does one thing at a time.
        let most = if self.activations == Activations::Keep { at_once_max.max(1) } else { 1 };
        let fits = |way: &Self| way.needed(spec, threads) <= allowed;
        (1..=most).rev().map(at).find(fits).unwrap_or(at(1))
    }

    /// Returns the memory of one computation with its states, in bytes: what it takes beside those of other runs.
    pub(crate) fn replay_bytes(&self, spec: &RunSpec, threads: usize) -> u64 {
        let one = Self { at_once: 1, ..*self };
        one.needed(spec, threads).saturating_sub(PROCESS_BYTES)
    }

    /// Returns the memory of the process, in bytes.
    fn needed(&self, spec: &RunSpec, threads: usize) -> u64 {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let shards = u64::from(spec.shards_per_round).saturating_mul(SHARD_SIZE);
        let computing = spec.training_bytes(threads, self.activations).saturating_add(shards);
        let states = count(self.states_held.saturating_add(self.states_lent));
        let states = verification::state_size(spec).saturating_mul(states);
        // Of rounds after the warm-up; the updates of warm-up rounds are served for a short time only.
        let update = verification::update_size_max(spec, spec.rounds.saturating_sub(1));
        let served = update.saturating_mul(count(SERVED_MAX));
        let outer = verification::outer_update_size_max(spec);
        let held = outer.saturating_mul(count(self.updates_held));
        [PROCESS_BYTES, computing.saturating_mul(count(self.at_once)), states, served, held]
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
    fn as_many_computations_as_memory_and_threads_permit() {
        let spec = RunSpec::small(24, [7; 32]);
        let fit = Fit::choose(&spec, 4, 1 << 40).unwrap();
        let widened = |allowed, most| fit.widened((&spec, 4), allowed, most).at_once;
        assert_eq!((widened(1 << 40, 5), widened(1 << 40, 1)), (5, 1));
        for most in 1..6 {
            let whole = Fit { at_once: most, ..fit }.needed(&spec, 4);
            assert_eq!(widened(whole, 5), most.min(5));
            assert_eq!(widened(whole - 1, 5), most.max(2) - 1, "the owner's limit holds");
        }
        let lean = Fit { activations: Activations::Recompute, states_held: 1, ..fit };
        assert_eq!(lean.widened((&spec, 4), 1 << 40, 5).at_once, 1);
        assert!(lean.replay_bytes(&spec, 4) < fit.replay_bytes(&spec, 4));
        assert!(fit.replay_bytes(&spec, 4) < fit.needed(&spec, 4));
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
