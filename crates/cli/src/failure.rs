//! Failures of commands: errors, hints and exit codes.

use std::fmt;
use std::process::ExitCode;

use crate::output::Output;

/// The command was interrupted by Ctrl-C.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Flags that are valid one by one, but not together or in this situation.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub(crate) String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// A hint attached to an error; it is not part of the chain of causes.
#[derive(Debug)]
struct Hinted {
    error: anyhow::Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl std::error::Error for Hinted {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// Adds a hint to a failure.
pub(crate) trait Hint<T> {
    /// Prints `hint: …` below the error: a command to run, or what to change.
    ///
    /// # Errors
    /// The error it was called on, with the hint.
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| Hinted { error: error.into(), hint: hint.into() }.into())
    }
}

/// Returns the first cause of type `T`, also below hints.
fn find<T: std::error::Error + Send + Sync + 'static>(error: &anyhow::Error) -> Option<&T> {
    error
        .downcast_ref::<T>()
        .or_else(|| error.downcast_ref::<Hinted>().and_then(|hinted| find(&hinted.error)))
}

/// Prints the whole chain of causes once, with the hint if there is one, and returns the exit code.
pub(crate) fn report(error: &anyhow::Error, output: &Output) -> ExitCode {
    if find::<Interrupted>(error).is_some() {
        output.say("interrupted");
        return ExitCode::from(130);
    }
    output.say(&format!("error: {error:#}"));
    if let Some(hinted) = error.downcast_ref::<Hinted>() {
        output.say(&format!("hint: {}", hinted.hint));
    }
    if find::<WrongUsage>(error).is_some() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_hint_hides_nothing_of_the_chain() {
        let bottom: anyhow::Result<()> = Err(anyhow::anyhow!("bottom"));
        let error = bottom.context("middle").hint("try this").context("top").unwrap_err();
        assert_eq!(format!("{error:#}"), "top: middle: bottom");
        assert_eq!(error.downcast_ref::<Hinted>().unwrap().hint, "try this");
    }

    #[test]
    fn the_kind_of_failure_is_found_below_a_hint() {
        let error: anyhow::Error =
            Err::<(), _>(WrongUsage("no".into())).context("here").hint("so").unwrap_err();
        assert!(find::<WrongUsage>(&error).is_some());
        assert!(find::<Interrupted>(&error).is_none());
    }
}
