//! What hardhat tells of a transaction that got into a block and failed: its sender gets an error with what it reverted with, not its hash.
//!
//! Anvil and Ethereum's own nodes tell the hash, and the receipt says that it failed; so do we under any other name. Hardhat's matchers for
//! reverts know only the first way when they take a node for hardhat, and they take every node for it that has `hardhat_metadata`.

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

/// The hash of a transaction that was handed in, or, as hardhat tells it, how it failed.
pub(super) fn told(context: &Context, hash: B256) -> Answer<B256> {
    if context.client_version != ClientVersion::Hardhat {
        return Ok(hash);
    }
    let reader = context.node.reader().map_err(internal)?;
    // Where blocks are not made at once it waits, and has not failed yet.
    let Some(location) = reader.locate(&hash).map_err(internal)? else { return Ok(hash) };
    let receipts = reader.receipts(location.block_number).map_err(internal)?;
    let receipt = receipts.and_then(|receipts| receipts.into_iter().nth(location.index));
    if receipt.is_none_or(|receipt| receipt.status()) {
        return Ok(hash);
    }
    Err(failed(hash, &traces::outermost(&context.node, hash)?))
}

/// Code, words and data are hardhat's: suites look for the words, its matchers for the data.
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
    fn failures_are_told_in_hardhats_words() {
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
