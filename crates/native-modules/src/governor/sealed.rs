//! Sealed ballots of `Governor`: keys of their holders, commitments, and their opening.
//!
//! The ledger never decrypts anything. It keeps commitments and weights until ballots are opened, checks that what is opened is what was sealed, and that a secret key fits the public one; the
//! encrypted ballots themselves are in events only. A ballot that is open leaves no slots.
//!
//! Keys are X25519, as RFC 7748 says: 32 bytes, secret ones clamped when they are used.

use abi::{
    Governor::{self, GovernorCalls as Calls},
    GovernorCore as Core,
};
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall as _, SolValue as _};
use governance::proposal::{
    State, Support,
    two_houses::{
        LifeError, Settings, Weights,
        sealed::{BALLOT_BYTES_MAX, SealedBallot, Sealing, check_holders, is_barred},
    },
};
use native_kit::{Failure, Host, emit};

use super::{
    Ballot, BallotSlots, HolderListSlots, KeySlots,
    houses::{
        announce_in_houses, load as load_proposal, locked_weights, mark_voted, note_activity,
        refused, settings, store as store_proposal, store_settings,
    },
    only_governance, overflow, stored,
};
use crate::openzeppelin::answer;

/// Gas for a multiplication on the curve: it takes about as long as verifying an ed25519 signature (`signature::SIGNATURE_GAS`).
const CURVE_GAS: u64 = 5_000;

/// Answers a call about sealed ballots; `None` for other calls.
pub(super) fn call(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    if let Some(output) = view(host, call)? {
        return Ok(Some(output));
    }
    Ok(Some(match call {
        Calls::postBallotKey(call) => {
            post_key(host, call.proposalId, call.publicKey)?;
            Vec::new()
        }
        Calls::sealVote(call) => answer(seal(host, call)?),
        Calls::publishBallotKey(call) => {
            publish_key(host, call)?;
            Vec::new()
        }
        Calls::openVotes(call) => answer(open(host, call)?),
        Calls::setBallotKeyHolders(call) => {
            only_governance(host)?;
            set_holders(host, &call.holders, call.threshold)?;
            Vec::new()
        }
        Calls::setOpeningPeriod(call) => {
            only_governance(host)?;
            set_opening_period(host, call.newOpeningPeriod)?;
            Vec::new()
        }
        _ => return Ok(None),
    }))
}

fn view(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::sealedBallots(call) => sealed_ballots(host, call.proposalId)?.abi_encode(),
        Calls::sealedVoteOf(call) => {
            let slots = stored().sealed.of(host, call.proposalId)?.ballot_of;
            let slots = slots.of(host, call.voter)?;
            let ballot = slots.load(host, false)?;
            let (stake, work) = (ballot.weights.stake, ballot.weights.work);
            (B256::from(ballot.commitment), stake, work).abi_encode()
        }
        Calls::ballotKeyOf(call) => {
            let slots = key_of(host, call.proposalId, call.holder)?;
            (slots.public.get(host)?, slots.secret.get(host)?).abi_encode()
        }
        Calls::ballotKeyHolders(_) => {
            let list = current(host)?;
            let (holders, threshold) = holders_of(host, list)?;
            Governor::ballotKeyHoldersCall::abi_encode_returns(&Governor::ballotKeyHoldersReturn {
                holders,
                threshold,
            })
        }
        Calls::ballotKeyHoldersOf(call) => {
            let sealed = stored().sealed.of(host, call.proposalId)?;
            let list = sealed.list.get(host)?;
            let (holders, _) = holders_of(host, list)?;
            let threshold = sealed.threshold.get(host)?;
            Governor::ballotKeyHoldersOfCall::abi_encode_returns(
                &Governor::ballotKeyHoldersOfReturn { holders, threshold },
            )
        }
        Calls::isBarredHolder(call) => {
            let (barred_in, list) = (stored().barred_in.of(host, call.holder)?, current(host)?);
            answer(list > 0 && is_barred(barred_in.get(host)?, list))
        }
        Calls::openingPeriod(_) => answer(settings(host)?.opening_period),
        _ => return Ok(None),
    }))
}

