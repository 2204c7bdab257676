//! Takes a run over from a coordinator that is gone, with its disk if need be.
//!
//! 1. Announce this coordinator on the ledger: only the owner's account can. Workers find it there, and the coordinator
//!    that was replaced, should it come back, stops.
//! 2. Ask each device with a seat for what is missing here: specification, manifest, shards, the newest state, or an older
//!    state and the outer updates that lead on from it. Everything is checked against digests on the ledger.
//! 3. Go on as after a restart. The outer momentum is not public, so it starts from zero: that is the rule after every
//!    change of the coordinator's key.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use corpus::{Corpus, Manifest};
use ledger_client::{Announcement, Ledger};
use ledger_views::runs::{self, RunView};
use machine::{Effort, Machine};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout, timeout_at},
};
use training_run::Terms;
use transport::{
    Limits, Listener, Network, TO_WORKER_SIZE_MAX,
    message::{PROTOCOL, Role, ToCoordinator, ToWorker},
};
use units::{DeviceId, Digest};
use verification::RunSpec;

use crate::{
    Event, Folder, Project, Refusal, State,
    chain::{self, Chain},
    opening,
};

/// Largest size of a specification, in bytes.
const SPEC_SIZE_MAX: u64 = 16 << 10;

/// How long a device may take to say whether it holds a blob.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Slowest delivery of a blob that is waited for.
const BYTES_PER_SECOND_MIN: u64 = 128 << 10;

/// How long to wait for a device that was not asked yet.
const GATHERING_MAX: Duration = Duration::from_secs(600);

/// How long to wait for base states that only audits may need: more than a worker's longest pause.
const BASES_MAX: Duration = Duration::from_secs(12);

/// How many of the newest states a device is asked for: it may hold an older one, and the updates that lead on from it.
const STATES_ASKED: u32 = 4;

/// Which run to take over, and what there is to do it with.
pub struct Claim {
    /// The run's id on the ledger.
    pub run: u64,
    /// The project with its corpus, if they are at hand; else they are fetched from workers.
    pub project: Option<Project>,
    /// Folder for states, keys and the model.
    pub folder: PathBuf,
    /// UDP address to listen on for workers.
    pub listen: SocketAddr,
    /// Addresses or names, `HOST:PORT`, to announce instead of the address listened on.
    pub announce: Vec<String>,
    /// The ledger, with the owner's key.
    pub ledger: Ledger,
    /// The network on which workers connect.
    pub network: Arc<dyn Network>,
    /// What computes.
    pub machine: Arc<dyn Machine>,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true to stop.
    pub stop: watch::Receiver<bool>,
}

/// A run that was taken over, ready to be driven.
#[derive(Debug)]
pub struct Taken {
    pub(crate) folder: Folder,
    pub(crate) listener: Arc<dyn Listener>,
    /// The devices that are connected.
    pub(crate) peers: BTreeMap<DeviceId, Role>,
}

/// Takes a run over. Returns `None` when it was stopped before.
///
/// # Errors
/// A [`Refusal`]; an error when ledger or folder can't be used, or the run's data is nowhere.
pub async fn take_over(claim: Claim) -> anyhow::Result<Option<(Project, Taken)>> {
    let mut stop = claim.stop.clone();
    tokio::select! {
        taken = claim_run(claim) => taken.map(Some),
        _ = stop.wait_for(|stop| *stop) => Ok(None),
    }
}

async fn claim_run(mut claim: Claim) -> anyhow::Result<(Project, Taken)> {
    let (ledger, run) = (claim.ledger.clone(), claim.run);
    let (summary, terms) = (runs::run(&ledger, run).await?, runs::terms(&ledger, run).await?);
    if Some(summary.owner) != ledger.account() {
        return Err(Refusal::NotOwner { run, owner: summary.owner }.into());
    }
    anyhow::ensure!(!summary.phase.is_over(), "run {run} has ended: there is nothing to take over");
    let folder = Folder::open(&claim.folder)?;
    if let Some(record) = folder.run()?.filter(|record| record.run != run) {
        let folder = claim.folder.clone();
        return Err(Refusal::OtherRun { folder, run: record.run }.into());
    }
    if let Some(project) = &claim.project {
        opening::check_project(&claim.folder, (&summary, &terms), project)?;
    }
    let key = folder.key(opening::random_key)?;
    let listener: Arc<dyn Listener> =
        claim.network.listen(key, claim.listen, Limits::USUAL).await?.into();
    let is_another = listener.device() != summary.coordinator;
    if is_another && let Ok(state) = folder.state(&summary.state) {
        folder.keep_state(&State::at_rest(state.parameters))?;
    }
    announce(&claim, &summary, listener.as_ref()).await?;
    let project = claim.project.take();
    let mut gatherer = Gatherer::new(&claim, (folder, listener), project, (summary, terms));
    let state = gatherer.gather().await?;
    let digest = Digest::of(&state);
    if is_another || gatherer.folder.state(&digest).is_err() {
        gatherer.folder.keep_state(&State::at_rest(state))?;
    }
    gatherer.finish()
}

