//! Devices that cheat, so that the protection against them can be shown (`demo --cheats`, `demo --colluders`), tested from
//! outside, and simulated.
//!
//! The honest path knows nothing of them: a cheat is another [`Craft`] than [`Honest`], which it alters.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use calculator::Order;
use ledger_client::Ledger;
use ledger_views::{
    Ask as _,
    runs::{self, RunEvent},
};
use machine::Effort;
use thiserror::Error;
use tokio::time::sleep;
use training_run::{Commitment, Effect};
use transport::message::ToCoordinator;
use units::{DeviceId, Digest};
use verification::{JobError, Outcome, fabricate};
use wallet::DeviceKey;

use crate::{
    Conduct,
    conduct::{self, Audit, Craft, Honest, Submission, Training},
    inputs::Inputs,
    look, options,
    replay::{Case, Finding},
};

/// How this worker does its assignments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Does the assigned work.
    #[default]
    Honest,
    /// Sends made-up updates that cost no work: a random direction, which decodes like any other update.
    MadeUp,
    /// Does the work and seals its root, but sends another, harmful update.
    Poisoned,
    /// Does the work, but sends random bytes as the update.
    Garbage,
    /// Does the work, but truncates the update.
    Short,
    /// Does the work, but sends an update that contains NaN.
    NotANumber,
    /// Copies another device's update and seal from the ledger.
    Copied,
    /// Does the work, then commits to other work for the same round.
    Twice,
    /// Does the work, but is not done before the round has closed.
    Late,
    /// Does the work, but as an auditor claims that every other device's work is made up.
    FalseAudits,
    /// Sends made-up updates, tells its accomplices their roots, and passes theirs.
    Colluder,
}

impl FromStr for Behaviour {
    type Err = UnknownBehaviour;

    fn from_str(name: &str) -> Result<Self, UnknownBehaviour> {
        Ok(match name {
            "honest" => Self::Honest,
            "made-up" => Self::MadeUp,
            "poisoned" => Self::Poisoned,
            "garbage" => Self::Garbage,
            "short" => Self::Short,
            "not-a-number" => Self::NotANumber,
            "copied" => Self::Copied,
            "twice" => Self::Twice,
            "late" => Self::Late,
            "false-audits" => Self::FalseAudits,
            "colluder" => Self::Colluder,
            _ => return Err(UnknownBehaviour(name.to_owned())),
        })
    }
}

/// The name of a behaviour is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "unknown behaviour {0:?}: give made-up, poisoned, garbage, short, not-a-number, copied, twice, late, false-audits or colluder"
)]
pub struct UnknownBehaviour(String);

impl Behaviour {
    /// Returns the conduct of a device with this key; colluders tell each other the roots of their made-up work in the
    /// folder `accomplices`.
    #[must_use]
    pub fn conduct(self, device: &DeviceKey, accomplices: Option<PathBuf>) -> Conduct {
        match self {
            Self::Honest => Conduct::honest(),
            behaviour => {
                Conduct(Arc::new(Cheat { behaviour, device: device.clone(), accomplices }))
            }
        }
    }
}

/// A device that cheats, or does useless work.
#[derive(Debug)]
struct Cheat {
    behaviour: Behaviour,
    device: DeviceKey,
    accomplices: Option<PathBuf>,
}

impl Craft for Cheat {
    fn train<'a>(&'a self, training: Training<'a>) -> conduct::Result<'a, Submission> {
        Box::pin(async move {
            match self.behaviour {
                Behaviour::MadeUp | Behaviour::Colluder => self.make_up(training).await,
                Behaviour::Copied => {
                    let (inputs, round) = (training.inputs, training.assignment.round);
                    let honest = Honest.train(training).await?;
                    let copied = copied(&inputs.ledger, inputs.run, round).await?;
                    Ok(Submission { commitment: copied.unwrap_or(honest.commitment), ..honest })
                }
                Behaviour::Twice => {
                    let (inputs, round) = (Arc::clone(training.inputs), training.assignment.round);
                    let honest = Honest.train(training).await?;
                    let again = commit_again(inputs, self.device.clone(), round, honest.commitment);
                    tokio::spawn(again);
                    Ok(honest)
                }
                Behaviour::Late => {
                    let called_off = training.called_off;
                    Honest.train(training).await?;
                    while !called_off.load(Ordering::Relaxed) {
                        sleep(LATE_PAUSE).await;
                    }
                    anyhow::bail!("the round has closed")
                }
                behaviour => Ok(altered(behaviour, Honest.train(training).await?)),
            }
        })
    }

    fn audit<'a>(&'a self, audit: Audit<'a>) -> conduct::Result<'a, Finding> {
        match self.prejudice(audit.case) {
            Some(finding) => Box::pin(async move { Ok(finding) }),
            None => Honest.audit(audit),
        }
    }
}

impl Cheat {
    /// Submits made-up work, and tells the accomplices its root.
    async fn make_up(&self, training: Training<'_>) -> anyhow::Result<Submission> {
        let Training { inputs, assignment, .. } = training;
        let of = (assignment.round, assignment.device);
        let machine = inputs.machine.as_ref();
        let outcome = machine::run(machine, Effort::of(0), move || made_up(&assignment)).await??;
        if let Some(folder) = self.accomplices.as_deref().filter(|_| self.is_colluder()) {
            tell(folder, (of.0, &of.1), &outcome.root)?;
        }
        Ok(Submission::of(&inputs.device, outcome))
    }

