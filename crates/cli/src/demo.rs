//! `gleaner demo`: the whole system on one machine.
//!
//! A ledger in this process, four workers in processes of their own, and a project with escrow. It runs the code of a
//! network of machines; only the keys are temporary: they are derived from the seed, so that two demos train the same
//! model.

mod crew;
mod folder;
mod govern;
mod ledger;
mod market;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use coordinator::{Conditions, Event, Options, Project, Report};
use corpus::{Corpus, Cut};
use machine::{Effort, Threads};
use model::instructions::Isa;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use transport::Iroh;
use units::{AccountId, DeviceId};
use verification::RunSpec;
use worker::Priority;

use crate::failure::Interrupted;
use crate::offices::Auditor;
use crate::options::IsaArgs;
use crate::output::Output;
use crate::screen::{Screen, short};
use crate::train::hinted;
use crate::{run_report, sample, shell};
use crew::{Crew, Part, Post};
use folder::Folder;

/// This repository's own documentation and source.
const OWN_TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/corpus.txt"));

/// Number of bytes of generated text.
const SAMPLE_BYTES: u32 = 300;

/// How often the demo checks its workers.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long the demo waits for the node, which runs in its own process.
const PATIENCE: Duration = Duration::from_secs(60);

/// Flags of `gleaner demo`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// A UTF-8 text file to train on, or a folder of them [default: this program's own source and documentation]
    #[arg(long, value_name = "PATH")]
    corpus: Option<PathBuf>,
    /// Number of worker processes
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=64))]
    workers: u16,
    /// Number of rounds
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Seed; the same seed and corpus give the same model
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder of ledger, workers and model; an unfinished demo in it is continued [default: demo/N in gleaner's data
    /// folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Number of workers that send made-up work
    #[arg(long, value_name = "N", default_value_t = 0)]
    cheats: u16,
    /// Number of workers that send made-up work and vouch for each other
    #[arg(long, value_name = "N", default_value_t = 0)]
    colluders: u16,
    /// Number of workers that are killed in the middle of a round
    #[arg(long, value_name = "N", default_value_t = 0)]
    crashes: u16,
    /// After the payout, open a pool of GRAIN and a new asset, in which a worker's account trades with its pay
    #[arg(long)]
    market: bool,
    /// After the payout, workers and trainer change a rule by vote, and the ledger obeys; its clock jumps over the weeks that this takes
    #[arg(long)]
    govern: bool,
    #[command(flatten)]
    isa: IsaArgs,
}

/// Keys of `gleaner demo --json`.
#[derive(Serialize)]
struct Document {
    chain: Chain,
    #[serde(flatten)]
    report: Report,
    sample: String,
    /// With `--market`.
    #[serde(skip_serializing_if = "Option::is_none")]
    market: Option<market::Market>,
    /// With `--govern`.
    #[serde(skip_serializing_if = "Option::is_none")]
    govern: Option<govern::Governed>,
}

#[derive(Serialize)]
struct Chain {
    height: u64,
    state_root: String,
}

/// Runs the demo, or continues an unfinished one.
///
/// # Errors
/// When the corpus can't be used, the folder belongs to another demo, or a part fails; [`Interrupted`] at Ctrl-C.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    ensure!(
        args.cheats + args.colluders + args.crashes < args.workers,
        "{} cheats, {} colluders and {} crashes leave none of {} workers to do the work: raise --workers",
        args.cheats,
        args.colluders,
        args.crashes,
        args.workers
    );
    let project = project(&args)?;
    let folder = Folder::open(&args, &project.corpus)?;
    output.say(&format!("demo in {}", folder.path().display()));
    shell::block_on(async { demo(&args, project, &folder, output).await })
}

