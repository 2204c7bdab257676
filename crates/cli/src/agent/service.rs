//! `gleaner install` and `gleaner uninstall`: the agent as a service of systemd, one action each.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::folders::{Folders, user_folder};
use super::{RunArgs, read_limits};
use crate::failure::{Hint as _, WrongUsage};
use crate::options::checksummed;
use crate::output::Output;
use crate::shell::variable;
use ::agent::limits::commented;

/// Name of the service.
const UNIT: &str = "gleaner-agent.service";

/// Folder of the machine's own units.
const SYSTEM_UNITS: &str = "/etc/systemd/system";

/// The data folder of the machine's own agent, and where systemd puts that of a user who exists only while it runs.
const SYSTEM_HOME: &str = "/var/lib/gleaner";
const SYSTEM_HOME_PRIVATE: &str = "/var/lib/private/gleaner";

/// The limits of the machine's own agent.
const SYSTEM_CONFIG: &str = "/etc/gleaner/agent.toml";

/// How long an agent that was told to end may take: its worker leaves, and alerts are told.
const END: Duration = Duration::from_secs(20);

/// Flags of `gleaner install`.
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    run: RunArgs,
    /// For the whole machine, whoever is logged in; needs root
    #[arg(long)]
    system: bool,
}

/// Flags of `gleaner uninstall`.
#[derive(Debug, clap::Args)]
pub(crate) struct UninstallArgs {
    /// The service of the whole machine; needs root
    #[arg(long)]
    system: bool,
    /// Keep the worker's folder with this device's key
    #[arg(long)]
    keep_keys: bool,
}

/// Keys of `gleaner install --json` and `gleaner uninstall --json`.
#[derive(Debug, Default, Serialize)]
struct Document {
    written: Vec<String>,
    removed: Vec<String>,
    kept: Vec<String>,
    ran: Vec<String>,
}

