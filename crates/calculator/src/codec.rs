//! What parent and child tell each other, as bytes. All lengths are checked before anything is allocated.
//!
//! Numbers are little-endian. The order, from the parent:
//!
//! | bytes | meaning |
//! | --- | --- |
//! | 16 | [`MAGIC`], with the version |
//! | 4, 32, 32 | round, device, digest of the base |
//! | 4, 1, 1 | threads; instructions: 0 scalar, 1 AVX2, 2 AVX-512, 3 NEON; activations: 0 keep, 1 recompute |
//! | 2, then 32 each | number of leaves plus 1, or 0 without them; the leaves |
//! | 4, then so many | the specification |
//! | 4, then 4 and so many each | number of shards; each with its length |
//!
//! After it the parent sends single bytes: [`SAVE`] to save and go on, [`END`] to save and end. The child's answers begin with a letter:
//! `R` report of its protections, `P` a step, `S` saved, `W` the whole outcome, `D` a leaf that differs, `F` no outcome, `X` an internal error.

use std::io::{self, ErrorKind, Read, Write};

use compression::CompressError;
use model::{Activations, instructions::Isa};
use sandbox::{Report, UnknownReport};
use thiserror::Error;
use units::{DeviceId, Digest};
use verification::{JobError, LEAVES_MAX, RunSpec, SpecError, StepReport};

use crate::order::Order;

/// First bytes of an order. Parent and child are the same program, so there is one version.
pub const MAGIC: &[u8; 16] = b"gleaner order v1";
/// Save the round and go on.
pub const SAVE: u8 = b's';
/// Save the round and end.
pub const END: u8 = b'e';

/// Largest size of all shards of a round, in bytes.
pub const TEXT_SIZE_MAX: usize = 1 << 30;
const SPEC_SIZE_MAX: usize = 16 << 10;
const SHARDS_MAX: usize = 4096;
const THREADS_MAX: u32 = 1024;
/// Largest size of the text of an internal error, in bytes.
const TEXT_MAX: usize = 1024;

/// An order as the child reads it; the base comes another way.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// A valid specification.
    pub spec: RunSpec,
    /// The round.
    pub round: u32,
    /// The device.
    pub device: DeviceId,
    /// The digest that the base has, according to the parent.
    pub base_digest: Digest,
    /// Number of threads.
    pub threads: usize,
    /// Vector instructions.
    pub isa: Isa,
    /// Whether to keep activations.
    pub activations: Activations,
    /// The leaves to compare with.
    pub leaves: Option<Vec<Digest>>,
    /// The shards.
    pub shards: Vec<Vec<u8>>,
}

/// What a child says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It has given up its rights.
    Ready(Report),
    /// A step is done.
    Paced(StepReport),
    /// The round is saved after this step.
    Saved(u32),
    /// The round is done.
    Whole(Done),
    /// The work does not lead to this leaf.
    Differs(usize),
    /// The round has no outcome.
    Failed(JobError),
    /// The child can't go on, for a reason that is not the round's.
    Broken(String),
}

/// A finished round, without what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Digests under the root.
    pub leaves: Vec<Digest>,
    /// The encoded update.
    pub update: Vec<u8>,
    /// Mean loss, nats per token.
    pub loss_mean: f32,
}

/// What a child may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Steps of the round.
    pub steps: u32,
    /// Number of leaves.
    pub leaves: usize,
    /// Largest size of the update, in bytes.
    pub update_max: u64,
    /// Number of parameters.
    pub parameters: usize,
}

impl Expected {
    /// Returns what a round of a valid specification leads to.
    #[must_use]
    pub fn of(spec: &RunSpec, round: u32) -> Self {
        let steps = spec.steps(round);
        let segments = usize::try_from(spec.segments.min(steps)).unwrap_or(LEAVES_MAX);
        let update_max = verification::update_size_max(spec, round);
        let parameters = spec.model.parameter_count();
        Self { steps, leaves: segments.saturating_add(2).min(LEAVES_MAX), update_max, parameters }
    }
}

