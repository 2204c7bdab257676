//! Compares a run's specification with its terms.
//!
//! The specification says what a device computes, the terms what it is paid for. The ledger sees only the digest of
//! the specification, so that the two agree is for each device to check, before it takes part.

use thiserror::Error;
use training_run::Terms;
use verification::RunSpec;

/// The specification asks for something else than the terms pay for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the terms say {field} = {paid}, the specification asks for {computed}")]
pub struct Contradiction {
    /// The field of the terms.
    pub field: &'static str,
    /// Its value in the terms.
    pub paid: u64,
    /// What follows from the specification.
    pub computed: u64,
}

/// Returns the first field in which terms and specification differ.
pub(crate) fn contradiction(spec: &RunSpec, terms: &Terms) -> Option<Contradiction> {
    let has_warmup = spec.warmup_rounds > 0;
    let has_ordinary = spec.warmup_rounds < spec.rounds;
    let fields = [
        (true, "rounds", u64::from(terms.rounds), u64::from(spec.rounds)),
        (true, "warmup_rounds", u64::from(terms.warmup_rounds), u64::from(spec.warmup_rounds)),
        // A field that no round uses says nothing.
        (has_warmup, "warmup_tokens_per_round", terms.warmup_tokens_per_round, spec.tokens(0)),
        (has_ordinary, "tokens_per_round", terms.tokens_per_round, spec.tokens(spec.warmup_rounds)),
    ];
    let differing =
        fields.into_iter().find(|(is_used, _, paid, computed)| *is_used && paid != computed);
    differing.map(|(_, field, paid, computed)| Contradiction { field, paid, computed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{Bps, Digest, Wei};

    fn agreeing(spec: &RunSpec) -> Terms {
        Terms {
            rounds: spec.rounds,
            warmup_rounds: spec.warmup_rounds,
            tokens_per_round: spec.tokens(spec.warmup_rounds),
            warmup_tokens_per_round: spec.tokens(0),
            price_per_token: Wei::new(5),
            audit_rate: Bps::new(1000).unwrap(),
            audit_pay: Bps::new(1000).unwrap(),
            quorum: Bps::new(5000).unwrap(),
            seats_min: 2,
            seats_max: 8,
            round_seconds: 60,
            audit_seconds: 60,
            stall_seconds: 600,
            hold_back_rounds: 3,
            spec: spec.digest(),
            corpus: Digest::ZERO,
            initial_state: Digest::ZERO,
        }
    }

    #[test]
    fn terms_that_pay_for_other_work_contradict() {
        let spec = RunSpec::small(24, [7; 32]);
        let terms = agreeing(&spec);
        assert_eq!(contradiction(&spec, &terms), None);
        // 16 steps of 8 windows of 128 tokens are paid like one token.
        let trap = Terms { tokens_per_round: 1, ..terms.clone() };
        let found = contradiction(&spec, &trap).unwrap();
        assert_eq!(
            found.to_string(),
            "the terms say tokens_per_round = 1, the specification asks for 16384"
        );
        let trap = Terms { warmup_tokens_per_round: spec.tokens(0) - 1, ..terms.clone() };
        assert_eq!(contradiction(&spec, &trap).unwrap().field, "warmup_tokens_per_round");
        let trap = Terms { warmup_rounds: terms.warmup_rounds + 1, ..terms.clone() };
        assert_eq!(contradiction(&spec, &trap).unwrap().field, "warmup_rounds");
        let trap = Terms { rounds: terms.rounds + 1, ..terms.clone() };
        assert_eq!(contradiction(&spec, &trap).unwrap().field, "rounds");
        // More than the work is no contradiction that a device would suffer from, but the terms must say what is done.
        let odd = Terms { tokens_per_round: terms.tokens_per_round + 1, ..terms };
        assert!(contradiction(&spec, &odd).is_some());
    }

    #[test]
    fn a_field_that_no_round_uses_is_not_compared() {
        let spec = RunSpec { warmup_rounds: 0, ..RunSpec::small(4, [7; 32]) };
        let terms = Terms { warmup_tokens_per_round: 1, ..agreeing(&spec) };
        assert_eq!(contradiction(&spec, &terms), None);
        let spec = RunSpec { warmup_rounds: 4, ..RunSpec::small(4, [7; 32]) };
        let terms = Terms { tokens_per_round: 1, ..agreeing(&spec) };
        assert_eq!(contradiction(&spec, &terms), None);
    }
}