async fn demo(
    args: &Args,
    project: Project,
    folder: &Folder,
    output: &Output,
) -> anyhow::Result<()> {
    let isa = args.isa.choose()?;
    let clock = args.govern.then(govern::JumpingClock::start);
    let funds = if args.govern {
        govern::funds(&folder.accounts(args.workers.into()))?
    } else {
        BTreeMap::new()
    };
    let play = ledger::Play { clock: clock.clone(), funds };
    let ledger = ledger::start(folder, &project, play).await?;
    let spec = project.spec.clone();
    let (stop, stopped) = watch::channel(false);
    let (events, said) = mpsc::unbounded_channel();
    let client = ledger.client(PATIENCE).await?;
    // The workers of the demo take all cores: behind them it would audit only at the end.
    let auditor = Auditor::open(&folder.path().join("auditor"), 2, isa, Priority::Usual)?;
    let auditing = auditor.device();
    let (opened, run) = watch::channel(None);
    let members = if args.govern { members(args, folder, &ledger).await? } else { Vec::new() };
    let claiming = args
        .govern
        .then(|| tokio::spawn(govern::claim(members.clone(), run.clone(), spec.clone(), *output)));
    let audits = auditor.start(client.clone(), run, stopped.clone(), *output);
    let referee = ledger.referee(folder, isa, stopped.clone(), *output).await?;
    let options = Options {
        project,
        folder: folder.path().join("trainer"),
        listen: ([127, 0, 0, 1], 0).into(),
        announce: Vec::new(),
        ledger: client,
        network: Arc::new(Iroh),
        machine: Arc::new(Threads),
        auditor: auditing,
        taken: None,
        rewind: None,
        threads: 1,
        isa,
        events,
        stop: stopped,
    };
    let crew = Arc::new(Mutex::new(Cast::new(args, folder, ledger.url(), output)));
    let watching = Arc::clone(&crew);
    let screen = tokio::spawn(Screen::new(*output, spec.rounds).follow(said, move |event| {
        if let Event::Opened { run, .. } = event {
            opened.send_replace(Some(*run));
        }
        watching.lock().unwrap_or_else(PoisonError::into_inner).handle(event);
    }));
    let polling = tokio::spawn(poll_workers(Arc::clone(&crew)));
    let signals = tokio::spawn(async move {
        if shell::stop_signal().await.is_ok() {
            let _ = stop.send(true);
        }
    });
    let result = hinted(coordinator::run(options).await);
    for task in [signals, polling, audits, referee] {
        task.abort();
    }
    let last = Arc::clone(&crew);
    tokio::task::spawn_blocking(move || last.lock().unwrap_or_else(PoisonError::into_inner).end())
        .await?;
    screen.await.context("the screen panicked")?;
    let governing =
        clock.zip(claiming).map(|(clock, claiming)| Governing { clock, claiming, members });
    finish((args, governing), ledger, result, (folder, isa), output).await
}

/// What `--govern` needs after the payout.
struct Governing {
    clock: Arc<govern::JumpingClock>,
    claiming: JoinHandle<anyhow::Result<()>>,
    members: Vec<govern::Member>,
}

/// Returns the workers that do all of their work: those that cheat or crash earn nothing, or not enough.
async fn members(
    args: &Args,
    folder: &Folder,
    ledger: &ledger::DemoLedger,
) -> anyhow::Result<Vec<govern::Member>> {
    let others = args.cheats + args.colluders + args.crashes;
    let mut members = Vec::new();
    for index in 0..usize::from(args.workers - others) {
        let device = wallet::DeviceKey::from_seed(&crew::device_seed(args.seed, index)).device();
        let key = folder.worker(index)?;
        let ledger = ledger.client_of(key.clone(), PATIENCE).await?;
        members.push(govern::Member { device, key, ledger });
    }
    Ok(members)
}

impl Governing {
    async fn play(
        self,
        ledger: &ledger::DemoLedger,
        report: &Report,
        output: &Output,
    ) -> anyhow::Result<govern::Governed> {
        self.claiming.await.context("the claims panicked")??;
        govern::play(ledger, (self.members, &self.clock), report, (PATIENCE, output)).await
    }
}

/// Opens the market and lets workers and trainer govern, if it is asked for, stops the ledger, and prints what was done.
async fn finish(
    (args, governing): (&Args, Option<Governing>),
    ledger: ledger::DemoLedger,
    result: anyhow::Result<Option<Report>>,
    (folder, isa): (&Folder, Isa),
    output: &Output,
) -> anyhow::Result<()> {
    let market = match &result {
        Ok(Some(report)) if args.market => {
            Some(market::play(&ledger, folder, report, (PATIENCE, output)).await)
        }
        _ => None,
    };
    let govern = match (&result, governing) {
        (Ok(Some(report)), Some(governing)) => Some(governing.play(&ledger, report, output).await),
        _ => None,
    };
    let chain = ledger.head();
    ledger.stop().await;
    let Some(report) = result? else {
        output.say(&format!(
            "to continue, start it again with the same flags; it is kept in {}",
            folder.path().display()
        ));
        return Err(Interrupted.into());
    };
    let (market, govern) = (market.transpose()?, govern.transpose()?);
    folder.finish()?;
    let text = sampled(&report, isa).await?;
    let parts = [
        run_report::text(&report),
        market.as_ref().map_or_else(String::new, |market| market.text().to_owned()),
        govern.as_ref().map_or_else(String::new, |govern| govern.text().to_owned()),
        quoted(&text),
        next_steps(&report, &chain, folder),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    output.print(&Document { chain, report, sample: text, market, govern }, &parts.join("\n\n"))
}

fn project(args: &Args) -> anyhow::Result<Project> {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&args.seed.to_le_bytes());
    let spec = RunSpec::small(args.rounds, seed);
    let cut = Cut::for_context(spec.model.context);
    let corpus = match &args.corpus {
        Some(path) => Corpus::from_path(path, &cut)?,
        None => Corpus::from_text(OWN_TEXT.as_bytes().to_vec(), &cut)?,
    };
    let conditions = Conditions {
        workers_min: args.workers,
        workers_max: args.workers,
        round_seconds: 60,
        audit_seconds: 60,
        relay_fee: "0".to_owned(),
        ..Conditions::default()
    };
    Ok(Project { name: "demo".to_owned(), corpus, spec, conditions, budget: None })
}

