//! Hardhat's answer to a transaction that failed in a block: an error with the reason instead of the hash.
//!
//! Anvil and Ethereum's own nodes return the hash, and the receipt says that the transaction failed; so does this
//! node under any other client version. Hardhat's matchers for reverts support only the error when they detect a
//! hardhat node, and they detect one by the method `hardhat_metadata`.

use crate::{
    client_version::ClientVersion,
    context::Context,
    error::{Answer, ErrorObject, INTERNAL_ERROR_CODE, internal},
    traces,
};
use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{Panic, Revert, SolError};
use execution::Frame;
use serde_json::json;

/// Returns the hash of a submitted transaction; as hardhat, returns an error if the transaction failed.
pub(super) fn hash_or_error(context: &Context, hash: B256) -> Answer<B256> {
    if context.client_version != ClientVersion::Hardhat {
        return Ok(hash);
    }
    let reader = context.node.reader().map_err(internal)?;
    // Where blocks are not produced at once, the transaction is still in the mempool, and has not failed.
    let Some(location) = reader.locate(&hash).map_err(internal)? else { return Ok(hash) };
    let receipts = reader.receipts(location.block_number).map_err(internal)?;
    let receipt = receipts.and_then(|receipts| receipts.into_iter().nth(location.index));
    if receipt.is_none_or(|receipt| receipt.status()) {
        return Ok(hash);
    }
    Err(failed(hash, &traces::outermost(&context.node, hash)?))
}

/// Returns hardhat's error: test suites compare its text, and its matchers read its data.
fn failed(hash: B256, frame: &Frame) -> ErrorObject {
    let message = message(frame);
    let data = match is_revert(frame) {
        true => frame.output.clone(),
        false => Bytes::new(),
    };
    let data = json!({ "message": message, "txHash": hash, "data": data });
    ErrorObject::with_data(INTERNAL_ERROR_CODE, message, &data)
}

fn is_revert(frame: &Frame) -> bool {
    frame.error.as_deref() == Some("execution reverted")
}

fn message(frame: &Frame) -> String {
    const BEGINNING: &str = "VM Exception while processing transaction";
    let output = &frame.output;
    if !is_revert(frame) {
        let error = frame.error.as_deref().unwrap_or("failed");
        return format!("{BEGINNING}: {error}");
    }
    if output.is_empty() {
        return "Transaction reverted without a reason string".to_owned();
    }
    if let Ok(Revert { reason }) = Revert::abi_decode(output) {
        return format!("{BEGINNING}: reverted with reason string '{reason}'");
    }
    if let Ok(Panic { code }) = Panic::abi_decode(output) {
        return format!("{BEGINNING}: reverted with panic code {code:#x}");
    }
    format!("{BEGINNING}: reverted with an unrecognized custom error (return data: {output})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, U256, bytes};
    use execution::FrameKind;

    #[test]
    fn failures_have_hardhats_text() {
        let check = |error: &str, output: Bytes, expected: &str| {
            let frame = Frame {
                kind: FrameKind::Call,
                from: Address::ZERO,
                to: None,
                value: None,
                gas: 0,
                gas_used: 0,
                input: Bytes::new(),
                output,
                error: Some(error.to_owned()),
                logs: Vec::new(),
                calls: Vec::new(),
            };
            assert_eq!(message(&frame), expected);
        };
        let reverted = |output, expected: &str| check("execution reverted", output, expected);
        reverted(Bytes::new(), "Transaction reverted without a reason string");
        reverted(
            Revert { reason: "too late".to_owned() }.abi_encode().into(),
            "VM Exception while processing transaction: reverted with reason string 'too late'",
        );
        reverted(
            Panic { code: U256::from(0x11) }.abi_encode().into(),
            "VM Exception while processing transaction: reverted with panic code 0x11",
        );
        reverted(
            bytes!("c0ffee"),
            "VM Exception while processing transaction: reverted with an unrecognized custom error (return data: 0xc0ffee)",
        );
        check("out of gas", Bytes::new(), "VM Exception while processing transaction: out of gas");
    }
}
