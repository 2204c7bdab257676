//! `Governor`: the ledger's own, in which a house of stake and a house of verified work decide.
//!
//! The rules are those of `governance::proposal::two_houses`; this loads a proposal, applies a step, stores it, and asks the houses. Votes are read at a snapshot that
//! lies before the posting, so what is deposited for a vote does not count in it; who has voted is reported to the houses, which lock the stake.
//!
//! Deposits are part of the module's balance. What proposals spend is the rest: after their calls the deposits must still be there.

use abi::{
    BRAKE, BREAKERS, Brake, Breakers, GOVERNOR,
    Governor::{self, GovernorCalls as Calls},
    GovernorCore as Core, ISSUANCE, JURIES, Juries, PARAMETERS, Parameters, REFEREES, REVISIONS,
    STAKE_HOUSE, TREASURY, Treasury, Votes as House, WORK_HOUSE,
};
use alloy_primitives::{Address, Bytes, U256, aliases::U208};
use alloy_sol_types::{SolCall, SolValue as _};
use governance::{
    Class,
    proposal::{
        State, Support,
        activity::{self, Active, Week},
        two_houses::{
            Admission, CALLS_MAX, DESCRIPTION_BYTES_MAX, Decision, Electorate, Jury, LifeError,
            Missed, Open, PostError, Proposal, Settings, Votes, Weights, sealed::BALLOT_BYTES_MAX,
        },
    },
};
use native_kit::{Call, Failure, Function, Host, emit};

use super::{
    Actions, Ballot, Mode, WeekSlots, is_shared, life, narrow, nonexistent, only_governance,
    overflow, sealed, settings::Setting, stored, time, token::not_executable, unexpected,
};
use crate::{
    openzeppelin::{answer, word},
    revisions,
};

/// None is locked.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::payable(Governor::proposeCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::settleCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::setProposalDepositCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::summonJuryCall::SELECTOR).unlocked(),
    Function::view(Governor::proposalDepositCall::SELECTOR),
    Function::view(Governor::classOfCall::SELECTOR),
    Function::view(Governor::proposalClassCall::SELECTOR),
    Function::view(Governor::isContestedCall::SELECTOR),
    Function::view(Governor::isSettledCall::SELECTOR),
    Function::view(Governor::houseVotesCall::SELECTOR),
    Function::view(Governor::electorateCall::SELECTOR),
    Function::view(Governor::decisionCall::SELECTOR),
    Function::view(Governor::brakeDelayCall::SELECTOR),
    Function::view(Governor::activeAverageCall::SELECTOR),
    Function::view(Governor::missedTurnoutsCall::SELECTOR),
    Function::view(Governor::openProposalsCall::SELECTOR),
    Function::view(Governor::openProposalsOfCall::SELECTOR),
    Function::view(Governor::proposalCountCall::SELECTOR),
    Function::view(Governor::proposalAtCall::SELECTOR),
    Function::nonpayable(Governor::postBallotKeyCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::sealVoteCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::publishBallotKeyCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::openVotesCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::setBallotKeyHoldersCall::SELECTOR).unlocked(),
    Function::nonpayable(Governor::setOpeningPeriodCall::SELECTOR).unlocked(),
    Function::view(Governor::sealedBallotsCall::SELECTOR),
    Function::view(Governor::sealedVoteOfCall::SELECTOR),
    Function::view(Governor::ballotKeyOfCall::SELECTOR),
    Function::view(Governor::ballotKeyHoldersCall::SELECTOR),
    Function::view(Governor::ballotKeyHoldersOfCall::SELECTOR),
    Function::view(Governor::isBarredHolderCall::SELECTOR),
    Function::view(Governor::openingPeriodCall::SELECTOR),
];

pub(super) const NAME: &str = "Gleaner Governor";
const CLOCK_MODE: &str = "mode=timestamp";
/// Whose rules are those of governance and issuance, and who convicts devices. What calls the houses as the Governor could lock anybody's stake.
const CONSTITUTIONAL: [Address; 8] =
    [GOVERNOR, STAKE_HOUSE, WORK_HOUSE, ISSUANCE, BRAKE, JURIES, BREAKERS, REFEREES];
