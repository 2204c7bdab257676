//! `gleaner node`: runs a ledger on this machine.

mod roles;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use abi::convert;
use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, ensure};
use execution::Genesis;
use history::Kept;
use node::{
    AnchoredClock, Clock as _, Founding, Node, NodeConfig, OpenError, PoolLimits, Timestamps,
    Unprotected,
};
use serde::Serialize;
use store::{Store, StoreError, StoreOptions};
use tempfile::TempDir;
use units::{AccountId, UnixSeconds, Wei};

use crate::failure::{Hint as _, Interrupted, WrongUsage};
use crate::genesis::{CHAIN_ID_DEFAULT, Funds, founding, genesis};
use crate::options::{checksummed, parse_account, parse_grain, parse_listen};
use crate::output::Output;
use crate::paths;
use crate::referee::LimitArgs;
use crate::shell::{self, StopSignal, StopSignals};
use crate::snapshot;
use roles::{RefereeOffice, Roles};

/// Default chain id of a development ledger, as test suites expect it.
const DEV_CHAIN_ID: u64 = 31_337;
/// Balance of each development account: 10,000 GRAIN.
const DEV_FUNDS: Wei = Wei::new(10_000 * 10_u128.pow(18));

/// Flags of `gleaner node`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write the state of a stopped ledger to a file, from which another ledger can continue
    Export(snapshot::ExportArgs),
    /// Create a ledger from such a file
    Import(snapshot::ImportArgs),
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// Folder of the ledger; created if missing [default: node in gleaner's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address for JSON-RPC over HTTP and WebSocket; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8545", value_parser = parse_listen)]
    rpc: SocketAddr,
    /// Port for JSON-RPC from this machine only: short for --rpc 127.0.0.1:PORT
    #[arg(long, value_name = "PORT", conflicts_with = "rpc")]
    port: Option<u16>,
    /// Origin of web pages that may send requests, as browsers write it, with its scheme and without a path, or * for all; may be given more than once
    #[arg(long, value_name = "ORIGIN", value_parser = parse_pages)]
    cors: Vec<Pages>,
    /// Most requests in a batch
    #[arg(long, value_name = "REQUESTS", default_value_t = rpc::Options::STANDARD.batch_max, value_parser = clap::value_parser!(u32).range(1..))]
    rpc_batch_max: u32,
    /// Most subscriptions of one WebSocket
    #[arg(long, value_name = "SUBSCRIPTIONS", default_value_t = rpc::Options::STANDARD.subscriptions_max, value_parser = clap::value_parser!(u32).range(1..))]
    rpc_subscriptions_max: u32,
    /// Number of past states that can be queried by number or hash of their block; fewer when blocks change much
    #[arg(long, value_name = "BLOCKS", default_value_t = StoreOptions::default().past_states_max)]
    history: u64,
    /// Number of blocks to keep, for a small disk; older ones are pruned unless --history keeps their states [default: all]
    #[arg(long, value_name = "BLOCKS", conflicts_with = "dev", value_parser = clap::value_parser!(u64).range(1..))]
    keep_blocks: Option<u64>,
    /// What the history index holds, by which an account's page, gleaner_getAccountTransactions and the like find what they show; comma
    /// separated. It is built beside the ledger, from its blocks, in the background
    #[arg(
        long,
        value_name = "LISTS",
        value_delimiter = ',',
        value_enum,
        default_value = "transactions,transfers,events"
    )]
    index: Vec<IndexList>,
    /// How many of the newest blocks the history index holds [default: all that are kept]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..))]
    index_blocks: Option<u64>,
    /// Longest time between two blocks in seconds, after which an empty one is made [default: blocks for transactions only]
    #[arg(long, value_name = "SECONDS", conflicts_with = "dev", value_parser = clap::value_parser!(u64).range(1..))]
    block_time: Option<u64>,
    /// Also accept transactions without a chain id (before EIP-155), by which known contracts are deployed at their
    /// known addresses. Always on with --dev
    #[arg(long)]
    allow_unprotected: bool,
    #[command(flatten)]
    referee: LimitArgs,
    /// Run a development ledger: ten funded accounts with public keys, a block per transaction, and the methods of
    /// hardhat and anvil that change the ledger. Without --data-dir it is deleted at the end
    #[arg(long)]
    dev: bool,
    /// Name of the client, for test suites that look for anvil or hardhat; where those two differ, the node behaves
    /// like the named one
    #[arg(long, value_name = "NAME", requires = "dev", value_enum, default_value_t = ClientVersion::Gleaner)]
    client_version: ClientVersion,
    /// JSON file with the first state of a new ledger: chain id, fees, accounts with balance, code and storage;
    /// docs/genesis.md describes each field [default: chain id and funds below]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Chain id of a new ledger [default: 190711, with --dev 31337]
    #[arg(long, value_name = "NUMBER", conflicts_with = "genesis", value_parser = clap::value_parser!(u64).range(1..))]
    chain_id: Option<u64>,
    /// Balance of an account in a new ledger, in GRAIN; may be given more than once. An existing ledger that began
    /// with it accepts the same flag again
    #[arg(long, value_name = "ADDRESS=GRAIN", conflicts_with = "genesis", value_parser = parse_fund)]
    fund: Vec<Fund>,
}

