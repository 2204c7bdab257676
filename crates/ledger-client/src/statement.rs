//! Signed statements of devices and referees, which a node brings into a block.

use alloy_primitives::{Address, B256, Bytes};
use serde_json::json;

use crate::{Ledger, LedgerError};

impl Ledger {
    /// Gives a signed statement to the node, which brings it into a block; returns the hash of the transaction.
    ///
    /// # Errors
    /// [`LedgerError`]: in particular [`LedgerError::Refused`] when a rule refuses the statement.
    pub async fn submit_statement(
        &self,
        to: Address,
        calldata: &[u8],
    ) -> Result<B256, LedgerError> {
        let calldata = Bytes::copy_from_slice(calldata);
        self.ask("gleaner_submitStatement", json!([to, calldata])).await
    }
}