/// Calls of the treasury that are as strict.
const BEYOND_BUDGET: [[u8; 4]; 2] =
    [Treasury::grantBeyondBudgetCall::SELECTOR, Treasury::streamBeyondBudgetCall::SELECTOR];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if is_shared(input) {
        return super::call(host, &Houses, input);
    }
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    if let Some(output) = of_proposal(host, &call)? {
        return Ok(output);
    }
    if let Some(output) = sealed::call(host, &call)? {
        return Ok(output);
    }
    Ok(match call {
        Calls::propose(call) => answer(propose(host, call)?),
        Calls::settle(call) => {
            let mut proposal = load(host, call.proposalId)?;
            settle(host, call.proposalId, &mut proposal)?;
            Vec::new()
        }
        Calls::summonJury(call) => {
            summon_jury(host, call.proposalId)?;
            Vec::new()
        }
        Calls::setProposalDeposit(call) => {
            only_governance(host)?;
            set_proposal_deposit(host, call.newProposalDeposit)?;
            Vec::new()
        }
        Calls::proposalDeposit(_) => answer(settings(host)?.deposit),
        Calls::classOf(call) => answer(class_of(host, &call.targets, &call.calldatas)?.number()),
        Calls::activeAverage(_) => answer(active_average(host)?),
        Calls::missedTurnouts(_) => {
            let Missed { stake, work } = missed(host)?;
            (U256::from(stake), U256::from(work)).abi_encode()
        }
        Calls::openProposals(_) => answer(stored().open_count.get(host)?),
        Calls::openProposalsOf(call) => answer(stored().open_of.of(host, call.account)?.get(host)?),
        Calls::proposalCount(_) => answer(stored().ids.len(host)?),
        Calls::proposalAt(call) => {
            let index = u64::try_from(call.index).unwrap_or(u64::MAX);
            match stored().ids.element(host, index)? {
                Some(id) => answer(id.get(host)?),
                None => answer(U256::ZERO),
            }
        }
        _ => unreachable!("answered by `of_proposal` or `sealed::call`"),
    })
}

/// Answers what is asked about one proposal; `None` for other calls.
fn of_proposal(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::proposalClass(call) => answer(load(host, call.proposalId)?.class.number()),
        Calls::isContested(call) => answer(load(host, call.proposalId)?.is_contested),
        Calls::isSettled(call) => answer(load(host, call.proposalId)?.is_settled),
        Calls::houseVotes(call) => {
            let votes = load(host, call.proposalId)?.votes;
            let tally = match call.house {
                0 => votes.stake,
                1 => votes.work,
                house => return Err(Failure::revert(&Governor::NoHouse { house })),
            };
            (tally.against, tally.approving, tally.abstaining).abi_encode()
        }
        Calls::electorate(call) => {
            let all = load(host, call.proposalId)?.electorate;
            (all.stake_total, all.stake_quorum, all.work_total).abi_encode()
        }
        Calls::decision(call) => {
            let now = host.timestamp();
            let decision = load(host, call.proposalId)?.decision_at(now).map_err(overflow)?;
            let reason = decision.reason().to_owned();
            let decided = decision.number();
            Governor::decisionCall::abi_encode_returns(&Governor::decisionReturn {
                decided,
                reason,
            })
        }
        Calls::brakeDelay(call) => answer(brake_delay(host, call.proposalId)?),
        _ => return Ok(None),
    }))
}

