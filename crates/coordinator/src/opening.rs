//! Opens a project's run on the ledger, or resumes it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use ledger_client::{Announcement, Ledger};
use ledger_views::runs;
use model::instructions::Isa;
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use transport::{CoordinatorEndpoint, Limits};
use units::{Digest, Wei};
use verification::RunSpec;

use crate::{Event, Folder, Project, RunRecord, aggregate::Aggregator, folder::FolderError};

/// Options of a coordinator.
pub struct Options {
    /// The project.
    pub project: Project,
    /// Folder for states, keys and the model.
    pub folder: PathBuf,
    /// UDP address to listen on for workers.
    pub listen: SocketAddr,
    /// Addresses to announce instead of the one listened on, if workers elsewhere reach this machine by others.
    pub announce: Vec<SocketAddr>,
    /// The ledger, with the owner's key.
    pub ledger: Ledger,
    /// Number of threads to measure losses.
    pub threads: usize,
    /// Vector instructions to measure losses.
    pub isa: Isa,
    /// Receives the events.
    pub events: mpsc::UnboundedSender<Event>,
    /// Becomes true to stop the coordinator; started again, it continues the run.
    pub stop: watch::Receiver<bool>,
}

/// Why a project can't be run.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The deposit does not cover the worst case.
    #[error("a budget of {} GRAIN does not cover the terms: give at least {} GRAIN", .budget.to_grain(), .required.to_grain())]
    BudgetTooSmall {
        /// The given budget.
        budget: Wei,
        /// The largest cost of the terms.
        required: Wei,
    },
    /// The account's balance is below the deposit.
    #[error("the account has {} GRAIN, but the project deposits {} GRAIN and pays fees: fund the account", .balance.to_grain(), .deposit.to_grain())]
    TooPoor {
        /// The account's balance.
        balance: Wei,
        /// The deposit.
        deposit: Wei,
    },
    /// The folder belongs to another run.
    #[error("folder {} belongs to run {run} of another project or ledger: use another --data-dir", folder.display())]
    OtherRun {
        /// The folder.
        folder: PathBuf,
        /// Its run.
        run: u64,
    },
    /// The folder's run has ended.
    #[error("run {run} in folder {} has ended: its model is in {}; use another --data-dir for a new run", folder.display(), folder.join("model").display())]
    Over {
        /// The folder.
        folder: PathBuf,
        /// The run.
        run: u64,
    },
}

/// A run that is ready to be driven.
pub(crate) struct Opened {
    pub(crate) run: u64,
    pub(crate) folder: Folder,
    pub(crate) endpoint: CoordinatorEndpoint,
    pub(crate) spec: Arc<RunSpec>,
    pub(crate) aggregator: Aggregator,
    pub(crate) loss_initial: f64,
}

/// Opens the project, or resumes the run of the folder.
pub(crate) async fn open(options: &Options) -> anyhow::Result<Opened> {
    let folder = Folder::open(&options.folder)?;
    let spec = Arc::new(options.project.spec.clone());
    let validation = Arc::new(options.project.corpus.evaluated().to_vec());
    let (threads, isa) = (options.threads, options.isa);
    let key = folder.key(random_key)?;
    let (initial, loss_initial) = {
        let spec = Arc::clone(&spec);
        let measure = move || -> anyhow::Result<(Aggregator, f64)> {
            let initial = Aggregator::initial(&spec, validation, (threads, isa));
            let loss = initial.loss()?;
            Ok((initial, loss))
        };
        tokio::task::spawn_blocking(measure)
            .await
            .context("measuring the initial loss panicked")??
    };
    let endpoint = CoordinatorEndpoint::bind(key, options.listen, Limits::USUAL).await?;
    let mut opened = Opened { run: 0, folder, endpoint, spec, aggregator: initial, loss_initial };
    match opened.folder.run()? {
        Some(record) => take_up(options, &mut opened, &record).await?,
        None => open_new(options, &mut opened).await?,
    }
    Ok(opened)
}

async fn open_new(options: &Options, opened: &mut Opened) -> anyhow::Result<()> {
    let ledger = &options.ledger;
    let state = opened.aggregator.state();
    opened.folder.keep_state(&state, &[])?;
    let terms = options.project.terms(state.digest())?;
    let required = terms.required_deposit().context("the cost of the terms overflows")?;
    let deposit = options.project.budget.unwrap_or(required);
    if deposit < required {
        return Err(Refusal::BudgetTooSmall { budget: deposit, required }.into());
    }
    let owner = ledger.account().context("opening a project needs an account of the wallet")?;
    // An earlier process may have opened the run and crashed before it recorded it: only this folder has the key.
    let run = match find_run(options, opened).await? {
        Some(run) => run,
        None => {
            let balance = ledger.balance(&owner).await?;
            if balance <= deposit {
                return Err(Refusal::TooPoor { balance, deposit }.into());
            }
            ledger
                .open_run(&terms, &options.project.name, &announcement(options, opened), deposit)
                .await?
                .run
        }
    };
    opened.run = run;
    let record =
        RunRecord { chain_id: ledger.chain_id(), run, spec: opened.spec.digest().to_string() };
    opened.folder.keep_run(&record)?;
    let _ = options.events.send(Event::Opened { run, deposited: deposit, resumed: false });
    Ok(())
}

/// Returns a run on the ledger whose coordinator has this folder's key.
async fn find_run(options: &Options, opened: &Opened) -> anyhow::Result<Option<u64>> {
    let ledger = &options.ledger;
    for run in (1..=runs::count(ledger).await?).rev() {
        if runs::run(ledger, run).await?.coordinator == opened.endpoint.device() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

async fn take_up(options: &Options, opened: &mut Opened, record: &RunRecord) -> anyhow::Result<()> {
    let (ledger, folder) = (&options.ledger, options.folder.clone());
    let is_same =
        record.chain_id == ledger.chain_id() && record.spec == opened.spec.digest().to_string();
    if !is_same {
        return Err(Refusal::OtherRun { folder, run: record.run }.into());
    }
    let summary = runs::run(ledger, record.run).await?;
    if summary.phase.is_over() && options.folder.join("model").exists() {
        return Err(Refusal::Over { folder, run: record.run }.into());
    }
    opened.run = record.run;
    opened.aggregator.resume(&opened.folder, &summary.state)?;
    let announcement = announcement(options, opened);
    if summary.endpoint != announcement.endpoint {
        ledger.announce(record.run, &announcement).await?;
    }
    let _ = options.events.send(Event::Opened {
        run: record.run,
        deposited: summary.deposited,
        resumed: true,
    });
    Ok(())
}

fn announcement(options: &Options, opened: &Opened) -> Announcement {
    let listening = opened.endpoint.addresses();
    let addresses = if options.announce.is_empty() { &listening } else { &options.announce };
    let endpoint = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let _ = options.events.send(Event::Listening { endpoint: endpoint.clone() });
    Announcement { coordinator: opened.endpoint.device(), endpoint }
}

fn random_key() -> Result<[u8; 32], FolderError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key)
        .map_err(|error| FolderError::NoRandomness { reason: error.to_string() })?;
    Ok(key)
}

/// Returns whether the aggregator is at the state of the ledger.
pub(crate) fn is_at(aggregator: &Aggregator, state: &Digest) -> bool {
    aggregator.digest() == *state
}
