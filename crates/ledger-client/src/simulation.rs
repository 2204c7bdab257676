//! What calls would do, without sending them.

use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, Log, U64, U256};
use alloy_rpc_types_eth::{Log as WireLog, TransactionRequest};
use ledger_views::Ask as _;
use serde::Deserialize;
use serde_json::json;
use units::UnixSeconds;

use crate::{Ledger, LedgerError, error::shorten, refusal};

/// A call that is only simulated: nobody signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCall {
    /// Who would call.
    pub from: Address,
    /// Who would be called.
    pub to: Address,
    /// With how much GRAIN, in wei.
    pub value: U256,
    /// With which calldata.
    pub input: Bytes,
}

/// What a simulated call did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// What it returned, or why it failed, in words.
    pub result: Result<Bytes, String>,
    /// Gas used.
    pub gas: u64,
    /// Its events, in order. GRAIN that was sent as the value of calls is there as a `Transfer` of 0xeeee…eeee.
    pub logs: Vec<Log>,
}

#[derive(Deserialize)]
struct WireBlock {
    calls: Vec<WireCall>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCall {
    status: U64,
    return_data: Bytes,
    gas_used: U64,
    error: Option<WireError>,
    #[serde(default)]
    logs: Vec<WireLog>,
}

#[derive(Deserialize)]
struct WireError {
    message: String,
    data: Option<Bytes>,
}

impl Ledger {
    /// Returns what calls would do one after the other in the next block; each sees what those before it did. With `not_before` the block has at least that time.
    ///
    /// # Errors
    /// [`LedgerError`]. A call that fails is none of these.
    pub async fn simulate_calls(
        &self,
        calls: &[SimulatedCall],
        not_before: UnixSeconds,
    ) -> Result<Vec<Simulated>, LedgerError> {
        // On a ledger in development the next block may have the time of the newest one; a simulated block is later.
        let after_head = self.head().await?.time.after(1);
        let time = self.next_time().await?.max(after_head).max(not_before).as_u64();
        let request = |call: &SimulatedCall| {
            let request = TransactionRequest::default().from(call.from).to(call.to);
            request.value(call.value).input(call.input.clone().into())
        };
        let calls: Vec<_> = calls.iter().map(request).collect();
        let count = calls.len();
        let payload = json!({
            "blockStateCalls": [{ "blockOverrides": { "time": U64::from(time) }, "calls": calls }],
            "traceTransfers": true,
        });
        let mut blocks: Vec<WireBlock> =
            self.ask("eth_simulateV1", json!([payload, BlockId::latest()])).await?;
        match (blocks.pop(), blocks.is_empty()) {
            (Some(block), true) if block.calls.len() == count => {
                Ok(block.calls.into_iter().map(simulated).collect())
            }
            _ => Err(self.shared.node.malformed("another number of simulated calls")),
        }
    }
}

fn simulated(call: WireCall) -> Simulated {
    let result = if call.status.is_zero() {
        Err(match call.error {
            Some(WireError { data: Some(data), .. }) if !data.is_empty() => {
                shorten(&refusal::in_words(&data))
            }
            Some(WireError { message, .. }) => shorten(&message),
            None => "no reason was given".to_owned(),
        })
    } else {
        Ok(call.return_data)
    };
    let logs = call.logs.into_iter().map(|log| log.inner).collect();
    Simulated { result, gas: call.gas_used.to(), logs }
}

#[cfg(test)]
mod tests {
    use abi::Brake;
    use alloy_sol_types::SolError as _;

    use super::*;

    #[test]
    fn a_failed_call_says_why() {
        let check = |status: &str, error: serde_json::Value, expected: Result<Bytes, &str>| {
            let call = json!({ "status": status, "returnData": "0x12", "gasUsed": "0x5208", "error": error });
            let call = simulated(serde_json::from_value(call).unwrap());
            assert_eq!(call.result, expected.map_err(str::to_owned));
            assert_eq!((call.gas, call.logs.len()), (21_000, 0));
        };
        check("0x1", json!(null), Ok(Bytes::from_static(&[0x12])));
        check("0x0", json!(null), Err("no reason was given"));
        let halted = json!({ "code": -32015, "message": "out of gas\u{1b}" });
        check("0x0", halted, Err("out of gas "));
        let data = Bytes::from(Brake::NothingLocked {}.abi_encode());
        let reverted = json!({ "code": 3, "message": "execution reverted", "data": data });
        check("0x0", reverted, Err("you have locked nothing against this proposal"));
    }
}
