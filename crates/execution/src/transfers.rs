//! Adds transfers of GRAIN to the logs, in order.

use alloy_primitives::{Address, B256, Bytes, Log, U256, address, b256};
use revm::{
    Inspector,
    context_interface::{ContextTr, JournalTr},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, InstructionResult, InterpreterTypes,
    },
};

/// The address of these logs, which stands for the native asset in `eth_simulateV1`.
pub const TRANSFERS: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Logs and transfers that were not reverted, in order.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    logs: Vec<Log>,
    /// Number of logs at the beginning of each running frame.
    marks: Vec<usize>,
}

impl Transfers {
    pub(crate) fn into_logs(self) -> Vec<Log> {
        self.logs
    }

    fn begin(&mut self) {
        self.marks.push(self.logs.len());
    }

    fn end(&mut self, result: InstructionResult) {
        let mark = self.marks.pop().unwrap_or_default();
        if !result.is_ok() {
            self.logs.truncate(mark);
        }
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = Bytes::from(value.to_be_bytes::<32>());
            self.logs.push(Log::new_unchecked(TRANSFERS, topics, data));
        }
    }
}

impl<CTX: ContextTr, T: InterpreterTypes> Inspector<CTX, T> for Transfers {
    fn log(&mut self, _: &mut CTX, log: Log) {
        self.logs.push(log);
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.begin();
        let value = inputs.transfer_value().unwrap_or_default();
        self.transfer(inputs.transfer_from(), inputs.transfer_to(), value);
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(outcome.result.result);
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.begin();
        let nonce = context.journal_mut().load_account(inputs.caller()).ok()?.data.info.nonce;
        self.transfer(inputs.caller(), inputs.created_address(nonce), inputs.value());
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(outcome.result.result);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