/// Installs the agent as a service, and starts it.
///
/// # Errors
/// When this machine has no systemd, or a file can't be written.
pub(crate) fn install(args: &InstallArgs, output: &Output) -> anyhow::Result<()> {
    let Some(account) = &args.run.account else {
        let what = "nobody would be paid: give --account ADDRESS".to_owned();
        return Err(WrongUsage(what)).hint("gleaner wallet new");
    };
    let place = Place::find(args.system)?;
    place.check()?;
    let folders = Folders::find()?;
    let file = match (&args.run.config, args.system) {
        (None, true) => PathBuf::from(SYSTEM_CONFIG),
        (given, _) => folders.config_or(given.clone()),
    };
    // What the service would refuse is refused here.
    let (limits, text) = read_limits(&file)?;
    let mut document = Document::default();
    if !file.exists() {
        let settings = limits.settings(&text)?;
        place.write(&file, &commented(&settings), &mut document)?;
    }
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let mut words = vec![program.display().to_string(), "agent".to_owned()];
    words.extend(["--account".to_owned(), checksummed(account)]);
    words.extend(["--rpc".to_owned(), args.run.ledger.rpc.clone()]);
    words.extend(["--config".to_owned(), file.display().to_string()]);
    if let Some(folder) = &args.run.data_dir {
        words.extend(["--data-dir".to_owned(), folder.display().to_string()]);
    }
    if let Some(project) = args.run.project {
        words.extend(["--project".to_owned(), project.to_string()]);
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    place.write(&place.unit, &place.unit_text(&words.join(" ")), &mut document)?;
    place.systemctl(&["daemon-reload"], &mut document)?;
    place.systemctl(&["enable", UNIT], &mut document)?;
    // Also one that runs already takes what is new.
    place.systemctl(&["restart", UNIT], &mut document)?;
    let note = if args.system {
        "sudo gleaner status says how it is"
    } else {
        "gleaner status says how it is; it runs while you are logged in: loginctl enable-linger lets it run without"
    };
    output.print(&document, &(text_of(&document) + "\n" + note))
}

/// Ends the agent, and removes what [`install`] and the agent wrote. Accounts in the wallet stay.
///
/// # Errors
/// When something can't be removed.
pub(crate) fn uninstall(args: &UninstallArgs, output: &Output) -> anyhow::Result<()> {
    let place = Place::find(args.system)?;
    let (folders, home) = if args.system {
        let home = PathBuf::from(SYSTEM_HOME);
        (Folders { config: SYSTEM_CONFIG.into(), ..Folders::below(&home) }, home)
    } else {
        (Folders::find()?, crate::paths::home()?)
    };
    let mut document = Document::default();
    if place.unit.exists() {
        place.check()?;
        place.systemctl(&["disable", "--now", UNIT], &mut document)?;
        remove(&place.unit, &mut document)?;
        place.systemctl(&["daemon-reload"], &mut document)?;
    }
    let was_asked = super::channel::ask(&folders.socket, ::agent::Request::Stop).is_ok();
    if was_asked {
        document.ran.push("gleaner agent stop".to_owned());
    }
    let _lock = ended(&folders, if was_asked { END } else { Duration::ZERO })?;
    // Only what the agent wrote: others may keep a wallet or a ledger in the same folder.
    let damaged = folders.damaged_books();
    let Folders { config, socket, status, lock, pause, books, orders, worker } = folders;
    let files = [config, lock, pause, books, damaged, orders, socket, status];
    remove_files(&files, &worker, args, &mut document)?;
    if !args.system {
        remove_empty_above(&[&files[..], &[place.unit]].concat(), &mut document);
    }
    if args.system && std::fs::remove_dir(SYSTEM_HOME_PRIVATE).is_ok() {
        // It was empty; what systemd put in its place is a link.
        document.removed.push(SYSTEM_HOME_PRIVATE.to_owned());
        remove(&home, &mut document)?;
    }
    let wallet = home.join("wallet");
    if wallet.exists() {
        document.kept.push(wallet.display().to_string());
    }
    output.print(&document, &text_of(&document))
}

/// Waits until the agent has ended, and keeps others from its files until the result is dropped: one that ends still writes, and one that does not end
/// would work on without its key.
#[cfg(target_os = "linux")]
fn ended(folders: &Folders, patience: Duration) -> anyhow::Result<Option<std::fs::File>> {
    super::channel::lock_when_ended(&folders.lock, patience)
        .context("the agent's files were not removed")
}

#[cfg(not(target_os = "linux"))]
fn ended(_folders: &Folders, _patience: Duration) -> anyhow::Result<()> {
    Ok(())
}

/// Where the service is, and who runs it.
struct Place {
    unit: PathBuf,
    is_system: bool,
}

impl Place {
    fn find(is_system: bool) -> anyhow::Result<Self> {
        let folder = if is_system {
            PathBuf::from(SYSTEM_UNITS)
        } else {
            let xdg = variable("XDG_CONFIG_HOME").map(PathBuf::from);
            let config = match xdg.filter(|path| path.is_absolute()) {
                Some(folder) => folder,
                None => user_folder()?.join(".config"),
            };
            config.join("systemd/user")
        };
        Ok(Self { unit: folder.join(UNIT), is_system })
    }

    /// Checks that systemd answers, before anything is written.
    fn check(&self) -> anyhow::Result<()> {
        let asked = self.command(&["show-environment"]).output();
        let why = match asked {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => format!("systemctl can't be started: {error}"),
        };
        let whose = if self.is_system { "the machine" } else { "this user" };
        Err(anyhow::anyhow!("systemd does not run the services of {whose}: {why}"))
            .hint("start gleaner agent --account ADDRESS with what starts your programs at login")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("systemctl");
        if !self.is_system {
            command.arg("--user");
        }
        command.args(args);
        command
    }

    fn systemctl(&self, args: &[&str], document: &mut Document) -> anyhow::Result<()> {
        let mut command = self.command(args);
        let flag = if self.is_system { "" } else { " --user" };
        let line = format!("systemctl{flag} {}", args.join(" "));
        let output = command.output().with_context(|| format!("{line}: can't be started"))?;
        anyhow::ensure!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        document.ran.push(line);
        Ok(())
    }

    /// Writes a file. That of the service is its user's alone: the address of a node may hold a password.
    fn write(&self, path: &Path, text: &str, document: &mut Document) -> anyhow::Result<()> {
        let write = || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            if *path == self.unit { write_own(path, text) } else { std::fs::write(path, text) }
        };
        write().with_context(|| format!("{}: file can't be written", path.display()))?;
        document.written.push(path.display().to_string());
        Ok(())
    }

    fn unit_text(&self, line: &str) -> String {
        let (wanted_by, user) = if self.is_system {
            let user = format!(
                "DynamicUser=yes\nStateDirectory=gleaner\nEnvironment=GLEANER_HOME={SYSTEM_HOME}\nProtectHome=yes\nProtectSystem=strict\n"
            );
            ("multi-user.target", user)
        } else {
            let home = variable("GLEANER_HOME").map(|home| {
                format!(
                    "Environment={}\n",
                    quoted(&format!("GLEANER_HOME={}", home.to_string_lossy()))
                )
            });
            ("default.target", home.unwrap_or_default())
        };
        format!(
            "# Written by gleaner install; gleaner uninstall removes it.\n\
             [Unit]\nDescription=Gleaner: works for projects while this machine is idle\n\n\
             [Service]\nExecStart={line}\nRestart=on-failure\nRestartSec=10\nTimeoutStopSec=20\n\
             Delegate=yes\nNoNewPrivileges=yes\n{user}\n\
             [Install]\nWantedBy={wanted_by}\n"
        )
    }
}

