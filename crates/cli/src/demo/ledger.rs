//! The demo's ledger: a node in this process, used over its RPC like any other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use abi::convert;
use alloy_signer_local::PrivateKeySigner;
use anyhow::Context as _;
use coordinator::Project;
use ledger_client::Ledger;
use model::instructions::Isa;
use node::{HoldersView, Node, NodeConfig, OpenError};
use store::StoreError;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use units::{AccountId, Digest, UnixSeconds, Wei};

use super::{Chain, Folder, govern::JumpingClock};
use crate::genesis::{CHAIN_ID_DEFAULT, founding, genesis};
use crate::offices::{self, Limits};
use crate::output::Output;

/// Funds of the trainer for fees, in addition to the deposit.
const FEES: u128 = 1_000_000_000_000_000_000_000;

/// How long the referee waits for the node.
const REFEREE_PATIENCE: Duration = Duration::from_secs(60);

/// A node, its RPC server, and the trainer's key.
pub(super) struct DemoLedger {
    node: Node,
    server: rpc::Handle,
    trainer: PrivateKeySigner,
}

/// What a demo needs of its ledger beyond the usual.
#[derive(Default)]
pub(super) struct Play {
    /// A clock that can jump.
    pub(super) clock: Option<Arc<JumpingClock>>,
    /// What accounts have from the beginning, besides the trainer.
    pub(super) funds: BTreeMap<AccountId, Wei>,
}

/// Opens the folder's ledger, or creates one in which the trainer can pay for the project.
pub(super) async fn start(
    folder: &Folder,
    project: &Project,
    play: Play,
) -> anyhow::Result<DemoLedger> {
    let trainer = folder.trainer()?;
    let path = folder.path().join("ledger");
    let begin = |genesis| {
        let founding = founding();
        let mut config = NodeConfig { founding, ..NodeConfig::new(&path, genesis) };
        if let Some(clock) = &play.clock {
            config.clock = clock.clone();
        }
        Node::open(config)
    };
    let node = match begin(None) {
        Err(OpenError::Store(StoreError::Empty { .. })) => {
            let deposit = project
                .terms(Digest::ZERO)?
                .required_deposit()
                .context("the cost of the terms overflows")?;
            let funds =
                deposit.checked_add(Wei::new(FEES)).context("the cost of the terms overflows")?;
            let account = convert::account(trainer.address());
            let now = UnixSeconds::new(super::now());
            let mut all = play.funds;
            all.insert(account, funds);
            begin(Some(genesis(CHAIN_ID_DEFAULT, now, &all)))
        }
        node => node,
    };
    let node = node.context("the demo's ledger does not start")?;
    let server =
        rpc::serve(node.clone(), ([127, 0, 0, 1], 0).into(), rpc::Options::STANDARD).await?;
    Ok(DemoLedger { node, server, trainer })
}

impl DemoLedger {
    /// Returns the node's address.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.server.local_addr())
    }

    /// Returns the trainer's key.
    pub(super) fn trainer_key(&self) -> &PrivateKeySigner {
        &self.trainer
    }

    /// Returns a connection that signs as the trainer.
    pub(super) async fn client(&self, patience: Duration) -> anyhow::Result<Ledger> {
        self.client_of(self.trainer.clone(), patience).await
    }

    /// Returns a connection that signs with a key of the demo.
    pub(super) async fn client_of(
        &self,
        key: PrivateKeySigner,
        patience: Duration,
    ) -> anyhow::Result<Ledger> {
        Ok(Ledger::connect(&self.url(), Some(key), patience).await?)
    }

    /// Starts the referee with the node's key.
    pub(super) async fn referee(
        &self,
        folder: &Folder,
        isa: Isa,
        stop: watch::Receiver<bool>,
        output: Output,
    ) -> anyhow::Result<JoinHandle<()>> {
        let client = Ledger::connect(&self.url(), None, REFEREE_PATIENCE).await?;
        let (key, shards) = (folder.path().join("ledger/node.key"), folder.path().join("referee"));
        let resources = Limits::MODEST.resources(shards, isa);
        offices::referee(&key, resources, client, stop, output)
    }

    /// Returns how concentrated GRAIN is.
    pub(super) fn holders(&self) -> anyhow::Result<HoldersView> {
        Ok(self.node.holders()?)
    }

    /// Returns the newest block.
    pub(super) fn head(&self) -> Chain {
        let head = self.node.head();
        Chain { height: head.number, state_root: head.state_root.to_string() }
    }

    /// Finishes the block in progress and releases the folder.
    pub(super) async fn stop(self) {
        self.server.stop().await;
        let node = self.node;
        // It blocks until a thread has ended.
        let _ = tokio::task::spawn_blocking(move || node.shutdown()).await;
    }
}
