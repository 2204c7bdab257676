//! `PriceFeed`: one feed at its own address, as Chainlink's `AggregatorV3Interface`.
//!
//! Storage is a Solidity contract's that declares, in this order: `uint8 decimals; uint64 maxAge; uint16 deviationBps; uint64 confirmationSeconds`, in one slot;
//! `string description`; `uint64 roundCount; uint64 jumpedAt; int128 answerBeforeJump`, in one slot; `mapping(uint256 => Round) rounds` of `struct Round { int128 answer;
//! uint64 observedAt; uint64 updatedAt; }`; of a feed with a pool, `address pool; bool isPair; bool isBase0; uint8 baseDecimals; uint8 quoteDecimals; uint32 windowSeconds;
//! uint16 divergenceBps`, in one slot; `uint64 checkpointCount`; `Checkpoint[8] checkpoints` of `struct Checkpoint { uint256 cumulative; uint64 at; }`, a ring. `PriceFeeds` writes
//! it.

use ::price_feeds::{
    Answer, Base, CHECKPOINTS_MAX, Checkpoint, Feed, PoolTerms, ReadError, Round, Terms,
};
use abi::{PriceFeed, PriceFeed::PriceFeedCalls as Calls};
use alloy_primitives::{Address, I256, U256, aliases::U80};
use alloy_sol_types::SolCall;
use native_kit::{
    Failure, Function, Host, emit_of,
    slots::{FixedArray, Layout as _, Mapping, Text, Value},
    storage,
};
use units::{Bps, UnixSeconds};

use super::pool::Compared;
use crate::openzeppelin::answer;

/// What `version` answers.
const VERSION: U256 = U256::ONE;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(PriceFeed::decimalsCall::SELECTOR),
    Function::view(PriceFeed::descriptionCall::SELECTOR),
    Function::view(PriceFeed::versionCall::SELECTOR),
    Function::view(PriceFeed::getRoundDataCall::SELECTOR),
    Function::view(PriceFeed::latestRoundDataCall::SELECTOR),
    Function::view(PriceFeed::latestCheckedRoundDataCall::SELECTOR),
    Function::view(PriceFeed::latestAnswerCall::SELECTOR),
    Function::view(PriceFeed::latestTimestampCall::SELECTOR),
    Function::view(PriceFeed::latestRoundCall::SELECTOR),
    Function::view(PriceFeed::getAnswerCall::SELECTOR),
    Function::view(PriceFeed::getTimestampCall::SELECTOR),
    Function::view(PriceFeed::maxAgeCall::SELECTOR),
    Function::view(PriceFeed::deviationBpsCall::SELECTOR),
    Function::view(PriceFeed::confirmationSecondsCall::SELECTOR),
    Function::view(PriceFeed::comparedPoolCall::SELECTOR),
    Function::view(PriceFeed::poolAverageCall::SELECTOR),
    Function::view(PriceFeed::checkpointTimesCall::SELECTOR),
];

storage! {
    struct Storage {
        decimals: Value<u8>,
        max_age: Value<u64>,
        deviation_bps: Value<u16>,
        confirmation_seconds: Value<u64>,
        description: Text,
        round_count: Value<u64>,
        jumped_at: Value<u64>,
        answer_before_jump: Value<u128>,
        rounds: Mapping<U256, RoundSlots>,
        pool: Value<Address>,
        is_pair: Value<bool>,
        is_base0: Value<bool>,
        base_decimals: Value<u8>,
        quote_decimals: Value<u8>,
        window_seconds: Value<u32>,
        divergence_bps: Value<u16>,
        checkpoint_count: Value<u64>,
        checkpoints: FixedArray<CheckpointSlots, CHECKPOINTS_MAX>,
    }
}

storage! {
    struct CheckpointSlots {
        cumulative: Value<U256>,
        at: Value<u64>,
    }
}

