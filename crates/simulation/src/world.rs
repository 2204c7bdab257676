//! Plays a plan: builds the machines, breaks them, and checks what must hold.

mod lives;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Arc, PoisonError},
    time::Duration,
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, bail};
use coordinator::{Conditions, Project};
use corpus::{Corpus, Cut};
use execution::{BaseFeeRule, Genesis, GenesisAccount, MODULES, Revision, Schedule};
use ledger_client::Ledger;
use node::Node;
use tokio::{
    sync::watch,
    task::{JoinHandle, LocalSet},
    time::{Instant, sleep, sleep_until},
};
use tracing::subscriber::NoSubscriber;
use training_run::Ending;
use units::{DeviceId, Digest};
use verification::RunSpec;
use wallet::DeviceKey;
use worker::Behaviour;

use crate::{
    Host, Outcome, Plan, Random, Recording, Settled,
    books::{self, Books, Member},
    line::NodeLine,
    network::{Faults, MemoryNetwork},
    node_host::{GENESIS_TIME, NodeHost},
    panics,
    plan::{Fault, FaultKind, PlannedEnding},
    thief::Loot,
    trace::Trace,
    watched::Watched,
};

/// Chain id of the simulated ledgers.
const CHAIN_ID: u64 = 190_711;

/// Funds of the owner for fees, besides the deposit, and of the steward.
const FEES: u128 = 1_000_000_000_000_000_000_000;

/// How often the simulation looks whether it is over.
const LOOK: Duration = Duration::from_millis(500);

/// How long coordinator and workers may take to notice that the run is over.
const GRACE: Duration = Duration::from_secs(900);

/// Plays a plan in this thread.
#[must_use]
pub fn simulate(plan: &Plan, recording: Recording) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing of the system");
    // What the programs log has the time of this machine; the trace has that of the simulation.
    let _quiet = tracing::subscriber::set_default(NoSubscriber::default());
    let caught = panics::watch();
    LocalSet::new().block_on(&runtime, async {
        let trace = Arc::new(Trace::new(recording == Recording::Lines));
        let started = Instant::now();
        let mut outcome = Outcome { seed: plan.seed, ..Outcome::default() };
        let played = play(plan, &trace, &mut outcome).await;
        outcome.virtual_time = started.elapsed();
        let result = played.map_err(|error| format!("{error:#}"));
        outcome.result = caught.first().map_or(result, |panic| Err(format!("panic: {panic}")));
        outcome.trace = trace.digest();
        outcome.events = trace.count();
        outcome.lines = trace.take_lines();
        outcome
    })
}

async fn play(plan: &Plan, trace: &Arc<Trace>, outcome: &mut Outcome) -> anyhow::Result<Settled> {
    let world = World::build(plan, trace)?;
    let blocks = tokio::task::spawn_local(Rc::clone(&world).make_blocks());
    world.start(Host::Node);
    world.start(Host::Coordinator);
    world.start(Host::Auditor);
    let mut tasks = vec![blocks];
    for (host, part) in plan.workers().zip(&plan.cast) {
        let (own, begins) = (Rc::clone(&world), part.begins);
        tasks.push(tokio::task::spawn_local(async move {
            sleep(begins).await;
            own.start(host);
        }));
    }
    for fault in plan.faults.clone() {
        tasks.push(tokio::task::spawn_local(Rc::clone(&world).break_down(fault)));
    }
    tasks.push(tokio::task::spawn_local(Rc::clone(&world).end_early()));
    let ended = world.until_over().await;
    let settled = match ended {
        Ok(()) => world.check_end(),
        Err(error) => Err(error),
    };
    if let Some(node) = world.node_host.node() {
        let head = node.head();
        (outcome.height, outcome.state_root) = (head.number, head.state_root);
    }
    tasks.iter().for_each(JoinHandle::abort);
    world.stop_all();
    settled
}

/// Everything that is simulated.
struct World {
    plan: Plan,
    trace: Arc<Trace>,
    folder: tempfile::TempDir,
    project: Project,
    owner: PrivateKeySigner,
    steward: PrivateKeySigner,
    auditor: DeviceKey,
    workers: Vec<DeviceKey>,
    members: Vec<Member>,
    node_key: [u8; 32],
    node_host: Arc<NodeHost>,
    net: MemoryNetwork,
    faults: Faults,
    /// The lines of the machines to the node.
    lines: BTreeMap<Host, Arc<NodeLine>>,
    books: RefCell<Books>,
    /// What runs on each machine.
    processes: RefCell<BTreeMap<Host, JoinHandle<()>>>,
    /// The run, once it is opened.
    run: Watched<Option<u64>>,
    /// The first thing that did not hold.
    broken: RefCell<Option<anyhow::Error>>,
    /// Whether the coordinator has said that the run is over.
    has_report: RefCell<bool>,
    is_coordinator_gone: RefCell<bool>,
    /// Updates that the coordinator has aggregated.
    aggregated: RefCell<usize>,
    /// The round after the newest state on the ledger.
    next_round: Cell<u32>,
    /// Rounds that a device has started before that.
    started_ahead: Cell<usize>,
    /// What a dishonest coordinator had for nothing.
    loot: Loot,
    /// Nobody stops anything in good order: machines are switched off.
    stop: watch::Sender<bool>,
}

