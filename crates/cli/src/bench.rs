//! `gleaner bench`: measures the speed of training and of a ledger.

mod execution;
mod ledger;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use benchmark::{Batches, DIGEST_STEPS, Measurement, Run, Size, StepReport, Workload};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::{Activations, instructions::Checked};
use serde::Serialize;
use verification::InnerKind;

use crate::options::IsaArgs;
use crate::output::{self, Output};

/// Without a terminal, seconds of training between two lines of progress.
const REPORT_SECONDS: f64 = 10.0;

/// File beside a saved model with the batches of all steps.
const BATCHES_FILE: &str = "batches.bin";

/// Flags of `gleaner bench`; without a subcommand it trains.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: TrainArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Measure training steps, the default
    Train(TrainArgs),
    /// Measure the transfers per second of a node and the time to their receipts
    Ledger(ledger::Args),
}

/// Flags of `gleaner bench train`.
#[derive(Debug, clap::Args)]
struct TrainArgs {
    /// Model and batch: tiny, demo, canonical, medium, large or huge; published figures are for canonical
    #[arg(long, value_name = "NAME", default_value_t = Size::Canonical)]
    size: Size,
    /// Threads to train with
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    #[command(flatten)]
    isa: IsaArgs,
    /// Optimizer: adamw or muon
    #[arg(long, value_name = "NAME", default_value_t = InnerKind::AdamW)]
    optimizer: InnerKind,
    /// Compute activations a second time instead of keeping them: less memory, about a third more time, the same digest
    #[arg(long)]
    recompute: bool,
    /// Number of timed steps [default: 20, for medium 10, for large and huge 3]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: Option<u32>,
    /// Train on windows of this file, another batch in each step [default: one random batch]
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// Only write the initial parameters and batches, for other programs: model.safetensors, config.json, batches.bin
    #[arg(long, value_name = "DIR")]
    save_start: Option<PathBuf>,
}

/// Keys of `gleaner bench train --json`.
#[derive(Serialize)]
struct Document {
    workload: WorkloadDocument,
    processor: Option<String>,
    optimizer: String,
    isa: String,
    threads: u16,
    is_recomputed: bool,
    steps: usize,
    tokens_per_second: Pair,
    ms_per_step: Pair,
    gflops: Pair,
    peak_gflops_per_core: f64,
    /// Share of `threads` times the peak.
    share_of_peak: Pair,
    cpu_ms_per_step: Option<f64>,
    peak_memory_bytes: Option<u64>,
    digest_steps: usize,
    digest: Option<String>,
    losses: Vec<f32>,
}

/// Figures of the fastest step and of the median step.
#[derive(Clone, Copy, Serialize)]
struct Pair {
    best: f64,
    median: f64,
}

#[derive(Serialize)]
struct WorkloadDocument {
    name: String,
    parameters: usize,
    batch: usize,
    #[serde(flatten)]
    model: model::Config,
}

/// Keys of `gleaner bench train --save-start DIR --json`.
#[derive(Serialize)]
struct Saved<'a> {
    folder: &'a str,
    steps: usize,
    /// Bytes of each step in `batches.bin`: for each sequence its tokens, and the one that follows.
    step_size: usize,
}

/// Measures, or writes what would be measured.
///
/// # Errors
/// When the processor lacks the instructions, or a file can't be read or written.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let args = match args.command {
        Some(Command::Train(args)) => args,
        Some(Command::Ledger(args)) => return ledger::run(&args, output),
        None => args.train,
    };
    let workload = args.size.workload();
    let batches = match &args.text {
        None => Batches::of_noise(workload),
        Some(path) => {
            let shown = path.display();
            let text = fs::read(path).with_context(|| format!("{shown} can't be read"))?;
            Batches::of_text(workload, text).with_context(|| shown.to_string())?
        }
    };
    let steps = args.steps.unwrap_or(match args.size {
        Size::Tiny | Size::Demo | Size::Canonical => 20,
        Size::Medium => 10,
        Size::Large | Size::Huge => 3,
    });
    let steps = usize::try_from(steps)?;
    if let Some(folder) = &args.save_start {
        return save_start(folder, &workload, (&batches, steps), output);
    }
    let isa = args.isa.choose()?;
    let peak = benchmark::peak_gflops(
        Checked::new(isa).context("the chosen instructions are not available")?,
    );
    let run = Run {
        workload,
        batches,
        steps,
        threads: args.threads.into(),
        isa,
        optimizer: args.optimizer,
        activations: if args.recompute { Activations::Recompute } else { Activations::Keep },
    };
    let progress = Progress::new(*output, steps);
    let measured = benchmark::run(&run, &mut progress.follow())?;
    progress.end();
    let document = document(&args, &run, &measured, peak);
    output.print(&document, &text(&document))
}

