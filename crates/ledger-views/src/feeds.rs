//! Price feeds: what they price, what was answered last, whether it may be relied on, and who reports.
//!
//! Whether an answer may be relied on depends on the time of whoever is asked: ask a ledger whose calls run in the next block, because the newest block of an
//! idle ledger is old.

use abi::{PRICE_FEEDS, PriceFeed, PriceFeeds, convert, price_feed_address};
use alloy_primitives::{Address, U256};
use units::{AccountId, UnixSeconds};

use crate::{
    Ask, Impossible, Page, ViewError, Window,
    batch::{self, Answers, Asked, Batch},
    text,
};

/// A price feed. Its description was chosen by whoever created it, and is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedView {
    /// Its number.
    pub number: u64,
    /// Where it answers.
    pub address: AccountId,
    /// What is priced in what, without control characters and invisible ones.
    pub description: String,
    /// Decimals of the answers.
    pub decimals: u8,
    /// Seconds that an observation may be old.
    pub age_seconds_max: u64,
    /// Basis points that reports may be from their median, and an answer from the one before.
    pub deviation_bps: u16,
    /// Seconds after which a jump can be confirmed.
    pub confirmation_seconds: u64,
    /// The last round; none before the first.
    pub round: Option<RoundView>,
    /// Whether the last answer may be relied on.
    pub standing: FeedStanding,
    /// The pool that answers are compared with, if there is one.
    pub compared: Option<ComparedView>,
}

/// A pool whose average price must agree with a feed's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedView {
    /// A pair of Uniswap v2 or a pool of v3.
    pub pool: AccountId,
    /// The token that is priced, in the pool's other one.
    pub base_token: AccountId,
    /// Seconds over which the price is averaged.
    pub window_seconds: u32,
    /// Basis points that an answer may be from the average.
    pub divergence_bps: u16,
    /// The average now, in units of the feed's decimals; none when the pool has none over the window.
    pub average: Option<U256>,
}

/// A round of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundView {
    /// Its number.
    pub number: U256,
    /// The median, in units of the feed's decimals.
    pub answer: U256,
    /// Time of the oldest report.
    pub observed_at: UnixSeconds,
    /// Time of its block.
    pub updated_at: UnixSeconds,
}

/// What `latestCheckedRoundData` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedStanding {
    /// The answer may be relied on.
    Reliable,
    /// There is no answer yet.
    Unanswered,
    /// The oldest report is older than the feed allows.
    Stale,
    /// The answer has jumped, and no later round has confirmed it.
    Divergent,
    /// The average price of the feed's pool disagrees.
    DivergentFromPool,
    /// The feed's pool has no average price over the window.
    NoPoolPrice,
    /// It is refused for another reason.
    Refused,
}

impl FeedStanding {
    /// One word for people and documents.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::Unanswered => "no answer",
            Self::Stale => "stale",
            Self::Divergent => "divergent",
            Self::DivergentFromPool => "differs from its pool",
            Self::NoPoolPrice => "no pool price",
            Self::Refused => "refused",
        }
    }
}

/// Who reports prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportersView {
    /// Their accounts, of which the genesis file names 31 at most.
    pub accounts: Vec<AccountId>,
    /// How many make a round.
    pub quorum: u16,
}

/// Reads how many feeds there are; they are numbered from 1.
///
/// # Errors
/// [`ViewError`].
pub async fn count<A: Ask>(ledger: &A) -> Result<u64, ViewError<A::Error>> {
    batch::ask(ledger, PRICE_FEEDS, &PriceFeeds::countCall {}).await
}

/// Reads who reports prices.
///
/// # Errors
/// [`ViewError`].
pub async fn reporters<A: Ask>(ledger: &A) -> Result<ReportersView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let accounts = batch.add(PRICE_FEEDS, &PriceFeeds::reportersCall {});
    let quorum = batch.add(PRICE_FEEDS, &PriceFeeds::quorumCall {});
    let answers = batch.ask(ledger).await?;
    let accounts = answers.take(&accounts)?.into_iter().map(convert::account).collect();
    Ok(ReportersView { accounts, quorum: answers.take(&quorum)? })
}

/// Reads a feed.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] when there is none of that number.
pub async fn feed<A: Ask>(ledger: &A, number: u64) -> Result<FeedView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let asked = FeedCalls::new(&mut batch, number);
    asked.read(&batch.ask(ledger).await?)
}

/// Reads a page of feeds, newest first.
///
/// # Errors
/// [`ViewError`].
pub async fn list<A: Ask>(
    ledger: &A,
    window: Window,
) -> Result<Page<FeedView>, ViewError<A::Error>> {
    let count = count(ledger).await?;
    let mut batch = Batch::default();
    let asked: Vec<_> =
        window.numbers(count).map(|number| FeedCalls::new(&mut batch, number)).collect();
    let answers = batch.ask(ledger).await?;
    let items = asked.iter().map(|asked| asked.read(&answers)).collect::<Result<_, _>>()?;
    Ok(Page::new(window, count, items))
}

