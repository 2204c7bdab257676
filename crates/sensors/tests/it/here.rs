//! What sensors say of the machine that runs the test.

use sensors::{Metered, Options, Seen, Sense, Sensors};

#[test]
fn every_reading_names_its_source_and_unknown_ones_their_reason() {
    let options = Options {
        root: "/".into(),
        own_process: std::process::id(),
        disk: ".".into(),
        exclusive: vec!["it".into()],
        metered: Metered::Detect,
    };
    let readings = Sensors::new(options).read(sensors::now());
    let mut count = 0;
    let mut check = |name: &str, source: &str, reason: Option<&str>| {
        assert!(!source.is_empty(), "{name} has no source");
        assert!(reason.is_none_or(|reason| !reason.is_empty()), "{name} has no reason");
        count += 1;
    };
    fn reason<T>(seen: &Seen<T>) -> Option<&str> {
        match seen {
            Seen::Known(_) => None,
            Seen::Unknown(reason) => Some(reason),
        }
    }
    check("input", &readings.input.source, reason(&readings.input.seen));
    check("load", &readings.load.source, reason(&readings.load.seen));
    check("gpu", &readings.gpu.source, reason(&readings.gpu.seen));
    check("full screen", &readings.full_screen.source, reason(&readings.full_screen.seen));
    check("call", &readings.call.source, reason(&readings.call.seen));
    check("power", &readings.power.source, reason(&readings.power.seen));
    check("heat", &readings.heat.source, reason(&readings.heat.seen));
    check("network", &readings.network.source, reason(&readings.network.seen));
    assert_eq!(count, 8);
    // These every Linux has.
    for seen in
        [reason(&readings.memory.seen), reason(&readings.disk.seen), reason(&readings.time.seen)]
    {
        assert_eq!(seen, None);
    }
}
