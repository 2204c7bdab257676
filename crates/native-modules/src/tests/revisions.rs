//! `Revisions`: only the Governor changes the schedule, and the module does what the rule says.

use abi::{GOVERNOR, REVISIONS, Revisions};
use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolError, SolEvent};
use governance::revisions::{Activation, NOTICE_BLOCKS, ScheduleError, VOTED_MAX, Voted, band};
use native_kit::{Failure, test_host::TestHost};
use proptest::prelude::*;

use crate::{TABLE, revisions};

const ALICE: Address = Address::repeat_byte(0xa1);
const FOUNDING: (u32, u64) = (4, 90);

fn host() -> TestHost {
    let mut host = TestHost::new(TABLE);
    host.founding = FOUNDING;
    host
}

fn vote(host: &mut TestHost, caller: Address, call: &impl SolCall) -> Result<(), Failure> {
    host.transact(REVISIONS, caller, 0, &call.abi_encode()).map(|output| assert!(output.is_empty()))
}

fn ask<C: SolCall>(host: &mut TestHost, call: &C) -> C::Return {
    C::abi_decode_returns(&host.read(REVISIONS, &call.abi_encode()).unwrap()).unwrap()
}

fn refused(error: &impl SolError) -> Result<(), Failure> {
    Err(Failure::revert(error))
}

/// What the module's view says, what an executor reads of its storage, and the words that are not zero.
fn shown(host: &mut TestHost) -> (Vec<(u32, u64)>, usize) {
    let all = ask(host, &Revisions::allCall {});
    let all: Vec<_> = all.iter().map(|entry| (entry.revision, entry.height)).collect();
    let read = |slot| Ok::<_, ()>(host.slot(REVISIONS, slot));
    assert_eq!(revisions::scheduled(read).unwrap(), all);
    let state = host.state();
    let words = state.slots.iter().filter(|((at, _), word)| *at == REVISIONS && !word.is_zero());
    (all, words.count())
}

#[test]
fn only_the_governor_changes_the_schedule() {
    let mut host = host();
    host.revision = 4;
    let (least, most) = band(host.height);
    let reply = ask(&mut host, &Revisions::bandCall {});
    assert_eq!((reply.least, reply.most), (least, most));
    let founding = ask(&mut host, &Revisions::foundingCall {});
    assert_eq!((founding.revision, founding.height), FOUNDING);
    assert_eq!(ask(&mut host, &Revisions::currentCall {}), 4);
    let schedule = Revisions::scheduleCall { revision: 5, height: least };
    let reschedule = Revisions::rescheduleCall { revision: 5, height: most };
    let cancel = Revisions::cancelCall { revision: 5 };
    let stranger = refused(&Revisions::NotGovernor { caller: ALICE });
    assert_eq!(vote(&mut host, ALICE, &schedule), stranger);
    vote(&mut host, GOVERNOR, &schedule).unwrap();
    let scheduled = Revisions::Scheduled { revision: 5, height: least };
    check_log(&host, &scheduled);
    assert_eq!(vote(&mut host, ALICE, &reschedule), stranger);
    assert_eq!(vote(&mut host, ALICE, &cancel), stranger);
    assert_eq!(shown(&mut host), (vec![(5, least)], 2));
    vote(&mut host, GOVERNOR, &reschedule).unwrap();
    check_log(&host, &Revisions::Rescheduled { revision: 5, before: least, height: most });
    assert_eq!(shown(&mut host), (vec![(5, most)], 2));
    vote(&mut host, GOVERNOR, &cancel).unwrap();
    check_log(&host, &Revisions::Canceled { revision: 5, height: most });
    assert_eq!(shown(&mut host), (Vec::new(), 0), "nothing is left behind");
}

fn check_log(host: &TestHost, event: &impl SolEvent) {
    let (at, topics, data) = host.last_log().unwrap();
    let log = event.encode_log_data();
    assert_eq!((*at, topics.as_slice(), data), (REVISIONS, log.topics(), &log.data));
}

