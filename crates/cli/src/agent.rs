//! `gleaner agent`: works while this machine is idle, and never otherwise.
//!
//! One process reads the sensors, decides each second and at each input, and holds `gleaner join` down in a process of its own. Its owner talks to it through a
//! socket that only they can open (`gleaner status`, `why`, `pause`, `resume`, `agent stop`).

#[cfg(target_os = "linux")]
mod alerts;
mod channel;
mod client;
#[cfg(target_os = "linux")]
mod daemon;
#[cfg(target_os = "linux")]
mod earnings;
pub(crate) mod folders;
#[cfg(target_os = "linux")]
mod limits_file;
#[cfg(target_os = "linux")]
mod orders;
#[cfg(target_os = "linux")]
mod pause;
#[cfg(target_os = "linux")]
mod server;
mod service;
#[cfg(target_os = "linux")]
mod timed;
#[cfg(target_os = "linux")]
mod whose;
#[cfg(target_os = "linux")]
mod worker;

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use units::AccountId;

use ::agent::limits::{FILE_SIZE_MAX, Origin, commented};
use ::agent::{Limits, Request};

pub(crate) use client::{PauseArgs, pause, present, resume, status, why};
pub(crate) use service::{InstallArgs, UninstallArgs, install, uninstall};

use crate::failure::{Hint as _, WrongUsage};
use crate::options::{LedgerArgs, parse_payee};
use crate::output::{self, Output};
use folders::Folders;

/// Flags of `gleaner agent`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

/// Flags of the agent itself.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) ledger: LedgerArgs,
    /// Account that is paid; its key is not needed on this machine
    #[arg(long, value_name = "ADDRESS", env = "GLEANER_ACCOUNT", value_parser = parse_payee)]
    pub(crate) account: Option<AccountId>,
    /// Work for this project only [default: the open project that pays best, one after the other]
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<u64>,
    /// File of your limits [default: agent.toml in gleaner's configuration folder]
    #[arg(long, value_name = "FILE", env = "GLEANER_AGENT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of this device's key and its texts [default: worker in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Seconds between two questions to the ledger, of each kind, for tests
    #[arg(long, hide = true, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) ask_seconds: Option<u16>,
    /// Folder that sensors read as the whole system, for tests
    #[arg(long, hide = true, value_name = "DIR")]
    pub(crate) sensors_root: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print every limit with its value, where it comes from and what it means, as a file that you can edit
    Config(ConfigArgs),
    /// End the agent; its worker leaves first
    Stop,
}

/// Flags of `gleaner agent config`.
#[derive(Debug, clap::Args)]
struct ConfigArgs {
    /// File of your limits [default: agent.toml in gleaner's configuration folder]
    #[arg(long, value_name = "FILE", env = "GLEANER_AGENT_CONFIG")]
    config: Option<PathBuf>,
}

/// Keys of `gleaner agent config --json`.
#[derive(Serialize)]
struct ConfigDocument {
    file: String,
    exists: bool,
    /// Whether the agent that runs works by exactly these limits; `null` if none runs, or one with another file.
    in_force: Option<bool>,
    settings: Vec<::agent::limits::Setting>,
}

/// Runs the agent, or one of its commands.
///
/// # Errors
/// When the limits can't be read, another agent runs, or this system has no sensors.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Config(args)) => config(args, output),
        Some(Command::Stop) => client::ask(Request::Stop, output),
        None if args.run.account.is_none() => {
            let what = "nobody would be paid: give --account ADDRESS".to_owned();
            Err(WrongUsage(what)).hint("gleaner wallet new")
        }
        #[cfg(target_os = "linux")]
        None => {
            must_exist(args.run.config.as_deref())?;
            daemon::run(&args.run, output)
        }
        #[cfg(not(target_os = "linux"))]
        None => Err(anyhow::anyhow!("the agent runs on Linux only so far"))
            .hint("gleaner join works here, for as long as it runs"),
    }
}

