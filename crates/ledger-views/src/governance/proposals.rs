//! Proposals of the Governor, and its settings.

use abi::{GOVERNOR, Governor, GovernorCore, convert};
use alloy_primitives::{Address, Bytes, U256};
use governance::{
    Class,
    proposal::{
        State, Tally,
        two_houses::{Decision, House, SNAPSHOT_LEAD, WORK_TURNOUT_BPS},
    },
};
use units::{AccountId, UnixSeconds};

use super::{
    posting::{self, Posting},
    sealed::{SealingView, sealing},
    time, time_if_any,
};
use crate::{
    Ask, Impossible, Page, ViewError, Window,
    batch::{self, Answers, Asked, Batch},
};

/// All states, for their numbers.
const STATES: [State; 8] = [
    State::Pending,
    State::Active,
    State::Canceled,
    State::Defeated,
    State::Succeeded,
    State::Queued,
    State::Expired,
    State::Executed,
];
/// All decisions, for their numbers.
const DECISIONS: [Decision; 13] = [
    Decision::Unopposed,
    Decision::Agreed,
    Decision::Vetoed(House::Stake),
    Decision::Vetoed(House::Work),
    Decision::TurnoutMissed(House::Stake),
    Decision::TurnoutMissed(House::Work),
    Decision::JuryNeeded(House::Stake),
    Decision::JuryNeeded(House::Work),
    Decision::QuorumMissed,
    Decision::Rejected(House::Stake),
    Decision::Rejected(House::Work),
    Decision::JuryRefused,
    Decision::Sealed,
];

/// A proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalView {
    /// Its number: the first one has 1.
    pub number: u64,
    /// Its id, as other programs name it.
    pub id: U256,
    /// Who posted it.
    pub proposer: AccountId,
    /// How it is decided.
    pub class: Class,
    /// How far it is.
    pub state: State,
    /// Whether a tenth of a house has objected to a routine proposal.
    pub is_contested: bool,
    /// Whether its deposit was returned or burnt.
    pub is_settled: bool,
    /// When votes had to be held to count.
    pub snapshot: UnixSeconds,
    /// When it was posted.
    pub posted_at: UnixSeconds,
    /// The last second of the vote.
    pub deadline: UnixSeconds,
    /// When it could be executed without the brake; none before it is queued.
    pub eta: Option<UnixSeconds>,
    /// What the brake adds, in seconds.
    pub brake_seconds: u64,
    /// The stake house, in wei.
    pub stake: HouseVotes,
    /// The work house, in units of voice.
    pub work: HouseVotes,
    /// What the votes say, as if the vote were over.
    pub decision: Decision,
    /// Its sealed ballots; none where ballots are always open.
    pub sealing: Option<SealingView>,
    /// What it says; none when the node does not keep the block any longer.
    pub posting: Option<Posting>,
}

/// Votes of a house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HouseVotes {
    /// What was cast.
    pub cast: Tally,
    /// All votes at the snapshot.
    pub total: U256,
    /// What is needed: of yes in the stake house, of all votes in the work house.
    pub quorum: U256,
}

/// The Governor's settings, and how full it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GovernorView {
    /// Seconds from posting to the vote.
    pub voting_delay: U256,
    /// Seconds of the vote.
    pub voting_period: U256,
    /// Votes of the stake house with which an account may post, in wei.
    pub threshold: U256,
    /// Seconds that a vote goes on after one that makes a proposal pass.
    pub vote_extension: u64,
    /// Seconds from queueing to execution.
    pub execution_delay: U256,
    /// What comes with a proposal, in wei.
    pub deposit: U256,
    /// The usual weight of the stake house that votes, in wei.
    pub active_average: U256,
    /// How often in a row each house has missed its turnout: stake, work.
    pub missed: [u8; 2],
    /// Proposals that are not settled.
    pub open: U256,
    /// All proposals ever.
    pub count: u64,
}

impl ProposalView {
    /// When anybody can execute it; none before it is queued.
    #[must_use]
    pub fn executable_at(&self) -> Option<UnixSeconds> {
        self.eta.map(|eta| UnixSeconds::new(eta.as_u64().saturating_add(self.brake_seconds)))
    }
}

/// Reads how many proposals there are; they are numbered from 1.
///
/// # Errors
/// [`ViewError`].
pub async fn count<A: Ask>(ledger: &A) -> Result<u64, ViewError<A::Error>> {
    batch::read(ledger, GOVERNOR, &Governor::proposalCountCall {}, counted).await
}

fn counted(count: U256) -> Result<u64, Impossible> {
    u64::try_from(count).map_err(|_| Impossible::new("proposals", count))
}

