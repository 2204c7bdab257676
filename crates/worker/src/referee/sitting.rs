//! Repeats disputed rounds of one run over one connection, as many at once as the machine has room for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use transport::message::ToWorker;
use units::Digest;
use verification::Part;

use super::{docket::Name, is_own_fault};
use crate::{
    connect::Caller,
    inputs::Inputs,
    observer::disclosed_leaves,
    replay::{self, Case, Replay},
};

/// How long a replay may take, its data included. A device has a round's time for it, which is minutes.
const REPLAY_MAX: Duration = Duration::from_secs(900);

/// The memory that replays of all runs share, a permit for each [`UNIT`].
#[derive(Clone, Debug)]
pub(super) struct Memory {
    free: Arc<Semaphore>,
    units: u32,
}

/// The unit in which memory is shared.
const UNIT: u64 = 1 << 20;

/// A disputed round to repeat.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) name: Name,
    pub(super) case: Case,
    /// Height of the block in which the leaves were disclosed.
    pub(super) disclosed: Option<u64>,
    pub(super) called_off: Arc<AtomicBool>,
}

/// A round that was repeated, or could not be.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) name: Name,
    pub(super) case: Case,
    /// Most bytes that were fetched for it.
    pub(super) bytes: u64,
    pub(super) ending: Ending,
}

/// How a replay ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// With a result; with the first part that differs, if it was compared with disclosed leaves.
    Found(Replay, Option<Part>),
    /// The run's coordinator can't be reached.
    Unreachable(String),
    /// This machine can't do it.
    GivenUp(String),
    /// Nobody needs it any more.
    CalledOff,
}

impl Memory {
    pub(super) fn new(bytes: u64) -> Self {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        let permits = usize::try_from(units).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(permits)), units }
    }

    /// Returns how many units a replay takes that needs so many bytes; never more than there are.
    fn units_of(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.units)
    }
}

/// Repeats the rounds, and sends each result as soon as it is there. Dropping it ends all of them.
pub(super) async fn sit(
    (caller, memory): (Arc<Caller>, Memory),
    run: u64,
    orders: Vec<Order>,
    done: mpsc::UnboundedSender<Repeated>,
) -> u64 {
    // A referee that has ended does not read the results.
    let send = |repeated| {
        let _ = done.send(repeated);
    };
    let inputs = match caller.connect(run).await {
        Ok(inputs) => Arc::new(inputs),
        Err(error) => {
            for Order { name, case, .. } in orders {
                let ending = match failed(&error) {
                    Ending::Found(Replay::Unavailable { reason }, _) => Ending::Unreachable(reason),
                    ending => ending,
                };
                send(Repeated { name, case, bytes: 0, ending });
            }
            return run;
        }
    };
    let mut replays = JoinSet::new();
    for order in orders {
        let (memory, inputs) = (memory.clone(), Arc::clone(&inputs));
        replays.spawn(repeat(memory, inputs, order));
    }
    let mut is_connected = true;
    loop {
        tokio::select! {
            biased;
            repeated = replays.join_next() => match repeated {
                Some(Ok(repeated)) => send(repeated),
                Some(Err(error)) => tracing::error!("a referee's replay: {error}"),
                None => break,
            },
            message = inputs.endpoint.recv(), if is_connected => match message {
                Ok(ToWorker::Served { round, base }) => inputs.answer(round, Digest::from_bytes(base)),
                Ok(_) => {}
                // All data may be here already.
                Err(_) => is_connected = false,
            },
        }
    }
    if let Some(inputs) = Arc::into_inner(inputs) {
        inputs.endpoint.close().await;
    }
    run
}

async fn repeat(memory: Memory, inputs: Arc<Inputs>, order: Order) -> Repeated {
    let Order { name, case, disclosed, called_off } = order;
    let leaves = disclosed_leaves(&inputs.ledger, name.run, &case, disclosed).await;
    let leaves = leaves.unwrap_or_else(|error| {
        tracing::info!("a round is repeated without its disclosed leaves: {error:#}");
        None
    });
    let units = memory.units_of(inputs.replay_bytes);
    let Ok(_room) = memory.free.acquire_many(units).await else { unreachable!("never closed") };
    let replaying = replay::replay_against(&inputs, &case, leaves, &called_off);
    let replay = timeout(REPLAY_MAX, replaying).await;
    let ending = match replay {
        _ if called_off.load(Ordering::Relaxed) => Ending::CalledOff,
        Ok(Ok(replay)) => {
            let first = match replay {
                Replay::Differs { leaf } => inputs.spec.part(case.round, leaf),
                _ => None,
            };
            Ending::Found(replay, first)
        }
        Ok(Err(error)) => failed(&error),
        Err(_) => {
            let seconds = REPLAY_MAX.as_secs();
            Ending::GivenUp(format!("the replay took longer than {seconds} s"))
        }
    };
    Repeated { name, case, bytes: inputs.fetched_max(), ending }
}

fn failed(error: &anyhow::Error) -> Ending {
    let reason = format!("{error:#}");
    match is_own_fault(error) {
        true => Ending::GivenUp(reason),
        false => Ending::Found(Replay::Unavailable { reason }, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However large a round is, it gets its turn; and those that run never take more than there is.
    #[tokio::test]
    async fn replays_share_the_memory() {
        let memory = Memory::new(100 * UNIT);
        let check = |bytes: u64, expected: u32| assert_eq!(memory.units_of(bytes), expected);
        check(0, 1);
        check(UNIT, 1);
        check(UNIT + 1, 2);
        check(1000 * UNIT, 100);
        let first = memory.free.acquire_many(memory.units_of(60 * UNIT)).await.unwrap();
        let waits = timeout(Duration::ZERO, memory.free.acquire_many(memory.units_of(60 * UNIT)));
        assert!(waits.await.is_err(), "it waits for the first");
        let small = timeout(Duration::ZERO, memory.free.acquire_many(memory.units_of(40 * UNIT)));
        assert!(small.await.is_ok());
        drop(first);
        let large = timeout(Duration::ZERO, memory.free.acquire_many(memory.units_of(u64::MAX)));
        assert!(large.await.is_ok());
    }
}
