//! `gleaner measure attack`: how many votes win, and what they cost.

use std::path::PathBuf;

use alloy_primitives::U256;
use anyhow::{Context as _, ensure};
use concentration::{
    Holdings, Threshold, Zeros,
    attack::{Offer, Way},
    holders,
    turnout::Rule,
};
use holdings_report::{AttackQuestion, MONEY_DECIMALS, measure_attack};

use super::{TableArgs, alarms, ledger::Seen, power, read, sheet, source_of};
use crate::failure::WrongUsage;
use crate::options::LedgerArgs;
use crate::output::Output;

/// Flags of `gleaner measure attack`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("of_ledger").args(["house"]))]
pub(super) struct Args {
    /// Table of votes, whose first line names the columns; - reads stdin
    #[arg(long, value_name = "FILE", requires = "value", conflicts_with = "of_ledger")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    /// The votes of a house of a ledger
    #[arg(long, value_name = "HOUSE")]
    house: Option<power::House>,
    /// Block of the ledger [default: the newest]
    #[arg(long, value_name = "NUMBER", requires = "house", conflicts_with = "csv")]
    height: Option<u64>,
    /// With which probability each holder votes [default: the turnout of a house's newest votes, or 10%]
    #[arg(long, value_name = "PART")]
    turnout: Option<Threshold>,
    /// With which probability the attacker wants to win
    #[arg(long, value_name = "PART", default_value = "90%")]
    confidence: Threshold,
    /// Part of everything that must be for
    #[arg(long, value_name = "PART", conflicts_with = "majority")]
    quorum: Option<Threshold>,
    /// Part of the votes that must be for, such as 3/5, in place of more for than against
    #[arg(long, value_name = "PART")]
    majority: Option<Threshold>,
    /// Buy votes from a pool of constant product with these reserves
    #[arg(long, value_name = "VOTES:MONEY")]
    pool: Vec<String>,
    /// Borrow votes: how many there are, what one is worth, interest a year, and for how long
    #[arg(long, value_name = "VOTES:PRICE:RATE:DAYS")]
    loan: Vec<String>,
    /// Pay holders so much for each vote, the cheapest first
    #[arg(long, value_name = "PRICE")]
    bribe: Vec<String>,
    /// Buy identities: the votes of one, what it costs, and how many can be had
    #[arg(long, value_name = "VOTES:PRICE:COUNT")]
    identity: Vec<String>,
    /// Money that the winner disposes of
    #[arg(long, value_name = "MONEY")]
    controls: Option<String>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// Prints what it costs to win a vote.
///
/// # Errors
/// When the source can't be read, or a way is not what its flag asks for.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let (found, usual) = match (&args.csv, args.house) {
        (Some(path), _) => (of_table(path, &args.table)?, None),
        (None, Some(house)) => of_house(house, args)?,
        (None, None) => {
            let what = "nothing to measure: give --csv FILE or --house HOUSE";
            return Err(WrongUsage(what.to_owned()).into());
        }
    };
    let decimals = u8::try_from(found.decimals).unwrap_or(u8::MAX);
    let ways = ways(args, &found.holdings, decimals)?;
    let controls = args.controls.as_deref().map(|text| money("--controls", text)).transpose()?;
    let default = Threshold::new(1, 10).context("a tenth is a part")?;
    let report = measure_attack(&AttackQuestion {
        source: found.source,
        unit: &found.unit,
        holdings: &found.holdings,
        decimals: found.decimals,
        rule: args.majority.map_or(Rule::Governor { quorum: args.quorum }, Rule::PartOfVotes),
        turnout: args.turnout.or(usual).unwrap_or(default),
        confidence: args.confidence,
        ways: &ways,
        controls,
    });
    output.print(&report, &report.text())
}

/// Who votes with what.
struct Found {
    source: String,
    unit: String,
    holdings: Holdings,
    decimals: usize,
}

fn of_table(path: &std::path::Path, table: &TableArgs) -> anyhow::Result<Found> {
    let source = source_of(path);
    let bytes = read(path).with_context(|| source.clone())?;
    let labels: Vec<&str> = table.by.as_deref().into_iter().collect();
    let sheet = sheet(&bytes, &labels, table).with_context(|| source.clone())?;
    let labels = sheet.labels.first().map(|labels| labels.iter().map(AsRef::as_ref));
    let holdings = holders(sheet.amounts.iter().copied(), labels, Zeros::Drop);
    let holdings = holdings.with_context(|| source.clone())?;
    let unit = table.by.as_deref().unwrap_or("row").to_owned();
    Ok(Found { source, unit, holdings, decimals: sheet.decimals })
}

