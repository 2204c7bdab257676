//! `PriceFeeds`: reporters that the genesis file names, and later votes, and the feeds that they report for.
//!
//! Storage is a Solidity contract's that declares, in this order: `uint64 count; uint16 quorum`, in one slot; `address[] reporters`; `mapping(address => uint16) number`,
//! where reporters are numbered from 1. A feed's rounds are stored at its own address, and so is the pool
//! that it is compared with.

use std::collections::{BTreeMap, BTreeSet};

use ::price_feeds::{
    AGE_SECONDS_MAX, Answer, Checkpoint, DECIMALS_MAX, DESCRIPTION_BYTES_MAX, PoolTermsError,
    Quorum, QuorumError, Report, ReportError, ReporterId, Terms, TermsError, WINDOW_SECONDS_MAX,
    WINDOW_SECONDS_MIN,
};
use abi::{
    PRICE_REPORTERS_MAX, PriceFeeds,
    PriceFeeds::{PriceFeedsCalls as Calls, Report as Signed},
    PriceReport, price_feed_address, price_feed_number, price_report_digest, price_report_domain,
};
use alloy_primitives::{Address, I256, U256, keccak256, uint};
use alloy_sol_types::SolCall;
use native_kit::{
    Failure, Function, Host, MODULE_CODE, emit,
    slots::{Array, Layout as _, Mapping, Value},
    storage,
};
use units::{Bps, UnixSeconds};

use crate::{
    openzeppelin::answer,
    parameters,
    signature::{BadRecovery, RECOVER_GAS, recover},
};

pub(crate) mod feed;
mod pool;

/// Where the module answers.
pub const ADDRESS: Address = abi::PRICE_FEEDS;
/// The first revision that has it.
pub const SINCE: u32 = 2;
/// Largest number of reporters.
pub const REPORTERS_MAX: usize = PRICE_REPORTERS_MAX;

const _: () = assert!(REPORTERS_MAX == ::price_feeds::REPORTERS_MAX as usize);

/// Gas for a report's digest: three hashes of at most five words each.
const DIGEST_GAS: u64 = 3 * (30 + 5 * 6);

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(PriceFeeds::reportersCall::SELECTOR),
    Function::view(PriceFeeds::isReporterCall::SELECTOR),
    Function::view(PriceFeeds::quorumCall::SELECTOR),
    Function::view(PriceFeeds::countCall::SELECTOR),
    Function::view(PriceFeeds::feedAtCall::SELECTOR),
    Function::view(PriceFeeds::isFeedCall::SELECTOR),
    Function::nonpayable(PriceFeeds::createCall::SELECTOR),
    Function::nonpayable(PriceFeeds::createWithPoolCall::SELECTOR),
    Function::nonpayable(PriceFeeds::checkpointCall::SELECTOR),
    Function::nonpayable(PriceFeeds::reportCall::SELECTOR),
    Function::nonpayable(PriceFeeds::setReportersCall::SELECTOR).since(parameters::SINCE),
];

storage! {
    struct Storage {
        count: Value<u64>,
        quorum: Value<u16>,
        reporters: Array<Value<Address>>,
        number: Mapping<Address, Value<u16>>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::reporters(_) => PriceFeeds::reportersCall::abi_encode_returns(&reporters(host)?),
        Calls::isReporter(call) => answer(stored().number.of(host, call.account)?.get(host)? != 0),
        Calls::quorum(_) => answer(stored().quorum.get(host)?),
        Calls::count(_) => answer(stored().count.get(host)?),
        Calls::feedAt(call) => {
            let feed = price_feed_address(call.number);
            if !is_feed(host, feed)? {
                return Err(Failure::revert(&PriceFeeds::NoSuchFeed { feed }));
            }
            answer(feed)
        }
        Calls::isFeed(call) => answer(is_feed(host, call.account)?),
        Calls::create(call) => answer(create(host, call.terms)?),
        Calls::createWithPool(call) => answer(create_with_pool(host, call.terms, call.poolTerms)?),
        Calls::checkpoint(call) => answer(checkpoint(host, call.feed)?),
        Calls::setReporters(call) => {
            set_reporters(host, call)?;
            Vec::new()
        }
        Calls::report(call) => answer(U256::from(report(host, call.feed, &call.reports)?)),
    })
}

