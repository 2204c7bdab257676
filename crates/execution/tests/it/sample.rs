//! A native module for tests only; the tests of `node` use it, too. Revision [`ADDED`] adds it, revision [`CHANGED`] changes its rule.

use alloy_primitives::{Address, B256, Bytes, U256, address};
use execution::{Activation, MODULES, ModuleTable, Revision, Schedule};
use native_kit::{Failure, Function, Host, Issuance, Module, OnReentry, Place};
use std::sync::OnceLock;

/// The revision that adds it: far above those of the program.
pub(crate) const ADDED: u32 = 901;
/// The revision that changes its rule.
pub(crate) const CHANGED: u32 = 902;
/// Its address.
pub(crate) const SAMPLE: Address = address!("0x6c000000000000000000000000000000000000f3");
/// Calldata of `count()`, a view.
pub(crate) const COUNT: Bytes = Bytes::from_static(&[0x06, 0x66, 0x1a, 0xbd]);
/// Calldata of `increment()`, which is payable and returns the new count. It adds 1, since revision [`CHANGED`] it adds 10.
pub(crate) const INCREMENT: Bytes = Bytes::from_static(&[0xd0, 0x9d, 0xe0, 0x8a]);

/// Calldata of `issue()`, which issues 100 of GRAIN's smallest unit to the caller. Since revision [`CHANGED`] the sample may
/// issue that much per block.
pub(crate) const ISSUE: Bytes = Bytes::from_static(&[0xd3, 0x83, 0xf6, 0x46]);

/// Calldata of `burn()`, which burns what comes with the call.
pub(crate) const BURN: Bytes = Bytes::from_static(&[0x44, 0xdf, 0x8e, 0x70]);

const ROW: Module = Module {
    name: "Sample",
    place: Place::At(SAMPLE),
    since: ADDED,
    functions: &[&[
        Function::view([0x06, 0x66, 0x1a, 0xbd]),
        Function::payable([0xd0, 0x9d, 0xe0, 0x8a]),
        Function::nonpayable([0xd3, 0x83, 0xf6, 0x46]),
        Function::payable([0x44, 0xdf, 0x8e, 0x70]),
    ]],
    entrance,
    on_reentry: OnReentry::Error,
};

fn entrance(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if *input == ISSUE {
        host.issue(host.caller(), U256::from(100))?;
    }
    if *input == BURN {
        host.burn(host.value())?;
    }
    let mut count = host.load(U256::ZERO)?;
    if *input == INCREMENT {
        count += U256::from(if host.revision() < CHANGED { 1 } else { 10 });
        host.store(U256::ZERO, count)?;
        host.log(vec![B256::from(count)], Bytes::new())?;
    }
    Ok(count.to_be_bytes_vec())
}

/// Returns the modules of a program that knows revisions up to `newest`, with this one.
pub(crate) fn modules(newest: u32) -> ModuleTable {
    static ROWS: OnceLock<Vec<Module>> = OnceLock::new();
    let rows = ROWS.get_or_init(|| MODULES.rows().iter().copied().chain([ROW]).collect());
    // From block 5 on.
    let ceiling = |height: u64| U256::from(height.saturating_sub(4).saturating_mul(100));
    let issuance = Issuance { since: CHANGED, issuer: SAMPLE, slot: U256::from(9), ceiling };
    ModuleTable::new(rows).with_newest(newest).with_issuance(issuance)
}

/// Returns what a program says that knows no sample, at the height of the first.
pub(crate) fn unknown_text(height: u64) -> String {
    let newest = MODULES.newest();
    format!(
        "this binary knows revisions 1 to {newest}; the ledger switches to revision {ADDED} at height {height}: install a newer gleaner"
    )
}

/// Returns a schedule of revisions and their heights.
pub(crate) fn schedule(entries: &[(u32, u64)]) -> Schedule {
    let entry = |(revision, height): &(u32, u64)| Activation {
        revision: Revision::new(*revision),
        height: *height,
    };
    Schedule::new(entries.iter().map(entry).collect()).unwrap()
}
