//! `gleaner sample`: text from a trained model.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use model::instructions::Isa;
use model::{Checkpoint, Sampler, Sampling};
use serde::Serialize;

use crate::failure::Hint as _;
use crate::options::IsaArgs;
use crate::output::Output;

/// Most bytes one call writes.
const BYTES_MAX: u32 = 1 << 20;

/// What stands before the text when no prompt is given: a model needs something to go on from.
const PROMPT_DEFAULT: &str = "\n";

/// Flags of `gleaner sample`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the model: `model.safetensors` and `config.json`
    model: PathBuf,
    /// What the text goes on from
    #[arg(long, value_name = "TEXT", default_value = "")]
    prompt: String,
    /// How much to write
    #[arg(long, value_name = "COUNT", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=i64::from(BYTES_MAX)))]
    bytes: u32,
    /// 0 takes the likeliest byte always; 1 draws as the model says; more is wilder
    #[arg(long, default_value_t = 0.8, value_parser = parse_temperature)]
    temperature: f32,
    /// Draw from so many of the likeliest bytes only
    #[arg(long, value_name = "COUNT", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,
    /// The same seed gives the same text [default: a random one]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    isa: IsaArgs,
}

/// Keys of `gleaner sample --json`.
#[derive(Serialize)]
struct Document<'a> {
    model: &'a str,
    prompt: &'a str,
    text: &'a str,
    bytes: u32,
    seed: u64,
}

/// Loads the model and writes.
///
/// # Errors
/// When the model can't be loaded, or does not know a byte of the prompt.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let checkpoint = model::load(&args.model)
        .context("the model can't be loaded")
        .hint("gleaner demo trains one, and prints its path")?;
    let seed = match args.seed {
        Some(seed) => seed,
        // 32 bits, so that every reader of JSON keeps it exactly.
        None => getrandom::u32()
            .map_err(|error| anyhow::anyhow!("no random bytes from the operating system: {error}"))?
            .into(),
    };
    let sampling = Sampling {
        temperature: args.temperature,
        top_k: args.top_k.into(),
        seed: seed_bytes(seed),
    };
    let isa = args.isa.choose()?;
    let text = continuation(&checkpoint, &args.prompt, (args.bytes, isa), sampling)?;
    let path = args.model.display().to_string();
    let document =
        Document { model: &path, prompt: &args.prompt, text: &text, bytes: args.bytes, seed };
    output.print(&document, &format!("{}{text}", args.prompt))
}

/// `count` bytes that follow `prompt`, computed with `isa`; bytes that are no UTF-8 become `�`.
///
/// # Errors
/// When the model's vocabulary lacks a byte of the prompt, or its sizes make no model here.
pub(crate) fn continuation(
    checkpoint: &Checkpoint,
    prompt: &str,
    (count, isa): (u32, Isa),
    sampling: Sampling,
) -> anyhow::Result<String> {
    let Checkpoint { config, params, .. } = checkpoint;
    let mut text = if prompt.is_empty() { PROMPT_DEFAULT } else { prompt }.as_bytes().to_vec();
    let start = text.len();
    let unknown = text.iter().find(|&&byte| config.vocabulary <= usize::from(byte));
    ensure!(
        unknown.is_none(),
        "the prompt has a byte that is not among the {} the model knows",
        config.vocabulary
    );
    let mut sampler =
        Sampler::new(config, isa, sampling).context("the model can't be sampled here")?;
    for _ in 0..count {
        let next = sampler.next_token(params, &text);
        text.push(next);
    }
    Ok(String::from_utf8_lossy(&text[start..]).into_owned())
}

/// A seed as the sampler takes it: little-endian, zeros behind.
pub(crate) fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

fn parse_temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(temperature) if (0.0..=100.0).contains(&temperature) => Ok(temperature),
        _ => Err("a temperature is a number from 0 to 100".to_owned()),
    }
}
