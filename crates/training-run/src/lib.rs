//! The rules of a training run: a pure state machine from escrow to payout.