fn propose(host: &mut dyn Host, call: Governor::proposeCall) -> Result<U256, Failure> {
    let Governor::proposeCall { targets, values, calldatas, description } = call;
    let (proposer, now) = (host.caller(), host.timestamp());
    check_sizes(targets.len(), description.len())?;
    life::check_proposer(proposer, &description)?;
    let actions = Actions::of(targets, values, calldatas);
    let id = life::new_id(host, &Houses, &actions, &description)?;
    // What trips, or is released, is on record from the first proposal on that feels it.
    host.call_contract(&Call::new(BREAKERS, Breakers::checkCall {}.abi_encode()))?;
    let class = class_of(host, &actions.targets, &actions.calldatas)?;
    let settings = settings(host)?;
    let snapshot = U256::from(Proposal::snapshot_of(now));
    let totals = [total_of(host, STAKE_HOUSE, snapshot)?, total_of(host, WORK_HOUSE, snapshot)?];
    let electorate = Electorate::new(totals[0], totals[1], active_average(host)?);
    let open_of = stored().open_of.of(host, proposer)?;
    let open = Open { of_proposer: open_of.get(host)?, all: stored().open_count.get(host)? };
    let admission = Admission {
        proposer,
        value: host.value(),
        weights: weights(host, proposer, snapshot)?,
        open,
        key_threshold: sealed::threshold(host)?,
    };
    let facts = (electorate, missed(host)?);
    let proposal = Proposal::post(now, class, &settings, &admission, facts)
        .map_err(|error| not_posted(proposer, error))?;
    store(host, id, &proposal)?;
    sealed::begin(host, id, &proposal.sealing)?;
    open_of.set(host, open.of_proposer.saturating_add(1))?;
    stored().open_count.set(host, open.all.saturating_add(1))?;
    stored().ids.push(host)?.set(host, id)?;
    hold(host, proposal.deposit)?;
    let end = proposal.deadline().map_err(overflow)?;
    let times = (U256::from(proposal.core.vote_start), U256::from(end));
    life::announce(host, (id, proposer), actions, times, description)?;
    let Electorate { stake_total, stake_quorum, work_total } = electorate;
    emit(
        host,
        &Governor::ProposalPosted {
            proposalId: id,
            class: class.number(),
            deposit: proposal.deposit,
            stakeTotal: stake_total,
            stakeQuorum: stake_quorum,
            workTotal: work_total,
        },
    )?;
    Ok(id)
}

fn check_sizes(count: usize, size: usize) -> Result<(), Failure> {
    if count > CALLS_MAX {
        let (count, max) = (U256::from(count), U256::from(CALLS_MAX));
        return Err(Failure::revert(&Governor::TooManyCalls { count, max }));
    }
    if size > DESCRIPTION_BYTES_MAX {
        let (size, max) = (U256::from(size), U256::from(DESCRIPTION_BYTES_MAX));
        return Err(Failure::revert(&Governor::DescriptionTooLong { size, max }));
    }
    Ok(())
}

fn not_posted(proposer: Address, error: PostError) -> Failure {
    match error {
        PostError::TooFewVotes { votes, threshold } => {
            Failure::revert(&Core::GovernorInsufficientProposerVotes { proposer, votes, threshold })
        }
        PostError::WrongDeposit { value, deposit } => {
            Failure::revert(&Governor::WrongDeposit { value, deposit })
        }
        PostError::TooManyOpen { count } => {
            Failure::revert(&Governor::TooManyOpenProposals { count: U256::from(count) })
        }
        PostError::OutOfRange(error) => overflow(error),
    }
}

pub(super) fn refused(id: U256, error: LifeError, allowed: u8, caller: Address) -> Failure {
    match error {
        LifeError::Absent => nonexistent(id),
        LifeError::Is(state) => unexpected(id, state, allowed),
        LifeError::CannotCancel => {
            Failure::revert(&Core::GovernorUnableToCancel { proposalId: id, account: caller })
        }
        LifeError::AlreadySettled => Failure::revert(&Governor::AlreadySettled { proposalId: id }),
        LifeError::NotExecutable(error) => not_executable(id, error),
        LifeError::Sealed => Failure::revert(&Governor::BallotsAreSealed { proposalId: id }),
        LifeError::NotSealed => Failure::revert(&Governor::BallotsAreOpen { proposalId: id }),
        LifeError::VoteGoesOn { until } => Failure::revert(&Governor::VoteGoesOn { until }),
        LifeError::VoteIsOver { end } => Failure::revert(&Governor::VoteIsOver { end }),
        LifeError::OpeningIsOver => Failure::revert(&Governor::OpeningIsOver { proposalId: id }),
        LifeError::NoSuchBallot => Failure::revert(&Governor::BadSealedBallot {
            size: U256::ZERO,
            max: U256::from(BALLOT_BYTES_MAX),
        }),
        LifeError::NoWeight => Failure::revert(&Governor::NoVotes { voter: caller }),
        LifeError::OtherBallot => Failure::revert(&Governor::OtherBallot { voter: caller }),
        LifeError::OutOfRange(error) => overflow(error),
    }
}