fn set_reporters(host: &mut dyn Host, call: PriceFeeds::setReportersCall) -> Result<(), Failure> {
    let PriceFeeds::setReportersCall { reporters, quorum } = call;
    parameters::only_governor(host)?;
    let count = U256::from(reporters.len());
    Quorum::new(quorum, reporters.len()).map_err(|error| match error {
        QuorumError::Count { .. } => {
            Failure::revert(&PriceFeeds::ReporterCount { count, max: U256::from(REPORTERS_MAX) })
        }
        QuorumError::Quorum { .. } => {
            Failure::revert(&PriceFeeds::QuorumOutOfRange { quorum, count })
        }
    })?;
    let distinct: BTreeSet<&Address> =
        reporters.iter().filter(|reporter| !reporter.is_zero()).collect();
    if distinct.len() != reporters.len() {
        return Err(Failure::revert(&PriceFeeds::NotDistinct {}));
    }
    let named = stored().reporters;
    for index in (0..named.len(host)?).rev() {
        if let Some(slot) = named.element(host, index)? {
            let old = slot.get(host)?;
            stored().number.of(host, old)?.set(host, 0)?;
            slot.set(host, Address::ZERO)?;
        }
        named.pop(host)?;
    }
    for (number, reporter) in (1_u16..).zip(&reporters) {
        named.push(host)?.set(host, *reporter)?;
        stored().number.of(host, *reporter)?.set(host, number)?;
    }
    stored().quorum.set(host, quorum)?;
    emit(host, &PriceFeeds::ReportersChanged { reporters, quorum })
}

/// Returns the module's storage on a ledger that begins with these reporters, of whom `quorum` make a round.
#[must_use]
pub fn storage(reporters: &[Address], quorum: u16) -> BTreeMap<U256, U256> {
    let head = stored().quorum.into_word(U256::ZERO, quorum);
    let start: U256 = keccak256(REPORTERS_SLOT.to_be_bytes::<32>()).into();
    let mut slots = BTreeMap::from([
        (stored().quorum.slot(), head),
        (REPORTERS_SLOT, U256::from(reporters.len())),
    ]);
    for (index, reporter) in (0_u64..).zip(reporters) {
        slots.insert(start.wrapping_add(U256::from(index)), reporter.into_word().into());
        let words = [reporter.into_word().0, NUMBER_SLOT.to_be_bytes::<32>()].concat();
        slots.insert(keccak256(words).into(), U256::from(index + 1));
    }
    slots
}

/// Slot of `address[] reporters`.
const REPORTERS_SLOT: U256 = uint!(1_U256);
/// Slot of `mapping(address => uint16) number`.
const NUMBER_SLOT: U256 = uint!(2_U256);

fn reporters(host: &mut dyn Host) -> Result<Vec<Address>, Failure> {
    let mut reporters = Vec::new();
    for index in 0..stored().reporters.len(host)? {
        if let Some(reporter) = stored().reporters.element(host, index)? {
            reporters.push(reporter.get(host)?);
        }
    }
    Ok(reporters)
}

fn is_feed(host: &mut dyn Host, account: Address) -> Result<bool, Failure> {
    let count = stored().count.get(host)?;
    Ok(price_feed_number(&account).is_some_and(|number| (1..=count).contains(&number)))
}

fn create(host: &mut dyn Host, asked: PriceFeeds::Terms) -> Result<Address, Failure> {
    let size = asked.description.len();
    if !(1..=DESCRIPTION_BYTES_MAX).contains(&size) {
        let (size, max) = (U256::from(size), U256::from(DESCRIPTION_BYTES_MAX));
        return Err(Failure::revert(&PriceFeeds::DescriptionSize { size, max }));
    }
    let given = asked.deviationBps;
    let out_of_range = || Failure::revert(&PriceFeeds::DeviationOutOfRange { given });
    let terms = Terms {
        decimals: asked.decimals,
        age_seconds_max: asked.maxAge,
        deviation: Bps::new(given).map_err(|_| out_of_range())?,
        confirmation_seconds: asked.confirmationSeconds,
    };
    terms.check().map_err(|error| terms_error(error, given))?;
    let number = stored().count.get(host)?.saturating_add(1);
    stored().count.set(host, number)?;
    let feed = price_feed_address(number);
    host.create(feed, &MODULE_CODE)?;
    feed::begin(host, feed, &terms, &asked.description)?;
    let creator = host.caller();
    emit(host, &PriceFeeds::FeedCreated { feed, creator, terms: asked })?;
    Ok(feed)
}

