//! What this device holds of a run. It needs it for its own work, and gives it to a coordinator that takes the run over
//! from one that was lost with its disk.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use corpus::Manifest;
use units::Digest;
use verification::RunSpec;

use crate::{
    files::WorkerFiles,
    fit::Fit,
    states::{Kept, States},
};

/// Largest number of newest outer updates that are held: a coordinator that is lost may have published as many states since
/// the newest that this device has computed from.
pub(crate) const UPDATES_HELD_MAX: usize = 2;

/// What a device holds of the run that it takes part in.
#[derive(Debug)]
pub(crate) struct Holdings {
    files: WorkerFiles,
    states: Arc<Mutex<States>>,
    of_run: Mutex<Option<OfRun>>,
}

/// A blob of the run.
#[derive(Debug)]
pub(crate) enum Lent {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// A state, which may have to be made.
    State(Kept, Box<RunSpec>),
}

impl Lent {
    /// Returns the bytes. Of a state that is a computation.
    pub(crate) fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::State(kept, spec) => {
                kept.restore(&spec).map(|state| model::params_to_bytes(&state))
            }
        }
    }
}

#[derive(Debug)]
struct OfRun {
    run: u64,
    spec: RunSpec,
    /// Specification and manifest.
    texts: [(Digest, Vec<u8>); 2],
    shards: BTreeSet<Digest>,
    updates: VecDeque<(Digest, Arc<Vec<u8>>)>,
    updates_max: usize,
    /// Whether there is memory for a second copy of a state.
    lends_states: bool,
}

impl Holdings {
    pub(crate) fn new(files: WorkerFiles, states: Arc<Mutex<States>>) -> Self {
        Self { files, states, of_run: Mutex::default() }
    }

    /// Begins to hold what belongs to a run, whose specification and manifest were checked against its terms.
    pub(crate) fn begin(&self, run: u64, (spec, manifest): (&RunSpec, &Manifest), fit: &Fit) {
        let mut of_run = self.lock();
        if of_run.as_ref().is_none_or(|of_run| of_run.run != run) {
            let texts = [spec.to_bytes(), manifest.encode()].map(|text| (Digest::of(&text), text));
            let shards = manifest.shards.iter().map(|piece| piece.digest).collect();
            *of_run = Some(OfRun {
                run,
                spec: spec.clone(),
                texts,
                shards,
                updates: VecDeque::new(),
                updates_max: fit.updates_held,
                lends_states: fit.states_lent > 0,
            });
        }
    }

    /// Holds an outer update, and forgets the oldest beyond the limit.
    pub(crate) fn keep_update(&self, digest: Digest, bytes: Arc<Vec<u8>>) {
        let mut of_run = self.lock();
        let Some(OfRun { updates, updates_max, .. }) = of_run.as_mut() else { return };
        if updates.iter().all(|(held, _)| *held != digest) {
            updates.push_back((digest, bytes));
            while updates.len() > *updates_max {
                updates.pop_front();
            }
        }
    }

    /// Returns an outer update that is held.
    pub(crate) fn update(&self, digest: &Digest) -> Option<Arc<Vec<u8>>> {
        let of_run = self.lock();
        let mut updates = of_run.as_ref()?.updates.iter();
        updates.find(|(held, _)| held == digest).map(|(_, bytes)| Arc::clone(bytes))
    }

