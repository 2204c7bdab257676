//! `TrainingRuns`: the rules of `training-run` behind a Solidity interface.

mod book;
mod errors;
mod layout;
mod speed;
mod statements;
mod translate;
mod views;
pub(crate) mod work;

use abi::{
    Devices, ENDPOINT_BYTES_MAX, NAME_BYTES_MAX, STATEMENT_BYTES_MAX, STATEMENTS_MAX,
    TrainingRuns::{self, TrainingRunsCalls as Calls},
    convert::{self, account, address, device, device_word, digest, wei, wei_word},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use training_run::{Book as _, Context, Effect, Input, OpenError, Refused, Rules, Run};
use units::{DeviceId, UnixSeconds};

use native_kit::{Failure, Function, Host, emit};

use crate::{
    devices::{self, ACCOUNTS_SPEAK},
    parameters,
};

use book::{SlotBook, Stopped};
use errors::{open_error, refused};
use layout::COUNT;

/// Gas for each step of a draw that only computes: an entry looked at for an auditor.
const DRAW_STEP_GAS: u64 = 20;

/// The first revision with [`Rules::NEWEST`].
const NEWEST_SINCE: u32 = 4;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::payable(TrainingRuns::openCall::SELECTOR),
    Function::nonpayable(TrainingRuns::announceCall::SELECTOR),
    Function::nonpayable(TrainingRuns::setAuditorCall::SELECTOR),
    Function::nonpayable(TrainingRuns::enrollCall::SELECTOR),
    Function::nonpayable(TrainingRuns::leaveCall::SELECTOR),
    Function::nonpayable(TrainingRuns::retireCall::SELECTOR).since(ACCOUNTS_SPEAK),
    Function::nonpayable(TrainingRuns::commitCall::SELECTOR),
    Function::nonpayable(TrainingRuns::verdictCall::SELECTOR),
    Function::nonpayable(TrainingRuns::relayCall::SELECTOR),
    Function::nonpayable(TrainingRuns::closeCall::SELECTOR),
    Function::nonpayable(TrainingRuns::lapseCall::SELECTOR),
    Function::nonpayable(TrainingRuns::advanceCall::SELECTOR),
    Function::nonpayable(TrainingRuns::drawCall::SELECTOR),
    Function::nonpayable(TrainingRuns::settleCall::SELECTOR),
    Function::payable(TrainingRuns::disputeCall::SELECTOR),
    Function::nonpayable(TrainingRuns::discloseCall::SELECTOR),
    Function::nonpayable(TrainingRuns::ruleCall::SELECTOR),
    Function::nonpayable(TrainingRuns::expireCall::SELECTOR),
    Function::nonpayable(TrainingRuns::cancelCall::SELECTOR),
    Function::nonpayable(TrainingRuns::abandonCall::SELECTOR),
    Function::view(TrainingRuns::countCall::SELECTOR),
    Function::view(TrainingRuns::summaryCall::SELECTOR),
    Function::view(TrainingRuns::termsCall::SELECTOR),
    Function::view(TrainingRuns::seatsCall::SELECTOR),
    Function::view(TrainingRuns::standpointCall::SELECTOR),
    Function::view(TrainingRuns::openRoundsCall::SELECTOR),
    Function::view(TrainingRuns::entriesCall::SELECTOR),
    Function::view(TrainingRuns::baseOfCall::SELECTOR),
    Function::view(TrainingRuns::auditsCall::SELECTOR),
    Function::view(TrainingRuns::disputesCall::SELECTOR),
    Function::view(TrainingRuns::requiredDepositCall::SELECTOR),
    Function::view(TrainingRuns::speedOfCall::SELECTOR).since(speed::SINCE),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    match views::view(host, &call)? {
        Some(output) => Ok(output),
        None => mutate(host, call),
    }
}

fn mutate(host: &mut dyn Host, call: Calls) -> Result<Vec<u8>, Failure> {
    match call {
        Calls::open(call) => return open(host, call),
        Calls::announce(call) => announce(host, call)?,
        Calls::setAuditor(call) => {
            step(host, call.run, Input::SetAuditor { auditor: device(call.auditor) })?;
            emit(host, &TrainingRuns::AuditorNamed { run: call.run, auditor: call.auditor })?;
        }
        Calls::retire(call) => retire(host, call.run, call.device)?,
        Calls::relay(call) => relay(host, &call.statements)?,
        Calls::close(call) => step(host, call.run, Input::Close { round: call.round })?,
        Calls::lapse(call) => step(host, call.run, Input::Lapse { round: call.round })?,
        Calls::advance(call) => {
            let (state, update) = (digest(call.state), digest(call.update));
            step(host, call.run, Input::Advance { round: call.round, state, update })?;
        }
        Calls::draw(call) => draw(host, call.run, call.round)?,
        Calls::settle(call) => step(host, call.run, Input::Settle { seats: call.seats })?,
        Calls::dispute(call) => {
            let bond = wei(host.value()).map_err(|_| open_error(&OpenError::Overflow))?;
            let (round, subject) = (call.round, device(call.subject));
            step(host, call.run, Input::Dispute { round, subject, bond })?;
        }
        Calls::disclose(call) => disclose(host, call)?,
        Calls::rule(call) => {
            let vote = statements::vote(host, &call)?;
            step(host, call.run, vote)?;
        }
        Calls::expire(call) => {
            let (round, subject) = (call.round, device(call.subject));
            step(host, call.run, Input::Expire { round, subject })?;
        }
        Calls::cancel(call) => step(host, call.run, Input::Cancel)?,
        Calls::abandon(call) => step(host, call.run, Input::Abandon)?,
        statement => {
            let (run, input) = statements::input(host, &statement)?;
            step(host, run, input)?;
        }
    }
    Ok(Vec::new())
}