/// Checks that a file of limits exists if one was named: what its owner wrote may be tighter than the defaults.
///
/// # Errors
/// When it does not.
pub(crate) fn must_exist(given: Option<&std::path::Path>) -> anyhow::Result<()> {
    let Some(file) = given else { return Ok(()) };
    // One that can't be looked at is refused when it is read.
    if file.try_exists().unwrap_or(true) {
        return Ok(());
    }
    let what = "there is no such file: write one (an empty one is the defaults), or leave out --config and GLEANER_AGENT_CONFIG";
    Err(anyhow::anyhow!("{}: {what}", file.display())).hint("gleaner agent config")
}

/// Reads the limits, and the text that they were read from: empty if there is no such file.
pub(crate) fn read_limits(file: &std::path::Path) -> anyhow::Result<(Limits, String)> {
    let text = match read_text(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("{}: file can't be read", file.display()))?,
    };
    let limits = Limits::parse(&text).with_context(|| file.display().to_string());
    Ok((limits.hint("gleaner agent config")?, text))
}

/// Reads a file of the owner's, as long as those of limits may be. The agent reads them while it runs, so one that never ends, or that has nothing to say yet, must not hold it up.
pub(crate) fn read_text(file: &std::path::Path) -> std::io::Result<String> {
    let size_max = u64::try_from(FILE_SIZE_MAX).unwrap_or(u64::MAX);
    if !std::fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let (mut text, more) = (String::new(), size_max.saturating_add(1));
    std::fs::File::open(file)?.take(more).read_to_string(&mut text)?;
    if text.len() <= FILE_SIZE_MAX {
        return Ok(text);
    }
    Err(std::io::Error::other(format!("it has more than {FILE_SIZE_MAX} bytes")))
}

fn config(args: ConfigArgs, output: &Output) -> anyhow::Result<()> {
    let file = Folders::find()?.config_or(args.config);
    let running = client::limits_of(&file);
    let read = read_limits(&file);
    if let (Err(_), Some(_)) = (&read, &running) {
        output.say("the agent that runs works by the limits that it read before");
    }
    let (limits, text) = read?;
    let settings = limits.settings(&text).context("the limits can't be listed")?;
    let origins = settings.iter().filter(|setting| setting.origin != Origin::Default).count();
    let in_force = running.map(|running| {
        let same = |(own, theirs): (&::agent::limits::Setting, &(String, String))| {
            (&own.key, &own.value) == (&theirs.0, &theirs.1)
        };
        running.len() == settings.len() && settings.iter().zip(&running).all(same)
    });
    let words = match in_force {
        None => "no agent runs with this file",
        Some(true) => "in force",
        Some(false) => "not in force yet: gleaner status says why",
    };
    let head =
        format!("# {}: {origins} values differ from their default; {words}\n", file.display());
    let document = ConfigDocument {
        file: file.display().to_string(),
        exists: file.exists(),
        in_force,
        settings,
    };
    output.print(&document, &(head + &commented(&document.settings)))
}

/// Says rows of a name and words.
fn lines(rows: &[(&str, String)]) -> String {
    let row = |(name, words): &(&str, String)| vec![(*name).to_owned(), words.clone()];
    output::lines(&rows.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_that_never_ends_or_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &std::path::Path| format!("{:#}", read_limits(path).unwrap_err());
        assert!(error(std::path::Path::new("/dev/zero")).contains("not a regular file"));
        assert!(error(folder.path()).contains("not a regular file"));
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(error(&pipe).contains("not a regular file"));
        let long = folder.path().join("long");
        std::fs::File::create(&long).unwrap().set_len(1 << 40).unwrap();
        assert!(error(&long).contains("more than 262144 bytes"));
        let text = folder.path().join("agent.toml");
        std::fs::write(&text, [0xff, 0xfe]).unwrap();
        assert!(error(&text).contains("UTF-8"));
        // None is the defaults.
        let none = folder.path().join("none");
        assert_eq!(read_limits(&none).unwrap().0, Limits::default());
        // By name, a file that is not there is a slip: its owner has written limits somewhere else.
        assert!(must_exist(Some(&none)).unwrap_err().to_string().contains("an empty one"));
        must_exist(Some(folder.path())).unwrap();
        must_exist(None).unwrap();
    }
}
