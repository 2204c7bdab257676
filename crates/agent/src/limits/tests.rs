use super::*;

fn refused(text: &str) -> String {
    Limits::parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_protects_the_owner() {
    let limits = Limits::parse("").unwrap();
    assert_eq!(limits, Limits::default());
    limits.check().unwrap();
    assert_eq!(limits.idle.full_after_seconds, 180);
    assert!(!limits.idle.linger && !limits.power.on_battery && !limits.network.on_metered);
    assert!(limits.sensors.may_be_missing.is_empty());
    assert_eq!(limits.earning.at_a_loss, Loss::Pause);
}

#[test]
fn an_unknown_key_is_refused_with_those_that_are_known() {
    let text = refused("[idle]\nfull_after = 3");
    assert!(text.contains("line 2") && text.contains("full_after_seconds"), "{text}");
    let text = refused("[idel]\nlinger = true");
    assert!(text.contains("idel") && text.contains("idle"), "{text}");
}

#[test]
fn a_value_outside_its_range_is_refused_with_the_range() {
    let check = |text: &str, expected: &str| {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("[power]\ncelsius_max = 111", "power.celsius_max is 111: give 30 to 110");
    check("[idle]\nsettle_seconds = 0", "give 5 to 3600");
    check("[idle]\ngentle_after_seconds = 9", "give 10 to 86400");
    check("[machine]\ncores_percent = 0", "give 1 to 100");
    check("[hours]\nmonday = \"8-9\"", "22:00-06:00");
    check("[hours]\nmonday = \"08:00-08:00\"", "22:00-06:00");
    check("[hours]\nmonday = \"08:00-24:01\"", "22:00-06:00");
    check("[energy]\nprice_per_kwh = \"cheap\"", "0.32");
    check("[energy]\nprice_per_kwh = \"-0.1\"", "0 or more");
    check("[earning]\nfloor_per_hour = \"x\"", "GRAIN");
    check(
        "[alerts]\nwebhook = \"ftp://a\"",
        "alerts.webhook is a text of 7 bytes: give an address",
    );
    check("[programs]\nexclusive = [\"\"]", "1 to 128");
    check("[sensors]\nmay_be_missing = [\"mood\"]", "full_screen");
    check(&" ".repeat(FILE_SIZE_MAX + 1), "262144");
}

#[test]
fn what_depends_on_each_other_need_not_be_given_twice() {
    let limits = Limits::parse("[idle]\ngentle_after_seconds = 600").unwrap();
    assert_eq!(limits.idle.full_after_seconds, 600);
    let limits = Limits::parse("[machine]\ncores_percent = 5").unwrap();
    assert_eq!(limits.machine.gentle_cores_percent, 5);
}

#[test]
fn a_window_goes_on_after_midnight() {
    let text = "[hours]\nmonday = \"never\"\ntuesday = \"never\"\nwednesday = \"never\"\nthursday = \"never\"\n\
                friday = \"22:30-06:00\"\nsaturday = \"never\"\nsunday = \"23:00-24:00, 01:00-02:00\"";
    let hours = Limits::parse(text).unwrap().hours;
    let at =
        |day: u16, hour: u16, minute: u16| hours.is_open(day * DAY_MINUTES + hour * 60 + minute);
    assert!(!at(4, 22, 29) && at(4, 22, 30) && at(4, 23, 59) && at(5, 0, 0) && at(5, 5, 59));
    assert!(!at(5, 6, 0) && !at(4, 3, 0));
    assert!(at(6, 23, 59) && !at(0, 0, 0) && at(6, 1, 0));
    assert!(!hours.is_open(WEEK_MINUTES) && !hours.is_always());
    assert_eq!(hours.opens_in(5 * DAY_MINUTES + 6 * 60), Some(19 * 60));
    assert_eq!(hours.opens_in(4 * DAY_MINUTES + 23 * 60), Some(0));
    let sunday_night = "[hours]\nsunday = \"22:00-06:00\"\nmonday = \"never\"";
    assert!(Limits::parse(sunday_night).unwrap().hours.is_open(5 * 60));
}

#[test]
fn off_peak_restricts_only_if_the_owner_wants() {
    let text = "[hours]\noff_peak = \"23:00-05:00\"";
    assert!(Limits::parse(text).unwrap().hours.is_always());
    let hours = Limits::parse(&format!("{text}\nonly_off_peak = true")).unwrap().hours;
    assert!(hours.is_open(4 * 60) && !hours.is_open(5 * 60) && hours.is_open(23 * 60));
}

#[test]
fn a_policy_from_elsewhere_only_tightens() {
    let own =
        Limits::parse("[machine]\ncores_percent = 40\n[power]\non_battery = true\nwatts_max = 90")
            .unwrap();
    let policy = "[machine]\ncores_percent = 80\n[power]\ncelsius_max = 60\nwatts_max = 100\n[idle]\nlinger = true";
    let policy = Limits::parse_policy(policy).unwrap();
    let both = own.tightened_by(&policy);
    assert_eq!(both.machine.cores_percent, 40);
    assert_eq!((both.power.celsius_max, both.power.watts_max), (60, 90));
    assert!(both.power.on_battery && !both.idle.linger);
    let nothing = Limits::parse_policy("").unwrap();
    assert_eq!(own.tightened_by(&nothing), own);
    let error = Limits::parse_policy("[power]\ncelsius = 60").unwrap_err().to_string();
    assert!(error.contains("celsius_max"), "{error}");
}

#[test]
fn every_setting_is_described_and_can_be_edited() {
    let file = "[idle]\nlinger = true\n[earning]\ninterests = { biology = 3 }";
    let own = Limits::parse(file).unwrap();
    let policy = Limits::parse_policy("[power]\ncelsius_max = 60").unwrap();
    let limits = own.tightened_by(&policy);
    let settings = limits.settings(file).unwrap();
    let described: Vec<&str> = settings.iter().map(|setting| &setting.key[..]).collect();
    let table = describe::table(&Limits::default()).unwrap();
    let names = table.iter().flat_map(|(section, values)| {
        let keys = values.as_table().unwrap().keys();
        keys.map(move |key| format!("{section}.{key}")).collect::<Vec<_>>()
    });
    let mut names: Vec<String> = names.collect();
    let mut sorted = described.clone();
    sorted.sort_unstable();
    names.sort_unstable();
    assert_eq!(sorted, names);
    let origin = |key| settings.iter().find(|setting| setting.key == key).unwrap().origin;
    assert_eq!(origin("idle.linger"), Origin::File);
    assert_eq!(origin("power.celsius_max"), Origin::Account);
    assert_eq!(origin("power.watts_max"), Origin::Default);
    // Read back, it says the same; with every comment mark of a value removed, too.
    let text = commented(&settings);
    assert_eq!(Limits::parse(&text).unwrap(), limits, "{text}");
    let is_value = |line: &str| {
        line.starts_with("# ") && line.contains(" = ") && !line.contains(", for instance")
    };
    let uncommented: Vec<&str> =
        text.lines().map(|line| if is_value(line) { &line[2..] } else { line }).collect();
    assert_eq!(Limits::parse(&uncommented.join("\n")).unwrap(), limits, "{text}");
}

#[test]
fn money_is_written_as_it_is_read() {
    for (text, millionths, shown) in [
        ("0.32", 320_000, "0.32"),
        ("-1.000001", -1_000_001, "-1.000001"),
        ("12", 12_000_000, "12.00"),
    ] {
        let money: Money = text.parse().unwrap();
        assert_eq!((money.0, money.to_string()), (millionths, shown.to_owned()));
    }
    for wrong in ["", ".", "1.", ".5", "1.0000001", "1234567", "+1", "1e3", "--1"] {
        assert!(wrong.parse::<Money>().is_err(), "{wrong}");
    }
}