fn open(host: &mut dyn Host, call: TrainingRuns::openCall) -> Result<Vec<u8>, Failure> {
    check_metadata(&call.name, &call.endpoint)?;
    let terms = translate::terms_in(&call.terms)?;
    check_audit_rate(host, terms.audit_rate.as_u16().into())?;
    let deposit = wei(host.value()).map_err(|_| open_error(&OpenError::Overflow))?;
    let owner = host.caller();
    let context = context(host);
    let head = Run::<SlotBook<'_>>::open(&terms, device(call.auditor), deposit, &context)
        .map_err(|error| open_error(&error))?;
    let id = COUNT.get(host)?.saturating_add(1);
    COUNT.set(host, id)?;
    let mut book = SlotBook::new(host, id)?;
    book.set_terms(&terms)?;
    book.set_head(&head).map_err(|stopped| failure(stopped, owner))?;
    book.set(book.run.coordinator, call.coordinator)?;
    book.flush()?;
    let (name, endpoint) = (book.run.name, book.run.endpoint);
    let module = host.module();
    name.set_of(host, module, &call.name)?;
    endpoint.set_of(host, module, &call.endpoint)?;
    let (name, deposited) = (call.name, wei_word(deposit));
    emit(host, &TrainingRuns::Opened { run: id, owner, name, deposited })?;
    Ok(TrainingRuns::openCall::abi_encode_returns(&id))
}

/// Refuses an audit rate below the floor that votes have set.
fn check_audit_rate(host: &mut dyn Host, value: u64) -> Result<(), Failure> {
    if host.revision() < parameters::SINCE {
        return Ok(());
    }
    let floor = parameters::load(host, &governance::AUDIT_RATE_FLOOR)?;
    if u128::from(value) >= floor {
        return Ok(());
    }
    let allowed = format!(
        "{floor} to 10000 basis points, as the parameter {} says",
        governance::AUDIT_RATE_FLOOR.name
    );
    Err(errors::term_out_of_range("audit_rate", value, &allowed))
}

fn announce(host: &mut dyn Host, call: TrainingRuns::announceCall) -> Result<(), Failure> {
    check_metadata("", &call.endpoint)?;
    let mut book = SlotBook::open(host, call.run)?;
    let owner = book.word(book.run.head.owner)?;
    let stored = book.run;
    if owner != host.caller() {
        return Err(refused(&Refused::NotOwner, host.caller()));
    }
    let module = host.module();
    stored.coordinator.set(host, call.coordinator)?;
    stored.endpoint.set_of(host, module, &call.endpoint)?;
    let (run, coordinator, endpoint) = (call.run, call.coordinator, call.endpoint);
    emit(host, &TrainingRuns::Announced { run, coordinator, endpoint })
}

/// Publishes the leaves of a disputed commitment in an event; the records keep only where.
fn disclose(host: &mut dyn Host, call: TrainingRuns::discloseCall) -> Result<(), Failure> {
    let disclosure = statements::disclosure(host, &call)?;
    step(host, call.run, disclosure)?;
    let TrainingRuns::discloseCall { run, round, subject, leaves } = call;
    emit(host, &TrainingRuns::Disclosed { run, round, subject, leaves })
}

