//! OpenZeppelin 5 `Governor` with five of its extensions and a delay, over a token with votes (`scripts/reference/governor.mjs`).

use abi::{GovernorCore as Core, TokenGovernor};
use alloy_primitives::{Address, B256, Bytes, U256, aliases::U48, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolValue, sol};

use crate::{
    draws::Draws,
    scene::{OWNER, Scene},
};

sol! {
    interface Votes {
        function mode() external view returns (uint8);
        function setMode(uint8 mode) external;
        function mint(address to, uint256 value) external;
        function burn(address from, uint256 value) external;
        function transfer(address to, uint256 value) external returns (bool);
        function delegate(address delegatee) external;
    }

    interface Target {
        function set(uint256 number) external payable;
        function refuse(uint256 number) external;
        function refuseSilently() external;
        function setSigns(bool signs) external;
        function callBack(address to, bytes calldata data) external returns (bytes memory);
        function number() external view returns (uint256);
    }
}

/// Proposals of a ledger.
const PROPOSALS: u64 = 6;
/// Calls after which mostly the next proposal is called.
const CALLS_OF_PROPOSAL: usize = 13;
const BALLOT: &[u8] = b"Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)";
const EXTENDED: &[u8] = b"ExtendedBallot(uint256 proposalId,uint8 support,address voter,uint256 nonce,string reason,bytes params)";
const DOMAIN: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const NAME: &str = "Thresher";

/// What the calls of a governor need to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    token: Address,
    /// A contract that is called, and that votes by signature.
    target: Address,
    proposals: Vec<Proposal>,
    calls: usize,
}

#[derive(Clone, Debug)]
struct Proposal {
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<Bytes>,
    description: String,
}

impl Proposal {
    fn hash(&self) -> B256 {
        keccak256(&self.description)
    }

    fn id(&self) -> U256 {
        let Self { targets, values, calldatas, .. } = self;
        let lists = (&targets[..], &values[..], &calldatas[..], self.hash());
        keccak256(lists.abi_encode_params()).into()
    }
}

fn key(number: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(number)).unwrap()
}

fn voters() -> [Address; 4] {
    [1, 2, 3, 4].map(|number| key(number).address())
}

pub(crate) fn new(folder: &str, draws: Draws) -> Scene {
    let mut scene = Scene::new(draws, next, describe);
    scene.has_own_time = true;
    let token = scene.deploy_both(&testdata("votes"));
    let target = scene.deploy_both(&testdata("target"));
    let draws = &mut scene.draws;
    let arguments = (
        NAME,
        token,
        U256::from(draws.of(&[0, 1, 50, 1_000])),
        U256::from(draws.of(&[1, 100, 1_000])),
        U256::from(draws.of(&[0, 0, 1, 100])),
        U256::from(draws.of(&[0, 4, 4, 30, 90])),
        U256::from(draws.of(&[0, 10, 500, 2_000])),
        U256::from(draws.of(&[0, 1, 200])),
    );
    scene.subject =
        scene.deploy((folder, "governor"), &arguments.abi_encode_params(), b"\xefgovernor");
    // The token, which the contract keeps in its code.
    scene.own_bits(14, U256::from_be_bytes(token.into_word().0));
    scene.fund(scene.subject, 1_000);
    scene.world = World { token, target, proposals: Vec::new(), calls: 0 };
    let proposals = (0..PROPOSALS).map(|number| proposal(&mut scene, number)).collect();
    scene.world.proposals = proposals;
    for (number, voter) in (1_u64..).zip(voters()) {
        let value = U256::from(number * 100);
        scene.prepare(OWNER, token, Votes::mintCall { to: voter, value }.abi_encode());
        let delegatee = if number == 3 { voters()[0] } else { voter };
        scene.prepare(voter, token, Votes::delegateCall { delegatee }.abi_encode());
    }
    let value = U256::from(50);
    scene.prepare(OWNER, token, Votes::mintCall { to: target, value }.abi_encode());
    let data = Votes::delegateCall { delegatee: target }.abi_encode().into();
    scene.prepare(OWNER, target, Target::callBackCall { to: token, data }.abi_encode());
    watch(&mut scene);
    scene
}

fn testdata(name: &str) -> String {
    format!("{}/../../testdata/governor/{name}.hex", env!("CARGO_MANIFEST_DIR"))
}

