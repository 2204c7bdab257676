//! The pages of proposals and houses.

use abi::{
    GOVERNOR, Governor, GovernorCore, PARAMETERS, Parameters, REVISIONS, Revisions, STAKE_HOUSE,
    StakeHouse, TREASURY, Treasury, WORK_HOUSE, WorkHouse,
};
use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy_sol_types::{SolCall as _, SolValue as _};
use execution::Amendment;

use crate::{
    decoding::{has, words},
    ledger::{ALICE, BOB, Ledger, whole},
};

const DAY: u64 = 86_400;
/// The only module that mints voice.
const ISSUANCE: Address = address!("0x6c00000000000000000000000000000000000019");
const FLOOR: &str = "training-runs.audit-rate-floor";

fn said(ledger: &Ledger, path: &str) -> String {
    words(&ledger.page(path))
}

fn pass(ledger: &Ledger, seconds: u64) {
    let development = ledger.node.development().unwrap();
    development.set_next_timestamp(ledger.head_time() + seconds).unwrap();
    development.mine(1, None).unwrap();
}

/// A ledger whose two accounts have deposited long enough ago, and of which one has voice.
fn houses() -> Ledger {
    let ledger = Ledger::new(Some(history::Options::STANDARD)).indexed();
    let deposit = || StakeHouse::depositCall {}.abi_encode().into();
    ledger.send_value(ALICE, STAKE_HOUSE, whole(60_000, 18), deposit());
    ledger.send_value(BOB, STAKE_HOUSE, whole(20_000, 18), deposit());
    let rich = Amendment::Balance(whole(1, 18));
    ledger.node.development().unwrap().amend(ISSUANCE, rich).unwrap();
    let mint = WorkHouse::mintCall { account: BOB, work: U256::from(1_u64 << 40) };
    ledger.do_(ISSUANCE, WORK_HOUSE, &mint);
    pass(&ledger, 31 * DAY);
    ledger.do_(BOB, WORK_HOUSE, &WorkHouse::matureCall { account: BOB });
    pass(&ledger, 8 * DAY);
    ledger
}

fn propose(ledger: &Ledger, calls: &[(Address, Bytes)], description: &str) -> U256 {
    let call = Governor::proposeCall {
        targets: calls.iter().map(|(target, _)| *target).collect(),
        values: vec![U256::ZERO; calls.len()],
        calldatas: calls.iter().map(|(_, data)| data.clone()).collect(),
        description: description.to_owned(),
    };
    let deposit = ledger.ask(GOVERNOR, &Governor::proposalDepositCall {});
    ledger.send_value(ALICE, GOVERNOR, deposit, call.abi_encode().into());
    let count = ledger.ask(GOVERNOR, &Governor::proposalCountCall {});
    ledger.ask(GOVERNOR, &Governor::proposalAtCall { index: count - U256::ONE })
}

fn set_floor(value: u64) -> (Address, Bytes) {
    let mut key = B256::ZERO;
    key[..FLOOR.len()].copy_from_slice(FLOOR.as_bytes());
    let call = Parameters::setCall { key, value: U256::from(value) };
    (PARAMETERS, call.abi_encode().into())
}

fn pay() -> (Address, Bytes) {
    let (token, to, amount) = (abi::GRAIN, BOB, whole(100, 18));
    (TREASURY, Treasury::grantCall { token, to, amount }.abi_encode().into())
}

#[test]
fn a_ledger_without_proposals_has_houses_and_parameters() {
    let ledger = Ledger::new(None);
    has(&said(&ledger, "/proposals"), &["Nothing has been proposed yet."]);
    let page = said(&ledger, "/houses");
    has(&page, &["0 proposals so far", "0 GRAIN deposited", "nobody has votes yet"]);
    has(&page, &[FLOOR, "basis points", "routine", "Treasury", "Payments over time"]);
    for path in ["/proposal/1", "/proposal/0", "/proposal/x", "/proposal/"] {
        assert_eq!(explorer::page(&ledger.node, path).status, 404, "{path}");
    }
}

#[test]
fn houses_have_totals_and_how_many_delegates_have_half() {
    let ledger = houses();
    let page = said(&ledger, "/houses");
    has(&page, &["80000 GRAIN deposited", "1 delegate has more", "units of voice"]);
}