/// Returns the threshold of the list in force; 0 while there are no holders.
pub(super) fn threshold(host: &mut dyn Host) -> Result<u8, Failure> {
    let list = current(host)?;
    match list_slots(host, list)? {
        Some(slots) => slots.threshold.get(host),
        None => Ok(0),
    }
}

/// Binds a new proposal to the list in force, if its ballots can be sealed.
pub(super) fn begin(host: &mut dyn Host, id: U256, sealing: &Sealing) -> Result<(), Failure> {
    if sealing.threshold == 0 {
        return Ok(());
    }
    let list = current(host)?;
    stored().sealed.of(host, id)?.list.set(host, list)
}

pub(super) fn load(host: &mut dyn Host, id: U256) -> Result<Sealing, Failure> {
    let slots = stored().sealed.of(host, id)?;
    let word = host.load(slots.threshold.slot())?;
    let mut sealing = Sealing {
        threshold: slots.threshold.of_word(word),
        opening_period: slots.opening_period.of_word(word),
        keys: slots.keys.of_word(word),
        published: slots.published.of_word(word),
        ballots: slots.ballots.of_word(word),
        opened: slots.opened.of_word(word),
        weights: Weights::default(),
    };
    if sealing.ballots > 0 {
        sealing.weights = Weights { stake: slots.stake.get(host)?, work: slots.work.get(host)? };
    }
    Ok(sealing)
}

pub(super) fn store(host: &mut dyn Host, id: U256, sealing: &Sealing) -> Result<(), Failure> {
    // Proposals whose ballots are always open have no slots here.
    if sealing.threshold == 0 {
        return Ok(());
    }
    let slots = stored().sealed.of(host, id)?;
    let word = host.load(slots.threshold.slot())?;
    let word = slots.threshold.into_word(word, sealing.threshold);
    let word = slots.opening_period.into_word(word, sealing.opening_period);
    let word = slots.keys.into_word(word, sealing.keys);
    let word = slots.published.into_word(word, sealing.published);
    let word = slots.ballots.into_word(word, sealing.ballots);
    let (module, word) = (host.module(), slots.opened.into_word(word, sealing.opened));
    host.set_of(module, slots.threshold.slot(), word)?;
    if sealing.ballots == 0 {
        return Ok(());
    }
    slots.stake.set(host, sealing.weights.stake)?;
    slots.work.set(host, sealing.weights.work)
}

/// Bars the holders that have posted a key for a proposal and not published it.
pub(super) fn bar(host: &mut dyn Host, id: U256) -> Result<(), Failure> {
    let sealed = stored().sealed.of(host, id)?;
    let list = sealed.list.get(host)?;
    let (holders, _) = holders_of(host, list)?;
    for holder in holders {
        let slots = key_of(host, id, holder)?;
        if slots.public.get(host)?.is_zero() || !slots.secret.get(host)?.is_zero() {
            continue;
        }
        stored().barred_in.of(host, holder)?.update(host, |barred| Ok(barred.max(list)))?;
        emit(host, &Governor::BallotKeyWithheld { proposalId: id, holder })?;
    }
    Ok(())
}

fn post_key(host: &mut dyn Host, id: U256, public: B256) -> Result<(), Failure> {
    let (holder, now) = (host.caller(), host.timestamp());
    let mut proposal = load_proposal(host, id)?;
    proposal.post_key(now).map_err(|error| refused(id, error, State::Pending.bit(), holder))?;
    let list = stored().sealed.of(host, id)?.list.get(host)?;
    let (holders, _) = holders_of(host, list)?;
    if !holders.contains(&holder) {
        return Err(Failure::revert(&Governor::NoKeyHolder { account: holder }));
    }
    if is_barred(stored().barred_in.of(host, holder)?.get(host)?, list) {
        return Err(Failure::revert(&Governor::KeyHolderBarred { account: holder }));
    }
    let slots = key_of(host, id, holder)?;
    if !slots.public.get(host)?.is_zero() {
        return Err(Failure::revert(&Governor::KeyIsThere { account: holder }));
    }
    // Points of low order give the same secret to everybody, so no client can encrypt to them.
    host.charge(CURVE_GAS)?;
    if x25519_dalek::x25519([1; 32], public.0) == [0; 32] {
        return Err(Failure::revert(&Governor::BadBallotKey {}));
    }
    slots.public.set(host, public.into())?;
    store_proposal(host, id, &proposal)?;
    emit(host, &Governor::BallotKeyPosted { proposalId: id, holder, publicKey: public })
}

