//! `gleaner asset`: creates, shows, mints and sends assets; wraps GRAIN.

mod wrap;

use abi::parse_amount;
use alloy_primitives::U256;
use anyhow::anyhow;
use clap::Subcommand;
use ledger_client::{Ledger, NewAsset, Receipt};
use ledger_views::{
    ViewError, Window,
    assets::{self, AssetView, Powers},
};
use serde::Serialize;
use units::AccountId;

use crate::failure::Hint as _;
use crate::ledger;
use crate::options::{LedgerArgs, SignerArgs, WalletArgs, checksummed, parse_account};
use crate::output::{Output, lines, table};
use crate::shell;

/// Flags of `gleaner asset`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create an asset with terms that never change; its supply is 0 until you mint
    Create(CreateArgs),
    /// List assets, newest first
    List(ListArgs),
    /// Show one asset and its terms
    Show(ShowArgs),
    /// Show balances of an asset
    Balance(BalanceArgs),
    /// Mint an amount of your own asset
    Mint(MoveArgs),
    /// Send an amount of an asset to an account
    Send(MoveArgs),
    /// Turn GRAIN into as much WGRAIN, for contracts that expect WETH9; pools and swaps take GRAIN itself
    Wrap(wrap::Args),
    /// Turn WGRAIN back into GRAIN
    Unwrap(wrap::Args),
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// Name, at most 64 bytes
    name: String,
    /// Symbol, at most 16 bytes
    symbol: String,
    /// Decimals of a whole unit
    #[arg(long, value_name = "COUNT", default_value_t = 18)]
    decimals: u8,
    /// Largest supply, in whole units, such as 1000000 [default: no limit]
    #[arg(long, value_name = "AMOUNT")]
    cap: Option<String>,
    /// URI of the metadata (ERC-1046)
    #[arg(long, value_name = "URI", default_value = "")]
    uri: String,
    /// Account that may mint [default: the account that signs]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_account)]
    issuer: Option<AccountId>,
    /// Let the issuer pause all transfers
    #[arg(long)]
    pausable: bool,
    /// Let holders burn their balance
    #[arg(long)]
    burnable: bool,
    /// Let the issuer transfer its role
    #[arg(long)]
    transferable: bool,
    /// Let the issuer renounce its role for good
    #[arg(long)]
    renounceable: bool,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Number of assets to show
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The asset's number
    asset: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct BalanceArgs {
    /// The asset's number
    asset: u64,
    /// Accounts to show [default: all of the wallet]
    #[arg(value_name = "ADDRESS", value_parser = parse_account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct MoveArgs {
    /// The asset's number
    asset: u64,
    /// Receiver
    #[arg(value_name = "ADDRESS", value_parser = parse_account)]
    to: AccountId,
    /// Amount in whole units, such as 1.5
    amount: String,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// An asset. Amounts are in the smallest unit.
#[derive(Serialize)]
struct AssetDocument {
    asset: u64,
    address: String,
    name: String,
    symbol: String,
    decimals: u8,
    supply: String,
    cap: String,
    issuer: Option<String>,
    paused: bool,
    pausable: bool,
    burnable: bool,
    transferable: bool,
    renounceable: bool,
    uri: String,
}

#[derive(Serialize)]
struct CreateDocument {
    asset: u64,
    address: String,
    issuer: String,
    hash: String,
    height: u64,
    fee: String,
}

#[derive(Serialize)]
struct BalanceDocument {
    address: String,
    /// Balance in the smallest unit.
    balance: String,
}

/// The result of `asset mint` and `asset send`; amounts in the smallest unit, of the asset and of GRAIN.
#[derive(Serialize)]
struct MoveDocument {
    asset: u64,
    hash: String,
    height: u64,
    to: String,
    amount: String,
    fee: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    Mint,
    Send,
}

/// Runs one of the asset commands.
///
/// # Errors
/// When the ledger does not answer or refuses, or an amount can't be parsed.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::Create(args) => create(&args, output),
        Command::List(args) => shell::block_on_until_interrupted(list(&args, output)),
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Balance(args) => shell::block_on_until_interrupted(balance(&args, output)),
        Command::Mint(args) => move_amount(&args, Move::Mint, output),
        Command::Send(args) => move_amount(&args, Move::Send, output),
        Command::Wrap(args) => wrap::run(&args, wrap::Direction::Wrap, output),
        Command::Unwrap(args) => wrap::run(&args, wrap::Direction::Unwrap, output),
    }
}

fn create(args: &CreateArgs, output: &Output) -> anyhow::Result<()> {
    let cap = match &args.cap {
        Some(text) => amount(text, args.decimals)?,
        None => U256::MAX,
    };
    let account = args.signer.account()?;
    let signer = args.signer.unlock()?;
    let asset = NewAsset {
        name: args.name.clone(),
        symbol: args.symbol.clone(),
        decimals: args.decimals,
        cap,
        uri: args.uri.clone(),
        issuer: args.issuer.unwrap_or(account),
        powers: Powers {
            pausable: args.pausable,
            burnable: args.burnable,
            transferable: args.transferable,
            renounceable: args.renounceable,
        },
    };
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let created = ledger.create_asset(&asset).await?;
        let receipt = created.receipt;
        let document = CreateDocument {
            asset: created.number,
            address: checksummed(&created.address),
            issuer: checksummed(&asset.issuer),
            hash: receipt.hash.to_string(),
            height: receipt.height,
            fee: receipt.fee.to_string(),
        };
        let text = format!(
            "asset    {}\naddress  {}\nissuer   {}\nfee      {} GRAIN, block {}, transaction {}",
            created.number,
            checksummed(&created.address),
            checksummed(&asset.issuer),
            receipt.fee.to_grain(),
            receipt.height,
            receipt.hash
        );
        output.print(&document, &text)
    })
}

