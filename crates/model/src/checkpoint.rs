//! Saves and loads a model as a folder: `model.safetensors` and `config.json`, in the format of other tools.
//!
//! Names, shapes and configuration are those of Llama with a tied embedding, values are f32, so programs that load
//! Llama load these.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::config::{Config, ConfigError};
use crate::functions::ROTARY_BASE;
use crate::layout::{Layout, Tensor};
use crate::state::{params_to_bytes, state_digest};

const WEIGHTS_FILE: &str = "model.safetensors";
const CONFIG_FILE: &str = "config.json";
/// Metadata: digest of the parameters, and the sizes of the model as JSON. Written by [`save`], checked by [`load`].
const STATE_KEY: &str = "gleaner.state";
const SIZES_KEY: &str = "gleaner.sizes";
/// The value of `rms_norm_eps`; the f32 nearest to it is added.
const NORM_EPSILON: f64 = 1e-5;

/// A loaded model.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// Its sizes.
    pub config: Config,
    /// Its parameters, in the order of the [`Layout`].
    pub params: Vec<f32>,
    /// Metadata saved beside the tensors.
    pub metadata: BTreeMap<String, String>,
}

/// Why a model can't be saved or loaded. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file can't be read.
    #[error("can't read `{}`: give a folder with {WEIGHTS_FILE} and {CONFIG_FILE}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file can't be written.
    #[error("can't write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The configuration is not that of a Llama model.
    #[error("`{}` is not a Llama configuration", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The error of the JSON parser.
        source: serde_json::Error,
    },
    /// The configuration has a value that this crate does not support.
    #[error("`{}` has {key} = {value}, but only {supported} is supported", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The key of the configuration.
        key: &'static str,
        /// Its value.
        value: String,
        /// The supported value.
        supported: String,
    },
    /// The sizes are invalid.
    #[error("`{}` has invalid model sizes", path.display())]
    Sizes {
        /// The file.
        path: PathBuf,
        /// The invalid size.
        source: ConfigError,
    },
    /// The file of tensors is cut short or damaged.
    #[error("`{}` is not a complete safetensors file: copy or save it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error of the reader.
        source: SafeTensorError,
    },
    /// A tensor is missing.
    #[error("`{}` has no tensor `{name}`, which its configuration needs", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// There is a tensor that the configuration does not need.
    #[error("`{}` has a tensor `{name}` that its configuration does not need", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The first such tensor by name.
        name: String,
    },
    /// A tensor has another shape or type.
    #[error("`{}` has tensor `{name}` as {found}, its configuration needs {expected}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Type and shape in the file.
        found: String,
        /// Type and shape of this configuration.
        expected: String,
    },
    /// The parameters are not those that were saved.
    #[error("`{}` has parameters with the digest {found}, but was saved with {saved}: copy or save it again", path.display())]
    OtherState {
        /// The file.
        path: PathBuf,
        /// Digest of its parameters.
        found: String,
        /// Digest that was written when it was saved.
        saved: String,
    },
    /// The configuration is not that with which the parameters were saved.
    #[error("`{}` has the sizes {found}, but the model was saved with {saved}: restore the file", path.display())]
    OtherSizes {
        /// The file.
        path: PathBuf,
        /// Its sizes.
        found: String,
        /// The sizes that were written when the model was saved.
        saved: String,
    },
    /// A value is infinite or not a number.
    #[error("`{}` has values in `{name}` that are not finite: the training diverged", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
}

/// The keys of Llama's `config.json` that affect the result. Other keys are ignored.
#[derive(Debug, Serialize, Deserialize)]
struct LlamaConfig {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: String,
    #[serde(default = "default_dtype")]
    dtype: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    max_position_embeddings: usize,
    hidden_act: String,
    rms_norm_eps: f64,
    /// The rotary base in version 4 of the transformers library.
    #[serde(default)]
    rope_theta: Option<f64>,
    /// The rotary base in version 5.
    #[serde(default)]
    rope_parameters: Option<RopeParameters>,
    /// Set by version 4 for positions beyond the trained context, which is not supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_scaling: Option<serde_json::Value>,
    tie_word_embeddings: bool,
    attention_bias: bool,
    mlp_bias: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct RopeParameters {
    rope_theta: f64,
    rope_type: String,
}

fn default_dtype() -> String {
    "float32".to_owned()
}

impl LlamaConfig {
    fn new(config: &Config) -> Self {
        Self {
            architectures: vec!["LlamaForCausalLM".to_owned()],
            model_type: "llama".to_owned(),
            dtype: default_dtype(),
            vocab_size: config.vocabulary,
            hidden_size: config.width,
            intermediate_size: config.hidden,
            num_hidden_layers: config.layers,
            num_attention_heads: config.heads,
            num_key_value_heads: config.heads,
            max_position_embeddings: config.context,
            hidden_act: "silu".to_owned(),
            rms_norm_eps: NORM_EPSILON,
            rope_theta: Some(ROTARY_BASE),
            rope_parameters: Some(RopeParameters {
                rope_theta: ROTARY_BASE,
                rope_type: "default".to_owned(),
            }),
            rope_scaling: None,
            tie_word_embeddings: true,
            attention_bias: false,
            mlp_bias: false,
        }
    }

