//! Connects to a run's coordinator, in any role, and checks what it sends first.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{bail, ensure};
use calculator::Calculator;
use corpus::Manifest;
use ledger_client::Ledger;
use machine::{Machine, Priority};
use model::instructions::Isa;
use tokio::time::timeout;
use transport::{
    Connection, Dial, Limits, Network,
    message::{PROTOCOL, Role, ToCoordinator, ToWorker},
};
use units::Digest;
use wallet::DeviceKey;

use crate::{
    files::WorkerFiles,
    fit::Fit,
    holdings::Holdings,
    inputs::{Inputs, lend},
    inquiry,
    participate::Refusal,
    served::Served,
    states::{STATES_HELD_MAX, States},
    turns::{Cores, Turns},
    view,
};

/// How long a coordinator may take to send specification and manifest.
const WELCOME_MAX: Duration = Duration::from_secs(20);

/// Whoever connects to coordinators, and what it computes with.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    pub(crate) device: DeviceKey,
    pub(crate) ledger: Ledger,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
    pub(crate) memory_max: u64,
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) calculator: Arc<dyn Calculator>,
    pub(crate) priority: Priority,
    pub(crate) files: WorkerFiles,
    pub(crate) states: Arc<Mutex<States>>,
    /// The threads, which replays share.
    pub(crate) cores: Cores,
    pub(crate) holdings: Arc<Holdings>,
}

/// What a machine gives to computations.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The machine.
    pub machine: Arc<dyn Machine>,
    /// What computes rounds and replays.
    pub calculator: Arc<dyn Calculator>,
    /// Folder for shards.
    pub data_dir: PathBuf,
    /// Disk space to use there, in bytes.
    pub disk_max: u64,
    /// Number of threads of a computation.
    pub threads: usize,
    /// Vector instructions of a computation.
    pub isa: Isa,
    /// Memory to use, in bytes.
    pub memory_max: u64,
}

impl Caller {
    /// # Errors
    /// When the machine's folder can't be used.
    pub(crate) fn new(
        (role, priority): (Role, Priority),
        device: &DeviceKey,
        (ledger, network): (&Ledger, &Arc<dyn Network>),
        resources: &Resources,
    ) -> anyhow::Result<Self> {
        let Resources { machine, calculator, data_dir, disk_max, threads, isa, memory_max } =
            resources;
        let files = WorkerFiles::open(data_dir, *disk_max);
        let files = files.map_err(|source| Refusal::Disk { folder: data_dir.clone(), source })?;
        let states = Arc::new(Mutex::new(States::new(STATES_HELD_MAX)));
        let holdings = Arc::new(Holdings::new(files.clone(), Arc::clone(&states)));
        // Elsewhere than on Linux a thread can't give way to other programs, so there is only one.
        let is_alone = priority == Priority::Idle && !cfg!(target_os = "linux");
        let threads = if is_alone { 1 } else { *threads };
        Ok(Self {
            role,
            device: device.clone(),
            ledger: ledger.clone(),
            network: Arc::clone(network),
            threads,
            cores: Cores::new(threads),
            isa: *isa,
            memory_max: *memory_max,
            machine: Arc::clone(machine),
            calculator: Arc::clone(calculator),
            priority,
            files,
            states,
            holdings,
        })
    }

    /// Connects to the coordinator of a run, and checks specification and manifest against the terms.
    ///
    /// # Errors
    /// A [`Refusal`], or an error when the coordinator can't be reached or does not answer in time.
    pub(crate) async fn connect(&self, run: u64) -> anyhow::Result<Inputs> {
        let view::Published { coordinator, endpoint, terms } =
            view::published(&self.ledger, run).await?;
        let addresses = inquiry::addresses(&endpoint).await;
        let dial = Dial { secret: self.device.seed(), coordinator, addresses };
        let endpoint = self.network.connect(dial, Limits::USUAL).await?;
        endpoint.send(&ToCoordinator::Hello { protocol: PROTOCOL, run, role: self.role }).await?;
        let welcome = self.welcome(run, endpoint.as_ref());
        let Ok(welcome) = timeout(WELCOME_MAX, welcome).await else {
            bail!("the coordinator did not answer within {} s", WELCOME_MAX.as_secs());
        };
        let (spec, manifest) = welcome?;
        // Before anything is signed: what contradicts itself or does not fit is not joined.
        let spec = inquiry::read(&spec, &terms)?;
        let manifest = Manifest::decode(&manifest)?;
        ensure!(
            manifest.digest() == terms.corpus,
            Refusal::NotTheTerms { what: "corpus manifest" }
        );
        let at_once_max = match self.role {
            // Its round and its replays have all threads, one after the other: no more memory and no more threads are used than
            // the round alone takes.
            Role::Worker => 1,
            Role::Auditor | Role::Referee | Role::Observer => self.cores.replays_max(),
        };
        let fit = Fit::choose(&spec, self.threads, self.memory_max)?;
        let fit = fit.widened((&spec, self.threads), self.memory_max, at_once_max);
        self.holdings.begin(run, (&spec, &manifest), &fit);
        tracing::debug!(?fit, "how rounds are computed within the memory allowed");
        self.states.lock().unwrap_or_else(PoisonError::into_inner).limit(fit.states_held);
        Ok(Inputs {
            run,
            device: self.device.device(),
            threads: self.threads,
            isa: self.isa,
            activations: fit.activations,
            machine: Arc::clone(&self.machine),
            calculator: Arc::clone(&self.calculator),
            priority: self.priority,
            turns: Turns::new(fit.at_once, &self.cores),
            spare: (fit.at_once == 1 && self.role == Role::Worker).then(Arc::default),
            replay_bytes: fit.replay_bytes(&spec, self.threads),
            ledger: self.ledger.clone(),
            endpoint,
            files: self.files.clone(),
            spec: Arc::new(spec),
            manifest,
            states: Arc::clone(&self.states),
            holdings: Arc::clone(&self.holdings),
            served: Mutex::new(BTreeMap::new()),
        })
    }

    /// Waits for specification and manifest. A coordinator that takes the run over may ask for them first.
    async fn welcome(
        &self,
        run: u64,
        endpoint: &dyn Connection,
    ) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
        let mut served = Served::default();
        loop {
            match endpoint.recv().await? {
                ToWorker::Welcome { spec, manifest } => return Ok((spec, manifest)),
                ToWorker::Refused { reason } => return Err(Refusal::NotTakenIn { reason }.into()),
                ToWorker::Finished => bail!("the coordinator says that the run has ended"),
                ToWorker::Serve { blob } => {
                    let blob = Digest::from_bytes(blob);
                    let place = (endpoint, self.machine.as_ref());
                    lend(place, &mut served, (self.holdings.as_ref(), run), blob).await?;
                }
                ToWorker::Round { .. }
                | ToWorker::Audit { .. }
                | ToWorker::Relayed
                | ToWorker::Served { .. }
                | ToWorker::Keep { .. } => {}
            }
        }
    }
}
