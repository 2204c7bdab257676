//! `project.toml`: the file in which a trainer describes what to train.
//!
//! ```toml
//! name = "shakespeare"
//! corpus = "shakespeare.txt"        # a UTF-8 file or a folder of them, relative to this file
//! budget = "120"                    # GRAIN; default: the largest cost of the terms
//!
//! [model]                           # every field is optional
//! layers = 4
//! width = 128
//!
//! [training]
//! rounds = 30
//! optimizer = "muon"                # or "adamw"
//! seed = 1
//!
//! [terms]
//! price_per_million_tokens = "1"    # GRAIN
//! workers_min = 2
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use corpus::{Corpus, Cut};
use ledger_views::runs::RunView;
use serde::Deserialize;
use training_run::{Terms, TermsError};
use units::{Bps, Digest, Wei};
use verification::RunSpec;

/// Longest name that the ledger accepts, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A parsed and validated project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its name on the ledger.
    pub name: String,
    /// The text.
    pub corpus: Corpus,
    /// How to train.
    pub spec: RunSpec,
    /// The conditions of payment and audit.
    pub conditions: Conditions,
    /// The deposit; `None` for the largest cost of the terms.
    pub budget: Option<Wei>,
}

/// The terms that do not follow from the model.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Pay for a million tokens, in GRAIN.
    pub price_per_million_tokens: String,
    /// Smallest chance that a commitment is audited, in basis points.
    pub audit_rate_bps: u16,
    /// An auditor's pay as a share of the work's, in basis points.
    pub audit_pay_bps: u16,
    /// Share of the commitments of the round before that a round needs to close, in basis points.
    pub quorum_bps: u16,
    /// Number of devices needed to start.
    pub workers_min: u16,
    /// Largest number of devices.
    pub workers_max: u16,
    /// Seconds until the deadline of a round.
    pub round_seconds: u32,
    /// Seconds until the deadline of an auditor.
    pub audit_seconds: u32,
    /// Seconds without progress after which anyone may abandon the run.
    pub stall_seconds: u32,
    /// Pay for bringing a device's statement to the ledger, in GRAIN, for whoever does it.
    pub relay_fee: String,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            price_per_million_tokens: "1".to_owned(),
            audit_rate_bps: 1000,
            audit_pay_bps: 10_000,
            quorum_bps: 6000,
            workers_min: 3,
            workers_max: 16,
            round_seconds: 600,
            audit_seconds: 600,
            stall_seconds: 7 * 24 * 3600,
            relay_fee: "0.0002".to_owned(),
        }
    }
}

