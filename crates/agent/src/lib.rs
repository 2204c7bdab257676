//! Decides when a machine works for others, and what its owner is left with.