/// Draws what a proposal does.
fn proposal(scene: &mut Scene, number: u64) -> Proposal {
    let mut proposal = Proposal {
        targets: Vec::new(),
        values: Vec::new(),
        calldatas: Vec::new(),
        description: format!("Proposal {number}"),
    };
    for _ in 0..=scene.draws.below(2) {
        let (target, value, calldata) = action(scene, number);
        proposal.targets.push(target);
        proposal.values.push(U256::from(value));
        proposal.calldatas.push(calldata.into());
    }
    if scene.draws.one_in(6) {
        let who = scene.draws.of(&voters());
        let ending = scene.draws.of(&["#proposer=", "#proposer=", "#proposer= ", "#by="]);
        proposal.description.push_str(&format!("{ending}{who}"));
    }
    proposal
}

fn action(scene: &mut Scene, number: u64) -> (Address, u64, Vec<u8>) {
    let (subject, target) = (scene.subject, scene.world.target);
    let draws = &mut scene.draws;
    let small = U256::from(draws.of(&[0_u64, 1, 30, 700]));
    let value = draws.of(&[0, 0, 0, 3, 400, 2_000]);
    match draws.below(16) {
        0..3 => (target, value, Target::setCall { number: U256::from(number) }.abi_encode()),
        3 => (target, 0, Target::refuseCall { number: U256::from(number) }.abi_encode()),
        4 => (target, 0, Target::refuseSilentlyCall {}.abi_encode()),
        5 => (voters()[1], value, vec![1, 2, 3]),
        6 => {
            let data = Target::setCall { number: U256::from(7) }.abi_encode().into();
            let call = Core::relayCall { target, value: U256::from(value), data };
            (subject, 0, call.abi_encode())
        }
        7 => {
            let most = U48::MAX - U48::from(draws.below(200));
            let new_voting_delay = if draws.one_in(6) { most } else { small.to() };
            (subject, 0, Core::setVotingDelayCall { newVotingDelay: new_voting_delay }.abi_encode())
        }
        8 => {
            let new_voting_period = small.to();
            let call = Core::setVotingPeriodCall { newVotingPeriod: new_voting_period };
            (subject, 0, call.abi_encode())
        }
        9 => {
            let call = Core::setProposalThresholdCall { newProposalThreshold: small };
            (subject, 0, call.abi_encode())
        }
        10 | 11 => {
            let numerator = U256::from(draws.of(&[0_u64, 1, 20, 100, 101]));
            let call = TokenGovernor::updateQuorumNumeratorCall { newQuorumNumerator: numerator };
            (subject, 0, call.abi_encode())
        }
        12 => {
            let most = U48::MAX - U48::from(draws.below(200));
            let new_vote_extension = if draws.one_in(6) { most } else { small.to() };
            let call =
                Core::setLateQuorumVoteExtensionCall { newVoteExtension: new_vote_extension };
            (subject, 0, call.abi_encode())
        }
        13 => {
            let call = Core::setExecutionDelayCall { newExecutionDelay: small.to() };
            (subject, 0, call.abi_encode())
        }
        14 => {
            // A call back: a vote by the target, on a proposal of any state.
            let id = scene.world.proposals.first().map_or(U256::ZERO, Proposal::id);
            let data = Core::castVoteCall { proposalId: id, support: 1 }.abi_encode().into();
            (target, 0, Target::callBackCall { to: subject, data }.abi_encode())
        }
        _ => {
            // The same of a proposal that is being executed.
            let Some(other) = scene.world.proposals.first().cloned() else {
                return (target, 0, Vec::new());
            };
            let data = execute(&other).into();
            (target, 0, Target::callBackCall { to: subject, data }.abi_encode())
        }
    }
}

