//! `Revisions`: votes extend the schedule of rules, long enough ahead.

use abi::Revisions::{self, RevisionsCalls as Calls};
use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolCall as _;
use governance::revisions::{self, Activation, ScheduleError, VOTED_MAX, Voted};
use native_kit::{
    Failure, Function, Host, emit,
    slots::{Layout as _, Value},
    storage,
};

use crate::parameters;

/// Where the module answers.
pub const ADDRESS: Address = abi::REVISIONS;
/// The revision that has it.
pub const SINCE: u32 = 4;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Revisions::currentCall::SELECTOR),
    Function::view(Revisions::allCall::SELECTOR),
    Function::view(Revisions::foundingCall::SELECTOR),
    Function::view(Revisions::bandCall::SELECTOR),
    Function::nonpayable(Revisions::scheduleCall::SELECTOR),
    Function::nonpayable(Revisions::rescheduleCall::SELECTOR),
    Function::nonpayable(Revisions::cancelCall::SELECTOR),
];

/// The length of `Activation[] entries`.
const COUNT: Value<u64> = Value::new(U256::ZERO, 0);

storage! {
    struct ActivationSlots {
        revision: Value<u32>,
        height: Value<u64>,
    }
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::schedule(call) => {
            schedule(host, Activation { revision: call.revision, height: call.height })?;
            Vec::new()
        }
        Calls::reschedule(call) => {
            reschedule(host, Activation { revision: call.revision, height: call.height })?;
            Vec::new()
        }
        Calls::cancel(call) => {
            cancel(host, call.revision)?;
            Vec::new()
        }
        Calls::current(_) => Revisions::currentCall::abi_encode_returns(&host.revision()),
        Calls::all(_) => {
            let all: Vec<_> = load(host)?.entries().iter().copied().map(shown).collect();
            Revisions::allCall::abi_encode_returns(&all)
        }
        Calls::founding(_) => Revisions::foundingCall::abi_encode_returns(&shown(founding(host))),
        Calls::band(_) => {
            let (least, most) = revisions::band(host.height());
            Revisions::bandCall::abi_encode_returns(&Revisions::bandReturn { least, most })
        }
    })
}

fn schedule(host: &mut dyn Host, given: Activation) -> Result<(), Failure> {
    let mut voted = load_for_governor(host)?;
    voted.schedule(host.height(), given).map_err(refused)?;
    store(host, &voted)?;
    let Activation { revision, height } = given;
    emit(host, &Revisions::Scheduled { revision, height })
}

fn reschedule(host: &mut dyn Host, given: Activation) -> Result<(), Failure> {
    let mut voted = load_for_governor(host)?;
    let before = voted.reschedule(host.height(), given).map_err(refused)?;
    store(host, &voted)?;
    let Activation { revision, height } = given;
    emit(host, &Revisions::Rescheduled { revision, before, height })
}

fn cancel(host: &mut dyn Host, revision: u32) -> Result<(), Failure> {
    let mut voted = load_for_governor(host)?;
    let height = voted.cancel(host.height(), revision).map_err(refused)?;
    store(host, &voted)?;
    emit(host, &Revisions::Canceled { revision, height })
}

fn load_for_governor(host: &mut dyn Host) -> Result<Voted, Failure> {
    parameters::only_governor(host)?;
    load(host)
}

fn founding(host: &dyn Host) -> Activation {
    let (revision, height) = host.founding();
    Activation { revision, height }
}

fn load(host: &mut dyn Host) -> Result<Voted, Failure> {
    let count = COUNT.get(host)?;
    let start = host.keccak256(&COUNT.slot().to_be_bytes::<32>())?.into();
    let mut entries = Vec::new();
    for index in 0..count.min(bound()) {
        let word = host.load(slot(start, index))?;
        entries.push(entry(word));
    }
    Voted::new(founding(host), entries)
        .ok_or_else(|| Failure::Broken("the voted schedule does not rise".to_owned()))
}

/// Writes all entries, and zeros where entries were before.
fn store(host: &mut dyn Host, voted: &Voted) -> Result<(), Failure> {
    let before = COUNT.get(host)?;
    let count = u64::try_from(voted.entries().len()).unwrap_or(u64::MAX);
    COUNT.set(host, count)?;
    let start = host.keccak256(&COUNT.slot().to_be_bytes::<32>())?.into();
    let words = voted.entries().iter().copied().map(word);
    let words = words.chain((count..before).map(|_| U256::ZERO));
    for (index, word) in (0..).zip(words) {
        let slot: Value<U256> = Value::at(slot(start, index), 0);
        slot.set(host, word)?;
    }
    Ok(())
}

fn slot(start: U256, index: u64) -> U256 {
    start.wrapping_add(U256::from(index))
}

fn bound() -> u64 {
    u64::try_from(VOTED_MAX).unwrap_or(u64::MAX)
}

fn entry(word: U256) -> Activation {
    let slots = ActivationSlots::at(U256::ZERO, 0);
    Activation { revision: slots.revision.of_word(word), height: slots.height.of_word(word) }
}

fn word(entry: Activation) -> U256 {
    let slots = ActivationSlots::at(U256::ZERO, 0);
    let word = slots.revision.into_word(U256::ZERO, entry.revision);
    slots.height.into_word(word, entry.height)
}

/// Returns the revisions that votes have scheduled, in order, each with the height of its first block, from words of the module's storage: for who applies
/// the schedule. On a ledger whose storage only the module has written they rise.
///
/// # Errors
/// That of `read`.
pub fn scheduled<E>(mut read: impl FnMut(U256) -> Result<U256, E>) -> Result<Vec<(u32, u64)>, E> {
    let count = COUNT.of_word(read(COUNT.slot())?);
    let start: U256 = keccak256(COUNT.slot().to_be_bytes::<32>()).into();
    let mut all = Vec::new();
    for index in 0..count.min(bound()) {
        let Activation { revision, height } = entry(read(slot(start, index))?);
        all.push((revision, height));
    }
    Ok(all)
}

fn shown(entry: Activation) -> Revisions::Activation {
    Revisions::Activation { revision: entry.revision, height: entry.height }
}

fn refused(error: ScheduleError) -> Failure {
    match error {
        ScheduleError::NotRising { given, other } => Failure::revert(&Revisions::NotRising {
            revision: given.revision,
            height: given.height,
            otherRevision: other.revision,
            otherHeight: other.height,
        }),
        ScheduleError::OutOfBand { height, least, most } => {
            Failure::revert(&Revisions::HeightOutOfBand { height, least, most })
        }
        ScheduleError::NotScheduled { revision } => {
            Failure::revert(&Revisions::NotScheduled { revision })
        }
        ScheduleError::Begun { revision, height } => {
            Failure::revert(&Revisions::AlreadyBegun { revision, height })
        }
        ScheduleError::Full { count } => {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            Failure::revert(&Revisions::ScheduleFull { count })
        }
    }
}
