//! Drives a training run: rounds, aggregation, checkpoints, the ledger.
