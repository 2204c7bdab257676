//! Statements of devices through a node: no account, no gas.

use abi::{DEVICES, Devices, TRAINING_RUNS};
use ledger_client::{Announcement, Ledger, LedgerError};
use ledger_views::{devices, runs};
use units::AccountId;

use crate::{
    node::{Running, any_port, key, signed, with},
    runs::terms,
    stub::PATIENT,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_takes_part_with_a_connection_that_has_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), any_port()).await;
    let owner = running.ledger().await;
    let announcement =
        Announcement { coordinator: key(9).device(), endpoint: "127.0.0.1:9".to_owned() };
    let (terms, auditor) = (terms(), key(9).device());
    let deposit = terms.required_deposit().unwrap();
    let run = owner.open_run(&terms, ("oats", &auditor), &announcement, deposit).await.unwrap().run;

    let ledger = Ledger::connect(owner.url(), None, PATIENT).await.unwrap();
    let bring = async |to, statement: Vec<u8>| {
        let hash = ledger.submit_statement(to, &statement).await.unwrap();
        running.node.wait_for(hash).await.unwrap();
    };
    for number in [1, 2] {
        let account = AccountId::from_bytes([number; 20]);
        let device = key(number);
        bring(DEVICES, with(&device, |signer| signer.link(*account.as_bytes(), 1))).await;
        let link = devices::link(&ledger, &device.device()).await.unwrap();
        assert_eq!(link.account, Some(account));
        bring(TRAINING_RUNS, with(&device, |signer| signer.enroll(run, 1))).await;
    }
    bring(TRAINING_RUNS, signed(run, &key(1))).await;
    let seats = runs::seats(&ledger, run).await.unwrap();
    assert_eq!((seats[0].committed, seats[1].committed), (true, false));

    let again = with(&key(1), |signer| signer.link([1; 20], 1));
    let refused = ledger.submit_statement(DEVICES, &again).await.unwrap_err();
    assert_eq!(refused.refusal::<Devices::StaleNonce>().unwrap().expected, 2);
    assert!(refused.to_string().contains("signed an old link"), "{refused}");
    let none = ledger.submit_statement(DEVICES, &[1, 2, 3, 4]).await.unwrap_err();
    assert!(matches!(none, LedgerError::Rejected { .. }), "{none:?}");
    running.stop().await;
}
