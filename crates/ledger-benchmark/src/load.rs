//! Sends a load and waits for its receipts.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use tokio::{sync::Semaphore, task::JoinSet, time::sleep_until};

use crate::{
    json_rpc::{Client, Receipt},
    transfers::{Terms, Transfer, senders, sign},
};

/// How often a node is asked for a new block.
const POLL: Duration = Duration::from_millis(2);
/// Number of blocks whose receipts are requested in one batch.
const BLOCKS_MAX: u64 = 50;

/// The load to send.
#[derive(Clone, Debug)]
pub struct Load {
    /// The node, as `HOST:PORT`; it must accept plain HTTP.
    pub host: String,
    /// BIP-39 words whose first accounts are funded.
    pub phrase: String,
    /// Number of sending accounts.
    pub senders: usize,
    /// Number of transfers, divided evenly among the senders and rounded up to a multiple of them.
    pub transfers: usize,
    /// Number of connections; each sends the transfers of its senders in turn, one at a time.
    pub connections: usize,
    /// Transfers per request; more than one are sent as a JSON-RPC batch.
    pub batch: usize,
    /// Largest number of transfers without a receipt, so that the mempool does not overflow.
    pub unanswered_max: usize,
    /// Transfers per second; without it, as many as the node accepts.
    pub rate: Option<f64>,
    /// How long to wait for the next receipt.
    pub patience: Duration,
}

/// Progress of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Receipts that have arrived.
    pub receipts: usize,
    /// Number of transfers.
    pub transfers: usize,
}

/// Distribution of a latency over all transfers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Milliseconds {
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Maximum.
    pub max: f64,
}

/// The result of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Number of transfers; all have a receipt of success.
    pub transfers: usize,
    /// Seconds from the first send to the last receipt.
    pub seconds: f64,
    /// Number of blocks with these transfers.
    pub blocks: u64,
    /// From the time at which a transfer was due until the node accepted it.
    pub to_acceptance: Milliseconds,
    /// From the time at which a transfer was due until its receipt arrived.
    pub to_receipt: Milliseconds,
}

impl Measurement {
    /// Returns the transfers per second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        count(self.transfers) / self.seconds
    }
}

