//! The gleaner command.
//!
//! Every command is a module with its `Args` and a `run(args, &Output)`. Data goes to stdout through [`output`], the
//! only module that may write there; messages, progress and logs go to stderr. Only this crate reads the environment.
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.

mod abi;
mod announce;
mod asset;
mod audit;
mod bench;
mod demo;
mod doctor;
mod earnings;
mod experiment;
mod failure;
mod genesis;
mod join;
mod ledger;
mod node;
mod offices;
mod options;
mod output;
mod password;
mod paths;
mod project;
mod proof;
mod run_report;
mod sample;
mod screen;
mod shell;
mod snapshot;
mod train;
mod verify_proof;
mod wallet;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Output;

/// Idle machines train models and are paid for verified work.
#[derive(Debug, Parser)]
#[command(name = "gleaner", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the whole system on this machine: a ledger, workers, a trained model, payouts
    Demo(demo::Args),
    /// Train the model of a project file, paying from escrow
    Train(train::Args),
    /// Let this machine work for projects and be paid
    Join(join::Args),
    /// Run a ledger and its JSON-RPC interface
    Node(node::Args),
    /// Manage accounts: create, import, list, balance, send
    Wallet(wallet::Args),
    /// Create assets of your own: mint, send, list
    Asset(asset::Args),
    /// List or show projects on the ledger, or cancel your own
    Project(project::Args),
    /// Show payments to accounts, by project
    Earnings(earnings::Args),
    /// Repeat the work of a device and compare it with what the device committed to
    Audit(audit::Args),
    /// Fetch a proof of an account, which can be checked without trusting a node
    Proof(proof::Args),
    /// Check such a proof without a node
    VerifyProof(verify_proof::Args),
    /// Generate text with a trained model
    Sample(sample::Args),
    /// Measure the speed of this machine or of a ledger
    Bench(bench::Args),
    /// Play strategies against the rules of a training run
    Experiment(experiment::Args),
    /// Check that this machine computes the expected results
    Doctor(doctor::Args),
    /// Print the interfaces of the ledger's native modules: JSON ABI or Solidity
    Abi(abi::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    shell::start_logging();
    let result = match cli.command {
        Command::Demo(args) => demo::run(args, &output),
        Command::Train(args) => train::run(args, &output),
        Command::Join(args) => join::run(args, &output),
        Command::Node(args) => node::run(args, &output),
        Command::Wallet(args) => wallet::run(args, &output),
        Command::Asset(args) => asset::run(args, &output),
        Command::Project(args) => project::run(args, &output),
        Command::Earnings(args) => earnings::run(args, &output),
        Command::Audit(args) => audit::run(args, &output),
        Command::Proof(args) => proof::run(args, &output),
        Command::VerifyProof(args) => verify_proof::run(&args, &output),
        Command::Sample(args) => sample::run(args, &output),
        Command::Bench(args) => bench::run(args, &output),
        Command::Experiment(args) => experiment::run(args, &output),
        Command::Doctor(args) => doctor::run(args, &output),
        Command::Abi(args) => abi::run(&args, &output),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, &output),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_flags_of_no_command_collide() {
        super::Cli::command().debug_assert();
    }
}