fn seal(host: &mut dyn Host, call: &Governor::sealVoteCall) -> Result<U256, Failure> {
    let Governor::sealVoteCall { proposalId: id, commitment, ciphertext } = call.clone();
    let (voter, now) = (host.caller(), host.timestamp());
    mark_voted(host, id, voter)?;
    let (mut proposal, settings) = (load_proposal(host, id)?, settings(host)?);
    let weights = locked_weights(host, voter, &proposal, &settings)?;
    let ballot = SealedBallot { commitment: commitment.0, weights, is_open: false };
    let moved = proposal.seal(now, &settings, &ballot, ciphertext.len());
    let deadline = moved.map_err(|error| match error {
        LifeError::NoSuchBallot => Failure::revert(&Governor::BadSealedBallot {
            size: U256::from(ciphertext.len()),
            max: U256::from(BALLOT_BYTES_MAX),
        }),
        error => refused(id, error, State::Active.bit(), voter),
    })?;
    store_proposal(host, id, &proposal)?;
    let slots = stored().sealed.of(host, id)?.ballot_of.of(host, voter)?;
    slots.store(host, &ballot)?;
    emit(
        host,
        &Governor::VoteSealed {
            voter,
            proposalId: id,
            stakeWeight: weights.stake,
            workWeight: weights.work,
            commitment,
            ciphertext,
        },
    )?;
    if let Some(deadline) = deadline {
        emit(host, &Core::ProposalExtended { proposalId: id, extendedDeadline: deadline })?;
    }
    Ok(weights.stake)
}

fn publish_key(host: &mut dyn Host, call: &Governor::publishBallotKeyCall) -> Result<(), Failure> {
    let Governor::publishBallotKeyCall { proposalId: id, holder, secretKey: secret } = *call;
    let (caller, now) = (host.caller(), host.timestamp());
    let mut proposal = load_proposal(host, id)?;
    proposal.publish_key(now).map_err(|error| refused(id, error, State::Active.bit(), caller))?;
    let slots = key_of(host, id, holder)?;
    let public = slots.public.get(host)?;
    if public.is_zero() {
        return Err(Failure::revert(&Governor::NoKeyHolder { account: holder }));
    }
    if !slots.secret.get(host)?.is_zero() {
        return Err(Failure::revert(&Governor::KeyIsThere { account: holder }));
    }
    host.charge(CURVE_GAS)?;
    let fits = x25519_dalek::x25519(secret.0, x25519_dalek::X25519_BASEPOINT_BYTES);
    // A secret of zeros would read as none.
    if U256::from_be_bytes(fits) != public || secret.is_zero() {
        return Err(Failure::revert(&Governor::BadBallotKey {}));
    }
    slots.secret.set(host, secret.into())?;
    store_proposal(host, id, &proposal)?;
    emit(host, &Governor::BallotKeyPublished { proposalId: id, holder, secretKey: secret })
}

fn open(host: &mut dyn Host, call: &Governor::openVotesCall) -> Result<U256, Failure> {
    let (id, now) = (call.proposalId, host.timestamp());
    let mut proposal = load_proposal(host, id)?;
    let mut opened = 0_u64;
    for vote in &call.votes {
        let Governor::OpenedVote { voter, support: number, salt } = *vote;
        let support = Support::from_number(number)
            .ok_or_else(|| Failure::revert(&Core::GovernorInvalidVoteType {}))?;
        let slots = stored().sealed.of(host, id)?.ballot_of.of(host, voter)?;
        let has_voted = stored().votes.of(host, id)?.has_voted.of(host, voter)?.get(host)?;
        let mut ballot = slots.load(host, has_voted)?;
        let digest = host.keccak256(&(id, voter, U256::from(number), salt).abi_encode())?;
        let active = proposal
            .open(now, &mut ballot, (digest.0, support))
            .map_err(|error| refused(id, error, State::Active.bit(), voter))?;
        let Some(active) = active else { continue };
        opened = opened.saturating_add(1);
        slots.clear(host)?;
        note_activity(host, proposal.posted_at, active)?;
        let weight = ballot.weights.stake;
        let reason = String::new();
        let event = Core::VoteCast { voter, proposalId: id, support: number, weight, reason };
        emit(host, &event)?;
        announce_in_houses(host, &Ballot { id, voter, support: number }, ballot.weights)?;
    }
    store_proposal(host, id, &proposal)?;
    Ok(U256::from(opened))
}

