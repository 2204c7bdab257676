//! `gleaner price`: price feeds, and the reports that make their answers.

use std::fs;
use std::path::{Path, PathBuf};

use abi::{
    PRICE_FEEDS, PriceFeeds, PriceReport, amount_text, convert, parse_amount, price_feed_number,
    price_report_digest, price_report_domain,
};
use alloy_primitives::{B256, I256, U256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolEvent as _;
use anyhow::{Context as _, anyhow, ensure};
use clap::Subcommand;
use ledger_client::{Ledger, Receipt};
use ledger_views::{
    ViewError, Window,
    feeds::{self, FeedView, ReportersView},
};
use serde::{Deserialize, Serialize};
use units::{AccountId, Wei};

use crate::failure::Hint as _;
use crate::ledger;
use crate::market::{named, parse_bps, parse_seconds, seconds_text};
use crate::options::{LedgerArgs, SignerArgs, checksummed, parse_account};
use crate::output::{Output, lines, table};
use crate::shell;

/// Largest file of a report, in bytes.
const REPORT_SIZE_MAX: u64 = 4 << 10;

/// Flags of `gleaner price`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List price feeds, newest first
    List(ListArgs),
    /// Show one feed, its last answer and whether that may be relied on
    Show(ShowArgs),
    /// Create a feed; its terms never change
    Create(CreateArgs),
    /// Record the price of the pair that a feed is compared with, so that there is an average once the window has passed
    Checkpoint(CheckpointArgs),
    /// Sign a report as a price reporter, and bring a quorum of reports to the ledger
    Report(ReportArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Number of feeds to show
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The feed's number or address
    feed: String,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// What is priced in what, such as "GRAIN / USD", at most 64 bytes
    description: String,
    /// Decimals of the answers, at most 36
    #[arg(long, value_name = "COUNT", default_value_t = 8)]
    decimals: u8,
    /// How old an observation may be when it is reported and when it is relied on
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_seconds)]
    max_age: u64,
    /// How far reports may be from their median, and an answer from the one before
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = parse_bps)]
    deviation: u16,
    /// How long after a jump an answer near it confirms it; less than the age
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_seconds)]
    confirmation: u64,
    /// A pair of Uniswap v2 or a pool of v3 whose average price must agree with the answers
    #[arg(long, value_name = "ADDRESS", requires = "base", value_parser = parse_account)]
    pool: Option<AccountId>,
    /// With --pool: the token that is priced, in the pool's other one
    #[arg(long, value_name = "TOKEN", requires = "pool")]
    base: Option<String>,
    /// With --pool: time over which the pool's price is averaged, 5m to 18h
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = parse_seconds)]
    window: u64,
    /// With --pool: how far an answer may be from the average
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = parse_bps)]
    divergence: u16,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