/// Writes a file that only its user can read, also if it was there before.
fn write_own(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(0o600);
        if path.exists() {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        }
    }
    options.open(path)?.write_all(text.as_bytes())
}

/// Writes a word as systemd reads it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,+@".contains(letter);
    let escaped =
        word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    if !word.is_empty() && word.chars().all(is_plain) { escaped } else { format!("\"{escaped}\"") }
}

/// Removes `files`, the worker's folder unless its key is to be kept, and the folders that nothing else is in.
fn remove_files(
    files: &[PathBuf],
    worker: &Path,
    args: &UninstallArgs,
    document: &mut Document,
) -> anyhow::Result<()> {
    for path in files {
        remove(path, document)?;
    }
    if args.keep_keys && worker.exists() {
        document.kept.push(worker.display().to_string());
    } else {
        remove(worker, document)?;
    }
    for path in files.iter().map(PathBuf::as_path).chain([worker]) {
        if let Some(folder) = path.parent()
            && std::fs::remove_dir(folder).is_ok()
        {
            document.removed.push(folder.display().to_string());
        }
    }
    Ok(())
}

/// Removes the folders above `files` that are empty by now, as far as they are below the user's own.
fn remove_empty_above(files: &[PathBuf], document: &mut Document) {
    let Some(home) = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute()) else {
        return;
    };
    for file in files {
        let above = file.ancestors().skip(1);
        let above = above.take_while(|folder| folder.starts_with(&home) && **folder != home);
        for folder in above {
            match std::fs::remove_dir(folder) {
                Ok(()) => document.removed.push(folder.display().to_string()),
                // Not even made, or removed already.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(_) => break,
            }
        }
    }
}

fn remove(path: &Path, document: &mut Document) -> anyhow::Result<()> {
    let removed =
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Ok(()) => document.removed.push(path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{}: can't be removed", path.display()));
        }
    }
    Ok(())
}

fn text_of(document: &Document) -> String {
    let Document { written, removed, kept, ran } = document;
    let mut lines = Vec::new();
    for (what, names) in [("wrote", written), ("ran", ran), ("removed", removed), ("kept", kept)] {
        lines.extend(names.iter().map(|name| format!("{what} {name}")));
    }
    if lines.is_empty() { "nothing was there".to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_agent_wrote_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::below(home.path());
        for file in [&folders.books, &folders.socket, &folders.worker.join("device.key")] {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let ledger = home.path().join("ledger");
        std::fs::create_dir(&ledger).unwrap();
        let args = UninstallArgs { system: true, keep_keys: false };
        let files = [folders.books.clone(), folders.socket.clone()];
        remove_files(&files, &folders.worker, &args, &mut Document::default()).unwrap();
        let left: Vec<_> =
            std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [ledger]);
    }

    #[cfg(unix)]
    #[test]
    fn the_service_is_read_by_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let place = Place { unit: home.path().join("a/unit.service"), is_system: false };
        let other = home.path().join("a/agent.toml");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        std::fs::create_dir_all(place.unit.parent().unwrap()).unwrap();
        std::fs::write(&place.unit, "of an older version, which was longer").unwrap();
        let mut document = Document::default();
        for path in [&place.unit, &other] {
            place.write(path, "text", &mut document).unwrap();
            assert_eq!(std::fs::read_to_string(path).unwrap(), "text");
        }
        assert_eq!(mode(&place.unit), 0o600);
        assert_eq!(document.written.len(), 2);
    }

    #[test]
    fn words_are_quoted_as_systemd_reads_them() {
        let check = |word, expected: &str| assert_eq!(quoted(word), expected);
        check("/usr/bin/gleaner", "/usr/bin/gleaner");
        check("http://127.0.0.1:8545", "http://127.0.0.1:8545");
        check("/a b/c", "\"/a b/c\"");
        check("100%\"\\$x", "\"100%%\\\"\\\\$$x\"");
        check("", "\"\"");
    }
}
