//! `TokenGovernor`: one token's votes decide.
//!
//! Source: OpenZeppelin Contracts 5.4, `governance/extensions`: `GovernorSettings`, `GovernorCountingSimple`, `GovernorVotes`, `GovernorVotesQuorumFraction`,
//! `GovernorPreventLateQuorum`; the delay before execution is that of `scripts/reference/governor.mjs`.

use abi::{
    GovernorCore as Core,
    TokenGovernor::{self, TokenGovernorCalls as Calls},
    Votes,
};
use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use governance::proposal::{
    self, NotExecutable, Phase, QUORUM_DENOMINATOR, State, Support, TIME_MAX, Tally, extension,
    quorum_down,
};
use native_kit::{Call, Failure, Function, Host, Outcome, emit, instance_code};

use super::{
    Actions, Ballot, Mode, checkpoints, deadline, is_shared, life, narrow, nonexistent,
    only_governance, overflow, settings::Setting, stored, time,
};
use crate::openzeppelin::{answer, word};

pub(crate) const CODE: [u8; 9] = instance_code(abi::TOKEN_GOVERNOR);

/// None is locked.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(TokenGovernor::tokenCall::SELECTOR),
    Function::view(TokenGovernor::quorumNumerator_0Call::SELECTOR),
    Function::view(TokenGovernor::quorumNumerator_1Call::SELECTOR),
    Function::view(TokenGovernor::quorumDenominatorCall::SELECTOR),
    Function::nonpayable(TokenGovernor::proposeCall::SELECTOR).unlocked(),
    Function::nonpayable(TokenGovernor::updateQuorumNumeratorCall::SELECTOR).unlocked(),
];

/// What a clock that does not say so counts.
const BLOCK_NUMBERS: &str = "mode=blocknumber&from=default";

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    if is_shared(input) {
        return super::call(host, &Token, input);
    }
    let trace = stored().quorum_numerators;
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::token(_) => answer(token(host)?),
        Calls::quorumNumerator_0(_) => answer(U256::from(checkpoints::latest(host, trace)?)),
        Calls::quorumNumerator_1(call) => {
            answer(U256::from(checkpoints::value_at(host, trace, call.timepoint)?))
        }
        Calls::quorumDenominator(_) => answer(QUORUM_DENOMINATOR),
        Calls::propose(call) => answer(propose(host, call)?),
        Calls::updateQuorumNumerator(call) => {
            only_governance(host)?;
            update_quorum_numerator(host, call.newQuorumNumerator)?;
            Vec::new()
        }
    })
}

fn propose(host: &mut dyn Host, call: TokenGovernor::proposeCall) -> Result<U256, Failure> {
    let TokenGovernor::proposeCall { targets, values, calldatas, description } = call;
    let proposer = host.caller();
    life::check_proposer(proposer, &description)?;
    let threshold = stored().proposal_threshold.get(host)?;
    if !threshold.is_zero() {
        let before = Token.clock(host)?.checked_sub(1).ok_or(()).map_err(overflow)?;
        let votes = Token.votes_of(host, proposer, U256::from(before))?;
        if votes < threshold {
            let error = Core::GovernorInsufficientProposerVotes { proposer, votes, threshold };
            return Err(Failure::revert(&error));
        }
    }
    let actions = Actions::of(targets, values, calldatas);
    let id = life::new_id(host, &Token, &actions, &description)?;
    let delay = Token.voting_delay(host)?;
    let vote_start = U256::from(Token.clock(host)?).saturating_add(U256::from(delay));
    let vote_duration = Token.voting_period(host)?;
    let core = proposal::Core {
        proposer,
        vote_start: u64::try_from(vote_start)
            .ok()
            .filter(|start| *start <= TIME_MAX)
            .ok_or_else(|| too_late(vote_start))?,
        vote_duration,
        is_executed: false,
        is_canceled: false,
        eta: 0,
    };
    stored().proposals.of(host, id)?.store(host, &core)?;
    let times = (vote_start, vote_start.saturating_add(U256::from(vote_duration)));
    life::announce(host, (id, proposer), actions, times, description)?;
    Ok(id)
}

fn too_late(value: U256) -> Failure {
    Failure::revert(&Core::SafeCastOverflowedUintDowncast { bits: 48, value })
}

