use sensors::{
    Call, Heat, Input, Load, Memory, Milliseconds, Network, Power, Reading, Readings, Seen,
    WallTime,
};

use super::*;

const MIB: u64 = 1 << 20;

fn seen<T>(now: u64, value: T) -> Reading<T> {
    Reading { seen: Seen::Known(value), source: "test".to_owned(), at: Milliseconds(now) }
}

/// Readings of a machine that nobody has used since the beginning.
fn quiet(now: u64) -> Readings {
    let load = Load { cores_permille: 0, cpu_wait_bps: 0, memory_wait_bps: 0, io_wait_bps: 0 };
    let heat = Heat { highest_millicelsius: 40_000, sensor: "package".into(), throttle_count: 0 };
    Readings {
        input: seen(now, Input { last: Some(Milliseconds(0)) }),
        load: seen(now, load),
        memory: seen(now, Memory { available_bytes: 8_000 * MIB, total_bytes: 16_000 * MIB }),
        gpu: seen(now, Vec::new()),
        full_screen: seen(now, None),
        call: seen(now, Call { device: None }),
        exclusive: seen(now, Vec::new()),
        power: seen(now, Power { is_on_mains: true, battery: None }),
        heat: seen(now, heat),
        network: seen(now, Network { is_online: true, is_metered: false }),
        disk: seen(now, 50_000 * MIB),
        time: seen(now, WallTime { unix_seconds: 0, minute_of_week: 0 }),
    }
}

/// Steps once a second from `from` to `to`, in seconds, with quiet readings; returns the last decision.
fn quietly(policy: &mut Policy, from: u64, to: u64) -> Decision {
    let step = |second: u64| {
        let now = second * 1_000;
        policy.step(Milliseconds(now), &quiet(now), &Situation::unknown())
    };
    (from..=to).map(step).last().unwrap()
}

fn at_full(limits: &str) -> Policy {
    let mut policy = Policy::new(Limits::parse(limits).unwrap());
    assert_eq!(quietly(&mut policy, 1_000, 1_060).activity, Activity::Full);
    policy
}

#[test]
fn it_wakes_slowly() {
    let mut policy = Policy::new(Limits::default());
    let decision = quietly(&mut policy, 1_000, 1_029);
    assert_eq!(decision.activity, Activity::Released);
    assert_eq!(decision.reasons[0].why.key().0, "settling");
    assert_eq!(decision.reasons[0].change[0].seconds, Some(1));
    assert_eq!(quietly(&mut policy, 1_030, 1_059).activity, Activity::Gentle);
    let decision = quietly(&mut policy, 1_060, 1_060);
    assert_eq!(decision.activity, Activity::Full);
    assert_eq!(decision.reasons, []);
    assert_eq!(decision.allowance.cores_percent, 50);
}

#[test]
fn it_freezes_in_the_step_that_sees_input_and_waits_three_minutes() {
    let mut policy = at_full("");
    let mut readings = quiet(1_060_200);
    readings.input = seen(1_060_200, Input { last: Some(Milliseconds(1_060_190)) });
    let decision = policy.step(Milliseconds(1_060_200), &readings, &Situation::unknown());
    assert_eq!(decision.activity, Activity::Frozen);
    assert_eq!(decision.allowance.cores_percent, 0);
    let reason = &decision.reasons[0];
    assert_eq!(
        reason.why,
        Why::InUse { idle_milliseconds: 10, needed_seconds: 120, is_gentle: false }
    );
    assert_eq!(reason.since, Milliseconds(1_060_200));
    assert_eq!(reason.change[0].seconds, Some(120));
    assert_eq!(reason.change[2].setting.as_deref(), Some("idle.linger = true"));
    // The sensor forgets: the policy does not.
    assert_eq!(quietly(&mut policy, 1_061, 1_180).activity, Activity::Frozen);
    assert_eq!(quietly(&mut policy, 1_181, 1_240).activity, Activity::Gentle);
    assert_eq!(quietly(&mut policy, 1_241, 1_241).activity, Activity::Full);
}

