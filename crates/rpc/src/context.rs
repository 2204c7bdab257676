//! What the methods answer from.

use crate::{
    client_version::ClientVersion, filter_store::Filters, parameters::BlockNumbers, server::Options,
};
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
    /// Most bytes of a result.
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
            response_size_max: usize::try_from(options.response_size_max).unwrap_or(usize::MAX),
            filters: Mutex::default(),
            sending: Mutex::default(),
        }
    }

    /// How clients may write numbers of blocks here.
    pub(crate) fn numbers(&self) -> BlockNumbers {
        match self.node.development() {
            Some(_) => BlockNumbers::Plain,
            None => BlockNumbers::Quoted,
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