/// Applies statements one after the other. One that is refused has changed nothing, and does not stop the others.
fn relay(host: &mut dyn Host, statements: &[Bytes]) -> Result<(), Failure> {
    if statements.len() > STATEMENTS_MAX {
        return Err(too_long("statements", STATEMENTS_MAX));
    }
    for (index, statement) in statements.iter().enumerate() {
        if statement.len() > STATEMENT_BYTES_MAX {
            return Err(too_long("a statement", STATEMENT_BYTES_MAX));
        }
        let (run, result) = match native_kit::decode::<Calls>(statement) {
            Ok(call) => {
                let run = statements::run_of(&call).unwrap_or_default();
                let applied =
                    statements::input(host, &call).and_then(|(run, input)| step(host, run, input));
                (run, applied)
            }
            Err(_) => (0, Err(Failure::revert(&TrainingRuns::NotAStatement {}))),
        };
        match result {
            Ok(()) => {}
            Err(Failure::Revert(error)) => {
                let index = U256::from(index);
                emit(host, &TrainingRuns::NotRelayed { run, index, error })?;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Gives up the seat of a device that its account has revoked.
fn retire(host: &mut dyn Host, run: u64, device: B256) -> Result<(), Failure> {
    let id = convert::device(device);
    let mut book = SlotBook::open(host, run)?;
    let account = account_of_seat(&mut book, &id)?;
    let account = account.ok_or_else(|| refused(&Refused::NoSeat(id), Address::ZERO))?;
    if !devices::is_revoked(host, account, device)? {
        return Err(Failure::revert(&Devices::NotRevoked { device, account }));
    }
    step(host, run, Input::Retire { device: id })
}

/// Refuses the work and the verdicts of a device that the account for which it gives them has revoked. For enrolments that is the
/// linked account, which [`statements`] checks; a device may always leave.
fn check_author(book: &mut SlotBook<'_>, input: &Input) -> Result<(), Failure> {
    if book.host.revision() < ACCOUNTS_SPEAK {
        return Ok(());
    }
    let (device, account) = match input {
        Input::Commit { device, .. } => (*device, account_of_seat(book, device)?),
        Input::Verdict { auditor, .. }
            if book.word(book.run.head.auditor)? == device_word(*auditor) =>
        {
            (*auditor, Some(book.word(book.run.head.owner)?))
        }
        Input::Verdict { auditor, .. } => (*auditor, account_of_seat(book, auditor)?),
        _ => return Ok(()),
    };
    match account {
        Some(account) => devices::check_accepted(book.host, account, device_word(device)),
        None => Ok(()),
    }
}

/// Returns the account that a device's seat works for.
fn account_of_seat(book: &mut SlotBook<'_>, device: &DeviceId) -> Result<Option<Address>, Failure> {
    let stopped = |stopped| failure(stopped, Address::ZERO);
    match book.place(device).map_err(stopped)?.seat {
        Some(index) => Ok(Some(address(book.seat(index).map_err(stopped)?.account))),
        None => Ok(None),
    }
}

/// Draws, and charges for the search of auditors, which touches no storage.
fn draw(host: &mut dyn Host, run: u64, round: u32) -> Result<(), Failure> {
    let mut book = SlotBook::open(host, run)?;
    let record = book.round(round).map_err(|stopped| failure(stopped, Default::default()))?;
    let steps = u64::from(record.commitments)
        .saturating_mul(u64::from(record.unsettled).max(1).ilog2().saturating_add(1).into());
    host.charge(steps.saturating_mul(DRAW_STEP_GAS))?;
    step(host, run, Input::Draw { round })
}

/// Applies an input, then makes its payments and emits its events.
fn step(host: &mut dyn Host, run: u64, input: Input) -> Result<(), Failure> {
    let (context, caller) = (context(host), host.caller());
    let mut book = SlotBook::open(host, run)?;
    check_author(&mut book, &input)?;
    let terms = book.terms()?;
    let is_newest = book.host.revision() >= NEWEST_SINCE;
    let rules = if is_newest { Rules::NEWEST } else { Rules::FIRST };
    let is_timed = book.host.revision() >= speed::SINCE;
    let audit = if is_timed { speed::audit(&mut book, &terms, &input)? } else { None };
    let effects = Run::new(&terms, &mut book)
        .under(rules)
        .step(&context, input)
        .map_err(|stopped| failure(stopped, caller))?;
    if book.host.revision() >= work::SINCE {
        work::record(&mut book, &effects)?;
    }
    if is_timed {
        speed::record(&mut book, &terms, (context.now, audit), &effects)?;
    }
    book.flush()?;
    for effect in effects {
        if let Effect::Pay { account, amount, .. }
        | Effect::PayRelay { account, amount }
        | Effect::ReturnBond { account, amount }
        | Effect::PayReferee { account, amount }
        | Effect::Refund { account, amount } = &effect
        {
            host.pay(address(*account), wei_word(*amount))?;
        }
        translate::publish(host, run, effect)?;
    }
    Ok(())
}

fn failure(stopped: Stopped, caller: alloy_primitives::Address) -> Failure {
    match stopped {
        Stopped::Refused(error) => refused(&error, caller),
        Stopped::Failed(failure) => failure,
    }
}

fn context(host: &dyn Host) -> Context {
    Context {
        now: UnixSeconds::new(host.timestamp()),
        height: host.height(),
        caller: account(host.caller()),
    }
}

fn too_long(what: &str, max: usize) -> Failure {
    Failure::revert(&TrainingRuns::TooLong { what: what.to_owned(), max: U256::from(max) })
}

fn check_metadata(name: &str, endpoint: &str) -> Result<(), Failure> {
    if name.len() > NAME_BYTES_MAX {
        return Err(too_long("name", NAME_BYTES_MAX));
    }
    if endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(too_long("endpoint", ENDPOINT_BYTES_MAX));
    }
    Ok(())
}

/// Lets a test look at the records of a run.
#[cfg(test)]
pub(crate) fn with_book<T>(
    host: &mut dyn Host,
    run: u64,
    look: impl FnOnce(&mut SlotBook<'_>) -> T,
) -> T {
    look(&mut SlotBook::open(host, run).expect("the run exists"))
}

/// Converts terms for a test.
#[cfg(test)]
pub(crate) fn terms_of(terms: &TrainingRuns::Terms) -> training_run::Terms {
    translate::terms_in(terms).expect("valid terms")
}