async fn announce(claim: &Claim, run: &RunView, listener: &dyn Listener) -> anyhow::Result<()> {
    let listening = listener.addresses().iter().map(ToString::to_string).collect();
    let addresses = if claim.announce.is_empty() { &listening } else { &claim.announce };
    let announcement =
        Announcement { coordinator: listener.device(), endpoint: addresses.join(",") };
    if (run.coordinator, &run.endpoint) != (announcement.coordinator, &announcement.endpoint) {
        let change = async || claim.ledger.announce(run.run, &announcement).await;
        opening::insist(&claim.events, change).await?;
    }
    Ok(())
}

/// What a project is made of, as far as it is here.
#[derive(Default)]
struct Pieces {
    spec: Option<Arc<RunSpec>>,
    manifest: Option<Manifest>,
    corpus: Option<Corpus>,
}

/// Collects a run's data from the devices that take part in it.
struct Gatherer<'a> {
    claim: &'a Claim,
    folder: Folder,
    listener: Arc<dyn Listener>,
    run: RunView,
    terms: Terms,
    project: Option<Project>,
    pieces: Pieces,
    /// The connected devices with their roles.
    peers: BTreeMap<DeviceId, Role>,
    /// Workers with a seat that were not asked yet.
    fresh: BTreeSet<DeviceId>,
    /// Until when to wait for what only audits may need.
    bases_until: Instant,
    /// What was last said to be missing.
    missing: String,
}

impl<'a> Gatherer<'a> {
    fn new(
        claim: &'a Claim,
        (folder, listener): (Folder, Arc<dyn Listener>),
        project: Option<Project>,
        (run, terms): (RunView, Terms),
    ) -> Self {
        let pieces = match &project {
            Some(project) => {
                let (spec, corpus) = (project.spec.clone(), project.corpus.clone());
                let manifest = corpus.manifest();
                let spec = Some(Arc::new(spec));
                Pieces { spec, manifest: Some(manifest), corpus: Some(corpus) }
            }
            None => Pieces::default(),
        };
        Self {
            claim,
            folder,
            listener,
            run,
            terms,
            project,
            pieces,
            peers: BTreeMap::new(),
            fresh: BTreeSet::new(),
            bases_until: Instant::now() + BASES_MAX,
            missing: String::new(),
        }
    }

    /// Collects everything; returns the parameters of the run's newest state.
    async fn gather(&mut self) -> anyhow::Result<Vec<u8>> {
        loop {
            // The coordinator before may still have published a state.
            self.run = runs::run(&self.claim.ledger, self.claim.run).await?;
            let chain = opening::chain_of(&self.claim.ledger, &self.run, &self.terms).await?;
            self.put_together()?;
            let state = self.state(&chain).await?;
            let missing = self.missing(state.is_none());
            let wanted = self.wanted(&chain).await?;
            match state {
                Some(state) if missing.is_empty() => {
                    if wanted.is_empty() || self.bases_until <= Instant::now() {
                        return Ok(state);
                    }
                    if self.fresh.is_empty() {
                        // All of it is here but what audits may need, which is not waited for without end.
                        let _news = timeout_at(self.bases_until, self.next_event()).await;
                        continue;
                    }
                }
                _ => {}
            }
            if missing != self.missing {
                let words = format!("waiting for workers that have {missing}");
                let _ = self.claim.events.send(Event::Note(words));
                self.missing = missing;
            }
            let device = self.next_device().await?;
            if let Err(error) = self.collect(device, &chain, &wanted).await {
                tracing::info!(%device, "a worker was not asked to the end: {error:#}");
            }
        }
    }

    /// Returns the project and what drives it.
    fn finish(self) -> anyhow::Result<(Project, Taken)> {
        let Self { folder, listener, run, terms, project, pieces, peers, .. } = self;
        let project = match (project, pieces) {
            (Some(project), _) => project,
            (None, Pieces { spec: Some(spec), corpus: Some(corpus), .. }) => {
                Project::of_run(&run, &terms, spec.as_ref().clone(), corpus)
            }
            (None, _) => anyhow::bail!("specification and corpus are missing"),
        };
        Ok((project, Taken { folder, listener, peers }))
    }

