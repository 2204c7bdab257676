use std::fs;
use std::io::Write as _;
use std::path::Path;

use sensors::{Metered, Options, Sense as _, Sensors};

use super::*;

const HOUR: u64 = 3_600;

/// Wednesday, the minute at which the trace begins, and a second of such a midnight.
const MIDNIGHT: (u16, u64) = (2_880, 1_796_169_600);

#[test]
fn energy_of_an_hour_is_as_meters_count_it_and_as_the_owner_says_before() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[energy]\nprice_per_kwh = \"0.5\"\nidle_watts = 40\nfull_watts = 120\n";
    let limits = Limits::parse(text).unwrap();
    let path = folder.path().join("books.json");
    let mut earnings = Earnings::open(path.clone(), &limits, Milliseconds(0)).unwrap();
    let time = WallTime { unix_seconds: 1_796_081_400, minute_of_week: 100 };
    // 80 W at half a unit a kWh.
    assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(40_000)));
    let mut at = (Milliseconds(0), 0);
    let mut look = |earnings: &mut Earnings, watts: u64, share_percent| {
        at = (Milliseconds(at.0.0 + 5_000), at.1 + watts * 5_000_000);
        let meter =
            Energy { source: "meter".to_owned(), microjoules: at.1, quality: Quality::Measured };
        earnings.note(at.0, Work { share_percent, is_used: false });
        earnings.look(at.0, vec![meter], Some(&time), &limits);
    };
    // The machine draws 50 W without the worker, 60 W with a gentle one, and 80 W with one at full.
    (0..20).for_each(|_| look(&mut earnings, 50, 0));
    (0..20).for_each(|_| look(&mut earnings, 60, 20));
    assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(40_000)));
    (0..20).for_each(|_| look(&mut earnings, 80, 100));
    assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(15_000)));
    // It is known after a restart.
    earnings.save();
    let earnings = Earnings::open(path.clone(), &limits, Milliseconds(0)).unwrap();
    assert_eq!(earnings.energy_per_hour(&time, &limits), Some(Money(15_000)));
    let free = Limits::parse("").unwrap();
    let earnings = Earnings::open(path, &free, Milliseconds(0)).unwrap();
    assert_eq!(earnings.energy_per_hour(&time, &free), None);
}

/// A second of the trace.
#[derive(Clone, Copy)]
struct Second {
    milliwatts: u64,
    idle_milliwatts: u64,
    work: Work,
}

/// Returns the seconds of the trace of `testdata/PROVENANCE.md`, after two minutes in which its owner leaves the machine and the worker does not run yet.
fn trace() -> Vec<Second> {
    let mut seconds = Vec::new();
    for second in 0..120 {
        let work = Work { share_percent: 0, is_used: second < 30 };
        let milliwatts = if work.is_used { 60_000 } else { 41_000 };
        seconds.push(Second { milliwatts, idle_milliwatts: milliwatts, work });
    }
    let lines = include_str!("../../../../../testdata/energy/day.csv").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let fields: Vec<u64> = line.split(',').map(|field| field.trim().parse().unwrap()).collect();
        let [_, count, milliwatts, idle_milliwatts, share, used] = fields[..] else {
            panic!("{line}")
        };
        let work = Work { share_percent: u8::try_from(share).unwrap(), is_used: used == 1 };
        let second = Second { milliwatts, idle_milliwatts, work };
        seconds.extend((0..count).map(|_| second));
    }
    seconds
}

/// RAPL's files: a package and its memory, which take eleven and one twelfth, with the counters of an i7, and zones that would count twice.
struct Rapl<'a> {
    root: &'a Path,
    counters: [u64; 2],
    /// Whether the package's counter can't be read.
    is_hidden: bool,
}

/// Where each of both counters turns over, in microjoules.
const RANGES: [u64; 2] = [262_143_328_850, 65_712_999_613];