/// Checks that with `limits`, a machine at full that reads `change` goes to `expected` at once, for the reason `kind`.
fn check(limits: &str, expected: Activity, kind: &str, change: impl Fn(&mut Readings)) {
    let mut policy = at_full(limits);
    let mut readings = quiet(1_060_500);
    change(&mut readings);
    let decision = policy.step(Milliseconds(1_060_500), &readings, &Situation::unknown());
    let kinds: Vec<&str> = decision.reasons.iter().map(|reason| reason.why.key().0).collect();
    assert_eq!(decision.activity, expected, "{kind}: {kinds:?}");
    assert_eq!(kinds, [kind]);
    let reason = &decision.reasons[0];
    let document = serde_json::to_value(reason).unwrap();
    assert_eq!(document["evidence"]["kind"], kind);
    assert!(!reason.text.is_empty() && !reason.change.is_empty(), "{document}");
    assert_eq!(serde_json::from_value::<Reason>(document).unwrap(), *reason);
    // It is gone: nothing moves before everything was calm for half a minute, unless nothing stood still.
    let after = quietly(&mut policy, 1_061, 1_089);
    assert_eq!(after.activity, expected, "{kind}");
}

#[test]
fn each_reading_has_its_effect() {
    use Activity::{Frozen, Gentle, Released};
    type Edit = fn(&mut Readings);
    let cases: [(&str, Activity, &str, Edit); 21] = [
        ("", Gentle, "others_load", |now| load(now).cores_permille = 300),
        ("", Frozen, "others_load", |now| load(now).cores_permille = 501),
        ("", Frozen, "others_wait", |now| load(now).cpu_wait_bps = 2_001),
        ("", Frozen, "others_wait", |now| load(now).io_wait_bps = 10_000),
        ("", Released, "others_wait", |now| load(now).memory_wait_bps = 2_001),
        ("", Frozen, "contradiction", |now| load(now).io_wait_bps = 10_001),
        ("", Frozen, "gpu_in_use", |now| now.gpu.seen = Seen::Known(vec!["blender".into()])),
        ("", Frozen, "full_screen", |now| now.full_screen.seen = Seen::Known(Some("mpv".into()))),
        ("", Frozen, "in_call", |now| {
            now.call.seen = Seen::Known(Call { device: Some("video0".into()) });
        }),
        ("programs.exclusive = [\"game\"]", Frozen, "exclusive_runs", |now| {
            now.exclusive.seen = Seen::Known(vec!["game".into()]);
        }),
        ("", Frozen, "on_battery", |now| on_battery(now, 90)),
        ("power.on_battery = true", Frozen, "battery_low", |now| on_battery(now, 49)),
        ("power.on_battery = true", Frozen, "contradiction", |now| on_battery(now, 101)),
        ("", Gentle, "hot", |now| heat(now).highest_millicelsius = 70_000),
        ("", Frozen, "hot", |now| heat(now).highest_millicelsius = 75_000),
        ("", Frozen, "contradiction", |now| heat(now).highest_millicelsius = 200_000),
        ("", Gentle, "throttled", |now| heat(now).throttle_count = 1),
        ("", Released, "memory_short", |now| {
            now.memory.seen =
                Seen::Known(Memory { available_bytes: 1_000 * MIB, total_bytes: 16_000 * MIB });
        }),
        ("", Released, "disk_short", |now| now.disk.seen = Seen::Known(5_000 * MIB)),
        ("", Frozen, "metered", |now| {
            now.network.seen = Seen::Known(Network { is_online: true, is_metered: true });
        }),
        ("", Frozen, "unknown", |now| now.call.seen = Seen::Unknown("no right".into())),
    ];
    for (limits, expected, kind, change) in cases {
        check(limits, expected, kind, change);
    }
    check("", Activity::Frozen, "contradiction", |now| now.disk.at = Milliseconds(1_060_501));
    check("", Activity::Frozen, "contradiction", |now| now.disk.at = Milliseconds(1_059_999));
}

#[test]
fn a_sensor_that_stops_answering_counts_as_use() {
    let mut policy = at_full("");
    let mut step = |now: u64| {
        let mut readings = quiet(now);
        readings.call.at = Milliseconds(1_060_000);
        policy.step(Milliseconds(now), &readings, &Situation::unknown())
    };
    for now in [1_061_000, 1_063_000, 1_066_000] {
        assert_eq!(step(now).activity, Activity::Full);
    }
    let decision = step(1_066_001);
    assert_eq!(decision.activity, Activity::Frozen);
    assert_eq!(
        decision.reasons[0].why,
        Why::Stale { sensor: Sensor::Call, age_milliseconds: 6_001 }
    );
}

fn load(readings: &mut Readings) -> &mut Load {
    known(&mut readings.load)
}

fn heat(readings: &mut Readings) -> &mut Heat {
    known(&mut readings.heat)
}

fn known<T>(reading: &mut Reading<T>) -> &mut T {
    match &mut reading.seen {
        Seen::Known(value) => value,
        Seen::Unknown(why) => panic!("{why}"),
    }
}