#[derive(Debug, clap::Args)]
struct CheckpointArgs {
    /// The feed's number or address
    feed: String,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Printed below the flags of `price report`.
const REPORT_HELP: &str = "\
A round needs a quorum of reports in one transaction:
  gleaner price report 1 0.52 --out first.json     a reporter signs, and sends nothing
  gleaner price report 1 0.53 --with first.json    the second one signs too, and brings both
  gleaner price report 1 --with first.json --with second.json    anybody brings them";

/// Flags of `gleaner price report`.
#[derive(Debug, clap::Args)]
#[command(after_help = REPORT_HELP)]
struct ReportArgs {
    /// The feed's number or address
    feed: String,
    /// What you observed, in whole units such as 0.52; without it only the reports of --with are brought
    #[arg(required_unless_present = "with")]
    answer: Option<String>,
    /// When you observed it, in Unix seconds [default: now, by the ledger's time]
    #[arg(long, value_name = "SECONDS", requires = "answer")]
    observed_at: Option<u64>,
    /// Write the signed report to this file, and send nothing
    #[arg(long, value_name = "FILE", requires = "answer", conflicts_with = "with")]
    out: Option<PathBuf>,
    /// A file with the report of another reporter; may be repeated
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// A feed. Answers are in the smallest unit, by `decimals`; times in seconds.
#[derive(Serialize)]
struct FeedDocument {
    feed: u64,
    address: String,
    description: String,
    decimals: u8,
    answer: Option<String>,
    round: Option<String>,
    observed_at: Option<u64>,
    updated_at: Option<u64>,
    /// `reliable`, `no answer`, `stale`, `divergent`, `differs from its pool`, `no pool price` or `refused`.
    standing: &'static str,
    age_seconds_max: u64,
    deviation_bps: u16,
    confirmation_seconds: u64,
    compared: Option<ComparedDocument>,
}

/// The pool that answers are compared with.
#[derive(Serialize)]
struct ComparedDocument {
    pool: String,
    base_token: String,
    window_seconds: u32,
    divergence_bps: u16,
    /// In the smallest unit, by the feed's decimals.
    average: Option<String>,
}

#[derive(Serialize)]
struct CheckpointDocument {
    feed: u64,
    hash: String,
    height: u64,
    fee: String,
}

#[derive(Serialize)]
struct ShowDocument {
    #[serde(flatten)]
    feed: FeedDocument,
    reporters: Vec<String>,
    quorum: u16,
}

#[derive(Serialize)]
struct CreateDocument {
    feed: u64,
    address: String,
    hash: String,
    height: u64,
    fee: String,
}

/// A signed report, as in a file of `--out`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SignedReport {
    chain_id: u64,
    feed: String,
    /// In the smallest unit, by the feed's decimals.
    answer: String,
    /// In Unix seconds.
    observed_at: u64,
    reporter: String,
    v: u8,
    r: B256,
    s: B256,
}

#[derive(Serialize)]
struct ReportDocument {
    feed: u64,
    reports: Vec<SignedReport>,
    round: String,
    /// The median, in the smallest unit.
    answer: String,
    hash: String,
    height: u64,
    gas: u64,
    fee: String,
}

#[derive(Serialize)]
struct SignedDocument {
    path: PathBuf,
    #[serde(flatten)]
    report: SignedReport,
}

/// Runs one of the price commands.
///
/// # Errors
/// When the ledger does not answer or refuses, or a report can't be used.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => shell::block_on_until_interrupted(list(&args, output)),
        Command::Show(args) => shell::block_on_until_interrupted(show(&args, output)),
        Command::Create(args) => create(&args, output),
        Command::Checkpoint(args) => checkpoint(&args, output),
        Command::Report(args) => report(&args, output),
    }
}