impl Rapl<'_> {
    const ZONES: [&'static str; 2] = ["intel-rapl:0", "intel-rapl:0:2"];

    fn new(root: &Path) -> Rapl<'_> {
        // The first turns over soon.
        let rapl = Rapl { root, counters: [RANGES[0] - 1_000_000_000, 7], is_hidden: false };
        for (zone, label) in [
            ("intel-rapl:0", "package-0"),
            ("intel-rapl:0:0", "core"),
            ("intel-rapl:0:2", "dram"),
            ("intel-rapl:1", "psys"),
        ] {
            rapl.write(zone, "name", label);
            rapl.write(zone, "energy_uj", "77");
        }
        for (zone, range) in Rapl::ZONES.into_iter().zip(RANGES) {
            rapl.write(zone, "max_energy_range_uj", &range.to_string());
        }
        rapl.show();
        rapl
    }

    fn write(&self, zone: &str, file: &str, text: &str) {
        let folder = self.root.join("sys/class/powercap").join(zone);
        fs::create_dir_all(&folder).unwrap();
        // In place: a file that is cut and written again waits for the disk.
        let mut options = fs::File::options();
        let mut file =
            options.create(true).truncate(false).write(true).open(folder.join(file)).unwrap();
        file.write_all(format!("{text:<20}\n").as_bytes()).unwrap();
    }

    /// Shows what can be read now.
    fn show(&self) {
        for (zone, counter) in Rapl::ZONES.into_iter().zip(self.counters) {
            self.write(zone, "energy_uj", &counter.to_string());
        }
        if self.is_hidden {
            let folder = self.root.join("sys/class/powercap").join(Rapl::ZONES[0]);
            fs::remove_file(folder.join("energy_uj")).unwrap();
        }
    }

    fn draw(&mut self, milliwatts: u64) {
        let memory = milliwatts / 12;
        for ((counter, range), part) in
            self.counters.iter_mut().zip(RANGES).zip([milliwatts - memory, memory])
        {
            *counter = (*counter + part * 1_000) % range;
        }
    }
}

/// What the trace itself says: energy in microjoules, and its cost in millionths times microjoules of a kWh.
#[derive(Default)]
struct Expected {
    microjoules: u64,
    cost: i128,
    /// The part in which no meter answered for long.
    hidden_microjoules: u64,
}

impl Expected {
    /// Adds a second of the trace, `index` seconds after midnight.
    fn add(&mut self, second: &Second, index: u64, is_hidden: bool) {
        if second.work.share_percent == 0 {
            return;
        }
        let microjoules = (second.milliwatts - second.idle_milliwatts) * 1_000;
        let is_night = !(6 * HOUR..22 * HOUR).contains(&(index % (24 * HOUR)));
        let price = if is_night { 200_000 } else { 400_000 };
        self.microjoules += microjoules;
        self.cost += i128::from(microjoules) * price;
        self.hidden_microjoules += if is_hidden { microjoules } else { 0 };
    }
}

/// Returns limits with two prices of energy. What the owner says of the machine is far from the truth: meters know better.
fn two_tariffs(folder: &Path) -> Limits {
    let tariff = folder.join("tariff");
    fs::write(&tariff, "every 22:00-06:00 0.20\nevery always 0.40\n").unwrap();
    let text = format!(
        "[energy]\nprice_file = \"{}\"\ngrain_is_worth = \"0.5\"\nidle_watts = 120\nfull_watts = 400\n",
        tariff.display()
    );
    Limits::parse(&text).unwrap()
}

