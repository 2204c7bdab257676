//! `TrainingRuns`: the rules of `training-run` behind a Solidity interface.

mod bytes;
mod errors;
mod records;
mod translate;

use abi::{
    COMMITMENTS_MAX, ENDPOINT_BYTES_MAX, NAME_BYTES_MAX,
    TrainingRuns::{self, TrainingRunsCalls as Calls, Verdict},
    convert::{account, address, device, digest, wei, wei_word},
    statement,
};
use alloy_primitives::U256;
use alloy_sol_types::{SolCall, SolInterface as _};
use training_run::{Commitment, Context, Effect, Finding, Input, OpenError, Run};
use units::{UnixSeconds, seal};

use native_kit::{Failure, Function, Host, emit};

use crate::{devices, signature::check_signature};
use errors::{open_error, refused};
use records::{RunMetadata, RunRecord};

/// Gas for a BLAKE3 seal: one compression, priced generously.
const SEAL_GAS: u64 = 200;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::payable(TrainingRuns::openCall::SELECTOR),
    Function::nonpayable(TrainingRuns::announceCall::SELECTOR),
    Function::nonpayable(TrainingRuns::enrollCall::SELECTOR),
    Function::nonpayable(TrainingRuns::leaveCall::SELECTOR),
    Function::nonpayable(TrainingRuns::commitCall::SELECTOR),
    Function::nonpayable(TrainingRuns::closeCall::SELECTOR),
    Function::nonpayable(TrainingRuns::lapseCall::SELECTOR),
    Function::nonpayable(TrainingRuns::advanceCall::SELECTOR),
    Function::nonpayable(TrainingRuns::drawCall::SELECTOR),
    Function::nonpayable(TrainingRuns::verdictCall::SELECTOR),
    Function::nonpayable(TrainingRuns::redrawCall::SELECTOR),
    Function::nonpayable(TrainingRuns::cancelCall::SELECTOR),
    Function::nonpayable(TrainingRuns::abandonCall::SELECTOR),
    Function::view(TrainingRuns::countCall::SELECTOR),
    Function::view(TrainingRuns::summaryCall::SELECTOR),
    Function::view(TrainingRuns::termsCall::SELECTOR),
    Function::view(TrainingRuns::seatsCall::SELECTOR),
    Function::view(TrainingRuns::auditsCall::SELECTOR),
    Function::view(TrainingRuns::undrawnCall::SELECTOR),
    Function::view(TrainingRuns::requiredDepositCall::SELECTOR),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = Calls::abi_decode_validate(input).map_err(|_| Failure::bad_call())?;
    match view(host, &call)? {
        Some(output) => Ok(output),
        None => mutate(host, call),
    }
}

/// Executes a call that only reads; returns `None` for others.
fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::count(_) => TrainingRuns::countCall::abi_encode_returns(&records::count(host)?),
        Calls::summary(call) => {
            let (run, metadata) =
                (RunRecord::load(host, call.run)?.run, RunMetadata::load(host, call.run)?);
            TrainingRuns::summaryCall::abi_encode_returns(&translate::summary(
                call.run, &run, metadata,
            ))
        }
        Calls::terms(call) => {
            let run = RunRecord::load(host, call.run)?.run;
            TrainingRuns::termsCall::abi_encode_returns(&translate::terms_out(run.terms()))
        }
        Calls::seats(call) => {
            let run = RunRecord::load(host, call.run)?.run;
            TrainingRuns::seatsCall::abi_encode_returns(&translate::seats(&run))
        }
        Calls::audits(call) => {
            let run = RunRecord::load(host, call.run)?.run;
            TrainingRuns::auditsCall::abi_encode_returns(&translate::audits(&run))
        }
        Calls::undrawn(call) => {
            let run = RunRecord::load(host, call.run)?.run;
            TrainingRuns::undrawnCall::abi_encode_returns(&translate::undrawn(&run))
        }
        Calls::requiredDeposit(call) => {
            let terms = translate::terms_in(&call.terms)?;
            let required =
                terms.required_deposit().map_err(|_| open_error(&OpenError::Overflow))?;
            TrainingRuns::requiredDepositCall::abi_encode_returns(&wei_word(required))
        }
        _ => return Ok(None),
    }))
}

