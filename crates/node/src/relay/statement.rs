//! Which calls are relayed, and whose they are.

use super::error::StatementError;
use abi::{
    DEVICES, Devices, STATEMENT_BYTES_MAX, TRAINING_RUNS,
    TrainingRuns::{self, TrainingRunsCalls as Calls},
};
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolCall as _, SolInterface as _};

/// Most bytes of a list: 258 leaves, or 500 seats.
const LIST_BYTES_MAX: usize = 16 << 10;

/// A call that is relayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) to: Address,
    pub(crate) data: Bytes,
    pub(crate) author: Author,
    pub(crate) way: Way,
    /// Whether it costs whoever signed it nothing, and no run pays the node for it: keys are free, and so are links, enrolments and leaves.
    pub(crate) is_gift: bool,
}

/// Who signed a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// This device or referee.
    Device(B256),
    /// Nobody: anyone may make the call.
    Anyone,
}

/// How a statement gets into a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// With others in `TrainingRuns.relay`.
    Batch,
    /// In a transaction of its own.
    Alone,
}

/// Returns the statement that `data` is. There is one encoding of each call: any other is refused, so that the same statement
/// can't wait twice.
pub(crate) fn parse(to: Address, data: Bytes) -> Result<Statement, StatementError> {
    let (function, size_max) = function(to, &data).ok_or(StatementError::NotRelayed { to })?;
    if data.len() > size_max {
        return Err(StatementError::TooLong { function, size: data.len(), size_max });
    }
    let malformed = || StatementError::Malformed { function };
    let (author, way, canonical) = decode(to, &data).ok_or_else(malformed)?;
    if canonical != data {
        return Err(malformed());
    }
    let is_gift = matches!(function, "link" | "enroll" | "leave");
    Ok(Statement { to, data, author, way, is_gift })
}

/// Returns the function's name and the most bytes of its calldata, by its selector.
fn function(to: Address, data: &[u8]) -> Option<(&'static str, usize)> {
    use TrainingRuns as T;
    let selector: [u8; 4] = *data.first_chunk()?;
    if to == DEVICES {
        return (selector == Devices::linkCall::SELECTOR).then_some(("link", STATEMENT_BYTES_MAX));
    }
    if to != TRAINING_RUNS {
        return None;
    }
    let known = [
        (T::enrollCall::SELECTOR, "enroll", STATEMENT_BYTES_MAX),
        (T::leaveCall::SELECTOR, "leave", STATEMENT_BYTES_MAX),
        (T::commitCall::SELECTOR, "commit", STATEMENT_BYTES_MAX),
        (T::verdictCall::SELECTOR, "verdict", STATEMENT_BYTES_MAX),
        (T::discloseCall::SELECTOR, "disclose", LIST_BYTES_MAX),
        (T::ruleCall::SELECTOR, "rule", STATEMENT_BYTES_MAX),
        (T::drawCall::SELECTOR, "draw", STATEMENT_BYTES_MAX),
        (T::settleCall::SELECTOR, "settle", LIST_BYTES_MAX),
        (T::expireCall::SELECTOR, "expire", STATEMENT_BYTES_MAX),
        (T::closeCall::SELECTOR, "close", STATEMENT_BYTES_MAX),
        (T::lapseCall::SELECTOR, "lapse", STATEMENT_BYTES_MAX),
        (T::abandonCall::SELECTOR, "abandon", STATEMENT_BYTES_MAX),
    ];
    known.into_iter().find(|row| row.0 == selector).map(|(_, name, size_max)| (name, size_max))
}

