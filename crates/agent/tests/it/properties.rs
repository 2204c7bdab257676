//! The policy in worlds that do what they want. `PROPTEST_CASES` says how many: each is about a thousand steps.

use std::sync::atomic::{AtomicU64, Ordering};

use agent::{Activity, Decision, Limits, Policy, Sensor, Why, limits};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sensors::Milliseconds;
use units::Wei;

use crate::world::{Fault, Happening, World};

fn sensor() -> impl Strategy<Value = Sensor> {
    proptest::sample::select(Sensor::ALL.to_vec())
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Blind)),
        1 => Just(Some(Fault::Stuck)),
        1 => (1_u64..20_000).prop_map(|age| Some(Fault::Late(age))),
        1 => Just(Some(Fault::Ahead)),
        1 => Just(Some(Fault::Absurd)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1_u16..60).prop_map(Happening::Quiet),
        2 => prop_oneof![0_u64..10, 10_u64..5_001, 5_001_u64..100_000_000].prop_map(Happening::After),
        1 => prop_oneof![1_u64..100, 100_u64..100_000_000].prop_map(Happening::Backwards),
        2 => prop_oneof![0_u64..100, 100_u64..300_000].prop_map(Happening::Input),
        3 => (sensor(), fault()).prop_map(|(sensor, fault)| Happening::Fault(sensor, fault)),
        3 => (any::<u8>(), any::<u8>()).prop_map(|(part, share)| Happening::Change(part, share)),
    ]
}

/// Mostly a calm machine: after each few happenings everything is well again, and a while passes.
fn story() -> impl Strategy<Value = Vec<Vec<Happening>>> {
    proptest::collection::vec(proptest::collection::vec(happening(), 0..6), 1..16)
}

prop_compose! {
    fn some_limits()(
        gentle in 10_u32..60,
        more in 0_u32..60,
        settle in 5_u32..40,
        flags in any::<[bool; 8]>(),
        numbers in any::<[u8; 12]>(),
        missing in proptest::collection::btree_set(sensor(), 0..3),
    ) -> Limits {
        let mut limits = Limits::default();
        let number = |index: usize| u32::from(numbers[index]);
        limits.idle.gentle_after_seconds = gentle;
        limits.idle.full_after_seconds = gentle + more;
        limits.idle.settle_seconds = settle;
        limits.idle.linger = flags[0];
        limits.idle.release_after_minutes = 1 + number(0) % 5;
        if flags[1] {
            limits.hours.monday = "00:00-09:00, 20:00-03:00".parse().unwrap();
            limits.hours.thursday = "never".parse().unwrap();
        }
        limits.hours.only_off_peak = flags[2] && flags[3];
        limits.hours.off_peak = "21:00-06:30".parse().unwrap();
        limits.machine.cores_percent = 1 + numbers[1] % 100;
        limits.machine.gentle_cores_percent = 1 + numbers[2] % limits.machine.cores_percent;
        limits.machine.memory_mib = 256 + number(3) * 16;
        limits.machine.memory_left_mib = 128 + number(4) * 16;
        limits.machine.disk_left_mib = 64 + number(5) * 16;
        limits.machine.others_percent_max = 1 + number(6);
        limits.machine.wait_percent_max = 1 + numbers[7] % 100;
        limits.power.celsius_max = 30 + numbers[8] % 81;
        limits.power.watts_max = if flags[4] { number(9) } else { 0 };
        limits.power.on_battery = flags[5];
        limits.power.battery_percent_min = numbers[10] % 101;
        limits.network.on_metered = flags[6];
        if flags[7] {
            limits.programs.exclusive.insert("game".to_owned());
        }
        limits.earning.floor_per_hour = limits::Grain(Wei::new(u128::from(number(11)) * 8));
        limits.energy.carbon_grams_max = if flags[3] { number(9) * 2 } else { 0 };
        limits.sensors.may_be_missing = missing;
        limits.check().unwrap();
        limits
    }
}

/// A policy, and what an onlooker remembers of it.
struct Watched {
    policy: Policy,
    /// The sets of limits that have to be kept.
    kept: Vec<Limits>,
    before: Option<Decision>,
}

