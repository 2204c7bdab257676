//! `gleaner train`: opens a project with escrow, drives its run, saves the model.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use coordinator::{Claim, Event, Options, Project, Refusal, Report, RunReport, Taken};
use ledger_client::Ledger;
use machine::Threads;
use tokio::sync::{mpsc, watch};
use transport::Iroh;
use units::DeviceId;
use worker::Priority;

use crate::failure::{Hint as _, Interrupted};
use crate::ledger;
use crate::offices::Auditor;
use crate::options::{IsaArgs, LedgerArgs, SignerArgs};
use crate::output::Output;
use crate::run_report;
use crate::screen::Screen;
use crate::{announce, claim, paths, shell};

/// How long to wait for a ledger that can't be reached: its node may be restarting.
const LEDGER_PATIENCE: Duration = Duration::from_secs(300);

/// Flags of `gleaner train`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Project file, which describes model, text and terms: see the README; with --take-over it may be left away
    #[arg(required_unless_present = "take_over")]
    project: Option<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    signer: SignerArgs,
    /// UDP address to listen on for workers; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address or name by which workers elsewhere reach this machine, if it differs from the one listened on; may be
    /// given more than once
    #[arg(long, value_name = "HOST:PORT", value_parser = announce::parse)]
    announce: Vec<String>,
    /// Folder of the run; the same folder continues the run [default: train/NAME in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Start a new run from the state after this many rounds of the folder's run, which must be over; the rounds done
    /// count
    #[arg(long, value_name = "ROUNDS")]
    rewind: Option<u32>,
    /// Drive a project of yours whose machine or folder is lost, with what its workers have; the coordinator before stops,
    /// should it come back
    #[arg(long, value_name = "PROJECT", conflicts_with = "rewind")]
    take_over: Option<u64>,
    /// Number of threads to measure losses, and of your auditing device
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Share of the work that your own device checks, beside the workers: 5%, or 0% for none
    #[arg(long, value_name = "PERCENT", default_value = "5%", action = clap::ArgAction::Set, value_parser = parse_audit)]
    audit: bool,
    #[command(flatten)]
    isa: IsaArgs,
}

/// The ledger draws a twentieth of the work for the owner's device, or nothing if there is no such device.
fn parse_audit(text: &str) -> Result<bool, String> {
    match text.trim_end_matches('%') {
        "5" => Ok(true),
        "0" => Ok(false),
        _ => {
            Err("the ledger draws 5 % of the work for your device: give 5%, or 0% for none"
                .to_owned())
        }
    }
}

/// Trains the project to its end.
///
/// # Errors
/// When project, account or ledger can't be used; [`Interrupted`] at Ctrl-C, after which the same command continues.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let project = args.project.as_deref().map(Project::from_file).transpose()?;
    announce::check(args.listen, &args.announce)?;
    let signer = args.signer.unlock()?;
    shell::block_on(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer)
            .await?
            .with_patience(LEDGER_PATIENCE);
        let named = match (&project, args.take_over) {
            (_, Some(run)) => {
                let run = ledger::project(&ledger, run).await?.run;
                Named { name: run.name, rounds: run.rounds }
            }
            (Some(project), None) => {
                Named { name: project.name.clone(), rounds: project.spec.rounds }
            }
            (None, None) => anyhow::bail!("give a project file"),
        };
        let folder = paths::or_home(
            args.data_dir.clone(),
            &format!("train/{}", paths::file_name(&named.name)),
        )?;
        let (stop, stopped) = watch::channel(false);
        let signals = tokio::spawn(async move {
            if shell::stop_signal().await.is_ok() {
                let _ = stop.send(true);
            }
        });
        let trainer = Trainer { args, ledger, folder, stopped, output: *output };
        let report = trainer.train(project, named.rounds).await;
        signals.abort();
        match report? {
            Some(report) => {
                let text = run_report::text(&report);
                let next =
                    format!("next\n  gleaner sample {} --prompt \"The \"", report.run.model_path);
                output.print(&report, &format!("{text}\n\n{next}"))?;
                ended_early(&report)
            }
            None => Err(Interrupted.into()),
        }
    })
}

/// What the screen and the folder need to know of a project.
struct Named {
    name: String,
    rounds: u32,
}

/// What a coordinator works with.
struct Trainer {
    args: Args,
    ledger: Ledger,
    folder: PathBuf,
    stopped: watch::Receiver<bool>,
    output: Output,
}

impl Trainer {
    /// Drives the project's run, which is first taken over if that is asked for. Returns `None` when it was stopped before the end.
    async fn train(self, project: Option<Project>, rounds: u32) -> anyhow::Result<Option<Report>> {
        let (events, said) = mpsc::unbounded_channel();
        let (opened, run) = watch::channel(None);
        let screen = tokio::spawn(Screen::new(self.output, rounds).follow(said, move |event| {
            if let Event::Opened { run, .. } = event {
                opened.send_replace(Some(*run));
            }
        }));
        let report = self.drive(project, run, events).await;
        screen.await.context("the screen panicked")?;
        report
    }

