//! How a worker that does not do its part behaves, so that the protection against it can be watched at work (`demo --cheats`) and tested
//! from outside.

use std::{str::FromStr, time::Duration};

use abi::convert;
use ledger_client::{Ledger, RunEvent};
use thiserror::Error;
use units::{DeviceId, Digest};
use verification::{JobError, Outcome, fabricate};

use crate::work::{Assignment, Finding};

/// What this worker does with its assignments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// The work it was given.
    #[default]
    Honest,
    /// Made-up updates at no cost: a random direction, which decodes like any other update.
    MadeUp,
    /// The work, truly sealed, but another update than it gave: one that does harm.
    Poisoned,
    /// The work, but bytes without meaning as the update.
    Garbage,
    /// The work, but an update that is cut short.
    Short,
    /// The work, but an update that holds not-a-number.
    NotANumber,
    /// Another device's update and seal, as the ledger shows them.
    Copied,
    /// The work, and then other work for the same round.
    Twice,
    /// The work, handed in when the round is over.
    Late,
    /// The work, but as an auditor it finds every other device's work made up.
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

/// No way to behave.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no behaviour is called {0:?}: made-up, poisoned, garbage, short, not-a-number, copied, twice, late or false-audits"
)]
pub struct UnknownBehaviour(String);

/// An outcome without the work.
///
/// # Errors
/// What compressing says.
pub(crate) fn made_up(assignment: &Assignment) -> Result<Outcome, JobError> {
    let noise = noise(assignment.base.len(), assignment.round, &assignment.device);
    fabricate(&assignment.spec, assignment.round, &noise, &assignment.memory)
}

/// Deterministic noise, about as large as the change of a real round.
fn noise(length: usize, round: u32, device: &DeviceId) -> Vec<f32> {
    let mut hasher = blake3::Hasher::new_derive_key("gleaner 2026 made-up update v1");
    hasher.update(device.as_bytes());
    hasher.update(&round.to_le_bytes());
    let mut bytes = vec![0; length];
    hasher.finalize_xof().fill(&mut bytes);
    bytes.into_iter().map(|byte| (f32::from(byte) - 127.5) * 1e-4).collect()
}

/// The update that is handed in for the one the work gave.
pub(crate) fn handed_in(behaviour: Behaviour, mut update: Vec<u8>) -> Vec<u8> {
    /// Where the levels of an update's first chunk are: low, then high, as bf16.
    const LEVELS: std::ops::Range<usize> = 7..11;
    let mut set_levels = |low: u16, high: u16| {
        let levels = [low.to_le_bytes(), high.to_le_bytes()].concat();
        if let Some(bytes) = update.get_mut(LEVELS) {
            bytes.copy_from_slice(&levels);
        }
    };
    match behaviour {
        Behaviour::Poisoned => set_levels(0x4000, 0x4000), // 2.0: a thousand times a real change
        Behaviour::NotANumber => set_levels(0x7fc0, 0x7fc0),
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

/// How often a copier looks for something to copy, and how long it waits between two looks.
const COPY_TRIES: u32 = 100;
const COPY_PAUSE: Duration = Duration::from_millis(100);

/// Seal, update and new memory that another device has committed to in this round; waits for one.
pub(crate) async fn copied(
    ledger: &Ledger,
    run: u64,
    round: u32,
) -> anyhow::Result<Option<[Digest; 3]>> {
    for _ in 0..COPY_TRIES {
        let head = ledger.head().await?.height;
        let events = ledger.run_events(run, head.saturating_sub(400), head).await?;
        let first = events.into_iter().find_map(|logged| match logged.event {
            RunEvent::Committed(event) if event.round == round => {
                let words = [event.seal, event.update, event.memoryAfter];
                Some(words.map(convert::digest))
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

/// What an auditor says that lies.
pub(crate) fn false_finding(subject: &DeviceId) -> Finding {
    Finding::Mismatch { sealed: Digest::from_bytes(*subject.as_bytes()) }
}
