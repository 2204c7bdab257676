//! `gleaner referee`: decides disputes with a key of its own, beside a node that others run.

use std::path::PathBuf;

use anyhow::Context as _;
use ledger_views::referees::referees;
use serde::Serialize;
use tokio::sync::watch;
use wallet::DeviceKey;

use crate::offices::{self, Limits};
use crate::options::{IsaArgs, LedgerArgs};
use crate::output::Output;
use crate::{ledger, paths, shell};

/// Flags of `gleaner referee`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    isa: IsaArgs,
    /// Folder for the key and the texts of rounds [default: referee in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What a machine gives to a referee.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LimitArgs {
    /// Cores for repeating disputed rounds, which are shared by the rounds repeated at once
    #[arg(long = "referee-threads", value_name = "THREADS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Memory for it, in MiB, shared as well; a round that needs more is left to other referees
    #[arg(long = "referee-memory", value_name = "MIB", default_value_t = 8192, value_parser = clap::value_parser!(u64).range(1..))]
    memory: u64,
}

impl LimitArgs {
    pub(crate) fn limits(self) -> Limits {
        let Self { threads, memory } = self;
        Limits { threads: threads.into(), memory_max: memory.saturating_mul(1 << 20) }
    }
}

/// Keys of `gleaner referee --json`, printed at the start.
#[derive(Serialize)]
struct Document {
    referee: String,
    /// Whether the ledger names it.
    is_named: bool,
    /// Number of the ledger's referees.
    referees: usize,
    /// Number of them that must agree.
    threshold: u16,
}

/// Decides disputes until it is stopped.
///
/// # Errors
/// When the key can't be read or created, or the ledger does not answer.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let folder = paths::or_home(args.data_dir.clone(), "referee")?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("{}: folder can't be created", folder.display()))?;
    let path = folder.join("device.key");
    let key = DeviceKey::load_or_create(&path)?.device();
    shell::block_on_and_leave(async {
        let ledger = ledger::connect(&args.ledger).await?;
        let panel = referees(&ledger).await?;
        let document = Document {
            referee: key.to_string(),
            is_named: panel.members.contains(&key),
            referees: panel.members.len(),
            threshold: panel.threshold,
        };
        output.print(&document, &text(&document))?;
        let (stop, stopped) = watch::channel(false);
        let resources = args.limits.limits().resources(folder, args.isa.choose()?);
        let mut task = offices::referee(&path, resources, ledger, stopped, *output)?;
        let mut signals = shell::StopSignals::listen()?;
        tokio::select! {
            ended = &mut task => ended.context("the referee panicked")?,
            _ = signals.next() => {
                let _ = stop.send(true);
                // It ends what it is doing; a second signal does not wait for that.
                tokio::select! {
                    _ = task => {}
                    _ = signals.next() => {}
                }
            }
        }
        Ok(())
    })
}

fn text(document: &Document) -> String {
    let Document { referee, is_named, referees, threshold } = document;
    let agree = format!("{threshold} of {referees} must agree");
    match is_named {
        true => format!("referee {referee} decides disputes; {agree}"),
        false => format!(
            "referee {referee} is none of the ledger's: it waits until the ledger names it; {agree}"
        ),
    }
}