#[test]
fn a_proposal_with_sealed_ballots_shows_how_many_are_cast_and_open() {
    let ledger = houses();
    let rich = Amendment::Balance(whole(1, 18));
    ledger.node.development().unwrap().amend(GOVERNOR, rich).unwrap();
    let holders = vec![ALICE, BOB];
    ledger.do_(GOVERNOR, GOVERNOR, &Governor::setBallotKeyHoldersCall { holders, threshold: 2 });
    let id = propose(&ledger, &[pay()], "Sealed");
    has(&said(&ledger, "/proposal/1"), &["sealed, if 2 ballot keys are there", ": 0 are"]);
    for (holder, byte) in [(ALICE, 3), (BOB, 5)] {
        let public_key = B256::repeat_byte(byte);
        let call = Governor::postBallotKeyCall { proposalId: id, publicKey: public_key };
        ledger.do_(holder, GOVERNOR, &call);
    }
    pass(&ledger, DAY + 60);
    let salt = B256::repeat_byte(1);
    let commitment = keccak256((id, ALICE, U256::ONE, salt).abi_encode());
    let call = Governor::sealVoteCall { proposalId: id, commitment, ciphertext: Bytes::new() };
    ledger.do_(ALICE, GOVERNOR, &call);
    let page = said(&ledger, "/proposal/1");
    has(&page, &["sealed until the vote is over: 1 cast, 0 open", "0 of 2 keys are published"]);
    has(&page, &["no: the ballots are sealed until the vote is over", "yes 0 %"]);
    pass(&ledger, 7 * DAY);
    let vote = Governor::OpenedVote { voter: ALICE, support: 1, salt };
    ledger.do_(BOB, GOVERNOR, &Governor::openVotesCall { proposalId: id, votes: vec![vote] });
    let page = said(&ledger, "/proposal/1");
    has(&page, &["1 cast, 1 open", "yes 75 %", "active"]);
}

#[test]
fn a_proposal_shows_its_calls_votes_and_dates() {
    let ledger = houses();
    let id = propose(&ledger, &[pay(), set_floor(700)], "# Pay <b>Bob</b>\u{202e}\n\nFor his work");
    pass(&ledger, DAY + 60);
    let vote = |support| GovernorCore::castVoteCall { proposalId: id, support };
    ledger.do_(ALICE, GOVERNOR, &vote(1));
    ledger.do_(BOB, GOVERNOR, &vote(2));
    let raw = ledger.page("/proposal/1");
    let page = words(&raw);
    has(&page, &["Proposal 1: Pay &lt;b&gt;Bob&lt;/b&gt;\u{fffd}", "For his work"]);
    // Ordinary, or constitutional while a breaker is tripped: with two holders one is.
    has(&page, &["active: votes are counted", " in both houses"]);
    // 60,000 of 80,000 GRAIN; all of the voice abstains.
    has(&page, &["yes 75 %, no 0 %, abstain 25 %", "all votes: 80000 GRAIN"]);
    has(&page, &["yes 0 %, no 0 %, abstain 100 %"]);
    has(&page, &["no: not enough of the work house's votes are yes so far"]);
    has(&page, &["grant", "100000000000000000000  100 GRAIN", FLOOR, "value: 700"]);
    has(&page, &["Newest votes", "60000 GRAIN", "abstain"]);
    has(
        &raw,
        &["class=\"bar yes\" x=\"0.0\" y=\"0\" width=\"750.0\"", "aria-label=\"Bar: Stake house"],
    );
    assert_eq!(raw.matches("<svg").count(), 2);
    assert_eq!(ledger.page(&format!("/proposal/{id}")), raw);
    let list = said(&ledger, "/proposals");
    has(&list, &["Pay &lt;b&gt;Bob", "vote ends in 6 d"]);
    // The transaction that posted it is decoded as well.
    let page = said(&ledger, "/account/0x6c00000000000000000000000000000000000015");
    has(&page, &["propose"]);
}

#[test]
fn a_routine_proposal_is_unopposed_queued_and_executed() {
    let ledger = houses();
    let description = "Audit more";
    let id = propose(&ledger, &[set_floor(700)], description);
    pass(&ledger, 60);
    let page = said(&ledger, "/proposal/1");
    has(&page, &["routine: passes by itself", "yes: less than 10 % of each house objects so far"]);
    pass(&ledger, 5 * DAY);
    has(&said(&ledger, "/proposal/1"), &["succeeded: anybody may queue it"]);
    let (target, data) = set_floor(700);
    let parts = (vec![target], vec![U256::ZERO], vec![data], keccak256(description));
    let (targets, values, calldatas, hash) = parts.clone();
    let queue = GovernorCore::queueCall { targets, values, calldatas, descriptionHash: hash };
    ledger.do_(BOB, GOVERNOR, &queue);
    has(&said(&ledger, "/proposal/1"), &["queued", "executable", "without the brake"]);
    has(&said(&ledger, "/proposals"), &["can be executed in 1 d 23 h"]);
    // A fortieth of the supply delays it.
    let lock = abi::Brake::lockCall { proposal: id }.abi_encode().into();
    ledger.send_value(BOB, abi::BRAKE, whole(50_000, 18), lock);
    has(&said(&ledger, "/proposal/1"), &["The brake delays it by "]);
    pass(&ledger, 60 * DAY);
    let (targets, values, calldatas, hash) = parts;
    let execute = GovernorCore::executeCall { targets, values, calldatas, descriptionHash: hash };
    ledger.do_(BOB, GOVERNOR, &execute);
    has(&said(&ledger, "/proposal/1"), &["executed"]);
    has(&said(&ledger, "/houses"), &["700 at first 500"]);
}