impl Watched {
    fn new(limits: Limits, kept: Vec<Limits>) -> Self {
        Self { policy: Policy::new(limits), kept, before: None }
    }

    fn step(&mut self, world: &World, unseen: u64) -> Result<Decision, TestCaseError> {
        let decision =
            self.policy.step(Milliseconds(world.now), &world.readings(), &world.situation());
        for limits in &self.kept {
            is_within(limits, world, unseen, &decision)?;
        }
        let settle_ms = u64::from(self.policy.limits().idle.settle_seconds) * 1_000;
        let activity = decision.activity;
        if let Some(before) = &self.before {
            if before.activity < activity {
                let calm = world.now.checked_sub(before.since.0);
                prop_assert!(calm.is_some_and(|calm| settle_ms <= calm), "it flaps: {decision:?}");
                let is_next = matches!(
                    (before.activity, activity),
                    (Activity::Gentle, Activity::Full) | (_, Activity::Gentle)
                );
                prop_assert!(is_next, "it leaps from {:?} to {activity:?}", before.activity);
            }
            let is_dated = decision.since == before.since || world.now < before.at.0;
            prop_assert!(activity != before.activity || is_dated);
        } else {
            prop_assert!(activity <= Activity::Released);
        }
        explains(&decision)?;
        self.before = Some(decision.clone());
        Ok(decision)
    }
}

/// Nothing runs that the owner does not want.
fn is_within(
    limits: &Limits,
    world: &World,
    unseen: u64,
    decision: &Decision,
) -> Result<(), TestCaseError> {
    let allowance = &decision.allowance;
    prop_assert!(allowance.cores_percent <= limits.machine.cores_percent);
    prop_assert!(allowance.memory_mib <= limits.machine.memory_mib);
    prop_assert!(allowance.upload_kib_per_second <= limits.network.upload_kib_per_second);
    if decision.activity < Activity::Gentle {
        prop_assert_eq!((allowance.cores_percent, allowance.upload_kib_per_second), (0, 0));
        if decision.activity < Activity::Frozen {
            prop_assert_eq!(allowance.memory_mib, 0);
        }
        return Ok(());
    }
    let broken = world.forbids(limits);
    prop_assert!(broken.is_none(), "it runs against {broken:?}: {decision:?}");
    // An owner who says that input need not be seen is not waited for where nothing sees it.
    let may_lack = world.may_lack(Sensor::Input, limits);
    let input = if may_lack { world.input_seen } else { world.input };
    let idle_ms = world.now - input.max(unseen).min(world.now);
    let idle = &limits.idle;
    let is_idle = |seconds: u32| u64::from(seconds) * 1_000 <= idle_ms;
    prop_assert!(idle.linger || is_idle(idle.gentle_after_seconds), "in use for {idle_ms} ms");
    if decision.activity == Activity::Full {
        prop_assert!(is_idle(idle.full_after_seconds), "in use for {idle_ms} ms: {decision:?}");
    } else {
        let gentle = limits.machine.gentle_cores_percent;
        prop_assert!(allowance.cores_percent <= gentle);
    }
    Ok(())
}

/// Less than full has a reason, and every reason says what would change it.
fn explains(decision: &Decision) -> Result<(), TestCaseError> {
    prop_assert_eq!(decision.reasons.is_empty(), decision.activity == Activity::Full);
    for reason in &decision.reasons {
        prop_assert!(reason.allows < Activity::Full && !reason.text.is_empty());
        prop_assert!(!reason.change.is_empty(), "{:?}", reason);
        prop_assert!(reason.since <= decision.at);
    }
    prop_assert!(decision.reasons.is_sorted_by_key(|reason| reason.allows));
    Ok(())
}

/// The most that the reasons allow which hold whatever was before.
fn ceiling(decision: &Decision) -> Activity {
    let lasts = |why: &Why| !matches!(why, Why::Settling { .. } | Why::MemoryShort { .. });
    let reasons = decision.reasons.iter().filter(|reason| lasts(&reason.why));
    reasons.map(|reason| reason.allows).min().unwrap_or(Activity::Full)
}

/// What was seen of the whole run, so that a test that saw nothing fails.
#[derive(Default)]
struct Tally {
    steps: AtomicU64,
    full: AtomicU64,
    gentle: AtomicU64,
}

