//! The gleaner command.
//!
//! Every command is a module with its `Args` and a `run(args, &Output)`. Data goes to stdout through [`output`], the
//! only module that may write there; messages, progress and logs go to stderr. Only this crate reads the environment.
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.

mod abi;
mod agent;
mod announce;
mod asset;
mod audit;
mod bench;
mod claim;
mod compute;
mod demo;
mod devices;
mod doctor;
mod earnings;
mod experiment;
mod failure;
mod genesis;
mod governance;
mod join;
mod ledger;
mod market;
mod measure;
mod memory;
mod node;
mod offices;
mod options;
mod output;
mod password;
mod paths;
mod pool;
mod price;
mod project;
mod proof;
mod referee;
mod run_report;
mod sample;
mod screen;
mod shell;
mod snapshot;
mod stake;
mod swap;
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
    /// Work while this machine is idle, within your limits, and never otherwise
    Agent(agent::Args),
    /// Show how the agent is
    Status,
    /// Show why the agent works or not, with the evidence, and what would change it
    Why,
    /// Let the agent pause, for a while or until it is resumed
    Pause(agent::PauseArgs),
    /// Let the agent go on
    Resume,
    /// Install the agent as a service, and start it
    Install(agent::InstallArgs),
    /// End the agent, and remove its service and files
    Uninstall(agent::UninstallArgs),
    /// List the devices of an account, cut one off, set limits for all of them
    Devices(devices::Args),
    /// Run a ledger and its JSON-RPC interface
    Node(node::Args),
    /// Manage accounts: create, import, list, balance, send
    Wallet(wallet::Args),
    /// Create assets of your own: mint, send, list; wrap GRAIN
    Asset(asset::Args),
    /// Trade one token for another along the pools of the ledger
    Swap(swap::Args),
    /// List and show pools of two tokens, add and remove liquidity
    Pool(pool::Args),
    /// Stake, farm and vault: list what pays, add, remove, claim, fund
    Stake(stake::Args),
    /// Price feeds: list, create, sign and bring reports
    Price(price::Args),
    /// List and show proposals of the two houses, and what they may change
    Proposals(governance::ProposalsArgs),
    /// Propose changes: parameters, payments of the treasury, any call
    Propose(governance::ProposeArgs),
    /// Vote on a proposal in both houses
    Vote(governance::VoteArgs),
    /// Let another account vote for you
    Delegate(governance::DelegateArgs),
    /// Queue a proposal that has passed
    Queue(governance::ProceedArgs),
    /// Execute a queued proposal whose delay is over
    Execute(governance::ProceedArgs),
    /// The houses of stake and work: show, deposit, withdraw
    #[command(subcommand)]
    House(governance::HouseCommand),
    /// Delay a proposal that has passed, by locking GRAIN
    #[command(subcommand)]
    Brake(governance::BrakeCommand),
    /// Juries in place of a house that does not vote: register, draw, vote
    #[command(subcommand)]
    Jury(governance::JuryCommand),
    /// Keys of sealed ballots, and their opening
    #[command(subcommand)]
    Ballots(governance::BallotsCommand),
    /// List or show projects on the ledger, or cancel your own
    Project(project::Args),
    /// Show payments to accounts, by project
    Earnings(earnings::Args),
    /// Claim rewards for work: have it checked, collect it, take what has vested
    Claim(claim::Args),
    /// Repeat the work of a device and compare it with what the device committed to
    Audit(audit::Args),
    /// Decide disputes about verified work, with a key that the ledger's genesis file names
    Referee(referee::Args),
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
    /// Measure who holds what: Gini, HHI, entropy, Nakamoto coefficients, voting power
    Measure(measure::Args),
    /// Compute for a worker: `gleaner join` starts it
    #[command(hide = true)]
    Compute(compute::Args),
    /// Print the interfaces of the ledger's native modules: JSON ABI or Solidity
    Abi(abi::Args),
}