impl Conditions {
    /// Returns the conditions that led to `terms`.
    fn of(terms: &Terms) -> Self {
        let per_million = terms.price_per_token.as_u128().saturating_mul(1_000_000);
        Self {
            price_per_million_tokens: Wei::new(per_million).to_grain(),
            audit_rate_bps: terms.audit_rate.as_u16(),
            audit_pay_bps: terms.audit_pay.as_u16(),
            quorum_bps: terms.quorum.as_u16(),
            workers_min: terms.seats_min,
            workers_max: terms.seats_max,
            round_seconds: terms.round_seconds,
            audit_seconds: terms.audit_seconds,
            stall_seconds: terms.stall_seconds,
            relay_fee: terms.relay_fee.to_grain(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    corpus: PathBuf,
    budget: Option<String>,
    #[serde(default)]
    model: toml::Table,
    #[serde(default)]
    training: toml::Table,
    #[serde(default)]
    terms: Conditions,
}

impl Project {
    /// Reads a project file and its corpus.
    ///
    /// # Errors
    /// When a file can't be read, a field is unknown or out of bounds, or the corpus can't be used; the message
    /// says which and where.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .with_context(|| format!("project file {shown} can't be read"))?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("project file {shown} is not valid"))?;
        ensure_name(&file.name).with_context(|| format!("in {shown}"))?;
        price(&file.terms).with_context(|| format!("in {shown}"))?;
        let spec =
            specification(&file.model, &file.training).with_context(|| format!("in {shown}"))?;
        let budget = file.budget.as_deref().map(Wei::parse_grain).transpose()?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let corpus =
            Corpus::from_path(&folder.join(&file.corpus), &Cut::for_context(spec.model.context))?;
        Ok(Self { name: file.name, corpus, spec, conditions: file.terms, budget })
    }

    /// Returns the project of a run on the ledger, for which its file is not at hand.
    pub(crate) fn of_run(run: &RunView, terms: &Terms, spec: RunSpec, corpus: Corpus) -> Self {
        let conditions = Conditions::of(terms);
        Self { name: run.name.clone(), corpus, spec, conditions, budget: None }
    }

    /// Returns the terms to put on the ledger, for a run from `initial_state`.
    ///
    /// # Errors
    /// When a condition is out of its bounds.
    pub fn terms(&self, initial_state: Digest) -> anyhow::Result<Terms> {
        let conditions = &self.conditions;
        let terms = Terms {
            rounds: self.spec.rounds,
            warmup_rounds: self.spec.warmup_rounds,
            tokens_per_round: self.spec.tokens(self.spec.warmup_rounds),
            warmup_tokens_per_round: self.spec.tokens(0),
            price_per_token: price(conditions)?,
            audit_rate: Bps::new(conditions.audit_rate_bps)?,
            audit_pay: Bps::new(conditions.audit_pay_bps)?,
            quorum: Bps::new(conditions.quorum_bps)?,
            seats_min: conditions.workers_min,
            seats_max: conditions.workers_max,
            round_seconds: conditions.round_seconds,
            audit_seconds: conditions.audit_seconds,
            stall_seconds: conditions.stall_seconds,
            relay_fee: Wei::parse_grain(&conditions.relay_fee)?,
            spec: self.spec.digest(),
            corpus: self.corpus.manifest().digest(),
            initial_state,
        };
        terms
            .validate()
            .map_err(as_in_the_file)
            .context("the project's terms are out of bounds")?;
        Ok(terms)
    }
}

/// Names the terms as a project file does.
fn as_in_the_file(error: TermsError) -> TermsError {
    match error.field {
        "seats_min" => TermsError {
            field: "workers_min",
            allowed: "2 (one device works, one audits) to workers_max",
            ..error
        },
        "seats_max" => TermsError { field: "workers_max", ..error },
        _ => error,
    }
}

fn ensure_name(name: &str) -> anyhow::Result<()> {
    anyhow::ensure!(!name.trim().is_empty(), "name is empty: give the project a name");
    let size = name.len();
    anyhow::ensure!(size <= NAME_BYTES_MAX, "name has {size} bytes: give at most {NAME_BYTES_MAX}");
    Ok(())
}

/// Returns the price of a token, rounded down: the trainer keeps the remainder.
fn price(conditions: &Conditions) -> anyhow::Result<Wei> {
    let given = &conditions.price_per_million_tokens;
    let per_million = Wei::parse_grain(given).context("in price_per_million_tokens")?;
    let price = Wei::new(per_million.as_u128() / 1_000_000);
    anyhow::ensure!(
        price != Wei::ZERO,
        "price_per_million_tokens is {given} GRAIN, which is 0 for one token: give at least {} GRAIN",
        Wei::new(1_000_000).to_grain()
    );
    Ok(price)
}

/// Returns [`RunSpec::small`] with the fields of `[model]` and `[training]` replaced.
fn specification(model: &toml::Table, training: &toml::Table) -> anyhow::Result<RunSpec> {
    let rounds = match training.get("rounds") {
        None => 30,
        Some(value) => value
            .as_integer()
            .and_then(|rounds| u32::try_from(rounds).ok())
            .context("rounds is not a whole number from 0 to 4294967295")?,
    };
    let mut seed = [0; 32];
    if let Some(value) = training.get("seed") {
        let number = value.as_integer().context("seed is not a whole number")?;
        seed[..8].copy_from_slice(&number.to_le_bytes());
    }
    let mut fields = serde_json::to_value(RunSpec::small(rounds, seed))?;
    overlay(&mut fields["model"], "model", model)?;
    overlay(&mut fields, "training", training)?;
    let spec: RunSpec = serde_json::from_value(fields)?;
    spec.validate()?;
    Ok(spec)
}

/// Replaces fields that exist; an unknown name is an error, so that a misspelt one is not ignored.
fn overlay(fields: &mut serde_json::Value, table: &str, over: &toml::Table) -> anyhow::Result<()> {
    for (name, value) in over {
        if table == "training" && (name == "seed" || name == "model") {
            anyhow::ensure!(
                name == "seed",
                "[training] has no field {name}: it has a table of its own"
            );
            continue;
        }
        let field =
            fields.get_mut(name).with_context(|| format!("[{table}] has no field {name}"))?;
        let value = serde_json::to_value(value)?;
        let kind = if field.is_number() { "a number" } else { "a text" };
        let is_alike =
            field.is_number() == value.is_number() && field.is_string() == value.is_string();
        anyhow::ensure!(is_alike, "[{table}] {name} must be {kind}");
        *field = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use verification::InnerKind;

    use super::*;

    fn read(text: &str) -> anyhow::Result<Project> {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("text.txt"), "All the world's a stage. ".repeat(400))
            .unwrap();
        let path = scratch.path().join("project.toml");
        fs::write(&path, text).unwrap();
        Project::from_file(&path)
    }

    #[test]
    fn fields_left_out_have_defaults() {
        let project = read("name = 'a'\ncorpus = 'text.txt'\n[model]\nlayers = 2\n[training]\nrounds = 5\nseed = 7").unwrap();
        assert_eq!(project.spec.model.layers, 2);
        assert_eq!(project.spec.rounds, 5);
        assert_eq!(project.spec.seed.0[0], 7);
        assert_eq!(project.spec.optimizer, InnerKind::AdamW);
        let muon = read("name = 'a'\ncorpus = 'text.txt'\n[training]\noptimizer = 'muon'").unwrap();
        assert_eq!(muon.spec.optimizer, InnerKind::Muon);
        let terms = project.terms(Digest::ZERO).unwrap();
        assert_eq!(terms.price_per_token.as_u128(), 1_000_000_000_000);
        assert_eq!(terms.tokens_per_round, project.spec.tokens(4));
        let found = Project { conditions: Conditions::of(&terms), ..project };
        assert_eq!(found.terms(Digest::ZERO).unwrap(), terms);
    }

    #[test]
    fn terms_out_of_bounds_are_named_as_in_the_file() {
        let terms = |text: &str| {
            let head = "name = 'a'\ncorpus = 'text.txt'\n[terms]\n";
            let project = read(&format!("{head}{text}")).unwrap();
            format!("{:#}", project.terms(Digest::ZERO).unwrap_err())
        };
        let few = terms("workers_min = 1");
        let given = "workers_min is 1: give 2 (one device works, one audits) to workers_max";
        assert!(few.contains(given), "{few}");
        let many = terms("workers_max = 2000");
        assert!(many.contains("workers_max is 2000: give 2 to 1024"), "{many}");
    }

    #[test]
    fn errors_name_the_field() {
        let check = |text: &str, says: &str| {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(says), "{error}");
        };
        check("name = 'a'", "corpus");
        check("name = ''\ncorpus = 'text.txt'", "name is empty");
        check("name = ' '\ncorpus = 'text.txt'", "name is empty");
        check(&format!("name = '{}'\ncorpus = 'text.txt'", "a".repeat(65)), "65 bytes");
        let priced = |price: &str| {
            format!(
                "name = 'a'\ncorpus = 'text.txt'\n[terms]\nprice_per_million_tokens = '{price}'"
            )
        };
        check(&priced("0.0000000000009"), "give at least 0.000000000001 GRAIN");
        check(&priced("0"), "which is 0 for one token");
        check(&priced("much"), "price_per_million_tokens");
        read(&priced("0.000000000001")).unwrap();
        check("name = 'a'\ncorpus = 'missing.txt'", "missing.txt");
        check("name = 'a'\ncorpus = 'text.txt'\n[model]\nlayer = 2", "layer");
        check("name = 'a'\ncorpus = 'text.txt'\n[training]\nbatch = 'big'", "batch");
        check("name = 'a'\ncorpus = 'text.txt'\n[training]\nbatch = 0", "batch");
        check("name = 'a'\ncorpus = 'text.txt'\n[training]\noptimizer = 'sgd'", "muon");
        check("name = 'a'\ncorpus = 'text.txt'\n[training]\noptimizer = 1", "a text");
        check("name = 'a'\ncorpus = 'text.txt'\n[terms]\nworker_min = 0", "worker_min");
    }
}
