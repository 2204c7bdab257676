//! What a device signs: the exact bytes, so that a signature for one thing is worth nothing for another.
//!
//! Each statement begins with its own name and the chain id; all fields follow in fixed width, integers big-endian. The signature is
//! ed25519 (RFC 8032) over these bytes.

use crate::TrainingRuns::{Ruling, Verdict};

/// A device's statement, ready to be signed or verified.
pub type Statement = Vec<u8>;

/// `gleaner/link/v1`: this device's pay goes to `account`. `nonce` counts up with each link of a device.
#[must_use]
pub fn link(chain_id: u64, device: &[u8; 32], account: &[u8; 20], nonce: u64) -> Statement {
    join("link/v1", chain_id, &[device, account, &nonce.to_be_bytes()])
}

/// `gleaner/enroll/v2`: this device takes part in `run`. `nonce` counts up with each enrolment and leave of a device in a run.
#[must_use]
pub fn enroll(chain_id: u64, run: u64, device: &[u8; 32], nonce: u64) -> Statement {
    join("enroll/v2", chain_id, &[&run.to_be_bytes(), device, &nonce.to_be_bytes()])
}

/// `gleaner/leave/v2`: this device gives up its seat in `run`. `nonce` as in [`enroll`].
#[must_use]
pub fn leave(chain_id: u64, run: u64, device: &[u8; 32], nonce: u64) -> Statement {
    join("leave/v2", chain_id, &[&run.to_be_bytes(), device, &nonce.to_be_bytes()])
}

/// `gleaner/commit/v2`: this device's work of a round. It needs no nonce: a device commits once in a round.
#[must_use]
pub fn commit(
    chain_id: u64,
    run: u64,
    round: u32,
    seal: &[u8; 32],
    update: &[u8; 32],
) -> Statement {
    let (run, round) = (run.to_be_bytes(), round.to_be_bytes());
    join("commit/v2", chain_id, &[&run, &round, seal, update])
}

/// `gleaner/verdict/v2`: what this device found when it repeated `subject`'s round. It needs no nonce: it answers one audit, or
/// raises a dispute of which there is one at a time.
#[must_use]
pub fn verdict(
    chain_id: u64,
    run: u64,
    round: u32,
    subject: &[u8; 32],
    kind: Verdict,
    value: &[u8; 32],
) -> Statement {
    let (run, round) = (run.to_be_bytes(), round.to_be_bytes());
    join("verdict/v2", chain_id, &[&run, &round, subject, &[kind.into()], value])
}

/// `gleaner/ruling/v1`: what this referee found when it repeated `subject`'s round: the root and the digest of the update.
#[must_use]
pub fn ruling(
    chain_id: u64,
    run: u64,
    round: u32,
    subject: &[u8; 32],
    kind: Ruling,
    [root, update]: [&[u8; 32]; 2],
) -> Statement {
    let (run, round) = (run.to_be_bytes(), round.to_be_bytes());
    join("ruling/v1", chain_id, &[&run, &round, subject, &[kind.into()], root, update])
}

fn join(name: &str, chain_id: u64, fields: &[&[u8]]) -> Statement {
    let mut bytes = format!("gleaner/{name}").into_bytes();
    bytes.extend_from_slice(&chain_id.to_be_bytes());
    fields.iter().for_each(|field| bytes.extend_from_slice(field));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_signed() {
        use Verdict::{Mismatch, Opened};
        let base = verdict(1, 2, 3, &[4; 32], Opened, &[6; 32]);
        let others = [
            verdict(9, 2, 3, &[4; 32], Opened, &[6; 32]),
            verdict(1, 9, 3, &[4; 32], Opened, &[6; 32]),
            verdict(1, 2, 9, &[4; 32], Opened, &[6; 32]),
            verdict(1, 2, 3, &[9; 32], Opened, &[6; 32]),
            verdict(1, 2, 3, &[4; 32], Mismatch, &[6; 32]),
            verdict(1, 2, 3, &[4; 32], Opened, &[9; 32]),
        ];
        assert!(others.iter().all(|other| *other != base && other.len() == base.len()));
        assert!(base.starts_with(b"gleaner/verdict/v2\0\0\0\0\0\0\0\x01"));
        // The byte that is signed for a finding never changes its meaning.
        let signed = [Opened, Mismatch, Verdict::Unavailable].map(u8::from);
        assert_eq!(signed, [0, 1, 2]);
        assert_ne!(enroll(1, 2, &[3; 32], 4), leave(1, 2, &[3; 32], 4));
    }
}
