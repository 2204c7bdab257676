//! The position up to which a client has been sent blocks.

use crate::error::{Answer, internal};
use node::Node;
use std::sync::Arc;
use store::Reader;

/// The next block to report to a client. When a development ledger is reverted below it, it moves back, too.
pub(crate) struct Cursor {
    pub(crate) next: u64,
    /// The ledger's count of reverts at the last read.
    rewinds: u64,
}

impl Cursor {
    /// Returns a cursor after the newest block.
    pub(crate) fn at_head(node: &Node) -> Answer<Self> {
        let mut cursor = Self { next: u64::MAX, rewinds: 0 };
        let reader = cursor.advance(node)?;
        cursor.next = reader.head().number.saturating_add(1);
        Ok(cursor)
    }

    /// Returns a cursor before all blocks.
    #[cfg(test)]
    pub(crate) fn at_genesis() -> Self {
        Self { next: 0, rewinds: 0 }
    }

    /// Returns the current ledger. After a revert the cursor moves back, so that the blocks that replaced others are
    /// reported.
    pub(crate) fn advance(&mut self, node: &Node) -> Answer<Arc<Reader>> {
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
