//! Collects the inputs of a computation from ledger, coordinator and disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use calculator::{Calculator, Order};
use corpus::{Draw, Manifest};
use ledger_client::Ledger;
use machine::{Effort, Machine, Priority};
use model::{Activations, instructions::Isa};
use tokio::time::{Instant, sleep};
use transport::{Connection, FetchError, message::ToCoordinator};
use units::{DeviceId, Digest};
use verification::{RunSpec, Spare};

use crate::{
    files::WorkerFiles,
    holdings::{Holdings, Lent},
    participate::Refusal,
    served::Served,
    states::{BaseOf, Kept, States, Step},
    turns::Turns,
};

/// How long the coordinator may take to serve a state that was asked for: it rebuilds one at a time, for all who ask.
const SERVING_MAX: Duration = Duration::from_secs(60);
/// How long it may take to admit a device that has just connected.
const ADMITTING_MAX: Duration = Duration::from_secs(5);
/// Pause between two attempts to fetch something.
const SERVING_PAUSE: Duration = Duration::from_millis(250);
/// The first such pause; each later one is twice as long.
const SERVING_PAUSE_MIN: Duration = Duration::from_millis(8);
/// After how long the coordinator is asked for a base state again.
const ASKED_AGAIN: Duration = Duration::from_secs(3);

/// Largest number of answers about states that are remembered.
const ANSWERS_MAX: usize = 64;

/// The base state of a round, as the coordinator announces it; all of it is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    /// Digest of the parameters, which is also on the ledger.
    pub(crate) state: Digest,
    /// Digest of the previous state, and of the outer update that leads from it to `state`; `None` before the first
    /// round.
    pub(crate) step: Option<(Digest, Digest)>,
}

/// What the tasks of a session share.
pub(crate) struct Inputs {
    pub(crate) run: u64,
    pub(crate) device: DeviceId,
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
    pub(crate) activations: Activations,
    pub(crate) machine: Arc<dyn Machine>,
    /// What computes rounds and replays, on a thread of the machine.
    pub(crate) calculator: Arc<dyn Calculator>,
    /// Priority of replays.
    pub(crate) priority: Priority,
    /// Limits how many computations run at once.
    pub(crate) turns: Turns,
    /// The trainer of the last computation, where at most one runs at a time.
    pub(crate) spare: Option<Arc<Spare>>,
    /// Memory of one replay, in bytes.
    pub(crate) replay_bytes: u64,
    pub(crate) ledger: Ledger,
    pub(crate) endpoint: Box<dyn Connection>,
    pub(crate) files: WorkerFiles,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) manifest: Manifest,
    pub(crate) states: Arc<Mutex<States>>,
    pub(crate) holdings: Arc<Holdings>,
    /// What the coordinator said about base states, by round: the state that it serves, or zero if it can't.
    pub(crate) served: Mutex<BTreeMap<u32, Digest>>,
}

impl Inputs {
    /// Collects the inputs for the round of `device`, which is this device or an audited one.
    pub(crate) async fn assignment(
        &self,
        round: u32,
        device: DeviceId,
        base: Base,
    ) -> anyhow::Result<Order> {
        Ok(Order {
            spec: Arc::clone(&self.spec),
            round,
            device,
            base: self.parameters(round, base).await?,
            base_digest: base.state,
            shards: self.shards(round, &device).await?,
            threads: self.threads,
            isa: self.isa,
            activations: self.activations,
            spare: self.spare.clone(),
            leaves: None,
            is_saved: false,
        })
    }

    /// Returns the parameters with a digest: from memory, by one outer update, derived from the seed, or downloaded.
    async fn parameters(&self, round: u32, base: Base) -> anyhow::Result<Arc<Vec<f32>>> {
        if let Some(held) = self.held(&base.state).await {
            return Ok(held);
        }
        let found = match base.step {
            Some((previous, update)) => self.one_step_on(&previous, &update, &base.state).await,
            None if round == 0 => self.initial(&base.state).await?.map(|initial| (initial, None)),
            None => None,
        };
        let (parameters, step) = match found {
            Some((parameters, step)) => (parameters, step),
            None => (self.download(round, &base.state).await?, None),
        };
        let parameters = Arc::new(parameters);
        let base = BaseOf { run: self.run, round, digest: base.state };
        self.states().hold(base, Arc::clone(&parameters), step);
        Ok(parameters)
    }

    /// Returns a state from memory, or makes it from what is there.
    async fn held(&self, digest: &Digest) -> Option<Arc<Vec<f32>>> {
        let kept = self.states().find(digest)?;
        self.restore(kept, Priority::Usual).await
    }

    async fn restore(&self, kept: Kept, priority: Priority) -> Option<Arc<Vec<f32>>> {
        if kept.is_whole() {
            return kept.restore(&self.spec);
        }
        let spec = Arc::clone(&self.spec);
        let restoring = move || kept.restore(&spec);
        let effort = Effort { priority, ..Effort::of(0) };
        machine::run(self.machine.as_ref(), effort, restoring).await.ok().flatten()
    }