fn create_with_pool(
    host: &mut dyn Host,
    asked: PriceFeeds::Terms,
    named: PriceFeeds::PoolTerms,
) -> Result<Address, Failure> {
    // Checks.
    let compared = pool::named(host, &named)?;
    // Effects.
    let feed = create(host, asked)?;
    feed::compare(host, feed, &compared)?;
    let pool = named.pool;
    emit(host, &PriceFeeds::PoolNamed { feed, pool, poolTerms: named })?;
    Ok(feed)
}

fn checkpoint(host: &mut dyn Host, feed: Address) -> Result<U256, Failure> {
    if !is_feed(host, feed)? {
        return Err(Failure::revert(&PriceFeeds::NoSuchFeed { feed }));
    }
    let compared = feed::compared(host, feed)?.filter(|compared| compared.is_pair);
    let no_need = || Failure::revert(&PriceFeeds::NoCheckpointsNeeded { feed });
    let compared = compared.ok_or_else(no_need)?;
    let now = UnixSeconds::new(host.timestamp());
    if let Some(newest) = feed::checkpoints(host, feed)?.last() {
        let from = compared.terms.next_checkpoint(newest.at);
        if now < from {
            let from = from.as_u64();
            return Err(Failure::revert(&PriceFeeds::CheckpointTooSoon { from }));
        }
    }
    // The time without liquidity would count as a price of zero.
    if !compared.is_pair_funded(host)? {
        return Err(Failure::revert(&PriceFeeds::NoPairPrice { pool: compared.pool }));
    }
    let cumulative = compared.cumulative(host)?;
    feed::record(host, feed, &Checkpoint { at: now, cumulative })?;
    emit(host, &PriceFeeds::Checkpointed { feed, cumulative })?;
    Ok(cumulative)
}

fn report(host: &mut dyn Host, feed: Address, signed: &[Signed]) -> Result<u64, Failure> {
    // Checks.
    if !is_feed(host, feed)? {
        return Err(Failure::revert(&PriceFeeds::NoSuchFeed { feed }));
    }
    let (count, max) = (signed.len(), PRICE_REPORTERS_MAX);
    if count > max {
        let (count, max) = (U256::from(count), U256::from(max));
        return Err(Failure::revert(&PriceFeeds::TooManyReports { count, max }));
    }
    if signed.is_empty() {
        // Also where there are no reporters, and so no quorum.
        let (count, quorum) = (U256::ZERO, stored().quorum.get(host)?);
        return Err(Failure::revert(&PriceFeeds::NoQuorum { count, quorum }));
    }
    let (mut reports, mut signers) = (Vec::new(), Vec::new());
    for (index, signed) in signed.iter().enumerate() {
        let (report, signer) = verified(host, feed, index, signed)?;
        reports.push(report);
        signers.push(signer);
    }
    // Effects.
    let quorum = quorum(host)?;
    let mut rule = feed::load(host, feed)?;
    let now = UnixSeconds::new(host.timestamp());
    let round = rule
        .report(&reports, quorum, now)
        .map_err(|error| report_error(error, &reports, &signers))?;
    feed::store(host, feed, &rule, &round)?;
    // Events.
    let answers = signed.iter().map(|signed| signed.answer).collect();
    let id = alloy_primitives::aliases::U80::from(rule.round_count);
    emit(host, &PriceFeeds::Reported { feed, roundId: id, reporters: signers, answers })?;
    feed::announce(host, feed, rule.round_count, &round)?;
    Ok(rule.round_count)
}