    /// Returns a finding without a replay, if the device has one.
    fn prejudice(&self, case: &Case) -> Option<Finding> {
        match (self.behaviour, &self.accomplices) {
            (Behaviour::FalseAudits, _) => Some(Finding::Mismatch),
            (Behaviour::Colluder, Some(folder)) => {
                let root = heard(folder, (case.round, &case.subject))?;
                Some(Finding::Passed { root })
            }
            _ => None,
        }
    }

    fn is_colluder(&self) -> bool {
        self.behaviour == Behaviour::Colluder
    }
}

/// Pause of a late device between two looks whether its round has closed.
const LATE_PAUSE: Duration = Duration::from_millis(50);

/// Waits until the device's commitment is in a block, and sends another one for the same round.
async fn commit_again(
    inputs: Arc<Inputs>,
    device: DeviceKey,
    round: u32,
    Commitment { seal, update }: Commitment,
) {
    let chain_id = inputs.ledger.chain_id();
    let (seal, update) = (*update.as_bytes(), *seal.as_bytes());
    let second =
        options::sign(&device, chain_id, |signer| signer.commit(inputs.run, round, seal, update));
    for _ in 0..AGAIN_TRIES {
        let look = look::read(&inputs.ledger, inputs.run, &inputs.device).await;
        let is_over =
            |look: look::Look| !look.is_ahead(round) && look.has_committed(round) != Some(false);
        if look.is_ok_and(is_over) {
            // What becomes of it is the ledger's matter.
            let _ = inputs.endpoint.send(&ToCoordinator::Statement(second)).await;
            return;
        }
        sleep(AGAIN_PAUSE).await;
    }
}

/// How often a device that commits twice looks for its first commitment, and how long it waits in between.
const AGAIN_TRIES: u32 = 100;
const AGAIN_PAUSE: Duration = Duration::from_millis(100);

/// Returns what a device with this behaviour submits instead of `honest`.
fn altered(behaviour: Behaviour, honest: Submission) -> Submission {
    let update = sent_update(behaviour, honest.update);
    let commitment = Commitment { update: Digest::of(&update), ..honest.commitment };
    Submission { commitment, update, ..honest }
}

/// Returns the file that tells the root of a made-up round.
fn note(folder: &Path, (round, device): (u32, &DeviceId)) -> PathBuf {
    folder.join(format!("{device}-{round}.root"))
}

/// Tells the accomplices the root of a made-up round.
fn tell(folder: &Path, of: (u32, &DeviceId), root: &Digest) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = note(folder, of);
    let beside = path.with_extension("new");
    fs::write(&beside, root.to_string())?;
    fs::rename(beside, path)
}

/// Returns the root that an accomplice has told.
fn heard(folder: &Path, of: (u32, &DeviceId)) -> Option<Digest> {
    fs::read_to_string(note(folder, of)).ok()?.parse().ok()
}

/// Returns an outcome without doing the work.
fn made_up(assignment: &Order) -> Result<Outcome, JobError> {
    let noise = noise(assignment.base.len(), assignment.round, &assignment.device);
    let shards = assignment.shards();
    fabricate(&assignment.job(&shards), &noise)
}

/// Returns deterministic noise, about as large as the change of a real round.
fn noise(length: usize, round: u32, device: &DeviceId) -> Vec<f32> {
    let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 made-up update v1");
    hasher.update(device.as_bytes());
    hasher.update(&round.to_le_bytes());
    let mut bytes = vec![0; length];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.into_iter().map(|byte| (f32::from(byte) - 127.5) * 1e-4).collect()
}

/// Returns the update to send instead of the computed one.
fn sent_update(behaviour: Behaviour, mut update: Vec<u8>) -> Vec<u8> {
    /// Positions in an update: the bits of a value, which give the number of levels, and the levels of the first
    /// chunk, as bf16.
    const BITS: usize = 7;
    const LEVELS: usize = 8;
    let mut set_levels = |level: u16| {
        let count = update.get(BITS).map_or(0, |bits| 1 << bits.saturating_sub(1));
        let levels = update.get_mut(LEVELS..).unwrap_or_default().chunks_exact_mut(2);
        levels.take(count).for_each(|bytes| bytes.copy_from_slice(&level.to_le_bytes()));
    };
    match behaviour {
        Behaviour::Poisoned => set_levels(0x4000), // 2.0: a thousand times a real change
        Behaviour::NotANumber => set_levels(0x7fc0),
        Behaviour::Garbage => update.fill(0xa5),
        Behaviour::Short => update.truncate(update.len() / 2),
        Behaviour::Honest
        | Behaviour::MadeUp
        | Behaviour::Copied
        | Behaviour::Twice
        | Behaviour::Late
        | Behaviour::FalseAudits
        | Behaviour::Colluder => {}
    }
    update
}

/// How often a copier looks for a commitment to copy, and how long it waits in between.
const COPY_TRIES: u32 = 100;
const COPY_PAUSE: Duration = Duration::from_millis(100);

/// Waits for another device's commitment in this round.
async fn copied(ledger: &Ledger, run: u64, round: u32) -> anyhow::Result<Option<Commitment>> {
    for _ in 0..COPY_TRIES {
        let head = ledger.head().await?.height;
        let events = runs::events(ledger, run, head.saturating_sub(400)..=head).await?;
        let first = events.into_iter().find_map(|logged| match logged.event {
            RunEvent::Followed(Effect::Committed { round: committed, commitment, .. })
                if committed == round =>
            {
                Some(commitment)
            }
            _ => None,
        });
        if first.is_some() {
            return Ok(first);
        }
        sleep(COPY_PAUSE).await;
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
