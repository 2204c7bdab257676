//! Governors: `Governor`, in which two houses decide, and the `TokenGovernor`s of `GovernorFactory`, each over one token with votes.
//!
//! Both answer OpenZeppelin's interface (`GovernorCore`). What they have in common is here and in `ballots`, `life` and `settings`: ids, signatures, events,
//! the order of checks. What differs is a [`Mode`]: whose clock, whose votes, and what decides. A token governor has the contract's storage, slot by slot, so that
//! comparing slots compares every getter; `houses` has its own after it.
//!
//! The governor is its own executor: it holds the money that proposals send, and only its own calls may change its settings. No function is locked: as in the
//! contract, a proposal may call the governor, and what it could disturb is stored before a call is made.
//!
//! Source: OpenZeppelin Contracts 5.4, `governance/Governor.sol`.

use abi::{GovernorCore as Core, GovernorCore::GovernorCoreCalls as Calls};
use alloy_primitives::{
    Address, B256, FixedBytes, U256,
    aliases::{U48, U208},
};
use alloy_sol_types::{PanicKind, SolCall as _, SolInterface as _, SolValue as _};
use governance::proposal::State;
use native_kit::{
    Failure, Function, Host,
    slots::{Array, FixedArray, Layout as _, Mapping, Text, Value},
    storage,
};

use crate::openzeppelin::answer;

mod ballots;
mod checkpoints;
pub(crate) mod factory;
pub(crate) mod houses;
mod life;
pub(crate) mod proven;
mod sealed;
mod settings;
pub(crate) mod token;

/// The revision from which on there are governors.
pub(crate) const SINCE: u32 = 3;

/// None is locked.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Core::nameCall::SELECTOR),
    Function::view(Core::versionCall::SELECTOR),
    Function::view(Core::COUNTING_MODECall::SELECTOR),
    Function::view(Core::CLOCK_MODECall::SELECTOR),
    Function::view(Core::clockCall::SELECTOR),
    Function::view(Core::hashProposalCall::SELECTOR),
    Function::view(Core::getProposalIdCall::SELECTOR),
    Function::view(Core::stateCall::SELECTOR),
    Function::view(Core::proposalThresholdCall::SELECTOR),
    Function::view(Core::proposalSnapshotCall::SELECTOR),
    Function::view(Core::proposalDeadlineCall::SELECTOR),
    Function::view(Core::proposalProposerCall::SELECTOR),
    Function::view(Core::proposalEtaCall::SELECTOR),
    Function::view(Core::proposalNeedsQueuingCall::SELECTOR),
    Function::view(Core::votingDelayCall::SELECTOR),
    Function::view(Core::votingPeriodCall::SELECTOR),
    Function::view(Core::quorumCall::SELECTOR),
    Function::view(Core::getVotesCall::SELECTOR),
    Function::view(Core::getVotesWithParamsCall::SELECTOR),
    Function::view(Core::hasVotedCall::SELECTOR),
    Function::view(Core::proposalVotesCall::SELECTOR),
    Function::view(Core::lateQuorumVoteExtensionCall::SELECTOR),
    Function::view(Core::executionDelayCall::SELECTOR),
    Function::view(Core::noncesCall::SELECTOR),
    Function::view(Core::eip712DomainCall::SELECTOR),
    Function::view(Core::BALLOT_TYPEHASHCall::SELECTOR),
    Function::view(Core::EXTENDED_BALLOT_TYPEHASHCall::SELECTOR),
    Function::view(Core::supportsInterfaceCall::SELECTOR),
    Function::nonpayable(Core::queueCall::SELECTOR).unlocked(),
    Function::payable(Core::executeCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::cancelCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::castVoteCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::castVoteWithReasonCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::castVoteWithReasonAndParamsCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::castVoteBySigCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::castVoteWithReasonAndParamsBySigCall::SELECTOR).unlocked(),
    Function::payable(Core::relayCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::setVotingDelayCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::setVotingPeriodCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::setProposalThresholdCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::setLateQuorumVoteExtensionCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::setExecutionDelayCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::onERC721ReceivedCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::onERC1155ReceivedCall::SELECTOR).unlocked(),
    Function::nonpayable(Core::onERC1155BatchReceivedCall::SELECTOR).unlocked(),
    Function::receive(),
];

