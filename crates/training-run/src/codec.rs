//! The canonical bytes of a run.
//!
//! A version byte, then the fields in the order of their declaration: integers big-endian in their own width, lists
//! with a 16-bit count, options and enums with a leading byte. One run has one encoding: maps are written in order
//! and accepted only in order, and trailing bytes are refused.

use std::collections::BTreeMap;

use thiserror::Error;
use units::{AccountId, Bps, DeviceId, Digest, UnixSeconds, Wei};

use crate::{
    Audit, CLOSED_ROUNDS_MAX, Cause, Check, ClosedRound, Commitment, Ending, Entry, Escrow, Phase,
    Run, SEATS_MAX, Seat, Standing, Terms, audit::AUDITORS_MAX,
};

const VERSION: u8 = 1;

/// The bytes are not a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("bytes are not a run: {reason} at offset {offset}")]
pub struct DecodeError {
    /// What is wrong.
    pub reason: &'static str,
    /// Offset of the byte.
    pub offset: usize,
}

impl Run {
    /// Returns the run's canonical bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        self.write(&mut out);
        out
    }

    /// Parses the bytes of [`Run::encode`].
    ///
    /// # Errors
    /// When the bytes are not a canonical encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Input { bytes, offset: 0 };
        if u8::read(&mut input)? != VERSION {
            return Err(input.refuse("unknown version"));
        }
        let run = Self::read(&mut input)?;
        if input.offset != bytes.len() {
            return Err(input.refuse("trailing bytes"));
        }
        Ok(run)
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.bytes.get(self.offset..).unwrap_or(&[]);
        let (taken, _) = rest.split_first_chunk::<N>().ok_or_else(|| self.refuse("cut short"))?;
        self.offset = self.offset.saturating_add(N);
        Ok(*taken)
    }

    fn refuse(&self, reason: &'static str) -> DecodeError {
        DecodeError { reason, offset: self.offset }
    }
}

/// A value with exactly one encoding.
trait Canonical: Sized {
    fn write(&self, out: &mut Vec<u8>);
    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError>;
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
                Ok(Self::from_be_bytes(input.take()?))
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, u128);

macro_rules! wrappers {
    ($($type:ty: $inner:ty, $from:expr, $to:expr;)*) => {$(
        impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let to: fn(&Self) -> $inner = $to;
                to(self).write(out);
            }

            fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
                let from: fn($inner) -> Option<Self> = $from;
                from(<$inner>::read(input)?).ok_or_else(|| input.refuse("value out of range"))
            }
        }
    )*};
}
wrappers! {
    Wei: u128, |wei| Some(Self::new(wei)), |wei| wei.as_u128();
    Bps: u16, |bps| Self::new(bps).ok(), |bps| bps.as_u16();
    UnixSeconds: u64, |seconds| Some(Self::new(seconds)), |seconds| seconds.as_u64();
    Digest: [u8; 32], |bytes| Some(Self::from_bytes(bytes)), |digest| *digest.as_bytes();
    DeviceId: [u8; 32], |bytes| Some(Self::from_bytes(bytes)), |device| *device.as_bytes();
    AccountId: [u8; 20], |bytes| Some(Self::from_bytes(bytes)), |account| *account.as_bytes();
    bool: u8, |byte| match byte { 0 => Some(false), 1 => Some(true), _ => None }, |flag| u8::from(*flag);
    Cause: u8,
        |byte| match byte { 0 => Some(Self::Convicted), 1 => Some(Self::FalseAudit), _ => None },
        |cause| match cause { Self::Convicted => 0, Self::FalseAudit => 1 };
    Ending: u8,
        |byte| match byte { 0 => Some(Self::Completed), 1 => Some(Self::Cancelled), 2 => Some(Self::Abandoned), _ => None },
        |ending| match ending { Self::Completed => 0, Self::Cancelled => 1, Self::Abandoned => 2 };
}

impl<const N: usize> Canonical for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        input.take()
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(input)?, B::read(input)?))
    }
}

fn write_list<'a, T: Canonical + 'a>(
    items: impl ExactSizeIterator<Item = &'a T>,
    out: &mut Vec<u8>,
) {
    u16::try_from(items.len()).expect("every list of a run is bounded far below 2^16").write(out);
    items.for_each(|item| item.write(out));
}

fn read_list<T: Canonical>(input: &mut Input<'_>, max: usize) -> Result<Vec<T>, DecodeError> {
    let count = usize::from(u16::read(input)?);
    if count > max {
        return Err(input.refuse("list too long"));
    }
    (0..count).map(|_| T::read(input)).collect()
}

fn write_map<K: Canonical, V: Canonical>(map: &BTreeMap<K, V>, out: &mut Vec<u8>) {
    u16::try_from(map.len()).expect("every map of a run is bounded far below 2^16").write(out);
    for (key, value) in map {
        key.write(out);
        value.write(out);
    }
}

