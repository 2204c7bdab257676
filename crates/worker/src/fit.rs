//! Checks whether a run fits this machine's memory, and chooses how to compute it.

use model::Activations;
use verification::RunSpec;

use crate::participate::Refusal;

/// How a run's rounds are computed within the allowed memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// Whether activations are kept for the backward pass.
    pub(crate) activations: Activations,
    /// Number of computations at a time: the own round, and audits of others.
    pub(crate) at_once: usize,
}

impl Fit {
    /// All ways, from the fastest to the one with the least memory.
    const ALL: [Self; 3] = [
        Self { activations: Activations::Keep, at_once: 2 },
        Self { activations: Activations::Keep, at_once: 1 },
        Self { activations: Activations::Recompute, at_once: 1 },
    ];

    /// Returns the fastest way that needs at most `allowed` bytes.
    pub(crate) fn choose(spec: &RunSpec, threads: usize, allowed: u64) -> Result<Self, Refusal> {
        let needed = |fit: &Self| {
            let one = spec.training_bytes(threads, fit.activations);
            one.saturating_mul(u64::try_from(fit.at_once).unwrap_or(u64::MAX))
        };
        let fit = Self::ALL.into_iter().find(|fit| needed(fit) <= allowed);
        let [.., leanest] = &Self::ALL;
        fit.ok_or_else(|| Refusal::TooLarge { needed: needed(leanest), allowed })
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
        let ways: Vec<Fit> =
            (0..=40).filter_map(|gib| choose(gib << 30).ok()).fold(Vec::new(), |mut ways, fit| {
                if ways.last() != Some(&fit) {
                    ways.push(fit);
                }
                ways
            });
        let [quickest, middle, leanest] = Fit::ALL;
        assert_eq!(ways, [leanest, middle, quickest], "ordered by the memory they need");
        assert!(choose(4 << 30).is_ok(), "a model of 100 million parameters fits 4 GiB");
        let Err(Refusal::TooLarge { needed, allowed }) = choose(1 << 30) else {
            panic!("1 GiB is too little");
        };
        assert!(allowed < needed && choose(needed).is_ok() && choose(needed - 1).is_err());
    }
}