    fn sizes(&self) -> Config {
        Config {
            layers: self.num_hidden_layers,
            width: self.hidden_size,
            heads: self.num_attention_heads,
            context: self.max_position_embeddings,
            vocabulary: self.vocab_size,
            hidden: self.intermediate_size,
        }
    }

    /// Returns the first key with an unsupported value: key, value, supported value.
    fn unsupported(&self) -> Option<(&'static str, String, String)> {
        let heads = self.num_attention_heads;
        let rope = self.rope_parameters.as_ref();
        let theta = self.rope_theta.or(rope.map(|rope| rope.rope_theta)).unwrap_or(ROTARY_BASE);
        let rope_type = rope.map_or("default", |rope| rope.rope_type.as_str());
        let pairs = [
            ("model_type", self.model_type.clone(), "llama".to_owned()),
            ("num_key_value_heads", self.num_key_value_heads.to_string(), heads.to_string()),
            ("hidden_act", self.hidden_act.clone(), "silu".to_owned()),
            ("rms_norm_eps", self.rms_norm_eps.to_string(), NORM_EPSILON.to_string()),
            ("rope_theta", theta.to_string(), ROTARY_BASE.to_string()),
            ("rope_type", rope_type.to_owned(), "default".to_owned()),
            ("rope_scaling", self.rope_scaling.is_some().to_string(), "false".to_owned()),
            ("tie_word_embeddings", self.tie_word_embeddings.to_string(), "true".to_owned()),
            ("attention_bias", self.attention_bias.to_string(), "false".to_owned()),
            ("mlp_bias", self.mlp_bias.to_string(), "false".to_owned()),
        ];
        pairs.into_iter().find(|(_, value, supported)| value != supported)
    }
}

/// An entry of the header of a safetensors file.
#[derive(Serialize)]
#[serde(untagged)]
enum HeaderEntry<'a> {
    Metadata(&'a BTreeMap<String, String>),
    Tensor { dtype: &'static str, shape: &'a [usize], data_offsets: [usize; 2] },
}

/// Writes the model into `folder`, which is created if needed. The same model and metadata give the same bytes. Each
/// file is replaced atomically, so a reader never sees a partial file. The digest of the parameters and the sizes are
/// added to the metadata, so that [`load`] finds any change.
///
/// # Errors
/// [`CheckpointError::Write`] names the file that can't be written.
///
/// # Panics
/// When the length of `params` does not fit `config`.
pub fn save(
    folder: &Path,
    config: &Config,
    params: &[f32],
    metadata: &BTreeMap<String, String>,
) -> Result<(), CheckpointError> {
    assert_eq!(
        params.len(),
        config.parameter_count(),
        "the parameters must have the length of the model"
    );
    std::fs::create_dir_all(folder)
        .map_err(|source| CheckpointError::Write { path: folder.to_owned(), source })?;
    replace(&folder.join(WEIGHTS_FILE), &to_safetensors(config, params, metadata))?;
    let mut json = serde_json::to_vec_pretty(&LlamaConfig::new(config))
        .expect("strings and numbers can be written as JSON");
    json.push(b'\n');
    replace(&folder.join(CONFIG_FILE), &json)
}

/// Returns the file: header size as 8 bytes little-endian, header in JSON padded with blanks to 8 bytes, values.
///
/// Written here, because the crate that reads the format keeps metadata in a hash map, and so in random order.
fn to_safetensors(config: &Config, params: &[f32], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let layout = Layout::new(config);
    // Other readers want the framework whose layout it is; "pt" means row-major `(out, in)`.
    let mut metadata = metadata.clone();
    metadata.insert("format".to_owned(), "pt".to_owned());
    metadata.insert(STATE_KEY.to_owned(), state_digest(params).to_string());
    metadata.insert(SIZES_KEY.to_owned(), sizes_text(config));
    let mut header = BTreeMap::from([("__metadata__", HeaderEntry::Metadata(&metadata))]);
    for Tensor { name, shape, range } in layout.tensors() {
        let data_offsets = [range.start, range.end].map(|position| position * size_of::<f32>());
        header.insert(name, HeaderEntry::Tensor { dtype: "F32", shape, data_offsets });
    }
    let mut header =
        serde_json::to_vec(&header).expect("strings and numbers can be written as JSON");
    header.resize(header.len().next_multiple_of(8), b' ');
    let header_size = u64::try_from(header.len()).expect("a header fits in memory");
    let mut bytes = header_size.to_le_bytes().to_vec();
    bytes.append(&mut header);
    bytes.append(&mut params_to_bytes(params));
    bytes
}

fn sizes_text(config: &Config) -> String {
    serde_json::to_string(config).expect("a flat struct of integers can be written as JSON")
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let part = path.with_extension("part");
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|source| CheckpointError::Write { path: path.to_owned(), source })
}