/// Settles a proposal that has ended: frees its place, and returns or burns its deposit.
fn settle(host: &mut dyn Host, id: U256, proposal: &mut Proposal) -> Result<(), Failure> {
    let ended =
        [State::Canceled, State::Defeated, State::Succeeded, State::Queued, State::Executed];
    let allowed = ended.iter().fold(0, |all, state| all | state.bit());
    let caller = host.caller();
    let settled =
        proposal.settle(host.timestamp()).map_err(|error| refused(id, error, allowed, caller))?;
    store(host, id, proposal)?;
    if settled.is_key_withheld {
        sealed::bar(host, id)?;
    }
    let open_of = stored().open_of.of(host, proposal.core.proposer)?;
    open_of.update(host, |open| Ok(open.saturating_sub(1)))?;
    stored().open_count.update(host, |open| Ok(open.saturating_sub(1)))?;
    let Missed { stake, work } = missed(host)?.after(&settled);
    stored().missed_stake.set(host, stake)?;
    stored().missed_work.set(host, work)?;
    let deposit = proposal.deposit;
    stored().deposits_held.update(host, |held| Ok(held.saturating_sub(deposit)))?;
    if settled.is_burnt {
        host.burn(deposit)?;
    } else {
        host.pay(proposal.core.proposer, deposit)?;
    }
    emit(host, &Governor::ProposalSettled { proposalId: id, deposit, burnt: settled.is_burnt })
}

fn hold(host: &mut dyn Host, deposit: U256) -> Result<(), Failure> {
    stored()
        .deposits_held
        .update(host, |held| held.checked_add(deposit).ok_or(()).map_err(overflow))
}

/// Returns the class of the strictest call; ordinary ones are constitutional while the breakers say so.
fn class_of(
    host: &mut dyn Host,
    targets: &[Address],
    calldatas: &[Bytes],
) -> Result<Class, Failure> {
    let class = class_of_calls(host.revision(), targets, calldatas);
    if class == Class::Ordinary && !ask(host, BREAKERS, &Breakers::isStrictCall {})?.is_zero() {
        return Ok(Class::Constitutional);
    }
    Ok(class)
}

/// Returns the class of the strictest call, whatever the breakers say.
fn class_of_calls(revision: u32, targets: &[Address], calldatas: &[Bytes]) -> Class {
    let calls = targets.iter().zip(calldatas);
    let classes = calls.map(|(target, data)| class_of_call(revision, target, data));
    classes.max().unwrap_or(Class::Ordinary)
}

fn class_of_call(revision: u32, target: &Address, data: &Bytes) -> Class {
    if *target == REVISIONS && revision >= revisions::SINCE {
        return Class::Constitutional;
    }
    if *target == PARAMETERS {
        // Anything but a change of a known parameter will fail there.
        let parameter = Parameters::setCall::abi_decode(data)
            .ok()
            .and_then(|call| governance::parameter(&call.key.0).ok());
        return parameter.map_or(Class::Constitutional, |parameter| parameter.class);
    }
    let is_beyond_budget = *target == TREASURY
        && data.first_chunk().is_some_and(|selector| BEYOND_BUDGET.contains(selector));
    if is_beyond_budget || CONSTITUTIONAL.contains(target) {
        Class::Constitutional
    } else {
        Class::Ordinary
    }
}

fn brake_delay(host: &mut dyn Host, id: U256) -> Result<u64, Failure> {
    let delay = ask(host, BRAKE, &Brake::delayOfCall { proposal: id })?;
    Ok(u64::try_from(delay).unwrap_or(u64::MAX))
}

fn ask(host: &mut dyn Host, module: Address, call: &impl SolCall) -> Result<U256, Failure> {
    word(host.call(&Call::reading(module, call.abi_encode()))?.returned()?)
}

