//! `Issuance`: new GRAIN for work that was checked from outside, by a published schedule.
//!
//! The rules are those of the crate `issuance`; `docs/issuance.md` explains them. This module finds a device's verified rounds in the
//! records of `TrainingRuns`, disputes those that are drawn with the claim's bond, and is the only one that issues GRAIN.
//!
//! It holds the bonds of claims that are not drawn. Whatever it holds besides, such as bonds of checks that failed, is burnt.

mod claims;
mod layout;
mod rewards;
mod views;

use abi::Issuance::{self as sol, IssuanceCalls as Calls};
use alloy_primitives::U256;
use alloy_sol_types::SolCall as _;
use issuance::{
    Refused, SPECIFICATION_SIZE_MAX, Schedule, Specification, SpecificationError, TOTAL_MAX,
};
use native_kit::{Failure, Function, Host, emit};
use training_run::Terms;
use units::{Digest, UnixSeconds, Wei};

use crate::{GRAIN_SUPPLY, training_runs::work};
use layout::STORAGE;

/// The first revision with the module.
pub(crate) const SINCE: u32 = 3;

/// The module, for the ledger's table: the only issuer of GRAIN.
pub const ISSUER: native_kit::Issuance =
    native_kit::Issuance { since: SINCE, issuer: abi::ISSUANCE, slot: U256::ZERO, ceiling };

/// Gas for BLAKE3, and for reading, a byte of a specification.
const SPECIFICATION_BYTE_GAS: u64 = 6;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::nonpayable(sol::registerRunCall::SELECTOR),
    Function::payable(sol::requestCall::SELECTOR),
    Function::nonpayable(sol::drawCall::SELECTOR),
    Function::nonpayable(sol::concludeCall::SELECTOR),
    Function::payable(sol::collectCall::SELECTOR),
    Function::nonpayable(sol::claimCall::SELECTOR),
    Function::nonpayable(sol::fundCall::SELECTOR),
    Function::view(sol::scheduleCall::SELECTOR),
    Function::view(sol::bucketsCall::SELECTOR),
    Function::view(sol::totalsCall::SELECTOR),
    Function::view(sol::operationsPerTokenCall::SELECTOR),
    Function::view(sol::workCall::SELECTOR),
    Function::view(sol::quoteCall::SELECTOR),
    Function::view(sol::rewardsCall::SELECTOR),
    Function::view(sol::issuedCall::SELECTOR),
];

/// The most that is ever issued, whatever a ledger's initial supply: the schedule, which the module follows, is a share of that.
fn ceiling(_: u64) -> U256 {
    U256::from(TOTAL_MAX)
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    match call {
        Calls::registerRun(call) => register(host, call.run, &call.specification)?,
        Calls::request(call) => claims::request(host, call.run, call.device)?,
        Calls::draw(call) => claims::draw(host, call.run, call.device)?,
        Calls::conclude(call) => claims::conclude(host, call.run, call.device)?,
        Calls::collect(call) => claims::collect(host, call.run, call.device)?,
        Calls::claim(_) => return rewards::claim(host),
        Calls::fund(call) => rewards::fund(host, call.epoch)?,
        view => return views::answer(host, view),
    }
    Ok(Vec::new())
}

/// Registers a run. The first one begins epoch 0.
fn register(host: &mut dyn Host, run: u64, bytes: &[u8]) -> Result<(), Failure> {
    let terms = work::terms(host, run)?;
    let stored = STORAGE.operations.of(host, run)?;
    if stored.get(host)? > 0 {
        return Err(Failure::revert(&sol::RegisteredAlready { run }));
    }
    let size = u64::try_from(bytes.len().min(SPECIFICATION_SIZE_MAX)).unwrap_or(u64::MAX);
    host.charge(size.saturating_mul(SPECIFICATION_BYTE_GAS))?;
    let specification = Specification::read(bytes).map_err(|error| unreadable(&error))?;
    if Digest::of(bytes) != terms.spec {
        return Err(Failure::revert(&sol::WrongSpecification { run }));
    }
    if terms.price_per_token == Wei::ZERO {
        return Err(Failure::revert(&sol::PaysNothing { run }));
    }
    check_terms(&terms, &specification)?;
    let operations = specification.operations_per_token();
    if STORAGE.start.get(host)? == 0 {
        let (start, supply) = (host.timestamp(), host.load_of(GRAIN_SUPPLY.0, GRAIN_SUPPLY.1)?);
        STORAGE.start.set(host, start)?;
        STORAGE.supply.set(host, u128::try_from(supply).unwrap_or(u128::MAX))?;
        emit(host, &sol::Begun { start, supply })?;
    }
    stored.set(host, operations)?;
    emit(host, &sol::RunRegistered { run, operationsPerToken: operations })
}