/// Loads the model in `folder`. If [`save`] wrote it, the parameters and sizes must still be those that were saved; models
/// of other programs have nothing to compare with.
///
/// # Errors
/// [`CheckpointError`] names the file and what is wrong with it.
pub fn load(folder: &Path) -> Result<Checkpoint, CheckpointError> {
    let config = load_config(&folder.join(CONFIG_FILE))?;
    let path = folder.join(WEIGHTS_FILE);
    let bytes = read(&path)?;
    let damaged = |source| CheckpointError::Damaged { path: path.clone(), source };
    let tensors = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let metadata: BTreeMap<String, String> =
        header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    let layout = Layout::new(&config);
    let names: BTreeMap<&str, ()> =
        layout.tensors().iter().map(|t| (t.name.as_str(), ())).collect();
    let unknown = tensors.names().into_iter().filter(|name| !names.contains_key(name)).min();
    if let Some(name) = unknown {
        return Err(CheckpointError::Unknown { path, name: name.to_owned() });
    }
    let mut params = Vec::with_capacity(config.parameter_count());
    for tensor in layout.tensors() {
        read_tensor(&path, &tensors, tensor, &mut params)?;
    }
    let checkpoint = Checkpoint { config, params, metadata };
    check_saved(folder, &checkpoint)?;
    Ok(checkpoint)
}

/// Compares parameters and sizes with those that were saved.
fn check_saved(folder: &Path, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
    let Checkpoint { config, params, metadata } = checkpoint;
    if let Some(saved) = metadata.get(SIZES_KEY)
        && *saved != sizes_text(config)
    {
        let (path, found) = (folder.join(CONFIG_FILE), sizes_text(config));
        return Err(CheckpointError::OtherSizes { path, found, saved: saved.clone() });
    }
    let Some(saved) = metadata.get(STATE_KEY) else { return Ok(()) };
    let found = state_digest(params).to_string();
    if found == *saved {
        return Ok(());
    }
    let path = folder.join(WEIGHTS_FILE);
    Err(CheckpointError::OtherState { path, found, saved: saved.clone() })
}

fn load_config(path: &Path) -> Result<Config, CheckpointError> {
    let bytes = read(path)?;
    let llama: LlamaConfig = serde_json::from_slice(&bytes)
        .map_err(|source| CheckpointError::Syntax { path: path.to_owned(), source })?;
    if let Some((key, value, supported)) = llama.unsupported() {
        let path = path.to_owned();
        return Err(CheckpointError::Unsupported { path, key, value, supported });
    }
    let config = llama.sizes();
    config.validate().map_err(|source| CheckpointError::Sizes { path: path.to_owned(), source })?;
    Ok(config)
}

fn read_tensor(
    path: &Path,
    tensors: &SafeTensors<'_>,
    wanted: &Tensor,
    params: &mut Vec<f32>,
) -> Result<(), CheckpointError> {
    let (path, name) = (path.to_owned(), wanted.name.clone());
    let Ok(found) = tensors.tensor(&name) else {
        return Err(CheckpointError::Missing { path, name });
    };
    if found.dtype() != Dtype::F32 || found.shape() != wanted.shape {
        let found = format!("{:?} {:?}", found.dtype(), found.shape());
        let expected = format!("{:?} {:?}", Dtype::F32, wanted.shape);
        return Err(CheckpointError::Shape { path, name, found, expected });
    }
    let (values, _) = found.data().as_chunks::<4>();
    params.extend(values.iter().map(|value| f32::from_le_bytes(*value)));
    let start = params.len() - values.len();
    if params[start..].iter().any(|value| !value.is_finite()) {
        return Err(CheckpointError::NotFinite { path, name });
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