/// Reads the id of the proposal with a number; `None` if there is none.
///
/// # Errors
/// [`ViewError`].
pub async fn numbered<A: Ask>(
    ledger: &A,
    number: u64,
) -> Result<Option<U256>, ViewError<A::Error>> {
    let Some(index) = number.checked_sub(1) else { return Ok(None) };
    let call = Governor::proposalAtCall { index: U256::from(index) };
    let id = batch::ask(ledger, GOVERNOR, &call).await?;
    Ok(Some(id).filter(|id| !id.is_zero()))
}

/// Reads which class a proposal of these calls would have.
///
/// # Errors
/// [`ViewError`].
pub async fn class_of<A: Ask>(
    ledger: &A,
    targets: Vec<Address>,
    calldatas: Vec<Bytes>,
) -> Result<Class, ViewError<A::Error>> {
    let call = Governor::classOfCall { targets, calldatas };
    batch::read(ledger, GOVERNOR, &call, class).await
}

/// Reads the settings.
///
/// # Errors
/// [`ViewError`].
pub async fn governor<A: Ask>(ledger: &A) -> Result<GovernorView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let voting_delay = batch.add(GOVERNOR, &GovernorCore::votingDelayCall {});
    let voting_period = batch.add(GOVERNOR, &GovernorCore::votingPeriodCall {});
    let threshold = batch.add(GOVERNOR, &GovernorCore::proposalThresholdCall {});
    let vote_extension = batch.add(GOVERNOR, &GovernorCore::lateQuorumVoteExtensionCall {});
    let execution_delay = batch.add(GOVERNOR, &GovernorCore::executionDelayCall {});
    let deposit = batch.add(GOVERNOR, &Governor::proposalDepositCall {});
    let active_average = batch.add(GOVERNOR, &Governor::activeAverageCall {});
    let missed = batch.add(GOVERNOR, &Governor::missedTurnoutsCall {});
    let open = batch.add(GOVERNOR, &Governor::openProposalsCall {});
    let count = batch.add(GOVERNOR, &Governor::proposalCountCall {});
    let answers = batch.ask(ledger).await?;
    let Governor::missedTurnoutsReturn { stake, work } = answers.take(&missed)?;
    Ok(GovernorView {
        voting_delay: answers.take(&voting_delay)?,
        voting_period: answers.take(&voting_period)?,
        threshold: answers.take(&threshold)?,
        vote_extension: answers.take(&vote_extension)?.to(),
        execution_delay: answers.take(&execution_delay)?,
        deposit: answers.take(&deposit)?,
        active_average: answers.take(&active_average)?,
        missed: [stake, work],
        open: answers.take(&open)?,
        count: answers.read(&count, counted)?,
    })
}

/// Reads a proposal by its number.
///
/// # Errors
/// [`ViewError`]; in particular [`ViewError::Refused`] when there is none of that number.
pub async fn proposal<A: Ask>(
    ledger: &A,
    number: u64,
) -> Result<ProposalView, ViewError<A::Error>> {
    let id = numbered(ledger, number).await?.unwrap_or_default();
    let height = ledger.head().await?.height;
    one(ledger, number, id, height).await
}

