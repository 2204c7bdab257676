//! Row 7 on the programs of commit 6f1cecb, whose coordinator `trap.patch` makes dishonest: the terms that it puts on the ledger pay for one token where
//! the specification asks for sixty-four. The workers are those of that commit. The test passes when the attack succeeds.

use crate::field::{Field, project};

#[test]
fn a07_terms_that_the_specification_contradicts_take_the_work() {
    let field = Field::new(&project(3, "price_per_million_tokens = '900'\n"));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    let report = train.document();
    let credited: Vec<u64> = workers
        .into_iter()
        .map(|worker| worker.document()["projects"][0]["tokens_verified"].as_u64().unwrap())
        .collect();
    // 4 sequences of 32 tokens in each of 3 steps, for 3 rounds.
    let computed = 4 * 32 * 3 * 3;
    println!("a07: each worker computed {computed} tokens; credited: {credited:?}; escrow: {}", report["escrow"]);
    assert_eq!(report["run"]["rounds_completed"], 3);
    assert!(credited.iter().all(|credited| credited * 64 <= computed), "{credited:?}");
}
