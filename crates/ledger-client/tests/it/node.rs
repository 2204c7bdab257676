//! Tests against a real node over its real interface.

use std::{net::SocketAddr, path::Path};

use abi::{TRAINING_RUNS, TrainingRuns, convert::device_word, signed::Signer};
use alloy_primitives::{Address, U256, bytes};
use execution::{BaseFeeRule, Genesis, GenesisAccount};
use ledger_client::{Announcement, Ledger, LedgerError};
use ledger_views::{
    Ask as _, ViewError, devices,
    runs::{self, RunEvent, RunPhase},
};
use node::{Founding, Node, NodeConfig};
use training_run::Effect;
use units::{AccountId, Digest, Wei};
use wallet::DeviceKey;

use crate::{
    runs::terms,
    stub::{CHAIN_ID, PATIENT, signer, someone},
};

/// Where there is some code.
pub(crate) const CONTRACT: Address = Address::repeat_byte(0xc0);

const GRAIN: u128 = 1_000_000_000_000_000_000;

pub(crate) struct Running {
    pub(crate) node: Node,
    server: rpc::Handle,
}

impl Running {
    pub(crate) async fn start(folder: &Path, address: SocketAddr) -> Self {
        let rich = GenesisAccount { balance: U256::from(100 * GRAIN), ..GenesisAccount::default() };
        let code = bytes!("60005f5260");
        let contract = GenesisAccount { code, ..GenesisAccount::default() };
        let genesis = Genesis {
            chain_id: CHAIN_ID,
            timestamp: 1_000,
            gas_limit: 30_000_000,
            base_fee: BaseFeeRule {
                initial: 1_000,
                minimum: 7,
                change_denominator: 8,
                elasticity: 2,
            },
            fee_recipient: Address::repeat_byte(0xbe),
            commitment: 2,
            revisions: execution::Schedule::FIRST,
            referees: None,
            price_reporters: None,
            accounts: [(signer().address(), rich), (CONTRACT, contract)].into(),
        };
        let founding = Founding::Solo { relay_funds: U256::from(GRAIN) };
        // A founded ledger has more in its first block than the given genesis state.
        let genesis = (!folder.join("ledger.redb").exists()).then_some(genesis);
        let config = NodeConfig { founding, ..NodeConfig::new(folder, genesis) };
        let node = Node::open(config).unwrap();
        let server = rpc::serve(node.clone(), address, rpc::Options::STANDARD).await.unwrap();
        Self { node, server }
    }

