//! Compares native modules with the bytecode that they reproduce, for as long as it is let: a million random calls each, in slices.
//!
//! What was compared is written down after each slice (`target/deep/progress.json`), so the next run goes on with seeds that were not tried yet. The packages are
//! installed, pinned, by `.ci/bytecode.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

/// Calls that each comparison makes, unless it is told otherwise.
const CALLS: u64 = 1_000_000;
/// Last lines of a comparison that found a difference.
const LINES_SHOWN: usize = 40;

/// A comparison: an example of `execution`, and a slice of it that takes some seconds.
struct Comparison {
    name: &'static str,
    example: &'static str,
    /// Folder of the bytecode.
    folder: &'static str,
    slice: Slice,
}

enum Slice {
    /// This many sequences, one for each seed.
    Sequences(u64),
    /// This many calls of a kind of module, from one seed.
    Calls(u64),
}

const COMPARISONS: [Comparison; 6] = [
    Comparison {
        name: "uniswap-v2",
        example: "against_uniswap_v2",
        folder: "uniswap-v2",
        slice: Slice::Sequences(96),
    },
    Comparison {
        name: "uniswap-v3",
        example: "against_uniswap_v3",
        folder: "uniswap-v3",
        slice: Slice::Sequences(72),
    },
    of_yield("rewards"),
    of_yield("chef"),
    of_yield("vault"),
    Comparison { folder: "governor", ..of_yield("governor") },
];

const fn of_yield(name: &'static str) -> Comparison {
    let slice = Slice::Calls(8_000);
    Comparison { name, example: "against_bytecode", folder: "yield", slice }
}

impl Comparison {
    /// Returns the arguments for the slice that begins with a seed.
    fn arguments(&self, code: &Path, seed: u64) -> Vec<String> {
        let code = code.display().to_string();
        let seed = seed.to_string();
        match self.slice {
            Slice::Sequences(count) => vec![code, count.to_string(), seed],
            Slice::Calls(count) => vec![code, self.name.to_owned(), count.to_string(), seed],
        }
    }

    /// Returns the first seed after the slice that begins with one.
    fn after(&self, seed: u64) -> u64 {
        match self.slice {
            Slice::Sequences(count) => seed.saturating_add(count),
            Slice::Calls(_) => seed.saturating_add(1),
        }
    }
}

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// Names of comparisons; none for all.
    names: Vec<String>,
    calls: u64,
    /// No slice begins later.
    limit: Option<Duration>,
    /// Begin again with this seed.
    from: Option<u64>,
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    first_seed: u64,
    next_seed: u64,
    calls: u64,
}

/// Compares until enough calls are made, or the time is over.
///
/// # Errors
/// The first difference, with the command that shows it again; a package that cannot be installed.
pub(crate) fn deep(root: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let request = parse(arguments)?;
    let chosen: Vec<&Comparison> = COMPARISONS
        .iter()
        .filter(|it| request.names.is_empty() || request.names.iter().any(|name| name == it.name))
        .collect();
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder));
    let folder = target.join("deep");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    prepare(root, &folder)?;
    build(root, &chosen)?;
    let record = folder.join("progress.json");
    let mut progress = read(&record)?;
    for comparison in &chosen {
        if let Some(first_seed) = request.from {
            let begun = Progress { first_seed, next_seed: first_seed, calls: 0 };
            progress.insert(comparison.name.to_owned(), begun);
        }
    }
    let begun = now();
    let is_late = || request.limit.is_some_and(|limit| begun.elapsed() >= limit);
    // In turn, so that a run that is ended early has compared something of each.
    loop {
        let mut is_over = true;
        for comparison in &chosen {
            let so_far = progress.entry(comparison.name.to_owned()).or_default();
            if so_far.calls >= request.calls || is_late() {
                continue;
            }
            is_over = false;
            let code = folder.join(comparison.folder).join("code");
            let program = target.join("release/examples").join(comparison.example);
            *so_far = slice(comparison, &program, &code, *so_far)?;
            write(&record, &progress)?;
        }
        if is_over {
            break;
        }
    }
    for comparison in &chosen {
        let Progress { first_seed, next_seed, calls } = progress[comparison.name];
        eprintln!(
            "deep: {}: {calls} of {} calls, seeds {first_seed} to {}: 0 differences",
            comparison.name,
            request.calls,
            next_seed.saturating_sub(1)
        );
    }
    Ok(())
}

/// Compares one slice.
fn slice(
    comparison: &Comparison,
    program: &Path,
    code: &Path,
    so_far: Progress,
) -> anyhow::Result<Progress> {
    let (name, seed) = (comparison.name, so_far.next_seed);
    let arguments = comparison.arguments(code, seed);
    let begun = now();
    let Output { status, stdout, stderr } = Command::new(program)
        .args(&arguments)
        .output()
        .with_context(|| format!("{}: cannot be started", program.display()))?;
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    if !status.success() {
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
        bail!(
            "{name} ended with {status}\n{last}\nreproduce: cargo run --release -p execution --example {} -- {}",
            comparison.example,
            arguments.join(" ")
        );
    }
    let calls = compared(&said)
        .with_context(|| format!("{name} did not say how many calls it compared: {said}"))?;
    let total = so_far.calls.saturating_add(calls);
    let seconds = begun.elapsed().as_secs_f64().max(0.001);
    eprintln!("deep: {name}: seed {seed}, {calls} calls in {seconds:.1} s, {total} in all");
    Ok(Progress { calls: total, next_seed: comparison.after(seed), ..so_far })
}

