//! The types of parameters, each with the form that an error names.

use super::BlockNumbers;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{
    BlockOverrides, Filter, TransactionRequest, simulate::SimulatePayload, state::StateOverride,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// A type of parameter.
pub(crate) trait Parameter: DeserializeOwned {
    /// Its name and how it is written.
    const FORM: &'static str;

    /// Parses it from JSON text.
    fn read(text: &str, _: BlockNumbers) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

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

macro_rules! forms {
    ($($kind:ty => $form:literal,)*) => {
        $(impl Parameter for $kind { const FORM: &'static str = $form; })*
    };
}

forms! {
    Address => "an address (0x and 40 hexadecimal digits)",
    B256 => "a hash (0x and 64 hexadecimal digits)",
    Bytes => "bytes (0x and an even number of hexadecimal digits)",
    U256 => "a quantity (0x and at most 64 hexadecimal digits)",
    Vec<U256> => "a list of quantities (0x and at most 64 hexadecimal digits each)",
    Vec<f64> => "a list of numbers",
    Count => "a count (a number, or 0x and at most 16 hexadecimal digits)",
    String => "a string",
    bool => "true or false",
    Value => "a value",
    TransactionRequest => "a transaction object (from, to, value, data, ...)",
    Filter => "a filter object (address, topics, and fromBlock and toBlock or blockHash)",
    StateOverride => "state overrides (an object from addresses to balance, nonce, code, and state or stateDiff)",
    BlockOverrides => "block overrides (number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas)",
    SimulatePayload => "a simulation object (blockStateCalls, validation, traceTransfers, ...)",
}

/// Returns a number without quotes, where the node accepts it as a block number.
fn plain_number(text: &str, numbers: BlockNumbers) -> Option<u64> {
    match numbers {
        BlockNumbers::Plain => text.parse().ok(),
        BlockNumbers::Quoted => None,
    }
}

impl Parameter for BlockNumberOrTag {
    const FORM: &'static str =
        "a block (\"latest\" or another tag, or a number as \"0x\" and hexadecimal digits)";

    fn read(text: &str, numbers: BlockNumbers) -> Option<Self> {
        match plain_number(text, numbers) {
            Some(number) => Some(number.into()),
            None => serde_json::from_str(text).ok(),
        }
    }
}

impl Parameter for BlockId {
    const FORM: &'static str = "a block (\"latest\" or another tag, a number as \"0x\" and hexadecimal digits, a hash, or an object with blockHash or blockNumber)";

    fn read(text: &str, numbers: BlockNumbers) -> Option<Self> {
        match plain_number(text, numbers) {
            Some(number) => Some(number.into()),
            None => serde_json::from_str(text).ok(),
        }
    }
}