fn watch(scene: &mut Scene) {
    let (subject, world) = (scene.subject, scene.world.clone());
    scene.watch(subject, &Core::nameCall {});
    scene.watch(subject, &Core::versionCall {});
    scene.watch(subject, &Core::COUNTING_MODECall {});
    scene.watch(subject, &Core::CLOCK_MODECall {});
    scene.watch(subject, &Core::clockCall {});
    scene.watch(subject, &Core::votingDelayCall {});
    scene.watch(subject, &Core::votingPeriodCall {});
    scene.watch(subject, &Core::proposalThresholdCall {});
    scene.watch(subject, &Core::lateQuorumVoteExtensionCall {});
    scene.watch(subject, &Core::executionDelayCall {});
    scene.watch(subject, &Core::eip712DomainCall {});
    scene.watch(subject, &Core::BALLOT_TYPEHASHCall {});
    scene.watch(subject, &Core::EXTENDED_BALLOT_TYPEHASHCall {});
    scene.watch(subject, &TokenGovernor::tokenCall {});
    scene.watch(subject, &TokenGovernor::quorumNumerator_0Call {});
    scene.watch(subject, &TokenGovernor::quorumDenominatorCall {});
    for id in ["01ffc9a7", "4e2312e0", "ffffffff", "65455a86", "7f5d9f8a"] {
        scene.watch(subject, &Core::supportsInterfaceCall { interfaceId: id.parse().unwrap() });
    }
    for timepoint in [1_000_000_u64, 1_000_050, 1_001_000, 1_005_000, u64::MAX].map(U256::from) {
        scene.watch(subject, &Core::quorumCall { timepoint });
        scene.watch(subject, &TokenGovernor::quorumNumerator_1Call { timepoint });
        scene.watch(subject, &Core::getVotesCall { account: voters()[0], timepoint });
    }
    for owner in voters().into_iter().chain([world.target]) {
        scene.watch(subject, &Core::noncesCall { owner });
    }
    for proposal in &world.proposals {
        let id = proposal.id();
        scene.watch(subject, &Core::stateCall { proposalId: id });
        scene.watch(subject, &Core::proposalSnapshotCall { proposalId: id });
        scene.watch(subject, &Core::proposalDeadlineCall { proposalId: id });
        scene.watch(subject, &Core::proposalProposerCall { proposalId: id });
        scene.watch(subject, &Core::proposalEtaCall { proposalId: id });
        scene.watch(subject, &Core::proposalNeedsQueuingCall { proposalId: id });
        scene.watch(subject, &Core::proposalVotesCall { proposalId: id });
        for account in voters().into_iter().chain([world.target]) {
            scene.watch(subject, &Core::hasVotedCall { proposalId: id, account });
        }
        let Proposal { targets, values, calldatas, .. } = proposal.clone();
        let description_hash = proposal.hash();
        scene.watch(
            subject,
            &Core::getProposalIdCall {
                targets,
                values,
                calldatas,
                descriptionHash: description_hash,
            },
        );
    }
    scene.watch(world.target, &Target::numberCall {});
}

fn next(scene: &mut Scene) -> (Address, Address, Vec<u8>) {
    let subject = scene.subject;
    let pass = scene.draws.of(&[0, 0, 0, 1, 1, 7, 60, 400]);
    scene.pass(pass);
    let count = scene.world.proposals.len();
    scene.world.calls += 1;
    let mut index = (scene.world.calls / CALLS_OF_PROPOSAL).min(count - 1);
    if scene.draws.one_in(4) {
        index = usize::try_from(scene.draws.below(count.try_into().unwrap())).unwrap();
    }
    let token = scene.world.token;
    if !scene.ask(token, &Votes::modeCall {}).is_zero() && scene.draws.one_in(2) {
        return (OWNER, token, Votes::setModeCall { mode: 0 }.abi_encode());
    }
    let proposal = scene.world.proposals[index].clone();
    let voter = scene.draws.of(&voters());
    match scene.draws.below(20) {
        0..11 => forward(scene, voter, &proposal),
        11 | 12 => (voter, subject, vote(scene, voter, &proposal)),
        13 => by_signature(scene, &proposal),
        14 => (voter, subject, propose(scene, &proposal)),
        15 => {
            let call = scene.draws.of(&[queue, execute, cancel]);
            (voter, subject, call(&proposal))
        }
        16 => (voter, subject, forbidden(scene)),
        17 => odd_lists(scene, voter, &proposal),
        _ => token_call(scene, voter),
    }
}

/// Does what a proposal waits for, at the moment from which on it is allowed, or just before.
fn forward(scene: &mut Scene, voter: Address, proposal: &Proposal) -> (Address, Address, Vec<u8>) {
    let (subject, id) = (scene.subject, proposal.id());
    let snapshot = scene.ask(subject, &Core::proposalSnapshotCall { proposalId: id });
    if snapshot.is_zero() {
        return (voter, subject, propose(scene, proposal));
    }
    let state = scene.ask(subject, &Core::stateCall { proposalId: id }).saturating_to::<u8>();
    let deadline = scene.ask(subject, &Core::proposalDeadlineCall { proposalId: id });
    let late = scene.draws.below(3);
    match state {
        0 if scene.draws.one_in(5) => {
            let proposer = scene.ask(subject, &Core::proposalProposerCall { proposalId: id });
            scene.wait_until(snapshot, late);
            (Address::from_word(proposer.into()), subject, cancel(proposal))
        }
        0 => {
            scene.wait_until(snapshot, late);
            (voter, subject, vote(scene, voter, proposal))
        }
        1 if scene.draws.one_in(5) => {
            scene.wait_until(deadline, late);
            let input =
                if scene.draws.one_in(2) { queue(proposal) } else { vote(scene, voter, proposal) };
            (voter, subject, input)
        }
        1 if scene.draws.one_in(3) => by_signature(scene, proposal),
        1 => {
            let fresh = fresh_voter(scene, id).unwrap_or(voter);
            (fresh, subject, vote(scene, fresh, proposal))
        }
        4 if scene.draws.one_in(5) => (voter, subject, execute(proposal)),
        4 => (voter, subject, queue(proposal)),
        5 => {
            let eta = scene.ask(subject, &Core::proposalEtaCall { proposalId: id });
            scene.wait_until(eta, late);
            (voter, subject, execute(proposal))
        }
        _ => token_call(scene, voter),
    }
}

