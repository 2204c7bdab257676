//! Parameters, and which block they mean.

use crate::error::{Answer, internal, invalid, refused};
use alloy_eips::{BlockId, BlockNumberOrTag};
use jsonrpsee::types::{Params, params::ParamsSequence};
use node::CallBlock;
use serde::de::DeserializeOwned;
use store::Reader;

/// Reads the parameters with `read`; more than it reads are an error, so that nothing a client asks for is silently left out.
pub(crate) fn parse<T>(
    params: &Params<'_>,
    read: impl FnOnce(&mut ParamsSequence<'_>) -> Answer<T>,
) -> Answer<T> {
    if params.is_object() {
        return Err(invalid("invalid params: pass them as a list"));
    }
    let mut sequence = params.sequence();
    let parsed = read(&mut sequence)?;
    match sequence.optional_next::<serde_json::Value>()? {
        None => Ok(parsed),
        Some(extra) => Err(invalid(format!("invalid params: {} too many", kind(&extra)))),
    }
}

fn kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Object(_) => "an object",
        serde_json::Value::Array(_) => "a list",
        _ => "a value",
    }
}

/// The only parameter.
pub(crate) fn one<T: DeserializeOwned>(params: &Params<'_>) -> Answer<T> {
    parse(params, |sequence| sequence.next())
}

/// One parameter and perhaps a block.
pub(crate) fn one_at<T: DeserializeOwned>(params: &Params<'_>) -> Answer<(T, Option<BlockId>)> {
    parse(params, |sequence| Ok((sequence.next()?, sequence.optional_next()?)))
}

/// Height of the block meant; `None` if there is none. A block that is pending is taken for the latest.
pub(crate) fn height(reader: &Reader, block: BlockId) -> Answer<Option<u64>> {
    let head = reader.head().number;
    match block {
        BlockId::Hash(hash) => reader.block_number(&hash.block_hash).map_err(internal),
        BlockId::Number(number) => {
            Ok(Some(number_of(head, number)).filter(|number| *number <= head))
        }
    }
}

/// The number a tag stands for.
pub(crate) fn number_of(head: u64, block: BlockNumberOrTag) -> u64 {
    match block {
        BlockNumberOrTag::Number(number) => number,
        BlockNumberOrTag::Earliest => 0,
        BlockNumberOrTag::Latest
        | BlockNumberOrTag::Safe
        | BlockNumberOrTag::Finalized
        | BlockNumberOrTag::Pending => head,
    }
}

/// Which block's state is meant, if we have it: the head's only.
pub(crate) fn state(reader: &Reader, block: Option<BlockId>) -> Answer<CallBlock> {
    let block = block.unwrap_or_default();
    if block == BlockId::pending() {
        return Ok(CallBlock::Next);
    }
    let head = reader.head().number;
    match height(reader, block)? {
        None => Err(refused("header not found")),
        Some(number) if number == head => Ok(CallBlock::Latest),
        Some(number) => Err(refused(format!(
            "missing state of block {number}: only that of the latest block, {head}, is kept"
        ))),
    }
}