fn mutate(host: &mut dyn Host, call: Calls) -> Result<Vec<u8>, Failure> {
    match call {
        Calls::open(call) => return open(host, call),
        Calls::announce(call) => announce(host, call)?,
        Calls::enroll(call) => enroll(host, &call)?,
        Calls::leave(call) => {
            let statement = statement::leave(host.chain_id(), call.run, call.round);
            check_signature(host, &call.device.0, &statement, &call.signature)?;
            step(host, call.run, Input::Leave { device: device(call.device) })?;
        }
        Calls::commit(call) => commit(host, call)?,
        Calls::close(call) => step(host, call.run, Input::Close { round: call.round })?,
        Calls::lapse(call) => step(host, call.run, Input::Lapse { round: call.round })?,
        Calls::advance(call) => {
            let (state, update) = (digest(call.state), digest(call.update));
            step(host, call.run, Input::Advance { round: call.round, state, update })?;
        }
        Calls::draw(call) => draw(host, &call)?,
        Calls::verdict(call) => verdict(host, &call)?,
        Calls::redraw(call) => {
            step(
                host,
                call.run,
                Input::Redraw { round: call.round, subject: device(call.subject) },
            )?;
        }
        Calls::cancel(call) => step(host, call.run, Input::Cancel)?,
        Calls::abandon(call) => step(host, call.run, Input::Abandon)?,
        Calls::count(_)
        | Calls::summary(_)
        | Calls::terms(_)
        | Calls::seats(_)
        | Calls::audits(_)
        | Calls::undrawn(_)
        | Calls::requiredDeposit(_) => unreachable!("answered by `view`"),
    }
    Ok(Vec::new())
}

fn open(host: &mut dyn Host, call: TrainingRuns::openCall) -> Result<Vec<u8>, Failure> {
    let metadata =
        RunMetadata { coordinator: call.coordinator, name: call.name, endpoint: call.endpoint };
    metadata.check()?;
    let terms = translate::terms_in(&call.terms)?;
    let deposit = wei(host.value()).map_err(|_| open_error(&OpenError::Overflow))?;
    let owner = host.caller();
    let context = context(host)?;
    let run =
        Run::open(terms, account(owner), deposit, &context).map_err(|error| open_error(&error))?;
    let id = records::add(host, &run)?;
    let (name, deposited) = (metadata.name.clone(), wei_word(deposit));
    metadata.store(host, id)?;
    emit(host, &TrainingRuns::Opened { run: id, owner, name, deposited })?;
    Ok(TrainingRuns::openCall::abi_encode_returns(&id))
}

fn announce(host: &mut dyn Host, call: TrainingRuns::announceCall) -> Result<(), Failure> {
    let owner = RunRecord::load(host, call.run)?.run.owner();
    if owner != account(host.caller()) {
        return Err(refused(&training_run::Refused::NotOwner, host.caller()));
    }
    let name = RunMetadata::load(host, call.run)?.name;
    let metadata = RunMetadata { coordinator: call.coordinator, name, endpoint: call.endpoint };
    metadata.check()?;
    let (run, coordinator, endpoint) = (call.run, call.coordinator, metadata.endpoint.clone());
    metadata.store(host, run)?;
    emit(host, &TrainingRuns::Announced { run, coordinator, endpoint })
}

fn enroll(host: &mut dyn Host, call: &TrainingRuns::enrollCall) -> Result<(), Failure> {
    let statement = statement::enroll(host.chain_id(), call.run, &call.device.0);
    check_signature(host, &call.device.0, &statement, &call.signature)?;
    let link = devices::load(host, call.device)?;
    if link.account.is_zero() {
        return Err(Failure::revert(&TrainingRuns::NotLinked { device: call.device }));
    }
    step(
        host,
        call.run,
        Input::Enroll { device: device(call.device), account: account(link.account) },
    )
}

fn commit(host: &mut dyn Host, call: TrainingRuns::commitCall) -> Result<(), Failure> {
    if call.commitments.len() > COMMITMENTS_MAX {
        return Err(too_long("commitments", COMMITMENTS_MAX));
    }
    let (run, round, chain_id) = (call.run, call.round, host.chain_id());
    let mut record = RunRecord::load(host, run)?;
    let context = context(host)?;
    for entry in call.commitments {
        let TrainingRuns::Commitment { device: key, seal, update, signature } = entry;
        let statement = statement::commit(chain_id, run, round, &seal, &update);
        check_signature(host, &key.0, &statement, &signature)?;
        let commitment = Commitment { seal: digest(seal), update: digest(update) };
        let input = Input::Commit { device: device(key), round, commitment };
        let effects =
            record.run.step(&context, input).map_err(|error| refused(&error, host.caller()))?;
        carry_out(host, run, effects)?;
    }
    record.store(host)
}

