//! The data that the methods read.

use crate::{
    blocking::Blocking, client_version::ClientVersion, filter_store::Filters,
    parameters::BlockNumbers, server::Options,
};
use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use node::Node;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The node, and the state that is kept for clients.
pub(crate) struct Context {
    pub(crate) node: Node,
    pub(crate) client_version: ClientVersion,
    /// The accounts that the node signs for; none, except in development.
    pub(crate) accounts: Vec<PrivateKeySigner>,
    /// Which thread reads the disk.
    pub(crate) blocking: Blocking,
    /// Largest result, in bytes.
    pub(crate) response_size_max: usize,
    filters: Mutex<Filters>,
    sending: Mutex<()>,
}

impl Context {
    pub(crate) fn new(node: Node, options: &Options) -> Self {
        let accounts = match node.development() {
            Some(_) => options.accounts.clone(),
            None => Vec::new(),
        };
        Self {
            node,
            client_version: options.client_version,
            accounts,
            blocking: options.blocking,
            response_size_max: usize::try_from(options.response_size_max).unwrap_or(usize::MAX),
            filters: Mutex::default(),
            sending: Mutex::default(),
        }
    }

    /// Returns how clients of this node may write block numbers.
    pub(crate) fn numbers(&self) -> BlockNumbers {
        match self.node.development() {
            Some(_) => BlockNumbers::Plain,
            None => BlockNumbers::Quoted,
        }
    }

    /// Returns the filters. They are consistent even after a panic: a poll changes a filter only as its last step.
    pub(crate) fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn account(&self, address: &Address) -> Option<&PrivateKeySigner> {
        self.accounts.iter().find(|key| key.address() == *address)
    }

    /// Locks out other sends: held from the choice of a nonce until the mempool has the transaction.
    pub(crate) fn sending(&self) -> MutexGuard<'_, ()> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