#[test]
fn a_refusal_says_what_is_allowed_and_the_storage_is_read_within_a_bound() {
    let mut host = host();
    let (least, most) = band(host.height);
    let soon = Revisions::scheduleCall { revision: 5, height: least - 1 };
    let error = refused(&Revisions::HeightOutOfBand { height: least - 1, least, most });
    assert_eq!(vote(&mut host, GOVERNOR, &soon), error);
    let old = Revisions::scheduleCall { revision: 4, height: least };
    let (other_revision, other_height) = FOUNDING;
    let error = refused(&Revisions::NotRising {
        revision: 4,
        height: least,
        otherRevision: other_revision,
        otherHeight: other_height,
    });
    assert_eq!(vote(&mut host, GOVERNOR, &old), error);
    let absent = Revisions::cancelCall { revision: 9 };
    let error = refused(&Revisions::NotScheduled { revision: 9 });
    assert_eq!(vote(&mut host, GOVERNOR, &absent), error);
    for index in 0..8 {
        let height = least + u64::from(index);
        vote(&mut host, GOVERNOR, &Revisions::scheduleCall { revision: 5 + index, height })
            .unwrap();
    }
    let ninth = Revisions::scheduleCall { revision: 20, height: most };
    assert_eq!(vote(&mut host, GOVERNOR, &ninth), refused(&Revisions::ScheduleFull { count: 8 }));
    host.height = least;
    let begun = Revisions::cancelCall { revision: 5 };
    let error = refused(&Revisions::AlreadyBegun { revision: 5, height: least });
    assert_eq!(vote(&mut host, GOVERNOR, &begun), error);
    // Whatever is in the storage, as on a development ledger: the list is short.
    let mut reads = 0;
    let read = |_| {
        reads += 1;
        Ok::<_, ()>(U256::MAX)
    };
    assert_eq!(revisions::scheduled(read).unwrap(), vec![(u32::MAX, u64::MAX); VOTED_MAX]);
    assert_eq!(reads, VOTED_MAX + 1);
}

/// 0 schedules, 1 moves, 2 cancels, 3 waits, 4 goes back to the state before the last wait.
type Step = (u8, u32, u64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let distance = prop_oneof![0_u64..3, (NOTICE_BLOCKS - 1)..3 * NOTICE_BLOCKS];
    prop::collection::vec((0_u8..5, 3_u32..12, distance), 1..60)
}

proptest! {
    #[test]
    fn votes_do_what_the_rule_says(steps in steps()) {
        let founding = Activation { revision: FOUNDING.0, height: FOUNDING.1 };
        let (mut host, mut rule) = (host(), Voted::new(founding, Vec::new()).unwrap());
        let mut before_wait = (host.clone(), rule.clone());
        for (kind, revision, distance) in steps {
            let now = host.height;
            let height = now + distance;
            let given = Activation { revision, height };
            let (done, expected): (_, Result<(), ScheduleError>) = match kind {
                0 => (
                    vote(&mut host, GOVERNOR, &Revisions::scheduleCall { revision, height }),
                    rule.schedule(now, given),
                ),
                1 => (
                    vote(&mut host, GOVERNOR, &Revisions::rescheduleCall { revision, height }),
                    rule.reschedule(now, given).map(|_| ()),
                ),
                2 => (
                    vote(&mut host, GOVERNOR, &Revisions::cancelCall { revision }),
                    rule.cancel(now, revision).map(|_| ()),
                ),
                3 => {
                    before_wait = (host.clone(), rule.clone());
                    host.height = height;
                    continue;
                }
                _ => {
                    (host, rule) = before_wait.clone();
                    (Ok(()), Ok(()))
                }
            };
            prop_assert_eq!(done.is_ok(), expected.is_ok(), "{:?} {:?}", given, expected);
            let entries: Vec<_> =
                rule.entries().iter().map(|entry| (entry.revision, entry.height)).collect();
            let words = entries.len() + usize::from(!entries.is_empty());
            prop_assert_eq!(shown(&mut host), (entries, words));
        }
    }
}
