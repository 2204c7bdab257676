//! Row 6 on the programs of commit 6f1cecb, whose coordinator `thief.patch` makes dishonest: it fetches each update as soon as the worker names it, and brings no
//! commitment to the ledger. The workers are those of that commit. The test passes when the attack succeeds.

use crate::field::{Field, project};

#[test]
fn a06_the_trainer_takes_updates_without_their_commitments() {
    let field = Field::new(&project(3, ""));
    let mut train = field.train();
    train.until("is open");
    let workers = [field.join(1, &[]), field.join(2, &[])];
    train.until("has an update of");
    let url = field.node.url.clone();
    let committed = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let patience = std::time::Duration::from_secs(5);
        let ledger = ledger_client::Ledger::connect(&url, None, patience).await.unwrap();
        let seats = ledger_views::runs::seats(&ledger, 1).await.unwrap();
        seats.iter().filter(|seat| seat.committed).count()
    });
    println!("a06: the trainer has an update; commitments on the ledger: {committed}");
    assert_eq!(committed, 0);
    drop(workers);
}
