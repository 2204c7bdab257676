//! Breaks the rules one by one, and looks whether a test notices.
//!
//! `xtask/mutations.txt` says what is broken, and how. A mutation that no longer applies is an error: it has to follow the
//! rule that it breaks. One that no test notices survives: a test is missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail, ensure};

/// The list of mutations.
const LIST: &str = "xtask/mutations.txt";

/// Seconds after which the tests of a mutation are ended: it counts as noticed.
const SECONDS_MAX: &str = "300";

/// Number of failed tests that are named.
const NAMED_MAX: usize = 3;

/// One way to break a rule.
#[derive(Debug, PartialEq, Eq)]
struct Mutation {
    name: String,
    /// The sentence of `docs/protocol.md` that is broken.
    sentence: String,
    edits: Vec<Edit>,
}

/// A piece of a file, and what takes its place.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    file: String,
    search: String,
    replacement: String,
}

/// What the tests said.
#[derive(PartialEq, Eq)]
enum Verdict {
    /// The names of tests that failed.
    Killed(Vec<String>),
    Survived,
}

/// Runs the tests of each mutation, or of those named.
///
/// # Errors
/// When a mutation does not apply or compile, survives, or the tests fail without any.
pub(crate) fn mutate(root: &Path, names: &[&str]) -> anyhow::Result<()> {
    let mutations = read(&root.join(LIST))?;
    for name in names {
        ensure!(
            mutations.iter().any(|mutation| mutation.name == *name),
            "{name}: {LIST} has no such mutation"
        );
    }
    let chosen: Vec<&Mutation> = mutations
        .iter()
        .filter(|mutation| names.is_empty() || names.contains(&mutation.name.as_str()))
        .collect();
    let copy = Copy::of(root)?;
    for mutation in &chosen {
        mutation.apply(&copy.folder)?;
    }
    for package in chosen
        .iter()
        .map(|mutation| mutation.package())
        .collect::<anyhow::Result<std::collections::BTreeSet<_>>>()?
    {
        match test(&copy.folder, package)? {
            Verdict::Survived => {}
            Verdict::Killed(tests) => bail!("{package}: tests fail without a mutation: {tests:?}"),
        }
    }
    let mut survivors = Vec::new();
    for mutation in &chosen {
        let Mutation { name, sentence, .. } = mutation;
        let before = copy.write(mutation)?;
        let verdict = test(&copy.folder, mutation.package()?).with_context(|| name.clone())?;
        copy.restore(&before)?;
        match verdict {
            Verdict::Killed(tests) => eprintln!("killed    {name}: {}", listed(&tests)),
            Verdict::Survived => {
                eprintln!("SURVIVED  {name}: {sentence}");
                survivors.push(name.as_str());
            }
        }
    }
    ensure!(
        survivors.is_empty(),
        "{} of {} mutations survived: write a test that fails with each: {}",
        survivors.len(),
        chosen.len(),
        survivors.join(", ")
    );
    eprintln!("mutate: all of {} mutations were noticed", chosen.len());
    Ok(())
}

impl Mutation {
    /// Returns the files as they are with this mutation.
    fn apply(&self, folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
        let mut changed: BTreeMap<String, String> = BTreeMap::new();
        for Edit { file, search, replacement } in &self.edits {
            let text = match changed.remove(file) {
                Some(text) => text,
                None => std::fs::read_to_string(folder.join(file))
                    .with_context(|| format!("{}: {file} cannot be read", self.name))?,
            };
            let found = text.matches(search.as_str()).count();
            ensure!(
                found == 1,
                "{}: {file} has {found} places with these lines: adapt {LIST} to the rule\n{search}",
                self.name
            );
            changed.insert(file.clone(), text.replacen(search.as_str(), replacement, 1));
        }
        Ok(changed)
    }

    /// Returns the package whose tests have to notice.
    fn package(&self) -> anyhow::Result<&str> {
        let first = self.edits.first().and_then(|edit| edit.file.strip_prefix("crates/"));
        let package = first.and_then(|path| path.split('/').next());
        package.with_context(|| format!("{}: edits no file of a crate", self.name))
    }
}