/// The workers, their roles, and the progress of the demo.
struct Cast {
    crew: Crew,
    args: Args,
    folder: PathBuf,
    url: String,
    output: Output,
    accounts: Vec<AccountId>,
    /// Workers to kill, each in a later round.
    doomed: Vec<(u32, DeviceId)>,
}

impl Cast {
    fn new(args: &Args, folder: &Folder, url: String, output: &Output) -> Self {
        let workers = usize::from(args.workers);
        let misbehaving = usize::from(args.cheats) + usize::from(args.colluders);
        let device =
            |index| wallet::DeviceKey::from_seed(&crew::device_seed(args.seed, index)).device();
        // Cheats come last, colluders before them, crashes before those.
        let first_doomed = workers.saturating_sub(misbehaving + usize::from(args.crashes));
        let doomed =
            (first_doomed..first_doomed + usize::from(args.crashes)).zip(args.rounds / 3..);
        Self {
            crew: Crew::default(),
            args: args.clone(),
            folder: folder.path().to_owned(),
            url,
            output: *output,
            accounts: folder.accounts(workers),
            doomed: doomed.map(|(index, round)| (round, device(index))).collect(),
        }
    }

    /// Starts all workers once the project is open, and kills a worker in the middle of its round.
    fn handle(&mut self, event: &Event) {
        let result = match event {
            Event::Opened { run, .. } => self.start(*run),
            Event::Step { device, round, step, steps, .. } if *step * 2 >= *steps => {
                let is_due = |doomed: &(u32, DeviceId)| doomed.0 <= *round && doomed.1 == *device;
                let due = self.doomed.iter().any(is_due);
                self.doomed.retain(|doomed| !is_due(doomed));
                if due { self.kill(*round, device) } else { Ok(()) }
            }
            _ => Ok(()),
        };
        if let Err(error) = result {
            self.output.say(&format!("demo: {error:#}"));
        }
    }

    fn start(&mut self, run: u64) -> anyhow::Result<()> {
        let workers = usize::from(self.args.workers);
        let first_cheat = workers.saturating_sub(self.args.cheats.into());
        let first_colluder = first_cheat.saturating_sub(self.args.colluders.into());
        let isa = self.args.isa.choose()?;
        for (index, account) in self.accounts.clone().into_iter().enumerate() {
            let folder = crew::folder(&self.folder, index);
            let device = crew::give_key(&folder, &crew::device_seed(self.args.seed, index))?;
            let part = if index >= first_cheat {
                Part::Cheat
            } else if index >= first_colluder {
                Part::Colluder { shared: self.folder.join("colluders") }
            } else {
                Part::Honest
            };
            let post = Post { rpc: &self.url, run, account, folder, part, isa };
            self.crew.start(device, &post)?;
        }
        Ok(())
    }

    fn kill(&mut self, round: u32, device: &DeviceId) -> anyhow::Result<()> {
        self.output.say(&format!(
            "round {}: killing the worker of device {}",
            round + 1,
            short(device)
        ));
        self.crew.kill(device)
    }

    fn report_ended(&mut self) {
        for (device, status) in self.crew.ended() {
            tracing::info!(%device, %status, "a worker ended");
        }
    }

    fn end(&mut self) {
        self.crew.stop();
    }
}

async fn poll_workers(cast: Arc<Mutex<Cast>>) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        cast.lock().unwrap_or_else(PoisonError::into_inner).report_ended();
    }
}

async fn sampled(report: &Report, isa: Isa) -> anyhow::Result<String> {
    let checkpoint = model::load(report.run.model_path.as_ref())?;
    let sampling = model::Sampling { temperature: 0.8, top_k: 40, seed: sample::seed_bytes(1) };
    let sampling = move || sample::continuation(&checkpoint, "", (SAMPLE_BYTES, isa), sampling);
    machine::run(&Threads, Effort { name: "sample", ..Effort::of(0) }, sampling).await?
}

fn quoted(text: &str) -> String {
    let lines = text.lines().map(|line| format!("  | {line}"));
    std::iter::once("generated text".to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

fn next_steps(report: &Report, chain: &Chain, folder: &Folder) -> String {
    let path = folder.path().display();
    format!(
        "ledger   block {}, state root {}\n\nnext\n  gleaner sample {} --prompt \"The \"\n  gleaner node --data-dir {path}/ledger     # then, elsewhere:\n  gleaner project show {}\n  gleaner demo --cheats 1 --crashes 1",
        chain.height, chain.state_root, report.run.model_path, report.run.id
    )
}

/// Returns the seconds since 1970, for the genesis block of a temporary ledger.
fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the genesis block needs a time")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
