//! Moves messages and blobs between coordinator and workers.