fn main() -> ExitCode {
    memory::return_what_is_freed();
    let cli = Cli::parse();
    let output = Output::new(cli.json);
    shell::start_logging();
    let result = match cli.command {
        Command::Demo(args) => demo::run(args, &output),
        Command::Train(args) => train::run(args, &output),
        Command::Join(args) => join::run(args, &output),
        Command::Compute(args) => return compute::run(&args),
        Command::Agent(args) => agent::run(args, &output),
        Command::Status => agent::status(&output),
        Command::Why => agent::why(&output),
        Command::Pause(args) => agent::pause(&args, &output),
        Command::Resume => agent::resume(&output),
        Command::Install(args) => agent::install(&args, &output),
        Command::Uninstall(args) => agent::uninstall(&args, &output),
        Command::Devices(args) => devices::run(args, &output),
        Command::Node(args) => node::run(args, &output),
        Command::Wallet(args) => wallet::run(args, &output),
        Command::Asset(args) => asset::run(args, &output),
        Command::Swap(args) => swap::run(args, &output),
        Command::Pool(args) => pool::run(args, &output),
        Command::Stake(args) => stake::run(args, &output),
        Command::Price(args) => price::run(args, &output),
        Command::Proposals(args) => governance::proposals(args, &output),
        Command::Propose(args) => governance::propose(args, &output),
        Command::Vote(args) => governance::vote(args, &output),
        Command::Delegate(args) => governance::delegate(args, &output),
        Command::Queue(args) => governance::queue(args, &output),
        Command::Execute(args) => governance::execute(args, &output),
        Command::House(command) => governance::house(command, &output),
        Command::Brake(command) => governance::brake(command, &output),
        Command::Jury(command) => governance::jury(command, &output),
        Command::Ballots(command) => governance::ballots(command, &output),
        Command::Project(args) => project::run(args, &output),
        Command::Earnings(args) => earnings::run(args, &output),
        Command::Claim(args) => claim::run(args, &output),
        Command::Audit(args) => audit::run(args, &output),
        Command::Referee(args) => referee::run(args, &output),
        Command::Proof(args) => proof::run(args, &output),
        Command::VerifyProof(args) => verify_proof::run(&args, &output),
        Command::Sample(args) => sample::run(args, &output),
        Command::Bench(args) => bench::run(args, &output),
        Command::Experiment(args) => experiment::run(args, &output),
        Command::Doctor(args) => doctor::run(args, &output),
        Command::Measure(args) => measure::run(args, &output),
        Command::Abi(args) => abi::run(&args, &output),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, &output),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    /// What the documents write for something that only the reader knows, and an example of it.
    const PLACEHOLDERS: [(&str, &str); 6] = [
        ("THIS_IP", "203.0.113.5"),
        ("0xYOUR_ADDRESS", ADDRESS),
        ("0xWHO_IS_PAID", ADDRESS),
        ("0xSOMEBODY", ADDRESS),
        ("0xADDRESS", ADDRESS),
        ("0x…", HASH),
    ];
    const ADDRESS: &str = "0x00000000000000000000000000000000000000aa";
    const HASH: &str = "0x11223344556677889900aabbccddeeff11223344556677889900aabbccddeeff";

    #[test]
    fn the_flags_of_no_command_collide() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_owner_decides_whether_a_device_of_the_own_audits() {
        for share in ["5%", "5", "0%", "0"] {
            Cli::try_parse_from(["gleaner", "train", "project.toml", "--audit", share]).unwrap();
        }
        let other = ["gleaner", "train", "project.toml", "--audit", "7%"];
        assert!(Cli::try_parse_from(other).unwrap_err().to_string().contains("give 5%, or 0%"));
    }

    /// The limit on fees belongs to the commands that sign transactions, and to no other.
    #[test]
    fn who_sends_nothing_has_no_limit_on_fees() {
        let (mut open, mut count) = (vec![Cli::command()], 0);
        while let Some(command) = open.pop() {
            let has =
                |flag: &str| command.get_arguments().any(|argument| argument.get_id() == flag);
            let signs = has("account") && has("password_file");
            assert_eq!(has("max_fee"), signs, "gleaner … {}", command.get_name());
            count += usize::from(signs);
            open.extend(command.get_subcommands().cloned());
        }
        assert!(count > 20, "only {count} commands sign");
    }

    /// Every command in a code block of README and docs is one that this program takes.
    #[test]
    fn the_commands_of_the_documents_exist() {
        #[expect(clippy::disallowed_methods, reason = "cargo says where the crate is now")]
        let root = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/../..";
        let docs = fs::read_dir(format!("{root}/docs")).unwrap();
        let paths = docs.map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "md"));
        let mut count = 0;
        for path in paths.chain([Path::new(&root).join("README.md")]) {
            for line in code_lines(&fs::read_to_string(&path).unwrap()) {
                for words in line.split(';').filter_map(command) {
                    count += 1;
                    if let Err(error) = Cli::try_parse_from(&words) {
                        panic!("{}: {line}: {error}", path.display());
                    }
                }
            }
        }
        assert!(count > 20, "only {count} commands were found");
    }

    /// Returns the lines of a document's blocks of shell commands, without their comments.
    fn code_lines(text: &str) -> Vec<String> {
        let (mut lines, mut is_shell) = (Vec::new(), false);
        for line in text.lines() {
            if line.starts_with("```") {
                is_shell = line == "```sh";
            } else if is_shell {
                let code = line.split(" #").next().unwrap_or_default();
                lines.push(code.to_owned());
            }
        }
        lines
    }

    /// Returns the words of a call of this program.
    fn command(code: &str) -> Option<Vec<String>> {
        let from_source = code.trim().strip_prefix("cargo run --release -- ");
        let arguments = from_source.or_else(|| code.trim().strip_prefix("gleaner "))?;
        let mut words = vec!["gleaner".to_owned()];
        for (index, part) in arguments.split('"').enumerate() {
            match index % 2 {
                0 => words.extend(part.split_whitespace().map(known)),
                _ => words.push(part.to_owned()),
            }
        }
        Some(words)
    }

    fn known(word: &str) -> String {
        PLACEHOLDERS
            .iter()
            .fold(word.to_owned(), |word, (name, example)| word.replace(name, example))
    }
}