/// Recovers who has signed a report.
fn verified(
    host: &mut dyn Host,
    feed: Address,
    index: usize,
    signed: &Signed,
) -> Result<(Report, Address), Failure> {
    let Signed { answer, observedAt, v, r, s } = *signed;
    host.charge(DIGEST_GAS + RECOVER_GAS)?;
    let report = PriceReport { feed, answer, observedAt };
    let digest = price_report_digest(&report, &price_report_domain(host.chain_id()));
    let bad = |_: BadRecovery| {
        Failure::revert(&PriceFeeds::BadReportSignature { index: U256::from(index) })
    };
    let signer = recover(digest, v, r, s).map_err(bad)?;
    let number = stored().number.of(host, signer)?.get(host)?;
    if number == 0 {
        return Err(Failure::revert(&PriceFeeds::NotAReporter { feed, signer }));
    }
    let answer = in_range(answer)
        .ok_or_else(|| Failure::revert(&PriceFeeds::AnswerOutOfRange { answer }))?;
    let observed_at = UnixSeconds::new(observedAt);
    Ok((Report { reporter: ReporterId(number), answer, observed_at }, signer))
}

fn in_range(answer: I256) -> Option<Answer> {
    u128::try_from(answer).ok().and_then(Answer::new)
}

fn quorum(host: &mut dyn Host) -> Result<Quorum, Failure> {
    let quorum = stored().quorum.get(host)?;
    let count = stored().reporters.len(host)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Quorum::new(quorum, count).map_err(|error| Failure::Broken(error.to_string()))
}

fn terms_error(error: TermsError, deviation: u16) -> Failure {
    match error {
        TermsError::Decimals { given } => {
            Failure::revert(&PriceFeeds::TooManyFeedDecimals { given, max: DECIMALS_MAX })
        }
        TermsError::Age { given } => {
            Failure::revert(&PriceFeeds::MaxAgeOutOfRange { given, max: AGE_SECONDS_MAX })
        }
        TermsError::Deviation => {
            Failure::revert(&PriceFeeds::DeviationOutOfRange { given: deviation })
        }
        TermsError::Confirmation { given, age } => {
            Failure::revert(&PriceFeeds::ConfirmationTooLong { given, maxAge: age })
        }
    }
}

fn pool_terms_error(error: PoolTermsError, named: &PriceFeeds::PoolTerms) -> Failure {
    match error {
        PoolTermsError::Window { given } => {
            let (min, max) = (WINDOW_SECONDS_MIN, WINDOW_SECONDS_MAX);
            Failure::revert(&PriceFeeds::WindowOutOfRange { given, min, max })
        }
        PoolTermsError::Divergence => {
            Failure::revert(&PriceFeeds::DivergenceOutOfRange { given: named.divergenceBps })
        }
        PoolTermsError::Decimals { .. } => Failure::revert(&PriceFeeds::TokenDecimalsOutOfRange {
            token: named.baseToken,
            max: DECIMALS_MAX,
        }),
    }
}

fn report_error(error: ReportError, reports: &[Report], signers: &[Address]) -> Failure {
    match error {
        ReportError::NoQuorum { count, quorum } => {
            Failure::revert(&PriceFeeds::NoQuorum { count: U256::from(count), quorum })
        }
        ReportError::ReporterTwice { reporter } => {
            let mut all = reports.iter().zip(signers);
            let found = all.find(|(report, _)| report.reporter == reporter);
            let reporter = found.map(|(_, signer)| *signer).unwrap_or_default();
            Failure::revert(&PriceFeeds::ReporterTwice { reporter })
        }
        ReportError::FromFuture { observed_at } => {
            Failure::revert(&PriceFeeds::ReportFromFuture { observedAt: observed_at.as_u64() })
        }
        ReportError::NotNewer { observed_at, updated_at } => {
            Failure::revert(&PriceFeeds::ReportNotNewer {
                observedAt: observed_at.as_u64(),
                updatedAt: updated_at.as_u64(),
            })
        }
        ReportError::TooOld { observed_at, age_seconds_max } => {
            Failure::revert(&PriceFeeds::ReportTooOld {
                observedAt: observed_at.as_u64(),
                maxAge: age_seconds_max,
            })
        }
        ReportError::Disagreement { agreeing, quorum } => {
            Failure::revert(&PriceFeeds::ReportsDisagree { agreeing: U256::from(agreeing), quorum })
        }
    }
}
