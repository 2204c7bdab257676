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

/// `gleaner/ruling/v2`: what this referee found when it repeated `subject`'s round.
#[must_use]
pub fn ruling(chain_id: u64, run: u64, round: u32, subject: &[u8; 32], found: &Found) -> Statement {
    let (run, round) = (run.to_be_bytes(), round.to_be_bytes());
    let Found { kind, leaf, root, update } = found;
    let leaf = leaf.to_be_bytes();
    join("ruling/v2", chain_id, &[&run, &round, subject, &[(*kind).into()], &leaf, root, update])
}

/// What a referee found; what does not belong to its kind is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The kind.
    pub kind: Ruling,
    /// Of [`Ruling::Differs`]: the leaf.
    pub leaf: u16,
    /// Of [`Ruling::Replayed`]: the root.
    pub root: [u8; 32],
    /// Of [`Ruling::Replayed`]: the digest of the update.
    pub update: [u8; 32],
}

impl Found {
    /// Returns the ruling of a referee that repeated the round to its end.
    #[must_use]
    pub const fn replayed(root: [u8; 32], update: [u8; 32]) -> Self {
        Self { kind: Ruling::Replayed, leaf: 0, root, update }
    }

    /// Returns the ruling of a referee that found the first leaf that differs.
    #[must_use]
    pub const fn differs(leaf: u16) -> Self {
        Self { kind: Ruling::Differs, leaf, root: [0; 32], update: [0; 32] }
    }

    /// Returns the ruling of a referee that can't have the data.
    #[must_use]
    pub const fn unavailable() -> Self {
        Self { kind: Ruling::Unavailable, leaf: 0, root: [0; 32], update: [0; 32] }
    }

    /// Returns whether all that does not belong to the kind is zero.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        match self.kind {
            Ruling::Replayed => self.leaf == 0,
            Ruling::Differs => *self == Self::differs(self.leaf),
            Ruling::Unavailable => *self == Self::unavailable(),
            Ruling::__Invalid => false,
        }
    }
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

    #[test]
    fn every_field_of_a_ruling_is_signed() {
        let found = Found::replayed([5; 32], [6; 32]);
        let base = ruling(1, 2, 3, &[4; 32], &found);
        let with = |found: Found| ruling(1, 2, 3, &[4; 32], &found);
        let others = [
            ruling(9, 2, 3, &[4; 32], &found),
            ruling(1, 9, 3, &[4; 32], &found),
            ruling(1, 2, 9, &[4; 32], &found),
            ruling(1, 2, 3, &[9; 32], &found),
            with(Found { kind: Ruling::Unavailable, ..found }),
            with(Found { leaf: 1, ..found }),
            with(Found { root: [9; 32], ..found }),
            with(Found { update: [9; 32], ..found }),
        ];
        assert!(others.iter().all(|other| *other != base && other.len() == base.len()));
        let kinds = [Ruling::Replayed, Ruling::Unavailable, Ruling::Differs].map(u8::from);
        assert_eq!(kinds, [0, 1, 2], "the byte that is signed never changes its meaning");
        assert!(found.is_canonical() && Found::differs(3).is_canonical());
        assert!(!Found { leaf: 1, ..found }.is_canonical());
        assert!(!Found { kind: Ruling::Differs, ..found }.is_canonical());
        assert!(!Found { kind: Ruling::Unavailable, ..found }.is_canonical());
    }
}