async fn list(args: &ListArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect_to_show(&args.ledger, output).await?;
    let (mut found, mut window) = (Vec::new(), Window::first(args.limit));
    loop {
        let page = feeds::list(&ledger.next(), window).await?;
        found.extend(page.items);
        let left = args.limit.saturating_sub(u64::try_from(found.len())?);
        match page.older.filter(|_| left > 0) {
            Some(older) => window = Window { newest: Some(older), items: left },
            None => break,
        }
    }
    let row = |feed: &FeedView| {
        vec![
            feed.number.to_string(),
            feed.description.clone(),
            answer_text(feed),
            feed.standing.text().to_owned(),
            feed.round.map_or_else(|| "-".to_owned(), |round| round.number.to_string()),
            checksummed(&feed.address),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let documents: Vec<_> = found.iter().map(document).collect();
    let head = ["feed", "description", "answer", "standing", "round", "address"];
    output.print(&documents, &table(&head, &rows))
}

async fn show(args: &ShowArgs, output: &Output) -> anyhow::Result<()> {
    let ledger = ledger::connect_to_show(&args.ledger, output).await?;
    let feed = feed(&ledger, &args.feed).await?;
    let ReportersView { accounts, quorum } = feeds::reporters(&ledger).await?;
    let now = ledger.next_time().await?.as_u64();
    let mut rows = vec![
        ("feed", feed.number.to_string()),
        ("description", feed.description.clone()),
        ("address", checksummed(&feed.address)),
        ("answer", answer_text(&feed)),
        ("standing", feed.standing.text().to_owned()),
    ];
    if let Some(round) = feed.round {
        let ago = |time: u64| format!("{time}, {} ago", seconds_text(now.saturating_sub(time)));
        rows.push(("round", round.number.to_string()));
        rows.push(("oldest report", ago(round.observed_at.as_u64())));
        rows.push(("recorded", ago(round.updated_at.as_u64())));
    }
    rows.push(("decimals", feed.decimals.to_string()));
    rows.push(("largest age", seconds_text(feed.age_seconds_max)));
    rows.push(("deviation", format!("{}%", amount_text(U256::from(feed.deviation_bps), 2))));
    rows.push(("confirmation", seconds_text(feed.confirmation_seconds)));
    if let Some(compared) = feed.compared {
        let average = compared.average.map(|average| amount_text(average, feed.decimals));
        let average = average.unwrap_or_else(|| "none".to_owned());
        let window = seconds_text(compared.window_seconds.into());
        let most = amount_text(U256::from(compared.divergence_bps), 2);
        rows.push(("compared with", checksummed(&compared.pool)));
        rows.push(("its average", format!("{average} over {window}; {most}% apart at most")));
    }
    rows.push(("quorum", format!("{quorum} of {} reporters", accounts.len())));
    let mut label = "reporters";
    for account in &accounts {
        rows.push((label, checksummed(account)));
        label = "";
    }
    let document = ShowDocument {
        feed: document(&feed),
        reporters: accounts.iter().map(checksummed).collect(),
        quorum,
    };
    output.print(&document, &named_rows(rows))
}

fn named_rows(rows: Vec<(&str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    lines(&rows)
}

fn create(args: &CreateArgs, output: &Output) -> anyhow::Result<()> {
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let terms = PriceFeeds::Terms {
            description: args.description.clone(),
            decimals: args.decimals,
            maxAge: args.max_age,
            deviationBps: args.deviation,
            confirmationSeconds: args.confirmation,
        };
        let receipt = match (&args.pool, &args.base) {
            (Some(pool), Some(base)) => {
                let base = named(&ledger, base).await?;
                let pool_terms = PriceFeeds::PoolTerms {
                    pool: convert::address(*pool),
                    baseToken: convert::address(base.address),
                    windowSeconds: u32::try_from(args.window)?,
                    divergenceBps: args.divergence,
                };
                let call = PriceFeeds::createWithPoolCall { terms, poolTerms: pool_terms };
                ledger.write(PRICE_FEEDS, &call, Wei::ZERO).await?
            }
            _ => {
                let call = PriceFeeds::createCall { terms };
                ledger.write(PRICE_FEEDS, &call, Wei::ZERO).await?
            }
        };
        let logs = receipt.logs.iter().filter(|log| log.address() == PRICE_FEEDS);
        let created = logs
            .filter_map(|log| PriceFeeds::FeedCreated::decode_log(&log.inner).ok())
            .find_map(|event| Some((event.feed, price_feed_number(&event.feed)?)));
        let (address, feed) = created.ok_or_else(|| anyhow!("the event FeedCreated is missing"))?;
        let Receipt { hash, height, fee, .. } = receipt;
        let document = CreateDocument {
            feed,
            address: address.to_checksum(None),
            hash: hash.to_string(),
            height,
            fee: fee.to_string(),
        };
        let text = format!(
            "feed     {feed}\naddress  {}\nfee      {} GRAIN, block {height}, transaction {hash}",
            address.to_checksum(None),
            fee.to_grain()
        );
        output.print(&document, &text)
    })
}

fn checkpoint(args: &CheckpointArgs, output: &Output) -> anyhow::Result<()> {
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer).await?;
        let feed = feed(&ledger, &args.feed).await?;
        let call = PriceFeeds::checkpointCall { feed: convert::address(feed.address) };
        let Receipt { hash, height, fee, .. } = ledger.write(PRICE_FEEDS, &call, Wei::ZERO).await?;
        let document = CheckpointDocument {
            feed: feed.number,
            hash: hash.to_string(),
            height,
            fee: fee.to_string(),
        };
        let text = format!(
            "recorded the price of the pair of feed {}\nfee {} GRAIN, block {height}, transaction {hash}",
            feed.number,
            fee.to_grain()
        );
        output.print(&document, &text)
    })
}

