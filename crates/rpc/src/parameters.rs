//! Parameters, and which block they mean.

use crate::error::{Answer, internal, invalid, not_pending, refused};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U64;
use jsonrpsee::types::{Params, params::ParamsSequence};
use node::{CallBlock, Node, StateView};
use serde::{Deserialize, de::DeserializeOwned};
use std::sync::Arc;
use store::Reader;

/// A count as a number, as some clients send it, or as a hexadecimal string.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(crate) enum Count {
    Number(u64),
    Quantity(U64),
}

impl Count {
    pub(crate) fn value(self) -> u64 {
        match self {
            Self::Number(count) => count,
            Self::Quantity(count) => count.to(),
        }
    }
}

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

/// Two parameters.
pub(crate) fn two<A: DeserializeOwned, B: DeserializeOwned>(params: &Params<'_>) -> Answer<(A, B)> {
    parse(params, |sequence| Ok((sequence.next()?, sequence.next()?)))
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

/// The state that is meant, the latest unless named. The pending one has the waiting transactions executed in it.
pub(crate) fn state(node: &Node, block: Option<BlockId>) -> Answer<StateView> {
    let block = block.unwrap_or_default();
    if block == BlockId::pending() {
        return node.pending_view().map_err(not_pending);
    }
    let reader = node.reader().map_err(internal)?;
    let number = height(&reader, block)?.ok_or_else(|| refused("header not found"))?;
    let reader = match number == reader.head().number {
        true => reader,
        false => Arc::new(state_at(&reader, number)?),
    };
    Ok(node.view(reader, CallBlock::Same))
}

/// The state after a block.
pub(crate) fn state_at(reader: &Reader, number: u64) -> Answer<Reader> {
    let missing = || {
        let (oldest, head) = (reader.oldest_state(), reader.head().number);
        refused(format!(
            "missing state of block {number}: those of blocks {oldest} to {head} are kept"
        ))
    };
    reader.at(number).map_err(internal)?.ok_or_else(missing)
}
