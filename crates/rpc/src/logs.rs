//! `eth_getLogs`.

use crate::{
    abandonment, blocks,
    criteria::{Criteria, reversed},
    error::{Answer, internal, invalid, pruned, refused, too_large},
    parameters::number_of,
};
use alloy_rpc_types_eth::{BlockNumberOrTag, FilterBlockOption, Log};
use node::Node;
use std::ops::RangeInclusive;
use store::Reader;

/// Most blocks that one request may search.
const BLOCKS_MAX: u64 = 10_000;
/// Most logs one answer may hold, unless they are those of one block, which can't be divided: its gas bounds them.
const LOGS_MAX: usize = 10_000;

/// Returns the logs that match, in order. A filter without blocks searches the latest one.
pub(crate) fn find(node: &Node, criteria: &Criteria) -> Answer<Vec<Log>> {
    let reader = node.reader().map_err(internal)?;
    let mut logs = Vec::new();
    let blocks_max = match node.development() {
        // Test suites search whole chains, and no other client waits.
        Some(_) => u64::MAX,
        None => BLOCKS_MAX,
    };
    let range = range(&reader, criteria, blocks_max)?;
    if *range.start() < reader.first_block() {
        return Err(pruned(reader.first_block()));
    }
    let is_divisible = range.start() < range.end();
    for number in range {
        abandonment::check()?;
        let Some(header) = reader.header(number).map_err(internal)? else { continue };
        if criteria.may_match(header.logs_bloom) {
            append(&reader, number, criteria, &mut logs)?;
        }
        if is_divisible && logs.len() > LOGS_MAX {
            return Err(too_large(format!(
                "query returned more than {LOGS_MAX} results: ask for fewer blocks"
            )));
        }
    }
    Ok(logs)
}

/// Returns the blocks to search.
fn range(reader: &Reader, criteria: &Criteria, blocks_max: u64) -> Answer<RangeInclusive<u64>> {
    match criteria.blocks() {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = reader.block_number(hash).map_err(internal)?;
            let number = number.ok_or_else(|| refused("unknown block"))?;
            Ok(number..=number)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            bound(reader.head().number, (*from_block, *to_block), blocks_max)
        }
    }
}

/// Returns the heights between two blocks; a block that is not named is the latest. Both must exist: otherwise an
/// incomplete answer would look like the answer for all blocks of the range.
fn bound(
    head: u64,
    (from, to): (Option<BlockNumberOrTag>, Option<BlockNumberOrTag>),
    blocks_max: u64,
) -> Answer<RangeInclusive<u64>> {
    let number = |block: Option<BlockNumberOrTag>| number_of(head, block.unwrap_or_default());
    let (from, to) = (number(from), number(to));
    if from.max(to) > head {
        return Err(invalid(format!(
            "block range extends beyond current head block: requested {}, head {head}",
            from.max(to)
        )));
    }
    if from > to {
        return Err(reversed(from, to));
    }
    if to - from >= blocks_max {
        return Err(too_large(format!(
            "query exceeds max block range {blocks_max}: ask for fewer blocks"
        )));
    }
    Ok(from..=to)
}

/// Returns the matching logs of the blocks from `next` on, and the height to continue from. The logs of one block are
/// never split.
pub(crate) fn since(reader: &Reader, criteria: &Criteria, next: u64) -> Answer<(Vec<Log>, u64)> {
    let head = reader.head().number;
    let (mut logs, mut number) = (Vec::new(), next);
    while number <= head && number - next < BLOCKS_MAX && logs.len() < LOGS_MAX {
        abandonment::check()?;
        if let Some(header) = reader.header(number).map_err(internal)?
            && criteria.admits(number, header.hash())
            && criteria.may_match(header.logs_bloom)
        {
            append(reader, number, criteria, &mut logs)?;
        }
        number += 1;
    }
    Ok((logs, number))
}

fn append(reader: &Reader, number: u64, criteria: &Criteria, logs: &mut Vec<Log>) -> Answer<()> {
    let Some(block) = reader.block(number).map_err(internal)? else { return Ok(()) };
    for receipt in blocks::block_receipts(reader, &block)? {
        let matching = receipt.logs().iter().filter(|log| criteria.matches(log));
        logs.extend(matching.cloned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_at_the_head_and_are_bound() {
        let check = |head, from: Option<u64>, to: Option<u64>, expected: Result<_, i32>| {
            let range = bound(head, (from.map(Into::into), to.map(Into::into)), BLOCKS_MAX);
            let range = range.map_err(|error| error.code());
            assert_eq!(range, expected, "{head} {from:?} {to:?}");
        };
        check(7, None, None, Ok(7..=7));
        check(7, Some(2), None, Ok(2..=7));
        check(7, Some(2), Some(3), Ok(2..=3));
        check(7, Some(2), Some(7), Ok(2..=7));
        check(7, Some(2), Some(8), Err(-32_602));
        check(7, Some(2), Some(u64::MAX), Err(-32_602));
        check(7, Some(9), None, Err(-32_602));
        check(7, Some(9), Some(12), Err(-32_602));
        check(20_000, Some(1), Some(10_000), Ok(1..=10_000));
        check(20_000, Some(0), Some(10_000), Err(-32_005));
        check(20_000, Some(0), None, Err(-32_005));
        check(7, Some(3), Some(2), Err(-32_602));
        check(7, None, Some(2), Err(-32_602));
    }
}
