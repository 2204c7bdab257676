//! Specifications, against those that write them.

use issuance::{Specification, SpecificationError};
use model::Config;
use proptest::prelude::*;
use verification::RunSpec;

fn specs() -> impl Strategy<Value = RunSpec> {
    let sizes = (1_usize..6, 1_usize..8, 1_usize..5, 1_usize..300, 1_usize..400);
    let counts = (1_u32..3_000, 0_u32..40, 1_u32..200, 1_u32..200, 1_u32..64);
    (sizes, counts, any::<[u8; 32]>()).prop_map(|(sizes, counts, seed)| {
        let (layers, half, heads, context, hidden) = sizes;
        let (rounds, warmup_rounds, warmup_steps, steps_per_round, batch) = counts;
        let width = 2 * heads * half;
        let model = Config { layers, width, heads, context, vocabulary: 256, hidden };
        let warmup_rounds = warmup_rounds.min(rounds);
        let spec = RunSpec::small(rounds, seed);
        RunSpec { model, warmup_rounds, warmup_steps, steps_per_round, batch, ..spec }
    })
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(spec in specs(), round in 0_u32..50) {
        prop_assert!(spec.validate().is_ok());
        let read = Specification::read(&spec.to_bytes()).unwrap();
        prop_assert_eq!(read.rounds, u64::from(spec.rounds));
        prop_assert_eq!(read.warmup_rounds, u64::from(spec.warmup_rounds));
        prop_assert_eq!(read.tokens(round.into()), spec.tokens(round));
        let operations = u64::try_from(read.operations_per_token()).unwrap();
        #[expect(clippy::cast_precision_loss, reason = "both are small enough to be exact")]
        let operations = operations as f64;
        prop_assert_eq!(operations, spec.model.training_flops(1));
    }

    #[test]
    fn bytes_that_were_changed_are_refused_or_say_something_else(
        spec in specs(),
        at in 0_usize..260,
        byte in any::<u8>(),
    ) {
        let mut bytes = spec.to_bytes();
        let before = Specification::read(&bytes).unwrap();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        // Only digits may be changed, and those of the seed say nothing here.
        let start = bytes.windows(8).position(|window| window == b"\"seed\":\"").unwrap_or(0) + 8;
        let is_seed = (start..start + 64).contains(&at);
        match Specification::read(&bytes) {
            Ok(read) => prop_assert!(byte.is_ascii_digit() || is_seed || read == before && at > 190),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Specification::read(&bytes).is_err());
    }
}

#[test]
fn only_the_canonical_form_is_read() {
    let text = String::from_utf8(RunSpec::small(40, [7; 32]).to_bytes()).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Specification::read(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    for (from, to) in [
        ("{\"model\"", "{ \"model\""),
        ("\"layers\":4", "\"layers\":04"),
        ("\"layers\":4", "\"layers\":4.0"),
        ("\"layers\":4", "\"layers\":4e0"),
        ("\"layers\":4", "\"layers\":-4"),
        ("\"layers\":4", "\"layers\":\"4\""),
        ("\"layers\":4", "\"layers\":"),
        ("\"layers\":4", "\"layers\":4,\"layers\":9"),
        ("\"width\":128", "\"width\":1280000000000000000000"),
        ("\"heads\":4,\"context\":128", "\"context\":128,\"heads\":4"),
        ("\"seed\":\"07", "\"seed\":\"0Z"),
        ("\"seed\":\"07", "\"seed\":\"7"),
    ] {
        assert!(
            matches!(refused(from, to), SpecificationError::NotCanonical { .. }),
            "{from} {to}"
        );
    }
    for (from, to) in [
        ("\"layers\":4", "\"layers\":0"),
        ("\"layers\":4", "\"layers\":1025"),
        ("\"steps_per_round\":16", "\"steps_per_round\":10001"),
        ("\"batch\":8", "\"batch\":4097"),
    ] {
        assert!(matches!(refused(from, to), SpecificationError::OutOfBounds { .. }), "{from} {to}");
    }
    let long = [text.as_bytes(), &vec![b' '; 16 << 10]].concat();
    assert!(Specification::read(&long).is_err(), "longer than any specification");
}