fn play(
    own: &Limits,
    account: &Limits,
    story: &[Vec<Happening>],
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let mut world = World::new(200_000_000);
    let both = own.tightened_by(account);
    prop_assert!(both.check().is_ok());
    let mut loose = Watched::new(own.clone(), vec![own.clone()]);
    let mut tight = Watched::new(both.clone(), vec![own.clone(), account.clone(), both]);
    let mut unseen = 0;
    let mut stepped: Option<u64> = None;
    for happening in story.iter().flat_map(|chapter| {
        let rest = [Happening::Change(0, 0), Happening::Quiet(90)];
        chapter.iter().cloned().chain(rest)
    }) {
        let steps = match happening {
            Happening::Quiet(steps) => steps,
            _ => 1,
        };
        let mut is_backwards = false;
        match happening {
            Happening::Quiet(90) => world = calm(&world),
            Happening::Quiet(_) => {}
            Happening::After(wait) => world.now += wait,
            Happening::Backwards(by) => {
                world.now = world.now.saturating_sub(by).max(1);
                is_backwards = stepped.is_some_and(|before| world.now < before);
            }
            Happening::Input(ago) => world.input = world.input.max(world.now.saturating_sub(ago)),
            Happening::Fault(sensor, fault) => world.fault(sensor, fault),
            Happening::Change(part, share) => world.change(part, share),
        }
        if is_backwards {
            world.forget();
            unseen = world.now;
        }
        for _ in 0..steps {
            if 1 < steps {
                world.now += 1_000;
            }
            world.look();
            let may_lack = world.may_lack(Sensor::Input, own);
            if is_gap(stepped, world.now) || !world.is_sound(Sensor::Input) && !may_lack {
                unseen = world.now;
            }
            stepped = Some(world.now);
            let decision = loose.step(&world, unseen)?;
            let tightened = tight.step(&world, unseen)?;
            prop_assert!(ceiling(&tightened) <= ceiling(&decision), "{tightened:?} {decision:?}");
            world.said();
            tally.steps.fetch_add(2, Ordering::Relaxed);
            match decision.activity {
                Activity::Full => tally.full.fetch_add(1, Ordering::Relaxed),
                Activity::Gentle => tally.gentle.fetch_add(1, Ordering::Relaxed),
                _ => 0,
            };
        }
    }
    Ok(())
}

fn is_gap(before: Option<u64>, now: u64) -> bool {
    before.is_some_and(|before| before + 5_000 < now)
}

/// The same machine, well again.
fn calm(world: &World) -> World {
    let mut calm = world.clone();
    calm.state = World::new(world.now).state;
    calm.state.throttle_count = world.state.throttle_count;
    for sensor in Sensor::ALL {
        calm.fault(sensor, None);
    }
    calm
}

#[test]
fn the_owner_comes_first_in_every_world() {
    let tally = Tally::default();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let stories = (some_limits(), some_limits(), story());
    runner.run(&stories, |(own, account, story)| play(&own, &account, &story, &tally)).unwrap();
    let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (steps, full, gentle) = (count(&tally.steps), count(&tally.full), count(&tally.gentle));
    eprintln!(
        "{steps} steps, of those without an account's policy {full} at full and {gentle} gentle"
    );
    assert!(steps / 50 < full && steps / 50 < gentle, "it hardly ever ran: the test shows nothing");
}

#[test]
fn tightening_is_the_same_from_both_sides_and_has_an_end() {
    proptest!(|(own in some_limits(), account in some_limits())| {
        let both = own.tightened_by(&account);
        prop_assert_eq!(&both.tightened_by(&account), &both);
        prop_assert_eq!(&both.tightened_by(&own), &both);
        prop_assert_eq!(&own.tightened_by(&own), &own);
        let limit = |limits: &Limits| (limits.machine.clone(), limits.power.clone(), limits.network.clone());
        prop_assert_eq!(limit(&account.tightened_by(&own)), limit(&both));
        for minute in 0..limits::WEEK_MINUTES {
            let is_open = own.hours.is_open(minute) && account.hours.is_open(minute);
            prop_assert_eq!(both.hours.is_open(minute), is_open, "{}", minute);
        }
    });
}
