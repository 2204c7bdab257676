//! Brings signed statements of devices into blocks, so that nobody can keep one from the ledger.
//!
//! A device has no account and no gas: it gives its statement to any node, which pays for the transaction and gets the run's relay fee.
//!
//! 1. [`Node::submit_statement`] takes the calldata of a statement, and calls that anybody may make so that a run goes on
//!    ([`statement`]). It executes the call on the head's state first: what would be refused is refused at once, and
//!    costs the node no gas and the device nothing of its allowance.
//! 2. The statement waits in a [`queue`] with shares for each device and each client, and [`limits`] say how often a
//!    device may come.
//! 3. One thread, the [`courier`], sends what waits: many statements in one transaction `TrainingRuns.relay`, others each
//!    in one of their own, all signed by the node's relay account. When these are in a block it sends the next ones, so
//!    there is at most one `relay` for each block.
//! 4. Anyone can make keys, and nobody pays the node for links, enrolments and leaves: they take of allowances of their own, of the client's and of all
//!    clients together, have a small part of the queue and of each block, and none of the relay account's last funds.
//! 5. Transactions of the relay account go before all others (`mempool`), and together they take at most a third of the block's gas. So neither
//!    a full mempool nor high tips of others delay a statement.
//!
//! `relay` goes on after a statement that is refused, so one that became invalid meanwhile does not stop the others; its
//! device is slowed.
//!
//! What waits here is in memory only: whoever submitted it has no answer yet, and submits it again after a restart. What was
//! answered with a hash is in the mempool and its journal. On a development ledger each statement is sent at once.

mod courier;
mod error;
mod limits;
mod queue;
mod statement;

use crate::{
    node::{Node, Shared},
    producer,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use ed25519_dalek::SigningKey;
use queue::{Accepted, Queue, Share};
use std::{
    net::IpAddr,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

pub(crate) use courier::Courier;
pub use error::StatementError;
pub use queue::{WAITING_MAX, WAITING_PER_CLIENT_MAX, WAITING_PER_DEVICE_MAX};

/// First bytes of what the relay account's key is derived from.
const CONTEXT: &[u8] = b"gleaner/relay-account/v1";

/// The relay account and the statements that wait for it.
pub(crate) struct Relay {
    signer: PrivateKeySigner,
    queue: Mutex<Queue>,
    /// Used with the queue: notified when a statement comes, or the node stops.
    wake: Condvar,
    /// Held from the choice of a nonce until the mempool has the transaction.
    sending: Mutex<()>,
}

/// A statement that waits for its transaction.
#[derive(Debug)]
pub struct StatementTicket(oneshot::Receiver<Result<B256, StatementError>>);

impl StatementTicket {
    /// Waits until the statement is in a transaction, and returns its hash. The statement stays in the queue if nobody waits.
    ///
    /// # Errors
    /// [`StatementError`] when it is not sent.
    pub async fn sent(self) -> Result<B256, StatementError> {
        self.0.await.unwrap_or(Err(StatementError::Stopping))
    }
}

impl Relay {
    pub(crate) fn new(key: &SigningKey) -> Self {
        let (queue, wake, sending) = Default::default();
        Self { signer: relay_key(key), queue, wake, sending }
    }

    pub(crate) fn account(&self) -> Address {
        self.signer.address()
    }

    /// Returns the queue. Every change of it is complete, also after a panic of another thread.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sending(&self) -> MutexGuard<'_, ()> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the address of the account that relays statements for the node with that key.
pub(crate) fn relay_account(key: &SigningKey) -> Address {
    relay_key(key).address()
}

/// Returns the key of the relay account: whoever has the node's key has it, and it says nothing about the node's key.
fn relay_key(key: &SigningKey) -> PrivateKeySigner {
    let attempt = |counter: u8| {
        let secret = keccak256([CONTEXT, &key.to_bytes(), &[counter]].concat());
        PrivateKeySigner::from_bytes(&secret).ok()
    };
    (0..=u8::MAX).find_map(attempt).expect("of 256 hashes one is below the order of secp256k1")
}

impl Node {
    /// Returns the account that pays for bringing statements into blocks; its key is derived from the node's.
    #[must_use]
    pub fn relay_account(&self) -> Address {
        self.shared().relay.account()
    }

    /// Takes a device's statement, to bring it into a block: the calldata of `enroll`, `leave`, `commit`, `verdict`
    /// or `rule` of `TrainingRuns` or of `link` of `Devices`; or a call that anybody may make so that a run goes on: `draw`,
    /// `settle`, `expire`, `close`, `lapse`, `abandon`. `client` is who sent it here.
    ///
    /// # Errors
    /// [`StatementError`]: no such statement, refused by the ledger, too many, or the relay account lacks funds.
    pub fn submit_statement(
        &self,
        to: Address,
        data: Bytes,
        client: IpAddr,
    ) -> Result<StatementTicket, StatementError> {
        self.check_running()?;
        let statement = statement::parse(to, data)?;
        let (answer, ticket) = oneshot::channel();
        let ticket = StatementTicket(ticket);
        let shared = self.shared();
        let Some(answer) = shared.relay.queue().join(&statement, answer) else { return Ok(ticket) };
        let share = Share::of(&statement, client);
        let now = producer::now();
        shared.relay.queue().check_room(&share, now)?;
        // Without the lock: only what the ledger would accept counts for a device.
        let (gas, height) = shared.try_statement(&statement)?;
        // What nobody pays for must not take what brings the statements of runs into a block.
        let reserve = if statement.is_gift { shared.statement_gas_max() } else { 0 };
        shared.check_funds(gas.saturating_add(reserve))?;
        let accepted = Accepted { statement, share, gas, height };
        match self.development() {
            None => {
                shared.relay.queue().push(accepted, answer, now)?;
                shared.relay.wake.notify_all();
            }
            Some(development) => {
                shared.relay.queue().charge(&accepted.share, now)?;
                let _sending = shared.relay.sending();
                let take = |transaction| Ok(development.take(transaction)?);
                // It does not matter if the caller has gone.
                let _ = answer.send(shared.send_at_once(&accepted, take));
            }
        }
        Ok(ticket)
    }
}

impl Shared {
    /// Executes a statement on the head's state as it would be in the next block; returns its gas and the head's height.
    fn try_statement(
        &self,
        statement: &statement::Statement,
    ) -> Result<(u64, u64), StatementError> {
        let reader = self.reader()?;
        let height = reader.head().number;
        let view = self.next_view(reader);
        let gas = self.try_call(&view, statement.to, statement.data.clone())?;
        Ok((gas, height))
    }

    /// Checks that the relay account can pay for `gas` now.
    fn check_funds(&self, gas: u64) -> Result<(), StatementError> {
        let account = self.relay.account();
        let balance = self.reader()?.account(&account)?.map_or(U256::ZERO, |it| it.balance);
        let needed = U256::from(gas).saturating_mul(U256::from(self.next_base_fee()));
        match balance < needed {
            true => Err(StatementError::NoFunds { account, balance, needed }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_account_follows_from_the_nodes_key() {
        let account = |byte| relay_account(&SigningKey::from_bytes(&[byte; 32]));
        assert_eq!(account(1), account(1));
        assert_ne!(account(1), account(2));
        // Operators have sent funds there.
        golden::check!("relay-account.txt", &format!("{}\n", account(1)));
    }
}
