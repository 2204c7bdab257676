//! Workers that cheat, so that the protection against them can be demonstrated (`demo --cheats`) and tested
//! from outside.

use std::{str::FromStr, time::Duration};

use ledger_client::Ledger;
use ledger_views::{
    Ask as _,
    runs::{self, RunEvent},
};
use thiserror::Error;
use training_run::Effect;
use units::{DeviceId, Digest};
use verification::{JobError, Outcome, fabricate};

use crate::work::{Assignment, Finding};

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
            _ => return Err(UnknownBehaviour(name.to_owned())),
        })
    }
}

/// The name of a behaviour is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "unknown behaviour {0:?}: give made-up, poisoned, garbage, short, not-a-number, copied, twice, late or false-audits"
)]
pub struct UnknownBehaviour(String);

/// Returns an outcome without doing the work.
///
/// # Errors
/// When the made-up update can't be compressed.
pub(crate) fn made_up(assignment: &Assignment) -> Result<Outcome, JobError> {
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
pub(crate) fn sent_update(behaviour: Behaviour, mut update: Vec<u8>) -> Vec<u8> {
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
        | Behaviour::FalseAudits => {}
    }
    update
}

/// How often a copier looks for a commitment to copy, and how long it waits in between.
const COPY_TRIES: u32 = 100;
const COPY_PAUSE: Duration = Duration::from_millis(100);

/// Waits for another device's commitment in this round and returns its seal and update.
pub(crate) async fn copied(
    ledger: &Ledger,
    run: u64,
    round: u32,
) -> anyhow::Result<Option<[Digest; 2]>> {
    for _ in 0..COPY_TRIES {
        let head = ledger.head().await?.height;
        let events = runs::events(ledger, run, head.saturating_sub(400)..=head).await?;
        let first = events.into_iter().find_map(|logged| match logged.event {
            RunEvent::Followed(Effect::Committed { round: committed, commitment, .. })
                if committed == round =>
            {
                Some([commitment.seal, commitment.update])
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

/// Returns the finding of an auditor that lies.
pub(crate) fn false_finding(subject: &DeviceId) -> Finding {
    Finding::Mismatch { sealed: Digest::from_bytes(*subject.as_bytes()) }
}
