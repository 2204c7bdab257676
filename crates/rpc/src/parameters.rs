//! Parses parameters, and finds the blocks that they name.

mod fault;
mod forms;

use crate::connections::Peer;
use crate::error::{Answer, internal, invalid, not_pending, refused};
use alloy_eips::{BlockId, BlockNumberOrTag};
use node::{CallBlock, Node, StateView};
use serde_json::value::RawValue;
use std::sync::Arc;
use store::Reader;

pub(crate) use forms::{Count, Parameter};

/// Most parameters that are parsed; no method has as many.
const PARAMETERS_MAX: usize = 16;

/// How clients may write block numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockNumbers {
    /// As in Ethereum's specification: hexadecimal digits in a string.
    Quoted,
    /// Also as JSON numbers, as anvil and hardhat accept them.
    Plain,
}

/// The parameters of a request, as JSON text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<'a> {
    text: Option<&'a RawValue>,
    numbers: BlockNumbers,
    peer: Option<Peer>,
}

impl<'a> Params<'a> {
    pub(crate) fn new(text: Option<&'a RawValue>, numbers: BlockNumbers) -> Self {
        Self { text, numbers, peer: None }
    }

    /// Returns the parameters with the client that gave them.
    pub(crate) fn of(self, peer: Peer) -> Self {
        Self { peer: Some(peer), ..self }
    }

    /// Returns the client that gave them; known to methods that wait.
    pub(crate) fn peer(&self) -> Option<Peer> {
        self.peer
    }
}

/// Reads the parameters of a list one after the other.
pub(crate) struct Sequence<'a> {
    rest: std::vec::IntoIter<&'a RawValue>,
    /// The position of the parameter that was read last, from 1.
    position: usize,
    numbers: BlockNumbers,
}

impl Sequence<'_> {
    /// Reads a required parameter.
    pub(crate) fn next<T: Parameter>(&mut self) -> Answer<T> {
        self.position += 1;
        match self.rest.next() {
            Some(raw) => self.read(raw),
            None => Err(invalid(format!(
                "missing value for required argument {}: {}",
                self.position,
                T::FORM
            ))),
        }
    }

    /// Reads an optional parameter, which may be missing or null.
    pub(crate) fn optional_next<T: Parameter>(&mut self) -> Answer<Option<T>> {
        self.position += 1;
        match self.rest.next() {
            Some(raw) if raw.get() != "null" => self.read(raw).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    fn read<T: Parameter>(&self, raw: &RawValue) -> Answer<T> {
        T::read(raw.get(), self.numbers)
            .ok_or_else(|| invalid(fault::message::<T>(raw.get(), self.position, self.numbers)))
    }
}

/// Parses the parameters with `read`. A parameter that `read` leaves over is an error, so that nothing in a request
/// is silently ignored.
pub(crate) fn parse<T>(
    params: &Params<'_>,
    read: impl FnOnce(&mut Sequence<'_>) -> Answer<T>,
) -> Answer<T> {
    let text = params.text.map_or("[]", RawValue::get);
    if !text.starts_with('[') {
        return Err(invalid("invalid params: pass them as a list"));
    }
    let list: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let count = list.len();
    if count > PARAMETERS_MAX {
        return Err(invalid(format!("too many arguments: {count}, no method has as many")));
    }
    let numbers = params.numbers;
    let mut sequence = Sequence { rest: list.into_iter(), position: 0, numbers };
    let parsed = read(&mut sequence)?;
    let taken = sequence.position;
    match sequence.rest.find(|extra| extra.get() != "null") {
        None => Ok(parsed),
        Some(_) => Err(invalid(format!("too many arguments: {count}, want at most {taken}"))),
    }
}

/// Parses one parameter.
pub(crate) fn one<T: Parameter>(params: &Params<'_>) -> Answer<T> {
    parse(params, |sequence| sequence.next())
}

/// Parses two parameters.
pub(crate) fn two<A: Parameter, B: Parameter>(params: &Params<'_>) -> Answer<(A, B)> {
    parse(params, |sequence| Ok((sequence.next()?, sequence.next()?)))
}

/// Parses one parameter and an optional block.
pub(crate) fn one_at<T: Parameter>(params: &Params<'_>) -> Answer<(T, Option<BlockId>)> {
    parse(params, |sequence| Ok((sequence.next()?, sequence.optional_next()?)))
}

/// Returns the height of a block; `None` if the block does not exist. `pending` is the latest block.
pub(crate) fn height(reader: &Reader, block: BlockId) -> Answer<Option<u64>> {
    let head = reader.head().number;
    match block {
        BlockId::Hash(hash) => reader.block_number(&hash.block_hash).map_err(internal),
        BlockId::Number(number) => {
            Ok(Some(number_of(head, number)).filter(|number| *number <= head))
        }
    }
}

/// Returns the height that a tag stands for.
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

/// Returns the state after a block.
pub(crate) fn state_at(reader: &Reader, number: u64) -> Answer<Reader> {
    let missing = || {
        let (oldest, head) = (reader.oldest_state(), reader.head().number);
        refused(format!(
            "missing state of block {number}: those of blocks {oldest} to {head} are kept"
        ))
    };
    reader.at(number).map_err(internal)?.ok_or_else(missing)
}