fn draw(host: &mut dyn Host, call: &TrainingRuns::drawCall) -> Result<(), Failure> {
    let mut record = RunRecord::load(host, call.run)?;
    let Some(height) = record.run.draw_height(call.round) else {
        return Err(refused(&training_run::Refused::NothingToDraw(call.round), host.caller()));
    };
    let hash = host.block_hash(height)?;
    let is_past = height < host.height();
    if hash.is_zero() && is_past {
        // The block is too far back for the EVM. Nobody gains from this: the hash of the new block is as unknown as
        // that of the old one was.
        record.run.rearm_draw(call.round, host.height());
        return record.store(host);
    }
    let input = Input::Draw { round: call.round, randomness: digest(hash) };
    apply(host, call.run, record, input)
}

fn verdict(host: &mut dyn Host, call: &TrainingRuns::verdictCall) -> Result<(), Failure> {
    let TrainingRuns::verdictCall { run, round, subject, auditor, kind, value, ref signature } =
        *call;
    let statement = statement::verdict(host.chain_id(), run, round, &subject.0, kind, &value.0);
    check_signature(host, &auditor.0, &statement, signature)?;
    let record = RunRecord::load(host, run)?;
    let finding = match kind {
        Verdict::Opened => {
            let claims = translate::claimants(&record.run, round, &device(subject));
            let count = u64::try_from(claims.len()).unwrap_or(u64::MAX);
            host.charge(SEAL_GAS.saturating_mul(count.saturating_add(1)))?;
            let root = digest(value);
            Finding::Opened {
                for_subject: seal(&device(subject), &root),
                for_claimants: claims.iter().map(|claimant| seal(claimant, &root)).collect(),
            }
        }
        Verdict::Mismatch => Finding::Mismatch { sealed: digest(value) },
        Verdict::Unavailable => Finding::Unavailable,
        Verdict::__Invalid => return Err(Failure::bad_call()),
    };
    let input =
        Input::Verdict { auditor: device(auditor), round, subject: device(subject), finding };
    apply(host, run, record, input)
}

#[cfg(test)]
pub(crate) use translate::claimants;

/// Returns a run as it is stored.
#[cfg(test)]
pub(crate) fn load(host: &mut dyn Host, id: u64) -> Result<Run, Failure> {
    Ok(RunRecord::load(host, id)?.run)
}

fn step(host: &mut dyn Host, run: u64, input: Input) -> Result<(), Failure> {
    let record = RunRecord::load(host, run)?;
    apply(host, run, record, input)
}

fn apply(
    host: &mut dyn Host,
    run: u64,
    mut record: RunRecord,
    input: Input,
) -> Result<(), Failure> {
    let context = context(host)?;
    let effects =
        record.run.step(&context, input).map_err(|error| refused(&error, host.caller()))?;
    record.store(host)?;
    carry_out(host, run, effects)
}

/// Makes the payments and emits all events.
fn carry_out(host: &mut dyn Host, run: u64, effects: Vec<Effect>) -> Result<(), Failure> {
    for effect in effects {
        if let Effect::Pay { account, amount, .. } | Effect::Refund { account, amount } = &effect {
            host.pay(address(*account), wei_word(*amount))?;
        }
        translate::publish(host, run, effect)?;
    }
    Ok(())
}

fn context(host: &mut dyn Host) -> Result<Context, Failure> {
    let height = host.height();
    let parent = host.block_hash(height.saturating_sub(1))?;
    Ok(Context {
        now: UnixSeconds::new(host.timestamp()),
        height,
        caller: account(host.caller()),
        randomness: digest(parent),
    })
}

fn too_long(what: &str, max: usize) -> Failure {
    Failure::revert(&TrainingRuns::TooLong { what: what.to_owned(), max: U256::from(max) })
}

impl RunMetadata {
    fn check(&self) -> Result<(), Failure> {
        if self.name.len() > NAME_BYTES_MAX {
            return Err(too_long("name", NAME_BYTES_MAX));
        }
        if self.endpoint.len() > ENDPOINT_BYTES_MAX {
            return Err(too_long("endpoint", ENDPOINT_BYTES_MAX));
        }
        Ok(())
    }
}