fn read_map<K: Canonical + Ord, V: Canonical>(
    input: &mut Input<'_>,
    max: usize,
) -> Result<BTreeMap<K, V>, DecodeError> {
    let pairs: Vec<(K, V)> = read_list(input, max)?;
    if pairs.windows(2).any(|pair| matches!(pair, [(left, _), (right, _)] if left >= right)) {
        return Err(input.refuse("map out of order"));
    }
    Ok(pairs.into_iter().collect())
}

macro_rules! structs {
    ($($type:ident { $($field:ident),* $(,)? })*) => {$(
        impl Canonical for $type {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.write(out);)*
            }

            fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
                Ok(Self { $($field: Canonical::read(input)?),* })
            }
        }
    )*};
}
structs! {
    Terms {
        rounds, warmup_rounds, tokens_per_round, warmup_tokens_per_round, price_per_token, audit_rate, audit_pay, quorum, seats_min,
        seats_max, round_seconds, audit_seconds, stall_seconds, hold_back_rounds, spec, corpus, initial_state,
    }
    Escrow { deposited, paid, refunded }
    Seat { device, account, standing, on_probation, from_round, missed, tokens_verified, paid }
    Commitment { seal, update }
    Entry { commitment, check }
}

impl Canonical for Standing {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Active => out.push(0),
            Self::Left => out.push(1),
            Self::Expelled { round, cause } => {
                out.push(2);
                round.write(out);
                cause.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        match u8::read(input)? {
            0 => Ok(Self::Active),
            1 => Ok(Self::Left),
            2 => Ok(Self::Expelled { round: u32::read(input)?, cause: Cause::read(input)? }),
            _ => Err(input.refuse("unknown standing")),
        }
    }
}

impl Canonical for Audit {
    fn write(&self, out: &mut Vec<u8>) {
        self.auditor.write(out);
        self.deadline.write(out);
        write_list(self.claims.iter(), out);
        write_list(self.tried.iter(), out);
        self.is_evidence_missing.write(out);
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            auditor: u16::read(input)?,
            deadline: UnixSeconds::read(input)?,
            claims: read_list(input, AUDITORS_MAX)?,
            tried: read_list(input, AUDITORS_MAX)?,
            is_evidence_missing: bool::read(input)?,
        })
    }
}

impl Canonical for Check {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::None => out.push(0),
            Self::Audit(audit) => {
                out.push(1);
                audit.write(out);
            }
            Self::Passed => out.push(2),
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        match u8::read(input)? {
            0 => Ok(Self::None),
            1 => Audit::read(input).map(Self::Audit),
            2 => Ok(Self::Passed),
            _ => Err(input.refuse("unknown check")),
        }
    }
}

impl Canonical for ClosedRound {
    fn write(&self, out: &mut Vec<u8>) {
        self.base.write(out);
        self.height.write(out);
        self.drawn.write(out);
        write_list(self.committed.iter(), out);
        write_map(&self.entries, out);
        write_list(self.verdicts.iter(), out);
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        let seats_max = usize::from(SEATS_MAX);
        Ok(Self {
            base: Digest::read(input)?,
            height: u64::read(input)?,
            drawn: bool::read(input)?,
            committed: read_list(input, seats_max)?,
            entries: read_map(input, seats_max)?,
            verdicts: read_list(input, 2 * seats_max)?,
        })
    }
}

impl Canonical for Phase {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Gathering => out.push(0),
            Self::Training { deadline, commitments } => {
                out.push(1);
                deadline.write(out);
                write_map(commitments, out);
            }
            Self::Closed => out.push(2),
            Self::WindingUp(ending) => {
                out.push(3);
                ending.write(out);
            }
            Self::Finished(ending) => {
                out.push(4);
                ending.write(out);
            }
        }
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        match u8::read(input)? {
            0 => Ok(Self::Gathering),
            1 => {
                let deadline = UnixSeconds::read(input)?;
                Ok(Self::Training {
                    deadline,
                    commitments: read_map(input, usize::from(SEATS_MAX))?,
                })
            }
            2 => Ok(Self::Closed),
            3 => Ending::read(input).map(Self::WindingUp),
            4 => Ending::read(input).map(Self::Finished),
            _ => Err(input.refuse("unknown phase")),
        }
    }
}

impl Canonical for Run {
    fn write(&self, out: &mut Vec<u8>) {
        self.terms.write(out);
        self.owner.write(out);
        self.escrow.write(out);
        self.phase.write(out);
        self.round.write(out);
        self.state.write(out);
        self.update.write(out);
        self.progressed.write(out);
        write_list(self.seats.iter(), out);
        write_map(&self.closed, out);
    }

    fn read(input: &mut Input<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            terms: Terms::read(input)?,
            owner: AccountId::read(input)?,
            escrow: Escrow::read(input)?,
            phase: Phase::read(input)?,
            round: u32::read(input)?,
            state: Digest::read(input)?,
            update: Digest::read(input)?,
            progressed: UnixSeconds::read(input)?,
            seats: read_list(input, usize::from(SEATS_MAX))?,
            closed: read_map(input, CLOSED_ROUNDS_MAX)?,
        })
    }
}