const VERSION: &str = "1";
const COUNTING_MODE: &str = "support=bravo&quorum=for,abstain";
/// Interfaces that a governor says it has (ERC-165): `IGovernor`, the same without `getProposalId`, `IERC1155Receiver`, `IERC165`.
const INTERFACES: [[u8; 4]; 4] = [
    IGOVERNOR,
    xor(IGOVERNOR, Core::getProposalIdCall::SELECTOR),
    IERC1155_RECEIVER,
    Core::supportsInterfaceCall::SELECTOR,
];
const IGOVERNOR: [u8; 4] = {
    let functions = [
        Core::nameCall::SELECTOR,
        Core::versionCall::SELECTOR,
        Core::COUNTING_MODECall::SELECTOR,
        Core::hashProposalCall::SELECTOR,
        Core::getProposalIdCall::SELECTOR,
        Core::stateCall::SELECTOR,
        Core::proposalThresholdCall::SELECTOR,
        Core::proposalSnapshotCall::SELECTOR,
        Core::proposalDeadlineCall::SELECTOR,
        Core::proposalProposerCall::SELECTOR,
        Core::proposalEtaCall::SELECTOR,
        Core::proposalNeedsQueuingCall::SELECTOR,
        Core::votingDelayCall::SELECTOR,
        Core::votingPeriodCall::SELECTOR,
        Core::quorumCall::SELECTOR,
        Core::getVotesCall::SELECTOR,
        Core::getVotesWithParamsCall::SELECTOR,
        Core::hasVotedCall::SELECTOR,
        abi::TokenGovernor::proposeCall::SELECTOR,
        Core::queueCall::SELECTOR,
        Core::executeCall::SELECTOR,
        Core::cancelCall::SELECTOR,
        Core::castVoteCall::SELECTOR,
        Core::castVoteWithReasonCall::SELECTOR,
        Core::castVoteWithReasonAndParamsCall::SELECTOR,
        Core::castVoteBySigCall::SELECTOR,
        Core::castVoteWithReasonAndParamsBySigCall::SELECTOR,
    ];
    let (mut all, mut index) = ([0; 4], 0);
    while index < functions.len() {
        all = xor(all, functions[index]);
        index += 1;
    }
    all
};
const IERC1155_RECEIVER: [u8; 4] =
    xor(Core::onERC1155ReceivedCall::SELECTOR, Core::onERC1155BatchReceivedCall::SELECTOR);

const fn xor(a: [u8; 4], b: [u8; 4]) -> [u8; 4] {
    [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]]
}

storage! {
    /// Slots 0 to 13 are those of the contract that `scripts/reference/governor.mjs` composes; from the token on they are ours.
    struct Storage {
        /// For names of 32 bytes and more, which no governor has here.
        name_fallback: Text,
        version_fallback: Text,
        nonces: Mapping<Address, Value<U256>>,
        name: Text,
        proposals: Mapping<U256, ProposalSlots>,
        /// Of an executor that is not the governor itself.
        governance_call_bounds: Value<U256>,
        governance_calls: Mapping<u128, Value<B256>>,
        proposal_threshold: Value<U256>,
        voting_delay: Value<U48>,
        voting_period: Value<u32>,
        votes: Mapping<U256, TallySlots>,
        quorum_numerators: Array<CheckpointSlots>,
        vote_extension: Value<U48>,
        extended_deadlines: Mapping<U256, Value<U48>>,
        execution_delay: Value<u32>,
        /// Of a token governor, which never changes; the contract keeps it in its code. A whole slot.
        token: Value<U256>,
        /// From here on of the two houses.
        house_proposals: Mapping<U256, HouseSlots>,
        open_of: Mapping<Address, Value<u32>>,
        ids: Array<Value<U256>>,
        proposal_deposit: Value<U256>,
        deposits_held: Value<U256>,
        open_count: Value<u32>,
        missed_stake: Value<u8>,
        missed_work: Value<u8>,
        weeks: FixedArray<WeekSlots, 13>,
        opening_period: Value<u32>,
        /// Lists of holders of ballot keys, as votes have named them: the last one is in force. They are numbered from 1.
        holder_lists: Array<HolderListSlots>,
        /// The last list for whose proposals a holder withheld a key.
        barred_in: Mapping<Address, Value<u32>>,
        sealed: Mapping<U256, SealedSlots>,
    }
}

