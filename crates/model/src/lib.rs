//! A decoder-only transformer with explicit forward and backward passes, bit-exact on every machine.