    /// Frees the memory of older states that can be made again. For while nothing is computed.
    pub(crate) async fn fold_states(&self) {
        let folded = self.states().fold();
        let Some((second, kept)) = folded else { return };
        if let Some(whole) = self.restore(kept, Priority::Usual).await {
            self.states().unfold(&second, whole);
        }
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the previous state with the outer update applied, if both are available and lead to `state`.
    async fn one_step_on(
        &self,
        previous: &Digest,
        update: &Digest,
        state: &Digest,
    ) -> Option<(Vec<f32>, Option<Step>)> {
        let from = self.held(previous).await?;
        let bytes = self.outer_update(update).await.ok()?;
        let applied = self.apply(from, Arc::clone(&bytes)).await;
        let (_, next) = applied.filter(|(digest, _)| digest == state)?;
        Some((next, Some((*previous, bytes))))
    }

    /// Returns the state that an outer update leads to, with its digest.
    async fn apply(
        &self,
        previous: Arc<Vec<f32>>,
        update: Arc<Vec<u8>>,
    ) -> Option<(Digest, Vec<f32>)> {
        let spec = Arc::clone(&self.spec);
        let applying = move || {
            let mut parameters = previous.as_ref().clone();
            verification::apply_outer(&spec, &mut parameters, &update).ok()?;
            Some((model::state_digest(&parameters), parameters))
        };
        machine::run(self.machine.as_ref(), Effort::of(0), applying).await.ok().flatten()
    }

    /// Returns an outer update from memory, or fetches it.
    async fn outer_update(&self, digest: &Digest) -> Result<Arc<Vec<u8>>, FetchError> {
        if let Some(held) = self.holdings.update(digest) {
            return Ok(held);
        }
        let size_max = verification::outer_update_size_max(&self.spec);
        let bytes = Arc::new(self.endpoint.fetch(digest, size_max).await?);
        self.holdings.keep_update(*digest, Arc::clone(&bytes));
        Ok(bytes)
    }

    /// Fetches an outer update before its digest is on the ledger, tells the coordinator, and makes the state that it leads to from
    /// a round's base, which it returns: it is here when its round opens. That is an own computation, so it is not made beside another one.
    pub(crate) async fn keep(
        &self,
        update: Digest,
        base: Option<(u32, Digest)>,
    ) -> anyhow::Result<Option<Digest>> {
        let bytes = self.outer_update(&update).await;
        let (blob, is_held) = (*update.as_bytes(), bytes.is_ok());
        self.endpoint.send(&ToCoordinator::Held { blob, is_held }).await?;
        let (Ok(bytes), Some((round, base)), Some(_turn)) = (bytes, base, self.turns.own_if_free())
        else {
            return Ok(None);
        };
        let Some(from) = self.held(&base).await else { return Ok(None) };
        let Some((digest, next)) = self.apply(from, Arc::clone(&bytes)).await else {
            return Ok(None);
        };
        let next_base = BaseOf { run: self.run, round: round.saturating_add(1), digest };
        self.states().expect(next_base, Arc::new(next), (base, bytes));
        Ok(Some(digest))
    }

    /// Returns the parameters derived from the seed, if they have the digest `state`.
    async fn initial(&self, state: &Digest) -> anyhow::Result<Option<Vec<f32>>> {
        let spec = Arc::clone(&self.spec);
        let state = *state;
        let deriving = move || {
            let parameters = model::initial_parameters(&spec.model, &spec.seed.0);
            (model::state_digest(&parameters) == state).then_some(parameters)
        };
        Ok(machine::run(self.machine.as_ref(), Effort::of(0), deriving).await?)
    }

    async fn download(&self, round: u32, state: &Digest) -> anyhow::Result<Vec<f32>> {
        let bytes = self.fetch_state(round, state).await.context("checkpoint can't be fetched")?;
        let parameters = model::params_from_bytes(&self.spec.model, &bytes);
        parameters.context("checkpoint is damaged")
    }

    /// Waits until the coordinator serves the base state of a round that is not in memory. Nothing is fetched yet, so this takes
    /// nobody's turn to compute.
    ///
    /// # Errors
    /// When the coordinator says that it can't be had.
    pub(crate) async fn wait_for_base(&self, round: u32, base: &Digest) -> anyhow::Result<()> {
        if round == 0 || self.states().find(base).is_some() {
            return Ok(());
        }
        let mut question = Question::new(self, round);
        while question.is_open() {
            if question.wait().await? {
                break;
            }
        }
        Ok(())
    }

    /// Fetches the base state of a round; asks the coordinator to serve it if it does not.
    async fn fetch_state(&self, round: u32, state: &Digest) -> anyhow::Result<Vec<u8>> {
        let size_max = verification::state_size(&self.spec);
        let mut question = Question::new(self, round);
        loop {
            match self.endpoint.fetch(state, size_max).await {
                Err(FetchError::NotFound { .. }) if question.is_open() => {}
                fetched => return Ok(fetched?),
            }
            question.wait().await?;
        }
    }

    /// Returns the most bytes that are fetched for a round: its base state and its shards.
    pub(crate) fn fetched_max(&self) -> u64 {
        let shards = u64::from(self.spec.shards_per_round);
        let largest = self.manifest.shards.iter().map(|piece| u64::from(piece.size)).max();
        let shards = shards.saturating_mul(largest.unwrap_or(0));
        verification::state_size(&self.spec).saturating_add(shards)
    }

    /// Remembers what the coordinator said about the base state of a round.
    pub(crate) fn answer(&self, round: u32, base: Digest) {
        let mut answers = self.answers();
        answers.insert(round, base);
        while answers.len() > ANSWERS_MAX {
            answers.pop_first();
        }
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<u32, Digest>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn shards(&self, round: u32, device: &DeviceId) -> anyhow::Result<Vec<Arc<Vec<u8>>>> {
        let draw = Draw { seed: &self.spec.seed.0, round, device };
        let count = usize::try_from(self.spec.shards_per_round)?;
        let mut shards = Vec::with_capacity(count);
        for index in corpus::assignment(&draw, self.manifest.shards.len(), count) {
            let piece = &self.manifest.shards[index];
            let bytes = match self.files.shard(&piece.digest) {
                Some(bytes) => bytes,
                None => {
                    let size = u64::from(piece.size);
                    let fetched = self.fetch_shard(&piece.digest, size).await;
                    let bytes =
                        fetched.with_context(|| format!("shard {index} can't be fetched"))?;
                    self.store(&bytes)?;
                    bytes
                }
            };
            if u64::try_from(bytes.len())? != u64::from(piece.size) {
                bail!("shard {index} has {} bytes, {} in the manifest", bytes.len(), piece.size);
            }
            shards.push(Arc::new(bytes));
        }
        Ok(shards)
    }

    /// Fetches a shard. A coordinator serves nothing to a device that it has not admitted yet, so it is asked again for a
    /// moment.
    async fn fetch_shard(&self, digest: &Digest, size: u64) -> Result<Vec<u8>, FetchError> {
        let deadline = Instant::now() + ADMITTING_MAX;
        loop {
            match self.endpoint.fetch(digest, size).await {
                Err(FetchError::NotFound { .. }) if Instant::now() < deadline => {
                    sleep(SERVING_PAUSE).await;
                }
                fetched => return fetched,
            }
        }
    }

    /// # Errors
    /// [`Refusal::Disk`]: without a shard on disk it would be fetched again for every audit.
    fn store(&self, shard: &[u8]) -> Result<(), Refusal> {
        let stored = self.files.store_shard(shard);
        stored.map_err(|source| Refusal::Disk { folder: self.files.folder().to_owned(), source })
    }
}

/// The question for a base state. It is asked again now and then: a coordinator that has just taken the run over may not have heard
/// it, and one that replaced another never did.
struct Question<'a> {
    inputs: &'a Inputs,
    round: u32,
    until: Instant,
    asked: Option<Instant>,
    pause: Duration,
}

impl<'a> Question<'a> {
    fn new(inputs: &'a Inputs, round: u32) -> Self {
        let until = Instant::now() + SERVING_MAX;
        Self { inputs, round, until, asked: None, pause: SERVING_PAUSE_MIN }
    }