/// Why bytes are not an order or an answer.
#[derive(Debug, Error)]
pub enum Nonsense {
    /// The other process has ended, or the connection failed.
    #[error("the other process is gone")]
    Gone(#[from] io::Error),
    /// The bytes begin otherwise.
    #[error("the bytes begin with those of another program or version")]
    Other,
    /// A number is out of its bounds.
    #[error("{field} is {value}, at most {most} is allowed")]
    OutOfBounds {
        /// What it counts.
        field: &'static str,
        /// The given value.
        value: u64,
        /// The largest allowed one.
        most: u64,
    },
    /// A byte stands for nothing.
    #[error("{field} is {value}, which stands for nothing")]
    Unknown {
        /// What it stands for.
        field: &'static str,
        /// The given value.
        value: u8,
    },
    /// The specification is not valid.
    #[error("the specification is not valid")]
    Spec(#[from] SpecError),
    /// The report is not one.
    #[error("the report of protections is not valid")]
    Report(#[from] UnknownReport),
    /// There is no memory for it.
    #[error("no memory for {size} bytes")]
    NoMemory {
        /// The size.
        size: usize,
    },
}

/// Writes an order.
///
/// # Errors
/// When the child is gone.
pub fn write_order(to: &mut dyn Write, order: &Order) -> io::Result<()> {
    let mut head = Vec::new();
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&order.round.to_le_bytes());
    head.extend_from_slice(order.device.as_bytes());
    head.extend_from_slice(order.base_digest.as_bytes());
    head.extend_from_slice(&count(order.threads)?);
    head.push(match order.isa {
        Isa::Scalar => 0,
        Isa::Avx2 => 1,
        Isa::Avx512 => 2,
        Isa::Neon => 3,
    });
    head.push(match order.activations {
        Activations::Keep => 0,
        Activations::Recompute => 1,
    });
    let leaves = order.leaves.as_deref();
    let number = leaves.map_or(0, |leaves| leaves.len().saturating_add(1));
    head.extend_from_slice(&u16::try_from(number).map_err(io::Error::other)?.to_le_bytes());
    for leaf in leaves.unwrap_or_default() {
        head.extend_from_slice(leaf.as_bytes());
    }
    let spec = order.spec.to_bytes();
    head.extend_from_slice(&count(spec.len())?);
    head.extend_from_slice(&spec);
    head.extend_from_slice(&count(order.shards.len())?);
    to.write_all(&head)?;
    for shard in &order.shards {
        to.write_all(&count(shard.len())?)?;
        to.write_all(shard)?;
    }
    to.flush()
}

/// Reads an order.
///
/// # Errors
/// [`Nonsense`].
pub fn read_order(from: &mut dyn Read) -> Result<Received, Nonsense> {
    if array(from)? != *MAGIC {
        return Err(Nonsense::Other);
    }
    let round = u32::from_le_bytes(array(from)?);
    let device = DeviceId::from_bytes(array(from)?);
    let base_digest = Digest::from_bytes(array(from)?);
    let threads = bounded("number of threads", from, THREADS_MAX)?;
    let isa = match byte(from)? {
        0 => Isa::Scalar,
        1 => Isa::Avx2,
        2 => Isa::Avx512,
        3 => Isa::Neon,
        value => return Err(Nonsense::Unknown { field: "instructions", value }),
    };
    let activations = match byte(from)? {
        0 => Activations::Keep,
        1 => Activations::Recompute,
        value => return Err(Nonsense::Unknown { field: "activations", value }),
    };
    let leaves = match u16::from_le_bytes(array(from)?).checked_sub(1) {
        Some(number) => Some(digests(from, number, LEAVES_MAX)?),
        None => None,
    };
    let size = bounded("size of the specification", from, SPEC_SIZE_MAX)?;
    let spec = RunSpec::from_bytes(&bytes(from, size)?)?;
    let number = bounded("number of shards", from, SHARDS_MAX)?;
    let (mut shards, mut left) = (Vec::new(), TEXT_SIZE_MAX);
    for _ in 0..number {
        let size = bounded("size of a shard", from, left)?;
        left = left.saturating_sub(size);
        shards.push(bytes(from, size)?);
    }
    Ok(Received { spec, round, device, base_digest, threads, isa, activations, leaves, shards })
}

/// Writes an answer.
///
/// # Errors
/// When the parent is gone.
pub fn write_answer(to: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let mut head = Vec::new();
    let mut tail: &[u8] = &[];
    match answer {
        Answer::Ready(report) => {
            head.push(b'R');
            head.extend_from_slice(&report.to_bytes());
        }
        Answer::Paced(StepReport { step, steps, loss }) => {
            head.push(b'P');
            head.extend_from_slice(&step.to_le_bytes());
            head.extend_from_slice(&steps.to_le_bytes());
            head.extend_from_slice(&loss.to_le_bytes());
        }
        Answer::Saved(step) => {
            head.push(b'S');
            head.extend_from_slice(&step.to_le_bytes());
        }
        Answer::Whole(Done { leaves, update, loss_mean }) => {
            head.push(b'W');
            let number = u16::try_from(leaves.len()).map_err(io::Error::other)?;
            head.extend_from_slice(&number.to_le_bytes());
            leaves.iter().for_each(|leaf| head.extend_from_slice(leaf.as_bytes()));
            head.extend_from_slice(&loss_mean.to_le_bytes());
            head.extend_from_slice(&length(update.len())?);
            tail = update;
        }
        Answer::Differs(leaf) => {
            head.push(b'D');
            let leaf = u16::try_from(*leaf).map_err(io::Error::other)?;
            head.extend_from_slice(&leaf.to_le_bytes());
        }
        Answer::Failed(error) => write_failure(&mut head, error)?,
        Answer::Broken(text) => write_text(&mut head, text)?,
    }
    to.write_all(&head)?;
    to.write_all(tail)?;
    to.flush()
}

/// Errors that only a child meets have a letter; the others are internal errors, since the parent has checked the order.
fn write_failure(to: &mut Vec<u8>, error: &JobError) -> io::Result<()> {
    let (kind, value) = match error {
        JobError::CalledOff { step } => (b'c', u64::from(*step)),
        JobError::Diverged { step } => (b'd', u64::from(*step)),
        JobError::Compress(CompressError::Range { index }) => {
            (b'r', u64::try_from(*index).map_err(io::Error::other)?)
        }
        other => return write_text(to, &other.to_string()),
    };
    to.extend_from_slice(&[b'F', kind]);
    to.extend_from_slice(&value.to_le_bytes());
    Ok(())
}

fn write_text(to: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let text = text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default();
    to.push(b'X');
    to.extend_from_slice(&u16::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes());
    to.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Reads an answer.
///
/// # Errors
/// [`Nonsense`].
pub fn read_answer(from: &mut dyn Read, expected: &Expected) -> Result<Answer, Nonsense> {
    let steps = u64::from(expected.steps);
    Ok(match byte(from)? {
        b'R' => Answer::Ready(Report::from_bytes(array(from)?)?),
        b'P' => {
            let (step, of): (u32, u32) =
                (u32::from_le_bytes(array(from)?), u32::from_le_bytes(array(from)?));
            within("step", step.into(), steps)?;
            if of != expected.steps {
                let (field, value) = ("number of steps", of.into());
                return Err(Nonsense::OutOfBounds { field, value, most: steps });
            }
            Answer::Paced(StepReport { step, steps: of, loss: finite(from)? })
        }
        b'S' => {
            let step = u32::from_le_bytes(array(from)?);
            within("step", step.into(), steps)?;
            Answer::Saved(step)
        }
        b'W' => {
            let number = u16::from_le_bytes(array(from)?);
            if usize::from(number) != expected.leaves {
                let most = length_of(expected.leaves);
                let (field, value) = ("number of leaves", number.into());
                return Err(Nonsense::OutOfBounds { field, value, most });
            }
            let leaves = digests(from, number, expected.leaves)?;
            let loss_mean = finite(from)?;
            let size = u64::from_le_bytes(array(from)?);
            within("size of the update", size, expected.update_max)?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            Answer::Whole(Done { leaves, update: bytes(from, size)?, loss_mean })
        }
        b'D' => {
            let leaf = u16::from_le_bytes(array(from)?);
            let last = expected.leaves.saturating_sub(1);
            within("index of a leaf", leaf.into(), length_of(last))?;
            Answer::Differs(leaf.into())
        }
        b'F' => Answer::Failed(read_failure(from, expected)?),
        b'X' => {
            let size = usize::from(u16::from_le_bytes(array(from)?));
            within("size of a text", length_of(size), length_of(TEXT_MAX))?;
            let text = String::from_utf8_lossy(&bytes(from, size)?).into_owned();
            // It is shown to the owner.
            Answer::Broken(text.replace(char::is_control, " "))
        }
        value => return Err(Nonsense::Unknown { field: "kind of an answer", value }),
    })
}

fn read_failure(from: &mut dyn Read, expected: &Expected) -> Result<JobError, Nonsense> {
    let (kind, value) = (byte(from)?, u64::from_le_bytes(array(from)?));
    let step = || {
        within("step", value, expected.steps.into())?;
        Ok::<u32, Nonsense>(u32::try_from(value).unwrap_or(u32::MAX))
    };
    Ok(match kind {
        b'c' => JobError::CalledOff { step: step()? },
        b'd' => JobError::Diverged { step: step()? },
        b'r' => {
            let last = expected.parameters.saturating_sub(1);
            within("index of a parameter", value, length_of(last))?;
            let index = usize::try_from(value).unwrap_or(usize::MAX);
            JobError::Compress(CompressError::Range { index })
        }
        value => return Err(Nonsense::Unknown { field: "kind of a failure", value }),
    })
}

fn byte(from: &mut dyn Read) -> io::Result<u8> {
    array::<1>(from).map(|[byte]| byte)
}

fn array<const N: usize>(from: &mut dyn Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn finite(from: &mut dyn Read) -> Result<f32, Nonsense> {
    let value = f32::from_le_bytes(array(from)?);
    if value.is_finite() { Ok(value) } else { Err(Nonsense::Unknown { field: "loss", value: 0 }) }
}

fn digests(from: &mut dyn Read, number: u16, most: usize) -> Result<Vec<Digest>, Nonsense> {
    within("number of leaves", number.into(), length_of(most))?;
    (0..number).map(|_| Ok(Digest::from_bytes(array(from)?))).collect()
}

/// Reads so many bytes, whose number the caller has checked. Memory is touched as they come: a number alone costs nothing.
fn bytes(from: &mut dyn Read, size: usize) -> Result<Vec<u8>, Nonsense> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| Nonsense::NoMemory { size })?;
    from.take(length_of(size)).read_to_end(&mut bytes)?;
    if bytes.len() == size {
        Ok(bytes)
    } else {
        Err(io::Error::from(ErrorKind::UnexpectedEof).into())
    }
}

/// Reads a number of at most `most`.
fn bounded(
    field: &'static str,
    from: &mut dyn Read,
    most: impl TryInto<u64>,
) -> Result<usize, Nonsense> {
    let value = u32::from_le_bytes(array(from)?);
    within(field, value.into(), most.try_into().unwrap_or(u64::MAX))?;
    Ok(usize::try_from(value).unwrap_or(usize::MAX))
}

fn within(field: &'static str, value: u64, most: u64) -> Result<(), Nonsense> {
    if value <= most { Ok(()) } else { Err(Nonsense::OutOfBounds { field, value, most }) }
}

fn length_of(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn length(length: usize) -> io::Result<[u8; 8]> {
    Ok(u64::try_from(length).map_err(io::Error::other)?.to_le_bytes())
}

fn count(count: usize) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(count).map_err(io::Error::other)?.to_le_bytes())
}
