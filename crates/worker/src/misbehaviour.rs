//! Workers that cheat, so that the protection against them can be demonstrated (`demo --cheats`, `demo --colluders`) and
//! tested from outside.
//!
//! The session asks [`Conduct`] at each point where a device could cheat: what it computes, what it commits to, what it
//! finds in an audit. An honest device gets back what it had.

use std::{
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use ledger_client::Ledger;
use ledger_views::{
    Ask as _,
    runs::{self, RunEvent},
};
use thiserror::Error;
use training_run::{Commitment, Effect};
use units::{DeviceId, Digest};
use verification::{JobError, Outcome, fabricate};

use crate::{
    replay::{Case, Finding},
    work::Assignment,
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
    /// Does the work, but commits after the round has closed.
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

/// How a device does its work.
#[derive(Clone, Debug, Default)]
pub struct Conduct {
    /// The kind of cheating.
    pub behaviour: Behaviour,
    /// Folder in which colluders tell each other the roots of their made-up work.
    pub accomplices: Option<PathBuf>,
}

/// What a device commits to, and the update that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    pub(crate) commitment: Commitment,
    pub(crate) update: Vec<u8>,
    /// A second commitment to the same round.
    pub(crate) second: Option<Commitment>,
}

impl Conduct {
    /// Returns an outcome instead of doing the work, if the device makes its work up.
    ///
    /// # Errors
    /// When the made-up update can't be compressed, or the accomplices can't be told.
    pub(crate) fn instead(&self, assignment: &Assignment) -> anyhow::Result<Option<Outcome>> {
        if !matches!(self.behaviour, Behaviour::MadeUp | Behaviour::Colluder) {
            return Ok(None);
        }
        let outcome = made_up(assignment)?;
        if let Some(folder) = self.accomplices.as_deref().filter(|_| self.is_colluder()) {
            tell(folder, (assignment.round, &assignment.device), &outcome.root)?;
        }
        Ok(Some(outcome))
    }

    /// Returns what to commit to, and the update to serve, instead of the honest ones.
    ///
    /// # Errors
    /// When a copier can't read the ledger.
    pub(crate) async fn submission(
        &self,
        ledger: &Ledger,
        (run, round): (u64, u32),
        honest: Submission,
    ) -> anyhow::Result<Submission> {
        match self.behaviour {
            Behaviour::Copied => match copied(ledger, run, round).await? {
                Some(commitment) => Ok(Submission { commitment, ..honest }),
                None => Ok(honest),
            },
            Behaviour::Honest
            | Behaviour::MadeUp
            | Behaviour::Colluder
            | Behaviour::Late
            | Behaviour::FalseAudits => Ok(honest),
            behaviour => Ok(altered(behaviour, honest)),
        }
    }

    /// Whether the device commits only after the round has closed.
    pub(crate) fn is_late(&self) -> bool {
        self.behaviour == Behaviour::Late
    }

    /// Returns a finding without a replay, if the device has one.
    pub(crate) fn prejudice(&self, case: &Case) -> Option<Finding> {
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

/// Returns what a device with this behaviour submits instead of `honest`.
fn altered(behaviour: Behaviour, honest: Submission) -> Submission {
    let update = sent_update(behaviour, honest.update);
    let commitment = Commitment { update: Digest::of(&update), ..honest.commitment };
    let swapped = Commitment { seal: commitment.update, update: commitment.seal };
    let second = (behaviour == Behaviour::Twice).then_some(swapped);
    Submission { commitment, update, second }
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
fn made_up(assignment: &Assignment) -> Result<Outcome, JobError> {
    let noise = noise(assignment.base.len(), assignment.round, &assignment.device);
    fabricate(&assignment.spec, assignment.round, &assignment.device, &noise)
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
        tokio::time::sleep(COPY_PAUSE).await;
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
