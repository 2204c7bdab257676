//! Where the records of runs are in storage.

use alloy_primitives::{Address, B256, U256, uint};
use native_kit::{
    slots::{Mapping, Text, Value},
    storage,
};

storage! {
    /// `struct Terms`, as in the interface.
    pub(super) struct StoredTerms {
        pub(super) rounds: Value<u32>,
        pub(super) warmup_rounds: Value<u32>,
        pub(super) tokens_per_round: Value<u64>,
        pub(super) warmup_tokens_per_round: Value<u64>,
        pub(super) round_seconds: Value<u32>,
        pub(super) audit_seconds: Value<u32>,
        pub(super) price_per_token: Value<u128>,
        pub(super) audit_rate: Value<u16>,
        pub(super) audit_pay: Value<u16>,
        pub(super) quorum: Value<u16>,
        pub(super) seats_min: Value<u16>,
        pub(super) seats_max: Value<u16>,
        pub(super) stall_seconds: Value<u32>,
        pub(super) relay_fee: Value<u128>,
    }
}

storage! {
    /// The digests of the terms, which no input needs.
    pub(super) struct StoredSubjects {
        pub(super) spec: Value<B256>,
        pub(super) corpus: Value<B256>,
        pub(super) initial_state: Value<B256>,
    }
}

storage! {
    /// What a run is at.
    pub(super) struct StoredHead {
        /// The phase plus 1, so that 0 is no run.
        pub(super) phase: Value<u8>,
        pub(super) ending: Value<u8>,
        pub(super) lapses: Value<u8>,
        pub(super) trainer_errors: Value<u8>,
        pub(super) round: Value<u32>,
        pub(super) seats: Value<u16>,
        /// The first free seat plus 1.
        pub(super) free: Value<u16>,
        pub(super) active: Value<u16>,
        pub(super) taking_part: Value<u16>,
        pub(super) committed: Value<u16>,
        pub(super) expected: Value<u16>,
        pub(super) disputes: Value<u16>,
        pub(super) trainer_audits: Value<u16>,
        pub(super) trainer_silences: Value<u8>,
        pub(super) is_reopened: Value<bool>,
        pub(super) unsettled: Value<u32>,
        /// Since revision 4: before, these bytes were free.
        pub(super) unaccused: Value<u16>,
        pub(super) deadline: Value<u64>,
        pub(super) progressed: Value<u64>,
        pub(super) tokens_verified: Value<u64>,
        pub(super) deposited: Value<u128>,
        pub(super) paid: Value<u128>,
        pub(super) held: Value<u128>,
        pub(super) pending: Value<u128>,
        pub(super) refunded: Value<u128>,
        pub(super) first_draw_wanted: Value<u64>,
        pub(super) second_draw_wanted: Value<u64>,
        pub(super) state: Value<B256>,
        pub(super) update: Value<B256>,
        pub(super) owner: Value<Address>,
        pub(super) auditor: Value<B256>,
    }
}

storage! {
    /// A seat.
    pub(super) struct StoredSeat {
        pub(super) device: Value<B256>,
        pub(super) account: Value<Address>,
        pub(super) standing: Value<u8>,
        pub(super) silences: Value<u8>,
        pub(super) expelled_round: Value<u32>,
        /// The next free seat plus 1.
        pub(super) next_free: Value<u16>,
        pub(super) from_round: Value<u32>,
        pub(super) next_round: Value<u32>,
        pub(super) pending: Value<u64>,
        pub(super) disputes: Value<u16>,
        pub(super) duties: Value<u16>,
        pub(super) answers: Value<u16>,
        pub(super) tokens_verified: Value<u64>,
        pub(super) stake: Value<u128>,
        pub(super) paid: Value<u128>,
    }
}

storage! {
    /// What a run knows of a device.
    pub(super) struct StoredPlace {
        /// The seat plus 1.
        pub(super) seat: Value<u16>,
        pub(super) nonce: Value<u64>,
        /// The standing for which it is barred, or 0.
        pub(super) barred_for: Value<u8>,
        pub(super) barred_round: Value<u32>,
    }
}

storage! {
    /// A round; 4 words with a bit for each seat that committed.
    pub(super) struct StoredRound {
        pub(super) base: Value<B256>,
        pub(super) number: Value<u32>,
        pub(super) closed: Value<u64>,
        pub(super) is_drawn: Value<bool>,
        pub(super) commitments: Value<u16>,
        pub(super) unsettled: Value<u16>,
        /// When it opened. Since revision 5: before, these bytes were free.
        pub(super) opened: Value<u64>,
        pub(super) committed_0: Value<U256>,
        pub(super) committed_1: Value<U256>,
        pub(super) committed_2: Value<U256>,
        pub(super) committed_3: Value<U256>,
    }
}

