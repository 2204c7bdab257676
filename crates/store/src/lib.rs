//! Keeps blocks and state on disk, one transaction a block.
