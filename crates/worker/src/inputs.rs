//! The worker's desk: everything a computation needs, brought together from ledger, coordinator and disk.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use compression::Memory;
use corpus::{Draw, Manifest};
use ledger_client::Ledger;
use model::{Activations, instructions::Isa};
use tokio::sync::Semaphore;
use transport::WorkerEndpoint;
use units::{DeviceId, Digest};
use verification::RunSpec;

use crate::{keep::Keep, states::States, view, work::Assignment};

/// Where the parameters of a round come from, as the coordinator says; all of it is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base {
    /// Digest of the parameters, which the ledger names too.
    pub(crate) state: Digest,
    /// Digest of the state before, and of the outer update that leads from it to `state`; none before the first round.
    pub(crate) step: Option<(Digest, Digest)>,
}

/// Shared by the tasks of a session.
pub(crate) struct Desk {
    pub(crate) run: u64,
    pub(crate) device: DeviceId,
    pub(crate) threads: usize,
    pub(crate) isa: Isa,
    pub(crate) activations: Activations,
    /// A computation holds one while it takes memory.
    pub(crate) turns: Arc<Semaphore>,
    pub(crate) ledger: Ledger,
    pub(crate) endpoint: WorkerEndpoint,
    pub(crate) keep: Keep,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) manifest: Manifest,
    pub(crate) states: Arc<Mutex<States>>,
}

impl Desk {
    /// Brings together the round of `device`, which is this one or an audited one.
    ///
    /// `memory` is the digest of that device's error-feedback memory, zero for a fresh one.
    pub(crate) async fn assignment(
        &self,
        round: u32,
        device: DeviceId,
        base: Base,
        memory: Digest,
    ) -> anyhow::Result<Assignment> {
        Ok(Assignment {
            spec: Arc::clone(&self.spec),
            round,
            device,
            base: self.parameters(base).await?,
            memory: Arc::new(self.memory(memory).await?),
            shards: self.shards(round, &device).await?,
            threads: self.threads,
            isa: self.isa,
            activations: self.activations,
        })
    }

    /// Parameters with a digest: held, or one outer update away, or derived from the seed, or downloaded.
    async fn parameters(&self, base: Base) -> anyhow::Result<Arc<Vec<f32>>> {
        if let Some(held) = self.held(&base.state) {
            return Ok(held);
        }
        let found = match base.step {
            Some((previous, update)) => self.one_step_on(&previous, &update, &base.state).await,
            None => self.initial(&base.state).await?,
        };
        let parameters = match found {
            Some(parameters) => parameters,
            None => self.download(&base.state).await?,
        };
        let parameters = Arc::new(parameters);
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .hold(base.state, Arc::clone(&parameters));
        Ok(parameters)
    }

    fn held(&self, digest: &Digest) -> Option<Arc<Vec<f32>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).find(digest)
    }

    /// The previous state with the outer update applied, if that is at hand and leads to `state`.
    async fn one_step_on(
        &self,
        previous: &Digest,
        update: &Digest,
        state: &Digest,
    ) -> Option<Vec<f32>> {
        let previous = self.held(previous)?;
        let bytes = self.endpoint.fetch(update, self.size_max(4)).await.ok()?;
        let spec = Arc::clone(&self.spec);
        let state = *state;
        let applied = tokio::task::spawn_blocking(move || {
            let mut parameters = previous.as_ref().clone();
            verification::apply_outer(&spec, &mut parameters, &bytes).ok()?;
            (model::state_digest(&parameters) == state).then_some(parameters)
        });
        applied.await.ok().flatten()
    }

    /// The parameters that follow from the seed, if they are the ones asked for.
    async fn initial(&self, state: &Digest) -> anyhow::Result<Option<Vec<f32>>> {
        let spec = Arc::clone(&self.spec);
        let state = *state;
        let derived = tokio::task::spawn_blocking(move || {
            let parameters = model::initial_parameters(&spec.model, &spec.seed.0);
            (model::state_digest(&parameters) == state).then_some(parameters)
        });
        derived.await.context("deriving the initial parameters panicked")
    }

    async fn download(&self, state: &Digest) -> anyhow::Result<Vec<f32>> {
        let bytes = self
            .endpoint
            .fetch(state, self.size_max(4))
            .await
            .context("checkpoint can't be fetched")?;
        let parameters = model::params_from_bytes(&self.spec.model, &bytes);
        parameters.context("checkpoint is damaged")
    }

    /// Digest of the memory that this device's next round must start from: the one the ledger has from its last commitment, if it is still
    /// on disk; otherwise a fresh one, which the rules always allow.
    pub(crate) async fn own_memory(&self) -> anyhow::Result<Digest> {
        let named = view::memory(&self.ledger, self.run, &self.device).await?;
        Ok(if self.keep.memory(&named).is_some() { named } else { Digest::ZERO })
    }

    /// An error-feedback memory: our own from disk, another device's from the coordinator.
    async fn memory(&self, digest: Digest) -> anyhow::Result<Memory> {
        let count = self.spec.model.parameter_count();
        if digest == Digest::ZERO {
            return Ok(Memory::zero(count));
        }
        let bytes = match self.keep.memory(&digest) {
            Some(bytes) => bytes,
            None => self
                .endpoint
                .fetch(&digest, self.size_max(2))
                .await
                .context("memory can't be fetched")?,
        };
        Ok(Memory::from_bytes(&bytes, count)?)
    }

    async fn shards(&self, round: u32, device: &DeviceId) -> anyhow::Result<Vec<Arc<Vec<u8>>>> {
        let draw = Draw { seed: &self.spec.seed.0, round, device };
        let count = usize::try_from(self.spec.shards_per_round)?;
        let mut shards = Vec::with_capacity(count);
        for index in corpus::assignment(&draw, self.manifest.shards.len(), count) {
            let piece = &self.manifest.shards[index];
            let bytes = match self.keep.shard(&piece.digest) {
                Some(bytes) => bytes,
                None => {
                    let size = u64::from(piece.size);
                    let fetched = self.endpoint.fetch(&piece.digest, size).await;
                    let bytes =
                        fetched.with_context(|| format!("shard {index} can't be fetched"))?;
                    self.keep.keep_shard(&bytes).context("shard can't be kept")?;
                    bytes
                }
            };
            if u64::try_from(bytes.len())? != u64::from(piece.size) {
                bail!("shard {index} has {} bytes, the manifest says {}", bytes.len(), piece.size);
            }
            shards.push(Arc::new(bytes));
        }
        Ok(shards)
    }

    /// Bytes that so many bytes a parameter make, and some for heads.
    fn size_max(&self, bytes_per_parameter: u64) -> u64 {
        let parameters = u64::try_from(self.spec.model.parameter_count()).unwrap_or(u64::MAX);
        parameters.saturating_mul(bytes_per_parameter).saturating_add(1 << 16)
    }
}