/// What the history index may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum IndexList {
    /// Transactions by account
    Transactions,
    /// Transfers of tokens and of GRAIN by account
    Transfers,
    /// Events by account, contract and topic
    Events,
    /// Nothing: there is no index
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ClientVersion {
    Gleaner,
    Anvil,
    Hardhat,
}

impl ClientVersion {
    /// The timestamps of hardhat's blocks always rise; those of anvil and gleaner may repeat.
    fn timestamps(self) -> Timestamps {
        match self {
            Self::Gleaner | Self::Anvil => Timestamps::MayRepeat,
            Self::Hardhat => Timestamps::Rise,
        }
    }
}

impl RunArgs {
    /// Returns the address to listen on.
    fn listen(&self) -> SocketAddr {
        self.port.map_or(self.rpc, |port| ([127, 0, 0, 1], port).into())
    }
}

impl From<ClientVersion> for rpc::ClientVersion {
    fn from(version: ClientVersion) -> Self {
        match version {
            ClientVersion::Gleaner => Self::Gleaner,
            ClientVersion::Anvil => Self::Anvil,
            ClientVersion::Hardhat => Self::Hardhat,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Fund {
    account: AccountId,
    amount: Wei,
}

/// Output of a node once it is ready.
#[derive(Serialize)]
struct Document {
    rpc: String,
    chain_id: u64,
    height: u64,
    data_dir: PathBuf,
    #[serde(flatten)]
    roles: Roles,
    /// Accounts that it signs for, with --dev.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accounts: Vec<Address>,
}

/// Runs a node until it is stopped, or exports or imports a ledger.
///
/// # Errors
/// When the folder, the genesis file or the address can't be used; [`Interrupted`] at Ctrl-C.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Export(args)) => snapshot::export(args, output),
        Some(Command::Import(args)) => snapshot::import(args, output),
        None => run_node(args.run, output),
    }
}

fn run_node(args: RunArgs, output: &Output) -> anyhow::Result<()> {
    let (data_dir, _temporary) = data_dir(&args)?;
    let runtime = shell::runtime()?;
    // Nothing is created before the genesis state and the port are known to be valid.
    let genesis = genesis_state(&args, &data_dir)?;
    let listener = runtime.block_on(rpc::listen(args.listen()));
    let listener = listener.hint("choose another address with --rpc 127.0.0.1:PORT")?;
    let node = open(&args, &data_dir, genesis)?;
    let signal = runtime.block_on(serve(listener, &node, &args, &data_dir, output));
    drop(runtime);
    node.shutdown();
    match signal? {
        StopSignal::Interrupt => Err(Interrupted.into()),
        StopSignal::Terminate => Ok(()),
    }
}

/// Returns the folder of the ledger; for a development ledger without `--data-dir` a temporary one, with the object
/// that removes it.
fn data_dir(args: &RunArgs) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    if !args.dev || args.data_dir.is_some() {
        return Ok((paths::or_home(args.data_dir.clone(), "node")?, None));
    }
    let temporary = tempfile::Builder::new().prefix("gleaner-dev-").tempdir();
    let temporary = temporary.context("no temporary folder for the ledger can be created")?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

async fn serve(
    listener: rpc::Listener,
    node: &Node,
    args: &RunArgs,
    data_dir: &Path,
    output: &Output,
) -> anyhow::Result<StopSignal> {
    // Signals are handled before the node is announced, so that it can always be stopped in good order.
    let mut signals = StopSignals::listen()?;
    let options = rpc::Options {
        batch_max: args.rpc_batch_max,
        subscriptions_max: args.rpc_subscriptions_max,
        origins: origins(&args.cors),
        pages: Some(pages(node)),
        client_version: args.client_version.into(),
        accounts: if args.dev { rpc::test_accounts() } else { Vec::new() },
        ..rpc::Options::STANDARD
    };
    let keys = options.accounts.clone();
    let server = rpc::serve_at(listener, node.clone(), options);
    let address = server.local_addr();
    if !address.ip().is_loopback() {
        output.say(&format!(
            "note: {address} can be reached from other machines, without encryption"
        ));
    }
    let url = format!("http://{address}");
    let (chain_id, height) = (node.rules().chain_id, node.head().number);
    let roles = Roles::of(node)?;
    let shown = data_dir.display();
    let mut text =
        format!("{url}\nchain {chain_id} at block {height}, kept in {shown}\n{}", roles.text());
    if args.dev {
        text = format!("{text}\n\n{}", unlocked(&keys));
    }
    let accounts = keys.iter().map(PrivateKeySigner::address).collect();
    let referee = match roles.is_referee && !args.dev {
        true => Some(RefereeOffice::open(data_dir, address, args.referee.limits(), *output).await?),
        false => None,
    };
    let data_dir = data_dir.to_owned();
    output.print(&Document { rpc: url, chain_id, height, data_dir, roles, accounts }, &text)?;
    let signal = tokio::select! {
        signal = signals.next() => Ok(signal),
        error = halt(node) => Err(error),
    };
    if let Some(referee) = referee {
        referee.close().await;
    }
    server.stop().await;
    signal
}

/// Returns the text about the unlocked accounts.
fn unlocked(keys: &[PrivateKeySigner]) -> String {
    let mut text = format!(
        "a development ledger with these accounts, whose keys are public: never send anything of value to them\nphrase  {}\n",
        rpc::TEST_PHRASE
    );
    for key in keys {
        text = format!("{text}\n{}  {}", key.address(), key.to_bytes());
    }
    text
}

fn pages(node: &Node) -> rpc::Pages {
    let node = node.clone();
    rpc::Pages::new(move |path| {
        let explorer::Page { status, location, body } = explorer::page(&node, path);
        rpc::Page { status, location, body }
    })
}

/// What one `--cors` allows.
#[derive(Clone, Debug)]
enum Pages {
    All,
    Of(rpc::Origin),
}

fn parse_pages(text: &str) -> Result<Pages, rpc::OriginError> {
    if text == "*" { Ok(Pages::All) } else { text.parse().map(Pages::Of) }
}

fn origins(allowed: &[Pages]) -> rpc::Origins {
    let listed: Option<Vec<_>> = allowed
        .iter()
        .map(|pages| match pages {
            Pages::All => None,
            Pages::Of(origin) => Some(origin.clone()),
        })
        .collect();
    match listed {
        None => rpc::Origins::Any,
        Some(listed) if listed.is_empty() => rpc::Origins::Own,
        Some(listed) => rpc::Origins::Listed(listed),
    }
}

/// Waits until block production stops.
async fn halt(node: &Node) -> anyhow::Error {
    let mut heads = node.subscribe_heads();
    loop {
        if let Some(reason) = node.halted() {
            return anyhow::anyhow!("block production stopped: {reason}");
        }
        if heads.changed().await.is_err() {
            return anyhow::anyhow!("block production stopped");
        }
    }
}

/// Returns the genesis state of a new ledger: from the genesis file, or from the flags if `data_dir` has no ledger
/// yet; `None` if it has one.
fn genesis_state(args: &RunArgs, data_dir: &Path) -> anyhow::Result<Option<Genesis>> {
    if let Some(path) = &args.genesis {
        return read_genesis(path).map(Some);
    }
    if Store::exists(data_dir)? {
        return Ok(None);
    }
    let genesis = new_genesis(args)?;
    genesis.validate().context("the genesis state is invalid")?;
    Ok(Some(genesis))
}

/// Opens the ledger in `data_dir`, or creates it.
fn open(args: &RunArgs, data_dir: &Path, genesis: Option<Genesis>) -> anyhow::Result<Node> {
    let unprotected = match args.dev || args.allow_unprotected {
        true => Unprotected::Taken,
        false => Unprotected::Refused,
    };
    let history = history_options(&args.index, args.index_blocks)?;
    let begin = |genesis| {
        let config = NodeConfig::new(data_dir, genesis);
        Node::open(NodeConfig {
            pool: PoolLimits { unprotected, ..PoolLimits::STANDARD },
            past_states_max: args.history,
            blocks_max: args.keep_blocks,
            history,
            block_interval: args.block_time.map(Duration::from_secs),
            is_development: args.dev,
            founding: if args.genesis.is_some() { Founding::AsGiven } else { founding() },
            timestamps: args.client_version.timestamps(),
            ..config
        })
    };
    let has_begun = genesis.is_none();
    let node = match begin(genesis) {
        // Its creation was interrupted.
        Err(OpenError::Store(StoreError::Empty { .. })) => {
            return in_use(begin(Some(new_genesis(args)?)));
        }
        node => in_use(node)?,
    };
    if has_begun {
        check_genesis(args, data_dir, &node)?;
    }
    Ok(node)
}

/// Checks that an existing ledger began as the flags say.
fn check_genesis(args: &RunArgs, data_dir: &Path, node: &Node) -> anyhow::Result<()> {
    let shown = data_dir.display();
    let genesis = node.genesis()?;
    let asked = funds(args)?;
    for account in args.fund.iter().map(|fund| fund.account) {
        let amount = asked.get(&account).map_or(0, |amount| amount.as_u128());
        let begun = genesis.accounts.get(&convert::address(account));
        let begun = begun.map_or(U256::ZERO, |account| account.balance);
        if begun != U256::from(amount) {
            let (account, amount) = (checksummed(&account), Wei::new(amount).to_grain());
            return Err(WrongUsage(format!(
                "--fund is for a new ledger, and the one in {shown} did not begin with {amount} GRAIN for {account}: send instead"
            )))
            .hint("gleaner wallet send ADDRESS GRAIN");
        }
    }
    let kept = node.rules().chain_id;
    let asked = args.chain_id.unwrap_or(kept);
    ensure!(asked == kept, "{shown} holds a ledger with chain id {kept}, not {asked}");
    Ok(())
}

/// What the history index is to hold; `None` when there is to be none.
fn history_options(
    lists: &[IndexList],
    blocks_max: Option<u64>,
) -> anyhow::Result<Option<history::Options>> {
    let has = |list| lists.contains(&list);
    let kept = Kept {
        transactions: has(IndexList::Transactions),
        transfers: has(IndexList::Transfers),
        events: has(IndexList::Events),
    };
    match (has(IndexList::None), lists.len(), blocks_max) {
        (true, 1, None) => Ok(None),
        (true, 1, Some(_)) => {
            Err(WrongUsage("--index none leaves nothing to hold: leave out --index-blocks".into())
                .into())
        }
        (true, ..) => {
            Err(WrongUsage("--index none stands alone: name lists, or none".into()).into())
        }
        (false, ..) => Ok(Some(history::Options { kept, blocks_max })),
    }
}

fn in_use(node: Result<Node, OpenError>) -> anyhow::Result<Node> {
    match node {
        Err(error @ OpenError::Store(StoreError::AlreadyOpen { .. })) => {
            Err(error).hint("choose another folder with --data-dir DIR")
        }
        Err(error @ OpenError::Store(StoreError::Purpose { found: true, .. })) => {
            Err(error).hint("add --dev, or choose another folder with --data-dir DIR")
        }
        Err(error @ OpenError::Store(StoreError::Purpose { found: false, .. })) => {
            Err(error).hint("leave out --dev, or choose another folder with --data-dir DIR")
        }
        node => node.context("the node does not start"),
    }
}

fn read_genesis(path: &Path) -> anyhow::Result<Genesis> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{shown}: genesis file can't be read"))?;
    Genesis::from_json(&text).with_context(|| format!("{shown}: the genesis file is invalid"))
}

