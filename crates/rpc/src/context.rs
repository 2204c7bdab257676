//! What the methods answer from.

use crate::filters::Filters;
use node::Node;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A node, and what is kept for clients.
pub(crate) struct Context {
    pub(crate) node: Node,
    filters: Mutex<Filters>,
}

impl Context {
    pub(crate) fn new(node: Node) -> Self {
        Self { node, filters: Mutex::default() }
    }

    /// The filters. Whoever panicked while holding them left them whole: a filter is changed at the end of a look.
    pub(crate) fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
