//! Executes a block of transactions, purely.