fn report(args: &ReportArgs, output: &Output) -> anyhow::Result<()> {
    let given: Vec<_> = args.with.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let signer = args.signer.unlock()?;
    shell::block_on_until_interrupted(async {
        let ledger = ledger::connect_to_change(&args.ledger, &args.signer, signer.clone()).await?;
        let feed = feed(&ledger, &args.feed).await?;
        let reporters = feeds::reporters(&ledger).await?;
        let mut reports = Vec::new();
        if let Some(text) = &args.answer {
            let report = observed(args, &ledger, &feed, text).await?;
            reports.push(signed(&signer, &report, &ledger, &reporters)?);
        }
        if let (Some(path), Some(report)) = (&args.out, reports.first()) {
            return write(path, report, &feed, output);
        }
        for (path, report) in args.with.iter().zip(given) {
            check(&report, &feed, &ledger).with_context(|| path.display().to_string())?;
            reports.push(report);
        }
        let quorum = usize::from(reporters.quorum);
        if reports.len() < quorum {
            return Err(anyhow!(
                "a round needs {quorum} reports in one transaction, {} given: nothing was sent",
                reports.len()
            ))
            .hint("write yours with --out FILE, or bring those of others with --with FILE");
        }
        bring(&ledger, &feed, reports, output).await
    })
}

/// What the account observed.
async fn observed(
    args: &ReportArgs,
    ledger: &Ledger,
    feed: &FeedView,
    text: &str,
) -> anyhow::Result<PriceReport> {
    let decimals = feed.decimals;
    let answer = parse_amount(text, decimals).and_then(|answer| I256::try_from(answer).ok());
    let answer = answer.filter(|answer| answer.is_positive()).ok_or_else(|| {
        anyhow!("{text:?} is not an answer of this feed: write a number above 0 such as 0.52, with at most {decimals} decimals")
    })?;
    let observed_at = match args.observed_at {
        Some(time) => time,
        None => ledger.next_time().await?.as_u64(),
    };
    Ok(PriceReport { feed: convert::address(feed.address), answer, observedAt: observed_at })
}

fn signed(
    signer: &PrivateKeySigner,
    report: &PriceReport,
    ledger: &Ledger,
    reporters: &ReportersView,
) -> anyhow::Result<SignedReport> {
    let reporter = convert::account(signer.address());
    if !reporters.accounts.contains(&reporter) {
        return Err(anyhow!(
            "{} is no price reporter of this ledger: its genesis file names {}",
            checksummed(&reporter),
            reporters.accounts.len()
        ))
        .hint("gleaner price show FEED lists the reporters");
    }
    let chain_id = ledger.chain_id();
    let digest = price_report_digest(report, &price_report_domain(chain_id));
    let signature = signer.sign_hash_sync(&digest).context("the report can't be signed")?;
    Ok(SignedReport {
        chain_id,
        feed: report.feed.to_checksum(None),
        answer: report.answer.to_string(),
        observed_at: report.observedAt,
        reporter: checksummed(&reporter),
        v: if signature.v() { 28 } else { 27 },
        r: signature.r().into(),
        s: signature.s().into(),
    })
}

fn write(
    path: &Path,
    report: &SignedReport,
    feed: &FeedView,
    output: &Output,
) -> anyhow::Result<()> {
    let bytes = serde_json::to_vec_pretty(report).context("the report can't be encoded")?;
    fs::write(path, bytes).with_context(|| format!("{} can't be written", path.display()))?;
    let shown = path.display();
    let text = format!(
        "signed  {} for feed {} ({}), observed at {}\nfile    {shown}\n\nBring it with a quorum of others: gleaner price report {} --with {shown} --with FILE",
        answer_of(&report.answer, feed),
        feed.number,
        feed.description,
        report.observed_at,
        feed.number
    );
    output.print(&SignedDocument { path: path.to_owned(), report: report.clone() }, &text)
}

fn read(path: &Path) -> anyhow::Result<SignedReport> {
    let size = fs::metadata(path).map(|file| file.len());
    let size = size.with_context(|| format!("{} can't be read", path.display()))?;
    ensure!(size <= REPORT_SIZE_MAX, "{} has {size} bytes: it is no report", path.display());
    let bytes = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is no report: write one with `gleaner price report --out`", path.display())
    })
}

fn check(report: &SignedReport, feed: &FeedView, ledger: &Ledger) -> anyhow::Result<()> {
    let chain_id = ledger.chain_id();
    ensure!(
        report.chain_id == chain_id,
        "the report is for the ledger with chain id {}, this one has {chain_id}",
        report.chain_id
    );
    let of =
        parse_account(&report.feed).map_err(|error| anyhow!("feed {:?}: {error}", report.feed))?;
    ensure!(
        of == feed.address,
        "the report is for the feed {}, not for {}",
        report.feed,
        checksummed(&feed.address)
    );
    Ok(())
}

