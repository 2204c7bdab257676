//! What a running agent says that its owner is left with, compared with recordings of power and a tariff.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::earning::{ledger, machine, train};
use super::recording::{self, Recording};
use super::{ACCOUNT, Running, http, wait_for};
use crate::field::{amount, processes_in};

/// Where the counters of packages and of their memory turn over: after a minute of work, so that a busy machine reads them in every turn.
const RANGES: [u64; 2] = [7_000_000_000, 630_000_000];

/// Time between two readings of the recordings.
const STEP: Duration = Duration::from_millis(50);

/// The price of a kWh in millionths, by the hour: no two hours have the same.
fn price(hour: u64) -> u64 {
    200_000 + hour * 10_000
}

/// The machine's power: recorded without the worker or with it, written into the files of its meters, and added up.
struct Power {
    ends: Arc<AtomicBool>,
    is_frozen: Arc<AtomicBool>,
    /// Energy that the worker took, in microjoules, and its cost in millionths times microjoules of a kWh.
    sums: Arc<Mutex<(i128, i128)>>,
    thread: Option<JoinHandle<()>>,
}

#[expect(clippy::disallowed_methods, reason = "power is drawn over real time")]
fn now() -> Instant {
    Instant::now()
}

impl Power {
    fn start(root: PathBuf, home: PathBuf, recordings: [Recording; 2]) -> Self {
        let power = Self {
            ends: Arc::default(),
            is_frozen: Arc::default(),
            sums: Arc::default(),
            thread: None,
        };
        let date = Command::new("date").arg("+%H %M %S").output().unwrap();
        let date = String::from_utf8(date.stdout).unwrap();
        let clock: Vec<u64> = date.split_whitespace().map(|part| part.parse().unwrap()).collect();
        let midnight_ms = (clock[0] * 3_600 + clock[1] * 60 + clock[2]) * 1_000;
        let [idle, _] = &recordings;
        let meters: Vec<_> =
            idle.meters().map(|(meter, label)| (meter.to_owned(), label)).collect();
        for (meter, label) in &meters {
            let folder = root.join("sys/class/powercap").join(meter);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("name"), label).unwrap();
            fs::write(folder.join("energy_uj"), "0").unwrap();
            fs::write(folder.join("max_energy_range_uj"), range(label).to_string()).unwrap();
        }
        let (ends, is_frozen, sums) =
            (Arc::clone(&power.ends), Arc::clone(&power.is_frozen), Arc::clone(&power.sums));
        let thread = std::thread::spawn(move || {
            let begun = now();
            let idle_milliwatts = recordings[0].milliwatts();
            let (mut before_us, mut counters) = (0, vec![0_u64; meters.len()]);
            // How far each recording has been played.
            let mut played_us = [0; 2];
            while !ends.load(Ordering::Relaxed) {
                std::thread::sleep(STEP);
                let is_working = !is_frozen.load(Ordering::Relaxed) && works(&home);
                let passed_us = u64::try_from(begun.elapsed().as_micros()).unwrap();
                let step_us = passed_us - std::mem::replace(&mut before_us, passed_us);
                let recording = &recordings[usize::from(is_working)];
                let from_us = played_us[usize::from(is_working)];
                played_us[usize::from(is_working)] += step_us;
                let mut drawn = 0;
                for (counter, (meter, label)) in counters.iter_mut().zip(&meters) {
                    let counted = recording.microjoules(meter, from_us + step_us)
                        - recording.microjoules(meter, from_us);
                    drawn += counted;
                    *counter = (*counter + counted) % range(label);
                    write_whole(&root.join("sys/class/powercap").join(meter), *counter);
                }
                if is_working {
                    let microjoules =
                        i128::from(drawn) - i128::from(idle_milliwatts * step_us / 1_000);
                    let hour = (midnight_ms + passed_us / 1_000) / 3_600_000 % 24;
                    let mut sums = sums.lock().unwrap();
                    sums.0 += microjoules;
                    sums.1 += microjoules * i128::from(price(hour));
                }
            }
        });
        Self { thread: Some(thread), ..power }
    }

    fn end(mut self) -> (i128, i128) {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        *self.sums.lock().unwrap()
    }
}

/// Where the counter of a meter with that label turns over.
fn range(label: &str) -> u64 {
    RANGES[usize::from(label == "dram")]
}

/// The kernel shows a counter whole.
fn write_whole(folder: &Path, counter: u64) {
    let new = folder.join("new");
    fs::write(&new, counter.to_string()).unwrap();
    fs::rename(new, folder.join("energy_uj")).unwrap();
}

/// Whether the agent's worker runs, for a project or to measure its speed.
fn works(home: &Path) -> bool {
    let lines = processes_in(home);
    lines.iter().any(|line| line.contains(" join ") && !line.contains("--measured-only"))
}

