//! The rules of a training run: a pure state machine from escrow to payout.
//!
//! Decides who may do what and who is paid, from digests and signatures that the caller has checked.
//! `docs/protocol.md` explains the whole protocol; in short:
//!
//! 1. [`Run::open`] with [`Terms`] and a deposit that covers the worst case.
//! 2. Devices take seats ([`Input::Enroll`]); the first round opens when there are enough.
//! 3. Each device commits to its work ([`Input::Commit`]); the round closes; the owner publishes the new state
//!    ([`Input::Advance`]) and the next round opens.
//! 4. The hash of the block after the close decides which commitments are audited, and by whom ([`Input::Draw`]). The chance
//!    follows what the device has at stake ([`chance`]); auditors are drawn by their stake ([`Input::Verdict`]).
//! 5. Whoever disagrees raises a dispute ([`Input::Dispute`]). Each referee replays the round and votes
//!    ([`Input::Rule`]); seats decide nothing between each other.
//! 6. Verified pay is the device's stake. What exceeds [`Terms::stake_max`] is paid at once, the rest when the
//!    device or the run has ended ([`Input::Settle`]).
//!
//! A run is loaded and stored record by record through [`Book`], so that an input costs the same with four seats and
//! with a thousand. Invariants ([`invariants`]): value is conserved; paid + owed never exceeds the deposit; nothing is
//! paid without a passed audit, a draw that did not select it, or a ruling; one commitment per device and round; an
//! expelled seat is owed nothing; an input that is refused changes nothing (the book undoes what was written before).
//!
//! The crate sees digests, never tensors: it hashes nothing, checks no signature, moves no money and reads no
//! clock. Effects are returned.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

mod audit;
mod book;
pub mod chance;
mod dispute;
mod draw;
mod head;
mod invariants;
mod memory;
mod messages;
mod refused;
mod round;
mod rules;
mod run;
mod seat;
mod settle;
mod speed;
mod terms;
mod training;
mod vote;

pub use audit::ATTEMPTS_MAX;
pub use book::Book;
pub use dispute::{Accuser, DISPUTES_OPEN_MAX, Dispute, RULING_SECONDS};
pub use head::{Ending, Escrow, Head, MISSED_MAX, Phase};
pub use invariants::invariants;
pub use memory::MemoryBook;
pub use messages::{Context, Effect, Finding, Input, Panel, PayKind, Ruling};
pub use refused::{OpenError, Refused};
pub use round::{Auditor, Check, Commitment, Entry, Round, RoundWindow, SeatIndex};
pub use rules::{Places, Rules, Tenure};
pub use run::Run;
pub use seat::{Bar, Cause, Place, Seat, Standing};
pub use speed::{SPEEDS, Speed, Speeds};
pub use terms::{SEATS_MAX, Terms, TermsError};
pub use vote::{Opinion, Vote};
