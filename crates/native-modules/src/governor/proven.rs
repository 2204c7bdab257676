//! A proposal of `Governor` from words of its storage, for who has them from proofs and trusts no node.
//!
//! The layout is the one that the module itself uses; a test compares what both read.

use alloy_primitives::{U256, keccak256};
use alloy_sol_types::SolValue as _;
use governance::{
    Class,
    proposal::{
        Core, Tally,
        two_houses::{Electorate, Jury, Missed, Proposal, Votes, Weights, sealed::Sealing},
    },
};
use native_kit::slots::{Layout, Mapping, Value, Word};

use super::{HouseSlots, ProposalSlots, SealedSlots, TallySlots, stored};

/// Reads words of the Governor's storage, by their slots.
pub type ReadWord<'a> = dyn FnMut(U256) -> U256 + 'a;

/// Returns the id of the proposal of a number, from 1 on, as the Governor's storage says; 0 if there is none.
pub fn proposal_id(number: u64, read: &mut ReadWord<'_>) -> U256 {
    let ids = stored().ids.slot();
    let count = read(ids);
    let first: U256 = keccak256(ids.abi_encode()).into();
    let index = U256::from(number).wrapping_sub(U256::ONE);
    let id = read(first.wrapping_add(index));
    if number > 0 && index < count { id } else { U256::ZERO }
}

/// Returns a proposal as the Governor's storage says; `None` if there is none of this id. It reads the same slots whatever is in them. What a jury says is in another
/// module's storage: there is none here.
pub fn proposal(id: U256, read: &mut ReadWord<'_>) -> Option<Proposal> {
    let all = stored();
    let core = core(&of(all.proposals, id), read);
    let house: HouseSlots = of(all.house_proposals, id);
    let word = read(house.class.slot());
    let extended: Value<_> = of(all.extended_deadlines, id);
    let electorate = Electorate {
        stake_total: value(house.stake_total, read),
        stake_quorum: value(house.stake_quorum, read),
        work_total: value(house.work_total, read),
    };
    let votes = Votes { stake: tally(&of(all.votes, id), read), work: tally(&house.work, read) };
    let sealing = sealing(&of(all.sealed, id), read);
    let extended = value(extended, read);
    let class = Class::of(house.class.of_word(word))?;
    (core.vote_start > 0).then(|| Proposal {
        core,
        extended: extended.to(),
        class,
        is_contested: house.is_contested.of_word(word),
        is_settled: house.is_settled.of_word(word),
        posted_at: house.posted_at.of_word(word).to(),
        missed: Missed {
            stake: house.missed_stake.of_word(word),
            work: house.missed_work.of_word(word),
        },
        electorate,
        deposit: U256::from(house.deposit.of_word(word)),
        votes,
        sealing,
        jury: Jury::None,
    })
}

fn core(slots: &ProposalSlots, read: &mut ReadWord<'_>) -> Core {
    let word = read(slots.proposer.slot());
    Core {
        proposer: slots.proposer.of_word(word),
        vote_start: slots.vote_start.of_word(word).to(),
        vote_duration: slots.vote_duration.of_word(word),
        is_executed: slots.is_executed.of_word(word),
        is_canceled: slots.is_canceled.of_word(word),
        eta: value(slots.eta, read).to(),
    }
}

fn tally(slots: &TallySlots, read: &mut ReadWord<'_>) -> Tally {
    Tally {
        against: value(slots.against, read),
        approving: value(slots.approving, read),
        abstaining: value(slots.abstaining, read),
    }
}

fn sealing(slots: &SealedSlots, read: &mut ReadWord<'_>) -> Sealing {
    let word = read(slots.threshold.slot());
    Sealing {
        threshold: slots.threshold.of_word(word),
        opening_period: slots.opening_period.of_word(word),
        keys: slots.keys.of_word(word),
        published: slots.published.of_word(word),
        ballots: slots.ballots.of_word(word),
        opened: slots.opened.of_word(word),
        weights: Weights { stake: value(slots.stake, read), work: value(slots.work, read) },
    }
}

pub(crate) fn value<T: Word>(value: Value<T>, read: &mut ReadWord<'_>) -> T {
    value.of_word(read(value.slot()))
}

/// Returns the variable of a key, as [`Mapping::of`] places it.
pub(crate) fn of<K: Word, V: Layout>(mapping: Mapping<K, V>, key: K) -> V {
    V::at(keccak256((key.key(), mapping.slot()).abi_encode()).into(), 0)
}