    fn is_open(&self) -> bool {
        Instant::now() < self.until
    }

    /// Waits a moment for the answer; returns whether it has come.
    ///
    /// # Errors
    /// When it is that the state can't be had, or the connection has ended.
    async fn wait(&mut self) -> anyhow::Result<bool> {
        let Self { inputs, round, .. } = *self;
        if self.asked.is_none_or(|asked| ASKED_AGAIN <= asked.elapsed()) {
            inputs.answers().remove(&round);
            inputs.endpoint.send(&ToCoordinator::Wanted { round }).await?;
            self.asked = Some(Instant::now());
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(SERVING_PAUSE);
        let answer = inputs.answers().get(&round).copied();
        if answer == Some(Digest::ZERO) {
            bail!("the coordinator does not have the state of round {}", round.saturating_add(1));
        }
        Ok(answer.is_some())
    }
}

/// Serves a blob of the run to a coordinator that takes it over, if this device holds it, and says whether.
pub(crate) async fn lend(
    (endpoint, machine): (&dyn Connection, &dyn Machine),
    served: &mut Served,
    (holdings, run): (&Holdings, u64),
    blob: Digest,
) -> anyhow::Result<()> {
    let found = match holdings.find(run, &blob) {
        Some(Lent::Bytes(bytes)) => Some(bytes),
        Some(state) => machine::run(machine, Effort::of(0), move || state.into_bytes()).await?,
        None => None,
    };
    let is_held = found.is_some();
    if let Some(bytes) = found {
        served.lend(endpoint, bytes).await?;
    }
    let blob = *blob.as_bytes();
    Ok(endpoint.send(&ToCoordinator::Held { blob, is_held }).await?)
}