/// Changes the quorum from now on; proposals that are voted on keep theirs.
pub(super) fn update_quorum_numerator(host: &mut dyn Host, new: U256) -> Result<(), Failure> {
    let denominator = U256::from(QUORUM_DENOMINATOR);
    if new > denominator {
        return Err(Failure::revert(&TokenGovernor::GovernorInvalidQuorumFraction {
            quorumNumerator: new,
            quorumDenominator: denominator,
        }));
    }
    let now = time(Token.clock(host)?)?;
    let value = narrow(new)?;
    let old = checkpoints::push(host, stored().quorum_numerators, now, value)?;
    emit(
        host,
        &TokenGovernor::QuorumNumeratorUpdated {
            oldQuorumNumerator: U256::from(old),
            newQuorumNumerator: new,
        },
    )
}

/// Returns the token, for the gas of reading a constant.
fn token(host: &mut dyn Host) -> Result<Address, Failure> {
    Ok(Address::from_word(host.immutable(stored().token.slot())?.into()))
}

/// Returns the time by a token's clock; for one that has none, the height.
pub(super) fn clock_of(host: &mut dyn Host, token: Address) -> Result<u64, Failure> {
    match host.call(&Call::reading(token, Votes::clockCall {}.abi_encode()))? {
        Outcome::Returned(output) => {
            let now = u64::try_from(word(output)?).ok().filter(|now| *now <= TIME_MAX);
            now.ok_or_else(|| Failure::Revert(Bytes::new()))
        }
        Outcome::Reverted(_) | Outcome::Halted => Ok(host.height()),
    }
}

/// The rules of one token.
pub(super) struct Token;

impl Token {
    fn ask(host: &mut dyn Host, call: &impl SolCall) -> Result<Outcome, Failure> {
        let token = token(host)?;
        host.call(&Call::reading(token, call.abi_encode()))
    }

    fn has_quorum(&self, host: &mut dyn Host, id: U256) -> Result<bool, Failure> {
        let snapshot = self.snapshot(host, id)?;
        let quorum = self.quorum(host, U256::from(snapshot))?;
        let slots = stored().votes.of(host, id)?;
        let (approving, abstaining) = (slots.approving.get(host)?, slots.abstaining.get(host)?);
        let tally = Tally { approving, abstaining, ..Tally::default() };
        tally.has_quorum(quorum).map_err(overflow)
    }

    /// Moves the end of the vote when the quorum is reached.
    fn extend(&self, host: &mut dyn Host, id: U256) -> Result<(), Failure> {
        let slot = stored().extended_deadlines.of(host, id)?;
        if !slot.get(host)?.is_zero() || !self.has_quorum(host, id)? {
            return Ok(());
        }
        let (now, span) = (self.clock(host)?, self.vote_extension(host)?);
        let extended = extension(now, span, deadline(host, id)?).map_err(overflow)?;
        if extended.is_later {
            let extended_deadline = extended.deadline;
            let event =
                Core::ProposalExtended { proposalId: id, extendedDeadline: extended_deadline };
            emit(host, &event)?;
        }
        slot.set(host, time(extended.deadline)?)
    }
}

impl Mode for Token {
    fn clock(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        let token = token(host)?;
        clock_of(host, token)
    }

    fn clock_mode(&self, host: &mut dyn Host) -> Result<String, Failure> {
        match Self::ask(host, &Votes::CLOCK_MODECall {})? {
            Outcome::Returned(output) => Votes::CLOCK_MODECall::abi_decode_returns(&output)
                .map_err(|_| Failure::Revert(Bytes::new())),
            Outcome::Reverted(_) | Outcome::Halted => Ok(BLOCK_NUMBERS.to_owned()),
        }
    }

    fn voting_delay(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        Ok(stored().voting_delay.get(host)?.to())
    }

    fn voting_period(&self, host: &mut dyn Host) -> Result<u32, Failure> {
        stored().voting_period.get(host)
    }

    fn proposal_threshold(&self, host: &mut dyn Host) -> Result<U256, Failure> {
        stored().proposal_threshold.get(host)
    }

    fn vote_extension(&self, host: &mut dyn Host) -> Result<u64, Failure> {
        Ok(stored().vote_extension.get(host)?.to())
    }

    fn execution_delay(&self, host: &mut dyn Host) -> Result<u32, Failure> {
        stored().execution_delay.get(host)
    }

    fn state(&self, host: &mut dyn Host, id: U256) -> Result<State, Failure> {
        let core = stored().proposals.of(host, id)?.load(host)?;
        // At time 0 nothing but the flags shows: the clock is asked only where it matters.
        match core.phase(0, 0).map_err(overflow)? {
            Phase::Absent => return Err(nonexistent(id)),
            Phase::Is(state @ (State::Executed | State::Canceled)) => return Ok(state),
            Phase::Is(_) | Phase::Closed => {}
        }
        let now = self.clock(host)?;
        let extended = stored().extended_deadlines.of(host, id)?.get(host)?;
        match core.phase(now, extended.to()).map_err(overflow)? {
            Phase::Absent => Err(nonexistent(id)),
            Phase::Is(state) => Ok(state),
            Phase::Closed => {
                let is_passed = self.has_quorum(host, id)?
                    && stored().votes.of(host, id)?.load(host)?.is_approved();
                Ok(core.closed(is_passed))
            }
        }
    }