storage! {
    struct ProposalSlots {
        proposer: Value<Address>,
        vote_start: Value<U48>,
        vote_duration: Value<u32>,
        is_executed: Value<bool>,
        is_canceled: Value<bool>,
        eta: Value<U48>,
    }
}

storage! {
    struct TallySlots {
        against: Value<U256>,
        approving: Value<U256>,
        abstaining: Value<U256>,
        has_voted: Mapping<Address, Value<bool>>,
    }
}

storage! {
    struct CheckpointSlots {
        key: Value<U48>,
        value: Value<U208>,
    }
}

storage! {
    struct HouseSlots {
        posted_at: Value<U48>,
        class: Value<u8>,
        is_contested: Value<bool>,
        is_settled: Value<bool>,
        missed_stake: Value<u8>,
        missed_work: Value<u8>,
        deposit: Value<u128>,
        stake_total: Value<U256>,
        stake_quorum: Value<U256>,
        work_total: Value<U256>,
        work: TallySlots,
    }
}

storage! {
    struct HolderListSlots {
        threshold: Value<u8>,
        holders: Array<Value<Address>>,
    }
}

storage! {
    /// The sealed ballots of a proposal.
    struct SealedSlots {
        /// The list whose holders may post keys; 0 for none.
        list: Value<u32>,
        threshold: Value<u8>,
        opening_period: Value<u32>,
        keys: Value<u8>,
        published: Value<u8>,
        ballots: Value<u32>,
        opened: Value<u32>,
        stake: Value<U256>,
        work: Value<U256>,
        keys_of: Mapping<Address, KeySlots>,
        ballot_of: Mapping<Address, BallotSlots>,
    }
}

storage! {
    struct KeySlots {
        public: Value<U256>,
        secret: Value<U256>,
    }
}

storage! {
    /// A ballot that is sealed; zeros once it is open.
    struct BallotSlots {
        commitment: Value<U256>,
        stake: Value<U256>,
        work: Value<U256>,
    }
}

storage! {
    struct WeekSlots {
        number: Value<u32>,
        proposals: Value<u16>,
        weight: Value<U208>,
    }
}

fn stored() -> Storage {
    Storage::at(U256::ZERO, 0)
}

/// The calls of a proposal, and its description or the hash of it.
struct Actions {
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<alloy_primitives::Bytes>,
}

/// A vote as it was cast.
struct Ballot {
    id: U256,
    voter: Address,
    support: u8,
}