fn total_of(host: &mut dyn Host, house: Address, timepoint: U256) -> Result<U256, Failure> {
    ask(host, house, &House::getPastTotalSupplyCall { timepoint })
}

fn weights(host: &mut dyn Host, account: Address, timepoint: U256) -> Result<Weights, Failure> {
    let call = House::getPastVotesCall { account, timepoint };
    Ok(Weights { stake: ask(host, STAKE_HOUSE, &call)?, work: ask(host, WORK_HOUSE, &call)? })
}

/// Tells the houses that an account votes: it stays locked, and its delegations go on. Returns the weights that count. What the stake house had at the snapshot and
/// has no more, because it was sold, does not; voice cannot be sold, and what has halved since counts as it was.
fn note_vote(
    host: &mut dyn Host,
    account: Address,
    weights: &Weights,
    until: u64,
) -> Result<Weights, Failure> {
    let call = House::noteVoteCall { account, until: time(until)? }.abi_encode();
    let mut counted = *weights;
    if !weights.stake.is_zero() {
        let present = host.call(&Call::new(STAKE_HOUSE, call.clone()))?.returned()?;
        counted.stake = weights.stake.min(word(present)?);
    }
    if !weights.work.is_zero() {
        host.call_contract(&Call::new(WORK_HOUSE, call))?;
    }
    Ok(counted)
}

/// Notes that an account votes, and refuses one that has voted.
pub(super) fn mark_voted(host: &mut dyn Host, id: U256, voter: Address) -> Result<(), Failure> {
    let has_voted = stored().votes.of(host, id)?.has_voted.of(host, voter)?;
    if has_voted.get(host)? {
        return Err(Failure::revert(&Core::GovernorAlreadyCastVote { voter }));
    }
    has_voted.set(host, true)
}

/// Returns what a vote of an account counts, and locks it.
pub(super) fn locked_weights(
    host: &mut dyn Host,
    voter: Address,
    proposal: &Proposal,
    settings: &Settings,
) -> Result<Weights, Failure> {
    let snapshot = Proposal::snapshot_of(proposal.posted_at);
    let weights = weights(host, voter, U256::from(snapshot))?;
    let until = proposal.lock_until(host.timestamp(), settings).map_err(overflow)?;
    note_vote(host, voter, &weights, until)
}

/// Emits what a vote has counted in both houses.
pub(super) fn announce_in_houses(
    host: &mut dyn Host,
    ballot: &Ballot,
    weights: Weights,
) -> Result<(), Failure> {
    let Ballot { id, voter, support } = *ballot;
    emit(
        host,
        &Governor::VoteCastInHouses {
            voter,
            proposalId: id,
            support,
            stakeWeight: weights.stake,
            workWeight: weights.work,
        },
    )
}

pub(super) fn settings(host: &mut dyn Host) -> Result<Settings, Failure> {
    let voting_period = stored().voting_period.get(host)?;
    // No setting was changed yet.
    if voting_period == 0 {
        return Ok(Settings::INITIAL);
    }
    Ok(Settings {
        voting_delay: stored().voting_delay.get(host)?.to(),
        voting_period,
        threshold: stored().proposal_threshold.get(host)?,
        vote_extension: stored().vote_extension.get(host)?.to(),
        execution_delay: stored().execution_delay.get(host)?,
        deposit: stored().proposal_deposit.get(host)?,
        opening_period: stored().opening_period.get(host)?,
    })
}

pub(super) fn store_settings(host: &mut dyn Host, settings: &Settings) -> Result<(), Failure> {
    settings.check().map_err(|error| {
        let (value, least, most) = (error.value, error.least, error.most);
        Failure::revert(&Governor::SettingOutOfBand { value, least, most })
    })?;
    stored().voting_delay.set(host, time(settings.voting_delay)?)?;
    stored().voting_period.set(host, settings.voting_period)?;
    stored().proposal_threshold.set(host, settings.threshold)?;
    stored().vote_extension.set(host, time(settings.vote_extension)?)?;
    stored().execution_delay.set(host, settings.execution_delay)?;
    stored().proposal_deposit.set(host, settings.deposit)?;
    stored().opening_period.set(host, settings.opening_period)
}