async fn bring(
    ledger: &Ledger,
    feed: &FeedView,
    reports: Vec<SignedReport>,
    output: &Output,
) -> anyhow::Result<()> {
    let encoded = |report: &SignedReport| -> anyhow::Result<PriceFeeds::Report> {
        let answer = report.answer.parse::<I256>();
        let answer = answer.map_err(|_| anyhow!("{:?} is not an answer", report.answer))?;
        let (v, r, s) = (report.v, report.r, report.s);
        Ok(PriceFeeds::Report { answer, observedAt: report.observed_at, v, r, s })
    };
    let encoded: Vec<_> = reports.iter().map(encoded).collect::<Result<_, _>>()?;
    let address = convert::address(feed.address);
    let call = PriceFeeds::reportCall { feed: address, reports: encoded };
    let receipt = ledger.write(PRICE_FEEDS, &call, Wei::ZERO).await?;
    let after = feeds::feed(&ledger.next(), feed.number).await?;
    let round = after.round.ok_or_else(|| anyhow!("the feed has no answer after its report"))?;
    let Receipt { hash, height, gas, fee, .. } = receipt;
    let document = ReportDocument {
        feed: feed.number,
        round: round.number.to_string(),
        answer: round.answer.to_string(),
        hash: hash.to_string(),
        height,
        gas,
        fee: fee.to_string(),
        reports,
    };
    let text = named_rows(vec![
        ("feed", format!("{}, {}", feed.number, feed.description)),
        ("round", round.number.to_string()),
        ("answer", format!("{} from {} reports", answer_text(&after), document.reports.len())),
        ("standing", after.standing.text().to_owned()),
        (
            "fee",
            format!("{} GRAIN for {gas} gas, block {height}, transaction {hash}", fee.to_grain()),
        ),
    ]);
    output.print(&document, &text)
}

/// Finds a feed by its number or address.
async fn feed(ledger: &Ledger, word: &str) -> anyhow::Result<FeedView> {
    let number = match word.parse::<u64>() {
        Ok(number) => Some(number),
        Err(_) => {
            let account: AccountId = parse_account(word).map_err(|error| {
                anyhow!("{word:?} is neither the number nor the address of a feed: {error}")
            })?;
            price_feed_number(&convert::address(account))
        }
    };
    let number = number.ok_or_else(|| anyhow!("{word} is no price feed"));
    let number = number.hint("gleaner price list")?;
    match feeds::feed(&ledger.next(), number).await {
        Err(ViewError::Refused { .. } | ViewError::Undecodable { .. }) => {
            let count = feeds::count(ledger).await?;
            Err(anyhow!("feed {number} does not exist: the ledger has {count}"))
                .hint("gleaner price list")
        }
        feed => Ok(feed?),
    }
}

fn answer_text(feed: &FeedView) -> String {
    let text = |round: feeds::RoundView| amount_text(round.answer, feed.decimals);
    feed.round.map_or_else(|| "none".to_owned(), text)
}

fn answer_of(answer: &str, feed: &FeedView) -> String {
    let parsed = answer.parse::<U256>().ok();
    parsed.map_or_else(|| answer.to_owned(), |answer| amount_text(answer, feed.decimals))
}

fn document(feed: &FeedView) -> FeedDocument {
    FeedDocument {
        feed: feed.number,
        address: checksummed(&feed.address),
        description: feed.description.clone(),
        decimals: feed.decimals,
        answer: feed.round.map(|round| round.answer.to_string()),
        round: feed.round.map(|round| round.number.to_string()),
        observed_at: feed.round.map(|round| round.observed_at.as_u64()),
        updated_at: feed.round.map(|round| round.updated_at.as_u64()),
        standing: feed.standing.text(),
        age_seconds_max: feed.age_seconds_max,
        deviation_bps: feed.deviation_bps,
        confirmation_seconds: feed.confirmation_seconds,
        compared: feed.compared.map(|compared| ComparedDocument {
            pool: checksummed(&compared.pool),
            base_token: checksummed(&compared.base_token),
            window_seconds: compared.window_seconds,
            divergence_bps: compared.divergence_bps,
            average: compared.average.map(|average| average.to_string()),
        }),
    }
}
