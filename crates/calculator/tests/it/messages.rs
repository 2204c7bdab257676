//! What parent and child say, as bytes: it comes back as it was, and no bytes make a reader panic or allocate more than it may.

use std::io::Read;

use calculator::Order;
use calculator::codec::{
    Answer, Done, Expected, read_answer, read_order, write_answer, write_order,
};
use compression::CompressError;
use proptest::prelude::*;
use sandbox::Report;
use units::Digest;
use verification::{InnerKind, JobError, StepReport};

use crate::order;

const EXPECTED: Expected = Expected { steps: 9, leaves: 4, update_max: 300, parameters: 50 };

fn answers() -> impl Strategy<Value = Answer> {
    let digest = any::<[u8; 32]>().prop_map(Digest::from_bytes);
    let step = 0..=EXPECTED.steps;
    let loss = (-9_i16..9).prop_map(f32::from);
    let done = (prop::collection::vec(digest, 4), prop::collection::vec(any::<u8>(), 0..300));
    prop_oneof![
        prop::collection::vec(0_u8..4, Report::SIZE).prop_map(|bytes| {
            Answer::Ready(Report::from_bytes(bytes.try_into().unwrap()).unwrap())
        }),
        (step.clone(), loss.clone()).prop_map(|(step, loss)| Answer::Paced(StepReport {
            step,
            steps: 9,
            loss
        })),
        step.clone().prop_map(Answer::Saved),
        (done, loss).prop_map(|((leaves, update), loss_mean)| {
            Answer::Whole(Done { leaves, update, loss_mean })
        }),
        (0_usize..4).prop_map(Answer::Differs),
        step.clone().prop_map(|step| Answer::Failed(JobError::CalledOff { step })),
        step.prop_map(|step| Answer::Failed(JobError::Diverged { step })),
        (0_usize..50)
            .prop_map(|index| Answer::Failed(JobError::Compress(CompressError::Range { index }))),
        "[a-z ]{0,40}".prop_map(Answer::Broken),
    ]
}

fn bytes_of(answer: &Answer) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_answer(&mut bytes, answer).unwrap();
    bytes
}

proptest! {
    #[test]
    fn an_answer_comes_back(answer in answers()) {
        let bytes = bytes_of(&answer);
        let mut from = &bytes[..];
        prop_assert_eq!(read_answer(&mut from, &EXPECTED).unwrap(), answer);
        prop_assert!(from.is_empty(), "and nothing is left");
    }

    /// Half of an answer, and an answer with one byte changed, are answers within the bounds or errors.
    #[test]
    fn a_damaged_answer_is_within_the_bounds(answer in answers(), at: usize, byte: u8) {
        let mut bytes = bytes_of(&answer);
        let at = at % bytes.len();
        prop_assert!(read_answer(&mut &bytes[..at], &EXPECTED).is_err());
        bytes[at] = byte;
        is_within(&bytes)?;
    }

    #[test]
    fn noise_is_within_the_bounds(kind in "[RPSWDFX]", rest in prop::collection::vec(any::<u8>(), 0..600)) {
        is_within(&[kind.as_bytes(), &rest].concat())?;
    }

    #[test]
    fn a_damaged_order_is_no_panic(at: usize, byte: u8, cut: usize) {
        let mut bytes = Vec::new();
        write_order(&mut bytes, &order(1, InnerKind::AdamW)).unwrap();
        let (at, cut) = (at % bytes.len(), cut % bytes.len());
        prop_assert!(read_order(&mut &bytes[..cut]).is_err());
        bytes[at] = byte;
        if let Ok(received) = read_order(&mut &bytes[..]) {
            prop_assert!(received.spec.validate().is_ok());
        }
    }
}

fn is_within(bytes: &[u8]) -> Result<(), TestCaseError> {
    match read_answer(&mut &bytes[..], &EXPECTED) {
        Ok(Answer::Paced(report)) => {
            prop_assert!(report.step <= 9 && report.steps == 9 && report.loss.is_finite());
        }
        Ok(Answer::Whole(done)) => {
            prop_assert!(done.leaves.len() == 4 && done.update.len() <= 300);
            prop_assert!(done.loss_mean.is_finite());
        }
        Ok(Answer::Differs(leaf)) => prop_assert!(leaf < 4),
        Ok(Answer::Broken(text)) => prop_assert!(!text.chars().any(char::is_control)),
        Ok(_) | Err(_) => {}
    }
    Ok(())
}

#[test]
fn an_order_comes_back() {
    for (leaves, threads) in [(None, 1), (Some(vec![]), 2), (Some(vec![Digest::of(b"x"); 4]), 7)] {
        let order = Order { leaves, threads, ..order(3, InnerKind::Muon) };
        let mut bytes = Vec::new();
        write_order(&mut bytes, &order).unwrap();
        let mut from = &bytes[..];
        let received = read_order(&mut from).unwrap();
        assert!(from.is_empty());
        assert_eq!(received.spec, *order.spec);
        assert_eq!((received.round, received.device), (order.round, order.device));
        assert_eq!((received.threads, received.isa), (order.threads, order.isa));
        assert_eq!(
            (received.leaves, received.base_digest),
            (order.leaves.clone(), order.base_digest)
        );
        let shards: Vec<&[u8]> = received.shards.iter().map(Vec::as_slice).collect();
        assert_eq!(shards, order.shards());
    }
}

/// Lengths that are too large are refused before anything of that length is read or allocated.
#[test]
fn lengths_are_checked_first() {
    let mut bytes = Vec::new();
    write_order(&mut bytes, &order(1, InnerKind::AdamW)).unwrap();
    let spec_at = 16 + 4 + 32 + 32 + 4 + 1 + 1 + 2;
    bytes[spec_at..spec_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = read_order(&mut &bytes[..]).unwrap_err().to_string();
    assert!(error.contains("size of the specification is 4294967295"), "{error}");
    let mut whole = bytes_of(&Answer::Whole(Done {
        leaves: vec![Digest::ZERO; 4],
        update: Vec::new(),
        loss_mean: 0.0,
    }));
    let size_at = whole.len() - 8;
    whole[size_at..].copy_from_slice(&301_u64.to_le_bytes());
    let error = read_answer(&mut &whole[..], &EXPECTED).unwrap_err().to_string();
    assert!(error.contains("size of the update is 301, at most 300 is allowed"), "{error}");
}

/// Has so many bytes, and notes the largest piece that it was asked for.
struct Short<'a> {
    bytes: &'a [u8],
    piece_max: usize,
}

impl Read for Short<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        self.piece_max = self.piece_max.max(to.len());
        self.bytes.read(to)
    }
}

/// A length within its bounds, with nothing behind it, took a second and the memory that it announced. Found by fuzzing.
#[test]
fn a_length_alone_takes_no_memory() {
    let mut bytes = Vec::new();
    write_order(&mut bytes, &order(1, InnerKind::AdamW)).unwrap();
    let last = order(1, InnerKind::AdamW).shards[1].len();
    let size_at = bytes.len() - last - 4;
    bytes[size_at..size_at + 4].copy_from_slice(&(1_u32 << 29).to_le_bytes());
    let mut from = Short { bytes: &bytes, piece_max: 0 };
    let error = read_order(&mut from).unwrap_err().to_string();
    assert!(error.contains("is gone"), "{error}");
    assert!(from.piece_max < 1 << 20, "{}", from.piece_max);
}