storage! {
    struct RoundSlots {
        answer: Value<u128>,
        observed_at: Value<u64>,
        updated_at: Value<u64>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    let feed = host.module();
    Ok(match call {
        Calls::decimals(_) => answer(stored().decimals.get(host)?),
        Calls::description(_) => {
            PriceFeed::descriptionCall::abi_encode_returns(&stored().description.get(host)?)
        }
        Calls::version(_) => answer(VERSION),
        Calls::getRoundData(call) => {
            let found = round(host, feed, U256::from(call.id))?.ok_or_else(no_data)?;
            data(U256::from(call.id), &found)
        }
        Calls::latestRoundData(_) => {
            let (id, found) = latest(host, feed)?;
            data(id, &found.ok_or_else(no_data)?)
        }
        Calls::latestCheckedRoundData(_) => {
            let (id, round) = checked(host, feed)?;
            data(id, &round)
        }
        Calls::latestAnswer(_) => answer(latest(host, feed)?.1.map_or(U256::ZERO, price)),
        Calls::latestTimestamp(_) => answer(latest(host, feed)?.1.map_or(U256::ZERO, time)),
        Calls::latestRound(_) => answer(stored().round_count.get(host)?),
        Calls::getAnswer(call) => {
            answer(round(host, feed, call.roundId)?.map_or(U256::ZERO, price))
        }
        Calls::getTimestamp(call) => {
            answer(round(host, feed, call.roundId)?.map_or(U256::ZERO, time))
        }
        Calls::maxAge(_) => answer(stored().max_age.get(host)?),
        Calls::deviationBps(_) => answer(stored().deviation_bps.get(host)?),
        Calls::confirmationSeconds(_) => answer(stored().confirmation_seconds.get(host)?),
        Calls::comparedPool(_) => compared_pool(host, feed)?,
        Calls::poolAverage(_) => answer(pool_average(host, feed)?),
        Calls::checkpointTimes(_) => {
            let times =
                checkpoints(host, feed)?.iter().map(|it| it.at.as_u64()).collect::<Vec<_>>();
            PriceFeed::checkpointTimesCall::abi_encode_returns(&times)
        }
    })
}

/// Returns the last round, if it may be relied on.
fn checked(host: &mut dyn Host, feed: Address) -> Result<(U256, Round), Failure> {
    let rule = load(host, feed)?;
    let now = UnixSeconds::new(host.timestamp());
    let id = U256::from(rule.round_count);
    let Some(compared) = compared(host, feed)? else {
        return Ok((id, rule.checked(now).map_err(|error| read_error(error, Address::ZERO))?));
    };
    let average = average(host, feed, &compared, rule.terms.decimals)?;
    let round = rule.checked_with_pool(average, compared.terms.divergence, now);
    Ok((id, round.map_err(|error| read_error(error, compared.pool))?))
}

fn compared_pool(host: &mut dyn Host, feed: Address) -> Result<Vec<u8>, Failure> {
    let none = PriceFeed::comparedPoolReturn {
        pool: Address::ZERO,
        baseToken: Address::ZERO,
        windowSeconds: 0,
        divergenceBps: 0,
    };
    let found = match compared(host, feed)? {
        None => none,
        Some(compared) => PriceFeed::comparedPoolReturn {
            pool: compared.pool,
            baseToken: compared.base_token(host)?,
            windowSeconds: compared.terms.window_seconds,
            divergenceBps: compared.terms.divergence.as_u16(),
        },
    };
    Ok(PriceFeed::comparedPoolCall::abi_encode_returns(&found))
}

fn pool_average(host: &mut dyn Host, feed: Address) -> Result<U256, Failure> {
    let none = |pool| Failure::revert(&PriceFeed::NoPoolPrice { pool });
    let compared = compared(host, feed)?.ok_or_else(|| none(Address::ZERO))?;
    let decimals = stored().decimals.get(host)?;
    let found = average(host, feed, &compared, decimals)?;
    Ok(U256::from(found.ok_or_else(|| none(compared.pool))?.number()))
}

fn average(
    host: &mut dyn Host,
    feed: Address,
    compared: &Compared,
    decimals: u8,
) -> Result<Option<Answer>, Failure> {
    let begin = if compared.is_pair { usable(host, feed, &compared.terms)? } else { None };
    compared.average(host, begin, decimals)
}

/// Writes the pool that a new feed is compared with.
pub(crate) fn compare(
    host: &mut dyn Host,
    feed: Address,
    compared: &Compared,
) -> Result<(), Failure> {
    let it = stored();
    let Compared { pool, is_pair, base, terms } = *compared;
    let word = it.pool.into_word(U256::ZERO, pool);
    let word = it.is_pair.into_word(word, is_pair);
    let word = it.is_base0.into_word(word, base == Base::Asset0);
    let word = it.base_decimals.into_word(word, terms.base_decimals);
    let word = it.quote_decimals.into_word(word, terms.quote_decimals);
    let word = it.window_seconds.into_word(word, terms.window_seconds);
    let word = it.divergence_bps.into_word(word, terms.divergence.as_u16());
    host.store_of(feed, it.pool.slot(), word)
}

/// Loads the pool that a feed is compared with, if there is one.
pub(crate) fn compared(host: &mut dyn Host, feed: Address) -> Result<Option<Compared>, Failure> {
    let it = stored();
    let word = host.load_of(feed, it.pool.slot())?;
    let pool = it.pool.of_word(word);
    if pool.is_zero() {
        return Ok(None);
    }
    let broken = |_| Failure::Broken("a price feed's divergence is above the whole".to_owned());
    let terms = PoolTerms {
        window_seconds: it.window_seconds.of_word(word),
        divergence: Bps::new(it.divergence_bps.of_word(word)).map_err(broken)?,
        base_decimals: it.base_decimals.of_word(word),
        quote_decimals: it.quote_decimals.of_word(word),
    };
    let base = if it.is_base0.of_word(word) { Base::Asset0 } else { Base::Asset1 };
    Ok(Some(Compared { pool, is_pair: it.is_pair.of_word(word), base, terms }))
}

/// Loads the checkpoints that are kept, the oldest first.
pub(crate) fn checkpoints(host: &mut dyn Host, feed: Address) -> Result<Vec<Checkpoint>, Failure> {
    let it = stored();
    let count = it.checkpoint_count.get_of(host, feed)?;
    let mut kept = Vec::new();
    for number in count.saturating_sub(RING)..count {
        let slots = place(number)?;
        let at = UnixSeconds::new(slots.at.get_of(host, feed)?);
        kept.push(Checkpoint { at, cumulative: slots.cumulative.get_of(host, feed)? });
    }
    Ok(kept)
}

/// Loads the checkpoint from which a pair's average is taken. From the newest on, so that few slots are read.
fn usable(
    host: &mut dyn Host,
    feed: Address,
    terms: &PoolTerms,
) -> Result<Option<Checkpoint>, Failure> {
    let now = UnixSeconds::new(host.timestamp());
    let count = stored().checkpoint_count.get_of(host, feed)?;
    for number in (count.saturating_sub(RING)..count).rev() {
        let slots = place(number)?;
        let at = UnixSeconds::new(slots.at.get_of(host, feed)?);
        let found = Checkpoint { at, cumulative: U256::ZERO };
        if terms.usable(&[found], now).is_some() {
            let cumulative = slots.cumulative.get_of(host, feed)?;
            return Ok(Some(Checkpoint { at, cumulative }));
        }
    }
    Ok(None)
}

/// Stores the next checkpoint, in the place of the oldest.
pub(crate) fn record(
    host: &mut dyn Host,
    feed: Address,
    checkpoint: &Checkpoint,
) -> Result<(), Failure> {
    let it = stored();
    let count = it.checkpoint_count.get_of(host, feed)?;
    let slots = place(count)?;
    slots.cumulative.set_of(host, feed, checkpoint.cumulative)?;
    slots.at.set_of(host, feed, checkpoint.at.as_u64())?;
    it.checkpoint_count.set_of(host, feed, count.saturating_add(1))
}

/// Places of the ring of checkpoints.
const RING: u64 = CHECKPOINTS_MAX as u64;

fn place(number: u64) -> Result<CheckpointSlots, Failure> {
    let found = stored().checkpoints.element(number % RING);
    found.ok_or_else(|| Failure::Broken(format!("no place for checkpoint {number}")))
}

/// Writes the terms of a new feed.
pub(crate) fn begin(
    host: &mut dyn Host,
    feed: Address,
    terms: &Terms,
    description: &str,
) -> Result<(), Failure> {
    let it = stored();
    let word = it.decimals.into_word(U256::ZERO, terms.decimals);
    let word = it.max_age.into_word(word, terms.age_seconds_max);
    let word = it.deviation_bps.into_word(word, terms.deviation.as_u16());
    let word = it.confirmation_seconds.into_word(word, terms.confirmation_seconds);
    host.store_of(feed, it.decimals.slot(), word)?;
    it.description.set_of(host, feed, description)
}

/// Loads a feed.
pub(crate) fn load(host: &mut dyn Host, feed: Address) -> Result<Feed, Failure> {
    let it = stored();
    let broken = || Failure::Broken("a price feed's storage is damaged".to_owned());
    let word = host.load_of(feed, it.decimals.slot())?;
    let terms = Terms {
        decimals: it.decimals.of_word(word),
        age_seconds_max: it.max_age.of_word(word),
        deviation: Bps::new(it.deviation_bps.of_word(word)).map_err(|_| broken())?,
        confirmation_seconds: it.confirmation_seconds.of_word(word),
    };
    let word = host.load_of(feed, it.round_count.slot())?;
    let round_count = it.round_count.of_word(word);
    let before = Answer::new(it.answer_before_jump.of_word(word));
    let jumped_at = UnixSeconds::new(it.jumped_at.of_word(word));
    let latest = round(host, feed, U256::from(round_count))?;
    Ok(Feed { terms, round_count, latest, jump: before.map(|before| (before, jumped_at)) })
}

/// Stores a feed after a round.
pub(crate) fn store(
    host: &mut dyn Host,
    feed: Address,
    rule: &Feed,
    round: &Round,
) -> Result<(), Failure> {
    let it = stored();
    let mut word = it.round_count.into_word(U256::ZERO, rule.round_count);
    if let Some((before, at)) = rule.jump {
        word = it.jumped_at.into_word(word, at.as_u64());
        word = it.answer_before_jump.into_word(word, before.number());
    }
    host.store_of(feed, it.round_count.slot(), word)?;
    let slots = it.rounds.of(host, U256::from(rule.round_count))?;
    let word = slots.answer.into_word(U256::ZERO, round.answer.number());
    let word = slots.observed_at.into_word(word, round.observed_at.as_u64());
    let word = slots.updated_at.into_word(word, round.updated_at.as_u64());
    host.store_of(feed, slots.answer.slot(), word)
}

/// Emits Chainlink's events of a round, as the feed.
pub(crate) fn announce(
    host: &mut dyn Host,
    feed: Address,
    id: u64,
    round: &Round,
) -> Result<(), Failure> {
    let round_id = U256::from(id);
    let begun = PriceFeed::NewRound {
        roundId: round_id,
        startedBy: host.caller(),
        startedAt: U256::from(round.observed_at.as_u64()),
    };
    let answered = PriceFeed::AnswerUpdated {
        current: I256::from_raw(price(*round)),
        roundId: round_id,
        updatedAt: time(*round),
    };
    emit_of(host, feed, &begun)?;
    emit_of(host, feed, &answered)
}

/// Returns the round with that number, if there is one.
fn round(host: &mut dyn Host, feed: Address, id: U256) -> Result<Option<Round>, Failure> {
    let slots = stored().rounds.of(host, id)?;
    let word = host.load_of(feed, slots.answer.slot())?;
    Ok(Answer::new(slots.answer.of_word(word)).map(|answer| Round {
        answer,
        observed_at: UnixSeconds::new(slots.observed_at.of_word(word)),
        updated_at: UnixSeconds::new(slots.updated_at.of_word(word)),
    }))
}

fn latest(host: &mut dyn Host, feed: Address) -> Result<(U256, Option<Round>), Failure> {
    let id = U256::from(stored().round_count.get_of(host, feed)?);
    Ok((id, round(host, feed, id)?))
}

fn data(id: U256, found: &Round) -> Vec<u8> {
    PriceFeed::latestRoundDataCall::abi_encode_returns(&PriceFeed::latestRoundDataReturn {
        roundId: id.saturating_to::<U80>(),
        answer: I256::from_raw(price(*found)),
        startedAt: U256::from(found.observed_at.as_u64()),
        updatedAt: time(*found),
        answeredInRound: id.saturating_to::<U80>(),
    })
}

fn price(round: Round) -> U256 {
    U256::from(round.answer.number())
}

fn time(round: Round) -> U256 {
    U256::from(round.updated_at.as_u64())
}

/// Chainlink's message.
fn no_data() -> Failure {
    Failure::message("No data present")
}

fn read_error(error: ReadError, pool: Address) -> Failure {
    let signed = |answer: Answer| I256::from_raw(U256::from(answer.number()));
    match error {
        ReadError::NoAnswer => Failure::revert(&PriceFeed::NoAnswer {}),
        ReadError::Stale { observed_at, age_seconds_max } => {
            Failure::revert(&PriceFeed::StalePrice {
                observedAt: observed_at.as_u64(),
                maxAge: age_seconds_max,
            })
        }
        ReadError::Divergent { before, answer } => Failure::revert(&PriceFeed::DivergentPrice {
            before: signed(before),
            answer: signed(answer),
        }),
        ReadError::NoPoolPrice => Failure::revert(&PriceFeed::NoPoolPrice { pool }),
        ReadError::DivergentFromPool { answer, average } => {
            Failure::revert(&PriceFeed::DivergentFromPool {
                answer: signed(answer),
                average: signed(average),
            })
        }
    }
}