/// What the agent has learned of the machine: what it draws when nobody uses it.
fn learned(idle: &Recording) -> Value {
    let meters: Vec<String> = idle
        .meters()
        .map(|(meter, label)| format!("/sys/class/powercap/{meter} {label}"))
        .collect();
    let milliwatts = idle.milliwatts();
    let baseline = json!({ "microjoules": milliwatts * 100_000, "milliseconds": 100_000, "least": milliwatts });
    json!({ "meters": meters, "baseline": baseline, "full": [0, 0] })
}

#[test]
fn net_is_what_was_paid_less_the_energy_of_a_trace_times_its_tariff() {
    let field = ledger();
    let _train = train(&field, "barley", "");
    let _other = field.join(1, &[]);
    let tariff = |home: &Path| home.join("tariff");
    let machine = machine("");
    let home = machine.path("");
    let lines = (0..24).map(|hour| {
        let next = if hour == 23 { "00:00".to_owned() } else { format!("{:02}:00", hour + 1) };
        format!("every {hour:02}:00-{next} {:.2}\n", f64::from(20 + hour) / 100.0)
    });
    fs::write(tariff(&home), lines.collect::<String>() + "every always 9\n").unwrap();
    let limits = fs::read_to_string(machine.path("agent.toml")).unwrap();
    let more = "grain_is_worth = \"0.02\"\nidle_watts = 300\nfull_watts = 900\n[earning]\nat_a_loss = \"work\"\n[alerts]\ndesktop = false\n";
    let energy = format!("[energy]\nprice_file = \"{}\"\n{more}", tariff(&home).display());
    fs::write(machine.path("agent.toml"), limits + &energy).unwrap();
    // What the machine draws when nobody uses it is known from days before.
    let recordings = recording::idle_and_working();
    let books = json!({ "learned": [learned(&recordings[0])] });
    fs::write(machine.path("agent-books.json"), books.to_string()).unwrap();
    let root = machine.path("root");
    let power = Power::start(root.clone(), home, recordings);
    let root = root.to_str().unwrap();
    let args = ["--rpc", &field.node.url, "--sensors-root", root, "--ask-seconds", "3"];
    let mut agent = Running::start(&machine, &args);
    let total = |status: &Value| status["earned"]["total"].clone();
    wait_for(&machine, |status| {
        status.is_some_and(|status| {
            let total = total(status);
            0 < amount(&total["paid"]) && Some(20) <= total["worked_seconds"].as_u64()
        })
    });
    machine.json(&["pause"]);
    power.is_frozen.store(true, Ordering::Relaxed);
    // The meters are read every five seconds, and the ledger is asked as often; the project pays a last round.
    let mut last = Value::Null;
    let mut calm = 0;
    let status = wait_for(&machine, |status| {
        let Some(status) = status else { return false };
        let paid = machine.json(&["earnings", ACCOUNT, "--rpc", &field.node.url])["paid"].clone();
        let total = total(status);
        calm = if paid == total["paid"] && total == last { calm + 1 } else { 0 };
        last = total;
        60 <= calm
    })
    .unwrap();
    let (microjoules, cost) = power.end();
    let total = total(&status);
    let millionths = |key: &str| -> f64 { total[key].as_str().unwrap().parse::<f64>().unwrap() };
    let gross = amount(&total["paid"]) as f64 * 0.02 / 1e18;
    let expected = gross - cost as f64 / 3.6e12 / 1e6;
    eprintln!("{total:#}: net is {expected}, of {} J", microjoules / 1_000_000);
    let (net, energy) = (millionths("net"), millionths("energy"));
    // Both parts are rounded to a millionth, to the owner's disadvantage.
    let difference = expected - net;
    assert!((difference - 1e-6).abs() <= 1.1e-6 + expected.abs() / 10.0, "{net} is not {expected}");
    assert!(0.0 < energy && net < millionths("gross"), "{total}");
    let measured = total["measured_joules"].as_u64().unwrap();
    let joules = u64::try_from(microjoules / 1_000_000).unwrap();
    assert!(measured.abs_diff(joules) * 10 <= measured, "{total}");
    assert_eq!(total["estimated_joules"], 0, "{total}");
    // The page and the words say the same.
    let url = status["page"].as_str().unwrap().strip_prefix("http://").unwrap();
    let (address, path) = url.split_once('/').unwrap();
    let page = http(address, &format!("GET /{path} HTTP/1.1\r\nHost: {address}"), "");
    let words = machine.run(&["status"]).stdout;
    let shown = total["net"].as_str().unwrap();
    assert!(page.contains(&format!("{shown} EUR")), "{shown} is not in {page}");
    assert!(words.contains(&format!("{shown} EUR: ")), "{words}");
    machine.json(&["agent", "stop"]);
    assert_eq!(agent.ended(), 0);
}