fn set_proposal_deposit(host: &mut dyn Host, deposit: U256) -> Result<(), Failure> {
    let before = settings(host)?;
    store_settings(host, &Settings { deposit, ..before })?;
    emit(
        host,
        &Governor::ProposalDepositSet {
            oldProposalDeposit: before.deposit,
            newProposalDeposit: deposit,
        },
    )
}

fn missed(host: &mut dyn Host) -> Result<Missed, Failure> {
    let word = host.load(stored().missed_stake.slot())?;
    let (stake, work) = (stored().missed_stake.of_word(word), stored().missed_work.of_word(word));
    Ok(Missed { stake, work })
}

fn active_average(host: &mut dyn Host) -> Result<U256, Failure> {
    let weeks = (0..u64::from(activity::WEEKS))
        .filter_map(|place| stored().weeks.element(place))
        .map(|slots| load_week(host, slots))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(activity::average_down(&weeks, host.timestamp()))
}

pub(super) fn note_activity(
    host: &mut dyn Host,
    posted_at: u64,
    more: Active,
) -> Result<(), Failure> {
    let number = activity::week_of(posted_at);
    let place = u64::from(activity::place_of(number));
    let slots = stored().weeks.element(place);
    let slots = slots.ok_or_else(|| Failure::Broken("a week has no place".to_owned()))?;
    let week = load_week(host, slots)?.with(number, more);
    let word = slots.number.into_word(U256::ZERO, week.number);
    let word = slots.proposals.into_word(word, week.proposals);
    let weight: U208 = narrow(week.weight)?;
    let module = host.module();
    host.set_of(module, slots.number.slot(), slots.weight.into_word(word, weight))
}

fn load_week(host: &mut dyn Host, slots: WeekSlots) -> Result<Week, Failure> {
    let word = host.load(slots.number.slot())?;
    let (number, proposals) = (slots.number.of_word(word), slots.proposals.of_word(word));
    Ok(Week { number, proposals, weight: U256::from(slots.weight.of_word(word)) })
}

/// Loads a proposal, and refuses an id that none has.
pub(crate) fn load(host: &mut dyn Host, id: U256) -> Result<Proposal, Failure> {
    let core = stored().proposals.of(host, id)?.load(host)?;
    if core.vote_start == 0 {
        return Err(nonexistent(id));
    }
    let slots = stored().house_proposals.of(host, id)?;
    let word = host.load(slots.class.slot())?;
    let class = Class::of(slots.class.of_word(word));
    let class = class.ok_or_else(|| Failure::Broken("a proposal has no class".to_owned()))?;
    let missed =
        Missed { stake: slots.missed_stake.of_word(word), work: slots.missed_work.of_word(word) };
    let electorate = Electorate {
        stake_total: slots.stake_total.get(host)?,
        stake_quorum: slots.stake_quorum.get(host)?,
        work_total: slots.work_total.get(host)?,
    };
    let votes =
        Votes { stake: stored().votes.of(host, id)?.load(host)?, work: slots.work.load(host)? };
    let mut proposal = Proposal {
        core,
        extended: stored().extended_deadlines.of(host, id)?.get(host)?.to(),
        class,
        is_contested: slots.is_contested.of_word(word),
        is_settled: slots.is_settled.of_word(word),
        posted_at: slots.posted_at.of_word(word).to(),
        missed,
        electorate,
        deposit: U256::from(slots.deposit.of_word(word)),
        votes,
        sealing: sealed::load(host, id)?,
        jury: Jury::None,
    };
    if matches!(proposal.decision(), Decision::JuryNeeded(_)) {
        proposal.jury = jury_of(host, id)?;
    }
    Ok(proposal)
}

