//! `gleaner compute`: the computing process of a worker. `gleaner join` starts it; it has no use for people.

use std::process::ExitCode;

/// Flags of `gleaner compute`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Memory that it may write to, in bytes
    #[arg(long, value_name = "BYTES")]
    memory: u64,
    /// Size of a file that it may write, in bytes
    #[arg(long, value_name = "BYTES")]
    file: u64,
}

/// Computes the order that its stdin brings. Nothing of this process may be open, and no other thread run.
#[cfg(target_os = "linux")]
pub(crate) fn run(args: &Args) -> ExitCode {
    let &Args { memory, file } = args;
    calculator::serve(calculator::Needs { memory, file })
}

/// Elsewhere rounds are computed in the worker's process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn run(_args: &Args) -> ExitCode {
    ExitCode::from(2)
}

/// Returns the arguments of the command for [`run`].
#[cfg(target_os = "linux")]
pub(crate) fn arguments(needs: calculator::Needs) -> Vec<String> {
    let calculator::Needs { memory, file } = needs;
    vec!["compute".to_owned(), format!("--memory={memory}"), format!("--file={file}")]
}