/// What differs between governors.
trait Mode {
    fn clock(&self, host: &mut dyn Host) -> Result<u64, Failure>;
    fn clock_mode(&self, host: &mut dyn Host) -> Result<String, Failure>;
    fn voting_delay(&self, host: &mut dyn Host) -> Result<u64, Failure>;
    fn voting_period(&self, host: &mut dyn Host) -> Result<u32, Failure>;
    fn proposal_threshold(&self, host: &mut dyn Host) -> Result<U256, Failure>;
    fn vote_extension(&self, host: &mut dyn Host) -> Result<u64, Failure>;
    fn execution_delay(&self, host: &mut dyn Host) -> Result<u32, Failure>;
    /// Refuses an id that no proposal has.
    fn state(&self, host: &mut dyn Host, id: U256) -> Result<State, Failure>;
    /// Returns the time whose votes count.
    fn snapshot(&self, host: &mut dyn Host, id: U256) -> Result<u64, Failure>;
    fn quorum(&self, host: &mut dyn Host, timepoint: U256) -> Result<U256, Failure>;
    fn votes_of(
        &self,
        host: &mut dyn Host,
        account: Address,
        timepoint: U256,
    ) -> Result<U256, Failure>;
    /// Counts a vote, and calls `announce` with its weight once it is counted.
    fn count(
        &self,
        host: &mut dyn Host,
        ballot: &Ballot,
        announce: &mut dyn FnMut(&mut dyn Host, U256) -> Result<(), Failure>,
    ) -> Result<U256, Failure>;
    /// Queues a proposal that has succeeded, and returns when it can be executed.
    fn queue(&self, host: &mut dyn Host, id: U256) -> Result<u64, Failure>;
    /// Marks a proposal as executed, if that is allowed now.
    fn begin_execution(
        &self,
        host: &mut dyn Host,
        id: U256,
        actions: &Actions,
    ) -> Result<(), Failure>;
    /// Checks what must still be true after its calls.
    fn end_execution(&self, host: &mut dyn Host) -> Result<(), Failure>;
    /// Withdraws a proposal.
    fn cancel(&self, host: &mut dyn Host, id: U256) -> Result<(), Failure>;
    /// Changes settings, and checks them.
    fn set(&self, host: &mut dyn Host, setting: settings::Setting) -> Result<(), Failure>;
}

/// Executes a call of the interface that all governors have.
fn call(host: &mut dyn Host, mode: &dyn Mode, input: &[u8]) -> Result<Vec<u8>, Failure> {
    // A plain send: the governor may hold money.
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    if let Some(output) = setting(host, mode, &call)? {
        return Ok(output);
    }
    if let Some(output) = of_proposal(host, mode, &call)? {
        return Ok(output);
    }
    if let Some(output) = identity(host, &call)? {
        return Ok(output);
    }
    if let Some(output) = ballots::call(host, mode, &call)? {
        return Ok(output);
    }
    match call {
        Calls::queue(call) => {
            let actions = Actions::of(call.targets, call.values, call.calldatas);
            life::queue(host, mode, &actions, call.descriptionHash).map(answer)
        }
        Calls::execute(call) => {
            let actions = Actions::of(call.targets, call.values, call.calldatas);
            life::execute(host, mode, &actions, call.descriptionHash).map(answer)
        }
        Calls::cancel(call) => {
            let actions = Actions::of(call.targets, call.values, call.calldatas);
            life::cancel(host, mode, &actions, call.descriptionHash).map(answer)
        }
        Calls::relay(call) => {
            only_governance(host)?;
            life::make_call(host, call.target, call.value, call.data)?;
            Ok(Vec::new())
        }
        other => settings::call(host, mode, &other).map(|()| Vec::new()),
    }
}

/// Answers what the settings say; `None` for other calls.
fn setting(host: &mut dyn Host, mode: &dyn Mode, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::clock(_) => answer(mode.clock(host)?),
        Calls::CLOCK_MODE(_) => Core::CLOCK_MODECall::abi_encode_returns(&mode.clock_mode(host)?),
        Calls::votingDelay(_) => answer(mode.voting_delay(host)?),
        Calls::votingPeriod(_) => answer(mode.voting_period(host)?),
        Calls::proposalThreshold(_) => answer(mode.proposal_threshold(host)?),
        Calls::lateQuorumVoteExtension(_) => answer(mode.vote_extension(host)?),
        Calls::executionDelay(_) => answer(mode.execution_delay(host)?),
        Calls::quorum(call) => answer(mode.quorum(host, call.timepoint)?),
        Calls::getVotes(call) => answer(mode.votes_of(host, call.account, call.timepoint)?),
        Calls::getVotesWithParams(call) => {
            answer(mode.votes_of(host, call.account, call.timepoint)?)
        }
        Calls::nonces(call) => answer(stored().nonces.of(host, call.owner)?.get(host)?),
        _ => return Ok(None),
    }))
}