    async fn drive(
        self,
        project: Option<Project>,
        run: watch::Receiver<Option<u64>>,
        events: mpsc::UnboundedSender<Event>,
    ) -> anyhow::Result<Option<Report>> {
        let Some((project, taken)) = self.project(project, &events).await? else {
            return Ok(None);
        };
        let Self { args, ledger, folder, stopped, output } = self;
        let (isa, threads) = (args.isa.choose()?, usize::from(args.threads));
        let auditor = if args.audit {
            // The coordinator, and whoever uses this machine, go first.
            Some(Auditor::open(&folder.join("auditor"), threads, isa, Priority::Idle)?)
        } else {
            None
        };
        let auditing = auditor.as_ref().map_or(DeviceId::ZERO, Auditor::device);
        let specification = project.spec.to_bytes();
        let registering =
            tokio::spawn(claim::register(ledger.clone(), run.clone(), specification, output));
        let audits =
            auditor.map(|auditor| auditor.start(ledger.clone(), run, stopped.clone(), output));
        let options = Options {
            project,
            folder,
            listen: args.listen,
            announce: args.announce,
            ledger,
            network: Arc::new(Iroh),
            machine: Arc::new(Threads),
            auditor: auditing,
            taken,
            rewind: args.rewind,
            threads,
            isa,
            events,
            stop: stopped,
        };
        let report = hinted(coordinator::run(options).await);
        registering.abort();
        if let Some(audits) = audits {
            audits.abort();
        }
        report
    }

    /// Returns the project, and its run if it was taken over; `None` when it was stopped before.
    async fn project(
        &self,
        project: Option<Project>,
        events: &mpsc::UnboundedSender<Event>,
    ) -> anyhow::Result<Option<(Project, Option<Taken>)>> {
        let Self { args, ledger, folder, stopped, .. } = self;
        let Some(run) = args.take_over else {
            return Ok(project.map(|project| (project, None)));
        };
        let claim = Claim {
            run,
            project,
            folder: folder.clone(),
            listen: args.listen,
            announce: args.announce.clone(),
            ledger: ledger.clone(),
            network: Arc::new(Iroh),
            machine: Arc::new(Threads),
            events: events.clone(),
            stop: stopped.clone(),
        };
        let taken = hinted(coordinator::take_over(claim).await)?;
        Ok(taken.map(|(project, taken)| (project, Some(taken))))
    }
}

/// Returns an error for a run that did not do all its rounds: its model is saved, but that is no success.
fn ended_early(report: &Report) -> anyhow::Result<()> {
    let RunReport { id, ending, reason, rounds_completed, rewindable, .. } = &report.run;
    let saved = format!("the model is the ledger's state after round {rounds_completed}");
    let available: Vec<String> = rewindable.iter().map(ToString::to_string).collect();
    let rewind = format!(
        "gleaner train --rewind N starts a new run from the state after round N; on disk are those after {}",
        available.join(", ")
    );
    match (ending.as_str(), reason) {
        ("completed", _) => Ok(()),
        (_, Some(reason)) => {
            Err(anyhow::anyhow!("project {id} was cancelled because {reason}; {saved}"))
                .hint(format!("lower the learning rates; {rewind}"))
        }
        _ => Err(anyhow::anyhow!("project {id} was {ending} before its last round; {saved}"))
            .hint(rewind),
    }
}

/// Adds a hint to a refusal.
pub(crate) fn hinted<T>(result: anyhow::Result<T>) -> anyhow::Result<T> {
    let Err(error) = result else { return result };
    let hint = match error.downcast_ref::<Refusal>() {
        Some(Refusal::BudgetTooSmall { required, .. }) => {
            format!(
                "budget = \"{}\" in the project file, a lower price, fewer rounds, or a smaller workers_max",
                required.to_grain()
            )
        }
        Some(Refusal::TooPoor { .. }) => "gleaner wallet balance".to_owned(),
        Some(Refusal::Changed { .. }) => {
            "undo the change to continue the run, or start a new one with --data-dir ANOTHER_FOLDER"
                .to_owned()
        }
        Some(Refusal::Over { .. } | Refusal::NothingToRewind { .. }) => {
            "--data-dir ANOTHER_FOLDER".to_owned()
        }
        Some(Refusal::StillOpen { run, .. }) => format!(
            "without --rewind the same command continues it; `gleaner project cancel {run}` ends it"
        ),
        Some(Refusal::NoSuchState { .. }) => "--rewind ROUNDS".to_owned(),
        Some(Refusal::StateLost { run, .. }) => format!(
            "`gleaner train --take-over {run}` fetches it from the workers; if none has it, `gleaner project cancel {run}` returns what is not owed, and `gleaner train --rewind N` starts a new run from an older state"
        ),
        Some(Refusal::TakenOver { run, .. }) => {
            format!("if that one is gone, `gleaner train --take-over {run}` takes the project back")
        }
        Some(Refusal::NotOwner { .. }) => "--account ADDRESS".to_owned(),
        Some(Refusal::OtherRun { .. }) => "--data-dir ANOTHER_FOLDER".to_owned(),
        Some(Refusal::Scattered { run, .. }) => format!(
            "give the project file for its corpus, or try again when more workers are there; `gleaner project cancel {run}` ends it"
        ),
        None => return Err(error),
    };
    Err(error).hint(hint)
}
