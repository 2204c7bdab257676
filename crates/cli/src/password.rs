//! Reads passwords from a file, the environment, or the terminal.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::failure::Hint as _;
use crate::shell::variable;

/// Flags of commands that unlock or encrypt a key.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of this file [or set GLEANER_PASSWORD; otherwise it is asked for]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// Returns the password of an existing key.
    ///
    /// # Errors
    /// When the file can't be read, or there is no terminal to ask on.
    pub(crate) fn existing(&self, what: &str) -> anyhow::Result<String> {
        match self.given()? {
            Some(password) => Ok(password),
            None => ask(&format!("Password of {what}: ")),
        }
    }

    /// Returns a password for a new key; asked for twice in a terminal.
    ///
    /// # Errors
    /// As [`Self::existing`], and when it is empty or typed differently.
    pub(crate) fn fresh(&self, what: &str) -> anyhow::Result<String> {
        let password = match self.given()? {
            Some(password) => password,
            None => {
                let password = ask(&format!("New password for {what}: "))?;
                ensure!(
                    password == ask("Repeat the password: ")?,
                    "the two passwords differ: nothing was changed"
                );
                password
            }
        };
        ensure!(
            !password.is_empty(),
            "the password is empty: anyone who can read the disk could use the account"
        );
        Ok(password)
    }

    fn given(&self) -> anyhow::Result<Option<String>> {
        if let Some(path) = &self.password_file {
            return first_line(path).map(Some);
        }
        match variable("GLEANER_PASSWORD").map(std::ffi::OsString::into_string) {
            Some(Ok(password)) => Ok(Some(password)),
            Some(Err(_)) => bail!("GLEANER_PASSWORD is not UTF-8"),
            None => Ok(None),
        }
    }
}

/// Returns the password in a file: its first line.
///
/// # Errors
/// When the file can't be read.
pub(crate) fn first_line(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("{}: password file can't be read", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Asks the user on the terminal, without showing what is typed.
///
/// # Errors
/// When there is no terminal.
pub(crate) fn ask(prompt: &str) -> anyhow::Result<String> {
    // If stdin is not a terminal, a script runs this command, and nobody can answer.
    if !std::io::stdin().is_terminal() {
        return Err(anyhow::anyhow!("no terminal to ask for the password on"))
            .hint("give --password-file FILE, or set GLEANER_PASSWORD");
    }
    rpassword::prompt_password(prompt)
        .context("the terminal gives no password")
        .hint("give --password-file FILE, or set GLEANER_PASSWORD")
}

/// Asks a question in the terminal and reads the answer, which is displayed while it is typed.
///
/// # Errors
/// When the terminal can't be read.
pub(crate) fn ask_openly(prompt: &str) -> anyhow::Result<String> {
    use std::io::{BufRead as _, Write as _};
    let mut terminal = std::io::stderr();
    write!(terminal, "{prompt}")
        .and_then(|()| terminal.flush())
        .context("no terminal to ask on")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("the terminal gives no answer")?;
    Ok(answer)
}
