use super::*;

fn small() -> RunSpec {
    RunSpec::small(24, [7; 32])
}

#[test]
fn a_specification_round_trips() {
    let spec = small();
    spec.validate().unwrap();
    let bytes = spec.to_bytes();
    assert_eq!(RunSpec::from_bytes(&bytes).unwrap(), spec);
    assert_eq!(spec.digest(), RunSpec::from_bytes(&bytes).unwrap().digest());
    let other = RunSpec { seed: Seed([8; 32]), ..spec.clone() };
    assert_ne!(other.digest(), spec.digest());
    let muon = RunSpec { optimizer: InnerKind::Muon, ..spec.clone() };
    assert_ne!(muon.digest(), spec.digest());
    assert!(String::from_utf8(muon.to_bytes()).unwrap().contains("\"optimizer\":\"muon\""));
    assert_eq!(RunSpec::from_bytes(&muon.to_bytes()).unwrap(), muon);
}

#[test]
fn only_the_canonical_form_is_read() {
    let text = String::from_utf8(small().to_bytes()).unwrap();
    let refused = |text: &str| RunSpec::from_bytes(text.as_bytes()).unwrap_err();
    assert!(matches!(refused(&text.replacen(',', ", ", 1)), SpecError::NotCanonical));
    assert!(matches!(
        refused(&text.replace("\"clip_norm\":1.0", "\"clip_norm\":1")),
        SpecError::NotCanonical
    ));
    assert!(matches!(
        refused(&text.replacen('{', "{\"extra\":1,", 1)),
        SpecError::Unreadable { .. }
    ));
    assert!(matches!(refused(&text[..text.len() - 1]), SpecError::Unreadable { .. }));
    assert!(matches!(refused(&text.replace("\"0707", "\"07x7")), SpecError::Unreadable { .. }));
    assert!(matches!(refused(&" ".repeat(SPEC_SIZE_MAX + 1)), SpecError::Unreadable { .. }));
}

#[test]
fn bounds_are_named() {
    let check = |field: &str, change: &dyn Fn(&mut RunSpec)| {
        let mut spec = small();
        change(&mut spec);
        let message = spec.validate().unwrap_err().to_string();
        assert!(message.contains(field), "{message}");
        assert!(RunSpec::from_bytes(&spec.to_bytes()).is_err());
    };
    check("model.vocabulary", &|spec| spec.model.vocabulary = 128);
    check("rounds is 0", &|spec| spec.rounds = 0);
    check("warmup_rounds", &|spec| spec.warmup_rounds = spec.rounds + 1);
    check("steps_per_round", &|spec| spec.steps_per_round = 0);
    check("batch", &|spec| spec.batch = u32::MAX);
    check("density_per_chunk", &|spec| spec.density_per_chunk = 4097);
    check("bits_per_value", &|spec| spec.bits_per_value = 5);
    check("warmup_bits_per_value", &|spec| spec.warmup_bits_per_value = 0);
    check("learning_rate", &|spec| spec.learning_rate = 0.0);
    check("outer_momentum", &|spec| spec.outer_momentum = 1.5);
    check("weight_decay is -0", &|spec| spec.weight_decay = -0.0);
}

#[test]
fn nan_is_refused() {
    for bad in [f32::NAN, f32::INFINITY] {
        let spec = RunSpec { clip_norm: bad, ..small() };
        assert!(spec.validate().is_err());
        assert!(RunSpec::from_bytes(&spec.to_bytes()).is_err());
    }
}

#[test]
fn steps_add_up() {
    let spec = RunSpec { warmup_rounds: 2, warmup_steps: 5, steps_per_round: 20, ..small() };
    let sums: Vec<u32> = (0..=spec.rounds).map(|round| spec.steps_before(round)).collect();
    assert_eq!(sums[..5], [0, 5, 10, 30, 50]);
    assert_eq!(sums.last(), Some(&spec.steps_total()));
    assert_eq!(spec.tokens(0), 5 * spec.tokens_per_step());
    assert_eq!(spec.tokens(2), 20 * spec.tokens_per_step());
}

#[test]
fn segments_end_with_the_round() {
    let ends = |steps, segments| {
        let spec = RunSpec { warmup_rounds: 0, steps_per_round: steps, segments, ..small() };
        spec.segment_ends(0)
    };
    assert_eq!(ends(20, 4), [5, 10, 15, 20]);
    assert_eq!(ends(7, 3), [2, 4, 7]);
    assert_eq!(ends(2, 5), [1, 2]);
}

#[test]
fn every_leaf_stands_for_a_part_of_the_round() {
    let spec = RunSpec { warmup_rounds: 0, steps_per_round: 7, segments: 3, ..small() };
    let parts: Vec<String> =
        (0..9).map_while(|leaf| spec.part(0, leaf)).map(|part| part.to_string()).collect();
    assert_eq!(
        parts,
        [
            "the inputs",
            "segment 1 of 3 (steps 1 to 2)",
            "segment 2 of 3 (steps 3 to 4)",
            "segment 3 of 3 (steps 5 to 7)",
            "the update",
        ]
    );
}
