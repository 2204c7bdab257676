use abi::{
    TrainingRuns::Verdict,
    statement::{self, Found},
};

/// The bytes that devices sign: a signature of this version must be valid in later ones.
#[test]
fn statements() {
    let [device, subject, seal, update, value] = [1, 2, 3, 4, 7].map(|byte| [byte; 32]);
    let account = [8; 20];
    let statements = [
        ("link", statement::link(9, &device, &account, 10)),
        ("enroll", statement::enroll(9, 11, &device, 12)),
        ("leave", statement::leave(9, 11, &device, 12)),
        ("commit", statement::commit(9, 11, 12, &seal, &update)),
        ("verdict opened", statement::verdict(9, 11, 12, &subject, Verdict::Opened, &value)),
        ("verdict mismatch", statement::verdict(9, 11, 12, &subject, Verdict::Mismatch, &value)),
        (
            "verdict unavailable",
            statement::verdict(9, 11, 12, &subject, Verdict::Unavailable, &[0; 32]),
        ),
        ("ruling replayed", statement::ruling(9, 11, 12, &subject, &Found::replayed(seal, update))),
        ("ruling unavailable", statement::ruling(9, 11, 12, &subject, &Found::unavailable())),
        ("ruling differs", statement::ruling(9, 11, 12, &subject, &Found::differs(13))),
    ];
    let text: String =
        statements.map(|(name, bytes)| format!("{name}\n{}\n", golden::hex(&bytes))).concat();
    golden::check!("statements.txt", &text);
}
