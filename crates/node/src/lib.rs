//! One ledger: mempool, block production, queries.
