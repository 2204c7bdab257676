//! Keeps account and device keys on disk.
