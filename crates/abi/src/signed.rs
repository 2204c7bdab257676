//! Signed statements of devices, as the calls that bring them to the ledger.
//!
//! The same bytes go to a coordinator, to a node, or into a transaction: whoever has them can bring them to the ledger.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::{SolCall as _, SolInterface as _};

use crate::{
    Devices, STATEMENT_BYTES_MAX,
    TrainingRuns::{self, TrainingRunsCalls as Calls, Verdict},
    statement,
};

/// What a signed statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The account of a device.
    Link(Devices::linkCall),
    /// A run: an enrolment, a leave, a commitment or a verdict.
    Run {
        /// The run.
        run: u64,
        /// The device that signed.
        device: B256,
    },
}

/// Returns what a call is about, if it is the statement of a device. The signature is not checked.
#[must_use]
pub fn about(call: &[u8]) -> Option<About> {
    if call.len() > STATEMENT_BYTES_MAX {
        return None;
    }
    if let Ok(link) = Devices::linkCall::abi_decode_validate(call) {
        return Some(About::Link(link));
    }
    let (run, device) = match Calls::abi_decode_validate(call).ok()? {
        Calls::enroll(call) => (call.run, call.device),
        Calls::leave(call) => (call.run, call.device),
        Calls::commit(call) => (call.run, call.device),
        Calls::verdict(call) => (call.run, call.auditor),
        _ => return None,
    };
    Some(About::Run { run, device })
}

/// A device that signs: its public key, the ledger it signs for, and its signature over bytes.
pub struct Signer<'a> {
    /// The device.
    pub device: B256,
    /// Chain id of the ledger.
    pub chain_id: u64,
    /// Signs bytes with ed25519.
    pub sign: &'a dyn Fn(&[u8]) -> [u8; 64],
}

impl Signer<'_> {
    /// Returns the call of `Devices.link`.
    #[must_use]
    pub fn link(&self, account: [u8; 20], nonce: u64) -> Vec<u8> {
        let signature = self.over(&statement::link(self.chain_id, &self.device.0, &account, nonce));
        let account = account.into();
        Devices::linkCall { device: self.device, account, nonce, signature }.abi_encode()
    }

    /// Returns the call of `TrainingRuns.enroll`.
    #[must_use]
    pub fn enroll(&self, run: u64, nonce: u64) -> Vec<u8> {
        let signature = self.over(&statement::enroll(self.chain_id, run, &self.device.0, nonce));
        TrainingRuns::enrollCall { run, device: self.device, nonce, signature }.abi_encode()
    }

    /// Returns the call of `TrainingRuns.leave`.
    #[must_use]
    pub fn leave(&self, run: u64, nonce: u64) -> Vec<u8> {
        let signature = self.over(&statement::leave(self.chain_id, run, &self.device.0, nonce));
        TrainingRuns::leaveCall { run, device: self.device, nonce, signature }.abi_encode()
    }

    /// Returns the call of `TrainingRuns.commit`.
    #[must_use]
    pub fn commit(&self, run: u64, round: u32, seal: [u8; 32], update: [u8; 32]) -> Vec<u8> {
        let signed = statement::commit(self.chain_id, run, round, &seal, &update);
        let (signature, device) = (self.over(&signed), self.device);
        let (sealed, update) = (seal.into(), update.into());
        TrainingRuns::commitCall { run, round, device, sealedRoot: sealed, update, signature }
            .abi_encode()
    }

    /// Returns the call of `TrainingRuns.verdict`.
    #[must_use]
    pub fn verdict(
        &self,
        run: u64,
        round: u32,
        subject: [u8; 32],
        kind: Verdict,
        value: [u8; 32],
    ) -> Vec<u8> {
        let signed = statement::verdict(self.chain_id, run, round, &subject, kind, &value);
        let (signature, auditor) = (self.over(&signed), self.device);
        let (subject, value) = (subject.into(), value.into());
        TrainingRuns::verdictCall { run, round, subject, auditor, kind, value, signature }
            .abi_encode()
    }

    fn over(&self, statement: &[u8]) -> Bytes {
        (self.sign)(statement).to_vec().into()
    }
}