fn new_genesis(args: &RunArgs) -> anyhow::Result<Genesis> {
    let now = UnixSeconds::new(AnchoredClock::start().now());
    let chain_id_default = if args.dev { DEV_CHAIN_ID } else { CHAIN_ID_DEFAULT };
    Ok(genesis(args.chain_id.unwrap_or(chain_id_default), now, &funds(args)?))
}

/// Returns the balances of the genesis block: those of --fund, and in development those of the accounts with public keys.
fn funds(args: &RunArgs) -> anyhow::Result<Funds> {
    let mut funds = Funds::new();
    for Fund { account, amount } in &args.fund {
        let held = funds.entry(*account).or_insert(Wei::ZERO);
        *held = held.checked_add(*amount).context("the sum of --fund is too large")?;
    }
    for key in if args.dev { rpc::test_accounts() } else { Vec::new() } {
        let held = funds.entry(convert::account(key.address())).or_insert(Wei::ZERO);
        *held = held.checked_add(DEV_FUNDS).context("the sum of --fund is too large")?;
    }
    Ok(funds)
}

fn parse_fund(text: &str) -> Result<Fund, String> {
    let (account, amount) = text.split_once('=').ok_or("write it as ADDRESS=GRAIN")?;
    Ok(Fund { account: parse_account(account)?, amount: parse_grain(amount)? })
}
