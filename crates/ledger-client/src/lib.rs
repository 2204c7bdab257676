//! Talks to a node as an ordinary Ethereum client would.