    /// Returns a blob of the run: its specification, its manifest, a shard, a state or an outer update. What belongs to
    /// other runs is not for this run's coordinator.
    pub(crate) fn find(&self, run: u64, digest: &Digest) -> Option<Lent> {
        if let Some(update) = self.update(digest) {
            return Some(Lent::Bytes(update.as_ref().clone()));
        }
        let spec = {
            let of_run = self.lock();
            let of_run = of_run.as_ref().filter(|of_run| of_run.run == run)?;
            if let Some((_, text)) = of_run.texts.iter().find(|(of, _)| of == digest) {
                return Some(Lent::Bytes(text.clone()));
            }
            if of_run.shards.contains(digest) {
                return self.files.shard(digest).map(Lent::Bytes);
            }
            if !of_run.lends_states {
                return None;
            }
            of_run.spec.clone()
        };
        let kept = self.states.lock().unwrap_or_else(PoisonError::into_inner).find(digest)?;
        Some(Lent::State(kept, Box::new(spec)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<OfRun>> {
        self.of_run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use corpus::Piece;

    use super::*;
    use crate::states::{BaseOf, STATES_HELD_MAX};

    #[test]
    fn what_belongs_to_the_run_is_found() {
        let scratch = tempfile::tempdir().unwrap();
        let files = WorkerFiles::open(scratch.path(), u64::MAX).unwrap();
        let [own, other] = [b"a shard of this run".to_vec(), b"a shard of another run".to_vec()];
        files.store_shard(&own).unwrap();
        files.store_shard(&other).unwrap();
        let states = Arc::new(Mutex::new(States::new(STATES_HELD_MAX)));
        let parameters = Arc::new(vec![1.0, 2.0]);
        let state = model::state_digest(&parameters);
        let base = BaseOf { run: 1, round: 0, digest: state };
        states.lock().unwrap().hold(base, parameters, None);

        let holdings = Holdings::new(files, states);
        let spec = RunSpec::small(3, [7; 32]);
        let fit = Fit::choose(&spec, 1, u64::MAX).unwrap();
        let manifest =
            Manifest { shards: vec![Piece::of(&own)], validation: Piece::of(b"the rest") };
        assert!(holdings.find(1, &state).is_none(), "nothing is known of the run yet");
        holdings.begin(1, (&spec, &manifest), &fit);
        holdings.keep_update(Digest::of(b"an update"), Arc::new(b"an update".to_vec()));

        let found = |digest: &Digest| holdings.find(1, digest).and_then(Lent::into_bytes);
        assert_eq!(found(&spec.digest()), Some(spec.to_bytes()));
        assert_eq!(found(&manifest.digest()), Some(manifest.encode()));
        assert_eq!(found(&Digest::of(&own)), Some(own.clone()));
        assert_eq!(found(&Digest::of(&other)), None);
        assert_eq!(found(&Digest::of(b"an update")), Some(b"an update".to_vec()));
        assert_eq!(found(&state), Some(model::params_to_bytes(&[1.0, 2.0])));
        assert!(holdings.find(2, &spec.digest()).is_none());

        holdings.begin(1, (&spec, &manifest), &fit);
        assert!(holdings.update(&Digest::of(b"an update")).is_some(), "it is the same run");
        holdings.begin(2, (&spec, &manifest), &fit);
        assert!(holdings.update(&Digest::of(b"an update")).is_none());
        assert!(holdings.find(2, &state).is_some());
        let lean = Fit { states_lent: 0, ..fit };
        holdings.begin(3, (&spec, &manifest), &lean);
        assert!(holdings.find(3, &state).is_none(), "there is no memory for a second copy");
    }

    #[test]
    fn the_newest_updates_are_held() {
        let scratch = tempfile::tempdir().unwrap();
        let files = WorkerFiles::open(scratch.path(), 0).unwrap();
        let holdings = Holdings::new(files, Arc::new(Mutex::new(States::new(1))));
        let none = Manifest { shards: vec![], validation: Piece::of(b"") };
        let spec = RunSpec::small(3, [7; 32]);
        let fit = Fit::choose(&spec, 1, u64::MAX).unwrap();
        holdings.begin(1, (&spec, &none), &fit);
        let bytes = |index: usize| vec![u8::try_from(index).unwrap()];
        for index in 0..=UPDATES_HELD_MAX {
            holdings.keep_update(Digest::of(&bytes(index)), Arc::new(bytes(index)));
        }
        assert!(holdings.update(&Digest::of(&bytes(0))).is_none());
        assert!(holdings.update(&Digest::of(&bytes(1))).is_some());
    }
}