fn of_house(house: power::House, args: &Args) -> anyhow::Result<(Found, Option<Threshold>)> {
    let found = power::of_house(house, args.height, &mut Seen::default(), &args.ledger)?;
    let recent = alarms::recent(house, args.height, &args.ledger)?;
    let holdings = Holdings::new(found.holders.iter().map(|(_, votes)| *votes), Zeros::Drop)?;
    let source = format!("{} at block {}", found.name, found.height);
    let decimals = usize::from(found.decimals);
    let found = Found { source, unit: "address".to_owned(), holdings, decimals };
    Ok((found, recent.map(|recent| recent.turnout)))
}

/// The ways that were asked for, with their names.
fn ways(args: &Args, holdings: &Holdings, decimals: u8) -> anyhow::Result<Vec<(String, Way)>> {
    let mut ways = Vec::new();
    for text in &args.pool {
        let [votes, price] = parts("--pool", text, "VOTES:MONEY")?;
        let reserve_asset = amount("--pool", votes, decimals)?;
        let reserve_money = money("--pool", price)?;
        ways.push((
            format!("buy from a pool of {text}"),
            Way::Buy { reserve_asset, reserve_money },
        ));
    }
    for text in &args.loan {
        let [votes, price, rate, days] = parts("--loan", text, "VOTES:PRICE:RATE:DAYS")?;
        let rate: Threshold = rate.parse().with_context(|| format!("--loan {text}"))?;
        let days: u64 = days.parse().with_context(|| format!("--loan {text}: whole days"))?;
        ensure!(days <= 36_500, "--loan {text}: at most 36500 days");
        let way = Way::Borrow {
            available: amount("--loan", votes, decimals)?,
            price: money("--loan", price)?,
            price_unit: one(decimals)?,
            rate_bps: bps_up(rate),
            seconds: days * 86_400,
        };
        ways.push((format!("borrow at {rate} a year for {days} days"), way));
    }
    for text in &args.bribe {
        let (price, unit) = (money("--bribe", text)?, one(decimals)?);
        let offer = |weight: U256| {
            let price = weight.checked_mul(price)?.div_ceil(unit);
            Some(Offer { weight, price })
        };
        let offers: Option<Vec<Offer>> = holdings.descending().map(offer).collect();
        let offers = offers.with_context(|| format!("--bribe {text}: too much money"))?;
        ways.push((format!("pay holders {text} a vote"), Way::Offers(offers)));
    }
    for text in &args.identity {
        let [votes, price, count] = parts("--identity", text, "VOTES:PRICE:COUNT")?;
        let way = Way::Each {
            weight: amount("--identity", votes, decimals)?,
            price: money("--identity", price)?,
            count_max: count
                .parse()
                .with_context(|| format!("--identity {text}: COUNT is a whole number"))?,
        };
        ways.push((format!("buy identities of {votes} at {price}"), way));
    }
    Ok(ways)
}

fn parts<'a, const N: usize>(
    flag: &str,
    text: &'a str,
    form: &str,
) -> anyhow::Result<[&'a str; N]> {
    let parts: Vec<&str> = text.split(':').collect();
    parts.try_into().map_err(|_| anyhow::anyhow!("{flag} {text}: write {form}"))
}

fn amount(flag: &str, text: &str, decimals: u8) -> anyhow::Result<U256> {
    abi::parse_amount(text, decimals).with_context(|| {
        format!(
            "{flag}: {text:?} is not an amount of at most {decimals} decimals, such as 12 or 0.5"
        )
    })
}

fn money(flag: &str, text: &str) -> anyhow::Result<U256> {
    amount(flag, text, u8::try_from(MONEY_DECIMALS).unwrap_or(u8::MAX))
}

fn one(decimals: u8) -> anyhow::Result<U256> {
    U256::from(10).checked_pow(U256::from(decimals)).context("too many decimals")
}

/// Basis points of a part, rounded up: a loan is never cheaper than it is.
fn bps_up(part: Threshold) -> u64 {
    let (numerator, denominator) = part.parts();
    u64::try_from((u128::from(numerator) * 10_000).div_ceil(u128::from(denominator)))
        .unwrap_or(u64::MAX)
}