#[test]
fn the_rules_of_a_ledger_have_a_page_before_any_vote() {
    let ledger = Ledger::new(Some(history::Options::STANDARD)).indexed();
    let page = said(&ledger, "/revisions");
    let known = execution::MODULES.newest();
    has(
        &page,
        &[&format!("this node knowsrevisions 1 to {known}"), "the genesis file", "runs now"],
    );
    has(
        &page,
        &["a proposal may name", "at least 21600 after", "What votes have changed", "Nothing."],
    );
    for path in ["/houses", "/proposals"] {
        has(&ledger.page(path), &["href=\"/revisions\""]);
    }
}

/// When a node has stopped before rules that it does not know, its operator wants to see which.
#[test]
fn a_node_that_has_stopped_says_before_which_rules() {
    let ledger = Ledger::ending_before(3);
    let known = execution::MODULES.newest();
    has(&said(&ledger, "/revisions"), &["It stops before block 3", "begins in 2 blocks"]);
    for _ in 0..2 {
        ledger.send_value(ALICE, BOB, U256::ONE, Bytes::new());
    }
    let page = said(&ledger, "/revisions");
    has(&page, &[&format!("revision {known}, in block 2, the last one of this node")]);
    has(&page, &["It has stopped before block 3", "begins with the next block", "runs now"]);
    for path in ["/proposals", "/houses"] {
        has(&ledger.page(path), &["href=\"/revisions\""]);
    }
}

#[test]
fn what_votes_schedule_is_shown_with_its_proposal_and_what_the_node_knows() {
    let ledger = houses();
    let height = ledger.node.head().number + 30_000;
    let known = execution::MODULES.newest();
    let schedule = Revisions::scheduleCall { revision: known + 1, height }.abi_encode();
    let calls: [(Address, Bytes); 1] = [(REVISIONS, schedule.into())];
    let description = "New rules";
    let id = propose(&ledger, &calls, description);
    pass(&ledger, DAY + 60);
    for voter in [ALICE, BOB] {
        ledger.do_(voter, GOVERNOR, &GovernorCore::castVoteCall { proposalId: id, support: 1 });
    }
    pass(&ledger, 8 * DAY);
    let parts = || {
        let (target, data) = calls[0].clone();
        (vec![target], vec![U256::ZERO], vec![data], keccak256(description))
    };
    let (targets, values, calldatas, hash) = parts();
    let queue = GovernorCore::queueCall { targets, values, calldatas, descriptionHash: hash };
    ledger.do_(BOB, GOVERNOR, &queue);
    pass(&ledger, 17 * DAY);
    let (targets, values, calldatas, hash) = parts();
    let execute = GovernorCore::executeCall { targets, values, calldatas, descriptionHash: hash };
    ledger.do_(BOB, GOVERNOR, &execute);

    let raw = ledger.page("/revisions");
    let page = words(&raw);
    let next = ledger.node.head().number + 1;
    has(&page, &[&format!("{}{height}begins in {} blocksproposal 1", known + 1, height - next)]);
    has(&page, &["no: a newer program must be installed"]);
    has(&page, &[&format!("It stops before block {height}, where revision {} begins", known + 1)]);
    has(&page, &[&format!("revision {} begins at block {height}", known + 1)]);
    assert_eq!(raw.matches("href=\"/proposal/1\"").count(), 2);

    let rich = Amendment::Balance(whole(1, 18));
    ledger.node.development().unwrap().amend(GOVERNOR, rich).unwrap();
    ledger.do_(
        GOVERNOR,
        REVISIONS,
        &Revisions::rescheduleCall { revision: known + 1, height: height + 9 },
    );
    let page = said(&ledger, "/revisions");
    has(&page, &[&format!("moves from block {height} to {}", height + 9)]);
    ledger.do_(GOVERNOR, REVISIONS, &Revisions::cancelCall { revision: known + 1 });
    let page = said(&ledger, "/revisions");
    has(&page, &[&format!("is taken off; it was to begin at block {}", height + 9)]);
    assert!(!page.contains("It stops before"), "{page}");
}