    pub(crate) async fn stop(self) -> SocketAddr {
        let address = self.server.local_addr();
        self.server.stop().await;
        tokio::task::spawn_blocking(move || self.node.shutdown()).await.unwrap();
        address
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        Ledger::connect(&format!("http://{}", self.server.local_addr()), Some(signer()), PATIENT)
            .await
            .unwrap()
    }
}

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[tokio::test(flavor = "multi_thread")]
async fn value_moves_and_a_restart_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), any_port()).await;
    let ledger = running.ledger().await;
    assert_eq!(ledger.chain_id(), CHAIN_ID);
    let sender = ledger.account().unwrap();
    let receipt = ledger.transfer(&someone(), Wei::new(3 * GRAIN)).await.unwrap();
    assert_eq!((receipt.height, receipt.gas), (1, 21_000));
    assert_eq!(ledger.balance(&someone()).await.unwrap(), Wei::new(3 * GRAIN));
    let spent = Wei::new(3 * GRAIN).checked_add(receipt.fee).unwrap();
    assert_eq!(
        ledger.balance(&sender).await.unwrap(),
        Wei::new(100 * GRAIN).checked_sub(spent).unwrap()
    );
    assert_eq!(ledger.head().await.unwrap().height, 1);

    let refused = ledger.transfer(&someone(), Wei::new(1000 * GRAIN)).await.unwrap_err();
    assert!(matches!(refused, LedgerError::Rejected { .. }), "{refused:?}");

    let address = running.stop().await;
    let to = someone();
    let (sent, again) =
        tokio::join!(ledger.transfer(&to, Wei::new(GRAIN)), Running::start(folder.path(), address));
    assert_eq!(sent.unwrap().height, 2);
    assert_eq!(ledger.balance(&someone()).await.unwrap(), Wei::new(4 * GRAIN));
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_opened_worked_on_and_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), any_port()).await;
    let ledger = running.ledger().await;
    let terms = terms();
    let deposit = runs::required_deposit(&ledger, &terms).await.unwrap();
    assert_eq!(deposit, terms.required_deposit().unwrap());
    let announcement =
        Announcement { coordinator: key(9).device(), endpoint: "127.0.0.1:9".to_owned() };
    let auditor = key(9).device();
    let named = ("a poem", &auditor);
    let less = deposit.checked_sub(Wei::new(1)).unwrap();
    let refused = ledger.open_run(&terms, named, &announcement, less).await.unwrap_err();
    assert!(refused.refusal::<TrainingRuns::BudgetTooSmall>().is_some(), "{refused:?}");

    let run = ledger.open_run(&terms, named, &announcement, deposit).await.unwrap().run;
    assert_eq!((run, runs::count(&ledger).await.unwrap()), (1, 1));
    assert_eq!(runs::terms(&ledger, run).await.unwrap(), terms);
    for number in [1, 2] {
        take_seat(&ledger, run, &key(number), AccountId::from_bytes([number; 20])).await;
    }
    let summary = runs::run(&ledger, run).await.unwrap();
    assert!(matches!(summary.phase, RunPhase::Training { .. }), "{summary:?}");
    assert_eq!(
        (summary.name.as_str(), summary.seats_active, summary.deposited),
        ("a poem", 2, deposit)
    );

    let receipt = ledger.relay(&[signed(run, &key(1)), signed(run, &key(2))]).await.unwrap();
    let is_closed = |event: &RunEvent| {
        matches!(event, RunEvent::Followed(Effect::RoundClosed { round: 0, commitments: 2 }))
    };
    let events = receipt.events().unwrap();
    assert_eq!(events.iter().filter(|(_, event)| is_closed(event)).count(), 1);
    let refused = ledger.submit_statement(TRAINING_RUNS, &signed(run, &key(1))).await.unwrap_err();
    assert!(refused.refusal::<TrainingRuns::NoRoundOpen>().is_some(), "{refused:?}");
    let seats = runs::seats(&ledger, run).await.unwrap();
    assert_eq!(seats[0].device, key(1).device());
    assert_eq!(runs::open_rounds(&ledger, run).await.unwrap()[0].round, 0);

    ledger
        .advance(run, 0, (&Digest::from_bytes([7; 32]), &Digest::from_bytes([8; 32])))
        .await
        .unwrap();
    ledger.draw(run, 0).await.unwrap();
    assert_eq!(
        runs::audits(&ledger, run).await.unwrap().len(),
        2,
        "a first commitment is always audited"
    );
    ledger.cancel(run).await.unwrap();
    let height = ledger.head().await.unwrap().height;
    let events = runs::events(&ledger, run, 0..=height).await.unwrap();
    assert!(matches!(events.first().unwrap().event, RunEvent::Opened { .. }));
    assert!(
        events.iter().any(|event| matches!(event.event, RunEvent::Followed(Effect::Cancelled)))
    );
    assert!(matches!(runs::run(&ledger, 99).await, Err(ViewError::Refused { .. })));
    running.stop().await;
}

pub(crate) async fn take_seat(ledger: &Ledger, run: u64, key: &DeviceKey, account: AccountId) {
    let device = key.device();
    let statement = abi::statement::link(CHAIN_ID, device.as_bytes(), account.as_bytes(), 1);
    ledger.link_device(&device, &account, 1, &key.sign(&statement)).await.unwrap();
    assert_eq!(devices::link(ledger, &device).await.unwrap().account, Some(account));
    ledger.relay(&[with(key, |signer| signer.enroll(run, 1))]).await.unwrap();
}

/// Returns a commitment of a device to round 0.
pub(crate) fn signed(run: u64, key: &DeviceKey) -> Vec<u8> {
    with(key, |signer| signer.commit(run, 0, [2; 32], [3; 32]))
}

/// Returns what a device signs.
pub(crate) fn with(key: &DeviceKey, sign: impl FnOnce(Signer<'_>) -> Vec<u8>) -> Vec<u8> {
    let (device, sign_bytes) = (device_word(key.device()), |bytes: &[u8]| key.sign(bytes));
    sign(Signer { device, chain_id: CHAIN_ID, sign: &sign_bytes })
}

pub(crate) fn key(number: u8) -> DeviceKey {
    DeviceKey::from_seed(&[number; 32])
}
