//! Runs in storage.
//!
//! Slot 0 counts runs. `mapping(uint64 => bytes)` at 1 has each run's canonical bytes, at 2 its metadata.

use abi::TrainingRuns;
use alloy_primitives::{B256, U256, uint};
use alloy_sol_types::SolValue;
use training_run::Run;

use native_kit::{
    Failure, Host,
    slots::{Mapping, Value},
};

use super::bytes::StoredBytes;

const COUNT: Value<u64> = Value::new(U256::ZERO, 0);
const RUNS: Mapping<u64, Value<U256>> = Mapping::new(uint!(1_U256));
const PLACARDS: Mapping<u64, Value<U256>> = Mapping::new(uint!(2_U256));

/// A run as loaded, so that storing it writes only what changed.
pub(super) struct RunRecord {
    pub(super) run: Run,
    stored: StoredBytes,
}

impl RunRecord {
    pub(super) fn load(host: &mut dyn Host, id: u64) -> Result<Self, Failure> {
        let stored = StoredBytes::load(host, RUNS, id)?;
        let bytes = stored.bytes();
        if bytes.is_empty() {
            return Err(Failure::revert(&TrainingRuns::NoSuchRun { run: id }));
        }
        // Only this module writes there.
        let run = Run::decode(&bytes)
            .map_err(|error| Failure::Broken(format!("run {id} is damaged: {error}")))?;
        Ok(Self { run, stored })
    }

    pub(super) fn store(self, host: &mut dyn Host) -> Result<(), Failure> {
        self.stored.replace(host, &self.run.encode())
    }
}

pub(super) fn count(host: &mut dyn Host) -> Result<u64, Failure> {
    COUNT.get(host)
}

/// Stores a new run and gives it the next id.
pub(super) fn add(host: &mut dyn Host, run: &Run) -> Result<u64, Failure> {
    let id = count(host)?.saturating_add(1);
    COUNT.set(host, id)?;
    StoredBytes::load(host, RUNS, id)?.replace(host, &run.encode())?;
    Ok(id)
}

/// A run's metadata: name, coordinator and its address.
pub(super) struct RunMetadata {
    pub(super) coordinator: B256,
    pub(super) name: String,
    pub(super) endpoint: String,
}

impl RunMetadata {
    pub(super) fn load(host: &mut dyn Host, id: u64) -> Result<Self, Failure> {
        let bytes = StoredBytes::load(host, PLACARDS, id)?.bytes();
        let (coordinator, name, endpoint) = <(B256, String, String)>::abi_decode_params(&bytes)
            .map_err(|error| {
                Failure::Broken(format!("metadata of run {id} is damaged: {error}"))
            })?;
        Ok(Self { coordinator, name, endpoint })
    }

    pub(super) fn store(self, host: &mut dyn Host, id: u64) -> Result<(), Failure> {
        let bytes = (self.coordinator, self.name, self.endpoint).abi_encode_params();
        StoredBytes::load(host, PLACARDS, id)?.replace(host, &bytes)
    }
}
