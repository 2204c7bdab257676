//! Tasks that repeat rounds in the background: the owner's auditing device, and the referee of a ledger.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledger_client::Ledger;
use machine::Threads;
use model::instructions::Isa;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use transport::Iroh;
use units::DeviceId;
use wallet::DeviceKey;
use worker::{AuditorOptions, Event, InProcess, Priority, RefereeEvent, RefereeOptions, Resources};

use crate::output::Output;
use crate::screen::short;

/// Disk space for the shards of audits.
const DISK_MAX: u64 = 1 << 30;

/// Memory for an audit: a model that needs more is not audited on this machine.
const MEMORY_MAX: u64 = 8 << 30;

/// How long the auditing device tries to reach its own coordinator.
const PATIENCE: Duration = Duration::from_secs(600);

/// The owner's auditing device, which starts once its run is known.
pub(crate) struct Auditor {
    key: DeviceKey,
    folder: PathBuf,
    threads: usize,
    isa: Isa,
    priority: Priority,
}

impl Auditor {
    /// Returns the auditing device whose key is in `folder`; creates the key on first use.
    ///
    /// # Errors
    /// When the key can't be read or created.
    pub(crate) fn open(
        folder: &Path,
        threads: usize,
        isa: Isa,
        priority: Priority,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let key = DeviceKey::load_or_create(&folder.join("device.key"))?;
        Ok(Self { key, folder: folder.to_owned(), threads, isa, priority })
    }

    /// Returns its device.
    pub(crate) fn device(&self) -> DeviceId {
        self.key.device()
    }

    /// Audits what the ledger assigns to it, from the moment that `run` is known until `stop`.
    pub(crate) fn start(
        self,
        ledger: Ledger,
        mut run: watch::Receiver<Option<u64>>,
        stop: watch::Receiver<bool>,
        output: Output,
    ) -> JoinHandle<()> {
        tokio::spawn(async move {
            let Ok(known) = run.wait_for(Option::is_some).await.map(|run| *run) else { return };
            let (events, mut received) = mpsc::unbounded_channel();
            let Self { key, folder, threads, isa, priority } = self;
            let options = AuditorOptions {
                run: known.unwrap_or_default(),
                device: key,
                ledger,
                network: Arc::new(Iroh),
                resources: resources(folder, threads, isa),
                priority,
                patience: PATIENCE,
                events,
                stop,
            };
            let telling = tokio::spawn(async move {
                while let Some(event) = received.recv().await {
                    if let Event::Failed { round, reason } = event {
                        let round = round.saturating_add(1);
                        output.say(&format!("your auditing device, round {round}: {reason}"));
                    }
                }
            });
            if let Err(error) = worker::audit(&options).await {
                output.say(&format!("your auditing device stopped: {error:#}"));
            }
            drop(options);
            // It ends with the events.
            let _ = telling.await;
        })
    }
}

/// What a machine gives to a referee.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Cores.
    pub(crate) threads: usize,
    /// Memory, in bytes.
    pub(crate) memory_max: u64,
}

impl Limits {
    /// Those of a referee beside other work.
    pub(crate) const MODEST: Self = Self { threads: 1, memory_max: MEMORY_MAX };

    /// Returns what a referee computes with, with its shards in `folder`.
    pub(crate) fn resources(self, folder: PathBuf, isa: Isa) -> Resources {
        let Self { threads, memory_max } = self;
        Resources { memory_max, ..resources(folder, threads, isa) }
    }
}

/// Decides disputes with the key in `key`, until `stop`.
///
/// # Errors
/// When the key can't be read.
pub(crate) fn referee(
    key: &Path,
    resources: Resources,
    ledger: Ledger,
    stop: watch::Receiver<bool>,
    output: Output,
) -> anyhow::Result<JoinHandle<()>> {
    let device = DeviceKey::load(key)?;
    let (events, mut received) = mpsc::unbounded_channel();
    let options =
        RefereeOptions { device, ledger, network: Arc::new(Iroh), resources, events, stop };
    tokio::spawn(async move {
        while let Some(event) = received.recv().await {
            output.say(&describe(&event));
        }
    });
    Ok(tokio::spawn(async move {
        if let Err(error) = worker::referee(&options).await {
            output.say(&format!("the referee stopped: {error:#}"));
        }
    }))
}

fn resources(data_dir: PathBuf, threads: usize, isa: Isa) -> Resources {
    let machine = Arc::new(Threads);
    Resources {
        machine,
        calculator: Arc::new(InProcess),
        data_dir,
        disk_max: DISK_MAX,
        threads,
        isa,
        memory_max: MEMORY_MAX,
    }
}

fn describe(event: &RefereeEvent) -> String {
    let named = |run: &u64, round: &u32, subject: &DeviceId| {
        format!("project {run}, round {}, device {}", round.saturating_add(1), short(subject))
    };
    match event {
        RefereeEvent::Started { run, round, subject } => {
            format!("referee: {}: disputed, repeating it", named(run, round, subject))
        }
        RefereeEvent::Ruled { run, round, subject, finding, first } => {
            let found = match (finding, first) {
                (worker::Finding::Passed { .. }, _) => {
                    "the work is what was committed to".to_owned()
                }
                (worker::Finding::Mismatch, Some(part)) => {
                    format!("the work is not what was committed to: it differs from {part} on")
                }
                (worker::Finding::Mismatch, None) => {
                    "the work is not what was committed to".to_owned()
                }
                (worker::Finding::Unavailable, _) => "the data can't be had".to_owned(),
            };
            format!("referee: {}: {found}", named(run, round, subject))
        }
        RefereeEvent::Held { run, round, subject, reason } => {
            format!("referee: {}: not decided: {reason}", named(run, round, subject))
        }
    }
}