async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect(&args.ledger).await?;
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    for asset in newest(&ledger, args.limit).await? {
        rows.push(vec![
            asset.number.to_string(),
            asset.symbol.clone(),
            asset.name.clone(),
            asset.amount_text(asset.supply),
            asset.cap_text(),
            checksummed(&asset.address),
        ]);
        documents.push(document(&asset));
    }
    let head = ["asset", "symbol", "name", "supply", "cap", "address"];
    output.print(&documents, &table(&head, &rows))
}

/// The newest assets, at most `limit` of them.
async fn newest(ledger: &Ledger, limit: u64) -> anyhow::Result<Vec<AssetView>> {
    let (mut found, mut window) = (Vec::new(), Window::first(limit));
    loop {
        let page = assets::list(ledger, window).await?;
        found.extend(page.items);
        let left = limit.saturating_sub(u64::try_from(found.len())?);
        match page.older.filter(|_| left > 0) {
            Some(older) => window = Window { newest: Some(older), items: left },
            None => return Ok(found),
        }
    }
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect(&args.ledger).await?;
    let asset = asset(&ledger, args.asset).await?;
    let may = |allowed: bool| if allowed { "yes" } else { "no" }.to_owned();
    let facts = [
        ("asset", asset.number.to_string()),
        ("name", asset.name.clone()),
        ("symbol", asset.symbol.clone()),
        ("address", checksummed(&asset.address)),
        ("supply", asset.amount_text(asset.supply)),
        ("cap", asset.cap_text()),
        ("decimals", asset.decimals.to_string()),
        (
            "issuer",
            asset
                .issuer
                .map_or("none: the role was renounced".to_owned(), |issuer| checksummed(&issuer)),
        ),
        ("state", if asset.is_paused { "paused" } else { "open" }.to_owned()),
        ("issuer may pause", may(asset.powers.pausable)),
        ("holders may burn", may(asset.powers.burnable)),
        ("issuer may transfer its role", may(asset.powers.transferable)),
        ("issuer may renounce its role", may(asset.powers.renounceable)),
        ("metadata", asset.uri.clone()),
    ];
    let rows: Vec<_> =
        facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    output.print(&document(&asset), &lines(&rows))
}

async fn balance(args: &BalanceArgs, output: &Output) -> anyhow::Result<()> {
    let accounts = args.wallet.these_or_all(&args.accounts)?;
    let ledger = ledger::connect(&args.ledger).await?;
    let asset = asset(&ledger, args.asset).await?;
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    let balances = assets::balances(&ledger, &asset.address, &accounts).await?;
    for (account, balance) in accounts.iter().zip(balances) {
        let address = checksummed(account);
        rows.push(vec![address.clone(), asset.amount_text(balance)]);
        documents.push(BalanceDocument { address, balance: balance.to_string() });
    }
    output.print(&documents, &table(&["account", &asset.symbol], &rows))
}

fn move_amount(args: &MoveArgs, what: Move, output: &Output) -> anyhow::Result<()> {
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let asset = asset(&ledger, args.asset).await?;
        let amount = amount(&args.amount, asset.decimals)?;
        let receipt = match what {
            Move::Mint => ledger.mint_asset(&asset.address, &args.to, amount).await?,
            Move::Send => ledger.send_asset(&asset.address, &args.to, amount).await?,
        };
        let done = match what {
            Move::Mint => "minted",
            Move::Send => "sent",
        };
        let Receipt { hash, height, fee, .. } = receipt;
        let document = MoveDocument {
            asset: asset.number,
            hash: hash.to_string(),
            height,
            to: checksummed(&args.to),
            amount: amount.to_string(),
            fee: fee.to_string(),
        };
        let text = format!(
            "{done} {} {} to {}\nfee {} GRAIN, block {height}, transaction {hash}",
            asset.amount_text(amount),
            asset.symbol,
            checksummed(&args.to),
            fee.to_grain()
        );
        output.print(&document, &text)
    })
}

async fn asset(ledger: &Ledger, number: u64) -> anyhow::Result<AssetView> {
    match assets::asset(ledger, number).await {
        Err(ViewError::Refused { .. }) => {
            let count = assets::count(ledger).await?;
            Err(anyhow!("asset {number} does not exist: the ledger has {count}"))
                .hint("gleaner asset list")
        }
        asset => Ok(asset?),
    }
}

fn amount(text: &str, decimals: u8) -> anyhow::Result<U256> {
    parse_amount(text, decimals).ok_or_else(|| {
        anyhow!("{text:?} is not an amount of this asset: write a number such as 12 or 0.5, with at most {decimals} decimals")
    })
}

fn document(asset: &AssetView) -> AssetDocument {
    AssetDocument {
        asset: asset.number,
        address: checksummed(&asset.address),
        name: asset.name.clone(),
        symbol: asset.symbol.clone(),
        decimals: asset.decimals,
        supply: asset.supply.to_string(),
        cap: asset.cap.unwrap_or(U256::MAX).to_string(),
        issuer: asset.issuer.map(|issuer| checksummed(&issuer)),
        paused: asset.is_paused,
        pausable: asset.powers.pausable,
        burnable: asset.powers.burnable,
        transferable: asset.powers.transferable,
        renounceable: asset.powers.renounceable,
        uri: asset.uri.clone(),
    }
}