    fn snapshot(&self, host: &mut dyn Host, id: U256) -> Result<u64, Failure> {
        Ok(stored().proposals.of(host, id)?.vote_start.get(host)?.to())
    }

    fn quorum(&self, host: &mut dyn Host, timepoint: U256) -> Result<U256, Failure> {
        let total = Self::ask(host, &Votes::getPastTotalSupplyCall { timepoint })?;
        let total = word(total.returned()?)?;
        let numerator = checkpoints::value_at(host, stored().quorum_numerators, timepoint)?;
        quorum_down(total, U256::from(numerator)).map_err(overflow)
    }

    fn votes_of(
        &self,
        host: &mut dyn Host,
        account: Address,
        timepoint: U256,
    ) -> Result<U256, Failure> {
        let votes = Self::ask(host, &Votes::getPastVotesCall { account, timepoint })?;
        word(votes.returned()?)
    }

    fn count(
        &self,
        host: &mut dyn Host,
        ballot: &Ballot,
        announce: &mut dyn FnMut(&mut dyn Host, U256) -> Result<(), Failure>,
    ) -> Result<U256, Failure> {
        let Ballot { id, voter, support } = *ballot;
        let snapshot = U256::from(self.snapshot(host, id)?);
        let weight = self.votes_of(host, voter, snapshot)?;
        let slots = stored().votes.of(host, id)?;
        let has_voted = slots.has_voted.of(host, voter)?;
        if has_voted.get(host)? {
            return Err(Failure::revert(&Core::GovernorAlreadyCastVote { voter }));
        }
        let support = Support::from_number(support)
            .ok_or_else(|| Failure::revert(&Core::GovernorInvalidVoteType {}))?;
        has_voted.set(host, true)?;
        // Only the sum that it changes is touched, as in the contract.
        let sum = match support {
            Support::Against => slots.against,
            Support::For => slots.approving,
            Support::Abstain => slots.abstaining,
        };
        sum.update(host, |sum| proposal::counted(sum, weight).map_err(overflow))?;
        announce(host, weight)?;
        self.extend(host, id)?;
        Ok(weight)
    }

    fn queue(&self, host: &mut dyn Host, id: U256) -> Result<u64, Failure> {
        let (now, delay) = (host.timestamp(), self.execution_delay(host)?);
        let eta = proposal::sum(now, u64::from(delay)).map_err(overflow)?;
        stored().proposals.of(host, id)?.eta.set(host, time(eta)?)?;
        Ok(eta)
    }

    fn begin_execution(&self, host: &mut dyn Host, id: U256, _: &Actions) -> Result<(), Failure> {
        let slots = stored().proposals.of(host, id)?;
        let core = slots.load(host)?;
        core.check_executable(host.timestamp(), 0).map_err(|error| not_executable(id, error))?;
        slots.is_executed.set(host, true)
    }

    fn end_execution(&self, _: &mut dyn Host) -> Result<(), Failure> {
        Ok(())
    }

    fn cancel(&self, host: &mut dyn Host, id: U256) -> Result<(), Failure> {
        stored().proposals.of(host, id)?.is_canceled.set(host, true)
    }

    fn set(&self, host: &mut dyn Host, setting: Setting) -> Result<(), Failure> {
        match setting {
            Setting::VotingDelay(new) => stored().voting_delay.set(host, new),
            Setting::VotingPeriod(new) => stored().voting_period.set(host, new),
            Setting::ProposalThreshold(new) => stored().proposal_threshold.set(host, new),
            Setting::VoteExtension(new) => stored().vote_extension.set(host, new),
            Setting::ExecutionDelay(new) => stored().execution_delay.set(host, new),
        }
    }
}

pub(super) fn not_executable(id: U256, error: NotExecutable) -> Failure {
    match error {
        NotExecutable::NotQueued => {
            Failure::revert(&Core::GovernorNotQueuedProposal { proposalId: id })
        }
        NotExecutable::TooEarly { ready_at } => {
            let needed_timestamp = U256::from(ready_at);
            Failure::revert(&Core::GovernorUnmetDelay {
                proposalId: id,
                neededTimestamp: needed_timestamp,
            })
        }
    }
}