/// Refuses terms that pay for something else than the specification computes: an owner could have its own devices paid for more tokens
/// than they train on. A field that no round uses says nothing.
fn check_terms(terms: &Terms, specification: &Specification) -> Result<(), Failure> {
    let Specification { rounds, warmup_rounds, .. } = *specification;
    let fields = [
        (true, "rounds", terms.rounds.into(), rounds),
        (true, "warmup_rounds", terms.warmup_rounds.into(), warmup_rounds),
        (
            warmup_rounds > 0,
            "warmup_tokens_per_round",
            terms.warmup_tokens_per_round,
            specification.tokens(0),
        ),
        (
            warmup_rounds < rounds,
            "tokens_per_round",
            terms.tokens_per_round,
            specification.tokens(warmup_rounds),
        ),
    ];
    match fields.into_iter().find(|(is_used, _, paid, computed)| *is_used && paid != computed) {
        None => Ok(()),
        Some((_, field, paid, computed)) => {
            Err(Failure::revert(&sol::TermsDisagree { field: field.to_owned(), paid, computed }))
        }
    }
}

fn unreadable(error: &SpecificationError) -> Failure {
    match *error {
        SpecificationError::NotCanonical { at } => {
            Failure::revert(&sol::SpecificationNotCanonical { at: U256::from(at) })
        }
        SpecificationError::OutOfBounds { field, value, most } => {
            let field = field.to_owned();
            Failure::revert(&sol::SpecificationOutOfBounds { field, value, most })
        }
    }
}

/// Returns the schedule.
fn schedule(host: &mut dyn Host) -> Result<Schedule, Failure> {
    let start = STORAGE.start.get(host)?;
    if start == 0 {
        return Err(Failure::revert(&sol::NotBegun {}));
    }
    let supply = Wei::new(STORAGE.supply.get(host)?);
    Ok(Schedule { start: UnixSeconds::new(start), supply })
}

/// Returns the schedule, and the epoch of this block.
fn epoch_now(host: &mut dyn Host) -> Result<(Schedule, u32), Failure> {
    let schedule = schedule(host)?;
    let epoch = schedule.epoch_at(UnixSeconds::new(host.timestamp()));
    epoch.map(|epoch| (schedule, epoch)).ok_or_else(out_of_range)
}

fn out_of_range() -> Failure {
    Failure::revert(&sol::OutOfRange {})
}

/// Returns the error for an input that a claim refuses.
fn refused(error: &Refused) -> Failure {
    let word = abi::convert::wei_word;
    match *error {
        Refused::ClaimOpen => Failure::revert(&sol::ClaimOpen {}),
        Refused::NoClaim => Failure::revert(&sol::NoClaim {}),
        Refused::NothingToCheck => Failure::revert(&sol::NothingToCheck {}),
        Refused::BondTooSmall { given, required } => Failure::revert(&sol::CheckBondTooSmall {
            given: word(given),
            required: word(required),
        }),
        Refused::TooEarly { from } => Failure::revert(&sol::DrawTooEarly { from }),
        Refused::Undecided { round } => Failure::revert(&sol::CheckUndecided { round }),
        Refused::NothingToCollect => Failure::revert(&sol::NothingToCollect {}),
        Refused::BurnTooSmall { given, least } => {
            Failure::revert(&sol::BurnTooSmall { given: word(given), least: word(least) })
        }
        Refused::Overflow => out_of_range(),
    }
}