impl World {
    fn build(plan: &Plan, trace: &Arc<Trace>) -> anyhow::Result<Rc<Self>> {
        // Not the stream of the plan.
        let mut random = Random::new(!plan.seed);
        let folder = folder()?;
        let project = project(plan, &mut random.split())?;
        let mut keys = random.split();
        let [owner, steward] = [(); 2].map(|()| signer(&mut keys));
        let (node_key, auditor) = (keys.bytes(), DeviceKey::from_seed(&keys.bytes()));
        let workers: Vec<DeviceKey> =
            plan.cast.iter().map(|_| DeviceKey::from_seed(&keys.bytes())).collect();
        let members = workers.iter().zip(&plan.cast).map(|(key, part)| Member {
            device: key.device(),
            account: books::account_of(&signer(&mut keys)),
            behaviour: part.behaviour,
        });
        let members: Vec<Member> = members.collect();
        let coordinator = folder.path().join("coordinator");
        std::fs::create_dir_all(&coordinator)?;
        std::fs::write(coordinator.join("coordinator.key"), keys.bytes())?;
        let genesis = genesis(&project, [owner.address(), steward.address()])?;
        let node_host = Arc::new(NodeHost::found(folder.path().join("ledger"), node_key, genesis)?);
        let node = node_host.node().context("the node runs")?;
        let books = Books::open(&node, members.iter().map(|member| member.account))?;
        drop(node);
        let net = MemoryNetwork::new(plan.quality, random.split());
        let faults = net.faults();
        let hosts = [Host::Coordinator, Host::Auditor, Host::Steward].into_iter();
        let line = |host| {
            let line = NodeLine::new(&node_host, net.faults(), host, random.split());
            (host, Arc::new(line))
        };
        let lines = hosts.chain(plan.workers()).chain([Host::Node]).map(line).collect();
        Ok(Rc::new(Self {
            plan: plan.clone(),
            trace: Arc::clone(trace),
            folder,
            project,
            owner,
            steward,
            auditor,
            workers,
            members,
            node_key,
            node_host,
            net,
            faults,
            lines,
            books: RefCell::new(books),
            processes: RefCell::default(),
            run: Watched::new(None),
            broken: RefCell::default(),
            has_report: RefCell::default(),
            is_coordinator_gone: RefCell::default(),
            aggregated: RefCell::default(),
            next_round: Cell::default(),
            started_ahead: Cell::default(),
            loot: Loot::default(),
            stop: watch::Sender::new(false),
        }))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn note(&self, host: Host, what: &str) {
        // The folder has another name each time.
        let root = self.folder.path().display().to_string();
        self.trace.note(host, what.replace(&root, "~"));
    }

    /// Something does not hold; the first reason is kept.
    fn fail(&self, error: anyhow::Error) {
        self.broken.borrow_mut().get_or_insert(error);
    }

    /// Starts the machine, unless it runs.
    fn start(self: &Rc<Self>, host: Host) {
        if host == Host::Coordinator && *self.is_coordinator_gone.borrow() {
            return;
        }
        let mut processes = self.processes.borrow_mut();
        if processes.contains_key(&host) {
            return;
        }
        if host == Host::Node
            && let Err(error) = self.node_host.start()
        {
            return self.fail(error);
        }
        self.note(host, "starts");
        let life = Rc::clone(self).live(host);
        processes.insert(host, tokio::task::spawn_local(life));
    }

    /// Switches the machine off.
    fn crash(&self, host: Host) {
        let Some(process) = self.processes.borrow_mut().remove(&host) else { return };
        self.note(host, "crashes");
        process.abort();
        self.faults.crash(host.address());
        if host == Host::Node {
            self.node_host.crash();
        }
    }

    fn stop_all(&self) {
        let hosts: Vec<Host> = self.processes.borrow().keys().copied().collect();
        hosts.into_iter().for_each(|host| self.crash(host));
    }

    /// Does what a fault does, and mends it.
    async fn break_down(self: Rc<Self>, fault: Fault) {
        let Fault { begins, lasts, kind } = fault;
        sleep(begins).await;
        match kind {
            FaultKind::Crash(host) => {
                self.crash(host);
                sleep(lasts).await;
                self.start(host);
            }
            FaultKind::Island(hosts) => {
                self.trace.note("paths", format!("{hosts:?} are cut off"));
                let island = hosts.iter().map(|host| host.address()).collect();
                self.faults.partition(island);
                sleep(lasts).await;
                // All islands at once: a later one ends a little early.
                self.faults.heal();
                self.trace.note("paths", format!("{hosts:?} are connected again"));
            }
        }
    }

    /// Cancels the run, or takes its coordinator away, if the plan says so.
    async fn end_early(self: Rc<Self>) {
        match self.plan.ending {
            PlannedEnding::Complete => {}
            PlannedEnding::Cancel(after) => {
                let run = self.opened().await;
                sleep(after).await;
                self.cancel(run).await;
            }
            PlannedEnding::Gone(after) => {
                self.opened().await;
                sleep(after).await;
                *self.is_coordinator_gone.borrow_mut() = true;
                self.crash(Host::Coordinator);
                self.start(Host::Steward);
            }
        }
    }

    async fn cancel(&self, run: u64) {
        let owner = Some(self.owner.clone());
        loop {
            let ledger = self.ledger(Host::Coordinator, owner.clone()).await;
            match ledger.cancel(run).await {
                Ok(_) => return self.note(Host::Coordinator, "the owner cancels the run"),
                Err(error @ ledger_client::LedgerError::Refused { .. }) => {
                    return self.note(Host::Coordinator, &format!("not cancelled: {error}"));
                }
                Err(error) => self.note(Host::Coordinator, &format!("not cancelled yet: {error}")),
            }
            sleep(Duration::from_secs(5)).await;
        }
    }

    /// Returns the run once it is opened.
    async fn opened(&self) -> u64 {
        self.run.wait_for(Option::is_some).await.expect("it was waited for")
    }

    /// Connects to the node, however long that takes.
    async fn ledger(&self, host: Host, signer: Option<PrivateKeySigner>) -> Ledger {
        let line = self.lines.get(&host).expect("every host has a line");
        loop {
            let line: Arc<NodeLine> = Arc::clone(line);
            match Ledger::over(line, "node", signer.clone(), lives::NODE_PATIENCE).await {
                Ok(ledger) => return ledger,
                Err(error) => self.note(host, &error.to_string()),
            }
        }
    }

    /// Makes blocks, and checks after each what must hold.
    async fn make_blocks(self: Rc<Self>) {
        let host = Arc::clone(&self.node_host);
        host.produce(|node| {
            let head = node.head();
            self.note(Host::Node, &format!("block {} with state {}", head.number, head.state_root));
            if let Err(error) = self.check_block(node) {
                self.fail(error.context(format!("after block {}", head.number)));
            }
        })
        .await;
    }

    fn check_block(&self, node: &Node) -> anyhow::Result<()> {
        self.books.borrow_mut().check(node)?;
        if let Some(run) = self.run.get() {
            books::check_run(node, run)?;
        }
        Ok(())
    }

    /// Waits until the run is over, and those who have to know it do.
    async fn until_over(&self) -> anyhow::Result<()> {
        let limit = Instant::now() + self.plan.time_max;
        let mut over = None;
        loop {
            if let Some(error) = self.broken.borrow_mut().take() {
                return Err(error);
            }
            if over.is_none() && self.is_over()? {
                over = Some(Instant::now());
                self.note(Host::Node, "the run is over");
            }
            let now = Instant::now();
            match over {
                Some(_) if self.is_at_rest() => return Ok(()),
                Some(since) if now.duration_since(since) > GRACE => {
                    bail!("{:?} have not noticed that the run is over", self.busy())
                }
                None if now > limit => {
                    bail!(
                        "the run is not over after {} s: {}",
                        limit_seconds(&self.plan),
                        self.state()
                    )
                }
                Some(_) | None => {}
            }
            sleep_until(now + LOOK).await;
        }
    }

    fn is_over(&self) -> anyhow::Result<bool> {
        let (Some(node), Some(run)) = (self.node_host.node(), self.run.get()) else {
            return Ok(false);
        };
        Ok(books::check_run(&node, run)?.phase.is_over())
    }

    /// Returns the machines that still do something for the run.
    fn busy(&self) -> Vec<Host> {
        let processes = self.processes.borrow();
        let is_busy = |host: &Host| !matches!(host, Host::Node | Host::Steward);
        let running = processes.iter().filter(|(host, task)| is_busy(host) && !task.is_finished());
        running.map(|(host, _)| *host).collect()
    }

    fn is_at_rest(&self) -> bool {
        let needs_report = !*self.is_coordinator_gone.borrow();
        let is_node_up = self.node_host.node().is_some();
        is_node_up && self.busy().is_empty() && (!needs_report || *self.has_report.borrow())
    }

    fn state(&self) -> String {
        let (node, run) = (self.node_host.node(), self.run.get());
        match (node, run) {
            (None, _) => "the node is down".to_owned(),
            (Some(_), None) => "it was not opened".to_owned(),
            (Some(node), Some(run)) => format!("{:?}", books::check_run(&node, run)),
        }
    }

    fn check_end(&self) -> anyhow::Result<Settled> {
        // Some cheats make up the same update each time, and may serve it from an earlier round.
        let is_honest = |device: DeviceId| {
            let mut members = self.members.iter();
            members.any(|it| it.device == device && it.behaviour == Behaviour::Honest)
        };
        let loot = self.loot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, words)) = loot.into_iter().find(|(device, _)| is_honest(*device)) {
            bail!("{words}");
        }
        let node = self.node_host.node().context("the node is down at the end")?;
        let run = self.run.get().context("the run was not opened")?;
        let ending = match self.plan.ending {
            PlannedEnding::Complete => Some(Ending::Completed),
            // The owner may be too late.
            PlannedEnding::Cancel(_) | PlannedEnding::Gone(_) => None,
        };
        let settled = books::check_end(&node, run, &self.members, ending)?;
        let (aggregated, started_ahead) = (*self.aggregated.borrow(), self.started_ahead.get());
        Ok(Settled { aggregated, started_ahead, ..settled })
    }
}