/// Returns who signed the call, how it is sent, and its one encoding.
fn decode(to: Address, data: &[u8]) -> Option<(Author, Way, Vec<u8>)> {
    if to == DEVICES {
        let call = Devices::linkCall::abi_decode_validate(data).ok()?;
        return Some((Author::Device(call.device), Way::Alone, call.abi_encode()));
    }
    let call = Calls::abi_decode_validate(data).ok()?;
    let (author, way) = match &call {
        Calls::enroll(call) => (Author::Device(call.device), Way::Batch),
        Calls::leave(call) => (Author::Device(call.device), Way::Batch),
        Calls::commit(call) => (Author::Device(call.device), Way::Batch),
        Calls::verdict(call) => (Author::Device(call.auditor), Way::Batch),
        Calls::rule(call) => (Author::Device(call.referee), Way::Alone),
        _ => (Author::Anyone, Way::Alone),
    };
    Some((author, way, call.abi_encode()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    const DEVICE: B256 = B256::repeat_byte(7);

    fn commit() -> Vec<u8> {
        TrainingRuns::commitCall {
            run: 1,
            round: 2,
            device: DEVICE,
            sealedRoot: B256::repeat_byte(1),
            update: B256::repeat_byte(2),
            signature: vec![9; 64].into(),
        }
        .abi_encode()
    }

    #[test]
    fn a_statement_has_an_author_and_a_way() {
        let check = |to, data: Vec<u8>, author, way| {
            let statement = parse(to, data.clone().into()).unwrap();
            assert_eq!((statement.author, statement.way), (author, way));
            assert_eq!(statement.data, data);
        };
        check(TRAINING_RUNS, commit(), Author::Device(DEVICE), Way::Batch);
        let signature = Bytes::from(vec![1; 64]);
        let leave = TrainingRuns::leaveCall { run: 1, device: DEVICE, nonce: 1, signature };
        let is_gift = |to, data: Vec<u8>| parse(to, data.into()).unwrap().is_gift;
        assert!(is_gift(TRAINING_RUNS, leave.abi_encode()) && !is_gift(TRAINING_RUNS, commit()));
        let (account, signature) = (Address::ZERO, vec![1; 64].into());
        let link = Devices::linkCall { device: DEVICE, account, nonce: 1, signature };
        check(DEVICES, link.abi_encode(), Author::Device(DEVICE), Way::Alone);
        assert!(is_gift(DEVICES, link.abi_encode()));
        let draw = TrainingRuns::drawCall { run: 1, round: 2 }.abi_encode();
        check(TRAINING_RUNS, draw, Author::Anyone, Way::Alone);
        let referee = B256::repeat_byte(1);
        let rule = TrainingRuns::ruleCall {
            run: 1,
            round: 2,
            subject: DEVICE,
            referee,
            kind: TrainingRuns::Ruling::Replayed,
            leaf: 0,
            root: B256::ZERO,
            update: B256::ZERO,
            signature: vec![1; 64].into(),
        };
        check(TRAINING_RUNS, rule.abi_encode(), Author::Device(referee), Way::Alone);
        let leaves = vec![B256::repeat_byte(3); abi::LEAVES_MAX];
        let disclose = TrainingRuns::discloseCall { run: 1, round: 2, subject: DEVICE, leaves };
        check(TRAINING_RUNS, disclose.abi_encode(), Author::Anyone, Way::Alone);
    }

    #[test]
    fn everything_else_is_refused() {
        let check = |to, data: Vec<u8>, expected: &str| {
            let error = parse(to, data.into()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(TRAINING_RUNS, Vec::new(), "not relayed");
        check(abi::GRAIN, commit(), "not relayed");
        check(DEVICES, commit(), "not relayed");
        check(TRAINING_RUNS, TrainingRuns::cancelCall { run: 1 }.abi_encode(), "not relayed");
        check(TRAINING_RUNS, TrainingRuns::countCall {}.abi_encode(), "not relayed");
        let nested = TrainingRuns::relayCall { statements: vec![commit().into()] };
        check(TRAINING_RUNS, nested.abi_encode(), "not relayed");
        for length in 4..commit().len() {
            check(TRAINING_RUNS, commit()[..length].to_vec(), "calldata of commit is malformed");
        }
        check(TRAINING_RUNS, [commit(), vec![0; 32]].concat(), "calldata of commit is malformed");
        check(TRAINING_RUNS, [commit(), vec![0; 1_024]].concat(), "commit has at most 1024");
        let (subject, leaves) = (DEVICE, vec![B256::ZERO; 512]);
        let many = TrainingRuns::discloseCall { run: 1, round: 2, subject, leaves };
        check(TRAINING_RUNS, many.abi_encode(), "disclose has at most 16384");
        // The offset of the signature points elsewhere, at the same bytes.
        let mut moved = commit();
        let offset = 4 + 5 * 32;
        let place = U256::from_be_slice(&moved[offset..offset + 32]) + U256::from(32);
        moved[offset..offset + 32].copy_from_slice(&place.to_be_bytes::<32>());
        let tail = moved.split_off(4 + 6 * 32);
        moved.extend([0; 32]);
        moved.extend(tail);
        assert!(TrainingRuns::commitCall::abi_decode(&moved).is_ok());
        check(TRAINING_RUNS, moved, "calldata of commit is malformed");
    }
}
