//! The machine of the node: a real node on a data directory, which crashes and starts again.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alloy_primitives::U256;
use anyhow::Context as _;
use execution::Genesis;
use node::{Clock, Founding, Node, NodeConfig, Production};
use rpc::{Blocking, LocalServer, Options};
use tokio::time::{Instant, sleep};

use crate::watched::Watched;

/// Time of the genesis block, in Unix seconds.
pub(crate) const GENESIS_TIME: u64 = 1_800_000_000;

/// Balance of the node's relay account, in the smallest unit.
const RELAY_FUNDS: u128 = 100_000_000_000_000_000_000;

/// How often the node looks for something to do: the time for which the first transaction of a block waits for others.
const STEP: Duration = Duration::from_millis(100);

/// Largest number of answers that are remembered until the next block.
const ANSWERS_MAX: usize = 4_096;

/// Methods whose answers at the head are the same until the next block.
const LASTING: [&[u8]; 3] = [b"\"eth_call\"", b"\"eth_getLogs\"", b"\"eth_getBlockByNumber\""];

/// Virtual time as the wall clock of the ledger.
#[derive(Debug)]
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> u64 {
        GENESIS_TIME + self.0.elapsed().as_secs()
    }
}

/// The machine. Who asks it while it is down gets no answer.
pub(crate) struct NodeHost {
    directory: PathBuf,
    clock: Arc<VirtualClock>,
    running: Mutex<Option<Running>>,
    /// Number of crashes.
    crashes: Watched<u32>,
}

#[derive(Clone)]
struct Running {
    node: Node,
    server: LocalServer,
    answers: Arc<Mutex<Answers>>,
}

/// Answers to reads of the head. The ledger is the same until the next block, so are they.
#[derive(Default)]
struct Answers {
    height: u64,
    of: BTreeMap<Vec<u8>, String>,
}

impl fmt::Debug for NodeHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NodeHost").field("directory", &self.directory).finish()
    }
}

impl NodeHost {
    /// Creates the ledger, with the node's key, and starts the node.
    pub(crate) fn found(
        directory: PathBuf,
        key: [u8; 32],
        genesis: Genesis,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("node.key"), alloy_primitives::hex::encode(key))?;
        let clock = Arc::new(VirtualClock(Instant::now()));
        let (running, crashes) = (Mutex::default(), Watched::new(0));
        let host = Self { directory, clock, running, crashes };
        host.open(Some(genesis))?;
        Ok(host)
    }

    /// Starts the node from its data directory, unless it runs.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        self.open(None)
    }

    fn open(&self, genesis: Option<Genesis>) -> anyhow::Result<()> {
        let mut running = self.running();
        if running.is_some() {
            return Ok(());
        }
        let founding = Founding::Solo { relay_funds: U256::from(RELAY_FUNDS) };
        let node = Node::open(NodeConfig {
            founding,
            production: Production::Steps,
            clock: Arc::clone(&self.clock) as _,
            // The simulation reads all states of the newest blocks only.
            past_states_max: 16,
            ..NodeConfig::new(&self.directory, genesis)
        });
        let node = node.context("the node does not start")?;
        let options = Options { blocking: Blocking::Caller, ..Options::STANDARD };
        let server = LocalServer::new(node.clone(), &options);
        *running = Some(Running { node, server, answers: Arc::default() });
        Ok(())
    }

    /// Ends the node at once: what is on its disk remains.
    pub(crate) fn crash(&self) {
        *self.running() = None;
        self.crashes.change(|crashes| {
            *crashes += 1;
            true
        });
    }

    /// Returns the node, if it runs. It must not be kept over a wait: the data directory is open as long as it is.
    pub(crate) fn node(&self) -> Option<Node> {
        self.running().as_ref().map(|running| running.node.clone())
    }

    /// Answers a JSON-RPC message; `None` if the node is down, or crashes meanwhile.
    pub(crate) async fn answer(&self, message: &[u8], client: IpAddr) -> Option<String> {
        let running = self.running().clone()?;
        let lasts = LASTING.iter().any(|method| contains(message, method));
        if !lasts {
            return self.ask(running.server, message, client).await;
        }
        let height = running.node.head().number;
        if let Some(answer) = running.known(message, height) {
            return Some(answer);
        }
        let answers = Arc::clone(&running.answers);
        let server = running.server;
        drop(running.node);
        let answer = self.ask(server, message, client).await?;
        remember(&answers, (message, height), &answer);
        Some(answer)
    }

    async fn ask(&self, server: LocalServer, message: &[u8], client: IpAddr) -> Option<String> {
        let before = self.crashes.get();
        tokio::select! {
            biased;
            _ = self.crashes.wait_for(|crashes| *crashes != before) => None,
            answer = server.answer(message, client) => answer,
        }
    }

    /// Makes blocks for as long as the simulation lasts; calls `on_block` after each.
    pub(crate) async fn produce(&self, mut on_block: impl FnMut(&Node)) {
        loop {
            sleep(STEP).await;
            if let Some(node) = self.node()
                && node.step()
            {
                on_block(&node);
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn known(&self, message: &[u8], height: u64) -> Option<String> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        (answers.height == height).then(|| answers.of.get(message).cloned()).flatten()
    }
}

fn remember(answers: &Mutex<Answers>, (message, height): (&[u8], u64), answer: &str) {
    let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    if answers.height != height {
        *answers = Answers { height, of: BTreeMap::new() };
    }
    if answers.of.len() < ANSWERS_MAX {
        answers.of.insert(message.to_vec(), answer.to_owned());
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    // The method stands at the beginning of a message.
    text.get(..96).unwrap_or(text).windows(part.len()).any(|window| window == part)
}