/// The calls that make up the view of a feed.
struct FeedCalls {
    number: u64,
    address: Address,
    description: Asked<PriceFeed::descriptionCall>,
    decimals: Asked<PriceFeed::decimalsCall>,
    age_seconds_max: Asked<PriceFeed::maxAgeCall>,
    deviation_bps: Asked<PriceFeed::deviationBpsCall>,
    confirmation_seconds: Asked<PriceFeed::confirmationSecondsCall>,
    latest: Asked<PriceFeed::latestRoundCall>,
    round: Asked<PriceFeed::latestRoundDataCall>,
    checked: Asked<PriceFeed::latestCheckedRoundDataCall>,
    compared: Asked<PriceFeed::comparedPoolCall>,
    average: Asked<PriceFeed::poolAverageCall>,
}

impl FeedCalls {
    fn new(batch: &mut Batch, number: u64) -> Self {
        // The address follows from the number, so that all can be asked at once.
        let address = price_feed_address(number);
        Self {
            number,
            address,
            description: batch.add(address, &PriceFeed::descriptionCall {}),
            decimals: batch.add(address, &PriceFeed::decimalsCall {}),
            age_seconds_max: batch.add(address, &PriceFeed::maxAgeCall {}),
            deviation_bps: batch.add(address, &PriceFeed::deviationBpsCall {}),
            confirmation_seconds: batch.add(address, &PriceFeed::confirmationSecondsCall {}),
            latest: batch.add(address, &PriceFeed::latestRoundCall {}),
            round: batch.add(address, &PriceFeed::latestRoundDataCall {}),
            checked: batch.add(address, &PriceFeed::latestCheckedRoundDataCall {}),
            compared: batch.add(address, &PriceFeed::comparedPoolCall {}),
            average: batch.add(address, &PriceFeed::poolAverageCall {}),
        }
    }

    fn read<E>(&self, answers: &Answers) -> Result<FeedView, ViewError<E>>
    where
        E: std::error::Error + 'static,
    {
        // First: it says when there is no such feed.
        let description = answers.take(&self.description)?;
        let is_answered = !answers.take(&self.latest)?.is_zero();
        let round = if is_answered { Some(answers.read(&self.round, round)?) } else { None };
        let standing = match answers.take::<_, E>(&self.checked) {
            Ok(_) => FeedStanding::Reliable,
            Err(error @ ViewError::Refused { .. }) => standing(&error),
            Err(error) => return Err(error),
        };
        let PriceFeed::comparedPoolReturn { pool, baseToken, windowSeconds, divergenceBps } =
            answers.take(&self.compared)?;
        // Refused when there is no average.
        let average = answers.take::<_, E>(&self.average).ok();
        let average = average.and_then(|average| average.try_into().ok());
        let compared = convert::account_if_any(pool).map(|pool| ComparedView {
            pool,
            base_token: convert::account(baseToken),
            window_seconds: windowSeconds,
            divergence_bps: divergenceBps,
            average,
        });
        Ok(FeedView {
            number: self.number,
            address: convert::account(self.address),
            description: text::one_line(&description),
            decimals: answers.take(&self.decimals)?,
            age_seconds_max: answers.take(&self.age_seconds_max)?,
            deviation_bps: answers.take(&self.deviation_bps)?,
            confirmation_seconds: answers.take(&self.confirmation_seconds)?,
            round,
            standing,
            compared,
        })
    }
}

/// Why an answer may not be relied on.
fn standing<E: std::error::Error + 'static>(refused: &ViewError<E>) -> FeedStanding {
    if refused.refusal::<PriceFeed::StalePrice>().is_some() {
        FeedStanding::Stale
    } else if refused.refusal::<PriceFeed::DivergentPrice>().is_some() {
        FeedStanding::Divergent
    } else if refused.refusal::<PriceFeed::NoAnswer>().is_some() {
        FeedStanding::Unanswered
    } else if refused.refusal::<PriceFeed::DivergentFromPool>().is_some() {
        FeedStanding::DivergentFromPool
    } else if refused.refusal::<PriceFeed::NoPoolPrice>().is_some() {
        FeedStanding::NoPoolPrice
    } else {
        FeedStanding::Refused
    }
}

fn round(said: PriceFeed::latestRoundDataReturn) -> Result<RoundView, Impossible> {
    let answer = said.answer.try_into().map_err(|_| Impossible::new("answer", said.answer))?;
    let seconds = |field: &'static str, value: U256| {
        let value = u64::try_from(value).map_err(|_| Impossible::new(field, value))?;
        Ok(UnixSeconds::new(value))
    };
    Ok(RoundView {
        number: U256::from(said.roundId),
        answer,
        observed_at: seconds("startedAt", said.startedAt)?,
        updated_at: seconds("updatedAt", said.updatedAt)?,
    })
}
