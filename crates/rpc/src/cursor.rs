//! How far a client has been told of blocks.

use crate::error::{Answer, internal};
use node::Node;
use std::sync::Arc;
use store::Reader;

/// The next block to tell of. When a ledger for development goes back below it, it follows.
pub(crate) struct Cursor {
    pub(crate) next: u64,
    /// How often the ledger had gone back at the last look.
    rewinds: u64,
}

impl Cursor {
    /// Returns the place behind the newest block.
    pub(crate) fn at_head(node: &Node) -> Answer<Self> {
        let mut cursor = Self { next: u64::MAX, rewinds: 0 };
        let reader = cursor.look(node)?;
        cursor.next = reader.head().number.saturating_add(1);
        Ok(cursor)
    }

    /// Returns a place before all blocks.
    #[cfg(test)]
    pub(crate) fn at_genesis() -> Self {
        Self { next: 0, rewinds: 0 }
    }

    /// Returns the ledger as it is. Blocks that have taken the place of others, which it went back behind, are to be told of.
    pub(crate) fn look(&mut self, node: &Node) -> Answer<Arc<Reader>> {
        let Some(development) = node.development() else {
            return node.reader().map_err(internal);
        };
        let view = development.view(self.rewinds).map_err(internal)?;
        self.rewinds = view.rewinds;
        if let Some(height) = view.fork {
            self.next = self.next.min(height.saturating_add(1));
        }
        Ok(view.reader)
    }
}