fn on_battery(readings: &mut Readings, percent: u8) {
    let battery = sensors::Battery { percent, discharge_milliwatts: 9_000 };
    readings.power.seen = Seen::Known(Power { is_on_mains: false, battery: Some(battery) });
}

#[test]
fn a_sensor_may_be_missing_if_the_owner_says_so() {
    let limits = "sensors.may_be_missing = [\"heat\", \"time\"]";
    let mut policy = at_full(limits);
    let mut readings = quiet(1_060_500);
    readings.heat.seen = Seen::Unknown("no sensor".into());
    let decision = policy.step(Milliseconds(1_060_500), &readings, &Situation::unknown());
    assert_eq!(decision.activity, Activity::Full);
    // Hours need a clock, whoever misses it.
    policy.set_limits(
        Limits::parse(&format!("{limits}\n[hours]\nmonday = \"00:00-12:00\"")).unwrap(),
    );
    readings.time.seen = Seen::Unknown("no clock".into());
    let decision = policy.step(Milliseconds(1_060_600), &readings, &Situation::unknown());
    assert_eq!(decision.activity, Activity::Frozen);
    assert_eq!(decision.reasons[0].text, "your hours allow no work");
}

#[test]
fn hours_open_when_they_say() {
    let mut policy = at_full("");
    policy.set_limits(Limits::parse("[hours]\nmonday = \"06:00-07:00\"").unwrap());
    let decision = quietly(&mut policy, 1_061, 1_061);
    assert_eq!(decision.activity, Activity::Frozen);
    assert_eq!(decision.reasons[0].change[0].seconds, Some(6 * 3_600));
}

#[test]
fn memory_goes_back_after_ten_minutes_frozen() {
    let mut policy = at_full("");
    let mut situation = Situation::unknown();
    situation.pause = Some(Pause { until: None, at: Milliseconds(1_060_000) });
    let mut step = |second: u64| {
        let now = second * 1_000;
        policy.step(Milliseconds(now), &quiet(now), &situation)
    };
    for second in 1_061..1_661 {
        assert_eq!(step(second).activity, Activity::Frozen, "{second}");
    }
    let decision = step(1_661);
    assert_eq!(decision.activity, Activity::Released);
    assert_eq!(decision.allowance.memory_mib, 0);
    assert!(decision.note.unwrap().contains("10 minutes"));
    assert_eq!(decision.reasons[0].change[0].text, "gleaner resume");
    assert_eq!(decision.reasons[0].since, Milliseconds(1_061_000));
    // Resumed, it settles, and starts again; but not on a machine without room for it.
    let mut short = quiet(1_662_000);
    short.memory.seen =
        Seen::Known(Memory { available_bytes: 3_000 * MIB, total_bytes: 16_000 * MIB });
    let decision = policy.step(Milliseconds(1_662_000), &short, &Situation::unknown());
    assert!(matches!(decision.reasons[0].why, Why::MemoryShort { needed_mib: 3_072, .. }));
    assert_eq!(quietly(&mut policy, 1_663, 1_692).activity, Activity::Gentle);
}

#[test]
fn a_suspension_counts_as_use() {
    let mut policy = at_full("");
    let decision = quietly(&mut policy, 1_066, 1_066);
    assert_eq!(decision.activity, Activity::Frozen);
    assert_eq!(decision.reasons[0].why, Why::Unwatched { seconds: 6 });
    assert_eq!(decision.reasons[1].why.key().0, "in_use");
    assert_eq!(quietly(&mut policy, 1_067, 1_185).activity, Activity::Frozen);
    assert_eq!(quietly(&mut policy, 1_186, 1_186).activity, Activity::Gentle);
}

#[test]
fn a_clock_that_runs_backwards_counts_as_use() {
    let mut policy = at_full("");
    let decision = quietly(&mut policy, 10, 10);
    assert_eq!(decision.activity, Activity::Frozen);
    assert!(decision.reasons.iter().any(|reason| reason.why.key().0 == "clock_backwards"));
    assert_eq!(quietly(&mut policy, 11, 129).activity, Activity::Frozen);
    assert_eq!(quietly(&mut policy, 130, 130).activity, Activity::Gentle);
}

#[test]
fn a_blind_moment_is_a_moment_of_use() {
    let mut policy = at_full("");
    let mut readings = quiet(1_061_000);
    readings.input.seen = Seen::Unknown("the display is gone".into());
    policy.step(Milliseconds(1_061_000), &readings, &Situation::unknown());
    assert_eq!(quietly(&mut policy, 1_062, 1_180).activity, Activity::Frozen);
    assert_eq!(quietly(&mut policy, 1_181, 1_181).activity, Activity::Gentle);
}