/// Finds the number of a proposal by its id, the newest first. `None` if none of the newest `count_max` has it.
///
/// # Errors
/// [`ViewError`].
pub async fn with_id<A: Ask>(
    ledger: &A,
    id: U256,
    count_max: u64,
) -> Result<Option<u64>, ViewError<A::Error>> {
    let count = count(ledger).await?;
    let oldest = count.saturating_sub(count_max);
    for number in (oldest..count).rev().map(|index| index.saturating_add(1)) {
        if numbered(ledger, number).await? == Some(id) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// Reads a page of proposals, newest first.
///
/// # Errors
/// [`ViewError`].
pub async fn proposals<A: Ask>(
    ledger: &A,
    window: Window,
) -> Result<Page<ProposalView>, ViewError<A::Error>> {
    let count = count(ledger).await?;
    let mut height = ledger.head().await?.height;
    let mut items = Vec::new();
    for number in window.numbers(count) {
        let id = numbered(ledger, number).await?.unwrap_or_default();
        let view = one(ledger, number, id, height).await?;
        // An older proposal is not in a later block.
        height = view.posting.as_ref().map_or(height, |posting| posting.height);
        items.push(view);
    }
    Ok(Page::new(window, count, items))
}

async fn one<A: Ask>(
    ledger: &A,
    number: u64,
    id: U256,
    height_max: u64,
) -> Result<ProposalView, ViewError<A::Error>> {
    let mut batch = Batch::default();
    let asked = ProposalCalls::new(&mut batch, number, id);
    let mut view = asked.read(&batch.ask(ledger).await?)?;
    view.posting = posting::find(ledger, id, view.posted_at, height_max).await?;
    Ok(view)
}

/// The calls that make up the view of a proposal.
struct ProposalCalls {
    number: u64,
    id: U256,
    state: Asked<GovernorCore::stateCall>,
    proposer: Asked<GovernorCore::proposalProposerCall>,
    class: Asked<Governor::proposalClassCall>,
    contested: Asked<Governor::isContestedCall>,
    settled: Asked<Governor::isSettledCall>,
    snapshot: Asked<GovernorCore::proposalSnapshotCall>,
    deadline: Asked<GovernorCore::proposalDeadlineCall>,
    eta: Asked<GovernorCore::proposalEtaCall>,
    brake: Asked<Governor::brakeDelayCall>,
    votes: [Asked<Governor::houseVotesCall>; 2],
    electorate: Asked<Governor::electorateCall>,
    decision: Asked<Governor::decisionCall>,
    sealing: Asked<Governor::sealedBallotsCall>,
}

impl ProposalCalls {
    fn new(batch: &mut Batch, number: u64, id: U256) -> Self {
        Self {
            number,
            id,
            state: batch.add(GOVERNOR, &GovernorCore::stateCall { proposalId: id }),
            proposer: batch.add(GOVERNOR, &GovernorCore::proposalProposerCall { proposalId: id }),
            class: batch.add(GOVERNOR, &Governor::proposalClassCall { proposalId: id }),
            contested: batch.add(GOVERNOR, &Governor::isContestedCall { proposalId: id }),
            settled: batch.add(GOVERNOR, &Governor::isSettledCall { proposalId: id }),
            snapshot: batch.add(GOVERNOR, &GovernorCore::proposalSnapshotCall { proposalId: id }),
            deadline: batch.add(GOVERNOR, &GovernorCore::proposalDeadlineCall { proposalId: id }),
            eta: batch.add(GOVERNOR, &GovernorCore::proposalEtaCall { proposalId: id }),
            brake: batch.add(GOVERNOR, &Governor::brakeDelayCall { proposalId: id }),
            votes: [0, 1].map(|house| {
                batch.add(GOVERNOR, &Governor::houseVotesCall { proposalId: id, house })
            }),
            electorate: batch.add(GOVERNOR, &Governor::electorateCall { proposalId: id }),
            decision: batch.add(GOVERNOR, &Governor::decisionCall { proposalId: id }),
            sealing: batch.add(GOVERNOR, &Governor::sealedBallotsCall { proposalId: id }),
        }
    }

    fn read<E>(&self, answers: &Answers) -> Result<ProposalView, ViewError<E>>
    where
        E: std::error::Error + 'static,
    {
        // First: it says when there is no such proposal.
        let state = answers.read(&self.state, |number| {
            let state = STATES.into_iter().find(|state| state.number() == number);
            state.ok_or_else(|| Impossible::new("state", number))
        })?;
        let snapshot = answers.read(&self.snapshot, |time_of| time("snapshot", time_of))?;
        let Governor::electorateReturn { stakeTotal, stakeQuorum, workTotal } =
            answers.take(&self.electorate)?;
        let [stake, work] = &self.votes;
        let decision = answers.read(&self.decision, |said| {
            let number = said.decided;
            let decision = DECISIONS.into_iter().find(|decision| decision.number() == number);
            decision.ok_or_else(|| Impossible::new("decision", number))
        })?;
        Ok(ProposalView {
            number: self.number,
            id: self.id,
            proposer: convert::account(answers.take(&self.proposer)?),
            class: answers.read(&self.class, class)?,
            state,
            is_contested: answers.take(&self.contested)?,
            is_settled: answers.take(&self.settled)?,
            snapshot,
            posted_at: UnixSeconds::new(snapshot.as_u64().saturating_add(SNAPSHOT_LEAD)),
            deadline: answers.read(&self.deadline, |time_of| time("deadline", time_of))?,
            eta: answers.read(&self.eta, |time_of| time_if_any("eta", time_of))?,
            brake_seconds: answers
                .read(&self.brake, |seconds| Ok(time("brake delay", seconds)?.as_u64()))?,
            stake: HouseVotes {
                cast: tally(answers.take(stake)?),
                total: stakeTotal,
                quorum: stakeQuorum,
            },
            work: HouseVotes {
                cast: tally(answers.take(work)?),
                total: workTotal,
                quorum: turnout_needed(workTotal),
            },
            decision,
            sealing: sealing(&answers.take(&self.sealing)?),
            posting: None,
        })
    }
}

/// A fifth, rounded up, as the rules round it. Voice is below 2^208.
fn turnout_needed(total: U256) -> U256 {
    total.saturating_mul(U256::from(WORK_TURNOUT_BPS)).div_ceil(U256::from(10_000_u64))
}

fn class(number: u8) -> Result<Class, Impossible> {
    Class::of(number).ok_or_else(|| Impossible::new("class", number))
}

fn tally(votes: Governor::houseVotesReturn) -> Tally {
    let Governor::houseVotesReturn { againstVotes, forVotes, abstainVotes } = votes;
    Tally { against: againstVotes, approving: forVotes, abstaining: abstainVotes }
}
