//! The rules of a training run: a pure state machine from escrow to payout.
//!
//! Decides who may do what and who is paid, from digests and signatures that the caller has checked.
//! `docs/protocol.md` explains the whole protocol; in short:
//!
//! 1. [`Run::open`] with [`Terms`] and a deposit that covers the worst case.
//! 2. Devices take seats ([`Input::Enroll`]); the first round opens when there are enough.
//! 3. Each device commits to its work ([`Input::Commit`]); the round closes; the owner publishes the new state
//!    ([`Input::Advance`]) and the next round opens.
//! 4. A later block hash draws who is audited, and by whom ([`Input::Draw`], [`Input::Verdict`]).
//! 5. Held pay is released round by round; at the end the rest of the escrow is refunded.
//!
//! Invariants ([`Run::invariants`]): value is conserved; paid + owed never exceeds the deposit; nothing is paid
//! without a passed audit or a draw that did not select it; one commitment per device and round; an expelled seat is
//! owed nothing; an input that is refused changes nothing.
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
mod codec;
mod draw;
mod messages;
mod payout;
mod round;
mod run;
mod seat;
mod terms;
mod view;

pub use audit::AUDITORS_MAX;
pub use codec::DecodeError;
pub use messages::{Context, Effect, Finding, Input, OpenError, PayKind, Refused};
pub use round::{Audit, Check, ClosedRound, Commitment, Entry, SeatIndex};
pub use run::{CLOSED_ROUNDS_MAX, Ending, Escrow, MISSED_MAX, Phase, Run};
pub use seat::{Cause, Seat, Standing};
pub use terms::{HOLD_BACK_ROUNDS_MAX, SEATS_MAX, Terms, TermsError};
