//! The schedule of rules.

use governance::revisions::*;
use proptest::prelude::*;

const FOUNDING: Activation = Activation { revision: 4, height: 50 };

fn at(revision: u32, height: u64) -> Activation {
    Activation { revision, height }
}

fn empty() -> Voted {
    Voted::new(FOUNDING, Vec::new()).unwrap()
}

#[test]
fn an_entry_begins_after_its_notice_and_above_those_before() {
    let mut voted = empty();
    let (least, most) = band(100);
    assert_eq!((least, most), (100 + NOTICE_BLOCKS, 100 + HORIZON_BLOCKS));
    for height in [0, 100, 101, least - 1, most + 1, u64::MAX] {
        let given = at(5, height);
        let error = match height {
            0 => ScheduleError::NotRising { given, other: FOUNDING },
            height => ScheduleError::OutOfBand { height, least, most },
        };
        assert_eq!(voted.schedule(100, given), Err(error), "{height}");
    }
    let old = at(4, least);
    let error = ScheduleError::NotRising { given: old, other: FOUNDING };
    assert_eq!(voted.schedule(100, old), Err(error));
    assert_eq!(voted, empty());
    voted.schedule(100, at(6, least)).unwrap();
    for given in [at(5, least + 1), at(6, least + 1), at(7, least)] {
        let error = ScheduleError::NotRising { given, other: at(6, least) };
        assert_eq!(voted.schedule(100, given), Err(error));
    }
    voted.schedule(100, at(7, most)).unwrap();
    assert_eq!(voted.entries(), [at(6, least), at(7, most)]);
}

#[test]
fn the_genesis_file_goes_first_even_if_its_entries_have_not_begun() {
    let founding = at(9, 1_000_000);
    let mut voted = Voted::new(founding, Vec::new()).unwrap();
    for given in [at(8, 2_000_000), at(10, 999_999), at(10, 1_000_000)] {
        let error = ScheduleError::NotRising { given, other: founding };
        assert_eq!(voted.schedule(1, given), Err(error));
    }
    voted.schedule(1, at(10, 1_000_001)).unwrap();
    let given = at(10, 1_000_000);
    let error = ScheduleError::NotRising { given, other: founding };
    assert_eq!(voted.reschedule(1, given), Err(error));
    assert_eq!(voted.cancel(1, 9), Err(ScheduleError::NotScheduled { revision: 9 }));
}

#[test]
fn what_has_not_begun_moves_later_at_any_time_but_earlier_only_with_notice() {
    let mut voted = empty();
    voted.schedule(0, at(5, 30_000)).unwrap();
    voted.schedule(0, at(6, 60_000)).unwrap();
    assert_eq!(voted.reschedule(0, at(5, NOTICE_BLOCKS)), Ok(30_000));
    assert_eq!(voted.reschedule(0, at(5, 30_000)), Ok(NOTICE_BLOCKS));
    // One block before it begins it can still be put off, but nothing brings it forward.
    let error = ScheduleError::OutOfBand { height: 30_000, least: 30_001, most: 20_029_999 };
    assert_eq!(voted.reschedule(29_999, at(5, 30_000)), Err(error));
    assert_eq!(voted.reschedule(29_999, at(5, 30_001)), Ok(30_000));
    for height in [60_000, 60_001] {
        let given = at(5, height);
        let error = ScheduleError::NotRising { given, other: at(6, 60_000) };
        assert_eq!(voted.reschedule(29_999, given), Err(error));
    }
    let begun = ScheduleError::Begun { revision: 5, height: 30_001 };
    assert_eq!(voted.reschedule(30_001, at(5, 59_999)), Err(begun));
    assert_eq!(voted.cancel(30_001, 5), Err(begun));
    assert_eq!(voted.cancel(59_999, 6), Ok(60_000));
    assert_eq!(voted.cancel(59_999, 6), Err(ScheduleError::NotScheduled { revision: 6 }));
    assert_eq!(voted.entries(), [at(5, 30_001)]);
}

#[test]
fn there_are_few_entries_and_stored_ones_are_checked() {
    let mut voted = empty();
    let mut now = 100;
    let mut next = at(5, 100 + NOTICE_BLOCKS);
    let step = |given: Activation| at(given.revision + 1, given.height + NOTICE_BLOCKS);
    for _ in 0..WAITING_MAX {
        voted.schedule(now, next).unwrap();
        next = step(next);
    }
    assert_eq!(voted.schedule(now, next), Err(ScheduleError::Full { count: WAITING_MAX }));
    while voted.entries().len() < VOTED_MAX {
        now += NOTICE_BLOCKS;
        voted.schedule(now, next).unwrap();
        next = step(next);
    }
    now += NOTICE_BLOCKS;
    assert_eq!(voted.schedule(now, next), Err(ScheduleError::Full { count: VOTED_MAX }));
    assert_eq!(Voted::new(FOUNDING, voted.entries().to_vec()), Some(voted.clone()));
    let many = voted.entries().iter().copied().chain([next]).collect();
    assert_eq!(Voted::new(FOUNDING, many), None);
    for entries in [[at(4, 60), at(5, 70)], [at(5, 50), at(6, 70)], [at(5, 60), at(6, 60)]] {
        assert_eq!(Voted::new(FOUNDING, entries.to_vec()), None, "{entries:?}");
    }
}