#[test]
fn net_earnings_are_those_of_a_trace_through_turns_of_counters_a_suspension_and_a_lost_meter() {
    let folder = tempfile::tempdir().unwrap();
    let limits = two_tariffs(folder.path());
    let root = folder.path().join("root");
    let mut rapl = Rapl::new(&root);
    let mut sensors = Sensors::new(Options {
        root: root.clone(),
        own_process: 1,
        disk: folder.path().to_owned(),
        exclusive: Vec::new(),
        metered: Metered::No,
    });
    let start = Milliseconds(50_000_000);
    let books = folder.path().join("books.json");
    let mut earnings = Earnings::open(books.clone(), &limits, start).unwrap();
    let mut expected = Expected::default();
    let (mut time, mut turns) = (None, 0);
    for (index, second) in trace().into_iter().enumerate() {
        let index = u64::try_from(index).unwrap();
        let is_asleep = (3 * HOUR..5 * HOUR).contains(&index);
        if is_asleep {
            // The counters of a processor that was without power begin from nothing.
            rapl.counters = [0, 0];
            continue;
        }
        let before = rapl.counters;
        rapl.draw(second.milliwatts);
        turns += u32::from(rapl.counters[0] < before[0]);
        let is_lost = (7 * HOUR..7 * HOUR + 600).contains(&index);
        let is_late = (10 * HOUR..10 * HOUR + 23).contains(&index);
        rapl.is_hidden = is_lost || is_late;
        rapl.show();
        let minute = MIDNIGHT.0 + u16::try_from(index / 60).unwrap();
        let wall = WallTime { unix_seconds: MIDNIGHT.1 + index, minute_of_week: minute };
        expected.add(&second, index, is_lost);
        let now = Milliseconds(start.0 + index * 1_000);
        earnings.note(now, second.work);
        // A look in the middle of what changes at whole minutes.
        if index % 30 == 13 {
            rapl.show();
            earnings.look(now, sensors.energy(now), Some(&wall), &limits);
        }
        time = Some(wall);
        if index == 16 * HOUR {
            // The agent is started again.
            earnings.save();
            earnings = Earnings::open(books.clone(), &limits, now).unwrap();
        }
    }
    for paid in [7, 5_000_000_000_000_000_007_u128] {
        earnings.paid(&to_a(paid), time.as_ref(), limits.energy.grain_is_worth);
    }
    let status = earnings.status(None, Some("EUR"));
    let (net, energy) = (status.total.net.unwrap().0, status.total.energy.unwrap().0);
    let cost = i64::try_from(expected.cost / 3_600_000_000_000).unwrap();
    let expected_net = 2_500_000 - cost;
    eprintln!(
        "net {net} of {expected_net}, energy {energy} of {cost} millionths; {} J measured and {} J estimated of {} J; {turns} turns",
        status.total.measured_joules,
        status.total.estimated_joules,
        expected.microjoules / 1_000_000
    );
    assert_eq!(status.total.gross, Some(Money(2_500_000)));
    assert!(20 < turns && 200_000 < cost, "{turns} {cost}");
    assert!((net - expected_net).abs() * 10 <= expected_net, "{net} is not {expected_net}");
    // The energy itself is far closer than that, and what no meter said is an estimate, and only that.
    assert!((energy - cost).abs() * 20 <= cost, "{energy} is not {cost}");
    let hidden = expected.hidden_microjoules / 1_000_000;
    let estimated = status.total.estimated_joules;
    assert!(estimated.abs_diff(hidden) * 5 <= hidden, "{estimated} J estimated of {hidden} J");
}

#[test]
fn what_was_paid_while_the_clock_was_not_set_counts_when_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::parse("").unwrap();
    let path = folder.path().join("books.json");
    let mut earnings = Earnings::open(path, &limits, Milliseconds(0)).unwrap();
    let worth = Money(1_000_000);
    earnings.paid(&to_a(10), None, worth);
    earnings.paid(&to_a(30), None, worth);
    assert_eq!(earnings.books().total.paid_wei, 0);
    let time = WallTime { unix_seconds: MIDNIGHT.1, minute_of_week: MIDNIGHT.0 };
    earnings.paid(&to_a(35), Some(&time), worth);
    assert_eq!(earnings.books().total.paid_wei, 25);
}

/// What account A has been paid.
fn to_a(wei: u128) -> Paid {
    Paid { account: "0xa".to_owned(), ledger: "0x1".to_owned(), wei }
}

#[test]
fn what_another_account_or_ledger_paid_before_is_not_earned() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::parse("").unwrap();
    let path = folder.path().join("books.json");
    let time = WallTime { unix_seconds: MIDNIGHT.1, minute_of_week: MIDNIGHT.0 };
    let earned = |paid: &[Paid]| {
        let mut earnings = Earnings::open(path.clone(), &limits, Milliseconds(0)).unwrap();
        paid.iter().for_each(|paid| earnings.paid(paid, Some(&time), Money(1)));
        earnings.save();
        earnings.books().total.paid_wei
    };
    assert_eq!(earned(&[to_a(10), to_a(15)]), 5);
    // The owner takes another account, which other machines have worked for; over a restart, too.
    let to_b = |wei| Paid { account: "0xb".to_owned(), ..to_a(wei) };
    assert_eq!(earned(&[to_b(9_000)]), 5);
    assert_eq!(earned(&[to_b(9_001)]), 6);
    // The ledger begins anew, and pays less in all than the one before. A node that has forgotten the first block says nothing of which it is.
    let anew = |wei, ledger: &str| Paid { ledger: ledger.to_owned(), ..to_b(wei) };
    assert_eq!(earned(&[anew(7, "0x2"), anew(8, "0x2"), anew(9, ""), anew(10, "0x2")]), 9);
}