/// Why a load was not measured.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A number of the load is 0.
    #[error("senders, transfers, connections and batch must be at least 1")]
    Empty,
    /// The batch is larger than the allowed number of transfers without a receipt, so it would never be sent.
    #[error(
        "the batch is larger than the allowed number of transfers without a receipt: raise that number"
    )]
    Batch,
    /// The phrase is not BIP-39.
    #[error("the phrase is not an English BIP-39 phrase: check its words")]
    Phrase,
    /// The signer failed.
    #[error("transfers can't be signed")]
    Signing,
    /// No node answers.
    #[error("no node answers at {host}: check that it is running")]
    Connect {
        /// Its address.
        host: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The connection was lost, or the node does not answer with HTTP.
    #[error("the connection to the node failed")]
    Connection(#[from] io::Error),
    /// The node refused a request.
    #[error("the node refused a request: {reason}")]
    Refused {
        /// The node's reason.
        reason: String,
    },
    /// The node's response is not understood.
    #[error("the node's response is not understood: {answer}")]
    Malformed {
        /// The response.
        answer: String,
    },
    /// A transfer failed in its block.
    #[error("transfer {hash} failed: check that the accounts are funded")]
    Failed {
        /// The transfer.
        hash: B256,
    },
    /// Receipts did not arrive.
    #[error("{missing} receipts did not arrive within {} s", .waited.as_secs())]
    Missing {
        /// Number of missing receipts.
        missing: usize,
        /// How long none arrived.
        waited: Duration,
    },
    /// A task panicked.
    #[error("a sending task ended early")]
    Ended,
}

/// When each transfer was due and accepted, until its receipt arrives.
type Waiting = Mutex<BTreeMap<B256, Instant>>;

/// State shared by the senders and the watcher.
struct Shared {
    waiting: Waiting,
    acceptances: Mutex<Vec<Duration>>,
    room: Semaphore,
    started: Instant,
    /// Number of sent transfers, from which the due time of the next follows.
    sent: AtomicUsize,
    rate: Option<f64>,
}

/// Sends the load and waits for every receipt; calls `on_progress` after each batch of receipts.
///
/// # Errors
/// [`LoadError`], even if a single transfer is refused or fails: the figure would then measure something else.
pub async fn run(
    load: &Load,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Measurement, LoadError> {
    let Load { senders, transfers, connections, batch, unanswered_max, .. } = load;
    if [senders, transfers, connections, batch, unanswered_max].contains(&&0) {
        return Err(LoadError::Empty);
    }
    if batch > unanswered_max {
        return Err(LoadError::Batch);
    }
    let mut client = Client::connect(&load.host).await?;
    let mut lanes = prepare(load, &mut client).await?;
    let mut clients = Vec::new();
    for _ in 0..lanes.len() {
        clients.push(Client::connect(&load.host).await?);
    }
    let transfers = lanes.iter().map(Vec::len).sum();
    let first_block = client.height().await? + 1;
    let shared = Arc::new(Shared {
        waiting: Mutex::default(),
        acceptances: Mutex::default(),
        room: Semaphore::new(load.unanswered_max),
        started: now(),
        sent: AtomicUsize::new(0),
        rate: load.rate,
    });
    let mut senders = JoinSet::new();
    for (lane, client) in lanes.drain(..).zip(clients) {
        senders.spawn(send_all(Arc::clone(&shared), client, (lane, load.batch)));
    }
    let all = (first_block, transfers);
    let (receipts, last, blocks) = tokio::select! {
        watched = watch(&shared, &mut client, all, load.patience, on_progress) => watched?,
        failure = first_failure(&mut senders) => return Err(failure),
    };
    let acceptances = std::mem::take(&mut *lock(&shared.acceptances));
    Ok(Measurement {
        transfers,
        seconds: last.duration_since(shared.started).as_secs_f64(),
        blocks,
        to_acceptance: milliseconds(acceptances),
        to_receipt: milliseconds(receipts),
    })
}

/// Returns the first failure of a sender; never returns otherwise.
async fn first_failure(senders: &mut JoinSet<Result<(), LoadError>>) -> LoadError {
    while let Some(sender) = senders.join_next().await {
        match sender {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => return failure,
            Err(_) => return LoadError::Ended,
        }
    }
    std::future::pending().await
}

/// Returns the transfers of each connection, in the order in which it sends them.
async fn prepare(load: &Load, client: &mut Client) -> Result<Vec<Vec<Transfer>>, LoadError> {
    let terms = Terms { chain_id: client.chain_id().await?, fee: client.generous_fee().await? };
    let mut accounts = Vec::new();
    for signer in senders(&load.phrase, load.senders)? {
        let nonce = client.nonce(&signer.address()).await?;
        accounts.push((signer, nonce));
    }
    let each = load.transfers.div_ceil(load.senders);
    let signed = tokio::task::spawn_blocking(move || sign(&accounts, terms, each)).await;
    let signed = signed.map_err(|_| LoadError::Signing)??;
    let connections = load.connections.min(load.senders);
    let mut lanes: Vec<Vec<_>> = (0..connections).map(|_| Vec::new()).collect();
    for (index, transfers) in signed.into_iter().enumerate() {
        lanes[index % connections].push(transfers.into_iter());
    }
    let in_turn = |mut queues: Vec<std::vec::IntoIter<Transfer>>| {
        let rounds =
            (0..each).map(|_| queues.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>());
        rounds.flatten().collect()
    };
    Ok(lanes.into_iter().map(in_turn).collect())
}

async fn send_all(
    shared: Arc<Shared>,
    mut client: Client,
    (lane, batch): (Vec<Transfer>, usize),
) -> Result<(), LoadError> {
    for transfers in lane.chunks(batch) {
        let due = match shared.rate {
            Some(rate) => {
                let index = shared.sent.fetch_add(transfers.len(), Ordering::Relaxed);
                let due = shared.started + Duration::from_secs_f64(count(index) / rate);
                sleep_until(due.into()).await;
                Some(due)
            }
            None => None,
        };
        let room = u32::try_from(transfers.len()).unwrap_or(u32::MAX);
        let Ok(room) = shared.room.acquire_many(room).await else { return Ok(()) };
        // The watcher returns the permit with the receipts.
        room.forget();
        let due = due.unwrap_or_else(now);
        lock(&shared.waiting).extend(transfers.iter().map(|transfer| (transfer.hash, due)));
        client.send(transfers.iter().map(|transfer| transfer.request.as_str())).await?;
        let took = due.elapsed();
        lock(&shared.acceptances).extend(transfers.iter().map(|_| took));
    }
    Ok(())
}

/// Fetches receipts until all have arrived; returns the latencies, the time of the last one, and the number of blocks.
async fn watch(
    shared: &Shared,
    client: &mut Client,
    (mut next, transfers): (u64, usize),
    patience: Duration,
    on_progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(Vec<Duration>, Instant, u64), LoadError> {
    let mut times = Vec::with_capacity(transfers);
    let (mut last, mut blocks) = (now(), 0);
    while times.len() < transfers {
        let height = client.height().await?;
        if height < next {
            if last.elapsed() > patience {
                return Err(LoadError::Missing {
                    missing: transfers - times.len(),
                    waited: patience,
                });
            }
            tokio::time::sleep(POLL).await;
            continue;
        }
        let end = height.min(next + BLOCKS_MAX - 1);
        let receipts = client.receipts(next, end).await?;
        let here = now();
        blocks += end + 1 - next;
        next = end + 1;
        let mut waiting = lock(&shared.waiting);
        let before = times.len();
        for Receipt { hash, has_succeeded } in receipts {
            let Some(due) = waiting.remove(&hash) else { continue };
            if !has_succeeded {
                return Err(LoadError::Failed { hash });
            }
            times.push(here.duration_since(due));
        }
        drop(waiting);
        if times.len() > before {
            last = here;
            shared.room.add_permits(times.len() - before);
            on_progress(Progress { receipts: times.len(), transfers });
        }
    }
    Ok((times, last, blocks))
}

fn milliseconds(mut times: Vec<Duration>) -> Milliseconds {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    Milliseconds { median: at(50), p90: at(90), p99: at(99), max: at(100) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::cast_precision_loss, reason = "figures for display; 53 bits are enough")]
fn count(value: usize) -> f64 {
    value as f64
}

#[expect(clippy::disallowed_methods, reason = "this crate measures time")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let found = milliseconds(times);
        assert_eq!(found, Milliseconds { median: 100.0, p90: 180.0, p99: 198.0, max: 200.0 });
        let one = milliseconds(vec![Duration::from_millis(7)]);
        assert_eq!(one, Milliseconds { median: 7.0, p90: 7.0, p99: 7.0, max: 7.0 });
    }
}
