//! The history of the quorum fraction.
//!
//! Source: OpenZeppelin Contracts 5.4, `utils/structs/Checkpoints.sol`, `Trace208`: a value at a time that already has one replaces it.

use abi::TokenGovernor;
use alloy_primitives::{
    Address, U256,
    aliases::{U48, U208},
};
use native_kit::{
    Failure, Host,
    slots::{Array, Layout as _},
};

use super::CheckpointSlots;

/// Returns the newest value; 0 if there is none.
pub(super) fn latest(host: &mut dyn Host, trace: Array<CheckpointSlots>) -> Result<U208, Failure> {
    Ok(last(host, trace)?.map_or(U208::ZERO, |(_, value)| value))
}

/// Returns the value that held at a time; 0 before the first.
pub(super) fn value_at(
    host: &mut dyn Host,
    trace: Array<CheckpointSlots>,
    timepoint: U256,
) -> Result<U208, Failure> {
    let is_newest = |(key, _): &(U48, U208)| U256::from(*key) <= timepoint;
    match last(host, trace)? {
        None => return Ok(U208::ZERO),
        Some(newest) if is_newest(&newest) => return Ok(newest.1),
        Some(_) => {}
    }
    // The first `low` are not later, those from `high` on are.
    let (mut low, mut high) = (0, trace.len(host)?);
    while low < high {
        let middle = low.midpoint(high);
        if is_newest(&element(host, trace, middle)?) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    match low.checked_sub(1) {
        Some(index) => Ok(element(host, trace, index)?.1),
        None => Ok(U208::ZERO),
    }
}

/// Notes a value, and returns the one before.
pub(super) fn push(
    host: &mut dyn Host,
    trace: Array<CheckpointSlots>,
    key: U48,
    value: U208,
) -> Result<U208, Failure> {
    let newest = last(host, trace)?;
    if newest.is_some_and(|(last, _)| last > key) {
        return Err(Failure::revert(&TokenGovernor::CheckpointUnorderedInsertion {}));
    }
    let slots = match newest {
        Some((last, _)) if last == key => {
            let index = trace.len(host)?.saturating_sub(1);
            trace.element(host, index)?.ok_or_else(missing)?
        }
        _ => trace.push(host)?,
    };
    let module = host.module();
    let word = slots.value.into_word(slots.key.into_word(U256::ZERO, key), value);
    host.set_of(module, slots.key.slot(), word)?;
    Ok(newest.map_or(U208::ZERO, |(_, value)| value))
}

fn last(
    host: &mut dyn Host,
    trace: Array<CheckpointSlots>,
) -> Result<Option<(U48, U208)>, Failure> {
    match trace.len(host)?.checked_sub(1) {
        Some(index) => element(host, trace, index).map(Some),
        None => Ok(None),
    }
}

fn element(
    host: &mut dyn Host,
    trace: Array<CheckpointSlots>,
    index: u64,
) -> Result<(U48, U208), Failure> {
    let slots = trace.element(host, index)?.ok_or_else(missing)?;
    let word = host.load(slots.key.slot())?;
    Ok((slots.key.of_word(word), slots.value.of_word(word)))
}

fn missing() -> Failure {
    Failure::Broken("a checkpoint is missing".to_owned())
}

/// Writes the first value of an instance that is being created.
pub(super) fn begin(
    host: &mut dyn Host,
    instance: Address,
    trace: Array<CheckpointSlots>,
    (key, value): (U48, U208),
) -> Result<(), Failure> {
    let start = host.keccak256(&trace.slot().to_be_bytes::<32>())?;
    let slots = CheckpointSlots::at(start.into(), 0);
    host.set_of(instance, trace.slot(), U256::ONE)?;
    let word = slots.value.into_word(slots.key.into_word(U256::ZERO, key), value);
    host.set_of(instance, slots.key.slot(), word)
}