/// A copy of the tree, removed when dropped.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn of(root: &Path) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("gleaner-mutate-{}", std::process::id()));
        let copy = Self { folder };
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git: cannot be started")?;
        ensure!(listed.status.success(), "git ls-files ended with {}", listed.status);
        for file in String::from_utf8(listed.stdout)?.split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (root.join(file), copy.folder.join(file));
            if !from.is_file() {
                continue;
            }
            let parent = to.parent().context("a file lies in a folder")?;
            std::fs::create_dir_all(parent)?;
            std::fs::copy(&from, &to).with_context(|| format!("{}", from.display()))?;
        }
        Ok(copy)
    }

    /// Writes a mutation, and returns the files as they were.
    fn write(&self, mutation: &Mutation) -> anyhow::Result<BTreeMap<String, String>> {
        let mut before = BTreeMap::new();
        for (file, text) in mutation.apply(&self.folder)? {
            let path = self.folder.join(&file);
            before.insert(file, std::fs::read_to_string(&path)?);
            std::fs::write(&path, text)?;
        }
        Ok(before)
    }

    fn restore(&self, before: &BTreeMap<String, String>) -> anyhow::Result<()> {
        for (file, text) in before {
            std::fs::write(self.folder.join(file), text)?;
        }
        Ok(())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left lies in the system's folder for what is temporary.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Compiles and runs the tests of a package: first those that do not depend on chance, compiled quickly; all of them if these notice
/// nothing.
fn test(folder: &Path, package: &str) -> anyhow::Result<Verdict> {
    let quickly = format!("profile.release.package.{package}.opt-level=1");
    let list = folder.join("crates").join(package).join("tests/it/main.rs");
    let all = std::fs::read_to_string(&list).ok();
    if let Some(all) = &all {
        std::fs::write(&list, all.replace("mod properties;\n", ""))?;
    }
    let target: &[&str] = if all.is_some() { &["--test", "it"] } else { &["--lib"] };
    let first = cargo(folder, package, &[&["--config", &quickly], target].concat())?;
    if let Some(all) = &all {
        std::fs::write(&list, all)?;
    }
    if first != Verdict::Survived {
        return Ok(first);
    }
    cargo(folder, package, &[])
}

/// Runs tests of a package.
///
/// # Errors
/// When they do not compile.
fn cargo(folder: &Path, package: &str, arguments: &[&str]) -> anyhow::Result<Verdict> {
    let test = ["cargo", "test", "--quiet", "--release", "--package", package];
    // However long that takes: what does not end is a test, not its compilation.
    let compiled = run(folder, &[&test, arguments, &["--no-run"]].concat())?;
    let words = String::from_utf8_lossy(&compiled.stderr);
    ensure!(compiled.status.success(), "it does not compile: {words}");
    let tested = run(folder, &[&["timeout", SECONDS_MAX], &test[..], arguments].concat())?;
    Ok(match tested.status.success() {
        true => Verdict::Survived,
        false => Verdict::Killed(failed(&String::from_utf8_lossy(&tested.stdout))),
    })
}

/// Runs a command in the copy.
fn run(folder: &Path, words: &[&str]) -> anyhow::Result<Output> {
    Command::new(words[0])
        .args(&words[1..])
        // A folder that others build in would keep the broken rule: the copy's files are older than what is built of them.
        .env_remove("CARGO_TARGET_DIR")
        // A failure that was found by chance is not tried first with the next mutation.
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
        .current_dir(folder)
        .output()
        .with_context(|| format!("{}: cannot be started", words.join(" ")))
}

/// Returns the names of failed tests in the output of `cargo test`.
fn failed(output: &str) -> Vec<String> {
    let mut names: Vec<String> = output
        .lines()
        .filter_map(|line| line.strip_prefix("---- ")?.strip_suffix(" stdout ----"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn listed(tests: &[String]) -> String {
    let named = tests.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match tests.len() {
        0 => "the tests did not end".to_owned(),
        count if count <= NAMED_MAX => named,
        count => format!("{named} and {} more", count - NAMED_MAX),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<Mutation>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{}: cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("{}", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<Mutation>> {
    let mut mutations: Vec<Mutation> = Vec::new();
    let mut file = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if let Some(name) = line.strip_prefix("# ") {
            let (name, sentence) = (name.to_owned(), String::new());
            ensure!(
                mutations.iter().all(|mutation| mutation.name != name),
                "line {number}: {name} is there already"
            );
            mutations.push(Mutation { name, sentence, edits: Vec::new() });
            file = None;
            continue;
        }
        // What comes before the first mutation explains the form.
        let Some(mutation) = mutations.last_mut() else { continue };
        if let Some(name) = line.strip_prefix("@ ") {
            file = Some(name.to_owned());
        } else if let Some(removed) = line.strip_prefix("- ") {
            let file = file.clone().with_context(|| format!("line {number}: no file"))?;
            let is_new = mutation
                .edits
                .last()
                .is_none_or(|edit| edit.file != file || !edit.replacement.is_empty());
            if is_new {
                let (search, replacement) = (String::new(), String::new());
                mutation.edits.push(Edit { file, search, replacement });
            }
            add(mutation.edits.last_mut().map(|edit| &mut edit.search), removed, number)?;
        } else if let Some(added) = line.strip_prefix("+ ") {
            add(mutation.edits.last_mut().map(|edit| &mut edit.replacement), added, number)?;
        } else if !line.is_empty() {
            ensure!(file.is_none(), "line {number}: begins with none of `@ `, `- ` and `+ `");
            mutation.sentence.push_str(line);
        }
    }
    for Mutation { name, sentence, edits } in &mutations {
        let is_whole = edits
            .iter()
            .all(|edit| edit.search != edit.replacement && !edit.replacement.is_empty());
        ensure!(!sentence.is_empty() && !edits.is_empty() && is_whole, "{name} is not complete");
    }
    Ok(mutations)
}

fn add(part: Option<&mut String>, line: &str, number: usize) -> anyhow::Result<()> {
    let part = part.with_context(|| format!("line {number}: nothing is replaced"))?;
    part.push_str(line);
    part.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only check that CI makes of the list; running it takes minutes.
    #[test]
    fn every_mutation_applies_to_the_rules_as_they_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mutations = read(&root.join(LIST)).unwrap();
        assert!(mutations.len() > 60, "{}", mutations.len());
        for mutation in &mutations {
            mutation.apply(root).unwrap();
            mutation.package().unwrap();
        }
    }

    #[test]
    fn a_list_is_read() {
        let text = "Explanation.\n\n# first\nA rule\nholds.\n@ crates/a/src/b.rs\n- one\n-     two\n+ three\n- four\n+ five\n";
        let [mutation] = &parse(text).unwrap()[..] else { panic!("one is there") };
        assert_eq!((mutation.name.as_str(), mutation.package().unwrap()), ("first", "a"));
        let edit = |search: &str, replacement: &str| Edit {
            file: "crates/a/src/b.rs".to_owned(),
            search: search.to_owned(),
            replacement: replacement.to_owned(),
        };
        assert_eq!(mutation.edits, [edit("one\n    two\n", "three\n"), edit("four\n", "five\n")]);
        for bad in ["# a\n", "# a\nb\n- c\n+ d\n", "# a\nb\n@ c\n+ d\n", "# a\nb\n@ c\n- d\n"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mutation_applies_once_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rule.rs"), "one\ntwo\nthree\ntwo\n").unwrap();
        let check = |search: &str| {
            let edit = Edit {
                file: "rule.rs".to_owned(),
                search: search.to_owned(),
                replacement: "four\n".to_owned(),
            };
            let (name, sentence) = ("name".to_owned(), "sentence".to_owned());
            Mutation { name, sentence, edits: vec![edit] }.apply(folder.path())
        };
        assert_eq!(check("one\n").unwrap()["rule.rs"], "four\ntwo\nthree\ntwo\n");
        for (search, found) in [("two\n", 2), ("five\n", 0)] {
            let said = check(search).unwrap_err().to_string();
            assert!(said.contains(&format!("has {found} places")), "{said}");
        }
    }

    #[test]
    fn failed_tests_are_named() {
        let output = "running 2 tests\n---- attacks::a01 stdout ----\nthread panicked\n\n---- attacks::a02 stdout ----\n\nfailures:\n    attacks::a01\n";
        assert_eq!(failed(output), ["attacks::a01", "attacks::a02"]);
        assert_eq!(listed(&failed("")), "the tests did not end");
        let four = ["a", "b", "c", "d"].map(str::to_owned);
        assert_eq!(listed(&four), "a, b, c and 1 more");
    }
}