fn document(args: &TrainArgs, run: &Run, measured: &Measurement, peak: f64) -> Document {
    let (best, median) = (measured.best_seconds(), measured.median_seconds());
    let pair = |figure: &dyn Fn(f64) -> f64| Pair { best: figure(best), median: figure(median) };
    let all = peak * f64::from(args.threads);
    Document {
        workload: WorkloadDocument {
            name: args.size.to_string(),
            parameters: run.workload.config.parameter_count(),
            batch: run.workload.batch,
            model: run.workload.config,
        },
        processor: benchmark::processor(),
        optimizer: args.optimizer.to_string(),
        isa: run.isa.to_string(),
        threads: args.threads,
        is_recomputed: args.recompute,
        steps: run.steps,
        tokens_per_second: pair(&|seconds| measured.tokens_per_second(seconds)),
        ms_per_step: pair(&|seconds| seconds * 1e3),
        gflops: pair(&|seconds| measured.gflops(seconds)),
        peak_gflops_per_core: peak,
        share_of_peak: pair(&|seconds| measured.gflops(seconds) / all),
        cpu_ms_per_step: measured.cpu_ms_per_step(),
        peak_memory_bytes: measured.peak_memory_bytes,
        digest_steps: DIGEST_STEPS,
        digest: measured.digest.map(|digest| digest.to_string()),
        losses: measured.steps.iter().map(|step| step.loss).collect(),
    }
}

fn text(document: &Document) -> String {
    let WorkloadDocument { name, parameters, batch, model } = &document.workload;
    let Document { optimizer, isa, threads, steps, .. } = document;
    let lean = if document.is_recomputed { ", activations computed twice" } else { "" };
    let known = |figure: Option<String>| {
        figure.unwrap_or_else(|| "not available on this system".to_owned())
    };
    let cpu = document.cpu_ms_per_step.map(|ms| format!("{ms:.1} ms per step"));
    // The operating system counts in pages, so whole MiB are precise enough.
    let memory = document.peak_memory_bytes.map(|bytes| format!("{} MiB", bytes >> 20));
    let digest = document.digest.as_ref().map_or_else(
        || format!("needs at least {DIGEST_STEPS} steps"),
        |digest| format!("{digest} after {DIGEST_STEPS} steps"),
    );
    let (first, last) = (document.losses.first(), document.losses.last());
    let rows = [
        (
            "workload",
            format!(
                "{name}: {parameters} parameters, {} layers of width {}, context {}, batch {batch}",
                model.layers, model.width, model.context
            ),
        ),
        ("run", format!("{steps} steps of {optimizer}, {isa}, {threads} threads{lean}")),
        ("throughput", pair("tokens/s", 0, document.tokens_per_second)),
        ("latency", pair("ms per step", 1, document.ms_per_step)),
        ("CPU time", known(cpu)),
        ("compute", pair("GFLOP/s", 1, document.gflops)),
        (
            "of the peak",
            format!(
                "{}, of {:.1} GFLOP/s per core",
                pair("%", 1, percent(document.share_of_peak)),
                document.peak_gflops_per_core
            ),
        ),
        ("memory", known(memory)),
        ("loss", format!("{:.5} to {:.5}", first.unwrap_or(&f32::NAN), last.unwrap_or(&f32::NAN))),
        ("digest", digest),
    ];
    output::lines(&rows.map(|(name, figure)| vec![name.to_owned(), figure]))
}

fn pair(unit: &str, digits: usize, Pair { best, median }: Pair) -> String {
    format!("{best:.digits$} {unit} best, {median:.digits$} median")
}

fn percent(Pair { best, median }: Pair) -> Pair {
    Pair { best: best * 100.0, median: median * 100.0 }
}

fn save_start(
    folder: &Path,
    workload: &Workload,
    (batches, steps): (&Batches, usize),
    output: &Output,
) -> anyhow::Result<()> {
    let metadata = [("made_by".to_owned(), "gleaner bench train".to_owned())].into();
    let params = workload.initial_parameters();
    model::save(folder, &workload.config, &params, &metadata)?;
    let path = folder.join(BATCHES_FILE);
    let windows: Vec<u8> = (0..steps).flat_map(|step| batches.windows(step)).collect();
    fs::write(&path, &windows).with_context(|| format!("{} can't be written", path.display()))?;
    let shown = folder.display().to_string();
    let step_size = windows.len() / steps;
    output.print(
        &Saved { folder: &shown, steps, step_size },
        &format!("initial parameters and {steps} batches of {step_size} bytes are in {shown}"),
    )
}

/// Shows progress on stderr: a bar in a terminal, else a line from time to time.
struct Progress {
    output: Output,
    bar: ProgressBar,
    steps: usize,
}

impl Progress {
    fn new(output: Output, steps: usize) -> Self {
        let target = if output.is_live() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let length = u64::try_from(steps).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let style = ProgressStyle::with_template("{bar:24} step {pos}/{len}  {elapsed}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { output, bar, steps }
    }

    fn follow(&self) -> impl FnMut(StepReport) + '_ {
        let mut silent = 0.0;
        move |StepReport { step, loss, seconds }| {
            self.bar.inc(1);
            self.bar.set_message(format!("loss {loss:.4}  {:.0} ms", seconds * 1e3));
            silent += seconds;
            if !self.output.is_live() && silent >= REPORT_SECONDS {
                silent = 0.0;
                self.output.say(&format!("step {step} of {}: loss {loss:.4}", self.steps));
            }
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use benchmark::Size;
    use verification::RunSpec;

    #[test]
    fn the_size_demo_is_that_of_the_demo() {
        let (workload, spec) = (Size::Demo.workload(), RunSpec::small(24, [1; 32]));
        assert_eq!((workload.config, workload.batch), (spec.model, spec.batch.try_into().unwrap()));
    }
}
