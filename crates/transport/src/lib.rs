//! Moves messages and blobs between coordinator and workers.
//!
//! A device's ed25519 key is its address: every peer is authenticated, or there is no connection. Content is
//! identified by its BLAKE3 digest and verified when it arrives, so it does not matter who serves it.
//!
//! 1. A worker connects to the coordinator with the protocol `gleaner/evidence/1`. On this connection the *worker*
//!    serves blobs, so that the coordinator can fetch from a device that accepts no connections. The coordinator
//!    sends one byte on a stream of its own when it is ready.
//! 2. The worker connects with `gleaner/blobs/1`: there the coordinator serves blobs, to devices that its caller has
//!    admitted.
//! 3. The worker connects with `gleaner/control/1` and opens one stream: frames of a 4-byte big-endian length and a
//!    postcard message. An empty frame opens it. From then on the coordinator counts the device as connected, and
//!    both may fetch from each other.
//! 4. When one of the three connections ends, all do. A newer control connection of the same device ends the older one.
//! 5. To end the connection, a side finishes its stream; the other side reads to the end, then closes. No message
//!    sent before is lost.
//!
//! Invariants: no message, queue, connection count or blob grows past a named bound, and each device and each address
//! has only a share of it; every wait for a peer ends; a task ends with the endpoint that started it; `Connected` and
//! `Disconnected` of a device alternate.
//!
//! Coordinator and workers see the traits [`Network`], [`Listener`] and [`Connection`]; [`Iroh`] implements them with the
//! endpoints of this crate, and a simulation can implement them in memory.
//!
//! The crate does not reconnect (the caller decides when), decide whether a device may take part (the caller admits
//! it), store anything on disk, or use relays, discovery or DNS.

pub mod message;
pub mod parts;
mod public;

mod admission;
mod blob;
mod coordinator;
mod endpoint;
mod frame;
mod inbox;
mod limits;
mod network;
mod pace;
mod traffic;
mod worker;

pub use blob::{BYTES_PER_SECOND_MIN as RATE_MIN, FetchError, PublishError};
pub use coordinator::{CoordinatorEndpoint, Event};
pub use endpoint::{BindError, Boxed};
pub use frame::{SendError, TO_COORDINATOR_SIZE_MAX, TO_WORKER_SIZE_MAX};
pub use limits::Limits;
pub use network::{Connection, Iroh, Listener, Network, Paced};
pub use pace::Pace;
pub use public::{PublicOnly, is_public};
pub use traffic::{Flow, Traffic};
pub use worker::{ConnectError, Dial, FetchOnceError, Lost, LostCause, WorkerEndpoint, fetch_once};