fn limit_seconds(plan: &Plan) -> u64 {
    plan.time_max.as_secs()
}

/// Returns a new folder, in memory where there is one: a simulation syncs much.
fn folder() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("gleaner-simulation-");
        builder
    };
    match builder().tempdir_in(memory) {
        Ok(folder) => Ok(folder),
        Err(_) => builder().tempdir(),
    }
}

fn signer(random: &mut Random) -> PrivateKeySigner {
    loop {
        // Of all words a few are no keys.
        if let Ok(signer) = PrivateKeySigner::from_bytes(&B256::from(random.bytes())) {
            return signer;
        }
    }
}

/// Returns a project with a model so small that a round takes a moment.
fn project(plan: &Plan, random: &mut Random) -> anyhow::Result<Project> {
    let model =
        model::Config { layers: 1, width: 4, heads: 1, context: 8, vocabulary: 256, hidden: 8 };
    let spec = RunSpec {
        model,
        warmup_rounds: plan.rounds.div_ceil(4),
        warmup_steps: 2,
        steps_per_round: 4,
        batch: 1,
        shards_per_round: 1,
        segments: 2,
        ..RunSpec::small(plan.rounds, random.bytes())
    };
    let words = ["barley ", "rye ", "oats ", "wheat ", "millet ", "maize\n"];
    let text: String = (0..1_500).filter_map(|_| random.choose(&words).copied()).collect();
    let cut = Cut { window: model.context + 1, shard_size: 512 };
    let devices = u16::try_from(plan.cast.len())?;
    let conditions = Conditions {
        workers_min: (devices / 2).max(2),
        workers_max: devices,
        round_seconds: plan.round_seconds,
        audit_seconds: plan.audit_seconds,
        stall_seconds: plan.stall_seconds,
        ..Conditions::default()
    };
    let corpus = Corpus::from_text(text.into_bytes(), &cut)?;
    Ok(Project { name: "simulated".to_owned(), corpus, spec, conditions, budget: None })
}

fn genesis(project: &Project, [owner, steward]: [Address; 2]) -> anyhow::Result<Genesis> {
    let deposit = project.terms(Digest::ZERO)?.required_deposit()?;
    let account =
        |amount: u128| GenesisAccount { balance: U256::from(amount), ..GenesisAccount::default() };
    Ok(Genesis {
        chain_id: CHAIN_ID,
        timestamp: GENESIS_TIME,
        gas_limit: 60_000_000,
        base_fee: BaseFeeRule {
            initial: 1_000_000_000,
            minimum: 1_000_000,
            change_denominator: 8,
            elasticity: 2,
        },
        fee_recipient: Address::repeat_byte(0xfe),
        commitment: 2,
        revisions: Schedule::starting_with(Revision::new(MODULES.newest())),
        referees: None,
        price_reporters: None,
        accounts: [(owner, account(deposit.as_u128() + FEES)), (steward, account(FEES))].into(),
    })
}

/// Returns the owner's auditing device, or none.
fn auditor_of(plan: &Plan, key: &DeviceKey) -> DeviceId {
    if plan.has_auditor { key.device() } else { DeviceId::ZERO }
}