#[test]
fn lingering_is_gentle_and_ends_with_everything_else() {
    let mut policy = at_full("idle.linger = true");
    let mut readings = quiet(1_060_500);
    readings.input = seen(1_060_500, Input { last: Some(Milliseconds(1_060_400)) });
    let decision = policy.step(Milliseconds(1_060_500), &readings, &Situation::unknown());
    assert_eq!((decision.activity, decision.allowance.cores_percent), (Activity::Gentle, 10));
    readings.call.seen = Seen::Known(Call { device: Some("audio".into()) });
    let decision = policy.step(Milliseconds(1_060_600), &readings, &Situation::unknown());
    assert_eq!(decision.activity, Activity::Frozen);
    assert_eq!(decision.reasons.len(), 2);
}

#[test]
fn price_energy_and_carbon_hold_work_back() {
    let limits = "[earning]\nfloor_per_hour = \"2\"\n[energy]\ncarbon_grams_max = 300\n[power]\nwatts_max = 100";
    let limits = Limits::parse(limits).unwrap();
    let mut policy = Policy::new(limits.clone());
    let now = 1_000_000;
    let offer = Offer {
        project: "project 3".into(),
        per_hour: Wei::new(1),
        gross_per_hour: Some(Money(5)),
        energy_per_hour: Some(Money(6)),
        is_finishing: false,
    };
    let mut situation = Situation { offer: Some(offer), ..Situation::unknown() };
    let kinds = |decision: &Decision| {
        let kinds = decision
            .reasons
            .iter()
            .map(|reason| reason.why.key().0.to_owned() + reason.why.key().1);
        kinds.collect::<Vec<_>>()
    };
    let decision = policy.step(Milliseconds(now), &quiet(now), &situation);
    assert_eq!(kinds(&decision), ["unknownwatts", "below_floor", "at_a_loss", "unknowncarbon"]);
    situation.milliwatts = Some(seen(now, 100_001));
    situation.carbon_grams = Some(seen(now, 301));
    let decision = policy.step(Milliseconds(now), &quiet(now), &situation);
    assert_eq!(kinds(&decision), ["too_much_power", "below_floor", "at_a_loss", "carbon"]);
    for reason in &decision.reasons {
        assert!(!reason.text.is_empty() && reason.allows == Activity::Frozen, "{reason:?}");
    }
    // A round that was begun when it paid may be finished, and the owner is told.
    situation.offer = situation.offer.map(|offer| Offer { is_finishing: true, ..offer });
    let decision = policy.step(Milliseconds(now), &quiet(now), &situation);
    for (kind, words) in [("below_floor", "given up after"), ("at_a_loss", "stops after this")] {
        let reason = decision.reasons.iter().find(|reason| reason.why.key().0 == kind).unwrap();
        assert_eq!(reason.allows, Activity::Full);
        assert!(reason.text.contains(words), "{reason:?}");
    }
    situation.milliwatts = Some(seen(now, 100_000));
    situation.carbon_grams = Some(seen(now, 300));
    situation.offer = None;
    let decision = policy.step(Milliseconds(now), &quiet(now), &situation);
    assert_eq!(decision.reasons[1].allows, Activity::Gentle);
}

#[test]
fn who_ends_it_ends_the_worker_at_once() {
    let mut policy = at_full("");
    let mut situation = Situation { is_stopping: true, ..Situation::unknown() };
    let decision = policy.step(Milliseconds(1_060_100), &quiet(1_060_100), &situation);
    assert_eq!(decision.activity, Activity::Exited);
    assert_eq!(decision.text(), "ended: the agent was told to end");
    situation.is_stopping = false;
    situation.revoked = Some("stolen".into());
    let decision = policy.step(Milliseconds(1_060_200), &quiet(1_060_200), &situation);
    assert!(decision.text().contains("stolen"));
    situation.revoked = None;
    situation.worker = Worker::Failed { text: "no ledger".into(), until: Milliseconds(1_070_000) };
    let decision = policy.step(Milliseconds(1_060_300), &quiet(1_060_300), &situation);
    assert!(decision.text().contains("no ledger"));
    assert_eq!(decision.activity, Activity::Exited);
}

#[test]
fn names_of_sensors_are_those_of_documents() {
    for (index, sensor) in Sensor::ALL.into_iter().enumerate() {
        assert_eq!(serde_json::to_value(sensor).unwrap(), sensor.name());
        assert_eq!(sensor.index(), index);
    }
}
