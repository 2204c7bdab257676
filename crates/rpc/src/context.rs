//! What the methods answer from.

use crate::{filters::Filters, server::ClientVersion};
use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use node::Node;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A node, and what is kept for clients.
pub(crate) struct Context {
    pub(crate) node: Node,
    pub(crate) client_version: ClientVersion,
    /// Those that the node signs for: none, but in development.
    pub(crate) accounts: Vec<PrivateKeySigner>,
    filters: Mutex<Filters>,
    sending: Mutex<()>,
}

impl Context {
    pub(crate) fn new(
        node: Node,
        client_version: ClientVersion,
        accounts: Vec<PrivateKeySigner>,
    ) -> Self {
        let accounts = if node.development().is_some() { accounts } else { Vec::new() };
        Self {
            node,
            client_version,
            accounts,
            filters: Mutex::default(),
            sending: Mutex::default(),
        }
    }

    /// The filters. Whoever panicked while holding them left them whole: a filter is changed at the end of a look.
    pub(crate) fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn account(&self, address: &Address) -> Option<&PrivateKeySigner> {
        self.accounts.iter().find(|key| key.address() == *address)
    }

    /// Held from the choice of a nonce until its transaction is taken.
    pub(crate) fn sending(&self) -> MutexGuard<'_, ()> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
