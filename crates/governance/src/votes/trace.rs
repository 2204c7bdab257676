//! Histories of amounts by time.
//!
//! Source: OpenZeppelin Contracts 5, `Checkpoints.sol` (`Trace208`): a second change at the same time overwrites; the
//! value at a time is that of the last checkpoint at or before it.

use units::UnixSeconds;

use super::{Book, Checkpoint, Trace};

/// Returns the newest checkpoint; zero when there is none.
pub(crate) fn latest<B: Book>(book: &mut B, trace: Trace) -> Result<Checkpoint, B::Failure> {
    match book.length(trace)?.checked_sub(1) {
        Some(last) => book.checkpoint(trace, last),
        None => Ok(Checkpoint::default()),
    }
}

/// Appends a checkpoint that is not older than the newest, or overwrites one of the same time.
pub(crate) fn push<B: Book>(
    book: &mut B,
    trace: Trace,
    checkpoint: Checkpoint,
) -> Result<(), B::Failure> {
    let length = book.length(trace)?;
    let index = match length.checked_sub(1) {
        Some(last) if book.checkpoint(trace, last)?.at == checkpoint.at => last,
        _ => length,
    };
    book.set_checkpoint(trace, index, checkpoint)
}

/// Returns the last checkpoint at or before a time; zero when there is none. Reads at most `2 + log2(length)` of them.
pub(crate) fn lookup<B: Book>(
    book: &mut B,
    trace: Trace,
    at: UnixSeconds,
) -> Result<Checkpoint, B::Failure> {
    let Some(last) = book.length(trace)?.checked_sub(1) else {
        return Ok(Checkpoint::default());
    };
    let newest = book.checkpoint(trace, last)?;
    if newest.at <= at {
        return Ok(newest);
    }
    // Those below `low` are at or before the time, those from `high` on are after it.
    let (mut low, mut high) = (0, last);
    let mut found = Checkpoint::default();
    while low < high {
        let middle = low.midpoint(high);
        let checkpoint = book.checkpoint(trace, middle)?;
        if checkpoint.at <= at {
            (low, found) = (middle.saturating_add(1), checkpoint);
        } else {
            high = middle;
        }
    }
    Ok(found)
}
