//! `gleaner doctor`: checks whether this machine can work while it is idle, and says what to change.
//!
//! Each part of the machine gives [`Check`]s: `kernels` and `machine` what computes and what is left for others, `owner` what protects the owner, `network` who can
//! be reached. Nothing is changed or made, except for a moment the control groups of a worker that does not run.

mod kernels;
mod machine;
mod network;
#[cfg(target_os = "linux")]
mod owner;

use std::path::PathBuf;

use serde::Serialize;

use crate::agent::folders::Folders;
use crate::agent::{must_exist, read_limits};
use crate::failure::Hint as _;
use crate::options::LedgerArgs;
use crate::output::{self, Output};
use crate::shell;

/// Flags of `gleaner doctor`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    machine: MachineArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Compare every kernel's result with the bytes that all machines must compute
    Kernels(kernels::Args),
}

/// Flags of the check of the whole machine: those of the agent.
#[derive(Debug, clap::Args)]
pub(crate) struct MachineArgs {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// File of your limits [default: agent.toml in gleaner's configuration folder]
    #[arg(long, value_name = "FILE", env = "GLEANER_AGENT_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of this device's key and its texts [default: worker in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    /// As it should be.
    Good,
    /// It works, and would work better otherwise.
    Advice,
    /// The agent can't work.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: String,
    verdict: Verdict,
    found: String,
    /// What to change; `null` where nothing is to be changed.
    change: Option<String>,
}

impl Check {
    fn good(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Good, found: found.into(), change: None }
    }

    fn advice(name: &str, found: impl Into<String>, change: impl Into<String>) -> Self {
        let change = Some(change.into());
        Self { verdict: Verdict::Advice, change, ..Self::good(name, found) }
    }

    fn bad(name: &str, found: impl Into<String>, change: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, ..Self::advice(name, found, change) }
    }
}

/// Keys of `gleaner doctor --json`.
#[derive(Serialize)]
struct Document {
    /// Whether nothing keeps the agent from working.
    is_fit: bool,
    checks: Vec<Check>,
}

/// Checks the machine, or its kernels.
///
/// # Errors
/// When something keeps the agent from working or kernels differ, after it was printed.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Kernels(args)) => kernels::run(&args, output),
        None => whole(&args.machine, output),
    }
}

fn whole(args: &MachineArgs, output: &Output) -> anyhow::Result<()> {
    let folders = Folders::find()?;
    must_exist(args.config.as_deref())?;
    let (limits, _) = read_limits(&folders.config_or(args.config.clone()))?;
    let folder = args.data_dir.clone().unwrap_or_else(|| folders.worker.clone());
    let mut checks = vec![machine::processor()];
    output.say("checking the kernels");
    checks.push(machine::kernels()?);
    checks.extend(machine::checks(&limits, &folder));
    #[cfg(target_os = "linux")]
    checks.extend(owner::checks(&limits));
    output.say("asking the ledger and the coordinators of open projects");
    checks.extend(shell::block_on_until_interrupted(async {
        Ok(network::checks(&args.ledger, &limits).await)
    })?);
    let bad: Vec<_> = checks.iter().filter(|check| check.verdict == Verdict::Bad).collect();
    let names: Vec<_> = bad.iter().map(|check| check.name.as_str()).collect();
    let names = names.join(", ");
    let document = Document { is_fit: bad.is_empty(), checks };
    output.print(&document, &text(&document.checks))?;
    if document.is_fit {
        return Ok(());
    }
    let error = anyhow::anyhow!("this machine can't work yet, because of: {names}");
    Err(error).hint("the lines marked NO say what to change")
}

fn text(checks: &[Check]) -> String {
    let mut rows = Vec::new();
    for check in checks {
        let mark = match check.verdict {
            Verdict::Good => "ok",
            Verdict::Advice => "note",
            Verdict::Bad => "NO",
        };
        rows.push(vec![mark.to_owned(), check.name.clone(), check.found.clone()]);
        let change = check.change.iter();
        rows.extend(
            change.map(|change| vec![String::new(), String::new(), format!("-> {change}")]),
        );
    }
    output::lines(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_change_stands_below_what_was_found() {
        let checks = [
            Check::good("clock", "set"),
            Check::advice("energy", "no meter", "set energy.watts"),
            Check::bad("disk", "1 GiB free", "make room"),
        ];
        assert_eq!(
            text(&checks),
            "ok    clock   set\nnote  energy  no meter\n              -> set energy.watts\nNO    disk    1 GiB free\n              -> make room"
        );
    }
}
