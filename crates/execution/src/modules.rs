//! The native modules of this program, and how they are added to a ledger.

use crate::{
    environment::Environment,
    overlay::Overlay,
    revision::{Revision, UnknownRevision},
    rules::Rules,
};
use alloy_primitives::{Address, Bytes};
use native_kit::Table;
use revm::DatabaseRef;

/// The native modules and revisions that this program knows.
pub const MODULES: Table = Table::new(native_modules::TABLE)
    .with_newest(native_modules::NEWEST_REVISION)
    .with_issuance(native_modules::ISSUER);

/// Returns the accounts of the modules that are added when the rules change from those of `before` to those of
/// `after`; `None` is before the genesis block. Instances, and modules that other modules create, are not among them.
pub(crate) fn added_accounts(
    table: &Table,
    before: Option<Revision>,
    after: Revision,
) -> impl Iterator<Item = (Address, Bytes)> {
    let first = before.map_or(Revision::FIRST.number(), |it| it.number().saturating_add(1));
    let last = after.number().min(table.newest());
    (first..=last).flat_map(|revision| table.accounts_since(revision))
}

/// Prepares the state for a block of `environment`: adds the modules that the rules of the block at `parent` did not have.
///
/// The state may already be that after the block: accounts that exist are kept.
///
/// # Errors
/// [`BeginError`] when this program does not know the block's revision, or the snapshot can't be read.
pub(crate) fn begin_block<DB: DatabaseRef>(
    overlay: &mut Overlay<'_, DB>,
    rules: &Rules,
    parent: u64,
    environment: &Environment,
) -> Result<(), BeginError<DB::Error>> {
    rules.check_known(environment.number).map_err(BeginError::UnknownRevision)?;
    let before = rules.revision_at(parent);
    if before < environment.revision {
        for (address, code) in added_accounts(&rules.modules, Some(before), environment.revision) {
            overlay.install(address, code).map_err(BeginError::State)?;
        }
    }
    Ok(())
}

/// Why a block can't begin.
pub(crate) enum BeginError<E> {
    UnknownRevision(UnknownRevision),
    State(E),
}