#[expect(clippy::disallowed_methods, reason = "it says how long a slice took")]
fn now() -> Instant {
    Instant::now()
}

/// Returns the number of calls in the line that ends with `0 differences`.
fn compared(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.ends_with(": 0 differences"))?;
    let before = line.split(" calls").next()?;
    before.split(' ').next_back()?.parse().ok()
}

fn prepare(root: &Path, folder: &Path) -> anyhow::Result<()> {
    let script = root.join(".ci/bytecode.py");
    let status = Command::new("python3")
        .args([script.as_path(), folder, Path::new("prepare")])
        .status()
        .context("python3: cannot be started")?;
    ensure!(status.success(), "{} ended with {status}", script.display());
    Ok(())
}

fn build(root: &Path, chosen: &[&Comparison]) -> anyhow::Result<()> {
    let examples = chosen.iter().flat_map(|comparison| ["--example", comparison.example]);
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--package", "execution"])
        .args(examples)
        .current_dir(root)
        .status()
        .context("cargo build: cannot be started")?;
    ensure!(status.success(), "cargo build ended with {status}");
    Ok(())
}

fn parse(arguments: &[&str]) -> anyhow::Result<Request> {
    let mut request = Request { names: Vec::new(), calls: CALLS, limit: None, from: None };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> anyhow::Result<u64> {
            let given = rest.next().with_context(|| format!("{argument}: give a number"))?;
            given.parse().with_context(|| format!("{argument} {given}: give a number"))
        };
        match *argument {
            "--calls" => request.calls = number()?,
            "--seconds" => request.limit = Some(Duration::from_secs(number()?)),
            "--from" => request.from = Some(number()?),
            name if COMPARISONS.iter().any(|comparison| comparison.name == name) => {
                request.names.push(name.to_owned());
            }
            other => bail!(
                "{other}: give --calls N, --seconds N, --from SEED, or some of {}",
                COMPARISONS.map(|comparison| comparison.name).join(", ")
            ),
        }
    }
    Ok(request)
}

fn read(record: &PathBuf) -> anyhow::Result<BTreeMap<String, Progress>> {
    if !record.exists() {
        return Ok(BTreeMap::new());
    }
    let text = std::fs::read_to_string(record).with_context(|| record.display().to_string())?;
    let malformed = || format!("{}: is malformed: delete it to begin again", record.display());
    let all: BTreeMap<String, Value> = serde_json::from_str(&text).with_context(malformed)?;
    let number = |of: &Value, name: &str| of[name].as_u64().with_context(malformed);
    all.into_iter()
        .map(|(name, of)| {
            let progress = Progress {
                first_seed: number(&of, "first_seed")?,
                next_seed: number(&of, "next_seed")?,
                calls: number(&of, "calls")?,
            };
            Ok((name, progress))
        })
        .collect()
}

fn write(record: &Path, progress: &BTreeMap<String, Progress>) -> anyhow::Result<()> {
    let of = |it: &Progress| json!({ "first_seed": it.first_seed, "next_seed": it.next_seed, "calls": it.calls });
    let all: BTreeMap<&String, Value> = progress.iter().map(|(name, it)| (name, of(it))).collect();
    let text = serde_json::to_string_pretty(&all)?;
    std::fs::write(record, text).with_context(|| record.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_names_and_limits() {
        let all = Request { names: Vec::new(), calls: CALLS, limit: None, from: None };
        assert_eq!(parse(&[]).unwrap(), all);
        let some = parse(&["vault", "--calls", "7", "--seconds", "9", "--from", "3"]).unwrap();
        let limit = Some(Duration::from_secs(9));
        assert_eq!(some, Request { names: vec!["vault".into()], calls: 7, limit, from: Some(3) });
        for bad in [&["bank"][..], &["--calls"], &["--calls", "many"], &["--until", "1"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn calls_are_counted_only_where_nothing_differs() {
        let said = "70 sequences, 13160 calls, 9 getters, 7 swaps that changed the active liquidity: 0 differences\nmint 1\n";
        assert_eq!(compared(said), Some(13_160));
        assert_eq!(compared("4000 calls: 0 differences"), Some(4_000));
        assert_eq!(compared("4000 calls: 1 differences"), None);
        assert_eq!(compared("all calls: 0 differences"), None);
    }

    #[test]
    fn what_was_compared_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join("progress.json");
        assert_eq!(read(&record).unwrap(), BTreeMap::new());
        let progress = Progress { first_seed: 2, next_seed: 26, calls: 3_000 };
        let all = BTreeMap::from([("uniswap-v2".to_owned(), progress)]);
        write(&record, &all).unwrap();
        assert_eq!(read(&record).unwrap(), all);
        std::fs::write(&record, "{\"uniswap-v2\": {}}").unwrap();
        assert!(format!("{:#}", read(&record).unwrap_err()).contains("delete it"));
    }

    #[test]
    fn slices_follow_one_another() {
        let [v2, _, rewards, ..] = &COMPARISONS;
        assert_eq!(v2.arguments(Path::new("code"), 48), ["code", "96", "48"]);
        assert_eq!(v2.after(48), 144);
        assert_eq!(rewards.arguments(Path::new("code"), 5), ["code", "rewards", "8000", "5"]);
        assert_eq!(rewards.after(5), 6);
    }
}