/// Answers what is asked about a proposal; `None` for other calls.
fn of_proposal(
    host: &mut dyn Host,
    mode: &dyn Mode,
    call: &Calls,
) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::state(call) => answer(mode.state(host, call.proposalId)?.number()),
        Calls::proposalSnapshot(call) => answer(mode.snapshot(host, call.proposalId)?),
        Calls::proposalDeadline(call) => answer(deadline(host, call.proposalId)?),
        Calls::proposalProposer(call) => {
            answer(stored().proposals.of(host, call.proposalId)?.proposer.get(host)?)
        }
        Calls::proposalEta(call) => {
            answer(U256::from(stored().proposals.of(host, call.proposalId)?.eta.get(host)?))
        }
        Calls::proposalNeedsQueuing(_) => answer(true),
        Calls::hasVoted(call) => {
            let votes = stored().votes.of(host, call.proposalId)?;
            answer(votes.has_voted.of(host, call.account)?.get(host)?)
        }
        Calls::proposalVotes(call) => {
            let tally = stored().votes.of(host, call.proposalId)?.load(host)?;
            (tally.against, tally.approving, tally.abstaining).abi_encode()
        }
        _ => return Ok(None),
    }))
}

/// Answers what never changes, and what is computed from the arguments alone; `None` for other calls.
fn identity(host: &mut dyn Host, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::name(_) => Core::nameCall::abi_encode_returns(&name(host)?),
        Calls::version(_) => Core::versionCall::abi_encode_returns(&VERSION.to_owned()),
        Calls::COUNTING_MODE(_) => {
            Core::COUNTING_MODECall::abi_encode_returns(&COUNTING_MODE.to_owned())
        }
        Calls::hashProposal(call) => {
            let Core::hashProposalCall { targets, values, calldatas, descriptionHash } =
                call.clone();
            answer(Actions::of(targets, values, calldatas).id(host, descriptionHash)?)
        }
        Calls::getProposalId(call) => {
            let Core::getProposalIdCall { targets, values, calldatas, descriptionHash } =
                call.clone();
            answer(Actions::of(targets, values, calldatas).id(host, descriptionHash)?)
        }
        Calls::eip712Domain(_) => {
            let domain = Core::eip712DomainReturn {
                fields: FixedBytes([0x0f]),
                name: name(host)?,
                version: VERSION.to_owned(),
                chainId: U256::from(host.chain_id()),
                verifyingContract: host.module(),
                salt: B256::ZERO,
                extensions: Vec::new(),
            };
            Core::eip712DomainCall::abi_encode_returns(&domain)
        }
        Calls::BALLOT_TYPEHASH(_) => ballots::type_hash(host, ballots::BALLOT_TYPE)?.abi_encode(),
        Calls::EXTENDED_BALLOT_TYPEHASH(_) => {
            ballots::type_hash(host, ballots::EXTENDED_BALLOT_TYPE)?.abi_encode()
        }
        Calls::supportsInterface(call) => answer(INTERFACES.contains(&call.interfaceId.0)),
        Calls::onERC721Received(_) => selector(Core::onERC721ReceivedCall::SELECTOR),
        Calls::onERC1155Received(_) => selector(Core::onERC1155ReceivedCall::SELECTOR),
        Calls::onERC1155BatchReceived(_) => selector(Core::onERC1155BatchReceivedCall::SELECTOR),
        _ => return Ok(None),
    }))
}

/// Returns whether calldata is of the interface that all governors have.
fn is_shared(input: &[u8]) -> bool {
    input.first_chunk().is_none_or(|selector| Calls::valid_selector(*selector))
}

fn selector(selector: [u8; 4]) -> Vec<u8> {
    FixedBytes(selector).abi_encode()
}

fn name(host: &mut dyn Host) -> Result<String, Failure> {
    let name = stored().name.get(host)?;
    // The ledger's own has none in its storage.
    Ok(if name.is_empty() { houses::NAME.to_owned() } else { name })
}

/// Returns the last time at which votes are counted; 0 if there is no such proposal.
fn deadline(host: &mut dyn Host, id: U256) -> Result<u64, Failure> {
    let core = stored().proposals.of(host, id)?.load(host)?;
    let extended = stored().extended_deadlines.of(host, id)?.get(host)?;
    core.deadline(extended.to()).map_err(overflow)
}

