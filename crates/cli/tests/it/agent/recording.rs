//! What the meters of a machine count, played as often as a test takes: a made power, or one that was recorded.

use std::collections::BTreeMap;
use std::env;
use std::fs;

/// Energy that a meter counted, in microjoules, by times in microseconds from the beginning.
type Curve = Vec<(u64, u64)>;

/// What each meter of a machine counts over a time, which begins again when it ends.
pub(super) struct Recording {
    /// By the meter's folder below `/sys/class/powercap`.
    meters: BTreeMap<String, Curve>,
}

impl Recording {
    /// A machine with one package and its memory, which takes a twelfth.
    pub(super) fn constant(milliwatts: u64) -> Self {
        let memory = milliwatts / 12;
        let curve = |part: u64| vec![(0, 0), (1_000_000, part * 1_000)];
        let meters = [("intel-rapl:0", milliwatts - memory), ("intel-rapl:0:0", memory)];
        Self { meters: meters.map(|(meter, part)| (meter.to_owned(), curve(part))).into() }
    }

    /// Reads lines as `0.005102,0.005156,N0,package,0.1052,20.3962`: seconds, seconds since the last sample of this meter, socket, `package` or `ram`,
    /// joules since then, watts. So are the recordings of RAPL beside laboratory meters in Schöne et al., ICPE 2024
    /// (github.com/lukalt/icpe-2024-rapl-validation).
    pub(super) fn read(path: &str) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut meters = BTreeMap::<String, Curve>::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let parts: Vec<&str> = line.split(',').collect();
            let socket = parts[2].strip_prefix('N').unwrap();
            let meter = match parts[3] {
                "package" => format!("intel-rapl:{socket}"),
                "ram" => format!("intel-rapl:{socket}:0"),
                _ => continue,
            };
            let curve = meters.entry(meter).or_insert_with(|| vec![(0, 0)]);
            let counted = curve.last().unwrap().1 + millionths(parts[4]);
            curve.push((millionths(parts[0]), counted));
        }
        assert!(!meters.is_empty(), "{path} has no samples");
        Self { meters }
    }

    /// The folder and the label of each meter.
    pub(super) fn meters(&self) -> impl Iterator<Item = (&str, String)> {
        self.meters.keys().map(|meter| {
            let label = match meter.strip_prefix("intel-rapl:").unwrap().split_once(':') {
                None => format!("package-{}", &meter["intel-rapl:".len()..]),
                Some(_) => "dram".to_owned(),
            };
            (meter.as_str(), label)
        })
    }

    /// What a meter has counted after a time of this recording.
    pub(super) fn microjoules(&self, meter: &str, at_us: u64) -> u64 {
        let curve = &self.meters[meter];
        let &(length, all) = curve.last().unwrap();
        let (passes, rest) = (at_us / length, at_us % length);
        let next = curve.partition_point(|(time, _)| *time <= rest);
        let ((begun, before), (ends, after)) = (curve[next - 1], curve[next]);
        passes * all + before + (after - before) * (rest - begun) / (ends - begun)
    }

    /// The mean of all meters together.
    pub(super) fn milliwatts(&self) -> u64 {
        let means = self.meters.values().map(|curve| {
            let (length, all) = curve.last().unwrap();
            all * 1_000 / length
        });
        means.sum()
    }
}

/// Reads a decimal number with up to six digits behind the point.
fn millionths(text: &str) -> u64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<6}").parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A machine without its worker and with it: as recorded in the two files that `GLEANER_ENERGY_TRACES` names, or as made up.
#[expect(clippy::disallowed_methods, reason = "recordings of others can't be kept here")]
pub(super) fn idle_and_working() -> [Recording; 2] {
    match env::var("GLEANER_ENERGY_TRACES") {
        Ok(paths) => {
            let (idle, working) = paths.split_once(' ').expect("two files");
            [Recording::read(idle), Recording::read(working)]
        }
        Err(_) => [41_000, 126_000].map(Recording::constant),
    }
}

#[test]
fn a_recording_is_played_again_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.csv");
    let lines = "#timestamp,interval,socket,domain,energy,power\n0.5,0.5,N0,package,10,20\n0.5,0.5,N1,ram,1,2\n1.0,0.5,N0,package,20,40\n";
    fs::write(&path, lines).unwrap();
    let recording = Recording::read(path.to_str().unwrap());
    let meters: Vec<_> = recording.meters().collect();
    let expected =
        [("intel-rapl:0", "package-0".to_owned()), ("intel-rapl:1:0", "dram".to_owned())];
    assert_eq!(meters, expected);
    for (at_us, counted) in [(0, 0), (250_000, 5), (750_000, 20), (1_000_000, 30), (2_250_000, 65)]
    {
        assert_eq!(recording.microjoules("intel-rapl:0", at_us), counted * 1_000_000, "{at_us}");
    }
    assert_eq!(recording.milliwatts(), 30_000 + 2_000);
}