/// A step of a random vote: by which revision and height, as distances from what is scheduled and from now.
#[derive(Clone, Copy, Debug)]
enum Step {
    Schedule { revision: u32, height: u64 },
    Reschedule { revision: u32, height: u64 },
    Cancel { revision: u32 },
    Wait { blocks: u64 },
    Keep,
    Revert,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let revision = 4_u32..14;
    // Near the bounds of the band, near now, and anywhere.
    let distance = prop_oneof![
        (NOTICE_BLOCKS - 2)..(NOTICE_BLOCKS + 3),
        0_u64..4,
        0_u64..4 * NOTICE_BLOCKS,
        (HORIZON_BLOCKS - 2)..(HORIZON_BLOCKS + 3),
    ];
    let blocks = prop_oneof![0_u64..3, 0_u64..2 * NOTICE_BLOCKS, Just(NOTICE_BLOCKS)];
    let step = prop_oneof![
        5 => (revision.clone(), distance.clone())
            .prop_map(|(revision, height)| Step::Schedule { revision, height }),
        3 => (revision.clone(), distance)
            .prop_map(|(revision, height)| Step::Reschedule { revision, height }),
        1 => revision.prop_map(|revision| Step::Cancel { revision }),
        3 => blocks.prop_map(|blocks| Step::Wait { blocks }),
        1 => Just(Step::Keep),
        1 => Just(Step::Revert),
    ];
    prop::collection::vec(step, 1..120)
}

/// The list that a step would make, if it may: said as a property of the result, not as the rule says it.
fn modelled(now: u64, before: &[Activation], step: Step) -> Option<Vec<Activation>> {
    let mut after = before.to_vec();
    let found = |revision| before.iter().position(|entry| entry.revision == revision);
    let notice = |height: u64| height >= now + NOTICE_BLOCKS;
    let near = |height: u64| height <= now + HORIZON_BLOCKS;
    let is_allowed = match step {
        Step::Schedule { revision, height } => {
            after.push(at(revision, now + height));
            let waiting = before.iter().filter(|entry| entry.height > now).count();
            waiting < WAITING_MAX && notice(now + height) && near(now + height)
        }
        Step::Reschedule { revision, height } => {
            let index = found(revision)?;
            let old = before[index].height;
            after[index].height = now + height;
            let is_later = now + height > old;
            old > now && (is_later || notice(now + height)) && near(now + height)
        }
        Step::Cancel { revision } => after.remove(found(revision)?).height > now,
        Step::Wait { .. } | Step::Keep | Step::Revert => true,
    };
    let all: Vec<_> = [FOUNDING].iter().chain(&after).copied().collect();
    let rises = all
        .windows(2)
        .all(|pair| pair[0].revision < pair[1].revision && pair[0].height < pair[1].height);
    (is_allowed && rises && after.len() <= VOTED_MAX).then_some(after)
}

proptest! {
    #[test]
    fn votes_do_what_the_model_says_and_never_change_what_has_begun(steps in steps()) {
        let (mut now, mut voted) = (100, empty());
        let mut kept = vec![(now, voted.clone())];
        for step in steps {
            let before = voted.clone();
            let expected = modelled(now, before.entries(), step);
            let accepted = match step {
                Step::Schedule { revision, height } => {
                    voted.schedule(now, at(revision, now + height)).is_ok()
                }
                Step::Reschedule { revision, height } => {
                    voted.reschedule(now, at(revision, now + height)).is_ok()
                }
                Step::Cancel { revision } => voted.cancel(now, revision).is_ok(),
                Step::Wait { blocks } => {
                    now += blocks;
                    true
                }
                Step::Keep => {
                    kept.push((now, voted.clone()));
                    true
                }
                Step::Revert => {
                    if let Some(earlier) = kept.pop() {
                        (now, voted) = earlier;
                    }
                    continue;
                }
            };
            prop_assert_eq!(accepted, expected.is_some(), "{:?} in block {}: {:?}", step, now, before);
            match expected {
                Some(expected) => prop_assert_eq!(voted.entries(), expected.as_slice()),
                None => prop_assert_eq!(&voted, &before, "a refused vote changes nothing"),
            }
            // What holds in this block, and held before, is what it was.
            let held = |voted: &Voted| {
                let begun = voted.entries().iter().filter(|entry| entry.height <= now);
                begun.copied().collect::<Vec<_>>()
            };
            if !matches!(step, Step::Wait { .. }) {
                prop_assert_eq!(held(&before), held(&voted));
            }
            prop_assert!(Voted::new(FOUNDING, voted.entries().to_vec()).is_some());
        }
    }
}
