//! `gleaner sample`: generates text with a trained model.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use model::instructions::Isa;
use model::{Checkpoint, Sampler, Sampling};
use serde::Serialize;

use crate::failure::Hint as _;
use crate::options::IsaArgs;
use crate::output::Output;

/// Largest number of bytes per call.
const BYTES_MAX: u32 = 1 << 20;

/// Default prompt: a model needs at least one byte before the generated text.
const PROMPT_DEFAULT: &str = "\n";

/// Flags of `gleaner sample`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of the model: `model.safetensors` and `config.json`
    model: PathBuf,
    /// Text to continue
    #[arg(long, value_name = "TEXT", default_value = "")]
    prompt: String,
    /// Number of bytes to generate
    #[arg(long, value_name = "COUNT", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=i64::from(BYTES_MAX)))]
    bytes: u32,
    /// Temperature: 0 always takes the most likely byte, 1 draws from the model's distribution, more is more random
    #[arg(long, default_value_t = 0.8, value_parser = parse_temperature)]
    temperature: f32,
    /// Draw only from this number of most likely bytes
    #[arg(long, value_name = "COUNT", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,
    /// Seed; the same seed gives the same text [default: random]
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

/// Loads the model and generates text.
///
/// # Errors
/// When the model can't be loaded, or a byte of the prompt is not in its vocabulary.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let checkpoint = model::load(&args.model)
        .context("the model can't be loaded")
        .hint("gleaner demo trains one, and prints its path")?;
    let seed = match args.seed {
        Some(seed) => seed,
        // 32 bits, because every JSON parser keeps them exactly.
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

/// Returns `count` bytes that continue `prompt`, computed with `isa`; bytes that are not UTF-8 become `�`.
///
/// # Errors
/// When the model's vocabulary lacks a byte of the prompt, or its sizes are invalid.
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
        "the prompt has a byte outside the model's vocabulary of {}",
        config.vocabulary
    );
    let mut sampler =
        Sampler::new(config, isa, sampling).context("the model can't be used on this machine")?;
    for _ in 0..count {
        let next = sampler.next_token(params, &text);
        text.push(next);
    }
    Ok(String::from_utf8_lossy(&text[start..]).into_owned())
}

/// Returns a seed for the sampler: little-endian, followed by zeros.
pub(crate) fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

fn parse_temperature(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(temperature) if (0.0..=100.0).contains(&temperature) => Ok(temperature),
        _ => Err("give a number from 0 to 100".to_owned()),
    }
}
