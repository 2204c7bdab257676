//! Comparison with other implementations.

mod against_pytorch;
