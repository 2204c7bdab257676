//! `gleaner wallet`: accounts on this machine, and their balances on the ledger.

use std::fmt::Write as _;
use std::fs;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use abi::{Module, convert};
use anyhow::{Context as _, anyhow, ensure};
use clap::Subcommand;
use execution::{is_native, is_precompile};
use ledger_client::{Ledger, LedgerError, Receipt};
use ledger_views::Ask;
use serde::Serialize;
use units::{AccountId, Wei};
use wallet::{Account, Import};

use crate::failure::Hint as _;
use crate::ledger;
use crate::options::{LedgerArgs, SignerArgs, WalletArgs, checksummed, parse_account, parse_grain};
use crate::output::{Output, table};
use crate::password::PasswordArgs;
use crate::shell;

/// Largest file with a phrase, a key or a keystore, in bytes.
const SECRET_SIZE_MAX: u64 = 64 << 10;

/// Flags of `gleaner wallet`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an account; its twelve words are shown only once
    New(NewArgs),
    /// Import an account from its words, a private key or another tool's keystore
    Import(ImportArgs),
    /// List the accounts of this machine
    List(WalletArgs),
    /// Show balances
    Balance(BalanceArgs),
    /// Send GRAIN to an account
    Send(SendArgs),
}

#[derive(Debug, clap::Args)]
struct NewArgs {
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Read the password of `--keystore` from the first line of this file [default: the password for this wallet]
    #[arg(long, value_name = "FILE", requires = "keystore")]
    keystore_password_file: Option<PathBuf>,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct SourceArgs {
    /// File with the words of a BIP-39 phrase; `-` is stdin [default: the words are asked for]
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// File with a private key in hex; `-` is stdin
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
    /// Encrypted keystore of another tool
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct BalanceArgs {
    /// Accounts to show [default: all of the wallet]
    #[arg(value_name = "ADDRESS", value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct SendArgs {
    /// Receiver
    #[arg(value_name = "ADDRESS", value_parser = parse_account)]
    to: AccountId,
    /// Amount in GRAIN, such as 1.5
    #[arg(value_name = "GRAIN", value_parser = parse_grain)]
    amount: Wei,
    /// Send it without asking, even to the zero address, from which nobody can recover it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// An account in `wallet new`, `wallet import` and `wallet list`.
#[derive(Serialize)]
struct AccountDocument {
    address: String,
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    phrase: Option<String>,
}

impl AccountDocument {
    fn new(account: Account, phrase: Option<String>) -> Self {
        Self { address: checksummed(&account.id), path: account.path, phrase }
    }
}

/// An account in `wallet balance`.
#[derive(Serialize)]
struct BalanceDocument {
    address: String,
    /// Balance in the smallest unit.
    balance: String,
}

/// The result of `wallet send`; amounts in the smallest unit.
#[derive(Serialize)]
struct SendDocument {
    hash: String,
    height: u64,
    from: String,
    to: String,
    amount: String,
    fee: String,
}

/// Runs one of the wallet's commands.
///
/// # Errors
/// When a file, a password or the ledger can't be used.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::New(args) => new(&args, output),
        Command::Import(args) => import(&args, output),
        Command::List(args) => list(&args, output),
        Command::Balance(args) => shell::block_on_until_interrupted(balance(&args, output)),
        Command::Send(args) => send(&args, output),
    }
}

fn new(args: &NewArgs, output: &Output) -> anyhow::Result<()> {
    let password = args.password.fresh("the new account")?;
    let created = args.wallet.open()?.create(&password).context("the account was not created")?;
    let mut text = format!(
        "account  {}\nkey      {}\n",
        checksummed(&created.account.id),
        created.account.path.display()
    );
    let _ = write!(
        text,
        "phrase   {}\n\nWrite the phrase down: it is shown only once and can restore the account.",
        created.phrase
    );
    output.print(&AccountDocument::new(created.account, Some(created.phrase)), &text)
}

fn import(args: &ImportArgs, output: &Output) -> anyhow::Result<()> {
    let SourceArgs { phrase_file, private_key_file, keystore } = &args.source;
    let (text, path) = match (phrase_file, private_key_file, keystore) {
        (Some(path), _, _) | (_, Some(path), _) | (_, _, Some(path)) => (secret(path)?, Some(path)),
        (None, None, None) => (crate::password::ask("Phrase (not shown): ")?, None),
    };
    let password = args.password.fresh("the account")?;
    let keystore_password = match &args.keystore_password_file {
        Some(path) => crate::password::first_line(path)?,
        None => password.clone(),
    };
    let source = match (private_key_file, keystore) {
        (Some(_), _) => Import::PrivateKey(&text),
        (_, Some(_)) => Import::Keystore { json: &text, password: &keystore_password },
        (None, None) => Import::Phrase(&text),
    };
    let account = args.wallet.open()?.import(source, &password);
    let account = match path {
        Some(path) => {
            account.with_context(|| format!("{}: no account was imported", path.display()))?
        }
        None => account.context("no account was imported")?,
    };
    let text =
        format!("account  {}\nkey      {}", checksummed(&account.id), account.path.display());
    output.print(&AccountDocument::new(account, None), &text)
}

/// Returns the text of a file, or of stdin for `-`.
fn secret(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(SECRET_SIZE_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(SECRET_SIZE_MAX).read_to_string(&mut text))
    };
    read.with_context(|| format!("{}: can't be read", path.display()))?;
    ensure!(!text.trim().is_empty(), "{}: is empty", path.display());
    Ok(text)
}

