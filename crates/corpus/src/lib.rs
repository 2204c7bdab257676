//! Text in content-addressed shards, and which device reads which.
