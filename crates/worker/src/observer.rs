//! Repeats one round of a device for whoever wants to know.

use std::{pin::Pin, sync::Arc};

use anyhow::Context as _;
use ledger_client::Ledger;
use ledger_views::runs;
use machine::Priority;
use training_run::Commitment;
use transport::{
    Network,
    message::{Role, ToWorker},
};
use units::{DeviceId, Digest, merkle_root};
use verification::{Part, first_difference};
use wallet::DeviceKey;

use crate::{
    Resources,
    audits::Running,
    connect::Caller,
    inputs::Inputs,
    replay::{self, Case, Replay},
};

/// Who repeats a round, and with what.
pub struct Observer {
    /// The ledger, for reading only.
    pub ledger: Ledger,
    /// The network on which the coordinator is reached.
    pub network: Arc<dyn Network>,
    /// A key to connect with; it needs no seat and no account.
    pub device: DeviceKey,
    /// What the machine gives to the replay.
    pub resources: Resources,
}

/// A round, repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What the device committed to.
    pub commitment: Commitment,
    /// Root of the replay; `None` when the round has no result.
    pub root: Option<Digest>,
    /// Digest of the replay's update; `None` when the round has no result.
    pub update: Option<Digest>,
    /// In what the two differ.
    pub difference: Option<Difference>,
    /// The part of the round at which they first differ, if the device's leaves are disclosed.
    pub first: Option<First>,
}

/// Where a replay first differs from the leaves of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// Index of the leaf, counted from 0.
    pub leaf: usize,
    /// What it stands for; `None` when the device has more leaves than the round.
    pub part: Option<Part>,
}

/// In what a replay differs from a commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only in the root: the update is the one of the work, but the device did not know how it came about.
    Root,
    /// Only in the update: the device did the work, and committed to another update.
    Update,
    /// In both.
    Both,
    /// The round has no result on any machine, so there is nothing that a device could commit to.
    NoResult {
        /// The reason.
        reason: String,
    },
}

/// Repeats the round of a device and compares it with the device's commitment, which the run must still keep.
///
/// # Errors
/// When there is no such commitment, the coordinator can't be reached, or the round's data can't be had.
pub fn replay_round(
    observer: &Observer,
    (run, round): (u64, u32),
    subject: DeviceId,
) -> Pin<Box<dyn Future<Output = anyhow::Result<Observation>> + '_>> {
    // In a box its code is compiled here. That of an `async fn` would be compiled again in the program that awaits it.
    Box::pin(observe(observer, (run, round), subject))
}

async fn observe(
    observer: &Observer,
    (run, round): (u64, u32),
    subject: DeviceId,
) -> anyhow::Result<Observation> {
    let Observer { ledger, network, device, resources } = observer;
    let entries = runs::entries(ledger, run, round).await?;
    let number = round.saturating_add(1);
    let entry = entries.iter().find(|entry| entry.device == subject);
    let entry = entry.with_context(|| {
        format!("device {subject} has no commitment in round {number} of project {run}, or the ledger does not keep that round any more")
    })?;
    let base = runs::base_of(ledger, run, round).await?;
    let base = base.with_context(|| format!("the ledger does not keep round {number} any more"))?;
    let case = Case { round, subject, base, commitment: entry.commitment };
    let disclosed = disclosed_leaves(ledger, run, &case, entry.disclosed).await?;
    let calling = (Role::Observer, Priority::Usual);
    let caller = Caller::new(calling, device, (ledger, network), resources)?;
    let inputs = Arc::new(caller.connect(run).await?);
    match replay_alone(&inputs, &case, None).await? {
        Replay::Unavailable { reason } => {
            anyhow::bail!("the data of round {number} can't be had: {reason}")
        }
        replay => {
            let part = |leaf| inputs.spec.part(round, leaf);
            Ok(compare(&case, replay, (disclosed.as_deref(), &part)))
        }
    }
}

/// Reads the leaves that were disclosed for a case at a height; returns `None` unless they lead to the seal.
///
/// # Errors
/// When the ledger does not answer.
pub(crate) async fn disclosed_leaves(
    ledger: &Ledger,
    run: u64,
    case: &Case,
    height: Option<u64>,
) -> anyhow::Result<Option<Vec<Digest>>> {
    let Some(height) = height else { return Ok(None) };
    let leaves = runs::leaves(ledger, (run, case.round), case.subject, height).await?;
    // A ledger shows only such leaves. A node that shows others must not decide which work is found wrong.
    let is_right = |leaves: &Vec<Digest>| {
        !leaves.is_empty()
            && units::seal(&case.subject, &merkle_root(leaves)) == case.commitment.seal
    };
    Ok(leaves.filter(is_right))
}

