//! Text in content-addressed shards, and which device reads which.
//!
//! Decides how a trainer's text becomes shards with digests, which shards a device reads in a round, and which bytes
//! of them are the batch of a step:
//!
//! 1. The trainer's machine reads a file or a folder ([`Corpus::from_path`]), keeps the end for validation and splits
//!    the rest into shards. The [`Manifest`] lists their digests; the terms of the run contain the digest of the
//!    manifest.
//! 2. In each round a device derives its shards from public data: [`assignment`] of a [`Draw`].
//! 3. In each step [`Batcher::fill`] draws windows of bytes and the bytes that follow them.
//!
//! Invariants: no byte is used both for training and for validation; the same text gives the same manifest; draws
//! depend only on the seed, the round and the device, so anyone can repeat them; every draw is free of modulo bias.
//!
//! The crate does not tokenize (a token is a byte), fetch shards, or keep them on disk.

mod cut;
mod draw;
mod manifest;
mod text;

pub use cut::{Corpus, Cut, NotTheShards, SHARD_SIZE, VALIDATION_EVALUATED_SIZE_MAX};
pub use draw::{BatchError, Batcher, Draw, assignment};
pub use manifest::{Manifest, ManifestError, Piece, SHARD_COUNT_MAX, SHARD_SIZE_MAX};
pub use text::CorpusError;
