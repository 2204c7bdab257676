use super::*;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn honest() -> Submission {
    let update = vec![7; 40];
    let commitment = Commitment { seal: digest(1), update: Digest::of(&update) };
    Submission { commitment, update, leaves: Vec::new(), loss: 1.0, tokens: 40 }
}

#[test]
fn cheats_commit_to_what_they_serve() {
    for behaviour in
        [Behaviour::Poisoned, Behaviour::Garbage, Behaviour::Short, Behaviour::NotANumber]
    {
        let sent = altered(behaviour, honest());
        assert_ne!(sent.update, honest().update, "{behaviour:?}");
        assert_eq!(sent.commitment.update, Digest::of(&sent.update));
        assert_eq!(sent.commitment.seal, digest(1));
    }
}

#[test]
fn colluders_pass_each_others_made_up_work_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let accomplices = Some(folder.path().join("secret"));
    let cheat = |behaviour: Behaviour, accomplices: Option<PathBuf>| Cheat {
        behaviour,
        device: DeviceKey::from_seed(&[1; 32]),
        accomplices,
    };
    let colluder = cheat(Behaviour::Colluder, accomplices);
    let subject = DeviceId::from_bytes([3; 32]);
    let of = |round: u32, subject: DeviceId| {
        let commitment = honest().commitment;
        Case { round, subject, base: Digest::ZERO, commitment }
    };
    assert_eq!(colluder.prejudice(&of(2, subject)), None, "the folder does not exist yet");
    tell(colluder.accomplices.as_deref().unwrap(), (2, &subject), &digest(6)).unwrap();
    let passed = Some(Finding::Passed { root: digest(6) });
    assert_eq!(colluder.prejudice(&of(2, subject)), passed);
    assert_eq!(colluder.prejudice(&of(1, subject)), None);
    assert_eq!(colluder.prejudice(&of(2, DeviceId::from_bytes([4; 32]))), None);
    let alone = cheat(Behaviour::MadeUp, colluder.accomplices.clone());
    assert_eq!(alone.prejudice(&of(2, subject)), None);
    let liar = cheat(Behaviour::FalseAudits, None);
    assert_eq!(liar.prejudice(&of(2, subject)), Some(Finding::Mismatch));
}

#[test]
fn every_behaviour_has_a_name() {
    assert_eq!("colluder".parse(), Ok(Behaviour::Colluder));
    assert_eq!("honest".parse(), Ok(Behaviour::default()));
    let unknown = "lazy".parse::<Behaviour>().unwrap_err().to_string();
    assert!(unknown.contains("colluder"), "{unknown}");
}