storage! {
    /// A commitment and the progress of its audit.
    pub(super) struct StoredEntry {
        pub(super) seal: Value<B256>,
        pub(super) update: Value<B256>,
        pub(super) check: Value<u8>,
        pub(super) attempts: Value<u8>,
        /// The auditor plus 1; 65535 for the owner's device.
        pub(super) auditor: Value<u16>,
        /// The seat that passed it plus 1.
        pub(super) passed_by: Value<u16>,
        /// The seat that did not answer last plus 1.
        pub(super) silent: Value<u16>,
        pub(super) weight: Value<u32>,
        pub(super) stake: Value<u32>,
        /// Deadline of the auditor, or height of the draw.
        pub(super) until: Value<u64>,
        pub(super) disclosed: Value<u64>,
    }
}

storage! {
    /// The vote of a referee.
    pub(super) struct StoredVote {
        pub(super) referee: Value<B256>,
        pub(super) account: Value<Address>,
        /// As in the interface.
        pub(super) kind: Value<u8>,
        pub(super) leaf: Value<u16>,
        pub(super) seal: Value<B256>,
        pub(super) update: Value<B256>,
    }
}

storage! {
    /// An open dispute.
    pub(super) struct StoredDispute {
        pub(super) seal: Value<B256>,
        pub(super) update: Value<B256>,
        pub(super) base: Value<B256>,
        /// 0 for no dispute; else who accuses: 1 nobody, 2 a seat, 3 the owner's device, 4 an account.
        pub(super) kind: Value<u8>,
        pub(super) accuser: Value<u16>,
        /// The seat that passed it plus 1.
        pub(super) passed_by: Value<u16>,
        pub(super) is_drawn: Value<bool>,
        pub(super) was_settled: Value<bool>,
        pub(super) deadline: Value<u64>,
        pub(super) bond: Value<u128>,
        pub(super) account: Value<Address>,
        /// Its place in the list of open disputes.
        pub(super) position: Value<u32>,
        pub(super) votes_count: Value<u16>,
        pub(super) disclosed: Value<u64>,
        pub(super) votes: Mapping<u16, StoredVote>,
    }
}

storage! {
    /// What a run has paid for the work of a device, and how disputes about it ended. Since revision 3.
    pub(super) struct StoredWork {
        pub(super) held_work: Value<u128>,
        pub(super) held_other: Value<u128>,
        pub(super) released: Value<u128>,
        /// By round: 0, 1 if the work was repeated, 2 if it could not be.
        pub(super) outcomes: Mapping<u32, Value<u8>>,
    }
}

storage! {
    /// How fast a device worked: 16 codes of a speed in each word. Since revision 5.
    pub(super) struct StoredSpeeds {
        /// Of the rounds that it committed to, by `round % 16`.
        pub(super) committed: Value<U256>,
        /// Of the last of them that counted as verified, newest first.
        pub(super) verified: Value<U256>,
        /// Of its last audits that passed, newest first.
        pub(super) repeated: Value<U256>,
    }
}

storage! {
    /// A run.
    pub(super) struct StoredRun {
        pub(super) head: StoredHead,
        pub(super) terms: StoredTerms,
        pub(super) subjects: StoredSubjects,
        pub(super) coordinator: Value<B256>,
        pub(super) name: Text,
        pub(super) endpoint: Text,
        pub(super) seats: Mapping<u16, StoredSeat>,
        pub(super) places: Mapping<B256, StoredPlace>,
        /// By the place of a round among those that are kept.
        pub(super) rounds: Mapping<u32, StoredRound>,
        /// By `place << 16 | seat`.
        pub(super) entries: Mapping<u32, StoredEntry>,
        /// By `round << 16 | seat`.
        pub(super) disputes: Mapping<u64, StoredDispute>,
        /// Number of open disputes.
        pub(super) disputes_count: Value<u32>,
        /// Keys of open disputes, by position.
        pub(super) disputes_open: Mapping<u32, Value<u64>>,
        /// By height.
        pub(super) randomness: Mapping<u64, Value<B256>>,
        /// By device.
        pub(super) work: Mapping<B256, StoredWork>,
        /// By device.
        pub(super) speeds: Mapping<B256, StoredSpeeds>,
    }
}

/// Number of runs.
pub(super) const COUNT: Value<u64> = Value::new(U256::ZERO, 0);
/// `mapping(uint64 => Run)`.
pub(super) const RUNS: Mapping<u64, StoredRun> = Mapping::new(uint!(1_U256));