/// Asks what a jury says; nobody asks it while the houses decide themselves.
fn jury_of(host: &mut dyn Host, id: U256) -> Result<Jury, Failure> {
    let call = Juries::panelOfCall { id };
    let returned = host.call(&Call::reading(JURIES, call.abi_encode()))?.returned()?;
    let panel = Juries::panelOfCall::abi_decode_returns(&returned)
        .map_err(|_| Failure::Broken("the juries answer otherwise".to_owned()))?;
    Ok(match panel.verdict {
        _ if panel.height == 0 => Jury::None,
        Juries::Verdict::Yes => Jury::Yes,
        Juries::Verdict::No | Juries::Verdict::Absent => Jury::No,
        Juries::Verdict::Open | Juries::Verdict::__Invalid => Jury::Sits,
    })
}

/// Summons a jury in place of a house that missed its turnout twice in a row.
fn summon_jury(host: &mut dyn Host, id: U256) -> Result<(), Failure> {
    let (proposal, caller) = (load(host, id)?, host.caller());
    let summoned = proposal.check_summon(host.timestamp());
    summoned.map_err(|error| refused(id, error, State::Pending.bit(), caller))?;
    host.call_contract(&Call::new(JURIES, Juries::summonCall { id }.abi_encode()))?;
    Ok(())
}

pub(super) fn store(host: &mut dyn Host, id: U256, proposal: &Proposal) -> Result<(), Failure> {
    stored().proposals.of(host, id)?.store(host, &proposal.core)?;
    stored().extended_deadlines.of(host, id)?.set(host, time(proposal.extended)?)?;
    let slots = stored().house_proposals.of(host, id)?;
    let deposit = u128::try_from(proposal.deposit).map_err(overflow)?;
    let word = slots.posted_at.into_word(U256::ZERO, time(proposal.posted_at)?);
    let word = slots.class.into_word(word, proposal.class.number());
    let word = slots.is_contested.into_word(word, proposal.is_contested);
    let word = slots.is_settled.into_word(word, proposal.is_settled);
    let word = slots.missed_stake.into_word(word, proposal.missed.stake);
    let word = slots.missed_work.into_word(word, proposal.missed.work);
    let (module, word) = (host.module(), slots.deposit.into_word(word, deposit));
    host.set_of(module, slots.class.slot(), word)?;
    slots.stake_total.set(host, proposal.electorate.stake_total)?;
    slots.stake_quorum.set(host, proposal.electorate.stake_quorum)?;
    slots.work_total.set(host, proposal.electorate.work_total)?;
    stored().votes.of(host, id)?.store(host, &proposal.votes.stake)?;
    slots.work.store(host, &proposal.votes.work)?;
    sealed::store(host, id, &proposal.sealing)
}

/// The rules of two houses.
pub(super) struct Houses;

impl Mode for Houses {
    fn clock(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        Ok(host.timestamp())
    }

    fn clock_mode(&self, _: &mut dyn Host) -> Result<String, Failure> {
        Ok(CLOCK_MODE.to_owned())
    }

    fn voting_delay(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        Ok(settings(host)?.voting_delay)
    }

    fn voting_period(&self, host: &mut dyn Host) -> Result<u32, Failure> {
        Ok(settings(host)?.voting_period)
    }

    fn proposal_threshold(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        Ok(settings(host)?.threshold)
    }

    fn vote_extension(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        Ok(settings(host)?.vote_extension)
    }

    fn execution_delay(&self, host: &mut dyn Host) -> Result<u32, Failure> {
        Ok(settings(host)?.execution_delay)
    }

    fn state(&self, host: &mut dyn Host, id: U256) -> Result<State, Failure> {
        let now = host.timestamp();
        load(host, id)?.state(now).map_err(overflow)?.ok_or_else(|| nonexistent(id))
    }

    fn snapshot(&self, host: &mut dyn Host, id: U256) -> Result<u64, Failure> {
        let posted_at = stored().house_proposals.of(host, id)?.posted_at.get(host)?;
        Ok(Proposal::snapshot_of(posted_at.to()))
    }

    /// The stake house's, as it would be for a proposal of now whose votes are those of `timepoint`.
    fn quorum(&self, host: &mut dyn Host, timepoint: U256) -> Result<U256, Failure> {
        let total = total_of(host, STAKE_HOUSE, timepoint)?;
        Ok(Electorate::new(total, U256::ZERO, active_average(host)?).stake_quorum)
    }