fn set_holders(host: &mut dyn Host, holders: &[Address], threshold: u8) -> Result<(), Failure> {
    check_holders(holders, threshold).map_err(|error| {
        let (count, threshold) = (U256::from(error.holders), error.threshold);
        Failure::revert(&Governor::BadKeyHolders { count, threshold })
    })?;
    let slots = stored().holder_lists.push(host)?;
    slots.threshold.set(host, threshold)?;
    for holder in holders {
        slots.holders.push(host)?.set(host, *holder)?;
    }
    emit(host, &Governor::BallotKeyHoldersSet { holders: holders.to_vec(), threshold })
}

fn set_opening_period(host: &mut dyn Host, opening_period: u32) -> Result<(), Failure> {
    let before = settings(host)?;
    store_settings(host, &Settings { opening_period, ..before })?;
    emit(
        host,
        &Governor::OpeningPeriodSet {
            oldOpeningPeriod: before.opening_period,
            newOpeningPeriod: opening_period,
        },
    )
}

fn sealed_ballots(host: &mut dyn Host, id: U256) -> Result<Governor::SealedBallots, Failure> {
    let proposal = load_proposal(host, id)?;
    let sealing = proposal.sealing;
    Ok(Governor::SealedBallots {
        isSealed: proposal.is_sealed(),
        threshold: sealing.threshold,
        keys: sealing.keys,
        published: sealing.published,
        ballots: sealing.ballots,
        opened: sealing.opened,
        openingUntil: proposal.opening_end().map_err(overflow)?,
        stakeWeight: sealing.weights.stake,
        workWeight: sealing.weights.work,
    })
}

/// Returns the number of the list in force; 0 while there is none.
fn current(host: &mut dyn Host) -> Result<u32, Failure> {
    u32::try_from(stored().holder_lists.len(host)?).map_err(overflow)
}

fn list_slots(host: &mut dyn Host, list: u32) -> Result<Option<HolderListSlots>, Failure> {
    match list.checked_sub(1) {
        Some(index) => stored().holder_lists.element(host, u64::from(index)),
        None => Ok(None),
    }
}

fn holders_of(host: &mut dyn Host, list: u32) -> Result<(Vec<Address>, u8), Failure> {
    let Some(slots) = list_slots(host, list)? else { return Ok((Vec::new(), 0)) };
    let mut holders = Vec::new();
    for index in 0..slots.holders.len(host)? {
        let slot = slots.holders.element(host, index)?;
        let slot = slot.ok_or_else(|| Failure::Broken("a holder is missing".to_owned()))?;
        holders.push(slot.get(host)?);
    }
    Ok((holders, slots.threshold.get(host)?))
}

fn key_of(host: &mut dyn Host, id: U256, holder: Address) -> Result<KeySlots, Failure> {
    stored().sealed.of(host, id)?.keys_of.of(host, holder)
}

impl BallotSlots {
    /// Loads a ballot; what an account that has voted has no commitment for is open.
    fn load(self, host: &mut dyn Host, has_voted: bool) -> Result<SealedBallot, Failure> {
        let commitment = self.commitment.get(host)?;
        let is_open = has_voted && commitment.is_zero();
        let weights = Weights { stake: self.stake.get(host)?, work: self.work.get(host)? };
        Ok(SealedBallot { commitment: commitment.to_be_bytes(), weights, is_open })
    }

    fn store(self, host: &mut dyn Host, ballot: &SealedBallot) -> Result<(), Failure> {
        self.commitment.set(host, U256::from_be_bytes(ballot.commitment))?;
        self.stake.set(host, ballot.weights.stake)?;
        self.work.set(host, ballot.weights.work)
    }

    fn clear(self, host: &mut dyn Host) -> Result<(), Failure> {
        for slot in [self.commitment, self.stake, self.work] {
            slot.set(host, U256::ZERO)?;
        }
        Ok(())
    }
}