/// Repeats a round on a connection that is used for nothing else.
///
/// # Errors
/// When the connection ends meanwhile, or the computation panics.
pub(crate) async fn replay_alone(
    inputs: &Arc<Inputs>,
    case: &Case,
    leaves: Option<Vec<Digest>>,
) -> anyhow::Result<Replay> {
    // Dropped with this future, it stops the computation.
    let (_running, called_off) = Running::start();
    let replaying = replay::replay_against(inputs, case, leaves, &called_off);
    tokio::pin!(replaying);
    loop {
        tokio::select! {
            biased;
            replay = &mut replaying => return replay,
            message = inputs.endpoint.recv() => match message {
                Ok(ToWorker::Served { round, base }) => inputs.answer(round, Digest::from_bytes(base)),
                Ok(_) => {}
                // All data may be here already.
                Err(_) => return replaying.await,
            }
        }
    }
}

/// Compares a replay with a commitment, and with the leaves under its seal if they are disclosed.
fn compare(
    case: &Case,
    replay: Replay,
    (disclosed, part): (Option<&[Digest]>, &dyn Fn(usize) -> Option<Part>),
) -> Observation {
    let commitment = case.commitment;
    match replay {
        Replay::Done { leaves, root, update } => {
            let is_root = units::seal(&case.subject, &root) == commitment.seal;
            let is_update = update == commitment.update;
            let difference = match (is_root, is_update) {
                (true, true) => None,
                (false, true) => Some(Difference::Root),
                (true, false) => Some(Difference::Update),
                (false, false) => Some(Difference::Both),
            };
            let leaf = disclosed.and_then(|disclosed| first_difference(&leaves, disclosed));
            let first = leaf.map(|leaf| First { leaf, part: part(leaf) });
            Observation { commitment, root: Some(root), update: Some(update), difference, first }
        }
        Replay::Differs { leaf } => {
            let first = Some(First { leaf, part: part(leaf) });
            let difference = Some(Difference::Root);
            Observation { commitment, root: None, update: None, difference, first }
        }
        Replay::NoResult { reason } | Replay::Unavailable { reason } => Observation {
            commitment,
            root: None,
            update: None,
            difference: Some(Difference::NoResult { reason }),
            first: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use verification::RunSpec;

    #[test]
    fn a_replay_says_in_what_it_differs() {
        let [right, wrong] = [3, 4].map(|byte| Digest::from_bytes([byte; 32]));
        let subject = DeviceId::from_bytes([1; 32]);
        let check = |root: Digest, update: Digest, expected: Option<Difference>| {
            let commitment = Commitment { seal: units::seal(&subject, &root), update };
            let case = Case { round: 2, subject, base: Digest::ZERO, commitment };
            let replay = Replay::Done { leaves: Vec::new(), root: right, update: right };
            let observation = compare(&case, replay, (None, &|_| None));
            assert_eq!((observation.difference, observation.first), (expected, None));
        };
        check(right, right, None);
        check(wrong, right, Some(Difference::Root));
        check(right, wrong, Some(Difference::Update));
        check(wrong, wrong, Some(Difference::Both));
    }
    /// With its leaves disclosed, a changed bit in any of them is found where it is.
    #[test]
    fn a_replay_names_the_first_leaf_that_differs() {
        let subject = DeviceId::from_bytes([1; 32]);
        let spec = RunSpec { warmup_rounds: 0, ..RunSpec::small(4, [7; 32]) };
        let part = |leaf| spec.part(2, leaf);
        let leaves: Vec<Digest> = (1..=6).map(|byte| Digest::from_bytes([byte; 32])).collect();
        let (root, update) = (merkle_root(&leaves), leaves[5]);
        for leaf in 0..leaves.len() {
            for bit in 0..256 {
                let mut changed = leaves.clone();
                let mut bytes = *leaves[leaf].as_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                changed[leaf] = Digest::from_bytes(bytes);
                let seal = units::seal(&subject, &merkle_root(&changed));
                let commitment = Commitment { seal, update };
                let case = Case { round: 2, subject, base: Digest::ZERO, commitment };
                let replay = Replay::Done { leaves: leaves.clone(), root, update };
                let found = compare(&case, replay, (Some(&changed), &part));
                assert_eq!(found.difference, Some(Difference::Root));
                assert_eq!(found.first, Some(First { leaf, part: spec.part(2, leaf) }));
            }
        }
        let parts: Vec<Option<String>> =
            (0..7).map(|leaf| part(leaf).map(|part| part.to_string())).collect();
        assert_eq!(parts[2].as_deref(), Some("segment 2 of 4 (steps 5 to 8)"));
        assert_eq!((parts[5].as_deref(), &parts[6]), (Some("the update"), &None));
    }
}
