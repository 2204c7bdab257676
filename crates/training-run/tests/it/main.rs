//! Tests of the rules of a training run.