    /// Reads what is in the folder by now.
    fn put_together(&mut self) -> anyhow::Result<()> {
        let Pieces { spec, manifest, corpus } = &mut self.pieces;
        if spec.is_none()
            && let Some(bytes) = self.folder.piece(&self.terms.spec)
        {
            *spec = Some(Arc::new(RunSpec::from_bytes(&bytes)?));
        }
        if manifest.is_none()
            && let Some(bytes) = self.folder.piece(&self.terms.corpus)
        {
            *manifest = Some(Manifest::decode(&bytes)?);
        }
        if corpus.is_none()
            && let Some(manifest) = manifest
        {
            let shards = manifest.shards.iter().map(|piece| self.folder.piece(&piece.digest));
            if let Some(shards) = shards.collect::<Option<Vec<_>>>() {
                *corpus = Some(Corpus::from_shards(manifest, &shards)?);
            }
        }
        Ok(())
    }

    /// Returns the parameters of the newest state, if it can be rebuilt from what is in the folder.
    async fn state(&self, chain: &Chain) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(spec) = self.pieces.spec.clone() else { return Ok(None) };
        let (folder, chain, rounds) = (self.folder.clone(), chain.clone(), self.run.round);
        let rebuilding = move || {
            let parameters = chain::rebuild(&folder, &spec, &chain, rounds).ok()?;
            Some(model::params_to_bytes(&parameters))
        };
        Ok(machine::run(self.claim.machine.as_ref(), Effort::of(0), rebuilding).await?)
    }

    /// Says what is missing.
    fn missing(&self, is_state_missing: bool) -> String {
        let mut missing = Vec::new();
        if self.pieces.spec.is_none() {
            missing.push("the specification".to_owned());
        }
        match (&self.pieces.corpus, &self.pieces.manifest) {
            (Some(_), _) => {}
            (None, None) => missing.push("the corpus".to_owned()),
            (None, Some(manifest)) => {
                let absent = |piece: &&corpus::Piece| self.folder.piece(&piece.digest).is_none();
                let count = manifest.shards.iter().filter(absent).count();
                missing.push(format!("{count} of {} shards of the corpus", manifest.shards.len()));
            }
        }
        if is_state_missing {
            missing.push(format!("the state after {} rounds", self.run.round));
        }
        missing.join(", ")
    }

    /// Waits for a worker with a seat that was not asked yet.
    async fn next_device(&mut self) -> anyhow::Result<DeviceId> {
        let deadline = Instant::now() + GATHERING_MAX;
        loop {
            if let Some(device) = self.fresh.pop_first() {
                return Ok(device);
            }
            let Ok(heard) = timeout_at(deadline, self.next_event()).await else {
                let (run, missing) = (self.claim.run, self.missing.clone());
                return Err(Refusal::Scattered { run, missing }.into());
            };
            heard?;
        }
    }

    async fn next_event(&mut self) -> anyhow::Result<()> {
        let event = self.listener.next_event().await;
        self.hear(event.context("the endpoint for workers closed by itself")?).await
    }

    /// Returns the rounds whose base states audits and disputes may need, and that can't be rebuilt.
    async fn wanted(&self, chain: &Chain) -> anyhow::Result<BTreeSet<u32>> {
        let (ledger, run) = (&self.claim.ledger, self.claim.run);
        let open = runs::open_rounds(ledger, run).await?;
        let disputes = runs::disputes(ledger, run).await?;
        let disputed = disputes.iter().map(|dispute| dispute.round);
        let rounds = open.iter().map(|open| open.round).chain(disputed);
        let held = self.folder.held()?;
        Ok(rounds.filter(|round| !chain.is_within(*round, &held)).collect())
    }

    /// Keeps track of who is connected.
    async fn hear(&mut self, event: transport::Event) -> anyhow::Result<()> {
        match event {
            transport::Event::Connected { .. } => {}
            transport::Event::Disconnected { device, .. } => {
                self.peers.remove(&device);
                self.fresh.remove(&device);
            }
            transport::Event::Message { device, message } => {
                if let ToCoordinator::Hello { protocol: PROTOCOL, run, role } = message
                    && run == self.claim.run
                {
                    self.greet(device, role).await?;
                }
                // What else it says, it says again, or tells a node.
            }
        }
        Ok(())
    }

    async fn greet(&mut self, device: DeviceId, role: Role) -> anyhow::Result<()> {
        self.peers.insert(device, role);
        self.welcome(&[device]);
        let seats = runs::seats(&self.claim.ledger, self.claim.run).await?;
        let is_seated = seats.iter().any(|seat| seat.device == device && seat.is_active());
        if role == Role::Worker && is_seated {
            self.listener.admit(&device);
            self.fresh.insert(device);
        }
        Ok(())
    }

    /// Sends specification and manifest, if they are here.
    fn welcome(&self, devices: &[DeviceId]) {
        let Pieces { spec: Some(spec), manifest: Some(manifest), .. } = &self.pieces else {
            return;
        };
        let message = ToWorker::Welcome { spec: spec.to_bytes(), manifest: manifest.encode() };
        for device in devices {
            // A device that is gone connects again.
            let _sent = self.listener.send(device, &message);
        }
    }

    /// Asks a device for everything that is missing.
    async fn collect(
        &mut self,
        device: DeviceId,
        chain: &Chain,
        wanted: &BTreeSet<u32>,
    ) -> anyhow::Result<()> {
        let was_welcome = self.pieces.spec.is_some() && self.pieces.manifest.is_some();
        if self.pieces.spec.is_none() {
            let spec = self.terms.spec;
            self.piece(device, spec, SPEC_SIZE_MAX).await?;
        }
        if self.pieces.manifest.is_none() {
            let corpus = self.terms.corpus;
            self.piece(device, corpus, u64::try_from(TO_WORKER_SIZE_MAX)?).await?;
        }
        self.put_together()?;
        if !was_welcome {
            let waiting: Vec<DeviceId> = self.peers.keys().copied().collect();
            self.welcome(&waiting);
        }
        if let Some(spec) = self.pieces.spec.clone() {
            self.collect_state(device, &spec, chain).await?;
        }
        let shards = match (&self.pieces.corpus, &self.pieces.manifest) {
            (None, Some(manifest)) => manifest.shards.clone(),
            _ => Vec::new(),
        };
        for piece in shards {
            if self.folder.piece(&piece.digest).is_none() {
                self.piece(device, piece.digest, piece.size.into()).await?;
            }
        }
        if let Some(spec) = self.pieces.spec.clone() {
            for round in wanted {
                self.collect_base(device, &spec, chain, *round).await?;
            }
        }
        Ok(())
    }

    /// Asks a device for the base state of a round, or for the update that leads to it: the state before may be here.
    async fn collect_base(
        &mut self,
        device: DeviceId,
        spec: &RunSpec,
        chain: &Chain,
        round: u32,
    ) -> anyhow::Result<()> {
        if let Some(state) = chain.state(round)
            && let Some(parameters) =
                self.ask(device, state, verification::state_size(spec)).await?
        {
            return Ok(self.folder.keep_state(&State::at_rest(parameters))?);
        }
        if let Some(update) = round.checked_sub(1).and_then(|before| chain.update(before))
            && self.folder.update(&update).is_err()
            && let Some(bytes) =
                self.ask(device, update, verification::outer_update_size_max(spec)).await?
        {
            self.folder.keep_update(&bytes)?;
        }
        Ok(())
    }

    /// Asks a device for the newest state that it has, and for the updates that lead on from it.
    async fn collect_state(
        &mut self,
        device: DeviceId,
        spec: &Arc<RunSpec>,
        chain: &Chain,
    ) -> anyhow::Result<()> {
        let newest = self.run.round;
        for rounds in (newest.saturating_sub(STATES_ASKED)..=newest).rev() {
            let Some(state) = chain.state(rounds) else { continue };
            if self.folder.state(&state).is_ok() {
                return Ok(());
            }
            let size = verification::state_size(spec);
            if let Some(parameters) = self.ask(device, state, size).await? {
                return Ok(self.folder.keep_state(&State::at_rest(parameters))?);
            }
            let Some(update) = rounds.checked_sub(1).and_then(|round| chain.update(round)) else {
                continue;
            };
            if self.folder.update(&update).is_err()
                && let Some(bytes) =
                    self.ask(device, update, verification::outer_update_size_max(spec)).await?
            {
                self.folder.keep_update(&bytes)?;
            }
        }
        Ok(())
    }

    async fn piece(&mut self, device: DeviceId, digest: Digest, size: u64) -> anyhow::Result<()> {
        if let Some(bytes) = self.ask(device, digest, size).await? {
            self.folder.keep_piece(&bytes)?;
        }
        Ok(())
    }

    /// Asks a device for a blob; returns `None` if it does not hold it.
    ///
    /// # Errors
    /// When it does not answer or deliver.
    async fn ask(
        &mut self,
        device: DeviceId,
        digest: Digest,
        size_max: u64,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let blob = *digest.as_bytes();
        self.listener.send(&device, &ToWorker::Serve { blob })?;
        let deadline = Instant::now() + ANSWER_MAX;
        let is_held = loop {
            let event = timeout_at(deadline, self.listener.next_event()).await;
            let event = event.context("it does not answer")?;
            match event.context("the endpoint for workers closed by itself")? {
                transport::Event::Message {
                    device: answering,
                    message: ToCoordinator::Held { blob: about, is_held },
                } if (answering, about) == (device, blob) => break is_held,
                event => self.hear(event).await?,
            }
            anyhow::ensure!(self.peers.contains_key(&device), "it is gone");
        };
        if !is_held {
            return Ok(None);
        }
        let patience = ANSWER_MAX + Duration::from_secs(size_max / BYTES_PER_SECOND_MIN);
        let fetching = self.listener.fetch_from(&device, &digest, size_max);
        Ok(Some(timeout(patience, fetching).await.context("it delivers too slowly")??))
    }
}
