//! Against other implementations.

mod against_pytorch;