/// Returns a voter who has not voted yet.
fn fresh_voter(scene: &mut Scene, proposal_id: U256) -> Option<Address> {
    let subject = scene.subject;
    voters().into_iter().find(|account| {
        let account = *account;
        scene.ask(subject, &Core::hasVotedCall { proposalId: proposal_id, account }).is_zero()
    })
}

fn propose(scene: &mut Scene, proposal: &Proposal) -> Vec<u8> {
    let Proposal { targets, values, calldatas, description } = proposal.clone();
    let description = if scene.draws.one_in(20) { String::new() } else { description };
    TokenGovernor::proposeCall { targets, values, calldatas, description }.abi_encode()
}

fn queue(proposal: &Proposal) -> Vec<u8> {
    let Proposal { targets, values, calldatas, .. } = proposal.clone();
    let description_hash = proposal.hash();
    Core::queueCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode()
}

fn execute(proposal: &Proposal) -> Vec<u8> {
    let Proposal { targets, values, calldatas, .. } = proposal.clone();
    let description_hash = proposal.hash();
    Core::executeCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode()
}

fn cancel(proposal: &Proposal) -> Vec<u8> {
    let Proposal { targets, values, calldatas, .. } = proposal.clone();
    let description_hash = proposal.hash();
    Core::cancelCall { targets, values, calldatas, descriptionHash: description_hash }.abi_encode()
}

/// Lists of different lengths, or none at all.
fn odd_lists(
    scene: &mut Scene,
    voter: Address,
    proposal: &Proposal,
) -> (Address, Address, Vec<u8>) {
    let mut odd = proposal.clone();
    match scene.draws.below(4) {
        0 => odd.values.push(U256::ZERO),
        1 => odd.targets.clear(),
        2 => drop(odd.calldatas.pop()),
        _ => {
            odd.targets.clear();
            odd.values.clear();
            odd.calldatas.clear();
        }
    }
    let Proposal { targets, values, calldatas, description } = odd;
    let input = TokenGovernor::proposeCall { targets, values, calldatas, description }.abi_encode();
    (voter, scene.subject, input)
}

fn support(scene: &mut Scene) -> u8 {
    scene.draws.of(&[0, 1, 1, 1, 1, 1, 1, 2, 2, 3])
}

fn vote(scene: &mut Scene, _: Address, proposal: &Proposal) -> Vec<u8> {
    let (proposal_id, support) = (proposal.id(), support(scene));
    match scene.draws.below(4) {
        0 | 1 => Core::castVoteCall { proposalId: proposal_id, support }.abi_encode(),
        2 => {
            let reason = "for the harvest, für die Ernte".to_owned();
            Core::castVoteWithReasonCall { proposalId: proposal_id, support, reason }.abi_encode()
        }
        _ => {
            let (reason, params) = ("why".to_owned(), params(scene));
            let call = Core::castVoteWithReasonAndParamsCall {
                proposalId: proposal_id,
                support,
                reason,
                params,
            };
            call.abi_encode()
        }
    }
}

fn params(scene: &mut Scene) -> Bytes {
    if scene.draws.one_in(2) { Bytes::new() } else { vec![7; 33].into() }
}