/// Refuses everybody but the governor itself, which calls for a proposal.
fn only_governance(host: &dyn Host) -> Result<(), Failure> {
    let account = host.caller();
    if account == host.module() {
        return Ok(());
    }
    Err(Failure::revert(&Core::GovernorOnlyExecutor { account }))
}

/// Checks that a proposal is in one of the states whose bits are set.
fn check_state(
    host: &mut dyn Host,
    mode: &dyn Mode,
    id: U256,
    allowed: u8,
) -> Result<State, Failure> {
    let state = mode.state(host, id)?;
    if state.bit() & allowed == 0 { Err(unexpected(id, state, allowed)) } else { Ok(state) }
}

fn unexpected(id: U256, state: State, allowed: u8) -> Failure {
    Failure::revert(&Core::GovernorUnexpectedProposalState {
        proposalId: id,
        current: state.number(),
        expectedStates: B256::from(U256::from(allowed)),
    })
}

fn nonexistent(id: U256) -> Failure {
    Failure::revert(&Core::GovernorNonexistentProposal { proposalId: id })
}

/// A sum that does not fit is Solidity's panic.
fn overflow<E>(_: E) -> Failure {
    Failure::panic(PanicKind::UnderOverflow)
}

/// Converts a number, whose bound was checked.
fn narrow(number: U256) -> Result<U208, Failure> {
    let narrow: U208 = number.wrapping_to();
    if U256::from(narrow) == number { Ok(narrow) } else { Err(overflow(())) }
}

/// Converts a time, which a rule has bounded.
fn time(time: u64) -> Result<U48, Failure> {
    U48::try_from(time).map_err(overflow)
}

impl Actions {
    const fn of(
        targets: Vec<Address>,
        values: Vec<U256>,
        calldatas: Vec<alloy_primitives::Bytes>,
    ) -> Self {
        Self { targets, values, calldatas }
    }

    /// Returns the id of the proposal of these actions.
    fn id(&self, host: &mut dyn Host, description_hash: B256) -> Result<U256, Failure> {
        let Self { targets, values, calldatas } = self;
        let encoded =
            (&targets[..], &values[..], &calldatas[..], description_hash).abi_encode_params();
        Ok(host.keccak256(&encoded)?.into())
    }
}

impl ProposalSlots {
    fn load(&self, host: &mut dyn Host) -> Result<governance::proposal::Core, Failure> {
        let word = host.load(self.proposer.slot())?;
        Ok(governance::proposal::Core {
            proposer: self.proposer.of_word(word),
            vote_start: self.vote_start.of_word(word).to(),
            vote_duration: self.vote_duration.of_word(word),
            is_executed: self.is_executed.of_word(word),
            is_canceled: self.is_canceled.of_word(word),
            eta: self.eta.get(host)?.to(),
        })
    }

    fn store(&self, host: &mut dyn Host, core: &governance::proposal::Core) -> Result<(), Failure> {
        let word = self.proposer.into_word(U256::ZERO, core.proposer);
        let word = self.vote_start.into_word(word, time(core.vote_start)?);
        let word = self.vote_duration.into_word(word, core.vote_duration);
        let word = self.is_executed.into_word(word, core.is_executed);
        let word = self.is_canceled.into_word(word, core.is_canceled);
        let module = host.module();
        host.set_of(module, self.proposer.slot(), word)?;
        self.eta.set(host, time(core.eta)?)
    }
}

impl TallySlots {
    fn load(&self, host: &mut dyn Host) -> Result<governance::proposal::Tally, Failure> {
        Ok(governance::proposal::Tally {
            against: self.against.get(host)?,
            approving: self.approving.get(host)?,
            abstaining: self.abstaining.get(host)?,
        })
    }

    fn store(
        &self,
        host: &mut dyn Host,
        tally: &governance::proposal::Tally,
    ) -> Result<(), Failure> {
        self.against.set(host, tally.against)?;
        self.approving.set(host, tally.approving)?;
        self.abstaining.set(host, tally.abstaining)
    }
}
