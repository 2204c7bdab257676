//! What this device's seals were made over: job, states at segment ends, and update of its last rounds.
//!
//! When one of its rounds is disputed, the device discloses them, so that a referee need not go on after the first one that
//! differs, and everyone sees where that is. An honest device has nothing to hide by then. It loses nothing if it can't:
//! after a restart it does not know them any more, and the referees repeat the whole round.

use std::collections::BTreeMap;

use abi::{TrainingRuns, convert};
use alloy_sol_types::SolCall as _;
use ledger_views::runs::DisputeView;
use training_run::RoundWindow;
use units::{Digest, merkle_root, seal};

const _: () = assert!(verification::LEAVES_MAX <= abi::LEAVES_MAX, "every round can be disclosed");

/// Number of rounds whose leaves are kept: those that can be disputed.
const ROUNDS_MAX: usize = RoundWindow::ROUNDS as usize;

/// The leaves of the last rounds.
#[derive(Debug, Default)]
pub(crate) struct Leaves(BTreeMap<u32, Vec<Digest>>);

impl Leaves {
    pub(crate) fn keep(&mut self, round: u32, leaves: Vec<Digest>) {
        self.0.insert(round, leaves);
        while self.0.len() > ROUNDS_MAX {
            self.0.pop_first();
        }
    }

    /// Returns the call that discloses the leaves of a disputed round of this device, once. Leaves that do not lead to the
    /// seal on the ledger stay here.
    pub(crate) fn disclose(&mut self, run: u64, dispute: &DisputeView) -> Option<Vec<u8>> {
        let &DisputeView { round, subject, ref commitment, disclosed, .. } = dispute;
        let leaves = self.0.get(&round).filter(|leaves| !leaves.is_empty())?;
        if disclosed.is_some() || seal(&subject, &merkle_root(leaves)) != commitment.seal {
            return None;
        }
        let leaves = self.0.remove(&round)?;
        let leaves = leaves.into_iter().map(convert::digest_word).collect();
        let subject = convert::device_word(subject);
        Some(TrainingRuns::discloseCall { run, round, subject, leaves }.abi_encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use training_run::Commitment;
    use units::{DeviceId, UnixSeconds, Wei};

    const SUBJECT: DeviceId = DeviceId::from_bytes([1; 32]);

    fn leaves(round: u32) -> Vec<Digest> {
        (0_u32..6)
            .map(|leaf| Digest::of(&[round.to_le_bytes(), leaf.to_le_bytes()].concat()))
            .collect()
    }

    fn dispute(round: u32) -> DisputeView {
        let seal = seal(&SUBJECT, &merkle_root(&leaves(round)));
        DisputeView {
            round,
            subject: SUBJECT,
            accuser: None,
            account: None,
            bond: Wei::ZERO,
            deadline: UnixSeconds::new(0),
            base: Digest::ZERO,
            commitment: Commitment { seal, update: Digest::ZERO },
            disclosed: None,
            votes: Vec::new(),
        }
    }

    #[test]
    fn the_leaves_of_a_disputed_round_are_disclosed_once() {
        let mut kept = Leaves::default();
        for round in 0..70 {
            kept.keep(round, leaves(round));
        }
        assert_eq!(kept.disclose(1, &dispute(5)), None, "too long ago");
        let call = kept.disclose(1, &dispute(6)).unwrap();
        let call = TrainingRuns::discloseCall::abi_decode(&call).unwrap();
        let disclosed: Vec<Digest> = call.leaves.into_iter().map(convert::digest).collect();
        assert_eq!((call.run, call.round, disclosed), (1, 6, leaves(6)));
        assert_eq!(kept.disclose(1, &dispute(6)), None);
        let known = DisputeView { disclosed: Some(3), ..dispute(7) };
        assert_eq!(kept.disclose(1, &known), None);
        // The commitment was made by an earlier process, or is not what was computed here.
        let other = DisputeView { commitment: Commitment::default(), ..dispute(7) };
        assert_eq!(kept.disclose(1, &other), None);
        assert!(kept.disclose(1, &dispute(7)).is_some());
    }
}