fn list(args: &WalletArgs, output: &Output) -> anyhow::Result<()> {
    let accounts = args.open()?.accounts()?;
    let documents: Vec<_> =
        accounts.into_iter().map(|account| AccountDocument::new(account, None)).collect();
    let rows: Vec<_> = documents
        .iter()
        .map(|one| vec![one.address.clone(), one.path.display().to_string()])
        .collect();
    if rows.is_empty() {
        output.say("no account yet; create one with: gleaner wallet new");
    }
    output.print(&documents, &table(&["account", "key"], &rows))
}

async fn balance(args: &BalanceArgs, output: &Output) -> anyhow::Result<()> {
    let accounts = args.wallet.these_or_all(&args.accounts)?;
    let ledger = ledger::connect(&args.ledger).await?;
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    for account in accounts {
        let balance = ledger.balance(&account).await?;
        let address = checksummed(&account);
        rows.push(vec![address.clone(), balance.to_grain()]);
        documents.push(BalanceDocument { address, balance: balance.to_string() });
    }
    output.print(&documents, &table(&["account", "GRAIN"], &rows))
}

fn send(args: &SendArgs, output: &Output) -> anyhow::Result<()> {
    let from = args.signer.account()?;
    refuse_precompile(&args.to)?;
    if args.to == AccountId::ZERO && !args.yes {
        confirm_loss(args.amount)?;
    }
    let signer = args.signer.unlock()?;
    let (sender, receiver) = (checksummed(&from), checksummed(&args.to));
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        refuse_reserved(&ledger, &args.to).await?;
        let balance = ledger.balance(&from).await?;
        let (held, amount) = (balance.to_grain(), args.amount.to_grain());
        // The node would refuse it with another message.
        ensure!(
            args.amount < balance,
            "{sender} has {held} GRAIN, too little for {amount} GRAIN and the fee: nothing was sent"
        );
        let receipt = explained(ledger.transfer(&args.to, args.amount).await, &args.to)?;
        let document = SendDocument {
            hash: receipt.hash.to_string(),
            height: receipt.height,
            from: sender,
            to: receiver.clone(),
            amount: args.amount.to_string(),
            fee: receipt.fee.to_string(),
        };
        let fee = receipt.fee.to_grain();
        let text = format!(
            "sent {amount} GRAIN to {receiver}\nfee {fee} GRAIN, block {}, transaction {}",
            receipt.height, receipt.hash
        );
        output.print(&document, &text)
    })
}

/// Refuses a precompile: it would take GRAIN, and nobody could ever move it again.
fn refuse_precompile(to: &AccountId) -> anyhow::Result<()> {
    if !is_precompile(&convert::address(*to)) {
        return Ok(());
    }
    let to = checksummed(to);
    Err(anyhow!("{to} is a precompile, a function and no account: nothing was sent"))
        .hint("give the address of an account")
}

/// Refuses an address of a module or an asset that does not exist yet: it would take GRAIN, and perhaps keep it for good.
async fn refuse_reserved(ledger: &Ledger, to: &AccountId) -> anyhow::Result<()> {
    let address = convert::address(*to);
    let is_kept = is_native(&address) || Module::at(&address).is_some();
    if !is_kept || !Ask::account(ledger, address).await?.code.is_empty() {
        return Ok(());
    }
    let to = checksummed(to);
    Err(anyhow!("{to} is kept for a module that this ledger does not have: nothing was sent"))
        .hint("give the address of an account")
}

/// Says what a receiver is that refuses GRAIN, where it is a module: the reason that it gives is for who calls its functions.
fn explained(sent: Result<Receipt, LedgerError>, to: &AccountId) -> anyhow::Result<Receipt> {
    match (sent, Module::at(&convert::address(*to))) {
        (Err(LedgerError::Refused { .. }), Some(module)) => {
            let (to, name) = (checksummed(to), module.name);
            Err(anyhow!(
                "{to} is the ledger's module {name}, which takes no GRAIN: nothing was sent"
            ))
            .hint("give the address of an account")
        }
        (sent, _) => Ok(sent?),
    }
}

/// Asks before GRAIN is sent to an address from which nobody can recover it.
///
/// # Errors
/// When the answer is not yes, or there is no terminal.
fn confirm_loss(amount: Wei) -> anyhow::Result<()> {
    let what = format!("{} GRAIN sent to the zero address are lost for good", amount.to_grain());
    if !std::io::stdin().is_terminal() {
        return Err(anyhow::anyhow!("{what}: nothing was sent"))
            .hint("add --yes if that is what you want");
    }
    let answer = crate::password::ask_openly(&format!("{what}. Type yes to send them: "))?;
    ensure!(answer.trim() == "yes", "nothing was sent");
    Ok(())
}