    fn votes_of(
        &self,
        host: &mut dyn Host,
        account: Address,
        timepoint: U256,
    ) -> Result<U256, Failure> {
        ask(host, STAKE_HOUSE, &House::getPastVotesCall { account, timepoint })
    }

    fn count(
        &self,
        host: &mut dyn Host,
        ballot: &Ballot,
        announce: &mut dyn FnMut(&mut dyn Host, U256) -> Result<(), Failure>,
    ) -> Result<U256, Failure> {
        let Ballot { id, voter, support: number } = *ballot;
        mark_voted(host, id, voter)?;
        let support = Support::from_number(number)
            .ok_or_else(|| Failure::revert(&Core::GovernorInvalidVoteType {}))?;
        let (mut proposal, settings, now) = (load(host, id)?, settings(host)?, host.timestamp());
        let weights = locked_weights(host, voter, &proposal, &settings)?;
        let voted = proposal
            .vote(now, &settings, support, weights)
            .map_err(|error| refused(id, error, State::Active.bit(), voter))?;
        store(host, id, &proposal)?;
        note_activity(host, proposal.posted_at, voted.active)?;
        announce(host, weights.stake)?;
        announce_in_houses(host, ballot, weights)?;
        if let Some(deadline) = voted.deadline {
            emit(host, &Core::ProposalExtended { proposalId: id, extendedDeadline: deadline })?;
        }
        if voted.contested {
            let deadline = U256::from(proposal.deadline().map_err(overflow)?);
            emit(host, &Governor::ProposalContested { proposalId: id, deadline })?;
        }
        Ok(weights.stake)
    }

    fn queue(&self, host: &mut dyn Host, id: U256) -> Result<u64, Failure> {
        let (mut proposal, settings) = (load(host, id)?, settings(host)?);
        if !proposal.is_settled {
            settle(host, id, &mut proposal)?;
        }
        let (now, caller) = (host.timestamp(), host.caller());
        let eta = proposal
            .queue(now, &settings)
            .map_err(|error| refused(id, error, State::Succeeded.bit(), caller))?;
        store(host, id, &proposal)?;
        Ok(eta)
    }

    fn begin_execution(
        &self,
        host: &mut dyn Host,
        id: U256,
        actions: &Actions,
    ) -> Result<(), Failure> {
        let (mut proposal, brake) = (load(host, id)?, brake_delay(host, id)?);
        // A revision since the posting may have made a call stricter.
        let required = class_of_calls(host.revision(), &actions.targets, &actions.calldatas);
        if proposal.class < required {
            let (class, required) = (proposal.class.number(), required.number());
            return Err(Failure::revert(&Governor::ClassTooLow {
                proposalId: id,
                class,
                required,
            }));
        }
        let (now, caller) = (host.timestamp(), host.caller());
        let allowed = State::Succeeded.bit() | State::Queued.bit();
        proposal.execute(now, brake).map_err(|error| refused(id, error, allowed, caller))?;
        store(host, id, &proposal)
    }

    fn end_execution(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let held = stored().deposits_held.get(host)?;
        let module = host.module();
        let balance = host.balance(module)?;
        if balance < held {
            return Err(Failure::revert(&Governor::DepositsMustStay { held, balance }));
        }
        Ok(())
    }

    fn cancel(&self, host: &mut dyn Host, id: U256) -> Result<(), Failure> {
        let (mut proposal, now, caller) = (load(host, id)?, host.timestamp(), host.caller());
        proposal.cancel(now, caller).map_err(|error| refused(id, error, 0, caller))?;
        settle(host, id, &mut proposal)
    }

    fn set(&self, host: &mut dyn Host, setting: Setting) -> Result<(), Failure> {
        let mut settings = settings(host)?;
        match setting {
            Setting::VotingDelay(new) => settings.voting_delay = new.to(),
            Setting::VotingPeriod(new) => settings.voting_period = new,
            Setting::ProposalThreshold(new) => settings.threshold = new,
            Setting::VoteExtension(new) => settings.vote_extension = new.to(),
            Setting::ExecutionDelay(new) => settings.execution_delay = new,
        }
        store_settings(host, &settings)
    }
}