/// A vote by signature: mostly valid, else of another nonce, of another voter, malformed, or of a contract.
fn by_signature(scene: &mut Scene, proposal: &Proposal) -> (Address, Address, Vec<u8>) {
    let (subject, target) = (scene.subject, scene.world.target);
    let (proposal_id, support) = (proposal.id(), support(scene));
    let number = u8::try_from(1 + scene.draws.below(4)).unwrap();
    let voter = match scene.draws.below(8) {
        0 => target,
        1 => voters()[0],
        _ => key(number).address(),
    };
    let mut nonce = scene.ask(subject, &Core::noncesCall { owner: voter });
    if scene.draws.one_in(8) {
        nonce += U256::from(1);
    }
    let (reason, params) = ("signed".to_owned(), params(scene));
    let extends = scene.draws.one_in(2);
    let (id, word) = (proposal_id, U256::from(support));
    let encoded = if extends {
        let hashes = (keccak256(&reason), keccak256(&params));
        (keccak256(EXTENDED), id, word, voter, nonce, hashes.0, hashes.1).abi_encode()
    } else {
        (keccak256(BALLOT), id, word, voter, nonce).abi_encode()
    };
    let domain = (keccak256(DOMAIN), keccak256(NAME), keccak256("1"), U256::from(1), subject);
    let digest =
        [&[0x19, 0x01], keccak256(domain.abi_encode()).as_slice(), keccak256(encoded).as_slice()]
            .concat();
    let mut signature = key(number).sign_hash_sync(&keccak256(digest)).unwrap().as_bytes().to_vec();
    match scene.draws.below(16) {
        0 => drop(signature.pop()),
        1 => signature[64] ^= 1,
        2 => signature[32] = 0xff,
        3 => signature.clear(),
        _ => {}
    }
    let signature = signature.into();
    let input = if extends {
        let call = Core::castVoteWithReasonAndParamsBySigCall {
            proposalId: proposal_id,
            support,
            voter,
            reason,
            params,
            signature,
        };
        call.abi_encode()
    } else {
        Core::castVoteBySigCall { proposalId: proposal_id, support, voter, signature }.abi_encode()
    };
    (OWNER, subject, input)
}

/// What only a proposal may do, and what does nothing.
fn forbidden(scene: &mut Scene) -> Vec<u8> {
    let target = scene.world.target;
    let number = U256::from(1);
    match scene.draws.below(9) {
        0 => Core::setVotingDelayCall { newVotingDelay: U48::ZERO }.abi_encode(),
        1 => Core::setVotingPeriodCall { newVotingPeriod: 0 }.abi_encode(),
        2 => Core::setProposalThresholdCall { newProposalThreshold: number }.abi_encode(),
        3 => Core::setLateQuorumVoteExtensionCall { newVoteExtension: U48::ZERO }.abi_encode(),
        4 => TokenGovernor::updateQuorumNumeratorCall { newQuorumNumerator: number }.abi_encode(),
        5 => Core::relayCall { target, value: U256::ZERO, data: Bytes::new() }.abi_encode(),
        6 => {
            let (operator, from, data) = (target, target, Bytes::new());
            Core::onERC721ReceivedCall { operator, from, tokenId: number, data }.abi_encode()
        }
        7 => {
            let (operator, from, id, data) = (target, target, number, Bytes::new());
            Core::onERC1155ReceivedCall { operator, from, id, value: id, data }.abi_encode()
        }
        _ => {
            let (operator, from, data) = (target, target, Bytes::new());
            let (ids, values) = (vec![number], vec![number, number]);
            Core::onERC1155BatchReceivedCall { operator, from, ids, values, data }.abi_encode()
        }
    }
}

/// A call of the token, or of the contract that signs.
fn token_call(scene: &mut Scene, voter: Address) -> (Address, Address, Vec<u8>) {
    let World { token, target, .. } = scene.world.clone();
    let other = scene.draws.of(&voters());
    let value = U256::from(scene.draws.below(150));
    match scene.draws.below(12) {
        0..2 => (OWNER, token, Votes::mintCall { to: other, value }.abi_encode()),
        2 => (OWNER, token, Votes::burnCall { from: other, value }.abi_encode()),
        3..5 => (voter, token, Votes::transferCall { to: other, value }.abi_encode()),
        5..7 => (voter, token, Votes::delegateCall { delegatee: other }.abi_encode()),
        7 if scene.draws.one_in(2) => {
            let mode = scene.draws.of(&[1, 2, 3]);
            (OWNER, token, Votes::setModeCall { mode }.abi_encode())
        }
        7..11 => (OWNER, token, Votes::setModeCall { mode: 0 }.abi_encode()),
        _ => {
            let signs = scene.draws.one_in(2);
            (OWNER, target, Target::setSignsCall { signs }.abi_encode())
        }
    }
}

fn describe(input: &[u8]) -> Option<String> {
    abi::Module::named("TokenGovernor")?.decode_call(input).map(|call| call.to_string())
}
